"""The loupe in a browser: what it writes is what the linkage says, however one points at it."""

import json
import math
from collections.abc import Callable

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    FloatRect,
    Locator,
    Page,
    ViewportSize,
    expect,
)

from explainers.linkage import linkage
from tests.browser.apps.loupe_app import Case, blur, ramp, turn
from tests.browser.harness import choose_option, console_errors, settled
from ui.loupe import EMPTY_TEXT, loupe_data

APP = "tests/browser/apps/loupe_app.py"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SHOWN = 6


class Loupe:
    """One loupe of the app, by its place on the page."""

    def __init__(self, page: Page, place: int = 0) -> None:
        self.page = page
        self.root = page.get_by_test_id("loupe").nth(place)
        self.sum = self.root.get_by_test_id("loupe-sum")
        self.values = self.root.get_by_test_id("loupe-values")
        self.live = self.root.get_by_test_id("loupe-live")
        self.pin = self.root.get_by_test_id("loupe-pin")

    def canvas(self, side: str = "out") -> Locator:
        return self.root.locator(f'[data-side="{side}"] canvas')

    def box(self, side: str = "out") -> FloatRect:
        self.canvas(side).scroll_into_view_if_needed()
        box = self.canvas(side).bounding_box()
        assert box is not None
        return box

    def point(
        self, row: float, column: float, shape: tuple[int, int] = (16, 16), side: str = "out"
    ) -> tuple[float, float]:
        """Return the middle of a pixel on the page, in CSS pixels."""
        box = self.box(side)
        x = box["x"] + (column + 0.5) / shape[1] * box["width"]
        return x, box["y"] + (row + 0.5) / shape[0] * box["height"]

    def hover(self, row: float, column: float, **where: object) -> None:
        self.page.mouse.move(*self.point(row, column, **where))  # type: ignore[arg-type]

    def click(self, row: float, column: float, **where: object) -> None:
        self.page.mouse.click(*self.point(row, column, **where))  # type: ignore[arg-type]

    def at(self) -> tuple[str, int, int]:
        """Return the side, row and column that it shows."""
        data = self.root.evaluate("root => ({...root.dataset})")
        return data["side"], int(data["row"]), int(data["column"])


def open_app(page: Page, serve: Callable[..., str]) -> Loupe:
    page.goto(serve(APP))
    settled(page)
    return Loupe(page)


@pytest.fixture
def fresh(page: Page, serve: Callable[..., str]) -> Loupe:
    """Give the first loupe of a page of its own."""
    return open_app(page, serve)


@pytest.fixture(scope="module")
def kept(tabs: Callable[..., Page], serve: Callable[..., str]) -> Loupe:
    """Give the first loupe of a page that tests share; `opened` makes it as good as new."""
    return open_app(tabs("kept"), serve)


@pytest.fixture
def opened(kept: Loupe) -> Loupe:
    """Give the first loupe, with nothing pinned; leave the controls of its page alone."""
    if kept.root.get_attribute("data-pinned") == "true":
        kept.pin.click()
    return kept


def number(value: float) -> str:
    short = f"{value:.3f}".rstrip("0").rstrip(".")
    text = short if value == 0 or abs(value) >= 5e-4 else f"{value:.1e}"
    return text.replace("e-0", "e-").replace("-", "−")


def written(case: Case, row: int, column: int, names: tuple[str, str] = ("in", "out")) -> str:
    """Write the sum of an output pixel as the loupe should."""
    source, output, links = case
    width = links.in_shape[1]
    pairs = zip(
        links.indices[row, column].tolist(), links.weights[row, column].tolist(), strict=True
    )
    terms = [(*divmod(index, width), weight) for index, weight in pairs if index >= 0]
    shown = terms if len(terms) <= SHOWN + 1 else terms[:SHOWN]
    text = f"{names[1]}[{row},{column}] ="
    for place, (r, c, weight) in enumerate(shown):
        sign = ("−" if weight < 0 else "") if place == 0 else ("− " if weight < 0 else "+ ")
        text += f" {sign}{number(abs(weight))}·{names[0]}[{r},{c}]"
    if len(shown) < len(terms):
        rest = sum(weight * float(source[r, c]) for r, c, weight in terms[SHOWN:])
        text += f" + {len(terms) - SHOWN} more ({number(rest)})"
    gap = float(output[row, column]) - sum(w * float(source[r, c]) for r, c, w in terms)
    if links.remainder[row, column]:
        text += f" + rest ({number(gap)})"
    elif abs(gap) > 1e-3:
        text += f" + constant ({number(gap)})"
    if not terms:
        text = text.removesuffix(" =")
    return f"{text} = {number(float(output[row, column]))}"


