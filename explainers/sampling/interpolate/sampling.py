"""Resize with `F.interpolate`, and say where each output value reads."""

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.parameters import shown

Mode = Literal[
    "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area", "lanczos"
]
MODES: tuple[str, ...] = get_args(Mode)
MAX_SIDE = 512
# At this size a call takes about 100 ms.
MAX_VALUES = 2**22

LAYOUTS = {1: "(C, L)", 2: "(C, H, W)", 3: "(C, D, H, W)"}
"""Shape of an input by its number of spatial axes."""

MODES_OF = {
    1: ("nearest", "nearest-exact", "linear", "area"),
    2: ("nearest", "nearest-exact", "bilinear", "bicubic", "area", "lanczos"),
    3: ("nearest", "nearest-exact", "trilinear", "area"),
}
"""Modes that torch has, by the number of spatial axes."""

ANTIALIASED = ("bilinear", "bicubic", "lanczos")
"""Modes that take ``antialias=True``, on pictures only."""

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

_SMALL = 128
"""Most rows and columns together for which torch's kernel for small pictures runs."""

WITHOUT_CORNERS = ("nearest", "nearest-exact", "area")
"""Modes that refuse any `align_corners` but None."""

Size = int | Sequence[int]
ScaleFactor = float | Sequence[float]


def resize(
    image: Tensor,
    *,
    size: Size | None = None,
    scale_factor: ScaleFactor | None = None,
    mode: str = "bilinear",
    align_corners: bool | None = None,
    antialias: bool = False,
    recompute_scale_factor: bool | None = None,
    device: str | torch.device = "cpu",
) -> Tensor:
    """Return `image` resized by one call of `F.interpolate`.

    Gradients reach `image`.

    Args:
        image: Tensor ``(C, L)``, ``(C, H, W)`` or ``(C, D, H, W)``, finite, sides from 1 to 512.
        size: Sides of the output, one number for all or one per axis, 1 to 512.
        scale_factor: Output side over input side, one number for all or one per axis; the output
            side is rounded down. Exactly one of `size` and `scale_factor` is given.
        mode: ``"nearest"``, ``"nearest-exact"`` or ``"area"`` for any shape; ``"linear"`` for
            ``(C, L)``; ``"bilinear"``, ``"bicubic"`` or ``"lanczos"`` for ``(C, H, W)``;
            ``"trilinear"`` for ``(C, D, H, W)``.
        align_corners: False: the outer edges of input and output coincide. True: the centres of
            their corner values do. None: torch's default, False where a mode takes the flag.
        antialias: Widen the kernel by the reduction, so that every input value counts. On the CPU
            torch 2.14 errs where the output is one column wide and of another height: every row
            takes the first row's weights. Its backward pass does not.
        recompute_scale_factor: True: read at the scale of the rounded sides, not at
            `scale_factor`.
        device: Where torch computes; the result is on the CPU.

    Returns:
        Tensor of as many axes as `image` and of its dtype.

    Raises:
        ValueError: An argument breaks its rule, or torch has no kernel for the dtype of `image`;
            the message names the argument.

    References:
        https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
    """
    axes = _checked_image(image)
    _check_mode(mode, axes, align_corners, antialias)
    _flag_or_none("recompute_scale_factor", recompute_scale_factor)
    out = output_size(
        tuple(image.shape[1:]),
        size=size,
        scale_factor=scale_factor,
        recompute_scale_factor=recompute_scale_factor,
    )
    if image.shape[0] * math.prod(out) > MAX_VALUES:
        name, value = ("size", size) if scale_factor is None else ("scale_factor", scale_factor)
        raise ValueError(f"{name} must give at most {MAX_VALUES} values, got {shown(value)}")
    where = devices.device(device)
    try:
        resized: Tensor = F.interpolate(
            image[None].to(where),
            size=None if size is None else out,
            scale_factor=None if scale_factor is None else _per_axis(scale_factor, axes),
            mode=mode,
            align_corners=align_corners,
            antialias=antialias,
            recompute_scale_factor=recompute_scale_factor,
        )
    except (NotImplementedError, RuntimeError) as error:
        if "INTERNAL ASSERT" in str(error):
            # A uint8 picture of three channels and several rows, asked for as one pixel.
            raise ValueError(
                f"image must be floating point where torch fails inside its own code, got "
                f"{image.dtype} of shape {tuple(image.shape)} for an output of shape "
                f"{(image.shape[0], *out)}"
            ) from error
        if "not implemented for" not in str(error) and "not supported" not in str(error):
            raise
        with_antialias = " with antialias=True" if antialias else ""
        raise ValueError(
            f"image must be of a dtype for which torch has a kernel of mode={mode!r}"
            f"{with_antialias} on {where}, got {image.dtype}"
        ) from error
    return resized[0].cpu()


