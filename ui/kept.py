"""Draw what a page keeps beside the view on show, and the buttons that keep and forget."""

from collections.abc import Callable, Sequence

import streamlit as st


def kept(
    key: str,
    names: Sequence[str],
    *,
    label: str,
    keep: Callable[[], None],
    leave: Callable[[Sequence[str]], None],
) -> None:
    """Draw the buttons, and what is kept as pills: a click on one forgets it.

    Args:
        key: Of the pills.
        names: What is kept, as its page writes it.
        label: Of the button that keeps what is on show.
        keep: Called, in a callback, to keep that.
        leave: Called, in a callback, with the names that are left.
    """
    with st.container(horizontal=True, gap="xsmall"):
        st.button(label, icon=":material/add_chart:", on_click=keep)
        st.button("Forget all", disabled=not names, on_click=leave, args=((),))
    if names:
        st.session_state[key] = list(names)
        st.pills(
            "Kept (click one to forget it)",
            names,
            selection_mode="multi",
            key=key,
            on_change=lambda: leave(st.session_state[key]),
        )
