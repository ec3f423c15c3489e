"""Health and metrics are there when asked for, and nowhere otherwise."""

import asyncio
import itertools
import json
import re
import urllib.request

from tests.browser.harness import Server, serving
from tests.hosting import QUIET
from tests.reader import Reader
from ui import catalogue
from ui.server import METRICS


def get(url: str) -> str:
    with urllib.request.urlopen(url) as response:
        text: bytes = response.read()
    return text.decode()


def value(text: str, series: str) -> float:
    match = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert match is not None, series
    return float(match[1])


def test_sessions_and_reruns_of_each_page_are_counted() -> None:
    async def read(url: str) -> tuple[str, str]:
        for entry in catalogue.PAGES:
            async with Reader(url, entry.slug) as reader:
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

    with serving("app.py", *QUIET, environment={METRICS: "1"}) as server:
        assert json.loads(get(f"{server.url}/healthz"))["status"] == "ok"
        during, after = asyncio.run(read(server.url))
    assert value(during, "torch_loupe_sessions") == 1
    assert value(after, "torch_loupe_sessions_opened_total") == len(catalogue.PAGES)
    for entry in catalogue.PAGES:
        count = f'torch_loupe_rerun_seconds_count{{page="{entry.slug}"}}'
        assert value(after, count) == 4
    assert value(after, "process_resident_memory_bytes") > 0


def test_by_default_there_is_nothing_at_their_addresses(app_server: Server) -> None:
    for path in ("healthz", "metrics"):
        # Streamlit answers any address with its page.
        assert '<div id="root">' in get(f"{app_server.url}/{path}")
