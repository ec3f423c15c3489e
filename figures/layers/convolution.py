"""Draw what `explainers.layers.convolution` computes."""

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style
from figures.linked import Linked

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.layers.convolution.gridding import Stack
    from explainers.layers.convolution.grouping import Wiring
    from explainers.layers.convolution.linking import Windows
    from explainers.layers.convolution.ruler import Ruler
    from explainers.layers.convolution.signal import Moments

_COLOURS = (
    style.BLUE,
    style.VERMILION,
    style.GREEN,
    style.PURPLE,
    style.ORANGE,
    style.SKY,
    style.YELLOW,
    style.NEUTRAL,
)


def window(found: "Windows") -> tuple[Linked | str, ...]:
    """Draw the kernel to type over beside the output, and the picture beside it."""
    if found.output is None or found.pixels is None or found.weights is None:
        return (refused(found.refusal),)
    shapes = f"{_sides(found.kernel)} kernel, {_sides(found.output)} output"
    return (
        Linked(
            found.kernel,
            found.output,
            found.weights,
            alt=f"{shapes}. Kernel: {_spelled(found.kernel)}. Output: {_spelled(found.output)}.",
            source_title="kernel (type a number)",
            output_title="y",
            in_name="kernel",
            out_name="y",
            numbers=True,
            editable=True,
            minimum=-9,
            maximum=9,
        ),
        Linked(
            found.picture,
            found.output,
            found.pixels,
            alt=f"{_sides(found.picture)} picture, {shapes}: each output is a sum of pixels.",
            source_title="picture",
            output_title="y",
            in_name="x",
            out_name="y",
            empty_text="its window lies on zeros alone",
            shared_range=False,
            size=260,
        ),
        style.drawing(
            "",
            kind="said",
            alt=fitted(found),
            names=("row of y", "numbers"),
            rows=[
                (str(at), ", ".join(f"{value:g}" for value in row))
                for at, row in enumerate(found.output.tolist())
            ],
            words=fitted(found),
        ),
    )


def fitted(found: "Windows") -> str:
    """Return how large a window is, how many fit and what comes out, in a sentence."""
    if found.output is None:
        return found.refusal
    rows, columns = found.output.shape
    span = " × ".join(map(str, found.span))
    return (
        f"A window reads {_sides(found.kernel)} pixels out of {span}; {rows} × {columns} windows "
        f"fit, and y goes from {float(found.output.min()):.4g} to "
        f"{float(found.output.max()):.4g}."
    )


def _sides(table: "Tensor") -> str:
    return " × ".join(map(str, table.shape))


def _spelled(table: "Tensor") -> str:
    return "; ".join(", ".join(f"{value:g}" for value in row) for row in table.tolist())


def signal(found: "Moments") -> tuple[Linked | str, ...]:
    """Draw the signal to type over beside what comes of it."""
    return (
        Linked(
            found.signal,
            found.output,
            found.links,
            alt=f"Signal: {_spelled(found.signal)}. Output: {_spelled(found.output)}. "
            + looks(found),
            source_title="signal (type a number)",
            output_title="y",
            in_name="x",
            out_name="y",
            numbers=True,
            editable=True,
            minimum=-9,
            maximum=9,
        ),
        style.drawing(
            "",
            kind="said",
            alt=looks(found),
            names=("moment", "y"),
            rows=[(str(at), f"{value:g}") for at, value in enumerate(found.output[0].tolist())],
            words=looks(found),
        ),
    )


def looks(found: "Moments") -> str:
    """Return how far ahead an output reads, in a sentence."""
    if not found.ahead:
        return "No output reads later than its own moment."
    moments = "moment" if found.ahead == 1 else "moments"
    return f"Outputs read up to {found.ahead} {moments} ahead."


def refused(message: str) -> str:
    """Return what torch said in place of a drawing."""
    said = message.splitlines()[0] if message else "no reason"
    words = f"Torch refuses: {said}"
    return style.drawing(
        "", kind="said", alt=words, names=("torch said",), rows=[(said,)], words=words
    )


def ruler(found: "Ruler") -> str:
    """Draw the padded row, below it each window, and how many windows read each pixel."""
    if found.refusal:
        return refused(found.refusal)
    first = -found.padding
    count = found.length + 2 * found.padding

    def column(at: int) -> int:
        return at - first + 1

    cells = "".join(_pixel(found, at, column(at)) for at in range(first, first + count))
    bars = ""
    for row, taps in enumerate(found.windows, 2):
        ends = f"{column(taps[0])}/{column(taps[-1]) + 1}"
        bars += f'<u style="grid-row:{row};grid-column:{ends}"></u>'
        bars += "".join(f'<b style="grid-row:{row};grid-column:{column(at)}"></b>' for at in taps)
    words = sized(found)
    return style.drawing(
        f'<div style="--count:{count}">{cells}{bars}</div>',
        kind="windows",
        alt=f"{found.length} pixels, {found.padding} zeros on each side, {len(found.windows)} "
        f"windows. {words}",
        names=("pixel", "windows that read it"),
        rows=[(str(at), str(reads)) for at, reads in enumerate(found.reads)],
        words=words,
    )


def _pixel(found: "Ruler", at: int, column: int) -> str:
    inside = 0 <= at < found.length
    kind = "pad" if not inside else "off" if at in found.unread else "on"
    return f'<i class="{kind}" style="grid-column:{column}">{at if inside else 0}</i>'


