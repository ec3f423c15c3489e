"""What is in a state_dict, and under which key."""

import dataclasses

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, flag
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.states import ModuleState, Table, TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Keys(Parameters):
    """Say how BatchNorm is made, and whether the first layer is frozen."""

    frozen: bool = flag(True, label="frozen", help="requires_grad_(False) on the first layer.")
    affine: bool = flag(True, label="affine", help="Whether BatchNorm has weight and bias.")
    track: bool = flag(True, label="track_running_stats", help="Whether BatchNorm has buffers.")


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
norm = nn.BatchNorm1d(1, affine=${affine}, track_running_stats=${track})
net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Sequential(norm, nn.ReLU()))
net[0].requires_grad_(not ${frozen})
y = net(torch.tensor([[1.], [3.]]))
saved = net.state_dict()
keys = list(saved)
trained = [name for name, p in net.named_parameters() if p.requires_grad]
"""


def _walked(module: ModuleState, path: str = "") -> dict[str, TensorState]:
    """Collect a module's own parameters and buffers, then each child's, by path."""
    own = {**module.parameters, **module.buffers}
    found = {f"{path}{name}": state for name, state in own.items()}
    for name, child in module.children.items():
        found |= _walked(child, f"{path}{name}.")
    return found


def _keys(trace: Trace, settings: Keys) -> float:
    norm = ["weight", "bias"] if settings.affine else []
    if settings.track:
        norm += ["running_mean", "running_var", "num_batches_tracked"]
    expected = ["0.weight", *(f"1.0.{name}" for name in norm)]
    found = told(trace, "keys")
    return float(found != expected or [*_walked(final(trace, "net"))] != expected)


def _shared(trace: Trace, settings: Keys) -> float:
    saved, live = final(trace, "saved"), _walked(final(trace, "net"))
    if not isinstance(saved, Table):
        return 1.0
    pairs = [(state, live.get(name)) for name, state in saved.items.items()]
    alike = [
        isinstance(state, TensorState)
        and other is not None
        and (state.storage, state.values, state.requires_grad)
        == (other.storage, other.values, False)
        for state, other in pairs
    ]
    return float(alike.count(False))


def _trained(trace: Trace, settings: Keys) -> float:
    expected = [] if settings.frozen else ["0.weight"]
    expected += ["1.0.weight", "1.0.bias"] if settings.affine else []
    return float(told(trace, "trained") != expected)


def _only(trace: Trace) -> tuple[Verdict, str]:
    keys, trained = told(trace, "keys"), told(trace, "trained")
    said = f"{trained} parameters can be trained; keys: {keys}"
    return (Verdict.WRONG if trained < len(keys) else Verdict.HOLDS), said


def _whole(trace: Trace) -> tuple[Verdict, str]:
    keys = told(trace, "keys")
    return (Verdict.HOLDS if len(keys) == 4 else Verdict.CONDITION), f"keys: {keys}"


def _deep(trace: Trace) -> tuple[Verdict, str]:
    keys = told(trace, "keys")
    right = keys == ["0.0.0.weight"]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"keys: {keys}"


def _at_once(trace: Trace) -> tuple[Verdict, str]:
    keys, after = told(trace, "keys"), told(trace, "after")
    said = f"{len(keys)} keys at once, {len(after)} after a step"
    return (Verdict.HOLDS if keys == after else Verdict.CONDITION), said


def _stored(trace: Trace) -> tuple[Verdict, str]:
    extra = told(trace, "extra")
    return (Verdict.CONDITION if extra else Verdict.HOLDS), f"no parameters are {extra}"


_FROZEN = (
    "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Linear(1, 1, bias=False), "
    "nn.BatchNorm1d(1, affine=False), nn.ReLU())\nnet[0].requires_grad_(False)\n"
    "trained = sum(p.requires_grad for p in net.parameters())\nkeys = list(net.state_dict())"
)

KEYS = Lesson(
    slug="keys",
    title="state_dict",
    notice="The frozen layer is saved, and BatchNorm's buffers; ReLU has nothing to save.",
    program=PROGRAM,
    parameters=Keys,
    presets=(
        Preset(
            "All of it",
            "The frozen layer is saved, and BatchNorm's buffers; ReLU has nothing to save.",
            Keys(),
        ),
        Preset(
            "Not affine",
            "Nothing here can be trained, and four tensors are saved.",
            Keys(affine=False),
        ),
        Preset(
            "Without statistics",
            "track_running_stats=False registers None for each buffer: no key.",
            Keys(track=False),
        ),
    ),
    shows=("saved", "net"),
    notes={
        "saved =": "Not copies: each is detached, on the memory that net uses.",
        "keys =": "The names on the way down, with dots between.",
    },
    slips=(
        Slip(
            title="state_dict filtered by requires_grad",
            program="from torch import nn\n\nnet = nn.Linear(1, 1)\n"
            "named = dict(net.named_parameters())\n"
            "kept = [name for name, v in named.items() if v.requires_grad]",
            wrong="named = net.state_dict()",
            right="named = dict(net.named_parameters())",
            lesson="What a state_dict holds is detached: none of it requires a gradient, so "
            "nothing is kept.",
            source=("Synaptic-Flow#9", "https://github.com/ganguli-lab/Synaptic-Flow/pull/9"),
            opens="kept =",
        ),
        Slip(
            title="saving the parameters alone",
            program="import torch\nfrom torch import nn\n\nnet = nn.BatchNorm1d(1)\n"
            "y = net(torch.tensor([[1.], [3.]]))\nsaved = net.state_dict()\n"
            "new = nn.BatchNorm1d(1)\nnew.load_state_dict(saved, strict=False)",
            wrong="saved = dict(net.named_parameters())",
            right="saved = net.state_dict()",
            lesson="Buffers are no parameters: the running mean is lost, and strict=False hides "
            "it.",
            source=("torch.nn.Module.state_dict", f"{_DOCS}/generated/torch.nn.Module.html"),
            opens="load_state_dict",
        ),
    ),
    proofs=(
        Proof(
            "A key for each parameter and each buffer, frozen or not, by its path.",
            "the names, written down, and the tree, walked",
            _keys,
            twin=("keys = list(saved)", "keys = [name for name, _ in net.named_parameters()]"),
        ),
        Proof(
            "Each tensor of saved lies on the memory that net uses, and requires no gradient.",
            "storages and values of both",
            _shared,
            twin=("saved = net.state_dict()", "saved = net.state_dict(keep_vars=True)"),
        ),
        Proof(
            "What can be trained is another list: no frozen weight, no buffer.",
            "the settings themselves",
            _trained,
            twin=("if p.requires_grad]", "]"),
        ),
    ),
    statements=(
        Statement(
            says="Only layers that can be trained are in a model's state_dict.",
            where="Saving and loading a model",
            program=_FROZEN,
            judge=_only,
            truth="All parameters are, frozen ones too, and persistent buffers; a layer with "
            "neither has no key.",
            twin=(
                "nn.BatchNorm1d(1, affine=False), nn.ReLU())\nnet[0].requires_grad_(False)",
                "nn.ReLU())",
            ),
        ),
        Statement(
            says="A state_dict holds the whole state of a module.",
            where="state_dict() and load_state_dict()",
            program="import torch\nfrom torch import nn\nnet = nn.BatchNorm1d(1, affine=False)\n"
            "net.register_buffer('mask', torch.ones(1), persistent=False)\n"
            "keys = list(net.state_dict())",
            judge=_whole,
            truth="Parameters and persistent buffers; not other buffers, plain attributes, or "
            "whether it trains.",
            twin=(", persistent=False)", ")"),
        ),
        Statement(
            says="state_dict() goes down through the submodules, and puts their names before the "
            "tensors'.",
            where="state_dict() and load_state_dict()",
            program="from torch import nn\nnet = nn.Sequential(nn.Sequential(nn.Sequential("
            "nn.Linear(1, 1, bias=False))))\nkeys = list(net.state_dict())",
            judge=_deep,
            truth="All the way down, with dots between.",
            twin=("list(net.state_dict())", "list(net[0].state_dict())"),
        ),
        Statement(
            says="A state_dict is there as soon as the model or the optimizer is defined.",
            where="Saving and loading a model",
            program="import torch\nfrom torch import nn\nnet = nn.Linear(1, 1)\n"
            "optimizer = torch.optim.Adam(net.parameters())\n"
            "keys = list(optimizer.state_dict()['state'])\nnet(torch.ones(1, 1)).sum().backward()\n"
            "optimizer.step()\nafter = list(optimizer.state_dict()['state'])",
            judge=_at_once,
            truth="A model's is; an optimizer's has no state of a parameter before its first step.",
            twin=("Adam(net.parameters())", "SGD(net.parameters(), lr=0.1)"),
        ),
        Statement(
            says="Going through state_dict().items() shows the parameters and their sizes.",
            where="Showing parameters",
            program="from torch import nn\nnet = nn.Sequential(nn.Linear(1, 1), "
            "nn.BatchNorm1d(1))\nnames = dict(net.named_parameters())\n"
            "extra = [name for name in net.state_dict() if name not in names]",
            judge=_stored,
            truth="And the buffers, which are no parameters.",
            twin=("nn.BatchNorm1d(1)", "nn.ReLU()"),
        ),
    ),
    ask=Ask(
        text="How many keys has the state_dict of a frozen nn.BatchNorm2d(8)?",
        program="from torch import nn\nnet = nn.BatchNorm2d(8).requires_grad_(False)\n"
        "count = len(net.state_dict())",
        answer=lambda trace: str(told(trace, "count")),
        options=("0", "2", "3", "5"),
        because="weight and bias, frozen or not; running mean, running variance and the count.",
    ),
    references=(
        (
            "torch.nn.Module.state_dict",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.state_dict",
        ),
    ),
    terms=("state_dict", "keep_vars", "frozen", "running_mean", "num_batches_tracked"),
)
