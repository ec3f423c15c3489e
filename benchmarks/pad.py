"""Time the scratchpad's round trip: from a program of ten statements to its trace.

Run it as ``python -m benchmarks.pad`` (``make bench-pad``). Wall time is what a reader waits;
processor time is of the server and of the helper with its children. Exit status 1: a reader waits
too long.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results
from explainers import scratchpad
from explainers.scratchpad.pool import Pool

LIMIT_MS = 150.0
"""Of wall time, on a machine that does nothing else: the median of ten statements."""

PROGRAMS = {
    "ten statements": "import torch\nx = torch.arange(6.0)\n"
    + "".join(f"x = x * 2 - {number}\n" for number in range(8)),
    "a step of training": (
        "import torch\nfrom torch import nn\ntorch.manual_seed(0)\nnet = nn.Linear(3, 2)\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\nx = torch.randn(4, 3)\n"
        "loss = net(x).square().mean()\nloss.backward()\noptimizer.step()\nprint(loss)\n"
    ),
}
"""The first is held to the limit."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a program takes, in ms: of the clock, of the server, of the helper and its children."""

    program: str
    wall: float
    longest: float
    server: float
    helper: float


def processor(pid: int) -> float:
    """Return the seconds of the processor that a process and its ended children took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(one) for one in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def timed(pool: Pool, program: str, repeats: int) -> Row:
    """Run a program some times."""
    source = PROGRAMS[program]
    walls, server, helper = [], time.process_time(), processor(pool.pid)
    for _ in range(repeats):
        begin = time.perf_counter()
        scratchpad.check(source)
        trace = pool.submit(source, seconds=2.0).result()
        walls.append(1e3 * (time.perf_counter() - begin))
        assert trace.failure is None and len(trace.steps) == 10, trace.failure
    server, helper = time.process_time() - server, processor(pool.pid) - helper
    each = 1e3 / repeats
    return Row(program, statistics.median(walls), max(walls), each * server, each * helper)


def table(rows: Sequence[Row]) -> str:
    """Return the rows in Markdown."""
    head = ("program", "wall ms", "longest ms", "server ms", "helper ms")
    return results.table(
        head,
        [
            (
                row.program,
                *(f"{one:.1f}" for one in (row.wall, row.longest, row.server, row.helper)),
            )
            for row in rows
        ],
    )


def main() -> int:
    """Measure, print, and return 1 where ten statements take longer than the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=40, help="runs of each program (40)")
    parser.add_argument("--record", action="store_true", help="write benchmarks/RESULTS.md")
    args = parser.parse_args()
    if why := scratchpad.available():
        sys.exit(why)
    pool = Pool()
    begin = time.perf_counter()
    while pool.starting():
        time.sleep(0.01)
    cold = time.perf_counter() - begin
    taken = processor(pool.pid)
    rows = [timed(pool, program, args.repeats) for program in PROGRAMS]
    pool.close()
    words = (
        f"{table(rows)}\n\nFrom the text to the trace: the median and the longest of "
        f"{args.repeats} in turn; beside them the processor's time of each, in the server "
        "(parsing, reading the trace) and in the helper with its child. A helper is there "
        f"{cold:.1f} s after the first wish, {taken:.1f} s of the processor. "
        f"Limit: {LIMIT_MS:g} ms of wall time for {rows[0].program}."
    )
    print(words)
    if args.record:
        results.record("pad", "The scratchpad", "python -m benchmarks.pad --record", words)
    return 0 if rows[0].wall <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
