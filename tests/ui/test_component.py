"""A component's code comes once for a page; what comes with each change is its data."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from ui.component import asset

FIRST = """
from explainers.program import run
from figures.stage import staged
from ui.stage import STAGE, stage
STAGE.send()
stage(staged(run("x = 1")), key="one")
stage(staged(run("x = 2")), key="two")
"""


@pytest.fixture(scope="module")
def sent() -> dict[str, list[str]]:
    """What is sent of each component but its data, by its name."""
    found: dict[str, list[str]] = {}
    for node in AppTest.from_string(FIRST, default_timeout=60).run().get("bidi_component"):
        proto = node.proto
        text = proto.js_content + proto.html_content + proto.css_content
        found.setdefault(proto.component_name, []).append(text)
    return found


def test_html_and_css_and_code_come_once_for_a_page(sent: dict[str, list[str]]) -> None:
    (code,) = sent["torch_loupe_stage_code"]
    assert json.dumps(asset("stage.html")) in code
    assert json.dumps(asset("stage.css"))[1:-1] in code
    assert asset("stage.js") in code


def test_what_comes_with_a_change_is_some_lines(sent: dict[str, list[str]]) -> None:
    first, second = sent["torch_loupe_stage"]
    assert first == second
    assert len(first) < 1_000


EDITED = """
import streamlit as st
from unittest.mock import patch
from ui.component import Component

told = st.session_state.setdefault("told", [])
part = Component("torch_loupe_points", "points", kind=("points", "Points"))

def drawn(*, key, data, on_edited_change):
    st.session_state["data"] = data["own"]
    if "sent" in st.session_state:
        st.session_state[key] = {"edited": st.session_state["sent"]}
        on_edited_change()

with patch.object(part, "_drawn", drawn):
    part.draw({"x": 1}, key="part", on_edit=told.append)
"""


def test_an_answer_names_the_last_edit_that_python_saw_and_what_is_no_edit_is_ignored() -> None:
    tester = AppTest.from_string(EDITED, default_timeout=60).run()
    session, number = tester.session_state["data"]["edits"]
    assert number == 0 and tester.session_state["data"]["x"] == 1
    for sent in ([1, "a"], None, "x", [], [2], ["2", "b"], [True, "b"], [2.0, "b"], [7, "c"]):
        tester.session_state["sent"] = sent
        tester.run()
    tester.run()
    assert tester.session_state["told"][:2] == ["a", "c"]
    assert tester.session_state["data"]["edits"] == [session, 7]
