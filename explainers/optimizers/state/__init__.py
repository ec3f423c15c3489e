"""Explain what an optimizer holds: groups, options, state, and the parameters it was given."""

from explainers.optimizers.state.adding import ADDING
from explainers.optimizers.state.freezing import FREEZING
from explainers.optimizers.state.groups import GROUPS
from explainers.optimizers.state.hand import HAND
from explainers.optimizers.state.memory import MEMORY
from explainers.optimizers.state.own import OWN
from explainers.optimizers.state.resuming import RESUMING
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

LESSONS = (GROUPS, ADDING, MEMORY, RESUMING, HAND, OWN, FREEZING)
TOPIC = Lessons("State", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
