"""What a run is held against: a difference that no number hides."""

import dataclasses
import math

import numpy as np
import pytest

from explainers.program import run
from explainers.program.lessons import Slip, final, first, replaced
from explainers.program.references import apart, difference
from explainers.tensors.views import LESSONS


@pytest.mark.parametrize(
    ("found", "reference", "expected"),
    [
        ((1.0, 2.0), (1.0, 2.5), 0.5),
        ((math.nan, math.inf), (math.nan, math.inf), 0.0),
        ((math.nan, 1.0), (0.0, 1.0), math.inf),
        ((0.0, 1.0), (1.0, math.nan), math.inf),
        ((math.inf,), (-math.inf,), math.inf),
        ((1.0,), (1.0, 1.0), math.inf),
        (None, (1.0,), math.inf),
    ],
)
def test_a_nan_is_equal_to_itself_alone(
    found: tuple[float, ...] | None, reference: tuple[float, ...], expected: float
) -> None:
    assert difference(found, reference) == expected


def test_a_tensor_of_another_dtype_or_shape_is_infinitely_apart() -> None:
    state = final(run("import torch\nx = torch.tensor([[1., 2.]])\n"), "x")
    assert apart(state, np.array([[1, 2.5]], np.float32)) == 0.5
    assert apart(state, np.array([[1, 2]])) == math.inf
    assert apart(state, np.array([1, 2], np.float32)) == math.inf


def test_a_name_is_read_as_it_was_first_or_last() -> None:
    trace = run("a = 1\nb = 2\na = 3\n")
    assert (first(trace, "a").text, final(trace, "a").text) == ("1", "3")
    with pytest.raises(KeyError):
        first(trace, "c")


def test_a_piece_that_ends_its_line_is_replaced_with_the_line_s_end() -> None:
    program = "for i in range(2):\n    a = i\n    b = i\n"
    changed = replaced(program, ("a = i\n", "a = 0\nc = 1\n"))
    assert changed == "for i in range(2):\n    a = 0\n    c = 1\n    b = i\n"


def test_a_lesson_opens_at_the_line_it_names_or_at_the_error_before_it() -> None:
    lesson = dataclasses.replace(LESSONS[0], program="x = 1\ny = 2\nz = x / 0\nt = 3", opens="y =")
    trace = run(lesson.program)
    assert lesson.first_step(trace) == 1
    for opens in ("", "z =", "t ="):
        assert dataclasses.replace(lesson, opens=opens).first_step(trace) == len(trace.steps) == 2
    whole = run("x = 1\ny = 2")
    assert dataclasses.replace(lesson, opens="").first_step(whole) == 1


def test_a_mistake_opens_at_the_line_it_names_where_its_run_comes_there() -> None:
    slip = Slip("", "", "", "", ("", ""), opens="y =")
    trace = run("for n in range(2):\n    y = n\nz = y / 0\nt = 3")
    assert slip.first_step(trace) == 1
    assert dataclasses.replace(slip, opens="z =").first_step(trace) == len(trace.steps) == 2
    for opens in ("", "t ="):
        assert dataclasses.replace(slip, opens=opens).first_step(trace) is None
