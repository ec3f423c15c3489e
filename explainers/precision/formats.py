"""Read what a floating-point format makes of numbers: bits, neighbours, rounding, shares."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor

from explainers import devices
from explainers.parameters import shown

Kind = Literal["zero", "subnormal", "normal", "infinite", "nan"]


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """Describe a binary floating-point format by the widths of its fields.

    Attributes:
        name: torch's name.
        exponent_bits: Width of the exponent.
        mantissa_bits: Width of the mantissa, without the leading 1 that is not stored.
        infinity: Whether it has a code for infinity.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    infinity: bool = True

    @property
    def dtype(self) -> torch.dtype:
        """The dtype."""
        found: torch.dtype = getattr(torch, self.name)
        return found

    @property
    def bits(self) -> int:
        """Width of a number."""
        return torch.finfo(self.dtype).bits

    @property
    def max(self) -> float:
        """Largest finite number, as `torch.finfo` has it."""
        return torch.finfo(self.dtype).max

    @property
    def smallest_normal(self) -> float:
        """Smallest positive number of full precision, as `torch.finfo` has it."""
        return torch.finfo(self.dtype).smallest_normal

    @property
    def eps(self) -> float:
        """Distance from 1 to the next larger number, as `torch.finfo` has it."""
        return torch.finfo(self.dtype).eps

    @property
    def smallest_subnormal(self) -> float:
        """Smallest positive number; `torch.finfo` does not have it."""
        return math.ldexp(1.0, self.smallest_exponent - self.mantissa_bits)

    @property
    def bias(self) -> int:
        """What is added to a number's exponent before it is stored."""
        return int(2 ** (self.exponent_bits - 1)) - 1

    @property
    def smallest_exponent(self) -> int:
        """Exponent of the smallest normal number, and of every subnormal one."""
        return 1 - self.bias


FORMATS: Mapping[str, Format] = {
    made.name: made
    for made in (
        Format("float8_e4m3fn", 4, 3, infinity=False),
        Format("float8_e5m2", 5, 2),
        Format("float16", 5, 10),
        Format("bfloat16", 8, 7),
        Format("float32", 8, 23),
        Format("float64", 11, 52),
    )
}

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

# Integers as wide as a number, to read its bytes.
_CODES = {8: torch.uint8, 16: torch.int16, 32: torch.int32, 64: torch.int64}


@dataclasses.dataclass(frozen=True, slots=True)
class Bits:
    """Hold the bits of one number as torch stores it.

    Attributes:
        value: The number that is stored.
        sign: "0" or "1".
        exponent: The exponent's bits, with the format's bias in it.
        mantissa: The mantissa's bits.
        kind: What these bits stand for.
    """

    value: float
    sign: str
    exponent: str
    mantissa: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.sign} {self.exponent} {self.mantissa}"


@dataclasses.dataclass(frozen=True, slots=True)
class FormatShare:
    """Say what becomes of numbers in a format.

    Attributes:
        zero: Share of the finite numbers other than 0 that become 0.
        subnormal: Share that is kept with fewer digits.
        normal: Share that is kept to the format's full precision.
        infinite: Share that rounds beyond the largest finite number.
        count: How many finite numbers other than 0 there were; without any, all shares are 0.
    """

    zero: float
    subnormal: float
    normal: float
    infinite: float
    count: int


def floating(dtype: str | torch.dtype, *, among: Sequence[str] = tuple(FORMATS)) -> Format:
    """Return the format of a dtype.

    Args:
        dtype: torch's name or the dtype itself.
        among: The names that are allowed.

    Raises:
        ValueError: `dtype` is none of these.
    """
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, str | torch.dtype) else ""
    if name not in among:
        value = str(dtype) if isinstance(dtype, torch.dtype) else dtype
        raise ValueError(f"dtype must be one of {', '.join(among)}, got {shown(value)}")
    return FORMATS[name]


