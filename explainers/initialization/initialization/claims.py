"""Run what the notes say of initialisation, and judge it."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from explainers import devices
from explainers.evidence import Claim, Verdict
from explainers.initialization.initialization import schemes
from explainers.initialization.initialization.propagation import propagate
from explainers.initialization.initialization.seeding import seeded

_XAVIER = "Xavier"
_KAIMING = "kaiming"
_INITIALISING = "Initialising parameters"
_APPLY = "apply()"
# A std measured on 120,000 weights and more strays by less.
_CLOSE = 0.01


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge each statement of the notes by what torch gives now.

    Args:
        device: Where the networks run; weights are drawn on the CPU.
    """
    devices.device(device)
    return (
        _xavier_idea(),
        _small_weights(device),
        _large_weights(device),
        _xavier_uniform(),
        _xavier_normal(),
        _tanh_and_relu(device),
        _half_active(device),
        _divide_by_two(device),
        _kaiming_uniform(),
        _kaiming_normal(),
        _slope(),
        _modes(),
        _by_class_name(),
        _by_parameter_name(),
        _apply_recursion(),
        _apply_first_generation(),
        _fill_through_data(),
        _fill(),
        _exact_type(),
    )


def _verdict(*parts: bool) -> Verdict:
    """Return whether all parts of a statement hold, some, or none."""
    if all(parts):
        return Verdict.HOLDS
    return Verdict.CONDITION if any(parts) else Verdict.WRONG


def _drawn(shape: tuple[int, ...], fill: str, **arguments: object) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    weight: Tensor = getattr(init, fill)(torch.empty(shape), generator=generator, **arguments)
    return weight


def _through(weight: Tensor) -> tuple[float, float]:
    """Return the variances that a linear layer gives forward and backward for a variance of 1."""
    generator = torch.Generator().manual_seed(1)
    x, g = (torch.randn(600, size, generator=generator) for size in weight.shape[::-1])
    return float((x @ weight.T).var()), float((g @ weight).var())


def _xavier_idea() -> Claim:
    square, oblong = (
        _through(_drawn(shape, "xavier_normal_")) for shape in ((500, 500), (200, 800))
    )
    kept = [max(abs(value - 1) for value in pair) < 0.05 for pair in (square, oblong)]
    return Claim(
        "Xavier keeps the variance the same through a layer, forward and backward.",
        _XAVIER,
        _verdict(*kept),
        f"500 to 500: {square[0]:.2f} forward, {square[1]:.2f} backward. 800 to 200: "
        f"{oblong[0]:.2f} and {oblong[1]:.2f}.",
        "Only where fan_in equals fan_out; else each way keeps 2 fan/(fan_in + fan_out), a "
        "compromise. And the nonlinearity must be nearly linear.",
    )


def _small_weights(device: str) -> Claim:
    trace = propagate("normal", "sigmoid", depth=10, width=256, batch=128, std=0.01, device=device)
    signal = float(trace.signal_std[-1])
    # A sigmoid of what is nearly 0 is nearly 1/2: the units agree, and not on 0.
    middle = float(torch.sigmoid(torch.zeros(1)))
    return Claim(
        "With small weights the variance tends to 0 and values too, to sigmoid's linear part.",
        _XAVIER,
        _verdict(signal < 1e-6, abs(middle) < 1e-6),
        f"Ten sigmoid layers, std 0.01: across inputs a std of {signal:.1g}; units rest "
        f"near sigmoid(0) = {middle:g}.",
        "The variance dies, but activations tend to 1/2. Xavier does not help: sigmoid's "
        "slope is at most 1/4.",
    )


def _large_weights(device: str) -> Claim:
    found = {
        name: propagate("normal", name, depth=10, width=256, batch=128, std=1.0, device=device)
        for name in ("sigmoid", "tanh")
    }
    saturated = {name: float(trace.saturated[-1]) for name, trace in found.items()}
    gradient = {name: float(trace.backward_std[0]) for name, trace in found.items()}
    return Claim(
        "With large weights sigmoid saturates, and so the gradient vanishes.",
        _XAVIER,
        _verdict(min(saturated.values()) > 0.5, max(gradient.values()) < 1),
        "Ten layers of 256, std 1: "
        + "; ".join(
            f"{name} saturates {saturated[name]:.0%}, its gradient arrives "
            f"{gradient[name]:.3g} times as large"
            for name in found
        )
        + ".",
        "Units saturate, yet the gradient grows: large weights multiply it too.",
    )


