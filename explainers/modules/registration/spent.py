"""Generators: what can be walked once."""

import dataclasses
from collections.abc import Mapping

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, told
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_COUNTS: Mapping[str, int] = {
    "parameters": 4,
    "named_parameters": 4,
    "buffers": 3,
    "named_buffers": 3,
    "children": 2,
    "modules": 3,
    "state_dict": 7,
}
"""What nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)) has of each."""


@dataclasses.dataclass(frozen=True)
class Spent(Parameters):
    """Say what is asked for, and whether it is kept."""

    walk: str = choice("parameters", tuple(_COUNTS), label="net.…()", help="What is asked for.")
    keep: str = choice(
        "as it is", ("as it is", "a list"), label="keep", help="Whether list(…) is around it."
    )


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
found = ${keep}
kind = type(found).__name__
first = sum(1 for one in found)
second = sum(1 for one in found)
"""


def _kinds(settings: Spent) -> str:
    if settings.keep == "a list":
        return "list"
    return "OrderedDict" if settings.walk == "state_dict" else "generator"


def _passes(trace: Trace, settings: Spent) -> float:
    count = _COUNTS[settings.walk]
    again = 0 if _kinds(settings) == "generator" else count
    return float([told(trace, "first"), told(trace, "second")] != [count, again])


def _kind(trace: Trace, settings: Spent) -> float:
    return float(told(trace, "kind") != _kinds(settings))


def _of(kind: str, trace: Trace) -> tuple[Verdict, str]:
    found = told(trace, "kind")
    return (Verdict.HOLDS if found == kind else Verdict.WRONG), f"its type is {found}"


def _all(trace: Trace) -> tuple[Verdict, str]:
    kinds = told(trace, "kinds")
    right = set(kinds) == {"generator"}
    said = f"types: {', '.join(dict.fromkeys(kinds))}"
    return (Verdict.HOLDS if right else Verdict.WRONG), said


def _children(trace: Trace) -> tuple[Verdict, str]:
    children, modules = told(trace, "children"), told(trace, "modules")
    right = children < modules
    said = f"children() gives {children}, modules() {modules}"
    return (Verdict.HOLDS if right else Verdict.WRONG), said


def _print(trace: Trace) -> tuple[Verdict, str]:
    text = told(trace, "text").split(" at ")[0]
    right = "Parameter containing" in text
    return (Verdict.HOLDS if right else Verdict.WRONG), f"it prints {text}"


SPENT = Lesson(
    slug="generator",
    title="a spent generator",
    notice="The first pass finds four parameters, the second none: found is a generator, used up.",
    program=PROGRAM,
    parameters=Spent,
    spelled={"keep": {"as it is": "net.${walk}()", "a list": "list(net.${walk}())"}},
    presets=(
        Preset(
            "parameters()",
            "The first pass finds four parameters, the second none: found is a generator, used up.",
            Spent(),
        ),
        Preset("A list", "list(…) keeps them: both passes find four.", Spent(keep="a list")),
        Preset(
            "state_dict()",
            "A dict can be walked again; buffers are in it too.",
            Spent("state_dict"),
        ),
        Preset("modules()", "net itself is one of its modules.", Spent("modules")),
    ),
    shows=("second",),
    notes={
        "found =": "A generator has walked nothing yet.",
        "second =": "A generator has no beginning to go back to.",
    },
    slips=(
        Slip(
            title="counted, then clipped",
            program="import torch\nfrom torch import nn\n\nnet = nn.Linear(1, 1)\n"
            "params = list(net.parameters())\ncount = sum(p.numel() for p in params)\n"
            "(100 * net(torch.ones(1, 1))).sum().backward()\n"
            "norm = nn.utils.clip_grad_norm_(params, 1.0).item()",
            wrong="params = net.parameters()",
            right="params = list(net.parameters())",
            lesson="Counting has used the generator up: nothing is clipped, and the norm is 0.",
            source=("pytorch#148259", "https://github.com/pytorch/pytorch/issues/148259"),
            opens="norm =",
        ),
        Slip(
            title="optimizer got an empty parameter list",
            program="import torch\nfrom torch import nn\n\nnet = nn.Linear(1, 1)\n"
            "params = list(net.parameters())\nnorms = [p.norm().item() for p in params]\n"
            "optimizer = torch.optim.SGD(params, lr=0.1)",
            wrong="params = net.parameters()",
            right="params = list(net.parameters())",
            lesson="The optimizer was given what a loop before it had walked to its end.",
            source=("deepchem#3746", "https://github.com/deepchem/deepchem/issues/3746"),
            opens="torch.optim.SGD",
        ),
    ),
    proofs=(
        Proof(
            "The first pass finds what the two layers have; the second finds it again where it is "
            "no generator.",
            "counted by hand, layer by layer",
            _passes,
            twin=("second = sum(1 for one in found)", "second = len(list(net.parameters()))"),
        ),
        Proof(
            "What can be walked once is a generator; state_dict is an OrderedDict.",
            "a table, call by call",
            _kind,
            twin=("type(found)", "type(iter([]))"),
        ),
    ),
    statements=(
        Statement(
            says="parameters() gives an iterator over the parameters.",
            where="nn Module, nn.Parameter; parameters() and named_parameters()",
            program="from torch import nn\nkind = type(nn.Linear(1, 1).parameters()).__name__",
            judge=lambda trace: _of("generator", trace),
            truth="A generator: it can be walked once.",
            twin=("nn.Linear(1, 1).parameters()", "nn.Linear(1, 1)._parameters"),
        ),
        Statement(
            says="named_parameters(), named_buffers(), children() and modules() are generators "
            "just so.",
            where="nn.Module; parameters() and named_parameters()",
            program="from torch import nn\nnet = nn.Sequential(nn.ReLU())\n"
            "kinds = [type(one).__name__ for one in (net.named_parameters(), net.named_buffers(), "
            "net.children(), net.named_children(), net.modules(), net.named_modules())]",
            judge=_all,
            truth="All of them are.",
            twin=("net.children()", "net._modules"),
        ),
        Statement(
            says="buffers() returns an OrderedDict.",
            where="nn.Module",
            program="from torch import nn\nkind = type(nn.BatchNorm1d(1).buffers()).__name__",
            judge=lambda trace: _of("OrderedDict", trace),
            truth="A generator as well, and of tensors without names; named_buffers() has them.",
            twin=(".buffers()", ".state_dict()"),
        ),
        Statement(
            says="state_dict() returns an OrderedDict.",
            where="nn.Module",
            program="from torch import nn\nkind = type(nn.BatchNorm1d(1).state_dict()).__name__",
            judge=lambda trace: _of("OrderedDict", trace),
            truth="It does, and it can be walked as often as you like.",
            twin=(".state_dict()", ".named_parameters()"),
        ),
        Statement(
            says="print(net.parameters()) shows the parameters.",
            where="register_parameter()",
            program="from torch import nn\nnet = nn.Linear(1, 1)\ntext = str(net.parameters())",
            judge=_print,
            truth="It shows the generator; print(list(net.parameters())), or a loop.",
            twin=("str(net.parameters())", "str(list(net.parameters()))[:30]"),
        ),
    ),
    ask=Ask(
        text="params = net.parameters(). sum(p.numel() for p in params) is 6. What is it, asked "
        "again?",
        program="from torch import nn\nnet = nn.Linear(2, 2)\nparams = net.parameters()\n"
        "once = sum(p.numel() for p in params)\nagain = sum(p.numel() for p in params)",
        answer=lambda trace: "it raises" if trace.failure else str(told(trace, "again")),
        options=("6", "0", "12", "it raises"),
        because="The generator is at its end; a sum over nothing is 0.",
    ),
    references=(
        (
            "torch.nn.Module.parameters",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.parameters",
        ),
    ),
    terms=(
        "parameters()",
        "named_parameters",
        "generator",
        "optimizer got an empty parameter list",
    ),
)
