"""A program goes into a link and comes back whole; a stranger's link is read within bounds."""

import base64
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainers.scratchpad.gallery import PUZZLES, STARTS
from tests.explainers.scratchpad.programs import PROGRAMS
from ui.packing import LONGEST, MOST_BYTES, packed, unpacked

SOURCES = [*PROGRAMS.values(), *(entry.program for entry in (*STARTS, *PUZZLES))]


def raw(data: bytes) -> str:
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.urlsafe_b64encode(press.compress(data) + press.flush()).decode().rstrip("=")


def test_what_learners_type_comes_back_whole_from_a_short_link() -> None:
    for source in SOURCES:
        link = packed(source)
        assert unpacked(link) == source
        assert len(link) < max(len(source), 200)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_every_text_comes_back_whole(source: str) -> None:
    link = packed(source)
    assert unpacked(link) == source
    assert link.replace("-", "").replace("_", "").isalnum() or not source


def test_a_program_too_long_for_a_link_gets_its_sentence() -> None:
    with pytest.raises(ValueError, match="program must fit a link of 6,000 characters, got one of"):
        packed("".join(f"x{n * 7919 % 10007} = {n * n}\n" for n in range(1_500)))
    with pytest.raises(ValueError, match="program must fit a link"):
        packed("#" * (MOST_BYTES + 1))
    assert unpacked(packed("#" * MOST_BYTES)) == "#" * MOST_BYTES


def test_half_a_character_gets_its_sentence() -> None:
    with pytest.raises(ValueError, match="program must be whole characters, got half of one at 5"):
        packed("x = '\ud800'"[:4] + "\ud800")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = raw(bytes(4_000_000))
    assert len(bomb) <= LONGEST  # it comes by the first bound
    before = time.process_time()
    with pytest.raises(ValueError, match="program must be at most 16,000 bytes, got more"):
        unpacked(bomb)
    assert time.process_time() - before < 0.05


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "hello world",
        "????",
        "AAAA",
        "é" * 10,
        "\ud800",
        packed("x = 1\n" * 20)[:-3],  # cut short
        packed("x = 1\n" * 20)[1:],
        packed("x = 1") + "AAAA",
        raw(b"\xff\xfe"),
        "<script>",
    ],
)
def test_what_is_no_program_gets_its_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="program must be a link that this page has made"):
        unpacked(text)


def test_a_link_too_long_is_not_looked_at() -> None:
    with pytest.raises(ValueError, match="program must be at most 6,000 characters, got 6,001"):
        unpacked("A" * 6_001)
