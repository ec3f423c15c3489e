"""In place: who else sees a write, and when does torch refuse it?"""

from explainers.tensors import inplace as topic
from ui import lessons

lessons.page("inplace", topic.TOPIC)
