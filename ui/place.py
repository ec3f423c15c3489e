"""Lead the reader to the part of a page that the address asks for."""

import streamlit as st

from ui.component import asset

__all__ = ["lead", "spell"]

_PLACE = st.components.v2.component("torch_loupe_place", js=asset("place.js"))


def lead(part: str, *, visit: int, mistake: str | None = None) -> None:
    """Scroll to a part of the page and hold on to it until all above it is drawn.

    Args:
        part: Anchor of the part's heading.
        visit: Another with each visit: the reader is led once for each.
        mistake: What the address must name; "" names none; None leaves it as it is.
    """
    _PLACE(key="_place", data={"part": part, "visit": visit, "mistake": mistake})


def spell(mistake: str) -> None:
    """Write the name of the mistake on show into the address."""
    _PLACE(key="_place.spelled", data={"part": "", "visit": 0, "mistake": mistake})
