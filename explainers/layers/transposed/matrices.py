"""Both ways as matrices, by torch's Jacobian, and the picture that went down and up again."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.evidence import Kind
from explainers.layers.transposed.reference import correlated, held, places, stamped
from explainers.linkage import Linkage, jacobian, linkage
from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Matrices:
    """Hold the two ways.

    Attributes:
        kernel: ``(k, k)`` float32, of both.
        x: ``(6, 6)`` float32, the picture.
        y: ``(H', W')`` float32, the picture after conv2d.
        again: ``(6, 6)`` float32, after conv_transpose2d too.
        linkage: Which pixels of `x` are in which of `again`, by torch's Jacobian.
        down: ``(H' * W', 36)`` float32, the matrix of conv2d.
        up: ``(36, H' * W')`` float32, the matrix of conv_transpose2d.
        both: ``(36, 36)`` float32, the matrix of one after the other.
        off: How far `again` is from `x`, as a share of `x`.
    """

    kernel: Tensor
    x: Tensor
    y: Tensor
    again: Tensor
    linkage: Linkage
    down: Tensor
    up: Tensor
    both: Tensor
    off: float


def matrices(
    trace: Trace, settings: Any, *, back: Callable[[Tensor], Tensor] = lambda kernel: kernel
) -> Matrices:
    """Return the matrices of the lesson's run; `back` makes another kernel for the way up."""
    x, y, again, kernel = (
        torch.tensor(held(trace, name)[0, 0], dtype=torch.float32)
        for name in ("x", "y", "again", "kernel")
    )
    s, p = settings.stride, settings.padding
    lost = (6 + 2 * p - settings.kernel_size) % s

    def down(picture: Tensor) -> Tensor:
        return F.conv2d(picture[None, None], kernel[None, None], stride=s, padding=p)[0, 0]

    def up(picture: Tensor) -> Tensor:
        return F.conv_transpose2d(
            picture[None, None], back(kernel[None, None]), stride=s, padding=p, output_padding=lost
        )[0, 0]

    return Matrices(
        kernel,
        x,
        y,
        again,
        linkage(lambda picture: up(down(picture)), (6, 6), top=36, at=x),
        jacobian(down, x),
        jacobian(up, y),
        jacobian(lambda picture: up(down(picture)), x),
        float((again - x).norm() / x.norm()),
    )


def _turned(found: Matrices, _: Any) -> float:
    """How far the one matrix is from the other, turned."""
    if found.up.shape != found.down.T.shape:
        return float("inf")
    return float((found.up - found.down.T).abs().max())


def _looped(found: Matrices, settings: Any) -> float:
    """How far both matrices are from what loops make of one pixel at a time."""
    kernel = found.kernel.numpy().astype(np.float64)
    s, p = settings.stride, settings.padding
    lost = (6 + 2 * p - settings.kernel_size) % s
    sides = places((6, 6), kernel.shape, stride=s, padding=p)
    down = [
        correlated(one.reshape(6, 6), kernel, stride=s, padding=p).ravel() for one in np.eye(36)
    ]
    up = [
        stamped(one.reshape(sides), kernel, stride=s, padding=p, output_padding=lost).ravel()
        for one in np.eye(math.prod(sides))
    ]
    pairs = ((found.down, down), (found.up, up))
    if any(tuple(matrix.T.shape) != np.shape(rows) for matrix, rows in pairs):
        return math.inf
    return max(float(np.abs(matrix.T.numpy() - rows).max()) for matrix, rows in pairs)


MATRICES = Figure(
    title="Down and up again",
    result=matrices,
    leads=True,
    proofs=(
        FigureProof(
            "The matrix of conv_transpose2d is that of conv2d with rows and columns exchanged.",
            "conv2d's Jacobian, turned",
            _turned,
            twin=lambda trace, settings: matrices(
                trace, settings, back=lambda kernel: kernel.flip(2, 3)
            ),
            kind=Kind.INVARIANT,
        ),
        FigureProof(
            "Both matrices are what loops over windows and stamps make of one pixel at a time.",
            "loops over windows and stamps, in NumPy, float64",
            _looped,
            twin=lambda trace, settings: matrices(trace, settings, back=lambda kernel: kernel.mT),
            tolerance=1e-5,
        ),
    ),
)
