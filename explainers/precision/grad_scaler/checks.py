"""Compare torch's GradScaler with its rule in plain Python, and with training in float32, now."""

import copy
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference
from explainers.precision import float_formats
from explainers.precision.grad_scaler.loop import POISONS, ScalerTrace, run
from explainers.precision.grad_scaler.machine import machine
from explainers.precision.grad_scaler.reference import MOST_GAPS, changed, steps_off
from explainers.precision.grad_scaler.rule import Settings, expected_path
from explainers.precision.problem import Problem, gradients
from explainers.precision.spectrum import histogram

_RATE = 0.1
# float16 keeps 11 digits in base 2; sums of a batch lose a few of them.
_HALF_ROUNDING = 2.0**-8


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Check the scaler's rule and states, and its gradients.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    runs = _poisoned_runs(device)
    return (
        _path(runs),
        _tracker(runs),
        _kernel(where),
        _skips(runs),
        _states(where),
        _powers_of_two(where),
        *(_precision(dtype, device) for dtype in ("float16", "bfloat16")),
        _accumulation(where, torch.float32),
        _accumulation(where, torch.float16),
        _clipping(device),
        _implicit_unscale(device),
        _no_trace(where),
        _saved(where),
        _two_optimizers(where),
        _counted(device),
    )


def _poisoned_runs(device: str) -> list[tuple[Settings, ScalerTrace, tuple[int, ...]]]:
    generator = torch.Generator().manual_seed(0)
    settings = (Settings(growth_interval=3), Settings(1000.0, 1.7, 0.37, 2))
    found = []
    for setting, poison in itertools.product(settings, POISONS):
        bad = tuple((torch.rand(16, generator=generator) < 0.3).nonzero().flatten().tolist())
        trace = run(
            steps=16,
            init_scale=setting.init_scale,
            growth_factor=setting.growth_factor,
            backoff_factor=setting.backoff_factor,
            growth_interval=setting.growth_interval,
            poisoned=bad,
            poison=poison,
            device=device,
        )
        found.append((setting, trace, bad))
    return found


def _flags(bad: Sequence[int], steps: int) -> list[bool]:
    return [step in bad for step in range(steps)]


