"""Pooling in loops of Python over NumPy's numbers: it shares no code with torch."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "adaptive", "fractional", "powers", "sliding", "walked"]

Array = NDArray[np.float64]
Weighted = tuple[Array, Array]
"""The output ``(H', W')``, and the weight of each cell in each output, ``(H' * W', H * W)``."""


def walked(size: int, kernel: int, stride: int, padding: int, *, ceil: bool) -> list[int]:
    """Return where windows begin along an axis, the padding's first cell being ``-padding``.

    Rounding up adds windows as long as the last one leaves something uncovered on the right, and
    the next one would begin within the picture.
    """
    starts = [-padding]
    while True:
        following = starts[-1] + stride
        whole = following + kernel <= size + padding
        open_end = starts[-1] + kernel < size + padding and following < size
        if not (whole or (ceil and open_end)):
            return starts
        starts.append(following)


def sliding(
    x: Array, kernel: int, stride: int, padding: int, *, ceil: bool, how: str, counted: bool = True
) -> Weighted:
    """Return max or average pooling: of equal cells the first in reading order is the largest.

    Args:
        x: ``(H, W)``.
        kernel: Side of a window.
        stride: From one window to the next.
        padding: On each side; for an average zeros.
        ceil: Whether windows may go off the right.
        how: "max" or "avg".
        counted: Whether an average counts the padding.
    """
    height, width = x.shape
    tops = walked(height, kernel, stride, padding, ceil=ceil)
    lefts = walked(width, kernel, stride, padding, ceil=ceil)
    values = np.zeros((len(tops), len(lefts)))
    weights = np.zeros((values.size, x.size))
    for index, (top, left) in enumerate((top, left) for top in tops for left in lefts):
        cells = [
            (row, column)
            for row in range(max(top, 0), min(top + kernel, height))
            for column in range(max(left, 0), min(left + kernel, width))
        ]
        if how == "max":
            shares = {max(cells, key=lambda cell: x[cell]): 1.0}
        else:
            # What lies off the right of the padding counts for nobody.
            down = min(top + kernel, height + padding) - top
            across = min(left + kernel, width + padding) - left
            shares = dict.fromkeys(cells, 1 / (down * across if counted else len(cells)))
        for (row, column), share in shares.items():
            values.flat[index] += share * x[row, column]
            weights[index, row * width + column] = share
    return values, weights


def powers(x: Array, p: float, kernel: int) -> Weighted:
    """Return the p-th root of the sum of p-th powers of each window, for numbers not below 0.

    Its derivative is ``(x / y)**(p - 1)``, and 0 where the sum is 0.
    """
    side = x.shape[0] // kernel
    values = np.zeros((side, side))
    weights = np.zeros((side * side, x.size))
    for row, column in np.ndindex(side, side):
        window = x[row * kernel : (row + 1) * kernel, column * kernel : (column + 1) * kernel]
        y = values[row, column] = sum(float(cell) ** p for cell in window.flat) ** (1 / p)
        for (down, across), cell in np.ndenumerate(window):
            place = (row * kernel + down) * x.shape[1] + column * kernel + across
            weights[row * side + column, place] = (cell / y) ** (p - 1) if y else 0
    return values, weights


def fractional(size: int, kernel: int, count: int, u: float) -> list[int]:
    """Return where Graham's regions begin along an axis, for a number `u` from 0 to 1.

    In float32, as torch draws them. The sequence is that of the paper's own code, Regions.cu in
    https://github.com/btgraham/SparseConvNet-archived.
    """
    last = size - kernel
    if count == 1:
        return [last]
    alpha, drawn = np.float32(last) / np.float32(count - 1), np.float32(u)
    starts = [int((np.float32(i) + drawn) * alpha) - int(drawn * alpha) for i in range(count - 1)]
    return [*starts, last]


def adaptive(x: Array, count: int, how: str) -> Weighted:
    """Return an adaptive average or maximum of a row: windows from a floor to a ceiling."""
    size = len(x)
    values = np.zeros(count)
    weights = np.zeros((count, size))
    for index in range(count):
        cells = [
            cell
            for cell in range(size)
            # It reads what overlaps its share, from index * size / count to the next.
            if (cell + 1) * count > index * size and cell * count < (index + 1) * size
        ]
        if how == "max":
            cells = [max(cells, key=lambda cell: x[cell])]
        for cell in cells:
            weights[index, cell] = 1 / len(cells)
        values[index] = sum(x[cell] for cell in cells) / len(cells)
    return values, weights
