"""Where stamps go, and what becomes of a flat picture under kernels of other sizes."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.layers.transposed.reference import Array, held, stamped
from explainers.linkage import Linkage, linkage
from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace

KERNELS: Mapping[str, str] = {
    "ones": "torch.ones(${kernel_size})",
    "tent": "1 - (torch.arange(${kernel_size}) - (${kernel_size} - 1) / 2).abs() / "
    "((${kernel_size} + 1) / 2)",
    "numbered": "torch.arange(1., ${kernel_size} + 1)",
}
"""One side of a kernel, as a program makes it."""

_SIDES: Mapping[str, Callable[[int], Tensor]] = {
    "ones": torch.ones,
    "tent": lambda size: 1 - (torch.arange(size) - (size - 1) / 2).abs() / ((size + 1) / 2),
    "numbered": lambda size: torch.arange(1.0, size + 1),
}
SIZES = (1, 2, 3, 4, 5, 6)
"""Kernel sizes beside each other: those that the program may have, and two more."""
FLAT = 12
"""Side of the flat picture: at every setting some cells are out of reach of the border."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Hold what becomes of a flat picture of ones.

    Attributes:
        kernel_size: Of the kernel.
        sums: ``(H', W')`` float32, what all stamps add up to.
        inside: Of `sums`, the cells that more pixels around the picture would not change.
    """

    kernel_size: int
    sums: Tensor
    inside: Tensor

    @property
    def even(self) -> bool:
        """Whether all cells inside are alike, up to float32's rounding."""
        return float(self.inside.max() - self.inside.min()) <= 1e-5 * float(self.inside.max())


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """Hold the stamps.

    Attributes:
        x: ``(3, 3)`` float32, the reader's pixels.
        y: ``(H', W')`` float32, what the program made of them.
        linkage: Which pixel is in which cell, by torch's Jacobian.
        stride: From one stamp to the next.
        dilation: From one point of the kernel to the next.
        kernel: Name of its weights, of `KERNELS`.
        kernel_size: Of the program's kernel.
        covers: A flat picture under kernels of `SIZES`.
    """

    x: Tensor
    y: Tensor
    linkage: Linkage
    stride: int
    dilation: int
    kernel: str
    kernel_size: int
    covers: tuple[Cover, ...]


def stamps(trace: Trace, settings: Any) -> Stamps:
    """Return the stamps of the lesson's run, and flat pictures at the same stride and dilation."""
    x, y, kernel = (
        torch.tensor(held(trace, name), dtype=torch.float32) for name in ("x", "y", "kernel")
    )
    how = {"stride": settings.stride, "dilation": settings.dilation}
    found = linkage(
        lambda picture: F.conv_transpose2d(picture[None, None], kernel, **how)[0, 0],
        (3, 3),
        at=x[0, 0],
    )
    covers = tuple(cover(_SIDES[settings.kernel](size), **how) for size in SIZES)
    return Stamps(
        x[0, 0],
        y[0, 0],
        found,
        settings.stride,
        settings.dilation,
        settings.kernel,
        settings.kernel_size,
        covers,
    )


def cover(side: Tensor, *, stride: int, dilation: int) -> Cover:
    """Return what becomes of a flat picture under the kernel whose sides are `side`."""
    flat = torch.ones(1, 1, FLAT, FLAT)
    kernel = torch.outer(side, side)[None, None]
    sums = F.conv_transpose2d(flat, kernel, stride=stride, dilation=dilation)[0, 0]
    reach = slice(dilation * (len(side) - 1), (FLAT - 1) * stride + 1)
    return Cover(len(side), sums, sums[reach, reach])


def side_of(kernel: str, size: int) -> Array:
    """Return one side of a kernel of `KERNELS`, by NumPy."""
    sides: Mapping[str, Array] = {
        "ones": np.ones(size),
        "tent": np.bartlett(size + 2)[1:-1],
        "numbered": np.arange(1.0, size + 1),
    }
    return sides[kernel]


def _weights(found: Stamps, settings: Any) -> float:
    """How far each pixel's weights are from its stamp, and their sum from the output."""
    side = side_of(settings.kernel, settings.kernel_size)
    expected = []
    for place in range(9):
        one = np.zeros(9)
        one[place] = 1
        expected.append(
            stamped(
                one.reshape(3, 3),
                np.outer(side, side),
                stride=settings.stride,
                dilation=settings.dilation,
            )
        )
    dense = found.linkage.dense().numpy().T.reshape(9, *found.linkage.out_shape)
    summed = np.tensordot(found.x.numpy().reshape(9).astype(float), dense, 1)
    if dense.shape != np.shape(expected) or summed.shape != tuple(found.y.shape):
        return float("inf")
    return float(max(np.abs(dense - expected).max(), np.abs(summed - found.y.numpy()).max()))


def _phases(found: Stamps, settings: Any) -> float:
    """How far the cells inside are from the products of two sums, one a remainder."""
    worst = 0.0
    for each in found.covers:
        side = side_of(settings.kernel, each.kernel_size)
        sums = [0.0] * settings.stride
        for at, weight in enumerate(side):
            sums[at * settings.dilation % settings.stride] += weight
        first = settings.dilation * (each.kernel_size - 1)
        row = [sums[(first + at) % settings.stride] for at in range(each.inside.shape[0])]
        expected = np.outer(row, row)
        even = np.ptp(expected) < 1e-9
        if each.even is not bool(even):
            return float("inf")
        worst = max(worst, float(np.abs(each.inside.numpy() - expected).max()))
    return worst


STAMPS = Figure(
    title="Where the stamps go",
    result=stamps,
    edits="x",
    leads=True,
    proofs=(
        FigureProof(
            "Each pixel's weights are the kernel at the place of its stamp and 0 elsewhere; pixels "
            "times weights are the output.",
            "a loop over pixels and kernel, in NumPy, float64",
            _weights,
            twin=("x, kernel, stride=${stride}", "x.mT.cumsum(3), kernel, stride=${stride}"),
            tolerance=1e-3,
        ),
        FigureProof(
            "A flat picture comes out even inside where the weights of each remainder by the "
            "stride have one sum.",
            "sums of the kernel's weights by remainder, in Python",
            _phases,
            twin=lambda trace, settings: stamps(
                trace, dataclasses.replace(settings, stride=settings.stride + 1)
            ),
            tolerance=1e-4,
        ),
    ),
)
