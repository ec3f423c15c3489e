"""An attribute of a module: which kinds are registered."""

import dataclasses
from collections.abc import Mapping

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, told
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_LAYERS: Mapping[str, str] = {
    "list": "[nn.Linear(1, 1, bias=False) for _ in range(${n})]",
    "dict": "{str(i): nn.Linear(1, 1, bias=False) for i in range(${n})}",
    "ModuleList": "nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in range(${n}))",
    "ModuleDict": "nn.ModuleDict({str(i): nn.Linear(1, 1, bias=False) for i in range(${n})})",
}
_SCALES: Mapping[str, str] = {
    "tensor": "torch.ones(1, requires_grad=True)",
    "Parameter": "nn.Parameter(torch.ones(1))",
    "ParameterList": "nn.ParameterList([torch.ones(1)])",
}


@dataclasses.dataclass(frozen=True)
class Attributes(Parameters):
    """Say in what layers and a number of one's own are kept."""

    layers: str = choice("list", tuple(_LAYERS), label="self.rest", help="What holds the layers.")
    scale: str = choice("tensor", tuple(_SCALES), label="self.scale", help="A number of one's own.")
    n: int = number(1, label="n", help="Layers in rest.", minimum=1, maximum=3, step=1)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(1, 1)
        self.rest = ${layers}
        self.scale = ${scale}
net = Net()
known = [name for name, _ in net.named_parameters()]
saved = list(net.state_dict())
net.double()
"""


def _names(settings: Attributes) -> list[str]:
    names = ["first.weight", "first.bias"]
    if settings.layers in {"ModuleList", "ModuleDict"}:
        names += [f"rest.{i}.weight" for i in range(settings.n)]
    # A module's own parameters come before its children's; a ParameterList is a child.
    own = {"Parameter": ["scale"]}.get(settings.scale, [])
    return [*own, *names, *(["scale.0"] if settings.scale == "ParameterList" else [])]


def _known(trace: Trace, settings: Attributes) -> float:
    expected = _names(settings)
    return float((told(trace, "known"), told(trace, "saved")) != (expected, expected))


def _moved(trace: Trace, settings: Attributes) -> float:
    facts = trace.steps[-1].changes.facts
    moved = {path for path, fields in facts.items() if "dtype" in fields}
    return float(moved != {f"net.{name}" for name in _names(settings)})


def _all(trace: Trace) -> tuple[Verdict, str]:
    names = told(trace, "known")
    right = len(names) == 3
    return (Verdict.HOLDS if right else Verdict.CONDITION), f"parameters() gives {names}"


def _in_list(trace: Trace) -> tuple[Verdict, str]:
    sizes = told(trace, "sizes")
    right = sizes == [[10, 10], [10], [10, 10], [10]]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"sizes of the parameters: {sizes}"


def _printed(trace: Trace) -> tuple[Verdict, str]:
    text = told(trace, "text")
    lines = text.count("Linear(")
    return (Verdict.HOLDS if lines == 2 else Verdict.OBSOLETE), " ".join(text.split())


def _subclass(trace: Trace) -> tuple[Verdict, str]:
    base = told(trace, "base")
    return (Verdict.HOLDS if base == "Tensor" else Verdict.WRONG), f"its base class is {base}"


def _containers(trace: Trace) -> tuple[Verdict, str]:
    warned = [text for step in trace.steps for text in step.warned]
    if trace.failure is not None:
        return Verdict.OBSOLETE, f"{trace.failure.kind}: {trace.failure.message}"
    said = f"all are there; torch warns: {warned[0].splitlines()[0]}" if warned else "all are there"
    return (Verdict.CONDITION if warned else Verdict.HOLDS), said


_NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(1, 1)
"""

