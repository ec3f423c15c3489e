"""Mistakes about the draw: weights that are equal, fans, and where a normal is cut."""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from explainers import devices
from explainers.evidence import CurveMistake, Mistake
from explainers.initialization.initialization import schemes
from explainers.initialization.initialization.mistakes import gains
from explainers.initialization.initialization.propagation import (
    SIDE,
    counted,
    propagate,
    weight_shape,
)
from explainers.initialization.initialization.schemes import connections, fans
from explainers.initialization.initialization.seeding import seeded
from explainers.parameters import Parameters, choice, number

_PYTORCH = "https://github.com/pytorch/pytorch"


@dataclasses.dataclass(frozen=True)
class Symmetry(Parameters):
    """Hold the weights that all start equal."""

    start: str = choice(
        "constant",
        ("constant", "zeros"),
        label="all weights start at",
        help="In both layers.",
        words=("0.5", "0"),
    )


def symmetry(parameters: Symmetry, *, device: str = "cpu") -> CurveMistake:
    """Train eight hidden units from equal weights, and from random ones.

    Args:
        parameters: The value they share.
        device: Where torch computes.
    """
    equal = "zeros" if parameters.start == "zeros" else "constant"
    (wrong, few), (right, many) = (_trained(scheme, device) for scheme in (equal, "xavier_normal"))
    call = "init.zeros_(layer.weight)" if equal == "zeros" else "init.constant_(layer.weight, 0.5)"
    return CurveMistake(
        mistake=Mistake(
            wrong=call,
            right="init.xavier_normal_(layer.weight)",
            wrong_cost=f"After {len(wrong) - 1} steps 8 hidden units hold {few} different "
            f"weight{'s' if few > 1 else ''}: they act as one. The loss stays at "
            f"{float(wrong[-1]):.2f}.",
            right_cost=f"8 hidden units hold {many} different weights; the loss falls to "
            f"{float(right[-1]):.2g}.",
            lesson="Equal units get equal gradients and stay equal. From zeros nothing "
            "moves: each layer's gradient is a multiple of the other's weights.",
            source=(
                "CS231n, Pitfall: all zero initialization",
                "https://cs231n.github.io/neural-networks-2/#init",
            ),
        ),
        wrong=wrong,
        right=right,
        title="Loss of 8 tanh units learning x0·x1",
        over="step",
        shows="loss (mean squared error)",
    )


def _trained(scheme: str, device: str) -> tuple[Tensor, int]:
    """Return the loss of each step of Adam, and how many hidden units differ at the end."""
    where = devices.device(device)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(128, 2, generator=generator)
    target = (x[:, :1] * x[:, 1:]).to(where)
    x = x.to(where)
    first, second = (
        schemes.fill(torch.empty(shape), scheme, std=0.5, generator=generator)
        .to(where)
        .requires_grad_()
        for shape in ((8, 2), (1, 8))
    )
    bias = torch.zeros(8, device=where, requires_grad=True)
    optimizer = torch.optim.Adam([first, second, bias], lr=0.05)
    losses = []
    for _ in range(81):
        loss = F.mse_loss(F.linear(torch.tanh(F.linear(x, first, bias)), second), target)
        losses.append(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    rows = (first.detach() * 1e4).round().cpu()
    return torch.stack(losses).double().cpu(), len(torch.unique(rows, dim=0))


@dataclasses.dataclass(frozen=True)
class Fans(Parameters):
    """Hold the layer whose fans torch counts by its weight's shape."""

    kind: str = choice(
        "depthwise",
        ("depthwise", "transposed"),
        label="convolution",
        help="depthwise: 3x3 per channel; transposed: 4x4, stride 2.",
    )


def count_fans(parameters: Fans, *, device: str = "cpu") -> CurveMistake:
    """Fill convolutions by the fans that torch counts, and by those that are there.

    Args:
        parameters: The layer.
        device: Where torch computes.
    """
    depthwise = parameters.kind == "depthwise"
    channels, depth = 32, 12
    with seeded(0):
        layer: nn.Module = (
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
            if depthwise
            else nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1)
        )
    mode = "fan_out" if depthwise else "fan_in"
    at = int(depthwise)
    said, true = fans(layer)[at], connections(layer, (channels, 64, 64))[at]
    exact = 9.0 if depthwise else channels * 4.0
    shared = {
        "depth": depth,
        "width": channels,
        "batch": 256,
        "kind": parameters.kind,
        "device": device,
    }
    wrong = propagate("kaiming_normal", "relu", mode=mode, **shared)  # type: ignore[arg-type]
    right = propagate("normal", "relu", std=math.sqrt(2 / exact), **shared)  # type: ignore[arg-type]
    # The stack's own pictures are small, and their borders lose connections.
    small = float(counted(parameters.kind, channels).sum(1).mean())
    return gains.spreads(
        mistake=Mistake(
            wrong=f'init.kaiming_normal_(conv.weight, mode="{mode}", nonlinearity="relu")',
            right=(
                "fan = 3 * 3  # the kernel: one input channel, one output channel"
                if depthwise
                else "fan = conv.in_channels * 4 * 4 / 2**2  # kernel / stride²"
            )
            + "\ninit.normal_(conv.weight, std=sqrt(2 / fan))",
            wrong_cost=f"torch counts {mode} = {said}; on 64x64 pictures it is {true:.1f}. "
            f"After {depth} layers the std is {float(wrong.forward_std[-1]):.2g}.",
            right_cost=f"After {depth} layers the std is "
            f"{float(right.forward_std[-1]):.2g}: borders and chance take the "
            "rest.",
            lesson="torch reads the weight's shape, (out, in/groups, height, width). It "
            "sees no groups (a depthwise fan_out is too large by the number of "
            "channels), no strides, nor that a transposed weight swaps in and out.",
            source=("pytorch#23854", f"{_PYTORCH}/issues/23854"),
        ),
        wrong=wrong.forward_std,
        right=right.forward_std,
        title=f"Activations of {depth} {parameters.kind} convolutions, {channels} channels, "
        "no bias",
        others={"theory, wrong line": wrong.predicted_forward_std},
        steps=(
            f"weight  {tuple(weight_shape(parameters.kind, channels))}",
            f"torch   fan_in = {fans(layer)[0]}, fan_out = {fans(layer)[1]}",
            "counted inputs per output = {:.1f}, outputs per input = {:.1f}   (64x64)".format(
                *connections(layer, (channels, 64, 64))
            ),
            f"counted inputs per output = {small:.1f}   ({SIDE}x{SIDE}, as drawn)",
        ),
    )