# What it writes.


def test_a_hovered_output_pixel_is_written_as_the_sum_of_its_sources(opened: Loupe) -> None:
    case = turn(30, "bilinear")

    for row, column in [(7, 8), (3, 8), (12, 6), (15, 9), (8, 0)]:
        opened.hover(row, column)
        assert opened.at() == ("out", row, column)
        assert opened.sum.text_content() == written(case, row, column)


def test_each_weight_stands_beside_the_value_it_weighs(opened: Loupe) -> None:
    source, _, links = turn(30, "bilinear")
    opened.hover(7, 8)

    pairs = zip(links.indices[7, 8].tolist(), links.weights[7, 8].tolist(), strict=True)
    products = [f"{number(w)}·{number(float(source.flatten()[i]))}" for i, w in pairs if i >= 0]
    assert (opened.values.text_content() or "").strip() == "= " + " + ".join(products)


def test_terms_beyond_the_sixth_are_folded_until_asked_for(page: Page, fresh: Loupe) -> None:
    choose_option(page, "bicubic")
    case = turn(30, "bicubic")
    fresh.hover(9, 7)
    assert fresh.sum.text_content() == written(case, 9, 7)
    assert "10 more" in written(case, 9, 7)
    terms = fresh.sum.locator("[data-pixel]")
    expect(terms).to_have_count(SHOWN)

    fresh.sum.get_by_role("button", name="10 more").click()
    expect(terms).to_have_count(16)
    fresh.sum.get_by_role("button", name="fewer").click()
    expect(terms).to_have_count(SHOWN)


def test_a_pixel_without_a_source_says_so(opened: Loupe) -> None:
    opened.hover(0, 0)

    assert opened.sum.text_content() == "out[0,0] = 0"
    assert opened.values.text_content() == EMPTY_TEXT
    expect(opened.live).to_have_text(f"out row 0 column 0 = 0: {EMPTY_TEXT}")


def test_weights_left_out_are_stated_as_the_rest(opened: Loupe) -> None:
    loupe = Loupe(opened.page, 1)
    loupe.hover(3, 4, shape=(6, 9))

    assert loupe.sum.text_content() == written(blur(), 3, 4)
    assert "+ rest (" in written(blur(), 3, 4)
    assert "weights left out, 0.556 together" in (loupe.values.text_content() or "")


def test_what_no_weight_explains_is_stated_as_a_constant(opened: Loupe) -> None:
    loupe = Loupe(opened.page, 2)
    loupe.hover(2, 1, shape=(3, 3))

    assert loupe.sum.text_content() == "y[2,1] = −1·x[2,1] + constant (2) = −5"
    assert written(ramp(), 2, 1, ("x", "y")) == loupe.sum.text_content()


def test_an_input_pixel_tells_which_outputs_use_it(opened: Loupe) -> None:
    source, _, links = turn(30, "bilinear")
    uses = [
        (weight, row, column)
        for row in range(16)
        for column in range(16)
        for index, weight in zip(
            links.indices[row, column].tolist(), links.weights[row, column].tolist(), strict=True
        )
        if index == 6 * 16 + 9
    ]
    uses.sort(key=lambda use: -abs(use[0]))
    assert 2 <= len(uses) <= SHOWN + 1
    opened.hover(6, 9, side="in")

    listed = ", ".join(f"out[{row},{column}] × {number(w)}" for w, row, column in uses)
    value = number(float(source[6, 9]))
    expected = f"in[6,9] = {value} goes into {len(uses)} pixels: {listed}"
    assert opened.sum.text_content() == expected
    expect(opened.root.locator('[data-side="out"] .rings g')).to_have_count(len(uses))


def test_rings_lie_on_the_sources_and_their_areas_are_the_weights(opened: Loupe) -> None:
    _, _, links = turn(30, "bilinear")
    opened.hover(7, 8)

    rings = opened.root.locator('[data-side="in"] .rings g').evaluate_all(
        """groups => groups.map((group) => {
            const { e, f } = group.transform.baseVal[0].matrix;
            const radius = parseFloat(group.firstChild.style.transform.slice("scale(".length));
            return [f - 0.5, e - 0.5, radius];
        })"""
    )
    assert [(row, column) for row, column, _ in rings] == [
        divmod(index, 16) for index in links.indices[7, 8].tolist() if index >= 0
    ]
    weights = [weight for weight in links.weights[7, 8].tolist() if weight]
    # The smallest are drawn larger, so as to be seen.
    for (_, _, radius), weight in zip(rings, weights, strict=True):
        area = (radius / rings[0][2]) ** 2
        assert area == pytest.approx(weight / weights[0], abs=0.01) or radius == 0.03