def rounded(value: float, dtype: str | torch.dtype) -> float:
    """Return the number of a format that is nearest; a tie goes to the even mantissa.

    Beyond the largest finite number that is infinity, or the largest number itself in a format
    without infinity, as torch stores it.

    Args:
        value: Any real number; NaN stays NaN.
        dtype: torch's name or the dtype itself.

    Raises:
        ValueError: `value` is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    return _rounded(real(value), format_)


def spacing(value: float, dtype: str | torch.dtype) -> float:
    """Return the distance from the nearest number of a format to the next one away from 0.

    Args:
        value: Any number but NaN; beyond the format's range, the distance at its end.
        dtype: torch's name or the dtype itself.

    Raises:
        ValueError: `value` is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    near = min(abs(_rounded(real(value, nan=False), format_)), format_.max)
    return math.ldexp(1.0, _last_place(near, format_))


def neighbours(value: float, dtype: str | torch.dtype) -> tuple[float, float, float]:
    """Return the nearest number of a format between the one below it and the one above it.

    Args:
        value: Any number but NaN.
        dtype: torch's name or the dtype itself.

    Returns:
        Below, nearest, above. Where the format ends stands what its next code is: infinity, or
        NaN in a format without it. Infinity's own other neighbour is infinity.

    Raises:
        ValueError: `value` is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    nearest = _rounded(real(value, nan=False), format_)
    return -_above(-nearest, format_), nearest, _above(nearest, format_)


def bits(value: float, dtype: str | torch.dtype) -> Bits:
    """Return the bits of the nearest number of a format, read from torch's own bytes.

    Args:
        value: Any real number, infinity or NaN.
        dtype: torch's name or the dtype itself.

    Raises:
        ValueError: `value` is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    nearest = _rounded(real(value), format_)
    text = f"{_code(nearest, format_):0{format_.bits}b}"
    cut = 1 + format_.exponent_bits
    return Bits(nearest, text[0], text[1:cut], text[cut:], kind_of(nearest, format_))


