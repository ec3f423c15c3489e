"""where: the value comes from one side, the gradient from both."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_Row = NDArray[np.float64]
_FUNCTIONS: Mapping[str, tuple[Callable[[_Row], _Row], Callable[[_Row, _Row], _Row]]] = {
    # The function, and the gradient that comes for g from behind, as torch's formulas have it.
    "sqrt": (np.sqrt, lambda x, g: g / (2 * np.sqrt(x))),
    "log": (np.log, lambda x, g: g / x),
    "reciprocal": (lambda x: 1 / x, lambda x, g: -g * (1 / x) * (1 / x)),
}
_WAYS = {
    "where": "torch.where(mask, x.${function}(), 0.)",
    "where inside": "torch.where(mask, torch.where(mask, x, 1.).${function}(), 0.)",
    "masked_fill": "x.${function}().masked_fill(~mask, 0.)",
    "times mask": "x.${function}() * mask",
}


@dataclasses.dataclass(frozen=True)
class Choosing(Parameters):
    """Say which function must not see what, and how it is kept from it."""

    function: str = choice("sqrt", tuple(_FUNCTIONS), label="function", help="Of x.")
    way: str = choice("where", tuple(_WAYS), label="y = …", help="How cells are left out.")
    last: int = number(-1, label="last", help="Of x.", minimum=-4, maximum=4, step=1)


PROGRAM = """
import torch

x = torch.tensor([4., 1., 0., ${last}], requires_grad=True)
mask = x > 0
y = ${way}
y.sum().backward()
x.grad
"""


def _x(settings: Choosing) -> _Row:
    return np.array([4.0, 1.0, 0.0, settings.last])


def _values(trace: Trace, settings: Choosing) -> float:
    x = _x(settings)
    with np.errstate(all="ignore"):
        inner = _FUNCTIONS[settings.function][0](x)
        expected = inner * (x > 0) if settings.way == "times mask" else np.where(x > 0, inner, 0)
    return difference(final(trace, "y").values, expected.tolist())


def _gradient(trace: Trace, settings: Choosing) -> float:
    x = _x(settings)
    mask = x > 0
    g = mask.astype(float)  # what where, masked_fill and times all hand on
    inside = settings.way == "where inside"
    with np.errstate(all="ignore"):
        expected = _FUNCTIONS[settings.function][1](np.where(mask, x, 1) if inside else x, g)
    grad = final(trace, "x").grad
    return difference(grad.values if grad is not None else None, expected.tolist())


def _selects(trace: Trace) -> tuple[Verdict, str]:
    y = final(trace, "y").values
    return Verdict.HOLDS if y == (1, -1, 1) else Verdict.WRONG, f"{y}"


CHOOSING = Lesson(
    slug="where",
    title="where and its gradient",
    notice="y has no NaN, x.grad has two: the branch not taken was multiplied by 0, not left out.",
    program=PROGRAM,
    parameters=Choosing,
    spelled={"way": _WAYS},
    presets=(
        Preset(
            "where",
            "The derivative of sqrt is infinite at 0 and NaN below; times 0 both are NaN.",
            Choosing(),
        ),
        Preset(
            "where inside",
            "sqrt never sees the cells left out: their gradient is 0.",
            Choosing(way="where inside"),
        ),
        Preset(
            "log",
            "log of -1 is NaN, yet its derivative, 1 / x, is -1: only the 0 gives NaN.",
            Choosing(function="log"),
        ),
        Preset(
            "Times the mask",
            "NaN times 0 is NaN: here y itself has one.",
            Choosing(way="times mask"),
        ),
    ),
    opens="y.sum().backward()",
    notes={
        "y = ": "All of x goes through the function; what is left out is dropped afterwards.",
        "y.sum().backward()": "Cells left out hand on a gradient of 0, and 0 times infinity is "
        "NaN.",
    },
    slips=(
        Slip(
            title="NaN gradient from where",
            program="import torch\n\nx = torch.tensor([-1., 4.], requires_grad=True)\n"
            "safe = torch.where(x > 0, x, 1.)\ny = torch.where(x > 0, safe.sqrt(), x)\n"
            "y.sum().backward()",
            wrong="y = torch.where(x > 0, x.sqrt(), x)",
            right="y = torch.where(x > 0, safe.sqrt(), x)",
            lesson="where hands 0 to the branch not taken, and 0 times a NaN derivative is NaN: "
            "choose before the function, too.",
            source=("pytorch#187297", "https://github.com/pytorch/pytorch/issues/187297"),
        ),
        Slip(
            title="a mask times NaN",
            program="import torch\n\nloss = torch.tensor([1., float('nan')])\n"
            "mask = torch.tensor([True, False])\nkept = loss.masked_fill(~mask, 0.)",
            wrong="kept = loss * mask",
            right="kept = loss.masked_fill(~mask, 0.)",
            lesson="NaN times 0 is NaN: padding that is not finite must be replaced, not "
            "multiplied.",
            source=("SkyRL#1635", "https://github.com/NovaSky-AI/SkyRL/pull/1635"),
        ),
        Slip(
            title="the length of a zero vector",
            program="import torch\n\nx = torch.zeros(2, requires_grad=True)\nd = x.norm()\n"
            "d.backward()",
            wrong="d = (x * x).sum().sqrt()",
            right="d = x.norm()",
            lesson="The root has an infinite derivative at 0, and 0 comes from behind: NaN. norm "
            "gives 0 there.",
            source=("pytorch#2421", "https://github.com/pytorch/pytorch/issues/2421"),
        ),
    ),
    proofs=(
        Proof(
            "The values are NumPy's.",
            "numpy.where, or a product with the mask",
            _values,
            twin=("mask = x > 0", "mask = x >= 1.5"),
            tolerance=1e-6,
        ),
        Proof(
            "The gradient is the chain rule's, NaN included: 0 from behind, times the derivative.",
            "the chain rule in numpy, float64",
            _gradient,
            twin=(
                "y = ${way}",
                "y = torch.where(mask, torch.where(mask, x, 1.).${function}(), 0.)",
            ),
            tolerance=1e-6,
        ),
    ),
    statements=(
        Statement(
            says="torch.where(condition, x, y) takes x where the condition holds and y elsewhere.",
            where="torch.where(condition, x, y)",
            program="import torch\nx = torch.tensor([0.5, -2., 0.])\n"
            "y = torch.where(x >= 0, torch.ones(3), -torch.ones(3))",
            judge=_selects,
            truth="It does. Both are computed for all cells, and the one not taken gets a gradient "
            "of 0, times its derivative.",
            twin=("x >= 0", "x > 0"),
        ),
    ),
    ask=Ask(
        text="x = tensor([0.]); torch.where(x > 0, x.sqrt(), 0.).backward(). What is x.grad?",
        program="import torch\nx = torch.tensor([0.], requires_grad=True)\n"
        "torch.where(x > 0, x.sqrt(), 0.).sum().backward()",
        answer=lambda trace: f"{final(trace, 'x').grad.values[0]:g}",
        options=("0", "inf", "nan"),
        because="0 is handed on, the derivative of the root is infinite there: 0 · ∞ is NaN.",
    ),
    references=(
        ("torch.where", f"{_DOCS}/generated/torch.where.html"),
        ("torch.Tensor.masked_fill", f"{_DOCS}/generated/torch.Tensor.masked_fill_.html"),
    ),
)
