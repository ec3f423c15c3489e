"""Write down the rule by which the scale moves, in plain Python."""

import dataclasses
import math
import struct
from collections.abc import Sequence

import torch
from torch import Tensor

from explainers.precision.arguments import real, refused, whole


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Hold a scaler's four numbers, checked.

    Raises:
        ValueError: A number breaks its rule; the message names it.
    """

    init_scale: float = 65536.0
    growth_factor: float = 2.0
    backoff_factor: float = 0.5
    growth_interval: int = 2000

    def __post_init__(self) -> None:
        scale = real("init_scale", self.init_scale, "a finite number above 0")
        if not (scale > 0 and 0 < float32(scale) < math.inf):
            raise refused("init_scale", "a finite number above 0, as float32 holds it", scale)
        if not 1 < real("growth_factor", self.growth_factor, "a number above 1") < math.inf:
            raise refused("growth_factor", "a finite number above 1", self.growth_factor)
        if not 0 < real("backoff_factor", self.backoff_factor, "a number between 0 and 1") < 1:
            raise refused("backoff_factor", "a number between 0 and 1", self.backoff_factor)
        whole("growth_interval", self.growth_interval, 1, 2**31 - 1)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ExpectedPath:
    """Hold the scale and the growth tracker that the rule gives.

    Attributes:
        scale: Tensor ``(steps + 1,)`` float32: before the first step and after each.
        growth_tracker: Tensor ``(steps + 1,)`` int64: clean steps since the scale last moved.
    """

    scale: Tensor
    growth_tracker: Tensor


def expected_scale(
    found_inf: Tensor | Sequence[bool],
    *,
    init_scale: float = 65536.0,
    growth_factor: float = 2.0,
    backoff_factor: float = 0.5,
    growth_interval: int = 2000,
) -> Tensor:
    """Return the scale that the rule gives, before the first step and after each.

    Args:
        found_inf: For each step, whether a gradient was infinite or NaN.
        init_scale: The first scale.
        growth_factor: What a run of clean steps multiplies it by, above 1.
        backoff_factor: What a step with an infinity or a NaN multiplies it by, between 0 and 1.
        growth_interval: Clean steps in a row that it takes to grow.

    Returns:
        Tensor ``(steps + 1,)`` float32, as torch keeps it.

    Raises:
        ValueError: A number breaks its rule.
    """
    settings = Settings(init_scale, growth_factor, backoff_factor, growth_interval)
    return expected_path(found_inf, settings).scale


def expected_path(found_inf: Tensor | Sequence[bool], settings: Settings) -> ExpectedPath:
    """Return the scale and the growth tracker that the rule gives.

    The products are taken in float64 and kept in float32. The scale does not grow to infinity: it
    stays, and the count begins anew.

    Args:
        found_inf: For each step, whether a gradient was infinite or NaN.
        settings: The scaler's numbers.

    Raises:
        ValueError: `found_inf` is no row of true and false.

    References:
        `_amp_update_scale_` in torch's aten/src/ATen/native/cpu/AmpGradScalerKernels.cpp.
    """
    scale, tracker = float32(settings.init_scale), 0
    scales, trackers = [scale], [tracker]
    for found in _flags(found_inf):
        if found:
            scale, tracker = float32(scale * settings.backoff_factor), 0
        else:
            tracker += 1
            if tracker == settings.growth_interval:
                grown = float32(scale * settings.growth_factor)
                scale, tracker = grown if math.isfinite(grown) else scale, 0
        scales.append(scale)
        trackers.append(tracker)
    return ExpectedPath(
        scale=torch.tensor(scales, dtype=torch.float32),
        growth_tracker=torch.tensor(trackers, dtype=torch.int64),
    )


def float32(value: float) -> float:
    """Return the float32 nearest to a float; infinity beyond the largest."""
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return found


def _flags(found_inf: Tensor | Sequence[bool]) -> list[bool]:
    row = found_inf.tolist() if isinstance(found_inf, Tensor) else found_inf
    try:
        flags = list(row)
    except TypeError:
        flags = [None]
    # torch keeps it as 0.0 and 1.0.
    if not all(flag in (0, 1) for flag in flags):
        raise refused("found_inf", "a row of true and false, one for each step", found_inf)
    return [bool(flag) for flag in flags]
