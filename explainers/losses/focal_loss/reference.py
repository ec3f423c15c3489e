"""Compute focal loss by other ways: in log space and numpy's widest floats; as the notes do."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

Wide = NDArray[np.longdouble]


def focal(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    gamma: float,
    alpha: float | None = None,
    pos_weight: ArrayLike = 1.0,
    dtype: type[np.floating[Any]] = np.longdouble,
) -> tuple[Wide, Wide]:
    """Return focal loss and its derivative by the logit, from logarithms of p, 1 - p and 1 - p_t.

    Args:
        logits: Any shape.
        targets: Same shape, 0 to 1.
        gamma: Focusing parameter, 0 or more.
        alpha: Weight of a positive, or None.
        pos_weight: Factor of the positive part; broadcasts.
        dtype: Computed in; float64 is faster for many examples.
    """
    x, t, w = (np.asarray(part, dtype=dtype) for part in (logits, targets, pos_weight))
    # Underflow is meant; the logarithm of a hard target's other side is -inf, and drops out.
    with np.errstate(all="ignore"):
        log_p, log_q = -np.logaddexp(0, -x), -np.logaddexp(0, x)
        entropy = -(w * t * log_p + (1 - t) * log_q)
        slope = (1 - t) * np.exp(log_p) - w * t * np.exp(log_q)
        log_base = np.logaddexp(np.log(t) + log_q, np.log(1 - t) + log_p)
        rate = (1 - 2 * t) * np.exp(log_p + log_q - log_base)
        balance = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
        power = balance * np.exp(gamma * log_base)
        return power * entropy, power * (slope + gamma * entropy * rate)


def relative_error(found: Tensor, expected: Wide, *, least: float | None = None) -> float:
    """Return the largest error of `found`, relative to what is expected.

    Numbers below `least` count by their absolute error over it: a dtype keeps fewer digits there.

    Args:
        found: Any floating dtype, any device.
        expected: Same shape.
        least: None for the dtype's smallest normal number.
    """
    limits = torch.finfo(found.dtype)
    bounded = np.clip(expected, -limits.max, limits.max)
    difference = np.abs(found.detach().cpu().double().numpy().astype(np.longdouble) - bounded)
    scale = np.maximum(np.abs(bounded), limits.tiny if least is None else least)
    return float((difference / scale).max(initial=0))


class NotesFocalLoss(nn.Module):
    """The class as the study notes write it."""

    def __init__(self, loss_fcn: Any, gamma: float = 1.5, alpha: float = 0.25) -> None:
        """Take the loss, and set its reduction to none."""
        super().__init__()
        self.loss_fcn = loss_fcn
        self.gamma = gamma
        self.alpha = alpha
        self.reduction = loss_fcn.reduction
        self.loss_fcn.reduction = "none"

    def forward(self, pred: Tensor, true: Tensor) -> Tensor:
        """Return the loss."""
        loss: Tensor = self.loss_fcn(pred, true)
        pred_prob = torch.sigmoid(pred)
        p_t = true * pred_prob + (1 - true) * (1 - pred_prob)
        alpha_factor = true * self.alpha + (1 - true) * (1 - self.alpha)
        modulating_factor = (1.0 - p_t) ** self.gamma
        loss *= alpha_factor * modulating_factor
        if self.reduction == "mean":
            return loss.mean()
        if self.reduction == "sum":
            return loss.sum()
        return loss
