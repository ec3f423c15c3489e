"""forward: where it is missing, and what a call does beside it."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import ModuleState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_NETS: Mapping[str, tuple[str, bool]] = {
    "Net": ("Net()", True),
    "Sequential": ("nn.Sequential(nn.Linear(2, 1))", True),
    "ModuleList": ("nn.ModuleList([nn.Linear(2, 1)])", False),
    "ModuleDict": ('nn.ModuleDict({"layer": nn.Linear(2, 1)})', False),
    "Module": ("nn.Module()", False),
}
"""By net: what stands in the program, and whether it has a forward."""


@dataclasses.dataclass(frozen=True)
class Calling(Parameters):
    """Say what is called, and how."""

    net: str = choice("Net", tuple(_NETS), label="net", help="What is called.")
    call: str = choice("net(x)", ("net(x)", "net.forward(x)"), label="call", help="How.")


PROGRAM = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)
    def forward(self, x):
        return self.layer(x)

torch.manual_seed(0)
x = torch.tensor([[1., 2.]])
net = ${net}
seen = []
net.register_forward_hook(lambda module, inputs, output: seen.append(output.item()))
y = ${call}
hooked = len(seen)
"""


def _output(trace: Trace, settings: Calling) -> float:
    if not _NETS[settings.net][1]:
        failure = trace.failure
        return 0.0 if failure is not None and failure.kind == "NotImplementedError" else math.inf
    net: ModuleState = final(trace, "net")
    (layer,) = net.children.values()
    weight, bias = (np.array(one.values, np.float64) for one in layer.parameters.values())
    return difference(final(trace, "y").values, [float(weight @ [1.0, 2.0] + bias[0])])


def _hooked(trace: Trace, settings: Calling) -> float:
    if not _NETS[settings.net][1]:
        return float(told(trace, "hooked") is not None)
    return float(told(trace, "hooked") != (1 if settings.call == "net(x)" else 0))


def _missing(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.WRONG, "it ran"
    right = failure.kind == "NotImplementedError"
    return (Verdict.HOLDS if right else Verdict.WRONG), f"{failure.kind}: {failure.message}"


def _two(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.CONDITION, f"without __init__, it gives {list(final(trace, 'y').values)}"
    return Verdict.HOLDS, f"{failure.kind}: {failure.message}"


def _sizes(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.WRONG, "it ran"
    return Verdict.HOLDS, f"{failure.kind}: {failure.message}"


def _written(trace: Trace) -> tuple[Verdict, str]:
    one, other = told(trace, "order")
    right = one == other
    return (Verdict.WRONG if right else Verdict.HOLDS), f"forward gave {one}, backwards {other}"


_LISTED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 1)])
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

