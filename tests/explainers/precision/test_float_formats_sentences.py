"""What the page says of a number is what torch's own cast does with it, at any setting."""

import math
import re
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.precision import float_formats as ff
from explainers.precision.float_formats import mistakes
from explainers.precision.float_formats.view import percent
from figures.precision import float_formats as figures
from tests.sentences import EXAMPLES, legal

FLOAT8 = ("float8_e4m3fn", "float8_e5m2")
# Numbers that are hard on some format: codes, middles between two, ends, and what lies just beside.
ODD = st.sampled_from(
    [
        "0", "-0.0", "448", "464", "464.01", "480", "-1000", "61440", "65504", "65519", "65520",
        "-65520", "1 + 2**-11 + 2**-40", "65520 - 2**-30", "2**-25 + 2**-60", "1 + 2**-1990",
        "2**-149", "2**-150", "-1e-60", "1e60", "-1e60", "1/3", "0.1", "-1e-8", "2**-10", "2049",
    ]
)  # fmt: skip
SIZED = st.tuples(st.floats(-2, 2), st.integers(-150, 130)).map(
    lambda pair: f"{pair[0]!r} * 2**{pair[1]}"
)


def spelled(written: str) -> bool:
    try:
        ff.FloatFormats(value=written)
    except ValueError:
        return False
    return True


VALUES = ODD | SIZED.filter(spelled) | st.floats(-1000, 1000).map(repr).filter(spelled)


def cast(value: float, name: str) -> float:
    """Return what torch itself stores."""
    return float(torch.tensor(value, dtype=getattr(torch, name)).double())


def holds(view: ff.View) -> None:
    """Assert that the sentence is true of torch's own cast."""
    name, asked = view.parameters.dtype, view.exact
    stored = cast(float(asked), name)
    said = view.sentence.removeprefix(f"{name} stores {view.parameters.value} as ")
    assert said != view.sentence
    first = said.split(".  ")[0]
    if math.isfinite(stored) and Fraction(stored) == asked:
        assert first == "it is."
        return
    assert not first.startswith("it is")
    number = float(re.match(r"[-+0-9.einf]*[0-9f]", said).group())
    # As it is written: a format's own number, of the right sign even where it is 0.
    assert cast(number, name) == stored
    assert math.copysign(1, number) == math.copysign(1, stored)
    for word, true in (("largest", stored > 0), ("least", stored < 0)):
        assert (f"its {word}" in said) <= true
    assert ("it has no infinity" in said) == (name == "float8_e4m3fn" and abs(asked) > 464)
    if "too" in said:
        assert ("too large" in said) == (Fraction(stored) > asked)
        assert ("too small" in said) == (Fraction(stored) < asked)
        found = re.search(r", (less than )?([-+0-9.e]+) too", said)
        size = abs(Fraction(stored) - asked)
        if found[1]:
            assert size < Fraction(found[2])
        else:
            assert float(found[2]) == pytest.approx(float(size), rel=0.06)
    nearer = re.search(r"(\S+) is nearer", said)
    if nearer:
        assert abs(Fraction(nearer[1]) - asked) < abs(
            (Fraction(stored) if math.isfinite(stored) else Fraction(10) ** 80) - asked
        )


@pytest.mark.parametrize(
    ("value", "dtype", "said"),
    [
        ("-1000", "float8_e4m3fn", "as -448, its least: it has no infinity."),
        ("1000", "float8_e4m3fn", "as 448, its largest: it has no infinity."),
        ("-1e6", "float16", "as -inf: its least number is -65504."),
        ("-1e-8", "float16", "as -0: its smallest positive number is 5.96e-8."),
        ("1 + 2**-1990", "float64", "as 1, less than 1e-300 too small."),
        (
            "65520 - 2**-30",
            "float16",
            "as inf: its largest number is 65504. 65504 is nearer: torch rounds to float32 first.",
        ),
    ],
)
def test_the_sentence_keeps_the_sign_and_the_last_digit(value: str, dtype: str, said: str) -> None:
    assert ff.explain(ff.FloatFormats(value=value, dtype=dtype)).sentence.endswith(said)


