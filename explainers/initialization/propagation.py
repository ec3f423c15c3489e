"""Send a signal through a stack of layers and its gradient back, and measure both."""

import dataclasses
import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import init

from explainers import devices
from explainers.initialization import schemes, theory
from explainers.parameters import Choice, Number

KINDS = ("linear", "conv", "depthwise", "transposed")
SIDE = 8
"""Height and width of the pictures that convolutions read."""

# How near to the value that it approaches a bounded nonlinearity counts as saturated.
NEAR = 0.01
_ENDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "selu": (-1.7580993408473766, None)}

SATURATING = tuple(_ENDS)
"""Nonlinearities that approach a value."""

DEPTH = Number("depth", "Layers.", 1, 100, 1, integer=True)
WIDTH = Number("width", "Or channels, of each layer.", 16, 1024, 16, integer=True)
BATCH = Number("batch", "Inputs.", 2, 4096, 16, integer=True)
_SEED = Number("seed", "Of everything drawn.", 0, 2**31 - 1, 1, integer=True)
_KIND = Choice("kind", "Of layer.", KINDS)
_NORM = Choice("norm", "Between layer and nonlinearity.", theory.NORMS)

# Theory is for infinite width. Chance makes of a product over layers the more, the deeper it is and
# the fewer terms each sum has: as many layers as these shares of the width are still foretold.
_LAYERS_PER_UNIT = 3
_DEPTHWISE_INPUTS = 9
_LAYERS_PER_VALUE = 2

BINS = 41
# As many values as a histogram of 41 bars needs; a wide layer has many more.
_SAMPLE = 4096


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """Hold the histograms of one layer, of at most 4096 values each, evenly picked.

    Attributes:
        counts: ``(3, 41)`` float32: of the activations after it, their gradients, its weights.
        ends: ``(3, 2)`` float32: least and largest value; NaN where values are not finite.
    """

    counts: Tensor
    ends: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class SignalTrace:
    """Hold what was measured at each layer, all float64 on the CPU.

    Entry l of those with ``depth + 1`` is after layer l, entry 0 the input; entry l - 1 of those
    with ``depth`` is layer l. A std is over all values of a layer: units, inputs and pixels. It is
    NaN where values are beyond float32.

    Attributes:
        forward_std: ``(depth + 1,)``: std of activations.
        backward_std: ``(depth + 1,)``: std of the gradient with respect to them.
        dead: ``(depth,)``: share of units that give exactly 0 for every input.
        saturated: ``(depth,)``: share of activations within 0.01 of a value that the nonlinearity
            approaches (sigmoid 0 and 1, tanh -1 and 1, selu -1.758); 0 for the others.
        predicted_forward_std: ``(depth + 1,)``: what theory says, for infinite width; NaN where it
            says nothing.
        predicted_backward_std: ``(depth + 1,)``: likewise.
        last_size: Root mean square of the last activations; NaN likewise.
        signal_std: ``(depth + 1,)``: root of the mean variance of one unit over the inputs: what
            tells one input from another.
        asked_std: What the scheme asks of each weight; NaN for dirac, whose ones are placed.
        weight_std: ``(depth,)``: std of each layer's weights.
        fans: fan_in and fan_out of a layer, as torch counts them.
        connections: True mean number of inputs per output, and of outputs per input.
        histograms: Of the layer asked for; None where none is.
        untold: Where theory says nothing, and why, in a sentence; empty where it says all.
    """

    forward_std: Tensor
    backward_std: Tensor
    dead: Tensor
    saturated: Tensor
    predicted_forward_std: Tensor
    predicted_backward_std: Tensor
    last_size: float
    signal_std: Tensor
    asked_std: float
    weight_std: Tensor
    fans: tuple[int, int]
    connections: tuple[float, float]
    histograms: Histograms | None = None
    untold: str = ""

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.dead)


