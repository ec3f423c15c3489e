"""A change of initialization draws what is new, and gives what drawing all anew would."""

import dataclasses
import importlib
from typing import Any

import pytest
import torch

from explainers.initialization import initialization as topic
from explainers.initialization.initialization import propagation, schemes

VIEW = importlib.import_module("explainers.initialization.initialization.view")
SMALL = topic.Initialization(nonlinearity="tanh", width=32, kept="")


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Begin with nothing drawn."""
    VIEW.forget()


def trace(parameters: topic.Initialization) -> propagation.SignalTrace:
    """Return what is shown of the current scheme."""
    found = topic.explain(parameters).current.trace
    assert found is not None
    return found


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"residual": True, "bias": True},
        {"kind": "conv", "norm": "batch", "batch": 128},
        {"scheme": "constant"},
    ],
)
def test_a_stack_made_deeper_or_seen_halfway_is_the_one_drawn_anew(change: dict[str, Any]) -> None:
    settings = [dataclasses.replace(SMALL, depth=d, layer=3, **change) for d in (6, 9, 4)]
    kept = [trace(each) for each in settings]
    for found, each in zip(kept, settings, strict=True):
        VIEW.forget()
        anew = trace(each)
        for name in (field.name for field in dataclasses.fields(anew)):
            own, other = getattr(found, name), getattr(anew, name)
            if name == "histograms":
                own, other = (torch.cat([h.counts, h.ends], 1) for h in (own, other))
            if isinstance(own, torch.Tensor):
                torch.testing.assert_close(own, other, rtol=1e-9, atol=0, equal_nan=True)
            elif isinstance(own, str | tuple):
                assert own == other
            else:
                assert own == pytest.approx(other, rel=1e-9, nan_ok=True), name


def test_a_layer_more_draws_one_layer_and_other_histograms_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn, true = [], schemes.drawn

    def counted(weight: torch.Tensor, *arguments: Any, **named: Any) -> torch.Tensor:
        drawn.append(weight)
        return true(weight, *arguments, **named)

    monkeypatch.setattr(schemes, "drawn", counted)
    parameters = SMALL
    for change, count in (
        ({"depth": 7}, 7),
        ({"depth": 8}, 1),
        ({"layer": 2}, 0),
        ({"seed": 1}, 8),
    ):
        parameters = dataclasses.replace(parameters, **change)
        drawn.clear()
        trace(parameters)
        assert len(drawn) == count, change


def test_what_is_kept_for_the_next_change_stays_within_its_bytes() -> None:
    for seed in range(8):
        trace(dataclasses.replace(SMALL, width=256, depth=12, seed=seed))
    assert 0 < VIEW._stacks.bytes <= VIEW._KEPT_BYTES
    before = VIEW._stacks.bytes
    # A third of it at most, or the schemes shown beside would not fit.
    trace(dataclasses.replace(SMALL, width=256, depth=60))
    assert VIEW._stacks.bytes == before


def test_who_takes_a_stack_has_it_alone() -> None:
    trace(SMALL)
    (key,) = VIEW._stacks._kept
    assert VIEW._stacks.take(key) is not None
    assert VIEW._stacks.take(key) is None
