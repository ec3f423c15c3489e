"""Buffers: saved and moved, and trained by nobody."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import ModuleState, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_KINDS: Mapping[str, tuple[str, bool, bool, bool]] = {
    "a buffer": ('self.register_buffer("mean", torch.zeros(2))', True, False, True),
    "not persistent": (
        'self.register_buffer("mean", torch.zeros(2), persistent=False)',
        False,
        False,
        True,
    ),
    "a plain tensor": ("self.mean = torch.zeros(2)", False, False, False),
    "a frozen Parameter": (
        "self.mean = nn.Parameter(torch.zeros(2), requires_grad=False)",
        True,
        True,
        True,
    ),
}
"""By kind: what stands in the program; whether it is saved, given to an optimizer, and moved."""


@dataclasses.dataclass(frozen=True)
class Buffers(Parameters):
    """Say as what the running mean is kept, and how it runs."""

    kind: str = choice("a buffer", tuple(_KINDS), label="mean is", help="How Norm keeps it.")
    momentum: float = number(
        0.5, label="momentum", help="Share of the new batch.", minimum=0.1, maximum=1.0, step=0.1
    )
    batches: int = number(2, label="batches", help="Put through.", minimum=0, maximum=4, step=1)


PROGRAM = """
import torch
from torch import nn

class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        ${kind}
    def forward(self, x):
        self.mean += ${momentum} * (x.mean(0) - self.mean)
        return (x - self.mean) * self.weight

net = Norm()
for i in range(${batches}):
    y = net(torch.tensor([[1., 2.], [3., 6.]]) + i)
