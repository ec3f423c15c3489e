"""Compare torch's initialisers, and the theory of them, with NumPy and with counting, now."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference
from explainers.initialization.initialization import propagation, reference, schemes, theory
from explainers.initialization.initialization.calls import Call, read
from explainers.initialization.initialization.propagation import KINDS, propagate
from explainers.initialization.initialization.schemes import NONLINEARITIES, TORCH_GAINS
from explainers.initialization.initialization.seeding import seeded
from explainers.initialization.initialization.training import train
from explainers.initialization.initialization.view import Initialization, View

# A measured std strays from the true one by more standard errors than this once in 15,000 draws.
_SIGMAS = 4.0
_FORMULAS = {
    "default": "1/sqrt(3 fan_in)",
    "xavier_uniform": "gain sqrt(2/(fan_in + fan_out))",
    "xavier_normal": "gain sqrt(2/(fan_in + fan_out))",
    "kaiming_uniform": "gain/sqrt(fan)",
    "kaiming_normal": "gain/sqrt(fan)",
    "normal": "std",
    "uniform": "std",
    "trunc_normal": "the closed form of a normal cut at ±2",
    "orthogonal": "gain/sqrt(the longer side)",
}


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Check every scheme, the gains, the fans, and what a signal becomes.

    Args:
        device: Where the networks run; weights are drawn on the CPU.
    """
    devices.device(device)
    return (
        *(_spread(scheme) for scheme in _FORMULAS),
        _conv_fans(),
        _bounds(),
        _own_default(),
        _gains_in_closed_form(),
        _gains_by_integral(),
        _integrals(),
        _selu(),
        _orthogonal(),
        _dirac(device),
        _connections(),
        _fan_in_keeps(),
        _fan_out_keeps(),
        _forward(device),
        _backward(device),
        _predicted("kaiming_normal", "relu", "a ReLU stack", device),
        _predicted("default", "relu", "nn.Linear's default under relu", device),
        _predicted("normal", "tanh", "a tanh stack, large weights", device, std=0.3),
        _predicted("default", "relu", "nn.Linear's own weights and bias, relu", device, bias=True),
        _predicted("kaiming_normal", "relu", "a relu stack under BatchNorm", device, norm="batch"),
        _predicted("normal", "tanh", "a tanh stack under LayerNorm", device, norm="layer", std=0.3),
        _predicted("kaiming_normal", "tanh", "residual sums, tanh", device, residual=True),
        _predicted("kaiming_normal", "relu", "BatchNorm over pictures", device, kind="conv"),
        _conv_counted(device),
        _symmetry(device),
    )


def view_checks(view: View, *, device: str = "cpu") -> tuple[Check, ...]:
    """Check the very network on show: its weights' spread, and its first layer by NumPy.

    Args:
        view: What `explain` returned.
        device: Where torch computed it.
    """
    devices.device(device)
    trace = view.current.trace
    if trace is None:
        return ()
    return (*_view_spread(view), _view_first_layer(view))


def _view_spread(view: View) -> Iterable[Check]:
    trace, entry = view.current.trace, view.current.call
    assert trace is not None
    if math.isnan(trace.asked_std):
        return
    shape = propagation.weight_shape(view.parameters.kind, view.parameters.width)
    error = _standard_error(entry, math.prod(shape) * trace.depth)
    measured = float(trace.weight_std.square().mean().sqrt())
    difference = abs(measured / trace.asked_std - 1) if trace.asked_std else measured
    yield Check(
        f"The weights of all {trace.depth} layers have the std of {entry.label}",
        f"formula, {trace.asked_std:.5g}; tolerance {_SIGMAS:g} standard errors",
        difference,
        _SIGMAS * error + 1e-6,
        kind=Kind.INDEPENDENT,
    )


def _view_first_layer(view: View) -> Check:
    parameters = view.parameters
    entry = view.current.call
    x, weights, bias = first_layer(parameters, entry)
    z = reference.layer(parameters.kind, x.double().numpy(), weights.double().numpy())
    z = z + bias.double().numpy().reshape(-1, *[1] * (z.ndim - 2))
    axes: tuple[int, ...] | None = None
    if parameters.norm == "batch":
        axes = (0, *range(2, z.ndim))
    if parameters.norm == "layer":
        axes = tuple(range(1, z.ndim))
    if axes is not None:
        z = (z - z.mean(axes, keepdims=True)) / np.sqrt(z.var(axes, keepdims=True) + 1e-5)
    y = reference.FUNCTIONS[parameters.nonlinearity](z, parameters.a)
    h = x.double().numpy() + y if parameters.residual else y
    trace = view.current.trace
    assert trace is not None
    found, expected = float(trace.forward_std[1]), float(h.std())
    return Check(
        "The first layer's activations have the std drawn",
        "float64 NumPy: sums over the taps, then the nonlinearity",
        abs(found - expected) / max(1.0, expected),
        1e-5,
        kind=Kind.INDEPENDENT,
    )


