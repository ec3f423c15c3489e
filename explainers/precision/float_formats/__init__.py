"""Explain floating-point formats: bits, neighbours, rounding, and what each format cannot hold."""

from explainers.precision.float_formats.checks import checks, view_checks
from explainers.precision.float_formats.claims import claims
from explainers.precision.float_formats.snippet import snippet, table
from explainers.precision.float_formats.training import HELD, Progress, Run, Training, train
from explainers.precision.float_formats.vanishing import VanishingUpdate, question, vanishing
from explainers.precision.float_formats.view import (
    PRESETS,
    REFERENCES,
    FloatFormats,
    View,
    exact,
    explain,
)
from explainers.precision.formats import (
    FORMATS,
    Bits,
    Format,
    FormatShare,
    Inspection,
    Kind,
    bits,
    floating,
    inspect,
    neighbours,
    numbers,
    representable,
    rounded,
    spacing,
)

__all__ = [
    "FORMATS",
    "HELD",
    "PRESETS",
    "REFERENCES",
    "Bits",
    "FloatFormats",
    "Format",
    "FormatShare",
    "Inspection",
    "Kind",
    "Progress",
    "Run",
    "Training",
    "VanishingUpdate",
    "View",
    "bits",
    "checks",
    "claims",
    "exact",
    "explain",
    "floating",
    "inspect",
    "neighbours",
    "numbers",
    "question",
    "representable",
    "rounded",
    "snippet",
    "spacing",
    "table",
    "train",
    "vanishing",
    "view_checks",
]
