"""Sequential: by index, by name, by slice."""

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
_BUILT: Mapping[str, tuple[str, tuple[str, str, str]]] = {
    "named": ("nn.Sequential(OrderedDict(fc=fc, act=act, out=out))", ("fc", "act", "out")),
    "numbered": ("nn.Sequential(fc, act, out)", ("0", "1", "2")),
}
_GETS: Mapping[str, str] = {
    "net[-1]": "net[-1]",
    "net[:2]": "net[:2]",
    "net.fc": "net.fc",
    'net["fc"]': 'net["fc"]',
    "net[3]": "net[3]",
}


@dataclasses.dataclass(frozen=True)
class Sequence(Parameters):
    """Say how net is made, and what is asked of it."""

    built: str = choice("named", tuple(_BUILT), label="net is", help="Made with names or without.")
    get: str = choice("net[:2]", tuple(_GETS), label="found =", help="What is asked of net.")


PROGRAM = """
import torch
from collections import OrderedDict
from torch import nn

torch.manual_seed(0)
fc, act, out = nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)
net = ${built}
names = [name for name, _ in net.named_children()]
y = net(torch.tensor([[1., 2.]]))
found = ${get}
with torch.no_grad():
    fc.weight.fill_(1.)
"""


def _found(trace: Trace, settings: Sequence) -> float:
    """Hold what was found against a list and a dict of the three."""
    names = _BUILT[settings.built][1]
    last = trace.steps[-1].names
    layers = [last[name].identity for name in ("fc", "act", "out")]  # type: ignore[union-attr]
    named = dict(zip(names, layers, strict=True))
    expected: object
    match settings.get:
        case "net[-1]":
            expected = layers[-1]
        case "net[:2]":
            expected = layers[:2]
        case "net.fc":
            expected = named.get("fc", "AttributeError")
        case 'net["fc"]':
            expected = "TypeError"
        case _:
            expected = "IndexError"
    if trace.failure is not None:
        return float(expected != trace.failure.kind)
    found: ModuleState = final(trace, "found")
    inside = [one.identity for one in found.children.values()]
    return float(expected != (inside if settings.get == "net[:2]" else found.identity))


def _output(trace: Trace, settings: Sequence) -> float:
    if told(trace, "names") != list(_BUILT[settings.built][1]):
        return math.inf
    before = next(step for step in trace.steps if "y" in step.names).names
    x = np.array([1.0, 2.0])
    for name in ("fc", "out"):
        layer = before[name]
        assert isinstance(layer, ModuleState)
        weight, bias = layer.parameters["weight"], layer.parameters["bias"]
        x = np.array(weight.values).reshape(weight.shape) @ x + np.array(bias.values)
        x = np.maximum(x, 0) if name == "fc" else x
    return difference(final(trace, "y").values, x.tolist())


def _third(trace: Trace) -> tuple[Verdict, str]:
    text = told(trace, "text")
    right = text.startswith("Conv2d(20, 64")
    return (Verdict.HOLDS if right else Verdict.WRONG), f"model[2] prints {text}"


def _by_name(trace: Trace) -> tuple[Verdict, str]:
    ways = told(trace, "ways")
    if not any(ways):
        return Verdict.HOLDS, "no name led to it"
    return Verdict.WRONG, "model.conv2, getattr and get_submodule give model[2]"


def _names(trace: Trace) -> tuple[Verdict, str]:
    one, other = told(trace, "one"), told(trace, "other")
    right = (one, other) == (["conv", "relu"], ["0", "1"])
    return (Verdict.HOLDS if right else Verdict.WRONG), f"{one} and {other}"


def _inherited(trace: Trace) -> tuple[Verdict, str]:
    where = told(trace, "where")
    right = where == ["Module"]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"add_module is defined in {where}"


def _methods(trace: Trace) -> tuple[Verdict, str]:
    more = told(trace, "more")
    if not more:
        return Verdict.HOLDS, "no other"
    return Verdict.OBSOLETE, f"{len(more)} more: {', '.join(more)}"


