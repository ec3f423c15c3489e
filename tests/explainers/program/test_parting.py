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


def test_what_only_facts_tell_apart_is_passed_over_where_a_reader_sees_it() -> None:
    copied = "import torch\nx = torch.ones(2)\ny = x.clone()\ny += 1\n"
    runs = run(copied.replace(".clone()", "")), run(copied)
    parting = part(*runs, facts=False)
    assert parting is not None and (parting.line, parting.name, parting.at) == (4, "x", (3, 3))
    assert part(*runs[:1], runs[0], facts=False) is None


def test_an_expression_in_place_of_an_assignment_parts_by_the_name_it_did_not_bind() -> None:
    source = "import torch\nx = torch.ones(2)\n{}\n"
    parting = part(run(source.format("x.double()")), run(source.format("x = x.double()")))
    assert parting is not None and parting.name == "x"
    source = "import torch\nx = torch.ones(2)\n{}\ny = x * 2\n"
    parting = part(run(source.format("x * 2")), run(source.format("z = x * 2")))
    assert parting is not None and parting.name == "z"
    same = "import torch\nx = torch.ones(2)\n{}\n"
    assert part(run(same.format("x.detach()")), run(same.format("x = x.detach()"))) is None


def test_labels_of_a_run_alone_tell_no_optimizers_apart() -> None:
    source = "import torch\n{}w = torch.ones(1, requires_grad=True)\nopt = torch.optim.Adam([w])\n"
    source += "w.sum().backward()\nopt.step()\n"
    parting = part(run(source.format("")), run(source.format("torch.ones(1)\n")))
    assert parting is None


def test_it_is_said_at_which_step_of_each_run_they_part() -> None:
    parting = part(run(LOOP.replace("opt.zero_grad()", "pass")), run(LOOP))
    assert parting is not None and parting.at == (6, 6)
    longer = part(run("x = 1\nraise ValueError"), run("y = 0\nx = 1\npass"))
    assert longer is not None and longer.at == (0, 1)
