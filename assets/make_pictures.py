"""Draw the project's pictures: ``python assets/make_pictures.py [folder]``.

Everything is drawn from coordinates, with no fonts and no random numbers, so the same pixels
come out on every machine. Lengths are in pixels, x to the right, y downward.
"""

import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Okabe & Ito's palette, which readers with any colour vision can tell apart.
ORANGE: Colour = (0xE6, 0x9F, 0x00)
GREEN: Colour = (0x00, 0x9E, 0x73)
YELLOW: Colour = (0xF0, 0xE4, 0x42)
BLUE: Colour = (0x00, 0x72, 0xB2)
VERMILLION: Colour = (0xD5, 0x5E, 0x00)
PURPLE: Colour = (0xCC, 0x79, 0xA7)

INK: Colour = (0x1B, 0x27, 0x38)
PAPER: Colour = (0xFC, 0xFA, 0xF5)
DUSK: Colour = (0xE3, 0xEA, 0xF2)
RULE: Colour = (0xC3, 0xCD, 0xD9)
LENS: Colour = (0x25, 0x80, 0xB8)  # clear of both white and near-black tabs

SAMPLES = 8
"""Samples per pixel along each axis; their mean gives clean edges."""


class Canvas:
    """A supersampled RGBA sheet that shapes are painted on."""

    def __init__(self, width: int, height: int) -> None:
        y, x = np.mgrid[: height * SAMPLES, : width * SAMPLES]
        self.x = (x + 0.5) / SAMPLES
        self.y = (y + 0.5) / SAMPLES
        self.sheet = np.zeros((*self.x.shape, 4))

    def paint(self, where: Mask, colour: Colour, to: Colour | None = None) -> None:
        """Fill a shape with a colour, or with a gradient from its top to its bottom."""
        first, last = np.array(colour, float), np.array(to or colour, float)
        y = self.y[where]
        t = ((y - y.min()) / max(float(np.ptp(y)), 1.0))[:, None]
        self.sheet[where, :3] = first + (last - first) * t
        self.sheet[where, 3] = 255

    def box(self, x0: float, y0: float, x1: float, y1: float, radius: float = 0) -> Mask:
        dx = np.abs(self.x - (x0 + x1) / 2) - (x1 - x0) / 2 + radius
        dy = np.abs(self.y - (y0 + y1) / 2) - (y1 - y0) / 2 + radius
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return np.asarray((outside <= radius) & (np.maximum(dx, dy) <= radius))

    def disc(self, x: float, y: float, radius: float) -> Mask:
        return np.asarray(np.hypot(self.x - x, self.y - y) <= radius)

    def bar(self, x0: float, y0: float, x1: float, y1: float, radius: float) -> Mask:
        """A line with round ends."""
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        along = np.clip((self.x - x0) * ux + (self.y - y0) * uy, 0, length)
        return np.asarray(np.hypot(self.x - x0 - along * ux, self.y - y0 - along * uy) <= radius)

    def polygon(self, *corners: tuple[float, float]) -> Mask:
        inside = np.zeros(self.x.shape, bool)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            if y0 != y1:
                crossing = x0 + (self.y - y0) * (x1 - x0) / (y1 - y0)
                inside ^= ((self.y < y0) != (self.y < y1)) & (self.x < crossing)
        return inside

    def pixels(self) -> Pixels:
        """Average the samples: (H, W, 4), or (H, W, 3) when nothing is see-through."""
        h, w = self.x.shape[0] // SAMPLES, self.x.shape[1] // SAMPLES
        cells = self.sheet.reshape(h, SAMPLES, w, SAMPLES, 4)
        alpha = cells[..., 3:].sum(axis=(1, 3))
        colour = (cells[..., :3] * cells[..., 3:]).sum(axis=(1, 3)) / np.maximum(alpha, 1)
        alpha = alpha / SAMPLES**2
        out: Pixels = np.rint(np.concatenate([colour, alpha], axis=2)).astype(np.uint8)
        return out[..., :3] if bool((out[..., 3] == 255).all()) else out


def corner_marks(c: Canvas, width: float, height: float, inset: float, size: float) -> None:
    """Paint a disc and a square at the top, a triangle and a cross at the bottom."""
    left, top, right, bottom = inset, inset, width - inset, height - inset
    c.paint(c.disc(left, top, size), VERMILLION)
    s = size * 0.9
    c.paint(c.box(right - s, top - s, right + s, top + s, 1), BLUE)
    t = size * 1.1
    c.paint(c.polygon((left, bottom - t), (left + t, bottom + s), (left - t, bottom + s)), GREEN)
    arm = size * 0.34
    c.paint(c.box(right - size, bottom - arm, right + size, bottom + arm, 1), PURPLE)
    c.paint(c.box(right - arm, bottom - size, right + arm, bottom + size, 1), PURPLE)


