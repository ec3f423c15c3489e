"""Compare the formats with `torch.finfo`, and rounding and bits with references."""

import math
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference
from explainers.precision.float_formats.vanishing import vanishing
from explainers.precision.formats import (
    FORMATS,
    Format,
    bits,
    kind_of,
    neighbours,
    numbers,
    power,
    representable,
    rounded,
    spacing,
)

if TYPE_CHECKING:
    from explainers.precision.float_formats.view import View


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
        _numbers_check(),
        _twice_check(where),
        _brain_check(where),
        _sum_check(where),
        _vanishing_check(device),
        _underflow_check(where),
    )


def view_checks(view: "View", *, device: str = "cpu") -> tuple[Check, ...]:
    """Check what a view shows, by arithmetic in fractions and by torch's own casts.

    Args:
        view: What `explain` returned.
        device: Where torch casts.
    """
    where = devices.device(device)
    found = view.chosen
    name, spacing = found.format.name, found.spacing
    twice = rounded(
        rounded(found.value, "float32") if found.format.bits < 64 else found.value, name
    )
    # MPS reads no Python float as float64.
    torchs = (
        float(torch.tensor(found.value, dtype=found.format.dtype, device=where).double())
        if where.type != "mps"
        else found.stored
    )
    return (
        _nearest_view_check(view),
        _bits_view_check(view),
        Check(
            f"torch.tensor({view.parameters.value}, dtype=torch.{name}) holds what is shown",
            "rounded to float32, then to the format, in Python; in spacings",
            (_apart(found.stored, twice) + _apart(torchs, twice)) / spacing,
            0.0,
            "torch rounds Python floats twice, by way of float32." if found.twice_rounded else "",
            kind=Kind.INDEPENDENT,
        ),
        _share_view_check(view, where),
    )


def _apart(a: float, b: float) -> float:
    """Return |a - b|; 0 for two equal infinities."""
    return 0.0 if a == b else abs(a - b)


def _nearest_view_check(view: "View") -> Check:
    found = view.chosen
    inside = [number for number in (found.below, found.nearest, found.above) if isfinite(number)]
    least = min(abs(Fraction(number) - Fraction(found.value)) for number in inside)
    own = abs(Fraction(found.nearest) - Fraction(found.value)) if isfinite(found.nearest) else least
    return Check(
        "No number of the format is nearer",
        "distances to the codes beside it, as fractions, in spacings",
        float((own - least) / Fraction(found.spacing)),
        0.0,
        "Past the largest comes infinity, or the largest itself."
        if abs(found.value) > found.format.max
        else "",
        kind=Kind.INDEPENDENT,
    )


def _bits_view_check(view: "View") -> Check:
    error = 0.0
    for found in view.inspections:
        if not isfinite(found.stored):
            continue
        bits_, format_ = found.bits, found.format
        exponent = int(bits_.exponent, 2)
        whole = Fraction(int(bits_.mantissa, 2), 2**format_.mantissa_bits) + (exponent > 0)
        power = Fraction(2) ** (max(exponent, 1) - format_.bias)
        read = (-1) ** int(bits_.sign) * whole * power
        error = max(error, float(abs(read - Fraction(found.stored)) / power))
    return Check(
        "All six formats' bits add up to what they store",
        "(-1)**sign * 1.mantissa * 2**(exponent - bias), as fractions",
        error,
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _share_view_check(view: "View", where: torch.device) -> Check:
    error = 0.0
    size = (view.gradients.double() * view.scale).abs()
    size = size[size > 0].float()
    for name, share in view.shares.items():
        format_ = FORMATS[name]
        if format_.bits == 64 and where.type == "mps":
            continue
        cast = size.to(where).to(format_.dtype).cpu().double()
        infinite = cast.isinf() if format_.infinity else size > 464
        zero, small = cast == 0, cast < format_.smallest_normal
        for part, mine in (
            (zero, share.zero),
            (small & ~zero, share.subnormal),
            (infinite, share.infinite),
            (~(small | infinite), share.normal),
        ):
            error = max(error, abs(float(part.double().mean()) - mine))
    return Check(
        "All six formats' shares are those of torch's casts",
        f"{len(size)} gradients, cast by torch and counted",
        error,
        1e-12,
        kind=Kind.ANOTHER_PATH,
    )


def _numbers_check() -> Check:
    wrong = 0
    found = numbers(-3.0, 1.5, "float16", most=2**16)
    assert found is not None
    every = torch.from_numpy(np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float64))
    expected = every[(every >= -3.0) & (every <= 1.5)].unique()
    wrong = len(found) if found.shape != expected.shape else int((found != expected).sum())
    return Check(
        "Every float16 number between two bounds is found",
        "numpy.float16, all 65536 codes",
        float(wrong),
        0.0,
        f"{len(found)} from -3 to 1.5: half of all lie between -1 and 1.",
        kind=Kind.INDEPENDENT,
    )


