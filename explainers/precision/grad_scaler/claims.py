"""Run what the notes say of mixed precision and the GradScaler, and judge it."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import Claim, Verdict, largest_difference
from explainers.precision import float_formats
from explainers.precision.grad_scaler.loop import run
from explainers.precision.grad_scaler.machine import invoke
from explainers.precision.grad_scaler.mistakes import (
    ClipFirst,
    Rescaled,
    clip_first,
    rescaled,
    times,
    warned,
)
from explainers.precision.grad_scaler.rule import expected_scale
from explainers.precision.problem import Problem, gradients

_AMP = "amp()"
_SCALER = "amp(): scaler"
_UNSCALED = "Working with unscaled gradients"
_CLIPPING = "Gradient clipping"
_ACCUMULATION = "Gradient accumulation"


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge each statement of the notes on the scaler by what torch gives now.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        _no_effect(where),
        _skip_and_back_off(device),
        _growth(device),
        _window(),
        _clip_unscaled(device),
        _no_second_unscale(where),
        _other_optimizer(where),
        _constant_scale(device),
        _effective_batch(where),
        _checked_in_step(where),
        _activations(where),
        _which_gpu(where),
    )


def _yes(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.WRONG


def _one(where: torch.device, value: float = 0.0) -> tuple[Tensor, torch.optim.SGD]:
    """Return a weight and an optimizer with rate 1."""
    weight = torch.full((1,), value, device=where, requires_grad=True)
    return weight, torch.optim.SGD([weight], lr=1.0)


def _no_effect(where: torch.device) -> Claim:
    ends = {}
    for name, enabled, lower in (
        ("float32, unscaled", False, None),
        ("float32, scaled", True, None),
        ("float16, scaled", True, torch.float16),
    ):
        problem = Problem(steps=20, seed=0, where=where)
        optimizer = torch.optim.SGD(problem.parameters, lr=0.1)
        scaler = torch.amp.GradScaler(where.type, enabled=enabled)
        for index in range(20):
            optimizer.zero_grad()
            with torch.autocast(where.type, dtype=torch.float16, enabled=lower is not None):
                loss = problem.loss(problem.forward(index), index)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        ends[name] = problem.flat()
    plain = ends["float32, unscaled"]
    exact, half = (
        largest_difference(ends[name], plain) for name in ("float32, scaled", "float16, scaled")
    )
    return Claim(
        "The GradScaler scales the loss and unscales the gradients before the step, so it has no "
        "effect on the parameters.",
        _AMP,
        _yes(exact < 1e-6),
        f"After 20 steps in float32, weights with and without a scaler are {exact:g} apart; in "
        f"float16, {half:.1g}.",
        "Scaling by a power of two is exact; float16's rounding and skipped steps differ.",
    )


def _skip_and_back_off(device: str) -> Claim:
    found = {}
    for poison in ("inf", "nan"):
        trace = run(steps=6, poisoned=(2,), poison=poison, device=device)
        found[poison] = (
            bool(trace.stepped[2]),
            bool(trace.moved[2]),
            float(trace.scale[3] / trace.scale[2]),
        )
    return Claim(
        "scaler.step checks for inf and NaN; if there is one, the weights are not updated, and the "
        "scale is multiplied by backoff_factor.",
        f"{_SCALER}, 1",
        _yes(all(each == (False, False, 0.5) for each in found.values())),
        "; ".join(
            f"{poison}: step {'taken' if stepped else 'skipped'}, "
            f"{'weights' if moved else 'no weight'} moved, scale times {factor:g}"
            for poison, (stepped, moved, factor) in found.items()
        )
        + ".",
        "scaler.step skips; scaler.update lowers the scale.",
    )


def _growth(device: str) -> Claim:
    trace = run(steps=10, growth_interval=4, poisoned=(2,), device=device)
    expected = expected_scale(trace.found_inf, growth_interval=4)
    exact = largest_difference(trace.scale, expected) == 0
    grown = [step for step in range(10) if trace.scale[step + 1] > trace.scale[step]]
    return Claim(
        "If growth_interval steps in a row are clean, scaler.update multiplies the scale by "
        "growth_factor.",
        f"{_SCALER}, 2",
        _yes(exact and grown == [6]),
        f"growth_interval 4, an infinity at step 2: the scale falls to {trace.scale[3]:g}, and "
        f"grows to {trace.scale[-1]:g} at step {' and '.join(map(str, grown))}.",
        "An infinity restarts the count; so does growing. The default is 2000.",
    )


def _window() -> Claim:
    true = gradients(step=40)
    shares = {
        exponent: float_formats.representable(true.double() * 2.0**exponent, "float16")
        for exponent in (0, 16, 30)
    }
    low, middle, high = shares.values()
    holds = low.zero > 0.05 and middle.zero == middle.infinite == 0 and high.infinite > 0.05
    return Claim(
        "The scale should be large, against underflow; too large, and float16 overflows. It is "
        "made as large as goes without either.",
        _SCALER,
        _yes(holds),
        "Of this model's gradients float16 makes "
        + "; ".join(
            f"{100 * share.zero:.0f} % zero, {100 * share.infinite:.0f} % infinite at scale "
            f"2**{exponent}"
            for exponent, share in shares.items()
        )
        + ".",
        "update cannot see underflow: the scale grows until something overflows, then halves.",
    )


def _clip_unscaled(device: str) -> Claim:
    found = clip_first(ClipFirst(), device=device)
    smaller = float(found.right[0] / found.wrong[0])
    return Claim(
        "Gradients from scaler.scale(loss).backward() are scaled; clipped without unscale_, the "
        "threshold is invalid.",
        f"{_UNSCALED}; {_CLIPPING}",
        _yes(smaller > 1000),
        found.mistake.wrong_cost,
        "Unscale before anything reads or changes .grad.",
    )


def _no_second_unscale(where: torch.device) -> Claim:
    weight, optimizer = _one(where)
    scaler = torch.amp.GradScaler(where.type)
    scaler.scale((3 * weight).sum()).backward()
    scaler.unscale_(optimizer)
    said = invoke(scaler, "unscale_", optimizer)
    scaler.step(optimizer)
    moved = float(weight.detach())
    scaler.update()
    optimizer.zero_grad()
    scaler.scale((math.inf * weight).sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    skipped = float(weight.detach()) == moved
    return Claim(
        "After unscale_, scaler.step does not unscale again, but still skips the step if there are "
        "infs or NaNs.",
        _CLIPPING,
        _yes(moved == -3 and skipped),
        f"A gradient of 3 moves the weight by {moved:g}; an infinite one "
        f"{'does not move it' if skipped else 'moves it'}. A second unscale_ before step: {said}",
        "unscale_'s finding is kept until update.",
    )


def _other_optimizer(where: torch.device) -> Claim:
    (first, optimizer), (second, optimizer2) = _one(where), _one(where)
    scaler = torch.amp.GradScaler(where.type, init_scale=1024.0)
    scaler.scale((first + second).sum()).backward()
    scaler.unscale_(optimizer)
    assert first.grad is not None and second.grad is not None
    between = (float(first.grad), float(second.grad))
    scaler.unscale_(optimizer2)
    after = float(second.grad)
    return Claim(
        "Parameters of another optimizer are unscaled by a call of their own: "
        "scaler.unscale_(optimizer2).",
        _UNSCALED,
        _yes(between == (1.0, 1024.0) and after == 1.0),
        f"After unscale_(optimizer) its gradient is {between[0]:g}, optimizer2's "
        f"{between[1]:g}; after unscale_(optimizer2) that is {after:g}.",
        "Each optimizer is checked and skipped alone; one update serves all.",
    )


def _constant_scale(device: str) -> Claim:
    found = {way: rescaled(Rescaled(way=way), device=device) for way in ("update", "unscale_")}
    true = found["update"].others["one batch in float32"]
    off = {way: float((each.wrong - true).norm() / true.norm()) for way, each in found.items()}
    said = "".join(each.said for each in found.values())
    fine = float((found["update"].right - true).norm() / true.norm())
    return Claim(
        "While gradients are accumulated they must stay scaled, by a constant factor; else the sum "
        "cannot be recovered.",
        _ACCUMULATION,
        _yes(min(off.values()) > 0.1 and fine < 0.01),
        f"The gradient's error is {times(off['update'])} times its length if the scale changes "
        f"midway, {times(off['unscale_'])} times if unscale_ comes early, {times(fine)} times if "
        "neither.",
        f"{warned(said)}: unscale_, step and update once per effective batch.",
    )


def _effective_batch(where: torch.device) -> Claim:
    count = 4
    ends = []
    for parts in (count, 1):
        problem = Problem(steps=count, seed=0, where=where)
        optimizer = torch.optim.SGD(problem.parameters, lr=0.1)
        scaler = torch.amp.GradScaler(where.type)
        losses = []
        for index in range(count):
            losses.append(problem.loss(problem.forward(index), index) / count)
            if parts == count or index + 1 == count:
                scaler.scale(torch.stack(losses).sum()).backward()
                losses = []
        scaler.step(optimizer)
        scaler.update()
        ends.append(problem.flat())
    start = Problem(steps=count, seed=0, where=where).flat()
    off = float((ends[0] - ends[1]).norm() / (ends[1] - start).norm())
    return Claim(
        "Accumulating loss / iters_to_accumulate and then calling step and update once is training "
        "on the effective batch.",
        _ACCUMULATION,
        _yes(off < 1e-4),
        f"Steps from {count} micro-batches and from one batch differ by {off:.1g} of their length.",
        "For a mean loss and equal micro-batches. Batch norm still sees each alone.",
    )


def _checked_in_step(where: torch.device) -> Claim:
    reached = {}
    for when in ("before", "after"):
        weight, optimizer = _one(where, 1.0)
        scaler = torch.amp.GradScaler(where.type)
        scaler.scale(weight.sum()).backward()
        if when == "after":
            scaler.unscale_(optimizer)
        assert weight.grad is not None
        weight.grad.fill_(math.nan)
        scaler.step(optimizer)
        scaler.update()
        reached[when] = math.isnan(float(weight.detach()))
    held = reached["after"] and not reached["before"]
    words = {True: "reaches the weight", False: "is caught"}
    return Claim(
        "What changes gradients must be inside the optimizer's step, or AMP cannot tell whether a "
        "gradient is NaN.",
        "Notes of caution: changing gradients",
        # Seen late or early alike, or never: neither is what the statement warns of.
        Verdict.CONDITION if held else Verdict.WRONG,
        f"A NaN put into .grad before unscaling {words[reached['before']]}; one put there after "
        f"unscale_ {words[reached['after']]}.",
        "Unscaling, by unscale_ or step, checks; later changes go unchecked.",
    )


def _activations(where: torch.device) -> Claim:
    problem = Problem(steps=1, seed=0, where=where)
    first, bias, second, second_bias = problem.parameters
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(32, first.shape[1], generator=generator).to(where)
    hidden = torch.tanh(F.linear(inputs, first, bias))
    hidden.retain_grad()
    F.linear(hidden, second, second_bias).square().mean().backward()
    assert hidden.grad is not None and first.grad is not None
    medians = [float(each.abs().median().log2()) for each in (hidden.grad, first.grad)]
    lost = [float_formats.representable(each, "float16").zero for each in (hidden.grad, first.grad)]
    return Claim(
        "Gradients of activations are often smaller than those of weights, and underflow sooner.",
        "Why use amp: drawbacks",
        _yes(medians[0] < medians[1]),
        f"Median gradient: 2**{medians[0]:.0f} for the hidden layer's activations, "
        f"2**{medians[1]:.0f} for its weights; float16 flushes {100 * lost[0]:.0f} % and "
        f"{100 * lost[1]:.0f} % to 0.",
        "A weight's gradient sums over the batch; an activation's is one term.",
    )


def _which_gpu(where: torch.device) -> Claim:
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(16, 16, generator=generator) for _ in range(2))
    product = (left.to(where, torch.float16) @ right.to(where, torch.float16)).cpu()
    true = left.double() @ right.double()
    off = largest_difference(product, true)
    # A sum of 16 products of size near 1: float16 rounds each input and the sum.
    computes = product.dtype is torch.float16 and off < 0.05
    if where.type == "cuda":
        major, minor = torch.cuda.get_device_capability(where)
        cores = major >= 7
        name = f"{torch.cuda.get_device_name(where)}, compute capability {major}.{minor},"
    else:
        cores, name = False, f"This {where.type.upper()}"
    # The statement makes Tensor Cores the test of support: where both agree, it holds here.
    verdict = Verdict.HOLDS
    if computes != cores:
        verdict = Verdict.CONDITION if computes else Verdict.WRONG
    return Claim(
        "Check whether the GPU supports FP16: a 2080 Ti or a Tesla has Tensor Cores (20 TFLOPS in "
        "half), a 1080 Ti has not (0.17).",
        "Notes of caution: hardware",
        verdict,
        f"{name} has {'Tensor Cores' if cores else 'no Tensor Cores'}; its float16 product is "
        f"{off:.2g} off float64's: it {'computes' if computes else 'does not compute'} float16.",
        "Tensor Cores need compute capability 7.0; earlier GPUs compute float16 too, "
        "mostly slowly. bfloat16 needs 8.0.",
    )