def letter_f(c: Canvas, x: float, y: float, height: float) -> Mask:
    """The letter F, the name ``torch.nn.functional`` goes by, with its top left at (x, y)."""
    u = height / 10
    return (
        c.box(x, y, x + 2.3 * u, y + 10 * u, u * 0.3)
        | c.box(x, y, x + 6.6 * u, y + 2.1 * u, u * 0.3)
        | c.box(x, y + 4 * u, x + 5.4 * u, y + 6.1 * u, u * 0.3)
    )


def arrow_up(c: Canvas, x: float, top: float, bottom: float, size: float) -> Mask:
    head = c.polygon((x, top), (x + size, top + size * 1.3), (x - size, top + size * 1.3))
    return head | c.box(x - size * 0.36, top + size, x + size * 0.36, bottom, 1)


def sheet(width: int, height: int) -> Canvas:
    """A framed sheet, warm at the top and cool at the bottom."""
    c = Canvas(width, height)
    c.paint(c.box(0, 0, width, height), PAPER)
    c.paint(c.box(3, 3, width - 3, height - 3, 9), INK)
    c.paint(c.box(4.5, 4.5, width - 4.5, height - 4.5, 7.5), PAPER, DUSK)
    return c


def card() -> Pixels:
    c = sheet(128, 128)
    corner_marks(c, 128, 128, inset=19, size=9)
    c.paint(arrow_up(c, 31, 38, 90, 10), INK)
    c.paint(letter_f(c, 49, 28, 72), ORANGE, VERMILLION)
    return c.pixels()


def wide() -> Pixels:
    c = sheet(192, 96)
    inside = c.box(4.5, 4.5, 187.5, 91.5, 7.5)
    for x in range(16, 192, 16):
        c.paint(inside & c.box(x, 0, x + 1, 96), RULE)
    for y in range(16, 96, 16):
        c.paint(inside & c.box(0, y, 192, y + 1), RULE)
    c.paint(c.disc(128.5, 48.5, 32.5) & ~c.disc(128.5, 48.5, 29.5), INK)
    corner_marks(c, 192, 96, inset=16, size=7)
    c.paint(arrow_up(c, 32.5, 28, 68, 8), INK)
    c.paint(letter_f(c, 55, 21, 55), ORANGE, VERMILLION)
    return c.pixels()


def checkerboard() -> Pixels:
    """Squares of 8 pixels at 0.2 and 0.8, so that overshoot stays visible and is not clipped."""
    y, x = np.mgrid[:128, :128] // 8
    return np.where((x + y) % 2 == 0, 204, 51).astype(np.uint8)


def zone_plate() -> Pixels:
    """cos(k r^2) at pixel centres, with k so that its frequency meets Nyquist at the edge.

    The phase k r^2 turns by 2 k r per pixel; Nyquist is pi per pixel, at r = 64.
    """
    y, x = np.mgrid[:128, :128] + 0.5 - 64
    light = 0.5 + 0.5 * np.cos(math.pi / 128 * (x * x + y * y))
    pixels: Pixels = np.rint(255 * light).astype(np.uint8)
    return pixels


TINY = """
4443333222222111
4443333222222111
4400000000022111
4400000000022111
4405555555502111
4405555555502111
4405500000002111
4405500000022111
4405555555022111
4405555555022111
3305500000022110
3305502222221110
3305502222211100
3305502222111000
3300002221110000
3333222211100000
"""
"""Fifths of white: a letter F on a slope from light to dark."""


def tiny() -> Pixels:
    return np.array([[51 * int(n) for n in row] for row in TINY.split()], np.uint8)


def favicon() -> Pixels:
    c = Canvas(64, 64)
    c.paint(c.bar(43, 43, 56, 56, 7), LENS)
    c.paint(c.disc(27, 27, 26), LENS)
    lens = c.disc(27, 27, 19)
    c.paint(lens, YELLOW)
    c.paint(lens & c.box(27, 0, 64, 27), ORANGE)
    c.paint(lens & c.box(0, 27, 27, 64), VERMILLION)
    c.paint(lens & c.box(27, 27, 64, 64), PAPER)
    return c.pixels()


DRAWINGS = {
    "pictures/card.png": card,
    "pictures/wide.png": wide,
    "pictures/checkerboard.png": checkerboard,
    "pictures/zone_plate.png": zone_plate,
    "pictures/tiny.png": tiny,
    "favicon.png": favicon,
}


def main(folder: Path) -> None:
    for name, draw in DRAWINGS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw()).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
