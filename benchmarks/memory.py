"""Weigh the server before and after many reruns of one session, and many sessions come and gone.

Run it as ``python -m benchmarks.memory`` (``make bench-memory``); Linux only. Streamlit keeps a
session for two minutes after its reader has left, so that a short loss of the network costs
nothing: what stays is weighed after that time, after some more visitors, at whose coming it is let
go, and after the collection of garbage that follows. Exit status 1: a limit is broken.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

from benchmarks import results
from benchmarks.load import with_controls
from benchmarks.servers import Served, served
from tests.reader import Reader
from ui import catalogue
from ui.server import GARBAGE_EVERY_S

RERUNS_LIMIT_MB = 10.0
VISITS_LIMIT_MB = 10.0
BLOCKS_LIMIT = 10_000  # a megabyte of small objects
# As many sessions as Streamlit keeps at most.
KEPT = 128
# Two minutes, and a little.
FORGOTTEN_S = 130.0


async def rerun(served: Served, slugs: Sequence[str], times: int) -> list[float]:
    """Let one reader change controls page after page; return the memory at ten places of it."""
    chance = random.Random(0)
    memory = []
    async with Reader(served.url, cookie=served.cookie()) as reader:
        every = max(1, times // 10)
        for index in range(times):
            if index % max(1, times // (10 * len(slugs))) == 0:
                await reader.go(slugs[(index * 10 * len(slugs) // times) % len(slugs)])
                control = reader.control()
            run = await reader.change(control, chance.choice(control.values()))
            if run.exceptions():
                raise RuntimeError(run.exceptions())
            if (index + 1) % every == 0:
                memory.append(served.memory())
    return memory


async def visit(served: Served, slugs: Sequence[str], times: int) -> None:
    """Let that many readers come, change one thing, and go."""
    for index in range(times):
        async with Reader(served.url, slugs[index % len(slugs)], cookie=served.cookie()) as reader:
            await reader.open()
            control = reader.control()
            await reader.change(control, control.values()[-1])


def forgotten(served: Served, slugs: Sequence[str], seconds: float) -> tuple[float, int]:
    """Return the memory, and the blocks in use, once Streamlit has let the sessions go."""
    time.sleep(seconds)
    asyncio.run(visit(served, slugs, 4 * len(served.workers)))
    time.sleep(GARBAGE_EVERY_S + 2)
    return served.memory(), served.blocks()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reruns", type=int, default=2000, help="of one session (2000)")
    parser.add_argument("--visits", type=int, default=200, help="sessions that come and go (200)")
    parser.add_argument(
        "--forgotten",
        type=float,
        default=FORGOTTEN_S,
        metavar="SECONDS",
        help=f"until Streamlit lets a session go ({FORGOTTEN_S:.0f})",
    )
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1, help="2: behind nginx")
    parser.add_argument("--pages", nargs="+", metavar="SLUG", help="pages to read (all)")
    parser.add_argument("--record", action="store_true", help="write benchmarks/RESULTS.md")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 1 unless every limit holds."""
    args = arguments()
    with served(args.workers) as place:
        started = place.memory()
        slugs = with_controls(place, args.pages or [page.slug for page in catalogue.PAGES])
        # One round before the scales: caches fill, and allocators take what they need at the most.
        asyncio.run(rerun(place, slugs, args.reruns // 5))
        asyncio.run(visit(place, slugs, min(args.visits, KEPT * args.workers)))
        before, blocks_before = forgotten(place, slugs, args.forgotten)
        reruns = asyncio.run(rerun(place, slugs, args.reruns))
        asyncio.run(visit(place, slugs, args.visits))
        kept = place.memory()
        after, blocks_after = forgotten(place, slugs, args.forgotten)
        wrong = "Traceback" in place.log()
    # The second half of the reruns, so that what the first half warms does not count.
    left, blocks = after - before, blocks_after - blocks_before
    grown = reruns[-1] - reruns[len(reruns) // 2]
    rows = [
        ("server ready", f"{started:.1f}"),
        ("warm, its sessions forgotten", f"{before:.1f}"),
        (f"{args.reruns} reruns of one session: half of them", f"{reruns[len(reruns) // 2]:.1f}"),
        (f"{args.reruns} reruns: all", f"{reruns[-1]:.1f}"),
        (f"{args.visits} sessions opened and closed, just now", f"{kept:.1f}"),
        ("and forgotten", f"{after:.1f}"),
    ]
    words = (
        f"The second half of the reruns adds {grown:.1f} MB (limit {RERUNS_LIMIT_MB:.0f}). "
        f"Everything leaves {left:.1f} MB behind (limit {VISITS_LIMIT_MB:.0f}), in which Python "
        f"uses {blocks:+,} blocks of {blocks_before:,} (limit {BLOCKS_LIMIT:+,})."
    )
    body = f"{results.table(('resident memory', 'MB'), rows)}\n\n{words}"
    print(body)
    if args.record:
        title = f"Memory, {args.workers} worker" + ("s behind nginx" if args.workers > 1 else "")
        command = " ".join(["python -m benchmarks.memory", *sys.argv[1:]])
        results.record(f"memory-{args.workers}", title, command, body)
    return int(wrong or grown > RERUNS_LIMIT_MB or left > VISITS_LIMIT_MB or blocks > BLOCKS_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
