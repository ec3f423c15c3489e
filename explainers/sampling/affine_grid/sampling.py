"""Warp a picture with `F.affine_grid` and `F.grid_sample`."""

import contextlib
import dataclasses
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import recorded_warnings
from explainers.parameters import shown
from explainers.sampling.affine_grid.geometry import MAX_SIDE, checked, checked_size

Mode = Literal["bilinear", "nearest", "bicubic"]
PaddingMode = Literal["zeros", "border", "reflection"]
MODES: tuple[str, ...] = get_args(Mode)
PADDING_MODES: tuple[str, ...] = get_args(PaddingMode)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Hold a warped picture and the grid that it was sampled at.

    Attributes:
        output: Tensor ``(C, H', W')``, dtype of the image, on the CPU.
        grid: Tensor ``(H', W', 2)``, on the CPU: for each output pixel the normalised position
            (x, y) in the input that it reads; x to the right, y downward.
    """

    output: Tensor
    grid: Tensor


def warp(
    image: Tensor,
    theta: Tensor,
    *,
    size: tuple[int, int] | None = None,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    device: str | torch.device = "cpu",
) -> Warp:
    """Return `image` sampled where `theta` sends each output pixel.

    One `F.affine_grid` and one `F.grid_sample`, with the same `align_corners` in both. Gradients
    reach `image` and `theta`.

    Args:
        image: Tensor ``(C, H, W)``, floating point, finite.
        theta: Tensor ``(2, 3)``: output position to input position, normalised.
        size: Height and width of the output; None keeps the image's.
        mode: ``"bilinear"``, ``"nearest"`` or ``"bicubic"``.
        padding_mode: ``"zeros"``, ``"border"`` or ``"reflection"``: what lies outside.
        align_corners: False: -1 and 1 are the outer edges of the corner pixels. True: their
            centres; a side of a single output pixel then reads the middle.
        device: Where torch computes; the result is on the CPU.

    Returns:
        The warped picture and its grid.

    Raises:
        ValueError: An argument breaks its rule; the message names it.

    References:
        https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
    """
    image, theta = _checked_image(image), checked("theta", theta)
    _one_of("mode", mode, MODES)
    _one_of("padding_mode", padding_mode, PADDING_MODES)
    if not isinstance(align_corners, bool):
        raise ValueError(f"align_corners must be True or False, got {shown(align_corners)}")
    channels, *in_size = image.shape
    out_size = tuple(in_size) if size is None else checked_size("size", size)
    where = devices.device(device)

    source = image.to(where)
    matrix = theta.to(device=where, dtype=source.dtype)
    # torch warns that a side of one pixel has no two corners; our documentation says what it does.
    warns = align_corners and 1 in out_size
    with recorded_warnings() if warns else contextlib.nullcontext():
        grid = F.affine_grid(matrix[None], [1, channels, *out_size], align_corners=align_corners)
    try:
        output = F.grid_sample(
            source[None],
            grid,
            mode=mode,
            padding_mode=padding_mode,
            align_corners=align_corners,
        )
    except (NotImplementedError, RuntimeError) as error:
        if "not implemented for" not in str(error):
            raise
        raise ValueError(
            f"image must be of a dtype that torch can sample on {where}, got {image.dtype}"
        ) from error
    return Warp(output=output[0].cpu(), grid=grid[0].cpu())


def _checked_image(image: Tensor) -> Tensor:
    if not isinstance(image, Tensor) or image.dim() != 3:
        got = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"image must be a Tensor of shape (C, H, W), got {got}")
    if image.shape[0] < 1 or not all(1 <= side <= MAX_SIDE for side in image.shape[1:]):
        raise ValueError(
            f"image must have a channel and sides from 1 to {MAX_SIDE}, got {tuple(image.shape)}"
        )
    if not image.is_floating_point():
        raise ValueError(f"image must be floating point, got {image.dtype}")
    if not image.isfinite().all():
        raise ValueError("image must be finite, got NaN or infinity in it")
    return image


def _one_of(name: str, value: object, options: tuple[str, ...]) -> None:
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {shown(value)}")
