"""The app in a real browser: links, presets, loupe, uploads."""

import io
import re
import struct
import urllib.request
import zlib
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from explainers.sampling import affine_grid
from tests.browser.harness import (
    console_errors,
    open_page,
    query,
    serving,
    serving_by_uvicorn,
    settled,
    slider,
    wait_for_query,
)
from ui import catalogue, tour

Tab = Callable[..., Page]


# --- addresses ---


def test_a_deep_link_on_a_cold_server_opens_its_page_with_its_settings(page: Page) -> None:
    # A server takes seconds to start: one for a page of each chapter, which it has never shown.
    entries = {entry.chapter: entry for entry in catalogue.PAGES}
    with serving("app.py") as server:
        for entry in entries.values():
            preset = entry.topic.PRESETS[1]
            address = urlencode(preset.parameters.address())
            errors = console_errors(page)
            open_page(page, f"{server.url}/{entry.slug}?{address}")
            expect(page.get_by_role("heading", name=entry.title)).to_be_visible()
            expect(page.get_by_text(f"Notice: {preset.notice}")).to_be_visible()
            wait_for_query(page, preset.parameters.address())
            assert errors == []


def test_a_control_writes_the_address_and_the_address_restores_the_control(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/affine_grid")
    slider(page, "degrees").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for_query(page, {"degrees": "33"})
    expect(page.get_by_text("Turns the picture 33° counter-clockwise.")).to_be_visible()
    page.reload()
    settled(page, quiet_ms=400)
    expect(page.get_by_text("Turns the picture 33° counter-clockwise.")).to_be_visible()
    assert query(page) == {"degrees": "33"}


def test_quick_keys_settle_on_the_last_value(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?degrees=0")
    slider(page, "degrees").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    settled(page, quiet_ms=300)
    expect(page.get_by_text("Turns the picture 20° counter-clockwise.")).to_be_visible()
    assert query(page) == {"degrees": "20"}


def test_streamlits_own_switches_stay_in_the_address(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?embed=true&degrees=45")
    page.get_by_role("button", name="A quarter turn", exact=True).click()
    wait_for_query(page, {"degrees": "90", "embed": "true"})


def test_a_bad_address_gets_its_sentence_and_keeps_the_rest(page: Page, app_url: str) -> None:
    # Others that are refused: tests/pages.
    errors = console_errors(page)
    open_page(page, f"{app_url}/affine_grid?degrees=nan&device=cuda:5&padding_mode=border")
    expect(page.get_by_text("degrees must be a number from -180 to 180, got nan")).to_be_visible()
    expect(page.get_by_text("device must be one of cpu")).to_be_visible()
    expect(page.get_by_role("radio", name="border")).to_be_checked()
    assert "Traceback" not in page.content()
    assert errors == []


def test_home_leads_to_a_page_and_back_and_search_filters(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, app_url)
    page.get_by_placeholder(re.compile("align_corners")).fill("align_corners")
    settled(page, quiet_ms=600)
    found = [entry for entry in catalogue.PAGES if "align_corners" in entry.terms]
    main = page.get_by_test_id("stMain")
    for entry in found:
        expect(main.get_by_role("link", name=entry.title).first).to_be_visible()
    main.get_by_role("link", name=found[0].title).first.click()
    settled(page, quiet_ms=400)
    assert urlsplit(page.url).path == f"/{found[0].slug}"
    page.go_back()
    settled(page, quiet_ms=400)
    assert urlsplit(page.url).path == "/"
    assert errors == []


def test_home_links_to_each_stop_of_the_tour_with_its_settings(page: Page, app_url: str) -> None:
    errors = console_errors(page)
    open_page(page, app_url)

    def link(number: int) -> Locator:
        return page.get_by_role("link", name=re.compile(rf"^(.*\b)?{number}\. "))

    for number in (1, len(tour.STOPS)):
        if number > 1:
            page.get_by_text("All stops").click()
            settled(page)
            for other, stop in enumerate(tour.STOPS, 1):
                found = urlsplit(urljoin(page.url, link(other).get_attribute("href")))
                assert found.path == f"/{stop.slug}"
                assert dict(parse_qsl(found.query, keep_blank_values=True)) == stop.query
        stop = tour.STOPS[number - 1]
        link(number).click()
        wait_for_query(page, {**stop.settings.address(), "tour": str(number)})
        expect(page.get_by_text(f"Stop {number} of {len(tour.STOPS)}: ")).to_be_visible()
        page.get_by_test_id("stSidebar").get_by_role("link", name="Home").click()
        settled(page, quiet_ms=400)
    assert errors == []


# --- the loupe and the lessons ---


def test_the_loupe_tells_the_same_sum_by_mouse_and_by_keyboard(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?degrees=45")
    total = page.get_by_test_id("loupe-sum")
    output = page.locator("[data-side=output], .loupe-output, canvas").last
    box = output.bounding_box()
    assert box is not None
    output.scroll_into_view_if_needed()
    output.hover(position={"x": box["width"] * 0.53, "y": box["height"] * 0.53})
    by_mouse = total.inner_text()
    assert re.match(r"out\[\d+,\d+\] = ", by_mouse)
    output.click(position={"x": box["width"] * 0.53, "y": box["height"] * 0.53})
    output.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert total.inner_text() == by_mouse
    view = affine_grid.explain(affine_grid.AffineGrid(degrees=45.0))
    match = re.match(r"out\[(\d+),(\d+)\]", by_mouse)
    assert match is not None
    row, column = (int(text) for text in match.groups())
    value = f"{float(view.tiny_output[row, column]):.3f}".rstrip("0").rstrip(".")
    assert by_mouse.endswith(f"= {value}")


def test_weights_that_are_mere_rounding_are_counted_and_get_no_ring(
    page: Page, app_url: str
) -> None:
    weights = affine_grid.explain(affine_grid.AffineGrid(degrees=90.0)).links.weights
    small = (weights != 0) & (weights.abs() < 1e-4)
    row, column = small.any(dim=-1).nonzero()[0].tolist()
    count, kept = int(small[row, column].sum()), int((weights[row, column] > 0.5).sum())
    assert (count, kept) == (1, 1)
    open_page(page, f"{app_url}/affine_grid?degrees=90")
    loupe = page.get_by_test_id("loupe")
    output = loupe.locator('[data-side="out"] canvas')
    box = output.bounding_box()
    assert box is not None
    output.hover(
        position={"x": box["width"] * (column + 0.5) / 16, "y": box["height"] * (row + 0.5) / 16}
    )
    expect(page.get_by_test_id("loupe-sum")).to_contain_text("+ 1 weight below 1e−")
    expect(loupe.locator('[data-side="in"] .rings g')).to_have_count(1)


def test_the_switch_runs_the_wrong_and_the_right_line(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid")
    expect(page.get_by_text("A square moves 32 pixels left; asked for 32 right.")).to_be_visible()
    page.get_by_role("radio", name=re.compile("The line that does it")).click()
    settled(page)
    expect(page.get_by_text("A square moves 32 pixels right; asked for 32 right.")).to_be_visible()


def test_a_lessons_own_control_runs_the_lesson_again(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid")
    page.get_by_role("radio", name="not square").click()
    settled(page)
    expect(page.get_by_text("A square of 16 by 16 pixels becomes 8 by 32.")).to_be_visible()
    slider(page, "turn (degrees)").focus()
    page.keyboard.press("Home")
    settled(page)
    expect(page.get_by_text("A square of 16 by 16 pixels becomes 16 by 16.")).to_be_visible()


def test_learns_own_control_trains_again(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid")
    page.get_by_role("button", name="Find a turn by descent").click()
    settled(page)
    expect(page.get_by_text("Asked for 30°.")).to_be_visible()
    slider(page, "turn to find").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    expect(page.get_by_text("Asked for 35°.")).to_be_visible()


def test_take_offers_the_code_and_follows_the_controls_while_open(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?degrees=12")
    page.get_by_text("Code, data and link of this view").click()
    settled(page, quiet_ms=300)
    code = page.get_by_test_id("stCode").filter(has_text="math.radians(")
    expect(code).to_contain_text("turn = math.radians(12)")
    slider(page, "degrees").focus()
    page.keyboard.press("ArrowRight")
    settled(page, quiet_ms=300)
    expect(code).to_contain_text("turn = math.radians(13)")
    link = f"{app_url}/affine_grid?degrees=13"
    expect(page.get_by_text(link, exact=True)).to_be_visible()
    expect(page.get_by_text(f"{link}&embed=true&controls=0", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Code (.py)").click()
    text = download.value.path().read_text()
    assert text == affine_grid.snippet(affine_grid.AffineGrid(degrees=13.0))
    with page.expect_download() as download:
        page.get_by_role("button", name="Positions and values (.csv)").click()
    assert download.value.path().read_text().count("\n") == 128 * 128 + 1


def test_typing_theta_starts_from_the_sliders_and_takes_a_number(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?degrees=90")
    page.get_by_text("theta by hand").click()
    settled(page)
    entry = page.get_by_role("spinbutton", name="θ[0,1]")
    expect(entry).to_have_value("-1.00")
    entry.fill("-0.5")
    entry.press("Enter")
    settled(page)
    assert query(page)["theta_01"] == "-0.5"
    page.get_by_text("theta by hand").click()
    settled(page)
    expect(page.get_by_text("Turns the picture 90° counter-clockwise.")).to_be_visible()


# --- uploads ---


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    Image.fromarray(ramp).save(buffer, "PNG")
    return buffer.getvalue()


def huge_header() -> bytes:
    """A PNG that says it is 20,000 by 20,000."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        whole = name + body
        return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def cut_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png(300, 200))).save(buffer, "JPEG")
    return buffer.getvalue()[:900]


UPLOADS: list[tuple[str, bytes, str]] = [
    ("notes.png", b"this is a text file", "picture must be a PNG, JPEG or WebP file"),
    ("huge.png", huge_header(), "picture must have at most 25 megapixels"),
    ("cut.jpg", cut_jpeg(), "picture must be complete, got a file that ends too early"),
]


def upload(page: Page, name: str, data: bytes) -> None:
    page.get_by_role("button", name=re.compile("Size, your picture")).click()
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": data}
    )
    settled(page, quiet_ms=500)


def test_a_readers_picture_is_warped_and_offered_back(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/affine_grid?degrees=0&translate_x=0.25")
    upload(page, "mine.png", png(150, 100))
    page.keyboard.press("Escape")
    label = page.get_by_role("img", name=re.compile("Left, the input, 150 by 100 pixels"))
    expect(label).to_be_visible()
    assert query(page) == {"degrees": "0", "translate_x": "0.25"}


@pytest.mark.parametrize(("name", "data", "sentence"), UPLOADS, ids=[u[0] for u in UPLOADS])
def test_a_bad_upload_gets_its_sentence_and_loses_nothing(
    page: Page, app_url: str, name: str, data: bytes, sentence: str
) -> None:
    errors = console_errors(page)
    open_page(page, f"{app_url}/affine_grid?degrees=17")
    upload(page, name, data)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_text("Turns the picture 17° counter-clockwise.")).to_be_attached()
    assert query(page) == {"degrees": "17"}
    assert errors == []


# --- the server ---


def test_every_response_carries_the_projects_headers(app_url: str) -> None:
    for path in ("/", "/affine_grid", "/_stcore/health"):
        with urllib.request.urlopen(app_url + path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors *" in policy


def test_uvicorn_serves_the_same_app(page: Page) -> None:
    with serving_by_uvicorn() as server:
        errors = console_errors(page)
        open_page(page, f"{server.url}/affine_grid?degrees=45")
        expect(page.get_by_text("Turns the picture 45° counter-clockwise.")).to_be_visible()
        assert errors == []
