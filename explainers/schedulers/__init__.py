"""Explain learning-rate schedulers: every schedule of torch, alone, composed and in training."""

from explainers.schedulers.checks import checks
from explainers.schedulers.claims import claims
from explainers.schedulers.formula import formula
from explainers.schedulers.losses import LOSSES, losses
from explainers.schedulers.mistakes import RateMistake, question
from explainers.schedulers.specs import SCHEDULERS, Argument, SchedulerSpec
from explainers.schedulers.tracing import (
    COMPOSERS,
    OPTIMIZERS,
    PlateauTrace,
    ScheduleTrace,
    compose,
    plateau,
    trace,
)
from explainers.schedulers.training import Progress, spirals, train

__all__ = [
    "COMPOSERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULERS",
    "Argument",
    "PlateauTrace",
    "Progress",
    "RateMistake",
    "ScheduleTrace",
    "SchedulerSpec",
    "checks",
    "claims",
    "compose",
    "formula",
    "losses",
    "plateau",
    "question",
    "spirals",
    "trace",
    "train",
]
