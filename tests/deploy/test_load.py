"""The server counts what readers do, and the load benchmark drives it, as `make bench-load`."""

import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from benchmarks import load
from benchmarks.servers import Served, served
from tests.browser.harness import Server
from tests.reader import Reader
from ui import catalogue
from ui.server import METRICS

MOST_BYTES_OF_A_CHANGE = 80_000
# One of lessons, one with figures of its own.
TWO = ("views", "affine_grid")
CORES = """
import threading, time
from ui import server

server.middleware()
server.get_ready()
import torch

def run():
    matrix = torch.randn(512, 512)
    used, start = time.process_time(), time.perf_counter()
    while time.perf_counter() < start + 1:
        matrix @ matrix
    print("cores:", time.process_time() - used, torch.get_num_threads())

thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Served]:
    """Give the app as the benchmark serves it."""
    with served(1) as found:
        yield found


def get(url: str) -> str:
    with urllib.request.urlopen(url) as response:
        text: bytes = response.read()
    return text.decode()


def value(text: str, series: str) -> float:
    match = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert match is not None, series
    return float(match[1])


# First: nobody else has been there.
def test_sessions_and_reruns_of_each_page_are_counted(place: Served) -> None:
    async def read(url: str) -> tuple[str, str]:
        for slug in TWO:
            async with Reader(url, slug) as reader:
                await reader.open()
                control = reader.control()
                for setting in itertools.islice(itertools.cycle(control.values()), 3):
                    await reader.change(control, setting)
                during = await asyncio.to_thread(get, f"{url}/metrics")
        async with asyncio.timeout(10):
            while True:
                after = await asyncio.to_thread(get, f"{url}/metrics")
                if value(after, "torch_loupe_sessions") == 0:
                    return during, after

    assert json.loads(get(f"{place.url}/healthz"))["status"] == "ok"
    during, after = asyncio.run(read(place.url))
    assert value(during, "torch_loupe_sessions") == 1
    assert value(after, "torch_loupe_sessions_opened_total") == len(TWO)
    for slug in TWO:
        assert value(after, f'torch_loupe_rerun_seconds_count{{page="{slug}"}}') == 4
    assert value(after, "process_resident_memory_bytes") > 0


def test_by_default_there_is_nothing_at_their_addresses(app_server: Server) -> None:
    for path in ("healthz", "metrics"):
        # Streamlit answers any address with its page.
        assert '<div id="root">' in get(f"{app_server.url}/{path}")


def test_a_few_readers_change_every_page_and_nothing_goes_wrong(place: Served) -> None:
    assert load.with_controls(place, TWO) == list(TWO)
    slugs = [page.slug for page in catalogue.PAGES]
    tally, memory = asyncio.run(load.together(place, slugs, len(slugs), 2.0, 0.5))
    assert "Traceback" not in place.log()
    assert tally.errors == []
    assert {slug for slug, _ in tally.changes} == set(slugs)
    assert len(tally.views) == len(slugs)
    assert memory > 100


def test_a_change_of_any_page_is_one_run_and_sends_numbers_and_not_the_code_that_draws_them(
    place: Served,
) -> None:
    runs: dict[str, int] = {}

    async def change(url: str, slug: str) -> bytes:
        async with Reader(url, slug) as reader:
            opened = await reader.open()
            assert b"class Chart" in b"".join(opened.raw)
            control = reader.control()
            run = await reader.change(control, control.values()[-2])
            assert [*opened.exceptions(), *run.exceptions()] == []
            runs[slug] = [m.WhichOneof("type") for m in run.messages].count("script_finished")
            return b"".join(run.raw)

    for page in catalogue.PAGES:
        sent = asyncio.run(change(place.url, page.slug))
        assert len(sent) < MOST_BYTES_OF_A_CHANGE, page.slug
        assert b"class Chart" not in sent
    assert "Traceback" not in place.log()
    # One run each, for a browser renders the whole page for every one. This page's first control
    # sets others.
    assert {slug for slug, count in runs.items() if count > 1} == {"interpolate"}


def test_a_run_keeps_to_one_core() -> None:
    # After torch.randn a new thread uses every core, whatever torch.set_num_threads was told. What
    # counts the metrics imports torch too.
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment[METRICS] = "1"
    done = subprocess.run(
        [sys.executable, "-c", CORES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    cores, threads = done.stdout.rpartition("cores:")[2].split()
    assert int(threads) == 1
    assert float(cores) < 1.3
