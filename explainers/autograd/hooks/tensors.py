"""A hook on a tensor: it sees the gradient that arrives, and what it returns goes on instead."""

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
_HOOK = ("Tensor.register_hook", f"{_DOCS}/generated/torch.Tensor.register_hook.html")


@dataclasses.dataclass(frozen=True)
class Tensors(Parameters):
    """Say which tensor has the hook, and what it returns."""

    on: str = choice("y", ("y", "x"), label="hook on", help="y comes from x.")
    returns: str = choice(
        "grad.clamp(max=10)",
        ("grad.clamp(max=10)", "-grad", "grad / grad.norm()", "None"),
        label="it returns",
        help="In place of the gradient; None leaves it.",
        words=("clamp at 10", "-grad", "length 1", "None"),
    )
    x: float = number(1.0, label="x[0]", help="x[1] is 2.", minimum=-2, maximum=3, step=0.5)


PROGRAM = """
import torch

seen = []
def hook(grad):
    seen.append(grad)
    return ${returns}

x = torch.tensor([${x}, 2.], requires_grad=True)
y = x * 3
${on}.register_hook(hook)
(y ** 2).sum().backward()
"""


def _arrives(settings: Tensors) -> NDArray[np.float64]:
    """Return the gradient at the tensor that has the hook: 2y at y, and 3 times that at x."""
    x = np.array([settings.x, 2.0])
    return 6 * x if settings.on == "y" else 18 * x


def _seen(trace: Trace, settings: Tensors) -> float:
    return difference(final(trace, "seen").items[0].values, _arrives(settings).tolist())


def _gradient(trace: Trace, settings: Tensors) -> float:
    grad = _arrives(settings)
    goes_on = {
        "grad.clamp(max=10)": np.minimum(grad, 10),
        "-grad": -grad,
        "grad / grad.norm()": grad / math.hypot(*grad),
        "None": grad,
    }[settings.returns]
    found = final(trace, "x").grad
    expected = goes_on * (3 if settings.on == "y" else 1)
    return math.inf if found is None else difference(found.values, expected.tolist())


def _split(trace: Trace, settings: Tensors) -> float:
    """Do by hand what the hook does on the way: stop at the tensor, and go on with another."""
    x = torch.tensor([settings.x, 2.0], requires_grad=True)
    y = x * 3
    at = {"x": x, "y": y}[settings.on]
    (grad,) = torch.autograd.grad((y**2).sum(), at, retain_graph=True)
    goes_on = {
        "grad.clamp(max=10)": grad.clamp(max=10),
        "-grad": -grad,
        "grad / grad.norm()": grad / grad.norm(),
        "None": grad,
    }[settings.returns]
    at.backward(goes_on)
    found = final(trace, "x").grad
    if found is None or x.grad is None:
        return math.inf
    return difference(found.values, x.grad.tolist())