def _xavier_uniform() -> Claim:
    weight = _drawn((300, 500), "xavier_uniform_", gain=5 / 3)
    bound = 5 / 3 * math.sqrt(6 / 800)
    largest, spread = float(weight.abs().max()), float(weight.std())
    return Claim(
        "xavier_uniform_ draws from U(-a, a), a = gain sqrt(6/(fan_in + fan_out)).",
        _XAVIER,
        _verdict(
            bound * (1 - 1e-3) < largest <= bound * (1 + 1e-6),
            abs(spread * math.sqrt(3) / bound - 1) < _CLOSE,
        ),
        f"a = {bound:.5f}; largest weight {largest:.5f}, std {spread:.5f} = "
        f"{spread / bound:.3f} a.",
        "The std is a/sqrt(3). A kernel's fans count its receptive field; a bias has none "
        "and raises.",
    )


def _xavier_normal() -> Claim:
    weight = _drawn((800, 400), "xavier_normal_")
    asked, spread = math.sqrt(2 / 1200), float(weight.std())
    return Claim(
        "xavier_normal_ draws from N(0, std²), std = gain sqrt(2/(fan_in + fan_out)).",
        _XAVIER,
        _verdict(abs(spread / asked - 1) < _CLOSE, abs(float(weight.mean())) < 5e-4),
        f"Asked {asked:.5f}, got {spread:.5f}.",
        "N's second argument is the variance, std².",
    )


def _tanh_and_relu(device: str) -> Claim:
    shared = {"depth": 30, "width": 256, "batch": 64, "gain": 1.0, "device": device}
    tanh, relu = (
        float(propagate("xavier_normal", name, **shared).forward_std[-1])  # type: ignore[arg-type]
        for name in ("tanh", "relu")
    )
    return Claim(
        "Xavier does well with tanh and badly with ReLU.",
        _KAIMING,
        _verdict(tanh > 0.05, relu < 1e-3),
        f"After 30 layers a std of {tanh:.2g} with tanh, {relu:.1g} with relu.",
        "tanh is nearly x near 0; ReLU halves the mean square per layer. With gain sqrt(2) "
        "Xavier serves ReLU too.",
    )


def _half_active(device: str) -> Claim:
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(256, 512, generator=generator).to(devices.device(device))
    shares = []
    for _ in range(4):
        weight = schemes.fill(
            torch.empty(512, 512), "kaiming_normal", nonlinearity="relu", generator=generator
        ).to(h.device)
        h = F.relu(h @ weight.T)
        shares.append(float((h > 0).float().mean()))
    return Claim(
        "In a ReLU network half of the units of each layer are active, the others 0.",
        _KAIMING,
        _verdict(max(abs(share - 0.5) for share in shares) < 0.05),
        "Active in the first four layers: " + ", ".join(f"{share:.1%}" for share in shares) + ".",
        "At the start, on average: weights are as often negative as positive. Training changes "
        "that.",
    )


def _divide_by_two(device: str) -> Claim:
    found = {
        words: float(
            propagate(
                "kaiming_normal",
                "relu",
                depth=20,
                width=512,
                batch=64,
                gain=math.sqrt(factor),
                device=device,
            ).forward_std[-1]
        )
        for words, factor in (("1/n", 1.0), ("1/n divided by 2", 0.5), ("1/n times 2", 2.0))
    }
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(100_000, generator=generator)
    halved = float(F.relu(z).square().mean() / z.square().mean())
    spread = float(F.relu(z).var() / z.var())
    return Claim(
        "As half are 0, keeping the variance needs Xavier divided by 2.",
        _KAIMING,
        _verdict(abs(halved - 0.5) < 0.01, found["1/n divided by 2"] > 0.1),
        f"ReLU leaves {halved:.2f} of the mean square ({spread:.2f} of the variance). After "
        "20 layers, weights of variance "
        + ", ".join(f"{words}: std {value:.1g}" for words, value in found.items())
        + ".",
        "The next layer sees half the mean square: so the weights' variance doubles, to 2/fan_in.",
    )


def _kaiming_uniform() -> Claim:
    generator = torch.Generator().manual_seed(0)
    weight = torch.empty(300, 500)
    ratios = []
    for a in (0.0, 0.2, math.sqrt(5)):
        init.kaiming_uniform_(weight, a=a, generator=generator)
        ratios.append(float(weight.abs().max()) / math.sqrt(6 / ((1 + a * a) * 500)))
    try:
        init.kaiming_uniform_(weight, nonlinearity="leak_relu", generator=generator)  # type: ignore[arg-type]
        said = ""
    except ValueError as error:
        said = f"{error}"
    return Claim(
        "kaiming_uniform_(tensor, a=0, mode='fan_in', nonlinearity='leak_relu') draws from "
        "U(-bound, bound), bound = sqrt(6/((1 + a²) fan_in)).",
        _KAIMING,
        _verdict(all(0.999 < ratio <= 1 + 1e-6 for ratio in ratios), not said),
        "Largest weight by that bound for a = 0, 0.2, sqrt(5): "
        + ", ".join(f"{ratio:.4f}" for ratio in ratios)
        + (f". nonlinearity='leak_relu': {said}." if said else "."),
        "It is leaky_relu. nn.Linear takes a = sqrt(5), for a bound sqrt(6) smaller than a = 0.",
    )


