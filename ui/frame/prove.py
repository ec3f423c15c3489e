"""Prove: the checks of the view and of the page's rules, libraries compared, the notes' claims."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import sheet, tables
from ui.frame.parts import section
from ui.proofs import Proof

__all__ = ["begin", "draw"]


def begin() -> DeltaGenerator:
    """Draw the heading; return the place of the checks of the view on show."""
    section(
        "Prove",
        "torch beside a reference, and how independent of torch that is. Computed by this server.",
    )
    st.markdown("**This view**")
    return st.empty()


def draw(proof: Proof) -> None:
    """Draw the checks of the page's rules, libraries compared, and the claims of the notes."""
    held = sum(check.holds for check in proof.checks)
    # Folded while all is well: a page is read down to its end.
    with st.expander(
        f"**This page's rules: {held} of {len(proof.checks)} hold**",
        expanded=held < len(proof.checks),
    ):
        tables.checks(proof.checks)
    if proof.agreements:
        st.markdown("**Largest difference to other libraries**")
        tables.agreements(proof.agreements)
    said = sheet.standing([str(claim.verdict) for claim in proof.claims])
    st.markdown(f"**What five files of study notes say: {len(proof.claims)} statements** ({said})")
    tables.claims(proof.claims)
