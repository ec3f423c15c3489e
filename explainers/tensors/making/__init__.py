"""Explain how tensors are made: from data, filled, in ranges, cast, moved, one-hot."""

from explainers.program.topic import Lessons
from explainers.tensors.making.casting import CASTING
from explainers.tensors.making.data import DATA
from explainers.tensors.making.filling import FILLING
from explainers.tensors.making.moving import MOVING
from explainers.tensors.making.onehot import ONEHOT
from explainers.tensors.making.promoting import PROMOTING
from explainers.tensors.making.ranges import RANGES

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

LESSONS = (DATA, FILLING, RANGES, PROMOTING, CASTING, MOVING, ONEHOT)
TOPIC = Lessons("Making", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
