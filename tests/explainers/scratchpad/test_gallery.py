"""The scratchpad's own programs run and show what their notices say; its puzzles can be solved."""

import dataclasses

import pytest

from explainers import program, scratchpad
from explainers.program import Trace
from explainers.program.lessons import final
from explainers.scratchpad.gallery import PUZZLES, STARTS, Puzzle
from explainers.scratchpad.puzzles import judged, objection, variants

EACH_PUZZLE = pytest.mark.parametrize("puzzle", PUZZLES, ids=lambda puzzle: puzzle.slug)
STARTED = {start.slug: program.run(start.program) for start in STARTS}


def answers(puzzle: Puzzle, lines: str) -> list[Trace]:
    source = puzzle.given + lines
    return [program.run(text) for text in (source, *variants(puzzle, source))]


def puzzle_of(slug: str) -> Puzzle:
    return next(puzzle for puzzle in PUZZLES if puzzle.slug == slug)


def test_there_are_a_dozen_with_names_of_their_own() -> None:
    slugs = [entry.slug for entry in (*STARTS, *PUZZLES)]
    assert len(slugs) == len(set(slugs)) == 12
    assert len({entry.title for entry in (*STARTS, *PUZZLES)}) == 12


@pytest.mark.parametrize("slug", [slug for slug in STARTED if slug != "written"])
def test_a_start_runs_to_its_end(slug: str) -> None:
    assert STARTED[slug].failure is None


def test_a_write_through_a_view_is_seen_in_both_and_not_in_the_copy() -> None:
    trace = STARTED["views"]
    a, b, c, d = (final(trace, name) for name in "abcd")
    assert a.storage == b.storage == c.storage != d.storage
    (written,) = trace.steps[-1].changes.written
    assert set(written.names) == {"a", "b", "c"}


def test_broadcasting_copies_no_cell() -> None:
    column, seen = (final(STARTED["broadcast"], name) for name in ("column", "seen"))
    assert seen.storage == column.storage
    assert final(STARTED["broadcast"], "table").shape == (3, 4)


def test_backward_leaves_the_derivative_in_grad() -> None:
    x = final(STARTED["gradient"], "x")
    assert x.grad.values == tuple(2 * value for value in x.values)


def test_a_write_over_what_exp_kept_is_refused_at_backward() -> None:
    failure = STARTED["written"].failure
    assert failure is not None and failure.line == 6
    assert "modified by an inplace operation" in failure.message


def test_what_init_binds_is_registered() -> None:
    trace = STARTED["module"]
    assert set(final(trace, "net").children) == {"first", "second"}
    assert "".join(step.printed for step in trace.steps) == f"{2 * 3 + 3 + 3 + 1}\n"


def test_the_loop_lowers_its_loss_with_each_turn() -> None:
    printed = [step.printed for step in STARTED["training"].steps if step.printed]
    losses = [float(line.split()[-1]) for line in printed]
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 3


def test_no_position_reads_a_later_one() -> None:
    weights = final(STARTED["attention"], "weights").values
    assert all(
        (weights[4 * row + column] == 0) == (column > row)
        for row in range(4)
        for column in range(4)
    )


@EACH_PUZZLE
def test_its_own_solution_solves_a_puzzle_and_what_it_begins_with_does_not(puzzle: Puzzle) -> None:
    assert objection(puzzle, puzzle.solved) == ""
    assert judged(puzzle, answers(puzzle, puzzle.solution)).solved
    begun = judged(puzzle, answers(puzzle, puzzle.begin))
    assert not begun.solved and begun.words


@EACH_PUZZLE
def test_numbers_written_down_solve_nothing(puzzle: Puzzle) -> None:
    (first, *_) = answers(puzzle, puzzle.solution)
    wanted = final(first, "answer")
    lines = f"answer = torch.tensor({wanted.values}, dtype=torch.{wanted.dtype})"
    lines += f".view({wanted.shape})\n"
    found = judged(puzzle, answers(puzzle, lines))
    assert not found.solved
    assert found.words.startswith("Right as it stands, but with ")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("answer = (n[:, None] * n).float()\n", "Answer is float32; int64 is asked for."),
        ("answer = n[:, None] + n\n", "15 of 16 cells differ: answer[0, 0] is 2; 1 is asked for."),
        ("answer = n * n\n", "Answer has shape (4,); (4, 4) is asked for."),
        ("answer = 3\n", "No tensor is called answer yet."),
        ("x = n\n", "No tensor is called answer yet."),
        ("answer = n.view(9)\n", "The program ends at line 4 with RuntimeError."),
        (
            "answer = torch.empty(4, 4, dtype=torch.int64, device='meta')\n",
            "Answer holds no values.",
        ),
    ],
)
def test_what_is_missing_is_said(lines: str, words: str) -> None:
    puzzle = puzzle_of("products")
    assert judged(puzzle, answers(puzzle, lines)).words == words


@pytest.mark.parametrize(
    "lines",
    [
        "answer = []\nfor i in n:\n    answer.append(i * n)\nanswer = torch.stack(answer)\n",
        "answer = torch.stack([i * n for i in n])\n",
        "answer = n\nwhile answer.dim() < 2:\n    answer = n[:, None] * n\n",
    ],
)
def test_a_loop_is_objected_to_by_its_line(lines: str) -> None:
    words = objection(puzzle_of("products"), puzzle_of("products").given + lines)
    assert words.endswith("is a loop: the puzzle is to do without.")
    assert words.startswith(f"Line {4 if 'stack([' in lines else 5} ")


def test_what_is_given_must_stay() -> None:
    puzzle = puzzle_of("products")
    changed = puzzle.solved.replace("arange(1, 5)", "arange(1, 6)")
    assert objection(puzzle, changed).startswith("The puzzle's first lines have changed")


def test_what_is_no_python_is_left_to_its_run() -> None:
    puzzle = puzzle_of("products")
    assert objection(puzzle, puzzle.given + "answer = (\n") == ""


NO_JAIL = scratchpad.available()


@pytest.mark.skipif(bool(NO_JAIL), reason=NO_JAIL or "this host jails")
def test_the_jail_records_a_program_as_this_process_does_and_takes_every_solution() -> None:
    for start in STARTS:
        source = start.program + "# a reader's\n"
        trace = scratchpad.run(source)
        assert trace.jailed
        assert dataclasses.replace(trace, jailed=False) == program.run(source), start.slug
    for puzzle in PUZZLES:
        sources = (puzzle.solved, *variants(puzzle, puzzle.solved))
        assert judged(puzzle, [scratchpad.run(source) for source in sources]).solved, puzzle.slug
