"""Add the same small update to a weight again and again, in a format."""

import dataclasses
import math

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import Question
from explainers.float_formats.formats import floating, neighbours, real, rounded, spacing
from explainers.parameters import shown


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
    """Ask what becomes of a weight of 1 in float16 that is given a thousand updates of 2**-12."""
    found = {
        dtype: vanishing(dtype=dtype, device=device).weight[-1] for dtype in ("float16", "float32")
    }
    options = ("1.244: the sum of all updates", "1.122: half of them are lost", "1: none arrives")
    at = {1.2441: options[0], 1.1221: options[1], 1.0: options[2]}
    last = float(found["float16"])
    return Question(
        "A float16 weight of 1 gets 1000 updates of 2**-12 (0.000244). Where does it end?",
        options,
        at[min(at, key=lambda end: abs(end - last))],
        f"torch: {last:.6g} in float16, {float(found['float32']):.6g} in float32. float16's "
        f"next number above 1 is {neighbours(1.0, 'float16')[2]:.10g}; updates below half "
        "that distance are lost.",
    )
