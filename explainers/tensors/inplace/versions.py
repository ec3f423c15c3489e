"""The version counter: how backward knows that what it saved was written over."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_Row = NDArray[np.float64]
_FUNCTIONS: Mapping[str, tuple[Callable[[_Row], _Row], Callable[[_Row, _Row], _Row], bool]] = {
    # The function; its derivative, of x and of what y's memory holds; whether that is saved.
    "exp": (np.exp, lambda x, y: y, True),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x, y: y * (1 - y), True),
    "tanh": (np.tanh, lambda x, y: 1 - y**2, True),
    "sin": (np.sin, lambda x, y: np.cos(x), False),
    "square": (np.square, lambda x, y: 2 * x, False),
}
_EDITS = {
    "y *= 2": "y *= 2",
    "y = y * 2": "y = y * 2",
    "detach": "y.detach().mul_(2)",
    "data": "y.data.mul_(2)",
    "numpy": "y.detach().numpy()[:] *= 2",
}


@dataclasses.dataclass(frozen=True)
class Versions(Parameters):
    """Say what makes y, and how y is doubled."""

    function: str = choice(
        "exp", tuple(_FUNCTIONS), label="y = x.…", help="Some save y for backward, some x."
    )
    edit: str = choice("y *= 2", tuple(_EDITS), label="edit", help="Five ways to double y.")
    last: float = number(1.0, label="last", help="Of x.", minimum=-2.0, maximum=2.0, step=0.5)


PROGRAM = """
import torch

x = torch.tensor([0.5, ${last}], requires_grad=True)
y = x.${function}()
y._version
${edit}
y._version
y.sum().backward()
"""


def _refused(trace: Trace, settings: Versions) -> float:
    saved = _FUNCTIONS[settings.function][2]
    refused = trace.failure is not None and "modified by an inplace" in trace.failure.message
    return float(refused != (saved and settings.edit in {"y *= 2", "detach"}))


def _counted(trace: Trace, settings: Versions) -> float:
    return float(final(trace, "y").version != (1 if settings.edit in {"y *= 2", "detach"} else 0))


def _gradient(trace: Trace, settings: Versions) -> float:
    grad = final(trace, "x").grad
    function, derivative, _ = _FUNCTIONS[settings.function]
    x = np.array([0.5, settings.last])
    y = function(x)
    if trace.failure is not None:
        return 0.0 if grad is None else float("inf")
    if settings.edit in {"data", "numpy"}:  # backward reads the doubled memory, if it reads y
        expected = derivative(x, 2 * y)
    elif settings.edit == "detach":  # the graph knows nothing of the factor
        expected = derivative(x, y)
    else:
        expected = 2 * derivative(x, y)
    return float("inf") if grad is None else difference(grad.values, expected.tolist())


VERSIONS = Lesson(
    slug="version",
    title="the version counter",
    notice="exp saved y for backward; y was written over, its version is 1, and backward refuses.",
    program=PROGRAM,
    parameters=Versions,
    spelled={"edit": _EDITS},
    presets=(
        Preset("exp, in place", "The derivative of exp is y itself, and that is gone.", Versions()),
        Preset(
            "sin, in place",
            "sin saved x, which nobody wrote: the gradient is right, factor 2 included.",
            Versions(function="sin"),
        ),
        Preset(
            "Out of place",
            "y names a new tensor; the one that exp saved is untouched.",
            Versions(edit="y = y * 2"),
        ),
        Preset(
            "Through NumPy",
            "The version is still 0: backward reads doubled numbers and says nothing.",
            Versions(edit="numpy"),
        ),
    ),
    notes={
        "y = x.": "exp, sigmoid and tanh save their result; sin and square their input.",
        "y.sum().backward()": "Every saved tensor is asked whether its version is still the same.",
    },
    slips=(
        Slip(
            title="+= on what was saved",
            program="import torch\n\nx = torch.tensor([1., 2.], requires_grad=True)\n"
            "y = torch.tanh(x)\ny = y + 1\ny.sum().backward()",
            wrong="y += 1",
            right="y = y + 1",
            lesson="tanh needs its result for backward; += writes over it.",
            source=("pytorch#10346", "https://github.com/pytorch/pytorch/issues/10346"),
        ),
        Slip(
            title="a write through .data",
            program="import torch\n\nx = torch.tensor([1., 2., 3.], requires_grad=True)\n"
            "y = x.sigmoid()\nc = y.detach().clone()\nc.zero_()\ny.sum().backward()",
            wrong="c = y.data",
            right="c = y.detach().clone()",
            lesson=".data has a version counter of its own, so backward takes the zeros it finds; "
            "detach alone shares the counter, and would be caught.",
            source=("pytorch#6990", "https://github.com/pytorch/pytorch/issues/6990"),
            opens=".backward()",
        ),
        Slip(
            title="a leaf updated in place",
            program="import torch\n\nw = torch.tensor([1., 2.], requires_grad=True)\n"
            "(w * w).sum().backward()\nwith torch.no_grad():\n    w -= 0.1 * w.grad",
            wrong="w -= 0.1 * w.grad",
            right="with torch.no_grad():\n    w -= 0.1 * w.grad",
            lesson="A leaf that requires grad may be written only where nothing is recorded.",
            source=("examples#779", "https://github.com/pytorch/examples/pull/779"),
        ),
    ),
    proofs=(
        Proof(
            "backward refuses exactly if the function saved y and the counter saw a write.",
            "which functions' derivatives are formulas of their result",
            _refused,
            twin=("y._version\n${edit}", "y = y + 0\n${edit}"),
        ),
        Proof(
            "The version counts writes by *= and through detach, none through .data or NumPy.",
            "one write, or none",
            _counted,
            twin=("${edit}\ny._version", "${edit}\ny.mul_(1)"),
        ),
        Proof(
            "x.grad is the derivative, read off what y's memory holds; none where torch refused.",
            "numpy, float64",
            _gradient,
            twin=("y._version\n${edit}", "y._version\ny = y.clone()"),
            tolerance=2e-5,
        ),
    ),
    ask=Ask(
        text="y = x.exp(); y.detach().numpy()[:] = 0; y.sum().backward(). What is x.grad?",
        program="import torch\nx = torch.tensor([1., 2.], requires_grad=True)\ny = x.exp()\n"
        "y.detach().numpy()[:] = 0\ny.sum().backward()",
        answer=lambda trace: (
            "an error"
            if trace.failure is not None
            else "zeros"
            if not any(final(trace, "x").grad.values)
            else "exp(x)"
        ),
        options=("exp(x)", "zeros", "an error"),
        because="NumPy's write moves no version counter: backward multiplies by what it finds, 0.",
    ),
    references=(
        (
            "torch: in-place correctness checks",
            f"{_DOCS}/notes/autograd.html#in-place-correctness-checks",
        ),
        ("torch.Tensor.detach", f"{_DOCS}/generated/torch.Tensor.detach.html"),
    ),
)
