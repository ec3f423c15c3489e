"""Time work so that a slow or a busy machine does not fail a test that nothing else would."""

import math
import time
from collections.abc import Callable

import torch

# What `_yardstick` takes where the limits were written: an idle core of about 2.5 GHz.
YARDSTICK_MS = 10.0
# Enough of them to be held up as often as others are.
PACES = 20


def milliseconds(
    work: Callable[[], object],
    *,
    limit: float,
    tries: int = 12,
    clock: Callable[[], float] = time.thread_time,
) -> float:
    """Return the least time that ``work`` took, in ms of its own thread, once below ``limit``.

    Runs ``work`` at most ``tries`` times. Other threads' work does not count, unless ``clock`` says
    so; on a machine that takes longer than usual over a fixed piece of work, the time is divided by
    how much longer.
    """
    best = slowness = math.inf
    for _ in range(tries):
        best = min(best, _spent(work, clock))
        slowness = min(slowness, _spent(_yardstick) / YARDSTICK_MS)
        if best / max(1.0, slowness) < limit:
            break
    return best / max(1.0, slowness)


def patience(seconds: float) -> float:
    """Return that many seconds, or as many more as other work holds this machine up now."""
    start = time.perf_counter()
    for _ in range(PACES):
        _yardstick()
    taken_ms = (time.perf_counter() - start) * 1000 / PACES
    return seconds * max(1.0, taken_ms / YARDSTICK_MS)


def _spent(work: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    start = clock()
    work()
    return (clock() - start) * 1000


def _yardstick() -> None:
    """Do what the explainers' time goes into: small operations of torch, and plain Python."""
    tensor, total = torch.ones(16), 0.0
    for step in range(2000):
        tensor = tensor * 0.999 + 0.001
        total += math.cos(step)
    assert len([str(step) for step in range(5000)]) == 5000
