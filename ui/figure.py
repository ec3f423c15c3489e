"""Show a figure the way all pages show one."""

from pathlib import Path

import streamlit as st

from figures import style

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
_PICTURES = st.components.v2.component(
    "torch_loupe_pictures",
    html='<div class="pictures"></div>',
    css=(_ASSETS / "pictures.css").read_text("utf-8"),
    js=(_ASSETS / "pictures.js").read_text("utf-8"),
)


Drawn = str | style.Chart | tuple[style.Chart, ...]
"""What a figure function returns: markup of pictures, a chart, or several charts."""


def draw(drawn: Drawn, *, key: str) -> None:
    """Draw pictures or charts in the page's theme, with words for those who do not see them.

    Args:
        drawn: Markup that `figures.style.panels` made, or charts.
        key: Unique on the page.
    """
    if isinstance(drawn, str):
        _PICTURES(key=key, data={"markup": drawn})
        return
    for chart in drawn if isinstance(drawn, tuple) else (drawn,):
        st.plotly_chart(chart.figure, config=style.CONFIG, alt=chart.alt)
