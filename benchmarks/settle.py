"""Time the app's pages beside an empty Streamlit page: settled changes, cold deep links, bytes.

Run it as ``python -m benchmarks.settle`` (``make bench``). The empty page and the app are served by
two servers and open in one Chromium; the rounds alternate between them, so that whatever else the
machine does falls on both. Times are taken inside the page, from the key's arrival to the last
change that it made; neither Playwright's latency nor the quiet time that proves the end counts.
Exit status 1 means that a limit is broken, or that a page could not be measured.
"""

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    Response,
    ViewportSize,
    WebSocket,
    sync_playwright,
)

from benchmarks import results
from tests.browser.harness import QUIET_MS, TIMEOUT_MS, launch, serving, settled, watch_rest

SETTLED_LIMIT = 1.5
COLD_LIMIT = 2.0
BYTES_LIMIT = 300_000

EMPTY = "benchmarks/empty.py"
# The yardstick is Streamlit as it comes; the project's configuration leaves this out.
STOCK = {"STREAMLIT_RUNNER_POST_SCRIPT_GC": "true"}
# The first of these that a page shows is changed, unless --control names another.
CONTROLS = {
    "slider": '[data-testid="stMain"] [data-testid="stSlider"] :is(input, [role="slider"])',
    "radio": '[data-testid="stMain"] [data-testid="stRadio"] input:checked',
    "choice": '.st-key-see-controls [role="radio"][aria-checked="false"]',
    "run": '[data-testid="stMain"] [data-testid="pad-box"]',
}
# Ten statements; each run is of another number, so that none was seen before.
WRITTEN = """import torch

x = torch.arange({number}, {number} + 6.0).view(2, 3)
w = torch.ones(3, 2, requires_grad=True)
y = x @ w
z = y.relu()
loss = (z - 1).pow(2).mean()
loss.backward()
with torch.no_grad():
    w -= 0.1 * w.grad
view = x.t()
view[0, 0] = -1
total = view.sum()
"""
WARM_UP = 3
# A cold view loads parts in turn; a longer quiet tells their gaps from the end.
COLD_QUIET_MS = 500

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report; times in ms, `ratio` to the empty page of the same rounds."""

    page: str
    what: str
    n: int
    median: float
    p95: float
    ratio: float
    limit: float
    extra_bytes: int | None = None

    @property
    def ok(self) -> bool:
        """Whether every limit holds."""
        return self.ratio <= self.limit and (self.extra_bytes or 0) <= BYTES_LIMIT


@dataclass(frozen=True, slots=True)
class View:
    """A first view: ms from navigation to rest, and the bytes it took beside Streamlit's own."""

    ms: float
    received: int


class Bench:
    """One browser, and what is measured with it."""

    def __init__(self, browser: Browser, app: str, controls: dict[str, str]) -> None:
        self.browser = browser
        self.app = app
        self.controls = controls
        self.unmeasured: list[str] = []

    @contextmanager
    def opened(self, url: str) -> Iterator[Page]:
        """Open `url` in a fresh context and wait until it is at rest."""
        with self.browser.new_context(viewport=VIEWPORT) as context:
            page = watch_rest(context).new_page()
            page.goto(url)
            settled(page, quiet_ms=COLD_QUIET_MS)
            yield page

    def control(self, page: Page, slug: str) -> tuple[str, Locator] | None:
        """Return the name and the element of the control to change; None if there is none."""
        wanted = self.controls.get(slug)
        for name, selector in {"given": wanted}.items() if wanted else CONTROLS.items():
            found = page.locator(selector)
            if found.count():
                return name, found.first
        return None

    def changes(self, slugs: Sequence[str], rounds: int, repeats: int) -> list[Row]:
        """Measure settled changes of the pages, round by round beside the empty page."""
        rows = []
        every_empty: list[float] = []
        with (
            serving(EMPTY, environment=STOCK) as empty_server,
            serving(self.app) as app_server,
            self.opened(empty_server.url) as empty_page,
        ):
            change_empty = changer(empty_page.locator(CONTROLS["slider"]))
            for slug in slugs:
                with self.opened(f"{app_server.url}/{slug}") as page:
                    found = self.control(page, slug)
                    if found is None:
                        self.unmeasured.append(slug or "/")
                        continue
                    name, element = found
                    change = changer(element)
                    for _ in range(WARM_UP):
                        change_empty()
                        change()
                    empty, own = [], []
                    for _ in range(rounds):
                        empty += [change_empty() for _ in range(repeats)]
                        own += [change() for _ in range(repeats)]
                ratio = statistics.median(own) / statistics.median(empty)
                rows.append(row(slug or "/", name, own, ratio, SETTLED_LIMIT))
                every_empty += empty
        if every_empty:
            rows.insert(0, row("(empty)", "slider", every_empty, 1.0, math.inf))
        return rows

    def first_view(self, script: str, path: str) -> View:
        """Start a server, and open `path` on it once it is healthy."""
        environment = STOCK if script == EMPTY else None
        with (
            serving(script, environment=environment) as server,
            self.browser.new_context(viewport=VIEWPORT) as context,
        ):
            page = watch_rest(context).new_page()
            count = counter(page)
            page.goto(server.url + path)
            ms = settled(page, quiet_ms=COLD_QUIET_MS)
            return View(ms, count())

    def cold(self, slugs: Sequence[str], starts: int) -> list[Row]:
        """Measure first views of deep links on fresh servers, in turn with the empty page's."""
        rows = []
        every_empty: list[View] = []
        for slug in slugs:
            empty, own = [], []
            for _ in range(starts):
                empty.append(self.first_view(EMPTY, "/"))
                own.append(self.first_view(self.app, f"/{slug}"))
            ratio = statistics.median(v.ms for v in own) / statistics.median(v.ms for v in empty)
            extra = max(v.received for v in own) - min(v.received for v in empty)
            times = [view.ms for view in own]
            rows.append(row(slug or "/", "first view", times, ratio, COLD_LIMIT, extra))
            every_empty += empty
        if every_empty:
            times = [view.ms for view in every_empty]
            rows.insert(0, row("(empty)", "first view", times, 1.0, math.inf))
        return rows


