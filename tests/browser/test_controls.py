"""The controls in a browser: a logarithmic slider stops at the numbers that it says."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.apps.controls_app import Rate
from tests.browser.harness import console_errors, open_page, settled, slider


def test_a_key_moves_a_logarithmic_slider_to_its_next_stop_and_torch_gets_that_number(
    page: Page, serve: Callable[..., str]
) -> None:
    errors = console_errors(page)
    open_page(page, serve("tests/browser/apps/controls_app.py"))
    stops = Rate.specs()["rate"].stops(0.1)  # type: ignore[union-attr]
    place = stops.index(0.1)
    thumb = slider(page, "rate")
    expect(page.get_by_text("rate: 0.1", exact=True)).to_be_visible()
    thumb.press("ArrowRight")
    settled(page)
    expect(page.get_by_text(f"rate: {stops[place + 1]!r}", exact=True)).to_be_visible()
    thumb.press("End")
    settled(page)
    expect(page.get_by_text("rate: 10.0", exact=True)).to_be_visible()
    thumb.press("Home")
    settled(page)
    expect(page.get_by_text("rate: 1e-05", exact=True)).to_be_visible()
    # What stands at the thumb is the number that is held, as it is spelled elsewhere.
    expect(page.get_by_test_id("stSlider")).to_contain_text("1e-05")
    assert errors == []
