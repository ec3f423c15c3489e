"""Truncated backpropagation through time: a state that is detached every few turns."""

import dataclasses
import math

from explainers.autograd.accumulation.reach import REACH
from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Truncating(Parameters):
    """Say how many turns there are, after how many the state is cut, and what w is."""

    turns: int = number(6, label="turns", help="Of the loop.", minimum=1, maximum=8, step=1)
    every: int = number(3, label="cut every", help="Turns.", minimum=1, maximum=8, step=1)
    w: float = number(0.9, label="w", help="The weight.", minimum=0.5, maximum=1.2, step=0.1)


PROGRAM = """
import torch

w = torch.tensor(${w}, requires_grad=True)
h = torch.tensor(0.)
for t in range(${turns}):
    if t % ${every} == 0:
        h = h.detach()
    h = w * h + 1
h.backward()
"""


def _slopes(settings: Truncating) -> tuple[float, float]:
    """Return the state at the end and its slope in w, through the turns since the last cut."""
    h, slope = 0.0, 0.0
    for turn in range(settings.turns):
        if turn % settings.every == 0:
            slope = 0.0
        h, slope = settings.w * h + 1, h + settings.w * slope
    return h, slope


def _gradient(trace: Trace, settings: Truncating) -> float:
    grad = final(trace, "w").grad
    return math.inf if grad is None else difference(grad.values, [_slopes(settings)[1]])


def _state(trace: Trace, settings: Truncating) -> float:
    return difference(final(trace, "h").values, [_slopes(settings)[0]])


def _reach(trace: Trace, settings: Truncating) -> float:
    products = sum(node.name == "MulBackward0" for node in trace.steps[-1].graph.nodes)
    return abs(products - ((settings.turns - 1) % settings.every + 1))


def _data(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, "the state is a tensor, and was cut"


TRUNCATING = Lesson(
    slug="truncated",
    title="truncated backpropagation",
    notice="The state went through 6 turns; the gradient goes back through the last 3.",
    program=PROGRAM,
    parameters=Truncating,
    presets=(
        Preset("Every third", "h is the same number; its graph begins at the cut.", Truncating()),
        Preset(
            "Every turn", "The gradient knows the last product and no time.", Truncating(every=1)
        ),
        Preset("Not cut", "A cut at turn 0 cuts nothing: the whole gradient.", Truncating(every=8)),
    ),
    notes={
        "h = h.detach()": "The number goes on; the graph behind it is let go.",
        "h.backward()": "It goes back to the last cut, and memory reaches no further.",
    },
    slips=(
        Slip(
            title="detach without taking what it returns",
            program="import torch\n\nw = torch.tensor(0.9, requires_grad=True)\n"
            "h = torch.tensor(1.)\nfor t in range(2):\n    h = h.detach()\n    h = w * h\n"
            "    (h * h).backward()",
            wrong="h.detach()",
            right="h = h.detach()",
            lesson="detach returns a new tensor and leaves h as it was; detach_ changes h itself.",
            source=("OpenNMT-py#403", "https://github.com/OpenNMT/OpenNMT-py/issues/403"),
        ),
        Slip(
            title="the state of an LSTM is a tuple",
            program="import torch\n\ntorch.manual_seed(0)\nlstm = torch.nn.LSTM(1, 2)\n"
            "out, state = lstm(torch.ones(3, 1))\nstate = tuple(s.detach() for s in state)",
            wrong="state = state.detach()",
            right="state = tuple(s.detach() for s in state)",
            lesson="An LSTM carries two tensors, the hidden state and the cell's: detach both.",
            source=(
                "pytorch-lightning#8145",
                "https://github.com/Lightning-AI/pytorch-lightning/pull/8145",
            ),
        ),
    ),
    proofs=(
        Proof(
            "w.grad is the slope through the turns since the last cut.",
            "the chain rule turn by turn, in Python",
            _gradient,
            twin=("h = h.detach()", "h = h.clone()"),
            tolerance=1e-4,
        ),
        Proof(
            "The state itself is as if nothing were cut.",
            "the same loop in Python",
            _state,
            twin=("h = h.detach()", "h = h.detach() * 0"),
            tolerance=1e-5,
        ),
        Proof(
            "The graph holds one product for each turn since the last cut.",
            "the number of turns",
            _reach,
            twin=("% ${every} == 0", "% ${every} == 1"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="h_state = h_state.data breaks the connection to the last iteration.",
            where="RNN, train",
            program="import torch\ntorch.manual_seed(0)\nrnn = torch.nn.LSTM(1, 2)\n"
            "prediction, h_state = rnn(torch.ones(3, 1))\nh_state = h_state.data",
            judge=_data,
            truth="For RNN and GRU. The network there is an LSTM, whose state is a tuple: "
            "detach each of the two.",
            twin=("nn.LSTM", "nn.GRU"),
        ),
    ),
    figure=REACH,
    ask=Ask(
        text="8 turns, the state is detached before turns 0, 3 and 6. How many turns does the "
        "gradient of the last state go back through?",
        program=PROGRAM.replace("${w}", "0.9").replace("${turns}", "8").replace("${every}", "3"),
        answer=lambda trace: str(
            sum(node.name == "MulBackward0" for node in trace.steps[-1].graph.nodes)
        ),
        options=("1", "2", "3", "8"),
        because="Turns 6 and 7 came after the last cut.",
    ),
    references=(("torch.Tensor.detach", f"{_DOCS}/generated/torch.Tensor.detach.html"),),
    terms=("truncated BPTT", "backpropagation through time", "detach", "LSTM", "hidden state"),
)
