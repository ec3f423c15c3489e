"""Resize by other means: OpenCV, PIL, and a float64 matrix per axis."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from explainers.parameters import shown
from explainers.sampling.interpolate.kernels import KERNEL_OF, RADIUS, kernel
from explainers.sampling.interpolate.sampling import (
    FLOATS,
    MAX_SIDE,
    MODES_OF,
    WITHOUT_CORNERS,
    is_small,
    sample_positions,
)

OPENCV: Mapping[str, tuple[str, int]] = {
    "nearest": ("INTER_NEAREST", cv2.INTER_NEAREST),
    "nearest-exact": ("INTER_NEAREST_EXACT", cv2.INTER_NEAREST_EXACT),
    "bilinear": ("INTER_LINEAR", cv2.INTER_LINEAR),
    "bicubic": ("INTER_CUBIC", cv2.INTER_CUBIC),
    "area": ("INTER_AREA", cv2.INTER_AREA),
    "lanczos": ("INTER_LANCZOS4", cv2.INTER_LANCZOS4),
}
"""OpenCV's name and number for each of torch's modes on pictures."""

PIL: Mapping[str, Image.Resampling] = {
    "nearest": Image.Resampling.NEAREST,
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
"""PIL's filter for each of torch's modes on pictures."""


def opencv_resize(image: Tensor, size: Sequence[int], *, mode: str) -> Tensor:
    """Return `image` resized by `cv2.resize`, channel by channel, on the CPU.

    Args:
        image: Tensor ``(C, H, W)``; uint8, float32 or float64. float16 and bfloat16 pass through
            float32.
        size: Height and width of the output, 1 to 512.
        mode: Torch's name; nearest, nearest-exact, bilinear, bicubic, area and lanczos become
            INTER_NEAREST, INTER_NEAREST_EXACT, INTER_LINEAR, INTER_CUBIC, INTER_AREA and
            INTER_LANCZOS4 (eight taps, where torch's has six).

    Returns:
        Tensor ``(C, H', W')`` of the dtype of `image`.

    Raises:
        ValueError: An argument breaks its rule.

    References:
        https://docs.opencv.org/5.x/da/d54/group__imgproc__transform.html
    """
    height, width = _checked(image, size, mode)
    _, flag = OPENCV[mode]
    half = image.dtype in (torch.float16, torch.bfloat16)
    planes = (image.float() if half else image).detach().cpu().numpy()
    resized = np.stack(
        [
            cv2.resize(np.ascontiguousarray(plane), (width, height), interpolation=flag)
            for plane in planes
        ]
    )
    return torch.from_numpy(resized).to(image.dtype)


def pil_resize(image: Tensor, size: Sequence[int], *, mode: str) -> Tensor:
    """Return `image` resized by `PIL.Image.resize`, channel by channel, on the CPU.

    PIL always widens its kernel by the reduction, as torch does with ``antialias=True``.

    Args:
        image: Tensor ``(C, H, W)``; uint8 goes through PIL's mode L, floating point through its
            mode F, which is float32.
        size: Height and width of the output, 1 to 512.
        mode: Torch's name; nearest and nearest-exact become NEAREST (PIL has one, torch's
            nearest-exact), bilinear BILINEAR, bicubic BICUBIC, area BOX, lanczos LANCZOS.

    Returns:
        Tensor ``(C, H', W')`` of the dtype of `image`.

    Raises:
        ValueError: An argument breaks its rule.

    References:
        https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters
    """
    height, width = _checked(image, size, mode)
    planes = image.float() if image.is_floating_point() else image
    resized = np.stack(
        [
            np.asarray(Image.fromarray(plane).resize((width, height), PIL[mode]))
            for plane in planes.detach().cpu().numpy()
        ]
    )
    return torch.from_numpy(resized).to(image.dtype)


def axis_weights(
    in_size: int,
    out_size: int,
    *,
    mode: str,
    align_corners: bool = False,
    antialias: bool = False,
    scale_factor: float | None = None,
    axes: int = 1,
    small: bool = True,
    only: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the weight of each input value in each output value along one axis, in float64.

    Written from the documentation and the kernels' formulas. With antialias the window and the
    kernel are PIL's.

    Args:
        in_size: Length of the input.
        out_size: Length of the output.
        mode: Any mode of `F.interpolate`.
        align_corners: As in `F.interpolate`.
        antialias: As in `F.interpolate`.
        scale_factor: As in `sample_positions`.
        axes: As in `sample_positions`.
        small: As in `sample_positions`.
        only: Indices of the outputs to return; None for all.

    Returns:
        Array ``(out_size, in_size)``, or ``(len(only), in_size)``; every row sums to 1.
    """
    outputs = np.arange(out_size) if only is None else only
    rows, taps = np.arange(len(outputs)), np.arange(in_size)
    weights = np.zeros((len(outputs), in_size))
    if mode == "area":
        first, last = outputs * in_size // out_size, -(-(outputs + 1) * in_size // out_size)
        covered = (taps >= first[:, None]) & (taps < last[:, None])
        return np.asarray(covered / covered.sum(axis=1, keepdims=True), dtype=np.float64)
    positions = sample_positions(
        in_size,
        out_size,
        mode=mode,
        align_corners=align_corners,
        scale_factor=scale_factor,
        antialias=antialias,
        axes=axes,
        small=small,
    ).numpy()[outputs]
    if mode in WITHOUT_CORNERS:
        weights[rows, positions.astype(int)] = 1
        return weights
    name = KERNEL_OF[mode]
    radius = RADIUS[name]
    if antialias and in_size == out_size:
        weights[rows, outputs] = 1
        return weights
    if antialias:
        if align_corners:
            scale = (in_size - 1) / (out_size - 1) if out_size > 1 else 0.0
        else:
            scale = in_size / out_size if scale_factor is None else 1 / scale_factor
        stretch = max(scale, 1.0)
        centres = positions[:, None] + 0.5
        # As in PIL: cut towards zero, not rounded down.
        first = (centres - radius * stretch + 0.5).astype(int)
        last = (centres + radius * stretch + 0.5).astype(int)
        weights = _formula(name, (taps + 0.5 - centres) / stretch, antialias=True)
        weights *= (taps >= first) & (taps < last)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)
    if name == "linear":
        positions = np.maximum(positions, 0)
    base = np.floor(positions).astype(int)
    for step in range(1 - radius, radius + 1):
        tap = base + step
        weight = _formula(name, positions - tap, antialias=False)
        # Beyond the border the edge value is read.
        np.add.at(weights, (rows, np.clip(tap, 0, in_size - 1)), weight)
    return weights


