"""An exception becomes one sentence with a code that the log carries too."""

import logging
import re
import socket

import pytest
import torch
from streamlit.testing.v1 import AppTest

from ui import proofs, sentences, server


def broken() -> None:
    from ui import server

    # Streamlit draws nothing of its own when the handler says that it has.
    if not server.say_what_happened(RuntimeError("secret: /home/somebody/key")):
        raise AssertionError


def test_the_reader_gets_a_sentence_and_the_log_the_traceback_under_one_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, logger="torch_loupe"):
        tester = AppTest.from_function(broken).run()
    (shown,) = tester.error
    assert "secret" not in shown.value
    assert "Traceback" not in shown.value
    match = re.search(r"report the code ([0-9a-f]{6})", shown.value)
    assert match is not None
    (record,) = [record for record in caplog.records if record.name == "torch_loupe"]
    assert match[1] in record.getMessage()
    assert record.exc_info is not None
    assert "secret" in str(record.exc_info[1])


@pytest.mark.parametrize(
    "text", ["[a](javascript:alert(1))", "<script>", "**bold**", "$x$", ":red[x]", "a_b", "`x`"]
)
def test_a_strangers_text_has_no_markup_left(text: str) -> None:
    escaped = sentences.plain(text)
    assert escaped.replace("\\", "") == text
    assert not re.search(r"(?<!\\)[`*_\[\]()<>$:]", escaped)


def test_what_the_server_accepts_sends_at_once() -> None:
    # Made as Streamlit makes it: without the protocol, so that asyncio leaves the option alone.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server.send_at_once()
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_health_metrics_and_names_are_off_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (server.METRICS, server.WORKER):
        monkeypatch.delenv(name, raising=False)
    assert server.routes() == []
    assert [entry.cls for entry in server.middleware()] == [server.ResponseHeaders]


@pytest.mark.parametrize("name", ["one;Path=/", "ONE", "a b", "a" * 33])
def test_a_worker_whose_name_would_break_its_cookie_does_not_start(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(server.WORKER, name)
    with pytest.raises(ValueError, match="must be 1 to 32 of a-z, 0-9 and -, got"):
        server.middleware()


def test_a_page_that_does_not_run_at_the_start_keeps_no_server_from_starting(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(slug: str, device: str) -> None:
        raise KeyError("begin")

    monkeypatch.setattr(proofs, "of", ended)
    with caplog.at_level(logging.ERROR, logger="torch_loupe"):
        server.run_once("views", torch.__version__)
    assert "views did not run at the start" in caplog.text
