"""What a trunk keeps for its tasks, in bytes after each of them, by how they go back."""

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from explainers.autograd.backward.saving import Meter, Moment
from explainers.evidence import Kind
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

WAYS: Mapping[str, str] = {
    "added": "(one + other).backward()",
    "in turn": "one.backward()\nother.backward()",
    "retained": "one.backward(retain_graph=True)\nother.backward()",
    "always": "one.backward(retain_graph=True)\nother.backward(retain_graph=True)",
}
"""How the tasks go back, in the program."""
TRUNK, SUM, PROD = 16, 0, 12
"""Bytes that a product of w and w, a sum and a product of two numbers save, in float32."""


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """Hold one way for the tasks to go back.

    Attributes:
        name: One of `WAYS`.
        moments: After trunk, one, other, and each task's backward; None for the first task's where
            both go back at once.
        gradient: w.grad at the end.
    """

    name: str
    moments: tuple[Moment | None, ...]
    gradient: tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Tasks:
    """Hold every way.

    Attributes:
        chosen: The lesson's.
        ways: All of them.
        staged: w.grad as the run on the stage came to it.
    """

    chosen: str
    ways: tuple[Way, ...]
    staged: tuple[float, ...]


def tasks(trace: Trace, settings: Any, **wrong: Any) -> Tasks:
    """Return what is kept in each way, at the lesson's w; `wrong` are `_way`'s errors."""
    ways = tuple(_way(name, settings, **wrong) for name in WAYS)
    return Tasks(settings.how, ways, final(trace, "w").grad.values)


def _way(name: str, settings: Any, *, late: bool = False, twice: bool = False, **wrong: Any) -> Way:
    """Run the lesson's statements and count what is saved after each.

    Args:
        name: Of the way.
        settings: The lesson's.
        late: The error of beginning to count after trunk.
        twice: The error of letting the first task go back twice.
        wrong: `Meter`'s errors.
    """
    meter = Meter(**wrong)
    w = torch.tensor([1.0, float(settings.b)], requires_grad=True)
    moments: list[Moment | None] = []
    with contextlib.nullcontext() if late else meter.hooks:
        trunk = w * w
        moments.append(meter.moment())
    with meter.hooks:
        one = trunk.sum()
        moments.append(meter.moment())
        other = trunk.prod()
        moments.append(meter.moment())
        both = one + other
    if name == "added":
        both.backward(retain_graph=twice)
        moments += [None, meter.moment()]
    else:
        one.backward(retain_graph=name != "in turn" or twice)
        moments.append(meter.moment())
        raised = False
        try:
            other.backward(retain_graph=name == "always")
        except RuntimeError:
            raised = True
        moments.append(meter.moment(raised=raised))
    return Way(name, tuple(moments), () if w.grad is None else tuple(w.grad.tolist()))


def _forward(found: Tasks, _: Any) -> float:
    expected = (TRUNK, TRUNK + SUM, TRUNK + SUM + PROD)
    return max(
        difference([moment.size for moment in way.moments[:3] if moment], expected)
        for way in found.ways
    )


def _after(found: Tasks, _: Any) -> float:
    """Compare what is left after each task with what its own nodes let go."""
    all_of_it = TRUNK + SUM + PROD
    expected = {
        "added": (0,),
        "in turn": (PROD, 0),
        "retained": (all_of_it, 0),
        "always": (all_of_it, all_of_it),
    }
    return max(
        difference([moment.size for moment in way.moments[3:] if moment], expected[way.name])
        for way in found.ways
    )


def _raises(found: Tasks, _: Any) -> float:
    raised = [way.name for way in found.ways if any(m and m.raised for m in way.moments)]
    return float(raised != ["in turn"])


def _staged(found: Tasks, _: Any) -> float:
    (chosen,) = (way for way in found.ways if way.name == found.chosen)
    return difference(chosen.gradient, found.staged)


TASKS = Figure(
    title="Bytes saved, task by task",
    result=tasks,
    proofs=(
        FigureProof(
            "w * w saves w twice, the sum nothing, the product trunk and its result: 16, 0 and 12 "
            "bytes.",
            "4 bytes for each number that the slopes need",
            _forward,
            twin=lambda trace, settings: tasks(trace, settings, late=True),
        ),
        FigureProof(
            "A task lets go of what its nodes saved, the trunk's included, unless it retains.",
            "16 and 12 bytes, taken off",
            _after,
            twin=lambda trace, settings: tasks(trace, settings, leaks=True),
        ),
        FigureProof(
            "Only in turn, with nothing retained, the second task raises.",
            "the rule",
            _raises,
            twin=lambda trace, settings: tasks(trace, settings, twice=True),
            kind=Kind.INVARIANT,
        ),
        FigureProof(
            "The chosen way gives w the gradient that the program on the stage gave it.",
            "the run on the stage",
            _staged,
            twin=lambda trace, settings: tasks(trace, dataclasses.replace(settings, how="in turn")),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
)
