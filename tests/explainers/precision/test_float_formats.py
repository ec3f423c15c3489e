"""Formats, rounding and shares, against numpy, torch's casts and arithmetic on codes."""

import csv
import dataclasses
import io
import math
import runpy
import struct
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explainers.evidence import Verdict
from explainers.precision import float_formats as ff
from explainers.precision.grad_scaler import gradients

NAMES = tuple(ff.FORMATS)
EVERY = pytest.mark.parametrize("name", NAMES)
# float16, float32 and float64 have a twin in numpy.
NUMPY = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
reals = st.floats(allow_nan=False)
near_float16 = st.floats(-70000, 70000)


def all_numbers(name: str) -> list[float]:
    """Every finite number of a format of 8 or 16 bits, in order, read code by code."""
    format_ = ff.FORMATS[name]
    found = set()
    for code in range(2 ** (format_.exponent_bits + format_.mantissa_bits)):
        exponent, mantissa = divmod(code, 2**format_.mantissa_bits)
        top = exponent == 2**format_.exponent_bits - 1
        if top and (format_.infinity or mantissa == 2**format_.mantissa_bits - 1):
            continue
        leading = 1.0 if exponent else 0.0
        size = (leading + mantissa * 2.0**-format_.mantissa_bits) * 2.0 ** (
            max(exponent, 1) - format_.bias
        )
        found |= {size, -size}
    return sorted(found)


NUMBERS = {name: all_numbers(name) for name in NAMES[:4]}


# --- formats ---


def test_six_formats_from_eight_bits_to_sixty_four() -> None:
    assert NAMES == (
        "float8_e4m3fn",
        "float8_e5m2",
        "float16",
        "bfloat16",
        "float32",
        "float64",
    )
    assert [format_.bits for format_ in ff.FORMATS.values()] == [8, 8, 16, 16, 32, 64]


@EVERY
def test_a_format_is_what_torch_says_and_what_its_widths_say(name: str) -> None:
    format_, info = ff.FORMATS[name], torch.finfo(getattr(torch, name))
    assert format_.dtype is getattr(torch, name)
    assert 1 + format_.exponent_bits + format_.mantissa_bits == info.bits
    assert (format_.max, format_.eps, format_.smallest_normal) == (info.max, info.eps, info.tiny)
    if name in NUMBERS:
        assert max(NUMBERS[name]) == info.max
        assert min(number for number in NUMBERS[name] if number > 0) == format_.smallest_subnormal


# --- rounding ---


@given(reals)
@pytest.mark.parametrize("name", NUMPY)
def test_rounding_and_neighbours_are_numpys(name: str, value: float) -> None:
    kind = NUMPY[name]
    with np.errstate(over="ignore", under="ignore"):
        nearest = kind(value)
        expected = [
            np.nextafter(nearest, kind(-np.inf)),
            nearest,
            np.nextafter(nearest, kind(np.inf)),
        ]
    assert ff.neighbours(value, name) == tuple(float(each) for each in expected)
    assert ff.rounded(value, name) == float(nearest)


@given(st.floats(-500, 500))
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "bfloat16"])
def test_the_nearest_is_no_farther_than_any_other_number(name: str, value: float) -> None:
    below, nearest, above = ff.neighbours(value, name)
    numbers = NUMBERS[name]
    assert nearest in numbers
    assert abs(nearest - value) == min(abs(number - value) for number in numbers)
    at = numbers.index(nearest)
    end = math.inf if ff.FORMATS[name].infinity else math.nan
    expected = (
        numbers[at - 1] if at else -end,
        numbers[at + 1] if at + 1 < len(numbers) else end,
    )
    assert (below, above) == pytest.approx(expected, abs=0, rel=0, nan_ok=True)


@given(near_float16)
def test_the_three_stand_in_order_and_the_value_lies_among_them(value: float) -> None:
    for name in NAMES[1:]:
        below, nearest, above = ff.neighbours(value, name)
        assert below < nearest or nearest == -math.inf
        assert nearest < above or nearest == math.inf
        assert below <= value <= above


@given(st.integers(0, 2**15 - 1))
def test_a_tie_goes_to_the_even_mantissa(code: int) -> None:
    number = struct.unpack("e", struct.pack("H", code))[0]
    if not math.isfinite(number):
        return
    _, nearest, above = ff.neighbours(number, "float16")
    if above == math.inf:
        return
    even = number if code % 2 == 0 else above
    assert nearest == number
    assert ff.rounded((number + above) / 2, "float16") == even


