"""Every page for every reader: phones, zoom, themes, keyboard alone, screen readers, slides.

A page is opened once on a desk, in light, and once on a phone, in dark; each test of a visit goes
on where the one before it has left off, and may run alone as well.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, ViewportSize, expect

from explainers.parameters import Flag, Preset
from tests.browser.harness import (
    console_errors,
    load_all,
    open_page,
    query,
    settled,
    slider,
    wait_for_another_query,
    wait_for_query,
)
from ui import catalogue

PAGES = pytest.mark.parametrize("entry", catalogue.PAGES, ids=lambda entry: entry.slug)
SLUGS = tuple(entry.slug for entry in catalogue.PAGES)
PLACES = (*SLUGS, "", "proof", "scratchpad")
TOPICS = pytest.mark.parametrize("place", SLUGS, indirect=True)
WRONG, RIGHT = "✗ The line people write", "✓ The line that does it"
# What shows a view: a picture, or the tensors of a stage.
FIGURE = '[role="img"], canvas, img, [data-testid="stage-objects"]'

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# A browser zoomed to 200 % lays a page out on half as many CSS pixels, each two dots wide.
ZOOMED: ViewportSize = {"width": 640, "height": 450}
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe that look at colours: what a theme can break."""
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
  // On a phone the sidebar is folded away until it is asked for.
  const sidebar = document.querySelector('[data-testid="stSidebar"]')
  const lists = [...sidebar?.querySelectorAll('*') ?? []].flatMap((node) => node.shadowRoot ?? [])
  const links = [document, ...lists].flatMap((root) => (
    [...root.querySelectorAll('[data-testid="stPageLink"] a, nav a, summary')]
  )).filter((link) => (
    link.checkVisibility() && [link, ...link.querySelectorAll(':not(.icon)')].some(ends)
  ))
  cut.push(...links.map((link) => link.textContent))
  return { scrolls: main.scrollWidth - main.clientWidth, cut: cut.slice(0, 5) }
}"""

# Everything in the page's main part that takes the keyboard, in shadow roots too, seen or to be
# scrolled to; of a group of radio buttons the chosen one. From then on `__reached` holds the places
# in this list of what has had the focus.
FOCUSABLE = """() => {
  const found = []
  window.__reached = new Set()
  const note = () => {
    let node = document.activeElement
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement
    const group = node?.closest?.('[role="radiogroup"], [data-testid="stButtonGroup"]')
    // A group is one stop; the arrow keys lead on to its other buttons.
    found.forEach((other, index) => {
      if (other === node || (group && group.contains(other))) window.__reached.add(index)
    })
  }
  const walk = (root) => {
    // What goes on inside a shadow root is not heard outside.
    root.addEventListener('focusin', note)
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
  const words = (node) => node.ariaLabel ?? node.textContent.trim().slice(0, 40)
  return found.map((node) => `${node.tagName} ${words(node)}`)
}"""
REACHED = "[...window.__reached]"


FIGURES = """() => {
  const found = []
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) walk(node.shadowRoot)
      const picture = node.matches('%s')
      if (!picture || !node.getClientRects().length) continue
      if (node.closest('[aria-hidden="true"]')) continue
      if (node.matches('[data-testid="stIconMaterial"], [data-testid="stIconEmoji"]')) continue
      found.push(node.ariaLabel ?? node.alt ?? '')
    }
  }
  walk(document.querySelector('[data-testid="stMain"]'))
  return found
}""".replace("%s", FIGURE)


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that is open, and what its console has said."""

    place: str
    page: Page
    errors: list[str]

    @property
    def entry(self) -> catalogue.Page:
        """Its entry; home, the scratchpad and the proof sheet have none."""
        return catalogue.page(self.place)

    @property
    def taught(self) -> bool:
        """Whether it is a page of lessons, whose figures and mistakes are stages."""
        return hasattr(self.entry.topic, "LESSONS")

    @property
    def main(self) -> Locator:
        """All but the sidebar."""
        return self.page.get_by_test_id("stMain")

    def choose(self, preset: Preset) -> None:
        """Press a preset's button, and wait for its address."""
        self.page.get_by_role("button", name=preset.name, exact=True).click()
        wait_for_query(self.page, preset.parameters.address())


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place or "home")
def place(request: pytest.FixtureRequest) -> str:
    """Give the address of a page."""
    return str(request.param)


