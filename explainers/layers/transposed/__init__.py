"""Explain transposed convolution and unfold."""

from explainers.layers.transposed.adjoining import ADJOINING
from explainers.layers.transposed.sizing import SIZING
from explainers.layers.transposed.stamping import STAMPING
from explainers.layers.transposed.unfolding import UNFOLDING
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

LESSONS = (STAMPING, SIZING, ADJOINING, UNFOLDING)
TOPIC = Lessons("Transposed", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
