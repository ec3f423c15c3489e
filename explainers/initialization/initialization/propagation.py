"""Send a signal through a stack of layers and its gradient back, and measure both."""

import dataclasses
import functools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import init

from explainers import devices
from explainers.initialization.initialization import schemes, theory
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
# Under BatchNorm a leaky_relu of a negative slope lets few inputs outgrow the rest: after ten
# layers what a unit gets is no longer normal, at any width.
_FOLDED_LAYERS = 10

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
    return Stack(
        scheme,
        nonlinearity,
        width=width,
        batch=batch,
        gain=gain,
        mode=mode,
        std=std,
        seed=seed,
        device=device,
        a=a,
        kind=kind,
        norm=norm,
        residual=residual,
        bias=bias,
    ).trace(depth, histograms_of)


class Stack:
    """Layers that were drawn, and what passed through them: deeper stacks begin with the same."""

    def __init__(
        self,
        scheme: str,
        nonlinearity: str,
        *,
        width: int,
        batch: int,
        gain: float | None = None,
        mode: str = "fan_in",
        std: float = 1.0,
        seed: int,
        device: str,
        a: float,
        kind: str,
        norm: str,
        residual: bool,
        bias: bool,
    ) -> None:
        """Draw input and gradient, and no layer yet.

        Args, Raises: As `propagate`.
        """
        schemes.checked(scheme, gain=gain, nonlinearity=nonlinearity, a=a, mode=mode, std=std)
        for name, rule, value in (
            ("width", WIDTH, width),
            ("batch", BATCH, batch),
            ("seed", _SEED, seed),
            ("kind", _KIND, kind),
            ("norm", _NORM, norm),
        ):
            _check(name, rule, value)
        if scheme == "dirac" and kind == "linear":
            raise ValueError("scheme must be other than dirac for linear layers, got dirac")
        self._scheme, self._nonlinearity, self._kind, self._norm = scheme, nonlinearity, kind, norm
        self._width, self._a, self._std, self._residual, self._bias = width, a, std, residual, bias
        self._asked = _asked(scheme, kind, width, gain, nonlinearity, a, mode, std)
        self._generator = torch.Generator().manual_seed(seed)
        self._device = devices.device(device)
        self._draw = functools.partial(
            schemes.drawn,
            scheme=scheme,
            gain=gain,
            nonlinearity=nonlinearity,
            a=a,
            mode=mode,
            std=std,
            groups=width if kind == "depthwise" else 1,
            generator=self._generator,
        )
        shape = input_shape(kind, width, batch)
        h, self._gradient = (
            torch.randn(shape, generator=self._generator).to(self._device) for _ in range(2)
        )
        self._weights: list[Tensor] = []
        self._outputs = [h.requires_grad_()]
        # By layer, the input first where it counts; none is measured twice.
        self._sizes, self._stds, self._signals = _measured(h.detach()[None])
        self._dead, self._saturated, self._weight_stds = (
            torch.empty(0, dtype=torch.float64) for _ in range(3)
        )
        self._counts = counted(kind, width)
        self._theory: theory.Foretold | None = None
        if schemes.SCHEMES[scheme].kind != "fixed":
            self._theory = theory.Foretold(
                nonlinearity,
                self._counts,
                variance=self._asked**2,
                a=a,
                norm=norm,
                residual=residual,
                units=float(width * len(self._counts)),
                bias=bias_variance(kind, width) if bias else 0.0,
                taps=read_by(kind),
            )

    @property
    def bytes(self) -> int:
        """About how much memory the layers hold: weights, and what autograd keeps of each."""
        # All weights are as large as the first, and all outputs.
        first = [(part[0], len(part)) for part in (self._weights, 3 * self._outputs) if part]
        return sum(each.numel() * each.element_size() * many for each, many in first)

    def trace(self, depth: int, histograms_of: int | None = None) -> SignalTrace:
        """Return what `propagate` returns for so many layers.

        Raises:
            ValueError: As `propagate`.
        """
        _check("depth", DEPTH, depth)
        if histograms_of is not None and not 1 <= histograms_of <= depth:
            raise ValueError(f"histograms_of must be a layer, 1 to {depth}, got {histograms_of}")
        if depth > len(self._weights):
            self._grow(depth - len(self._weights))
        outputs = self._outputs[: depth + 1]
        found = torch.autograd.grad(outputs[-1], outputs[:-1], self._gradient, retain_graph=True)
        gradients = [*found, self._gradient]
        histograms = None
        if histograms_of is not None:
            at = histograms_of
            histograms = _histograms(outputs[at].detach(), gradients[at], self._weights[at - 1])
        forward, backward, untold = self._predicted(depth)
        return SignalTrace(
            forward_std=self._stds[: depth + 1],
            backward_std=_column(_spread(torch.stack(gradients))),
            dead=self._dead[:depth],
            saturated=self._saturated[:depth],
            predicted_forward_std=forward,
            predicted_backward_std=backward,
            last_size=float(self._sizes[depth]),
            signal_std=self._signals[: depth + 1],
            asked_std=self._asked,
            weight_std=self._weight_stds[:depth],
            fans=schemes.fans(self._weights[0]),
            connections=(float(self._counts.sum(1).mean()), float(self._counts.sum(0).mean())),
            histograms=histograms,
            untold=untold,
        )

    def _grow(self, layers: int) -> None:
        """Draw so many layers more, and send the signal on through them."""
        h, given = self._outputs[-1], []
        for _ in range(layers):
            weight = self._draw(torch.empty(weight_shape(self._kind, self._width)))
            bias = None
            if self._bias:
                bias = own_bias(weight, self._width, self._generator).to(self._device)
            z = layer(self._kind, h, weight.to(self._device), bias)
            y = theory.apply(self._nonlinearity, normed(self._norm, z), self._a)
            h = h + y if self._residual else y
            self._weights.append(weight)
            self._outputs.append(h)
            given.append(y.detach())
        # All layers at once: one by one, starting torch's kernels takes longer than they do.
        y = torch.stack(given)
        after = y
        if self._residual:
            after = torch.stack([output.detach() for output in self._outputs[-layers:]])
        sizes, stds, signals = _measured(after)
        self._sizes = torch.cat([self._sizes, sizes])
        self._stds = torch.cat([self._stds, stds])
        self._signals = torch.cat([self._signals, signals])
        self._dead = torch.cat([self._dead, (_summed(y) == 0).double().mean(1).cpu()])
        self._saturated = torch.cat([self._saturated, _column(_near(self._nonlinearity, y))])
        weights = _column(_spread(torch.stack(self._weights[-layers:])))
        self._weight_stds = torch.cat([self._weight_stds, weights])

    def _predicted(self, depth: int) -> tuple[Tensor, Tensor, str]:
        """Return what theory says of activations and gradients, and where it is silent and why."""
        if self._theory is not None:
            values = self._gradient.numel() // self._width
            forward, backward = self._theory.at(depth)
            folds = self._nonlinearity == "leaky_relu" and self._a < 0
            return _trusted(
                forward, backward, self._kind, self._width, self._norm, values, folds=folds
            )
        scheme, plain = self._scheme, self._norm == "none" and not self._bias
        stack: dict[str, Any] = {"depth": depth, "a": self._a, "residual": self._residual}
        if plain and scheme == "dirac":
            return *theory.predict_passed_on(self._nonlinearity, **stack), ""
        if plain and (self._kind == "linear" or scheme == "zeros"):
            value = 0.0 if scheme == "zeros" else self._std
            return *theory.predict_same(self._nonlinearity, self._width, value=value, **stack), ""
        # Normalised, biased, or pixels that share their inputs: no sum of independent terms is
        # left.
        return *theory.nothing(depth), (
            f"No theory of {scheme} here: it needs weights drawn at random, or none of bias, "
            "normalization and kernels that overlap."
        )


