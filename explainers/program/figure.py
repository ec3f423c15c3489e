"""Declare what a lesson's figure shows beside its stage: a result that torch computes, and proofs.

Nothing is drawn here: ``figures/<chapter>/<page>.py`` draws the result, by the lesson's slug.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from explainers.evidence import Kind
from explainers.program.states import Trace

__all__ = ["Figure", "FigureProof"]

Change = tuple[str, str]
"""A piece of a program, and what stands in its place."""


@dataclasses.dataclass(frozen=True, slots=True)
class FigureProof:
    """Declare a check of a figure's result, and an error on which it turns red.

    Attributes:
        statement: What should be true, in one sentence.
        reference: What the result is compared with.
        error: From the result and the settings to the largest absolute difference.
        twin: A small, plausible error: a change of the program that runs, or what gives, from trace
            and settings, the result with the error in it.
        kind: How independent of torch the reference is.
        tolerance: Largest difference that still counts as agreement.
    """

    statement: str
    reference: str
    error: Callable[[Any, Any], float]
    twin: Change | Callable[[Trace, Any], Any]
    kind: Kind = Kind.INDEPENDENT
    tolerance: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """Declare a figure.

    Attributes:
        title: What it shows, in a few words.
        result: From a run and the lesson's settings to a frozen result that holds all that is
            drawn.
        proofs: Its checks.
        program: What runs, with the lesson's holes; empty for the lesson's own program.
        edits: The parameter that the reader sets in the figure itself; empty for none.
        leads: Whether it stands above the stage: where it says more than the program's run.
    """

    title: str
    result: Callable[[Trace, Any], Any]
    proofs: tuple[FigureProof, ...]
    program: str = ""
    edits: str = ""
    leads: bool = False
