"""Predict the spread of activations and gradients, layer by layer, for infinitely wide networks.

What a layer of independent weights does to its inputs is known in the limit of width: each sum of
products becomes normal, with the variance that the weights' variance and the inputs' mean square
give. The rest are one-dimensional integrals over that normal variable, taken here by torch.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

NORMS = ("none", "batch", "layer")
# Points of the integrals, and how densely they lie at zero, where functions bend or jump.
_POINTS = 201
_DENSE = 1e-3
_FURTHEST = 9.0
_TINY = 1e-300
_EPSILON = 1e-5
# Share of what batch normalisation divides by that all inputs may have in common.
_SHARED = 0.22


def _leaky(x: Tensor, a: float) -> Tensor:
    return F.leaky_relu(x, a)


_FUNCTIONS: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    "linear": lambda x, a: x * 1.0,
    "sigmoid": lambda x, a: torch.sigmoid(x),
    "tanh": lambda x, a: torch.tanh(x),
    "relu": lambda x, a: F.relu(x),
    "leaky_relu": _leaky,
    "selu": lambda x, a: F.selu(x),
    "gelu": lambda x, a: F.gelu(x),
    "silu": lambda x, a: F.silu(x),
}
NONLINEARITIES = tuple(_FUNCTIONS)
"""The nonlinearities of the page, by torch's own names."""


def apply(nonlinearity: str, x: Tensor, a: float = 0.01) -> Tensor:
    """Apply a nonlinearity by torch's own function; `a` is leaky_relu's slope below zero."""
    return _FUNCTIONS[nonlinearity](x, a)


