"""A Function in its two halves: exp, what it keeps, and what gradcheck says of it."""

import dataclasses
import math

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Halves(Parameters):
    """Say what forward saves, what backward makes of it, and at which x."""

    save: str = choice("y", ("y", "x"), label="save", help="What forward keeps for backward.")
    slope: str = choice(
        "kept", ("kept", "kept.exp()"), label="slope", help="What backward multiplies by."
    )
    x: float = number(1.0, label="x[0]", help="The other is 0.", minimum=-2, maximum=2, step=0.5)


PROGRAM = """
import torch

class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(${save})
        return y
    @staticmethod
    def backward(ctx, grad):
        kept, = ctx.saved_tensors
        return grad * ${slope}
x = torch.tensor([${x}, 0.], dtype=torch.float64, requires_grad=True)
(2 * Exp.apply(x)).sum().backward()
right = torch.autograd.gradcheck(Exp.apply, x, raise_exception=False)
"""


def _slope(settings: Halves, x: float) -> float:
    kept = math.exp(x) if settings.save == "y" else x
    return math.exp(kept) if settings.slope == "kept.exp()" else kept


def _written(trace: Trace, settings: Halves) -> float:
    grad = final(trace, "x").grad
    expected = [2 * _slope(settings, x) for x in (settings.x, 0.0)]
    return math.inf if grad is None else difference(grad.values, expected)


def _gradcheck(trace: Trace, settings: Halves) -> float:
    step = 1e-6
    agrees = all(
        abs((math.exp(x + step) - math.exp(x - step)) / (2 * step) - _slope(settings, x)) < 1e-3
        for x in (settings.x, 0.0)
    )
    return float(final(trace, "right").text != str(agrees))


