"""Explain `torch.autocast`: which operation runs in which precision, and what that buys here."""

from explainers.precision.autocast.checks import checks, view_checks
from explainers.precision.autocast.claims import claims, cuda_only
from explainers.precision.autocast.lists import (
    DTYPES,
    LISTS,
    OP_REFERENCE,
    REFERENCES,
    Listed,
    lower_precision,
)
from explainers.precision.autocast.mistakes import (
    FlowMistake,
    Mismatch,
    mismatch,
    question,
)
from explainers.precision.autocast.operations import OPS
from explainers.precision.autocast.rows import (
    EXPONENTS,
    KINDS,
    OpRow,
    Outcome,
    State,
    Step,
    Sweep,
    inputs,
    output_dtypes,
    steps,
    sweep,
    table,
)
from explainers.precision.autocast.snippet import snippet
from explainers.precision.autocast.training import MODES, Cost, CostProgress, ModeCost, cost
from explainers.precision.autocast.view import PRESETS, Autocast, View, csv, explain

__all__ = [
    "DTYPES",
    "EXPONENTS",
    "KINDS",
    "LISTS",
    "MODES",
    "OPS",
    "OP_REFERENCE",
    "PRESETS",
    "REFERENCES",
    "Autocast",
    "Cost",
    "CostProgress",
    "FlowMistake",
    "Listed",
    "Mismatch",
    "ModeCost",
    "OpRow",
    "Outcome",
    "State",
    "Step",
    "Sweep",
    "View",
    "checks",
    "claims",
    "cost",
    "csv",
    "cuda_only",
    "explain",
    "inputs",
    "lower_precision",
    "mismatch",
    "output_dtypes",
    "question",
    "snippet",
    "steps",
    "sweep",
    "table",
    "view_checks",
]
