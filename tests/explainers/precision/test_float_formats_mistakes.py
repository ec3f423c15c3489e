"""The mistakes with narrow formats: each costs what public threads say it costs."""

import pytest
import torch

from explainers.precision.float_formats import mistakes

# --- small updates ---


@pytest.mark.parametrize(("dtype", "last"), [("float16", -11), ("bfloat16", -8)])
def test_an_update_of_half_a_gap_or_less_never_arrives(dtype: str, last: int) -> None:
    for exponent in (-16, -12, last):
        found = mistakes.small_updates(mistakes.SmallUpdates(dtype=dtype, exponent=exponent))
        assert (found.wrong == 1).all()
    found = mistakes.small_updates(mistakes.SmallUpdates(dtype=dtype, exponent=last + 1))
    assert found.wrong[1] == 1 + 2.0 ** (last + 1)


def test_a_float32_master_takes_every_update() -> None:
    found = mistakes.small_updates(mistakes.SmallUpdates())
    assert found.others["float32 master"][-1] == 1 + 1000 * 2.0**-12
    assert found.right[-1] == pytest.approx(1 + 1000 * 2.0**-12, abs=2**-11)
    assert "The weight ends at 1, not 1.24" in found.mistake.wrong_cost
    assert "ends at 1.24, as it should" in found.mistake.right_cost


def test_an_exact_half_of_a_gap_arrives_where_the_even_number_is_above() -> None:
    odd = torch.tensor(1 + 2.0**-10, dtype=torch.half)
    assert odd + 2.0**-11 == 1 + 2.0**-9
    found = mistakes.small_updates(mistakes.SmallUpdates())
    assert "from 1, so does exactly half (ties go to even)" in found.mistake.lesson


# --- an epsilon of 1e-8 ---


def test_adams_epsilon_is_zero_in_float16_and_makes_nans() -> None:
    found = mistakes.adam_eps(mistakes.AdamEps())
    assert "1e-8 is 0 in float16" in found.mistake.wrong_cost
    assert found.wrong[1:].isnan().all()
    assert found.right[-1] < 0.1 * found.right[0]


def test_the_epsilons_chart_is_read_where_the_two_lines_part() -> None:
    found = mistakes.adam_eps(mistakes.AdamEps())
    assert found.look == 1
    assert torch.isclose(found.wrong[0], found.right[0], rtol=0.01)
    assert found.wrong[1].isnan()


@pytest.mark.parametrize("eps", ["1e-7", "1e-4"])
def test_an_epsilon_that_float16_holds_is_finite(eps: str) -> None:
    assert mistakes.adam_eps(mistakes.AdamEps(eps=eps)).wrong.isfinite().all()


# --- adding up ---


@pytest.mark.parametrize(("dtype", "end"), [("float16", 2048), ("bfloat16", 256)])
def test_a_narrow_total_of_ones_stands_still(dtype: str, end: int) -> None:
    found = mistakes.one_by_one(mistakes.OneByOne(dtype=dtype))
    assert found.wrong[-1] == found.wrong.max() == end
    assert f"{end} + 1 is {end}" in found.mistake.wrong_cost
    assert found.wrong[found.look] == end
    assert found.x[-1] == 4000
    # Rounded once, at the end.
    assert found.right[-1] == torch.tensor(4000.0).to(getattr(torch, dtype))


def test_few_ones_are_counted_right_by_both() -> None:
    found = mistakes.one_by_one(mistakes.OneByOne(count=2000))
    assert torch.equal(found.wrong, found.right)
    assert found.mistake.wrong_cost == "2000 ones add up to 2000."


# --- positions ---


@pytest.mark.parametrize(("dtype", "whole"), [("float16", 2048), ("bfloat16", 256)])
def test_positions_collapse_where_whole_numbers_end(dtype: str, whole: int) -> None:
    fine = mistakes.positions(mistakes.Positions(dtype=dtype, length=whole))
    assert torch.equal(fine.wrong, fine.right)
    assert f"{whole} positions become {whole} distinct ones" in fine.mistake.wrong_cost
    broken = mistakes.positions(mistakes.Positions(dtype=dtype, length=16384))
    assert (broken.wrong - broken.others["exact"]).abs().max() > 1
    assert (broken.right - broken.others["exact"]).abs().max() < 0.005


def test_whole_numbers_are_counted_as_python_counts_them() -> None:
    found = mistakes.positions(mistakes.Positions())
    # 256 to start with, then as many for every power of two: 128, in steps of 2, 4, 8, 16.
    assert f"become {257 + 4 * 128} distinct" in found.mistake.wrong_cost


# --- squares ---


def test_squares_overflow_in_float16_and_the_norm_passes_zeros_on() -> None:
    found = mistakes.squares(mistakes.Squares())
    assert "squared is inf in float16" in found.mistake.wrong_cost
    assert found.wrong[:5] == pytest.approx(1, abs=0.01)
    assert (found.wrong[8:] == 0).all()
    assert found.right == pytest.approx(1, abs=0.01)
    assert found.others["the wrong line in bfloat16"] == pytest.approx(1, abs=0.02)


def test_small_activations_are_normalised_by_both_lines_and_the_words_say_so() -> None:
    found = mistakes.squares(mistakes.Squares(size=0)).mistake
    assert "1, as it should be" in found.wrong_cost
    assert "1, as it should be" in found.right_cost


def test_torchs_own_norm_squares_in_float32() -> None:
    x = torch.full((1, 64), 1000.0, dtype=torch.half)
    assert torch.nn.functional.rms_norm(x, (64,)).float().mean() == pytest.approx(1, abs=0.01)


# --- one tolerance for all ---


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_allclose_fails_where_assert_close_knows_the_format(dtype: str) -> None:
    found = mistakes.compare(mistakes.Compare(dtype=dtype))
    assert "gives False" in found.mistake.wrong_cost
    assert "assert_close passes: 0 of 128" in found.mistake.right_cost
    assert found.wrong[-1] > 1 > found.right[-1]
    assert found.limit == (1.0, "allowed")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mistakes.SmallUpdates(exponent=-17), "exponent must be a whole number from -16"),
        (lambda: mistakes.SmallUpdates(dtype="float32"), "dtype must be one of float16, bfloat16"),
        (lambda: mistakes.AdamEps(eps="0"), "eps must be one of 1e-8, 1e-7, 1e-6, 1e-4, got 0"),
        (lambda: mistakes.OneByOne(count=5001), "count must be a whole number from 100 to 5000"),
        (lambda: mistakes.Positions(length=0), "length must be a whole number from 128 to 16384"),
        (lambda: mistakes.Squares(size=14), "size must be a whole number from 0 to 13, got 14"),
        (lambda: mistakes.Compare(dtype="half"), "dtype must be one of float16, bfloat16, got"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