def test_one_and_the_update_that_vanishes() -> None:
    assert ff.neighbours(1.0, "float16") == (1 - 2**-11, 1.0, 1 + 2**-10)
    assert ff.rounded(1 + 2**-12, "float16") == 1.0
    assert ff.rounded(1 + 2**-12, "float32") == 1 + 2**-12
    assert ff.spacing(1.0, "float16") == 2**-10


def test_the_ends_of_float16() -> None:
    assert ff.neighbours(65519.0, "float16") == (65472.0, 65504.0, math.inf)
    assert ff.neighbours(65520.0, "float16") == (65504.0, math.inf, math.inf)
    assert ff.neighbours(2.0**-25, "float16") == (-(2.0**-24), 0.0, 2.0**-24)
    assert ff.neighbours(1.01 * 2.0**-25, "float16")[1] == 2.0**-24
    assert ff.neighbours(-1e9, "float16") == (-math.inf, -math.inf, -65504.0)


def test_float8_without_infinity_holds_its_largest_number_as_torch_does() -> None:
    for value in (464.0, 465.0, 1e6, math.inf):
        stored = torch.tensor(value).to(torch.float8_e4m3fn).float().item()
        assert ff.rounded(value, "float8_e4m3fn") == stored == 448.0
    below, nearest, above = ff.neighbours(448.0, "float8_e4m3fn")
    assert (below, nearest) == (416.0, 448.0)
    assert math.isnan(above)


def test_torch_rounds_a_float64_twice_on_its_way_to_float16() -> None:
    value = 1 + 2**-11 + 2**-40
    assert ff.rounded(value, "float16") == float(np.float16(value)) == 1 + 2**-10
    assert torch.tensor(value, dtype=torch.float64).to(torch.float16).item() == 1.0


@EVERY
@given(value=reals)
def test_the_spacing_leads_to_the_next_number_away_from_zero(name: str, value: float) -> None:
    format_ = ff.FORMATS[name]
    below, nearest, above = ff.neighbours(value, name)
    if abs(nearest) >= format_.max:
        assert ff.spacing(value, name) == format_.max - ff.neighbours(format_.max, name)[0]
    else:
        assert ff.spacing(value, name) == (above - nearest if nearest >= 0 else nearest - below)


# --- bits ---


@given(reals)
@EVERY
def test_bits_are_torchs_own_bytes(name: str, value: float) -> None:
    format_, found = ff.FORMATS[name], ff.bits(value, name)
    assert [len(part) for part in (found.sign, found.exponent, found.mantissa)] == [
        1,
        format_.exponent_bits,
        format_.mantissa_bits,
    ]
    stored = torch.tensor([found.value], dtype=torch.float64).to(format_.dtype)
    raw = bytes(stored.view(torch.uint8).tolist())[::-1]
    assert str(found).replace(" ", "") == "".join(f"{byte:08b}" for byte in raw)


def test_the_bits_of_a_tenth_in_float16() -> None:
    assert str(ff.bits(0.1, "float16")) == "0 01011 1001100110"
    assert ff.bits(0.1, "float16").value == 0.0999755859375


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0.0, "zero"),
        (1e-9, "zero"),
        (1e-6, "subnormal"),
        (1.0, "normal"),
        (1e6, "infinite"),
        (math.nan, "nan"),
    ],
)
def test_a_kind_for_each_number_of_float16(value: float, kind: str) -> None:
    assert ff.bits(value, torch.float16).kind == kind


# --- shares ---


def test_the_four_shares_of_four_numbers() -> None:
    values = torch.tensor([1e-8, 1e-6, 1.0, 1e6, 0.0, math.inf, math.nan])
    assert dataclasses.astuple(ff.representable(values, "float16")) == (0.25, 0.25, 0.25, 0.25, 4)
    assert dataclasses.astuple(ff.representable(values, "float32")) == (0.0, 0.0, 1.0, 0.0, 4)
    assert ff.representable(torch.tensor([2e-8]), "bfloat16").normal == 1
    assert ff.representable(torch.tensor([2e-8]), "float16").zero == 1