def slow_resize(
    image: Tensor,
    size: Sequence[int],
    *,
    mode: str,
    align_corners: bool = False,
    antialias: bool = False,
    scale_factor: float | Sequence[float | None] | None = None,
    only: Sequence[NDArray[np.int64]] | None = None,
) -> Tensor:
    """Return `image` resized in float64 by one matrix per axis.

    Args:
        image: Tensor ``(C, L)``, ``(C, H, W)`` or ``(C, D, H, W)``.
        size: Sides of the output.
        mode: Any mode of `F.interpolate`.
        align_corners: As in `F.interpolate`.
        antialias: As in `F.interpolate`.
        scale_factor: As in `sample_positions`, for every axis or one per axis.
        only: Indices of the outputs to return, one array per axis; None for all.

    Returns:
        Tensor float64.
    """
    axes = image.dim() - 1
    each = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor,) * axes
    values = image.detach().cpu().to(torch.float64)
    for axis in range(1, axes + 1):
        weights = axis_weights(
            image.shape[axis],
            size[axis - 1],
            mode=mode,
            align_corners=align_corners,
            antialias=antialias,
            scale_factor=each[axis - 1],
            axes=axes,
            small=is_small(size),
            only=None if only is None else only[axis - 1],
        )
        # Not numpy's product: its threads wait for each other on a busy server.
        product = torch.tensordot(torch.from_numpy(weights), values, dims=([1], [axis]))
        values = product.movedim(0, axis)
    return values.contiguous()


def _formula(name: str, x: NDArray[np.float64], *, antialias: bool) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = kernel(name, torch.from_numpy(x), antialias=antialias).numpy()
    return weights


def _checked(image: Tensor, size: Sequence[int], mode: str) -> tuple[int, int]:
    if not isinstance(image, Tensor) or image.dim() != 3 or 0 in image.shape:
        got = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"image must be a Tensor of shape (C, H, W), got {got}")
    if image.dtype not in (torch.uint8, *FLOATS):
        raise ValueError(f"image must be uint8 or floating point, got {image.dtype}")
    if max(image.shape[1:]) > MAX_SIDE:
        raise ValueError(f"image must have sides from 1 to {MAX_SIDE}, got {tuple(image.shape)}")
    if mode not in MODES_OF[2]:
        raise ValueError(f"mode must be one of {', '.join(MODES_OF[2])}, got {shown(mode)}")
    if (
        not isinstance(size, Sequence)
        or isinstance(size, bytes)
        or len(size) != 2
        or not all(
            isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= MAX_SIDE
            for side in size
        )
    ):
        raise ValueError(f"size must be two whole numbers from 1 to {MAX_SIDE}, got {shown(size)}")
    return size[0], size[1]
