"""Explain initialisation: what a weight's variance does to signals, gradients and training."""

from explainers.initialization.initialization.calls import (
    MOST_KEPT,
    Call,
    call,
    read,
    read_all,
    written_all,
)
from explainers.initialization.initialization.checks import checks, view_checks
from explainers.initialization.initialization.claims import claims
from explainers.initialization.initialization.mistakes import question
from explainers.initialization.initialization.propagation import (
    KINDS,
    Histograms,
    SignalTrace,
    propagate,
)
from explainers.initialization.initialization.schemes import (
    MODES,
    NONLINEARITIES,
    SCHEMES,
    SchemeSpec,
    bound,
    connections,
    expected_std,
    fans,
    fill,
    gain_of,
)
from explainers.initialization.initialization.snippet import snippet, table
from explainers.initialization.initialization.theory import GainCurve, gain_curve, pull, unit_gain
from explainers.initialization.initialization.training import Progress, Run, train, train_as
from explainers.initialization.initialization.view import (
    PRESETS,
    REFERENCES,
    Initialization,
    View,
    explain,
)

__all__ = [
    "KINDS",
    "MODES",
    "MOST_KEPT",
    "NONLINEARITIES",
    "PRESETS",
    "REFERENCES",
    "SCHEMES",
    "Call",
    "GainCurve",
    "Histograms",
    "Initialization",
    "Progress",
    "Run",
    "SchemeSpec",
    "SignalTrace",
    "View",
    "bound",
    "call",
    "checks",
    "claims",
    "connections",
    "expected_std",
    "explain",
    "fans",
    "fill",
    "gain_curve",
    "gain_of",
    "propagate",
    "pull",
    "question",
    "read",
    "read_all",
    "snippet",
    "table",
    "train",
    "train_as",
    "unit_gain",
    "view_checks",
    "written_all",
]
