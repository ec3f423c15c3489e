"""Explain learning-rate schedulers: every schedule of torch, alone, composed and in training."""

from explainers.optimizers.schedulers.calls import (
    MOST_KEPT,
    RULE,
    Schedule,
    read,
    read_all,
    schedule,
    written_all,
)
from explainers.optimizers.schedulers.checks import checks, view_checks
from explainers.optimizers.schedulers.claims import claims
from explainers.optimizers.schedulers.formula import formula
from explainers.optimizers.schedulers.losses import LOSSES, losses
from explainers.optimizers.schedulers.mistakes import question
from explainers.optimizers.schedulers.snippet import snippet, table
from explainers.optimizers.schedulers.specs import SCHEDULERS, Argument, SchedulerSpec
from explainers.optimizers.schedulers.tracing import (
    COMPOSERS,
    MOST_CHILDREN,
    OPTIMIZERS,
    PlateauTrace,
    ScheduleTrace,
    compose,
    plateau,
    trace,
)
from explainers.optimizers.schedulers.training import Progress, Run, spirals, train, usable
from explainers.optimizers.schedulers.view import (
    OWN,
    PRESETS,
    REFERENCES,
    Schedulers,
    View,
    explain,
    paced,
)

__all__ = [
    "COMPOSERS",
    "LOSSES",
    "MOST_CHILDREN",
    "MOST_KEPT",
    "OPTIMIZERS",
    "OWN",
    "PRESETS",
    "REFERENCES",
    "RULE",
    "SCHEDULERS",
    "Argument",
    "PlateauTrace",
    "Progress",
    "Run",
    "Schedule",
    "ScheduleTrace",
    "SchedulerSpec",
    "Schedulers",
    "View",
    "checks",
    "claims",
    "compose",
    "explain",
    "formula",
    "losses",
    "paced",
    "plateau",
    "question",
    "read",
    "read_all",
    "schedule",
    "snippet",
    "spirals",
    "table",
    "trace",
    "train",
    "usable",
    "view_checks",
    "written_all",
]
