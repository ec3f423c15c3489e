"""What LP pooling makes of a picture at one p, and of its windows at all of them."""

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from explainers.evidence import Kind
from explainers.layers.pooling import loops
from explainers.layers.pooling.windows import Pooled, picture, pooled
from explainers.parameters import Parameters, number, numbers
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

__all__ = ["MORPHING", "Morphed", "Powers", "by_loops"]

_KERNEL = 2
_MOST = 10.0
_STEPS = 37
"""Values of p from 1 to 10 on the curves: a quarter apart."""


@dataclasses.dataclass(frozen=True)
class Powers(Parameters):
    """Say which power is summed."""

    p: float = number(
        2.0, label="norm_type", help="The power, p.", minimum=1.0, maximum=_MOST, step=0.5
    )
    cells: str = numbers(
        "3, 4, 1, 9; 0, 0, 2, 1; 5, 5, 8, 0; 5, 5, 7, 6",
        label="x",
        help="The picture, not below 0.",
        minimum=0,
        maximum=9,
        rows=(4, 4),
        columns=(4, 4),
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Morphed:
    """Hold LP pooling at one p, and over all of them.

    Attributes:
        at: The pooling at the reader's p.
        p: The reader's p.
        powers: ``(37,)`` from 1 to 10.
        shares: ``(4, 37)`` of each window, y over the window's largest cell; NaN where that is 0.
        sums: ``(4,)`` the same for the sum in place of y.
    """

    at: Pooled
    p: float
    powers: Tensor
    shares: Tensor
    sums: Tensor


def _morphed(trace: Trace, settings: Powers, *, shift: float = 0.0) -> Morphed:
    x, y, total, most = (final(trace, name) for name in ("x", "y", "total", "largest"))
    source = picture(x.values, x.shape)
    found = pooled(
        lambda x: F.lp_pool2d(x[None], settings.p + shift, _KERNEL)[0],
        source,
        picture(y.values, y.shape),
        "LP pooling",
    )
    powers = torch.linspace(1.0, _MOST, _STEPS)
    largest = picture(most.values, most.shape).reshape(-1, 1)
    values = [F.lp_pool2d(source[None], float(p) + shift, _KERNEL).reshape(-1) for p in powers]
    sums = picture(total.values, total.shape).reshape(-1, 1) / largest
    return Morphed(found, settings.p, powers, torch.stack(values, 1) / largest, sums[:, 0])


def by_loops(settings: Powers) -> loops.Weighted:
    """Return the same in loops, without torch."""
    rows = type(settings).specs()["cells"].table(settings.cells)  # type: ignore[union-attr]
    return loops.powers(np.array(rows), settings.p, _KERNEL)


def _weights(found: Morphed, settings: Powers) -> float:
    return difference(
        found.at.linkage.dense().numpy().reshape(-1), by_loops(settings)[1].reshape(-1)
    )


def _summed(found: Morphed, _: Powers) -> float:
    made = found.at.linkage.dense().numpy() @ found.at.source.numpy().reshape(-1)
    return difference(found.at.output.reshape(-1).tolist(), made.tolist())


def _curves(found: Morphed, settings: Powers) -> float:
    source = found.at.source.double().numpy()
    blocks = source.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 4)
    with np.errstate(invalid="ignore"):
        expected = [
            loops.powers(source, float(p), _KERNEL)[0].reshape(-1) / blocks.max(1)
            for p in found.powers
        ]
    return difference(found.shares.T.reshape(-1).tolist(), np.array(expected).reshape(-1).tolist())


MORPHING = Figure(
    title="Which cells made an output, with what weight, and how p changes it",
    result=_morphed,
    edits="cells",
    leads=True,
    proofs=(
        FigureProof(
            "The weight of a cell is (x / y) to the power of p - 1, and 0 where all are 0.",
            "the derivative in closed form, float64",
            _weights,
            twin=lambda trace, settings: _morphed(trace, settings, shift=1.0),
            tolerance=1e-5,
        ),
        FigureProof(
            "An output is the sum of its cells times their weights.",
            "the output of the run",
            _summed,
            twin=("largest = F", "y = y + 1\nlargest = F"),
            kind=Kind.INVARIANT,
            tolerance=1e-4,
        ),
        FigureProof(
            "The curves are the root of the sum of powers, over the largest cell.",
            "a loop over windows and powers, float64",
            _curves,
            twin=lambda trace, settings: _morphed(trace, settings, shift=0.5),
            tolerance=1e-4,
        ),
    ),
)