saved = list(net.state_dict())
trained = [name for name, _ in net.named_parameters()]
net.double()
"""


def _mean(trace: Trace) -> TensorState:
    net: ModuleState = final(trace, "net")
    held = {**net.parameters, **net.buffers, **net.unregistered}["mean"]
    assert isinstance(held, TensorState)
    return held


def _running(trace: Trace, settings: Buffers) -> float:
    mean = np.zeros(2, np.float32)
    for i in range(settings.batches):
        batch = np.array([[1, 2], [3, 6]], np.float32) + i
        mean = mean + np.float32(settings.momentum) * (batch.mean(axis=0) - mean)
    return difference(_mean(trace).values, mean.tolist())  # type: ignore[arg-type]


def _where(trace: Trace, settings: Buffers) -> float:
    _, saved, trained, moved = _KINDS[settings.kind]
    found = [
        "mean" in told(trace, "saved"),
        "mean" in told(trace, "trained"),
        _mean(trace).dtype == "float64",
    ]
    return float(found != [saved, trained, moved])


def _printed(trace: Trace) -> tuple[Verdict, str]:
    bn = final(trace, "bn").buffers
    mean, var = bn["running_mean"].values, bn["running_var"].values
    near = all(abs(m - 0.05) < 0.03 for m in mean) and all(abs(v - 0.91) < 0.03 for v in var)
    kind = told(trace, "kind")
    said = f"a {kind}: means {_few(mean)}, variances {_few(var)}"
    if not near or bn["num_batches_tracked"].values != (1,):
        return Verdict.WRONG, said
    return (Verdict.HOLDS if kind == "OrderedDict" else Verdict.CONDITION), said


def _few(values: tuple[float, ...]) -> str:
    return " and ".join(f"{value:.4f}" for value in values)


def _update(trace: Trace) -> tuple[Verdict, str]:
    bn = final(trace, "bn").buffers
    x = np.array(final(trace, "x").values, np.float64).reshape(3, 2)
    means, variances = 0.1 * x.mean(axis=0), 0.9 + 0.1 * x.var(axis=0, ddof=1)
    gap = max(
        difference(bn["running_mean"].values, means.tolist()),
        difference(bn["running_var"].values, variances.tolist()),
    )
    return (Verdict.HOLDS if gap < 1e-6 else Verdict.WRONG), f"largest difference {gap:.1g}"


def _constant(trace: Trace) -> tuple[Verdict, str]:
    before, after = told(trace, "before"), told(trace, "after")
    said = f"running_mean was {before}, and is {after}"
    return (Verdict.HOLDS if before == after else Verdict.WRONG), said


def _not_trained(trace: Trace) -> tuple[Verdict, str]:
    saved, trained = told(trace, "saved"), told(trace, "trained")
    if trained:
        return Verdict.WRONG, f"parameters() gives {trained}"
    said = f"state_dict() holds {saved}, parameters() nothing"
    return (Verdict.HOLDS if saved else Verdict.CONDITION), said


def _named(trace: Trace) -> tuple[Verdict, str]:
    names = told(trace, "names")
    return (Verdict.HOLDS if names == ["mean"] else Verdict.WRONG), f"named_buffers(): {names}"


_BN = (
    "import torch\nfrom torch import nn\ntorch.manual_seed(0)\nbn = nn.BatchNorm1d(2)\n"
    "x = torch.rand(3, 2)\ny = bn(x)\nkind = type(bn._buffers).__name__"
)

BUFFERS = Lesson(
    slug="buffer",
    title="buffers",
    notice="mean moved to float64 and is in state_dict, but no optimizer gets it.",
    program=PROGRAM,
    parameters=Buffers,
    spelled={"kind": {kind: spelled for kind, (spelled, *_) in _KINDS.items()}},
    presets=(
        Preset(
            "A buffer",
            "mean moved to float64 and is in state_dict, but no optimizer gets it.",
            Buffers(),
        ),
        Preset(
            "Not persistent",
            "It moves, but no file holds it: for what can be computed again.",
            Buffers("not persistent"),
        ),
        Preset(
            "A plain tensor",
            "Left behind in float32 and out of every file, though forward uses it.",
            Buffers("a plain tensor"),
        ),
        Preset(
            "A frozen Parameter",
            "Saved and moved too, but parameters() gives it away to optimizers.",
            Buffers("a frozen Parameter"),
        ),
    ),
    notes={
        "self.mean +=": "forward itself writes mean: no backward and no optimizer does.",
        "saved =": "What a file would hold.",
        "trained =": "What an optimizer would be given.",
        "net.double()": "Parameters and buffers are converted; `.to(device)` goes the same way.",
    },
    slips=(
        Slip(
            title="a mask that stays on the CPU",
            program="import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n"
            "    def __init__(self):\n        super().__init__()\n"
            '        self.register_buffer("mask", torch.ones(2))\n\n'
            'net = Net()\nnet.to("meta")\nwhere = str(net.mask.device)',
            wrong="self.mask = torch.ones(2)",
            right='self.register_buffer("mask", torch.ones(2))',
            lesson="net.to(device) takes buffers along; a plain tensor stays where it was made.",
            source=(
                "Lightning#1978",
                "https://github.com/Lightning-AI/pytorch-lightning/issues/1978",
            ),
            opens="where =",
        ),
        Slip(
            title="a list of buffers",
            program="import torch\nfrom torch import nn\n\nnet = nn.Module()\n"
            'net.register_buffer("a", torch.zeros(1))\nnet.names = ["a"]\nnet.double()\n'
            "first = getattr(net, net.names[0])",
            wrong='net.held = [net.a]\nnet.names = ["a"]\nnet.double()\nfirst = net.held[0]',
            right='net.names = ["a"]\nnet.double()\nfirst = getattr(net, net.names[0])',
            lesson="A move makes a new tensor for each buffer: a list keeps the old one. Keep "
            "names.",
            source=("pytorch#29807", "https://github.com/pytorch/pytorch/issues/29807"),
        ),
    ),
    proofs=(
        Proof(
            "mean runs as the same lines do in NumPy, whatever it is kept as.",
            "NumPy, float32",
            _running,
            twin=("x.mean(0) - self.mean", "x.mean() - self.mean"),
            tolerance=1e-5,
        ),
        Proof(
            "mean is saved, given to optimizers and moved as its kind says.",
            "a table of the four kinds",
            _where,
            twin=("net.double()", "net.weight.data = net.weight.data.double()"),
        ),
    ),
    statements=(
        Statement(
            says="After a batch of three rows of torch.rand, BatchNorm1d(2)._buffers prints as an "
            "OrderedDict with means about 0.05, variances about 0.91 and num_batches_tracked 1.",
            where="nn.Module, buffers()",
            program=_BN,
            judge=_printed,
            truth="The numbers are right, the dict is a plain one today.",
            twin=("y = bn(x)", "bn.eval(); y = bn(x)"),
        ),
        Statement(
            says="BatchNorm keeps a running mean and a running variance for the test phase.",
            where="BatchNorm2d",
            program=_BN,
            judge=_update,
            truth="running = 0.9 · running + 0.1 · the batch's, which NumPy gives from x; the "
            "variance kept is the unbiased one.",
            twin=("y = bn(x)", "y = bn(x[:2])"),
        ),
        Statement(
            says="Buffers hold parameters that do not change, such as BatchNorm's mean.",
            where="nn.Module, buffers()",
            program="import torch\nfrom torch import nn\nbn = nn.BatchNorm1d(1)\n"
            "before = bn.running_mean.item()\ny = bn(torch.tensor([[10.], [20.]]))\n"
            "after = bn.running_mean.item()",
            judge=_constant,
            truth="Not by an optimizer; but forward may write them, and BatchNorm's does at each "
            "batch in training mode.",
            twin=("y = bn(", "bn.eval(); y = bn("),
        ),
        Statement(
            says="A buffer is stored, and not updated by the optimizer.",
            where="register_buffer()",
            program="import torch\nfrom torch import nn\nnet = nn.Module()\n"
            "net.register_buffer('mean', torch.zeros(1))\nsaved = list(net.state_dict())\n"
            "trained = [name for name, _ in net.named_parameters()]",
            judge=_not_trained,
            truth="Unless it is registered with persistent=False: then it is not stored either.",
            twin=("torch.zeros(1))", "torch.zeros(1), persistent=False)"),
        ),
        Statement(
            says="named_buffers() shows which buffers are registered.",
            where="register_buffer()",
            program="import torch\nfrom torch import nn\nnet = nn.Module()\n"
            "net.register_buffer('mean', torch.zeros(1))\n"
            "names = [name for name, _ in net.named_buffers()]",
            judge=_named,
            truth="It does, those that are not persistent too.",
            twin=("net.register_buffer('mean', torch.zeros(1))", "net.mean = torch.zeros(1)"),
        ),
    ),
    ask=Ask(
        text='register_buffer("m", t, persistent=False), then net.double(). Where is m?',
        program="import torch\nfrom torch import nn\nnet = nn.Module()\n"
        "net.register_buffer('m', torch.ones(1), persistent=False)\nnet.double()\n"
        "saved = 'm' in net.state_dict()\nmoved = net.m.dtype == torch.float64",
        answer=lambda trace: {
            (True, True): "moved, and in state_dict",
            (True, False): "moved, not in state_dict",
            (False, True): "not moved, but in state_dict",
            (False, False): "neither moved nor in state_dict",
        }[(told(trace, "moved"), told(trace, "saved"))],
        options=(
            "moved, and in state_dict",
            "moved, not in state_dict",
            "not moved, but in state_dict",
            "neither moved nor in state_dict",
        ),
        because="persistent is about saving alone.",
    ),
    references=(
        (
            "torch.nn.Module.register_buffer",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.register_buffer",
        ),
    ),
    terms=(
        "register_buffer",
        "named_buffers",
        "persistent",
        "running_mean",
        "num_batches_tracked",
        "nn.Buffer",
    ),
)
