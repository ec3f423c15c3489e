"""The signal in a browser: it draws and writes torch's numbers, and sends back what one drags."""

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    BrowserContext,
    Page,
    ViewportSize,
    WebSocketRoute,
    expect,
)

from tests.browser.apps.signal_app import SAMPLES, Mode, case, crowd, plain, resize, wide
from tests.browser.harness import choose_option, console_errors, settled, texts_cut

APP = "tests/browser/apps/signal_app.py"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# The drawing's own pixels: see assets/signal.js.
VALUES, OUT_ROW = 30, 228


class Signal:
    """One signal of the app, by its place on the page."""

    def __init__(self, page: Page, place: int = 0) -> None:
        self.page = page
        self.mode = "bicubic"
        self.root = page.get_by_test_id("signal").nth(place)
        self.stage = self.root.get_by_test_id("signal-stage")
        self.drawing = self.root.get_by_test_id("signal-drawing")
        self.sum = self.root.get_by_test_id("signal-sum")
        self.live = self.root.get_by_test_id("signal-live")
        self.handles = self.root.get_by_test_id("signal-handle")

    def text(self) -> str:
        return self.sum.text_content() or ""

    def index(self) -> int:
        return int(self.root.get_attribute("data-index") or -1)

    def point(self, x: float, y: float, n: int = 6) -> tuple[float, float]:
        """Return where input pixel x and the drawing's y are on the page."""
        self.drawing.scroll_into_view_if_needed()
        box = self.drawing.bounding_box()
        assert box is not None
        left, right = box["x"] + 40, box["x"] + box["width"] - 8
        return left + (x + 0.5) / n * (right - left), box["y"] + y

    def dots(self) -> list[tuple[float, float]]:
        """Return where the outputs' dots are, in the drawing."""
        path = self.drawing.locator(".dots:not(.halo)").get_attribute("d") or ""
        points = [point.split("h")[0].split() for point in path.split("M")[1:]]
        return [(float(x), float(y)) for x, y in points]

    def middle(self, j: int) -> tuple[float, float]:
        """Return the middle of a handle on the page."""
        box = self.handles.nth(j).locator("rect").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def value(self, j: int) -> float:
        return float(self.handles.nth(j).get_attribute("aria-valuenow") or "nan")

    def drag(self, j: int, up: float) -> None:
        """Take hold of a sample and move it up by CSS pixels; do not let go."""
        x, y = self.middle(j)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x, y - up, steps=3)


def received(page: Page) -> tuple[int, list[float]]:
    """Return how often Python was told, and the samples it has."""
    calls, samples = (page.get_by_text(" calls: ").text_content() or "").split(" calls: ")
    return int(calls), json.loads(samples)


def open_app(page: Page, serve: Callable[..., str]) -> Signal:
    page.goto(serve(APP))
    settled(page)
    return Signal(page)


@pytest.fixture
def drawn(page: Page, serve: Callable[..., str]) -> Signal:
    """Give the first signal of a page of its own."""
    return open_app(page, serve)


@pytest.fixture(scope="module")
def kept(tabs: Callable[..., Page], serve: Callable[..., str]) -> Signal:
    """Give the first signal of a page that tests share; `opened` makes it as good as new."""
    return open_app(tabs("kept"), serve)


@pytest.fixture
def opened(kept: Signal) -> Signal:
    """Give the first signal, bicubic, with nothing pinned; change nothing else of its page."""
    choose_mode(kept, "bicubic")
    kept.stage.focus()
    kept.page.keyboard.press("Escape")
    return kept


def choose_mode(signal: Signal, mode: str) -> None:
    if mode == signal.mode:
        return
    choose_option(signal.page, mode)
    signal.mode = mode


def number(value: float, digits: str = "0.001") -> str:
    """Round as JavaScript's toFixed does: half away from zero."""
    text = str(Decimal(abs(value)).quantize(Decimal(digits), ROUND_HALF_UP))
    return ("−" if value < 0 and float(text) else "") + text


