"""Walking a model: in which order is it walked, and what is found, saved and counted on the way?"""

from explainers.modules import walking as topic
from ui import lessons

lessons.page("walking", topic.TOPIC)
