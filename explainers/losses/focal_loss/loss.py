"""Compute focal loss and its derivatives without losing a digit, at any finite logit."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from explainers.parameters import shown

REDUCTIONS = ("none", "mean", "sum")
_LARGE = 100.0


def binary_focal_loss(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    reduction: str = "none",
    pos_weight: Tensor | None = None,
) -> Tensor:
    r"""Return the focal loss of logits against targets.

    .. math::
        -\alpha_t (1 - p_t)^\gamma \,[w\, t \log p + (1 - t) \log(1 - p)], \quad
        p = \sigma(x), \quad p_t = p t + (1 - p)(1 - t)

    with :math:`\alpha_t = \alpha t + (1 - \alpha)(1 - t)`, or 1 without alpha: what
    ``torchvision.ops.sigmoid_focal_loss`` computes, soft targets included. Value and gradient are
    finite at every finite logit. They are computed in float64 and rounded once (in float32 where
    the device has no float64); a number beyond the dtype's range becomes its largest. First and
    second derivatives are closed forms; a third raises an error.

    Args:
        logits: Any shape, floating point.
        targets: Same shape, numbers from 0 to 1; no gradient reaches them.
        gamma: Focusing parameter, 0 or more; 0 is (weighted) binary cross-entropy.
        alpha: Weight of a positive, from 0 to 1; a negative weighs 1 - alpha. None weighs neither.
        reduction: ``"none"``, ``"mean"`` over the elements, or ``"sum"``.
        pos_weight: Factor of the positive part, as in ``BCEWithLogitsLoss``: 0 or more, of a shape
            that broadcasts to that of `logits`; no gradient reaches it. p_t does not depend on it.

    Returns:
        Tensor of the dtype of `logits`: of their shape with ``"none"``, else a scalar.

    Raises:
        ValueError: An argument breaks its rule; the mean of no element is asked for.

    References:
        Lin et al., "Focal Loss for Dense Object Detection", arXiv:1708.02002, eq. (5).
    """
    _check_numbers(gamma, alpha, reduction)
    _check_tensors(logits, targets, pos_weight)
    if reduction == "mean" and logits.numel() == 0:
        raise ValueError(
            f"logits must not be empty with reduction 'mean', got shape {tuple(logits.shape)}"
        )
    weight = logits.new_ones(()) if pos_weight is None else pos_weight
    losses: Tensor = _Focal.apply(logits, targets, weight, float(gamma), alpha)
    if reduction == "mean":
        losses = losses.mean()
    elif reduction == "sum":
        losses = losses.sum()
    rounded: Tensor = _Rounded.apply(losses, logits.dtype)
    return rounded


def _check_numbers(gamma: float, alpha: float | None, reduction: str) -> None:
    if not (_is_number(gamma) and 0 <= gamma < math.inf):
        raise ValueError(f"gamma must be a finite number of 0 or more, got {shown(gamma)}")
    if alpha is not None and not (_is_number(alpha) and 0 <= alpha <= 1):
        raise ValueError(f"alpha must be None or a number from 0 to 1, got {shown(alpha)}")
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction must be one of {', '.join(REDUCTIONS)}, got {shown(reduction)}"
        )


def _check_tensors(logits: Tensor, targets: Tensor, pos_weight: Tensor | None) -> None:
    if not isinstance(logits, Tensor) or not logits.is_floating_point():
        raise ValueError(f"logits must be a floating point tensor, got {_kind(logits)}")
    if not isinstance(targets, Tensor) or targets.is_complex():
        raise ValueError(f"targets must be a tensor of real numbers, got {_kind(targets)}")
    if targets.shape != logits.shape:
        raise ValueError(
            f"targets must have the shape of logits, {tuple(logits.shape)}, "
            f"got {tuple(targets.shape)}"
        )
    outside = ~((targets >= 0) & (targets <= 1))
    if outside.any():
        raise ValueError(
            f"targets must lie from 0 to 1, got {float(targets[outside].flatten()[0]):g}"
        )
    if pos_weight is not None:
        _check_weight(pos_weight, logits)
    for name, part in (("targets", targets), ("pos_weight", pos_weight)):
        if part is not None and part.requires_grad:
            raise ValueError(f"{name} must not require a gradient: only logits get one, got True")


def _check_weight(pos_weight: Tensor, logits: Tensor) -> None:
    if not isinstance(pos_weight, Tensor) or pos_weight.is_complex():
        raise ValueError(f"pos_weight must be None or a tensor, got {_kind(pos_weight)}")
    try:
        fits = torch.broadcast_shapes(pos_weight.shape, logits.shape) == logits.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"pos_weight must broadcast to the shape of logits, {tuple(logits.shape)}, "
            f"got {tuple(pos_weight.shape)}"
        )
    wrong = ~((pos_weight >= 0) & pos_weight.isfinite())
    if wrong.any():
        raise ValueError(
            "pos_weight must hold finite numbers of 0 or more, "
            f"got {float(pos_weight[wrong].flatten()[0]):g}"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else shown(value)


class _Terms:
    """Hold the terms of loss and derivatives, none of them made by a subtraction that cancels.

    With t the target: the cross-entropy c, its slope s, the base m = 1 - p_t, and r = m' / m,
    which stays within -1 and 1 where m itself underflows.
    """

    def __init__(
        self, logits: Tensor, targets: Tensor, weight: Tensor, gamma: float, alpha: float | None
    ) -> None:
        dtype = _computed_in(logits)
        x, t, w = (part.detach().to(dtype) for part in (logits, targets, weight))
        small = torch.exp(-x.abs())
        p = torch.where(x >= 0, 1.0, small) / (1 + small)
        q = torch.where(x >= 0, small, 1.0) / (1 + small)
        log = torch.log1p(small)
        self.p, self.q = p, q
        # Only a weight can carry a finite logit beyond the range.
        self.entropy = (w * t * (log + (-x).clamp(min=0)) + (1 - t) * (log + x.clamp(min=0))).clamp(
            max=torch.finfo(dtype).max
        )
        self.slope = (1 - t) * p - w * t * q
        self.curvature = (w * t + 1 - t) * p * q
        base = t * q + (1 - t) * p
        self.rate = (1 - 2 * t) * p * q / torch.where(base == 0, 1.0, base)
        self.modulation = base**gamma
        if gamma > _LARGE:
            # A base near 1 has lost the digits that such an exponent asks for; 1 - base has them.
            rest = t * p + (1 - t) * q
            exact = torch.exp(gamma * torch.log1p(-rest))
            self.modulation = torch.where(rest < 0.5, exact, self.modulation)
        self.balance = 1.0 if alpha is None else alpha * t + (1 - alpha) * (1 - t)

    def scaled(self, bracket: Tensor) -> Tensor:
        """Return alpha_t (1 - p_t)^gamma times `bracket`; 0 where the power has underflowed."""
        return torch.where(self.modulation == 0, 0.0, self.balance * self.modulation * bracket)


class _Focal(Function):
    """Each element's loss, in the dtype that is computed in."""

    @staticmethod
    def forward(
        logits: Tensor, targets: Tensor, weight: Tensor, gamma: float, alpha: float | None
    ) -> Tensor:
        terms = _Terms(logits, targets, weight, gamma, alpha)
        return terms.scaled(terms.entropy)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _keep(ctx, inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        slope = _Slope.apply(*ctx.saved_tensors, *ctx.numbers)
        return _Rounded.apply(gradients[0] * slope, ctx.saved_tensors[0].dtype), *[None] * 4


class _Slope(Function):
    """The derivative of each element's loss by its logit."""

    @staticmethod
    def forward(
        logits: Tensor, targets: Tensor, weight: Tensor, gamma: float, alpha: float | None
    ) -> Tensor:
        terms = _Terms(logits, targets, weight, gamma, alpha)
        return terms.scaled(terms.slope + gamma * terms.rate * terms.entropy)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _keep(ctx, inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        second = _Curvature.apply(*ctx.saved_tensors, *ctx.numbers)
        return _Rounded.apply(gradients[0] * second, ctx.saved_tensors[0].dtype), *[None] * 4


class _Curvature(Function):
    """The second derivative of each element's loss by its logit."""

    @staticmethod
    def forward(
        logits: Tensor, targets: Tensor, weight: Tensor, gamma: float, alpha: float | None
    ) -> Tensor:
        terms = _Terms(logits, targets, weight, gamma, alpha)
        rate = gamma * terms.rate
        return terms.scaled(
            terms.curvature
            + 2 * rate * terms.slope
            + rate * terms.entropy * (rate + terms.q - terms.p - terms.rate)
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        # Silence would take the second derivative for a constant.
        raise RuntimeError("binary_focal_loss has two derivatives; a third was asked for")


class _Rounded(Function):
    """A cast under which a number beyond the range becomes the largest, and keeps its slope."""

    @staticmethod
    def forward(values: Tensor, dtype: torch.dtype) -> Tensor:
        return _saturated(values, dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.dtype = inputs[0].dtype

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None]:
        return gradients[0].to(ctx.dtype), None


def _keep(ctx: Any, inputs: tuple[Any, ...]) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.numbers = inputs[3:]


def _saturated(values: Tensor, dtype: torch.dtype) -> Tensor:
    largest = torch.finfo(dtype).max
    return values.clamp(-largest, largest).to(dtype)


def _computed_in(logits: Tensor) -> torch.dtype:
    return torch.float32 if logits.device.type == "mps" else torch.float64