def first_layer(parameters: Initialization, entry: Call) -> tuple[Tensor, Tensor, Tensor]:
    """Return a view's inputs and its first layer's weights and bias, drawn anew from its seed."""
    generator = torch.Generator().manual_seed(parameters.seed)
    shape = propagation.input_shape(parameters.kind, parameters.width, parameters.batch)
    x = torch.randn(shape, generator=generator)
    torch.randn(shape, generator=generator)  # the gradient
    weight = schemes.fill(
        torch.empty(propagation.weight_shape(parameters.kind, parameters.width)),
        entry.scheme,
        nonlinearity=parameters.nonlinearity,
        a=parameters.a,
        groups=parameters.width if parameters.kind == "depthwise" else 1,
        generator=generator,
        **entry.arguments,
    )
    bias = torch.zeros(parameters.width)
    if parameters.bias:
        end = 1 / math.sqrt(math.prod(weight.shape[1:]))
        bias.uniform_(-end, end, generator=generator)
    return x, weight, bias


def _standard_error(entry: Call, count: int) -> float:
    """Return the standard error of a measured std, as a share of the std."""
    return math.sqrt(schemes.excess(entry.scheme, entry.std) / (4 * count))


def _spread(scheme: str) -> Check:
    """Measure the std of a wide matrix, fans far apart, against the formula."""
    entry = {
        "kaiming_normal": read("kaiming_normal(mode=fan_out)"),
        "normal": read("normal(std=0.02)"),
        "uniform": read("uniform(std=0.3)"),
        "trunc_normal": read("trunc_normal(std=1)"),
    }.get(scheme, read(scheme))
    weight = torch.empty(200, 600)
    fan_in, fan_out = schemes.fans(weight)
    arguments = {"nonlinearity": "tanh", "a": 0.0, **entry.arguments}
    schemes.fill(weight, scheme, generator=torch.Generator().manual_seed(5), **arguments)
    asked = _independent(scheme, fan_in, fan_out, entry)
    found = float(weight.double().std(correction=0))
    return Check(
        f"The std of {entry.label} is {_FORMULAS[scheme]}, tanh, 200 by 600 weights",
        f"formula, {asked:.5g}; tolerance {_SIGMAS:g} standard errors",
        abs(found / asked - 1),
        _SIGMAS * _standard_error(entry, weight.numel()),
        f"Measured: {found:.5g}.",
        kind=Kind.INDEPENDENT,
    )


def _independent(scheme: str, fan_in: int, fan_out: int, entry: Call) -> float:
    """Return the asked std by another way than `expected_std`: in NumPy, the cut one by a sum."""
    gain = 5 / 3
    if scheme == "trunc_normal":
        z = np.linspace(-2, 2, 200_001)
        density = np.exp(-z * z / (2 * entry.std**2))
        return float(np.sqrt((density * z * z).sum() / density.sum()))
    asked: float = {
        "default": np.sqrt(1 / fan_in / 3),
        "xavier_uniform": gain * np.sqrt(6 / (fan_in + fan_out)) / np.sqrt(3),
        "xavier_normal": gain * np.sqrt(2 / (fan_in + fan_out)),
        "kaiming_uniform": gain * np.sqrt(3 / fan_in) / np.sqrt(3),
        "kaiming_normal": gain / np.sqrt(fan_out),
        "orthogonal": gain / np.sqrt(max(fan_in, fan_out)),
    }.get(scheme, entry.std)
    return asked


def _conv_fans() -> Check:
    kernel = torch.empty(64, 48, 3, 5)
    counted = (48 * 15, 64 * 15)
    weight = schemes.fill(kernel, "xavier_normal", generator=torch.Generator().manual_seed(1))
    found, asked = float(weight.double().std()), math.sqrt(2 / sum(counted))
    wrong = 0.0 if schemes.fans(kernel) == counted else math.inf
    return Check(
        "A kernel's fans count its receptive field",
        "48 · 3 · 5 inputs and 64 · 3 · 5 outputs, by xavier's formula",
        max(wrong, abs(found / asked - 1)),
        _SIGMAS * math.sqrt(2 / (4 * kernel.numel())),
        kind=Kind.INDEPENDENT,
    )


