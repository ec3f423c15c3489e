"""What goes into apply and comes out of it, and which gradients anyone asked for."""

import dataclasses
import math

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import State, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_WHO = {"x and w": (True, True), "w alone": (False, True), "x alone": (True, False)}


@dataclasses.dataclass(frozen=True)
class Arguments(Parameters):
    """Say who asks for a gradient, and which number goes in beside the tensors."""

    who: str = choice("w alone", tuple(_WHO), label="gradient for", help="What requires it.")
    k: int = number(2, label="k", help="A plain number.", minimum=-3, maximum=3, step=1)


PROGRAM = """
import torch

class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, k):
        ctx.save_for_backward(x, w)
        ctx.k = k
        return x * w * k
    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        needs = ctx.needs_input_grad
        gx = grad * w * ctx.k if needs[0] else None
        gw = grad * x * ctx.k if needs[1] else None
        return gx, gw, None

x, w = torch.tensor([1., 2.]), torch.tensor([3., 5.])
${who}
y = Scale.apply(x, w, ${k})
y.sum().backward()
"""


def _gradients(trace: Trace, settings: Arguments) -> float:
    error = 0.0
    pairs = (("x", [3.0, 5.0]), ("w", [1.0, 2.0]))
    for (name, other), asked in zip(pairs, _WHO[settings.who], strict=True):
        grad = final(trace, name).grad
        if not asked:
            error = max(error, 0.0 if grad is None else math.inf)
        else:
            found = None if grad is None else grad.values
            error = max(error, difference(found, [settings.k * value for value in other]))
    return error


def _inside(trace: Trace, name: str) -> State | None:
    states = [step.local[name] for step in trace.steps if name in step.local]
    return states[-1] if states else None


def _needed(trace: Trace, settings: Arguments) -> float:
    expected = (*_WHO[settings.who], False)
    return float(getattr(_inside(trace, "needs"), "text", "") != str(expected))


def _none(trace: Trace) -> tuple[Verdict, str]:
    needs, grad = getattr(_inside(trace, "needs"), "text", ""), final(trace, "x").grad
    verdict = Verdict.HOLDS if needs.startswith("(False") and grad is None else Verdict.WRONG
    return verdict, f"needs_input_grad is {needs}; x.grad is {'None' if grad is None else 'there'}"


