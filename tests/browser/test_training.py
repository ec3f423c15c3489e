"""A run that takes seconds: it shows where it is, hears Stop at once, and blocks nobody."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps.training_app import STEPS
from tests.browser.harness import console_errors, settled

APP = "tests/browser/apps/training_app.py"


def at(page: Page) -> int:
    found = re.search(rf"at (\d+) of {STEPS}", page.get_by_test_id("stMain").inner_text())
    return int(found.group(1)) if found else 0


@pytest.fixture
def running(page: Page, serve: Callable[..., str]) -> Page:
    """The app, with its run begun."""
    page.goto(serve(APP))
    settled(page)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text(re.compile(r"at \d"))).to_be_visible()
    return page


def test_stop_is_heard_while_it_runs_and_keeps_what_there_is(running: Page) -> None:
    errors = console_errors(running)
    running.wait_for_timeout(600)
    running.get_by_role("button", name="Stop", exact=True).click()
    expect(running.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    reached = at(running)
    assert 0 < reached < STEPS
    running.wait_for_timeout(700)
    assert at(running) == reached
    assert errors == []


def test_what_there_is_grows_while_it_runs(running: Page) -> None:
    first = at(running)
    running.wait_for_timeout(1200)
    assert first < at(running) < STEPS


def test_another_part_of_the_page_answers_while_it_runs(running: Page) -> None:
    running.get_by_role("button", name="Count").click()
    expect(running.get_by_text("clicked 1")).to_be_visible()
    before = at(running)
    assert before < STEPS
    running.wait_for_timeout(1200)
    assert at(running) > before


def test_again_begins_anew(running: Page) -> None:
    running.wait_for_timeout(1500)
    running.get_by_role("button", name="Stop", exact=True).click()
    expect(running.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    reached = at(running)
    running.get_by_role("button", name="Train again").click()
    expect(running.get_by_role("button", name="Stop", exact=True)).to_be_enabled()
    assert at(running) <= reached