def _path(runs: list[tuple[Settings, ScalerTrace, tuple[int, ...]]]) -> Check:
    errors = [
        largest_difference(trace.scale, expected_path(_flags(bad, len(trace.loss)), setting).scale)
        for setting, trace, bad in runs
    ]
    return Check(
        "The scale follows the rule, whichever steps are poisoned",
        "the rule in Python, told the poisoned steps; six runs",
        max(errors),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _tracker(runs: list[tuple[Settings, ScalerTrace, tuple[int, ...]]]) -> Check:
    errors = [
        largest_difference(
            trace.growth_tracker, expected_path(trace.found_inf, setting).growth_tracker
        )
        for setting, trace, _ in runs
    ]
    return Check(
        "The growth tracker counts clean steps in a row, anew when the scale moves",
        "the rule in plain Python",
        max(errors),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _kernel(where: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    error = 0.0
    for setting, share in (
        (Settings(65536.0, 2.0, 0.5, 1), 0.0),
        (Settings(65536.0, 2.0, 0.5, 3), 1.0),
        (Settings(3.0, 1.9, 0.3, 2), 0.2),
        (Settings(1e38, 1.01, 0.99, 1), 0.3),
    ):
        found = (torch.rand(250, generator=generator) < share).tolist()
        scale = torch.full((), setting.init_scale, device=where)
        tracker = torch.zeros((), dtype=torch.int32, device=where)
        path = [float(scale)]
        for flag in found:
            torch._amp_update_scale_(
                scale,
                tracker,
                torch.full((), float(flag), device=where),
                setting.growth_factor,
                setting.backoff_factor,
                setting.growth_interval,
            )
            path.append(float(scale))
        expected = expected_path(found, setting).scale
        error = max(error, largest_difference(torch.tensor(path), expected))
    return Check(
        "From near 2**128 down to 0, a thousand updates follow the rule",
        "the rule in plain Python",
        error,
        0.0,
        "The scale never grows to infinity; once 0, it stays 0.",
        kind=Kind.INDEPENDENT,
    )


def _skips(runs: list[tuple[Settings, ScalerTrace, tuple[int, ...]]]) -> Check:
    wrong = 0
    for _, trace, bad in runs:
        poisoned = torch.tensor(_flags(bad, len(trace.loss)))
        pairs = zip(trace.weights[:-1], trace.weights[1:], strict=True)
        still = torch.tensor([changed(before, after) == 0 for before, after in pairs])
        wrong += int((trace.found_inf != poisoned).sum())
        wrong += int((trace.stepped == poisoned).sum())
        wrong += int((still != poisoned).sum())
    return Check(
        "Only poisoned steps are skipped, and they move no weight",
        "the list of poisoned steps",
        float(wrong),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _states(where: torch.device) -> Check:
    refused = {
        ("READY", "update"),
        ("UNSCALED", "unscale_"),
        ("STEPPED", "unscale_"),
        ("STEPPED", "step"),
    }
    leads = {"unscale_": "UNSCALED", "step": "STEPPED", "update": "READY"}
    wrong = sum(
        edge.then != (edge.state if (edge.state, edge.call) in refused else leads[edge.call])
        or edge.legal == ((edge.state, edge.call) in refused)
        for edge in machine(device=str(where))
    )
    return Check(
        "Three states, three calls: torch allows five of nine and refuses four",
        "the docstrings of unscale_, step and update",
        float(wrong),
        0.0,
        "unscale_, then update without step, is allowed.",
        kind=Kind.INDEPENDENT,
    )


def _powers_of_two(where: torch.device) -> Check:
    error = 0.0
    for exponent in (-10, 1, 16, 40):
        problem = Problem(steps=1, seed=0, where=where)
        optimizer = torch.optim.SGD(problem.parameters, lr=_RATE)
        scaler = torch.amp.GradScaler(where.type, init_scale=2.0**exponent)
        scaler.scale(problem.loss(problem.forward(0), 0)).backward()
        scaled, true = problem.flat_gradients().cpu(), gradients(device=str(where))
        scaler.unscale_(optimizer)
        # Before unscaling too: without any scaling the gradients would be true as they are.
        for found in (scaled * 2.0**-exponent, problem.flat_gradients().cpu()):
            error = max(error, largest_difference(found, true))
    return Check(
        "In float32, scaling by powers of two and unscaling change no bit",
        "the plain loss's backward; scales 2**-10, 2, 2**16, 2**40",
        error,
        0.0 if where.type == "cpu" else 1e-9,
        kind=Kind.ANOTHER_PATH,
    )


def _precision(dtype: str, device: str) -> Check:
    where = devices.device(device)
    lower = float_formats.FORMATS[dtype].dtype
    true = gradients(device=device).double()
    problem = Problem(steps=1, seed=0, where=where)
    optimizer = torch.optim.SGD(problem.parameters, lr=_RATE)
    scaler = torch.amp.GradScaler(where.type)
    with torch.autocast(where.type, dtype=lower):
        loss = problem.loss(problem.forward(0), 0)
    scaler.scale(loss).backward()
    scaled = problem.flat_gradients().cpu().double()
    scaler.unscale_(optimizer)
    off = _off(scaled, problem.flat_gradients().cpu().double(), true)
    eps = float_formats.FORMATS[dtype].eps
    return Check(
        f"In {dtype}, unscaled gradients are float32's but for rounding",
        "float32 backward without scaling; difference over gradient's length",
        off,
        2 * eps,
        f"{dtype} rounds by up to {eps / 2:.2g} per operation.",
        kind=Kind.ANOTHER_PATH,
    )


def _off(scaled: Tensor, unscaled: Tensor, true: Tensor) -> float:
    """Return the larger error, over the true length, of gradients before and after unscaling.

    Before it they must be the scale times as large: else no scaling at all would pass.
    """
    errors = (each - true for each in (scaled / 2.0**16, unscaled))
    return max(float(error.norm() / true.norm()) for error in errors)


def _accumulation(where: torch.device, dtype: torch.dtype) -> Check:
    count, half = 4, dtype is torch.float16
    problem = Problem(steps=count, seed=0, where=where)
    optimizer = torch.optim.SGD(problem.parameters, lr=_RATE)
    scaler = torch.amp.GradScaler(where.type)
    for index in range(count):
        with torch.autocast(where.type, dtype=torch.float16, enabled=half):
            loss = problem.loss(problem.forward(index), index) / count
        scaler.scale(loss).backward()
    scaled = problem.flat_gradients().double()
    scaler.unscale_(optimizer)
    whole = Problem(steps=count, seed=0, where=where)
    losses = [whole.loss(whole.forward(index), index) for index in range(count)]
    torch.stack(losses).mean().backward()
    true = whole.flat_gradients().double()
    name = "float16 autocast" if half else "float32"
    return Check(
        f"{count} scaled micro-batches' gradients add up to one batch's, in {name}",
        "one float32 backward of the mean loss; difference over gradient's length",
        _off(scaled, problem.flat_gradients().double(), true),
        _HALF_ROUNDING if half else 1e-6,
        kind=Kind.ANOTHER_PATH,
    )


def _clipping(device: str) -> Check:
    threshold = 0.005
    trace = run(steps=20, max_norm=threshold, device=device)
    off = steps_off(trace, learning_rate=_RATE, max_norm=threshold, unscale_first=True)
    return Check(
        "Clipped after unscale_, SGD moves by the rate times the smaller of norm and max_norm",
        "NumPy, from backward's gradients; 20 steps, some clipped; in float32's gaps",
        off,
        MOST_GAPS,
        kind=Kind.INDEPENDENT,
    )


def _implicit_unscale(device: str) -> Check:
    traces = [
        run(steps=12, poisoned=(4,), growth_interval=3, unscale_first=first, device=device)
        for first in (True, False)
    ]
    return Check(
        "step unscales by itself: unscale_ first changes no weight",
        "the run with unscale_, 12 steps",
        largest_difference(traces[0].weights, traces[1].weights),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _no_trace(where: torch.device) -> Check:
    ends = []
    for enabled in (True, False):
        problem = Problem(steps=20, seed=0, where=where)
        optimizer = torch.optim.SGD(problem.parameters, lr=_RATE)
        scaler = torch.amp.GradScaler(where.type, enabled=enabled)
        for index in range(20):
            optimizer.zero_grad()
            scaler.scale(problem.loss(problem.forward(index), index)).backward()
            scaler.step(optimizer)
            scaler.update()
        ends.append(problem.flat())
    return Check(
        "In float32, 20 steps end alike with and without a scaler",
        "GradScaler(enabled=False)",
        largest_difference(*ends),
        0.0 if where.type == "cpu" else 1e-6,
        kind=Kind.ANOTHER_PATH,
    )


def _saved(where: torch.device) -> Check:
    def go(scaler: torch.amp.GradScaler, steps: range) -> list[float]:
        weight = torch.ones(1, device=where, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.0)
        scales = []
        for step in steps:
            optimizer.zero_grad()
            scaler.scale(weight.sum() * (math.inf if step % 7 == 5 else 1.0)).backward()
            scaler.step(optimizer)
            scaler.update()
            scales.append(scaler.get_scale())
        return scales

    def made() -> torch.amp.GradScaler:
        return torch.amp.GradScaler(where.type, growth_interval=3)

    whole = go(made(), range(20))
    error = 0.0
    for cut in range(1, 20, 3):
        first = made()
        go(first, range(cut))
        saved: dict[str, Any] = copy.deepcopy(first.state_dict())
        again = torch.amp.GradScaler(where.type, init_scale=1.0)
        again.load_state_dict(saved)
        rest = go(again, range(cut, 20))
        error = max(error, *(abs(a - b) for a, b in zip(rest, whole[cut:], strict=True)))
    return Check(
        "A scaler saved and loaded goes on as if never interrupted",
        "the uninterrupted run; seven interruptions",
        error,
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _two_optimizers(where: torch.device) -> Check:
    sick, well = (torch.ones(1, device=where, requires_grad=True) for _ in range(2))
    optimizers = [torch.optim.SGD([weight], lr=_RATE) for weight in (sick, well)]
    scaler = torch.amp.GradScaler(where.type)
    scaler.scale(sick.sum() * math.inf + well.sum()).backward()
    for optimizer in optimizers:
        scaler.step(optimizer)
    scaler.update()
    found = torch.tensor([float(sick.detach()), float(well.detach()), scaler.get_scale()])
    return Check(
        "Of two optimizers only the one with an infinite gradient is skipped; the scale "
        "halves once",
        "by hand: weights 1 and 0.9, scale 32768",
        largest_difference(found, torch.tensor([1.0, 0.9, 32768.0])),
        0.0,
        kind=Kind.INDEPENDENT,
    )


def _counted(device: str) -> Check:
    flat: Tensor = gradients(device=device)
    found = histogram(flat, 2.0**16, "float16")
    sizes = np.abs(flat.numpy().astype(np.float64)) * 2.0**16
    expected, _ = np.histogram(np.floor(np.log2(sizes[sizes > 0])), bins=found.edges.numpy() - 0.5)
    kept = np.isfinite(sizes.astype(np.float16)) & (sizes.astype(np.float16) != 0)
    share = abs(found.share.subnormal + found.share.normal - float(kept[sizes > 0].mean()))
    missed = float(np.abs(expected - found.counts.numpy()).sum())
    return Check(
        "The histogram counts each gradient once; its shares are float16's",
        "numpy's histogram and numpy's float16",
        missed + share,
        1e-12,
        kind=Kind.INDEPENDENT,
    )
