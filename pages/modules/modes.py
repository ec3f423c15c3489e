"""Modes and moves: a page of lessons."""

from explainers.modules import modes as topic
from ui import lessons

lessons.page("modes", topic.TOPIC)
