"""to: a new tensor, or the same; a leaf, or not; and a module that changes itself."""

import dataclasses

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Moving(Parameters):
    """Say what tensor and module are moved to."""

    dtype: str = choice(
        "float64",
        ("float64", "float32", "float16", "bfloat16"),
        label="to(torch.…)",
        help="A device makes the same difference as a dtype: what is there already is not moved.",
    )


PROGRAM = """
import torch

torch.manual_seed(0)
x = torch.tensor([1., 2.], requires_grad=True)
y = x.to(torch.${dtype})
y.is_leaf, y is x
y.backward(torch.tensor([3., 4.], dtype=y.dtype))
net = torch.nn.Linear(1, 1)
moved = net.to(torch.${dtype})
net.weight.dtype, moved is net
"""


def _leaf(trace: Trace, settings: Moving) -> float:
    x, y = final(trace, "x"), final(trace, "y")
    same = settings.dtype == "float32"
    found = (y.leaf, y.identity == x.identity, y.storage == x.storage, y.grad is not None)
    return difference(found, (same,) * 4)


def _gradient(trace: Trace, _: Moving) -> float:
    grad = final(trace, "x").grad
    if grad is None or grad.dtype != "float32":
        return float("inf")
    return difference(grad.values, (3.0, 4.0))


def _weights(trace: Trace) -> list[str]:
    return [
        step.names["net"].parameters["weight"].identity  # type: ignore[union-attr]
        for step in trace.steps
        if "net" in step.names
    ]


def _module(trace: Trace, settings: Moving) -> float:
    net = final(trace, "net")
    found = [parameter.dtype for parameter in net.parameters.values()]
    return float(found != [settings.dtype] * 2)


def _same_parameter(trace: Trace, _: Moving) -> float:
    return float(len(set(_weights(trace))) - 1)


def _trains(trace: Trace) -> tuple[Verdict, str]:
    x = final(trace, "x")
    said = f"leaf: {x.leaf}, grad: {None if x.grad is None else x.grad.values}"
    return Verdict.HOLDS if x.grad is not None else Verdict.WRONG, said


def _made_there(trace: Trace) -> tuple[Verdict, str]:
    a = final(trace, "a")
    said = f"leaf: {a.leaf}, requires grad: {a.requires_grad}, on {a.device}"
    return Verdict.HOLDS if a.leaf and a.requires_grad else Verdict.WRONG, said


