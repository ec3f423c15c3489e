"""Home: what this is, the search, and the path through the pages."""

import streamlit as st

from ui import address, home

address.leave()
st.title("Torch Loupe", anchor=False)
st.markdown(
    "Move a control and watch the rule hold; make the classic mistake and watch it break. "
    "torch computes every picture, checked against independent references. New? [Take the "
    "tour](#tour)."
)
home.draw()
