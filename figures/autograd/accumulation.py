"""Draw what `explainers.autograd.accumulation` computes beside its stage."""

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style
from figures.curves import Curves, Line
from figures.plane import Plane, number

if TYPE_CHECKING:
    from explainers.autograd.accumulation.arrows import Clipped
    from explainers.autograd.accumulation.reach import Reach
    from explainers.autograd.accumulation.walks import Walks

_SHAPES = {
    "norm 2": "circle",
    "norm 1": "diamond",
    "norm inf": "square",
    "value": "square",
}


def arrows(found: "Clipped") -> str:
    """Draw a gradient before and after clipping, and the outline of what is short enough."""
    finite = [abs(value) for value in (*found.before, *found.after) if math.isfinite(value)]
    plane = Plane(1.15 * max(found.most, *finite))
    parts = plane.frame(found.outline, found.most)
    parts += plane.arrow(found.before, style.NEUTRAL)
    if all(map(math.isfinite, found.after)):
        parts += plane.arrow(found.after, style.VERMILION)
    drawn = plane.drawn(parts, "first entry to the right, second upward; the third is 0")
    facts = "".join(
        f'<li><b style="--mark:{colour}">{escape(name)}</b> {escape(value)}</li>'
        for name, value, colour in (
            ("before", _vector(found.before), style.NEUTRAL),
            ("after", _vector(found.after), style.VERMILION),
            (f"the {_SHAPES[found.how]}", _bound(found), style.BLUE),
        )
    )
    words = sentence(found)
    return style.drawing(
        f"{drawn}<ul>{facts}</ul>",
        kind="clip",
        alt=f"Arrow before, {_vector(found.before)}; after, {_vector(found.after)}; a "
        f"{_SHAPES[found.how]} where {_bound(found)}. {words}",
        names=("", "entry 0", "entry 1", "entry 2", _norm(found.how)),
        rows=[
            ("before", *map(number, found.before), _returned(found)),
            ("after", *map(number, found.after), number(found.shorter)),
            ("the bound", "", "", "", number(found.most)),
        ],
        words=words,
    )


def sentence(found: "Clipped") -> str:
    """Return what was returned and what became of the gradient, in sentences."""
    if found.total is None:
        said = "Nothing is returned."
    else:
        said = (
            f"Returned is {number(found.total)}, the {_norm(found.how)} before clipping; after "
            f"it, it is {number(found.shorter)}."
        )
    if math.isnan(found.turned):
        return f"{said} What is left has no direction."
    if found.before == found.after:
        return f"{said} The gradient was short enough, and is as it was."
    turned = f"turned by {found.turned:.1f} degrees" if found.turned > 0.05 else "not turned"
    return f"{said} The arrow is {turned}."


def _vector(values: tuple[float, ...]) -> str:
    return f"[{', '.join(map(number, values))}]"


def _norm(how: str) -> str:
    return "largest magnitude" if how == "value" else how.replace("norm ", "norm of order ")


def _bound(found: "Clipped") -> str:
    return f"the {_norm(found.how)} is {number(found.most)}"


def _returned(found: "Clipped") -> str:
    if found.total is None:
        return number(max(map(abs, found.before)))
    return number(found.total)


