"""The project's pictures show their orientation, and no upload does harm."""

import itertools
import os
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from explainers.pictures import MAX_BYTES, PICTURES, decode, picture

SHAPES = {
    "card": (3, 128, 128),
    "wide": (3, 96, 192),
    "checkerboard": (3, 128, 128),
    "zone_plate": (3, 128, 128),
    "tiny": (1, 16, 16),
}


# --- The project's own pictures -------------------------------------------------------------


def test_every_picture_has_a_title_and_a_shape() -> None:
    assert set(PICTURES) == set(SHAPES)
    assert all(title and not title.endswith(".") for title in PICTURES.values())


@pytest.mark.parametrize("name", SHAPES)
def test_a_picture_is_float32_between_zero_and_one_and_uses_the_range(name: str) -> None:
    image = picture(name)
    assert (image.shape, image.dtype) == (SHAPES[name], torch.float32)
    assert image.is_contiguous()
    assert 0 <= image.min() <= 0.2
    assert 0.8 <= image.max() <= 1


@pytest.mark.parametrize("name", SHAPES)
def test_a_caller_may_change_its_copy(name: str) -> None:
    picture(name).zero_()
    assert picture(name).max() > 0


def test_a_picture_is_made_on_the_device_asked_for() -> None:
    assert picture("tiny", device="meta").device.type == "meta"


@pytest.mark.parametrize("name", ["cat", "", "../card", "card.png"])
def test_an_unknown_name_gets_the_list_of_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"^name must be one of card, wide, .*, got '"):
        picture(name)


def turned(image: Tensor) -> dict[str, Tensor]:
    quarters = {f"{90 * k} degrees": image.rot90(k, (1, 2)) for k in range(4)}
    flips = {f"{name}, flipped": turn.flip(2) for name, turn in quarters.items()}
    return {**quarters, **flips}


@pytest.mark.parametrize("name", ["card", "tiny", "wide"])
def test_no_flip_or_turn_looks_like_another(name: str) -> None:
    for (first, a), (second, b) in itertools.combinations(turned(picture(name)).items(), 2):
        if a.shape == b.shape:
            assert (a - b).abs().mean() > 0.04, f"{first} looks like {second}"


@pytest.mark.parametrize(("name", "inset"), [("card", 19), ("wide", 16)])
def test_the_four_corners_differ_in_colour_and_in_shape(name: str, inset: int) -> None:
    image = picture(name)
    corners = [
        image[:, y - 10 : y + 10, x - 10 : x + 10]
        for y in (inset, image.shape[1] - inset)
        for x in (inset, image.shape[2] - inset)
    ]
    colours = [corner[:, 10, 10] for corner in corners]
    marks = [
        ((corner - colour[:, None, None]).abs().amax(0) < 0.1).float()
        for corner, colour in zip(corners, colours, strict=True)
    ]
    for i, j in itertools.combinations(range(4), 2):
        assert (colours[i] - colours[j]).abs().max() > 0.2
        assert (marks[i] - marks[j]).abs().mean() > 0.03


def test_the_circle_of_the_wide_picture_is_as_wide_as_high() -> None:
    ink = picture("wide")[:, 10:86, 92:166].amax(0) < 0.4
    rows, columns = ink.any(1).nonzero(), ink.any(0).nonzero()
    assert rows.max() - rows.min() == columns.max() - columns.min() == 64


def test_the_zone_plate_reaches_one_pixel_fineness_at_its_edge() -> None:
    steps = picture("zone_plate")[0, 64].diff()
    assert (steps[-4:-1] * steps[-3:] < 0).all(), "neighbours at the edge alternate"
    assert (steps[60:66].abs() < 0.25).all(), "the middle is smooth"


def levels(image: Tensor) -> list[float]:
    return sorted(set(image.flatten().tolist()))


