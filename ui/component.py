"""Declare components whose code comes once for a page, and not with every change.

Streamlit sends a component's HTML, CSS and JavaScript with each of its messages: 35 kB for 2 kB of
a chart's numbers. So they stand in an element of their own, which a page draws when it is opened
and no change draws again. What comes with every change is a few lines that call it.
"""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["Component", "asset"]

_PLACE = '<div class="torch-loupe-place"></div>'
_ASSETS = Path(__file__).resolve().parent.parent / "assets"


def asset(file: str) -> str:
    """Return the text of a file in ``assets/``."""
    return (_ASSETS / file).read_text("utf-8")


class Component:
    """A component made of files in ``assets/``; base.css and base.js come first in each."""

    def __init__(self, name: str, *files: str, kind: tuple[str, str]) -> None:
        """Declare it to Streamlit.

        Args:
            name: Of the component, unique in the app.
            files: Names in ``assets/``, without ending, from what it shares to what is its own. The
                CSS and JavaScript there are joined; the HTML is that of the last one that has some.
            kind: The class of the root element, and the JavaScript class that draws in it.
        """
        self._name = name

        def there(ending: str) -> list[Path]:
            paths = [_ASSETS / f"{file}.{ending}" for file in ("base", *files)]
            return [path for path in paths if path.exists()]

        def joined(ending: str) -> str:
            return "\n".join(path.read_text("utf-8") for path in there(ending))

        html = next(path.read_text("utf-8") for path in reversed(there("html")))
        quoted = json.dumps(name)
        root, drawer = kind
        self._code = st.components.v2.component(
            f"{name}_code",
            js=f'{joined("js")}\nconst render = mount("{root}", {drawer});\n'
            f"const HTML = {json.dumps(html)};\n"
            f"const CSS = {json.dumps(joined('css'))};\n"
            + asset("code.js").replace('"NAME"', quoted),
        )
        self._drawn = st.components.v2.component(
            name,
            html=_PLACE,
            js=asset("drawn.js").replace('"NAME"', quoted),
        )

    def send(self, key: str = "") -> None:
        """Send the code, once for a page and outside of what reruns alone.

        Args:
            key: Where it is sent more than once: another each time.
        """
        self._code(key=f"{key or self._name}.code")

    def draw(
        self,
        data: dict[str, Any],
        *,
        key: str,
        on_edit: Callable[[Any], None] | None = None,
        **callbacks: Any,
    ) -> Any:
        """Draw it: its code sees `data`.

        Args:
            data: What JSON can hold.
            key: Unique on the page.
            on_edit: Called in Streamlit's callback with what the component's code sent by its
                `Edits`. It may be anything: what a browser sends is anybody's.
            callbacks: As Streamlit's own, ``on_<name>_change``.
        """
        if on_edit is not None:
            data = data | {"edits": self._edits(key)}
            callbacks["on_edited_change"] = lambda: self._edited(key, on_edit)
        # Streamlit looks whether any value of a dictionary is a data frame, which takes longer
        # than all else; it looks no deeper.
        return self._drawn(key=key, data={"own": data}, **callbacks)

    @staticmethod
    def _edits(key: str) -> list[Any]:
        """Return who counts the edits, and the number of the last that came."""
        held: list[Any] = st.session_state.setdefault(f"{key}.edits", [uuid.uuid4().hex[:8], 0])
        return held

    def _edited(self, key: str, on_edit: Callable[[Any], None]) -> None:
        sent = st.session_state[key].get("edited")
        if not (isinstance(sent, list) and len(sent) == 2 and type(sent[0]) is int):
            return
        counter, _ = self._edits(key)
        st.session_state[f"{key}.edits"] = [counter, sent[0]]
        on_edit(sent[1])
