"""Explain masks, reductions and distances: what is compared, chosen, reduced and broadcast."""

from explainers.program.topic import Lessons
from explainers.tensors.masks.choosing import CHOOSING
from explainers.tensors.masks.comparing import COMPARING
from explainers.tensors.masks.distances import DISTANCES
from explainers.tensors.masks.reducing import REDUCING
from explainers.tensors.masks.tying import TYING

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

LESSONS = (COMPARING, CHOOSING, REDUCING, TYING, DISTANCES)
TOPIC = Lessons("Masks", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
