"""The page on the GradScaler in a real browser: the stepper, linked charts, mistakes, training."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from explainers.precision import grad_scaler as topic
from tests.browser.harness import (
    console_errors,
    load_all,
    open_page,
    settled,
    slider,
    wait_for_query,
)

CALLS = ("zero_grad", "forward", "scale", "backward", "unscale_", "step", "update")


@pytest.fixture
def stepper(page: Page, app_url: str) -> Locator:
    open_page(page, f"{app_url}/grad_scaler")
    return page.get_by_test_id("stepper").first


def press(stepper: Locator, name: str) -> None:
    stepper.get_by_role("button", name=name, exact=True).click()


def is_at(stepper: Locator, step: int, call: str, *lit: str) -> None:
    """Everything on screen agrees on the step and the call."""
    expect(stepper).to_have_attribute("data-step", str(step))
    expect(stepper.locator(".calls [aria-current]")).to_have_text(re.compile(f"^{call}"))
    expect(stepper.get_by_test_id("stepper-facts")).to_contain_text(f"Step {step}:")
    for part in lit:
        expect(stepper.locator(f'[data-part="{part}"]')).to_have_class(re.compile(r"\blit\b"))
    expect(stepper.locator(".drawing .lit")).to_have_count(len(lit))


def test_it_begins_at_the_first_skipped_step(stepper: Locator) -> None:
    is_at(stepper, 25, "step", "UNSCALED step", "STEPPED")
    expect(stepper.get_by_test_id("stepper-facts")).to_contain_text("no weight moves")


def test_next_walks_through_the_states_call_by_call_and_on_to_the_next_step(
    stepper: Locator,
) -> None:
    press(stepper, "Next call")
    is_at(stepper, 25, "update", "STEPPED update", "READY")
    press(stepper, "Next call")
    is_at(stepper, 26, "zero_grad", "READY")
    press(stepper, "Previous call")
    is_at(stepper, 25, "update", "STEPPED update", "READY")
    press(stepper, "Next step")
    is_at(stepper, 26, "zero_grad", "READY")
    stepper.get_by_role("button", name="unscale_", exact=True).click()
    is_at(stepper, 26, "unscale_", "READY unscale_", "UNSCALED")


def test_play_runs_on_and_pause_stops(stepper: Locator, page: Page) -> None:
    press(stepper, "Play")
    expect(stepper).to_have_attribute("data-playing", "true")
    expect(stepper).not_to_have_attribute("data-call", "5")
    press(stepper, "Pause")
    expect(stepper).to_have_attribute("data-playing", "false")
    at = stepper.get_attribute("data-call")
    page.wait_for_timeout(800)
    assert stepper.get_attribute("data-call") == at


def test_a_chart_and_the_stepper_go_to_the_same_step(stepper: Locator, page: Page) -> None:
    readouts = page.get_by_test_id("curves-readout")
    stepper.get_by_test_id("stepper-range").fill("7")
    for index in range(2):
        expect(readouts.nth(index)).to_contain_text("step 7:")
    chart = page.get_by_test_id("curves").first
    chart.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    expect(stepper).to_have_attribute("data-step", "8")
    expect(readouts.nth(1)).to_contain_text("step 8:")


def test_the_readers_step_outlives_another_run(stepper: Locator, page: Page) -> None:
    stepper.get_by_test_id("stepper-range").fill("30")
    page.get_by_role("radio", name="bfloat16", exact=True).click()
    settled(page)
    expect(stepper).to_have_attribute("data-step", "30")
    wait_for_query(page, {"dtype": "bfloat16"})
    # A shorter run has no step 30: its last stands in.
    slider(page, "steps").press("Home")
    settled(page)
    expect(stepper).to_have_attribute("data-step", "9")


def test_poison_clipping_and_their_details_come_and_go(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/grad_scaler")
    box = page.get_by_role("textbox", name="poisoned steps")
    box.fill("3, 4.5")
    box.press("Enter")
    settled(page)
    sentence = "poisoned must be 1 to 24 whole numbers from 0 to 199, with commas between"
    expect(page.get_by_text(sentence)).to_be_visible()
    box.fill("3, 4")
    box.press("Enter")
    settled(page)
    wait_for_query(page, {"poisoned": "3,4"})
    expect(page.get_by_text(sentence)).to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("at steps 3, 4"))).to_be_visible()
    page.get_by_role("radio", name="none", exact=True).click()
    settled(page)
    expect(box).to_have_count(0)
    page.get_by_text("clip", exact=True).click()
    settled(page)
    expect(page.get_by_text("unscale_ first", exact=True)).to_be_visible()
    assert errors == []


def test_the_illegal_edge_is_lit_and_torch_is_quoted(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/grad_scaler")
    load_all(page)
    page.get_by_role("radio", name="order of calls", exact=True).click()
    settled(page)
    own = page.get_by_test_id("stepper").nth(1)
    lit = own.locator(".drawing .illegal.lit")
    expect(lit).to_have_count(1)
    expect(own.get_by_test_id("stepper-words")).to_contain_text("already been called")
    page.get_by_role("radio", name="✓ The line that does it").click()
    settled(page)
    expect(own.locator(".drawing .illegal.lit")).to_have_count(0)


def test_the_four_ways_train_and_each_says_what_it_loses(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/grad_scaler")
    load_all(page)
    page.get_by_role("button", name="Train four ways").click()
    settled(page, timeout_ms=60_000)
    legend = page.get_by_test_id("curves-legend").last
    for way in topic.WAYS:
        expect(legend.get_by_role("button", name=re.compile(f"^{way}"))).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_stepper_is_accessible_and_whole_on_a_phone(
    tab: Callable[..., Page], app_url: str, scheme: str
) -> None:
    phone = {"width": 390, "height": 844}
    page = tab(viewport=phone, color_scheme=scheme)
    open_page(page, f"{app_url}/grad_scaler")
    stepper = page.get_by_test_id("stepper").first
    box = stepper.bounding_box()
    assert box is not None
    for part in stepper.locator("button, input, p").all():
        inner = part.bounding_box()
        assert inner is None or inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
    size = stepper.locator("text").first.evaluate("n => n.getBoundingClientRect().height")
    assert size >= 11
    found = Axe().run(page)
    assert found.response["violations"] == []