def torch_says(
    image: Tensor,
    *,
    size: Size | None = None,
    scale_factor: ScaleFactor | None = None,
    mode: str = "bilinear",
    align_corners: bool | None = None,
    antialias: bool = False,
    recompute_scale_factor: bool | None = None,
) -> str:
    """Return torch's own words when `F.interpolate` refuses these arguments; empty if it does not.

    Args:
        image: As in `resize`.
        size: As in `resize`; what would give more than 2**24 values is not tried.
        scale_factor: As in `resize`, and likewise.
        mode: As in `resize`.
        align_corners: As in `resize`.
        antialias: As in `resize`.
        recompute_scale_factor: As in `resize`.
    """
    axes = image.dim() - 1
    asked = math.prod(_per_axis(1 if size is None else size, axes))
    factor = math.prod(_per_axis(1 if scale_factor is None else scale_factor, axes))
    if max(asked, image[0].numel() * factor) > MAX_VALUES:
        return ""
    try:
        F.interpolate(
            image[None, :1],
            size=size,
            scale_factor=scale_factor,
            mode=mode,
            align_corners=align_corners,
            antialias=antialias,
            recompute_scale_factor=recompute_scale_factor,
        )
    except (ValueError, NotImplementedError, RuntimeError) as error:
        return str(error).splitlines()[0]
    return ""


def output_size(
    in_size: Sequence[int],
    *,
    size: Size | None = None,
    scale_factor: ScaleFactor | None = None,
    recompute_scale_factor: bool | None = None,
) -> tuple[int, ...]:
    """Return the sides that `F.interpolate` gives to an output.

    Args:
        in_size: Sides of the input.
        size: As in `resize`.
        scale_factor: As in `resize`; sides are multiplied by it and rounded down.
        recompute_scale_factor: As in `resize`.

    Raises:
        ValueError: Both or neither of `size` and `scale_factor` are given, or one breaks its rule.
    """
    axes = len(in_size)
    if size is not None and scale_factor is not None:
        raise ValueError(
            f"size must be None when scale_factor is given, got size={shown(size)} and "
            f"scale_factor={shown(scale_factor)}"
        )
    if size is not None:
        if recompute_scale_factor:
            raise ValueError(
                "recompute_scale_factor must be None or False when size is given, got True"
            )
        sides = _per_axis(size, axes)
        if len(sides) != axes or not all(_is_side(side) for side in sides):
            raise ValueError(
                f"size must be a whole number from 1 to {MAX_SIDE}, or {axes} of them, "
                f"got {shown(size)}"
            )
        return tuple(int(side) for side in sides)
    if scale_factor is None:
        raise ValueError("size must be given when scale_factor is not, got None for both")
    factors = _per_axis(scale_factor, axes)
    if len(factors) != axes or not all(_is_factor(factor) for factor in factors):
        raise ValueError(
            f"scale_factor must be a number above 0, or {axes} of them, got {shown(scale_factor)}"
        )
    # As torch does: a Python float product, cut to an integer.
    out = tuple(
        int(min(side * factor, 2.0**31)) for side, factor in zip(in_size, factors, strict=True)
    )
    if not all(1 <= side <= MAX_SIDE for side in out):
        raise ValueError(
            f"scale_factor must give sides from 1 to {MAX_SIDE}, got {shown(scale_factor)} for "
            f"{'x'.join(str(side) for side in in_size)}"
        )
    return out


