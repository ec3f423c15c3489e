"""Whoever reads a lesson does not feel those who try to break the scratchpad.

For a machine that does nothing else: TORCH_LOUPE_HOSTILE=200 make test
ARGS=tests/faults/test_hostile_programs.py
"""

import asyncio
import os
import re
import statistics
import urllib.request
from urllib.parse import urlencode

import pytest

from explainers import scratchpad
from tests.browser.harness import Server, serving
from tests.explainers.scratchpad.attacks import ATTACKS
from tests.hosting import QUIET
from tests.reader import Reader
from ui import catalogue, offered
from ui.packing import packed
from ui.server import METRICS

HOSTILE = int(os.environ.get("TORCH_LOUPE_HOSTILE", "0"))
READERS = 16
CHANGES = 20
EVERY_S = 1.0
AT_A_TIME = 4
MOST_TIMES = 1.5
SLACK_S = 0.02

pytestmark = [
    pytest.mark.skipif(HOSTILE == 0, reason="for a quiet machine: set TORCH_LOUPE_HOSTILE"),
    pytest.mark.skipif(scratchpad.available() != "", reason=scratchpad.available()),
]


def hostile() -> list[str]:
    """Programs that the language lets through, so that each takes a child."""
    found = ["x = torch.rand(200, 200)\ny = [x.sort()[0].sum() for i in range(9999)]\n"]
    for kind in ("sizes", "times", "tensors", "edges"):
        for program in ATTACKS[kind]:
            try:
                scratchpad.check(program)
                packed(program)
            except ValueError:
                continue
            found.append(program)
    return [found[place % len(found)] for place in range(HOSTILE)]


async def read(server: Server, slug: str, begin_s: float, seconds: list[float]) -> None:
    """Change something every second."""
    await asyncio.sleep(begin_s)
    async with Reader(server.url, slug) as reader:
        await reader.open()
        control = reader.control()
        values = control.values()
        for place in range(CHANGES):
            run = await reader.change(control, values[(place + 1) % len(values)])
            seconds.append(run.seconds)
            await asyncio.sleep(max(0.0, EVERY_S - run.seconds))


async def attack(server: Server, programs: list[str]) -> None:
    """Open one program after the other, and wait for each to be over."""
    while programs:
        query = urlencode({offered.PROGRAM: packed(programs.pop())})
        async with Reader(server.url, catalogue.SCRATCHPAD.slug, query) as reader:
            run = await reader.open()
            assert run.exceptions() == []
            await asyncio.sleep(0.5)


async def p95(server: Server, programs: list[str]) -> float:
    """Return the time of a change that 19 of 20 keep within, beside these programs."""
    seconds: list[float] = []
    slugs = [page.slug for page in catalogue.PAGES][:READERS]
    readers = [
        read(server, slug, place * EVERY_S / READERS, seconds) for place, slug in enumerate(slugs)
    ]
    await asyncio.gather(*readers, *(attack(server, programs) for _ in range(AT_A_TIME)))
    return statistics.quantiles(seconds, n=20)[-1]


def ran(server: Server) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics") as response:
        text = response.read().decode()
    counts = re.findall(r"^torch_loupe_scratchpad_(?:runs|cancelled)_total (\S+)$", text, re.M)
    return sum(map(float, counts))


def test_sixteen_readers_do_not_feel_hostile_programs() -> None:
    programs = hostile()
    with serving("app.py", *QUIET, environment={METRICS: "1"}) as server:
        asyncio.run(attack(server, programs[:1]))  # starts the helper
        asyncio.run(p95(server, []))
        alone = asyncio.run(p95(server, []))
        beside = asyncio.run(p95(server, programs))
        assert ran(server) >= HOSTILE * 0.9
        assert asyncio.run(p95(server, [])) <= MOST_TIMES * alone + SLACK_S
    assert beside <= MOST_TIMES * alone + SLACK_S, f"{beside:.3f} s, and {alone:.3f} s without"
