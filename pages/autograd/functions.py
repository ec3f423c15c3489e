"""Your own Function: what must forward save, what must backward return, and who checks it?"""

from explainers.autograd import functions as topic
from ui import lessons

lessons.page("functions", topic.TOPIC)
