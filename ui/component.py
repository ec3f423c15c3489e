"""Declare components whose code comes once for a page, and not with every change.

Streamlit sends a component's HTML, CSS and JavaScript with each of its messages: 35 kB for 2 kB of
a chart's numbers. So the JavaScript stands in an element of its own, which a page draws when it is
opened and no change draws again. What comes with every change is a few lines that call it.
"""

import json
from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["Component", "asset"]

_ASSETS = Path(__file__).resolve().parent.parent / "assets"


def asset(file: str) -> str:
    """Return the text of a file in ``assets/``."""
    return (_ASSETS / file).read_text("utf-8")


class Component:
    """A component of several files in ``assets/``, each with HTML, CSS and JavaScript."""

    def __init__(self, name: str, *files: str, mount: str = "") -> None:
        """Declare it to Streamlit.

        Args:
            name: Of the component, unique in the app.
            files: Names in ``assets/``, without ending. Their JavaScript and CSS are joined; the
                HTML is the last one's.
            mount: What the joined JavaScript exports, where no file of it says so.
        """
        self._name = name

        def joined(ending: str) -> str:
            return "\n".join(asset(f"{file}.{ending}") for file in files)

        script = f"{joined('js')}\nexport default {mount};\n" if mount else joined("js")
        quoted = json.dumps(name)
        self._code = st.components.v2.component(
            f"{name}_code",
            js=script.replace("export default ", "const render = ", 1)
            + asset("code.js").replace('"NAME"', quoted),
        )
        self._drawn = st.components.v2.component(
            name,
            html=asset(f"{files[-1]}.html"),
            css=joined("css"),
            js=asset("drawn.js").replace('"NAME"', quoted),
        )

    def send(self) -> None:
        """Send the code, once for a page and outside of what reruns alone."""
        self._code(key=f"{self._name}.code")

    def draw(self, data: dict[str, Any], *, key: str, **callbacks: Any) -> Any:
        """Draw it: its code sees `data`.

        Args:
            data: What JSON can hold.
            key: Unique on the page.
            callbacks: As Streamlit's own, ``on_<name>_change``.
        """
        # Streamlit looks whether any value of a dictionary is a data frame, which takes longer
        # than all else; it looks no deeper.
        return self._drawn(key=key, data={"own": data}, **callbacks)