def numbers(low: float, high: float, dtype: str | torch.dtype, *, most: int = 64) -> Tensor | None:
    """Return every number of a format from `low` to `high`, in order.

    Args:
        low: Least, not NaN.
        high: Greatest, not NaN.
        dtype: torch's name or the dtype itself.
        most: How many at most.

    Returns:
        Tensor ``(n,)`` float64, 0 once; None where there are more than `most`.

    Raises:
        ValueError: A bound is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    first = -_place(-real(low, nan=False, name="low"), format_)
    last = _place(real(high, nan=False, name="high"), format_)
    if last - first >= most:
        return None
    places = torch.arange(first, last + 1)
    found = places.abs().to(_CODES[format_.bits]).view(format_.dtype).double()
    # float64 codes need all of int64, and 0 must not be -0.
    return torch.where(places < 0, -found, found)


def representable(values: Tensor | Sequence[float], dtype: str | torch.dtype) -> FormatShare:
    """Say which shares of the finite numbers other than 0 a format keeps, dulls and loses.

    Args:
        values: Real numbers in any shape; 0, infinity and NaN are passed over.
        dtype: torch's name or the dtype itself.

    Returns:
        Shares that add up to 1. Rounding is exact, ties to even, from float64; a number that
        rounds beyond the largest is infinite, also where torch stores the largest in its place.

    Raises:
        ValueError: `values` are no real numbers, `dtype` no format.
    """
    format_ = floating(dtype)
    size = _reals(values).abs()
    size = size[(size > 0) & size.isfinite()]
    if not len(size):
        return FormatShare(0.0, 0.0, 0.0, 0.0, 0)
    near = _nearest(size, format_)
    zero = near == 0
    infinite = near > format_.max
    subnormal = ~zero & (near < format_.smallest_normal)
    shares = [float(part.double().mean()) for part in (zero, subnormal, infinite)]
    normal = float((~(zero | subnormal | infinite)).double().mean())
    return FormatShare(shares[0], shares[1], normal, shares[2], len(size))


@dataclasses.dataclass(frozen=True, slots=True)
class Inspection:
    """Hold what a format makes of a number.

    Attributes:
        exact: The number that was asked for.
        format: The format.
        bits: The bits of what torch stores, and that number itself.
        below: The next smaller number than `nearest`; beyond the format's end as `neighbours` says.
        nearest: The nearest number of the format; a tie goes to the even mantissa.
        above: The next larger number than `nearest`, likewise.
        spacing: Distance from `nearest` to the next number away from 0.
    """

    exact: Fraction
    format: Format
    bits: Bits
    below: float
    nearest: float
    above: float
    spacing: float

    @property
    def value(self) -> float:
        """The number that was asked for, as a Python float has it."""
        return float(self.exact)

    @property
    def stored(self) -> float:
        """What torch stores."""
        return self.bits.value

    @property
    def held(self) -> bool:
        """Whether what is stored is the number itself, down to its last digit."""
        # `error` may be 0 without it: a float has no 2**-1990.
        return math.isfinite(self.stored) and Fraction(self.stored) == self.exact

    @property
    def error(self) -> float:
        """What rounding added: stored less asked."""
        if math.isinf(self.stored):
            return self.stored
        return float(Fraction(self.stored) - self.exact)

    @property
    def relative_error(self) -> float:
        """The error's size over the number's; 0 for 0, which every format holds."""
        if not self.exact or math.isinf(self.stored):
            return abs(self.error)
        return float(abs((Fraction(self.stored) - self.exact) / self.exact))

    @property
    def twice_rounded(self) -> bool:
        """Whether torch went through float32 and landed beside the nearest."""
        return self.stored != self.nearest

    @property
    def saturated(self) -> bool:
        """Whether the largest number stands in for one that rounds beyond it."""
        last_gap = math.ldexp(1.0, _last_place(self.format.max, self.format))
        beyond = abs(self.exact) > self.format.max + Fraction(last_gap) / 2
        return beyond and not self.format.infinity

    @property
    def spelled(self) -> str:
        """What torch stores, in Python's words; in more digits where they hide the error."""
        text = plain(self.stored)
        finite = math.isfinite(self.stored)
        hidden = finite and not self.held and Fraction(text) == self.exact
        return f"{self.stored:.20g}" if hidden else text

    @property
    def labels(self) -> tuple[str, str, str]:
        """`below`, `nearest` and `above` in few digits that still name each, in equal decimals."""
        values = (self.below, self.nearest, self.above)
        texts = [_short(each, self.format) for each in values]
        finite = [text for value, text in zip(values, texts, strict=True) if math.isfinite(value)]
        if not any("e" in text for text in finite):
            decimals = max(len(text.partition(".")[2]) for text in finite)
            texts = [
                f"{value:.{decimals}f}" if math.isfinite(value) else text
                for value, text in zip(values, texts, strict=True)
            ]
        return texts[0], texts[1], texts[2]

    @property
    def terms(self) -> tuple[float, int]:
        """Significand and power: the size of what is stored is significand * 2**power.

        The significand is exact: 1.m of a normal number, 0.m of a subnormal one.
        """
        exponent = int(self.bits.exponent, 2)
        leading = (1 << self.format.mantissa_bits) if exponent else 0
        whole = leading + int(self.bits.mantissa, 2)
        return (
            math.ldexp(whole, -self.format.mantissa_bits),
            max(exponent, 1) - self.format.bias,
        )


def inspect(
    value: float | Fraction, dtype: str | torch.dtype = "float16", *, device: str = "cpu"
) -> Inspection:
    """Return what a format makes of a number: bits, neighbours, rounding.

    Args:
        value: A finite real number. torch reads a Python float, so a fraction becomes one first.
        dtype: torch's name or the dtype itself.
        device: Where torch casts.

    Raises:
        ValueError: `value` is no finite number, `dtype` no format, `device` not there.
    """
    format_ = floating(dtype)
    where = devices.device(device)
    read = float(value) if isinstance(value, Fraction) else real(value)
    if not math.isfinite(read):
        raise ValueError(f"value must be a finite number, got {shown(value)}")
    below, nearest, above = neighbours(read, format_.name)
    wide = torch.tensor(read, dtype=torch.float64)
    if format_.bits < 64:
        # torch's own cast passes through float32; said aloud, for MPS has no float64.
        wide = wide.float().to(where)
    stored = float(wide.to(format_.dtype).cpu().double())
    return Inspection(
        exact=value if isinstance(value, Fraction) else Fraction(read),
        format=format_,
        bits=bits(stored, format_.name),
        below=below,
        nearest=nearest,
        above=above,
        spacing=spacing(read, format_.name),
    )


def power(exponent: int) -> str:
    """Return 2 to a whole power as prose writes it: 2⁻¹²."""
    return f"2{str(exponent).translate(_SUPERSCRIPT)}"


