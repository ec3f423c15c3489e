"""What an optimizer holds: a page of lessons."""

from explainers.optimizers import state as topic
from ui import lessons

lessons.page("state", topic.TOPIC)
