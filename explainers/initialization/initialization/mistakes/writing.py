"""Mistakes about writing weights: in place, through .data, by name."""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from explainers import devices
from explainers.evidence import CurveMistake, Mistake
from explainers.initialization.initialization.claims import normalised_network
from explainers.initialization.initialization.seeding import seeded
from explainers.parameters import Parameters, choice, number

_PYTORCH = "https://github.com/pytorch/pytorch"
_DRAWS = {"fill_": ("fill_", (1.0,)), "normal_": ("normal_", (0.0, 0.02))}


@dataclasses.dataclass(frozen=True)
class InPlace(Parameters):
    """Hold the in-place call on a weight."""

    call: str = choice("fill_", tuple(_DRAWS), label="call", help="What is called on the weight.")


def in_place(parameters: InPlace, *, device: str = "cpu") -> CurveMistake:
    """Change a weight in place, outside `torch.no_grad()` and under it.

    Args:
        parameters: The call.
        device: Where the layer lives.
    """
    where = devices.device(device)
    name, values = _DRAWS[parameters.call]
    with seeded(0):
        layer = nn.Linear(8, 8).to(where)
    with seeded(1):
        try:
            getattr(layer.weight, name)(*values)
            said = ""
        except RuntimeError as error:
            said = str(error)
    wrong = layer.weight.detach().flatten().double().cpu().sort().values
    with seeded(1), torch.no_grad():
        getattr(layer.weight, name)(*values)
    right = layer.weight.detach().flatten().double().cpu().sort().values
    call = f"module.weight.{name}({', '.join(str(value) for value in values)})"
    return CurveMistake(
        mistake=Mistake(
            wrong=f"def init_weights(module):\n    {call}",
            right=f"@torch.no_grad()\ndef init_weights(module):\n    {call}",
            wrong_cost=f"torch raises; the weights stay nn.Linear's: {float(wrong[0]):.2f} "
            f"to {float(wrong[-1]):.2f}."
            if said
            else "torch raises nothing: the weights are changed.",
            right_cost=f"The weights: {float(right[0]):.2f} to {float(right[-1]):.2f}.",
            lesson="While autograd records, a leaf that requires a gradient may not change "
            "in place. torch.nn.init works under no_grad: init.ones_(weight).",
            source=("pytorch/audio PR 1993", "https://github.com/pytorch/audio/pull/1993"),
        ),
        wrong=wrong,
        right=right,
        title="The 64 weights, sorted",
        over="rank",
        shows="weight",
        said=said,
    )


@dataclasses.dataclass(frozen=True)
class Data(Parameters):
    """Hold the std of the new weights."""

    std: float = number(
        0.2, label="std", help="Of the new weights.", minimum=0.02, maximum=0.5, step=0.02
    )


def through_data(parameters: Data, *, device: str = "cpu") -> CurveMistake:
    """Draw a convolution's weights through .data after the forward pass, or before it without.

    Args:
        parameters: The std of the new weights.
        device: Where torch computes.
    """
    where = devices.device(device)

    def run(way: str) -> tuple[Tensor, float, str]:
        """Return the gradient (NaN for none), how far off it is, and what torch raised."""
        with seeded(0):
            conv = nn.Conv2d(1, 1, 3, padding=1).to(where)
            x = torch.randn(1, 1, 4, 8).to(where).requires_grad_()
        if way == "before":
            with seeded(1):
                init.normal_(conv.weight, 0.0, parameters.std)
        y = conv(x)
        # The chain rule by hand, with the weights that made y.
        due = F.conv_transpose2d(2 * y.detach(), conv.weight.detach().clone(), padding=1)
        if way != "before":
            with seeded(1):
                target = conv.weight.data if way == "by .data" else conv.weight
                init.normal_(target, 0.0, parameters.std)
        try:
            (came,) = torch.autograd.grad(y.square().sum(), x)
        except RuntimeError as error:
            return torch.full_like(due, math.nan), math.nan, str(error)
        off = float((came - due).norm() / due.norm())
        return came.flatten().double().cpu(), off, ""

    wrong, off, silent = run("by .data")
    right, none, _ = run("before")
    _, _, said = run("after")
    heard = said.split(":", maxsplit=1)[0].removesuffix(".")
    return CurveMistake(
        mistake=Mistake(
            wrong=f"y = conv(x)\ninit.normal_(conv.weight.data, 0.0, {parameters.std:.2f})\n"
            "y.square().sum().backward()",
            right=f"init.normal_(conv.weight, 0.0, {parameters.std:.2f})\n"
            "y = conv(x)\ny.square().sum().backward()",
            wrong_cost=f"No error, but the gradient is {off:.0%} off: it mixes y of the old "
            "weights with the new weights."
            if not silent
            else f"torch raises: {silent}",
            right_cost=f"The gradient is {none:.0%} off: y and weights belong together.",
            lesson="Initialise before the forward pass, without .data: it hides the change from "
            + (f"autograd, which otherwise raises at backward: {heard}." if said else "autograd."),
            source=("pytorch#6990", f"{_PYTORCH}/issues/6990"),
        ),
        wrong=wrong,
        right=right,
        title="Gradient of y².sum() at each of x's pixels",
        over="pixel",
        shows="gradient",
    )


@dataclasses.dataclass(frozen=True)
class ByName(Parameters):
    """Hold the std of the weights that are found."""

    std: float = number(
        0.02,
        label="std",
        help="Of the weights that are drawn.",
        minimum=0.02,
        maximum=0.5,
        step=0.02,
    )


def by_name(parameters: ByName, *, device: str = "cpu") -> CurveMistake:
    """Initialise a network with batch normalisation by parameter names, and by modules.

    Args:
        parameters: The std.
        device: Where torch computes.
    """
    where = devices.device(device)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 64, generator=generator).to(where)

    def spreads(*, named: bool) -> Tensor:
        network = normalised_network().to(where)
        with seeded(1):
            for name, parameter in network.named_parameters() if named else ():
                if "weight" in name:
                    init.normal_(parameter, std=parameters.std)
            for module in () if named else network:
                if isinstance(module, nn.Linear):
                    init.normal_(module.weight, std=parameters.std)
        h, found = x, [x.std()]
        with torch.no_grad():
            for module in network:
                h = module(h)
                found.append(h.std())
        return torch.stack(found).double().cpu()

    wrong, right = spreads(named=True), spreads(named=False)
    std = f"{parameters.std:.2f}"
    return CurveMistake(
        mistake=Mistake(
            wrong="for name, parameter in net.named_parameters():\n"
            f'    if "weight" in name:\n        init.normal_(parameter, std={std})',
            right="for module in net.modules():\n    if isinstance(module, nn.Linear):\n"
            f"        init.normal_(module.weight, std={std})",
            wrong_cost="BatchNorm's gamma is drawn too: the output's std is "
            f"{float(wrong[-1]):.2g} instead of {float(right[-1]):.2g}.",
            right_cost=f"The output's std is {float(right[-1]):.2g}: normalisation makes up "
            "for the weights' std.",
            lesson="'weight' also names BatchNorm's gamma, which should start at 1. Choose by "
            "isinstance.",
            source=(
                "pytorch/examples#516",
                "https://github.com/pytorch/examples/issues/516",
            ),
        ),
        wrong=wrong,
        right=right,
        title="Spread of the input and after each module",
        over="module (0 input, 1 Linear, 2 BatchNorm, 3 ReLU, 4 Linear, 5 BatchNorm)",
        shows="std",
        log=True,
    )