def brief(value: float, digits: int = 2) -> str:
    """Return a number in few digits, its power of ten as short as it goes: 2.4e-5."""
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e")


def plain(value: float) -> str:
    """Return a number as Python writes it, a whole one without a point."""
    return repr(value).removesuffix(".0")


def _short(value: float, format_: Format) -> str:
    """Return few digits that tell a number of the format from all others, and from what is near."""
    text = "NaN" if math.isnan(value) else plain(value)
    if not math.isfinite(value) or len(text) <= 9:
        return text
    gap = math.ldexp(1.0, _last_place(abs(value), format_))
    for digits in range(3, 20):
        fewer = f"{value:.{digits}g}"
        if abs(Fraction(fewer) - Fraction(value)) < gap / 16:
            return fewer
    return text


def real(value: float, *, nan: bool = True, name: str = "value") -> float:
    """Return a number as float64; an integer beyond it is infinite.

    Raises:
        ValueError: `value` is no number, or NaN without `nan`; the sentence says `name`.
    """
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        value = value.item()
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            # An int beyond float64.
            found = math.inf if value > 0 else -math.inf
        if nan or not math.isnan(found):
            return found
    raise ValueError(f"{name} must be a number, got {shown(value)}")


def _reals(values: Tensor | Sequence[float]) -> Tensor:
    try:
        found = torch.as_tensor(values)
        if found.is_complex():
            raise TypeError
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"values must be real numbers, got {shown(values)}") from None
    # MPS has no float64.
    return found.detach().cpu().flatten().double()


def _last_place(size: float, format_: Format) -> int:
    """Return the exponent of the last bit of a number of that size."""
    exponent = math.frexp(size)[1] - 1 if size else format_.smallest_exponent
    return max(exponent, format_.smallest_exponent) - format_.mantissa_bits


def _rounded(value: float, format_: Format) -> float:
    if math.isnan(value):
        return value
    near = abs(value)
    # A float64 is one already, and ldexp would overflow on what is far beyond the largest number.
    if format_.name != "float64" and near < 2 * format_.max:
        last = _last_place(near, format_)
        # Python's round goes to even, and ldexp by a power of two is exact.
        near = math.ldexp(round(math.ldexp(near, -last)), last)
    if near > format_.max:
        near = math.inf if format_.infinity else format_.max
    return math.copysign(near, value)


def _nearest(size: Tensor, format_: Format) -> Tensor:
    """Return `_rounded` of many finite numbers above 0, but beyond the largest as it comes."""
    if format_.name == "float64":
        return size
    # The power of two at or below each size; exp2 may be off in the last digit, a quotient is not.
    power = size / (2 * torch.frexp(size).mantissa)
    last = power.clamp(min=format_.smallest_normal) * 2.0**-format_.mantissa_bits
    return torch.round(size / last) * last


def _above(value: float, format_: Format) -> float:
    """Return the next larger number of the format: one code further, as the bytes count."""
    if value in (math.inf, format_.max):
        return math.inf if format_.infinity else math.nan
    if value == -math.inf:
        return -format_.max
    if value == 0:
        return format_.smallest_subnormal
    code = _code(abs(value), format_)
    stepped = torch.tensor(code + (1 if value > 0 else -1), dtype=_CODES[format_.bits])
    return math.copysign(float(stepped.view(format_.dtype).double()), value)


def _code(value: float, format_: Format) -> int:
    """Return torch's bytes of a number of the format as one integer, not negative."""
    stored = torch.tensor(value, dtype=torch.float64).to(format_.dtype)
    return int(stored.view(_CODES[format_.bits])) % (1 << format_.bits)


def _place(value: float, format_: Format) -> int:
    """Return which number of the format, counted from 0, is the last at or below `value`."""
    value = min(value, format_.max)
    if value < -format_.max:
        return -_code(format_.max, format_) - 1
    nearest = _rounded(value, format_)
    place = _code(abs(nearest), format_) * (1 if nearest > 0 else -1)
    return place - (nearest > value)


def kind_of(value: float, format_: Format) -> Kind:
    """Return what a number of the format is."""
    size = abs(value)
    if math.isnan(value):
        return "nan"
    if size == 0:
        return "zero"
    if size == math.inf:
        return "infinite"
    return "normal" if size >= format_.smallest_normal else "subnormal"
