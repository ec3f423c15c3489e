"""Draw what `explainers.tensors.masks` computes beside its stage."""

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style
from figures.curves import Curves, Line
from figures.points import Group, Points

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.tensors.masks.pairs import Measured, Pairs

_REACH = 4.0
_NAMES = {"broadcast": "broadcast", "product": "product", "notes": "the notes' row of sums"}


def distances(found: "Pairs") -> tuple[Points | str | Curves, ...]:
    """Draw the points to drag, the distances three ways, and how error, memory and time grow."""
    return plane(found), matrices(found), errors(found), costs(found)


def plane(found: "Pairs") -> Points:
    """Draw the points of x and y, and a line for each pair."""
    places = "; ".join(
        f"{name}[{index}] at {x:g}, {y:g}"
        for name, points in (("x", found.x), ("y", found.y))
        for index, (x, y) in enumerate(points[: found.count])
    )
    away = f", each {found.away:g} further right and up" if found.away else ""
    return Points(
        groups=(Group("x", found.x, found.count), Group("y", found.y, found.count)),
        reach=_REACH,
        title=f"x (dots) and y (squares){away}",
        alt=f"{found.count} points of x and {found.count} of y{away}: {places}.",
    )


def matrices(found: "Pairs") -> str:
    """Draw the squared distances in float64 and three ways, and how far each is off."""
    grids = _grid("float64", "differences in float64", found.truth, found.truth)
    for way in found.ways:
        said = f"off by up to {way.error:.3g}"
        grids += _grid(_NAMES[way.name], way.code, way.values, found.truth, said)
    pairs = [(i, j) for i in range(found.count) for j in range(found.count)]
    return style.drawing(
        grids,
        kind="pairs",
        alt="Squared distances of all pairs in float64 and three ways. " + sentence(found),
        names=("pair", "float64", *(_NAMES[way.name] for way in found.ways)),
        rows=[
            (
                f"x[{i}], y[{j}]",
                f"{float(found.truth[i, j]):.8g}",
                *(f"{float(way.values[i, j]):.8g}" for way in found.ways),
            )
            for i, j in pairs
        ],
        words=sentence(found),
    )


def sentence(found: "Pairs") -> str:
    """Return how far each way is off."""
    broadcast, product, notes = (way.error for way in found.ways)
    least = min(float(way.values.min()) for way in found.ways[:2])
    below = f" One comes out below 0: {least:.3g}." if least < 0 else ""
    return (
        f"Off by up to: broadcast {broadcast:.2g}, product {product:.2g}, the notes' row of sums "
        f"{notes:.2g}.{below}"
    )


def _grid(name: str, code: str, values: "Tensor", truth: "Tensor", said: str = "") -> str:
    """Return a matrix; a cell that is off by a hundredth of the largest distance is marked."""
    most = max(float(truth.abs().max()), 1e-9)
    body = ""
    for row, right in zip(values.tolist(), truth.tolist(), strict=True):
        body += "<tr>"
        for value, true in zip(row, right, strict=True):
            off = ' class="off"' if abs(value - true) > 0.01 * most else ""
            body += f"<td{off}>{_short(value)}</td>"
        body += "</tr>"
    return (
        f"<section><p><b>{escape(name)}</b> {escape(said)}</p><code>{escape(code)}</code>"
        f"<table><tbody>{body}</tbody></table></section>"
    )


def _short(value: float) -> str:
    return f"{value + 0.0:.3g}" if abs(value) < 1e5 else f"{value:.1e}"


def _lines(
    found: "Pairs", read: Callable[["Measured"], "Tensor"], words: str = "", axis: str = "left"
) -> tuple[Line, ...]:
    return tuple(
        Line(f"{_NAMES[way.name]}{words}", read(way), found.points, axis=axis) for way in found.ways
    )


def errors(found: "Pairs") -> Curves:
    """Draw the largest error against the number of points."""
    last = ", ".join(f"{_NAMES[way.name]} {float(way.errors[-1]):.2g}" for way in found.ways)
    return Curves(
        lines=_lines(found, lambda way: way.errors),
        title="Largest error, by the number of points",
        x_title="points of x and of y, 8 coordinates each",
        y_title="error of a squared distance",
        noun="points",
        log=True,
        height=220,
        alt=f"Largest error of a squared distance with {int(found.points[-1])} points: {last}.",
    )


def costs(found: "Pairs") -> Curves:
    """Draw the largest tensor and the time against the number of points."""
    last = ", ".join(
        f"{_NAMES[way.name]} {int(way.sizes[-1]):,} bytes and {float(way.milliseconds[-1]):.2g} ms"
        for way in found.ways
    )
    return Curves(
        lines=(
            *_lines(found, lambda way: way.sizes.double(), ", memory"),
            *_lines(found, lambda way: way.milliseconds, ", time", "right"),
        ),
        title="Memory and time, by the number of points, measured now",
        x_title="points of x and of y, 8 coordinates each",
        y_title="largest tensor, bytes",
        right_title="time, ms",
        noun="points",
        log=True,
        right_log=True,
        height=240,
        alt=f"Largest tensor and time with {int(found.points[-1])} points: {last}.",
    )


FIGURES: Mapping[str, Callable[[Any], tuple[Points | str | Curves, ...]]] = {"distance": distances}
