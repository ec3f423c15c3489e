"""Search finds pages, mistakes, presets and statements by the words that people type."""

import random
import re
import runpy
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from explainers.evidence import Question
from tests import clock
from ui import address, catalogue, declared, frame, offered, proofs, search
from ui.search import Entry, Index, Kind

PAGES = pytest.mark.parametrize("page", catalogue.PAGES, ids=lambda page: page.slug)
# What a topic of lessons declares is objects: its source need not be read.
OWN = pytest.mark.parametrize(
    "page",
    [page for page in catalogue.PAGES if not hasattr(page.topic, "LESSONS")],
    ids=lambda page: page.slug,
)


def first(query: str) -> Entry:
    found = search.index().find(query)
    assert found.every_word
    return found.entries[0]


@pytest.mark.parametrize(
    ("query", "kind", "title"),
    [
        ("past T_max", Kind.MISTAKE, "past T_max"),
        ("too many indices", Kind.MISTAKE, "too many indices"),
        ("tensor_split", Kind.LESSON, "chunk, split, tensor_split"),
        ("align_corners mixed", Kind.MISTAKE, "align_corners mixed"),
        ("sigmoid twice", Kind.MISTAKE, "taking the sigmoid twice"),
        ("get_lr", Kind.MISTAKE, "get_lr is not the rate"),
        ("xavier relu", Kind.MISTAKE, "xavier with relu"),
        ("trunc_normal_ bounds", Kind.MISTAKE, "trunc_normal_ bounds"),
        ("step overshoots", Kind.PRESET, "A step overshoots"),
        ("GradScaler", Kind.PAGE, "GradScaler"),
        ("which operation runs in which precision", Kind.PAGE, "autocast"),
        ("F.grid_sample", Kind.PAGE, "affine_grid and grid_sample"),
    ],
)
def test_what_a_reader_types_leads_to_the_very_mistake_preset_or_page(
    query: str, kind: Kind, title: str
) -> None:
    found = first(query)
    assert (found.kind, found.title) == (kind, title)


@pytest.mark.parametrize(
    "query", ["scratchpad", "my own code", "own code", "try", "editor", "playground", "repl"]
)
def test_who_wants_to_type_is_led_to_the_scratchpad(query: str) -> None:
    assert (first(query).kind, first(query).page) == (Kind.PAGE, catalogue.SCRATCHPAD.slug)


def test_every_program_of_the_scratchpads_gallery_is_found_by_title_and_place() -> None:
    for offer in offered.GALLERY.values():
        found = search.index().find(f"scratchpad {offer.title}").entries
        assert offer.query in [dict(one.query) for one in found[:3]], offer.title


@pytest.mark.parametrize(
    "spelled",
    [
        "align_corners",
        "ALIGN_CORNERS",
        "Align Corners",
        "align-corner",
        "aligncorners",
        "align.corners",
        "  corners   align ",
    ],
)
def test_case_underscores_dots_order_and_plural_do_not_count(spelled: str) -> None:
    def held(query: str) -> set[str]:
        return {entry.title for entry in search.index().find(query).entries}

    assert held(spelled) >= held("align_corners") != set()


def test_a_name_is_found_by_its_parts_and_without_what_leads() -> None:
    for query in ("grad scaler", "gradscaler", "torch.amp.GradScaler", "amp.gradscaler"):
        assert first(query).page == "grad_scaler", query
    for query in ("bcewithlogits", "BCE with logits loss", "nn.BCEWithLogitsLoss"):
        assert first(query).page == "focal_loss", query


def test_a_slip_of_the_finger_finds_the_word_that_was_meant() -> None:
    found = search.index().find("aling_corners")
    assert found.unknown == ("aling_corners",)
    assert "align_corners mixed" in {entry.title for entry in found.entries}


def test_where_nothing_holds_every_word_those_with_more_of_them_come_first() -> None:
    entries = (
        Entry(Kind.MISTAKE, "alpha", "autocast"),
        Entry(Kind.MISTAKE, "alpha beta", "autocast"),
        Entry(Kind.MISTAKE, "gamma", "autocast"),
    )
    found = Index(entries).find("alpha beta gamma")
    assert not found.every_word
    assert found.entries[0].title == "alpha beta"
    assert {entry.title for entry in found.entries} == {"alpha", "alpha beta", "gamma"}


def test_a_title_comes_before_a_text_whatever_it_is_a_title_of() -> None:
    entries = (
        Entry(Kind.PAGE, "other", "autocast", text="zeta"),
        Entry(Kind.PRESET, "zeta", "autocast"),
        Entry(Kind.STATEMENT, "zeta is said", "autocast"),
        Entry(Kind.MISTAKE, "zeta and more", "autocast"),
    )
    titles = [entry.title for entry in Index(entries).find("zeta").entries]
    assert titles == ["zeta and more", "zeta", "other", "zeta is said"]


