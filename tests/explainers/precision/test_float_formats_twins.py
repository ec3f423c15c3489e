"""Every check of the formats turns red for a small error of torch's or of the reference's."""

import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from explainers.evidence import Kind, Verdict
from explainers.precision import float_formats as topic
from explainers.precision import formats
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

# The package offers functions of these names.
checks, claims = (
    importlib.import_module(f"explainers.precision.float_formats.{name}")
    for name in ("checks", "claims")
)

Patch = Callable[[pytest.MonkeyPatch], None]


def casts(change: Callable[[Tensor, Tensor], Tensor]) -> Patch:
    """Return a patch under which torch's casts give something else: (given, cast) to cast."""
    true = torch.Tensor.to

    def to(self: Tensor, *args, **kwargs) -> Tensor:
        found = true(self, *args, **kwargs)
        wider = found.is_floating_point() and self.is_floating_point()
        if wider and torch.finfo(found.dtype).bits < torch.finfo(self.dtype).bits:
            return true(change(self.double(), found), found.dtype)
        return found

    return lambda patch: patch.setattr(torch.Tensor, "to", to)


def _last_bit_cut(given: Tensor, cast: Tensor) -> Tensor:
    """Round towards 0: where the cast went away from it, take the number before."""
    size = cast.double().abs()
    # A number of the format lies at most a tenth of a spacing of eight bits below.
    name = str(cast.dtype).removeprefix("torch.")
    format_ = formats.FORMATS[name]
    gap = torch.tensor([formats.spacing(each, name) for each in size.flatten().tolist()])
    away = (size > given.abs()).flatten() & size.isfinite().flatten()
    shorter = torch.where(away, size.flatten() - gap.double(), size.flatten())
    assert format_.bits
    return torch.copysign(shorter.reshape(size.shape), given)


def _flushed(given: Tensor, cast: Tensor) -> Tensor:
    found = cast.double()
    return torch.where(found.abs() < torch.finfo(cast.dtype).smallest_normal, 0.0, found)


def _cut(value: float, format_: formats.Format) -> float:
    """Cut what does not fit, in place of rounding it."""
    near = abs(value)
    if format_.name != "float64" and near < 2 * format_.max:
        last = formats._last_place(near, format_)
        near = math.ldexp(math.floor(math.ldexp(near, -last)), last)
    if near > format_.max:
        near = math.inf if format_.infinity else format_.max
    return math.copysign(near, value)


def _shares_cut(size: Tensor, format_: formats.Format) -> Tensor:
    if format_.name == "float64":
        return size
    power = size / (2 * torch.frexp(size).mantissa)
    last = power.clamp(min=format_.smallest_normal) * 2.0**-format_.mantissa_bits
    return torch.floor(size / last) * last


def _set(target: object, name: str, value: object) -> Patch:
    return lambda patch: patch.setattr(target, name, value)


_vanishing = topic.vanishing
_rounded, _code, _place, _above = (
    formats.rounded,
    formats._code,
    formats._place,
    formats._above,
)


def _running_total(self: Tensor, *args, **kwargs) -> Tensor:
    if self.dtype is torch.half:
        return torch.tensor(float(np.cumsum(self.numpy(), dtype=np.float16)[-1]))
    return torch._C.TensorBase.sum(self, *args, **kwargs)


def _in_float32(update: float, *, steps: int, dtype: str, device: str) -> topic.VanishingUpdate:
    wide = _vanishing(update, steps=steps, dtype="float32", device=device)
    return topic.VanishingUpdate(wide.weight, wide.exact, formats.spacing(1.0, dtype), wide.update)