ATTRIBUTES = Lesson(
    slug="attribute",
    title="attributes",
    notice="self.rest is a list and self.scale a plain tensor: net knows of self.first alone.",
    program=PROGRAM,
    parameters=Attributes,
    spelled={"layers": _LAYERS, "scale": _SCALES},
    presets=(
        Preset(
            "A list",
            "self.rest is a list and self.scale a plain tensor: net knows of self.first alone.",
            Attributes(),
        ),
        Preset(
            "A ModuleList",
            "A list that is a module: what is in it is registered, and moves.",
            Attributes("ModuleList", n=2),
        ),
        Preset(
            "A Parameter",
            "Its type alone registers scale; requiring a gradient did not.",
            Attributes(scale="Parameter"),
        ),
        Preset(
            "Torch's own",
            "All is registered, by key and by place; ParameterList made a Parameter of a tensor.",
            Attributes("ModuleDict", "ParameterList"),
        ),
    ),
    notes={
        "super().__init__()": "It makes the dicts in which all that is registered is kept.",
        "self.first =": "A module: registered as a child.",
        "known =": "What an optimizer would be given.",
        "saved =": "What a file would hold.",
        "net.double()": "It reaches what is registered; `.to(device)` goes the same way.",
    },
    slips=(
        Slip(
            title="layers in a Python list",
            program=_NET + "        self.rest = nn.ModuleList([nn.Linear(1, 1)])\n\nnet = Net()\n"
            "x = net.rest[0](net.first(torch.ones(1, 1)))\n"
            "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
            "x.sum().backward()\noptimizer.step()",
            wrong="self.rest = [nn.Linear(1, 1)]",
            right="self.rest = nn.ModuleList([nn.Linear(1, 1)])",
            lesson="The list's layers get gradients, but no optimizer, no file and no device: "
            "they never train, and nothing is raised.",
            source=("pytorch#59925", "https://github.com/pytorch/pytorch/issues/59925"),
        ),
        Slip(
            title="parameters in a dict",
            program=_NET + '        self.rest = nn.ParameterDict({"w": torch.ones(1)})\n\n'
            "net = Net()\nknown = [name for name, _ in net.named_parameters()]",
            wrong='self.rest = {"w": nn.Parameter(torch.ones(1))}',
            right='self.rest = nn.ParameterDict({"w": torch.ones(1)})',
            lesson="A Parameter inside a dict is found by nobody; ParameterDict and ModuleDict "
            "are dicts that register.",
            source=("pytorch#4631", "https://github.com/pytorch/pytorch/issues/4631"),
        ),
        Slip(
            title="nn.Parameter(...).to(...)",
            program=_NET + "        self.w = nn.Parameter(torch.ones(1).double())\n\nnet = Net()\n"
            "known = [name for name, _ in net.named_parameters()]",
            wrong="self.w = nn.Parameter(torch.ones(1)).double()",
            right="self.w = nn.Parameter(torch.ones(1).double())",
            lesson="What .to, .cuda and .double return is a plain tensor with a grad_fn, no "
            "Parameter: convert first, wrap last.",
            source=("pytorch#20089", "https://github.com/pytorch/pytorch/issues/20089"),
        ),
    ),
    proofs=(
        Proof(
            "named_parameters() and state_dict() name what the rule says: Parameters, modules, "
            "and what torch's own lists and dicts hold.",
            "the rule, kind by kind, in Python",
            _known,
            twin=("known = [name for name, _ in net.", "known = [name for name, _ in net.first."),
        ),
        Proof(
            "double() moved what the rule names, and nothing else.",
            "the rule, kind by kind, in Python",
            _moved,
            twin=("net.double()", "[layer.double() for layer in net.rest]"),
        ),
    ),
    statements=(
        Statement(
            says="parameters() returns all Parameters that a model has.",
            where="nn Module, nn.Parameter",
            program=_NET + "        self.more = [nn.Parameter(torch.ones(1))]\n\nnet = Net()\n"
            "known = [name for name, _ in net.named_parameters()]",
            judge=_all,
            truth="All that are registered: attributes of a module. What a Python list, tuple or "
            "dict holds is not.",
            twin=("[nn.Parameter(torch.ones(1))]", "nn.ParameterList([torch.ones(1)])"),
        ),
        Statement(
            says="What is added to a ModuleList is registered with the whole network, with its "
            "parameters.",
            where="ModuleList()",
            program="from torch import nn\nnet = nn.Module()\n"
            "net.linears = nn.ModuleList([nn.Linear(10, 10) for i in range(2)])\n"
            "sizes = [list(p.size()) for p in net.parameters()]",
            judge=_in_list,
            truth="It is, unlike what a Python list holds.",
            twin=(
                "nn.ModuleList([nn.Linear(10, 10) for i in range(2)])",
                "[nn.Linear(10, 10) for i in range(2)]",
            ),
        ),
        Statement(
            says="Printed, a ModuleList of two equal layers has a line for each.",
            where="ModuleList()",
            program="from torch import nn\nlinears = nn.ModuleList([nn.Linear(10, 10), "
            "nn.Linear(10, 10)])\ntext = str(linears)",
            judge=_printed,
            truth="Neighbours that print alike share a line: (0-1): 2 x Linear(…).",
            twin=("nn.Linear(10, 10)])", "nn.Linear(10, 2)])"),
        ),
        Statement(
            says="nn.Parameter is only a class derived from Tensor.",
            where="nn Module, convolution",
            program="from torch import nn\nbase = nn.Parameter.__base__.__name__",
            judge=_subclass,
            truth="So it is; that a module registers it is decided by this type.",
            twin=("nn.Parameter.__base__", "nn.Parameter.__base__.__base__"),
        ),
        Statement(
            says="Besides Sequential there are the containers Container, ModuleList, ModuleDict, "
            "ParameterList and ParameterDict.",
            where="nn.Sequential, definition",
            program="from torch import nn\nmade = [kind().__class__.__name__ for kind in "
            "(nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict, nn.Container)]",
            judge=_containers,
            truth="Container is still there, deprecated; nn.Module takes its place.",
            twin=(", nn.Container)", ")"),
        ),
    ),
    ask=Ask(
        text="self.layers = [nn.Linear(2, 2), nn.Linear(2, 2)] and self.out = nn.Linear(2, 1). "
        "How many tensors does parameters() give?",
        program="from torch import nn\nnet = nn.Module()\nnet.layers = [nn.Linear(2, 2), "
        "nn.Linear(2, 2)]\nnet.out = nn.Linear(2, 1)\ncount = len(list(net.parameters()))",
        answer=lambda trace: str(told(trace, "count")),
        options=("2", "4", "6", "it raises"),
        because="The list hides its layers: weight and bias of self.out are left.",
    ),
    references=(
        ("torch.nn.Module", f"{_DOCS}/generated/torch.nn.Module.html"),
        ("torch.nn.parameter.Parameter", f"{_DOCS}/generated/torch.nn.parameter.Parameter.html"),
        ("torch.nn.ModuleList", f"{_DOCS}/generated/torch.nn.ModuleList.html"),
    ),
    terms=(
        "nn.Parameter",
        "nn.ModuleList",
        "nn.ModuleDict",
        "nn.ParameterList",
        "nn.ParameterDict",
        "parameters() is empty",
    ),
)