def test_negative_weights_have_a_shape_of_their_own(page: Page, fresh: Loupe) -> None:
    choose_option(page, "bicubic")
    _, _, links = turn(30, "bicubic")
    fresh.hover(9, 7)

    rings = fresh.root.locator('[data-side="in"] .rings')
    below = int((links.weights[9, 7] < 0).sum())
    assert below > 0
    expect(rings.locator(".negative")).to_have_count(below)
    expect(rings.locator(".positive")).to_have_count(16 - below)
    shapes = rings.locator(".line").evaluate_all("lines => lines.map(l => l.getAttribute('d'))")
    assert len(set(shapes)) == 2


def test_pointing_at_a_term_lights_its_ring(opened: Loupe) -> None:
    opened.hover(7, 8)
    lit = opened.root.locator(".rings .lit")
    expect(lit).to_have_count(0)

    opened.sum.locator("[data-pixel]").nth(1).hover()
    expect(lit).to_have_count(1)
    opened.hover(7, 8)
    expect(lit).to_have_count(0)


# How it is steered.


def test_at_first_a_telling_pixel_is_previewed(page: Page, fresh: Loupe) -> None:
    side, row, column = fresh.at()
    source, _, links = turn(30, "bilinear")

    assert side == "out"
    assert math.dist((row, column), (7.5, 7.5)) < 3
    assert (links.indices[row, column] >= 0).sum() == 4
    values = source.flatten()[links.indices[row, column, :4]]
    assert values.max() - values.min() > 0.4
    expect(fresh.root).to_have_attribute("data-preview", "true")
    assert fresh.sum.text_content() == written(
        (source, turn(30, "bilinear")[1], links), row, column
    )
    # The app asks for this pixel by name.
    assert Loupe(page, 1).at() == ("out", 2, 3)


def test_a_click_pins_hovering_elsewhere_changes_nothing_and_escape_lets_go(opened: Loupe) -> None:
    opened.click(7, 8)
    expect(opened.root).to_have_attribute("data-pinned", "true")
    expect(opened.pin).to_have_attribute("aria-pressed", "true")
    before = opened.sum.text_content()

    opened.hover(3, 3)
    opened.hover(4, 4, side="in")
    assert opened.at() == ("out", 7, 8)
    assert opened.sum.text_content() == before

    opened.page.keyboard.press("Escape")
    expect(opened.root).to_have_attribute("data-pinned", "false")
    opened.hover(3, 3)
    assert opened.at() == ("out", 3, 3)


def test_a_second_click_moves_the_pin_and_a_third_on_the_same_pixel_lets_go(opened: Loupe) -> None:
    opened.click(7, 8)
    opened.click(2, 4)
    assert opened.at() == ("out", 2, 4)
    expect(opened.root).to_have_attribute("data-pinned", "true")

    opened.click(2, 4)
    expect(opened.root).to_have_attribute("data-pinned", "false")


def test_a_button_pins_and_lets_go_too(opened: Loupe) -> None:
    opened.pin.click()
    expect(opened.pin).to_have_text("Let go")
    expect(opened.root).to_have_attribute("data-pinned", "true")
    opened.pin.click()
    expect(opened.pin).to_have_text("Pin")
    expect(opened.root).to_have_attribute("data-pinned", "false")


def test_arrow_keys_walk_by_one_home_and_end_to_the_ends_and_stop_at_the_edge(
    opened: Loupe,
) -> None:
    opened.hover(7, 8)
    opened.canvas().focus()
    for key, row, column in [
        ("ArrowRight", 7, 9),
        ("ArrowDown", 8, 9),
        ("ArrowLeft", 8, 8),
        ("ArrowUp", 7, 8),
        ("Home", 7, 0),
        ("ArrowLeft", 7, 0),
        ("End", 7, 15),
        ("PageDown", 15, 15),
        ("ArrowDown", 15, 15),
        ("PageUp", 0, 15),
    ]:
        opened.page.keyboard.press(key)
        assert opened.at() == ("out", row, column), key
    opened.page.keyboard.press("Enter")
    expect(opened.root).to_have_attribute("data-pinned", "true")


