"""Explain hooks: on tensors, and on modules before, after and behind them."""

from explainers.autograd.hooks.behind import BEHIND
from explainers.autograd.hooks.calling import CALLING
from explainers.autograd.hooks.pruning import PRUNING
from explainers.autograd.hooks.tensors import TENSORS
from explainers.autograd.hooks.watching import WATCHING
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

LESSONS = (TENSORS, CALLING, BEHIND, WATCHING, PRUNING)
TOPIC = Lessons("Hooks", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
