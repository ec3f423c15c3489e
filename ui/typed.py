"""Draw a box for text with a rule: what breaks the rule stays in it, with its sentence."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from ui import sentences

Value = TypeVar("Value")


def box(
    label: str,
    *,
    key: str,
    refused: str,
    held: str,
    read: Callable[[str], Value],
    accept: Callable[[Value], None],
    again: Callable[[], None],
    help: str,
    longest: int,
    placeholder: str | None = None,
) -> None:
    """Draw the box, and under it why its text is refused.

    Args:
        label: Of the box.
        key: The box's session key.
        refused: Session key of the sentence; while there is one, the box keeps the reader's text.
        held: What the box shows otherwise.
        read: From text to a value; raises ValueError with the sentence, without its full stop.
        accept: Called, in a callback, with what was read.
        again: Called in its place where the text is refused: the box must be drawn again.
        help: Of the box.
        longest: Characters that it takes.
        placeholder: What an empty box shows.
    """
    if refused not in st.session_state:
        st.session_state[key] = held

    def take() -> None:
        try:
            value = read(st.session_state[key])
        except ValueError as error:
            st.session_state[refused] = f"{error}."
            again()
            return
        st.session_state.pop(refused, None)
        accept(value)

    st.text_input(
        label, key=key, help=help, on_change=take, max_chars=longest, placeholder=placeholder
    )
    if sentence := st.session_state.get(refused):
        sentences.warn(sentence)
