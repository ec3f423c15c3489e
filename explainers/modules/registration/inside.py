"""The dicts of a module, and how an attribute is found in them."""

import dataclasses
from collections.abc import Mapping

from torch import nn

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_NETS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "BatchNorm1d": (
        "nn.BatchNorm1d(2)",
        ("weight", "bias"),
        ("running_mean", "running_var", "num_batches_tracked"),
        (),
    ),
    "Linear": ("nn.Linear(1, 1)", ("weight", "bias"), (), ()),
    "Linear, no bias": ("nn.Linear(1, 1, bias=False)", ("weight", "bias"), (), ()),
    "Sequential": ("nn.Sequential(nn.Linear(1, 1), nn.ReLU())", (), (), ("0", "1")),
    "Module": ("nn.Module()", (), (), ()),
}
"""By module: what stands in the program, and the names in its three tables."""


@dataclasses.dataclass(frozen=True)
class Inside(Parameters):
    """Say which module is opened, and how many hooks it has."""

    module: str = choice("BatchNorm1d", tuple(_NETS), label="net", help="Which is opened.")
    hooks: int = number(
        1, label="hooks", help="Registered for forward.", minimum=0, maximum=3, step=1
    )


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = ${module}
hooks = [net.register_forward_hook(lambda *args: None) for _ in range(${hooks})]
dicts = {name: held for name, held in vars(net).items() if isinstance(held, dict)}
print(*(f"{name} {len(held)}" for name, held in dicts.items()), sep=", ")
count = len(dicts)
parameters = list(vars(net)["_parameters"])
buffers = list(vars(net)["_buffers"])
modules = list(vars(net)["_modules"])
attributes = [name for name in parameters + buffers + modules if name in vars(net)]
"""


def _sizes(trace: Trace) -> dict[str, int]:
    printed = "".join(step.printed for step in trace.steps)
    pairs = (entry.split() for entry in printed.split(", "))
    return {name: int(size) for name, size in pairs}


def _tables(trace: Trace, settings: Inside) -> float:
    found = tuple(told(trace, name) for name in ("parameters", "buffers", "modules"))
    return float(found != tuple(list(names) for names in _NETS[settings.module][1:]))


def _hooks(trace: Trace, settings: Inside) -> float:
    sizes = {name: size for name, size in _sizes(trace).items() if "hook" in name}
    own = sizes.pop("_forward_hooks", -1)
    return float(abs(own - settings.hooks) + sum(sizes.values()))


def _annotated(trace: Trace, settings: Inside) -> float:
    declared = {
        name for name, kind in nn.Module.__annotations__.items() if str(kind).startswith("dict[")
    }
    return float(len(declared ^ _sizes(trace).keys()) + abs(told(trace, "count") - len(declared)))


def _attributes(trace: Trace, settings: Inside) -> float:
    return float(told(trace, "attributes") != [])


def _eight(trace: Trace) -> tuple[Verdict, str]:
    count, plain = told(trace, "count"), told(trace, "plain")
    said = f"{count} dicts, {len(plain)} of them plain: {', '.join(plain)}"
    return (Verdict.HOLDS if count == 8 else Verdict.OBSOLETE), said


def _ordered(trace: Trace) -> tuple[Verdict, str]:
    kind = told(trace, "kind")
    return (Verdict.HOLDS if kind == "OrderedDict" else Verdict.OBSOLETE), f"it is of type {kind}"


def _network(trace: Trace) -> tuple[Verdict, str]:
    own, every = told(trace, "own"), told(trace, "every")
    said = f"_parameters holds {own}, parameters() gives {every}"
    return (Verdict.HOLDS if own == every else Verdict.CONDITION), said


def _must(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.WRONG, "nothing was raised"
    return Verdict.HOLDS, f"{failure.kind}: {failure.message}"


def _typed(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.HOLDS, f"it made {final(trace, 'net').kind}"
    return Verdict.WRONG, f"{failure.kind}: {failure.message}"


INSIDE = Lesson(
    slug="inside",
    title="the dicts inside",
    notice="Fourteen dicts: three hold what is registered, under net's own names; eleven are for "
    "hooks.",
    program=PROGRAM,
    parameters=Inside,
    spelled={"module": {name: spelled for name, (spelled, *_) in _NETS.items()}},
    shows=("count",),
    presets=(
        Preset(
            "BatchNorm",
            "Fourteen dicts: three hold what is registered, under net's own names; eleven are "
            "for hooks.",
            Inside(),
        ),
        Preset(
            "Sequential",
            "Its own _parameters is empty: each child keeps its parameters itself.",
            Inside("Sequential"),
        ),
        Preset(
            "Without bias",
            'bias=False registers None under "bias": the name is there, parameters() passes it by.',
            Inside("Linear, no bias", 0),
        ),
        Preset("Empty", "nn.Module() has them all from the start.", Inside("Module", 3)),
    ),
    notes={
        "hooks =": "Each hook is one entry of _forward_hooks.",
        "dicts =": "vars(net) holds what Python itself finds as net.name.",
        "attributes =": "None is there: a registered name is found by `Module.__getattr__`, "
        "which looks into the three tables.",
    },
    slips=(
        Slip(
            title="a lookup in vars(net)",
            program='from torch import nn\n\nnet = nn.Linear(1, 1)\nfound = hasattr(net, "weight")',
            wrong='found = "weight" in vars(net)',
            right='found = hasattr(net, "weight")',
            lesson="Parameters, buffers and children are in dicts inside `vars(net)`; hasattr, "
            "getattr and dir look there.",
            source=("torch.nn.Module, source", f"{_DOCS}/_modules/torch/nn/modules/module.html"),
        ),
        Slip(
            title="a tensor put into _parameters",
            program="import torch\nfrom torch import nn\n\nnet = nn.Linear(1, 1)\n"
            "net.weight = nn.Parameter(net.weight * 2)\n"
            "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)",
            wrong='net._parameters["weight"] = net.weight * 2',
            right="net.weight = nn.Parameter(net.weight * 2)",
            lesson="The dict checks nothing: it takes a product, which no optimizer can train. "
            "Assign a Parameter.",
            source=("pytorch#38198", "https://github.com/pytorch/pytorch/issues/38198"),
            opens="torch.optim.SGD",
        ),
    ),
    proofs=(
        Proof(
            "The three tables hold the module's own names.",
            "the names, written down for each module",
            _tables,
            twin=("net = ${module}", "net = nn.Sequential(${module})"),
        ),
        Proof(
            "As many hooks stand in _forward_hooks as were registered, and in no other dict.",
            "the setting itself",
            _hooks,
            twin=("[net.register", "[nn.Module().register"),
        ),
        Proof(
            "The dicts are those that nn.Module declares.",
            "annotations of the class torch.nn.Module",
            _annotated,
            twin=("if isinstance(held, dict)", "if isinstance(held, dict) and held"),
            kind=Kind.ANOTHER_PATH,
        ),
        Proof(
            "No registered name is an attribute as Python keeps them.",
            "vars(net), asked for each",
            _attributes,
            twin=("dicts =", "vars(net).update(weight=0)\ndicts ="),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="A network keeps eight dicts, OrderedDicts.",
            where="nn.Module, and __init__()",
            program="from torch import nn\n"
            "dicts = [type(v).__name__ for v in vars(nn.Module()).values() if isinstance(v, dict)]"
            "\ncount = len(dicts)\nplain = [n for n, v in vars(nn.Module()).items() "
            "if type(v) is dict]",
            judge=_eight,
            truth="Fourteen today: backward pre-hooks, hooks with kwargs or called in any case, "
            "and two more for state_dict have come. The three that hold tensors and modules are "
            "plain dicts.",
            twin=("isinstance(v, dict)]\ncount", "isinstance(v, dict)][:8]\ncount"),
        ),
        Statement(
            says="They are OrderedDicts, so that entries stand in the order of insertion.",
            where="nn.Module, __init__()",
            program="from torch import nn\nkind = type(nn.Module()._parameters).__name__",
            judge=_ordered,
            truth="A plain dict, which keeps that order just as well.",
            twin=("._parameters", "._forward_hooks"),
        ),
        Statement(
            says="_parameters stores the network's parameters.",
            where="nn.Module, __init__()",
            program="from torch import nn\nnet = nn.Sequential(nn.Linear(1, 1))\n"
            "own = list(net._parameters)\nevery = [name for name, _ in net.named_parameters()]",
            judge=_network,
            truth="Those of the module itself. A child keeps its own; parameters() walks them.",
            twin=("nn.Sequential(nn.Linear(1, 1))", "nn.Linear(1, 1)"),
        ),
        Statement(
            says="An __init__ of one's own must call super().__init__().",
            where="nn.Module, __init__()",
            program="import torch\nfrom torch import nn\nclass Net(nn.Module):\n"
            "    def __init__(self):\n        self.fc = nn.Linear(1, 1)\nnet = Net()",
            judge=_must,
            truth="Before the first Parameter, buffer or module is assigned: the dicts are made "
            "there.",
            twin=("        self.fc", "        super().__init__()\n        self.fc"),
        ),
        Statement(
            says="A network begins with class Net(nn.module) and super(Net.self).__init__().",
            where="Building a network",
            program="from torch import nn\nclass Net(nn.module):\n    def __init__(self):\n"
            "        super(Net.self).__init__()\nnet = Net()",
            judge=_typed,
            truth="The class is nn.Module, and the call super().__init__(), or "
            "super(Net, self).__init__().",
            twin=(
                "Net(nn.module):\n    def __init__(self):\n        super(Net.self).__init__()",
                "Net(nn.Module):\n    def __init__(self):\n        super(Net, self).__init__()",
            ),
        ),
    ),
    ask=Ask(
        text='net = nn.Linear(1, 1). What is "weight" in vars(net)?',
        program='from torch import nn\nnet = nn.Linear(1, 1)\nfound = "weight" in vars(net)',
        answer=lambda trace: str(told(trace, "found")),
        options=("True", "False", "it raises"),
        because="weight is a key of net._parameters; `Module.__getattr__` looks there.",
    ),
    references=(("torch.nn.Module, source", f"{_DOCS}/_modules/torch/nn/modules/module.html"),),
    terms=("_parameters", "_buffers", "_modules", "__dict__", "__getattr__", "OrderedDict"),
)
