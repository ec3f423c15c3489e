"""Draw line charts: a legend that hides and shows, a read-out at any x, and a table."""

import base64
import math
from typing import Any

import torch
from torch import Tensor

from explainers.parameters import shown
from figures.curves import AXES, SHAPES, SYMBOLS, Curves, Line
from ui.component import Component

__all__ = ["CHART", "curves", "curves_data"]

MOST_LINES = 48
MOST_COLOURS = 18  # of lines that are not faint: six colours, three dashes each
MOST_POINTS = 20_000  # of a line
MOST_EXTRAS = 200  # bands, marks or references
HEIGHTS = (120, 1000)
LARGEST = torch.finfo(torch.float32).max

CHART = Component("torch_loupe_curves", "plot", "curves", kind=("curves", "Chart"))


def curves(drawn: Curves, *, key: str) -> None:
    """Show a line chart; its page sends the code of `CHART`.

    Hovering, tapping or walking along x writes every line's value there. A click pins that x. The
    legend hides and shows lines in the browser alone, and a table holds the numbers.

    Args:
        drawn: What to show.
        key: Name of the chart, unique on its page. A pinned x and hidden lines outlive new data
            under the same key.

    Raises:
        ValueError: As `curves_data`.
    """
    CHART.draw(curves_data(drawn), key=key)


def curves_data(drawn: Curves) -> dict[str, Any]:
    """Pack a line chart for the browser: float32, little-endian, in base64.

    Args:
        drawn: What to show.

    Returns:
        The chart's own fields by name. Each of ``lines`` has ``name``, ``y`` (packed), ``axis``,
        ``shape``, ``faint``, ``aside``, ``strong``, ``solid``, and ``x``: packed, the number of the
        earlier line whose x it shares, or None for 0 to n - 1.

    Raises:
        ValueError: Shapes disagree, x falls, a number that must be finite is not or a finite one
            exceeds float32, a word is missing, names repeat, or a choice is none.
    """
    for name in ("title", "x_title", "y_title", "alt"):
        if not getattr(drawn, name).strip():
            raise ValueError(f"{name} must not be empty")
    if not 1 <= len(drawn.lines) <= MOST_LINES:
        raise ValueError(f"lines must be 1 to {MOST_LINES}, got {len(drawn.lines)}")
    names = [line.name for line in drawn.lines if not line.faint]
    if len(names) > MOST_COLOURS:
        raise ValueError(
            f"lines that are not faint must be at most {MOST_COLOURS}, got {len(names)}"
        )
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"names of lines must differ, got {shown(name)} twice")
    if not HEIGHTS[0] <= drawn.height <= HEIGHTS[1]:
        raise ValueError(f"height must lie from {HEIGHTS[0]} to {HEIGHTS[1]}, got {drawn.height}")
    for name in ("bands", "marks", "references"):
        if len(getattr(drawn, name)) > MOST_EXTRAS:
            count = len(getattr(drawn, name))
            raise ValueError(f"{name} must be at most {MOST_EXTRAS}, got {count}")
    if not drawn.right_title and any(part.axis == "right" for part in drawn.lines + drawn.marks):
        raise ValueError("right_title must name the right axis, got ''")
    earlier: dict[str, int] = {}
    lines = [_line(index, line, earlier) for index, line in enumerate(drawn.lines)]
    for index, band in enumerate(drawn.bands):
        _finite(f"bands[{index}]", band.x0, band.x1)
        if band.x0 > band.x1:
            raise ValueError(
                f"bands[{index}] must not end before it starts, got {band.x0:g} to {band.x1:g}"
            )
    for index, mark in enumerate(drawn.marks):
        _finite(f"marks[{index}]", mark.x, mark.y)
        _one_of(f"marks[{index}].symbol", mark.symbol, SYMBOLS)
        _one_of(f"marks[{index}].axis", mark.axis, AXES)
    if drawn.look is not None:
        _finite("look", drawn.look)
    for index, (value, _) in enumerate(drawn.references):
        _finite(f"references[{index}]", value)
    return {
        "lines": lines,
        "title": drawn.title,
        "x_title": drawn.x_title,
        "y_title": drawn.y_title,
        "right_title": drawn.right_title,
        "noun": drawn.noun,
        "alt": drawn.alt,
        "log": drawn.log,
        "right_log": drawn.right_log,
        "bands": [[float(band.x0), float(band.x1), band.label] for band in drawn.bands],
        "marks": [
            [float(mark.x), float(mark.y), mark.words, mark.symbol, mark.axis]
            for mark in drawn.marks
        ],
        "references": [[float(value), words] for value, words in drawn.references],
        "height": drawn.height,
        "y_range": _range("y_range", drawn.y_range, log=drawn.log),
        "x_range": _range("x_range", drawn.x_range, log=False),
        "look": None if drawn.look is None else float(drawn.look),
        "group": drawn.group,
    }


