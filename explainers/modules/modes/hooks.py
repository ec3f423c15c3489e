"""A forward hook that keeps what a layer gave, and what becomes of it."""

import dataclasses
import math
from typing import Any

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Table, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_HOOK = (
    "torch.nn.Module.register_forward_hook",
    f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook",
)


@dataclasses.dataclass(frozen=True)
class Hooks(Parameters):
    """Say what the hook keeps, what comes after the layer, and what goes in."""

    kept: str = choice(
        "output",
        ("output", "output.detach()", "output.clone()"),
        label="kept",
        help="What the hook puts into found.",
    )
    relu: str = choice(
        "nn.ReLU()", ("nn.ReLU()", "nn.ReLU(inplace=True)"), label="next", help="After the layer."
    )
    first: int = number(
        1, label="x[0, 0]", help="The first cell of what goes in.", minimum=1, maximum=9, step=1
    )


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), ${relu}, nn.Linear(4, 1))
found = {}

def keep(module, args, output):
    found["hidden"] = ${kept}

handle = net[0].register_forward_hook(keep)
y = net(torch.tensor([[${first}., -1.]]))
handle.remove()
z = net(torch.tensor([[0., 0.]]))
"""


def _hidden(trace: Trace) -> Any:
    found = final(trace, "found")
    held = found.items.get("hidden") if isinstance(found, Table) else None
    return held if isinstance(held, TensorState) else None


def _layer(trace: Trace, settings: Hooks) -> list[float]:
    layer = final(trace, "net").children["0"].parameters
    w = np.array(layer["weight"].values).reshape(4, 2)
    return list(w @ np.array([settings.first, -1.0]) + np.array(layer["bias"].values))


def _kept(trace: Trace, settings: Hooks) -> float:
    held, expected = _hidden(trace), _layer(trace, settings)
    if settings.relu == "nn.ReLU(inplace=True)" and settings.kept != "output.clone()":
        expected = [max(0.0, value) for value in expected]
    return math.inf if held is None else difference(held.values, expected)


def _graph(trace: Trace, settings: Hooks) -> float:
    held = _hidden(trace)
    if held is None:
        return math.inf
    return float(held.requires_grad is not (settings.kept != "output.detach()"))


def _once(trace: Trace, settings: Hooks) -> float:
    calls = {step.frame.number for step in trace.steps if step.frame and step.frame.name == "keep"}
    return abs(len(calls) - 1)


def _called(trace: Trace) -> tuple[Verdict, str]:
    times = final(trace, "called").text
    return (Verdict.HOLDS if times == "1" else Verdict.WRONG), f"the hook ran {times} times"


def _handed(trace: Trace) -> tuple[Verdict, str]:
    args, output = final(trace, "args"), final(trace, "output")
    right = args.kind == "tuple" and isinstance(output, TensorState)
    verdict = Verdict.HOLDS if right else Verdict.CONDITION
    return verdict, f"input: a {args.kind}, output: a {output.kind}"


_SEEN = (
    "import torch\nfrom torch import nn\nnet = nn.Linear(2, 1)\nseen = []\n\n"
    "def keep(module, args, output):\n    seen.append((args, output))\n\n"
    "net.register_forward_hook(keep)\n"
)

HOOKS = Lesson(
    slug="hooks",
    title="forward hooks",
    notice="The hook ran when net[0] had its output, and kept it: found outlives the call. z came "
    "after remove(), and changed nothing.",
    program=PROGRAM,
    parameters=Hooks,
    presets=(
        Preset("Kept as it is", "The tensor itself, with the graph behind it.", Hooks()),
        Preset(
            "In place afterwards",
            "ReLU writes into what was kept: no negative value is left in found.",
            Hooks(relu="nn.ReLU(inplace=True)"),
        ),
        Preset(
            "A clone",
            "What was kept is net[0]'s output, whatever is done to that later.",
            Hooks("output.clone()", "nn.ReLU(inplace=True)"),
        ),
        Preset(
            "Detached",
            "No graph is kept alive; the memory is shared, and ReLU writes into it all the same.",
            Hooks("output.detach()", "nn.ReLU(inplace=True)"),
        ),
    ),
    opens="z = net(",
    shows=("found", "y", "z", "net"),
    notes={
        "def keep": "It gets the module, what went in, and what came out.",
        "handle = ": "The handle takes the hook away again.",
        "y = net(": "By calling the module, as its forward would pass hooks by.",
    },
    slips=(
        Slip(
            title="an in-place ReLU after the hooked layer",
            program=PROGRAM.replace("${kept}", "output.clone()")
            .replace("${relu}", "nn.ReLU(inplace=True)")
            .replace("${first}", "1")
            .strip(),
            wrong='found["hidden"] = output',
            right='found["hidden"] = output.clone()',
            lesson="The hook was handed the tensor, not a copy. Clone it, if anything in place "
            "follows.",
            source=("thingsvision#44", "https://github.com/ViCCo-Group/thingsvision/issues/44"),
        ),
        Slip(
            title="net.forward(x)",
            program="import torch\nfrom torch import nn\n\ntorch.manual_seed(0)\n"
            "net = nn.Linear(2, 1)\nfound = []\n"
            "net.register_forward_hook(lambda module, args, output: found.append(output))\n"
            "y = net(torch.ones(1, 2))",
            wrong="y = net.forward(torch.ones(1, 2))",
            right="y = net(torch.ones(1, 2))",
            lesson="Hooks belong to the call. forward is only what the call does in between.",
            source=("allennlp#456", "https://github.com/allenai/allennlp/issues/456"),
        ),
    ),
    proofs=(
        Proof(
            "What was kept is net[0]'s output, or its ReLU if one wrote into it.",
            "W x + b in numpy",
            _kept,
            twin=("net[0].register", "net[1].register"),
            tolerance=1e-5,
        ),
        Proof(
            "It requires gradients unless it was detached.",
            "the rule, in Python",
            _graph,
            twin=("y = net(", "net.requires_grad_(False); y = net("),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "The hook ran once in two calls of the net: remove() took it away.",
            "one",
            _once,
            twin=("handle.remove()", "pass"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="A forward hook is called when forward is called.",
            where="Auto-grad",
            program=_SEEN + "net.forward(torch.ones(1, 2))\ncalled = len(seen)",
            judge=_called,
            truth="When the module is called: net(x). net.forward(x) passes it by.",
            twin=("net.forward(", "net("),
        ),
        Statement(
            says="A forward hook gets a tuple of tensors as its input, and a tensor as its output.",
            where="Auto-grad",
            program=_SEEN + "net(torch.ones(1, 2))\nargs, output = seen[0]",
            judge=_handed,
            truth="The output is whatever forward returns: of an LSTM, a tuple.",
            twin=("nn.Linear(2, 1)", "nn.LSTM(2, 1)"),
        ),
    ),
    ask=Ask(
        text="A forward hook sits on a Linear. layer.forward(x) runs once and layer(x) twice. How "
        "often did the hook run?",
        program="import torch\nfrom torch import nn\nlayer = nn.Linear(2, 1)\nseen = []\n"
        "handle = layer.register_forward_hook(lambda module, args, output: seen.append(output))\n"
        "x = torch.ones(1, 2)\nlayer.forward(x)\nlayer(x)\nlayer(x)\ncalled = len(seen)",
        answer=lambda trace: str(final(trace, "called").text),
        options=("0", "1", "2", "3"),
        because="Calling the module runs the hooks; forward alone runs none.",
    ),
    references=(_HOOK,),
    terms=("register_forward_hook", "RemovableHandle", "hook", "activations", "inplace"),
)
