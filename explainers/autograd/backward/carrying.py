"""Backward a second time: a state that is carried into the next turn."""

import dataclasses
import math

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Carrying(Parameters):
    """Say how the state comes into the next turn, and whether backward keeps the graph."""

    state: str = choice(
        "h", ("h", "h.detach()"), label="state", help="How h comes into the next turn."
    )
    backward: str = choice(
        "free", ("free", "retain_graph"), label="backward", help="Whether it keeps the graph."
    )
    turns: int = number(3, label="turns", help="Of the loop.", minimum=1, maximum=5, step=1)


PROGRAM = """
import torch

w = torch.tensor(0.5, requires_grad=True)
h = torch.tensor(1.)
for t in range(${turns}):
    h = torch.tanh(w * ${state})
    loss = (h - 1) ** 2
    loss.backward(${backward})
"""


def _stops(settings: Carrying) -> bool:
    return settings.state == "h" and settings.backward == "free" and settings.turns > 1


def _gradient(trace: Trace, settings: Carrying) -> float:
    w, h, slope, total = 0.5, 1.0, 0.0, 0.0
    for _ in range(1 if _stops(settings) else settings.turns):
        if settings.state == "h.detach()":
            slope = 0.0
        before, h = h, math.tanh(w * h)
        slope = (1 - h * h) * (before + w * slope)
        total += 2 * (h - 1) * slope
    grad = final(trace, "w").grad
    return math.inf if grad is None else difference(grad.values, [total])


def _ends(trace: Trace, settings: Carrying) -> float:
    turn = trace.steps[-1].turns[-1].number if trace.steps[-1].turns else 0
    expected = 2 if _stops(settings) else settings.turns
    return float((trace.failure is not None) is not _stops(settings)) + abs(turn - expected)


def _needed(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.WRONG, "three turns ran"
    turn = trace.steps[-1].turns[-1].number
    return Verdict.HOLDS, f"turn {turn}: {trace.failure.message.split('(')[0].strip()}"


_LOOP = """
import torch

w = torch.tensor(0.5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
h = torch.tensor(1.)
for t in range(4):
    h = h.detach()
    h = torch.tanh(w * h)
    ((h - 1) ** 2).backward(retain_graph=True)
    optimizer.step()
"""

CARRYING = Lesson(
    slug="carried",
    title="backward a second time",
    notice="In turn 2 backward comes through h into turn 1's graph, whose values are freed.",
    program=PROGRAM,
    parameters=Carrying,
    spelled={"backward": {"free": "", "retain_graph": "retain_graph=True"}},
    presets=(
        Preset("Carried", "Turn 2 raises: h still hangs on turn 1's graph.", Carrying()),
        Preset(
            "Detached",
            "h comes in as a number: each turn has a graph of its own.",
            Carrying("h.detach()"),
        ),
        Preset(
            "Retained",
            "Nothing raises, and each turn's loss goes back to the first turn again.",
            Carrying(backward="retain_graph"),
        ),
    ),
    opens="loss.backward",
    notes={
        "h = torch.tanh": "A state that comes in with its graph brings along all turns before.",
        "loss.backward": "It walks all that loss hangs on, not this turn alone.",
    },
    slips=(
        Slip(
            title="Trying to backward through the graph a second time",
            program="import torch\n\nw = torch.tensor(0.5, requires_grad=True)\n"
            "h = torch.tensor(1.)\nfor t in range(3):\n    h = torch.tanh(w * h.detach())\n"
            "    ((h - 1) ** 2).backward()",
            wrong="h = torch.tanh(w * h)",
            right="h = torch.tanh(w * h.detach())",
            lesson="The state of the last turn hangs on a graph that is freed. Detach what is "
            "carried over.",
            source=(
                "MorvanZhou/PyTorch-Tutorial#57",
                "https://github.com/MorvanZhou/PyTorch-Tutorial/issues/57",
            ),
        ),
        Slip(
            title="retain_graph to silence it",
            program=_LOOP,
            wrong="pass",
            right="h = h.detach()",
            lesson="With an optimizer step in between, retain_graph=True trades one error for "
            "another: the step wrote into the weight that an older turn had saved. Detaching "
            "cures both.",
            source=("quark0/darts#56", "https://github.com/quark0/darts/issues/56"),
            opens=".backward(",
        ),
    ),
    proofs=(
        Proof(
            "w.grad is the sum over the turns that ran, back to turn 1 if h is carried, within the "
            "turn if it is detached.",
            "the chain rule turn by turn, in Python",
            _gradient,
            twin=("loss = (h - 1) ** 2", "loss = (h - 1).abs()"),
            tolerance=1e-6,
        ),
        Proof(
            "Backward raises in turn 2 if h is carried and the graph is not retained.",
            "the rule, in Python",
            _ends,
            twin=("w * ${state}", "w * h.detach()"),
        ),
    ),
    statements=(
        Statement(
            says="Cutting the state from the last iteration is needed.",
            where="RNN, train",
            program="import torch\nw = torch.tensor(0.5, requires_grad=True)\n"
            "h = torch.tensor(1.)\nfor t in range(3):\n    h = torch.tanh(w * h)\n"
            "    h.backward()",
            judge=_needed,
            truth="Without it the second turn goes back through the first one's freed graph.",
            twin=("(w * h)", "(w * h.detach())"),
        ),
    ),
    ask=Ask(
        text="The state is carried, each turn calls backward(retain_graph=True) and "
        "optimizer.step(). What happens?",
        program=_LOOP.replace("    h = h.detach()\n", ""),
        answer=lambda trace: (
            "all turns run"
            if trace.failure is None
            else "modified by an inplace operation"
            if "inplace" in trace.failure.message
            else "backward a second time"
        ),
        options=(
            "all turns run",
            "backward a second time",
            "modified by an inplace operation",
        ),
        because="The step wrote into w, which the retained graph of an older turn had saved.",
    ),
    references=(("torch: frequently asked questions", f"{_DOCS}/notes/faq.html"),),
    terms=("backward a second time", "hidden state", "detach", "retain_graph"),
)