def test_tab_brings_the_choice_over_to_the_strongest_link(opened: Loupe) -> None:
    _, _, links = turn(30, "bilinear")
    opened.canvas().focus()
    opened.page.keyboard.press("Home")
    opened.hover(7, 8)

    opened.page.keyboard.press("Shift+Tab")
    assert opened.at() == ("in", *divmod(int(links.indices[7, 8, 0]), 16))


@pytest.mark.parametrize("density", [1, 2])
def test_the_right_pixel_is_hit_at_any_zoom_and_density(
    tab: Callable[..., Page], serve: Callable[..., str], density: int
) -> None:
    page = tab(device_scale_factor=density)
    loupe = open_app(page, serve)
    for zoom in (0.8, 1.0, 1.25, 1.5):
        page.evaluate("zoom => { document.body.style.zoom = zoom }", zoom)
        # Just inside two opposite corners of a pixel, where a small error would show.
        for row, column in [(0, 0), (7, 8), (15, 15), (12, 3)]:
            for inset in (-0.42, 0.42):
                loupe.hover(row + inset, column + inset)
                assert loupe.at() == ("out", row, column), zoom


def test_on_a_phone_a_tap_pins_and_both_pictures_stay_side_by_side(
    tab: Callable[..., Page], serve: Callable[..., str]
) -> None:
    page = tab(viewport=PHONE, has_touch=True, is_mobile=True)
    loupe = open_app(page, serve)
    left, right = loupe.box("in"), loupe.box("out")
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert min(left["width"], right["width"]) >= 150
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.touchscreen.tap(*loupe.point(11, 6))
    assert loupe.at() == ("out", 11, 6)
    expect(loupe.root).to_have_attribute("data-pinned", "true")
    assert loupe.sum.text_content() == written(turn(30, "bilinear"), 11, 6)
    assert loupe.sum.evaluate("sum => sum.scrollWidth <= sum.clientWidth")


def test_a_finger_on_a_picture_still_scrolls_the_page(opened: Loupe) -> None:
    for side in ("in", "out"):
        action = opened.canvas(side).evaluate("canvas => getComputedStyle(canvas).touchAction")
        assert action == "manipulation"
    opened.hover(7, 8)
    x, y = opened.point(3, 3)
    opened.canvas().dispatch_event(
        "pointermove", {"clientX": x, "clientY": y, "pointerType": "touch"}
    )
    assert opened.at() == ("out", 7, 8)


def test_pictures_stack_where_two_would_be_too_small(
    tab: Callable[..., Page], serve: Callable[..., str]
) -> None:
    page = tab(viewport={"width": 300, "height": 800})
    loupe = open_app(page, serve)

    above, below = loupe.box("in"), loupe.box("out")
    assert above["x"] == below["x"]
    assert above["width"] >= 150
    assert page.evaluate("document.documentElement.scrollWidth") <= 300


# How it lives with Streamlit.


def test_a_pin_survives_a_rerun_and_falls_when_the_shape_changes(page: Page, fresh: Loupe) -> None:
    fresh.click(9, 7)
    choose_option(page, "bicubic")
    assert fresh.at() == ("out", 9, 7)
    expect(fresh.root).to_have_attribute("data-pinned", "true")
    assert fresh.sum.text_content() == written(turn(30, "bicubic"), 9, 7)

    page.get_by_text("small", exact=True).click()
    settled(page)
    expect(fresh.root).to_have_attribute("data-pinned", "false")
    _, row, column = fresh.at()
    assert max(row, column) < 8
    assert fresh.sum.text_content() == written(turn(30, "bicubic", 8), row, column)


def test_a_loupe_that_goes_and_comes_back_works_and_logs_no_error(
    page: Page, serve: Callable[..., str]
) -> None:
    errors = console_errors(page)
    loupe = open_app(page, serve)
    for _ in range(2):
        page.get_by_text("hide", exact=True).click()
        settled(page)
    expect(page.get_by_test_id("loupe")).to_have_count(3)

    loupe.hover(3, 8)
    assert loupe.sum.text_content() == written(turn(30, "bilinear"), 3, 8)
    assert errors == []


