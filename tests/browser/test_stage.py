"""The stage in a browser: a reader steps, points and switches, and the server hears nothing."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.apps.stage_app import SHOWN
from tests.browser.conftest import DESKTOP
from tests.browser.harness import (
    console_errors,
    open_page,
    processor_time,
    query,
    settled,
    wait_for_query,
    watch_rest,
)

APP = "tests/browser/apps/stage_app.py"
PHONE = {"width": 390, "height": 844}
MOST_MS = 10.0


class Shown:
    """One stage of the app, by its program."""

    def __init__(self, page: Page, program: str = "views") -> None:
        self.page = page
        self.root = page.get_by_test_id("stage").nth(SHOWN.index(program))
        self.say = self.root.get_by_test_id("stage-say")
        self.said = self.root.get_by_test_id("stage-said")
        self.look = self.root.get_by_test_id("stage-look")
        self.range = self.root.get_by_test_id("stage-range")
        self.objects = self.root.get_by_test_id("stage-objects")
        self.turns = self.root.get_by_test_id("stage-turns").get_by_role("slider")
        self.runs = self.root.get_by_test_id("stage-runs")

    def press(self, *keys: str) -> None:
        self.root.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def step(self) -> int:
        """Return the step, counted from 1 as the reader sees it."""
        return int(self.root.get_attribute("data-step") or "-1") + 1

    def at(self, step: int) -> "Shown":
        """Go to a step, counted from 1."""
        self.range.evaluate(
            "(range, at) => { range.value = at; range.dispatchEvent(new Event('input')); }",
            step - 1,
        )
        assert self.step() == step
        return self

    def line(self, number: int) -> Locator:
        return self.root.get_by_test_id("stage-code").locator(f"[data-line='{number}']")

    def grid(self, name: str) -> Locator:
        return self.objects.get_by_role("grid", name=re.compile(f"^{re.escape(name)}, "))

    def cells(self, name: str) -> list[str]:
        return self.grid(name).get_by_role("gridcell").all_text_contents()

    def things(self) -> list[str]:
        """Return what is shown of modules and optimizers."""
        shown = self.root.get_by_test_id("stage-things").locator(".thing.now")
        return [" ".join(text.split()) for text in shown.all_inner_texts()]

    def marked(self) -> list[str]:
        """Return the cells that are marked as one cell of storage, by the grid they stand in."""
        found: list[str] = self.objects.evaluate(
            """node => [...node.querySelectorAll(".same")].map(
                cell => cell.closest("[role=grid]").ariaLabel.split(",")[0]
                    + " " + cell.textContent)"""
        )
        return sorted(found)


@pytest.fixture(scope="module")
def kept(browser: Browser, serve: Callable[..., str]) -> Iterator[Page]:
    """Give a page that tests share."""
    with watch_rest(browser.new_context(viewport=DESKTOP)) as context:
        page = context.new_page()
        errors = console_errors(page)
        yield open_page(page, serve(APP))
        expect(page.get_by_text("run 1", exact=True)).to_have_count(1)
        assert errors == []


def test_it_opens_on_the_step_that_it_is_told(kept: Page) -> None:
    assert Shown(kept).step() == 6
    expect(Shown(kept).line(7)).to_have_attribute("aria-current", "step")
    assert Shown(kept, "break").step() == 5


def test_keys_step_and_the_address_follows(kept: Page) -> None:
    views = Shown(kept)
    for key, step in [
        ("Home", 1),
        ("ArrowLeft", 1),
        ("ArrowRight", 2),
        ("ArrowDown", 3),
        ("ArrowUp", 2),
        ("End", 9),
        ("ArrowRight", 9),
    ]:
        views.press(key)
        assert views.step() == step
    for key, step in [("Home", 1), ("ArrowRight", 2)]:
        views.press(key)
        kept.wait_for_url(f"**/*step={step}")


def test_space_plays_to_the_end_and_stops_there(kept: Page) -> None:
    views = Shown(kept).at(8)
    views.press(" ")
    expect(views.root).to_have_attribute("data-playing", "true")
    expect(views.root).to_have_attribute("data-step", "8")
    expect(views.root).to_have_attribute("data-playing", "false")


def test_a_slider_a_line_and_a_button_lead_to_a_step(kept: Page) -> None:
    views = Shown(kept).at(3)
    views.line(8).click()
    assert views.step() == 7
    views.line(2).click()
    assert views.step() == 7, "an empty line is no step"
    views.root.get_by_role("button", name="Line before").click()
    assert views.step() == 6
    views.range.focus()
    kept.keyboard.press("ArrowRight")
    assert views.step() == 7
    expect(views.range).to_have_attribute("aria-valuetext", "Step 7 of 9, line 8")


def test_cells_show_what_torch_holds_and_a_write_is_seen_by_every_view(kept: Page) -> None:
    views = Shown(kept).at(6)
    assert views.cells("c") == ["0", "4", "8", "1", "5", "9", "2", "6", "10", "3", "7", "11"]
    expect(views.said.get_by_test_id("stage-remark")).to_have_text("")
    views.at(7)
    expect(views.said.get_by_test_id("stage-remark")).to_contain_text("Whoever looks at the cell")
    assert views.cells("b")[1] == views.cells("c")[3] == "99"
    assert views.cells("d")[3] == "1"
    assert views.objects.locator(".wrote:visible").all_text_contents() == ["99"] * 3
    expect(views.say).to_have_text("1 cell of storage A changed: a, also seen as b and c.")
    expect(views.said).to_have_attribute("aria-live", "polite")
    expect(views.objects).to_have_attribute(
        "aria-label", re.compile(r"^After line 8: a \(12,\), b")
    )


def test_the_mouse_finds_a_cell_in_every_tensor_that_sees_it(kept: Page) -> None:
    views = Shown(kept).at(7)
    views.grid("c").get_by_role("gridcell").nth(1).hover()
    assert views.marked() == ["a 4", "b 4", "c 4", "e 4"]
    expect(views.look).to_contain_text("c[0, 1] = 4")
    expect(views.look).to_contain_text("cell 4 of storage A: 4 = 0 + 0·1 + 1·4")
    expect(views.look).to_contain_text("also a[4], b[1, 0], e[1, 0]")
    views.line(1).hover()
    assert views.marked() == []


def test_a_cell_says_which_cells_made_it_and_they_light_up(kept: Page) -> None:
    views = Shown(kept).at(9)
    views.grid("f").get_by_role("gridcell").nth(1).hover()
    expect(views.look).to_contain_text("made by line 9 of c[0, 1]")
    assert views.objects.locator(".origin").all_text_contents() == ["4"]
    steps = Shown(kept, "accumulation").at(10)
    steps.grid("w").get_by_role("gridcell").first.hover()
    expect(steps.look).to_contain_text(
        "made by line 11 of w[0], w.grad[0] · −0.1 (after · the derivative)"
    )


def test_the_keyboard_walks_from_cell_to_cell_and_leaves_again(kept: Page) -> None:
    views = Shown(kept).at(7)
    views.grid("c").get_by_role("gridcell").first.focus()
    kept.keyboard.press("ArrowDown")
    kept.keyboard.press("ArrowRight")
    expect(views.look).to_contain_text("c[1, 1] = 5")
    assert views.step() == 7
    assert views.marked() == ["a 5", "b 5", "c 5"]
    kept.keyboard.press("Escape")
    assert views.marked() == []
    kept.keyboard.press("ArrowRight")
    assert views.step() == 8


def test_a_loop_has_a_slider_of_its_own_that_keeps_the_line(kept: Page) -> None:
    loop = Shown(kept, "loop").at(6)
    expect(loop.turns).to_have_attribute("aria-valuetext", "Turn 1 of 20")
    loop.turns.evaluate("turn => { turn.value = 20; turn.oninput(); }")
    expect(loop.turns).to_have_attribute("aria-valuetext", "Turn 20 of 20")
    expect(loop.line(8)).to_have_attribute("aria-current", "step")
    assert loop.step() == 82
    loop.press("Home")
    expect(loop.turns).to_be_hidden()


def test_two_runs_stand_in_one_stage_and_a_link_leads_to_where_they_part(kept: Page) -> None:
    both = Shown(kept, "break").at(2)
    wrong, right = both.runs.get_by_role("button", name="The line").all()
    both.runs.get_by_role("button", name="line 6").click()
    assert both.step() == 5
    expect(both.line(6)).to_have_class(re.compile("differs"))
    expect(both.line(6)).to_contain_text("RuntimeError: view size is not compatible")
    right.click()
    expect(right).to_have_attribute("aria-pressed", "true")
    expect(both.line(6)).to_contain_text("d = c.reshape(6)")
    expect(both.say).to_have_text("d has a new storage, B: 6 cells.")
    both.press("End")
    assert both.cells("d")[0] == "99" and both.cells("c")[0] == "0"
    wrong.click()
    assert both.step() == 5
    assert "step" in query(kept), "only one stage tells the address"


@pytest.mark.parametrize(
    "program", ["views", "loop", "break", "large", "accumulation", "module", "tied", "inside"]
)
def test_nothing_moves_from_step_to_step(kept: Page, program: str) -> None:
    moved: Any = Shown(kept, program).root.evaluate(
        """root => {
            const parts = () => [...root.querySelectorAll(
                ".code li, .bar, .turns, .look, .frame, .card, .graph, .thing, .chip")];
            const range = root.querySelector(".range");
            const origin = () => root.getBoundingClientRect();
            let before = null, found = [];
            for (let step = 0; step <= Number(range.max); step++) {
                range.value = step;
                range.dispatchEvent(new Event("input"));
                const now = parts().map(node => {
                    const box = node.getBoundingClientRect();
                    return `${box.x - origin().x} ${box.y - origin().y}`;
                });
                const names = parts().map(node => node.className);
                if (before) now.forEach((at, i) => at !== before[i] &&
                    found.push(`${step}: ${names[i]} from ${before[i]} to ${at}`));
                before = now;
            }
            return found;
        }"""
    )
    assert moved == []


def test_a_module_of_two_names_has_one_box_and_what_is_not_registered_is_marked(kept: Page) -> None:
    tied = Shown(kept, "tied")
    (box,) = tied.at(4).things()
    assert box.startswith("a, b: Linear training 2 parameters, 6 cells")
    (box,) = tied.at(5).things()
    assert box.startswith("net: Sequential training 2 parameters, 6 cells")
    assert "0 Linear also a, b" in box and "2 Linear: the same module as net.0" in box
    box, groups = tied.at(16).things()
    assert "out Linear eval weight (2, 2) has .grad also a.weight bias (2,) frozen" in box
    assert "scratch (2,) buffer, not in state_dict" in box
    assert "scale a plain tensor (2,): not registered" in box
    assert "heads a plain list: not registered" in box
    assert groups.startswith("opt: SGD momentum 0.9")
    assert "group 0 lr 0.1 a.weight (2, 2): keeps momentum_buffer" in groups
    assert "group 1 lr 1.0 net.out.bias (2,)" in groups
    expect(tied.objects.locator(".also:visible > :last-child")).to_have_text("also net.out.weight")


def test_what_a_function_has_for_itself_is_there_while_it_runs_and_gone_with_it(kept: Page) -> None:
    stage = Shown(kept, "inside").at(1)
    local = stage.objects.locator(".card.now .name > :last-child").get_by_text("hidden")
    expect(local).to_have_count(0)
    expect(stage.at(12).line(12)).to_have_attribute("aria-current", "step")
    expect(local).to_have_count(1)
    stage.press("End")
    expect(local).to_have_count(0)


STEPS = 40
WALK = """(root, steps) => {
    const range = root.querySelector(".range");
    for (let i = 0; i < steps; i++) {
        range.value = i % (Number(range.max) + 1);
        range.dispatchEvent(new Event("input"));
        root.getBoundingClientRect(); // its layout, too
    }
}"""


@pytest.mark.parametrize("program", ["large", "loop", "module"])
def test_a_step_takes_a_few_milliseconds(kept: Page, program: str) -> None:
    with processor_time(kept) as worked:
        before = worked()
        Shown(kept, program).root.evaluate(WALK, STEPS)
        assert (worked() - before) / STEPS < MOST_MS


def test_a_tensor_too_large_for_cells_is_drawn_by_its_shades(kept: Page) -> None:
    large = Shown(kept, "large").at(6)
    dots = large.objects.get_by_role("img", name="3,072 cells by size")
    expect(dots).to_be_visible()
    blue, orange = dots.evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, 48, 64);
            let found = [0, 0];
            for (let at = 0; at < data.length; at += 4)
                found[data[at] > data[at + 2] ? 1 : 0] += data[at + 3] > 0;
            return found;
        }"""
    )
    # What is next to nothing has no colour.
    assert 2900 < blue + orange < 3072 and 1400 < blue < 1700