def _returns(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"x.grad is {list(final(trace, 'x').grad.values)}"


def _freed(trace: Trace) -> tuple[Verdict, str]:
    kept, held = final(trace, "y").grad, final(trace, "seen").items[0].values
    verdict = Verdict.HOLDS if kept is None else Verdict.CONDITION
    return verdict, f"y.grad is {kept and list(kept.values)}; the hook got {list(held)}"


def _needs(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.WRONG, "a hook stands on a tensor that requires no gradient"


_Y = "import torch\nx = torch.tensor([1., 2.], requires_grad=True)\ny = x * 3\n"

TENSORS = Lesson(
    slug="tensor",
    title="on a tensor",
    notice="[6, 12] arrives at y and [6, 10] goes on, so x gets [18, 30] and not [18, 36].",
    program=PROGRAM,
    parameters=Tensors,
    presets=(
        Preset("Clamp on the way", "The rest of backward works with 10.", Tensors()),
        Preset("Turn it round", "Gradient reversal: x is told to climb.", Tensors(returns="-grad")),
        Preset(
            "Look on", "The hook returns None, and the gradient stays.", Tensors(returns="None")
        ),
        Preset(
            "On the leaf",
            "[18, 36] arrives at x; what is returned is added to x.grad.",
            Tensors("x"),
        ),
    ),
    notes={
        "seen.append": "What arrives, before this hook changes it.",
        "    return ": "What goes on in its place.",
        "(y ** 2)": "The hook runs within this line, when the gradient of its tensor is complete.",
    },
    slips=(
        Slip(
            title="cannot register a hook on a tensor that doesn't require gradient",
            program=_Y + "y.register_hook(print)\ny.sum().backward()",
            wrong="with torch.no_grad(): y = x * 3",
            right="y = x * 3",
            lesson="No gradient will ever come by. Under no_grad, in an evaluation, register none.",
            source=("torch-cam#217", "https://github.com/frgfm/torch-cam/issues/217"),
        ),
        Slip(
            title="hook '<lambda>' has changed the size of value",
            program=_Y + "y.register_hook(lambda grad: print(grad.norm()))\ny.sum().backward()",
            wrong="lambda grad: grad.norm()",
            right="lambda grad: print(grad.norm())",
            lesson="Whatever a hook returns replaces the gradient. One that looks returns None.",
            source=_HOOK,
        ),
        Slip(
            title="a hook that writes into the gradient",
            program="import torch\n\nx = torch.ones(2, requires_grad=True)\n"
            "z = torch.ones(2, requires_grad=True)\nu = z * 3\ny = x * 3\n"
            "y.register_hook(lambda grad: grad * 0)\n(u + y).sum().backward(torch.tensor(2.))",
            wrong="grad.zero_()",
            right="grad * 0",
            lesson="Addition hands one tensor to both sides: z loses its gradient, too. Return a "
            "new one.",
            source=_HOOK,
        ),
    ),
    proofs=(
        Proof(
            "The hook sees 2y at y, and 6y at x.",
            "the chain rule, in NumPy",
            _seen,
            twin=("seen.append(grad)", "seen.append(grad / 2)"),
        ),
        Proof(
            "x.grad is what the hook returns, times 3 if it stands on y.",
            "the chain rule, in NumPy",
            _gradient,
            twin=("y = x * 3", "y = x * 4"),
            tolerance=1e-5,
        ),
        Proof(
            "It is as if backward were cut in two there, and went on with what is returned.",
            "autograd.grad, then backward from there",
            _split,
            twin=("return ${returns}", "return grad"),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="y.register_hook(fn): fn(grad) returns a tensor or nothing.",
            where="Hooks",
            program=_Y + "y.register_hook(lambda grad: grad.clamp(max=7))\n"
            "(y ** 2).sum().backward()",
            judge=_returns,
            truth="A tensor replaces the gradient, of the same size; None leaves it.",
            twin=("grad.clamp(max=7)", "7"),
        ),
        Statement(
            says="What belongs to intermediate results is freed after backward; a hook gets at "
            "their gradient.",
            where="Hooks",
            program=_Y + "seen = []\ny.register_hook(seen.append)\ny.sum().backward()",
            judge=_freed,
            truth="So it is, unless y.retain_grad() was called.",
            twin=("seen = []", "seen = []; y.retain_grad()"),
        ),
        Statement(
            says="Register it only if y.requires_grad.",
            where="Hooks",
            program=_Y.replace(", requires_grad=True", "") + "y.register_hook(print)",
            judge=_needs,
            truth="On others it raises.",
            twin=("x * 3", "(x * 3).requires_grad_()"),
        ),
    ),
    ask=Ask(
        text="Two hooks on y: the first returns 2 * grad, the second grad.clamp(max=10). 6 "
        "arrives. What goes on?",
        program="import torch\nx = torch.tensor([6.], requires_grad=True)\ny = x.clone()\n"
        "y.register_hook(lambda grad: 2 * grad)\n"
        "y.register_hook(lambda grad: grad.clamp(max=10))\n(y * y / 2).sum().backward()",
        answer=lambda trace: f"{final(trace, 'x').grad.values[0]:g}",
        options=("6", "10", "12", "16"),
        because="They run in the order in which they were registered, each on what the one before "
        "returned.",
    ),
    references=(
        _HOOK,
        ("Autograd mechanics: backward hooks execution", f"{_DOCS}/notes/autograd.html"),
    ),
    terms=("register_hook", "gradient reversal", "RemovableHandle", "retain_grad"),
)
