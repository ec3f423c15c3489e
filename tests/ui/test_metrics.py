"""Counting reads the messages that pass, and costs next to nothing."""

import re
import time

import pytest
from prometheus_client import generate_latest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from explainers import scratchpad
from explainers.scratchpad import Counts
from tests.clock import milliseconds
from ui import metrics

ASK = BackMsg(rerun_script=ClientState(query_string="degrees=30")).SerializeToString()
EARLY = ForwardMsg(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN).SerializeToString()
DONE = ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY).SerializeToString()


def element(size: int) -> bytes:
    message = ForwardMsg()
    message.metadata.delta_path.extend((0, 3, 1))
    message.delta.new_element.markdown.body = "x" * size
    return message.SerializeToString()


def navigation(slug: str) -> bytes:
    message = ForwardMsg()
    message.navigation.page_script_hash = f"hash of {slug}"
    for other in ("", "affine_grid", "schedulers"):
        page = message.navigation.app_pages.add()
        page.page_script_hash, page.url_pathname = f"hash of {other}", other
    return message.SerializeToString()


def test_a_rerun_ends_with_its_last_run_and_belongs_to_the_page_on_show() -> None:
    watch = metrics.Watch()
    watch.received(ASK)
    assert watch.sent(element(100)) is None
    assert watch.sent(EARLY) is None
    assert watch.sent(navigation("schedulers")) is None
    elapsed = watch.sent(DONE)
    assert elapsed is not None and elapsed >= 0
    assert watch.page == "schedulers"
    # What nobody asked for is no rerun of a reader's.
    assert watch.sent(DONE) is None


def test_the_wait_counts_from_the_first_of_several_changes() -> None:
    watch = metrics.Watch()
    watch.received(ASK)
    time.sleep(0.02)
    watch.received(ASK)
    elapsed = watch.sent(DONE)
    assert elapsed is not None and elapsed >= 0.02


def test_what_readers_programs_came_to_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counts(5, 4, 3, 2, 1.5, running=1, waiting=7, helpers=1, memory=9_000)
    monkeypatch.setattr(scratchpad, "counts", lambda: counted)
    told = generate_latest(metrics.REGISTRY).decode()
    found = dict(re.findall(r"^torch_loupe_scratchpad_(\w+) (\S+)$", told, re.MULTILINE))
    assert {name: float(value) for name, value in found.items()} == {
        "runs_total": 5,
        "refused_total": 4,
        "killed_total": 3,
        "cancelled_total": 2,
        "seconds_total": 1.5,
        "helpers_total": 1,
        "running": 1,
        "waiting": 7,
        "memory_bytes": 9_000,
    }


def test_home_has_a_name_and_a_broken_message_is_left_to_streamlit() -> None:
    watch = metrics.Watch()
    watch.sent(navigation("affine_grid"))
    watch.sent(navigation(""))
    assert watch.page == metrics.HOME
    watch.received(b"\xff\xff\xff")
    assert watch.sent(DONE) is None


@pytest.fixture
def rerun() -> list[bytes]:
    """Give the messages of a heavy rerun: 300 kB in 130 elements."""
    return [navigation("schedulers"), *(element(2_300) for _ in range(130)), DONE]


def test_counting_costs_less_than_a_millisecond_per_rerun(rerun: list[bytes]) -> None:
    def count() -> None:
        watch = metrics.Watch()
        watch.received(ASK)
        for message in rerun:
            elapsed = watch.sent(message)
        assert elapsed is not None
        metrics.RERUNS.labels(watch.page).observe(elapsed)

    assert milliseconds(count, limit=1) < 1
