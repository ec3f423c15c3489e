"""Mistakes about the scale: how far it falls, and leaving it out."""

import dataclasses
import math

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, row, worded
from explainers.parameters import Parameters, number
from explainers.precision.grad_scaler.training import WAYS, Race, train


@dataclasses.dataclass(frozen=True)
class ToZero(Parameters):
    """Hold a row of bad batches, long enough to wear the scale down."""

    bad: int = number(
        170,
        label="bad batches",
        help="In a row, before 30 clean ones.",
        minimum=0,
        maximum=200,
        step=1,
    )


def to_zero(parameters: ToZero, *, device: str = "cpu") -> CurveMistake:
    """Halve the scale at every bad batch, without a floor and with one, then train on clean ones.

    Args:
        parameters: How many batches are bad.
        device: Where torch computes.
    """
    where = devices.device(device)
    bad, clean = parameters.bad, 30

    def path(floor: bool) -> tuple[Tensor, Tensor]:
        weight = torch.zeros(1, device=where, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        scaler = torch.amp.GradScaler(where.type, growth_interval=10)
        scales, weights = [scaler.get_scale()], [0.0]
        for batch in range(bad + clean):
            optimizer.zero_grad()
            loss = (weight - 1).square().sum() * (math.inf if batch < bad else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            if floor and scaler.get_scale() < 1.0:
                scaler.update(1.0)
            scales.append(scaler.get_scale())
            weights.append(float(weight.detach()))
        return row(scales), row(weights)

    (wrong, weight), (right, kept) = path(False), path(True)
    return CurveMistake(
        mistake=Mistake(
            wrong="scaler.step(optimizer)\nscaler.update()",
            right="scaler.step(optimizer)\nscaler.update()\n"
            "if scaler.get_scale() < 1:\n    scaler.update(1.0)",
            wrong_cost=_end(bad, clean, wrong, weight),
            right_cost=_end(bad, clean, right, kept),
            lesson="166 halvings take the scale from 65536 to 0, where it stays. Below 2**-127 "
            "its inverse is infinite: unscaling makes infinities and NaNs after the check. Set "
            "a floor, or stop: data or model is broken.",
            source=("apex#834", "https://github.com/NVIDIA/apex/issues/834"),
        ),
        shows="scale",
        log=True,
        over="batch",
        wrong=wrong,
        right=right,
        look=bad,
        others={"weight, wrong": weight, "weight, right": kept},
    )


def _end(bad: int, clean: int, scale: Tensor, weight: Tensor) -> str:
    return (
        f"After {bad} bad batches the scale is {_power(float(scale[bad]))}; {clean} clean ones "
        f"later it is {_power(float(scale[-1]))}, and the weight {worded(weight[-1])} (best: 1)."
    )


def _power(scale: float) -> str:
    """Return 0 or a power of two as it stands in a sentence: in full, or as 2**n."""
    return f"{scale:g}" if scale == 0 or 1 <= scale < 1e6 else f"2**{math.log2(scale):.0f}"


@dataclasses.dataclass(frozen=True)
class NoScaler(Parameters):
    """Hold how small a loss is, while the learning rate makes up for it."""

    exponent: int = number(
        14,
        label="loss divisor, as a power of 2",
        help="The learning rate grows by as much.",
        minimum=0,
        maximum=16,
        step=1,
    )


def no_scaler(parameters: NoScaler, *, device: str = "cpu") -> CurveMistake:
    """Train in float16 without a scaler, with one, and in bfloat16 without.

    Args:
        parameters: How small the loss is.
        device: Where torch computes.
    """
    steps = 40
    laps = train(Race(exponent=parameters.exponent, steps=steps), chunk=steps, device=device)
    *_, last = laps
    wrong, right, brain = (last.losses[WAYS[way]] for way in (1, 2, 3))
    lost, held, kept = (last.zero_share[WAYS[way]] for way in (1, 2, 3))
    return CurveMistake(
        mistake=Mistake(
            wrong="with torch.autocast(device_type, dtype=torch.float16):\n    loss = ...\n"
            "loss.backward()\noptimizer.step()",
            right="with torch.autocast(device_type, dtype=torch.float16):\n    loss = ...\n"
            "scaler.scale(loss).backward()\nscaler.step(optimizer)\nscaler.update()",
            wrong_cost=f"{100 * lost:.0f} % of gradients are 0; final loss {wrong[-1]:.3g}.",
            right_cost=f"{100 * held:.0f} % are 0; final loss {right[-1]:.3g}. bfloat16 "
            f"without a scaler: {100 * kept:.0f} %, {brain[-1]:.3g}.",
            lesson="Below 6e-8 float16 has only 0: small gradients vanish; scaling lifts "
            "them. bfloat16 reaches nearly as low as float32, unscaled.",
            source=(
                "torch docs: Gradient scaling",
                "https://docs.pytorch.org/docs/stable/amp.html#gradient-scaling",
            ),
        ),
        shows="loss",
        log=True,
        over="step",
        wrong=wrong,
        right=right,
        look=steps - 1,
        others={"bfloat16 without a scaler": brain},
    )
