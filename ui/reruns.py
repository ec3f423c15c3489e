"""Spare the browser what it would render in vain: one run for a change, its elements at once.

A page renders whole, thousands of components, whenever elements arrive. Streamlit reruns the part
that holds a control, which then asks for the part that shows the view: two runs, where one does.
And what a run draws is sent as it is drawn: where that takes a while, it arrives in pieces. There
is no public way to say either, so this reaches into Streamlit, whose version is pinned.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from streamlit import runtime
from streamlit.errors import StreamlitAPIException
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["at_once", "runs", "show_elsewhere"]

_LONGEST_S = 0.02
"""The loop waits for no longer, whatever becomes of the run."""
_ELSEWHERE: dict[str, str] = {}
_ASKED = AppSession.request_rerun


def show_elsewhere(controls: str, view: str) -> None:
    """Run one part of a page where the browser asks for another: what its controls change.

    Args:
        controls: Key of the part (of `streamlit.fragment`) that holds controls.
        view: Key of the part that shows what they set. Callbacks run first, as ever; `runs` tells
            them that this part is what will run.
    """
    _ELSEWHERE[controls] = view
    AppSession.request_rerun = _request_rerun  # type: ignore[assignment, method-assign]


def runs(part: str) -> bool:
    """Return, in a callback, whether a part, and not the whole page, runs after it."""
    context = get_script_run_ctx()
    if context is None or not context.fragment_ids_this_run:
        return False
    try:
        found = context.fragment_storage.resolve_target(part)
    except StreamlitAPIException:  # it was never drawn
        return False
    return set(found) <= set(context.fragment_ids_this_run)


@contextmanager
def at_once() -> Iterator[None]:
    """Send what is drawn within when all of it is drawn, or an error ends it.

    A run that is given up for the next, which is no error, sends nothing.
    """
    context = get_script_run_ctx()
    if context is None:
        yield
        return
    send, held = context._enqueue, list[ForwardMsg]()
    context._enqueue = held.append
    try:
        yield
    except Exception:
        _sent(held, send)
        raise
    else:
        _sent(held, send)
    finally:
        context._enqueue = send


def _sent(held: list[ForwardMsg], send: Callable[[ForwardMsg], None]) -> None:
    """Send them while the server's loop waits: it sends what it finds, and then rests for 10 ms."""
    sent = threading.Event()
    if held and runtime.exists():
        loop = runtime.get_instance()._get_async_objs().eventloop
        loop.call_soon_threadsafe(sent.wait, _LONGEST_S)
    try:
        for message in held:
            send(message)
    finally:
        sent.set()


def _request_rerun(session: AppSession, client_state: ClientState | None) -> None:
    if client_state is not None and client_state.fragment_id:
        storage = session._fragment_storage
        asked = storage._target_key_by_id.get(client_state.fragment_id)  # type: ignore[attr-defined]
        if asked in _ELSEWHERE:
            # Where a run that was cut short has not drawn it, the controls' own part runs.
            with suppress(StreamlitAPIException, ValueError):
                (client_state.fragment_id,) = storage.resolve_target(_ELSEWHERE[asked])
    _ASKED(session, client_state)
