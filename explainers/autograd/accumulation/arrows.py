"""A gradient as an arrow: before and after clipping, beside all that is short enough."""

import dataclasses
import math
from typing import Any

import numpy as np
import torch

from explainers.outline import outline
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Clipped:
    """Hold a gradient before and after clipping, in the plane of its first two entries.

    Attributes:
        how: The norm, or "value".
        most: The bound.
        before: The gradient, all three entries.
        after: What clipping left.
        total: What clipping returned; None where it returns nothing.
        shorter: The same norm of `after`; by value, its largest magnitude.
        outline: ``(96, 2)`` points whose norm is the bound; by value, whose largest magnitude is.
        turned: Degrees from `before` to `after`; NaN where one has no direction.
    """

    how: str
    most: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    total: float | None
    shorter: float
    outline: tuple[tuple[float, float], ...]
    turned: float


def _order(how: str) -> float:
    """Return the order of the norm that bounds the gradient; a bound of each value is inf's."""
    return math.inf if how == "value" else float(how.split()[1])


def clipped(trace: Trace, settings: Any, order: float | None = None) -> Clipped:
    """Return what the lesson's run did to its gradient; `order` is another norm's outline."""
    before = tuple(float(value) for value in final(trace, "before").values)
    after = tuple(float(value) for value in final(trace, "p").grad.values)
    returned = getattr(final(trace, "total"), "values", None)
    norm = _order(settings.how)
    angle = torch.atan2(
        torch.tensor([before[1], after[1]], dtype=torch.float64),
        torch.tensor([before[0], after[0]], dtype=torch.float64),
    )
    return Clipped(
        how=settings.how,
        most=float(settings.most),
        before=before,
        after=after,
        total=None if returned is None else float(returned[0]),
        shorter=float(torch.linalg.vector_norm(torch.tensor(after), norm)),
        outline=outline(norm if order is None else order, float(settings.most)),
        turned=float((angle[1] - angle[0]).abs().rad2deg()),
    )


def _on_the_bound(found: Clipped, settings: Any) -> float:
    norms = np.linalg.norm(np.array(found.outline), _order(settings.how), axis=1)
    return float(np.abs(norms - settings.most).max())


def _short(found: Clipped, settings: Any) -> float:
    """How far the clipped gradient is from the bound, or from itself where it was short enough."""
    if math.isinf(found.before[0]) and settings.how != "value":
        return difference(found.after, (math.nan, 0.0, 0.0))
    order = _order(settings.how)
    length, now = (np.linalg.norm(np.array(each), order) for each in (found.before, found.after))
    return float(abs(now - min(length, settings.most)))


def _angle(found: Clipped, settings: Any) -> float:
    if settings.how != "value":
        expected = math.nan if math.isinf(found.before[0]) else 0.0
    else:
        x, y = (min(max(each, -settings.most), settings.most) for each in found.before[:2])
        turned = math.atan2(y, x) - math.atan2(found.before[1], found.before[0])
        expected = abs(math.degrees(turned))
    return difference((found.turned,), (expected,))


ARROWS = Figure(
    title="The gradient as an arrow",
    result=clipped,
    proofs=(
        FigureProof(
            "Each point of the outline has the bound for its norm; by value, for its largest "
            "magnitude.",
            "numpy.linalg.norm",
            _on_the_bound,
            twin=lambda trace, settings: clipped(trace, settings, order=1.0),
            tolerance=1e-9,
        ),
        FigureProof(
            "What was too long ends on the outline, what was not stays; an infinite norm leaves "
            "NaN and zeros.",
            "numpy.linalg.norm",
            _short,
            twin=("total = torch.nn.utils.clip_grad_${how}", "total = p.grad.norm()"),
            tolerance=1e-5,
        ),
        FigureProof(
            "Clipping by norm turns a finite gradient by 0 degrees; by value, by the angle of its "
            "clamped entries.",
            "math.atan2",
            _angle,
            twin=("clip_grad_${how}", "clip_grad_value_([p], ${most}.)"),
            tolerance=1e-4,
        ),
    ),
)
