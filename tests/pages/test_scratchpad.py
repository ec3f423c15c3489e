"""The scratchpad through Streamlit's own tester: what an address opens, and what is shown."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from explainers.scratchpad.gallery import PUZZLES, STARTS
from tests.scratching import FakePool, pool
from tests.session import opened, status, warnings
from ui import catalogue, offered
from ui import scratchpad as scratchpad_page
from ui.packing import packed, unpacked
from ui.pad import AGAIN_S

__all__ = ["pool"]

PAGE = catalogue.SCRATCHPAD
OWN = "import torch\n\nx = torch.arange(3)\ny = x * 2\n"


def shown(tester: AppTest) -> dict[str, Any]:
    """What the component is given."""
    (pad,) = (
        node.proto
        for node in tester.get("bidi_component")
        if node.proto.component_name == "torch_loupe_pad"
    )
    data: dict[str, Any] = json.loads(pad.json)["own"]
    return data


def query(tester: AppTest) -> dict[str, str]:
    return dict(parse_qsl(status(tester)["query"]))


def test_it_opens_on_the_first_program_which_the_project_runs_itself(pool: FakePool) -> None:
    tester = opened(PAGE)
    assert not tester.exception and not tester.warning
    assert shown(tester)["program"] == STARTS[0].program
    assert shown(tester)["runs"] and pool.jobs == []
    assert status(tester)["notice"] == f"Notice: {STARTS[0].notice}"
    assert query(tester) == {"start": STARTS[0].slug}


def test_every_entry_of_the_gallery_is_a_button_with_an_address(pool: FakePool) -> None:
    tester = opened(PAGE)
    for row, entries in {"start": STARTS, "puzzle": PUZZLES}.items():
        for index, entry in enumerate(entries):
            tester.button(key=f"scratchpad.{row}.try.{index}").click().run()
            assert not tester.exception
            assert shown(tester)["program"] == entry.program
            assert entry.notice in status(tester)["notice"]
            assert query(tester) == {"start": entry.slug}
            assert status(tester)["rows"][f"{row}.try"][0] == index
            tester.run()  # the tester holds only what the last run drew: here, a part of the page


def test_a_link_holds_the_program_and_runs_it_in_the_jail(pool: FakePool) -> None:
    tester = opened(PAGE, program=packed(OWN), step="1")
    assert not tester.exception and not tester.warning
    assert pool.sources == [OWN]
    assert shown(tester)["program"] == OWN
    assert shown(tester)["runs"][0]["lines"] == OWN.splitlines()
    assert query(tester) == {"program": packed(OWN)}
    assert status(tester)["kept"] == {"step": ["program", ""]}


def test_a_lesson_and_its_mistake_open_with_their_parameters(pool: FakePool) -> None:
    asked = {"lesson": "views.permute", "permute_turn": "flip(0)", "permute_rows": "2"}
    tester = opened(PAGE, **asked)
    assert "c = b.flip(0)" in shown(tester)["program"]
    assert query(tester) == asked
    assert pool.jobs == []
    lesson = catalogue.page("views").topic.LESSONS[0]
    wrong = offered.lesson_query("views", lesson, lesson.parameters(), lesson.slips[0], "wrong")
    tester = opened(PAGE, **wrong)
    assert shown(tester)["program"] == lesson.wrong(lesson.slips[0])[0]
    assert query(tester) == wrong


@pytest.mark.parametrize(
    "asked",
    [
        {"program": "A" * 7_000},
        {"program": "[a](javascript:x)<b>*"},
        {"start": "../../etc/passwd"},
        {"lesson": "views.permute", "permute_rows": "nan"},
    ],
)
def test_an_address_that_is_none_gets_its_sentence_and_the_page_is_whole(
    pool: FakePool, asked: dict[str, str]
) -> None:
    tester = opened(PAGE, **asked)
    assert not tester.exception
    assert "must be" in warnings(tester)
    assert len(warnings(tester)) < 500
    assert shown(tester)["program"] == STARTS[0].program
    if "<b>" in asked.get("program", ""):
        assert r"\[a\]\(javascript\:x\)\<b\>\*" in tester.warning[0].value
    tester.button(key="scratchpad.start.try.1").click().run()
    assert not tester.warning


def test_a_refused_program_stays_with_its_line_and_its_sentence(pool: FakePool) -> None:
    source = "import torch\nx = torch.ones(1).numpy()\n"
    tester = opened(PAGE, program=packed(source))
    assert not tester.exception
    assert shown(tester)["program"] == source
    assert shown(tester)["refused"] == {
        "line": 2,
        "words": "Line 2: .numpy is not available here: .tolist() shows the values.",
    }


def test_a_reader_who_waits_sees_the_place_in_the_queue_and_then_the_run(pool: FakePool) -> None:
    pool.place = 2
    tester = opened(PAGE, program=packed(OWN))
    assert shown(tester)["state"] == "Waiting: number 2 in the queue."
    assert shown(tester)["runs"] == []
    before = shown(tester)["ticks"]
    pool.place = 0
    tester.run()
    assert shown(tester)["state"] == "Running…"
    assert shown(tester)["ticks"] > before
    pool.place = -1
    tester.run()
    assert shown(tester)["state"] == "" and shown(tester)["runs"]
    assert len(pool.jobs) == 1


def test_who_opens_the_page_has_torch_loaded_and_is_told_while_it_is(pool: FakePool) -> None:
    pool.loads = True
    tester = opened(PAGE)
    assert pool.wished and pool.jobs == []
    assert shown(tester)["state"] == scratchpad_page.LOADS
    assert shown(tester)["again"] > 1000 * AGAIN_S and shown(tester)["runs"]
    pool.place = 0
    tester.session_state["scratchpad.attempt"].ask(OWN)
    tester.run()
    assert shown(tester)["state"] == "Running… It begins once torch is loaded."
    assert shown(tester)["again"] == 1000 * AGAIN_S
    pool.place, pool.loads = -1, False
    tester.run()
    assert shown(tester)["state"] == "" and shown(tester)["runs"]


def test_a_slide_of_ours_does_not_have_torch_loaded(pool: FakePool) -> None:
    opened(PAGE, start=STARTS[1].slug, embed="true", controls="0")
    assert not pool.wished


def test_what_was_asked_for_is_there_after_a_walk_to_home_and_back(pool: FakePool) -> None:
    tester = opened(PAGE, program=packed(OWN))
    tester.switch_page("../pages/home/home.py")
    tester.query_params.clear()
    tester.run()
    tester.switch_page("../pages/home/scratchpad.py").run()
    assert shown(tester)["program"] == OWN and shown(tester)["runs"]
    assert len(pool.jobs) == 1


def test_where_nothing_can_be_jailed_the_page_says_why_and_shows_what_is_ours(
    pool: FakePool,
) -> None:
    pool.reason = "This server has no seccomp."
    tester = opened(PAGE)
    assert not tester.exception
    assert tester.info[0].value.replace("\\", "").startswith("This server has no seccomp. ")
    assert shown(tester)["locked"] and shown(tester)["runs"]
    tester.button(key="scratchpad.start.try.2").click().run()
    assert shown(tester)["program"] == STARTS[2].program and shown(tester)["runs"]
    tester = opened(PAGE, lesson="views.permute")
    assert shown(tester)["runs"]
    # A reader's program is shown, and does not run.
    tester = opened(PAGE, program=packed(OWN))
    assert shown(tester)["program"] == OWN and shown(tester)["runs"] == []
    assert shown(tester)["refused"]["words"] == "This server has no seccomp."
    assert pool.jobs == []


def test_a_slide_shows_the_run_and_nothing_to_type_in(pool: FakePool) -> None:
    tester = opened(PAGE, program=packed(OWN), embed="true", controls="0")
    assert shown(tester)["locked"] and shown(tester)["runs"]
    assert [button.key for button in tester.button] == []
    assert not tester.main.get("expander")


def test_take_gives_the_program_and_a_link_that_holds_it(pool: FakePool) -> None:
    tester = opened(PAGE, program=packed(OWN))
    tester.session_state["scratchpad.take"] = True
    tester.run()
    codes = [code.value for code in tester.code]
    assert codes[0] == OWN.strip()
    link = dict(parse_qsl(urlsplit(codes[1]).query))
    assert unpacked(link["program"]) == OWN
    assert [button.label for button in tester.get("download_button")] == [
        "Code (.py)",
        "Notebook (.ipynb)",
    ]


def test_the_link_of_a_program_of_ours_says_where_it_is_found(pool: FakePool) -> None:
    """A host that has no jail opens it, and a lesson keeps what is said to its lines."""
    for asked in ({"start": STARTS[1].slug}, {"lesson": "views.permute", "permute_rows": "2"}):
        tester = opened(PAGE, **asked)
        tester.session_state["scratchpad.take"] = True
        tester.run()
        assert dict(parse_qsl(urlsplit(tester.code[1].value).query)) == asked


def test_a_program_too_long_for_a_link_can_still_be_taken(pool: FakePool) -> None:
    source = "".join(f"x{n * 7919 % 10007} = {n * n * 7919 % 99991}\n" for n in range(900))
    tester = opened(PAGE)
    tester.session_state["scratchpad.take"] = True
    tester.session_state["scratchpad.attempt"].ask(source)
    tester.run()
    assert not tester.exception
    assert tester.code[0].value == source.strip()
    assert "program must fit a link of 6,000 characters" in warnings(tester)
    assert query(tester) == {}


def test_a_lessons_page_leads_here_with_its_program_and_both_lines_of_a_mistake() -> None:
    tester = opened(catalogue.page("views"), permute_turn="flip(0)")
    links = {link.proto.label: link.proto for link in tester.main.get("page_link")}
    own = dict(parse_qsl(links["Open in the scratchpad"].query_string))
    assert own == {"lesson": "views.permute", "permute_turn": "flip(0)"}
    found = [
        offered.offer(dict(parse_qsl(links[f"The {line} line in the scratchpad"].query_string)))
        for line in ("wrong", "right")
    ]
    lesson = catalogue.page("views").topic.LESSONS[0]
    own_settings = lesson.parameters(turn="flip(0)")
    shown_slip = lesson.slips[0]
    assert tuple(one.source for one in found if one) == lesson.wrong(shown_slip, own_settings)