def _bounds() -> Check:
    worst = 0.0
    for scheme in ("default", "xavier_uniform", "kaiming_uniform"):
        weight = torch.empty(400, 500)
        schemes.fill(
            weight, scheme, nonlinearity="relu", generator=torch.Generator().manual_seed(2)
        )
        end = {
            "default": 1 / math.sqrt(500),
            "xavier_uniform": math.sqrt(2) * math.sqrt(6 / 900),
            "kaiming_uniform": math.sqrt(6 / 500),
        }[scheme]
        largest = float(weight.abs().max())
        worst = max(worst, abs(largest / end - 1), math.inf if largest > end * (1 + 1e-6) else 0)
    return Check(
        "Uniform schemes reach their bound and never pass it",
        "1/sqrt(fan_in), gain sqrt(6/(fan_in + fan_out)), sqrt(6/fan_in)",
        worst,
        2e-4,
        kind=Kind.INDEPENDENT,
    )


def _own_default() -> Check:
    worst = 0.0
    made: list[tuple[type[nn.Module], tuple[int, ...]]] = [
        (nn.Linear, (40, 30)),
        (nn.Conv2d, (6, 8, 3)),
        (nn.ConvTranspose2d, (6, 8, 3)),
    ]
    for kind, arguments in made:
        with seeded(3):
            own = kind(*arguments).weight
        assert isinstance(own, Tensor)
        ours = schemes.fill(
            torch.empty(own.shape), "default", generator=torch.Generator().manual_seed(3)
        )
        worst = max(worst, largest_difference(own, ours))
    return Check(
        "nn.Linear, nn.Conv2d and nn.ConvTranspose2d draw kaiming_uniform_ with a = sqrt(5)",
        "the layers' own weights, same generator",
        worst,
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _gains_in_closed_form() -> Check:
    closed = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + 0.3**2)),
        "selu": 3 / 4,
    }
    return Check(
        "calculate_gain gives 1, 1, 5/3, sqrt(2), sqrt(2/(1 + a²)) and 3/4",
        "for linear, sigmoid, tanh, relu, leaky_relu and selu",
        max(
            abs(schemes.gain_of(name, 0.3) - closed[name]) if name in closed else math.inf
            for name in TORCH_GAINS
        ),
        1e-12,
        kind=Kind.INDEPENDENT,
    )


def _gains_by_integral() -> Check:
    exact = ("linear", "relu", "leaky_relu")
    off = {
        name: schemes.gain_of(name, 0.2) * math.sqrt(reference.mean_square(name, 1.0, 0.2)) - 1
        for name in TORCH_GAINS
    }
    return Check(
        (
            "For linear, relu and leaky_relu calculate_gain keeps the mean square: gain² "
            "E[f(z)²] = 1"
        ),
        "NumPy's Gauss-Legendre integral",
        max(abs(off[name]) for name in exact),
        1e-10,
        "Others: off by "
        + ", ".join(f"{off[name]:+.0%} for {name}" for name in off if name not in exact)
        + ".",
        kind=Kind.INDEPENDENT,
    )


def _integrals() -> Check:
    worst = 0.0
    for name, variance in itertools.product(NONLINEARITIES, (0.01, 1.0, 30.0)):
        ours = theory.moments(name, torch.tensor([variance], dtype=torch.float64)).square
        worst = max(worst, abs(float(ours) / reference.mean_square(name, variance) - 1))
    return Check(
        "E[f(x)²] holds for eight nonlinearities, variances 0.01 to 30",
        "NumPy's Gauss-Legendre on either side of 0",
        worst,
        1e-7,
        kind=Kind.INDEPENDENT,
    )


def _selu() -> Check:
    found = theory.moments("selu", torch.ones(1, dtype=torch.float64))
    return Check(
        "SELU with gain 1 keeps mean 0 and variance 1",
        "the fixed point its constants were made for",
        max(abs(float(found.mean)), abs(float(found.square) - 1)),
        1e-6,
        kind=Kind.INDEPENDENT,
    )


