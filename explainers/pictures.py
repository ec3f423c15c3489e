"""The project's own pictures, and a careful way in for readers' pictures."""

import math
import re
import struct
import threading
import zlib
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

PICTURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "card": "A square card: letter, arrow and corners tell every turn and flip",
        "wide": "A wide card: true squares and a true circle betray shearing",
        "checkerboard": "A checkerboard of 8-pixel squares, 0.2 and 0.8",
        "zone_plate": "A zone plate: rings ever finer, one pixel at the edge",
        "tiny": "A 16 by 16 letter in six greys, each pixel visible",
    }
)
"""Name and title of every picture that :func:`picture` knows."""

MAX_BYTES: Final = 5 * 2**20
MAX_PIXELS: Final = 25_000_000
MAX_ASPECT: Final = 16
MAX_CHUNKS: Final = 20_000
MAX_SCANS: Final = 100

_HERE = Path(__file__).resolve().parent
# An installed package brings them along; a clone has them where the app serves them.
_FOLDER = next(
    folder
    for folder in (_HERE / "_pictures", _HERE.parent / "assets" / "pictures")
    if folder.is_dir()
)

_TOO_SHORT = "picture must be complete, got a file that ends too early"
_DAMAGED = "picture must be undamaged, got a file that cannot be decoded"
_TOO_MANY_CHUNKS = f"picture must have at most {MAX_CHUNKS} chunks, got more"

# Decoding 25 megapixels takes some hundred megabytes; one at a time keeps that the peak.
_one_at_a_time = threading.Lock()


def picture(name: str, *, device: torch.device | str = "cpu") -> Tensor:
    """Return one of the project's own pictures.

    Args:
        name: A key of :data:`PICTURES`.
        device: Where the tensor is made.

    Returns:
        A new float32 tensor in [0, 1] of shape ``(C, H, W)``: ``(3, 128, 128)`` for "card",
        "checkerboard" and "zone_plate", ``(3, 96, 192)`` for "wide", ``(1, 16, 16)`` for "tiny".

    Raises:
        ValueError: There is no picture of that name.
    """
    if name not in PICTURES:
        raise ValueError(f"name must be one of {', '.join(PICTURES)}, got {name!r}")
    return _stored(name).to(device, copy=True)


@lru_cache(maxsize=len(PICTURES))
def _stored(name: str) -> Tensor:
    with Image.open(_FOLDER / f"{name}.png") as image:
        return _tensor(image if name == "tiny" else image.convert("RGB"))


def decode(data: bytes, *, max_side: int = 192) -> Tensor:
    """Turn a reader's PNG, JPEG or WebP file into a picture, or say what to change.

    Nothing is decoded before the header has shown a permitted size, and nothing is written to
    disk. The decoder is given the image data alone: text, colour profiles and other metadata,
    a favourite way to attack decoders, are dropped unread, but for the EXIF orientation, which
    is applied. Of an animation only the first frame is read. What is see-through lies on white.
    Colours are read as sRGB.

    Args:
        data: The file: at most 5 MB (5 * 2**20 bytes) and 25 megapixels, and at most 16 times
            as long one way as the other.
        max_side: Length in pixels that the longer side is reduced to, with antialiasing.
            Smaller pictures keep their size.

    Returns:
        float32 tensor in [0, 1] of shape ``(3, H, W)``, with ``max(H, W) <= max_side``.

    Raises:
        ValueError: The file breaks one of these rules; the message is a sentence for the reader.

    References:
        PNG (Third Edition), W3C, 2025; ITU-T T.81 (JPEG); RFC 9649 (WebP).
    """
    if max_side < 1:
        raise ValueError(f"max_side must be at least 1, got {max_side}")
    if len(data) > MAX_BYTES:
        got = math.ceil(100 * len(data) / 2**20) / 100  # rounded up: never "got 5"
        raise ValueError(f"picture must be at most 5 MB, got {got:.2f} MB")
    file = _clean(data)
    with _one_at_a_time:
        try:
            image = _reduced(file, max_side)
        except Exception as error:  # on a hostile file a decoder may raise anything
            raise ValueError(_TOO_SHORT if "truncated" in str(error) else _DAMAGED) from error
    turn = _TURNS.get(_orientation(file.exif))
    return _tensor(image if turn is None else image.transpose(turn))


