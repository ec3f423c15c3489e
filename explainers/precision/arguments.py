"""Take the numbers that functions of this chapter are given, or say what they must be."""

import math

from explainers.parameters import shown


def refused(name: str, rule: str, value: object) -> ValueError:
    """Return the sentence for a value that breaks its rule."""
    return ValueError(f"{name} must be {rule}, got {shown(value)}")


def real(name: str, value: object, rule: str) -> float:
    """Return `value` as a float. Raises ValueError where it is no number, or NaN."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if not math.isnan(found):
            return found
    raise refused(name, rule, value)


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int. Raises ValueError where it is none, or out of bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise refused(name, f"a whole number from {low} to {high}", value)


def above_zero(name: str, value: object) -> float:
    """Return `value` as a float. Raises ValueError where it is not finite and above 0."""
    rule = "a finite number above 0"
    found = real(name, value, rule)
    if not 0 < found < float("inf"):
        raise refused(name, rule, value)
    return found