def visit(page: Page, app_url: str, place: str) -> Visit:
    """Open a page to its end."""
    errors = console_errors(page)
    open_page(page, f"{app_url}/{place}")
    load_all(page)
    return Visit(place, page, errors)


@pytest.fixture(scope="module")
def desk(tabs: Callable[..., Page], app_url: str, place: str) -> Visit:
    """Give a page, opened on a desk in light."""
    return visit(tabs("desk"), app_url, place)


@pytest.fixture(scope="module")
def phone(tabs: Callable[..., Page], app_url: str, place: str) -> Visit:
    """Give a page, opened on a phone in dark."""
    options = {"viewport": PHONE, "color_scheme": "dark", "reduced_motion": "reduce"}
    return visit(tabs("phone", device_scale_factor=2, **options), app_url, place)


def is_whole(page: Page) -> None:
    """Nothing is cut off at the right, no link in the sidebar either; nothing scrolls sideways."""
    found = page.evaluate(OVERFLOWING)
    assert found["scrolls"] <= 0
    assert found["cut"] == []


def violations(page: Page, rules: list[str] | None = None) -> list[tuple[str, list[Any]]]:
    """Return what axe finds of level A or AA, or serious; of all rules, or of these."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    # Its half a megabyte of code once for a page.
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        (violation["id"], [node["target"] for node in violation["nodes"]][:3])
        for violation in found
        if violation["impact"] in ("serious", "critical")
        or any(re.fullmatch(r"wcag2\d?aa?", tag) for tag in violation["tags"])
    ]


@contextmanager
def unrolled(page: Page) -> Iterator[None]:
    """Make the window as tall as the page: axe judges no colours that have to be scrolled to."""
    before = page.viewport_size
    assert before is not None
    main = page.get_by_test_id("stMain")
    height = main.evaluate("node => innerHeight + node.scrollHeight - node.clientHeight")
    page.set_viewport_size({"width": before["width"], "height": height})
    settled(page)
    yield
    page.set_viewport_size(before)
    settled(page)


def is_accessible_in_both_themes(page: Page, other: Literal["light", "dark"]) -> None:
    """Axe finds nothing; nor does it in the other theme, to which the page changes for good."""
    paper = "app => getComputedStyle(app).backgroundColor"
    with unrolled(page):
        assert violations(page) == []
        before = page.get_by_test_id("stApp").evaluate(paper)
        page.emulate_media(color_scheme=other)
        settled(page)
        assert page.get_by_test_id("stApp").evaluate(paper) != before
        assert violations(page, COLOURS) == []


def bottom(node: Locator) -> float:
    box = node.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


# --- on a phone ---


def test_on_a_phone_nothing_is_cut_and_axe_finds_nothing(phone: Visit) -> None:
    is_whole(phone.page)
    is_accessible_in_both_themes(phone.page, "light")
    assert phone.errors == []


def test_at_200_percent_nothing_is_cut_and_where_motion_is_unwanted_nothing_moves(
    phone: Visit,
) -> None:
    phone.page.set_viewport_size(ZOOMED)
    load_all(phone.page)
    is_whole(phone.page)
    assert phone.page.evaluate(MOVING) == 0
    assert phone.errors == []


# --- on a desk ---


@TOPICS
def test_one_screenful_shows_title_presets_controls_and_the_main_figure(desk: Visit) -> None:
    entry, page = desk.entry, desk.page
    desk.main.evaluate("main => main.scrollTo(0, 0)")
    assert bottom(page.get_by_role("heading", name=entry.title)) < 135
    last = page.get_by_role("button", name=entry.topic.PRESETS[-1].name, exact=True)
    # A page of lessons offers more of them than one row holds.
    assert bottom(last) < (350 if desk.taught else 250)
    figure = entry.topic.LESSONS[0].figure if desk.taught else None
    if figure is not None and figure.leads:
        # It stands where the stage stands elsewhere: its first picture, or table of numbers.
        shown = desk.main.locator(".st-key-figure").locator(
            '[role="img"], [role="application"], [role="grid"]'
        )
        assert bottom(shown.first) < 900
    elif desk.taught:
        # The line that has just run, and the first tensor.
        assert bottom(desk.main.locator('[aria-current="step"]').first) < 720
        assert bottom(desk.main.get_by_role("grid").first) < 720
    else:
        assert bottom(desk.main.get_by_role("img").first) < 720
        # A control to move stands beside the figure, not below it.
        assert bottom(page.get_by_test_id("stSlider").first) < 720


def test_nothing_is_cut_and_axe_finds_nothing(desk: Visit) -> None:
    is_whole(desk.page)
    is_accessible_in_both_themes(desk.page, "dark")
    assert desk.errors == []


def test_the_tab_key_reaches_everything(desk: Visit) -> None:
    page = desk.page
    names = page.evaluate(FOCUSABLE)
    # The proof sheet offers one thing until it has run.
    assert len(names) >= (1 if desk.place == "proof" else 3)
    page.get_by_role("heading", level=1).click()
    reached: set[int] = set()
    for _ in range(len(names) // 3 + 5):
        for _ in range(10):
            page.keyboard.press("Tab")
        reached = set(page.evaluate(REACHED))
        if len(reached) == len(names):
            break
    missed = [name for index, name in enumerate(names) if index not in reached]
    assert missed == []


@TOPICS
def test_every_figure_says_what_it_shows_now_and_its_numbers_can_be_opened(desk: Visit) -> None:
    entry, page = desk.entry, desk.page
    before = page.evaluate(FIGURES)
    assert before
    assert all(len(words) > 15 for words in before), before
    data = desk.main.locator("details:has(> summary:text-is('Data'))")
    open_ones = desk.main.locator("table:not(.loupe-table), [role=gridcell]")
    assert data.count() + open_ones.count() >= 1
    if data.count():
        data.first.locator("summary").click()
        expect(data.first.locator("tbody tr").first).to_be_visible()
    desk.choose(entry.topic.PRESETS[1])
    assert page.evaluate(FIGURES) != before
    # Another lesson has a figure of its own; what stays open in one, its own test asks.
    if data.count() and not desk.taught:
        expect(data.first).to_have_attribute("open", "")


@TOPICS
def test_a_preset_sets_every_switch_mends_the_address_at_once_and_is_marked(desk: Visit) -> None:
    entry, page = desk.entry, desk.page
    presets = entry.topic.PRESETS
    # A preset of a page of lessons leads to another lesson, with switches of its own.
    specs = {} if desk.taught else presets[0].parameters.specs()
    flags = {spec.label: name for name, spec in specs.items() if isinstance(spec, Flag)}

    def switch(label: str) -> Locator:
        return (
            desk.main.get_by_test_id("stCheckbox").filter(has_text=re.compile(rf"^{label}")).first
        )

    history = page.evaluate("history.length")
    seen: set[tuple[str, object]] = set()
    for preset in (*presets[1:], presets[0]):
        address = preset.parameters.address()
        signs = {("sign", sign) for sign in re.findall(r"%..|\+", urlencode(address))}
        sets = {(label, getattr(preset.parameters, name)) for label, name in flags.items()}
        # That each preset has its settings, its address and its mark, tests/pages asks.
        if preset not in presets[:2] and signs | sets <= seen:
            continue
        seen |= signs
        # Something else in every switch first, so that the preset has it to set, off as well as
        # on. One switch may show or hide another: each is looked for when its turn comes.
        moved = False
        for label, name in flags.items():
            wanted = getattr(preset.parameters, name)
            if switch(label).count() and switch(label).locator("input").is_checked() == wanted:
                switch(label).locator("label").click()
                settled(page)
                moved = True
        pressed = page.get_by_role("button", pressed=True)
        if moved:
            # What the reader has changed is nobody's preset, unless by chance another's.
            expect(pressed.filter(has_text=preset.name)).to_have_count(0)
        desk.choose(preset)
        expect(page.get_by_role("button", name=preset.name, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        marked = set(pressed.all_inner_texts())
        assert marked & {other.name for other in presets} == {preset.name}
        for label, name in flags.items():
            if switch(label).count():
                shown = switch(label).locator("input").is_checked()
                assert shown == getattr(preset.parameters, name), (preset.name, label)
                seen.add((label, shown))
    assert page.evaluate("history.length") == history
    assert desk.errors == []


def keys_move_a_slider_run_the_right_line_and_learn(desk: Visit) -> None:
    page = desk.page
    controls = page.locator(".st-key-see-controls")
    # Where a preset has no slider, a number to type in; those of Break are not the view's.
    own = controls.get_by_role("slider").or_(controls.get_by_role("spinbutton")).first
    before = query(page)
    own.focus()
    expect(own).to_be_focused()
    at_end = own.evaluate("node => node.value === node.max")
    page.keyboard.press("ArrowDown" if at_end else "ArrowUp")
    wait_for_another_query(page, before)
    # Break: from the wrong line to the right one.
    page.get_by_role("radio", name=WRONG).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    settled(page)
    expect(page.get_by_role("radio", name=RIGHT)).to_be_checked()
    # Learn.
    learn = page.locator(f".st-key-{desk.place}-learn-start button")
    learn.focus()
    page.keyboard.press("Enter")
    settled(page)
    expect(learn).to_have_count(0)


def keys_step_a_stage_and_run_the_right_line(desk: Visit) -> None:
    page = desk.page
    first = page.get_by_test_id("stage").first
    first.focus()
    for key, step in [("Home", 1), ("ArrowRight", 2)]:
        page.keyboard.press(key)
        expect(first).to_have_attribute("data-step", str(step - 1))
    page.wait_for_url(f"**/*step={step}")
    right = page.get_by_role("button", name=RIGHT)
    right.focus()
    page.keyboard.press("Enter")
    expect(right).to_have_attribute("aria-pressed", "true")


@TOPICS
def test_keys_alone_choose_a_preset_move_a_slider_and_open_every_part(desk: Visit) -> None:
    entry, page = desk.entry, desk.page
    preset = entry.topic.PRESETS[1]
    page.get_by_role("button", name=preset.name, exact=True).focus()
    page.keyboard.press("Enter")
    wait_for_query(page, preset.parameters.address())
    settled(page)
    if desk.taught:
        keys_step_a_stage_and_run_the_right_line(desk)
        name = preset.parameters.values()["lesson"]
        (lesson,) = (lesson for lesson in entry.topic.LESSONS if lesson.slug == name)
        asked, question = f"{entry.slug}-{name}", lesson.question()
    else:
        keys_move_a_slider_run_the_right_line_and_learn(desk)
        asked, question = entry.slug, entry.topic.question()
    # Predict.
    page.get_by_role("button", name="Predict").focus()
    page.keyboard.press("Enter")
    guess = page.locator(f".st-key-{asked}-guess")
    answer = guess.get_by_role("radio", name=question.answer, exact=True)
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
    assert desk.errors == []


# --- slides ---


@PAGES
def test_controls_can_be_left_out_and_a_slide_has_no_frame(
    entry: catalogue.Page, page: Page, app_url: str
) -> None:
    preset = entry.topic.PRESETS[1]
    address = urlencode(preset.parameters.address())
    open_page(page, f"{app_url}/{entry.slug}?{address}&embed=true&controls=0")
    expect(page.get_by_text(f"Notice: {preset.notice}")).to_be_visible()
    expect(page.get_by_role("button", name=preset.name, exact=True)).to_have_count(0)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    expect(page.get_by_test_id("stMainMenu")).to_have_count(0)
    taught = hasattr(entry.topic, "LESSONS")
    main = page.get_by_test_id("stMain")
    assert bottom(main.get_by_role("grid" if taught else "img").first) < 720
    expected = {**preset.parameters.address(), "embed": "true", "controls": "0"}
    wait_for_query(page, expected)
    # Break's own switches are the lesson; they stay.
    load_all(page)
    expect(page.get_by_role("button" if taught else "radio", name=WRONG)).to_be_visible()


def test_a_controls_switch_that_is_not_zero_hides_nothing(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?controls=1")
    expect(slider(page, "degrees")).to_be_visible()
