"""Pooling: which cells does a window read, and what is made of them?"""

from explainers.layers import pooling as topic
from figures.layers import pooling as figures
from ui import lessons
from ui.numbers import NUMBERS

lessons.page("pooling", topic.TOPIC, figures.FIGURES, components=(NUMBERS,))
