"""Explain floating-point formats: bits, neighbours, rounding, and what each format cannot hold."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import Check, Claim, Question, Verdict, largest_difference
from explainers.parameters import Parameters, choice, number, shown

Kind = Literal["zero", "subnormal", "normal", "infinite", "nan"]

REFERENCES: tuple[tuple[str, str], ...] = (
    (
        "torch documentation, torch.finfo",
        "https://docs.pytorch.org/docs/stable/type_info.html#torch.torch.finfo",
    ),
    (
        "torch documentation, tensor dtypes",
        "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype",
    ),
    (
        "Micikevicius et al., FP8 Formats for Deep Learning, arXiv:2209.05433",
        "https://arxiv.org/abs/2209.05433",
    ),
    (
        "Micikevicius et al., Mixed Precision Training, arXiv:1710.03740",
        "https://arxiv.org/abs/1710.03740",
    ),
)


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
    return _rounded(_real(value), format_)


def spacing(value: float, dtype: str | torch.dtype) -> float:
    """Return the distance from the nearest number of a format to the next one away from 0.

    Args:
        value: Any number but NaN; beyond the format's range, the distance at its end.
        dtype: torch's name or the dtype itself.

    Raises:
        ValueError: `value` is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    near = min(abs(_rounded(_real(value, nan=False), format_)), format_.max)
    return math.ldexp(1.0, _last_place(near, format_))


def neighbours(value: float, dtype: str | torch.dtype) -> tuple[float, float, float]:
    """Return the nearest number of a format between the one below it and the one above it.

    Args:
        value: Any number but NaN.
        dtype: torch's name or the dtype itself.

    Returns:
        Below, nearest, above. Infinity stands where the format ends; infinity's own other
        neighbour is infinity.

    Raises:
        ValueError: `value` is no number, `dtype` no format.
    """
    format_ = floating(dtype)
    nearest = _rounded(_real(value, nan=False), format_)
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
    nearest = _rounded(_real(value), format_)
    text = f"{_code(nearest, format_):0{format_.bits}b}"
    cut = 1 + format_.exponent_bits
    return Bits(nearest, text[0], text[1:cut], text[cut:], _kind(nearest, format_))


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


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class VanishingUpdate:
    """Hold a weight that is given the same small update again and again.

    Attributes:
        weight: Tensor ``(steps + 1,)`` float64: the weight before the first and after each update.
        exact: Tensor ``(steps + 1,)`` float64: the same in exact arithmetic, as far as float64 is.
        gap: Distance from the first weight to the next larger number of the format.
        update: The update as the format holds it.
    """

    weight: Tensor
    exact: Tensor
    gap: float
    update: float

    @property
    def moved(self) -> bool:
        """Whether the weight has changed at all."""
        return bool((self.weight != self.weight[0]).any())


def vanishing(
    update: float = 2.0**-12,
    *,
    weight: float = 1.0,
    steps: int = 1000,
    dtype: str | torch.dtype = "float16",
    device: str = "cpu",
) -> VanishingUpdate:
    """Add the same small update to a weight, in a format.

    Args:
        update: What is added each time.
        weight: Where it starts.
        steps: How often, 1 to 10000.
        dtype: torch's name of float16, bfloat16, float32 or float64, or the dtype; torch does no
            arithmetic in float8.
        device: Where torch adds.

    Raises:
        ValueError: A number is not finite, `steps` out of bounds, `dtype` no such format.
    """
    format_ = floating(dtype, among=("float16", "bfloat16", "float32", "float64"))
    where = devices.device(device)
    start, added = (
        _real(part, nan=False, name=name) for name, part in (("weight", weight), ("update", update))
    )
    for name, part in (("weight", start), ("update", added)):
        if not math.isfinite(part):
            raise ValueError(f"{name} must be a finite number, got {shown(part)}")
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= 10000:
        raise ValueError(f"steps must be a whole number from 1 to 10000, got {shown(steps)}")
    moving = torch.tensor(_rounded(start, format_), dtype=format_.dtype, device=where)
    step = torch.tensor(_rounded(added, format_), dtype=format_.dtype, device=where)
    path = torch.empty(steps + 1, dtype=format_.dtype, device=where)
    path[0] = moving
    for index in range(steps):
        moving += step
        path[index + 1] = moving
    return VanishingUpdate(
        weight=path.cpu().double(),
        exact=start + added * torch.arange(steps + 1, dtype=torch.float64),
        gap=spacing(start, format_.name),
        update=float(step),
    )