def _check(name: str, rule: Number | Choice, value: object) -> None:
    try:
        rule.check(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {error}") from None


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


def _trusted(
    forward: Tensor,
    backward: Tensor,
    kind: str,
    width: int,
    norm: str,
    values: int,
    *,
    folds: bool,
) -> tuple[Tensor, Tensor, str]:
    """Leave out of theory what chance makes of it: deep and narrow, or a small batch."""
    depth = len(forward) - 1
    most, why = width // _LAYERS_PER_UNIT, f"layers of {width} units leave"
    if kind == "depthwise":
        most, why = _DEPTHWISE_INPUTS // _LAYERS_PER_UNIT, "sums of nine inputs leave"
    if norm == "batch" and values // _LAYERS_PER_VALUE < most:
        most, why = values // _LAYERS_PER_VALUE, f"{values} values per unit in BatchNorm leave"
    if norm == "batch" and folds and most > _FOLDED_LAYERS:
        most, why = _FOLDED_LAYERS, "a slope below 0 makes few inputs large, which leaves"
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


# What these are given holds several layers, one after another: ``(layers, inputs, units, ...)``.


def _measured(after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return root mean square, std, and the std of one unit over the inputs, of each layer."""
    return (
        _column(_root_mean_square(after)),
        _column(_spread(after)),
        _column(_signal(after)),
    )


def _summed(y: Tensor) -> Tensor:
    """Return the sum of each unit's (channel's) absolute values: 0 where it is dead."""
    return y.abs().sum([1, *range(3, y.ndim)])


def _near(nonlinearity: str, y: Tensor) -> Tensor:
    """Return the share of values near one that the nonlinearity approaches."""
    low, high = _ENDS.get(nonlinearity, (None, None))
    near = y.new_zeros(len(y))
    if low is not None:
        near = near + (y < low + NEAR).flatten(1).float().mean(1)
    if high is not None:
        near = near + (y > high - NEAR).flatten(1).float().mean(1)
    return near


def _signal(output: Tensor) -> Tensor:
    return _root_mean_square(output - output.mean([1, *range(3, output.ndim)], keepdim=True))


def _spread(values: Tensor) -> Tensor:
    flat = _wide(values).flatten(1)
    # In float64 the mean of equal values is that value: their spread is 0, not its rounding.
    return _root_mean_square(flat - flat.mean(1, keepdim=True))


def _root_mean_square(values: Tensor) -> Tensor:
    flat = _wide(values).flatten(1)
    norm: Tensor = torch.linalg.vector_norm(flat, dim=1)
    return norm / math.sqrt(flat.shape[1])


def _wide(values: Tensor) -> Tensor:
    # The squares of a gradient that has vanished lie below float32. mps has nothing wider.
    return values if values.device.type == "mps" else values.double()


def _column(values: Tensor) -> Tensor:
    column = values.cpu().double()
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
