"""Take the run's steps once more in NumPy, from the gradients that backward left."""

import numpy as np
from torch import Tensor

from explainers.precision.grad_scaler.loop import ScalerTrace

MOST_GAPS = 64.0
"""Gaps that float32's rounding explains: of the norm, of the product, and of the weight."""

# float32 squares no larger number: beyond, clip_grad_norm_ sees an infinite norm.
_LARGEST_NORM = 1e18


def poisonous(trace: ScalerTrace) -> list[bool]:
    """Return for each step whether NumPy sees an infinity or a NaN in backward's gradients."""
    return [not bool(each) for each in np.isfinite(trace.backward.numpy()).all(axis=1)]


def changed(before: Tensor, after: Tensor) -> int:
    """Return how many weights have changed a bit; a NaN that stays is no change."""
    first, then = (each.numpy().view(np.uint32) for each in (before, after))
    return int((first != then).sum())


def steps_off(
    trace: ScalerTrace, *, learning_rate: float, max_norm: float | None, unscale_first: bool
) -> float:
    """Return how far torch's steps end from NumPy's, in float32's gaps at weight and update.

    NumPy takes each step in float64 from the same weights: it unscales backward's gradients and
    clips them, in the order asked for, and goes by the learning rate. So a weight that should move
    from 0 and does not is millions of gaps off, and one too large for its update is none.

    Args:
        trace: The run.
        learning_rate: Of SGD.
        max_norm: Largest norm let pass; None for no clipping.
        unscale_first: Whether gradients are unscaled before they are clipped.

    Returns:
        The largest number of gaps, of all weights and steps that were taken; infinite where one of
        both is NaN; 0 where no step was taken.
    """
    taken = np.flatnonzero(trace.stepped.numpy())
    weights, gradient = trace.weights.numpy(), trace.backward.numpy()[taken].astype(np.float64)
    before, after = weights[taken], weights[taken + 1]
    seen = np.ones(len(taken), bool)
    with np.errstate(all="ignore"):
        # torch multiplies by the inverse, kept in float32: infinite for the smallest scales.
        scale = trace.scale.double().numpy()[taken, None]
        inverse = (1 / scale).astype(np.float32).astype(np.float64)
        clipped = gradient * inverse if unscale_first else gradient
        if max_norm is not None:
            norm = np.sqrt(np.square(clipped).sum(axis=1, keepdims=True))
            seen = ~(norm[:, 0] > _LARGEST_NORM)
            # clip_grad_norm_ adds 1e-6 to the norm it divides by, and lets a NaN pass.
            clipped = clipped * np.fmin(1.0, max_norm / (norm + 1e-6))
        move = learning_rate * (clipped if unscale_first else clipped * inverse)
        wanted = before - move
        size = np.maximum(np.maximum(np.abs(before), np.abs(after)), np.abs(move))
        gaps = np.abs(after - wanted) / np.spacing(size.astype(np.float32))
        lost = ~np.isfinite(wanted.astype(np.float32))
    gaps = np.where(lost & ~np.isfinite(after), 0.0, gaps)[seen]
    return float(np.nan_to_num(gaps, nan=np.inf).max(initial=0.0))
