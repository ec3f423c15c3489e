"""Embedding and shapes: which rows are read, and which pictures are still whole?"""

from explainers.layers import embedding as topic
from figures.layers import embedding as figures
from ui import lessons

lessons.page("embedding", topic.TOPIC, figures.FIGURES)
