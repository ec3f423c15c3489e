"""Forward hooks: they run where a module is called, and may change what goes in and comes out."""

import dataclasses

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Sequence, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_MODULE = ("torch.nn.Module", f"{_DOCS}/generated/torch.nn.Module.html")


@dataclasses.dataclass(frozen=True)
class Calling(Parameters):
    """Say how the layer is called, and what its hooks return."""

    call: str = choice(
        "layer", ("layer", "layer.forward"), label="call", help="The module, or its method."
    )
    before: str = choice(
        "None", ("None", "args[0] + 3"), label="the pre-hook returns", help="Another input."
    )
    after: str = choice("None", ("None", "-out"), label="the hook returns", help="Another output.")
    x: int = number(2, label="x[1]", help="x[0] is -1.", minimum=-4, maximum=4, step=1)


PROGRAM = """
import torch

order = []
def before(module, args):
    order.append("pre-hook")
    return ${before}
def after(module, args, out):
    order.append("hook")
    return ${after}

layer = torch.nn.ReLU()
layer.register_forward_pre_hook(before)
layer.register_forward_hook(after)
x = torch.tensor([-1., ${x}.])
y = ${call}(x)
"""


def _output(trace: Trace, settings: Calling) -> float:
    x = np.array([-1.0, settings.x])
    called = settings.call == "layer"
    if called and settings.before != "None":
        x = x + 3
    y = np.maximum(x, 0)
    return difference(
        final(trace, "y").values, (-y if called and settings.after != "None" else y).tolist()
    )


def _order(trace: Trace, settings: Calling) -> float:
    expected = "['pre-hook', 'hook']" if settings.call == "layer" else "[]"
    return float(final(trace, "order").text != expected)


def _called(trace: Trace) -> tuple[Verdict, str]:
    ran = final(trace, "seen").text != "[]"
    verdict = Verdict.HOLDS if ran else Verdict.CONDITION
    return verdict, f"seen is {final(trace, 'seen').text}"


def _tuple(trace: Trace) -> tuple[Verdict, str]:
    inside = next(step.local for step in trace.steps if "out" in step.local)
    words = {Sequence: "a tuple", TensorState: "a tensor"}
    args, out = (words[type(inside[name])] for name in ("args", "out"))
    verdict = Verdict.HOLDS if (args, out) == ("a tuple", "a tensor") else Verdict.CONDITION
    return verdict, f"input is {args}, output is {out}"


def _changes(trace: Trace) -> tuple[Verdict, str]:
    (value,) = final(trace, "y").values
    verdict = Verdict.HOLDS if value == 1 else Verdict.WRONG
    return verdict, f"Identity of 0 gives {value:g}"


def _unchanged(trace: Trace) -> tuple[Verdict, str]:
    bare, hooked = (list(final(trace, name).values) for name in ("bare", "hooked"))
    verdict = Verdict.HOLDS if bare == hooked else Verdict.CONDITION
    return verdict, f"without a hook {bare}, with it {hooked}"


_PRINTED = """
import torch
seen = []
def printnorm(self, args, out):
    seen.append(args[0].size())
layer = torch.nn.Linear(2, 2)
layer.register_forward_hook(printnorm)
layer.forward(torch.ones(1, 2))
"""

