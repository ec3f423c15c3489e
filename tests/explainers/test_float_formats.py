"""Formats, rounding and shares, against numpy, torch's casts and arithmetic on codes."""

import dataclasses
import math
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explainers import float_formats as ff
from explainers.evidence import Verdict

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
    assert below == (numbers[at - 1] if at else -math.inf)
    assert above == (numbers[at + 1] if at + 1 < len(numbers) else math.inf)


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
    assert ff.neighbours(448.0, "float8_e4m3fn") == (416.0, 448.0, math.inf)


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


def test_what_a_format_makes_of_a_typed_number() -> None:
    found = ff.inspect(ff.Inspect(value=0.1, dtype="float16"))
    assert found.below < found.nearest < 0.1 < found.above
    assert found.error == pytest.approx(-2.44140625e-05)


def test_the_formats_prove_themselves_and_answer_their_question() -> None:
    checks, claims = ff.checks(), ff.claims()
    assert len(checks) >= 9
    assert all(check.holds for check in checks)
    assert [claim.verdict for claim in claims] == [Verdict.HOLDS] * 5
    assert ff.question().answer == "1: none arrives"


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
        (lambda: ff.Inspect(value=1e9), "value must be a number from -1e"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


def test_an_integer_beyond_float64_is_infinite() -> None:
    assert ff.rounded(10**400, "float32") == math.inf
    assert ff.rounded(-(10**400), "float32") == -math.inf
