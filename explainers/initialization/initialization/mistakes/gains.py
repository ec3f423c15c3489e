"""Run the mistakes people make with initial weights, and what each costs."""

import dataclasses
import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, Question
from explainers.initialization.initialization import schemes
from explainers.initialization.initialization.claims import normalised_network
from explainers.initialization.initialization.propagation import (
    SIDE,
    counted,
    propagate,
    weight_shape,
)
from explainers.initialization.initialization.schemes import connections, fans
from explainers.initialization.initialization.seeding import seeded
from explainers.parameters import Parameters, choice, flag, number

_PYTORCH = "https://github.com/pytorch/pytorch"
_spreads = functools.partial(CurveMistake, shows="std of activations", over="layer", log=True)


@dataclasses.dataclass(frozen=True)
class XavierRelu(Parameters):
    """Hold the depth of a ReLU stack."""

    depth: int = number(30, label="depth", help="Layers.", minimum=2, maximum=60, step=1)


def xavier_relu(parameters: XavierRelu, *, device: str = "cpu") -> CurveMistake:
    """Fill a ReLU stack by Xavier without a gain, and by kaiming.

    Args:
        parameters: The depth.
        device: Where torch computes.
    """
    shared = {"depth": parameters.depth, "width": 128, "batch": 64, "device": device}
    wrong = propagate("xavier_normal", "relu", gain=1.0, **shared)  # type: ignore[arg-type]
    right = propagate("kaiming_normal", "relu", **shared)  # type: ignore[arg-type]
    lost = float((wrong.forward_std[1:] / wrong.forward_std[:-1])[1:].log().mean().exp()) ** 2
    return _spreads(
        mistake=Mistake(
            wrong="init.xavier_normal_(layer.weight)",
            right='init.kaiming_normal_(layer.weight, nonlinearity="relu")',
            wrong_cost=f"Each layer keeps {lost:.2f} of the variance: after "
            f"{parameters.depth} layers activations have a std of "
            f"{float(wrong.forward_std[-1]):.2g}, gradients of {float(wrong.backward_std[0]):.2g}.",
            right_cost=f"After {parameters.depth} layers activations have a std of "
            f"{float(right.forward_std[-1]):.2g}, gradients of {float(right.backward_std[0]):.2g}.",
            lesson="ReLU halves the mean square; the gain sqrt(2) restores it. "
            "xavier_normal_'s gain is 1 unless given.",
            source=("He et al., 2015, section 2.2", "https://arxiv.org/abs/1502.01852"),
        ),
        wrong=wrong.forward_std,
        right=right.forward_std,
        title="Activations of a ReLU stack, 128 units, no bias",
        others={"theory, wrong line": wrong.predicted_forward_std},
    )


@dataclasses.dataclass(frozen=True)
class KaimingTanh(Parameters):
    """Hold the depth of a tanh stack."""

    depth: int = number(100, label="depth", help="Layers.", minimum=20, maximum=100, step=1)


def kaiming_tanh(parameters: KaimingTanh, *, device: str = "cpu") -> CurveMistake:
    """Fill a tanh stack by kaiming's default, ReLU's gain, and with gain 1.

    Args:
        parameters: The depth.
        device: Where torch computes.
    """
    depth = parameters.depth
    (grown, _), (faded, spread), (most, _) = (
        _on_its_way_back(gain, device)
        for gain in (math.sqrt(2), 1.0, float(init.calculate_gain("tanh")))
    )
    # The first layers of the deepest stack are a stack.
    grown, faded, most = (row[: depth + 1] for row in (grown, faded, most))
    half = depth // 2

    def rate(row: Tensor) -> str:
        """Return by how much the gradient changes in a layer."""
        return f"{float(row[-1]) ** (1 / depth) - 1:+.1%}"

    return _spreads(
        mistake=Mistake(
            wrong="init.kaiming_normal_(layer.weight)  # tanh follows",
            right="init.xavier_normal_(layer.weight)  # tanh follows",
            wrong_cost=f"{half} layers multiply the gradient by {float(grown[half]):.3g}, {depth} "
            f"by {float(grown[-1]):.3g}: {rate(grown)} a layer, without end.",
            right_cost=f"{half} layers multiply the gradient by {float(faded[half]):.2g}, "
            f"{depth} by {float(faded[-1]):.2g}: it shrinks like a power of the depth, not "
            "exponentially.",
            lesson="kaiming's default is ReLU's gain, sqrt(2). tanh has slope 1 at 0: at gain 1 "
            "gradients neither explode nor vanish exponentially, though activations fade, to "
            f"{float(spread[depth]):.2g} here. calculate_gain's 5/3 keeps activations "
            f"large, and gradients change by {rate(most)} a layer.",
            source=(
                "Schoenholz et al., Deep information propagation, 2017",
                "https://arxiv.org/abs/1611.01232",
            ),
        ),
        wrong=grown,
        right=faded,
        title="What tanh layers of 128 units, no bias, make of a gradient on its way back",
        shows="times as large",
        over="layers passed",
        others={"gain 5/3, calculate_gain": most},
        limit=(1.0, "unchanged"),
    )


