"""The player in a browser, and what Python packs for it."""

import base64
import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from torch import Tensor

from figures.player import MOST_PIXELS, Curve, Film, sprite_sheet
from tests.browser.apps.player_app import bars, turned
from tests.browser.harness import console_errors, settled
from ui.player import player_data

APP = "tests/browser/apps/player_app.py"
LAST = 24
PHONE = {"width": 390, "height": 844}

WHITE_PIXELS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 0 && value === 255).length;
}"""


def opened(page: Page, url: str) -> Locator:
    """Open the app; return its first player."""
    page.goto(url)
    settled(page)
    return page.get_by_test_id("player").first


def press(player: Locator, name: str) -> None:
    player.get_by_role("button", name=name, exact=True).click()


def step(player: Locator) -> int:
    return int(player.get_attribute("data-step") or -1)


def is_at(player: Locator, wanted: int, end: int = LAST) -> None:
    """Everything on screen agrees on the step."""
    expect(player).to_have_attribute("data-step", str(wanted))
    expect(player.get_by_test_id("player-count")).to_have_text(f"{wanted} / {end}")
    expect(player.get_by_test_id("player-range")).to_have_value(str(wanted))
    expect(player.get_by_test_id("player-caption")).to_contain_text(f"white = {wanted},")
    assert player.get_by_test_id("player-frame").evaluate(WHITE_PIXELS) == wanted


@pytest.fixture
def player(page: Page, serve: Callable[..., str]) -> Locator:
    return opened(page, serve(APP))


def move_slider(page: Page, label: str, keys: str) -> None:
    page.get_by_role("slider", name=label).focus()
    page.keyboard.press(keys)
    settled(page)


# ---- In the browser.


def test_it_starts_still_at_frame_0_with_the_curves_drawn_whole(player: Locator) -> None:
    is_at(player, 0)
    expect(player).to_have_attribute("data-playing", "false")
    for chart in player.get_by_test_id("player-chart").all():
        whole = chart.locator(".whole").get_attribute("d") or ""
        assert whole.count("L") == LAST


def test_play_shows_every_step_in_turn_and_stops_at_the_end(page: Page, player: Locator) -> None:
    player.evaluate(
        """root => {
          window.seen = [];
          new MutationObserver(() => window.seen.push(Number(root.dataset.step)))
            .observe(root, { attributeFilter: ["data-step"] });
        }"""
    )
    start = time.monotonic()
    press(player, "Play")
    expect(player).to_have_attribute("data-playing", "true")
    expect(player.get_by_test_id("player-count")).to_have_attribute("aria-live", "off")
    expect(player).to_have_attribute("data-playing", "false")
    assert time.monotonic() - start > 0.9 * LAST / 12
    is_at(player, LAST)
    assert sorted(set(page.evaluate("seen"))) in (list(range(LAST + 1)), list(range(1, LAST + 1)))
    expect(player.get_by_test_id("player-count")).to_have_attribute("aria-live", "polite")
    expect(player.get_by_role("button", name="Play")).to_be_visible()


def test_play_at_the_end_begins_again(player: Locator) -> None:
    press(player, "Last step")
    is_at(player, LAST)
    press(player, "Play")
    expect(player).to_have_attribute("data-playing", "true")
    assert step(player) < LAST


def test_pause_holds_the_step(page: Page, player: Locator) -> None:
    press(player, "Play")
    expect(player).not_to_have_attribute("data-step", "0")
    press(player, "Pause")
    held = step(player)
    assert 0 < held < LAST
    page.wait_for_timeout(400)
    is_at(player, held)


def test_playing_asks_for_no_rerun(page: Page, player: Locator) -> None:
    runs = page.get_by_text("runs:").inner_text()
    press(player, "Play")
    expect(player).to_have_attribute("data-step", str(LAST))
    press(player, "Previous step")
    settled(page)
    assert page.get_by_text("runs:").inner_text() == runs


def test_the_buttons_step_by_one_and_to_the_ends_and_not_beyond(player: Locator) -> None:
    press(player, "Next step")
    press(player, "Next step")
    is_at(player, 2)
    press(player, "Previous step")
    is_at(player, 1)
    press(player, "First step")
    is_at(player, 0)
    previous = player.get_by_role("button", name="Previous step")
    expect(previous).to_have_attribute("aria-disabled", "true")
    previous.click(force=True)  # Playwright waits for what calls itself disabled.
    is_at(player, 0)
    press(player, "Last step")
    is_at(player, LAST)
    player.get_by_role("button", name="Next step").click(force=True)
    is_at(player, LAST)


def test_a_step_by_hand_pauses(player: Locator) -> None:
    press(player, "Play")
    expect(player).not_to_have_attribute("data-step", "0")
    press(player, "First step")
    expect(player).to_have_attribute("data-playing", "false")
    is_at(player, 0)


def test_the_range_obeys_the_keyboard(page: Page, player: Locator) -> None:
    scrub = player.get_by_role("slider", name="Step")
    scrub.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    is_at(player, 2)
    expect(scrub).to_have_attribute("aria-valuetext", f"2 of {LAST}")
    page.keyboard.press("ArrowLeft")
    is_at(player, 1)
    page.keyboard.press("End")
    is_at(player, LAST)


@pytest.mark.parametrize("part", ["player-range", "player-play"])
def test_space_plays_and_pauses(page: Page, player: Locator, part: str) -> None:
    player.get_by_test_id(part).focus()
    page.keyboard.press("Space")
    expect(player).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(player).to_have_attribute("data-playing", "false")
    assert step(player) < LAST


def test_tab_reaches_every_control_and_shows_where_it_is(page: Page, player: Locator) -> None:
    player.get_by_role("button", name="First step").focus()
    for _ in range(5):
        page.keyboard.press("Tab")
        outline = player.evaluate(
            "root => getComputedStyle(root.getRootNode().activeElement).outline"
        )
        assert "solid 2px" in outline
    expect(player.get_by_test_id("player-range")).to_be_focused()


@pytest.mark.parametrize("chart", [0, 1])
def test_a_click_on_a_curve_goes_to_that_step(player: Locator, chart: int) -> None:
    drawing = player.get_by_test_id("player-chart").nth(chart).locator("svg")
    box = drawing.bounding_box()
    assert box
    for wanted in (9, 0, LAST):
        drawing.click(
            position={"x": box["width"] * wanted / LAST, "y": box["height"] / 2}, force=True
        )
        is_at(player, wanted)


def test_dragging_along_a_curve_scrubs(page: Page, player: Locator) -> None:
    box = player.get_by_test_id("player-chart").first.locator("svg").bounding_box()
    assert box
    page.mouse.move(box["x"] + 1, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=4)
    is_at(player, LAST // 2)
    page.mouse.up()


def test_a_chart_names_its_axes_and_its_bounds(player: Locator) -> None:
    chart = player.locator(".chart").first
    expect(chart.locator("figcaption")).to_contain_text("loss")
    expect(chart.locator("figcaption")).to_contain_text("log scale")
    expect(chart.locator(".xs")).to_have_text(f"0step{LAST}")
    expect(chart.locator(".ys")).to_have_text("16.0e−8")
    expect(chart.get_by_role("img")).to_have_attribute(
        "aria-label",
        "loss by step, logarithmic: 1 at first, 6.0e−8 at last; smallest 6.0e−8, largest 1.",
    )


def test_a_logarithmic_curve_that_halves_is_a_straight_line(player: Locator) -> None:
    path = player.locator(".chart").first.locator(".whole").get_attribute("d") or ""
    ys = [
        float(part.split()[1].removesuffix("h0")) for part in path.replace("M", "L").split("L")[1:]
    ]
    np.testing.assert_allclose(np.diff(ys), 1 / LAST, atol=2e-4)


def test_new_data_of_the_same_length_keeps_the_step(page: Page, player: Locator) -> None:
    for _ in range(3):
        press(player, "Next step")
    move_slider(page, "offset", "ArrowRight")
    expect(player.get_by_test_id("player-caption")).to_have_text("white = 3, offset = 1")
    is_at(player, 3)


def test_new_data_of_another_length_starts_over(page: Page, player: Locator) -> None:
    press(player, "Last step")
    move_slider(page, "frames", "ArrowRight")
    is_at(player, 0, end=LAST + 1)
    press(player, "Last step")
    is_at(player, LAST + 1, end=LAST + 1)


def test_a_run_of_one_frame_does_not_play(page: Page, player: Locator) -> None:
    move_slider(page, "frames", "Home")
    press(player, "Play")
    expect(player).to_have_attribute("data-playing", "false")
    is_at(player, 0, end=0)


def test_unmounting_ends_the_loop(page: Page, player: Locator) -> None:
    move_slider(page, "frames", "End")
    root = player.element_handle()
    press(player, "Play")
    expect(player).not_to_have_attribute("data-step", "0")
    page.get_by_text("mounted").click()
    expect(player).to_have_count(0)
    held = root.evaluate("root => root.dataset.step")
    assert int(held) < 60
    page.wait_for_timeout(400)
    assert root.evaluate("root => root.dataset.step") == held


def test_a_hidden_tab_pauses(page: Page, player: Locator) -> None:
    press(player, "Play")
    expect(player).to_have_attribute("data-playing", "true")
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    expect(player).to_have_attribute("data-playing", "false")
    assert step(player) < LAST


def test_reduced_motion_plays_on_demand_slowly_and_without_transitions(
    tab: Callable[..., Page], serve: Callable[..., str]
) -> None:
    page = tab(reduced_motion="reduce")
    player = opened(page, serve(APP))
    page.wait_for_timeout(300)
    is_at(player, 0)
    start = time.monotonic()
    press(player, "Play")
    expect(player).to_have_attribute("data-step", "2")
    assert time.monotonic() - start > 0.8
    moving = player.evaluate(
        """root => [...root.querySelectorAll("*")].filter((node) => {
          const { transitionDuration, animationName } = getComputedStyle(node);
          return transitionDuration !== "0s" || animationName !== "none";
        }).length"""
    )
    assert moving == 0


@pytest.mark.parametrize("density", [1, 3])
def test_a_phone_shows_all_of_it_with_room_for_fingers(
    tab: Callable[..., Page], serve: Callable[..., str], density: int
) -> None:
    page = tab(viewport=PHONE, device_scale_factor=density, has_touch=True, is_mobile=True)
    player = opened(page, serve(APP))
    page.get_by_text("turning").click()
    settled(page)
    expect(page.get_by_test_id("player")).to_have_count(2)
    beyond = page.get_by_test_id("player").evaluate_all(
        """(roots, width) => roots.flatMap((root) => [...root.querySelectorAll("*")])
          .map((node) => node.getBoundingClientRect())
          .filter(({ left, right }) => left < 0 || right > width).length""",
        PHONE["width"],
    )
    assert beyond == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for control in [*player.get_by_role("button").all(), player.get_by_test_id("player-range")]:
        box = control.bounding_box()
        assert box and box["width"] >= 40 and box["height"] >= 40
    chart = player.get_by_test_id("player-chart").first.locator("svg")
    box = chart.bounding_box()
    assert box
    chart.scroll_into_view_if_needed()
    chart.tap(position={"x": box["width"] / 2, "y": 20}, force=True)
    is_at(player, LAST // 2)


@pytest.mark.parametrize("density", [1, 2, 3])
def test_a_picture_pixel_is_a_whole_number_of_screen_pixels(
    tab: Callable[..., Page], serve: Callable[..., str], density: int
) -> None:
    page = tab(viewport=PHONE, device_scale_factor=density)
    player = opened(page, serve(APP))
    page.get_by_text("turning").click()
    settled(page)
    expect(page.get_by_test_id("player")).to_have_count(2)
    for picture in [
        *page.get_by_test_id("player-frame").all(),
        player.get_by_test_id("player-reference"),
    ]:
        factors = picture.evaluate(
            """picture => {
              const { width, height } = picture.getBoundingClientRect();
              const columns = picture.naturalWidth ?? picture.width;
              const rows = picture.naturalHeight ?? picture.height;
              return [width / columns, height / rows].map((f) => f * devicePixelRatio);
            }"""
        )
        assert factors == pytest.approx([round(factors[0])] * 2, abs=0.01)
        assert factors[0] >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_the_console_stays_clean(
    tab: Callable[..., Page], serve: Callable[..., str], scheme: str
) -> None:
    page = tab(color_scheme=scheme)
    errors = console_errors(page)
    player = opened(page, serve(APP))
    press(player, "Play")
    expect(player).to_have_attribute("data-step", str(LAST))
    press(player, "Previous step")
    settled(page)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    # A node inside a shadow root is a list: the host, then the path inside.
    seen = [
        node["target"]
        for group in ("passes", "violations")
        for rule in found.response[group]
        for node in rule["nodes"]
    ]
    assert any("player" in json.dumps(target) or ".count" in json.dumps(target) for target in seen)
    serious = [
        (rule["id"], node["target"])
        for rule in found.response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]
    assert serious == []
    assert errors == []


# ---- What Python packs.


def packed(frames: Tensor, **changes: Any) -> dict[str, Any]:
    count = len(frames)
    given: dict[str, Any] = {
        "captions": ["theta = [[0.87, -0.50, 0.00], [0.50, 0.87, 0.00]]"] * count,
        "curves": [Curve("loss", [0.1] * count), Curve("error", [0.123456789] * count)],
        "alt": "A run.",
    }
    return player_data(Film(frames, **(given | changes)))


def unpacked(sheet: dict[str, Any]) -> Tensor:
    """Return the frames of a sheet as the browser cuts them: (n, H, W, C), 0 to 255."""
    picture = Image.open(io.BytesIO(base64.b64decode(sheet["uri"].partition(",")[2])))
    pixels = torch.from_numpy(np.array(picture).reshape(picture.height, picture.width, -1))
    height, width = sheet["shape"]
    tiles = [divmod(i, sheet["rows"]) for i in range(sheet["count"])]
    return torch.stack(
        [pixels[y * height :, x * width :][:height, :width] for x, y in tiles]
    ).float()


@pytest.mark.parametrize("shape", [(5, 7, 9), (5, 1, 7, 9), (5, 3, 7, 9), (40, 300, 2)])
def test_a_small_sheet_is_exact_at_8_bits(shape: tuple[int, ...]) -> None:
    frames = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    sheet = packed(frames)["sheet"]
    assert sheet["uri"].startswith("data:image/png;base64,")
    channels_last = frames[..., None] if len(shape) == 3 else frames.movedim(1, -1)
    torch.testing.assert_close(unpacked(sheet), channels_last * 255, rtol=0, atol=0.501)


@pytest.mark.parametrize("kind", ["grey", "colour", "checkerboard"])
def test_121_frames_of_64_by_64_stay_under_300_kb(kind: str) -> None:
    frames = turned(121)
    if kind == "grey":
        frames = frames.mean(dim=1)
    if kind == "checkerboard":
        row, column = torch.arange(64)[:, None], torch.arange(64)
        shift = torch.arange(121)[:, None, None]
        frames = (((row + shift / 2).sin() + (column + shift / 3).cos()) / 4 + 0.5).float()
    data = packed(frames, reference=frames[-1], reference_title="Target")
    assert len(json.dumps(data)) < 300_000
    channels_last = frames[..., None] if frames.ndim == 3 else frames.movedim(1, -1)
    lost = (unpacked(data["sheet"]) / 255 - channels_last).abs()
    assert lost.mean() < 0.02


def test_frames_stay_apart_when_they_need_more_than_one_column() -> None:
    frames = torch.linspace(0, 1, 120)[:, None, None].expand(120, 100, 20)
    sheet = sprite_sheet(frames)
    assert sheet.rows < sheet.count
    tiles = unpacked({"uri": sheet.uri, "rows": sheet.rows, "count": 120, "shape": sheet.shape})
    torch.testing.assert_close(tiles[:, :, :, 0], frames * 255, rtol=0, atol=0.501)


def test_what_json_lacks_becomes_a_gap() -> None:
    curve = Curve("loss", [1.0, float("nan"), float("inf")], log=True)
    data = packed(bars(3), curves=[curve])
    assert data["curves"] == [{"name": "loss", "log": True, "values": [1.0, None, None]}]
    json.dumps(data, allow_nan=False)


def test_the_same_frames_are_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = bars(30) * 0.77
    first = packed(frames)["sheet"]
    monkeypatch.setattr("ui.player.sprite_sheet", lambda _: pytest.fail("packed again"))
    assert packed(frames.clone())["sheet"] == first


@pytest.mark.parametrize(
    ("frames", "changes", "message"),
    [
        (bars(2)[0], {}, "frames must have shape (n, H, W) or (n, 1 or 3, H, W), got (8, 8)"),
        (
            torch.zeros(2, 4, 8, 8),
            {},
            "frames must have shape (n, H, W) or (n, 1 or 3, H, W), got (2, 4, 8, 8)",
        ),
        (
            torch.zeros(0, 8, 8),
            {},
            "frames must have shape (n, H, W) or (n, 1 or 3, H, W), got (0, 8, 8)",
        ),
        (torch.full((2, 8, 8), torch.nan), {}, "frames must be finite, got inf or nan"),
        (
            torch.zeros(1, 1).expand(MOST_PIXELS + 1, 1, 1),
            {},
            "frames must have at most 8,000,000 pixels in all, got 8,000,001",
        ),
        (bars(2), {"captions": ["a"]}, "captions must have one entry per frame, 2, got 1"),
        (
            bars(2),
            {"curves": [Curve("loss", [1.0])]},
            "curve 'loss' must have one entry per frame, 2, got 1",
        ),
        (bars(2), {"fps": 0}, "fps must be from 1 to 60, got 0"),
        (
            bars(2),
            {"reference": bars(2)[0]},
            "reference_title must say what the reference is, got ''",
        ),
        (
            bars(2),
            {"reference": torch.zeros(2, 8, 8), "reference_title": "Target"},
            "reference must have shape (H, W) or (1 or 3, H, W), got (2, 8, 8)",
        ),
        (
            bars(2),
            {"reference": torch.full((8, 8), torch.inf), "reference_title": "Target"},
            "reference must be finite, got inf or nan",
        ),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    frames: Tensor, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        packed(frames, **changes)
    assert str(error.value) == message