def _tuple(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    values = [f"{value:.4g}" for value in final(trace, "x1").grad.values]
    return Verdict.HOLDS, f"x1.grad is {values}"


def _unpacked(trace: Trace) -> tuple[Verdict, str]:
    inside = next(step for step in trace.steps if "y" in step.local)
    x, y = inside.local["x"], inside.local["y"]
    same = x.identity == final(trace, "x").identity  # type: ignore[union-attr]
    noted = y.requires_grad  # type: ignore[union-attr]
    verdict = Verdict.OBSOLETE if same and not noted else Verdict.WRONG
    return verdict, f"the same tensor: {same}; an operation on it is noted: {noted}"


def _static(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message.split('.')[0]}"
    return Verdict.CONDITION, f"x.grad is {list(final(trace, 'x').grad.values)}"


_EXP = """
import torch
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.exp(x)
    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad * torch.exp(x)
"""
_SEPARATE = """
import torch

class Double(torch.autograd.Function):
    @staticmethod
    def forward(x): return 2 * x
    @staticmethod
    def setup_context(ctx, inputs, output): pass
    @staticmethod
    def backward(ctx, grad): return 2 * grad

x = torch.tensor([1., 3.])
slope = torch.func.grad(lambda x: Double.apply(x).sum())(x)
"""

HALVES = Lesson(
    slug="exp",
    title="exp",
    notice="exp is its own derivative: forward keeps y, and backward returns grad · y, 2e and 2.",
    program=PROGRAM,
    parameters=Halves,
    presets=(
        Preset("Keep y", "The derivative is y itself, so nothing is computed twice.", Halves()),
        Preset(
            "Keep x", "Right as well: backward computes exp once more.", Halves("x", "kept.exp()")
        ),
        Preset(
            "Keep x, forget exp",
            "It runs, and x.grad is 2x; gradcheck says False.",
            Halves("x", "kept"),
        ),
        Preset(
            "exp of y",
            "e to the e: the exp that was right for x is one too many for y.",
            Halves("y", "kept.exp()"),
        ),
    ),
    notes={
        "y = x.exp()": "Grad mode is off in forward: its operations leave no node.",
        "kept, =": "saved_tensors is a tuple; the comma takes its one tensor out.",
        "return grad": "grad is what the rest of the program did to y: here 2.",
        "right = ": "gradcheck runs forward at x ± 1e-6 and compares; that wants float64.",
    },
    slips=(
        Slip(
            title="must be Tensor, not tuple",
            program=_EXP + "\nx = torch.tensor([1., 2.], requires_grad=True)\n"
            "Exp.apply(x).sum().backward()",
            wrong="x = ctx.saved_tensors",
            right="x, = ctx.saved_tensors",
            lesson="saved_tensors is a tuple, also of one. Without the comma x is that tuple.",
            source=(
                "pytorch-examples#9",
                "https://github.com/jcjohnson/pytorch-examples/issues/9",
            ),
            opens="return grad * torch.exp(x)",
        ),
        Slip(
            title="Jacobian mismatch: gradcheck in float32",
            program=_EXP + "\nx = torch.tensor([1.], dtype=torch.float64, requires_grad=True)\n"
            "torch.autograd.gradcheck(Exp.apply, x)",
            wrong="x = torch.tensor([1.], requires_grad=True)",
            right="x = torch.tensor([1.], dtype=torch.float64, requires_grad=True)",
            lesson="A step of 1e-6 drowns in float32's rounding: the numbers that backward is "
            "compared with are off. Check in float64.",
            source=("DCNv2#13", "https://github.com/CharlesShang/DCNv2/issues/13"),
            opens="gradcheck(Exp",
        ),
        Slip(
            title="it must override the setup_context staticmethod",
            program=_SEPARATE,
            wrong="    def forward(ctx, x): return 2 * x\n    @staticmethod\n"
            "    def backward(ctx, grad): return 2 * grad",
            right="    def forward(x): return 2 * x\n    @staticmethod\n"
            "    def setup_context(ctx, inputs, output): pass\n    @staticmethod\n"
            "    def backward(ctx, grad): return 2 * grad",
            lesson="torch.func takes a Function only with a forward without ctx; what is to be "
            "saved is saved in setup_context.",
            source=(
                "transformers#29463",
                "https://github.com/huggingface/transformers/issues/29463",
            ),
        ),
    ),
    proofs=(
        Proof(
            "x.grad is 2 times what backward multiplies by, right or wrong.",
            "math.exp",
            _written,
            twin=("return grad * ${slope}", "return ${slope}"),
            tolerance=1e-9,
        ),
        Proof(
            "gradcheck says True where that is the slope of exp, and False elsewhere.",
            "central differences, in Python",
            _gradcheck,
            twin=("return grad * ${slope}", "return grad * kept.cos()"),
        ),
    ),
    statements=(
        Statement(
            says="backward of exp: input = ctx.saved_tensors; return grad_output * exp(input).",
            where="Defining a Function, exponential",
            program=_EXP.replace("x, =", "x =")
            + "x1 = torch.tensor([3., 4.], requires_grad=True)\n"
            "Exp.apply(Exp.apply(x1)).sum().backward()",
            judge=_tuple,
            truth="Unpack the tuple, x, = ctx.saved_tensors; then it is right. exp = Exp() is "
            "deprecated: call apply on the class.",
            twin=("x = ctx", "x, = ctx"),
        ),
        Statement(
            says="Before forward, autograd unpacks each Variable into a tensor.",
            where="Defining a Function",
            program=_EXP.replace("return torch.exp(x)", "y = torch.exp(x)\n        return y")
            + "x = torch.tensor([1.], requires_grad=True)\nExp.apply(x)",
            judge=_unpacked,
            truth="There are no Variables since 0.4. forward gets the very tensor, with grad mode "
            "off.",
            twin=("y = torch.exp(x)", "with torch.enable_grad(): y = torch.exp(x)"),
        ),
        Statement(
            says="forward and backward must be static methods.",
            where="Defining a Function, Linear",
            program=_EXP.replace("    @staticmethod\n", "")
            + "x = torch.tensor([0.], requires_grad=True)\nExp.apply(x).sum().backward()",
            judge=_static,
            truth="Write them so. apply does without, as it calls them on the class; what raises "
            "is a call of an instance, Exp()(x).",
            twin=("Exp.apply(x)", "Exp()(x)"),
        ),
    ),
    ask=Ask(
        text="forward of exp saves x, and backward returns grad * x. What does gradcheck say, and "
        "what does backward()?",
        program=PROGRAM.replace("${save}", "x").replace("${slope}", "kept").replace("${x}", "1."),
        answer=lambda trace: (
            "backward raises"
            if trace.failure
            else f"backward runs, gradcheck is {final(trace, 'right').text}"
        ),
        options=(
            "backward raises",
            "backward runs, gradcheck is True",
            "backward runs, gradcheck is False",
        ),
        because="Autograd takes whatever backward returns if the shape fits; only a comparison "
        "with forward can tell.",
    ),
    references=(
        ("Extending torch.autograd", f"{_DOCS}/notes/extending.html"),
        ("torch.autograd.gradcheck", f"{_DOCS}/generated/torch.autograd.gradcheck.gradcheck.html"),
    ),
    terms=("torch.autograd.Function", "save_for_backward", "saved_tensors", "gradcheck", "apply"),
)
