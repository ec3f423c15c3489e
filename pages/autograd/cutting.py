"""Cutting the graph: what stops a gradient, and what lets a wrong one through?"""

from explainers.autograd import cutting as topic
from figures.autograd import cutting as figures
from ui import lessons

lessons.page("cutting", topic.TOPIC, figures.FIGURES)