def brief(value: float) -> str:
    return number(value).rstrip("0").rstrip(".")


def written(known: dict[str, Any], i: int) -> str:
    """Write an output as the signal should, from torch's numbers."""
    samples, weights = known["samples"].double(), known["weights"].double()
    at = float(known["positions"].float()[i])
    text = f"out[{i}] reads at {brief(at)}"
    text += ": " if 0 <= at <= len(samples) - 1 else ", outside: the edge sample is used. "
    used = [j for j in range(len(samples)) if abs(weights[i, j]) > 1e-6]
    shown = sorted(sorted(used, key=lambda j: -abs(weights[i, j]))[:6])
    for place, j in enumerate(shown):
        weight = float(weights[i, j])
        sign = ("−" if weight < 0 else "") if place == 0 else ("− " if weight < 0 else "+ ")
        text += f"{sign}{brief(abs(weight))}·in[{j}] "
    rest = [j for j in used if j not in shown]
    if rest:
        text += f"+ {len(rest)} more ({brief(float(weights[i, rest] @ samples[rest]))}) "
    return f"{text}= {brief(float(weights[i] @ samples))}"


# ---- What it draws and writes.


@pytest.mark.parametrize("mode", ["bicubic", "linear", "nearest", "area"])
def test_every_output_is_written_as_torchs_own_sum(opened: Signal, mode: Mode) -> None:
    choose_mode(opened, mode)
    known = case(mode)
    # What the weights make of the samples is what F.interpolate makes of them.
    made = resize(mode)(known["samples"], 15)
    torch.testing.assert_close(known["weights"] @ known["samples"], made, rtol=0, atol=1e-6)

    opened.stage.focus()
    opened.page.keyboard.press("Home")
    for i in range(15):
        assert opened.text() == written(known, i)
        assert opened.text().endswith(f"= {brief(float(made[i]))}")
        opened.page.keyboard.press("ArrowRight")


def test_more_than_six_sources_are_summed_up(opened: Signal) -> None:
    signal = Signal(opened.page, 2)

    assert signal.text() == written(wide(), signal.index())
    assert "+ 2 more (" in signal.text()


def test_an_output_that_reads_outside_says_what_is_used(opened: Signal) -> None:
    choose_mode(opened, "linear")
    opened.stage.focus()
    opened.page.keyboard.press("Home")

    assert opened.text() == (
        "out[0] reads at −0.3, outside: the edge sample is used. 1·in[0] = 0.2"
    )


def test_dots_lie_where_outputs_read_and_as_high_as_their_values(opened: Signal) -> None:
    known = case()
    outputs = (known["weights"] @ known["samples"]).tolist()
    dots = opened.dots()
    assert len(dots) == 15

    width = opened.drawing.evaluate("svg => svg.clientWidth")
    for (x, _), at in zip(dots, known["positions"].tolist(), strict=True):
        assert x == pytest.approx(40 + (at + 0.5) / 6 * (width - 48), abs=0.06)
    # Heights are one linear map of the values, the largest on top.
    heights = [y for _, y in dots]
    low, high = outputs.index(min(outputs)), outputs.index(max(outputs))
    scale = (heights[low] - heights[high]) / (outputs[high] - outputs[low])
    assert scale > 50
    for y, value in zip(heights, outputs, strict=True):
        assert y == pytest.approx(heights[low] - scale * (value - outputs[low]), abs=0.11)


def test_the_samples_range_is_drawn_only_where_outputs_leave_it(opened: Signal) -> None:
    words = opened.drawing.get_by_text("largest sample")
    expect(words).to_have_count(1)
    outputs = case()["weights"] @ case()["samples"]
    assert outputs.min() < min(SAMPLES) or outputs.max() > max(SAMPLES)

    choose_mode(opened, "linear")
    expect(words).to_have_count(0)


def test_the_kernel_is_drawn_where_the_mode_has_one(opened: Signal) -> None:
    kernel = opened.drawing.locator(".kernel")
    assert (kernel.get_attribute("d") or "").count("L") > 50
    choose_mode(opened, "nearest")
    assert kernel.get_attribute("d") == ""


def test_each_weight_stands_above_its_sample_those_below_zero_below_the_line(
    opened: Signal,
) -> None:
    opened.page.mouse.move(*opened.point(case()["positions"][8].item(), VALUES))
    weights = [weight for weight in case()["weights"][8].tolist() if abs(weight) > 1e-6]
    assert min(weights) < 0 < max(weights)

    labels = opened.drawing.locator(".chosen .weight").all()
    found = [(label.text_content(), float(label.get_attribute("y") or "nan")) for label in labels]
    assert sorted(text or "" for text, _ in found) == sorted(map(brief, weights))
    above = [y for text, y in found if text and text[0] != "−"]
    below = [y for text, y in found if text and text[0] == "−"]
    line = opened.drawing.locator(".axis").first.get_attribute("d") or ""
    nought = float(line.split("H")[0].split()[1])
    assert max(above) < nought < min(below)


def test_many_outputs_have_one_arrow_few_have_one_each(opened: Signal) -> None:
    assert (opened.drawing.locator(".arrows").get_attribute("d") or "").count("M") == 15
    crowded = Signal(opened.page, 3)
    expect(crowded.drawing.locator(".arrows")).to_have_count(0)
    expect(crowded.drawing.locator(".arrow")).to_have_count(1)
    assert crowded.text() == written(crowd(), crowded.index())


# ---- How it is steered.


def test_at_first_an_output_near_the_middle_with_most_sources_is_shown(drawn: Signal) -> None:
    expect(drawn.root).to_have_attribute("data-preview", "true")
    assert (case()["weights"][drawn.index()].abs() > 1e-6).sum() == 4
    assert abs(drawn.index() - 7) <= 2


def test_hovering_shows_the_output_that_reads_nearest_and_a_click_pins_it(opened: Signal) -> None:
    positions = case()["positions"].tolist()
    for i in (0, 3, 11, 14):
        opened.page.mouse.move(*opened.point(positions[i] + 0.1, VALUES))
        assert opened.index() == i
    opened.page.mouse.click(*opened.point(positions[11], VALUES))
    expect(opened.root).to_have_attribute("data-pinned", "true")

    opened.page.mouse.move(*opened.point(positions[2], VALUES))
    assert opened.index() == 11
    opened.stage.focus()
    opened.page.keyboard.press("ArrowLeft")
    assert opened.index() == 10
    opened.page.keyboard.press("Escape")
    expect(opened.root).to_have_attribute("data-pinned", "false")
    opened.page.mouse.move(*opened.point(positions[3], VALUES))
    assert opened.index() == 3


def test_an_output_pixel_is_found_by_its_square_even_where_it_reads_elsewhere(
    page: Page, drawn: Signal
) -> None:
    page.get_by_text("align_corners", exact=True).click()
    settled(page)
    known = case(align_corners=True)
    for i in (0, 2, 7, 14):
        page.mouse.move(*drawn.point(float(known["centres"][i]), OUT_ROW))
        assert drawn.index() == i
        page.mouse.move(*drawn.point(float(known["positions"][i]), VALUES))
        assert drawn.index() == i


def test_arrow_keys_stop_at_the_ends_and_enter_pins(opened: Signal) -> None:
    opened.stage.focus()
    for key, index in [("End", 14), ("ArrowRight", 14), ("ArrowLeft", 13), ("Home", 0)]:
        opened.page.keyboard.press(key)
        assert opened.index() == index
    opened.page.keyboard.press("ArrowLeft")
    assert opened.index() == 0
    opened.page.keyboard.press("Enter")
    expect(opened.root).to_have_attribute("data-pinned", "true")
    expect(opened.live).to_have_text(
        "out 0 reads at minus 0.3, outside: the edge sample is used. "
        "1.11 times in 0 minus  0.11 times in 1 = 0.134, pinned"
    )


# ---- Samples to drag.


def test_while_a_sample_is_dragged_the_outputs_follow_and_python_is_told_on_release(
    page: Page, drawn: Signal
) -> None:
    before = drawn.dots()
    ticks = drawn.drawing.locator(".numbers").inner_html()
    drawn.drag(2, 40)
    value = drawn.value(2)
    assert value > 0.6
    moved = [i for i, (old, new) in enumerate(zip(before, drawn.dots(), strict=True)) if old != new]
    weights = case()["weights"]
    assert moved == [i for i in range(15) if abs(float(weights[i, 2])) > 1e-3]
    changed = [*SAMPLES[:2], value, *SAMPLES[3:]]
    assert drawn.text() == written(case(samples=tuple(changed)), drawn.index())
    assert received(page) == (0, list(SAMPLES))
    # The axis stays.
    assert drawn.drawing.locator(".numbers").inner_html() == ticks

    page.mouse.up()
    settled(page)
    assert received(page) == (1, changed)
    assert drawn.value(2) == value
    assert drawn.drawing.locator(".numbers").inner_html() == ticks


def test_a_dragged_sample_stops_at_its_bounds(page: Page, drawn: Signal) -> None:
    drawn.drag(0, 300)
    assert drawn.value(0) == 1.0
    page.mouse.up()
    drawn.drag(1, -300)
    assert drawn.value(1) == 0.0
    page.mouse.up()
    settled(page)

    assert received(page)[1] == [1.0, 0.0, *SAMPLES[2:]]


def test_escape_takes_a_drag_back(opened: Signal) -> None:
    opened.drag(2, 40)
    opened.page.keyboard.press("Escape")
    assert opened.value(2) == SAMPLES[2]
    opened.page.mouse.up()
    settled(opened.page)

    assert received(opened.page) == (0, list(SAMPLES))


def test_keys_move_the_sample_in_focus(page: Page, drawn: Signal) -> None:
    handle = drawn.root.get_by_role("slider", name="sample 2", exact=True)
    handle.focus()
    for key, value in [
        ("ArrowUp", 0.4),
        ("PageUp", 0.65),
        ("PageUp", 0.9),
        ("PageUp", 1.0),
        ("ArrowDown", 0.95),
        ("PageDown", 0.7),
        ("End", 1.0),
        ("Home", 0.0),
        ("ArrowDown", 0.0),
        ("ArrowUp", 0.05),
    ]:
        page.keyboard.press(key)
        assert drawn.value(2) == pytest.approx(value), key
    settled(page)

    assert received(page)[1] == [*SAMPLES[:2], 0.05, *SAMPLES[3:]]
    # Data has come back; the focus is still where it was.
    assert handle.evaluate("handle => handle.getRootNode().activeElement === handle")
    assert (handle.get_attribute("aria-valuemin"), handle.get_attribute("aria-valuemax")) == (
        "0",
        "1",
    )


def test_a_held_key_tells_python_once(page: Page, drawn: Signal) -> None:
    drawn.handles.nth(4).focus()
    for _ in range(5):
        page.keyboard.down("ArrowUp")
    page.keyboard.up("ArrowUp")
    settled(page)

    assert received(page) == (1, [*SAMPLES[:4], 0.37, SAMPLES[5]])


def test_the_answer_to_an_earlier_edit_does_not_undo_a_later_one(
    new_context: Callable[..., BrowserContext], serve: Callable[..., str]
) -> None:
    page = new_context().new_page()
    answers: list[str | bytes] = []
    edits: list[str | bytes] = []
    late, ends = [False], {}

    def gate(socket: WebSocketRoute) -> None:
        """Hold back every answer while it is to be late, and every edit but the first."""
        ends["page"], ends["python"] = socket, socket.connect_to_server()

        def to_python(message: str | bytes) -> None:
            if isinstance(message, bytes) and b"edited" in message:
                edits.append(message)
                if len(edits) > 1:
                    return
            ends["python"].send(message)

        def to_page(message: str | bytes) -> None:
            if late[0]:
                answers.append(message)
            else:
                ends["page"].send(message)

        socket.on_message(to_python)
        ends["python"].on_message(to_page)

    page.route_web_socket("**/_stcore/stream", gate)
    drawn = open_app(page, serve)
    drawn.handles.nth(0).focus()
    late[0] = True
    for press in (1, 2):
        page.keyboard.press("ArrowUp")
        while len(edits) < press:
            page.wait_for_timeout(20)
    assert drawn.value(0) == 0.3

    late[0] = False
    for message in answers:
        ends["page"].send(message)
    expect(page.get_by_text("1 calls: ")).to_have_count(1)
    assert received(page)[1] == [0.25, *SAMPLES[1:]]
    page.wait_for_timeout(200)
    assert drawn.value(0) == 0.3
    ends["python"].send(edits[1])
    settled(page)
    assert received(page) == (2, [0.3, *SAMPLES[1:]])
    assert drawn.value(0) == 0.3


def test_a_finger_drags_a_handle_and_scrolls_everywhere_else(
    tab: Callable[..., Page], serve: Callable[..., str]
) -> None:
    page = tab(viewport=PHONE, has_touch=True, is_mobile=True)
    signal = open_app(page, serve)
    action = "element => getComputedStyle(element).touchAction"
    assert signal.handles.first.locator("rect").evaluate(action) == "none"
    assert signal.stage.evaluate(action) == "manipulation"
    signal.drawing.scroll_into_view_if_needed()
    x, y = signal.middle(2)
    session = page.context.new_cdp_session(page)
    for kind, rise in [("touchStart", 0), ("touchMove", 10), ("touchMove", 30)]:
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y - rise}]}
        )
    value = signal.value(2)
    assert value > 0.5
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settled(page)
    assert received(page) == (1, [*SAMPLES[:2], value, *SAMPLES[3:]])

    page.touchscreen.tap(*signal.point(float(case()["positions"][12]), VALUES))
    assert signal.index() == 12
    expect(signal.root).to_have_attribute("data-pinned", "true")


@pytest.mark.parametrize("forged", [b"99.5", b"null"])
def test_what_a_browser_forges_is_ignored(
    new_context: Callable[..., BrowserContext], serve: Callable[..., str], forged: bytes
) -> None:
    page = new_context().new_page()
    met = []

    def meddle(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forward(message: str | bytes) -> None:
            if isinstance(message, bytes) and b"edited" in message and b"0.95" in message:
                # As long as before, so that the message around it still fits.
                met.append(message)
                message = message.replace(b"0.95", forged)
            server.send(message)

        socket.on_message(forward)

    page.route_web_socket("**/_stcore/stream", meddle)
    signal = open_app(page, serve)
    signal.handles.nth(0).focus()
    page.keyboard.press("ArrowUp")
    settled(page)

    assert len(met) == 1
    assert received(page) == (0, list(SAMPLES))


def test_samples_that_python_does_not_take_back_are_plain(opened: Signal) -> None:
    signal = Signal(opened.page, 1)

    expect(signal.handles).to_have_count(0)
    expect(signal.root.get_by_role("slider")).to_have_count(0)
    expect(signal.drawing.locator(".squares")).to_have_count(1)
    expect(signal.root.get_by_text("samples (drag)")).to_have_count(0)
    assert signal.text() == written(plain(), signal.index())


# ---- How it lives with Streamlit.


def test_a_pin_survives_new_data_and_falls_when_the_number_of_outputs_changes(
    page: Page, drawn: Signal
) -> None:
    drawn.stage.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    choose_mode(drawn, "linear")
    assert drawn.text() == written(case("linear"), 1)
    expect(drawn.root).to_have_attribute("data-pinned", "true")

    page.get_by_role("spinbutton", name="m").fill("7")
    page.keyboard.press("Enter")
    settled(page)
    expect(drawn.root).to_have_attribute("data-pinned", "false")
    assert drawn.text() == written(case("linear", 7), drawn.index())
    assert len(drawn.dots()) == 7


def test_a_signal_that_goes_and_comes_back_works_and_logs_no_error(
    page: Page, serve: Callable[..., str]
) -> None:
    errors = console_errors(page)
    drawn = open_app(page, serve)
    drawn.drag(2, 20)
    page.mouse.up()
    settled(page)
    samples = received(page)[1]
    for _ in range(2):
        page.get_by_text("hide", exact=True).click()
        settled(page)
    expect(page.get_by_test_id("signal")).to_have_count(4)

    assert [drawn.value(j) for j in range(6)] == samples
    drawn.drag(2, -20)
    page.mouse.up()
    settled(page)
    assert received(page)[0] == 2
    assert errors == []


def test_one_output_is_enough(page: Page, drawn: Signal) -> None:
    page.get_by_role("spinbutton", name="m").fill("1")
    page.keyboard.press("Enter")
    settled(page)

    assert drawn.text() == written(case(m=1), 0)
    assert len(drawn.dots()) == 1


def test_a_redraw_takes_less_than_five_milliseconds(page: Page, drawn: Signal) -> None:
    page.get_by_role("spinbutton", name="m").fill("24")
    page.keyboard.press("Enter")
    settled(page)
    x, y = drawn.middle(2)
    page.mouse.move(x, y)
    page.mouse.down()
    times = []
    for rise in range(1, 30, 2):
        page.mouse.move(x, y - rise)
        times.append(float(drawn.root.get_attribute("data-redraw-ms") or "inf"))
    page.mouse.up()

    # The least: other work may hold up any of them.
    assert min(times) < 5
    assert page.evaluate("performance.getEntriesByName('signal-redraw').length") > 0


# ---- For every reader.


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme_and_passes_axe(
    tab: Callable[..., Page], serve: Callable[..., str], scheme: str
) -> None:
    page = tab(color_scheme=scheme)
    signal = open_app(page, serve)

    ink = signal.drawing.locator(".title").first.evaluate("text => getComputedStyle(text).fill")
    assert (max(map(int, ink.strip("rgb()").split(","))) < 128) is (scheme == "light")
    picture = signal.root.get_by_role("img", name="Six samples and the fifteen")
    expect(picture).to_have_count(1)
    expect(picture.locator("[tabindex]")).to_have_count(0)
    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize("width", [340, 390, 1280])
def test_nothing_is_cut_at_any_width_and_no_word_is_small(
    tab: Callable[..., Page], serve: Callable[..., str], width: int
) -> None:
    page = tab(viewport={"width": width, "height": 844})
    open_app(page, serve)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for place in range(4):
        signal = Signal(page, place)
        signal.stage.focus()
        for key in ("Home", "End"):
            page.keyboard.press(key)
            assert texts_cut(signal.drawing) == []
            assert signal.sum.evaluate("sum => sum.scrollWidth <= sum.clientWidth")
        sizes = signal.drawing.locator("text").evaluate_all(
            "texts => texts.map((text) => parseFloat(getComputedStyle(text).fontSize))"
        )
        assert min(sizes) >= 11
        # One user unit is one CSS pixel: nothing is scaled.
        assert signal.drawing.evaluate("svg => svg.getScreenCTM().a") == pytest.approx(1)


def test_the_right_output_is_hit_at_any_zoom(opened: Signal) -> None:
    positions = case()["positions"].tolist()
    for zoom in (0.8, 1.25, 1.5):
        opened.page.evaluate("zoom => { document.body.style.zoom = zoom }", zoom)
        box = opened.drawing.locator(".edges").nth(1)
        box.scroll_into_view_if_needed()
        frame = box.bounding_box()
        assert frame is not None
        for i in (0, 7, 14):
            x = frame["x"] + (positions[i] + 0.5) / 6 * frame["width"]
            opened.page.mouse.move(x, frame["y"] + frame["height"] / 2)
            assert opened.index() == i, zoom
    opened.page.evaluate("document.body.style.zoom = 1")
