"""Let many readers change a control every second, and time what each waits for.

Run it as ``python -m benchmarks.load`` (``make bench-load``). A reader is a web socket that speaks
Streamlit's own messages (`tests/reader.py`), on the same machine. A change that comes late because
the one before is still awaited counts from when it was due. Exit status 1: a limit is broken.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.exceptions import WebSocketException

from benchmarks import results
from benchmarks.servers import Served, served
from tests.reader import Reader
from ui import catalogue

P95_LIMIT_MS = 400.0
SESSION_LIMIT_MB = 3.0


@dataclass(slots=True)
class Tally:
    """What readers met: ms of each change with its page, first views, and what went wrong."""

    changes: list[tuple[str, float]] = field(default_factory=list)
    views: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def times(self, slug: str = "") -> list[float]:
        """Return the ms of the changes, on one page or on all."""
        return [ms for page, ms in self.changes if slug in ("", page)]


async def read(
    served: Served,
    slug: str,
    seconds: float,
    every: float,
    tally: Tally,
    all_here: asyncio.Barrier,
    seed: int,
) -> None:
    """Open a page, wait for the others, and change its first control at a steady pace."""
    chance = random.Random(seed)
    try:
        cookie = await asyncio.to_thread(served.cookie)
        async with Reader(served.url, slug, cookie=cookie) as reader:
            run = await reader.open()
            tally.views.append(run.seconds * 1e3)
            tally.errors += run.exceptions()
            control = reader.control()
            await all_here.wait()
            # Not in step with the others.
            due = time.perf_counter() + every * chance.random()
            end = due + seconds
            while due < end:
                await asyncio.sleep(due - time.perf_counter())
                run = await reader.change(control, chance.choice(control.values()))
                tally.changes.append((slug, (time.perf_counter() - due) * 1e3))
                tally.errors += run.exceptions()
                due += every
    except (OSError, TimeoutError, LookupError, WebSocketException) as error:
        await all_here.abort()
        tally.errors.append(f"{slug}: {type(error).__name__}: {error}")


async def together(
    served: Served, slugs: Sequence[str], sessions: int, seconds: float, every: float
) -> tuple[Tally, float]:
    """Let that many readers read at once; return what they met, and the memory while they did."""
    tally, all_here = Tally(), asyncio.Barrier(sessions + 1)
    readers = [
        asyncio.create_task(
            read(served, slugs[index % len(slugs)], seconds, every, tally, all_here, index)
        )
        for index in range(sessions)
    ]
    # Where one cannot come, nobody waits: its error says why.
    with contextlib.suppress(asyncio.BrokenBarrierError):
        await all_here.wait()
        await asyncio.sleep(seconds)
    memory = served.memory()
    for done in await asyncio.gather(*readers, return_exceptions=True):
        if isinstance(done, BaseException) and not isinstance(done, asyncio.BrokenBarrierError):
            raise done
    return tally, memory


async def alone(served: Served, slugs: Sequence[str], seconds: float, every: float) -> Tally:
    """Let one reader read page after page for that long in all."""
    tally = Tally()
    for slug in slugs:
        await read(served, slug, seconds / len(slugs), every, tally, asyncio.Barrier(1), 0)
    return tally


def with_controls(served: Served, slugs: Sequence[str]) -> list[str]:
    """Visit every page once, so that no first run is timed; return those with a control."""

    async def visit(slug: str) -> bool:
        async with Reader(served.url, slug) as reader:
            await reader.open()
            try:
                control = reader.control()
            except LookupError:
                return False
            for value in control.values()[:3]:
                await reader.change(control, value)
            return True

    changeable = []
    for slug in slugs:
        # Both of two workers, whichever comes first.
        visits = [asyncio.run(visit(slug)) for _ in range(4 * len(served.workers))]
        if all(visits):
            changeable.append(slug)
    return changeable


def row(name: str, times: Sequence[float], errors: int) -> list[object]:
    """Sum up in one line."""
    if not times:
        return [name, 0, "", "", "", errors]
    p50, p95 = (results.percentile(times, share) for share in (0.5, 0.95))
    return [name, len(times), f"{p50:.0f}", f"{p95:.0f}", f"{max(times):.0f}", errors]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=32, help="readers at once (32)")
    parser.add_argument("--seconds", type=float, default=60, help="how long they read (60)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between changes (1)")
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1, help="2: behind nginx")
    parser.add_argument("--pages", nargs="+", metavar="SLUG", help="pages to read (all)")
    parser.add_argument("--record", action="store_true", help="write benchmarks/RESULTS.md")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 1 unless every limit holds."""
    args = arguments()
    with served(args.workers) as place:
        slugs = with_controls(place, args.pages or [page.slug for page in catalogue.PAGES])
        one = asyncio.run(alone(place, slugs, args.seconds, args.every))
        before, used, start = place.memory(), place.processor(), time.perf_counter()
        many, during = asyncio.run(together(place, slugs, args.sessions, args.seconds, args.every))
        cores = (place.processor() - used) / (time.perf_counter() - start)
        log = place.log()
    growth = (during - before) / args.sessions
    pages = [(f"together, {slug}", many.times(slug)) for slug in slugs]
    rows = [
        row("alone", one.times(), len(one.errors)),
        row(f"{args.sessions} together", many.times(), len(many.errors)),
        *(row(name, times, 0) for name, times in pages),
        row(f"{args.sessions} first views at once", many.views, 0),
    ]
    head = ("readers", "n", "p50 ms", "p95 ms", "longest ms", "errors")
    words = (
        f"Memory for each live session: {growth:.2f} MB (limit {SESSION_LIMIT_MB:.0f}). "
        f"Processor: {cores:.2f} cores. Limit of p95: {P95_LIMIT_MS:.0f} ms."
    )
    body = f"{results.table(head, rows)}\n\n{words}"
    print(body)
    errors = [*one.errors, *many.errors]
    for error in errors[:10]:
        print(error)
    if args.record:
        title = f"{args.sessions} readers at once, {args.workers} worker"
        title += "s behind nginx" if args.workers > 1 else ""
        name = f"load-{args.workers}"
        results.record(name, title, " ".join(["python -m benchmarks.load", *sys.argv[1:]]), body)
    slow = results.percentile(many.times(), 0.95) > P95_LIMIT_MS
    return int(bool(errors) or slow or growth > SESSION_LIMIT_MB or "Traceback" in log)


if __name__ == "__main__":
    sys.exit(main())
