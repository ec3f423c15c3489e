"""Give a run the settings of a fresh process, and the host its own again afterwards."""

import contextlib
import gc
import io
import linecache
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Protocol, SupportsIndex

import numpy as np
import torch
from torch._tensor_str import PRINT_OPTS

from explainers.program import instrument
from explainers.program.seeding import Generators, told_apart_by_thread

SLEEP = time.sleep


class Guest(Protocol):
    """A run, as far as the host has to do with it."""

    source: str
    generators: Generators
    thread: int | None

    def printed(self, text: str) -> None:
        """Take down what the program prints."""

    def warned(self, text: str) -> None:
        """Take down what the program is warned of."""

    def sleep(self, seconds: float) -> None:
        """Sleep as the program asked, as far as its time goes."""


class _Output(io.TextIOBase):
    """Take what one thread prints, and pass on what the others do."""

    def __init__(self, run: Guest, host: Any) -> None:
        super().__init__()
        self._run, self._host = run, host

    def write(self, text: str, /) -> int:
        if threading.get_ident() != self._run.thread:
            return int(self._host.write(text))
        self._run.printed(text)
        return len(text)

    def flush(self) -> None:
        if threading.get_ident() != self._run.thread:
            self._host.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


class _OnThread:
    """Match every module, as a filter of warnings does, on the thread of a run."""

    def __init__(self, run: Guest) -> None:
        self._run = run

    def match(self, _: str) -> bool:
        return threading.get_ident() == self._run.thread


@contextlib.contextmanager
def host_kept(run: Guest) -> Iterator[None]:
    """Give a run the settings of a fresh process, and the host its own again afterwards.

    Output, warnings and seeds are told apart by thread. The others belong to the whole process.
    """
    with contextlib.ExitStack() as stack:
        for keep in (_printing, _warning, _torch_kept, _python_kept):
            stack.enter_context(keep(run))
        stack.enter_context(told_apart_by_thread(run.generators, lambda: run.thread))
        yield


@contextlib.contextmanager
def _printing(run: Guest) -> Iterator[None]:
    host = sys.stdout
    sys.stdout = _Output(run, host)
    options = vars(PRINT_OPTS).copy()
    vars(PRINT_OPTS).update(vars(type(PRINT_OPTS)()))
    try:
        yield
    finally:
        sys.stdout = host
        vars(PRINT_OPTS).update(options)


@contextlib.contextmanager
def _warning(run: Guest) -> Iterator[None]:
    filters, show = warnings.filters, warnings.showwarning
    always = torch.is_warn_always_enabled()

    def shown(message: Warning | str, *where: Any, **how: Any) -> None:
        if threading.get_ident() == run.thread:
            run.warned(str(message))
        else:
            show(message, *where, **how)

    warnings.filters = [("always", None, Warning, _OnThread(run), 0), *filters]  # type: ignore
    warnings._filters_mutated()  # type: ignore[attr-defined]
    warnings.showwarning = shown
    torch.set_warn_always(True)
    try:
        yield
    finally:
        torch.set_warn_always(always)
        warnings.showwarning = show
        warnings.filters = filters
        warnings._filters_mutated()  # type: ignore[attr-defined]


@contextlib.contextmanager
def _torch_kept(_: Guest) -> Iterator[None]:
    kept: list[tuple[Callable[..., object], tuple[Any, ...], tuple[Any, ...]]] = [
        (torch.set_default_dtype, (torch.get_default_dtype(),), (torch.float32,)),
        (
            torch.set_anomaly_enabled,
            (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
            (False, True),
        ),
        (
            _set_deterministic,
            (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            (False, False),
        ),
        # How many share a sum decides how it is rounded.
        (torch.set_num_threads, (torch.get_num_threads(),), (1,)),
    ]
    for setting, host, fresh in kept:
        if host != fresh:
            setting(*fresh)
    try:
        yield
    finally:
        for setting, host, _fresh in kept:
            setting(*host)


def _set_deterministic(mode: bool, warn_only: bool) -> None:
    torch.use_deterministic_algorithms(mode, warn_only=warn_only)


@contextlib.contextmanager
def _python_kept(run: Guest) -> Iterator[None]:

    def sleep(seconds: SupportsIndex | float, /) -> None:
        if threading.get_ident() == run.thread:
            run.sleep(float(seconds))
        else:
            SLEEP(seconds)

    plain, arrays = random.getstate(), np.random.get_state()
    collects, limit = gc.isenabled(), sys.getrecursionlimit()
    random.seed(0)
    np.random.seed(0)
    # Whether a cycle is still there depends on the program alone, not on when garbage is collected.
    gc.disable()
    lines = [f"{line}\n" for line in run.source.splitlines()]
    time.sleep = sleep
    linecache.cache[instrument.FILE] = (len(run.source), None, lines, instrument.FILE)
    try:
        yield
    finally:
        time.sleep = SLEEP
        linecache.cache.pop(instrument.FILE, None)
        if collects:
            gc.enable()
        sys.setrecursionlimit(limit)
        random.setstate(plain)
        np.random.set_state(arrays)
