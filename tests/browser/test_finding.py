"""A reader searches, lands on the very mistake, and finds the way on: one visit."""

import re

from playwright.sync_api import Page, expect

from tests.browser.harness import console_errors, open_page, query, settled
from ui import catalogue


def test_a_search_leads_to_the_very_mistake_and_the_foot_and_the_sidebar_lead_on(
    page: Page, app_url: str
) -> None:
    errors = console_errors(page)
    open_page(page, app_url)
    page.get_by_role("searchbox").or_(page.get_by_placeholder("align_corners")).fill("past t max")
    settled(page, quiet_ms=600)
    page.get_by_test_id("stMain").get_by_role("link", name="past T_max mistake").click()
    settled(page, quiet_ms=600)
    heading = page.get_by_role("heading", name="Break", exact=True)
    box = heading.bounding_box()
    assert box is not None and 0 <= box["y"] < 200
    expect(heading).to_be_focused()
    expect(page.get_by_role("radio", name="past T_max", exact=True)).to_be_checked()
    assert query(page) == {"mistake": "past-t-max"}
    # Another mistake takes its place in the address; a control of the view takes it out.
    page.get_by_role("radio", name="resuming", exact=True).check(force=True)
    settled(page)
    assert query(page) == {"mistake": "resuming"}
    page.reload()
    settled(page, quiet_ms=600)
    expect(page.get_by_role("radio", name="resuming", exact=True)).to_be_checked()
    expect(heading).to_be_in_viewport()
    page.locator('[class*="-preset-1"] button').click()
    settled(page)
    assert "mistake" not in query(page)
    # A folded chapter's links are out of the keyboard's way until it is opened.
    sidebar = page.get_by_test_id("stSidebar")
    other = catalogue.page("autocast")
    link = sidebar.get_by_role("link", name=other.title, exact=True)
    expect(link).to_have_count(0)
    expect(sidebar.locator("details[open] > summary")).to_have_text(
        catalogue.page("schedulers").chapter
    )
    sidebar.locator("summary").filter(has_text=other.chapter).focus()
    page.keyboard.press("Enter")
    link.focus()
    page.keyboard.press("Enter")
    settled(page, quiet_ms=600)
    expect(page.get_by_role("heading", level=1)).to_have_text(other.title)
    expect(sidebar.locator("[aria-current]")).to_have_text(re.compile(other.title))
    _, after = catalogue.neighbours(other.slug)
    assert after is not None
    page.get_by_role("link", name=f"Next: {after.title}").click()
    settled(page, quiet_ms=600)
    expect(page.get_by_role("heading", level=1)).to_have_text(after.title)
    assert errors == []
