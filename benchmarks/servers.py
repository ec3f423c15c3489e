"""Serve the app as a host does, one process or two behind nginx, and look at its processes."""

import http.client
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

from tests.browser.harness import Server, serving
from tests.hosting import QUIET, hosted
from ui.server import METRICS, WORKER_COOKIE

COUNTED = {METRICS: "1"}


@dataclass(frozen=True, slots=True)
class Served:
    """The address that readers use, and the processes behind it."""

    url: str
    workers: tuple[Server, ...]

    def memory(self) -> float:
        """Return the resident memory of all workers in MB; Linux tells it."""
        total = 0
        for worker in self.workers:
            status = Path(f"/proc/{worker.pid}/status").read_text()
            match = re.search(r"VmRSS:\s+(\d+) kB", status)
            assert match is not None
            total += int(match[1])
        return total / 1000

    def blocks(self) -> int:
        """Return how many blocks of memory Python has in use in all workers."""
        total = 0.0
        for worker in self.workers:
            with urllib.request.urlopen(f"{worker.url}/metrics") as response:
                text = response.read().decode()
            match = re.search(r"^torch_loupe_memory_blocks (\S+)$", text, re.MULTILINE)
            assert match is not None
            total += float(match[1])
        return round(total)

    def processor(self) -> float:
        """Return the seconds of processor time that all workers have used."""
        return sum(worker.processor_s() for worker in self.workers)

    def cookie(self) -> str:
        """Open the front page as a new reader; return the cookie that names a worker, if any."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        connection.close()
        found = SimpleCookie(", ".join(response.headers.get_all("Set-Cookie") or ()))
        return f"{WORKER_COOKIE}={found[WORKER_COOKIE].value}" if WORKER_COOKIE in found else ""

    def log(self) -> str:
        """Return what all workers have printed."""
        return "".join(worker.log() for worker in self.workers)


@contextmanager
def served(workers: int) -> Iterator[Served]:
    """Serve the app until the block ends.

    Args:
        workers: 1, straight; or 2, behind nginx.

    Raises:
        FileNotFoundError: Two are asked for, and there is no nginx.
    """
    if workers == 1:
        with serving("app.py", *QUIET, environment=COUNTED) as server:
            yield Served(server.url, (server,))
    else:
        with hosted(environment=COUNTED) as found:
            yield Served(found.url, tuple(found.workers.values()))
