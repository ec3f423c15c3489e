"""Explain `F.affine_grid` and `F.grid_sample`: warp a picture by a 2x3 matrix."""

from explainers.sampling.affine_grid.checks import checks, view_checks
from explainers.sampling.affine_grid.claims import claims
from explainers.sampling.affine_grid.descent import Descent, Found, descend
from explainers.sampling.affine_grid.geometry import (
    Motion,
    compose,
    decompose,
    describe,
    invert,
    pixel_matrix,
    rotation,
)
from explainers.sampling.affine_grid.matrices import (
    Asked,
    Matrices,
    Proof,
    Spelling,
    convert,
    of_view,
    prove,
)
from explainers.sampling.affine_grid.mistakes import question
from explainers.sampling.affine_grid.sampling import MODES, PADDING_MODES, Warp, warp
from explainers.sampling.affine_grid.snippet import snippet, table
from explainers.sampling.affine_grid.view import (
    PRESETS,
    REFERENCES,
    THETA_FIELDS,
    AffineGrid,
    View,
    explain,
    typed,
)

__all__ = [
    "MODES",
    "PADDING_MODES",
    "PRESETS",
    "REFERENCES",
    "THETA_FIELDS",
    "AffineGrid",
    "Asked",
    "Descent",
    "Found",
    "Matrices",
    "Motion",
    "Proof",
    "Spelling",
    "View",
    "Warp",
    "checks",
    "claims",
    "compose",
    "convert",
    "decompose",
    "descend",
    "describe",
    "explain",
    "invert",
    "of_view",
    "pixel_matrix",
    "prove",
    "question",
    "rotation",
    "snippet",
    "table",
    "typed",
    "view_checks",
    "warp",
]