def test_beyond_the_largest_counts_as_infinite_also_where_torch_saturates() -> None:
    assert ff.representable([448.0, 464.0], "float8_e4m3fn").normal == 1
    assert ff.representable([465.0, 1e6], "float8_e4m3fn").infinite == 1
    assert ff.representable([65519.9, 65520.0], "float16").infinite == 0.5


@given(st.lists(st.floats(width=32), max_size=30))
@EVERY
def test_the_shares_are_those_of_numbers_rounded_one_by_one(name: str, values: list[float]) -> None:
    share, format_ = ff.representable(values, name), ff.FORMATS[name]
    counted = [value for value in values if value and math.isfinite(value)]
    assert share.count == len(counted)
    if not counted:
        assert (share.zero, share.subnormal, share.normal, share.infinite) == (0, 0, 0, 0)
        return
    assert share.zero + share.subnormal + share.normal + share.infinite == pytest.approx(1)
    near = [abs(ff.rounded(value, name)) for value in counted]
    beyond = 0
    if not format_.infinity:
        beyond = sum(abs(value) > 464 for value in counted)
    assert share.zero == pytest.approx(near.count(0) / len(near))
    assert share.infinite == pytest.approx((near.count(math.inf) + beyond) / len(near))
    small = sum(0 < size < format_.smallest_normal for size in near)
    assert share.subnormal == pytest.approx(small / len(near))


def test_shares_leave_their_input_alone_and_take_any_shape_and_dtype() -> None:
    values = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    kept = values.clone()
    assert ff.representable(values, "float16").count == 12
    assert torch.equal(values, kept)
    assert ff.representable(torch.arange(5), "bfloat16").count == 4


# --- the update that vanishes ---


@pytest.mark.parametrize(
    ("dtype", "end"), [("float16", 1.0), ("bfloat16", 1.0), ("float32", 1.0 + 1000 * 2.0**-12)]
)
def test_a_thousand_small_updates(dtype: str, end: float) -> None:
    found = ff.vanishing(dtype=dtype)
    assert found.weight.shape == found.exact.shape == (1001,)
    assert found.weight[-1] == end
    assert found.exact[-1] == 1.0 + 1000 * 2.0**-12
    assert found.moved == (dtype == "float32")


def test_an_update_of_more_than_half_the_gap_is_doubled() -> None:
    found = ff.vanishing(1.1 * 2.0**-11, steps=3)
    assert found.gap == 2.0**-10
    assert found.weight.tolist() == [1.0, 1 + 2**-10, 1 + 2**-9, 1 + 3 * 2**-10]


# --- what a format makes of a number ---


def test_what_float16_makes_of_a_tenth() -> None:
    found = ff.inspect(0.1)
    assert found.below < found.stored == found.nearest < 0.1 < found.above
    assert found.error == pytest.approx(-2.44140625e-05)
    assert found.relative_error == pytest.approx(2.44140625e-04)
    assert found.terms == (1.599609375, -4)
    assert found.spelled == "0.0999755859375"
    assert found.labels == ("0.099915", "0.099976", "0.100037")


def test_a_tenth_is_no_float64_either() -> None:
    found = ff.inspect(Fraction(1, 10), "float64")
    assert found.stored == 0.1
    assert found.error == pytest.approx(5.551115123125783e-18)
    assert found.spelled.startswith("0.10000000000000000555")
    # Asked for the float, there is nothing to round.
    assert ff.inspect(0.1, "float64").error == 0


@given(near_float16)
@EVERY
def test_the_terms_make_the_number(name: str, value: float) -> None:
    found = ff.inspect(value, name)
    if math.isfinite(found.stored):
        significand, power = found.terms
        assert math.copysign(math.ldexp(significand, power), found.stored) == found.stored


@given(near_float16)
def test_labels_tell_a_number_from_its_neighbours(value: float) -> None:
    for name in NAMES:
        found = ff.inspect(value, name)
        for label, number in zip(
            found.labels, (found.below, found.nearest, found.above), strict=True
        ):
            assert ff.rounded(float(label), name) == number or not math.isfinite(number)


def test_a_number_that_is_rounded_twice_says_so() -> None:
    found = ff.inspect(1 + 2**-11 + 2**-40)
    assert found.twice_rounded
    assert (found.nearest, found.stored) == (1 + 2**-10, 1.0)
    assert not ff.inspect(1 + 2**-11 + 2**-40, "float32").twice_rounded


