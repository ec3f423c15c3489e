"""Show sentences that may hold a stranger's text without letting it be markup."""

import re

import streamlit as st

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+.!|<>~$:-])")


def plain(text: str) -> str:
    """Return text with every character that Markdown reads as markup escaped."""
    return _MARKUP.sub(r"\\\1", text)


def warn(text: str) -> None:
    """Show a sentence that says what to change."""
    st.warning(plain(text), icon=":material/info:")
