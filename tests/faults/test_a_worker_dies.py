"""A worker is killed under load: the other serves, and settings come back from the address."""

import asyncio
import http.client
import os
import signal
import time
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed

from tests import hosting
from tests.clock import patience
from tests.reader import Reader
from ui import catalogue
from ui.server import WORKER_COOKIE

pytestmark = pytest.mark.usefixtures("nginx")

READERS = 8
BACK_WITHIN_S = 10.0


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
                        value = switch.values()[self.changes % 2]
                        self.errors += (await reader.change(switch, value)).exceptions()
                        self.changes += 1
                        await asyncio.sleep(0.2)
            except (ConnectionClosed, OSError):
                if self.away_s == 0:
                    self.away_s -= time.perf_counter()
                await asyncio.sleep(0.2)
                cookie = f"{WORKER_COOKIE}={self.worker}"
                self.worker = await asyncio.to_thread(healthy, self.url, cookie) or self.worker


def test_the_other_worker_takes_over_with_every_readers_settings() -> None:
    async def read(hosted: hosting.Hosted) -> list[Visitor]:
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

    with hosting.hosted() as hosted:
        visitors = asyncio.run(read(hosted))
        assert "Traceback" not in hosted.workers["two"].log()
    for index, visitor in enumerate(visitors):
        assert visitor.errors == []
        assert visitor.worker == "two"
        cut_off = index % 2 == 0
        assert 0 < visitor.away_s < patience(BACK_WITHIN_S) if cut_off else visitor.away_s == 0
