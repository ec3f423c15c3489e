"""Lay gradients, as sizes in powers of two, over what a format can hold."""

import dataclasses
import math

import torch
from torch import Tensor

from explainers.precision.arguments import above_zero, refused
from explainers.precision.formats import FormatShare, floating, representable


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class GradientHistogram:
    """Hold how many gradients, times a scale, have which size, and what a format makes of them.

    Attributes:
        edges: Tensor ``(bins + 1,)`` float64: log2 of the sizes between which a bin counts.
        counts: Tensor ``(bins,)`` int64: gradients from one edge up to the next.
        zeros: How many gradients are 0 to begin with.
        share: What becomes of the others in the format.
        smallest_subnormal: log2 of the smallest positive number of the format.
        smallest_normal: log2 of the smallest one of full precision.
        largest: log2 of the largest.
    """

    edges: Tensor
    counts: Tensor
    zeros: int
    share: FormatShare
    smallest_subnormal: float
    smallest_normal: float
    largest: float


def histogram(
    gradients: Tensor, scale: float = 1.0, dtype: str | torch.dtype = "float16"
) -> GradientHistogram:
    """Count gradients, times a scale, by powers of two, and say what a format loses.

    Args:
        gradients: Real and finite, in any shape.
        scale: What they are multiplied by, finite and above 0.
        dtype: torch's name of the format, or the dtype.

    Raises:
        ValueError: An argument breaks its rule.
    """
    format_ = floating(dtype)
    factor = above_zero("scale", scale)
    rule = "a tensor of finite real numbers"
    if not isinstance(gradients, Tensor) or gradients.is_complex():
        raise refused("gradients", rule, gradients)
    flat = gradients.detach().cpu().flatten().double()
    if not bool(flat.isfinite().all()):
        raise refused("gradients", rule, "an infinity or a NaN")
    sizes = flat.abs()
    sizes = sizes[sizes > 0]
    # frexp gives the power of two exactly; a logarithm may round up to the next.
    exponents = torch.frexp(sizes * factor).exponent.long() - 1
    low, high = (int(exponents.min()), int(exponents.max())) if len(exponents) else (0, 0)
    return GradientHistogram(
        edges=torch.arange(low, high + 2, dtype=torch.float64),
        counts=torch.bincount(exponents - low, minlength=high - low + 1),
        zeros=flat.numel() - len(sizes),
        share=representable(sizes * factor, format_.name),
        smallest_subnormal=math.log2(format_.smallest_subnormal),
        smallest_normal=math.log2(format_.smallest_normal),
        largest=math.log2(format_.max),
    )
