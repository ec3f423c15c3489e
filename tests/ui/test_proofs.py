"""What a topic proves is computed once, unless a run was cut short."""

import math
from types import SimpleNamespace

import pytest

from explainers.evidence import Check, Kind
from ui import catalogue, proofs


def test_a_proof_is_kept_but_not_one_whose_run_was_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    errors = [math.inf, 0.0]

    def checks(*, device: str) -> tuple[Check, ...]:
        asked.append(device)
        error = errors[min(len(asked), 2) - 1]
        return (Check("Two is two.", "two", error=error, tolerance=0.0, kind=Kind.INVARIANT),)

    topic = SimpleNamespace(checks=checks, claims=lambda *, device: ())
    monkeypatch.setattr(catalogue, "page", lambda slug: SimpleNamespace(topic=topic))
    found = [proofs.of("no page", "cpu").checks[0].error for _ in range(4)]
    assert found == [math.inf, 0.0, 0.0, 0.0]
    assert len(asked) == 2
