"""The catalogue is the only list of pages, and it is whole."""

import dataclasses

import pytest

from ui import catalogue


def test_every_page_has_its_files_and_every_file_its_page() -> None:
    scripts = set((catalogue.ROOT / "pages").rglob("*.py"))
    home = set((catalogue.ROOT / "pages" / "home").glob("*.py"))
    assert {path.stem for path in home} == {"home", "proof", "scratchpad"}
    assert {page.file for page in catalogue.PAGES} == scripts - home
    for page in catalogue.PAGES:
        assert page.topic.__name__ == f"explainers.{page.folder}.{page.slug}"
        own = f"figures.{page.folder}.{page.slug}"
        drawn_by_the_stage = hasattr(page.topic, "LESSONS")
        assert page.figures.__name__ == ("figures.stage_thumbnail" if drawn_by_the_stage else own)


def test_slugs_and_titles_are_unique_and_questions_are_questions() -> None:
    assert len({page.slug for page in catalogue.PAGES}) == len(catalogue.PAGES)
    assert len({page.title for page in catalogue.PAGES}) == len(catalogue.PAGES)
    assert all(page.question.endswith("?") for page in catalogue.PAGES)


def test_pages_follow_one_another_by_chapter_along_the_path() -> None:
    order = [chapter for stage in catalogue.PATH.values() for chapter in stage]
    assert [chapter for chapter in order if chapter in catalogue.CHAPTERS] == list(
        catalogue.CHAPTERS
    )
    places = [order.index(page.chapter) for page in catalogue.PAGES]
    assert places == sorted(places)


def test_a_chapter_that_is_not_on_the_path_is_refused() -> None:
    stray = dataclasses.replace(catalogue.PAGES[0], chapter="Astrology")
    with pytest.raises(ValueError, match="Astrology"):
        catalogue.in_reading_order(*catalogue.PAGES, stray)


def test_next_leads_from_the_first_page_over_every_other_to_the_last_and_previous_back() -> None:
    walked, here = [], catalogue.PAGES[0]
    while True:
        walked.append(here)
        before, after = catalogue.neighbours(here.slug)
        assert before == (walked[-2] if len(walked) > 1 else None)
        if after is None:
            break
        here = after
    assert tuple(walked) == catalogue.PAGES
