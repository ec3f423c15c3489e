"""The page on interpolate in a real browser: figures that are edited, calls that are refused."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from explainers.sampling import interpolate as topic
from tests.browser.harness import console_errors, open_page, query, settled, slider, wait_for_query


def handle(page: Page, index: int) -> Locator:
    return page.get_by_test_id("signal-handle").nth(index)


def samples(page: Page) -> Locator:
    return page.get_by_role("textbox", name="samples")


def choose(page: Page, group: str, option: str) -> None:
    page.get_by_role("radiogroup", name=group).get_by_role("radio", name=option).click()
    settled(page)


def test_a_dragged_sample_is_resized_by_torch_and_stands_in_box_and_address(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/interpolate")
    box = handle(page, 1).locator("rect").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 40, steps=4)
    page.mouse.up()
    settled(page)
    held = samples(page).input_value()
    moved = [float(text) for text in held.split(",")]
    assert moved[1] < 0.8
    assert moved[:1] + moved[2:] == [0, 0.2, 1, 0.4]
    assert query(page) == {"samples": held.replace(" ", "")}
    view = topic.explain(topic.Interpolate(samples=held))
    assert view.line is not None
    label = page.get_by_role("img", name=re.compile("^5 samples")).first
    expect(label).to_have_attribute(
        "aria-label", re.compile(re.escape(f"{float(view.line.outputs[1]):.3g}"))
    )
    assert errors == []


def test_a_sample_is_moved_by_keys_alone(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/interpolate")
    handle(page, 0).focus()
    page.keyboard.press("ArrowUp")
    settled(page)
    expect(samples(page)).to_have_value("0.05, 0.8, 0.2, 1, 0.4")
    page.keyboard.press("ArrowUp")
    settled(page)
    expect(samples(page)).to_have_value("0.1, 0.8, 0.2, 1, 0.4")


def test_typed_samples_reach_the_figure(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/interpolate")
    samples(page).fill("[0, 1, 0, 1]")
    samples(page).press("Enter")
    settled(page)
    expect(samples(page)).to_have_value("0, 1, 0, 1")
    expect(page.get_by_test_id("signal-handle")).to_have_count(4)
    wait_for_query(page, {"samples": "0,1,0,1"})


def test_a_sentence_for_typed_nonsense_and_the_figure_stays(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/interpolate?samples=0,1,2")
    samples(page).fill("0, nan, 2")
    samples(page).press("Enter")
    settled(page)
    expect(page.get_by_text("samples must be 2 to 12 numbers from -9 to 9")).to_be_visible()
    expect(page.get_by_test_id("signal-handle")).to_have_count(3)
    assert query(page) == {"samples": "0,1,2"}
    slider(page, "scale_factor").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    expect(samples(page)).to_have_value("0, nan, 2")
    handle(page, 0).focus()
    page.keyboard.press("ArrowUp")
    settled(page)
    expect(page.get_by_text("samples must be")).to_have_count(0)
    expect(samples(page)).to_have_value("0.05, 1, 2")
    assert errors == []


def test_an_edited_cell_changes_torchs_table_and_the_address(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/interpolate?input=table&mode=bilinear&align_corners=True")
    cell = page.get_by_role("textbox", name="row 1, column 1")
    cell.fill("7")
    cell.press("Enter")
    settled(page)
    expect(page.get_by_role("textbox", name="table")).to_have_value("1, 2; 3, 7")
    assert query(page)["table"] == "1,2;3,7"
    view = topic.explain(
        topic.Interpolate(input="table", mode="bilinear", align_corners="True", table="1, 2; 3, 7")
    )
    assert view.output is not None
    number = f"{float(view.output[0, 2, 2]):.4g}"
    expect(page.get_by_role("grid").get_by_text(number).first).to_be_visible()


def test_a_refused_call_is_explained_in_place_and_loses_nothing(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/interpolate?mode=bicubic")
    sentence = "mode must be one of nearest, nearest-exact, linear, area for an input (C, L)"
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_text("torch says: Input Error: Only 3D, 4D and 5D")).to_be_visible()
    assert query(page) == {"mode": "bicubic"}
    page.get_by_role("button", name="Fill in between", exact=True).click()
    settled(page)
    expect(page.get_by_text(sentence)).to_have_count(0)
    expect(page.get_by_test_id("signal-sum")).to_be_visible()
    assert errors == []


def test_another_input_keeps_the_rule_under_the_name_that_torch_gives_it_there(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/interpolate")
    choose(page, "input", "volume")
    # The first such radio is the view's; Break has one of its own.
    expect(page.get_by_role("radio", name="trilinear").first).to_be_checked()
    choose(page, "input", "picture")
    expect(page.get_by_role("radio", name="bilinear", exact=True).first).to_be_checked()
    choose(page, "input", "signal")
    expect(page.get_by_role("radio", name="linear", exact=True).first).to_be_checked()
    wait_for_query(page, {})


def test_antialias_makes_every_pixel_count(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/interpolate?input=picture&mode=bilinear&given=size&size=32")
    expect(page.get_by_text("75% of the input is never read.")).to_be_visible()
    page.get_by_text("antialias", exact=True).click()
    settled(page)
    expect(page.get_by_text("of the input is never read.")).to_have_count(0)
    assert query(page)["antialias"] == "true"


def test_a_lessons_figure_follows_the_line_that_runs(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/interpolate")
    page.get_by_role("radio", name="nearest drifts").click()
    settled(page)
    expect(page.get_by_role("img", name=re.compile("read at 0, 1, 3"))).to_be_visible()
    page.get_by_role("radio", name=re.compile("The line that does it")).click()
    settled(page)
    expect(page.get_by_role("img", name=re.compile("read at 0, 2, 4"))).to_be_visible()


def test_the_trained_layer_ends_at_the_formula(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/interpolate")
    page.get_by_role("button", name="Train a transposed convolution").click()
    settled(page, quiet_ms=400)
    expect(page.get_by_text(re.compile("the kernel is within .*e-0"))).to_be_visible()
    page.get_by_role("radio", name="a picture").click()
    settled(page, quiet_ms=400)
    expect(page.get_by_text(re.compile(r"the kernel is within 0\.\d"))).to_be_visible()


@pytest.mark.parametrize("address", ["", "input=table&mode=bilinear", "input=picture&mode=area"])
def test_nothing_is_spoken_before_the_reader_acts(page: Page, app_url: str, address: str) -> None:
    open_page(page, f"{app_url}/interpolate?{address}")
    page.wait_for_timeout(600)
    for live in page.locator("[aria-live=polite]:not([role])").all():
        assert live.text_content() == ""
