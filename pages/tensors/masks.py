"""Masks, reductions, distances: which cells count, and who gets the gradient?"""

from explainers.tensors import masks as topic
from figures.tensors import masks as figures
from ui import lessons

lessons.page("masks", topic.TOPIC, figures.FIGURES)
