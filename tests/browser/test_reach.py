"""Every page for every reader: phones, zoom, themes, keyboard alone, screen readers, slides."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.harness import (
    console_errors,
    load_all,
    open_page,
    query,
    settled,
    slider,
    wait_for_query,
)
from ui import catalogue

NewContext = Callable[..., BrowserContext]

PAGES = pytest.mark.parametrize("entry", catalogue.PAGES, ids=lambda entry: entry.slug)
SLUGS = ("", "proof", *(entry.slug for entry in catalogue.PAGES))
EVERYWHERE = pytest.mark.parametrize("slug", SLUGS)

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
VIEWS = [
    pytest.param({"viewport": viewport, "color_scheme": scheme}, id=f"{viewport['width']}-{scheme}")
    for viewport in (DESKTOP, PHONE)
    for scheme in ("light", "dark")
]
MOVING = "document.getAnimations().filter(a => a.playState === 'running').length"
OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth
  const main = document.querySelector('[data-testid="stMain"]')
  const cut = []
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) walk(node.shadowRoot)
      const box = node.getBoundingClientRect()
      const hidden = getComputedStyle(node).visibility === 'hidden'
        || node.closest('[aria-hidden="true"], [style*="clip"]') || node.clientHeight <= 1
      if (box.width && !hidden && box.right > wide + 1) cut.push(node.tagName)
    }
  }
  walk(main)
  const ends = (node) => node.scrollWidth > node.clientWidth + 1
    && getComputedStyle(node).overflowX !== 'visible'
  const links = [...document.querySelectorAll('[data-testid="stPageLink"] a')].filter((link) => (
    // On a phone the sidebar is folded away until it is asked for.
    !link.closest('[data-collapsed="true"], [aria-expanded="false"]')
      && [link, ...link.querySelectorAll('*')].some(ends)
  ))
  cut.push(...links.map((link) => link.textContent))
  return { scrolls: main.scrollWidth - main.clientWidth, cut: cut.slice(0, 5) }
}"""

# Everything in the page's main part that takes the keyboard, in shadow roots too, seen or to be
# scrolled to; of a group of radio buttons the chosen one.
FOCUSABLE = """() => {
  const found = []
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) walk(node.shadowRoot)
      if (!(node.tabIndex >= 0) || node.disabled) continue
      const style = getComputedStyle(node)
      if (style.visibility === 'hidden' || style.display === 'none') continue
      if (!node.getClientRects().length || node.closest('[aria-hidden="true"], [inert]')) continue
      if (node.type === 'radio' && !node.checked) continue
      if (node.role === 'radio' && node.ariaChecked !== 'true') continue
      found.push(node)
    }
  }
  walk(document.querySelector('[data-testid="stMain"]'))
  window.__found = found
  const words = (node) => node.ariaLabel ?? node.textContent.trim().slice(0, 40)
  return found.map((node) => `${node.tagName} ${words(node)}`)
}"""
FOCUSED = """() => {
  let node = document.activeElement
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement
  const group = node?.closest?.('[role="radiogroup"], [data-testid="stButtonGroup"]')
  // A group is one stop; the arrow keys lead on to its other buttons.
  return window.__found.flatMap((other, index) => (
    other === node || (group && group.contains(other)) ? [index] : []
  ))
}"""


def is_whole(page: Page) -> None:
    """Nothing is cut off at the right, no link in the sidebar either; nothing scrolls sideways."""
    found = page.evaluate(OVERFLOWING)
    assert found["scrolls"] <= 0
    assert found["cut"] == []


@EVERYWHERE
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_cut_and_axe_finds_no_violation_of_level_a_or_aa(
    new_context: NewContext, app_url: str, slug: str, view: dict[str, Any]
) -> None:
    page = new_context(**view).new_page()
    errors = console_errors(page)
    open_page(page, f"{app_url}/{slug}")
    load_all(page)
    is_whole(page)
    found = Axe().run(page)
    violations = [
        (violation["id"], [node["target"] for node in violation["nodes"]][:3])
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
        or any(re.fullmatch(r"wcag2\d?aa?", tag) for tag in violation["tags"])
    ]
    assert violations == []
    assert errors == []


@EVERYWHERE
def test_at_200_percent_nothing_is_cut_and_where_motion_is_unwanted_nothing_moves(
    new_context: NewContext, app_url: str, slug: str
) -> None:
    # A browser zoomed to 200 % lays a page out on half as many CSS pixels, each two dots wide.
    half = {"width": 640, "height": 450}
    page = new_context(viewport=half, device_scale_factor=2, reduced_motion="reduce").new_page()
    open_page(page, f"{app_url}/{slug}")
    load_all(page)
    is_whole(page)
    assert page.evaluate(MOVING) == 0


def bottom(node: Locator) -> float:
    box = node.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@PAGES
