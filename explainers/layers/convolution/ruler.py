"""Windows on a ruler: where each reads, and what none reads."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explainers.layers.convolution import reference
from explainers.linkage import jacobian
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Ruler:
    """Hold a row of pixels and the windows on it.

    Attributes:
        length: Pixels of the row, without padding.
        padding: Zeros on each side.
        windows: The places that each window reads, -padding to length + padding - 1.
        reads: By pixel, how many windows read it.
        whole: What the formula divides.
        stride: By what it divides it.
        refusal: What torch said; empty where it did not refuse.
    """

    length: int
    padding: int
    windows: tuple[tuple[int, ...], ...]
    reads: tuple[int, ...]
    whole: int
    stride: int
    refusal: str = ""

    @property
    def unread(self) -> tuple[int, ...]:
        """Pixels that no window reads."""
        return tuple(at for at, count in enumerate(self.reads) if count == 0)


def fits(settings: Any) -> bool:
    """Return whether a window fits into the padded row."""
    length: int = settings.n + 2 * settings.p
    return reference.span(settings.k, settings.d) <= length


def ruler(trace: Trace, settings: Any, *, stride: int = 0) -> Ruler:
    """Return the windows of the lesson's run; `stride` is another one, an error."""
    whole = settings.n + 2 * settings.p - settings.d * (settings.k - 1) - 1
    if trace.failure is not None:
        reads = (0,) * settings.n
        words = trace.failure.message
        return Ruler(settings.n, settings.p, (), reads, whole, settings.s, words)
    ones = torch.ones(1, 1, settings.k)

    def layer(row: Tensor) -> Tensor:
        step = stride or settings.s
        return functional.conv1d(row[None, None], ones, stride=step, dilation=settings.d)[0, 0]

    weights = jacobian(layer, torch.zeros(settings.n + 2 * settings.p))
    windows = tuple(tuple(int(at) - settings.p for at in row.nonzero()[:, 0]) for row in weights)
    reads = tuple(int(count) for count in final(trace, "x").grad.values)
    return Ruler(settings.n, settings.p, windows, reads, whole, settings.s)


def _places(found: Ruler, settings: Any) -> float:
    if found.refusal:
        return 0.0 if not fits(settings) else float("inf")
    length = settings.n + 2 * settings.p
    expected = np.array(reference.taps(length, settings.k, settings.s, settings.d)) - settings.p
    given = np.array(found.windows)
    return float("inf") if given.shape != expected.shape else float(np.abs(given - expected).max())


def _counts(found: Ruler, _: Any) -> float:
    if found.refusal:
        return 0.0
    places = [at for window in found.windows for at in window]
    return difference(found.reads, map(places.count, range(found.length)))


RULER = Figure(
    title="Windows on a ruler",
    result=ruler,
    leads=True,
    proofs=(
        FigureProof(
            "Windows stand a stride apart, their taps a dilation apart.",
            "a loop over windows and taps",
            _places,
            twin=lambda trace, settings: ruler(trace, settings, stride=settings.s + 1),
        ),
        FigureProof(
            "A pixel's count is that of the windows drawn over it.",
            "the windows, counted",
            _counts,
            twin=("stride=s", "stride=s + 1"),
        ),
    ),
)
