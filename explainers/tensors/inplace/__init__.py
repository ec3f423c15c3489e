"""Explain writes in place: which names see them, which torch refuses, and what NumPy shares."""

from explainers.program.topic import Lessons
from explainers.tensors.inplace.aliases import ALIASES
from explainers.tensors.inplace.bridge import BRIDGE
from explainers.tensors.inplace.overlapping import OVERLAPPING
from explainers.tensors.inplace.pictures import PICTURES
from explainers.tensors.inplace.versions import VERSIONS

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

LESSONS = (ALIASES, OVERLAPPING, VERSIONS, BRIDGE, PICTURES)
TOPIC = Lessons("InPlace", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
