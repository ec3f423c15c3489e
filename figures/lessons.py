"""Draw a mistake whose two lines of code give a curve each."""

import math
from html import escape
from typing import TYPE_CHECKING

from figures.curves import Curves, Line, gaps, look_here, within

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.evidence import CurveMistake


def mistake(result: "CurveMistake", *, wrong: bool) -> tuple[Curves | str, ...]:
    """Draw both curves, with the argument that leads to them, or what torch said."""
    return told(result, curves(result, wrong=wrong), wrong=wrong)


def told(result: "CurveMistake", *drawn: Curves, wrong: bool) -> tuple[Curves | str, ...]:
    """Put an argument before what follows from it, and torch's words after what was tried."""
    text = list(result.steps)
    if result.said:
        # Said in both cases, so that the page below stays where it is.
        text.append(f"torch says: {result.said}" if wrong else "torch says nothing.")
    if not text:
        return drawn
    words = f"<div><pre>{escape(chr(10).join(text))}</pre></div>"
    return (words, *drawn) if result.steps else (*drawn, words)


def curves(
    result: "CurveMistake",
    *,
    wrong: bool,
    title: str = "{shows} under the {line} line, beside the {other} one",
    name: str = "the {line} line",
    shape: str = "line",
    least: float | None = None,
    gone: str = "not finite",
) -> Curves:
    """Draw both curves, the one that runs thicker, marked where to look.

    The right line is always the first and blue, the wrong one orange and dashed.

    Args:
        result: What both lines give.
        wrong: Whether the wrong line runs.
        title: Of the chart, where the result has none; may hold ``{shows}``, ``{line}`` for the
            line that runs, and ``{other}``.
        name: Of each curve, where the result names none; holds ``{line}``.
        shape: Of the lines, one of `figures.curves.SHAPES`.
        least: Where a logarithmic axis draws what is smaller; None leaves it out.
        gone: What there is where the wrong line has no number.
    """
    line, other = ("wrong", "right") if wrong else ("right", "wrong")
    if result.names:
        named = dict(zip(result.names, (result.wrong, result.right), strict=True))
        running = result.names[0]
    else:
        named = {name.format(line="right"): result.right, name.format(line="wrong"): result.wrong}
        running = name.format(line=line)
    first = named[running]
    ((beside, second),) = [entry for entry in named.items() if entry[0] != running]

    def high(values: "Tensor") -> "Tensor":
        return values if least is None or not result.log else values.clamp(min=least)

    look = result.look if wrong or result.look_right is None else result.look_right
    at = -1 if look is None else look
    x = float(at % len(first) if result.x is None else result.x[at])
    value, height = float(first[at]), float(high(first)[at])
    seen = look is not None and (height > 0 or not result.log)
    if look is None:
        # Gradients set out from the last layer, where they are all alike.
        alike = math.isclose(first[-1], second[-1], rel_tol=1e-3)
        start = None if not alike else 0.0 if result.x is None else float(result.x[0])
    lost = int((~result.wrong.isfinite()).sum())
    shows = f"{result.shows[0].upper()}{result.shows[1:]}"
    return Curves(
        lines=tuple(
            Line(
                label,
                within(high(row) if label in named else row),
                result.x,
                shape=shape,
                strong=label == running and not result.names,
            )
            for label, row in (*named.items(), *result.others.items())
        ),
        title=result.title or title.format(shows=shows, line=line, other=other),
        x_title=result.over,
        y_title=result.shows,
        log=result.log,
        marks=look_here(x, value, height) if seen else (),
        look=start if look is None else x,
        bands=gaps(result.wrong, result.x, words=f"wrong line: {gone}"),
        references=(result.limit,) if result.limit else (),
        height=240,
        alt=f"{shows} at {x:.4g}: {running} {value:.4g}, {beside} {float(second[at]):.4g}."
        + (f" {lost} values of the wrong line are not finite." if lost else ""),
    )
