"""How requires_grad spreads, what cuts the graph, and what keeps it with a gradient of 0."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Spreading(Parameters):
    """Say what is done to x, and whether w requires a gradient."""

    operation: str = choice(
        "round",
        ("relu", "round", "sign", "argmax", "comparison", "item"),
        label="y",
        help="What is computed of x.",
        words=("relu", "round", "sign", "argmax", "x > 0", "max().item()"),
    )
    w: str = choice(
        "True", ("True", "False"), label="w requires_grad", help="Of the other input of loss."
    )
    a: float = number(1.0, label="x[0]", help="Of x.", minimum=0.6, maximum=1.4, step=0.1)


PROGRAM = """
import torch

x = torch.tensor([${a}, -0.4, 2.6], requires_grad=True)
w = torch.ones(3, requires_grad=${w})
y = ${operation}
loss = (w * y).sum()
loss.backward()
"""

_NUMPY: Mapping[str, Callable[[NDArray[np.float64]], object]] = {
    "relu": lambda x: np.maximum(x, 0),
    "round": np.round,
    "sign": np.sign,
    "argmax": np.argmax,
    "comparison": lambda x: x > 0,
    "item": lambda x: float(x.max()),
}


def _x(settings: Spreading) -> NDArray[np.float64]:
    return np.array([settings.a, -0.4, 2.6])


def _cuts(settings: Spreading) -> bool:
    """Whether the result is a whole number, a truth value or a number of Python's."""
    y = _NUMPY[settings.operation](_x(settings))
    return not isinstance(y, np.ndarray) or y.dtype.kind != "f"


def _slope(trace: Trace, settings: Spreading) -> float:
    grad = final(trace, "x").grad
    if _cuts(settings):
        return 0.0 if grad is None else math.inf
    x, step, run = _x(settings), 1 / 1024, _NUMPY[settings.operation]
    rise = [np.sum(run(x + move)) - np.sum(run(x - move)) for move in step * np.eye(3)]  # type: ignore[call-overload]
    return math.inf if grad is None else difference(grad.values, [each / 2 / step for each in rise])


def _other(trace: Trace, settings: Spreading) -> float:
    grad = final(trace, "w").grad
    if settings.w == "False":
        return 0.0 if grad is None else math.inf
    y = np.broadcast_to(np.asarray(_NUMPY[settings.operation](_x(settings)), float), 3)
    return math.inf if grad is None else difference(grad.values, y.tolist())


def _spreads(trace: Trace, settings: Spreading) -> float:
    either = settings.w == "True" or not _cuts(settings)
    return float(final(trace, "loss").requires_grad is not either) + float(
        (trace.failure is None) is not either
    )


def _one_suffices(trace: Trace) -> tuple[Verdict, str]:
    held = final(trace, "c").requires_grad
    return (Verdict.HOLDS if held else Verdict.WRONG), f"c.requires_grad is {held}"


