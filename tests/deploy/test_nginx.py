"""Two workers behind nginx: a reader stays with the one that holds the session; and one dies."""

import asyncio
import http.client
import itertools
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed

from tests import hosting
from tests.clock import patience
from tests.files import png
from tests.reader import Reader
from ui import catalogue
from ui.server import WORKER_COOKIE

pytestmark = pytest.mark.usefixtures("nginx")

READERS = 8
BACK_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def hosted(nginx: str) -> Iterator[hosting.Hosted]:
    with hosting.hosted() as found:
        yield found


def ask(url: str, path: str, cookie: str = "") -> tuple[int, str | None]:
    """Return the status, and the worker that the answer names."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    response.read()
    connection.close()
    cookies = SimpleCookie(", ".join(response.headers.get_all("Set-Cookie") or ()))
    named = cookies.get(WORKER_COOKIE)
    return response.status, named.value if named else None


def test_nginx_finds_the_configuration_right(tmp_path: Path) -> None:
    text = hosting.configuration(8620, {"one": 8621, "two": 8622})
    (tmp_path / "nginx.conf").write_text(text)
    said = hosting.check(tmp_path)
    assert "test is successful" in said
    assert "[warn]" not in said.replace('the "user" directive', "")


def test_the_compose_file_and_nginx_agree_on_the_workers() -> None:
    compose = (hosting.DEPLOY / "compose.yaml").read_text()
    services = set(re.findall(r"^  (worker-[a-z]+):$", compose, re.MULTILINE))
    names = set(re.findall(r"TORCH_LOUPE_WORKER: (\w+)", compose))
    nginx = (hosting.DEPLOY / "nginx.conf").read_text()
    assert services == set(re.findall(r"server (worker-[a-z]+):8501", nginx))
    assert services == {f"worker-{name}" for name in names}
    assert names == set(re.findall(r"^\s+(\w+)\s+\1;$", nginx, re.MULTILINE))


def test_a_page_and_its_health_come_through(hosted: hosting.Hosted) -> None:
    for path in ("/", "/affine_grid?degrees=45", "/_stcore/health"):
        with urllib.request.urlopen(hosted.url + path) as response:
            assert response.status == 200
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert WORKER_COOKIE in str(response.headers.get_all("Set-Cookie"))


@pytest.mark.parametrize(
    "path", ["/metrics", "/healthz", "/_stcore/metrics", "/_stcore/agent/openapi.json"]
)
def test_strangers_do_not_reach_what_is_for_the_host(hosted: hosting.Hosted, path: str) -> None:
    assert ask(hosted.url, path)[0] == 404


def test_the_cookie_leads_back_to_the_worker_that_set_it(hosted: hosting.Hosted) -> None:
    for name in hosted.workers:
        for _ in range(6):
            # A worker that sees its own name has nothing to say.
            answered = ask(hosted.url, "/_stcore/health", f"{WORKER_COOKIE}={name}")
            assert answered == (200, None)


def test_new_readers_are_spread_and_one_address_stays_together(hosted: hosting.Hosted) -> None:
    assert {ask(hosted.url, "/")[1] for _ in range(12)} == set(hosted.workers)
    # Without a cookie what belongs to a session goes by address, so that it meets the session.
    assert len({ask(hosted.url, "/media/nothing.png")[1] for _ in range(12)}) == 1


def test_every_page_reads_through_nginx_on_one_worker_or_the_other(hosted: hosting.Hosted) -> None:
    async def read() -> None:
        for entry, name in zip(catalogue.PAGES, itertools.cycle(hosted.workers), strict=False):
            preset = entry.topic.PRESETS[1]
            query = urlencode(preset.parameters.address())
            cookie = f"{WORKER_COOKIE}={name}"
            async with Reader(hosted.url, entry.slug, query, cookie) as reader:
                run = await reader.open()
                assert run.exceptions() == []
                assert run.says(preset.notice)

    asyncio.run(read())


@pytest.mark.parametrize("cookie", [f"{WORKER_COOKIE}=one", f"{WORKER_COOKIE}=two", ""])
def test_an_upload_meets_its_session(hosted: hosting.Hosted, cookie: str) -> None:
    async def read() -> None:
        async with Reader(hosted.url, "affine_grid", cookie=cookie) as reader:
            await reader.open()
            run = await reader.upload(reader.find("file_uploader"), "mine.png", png(150, 100))
            assert run.exceptions() == []
            assert run.says("Left, the input, 150 by 100 pixels")

    asyncio.run(read())


def test_an_upload_over_the_limit_is_refused_at_the_door(hosted: hosting.Hosted) -> None:
    connection = http.client.HTTPConnection(hosted.url.removeprefix("http://"), timeout=10)
    connection.request("PUT", "/_stcore/upload_file/x/y", headers={"Content-Length": "7000000"})
    assert connection.getresponse().status == 413
    connection.close()


# --- a worker dies ---


def healthy(url: str, cookie: str) -> str | None:
    """Ask as Streamlit's client does before it connects again; return the worker's name if new."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/_stcore/health", headers={"Cookie": cookie})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != http.HTTPStatus.OK:
        raise ConnectionError(response.status)
    named = SimpleCookie(", ".join(response.headers.get_all("Set-Cookie") or ()))
    return named[WORKER_COOKIE].value if WORKER_COOKIE in named else None


