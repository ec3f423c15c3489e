"""Gradients add up: what does each backward leave behind, and what takes it away?"""

from explainers.autograd import accumulation as topic
from figures.autograd import accumulation as figures
from ui import lessons

lessons.page("accumulation", topic.TOPIC, figures.FIGURES)
