"""Show one lesson's stage and nothing else: the benchmark opens it, by its page and its lesson."""

import streamlit as st

from figures.stage import staged
from ui import catalogue
from ui.stage import STAGE, stage

STAGE.send()
asked = st.query_params
(page,) = (one for one in catalogue.PAGES if one.slug == asked["page"])
(lesson,) = (one for one in page.topic.LESSONS if one.slug == asked["lesson"])
trace = lesson.trace()
notes = lesson.notes_at(trace.source)
# As wide as a page's view beside the open sidebar.
with st.container(width=850):
    stage(
        staged(trace, notes=notes, start=lesson.first_step(trace), shows=lesson.shows), key="stage"
    )
