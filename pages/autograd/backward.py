"""The graph and backward: what does a backward pass walk, and which tensors keep what it finds?"""

from explainers.autograd import backward as topic
from ui import lessons

lessons.page("backward", topic.TOPIC)
