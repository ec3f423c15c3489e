"""Draw the sidebar's links: home, scratchpad, every chapter's pages, folded, and the proof sheet.

One element, however many pages there are: Streamlit's own links cost the browser a millisecond of
every change of a control for every three of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ui import catalogue
from ui.component import asset

__all__ = ["links", "listed"]

_LINKS = st.components.v2.component(
    "torch_loupe_navigation",
    html='<nav class="loupe-pages" aria-label="Pages"></nav>',
    css=asset("navigation.css"),
    js=asset("navigation.js"),
    # In the page's own tree: the link that skips to the page's main part must stand before them.
    isolate_styles=False,
)


def listed(entries: Mapping[str, Sequence[st.Page]]) -> list[dict[str, Any]]:
    """Return what the component draws: groups of links in order, and which of them fold.

    Args:
        entries: By chapter, its pages; what is no chapter of the catalogue does not fold.
    """
    return [
        {
            "title": chapter if chapter in catalogue.CHAPTERS else "",
            "links": [
                {
                    "path": page.url_path,
                    "title": page.title,
                    "icon": page.icon.removeprefix(":material/").removesuffix(":"),
                    "help": page.help or "",
                }
                for page in pages
            ],
        }
        for chapter, pages in entries.items()
    ]


def links(entries: Mapping[str, Sequence[st.Page]], chosen: st.Page) -> None:
    """Draw every page as a link, and go where the reader clicks; the page on show is marked.

    Args:
        entries: By chapter, its pages.
        chosen: The page on show; its chapter is open.
    """
    groups = listed(entries)
    asked = _LINKS(
        key="_navigation",
        data={"groups": groups, "now": chosen.url_path},
        on_path_change=lambda: None,
    ).path
    if asked is not None:
        for page in (page for pages in entries.values() for page in pages):
            if page.url_path == asked:
                st.switch_page(page)
