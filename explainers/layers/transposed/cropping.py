"""All stamps and the frame that padding leaves, the sizes to choose from, and both formulas."""

import dataclasses
import functools
import itertools
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.evidence import Kind
from explainers.layers.transposed.reference import stamped
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.states import Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Cases:
    """Hold how often two formulas give torch's size at one padding and output_padding.

    Attributes:
        padding: Of the settings.
        output_padding: Of the settings.
        count: How many settings torch takes.
        notes: At how many the formula of the notes gives its size, with padding at its end.
        docs: The same of torch's documentation, with output_padding there.
    """

    padding: int
    output_padding: int
    count: int
    notes: int
    docs: int


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Hold the stamps of 3 × 3 ones, and what is cut off.

    Attributes:
        kernel_size: Sides of a stamp.
        stride: From one stamp to the next.
        padding: Cut off each side.
        output_padding: Left at the bottom and at the right.
        whole: ``(n, n)`` float32, all stamps, and at the end what of the output lies beyond them.
        size: Of the output; 0 where torch refuses.
        said: Torch's words where it does.
        formula: What torch's documentation gives.
        notes: What the formula of the notes gives.
        ladder: Sizes, and what Conv2d of the same settings makes of each; 0 where it refuses.
        cases: The formulas at all settings.
    """

    kernel_size: int
    stride: int
    padding: int
    output_padding: int
    whole: Tensor
    size: int
    said: str
    formula: int
    notes: int
    ladder: tuple[tuple[int, int], ...]
    cases: tuple[Cases, ...]


def refused(settings: Any) -> bool:
    """Return whether torch refuses 3 × 3 pixels at these settings."""
    smallest = 2 * settings.stride - 2 * settings.padding + settings.kernel_size
    return bool(
        settings.output_padding >= settings.stride or smallest + settings.output_padding < 1
    )


def crop(trace: Trace, settings: Any) -> Crop:
    """Return the stamps of the lesson's run, and what its settings cut off."""
    k, s, p = settings.kernel_size, settings.stride, settings.padding
    extra = settings.output_padding
    failure = trace.failure
    size = final(trace, "y").shape[-1] if failure is None else 0
    whole = F.conv_transpose2d(
        torch.ones(1, 1, 3, 3),
        torch.ones(1, 1, k, k),
        stride=s,
        output_padding=extra if failure is None else 0,
    )
    least = 2 * s - 2 * p + k
    shown = max(2 * s + k, p + size)
    return Crop(
        k,
        s,
        p,
        extra,
        whole[0, 0, :shown, :shown],
        size,
        "" if failure is None else failure.message,
        least + extra,
        least + p,
        tuple((n, shrunk(n, k, s, p)) for n in range(max(1, least - 2), max(1, least - 2) + s + 4)),
        sweep(),
    )


def shrunk(side: int, kernel_size: int, stride: int, padding: int) -> int:
    """Return what Conv2d makes of a side; 0 where torch refuses."""
    if side + 2 * padding < kernel_size:
        return 0
    with torch.device("meta"):
        x, kernel = torch.empty(1, 1, side, side), torch.empty(1, 1, kernel_size, kernel_size)
    return F.conv2d(x, kernel, stride=stride, padding=padding).shape[-1]


@functools.lru_cache(maxsize=1)
def sweep() -> tuple[Cases, ...]:
    """Return how often each formula gives torch's size, over sides, kernels, strides, dilations."""
    found = []
    for p, extra in itertools.product(range(3), range(3)):
        count = notes = docs = 0
        for n, k, s, d in itertools.product((3, 4, 7), range(1, 5), range(1, 4), range(1, 3)):
            size = _size(n, k, s, p, extra, d)
            if size:
                base = (n - 1) * s - 2 * p + d * (k - 1) + 1
                count += 1
                notes += size == base + p
                docs += size == base + extra
        found.append(Cases(p, extra, count, notes, docs))
    return tuple(found)


def _size(n: int, k: int, s: int, p: int, extra: int, d: int) -> int:
    """Return torch's size; 0 where it refuses. Only shapes are computed."""
    with torch.device("meta"):
        x, kernel = torch.empty(1, 1, n, n), torch.empty(1, 1, k, k)
    try:
        return F.conv_transpose2d(
            x, kernel, stride=s, padding=p, output_padding=extra, dilation=d
        ).shape[-1]
    except RuntimeError:
        return 0


def _frame(found: Crop, settings: Any) -> float:
    """How far the frame's cells are from the program's output, stamped by a loop."""
    if refused(settings):
        return 0.0 if found.said and not found.size else math.inf
    k, p = settings.kernel_size, settings.padding
    expected = stamped(
        np.ones((3, 3)),
        np.ones((k, k)),
        stride=settings.stride,
        padding=p,
        output_padding=settings.output_padding,
    )
    framed = found.whole[p : p + found.size, p : p + found.size].numpy()
    if framed.shape != expected.shape:
        return math.inf
    return float(np.abs(framed - expected).max())


def _choice(found: Crop, settings: Any) -> float:
    """Count the sizes whose way down is not what floor division gives."""
    k, s, p = settings.kernel_size, settings.stride, settings.padding
    return sum(
        shrinks != (max(0, (n + 2 * p - k) // s + 1) if n + 2 * p >= k else 0)
        for n, shrinks in found.ladder
    ) + float(
        {n for n, shrinks in found.ladder if shrinks == 3}
        != {n for n in range(2 * s - 2 * p + k, 3 * s - 2 * p + k) if n > 0}
    )


def _formulas(found: Crop, _: Any) -> float:
    """Count settings at which a formula is right against expectation, or wrong."""
    return float(
        sum(
            abs(each.docs - each.count)
            + abs(each.notes - (each.count if each.padding == each.output_padding else 0))
            for each in found.cases
        )
    )


def _miscounted(trace: Trace, settings: Any) -> Crop:
    """Return the crop with the two formulas taken for each other."""
    found = crop(trace, settings)
    cases = tuple(
        dataclasses.replace(each, notes=each.docs, docs=each.notes) for each in found.cases
    )
    return dataclasses.replace(found, cases=cases)


CROP = Figure(
    title="What is cut",
    result=crop,
    leads=True,
    proofs=(
        FigureProof(
            "The frame holds the program's output.",
            "a loop over pixels and kernel, in NumPy",
            _frame,
            twin=lambda trace, settings: dataclasses.replace(
                crop(trace, settings), whole=crop(trace, settings).whole.cumsum(0)
            ),
        ),
        FigureProof(
            "Conv2d makes 3 of as many sizes as the stride counts, from the least output on.",
            "floor division, in Python",
            _choice,
            twin=lambda trace, settings: crop(
                trace, dataclasses.replace(settings, stride=settings.stride + 1)
            ),
        ),
        FigureProof(
            "Over all settings the documentation's formula is right, and the notes' exactly where "
            "padding equals output_padding.",
            "both formulas, in Python, against torch's sizes",
            _formulas,
            twin=_miscounted,
            kind=Kind.INDEPENDENT,
        ),
    ),
)
