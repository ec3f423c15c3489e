"""Break torch or a reference on purpose, by one small and plausible error, and see checks fail.

A check that nothing can turn red proves nothing, and a verdict that nothing can turn is an opinion.
Each topic's tests list its twins; together they must turn every check of the topic red, and the
verdict on every statement of the notes.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import pytest

from explainers.evidence import Check, Claim, Verdict


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


@dataclasses.dataclass(frozen=True)
class ClaimTwin:
    """Name one wrong version of torch, and what it makes of statements of the notes.

    Attributes:
        name: The error, in words that a reader of the test's name understands.
        turns: By the beginning of a statement, the verdict that it must get.
        apply: Puts the error in place.
    """

    name: str
    turns: Mapping[str, Verdict]
    apply: Callable[[pytest.MonkeyPatch], None]


def check_that_twins_cover_claims(
    module: ModuleType, twins: Sequence[ClaimTwin], without: Mapping[str, str] | None = None
) -> None:
    """Assert that each statement of the notes has a twin, and that each twin names one there is.

    Args:
        module: Offers `claims`.
        twins: The wrong versions of torch.
        without: By the beginning of a statement, why no twin can turn its verdict.
    """
    statements = [claim.says for claims in _judged(module).values() for claim in claims]
    named = [start for twin in twins for start in twin.turns]
    excused = dict(without or {})
    for start in [*named, *excused]:
        assert sum(s.startswith(start) for s in statements) == 1, f"not one claim begins {start!r}"
    assert not set(named) & set(excused)
    bare = [s for s in statements if not any(map(s.startswith, [*named, *excused]))]
    assert not bare, f"claims without a wrong twin: {bare}"


def check_that_verdicts_turn(
    module: ModuleType, twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Assert that what the twin names has another verdict without it, and with it that one.

    Only these statements are judged under the twin: the others' judges cost nothing.
    """
    plain = {claim.says: claim for claims in _judged(module).values() for claim in claims}
    starts = tuple(twin.turns)
    for name, claims in _judged(module).items():
        if not any(claim.says.startswith(starts) for claim in claims):
            again = iter(claims)
            monkeypatch.setattr(module, name, lambda *_, again=again, **__: next(again))
    twin.apply(monkeypatch)
    broken: Sequence[Claim] = module.claims()
    monkeypatch.undo()
    assert [claim.says for claim in broken] == list(plain)
    for start, verdict in twin.turns.items():
        (claim,) = (claim for claim in broken if claim.says.startswith(start))
        assert plain[claim.says].verdict is not verdict, f"so without {twin.name}: {claim}"
        assert claim.verdict is verdict, f"{twin.name} is not seen by: {claim}"


@functools.cache
def _judged(module: ModuleType) -> Mapping[str, Sequence[Claim]]:
    """Return the claims that each function of a module gives, by its name, in the page's order."""
    found: dict[str, list[Claim]] = {}

    def noted(name: str, judge: Callable[..., Claim]) -> Callable[..., Claim]:
        def run(*arguments: object, **named: object) -> Claim:
            claim = judge(*arguments, **named)
            found.setdefault(name, []).append(claim)
            return claim

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name, judge in inspect.getmembers(module, inspect.isfunction):
            if inspect.signature(judge).return_annotation is Claim:
                patch.setattr(module, name, noted(name, judge))
        made = module.claims()
    listed = [claim for claims in found.values() for claim in claims]
    assert listed == list(made), "each claim must come of a function that returns a Claim"
    return found
