"""What two calls of fractional max pooling draw: regions, and who made an output."""

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from explainers.layers.pooling import loops
from explainers.layers.pooling.windows import (
    Operation,
    Pooled,
    Span,
    picture,
    pooled,
    spans,
)
from explainers.parameters import Parameters, number
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final, told
from explainers.program.references import difference
from explainers.program.states import Trace

__all__ = ["REGIONS", "Draw", "Drawn", "Fractional"]

_SIDE = 8


@dataclasses.dataclass(frozen=True)
class Fractional(Parameters):
    """Say how large regions are, how many, and what is drawn."""

    kernel: int = number(2, label="kernel_size", help="Side of a region.", minimum=1, maximum=3)
    size: int = number(5, label="output_size", help="Regions a side.", minimum=1, maximum=6)
    seed: int = number(4, label="seed", help="Of the draws.", minimum=0, maximum=99)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Hold the regions of one call.

    Attributes:
        drawn: The two numbers from 0 to 1 that it drew: for columns, for rows.
        rows: By row of the output, the rows of the input that its regions read.
        columns: By column of the output, the columns.
        output: ``(H', W')`` what the run gave.
    """

    drawn: tuple[float, float]
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    output: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Hold two calls of one layer in eval mode.

    Attributes:
        first: The first.
        second: The second.
        at: Who made what in the first.
        same: Whether both gave the same.
    """

    first: Draw
    second: Draw
    at: Pooled
    same: bool


def _pool(settings: Fractional, samples: Tensor) -> Operation:
    def pool(x: Tensor) -> Tensor:
        found: Tensor = F.fractional_max_pool2d(
            x[None], settings.kernel, output_size=settings.size, _random_samples=samples
        )
        return found[0]

    return pool


def _draw(settings: Fractional, samples: Tensor, output: Tensor) -> Draw:
    operation = _pool(settings, samples)
    across, down = samples.reshape(-1).tolist()
    rows, columns = (spans(operation, (_SIDE, _SIDE), axis=axis) for axis in (0, 1))
    return Draw((across, down), rows, columns, output)


def _result(trace: Trace, settings: Fractional, *, turned: bool = False) -> Drawn:
    x, y, again = (final(trace, name) for name in ("x", "y", "again"))
    # The layer draws two numbers a call, of the generator that the program seeds.
    generator = torch.Generator().manual_seed(settings.seed)
    samples = [torch.rand(1, 1, 2, generator=generator) for _ in range(2)]
    if turned:
        samples.reverse()
    first, second = (
        _draw(settings, sample, picture(state.values, state.shape))
        for sample, state in zip(samples, (y, again), strict=True)
    )
    source = picture(x.values, x.shape)
    found = pooled(_pool(settings, samples[0]), source, first.output, "fractional max pooling")
    return Drawn(first, second, found, bool(told(trace, "same")))


def _maxima(found: Drawn, _: Fractional) -> float:
    source = found.at.source.numpy()
    return max(
        difference(
            draw.output.reshape(-1).tolist(),
            [
                float(source[top : bottom + 1, left : right + 1].max())
                for top, bottom in draw.rows
                for left, right in draw.columns
            ],
        )
        for draw in (found.first, found.second)
    )


def _starts(found: Drawn, settings: Fractional) -> float:
    worst = 0.0
    for draw in (found.first, found.second):
        for u, read in zip(draw.drawn, (draw.columns, draw.rows), strict=True):
            starts = loops.fractional(_SIDE, settings.kernel, settings.size, u)
            ends = [(start, start + settings.kernel - 1) for start in starts]
            worst = max(worst, difference(np.array(read).reshape(-1), np.array(ends).reshape(-1)))
    return worst


def _one(found: Drawn, _: Fractional) -> float:
    matrix = found.at.linkage.dense().numpy()
    source = found.at.source.numpy().reshape(-1)
    expected = (source == found.at.output.numpy().reshape(-1, 1)).astype(float)
    return float(np.abs(matrix - expected).max())


REGIONS = Figure(
    title="The regions of two calls, and who made an output of the first",
    result=_result,
    leads=True,
    proofs=(
        FigureProof(
            "Outputs of both calls are the largest numbers of the regions drawn here.",
            "numpy.max of each region",
            _maxima,
            twin=lambda trace, settings: _result(trace, settings, turned=True),
        ),
        FigureProof(
            "Regions begin where Graham's sequence puts them for the numbers drawn.",
            "floor((i + u)·α) - floor(u·α) in NumPy, float32",
            _starts,
            twin=lambda trace, settings: _result(
                trace, dataclasses.replace(settings, kernel=settings.kernel % 3 + 1)
            ),
        ),
        FigureProof(
            "One cell makes an output, with weight 1: the one that holds its number.",
            "a comparison cell by cell in NumPy",
            _one,
            twin=("% 64).view", "% 32).view"),
        ),
    ),
)