@functools.cache
def _grid() -> tuple[Tensor, Tensor]:
    """Return points z and weights that sum to 1: a standard normal variable for integrals.

    Evenly spaced after z = dense · sinh(t): dense near zero, so that a tanh of steep slope, which
    jumps there, is seen as well as a flat one.
    """
    end = torch.asinh(torch.tensor(_FURTHEST / _DENSE, dtype=torch.float64))
    t = torch.linspace(-1, 1, _POINTS, dtype=torch.float64) * end
    z = _DENSE * torch.sinh(t)
    weights = torch.exp(-z.square() / 2) * torch.cosh(t)
    return z, weights / weights.sum()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Hold what f makes of a normal x of mean 0, for each variance: ``(n,)`` float64.

    Attributes:
        mean: E[f(x)].
        square: E[f(x)²].
        slope: E[f'(x)²], the slope by autograd.
        along: E[x f'(x)].
        both: E[x f'(x) f(x)].
        rise: E[f'(x)].
    """

    mean: Tensor
    square: Tensor
    slope: Tensor
    along: Tensor
    both: Tensor
    rise: Tensor


def moments(nonlinearity: str, variance: Tensor, a: float = 0.01) -> Moments:
    """Return the integrals over a normal x of mean 0, for each given variance.

    Args:
        nonlinearity: One of `NONLINEARITIES`.
        variance: ``(n,)`` float64, not negative.
        a: Slope of leaky_relu below zero.
    """
    return Moments(*map(torch.from_numpy, _moments(nonlinearity, variance.numpy(), a)))


_HOMOGENEOUS = ("linear", "relu", "leaky_relu")


def _moments(nonlinearity: str, variance: Array, a: float) -> tuple[Array, ...]:
    """Return the fields of `Moments`, in their order."""
    if nonlinearity not in _HOMOGENEOUS:
        return _integrated(nonlinearity, variance, a)
    # f(r x) = r f(x) for every r above 0: one integral serves all variances.
    mean, square, slope, along, both, rise = _at_one(nonlinearity, a)
    root, same = np.sqrt(variance), np.ones_like(variance)
    return (
        mean * root,
        square * variance,
        slope * same,
        along * root,
        both * variance,
        rise * same,
    )


@functools.lru_cache(maxsize=64)
def _at_one(nonlinearity: str, a: float) -> tuple[float, ...]:
    return tuple(float(part[0]) for part in _integrated(nonlinearity, np.ones(1), a))


def _integrated(nonlinearity: str, variance: Array, a: float) -> tuple[Array, ...]:
    z, weights = _grid()
    x = (torch.from_numpy(variance).sqrt()[:, None] * z).requires_grad_()
    y = apply(nonlinearity, x, a)
    (slope,) = torch.autograd.grad(y.sum(), x)
    x, y = x.detach(), y.detach()
    tilted = x * slope
    terms = torch.stack([y, y * y, slope * slope, tilted, tilted * y, slope]) @ weights
    return tuple(terms.numpy())


def unit_gain(nonlinearity: str, a: float = 0.01) -> float:
    """Return the gain that keeps a variance of 1 before the nonlinearity: 1/sqrt(E[f(z)²])."""
    return float(moments(nonlinearity, torch.ones(1, dtype=torch.float64), a).square.rsqrt())


def pull(nonlinearity: str, a: float = 0.01) -> float:
    """Return what one layer leaves of a small deviation from that fixed point, as a factor.

    Below 1 the fixed point attracts, above 1 it repels; relu and linear give 1. It is the
    derivative of log E[f(sqrt(q) z)²] by log q at q = 1.
    """
    ends = torch.tensor([1e-4, -1e-4], dtype=torch.float64).exp()
    square = moments(nonlinearity, ends, a).square
    return float((square[0] / square[1]).log() / 2e-4)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """Hold what the way back needs of a layer, and the spread and size of what it gives."""

    std: float
    size: float
    slope: Array
    kept: float
    along: float
    read: float
    unsure: bool


class Foretold:
    """Predict the std of activations and of gradients for independent weights of mean 0.

    Input and gradient of the output are standard normal. Batch normalisation holds for a large
    batch. Of several positions (pixels) each has its own variance. Layers that were foretold are
    kept for a deeper stack.

    References:
        Poole et al., arXiv:1606.05340; Yang et al., arXiv:1902.08129 (batch normalisation).
    """

    def __init__(
        self,
        nonlinearity: str,
        counts: Tensor,
        *,
        variance: float,
        a: float = 0.01,
        norm: str = "none",
        residual: bool = False,
        units: float = math.inf,
        bias: float = 0.0,
        taps: Tensor | None = None,
    ) -> None:
        """Take what all layers have in common.

        Args:
            nonlinearity: One of `NONLINEARITIES`.
            counts: ``(positions, positions)`` float64: entry (o, i) is how many inputs at position
                i an output at position o sums over.
            variance: Of each weight.
            a: Slope of leaky_relu below zero.
            norm: ``"none"``, ``"batch"`` or ``"layer"``, between the layer and its nonlinearity.
            residual: Whether each layer adds to what it reads.
            units: Values in each layer. Of the gradient one part in so many lies along the
                activations; it grows as they do, which tells where residual sums gather a mean.
            bias: Variance of each unit's bias, of mean 0; 0 for none.
            taps: ``(taps, positions)`` int64: the position that each tap of the kernel reads for
                each output, -1 past the border; None for one position.
        """
        # NumPy: over a layer's few numbers torch takes four times as long.
        self._spread = (counts * variance).numpy()
        self._plain, self._residual, self._units = norm == "none", residual, units
        self._seen: list[_Layer] = []
        self._layers = _layers(
            nonlinearity,
            self._spread,
            a,
            norm,
            residual=residual,
            bias=bias,
            taps=None if taps is None else taps.numpy(),
        )

    def at(self, depth: int) -> tuple[Tensor, Tensor]:
        """Predict for that many layers.

        Returns:
            Two tensors ``(depth + 1,)`` float64: after layer l, entry 0 at the input. The
            gradients' is NaN where border and inner pixels differ, under batch normalisation, by
            more than inputs do.
        """
        with np.errstate(all="ignore"):
            while len(self._seen) < depth:
                self._seen.append(next(self._layers))
            seen = self._seen[:depth]
            forward = [1.0, *(layer.std for layer in seen)]
            backward = self._back(seen)
        if any(layer.unsure for layer in seen):
            backward = [math.nan] * len(backward)
        return (
            torch.tensor(forward, dtype=torch.float64),
            torch.tensor(backward, dtype=torch.float64),
        )

    def _back(self, seen: list[_Layer]) -> list[float]:
        gradient = np.ones(len(self._spread))
        # Along the activations h the weights are not free: W h is known. Of the gradient's product
        # with h a layer keeps `kept` by the way around it and `along` by the way through it.
        product = seen[-1].size / self._units if self._plain else 0.0
        backward = [1.0]
        for layer in reversed(seen):
            passed = self._spread.T @ (layer.slope * gradient)
            if self._residual:
                kept, along = layer.kept, layer.along
                passed = passed + gradient + product * (2 * kept + along) * along / layer.read
            gradient = passed
            product = product * (layer.kept + layer.along) ** 2
            backward.append(np.sqrt(_mean(gradient)))
        return backward[::-1]


def _layers(
    nonlinearity: str,
    spread: Array,
    a: float,
    norm: str,
    *,
    residual: bool,
    bias: float,
    taps: NDArray[np.int64] | None,
) -> Iterator[_Layer]:
    """Yield one layer after the other, without end."""
    square = np.ones(len(spread))
    mean, around = np.zeros_like(square), square
    # What all inputs share of a channel at two positions: the mean of their product.
    shared = np.zeros((len(square), len(square)))
    apart = norm == "batch" and taps is not None and not residual
    while True:
        unsure = False
        # Batch normalisation takes out what all inputs of the batch share, the bias too, and so
        # only what differs between them reaches the nonlinearity.
        summed = spread @ (around if norm == "batch" else square)
        before = summed if norm == "batch" else summed + bias
        scale = 1.0 if norm == "none" else _mean(before)
        if apart:
            # A channel has one mean over all positions, but fewer inputs at the border: where
            # activations share much, border and inner pixels stand apart, and that stays.
            assert taps is not None
            before, over = _centred(spread, square, shared, taps)
            scale = _mean(before)
            # The divisor is then no mean over many inputs, but the chance of a few patterns.
            unsure = bool(np.trace(over) > _SHARED * before.sum())
        if norm != "none":
            # What torch adds before it divides, which small weights feel.
            scale = scale + _EPSILON
        found_mean, found_square, slope, along, both, rise = _moments(
            nonlinearity, before / scale if scale > 0 else before * 0, a
        )
        if apart:
            shared = np.outer(found_mean, found_mean)
            if scale > 0:
                shared += np.outer(rise, rise) * over / scale
        # Only the weights' part of what a unit reads goes with the activations before it.
        part = np.divide(summed, before, out=np.ones_like(before), where=before > 0)
        along, both = along * part, both * part
        kept, read = np.zeros_like(square), square
        if residual:
            kept, both = square + mean * found_mean, both + mean * along
            square = square + found_square + 2 * mean * found_mean
            mean, around = mean + found_mean, around + found_square - found_mean**2
        else:
            square, mean = found_square, found_mean
            around = found_square - found_mean**2
        whole = np.maximum(_mean(square), _TINY)
        yield _Layer(
            std=np.sqrt(np.maximum(_mean(square) - _mean(mean) ** 2, 0)),
            size=_mean(square),
            slope=slope / scale if scale > 0 else slope * 0,
            kept=_mean(kept) / whole,
            along=_mean(both) / whole,
            read=np.maximum(_mean(read), _TINY),
            unsure=unsure,
        )


def _mean(values: Array) -> np.float64:
    # Of a few numbers ndarray.mean takes five times as long.
    return np.float64(np.add.reduce(values) / len(values))


def _centred(
    spread: Array, square: Array, shared: Array, taps: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Return what is left of a layer's sums without their mean over inputs and positions.

    Args:
        spread: ``(positions, positions)``: connections times the weights' variance.
        square: ``(positions,)``: mean square of what the layer reads.
        shared: ``(positions, positions)``: what all inputs share of it, at two positions.
        taps: As in `Foretold`.

    Returns:
        The variance at each position, ``(positions,)``, and what all inputs share of two,
        ``(positions, positions)``.
    """
    each = spread.sum() / (taps >= 0).sum()
    wide = np.zeros((len(shared) + 1, len(shared) + 1))
    wide[:-1, :-1] = shared  # the last row, at -1, is the padding's
    common = sum(wide[np.ix_(tap, tap)] for tap in taps) * each
    along, whole = common.mean(0), common.mean()
    variance = spread @ square - 2 * along + whole
    return np.maximum(variance, 0), common - along - along[:, None] + whole


def nothing(depth: int) -> tuple[Tensor, Tensor]:
    """Return what theory says where it says nothing: NaN, shaped as by `Foretold`."""
    empty = torch.full((depth + 1,), math.nan, dtype=torch.float64)
    return empty, empty


def predict_same(
    nonlinearity: str, width: int, *, value: float, depth: int, a: float = 0.01, residual: bool
) -> tuple[Tensor, Tensor]:
    """Predict the std of activations and gradients of linear layers whose weights are all equal.

    All units of a layer get the same sum, so one normal variable, the sum of the inputs, decides
    every layer; nothing is left to average over.

    Args:
        nonlinearity: One of `NONLINEARITIES`.
        width: Inputs and outputs of each layer.
        value: Of every weight; 0 for zeros.
        depth: Number of layers.
        a: Slope of leaky_relu below zero.
        residual: Whether each layer adds to what it reads.

    Returns:
        As `Foretold.at`.
    """
    z, weights = _grid()
    root = width**0.5
    # The sum of the inputs is root · z; each input goes with z as 1/root does.
    own = 1.0 if residual else 0.0
    common = torch.zeros_like(z)
    total = root * z
    forward, slopes = [z.new_ones(())], []
    for _ in range(depth):
        before = (value * total).requires_grad_()
        y = apply(nonlinearity, before, a)
        (slope,) = torch.autograd.grad(y.sum(), before)
        slopes.append(slope)
        common = own * common + y.detach()
        total = own * root * z + width * common
        spread = common.square() @ weights - (common @ weights).square()
        shared = own * (own + 2 * (common * z) @ weights / root)
        forward.append((spread + shared).clamp(min=0).sqrt())
    # Likewise the sum of the output's gradients is root · (another normal variable).
    reach = torch.zeros_like(z)
    backward = [z.new_ones(())]
    kept = 1.0  # of each output's own gradient, until the first layer without a way around
    for slope in reversed(slopes):
        reach = own * reach + value * slope * (root * kept + width * reach)
        kept = kept * own
        backward.append(
            (reach.square() @ weights + kept * (kept + 2 * (reach @ weights) / root))
            .clamp(min=0)
            .sqrt()
        )
    return torch.stack(forward), torch.stack(backward[::-1])


def predict_passed_on(
    nonlinearity: str, *, depth: int, a: float = 0.01, residual: bool
) -> tuple[Tensor, Tensor]:
    """Predict the std where each layer passes its input on unchanged to its nonlinearity.

    Args:
        nonlinearity: One of `NONLINEARITIES`.
        depth: Number of layers.
        a: Slope of leaky_relu below zero.
        residual: Whether each layer adds to what it reads.

    Returns:
        As `Foretold.at`.
    """
    z, weights = _grid()
    h, own = z, 1.0 if residual else 0.0
    forward, slopes = [z.new_ones(())], []
    for _ in range(depth):
        before = h.clone().requires_grad_()
        y = apply(nonlinearity, before, a)
        (slope,) = torch.autograd.grad(y.sum(), before)
        slopes.append(own + slope)
        h = own * h + y.detach()
        forward.append((h.square() @ weights - (h @ weights).square()).clamp(min=0).sqrt())
    reach = torch.ones_like(z)
    backward = [z.new_ones(())]
    for slope in reversed(slopes):
        reach = reach * slope
        backward.append((reach.square() @ weights).sqrt())
    return torch.stack(forward), torch.stack(backward[::-1])


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class GainCurve:
    """Hold what the gain does to a plain stack, as theory has it.

    Attributes:
        gains: ``(n,)`` float64, rising; `unit` and `torchs` are among them.
        size: ``(n,)`` float64: root mean square of the last activations, at each gain.
        unit: The gain that keeps a variance of 1 before the nonlinearity.
        pull: What a layer leaves of a small deviation from that fixed point, as a factor.
        torchs: What ``calculate_gain`` gives; None where torch has none.
    """

    gains: Tensor
    size: Tensor
    unit: float
    pull: float
    torchs: float | None

    def size_at(self, gain: float) -> float:
        """Return the root mean square at one of the gains."""
        return float(self.size[(self.gains - gain).abs().argmin()])


@functools.lru_cache(maxsize=64)
def gain_curve(
    nonlinearity: str, depth: int, a: float = 0.01, torchs: float | None = None
) -> GainCurve:
    """Return the size after `depth` linear layers without normalisation, for gains 0.2 to 3.

    Args:
        nonlinearity: One of `NONLINEARITIES`.
        depth: Number of layers.
        a: Slope of leaky_relu below zero.
        torchs: What ``calculate_gain`` gives; None where torch has none.
    """
    unit = unit_gain(nonlinearity, a)
    extra = [unit] if torchs is None else [unit, torchs]
    even = torch.linspace(0.2, 3.0, 57, dtype=torch.float64)
    gains = torch.cat([even, even.new_tensor(extra)]).unique()
    z, weights = _grid()
    square = torch.ones_like(gains)
    for _ in range(depth):
        y = apply(nonlinearity, (gains * square.sqrt())[:, None] * z, a)
        square = y.square() @ weights
    return GainCurve(gains, square.sqrt(), unit, pull(nonlinearity, a), torchs)
