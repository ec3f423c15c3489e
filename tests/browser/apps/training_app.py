"""A run of ten seconds, and a control beside it."""

import time
from collections.abc import Iterator

import streamlit as st

from ui.training import training

STEPS = 200


def counting() -> Iterator[tuple[float, int]]:
    """Count slowly."""
    for step in range(1, STEPS + 1):
        time.sleep(0.05)
        yield step / STEPS, step


def draw(step: int, key: str) -> None:
    """Draw how far it is."""
    st.markdown(f"at {step} of {STEPS}")


def learn() -> None:
    """Draw the run, once it is asked for."""
    if st.button("Begin") or st.session_state.get("begun"):
        st.session_state["begun"] = True
        training("run", "always", counting, draw)


st.fragment(learn)()
clicks = st.session_state.setdefault("clicks", 0)


def beside() -> None:
    """Count clicks, in a part of their own."""
    st.button("Count", on_click=lambda: st.session_state.update(clicks=st.session_state.clicks + 1))
    st.markdown(f"clicked {st.session_state.clicks}")


st.fragment(beside)()
