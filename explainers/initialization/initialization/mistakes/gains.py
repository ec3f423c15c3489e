"""Mistakes about the gain: how large weights must be for the function that follows."""

import dataclasses
import functools
import math

from torch import Tensor, nn
from torch.nn import init

from explainers.evidence import CurveMistake, Mistake, Question
from explainers.initialization.initialization.propagation import propagate
from explainers.initialization.initialization.seeding import seeded
from explainers.parameters import Parameters, flag, number

_PYTORCH = "https://github.com/pytorch/pytorch"
spreads = functools.partial(CurveMistake, shows="std of activations", over="layer", log=True)


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
    return spreads(
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

    return spreads(
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
    return spreads(
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
    return spreads(
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
