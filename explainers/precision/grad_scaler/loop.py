"""Train a small model with autocast and torch's GradScaler, and record what happens."""

import dataclasses
import math
import operator
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.amp.grad_scaler import OptState

from explainers import devices
from explainers.precision.arguments import above_zero, refused, whole
from explainers.precision.formats import Format, floating
from explainers.precision.grad_scaler.rule import Settings, float32
from explainers.precision.problem import MOST_STEPS, Problem

DTYPES = ("float16", "bfloat16", "float32")
POISONS = ("inf", "nan", "large")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ScalerTrace:
    """Hold a training run with a GradScaler, step by step.

    Attributes:
        scale: Tensor ``(steps + 1,)`` float32: the scale before the first step and after each.
        growth_tracker: Tensor ``(steps + 1,)`` int64: clean steps since the scale last moved.
        found_inf: Tensor ``(steps,)`` bool: whether the scaler found an infinity or a NaN.
        stepped: Tensor ``(steps,)`` bool: whether the optimizer's own step ran.
        gradient_norm: Tensor ``(steps,)`` float64: norm of all gradients, unscaled, before
            clipping.
        scaled_gradient_norm: Tensor ``(steps,)`` float64: the same, as backward left them.
        clip_norm: Tensor ``(steps,)`` float32: the norm that `clip_grad_norm_` found; NaN without.
        zero_share: Tensor ``(steps,)`` float64: share of the gradient's elements that backward
            left at 0.
        backward: Tensor ``(steps, n)`` float32: all gradients in a row, as backward left them.
        loss: Tensor ``(steps,)`` float32: loss of each step's batch, unscaled, before the step.
        weights: Tensor ``(steps + 1, n)`` float32: all parameters in a row, before the first step
            and after each.
        calls: For each step the calls made, in order.
        states: For each of these calls, what torch's scaler says of the optimizer just after it:
            READY, UNSCALED or STEPPED.
    """

    scale: Tensor
    growth_tracker: Tensor
    found_inf: Tensor
    stepped: Tensor
    gradient_norm: Tensor
    scaled_gradient_norm: Tensor
    clip_norm: Tensor
    zero_share: Tensor
    backward: Tensor
    loss: Tensor
    weights: Tensor
    calls: tuple[tuple[str, ...], ...]
    states: tuple[tuple[str, ...], ...]

    @property
    def exponent(self) -> Tensor:
        """log2 of the scale, ``(steps + 1,)`` float32; minus infinity for a scale of 0."""
        return self.scale.log2()

    @property
    def skipped(self) -> Tensor:
        """Whether each step was skipped, ``(steps,)`` bool."""
        return ~self.stepped

    @property
    def moved(self) -> Tensor:
        """Whether each step changed any weight, ``(steps,)`` bool; NaN to NaN is no change."""
        return ~_same(self.weights[1:], self.weights[:-1]).all(dim=1)

    @property
    def lost(self) -> Tensor:
        """Whether a weight was NaN or infinite before each step, ``(steps,)`` bool."""
        return ~self.weights[:-1].isfinite().all(dim=1)

    @property
    def update_norm(self) -> Tensor:
        """How far each step moved the weights, ``(steps,)`` float64; 0 where it was skipped."""
        return _updates(self.weights)


