"""Predict: commit to an answer, then see what torch gives."""

import streamlit as st

from explainers.evidence import Question
from ui.frame.parts import part

__all__ = ["asked", "draw"]


def draw(slug: str, question: Question) -> None:
    """Ask for a prediction; once the reader commits, show what torch gave."""
    st.fragment(asked)(slug, question)


def asked(slug: str, question: Question) -> None:
    """Draw the question in the part that runs; `slug` names its answers among the page's."""
    st.caption("Commit first; torch answers.")
    st.markdown(question.text)
    guess = st.pills(
        "Your prediction",
        question.options,
        key=part(slug, "guess"),
        label_visibility="collapsed",
    )
    committed = part(slug, "committed")
    st.button(
        "Commit, and reveal",
        key=part(slug, "reveal"),
        disabled=guess is None,
        on_click=st.session_state.__setitem__,
        args=(committed, guess),
    )
    if guess is not None and st.session_state.get(committed) == guess:
        if guess == question.answer:
            st.success(f"Yes: {question.answer}. {question.because}", icon=":material/check:")
        else:
            st.error(f"No: {question.answer}. {question.because}", icon=":material/close:")
