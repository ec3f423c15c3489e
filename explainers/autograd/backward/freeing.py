"""What backward frees: the values that nodes saved."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from explainers.autograd.backward.saving import SAVING
from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Freed, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Freeing(Parameters):
    """Say what is computed, and whether the first backward keeps the graph."""

    operation: str = choice(
        "x * x",
        ("x + 1", "x.cumsum(0)", "x * x", "x.exp()"),
        label="y",
        help="Of two of them the derivative needs no value.",
    )
    first: str = choice(
        "free",
        ("free", "retain_graph"),
        label="first backward",
        help="Whether it keeps what the nodes saved.",
    )
    b: int = number(2, label="x[1]", help="Of x.", minimum=-2, maximum=3, step=1)


PROGRAM = """
import torch

x = torch.tensor([1., ${b}.], requires_grad=True)
y = ${operation}
loss = y.sum()
loss.backward(${first})
loss.backward()
"""

_Array = NDArray[np.float64]
_NUMPY: Mapping[str, Callable[[_Array], _Array]] = {
    "x + 1": lambda x: x + 1,
    "x.cumsum(0)": np.cumsum,
    "x * x": lambda x: x * x,
    "x.exp()": np.exp,
}


def _slopes(x: _Array, settings: Freeing) -> _Array:
    step, run = 1e-4, _NUMPY[settings.operation]
    return np.array(
        [np.sum(run(x + move) - run(x - move)) / 2 / step for move in step * np.eye(len(x))]
    )


def _again(settings: Freeing) -> bool:
    """Whether backward may run again: the slope is the same elsewhere, or all was kept."""
    here, there = (_slopes(np.array(x), settings) for x in ([1.0, 2.0], [3.0, 5.0]))
    return settings.first == "retain_graph" or bool(np.allclose(here, there, atol=1e-6))


def _raises(trace: Trace, settings: Freeing) -> float:
    return float((trace.failure is None) is not _again(settings))


def _gradient(trace: Trace, settings: Freeing) -> float:
    times = 2 if _again(settings) else 1
    expected = times * _slopes(np.array([1.0, settings.b]), settings)
    grad = final(trace, "x").grad
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _saved(trace: Trace, settings: Freeing) -> float:
    lines = trace.source.splitlines()
    found = []
    for step in trace.steps:
        if lines[step.last - 1].startswith("loss"):
            nodes = {node.number: node for node in step.graph.nodes}
            found.append(nodes[step.names["y"].node].saved)  # type: ignore[index, union-attr]
    if found[0] is Freed.NOTHING:
        return float(set(found) != {Freed.NOTHING})
    after = Freed.KEPT if settings.first == "retain_graph" else Freed.FREED
    expected = [Freed.KEPT, after, Freed.FREED]
    return float(found != expected[: len(found)])


def _released(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"again: {trace.failure.kind}"
    return Verdict.CONDITION, f"again: x.grad is {list(final(trace, 'x').grad.values)}"


FREEING = Lesson(
    slug="freed",
    title="what backward frees",
    notice="The first backward freed the x that x * x had saved: the second raises.",
    program=PROGRAM,
    parameters=Freeing,
    spelled={"first": {"free": "", "retain_graph": "retain_graph=True"}},
    presets=(
        Preset("x * x twice", "The slope is 2x: without x there is no second time.", Freeing()),
        Preset(
            "x + 1 twice",
            "The slope is 1 whatever x is: nothing was saved, and nothing is missing.",
            Freeing("x + 1"),
        ),
        Preset(
            "Kept",
            "retain_graph kept x for the second time, and x.grad added up.",
            Freeing(first="retain_graph"),
        ),
    ),
    opens="loss.backward(",
    notes={
        "y = ": "A node saves what its derivative needs.",
        "loss.backward(": "What a node saved is freed once it was used, unless the graph is kept.",
    },
    slips=(
        Slip(
            title="a sum of losses for the log",
            program="import torch\n\nw = torch.tensor(1., requires_grad=True)\ntotal = 0.\n"
            "for x in (1., 2., 3.):\n    loss = (w * x - 1) ** 2\n    loss.backward()\n"
            "    total += loss.item()",
            wrong="total += loss",
            right="total += loss.item()",
            lesson="total is a tensor whose graph holds on to every turn's; item() gives a number.",
            source=("labelmodels#4", "https://github.com/BatsResearch/labelmodels/issues/4"),
            opens="total += loss",
        ),
    ),
    proofs=(
        Proof(
            "A second backward raises if the derivative depends on x and nothing was retained.",
            "slopes at two places, in NumPy",
            _raises,
            twin=("loss.backward(${first})", "loss.backward(retain_graph=True)"),
        ),
        Proof(
            "x.grad is the slope, once for each backward that ran.",
            "central differences in NumPy, float64",
            _gradient,
            twin=("loss = y.sum()", "loss = y.mean()"),
            tolerance=1e-4,
        ),
        Proof(
            "What y's node saved is there after the forward pass, and freed by backward.",
            "the node's saved values after each line",
            _saved,
            twin=("loss.backward(${first})", "loss.backward(retain_graph=True)"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="Once backward was called, the graph is released.",
            where="model.zero_grad() and optimizer.zero_grad()",
            program="import torch\nx = torch.ones(2, requires_grad=True)\nloss = (x + 1).sum()\n"
            "loss.backward()\nloss.backward()",
            judge=_released,
            truth="The saved values are; nodes that saved nothing run again. retain_graph=True "
            "keeps them.",
            twin=("(x + 1)", "(x * x)"),
        ),
    ),
    figure=SAVING,
    ask=Ask(
        text="loss = (x + 1).sum() of x = [1., 1.], then loss.backward() twice. What is x.grad?",
        program="import torch\nx = torch.ones(2, requires_grad=True)\nloss = (x + 1).sum()\n"
        "loss.backward()\nloss.backward()",
        answer=lambda trace: (
            "the second raises" if trace.failure else str(list(final(trace, "x").grad.values))
        ),
        options=("[1.0, 1.0]", "[2.0, 2.0]", "the second raises", "[4.0, 4.0]"),
        because="Adding saves nothing, so nothing was freed; and gradients add up.",
    ),
    references=(
        ("torch.Tensor.backward", f"{_DOCS}/generated/torch.Tensor.backward.html"),
        ("torch: frequently asked questions", f"{_DOCS}/notes/faq.html"),
    ),
    terms=("retain_graph", "saved tensors", "backward twice"),
)
