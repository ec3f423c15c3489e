"""The scratchpad's component in a browser: a reader writes, runs, is refused, and loses nothing."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from explainers.scratchpad.gallery import STARTS
from tests.browser.apps.pad_app import LATER
from tests.browser.harness import console_errors, open_page, query, settled

APP = "tests/browser/apps/pad_app.py"
PHONE = {"width": 390, "height": 844}
FIRST, SECOND = STARTS[0], STARTS[1]


class Pad:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.get_by_test_id("stage")
        self.box = page.get_by_test_id("pad-box")
        self.code = page.get_by_test_id("stage-code")
        self.refusal = page.get_by_test_id("pad-refusal")
        self.state = page.get_by_test_id("pad-state")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def edit(self) -> "Pad":
        self.button("Edit").click()
        expect(self.box).to_be_focused()
        return self

    def write(self, text: str) -> "Pad":
        """Type a program in the place of what stands in the box."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        return self

    def run(self) -> "Pad":
        self.page.keyboard.press("Control+Enter")
        settled(self.page)
        return self

    def sent(self) -> str:
        said = self.page.get_by_text("sent: ").inner_text()
        return said.removeprefix("sent: ").strip("'").encode().decode("unicode_escape")


@pytest.fixture
def url(serve: Callable[..., str]) -> str:
    return serve(APP)


@pytest.fixture
def pad(page: Page, url: str) -> Iterator[Pad]:
    errors = console_errors(page)
    yield Pad(open_page(page, url))
    assert errors == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_what_is_typed_runs_on_the_stage_and_the_keys_go_on_stepping_it(pad: Pad) -> None:
    expect(pad.code).to_be_visible()
    expect(pad.box).to_be_hidden()
    pad.edit().write(LATER).run()
    assert pad.sent() == LATER
    expect(pad.box).to_be_hidden()
    expect(pad.code).to_contain_text("y = x + 1")
    expect(pad.root).to_be_focused()
    expect(pad.root).to_have_attribute("data-step", "2")
    pad.page.keyboard.press("ArrowLeft")
    expect(pad.root).to_have_attribute("data-step", "1")
    # E opens the program where the reader left it.
    pad.page.keyboard.press("e")
    expect(pad.box).to_be_focused()
    expect(pad.box).to_have_value(LATER)
    assert violations(pad.page) == []


def test_enter_keeps_the_indent_and_backspace_takes_it_and_tab_leads_on(pad: Pad) -> None:
    pad.edit().write("")
    keys = pad.page.keyboard
    keys.type("for i in x:  # each\ny = i\nif y:\nz = y")
    expect(pad.box).to_have_value("for i in x:  # each\n    y = i\n    if y:\n        z = y")
    keys.press("Enter")
    keys.press("Backspace")
    keys.press("Backspace")
    keys.type("w = 1")
    expect(pad.box).to_have_value("for i in x:  # each\n    y = i\n    if y:\n        z = y\nw = 1")
    keys.press("Control+z")
    assert "w = 1" not in pad.box.input_value()
    keys.press("Tab")
    expect(pad.box).not_to_be_focused()


def test_tabs_that_indent_are_blanks_when_it_runs(pad: Pad) -> None:
    pad.edit().write('import torch\nif True:\n\tx = "a\tb"\n').run()
    assert pad.sent() == 'import torch\nif True:\n    x = "a\tb"\n'


def test_a_refusal_stands_at_its_line_and_what_was_typed_stays(pad: Pad) -> None:
    source = "import torch\n\nx = torch.ones(2).numpy()\n"
    pad.edit().write(source).run()
    expect(pad.refusal).to_have_text("Line 3: x.numpy is not available here: x.tolist() is.")
    expect(pad.refusal).to_have_attribute("role", "alert")
    expect(pad.box).to_have_value(source)
    expect(pad.box).to_have_attribute("aria-invalid", "true")
    number = pad.root.locator(".gutter .bad")
    expect(number).to_have_text("3")
    strip, line = (node.bounding_box() for node in (pad.root.locator(".mark"), number))
    assert strip is not None and line is not None
    assert abs(strip["y"] - line["y"]) < 2 and strip["height"] > 10
    # The tensors are those of the run before, and it says so.
    expect(pad.page.get_by_text("The tensors are those of the last run.")).to_be_visible()
    assert violations(pad.page) == []
    pad.page.keyboard.type("#")
    expect(pad.root.locator(".gutter .bad")).to_have_count(0)
    pad.write(LATER).run()
    expect(pad.refusal).to_be_hidden()
    expect(pad.code).to_contain_text("y = x + 1")


