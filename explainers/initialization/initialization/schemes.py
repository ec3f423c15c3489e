"""Declare every initialiser of the page once: what it draws, with which spread, by which call."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import init

from explainers.initialization.initialization import theory
from explainers.parameters import Choice, Number, shown

NONLINEARITIES = theory.NONLINEARITIES
MODES = ("fan_in", "fan_out")
# Those that torch.nn.init.calculate_gain knows.
TORCH_GAINS = tuple(name for name in NONLINEARITIES if name in get_args(init._NonlinearityType))
CUT = 2.0
"""Where `trunc_normal_` cuts when it is not told: at -2 and 2, whatever the std."""

_GAIN = Number("gain", "Times the spread.", 0.001, 1000.0, 0.05)
_STD = Number("std", "Asked for.", 0.0, 1000.0, 0.01)
_SLOPE = Number("a", "leaky_relu's below zero.", -100.0, 100.0, 0.01)
_NONLINEARITY = Choice("nonlinearity", "After the layer.", NONLINEARITIES)
_MODE = Choice("mode", "Which fan kaiming keeps.", MODES)


@dataclasses.dataclass(frozen=True, slots=True)
class SchemeSpec:
    """Describe one initialiser.

    Attributes:
        name: On this page.
        function: Name in ``torch.nn.init``.
        summary: What it does, in one sentence.
        arguments: Which of ``gain``, ``mode`` and ``std`` move it.
        kind: ``"uniform"``, ``"normal"``, ``"truncated"``, ``"orthogonal"`` or ``"fixed"``.
        least_dimensions: Of the weights that it takes.
    """

    name: str
    function: str
    summary: str
    arguments: tuple[str, ...]
    kind: str
    least_dimensions: int = 1


SCHEMES: Mapping[str, SchemeSpec] = {
    spec.name: spec
    for spec in (
        SchemeSpec(
            "default",
            "kaiming_uniform_",
            "As nn.Linear and nn.Conv2d come: uniform within 1/sqrt(fan_in), by "
            "kaiming_uniform_ with a = sqrt(5).",
            (),
            "uniform",
            2,
        ),
        SchemeSpec(
            "xavier_uniform",
            "xavier_uniform_",
            "Uniform, variance 2 gain² / (fan_in + fan_out).",
            ("gain",),
            "uniform",
            2,
        ),
        SchemeSpec(
            "xavier_normal",
            "xavier_normal_",
            "Normal, variance 2 gain² / (fan_in + fan_out).",
            ("gain",),
            "normal",
            2,
        ),
        SchemeSpec(
            "kaiming_uniform",
            "kaiming_uniform_",
            "Uniform, variance gain² / fan.",
            ("gain", "mode"),
            "uniform",
            2,
        ),
        SchemeSpec(
            "kaiming_normal",
            "kaiming_normal_",
            "Normal, variance gain² / fan.",
            ("gain", "mode"),
            "normal",
            2,
        ),
        SchemeSpec(
            "normal",
            "normal_",
            "Normal with the std below, whatever the fans.",
            ("std",),
            "normal",
        ),
        SchemeSpec(
            "uniform",
            "uniform_",
            "Uniform about 0 with the std below: within sqrt(3) · std.",
            ("std",),
            "uniform",
        ),
        SchemeSpec(
            "trunc_normal",
            "trunc_normal_",
            "Normal with the std below, cut at -2 and 2, not at two stds.",
            ("std",),
            "truncated",
        ),
        SchemeSpec(
            "orthogonal",
            "orthogonal_",
            "gain times orthogonal rows or columns of length 1.",
            ("gain",),
            "orthogonal",
            2,
        ),
        SchemeSpec(
            "dirac",
            "dirac_",
            "Each channel passes unchanged; convolutions only.",
            (),
            "fixed",
            3,
        ),
        SchemeSpec("zeros", "zeros_", "All weights zero.", (), "fixed"),
        SchemeSpec(
            "constant", "constant_", "All weights equal to the std below.", ("std",), "fixed"
        ),
    )
}
"""Every initialiser of the page by name."""


def label(scheme: str) -> str:
    """Return a scheme's name as a reader sees it."""
    return "torch's default" if scheme == "default" else scheme


_SCHEME = Choice("scheme", "How weights are drawn.", tuple(SCHEMES))


def checked(
    scheme: str, *, gain: float | None, nonlinearity: str, a: float, mode: str, std: float
) -> SchemeSpec:
    """Return the scheme's spec.

    Raises:
        ValueError: An argument breaks its rule; the message names argument, rule and value.
    """
    rules: list[tuple[str, Choice | Number, object]] = [
        ("scheme", _SCHEME, scheme),
        ("nonlinearity", _NONLINEARITY, nonlinearity),
        ("a", _SLOPE, a),
        ("mode", _MODE, mode),
        ("std", _STD, std),
    ]
    if gain is not None:
        rules.append(("gain", _GAIN, gain))
    for name, rule, value in rules:
        try:
            rule.check(value)
        except ValueError as error:
            raise ValueError(f"{name} must be {error}") from None
    if scheme == "trunc_normal" and std == 0:
        raise ValueError("std must be above 0 for trunc_normal, got 0")
    return SCHEMES[scheme]