@settings(max_examples=EXAMPLES // 2)
@given(legal(ff.FloatFormats, value=VALUES))
def test_at_any_setting_the_sentence_is_true_of_torchs_cast(parameters: ff.FloatFormats) -> None:
    view = ff.explain(parameters)
    holds(view)
    assert all(check.holds for check in ff.view_checks(view))


@pytest.mark.parametrize("name", FLOAT8)
def test_every_float8_number_is_stored_as_it_is_beside_its_neighbouring_codes(name: str) -> None:
    codes = torch.arange(256, dtype=torch.uint8)
    values = codes.view(getattr(torch, name)).double().tolist()
    for code, value in enumerate(values):
        if not math.isfinite(value):
            continue
        view = ff.explain(ff.FloatFormats(value=repr(value), dtype=name))
        assert view.sentence == f"{name} stores {value!r} as it is."
        found = view.chosen
        beyond = values[code + 1]
        out, back = (found.above, found.below) if code < 128 else (found.below, found.above)
        assert out == pytest.approx(beyond, abs=0, rel=0, nan_ok=True)
        if value:
            assert back == values[code - 1]
        if not math.isfinite(beyond):
            end = "NaN" if math.isnan(beyond) else f"{beyond:g}"
            assert end in view.neighbours
            assert end in figures.number(view)


@pytest.mark.parametrize("name", FLOAT8)
def test_between_two_float8_numbers_the_sentence_names_what_torch_stores(name: str) -> None:
    numbers = torch.arange(127, dtype=torch.uint8).view(getattr(torch, name)).double()
    numbers = numbers[numbers.isfinite()].tolist()
    for low, high in zip(numbers, [*numbers[1:], 2 * numbers[-1]], strict=True):
        # Not halfway, and halfway; both signs.
        for part in (0.5, 0.75):
            for sign in ("", "-"):
                written = f"{sign}{low + part * (high - low)!r}"
                holds(ff.explain(ff.FloatFormats(value=written, dtype=name)))


def test_past_its_end_a_format_has_one_number_left_and_the_words_say_which() -> None:
    view = ff.explain(ff.FloatFormats(value="1e6"))
    assert view.neighbours == "The last before inf: 65504."
    view = ff.explain(ff.FloatFormats(value="-1000", dtype="float8_e4m3fn"))
    assert view.neighbours == "Beside -448: NaN and -416."


@pytest.mark.parametrize("name", ff.FORMATS)
@pytest.mark.parametrize("exponent", range(-10, 41, 5))
def test_what_becomes_of_the_gradients_is_what_torchs_cast_makes_of_them(
    name: str, exponent: int
) -> None:
    view = ff.explain(ff.FloatFormats(dtype=name, exponent=exponent))
    stored = (view.gradients.double() * 2.0**exponent).float().to(getattr(torch, name)).double()
    assert ("overflow" in view.loss) == bool(stored.isinf().any())
    if name == "float8_e4m3fn":
        assert ("held at ±448" in view.loss) == bool((stored.abs() == 448).any())
    drawn = figures.spectrum(view)
    finite = not ff.FORMATS[name].infinity
    # The band past the end says what torch stores there.
    assert ("held at ±448</em>" in drawn) == finite
    zero = float((stored == 0).double().mean())
    assert ("become 0" in view.loss) == (zero > 0)
    if zero:
        share = re.search(r"([\d.]+)% become 0", view.loss)
        assert float(share[1]) == pytest.approx(100 * zero, abs=0.5)


def test_where_a_format_has_no_infinity_no_gradient_goes_there() -> None:
    view = ff.explain(ff.FloatFormats(dtype="float8_e4m3fn", exponent=40))
    assert view.loss.endswith("100% are held at ±448.")
    drawn = figures.spectrum(view)
    assert "overflows</em>" not in drawn
    row = drawn.partition('<th scope="row">float8_e4m3fn</th>')[2].partition("</tr>")[0]
    assert "to inf" not in row


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 321))
def test_nothing_short_of_all_is_a_hundred_per_cent(count: int) -> None:
    said = percent(count / 321)
    assert (said == "100%") == (count == 321)
    assert float(said.strip("over %")) == pytest.approx(100 * count / 321, rel=0.05)
    assert figures._percent(count / 321) == said


