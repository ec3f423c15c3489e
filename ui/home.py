"""Draw the home page's cards."""

from collections.abc import Sequence

import streamlit as st
import torch

from ui import catalogue

# Streamlit sets a link in by its padding, which the words below it lack, and cuts a long one off.
_LINK = '[data-testid="stMain"] [data-testid="stPageLink"] a'
_STYLE = (
    f"{_LINK} {{ margin-left: -0.5rem; width: calc(100% + 0.5rem); line-height: 1.3; }}"
    f"{_LINK} :is(span, div, p, strong):not([data-testid=stIconMaterial])"
    "{ white-space: normal; line-height: 1.3; }"
)


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnail(slug: str, torch_version: str) -> str:
    """Return a page's small picture as SVG, computed by torch from the page's first preset."""
    page = catalogue.page(slug)
    view = page.topic.explain(page.topic.PRESETS[0].parameters)
    svg: str = page.figures.thumbnail(view)
    return svg


def cards(pages: Sequence[catalogue.Page]) -> None:
    """Draw a card per page: picture, title as a link, the question it answers, its chapter."""
    st.html(f"<style>{_STYLE}</style>")
    with st.grid(4, min_column_width=150, gap="small"):
        for page in pages:
            with st.container(border=True, height="stretch"):
                st.image(
                    thumbnail(page.slug, torch.__version__),
                    width="stretch",
                    alt=f"A small view of {page.title}",
                )
                st.page_link(page.file, label=f"**{page.title}**", icon=page.icon)
                st.markdown(f":small[{page.question}]  \n:small[:gray-badge[{page.chapter}]]")
