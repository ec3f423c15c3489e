"""What a player shows: the frames of a run, beside curves; and its frames on one picture.

`ui.player` draws it. Figure functions build these; no number is made here.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

Array: TypeAlias = np.ndarray[Any, Any]

MOST_BYTES = 262_000
"""What a sheet may take as an address, in bytes; the rest of 300 kB is for words and curves."""

MOST_PIXELS = 8_000_000
"""How many pixels a sheet may have: browsers on phones refuse much larger ones."""

_TALLEST = 8192
_LEVELS = (256, 128, 64, 32, 16)
_QUALITIES = (90, 80, 65, 50, 30)


@dataclass(frozen=True, slots=True)
class Curve:
    """Name a number that changes from step to step.

    Attributes:
        name: As its axis says it.
        values: One per frame. One that is not finite, or not positive on a logarithmic axis,
            leaves a gap.
        log: Whether the axis is logarithmic.
    """

    name: str
    values: Sequence[float]
    log: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Hold a run that is already computed, to be played, stepped through and scrubbed.

    Attributes:
        frames: ``(n, H, W)`` or ``(n, C, H, W)``, C 1 or 3, values in [0, 1], finite. 121 frames
            of 64 x 64 stay under 300 kB; see `sprite_sheet` for what that costs.
        captions: A line of code or text for each frame.
        curves: Drawn whole, each in a chart of its own; a click on one goes to that step.
        alt: What there is to see, for those who do not see it.
        title: Heading of the frames.
        step_name: What a step is called: "step", "epoch".
        reference: ``(H, W)`` or ``(C, H, W)``, a still picture beside the frames, in [0, 1].
        reference_title: Heading and alternative text of it.
        fps: Steps per second, 1 to 60.
    """

    frames: "Tensor"
    captions: Sequence[str]
    curves: Sequence[Curve]
    alt: str
    title: str = "Frame"
    step_name: str = "step"
    reference: "Tensor | None" = None
    reference_title: str = ""
    fps: int = 12


@dataclass(frozen=True, slots=True)
class Sheet:
    """Hold all frames on one picture, in columns from top to bottom, from left to right.

    Attributes:
        uri: The picture as a data address.
        rows: Frames per column.
        count: Frames in all.
        shape: Height and width of a frame, in pixels.
    """

    uri: str
    rows: int
    count: int
    shape: tuple[int, int]


def sprite_sheet(frames: "Tensor") -> Sheet:
    """Lay out frames on one sheet and pack it in at most `MOST_BYTES` where its pixels allow.

    A sheet that fits is a PNG, exact at 8 bits. One that does not loses what the eye misses
    first: grey frames are rounded to fewer levels, 128 down to 16; colour is sent as lossy WebP.
    Frames of pure noise may still take more.

    Args:
        frames: ``(n, H, W)`` or ``(n, C, H, W)`` with C 1 or 3. Values outside [0, 1] are clipped.

    Raises:
        ValueError: Another shape, no frame, inf or nan, or more than `MOST_PIXELS` pixels.
    """
    array = frames.detach().cpu().float().numpy()
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or array.shape[1] not in {1, 3} or not array.size:
        shape = tuple(frames.shape)
        raise ValueError(f"frames must have shape (n, H, W) or (n, 1 or 3, H, W), got {shape}")
    if not np.isfinite(array).all():
        raise ValueError("frames must be finite, got inf or nan")
    count, channels, height, width = array.shape
    if count * height * width > MOST_PIXELS:
        raise ValueError(
            f"frames must have at most {MOST_PIXELS:,} pixels in all, "
            f"got {count * height * width:,}"
        )
    # One column if it may be that tall: like rows of successive frames then lie close together,
    # and the PNG's compression finds them again.
    rows = min(count, max(1, _TALLEST // height))
    columns = -(-count // rows)
    padded = np.zeros((columns * rows, channels, height, width), np.float32)
    padded[:count] = np.clip(array, 0, 1)
    tiles = padded.reshape(columns, rows, channels, height, width)
    sheet = tiles.transpose(1, 3, 0, 4, 2).reshape(rows * height, columns * width, channels)
    return Sheet(_packed(sheet), rows, count, (height, width))


def _packed(sheet: Array) -> str:
    """Return an ``(H, W, C)`` picture in [0, 1] as the first address that is short enough."""
    colour = sheet.shape[2] == 3
    attempts = [_png(sheet, 256)]
    for coarser in _QUALITIES if colour else _LEVELS[1:]:
        if len(attempts[-1]) <= MOST_BYTES:
            break
        attempts.append(_webp(sheet, coarser) if colour else _png(sheet, coarser))
    return min(attempts, key=len)


def _png(sheet: Array, levels: int) -> str:
    rounded = np.rint(sheet * (levels - 1)) / (levels - 1)
    return _uri(rounded, "PNG", compress_level=6)


def _webp(sheet: Array, quality: int) -> str:
    return _uri(sheet, "WEBP", quality=quality, method=0)


def _uri(sheet: Array, kind: str, **options: int) -> str:
    pixels = (sheet * 255 + 0.5).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(
        buffer, kind, **options
    )
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{code}"