# Three stacks of a hundred layers take a tenth of a second.
@functools.lru_cache(maxsize=8)
def _on_its_way_back(gain: float, device: str) -> tuple[Tensor, Tensor]:
    """Return what a tanh stack's first l layers make of a gradient, and of activations.

    Returns:
        ``(101,)`` each: the gradient at the input over the one after layer l; the activations' std
        after layer l.
    """
    trace = propagate(
        "kaiming_normal", "tanh", depth=100, width=128, batch=32, gain=gain, device=device
    )
    return trace.backward_std[0] / trace.backward_std, trace.forward_std


@dataclasses.dataclass(frozen=True)
class Default(Parameters):
    """Hold a ReLU stack of nn.Linear as it comes."""

    depth: int = number(30, label="depth", help="Layers.", minimum=2, maximum=40, step=1)
    fan_in: int = number(
        128, label="fan_in", help="Inputs of every layer.", minimum=32, maximum=256, step=32
    )
    bias: bool = flag(False, label="bias", help="nn.Linear's own, uniform within 1/sqrt(fan_in).")


def default(parameters: Default, *, device: str = "cpu") -> CurveMistake:
    """Leave a ReLU stack as nn.Linear makes it, and fill it by kaiming.

    Args:
        parameters: Depth, width, and whether the layers have their bias.
        device: Where torch computes.
    """
    fan, depth = parameters.fan_in, parameters.depth
    shared = {"depth": depth, "width": fan, "batch": 48, "device": device}
    bare, biased = (
        propagate("default", "relu", bias=bias, **shared)  # type: ignore[arg-type]
        for bias in (False, True)
    )
    wrong = biased if parameters.bias else bare
    right = propagate("kaiming_normal", "relu", bias=parameters.bias, **shared)  # type: ignore[arg-type]
    with seeded(0):
        weight = nn.Linear(fan, fan).weight.detach()
    gain = float(init.calculate_gain("leaky_relu", math.sqrt(5)))
    bound = gain * math.sqrt(3 / fan)
    variance = float(weight.double().var())
    # The first layer reads the input, which has no mean: the later ones show the rate.
    ratio = float((bare.forward_std[-1] / bare.forward_std[1]) ** (2 / max(1, depth - 1)))
    kept, told = (float(row[-1]) ** 2 for row in (biased.forward_std, biased.signal_std))
    layer = f"layer = nn.Linear({fan}, {fan}{'' if parameters.bias else ', bias=False'})"
    others = {"theory, wrong line": wrong.predicted_forward_std}
    if parameters.bias:
        others["wrong line: between inputs"] = wrong.signal_std
    return _spreads(
        mistake=Mistake(
            wrong=f"{layer}  # then relu",
            right=f'{layer}  # then relu\ninit.kaiming_normal_(layer.weight, nonlinearity="relu")',
            wrong_cost=f"Without a bias each layer keeps {ratio:.3f} of the variance (theory: 1/6 "
            f"= {1 / 6:.3f}): after {depth} layers {float(bare.forward_std[-1]) ** 2:.1g} is left. "
            f"With nn.Linear's own bias {kept:.1g} is left, but one unit's variance over the "
            f"inputs is {told:.1g}: the rest is the same for every input.",
            right_cost=f"After {depth} layers the variance is "
            f"{float(right.forward_std[-1]) ** 2:.2g}.",
            lesson="sqrt(5) is no slope: it makes kaiming_uniform_ give torch's old bound, "
            "1/sqrt(fan_in). A bias hides the decay, for it adds variance that tells no input from "
            "another; normalisation hides it too.",
            source=("pytorch#15314, and #57109", f"{_PYTORCH}/issues/15314"),
        ),
        wrong=wrong.forward_std,
        right=right.forward_std,
        title="Activations of a ReLU stack by nn.Linear, "
        + ("with its bias" if parameters.bias else "without bias"),
        others=others,
        steps=(
            "reset_parameters calls   init.kaiming_uniform_(weight, a=sqrt(5))",
            f"gain  = sqrt(2/(1 + a²)) = sqrt(2/6) = {gain:.4f}"
            f"      calculate_gain('leaky_relu', sqrt(5)) = {gain:.4f}",
            f"bound = gain · sqrt(3/fan_in) = 1/sqrt(fan_in) = {bound:.5f}"
            f"      largest weight = {float(weight.abs().max()):.5f}",
            f"variance = bound²/3 = 1/(3 fan_in) = {bound**2 / 3:.3g}"
            f"      measured = {variance:.3g}",
            f"through a layer without bias: fan_in · variance · 1/2 (relu) = 1/6 = {1 / 6:.3f}"
            f"      measured = {ratio:.3f}",
        ),
    )


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
    return _spreads(
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


@dataclasses.dataclass(frozen=True)
class Selu(Parameters):
    """Hold the depth of a SELU stack."""

    depth: int = number(30, label="depth", help="Layers.", minimum=5, maximum=50, step=1)


def selu(parameters: Selu, *, device: str = "cpu") -> CurveMistake:
    """Fill a SELU stack by torch's gain of 3/4, and by 1.

    Args:
        parameters: The depth.
        device: Where torch computes.
    """
    shared = {"depth": parameters.depth, "width": 128, "batch": 64, "device": device}
    wrong = propagate("kaiming_normal", "selu", **shared)  # type: ignore[arg-type]
    right = propagate("kaiming_normal", "selu", gain=1.0, **shared)  # type: ignore[arg-type]
    small, one = (float(trace.forward_std[-1]) for trace in (wrong, right))
    return _spreads(
        mistake=Mistake(
            wrong='init.kaiming_normal_(layer.weight, nonlinearity="selu")',
            right='init.kaiming_normal_(layer.weight, nonlinearity="linear")',
            wrong_cost=f"At gain {float(init.calculate_gain('selu')):g} the std is {small:.3g} "
            f"after {parameters.depth} layers, the variance {small**2:.2g}: SELU no longer "
            "normalises.",
            right_cost=f"At gain 1 the std is {one:.3g} after {parameters.depth} layers; the "
            f"gradient becomes {float(right.backward_std[0]):.2g} times as large (at gain 3/4: "
            f"{float(wrong.backward_std[0]):.2g} times).",
            lesson="With weights of variance 1/fan_in SELU keeps mean 0 and variance 1. "
            "torch's 3/4, found by trial, trades that for steadier gradients, its "
            "documentation says.",
            source=("pytorch#24991, and PR 53694", f"{_PYTORCH}/issues/24991"),
        ),
        wrong=wrong.forward_std,
        right=right.forward_std,
        title="Activations of a SELU stack, 128 units, no bias",
        others={"theory, wrong line": wrong.predicted_forward_std},
    )


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


def question(*, device: str = "cpu") -> Question:
    """Ask what is left of the variance after thirty ReLU layers as nn.Linear makes them."""
    trace = propagate("default", "relu", depth=30, width=128, batch=48, device=device)
    left = float(trace.forward_std[-1]) ** 2
    options = {"about 1": 0, "about 1/30": -1.5, "about 10⁻⁶": -6, "about 10⁻²³": -23}
    power = math.log10(left)
    return Question(
        text="Thirty layers `relu(nn.Linear(128, 128, bias=False)(x))`, torch's default "
        "weights, inputs of variance 1. What variance is left?",
        options=tuple(options),
        answer=min(options, key=lambda option: abs(options[option] - power)),
        because=f"torch gives {left:.1g}, theory "
        f"{float(trace.predicted_forward_std[-1]) ** 2:.1g}. The default's variance "
        "is 1/(3 fan_in), and ReLU halves the mean square: in theory each layer keeps a "
        f"sixth. (1/6)³⁰ is {(1 / 6) ** 30:.1g}.",
    )