@dataclasses.dataclass(frozen=True)
class Truncated(Parameters):
    """Hold the std that trunc_normal_ is asked for."""

    std: float = number(
        1.0, label="std", help="The std asked for.", minimum=0.02, maximum=2.0, step=0.02
    )


_KEPT = 0.8796256610342398  # std of a standard normal cut at ±2


def truncated(parameters: Truncated, *, device: str = "cpu") -> CurveMistake:
    """Ask trunc_normal_ for a std with the bounds it has, and with bounds of two stds.

    Args:
        parameters: The std.
        device: Where torch computes; weights are drawn on the CPU.
    """
    devices.device(device)
    asked = torch.linspace(0.05, 2.0, 14, dtype=torch.float64)

    def drawn(std: float, *, bounded: bool) -> Tensor:
        weight = torch.empty(20_000)
        generator = torch.Generator().manual_seed(0)
        if bounded:
            before = std / _KEPT
            return init.trunc_normal_(
                weight, std=before, a=-2 * before, b=2 * before, generator=generator
            )
        return init.trunc_normal_(weight, std=std, generator=generator)

    wrong, right = (
        torch.stack([drawn(std, bounded=bounded).double().std() for std in asked.tolist()])
        for bounded in (False, True)
    )
    std = parameters.std
    mine, mended = drawn(std, bounded=False), drawn(std, bounded=True)
    return CurveMistake(
        mistake=Mistake(
            wrong=f"init.trunc_normal_(weight, std={std:.2f})",
            right=f"std = {std:.2f} / {_KEPT:.4f}  # what a cut at two stds leaves\n"
            "init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)",
            wrong_cost=f"Asked {std:.3g}, got {float(mine.std()):.3g}; the largest of "
            f"20,000 weights lies {float(mine.abs().max()) / std:.1f} stds from "
            "0.",
            right_cost=f"Asked {std:.3g}, got {float(mended.std()):.3g}; the largest of "
            f"20,000 weights lies {float(mended.abs().max()) / std * _KEPT:.1f} "
            "of the uncut normal's stds from 0.",
            lesson="a and b are the numbers -2 and 2, not stds. At std 1 they leave "
            f"{_KEPT:.2f}; at transformers' 0.02 they cut nothing.",
            source=(
                "pytorch-image-models#1286",
                "https://github.com/huggingface/pytorch-image-models/issues/1286",
            ),
        ),
        wrong=wrong,
        right=right,
        title="trunc_normal_'s std, by the std asked",
        over="std asked",
        shows="std got",
        x=asked,
    )
