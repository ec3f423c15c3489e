"""Run the mistakes people make with autocast and the GradScaler, and what each costs."""

from explainers.precision.grad_scaler.mistakes.accumulating import Rescaled, rescaled
from explainers.precision.grad_scaler.mistakes.calling import (
    ClipFirst,
    IllegalOrder,
    OrderMistake,
    SkippedSteps,
    clip_first,
    illegal_order,
    question,
    skipped_steps,
)
from explainers.precision.grad_scaler.mistakes.saying import times, too_small, warned
from explainers.precision.grad_scaler.mistakes.scaling import NoScaler, ToZero, no_scaler, to_zero

__all__ = [
    "ClipFirst",
    "IllegalOrder",
    "NoScaler",
    "OrderMistake",
    "Rescaled",
    "SkippedSteps",
    "ToZero",
    "clip_first",
    "illegal_order",
    "no_scaler",
    "question",
    "rescaled",
    "skipped_steps",
    "times",
    "to_zero",
    "too_small",
    "warned",
]
