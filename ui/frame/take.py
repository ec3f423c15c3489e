"""Take: the code of a view, its data and its link."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explainers import snippets
from ui import address, catalogue
from ui.frame.parts import part, section, sentence_for_bad_input
from ui.turns import in_turn

__all__ = ["Download", "draw"]


@dataclass(frozen=True, slots=True)
class Download:
    """Offer a file: its label, its name, what makes it when asked for, and its MIME type."""

    label: str
    name: str
    make: Callable[[], str | bytes]
    mime: str


Make = Callable[[Any], tuple[str, Sequence[Download]]]


def draw(
    page: catalogue.Page,
    settings: Callable[[], Any],
    link: Callable[[Any], Mapping[str, str]],
    make: Make,
) -> None:
    """Draw, while it is open, the code of this view, its downloads and its link.

    Args:
        page: Of the catalogue.
        settings: What is on show: what the controls hold.
        link: From settings to what the address must spell.
        make: From settings to the code and the files to take away.
    """
    section("Take", "Everything to reproduce this view exactly.")
    st.fragment(_opened, key=part(page.slug, "take"))(page, settings, link, make)


@in_turn
def _opened(
    page: catalogue.Page,
    held: Callable[[], Any],
    link: Callable[[Any], Mapping[str, str]],
    make: Make,
) -> None:
    slug = page.slug
    place = st.expander(
        "Code, data and link of this view", key=part(slug, "take"), on_change="rerun"
    )
    if not place.open:
        return
    with place, sentence_for_bad_input():
        settings = held()
        code, files = make(settings)
        st.code(code, language=None, height=340)
        offers = (
            Download("Code (.py)", f"{slug}.py", lambda: code, "text/x-python"),
            Download(
                "Notebook (.ipynb)",
                f"{slug}.ipynb",
                lambda: snippets.notebook(page.title, code),
                "application/x-ipynb+json",
            ),
            *files,
        )
        with st.container(horizontal=True, gap="small"):
            for offer in offers:
                st.download_button(
                    offer.label,
                    offer.make,
                    file_name=offer.name,
                    mime=offer.mime,
                    on_click="ignore",
                    icon=":material/download:",
                    key=f"{slug}.download.{offer.label}",
                )
        chosen = link(settings)
        for words, more in (
            ("This view's link:", {}),
            ("For slides, without frame and controls:", address.SLIDE),
        ):
            st.markdown(words)
            st.code(address.link({**chosen, **more}), language=None, wrap_lines=True)