def test_a_redraw_takes_less_than_ten_milliseconds(page: Page, fresh: Loupe) -> None:
    choose_option(page, "bicubic")
    times = []
    for row in range(16):
        fresh.hover(row, 15 - row)
        times.append(float(fresh.root.get_attribute("data-redraw-ms") or "inf"))

    # The least: other work may hold up any of them.
    assert min(times) < 10
    measured = page.evaluate("performance.getEntriesByName('loupe-redraw').map(e => e.duration)")
    assert len(measured) == 1


# For every reader.


def test_a_screen_reader_hears_the_sum_once_the_pointer_rests(opened: Loupe) -> None:
    expect(opened.live).to_have_attribute("aria-live", "polite")
    for side, name in [("in", "Input, 16 rows"), ("out", "The letter F, turned. Output, 16 rows")]:
        canvas = opened.root.get_by_role("application", name=name)
        expect(canvas).to_have_count(1)
        assert canvas.evaluate("canvas => canvas === document.activeElement") is False
        assert opened.canvas(side).get_attribute("tabindex") == "0"

    opened.click(3, 8)
    spoken = written(turn(30, "bilinear"), 3, 8).replace("·", " times ")
    for symbol, word in (("[", " row "), (",", " column "), ("]", "")):
        spoken = spoken.replace(symbol, word)
    expect(opened.live).to_have_text(f"{spoken}, pinned")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme_and_passes_axe(
    tab: Callable[..., Page], serve: Callable[..., str], scheme: str
) -> None:
    page = tab(color_scheme=scheme)
    loupe = open_app(page, serve)

    ink = loupe.sum.evaluate("sum => getComputedStyle(sum).color")
    paper = loupe.root.locator(".reading").evaluate("e => getComputedStyle(e).backgroundColor")
    dark = [max(map(int, c.strip("rgb()").split(","))) < 128 for c in (ink, paper)]
    assert dark == ([True, False] if scheme == "light" else [False, True])

    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_nothing_moves_for_a_reader_who_wants_no_motion(
    tab: Callable[..., Page], serve: Callable[..., str], motion: str, moves: bool
) -> None:
    page = tab(reduced_motion=motion)
    loupe = open_app(page, serve)
    loupe.hover(7, 8)
    x, y = loupe.point(7, 9)

    # In one task: nothing can end between the move and the look.
    running = loupe.canvas().evaluate(
        """(canvas, [x, y]) => {
            const root = canvas.getRootNode();
            root.querySelectorAll(".rings path").forEach((p) => getComputedStyle(p).transform);
            canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y }));
            root.querySelectorAll(".rings path").forEach((p) => getComputedStyle(p).transform);
            return root.getAnimations().length;
        }""",
        [x, y],
    )
    assert loupe.at() == ("out", 7, 9)
    assert (running > 0) is moves


# What is sent.


def test_sixteen_pixels_with_sixteen_sources_each_are_sent_in_sixty_kilobytes() -> None:
    data = loupe_data(*turn(30, "bicubic"))

    assert data["k"] == 16
    assert len(json.dumps(data)) < 60_000


def test_columns_that_no_pixel_needs_are_not_sent() -> None:
    assert loupe_data(*turn(30, "nearest"))["k"] == 1


def test_greys_span_zero_to_one_where_that_holds_all_values_else_what_there_is() -> None:
    assert loupe_data(*turn(30, "bilinear"))["out"]["range"] == (0.0, 1.0)
    assert loupe_data(*ramp())["in"]["range"] == (-6.0, 8.0)
    alone = loupe_data(*ramp(), shared_range=False)
    assert (alone["in"]["range"], alone["out"]["range"]) == ((0.0, 8.0), (-6.0, 2.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": torch.zeros(3, 3)}, "source must have shape (2, 2), got (3, 3)"),
        ({"output": torch.zeros(4)}, "output must have shape (2, 2), got (4,)"),
        (
            {"output": torch.full((2, 2), math.nan)},
            "output must be finite, got a picture with inf or nan",
        ),
        ({"start": (0, 2)}, "start must lie in the 2x2 output, got (0, 2)"),
    ],
)
def test_pictures_that_do_not_fit_the_linkage_are_refused(
    change: dict[str, object], message: str
) -> None:
    links = linkage(lambda x: x, (2, 2))
    known: dict[str, object] = {"source": torch.zeros(2, 2), "output": torch.zeros(2, 2)}

    with pytest.raises(ValueError) as refusal:
        loupe_data(linkage=links, **(known | change))  # type: ignore[arg-type]

    assert str(refusal.value) == message
