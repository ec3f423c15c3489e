"""Which pixel stands where in the columns, and how often: by torch's Jacobian."""

import dataclasses
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.layers.transposed.reference import columns, held
from explainers.linkage import Linkage, linkage
from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Hold the columns.

    Attributes:
        x: ``(channels * 3, 4)`` float32, channels below each other.
        columns: ``(rows, windows)`` float32.
        linkage: Which pixel each entry is, by torch's Jacobian.
        channels: Of x.
        kernel_size: Of a window.
        stride: From one window to the next.
        padding: Zeros around.
        count: ``(3, 4)`` float32, fold of unfold of ones.
        again: ``(3, 4)`` float32, fold of unfold of channel 0.
    """

    x: Tensor
    columns: Tensor
    linkage: Linkage
    channels: int
    kernel_size: tuple[int, int]
    stride: int
    padding: int
    count: Tensor
    again: Tensor


def lists(trace: Trace, settings: Any) -> Lists:
    """Return the columns of the lesson's run."""
    x, listed, again, count = (
        torch.tensor(held(trace, name)[0], dtype=torch.float32)
        for name in ("x", "columns", "again", "count")
    )
    high, wide = (int(side) for side in settings.kernel_size.strip("()").split(","))
    flat = x.reshape(-1, 4)
    found = linkage(
        lambda picture: F.unfold(
            picture.reshape(x.shape)[None],
            (high, wide),
            stride=settings.stride,
            padding=settings.padding,
        )[0],
        (len(flat), 4),
        at=flat,
    )
    return Lists(
        flat,
        listed,
        found,
        settings.channels,
        (high, wide),
        settings.stride,
        settings.padding,
        count[0],
        again[0],
    )


def _places(found: Lists, settings: Any) -> float:
    """How far the entries' pixels are from the windows' numbers, and their counts from fold's."""
    sides = found.kernel_size
    numbered = np.arange(1.0, found.x.numel() + 1).reshape(found.channels, 3, 4)
    expected = columns(numbered, sides, stride=settings.stride, padding=settings.padding)
    # The number of a pixel is its place, from 1; 0 is padding.
    first = found.linkage.indices[..., 0].numpy() + 1
    weights = found.linkage.weights
    if first.shape != expected.shape or found.columns.shape != first.shape:
        return float("inf")
    others = float((weights[..., 1:] != 0).sum())
    ones = float(np.abs(weights[..., 0].numpy() - (first > 0)).max())
    wrong = float((first != expected).sum())
    shown = np.abs(found.columns.numpy() - expected).max()
    times = np.bincount(expected[expected > 0].astype(int), minlength=13)[1:13].reshape(3, 4)
    return max(others, ones, wrong, float(shown), float(np.abs(found.count.numpy() - times).max()))


def _added(found: Lists, _: Any) -> float:
    """How far channel 0 has come back from its pixels times their counts."""
    pixels = np.arange(1.0, 13.0).reshape(3, 4)
    return float(np.abs(found.again.numpy() - pixels * found.count.numpy()).max())


LISTS = Figure(
    title="Where each pixel goes",
    result=lists,
    leads=True,
    proofs=(
        FigureProof(
            "Each entry is one pixel or padding's 0, the one that NumPy's windows hold; a pixel "
            "stands in as many as fold counts.",
            "slices of numbered pixels, in NumPy",
            _places,
            twin=("columns = F.unfold(x,", "columns = F.unfold(x.mT.reshape(x.shape),"),
        ),
        FigureProof(
            "Channel 0 comes back as its pixels times their counts.",
            "1 to 12, in NumPy",
            _added,
            twin=("again = F.fold(columns,", "again = F.fold(columns.flip(2),"),
        ),
    ),
)
