"""Explain `torch.amp.GradScaler`: why float16 needs it, how its scale moves, what goes wrong."""

from explainers.grad_scaler.checks import checks
from explainers.grad_scaler.claims import claims
from explainers.grad_scaler.loop import (
    DTYPES,
    POISONS,
    ScalerTrace,
    gradients,
    plain_updates,
    run,
)
from explainers.grad_scaler.machine import CALLS, STATES, Edge, machine
from explainers.grad_scaler.mistakes import OrderMistake, question
from explainers.grad_scaler.rule import expected_scale
from explainers.grad_scaler.snippet import snippet
from explainers.grad_scaler.spectrum import GradientHistogram, histogram
from explainers.grad_scaler.training import WAYS, Lap, Race, train
from explainers.grad_scaler.view import (
    PRESETS,
    REFERENCES,
    AmpRun,
    View,
    explain,
    table,
    view_checks,
)

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
