"""Masks, reductions, distances: which cells count, and who gets the gradient?"""

from explainers.tensors import masks as topic
from ui import lessons

lessons.page("masks", topic.TOPIC)
