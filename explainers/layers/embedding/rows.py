"""A table's rows as arrows, before and after a lookup, beside the outline of max_norm."""

import dataclasses
import math
from typing import Any

import numpy as np

from explainers.outline import outline
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.states import Trace

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Hold the rows.

    Attributes:
        before: As the table was made.
        after: As the lookup left them.
        read: Those that were looked up.
        most: max_norm.
        order: Of the norm.
        outline: Points whose norm is `most`.
    """

    before: tuple[Point, ...]
    after: tuple[Point, ...]
    read: frozenset[int]
    most: float
    order: float
    outline: tuple[Point, ...]


def order(settings: Any) -> float:
    """Return the order of the norm that the settings name."""
    return float(settings.norm_type)


def rows(trace: Trace, settings: Any, drawn: float | None = None) -> Rows:
    """Return what the lesson's run did to its rows; `drawn` is another norm's outline."""

    def points(name: str) -> tuple[Point, ...]:
        values = [float(value) for value in final(trace, name).values]
        return tuple(zip(values[::2], values[1::2], strict=True))

    norm = order(settings)
    return Rows(
        before=points("before"),
        after=points("after"),
        read=frozenset(int(text) for text in settings.ids.split(",")),
        most=float(settings.max_norm),
        order=norm,
        outline=outline(norm if drawn is None else drawn, float(settings.max_norm)),
    )


def _on_the_outline(found: Rows, settings: Any) -> float:
    """Return how far from the bound the outline is, and the rows that were rewritten."""
    moved = [
        point for old, point in zip(found.before, found.after, strict=True) if math.dist(old, point)
    ]
    norms = np.linalg.norm(np.array([*found.outline, *moved]), order(settings), axis=1)
    return float(np.abs(norms - settings.max_norm).max())


def _straight(found: Rows, _: Any) -> float:
    """Return the largest sine of the angle by which a row turned."""
    old, new = np.array(found.before), np.array(found.after)
    cross = old[:, 0] * new[:, 1] - old[:, 1] * new[:, 0]
    return float(np.abs(cross / np.hypot(*old.T) / np.hypot(*new.T)).max())


ROWS = Figure(
    title="The rows of the table",
    result=rows,
    leads=True,
    proofs=(
        FigureProof(
            "A row that the lookup rewrote ends on the outline, whose points have the bound for "
            "their norm.",
            "numpy.linalg.norm",
            _on_the_outline,
            twin=lambda trace, settings: rows(trace, settings, drawn=1.0),
            tolerance=1e-5,
        ),
        FigureProof(
            "The lookup turns no row: it keeps its direction.",
            "the cross product of each row before and after",
            _straight,
            twin=("after = embed.weight.detach()", "after = embed.weight.detach().clamp(-1, 1)"),
            tolerance=1e-6,
        ),
    ),
)
