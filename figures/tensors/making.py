"""Draw what `explainers.tensors.making` computes beside its stage."""

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style

if TYPE_CHECKING:
    from explainers.tensors.making.rulers import Ruler, Rulers

_WIDE = 1000  # of a drawing in its own units; the page stretches it
_PHONE = 300  # pixels, on which labels must not meet
_LETTER = 7.0
_COLOURS = (style.BLUE, style.GREEN, style.PURPLE)


def rulers(found: "Rulers") -> str:
    """Draw the numbers of arange, linspace and logspace over one scale from start to end."""
    low = found.start
    high = max(found.end, *(ruler.places[-1] for ruler in found.each))
    inner = "".join(
        _ruler(ruler, found, low, high, colour)
        for ruler, colour in zip(found.each, _COLOURS, strict=True)
    )
    words = [f"{_name(ruler)} {'holds' if ruler.reaches else 'leaves out'}" for ruler in found.each]
    alt = (
        f"Three rulers from {found.start:g} to {found.end:g}. "
        + ", ".join(f"{said} its end" for said in words)
        + ". "
        + " ".join(
            f"{_name(ruler)}: {', '.join(f'{value:.4g}' for value in ruler.values)}."
            for ruler in found.each
        )
    )
    return style.drawing(
        inner,
        kind="rulers",
        alt=alt,
        names=("call", "index", "number", "on the ruler", "is end"),
        rows=[
            (ruler.call, str(index), f"{value:.8g}", f"{place:.8g}", _is_end(ruler, index))
            for ruler in found.each
            for index, (value, place) in enumerate(zip(ruler.values, ruler.places, strict=True))
        ],
        words=length(found),
    )


def length(found: "Rulers") -> str:
    """Return how arange comes to its length, in a sentence."""
    start = f"{found.end:g} - {found.start:g}"
    return (
        f"({start}) / {found.step:g} is {found.quotient!r} in float64; rounded up, arange has "
        f"{len(found.each[0].values)} numbers."
    )


def _name(ruler: "Ruler") -> str:
    return ruler.call.partition("(")[0].removeprefix("torch.")


def _is_end(ruler: "Ruler", index: int) -> str:
    return "yes" if ruler.reaches and index == len(ruler.values) - 1 else "no"


def _ruler(ruler: "Ruler", found: "Rulers", low: float, high: float, colour: str) -> str:
    def at(place: float) -> float:
        return 100 * (place - low) / (high - low)

    ticks = "".join(f"M{_WIDE / 100 * at(place):.1f} 8V26" for place in ruler.places)
    end = _WIDE / 100 * at(found.end)
    said = "end is in" if ruler.reaches else "end is out"
    log = _name(ruler) == "logspace"
    ends = f"10^{found.end:g} = {10**found.end:.4g}" if log else f"{found.end:g}"
    drawing = (
        f'<svg viewBox="0 0 {_WIDE} 34" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="axis" d="M0 17H{_WIDE}"/>'
        f'<path class="end" d="M{end:.1f} 0V34"/>'
        f'<path d="{ticks}" stroke="{colour}"/></svg>'
    )
    mark = "in" if ruler.reaches else "out"
    return (
        f"<section><p><code>{escape(ruler.call)}</code> {len(ruler.values)} numbers, "
        f"<b>{said}</b>: {escape(ends)}</p>"
        f'<div class="track">{drawing}'
        f'<i class="{mark}" style="left:{at(found.end):.2f}%;border-color:{colour};'
        f'--in:{colour}"></i>{_labels(ruler, at)}</div></section>'
    )


def _labels(ruler: "Ruler", at: Callable[[float], float]) -> str:
    """Return the numbers below their ticks: the first, the last, and those between that fit."""
    taken: list[tuple[float, float]] = []
    drawn = []
    order = [0, len(ruler.values) - 1, *range(1, len(ruler.values) - 1)]
    for index in dict.fromkeys(order):
        text = f"{ruler.values[index]:.4g}"
        half = (len(text) / 2 + 0.6) * _LETTER
        place = at(ruler.places[index])
        centre = min(max(place / 100 * _PHONE, half), _PHONE - half)
        if all(centre + half <= left or centre - half >= right for left, right in taken):
            taken.append((centre - half, centre + half))
            room = len(text) / 2 + 0.2
            drawn.append(
                f'<span style="left:clamp({room:.1f}ch,{place:.2f}%,calc(100% - {room:.1f}ch))">'
                f"{text}</span>"
            )
    return "".join(drawn)


FIGURES: Mapping[str, Callable[[Any], str]] = {"range": rulers}
