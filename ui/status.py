"""Draw the line above a view: what to notice, what computed it; and write the address it has."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from ui.component import asset

_LINE = st.components.v2.component(
    "torch_loupe_status",
    html='<p class="notice"></p><p class="badges"></p>',
    css=asset("status.css"),
    js=asset("status.js"),
)


def line(
    notice: str,
    badges: Sequence[str],
    settings: Mapping[str, str],
    *,
    preset: int | None,
    presets: int,
    kept: Mapping[str, str] | None = None,
) -> None:
    """Draw the line, mark the preset on show, and replace the browser's query by the settings.

    Both in one component, for it is drawn again with every change of a control.

    Args:
        notice: A sentence.
        badges: A few words each.
        preset: Number of the preset that the view shows, from 0; None for none.
        presets: How many buttons of presets the page has.
        kept: Names that the browser has written into the query by itself; each stays as long as
            the setting beside it stays.
        settings: What the address must spell; no entry is added to the browser's history.
    """
    _LINE(
        key="_status",
        data={
            "notice": notice,
            "badges": list(badges),
            "query": urlencode(settings),
            "preset": preset,
            "presets": presets,
            "kept": dict(kept or {}),
        },
    )