LISTEN = """root => {
    const heard = window.heard = [];
    for (const region of root.querySelectorAll("[aria-live]")) {
        new MutationObserver(() => region.ariaLive === "polite" && heard.push(
            region.dataset.testid)).observe(region, { childList: true, subtree: true });
    }
}"""


def test_a_step_is_announced_once_and_playing_announces_none(kept: Page) -> None:
    views = Shown(kept).at(6)
    views.root.evaluate(LISTEN)
    views.press("ArrowRight")
    expect(views.say).to_contain_text("1 cell of storage A changed")
    assert kept.evaluate("heard.splice(0)") == ["stage-said"]
    views.at(8)
    assert kept.evaluate("heard.splice(0)") == ["stage-said"]
    views.press(" ")
    expect(views.root).to_have_attribute("data-step", "8")
    expect(views.root).to_have_attribute("data-playing", "false")
    assert kept.evaluate("heard") == []


def test_who_listens_finds_the_program_its_line_the_buttons_and_each_tensor(kept: Page) -> None:
    views = Shown(kept).at(7)
    heard = views.root.aria_snapshot()
    assert 'list "The program"' in heard
    for button in ("Line before", "Play", "Next line"):
        assert f'button "{button}"' in heard
    assert 'slider "Step": "6"' in heard
    assert 'grid "b, shape (3, 4)"' in heard
    assert heard.count('row "dim 0: 0 0 99 2 3"') == 1, "rows are rows, and their cells are cells"
    assert heard.count('group "After line 8: a (12,), b (3, 4)') == 1
    (line,) = views.root.locator("[aria-current=step]").all()
    expect(line).to_contain_text("b[0, 1] = 99.")
    graph = Shown(kept, "accumulation").at(9).objects.get_by_role("img")
    expect(graph).to_have_attribute(
        "aria-label",
        "Gradients go from loss: Div, freed to Mean; Mean to Pow; Pow, freed to Sub; Sub to Mv; "
        "Mv, freed to w",
    )


