"""Break torch or a reference on purpose, by one small and plausible error, and see checks fail.

A check that nothing can turn red proves nothing. Each topic's tests list its twins; together they
must turn every check of the topic red.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import pytest

from explainers.evidence import Check


@dataclasses.dataclass(frozen=True)
class Twin:
    """Name one wrong version of torch or of a reference.

    Attributes:
        name: The error, in words that a reader of the test's name understands.
        breaks: Beginnings of the statements that it must turn red.
        apply: Puts the error in place.
    """

    name: str
    breaks: tuple[str, ...]
    apply: Callable[[pytest.MonkeyPatch], None]


def check_that_twins_cover(run: Callable[[], Sequence[Check]], twins: Sequence[Twin]) -> None:
    """Assert that each check has a twin, and that each twin names a check there is."""
    statements = [check.statement for check in run()]
    named = [start for twin in twins for start in twin.breaks]
    stray = [start for start in named if not any(s.startswith(start) for s in statements)]
    assert not stray, f"no check begins so: {stray}"
    bare = [s for s in statements if not any(s.startswith(start) for start in named)]
    assert not bare, f"checks without a wrong twin: {bare}"


def check_that_a_twin_is_seen(
    run: Callable[[], Sequence[Check]], twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Assert that what the twin names holds without it and fails with it.

    A check is told by its place: its words may hold what it measured.
    """
    plain = _plain(run)
    twin.apply(monkeypatch)
    broken = run()
    monkeypatch.undo()
    assert len(plain) == len(broken)
    for start in twin.breaks:
        pairs = [
            (before, after)
            for before, after in zip(plain, broken, strict=True)
            if before.statement.startswith(start)
        ]
        assert pairs, f"no check begins {start!r}"
        for before, after in pairs:
            assert before.holds, f"fails without a twin: {before}"
            assert not after.holds, f"{twin.name} is not seen by: {after}"


@functools.lru_cache(maxsize=8)
def _plain(run: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    # The same every time: once for all twins of a topic.
    return run()
