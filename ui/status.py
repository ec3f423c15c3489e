"""Draw the line above a view: what to notice, what computed it; and write the address it has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
_LINE = st.components.v2.component(
    "torch_loupe_status",
    html='<p class="notice"></p><p class="badges"></p>',
    css=(_ASSETS / "status.css").read_text("utf-8"),
    js=(_ASSETS / "status.js").read_text("utf-8"),
)


def line(notice: str, badges: Sequence[str], settings: Mapping[str, str]) -> None:
    """Draw the line, and replace the browser's query by the settings.

    Both in one component, for it is drawn again with every change of a control.

    Args:
        notice: A sentence.
        badges: A few words each.
        settings: What the address must spell; no entry is added to the browser's history.
    """
    _LINE(
        key="_status",
        data={"notice": notice, "badges": list(badges), "query": urlencode(settings)},
    )
