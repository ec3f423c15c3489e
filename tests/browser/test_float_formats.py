"""The page on formats in a real browser: typed numbers, the line, the scale, lessons, training."""

import re

from playwright.sync_api import Page, expect

from explainers.precision import float_formats as topic
from tests.browser.harness import (
    console_errors,
    open_page,
    query,
    settled,
    slider,
    wait_for_query,
)


def typed(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="value")
    box.fill(text)
    box.press("Enter")
    settled(page)


def bits(page: Page) -> str:
    return "".join(page.locator(".bits b").all_inner_texts())


def test_a_typed_number_is_stored_drawn_and_in_the_address(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/float_formats")
    for text in ("2049", "-1/3", "1 + 2**-12"):
        typed(page, text)
        wait_for_query(page, {"value": text})
        view = topic.explain(topic.FloatFormats(value=text))
        expect(page.get_by_text(view.sentence)).to_be_visible()
        assert bits(page) == str(view.chosen.bits).replace(" ", "")
        expect(page.locator(".track .asked")).to_have_text(text)
    page.reload()
    settled(page, quiet_ms=400)
    expect(page.get_by_role("textbox", name="value")).to_have_value("1 + 2**-12")
    assert errors == []


def test_nonsense_gets_its_sentence_and_the_picture_stays(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/float_formats?value=2049")
    before = bits(page)
    typed(page, "9**9**9")
    expect(page.get_by_text("value must be a number, or a sum, product or power")).to_be_visible()
    assert bits(page) == before
    assert query(page) == {"value": "2049"}
    typed(page, "0.5")
    expect(page.get_by_text("value must be a number, or a sum")).to_have_count(0)
    expect(page.get_by_text("float16 stores 0.5 as it is.")).to_be_visible()
    assert errors == []


def test_the_mark_on_the_line_stands_where_the_number_is(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/float_formats?value=2049&zoom=0")
    track = page.locator(".track").bounding_box()
    asked = page.locator(".track .asked").bounding_box()
    stored = page.locator(".track .nearest").bounding_box()
    assert track is not None and asked is not None and stored is not None
    # From 2045 to 2053: the number in the middle, what is stored an eighth of the line before it.
    middle = track["x"] + track["width"] / 2
    assert abs(asked["x"] + asked["width"] / 2 - middle) < 2
    assert abs(stored["x"] + stored["width"] / 2 - (middle - track["width"] / 8)) < 2


def test_another_format_changes_bits_and_bands(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/float_formats")
    page.get_by_test_id("stMain").get_by_text("float8_e4m3fn", exact=True).first.click()
    settled(page)
    assert bits(page) == "00011101"
    expect(page.locator(".big em")).to_have_text(
        ["becomes 0", "fewer digits", "full precision", "held at ±448"]
    )
    expect(page.locator(".six .chosen")).to_contain_text("0.1015625")


def test_the_scale_moves_the_gradients_until_nothing_is_lost(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/float_formats?exponent=14")
    expect(page.get_by_text("keep full precision")).to_have_count(0)
    slider(page, "scale of the gradients").focus()
    page.keyboard.press("ArrowRight")
    wait_for_query(page, {"exponent": "15"})
    expect(page.get_by_text("all keep full precision")).to_be_visible()
    half = page.locator(".shares tr").filter(has_text="float16").first
    expect(half).to_contain_text("100%")


def test_a_lesson_runs_the_wrong_and_the_right_line(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/float_formats")
    page.get_by_role("radio", name="adding up one by one").click()
    settled(page)
    expect(page.get_by_text("4000 ones add up to 2048: 2048 + 1 is 2048.")).to_be_visible()
    page.get_by_role("radio", name=re.compile("The line that does it")).click()
    settled(page)
    expect(page.get_by_text("torch.sum of 4000 ones gives 4000.")).to_be_visible()


def test_training_draws_four_runs_and_can_be_run_again(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/float_formats")
    page.get_by_role("button", name="Train in four formats").click()
    settled(page, quiet_ms=800)
    legend = page.get_by_test_id("curves-legend").last
    for held in topic.HELD:
        expect(legend).to_contain_text(held)
    page.get_by_role("button", name="Train again").click()
    settled(page, quiet_ms=800)
    expect(legend).to_contain_text(topic.HELD[-1])
    assert errors == []


def test_a_training_that_is_stopped_keeps_what_it_has(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/float_formats")
    page.get_by_role("button", name="Train in four formats").click()
    settled(page, quiet_ms=800)
    slider(page, "steps").last.focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Stop", exact=True).last.click()
    settled(page, quiet_ms=800)
    expect(page.get_by_role("button", name="Train again")).to_be_visible()
    assert "Something went wrong" not in page.content()
    assert errors == []
