"""An address opens the scratchpad with a program; only what the project wrote counts as its own."""

import pytest

from explainers.program.lessons import Lesson, Slip
from explainers.scratchpad.gallery import PUZZLES, STARTS
from tests.lessons import corners
from ui import catalogue, packing
from ui.offered import GALLERY, lesson_query, of_text, offer

LESSONS = [
    (page.slug, lesson)
    for page in catalogue.PAGES
    if hasattr(page.topic, "LESSONS")
    for lesson in page.topic.LESSONS
]
EACH = pytest.mark.parametrize(
    ("slug", "lesson"), LESSONS, ids=[f"{slug}.{lesson.slug}" for slug, lesson in LESSONS]
)


@EACH
def test_a_lesson_opens_with_its_parameters_filled_in(slug: str, lesson: Lesson) -> None:
    for own in corners(lesson.parameters):
        query = lesson_query(slug, lesson, own)
        found = offer(query)
        assert found is not None and found.ours
        assert found.source == lesson.source(own)
        assert found.query == query
        assert found.lesson is lesson and found.notice


@EACH
def test_a_mistake_opens_with_the_wrong_line_and_with_the_right_one(
    slug: str, lesson: Lesson
) -> None:
    def opened(slip: Slip, line: str) -> str:
        found = offer(lesson_query(slug, lesson, lesson.parameters(), slip, line))
        assert found is not None and found.ours
        return found.source

    for slip in lesson.slips:
        assert (opened(slip, "wrong"), opened(slip, "right")) == lesson.wrong(slip)


def test_the_gallery_opens_by_name() -> None:
    assert [found.source for found in GALLERY.values()] == [
        entry.program for entry in (*STARTS, *PUZZLES)
    ]
    for slug, found in GALLERY.items():
        assert offer({"start": slug}) is found
        assert found.ours


def test_a_readers_program_is_nobodys_but_the_readers() -> None:
    source = STARTS[0].program
    found = offer(of_text(source).query)
    assert found is not None
    # Also where it is one of the gallery's: the text came from outside.
    assert (found.source, found.ours) == (source, False)
    assert offer({"program": packing.packed("x = 1"), "start": "views"}) is not None


def test_a_link_keeps_the_puzzle_that_its_program_is_to_solve() -> None:
    puzzle = PUZZLES[1]
    found = offer(of_text(puzzle.solved, puzzle).query)
    assert found is not None and not found.ours
    assert (found.source, found.puzzle) == (puzzle.solved, puzzle)
    assert found.query == {"start": puzzle.slug, "program": packing.packed(puzzle.solved)}
    # Another name is passed over: the program is what the link holds.
    stray = offer({"start": "nowhere", "program": packing.packed("x = 1")})
    assert stray is not None and stray.puzzle is None and "start" not in stray.query


def test_a_program_too_long_for_a_link_has_no_address() -> None:
    long = "".join(f"x{n * 7919 % 10007} = {n * n}\n" for n in range(1_500))
    assert dict(of_text(long).query) == {}


def test_an_address_that_names_nothing_offers_nothing() -> None:
    assert offer({}) is None
    assert offer({"step": "3", "embed": "true"}) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"start": "nowhere"}, "start must be one of views, broadcast"),
        ({"lesson": "views"}, "lesson must be a page's and a lesson's name"),
        ({"lesson": "schedulers.permute"}, "lesson must be a page's and a lesson's name"),
        ({"lesson": "views.permute", "permute_turn": "rm -rf"}, "permute_turn must be one of"),
        ({"lesson": "views.permute", "permute_rows": "nan"}, "permute_rows must be"),
        ({"lesson": "views.permute", "mistake": "none"}, "mistake must be one of "),
        ({"program": "!"}, "program must be a link that this page has made"),
    ],
)
def test_what_is_not_there_gets_its_sentence(query: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        offer(query)
