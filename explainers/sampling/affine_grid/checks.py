"""Compare torch's warp with independent references, now."""

import itertools

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as tv
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference
from explainers.pictures import picture
from explainers.sampling.affine_grid.geometry import compose, invert, pixel_matrix, rotation
from explainers.sampling.affine_grid.reference import slow_warp
from explainers.sampling.affine_grid.sampling import MODES, PADDING_MODES, warp
from explainers.sampling.affine_grid.view import View, in_pixels

_OPENCV_MODES = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_OPENCV_BORDERS = {"zeros": cv2.BORDER_CONSTANT, "border": cv2.BORDER_REPLICATE}
# A read position in float32 is off by about 1e-5 of a pixel, and a picture of full contrast
# between neighbours turns that into as much of full scale.
_POSITION = 5e-5


def view_checks(view: View, *, device: str = "cpu") -> tuple[Check, ...]:
    """Check the very picture on show, under its own settings.

    Args:
        view: What `explain` returned.
        device: Where torch computes.

    Returns:
        The checks that apply to these settings.
    """
    settings = view.parameters
    size = settings.size(view.picture)
    in_size = (view.picture.shape[1], view.picture.shape[2])
    matrix = pixel_matrix(view.theta, in_size, size, align_corners=settings.align_corners)
    checks = []
    if settings.mode in _OPENCV_MODES:
        border = settings.padding_mode if settings.padding_mode in _OPENCV_BORDERS else "border"
        ours = warp(
            view.picture,
            view.theta,
            size=size,
            mode=settings.mode,
            padding_mode=border,
            align_corners=settings.align_corners,
            device=device,
        ).output
        checks.append(
            Check(
                f"This picture, {settings.mode}, {border}: torch equals OpenCV",
                "cv2.warpAffine",
                largest_difference(
                    ours, opencv_warp(view.picture, matrix, size, settings.mode, border)
                ),
                _POSITION * max(1.0, float(np.abs(matrix[:, :2]).max())),
                ""
                if border == settings.padding_mode
                else "Compared with border: OpenCV reflects differently.",
                kind=Kind.INDEPENDENT,
            )
        )
    if not view.problem:
        identity = torch.eye(2, 3)
        checks.append(
            Check(
                "theta times its inverse is the identity",
                "compose(theta, invert(theta)) against eye(2, 3)",
                largest_difference(compose(view.theta, invert(view.theta)), identity),
                1e-6 * float(1 + view.theta.abs().sum() * invert(view.theta).abs().sum()),
                kind=Kind.INVARIANT,
            )
        )
    rows = torch.arange(0, size[0], max(1, size[0] // 8))
    columns = torch.arange(0, size[1], max(1, size[1] // 8))
    read = _positions(view, rows, columns)
    y, x = np.meshgrid(rows.numpy(), columns.numpy(), indexing="ij")
    pixels = torch.from_numpy(np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T)
    checks.append(
        Check(
            "affine_grid reads where the pixel matrix says",
            "pixel_matrix in float64",
            largest_difference(read, pixels) / max(in_size),
            2e-6 * max(1.0, float(view.theta.abs().max())),
            "Unit: the longer side.",
            kind=Kind.INDEPENDENT,
        )
    )
    return tuple(checks)


def _positions(view: View, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the input pixels (x, y) that the output's rows and columns read, ``(r, c, 2)``."""
    in_size = (view.picture.shape[1], view.picture.shape[2])
    grid = view.warp.grid[rows][:, columns].to(torch.float64)
    return in_pixels(grid, in_size, align_corners=view.parameters.align_corners)


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Check the rules of the page on pictures and settings that bring them out.

    Args:
        device: Where torch computes.
    """
    return (
        *_against_opencv(device),
        *_against_slow_loop(device),
        *_against_torchvision(device),
        _against_pil(device),
        *_laws(device),
    )


def opencv_warp(
    image: Tensor, matrix: np.ndarray, size: tuple[int, int], mode: str, padding_mode: str
) -> Tensor:
    """Return `image` ``(C, H, W)`` warped by ``cv2.warpAffine``, matrix from output to input."""
    array = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    warped = cv2.warpAffine(
        array,
        matrix,
        (size[1], size[0]),
        flags=_OPENCV_MODES[mode] | cv2.WARP_INVERSE_MAP,
        borderMode=_OPENCV_BORDERS[padding_mode],
    )
    return torch.from_numpy(warped.reshape(*size, -1)).permute(2, 0, 1)


def _against_opencv(device: str) -> list[Check]:
    wide = picture("wide")
    theta = rotation(25.0, scale=(1.2, 0.9), shear=10.0, translate=(0.1, -0.2), aspect=2.0)
    size = (80, 120)
    found = []
    for align_corners in (False, True):
        matrix = pixel_matrix(theta, (96, 192), size, align_corners=align_corners)
        error = max(
            largest_difference(
                warp(
                    wide,
                    theta,
                    size=size,
                    mode=mode,
                    padding_mode=padding_mode,
                    align_corners=align_corners,
                    device=device,
                ).output,
                opencv_warp(wide, matrix, size, mode, padding_mode),
            )
            for mode, padding_mode in itertools.product(_OPENCV_MODES, _OPENCV_BORDERS)
        )
        found.append(
            Check(
                f"Bilinear and bicubic, zeros and border, align_corners={align_corners}: as OpenCV",
                "cv2.warpAffine",
                error,
                2 * _POSITION,
                "Both cubics: a = -0.75.",
                kind=Kind.INDEPENDENT,
            )
        )
    return found


def _against_slow_loop(device: str) -> list[Check]:
    image = torch.rand(2, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theta = rotation(37.0, scale=(0.6, 0.8), translate=(0.3, 0.1), aspect=9 / 7).double()
    size = (8, 10)
    found = []
    for mode in MODES:
        worst = 0.0
        for padding_mode, align_corners in itertools.product(PADDING_MODES, (False, True)):
            matrix = pixel_matrix(theta, (7, 9), size, align_corners=align_corners)
            slow = slow_warp(
                image.numpy(),
                matrix,
                size,
                mode=mode,
                padding_mode=padding_mode,
                align_corners=align_corners,
            )
            fast = warp(
                image,
                theta,
                size=size,
                mode=mode,
                padding_mode=padding_mode,
                align_corners=align_corners,
                device=device,
            ).output
            worst = max(worst, largest_difference(fast, torch.from_numpy(slow)))
        found.append(
            Check(
                f"{mode.capitalize()}, every padding_mode, either align_corners: as documented",
                "a numpy float64 loop",
                worst,
                1e-12,
                kind=Kind.INDEPENDENT,
            )
        )
    return found


def _against_torchvision(device: str) -> list[Check]:
    wide = picture("wide")
    bilinear = InterpolationMode.BILINEAR
    turned = warp(wide, rotation(30.0, aspect=2.0), device=device).output
    moved = rotation(20.0, scale=(1.3, 1.3), shear=15.0, translate=(16 / 96, -8 / 48), aspect=2.0)
    return [
        Check(
            "rotation(30) is torchvision's rotate(30)",
            "torchvision.transforms.v2.functional.rotate",
            largest_difference(turned, tv.rotate(wide, 30.0, interpolation=bilinear)),
            _POSITION,
            "torchvision builds the grid itself and samples it with grid_sample.",
            kind=Kind.ANOTHER_PATH,
        ),
        Check(
            "rotation with scale, shear, translate is torchvision's affine, angle negated",
            "torchvision.transforms.v2.functional.affine",
            largest_difference(
                warp(wide, moved, device=device).output,
                tv.affine(
                    wide,
                    angle=-20.0,
                    translate=[16, -8],
                    scale=1.3,
                    shear=[15.0, 0.0],
                    interpolation=bilinear,
                ),
            ),
            _POSITION,
            "torchvision builds the grid itself and samples it with grid_sample.",
            kind=Kind.ANOTHER_PATH,
        ),
    ]


def _against_pil(device: str) -> Check:
    card = picture("card")
    array = (card.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    turned = Image.fromarray(array).rotate(30, Image.Resampling.BILINEAR)
    by_pil = torch.from_numpy(np.array(turned)).permute(2, 0, 1) / 255
    ours = warp(card, rotation(30.0), padding_mode="border", device=device).output
    y, x = torch.meshgrid(torch.linspace(-1, 1, 128), torch.linspace(-1, 1, 128), indexing="ij")
    inside = x.hypot(y) < 0.95
    return Check(
        "rotation(30) is PIL's rotate(30) in the inscribed circle",
        "PIL.Image.rotate, 8 bits",
        largest_difference(ours[:, inside], by_pil[:, inside]),
        1.01 / 255,
        "PIL rounds to 8 bits.",
        kind=Kind.INDEPENDENT,
    )


def _laws(device: str) -> list[Check]:
    card = picture("card")
    quarter = card
    for _ in range(4):
        quarter = warp(quarter, rotation(90.0), device=device).output
    y, x = torch.meshgrid(torch.linspace(-1, 1, 128), torch.linspace(-1, 1, 128), indexing="ij")
    # A smooth picture, so that resampling it twice costs little.
    smooth = (torch.exp(-4 * ((x - 0.1) ** 2 + (y + 0.1) ** 2)))[None]
    first, then = rotation(30.0), rotation(0.0, translate=(0.25, 0.0))
    stepwise = warp(warp(smooth, first, device=device).output, then, device=device).output
    at_once = warp(smooth, compose(first, then), device=device).output
    centre = (slice(None), slice(32, 96), slice(40, 96))
    return [
        Check(
            "The identity changes nothing",
            "the picture itself",
            largest_difference(warp(card, torch.eye(2, 3), device=device).output, card),
            _POSITION,
            kind=Kind.INVARIANT,
        ),
        Check(
            "A quarter turn is torch.rot90",
            "torch.rot90",
            largest_difference(
                warp(card, rotation(90.0), device=device).output, torch.rot90(card, 1, (1, 2))
            ),
            _POSITION,
            kind=Kind.ANOTHER_PATH,
        ),
        Check(
            "Four quarter turns change nothing",
            "the picture itself",
            largest_difference(quarter, card),
            4 * _POSITION,
            kind=Kind.INVARIANT,
        ),
        Check(
            "Warping by A, then B, is one warp by A @ B",
            "two warps, away from the edge",
            largest_difference(stepwise[centre], at_once[centre]),
            2e-3,
            "Sampling twice blurs.",
            kind=Kind.INVARIANT,
        ),
        Check(
            "A batch equals one by one",
            "two pictures, two thetas",
            _batched_difference(card, device),
            1e-6,
            kind=Kind.INVARIANT,
        ),
    ]


def _batched_difference(card: Tensor, device: str) -> float:
    where = devices.device(device)
    thetas = torch.stack([rotation(30.0), rotation(-50.0, scale=(0.7, 1.1))])
    pictures = torch.stack([card, card.flip(-1)])
    grid = F.affine_grid(thetas.to(where), list(pictures.shape), align_corners=False)
    together = F.grid_sample(pictures.to(where), grid, align_corners=False).cpu()
    return max(
        largest_difference(
            together[index], warp(pictures[index], thetas[index], device=device).output
        )
        for index in range(2)
    )
