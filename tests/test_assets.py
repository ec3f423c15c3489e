"""The drawings in assets/ are what their script draws, and can be seen on any background."""

import runpy
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ASSETS = Path(__file__).resolve().parent.parent / "assets"
WHITE, NEAR_BLACK = (255, 255, 255), (0x0E, 0x11, 0x17)


@pytest.fixture(scope="module")
def drawn_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    main = runpy.run_path(str(ASSETS / "make_pictures.py"))["main"]
    main(first)
    main(second)
    return first, second


def names(folder: Path) -> set[str]:
    """Every drawn picture; the README's is taken of the running app, not drawn."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    return found - {"screenshot.png"}


def test_drawing_again_gives_the_same_bytes(drawn_twice: tuple[Path, Path]) -> None:
    first, second = drawn_twice
    assert names(first) == names(second) != set()
    for name in names(first):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_the_stored_pictures_are_the_drawn_ones(drawn_twice: tuple[Path, Path]) -> None:
    drawn = drawn_twice[0]
    assert names(drawn) == names(ASSETS)
    for name in names(drawn):
        with Image.open(drawn / name) as new, Image.open(ASSETS / name) as stored:
            assert new.mode == stored.mode, name
            np.testing.assert_array_equal(np.asarray(new), np.asarray(stored), err_msg=name)


def test_the_pictures_are_light() -> None:
    assert sum((ASSETS / name).stat().st_size for name in names(ASSETS)) < 40_000


def luminance(colour: tuple[int, ...]) -> float:
    """Relative luminance, WCAG 2.2."""
    c = np.array(colour[:3]) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tab", [WHITE, NEAR_BLACK])
@pytest.mark.parametrize("side", [16, 32, 64])
def test_the_favicons_ring_stands_out_at_every_size(side: int, tab: tuple[int, int, int]) -> None:
    with Image.open(ASSETS / "favicon.png") as icon:
        assert (icon.size, icon.mode) == ((64, 64), "RGBA")
        small = icon.resize((side, side), Image.Resampling.BOX)
    shown = Image.alpha_composite(Image.new("RGBA", small.size, tab), small).convert("RGB")
    ring = [shown.getpixel((x, side * 27 // 64)) for x in range(side // 8)]
    assert max(contrast(colour, tab) for colour in ring if isinstance(colour, tuple)) >= 3


def test_the_favicons_lens_shows_four_colours_at_16_pixels() -> None:
    with Image.open(ASSETS / "favicon.png") as icon:
        small = np.asarray(icon.resize((16, 16), Image.Resampling.BOX)).astype(int)
    quarters = [small[y, x, :3] for y in (4, 8) for x in (4, 8)]
    apart = [np.abs(a - b).max() for i, a in enumerate(quarters) for b in quarters[:i]]
    assert min(apart) > 60


def test_the_logo_needs_no_font_no_script_and_no_other_file() -> None:
    root = ET.parse(ASSETS / "logo.svg").getroot()
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "circle", "clipPath"}
    assert root.get("aria-label") == "Torch Loupe"
    assert not [k for e in root.iter() for k in e.attrib if "href" in k or k.startswith("on")]


@pytest.mark.parametrize("background", [WHITE, NEAR_BLACK])
def test_the_logos_lines_stand_out_in_light_and_dark(background: tuple[int, int, int]) -> None:
    strokes = {
        value
        for element in ET.parse(ASSETS / "logo.svg").iter()
        if (value := element.get("stroke")) is not None
    }
    assert len(strokes) == 2
    for stroke in strokes:
        colour = tuple(bytes.fromhex(stroke.removeprefix("#")))
        assert contrast(colour, background) >= 3.8, stroke
