"""Home: what this is, and a card per page."""

import streamlit as st

from ui import address, catalogue, home, sentences, tour

address.leave()
st.title("Torch Loupe", anchor=False)
st.markdown(
    "Move a control and watch the rule hold; make the classic mistake and watch it break. "
    "torch computes every picture, checked against independent references. New? [Take the "
    "tour](#tour)."
)
query = st.text_input(
    "Find a page",
    type="search",
    live="200ms",
    placeholder="align_corners, rotation, …",
    max_chars=60,
    key="home.query",
)
found = [page for page in catalogue.PAGES if page.matches(query)]
if found:
    home.cards(found)
else:
    st.info(f"No page matches “{sentences.plain(query)}”; clear the search.")
if not query:
    st.header("A tour in ten stops", anchor="tour")
    tour.draw()
