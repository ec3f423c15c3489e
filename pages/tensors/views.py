"""Views, strides and storage: when do two tensors share memory, and when does torch copy?"""

from explainers.tensors import views as topic
from ui import lessons

lessons.page("views", topic.TOPIC)
