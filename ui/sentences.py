"""Show sentences that may hold a stranger's text without letting it be markup."""

import re

import streamlit as st

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+.!|<>~$:-])")


def plain(text: str) -> str:
    """Return text with every character that Markdown reads as markup escaped."""
    return _MARKUP.sub(r"\\\1", text)


def warn(text: str, *, torch_says: str = "") -> None:
    """Show a sentence that says what to change, and torch's own words for it where it has some."""
    st.warning(plain(text), icon=":material/info:")
    if torch_says:
        st.caption(f"torch says: {plain(torch_says)}")