class Visitor:
    """A reader who set a preset, keeps changing things, and comes back when cut off."""

    def __init__(self, url: str, index: int) -> None:
        self.entry = catalogue.PAGES[index % len(catalogue.PAGES)]
        presets = self.entry.topic.PRESETS
        self.preset = presets[1 + index % (len(presets) - 1)]
        self.url, self.worker = url, ("one", "two")[index % 2]
        self.changes = 0
        self.away_s = 0.0
        self.errors: list[str] = []

    @property
    def switch(self) -> str:
        """A switch of Break, which changes no setting of the view."""
        lesson = self.preset.parameters.values().get("lesson")
        if hasattr(self.entry.topic, "LESSONS"):
            return f"{self.entry.slug}.{lesson}.mistake"
        return f"{self.entry.slug}.mistake.0.line"

    def reader(self, query: str = "") -> Reader:
        cookie = f"{WORKER_COOKIE}={self.worker}"
        return Reader(self.url, self.entry.slug, query, cookie)

    async def read(self, done: asyncio.Event) -> None:
        """Read until `done`; meanwhile come back as often as needed."""
        # What the address bar spells once the preset is chosen: all that the reader keeps.
        query = urlencode(self.preset.parameters.address())
        while not done.is_set():
            try:
                async with self.reader(query) as reader:
                    run = await reader.open()
                    self.errors += run.exceptions()
                    assert run.says(self.preset.notice), "the settings are lost"
                    if self.away_s < 0:
                        self.away_s += time.perf_counter()
                    while not done.is_set():
                        switch = reader.find("button_group", self.switch)
                        ways = switch.values()
                        value = ways[self.changes % len(ways)]
                        self.errors += (await reader.change(switch, value)).exceptions()
                        self.changes += 1
                        await asyncio.sleep(0.2)
            except (ConnectionClosed, OSError):
                if self.away_s == 0:
                    self.away_s -= time.perf_counter()
                await asyncio.sleep(0.2)
                cookie = f"{WORKER_COOKIE}={self.worker}"
                named = await asyncio.to_thread(healthy, self.url, cookie)
                self.worker = named or self.worker


# Last: afterwards one worker is left.
def test_the_other_worker_takes_over_with_every_readers_settings(hosted: hosting.Hosted) -> None:
    async def read() -> list[Visitor]:
        visitors = [Visitor(hosted.url, index) for index in range(READERS)]
        done = asyncio.Event()
        tasks = [asyncio.create_task(visitor.read(done)) for visitor in visitors]
        async with asyncio.timeout(patience(60)):
            while min(visitor.changes for visitor in visitors) < 2:
                await asyncio.sleep(0.1)
            os.killpg(hosted.workers["one"].pid, signal.SIGKILL)
            counts = [visitor.changes for visitor in visitors]
            while any(
                visitor.changes < count + 3 for visitor, count in zip(visitors, counts, strict=True)
            ):
                await asyncio.sleep(0.1)
        done.set()
        await asyncio.gather(*tasks)
        return visitors

    visitors = asyncio.run(read())
    assert "Traceback" not in hosted.workers["two"].log()
    for index, visitor in enumerate(visitors):
        assert visitor.errors == []
        assert visitor.worker == "two"
        cut_off = index % 2 == 0
        assert 0 < visitor.away_s < patience(BACK_WITHIN_S) if cut_off else visitor.away_s == 0