def _twice_check(where: torch.device) -> Check:
    # Just above the middle between two float16 numbers, by less than float32 can hold.
    values = [1 + 2.0**-11 + 2.0**-40, 3 + 2.0**-10 + 2.0**-38, 0.1]
    torchs = [float(torch.tensor(value, dtype=torch.half, device=where)) for value in values]
    expected = [rounded(rounded(value, "float32"), "float16") for value in values]
    once = [float(np.float16(value)) for value in values]
    return Check(
        "Python floats round to float32 first, then to float16",
        "exact rounding in Python, twice",
        max(abs(a - b) for a, b in zip(torchs, expected, strict=True)),
        0.0,
        f"numpy rounds once: {sum(a != b for a, b in zip(torchs, once, strict=True))} of "
        f"{len(values)} numbers differ, by one step.",
        kind=Kind.INDEPENDENT,
    )


def _brain_check(where: torch.device) -> Check:
    values = _probes(FORMATS["bfloat16"]).float()
    # The upper half of float32's bytes, after half of the lower one is added; ties to even.
    codes = values.numpy().view(np.uint32).astype(np.int64)
    codes = (codes + 0x7FFF + ((codes >> 16) & 1)) >> 16
    torchs = values.to(where).to(torch.bfloat16).cpu()
    apart = (torchs.view(torch.int16).numpy().view(np.uint16) != codes).sum()
    return Check(
        "bfloat16 is float32's upper half, rounded",
        f"numpy: whole numbers on the bytes of {len(values)} float32 numbers",
        float(apart),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _sum_check(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(4096, generator=generator).half()
    exact = sum(Fraction(value) for value in values.double().tolist())
    torchs = float(values.to(where).sum())
    total = np.float16(0)
    for value in values.numpy():
        total = np.float16(total + value)
    step = spacing(float(exact), "float16")
    return Check(
        "torch.sum of 4096 float16 numbers is exact, rounded once",
        "fractions, within half a float16 step",
        abs(torchs - float(exact)) / step,
        0.5 + 1e-3,
        f"torch: {torchs:g}; a loop with a float16 total: {float(total):g}.",
        kind=Kind.INDEPENDENT,
    )


def _vanishing_check(device: str) -> Check:
    error = 0.0
    for name in ("float16", "bfloat16"):
        for exponent in range(-14, -6):
            found = vanishing(2.0**exponent, steps=20, dtype=name, device=device)
            # From 1 up, all numbers of this stretch are one gap apart; a tie goes to the even one.
            place = 0
            for step in range(20):
                place = round(place + Fraction(2) ** exponent / Fraction(found.gap))
                error = max(error, abs(float(found.weight[step + 1]) - 1 - place * found.gap))
    return Check(
        "A weight of 1 moves by whole gaps, never for half of one or less",
        f"gaps in fractions, 16 updates of {power(-14)} to {power(-7)}",
        error,
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _underflow_check(where: torch.device) -> Check:
    error = 0.0
    for name in ("float8_e5m2", "float16", "bfloat16"):
        format_ = FORMATS[name]
        least = format_.smallest_subnormal
        halves = torch.tensor([least / 2, least * 0.501, least * 0.75]).to(where)
        cast = halves.to(format_.dtype).cpu().double() / least
        error = max(error, largest_difference(cast, torch.tensor([0.0, 1.0, 1.0]).double()))
    return Check(
        "Half the smallest positive number becomes 0; more, that number",
        "0 and 1, in units of 2**(1 - bias - m)",
        error,
        0.0,
        "torch.finfo has the smallest normal number; subnormals reach lower, by 2**-m.",
        kind=Kind.INDEPENDENT,
    )


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
        "torch.finfo follows from exponent's and mantissa's widths",
        "(2 - 2**-m) * 2**bias, 2**(1 - bias), 2**-m, in Python",
        error,
        0.0,
        "float8_e4m3fn has no infinity: its last exponent holds numbers and one NaN.",
        kind=Kind.INDEPENDENT,
    )


def _probes(format_: Format) -> Tensor:
    """Return numbers around every turn of a format, both signs, float64.

    They are float32's, so that torch rounds once on the way to a narrower format.
    """
    spread = torch.exp2(torch.linspace(-30, 20, 2001, dtype=torch.float64))
    ends = torch.tensor(
        [format_.max, format_.smallest_normal, format_.smallest_subnormal, 1.0], dtype=torch.float64
    )
    near = ends[:, None] * torch.tensor([0.5, 0.51, 0.75, 1.0, 1.02, 1.03, 1.0358, 1.5, 2.0])
    probes = torch.cat([spread, near.flatten()])
    if format_.bits < 32:
        probes = probes.float().double()
        probes = probes[probes.isfinite() & (probes != 0)]
    return torch.cat([probes, -probes])


def _cast_check(format_: Format, where: torch.device) -> Check:
    probes = _probes(format_)
    # MPS has no float64.
    given = (probes.float() if format_.bits < 32 else probes).to(
        where if where.type != "mps" or format_.bits < 32 else "cpu"
    )
    torchs = given.to(format_.dtype).cpu().double()
    ours = torch.tensor(
        [rounded(value, format_.name) for value in probes.tolist()], dtype=torch.float64
    )
    both = torchs.isfinite() & ours.isfinite()
    # A zero has a sign too.
    agree = ((torchs == ours) | both) & (torchs.signbit() == ours.signbit())
    # Relative to the number, or to the smallest one where it is 0.
    unit = ours[both].abs().clamp(min=format_.smallest_subnormal)
    error = largest_difference(torchs[both] / unit, ours[both] / unit)
    return Check(
        f"tensor.to({format_.name}) gives the nearest number, in ties the even one",
        f"exact rounding in Python, {len(probes)} float{32 if format_.bits < 32 else 64} numbers",
        error if bool(agree.all()) else math.inf,
        0.0,
        "Past 448 torch stores 448 with the number's sign, not infinity."
        if not format_.infinity
        else "",
        kind=Kind.INDEPENDENT,
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
        "torch's bytes, put together in Python",
        error,
        0.0,
        kind=Kind.INDEPENDENT,
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
            error = max(error, _apart(above, up), _apart(below, down))
    return Check(
        "A number's neighbours are one code of torch's bytes away",
        "torch.nextafter in float32 and float64",
        error,
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _share_check(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    powers = 30 * torch.randn(4096, generator=generator)
    values = torch.exp2(powers)
    least, most = math.floor(float(powers.min())), math.ceil(float(powers.max()))
    error = 0.0
    for name in ("float8_e5m2", "float16", "bfloat16", "float32"):
        format_ = FORMATS[name]
        cast = values.to(where).to(format_.dtype).cpu().double()
        kinds = [kind_of(value, format_) for value in cast.tolist()]
        share = representable(values, name)
        for kind in ("zero", "subnormal", "normal", "infinite"):
            error = max(error, abs(kinds.count(kind) / len(kinds) - getattr(share, kind)))
    return Check(
        "Shares of zero, subnormal, normal, infinite are those of torch's casts",
        f"4096 numbers from {power(least)} to {power(most)}, cast by torch",
        error,
        1e-12,
        kind=Kind.ANOTHER_PATH,
    )
