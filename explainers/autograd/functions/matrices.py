"""Linear as a Function: three inputs, three gradients, three products of matrices."""

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
_NAMES = ("x", "w", "b")


@dataclasses.dataclass(frozen=True)
class Matrices(Parameters):
    """Say how many samples there are, how many features go in, and how many come out."""

    n: int = number(2, label="samples", help="Rows of x.", minimum=1, maximum=4, step=1)
    inner: int = number(3, label="in", help="Features.", minimum=1, maximum=4, step=1)
    out: int = number(2, label="out", help="Features.", minimum=1, maximum=3, step=1)
    bias: str = choice(
        "grad.sum(0)",
        ("grad.sum(0)", "grad.sum(0).squeeze(0)"),
        label="b's gradient",
        help="Mended, and as the notes have it.",
    )


PROGRAM = """
import torch

class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return x @ w.T + b
    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        return grad @ w, grad.T @ x, ${bias}

x = torch.arange(${n} * ${inner}.).view(${n}, ${inner}).requires_grad_()
w = torch.arange(${out} * ${inner}.).view(${out}, ${inner}).flip(1).requires_grad_()
b = torch.ones(${out}, requires_grad=True)
y = Linear.apply(x, w, b)
(y * y).sum().backward()
right = torch.autograd.gradcheck(
    Linear.apply, (x.double(), w.double(), b.double()), raise_exception=False
)
"""


def _operands(settings: Matrices) -> tuple[NDArray[np.float64], ...]:
    x = np.arange(settings.n * settings.inner, dtype=float).reshape(settings.n, settings.inner)
    w = np.arange(settings.out * settings.inner, dtype=float)
    return x, w.reshape(settings.out, settings.inner)[:, ::-1], np.ones(settings.out)


def _refused(settings: Matrices) -> bool:
    """Whether b's gradient has no dimension left, and backward raises."""
    return settings.out == 1 and settings.bias != "grad.sum(0)"


def _apart(trace: Trace, expected: list[list[float]]) -> float:
    grads = [final(trace, name).grad for name in _NAMES]
    if any(grad is None for grad in grads):
        return math.inf
    pairs = zip(grads, expected, strict=True)
    return max(difference(grad.values, values) for grad, values in pairs)


def _products(trace: Trace, settings: Matrices) -> float:
    if _refused(settings):
        return 0.0 if trace.failure is not None else math.inf
    x, w, b = _operands(settings)
    grad = 2 * (x @ w.T + b)
    gx, gw, gb = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for n, out in np.ndindex(*grad.shape):
        gx[n] += grad[n, out] * w[out]
        gw[out] += grad[n, out] * x[n]
        gb[out] += grad[n, out]
    return _apart(trace, [each.ravel().tolist() for each in (gx, gw, gb)])


def _func(trace: Trace, settings: Matrices) -> float:
    def loss(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, w, b).square().sum()

    if _refused(settings):
        return 0.0 if trace.failure is not None else math.inf
    operands = [torch.from_numpy(each.copy()) for each in _operands(settings)]
    theirs = torch.func.grad(loss, (0, 1, 2))(*operands)
    return _apart(trace, [each.flatten().tolist() for each in theirs])


def _gradcheck(trace: Trace, settings: Matrices) -> float:
    if trace.failure is not None:
        return 0.0 if _refused(settings) else math.inf
    return float(final(trace, "right").text != "True")