@dataclasses.dataclass(frozen=True)
class Inspect(Parameters):
    """Hold a number, and the format that is asked to hold it."""

    value: float = number(
        0.1,
        label="number",
        help="What you would like to store.",
        minimum=-1e6,
        maximum=1e6,
        step=0.1,
    )
    dtype: str = choice(
        "float16",
        tuple(FORMATS),
        label="dtype",
        help="torch's name of the format.",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Inspection:
    """Hold what a format makes of a number.

    Attributes:
        value: The number that was asked for.
        bits: The bits of what is stored.
        below: The next smaller number of the format.
        nearest: What is stored.
        above: The next larger number of the format.
        spacing: Distance from `nearest` to the next number away from 0.
    """

    value: float
    bits: Bits
    below: float
    nearest: float
    above: float
    spacing: float

    @property
    def error(self) -> float:
        """What rounding added: stored less asked."""
        return self.nearest - self.value


def inspect(parameters: Inspect) -> Inspection:
    """Return what a format makes of a number: bits, neighbours, rounding."""
    value, dtype = parameters.value, parameters.dtype
    below, nearest, above = neighbours(value, dtype)
    return Inspection(
        value=value,
        bits=bits(value, dtype),
        below=below,
        nearest=nearest,
        above=above,
        spacing=spacing(value, dtype),
    )


def question(*, device: str = "cpu") -> Question:
    """Ask what becomes of a weight of 1 in float16 that is given a thousand updates of 2**-12."""
    found = {
        dtype: vanishing(dtype=dtype, device=device).weight[-1] for dtype in ("float16", "float32")
    }
    options = ("1.244: the sum of all updates", "1.122: half of them are lost", "1: none arrives")
    at = {1.2441: options[0], 1.1221: options[1], 1.0: options[2]}
    last = float(found["float16"])
    return Question(
        "A float16 weight of 1 is given 1000 updates of 2**-12 (0.000244). Where does it end?",
        options,
        at[min(at, key=lambda end: abs(end - last))],
        f"torch gives {last:.6g} in float16 and {float(found['float32']):.6g} in float32. The next "
        f"float16 number above 1 is {neighbours(1.0, 'float16')[2]:.10g}; an update of less than "
        "half that distance is rounded away, each time.",
    )


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Compare the formats with `torch.finfo`, and rounding and bits with torch's own casts.

    Args:
        device: Where torch casts.
    """
    where = devices.device(device)
    return (
        _finfo_check(),
        *(_cast_check(format_, where) for format_ in FORMATS.values() if format_.bits < 64),
        _bits_check(),
        _neighbours_check(),
        _share_check(where),
    )


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge what the notes say of float16's limits by what torch gives now.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        _overflow_claim(where),
        _rounding_claim(device),
        _epsilon_claim(where),
        _sum_claim(where),
        _softmax_claim(where),
    )


def _real(value: float, *, nan: bool = True, name: str = "value") -> float:
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
        return math.inf
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


def _kind(value: float, format_: Format) -> Kind:
    size = abs(value)
    if math.isnan(value):
        return "nan"
    if size == 0:
        return "zero"
    if size == math.inf:
        return "infinite"
    return "normal" if size >= format_.smallest_normal else "subnormal"


def _finfo_check() -> Check:
    error = 0.0
    for format_ in FORMATS.values():
        # Without infinity the top exponent counts; its last mantissa is NaN.
        top = format_.bias if format_.infinity else format_.bias + 1
        last = 1 if format_.infinity else 2
        # In two steps, or float64's would pass through 2**1024.
        largest = (2.0 - last * 2.0**-format_.mantissa_bits) * 2.0**top
        expected = (
            1 + format_.exponent_bits + format_.mantissa_bits,
            largest,
            2.0**format_.smallest_exponent,
            2.0**-format_.mantissa_bits,
        )
        given = (format_.bits, format_.max, format_.smallest_normal, format_.eps)
        error = max(error, *(abs(a / b - 1) for a, b in zip(given, expected, strict=True)))
    return Check(
        "torch.finfo follows from the widths of exponent and mantissa, for all six formats",
        "(2 - 2**-m) * 2**bias, 2**(1 - bias), 2**-m, in Python",
        error,
        0.0,
        "float8_e4m3fn alone has no infinity: its last exponent holds numbers, and one NaN.",
    )


def _probes(format_: Format) -> Tensor:
    """Return float32 numbers around every turn of a format, with both signs."""
    spread = torch.exp2(torch.linspace(-30, 20, 2001))
    ends = torch.tensor(
        [format_.max, format_.smallest_normal, format_.smallest_subnormal, 1.0], dtype=torch.float64
    )
    near = ends[:, None] * torch.tensor([0.5, 0.51, 0.75, 1.0, 1.02, 1.03, 1.0358, 1.5, 2.0])
    probes = torch.cat([spread, near.flatten().float()])
    probes = probes[probes.isfinite() & (probes != 0)]
    return torch.cat([probes, -probes])


def _cast_check(format_: Format, where: torch.device) -> Check:
    probes = _probes(format_)
    torchs = probes.to(where).to(format_.dtype).cpu().double()
    ours = torch.tensor([_rounded(value, format_) for value in probes.tolist()]).double()
    both = torchs.isfinite() & ours.isfinite()
    agree = (torchs == ours) | both
    # Relative to the number, or to the smallest one where it is 0.
    unit = ours[both].abs().clamp(min=format_.smallest_subnormal)
    error = largest_difference(torchs[both] / unit, ours[both] / unit)
    return Check(
        f"tensor.to({format_.name}) gives the nearest number, and the even one in a tie",
        f"exact rounding in Python, {len(probes)} numbers of float32",
        error if bool(agree.all()) else math.inf,
        0.0,
        "Beyond 448, torch stores 448: the format has no infinity." if not format_.infinity else "",
    )


def _bits_check() -> Check:
    error = 0.0
    for format_ in FORMATS.values():
        for value in (0.0, 1.0, -1.5, 0.1, math.pi, format_.max, format_.smallest_subnormal * 3):
            found = bits(value, format_.name)
            exponent, mantissa = int(found.exponent, 2), int(found.mantissa, 2)
            scale = max(exponent, 1) - format_.bias - format_.mantissa_bits
            whole = mantissa + ((1 << format_.mantissa_bits) if exponent else 0)
            read = math.ldexp(float(whole), scale) * (-1 if found.sign == "1" else 1)
            error = max(error, abs(read - found.value) / max(abs(found.value), 1e-300))
    return Check(
        "The bits are the number: (-1)**sign * 1.mantissa * 2**(exponent - bias)",
        "the fields of torch's bytes, put together in Python",
        error,
        0.0,
    )


def _neighbours_check() -> Check:
    error = 0.0
    for format_ in FORMATS.values():
        if format_.bits not in (32, 64):
            continue
        values = torch.tensor([1.0, 0.1, -2.0, 0.0, 1e-40, 3.4e38], dtype=format_.dtype)
        towards = torch.full_like(values, math.inf)
        for value, up, down in zip(
            values.tolist(),
            torch.nextafter(values, towards).tolist(),
            torch.nextafter(values, -towards).tolist(),
            strict=True,
        ):
            below, _, above = neighbours(value, format_.name)
            error = max(error, abs(above - up), abs(below - down))
    return Check(
        "The neighbours of a number are one code of torch's bytes away",
        "torch.nextafter in float32 and float64",
        error,
        0.0,
    )


def _share_check(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    values = torch.exp2(30 * torch.randn(4096, generator=generator))
    error = 0.0
    for name in ("float8_e5m2", "float16", "bfloat16", "float32"):
        format_ = FORMATS[name]
        cast = values.to(where).to(format_.dtype).cpu().double()
        kinds = [_kind(value, format_) for value in cast.tolist()]
        share = representable(values, name)
        for kind in ("zero", "subnormal", "normal", "infinite"):
            error = max(error, abs(kinds.count(kind) / len(kinds) - getattr(share, kind)))
    return Check(
        "The shares of zero, subnormal, normal and infinite are those of torch's casts",
        "4096 numbers from 2**-100 to 2**100, cast by torch and counted one by one",
        error,
        1e-12,
    )


def _overflow_claim(where: torch.device) -> Claim:
    big = torch.tensor([65519.0, 65520.0], device=where).half()
    tiny = torch.tensor([2.0**-25, 2.0**-25 * 1.01], device=where).half()
    both = not math.isfinite(big[1]) and tiny[0] == 0
    difference = float(big[1] - big[1])
    return Claim(
        "float16 has overflow errors, above and below; after an overflow come NaNs.",
        "Why use amp: drawbacks",
        Verdict.HOLDS if both and math.isnan(difference) else Verdict.WRONG,
        f"65519 becomes {float(big[0]):g}, 65520 {float(big[1]):g}, and inf - inf "
        f"{difference:g}; 2**-25 becomes {float(tiny[0]):g}, a little more {float(tiny[1]):.3g}.",
        "True. float16 holds sizes from 2**-24 (6e-8) to 65504; below 2**-14 with fewer digits.",
    )


def _rounding_claim(device: str) -> Claim:
    ends = {
        dtype: float(vanishing(4e-4, dtype=dtype, device=device).weight[-1])
        for dtype in ("float16", "bfloat16", "float32")
    }
    return Claim(
        "Rounding errors: where the gradient is too small, the update may fail.",
        "Why use amp: drawbacks",
        Verdict.HOLDS if ends["float16"] == 1 and ends["float32"] > 1.39 else Verdict.WRONG,
        "A weight of 1 after 1000 updates of 0.0004: "
        + ", ".join(f"{dtype} {end:.6g}" for dtype, end in ends.items())
        + ".",
        "True: above 1, float16 numbers are 0.00098 apart, and less than half of that is rounded "
        "away. So the weights stay float32 under autocast.",
    )


def _epsilon_claim(where: torch.device) -> Claim:
    one, zero = (torch.tensor(value, dtype=torch.half, device=where) for value in (1.0, 0.0))
    quotients = {eps: float(one / (zero + eps)) for eps in (1e-8, 1e-4)}
    stored = float(torch.tensor(1e-8, device=where).half())
    return Claim(
        "Constants such as epsilon must not overflow.",
        "Notes of caution: range of constants",
        Verdict.HOLDS if stored == 0 and quotients[1e-8] == math.inf else Verdict.WRONG,
        f"1e-8 in float16 is {stored:g}; 1 / (0 + eps) is "
        + ", ".join(f"{value:g} for {eps:g}" for eps, value in quotients.items())
        + ".",
        "True, and it is underflow: an epsilon below 2**-25 is 0 and guards nothing.",
    )


def _sum_claim(where: torch.device) -> Claim:
    ones = torch.ones(70000, dtype=torch.half, device=where)
    total, wide = float(ones.sum()), float(ones.sum(dtype=torch.float32))
    mean, square = float(ones.mean()), float((300 * ones[:1]).square())
    return Claim(
        "Take care with sums: they overflow easily.",
        "Notes of caution: sum",
        Verdict.HOLDS if math.isinf(total) and wide == 70000 else Verdict.WRONG,
        f"The sum of 70000 ones is {total:g} in float16, {wide:g} with dtype=float32, their mean "
        f"{mean:g}; 300 squared is {square:g}.",
        "True of the result. Inside, torch adds up in float32, so the mean is right; autocast on "
        "CUDA also returns sums in float32.",
    )


def _softmax_claim(where: torch.device) -> Claim:
    logits = torch.tensor([12.0, 1.0], dtype=torch.half, device=where)
    naive = (logits.exp() / logits.exp().sum()).tolist()
    official = logits.softmax(0).tolist()
    held = math.isnan(naive[0]) and abs(sum(official) - 1) < 1e-3
    return Claim(
        "For softmax use the official API.",
        "Notes of caution: sum",
        Verdict.HOLDS if held else Verdict.WRONG,
        f"Logits 12 and 1: exp over its sum gives {naive[0]:g} and {naive[1]:g}, torch.softmax "
        f"{official[0]:g} and {official[1]:.3g}.",
        "True: torch subtracts the largest logit first. exp(12) is above 65504.",
    )
