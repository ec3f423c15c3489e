"""Explain what a module knows of: what is registered, under which name, and what is not."""

from explainers.modules.registration.attributes import ATTRIBUTES
from explainers.modules.registration.buffers import BUFFERS
from explainers.modules.registration.calling import CALLING
from explainers.modules.registration.inside import INSIDE
from explainers.modules.registration.names import NAMES
from explainers.modules.registration.spent import SPENT
from explainers.modules.registration.tying import TYING
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

LESSONS = (ATTRIBUTES, NAMES, INSIDE, BUFFERS, TYING, SPENT, CALLING)
TOPIC = Lessons("Registration", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
