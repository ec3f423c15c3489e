"""What a run draws within `at_once` is sent together, in its order."""

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from ui import reruns


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run's context, and what it sent."""
    messages: list[str] = []

    def enqueue(message: ForwardMsg) -> None:
        messages.append(message.hash)

    context = SimpleNamespace(_enqueue=enqueue, messages=messages, first=enqueue)
    monkeypatch.setattr(reruns, "get_script_run_ctx", lambda: context)
    return context


def drawn(sent: Any, error: BaseException) -> None:
    with reruns.at_once():
        sent._enqueue(ForwardMsg(hash="a"))
        raise error


def test_what_is_drawn_within_is_sent_at_its_end(sent: Any) -> None:
    with reruns.at_once():
        for name in "ab":
            sent._enqueue(ForwardMsg(hash=name))
        assert sent.messages == []
    assert sent.messages == ["a", "b"]
    assert sent._enqueue is sent.first


def test_an_error_comes_after_what_was_drawn_before_it(sent: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        drawn(sent, ZeroDivisionError())
    assert sent.messages == ["a"]
    assert sent._enqueue is sent.first


def test_a_run_that_is_given_up_for_the_next_sends_nothing(sent: Any) -> None:
    with pytest.raises(RerunException):
        drawn(sent, RerunException(RerunData()))
    assert sent.messages == []
    assert sent._enqueue is sent.first


def test_where_the_next_run_interrupts_the_sending_the_context_is_as_before(sent: Any) -> None:
    def interrupted(message: ForwardMsg) -> None:
        raise RerunException(RerunData())

    sent._enqueue = interrupted
    with pytest.raises(RerunException), reruns.at_once():
        sent._enqueue(ForwardMsg(hash="a"))
    assert sent._enqueue is interrupted


def test_the_servers_loop_waits_until_all_is_sent_and_no_longer(
    sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[tuple[Any, float, list[str]]] = []

    def call_soon_threadsafe(wait: Any, most: float) -> None:
        waits.append((wait, most, list(sent.messages)))
        assert not wait(0)

    loop = SimpleNamespace(call_soon_threadsafe=call_soon_threadsafe)
    server = SimpleNamespace(_get_async_objs=lambda: SimpleNamespace(eventloop=loop))
    monkeypatch.setattr(reruns.runtime, "exists", lambda: True)
    monkeypatch.setattr(reruns.runtime, "get_instance", lambda: server)
    with reruns.at_once():
        pass
    assert waits == []
    with reruns.at_once():
        sent._enqueue(ForwardMsg(hash="a"))
    ((wait, most, before),) = waits
    assert before == [] and sent.messages == ["a"]
    assert wait(0) and 0 < most < 0.1


def test_without_a_run_nothing_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "get_script_run_ctx", lambda: None)
    with reruns.at_once():
        pass
    assert not reruns.runs("views.view")