def test_a_format_without_infinity_holds_on_at_its_end() -> None:
    assert ff.inspect(465.0, "float8_e4m3fn").saturated
    assert not ff.inspect(464.0, "float8_e4m3fn").saturated
    assert not ff.inspect(1e9, "float16").saturated
    assert ff.inspect(-1e9, "float16").error == -math.inf


# --- all numbers between two bounds ---


@given(st.floats(-600, 600), st.floats(0, 40))
@pytest.mark.parametrize("name", NAMES[:4])
def test_no_number_between_two_bounds_is_missing(name: str, low: float, width: float) -> None:
    found = ff.numbers(low, low + width, name, most=2**16)
    assert found is not None
    assert found.tolist() == [each for each in NUMBERS[name] if low <= each <= low + width]


def test_too_many_numbers_are_none_and_zero_has_one_sign() -> None:
    assert ff.numbers(0.0, 1.0, "float16", most=100) is None
    found = ff.numbers(-1e-7, 1e-7, "float16")
    assert found is not None
    assert [str(each) for each in found.tolist()] == [
        "-5.960464477539063e-08",
        "0.0",
        "5.960464477539063e-08",
    ]
    assert ff.numbers(1e5, 1e6, "float16") is not None
    assert len(ff.numbers(1e5, 1e6, "float16")) == 0


# --- the view ---


def test_the_formats_prove_themselves_and_answer_their_question() -> None:
    checks, claims = ff.checks(), ff.claims()
    assert len(checks) >= 12
    assert all(check.holds for check in checks)
    verdicts = [claim.verdict for claim in claims]
    assert verdicts == [Verdict.HOLDS] * 2 + [Verdict.CONDITION] + [Verdict.HOLDS] * 2


def test_updates_of_one_gap_stop_at_the_power_of_two_where_the_gap_doubles() -> None:
    asked = ff.question()
    assert asked.answer == "2: it stops there"
    assert "0.5 of that gap" in asked.because
    two = torch.tensor(2.0, dtype=torch.bfloat16)
    assert two + 2.0**-7 == two


def test_a_numbers_neighbours_are_labelled_in_equal_decimals() -> None:
    assert ff.inspect(2049.0).labels == ("2047", "2048", "2050")
    assert ff.inspect(65504.0).labels == ("65472", "65504", "inf")
    for value in (0.1, 1.0, 3.3, 1 / 3):
        for name in ff.FORMATS:
            labels = ff.inspect(value, name).labels
            assert len({len(label.partition(".")[2]) for label in labels}) == 1
            assert len(set(labels)) == 3


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0.1", Fraction(1, 10)),
        ("1 + 2**-12", Fraction(4097, 4096)),
        (" -(3/7) * 2 ", Fraction(-6, 7)),
        ("1e-8", Fraction(1, 10**8)),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("+65504.", Fraction(65504)),
        ("1_000", Fraction(1000)),
        ("-0.00", Fraction(0)),
        ("0e999999999", Fraction(0)),
    ],
)
def test_typed_numbers_are_worked_out_exactly(written: str, number: Fraction) -> None:
    assert ff.exact(written) == number
    assert ff.exact(ff.FloatFormats(value=written).value) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        "nan",
        "inf",
        "1e61",
        "-1e999",
        "1e-9999",
        "1e-61",
        "1e-999999999",
        "2**-3999",
        "2**0.5",
        "1/0",
        "0**-1",
        "9**9**9",
        "(9**999)**999",
        "9**9**9**9",
        "True",
        "1j",
        "'1'",
        "abs(1)",
        "().__class__",
        "x",
        "1 2",
        "1 if 1 else 2",
        "0x",
        "(" * 39,
        "1" * 41,
        "__import__('os')",
    ],
)
def test_what_is_no_number_gets_the_rule(written: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match="value must be a number, or a sum, product or power"):
        ff.FloatFormats(value=written)
    assert time.perf_counter() - start < 0.5


