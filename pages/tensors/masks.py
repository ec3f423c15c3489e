"""Masks, reductions, distances: which cells count, and who gets the gradient?"""

from explainers.tensors import masks as topic
from figures.tensors import masks as figures
from ui import lessons
from ui.points import POINTS

lessons.page("masks", topic.TOPIC, figures.FIGURES, (POINTS,))
