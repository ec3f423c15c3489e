"""Put the pages' own style on them: what Streamlit's theme cannot say."""

import streamlit as st

from ui.component import asset

_STYLE = f"<style>{asset('frame.css')}{asset('tables.css')}</style>"
# Streamlit cuts off a link that is longer than its line; here it goes on in the next.
_LINK = '[data-testid="stPageLink"] a'
_LINKS = (
    f"<style>{_LINK} {{ padding-block: 0.35em; line-height: 1.3; }}"
    f"{_LINK} :is(span, div, p, strong):not([data-testid=stIconMaterial])"
    "{ white-space: normal; line-height: 1.3; }</style>"
)


def put() -> None:
    """Put the style of frame and tables on the page, once."""
    st.html(_STYLE)


def put_links() -> None:
    """Let the words of long links wrap, on every page and in the sidebar."""
    st.html(_LINKS)
