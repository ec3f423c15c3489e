"""Explain how gradients add up: zeroing, micro-batches, clipping, and cutting through time."""

from explainers.autograd.accumulation.batches import BATCHES
from explainers.autograd.accumulation.clipping import CLIPPING
from explainers.autograd.accumulation.nothing import NOTHING
from explainers.autograd.accumulation.statistics import STATISTICS
from explainers.autograd.accumulation.truncating import TRUNCATING
from explainers.autograd.accumulation.zeroing import ZEROING
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

LESSONS = (ZEROING, NOTHING, BATCHES, STATISTICS, CLIPPING, TRUNCATING)
TOPIC = Lessons("Accumulation", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
