"""save_for_backward against an attribute of ctx: who notices a write in between."""

import dataclasses
import math

import torch

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_SAVE = (
    "FunctionCtx.save_for_backward",
    f"{_DOCS}/generated/torch.autograd.function.FunctionCtx.save_for_backward.html",
)


@dataclasses.dataclass(frozen=True)
class Saving(Parameters):
    """Say where backward finds x, and how x changes in between."""

    found: str = choice(
        "ctx.x", ("ctx.x", "ctx.saved_tensors[0]"), label="backward reads", help="Both hold x."
    )
    write: str = choice(
        "x += 1",
        ("x += 1", "x = x + 1", "x.data += 1"),
        label="between",
        help="In place, out of place, or in place past the count of versions.",
    )
    at: int = number(3, label="x[0]", help="The other is 1.", minimum=-3, maximum=4, step=1)


PROGRAM = """
import torch

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.x = x
        return x * x
    @staticmethod
    def backward(ctx, grad):
        x = ${found}
        return grad * 2 * x

start = torch.tensor([${at}., 1.], requires_grad=True)
x = start.clone()
y = Square.apply(x)
${write}
y.sum().backward()
"""


def _gradient(trace: Trace, settings: Saving) -> float:
    raises = settings.found != "ctx.x" and settings.write == "x += 1"
    if raises or trace.failure is not None:
        refused = trace.failure is not None and "inplace operation" in trace.failure.message
        return 0.0 if raises and refused else math.inf
    moved = 0 if settings.write == "x = x + 1" else 1
    grad = final(trace, "start").grad
    expected = [2.0 * (value + moved) for value in (settings.at, 1)]
    return math.inf if grad is None else difference(grad.values, expected)


def _torch(trace: Trace, settings: Saving) -> float:
    """Do the same with torch's own square, which saves x."""
    start = torch.tensor([settings.at, 1.0], requires_grad=True)
    x = start.clone()
    y = x.square()
    if settings.write == "x += 1":
        x += 1
    elif settings.write == "x.data += 1":
        x.data += 1
    try:
        y.sum().backward()
    except RuntimeError:
        return 0.0 if trace.failure is not None else math.inf
    grad = None if trace.failure is not None else final(trace, "start").grad
    if grad is None or start.grad is None:
        return math.inf
    return difference(grad.values, start.grad.tolist())


def _versions(trace: Trace, settings: Saving) -> float:
    written = {"x += 1": 1, "x = x + 1": 0, "x.data += 1": 0}[settings.write]
    after = trace.steps[-1] if trace.failure is None else trace.failure.after
    state = None if after is None else after.names.get("x")
    return float(abs(getattr(state, "version", math.inf) - written))


def _retrieved(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"start.grad is {list(final(trace, 'start').grad.values)}"


_SAVED = (PROGRAM.replace("${found}", "ctx.saved_tensors[0]").replace("${write}", "x + 1")).replace(
    "${at}", "3"
)
_KEPT = """
import torch, weakref

refs = []
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        refs.append(weakref.ref(ctx))
        y = x.clone()
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, grad): return grad

y = Same.apply(torch.ones(2, requires_grad=True))
del y
alive = refs[0]() is not None
"""
_TWICE = """
import torch

class Fourth(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 4
    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad * 4 * x ** 3

x = torch.tensor(1., requires_grad=True)
slope, = torch.autograd.grad(Fourth.apply(x) ** 2, x, create_graph=True)
curve, = torch.autograd.grad(slope, x)
"""

SAVING = Lesson(
    slug="saving",
    title="save_for_backward",
    notice="x was 3 when its square was taken, and 4 when backward read ctx.x: 8 where 6 is right.",
    program=PROGRAM,
    parameters=Saving,
    presets=(
        Preset("ctx.x", "An attribute has no version to compare: 8, without a word.", Saving()),
        Preset(
            "saved_tensors",
            "The version is 1 where 0 was saved: backward refuses.",
            Saving("ctx.saved_tensors[0]"),
        ),
        Preset(
            "Out of place",
            "x is another tensor from then on, and the saved one still holds 3.",
            Saving("ctx.x", "x = x + 1"),
        ),
        Preset(
            "Past the count",
            "A write through .data is not counted: wrong even from saved_tensors.",
            Saving("ctx.saved_tensors[0]", "x.data += 1"),
        ),
    ),
    notes={
        "ctx.save_for_backward": "It notes x's version, 0, with x.",
        "ctx.x = x": "An attribute as of any Python object: the tensor, and no version.",
        "        x = ": "What x holds by now.",
    },
    slips=(
        Slip(
            title="a memory leak: the output on ctx",
            program=_KEPT,
            opens="alive =",
            wrong="ctx.y = y",
            right="ctx.save_for_backward(y)",
            lesson="y holds its node, the node ctx, and ctx y: a circle, which lives until Python "
            "collects garbage. save_for_backward breaks it.",
            source=("pytorch#25340", "https://github.com/pytorch/pytorch/issues/25340"),
        ),
        Slip(
            title="a second derivative that misses a term",
            program=_TWICE,
            wrong="        ctx.cube = x ** 3\n        return x ** 4\n    @staticmethod\n"
            "    def backward(ctx, grad):\n        return grad * 4 * ctx.cube",
            right="        ctx.save_for_backward(x)\n        return x ** 4\n    @staticmethod\n"
            "    def backward(ctx, grad):\n        x, = ctx.saved_tensors\n"
            "        return grad * 4 * x ** 3",
            lesson="The cube has no graph: 32 where x to the 8th has 56. Save inputs or outputs "
            "and compute the rest in backward, where it can be derived again.",
            source=("pytorch#58509", "https://github.com/pytorch/pytorch/issues/58509"),
            opens="curve, =",
        ),
    ),
    proofs=(
        Proof(
            "x.grad is 2x with the x that backward finds; from saved_tensors a counted write "
            "raises.",
            "the rule, in Python",
            _gradient,
            twin=("grad * 2 * x", "grad * x"),
        ),
        Proof(
            "With saved_tensors it does as torch's own square: the same gradient, or a refusal.",
            "torch.square",
            _torch,
            twin=("ctx.saved_tensors[0]", "ctx.x"),
            kind=Kind.ANOTHER_PATH,
            program=PROGRAM.replace("${found}", "ctx.saved_tensors[0]"),
        ),
        Proof(
            "One write in place counts 1, one through .data 0.",
            "the number of writes",
            _versions,
            twin=("${write}", "${write}; x += 1"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="ctx.save_for_backward saves tensors that backward can get back.",
            where="Defining a Function",
            program=_SAVED,
            judge=_retrieved,
            truth="If nothing has written into them since; else it raises.",
            twin=("\nx + 1", "\nx += 1"),
        ),
    ),
    ask=Ask(
        text="A Function of x * x keeps ctx.x = x. x is 3, then x += 1. What does backward give?",
        program=_SAVED.replace("ctx.saved_tensors[0]", "ctx.x").replace("\nx + 1", "\nx += 1"),
        answer=lambda trace: (
            "it raises" if trace.failure else f"{final(trace, 'start').grad.values[0]:g}"
        ),
        options=("6", "8", "it raises"),
        because="2x with the x of now: for an attribute nobody compares versions.",
    ),
    references=(
        _SAVE,
        ("Extending torch.autograd", f"{_DOCS}/notes/extending.html"),
        (
            "Double backward with custom Functions",
            "https://docs.pytorch.org/tutorials/intermediate/"
            "custom_function_double_backward_tutorial.html",
        ),
    ),
    terms=("save_for_backward", "ctx", "version", "in-place", "memory leak", "double backward"),
)
