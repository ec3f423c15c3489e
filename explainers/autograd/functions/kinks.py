"""ReLU as a Function: what backward says at 0, where there is no derivative."""

import dataclasses
import math

import torch

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_RELUS = ("ReLU.apply", "torch.relu", "torch.maximum")


@dataclasses.dataclass(frozen=True)
class Kinks(Parameters):
    """Say which ReLU runs, what ours masks, and where the middle input lies."""

    relu: str = choice("ReLU.apply", _RELUS, label="relu", help="Ours, or one of torch's.")
    mask: str = choice(
        "x < 0", ("x < 0", "x <= 0"), label="mask", help="Where ours passes no gradient."
    )
    x: float = number(0.0, label="x[1]", help="Of three.", minimum=-1, maximum=1, step=0.5)


PROGRAM = """
import torch

class ReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad.masked_fill(${mask}, 0)

relu = ${relu}
x = torch.tensor([-1., ${x}, 2.], dtype=torch.float64, requires_grad=True)
(3 * relu(x)).sum().backward()
right = torch.autograd.gradcheck(relu, x, raise_exception=False)
"""


def _slope(settings: Kinks, x: float) -> float:
    if x != 0:
        return float(x > 0)
    if settings.relu == "torch.maximum":
        return 0.5
    return float(settings.relu == "ReLU.apply" and settings.mask == "x < 0")


def _gradient(trace: Trace, settings: Kinks) -> float:
    grad = final(trace, "x").grad
    expected = [3 * _slope(settings, x) for x in (-1.0, settings.x, 2.0)]
    return math.inf if grad is None else difference(grad.values, expected)


def _gradcheck(trace: Trace, settings: Kinks) -> float:
    step = 1e-6
    agrees = all(
        abs((max(x + step, 0) - max(x - step, 0)) / (2 * step) - _slope(settings, x)) < 1e-3
        for x in (-1.0, settings.x, 2.0)
    )
    return float(final(trace, "right").text != str(agrees))


def _func(trace: Trace, settings: Kinks) -> float:
    grad = final(trace, "x").grad
    at = torch.tensor([-1.0, settings.x, 2.0], dtype=torch.float64)
    theirs = torch.func.grad(lambda x: 3 * torch.relu(x).sum())(at)
    away = [number for number, x in enumerate(at.tolist()) if x != 0]
    if grad is None:
        return math.inf
    return difference([grad.values[at] for at in away], [theirs[at].item() for at in away])


def _or_zero(trace: Trace) -> tuple[Verdict, str]:
    ours, theirs = (list(final(trace, name).grad.values) for name in ("x", "same"))
    verdict = Verdict.HOLDS if ours == theirs else Verdict.CONDITION
    return verdict, f"at -1, 0 and 2: {ours}, F.relu {theirs}"


def _falls(trace: Trace) -> tuple[Verdict, str]:
    begin, end = (float(final(trace, name).text) for name in ("begin", "end"))
    verdict = Verdict.HOLDS if end < begin / 10 else Verdict.WRONG
    return verdict, f"loss {begin:.4g} at first, {end:.4g} after 20 steps"


_OWN = PROGRAM.partition("\nrelu =")[0].replace("${mask}", "x < 0")
_TRAINED = """
import torch
class ReLU(torch.autograd.Function):
    forward = staticmethod(lambda ctx, x: (ctx.save_for_backward(x), x.clamp(min=0))[1])
    backward = staticmethod(lambda ctx, g: g.masked_fill(ctx.saved_tensors[0] < 0, 0))
torch.manual_seed(0)
x, y = torch.randn(8, 4), torch.randn(8, 2)
w1, w2 = torch.randn(4, 6).requires_grad_(), torch.randn(6, 2).requires_grad_()
def step(rate):
    loss = (ReLU.apply(x @ w1) @ w2 - y).pow(2).sum()
    loss.backward()
    for w in (w1, w2):
        w.data -= rate * w.grad
        w.grad = None
    return loss.item()
losses = [step(5e-3) for _ in range(20)]
begin, end = losses[0], losses[-1]
"""