@pytest.mark.parametrize(
    "query", ["", "   ", "…", "_", "٣", "(*)[x]", "\x00", "no\nsuch", "a" * 60]
)
def test_any_text_is_a_query(query: str) -> None:
    search.index().find(query)


def test_random_text_is_a_query() -> None:
    chooser = random.Random(0)
    letters = "aeSn_.- 019√é😀*[]"
    for _ in range(300):
        search.index().find("".join(chooser.choices(letters, k=chooser.randrange(12))))


@PAGES
def test_a_page_is_among_the_first_found_by_slug_title_and_each_of_its_names(
    page: catalogue.Page,
) -> None:
    for query in (page.slug, page.title, *page.terms):
        found = search.index().find(query)
        pages = [entry for entry in found.entries[:12] if entry.kind is Kind.PAGE]
        assert page.slug in {entry.page for entry in pages}, query


def test_a_search_takes_a_few_milliseconds_at_most() -> None:
    index = search.index()
    for query in ("a", "aling_corners", "the rate climbs back past T_max"):
        assert clock.milliseconds(lambda query=query: index.find(query), limit=5) < 5


@PAGES
def test_every_address_that_search_gives_is_one_that_its_page_takes(page: catalogue.Page) -> None:
    kind = type(page.topic.PRESETS[0].parameters)
    for entry in search.entries([page]):
        match entry.kind:
            case Kind.PRESET:
                restored, refused = kind.parse(entry.query)
                assert not refused
                (preset,) = [one for one in page.topic.PRESETS if one.name == entry.title]
                assert restored == preset.parameters
            case Kind.MISTAKE:
                assert entry.query["mistake"] == address.spelled(entry.title)
            case Kind.STATEMENT:
                assert entry.query["part"] == "prove"
            case Kind.PAGE:
                assert entry.query == {}
        # A lesson's address says which one it is, and its page takes it.
        if entry.kind is not Kind.PRESET:
            others = {"mistake", "part"} & entry.query.keys()
            restored, refused = kind.parse(entry.query)
            assert not refused
            assert restored.address().keys() <= entry.query.keys() - others


@OWN
def test_the_mistakes_read_from_the_source_are_those_that_the_page_shows(
    page: catalogue.Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[frame.Lesson] = []

    recorder = MagicMock()
    recorder.page = page
    recorder.mistakes = lambda *lessons: shown.extend(lessons)
    monkeypatch.setattr(frame, "Frame", lambda *_: recorder)
    monkeypatch.setattr(proofs, "of", lambda *_: None)
    monkeypatch.setattr(page.topic, "question", lambda **_: Question("?", ("a",), "a", "."))
    runpy.run_path(str(page.file))
    found = declared.mistakes(page)
    assert [mistake.title for mistake in found] == [lesson.title for lesson in shown]
    assert len({address.spelled(mistake.title) for mistake in found}) == len(found)
    for mistake, lesson in zip(found, shown, strict=True):
        # What the function says of itself is among its words.
        assert (lesson.run.__doc__ or "?").splitlines()[0] in mistake.words, mistake.title


@OWN
def test_the_statements_read_from_the_source_are_those_that_the_topic_judges(
    page: catalogue.Page,
) -> None:
    said = {claim.says for claim in page.topic.claims()}
    found = declared.statements(page)
    for statement in found:
        pattern = ".*".join(map(re.escape, statement.split("…")))
        assert any(re.fullmatch(pattern, claim) for claim in said), statement
    # One call may judge two: what it says is not a text then.
    assert len(found) >= len(said) - 1


def test_a_lesson_and_its_mistakes_are_found_by_their_titles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = catalogue.page("autocast")
    lesson = SimpleNamespace(
        slug="twice",
        title="Backward a second time",
        notice="The graph is gone.",
        terms=("retain_graph",),
        slips=(
            SimpleNamespace(
                title="retain_graph to silence it", lesson="It grows.", wrong="a", right="b"
            ),
        ),
        statements=(SimpleNamespace(says="The graph stays."),),
    )
    monkeypatch.setattr(page.topic, "LESSONS", (lesson,), raising=False)
    index = Index(search.entries([page]))
    (found, *_) = index.find("backward second time").entries
    assert (found.kind, found.title) == (Kind.LESSON, "Backward a second time")
    assert found.query == {"lesson": "twice"}
    (found, *_) = index.find("silence retain graph").entries
    assert found.kind is Kind.MISTAKE
    assert found.query == {"lesson": "twice", "mistake": "retain-graph-to-silence-it"}
    assert index.find("graph is gone").entries[0].query == {"lesson": "twice"}
