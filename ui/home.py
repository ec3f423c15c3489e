"""Draw the home page's cards."""

from collections.abc import Sequence

import streamlit as st
import torch

from ui import catalogue


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnail(slug: str, torch_version: str) -> str:
    """Return a page's small picture as SVG, computed by torch from the page's first preset."""
    page = catalogue.page(slug)
    view = page.topic.explain(page.topic.PRESETS[0].parameters)
    svg: str = page.figures.thumbnail(view)
    return svg


def cards(pages: Sequence[catalogue.Page]) -> None:
    """Draw a card per page: its picture, its title as a link, and the question it answers."""
    with st.grid(3, min_column_width=260, gap="small"):
        for page in pages:
            with st.container(border=True, height="stretch"):
                st.image(
                    thumbnail(page.slug, torch.__version__),
                    width="stretch",
                    alt=f"A small view of {page.title}",
                )
                st.page_link(page.file, label=f"**{page.title}**", icon=page.icon)
                st.caption(page.question)
