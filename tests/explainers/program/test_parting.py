"""Two runs part at the first statement after which something differs."""

import pytest

from explainers.program import Failure, TensorState, part, run

LOOP = """import torch
w = torch.ones(2, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for turn in range(3):
    opt.zero_grad()
    (w * w).sum().backward()
    opt.step()
"""


def test_without_zero_grad_the_gradients_part_in_the_second_turn() -> None:
    parting = part(run(LOOP.replace("opt.zero_grad()", "pass")), run(LOOP))
    assert parting is not None
    assert (parting.line, parting.name) == (5, "w")
    assert isinstance(parting.wrong, TensorState) and isinstance(parting.right, TensorState)
    assert parting.wrong.grad is not None and parting.right.grad is None


def test_a_line_left_out_shows_after_the_next() -> None:
    parting = part(run(LOOP.replace("    opt.zero_grad()\n", "")), run(LOOP))
    assert parting is not None and (parting.line, parting.name) == (5, "w")


def test_a_run_does_not_part_from_itself_not_even_where_it_is_nan() -> None:
    trace = run("import torch\nx = float('nan')\ny = torch.tensor([x])\nz = y - y\n")
    assert part(trace, trace) is None
    again = run("import torch\nx = float('nan')\ny = torch.tensor([x])\nz = y - y\n\n")
    assert part(trace, again) is None


def test_sharing_memory_parts_from_a_copy_before_anything_is_written() -> None:
    copied = "import torch\nx = torch.ones(2)\ny = x.clone()\ny += 1\n"
    parting = part(run(copied.replace(".clone()", "")), run(copied))
    assert parting is not None and (parting.line, parting.name) == (3, "y")


@pytest.mark.parametrize("other", ["raise ValueError('b')", "raise TypeError('a')", "pass"])
def test_an_exception_parts_by_its_kind_its_message_and_its_being_there(other: str) -> None:
    parting = part(run("x = 1\nraise ValueError('a')\n"), run(f"x = 1\n{other}\n"))
    assert parting is not None and (parting.line, parting.name) == (2, "(failure)")
    assert isinstance(parting.wrong, Failure)


def test_what_is_printed_parts_too() -> None:
    parting = part(run("print(1)\n"), run("print(2)\n"))
    assert parting is not None
    assert (parting.line, parting.name, parting.wrong) == (1, "(printed)", "1\n")


def test_a_loop_that_turns_more_often_parts_where_the_other_has_ended() -> None:
    turns = "x = 0\nfor _ in range({}):\n    x += 1\n"
    parting = part(run(turns.format(3)), run(turns.format(2)))
    assert parting is not None and (parting.line, parting.name) == (3, "(runs)")
