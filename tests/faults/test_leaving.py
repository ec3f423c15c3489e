"""A reader who leaves in the middle of a training run takes the run along."""

import asyncio
import re
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from explainers.optimizers import schedulers
from tests.browser.harness import Server
from tests.reader import Reader
from ui import catalogue

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells what a process does"
)

PATIENCE_S = 60.0
# Long enough that nobody would wait for its end: twelve schedules of a thousand steps.
HEAVY = urlencode(
    schedulers.Schedulers(
        steps=1000, kept="; ".join(f"ExponentialLR(gamma=0.99{n})" for n in range(8))
    ).address()
)


def threads(server: Server) -> int:
    """Return how many threads the server has; each run of a page is one."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    match = re.search(r"Threads:\s+(\d+)", status)
    assert match is not None
    return int(match[1])


def sockets(server: Server) -> int:
    """Return how many files and sockets the server has open."""
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


async def falls_to(server: Server, most: int, within_s: float) -> None:
    """Wait until the server has at most that many threads.

    A training run that goes on keeps a core busy, so that seconds of the processor are those of the
    clock on a machine that does nothing else.
    """
    before, start = server.processor_s(), time.perf_counter()
    while threads(server) > most:
        spent = server.processor_s() - before
        waits = time.perf_counter() - start < PATIENCE_S
        assert spent < within_s and waits, f"{threads(server)} threads, not {most}"
        await asyncio.sleep(0.02)


async def start_training(reader: Reader) -> None:
    """Open the page, start its learning run, and wait until it says how far it is."""
    await reader.open()
    await reader.send(reader.find("button", f"{reader.slug}.learn.start"), True)
    while True:
        message, _ = await reader.receive()
        element = message.delta.new_element
        if element.WhichOneof("type") == "progress" and element.progress.value > 0:
            assert element.progress.value < 50
            return


def test_a_run_stops_within_a_second_of_its_reader_leaving_and_nothing_stays(
    app_server: Server,
) -> None:
    async def leave_again_and_again(server: Server) -> None:
        async with Reader(server.url, "schedulers") as reader:
            await reader.open()
        await asyncio.sleep(1)
        before, files = threads(server), sockets(server)
        for _ in range(5):
            reader = Reader(server.url, "schedulers", HEAVY)
            await reader.connect()
            await start_training(reader)
            assert threads(server) > before
            await reader.leave()
            await falls_to(server, before, within_s=1.0)
        # A session that Streamlit keeps for two minutes holds its event loop's three descriptors.
        assert sockets(server) <= files + 5 * 3
        # The server is as good as before.
        async with Reader(server.url, "schedulers") as reader:
            assert (await reader.open()).exceptions() == []

    asyncio.run(leave_again_and_again(app_server))
    assert "Traceback" not in app_server.log()


def test_a_reader_who_vanishes_in_the_middle_of_any_pages_lesson_leaves_no_thread(
    app_server: Server,
) -> None:
    async def vanish(server: Server) -> None:
        async with Reader(server.url, "schedulers") as reader:
            await reader.open()
        await asyncio.sleep(1)
        before = threads(server)
        for entry in catalogue.PAGES:
            reader = Reader(server.url, entry.slug)
            await reader.connect()
            await reader.open()
            try:
                button = reader.find("button", f"{entry.slug}.learn.start")
            except LookupError:
                await reader.leave()
                continue
            await reader.send(button, True)
            reader.vanish()
        await falls_to(server, before, within_s=5.0)

    asyncio.run(vanish(app_server))
    assert "Traceback" not in app_server.log()
