"""Transposed convolution, convolution and windows as NumPy loops: they share no code with torch."""

import numpy as np
from numpy.typing import NDArray

from explainers.program.lessons import final
from explainers.program.states import Trace

Array = NDArray[np.float64]


def held(trace: Trace, name: str) -> Array:
    """Return what a tensor of the run held at its end, in float64."""
    state = final(trace, name)
    return np.array(state.values, np.float64).reshape(state.shape)


def stamped(
    x: Array,
    kernel: Array,
    *,
    stride: int,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> Array:
    """Add a stamp of the kernel for each pixel of `x`, then cut `padding` off each side.

    Args:
        x: ``(H, W)``.
        kernel: ``(kH, kW)``.
        stride: From one stamp to the next.
        padding: Rows and columns to cut off each side.
        output_padding: Rows and columns that stay at the bottom and at the right.
        dilation: From one point of the kernel to the next.
    """
    sides = [
        (n - 1) * stride + dilation * (k - 1) + 1 + output_padding
        for n, k in zip(x.shape, kernel.shape, strict=True)
    ]
    canvas = np.zeros(sides)
    for (row, column), value in np.ndenumerate(x):
        for (down, right), weight in np.ndenumerate(kernel):
            canvas[row * stride + down * dilation, column * stride + right * dilation] += (
                value * weight
            )
    return canvas[padding : sides[0] - padding, padding : sides[1] - padding]


def correlated(x: Array, kernel: Array, *, stride: int, padding: int) -> Array:
    """Sum window times kernel at each place, the kernel not flipped, zeros around `x`.

    Args:
        x: ``(H, W)``, or ``(C, H, W)``.
        kernel: ``(kH, kW)``, or ``(C, kH, kW)``.
        stride: From one window to the next.
        padding: Zeros on each side.
    """
    lists = columns(x, kernel.shape[-2:], stride=stride, padding=padding)
    high, wide = places(x.shape[-2:], kernel.shape[-2:], stride=stride, padding=padding)
    return (kernel.reshape(-1) @ lists).reshape(high, wide)


def places(
    sides: tuple[int, ...], kernel_size: tuple[int, ...], *, stride: int, padding: int
) -> tuple[int, ...]:
    """Return how many windows fit in each direction."""
    return tuple(
        (n + 2 * padding - k) // stride + 1 for n, k in zip(sides, kernel_size, strict=True)
    )


def columns(x: Array, kernel_size: tuple[int, ...], *, stride: int, padding: int) -> Array:
    """Return each window as a column: channel by channel, row by row; windows in reading order."""
    channels = x.reshape(-1, *x.shape[-2:])
    around = np.pad(channels, ((0, 0), (padding, padding), (padding, padding)))
    high, wide = places(x.shape[-2:], kernel_size, stride=stride, padding=padding)
    found = [
        around[:, row : row + kernel_size[0], column : column + kernel_size[1]].reshape(-1)
        for row in range(0, high * stride, stride)
        for column in range(0, wide * stride, stride)
    ]
    return np.stack(found, axis=1)
