"""What a convolution must give, by loops in NumPy: it shares no code with torch."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Sides = tuple[int, int]

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""NumPy's names of torch's ``padding_mode``."""


def span(size: int, dilation: int) -> int:
    """Return how many pixels a window of `size` taps spans, first to last."""
    return dilation * (size - 1) + 1


def sides(padding: str, size: int, dilation: int) -> Sides:
    """Return the pixels added before and after: twice a number, or what "same" splits in two."""
    if padding != "same":
        return int(padding), int(padding)
    total = span(size, dilation) - 1
    return total // 2, total - total // 2


def padded(picture: Array, rows: Sides, columns: Sides, mode: str = "zeros") -> Array:
    """Return a picture with a border."""
    bordered: Array = np.pad(picture, (rows, columns), mode=MODES[mode])  # type: ignore[call-overload]
    return bordered


def loops(picture: Array, kernel: Array, *, stride: int = 1, dilation: int = 1) -> Array:
    """Return the sum under each window that fits, pixel by pixel; the kernel is not flipped."""
    height, width = (span(size, dilation) for size in kernel.shape)
    rows = range(0, picture.shape[0] - height + 1, stride)
    columns = range(0, picture.shape[1] - width + 1, stride)
    sums = [
        sum(
            float(weight) * float(picture[top + i * dilation, left + j * dilation])
            for (i, j), weight in np.ndenumerate(kernel)
        )
        for top in rows
        for left in columns
    ]
    return np.array(sums).reshape(len(rows), len(columns))


def filtered(picture: Array, kernel: Array, *, stride: int = 1, dilation: int = 1) -> Array:
    """Return the same by OpenCV: its filter has no dilation and no stride."""
    spread = np.zeros([span(size, dilation) for size in kernel.shape])
    spread[::dilation, ::dilation] = kernel
    whole = cv2.filter2D(picture, -1, spread, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    height, width = spread.shape
    fits = whole[: picture.shape[0] - height + 1, : picture.shape[1] - width + 1]
    return np.asarray(fits[::stride, ::stride], np.float64)


def taps(length: int, size: int, stride: int, dilation: int) -> Sequence[tuple[int, ...]]:
    """Return where the windows that fit into `length` pixels read, window by window."""
    return [
        tuple(range(start, start + span(size, dilation), dilation))
        for start in range(0, length - span(size, dilation) + 1, stride)
    ]