def sized(found: "Ruler") -> str:
    """Return how the size comes about, and which pixels are unread, in sentences."""
    quotient = found.whole / found.stride
    down = "" if quotient == int(quotient) else f", rounded down to {math.floor(quotient)}"
    said = (
        f"{found.whole} / {found.stride} is {quotient:.4g}{down}; with the first window "
        f"{len(found.windows)}."
    )
    if not found.unread:
        return f"{said} Every pixel is read."
    pixels = "Pixel" if len(found.unread) == 1 else "Pixels"
    is_are = "is" if len(found.unread) == 1 else "are"
    return f"{said} {pixels} {', '.join(map(str, found.unread))} {is_are} read by no window."


def stack(found: "Stack") -> str:
    """Draw the field once a layer: from one output down to the pixels that it reads."""
    last = len(found.rates)
    names = ["one output"] + [
        f"below layer {last - depth}, dilation {found.rates[last - depth - 1]}"
        for depth in range(last)
    ]
    total = found.side**2
    figures = "".join(
        f"<figure><figcaption>{escape(name)}<br/><b>{touched}</b> of {total}</figcaption>"
        f"{_field(depth, found.side)}</figure>"
        for name, touched, depth in zip(names, found.touched, found.depths, strict=True)
    )
    words = spread(found)
    return style.drawing(
        figures,
        kind="fields",
        alt=f"{found.side} × {found.side} pixels, {len(names)} times. {words}",
        names=("depth", "pixels read", "most ways to one pixel"),
        rows=[
            (name, str(touched), str(max(depth)))
            for name, touched, depth in zip(names, found.touched, found.depths, strict=True)
        ],
        words=words,
    )


def _field(depth: tuple[int, ...], side: int) -> str:
    most = max(depth)
    cells = "".join(
        f'<rect x="{at % side}" y="{at // side}" width="1" height="1" '
        f'fill-opacity="{0.35 + 0.65 * count / most:.2f}"/>'
        for at, count in enumerate(depth)
        if count
    )
    lines = "".join(f"M{at} 0V{side}M0 {at}H{side}" for at in range(side + 1))
    return (
        f'<svg viewBox="-0.1 -0.1 {side + 0.2} {side + 0.2}" aria-hidden="true">{cells}'
        f'<path d="{lines}"/></svg>'
    )


def spread(found: "Stack") -> str:
    """Return what is read of the field, in a sentence."""
    touched, total = found.touched[-1], found.side**2
    if touched == total:
        return f"All {total} pixels of the field make a difference to the output."
    return (
        f"The output reads {touched} of the {total} pixels of its field; {total - touched} make no "
        "difference to it."
    )


_STEP, _WIDE = 26, 300


def wiring(found: "Wiring") -> str:
    """Draw channels in and out, and a wire where one reaches the other."""
    if found.refusal:
        return refused(found.refusal)
    tall = _STEP * max(found.ins, found.outs)

    def height(at: int, count: int) -> float:
        return tall / count * (at + 0.5)

    wires = ""
    for begin, end in found.wires:
        strong = ' class="cut"' if begin == found.zeroed else ""
        wires += (
            f'<path{strong} d="M64 {height(begin, found.ins):.1f}L{_WIDE - 64} '
            f'{height(end, found.outs):.1f}" stroke="{_colour(found, begin)}"/>'
        )
    left = "".join(
        _channel("in", at, 52, height(at, found.ins), at == found.zeroed) for at in range(found.ins)
    )
    right = "".join(
        _channel("out", at, _WIDE - 52, height(at, found.outs), at in found.changed)
        for at in range(found.outs)
    )
    svg = f'<svg viewBox="0 0 {_WIDE} {tall}" aria-hidden="true">{wires}{left}{right}</svg>'
    facts = (
        ("weights", f"{found.numbers}"),
        ("with one group", f"{found.dense}"),
        ("zeroed", f"channel in {found.zeroed}"),
        ("changed", f"channels out {', '.join(map(str, found.changed))}"),
    )
    words = reached(found)
    return style.drawing(
        f"<figure>{svg}</figure><ul>"
        + "".join(f"<li><b>{escape(name)}</b> {escape(value)}</li>" for name, value in facts)
        + "</ul>",
        kind="wires",
        alt=f"{found.ins} channels in, {found.outs} out, {len(found.wires)} wires in "
        f"{found.groups} groups. {words}",
        names=("channel in", "reaches channels out"),
        rows=[
            (str(at), ", ".join(str(end) for begin, end in found.wires if begin == at))
            for at in range(found.ins)
        ],
        words=words,
    )


def _colour(found: "Wiring", begin: int) -> str:
    return _COLOURS[begin * found.groups // found.ins % len(_COLOURS)]


def _channel(name: str, at: int, x: float, y: float, marked: bool) -> str:
    place = f'x="{x - 12:.0f}" text-anchor="end"' if name == "in" else f'x="{x + 12:.0f}"'
    kind = f"{name} marked" if marked else name
    return (
        f'<circle class="{kind}" cx="{x}" cy="{y:.1f}" r="8"/>'
        f'<text {place} y="{y + 4:.1f}">{name} {at}</text>'
    )


def reached(found: "Wiring") -> str:
    """Return what the zeroed channel changes, in a sentence."""
    count, outs = len(found.changed), found.outs
    if count == outs:
        return f"Channel {found.zeroed} reaches every output."
    return f"Channel {found.zeroed} reaches {count} of the {outs} outputs; the others never see it."


FIGURES: Mapping[str, Callable[[Any], Any]] = {
    "window": window,
    "signal": signal,
    "size": ruler,
    "gridding": stack,
    "groups": wiring,
}
