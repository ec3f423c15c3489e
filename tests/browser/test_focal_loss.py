"""The page on focal loss in a real browser: parts, typed batches, lessons, training."""

import re

from playwright.sync_api import Locator, Page, expect

from explainers.losses import focal_loss as topic
from tests.browser.harness import (
    console_errors,
    open_page,
    query,
    settled,
    wait_for_query,
)


def show(page: Page, words: str) -> None:
    page.get_by_test_id("stButtonGroup").get_by_text(words, exact=True).first.click()
    settled(page)


def test_each_part_has_controls_of_its_own(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/focal_loss")
    expect(page.get_by_test_id("curves-title").first).to_have_text("A positive's loss")
    expect(page.get_by_role("slider", name="separation")).to_have_count(0)
    show(page, "a batch")
    expect(page.get_by_role("textbox", name="logits")).to_be_visible()
    assert query(page)["show"] == "batch"
    show(page, "many negatives")
    expect(page.get_by_text("The loss of 10,000 negatives adding up")).to_be_visible()
    expect(page.get_by_role("slider", name="separation")).to_be_visible()
    expect(page.get_by_role("textbox", name="logits")).to_have_count(0)
    assert errors == []


def test_gamma_moves_the_curves_and_stands_in_the_address(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/focal_loss")
    legend = page.get_by_test_id("curves-legend").first
    expect(legend).to_contain_text("gamma = 2, now")
    slider = page.get_by_role("slider", name="gamma").first
    slider.press("ArrowRight")
    settled(page)
    wait_for_query(page, {"gamma": "2.1"})
    expect(legend).to_contain_text("gamma = 2.1, now")
    expect(page.get_by_text(topic.explain(topic.Focal(gamma=2.1)).sentence)).to_be_visible()
    assert errors == []


def test_alpha_shows_its_value_and_a_curve_for_the_negative(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/focal_loss")
    legend = page.get_by_test_id("curves-legend").first
    expect(legend).not_to_contain_text("a negative")
    page.get_by_text("alpha", exact=True).first.click()
    settled(page)
    expect(page.get_by_role("slider", name="alpha of a positive").first).to_be_visible()
    expect(legend).to_contain_text("a negative, gamma = 2")


def test_a_batch_is_typed_and_other_lengths_get_their_sentence(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/focal_loss?show=batch")
    logits = page.get_by_role("textbox", name="logits")
    logits.fill("17, -50")
    logits.press("Enter")
    settled(page)
    expect(page.get_by_text("targets must be as many as logits, 2, got 6")).to_be_visible()
    targets = page.get_by_role("textbox", name="targets")
    targets.fill("0, 1")
    targets.press("Enter")
    settled(page)
    expect(page.get_by_text("x = 17, t = 0")).to_be_visible()
    expect(page.get_by_text("targets must be as many")).to_have_count(0)
    assert query(page)["targets"] == "0,1"
    assert errors == []


def test_a_lesson_switches_from_the_wrong_line_to_the_right_one(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/focal_loss")
    page.get_by_text("setting gamma below 1", exact=True).click()
    settled(page)
    expect(page.get_by_text("87 of 121 gradients are NaN")).to_be_visible()
    page.get_by_text("✓ The line that does it").click()
    settled(page)
    expect(page.get_by_text("0 of 121 gradients are NaN")).to_be_visible()


def caption(page: Page, words: str | re.Pattern[str]) -> Locator:
    """The heading of a map; the table of its numbers names it too."""
    if isinstance(words, str):
        words = re.compile(f"^{words}")
    return page.locator("figcaption").filter(has_text=words)


def test_training_draws_three_maps_and_can_be_run_again(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/focal_loss")
    page.get_by_role("button", name="Train under three losses").click()
    for name in topic.LOSSES:
        expect(caption(page, f"{name}, step 200")).to_be_visible(timeout=60_000)
    settled(page, quiet_ms=600)
    legend = page.get_by_test_id("curves-legend").last
    expect(legend).to_contain_text("weighted BCE")
    expect(page.get_by_text(re.compile("off the true probability by")).first).to_be_visible()
    page.get_by_role("button", name="Train again").click()
    expect(caption(page, "focal, step 200")).to_be_visible(timeout=60_000)
    assert errors == []
