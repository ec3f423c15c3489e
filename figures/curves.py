"""What a line chart shows: lines, bands, marks and references over one x axis.

`ui.curves` draws it, faster than Plotly does. Figure functions build these; no number is made here.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

AXES = ("left", "right")
SHAPES = ("line", "step", "points")
SYMBOLS = ("circle", "cross", "triangle", "square")

LOOK = "look here"

_LARGEST = 1e38  # that a chart in single precision holds


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Hold one line.

    Attributes:
        name: In the legend and the read-out; no two lines share one, but for faint ones.
        y: ``(n,)`` real numbers. NaN and inf leave a gap.
        x: ``(n,)`` real and finite numbers, not falling; None means 0 to n - 1.
        axis: ``"left"`` or ``"right"``.
        shape: ``"line"``, ``"step"`` (holds its value until the next x) or ``"points"``.
        faint: Whether it is mere context: thin and pale. A faint line of another line's name takes
            its colour, and comes and goes with it.
        aside: What a faint line is, in a word: the read-out then gives its value too. Empty leaves
            it out.
        strong: Whether it is the one to look at: thicker than the others.
        solid: Whether it is drawn without dashes, as what goes up and down in every few pixels must
            be: an area, whose outline dashes tear. Of lines of one colour only the first is.
    """

    name: str
    y: "Tensor"
    x: "Tensor | None" = None
    axis: str = "left"
    shape: str = "line"
    faint: bool = False
    aside: str = ""
    strong: bool = False
    solid: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Hold a stretch of the x axis, from ``x0`` to ``x1``, with its label."""

    x0: float
    x1: float
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """Hold a marked point with its words; the symbol is one of `SYMBOLS`."""

    x: float
    y: float
    words: str
    symbol: str = "circle"
    axis: str = "left"


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Hold a line chart.

    Attributes:
        lines: From the first in the legend to the last.
        title: What the chart shows.
        x_title: Name and unit of the x axis.
        y_title: Name and unit of the left axis.
        alt: What there is to see now, for those who do not see it.
        right_title: Name and unit of the right axis, where a line or a mark is on it.
        noun: What x is, in the read-out; empty takes the start of ``x_title``, up to a comma, a
            colon, a semicolon, a bracket or "of the".
        log: Whether the left axis is logarithmic.
        right_log: Whether the right axis is.
        bands: Stretches of x with a label.
        marks: Marked points.
        references: Values on the left axis, each with words.
        height: Of the drawing, in CSS pixels.
        y_range: Ends of the left axis; None fits the lines that are shown.
        x_range: Ends of the x axis; None fits the lines that are shown.
        look: The x that is read until the reader asks for another; None reads the last.
        group: Charts and steppers of one group read the same x: what is pointed at in one is
            shown in all.
    """

    lines: tuple[Line, ...]
    title: str
    x_title: str
    y_title: str
    alt: str
    right_title: str = ""
    noun: str = ""
    log: bool = False
    right_log: bool = False
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    references: tuple[tuple[float, str], ...] = ()
    height: int = 300
    y_range: tuple[float, float] | None = None
    x_range: tuple[float, float] | None = None
    look: float | None = None
    group: str = ""


def within(values: "Tensor") -> "Tensor":
    """Return values of any shape with inf, a gap, for those that no chart holds."""
    return values.where(~(values.abs() > _LARGEST), values.sign() * math.inf)


def look_here(x: float, value: float, height: float | None = None) -> tuple[Mark, ...]:
    """Return the mark of where a mistake is best seen; none where there is nothing finite.

    Args:
        x: Where it is.
        value: What is there.
        height: Where it is drawn; None draws it at its value.
    """
    if not math.isfinite(value):
        return ()
    return (Mark(x, value if height is None else height, LOOK),)


def gaps(y: "Tensor", x: "Tensor | None" = None, *, words: str) -> tuple[Band, ...]:
    """Return the stretches of x where a line holds nothing finite; None means 0 to n - 1."""
    values = y.tolist()
    points = range(len(values)) if x is None else x.tolist()
    bands, start = [], None
    for index, value in enumerate([*values, 0.0]):
        if not math.isfinite(value) and start is None:
            start = points[index]
        elif math.isfinite(value) and start is not None:
            bands.append(Band(start, points[index - 1], words))
            start = None
    return tuple(bands)
