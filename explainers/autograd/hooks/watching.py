"""A small convolutional network, watched: maps on the way forth, norms on the way back."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_IMAGES = {
    "a diagonal": "torch.eye(6)",
    "an edge": "torch.ones(6, 6).tril()",
    "nothing": "torch.zeros(6, 6)",
}


@dataclasses.dataclass(frozen=True)
class Watching(Parameters):
    """Say what the network sees, how many channels it has, and which class is asked for."""

    image: str = choice("a diagonal", tuple(_IMAGES), label="image", help="6 by 6.")
    channels: int = number(
        2, label="channels", help="Of the convolution.", minimum=1, maximum=3, step=1
    )
    seed: int = number(0, label="seed", help="Of the weights.", minimum=0, maximum=9, step=1)


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(${seed})
conv = nn.Conv2d(1, ${channels}, 3)
net = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * ${channels}, 2))
maps, norms = {}, {}
def watch(layer, args, out):
    name = type(layer).__name__
    maps[name] = out.detach()
    out.register_hook(lambda grad: norms.update({name: grad.norm()}))
handles = [layer.register_forward_hook(watch) for layer in net]
image = ${image}
net(image.view(1, 1, 6, 6))[0, 0].backward()
for handle in handles: handle.remove()
"""


def _weights(trace: Trace) -> list[NDArray[np.float64]]:
    layers = final(trace, "net").children
    found = [layers[at].parameters[name] for at in ("0", "4") for name in ("weight", "bias")]
    return [np.array(each.values).reshape(each.shape) for each in found]


def _maps(trace: Trace, settings: Watching) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Return each layer's output in loops, and the norm of the gradient at the convolution's."""
    weight, bias, last, shift = _weights(trace)
    image = np.array(final(trace, "image").values).reshape(6, 6)
    conv = np.zeros((settings.channels, 4, 4))
    for c, row, column in np.ndindex(*conv.shape):
        window = image[row : row + 3, column : column + 3]
        conv[c, row, column] = (window * weight[c, 0]).sum() + bias[c]
    relu = np.maximum(conv, 0)
    pool = relu.reshape(settings.channels, 2, 2, 2, 2).max((2, 4))
    passed = last[0] * (pool.ravel() > 0)  # the largest of each window alone, if ReLU lets it
    maps = {
        "Conv2d": conv,
        "ReLU": relu,
        "MaxPool2d": pool,
        "Flatten": pool,
        "Linear": last @ pool.ravel() + shift,
    }
    return maps, float(np.linalg.norm(passed))


def _forth(trace: Trace, settings: Watching) -> float:
    found = final(trace, "maps").items
    expected, _ = _maps(trace, settings)
    if [*found] != [*expected]:
        return math.inf
    return max(
        difference(found[name].values, each.ravel().tolist()) for name, each in expected.items()
    )


def _back(trace: Trace, settings: Watching) -> float:
    found = final(trace, "norms").items
    _, first = _maps(trace, settings)
    row = float(np.linalg.norm(_weights(trace)[2][0]))
    expected = {"Linear": 1.0, "Flatten": row, "MaxPool2d": row, "ReLU": row, "Conv2d": first}
    if [*found] != [*expected]:
        return math.inf
    return max(difference(found[name].values, [norm]) for name, norm in expected.items())


def _kept(trace: Trace) -> tuple[Verdict, str]:
    shapes = [tuple(item.shape) for item in final(trace, "outs").items]
    verdict = Verdict.HOLDS if len(shapes) == 2 else Verdict.WRONG
    return verdict, f"outputs of {shapes}"


_SHARED = """
import torch

relu = torch.nn.ReLU()
net = torch.nn.Sequential(torch.nn.Linear(1, 2), relu, torch.nn.Linear(2, 2), relu)
seen = []
relu.register_forward_hook(lambda module, args, out: seen.append(out.detach()))
net(torch.ones(1))
"""
_LEFT = """
import torch