def heard_in(tree: list[dict[str, Any]], role: str, name: str) -> list[list[str]]:
    """Return, by row, what Chromium tells a screen reader of a grid or table: role and text."""
    nodes = {node["nodeId"]: node for node in tree}

    def told(node: dict[str, Any]) -> tuple[str, str]:
        return node["role"]["value"], node.get("name", {}).get("value", "")

    def shown(node: dict[str, Any]) -> list[dict[str, Any]]:
        inner = [nodes[at] for at in node["childIds"] if at in nodes]
        return [each for one in inner for each in (shown(one) if one["ignored"] else [one])]

    (found,) = (node for node in tree if not node["ignored"] and told(node) == (role, name))
    return [[" ".join(told(cell)) for cell in shown(row)] for row in shown(found)]


def test_who_listens_hears_with_each_cell_its_index_in_both_dimensions(kept: Page) -> None:
    Shown(kept).at(7)
    Shown(kept, "large").at(6)
    tree = kept.context.new_cdp_session(kept).send("Accessibility.getFullAXTree")["nodes"]
    assert heard_in(tree, "grid", "e, shape (3, 2)") == [
        ["columnheader dim 1: 0", "columnheader dim 1: 1"],
        ["rowheader dim 0: 0", "gridcell 0", "gridcell 2"],
        ["rowheader dim 0: 1", "gridcell 4", "gridcell 6"],
        ["rowheader dim 0: 2", "gridcell 8", "gridcell 10"],
    ]
    heads, cells = heard_in(tree, "grid", "a, shape (12,)")
    assert heads == [f"columnheader cell {at}" for at in range(12)], "as it lies in memory"
    assert cells[:2] == ["gridcell 0", "gridcell 99"]
    heads, first, _, last = heard_in(tree, "table", "Corners")
    assert heads == ["columnheader dim 1: 0", "columnheader ⋯", "columnheader dim 1: 47"]
    assert (first[0], last[0]) == ("rowheader dim 0: 0", "rowheader dim 0: 63")