def propagate(
    scheme: str,
    nonlinearity: str,
    *,
    depth: int,
    width: int,
    batch: int = 256,
    gain: float | None = None,
    mode: str = "fan_in",
    std: float = 1.0,
    seed: int = 0,
    device: str = "cpu",
    a: float = 0.01,
    kind: str = "linear",
    norm: str = "none",
    residual: bool = False,
    bias: bool = False,
    histograms_of: int | None = None,
) -> SignalTrace:
    """Send standard normal inputs through a stack of equal layers, and a gradient back.

    Each layer is weights, then a bias if there is one, normalisation, the nonlinearity, and, if
    residual, the sum with what it read. The gradient at the output is standard normal.

    Args:
        scheme: One of `SCHEMES`.
        nonlinearity: One of `NONLINEARITIES`.
        depth: Number of layers, 1 to 100.
        width: Units of each layer, 16 to 1024; for convolutions, channels.
        batch: Inputs, 2 to 4096. Convolutions read pictures of 8x8, batch / 64 of them, so that
            each unit gives as many values.
        gain: Factor on the spread; None takes the one recommended for the nonlinearity.
        mode: Fan that kaiming divides by.
        std: Of normal, uniform and trunc_normal; the value of constant.
        seed: Of inputs, gradient and weights, the same for every scheme.
        device: Where torch computes. Everything is drawn on the CPU, so that devices agree.
        a: Slope of leaky_relu below zero.
        kind: ``"linear"``; ``"conv"`` (3x3, padding 1); ``"depthwise"`` (the same, one kernel per
            channel); ``"transposed"`` (4x4, stride 2, padding 1, then every second pixel).
        norm: ``"none"``, ``"batch"`` or ``"layer"``.
        residual: Whether each layer adds to what it reads.
        bias: Whether layers have a bias, drawn as torch's own layers draw theirs.
        histograms_of: Layer to take histograms of, 1 to `depth`; None for none.

    Returns:
        What was measured, on the CPU.

    Raises:
        ValueError: An argument breaks its rule, the scheme is dirac on a linear layer, or `device`
            is not there.

    References:
        Glorot and Bengio, AISTATS 2010; He et al., arXiv:1502.01852; Poole et al.,
        arXiv:1606.05340.
    """
    schemes.checked(scheme, gain=gain, nonlinearity=nonlinearity, a=a, mode=mode, std=std)
    for name, rule, value in (
        ("depth", DEPTH, depth),
        ("width", WIDTH, width),
        ("batch", BATCH, batch),
        ("seed", _SEED, seed),
        ("kind", _KIND, kind),
        ("norm", _NORM, norm),
    ):
        try:
            rule.check(value)
        except ValueError as error:
            raise ValueError(f"{name} must be {error}") from None
    if histograms_of is not None and not 1 <= histograms_of <= depth:
        raise ValueError(f"histograms_of must be a layer, 1 to {depth}, got {histograms_of}")
    if scheme == "dirac" and kind == "linear":
        raise ValueError("scheme must be other than dirac for linear layers, got dirac")
    where = devices.device(device)
    generator = torch.Generator().manual_seed(seed)
    shape = input_shape(kind, width, batch)
    h = torch.randn(shape, generator=generator).to(where).requires_grad_()
    gradient = torch.randn(shape, generator=generator).to(where)
    weights, outputs, sizes, saturated = [], [h], [], []
    for _ in range(depth):
        weight = schemes.drawn(
            torch.empty(weight_shape(kind, width)),
            scheme,
            gain=gain,
            nonlinearity=nonlinearity,
            a=a,
            mode=mode,
            std=std,
            groups=width if kind == "depthwise" else 1,
            generator=generator,
        )
        weights.append(weight)
        added = own_bias(weight, width, generator).to(where) if bias else None
        z = layer(kind, h, weight.to(where), added)
        y = theory.apply(nonlinearity, normed(norm, z), a)
        sizes.append(_sizes(y.detach()))
        saturated.append(_saturated(nonlinearity, y.detach()))
        h = h + y if residual else y
        outputs.append(h)
    gradients = [*torch.autograd.grad(h, outputs[:-1], gradient), gradient]
    outputs = [output.detach() for output in outputs]
    histograms = None
    if histograms_of is not None:
        at = histograms_of
        histograms = _histograms(outputs[at], gradients[at], weights[at - 1])
    counts = counted(kind, width)
    forward, backward, untold = _predicted(
        scheme,
        nonlinearity,
        counts,
        asked=(asked := _asked(scheme, kind, width, gain, nonlinearity, a, mode, std)),
        width=width,
        std=std,
        depth=depth,
        a=a,
        kind=kind,
        norm=norm,
        residual=residual,
        bias=bias_variance(kind, width) if bias else 0.0,
        values=math.prod(shape) // width,
    )
    return SignalTrace(
        forward_std=_column([output.std(correction=0) for output in outputs]),
        backward_std=_column([_spread(part) for part in gradients]),
        dead=(torch.stack(sizes).cpu() == 0).double().mean(1),
        saturated=_column(saturated),
        predicted_forward_std=forward,
        predicted_backward_std=backward,
        last_size=float(_column([_root_mean_square(outputs[-1])])),
        signal_std=_column([_signal(output) for output in outputs]),
        asked_std=asked,
        weight_std=_column([_spread(weight) for weight in weights]),
        fans=schemes.fans(weights[0]),
        connections=(float(counts.sum(1).mean()), float(counts.sum(0).mean())),
        histograms=histograms,
        untold=untold,
    )


