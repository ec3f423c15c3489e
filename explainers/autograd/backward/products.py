"""backward(v): rows of the Jacobian, weighted by v and summed."""

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Products(Parameters):
    """Say what the third output is, and how each output counts."""

    third: str = choice(
        "sum", ("sum", "prod", "max"), label="x.…()", help="The third output of the three."
    )
    a: int = number(1, label="v[0]", help="Weight of x[0] * x[1].", minimum=-3, maximum=3, step=1)
    b: int = number(0, label="v[1]", help="Weight of x[1] ** 2.", minimum=-3, maximum=3, step=1)
    c: int = number(0, label="v[2]", help="Weight of the third.", minimum=-3, maximum=3, step=1)


PROGRAM = """
import torch

x = torch.tensor([2., 3.], requires_grad=True)
y = torch.stack([x[0] * x[1], x[1] ** 2, x.${third}()])
v = torch.tensor([${a}., ${b}., ${c}.])
y.backward(v)
"""


def _outputs(x: NDArray[np.float64], settings: Products) -> NDArray[np.float64]:
    return np.array([x[0] * x[1], x[1] ** 2, getattr(x, settings.third)()])


def _product(trace: Trace, settings: Products) -> float:
    x, step = np.array([2.0, 3.0]), 1 / 64
    jacobian = np.stack(
        [
            (_outputs(x + move, settings) - _outputs(x - move, settings)) / (2 * step)
            for move in step * np.eye(2)
        ],
        axis=1,
    )
    grad = final(trace, "x").grad
    weights = np.array([settings.a, settings.b, settings.c])
    return math.inf if grad is None else difference(grad.values, (weights @ jacobian).tolist())


def _functional(trace: Trace, settings: Products) -> float:
    def outputs(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[0] * x[1], x[1] ** 2, getattr(x, settings.third)()])

    pull = torch.func.vjp(outputs, torch.tensor([2.0, 3.0]))[1]
    (expected,) = pull(torch.tensor([settings.a, settings.b, settings.c]).float())
    grad = final(trace, "x").grad
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _implicit(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.CONDITION, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, "backward() took the gradient 1"


def _twos(trace: Trace) -> tuple[Verdict, str]:
    values = final(trace, "x").grad.values
    right = set(values) == {2.0}
    return (Verdict.HOLDS if right else Verdict.WRONG), f"x.grad is {list(values)}"


PRODUCTS = Lesson(
    slug="vjp",
    title="backward(v)",
    notice="v picks the first row of the Jacobian: x.grad is [x[1], x[0]].",
    program=PROGRAM,
    parameters=Products,
    presets=(
        Preset(
            "One row", "v = [1, 0, 0] gives the gradient of the first output alone.", Products()
        ),
        Preset(
            "All rows",
            "v of ones gives the gradient of y.sum(): the rows are added up.",
            Products(b=1, c=1),
        ),
        Preset(
            "Weighted",
            "Each row counts as v says, with its sign.",
            Products(a=2, b=-1, c=3),
        ),
    ),
    notes={
        "y = torch.stack": "Three outputs of two inputs: the Jacobian is 3 by 2.",
        "v = torch.tensor": "One number an output; it has y's shape.",
        "y.backward(v)": "x.grad is v times the Jacobian. The Jacobian itself is never made.",
    },
    slips=(
        Slip(
            title="grad can be implicitly created only for scalar outputs",
            program="import torch\n\nx = torch.tensor([1., 2.], requires_grad=True)\n"
            "loss = ((x - 3) ** 2).mean()\nloss.backward()",
            wrong="loss = (x - 3) ** 2",
            right="loss = ((x - 3) ** 2).mean()",
            lesson="Two losses are no loss: say how they count, by mean, sum or backward(v).",
            source=(
                "GAN-Geometry#4",
                "https://github.com/Animadversio/GAN-Geometry/issues/4",
            ),
            opens=".backward()",
        ),
        Slip(
            title="one gradient per example",
            program="import torch\n\nw = torch.tensor([1., 1.], requires_grad=True)\n"
            "x = torch.tensor([[1., 2.], [3., 4.]])\ny = (x @ w) ** 2\n"
            "rows = [torch.autograd.grad(one, w, retain_graph=True)[0] for one in y]",
            wrong="rows = torch.autograd.grad(y, w, torch.ones(2))[0]",
            right="rows = [torch.autograd.grad(one, w, retain_graph=True)[0] for one in y]",
            lesson="v of ones sums over the examples. A gradient for each takes a backward pass "
            "for each, or torch.func.vmap over torch.func.grad.",
            source=(
                "autograd-hacks#7",
                "https://github.com/cybertronai/autograd-hacks/issues/7",
            ),
        ),
    ),
    proofs=(
        Proof(
            "x.grad is v times the Jacobian.",
            "central differences in NumPy, float64",
            _product,
            twin=("y.backward(v)", "y.sum().backward()"),
            tolerance=1e-5,
        ),
        Proof(
            "torch.func.vjp gives the same.",
            "torch.func.vjp",
            _functional,
            twin=("x[0] * x[1]", "x[0] * x[1].detach()"),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
    statements=(
        Statement(
            says="Without an argument, backward takes torch.tensor([1]).",
            where="Tensors, gradients",
            program="import torch\nx = torch.ones(3, 2, requires_grad=True)\ny = 2 * x\n"
            "y.backward()",
            judge=_implicit,
            truth="Only where the tensor has one element; otherwise it raises.",
            twin=("y = 2 * x", "y = (2 * x).sum()"),
        ),
        Statement(
            says="y = 2 * x, then y.backward(torch.ones((3, 2))): x.grad is 2 everywhere.",
            where="Tensors, gradients",
            program="import torch\nx = torch.ones(3, 2, requires_grad=True)\ny = 2 * x\n"
            "y.backward(torch.ones((3, 2)))",
            judge=_twos,
            truth="The Jacobian is 2 times the identity, so v comes back doubled.",
            twin=("torch.ones((3, 2)))", "torch.eye(3, 2))"),
        ),
    ),
    ask=Ask(
        text="x = [2, 3], y = x ** 2, y.backward(torch.tensor([1., 10.])). What is x.grad?",
        program="import torch\nx = torch.tensor([2., 3.], requires_grad=True)\ny = x ** 2\n"
        "y.backward(torch.tensor([1., 10.]))",
        answer=lambda trace: str(list(final(trace, "x").grad.values)),
        options=("[4.0, 6.0]", "[4.0, 60.0]", "[64.0, 64.0]", "[5.0, 16.0]"),
        because="Each output's gradient, 2x, counts as its entry of v says: 4 · 1 and 6 · 10.",
    ),
    references=(
        ("torch.Tensor.backward", f"{_DOCS}/generated/torch.Tensor.backward.html"),
        ("torch.func.vjp", f"{_DOCS}/generated/torch.func.vjp.html"),
    ),
    terms=("vector-Jacobian product", "vjp", "jacobian", "torch.autograd.grad", "torch.func.vjp"),
)
