"""How far the last state's gradient reaches back, turn by turn, and what each turn adds to w.grad.

The program is the lesson's, with a w for each turn, so that their parts can be told apart.
"""

import dataclasses
import math
from typing import Any

from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

PROGRAM = """
import torch

w = torch.full((${turns},), ${w}, requires_grad=True)
h, states = torch.tensor(0.), []
for t in range(${turns}):
    if t % ${every} == 0:
        h = h.detach()
    h = w[t] * h + 1
    h.retain_grad()
    states.append(h)
h.backward()
v = torch.full((${turns},), ${w}, requires_grad=True)
g = torch.tensor(0.)
for t in range(${turns}):
    g = v[t] * g + 1
g.backward()
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """Hold the chain of states.

    Attributes:
        states: After each turn.
        slopes: Of the last state in each; None where its gradient does not come.
        parts: What each turn adds to w.grad.
        whole: The same where nothing is cut.
        every: The state is cut before each turn that this divides, counted from 0.
    """

    states: tuple[float, ...]
    slopes: tuple[float | None, ...]
    parts: tuple[float, ...]
    whole: tuple[float, ...]
    every: int


def reach(trace: Trace, settings: Any) -> Reach:
    """Return how far the gradient reaches in a run of `PROGRAM`."""
    held = final(trace, "states").items
    return Reach(
        states=tuple(float(state.values[0]) for state in held),
        slopes=tuple(None if s.grad is None else float(s.grad.values[0]) for s in held),
        parts=tuple(float(value) for value in final(trace, "w").grad.values),
        whole=tuple(float(value) for value in final(trace, "v").grad.values),
        every=settings.every,
    )


def _first(settings: Any) -> int:
    """Return the turn before which the state was cut last."""
    return int((settings.turns - 1) // settings.every * settings.every)


def _slopes(found: Reach, settings: Any) -> float:
    first, last = _first(settings), settings.turns - 1
    reached = [slope is not None for slope in found.slopes]
    if reached != [turn >= first for turn in range(settings.turns)]:
        return math.inf
    expected = [settings.w ** (last - turn) for turn in range(first, settings.turns)]
    return difference([slope for slope in found.slopes if slope is not None], expected)


def _expected_parts(settings: Any, first: int) -> list[float]:
    h, before = 0.0, []
    for _ in range(settings.turns):
        before.append(h)
        h = settings.w * h + 1
    last = settings.turns - 1
    return [
        before[turn] * settings.w ** (last - turn) if turn >= first else 0.0
        for turn in range(settings.turns)
    ]


def _parts(found: Reach, settings: Any) -> float:
    return difference(found.parts, _expected_parts(settings, _first(settings)))


def _whole(found: Reach, settings: Any) -> float:
    return difference(found.whole, _expected_parts(settings, 0))


REACH = Figure(
    title="How far the gradient reaches",
    result=reach,
    program=PROGRAM,
    proofs=(
        FigureProof(
            "The gradient comes to the states since the last cut and to none before, multiplied "
            "by w at each turn.",
            "powers of w in Python",
            _slopes,
            twin=("h = h.detach()", "h = h.clone()"),
            tolerance=1e-4,
        ),
        FigureProof(
            "A turn since the last cut adds the state before it times the powers of w after it; a "
            "turn before that adds 0.",
            "the same loop in Python",
            _parts,
            twin=("h = w[t] * h + 1", "h = w[t] * (h + 1)"),
            tolerance=1e-4,
        ),
        FigureProof(
            "Where nothing is cut, each turn adds.",
            "the same loop in Python",
            _whole,
            twin=("g = v[t] * g + 1", "g = v[t] * g.detach() + 1"),
            tolerance=1e-4,
        ),
    ),
)
