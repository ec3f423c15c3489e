"""Register components whose HTML, CSS and JavaScript lie in assets/."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def component(name: str, *files: str, then: str = "") -> ComponentRenderer:
    """Register a component that begins with base.css and base.js.

    Args:
        name: Of the component, unique in the app.
        files: Names in ``assets/``, without ending, from what it shares to what is its own. The CSS
            and JavaScript there are joined; the HTML is the last one's.
        then: A last line of JavaScript.

    Returns:
        The command that draws it.
    """

    def joined(ending: str) -> str:
        paths = [ASSETS / f"{file}.{ending}" for file in ("base", *files)]
        return "\n".join(path.read_text("utf-8") for path in paths if path.exists())

    return st.components.v2.component(
        name,
        html=(ASSETS / f"{files[-1]}.html").read_text("utf-8"),
        css=joined("css"),
        js=f"{joined('js')}\n{then}\n",
    )
