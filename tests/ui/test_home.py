"""Home and the sidebar lead to every page; search leads to the very mistake."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from explainers.scratchpad import gallery
from tests import session
from tests.session import PATIENCE_S, SHELL
from ui import catalogue, home, tour


@pytest.fixture
def opened() -> Callable[..., AppTest]:
    def open_(slug: str = "", **address: str) -> AppTest:
        tester = AppTest.from_file(SHELL, default_timeout=PATIENCE_S)
        if slug:
            page = catalogue.page(slug)
            tester.switch_page(f"../{page.file.relative_to(catalogue.ROOT)}")
        for name, text in address.items():
            tester.query_params[name] = text
        tester.run()
        assert not tester.exception
        return tester

    return open_


def search(tester: AppTest, words: str) -> list[str]:
    tester.text_input(key="home.query").set_value(words).run()
    assert not tester.exception
    return [link.value for link in tester.main.page_link]


def test_search_lists_what_it_finds_and_home_comes_back_when_it_is_cleared(
    opened: Callable[..., AppTest],
) -> None:
    tester = opened()
    before = [link.value for link in tester.main.page_link]
    (first, *_) = tester.text_input(key="home.query").set_value("past T_max").run().main.page_link
    assert "past T\\_max" in first.value
    assert first.proto.query_string == "mistake=past-t-max"
    assert len(search(tester, "float16")) == home.MOST_FOUND
    assert f"the first {home.MOST_FOUND}." in tester.caption[0].value
    assert search(tester, "zzqqxx") == []
    assert "Nothing holds “zzqqxx”" in tester.info[0].value
    assert search(tester, "[zzqq](zzqqxx:zzqq) <zz>*") == []
    assert search(tester, "aling_corners")
    assert "Nothing holds “aling\\_corners”" in tester.caption[0].value
    assert search(tester, "sigmoid schedulers dirac")
    assert tester.caption[0].value.startswith("Nothing holds every word")
    assert search(tester, " ") == before


def test_home_leads_to_the_scratchpad_and_search_to_a_puzzle_of_it(
    opened: Callable[..., AppTest],
) -> None:
    tester = opened()
    (first, *_) = tester.main.page_link
    assert catalogue.SCRATCHPAD.title in first.value
    assert first.proto.page == catalogue.SCRATCHPAD.slug
    (puzzle,) = gallery.PUZZLES[:1]
    tester.text_input(key="home.query").set_value(puzzle.notice[:60]).run()
    (first, *_) = tester.main.page_link
    assert puzzle.title in first.value.replace("\\", "")
    assert first.proto.page == catalogue.SCRATCHPAD.slug
    assert first.proto.query_string == f"start={puzzle.slug}"


def test_with_forty_pages_home_draws_eight_cards_and_the_sidebar_folds(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import forty

    monkeypatch.setattr(catalogue, "PAGES", forty.repeated(40))
    chapters = tuple(chapter for stage in catalogue.PATH.values() for chapter in stage)
    monkeypatch.setattr(catalogue, "CHAPTERS", chapters)
    assert {page.chapter for page in catalogue.PAGES} == set(chapters)
    tester = opened()
    cards = len(tester.main.page_link) - 2  # the scratchpad, the tour's first stop
    assert home.CARDS <= cards < home.CARDS + 8
    listed = session.chapters(tester)
    assert [title for title, _ in listed if title] == list(chapters)
    assert sum(len(links) for _, links in listed) == 43  # home, scratchpad, proof sheet
    assert f"**1. {tour.STOPS[0].title}**" in [link.value for link in tester.main.page_link]


def test_a_mistake_is_opened_by_its_address(opened: Callable[..., AppTest]) -> None:
    tester = opened("schedulers", mistake="past-t-max")
    assert tester.get_by_key("schedulers.mistake").value == "past T_max"
    assert not tester.warning
    # The page before and the page after are two links away.
    before, after = catalogue.neighbours("schedulers")
    assert before is not None and after is not None
    assert [link.value for link in tester.main.page_link] == [
        f"Previous: {before.title}",
        f"Next: {after.title}",
    ]


@pytest.mark.parametrize("asked", ["nothing", "", "Past T_max", "<b>*[x](y)", "9" * 5000])
def test_a_mistake_that_is_not_there_gets_its_sentence(
    opened: Callable[..., AppTest], asked: str
) -> None:
    tester = opened("schedulers", mistake=asked)
    assert tester.get_by_key("schedulers.mistake").value == "get_lr is not the rate"
    said = " ".join(warning.value.replace("\\", "") for warning in tester.warning)
    assert ("mistake must be one of get-lr-is-not-the-rate, " in said) == bool(asked)
    assert len(said) < 600