FOCUSED = """() => {
    let active = document.activeElement;
    while (active?.shadowRoot) active = active.shadowRoot.activeElement;
    return active?.closest(".grid")?.ariaLabel ?? active?.ariaLabel ?? active?.textContent;
}"""


def test_tab_leads_from_the_stage_to_its_buttons_and_then_from_tensor_to_tensor(kept: Page) -> None:
    views = Shown(kept).at(7)
    views.root.focus()
    found = []
    for _ in range(8):
        kept.keyboard.press("Tab")
        found.append(kept.evaluate(FOCUSED))
    assert found[:4] == ["Line before", "Play", "Next line", "Step"]
    assert [label.split(", shape")[0] for label in found[4:]] == ["a", "b", "c", "e"]
    for _ in found:
        kept.keyboard.press("Shift+Tab")
    assert kept.evaluate(FOCUSED) == "Program views", "and back"


def test_who_prefers_less_motion_sees_no_flash_and_has_longer_to_read(kept: Page) -> None:
    flash = """root => {
        root.classList.add("rolling");
        const found = getComputedStyle(root.querySelector(".wrote")).animationName;
        root.classList.remove("rolling");
        return found;
    }"""
    views = Shown(kept).at(7)
    assert views.root.evaluate(flash) == "written"
    kept.emulate_media(reduced_motion="reduce")
    try:
        assert views.root.evaluate(flash) == "none"
        views.at(7)
        kept.evaluate("window.begun = performance.now()")
        views.press(" ")
        expect(views.root).to_have_attribute("data-step", "7")
        assert kept.evaluate("performance.now() - begun") > 1900
        views.press(" ")
    finally:
        kept.emulate_media(reduced_motion="no-preference")