def changer(element: Locator) -> Callable[[], float]:
    """Return a function that moves the control one step and gives the ms until all is at rest.

    A slider walks up to its end and back, so that values seen before come late, if at all; a radio
    goes round; of a choice's options the first that is not chosen is; a box for a program runs
    another.
    """
    if element.evaluate("e => e.localName") == "textarea":
        return runner(element)
    key = "ArrowRight"

    def change() -> float:
        nonlocal key
        element.focus()
        if element.evaluate("e => e.localName === 'button'"):
            return press("Space")
        place = element.evaluate(
            "e => e.type === 'radio' ? [1, 1]"
            " : e.type === 'range' ? [e.value - e.min, e.max - e.value]"
            " : [e.ariaValueNow - e.ariaValueMin, e.ariaValueMax - e.ariaValueNow]"
        )
        if key == "ArrowRight" and place[1] <= 0:
            key = "ArrowLeft"
        elif key == "ArrowLeft" and place[0] <= 0:
            key = "ArrowRight"
        return press(key)

    def press(key: str) -> float:
        element.page.keyboard.press(key)
        return float(
            element.page.evaluate(
                "([quiet, timeout]) => window.torchLoupeRest.change(quiet, timeout)",
                [QUIET_MS, TIMEOUT_MS],
            )
        )

    return change


def runner(box: Locator) -> Callable[[], float]:
    """Return a function that runs a new program and gives the ms from Run until all is at rest."""
    number = 0

    def run() -> float:
        nonlocal number
        number += 1
        if not box.is_visible():
            box.page.get_by_role("button", name="Edit").click()
        box.fill(WRITTEN.format(number=number))
        settled(box.page)
        box.press("Control+Enter")
        elapsed = float(
            box.page.evaluate(
                "([quiet, timeout]) => window.torchLoupeRest.change(quiet, timeout)",
                [QUIET_MS, TIMEOUT_MS],
            )
        )
        # The first run of a server waits for torch, and the page rests while it waits.
        state = box.page.get_by_test_id("pad-state")
        while state.text_content():
            box.page.wait_for_timeout(50)
        settled(box.page)
        return elapsed

    return run


def counter(page: Page) -> Callable[[], int]:
    """Return a function that tells the bytes that `page` has received, Streamlit's files aside.

    Counted are the messages of the web socket, before any compression, and the bodies of all
    responses but the document and what lies under ``/static/``, which Streamlit brings itself.
    """
    messages = 0
    responses: list[Response] = []

    def on_message(payload: str | bytes) -> None:
        nonlocal messages
        messages += len(payload)

    def on_socket(socket: WebSocket) -> None:
        socket.on("framereceived", on_message)

    def on_response(response: Response) -> None:
        url = urlsplit(response.url)
        own = response.request.resource_type == "document" or url.path.startswith("/static/")
        if url.scheme.startswith("http") and not own:
            responses.append(response)

    def total() -> int:
        return messages + sum(r.request.sizes()["responseBodySize"] for r in responses)

    page.on("websocket", on_socket)
    page.on("response", on_response)
    return total


