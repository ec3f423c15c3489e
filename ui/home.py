"""Draw home: what is found, or the path through the chapters with a card for each page."""

from collections.abc import Sequence

import streamlit as st
import torch

from ui import catalogue, search, sentences, tour

__all__ = ["CARDS", "MOST_FOUND", "draw", "thumbnail"]

CARDS = 8
"""As many cards are drawn at once; chapters beyond are folded, and drawn when they are opened."""
MOST_FOUND = 12
"""As many lines of what is found are shown."""

# Streamlit sets a link in by its padding, which the words below it lack.
_STYLE = (
    '[data-testid="stMain"] [data-testid="stPageLink"] a'
    "{ margin-left: -0.5rem; width: calc(100% + 0.5rem); padding-block: 0; }"
)
_ICONS = {
    search.Kind.LESSON: ":material/school:",
    search.Kind.MISTAKE: ":material/close:",
    search.Kind.PRESET: ":material/tune:",
    search.Kind.STATEMENT: ":material/fact_check:",
}
# Longer statements are cut: a line says where it leads.
_LONGEST_TITLE = 90


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnail(slug: str, torch_version: str) -> str:
    """Return a page's small picture as SVG, computed by torch from the page's first preset."""
    page = catalogue.page(slug)
    view = page.topic.explain(page.topic.PRESETS[0].parameters)
    svg: str = page.figures.thumbnail(view)
    return svg


@st.fragment
def draw() -> None:
    """Draw the search, and what it finds; while nothing is typed, the path and the tour."""
    query = st.text_input(
        "Find a page, a mistake, a name of torch's",
        type="search",
        live="200ms",
        placeholder="align_corners, clip before unscale, past T_max, …",
        max_chars=60,
        key="home.query",
    )
    st.html(f"<style>{_STYLE}</style>")
    if query and query.strip():
        _results(query)
        return
    st.page_link(
        catalogue.SCRATCHPAD.file,
        label=f"**{catalogue.SCRATCHPAD.title}** :small[Type lines of torch, and see them run.]",
        icon=catalogue.SCRATCHPAD.icon,
    )
    room = CARDS
    for stage, chapters in catalogue.PATH.items():
        if there := [chapter for chapter in chapters if chapter in catalogue.CHAPTERS]:
            st.header(stage, anchor=False)
            for chapter in there:
                pages = [page for page in catalogue.PAGES if page.chapter == chapter]
                st.fragment(_chapter, key=f"home.{chapter}")(
                    chapter, chapters[chapter], pages, unfolded=room > 0
                )
                room -= len(pages)
    tour.draw()


def _chapter(chapter: str, words: str, pages: Sequence[catalogue.Page], *, unfolded: bool) -> None:
    """Draw a chapter, with its cards while it is open."""
    number = f"{len(pages)} page{'s' if len(pages) > 1 else ''}"
    place = st.expander(
        f"**{chapter}** · {words} :small[{number}]",
        expanded=unfolded,
        key=f"home.chapter.{chapter}",
        on_change="rerun",
    )
    if place.open:
        with place, st.grid(4, min_column_width=150, gap="small"):
            for page in pages:
                _card(page)


def _card(page: catalogue.Page) -> None:
    """Draw a page's picture, title as a link, and the question it answers."""
    with st.container(border=True, height="stretch"):
        st.image(
            thumbnail(page.slug, torch.__version__),
            width="stretch",
            alt=f"A small view of {page.title}",
        )
        st.page_link(page.file, label=f"**{page.title}**", icon=page.icon)
        st.markdown(f":small[{page.question}]")


def _results(query: str) -> None:
    """Draw what is found as links, the best first."""
    found = search.index().find(query)
    said = sentences.plain(query.strip())
    if not found.entries:
        st.info(f"Nothing holds “{said}”; try one word of it, or a name of torch's.")
        return
    number = len(found.entries)
    words = f"{number} found" if number > 1 else "One found"
    if found.unknown:
        unknown = ", ".join(f"“{sentences.plain(word)}”" for word in found.unknown)
        words = f"Nothing holds {unknown}; these hold the rest, or a word like it"
    elif not found.every_word:
        words = "Nothing holds every word; these hold some"
    if number > MOST_FOUND:
        words += f"; the first {MOST_FOUND}"
    st.caption(f"{words}.")
    with st.container(gap="small"):
        for entry in found.entries[:MOST_FOUND]:
            page = catalogue.page(entry.page)
            title = entry.title
            if len(title) > _LONGEST_TITLE:
                title = title[: _LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"
            where = page.chapter if entry.kind is search.Kind.PAGE else page.title
            st.page_link(
                page.file,
                label=f"**{sentences.plain(title)}** :small[{entry.kind} · {where}]",
                icon=_ICONS.get(entry.kind, page.icon),
                query_params=dict(entry.query),
                help="",
            )
