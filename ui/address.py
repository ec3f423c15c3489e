"""Keep the page's settings and the browser's address in step.

Streamlit's own binding (`bind="query-params"`) gives two pages with a parameter of one name one
shared value, drops a bad value without a word, and leaves the address behind when a callback sets
a control. Here a session's settings live under the page's slug, the address carries the bare
names, and the status line (`ui.status`) replaces the address after each run.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from explainers.parameters import Parameters

_CURRENT = "_address.page"
REFUSED = "_address.refused"
TOUR = "tour"
"""What an address calls the number of the tour's stop."""
MISTAKE = "mistake"
"""What an address calls the name of the mistake that Break shows."""
PART = "part"
"""What an address calls the part of the page that it leads to."""
_ASKED = "_address.asked"
_NAMED = "_address.mistake"
_VISITS = "_address.visits"
SLIDE = {"embed": "true", "controls": "0"}
"""What an address adds to show a view without Streamlit's frame and without controls."""


def key(slug: str, name: str) -> str:
    """Return the session key of a page's parameter."""
    return f"{slug}.{name}"


def refused_text(slug: str, name: str) -> str:
    """Return the session key of the sentence for typed text that breaks a parameter's rule."""
    return f"{slug}.{name}.refused"


def seed(slug: str, kind: type[Parameters]) -> None:
    """Put a page's settings into the session before its controls are drawn.

    On the first run of a visit to the page, or to a stop of the tour on it, they come from the
    address; what the address does not name keeps the value it had on an earlier visit, or the
    default. A sentence for each value that was refused stands in the session under `REFUSED` until
    the reader changes something.

    Args:
        slug: The page.
        kind: Its parameters.
    """
    visit = (slug, tour())
    if st.session_state.get(_CURRENT) != visit:
        st.session_state[_CURRENT] = visit
        asked = st.query_params.to_dict()
        settings, st.session_state[REFUSED] = kind.parse(asked)
        st.session_state[_VISITS] = visits() + 1
        st.session_state[_ASKED] = {name: asked[name] for name in (MISTAKE, PART) if name in asked}
        st.session_state[_NAMED] = asked.get(MISTAKE, "")
        for name in kind.specs().keys() & asked.keys():
            st.session_state[key(slug, name)] = getattr(settings, name)
    for name, default in kind.defaults().items():
        st.session_state.setdefault(key(slug, name), default)


def begin(slug: str) -> bool:
    """Note that the reader is on a page that reads the address itself; return whether just now."""
    if st.session_state.get(_CURRENT) == (slug, None):
        return False
    leave()
    st.session_state[_CURRENT] = (slug, None)
    return True


def leave() -> None:
    """Note that the reader is on a page without settings, so that a link back is read anew."""
    st.session_state.pop(_CURRENT, None)
    st.session_state.pop(REFUSED, None)
    st.session_state.pop(_ASKED, None)
    st.session_state.pop(_NAMED, None)


def visits() -> int:
    """Return how many visits to pages the session has seen."""
    return int(st.session_state.get(_VISITS, 0))


def asked(what: str) -> str:
    """Return, once for each visit, the mistake or the part that the address asked for, or ""."""
    return str(st.session_state.get(_ASKED, {}).pop(what, ""))


def spelled(title: str) -> str:
    """Return a title as it stands in an address: lower case, with hyphens between its words."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def show_mistake(title: str) -> None:
    """Name a mistake in the address, until a control of the view is moved; "" names none."""
    st.session_state[_NAMED] = spelled(title)


def mistake() -> dict[str, str]:
    """Return what keeps the mistake on show, if the reader has chosen one, in an address."""
    named = st.session_state.get(_NAMED, "")
    return {MISTAKE: named} if named else {}


def apply(slug: str, parameters: Parameters) -> None:
    """Set every control of a page, from a callback."""
    for name, value in parameters.values().items():
        st.session_state[key(slug, name)] = value
        st.session_state.pop(refused_text(slug, name), None)
    accept()


def accept() -> None:
    """Forget what the address got wrong, and which mistake it named: the reader has moved on."""
    st.session_state[REFUSED] = ()
    st.session_state.pop(_NAMED, None)


def values(slug: str, kind: type[Parameters]) -> dict[str, Any]:
    """Return what the session holds for a page's parameters, unchecked."""
    return {name: st.session_state[key(slug, name)] for name in kind.specs()}


def tour() -> int | None:
    """Return the number of the tour's stop that the address names, if it does."""
    asked = st.query_params.get(TOUR, "")
    return int(asked) if asked.isdecimal() and asked.isascii() and len(asked) < 4 else None


def stop() -> dict[str, str]:
    """Return what keeps the tour's stop, if one is named, in an address."""
    return {} if (number := tour()) is None else {TOUR: str(number)}


def bare() -> bool:
    """Return whether the address asks for a view without controls."""
    return st.query_params.get("controls") == "0"


def link(settings: Mapping[str, str]) -> str:
    """Return the whole address that restores these settings."""
    base = (st.context.url or "").split("?")[0]
    query = urlencode(settings)
    return f"{base}?{query}" if query else base
