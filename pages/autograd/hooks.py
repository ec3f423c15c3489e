"""Hooks: who looks on at a call and at backward, and what does one change by returning?"""

from explainers.autograd import hooks as topic
from ui import lessons

lessons.page("hooks", topic.TOPIC)
