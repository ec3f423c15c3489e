"""Home: what this is, and a card per page."""

import streamlit as st

from ui import address, catalogue, home, tour

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
if not found:
    st.info("No page yet. Try a torch name, such as grid_sample.")
for chapter in catalogue.CHAPTERS:
    pages = [page for page in found if page.chapter == chapter]
    if pages:
        st.header(chapter, anchor=False)
        home.cards(pages)
if not query:
    st.header("A tour in ten stops", anchor="tour")
    tour.draw()
