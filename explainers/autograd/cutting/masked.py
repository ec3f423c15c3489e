"""An assignment beside arithmetic with a mask: the same values, and the same gradients."""

import dataclasses
import math
from typing import Any

import numpy as np

from explainers.evidence import Kind
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

X = np.array([1.0, 2.0, 3.0, 4.0])
CELLS = {"0": [0], "1:3": [1, 2], "::2": [0, 2], "x > 2": [2, 3]}
"""By what stands in the brackets, the cells that are written over."""
PROGRAM = """
import torch

x = torch.tensor([1., 2., 3., 4.], requires_grad=True)
v = torch.tensor(${v}., requires_grad=True)
y = x * 2
y[${where}] = ${value}
(y ** 2).sum().backward()
first, into = x.grad, v.grad
x.grad = v.grad = None
mask = torch.zeros(4)
mask[${where}] = 1.
z = x * 2 * (1 - mask) + ${value} * mask
(z ** 2).sum().backward()
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Half:
    """Hold one of the two ways.

    Attributes:
        line: What makes y.
        values: Of y.
        gradient: x.grad.
        into: v.grad; None where a number was assigned.
    """

    line: str
    values: tuple[float, ...]
    gradient: tuple[float, ...]
    into: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Masked:
    """Hold both ways.

    Attributes:
        mask: 1 for each cell that is written over.
        assigned: By assignment.
        arithmetic: With the mask.
    """

    mask: tuple[float, ...]
    assigned: Half
    arithmetic: Half


def masked(trace: Trace, settings: Any) -> Masked:
    """Return both ways of a run of `PROGRAM`."""
    x, v = final(trace, "x"), final(trace, "v")
    into = getattr(final(trace, "into"), "values", None)
    value = settings.value
    return Masked(
        final(trace, "mask").values,
        Half(
            f"y[{settings.where}] = {value}",
            final(trace, "y").values,
            final(trace, "first").values,
            None if into is None else into[0],
        ),
        Half(
            f"y = x * 2 * (1 - mask) + {value} * mask",
            final(trace, "z").values,
            x.grad.values,
            None if v.grad is None else v.grad.values[0],
        ),
    )


def mask_of(where: str) -> np.ndarray:
    """Return 1 for each cell that is written over, 0 for the others."""
    mask = np.zeros(4)
    mask[CELLS[where]] = 1
    return mask


def _gradients(found: Masked, settings: Any) -> float:
    expected = (8 * X * (1 - mask_of(settings.where))).tolist()
    halves = (found.assigned, found.arithmetic)
    return max(difference(half.gradient, expected) for half in halves)


def _into(found: Masked, settings: Any) -> float:
    count = float(mask_of(settings.where).sum())
    expected = 2 * settings.v * count if settings.value == "v" else None
    halves = (found.assigned, found.arithmetic)
    if expected is None:
        return 0.0 if all(half.into is None for half in halves) else math.inf
    return max(math.inf if half.into is None else abs(half.into - expected) for half in halves)


def _alike(found: Masked, _: Any) -> float:
    return difference(found.assigned.values, found.arithmetic.values)


MASKED = Figure(
    title="Assignment and mask",
    result=masked,
    program=PROGRAM,
    proofs=(
        FigureProof(
            "Both ways x.grad is 8x, and 0 where y was written over.",
            "the chain rule, in NumPy",
            _gradients,
            twin=("z = x * 2 * (1 - mask)", "z = x * 2"),
        ),
        FigureProof(
            "Both ways v gets 2v for each cell that it stands in, and None where a number does.",
            "the chain rule, in Python",
            _into,
            twin=("first, into = x.grad, v.grad", "first, into = x.grad, v"),
        ),
        FigureProof(
            "Both ways y is the same.",
            "x * 2 * (1 - mask) + v * mask",
            _alike,
            twin=("mask[${where}] = 1.", "mask[0:1] = 1."),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
)
