"""The order in which a model is walked."""

import dataclasses
from collections.abc import Iterator, Mapping

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.states import ModuleState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_TREES: Mapping[str, str] = {
    "nested first": "nn.Sequential(nn.Sequential(nn.Linear(1, 1), act), nn.Linear(1, 1))",
    "nested last": "nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1), act))",
    "three deep": "nn.Sequential(nn.Sequential(nn.Sequential(act, nn.Linear(1, 1))), nn.Tanh())",
    "act shared": "nn.Sequential(nn.Sequential(nn.Linear(1, 1), act), nn.Linear(1, 1), act)",
}


@dataclasses.dataclass(frozen=True)
class Order(Parameters):
    """Say which model is walked, and how."""

    tree: str = choice("nested first", tuple(_TREES), label="net", help="How it is nested.")
    walk: str = choice(
        "named_modules",
        ("named_modules", "named_children", "named_parameters"),
        label="net.…()",
        help="What is asked for.",
    )


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
act = nn.ReLU()
net = ${tree}
order = []
for name, found in net.${walk}():
    order.append(name)
"""


def _deep(module: ModuleState, path: str = "") -> Iterator[tuple[str, ModuleState]]:
    """Walk a module, then each of its children with all that is in it."""
    yield path, module
    for name, child in module.children.items():
        yield from _deep(child, f"{path}.{name}" if path else name)


def _once(pairs: Iterator[tuple[str, ModuleState]]) -> list[tuple[str, ModuleState]]:
    seen: dict[str, tuple[str, ModuleState]] = {}
    for path, module in pairs:
        seen.setdefault(module.identity, (path, module))
    return list(seen.values())


def _expected(net: ModuleState, walk: str) -> list[str]:
    if walk == "named_children":
        return [path for path, _ in _once(iter(net.children.items()))]
    modules = _once(_deep(net))
    if walk == "named_modules":
        return [path for path, _ in modules]
    return [f"{path}.{name}" for path, module in modules for name in module.parameters]


def _walked(trace: Trace, settings: Order) -> float:
    return float(told(trace, "order") != _expected(final(trace, "net"), settings.walk))


def _found(trace: Trace, settings: Order) -> float:
    kinds = [
        state.identity
        for step in trace.steps
        if "found" in step.changes.bound and isinstance(state := step.names["found"], ModuleState)
    ]
    if settings.walk == "named_parameters":
        return float(bool(kinds))
    return float(len(kinds) != len(told(trace, "order")) or len(set(kinds)) != len(kinds))


def _breadth(trace: Trace) -> tuple[Verdict, str]:
    order = told(trace, "order")
    right = order == ["", "0", "1", "0.0", "0.1"]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"the order is {order}"


def _generation(trace: Trace) -> tuple[Verdict, str]:
    names = told(trace, "names")
    right = names == ["0", "1"]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"it gives {names}"


def _longer(trace: Trace) -> tuple[Verdict, str]:
    modules, parameters = told(trace, "counts")
    said = f"{modules} modules, {parameters} parameters"
    return (Verdict.HOLDS if modules > parameters else Verdict.WRONG), said


def _leaves(trace: Trace) -> tuple[Verdict, str]:
    names = told(trace, "names")
    inner = [name for name in names if "." not in name]
    said = f"parameters of net itself, an inner node: {inner}"
    return (Verdict.CONDITION if inner else Verdict.HOLDS), said


def _unpacked(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.HOLDS, "it ran"
    return Verdict.WRONG, f"{failure.kind}: {failure.message}"


def _types(trace: Trace) -> tuple[Verdict, str]:
    kinds = told(trace, "kinds")
    right = kinds == ["Parameter", "Tensor"]
    return (Verdict.HOLDS if right else Verdict.WRONG), " and ".join(kinds)


def _own(trace: Trace) -> tuple[Verdict, str]:
    names = told(trace, "names")
    return (Verdict.HOLDS if names == ["scale"] else Verdict.WRONG), f"it gives {names}"


ORDER = Lesson(
    slug="order",
    title="the order",
    notice="net itself comes first, under the name ''; then 0 and all that is in it; 1 comes last.",
    program=PROGRAM,
    parameters=Order,
    spelled={"tree": _TREES},
    presets=(
        Preset(
            "Nested first",
            "net itself comes first, under the name ''; then 0 and all that is in it; 1 comes "
            "last.",
            Order(),
        ),
        Preset(
            "Nested last",
            "Depth and breadth first would look alike here.",
            Order("nested last"),
        ),
        Preset(
            "Shared",
            "act stands in net twice and is visited once, under the first of its names.",
            Order("act shared"),
        ),
        Preset("Children", "One generation, and not net itself.", Order(walk="named_children")),
        Preset(
            "Parameters",
            "The same walk; each module's own, by name.",
            Order(walk="named_parameters"),
        ),
    ),
    notes={"for name, found": "Step through the loop: found is what the walk is at."},
    slips=(
        Slip(
            title="children() misses what is nested",
            program="from torch import nn\n\nnet = nn.Sequential(nn.Sequential(nn.Linear(1, 1), "
            "nn.ReLU()), nn.Linear(1, 1))\nwalk = net.modules()\n"
            "count = sum(isinstance(m, nn.Linear) for m in walk)",
            wrong="walk = net.children()",
            right="walk = net.modules()",
            lesson="children() stops after one generation; modules() goes all the way down.",
            source=("pytorch#3065", "https://github.com/pytorch/pytorch/issues/3065"),
        ),
        Slip(
            title="running all of modules()",
            program="import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n"
            "    def __init__(self):\n        super().__init__()\n"
            "        self.hidden = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])\n\n"
            "net, x = Net(), torch.ones(1, 1)\nlayers = list(net.hidden)\n"
            "for layer in layers:\n    x = layer(x)",
            wrong="layers = list(net.modules())",
            right="layers = list(net.hidden)",
            lesson="net itself and the ModuleList are modules too, and cannot be called.",
            source=(
                "pytorch_modelsize#10",
                "https://github.com/jacobkimmel/pytorch_modelsize/issues/10",
            ),
            opens="x = layer(x)",
        ),
    ),
    proofs=(
        Proof(
            "The names come depth first, each module before what is in it, and each once.",
            "a recursion in Python over the tree",
            _walked,
            twin=("order.append(name)", "order.insert(0, name)"),
        ),
        Proof(
            "No module is found twice.",
            "identities of what was found",
            _found,
            twin=("net.${walk}()", "[*net.${walk}()] * 2"),
        ),
    ),
    statements=(
        Statement(
            says="modules() goes through all layers breadth first.",
            where="nn.Module, modules()",
            program="from torch import nn\n"
            "net = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sigmoid())\n"
            "walk = net.named_modules()\norder = [name for name, _ in walk]",
            judge=_breadth,
            truth="Depth first: 0.0 and 0.1 come before 1.",
            twin=(
                "order = [name for name, _ in walk]",
                "order = sorted((name for name, _ in walk), key=lambda n: (len(n), n))",
            ),
        ),
        Statement(
            says="children() goes through a model's own layers, not through theirs.",
            where="nn.Module, children()",
            program="from torch import nn\n"
            "net = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sigmoid())\n"
            "names = [name for name, _ in net.named_children()]",
            judge=_generation,
            truth="So it is; what is assigned twice comes once.",
            twin=("named_children", "named_modules"),
        ),
        Statement(
            says="modules() gives more than parameters() does, as it walks inner nodes as well.",
            where="nn.Module, note",
            program="from torch import nn\nnet = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))\n"
            "counts = [len(list(net.modules())), len(list(net.parameters()))]",
            judge=_longer,
            truth="They count different things: a layer may have two parameters or none.",
            twin=("nn.Linear(1, 1), nn.Linear(1, 1)", "nn.Linear(1, 1), nn.ReLU()"),
        ),
        Statement(
            says="parameters() walks the leaves of the model alone.",
            where="nn.Module, note",
            program="import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Linear(1, 1))\n"
            "net.scale = nn.Parameter(torch.ones(1))\n"
            "names = [name for name, _ in net.named_parameters()]",
            judge=_leaves,
            truth="Any module may have parameters of its own, beside those of its children.",
            twin=("net.scale = nn.Parameter(torch.ones(1))", "net.scale = torch.ones(1)"),
        ),
        Statement(
            says="for k, v in model.state_dict(): goes through names and tensors.",
            where="nn.Module, state_dict()",
            program="from torch import nn\nmodel = nn.Linear(2, 1)\n"
            "for k, v in model.state_dict():\n    pass",
            judge=_unpacked,
            truth="A dict gives its keys: for k, v in model.state_dict().items().",
            twin=("state_dict()", "state_dict().items()"),
        ),
        Statement(
            says="named_parameters() gives Parameters; detached, they are Tensors.",
            where="nn.Module, example",
            program="from torch import nn\nname, p = next(nn.Linear(1, 1).named_parameters())\n"
            "kinds = [type(p).__name__, type(p.detach()).__name__]",
            judge=_types,
            truth="detach() gives a plain tensor on the same memory.",
            twin=("p.detach()", "p.requires_grad_(False)"),
        ),
        Statement(
            says="With recurse=False, named_parameters() leaves the children's out.",
            where="parameters() and named_parameters()",
            program="import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Linear(1, 1))\n"
            "net.scale = nn.Parameter(torch.ones(1))\n"
            "names = [name for name, _ in net.named_parameters(recurse=False)]",
            judge=_own,
            truth="It does, for parameters and buffers alike.",
            twin=("recurse=False", ""),
        ),
    ),
    ask=Ask(
        text="net = Sequential(Sequential(ReLU, Tanh), Sigmoid). Which names does named_modules() "
        "give, after net's own?",
        program="from torch import nn\nnet = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Tanh()), "
        "nn.Sigmoid())\norder = [name for name, _ in net.named_modules()]",
        answer=lambda trace: ", ".join(told(trace, "order")[1:]),
        options=("0, 1, 0.0, 0.1", "0, 0.0, 0.1, 1", "0.0, 0.1, 0, 1", "0, 1"),
        because="Depth first: all of 0 before 1.",
    ),
    references=(
        (
            "torch.nn.Module.named_modules",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.named_modules",
        ),
    ),
    terms=("modules()", "children()", "named_modules", "named_children", "depth first"),
)