def gain_of(nonlinearity: str, a: float = 0.01) -> float:
    """Return the gain recommended for a nonlinearity.

    Args:
        nonlinearity: One of `NONLINEARITIES`.
        a: Slope of leaky_relu below zero; others pass it over.

    Returns:
        What ``calculate_gain`` gives; where torch has none (gelu, silu), 1/sqrt(E[f(z)²]) for a
        standard normal z, by a numeric integral.

    Raises:
        ValueError: `nonlinearity` is unknown, or `a` not a finite number within bounds.

    References:
        https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain
    """
    checked("zeros", gain=None, nonlinearity=nonlinearity, a=a, mode="fan_in", std=0.0)
    return _factor(None, nonlinearity, a)


def _factor(gain: float | None, nonlinearity: str, a: float) -> float:
    """Return the gain, or the recommended one for None."""
    if gain is not None:
        return float(gain)
    if nonlinearity in TORCH_GAINS:
        return float(init.calculate_gain(nonlinearity, float(a)))  # type: ignore[arg-type]
    return _unit_gain(nonlinearity, a)


# Asked for at every layer of a stack.
_unit_gain = functools.lru_cache(maxsize=64)(theory.unit_gain)


def expected_std(
    scheme: str,
    fan_in: int,
    fan_out: int,
    *,
    gain: float | None = None,
    nonlinearity: str = "linear",
    a: float = 0.0,
    mode: str = "fan_in",
    std: float = 1.0,
    receptive_field: int = 1,
) -> float:
    """Return the standard deviation that a scheme asks of each weight.

    Args:
        scheme: One of `SCHEMES`.
        fan_in: As torch counts it: the receptive field included.
        fan_out: Likewise.
        gain: Factor on the spread of xavier, kaiming and orthogonal; None takes the one
            recommended for `nonlinearity`.
        nonlinearity: One of `NONLINEARITIES`.
        a: Slope of leaky_relu below zero.
        mode: Fan that kaiming divides by.
        std: Of normal and uniform; before the cut at -2 and 2 of trunc_normal. constant takes it
            as its value, which has no spread.
        receptive_field: Elements of one kernel. orthogonal_ flattens a kernel into fan_in columns
            and fan_out / receptive_field rows, and no other scheme asks.

    Raises:
        ValueError: An argument breaks its rule, or the scheme is dirac: its ones are placed, not
            drawn.

    References:
        Glorot and Bengio 2010, eq. (12) and (16); He et al., arXiv:1502.01852, eq. (10) and (14).
    """
    checked(scheme, gain=gain, nonlinearity=nonlinearity, a=a, mode=mode, std=std)
    for name, fan in (
        ("fan_in", fan_in),
        ("fan_out", fan_out),
        ("receptive_field", receptive_field),
    ):
        if isinstance(fan, bool) or not isinstance(fan, int) or fan < 1:
            raise ValueError(f"{name} must be a whole number of 1 or more, got {shown(fan)}")
    factor = _factor(gain, nonlinearity, a)
    match scheme:
        case "default":
            return 1 / math.sqrt(3 * fan_in)
        case "xavier_uniform" | "xavier_normal":
            return factor * math.sqrt(2 / (fan_in + fan_out))
        case "kaiming_uniform" | "kaiming_normal":
            return factor / math.sqrt(fan_in if mode == "fan_in" else fan_out)
        case "normal" | "uniform":
            return float(std)
        case "trunc_normal":
            return float(std) * _kept_spread(CUT / std)
        case "orthogonal":
            return factor / math.sqrt(max(fan_in, fan_out // receptive_field))
        case "zeros" | "constant":
            return 0.0
    raise ValueError(f"scheme must be one with a standard deviation of its own, got {scheme}")


def _kept_spread(cut: float) -> float:
    """Return the std of a standard normal variable that is redrawn until it lies within ±cut."""
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


def bound(scheme: str, asked: float) -> float | None:
    """Return the largest size of a weight where the scheme has a bound, else None.

    Args:
        scheme: One of `SCHEMES`.
        asked: The scheme's `expected_std`.
    """
    kind = SCHEMES[scheme].kind
    return {"uniform": math.sqrt(3) * asked, "truncated": CUT}.get(kind)


def excess(scheme: str, std: float = 1.0) -> float:
    """Return E[w⁴]/E[w²]² - 1 of a scheme's weights: how far a measured variance may stray.

    The standard error of a std measured on n weights is std · sqrt(excess / (4 n)).
    """
    match SCHEMES[scheme].kind:
        case "uniform":
            return 0.8
        case "truncated":
            cut = CUT / std
            density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
            share = math.erf(cut / math.sqrt(2))
            second = 1 - 2 * cut * density / share
            fourth = 3 * second - 2 * cut**3 * density / share
            return fourth / second**2 - 1
        case "fixed":
            return 0.0
    return 2.0  # of a normal variable


def fill(
    weight: Tensor,
    scheme: str,
    *,
    gain: float | None = None,
    nonlinearity: str = "linear",
    a: float = 0.01,
    mode: str = "fan_in",
    std: float = 1.0,
    groups: int = 1,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill a weight in place by torch's own initialiser, and return it.

    Args:
        weight: Of any layer.
        scheme: One of `SCHEMES`.
        gain: As in `expected_std`.
        nonlinearity: As in `expected_std`.
        a: As in `expected_std`.
        mode: As in `expected_std`.
        std: As in `expected_std`.
        groups: Of the layer; dirac alone asks.
        generator: To draw from.

    Raises:
        ValueError: An argument breaks its rule, or the weight has too few dimensions.
    """
    spec = checked(scheme, gain=gain, nonlinearity=nonlinearity, a=a, mode=mode, std=std)
    if weight.ndim < spec.least_dimensions:
        if scheme == "dirac":
            raise ValueError(
                f"scheme must be other than dirac for a weight of {weight.ndim} dimensions, "
                "got dirac"
            )
        raise ValueError(_TOO_FLAT.format(tuple(weight.shape)))
    return drawn(
        weight,
        scheme,
        gain=gain,
        nonlinearity=nonlinearity,
        a=a,
        mode=mode,
        std=std,
        groups=groups,
        generator=generator,
    )


def drawn(
    weight: Tensor,
    scheme: str,
    *,
    gain: float | None,
    nonlinearity: str,
    a: float,
    mode: str,
    std: float,
    groups: int,
    generator: torch.Generator | None,
) -> Tensor:
    """Do what `fill` does, for arguments that are checked already."""
    factor = _factor(gain, nonlinearity, a)
    match scheme:
        case "default":
            init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        case "xavier_uniform":
            init.xavier_uniform_(weight, gain=factor, generator=generator)
        case "xavier_normal":
            init.xavier_normal_(weight, gain=factor, generator=generator)
        case "kaiming_uniform" | "kaiming_normal":
            draw = init.kaiming_uniform_ if scheme == "kaiming_uniform" else init.kaiming_normal_
            own = gain is not None or nonlinearity not in TORCH_GAINS
            # torch takes a gain by the name of its nonlinearity alone; any other is multiplied in.
            draw(
                weight,
                a=a,
                mode=mode,  # type: ignore[arg-type]
                nonlinearity="linear" if own else nonlinearity,  # type: ignore[arg-type]
                generator=generator,
            )
            if own:
                with torch.no_grad():
                    weight.mul_(factor)
        case "normal":
            init.normal_(weight, std=std, generator=generator)
        case "uniform":
            init.uniform_(weight, -math.sqrt(3) * std, math.sqrt(3) * std, generator=generator)
        case "trunc_normal":
            init.trunc_normal_(weight, std=std, generator=generator)
        case "orthogonal":
            init.orthogonal_(weight, gain=factor, generator=generator)
        case "dirac":
            init.dirac_(weight, groups)
        case "zeros":
            init.zeros_(weight)
        case "constant":
            init.constant_(weight, std)
    return weight


_TOO_FLAT = "layer must have a weight of 2 or more dimensions, got shape {}"


def fans(layer: nn.Module | Tensor) -> tuple[int, int]:
    """Return fan_in and fan_out of a layer as torch counts them.

    torch reads the weight's shape alone, ``(out, in, *kernel)``: it sees neither groups nor stride,
    and takes the ``(in, out, *kernel)`` of a transposed convolution for the other order.

    Args:
        layer: With a ``weight``; or the weight itself.

    Raises:
        ValueError: There is no weight, or it has fewer than two dimensions.
    """
    weight = layer if isinstance(layer, Tensor) else getattr(layer, "weight", None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"layer must have a weight, got {shown(type(layer).__name__)}")
    if weight.ndim < 2:
        raise ValueError(_TOO_FLAT.format(tuple(weight.shape)))
    fan_in, fan_out = init._calculate_fan_in_and_fan_out(weight)
    return int(fan_in), int(fan_out)


def connections(layer: nn.Module, in_shape: tuple[int, ...]) -> tuple[float, float]:
    """Return how many inputs an output really has, and how many outputs an input, on average.

    The layer runs with every weight 1 on an input of ones: each output is then the number of its
    inputs. Padding with zeros counts as no input; other padding counts what it copies.

    Args:
        layer: Linear, a convolution, or a transposed one.
        in_shape: Of one input, without the batch.

    Raises:
        ValueError: The layer has no weight of 2 or more dimensions, or does not take `in_shape`.
    """
    fans(layer)
    ones = {
        name: torch.full_like(value, float(name == "weight"), dtype=torch.float64, device="cpu")
        for name, value in layer.named_parameters()
    }
    counted = torch.ones(1, *in_shape, dtype=torch.float64)
    try:
        with torch.no_grad():
            output = functional_call(layer, ones, (counted,))
    except RuntimeError as error:
        raise ValueError(
            f"in_shape must be one that the layer takes, got {shown(tuple(in_shape))}"
        ) from error
    edges = float(output.sum())
    return edges / output.numel(), edges / counted.numel()