def test_the_checkerboard_leaves_room_for_overshoot() -> None:
    board = picture("checkerboard")
    assert levels(board) == pytest.approx([0.2, 0.8])
    assert board.mean() == pytest.approx(0.5)
    assert levels(board[:, :, 8:] + board[:, :, :-8]) == pytest.approx([1.0])


def test_the_tiny_letter_has_six_greys() -> None:
    assert levels(picture("tiny")) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


# --- Making files ---------------------------------------------------------------------------


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def scene(width: int = 40, height: int = 30) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    layers = [255 * x / width, 255 * y / height, 255 * ((x // 5 + y // 7) % 2)]
    return Image.fromarray(np.stack(layers, axis=-1).astype(np.uint8))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]
) -> bytes:
    """A PNG of unfiltered rows, each led by its zero filter byte."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in chunks)


def with_chunk(file: bytes, kind: bytes, body: bytes) -> bytes:
    """Add a chunk to a PNG, behind its IHDR."""
    return file[:33] + chunk(kind, body) + file[33:]


def with_segment(file: bytes, marker: int, body: bytes) -> bytes:
    """Add a segment to a JPEG, behind its SOI."""
    return file[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + file[2:]


def jpeg_sized(width: int, height: int) -> bytes:
    file = bytearray(saved(scene(), "JPEG"))
    struct.pack_into(">HH", file, file.index(b"\xff\xc0") + 5, height, width)
    return bytes(file)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [k + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2) for k, b in chunks]
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8x(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes([flags, 0, 0, 0]) + size


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


PNG, JPEG, WEBP = (saved(scene(), format) for format in ("PNG", "JPEG", "WEBP"))


def whole(values: NDArray[Any]) -> Tensor:
    """(H, W, 3) of 0..255 as the tensor that decode should give."""
    return torch.tensor(values).permute(2, 0, 1).float() / 255


# --- Good uploads ---------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=16).map(lambda s: (*s, 3))))
def test_a_png_comes_back_exactly(values: NDArray[np.uint8]) -> None:
    torch.testing.assert_close(
        decode(saved(Image.fromarray(values))), whole(values), rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_a_lossy_picture_comes_back_as_pillow_reads_it(format: str) -> None:
    file = saved(scene(), format)
    with Image.open(BytesIO(file)) as image:
        torch.testing.assert_close(decode(file), whole(np.asarray(image.convert("RGB"))))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 100))
def test_a_picture_is_reduced_to_fit_and_never_enlarged(width: int, height: int, most: int) -> None:
    if max(width, height) > 16 * min(width, height):
        return
    image = decode(saved(Image.new("RGB", (width, height), (255, 128, 0))), max_side=most)
    shrink = min(1.0, most / max(width, height))
    assert image.shape[0] == 3
    assert image.shape[1] == pytest.approx(height * shrink, abs=0.5) or image.shape[1] == 1
    assert image.shape[2] == pytest.approx(width * shrink, abs=0.5) or image.shape[2] == 1
    assert max(image.shape[1:]) == min(most, max(width, height))
    flat = torch.tensor([255, 128, 0]).div(255)[:, None, None].expand_as(image)
    torch.testing.assert_close(image, flat)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(1501, 1203), (400, 2999), (193, 100)])
def test_reducing_in_strips_is_close_to_reducing_at_once(
    format: str, size: tuple[int, int]
) -> None:
    y, x = np.mgrid[: size[1], : size[0]]
    waves = [np.sin(x / 40), np.cos(y / 50), np.sin((x + y) / 60)]
    image = Image.fromarray((127.5 + 127.5 * np.stack(waves, axis=-1)).astype(np.uint8))
    reduced = decode(saved(image, format, quality=98))
    at_once = image.resize((reduced.shape[2], reduced.shape[1]), Image.Resampling.LANCZOS)
    torch.testing.assert_close(reduced, whole(np.asarray(at_once)), rtol=0, atol=0.05)
    assert (reduced - whole(np.asarray(at_once))).abs().mean() < 0.01


def test_stripes_finer_than_the_result_turn_grey_and_not_into_moire() -> None:
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (1000, 500)))
    reduced = decode(saved(stripes))
    assert (reduced - 0.5).abs().max() < 0.05


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_exif_orientation_is_applied(format: str, orientation: int) -> None:
    file = saved(scene(), format, exif=exif(orientation))
    with Image.open(BytesIO(file)) as image:
        expected = ImageOps.exif_transpose(image.convert("RGB"))
    torch.testing.assert_close(decode(file), whole(np.asarray(expected)))


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"II*\0\x08\0\0\0\x09\0\x12",
    ],
)
def test_a_broken_exif_is_as_good_as_none(bad: bytes) -> None:
    torch.testing.assert_close(decode(with_chunk(PNG, b"eXIf", bad)), decode(PNG))
    torch.testing.assert_close(decode(with_segment(JPEG, 0xE1, b"Exif\0\0" + bad)), decode(JPEG))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_what_is_see_through_lies_on_white(format: str) -> None:
    red = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    red.paste((0, 0, 0, 0), (4, 0, 8, 8))
    image = decode(saved(red, format, lossless=True))
    assert image[:, 4, 1].tolist() == pytest.approx([1, 127 / 255, 127 / 255], abs=0.005)
    assert image[:, 4, 6].tolist() == [1, 1, 1]


def test_grey_with_alpha_lies_on_white() -> None:
    image = decode(saved(Image.new("LA", (4, 4), (0, 51))))
    torch.testing.assert_close(image, torch.full((3, 4, 4), 0.8))


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
def test_a_see_through_palette_entry_turns_white(transparency: int | bytes) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 255, 10, 20, 30])
    image.putpixel((1, 0), 1)
    pixels = decode(saved(image, transparency=transparency))
    assert pixels[:, 0].T.tolist() == [[0, 0, 1], [1, 1, 1]]


@pytest.mark.parametrize(("depth", "row"), [(1, 0b01000000), (2, 0b00110000), (4, 0b00001111)])
@pytest.mark.parametrize("see_through", [False, True])
def test_grey_of_few_bits_is_spread_over_the_range(depth: int, row: int, see_through: bool) -> None:
    """Two pixels, black and white; tRNS names the black one in the file's own units."""
    extra = [(b"tRNS", b"\0\0")] if see_through else []
    pixels = decode(png(2, 1, depth, 0, bytes([0, row]), *extra))
    assert pixels[:, 0].T.tolist() == [[float(see_through)] * 3, [1, 1, 1]]


@pytest.mark.parametrize(("depth", "row", "grey"), [(2, 0b01100000, 2 / 3), (4, 0x12, 2 / 15)])
def test_a_see_through_grey_is_named_in_the_files_own_units(
    depth: int, row: int, grey: float
) -> None:
    pixels = decode(png(2, 1, depth, 0, bytes([0, row]), (b"tRNS", b"\0\x01")))
    assert pixels[0, 0].tolist() == pytest.approx([1, grey])


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    image = decode(saved(Image.fromarray(values)))
    torch.testing.assert_close(
        image[0], torch.tensor(values / 65535).float(), rtol=0, atol=0.51 / 255
    )
    rows = b"\0" + struct.pack(">HH", 300, 301)
    keyed = decode(png(2, 1, 16, 0, rows, (b"tRNS", struct.pack(">H", 300))))
    assert keyed[0, 0].tolist() == pytest.approx([1, 301 / 65535], abs=0.51 / 255)


@pytest.mark.parametrize("key", [(), ((b"tRNS", struct.pack(">HHH", 65535, 0, 0)),)])
def test_sixteen_bit_colour_keeps_its_upper_bytes(key: tuple[tuple[bytes, bytes], ...]) -> None:
    rows = b"\0" + struct.pack(">6H", 65535, 0, 32768, 0, 256, 0)
    assert decode(png(2, 1, 16, 2, rows, *key)).mul(255)[:, 0].T.tolist() == [
        [255, 0, 128],
        [0, 1, 0],
    ]


def test_a_cmyk_jpeg_is_seen_in_rgb() -> None:
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    image = decode(saved(ink, "JPEG", quality=95))
    assert image[:, 8, 8].tolist() == pytest.approx([1, 0, 0], abs=0.03)


def test_a_progressive_jpeg_is_read_like_a_plain_one() -> None:
    plain, progressive = (saved(scene(), "JPEG", progressive=p) for p in (False, True))
    torch.testing.assert_close(decode(progressive), decode(plain))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_an_animation_shows_its_first_frame(format: str) -> None:
    second = Image.new("RGB", (40, 30), "black")
    file = saved(scene(), format, save_all=True, append_images=[second, second], lossless=True)
    torch.testing.assert_close(decode(file), whole(np.asarray(scene())))


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Paths opened for writing, by whatever code, while the test runs."""
    paths: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                paths.append(str(path))

    sys.addaudithook(watch)  # which cannot be taken off again
    yield paths
    watching = False


def test_nothing_is_written_to_disk(tmp_path: Path, written: list[str]) -> None:
    (tmp_path / "seen").write_bytes(b"the watch works")
    assert written == [str(tmp_path / "seen")]
    for format in ("PNG", "JPEG", "WEBP"):
        decode(saved(scene(1200, 900), format))
    assert written == [str(tmp_path / "seen")]


# --- Bad uploads ----------------------------------------------------------------------------

NOT_A_PICTURE = "picture must be a PNG, JPEG or WebP file, got something else"
TOO_SHORT = "picture must be complete, got a file that ends too early"
DAMAGED = "picture must be undamaged, got a file that cannot be decoded"

BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "picture must be a PNG, JPEG or WebP file, got an empty file"),
    "text": (b"I am not a picture.", NOT_A_PICTURE),
    "gif": (saved(scene(), "GIF"), NOT_A_PICTURE),
    "tiff": (saved(scene(), "TIFF"), NOT_A_PICTURE),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NOT_A_PICTURE),
    "a RIFF of sound": (b"RIFF\x04\0\0\0WAVE", NOT_A_PICTURE),
    "too many bytes": (
        PNG + b"\0" * MAX_BYTES,
        "picture must be at most 5 MB, got 5.01 MB",
    ),
    "png signature alone": (PNG[:8], TOO_SHORT),
    "png cut in its header": (PNG[:20], TOO_SHORT),
    "png cut in its pixels": (PNG[: len(PNG) // 2], TOO_SHORT),
    "png without its end": (PNG[:-12], TOO_SHORT),
    "png without pixels": (PNG[:33] + chunk(b"IEND", b""), DAMAGED),
    "png with a wrong checksum": (PNG[:50] + bytes([PNG[50] ^ 1]) + PNG[51:], DAMAGED),
    "png with two headers": (with_chunk(PNG, b"IHDR", PNG[16:29]), DAMAGED),
    "png with no header": (PNG[:8] + PNG[33:], DAMAGED),
    "png with a short header": (PNG[:8] + chunk(b"IHDR", bytes(8)) + PNG[33:], DAMAGED),
    "png of unknown colours": (png(8, 8, 7, 5, bytes(99)), DAMAGED),
    "png of chunks": (PNG[:33] + chunk(b"teSt", b"") * 20_000, "picture must have at most 20000 "),
    "jpeg of three bytes": (JPEG[:3], TOO_SHORT),
    "jpeg cut in its tables": (JPEG[:100], TOO_SHORT),
    "jpeg cut in its pixels": (JPEG[: len(JPEG) * 3 // 4], TOO_SHORT),
    "jpeg without a frame": (JPEG[:2] + b"\xff\xd9", DAMAGED),
    "jpeg of 12 bits": (JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), DAMAGED),
    "jpeg of segments": (
        JPEG[:2] + b"\xff\xee\0\x02" * 20_000 + JPEG[2:],
        "picture must have at most 20000 chunks, got more",
    ),
    "jpeg of scans": (
        JPEG[:-2] + JPEG[JPEG.index(b"\xff\xda") : -2] * 100 + b"\xff\xd9",
        "picture must have at most 100 JPEG scans, got 101",
    ),
    "webp cut in its header": (WEBP[:14], TOO_SHORT),
    "webp cut in its pixels": (WEBP[:-20], TOO_SHORT),
    "webp of nothing": (riff(), TOO_SHORT),
    "webp without pixels": (riff(vp8x(8, 8)), DAMAGED),
    "webp with a broken key": (WEBP.replace(b"\x9d\x01\x2a", b"\x9d\x01\x2b"), DAMAGED),
    "webp with a long chunk": (riff((b"VP8 ", b""))[:-4] + b"\xff\xff\xff\xff", TOO_SHORT),
    "webp that starts with pixels of alpha": (riff((b"ALPH", b"\0" * 9)), DAMAGED),
    "webp larger than its canvas": (riff(vp8x(8, 8), (WEBP[12:16], WEBP[20:])), DAMAGED),
    "webp of chunks": (
        riff(vp8x(8, 8), *[(b"teSt", b"")] * 20_000),
        "picture must have at most 20000 chunks, got more",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_upload_gets_its_sentence(case: str) -> None:
    file, sentence = BAD[case]
    with pytest.raises(ValueError) as caught:
        decode(file)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


SIZED: dict[str, Callable[[int, int], bytes]] = {
    "png": lambda width, height: png(width, height, 8, 2, b""),
    "jpeg": jpeg_sized,
    "webp": lambda width, height: riff(vp8x(width, height)),
}


@pytest.mark.parametrize("format", SIZED)
@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (
            (20_000, 20_000),
            "picture must have at most 25 megapixels, got 20000x20000 = 400 megapixels",
        ),
        (
            (5_000, 5_001),
            "picture must have at most 25 megapixels, got 5000x5001 = 25.005 megapixels",
        ),
        ((1_000, 62), "picture must be at most 16 times as long one way as the other, got 1000x62"),
        ((1, 17), "picture must be at most 16 times as long one way as the other, got 1x17"),
    ],
)
def test_a_forbidden_size_is_refused_before_any_decoder_sees_it(
    format: str, size: tuple[int, int], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a decoder was called")

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(ValueError) as caught:
        decode(SIZED[format](*size))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("file", [png(0, 5, 8, 2, b""), jpeg_sized(0, 5)])
def test_a_picture_of_no_width_is_refused(file: bytes) -> None:
    with pytest.raises(
        ValueError, match=r"^picture must be at least 1 pixel wide and high, got 0x5"
    ):
        decode(file)


def test_sixteen_to_one_is_still_permitted() -> None:
    assert decode(saved(scene(1024, 64))).shape == (3, 12, 192)


@pytest.mark.parametrize("max_side", [0, -1])
def test_a_result_has_at_least_one_pixel(max_side: int) -> None:
    with pytest.raises(ValueError, match=f"^max_side must be at least 1, got {max_side}$"):
        decode(PNG, max_side=max_side)


def greedy_exif(entries: int = 200, size: int = 2**20) -> bytes:
    """EXIF whose every entry claims the same bytes, so that a full reader copies them all."""
    table = b"".join(struct.pack("<HHII", 0x9000 + n, 7, size, 0) for n in range(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + table + bytes(size)


BOMB = zlib.compress(bytes(2**26), 9)  # 64 MiB from 64 kB
METADATA = {
    "png text": with_chunk(PNG, b"zTXt", b"a\0\0" + BOMB),
    "png many texts": with_chunk(PNG, b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))).replace(
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))),
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))) * 100,
    ),
    "png colour profile": with_chunk(PNG, b"iCCP", b"a\0\0" + BOMB),
    "png exif": with_chunk(PNG, b"eXIf", greedy_exif()),
    "png pixels beyond its size": png(8, 8, 8, 0, bytes(2**26)),
    "jpeg exif": with_segment(JPEG, 0xE1, b"Exif\0\0" + greedy_exif(2000, 40_000)),
    "jpeg profiles": JPEG[:2]
    + b"".join(with_segment(b"", 0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000)) for _ in range(60))
    + JPEG[2:],
    "webp exif": riff(vp8x(40, 30, flags=0x08), (WEBP[12:16], WEBP[20:]), (b"EXIF", greedy_exif())),
}


@pytest.mark.parametrize("case", METADATA)
def test_greedy_metadata_is_dropped_unread(case: str) -> None:
    file = METADATA[case]
    assert len(file) < MAX_BYTES
    decode(PNG), decode(JPEG), decode(WEBP)
    tracemalloc.start()
    try:
        image = decode(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(file) + 2**20
    plain = {"png": PNG, "jpeg": JPEG, "webp": WEBP}[case.partition(" ")[0]]
    if "pixels" not in case:
        torch.testing.assert_close(image, decode(plain))


# --- Damaged uploads by the hundred ---------------------------------------------------------

SOUND = {
    "png": PNG,
    "png palette": saved(scene().quantize(16), transparency=3),
    "png alpha": saved(scene().convert("RGBA")),
    "png 16 bits": saved(Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50)),
    "png animation": saved(scene(), save_all=True, append_images=[scene().rotate(90)]),
    "jpeg": saved(scene(), "JPEG", exif=exif(6)),
    "jpeg progressive": saved(scene(), "JPEG", progressive=True),
    "jpeg cmyk": saved(scene().convert("CMYK"), "JPEG"),
    "webp": WEBP,
    "webp lossless": saved(scene(), "WEBP", lossless=True, exif=exif(5)),
    "webp animation": saved(scene(), "WEBP", save_all=True, append_images=[scene().rotate(90)]),
}


def mutated(file: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(file)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(8, max(9, len(data))))
        match int(rng.integers(6)):
            case 0:
                data[at : at + 1] = rng.bytes(1)
            case 1:
                data[at : at + 4] = rng.choice([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff"])
            case 2:
                del data[at : at + int(rng.integers(1, 40))]
            case 3:
                data[at:at] = rng.bytes(int(rng.integers(1, 40)))
            case 4:
                data[at:at] = data[at - 8 : at + int(rng.integers(1, 200))]
            case _:
                data[at] ^= 1 << int(rng.integers(8))
    if rng.random() < 0.1:
        del data[int(rng.integers(len(data))) :]
    return bytes(data)


def with_right_checksums(file: bytes) -> bytes:
    """Mend a PNG's checksums, so that damage gets past them to the decoder."""
    at, parts = 8, [file[:8]]
    while at + 12 <= len(file):
        (length,) = struct.unpack_from(">I", file, at)
        if at + 12 + length > len(file):
            break
        parts.append(chunk(file[at + 4 : at + 8], file[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join([*parts, file[at:]])


def picture_or_sentence(file: bytes) -> Tensor | str:
    try:
        return decode(file, max_side=32)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("case", SOUND)
def test_damage_ends_in_a_picture_or_in_a_sentence(case: str) -> None:
    rng = np.random.default_rng(list(case.encode()))
    refused = 0
    for trial in range(60):
        file = mutated(SOUND[case], rng)
        if case.startswith("png") and trial % 4:
            file = with_right_checksums(file)
        result = picture_or_sentence(file)
        if isinstance(result, str):
            refused += 1
            assert result.startswith("picture must ")
            assert len(result) < 120
        else:
            assert (result.ndim, result.shape[0], result.dtype) == (3, 3, torch.float32)
            assert 1 <= min(result.shape) and max(result.shape) <= 32
            assert result.isfinite().all() and 0 <= result.min() and result.max() <= 1
    assert refused > 0