def run(
    *,
    steps: int,
    init_scale: float = 65536.0,
    growth_factor: float = 2.0,
    backoff_factor: float = 0.5,
    growth_interval: int = 2000,
    poisoned: Iterable[int] = (),
    poison: str = "inf",
    max_norm: float | None = None,
    unscale_first: bool = True,
    dtype: str | torch.dtype = "float16",
    learning_rate: float = 0.1,
    seed: int = 0,
    device: str = "cpu",
) -> ScalerTrace:
    """Train with autocast, a GradScaler and plain SGD, and record every step.

    A poisoned batch has a term more in its loss: `poison` times one sample's absolute error. So
    its gradient at that output is infinite, NaN, or "large": two thirds of the dtype's largest
    number, finite as it is and too large for any scale of 2 or more.

    Args:
        steps: Steps to take, 1 to 2000.
        init_scale: The scaler's first scale, finite and above 0.
        growth_factor: What a run of clean steps multiplies the scale by, above 1.
        backoff_factor: What a skipped step multiplies it by, between 0 and 1.
        growth_interval: Clean steps in a row that it takes to grow.
        poisoned: The steps whose batch is poisoned, counted from 0.
        poison: "inf", "nan" or "large".
        max_norm: Largest norm that `clip_grad_norm_` lets pass; None for no clipping.
        unscale_first: Whether `unscale_` is called before clipping, as it must be. Without it the
            scaler unscales in `step`, and clipping sees scaled gradients.
        dtype: Lower precision of autocast: float16 or bfloat16; float32 for no autocast.
        learning_rate: Of SGD, above 0.
        seed: Of data, weights and batches.
        device: Where torch computes.

    Returns:
        Scale, norms, loss, weights, calls and states, on the CPU.

    Raises:
        ValueError: An argument breaks its rule, or `device` is not there.

    References:
        torch's note "Automatic Mixed Precision examples".
    """
    steps = whole("steps", steps, 1, MOST_STEPS)
    settings = Settings(init_scale, growth_factor, backoff_factor, growth_interval)
    bad = _poisoned(poisoned, steps)
    format_ = floating(dtype, among=DTYPES)
    if not isinstance(poison, str) or poison not in POISONS:
        raise refused("poison", f"one of {', '.join(POISONS)}", poison)
    if max_norm is not None:
        above_zero("max_norm", max_norm)
    where = devices.device(device)
    problem = Problem(steps=steps, seed=whole("seed", seed, 0, 2**63 - 1), where=where)
    optimizer = torch.optim.SGD(problem.parameters, lr=above_zero("learning_rate", learning_rate))
    return _train(
        problem,
        optimizer,
        settings,
        format_,
        steps=steps,
        poison_at={step: _weight(poison, format_) for step in bad},
        max_norm=max_norm,
        unscale_first=unscale_first,
        where=where,
    )


def plain_updates(
    *,
    steps: int,
    max_norm: float | None = None,
    learning_rate: float = 0.1,
    seed: int = 0,
    device: str = "cpu",
) -> Tensor:
    """Return how far each step moves the weights in float32, without scaler and poison.

    Args:
        steps: Steps to take, 1 to 2000.
        max_norm: Largest norm that `clip_grad_norm_` lets pass; None for no clipping.
        learning_rate: Of SGD, above 0.
        seed: Of data, weights and batches.
        device: Where torch computes.

    Returns:
        Tensor ``(steps,)`` float64, on the CPU.

    Raises:
        ValueError: An argument breaks its rule, or `device` is not there.
    """
    steps = whole("steps", steps, 1, MOST_STEPS)
    if max_norm is not None:
        above_zero("max_norm", max_norm)
    problem = Problem(
        steps=steps, seed=whole("seed", seed, 0, 2**63 - 1), where=devices.device(device)
    )
    rate = above_zero("learning_rate", learning_rate)
    optimizer = torch.optim.SGD(problem.parameters, lr=rate)
    weights = [problem.flat()]
    for step in range(steps):
        optimizer.zero_grad()
        problem.loss(problem.forward(step), step).backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(problem.parameters, max_norm)
        optimizer.step()
        weights.append(problem.flat())
    return _updates(torch.stack(weights).cpu())


def _updates(weights: Tensor) -> Tensor:
    moves = weights.double().diff(dim=0)
    # NaN less NaN is NaN, though nothing has moved.
    sizes: Tensor = moves.masked_fill(_same(weights[1:], weights[:-1]), 0).norm(dim=1)
    return sizes


def _same(after: Tensor, before: Tensor) -> Tensor:
    return (after == before) | (after.isnan() & before.isnan())


def state(scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer) -> str:
    """Return what a scaler says of an optimizer: READY, UNSCALED or STEPPED."""
    # Asked with get: the scaler would write down an optimizer it has not met.
    known = scaler._per_optimizer_states.get(id(optimizer))
    stage: OptState = known["stage"] if known else OptState.READY
    return stage.name


def found_inf(scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer) -> bool:
    """Return whether a scaler found an infinity or a NaN since its last update."""
    found = scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
    return any(bool(each) for each in found.values())


def _inverse(scale: float) -> float:
    return float32(1 / scale) if scale else math.inf


