"""apply: a function on every module, children first."""

import dataclasses
from collections.abc import Iterator, Mapping

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import ModuleState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_TREES: Mapping[str, str] = {
    "nested first": "nn.Sequential(nn.Sequential(nn.Linear(1, 1), act), nn.Linear(1, 1))",
    "nested last": "nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1), act))",
    "act shared": "nn.Sequential(nn.Sequential(nn.Linear(1, 1), act), nn.Linear(1, 1), act)",
}
_WAYS: Mapping[str, str] = {
    "nn.init": "nn.init.constant_(module.weight, ${value})",
    ".data": "module.weight.data.fill_(${value})",
    "in place": "module.weight.fill_(${value})",
}


@dataclasses.dataclass(frozen=True)
class Applying(Parameters):
    """Say on which model, and how weights are filled, with what."""

    tree: str = choice("nested first", tuple(_TREES), label="net", help="How it is nested.")
    way: str = choice("nn.init", tuple(_WAYS), label="filled by", help="What init does.")
    value: float = number(3.0, label="value", help="Of weights.", minimum=-9.0, maximum=9.0, step=1)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
order = []
def init(module):
    order.append(type(module).__name__)
    if isinstance(module, nn.Linear):
        ${way}

act = nn.ReLU()
net = ${tree}
same = net.apply(init) is net
"""


def _up(module: ModuleState) -> Iterator[ModuleState]:
    """Walk what is in a module, a child once, and then the module itself."""
    for child in {one.identity: one for one in module.children.values()}.values():
        yield from _up(child)
    yield module


def _visited(trace: Trace, settings: Applying) -> float:
    if settings.way == "in place":
        failure = trace.failure
        return float(failure is None or failure.kind != "RuntimeError")
    kinds = [one.kind for one in _up(final(trace, "net"))]
    return float(told(trace, "order") != kinds or told(trace, "same") is not True)


def _filled(trace: Trace, settings: Applying) -> float:
    linear = [one for one in _up(final(trace, "net")) if one.kind == "Linear"]
    weights = [value for one in linear for value in one.parameters["weight"].values or ()]
    gap = difference(weights, [settings.value] * 2)  # type: ignore[arg-type]
    return float(gap == 0) if settings.way == "in place" else gap


def _generation(trace: Trace) -> tuple[Verdict, str]:
    order = told(trace, "order")
    right = order == ["Sequential", "Sigmoid"]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"called with {', '.join(order)}"


def _every(trace: Trace) -> tuple[Verdict, str]:
    order = told(trace, "order")
    right = sorted(order) == ["ReLU", "Sequential", "Sequential", "Sigmoid", "Tanh"]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"called with {', '.join(order)}"


def _printed(trace: Trace) -> tuple[Verdict, str]:
    text = " ".join(told(trace, "text").split())
    if "1000." not in text:
        return Verdict.WRONG, text
    return (Verdict.HOLDS if text.startswith("tensor") else Verdict.CONDITION), text


def _in_place(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.HOLDS, "it ran"
    return Verdict.WRONG, f"{failure.kind}: {failure.message}"


def _named(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.HOLDS, "it ran"
    return Verdict.CONDITION, f"{failure.kind}: {failure.message}"


def _norm(trace: Trace) -> tuple[Verdict, str]:
    hit = told(trace, "hit")
    norm = [name for name in hit if name.startswith("1.")]
    said = f"it sets {', '.join(hit)}"
    return (Verdict.CONDITION if norm else Verdict.HOLDS), said


_MODEL = (
    "import torch\nfrom torch import nn\norder = []\n"
    "net = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sigmoid())\n"
    "net.apply(lambda module: order.append(type(module).__name__))"
)
_INIT = (
    "import torch\nfrom torch import nn\ndef init(m):\n    if type(m) == nn.Linear:\n"
    "        m.weight.fill_(1.0)\nnet = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))\n"
    "net.apply(init)"
)

APPLYING = Lesson(
    slug="apply",
    title="apply",
    notice="Children before the module that holds them, all generations; net itself comes last.",
    program=PROGRAM,
    parameters=Applying,
    spelled={"tree": _TREES, "way": _WAYS},
    presets=(
        Preset(
            "nn.init",
            "Children before the module that holds them, all generations; net itself comes last.",
            Applying(),
        ),
        Preset(
            "Shared",
            "act has two parents, so init was called with it twice; modules() gives it once.",
            Applying("act shared"),
        ),
        Preset(
            "In place",
            "fill_ on a leaf that requires a gradient raises; nn.init goes by no_grad.",
            Applying(way="in place"),
        ),
    ),
    notes={
        "order.append": "Called each time that apply comes to a module.",
        "same =": "apply returns the module itself; what init returns is dropped.",
    },
    slips=(
        Slip(
            title="weight.fill_ in an init function",
            program="import torch\nfrom torch import nn\n\nconv = nn.Conv2d(1, 1, 2)\n"
            "nn.init.constant_(conv.weight, 1.)",
            wrong="conv.weight.fill_(1.)",
            right="nn.init.constant_(conv.weight, 1.)",
            lesson="A leaf that requires a gradient refuses a write in place; nn.init writes under "
            "no_grad.",
            source=("audio#1993", "https://github.com/pytorch/audio/pull/1993"),
        ),
        Slip(
            title='"Conv" in the class name',
            program="from torch import nn\n\nclass ConvBlock(nn.Sequential):\n    pass\n\n"
            "def init(m):\n    if isinstance(m, nn.Conv2d):\n"
            "        nn.init.normal_(m.weight, 0., 0.02)\n\n"
            "net = ConvBlock(nn.Conv2d(1, 1, 1), nn.ReLU())\nsame = net.apply(init)",
            wrong='if m.__class__.__name__.find("Conv") != -1:',
            right="if isinstance(m, nn.Conv2d):",
            lesson="A container named ConvBlock has no weight; ask for the type.",
            source=("vid2vid#11", "https://github.com/createamind/vid2vid/issues/11"),
        ),
    ),
    proofs=(
        Proof(
            "init is called with what a recursion meets, children first; fill_ raises.",
            "a recursion in Python over the tree",
            _visited,
            twin=("order.append(type", "order.insert(0, type"),
        ),
        Proof(
            "The weights of both Linear layers are the value, unless filling raised.",
            "the setting itself",
            _filled,
            twin=("net.apply(init)", "net[0].apply(init)"),
        ),
    ),
    statements=(
        Statement(
            says="apply calls the function on the first generation of children.",
            where="nn.Module, apply()",
            program=_MODEL,
            judge=_generation,
            truth="On all generations, and on the module itself, last.",
            twin=(
                "net.apply(lambda module: order.append(type(module).__name__))",
                "[order.append(type(module).__name__) for module in net.children()]",
            ),
        ),
        Statement(
            says="apply calls the function on every submodule, recursively, and on the module.",
            where="nn.Module.apply(fn)",
            program=_MODEL,
            judge=_every,
            truth="It does; a module with two parents gets two calls.",
            twin=("net.apply", "net[0].apply"),
        ),
        Statement(
            says="A weight filled with 1000 prints as tensor([[1000.]], requires_grad=True).",
            where="nn.Module, apply()",
            program="from torch import nn\nnet = nn.Linear(1, 1)\n"
            "net.apply(lambda m: m.weight.data.fill_(1000))\ntext = str(net.weight)",
            judge=_printed,
            truth='A Parameter says so first: "Parameter containing:".',
            twin=("str(net.weight)", "str(net.weight * 1)"),
        ),
        Statement(
            says="m.weight.fill_(1.0) initializes a Linear layer.",
            where="nn Module, apply(); convolution",
            program=_INIT,
            judge=_in_place,
            truth="It raises: nn.init.ones_(m.weight), or fill_ under torch.no_grad().",
            twin=("m.weight.fill_(1.0)", "nn.init.ones_(m.weight)"),
        ),
        Statement(
            says="A class name that has Conv in it is a convolution with a weight.",
            where="Initializing parameters, method 1",
            program="from torch import nn\nclass ConvBlock(nn.Sequential):\n    pass\n"
            "def init(m):\n    if m.__class__.__name__.find('Conv') != -1:\n"
            "        nn.init.normal_(m.weight.data, 0.0, 0.02)\n"
            "net = ConvBlock(nn.Conv2d(1, 1, 1))\nnet.apply(init)",
            judge=_named,
            truth="As long as no container is named so; isinstance asks for the type.",
            twin=("net = ConvBlock(", "net = nn.Sequential("),
        ),
        Statement(
            says="Parameters with weight in their name are set to N(0, 0.01).",
            where="Initializing parameters, method 2",
            program="from torch import nn\nnet = nn.Sequential(nn.Linear(1, 1), "
            "nn.BatchNorm1d(1))\nhit = [n for n, _ in net.named_parameters() if 'weight' in n]",
            judge=_norm,
            truth="BatchNorm's scale is named weight too: set near 0 it silences the layer.",
            twin=("nn.BatchNorm1d(1)", "nn.ReLU()"),
        ),
    ),
    ask=Ask(
        text="net = Sequential(Sequential(Linear, ReLU), Linear). With what is init called first "
        "and last by net.apply(init)?",
        program="from torch import nn\norder = []\n"
        "net = nn.Sequential(nn.Sequential(nn.Linear(1, 1), nn.ReLU()), nn.Linear(1, 1))\n"
        "net.apply(lambda m: order.append('net' if m is net else type(m).__name__))",
        answer=lambda trace: f"{told(trace, 'order')[0]}, {told(trace, 'order')[-1]}",
        options=("net, Linear", "Linear, net", "Sequential, Linear", "Linear, Linear"),
        because="Children first, all the way down; the module itself last.",
    ),
    references=(
        (
            "torch.nn.Module.apply",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.apply",
        ),
    ),
    terms=("apply", "weights_init", "nn.init", "leaf Variable", "in-place operation"),
)