class _File(NamedTuple):
    """A file reduced to what its decoder needs."""

    format: str
    size: tuple[int, int]
    data: bytes
    exif: bytes


def _clean(data: bytes) -> _File:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _clean_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _clean_jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _clean_webp(data)
    got = "something else" if data else "an empty file"
    raise ValueError(f"picture must be a PNG, JPEG or WebP file, got {got}")


def _permitted(width: int, height: int) -> tuple[int, int]:
    size = f"{width}x{height}"
    if min(width, height) < 1:
        raise ValueError(f"picture must be at least 1 pixel wide and high, got {size}")
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"picture must have at most {MAX_PIXELS // 10**6} megapixels, "
            f"got {size} = {width * height / 1e6:.12g} megapixels"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ValueError(
            f"picture must be at most {MAX_ASPECT} times as long one way as the other, got {size}"
        )
    return width, height


def _clean_png(data: bytes) -> _File:
    kept = {b"IHDR": b"", b"PLTE": b"", b"tRNS": b"", b"IDAT": b"", b"eXIf": b""}
    pixels: list[bytes] = []
    at, size = 8, None
    for _ in range(MAX_CHUNKS):
        if len(data) < at + 12:
            raise ValueError(_TOO_SHORT)
        length, kind = struct.unpack_from(">I4s", data, at)
        if len(data) < at + 12 + length:
            raise ValueError(_TOO_SHORT)
        if (size is None) != (kind == b"IHDR"):
            raise ValueError(_DAMAGED)
        if kind == b"IEND":
            break
        if kind in kept:
            body = data[at + 8 : at + 8 + length]
            if _crc(kind, body) != data[at + 8 + length : at + 12 + length]:
                raise ValueError(_DAMAGED)
            if kind == b"IHDR":
                if length != 13:
                    raise ValueError(_DAMAGED)
                size = _permitted(*struct.unpack_from(">II", body))
            if kind == b"IDAT":
                pixels.append(body)
            else:
                kept[kind] = body
        at += 12 + length
    else:
        raise ValueError(_TOO_MANY_CHUNKS)
    if size is None or not pixels:
        raise ValueError(_DAMAGED)
    exif = kept.pop(b"eXIf")
    kept[b"tRNS"] = _png_transparency(kept[b"IHDR"], kept[b"tRNS"])
    kept[b"IDAT"] = b"".join(pixels)
    parts = [data[:8]]
    for kind, body in [*((k, b) for k, b in kept.items() if b), (b"IEND", b"")]:
        parts += [struct.pack(">I", len(body)), kind, body, _crc(kind, body)]
    return _File("PNG", size, b"".join(parts), exif)


def _crc(kind: bytes, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")


def _png_transparency(header: bytes, body: bytes) -> bytes:
    """Return the tRNS chunk in the units that Pillow compares it in.

    Pillow widens grey of 1, 2 or 4 bits to 8 but not the grey that tRNS names, and keeps only
    the upper byte of 16-bit RGB, where a single see-through colour can no longer be told.
    """
    depth, colour = header[8], header[9]
    if colour == 0 and depth in (1, 2, 4) and len(body) == 2:
        most = (1 << depth) - 1
        return ((int.from_bytes(body) & most) * 255 // most).to_bytes(2)
    return b"" if colour == 2 and depth == 16 else body


_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # not stuffing, restarts or padding
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..SOF15
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD, 0xE0, 0xEE})  # DHT DAC DQT DRI JFIF Adobe