layer = torch.nn.Identity()
seen = []
keep = lambda module, args, out: seen.append(out)
for x in (torch.ones(1), torch.zeros(1)):
    handle = layer.register_forward_hook(keep)
    layer(x)
    handle.remove()
"""

WATCHING = Lesson(
    slug="watching",
    title="watching a network",
    notice="One hook on each layer: maps hold what went forth, norms how long the gradient was "
    "that came back.",
    program=PROGRAM,
    parameters=Watching,
    spelled={"image": _IMAGES},
    presets=(
        Preset("A diagonal", "4 by 4 after the convolution, 2 by 2 after pooling.", Watching()),
        Preset("An edge", "Other maps, the same shapes.", Watching("an edge")),
        Preset(
            "Nothing",
            "The convolution of a black image is its bias, everywhere.",
            Watching("nothing"),
        ),
        Preset("Three channels", "Three maps a layer.", Watching(channels=3)),
    ),
    opens="net(image",
    shows=("maps", "norms", "image"),
    notes={
        "maps[name]": "Detached: a kept output would keep the whole graph.",
        "out.register_hook": "The gradient comes by later, when backward runs.",
        "for handle": "Or they stay for good, and look on at every call.",
    },
    slips=(
        Slip(
            title="a hook that stays",
            program=_LEFT,
            wrong="layer(x)",
            right="layer(x)\n    handle.remove()",
            lesson="Two calls, three entries: the first hook was still there. Its handle removes "
            "it, and serves as a with.",
            source=("bdpy#72", "https://github.com/KamitaniLab/bdpy/issues/72"),
        ),
        Slip(
            title="one module, called twice",
            program=_SHARED,
            wrong="seen = {}\n"
            "relu.register_forward_hook(lambda module, args, out: seen.update({module: out}))",
            right="seen = []\n"
            "relu.register_forward_hook(lambda module, args, out: seen.append(out.detach()))",
            lesson="One ReLU at two places runs its hook twice, and the second overwrites the "
            "first. Keep a list, or a module for each place.",
            source=("tangermeme#54", "https://github.com/jmschrei/tangermeme/pull/54"),
            opens="net(torch.ones",
        ),
    ),
    proofs=(
        Proof(
            "The maps are the convolution, ReLU, the largest of each 2 by 2, and the last layer.",
            "loops, in NumPy",
            _forth,
            twin=("nn.ReLU()", "nn.LeakyReLU()"),
            tolerance=1e-5,
        ),
        Proof(
            "The gradient has length 1 at the class; from there to ReLU that of the class's row "
            "of weights; at the convolution that of the part which ReLU let through.",
            "numpy.linalg.norm",
            _back,
            twin=("[0, 0].backward()", "[0, 1].backward()"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="With hooks, inputs and outputs of each layer can be watched.",
            where="Watching each layer",
            program="import torch\nfrom torch import nn\n"
            "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())\nouts = []\n"
            "for layer in net.children():\n"
            "    layer.register_forward_hook(lambda module, args, out: outs.append(out))\n"
            "net(torch.ones(1, 1, 4, 4))",
            judge=_kept,
            truth="Of each module that is called. F.relu is no module, and has no hook.",
            twin=("net.children()", "[net]"),
        ),
    ),
    ask=Ask(
        text="The same hook is registered twice on one layer. How often does it run at a call?",
        program="import torch\nran = []\nlayer = torch.nn.Identity()\n"
        "hook = lambda module, args, out: ran.append(1)\nlayer.register_forward_hook(hook)\n"
        "layer.register_forward_hook(hook)\nlayer(torch.ones(1))",
        answer=lambda trace: str(len(final(trace, "ran").text.split(","))),
        options=("0", "1", "2"),
        because="Each registration is one more entry; a notebook's cell run twice looks twice.",
    ),
    references=(
        (
            "Module.register_forward_hook",
            f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook",
        ),
        (
            "pytorch#61519: a tensor hook in a forward hook",
            "https://github.com/pytorch/pytorch/issues/61519",
        ),
    ),
    terms=("feature map", "activations", "gradient norm", "RemovableHandle", "Conv2d"),
)
