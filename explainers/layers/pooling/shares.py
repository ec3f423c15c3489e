"""Which cells made an output of max or average pooling, and with what weight."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from explainers.evidence import Kind
from explainers.layers.pooling import loops
from explainers.layers.pooling.windows import Operation, Pooled, picture, pooled
from explainers.parameters import Parameters, choice, number, numbers
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

__all__ = ["CALLS", "SHARES", "Sliding", "by_loops"]

CALLS: Mapping[str, str] = {
    "max": "max_pool2d(x, ${kernel}, ${stride}, ${border})",
    "average": "avg_pool2d(x, ${kernel}, ${stride}, ${border})",
    "average, padding not counted": "avg_pool2d(x, ${kernel}, ${stride}, ${border}, "
    "count_include_pad=False)",
}
_BORDERS = ("padding=0", "padding=1", "ceil_mode=True", "padding=1, ceil_mode=True")


@dataclasses.dataclass(frozen=True)
class Sliding(Parameters):
    """Say what is made of a window, and which windows there are."""

    pool: str = choice("max", tuple(CALLS), label="pool", help="What is made of a window.")
    kernel: int = number(2, label="kernel_size", help="Side of a window.", minimum=2, maximum=4)
    stride: int = number(2, label="stride", help="From a window to the next.", minimum=1, maximum=3)
    border: str = choice(
        "padding=0", _BORDERS, label="border", help="What happens at the picture's edges."
    )
    cells: str = numbers(
        "1, 7, 3, 5, 2, 0; 4, 2, 6, 1, 9, 5; 6, 1, 3, 8, 4, 1; "
        "0, 5, 8, 2, 2, 6; 3, 3, 7, 0, 1, 8; 5, 9, 2, 4, 6, 2",
        label="x",
        help="The picture.",
        minimum=-9,
        maximum=9,
        rows=(6, 6),
        columns=(6, 6),
    )


def _ceil(settings: Sliding) -> bool:
    return "ceil_mode" in settings.border


def _padding(settings: Sliding) -> int:
    return int("padding=1" in settings.border)


def _operation(settings: Sliding) -> Operation:
    at = (settings.kernel, settings.stride, _padding(settings))

    def pool(x: Tensor) -> Tensor:
        if settings.pool == "max":
            return F.max_pool2d(x[None], *at, ceil_mode=_ceil(settings))[0]
        counted = settings.pool == "average"
        return F.avg_pool2d(x[None], *at, _ceil(settings), counted)[0]

    return pool


def by_loops(settings: Sliding) -> loops.Weighted:
    """Return the same in loops, without torch."""
    rows = type(settings).specs()["cells"].table(settings.cells)  # type: ignore[union-attr]
    return loops.sliding(
        np.array(rows),
        settings.kernel,
        settings.stride,
        _padding(settings),
        ceil=_ceil(settings),
        how="max" if settings.pool == "max" else "avg",
        counted=settings.pool == "average",
    )


def _result(trace: Trace, settings: Sliding) -> Pooled:
    x, y = final(trace, "x"), final(trace, "y")
    noun = settings.pool
    return pooled(
        _operation(settings), picture(x.values, x.shape), picture(y.values, y.shape), noun
    )


def _weights(found: Pooled, settings: Sliding) -> float:
    return difference(found.linkage.dense().numpy().reshape(-1), by_loops(settings)[1].reshape(-1))


def _read(found: Pooled, settings: Sliding) -> float:
    starts = loops.walked(
        6, settings.kernel, settings.stride, _padding(settings), ceil=_ceil(settings)
    )
    ends = [(max(start, 0), min(start + settings.kernel, 6) - 1) for start in starts]
    return difference(np.array(found.columns).reshape(-1), np.array(ends).reshape(-1))


def _sums(found: Pooled, _: Sliding) -> float:
    made = found.linkage.dense().numpy() @ found.source.numpy().reshape(-1)
    return difference(found.output.reshape(-1).tolist(), made.tolist())


def _swapped(trace: Trace, settings: Sliding) -> Pooled:
    other = dataclasses.replace(settings, pool="average" if settings.pool == "max" else "max")
    return _result(trace, other)


SHARES = Figure(
    title="Which cells made an output, and with what weight",
    result=_result,
    edits="cells",
    leads=True,
    proofs=(
        FigureProof(
            "The weights are a loop's: 1 for the first of the largest cells, or one over the "
            "count.",
            "loops over windows and cells",
            _weights,
            twin=_swapped,
            tolerance=1e-6,
        ),
        FigureProof(
            "A window reads the columns that a loop walks over.",
            "a walk from the left, window by window",
            _read,
            twin=lambda trace, settings: _result(
                trace, dataclasses.replace(settings, stride=settings.stride % 3 + 1)
            ),
        ),
        FigureProof(
            "An output is the sum of its cells times their weights.",
            "the output of the run",
            _sums,
            twin=("F.${pool}", "F.${pool} + 1"),
            kind=Kind.INVARIANT,
            tolerance=1e-5,
        ),
    ),
)