def chain(found: "Reach") -> str:
    """Draw the states in a row, coloured by how much of the last one's gradient comes to each."""
    most = max(abs(slope) for slope in found.slopes if slope is not None)
    last = len(found.states)
    inner = ""
    for turn, (state, slope, part, whole) in enumerate(
        zip(found.states, found.slopes, found.parts, found.whole, strict=True)
    ):
        if turn and turn % found.every == 0:
            inner += '<li class="cut"><b>detach</b></li>'
        share = 0 if slope is None else round(12 + 48 * abs(slope) / most)
        kind = "none" if slope is None else "reached"
        inner += (
            f'<li class="{kind}" style="--share:{share}%"><b>h{_low(turn + 1)} = {state:.4g}</b>'
            f"<span>slope {'none' if slope is None else f'{slope:.3g}'}</span>"
            f"<span>adds {part:.4g}</span>"
            + (f"<small>uncut {whole:.4g}</small>" if part != whole else "")
            + "</li>"
        )
    reached = sum(slope is not None for slope in found.slopes)
    total, uncut = sum(found.parts), sum(found.whole)
    words = (
        f"The gradient of h{_low(last)} reaches back {reached} of {last} "
        f"{'turn' if last == 1 else 'turns'}: w.grad is {total:.4g}, and uncut it would be "
        f"{uncut:.4g}."
    )
    return style.drawing(
        f"<ol>{inner}</ol>",
        kind="chain",
        alt=f"A chain of {last} states, cut before every turn that {found.every} divides. {words}",
        names=("turn", "state", "slope of the last state", "adds to w.grad", "uncut"),
        rows=[
            (
                str(turn + 1),
                f"{state:.6g}",
                "none" if slope is None else f"{slope:.6g}",
                f"{part:.6g}",
                f"{whole:.6g}",
            )
            for turn, (state, slope, part, whole) in enumerate(
                zip(found.states, found.slopes, found.parts, found.whole, strict=True)
            )
        ],
        words=words,
    )


def _low(number: int) -> str:
    """Return a number as an index below the line."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def walks(found: "Walks") -> tuple[Curves, str]:
    """Draw w over the turns in each way to zero, and what step found in w.grad."""
    words = walked(found)
    # To four decimals: float32 has no more of a 5, and a phone no room for them.
    lines = tuple(
        Line(walk.words, walk.weights.round(decimals=4), strong=walk.name == found.chosen)
        for walk in found.each
        if walk.name != "momentum"  # it lies on the one that is never zeroed, as the words say
    )
    chart = Curves(
        lines=lines,
        title="w over the turns, by when gradients are zeroed",
        x_title="turn",
        y_title="w",
        noun="turn",
        look=float(found.turns),
        height=240,
        alt=words,
    )
    return chart, _bars(found, words)


def walked(found: "Walks") -> str:
    """Return where each way is at the lesson's turn, and how far it is from 0 in the end."""
    half = len(found.each[0].gradients) // 2
    here = ", ".join(f"{walk.words} {walk.weights[found.turns]:.3g}" for walk in found.each)
    late = ", ".join(f"{walk.weights[-half:].abs().max():.2g}" for walk in found.each)
    return (
        f"w after turn {found.turns}, zeroed {here}. In the last {half} turns it is up to {late} "
        "from 0."
    )


def _bars(found: "Walks", words: str) -> str:
    """Return what step found in w.grad, turn by turn, as bars above and below a line."""
    (walk,) = (each for each in found.each if each.name == found.chosen)
    most = max(walk.gradients.abs().max().item(), 1e-9)
    bars = ""
    for turn, value in enumerate(walk.gradients.tolist(), 1):
        up, down = (
            f'<i style="height:{100 * max(part, 0) / most:.1f}%"></i>' for part in (value, -value)
        )
        kind = ' class="now"' if turn == found.turns else ""
        bars += f"<li{kind}><span>{up}</span><span>{down}</span></li>"
    return style.drawing(
        f"<p>w.grad at each step, zeroed {escape(walk.words)}: up to {most:.3g} from 0</p>"
        + f"<ol>{bars}</ol>",
        kind="steps",
        alt=f"Bars of w.grad over {len(walk.gradients)} turns, zeroed {walk.words}: "
        f"{walk.gradients[found.turns - 1]:.4g} at turn {found.turns}.",
        names=("turn", "w.grad", "w after it"),
        rows=[
            (str(turn), f"{grad:.6g}", f"{weight:.6g}")
            for turn, (grad, weight) in enumerate(
                zip(walk.gradients.tolist(), walk.weights.tolist()[1:], strict=True), 1
            )
        ],
        words=words,
    )


FIGURES: Mapping[str, Callable[[Any], str | tuple[Curves, str]]] = {
    "clip": arrows,
    "truncated": chain,
    "zero_grad": walks,
}