KINKS = Lesson(
    slug="relu",
    title="ReLU at 0",
    notice="At 0 ours passes the 3 on, as x < 0 is false there; gradcheck finds 0.5 and says "
    "False.",
    program=PROGRAM,
    parameters=Kinks,
    spelled={
        "relu": {
            "ReLU.apply": "ReLU.apply",
            "torch.relu": "torch.relu",
            "torch.maximum": "lambda x: torch.maximum(x, torch.zeros_like(x))",
        }
    },
    presets=(
        Preset("Ours", "1 at 0: the mask is x < 0.", Kinks()),
        Preset("torch.relu", "0 at 0, and gradcheck says False as well.", Kinks("torch.relu")),
        Preset(
            "torch.maximum",
            "Half to each of two equal inputs: what gradcheck measures, so it says True.",
            Kinks("torch.maximum"),
        ),
        Preset("Away from 0", "No doubt anywhere: gradcheck says True.", Kinks(x=0.5)),
    ),
    notes={
        "return grad.masked_fill": "A new tensor: grad itself belongs to autograd.",
        "right = ": "At 0 it measures (1e-6 - 0) / 2e-6.",
    },
    slips=(
        Slip(
            title="gradcheck at a kink: Jacobian mismatch",
            program="import torch\n\n"
            "x = torch.tensor([0.1], dtype=torch.float64, requires_grad=True)\n"
            "torch.autograd.gradcheck(torch.relu, x)",
            wrong="x = torch.tensor([0.], dtype=torch.float64, requires_grad=True)",
            right="x = torch.tensor([0.1], dtype=torch.float64, requires_grad=True)",
            lesson="At a kink any slope between the two sides will do, and a difference across it "
            "finds their mean. Check a little beside it.",
            source=("pytorch#114234", "https://github.com/pytorch/pytorch/issues/114234"),
            opens="gradcheck(torch",
        ),
        Slip(
            title="writing into the gradient that backward was given",
            program="import torch\n\nclass Ramp(torch.autograd.Function):\n    @staticmethod\n"
            "    def forward(ctx, x):\n        ctx.save_for_backward(x)\n"
            "        return x.clamp(min=0)\n    @staticmethod\n    def backward(ctx, grad):\n"
            "        x, = ctx.saved_tensors\n        grad = grad.clone()\n"
            "        grad[x < 0] = 0\n        return grad\n\n"
            "x = torch.tensor([-1., 2.], requires_grad=True)\ny = x * 1\n"
            "g = torch.tensor([3., 3.])\n(Ramp.apply(y) + y).backward(g)",
            wrong="grad = grad",
            right="grad = grad.clone()",
            lesson="The same tensor is on its way to y by the sum, too, and loses its 3. "
            "Write into a clone.",
            source=("pytorch#81417", "https://github.com/pytorch/pytorch/issues/81417"),
        ),
    ),
    proofs=(
        Proof(
            "x.grad is 3 above 0 and 0 below; at 0 it is the choice of whoever wrote backward.",
            "the rule, in Python",
            _gradient,
            twin=("(3 * relu", "(2 * relu"),
        ),
        Proof(
            "gradcheck says True where central differences agree: at 0 for a slope of 0.5 alone.",
            "central differences, in Python",
            _gradcheck,
            twin=("raise_exception=False", "atol=2., raise_exception=False"),
        ),
        Proof(
            "Away from 0 it is the gradient that torch.func has of torch.relu.",
            "torch.func.grad",
            _func,
            twin=("grad.masked_fill(${mask}, 0)", "grad"),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
    statements=(
        Statement(
            says="The gradient of ReLU is grad_output or 0: grad_input[input < 0] = 0.",
            where="Defining a Function, ReLU",
            program=_OWN + "\nx = torch.tensor([-1., 0., 2.], requires_grad=True)\n"
            "same = x.detach().clone().requires_grad_()\nReLU.apply(x).sum().backward()\n"
            "torch.relu(same).sum().backward()",
            judge=_or_zero,
            truth="As autograd has it, but for inputs of exactly 0: there F.relu passes 0.",
            twin=("x < 0", "x <= 0"),
        ),
        Statement(
            says="A network of two layers with such a ReLU, trained by hand: the loss falls.",
            where="Defining a Function, ReLU",
            program=_TRAINED,
            judge=_falls,
            truth="It does, if weights are written under no_grad or through .data, and gradients "
            "are cleared after each step.",
            twin=("step(5e-3)", "step(-5e-3)"),
        ),
    ),
    ask=Ask(
        text="What is the gradient of torch.maximum(x, 0) at x = 0?",
        program="import torch\nx = torch.tensor([0.], requires_grad=True)\n"
        "torch.maximum(x, torch.zeros(1)).sum().backward()",
        answer=lambda trace: str(final(trace, "x").grad.values[0]),
        options=("0.0", "0.5", "1.0", "nan"),
        because="Where both are the largest, the gradient is shared between them.",
    ),
    references=(
        ("Extending torch.autograd", f"{_DOCS}/notes/extending.html"),
        (
            "Autograd mechanics: functions without derivative at a point",
            f"{_DOCS}/notes/autograd.html",
        ),
    ),
    terms=("ReLU", "subgradient", "gradcheck", "clamp", "torch.maximum"),
)
