"""A page of lessons in a browser: what is on show is marked, has an address, fits the screen."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from explainers.program.lessons import Lesson
from tests.browser.harness import console_errors, load_all, open_page, settled, wait_for_query
from tests.browser.test_reach import PHONE, is_accessible_in_both_themes
from ui import catalogue

LESSONS = ("permute", "expand", "index", "axes", "cat", "chunk")


def marked(page: Page, row: str) -> Locator:
    return page.locator(f"[class*='{row}'] button[aria-pressed='true']")


def test_an_address_leads_to_a_step_of_a_lesson_and_follows_the_reader(
    page: Page, app_url: str
) -> None:
    # The first lesson too, though no link names what is its default.
    open_page(page, f"{app_url}/views?lesson=permute&step=8")
    stage = page.get_by_test_id("stage").first
    expect(stage).to_have_attribute("data-step", "7")
    wait_for_query(page, {"step": "8"})
    expect(marked(page, "-views-preset-")).to_have_text("view, permute, contiguous")
    expect(marked(page, "-permute-try-")).to_have_text("Transposed")
    page.get_by_role("button", name="A copy", exact=True).click()
    expect(marked(page, "-permute-try-")).to_have_text("A copy")
    expect(marked(page, "-views-preset-")).to_have_text("view, permute, contiguous")
    wait_for_query(page, {"permute_turn": "flip(0)", "step": "8"})
    page.get_by_text("Code, data and link of this view").click()
    link = page.get_by_test_id("stCode").filter(has_text="/views?permute_turn=")
    expect(link.first).to_contain_text("step=8")
    page.get_by_role("button", name="expand", exact=True).click()
    wait_for_query(page, {"lesson": "expand"})
    expect(marked(page, "-expand-try-")).to_have_text("Expanded")
    stage.focus()
    page.keyboard.press("Home")
    wait_for_query(page, {"lesson": "expand", "step": "1"})
    page.reload()
    settled(page)
    expect(stage).to_have_attribute("data-step", "0")


def test_code_sentence_and_cards_of_every_lesson_fit_one_screen(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/views")
    stage = page.get_by_test_id("stage").first
    for number, lesson in enumerate(LESSONS):
        page.locator(f".st-key-views-preset-{number} button").click()
        expect(marked(page, f"-{lesson}-try-")).to_have_count(1)
        settled(page)
        for part in ("stage-code", "stage-said", "stage-look"):
            box = stage.get_by_test_id(part).bounding_box()
            assert box is not None and box["y"] + box["height"] <= 900, (lesson, part)
        card = stage.locator(".frame").first.bounding_box()
        assert card is not None and card["y"] + card["height"] <= 900, lesson
        wide = "document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(wide) <= 0
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    assert page.evaluate(wide) <= 0
    assert re.search(r"lesson=chunk", page.url)


def test_titles_of_mistakes_stand_as_they_are_and_are_whole_on_a_phone(
    page: Page, app_url: str
) -> None:
    page.set_viewport_size(PHONE)
    open_page(page, f"{app_url}/hooks?lesson=pruning")
    mistakes = page.get_by_role("radiogroup", name="Mistake")
    long = "Missing key(s) in state_dict: weight. Unexpected: weight_orig, weight_mask"
    words = mistakes.get_by_role("radio", name=long).locator("p")
    assert words.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    box = words.bounding_box()
    assert box is not None and box["x"] + box["width"] <= PHONE["width"]
    open_page(page, f"{app_url}/masks?lesson=distance")
    expect(mistakes.get_by_role("radio", name="* for the matrix product")).to_be_attached()


FIGURES = [
    pytest.param(entry, lesson, id=f"{entry.slug}.{lesson.slug}")
    for entry in catalogue.PAGES
    for lesson in getattr(entry.topic, "LESSONS", ())
    if lesson.figure is not None
]
DESK = {"width": 1280, "height": 900}
FAR_RIGHT = """node => {
  const inner = (each) => [...each.children, ...(each.shadowRoot?.children ?? [])]
  const far = (each) => Math.max(each.getBoundingClientRect().right, ...inner(each).map(far))
  return far(node)
}"""


@pytest.mark.parametrize(("entry", "lesson"), FIGURES)
def test_a_figure_stands_by_the_stage_whole_in_words_and_in_numbers(
    entry: catalogue.Page, lesson: Lesson, page: Page, app_url: str
) -> None:
    assert lesson.figure is not None
    errors = console_errors(page)
    page.set_viewport_size(DESK)
    open_page(page, f"{app_url}/{entry.slug}?lesson={lesson.slug}")
    settled(page)
    stage = page.get_by_test_id("stage").first.bounding_box()
    place = page.locator(".st-key-figure")
    title = place.get_by_role("heading", name=lesson.figure.title).bounding_box()
    assert stage is not None and title is not None
    link = page.get_by_role("link", name=f"Figure below: {lesson.figure.title}")
    if lesson.figure.leads:
        assert title["y"] < stage["y"]
        expect(link).to_have_count(0)
    else:
        assert title["y"] >= stage["y"] + stage["height"]
        # The link above the stage leads to it.
        link.click()
    expect(place.get_by_role("heading", name=lesson.figure.title)).to_be_in_viewport()
    # Drawings, pictures that are linked, and tables of numbers.
    figures = place.locator('[role="img"], [role="application"], [role="grid"]')
    words = [each.get_attribute("aria-label") or "" for each in figures.all()]
    assert words and all(len(each) > 15 for each in words)
    data = place.locator("details:has(> summary:text-is('Data'))").first
    if drawn := place.locator('[role="img"]').count():
        data.locator("summary").click()
        expect(data.locator("tbody tr").first).to_be_visible()
    # Its words follow the lesson's settings, and its numbers stay open.
    page.locator(f".st-key-{entry.slug}-{lesson.slug}-try-1 button").click()
    expect(marked(page, f"-{lesson.slug}-try-")).to_have_text(lesson.presets[1].name)
    settled(page)
    assert [each.get_attribute("aria-label") for each in figures.all()] != words
    if drawn:
        expect(data).to_have_attribute("open", "")
    load_all(page)
    assert place.evaluate(FAR_RIGHT) <= DESK["width"]
    is_accessible_in_both_themes(page, "dark")
    page.set_viewport_size(PHONE)
    settled(page)
    assert place.evaluate(FAR_RIGHT) <= PHONE["width"]
    assert errors == []
