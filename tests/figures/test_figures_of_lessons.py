"""Every figure that a lesson has of its own: drawn at any setting, in words, numbers to open."""

import importlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from explainers.program.lessons import Lesson
from figures.curves import Curves
from figures.points import Points
from tests.lessons import corners
from ui import catalogue
from ui.curves import curves_data
from ui.points import points_data


def figures(page: catalogue.Page) -> ModuleType:
    return importlib.import_module(f"figures.{page.folder}.{page.slug}")


CASES = [
    pytest.param(page, lesson, id=f"{page.slug}.{lesson.slug}")
    for page in catalogue.PAGES
    for lesson in getattr(page.topic, "LESSONS", ())
    if lesson.figure is not None
]
EVERY = pytest.mark.parametrize(("page", "lesson"), CASES)


def settings(lesson: Lesson) -> list[Any]:
    return [*corners(lesson.parameters), *(preset.parameters for preset in lesson.presets)]


def drawn(page: catalogue.Page, lesson: Lesson, setting: Any) -> tuple[Any, ...]:
    parts = figures(page).FIGURES[lesson.slug](lesson.seen(setting))
    return parts if isinstance(parts, tuple) else (parts,)


def words(part: Any) -> str:
    """What a part of a figure says to those who do not see it."""
    if isinstance(part, str):
        return " ".join(re.findall(r'role="img" aria-label="([^"]+)"', part))
    return part.alt


@EVERY
def test_at_every_setting_it_is_whole_and_says_what_it_shows(page, lesson: Lesson) -> None:
    for setting in settings(lesson):
        parts = drawn(page, lesson, setting)
        assert any(len(words(part)) > 15 for part in parts)
        for part in parts:
            if isinstance(part, Curves):
                curves_data(part)
            elif isinstance(part, Points):
                points_data(part)
            elif isinstance(part, str):
                ET.fromstring(part)
                assert "nan%" not in part


@EVERY
def test_its_numbers_can_be_opened(page, lesson: Lesson) -> None:
    parts = drawn(page, lesson, lesson.parameters())
    tables = [part for part in parts if isinstance(part, str) and "<summary>Data</summary>" in part]
    assert tables or any(isinstance(part, Curves) for part in parts)
    assert all("<tbody><tr>" in table for table in tables)


@EVERY
def test_its_words_change_with_each_preset(page, lesson: Lesson) -> None:
    said = [
        " ".join(map(words, drawn(page, lesson, preset.parameters))) for preset in lesson.presets
    ]
    assert len(set(said)) == len(said) >= 2


def test_a_page_draws_the_figures_that_its_lessons_have_and_no_others() -> None:
    for page in catalogue.PAGES:
        lessons = getattr(page.topic, "LESSONS", ())
        having = {lesson.slug for lesson in lessons if lesson.figure is not None}
        offered: Mapping[str, Callable[[Any], Any]] = (
            figures(page).FIGURES if having else {}  # a page without figures needs no module
        )
        assert set(offered) == having
        given = "figures.FIGURES" in page.file.read_text("utf-8")
        assert given is bool(having), page.slug