def axe_findings(page: Page) -> list[str]:
    found = Axe().run(page, context="[data-testid='stMain']").response["violations"]
    return [f"{v['id']}: {n['html'][:120]}" for v in found for n in v["nodes"]]


def test_axe_finds_nothing_in_the_light(kept: Page) -> None:
    assert axe_findings(kept) == []


def test_a_phone_in_the_dark(
    new_context: Callable[..., BrowserContext], serve: Callable[..., str]
) -> None:
    context = new_context(viewport=PHONE, color_scheme="dark", has_touch=True)
    page = open_page(context.new_page(), f"{serve(APP)}?step=7&kept=1")
    views = Shown(page)
    assert views.step() == 7
    assert axe_findings(page) == []
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(wide) <= 0
    heat = Shown(page, "large").objects.locator(".heat").first.bounding_box()
    assert heat is not None and heat["width"] < PHONE["width"], (
        "shades alone, where numbers do not fit"
    )
    # The steps stay in sight while the objects pass.
    views.grid("e").scroll_into_view_if_needed()
    expect(views.root.get_by_role("button", name="Next line")).to_be_in_viewport()
    views.grid("e").get_by_role("gridcell").first.tap()
    assert views.marked() == ["a 0", "b 0", "c 0", "e 0"]
    views.root.get_by_role("button", name="Next line").tap()
    assert views.step() == 8
    wait_for_query(page, {"step": "8", "kept": "1"})
    drawing = Shown(page, "inside").at(16).objects.locator(".drawing:not(.absent)").first
    drawing.evaluate("node => node.scrollLeft = 0")
    # 200 % of 1280 x 900, and as small as a page must bear.
    for width, height in ((640, 450), (320, 640)):
        page.set_viewport_size({"width": width, "height": height})
        settled(page)
        assert page.evaluate(wide) <= 0
    assert drawing.evaluate("node => node.scrollLeft") > 0, "a wide graph shows its end"
    page.get_by_role("button", name="Again").click()
    expect(page.get_by_text("run 2", exact=True)).to_have_count(1)
    assert views.step() == 8, "new data leave the reader where he is"
    views.at(3)
    page.get_by_text("Another program").click()
    wait_for_query(page, {"kept": "1"})
    assert views.step() == 8, "another program opens where it is told to"
    expect(views.line(8)).to_contain_text("n[0] = 99")
