"""Explain modes and moves: train and eval, dropout, casts, freezing, values from inside a net."""

from explainers.modules.modes.dropping import DROPPING
from explainers.modules.modes.features import FEATURES
from explainers.modules.modes.functions import FUNCTIONS
from explainers.modules.modes.holding import HOLDING
from explainers.modules.modes.hooks import HOOKS
from explainers.modules.modes.moving import MOVING
from explainers.modules.modes.switching import SWITCHING
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

LESSONS = (SWITCHING, DROPPING, FUNCTIONS, MOVING, HOLDING, HOOKS, FEATURES)
TOPIC = Lessons("Modes", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
