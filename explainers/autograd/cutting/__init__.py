"""Explain what cuts the graph: grad modes, detach and its kin, and writes behind its back."""

from explainers.autograd.cutting.aliases import ALIASES
from explainers.autograd.cutting.branches import BRANCHES
from explainers.autograd.cutting.evaluating import EVALUATING
from explainers.autograd.cutting.modes import MODES
from explainers.autograd.cutting.slices import SLICES
from explainers.autograd.cutting.windows import WINDOWS
from explainers.program.topic import Lessons

__all__ = [
    "LESSONS",
    "PRESETS",
    "REFERENCES",
    "TOPIC",
    "checks",
    "claims",
    "explain",
    "question",
    "snippet",
]

LESSONS = (MODES, WINDOWS, EVALUATING, BRANCHES, ALIASES, SLICES)
TOPIC = Lessons("Cutting", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
