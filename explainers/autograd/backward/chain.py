"""The chain of operations that backward walks, and which tensors keep their gradient."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Chain(Parameters):
    """Say what is added, how the squares become one number, and which gradients are kept."""

    shift: int = number(1, label="y = x + …", help="Added to x.", minimum=0, maximum=5, step=1)
    reduce: str = choice("mean", ("mean", "sum"), label="out = z.…()", help="Makes one number.")
    keep: str = choice(
        "nothing",
        ("nothing", "y", "y and z"),
        label="retain_grad",
        help="Which tensors in between are to keep their gradient.",
    )


PROGRAM = """
import torch

x = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
y = x + ${shift}
z = y * y
${keep}
out = z.${reduce}()
loss = 20 - out
loss.backward()
"""

_X = np.arange(1.0, 7.0)


def _loss(x: NDArray[np.float64], settings: Chain) -> float:
    squares = (x + settings.shift) ** 2
    return float(20 - (squares.mean() if settings.reduce == "mean" else squares.sum()))


def _slopes(settings: Chain) -> list[float]:
    """Return the central difference of the loss in each cell of x; exact for squares."""
    steps = np.eye(6) / 64
    return [32 * (_loss(_X + step, settings) - _loss(_X - step, settings)) for step in steps]


def _gradient(trace: Trace, settings: Chain) -> float:
    grad = final(trace, "x").grad
    return math.inf if grad is None else difference(grad.values, _slopes(settings))


def _kept(trace: Trace, settings: Chain) -> float:
    share = 1 / 6 if settings.reduce == "mean" else 1.0
    through = {"z": [-share] * 6, "y": [-2 * share * (x + settings.shift) for x in _X]}
    apart = 0.0
    for name, expected in through.items():
        grad = final(trace, name).grad
        if (grad is not None) != (name in settings.keep.split(" and ")):
            return math.inf
        if grad is not None:
            apart = max(apart, difference(grad.values, expected))
    return apart


def _walk(trace: Trace, settings: Chain) -> float:
    nodes = {node.number: node for node in trace.steps[-1].graph.nodes}
    walked, number = [], final(trace, "loss").node
    while number is not None:
        node = nodes[number]
        walked.append(node.name.split("::")[-1].split("Backward")[0])
        number = next((after for after in node.next if after is not None), None)
    written = ["Rsub", settings.reduce.title(), "Mul", "Add", "AccumulateGrad"]
    return float(walked != written)


def _automatic(trace: Trace) -> tuple[Verdict, str]:
    grad = final(trace, "x").grad
    if grad is None:
        return Verdict.WRONG, "x.grad is None"
    apart = difference(grad.values, [1 - math.tanh(2 * each) ** 2 for each in (0.1, 0.2)])
    right = apart < 1e-6
    return (Verdict.HOLDS if right else Verdict.WRONG), f"1 - tanh² to {apart:.0e}"


def _freed(trace: Trace) -> tuple[Verdict, str]:
    y = final(trace, "y")
    if y.grad is not None:
        return Verdict.WRONG, f"y.grad is {list(y.grad.values)}"
    return Verdict.CONDITION, f"y.grad is None; y is still {list(y.values)}"


def _printed(trace: Trace) -> tuple[Verdict, str]:
    made, grad = final(trace, "out").made_by, final(trace, "x").grad
    first = f"x.grad[0, 0] is {grad.values[0]:.4f}, out is {final(trace, 'out').values[0]:.4f}"
    verdict = Verdict.HOLDS if made == "MeanBackward1" else Verdict.OBSOLETE
    return verdict, f"{first}, made by {made}"


CHAIN = Lesson(
    slug="graph",
    title="the graph, walked backward",
    notice="Each line left a node; backward walked them from loss to x, and only x kept what came.",
    program=PROGRAM,
    parameters=Chain,
    spelled={
        "keep": {
            "nothing": "",
            "y": "y.retain_grad()",
            "y and z": "y.retain_grad(); z.retain_grad()",
        }
    },
    presets=(
        Preset("A leaf", "Of x, y, z and out, x alone has a .grad: it is the leaf.", Chain()),
        Preset(
            "Kept in between",
            "retain_grad has y and z keep theirs: y.grad is x.grad, as adding passes it on.",
            Chain(keep="y and z"),
        ),
        Preset(
            "A sum", "Without the mean each gradient is six times as large.", Chain(reduce="sum")
        ),
    ),
    notes={
        "y = x +": "The node AddBackward0 saves nothing: its gradient needs no values.",
        "z = y * y": "MulBackward0 saves y: the gradient of a square needs it.",
        "loss = 20": "Subtracting turns the sign of every gradient.",
        "loss.backward()": "Gradients flow along the graph into .grad of the leaves.",
    },
    slips=(
        Slip(
            title=".grad is None after arithmetic",
            program="import torch\n\na = (torch.tensor(5.) * 0.1).requires_grad_()\n"
            "b = torch.tensor(2., requires_grad=True)\n(a + b).backward()",
            wrong="a = torch.tensor(5., requires_grad=True) * 0.1",
            right="a = (torch.tensor(5.) * 0.1).requires_grad_()",
            lesson="The product is no leaf: the gradient goes through it to a tensor that has no "
            "name any more. First the arithmetic, the view or the move, then requires_grad_().",
            source=("pytorch#91851", "https://github.com/pytorch/pytorch/issues/91851"),
        ),
        Slip(
            title="requires_grad on what is computed",
            program="import torch\n\nx = torch.zeros(3, requires_grad=True)\ns = torch.sigmoid(x)\n"
            "s.retain_grad()\ns.sum().backward()",
            wrong="s.requires_grad = True",
            right="s.retain_grad()",
            lesson="Only a leaf's flag can be set. s requires a gradient already, and lets it "
            "pass; retain_grad has it kept.",
            source=("pytorch#3890", "https://github.com/pytorch/pytorch/issues/3890"),
        ),
    ),
    proofs=(
        Proof(
            "x.grad is the slope of the loss.",
            "central differences in NumPy, float64",
            _gradient,
            twin=("z = y * y", "z = y * y.detach()"),
            tolerance=1e-5,
        ),
        Proof(
            "y and z keep a gradient only if asked to, and then that of the chain rule.",
            "the chain rule, in NumPy",
            _kept,
            twin=("${keep}", "y.retain_grad()"),
            tolerance=1e-5,
        ),
        Proof(
            "The graph is the operations as they were written, last one first.",
            "the lines of the program",
            _walk,
            twin=("loss = 20 - out", "loss = -(out - 20)"),
        ),
    ),
    statements=(
        Statement(
            says="Only forward has to be written; backward is defined by itself.",
            where="A toy example of back propagation",
            program="import torch\nx = torch.tensor([0.2, 0.4], requires_grad=True)\n"
            "y = x.tanh()\ny.sum().backward()",
            judge=_automatic,
            truth="Every operation leaves a node that knows its own derivative.",
            twin=("y = x.tanh()", "y = x.detach().tanh() + 0 * x"),
        ),
        Statement(
            says="Intermediate variables are freed once backward is done.",
            where="hook",
            program="import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 3\n"
            "y.sum().backward()",
            judge=_freed,
            truth="Their gradient is not stored; the tensor itself stays as long as a name holds "
            "it. retain_grad() keeps the gradient too.",
            twin=("y = x * 3", "y = x * 3; y.retain_grad()"),
        ),
        Statement(
            says="The example prints -0.6667 first, 23.1667 for out, and MeanBackward1.",
            where="An example",
            program="import torch\nx = torch.tensor([[1., 2., 3.], [4., 5., 6.]])\n"
            "x.requires_grad = True\ny = x + 1\nz = y * y\nout = z.mean()\nloss = 20 - out\n"
            "loss.backward()",
            judge=_printed,
            truth="The numbers are these; the node of a mean over everything is MeanBackward0, and "
            "that of a mean over named dimensions MeanBackward1.",
            twin=("z.mean()", "z.mean((0, 1))"),
        ),
    ),
    ask=Ask(
        text="y = x * 3 of a leaf x, then y.sum().backward(). What is y.grad?",
        program="import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 3\n"
        "y.sum().backward()",
        answer=lambda trace: (
            "None" if (grad := final(trace, "y").grad) is None else str(list(grad.values))
        ),
        options=("None", "[1.0, 1.0]", "[3.0, 3.0]", "[0.0, 0.0]"),
        because="y is no leaf, so its gradient passes through and is not kept.",
    ),
    references=(
        ("torch: autograd mechanics", f"{_DOCS}/notes/autograd.html"),
        ("torch.Tensor.retain_grad", f"{_DOCS}/generated/torch.Tensor.retain_grad.html"),
    ),
    terms=("backward", "grad_fn", "retain_grad", "is_leaf", "requires_grad", ".grad"),
)