TWINS = [
    Twin(
        "float8's largest is 240, as in the variant of another maker",
        ("torch.finfo follows",),
        _set(
            formats.Format,
            "max",
            property(
                lambda self: torch.finfo(self.dtype).max if self.infinity else 240.0
            ),
        ),
    ),
    Twin(
        "the exact rounding cuts",
        tuple(f"tensor.to({name})" for name in list(topic.FORMATS)[:5]),
        _set(formats, "_rounded", _cut),
    ),
    Twin(
        "torch flushes subnormals to 0",
        ("Half the smallest", "Shares of zero", "tensor.to(float16)"),
        casts(_flushed),
    ),
    Twin(
        "torch cuts in place of rounding",
        ("bfloat16 is float32's upper half",),
        casts(_last_bit_cut),
    ),
    Twin(
        "the last bit is read the other way round",
        ("The bits are the number",),
        _set(formats, "_code", lambda value, format_: _code(value, format_) ^ 1),
    ),
    Twin(
        "a step of two codes",
        ("A number's neighbours",),
        _set(
            formats, "_above", lambda value, format_: _above(_above(value, format_), format_)
        ),
    ),
    Twin(
        "shares of numbers that are cut",
        ("Shares of zero",),
        _set(formats, "_nearest", _shares_cut),
    ),
    Twin(
        "the number at a bound is left out",
        ("Every float16 number",),
        _set(formats, "_place", lambda value, format_: _place(value, format_) - 1),
    ),
    Twin(
        "rounding once, not by way of float32",
        ("Python floats round to float32",),
        _set(
            checks,
            "rounded",
            lambda value, name: value if name == "float32" else _rounded(value, name),
        ),
    ),
    Twin(
        "torch.sum keeps a float16 total",
        ("torch.sum of 4096",),
        _set(torch.Tensor, "sum", _running_total),
    ),
    Twin(
        "weights that are float32 after all",
        ("A weight of 1 moves",),
        _set(checks, "vanishing", _in_float32),
    ),
]  # fmt: skip


# A number that rounds away from 0 in float16, and gradients that round up to its smallest number.
SHOWN = topic.FloatFormats(value="0.3", exponent=-4)


def _view_checks() -> tuple:
    return topic.view_checks(topic.explain(SHOWN))


VIEW_TWINS = [
    Twin("the nearest is cut", ("No number of the format",), _set(formats, "_rounded", _cut)),
    Twin(
        "the last bit is read the other way round",
        ("All six formats' bits",),
        _set(formats, "_code", lambda value, format_: _code(value, format_) ^ 1),
    ),
    Twin(
        "the page casts towards 0",
        ("torch.tensor(",),
        casts(_last_bit_cut),
    ),
    Twin(
        "shares of numbers that are cut",
        ("All six formats' shares",),
        _set(formats, "_nearest", _shares_cut),
    ),
]


def test_every_check_has_a_wrong_twin() -> None:
    check_that_twins_cover(topic.checks, TWINS)
    check_that_twins_cover(_view_checks, VIEW_TWINS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_wrong_twin_is_seen(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(topic.checks, twin, monkeypatch)


@pytest.mark.parametrize("twin", VIEW_TWINS, ids=lambda twin: twin.name)
def test_a_wrong_twin_is_seen_in_the_view(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(_view_checks, twin, monkeypatch)


def test_the_kind_of_each_check_is_said() -> None:
    other = {check.statement for check in topic.checks() if check.kind is not Kind.INDEPENDENT}
    assert len(other) == 2
    assert all(each.startswith(("A number's neighbours", "Shares of zero")) for each in other)


def _half_is_wide(patch: pytest.MonkeyPatch) -> None:
    """Make torch's half precision float32: no limit that the notes tell of is left."""
    patch.setattr(torch.Tensor, "half", torch.Tensor.float)
    patch.setattr(torch, "half", torch.float32)
    patch.setattr(
        claims,
        "vanishing",
        lambda update, *, dtype, device: topic.vanishing(update, dtype="float32", device=device),
    )


CLAIM_TWINS = [
    ClaimTwin(
        "float16 is as wide as float32",
        {
            "float16 has overflow errors": Verdict.WRONG,
            "Rounding errors": Verdict.WRONG,
            "Constants such as epsilon": Verdict.WRONG,
            "Take care with sums": Verdict.WRONG,
            "For softmax": Verdict.WRONG,
        },
        _half_is_wide,
    ),
]


def test_every_statement_of_the_notes_has_a_wrong_twin() -> None:
    check_that_twins_cover_claims(claims, CLAIM_TWINS)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_its_twin(twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_verdicts_turn(claims, twin, monkeypatch)
