"""What all pages share: controls in sight, the preset on show, the tour, one hint."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import load_all, open_page, query, settled, slider
from ui import catalogue, tour

Tab = Callable[..., Page]

SCROLL = "(main, y) => main.scrollTo(0, y)"


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def scroll(page: Page, y: float) -> None:
    main(page).evaluate(SCROLL, y)
    settled(page)


def controls(page: Page) -> dict[str, float]:
    box = page.get_by_test_id("stColumn").filter(has=page.locator(".st-key-see-controls"))
    found = box.last.bounding_box()
    assert found is not None
    return {"top": found["y"], "bottom": found["y"] + found["height"]}


def test_controls_stay_beside_the_pictures_that_they_change(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/grad_scaler")
    load_all(page)
    last = page.get_by_test_id("curves-title").nth(1)
    box = last.bounding_box()
    assert box is not None
    scroll(page, main(page).evaluate("main => main.scrollTop") + box["y"] - 300)
    expect(last).to_be_in_viewport()
    expect(page.get_by_test_id("stSlider").filter(has_text="growth_interval")).to_be_in_viewport()
    assert controls(page)["bottom"] <= 900
    # They leave with the view: Prove has the whole width.
    page.get_by_role("heading", name="Prove").scroll_into_view_if_needed()
    settled(page)
    assert controls(page)["bottom"] < 300


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_picture_and_the_first_control_at_once(
    tab: Tab, app_url: str, scheme: str
) -> None:
    page = tab(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True)
    open_page(page, f"{app_url}/affine_grid")
    degrees = slider(page, "degrees")
    expect(page.get_by_test_id("stSlider").filter(has_text="degrees")).to_be_in_viewport()
    expect(
        page.get_by_role("img", name="Output").or_(page.get_by_text("Output")).first
    ).to_be_in_viewport()
    before = query(page)
    degrees.focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    assert query(page) != before
    # The first control is moved where it is; the last has more room, and hides no page below.
    narrow = controls(page)
    assert narrow["bottom"] - narrow["top"] < 150
    page.get_by_role("heading", name="Prove").scroll_into_view_if_needed()
    settled(page)
    assert controls(page)["bottom"] < 844


def test_the_tour_leads_from_stop_to_stop_with_its_settings(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/")
    page.get_by_test_id("stPageLink").filter(has_text=tour.STOPS[0].title).get_by_role(
        "link"
    ).click()
    settled(page)
    for number, stop in enumerate(tour.STOPS, 1):
        expect(
            page.get_by_text(f"Stop {number} of {len(tour.STOPS)}: {stop.title}.")
        ).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text(catalogue.page(stop.slug).title)
        found = query(page)
        assert found["tour"] == str(number)
        for name, text in stop.settings.address().items():
            assert found[name] == text
        if number < len(tour.STOPS):
            page.get_by_role("link", name=f"Next: {tour.STOPS[number].title}").click()
            settled(page)


def test_the_first_chart_alone_says_how_it_is_read(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/focal_loss")
    load_all(page)
    assert page.get_by_test_id("curves").count() > 2
    hints = page.get_by_text("Hover or tap to read values.")
    seen = [hint for hint in hints.all() if hint.is_visible()]
    assert len(seen) == 1
    first = page.get_by_test_id("curves").first
    expect(first.get_by_text("Hover or tap to read values.")).to_be_visible()


@pytest.mark.parametrize("part", ["Break", "Prove", "Learn", "Take"])
def test_a_link_leads_to_each_part_of_the_page(page: Page, app_url: str, part: str) -> None:
    open_page(page, f"{app_url}/autocast")
    page.get_by_role("link", name=part, exact=True).click()
    settled(page)
    expect(page.get_by_role("heading", name=part, exact=True)).to_be_in_viewport()
    assert len(page.context.pages) == 1
