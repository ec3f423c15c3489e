"""Explain embeddings, and the shapes between a picture and its scores."""

from explainers.layers.embedding.bags import BAGS
from explainers.layers.embedding.bounding import BOUNDING
from explainers.layers.embedding.flattening import FLATTENING
from explainers.layers.embedding.lenet import LENET
from explainers.layers.embedding.lookup import LOOKUP
from explainers.layers.embedding.padding import PADDING
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

LESSONS = (LOOKUP, PADDING, BOUNDING, BAGS, LENET, FLATTENING)
TOPIC = Lessons("Embedding", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
