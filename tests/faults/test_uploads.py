"""Five hundred broken pictures: a sentence or a picture for each, and no great appetite."""

import asyncio
import io
import os
import random
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.browser.harness import ROOT, Server
from tests.reader import Reader

COUNT = 500
MOST_MB = 200.0
SLOWEST_S = 5.0
THROUGH_THE_SERVER = 24


def sound() -> list[bytes]:
    """Make whole files of the kinds that decoders treat differently."""
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    picture = Image.fromarray(pixels).resize((1600, 1200))
    exif = Image.Exif()
    exif[0x0112] = 6
    forms: list[tuple[Image.Image, str, dict[str, object]]] = [
        (picture, "PNG", {}),
        (picture.convert("P"), "PNG", {"transparency": 3}),
        (picture.convert("I;16"), "PNG", {}),
        (picture.convert("RGBA"), "PNG", {}),
        (picture.convert("1"), "PNG", {}),
        (picture, "JPEG", {"quality": 80}),
        (picture, "JPEG", {"progressive": True, "exif": exif}),
        (picture.convert("CMYK"), "JPEG", {}),
        (picture.convert("L"), "JPEG", {"subsampling": 0}),
    ]
    files = []
    for image, form, options in forms:
        buffer = io.BytesIO()
        image.save(buffer, form, **options)
        files.append(buffer.getvalue())
    return files


def with_size(file: bytes, chance: random.Random) -> bytes:
    """Let the header promise another size, with a right checksum where there is one."""
    width, height = (chance.choice((0, 1, 4999, 5001, 20_000, 65_535, 2**31 - 1)) for _ in "wh")
    if file.startswith(b"\x89PNG"):
        header = b"IHDR" + struct.pack(">II", width, height) + file[24:29]
        return file[:12] + header + struct.pack(">I", zlib.crc32(header)) + file[33:]
    for marker in (b"\xff\xc0", b"\xff\xc2"):
        at = file.find(marker)
        if at > 0:
            size = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
            return file[: at + 5] + size + file[at + 9 :]
    return file


def mutated(file: bytes, chance: random.Random) -> bytes:
    """Damage a file in one to five ways."""
    data = bytearray(file)
    if chance.random() < 0.3:
        data = bytearray(with_size(file, chance))
    for _ in range(chance.randint(0, 4)):
        # Headers are where it hurts.
        end = len(data) if chance.random() < 0.5 else min(len(data), 700)
        at = chance.randrange(end)
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at : at + 4] = chance.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")
                )
            case 2:
                del data[at : at + chance.randint(1, 4000)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 200))
            case _:
                data[at:at] = data[: chance.randint(1, 60_000)]
        if not data:
            break
    return bytes(data)


def files(count: int) -> list[bytes]:
    """Return that many broken files, the same each time."""
    chance, whole = random.Random(8), sound()
    return [mutated(whole[index % len(whole)], chance) for index in range(count)]


def decode_all() -> None:
    """Decode every file in this process; fail on anything but a picture or a sentence.

    Prints how many were refused, the slowest in seconds of the processor, and by how many MB the
    peak has grown.
    """
    import time

    from explainers import pictures

    broken = files(COUNT)
    pictures.decode(sound()[0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sentences, slowest = [], 0.0
    for data in broken:
        start = time.process_time()
        try:
            picture = pictures.decode(data)
            assert picture.shape[0] == 3 and max(picture.shape) <= 192
        except ValueError as error:
            sentences.append(str(error))
        slowest = max(slowest, time.process_time() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    assert all(sentence.startswith("picture must ") for sentence in sentences)
    sys.stdout.write(f"{len(sentences)} {slowest:.3f} {grown:.1f}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak is in other units")
def test_no_broken_picture_crashes_the_process_or_takes_much_memory() -> None:
    # In a process of its own: a decoder that crashes takes all with it, and a peak is forever.
    command = "from tests.faults import test_uploads; test_uploads.decode_all()"
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused, slowest, grown = (float(word) for word in done.stdout.split())
    assert COUNT / 4 < refused < COUNT
    assert slowest < SLOWEST_S
    assert grown < MOST_MB


def test_a_reader_may_upload_one_broken_picture_after_another(app_server: Server) -> None:
    async def upload(url: str) -> None:
        async with Reader(url, "affine_grid", "degrees=17") as reader:
            await reader.open()
            for index, data in enumerate(files(THROUGH_THE_SERVER)):
                uploader = reader.find("file_uploader")
                run = await reader.upload(uploader, f"broken-{index}.png", data)
                assert run.exceptions() == []
                assert run.says("picture must ") or run.says("Left, the input")
            # The settings are still there.
            assert (await reader.change(reader.find("slider"), 18)).says("degrees=18")

    asyncio.run(upload(app_server.url))
    assert "Traceback" not in app_server.log()
