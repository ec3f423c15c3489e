"""The page on initialization in a real browser: controls, kept schemes, mistakes, training."""

import re

from playwright.sync_api import Page, expect

from explainers.initialization import initialization as topic
from tests.browser.harness import console_errors, open_page, query, settled, wait_for_query


def choose(page: Page, control: str, name: str) -> None:
    page.get_by_role("combobox", name=control).first.click()
    page.get_by_role("option", name=name, exact=True).click()
    settled(page)


def test_another_scheme_changes_curves_sentence_address_and_its_own_controls(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/initialization")
    legend = page.get_by_test_id("curves-legend").first
    expect(legend).to_contain_text("kaiming_normal")
    expect(page.get_by_text("mode", exact=True).first).to_be_visible()
    choose(page, "scheme", "orthogonal")
    expect(legend).to_contain_text("orthogonal")
    expect(legend).not_to_contain_text("kaiming_normal")
    wait_for_query(page, {"scheme": "orthogonal"})
    view = topic.explain(topic.Initialization(scheme="orthogonal"))
    expect(page.get_by_text(view.sentence)).to_be_visible()
    expect(page.get_by_text("mode", exact=True)).to_have_count(0)
    choose(page, "nonlinearity", "gelu")
    expect(page.get_by_test_id("curves-title").first).to_contain_text("gelu")
    assert errors == []


def test_a_gain_of_ones_own_brings_its_slider_and_moves_the_curve(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/initialization")
    slider = page.get_by_role("slider", name="gain")
    expect(slider).to_have_count(0)
    page.get_by_text("custom gain").click()
    settled(page)
    expect(slider).to_have_count(1)
    expect(page.get_by_test_id("curves-legend").first).to_contain_text("kaiming_normal(gain=1)")
    slider.press("ArrowRight")
    settled(page)
    wait_for_query(page, {"own_gain": "true", "gain": "1.05"})
    expect(page.get_by_test_id("curves-legend").first).to_contain_text("kaiming_normal(gain=1.05)")


def test_a_scheme_is_kept_while_the_next_is_made_and_can_be_forgotten(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/initialization?kept=zeros")
    page.get_by_role("button", name="Keep this scheme").click()
    settled(page)
    choose(page, "scheme", "torch's default")
    assert query(page)["scheme"] == "default"
    legend = page.get_by_test_id("curves-legend").first
    for name in ("torch's default", "zeros", "kaiming_normal"):
        expect(legend).to_contain_text(name)
    assert query(page)["kept"] == "zeros; kaiming_normal"
    page.get_by_test_id("stButtonGroup").get_by_text("zeros", exact=True).click()
    settled(page)
    expect(legend).not_to_contain_text("zeros")
    assert query(page)["kept"] == "kaiming_normal"
    page.get_by_role("button", name="Forget all").click()
    settled(page)
    expect(legend).not_to_contain_text("kaiming_normal")


def test_the_histograms_follow_their_slider(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/initialization")
    expect(page.get_by_text(re.compile("^activations, layer 12")).first).to_be_visible()
    page.get_by_role("slider", name="histograms of layer").press("ArrowRight")
    settled(page)
    expect(page.get_by_text(re.compile("^activations, layer 13")).first).to_be_visible()
    assert errors == []


def test_a_mistake_switches_between_its_lines(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/initialization")
    page.get_by_test_id("stButtonGroup").get_by_text("fill_ in place", exact=True).click()
    settled(page)
    expect(page.get_by_text("torch says: a leaf Variable that requires grad")).to_be_visible()
    page.get_by_text("✓ The line that does it").click()
    settled(page)
    expect(page.get_by_text("The weights: 1.00 to 1.00.")).to_be_visible()
    expect(page.get_by_text("torch says: a leaf Variable")).to_have_count(0)
    assert errors == []


def test_training_runs_from_every_scheme_on_show_and_can_be_run_again(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/initialization?kept=default")
    page.get_by_role("button", name="Train from every scheme shown").click()
    legend = page.get_by_test_id("curves-legend").last
    expect(legend).to_contain_text(re.compile(r"default: \d+% right"), timeout=60_000)
    expect(legend).to_contain_text(re.compile(r"kaiming_normal: \d+% right"))
    settled(page, quiet_ms=600)
    page.get_by_role("button", name="Train again").click()
    expect(legend).to_contain_text(re.compile(r"default: \d+% right"), timeout=60_000)
    assert errors == []


def test_a_run_that_is_stopped_keeps_what_it_has(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    kept = "default; orthogonal; xavier_normal(gain=1); xavier_uniform; kaiming_uniform"
    open_page(page, f"{app_url}/initialization?kept={kept}")
    page.get_by_role("button", name="Train from every scheme shown").click()
    page.get_by_role("button", name="Stop", exact=True).last.click()
    settled(page, quiet_ms=600)
    expect(page.get_by_role("button", name="Train again")).to_be_visible()
    page.get_by_role("button", name="SELU's two gains").click()
    settled(page)
    expect(page.get_by_test_id("curves-legend").first).to_contain_text("kaiming_normal(gain=1)")
    assert "Something went wrong" not in page.content()
    assert errors == []
