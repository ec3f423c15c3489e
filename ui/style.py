"""Put the pages' own style on them: what Streamlit's theme cannot say."""

import streamlit as st

from ui.component import asset

_STYLE = f"<style>{asset('frame.css')}{asset('tables.css')}</style>"


def put() -> None:
    """Put the style of frame and tables on the page, once."""
    st.html(_STYLE)