def _order(trace: Trace) -> tuple[Verdict, str]:
    values = final(trace, "y").values
    right = values == (6.0,)
    return (Verdict.HOLDS if right else Verdict.WRONG), f"2 through + 1 and · 2 gives {values[0]:g}"


SEQUENTIAL = Lesson(
    slug="sequential",
    title="Sequential",
    notice="A slice is a new Sequential of the very same layers: a write to fc shows in found.",
    program=PROGRAM,
    parameters=Sequence,
    spelled={"built": {name: spelled for name, (spelled, _) in _BUILT.items()}, "get": _GETS},
    presets=(
        Preset(
            "A slice",
            "A slice is a new Sequential of the very same layers: a write to fc shows in found.",
            Sequence(),
        ),
        Preset("By name", "A layer's name is an attribute of net.", Sequence(get="net.fc")),
        Preset(
            "In brackets",
            "Brackets take numbers and slices; for names in brackets there is ModuleDict.",
            Sequence(get='net["fc"]'),
        ),
        Preset(
            "Without names",
            'The names are "0", "1" and "2", so there is no net.fc.',
            Sequence("numbered", "net.fc"),
        ),
    ),
    shows=("y",),
    notes={
        "names =": "Without an OrderedDict the names are numbers, as text.",
        "fc.weight.fill_": "Whatever holds the layer sees it.",
    },
    slips=(
        Slip(
            title="a model rebuilt from children()",
            program="import torch\nfrom torch import nn\n\nact = nn.Tanh()\n"
            "net = nn.Sequential(act, nn.Flatten(), act)\nagain = nn.Sequential(*net)\n"
            "x = torch.ones(1, 1)\ny, z = net(x), again(x)",
            wrong="again = nn.Sequential(*net.children())",
            right="again = nn.Sequential(*net)",
            lesson="children() gives a layer once, though it is used twice: the second act is "
            "lost.",
            source=(
                "MathOptAI.jl#207",
                "https://github.com/lanl-ansi/MathOptAI.jl/pull/207",
            ),
            opens="y, z =",
        ),
        Slip(
            title="a slice as a copy",
            program="import copy\nimport torch\nfrom torch import nn\n\n"
            "net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())\n"
            "head = copy.deepcopy(net[:1])\nwith torch.no_grad():\n    head[0].weight.fill_(9.)",
            wrong="head = net[:1]",
            right="head = copy.deepcopy(net[:1])",
            lesson="The slice is new, its layers are not: what trains or edits one changes both.",
            source=("torch.nn.Sequential", f"{_DOCS}/generated/torch.nn.Sequential.html"),
        ),
    ),
    proofs=(
        Proof(
            "What is found, or raised, is what a list and a dict of the three layers would give.",
            "a Python list and a dict",
            _found,
            twin=("found = ${get}", "net[0] = nn.Linear(2, 2); found = ${get}"),
        ),
        Proof(
            "net runs its layers in the order in which they were given, under these names.",
            "the three layers in NumPy, float64",
            _output,
            twin=("y = net(torch.tensor([[1., 2.]]))", "y = net[1:](torch.tensor([[1., 2.]]))"),
            tolerance=1e-6,
        ),
    ),
    statements=(
        Statement(
            says="model[2] gives the third layer.",
            where="nn.Sequential, a simple model",
            program="from torch import nn\nmodel = nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU(), "
            "nn.Conv2d(20, 64, 5), nn.ReLU())\ntext = str(model[2])",
            judge=_third,
            truth="Counted from 0; model[-1] is the last, and model[:2] a Sequential.",
            twin=("model[2]", "model[3]"),
        ),
        Statement(
            says="Layers that have names can still not be got by name, only by index.",
            where="nn.Sequential, names for layers",
            program="from collections import OrderedDict\nfrom torch import nn\n"
            "model = nn.Sequential(OrderedDict(conv1=nn.ReLU(), relu1=nn.ReLU(), "
            "conv2=nn.Tanh()))\n"
            'ways = [getattr(model, "conv2", None) is model[2], '
            'dict(model.named_children()).get("conv2") is model[2]]',
            judge=_by_name,
            truth='model.conv2 is the layer, and model.get_submodule("conv2"); brackets alone '
            "refuse a name.",
            twin=(
                "OrderedDict(conv1=nn.ReLU(), relu1=nn.ReLU(), conv2=nn.Tanh())",
                "OrderedDict(a=nn.ReLU(), b=nn.ReLU(), c=nn.Tanh())",
            ),
        ),
        Statement(
            says="An OrderedDict gives the layers names; without it they are numbered from 0.",
            where="nn.Sequential; ModuleList()",
            program="from collections import OrderedDict\nfrom torch import nn\n"
            "a = nn.Sequential(OrderedDict(conv=nn.ReLU(), relu=nn.ReLU()))\n"
            "b = nn.Sequential(nn.ReLU(), nn.ReLU())\n"
            "one, other = [n for n, _ in a.named_children()], list(b._modules)",
            judge=_names,
            truth="The numbers are names as well, as text.",
            twin=("nn.Sequential(nn.ReLU(), nn.ReLU())", "nn.Sequential(nn.ReLU())"),
        ),
        Statement(
            says="Sequential inherits add_module from Module.",
            where="nn.Sequential, implementation",
            program="from torch import nn\n"
            "where = [kind.__name__ for kind in nn.Sequential.__mro__ "
            'if "add_module" in vars(kind)]',
            judge=_inherited,
            truth="It does; append, insert and extend are its own.",
            twin=('"add_module"', '"append"'),
        ),
        Statement(
            says="Sequential defines __init__, _get_item_by_idx, __getitem__, __setitem__, "
            "__delitem__, __len__, __dir__ and forward.",
            where="nn.Sequential, definition",
            program="from torch import nn\nknown = {'__init__', '_get_item_by_idx', '__getitem__', "
            "'__setitem__', '__delitem__', '__len__', '__dir__', 'forward'}\n"
            "more = [name for name, f in vars(nn.Sequential).items() if callable(f) "
            "and name not in known]",
            judge=_methods,
            truth="It still does, and more besides: it iterates, adds, multiplies, appends, pops.",
            twin=("if callable(f) and", "if name == 'forward' and"),
        ),
        Statement(
            says="Layers run in the order in which they are passed to Sequential.",
            where="nn.Sequential",
            program="import torch\nfrom torch import nn\nplus = nn.Linear(1, 1)\n"
            "double = nn.Linear(1, 1)\nwith torch.no_grad():\n"
            "    for layer, w, b in ((plus, 1., 1.), (double, 2., 0.)):\n"
            "        layer.weight.fill_(w)\n        layer.bias.fill_(b)\n"
            "y = nn.Sequential(plus, double)(torch.tensor([[2.]]))",
            judge=_order,
            truth="In the order of its children, which append and insert change.",
            twin=("nn.Sequential(plus, double)", "nn.Sequential(double, plus)"),
        ),
    ),
    ask=Ask(
        text='net = nn.Sequential(OrderedDict(fc=nn.Linear(1, 1))). What is net["fc"]?',
        program="from collections import OrderedDict\nfrom torch import nn\n"
        'net = nn.Sequential(OrderedDict(fc=nn.Linear(1, 1)))\nfound = net["fc"]',
        answer=lambda trace: (
            f"it raises {trace.failure.kind}" if trace.failure else "the Linear layer"
        ),
        options=("the Linear layer", "it raises TypeError", "it raises KeyError", "its weight"),
        because="Sequential's brackets want a number; net.fc is the layer.",
    ),
    references=(("torch.nn.Sequential", f"{_DOCS}/generated/torch.nn.Sequential.html"),),
    terms=("nn.Sequential", "OrderedDict", "get_submodule", "named_children", "slice"),
)
