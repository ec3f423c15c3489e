"""Making tensors: what does the constructor take, and which dtype comes out?"""

from explainers.tensors import making as topic
from figures.tensors import making as figures
from ui import lessons

lessons.page("making", topic.TOPIC, figures.FIGURES)
