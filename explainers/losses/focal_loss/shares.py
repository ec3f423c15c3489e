"""Say how much each example, and each class, weighs under focal loss."""

import dataclasses

import torch
from torch import Tensor

from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.parameters import shown

MOST_POINTS = 20_000
# 1 minus it is a float64 too: neither end's distance to 0 or 1 is rounded.
_EDGE = 2.0**-53


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FocalCurve:
    """Hold what an example of each p_t weighs.

    Attributes:
        probability: Tensor ``(points,)`` float64: p_t, evenly from 0 to 1. Both ends stand 2^-53
            inside, where every number below is finite.
        cross_entropy: Tensor ``(points,)`` float64: -log p_t.
        focal: Tensor ``(points,)`` float64: its focal loss, as a positive's where there is alpha.
        down_weighting: Tensor ``(points,)`` float64: (1 - p_t)^-gamma, how many times lighter the
            example weighs than at p_t = 0; alpha has no part in it.
    """

    probability: Tensor
    cross_entropy: Tensor
    focal: Tensor
    down_weighting: Tensor


def focal_curve(gamma: float, *, alpha: float | None = None, points: int = 201) -> FocalCurve:
    """Return loss and down-weighting against p_t, the paper's first figure.

    Args:
        gamma: Focusing parameter, 0 or more.
        alpha: Weight of a positive, from 0 to 1, or None.
        points: Number of values of p_t.

    Raises:
        ValueError: An argument breaks its rule.

    References:
        Lin et al., "Focal Loss for Dense Object Detection", arXiv:1708.02002, figure 1.
    """
    if isinstance(points, bool) or not isinstance(points, int) or not 2 <= points <= MOST_POINTS:
        raise ValueError(
            f"points must be a whole number from 2 to {MOST_POINTS}, got {shown(points)}"
        )
    probability = torch.linspace(0, 1, points, dtype=torch.float64).clamp(_EDGE, 1 - _EDGE)
    logits = probability.log() - torch.log1p(-probability)
    ones = torch.ones_like(logits)
    return FocalCurve(
        probability,
        -probability.log(),
        binary_focal_loss(logits, ones, gamma=gamma, alpha=alpha),
        (1 - probability) ** -float(gamma),
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ClassShares:
    """Hold each class's share of the loss, and of the pull on the logits.

    Attributes:
        positive: The positives' share of the summed loss, 0 to 1.
        negative: The negatives' share of it.
        positive_gradient: The positives' share of the summed |d loss / d logit|.
        negative_gradient: The negatives' share of that.
        loss: The summed loss.
        gradient: The summed |d loss / d logit|.
    """

    positive: float
    negative: float
    positive_gradient: float
    negative_gradient: float
    loss: float
    gradient: float


def class_shares(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: float,
    alpha: float | None,
    pos_weight: Tensor | None = None,
) -> ClassShares:
    """Return what positives and negatives make of the total loss and of the total gradient.

    An example is positive where its target is above one half. Both shares are 0 where the sum is.

    Args:
        logits: Any shape but an empty one, floating point.
        targets: Same shape, from 0 to 1.
        gamma: Focusing parameter, 0 or more; 0 is cross-entropy.
        alpha: Weight of a positive, from 0 to 1, or None.
        pos_weight: As in `binary_focal_loss`.

    Raises:
        ValueError: `logits` is empty, or an argument breaks its rule.
    """
    leaf = logits.detach().requires_grad_() if isinstance(logits, Tensor) else logits
    losses = binary_focal_loss(leaf, targets, gamma=gamma, alpha=alpha, pos_weight=pos_weight)
    if not losses.numel():
        raise ValueError(f"logits must not be empty, got shape {tuple(logits.shape)}")
    (slopes,) = torch.autograd.grad(losses, leaf, torch.ones_like(losses))
    which = targets > 0.5

    def halves(part: Tensor) -> tuple[float, float, float]:
        """Return both classes' shares of a sum, and the sum."""
        sums = [float(part[chosen].sum(dtype=torch.float64)) for chosen in (which, ~which)]
        # Of the two sums, and not of all at once, which rounds otherwise: a share ends at 1.
        total = sum(sums)
        positive, negative = (one / (total or 1.0) for one in sums)
        return positive, negative, total

    positive, negative, loss = halves(losses.detach())
    positive_gradient, negative_gradient, gradient = halves(slopes.abs())
    return ClassShares(positive, negative, positive_gradient, negative_gradient, loss, gradient)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Cumulative:
    """Hold the sum of a loss over examples, from the lightest on.

    Attributes:
        examples: Tensor ``(m,)`` float64: share of the examples taken, from 0 to 1.
        loss: Tensor ``(m,)`` float64: their share of the summed loss, from 0 to 1.
    """

    examples: Tensor
    loss: Tensor


def cumulative(losses: Tensor, *, points: int = 200) -> Cumulative:
    """Return how the loss adds up over examples sorted from the least loss to the most.

    Args:
        losses: ``(n,)``, 0 or more, at least one.
        points: Most points after the first that the curve keeps.

    References:
        Lin et al., "Focal Loss for Dense Object Detection", arXiv:1708.02002, figure 4.
    """
    ordered = losses.detach().to(torch.float64).sort().values
    running = torch.cat([ordered.new_zeros(1), ordered.cumsum(0)])
    running = running / (float(running[-1]) or 1.0)
    count = len(ordered)
    taken = torch.linspace(0, count, min(points, count) + 1, dtype=torch.float64).round().long()
    return Cumulative(taken.double() / count, running[taken])


def scene(
    negatives_per_positive: int, *, separation: float, bias: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return the logits that a detector gives to many negatives and few positives.

    Each class is normal with standard deviation 1, `separation` apart around `bias`, and stands at
    its even quantiles: the same numbers at every call, and no chance in the tails.

    Args:
        negatives_per_positive: 1 to 10,000; 10,000 negatives in any case.
        separation: Between the two means.
        bias: Added to every logit.

    Returns:
        Logits and targets, ``(n,)`` float64, positives first.

    Raises:
        ValueError: `negatives_per_positive` is out of bounds.
    """
    negatives = 10_000
    if not 1 <= negatives_per_positive <= negatives:
        raise ValueError(
            f"negatives_per_positive must be from 1 to {negatives}, got {negatives_per_positive}"
        )
    positives = negatives // negatives_per_positive
    logits = torch.cat(
        [_quantiles(positives) + separation / 2, _quantiles(negatives) - separation / 2]
    )
    targets = torch.cat([torch.ones_like(logits[:positives]), torch.zeros_like(logits[positives:])])
    return logits + bias, targets


def _quantiles(count: int) -> Tensor:
    middles = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    quantiles: Tensor = torch.special.ndtri(middles)
    return quantiles
