"""Explain how a model is walked: by index, by name, in which order, and what is saved."""

from explainers.modules.walking.applying import APPLYING
from explainers.modules.walking.keeping import KEEPING
from explainers.modules.walking.keys import KEYS
from explainers.modules.walking.order import ORDER
from explainers.modules.walking.sequential import SEQUENTIAL
from explainers.modules.walking.summary import SUMMARY
from explainers.modules.walking.versions import VERSIONS
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

LESSONS = (SEQUENTIAL, ORDER, APPLYING, KEYS, KEEPING, VERSIONS, SUMMARY)
TOPIC = Lessons("Walking", LESSONS)
PRESETS, REFERENCES = TOPIC.presets, TOPIC.references
explain, snippet, question = TOPIC.explain, TOPIC.snippet, TOPIC.question
checks, claims = TOPIC.checks, TOPIC.claims