def sample_positions(
    in_size: int,
    out_size: int,
    *,
    mode: str = "linear",
    align_corners: bool = False,
    scale_factor: float | None = None,
    antialias: bool = False,
    axes: int = 1,
    small: bool = True,
) -> Tensor:
    r"""Return where each output value reads along one axis of the input.

    With the scale :math:`s`, input over output side or one over `scale_factor`, output ``i``
    reads at :math:`s (i + 1/2) - 1/2`; with `align_corners` at :math:`i (n - 1) / (m - 1)`.
    nearest takes the value at :math:`\lfloor s i \rfloor`, nearest-exact the one at
    :math:`\lfloor s (i + 1/2) \rfloor`, both in float32, as torch does: where exact arithmetic
    meets a whole number, torch's rounding decides. area averages a window; this is its middle.

    Three shortcuts of torch are kept: an axis whose side stays the same is copied by the linear
    modes and with antialias, whatever `scale_factor` says; nearest on ``(C, H, W)`` copies such an
    axis too, and repeats each value twice where the side doubles, if the output is `small`
    (nearest-exact rounds otherwise there, and may differ where the exact product is whole);
    antialias with `align_corners` takes the scale :math:`(n - 1) / (m - 1)` and still reads at
    :math:`s (i + 1/2) - 1/2`.

    Args:
        in_size: Length n of the input, 1 to 512.
        out_size: Length m of the output, 1 to 512.
        mode: Any mode of `F.interpolate`; all but nearest, nearest-exact and area read alike.
        align_corners: Whether the centres of the first and of the last values coincide. The modes
            that refuse the flag have no positions for True.
        scale_factor: What was given to torch in place of a size, unless it was recomputed. area
            and `align_corners` do not use it.
        antialias: As in `F.interpolate`.
        axes: Number of spatial axes of the input.
        small: What `is_small` says of the whole output; of two axes, both nearest modes read by it.

    Returns:
        Tensor ``(out_size,)``, float64, in input pixels: whole numbers are centres of input
        values. Those outside 0 to n - 1 read the edge value.

    Raises:
        ValueError: An argument breaks its rule.

    References:
        ``area_pixel_compute_source_index`` and ``nearest_idx`` in ATen/native/UpSample.h
        ``_use_vectorized_kernel_cond_2d`` in ATen/native/cpu/UpSampleKernel.cpp
    """
    for name, side in (("in_size", in_size), ("out_size", out_size)):
        if not _is_side(side):
            raise ValueError(
                f"{name} must be a whole number from 1 to {MAX_SIDE}, got {shown(side)}"
            )
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {shown(mode)}")
    if not isinstance(align_corners, bool):
        raise ValueError(f"align_corners must be True or False, got {shown(align_corners)}")
    if align_corners and mode in WITHOUT_CORNERS:
        raise ValueError(f"align_corners must be False for mode={mode!r}, got True")
    if scale_factor is not None and not _is_factor(scale_factor):
        raise ValueError(f"scale_factor must be a number above 0, got {shown(scale_factor)}")
    if not isinstance(antialias, bool):
        raise ValueError(f"antialias must be True or False, got {shown(antialias)}")
    if isinstance(axes, bool) or axes not in LAYOUTS:
        raise ValueError(f"axes must be 1, 2 or 3, got {shown(axes)}")
    index = np.arange(out_size)
    if mode == "area":
        first = index * in_size // out_size
        last = -(-(index + 1) * in_size // out_size) - 1
        return torch.from_numpy((first + last) / 2)
    scale = in_size / out_size if scale_factor is None else 1 / scale_factor
    if mode in ("nearest", "nearest-exact"):
        if mode == "nearest" and axes == 2 and small and out_size in (in_size, 2 * in_size):
            return torch.from_numpy((index * in_size // out_size).astype(np.float64))
        single = np.float32(scale)
        if mode == "nearest":
            read = np.floor(index.astype(np.float32) * single)
        elif axes == 2 and small:
            read = np.floor((np.float64(single) * (index + 0.5)).astype(np.float32))
        else:
            # torch rounds once, after multiplying and subtracting, and then adds the half back.
            centre = (np.float64(single) * (index + 0.5) - 0.5).astype(np.float32)
            read = np.floor(centre + np.float32(0.5))
        return torch.from_numpy(np.clip(read, 0, in_size - 1).astype(np.float64))
    if out_size == in_size and (antialias or mode != "bicubic"):
        return torch.from_numpy(index.astype(np.float64))
    if align_corners:
        step = (in_size - 1) / (out_size - 1) if out_size > 1 else 0.0
        return torch.from_numpy(step * (index + 0.5) - 0.5 if antialias else step * index)
    return torch.from_numpy(scale * (index + 0.5) - 0.5)


def is_small(out: Sequence[int]) -> bool:
    """Return whether torch resizes to these sides by its kernel for small pictures, on the CPU.

    Args:
        out: Sides of the output.
    """
    return len(out) == 2 and sum(out) <= _SMALL


def centres(in_size: int, out_size: int) -> Tensor:
    """Return the middle of each output when input and output span the same extent.

    Args:
        in_size: Length of the input.
        out_size: Length of the output.

    Returns:
        Tensor ``(out_size,)``, float64, in input pixels.
    """
    index = torch.arange(out_size, dtype=torch.float64)
    return (index + 0.5) * in_size / out_size - 0.5


def _checked_image(image: Tensor) -> int:
    """Return the number of spatial axes."""
    if not isinstance(image, Tensor) or image.dim() - 1 not in LAYOUTS:
        got = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        *most, last = LAYOUTS.values()
        raise ValueError(f"image must be a Tensor of shape {', '.join(most)} or {last}, got {got}")
    if image.shape[0] < 1 or not all(1 <= side <= MAX_SIDE for side in image.shape[1:]):
        raise ValueError(
            f"image must have a channel and sides from 1 to {MAX_SIDE}, got {tuple(image.shape)}"
        )
    if image.numel() > MAX_VALUES:
        raise ValueError(f"image must have at most {MAX_VALUES} values, got {image.numel()}")
    if image.layout != torch.strided or image.is_meta:
        raise ValueError(
            f"image must be dense and hold values, got {image.layout} on {image.device}"
        )
    if image.is_floating_point() and image.dtype not in FLOATS:
        raise ValueError(f"image must be of a dtype that torch computes with, got {image.dtype}")
    if (image.is_floating_point() or image.is_complex()) and not image.isfinite().all():
        raise ValueError("image must be finite, got NaN or infinity in it")
    return image.dim() - 1


def _check_mode(mode: str, axes: int, align_corners: bool | None, antialias: bool) -> None:
    if mode not in MODES_OF[axes]:
        raise ValueError(
            f"mode must be one of {', '.join(MODES_OF[axes])} for an input {LAYOUTS[axes]}, "
            f"got {shown(mode)}"
        )
    _flag_or_none("align_corners", align_corners)
    if not isinstance(antialias, bool):
        raise ValueError(f"antialias must be True or False, got {shown(antialias)}")
    if align_corners is not None and mode in WITHOUT_CORNERS:
        raise ValueError(f"align_corners must be None for mode={mode!r}, got {align_corners}")
    if antialias and mode not in ANTIALIASED:
        raise ValueError(
            f"antialias must be False unless mode is one of {', '.join(ANTIALIASED)}, "
            f"got True with mode={mode!r}"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("antialias must be True for mode='lanczos', got False")
    if mode == "lanczos" and align_corners:
        raise ValueError("align_corners must be None or False for mode='lanczos', got True")


def _flag_or_none(name: str, value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name} must be None, True or False, got {shown(value)}")


def _per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(value)
    return (value,) * axes


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIDE


def _is_factor(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
