"""The graph and backward: what does a backward pass walk, and which tensors keep what it finds?"""

from explainers.autograd import backward as topic
from figures.autograd import backward as figures
from ui import lessons

lessons.page("backward", topic.TOPIC, figures.FIGURES)
