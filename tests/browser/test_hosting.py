"""What a host does to a reader's browser: two workers behind nginx, and one of them killed."""

import os
import signal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests import hosting
from tests.browser.harness import open_page, query, settled, slider, wait_for_query
from ui.server import WORKER_COOKIE


def worker_of(context: BrowserContext) -> str:
    """Return the worker that the browser's cookie names."""
    (value,) = [c.get("value") for c in context.cookies() if c.get("name") == WORKER_COOKIE]
    return str(value)


@pytest.mark.usefixtures("nginx")
def test_a_browser_comes_back_by_itself_with_its_settings_when_its_worker_is_killed(
    page: Page,
) -> None:
    with hosting.hosted() as hosted:
        open_page(page, f"{hosted.url}/affine_grid")
        first = worker_of(page.context)
        slider(page, "degrees").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        wait_for_query(page, {"degrees": "33"})
        os.killpg(hosted.workers[first].pid, signal.SIGKILL)
        expect(page.get_by_test_id("stStatusWidget")).to_be_attached()
        expect(page.get_by_test_id("stStatusWidget")).not_to_be_attached(timeout=30_000)
        settled(page, quiet_ms=1000)
        assert worker_of(page.context) != first
        expect(page.get_by_text("Turns the picture 33° counter-clockwise.")).to_be_visible()
        slider(page, "degrees").focus()
        page.keyboard.press("ArrowRight")
        wait_for_query(page, {"degrees": "34"})
        expect(page.get_by_text("Turns the picture 34° counter-clockwise.")).to_be_visible()
        # A reload finds them too.
        page.reload()
        settled(page, quiet_ms=400)
        assert query(page) == {"degrees": "34"}
        expect(page.get_by_text("Turns the picture 34° counter-clockwise.")).to_be_visible()
