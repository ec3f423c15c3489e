"""Draw the line above a view: what to notice, what computed it; and write the address it has."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from ui.component import asset

_LINE = st.components.v2.component(
    "torch_loupe_status",
    html='<div class="line"><p class="notice"></p><p class="badges"></p></div>',
    css=asset("status.css"),
    js=asset("status.js"),
)


def line(
    notice: str,
    badges: Sequence[str],
    settings: Mapping[str, str],
    *,
    rows: Mapping[str, tuple[int | None, int]],
    kept: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Draw the line, mark the preset on show, and replace the browser's query by the settings.

    Both in one component, for it is drawn again with every change of a control.

    Args:
        notice: A sentence.
        badges: A few words each.
        rows: By the name of a row of buttons, the number of the one that the view shows, from 0
            (None for none), and how many there are. Their keys end in ``.<name>.<number>``.
        kept: Names that the browser has written into the query by itself; each stays as long as
            the setting beside it, of which the default is given too, stays.
        settings: What the address must spell; no entry is added to the browser's history.
    """
    _LINE(
        key="_status",
        data={
            "notice": notice,
            "badges": list(badges),
            "query": urlencode(settings),
            "rows": {name: list(row) for name, row in rows.items()},
            "kept": {name: list(under) for name, under in (kept or {}).items()},
        },
    )
