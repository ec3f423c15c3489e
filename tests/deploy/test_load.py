"""The load benchmark really drives every page; its long runs are `make bench-load`."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks import load
from benchmarks.servers import Served, served
from tests.reader import Reader
from ui import catalogue

MOST_BYTES_OF_A_CHANGE = 80_000
CORES = """
import threading, time
from ui import server

server.get_ready()
import torch

def run():
    matrix = torch.randn(512, 512)
    used, start = time.process_time(), time.perf_counter()
    while time.perf_counter() < start + 1:
        matrix @ matrix
    print("cores:", time.process_time() - used)

thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Served]:
    """Give the app as the benchmark serves it."""
    with served(1) as found:
        yield found


def test_a_few_readers_change_every_page_and_nothing_goes_wrong(place: Served) -> None:
    slugs = load.with_controls(place, [page.slug for page in catalogue.PAGES])
    assert "affine_grid" in slugs
    tally, memory = asyncio.run(load.together(place, slugs, len(slugs), 2.0, 0.5))
    assert "Traceback" not in place.log()
    assert tally.errors == []
    assert {slug for slug, _ in tally.changes} == set(slugs)
    assert len(tally.views) == len(slugs)
    assert memory > 100


def test_a_change_sends_numbers_and_not_the_code_that_draws_them(place: Served) -> None:
    async def change(url: str, slug: str) -> bytes:
        async with Reader(url, slug) as reader:
            assert b"class Chart" in b"".join((await reader.open()).raw)
            control = reader.control()
            return b"".join((await reader.change(control, control.values()[-2])).raw)

    for page in catalogue.PAGES:
        sent = asyncio.run(change(place.url, page.slug))
        assert len(sent) < MOST_BYTES_OF_A_CHANGE, page.slug
        assert b"class Chart" not in sent


def test_a_run_keeps_to_one_core() -> None:
    # After torch.randn a new thread uses every core, whatever torch.set_num_threads was told.
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", CORES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout.rpartition("cores:")[2]) < 1.3, done.stdout