def _clean_jpeg(data: bytes) -> _File:
    parts, exif = [data[:2]], b""
    at, scans, size = 2, 0, None
    for _ in range(MAX_CHUNKS):
        marker = _MARKER.search(data, at)
        if marker is None:
            raise ValueError(_TOO_SHORT)
        kind, start = marker[1][0], marker.end()
        if kind == 0xD9:  # EOI
            break
        end = start + int.from_bytes(data[start : start + 2])
        if len(data) < end:
            raise ValueError(_TOO_SHORT)
        at = end
        if kind in _FRAMES and end >= start + 7:
            height, width = struct.unpack_from(">HH", data, start + 3)
            size = _permitted(width, height)
            parts.append(data[marker.start() : end])
        elif kind == 0xDA:  # SOS, and the coded data up to the next marker
            scans += 1
            following = _MARKER.search(data, end)
            at = len(data) if following is None else following.start()
            parts.append(data[marker.start() : at])
        elif kind in _TABLES:
            parts.append(data[marker.start() : end])
        elif kind == 0xE1 and not exif and data.startswith(b"Exif\0\0", start + 2):
            exif = data[start + 8 : end]
    else:
        raise ValueError(_TOO_MANY_CHUNKS)
    if scans > MAX_SCANS:  # a few bytes of progressive scan can ask for a pass over all pixels
        raise ValueError(f"picture must have at most {MAX_SCANS} JPEG scans, got {scans}")
    if size is None:
        raise ValueError(_DAMAGED)
    return _File("JPEG", size, b"".join([*parts, b"\xff\xd9"]), exif)


def _clean_webp(data: bytes) -> _File:
    stop = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < stop:
        raise ValueError(_TOO_SHORT)
    parts, exif = [b"WEBP"], b""
    at, size, frames = 12, None, 0
    for _ in range(MAX_CHUNKS):
        if stop < at + 8:
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
        if stop < at - length % 2:
            raise ValueError(_TOO_SHORT)
        if size is None:
            size = _permitted(*_webp_size(kind, body))
        if kind == b"VP8X" and body:
            body = bytes([body[0] & 0x12]) + body[1:]  # alpha and animation are what stays
        if kind == b"EXIF":
            exif = body
        frames += kind == b"ANMF"
        if kind in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM") or (kind, frames) == (b"ANMF", 1):
            parts += [kind, struct.pack("<I", length), body, b"\0" * (length % 2)]
    else:
        raise ValueError(_TOO_MANY_CHUNKS)
    if size is None:
        raise ValueError(_TOO_SHORT)
    riff = b"".join(parts)
    return _File("WEBP", size, b"RIFF" + struct.pack("<I", len(riff)) + riff, exif)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(_DAMAGED)


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(exif: bytes) -> int:
    """Read the one tag needed; a full EXIF reader copies whatever sizes the file claims."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if (tag, kind) == (0x0112, 3):
                return int(value)
    except struct.error:  # cut short: as good as absent
        pass
    return 1


def _reduced(file: _File, max_side: int) -> Image.Image:
    """Decode and reduce in strips, so that only the decoder holds the picture at full size."""
    shrink = min(1.0, max_side / max(file.size))
    width, height = (max(1, round(side * shrink)) for side in file.size)
    with Image.open(BytesIO(file.data), formats=[file.format]) as image:
        if image.size != file.size:
            raise ValueError("the decoder read another size than the header shows")
        image.draft(None, (3 * width, 3 * height))  # JPEG only: decode at 1/2, 1/4 or 1/8
        w, h = image.size
        step = max(1, max(w, h) // (3 * max_side))
        rows = step * max(1, 2**20 // (step * w))
        coarse = Image.new("RGB", (-(-w // step), -(-h // step)))
        for top in range(0, h, rows):
            strip = _on_white(image.crop((0, top, w, min(top + rows, h))))
            coarse.paste(strip.reduce(step), (0, top // step))
    if coarse.size == (width, height):
        return coarse
    exact = (0, 0, w / step, h / step)  # the last cells of coarse may be partial
    return coarse.resize((width, height), Image.Resampling.LANCZOS, box=exact)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip and not scale
        deep = np.asarray(image).astype(np.uint32)
        grey = ((deep * 255 + 32767) // 65535).astype(np.uint8)
        grey[deep == image.info.get("transparency", -1)] = 255
        return Image.fromarray(grey).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _tensor(image: Image.Image) -> Tensor:
    values = np.asarray(image, dtype=np.float32) / 255
    return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(values).transpose(2, 0, 1)))