def row(
    page: str,
    what: str,
    times: Sequence[float],
    ratio: float,
    limit: float,
    extra_bytes: int | None = None,
) -> Row:
    """Sum up `times`; p95 is the smallest time that 95 % of them do not exceed."""
    p95 = results.percentile(times, 0.95)
    return Row(page, what, len(times), statistics.median(times), p95, ratio, limit, extra_bytes)


def show(rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    width = max([len(r.page) for r in rows] + [4])
    head = f"{'page':<{width}}  {'control':<10}  {'n':>3}  {'median ms':>9}  {'p95 ms':>7}"
    print(f"{head}  {'ratio':>5}  {'limit':>5}  {'extra kB':>8}  ok")
    for r in rows:
        limit = "" if math.isinf(r.limit) else f"{r.limit:.1f}"
        extra = "" if r.extra_bytes is None else f"{r.extra_bytes / 1000:.0f}"
        times = f"{r.n:>3}  {r.median:>9.1f}  {r.p95:>7.1f}  {r.ratio:>5.2f}"
        verdict = "" if math.isinf(r.limit) else ("yes" if r.ok else "NO")
        print(f"{r.page:<{width}}  {r.what:<10}  {times}  {limit:>5}  {extra:>8}  {verdict}")


def record(rows: Sequence[Row]) -> None:
    """Write the rows into benchmarks/RESULTS.md."""
    head = ("page, control", "n", "median ms", "p95 ms", "ratio", "limit", "extra kB")
    lines = [
        (
            f"{r.page}, {r.what}",
            r.n,
            f"{r.median:.1f}",
            f"{r.p95:.1f}",
            f"{r.ratio:.2f}",
            "" if math.isinf(r.limit) else f"{r.limit:.1f}",
            "" if r.extra_bytes is None else f"{r.extra_bytes / 1000:.0f}",
        )
        for r in rows
    ]
    words = (
        "In Chromium, from a key's arrival to the last change that it made, beside an empty "
        "Streamlit page; first views on a server just started, with at most "
        f"{BYTES_LIMIT / 1000:.0f} kB beyond Streamlit's own files."
    )
    command = " ".join(["python -m benchmarks.settle", *sys.argv[1:]])
    body = f"{results.table(head, lines)}\n\n{words}"
    results.record("pages", "Pages beside an empty page", command, body)


def catalogued() -> list[str]:
    """Return the slugs of all pages of the app."""
    from ui.catalogue import PAGES, SCRATCHPAD  # noqa: PLC0415 - not needed with --pages

    return [page.slug for page in (*PAGES, SCRATCHPAD)]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--app", default="app.py", help="what to serve (app.py)")
    parser.add_argument("--pages", nargs="+", metavar="SLUG", help="pages to time (all)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each page (5)")
    parser.add_argument("--repeats", type=int, default=5, help="changes in a turn (5)")
    parser.add_argument("--cold", type=int, default=3, help="server starts for each page (3)")
    parser.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="SLUG=SELECTOR",
        help="the control to change on a page (its first slider, radio or choice)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE as well")
    parser.add_argument("--record", action="store_true", help="write benchmarks/RESULTS.md")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 1 unless every page holds every limit."""
    args = arguments()
    slugs = args.pages if args.pages is not None else catalogued()
    controls = dict(pair.split("=", 1) for pair in args.control)
    rows: list[Row] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        bench = Bench(browser, args.app, controls)
        if args.rounds:
            rows += bench.changes(slugs, args.rounds, args.repeats)
        if args.cold:
            rows += bench.cold(slugs, args.cold)
        browser.close()
    show(rows)
    for name in bench.unmeasured:
        print(f"{name}: not measured, no control found; name one with --control")
    if args.record:
        record(rows)
    if args.json:
        # JSON knows no infinity.
        plain = [asdict(r) | {"limit": r.limit if math.isfinite(r.limit) else None} for r in rows]
        Path(args.json).write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    return 0 if all(r.ok for r in rows) and not bench.unmeasured else 1


if __name__ == "__main__":
    sys.exit(main())