MOVING = Lesson(
    slug="to",
    title="to: tensors and modules",
    notice="y is another tensor and no leaf, so the gradient is x's; net was changed itself.",
    program=PROGRAM,
    parameters=Moving,
    presets=(
        Preset("Another dtype", "to made y by an operation; the gradient goes to x.", Moving()),
        Preset(
            "The same dtype",
            "Nothing is to be done, so to returns x itself.",
            Moving(dtype="float32"),
        ),
        Preset(
            "bfloat16",
            "The gradient of x is float32 again: backward casts it back.",
            Moving(dtype="bfloat16"),
        ),
    ),
    opens="y.backward",
    notes={
        "y = x.to(": "Tensor.to returns a new tensor, and leaves x as it is.",
        "y.backward": "Gradients gather in leaves: x, from which y was made.",
        "moved = net.to(": "Module.to changes the module's own parameters and returns it.",
    },
    slips=(
        Slip(
            title="requires_grad, then to",
            program="import torch\n\n"
            "w = torch.tensor([1., 2.]).to(torch.float64).requires_grad_()\n"
            "w.sum().backward()",
            wrong="w = torch.tensor([1., 2.], requires_grad=True).to(torch.float64)",
            right="w = torch.tensor([1., 2.]).to(torch.float64).requires_grad_()",
            lesson="A move or a cast makes a tensor that is no leaf, and its grad stays None: move "
            "first, then ask for the gradient. cuda() is the same.",
            source=("pytorch#13113", "https://github.com/pytorch/pytorch/issues/13113"),
        ),
        Slip(
            title="to without an assignment",
            program="import torch\n\nx = torch.arange(3)\nx = x.to(torch.float32)\nm = x.mean()",
            wrong="x.to(torch.float32)",
            right="x = x.to(torch.float32)",
            lesson="Tensor.to leaves the tensor as it is; only a module changes itself.",
            source=("accelerate#2251", "https://github.com/huggingface/accelerate/issues/2251"),
            opens="x.mean()",
        ),
        Slip(
            title="a leaf made by arithmetic",
            program="import torch\n\nw = (torch.ones(2) * 0.1).requires_grad_()\n"
            "w.sum().backward()",
            wrong="w = torch.ones(2, requires_grad=True) * 0.1",
            right="w = (torch.ones(2) * 0.1).requires_grad_()",
            lesson="Whatever autograd notes makes no leaf, a scaling too: do the arithmetic first.",
            source=("pytorch#10065", "https://github.com/pytorch/pytorch/issues/10065"),
        ),
    ),
    proofs=(
        Proof(
            "y is x itself, a leaf with a grad, exactly if the dtype is x's.",
            "whether the dtype is float32",
            _leaf,
            twin=("y = x.to(torch.${dtype})", "y = x.to(torch.float32)"),
        ),
        Proof(
            "The gradient reaches x, in x's dtype.",
            "3 and 4, the numbers given to backward",
            _gradient,
            twin=("y = x.to(torch.${dtype})", "y = 2 * x.to(torch.${dtype})"),
        ),
        Proof(
            "Module.to casts every parameter.",
            "the dtype asked for",
            _module,
            twin=("moved = net.to(torch.${dtype})", "moved = net.to('cpu')"),
        ),
        Proof(
            "The module's weight is the same tensor before and after, so an optimizer keeps it.",
            "the tensors that net.weight names",
            _same_parameter,
            twin=(
                "moved = net.to(torch.${dtype})",
                "net.weight = torch.nn.Parameter(net.weight.to(torch.${dtype})); moved = net",
            ),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="x = torch.tensor(…, requires_grad=True).cuda() is a tensor to train.",
            where="Linear regression, preparing the data",
            program="import torch\n"
            "x = torch.tensor([[1.], [2.]], requires_grad=True).to(torch.float64)\n"
            "x.sum().backward()",
            judge=_trains,
            truth="A cast or a move makes a tensor that is no leaf, and its grad stays None. "
            "Judged by a cast, which needs no GPU.",
            twin=(".to(torch.float64)", ".to(torch.float32)"),
        ),
        Statement(
            says="A leaf is made on the device itself: randn(1, requires_grad=True, dtype=…, "
            "device=device).",
            where="Moving data between CPU and GPU",
            program='import torch\ntorch.manual_seed(42)\ndevice = "cpu"\n'
            "a = torch.randn(1, requires_grad=True, dtype=torch.float, device=device)",
            judge=_made_there,
            truth="It is: nothing is moved afterwards.",
            twin=("device=device)", "device=device) * 1"),
        ),
    ),
    ask=Ask(
        text="w = torch.ones(2, requires_grad=True).to(torch.float64); w.sum().backward(). "
        "What is w.grad?",
        program="import torch\nw = torch.ones(2, requires_grad=True).to(torch.float64)\n"
        "w.sum().backward()\nkept = w.is_leaf",
        answer=lambda trace: "None" if final(trace, "w").grad is None else "ones, float64",
        options=("None", "ones, float64", "ones, float32"),
        because="to made w by an operation; the gradient went to the float32 leaf, which no name "
        "holds.",
    ),
    references=(
        ("torch.Tensor.to", f"{_DOCS}/generated/torch.Tensor.to.html"),
        ("torch.nn.Module.to", f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.to"),
        ("torch.Tensor.is_leaf", f"{_DOCS}/generated/torch.Tensor.is_leaf.html"),
    ),
)
