"""Show a figure the way all pages show one."""

import plotly.graph_objects as go
import streamlit as st

from figures import style


def show(figure: go.Figure, *, alt: str) -> None:
    """Draw a Plotly figure in the page's theme, with words for those who do not see it."""
    st.plotly_chart(figure, config=style.CONFIG, alt=alt)
