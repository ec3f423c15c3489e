"""Fixtures of the browser suite: servers, Chromium, and a fresh context for each test."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.harness import NO_CHROMIUM, Server, chromium_path, launch, serving, watch_rest

DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[..., Server]]:
    """Give a factory of running servers; each script with the same options is served once."""
    running: dict[tuple[str, ...], Server] = {}
    with ExitStack() as stack:

        def start(script: str | Path, *extra_args: str) -> Server:
            key = (str(script), *extra_args)
            if key not in running:
                # Without a watcher a file saved during the tests leaves the pages alone.
                options = ("--server.fileWatcherType", "none", *extra_args)
                running[key] = stack.enter_context(serving(script, *options))
            return running[key]

        yield start


@pytest.fixture(scope="session")
def serve(server: Callable[..., Server]) -> Callable[..., str]:
    """Give ``serve(script, *extra_args)``, which returns the address of the running server."""
    return lambda script, *extra_args: server(script, *extra_args).url


@pytest.fixture(scope="session")
def app_url(serve: Callable[..., str]) -> str:
    """Give the address of the app, without a slash at its end."""
    return serve("app.py")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Give Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Give one headless Chromium; without one, skip, or fail where ``CI`` is set."""
    if chromium_path(playwright) is None:
        if os.environ.get("CI"):
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)
    chromium = launch(playwright)
    yield chromium
    chromium.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a factory of browser contexts; it takes Playwright's options and closes them itself."""
    with ExitStack() as stack:

        def make(**options: Any) -> BrowserContext:
            context = browser.new_context(**{"viewport": DESKTOP, **options})
            stack.callback(context.close)
            return watch_rest(context)

        yield make


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """Give a page of 1280 x 900 in a context of its own."""
    return new_context().new_page()
