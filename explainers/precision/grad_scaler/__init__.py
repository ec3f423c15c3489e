"""Explain `torch.amp.GradScaler`: why float16 needs it, how its scale moves, what goes wrong."""

from explainers.precision.grad_scaler.checks import checks
from explainers.precision.grad_scaler.claims import claims
from explainers.precision.grad_scaler.loop import (
    DTYPES,
    POISONS,
    ScalerTrace,
    plain_updates,
    run,
)
from explainers.precision.grad_scaler.machine import CALLS, STATES, Edge, machine
from explainers.precision.grad_scaler.mistakes import OrderMistake, question
from explainers.precision.grad_scaler.rule import expected_scale
from explainers.precision.grad_scaler.snippet import snippet
from explainers.precision.grad_scaler.training import WAYS, Lap, Race, train
from explainers.precision.grad_scaler.view import (
    PRESETS,
    REFERENCES,
    AmpRun,
    View,
    explain,
    table,
    view_checks,
)
from explainers.precision.problem import gradients
from explainers.precision.spectrum import GradientHistogram, histogram

__all__ = [
    "CALLS",
    "DTYPES",
    "POISONS",
    "PRESETS",
    "REFERENCES",
    "STATES",
    "WAYS",
    "AmpRun",
    "Edge",
    "GradientHistogram",
    "Lap",
    "OrderMistake",
    "Race",
    "ScalerTrace",
    "View",
    "checks",
    "claims",
    "expected_scale",
    "explain",
    "gradients",
    "histogram",
    "machine",
    "plain_updates",
    "question",
    "run",
    "snippet",
    "table",
    "train",
    "view_checks",
]
