"""Explain `F.interpolate`: resize a signal, a table, a picture or a volume."""

from explainers.sampling.interpolate.checks import agreements, checks, view_checks
from explainers.sampling.interpolate.claims import claims
from explainers.sampling.interpolate.imitation import Imitated, Imitation, imitate
from explainers.sampling.interpolate.kernels import kernel
from explainers.sampling.interpolate.mistakes import question
from explainers.sampling.interpolate.reference import opencv_resize, pil_resize, slow_resize
from explainers.sampling.interpolate.sampling import MODES, resize, sample_positions
from explainers.sampling.interpolate.snippet import snippet, table
from explainers.sampling.interpolate.view import (
    PRESETS,
    REFERENCES,
    Interpolate,
    View,
    explain,
    renamed,
    typed_numbers,
)

__all__ = [
    "MODES",
    "PRESETS",
    "REFERENCES",
    "Imitated",
    "Imitation",
    "Interpolate",
    "View",
    "agreements",
    "checks",
    "claims",
    "explain",
    "imitate",
    "kernel",
    "opencv_resize",
    "pil_resize",
    "question",
    "renamed",
    "resize",
    "sample_positions",
    "slow_resize",
    "snippet",
    "table",
    "typed_numbers",
    "view_checks",
]
