"""One parameter in two places: counted once, saved twice."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import ModuleState, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_WAYS: Mapping[str, tuple[str, bool, bool]] = {
    "one Parameter": ("net[1].weight = net[0].weight", True, True),
    "one layer": ("net[1] = net[0]", True, True),
    "a new Parameter": ("net[1].weight = nn.Parameter(net[0].weight)", False, True),
    ".data": ("net[1].weight.data = net[0].weight.data", False, True),
    "a copy": ("net[1].weight.data.copy_(net[0].weight)", False, False),
}
"""By way: what stands in the program; whether it is one Parameter, and whether one memory."""


@dataclasses.dataclass(frozen=True)
class Tying(Parameters):
    """Say how the second layer gets the first one's weight."""

    way: str = choice("one Parameter", tuple(_WAYS), label="tied by", help="What is assigned.")
    reduction: str = choice("sum", ("sum", "mean"), label="loss", help="Of the output's two cells.")


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
${way}
counted = [name for name, _ in net.named_parameters()]
saved = list(net.state_dict())
net(torch.tensor([[1., 2.]])).${reduction}().backward()
net.double()
"""


def _weights(net: ModuleState) -> tuple[TensorState, TensorState]:
    return net.children["0"].parameters["weight"], net.children["1"].parameters["weight"]


def _counted(trace: Trace, settings: Tying) -> float:
    one = _WAYS[settings.way][1]
    expected = ["0.weight"] if one else ["0.weight", "1.weight"]
    right = (told(trace, "counted"), told(trace, "saved")) == (expected, ["0.weight", "1.weight"])
    return float(not right)


def _gradients(trace: Trace, settings: Tying) -> float:
    net = final(trace, "net")
    states = _weights(net)
    a, b = (np.array(state.values, np.float64).reshape(2, 2) for state in states)
    x = np.array([1.0, 2.0])
    out = np.ones(2) / (1 if settings.reduction == "sum" else 2)
    grads = [np.outer(b.T @ out, x), np.outer(out, a @ x)]
    if _WAYS[settings.way][1]:
        grads = [grads[0] + grads[1]] * 2
    return max(
        math.inf if state.grad is None else difference(state.grad.values, grad.reshape(-1).tolist())  # type: ignore[arg-type]
        for state, grad in zip(states, grads, strict=True)
    )


def _memory(trace: Trace, settings: Tying) -> float:
    _, one, together = _WAYS[settings.way]
    before = next(step for step in trace.steps if "counted" in step.names).names["net"]
    assert isinstance(before, ModuleState)
    found = [len({w.storage for w in _weights(net)}) == 1 for net in (before, final(trace, "net"))]
    return float(found != [together, one])


def _once(trace: Trace) -> tuple[Verdict, str]:
    names, layers = told(trace, "names"), told(trace, "layers")
    said = f"{layers} layers, and named_parameters() gives {names}"
    return (Verdict.HOLDS if len(names) == layers else Verdict.CONDITION), said


TYING = Lesson(
    slug="tied",
    title="tied parameters",
    notice="One Parameter under two names: counted once, saved twice, with both layers' gradients "
    "added.",
    program=PROGRAM,
    parameters=Tying,
    spelled={"way": {way: spelled for way, (spelled, *_) in _WAYS.items()}},
    presets=(
        Preset(
            "One Parameter",
            "One Parameter under two names: counted once, saved twice, with both layers' "
            "gradients added.",
            Tying(),
        ),
        Preset(
            ".data",
            "Two Parameters on one memory, until double() gives each its own.",
            Tying(".data"),
        ),
        Preset(
            "A new Parameter",
            "nn.Parameter(w) shares w's memory, yet it is another Parameter.",
            Tying("a new Parameter"),
        ),
        Preset("A copy", "Equal for now, and two in all that follows.", Tying("a copy")),
    ),
    notes={
        "counted =": "parameters() passes over what it has given already.",
        "saved =": "state_dict() does not: it has a key for each place.",
        "net.double()": "A move replaces what each Parameter holds.",
    },
    slips=(
        Slip(
            title="tying .data",
            program="import torch\nfrom torch import nn\n\n"
            "a, b = nn.Linear(2, 2), nn.Linear(2, 2)\n"
            "b.weight = a.weight\na.double()\nb.double()\nwith torch.no_grad():\n"
            "    a.weight.fill_(1.)",
            wrong="b.weight.data = a.weight.data",
            right="b.weight = a.weight",
            lesson="Two Parameters share memory until one of them moves; one Parameter stays one.",
            source=("xla#2719", "https://github.com/pytorch/xla/issues/2719"),
        ),
        Slip(
            title="counting a tied model by its state_dict",
            program="from torch import nn\n\n"
            "net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))\n"
            "net[1].weight = net[0].weight\nparams = net.parameters()\n"
            "total = sum(p.numel() for p in params)",
            wrong="params = net.state_dict().values()",
            right="params = net.parameters()",
            lesson="Both keys hold one tensor: each place of a tied weight is added.",
            source=("torchinfo#377", "https://github.com/TylerYep/torchinfo/issues/377"),
            opens="total =",
        ),
    ),
    proofs=(
        Proof(
            "One Parameter is counted once, two are counted twice; both places are saved.",
            "the rule, way by way",
            _counted,
            twin=("net.named_parameters()", "net.named_parameters(remove_duplicate=False)"),
        ),
        Proof(
            "Each weight's gradient is that of its layer; one Parameter has the sum of both.",
            "two outer products in NumPy, float64",
            _gradients,
            twin=("net(torch.tensor([[1., 2.]]))", "net[1](torch.tensor([[1., 2.]]))"),
            tolerance=1e-6,
        ),
        Proof(
            "After double(), both places share memory exactly if they are one Parameter.",
            "the rule, way by way",
            _memory,
            twin=("net.double()", "net.double(); net[1].weight = nn.Parameter(net[1].weight + 0)"),
        ),
    ),
    statements=(
        Statement(
            says="named_parameters() gives the weight of each layer, with its name.",
            where="nn.Module; parameters() and named_parameters()",
            program="from torch import nn\nnet = nn.Sequential(nn.Linear(2, 2, bias=False), "
            "nn.Linear(2, 2, bias=False))\nnet[1].weight = net[0].weight\n"
            "names = [name for name, _ in net.named_parameters()]\nlayers = len(net)",
            judge=_once,
            truth="Each Parameter once, under the first of its names; remove_duplicate=False gives "
            "them all.",
            twin=("named_parameters()", "named_parameters(remove_duplicate=False)"),
        ),
    ),
    ask=Ask(
        text="head.weight = emb.weight. How many of its tensors does parameters() give, and how "
        "many keys has state_dict(), for emb and head without biases?",
        program="from torch import nn\nnet = nn.Sequential(nn.Embedding(3, 2), "
        "nn.Linear(2, 3, bias=False))\nnet[1].weight = net[0].weight\n"
        "counts = [len(list(net.parameters())), len(net.state_dict())]",
        answer=lambda trace: "{} and {}".format(*told(trace, "counts")),
        options=("1 and 1", "1 and 2", "2 and 2", "2 and 1"),
        because="parameters() gives a Parameter once; state_dict() has a key for each place.",
    ),
    references=(
        (
            "torch.nn.Module.named_parameters",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.named_parameters",
        ),
    ),
    terms=("weight tying", "tied weights", "shared parameters", "remove_duplicate"),
)
