"""In place: who else sees a write, and when does torch refuse it?"""

from explainers.tensors import inplace as topic
from figures.tensors import inplace as figures
from ui import lessons

lessons.page("inplace", topic.TOPIC, figures.FIGURES)
