"""Show a figure the way all pages show one."""

from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from figures import style

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
_PICTURES = st.components.v2.component(
    "torch_loupe_pictures",
    html='<div class="pictures"></div>',
    css=(_ASSETS / "pictures.css").read_text("utf-8"),
    js=(_ASSETS / "pictures.js").read_text("utf-8"),
)


def show(figure: go.Figure, *, alt: str) -> None:
    """Draw a Plotly figure in the page's theme, with words for those who do not see it."""
    st.plotly_chart(figure, config=style.CONFIG, alt=alt)


def pictures(markup: str, *, key: str) -> None:
    """Draw pictures side by side, as `figures.style.panels` made them.

    Args:
        markup: Of the pictures.
        key: Unique on the page.
    """
    _PICTURES(key=key, data={"markup": markup})
