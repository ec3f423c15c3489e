"""Draw the scratchpad's component: a stage whose program a reader may write."""

from collections.abc import Callable

import streamlit as st

from figures.stage import Stage
from ui.attempts import Refusal
from ui.component import Component
from ui.stage import stage_data

__all__ = ["AGAIN_S", "PAD", "pad"]

AGAIN_S = 0.25
"""Seconds until the browser asks again how far a run is."""

PAD = Component("torch_loupe_pad", "bar", "stage", "pad", kind=("stage", "Pad"))


def pad(
    program: str,
    drawn: Stage | None,
    *,
    key: str,
    turn: int,
    ran: int,
    most: int,
    refused: Refusal | None = None,
    state: str = "",
    ticks: int = 0,
    again: float = AGAIN_S,
    address: str = "",
    on_run: Callable[[str], None] | None = None,
    on_wait: Callable[[], None] | None = None,
) -> None:
    """Show a program to be written, and its run. Its page sends the code of `PAD`.

    What a reader types stays in the browser's tab until it is to run, and beyond: a program that
    the page brings in its place puts it aside, from where the reader gets it back.

    Args:
        program: The program that ran last, or that the page brings.
        drawn: Its run; None where there is none, or the one before stays.
        key: Unique on the page.
        turn: Another one brings `program` to the reader, whatever stands there.
        ran: Another one with every run that is over, whatever came of it.
        most: Characters that a program may have.
        refused: Why it did not run.
        state: What a reader who waits is told; "" where nobody waits. The browser then asks for
            another run of the page in a moment: Streamlit hears no click while a page runs.
        again: Seconds until it asks.
        ticks: Counts how often it was told.
        address: What the address calls the step, counted from 1; "" where it tells none.
        on_run: Called with what was typed, before the page's next run; None where nothing that a
            reader types can run: then there is nothing to type in.
        on_wait: Called before the run that the browser asks for while somebody waits.
    """
    shown = Stage("The program", (), 0) if drawn is None else drawn
    data = stage_data(shown, address=address) | {
        "program": program,
        "turn": turn,
        "ran": ran,
        "most": most,
        "state": state,
        "again": round(1000 * again),
        "ticks": ticks,
        "locked": on_run is None,
        "refused": None if refused is None else {"line": refused.line, "words": refused.words},
    }

    def asked() -> None:
        # What a browser sends may be anything.
        sent = st.session_state[key].get("run")
        if on_run is not None and isinstance(sent, str):
            on_run(sent)

    PAD.draw(data, key=key, on_run_change=asked, on_wait_change=on_wait or (lambda: None))