def test_one_screenful_shows_title_presets_controls_and_the_main_figure(
    entry: catalogue.Page, page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/{entry.slug}")
    assert bottom(page.get_by_role("heading", name=entry.title)) < 135
    assert bottom(page.get_by_role("button", name=entry.topic.PRESETS[-1].name)) < 250
    assert bottom(page.get_by_test_id("stMain").get_by_role("img").first) < 720
    # A control to move stands beside the figure, not below it.
    assert bottom(page.get_by_test_id("stSlider").first) < 720


# --- keyboard alone ---


@EVERYWHERE
def test_the_tab_key_reaches_everything(page: Page, app_url: str, slug: str) -> None:
    open_page(page, f"{app_url}/{slug}")
    load_all(page)
    names = page.evaluate(FOCUSABLE)
    # The proof sheet offers one thing until it has run.
    assert len(names) >= (1 if slug == "proof" else 3)
    page.get_by_role("heading", level=1).click()
    reached: set[int] = set()
    for _ in range(3 * len(names) + 40):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(FOCUSED))
        if len(reached) == len(names):
            break
    missed = [name for index, name in enumerate(names) if index not in reached]
    assert missed == []


@PAGES
def test_keys_alone_choose_a_preset_move_a_slider_and_open_every_part(
    entry: catalogue.Page, page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/{entry.slug}")
    load_all(page)
    preset = entry.topic.PRESETS[1]
    page.get_by_role("button", name=preset.name, exact=True).focus()
    page.keyboard.press("Enter")
    wait_for_query(page, preset.parameters.address())
    settled(page)
    own = page.get_by_test_id("stSlider").get_by_role("slider").first
    before = query(page)
    own.focus()
    at_end = own.evaluate("node => node.value === node.max")
    page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
    settled(page)
    page.wait_for_function(
        "before => location.search !== before",
        arg="?" + "&".join(f"{name}={value}" for name, value in before.items()),
    )
    # Break: from the wrong line to the right one.
    wrong = page.get_by_role("radio", name="✗ The line people write")
    wrong.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    settled(page)
    expect(page.get_by_role("radio", name="✓ The line that does it")).to_be_checked()
    # Learn.
    learn = page.locator(f".st-key-{entry.slug}-learn-start button")
    learn.focus()
    page.keyboard.press("Enter")
    settled(page, timeout_ms=60_000)
    expect(learn).to_have_count(0)
    # Predict.
    page.get_by_role("button", name="Predict").focus()
    page.keyboard.press("Enter")
    guess = page.locator(f".st-key-{entry.slug}-guess")
    answer = guess.get_by_role("radio", name=entry.topic.question().answer, exact=True)
    answer.focus()
    page.keyboard.press("Space")
    settled(page)
    page.get_by_role("button", name="Commit, and reveal").focus()
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_test_id("stAlert").filter(has_text="Yes: ")).to_be_visible()
    page.keyboard.press("Escape")
    # Take.
    page.get_by_text("Code, data and link of this view").focus()
    page.get_by_test_id("stExpander").locator("summary").last.focus()
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_role("button", name="Code (.py)")).to_be_visible()
    assert "Something went wrong" not in page.content()
    assert errors == []


# --- motion, words for figures, slides ---


FIGURES = """() => {
  const found = []
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) walk(node.shadowRoot)
      const picture = node.matches('[role="img"], canvas, img')
      if (!picture || !node.getClientRects().length) continue
      if (node.closest('[aria-hidden="true"]')) continue
      if (node.matches('[data-testid="stIconMaterial"], [data-testid="stIconEmoji"]')) continue
      found.push(node.ariaLabel ?? node.alt ?? '')
    }
  }
  walk(document.querySelector('[data-testid="stMain"]'))
  return found
}"""


@PAGES
def test_every_figure_says_what_it_shows_now_and_its_numbers_can_be_opened(
    entry: catalogue.Page, page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/{entry.slug}")
    load_all(page)
    before = page.evaluate(FIGURES)
    assert before
    assert all(len(words) > 15 for words in before), before
    main = page.get_by_test_id("stMain")
    data = main.locator("details:has(> summary:text-is('Data'))")
    assert data.count() + main.locator("table:not(.loupe-table)").count() >= 1
    if data.count():
        data.first.locator("summary").click()
        expect(data.first.locator("tbody tr").first).to_be_visible()
    page.get_by_role("button", name=entry.topic.PRESETS[1].name, exact=True).click()
    wait_for_query(page, entry.topic.PRESETS[1].parameters.address())
    settled(page)
    assert page.evaluate(FIGURES) != before
    if data.count():
        expect(data.first).to_have_attribute("open", "")


@PAGES
def test_controls_can_be_left_out_and_a_slide_has_no_frame(
    entry: catalogue.Page, page: Page, app_url: str
) -> None:
    preset = entry.topic.PRESETS[1]
    address = "&".join(f"{name}={text}" for name, text in preset.parameters.address().items())
    open_page(page, f"{app_url}/{entry.slug}?{address}&embed=true&controls=0")
    expect(page.get_by_text(f"Notice: {preset.notice}")).to_be_visible()
    expect(page.get_by_role("button", name=preset.name, exact=True)).to_have_count(0)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    expect(page.get_by_test_id("stMainMenu")).to_have_count(0)
    assert bottom(page.get_by_test_id("stMain").get_by_role("img").first) < 720
    expected = {**preset.parameters.address(), "embed": "true", "controls": "0"}
    wait_for_query(page, expected)
    # Break's own switches are the lesson; they stay.
    load_all(page)
    expect(page.get_by_role("radio", name="✗ The line people write")).to_be_visible()


def test_a_controls_switch_that_is_not_zero_hides_nothing(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?controls=1")
    expect(slider(page, "degrees")).to_be_visible()
