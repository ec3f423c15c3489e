"""The foot of a page: references, and the way on in reading order."""

from collections.abc import Sequence

import streamlit as st

from ui import address, catalogue, place
from ui.frame.parts import PARTS

__all__ = ["draw"]


def draw(slug: str, references: Sequence[tuple[str, str]]) -> None:
    """Draw the references, words and address, and links to the pages before and after."""
    asked = address.asked(address.PART)
    if asked in PARTS:
        place.lead(asked, visit=address.visits())
    # No caption: it would pale the links below what one can read.
    st.markdown("References: " + " · ".join(f"[{words}]({url})" for words, url in references))
    if address.bare():
        return
    before, after = catalogue.neighbours(slug)
    with st.container(key="foot", horizontal=True, horizontal_alignment="distribute"):
        if before is None:
            st.page_link(catalogue.HOME, label="Home", icon=":material/home:")
        else:
            st.page_link(
                before.file, label=f"Previous: {before.title}", icon=":material/arrow_back:"
            )
        if after is None:
            st.page_link(
                catalogue.PROOF,
                label="Last: the proof sheet",
                icon=":material/fact_check:",
            )
        else:
            st.page_link(
                after.file,
                label=f"Next: {after.title}",
                icon=":material/arrow_forward:",
                icon_position="right",
            )
