"""Compute by NumPy and by counting what the page computes by torch."""

import functools
import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ALPHA, _SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_ERF = np.vectorize(math.erf, otypes=[np.float64])


def _exp(x: Array) -> Array:
    return np.exp(np.minimum(x, 0))


def _sigmoid(x: Array) -> Array:
    # exp would overflow far below 0.
    half: Array = (1 + np.tanh(x / 2)) / 2
    return half


FUNCTIONS: Mapping[str, Callable[[Array, float], Array]] = {
    "linear": lambda x, a: x,
    "sigmoid": lambda x, a: _sigmoid(x),
    "tanh": lambda x, a: np.tanh(x),
    "relu": lambda x, a: np.maximum(x, 0),
    "leaky_relu": lambda x, a: np.where(x > 0, x, a * x),
    "selu": lambda x, a: _SCALE * np.where(x > 0, x, _ALPHA * (_exp(x) - 1)),
    "gelu": lambda x, a: x * (1 + _ERF(x / math.sqrt(2))) / 2,
    "silu": lambda x, a: x * _sigmoid(x),
}
"""Every nonlinearity of the page, written out."""


def mean_square(nonlinearity: str, variance: float = 1.0, a: float = 0.01) -> float:
    """Return E[f(x)²] for a normal x of that variance, by Gauss and Legendre on either side of 0.

    No grid is shared with the page's own integral, and no kink at 0 is crossed.
    """
    u, weights = _points()
    z = 6 * (u + 1)  # from 0 to 12
    weights = 6 * weights * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    f = FUNCTIONS[nonlinearity]
    x = math.sqrt(variance) * z
    return float(weights @ (f(x, a) ** 2 + f(-x, a) ** 2))


@functools.cache
def _points() -> tuple[Array, Array]:
    u, weights = np.polynomial.legendre.leggauss(400)
    return u, weights


def layer(kind: str, x: Array, weight: Array) -> Array:
    """Apply a layer of the page's stack by sums over the kernel's taps.

    Args:
        kind: ``"linear"``, ``"conv"``, ``"depthwise"`` or ``"transposed"``.
        x: ``(n, channels)`` or ``(n, channels, height, width)``.
        weight: As torch shapes it.
    """
    if kind == "linear":
        return x @ weight.T
    height, width = x.shape[2:]
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    total: Array = np.zeros((len(x), weight.shape[1 if kind == "transposed" else 0], height, width))
    if kind == "transposed":
        # Output 2j - 1 + tap; of those the odd ones, 2i + 1, stay: tap 2 reads i, tap 0 i + 1.
        for row, column in itertools.product((0, 2), repeat=2):
            down, right = (2 if tap == 0 else 1 for tap in (row, column))
            part = wide[:, :, down : down + height, right : right + width]
            total += np.einsum("nchw,cd->ndhw", part, weight[:, :, row, column])
        return total
    for row, column in itertools.product(range(3), repeat=2):
        part = wide[:, :, row : row + height, column : column + width]
        tap = weight[:, :, row, column]
        if kind == "depthwise":
            total += part * tap[:, 0][:, None, None]
        else:
            total += np.einsum("nchw,dc->ndhw", part, tap)
    return total


def count_connections(
    in_shape: tuple[int, ...],
    out_channels: int,
    *,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    transposed: bool = False,
) -> tuple[float, float]:
    """Return mean inputs per output and outputs per input of a square 2-D convolution, by counting.

    Args:
        in_shape: Channels, height, width.
        out_channels: Of the output.
        kernel: Height and width of the kernel.
        stride: Of the convolution.
        padding: Of the convolution, with zeros.
        groups: Of the channels.
        transposed: Whether inputs are spread over outputs.
    """
    channels, *sizes = in_shape

    def along(size: int) -> tuple[int, int]:
        """Return the pairs of an input and an output in reach, and the outputs, on one axis."""
        if transposed:
            out = (size - 1) * stride - 2 * padding + kernel
            pairs = sum(
                0 <= i * stride - padding + k < out for i in range(size) for k in range(kernel)
            )
        else:
            out = (size + 2 * padding - kernel) // stride + 1
            pairs = sum(
                0 <= o * stride - padding + k < size for o in range(out) for k in range(kernel)
            )
        return pairs, out

    (down, height), (across, width) = (along(size) for size in sizes)
    edges = down * across * (channels // groups) * out_channels
    return edges / (out_channels * height * width), edges / math.prod(in_shape)
