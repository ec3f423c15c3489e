"""Draw the scratchpad: a program to write, its run on the stage, and programs to begin with."""

import secrets
from collections.abc import Mapping, Sequence

import streamlit as st
import torch

from explainers import scratchpad
from explainers.scratchpad import gallery
from ui import address, catalogue, offered, sentences, status, style
from ui.attempts import Attempt
from ui.frame import take
from ui.frame.parts import part, rerun
from ui.pad import AGAIN_S, PAD, pad

__all__ = ["draw"]

STEP = "step"
PATIENCE_S = 0.4
"""Seconds for which the page waits for a reader's run before it tells the place in the queue."""
STARTS_S = 1.0
"""Seconds until a reader who has asked for nothing yet is told whether torch is loaded."""
LOADS = "torch is being loaded for your programs…"

_PAGE = catalogue.SCRATCHPAD
_KEY = "scratchpad"
_ATTEMPT, _BAD, _TICKS = f"{_KEY}.attempt", f"{_KEY}.bad", f"{_KEY}.ticks"
_VIEW = f"{_KEY}.view"
_ROWS: Mapping[str, Sequence[gallery.Start | gallery.Puzzle]] = {
    "start": gallery.STARTS,
    "puzzle": gallery.PUZZLES,
}


def draw() -> None:
    """Draw the page; open what the address names, once for each visit."""
    locked = scratchpad.available()
    if not address.bare():
        scratchpad.starting()
    attempt = _attempt()
    if address.begin(_KEY):
        _open(attempt)
    style.put()
    with st.container(gap=None):
        st.title(_PAGE.title, anchor=False)
        # As low as its code is: what waits for it must not move the page.
        with st.container(key="code", height=1, border=False):
            PAD.send()
    st.markdown(_PAGE.question)
    if locked:
        st.info(sentences.plain(f"{locked} The programs below, and those of the lessons, run."))
    with st.container(key="see"):
        if not address.bare():
            with st.container(key="see-above"):
                _gallery(attempt)
        st.fragment(_view, key=_VIEW)(attempt, locked)
    if not address.bare():
        take.draw(_PAGE, lambda: attempt.shown, _link, lambda offer: (offer.source, ()))
        if not locked:
            st.caption(
                "What you type runs on this server, in a process of its own without files and "
                "network. It stands in the page's address and in this tab."
            )


def _attempt() -> Attempt:
    """Return what this session's reader has asked for."""
    if _ATTEMPT not in st.session_state:
        st.session_state[_ATTEMPT] = Attempt(secrets.token_hex(8))
    found: Attempt = st.session_state[_ATTEMPT]
    return found


def _open(attempt: Attempt) -> None:
    """Take what the address offers, and else what the reader has left here."""
    st.session_state[_BAD] = ""
    try:
        found = offered.offer(st.query_params.to_dict())
    except ValueError as error:
        st.session_state[_BAD] = str(error)
        found = None
    if found is not None and found.source != attempt.source:
        attempt.take(found)
    elif attempt.drawn is None:
        attempt.take(found or attempt.offer)


def _gallery(attempt: Attempt) -> None:
    """Draw the programs to begin with, and the puzzles."""

    def choose(slug: str) -> None:
        attempt.take(offered.GALLERY[slug])
        st.session_state[_BAD] = ""
        _again()

    for words, (row, entries) in zip(("Begin with", "Puzzles"), _ROWS.items(), strict=True):
        with st.container(
            horizontal=True, gap="small", vertical_alignment="center", key=f"lesson-presets-{row}"
        ):
            st.markdown(words, width="content")
            for index, entry in enumerate(entries):
                st.button(
                    entry.title,
                    key=f"{_KEY}.{row}.try.{index}",
                    on_click=choose,
                    args=(entry.slug,),
                )


def _view(attempt: Attempt, locked: str) -> None:
    """Draw the program and its run."""
    if bad := st.session_state.get(_BAD):
        sentences.warn(f"The address was not understood: {bad}. Another program stands in.")
    attempt.wait(PATIENCE_S)
    state = _state(attempt)
    st.session_state[_TICKS] = st.session_state.get(_TICKS, 0) + 1
    shown = attempt.shown
    status.line(
        _notice(attempt),
        _badges(attempt),
        shown.query,
        rows=_marked(shown.query),
        kept={STEP: (offered.PROGRAM, "")},
    )

    def run(text: str) -> None:
        st.session_state[_BAD] = ""
        attempt.ask(text)
        _again()

    pad(
        attempt.source,
        attempt.drawn,
        key=f"{_KEY}.pad",
        turn=attempt.turn,
        ran=attempt.ran,
        most=scratchpad.MOST_CHARACTERS,
        refused=attempt.refused,
        state=state,
        ticks=st.session_state[_TICKS] if state else 0,
        again=AGAIN_S if attempt.waits else STARTS_S,
        address=STEP,
        on_run=None if locked or address.bare() else run,
        on_wait=_again,
    )


def _again() -> None:
    """Rerun, from a callback, what depends on the program and nothing else."""
    parts = [_VIEW]
    if st.session_state.get(part(_KEY, "take")):
        parts.append(part(_KEY, "take"))
    rerun(parts)


def _notice(attempt: Attempt) -> str:
    if attempt.said:
        return attempt.said
    offer = attempt.shown
    puzzle = attempt.offer.puzzle
    if puzzle is not None:
        return f"Puzzle: {puzzle.notice}"
    return f"Notice: {offer.notice}" if offer.notice else "Your own program."


def _badges(attempt: Attempt) -> tuple[str, ...]:
    where = "a process of its own" if attempt.jailed else "cpu"
    return f"torch {torch.__version__}", where, f"{attempt.elapsed * 1e3:.0f} ms"


def _state(attempt: Attempt) -> str:
    """Return what is told beside Run; while there is something to tell, the browser asks again."""
    if place := attempt.place:
        return f"Waiting: number {place} in the queue."
    if attempt.waits:
        return "Running… It begins once torch is loaded." if scratchpad.starting() else "Running…"
    return LOADS if not address.bare() and scratchpad.starting() else ""


def _marked(query: Mapping[str, str]) -> dict[str, tuple[int | None, int]]:
    """Return, for each row of buttons, which is on show."""
    if address.bare():
        return {}
    slugs = {row: [entry.slug for entry in entries] for row, entries in _ROWS.items()}
    return {
        f"{row}.try": (
            names.index(query[offered.START]) if query.get(offered.START) in names else None,
            len(names),
        )
        for row, names in slugs.items()
    }


def _link(offer: offered.Offer) -> Mapping[str, str]:
    """Return what the link spells: where a program of ours is found, or a reader's program itself.

    Raises:
        ValueError: It is too long for a link.
    """
    return offer.query or offered.linked(offer.source, offer.puzzle)
