"""Serve a Streamlit script, open it in Chromium, and tell when its page has come to rest.

The browser tests, the benchmark and the README's picture share this module.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
)
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parents[2]
REST_JS = Path(__file__).with_name("rest.js")

SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NO_CHROMIUM = (
    "There is no Chromium here. Install your system's (Debian, Ubuntu: apt-get install chromium) "
    "or Playwright's own (python -m playwright install --with-deps chromium)."
)

HEALTHY_WITHIN_S = 120.0
QUIET_MS = 150
TIMEOUT_MS = 120_000

# On a deep link Streamlit's client first probes for its server beneath the page's own path.
_CLIENT_PROBE = re.compile(r"/[^/]+/_stcore/(health|host-config)")


# What has gone wrong on each page that somebody watches.
_errors: dict[Page, list[str]] = {}


@dataclass(frozen=True, slots=True)
class Server:
    """A running Streamlit server: its address, its process, and what it has logged."""

    url: str
    log_path: Path
    pid: int

    def log(self) -> str:
        """Return everything that the server has printed so far."""
        return self.log_path.read_text(errors="replace")

    def processor_s(self) -> float:
        """Return the processor time that the server has used, in seconds; Linux tells it.

        Unlike the clock's, it is the same where other work holds up the machine.
        """
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    # http.client, unlike urllib, never asks a proxy for this machine's own address.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()


@contextmanager
def serving(
    script: str | Path, *extra_args: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve `script` from the repository's root until the block ends.

    Args:
        script: Path of the script or ASGI app, absolute or relative to the repository's root.
        extra_args: More options for ``streamlit run``.
        environment: What to add to this process's.

    Raises:
        RuntimeError: The server ended, or was not healthy in two minutes; with its log.
    """
    port = free_port()
    command = ["streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--browser.gatherUsageStats", "false", *extra_args]
    command = [sys.executable, "-m", *command]
    with running(command, port, environment=environment) as server:
        yield server


@contextmanager
def serving_by_uvicorn() -> Iterator[Server]:
    """Serve the app by ``uvicorn app:app`` until the block ends.

    Raises:
        RuntimeError: As `serving`.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    with running(command, port) as server:
        yield server


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run what serves on `port` until the block ends.

    Args:
        command: The program and its arguments.
        port: Of this machine.
        folder: Where it runs.
        environment: What to add to this process's.

    Raises:
        RuntimeError: As `serving`.
    """
    with tempfile.TemporaryDirectory() as logs:
        log_path = Path(logs, "server.log")
        # That it keeps to one core a server sees to itself, and is not told.
        around = {name: text for name, text in os.environ.items() if name != "OMP_NUM_THREADS"}
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=around | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(f"http://127.0.0.1:{port}", log_path, process.pid)
        try:
            deadline = time.monotonic() + HEALTHY_WITHIN_S
            while not _healthy(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command} does not serve:\n{server.log()}")
                time.sleep(0.05)
            yield server
        finally:
            _stop(process)


def chromium_path(playwright: Playwright) -> Path | None:
    """Return the Chromium to use, the system's before Playwright's own, or None."""
    own = Path(playwright.chromium.executable_path)
    return next((path for path in (SYSTEM_CHROMIUM, own) if path.exists()), None)


def launch(playwright: Playwright) -> Browser:
    """Start a headless Chromium.

    Raises:
        FileNotFoundError: There is none; the message says how to get one.
    """
    path = chromium_path(playwright)
    if path is None:
        raise FileNotFoundError(NO_CHROMIUM)
    return playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))


def watch_rest(context: BrowserContext) -> BrowserContext:
    """Make every later page of `context` able to tell when it is at rest; return `context`."""
    context.add_init_script(path=REST_JS)
    return context


