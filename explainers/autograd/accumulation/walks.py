"""The weight over thirty turns, zeroed never, once or each turn, and with momentum 1."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from explainers.evidence import Kind
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

TURNS = 30
START = 5.0
WALKS: Mapping[str, str] = {
    "never": "never",
    "once": "once",
    "each turn": "each turn",
    "momentum": "each turn under momentum 1",
}
"""When gradients are zeroed, in a few words."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Hold one way to zero.

    Attributes:
        name: One of `WALKS`.
        words: What they say of it.
        weights: ``(31,)`` float64, w before the first turn and after each.
        gradients: ``(30,)`` float64, what step found in w.grad.
    """

    name: str
    words: str
    weights: Tensor
    gradients: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Hold every way.

    Attributes:
        chosen: The lesson's.
        turns: The lesson's, of the thirty.
        each: All of them.
        staged: w and w.grad as the run on the stage came to them.
    """

    chosen: str
    turns: int
    each: tuple[Walk, ...]
    staged: tuple[float, ...]


def walks(trace: Trace, settings: Any, **wrong: Any) -> Walks:
    """Walk down w² at the lesson's rate in each way; `wrong` are `_walked`'s errors."""
    each = _walked(settings.lr, **wrong)
    w = final(trace, "w")
    staged = (*w.values, *(w.grad.values if w.grad is not None else ()))
    return Walks(settings.zero, settings.turns, each, staged)


@functools.lru_cache(maxsize=64)
def _walked(lr: float, *, decay: float = 0.0, last: str = "each turn") -> tuple[Walk, ...]:
    """Walk in each way; one optimizer steps the weights of all.

    Args:
        lr: The rate.
        decay: The error of a weight decay.
        last: The error of zeroing each turn in another way, too.
    """
    each = {name: torch.tensor([START], requires_grad=True) for name in WALKS}
    groups = [
        {"params": [w], "momentum": 1.0 if name == "momentum" else 0.0} for name, w in each.items()
    ]
    optimizer = torch.optim.SGD(groups, lr=lr, weight_decay=decay)
    weights = {name: [START] for name in WALKS}
    gradients: dict[str, list[float]] = {name: [] for name in WALKS}
    for turn in range(TURNS):
        for name, w in each.items():
            if name in ("momentum", last) or (name == "once" and turn == 0):
                w.grad = None  # what zero_grad does to it
        torch.stack([(w**2).sum() for w in each.values()]).sum().backward()
        for name, w in each.items():
            gradients[name].append(math.nan if w.grad is None else w.grad.item())
        optimizer.step()
        for name, w in each.items():
            weights[name].append(w.item())
    return tuple(
        Walk(
            name,
            WALKS[name],
            *(torch.tensor(row[name], dtype=torch.float64) for row in (weights, gradients)),
        )
        for name in WALKS
    )


def _of(found: Walks, name: str) -> Walk:
    (walk,) = (each for each in found.each if each.name == name)
    return walk


def _shrinks(found: Walks, settings: Any) -> float:
    expected = [START * (1 - 2 * settings.lr) ** turn for turn in range(TURNS + 1)]
    return difference(_of(found, "each turn").weights.tolist(), expected)


def _swings(found: Walks, settings: Any) -> float:
    """Compare with the closed form of w's recursion, whose roots lie on the unit circle.

    Unzeroed, w(t + 1) - 2(1 - lr) w(t) + w(t - 1) = 0: a cosine that never fades.
    """
    angle = math.acos(1 - settings.lr)
    # w(0) is START, and w(1) is START times (1 - 2 lr).
    sine = START * (1 - 2 * settings.lr - math.cos(angle)) / math.sin(angle)
    expected = [
        START * math.cos(angle * turn) + sine * math.sin(angle * turn) for turn in range(TURNS + 1)
    ]
    return difference(_of(found, "never").weights.tolist(), expected)


def _alike(found: Walks, _: Any) -> float:
    never = _of(found, "never").weights.tolist()
    return max(
        difference(never, _of(found, name).weights.tolist()) for name in ("once", "momentum")
    )


def _staged(found: Walks, _: Any) -> float:
    walk = _of(found, found.chosen)
    mine = (walk.weights[found.turns].item(), walk.gradients[found.turns - 1].item())
    return difference(mine, found.staged)


WALKED = Figure(
    title="The weight, turn by turn",
    result=walks,
    proofs=(
        FigureProof(
            "Zeroed each turn, w after t turns is 5 (1 - 2 lr)ᵗ.",
            "the closed form",
            _shrinks,
            twin=lambda trace, settings: walks(trace, settings, decay=0.1),
            tolerance=1e-4,
        ),
        FigureProof(
            "Never zeroed, w is a wave that never fades: 2 (1 - lr) is twice the cosine of its "
            "angle.",
            "the closed form of w's recursion",
            _swings,
            twin=lambda trace, settings: walks(trace, settings, last="never"),
            tolerance=1e-3,
        ),
        FigureProof(
            "Zeroed once, and zeroed each turn under momentum 1, w walks as if never zeroed.",
            "the other ways",
            _alike,
            twin=lambda trace, settings: walks(trace, settings, last="once"),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-3,
        ),
        FigureProof(
            "At the lesson's turn the chosen way is where the program on the stage ended.",
            "the run on the stage",
            _staged,
            twin=lambda trace, settings: walks(
                trace, dataclasses.replace(settings, turns=settings.turns - 1)
            ),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
)
