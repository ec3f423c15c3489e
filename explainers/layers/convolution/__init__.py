"""Explain convolution: window and sum, in one and two dimensions, sizes, dilation, groups."""

from explainers.layers.convolution.gridding import GRIDDING
from explainers.layers.convolution.grouping import GROUPS
from explainers.layers.convolution.signal import SIGNAL
from explainers.layers.convolution.sizes import SIZE
from explainers.layers.convolution.window import WINDOW
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

LESSONS = (WINDOW, SIGNAL, SIZE, GRIDDING, GROUPS)
TOPIC = Lessons("Convolution", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
