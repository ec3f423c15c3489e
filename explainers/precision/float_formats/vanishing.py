"""Add the same small update to a weight again and again, in a format."""

import dataclasses
import math

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import Question
from explainers.parameters import shown
from explainers.precision.formats import (
    brief,
    floating,
    power,
    real,
    rounded,
    spacing,
)


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
        real(part, nan=False, name=name) for name, part in (("weight", weight), ("update", update))
    )
    for name, part in (("weight", start), ("update", added)):
        if not math.isfinite(part):
            raise ValueError(f"{name} must be a finite number, got {shown(part)}")
    if not isinstance(steps, int) or isinstance(steps, bool) or not 1 <= steps <= 10000:
        raise ValueError(f"steps must be a whole number from 1 to 10000, got {shown(steps)}")
    moving = torch.tensor(rounded(start, format_.name), dtype=format_.dtype, device=where)
    step = torch.tensor(rounded(added, format_.name), dtype=format_.dtype, device=where)
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


def question(*, device: str = "cpu") -> Question:
    """Ask what becomes of a weight of 1 in bfloat16 that is given updates of one gap each."""
    exponent, steps = -7, 1000
    update = math.ldexp(1.0, exponent)
    found = {
        dtype: vanishing(update, steps=steps, dtype=dtype, device=device)
        for dtype in ("bfloat16", "float32")
    }
    total = 1 + steps * update
    options = (f"{total:.3g}: the sum of all updates", "2: it stops there", "1: no update arrives")
    ends = dict(zip((total, 2.0, 1.0), options, strict=True))
    last = float(found["bfloat16"].weight[-1])
    gap = spacing(last, "bfloat16")
    return Question(
        f"A bfloat16 weight of 1 gets {steps} updates of {power(exponent)} ({brief(update)}), "
        "the gap to its next number. Where does it end?",
        options,
        ends[min(ends, key=lambda end: abs(end - last))],
        f"torch: {last:.3g} in bfloat16, {float(found['float32'].weight[-1]):.3g} in float32. "
        f"From {last:g} on numbers are {brief(gap)} apart: the update is "
        f"{update / gap:.2g} of that gap, and a tie goes to the even {last:g}.",
    )