@EVERY
def test_every_view_shows_what_torch_casts_and_its_checks_hold(name: str) -> None:
    for written in ("0.1", "1 + 2**-12", "65520", "1e-8", "-1e-6", "0", "1e30", "-449", "2**-140"):
        for zoom in (0, 5):
            view = ff.explain(ff.FloatFormats(value=written, dtype=name, zoom=zoom))
            assert [found.format.name for found in view.inspections] == list(ff.FORMATS)
            for found in view.inspections:
                torchs = torch.tensor(float(ff.exact(written)), dtype=found.format.dtype)
                assert found.stored == float(torchs.double())
            low, high = view.window
            assert low <= view.chosen.value <= high
            ticks = view.ticks[name]
            assert ticks is None or len(ticks) <= 160
            assert all(check.holds for check in ff.view_checks(view)), (written, zoom)


def test_the_line_shows_the_neighbours_at_every_size() -> None:
    for power in range(-24, 16):
        view = ff.explain(ff.FloatFormats(value=f"1.3 * 2**{power}", zoom=0))
        ticks = view.ticks["float16"]
        assert ticks is not None
        assert 4 <= len(ticks) <= 9
        assert {view.chosen.below, view.chosen.nearest, view.chosen.above} <= set(ticks.tolist())


def test_a_scale_moves_the_gradients_by_powers_of_two() -> None:
    plain, scaled = (ff.explain(ff.FloatFormats(exponent=power)) for power in (0, 16))
    assert torch.equal(plain.histogram.counts, scaled.histogram.counts)
    assert torch.equal(plain.histogram.edges + 16, scaled.histogram.edges)
    assert plain.shares["float16"].zero > 0.05
    assert scaled.shares["float16"].normal == 1
    assert scaled.loss.endswith("all keep full precision.")


@pytest.mark.parametrize("step", [0, 7, 50])
def test_the_gradients_are_the_models_own(step: int) -> None:
    view = ff.explain(ff.FloatFormats(step=step))
    assert torch.equal(view.gradients, gradients(step=step))


@pytest.mark.parametrize(
    ("value", "dtype", "sentence"),
    [
        ("0.1", "float16", "float16 stores 0.1 as 0.0999755859375, 2.4e-5 too small (0.024%)."),
        ("2048", "float16", "float16 stores 2048 as it is."),
        ("1e-8", "float16", "stores 1e-8 as 0: its smallest positive number is 5.96e-8."),
        ("1e6", "float16", "float16 stores 1e6 as inf: its largest number is 65504."),
        ("1e6", "float8_e4m3fn", "stores 1e6 as 448, its largest: it has no infinity."),
        ("1 + 2**-11 + 2**-40", "float16", "is nearer: torch rounds to float32 first."),
    ],
)
def test_the_sentence_says_what_is_stored(value: str, dtype: str, sentence: str) -> None:
    assert ff.explain(ff.FloatFormats(value=value, dtype=dtype)).sentence.endswith(sentence)


SNIPPETS = [
    *(pytest.param(preset.parameters, id=preset.name) for preset in ff.PRESETS),
    pytest.param(ff.FloatFormats(value="-1e6", dtype="float8_e4m3fn", exponent=17), id="float8"),
    pytest.param(ff.FloatFormats(value="1/3", dtype="float64", exponent=40, step=20), id="float64"),
]


@pytest.mark.parametrize("parameters", SNIPPETS)
def test_the_code_gives_exactly_what_the_page_shows(
    parameters: ff.FloatFormats, tmp_path: Path, capsys
) -> None:
    file = tmp_path / "view.py"
    file.write_text(ff.snippet(parameters), encoding="utf-8")
    made, view = runpy.run_path(str(file)), ff.explain(parameters)
    for found in view.inspections:
        name, share = found.format.name, view.shares[found.format.name]
        assert made["stored"][name] == found.stored
        assert made["error"][name] == found.error
        assert made["shares"][name] == pytest.approx(
            [share.zero, share.subnormal, share.normal, share.infinite]
        )
    bits = view.chosen.bits
    assert made["bits"] == (bits.sign, bits.exponent, bits.mantissa)
    assert torch.equal(made["gradients"], view.gradients)
    assert f"bits of {parameters.dtype}: {bits}" in capsys.readouterr().out


def test_the_table_has_a_row_for_every_format() -> None:
    view = ff.explain(ff.FloatFormats(value="1e-6"))
    rows = list(csv.DictReader(io.StringIO(ff.table(view))))
    assert [row["format"] for row in rows] == list(ff.FORMATS)
    half = rows[2]
    assert float(half["stored"]) == view.chosen.stored
    assert half["kind"] == "subnormal"
    assert half["mantissa"] == "0000010001"
    assert sum(
        float(half[part]) for part in ("zero", "subnormal", "normal", "infinite")
    ) == pytest.approx(1)


