"""requires_grad_ on a module, against an attribute of that name."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_MODULE = f"{_DOCS}/generated/torch.nn.Module.html"
# By line: which of the four parameters get a gradient.
_GRADS = {
    "net[0].requires_grad = False": (True, True, True, True),
    "net[0].requires_grad_(False)": (False, False, True, True),
    "net[1].requires_grad_(False)": (True, True, False, False),
    "net[0].bias.requires_grad = False": (True, False, True, True),
    "net.requires_grad_(False)": (False, False, False, False),
}


@dataclasses.dataclass(frozen=True)
class Holding(Parameters):
    """Say which line freezes, and what comes in."""

    freeze: str = choice(
        "net[0].requires_grad = False",
        tuple(_GRADS),
        label="freeze",
        help="net[0] by an attribute; by the method net[0], net[1], the first bias or all of net.",
        words=("attribute", "net[0]", "net[1]", "bias", "net"),
    )
    last: int = number(2, label="x[0, 1]", help="The last cell of x.", minimum=1, maximum=9, step=1)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
${freeze}
x = torch.tensor([[1., ${last}.]])
net(x).sum().backward()
"""


def _grads(trace: Trace, settings: Holding) -> float:
    net = final(trace, "net").children
    tensors = [*net["0"].parameters.values(), *net["1"].parameters.values()]
    expected = _GRADS[settings.freeze]
    found = tuple(tensor.requires_grad for tensor in tensors)
    filled = tuple(tensor.grad is not None for tensor in tensors)
    return float(found != expected) + float(filled != expected)


def _through(trace: Trace, settings: Holding) -> float:
    net = final(trace, "net").children
    layers = [net["0"].parameters, net["1"].parameters]
    x = np.array([1.0, settings.last])
    w, b = np.array(layers[0]["weight"].values).reshape(2, 2), np.array(layers[0]["bias"].values)
    v = np.array(layers[1]["weight"].values)
    expected = [np.outer(v, x), v, w @ x + b, np.ones(1)]
    found = [layer[name].grad for layer in layers for name in ("weight", "bias")]
    return max(
        difference(grad.values, each.reshape(-1).tolist()) if grad is not None else 0.0
        for grad, each in zip(found, expected, strict=True)
    )


def _ends(trace: Trace, settings: Holding) -> float:
    raised = trace.failure is not None and trace.failure.kind == "RuntimeError"
    return 0.0 if raised is not any(_GRADS[settings.freeze]) else math.inf


def _recursive(trace: Trace) -> tuple[Verdict, str]:
    text, same = final(trace, "flags").text, final(trace, "same").text
    right = text == "[True, True, False, False]" and same == "True"
    words = f"requires_grad, by parameter: {text}; returns itself: {same}"
    return (Verdict.HOLDS if right else Verdict.WRONG), words


def _zeros(trace: Trace) -> tuple[Verdict, str]:
    grads = [one.grad for one in final(trace, "net").parameters.values()]
    if all(grad is None for grad in grads):
        return Verdict.OBSOLETE, "each .grad is None"
    right = all(grad is not None and not any(grad.values or ()) for grad in grads)
    return (Verdict.HOLDS if right else Verdict.WRONG), "each .grad is zeros"


