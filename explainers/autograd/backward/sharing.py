"""Several tasks on one trunk: added, in turn, or with the graph retained."""

import dataclasses
import math

import numpy as np

from explainers.autograd.backward.tasks import TASKS, WAYS
from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Freed, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_BACKWARD = ("torch.Tensor.backward", f"{_DOCS}/generated/torch.Tensor.backward.html")


@dataclasses.dataclass(frozen=True)
class Sharing(Parameters):
    """Say how the two losses go back, and one weight."""

    how: str = choice(
        "retained",
        tuple(WAYS),
        label="tasks",
        help="How they go back: at once, or one after the other, the graph freed or retained.",
    )
    b: int = number(2, label="w[1]", help="w[0] is 1.", minimum=-2, maximum=3, step=1)


PROGRAM = """
import torch

w = torch.tensor([1., ${b}.], requires_grad=True)
trunk = w * w
one = trunk.sum()
other = trunk.prod()
${how}
"""


def _gradient(trace: Trace, settings: Sharing) -> float:
    def losses(w: np.ndarray) -> float:
        squares = w * w
        second = 0.0 if settings.how == "in turn" else float(squares.prod())
        return float(squares.sum()) + second

    w, step = np.array([1.0, settings.b]), 1e-4
    slopes = [(losses(w + move) - losses(w - move)) / 2 / step for move in step * np.eye(2)]
    grad = final(trace, "w").grad
    return math.inf if grad is None else difference(grad.values, slopes)


def _raises(trace: Trace, settings: Sharing) -> float:
    return float((trace.failure is not None) is not (settings.how == "in turn"))


def _freed(trace: Trace, settings: Sharing) -> float:
    """Whether the trunk's node has what it saved, after the last statement that ran."""
    nodes = {node.number: node for node in trace.steps[-1].graph.nodes}
    kept = nodes[final(trace, "trunk").node].saved is Freed.KEPT
    return float(kept is not (settings.how == "always"))


def _both(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message.split('(')[0].strip()}"
    return Verdict.HOLDS, f"w.grad is {list(final(trace, 'w').grad.values)}"


SHARING = Lesson(
    slug="tasks",
    title="several tasks on one trunk",
    notice="The first task left what trunk had saved, and the second freed it: both are in w.grad.",
    program=PROGRAM,
    parameters=Sharing,
    spelled={"how": WAYS},
    presets=(
        Preset("Retained", "retain_graph in all but the last: the last one frees.", Sharing()),
        Preset(
            "In turn",
            "The first task freed the trunk: the second raises, and its gradient is missing.",
            Sharing("in turn"),
        ),
        Preset("Added", "One walk for both losses: the same gradient.", Sharing("added")),
        Preset(
            "Always retained",
            "The same gradient, and the graph stays in memory until its last name is gone.",
            Sharing("always"),
        ),
    ),
    notes={
        "trunk = ": "Both tasks hang on this node, and it has saved w.",
        "one.backward(": "It walks through trunk to w.",
        "other.backward(": "It comes through trunk as well.",
        "(one + other)": "trunk hears of both losses at once, and passes their sum on.",
    },
    slips=(
        Slip(
            title="two losses on one trunk",
            program="import torch\n\nx = torch.tensor([1., 2.], requires_grad=True)\n"
            "trunk = x * x\none, other = trunk.sum(), trunk.prod()\n(one + other).backward()",
            wrong="one.backward()\nother.backward()",
            right="(one + other).backward()",
            lesson="The first frees the trunk that both share. Add the losses and go back once, "
            "which is also cheaper than retain_graph=True.",
            source=_BACKWARD,
        ),
    ),
    proofs=(
        Proof(
            "w.grad is the slope of both losses together; in turn, of the first alone.",
            "central differences in NumPy, float64",
            _gradient,
            twin=("other = trunk.prod()", "other = trunk.detach().prod()"),
            tolerance=1e-3,
        ),
        Proof(
            "The second task raises where the first freed the trunk.",
            "the rule, in Python",
            _raises,
            twin=("one = trunk.sum()", "one = trunk.sum()\none.backward()"),
        ),
        Proof(
            "At the end trunk holds what it saved where the last task retained, too, and nowhere "
            "else.",
            "the node's saved values",
            _freed,
            twin=("${how}", "${how}\ntrunk = w * w"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="Two tasks in turn, loss.backward() after each, need one graph at a time.",
            where="model.zero_grad() and optimizer.zero_grad()",
            program="import torch\nw = torch.ones(2, requires_grad=True)\nloss = (w * w).sum()\n"
            "loss.backward()\nloss2 = w.exp().sum()\nloss.backward()",
            judge=_both,
            truth="The idea is right; as written the first loss goes back twice and raises. The "
            "second must be loss2.backward().",
            twin=(
                "sum()\nloss.backward()\nloss2 = w.exp().sum()\nloss.",
                "sum()\nloss.backward()\nloss2 = w.exp().sum()\nloss2.",
            ),
        ),
    ),
    figure=TASKS,
    ask=Ask(
        text="trunk = w * w; one = trunk.sum(); other = trunk.prod(). one.backward(), then "
        "other.backward(). What happens?",
        program="import torch\nw = torch.tensor([1., 2.], requires_grad=True)\ntrunk = w * w\n"
        "one = trunk.sum()\nother = trunk.prod()\none.backward()\nother.backward()",
        answer=lambda trace: (
            "the second raises" if trace.failure else str(list(final(trace, "w").grad.values))
        ),
        options=("[10.0, 8.0]", "[8.0, 4.0]", "the second raises"),
        because="Both go through trunk, and the first freed what it had saved.",
    ),
    references=(
        _BACKWARD,
        ("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),
    ),
    terms=("multi-task", "retain_graph", "saved tensors", "shared trunk"),
)