# --- training ---


def test_narrow_weights_stand_still_where_float32_moves() -> None:
    runs = {held: list(ff.train(ff.Training(steps=400), held)) for held in ff.HELD}
    last = {held: reports[-1] for held, reports in runs.items()}
    assert last["float32"].still < 0.01
    assert last["bfloat16, float32 weights"].still < 0.01
    assert last["float16"].still > 0.5
    assert last["bfloat16"].still > last["float16"].still
    assert last["bfloat16"].loss > 1.5 * last["float32"].loss
    assert last["bfloat16, float32 weights"].loss == pytest.approx(last["float32"].loss, rel=0.02)
    for reports in runs.values():
        assert [report.done for report in reports] == list(range(0, 401, 25))
        assert math.isnan(reports[0].still)
        assert reports[0].loss == pytest.approx(2.04, abs=0.01)


def test_training_leaves_the_global_generator_alone_and_repeats() -> None:
    state = torch.get_rng_state()
    first, second = (list(ff.train(ff.Training(steps=100), "float16")) for _ in range(2))
    assert [each.loss for each in first] == [each.loss for each in second]
    assert torch.equal(state, torch.get_rng_state())


# --- bad input ---


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ff.bits(1.0, "float12"), "dtype must be one of float8_e4m3fn, float8_e5m2"),
        (lambda: ff.bits(1.0, torch.int32), "float64, got torch.int32"),
        (lambda: ff.representable([1.0], None), "dtype must be one of"),
        (lambda: ff.neighbours("1", "float16"), "value must be a number, got 1"),
        (lambda: ff.neighbours(math.nan, "float16"), "value must be a number, got nan"),
        (lambda: ff.rounded(True, "float16"), "value must be a number, got True"),
        (lambda: ff.spacing(None, "float16"), "value must be a number, got None"),
        (lambda: ff.representable(["a"], "float16"), "values must be real numbers"),
        (lambda: ff.representable(torch.tensor([1j]), "float16"), "values must be real numbers"),
        (lambda: ff.vanishing(math.inf), "update must be a finite number, got inf"),
        (lambda: ff.vanishing(weight=math.nan), "weight must be a number, got nan"),
        (lambda: ff.vanishing(steps=0), "steps must be a whole number from 1 to 10000, got 0"),
        (lambda: ff.vanishing(dtype="float8_e5m2"), "dtype must be one of float16, bfloat16"),
        (lambda: ff.vanishing(device="cuda:9"), "device must be one of cpu"),
        (lambda: ff.checks(device="cuda:9"), "device must be one of cpu"),
        (lambda: ff.claims(device="cuda:9"), "device must be one of cpu"),
        (lambda: ff.inspect(math.nan), "value must be a finite number, got nan"),
        (lambda: ff.inspect(math.inf), "value must be a finite number, got inf"),
        (lambda: ff.inspect("1"), "value must be a number, got 1"),
        (lambda: ff.inspect(1.0, device="cuda:9"), "device must be one of cpu"),
        (lambda: ff.numbers(math.nan, 1.0, "float16"), "low must be a number, got nan"),
        (lambda: ff.numbers(0.0, math.nan, "float16"), "high must be a number, got nan"),
        (lambda: ff.numbers(0.0, 1.0, "int8"), "dtype must be one of"),
        (lambda: ff.FloatFormats(dtype="half"), "dtype must be one of float8_e4m3fn"),
        (lambda: ff.FloatFormats(zoom=6), "zoom must be a whole number from 0 to 5, got 6"),
        (lambda: ff.FloatFormats(exponent=41), "exponent must be a whole number from -10 to 40"),
        (lambda: ff.FloatFormats(step=51), "step must be a whole number from 0 to 50, got 51"),
        (lambda: next(ff.train(ff.Training(), "float8_e5m2")), "dtype must be one of float32"),
        (lambda: next(ff.train(ff.Training(), "float32", device="cuda:9")), "device must be one"),
        (lambda: ff.Training(learning_rate="1"), "learning_rate must be one of"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


def test_an_integer_beyond_float64_is_infinite() -> None:
    assert ff.rounded(10**400, "float32") == math.inf
    assert ff.rounded(-(10**400), "float32") == -math.inf