def _kaiming_normal() -> Claim:
    a = 0.5
    spread = float(_drawn((300, 500), "kaiming_normal_", a=a).std())
    meant = math.sqrt(2 / ((1 + a * a) * 500))
    printed = math.sqrt((1 + a * a) * 500 / 2)
    return Claim(
        "kaiming_normal_ has std = sqrt( /2 (1 + a²) fan_in ), as the formula is printed.",
        _KAIMING,
        Verdict.HOLDS
        if abs(spread / printed - 1) < _CLOSE
        else _verdict(abs(spread / meant - 1) < _CLOSE, False),
        f"a = 0.5, fan_in 500: got {spread:.5f}; sqrt(2/((1 + a²) fan_in)) is {meant:.5f}, the "
        f"printed one upside down {printed:.3g}.",
        "The printed formula has lost its numerator: std = sqrt(2/((1 + a²) fan_in)).",
    )


def _slope() -> Claim:
    spreads = [
        float(_drawn((300, 500), "kaiming_normal_", a=a, nonlinearity=name).std())
        for a, name in ((0.0, "leaky_relu"), (1.0, "leaky_relu"), (0.0, "relu"), (1.0, "relu"))
    ]
    return Claim(
        "a is the slope below zero of the activation after the layer; the default, 0, is ReLU.",
        _KAIMING,
        _verdict(
            abs(spreads[0] / spreads[1] - math.sqrt(2)) < 0.02,
            abs(spreads[0] / spreads[2] - 1) < 1e-6,
            abs(spreads[2] / spreads[3] - 1) > 1e-6,
        ),
        f"leaky_relu: std {spreads[0]:.4f} for a = 0, {spreads[1]:.4f} for a = 1. relu: "
        f"{spreads[2]:.4f} and {spreads[3]:.4f}.",
        "With nonlinearity='leaky_relu', the default; else a is silently ignored.",
    )


def _modes() -> Claim:
    forward = _through(_drawn((300, 900), "kaiming_normal_", nonlinearity="linear"))
    backward = _through(
        _drawn((300, 900), "kaiming_normal_", nonlinearity="linear", mode="fan_out")
    )
    return Claim(
        "fan_in keeps the variance in the forward pass, fan_out in the backward pass.",
        _KAIMING,
        _verdict(abs(forward[0] - 1) < 0.05, abs(backward[1] - 1) < 0.05),
        f"900 to 300: fan_in gives {forward[0]:.2f} forward and {forward[1]:.2f} backward, "
        f"fan_out {backward[0]:.2f} and {backward[1]:.2f}.",
        "The variance of signal and gradient, not of the weights.",
    )


class ConvBlock(nn.Module):
    """A container whose name has Conv in it, as many have."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(1, 1, 1)


def _by_class_name() -> Claim:
    def weights_init(module: nn.Module) -> None:
        name = module.__class__.__name__
        if name.find("Conv") != -1:
            init.normal_(module.weight.data, 0.0, 0.02)  # type: ignore[arg-type]
        elif name.find("BatchNorm") != -1:
            init.normal_(module.weight.data, 1.0, 0.02)  # type: ignore[arg-type]
            init.constant_(module.bias.data, 0)  # type: ignore[arg-type]

    with seeded(0):
        network = nn.Sequential(
            nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ConvTranspose2d(64, 3, 3)
        )
        network.apply(weights_init)
        try:
            nn.Sequential(ConvBlock()).apply(weights_init)
            said = ""
        except AttributeError as error:
            said = str(error)
    conv, norm, transposed = (module.state_dict()["weight"] for module in network)
    return Claim(
        "Searching the class name for 'Conv' and 'BatchNorm' initialises a network.",
        _INITIALISING,
        _verdict(
            abs(float(conv.std()) / 0.02 - 1) < 0.1 and abs(float(norm.mean()) - 1) < 0.02,
            not said,
        ),
        f"Conv2d std {float(conv.std()):.4f}, ConvTranspose2d "
        f"{float(transposed.std()):.4f}, BatchNorm2d mean {float(norm.mean()):.3f}. A "
        f"container named ConvBlock: {said or 'passed over'}.",
        "Until a container without a weight has Conv in its name. Use "
        "isinstance(module, nn.Conv2d).",
    )


def normalised_network() -> nn.Sequential:
    """Return two linear layers, each with batch normalisation, drawn from seed 0."""
    with seeded(0):
        return nn.Sequential(
            nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64)
        )


def _by_parameter_name() -> Claim:
    network = normalised_network()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 64, generator=generator)
    with torch.no_grad():
        before = float(network(x).std())
        for name, parameter in network.named_parameters():
            if "weight" in name:
                init.normal_(parameter, mean=0, std=0.01, generator=generator)
        after = float(network(x).std())
    linear = float(network[0].state_dict()["weight"].std())
    return Claim(
        "Drawing every parameter whose name holds 'weight' from N(0, 0.01²) initialises a network.",
        _INITIALISING,
        _verdict(abs(linear / 0.01 - 1) < 0.05, after > before / 10),
        f"Linear std {linear:.4f}; the output's std falls from {before:.3g} to {after:.2g}.",
        "'weight' is also BatchNorm's gamma, which should start at 1: 0.01 makes "
        "normalised units a hundredth. Use isinstance.",
    )


class _Net(nn.Module):
    """A linear layer, and another two levels down."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.deep = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(1, 1)))


