"""Run the mistakes people make with focal loss and cross-entropy, and what each costs."""

from explainers.losses.focal_loss.mistakes.balancing import (
    Alpha,
    Normaliser,
    Prior,
    ShareMistake,
    alpha,
    normaliser,
    prior,
    question,
)
from explainers.losses.focal_loss.mistakes.logits import (
    Apart,
    BelowOne,
    FromLoss,
    Soft,
    Twice,
    apart,
    below_one,
    from_loss,
    soft,
    twice,
)

__all__ = [
    "Alpha",
    "Apart",
    "BelowOne",
    "FromLoss",
    "Normaliser",
    "Prior",
    "ShareMistake",
    "Soft",
    "Twice",
    "alpha",
    "apart",
    "below_one",
    "from_loss",
    "normaliser",
    "prior",
    "question",
    "soft",
    "twice",
]