def _variables(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    grad = list(final(trace, "x").grad.values)
    return Verdict.OBSOLETE, f"{final(trace, 'name').text} came out, and x.grad is {grad}"


def _arguments(trace: Trace) -> tuple[Verdict, str]:
    held = len(getattr(_inside(trace, "saved"), "items", ()))
    verdict = Verdict.HOLDS if held == 2 else Verdict.CONDITION
    return verdict, f"2 arguments, {held} saved"


def _one_gradient(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.CONDITION, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"x.grad is {list(final(trace, 'x').grad.values)}"


_TWO = """
import torch
class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(b)
        return a * b
    @staticmethod
    def backward(ctx, grad):
        saved = ctx.saved_tensors
        return grad * saved[-1], None
x, b = torch.ones(2, requires_grad=True), torch.tensor([3., 4.])
Two.apply(x, b).sum().backward()
"""
_MIXED = """
import torch
class Times(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k, what):
        ctx.k = k
        return x * k, what
    @staticmethod
    def backward(ctx, grad, _): return grad * ctx.k, None, None
x = torch.ones(2, requires_grad=True)
y, name = Times.apply(x, 4, "a text")
y.sum().backward()
"""
_SEVERAL = """
import torch
class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x * 2, x * 3
    @staticmethod
    def backward(ctx, grad_output): return grad_output * 2
x = torch.ones(2, requires_grad=True)
y = Both.apply(x)
y[0].sum().backward()
"""
_ADD = """class Add(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *both): return both[0] + both[1]
    @staticmethod
    def backward(ctx, grad): return grad, grad

a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
y = Add.apply(a, b)"""
_OWN = (
    PROGRAM.replace("${who}", "x.requires_grad_()").replace("${k}", "2").partition("y.sum()")[0]
    + "y.sum().backward()"
)

ARGUMENTS = Lesson(
    slug="arguments",
    title="arguments",
    notice="needs_input_grad is (False, True, False): x asks for nothing, and a number never does.",
    program=PROGRAM,
    parameters=Arguments,
    spelled={
        "who": {
            "x and w": "x.requires_grad_(), w.requires_grad_()",
            "w alone": "w.requires_grad_()",
            "x alone": "x.requires_grad_()",
        }
    },
    presets=(
        Preset("w alone", "One product is computed; the place of x gets None.", Arguments()),
        Preset("Both", "Two products; k still gets None.", Arguments("x and w")),
        Preset(
            "x alone",
            "The product for w is saved: grad * x * k is not computed.",
            Arguments("x alone"),
        ),
    ),
    opens="needs = ",
    notes={
        "ctx.k = k": "A number goes onto ctx; save_for_backward takes tensors and None.",
        "needs = ": "One truth value for each argument of forward.",
        "return gx": "One value for each argument of forward: three.",
    },
    slips=(
        Slip(
            title="returned an incorrect number of gradients (expected 3, got 2)",
            program=_OWN,
            wrong="return gx, gw",
            right="return gx, gw, None",
            lesson="A number counts as well: its place gets None.",
            source=(
                "pytorch-image-comp-rnn#4",
                "https://github.com/1zb/pytorch-image-comp-rnn/issues/4",
            ),
            opens=".backward()",
        ),
        Slip(
            title="save_for_backward can only save variables",
            program=_OWN,
            opens="Scale.apply(x, w, 2)",
            wrong="ctx.save_for_backward(x, w, k)",
            right="ctx.save_for_backward(x, w)",
            lesson="Tensors go into save_for_backward, everything else onto ctx.",
            source=("tutorials#2797", "https://github.com/pytorch/tutorials/issues/2797"),
        ),
        Slip(
            title="a tuple of tensors as input: outputs do not require grad",
            program=f"import torch\n\n{_ADD}\ny.sum().backward()",
            wrong=_ADD.replace("*both", "both").replace("(a, b)", "((a, b))"),
            right=_ADD,
            lesson="apply looks at its arguments and not into them: tensors in a tuple, list or "
            "dict are not followed. Pass them one by one.",
            source=("pytorch#55509", "https://github.com/pytorch/pytorch/issues/55509"),
        ),
    ),
    proofs=(
        Proof(
            "Who asks gets k times the other factor; who does not gets None.",
            "the product rule, in Python",
            _gradients,
            twin=("grad * x * ctx.k", "grad * x"),
        ),
        Proof(
            "needs_input_grad says for each argument whether it requires a gradient.",
            "what the program set",
            _needed,
            twin=("x, w = torch.tensor([1., 2.])", "x, w = torch.ones(2, requires_grad=True)"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="ctx.needs_input_grad[0] is False where the first input needs no gradient; None "
            "may be returned for it.",
            where="Defining a Function",
            program=_OWN.replace("x.requires_grad_()", "w.requires_grad_()"),
            judge=_none,
            truth="So it is, for each argument of forward.",
            twin=("w.requires_grad_()", "x.requires_grad_()"),
        ),
        Statement(
            says="forward takes and returns any number of values, but they must be Variables.",
            where="Defining a Function",
            program=_MIXED,
            judge=_variables,
            truth="Anything may go in and come out; tensors alone are derived, and "
            "save_for_backward takes them alone. A Variable is a Tensor since 0.4.",
            twin=("ctx.k = k", "ctx.save_for_backward(k)"),
        ),
        Statement(
            says="saved_tensors are the arguments of forward.",
            where="Defining a Function",
            program=_TWO,
            judge=_arguments,
            truth="They are what save_for_backward was given: inputs, outputs or neither.",
            twin=("save_for_backward(b)", "save_for_backward(a, b)"),
        ),
        Statement(
            says="backward takes ctx and grad_output, the gradient of forward's output.",
            where="Defining a Function",
            program=_SEVERAL,
            judge=_one_gradient,
            truth="For one output. Of several, backward gets a gradient each, in their order.",
            twin=("return x * 2, x * 3", "return x * 2, "),
        ),
    ),
    ask=Ask(
        text="forward(ctx, x, k) gets a tensor and a number; backward returns grad * ctx.k alone. "
        "What happens?",
        program=_MIXED.replace("None, None", "None"),
        answer=lambda trace: (
            f"{trace.failure.kind} in backward" if trace.failure else "x gets its gradient"
        ),
        options=("x gets its gradient", "RuntimeError in backward", "TypeError in backward"),
        because="backward must return as many values as forward has arguments.",
    ),
    references=(
        ("Extending torch.autograd", f"{_DOCS}/notes/extending.html"),
        (
            "torch.autograd.Function.backward",
            f"{_DOCS}/generated/torch.autograd.Function.backward.html",
        ),
    ),
    terms=("needs_input_grad", "ctx", "FunctionCtx", "incorrect number of gradients"),
)