CALLING = Lesson(
    slug="forward",
    title="around a call",
    notice="layer(x) ran both hooks, one before and one after; each returned None and changed "
    "nothing.",
    program=PROGRAM,
    parameters=Calling,
    presets=(
        Preset("Only look", "order says that both ran.", Calling()),
        Preset(
            "layer.forward",
            "order is empty: the method knows of no hook.",
            Calling("layer.forward"),
        ),
        Preset("Another input", "ReLU gets [2, 5] and not [-1, 2].", Calling(before="args[0] + 3")),
        Preset(
            "Another output", "What the hook returns is what the call gives.", Calling(after="-out")
        ),
    ),
    notes={
        '"pre-hook"': "args is a tuple of what the module was called with.",
        '"hook"': "out is what forward returned.",
        "y = ": "Module.__call__ runs pre-hooks, forward, hooks. forward is but the middle.",
    },
    slips=(
        Slip(
            title="hooks do not run: model.forward(x)",
            program="import torch\n\nseen = []\nmodel = torch.nn.Linear(1, 1)\n"
            "model.register_forward_hook(lambda module, args, out: seen.append(out))\n"
            "y = model(torch.ones(1))",
            wrong="model.forward(torch.ones(1))",
            right="model(torch.ones(1))",
            lesson="Call the module. The same holds for pre-hooks, and so for pruning, and for "
            "backward hooks.",
            source=("pytorch#117925", "https://github.com/pytorch/pytorch/issues/117925"),
        ),
        Slip(
            title="a hook that returns by accident",
            program="import torch\n\nmeans = {}\nlayer = torch.nn.ReLU()\n"
            "layer.register_forward_hook(lambda module, args, out: means.update(y=out.mean()))\n"
            "y = layer(torch.tensor([1., 3.]))",
            wrong="means.setdefault('y', out.mean())",
            right="means.update(y=out.mean())",
            lesson="setdefault returns the mean, and the mean becomes the layer's output. update "
            "returns None.",
            source=_MODULE,
        ),
        Slip(
            title="what a hook stored is overwritten by ReLU(inplace=True)",
            program="import torch\n\nkept = []\n"
            "net = torch.nn.Sequential(torch.nn.Identity(), torch.nn.ReLU(inplace=True))\n"
            "net[0].register_forward_hook(lambda module, args, out: kept.append(out.clone()))\n"
            "y = net(torch.tensor([-1., 2.]))",
            wrong="kept.append(out)",
            right="kept.append(out.clone())",
            lesson="The hook kept the tensor, not a copy, and the next layer writes into it.",
            source=("thingsvision#44", "https://github.com/ViCCo-Group/thingsvision/issues/44"),
        ),
    ),
    proofs=(
        Proof(
            "y is ReLU of what the pre-hook returns, then what the hook returns; by forward, ReLU "
            "of x.",
            "numpy.maximum",
            _output,
            twin=("torch.nn.ReLU()", "torch.nn.Identity()"),
        ),
        Proof(
            "A call runs the pre-hook, then the hook; forward neither.",
            "the order, as said",
            _order,
            twin=("layer.register_forward_hook(after)", "layer.register_forward_pre_hook(before)"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="register_forward_hook(fn): when forward is called, fn is called.",
            where="Watching each layer",
            program=_PRINTED,
            judge=_called,
            truth="When the module is called. layer.forward(x) passes all hooks by.",
            twin=("layer.forward(", "layer("),
        ),
        Statement(
            says="It gets the module's input, a tuple, and its output, a tensor.",
            where="Watching each layer",
            program=_PRINTED.replace("layer.forward(", "layer("),
            judge=_tuple,
            truth="The output is whatever forward returns: of an LSTM it is a tuple.",
            twin=("nn.Linear(2, 2)", "nn.LSTM(2, 2)"),
        ),
        Statement(
            says="With hooks one gets at the layers between without changing what goes in and out.",
            where="Hooks",
            program="import torch\nlayer = torch.nn.Identity()\nx = torch.tensor([2.])\n"
            "bare = layer(x)\nlayer.register_forward_hook(lambda module, args, out: None)\n"
            "hooked = layer(x)",
            judge=_unchanged,
            truth="If the hook returns None; whatever else it returns becomes the output.",
            twin=("args, out: None", "args, out: 2 * out"),
        ),
        Statement(
            says="register_forward_pre_hook: a hook before forward runs.",
            where="Hooks",
            program="import torch\nlayer = torch.nn.Identity()\n"
            "layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))\n"
            "y = layer(torch.tensor([0.]))",
            judge=_changes,
            truth="So early that it can still change the input.",
            twin=("layer(torch", "layer.forward(torch"),
        ),
    ),
    ask=Ask(
        text="A forward hook on a layer returns out.detach(). What does the rest of the network "
        "get?",
        program="import torch\nlayer = torch.nn.Linear(1, 1)\n"
        "layer.register_forward_hook(lambda module, args, out: out.detach())\n"
        "y = layer(torch.ones(1))",
        answer=lambda trace: (
            "the output, with its graph"
            if final(trace, "y").requires_grad
            else "the output, cut from its graph"
        ),
        options=(
            "the output, with its graph",
            "the output, cut from its graph",
            "None",
        ),
        because="What a forward hook returns replaces the output, so training stops at this layer.",
    ),
    references=(
        _MODULE,
        (
            "Module.register_forward_hook",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook",
        ),
    ),
    terms=("register_forward_hook", "register_forward_pre_hook", "__call__", "model.forward"),
)
