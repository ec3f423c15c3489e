"""Transposed convolution and unfold: where does each pixel go, and how large is the result?"""

from explainers.layers import transposed as topic
from figures.layers import transposed as figures
from ui import lessons
from ui.loupe import LOUPE
from ui.numbers import NUMBERS

lessons.page("transposed", topic.TOPIC, figures.FIGURES, (LOUPE, NUMBERS))
