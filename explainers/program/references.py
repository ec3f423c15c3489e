"""What NumPy says of the same program, to hold a trace against: it shares no code with torch."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from explainers.program.states import ArrayState, TensorState

__all__ = ["apart", "cells", "difference", "strides"]


def cells(array: NDArray[np.generic], memory: NDArray[np.generic]) -> tuple[int, ...]:
    """Return where each element of `array` lies in `memory`, in items, in reading order.

    Args:
        array: Of any shape.
        memory: One-dimensional and without gaps.

    Returns:
        Positions; one that lies outside of `memory` is negative, or beyond its length.
    """
    begin = array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    found = []
    for index in np.ndindex(*array.shape):
        away = sum(at * stride for at, stride in zip(index, array.strides, strict=True))
        found.append((begin + away) // memory.itemsize)
    return tuple(found)


def strides(array: NDArray[np.generic]) -> tuple[int, ...]:
    """Return NumPy's strides in items, as torch counts them."""
    return tuple(stride // array.itemsize for stride in array.strides)


def difference(found: Iterable[float] | None, reference: Iterable[float]) -> float:
    """Return the largest absolute difference of two rows of numbers.

    Infinite where one is missing or they are not of one length; NaN and infinity are equal to
    themselves alone.
    """
    if found is None:
        return math.inf
    mine, theirs = [*found], [*reference]
    if len(mine) != len(theirs):
        return math.inf
    most = 0.0
    for a, b in zip(mine, theirs, strict=True):
        if a == b or (a != a and b != b):  # noqa: PLR0124 - only NaN differs from itself
            continue
        gap = abs(float(a) - float(b))
        if math.isnan(gap):  # which max() would pass over
            return math.inf
        most = max(most, gap)
    return most


def apart(state: TensorState | ArrayState, array: NDArray[np.generic]) -> float:
    """Return the largest absolute difference of what was recorded from NumPy's array.

    Infinite where dtype or shape differ.
    """
    if state.dtype != array.dtype.name or state.shape != array.shape:
        return math.inf
    return difference(state.values, array.reshape(-1).tolist())  # type: ignore[arg-type]