SPREADING = Lesson(
    slug="cut",
    title="what cuts the graph",
    notice="round keeps the graph and gives x a gradient of 0: nothing is learned, or said.",
    program=PROGRAM,
    parameters=Spreading,
    spelled={
        "operation": {
            "relu": "x.relu()",
            "round": "x.round()",
            "sign": "x.sign()",
            "argmax": "x.argmax()",
            "comparison": "x > 0",
            "item": "x.max().item()",
        }
    },
    presets=(
        Preset("A gradient of 0", "x.grad is there, and 0 in every cell.", Spreading()),
        Preset(
            "Cut, in silence",
            "argmax cut the graph, yet w carried loss: backward runs, and x.grad stays None.",
            Spreading(operation="argmax"),
        ),
        Preset(
            "Cut, and said",
            "Nothing that loss was made of requires a gradient: backward raises.",
            Spreading(operation="comparison", w="False"),
        ),
        Preset("Kept", "relu passes 1 where x is above 0.", Spreading(operation="relu")),
    ),
    opens="loss.backward()",
    notes={
        "y = ": "Whole numbers, truth values and numbers of Python's carry no graph.",
        "loss = (w": "One input that requires a gradient suffices.",
    },
    slips=(
        Slip(
            title="argmax in the loss",
            program="import torch\n\nscores = torch.tensor([1., 2., 0.], requires_grad=True)\n"
            "place = (scores.softmax(0) * torch.arange(3)).sum()\n"
            "loss = (place - 2) ** 2\nloss.backward()",
            wrong="place = scores.argmax()",
            right="place = (scores.softmax(0) * torch.arange(3)).sum()",
            lesson="A place is a whole number, which has no slope; the mean place under softmax "
            "has one.",
            source=("pytorch#1339", "https://github.com/pytorch/pytorch/issues/1339"),
            opens=".backward()",
        ),
        Slip(
            title="loss.requires_grad = True silences the error",
            program="import torch\n\nw = torch.tensor([1., 2.], requires_grad=True)\n"
            "guess = w * 3\nloss = (guess - 1).pow(2).sum()\nloss.backward()",
            wrong="loss = (guess.detach() - 1).pow(2).sum().requires_grad_()",
            right="loss = (guess - 1).pow(2).sum()",
            lesson="The error said that the graph was cut. Now loss is a leaf of its own: backward "
            "runs, and w never hears of it.",
            source=(
                "arcface-pytorch#56",
                "https://github.com/ronghuaiyang/arcface-pytorch/issues/56",
            ),
        ),
        Slip(
            title="torch.tensor of tensors",
            program="import torch\n\na = torch.tensor(1., requires_grad=True)\n"
            "b = torch.tensor(2., requires_grad=True)\npair = torch.stack([a, b])\n"
            "loss = pair.prod()",
            wrong="pair = torch.tensor([a, b])",
            right="pair = torch.stack([a, b])",
            lesson="torch.tensor copies the numbers and leaves the graph behind; stack keeps it.",
            source=("pytorch#155983", "https://github.com/pytorch/pytorch/issues/155983"),
        ),
    ),
    proofs=(
        Proof(
            "x.grad is y's slope; None where y is a whole number, a truth value or Python's.",
            "central differences and dtypes in NumPy",
            _slope,
            twin=("y = ${operation}", "y = x.relu()"),
            tolerance=1e-6,
        ),
        Proof(
            "w.grad is y, whatever y was made by.",
            "the same in NumPy",
            _other,
            twin=("(w * y)", "(w * w * y)"),
            tolerance=1e-6,
        ),
        Proof(
            "loss requires a gradient, and backward runs, if x or w reach it.",
            "a Python or",
            _spreads,
            twin=(".sum()", ".sum().detach()"),
        ),
    ),
    statements=(
        Statement(
            says="One input that requires a gradient suffices.",
            where="Auto-grad",
            program="import torch\na = torch.ones(2, requires_grad=True)\nb = torch.ones(2)\n"
            "c = a * b",
            judge=_one_suffices,
            truth="It does for every operation that has a derivative and gives floating point or "
            "complex numbers.",
            twin=("c = a * b", "c = a > b"),
        ),
    ),
    ask=Ask(
        text="x.round().sum().backward() with x = [1.2]. What is x.grad?",
        program="import torch\nx = torch.tensor([1.2], requires_grad=True)\n"
        "x.round().sum().backward()",
        answer=lambda trace: (
            "backward raises"
            if trace.failure
            else "None"
            if final(trace, "x").grad is None
            else str(list(final(trace, "x").grad.values))
        ),
        options=("[0.0]", "[1.0]", "None", "backward raises"),
        because="round is a staircase: its slope is 0 on every step, and torch says so.",
    ),
    references=(("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),),
    terms=("requires_grad", "argmax", "round", "sign", "item", "does not have a grad_fn"),
)
