"""What the parts of a page have in common: a heading, a name, the device, bad input's sentence."""

import contextlib
from collections.abc import Iterator, Sequence
from html import escape

import streamlit as st
from streamlit.errors import StreamlitAPIException

from ui import sentences

__all__ = ["DEVICE", "PARTS", "device", "part", "rerun", "section", "sentence_for_bad_input"]

DEVICE = "device"
PARTS = ("break", "prove", "learn", "take")
"""Anchors of the parts below the view."""


def device() -> str:
    """Return the device that the sidebar has chosen."""
    return str(st.session_state.get(DEVICE, "cpu"))


def part(slug: str, name: str) -> str:
    """Return the key of a part of the page that reruns alone."""
    return f"{slug}.{name}"


def rerun(parts: Sequence[str]) -> None:
    """Rerun, from a callback, these parts of the page and nothing else."""
    try:
        st.rerun(list(parts))
    except StreamlitAPIException:
        # A run that was cut short has not drawn every part: draw the whole page.
        st.rerun()


def section(title: str, words: str) -> None:
    """Draw a part's heading, which an address's fragment finds, and what the part is for.

    Args:
        title: One word, which in lower case is the anchor.
        words: Plain, without markup.
    """
    # One element in place of a heading and a caption, which cost every change of a control twenty.
    st.html(
        f'<div class="loupe-part"><h2 id="{title.lower()}">{escape(title)}</h2>'
        f"<p>{escape(words)}</p></div>"
    )


@contextlib.contextmanager
def sentence_for_bad_input() -> Iterator[None]:
    """Show an explainer's ValueError as a sentence; the rest of the page stays."""
    try:
        yield
    except ValueError as error:
        sentences.warn(f"{error}.")
