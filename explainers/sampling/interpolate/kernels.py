"""The weights by which `F.interpolate` mixes input values, as formulas."""

from collections.abc import Mapping

import torch
from torch import Tensor

from explainers.parameters import shown

KERNELS = ("linear", "cubic", "lanczos")
RADIUS: Mapping[str, int] = {"linear": 1, "cubic": 2, "lanczos": 3}
"""Distance from which on a kernel is zero, in input pixels."""

KERNEL_OF: Mapping[str, str] = {
    "linear": "linear",
    "bilinear": "linear",
    "trilinear": "linear",
    "bicubic": "cubic",
    "lanczos": "lanczos",
}
"""The kernel of each mode that has one; nearest, nearest-exact and area have none."""


def cubic_a(*, antialias: bool) -> float:
    """Return the slope parameter a of torch's cubic kernel: the derivative at distance 1.

    Args:
        antialias: -0.5 with (as PIL), -0.75 without (as OpenCV).
    """
    return -0.5 if antialias else -0.75


def kernel(mode: str, x: Tensor, *, antialias: bool = False) -> Tensor:
    r"""Return the weight of an input value at distance `x` from where an output reads.

    linear is :math:`1 - |x|` up to 1. cubic is Keys' piecewise cubic up to 2, with a = -0.75, or
    -0.5 with antialias. lanczos is :math:`\mathrm{sinc}(x)\,\mathrm{sinc}(x/3)` up to 3. With
    antialias torch stretches the kernel by the reduction: pass ``x / scale``, and divide the
    weights by their sum.

    Args:
        mode: ``"linear"``, ``"cubic"`` or ``"lanczos"``.
        x: Distances in input pixels, any shape, floating point.
        antialias: Which cubic; linear and lanczos do not depend on it.

    Returns:
        Weights of the shape and dtype of `x`.

    Raises:
        ValueError: `mode` is none of these, or `x` is not a floating tensor.

    References:
        Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    if mode not in KERNELS:
        raise ValueError(f"mode must be one of {', '.join(KERNELS)}, got {shown(mode)}")
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"x must be a floating point Tensor, got {got}")
    distance = x.abs()
    if mode == "linear":
        return (1 - distance).clamp(min=0)
    if mode == "lanczos":
        return torch.where(distance < 3, torch.sinc(distance) * torch.sinc(distance / 3), 0)
    a = cubic_a(antialias=antialias)
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return torch.where(distance <= 1, near, torch.where(distance < 2, far, 0))
