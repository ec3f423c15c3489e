"""Explain operations of one's own: what forward saves, and what backward must return."""

from explainers.autograd.functions.arguments import ARGUMENTS
from explainers.autograd.functions.halves import HALVES
from explainers.autograd.functions.kinks import KINKS
from explainers.autograd.functions.matrices import MATRICES
from explainers.autograd.functions.saving import SAVING
from explainers.autograd.functions.straight import STRAIGHT
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

LESSONS = (HALVES, KINKS, MATRICES, ARGUMENTS, SAVING, STRAIGHT)
TOPIC = Lessons("Functions", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
