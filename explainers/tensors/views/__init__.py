"""Explain views: which tensors share memory, which are copies, and what strides say of it."""

from explainers.program.topic import Lessons
from explainers.tensors.views.axes import AXES
from explainers.tensors.views.expanding import EXPANDING
from explainers.tensors.views.indexing import INDEXING
from explainers.tensors.views.joining import JOINING
from explainers.tensors.views.permuting import PERMUTING
from explainers.tensors.views.splitting import SPLITTING

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

LESSONS = (PERMUTING, EXPANDING, INDEXING, AXES, JOINING, SPLITTING)
TOPIC = Lessons("Views", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
