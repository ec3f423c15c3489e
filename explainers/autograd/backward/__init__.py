"""Explain backward: the graph, which tensors keep a gradient, and what is freed behind it."""

from explainers.autograd.backward.carrying import CARRYING
from explainers.autograd.backward.chain import CHAIN
from explainers.autograd.backward.dtypes import DTYPES
from explainers.autograd.backward.freeing import FREEING
from explainers.autograd.backward.products import PRODUCTS
from explainers.autograd.backward.sharing import SHARING
from explainers.autograd.backward.spreading import SPREADING
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

LESSONS = (CHAIN, PRODUCTS, SPREADING, DTYPES, FREEING, SHARING, CARRYING)
TOPIC = Lessons("Backward", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