def settled(page: Page, *, quiet_ms: int = QUIET_MS, timeout_ms: int = TIMEOUT_MS) -> float:
    """Wait until `page` is at rest; return when it came to rest, in ms since navigation.

    At rest: every rerun asked for is finished, nothing is stale or loading, and nothing, shadow
    roots and canvases included, has changed for `quiet_ms`. Call it after each action; it looks for
    `quiet_ms` at least, so a rerun that the action is about to ask for is not missed.

    Args:
        page: A page of a context that `watch_rest` has prepared.
        quiet_ms: How long nothing may change. The time returned does not include it.
        timeout_ms: How long to wait.

    Raises:
        AssertionError: The page did not come to rest; with the reason.
    """
    try:
        return float(
            page.evaluate(
                "([quiet, timeout]) => window.torchLoupeRest.settled(quiet, timeout)",
                [quiet_ms, timeout_ms],
            )
        )
    except PlaywrightError as error:
        raise AssertionError(f"{page.url} did not come to rest: {error.message}") from error


@contextmanager
def processor_time(page: Page) -> Iterator[Callable[[], float]]:
    """Give a function that tells what the page's main thread has worked so far, in ms.

    Unlike the clock's, it is the same where other work holds up the machine.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        (seconds,) = (one["value"] for one in metrics if one["name"] == "TaskDuration")
        return 1000 * float(seconds)

    try:
        yield worked
    finally:
        session.detach()


def is_own_probe(url: str) -> bool:
    """Tell whether `url` is one of Streamlit's own two vain probes on a deep link."""
    return _CLIENT_PROBE.fullmatch(urlsplit(url).path) is not None


def console_errors(page: Page) -> list[str]:
    """Collect what goes wrong on `page` from now on into the list returned.

    Call it before `page.goto`. The list grows with each error on the console and each uncaught
    exception, until the next call for this page. Only the 404s of Streamlit's own two probes on a
    deep link are left out.
    """
    watched = page in _errors
    _errors[page] = []
    if watched:
        return _errors[page]

    def on_console(message: ConsoleMessage) -> None:
        url = message.location["url"]
        if message.type == "error" and not ("404" in message.text and is_own_probe(url)):
            _errors[page].append(f"{message.text} ({url})")

    page.on("console", on_console)
    page.on("pageerror", lambda error: _errors[page].append(f"uncaught: {error}"))
    return _errors[page]


def _spelled(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def query(page: Page) -> dict[str, str]:
    """Return what the address spells."""
    return _spelled(page.url)


def wait_for_query(page: Page, expected: dict[str, str]) -> None:
    """Wait until the address spells this and the page is at rest, and check it then."""
    with suppress(PlaywrightTimeout):
        page.wait_for_url(lambda url: _spelled(url) == expected)
    settled(page)
    assert query(page) == expected


def wait_for_another_query(page: Page, before: dict[str, str]) -> None:
    """Wait until the address spells something else and the page is at rest."""
    page.wait_for_url(lambda url: _spelled(url) != before)
    settled(page)


def slider(page: Page, label: str) -> Locator:
    """Return the slider of that label."""
    return page.get_by_test_id("stSlider").filter(has_text=label).get_by_role("slider")


def open_page(page: Page, url: str) -> Page:
    """Go there and wait until the page is at rest."""
    page.goto(url)
    settled(page, quiet_ms=400)
    return page


def load_all(page: Page) -> None:
    """Scroll down once, so that everything that waits to be seen is drawn."""
    main = page.get_by_test_id("stMain")
    height = main.evaluate("node => node.scrollHeight")
    for top in range(0, height, 700):
        main.evaluate("(node, top) => node.scrollTo(0, top)", top)
        page.wait_for_timeout(40)
    main.evaluate("node => node.scrollTo(0, 0)")
    settled(page, quiet_ms=300)


def choose_option(page: Page, option: str) -> None:
    """Choose from the page's one select box."""
    page.get_by_test_id("stSelectbox").click()
    page.get_by_role("option", name=option).click()
    settled(page)


def texts_cut(drawing: Locator) -> list[str]:
    """Return the words in an SVG that its edges cut."""
    found: list[str] = drawing.evaluate(
        """svg => {
            const edge = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter((text) => {
                const box = text.getBoundingClientRect();
                return box.width && (box.left < edge.left - 0.5 || box.right > edge.right + 0.5
                    || box.top < edge.top - 0.5 || box.bottom > edge.bottom + 0.5);
            }).map((text) => text.textContent);
        }"""
    )
    return found
