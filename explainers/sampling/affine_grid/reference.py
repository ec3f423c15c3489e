"""A slow, independent `grid_sample`: plain loops in numpy float64, from its documentation."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# The cubic kernel of torch's bicubic: Keys' convolution with a = -0.75.
_A = -0.75


def slow_warp(
    image: Array,
    matrix: Array,
    size: tuple[int, int],
    *,
    mode: str,
    padding_mode: str,
    align_corners: bool,
) -> Array:
    """Return `image` read at ``matrix @ (x, y, 1)`` for each output pixel (x, y), one by one.

    Args:
        image: Array ``(C, H, W)``.
        matrix: Array ``(2, 3)``, output pixel to input pixel, as `pixel_matrix` gives it.
        size: Height and width of the output.
        mode: ``"bilinear"``, ``"nearest"`` or ``"bicubic"``.
        padding_mode: ``"zeros"``, ``"border"`` or ``"reflection"``.
        align_corners: Where reflection bounces: at pixel centres (True) or edges (False).

    Returns:
        Array ``(C, H', W')``.
    """
    output = np.zeros((image.shape[0], *size))
    for row in range(size[0]):
        for column in range(size[1]):
            x, y = matrix @ (column, row, 1.0)
            output[:, row, column] = _read(image, x, y, mode, padding_mode, align_corners)
    return output


def _read(
    image: Array, x: float, y: float, mode: str, padding_mode: str, align_corners: bool
) -> Array:
    _, height, width = image.shape
    if mode != "bicubic":
        # Bilinear and nearest move the position inside first; bicubic moves each tap.
        x = _inside(x, width, padding_mode, align_corners)
        y = _inside(y, height, padding_mode, align_corners)
    if mode == "nearest":
        # nearbyint: halves go to the even neighbour.
        return _pixel(image, round(y), round(x))
    left, top = math.floor(x), math.floor(y)
    total = np.zeros(image.shape[0])
    reach = range(-1, 3) if mode == "bicubic" else range(2)
    kernel = _cubic if mode == "bicubic" else _linear
    for dy in reach:
        for dx in reach:
            tap_x, tap_y = left + dx, top + dy
            weight = kernel(x - tap_x) * kernel(y - tap_y)
            if mode == "bicubic":
                tap_x = round(_inside(tap_x, width, padding_mode, align_corners))
                tap_y = round(_inside(tap_y, height, padding_mode, align_corners))
            total += weight * _pixel(image, tap_y, tap_x)
    return total


def _inside(position: float, side: int, padding_mode: str, align_corners: bool) -> float:
    if padding_mode == "zeros":
        return position
    if padding_mode == "reflection":
        low, high = (0.0, side - 1.0) if align_corners else (-0.5, side - 0.5)
        span = high - low
        if span == 0:
            return 0.0
        # A triangle wave of period two spans.
        phase = (position - low) % (2 * span)
        position = low + min(phase, 2 * span - phase)
    return min(max(position, 0.0), side - 1.0)


def _pixel(image: Array, row: int, column: int) -> Array:
    _, height, width = image.shape
    if 0 <= row < height and 0 <= column < width:
        return image[:, row, column]
    return np.zeros(image.shape[0])


def _linear(distance: float) -> float:
    return max(1 - abs(distance), 0.0)


def _cubic(distance: float) -> float:
    x = abs(distance)
    if x <= 1:
        return (_A + 2) * x**3 - (_A + 3) * x**2 + 1
    if x < 2:
        return _A * x**3 - 5 * _A * x**2 + 8 * _A * x - 4 * _A
    return 0.0
