"""The page on schedulers in a real browser: calls by controls, kept curves, refusals, training."""

import re

from playwright.sync_api import Locator, Page, expect

from explainers.optimizers import schedulers as topic
from tests.browser.harness import console_errors, open_page, query, settled, wait_for_query

KEPT_TWELVE = "; ".join(f"CosineAnnealingLR(T_max={size})" for size in range(100, 1300, 100))


def choose(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="scheduler").first.click()
    page.get_by_role("option", name=name, exact=True).click()
    settled(page)


def number(page: Page, name: str) -> Locator:
    return page.get_by_role("spinbutton", name=name, exact=True).first


def readout(page: Page) -> Locator:
    return page.get_by_test_id("curves-readout").first


def test_an_argument_is_set_by_its_control_and_stands_in_the_address(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers")
    number(page, "T_max").fill("30")
    number(page, "T_max").press("Enter")
    settled(page)
    wait_for_query(page, {"schedule": "CosineAnnealingLR(T_max=30)"})
    view = topic.explain(topic.Schedulers(schedule="CosineAnnealingLR(T_max=30)"))
    expect(page.get_by_text(view.sentence)).to_be_visible()
    assert errors == []


def test_every_scheduler_can_be_chosen_and_draws_its_curve(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers")
    for name in (*topic.SCHEDULERS, *topic.COMPOSERS):
        choose(page, name)
        expect(page.get_by_test_id("curves-title").first).to_contain_text(name)
        assert "Something went wrong" not in page.content()
        expect(page.get_by_test_id("stAlert").filter(has_text=f"{name}:")).to_have_count(0)
    assert errors == []


def test_a_kept_curve_stays_while_the_next_is_made_and_can_be_forgotten(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/schedulers")
    page.get_by_role("button", name="Keep this curve").click()
    settled(page)
    choose(page, "StepLR")
    legend = page.get_by_test_id("curves-legend").first
    expect(legend).to_contain_text("StepLR(step_size=30)")
    expect(legend).to_contain_text("CosineAnnealingLR(T_max=40)")
    assert query(page)["kept"] == "CosineAnnealingLR(T_max=40)"
    page.get_by_test_id("stButtonGroup").get_by_text("CosineAnnealingLR(T_max=40)").click()
    settled(page)
    expect(legend).not_to_contain_text("CosineAnnealingLR")
    assert "kept" not in query(page)


def test_a_typed_formula_is_drawn_and_nonsense_gets_its_sentence(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers")
    choose(page, "LambdaLR")
    box = page.get_by_role("textbox", name="lr_lambda")
    box.fill("1/(epoch+1)")
    box.press("Enter")
    settled(page)
    assert query(page)["schedule"] == 'LambdaLR(lr_lambda="1/(epoch+1)")'
    box.fill("__import__('os')")
    box.press("Enter")
    settled(page)
    expect(page.get_by_text("lr_lambda must be a formula in epoch")).to_be_visible()
    assert query(page)["schedule"] == 'LambdaLR(lr_lambda="1/(epoch+1)")'
    expect(box).to_have_value("__import__('os')")
    box.fill("0.5**epoch")
    box.press("Enter")
    settled(page)
    expect(page.get_by_text("lr_lambda must be")).to_have_count(0)
    assert query(page)["schedule"] == 'LambdaLR(lr_lambda="0.5**epoch")'
    assert errors == []


def test_other_losses_are_chosen_from_a_list_and_ones_own_get_their_box(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers?schedule=ReduceLROnPlateau()")
    box = page.get_by_role("textbox", name="own losses")
    expect(box).to_have_count(0)
    for words in ("numbers of your own", "falls, with noise"):
        page.get_by_role("combobox", name="losses").click()
        page.get_by_role("option", name=words, exact=True).click()
        settled(page)
        expect(box).to_have_count(int(words == "numbers of your own"))
    assert query(page)["losses"] == "noisy"
    assert errors == []


def test_a_child_is_added_with_its_milestone(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/schedulers")
    choose(page, "SequentialLR")
    page.get_by_role("button", name="Add a scheduler").click()
    settled(page)
    added = (
        "SequentialLR(LinearLR(start_factor=0.1, total_iters=10), CosineAnnealingLR(T_max=90), "
        "ExponentialLR(gamma=0.95), milestones=[10, 40])"
    )
    wait_for_query(page, {"schedule": added})
    child = page.get_by_role("textbox", name="second scheduler")
    child.fill("StepLR(step_size=0)")
    child.press("Enter")
    settled(page)
    expect(
        page.get_by_text("step_size must be a whole number from 1 to 1000000000")
    ).to_be_visible()


def test_training_runs_under_every_schedule_on_show_and_can_be_run_again(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers?kept=StepLR(step_size=7)")
    page.get_by_role("button", name="Train under every schedule shown").click()
    settled(page, quiet_ms=600)
    legend = page.get_by_test_id("curves-legend").last
    expect(legend).to_contain_text(re.compile(r"CosineAnnealingLR\(T_max=40\): \d+% right"))
    expect(legend).to_contain_text(re.compile(r"StepLR\(step_size=7\): \d+% right"))
    # What no schedule would give stands beside them.
    expect(legend).to_contain_text(re.compile(r"constant, 0\.1: \d+% right"))
    page.get_by_role("button", name="Train again").click()
    settled(page, quiet_ms=600)
    expect(legend).to_contain_text(re.compile(r"\d+% right"))
    assert errors == []


def test_a_run_that_is_stopped_keeps_what_it_has(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers?steps=1000&kept={KEPT_TWELVE}")
    page.get_by_role("button", name="Train under every schedule shown").click()
    stop = page.get_by_role("button", name="Stop", exact=True).last
    stop.click()
    expect(stop).to_be_disabled()
    settled(page, quiet_ms=600)
    trained = page.get_by_test_id("curves-legend").last.get_by_role("button")
    assert 1 <= trained.count() < 13
    assert "Something went wrong" not in page.content()
    assert errors == []


def test_twelve_kept_curves_of_a_thousand_steps_are_all_there(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/schedulers?steps=1000&kept={KEPT_TWELVE}&schedule=LinearLR()")
    expect(page.get_by_test_id("curves-legend").first.get_by_role("button")).to_have_count(13)
    expect(readout(page)).to_contain_text("step 999")


def test_a_kept_saw_tooth_of_a_million_steps_is_a_whole_area_below_the_others(
    page: Page, app_url: str
) -> None:
    kept = "CosineAnnealingWarmRestarts(T_0=2000);PolynomialLR(total_iters=1000000)"
    open_page(page, f"{app_url}/schedulers?steps=1000000&schedule=LinearLR()&kept={kept}")
    drawn = page.get_by_test_id("curves-drawing").first.locator(".window path.curve")
    found = drawn.evaluate_all(
        "paths => paths.map((path) => [path.classList[1], path.hasAttribute('stroke-dasharray')])"
    )
    assert found == [["c1", False], ["c0", False], ["c2", True]]


def test_two_arguments_set_one_after_the_other_both_stay(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/schedulers")
    for name, value in (("T_max", "30"), ("eta_min", "0.02"), ("T_max", "40")):
        number(page, name).fill(value)
        number(page, name).press("Enter")
        settled(page)
    wait_for_query(page, {"schedule": "CosineAnnealingLR(T_max=40, eta_min=0.02)"})


def test_pasted_lines_become_one_and_are_read(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/schedulers")
    page.get_by_role("button", name="Optimizer and code").click()
    settled(page)
    box = page.get_by_role("textbox", name="schedule", exact=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app_url)
    code = "first = LinearLR(optimizer)\nsecond = StepLR(optimizer, 9)\n"
    code += "SequentialLR(optimizer, [first, second], milestones=[5])"
    page.evaluate("code => navigator.clipboard.writeText(code)", code)
    box.click()
    box.press("Control+a")
    box.press("Control+v")
    expect(box).to_have_value(code.replace("\n", " "))
    box.press("Enter")
    settled(page)
    read = "SequentialLR(LinearLR(), StepLR(step_size=9), milestones=[5])"
    wait_for_query(page, {"schedule": read})
    expect(box).to_have_value(read)
    assert errors == []
