"""What a module knows of: which attributes are registered, and what finds them?"""

from explainers.modules import registration as topic
from ui import lessons

lessons.page("registration", topic.TOPIC)