def test_another_program_puts_what_was_typed_aside_and_gives_it_back(pad: Pad) -> None:
    mine = "import torch\nmine = torch.ones(3)"
    pad.edit().write(mine)
    pad.button(SECOND.title).click()
    settled(pad.page)
    expect(pad.code).to_contain_text("column = ")
    pad.button("Back to what you typed").click()
    expect(pad.box).to_have_value(mine)
    # The program that the page brought is no loss; what else was typed would be.
    expect(pad.button("Back to what you typed")).to_be_hidden()


def test_what_was_typed_outlives_a_reload_and_a_lost_server_run(pad: Pad) -> None:
    mine = FIRST.program + "# not run yet"
    pad.edit().write(mine)
    pad.page.reload()
    settled(pad.page)
    expect(pad.box).to_have_value(mine)
    expect(pad.box).to_be_visible()
    pad.button("Back to the run").click()
    expect(pad.code).to_be_visible()
    # It is in the box still, and may run from here.
    expect(pad.button("Run")).to_be_visible()
    pad.edit()
    expect(pad.box).to_have_value(mine)


def test_whoever_waits_is_told_and_may_ask_for_another_run(pad: Pad) -> None:
    pad.edit().write("import torch\nwait = 1")
    pad.page.keyboard.press("Control+Enter")
    expect(pad.state).to_have_text("Waiting: 2nd in the queue.")
    expect(pad.box).to_be_visible()
    pad.page.keyboard.type("0")
    expect(pad.box).to_have_value("import torch\nwait = 10")
    pad.write(LATER)
    pad.page.keyboard.press("Control+Enter")
    expect(pad.code).to_contain_text("y = x + 1")
    expect(pad.state).to_have_text("")


def test_what_has_not_run_yet_shows_the_program_and_no_empty_frame(page: Page, url: str) -> None:
    pad = Pad(open_page(page, f"{url}?first=x.numpy()"))
    expect(pad.box).to_have_value("x.numpy()")
    expect(pad.refusal).to_be_visible()
    expect(page.get_by_test_id("stage-objects")).to_be_hidden()
    expect(pad.button("Back to the run")).to_be_hidden()
    pad.box.focus()
    pad.write(LATER).run()
    expect(page.get_by_test_id("stage-objects")).to_be_visible()


def test_a_step_has_an_address_and_another_program_begins_anew(pad: Pad) -> None:
    pad.root.focus()
    pad.page.keyboard.press("Home")
    pad.page.wait_for_url("**/*step=1")
    pad.page.reload()
    settled(pad.page)
    expect(pad.root).to_have_attribute("data-step", "0")
    pad.button(SECOND.title).click()
    settled(pad.page)
    assert "step" not in query(pad.page)
    expect(pad.root).to_have_attribute("data-step", "4")


def test_long_programs_are_counted_and_their_numbers_scroll_with_them(pad: Pad) -> None:
    pad.edit().write("\n".join(f"x{n} = {n}" for n in range(50)))
    assert "of 400 characters." in pad.page.locator("#pad-hint").inner_text()
    last = pad.root.locator(".gutter > div").last.bounding_box()
    pen = pad.root.locator(".pen").bounding_box()
    assert last is not None and pen is not None
    assert pen["y"] < last["y"] < pen["y"] + pen["height"]


def test_where_nothing_may_run_there_is_nothing_to_type_in(pad: Pad) -> None:
    pad.page.get_by_text("locked").click()
    settled(pad.page)
    expect(pad.button("Edit")).to_be_hidden()
    pad.root.focus()
    pad.page.keyboard.press("e")
    expect(pad.box).to_be_hidden()
    pad.page.keyboard.press("Control+Enter")
    settled(pad.page)
    assert pad.sent() == "None"


def test_on_a_phone_nothing_is_cut_and_the_page_is_not_enlarged(
    tab: Callable[..., Page], url: str
) -> None:
    page = open_page(tab(viewport=PHONE, color_scheme="dark"), url)
    pad = Pad(page).edit()
    assert pad.box.evaluate("node => parseFloat(getComputedStyle(node).fontSize)") >= 16
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []
