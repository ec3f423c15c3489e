"""Line charts in a browser: they draw and write torch's numbers, and keep what one has chosen."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, ViewportSize, expect

from figures.curves import Curves
from tests.browser.apps.curves_app import losses, noisy, scales, schedules, spike, window
from tests.browser.harness import console_errors, settled, texts_cut

APP = "tests/browser/apps/curves_app.py"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
DRAWN, TWELVE, LOSSES, SCALES, NOISY, WINDOW, SPIKE, LEVEL = range(8)


class Chart:
    """One chart of the app, by its place on the page."""

    def __init__(self, page: Page, place: int = DRAWN) -> None:
        self.page = page
        self.root = page.get_by_test_id("curves").nth(place)
        self.stage = self.root.get_by_test_id("curves-stage")
        self.drawing = self.root.get_by_test_id("curves-drawing")
        self.readout = self.root.get_by_test_id("curves-readout")
        self.note = self.root.get_by_test_id("curves-note")
        self.live = self.root.get_by_test_id("curves-live")
        self.data = self.root.get_by_test_id("curves-data")
        self.buttons = self.root.get_by_test_id("curves-legend").get_by_role("button")
        self.paths = self.drawing.locator(".window path:not(.reference)")

    def text(self) -> str:
        return self.readout.text_content() or ""

    def x(self) -> float:
        return float(self.root.get_attribute("data-x") or "nan")

    def plot(self) -> tuple[float, float, float, float]:
        """Return left, top, width and height of where lines are drawn, in the drawing."""
        box = self.drawing.locator(".window").get_attribute("viewBox") or ""
        left, top, width, height = map(float, box.split())
        return left + 1, top + 1.5, width - 2, height - 3

    def point(self, share: float, height: float = 60) -> tuple[float, float]:
        """Return where a share of the x axis is on the page."""
        self.drawing.scroll_into_view_if_needed()
        box = self.drawing.bounding_box()
        assert box is not None
        left, _, width, _ = self.plot()
        return box["x"] + left + share * width, box["y"] + height

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def press(self, *keys: str) -> None:
        self.stage.focus()
        for key in keys:
            self.page.keyboard.press(key)


def open_app(page: Page, serve: Callable[..., str]) -> Chart:
    page.goto(serve(APP))
    settled(page)
    return Chart(page)


@pytest.fixture
def drawn(page: Page, serve: Callable[..., str]) -> Chart:
    """Give the first chart of a page of its own."""
    return open_app(page, serve)


@pytest.fixture(scope="module")
def kept(tabs: Callable[..., Page], serve: Callable[..., str]) -> Page:
    """Give a page that tests share; `opened` makes it as good as new."""
    return open_app(tabs("kept"), serve).page


@pytest.fixture
def opened(kept: Page) -> Callable[[int], Chart]:
    """Give a chart by its place, with nothing pinned or hidden; change no number of its page."""

    def chart(place: int) -> Chart:
        found = Chart(kept, place)
        found.press("Escape")
        for button in found.buttons.all():
            if button.get_attribute("aria-pressed") == "false":
                button.click()
        return found

    return chart


def enter(page: Page, label: str, value: str) -> None:
    page.get_by_role("spinbutton", name=label).fill(value)
    page.keyboard.press("Enter")
    settled(page)


def number(value: float, digits: int = 4) -> str:
    """Write a number as the chart should."""
    size = abs(value)
    whole = size == int(size)
    text = str(int(size)) if whole else f"{size:.{digits}g}"
    return ("−" if value < 0 else "") + text


def short(name: str) -> str:
    return re.sub(r"\(.+\)$", "(...)", name)


def written(known: Curves, i: int) -> str:
    """Write a row of lines that all have x 0 to n - 1, from torch's numbers in single precision."""
    values = [f"{short(line.name)} {number(float(line.y.float()[i]))}" for line in known.lines]
    return f"{known.x_title.split()[0]} {i}: " + " · ".join(values)


def points(path: Locator) -> list[tuple[float, float]]:
    """Return the corners of a path of M, L, H and V."""
    found = []
    x = y = 0.0
    for kind, numbers in re.findall(r"([MLHV])([-\d. ]+)", path.get_attribute("d") or ""):
        at = [float(part) for part in numbers.split()]
        x = at[0] if kind in "MLH" else x
        y = at[-1] if kind in "MLV" else y
        found.append((x, y))
    return found


# ---- What it draws and writes.


def test_at_every_x_the_read_out_has_torchs_own_numbers(opened: Callable[[int], Chart]) -> None:
    chart, known = opened(DRAWN), schedules(4)

    chart.press("Home")
    for i in range(40):
        assert chart.text() == written(known, i)
        chart.page.keyboard.press("ArrowRight")
    chart.press("End")
    assert chart.text() == written(known, 99)


def test_long_names_are_whole_in_the_legend_and_short_in_the_read_out(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(DRAWN)

    assert chart.buttons.all_text_contents() == [line.name for line in schedules(4).lines]
    assert "StepLR(...) " in chart.text()
    title = chart.readout.locator(".term").nth(1).get_attribute("title")
    assert title == "StepLR(step_size=30, gamma=0.5)"


def test_lines_lie_where_their_numbers_are(opened: Callable[[int], Chart]) -> None:
    chart, known = opened(DRAWN), schedules(4)
    left, top, width, height = chart.plot()
    line = points(chart.drawing.locator(".curve.c0"))
    values = known.lines[0].y.tolist()

    # Heights are one linear map of the values: 0 is the foot of the axis.
    scale = (top + height - line[0][1]) / values[0]
    assert scale * 0.1 > 0.8 * height
    at = {round((x - left) / width * 99): y for x, y in line}
    assert len(at) > 90
    for i, y in at.items():
        assert y == pytest.approx(top + height - scale * values[i], abs=0.11), i


def test_a_step_holds_its_value_until_the_next_x(opened: Callable[[int], Chart]) -> None:
    chart, known = opened(DRAWN), schedules(4)
    left, _, width, _ = chart.plot()
    corners = points(chart.drawing.locator(".curve.c1"))
    y = known.lines[1].y
    falls = [i for i in range(1, 100) if y[i] != y[i - 1]]

    # It falls upright at each of the steps, and nowhere else.
    upright = {a[0] for a, b in pairwise(corners) if a[0] == b[0]}
    assert sorted(upright) == pytest.approx([left + width * i / 99 for i in falls], abs=0.11)
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(corners))


def test_no_two_lines_look_the_same_and_six_differ_by_their_dashes_alone(
    opened: Callable[[int], Chart],
) -> None:
    looks = (
        opened(TWELVE)
        .buttons.locator("path")
        .evaluate_all(
            "paths => paths.map((p) => [p.className.baseVal, getComputedStyle(p).strokeDasharray])"
        )
    )
    assert len(looks) == len({tuple(look) for look in looks}) == 12
    assert len({dash for _, dash in looks[:6]}) == 6
    assert len({ink for ink, _ in looks[:6]}) == 6


def test_a_log_axis_says_how_many_values_it_cannot_show_and_leaves_gaps(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(LOSSES)
    broken = losses().lines[2].y
    assert (broken <= 0).sum() == 2
    assert broken.isnan().sum() == 1

    expect(chart.note).to_have_text("2 values at or below 0 have no place on a log axis: gaps.")
    path = chart.drawing.locator(".curve.c1").get_attribute("d") or ""
    assert path.count("M") == 2
    left, _, width, _ = chart.plot()
    # From step 49 to step 53 nothing is drawn.
    second = float(path.split("M")[2].split()[0])
    assert second == pytest.approx(left + width * 53 / 199, abs=0.11)
    chart.button("broken").click()
    expect(chart.note).to_be_hidden()


def test_a_log_axis_is_even_in_powers_of_ten(opened: Callable[[int], Chart]) -> None:
    chart = opened(LOSSES)
    ticks = chart.drawing.locator(".frame text.end").evaluate_all(
        "texts => texts.map((t) => [Number(t.textContent), Number(t.getAttribute('y'))])"
    )
    heights = dict(ticks)
    assert {1, 0.1, 0.01} <= set(heights)
    assert heights[0.1] - heights[1] == pytest.approx(heights[0.01] - heights[0.1], abs=0.25)


def test_a_line_of_fewer_points_is_read_only_where_it_has_one(
    opened: Callable[[int], Chart],
) -> None:
    chart, known = opened(LOSSES), losses()
    chart.press("Home", *["ArrowRight"] * 20)
    accuracy = float(known.lines[3].y[1])

    assert chart.text().endswith(f"accuracy {number(accuracy)}")
    expect(chart.drawing.locator(".cursor circle")).to_have_count(3)
    chart.press("ArrowRight")
    assert chart.text().endswith("accuracy –")
    expect(chart.drawing.locator(".cursor circle")).to_have_count(2)


def test_what_is_no_number_is_read_as_such(opened: Callable[[int], Chart]) -> None:
    chart = opened(LOSSES)
    chart.press("Home", *["ArrowRight"] * 51)
    assert "broken −3 ·" in chart.text()
    chart.press("ArrowRight")
    assert "broken NaN ·" in chart.text()


def test_a_faint_line_of_a_lines_name_comes_and_goes_with_it(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(LOSSES)
    faint = chart.drawing.locator(".faint.c0")

    assert chart.buttons.all_text_contents() == ["train", "broken", "accuracy(right axis)"]
    assert chart.text().count("train") == 1
    expect(faint).to_have_count(1)
    chart.button("train").click()
    expect(faint).to_have_count(0)


def test_a_band_is_named_in_the_read_out_and_a_border_belongs_to_the_next(
    opened: Callable[[int], Chart],
) -> None:
    chart, known = opened(SCALES), scales()

    chart.press("Home")
    for i in range(60):
        assert chart.x() == i
        inside = next(b for b in reversed(known.bands) if b.x0 <= i <= b.x1)
        assert f" · in: {inside.label}" in chart.text()
        chart.page.keyboard.press("ArrowRight")


def test_a_band_that_is_too_narrow_cuts_its_label_and_keeps_it_for_the_pointer(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(SCALES)
    labels = chart.drawing.locator("text.band").all_text_contents()

    assert "warm-up" in labels
    assert "overflow" not in labels
    expect(chart.drawing.locator("rect title", has_text="overflow")).to_have_count(1)
    kinds = chart.drawing.locator(".frame rect").evaluate_all(
        "boxes => boxes.map((box) => box.getAttribute('class'))"
    )
    assert kinds == ["shade", "hatch", "shade", "hatch"]


def test_marks_stand_on_their_points_and_their_words_are_read(
    opened: Callable[[int], Chart],
) -> None:
    chart, known = opened(SCALES), scales()
    expect(chart.drawing.locator(".mark")).to_have_count(len(known.marks))
    # The same words are written once.
    expect(chart.drawing.locator(".labels text", has_text="doubled")).to_have_count(1)

    step = points(chart.drawing.locator(".curve.c0"))
    places = chart.drawing.locator(".mark").evaluate_all(
        "marks => marks.map((m) => m.getAttribute('transform').match(/[\\d.]+/g).map(Number))"
    )
    assert all(any(abs(x - a) + abs(y - b) < 0.3 for a, b in step) for x, y in places)
    chart.press("Home", *["ArrowRight"] * 34)
    assert chart.text().endswith(" · doubled")


def test_a_reference_is_a_line_across_and_none_where_a_log_axis_has_no_place_for_it(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(LOSSES)

    assert [value for value, _ in losses().references][2] == 0
    expect(chart.drawing.locator(".reference")).to_have_count(2)
    assert chart.drawing.locator(".labels text").all_text_contents() == ["chance", "goal <1%>"]
    lowest = points(chart.drawing.locator(".reference").nth(1))
    ticks = chart.drawing.locator(".frame text.end", has_text="0.01")
    assert lowest[0][1] == pytest.approx(float(ticks.get_attribute("y") or "nan") - 4, abs=0.11)


def test_words_are_words_and_no_markup(opened: Callable[[int], Chart]) -> None:
    expect(opened(LOSSES).drawing.locator(".labels text", has_text="goal <1%>")).to_have_count(1)


def test_the_axes_can_be_given_and_what_lies_outside_is_cut(
    opened: Callable[[int], Chart],
) -> None:
    chart, known = opened(WINDOW), window()
    t = known.lines[0].x
    assert t is not None
    inside = t[t.abs() <= 4.2]

    chart.press("Home")
    assert chart.x() == float(inside[0])
    # There t squared is 16, above the axis' end: it is read, and no dot is drawn.
    assert chart.text().startswith("t −4: t squared 16 · points 21")
    expect(chart.drawing.locator(".cursor circle")).to_have_count(0)
    chart.press("End")
    assert chart.x() == float(inside[-1])
    # Points are whole: those outside are left out.
    dots = (chart.drawing.locator(".window .points").get_attribute("d") or "").count("M")
    assert dots == int(((t.abs() <= 4.2) & (t * t + 5 <= 10)).sum())


def test_a_single_spike_among_twenty_thousand_points_is_drawn(
    opened: Callable[[int], Chart],
) -> None:
    chart, known = opened(SPIKE), spike()
    _, top, _, height = chart.plot()
    line = points(chart.drawing.locator(".curve.c0"))

    assert len(line) < 4 * chart.plot()[2]
    assert min(y for _, y in line) < top + 0.1 * height
    assert [y > top + height - 1 for _, y in line].count(False) == 1
    ticks = chart.drawing.locator(".frame text.end").all_text_contents()
    assert ticks[0] == "0"
    assert {"5e-06", "1e-05"} <= set(ticks)
    chart.press("Home", *["PageUp"] * 6)
    assert chart.x() == 12_000
    assert number(float(known.lines[0].y[12_345])) == "1e-05"


def test_the_words_of_a_mark_stand_where_no_line_runs_through_them(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(LEVEL)
    words = chart.drawing.locator(".labels text", has_text="look here").evaluate(
        "text => { const b = text.getBBox(); return [b.y, b.y + b.height]; }"
    )
    (level,) = {y for _, y in points(chart.drawing.locator(".curve.c0"))}
    assert not words[0] < level < words[1]


def test_the_ticks_of_a_log_axis_are_written_in_one_way(opened: Callable[[int], Chart]) -> None:
    ticks = opened(LEVEL).drawing.locator(".frame text.end").all_text_contents()
    assert ticks[-1] == "1"
    assert len(ticks) > 2
    assert all(re.fullmatch("10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]", tick) for tick in ticks[:-1])


def test_where_lines_meet_dashes_lie_on_the_solid_one(opened: Callable[[int], Chart]) -> None:
    dashes = opened(LEVEL).paths.evaluate_all(
        "paths => paths.map((path) => path.getAttribute('stroke-dasharray'))"
    )
    assert dashes[0] is None
    assert all(dashes[1:])


# ---- How it is steered.


def test_a_chart_may_begin_at_an_x_of_its_own(page: Page, serve: Callable[..., str]) -> None:
    open_app(page, serve)
    chart = Chart(page, LEVEL)
    expect(chart.root).to_have_attribute("data-preview", "true")
    assert chart.text().startswith("layer 6: kept 1 · halved")
    expect(chart.drawing.locator(".cursor *")).to_have_count(0)  # its mark shows where it is


def test_at_first_the_last_x_is_read_and_no_line_marks_it(drawn: Chart) -> None:
    expect(drawn.root).to_have_attribute("data-preview", "true")
    assert drawn.text() == written(schedules(4), 99)
    expect(drawn.drawing.locator(".cursor *")).to_have_count(0)


def test_hovering_reads_the_nearest_x_and_a_click_pins_it(opened: Callable[[int], Chart]) -> None:
    chart = opened(DRAWN)
    for i in (0, 3, 42, 99):
        chart.page.mouse.move(*chart.point((i + 0.3) / 99))
        assert chart.x() == i
    chart.page.mouse.click(*chart.point(42 / 99))
    expect(chart.root).to_have_attribute("data-pinned", "true")
    chart.page.mouse.move(*chart.point(60 / 99))
    assert chart.x() == 42

    chart.press("ArrowLeft")
    assert chart.x() == 41
    chart.press("Escape")
    expect(chart.root).to_have_attribute("data-pinned", "false")
    chart.page.mouse.move(*chart.point(60 / 99))
    assert chart.x() == 60
    # A second click on a pinned x lets go of it.
    chart.page.mouse.click(*chart.point(60 / 99))
    chart.page.mouse.click(*chart.point(60 / 99))
    expect(chart.root).to_have_attribute("data-pinned", "false")


def test_a_chart_is_drawn_while_another_is_being_left(drawn: Chart) -> None:
    errors = console_errors(drawn.page)
    charts = drawn.page.get_by_test_id("curves")
    before = charts.count()
    charts.last.evaluate("root => root.remove()")
    drawn.page.get_by_test_id("stCheckbox").locator("label").click()
    expect(charts).to_have_count(before)
    settled(drawn.page)
    assert errors == []


def test_a_tap_pins(tab: Callable[..., Page], serve: Callable[..., str]) -> None:
    page = tab(viewport={"width": 390, "height": 844}, has_touch=True)
    chart = open_app(page, serve)
    page.touchscreen.tap(*chart.point(42 / 99))

    assert chart.x() == 42
    expect(chart.root).to_have_attribute("data-pinned", "true")


def test_keys_walk_leap_and_stop_at_the_ends(opened: Callable[[int], Chart]) -> None:
    chart = opened(DRAWN)
    for key, x in [
        ("Home", 0), ("ArrowLeft", 0), ("ArrowRight", 1), ("PageUp", 11), ("PageDown", 1),
        ("PageDown", 0), ("End", 99), ("ArrowRight", 99), ("PageUp", 99), ("ArrowLeft", 98),
    ]:  # fmt: skip
        chart.press(key)
        assert chart.x() == x, key
    chart.press("Enter")
    expect(chart.root).to_have_attribute("data-pinned", "true")
    expect(chart.live).to_have_text(
        written(schedules(4), 98).replace(" · ", ", ") + ", pinned", use_inner_text=False
    )
    chart.press(" ")
    expect(chart.root).to_have_attribute("data-pinned", "false")


def test_only_keys_make_it_speak(drawn: Chart) -> None:
    drawn.page.mouse.move(*drawn.point(0.5))
    drawn.page.wait_for_timeout(400)
    expect(drawn.live).to_be_empty()
    drawn.press("ArrowRight")
    expect(drawn.live).to_contain_text("step ")


def test_a_pinned_x_outlives_new_data_within_its_bounds(drawn: Chart) -> None:
    drawn.page.mouse.click(*drawn.point(80 / 99))
    assert drawn.x() == 80

    enter(drawn.page, "scale", "3")
    assert drawn.text() == written(schedules(4, scale=3), 80)
    enter(drawn.page, "steps", "50")
    assert drawn.text() == written(schedules(4, 50, 3), 49)
    enter(drawn.page, "steps", "100")
    assert drawn.text() == written(schedules(4, 100, 3), 80)
    expect(drawn.root).to_have_attribute("data-pinned", "true")
    enter(drawn.page, "steps", "1")
    assert drawn.text() == written(schedules(4, 1, 3), 0)


# ---- The legend.


def test_the_legend_hides_and_shows_a_line_without_asking_python(page: Page, drawn: Chart) -> None:
    run = page.get_by_text("run ", exact=False).last.text_content()
    errors = console_errors(page)
    drawn.button(schedules(4).lines[0].name).click()

    button = drawn.buttons.first
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(drawn.paths).to_have_count(3)
    assert "LambdaLR" not in drawn.text()
    expect(drawn.buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(drawn.paths).to_have_count(4)
    assert drawn.text() == written(schedules(4), 99)

    for other in drawn.buttons.all():
        other.click()
    expect(drawn.paths).to_have_count(0)
    assert drawn.text() == "No line is shown."
    drawn.press("ArrowLeft")
    settled(page)
    assert page.get_by_text("run ", exact=False).last.text_content() == run
    assert errors == []


def test_hidden_lines_stay_hidden_with_new_data(page: Page, drawn: Chart) -> None:
    drawn.buttons.nth(2).click()
    enter(page, "steps", "60")

    expect(drawn.buttons.nth(2)).to_have_attribute("aria-pressed", "false")
    known = schedules(4, 60)
    rest = [line for k, line in enumerate(known.lines) if k != 2]
    values = [f"{short(line.name)} {number(float(line.y.float()[59]))}" for line in rest]
    assert drawn.text() == "step 59: " + " · ".join(values)


def test_the_axis_fits_the_lines_that_are_shown(opened: Callable[[int], Chart]) -> None:
    chart = opened(NOISY)
    peaks = [float(line.y.abs().max()) for line in noisy().lines]
    smallest = peaks.index(min(peaks))

    def top() -> float:
        ticks = chart.drawing.locator(".frame text.end").all_text_contents()
        return max(abs(float(tick.replace("−", "-"))) for tick in ticks)

    before = top()
    for k, button in enumerate(chart.buttons.all()):
        if k != smallest:
            button.click()
    assert top() <= 1.1 * peaks[smallest] < before


def test_more_than_four_lines_are_read_as_a_list_whose_height_stays(
    opened: Callable[[int], Chart],
) -> None:
    chart, known = opened(TWELVE), schedules(12, 1000)
    chart.press("Home")
    heights = set()
    for i in range(0, 1000, 100):
        assert chart.x() == i
        items = chart.readout.get_by_role("listitem").all_text_contents()
        assert [item.strip() for item in items] == [
            f"{short(line.name)} {number(float(line.y.float()[i]))}" for line in known.lines
        ]
        heights.add(chart.readout.evaluate("node => node.offsetHeight"))
        chart.page.keyboard.press("PageUp")
    assert len(heights) == 1


# ---- The numbers as a table.


def test_the_table_is_made_when_it_is_opened_and_holds_every_number(drawn: Chart) -> None:
    expect(drawn.data.locator("table")).to_have_count(0)
    drawn.data.locator("summary").click()
    known = schedules(4)
    rows = drawn.data.locator("tbody tr")
    expect(rows).to_have_count(100)
    assert drawn.data.locator("thead th").all_text_contents() == [
        "step (one batch each)", *(line.name for line in known.lines)
    ]  # fmt: skip
    for i in (0, 17, 99):
        assert rows.nth(i).locator("th, td").all_text_contents() == [
            str(i), *(number(float(line.y.float()[i]), 6) for line in known.lines)
        ]  # fmt: skip

    enter(drawn.page, "steps", "50")
    expect(rows).to_have_count(50)
    drawn.data.locator("summary").click()
    expect(drawn.data.locator("table")).to_have_count(0)


def test_a_long_table_is_thinned_evenly_and_says_so(opened: Callable[[int], Chart]) -> None:
    chart = opened(TWELVE)
    chart.data.locator("summary").click()

    expect(chart.data.get_by_text("200 of 1,000 rows, evenly thinned.")).to_be_visible()
    steps = [int(text) for text in chart.data.locator("tbody th").all_text_contents()]
    assert (len(steps), steps[0], steps[-1]) == (200, 0, 999)
    gaps = {b - a for a, b in pairwise(steps)}
    assert gaps == {5, 6}
    chart.data.locator("summary").click()


# ---- For every reader.


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def channels(css: str) -> list[float]:
    """Return red, green and blue, from 0 to 1, of what a browser computes."""
    numbers = [float(part) for part in re.findall(r"[\d.]+", css)[:3]]
    return numbers if css.startswith("color(") else [part / 255 for part in numbers]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme_and_passes_axe(
    tab: Callable[..., Page], serve: Callable[..., str], scheme: str
) -> None:
    page = tab(color_scheme=scheme)
    chart = open_app(page, serve)
    for place in range(7):
        other = Chart(page, place)
        other.press("Home")
        other.data.locator("summary").click()
    chart.buttons.first.click()

    paper = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    background = luminance(channels(paper))
    assert (background > 0.5) is (scheme == "light")
    inks = (
        Chart(page, TWELVE)
        .buttons.locator("path")
        .evaluate_all("paths => [...new Set(paths.map((path) => getComputedStyle(path).stroke))]")
    )
    assert len(inks) == 6
    for ink in inks:
        low, high = sorted([luminance(channels(ink)), background])
        assert (high + 0.05) / (low + 0.05) >= 3, ink
    picture = chart.root.get_by_role("img", name="4 schedules of the learning rate over 100 steps.")
    expect(picture).to_have_count(1)
    expect(picture.locator("[tabindex]")).to_have_count(0)
    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize("width", [340, 390, 1280])
def test_nothing_is_cut_at_any_width_and_no_word_is_small(
    tab: Callable[..., Page], serve: Callable[..., str], width: int
) -> None:
    page = tab(viewport={"width": width, "height": 844})
    errors = console_errors(page)
    open_app(page, serve)
    for place in range(7):
        chart = Chart(page, place)
        chart.press("Home")
        chart.data.locator("summary").click()
        assert texts_cut(chart.drawing) == []
        small = chart.root.evaluate(
            """root => [...root.querySelectorAll("*")].filter((node) =>
                [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
                && parseFloat(getComputedStyle(node).fontSize) < 11)
                .map((node) => node.outerHTML)"""
        )
        assert small == []
        # What is cut by its own box has an ellipsis and a title.
        wide = chart.root.evaluate(
            """root => [...root.querySelectorAll(":not(svg *):not(.scroll *):not(.live)")]
                .filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth
                    && !node.matches(".scroll, [title] .name")).map((node) => node.outerHTML)"""
        )
        assert wide == []
        # One user unit is one CSS pixel: nothing is scaled.
        assert chart.drawing.evaluate("svg => svg.getScreenCTM().a") == pytest.approx(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # A phone's page is laid out anew when the sidebar has gone.
    assert errors == []


def test_labels_do_not_lie_on_each_other(opened: Callable[[int], Chart]) -> None:
    for place in (LOSSES, SCALES):
        boxes = (
            opened(place)
            .drawing.locator(".labels text, .frame text")
            .evaluate_all(
                """texts => texts.map((text) => {
                const { left, top, right, bottom } = text.getBoundingClientRect();
                return [left, top + 3, right, bottom - 3];
            })"""
            )
        )
        assert len(boxes) > 10
        for k, (left, top, right, bottom) in enumerate(boxes):
            for other in boxes[:k]:
                apart = (
                    right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
                )
                assert apart, (place, k)


def test_the_right_x_is_hit_at_any_zoom(opened: Callable[[int], Chart]) -> None:
    chart = opened(DRAWN)
    for zoom in (0.8, 1.25, 1.5):
        chart.page.evaluate("zoom => { document.body.style.zoom = zoom }", zoom)
        settled(chart.page)
        chart.drawing.scroll_into_view_if_needed()
        frame = chart.drawing.locator(".axis").bounding_box()
        box = chart.drawing.bounding_box()
        assert frame is not None
        assert box is not None
        left, _, width, _ = chart.plot()
        scale = box["width"] / chart.drawing.evaluate("svg => svg.clientWidth")
        for i in (0, 42, 99):
            x = box["x"] + (left + width * i / 99) * scale
            chart.page.mouse.move(x, frame["y"] + frame["height"] / 2)
            assert chart.x() == i, zoom
    chart.page.evaluate("document.body.style.zoom = 1")
    settled(chart.page)


def test_twelve_lines_of_a_thousand_points_are_redrawn_within_a_frame(
    opened: Callable[[int], Chart],
) -> None:
    chart = opened(NOISY)
    times = []
    for _ in range(8):
        chart.buttons.first.click()
        chart.buttons.first.click()
        times.append(float(chart.root.get_attribute("data-redraw-ms") or "inf"))
    expect(chart.paths).to_have_count(12)
    # About 3 ms on an idle machine.
    # The least: other work may hold up any of them.
    assert min(times) < 25
    assert chart.page.evaluate("performance.getEntriesByName('curves-redraw').length") > 0
