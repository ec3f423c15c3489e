"""Learn: a part that trains something, once it is asked for."""

from collections.abc import Callable

import streamlit as st

from ui.frame.parts import part, section, sentence_for_bad_input

__all__ = ["draw"]


def draw(slug: str, words: str, start: str, run: Callable[[], None]) -> None:
    """Draw what is shown, and the button that starts it: it takes time and bytes."""
    section("Learn", words)
    st.fragment(_asked_for)(part(slug, "learn"), start, run)


def _asked_for(wanted: str, start: str, run: Callable[[], None]) -> None:
    if not st.session_state.get(wanted):
        st.button(
            start,
            key=f"{wanted}.start",
            icon=":material/play_arrow:",
            on_click=st.session_state.__setitem__,
            args=(wanted, True),
        )
        return
    with sentence_for_bad_input():
        run()
