"""Stand in for the jail where a test asks what the page makes of it, not whether it holds.

The programs are the tests' own, so that they may run in this process.
"""

import ast
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from explainers import program, scratchpad
from explainers.program import Trace


class FakeJob:
    """A run that is over once its pool says so."""

    def __init__(self, pool: "FakePool", source: str, reader: str) -> None:
        self.pool, self.source, self.reader = pool, source, reader
        self.cancelled = False

    def place(self) -> int:
        return self.pool.place

    def done(self) -> bool:
        return self.pool.place < 0 or self.cancelled

    def wait(self, seconds: float | None = None) -> bool:
        assert seconds is not None, "a page waits no longer than it knows"
        return self.done()

    def cancel(self) -> None:
        self.cancelled = True

    def result(self) -> Trace:
        if self.cancelled:
            raise scratchpad.CancelledError
        if self.pool.broken:
            raise scratchpad.UnavailableError(self.pool.broken)
        return dataclasses.replace(self.pool.runs(self.source), jailed=True)


class FakePool:
    """A pool whose runs wait at a place in the queue; at -1 they are over.

    Attributes:
        place: Of every run.
        reason: Why this host cannot jail; "" where it can.
        broken: Why a run comes to nothing; "" where it does not.
        busy: Whether too many wait.
        loads: Whether the process that runs programs is on its way.
        runs: What makes a trace of a program.
        jobs: Every run that was asked for.
        wished: How often that process was wished for.
    """

    def __init__(self) -> None:
        self.place = -1
        self.reason = self.broken = ""
        self.busy = self.loads = False
        self.runs: Callable[[str], Trace] = program.run
        self.jobs: list[FakeJob] = []
        self.wished = 0

    @property
    def sources(self) -> list[str]:
        return [job.source for job in self.jobs]

    def available(self) -> str:
        return self.reason

    def starting(self) -> bool:
        self.wished += 1
        return self.loads

    def check(self, source: str) -> None:
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            raise ValueError(f"line {error.lineno}: this is no Python: {error.msg}") from None
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "numpy":
                raise ValueError(
                    f"line {node.lineno}: .numpy is not available here: .tolist() shows the values"
                )

    def submit(self, source: str, *, seconds: float = 2.0, reader: str = "") -> FakeJob:
        if self.reason:
            raise scratchpad.UnavailableError(self.reason)
        self.check(source)
        if self.busy:
            raise scratchpad.BusyError("Too many programs wait: try again in a moment.")
        self.jobs.append(FakeJob(self, source, reader))
        return self.jobs[-1]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """Put a pool of the tests' own in the place of the jail."""
    made = FakePool()
    for name in ("available", "check", "starting", "submit"):
        monkeypatch.setattr(scratchpad, name, getattr(made, name))
    return made


def refused_by_a_wall(source: str) -> Trace:
    """Give what comes back where a wall ended a run before its first statement."""
    failure: Any = program.Failure(4, scratchpad.REFUSED, "x.data_ptr is not available here")
    return Trace(source, (), failure)
