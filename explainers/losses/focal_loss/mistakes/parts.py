"""Offer what several mistakes share: gamma, and where a curve is read."""

from torch import Tensor

from explainers.parameters import number


def nearest(x: Tensor, wanted: float) -> int:
    """Return where in `x` ``(n,)`` the number nearest to `wanted` stands."""
    return int((x - wanted).abs().argmin())


def gamma(default: float = 2.0, *, most: float = 5.0) -> float:
    """Declare the focusing parameter, from 0 to `most`."""
    found: float = number(
        default,
        label="gamma",
        help="Focusing parameter.",
        minimum=0.0,
        maximum=most,
        step=0.1,
    )
    return found