def _squeezed(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.CONDITION, trace.failure.message
    return Verdict.HOLDS, f"b.grad is {list(final(trace, 'b').grad.values)}"


def _saved_variables(trace: Trace) -> tuple[Verdict, str]:
    said = [words for step in trace.steps for words in step.warned if "deprecated" in words]
    if said:
        return Verdict.OBSOLETE, f"it runs, and warns: {said[0]}"
    return Verdict.HOLDS, "it runs, and nothing is said"


def _imported(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.OBSOLETE, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, "Function is imported"


def _expanded(trace: Trace) -> tuple[Verdict, str]:
    a, b = final(trace, "a"), final(trace, "b")
    same = (a.shape, a.stride, a.values) == (b.shape, b.stride, b.values)
    return (Verdict.HOLDS if same else Verdict.WRONG), f"shapes {a.shape} and {b.shape}"


_CLASS = PROGRAM.partition("\nx = torch")[0].replace("${bias}", "grad.sum(0)")
_ONE = (
    _CLASS + "\nx = torch.ones(2, 3, requires_grad=True)\nw = torch.ones(1, 3, requires_grad=True)"
    "\nb = torch.ones(1, requires_grad=True)\nLinear.apply(x, w, b).sum().backward()"
)

MATRICES = Lesson(
    slug="linear",
    title="Linear",
    notice="Each gradient has the shape of its input: grad @ w, gradᵀ @ x, and grad summed over "
    "the samples.",
    program=PROGRAM,
    parameters=Matrices,
    presets=(
        Preset("2 × 3 to 2", "Three inputs of apply, three values of backward.", Matrices()),
        Preset("One feature out", "b has one cell, of shape [1] and not [].", Matrices(out=1)),
        Preset(
            "As in the notes",
            "squeeze(0) took the only dimension of b's gradient: backward raises.",
            Matrices(out=1, bias="grad.sum(0).squeeze(0)"),
        ),
        Preset("One sample", "The sum over samples has one summand.", Matrices(n=1)),
    ),
    notes={
        "return x @": "b is spread over the samples, so its gradient is summed over them.",
        "return grad @": "In the order of forward's arguments.",
        "(y * y)": "grad is 2y.",
        "right = ": "gradcheck compares all three with differences, in float64.",
    },
    slips=(
        Slip(
            title="returned an invalid gradient … expected shape compatible with",
            program=_ONE,
            wrong="grad.sum(0).squeeze(0)",
            right="grad.sum(0)",
            lesson="squeeze(0) does nothing to two features and takes the only dimension from "
            "one. Each gradient must have its input's shape.",
            source=("SAN#3", "https://github.com/hszhao/SAN/issues/3"),
            opens=".backward()",
        ),
        Slip(
            title="a square weight: the gradient comes out transposed",
            program=_CLASS + "\nx = torch.tensor([[1., 2.], [3., 4.]])\n"
            "w = torch.eye(2, requires_grad=True)\nb = torch.zeros(2)\n"
            "(torch.tensor([1., 10.]) * Linear.apply(x, w, b)).sum().backward()",
            wrong="x.T @ grad",
            right="grad.T @ x",
            lesson="For as many features out as in both shapes fit, and nothing raises. "
            "gradcheck sees it, or a weight that is not square.",
            source=("Extending torch.autograd", f"{_DOCS}/notes/extending.html"),
            opens=".backward()",
        ),
    ),
    proofs=(
        Proof(
            "The three gradients are the sums over samples and features; squeeze with one feature "
            "out raises.",
            "two loops, in NumPy",
            _products,
            twin=("${bias}", "grad.mean(0)"),
            tolerance=1e-9,
        ),
        Proof(
            "They are the gradients of F.linear, where backward runs.",
            "torch.func.grad",
            _func,
            twin=("grad.T @ x", "(x.T @ grad).reshape(w.shape)"),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-9,
        ),
        Proof(
            "gradcheck says True, for all three inputs at once, where backward runs.",
            "torch's own finite differences",
            _gradcheck,
            twin=("return grad @ w,", "return grad @ w * 2,"),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
    statements=(
        Statement(
            says="∂x = grad · W, ∂W = gradᵀ · x, ∂b = grad · 1ᵀ; the last as "
            "grad_output.sum(0).squeeze(0).",
            where="Defining a Function, Linear",
            program=_ONE.replace("grad.sum(0)", "grad.sum(0).squeeze(0)"),
            judge=_squeezed,
            truth="The formulas hold. Without squeeze the code does too: with out_features=1 it "
            "makes a gradient of shape [] for a bias of shape [1].",
            twin=(".squeeze(0)", ""),
        ),
        Statement(
            says="backward reads ctx.saved_variables.",
            where="Defining a Function, Linear",
            program=_ONE.replace("saved_tensors", "saved_variables"),
            judge=_saved_variables,
            truth="ctx.saved_tensors.",
            twin=("saved_variables", "saved_tensors"),
        ),
        Statement(
            says="import torch.autograd.Function as Function.",
            where="Defining a Function, Linear",
            program="import torch.autograd.Function as Function",
            judge=_imported,
            truth="from torch.autograd import Function: it is a class, not a module.",
            twin=(
                "import torch.autograd.Function as Function",
                "from torch.autograd import Function",
            ),
        ),
        Statement(
            says="bias.unsqueeze(0).expand_as(output) is expand(output.size()).",
            where="Defining a Function, Linear",
            program="import torch\nbias, output = torch.arange(3.), torch.zeros(2, 3)\n"
            "a = bias.unsqueeze(0).expand_as(output)\nb = bias.expand(output.size())",
            judge=_expanded,
            truth="Both are views of stride 0 along the samples; output + bias does the same.",
            twin=("bias.expand(output.size())", "bias.expand(3, 3)"),
        ),
    ),
    ask=Ask(
        text="grad is [[1, 1], [1, 1], [1, 1]], and backward returns it, without sum(0), for a "
        "bias of two features. What is b.grad?",
        program=_CLASS.replace("grad.sum(0)", "grad")
        + "\nx, w = torch.ones(3, 1), torch.ones(2, 1)\nb = torch.zeros(2, requires_grad=True)\n"
        "Linear.apply(x, w, b).sum().backward()",
        answer=lambda trace: (
            "backward raises" if trace.failure else str(list(final(trace, "b").grad.values))
        ),
        options=("[1.0, 1.0]", "[3.0, 3.0]", "backward raises"),
        because="Autograd sums a gradient that its input's shape can be spread to, as it does "
        "behind broadcasting. It does not add dimensions: squeeze raises.",
    ),
    references=(
        ("Extending torch.autograd: Linear", f"{_DOCS}/notes/extending.html"),
        (
            "torch.nn.functional.linear",
            f"{_DOCS}/generated/torch.nn.functional.linear.html",
        ),
    ),
    terms=("F.linear", "saved_variables", "squeeze", "invalid gradient", "batch"),
)