def _line(index: int, line: Line, earlier: dict[str, int]) -> dict[str, Any]:
    """Pack a line; `earlier` holds the packed x of the lines before and gets this one's."""
    where = f"lines[{index}]"
    if not line.name.strip():
        raise ValueError(f"{where}.name must not be empty")
    _one_of(f"{where}.axis", line.axis, AXES)
    _one_of(f"{where}.shape", line.shape, SHAPES)
    shape = tuple(line.y.shape)
    if len(shape) != 1 or not 1 <= shape[0] <= MOST_POINTS:
        raise ValueError(
            f"{where}.y must have 1 dimension of 1 to {MOST_POINTS}, got shape {shape}"
        )
    return {
        "name": line.name,
        "y": _packed(_single(f"{where}.y", line.y)),
        "x": None if line.x is None else _packed_x(index, line.x, shape, earlier),
        "axis": line.axis,
        "shape": line.shape,
        "faint": line.faint,
        "aside": line.aside,
        "strong": line.strong,
        "solid": line.solid,
    }


def _packed_x(
    index: int, x: Tensor, shape: tuple[int, ...], earlier: dict[str, int]
) -> str | int | None:
    name = f"lines[{index}].x"
    if tuple(x.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError(f"{name} must be finite, got inf or nan")
    single = _single(name, x)
    packed = _packed(single)
    if packed in earlier:
        return earlier[packed]
    if (single.diff() < 0).any():
        raise ValueError(f"{name} must not fall, got a step of {float(single.diff().min()):g}")
    if single.equal(torch.arange(len(single), dtype=torch.float32)):
        return None
    earlier[packed] = index
    return packed


def _single(name: str, values: Tensor) -> Tensor:
    """Return real numbers in single precision on the CPU, none of them infinite by that alone."""
    if values.is_complex():
        raise ValueError(f"{name} must be real, got {values.dtype}")
    values = values.detach().cpu()
    single = values.float()
    if values.dtype == torch.float64:
        excess = values[single.isinf() & values.isfinite()]
        if len(excess):
            raise ValueError(f"{name} must be at most {LARGEST:g}, got {float(excess[0]):g}")
    return single


def _packed(single: Tensor) -> str:
    return base64.b64encode(single.numpy().astype("<f4", copy=False).tobytes()).decode("ascii")


def _finite(name: str, *values: float) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(value)}")


def _range(name: str, ends: tuple[float, float] | None, *, log: bool) -> list[float] | None:
    if ends is None:
        return None
    _finite(name, *ends)
    if not ends[0] < ends[1]:
        raise ValueError(f"{name} must rise, got {ends[0]:g} to {ends[1]:g}")
    if log and ends[0] <= 0:
        raise ValueError(f"{name} of a log axis must be above 0, got {ends[0]:g} to {ends[1]:g}")
    return [float(ends[0]), float(ends[1])]
