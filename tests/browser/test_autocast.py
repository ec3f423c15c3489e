"""The page on autocast in a real browser: buttons choose, sliders mark, lessons and costs run."""

import re

from playwright.sync_api import Page, expect

from tests.browser.harness import console_errors, open_page, settled, slider, wait_for_query


def test_a_click_chooses_an_operation_and_the_address_keeps_it(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/autocast")
    page.locator('button[data-choice="mse_loss"]').click()
    wait_for_query(page, {"op": "mse_loss"})
    expect(page.locator('button[data-choice="mse_loss"]')).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("torch ran: mse_loss(float32, float32) gives float32")).to_be_visible()
    expect(page.get_by_test_id("curves-title").first).to_contain_text("mse_loss")
    page.reload()
    settled(page, quiet_ms=400)
    expect(page.locator('button[data-choice="mse_loss"]')).to_have_attribute("aria-pressed", "true")
    assert errors == []


def test_the_arrows_walk_among_the_operations_and_enter_chooses(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/autocast")
    page.locator('button[data-choice="matmul"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('button[data-choice="mm"]')).to_be_focused()
    page.keyboard.press("Enter")
    wait_for_query(page, {"op": "mm"})
    expect(page.locator('button[data-choice="mm"]')).to_be_focused()


def test_larger_inputs_overflow_on_their_buttons(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/autocast?exponent=7")
    chip = page.locator('button[data-choice="matmul"]')
    expect(chip).not_to_contain_text("∞")
    slider(page, "size of the inputs").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    expect(chip).to_contain_text("∞")
    page.get_by_role("radio", name="bfloat16", exact=True).first.click()
    settled(page)
    expect(chip).to_contain_text("bf16")
    expect(chip).not_to_contain_text("∞")


def test_the_switch_shows_what_happens_without_autocast(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/autocast?inputs=mixed")
    chip = page.locator('button[data-choice="linear"]')
    expect(chip).to_contain_text("f16")
    page.get_by_test_id("stCheckbox").filter(has_text="autocast is on").locator("label").click()
    settled(page)
    expect(chip).to_contain_text("raises")


def test_the_main_figure_stands_on_the_first_screen(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/autocast")
    box = page.locator('button[data-choice="max_pool2d"]').bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 720


def test_a_lesson_runs_the_wrong_and_the_right_line(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/autocast")
    page.get_by_role("radio", name="sigmoid, then its loss").click()
    settled(page)
    expect(page.get_by_text("the loss is 100, its gradient NaN")).to_be_visible()
    page.get_by_role("radio", name=re.compile("The line that does it")).click()
    settled(page)
    expect(page.get_by_text("The loss is 9, its gradient 1.")).to_be_visible()


def test_what_it_buys_is_measured_again_when_asked(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/autocast")
    page.get_by_role("button", name="Measure on this device").click()
    settled(page, quiet_ms=1000)
    table = page.locator(".ops.costs")
    expect(table).to_contain_text(re.compile(r"autocast float16\s*[\d.]+ ×"))
    page.get_by_role("button", name="Measure again").click()
    settled(page, quiet_ms=1000)
    expect(table).to_contain_text("autocast bfloat16")
    expect(page.get_by_text(re.compile("lower on this cpu"))).to_be_visible()
    assert errors == []


def test_a_measurement_that_is_stopped_leaves_the_page_usable(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/autocast")
    page.get_by_role("button", name="Measure on this device").click()
    settled(page, quiet_ms=1000)
    steps = slider(page, "steps timed")
    steps.focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Stop", exact=True).last.click()
    settled(page, quiet_ms=1000)
    expect(page.get_by_role("button", name="Measure again")).to_be_visible()
    assert "Something went wrong" not in page.content()
    page.locator('button[data-choice="add"]').click()
    wait_for_query(page, {"op": "add"})
    assert errors == []