# --- mistakes ---


@pytest.mark.parametrize(("name", "end"), [("float16", 2048), ("bfloat16", 256)])
def test_a_long_sum_on_several_threads_is_rounded_for_each_and_the_lesson_says_so(
    name: str, end: int
) -> None:
    lesson = mistakes.one_by_one(mistakes.OneByOne(dtype=name)).mistake.lesson
    assert "each thread's part too" in lesson
    assert f"of ones stops at {end} in {name}" in lesson
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(65536, generator=generator).to(getattr(torch, name))
    # In float32 it loses next to nothing on any number of threads: the other way that it names.
    wide = values.sum(dtype=torch.float32).double()
    assert wide == pytest.approx(float(values.double().sum()), rel=1e-6)


def test_with_two_threads_a_long_sum_is_off_by_more_than_one_rounding() -> None:
    threads, worst = torch.get_num_threads(), {}
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            worst[count] = 0.0
            for seed in range(20):
                generator = torch.Generator().manual_seed(seed)
                values = torch.rand(65536, generator=generator).half()
                exact = float(values.double().sum())
                off = abs(float(values.sum()) - exact) / ff.spacing(exact, "float16")
                worst[count] = max(worst[count], off)
    finally:
        torch.set_num_threads(threads)
    assert worst[1] <= 0.5 < worst[2]


@settings(max_examples=EXAMPLES // 10)
@given(legal(mistakes.OneByOne))
def test_ones_are_added_up_as_the_words_say(parameters: mistakes.OneByOne) -> None:
    found, dtype = mistakes.one_by_one(parameters).mistake, getattr(torch, parameters.dtype)
    whole = {"float16": 2048, "bfloat16": 256}[parameters.dtype]
    count = parameters.count
    total = min(count, whole)
    assert found.wrong_cost.startswith(f"{count} ones add up to {total}")
    if " + 1 is " in found.wrong_cost:
        assert float(torch.tensor(total).to(dtype) + 1) == total
    rounded = float(torch.tensor(float(count)).to(dtype))
    assert found.right_cost.startswith(f"torch.sum of {count} ones gives {rounded:g}")
    assert ("has no" in found.right_cost) == (rounded != count)


@settings(max_examples=EXAMPLES // 10)
@given(legal(mistakes.Positions))
def test_positions_are_distinct_and_off_as_the_words_say(parameters: mistakes.Positions) -> None:
    found, length = mistakes.positions(parameters).mistake, parameters.length
    kept = torch.arange(length).to(getattr(torch, parameters.dtype)).double()
    distinct = len(set(kept.tolist()))
    assert f"{length} positions become {distinct} distinct ones" in found.wrong_cost
    half = 2.0 ** {"float16": -12, "bfloat16": -9}[parameters.dtype]
    near = float(re.search(r"by up to ([-\d.e]+):", found.right_cost)[1])
    assert near <= 1.06 * half
    exact = torch.arange(length, dtype=torch.float64).cos()
    off = float(
        (kept.float().cos().to(getattr(torch, parameters.dtype)).double() - exact).abs().max()
    )
    assert float(re.search(r"off by up to ([-\d.e]+)\.", found.wrong_cost)[1]) == pytest.approx(
        off, rel=0.06
    )


@settings(max_examples=EXAMPLES // 10)
@given(legal(mistakes.SmallUpdates))
def test_the_small_updates_that_arrive_are_those_above_half_a_gap(
    parameters: mistakes.SmallUpdates,
) -> None:
    found = mistakes.small_updates(parameters).mistake
    update = 2.0**parameters.exponent
    gap = torch.finfo(getattr(torch, parameters.dtype)).eps
    assert f"numbers are {gap:.2g} apart" in found.wrong_cost
    assert ("ends at 1, not" in found.wrong_cost) == (update <= gap / 2)
    assert f"{1 + 1000 * update:.3g}, as it should" in found.right_cost
