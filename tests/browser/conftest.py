"""Fixtures of the browser suite: servers, Chromium, and tabs as good as new for each test."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.browser.harness import NO_CHROMIUM, Server, chromium_path, launch, serving, watch_rest

# What a page may take where other work holds up the machine.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

DESKTOP: ViewportSize = {"width": 1280, "height": 900}


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
def app_url(app_server: Server) -> str:
    """Give the address of the app, without a slash at its end."""
    return app_server.url


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
    """Give a factory of browser contexts; it takes Playwright's options and closes them itself.

    For what a test leaves behind in its tab for good; other tests take a `tab`.
    """
    with ExitStack() as stack:

        def make(**options: Any) -> BrowserContext:
            context = browser.new_context(**{"viewport": DESKTOP, **options})
            stack.callback(context.close)
            return watch_rest(context)

        yield make


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give ``tabs(place, **options)``: the one tab of that place and options, as good as new.

    A tab that has shown the app once opens it in a third of the time: a new one reads and compiles
    Streamlit's code again.
    """
    open_tabs: dict[str, Page] = {}
    with ExitStack() as stack:

        def take(
            place: str,
            *,
            viewport: ViewportSize = DESKTOP,
            color_scheme: Literal["light", "dark"] = "light",
            reduced_motion: Literal["no-preference", "reduce"] = "no-preference",
            **options: Any,
        ) -> Page:
            key = f"{place} {sorted(options.items())}"
            if key not in open_tabs:
                context = browser.new_context(viewport=viewport, **options)
                context.set_default_timeout(PATIENCE_MS)
                stack.callback(context.close)
                open_tabs[key] = watch_rest(context).new_page()
            page = open_tabs[key]
            leave(page)
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
            return page

        yield take


def leave(page: Page) -> None:
    """Take away from a tab what it has shown and kept."""
    if page.url != "about:blank":
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto("about:blank")
    page.context.clear_cookies()
    page.mouse.move(-1, -1)


@pytest.fixture
def tab(tabs: Callable[..., Page]) -> Iterator[Callable[..., Page]]:
    """Give ``tab(**options)``, a tab as good as new: Playwright's options of a context."""
    taken: list[Page] = []

    def take(**options: Any) -> Page:
        taken.append(tabs("test", **options))
        return taken[-1]

    yield take
    for page in taken:
        leave(page)


@pytest.fixture
def page(tab: Callable[..., Page]) -> Page:
    """Give a page of 1280 x 900, as good as new."""
    return tab()