def _orthogonal() -> Check:
    weight = schemes.fill(
        torch.empty(30, 80), "orthogonal", gain=1.7, generator=torch.Generator().manual_seed(4)
    )
    found = weight.double().numpy()
    return Check(
        "orthogonal_ makes orthogonal rows of length gain",
        "NumPy: W Wᵀ = gain² I",
        float(np.abs(found @ found.T - 1.7**2 * np.eye(30)).max()),
        1e-5,
        kind=Kind.INDEPENDENT,
    )


def _dirac(device: str) -> Check:
    weight = schemes.fill(torch.empty(8, 8, 3, 3), "dirac").to(device)
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0)).to(device)
    return Check(
        "A dirac_ convolution passes its input unchanged",
        "the input",
        largest_difference(F.conv2d(x, weight, padding=1), x),
        1e-6,
        kind=Kind.INVARIANT,
    )


def _connections() -> Check:
    made: list[tuple[type[nn.Module], dict[str, int]]] = [
        (nn.Conv2d, {"kernel_size": 3, "padding": 1}),
        (nn.Conv2d, {"kernel_size": 3, "padding": 1, "groups": 8}),
        (nn.Conv2d, {"kernel_size": 3, "stride": 2}),
        (nn.ConvTranspose2d, {"kernel_size": 4, "stride": 2, "padding": 1}),
        (nn.ConvTranspose2d, {"kernel_size": 3, "stride": 3}),
    ]
    worst = 0.0
    for kind, arguments in made:
        with seeded(0):
            layer = kind(8, 16, **arguments)
        ours = schemes.connections(layer, (8, 9, 7))
        options = dict(arguments)
        theirs = reference.count_connections(
            (8, 9, 7),
            16,
            kernel=options.pop("kernel_size"),
            transposed=kind is nn.ConvTranspose2d,
            **options,
        )
        worst = max(worst, abs(ours[0] - theirs[0]), abs(ours[1] - theirs[1]))
    return Check(
        "Five convolutions' connections are counted right, both ways",
        "loops counting taps within reach",
        worst,
        1e-9,
        kind=Kind.INDEPENDENT,
    )


def _rectangular(mode: str) -> tuple[Tensor, Tensor]:
    """Return z = W x and Wᵀ g for a 300 by 900 kaiming weight, x and g standard normal."""
    generator = torch.Generator().manual_seed(6)
    weight = schemes.fill(
        torch.empty(300, 900), "kaiming_normal", mode=mode, generator=generator
    ).double()
    x, g = (torch.randn(400, size, generator=generator, dtype=torch.float64) for size in (900, 300))
    return x @ weight.T, g @ weight


def _fan_in_keeps() -> Check:
    forward, backward = _rectangular("fan_in")
    return Check(
        "fan_in keeps the variance forward, 900 to 300",
        "1, the input's variance",
        abs(float(forward.var()) - 1),
        0.02,
        f"Backward: {float(backward.var()):.3f}, fan_out/fan_in.",
        kind=Kind.INDEPENDENT,
    )


def _fan_out_keeps() -> Check:
    forward, backward = _rectangular("fan_out")
    return Check(
        "fan_out keeps the gradient's variance, 300 to 900",
        "1, the output gradient's variance",
        abs(float(backward.var()) - 1),
        0.02,
        f"Forward: {float(forward.var()):.3f}, fan_in/fan_out.",
        kind=Kind.INDEPENDENT,
    )


def _small_stack() -> tuple[reference.Array, reference.Array, list[reference.Array]]:
    generator = torch.Generator().manual_seed(1)
    x, g = (torch.randn(64, 32, generator=generator) for _ in range(2))
    weights = [
        schemes.fill(
            torch.empty(32, 32), "kaiming_normal", nonlinearity="tanh", generator=generator
        )
        for _ in range(6)
    ]
    return x.double().numpy(), g.double().numpy(), [w.double().numpy() for w in weights]


def _forward(device: str) -> Check:
    h, _, weights = _small_stack()
    spreads = [h.std()]
    for weight in weights:
        h = np.tanh(h @ weight.T)
        spreads.append(h.std())
    found = propagate(
        "kaiming_normal", "tanh", depth=6, width=32, batch=64, seed=1, device=device
    ).forward_std
    return Check(
        "Activations have the std drawn, six tanh layers",
        "float64 NumPy",
        largest_difference(found, torch.tensor(np.array(spreads))),
        1e-5,
        kind=Kind.INDEPENDENT,
    )