def weight_shape(kind: str, width: int) -> tuple[int, ...]:
    """Return the shape of a layer's weight as torch's own layer of that kind has it."""
    return {
        "linear": (width, width),
        "conv": (width, width, 3, 3),
        "depthwise": (width, 1, 3, 3),
        "transposed": (width, width, 4, 4),
    }[kind]


def own_bias(weight: Tensor, channels: int, generator: torch.Generator) -> Tensor:
    """Return a bias ``(channels,)`` as reset_parameters draws it: within 1/sqrt(fan_in)."""
    end = 1 / math.sqrt(schemes.fans(weight)[0])
    return init.uniform_(torch.empty(channels), -end, end, generator=generator)


def bias_variance(kind: str, width: int) -> float:
    """Return the variance of a layer's own bias: that of a uniform one, a third of its bound's."""
    fan_in, _ = schemes.fans(torch.empty(weight_shape(kind, width), device="meta"))
    return 1 / (3 * fan_in)


def layer(kind: str, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a layer of the stack: what it gives has the shape of what it reads."""
    match kind:
        case "conv":
            return F.conv2d(x, weight, bias, padding=1)
        case "depthwise":
            return F.conv2d(x, weight, bias, padding=1, groups=x.shape[1])
        case "transposed":
            # The next layer reads every second pixel, so that the pictures keep their size.
            made = F.conv_transpose2d(x, weight, bias, stride=2, padding=1)
            return made[:, :, 1::2, 1::2]
    return F.linear(x, weight, bias)


def normed(norm: str, x: Tensor) -> Tensor:
    """Apply a normalisation without weights; batch statistics are this batch's own."""
    match norm:
        case "batch":
            return F.batch_norm(x, None, None, training=True)
        case "layer":
            return F.layer_norm(x, x.shape[1:])
    return x


def counted(kind: str, width: int) -> Tensor:
    """Return how many inputs at each position each output position sums over.

    The layer itself counts: its weights are 1, and the input is 1 at one position.

    Returns:
        ``(positions, positions)`` float64, entry (output, input); one position for linear layers.
    """
    if kind == "linear":
        return torch.full((1, 1), float(width), dtype=torch.float64)
    positions = SIDE * SIDE
    ones = torch.eye(positions, dtype=torch.float64).reshape(positions, 1, SIDE, SIDE)
    one = torch.ones(1, 1, *weight_shape(kind, width)[2:], dtype=torch.float64)
    # One channel counts for all of them: they do not differ.
    channels = 1 if kind == "depthwise" else width
    return channels * layer(kind, ones, one).reshape(positions, positions).T


@functools.cache
def read_by(kind: str) -> Tensor | None:
    """Return which position each tap of a kernel reads: ``(taps, positions)``, -1 past the border.

    The layer itself shows it: one tap is 1, and the input holds its positions, from 1.
    """
    if kind == "linear":
        return None
    numbered = torch.arange(1.0, SIDE * SIDE + 1).reshape(1, 1, SIDE, SIDE)
    shape = weight_shape(kind, 1)
    taps = torch.eye(math.prod(shape)).reshape(-1, *shape)
    read = torch.stack([layer(kind, numbered, tap).flatten() for tap in taps]).long() - 1
    return read[(read >= 0).any(1)]


def input_shape(kind: str, width: int, batch: int) -> tuple[int, ...]:
    """Return the shape of the inputs: pictures give as many values per channel as `batch` says."""
    if kind == "linear":
        return (batch, width)
    return (max(1, batch // SIDE**2), width, SIDE, SIDE)


def _asked(
    scheme: str,
    kind: str,
    width: int,
    gain: float | None,
    nonlinearity: str,
    a: float,
    mode: str,
    std: float,
) -> float:
    if scheme == "dirac":
        return math.nan
    shape = weight_shape(kind, width)
    fan_in, fan_out = schemes.fans(torch.empty(shape, device="meta"))
    # orthogonal_ takes the first dimension for rows, and the others for columns.
    field = math.prod(shape[2:])
    if scheme == "orthogonal":
        fan_in, fan_out, field = math.prod(shape[1:]), shape[0], 1
    return schemes.expected_std(
        scheme,
        fan_in,
        fan_out,
        gain=gain,
        nonlinearity=nonlinearity,
        a=a,
        mode=mode,
        std=std,
        receptive_field=field,
    )


def _predicted(
    scheme: str,
    nonlinearity: str,
    counts: Tensor,
    *,
    asked: float,
    width: int,
    std: float,
    depth: int,
    a: float,
    kind: str,
    norm: str,
    residual: bool,
    bias: float,
    values: int,
) -> tuple[Tensor, Tensor, str]:
    """Return what theory says of activations and gradients, and where it says nothing and why."""
    if schemes.SCHEMES[scheme].kind != "fixed":
        forward, backward = theory.predict(
            nonlinearity,
            counts,
            variance=asked**2,
            depth=depth,
            a=a,
            norm=norm,
            residual=residual,
            units=float(width * len(counts)),
            bias=bias,
            taps=read_by(kind),
        )
        return _trusted(forward, backward, kind, width, norm, values)
    if norm == "none" and scheme == "dirac" and not bias:
        return *theory.predict_passed_on(nonlinearity, depth=depth, a=a, residual=residual), ""
    if norm == "none" and (kind == "linear" or scheme == "zeros") and not bias:
        value = 0.0 if scheme == "zeros" else std
        same = theory.predict_same(
            nonlinearity, width, value=value, depth=depth, a=a, residual=residual
        )
        return *same, ""
    # Normalised, biased, or pixels that share their inputs: no sum of independent terms is left.
    return *theory.nothing(depth), (
        f"No theory of {scheme} here: it needs weights drawn at random, or none of bias, "
        "normalization and kernels that overlap."
    )


def _trusted(
    forward: Tensor, backward: Tensor, kind: str, width: int, norm: str, values: int
) -> tuple[Tensor, Tensor, str]:
    """Leave out of theory what chance makes of it: deep and narrow, or a small batch."""
    depth = len(forward) - 1
    most, why = width // _LAYERS_PER_UNIT, f"layers of {width} units leave"
    if kind == "depthwise":
        most, why = _DEPTHWISE_INPUTS // _LAYERS_PER_UNIT, "sums of nine inputs leave"
    if norm == "batch" and values // _LAYERS_PER_VALUE < most:
        most, why = values // _LAYERS_PER_VALUE, f"{values} values per unit in BatchNorm leave"
    if most < depth:
        forward, backward = forward.clone(), torch.full_like(backward, math.nan)
        forward[most + 1 :] = math.nan
        return (
            forward,
            backward,
            f"Theory, for infinite width, ends after {most} layers: {why} more to chance.",
        )
    if backward.isnan().all():
        return (
            forward,
            backward,
            "No theory of gradients here: under BatchNorm border and inner pixels differ by more "
            "than inputs do.",
        )
    return forward, backward, ""


def _sizes(y: Tensor) -> Tensor:
    """Return the sum of each unit's (channel's) absolute values: 0 where it is dead."""
    return y.abs().sum([0, *range(2, y.ndim)])


def _saturated(nonlinearity: str, y: Tensor) -> Tensor:
    low, high = _ENDS.get(nonlinearity, (None, None))
    near = y.new_zeros(())
    if low is not None:
        near = near + (y < low + NEAR).float().mean()
    if high is not None:
        near = near + (y > high - NEAR).float().mean()
    return near


def _signal(output: Tensor) -> Tensor:
    return _root_mean_square(output - output.mean([0, *range(2, output.ndim)], keepdim=True))


def _spread(values: Tensor) -> Tensor:
    # Faster than std; where all values are equal it leaves their rounding.
    return _root_mean_square(values - values.mean())


def _root_mean_square(values: Tensor) -> Tensor:
    # In float64, for the squares of a gradient that has vanished lie below float32.
    wide = torch.float64 if values.device.type != "mps" else None
    norm: Tensor = torch.linalg.vector_norm(values, dtype=wide)
    return norm / math.sqrt(values.numel())


def _column(values: list[Tensor]) -> Tensor:
    column = torch.stack(values).cpu().double()
    return column.masked_fill(~column.isfinite(), math.nan)


def _histograms(*values: Tensor) -> Histograms:
    counts, ends = [], []
    for part in values:
        flat = part.flatten()
        # A step that divides no usual width, so that every unit is met.
        picked = flat[:: len(flat) // _SAMPLE | 1] if len(flat) > _SAMPLE else flat
        low, high = (float(end) for end in picked.aminmax())
        if not (math.isfinite(low) and math.isfinite(high)):
            counts.append(torch.zeros(BINS))
            ends.append((math.nan, math.nan))
            continue
        counts.append(torch.histc(picked.float().cpu(), BINS, low, high))
        ends.append((low, high))
    return Histograms(torch.stack(counts), torch.tensor(ends))
