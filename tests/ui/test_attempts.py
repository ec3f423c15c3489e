"""What a reader asks for comes to something, or is refused, or waits; and nothing is lost of it."""

import pytest

from explainers import program
from explainers.scratchpad.gallery import PUZZLES, STARTS
from tests.scratching import FakePool, pool, refused_by_a_wall
from ui import attempts
from ui.attempts import Attempt
from ui.offered import GALLERY, of_text, offer

__all__ = ["pool"]

OWN = "import torch\n\nx = torch.arange(3)\ny = x * 2\n"


def begun() -> Attempt:
    made = Attempt("one")
    made.take(GALLERY["views"])
    return made


def test_what_the_project_wrote_runs_here_and_what_a_reader_wrote_in_the_jail(
    pool: FakePool,
) -> None:
    attempt = begun()
    assert attempt.drawn is not None and not attempt.jailed and pool.jobs == []
    assert "made" in str(attempt.drawn.runs[0]["steps"])  # with what made each cell
    attempt.ask(OWN)
    attempt.wait(0)
    assert pool.sources == [OWN] and attempt.jailed
    assert attempt.drawn.runs[0]["lines"] == OWN.splitlines()
    assert "made" not in str(attempt.drawn.runs[0]["steps"])


def test_a_readers_program_is_never_handed_to_the_engine_of_this_process(
    pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = program.run(OWN)
    pool.runs = lambda _: trace
    attempt = begun()

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("run", "origins"):
        monkeypatch.setattr(program, name, never)
    attempt.ask(OWN)
    attempt.wait(0)
    attempt.take(of_text(OWN))
    attempt.wait(0)
    # One of the gallery's that a reader has sent, too.
    attempt.take(of_text(STARTS[1].program))
    attempt.wait(0)
    assert pool.sources == [OWN, OWN, STARTS[1].program]


def test_the_address_follows_what_was_asked_for(pool: FakePool) -> None:
    attempt = begun()
    assert attempt.shown is GALLERY["views"]
    attempt.ask(OWN)
    assert attempt.shown.query == of_text(OWN).query
    attempt.ask(STARTS[0].program)
    assert attempt.shown is GALLERY["views"]


def test_a_refusal_says_its_line_and_the_run_before_it_stays(pool: FakePool) -> None:
    attempt = begun()
    before, ran = attempt.drawn, attempt.ran
    attempt.ask("import torch\n\nx = torch.ones(2).numpy()\n")
    assert attempt.refused is not None
    assert attempt.refused.line == 3
    assert attempt.refused.words == (
        "Line 3: .numpy is not available here: .tolist() shows the values."
    )
    assert (attempt.drawn, attempt.ran) == (before, ran + 1)
    attempt.ask(OWN)
    attempt.wait(0)
    assert attempt.refused is None and attempt.drawn is not before


@pytest.mark.parametrize("text", ["", "  \n\n "])
def test_an_empty_program_asks_for_a_line(pool: FakePool, text: str) -> None:
    attempt = begun()
    attempt.ask(text)
    assert attempt.refused is not None
    assert attempt.refused.words == "Type a line of torch first."
    assert pool.jobs == []


def test_what_a_wall_ended_before_its_first_statement_is_a_refusal(pool: FakePool) -> None:
    pool.runs = refused_by_a_wall
    attempt = begun()
    attempt.ask(OWN)
    attempt.wait(0)
    assert attempt.refused is not None
    assert attempt.refused.line == 4
    assert attempt.refused.words == "Line 4: x.data_ptr is not available here."


def test_an_error_of_torch_is_a_step_of_the_stage(pool: FakePool) -> None:
    attempt = begun()
    attempt.ask("import torch\n\nx = torch.ones(2)\nx.view(3)\n")
    attempt.wait(0)
    assert attempt.refused is None and attempt.drawn is not None
    assert attempt.drawn.runs[0]["steps"][-1]["error"][0] == "RuntimeError"


def test_a_reader_waits_at_a_place_and_a_newer_run_takes_it(pool: FakePool) -> None:
    pool.place = 3
    attempt = begun()
    ran = attempt.ran
    attempt.ask(OWN)
    attempt.wait(0)
    assert (attempt.waits, attempt.place, attempt.ran) == (True, 3, ran)
    attempt.ask(OWN + "z = y\n")
    assert [job.cancelled for job in pool.jobs] == [True, False]
    assert {job.reader for job in pool.jobs} == {"one"}
    pool.place = -1
    attempt.wait(0)
    assert not attempt.waits and attempt.ran == ran + 1
    assert attempt.drawn is not None
    assert attempt.drawn.runs[0]["lines"][-1] == "z = y"


def test_a_program_chosen_meanwhile_gives_up_what_waits(pool: FakePool) -> None:
    pool.place = 1
    attempt = begun()
    attempt.ask(OWN)
    attempt.take(GALLERY["gradient"])
    assert pool.jobs[0].cancelled and not attempt.waits
    assert attempt.shown is GALLERY["gradient"]


def test_a_full_queue_and_a_host_without_a_jail_say_so(pool: FakePool) -> None:
    attempt = begun()
    pool.busy = True
    attempt.ask(OWN)
    assert attempt.refused is not None
    assert attempt.refused.words == "Too many programs wait: try again in a moment."
    pool.busy, pool.reason = False, "this system has no seccomp"
    attempt.ask(OWN)
    assert attempt.refused.words == "This system has no seccomp."
    # What the project wrote runs all the same.
    attempt.take(GALLERY["broadcast"])
    assert attempt.refused is None and attempt.drawn is not None


def test_a_helper_that_dies_says_so(pool: FakePool) -> None:
    pool.broken = "the helper process ended"
    attempt = begun()
    attempt.ask(OWN)
    attempt.wait(0)
    assert attempt.refused is not None
    assert attempt.refused.words == "The helper process ended."


def test_a_puzzles_answer_is_run_on_what_else_might_be_given(pool: FakePool) -> None:
    puzzle = PUZZLES[0]
    attempt = begun()
    attempt.take(GALLERY[puzzle.slug])
    assert attempt.said == "" and pool.jobs == []
    attempt.ask(puzzle.solved)
    attempt.wait(0)
    assert len(pool.jobs) == 1 + len(puzzle.others)
    assert [job.reader for job in pool.jobs] == ["one", "", ""]
    assert attempt.said.startswith("Solved")
    attempt.ask(puzzle.given + "answer = n[:, None] + n\n")
    attempt.wait(0)
    assert "cells differ" in attempt.said


def test_a_puzzle_done_by_a_loop_is_shown_and_not_counted(pool: FakePool) -> None:
    puzzle = PUZZLES[0]
    attempt = begun()
    attempt.take(GALLERY[puzzle.slug])
    attempt.ask(puzzle.given + "answer = torch.stack([i * n for i in n])\n")
    attempt.wait(0)
    assert attempt.said == "Line 4 is a loop: the puzzle is to do without."
    assert len(pool.jobs) == 1 and attempt.jailed


def test_a_lesson_opens_where_its_page_opens_it_with_its_words() -> None:
    found = offer({"lesson": "views.permute"})
    assert found is not None and found.lesson is not None
    attempt = begun()
    attempt.take(found)
    assert attempt.drawn is not None
    trace = found.lesson.trace()
    assert attempt.drawn.start == found.lesson.first_step(trace)
    assert attempt.drawn.runs[0]["notes"]


def test_a_run_that_holds_too_much_is_drawn_as_far_as_it_goes(
    pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """import torch
from torch import nn

net = nn.Linear(3, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for _ in range(4):
    net(torch.ones(1, 3)).sum().backward()
    opt.step()
pair = [net.weight, {"bias": net.bias}]
"""
    attempt = begun()
    attempt.ask(source)
    attempt.wait(0)
    assert attempt.drawn is not None and attempt.said == ""
    every = len(attempt.drawn.runs[0]["steps"])
    monkeypatch.setattr(attempts, "MOST_CELLS", 200)
    attempt.ask(source + "# once more\n")
    attempt.wait(0)
    drawn = len(attempt.drawn.runs[0]["steps"])
    assert 4 < drawn < every
    assert attempt.said.startswith(f"The first {drawn} of {every} steps")


def test_cells_that_a_ctx_or_an_array_holds_count_as_any(pool: FakePool) -> None:
    made = program.run(
        "import torch\nclass Twice(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, x):\n        ctx.kept = [x]\n        return x * 2\n"
        "x = torch.ones(200)\ny = Twice.apply(x)\na = x.numpy()\n"
    )
    assert made.failure is None
    (ctx, *_) = [step.local["ctx"] for step in made.steps if len(step.local) > 1][-1:]
    assert isinstance(ctx, program.ContextState)
    assert attempts._cells(ctx) > 200
    assert attempts._cells(made.steps[-1].names["a"]) > 200


def test_what_is_shown_is_packed_once(pool: FakePool) -> None:
    attempt = begun()
    attempt.ask(OWN)
    shown = attempt.shown
    assert attempt.shown is shown
    attempt.ask(OWN + "z = 1\n")
    assert attempt.shown.source == OWN + "z = 1\n"
    attempt.take(GALLERY[PUZZLES[0].slug])
    attempt.ask(OWN)
    assert attempt.shown.puzzle is PUZZLES[0]


def test_half_a_character_becomes_a_question_mark(pool: FakePool) -> None:
    attempt = begun()
    attempt.ask("x = '\ud800'\n")
    assert attempt.source == "x = '?'\n"