def _backward(device: str) -> Check:
    h, g, weights = _small_stack()
    outputs = []
    for weight in weights:
        h = np.tanh(h @ weight.T)
        outputs.append(h)
    spreads = [g.std()]
    for weight, output in zip(weights[::-1], outputs[::-1], strict=True):
        g = (g * (1 - output**2)) @ weight
        spreads.append(g.std())
    found = propagate(
        "kaiming_normal", "tanh", depth=6, width=32, batch=64, seed=1, device=device
    ).backward_std
    return Check(
        "Gradients have the std drawn, six tanh layers",
        "the chain rule in float64 NumPy",
        largest_difference(found, torch.tensor(np.array(spreads[::-1]))),
        1e-5,
        kind=Kind.INDEPENDENT,
    )


def _predicted(scheme: str, nonlinearity: str, words: str, device: str, **arguments: Any) -> Check:
    """Compare the theory with torch over eight layers, the mean over eight seeds."""
    pictures = arguments.get("kind") == "conv"
    # A convolution's units count 64 pixels each.
    width, batch = (32, 256) if pictures else (256, 64)
    if pictures:
        arguments["norm"] = "batch"
    traces = [
        propagate(
            scheme,
            nonlinearity,
            depth=8,
            width=width,
            batch=batch,
            seed=seed,
            device=device,
            **arguments,
        )
        for seed in range(8)
    ]
    worst = 0.0
    for name in ("forward", "backward"):
        predicted = getattr(traces[0], f"predicted_{name}_std")
        mean = torch.stack([getattr(trace, f"{name}_std").square() for trace in traces]).mean(0)
        worst = max(worst, float((mean.sqrt() / predicted - 1).abs().max()))
    return Check(
        f"Theory predicts activations and gradients of {words}, eight layers of {width}",
        "torch's mean square over eight seeds",
        worst,
        0.1,
        f"Shares of the std. Theory is for infinite width; {width} leaves chance.",
        kind=Kind.ANOTHER_PATH,
    )


def _conv_counted(device: str) -> Check:
    """Hold each pixel's count against what torch gives there: corners, edges and inner pixels."""
    place = np.add.outer(
        *[np.isin(np.arange(propagation.SIDE), (0, propagation.SIDE - 1)).astype(int)] * 2
    ).ravel()
    worst, corners = 0.0, []
    for kind in KINDS[1:]:
        generator = torch.Generator().manual_seed(0)
        squares = []
        for _ in range(6):
            x = torch.randn(propagation.input_shape(kind, 32, 1024), generator=generator)
            weight = torch.empty(propagation.weight_shape(kind, 32))
            init.normal_(weight, generator=generator)
            z = propagation.layer(kind, x.to(device), weight.to(device))
            squares.append(z.double().square().mean((0, 1)).flatten().cpu())
        found = torch.stack(squares).mean(0).numpy()
        count = propagation.counted(kind, 32).sum(1).numpy()
        for border in range(3):
            here = place == border
            worst = max(worst, abs(found[here].mean() / count[here].mean() - 1))
        corners.append(f"{kind} {count[place == 2].mean() / count[place == 0].mean():.2f}")
    return Check(
        "Each pixel's variance is its number of connections, in corners, at edges and inside",
        "torch's mean square over six layers of weights of variance 1",
        worst,
        0.15,
        f"Shares. A corner's count by an inner pixel's: {', '.join(corners)}.",
        kind=Kind.ANOTHER_PATH,
    )


def _symmetry(device: str) -> Check:
    apart = symmetric_training(steps=20, device=device)
    # A real optimizer too, as the page's own training uses: it must not tell units apart either.
    *_, last = train(read("zeros"), "tanh", depth=2, steps=5, device=device)
    return Check(
        "Units that start equal are equal after 20 steps",
        "largest difference between two rows of the trained weight",
        apart if math.isfinite(last.loss) else math.inf,
        1e-6,
        kind=Kind.INVARIANT,
    )


def symmetric_training(*, steps: int, device: str = "cpu") -> float:
    """Train two layers whose weights all start at 0.5; return how far rows have come apart."""
    where = devices.device(device)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, generator=generator).to(where)
    target = (x[:, :1] * x[:, 1:2]).sign()
    first = torch.full((8, 3), 0.5, device=where, requires_grad=True)
    second = torch.full((1, 8), 0.5, device=where, requires_grad=True)
    optimizer = torch.optim.SGD([first, second], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(F.linear(torch.tanh(F.linear(x, first)), second), target).backward()
        optimizer.step()
    assert float((first - 0.5).detach().abs().max()) > 1e-3, "nothing was trained"
    return float((first - first[:1]).abs().max().detach())
