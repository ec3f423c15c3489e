"""Explain focal loss beside binary cross-entropy: value, gradient, weights, and training."""

from explainers.losses.focal_loss.checks import checks, every_logit, view_checks
from explainers.losses.focal_loss.claims import claims
from explainers.losses.focal_loss.loss import REDUCTIONS, binary_focal_loss
from explainers.losses.focal_loss.mistakes import ShareMistake, question
from explainers.losses.focal_loss.shares import (
    ClassShares,
    Cumulative,
    FocalCurve,
    class_shares,
    cumulative,
    focal_curve,
    scene,
)
from explainers.losses.focal_loss.snippet import snippet, table
from explainers.losses.focal_loss.training import (
    LOSSES,
    Report,
    Training,
    best,
    blobs,
    compare,
    precision_recall,
    train,
)
from explainers.losses.focal_loss.view import (
    DTYPES,
    GAMMAS,
    PRESETS,
    REFERENCES,
    Batch,
    Family,
    Focal,
    Scene,
    View,
    explain,
)

__all__ = [
    "DTYPES",
    "GAMMAS",
    "LOSSES",
    "PRESETS",
    "REDUCTIONS",
    "REFERENCES",
    "Batch",
    "ClassShares",
    "Cumulative",
    "Family",
    "Focal",
    "FocalCurve",
    "Report",
    "Scene",
    "ShareMistake",
    "Training",
    "View",
    "best",
    "binary_focal_loss",
    "blobs",
    "checks",
    "claims",
    "class_shares",
    "compare",
    "cumulative",
    "every_logit",
    "explain",
    "focal_curve",
    "precision_recall",
    "question",
    "scene",
    "snippet",
    "table",
    "train",
    "view_checks",
]
