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


Drawn = str | style.Chart | tuple[str | style.Chart, ...]
"""What a figure function returns: markup of pictures, a chart, or several of either."""


def draw(drawn: Drawn, *, key: str) -> None:
    """Draw pictures or charts in the page's theme, with words for those who do not see them.

    Args:
        drawn: Markup that `figures.style.panels` made, charts, or several of either.
        key: Unique on the page.
    """
    for index, part in enumerate(drawn if isinstance(drawn, tuple) else (drawn,)):
        if isinstance(part, str):
            _PICTURES(key=f"{key}.{index}" if index else key, data={"markup": part})
        else:
            st.plotly_chart(part.figure, config=style.CONFIG, alt=part.alt)