net = Net()
y = net(torch.ones(1, 2))
"""

CALLING = Lesson(
    slug="forward",
    title="forward",
    notice="Calling net ran forward and then the hook; net.forward(x) would skip the hook.",
    program=PROGRAM,
    parameters=Calling,
    spelled={"net": {net: spelled for net, (spelled, _) in _NETS.items()}},
    presets=(
        Preset(
            "Called",
            "Calling net ran forward and then the hook; net.forward(x) would skip the hook.",
            Calling(),
        ),
        Preset(
            "forward itself",
            "The same y, but seen stays empty: hooks belong to the call.",
            Calling(call="net.forward(x)"),
        ),
        Preset(
            "A ModuleList",
            "It holds layers and says nothing of their order: no forward, so it raises.",
            Calling("ModuleList"),
        ),
        Preset(
            "nn.Module",
            "The base class has no forward; a class of yours adds it.",
            Calling("Module"),
        ),
    ),
    notes={
        "net.register_forward_hook": "A hook runs after forward, where net itself is called.",
    },
    slips=(
        Slip(
            title="calling a ModuleList",
            program=_LISTED,
            wrong="x = self.layers(x)",
            right="for layer in self.layers:\n            x = layer(x)",
            lesson="A ModuleList registers and does not run; loop over it, or use Sequential.",
            source=("pytorch#55459", "https://github.com/pytorch/pytorch/issues/55459"),
        ),
        Slip(
            title="model.forward(x)",
            program="import torch\nfrom torch import nn\n\nnet = nn.Linear(1, 1)\nseen = []\n"
            "net.register_forward_pre_hook(lambda module, inputs: seen.append(1))\n"
            "y = net(torch.ones(1, 1))",
            wrong="y = net.forward(torch.ones(1, 1))",
            right="y = net(torch.ones(1, 1))",
            lesson="What hangs on hooks is passed over without a word: features, pruning, spectral "
            "norm, wrappers.",
            source=("allennlp#456", "https://github.com/allenai/allennlp/issues/456"),
        ),
        Slip(
            title="init with one underscore a side",
            program=_LISTED + "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n",
            wrong="def _init_(self):",
            right="def __init__(self):",
            lesson="Python never calls it: the net has no layers, and the error comes later, "
            "elsewhere.",
            source=(
                "cmc-csci181#7",
                "https://github.com/mikeizbicki/cmc-csci181-deeplearning/issues/7",
            ),
            opens="for layer in",
        ),
    ),
    proofs=(
        Proof(
            "y is what the layer's weights give; without a forward it is NotImplementedError.",
            "x · weight + bias in NumPy, float64",
            _output,
            twin=("y = ${call}", "y = ${call} * 2"),
            tolerance=1e-6,
        ),
        Proof(
            "The hook ran once if net was called, and not if forward was.",
            "the setting itself",
            _hooked,
            twin=("hooked = len(seen)", "y = net.forward(x); hooked = len(seen) - 1"),
        ),
    ),
    statements=(
        Statement(
            says="A subclass without forward raises NotImplementedError.",
            where="nn.Module, forward()",
            program="import torch\nfrom torch import nn\nclass Net(nn.Module):\n    pass\n"
            "y = Net()(torch.ones(1))",
            judge=_missing,
            truth="When it is called, not when it is made.",
            twin=("    pass", "    def forward(self, x):\n        return x"),
        ),
        Statement(
            says="Every model needs two functions: __init__ and forward.",
            where="Building a network",
            program="import torch\nfrom torch import nn\nclass Double(nn.Module):\n"
            "    def forward(self, x):\n        return 2 * x\ny = Double()(torch.ones(1))",
            judge=_two,
            truth="forward, to be called; __init__ where it has something to keep.",
            twin=("def forward", "def foward"),
        ),
        Statement(
            says="A ModuleList has no forward.",
            where="Sequential and ModuleList",
            program="import torch\nfrom torch import nn\n"
            "y = nn.ModuleList([nn.Linear(1, 1)])(torch.ones(1, 1))",
            judge=_missing,
            truth="Nor has a ModuleDict. Sequential has one.",
            twin=("nn.ModuleList([nn.Linear(1, 1)])", "nn.Sequential(nn.Linear(1, 1))"),
        ),
        Statement(
            says="In a Sequential the sizes of neighbours must fit.",
            where="Sequential and ModuleList; ModuleList()",
            program="import torch\nfrom torch import nn\n"
            "y = nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 1))(torch.ones(1, 2))",
            judge=_sizes,
            truth="One layer's output is the next one's input; that they fit is seen when it runs.",
            twin=("nn.Linear(2, 1)", "nn.Linear(3, 1)"),
        ),
        Statement(
            says="Modules of a ModuleList run in the order that forward says, not in the list's.",
            where="ModuleList()",
            program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
            "layers = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])\nx = torch.ones(1, 1)\n"
            "order = [round(layers[1](layers[0](x)).item(), 4), "
            "round(layers[0](layers[1](x)).item(), 4)]",
            judge=_written,
            truth="The list has an order, for indices and loops; what runs is what forward calls.",
            twin=("layers[0](layers[1](x))", "layers[1](layers[0](x))"),
        ),
    ),
    ask=Ask(
        text="class Net has foward, a letter short. What does Net()(x) do?",
        program="import torch\nfrom torch import nn\nclass Net(nn.Module):\n"
        "    def foward(self, x):\n        return x\ny = Net()(torch.ones(1))",
        answer=lambda trace: (
            "returns x" if trace.failure is None else f"raises {trace.failure.kind}"
        ),
        options=("returns x", "raises NotImplementedError", "raises TypeError", "returns None"),
        because="Module's own forward is found, which says that it is missing.",
    ),
    references=(
        (
            "torch.nn.Module.forward",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.forward",
        ),
        ("torch.nn.Sequential", f"{_DOCS}/generated/torch.nn.Sequential.html"),
    ),
    terms=(
        "forward",
        "missing the required forward function",
        "NotImplementedError",
        "__call__",
        "nn.Sequential",
    ),
)
