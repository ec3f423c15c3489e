"""Convolution: what lies under the window, and what no window reads?"""

from explainers.layers import convolution as topic
from figures.layers import convolution as figures
from ui import lessons
from ui.loupe import LOUPE
from ui.numbers import NUMBERS

lessons.page("convolution", topic.TOPIC, figures.FIGURES, components=(LOUPE, NUMBERS))
