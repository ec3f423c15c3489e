"""The harness itself, tried on the emptiest page there is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import console_errors, is_own_probe, settled

EMPTY = "benchmarks/empty.py"
SLIDER = '[data-testid="stSlider"] input'


def test_the_empty_page_loads_without_console_errors(page: Page, serve: Callable[..., str]) -> None:
    errors = console_errors(page)
    page.goto(serve(EMPTY))
    settled(page)
    expect(page.get_by_test_id("stMarkdown")).to_have_text("50")
    assert errors == []


def test_a_settled_page_shows_what_the_rerun_wrote(page: Page, serve: Callable[..., str]) -> None:
    page.goto(serve(EMPTY))
    settled(page)
    page.focus(SLIDER)
    for value in range(51, 56):
        page.keyboard.press("ArrowRight")
        settled(page)
        # Not `expect`, which would wait by itself.
        assert page.get_by_test_id("stMarkdown").inner_text() == str(value)


def test_a_page_that_keeps_changing_never_settles(page: Page, serve: Callable[..., str]) -> None:
    page.goto(serve(EMPTY))
    settled(page)
    page.evaluate("setInterval(() => document.body.toggleAttribute('data-tick'), 20)")
    with pytest.raises(AssertionError, match="keeps changing"):
        settled(page, timeout_ms=600)


def test_a_change_inside_a_shadow_root_or_a_canvas_keeps_a_page_from_settling(
    page: Page, serve: Callable[..., str]
) -> None:
    page.goto(serve(EMPTY))
    settled(page)
    for make in (
        "root = document.body.appendChild(document.createElement('div'))"
        ".attachShadow({mode: 'closed'}); draw = () => root.append('x')",
        "pen = document.createElement('canvas').getContext('2d');"
        "draw = () => pen.fillRect(0, 0, 1, 1)",
    ):
        page.evaluate(f"() => {{ {make}; window.timer = setInterval(draw, 20) }}")
        with pytest.raises(AssertionError, match="keeps changing"):
            settled(page, timeout_ms=600)
        page.evaluate("clearInterval(window.timer)")
        settled(page)


def test_an_uncaught_exception_and_a_lost_file_count_as_console_errors(
    page: Page, serve: Callable[..., str]
) -> None:
    errors = console_errors(page)
    page.goto(serve(EMPTY))
    page.evaluate("setTimeout(() => { throw new Error('lost thread') })")
    page.evaluate("fetch('/media/none.png')")
    settled(page)
    assert len(errors) == 2
    assert any("lost thread" in error for error in errors)
    assert any("/media/none.png" in error for error in errors)


@pytest.mark.parametrize(
    ("path", "excused"),
    [
        ("/affine-grid/_stcore/health", True),
        ("/affine-grid/_stcore/host-config", True),
        ("/_stcore/health", False),
        ("/affine-grid/_stcore/stream", False),
        ("/affine-grid/more/_stcore/health", False),
        ("/media/health", False),
    ],
)
def test_only_the_two_known_probes_are_excused(path: str, excused: bool) -> None:
    assert is_own_probe(f"http://127.0.0.1:8501{path}") is excused
