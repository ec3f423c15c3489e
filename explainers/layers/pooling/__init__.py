"""Explain pooling: which cells a window reads, and what is made of them."""

from explainers.layers.pooling.adapting import ADAPTING
from explainers.layers.pooling.fractional import FRACTIONAL
from explainers.layers.pooling.powers import POWERS
from explainers.layers.pooling.sliding import SLIDING
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

LESSONS = (SLIDING, POWERS, FRACTIONAL, ADAPTING)
TOPIC = Lessons("Pooling", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