def _weight(poison: str, format_: Format) -> float:
    return format_.max / 1.5 if poison == "large" else float(poison)


def _poisoned(poisoned: Iterable[int], steps: int) -> list[int]:
    try:
        if isinstance(poisoned, str | bytes):
            raise TypeError
        row = list(poisoned)
    except TypeError:
        raise refused("poisoned", f"a row of steps from 0 to {steps - 1}", poisoned) from None
    found = []
    for step in row:
        try:
            # Whole numbers of numpy and torch have an index too; so have true and false.
            index = -1 if isinstance(step, bool) else operator.index(step)
        except TypeError:
            index = -1
        if not 0 <= index < steps:
            raise refused("poisoned", f"steps from 0 to {steps - 1}", step)
        found.append(index)
    return found


def _train(
    problem: Problem,
    optimizer: torch.optim.Optimizer,
    settings: Settings,
    format_: Format,
    *,
    steps: int,
    poison_at: dict[int, float],
    max_norm: float | None,
    unscale_first: bool,
    where: torch.device,
) -> ScalerTrace:
    scaler = torch.amp.GradScaler(
        where.type,
        init_scale=settings.init_scale,
        growth_factor=settings.growth_factor,
        backoff_factor=settings.backoff_factor,
        growth_interval=settings.growth_interval,
    )
    own_steps = 0

    def count(*_: object) -> None:
        nonlocal own_steps
        own_steps += 1

    optimizer.register_step_post_hook(count)
    weights, losses = [problem.flat()], []
    scaled_rows, unscaled_rows = [], []
    clip_norm = torch.full((steps,), math.nan, device=where)
    scales, trackers = [scaler.get_scale()], [0]
    found, stepped = [], []
    calls: list[tuple[str, ...]] = []
    states: list[tuple[str, ...]] = []
    for step in range(steps):
        made: list[tuple[str, str]] = []

        def note(call: str, into: list[tuple[str, str]] = made) -> None:
            into.append((call, state(scaler, optimizer)))

        optimizer.zero_grad()
        note("zero_grad")
        with torch.autocast(where.type, dtype=format_.dtype, enabled=format_.name != "float32"):
            output = problem.forward(step)
            loss = problem.loss(output, step, poison_at.get(step, 0.0))
        note("forward")
        outcome = scaler.scale(loss)
        note("scale")
        outcome.backward()
        note("backward")
        scaled_rows.append(problem.flat_gradients())
        if unscale_first:
            scaler.unscale_(optimizer)
            note("unscale_")
            unscaled_rows.append(problem.flat_gradients())
        else:
            # As torch will in step: by the inverse, which float32 may not hold.
            unscaled_rows.append(scaled_rows[-1] * _inverse(scales[-1]))
        if max_norm is not None:
            clip_norm[step] = torch.nn.utils.clip_grad_norm_(problem.parameters, max_norm)
            note("clip_grad_norm_")
        before = own_steps
        scaler.step(optimizer)
        note("step")
        found.append(found_inf(scaler, optimizer))
        stepped.append(own_steps > before)
        scaler.update()
        note("update")
        losses.append(loss.detach())
        weights.append(problem.flat())
        scales.append(scaler.get_scale())
        trackers.append(scaler._get_growth_tracker())
        names, after = zip(*made, strict=True)
        calls.append(names)
        states.append(after)
    # float64, or the squares of large gradients overflow though the gradients do not.
    left, unscaled = torch.stack(scaled_rows).cpu(), torch.stack(unscaled_rows).cpu().double()
    scaled = left.double()
    return ScalerTrace(
        scale=torch.tensor(scales, dtype=torch.float32),
        growth_tracker=torch.tensor(trackers, dtype=torch.int64),
        found_inf=torch.tensor(found),
        stepped=torch.tensor(stepped),
        gradient_norm=unscaled.norm(dim=1),
        scaled_gradient_norm=scaled.norm(dim=1),
        clip_norm=clip_norm.cpu(),
        zero_share=(left == 0).double().mean(dim=1),
        backward=left,
        loss=torch.stack(losses).cpu(),
        weights=torch.stack(weights).cpu(),
        calls=tuple(calls),
        states=tuple(states),
    )
