"""A slice that is assigned within the graph."""

import dataclasses
import math

from explainers.autograd.cutting.masked import CELLS, MASKED, X, mask_of
from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Slices(Parameters):
    """Say what is assigned where."""

    where: str = choice("1:3", tuple(CELLS), label="y[…]", help="The cells that are written over.")
    value: str = choice(
        "v", ("v", "10."), label="value", help="A tensor with a graph, or a number."
    )
    v: int = number(5, label="v", help="The tensor's value.", minimum=-3, maximum=6, step=1)


PROGRAM = """
import torch

x = torch.tensor([1., 2., 3., 4.], requires_grad=True)
v = torch.tensor(${v}., requires_grad=True)
y = x * 2
y[${where}] = ${value}
loss = (y ** 2).sum()
loss.backward()
"""


def _gradient(trace: Trace, settings: Slices) -> float:
    grad = final(trace, "x").grad
    expected = 8 * X * (1 - mask_of(settings.where))
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _into(trace: Trace, settings: Slices) -> float:
    grad = final(trace, "v").grad
    if settings.value != "v":
        return 0.0 if grad is None else math.inf
    expected = 2 * settings.v * float(mask_of(settings.where).sum())
    return math.inf if grad is None else difference(grad.values, [expected])


def _impossible(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.WRONG, f"x.grad is {list(final(trace, 'x').grad.values)}"


def _supported(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message.split(':')[0]}"
    return Verdict.HOLDS, f"w.grad is {list(final(trace, 'w').grad.values)}"


SLICES = Lesson(
    slug="slices",
    title="assigning a slice",
    notice="Where y was written over, x gets 0; the gradient of these cells went into v.",
    program=PROGRAM,
    parameters=Slices,
    presets=(
        Preset("A tensor in two cells", "v stands in two cells and gets both gradients.", Slices()),
        Preset(
            "A number",
            "10 has no graph: what reached those cells is nobody's.",
            Slices(value="10."),
        ),
        Preset("By a mask", "A mask of truth values picks the cells as well.", Slices("x > 2")),
    ),
    notes={
        "y = x * 2": "y is no leaf, and x * 2 does not need y: it may be written.",
        "y[": "The write is a node of the graph: CopySlices, or IndexPutBackward0 for a mask.",
    },
    slips=(
        Slip(
            title="a view of a leaf Variable that requires grad is being used in-place",
            program="import torch\n\nx = torch.tensor([1., 2., 3.], requires_grad=True)\n"
            "y = x.clone()\ny[0] = 0.\n(y * y).sum().backward()",
            wrong="y = x",
            right="y = x.clone()",
            lesson="A leaf cannot be written while gradients are on: it is where they end. Write "
            "into a clone, or under no_grad if the value itself is to change.",
            source=("NYU-DLSP20#765", "https://github.com/Atcold/NYU-DLSP20/issues/765"),
        ),
        Slip(
            title="assigning into what was saved",
            program="import torch\n\nx = torch.tensor([1., 2., 3.], requires_grad=True)\n"
            "y = x.exp().clone()\ny[0] = 0.\ny.sum().backward()",
            wrong="y = x.exp()",
            right="y = x.exp().clone()",
            lesson="exp needs its result for backward, and refuses after a write into it; a clone "
            "is free to be written.",
            source=("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),
        ),
    ),
    proofs=(
        Proof(
            "x.grad is 8x, and 0 where y was written over.",
            "the chain rule, in NumPy",
            _gradient,
            twin=("y[${where}] = ${value}", "y[${where}] += ${value}"),
        ),
        Proof(
            "v gets 2v for each cell that it stands in; None if a number was assigned.",
            "the chain rule, in NumPy",
            _into,
            twin=("= ${value}", "= ${value} * 2"),
        ),
    ),
    statements=(
        Statement(
            says="With assignment, gradients cannot be computed at all.",
            where="Auto-grad",
            program="import torch\nx = torch.tensor([1., 2., 3.], requires_grad=True)\n"
            "y = x * 2\ny[0] = 10.\n(y ** 2).sum().backward()",
            judge=_impossible,
            truth="They can: cells written over get 0. What raises is a write into a leaf, or into "
            "what backward needs.",
            twin=("y = x * 2", "y = x"),
        ),
        Statement(
            says="Backward supports assignment.",
            where="Auto-grad",
            program="import torch\nw = torch.tensor(4., requires_grad=True)\nz = torch.zeros(3)\n"
            "z[1] = w\n(z * z).sum().backward()",
            judge=_supported,
            truth="And the gradient flows into what was assigned.",
            twin=("z = torch.zeros(3)", "z = torch.zeros(3, requires_grad=True)"),
        ),
    ),
    figure=MASKED,
    ask=Ask(
        text="x = [1., 2.], y = x * 2, y[0] = 7., y.sum().backward(). What is x.grad?",
        program="import torch\nx = torch.tensor([1., 2.], requires_grad=True)\ny = x * 2\n"
        "y[0] = 7.\ny.sum().backward()",
        answer=lambda trace: (
            "backward raises" if trace.failure else str(list(final(trace, "x").grad.values))
        ),
        options=("[2.0, 2.0]", "[0.0, 2.0]", "[7.0, 2.0]", "backward raises"),
        because="y[0] no longer comes from x, so a change of x[0] changes nothing.",
    ),
    references=(
        ("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),
        (
            "pytorch#61946: the gradient of a slice",
            "https://github.com/pytorch/pytorch/issues/61946",
        ),
    ),
    terms=("CopySlices", "slice assignment", "in-place", "mask", "leaf"),
)
