"""Draw markup whose buttons choose: a click on one tells the page which."""

from collections.abc import Callable, Collection

import streamlit as st

from ui.component import asset

_CHOICES = st.components.v2.component(
    "torch_loupe_choices",
    html='<div class="choices"></div>',
    css=asset("choices.css"),
    js=asset("choices.js"),
)


def choices(
    markup: str,
    *,
    key: str,
    options: Collection[str] = (),
    on_choose: Callable[[str], None] | None = None,
) -> None:
    """Show markup in the page's theme; its buttons with ``data-choice`` choose.

    Args:
        markup: The project's own HTML, everything from outside escaped.
        key: Unique on the page.
        options: What may be chosen; anything else that a browser sends is passed over.
        on_choose: Called with the choice before the page's next run.
    """

    def chosen() -> None:
        # What a browser sends may be anything.
        sent = st.session_state[key].get("chosen")
        if on_choose is not None and isinstance(sent, str) and sent in options:
            on_choose(sent)

    _CHOICES(key=key, data={"markup": markup}, on_chosen_change=chosen)
