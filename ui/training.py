"""Run what takes seconds in small pieces: with progress, and deaf to nobody."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from ui import turns

__all__ = ["training"]

PIECE_S = 0.15

State = TypeVar("State")


class _Run(Generic[State]):
    """Something that comes piece by piece, as far as it has come."""

    def __init__(self, asked: object, coming: Iterator[tuple[float, State]]) -> None:
        self.asked = asked
        self.share = 0.0
        self.state: State | None = None
        self.running = True
        self._coming = coming

    def go_on(self) -> None:
        """Take what comes in the time of one piece, and at least one."""
        end = time.perf_counter() + PIECE_S
        with turns.turn():
            while self.running:
                try:
                    self.share, self.state = next(self._coming)
                except StopIteration:
                    self.running = False
                if time.perf_counter() >= end:
                    return
                turns.give_way()

    def stop(self) -> None:
        """Keep what there is, and go on no further."""
        self.running = False
        if isinstance(self._coming, Generator):
            self._coming.close()


def training(
    key: str,
    asked: object,
    start: Callable[[], Iterator[tuple[float, State]]],
    draw: Callable[[State, str], None],
    *,
    again: str = "Train again",
) -> None:
    """Draw a run with its progress, and buttons that begin it anew and stop it.

    Streamlit hears no click inside a part of the page while that part runs. So the part draws
    what there is, runs for a moment, and asks to be run again; clicks come in between. A run that
    is left, by closing the browser or by going to another page, ends with its piece.

    Args:
        key: Of the run in the session.
        asked: What it depends on; another value begins it anew.
        start: Begins it: yields how much is done, 0 to 1, and what there is so far.
        draw: Draws that, with a key for its figure.
        again: Words of the button that begins it anew.
    """
    state = st.session_state
    found: _Run[State] | None = state.get(key)
    if found is None or found.asked != asked:
        found = state[key] = _Run(asked, start())
    left, right = st.columns(2)
    left.button(
        again,
        icon=":material/replay:",
        key=f"{key}.again",
        on_click=lambda: state.pop(key, None),
    )
    right.button(
        "Stop",
        icon=":material/stop:",
        key=f"{key}.stop",
        disabled=not found.running,
        on_click=found.stop,
    )
    bar = st.progress(found.share)
    place = st.empty()
    if found.state is not None:
        with place.container():
            draw(found.state, f"{key}.figure")
    if not found.running:
        return
    # After the drawing: the next run drops what the server has not sent by then.
    found.go_on()
    with contextlib.suppress(StreamlitAPIException):
        st.rerun(scope="fragment")
    # The whole page runs, and a part of it cannot be asked for: go on to the end.
    while found.running:
        found.go_on()
        bar.progress(found.share)
    if found.state is not None:
        with place.container():
            draw(found.state, f"{key}.last")
