"""What people paste is read as they mean it, or refused by the piece that cannot be read."""

import contextlib
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explainers import pasted

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TABLES = st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[30, 80]", ((30, 80),)),
        ("30, 80,", ((30, 80),)),
        ("(3, -1)", ((3, -1),)),
        ("3 -1", ((3, -1),)),
        ("3\n-1\n", ((3, -1),)),
        ("3,\n-1,\n", ((3, -1),)),
        ("3,\n-1\n2", ((3, -1, 2),)),
        ("tensor([3., -1.], device='cuda:0')", ((3, -1),)),
        ("torch.tensor([3., -1.], dtype=torch.float64, requires_grad=True)", ((3, -1),)),
        ("tensor([[1., 2.],\n        [3., 4.]], grad_fn=<AddBackward0>)", ((1, 2), (3, 4))),
        ("x = np.array([[1, 2], [3, 4]], np.float32)", ((1, 2), (3, 4))),
        ("array([1, 2], dtype=int8)", ((1, 2),)),
        ("nn.Parameter(torch.tensor([1., 2.]))", ((1, 2),)),
        ("Parameter containing:\ntensor([1., 2.], requires_grad=True)", ((1, 2),)),
        ("torch.tensor([1, 2]).cuda().float()", ((1, 2),)),
        ("torch.Tensor([1, 2])", ((1, 2),)),
        ("tensor(3.)", ((3,),)),
        ("[[1 2]\n [3 4]]", ((1, 2), (3, 4))),
        ("[1, 2], [3, 4]", ((1, 2), (3, 4))),
        ("[[[1, 2], [3, 4]]]", ((1, 2), (3, 4))),
        ("[1, 2; 3, 4]", ((1, 2), (3, 4))),
        ("3，−1", ((3, -1),)),
        ("（３、−１）", ((3, -1),)),
        ("1/4, -1 / 2", ((0.25, -0.5),)),
        ("1e-3, .5, 2., +1_000", ((1e-3, 0.5, 2, 1000),)),
    ],
)
def test_lists_are_read_as_they_stand_in_code_and_in_consoles(text: str, rows) -> None:
    assert pasted.rows(text) == rows


def test_a_new_line_begins_a_row_where_a_table_is_wanted() -> None:
    assert pasted.rows("1, 2,\n3, 4", lines=True) == ((1, 2), (3, 4))
    assert pasted.rows("1, 2,\n3, 4") == ((1, 2, 3, 4),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1, a", '"a" is no number: write it as 0.5, 1e-3 or 1/3'),
        ("3 - 1", '"-" is no number'),
        ("1+1", '"1+1" is no number'),
        ("1/0", '"1/0" is no number'),
        ("1__0", '"1__0" is no number'),
        ("1,,2", "a number is missing"),
        ("", "a number is missing"),
        ("1 2, 3", '"1 2" is no number'),
        ("[1, 2", '"[1, 2" opens a bracket that nothing closes'),
        ("1, 2]", '" 2]" closes a bracket never opened'),
        ("[1][2]", '"[1][2]" is neither one number nor one row in brackets'),
        ("[1, (2]", '"]" closes another bracket than was opened'),
        ("[1, [2]]", '"1" is neither one number nor one row in brackets'),
        ("[[[1], [2]], [[3], [4]]]", "has rows within a row: paste a table of two axes"),
        ("torch.Tensor(2, 3)", '"torch.Tensor(2, 3)" is a size and no numbers'),
        ("torch.Tensor(3)", '"torch.Tensor(3)" is a size and no numbers'),
        ("torch.randn(3)", '"torch.randn(…)" is not run here: paste the numbers it gives'),
        ("tensor([1.]).abs()", '".abs()" is not run here: paste the numbers it gives'),
        ("tensor([1, 2, ..., 9])", '"..." stands for numbers that are left out'),
        ("1,000, 2", '"1,000, 2" looks like thousands: write 1000 for 1,000'),
        ("__import__('os')", '"__import__(…)" is not run here'),
        ("[" * 60 + "1" + "]" * 60, "brackets stand too deep"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_piece(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        pasted.rows(text)
    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("1e-3,", 1e-3),
        ("lr=3e-4", 3e-4),
        ("−.5", -0.5),
        ("1/3", 1 / 3),
        ("1,000,000", 1e6),
        ("１０", 10),
        ("[2]", 2),
        ("-inf", -math.inf),
    ],
)
def test_one_number_is_read_as_it_stands_in_code(text: str, value: float) -> None:
    assert pasted.number(text) == value


@pytest.mark.parametrize("text", ["1,500", "1, 2", "1 2", "", "x", "0x10", "٣", "1j", "True"])
def test_what_may_be_two_numbers_or_none_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError):
        pasted.number(text)


@given(FINITE)
def test_a_number_comes_back_whole_from_its_shortest_spelling(value: float) -> None:
    assert pasted.number(pasted.shortest(value)) == value


@given(TABLES)
def test_whatever_torch_and_numpy_print_is_read(table: list[list[float]]) -> None:
    wanted = tuple(map(tuple, table))
    exact = torch.tensor(table, dtype=torch.float64)
    assert pasted.rows(str(exact.tolist())) == wanted
    # Both print a few digits: numpy eight, torch four.
    for printed, digits in ((repr(exact.numpy()), 8), (repr(exact), 4)):
        read = torch.tensor(pasted.rows(printed), dtype=torch.float64)
        unit = 10.0**-digits
        torch.testing.assert_close(read, exact, rtol=unit, atol=unit)


@given(st.text(alphabet="0123456789.,;[]()-+ e/\ntensor=", max_size=60))
def test_any_text_gives_numbers_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(value, float) for row in pasted.rows(text) for value in row)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kaiming_normal_", "kaiming_normal_"),
        ("nn.init.kaiming_normal_", "kaiming_normal_"),
        ("torch.matmul(a, b)", "matmul"),
        ("y = F.linear(x, w)", "linear"),
        ("torch . nn . functional . relu", "relu"),
    ],
)
def test_a_function_is_known_by_its_bare_name(text: str, name: str) -> None:
    assert pasted.name(text) == name


def test_a_superscript_is_no_digit() -> None:
    assert pasted.plain("3²，－4") == "3²,-4"


def test_full_width_letters_and_digits_of_a_formula_stay_what_they_are() -> None:
    assert pasted.plain("ｅｐｏｃｈ＿（１）") == "ｅｐｏｃｈ_(１)"
