"""Measure by moments what a warp did to shapes that are known."""

import dataclasses
import math

import torch
from torch import Tensor

from explainers.sampling.affine_grid.sampling import warp

SQUARE = 16
SHOWN = 5e-4  # what three decimals do not round to nought


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What a warp did to a white square, and to a bar.

    Attributes:
        right: Pixels that the square's middle moved to the right.
        area: Times that the square's area grew.
        degrees: Turn of the bar, counter-clockwise.
        sides: Pixels of the shorter and the longer side of what became of the square.
        corner: Degrees between those sides, at most 90.
    """

    right: float
    area: float
    degrees: float
    sides: tuple[float, float]
    corner: float

    @property
    def shape(self) -> str:
        """What became of the square, in words."""
        short, long = (f"{side:.3g}" for side in self.sides)
        if self.corner > 89.5:
            return f"{short} by {long}"
        return f"a parallelogram: sides {short} and {long}, {self.corner:.0f}° apart"


def turned_by(degrees: float) -> str:
    """Say a turn in words; `degrees` count counter-clockwise."""
    if abs(degrees) < 0.005:
        return "0°"
    return f"{abs(degrees):.3g}° {'counter-clockwise' if degrees > 0 else 'clockwise'}"


def sideways(right: float, to: str = "") -> str:
    """Say a move in words: `right` in pixels, negative to the left; `to` before the side."""
    return f"{abs(right):.0f} pixels {to}{'left' if right < 0 else 'right'}"


def square_after(theta: Tensor, device: str, height: int = 128, width: int = 128) -> Measured:
    """Measure by moments what a warp does to a white square, and to a bar for its angle."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    y, x = y - height / 2, x - width / 2
    half = SQUARE / 2
    square = (torch.maximum(x.abs(), y.abs()) < half).float()
    bar = ((x.abs() < 24) & (y.abs() < 2)).float()
    # Smooth spots, whose middles a warp keeps, on the middles of the square's four sides.
    spots = [
        torch.exp(-((x - right) ** 2 + (y - down) ** 2) / 18)
        for right, down in ((-half, 0), (half, 0), (0, -half), (0, half))
    ]
    moved, turned, *ends = warp(torch.stack([square, bar, *spots]), theta, device=device).output
    across, down = (_middle(ends[n + 1]) - _middle(ends[n]) for n in (0, 2))
    lengths = float(across.norm()), float(down.norm())
    cosine = float(across @ down) / (lengths[0] * lengths[1])
    return Measured(
        right=float(_middle(moved)[0]) - width / 2,
        area=float(moved.sum() / square.sum()),
        degrees=bar_angle(turned),
        sides=(min(lengths), max(lengths)),
        corner=math.degrees(math.acos(min(abs(cosine), 1.0))),
    )


def _middle(image: Tensor) -> Tensor:
    """Return where the middle (x, y) of what is bright in ``(H, W)`` lies, in pixels, ``(2,)``."""
    height, width = image.shape
    weight = image.double() / image.double().sum()
    x = (weight.sum(dim=0) * (torch.arange(width) + 0.5)).sum()
    return torch.stack([x, (weight.sum(dim=1) * (torch.arange(height) + 0.5)).sum()])


def bar_angle(picture_of_bar: Tensor) -> float:
    """Return the angle of a bright bar in degrees, counter-clockwise on screen, by second moments.

    Args:
        picture_of_bar: Tensor ``(H, W)``, dark but for the bar. An angle and its opposite look
            alike: the result is in (-90, 90].
    """
    height, width = picture_of_bar.shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    weight = picture_of_bar.to(torch.float64)
    weight = weight / weight.sum()
    x, y = x - (weight * x).sum(), y - (weight * y).sum()
    xx, yy, xy = (float((weight * product).sum()) for product in (x * x, y * y, x * y))
    return -math.degrees(0.5 * math.atan2(2 * xy, xx - yy))