def _records(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, "it runs"


HOLDING = Lesson(
    slug="holding",
    title="requires_grad_",
    notice="Nothing is frozen: net[0] got an attribute that nobody reads, and all four parameters "
    "got gradients.",
    program=PROGRAM,
    parameters=Holding,
    presets=(
        Preset("An attribute", "requires_grad = False on a module does nothing.", Holding()),
        Preset(
            "The method",
            "requires_grad_(False) goes to every parameter of net[0], and below.",
            Holding("net[0].requires_grad_(False)"),
        ),
        Preset(
            "The last layer",
            "The gradient goes through it, to the first layer.",
            Holding("net[1].requires_grad_(False)"),
        ),
        Preset(
            "All", "No graph is made, and backward raises.", Holding("net.requires_grad_(False)")
        ),
    ),
    notes={
        "net(x).sum": "Only what requires a gradient gets one; the graph is there as far as it "
        "is needed.",
    },
    slips=(
        Slip(
            title="layer.requires_grad = False",
            program=PROGRAM.replace("${freeze}", "net[0].requires_grad_(False)")
            .replace("${last}", "2")
            .strip(),
            wrong="net[0].requires_grad = False",
            right="net[0].requires_grad_(False)",
            lesson="On a tensor both work. A module has the method alone, and Python lets one set "
            "any attribute.",
            source=(
                "MICCAI23-ProtoContra-SFDA#18",
                "https://github.com/CSCYQJ/MICCAI23-ProtoContra-SFDA/issues/18",
            ),
        ),
        Slip(
            title="a frozen BatchNorm that goes on learning",
            program="import torch\nfrom torch import nn\n\nnorm = nn.BatchNorm1d(1)\n"
            "norm.requires_grad_(False).eval()\nnorm(torch.tensor([[1.], [3.]]))\nnorm",
            wrong="norm.requires_grad_(False)",
            right="norm.requires_grad_(False).eval()",
            lesson="requires_grad_ is for parameters. The running statistics are buffers, and "
            "move in training mode: eval() holds them.",
            source=("pytorch#9046", "https://github.com/pytorch/pytorch/issues/9046"),
            opens="norm(torch",
        ),
    ),
    proofs=(
        Proof(
            "Gradients come to the parameters that the line leaves alone, and to no others.",
            "the rule, in Python",
            _grads,
            twin=("${freeze}", "net[0].requires_grad_(False)"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "The gradients that come are those of an unfrozen net: they pass through a frozen "
            "layer.",
            "the chain rule in numpy",
            _through,
            twin=("net(x).sum()", "net(x).mul(2).sum()"),
            tolerance=1e-5,
        ),
        Proof(
            "backward raises if nothing requires a gradient, and otherwise runs.",
            "the rule, in Python",
            _ends,
            twin=("net(x).sum()", "net(x).sum().detach()"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="requires_grad_() of a module sets it on every parameter, recursively, and "
            "returns the module.",
            where="requires_grad() & zero_grad()",
            program="import torch\nfrom torch import nn\n"
            "net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1)))\n"
            "same = net[1].requires_grad_(False) is net[1]\n"
            "flags = [p.requires_grad for p in net.parameters()]",
            judge=_recursive,
            truth="So it does; for the module it is called on, and those in it.",
            twin=("requires_grad_(False) is", "requires_grad_(True) is"),
        ),
        Statement(
            says="requires_grad() controls whether results are recorded.",
            where="requires_grad() & zero_grad()",
            program="import torch\nnet = torch.nn.Linear(2, 1)\nnet.requires_grad(False)",
            judge=_records,
            truth="The method's name ends in an underscore.",
            twin=("requires_grad(", "requires_grad_("),
        ),
        Statement(
            says="zero_grad of a module sets all gradients to zero.",
            where="requires_grad() & zero_grad()",
            program="import torch\nnet = torch.nn.Linear(2, 1)\n"
            "net(torch.ones(1, 2)).sum().backward()\nnet.zero_grad()",
            judge=_zeros,
            truth="Since torch 2.0 it sets them to None; set_to_none=False gives zeros.",
            twin=("zero_grad()", "zero_grad(set_to_none=False)"),
        ),
    ),
    ask=Ask(
        text="The last of two layers is frozen by requires_grad_(False). Does the first get "
        "gradients?",
        program=PROGRAM.replace("${freeze}", "net[1].requires_grad_(False)").replace(
            "${last}", "2"
        ),
        answer=lambda trace: (
            "yes" if final(trace, "net").children["0"].parameters["weight"].grad else "no"
        ),
        options=("yes", "no", "backward raises"),
        because="The last layer's output depends on the first's weights, frozen or not.",
    ),
    references=(("torch.nn.Module.requires_grad_", f"{_MODULE}#torch.nn.Module.requires_grad_"),),
    terms=("requires_grad_", "requires_grad", "freeze", "zero_grad"),
)