def _visited() -> tuple[list[str], _Net]:
    order: list[str] = []

    def func(module: nn.Module) -> None:
        order.append(type(module).__name__.strip("_"))
        if isinstance(module, nn.Linear):
            module.weight.data.fill_(1000)

    with seeded(0):
        network = _Net()
        network.apply(func)
    return order, network


def _apply_recursion() -> Claim:
    order, _ = _visited()
    return Claim(
        "apply(fn) calls fn on every submodule, recursively, and on the module itself.",
        "nn.Module.apply(fn)",
        _verdict(len(order) == 6 and order[-1] == "Net"),
        "Visited: " + ", ".join(order) + ".",
        "Children first, itself last.",
    )


def _apply_first_generation() -> Claim:
    order, network = _visited()
    inner = float(network.state_dict()["deep.1.0.weight"])
    return Claim(
        "apply() runs the function on the first generation of submodules.",
        _APPLY,
        # Of six modules visited two are children of the network.
        Verdict.HOLDS if len(order) == 2 and inner != 1000 else Verdict.WRONG,
        f"{len(order)} modules visited, two of them children; the Linear two levels down "
        f"holds {inner:g}.",
        "All generations, children first.",
    )


def _fill_through_data() -> Claim:
    _, network = _visited()
    printed = str(network.linear.weight)
    return Claim(
        "After param.weight.data.fill_(1000) the weight prints as tensor([[1000.]]).",
        _APPLY,
        Verdict.HOLDS
        if printed == "tensor([[1000.]])"
        else _verdict(network.linear.weight.item() == 1000, False),
        " ".join(printed.split()),
        "It prints as a Parameter that requires a gradient. Under torch.no_grad() fill_ "
        "needs no .data, and autograd notices.",
    )


def _fill() -> Claim:
    with seeded(0):
        network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))

    def init_weight(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            module.weight.fill_(1.0)

    try:
        network.apply(init_weight)
        said = ""
    except RuntimeError as error:
        said = str(error).rstrip(".")
    state = network.state_dict()
    weights = torch.stack([state[name] for name in state if name.endswith("weight")])
    low, high = float(weights.min()), float(weights.max())
    return Claim(
        "In apply, m.weight.fill_(1.0) sets the weights of every Linear to 1.",
        "apply, convolution",
        _verdict(low == high == 1),
        (f"RuntimeError: {said}. " if said else "No error. ")
        + f"The weights run from {low:.2g} to {high:.2g}.",
        "Under torch.no_grad(), or by nn.init.ones_(m.weight). But equal weights keep "
        "hidden units equal for ever.",
    )


class _OwnLinear(nn.Linear):
    """A Linear of one's own."""


def _exact_type() -> Claim:
    with seeded(0):
        modules = (nn.Linear(4, 4), _OwnLinear(4, 4), nn.MultiheadAttention(4, 1).out_proj)
    hit = [type(module) == nn.Linear for module in modules]  # noqa: E721
    meant = [isinstance(module, nn.Linear) for module in modules]
    return Claim(
        "type(m) == nn.Linear finds the linear layers of a model.",
        _APPLY,
        _verdict(*(a == b for a, b in zip(hit, meant, strict=True))),
        f"It finds {sum(hit)} of {sum(meant)}: not a subclass, nor MultiheadAttention's "
        f"out_proj, a {type(modules[2]).__name__}.",
        "isinstance(m, nn.Linear) finds subclasses.",
    )
