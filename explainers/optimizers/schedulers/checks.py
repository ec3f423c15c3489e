"""Compare torch's schedulers with their closed forms, with each other and with themselves, now."""

import bisect
import copy
import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import ChainedScheduler, ReduceLROnPlateau, SequentialLR

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference, recorded_warnings
from explainers.optimizers.schedulers.losses import LOSSES, losses
from explainers.optimizers.schedulers.reference import Curve, reduce_on_plateau
from explainers.optimizers.schedulers.scale import LARGEST
from explainers.optimizers.schedulers.specs import SCHEDULERS, SchedulerSpec, total_steps
from explainers.optimizers.schedulers.tracing import (
    OPTIMIZERS,
    build,
    build_composed,
    compose,
    plateau,
    trace,
)
from explainers.optimizers.schedulers.view import Schedulers, View, far

_STEPS = 100
_BASE_LR = (0.1, 0.02)
# float64 keeps 16 digits; a rate made of a hundred roundings keeps 12 and more.
_ROUNDING = 1e-12
_RESUMED_STEPS = 20
# Of a long run: factors that Python multiplies, and steps that torch makes.
_MULTIPLIED = 2000
_MADE = 250
_CLOSED = [spec for spec in SCHEDULERS.values() if spec.closed_form is not None]


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Check every scheduler and composer on arguments that bring out its rule.

    Args:
        device: Where the optimizer's parameter lives; rates are Python floats anywhere.
    """
    where = devices.device(device)
    return (
        _closed_forms(),
        _momenta(),
        _momentum_is_mirrored(),
        _beta1_is_momentum(),
        _plateau(),
        _sequence_of_pieces(),
        _chain_is_a_product(),
        _groups_are_alone(),
        _jump_is_many_steps(where),
        *_round_trips(where),
        _rate_is_used(where),
    )


def view_checks(view: View, *, device: str = "cpu") -> tuple[Check, ...]:
    """Check the very schedule on show, under its own settings.

    Args:
        view: What `explain` returned.
        device: Where the optimizer's parameter lives.

    Returns:
        The checks that apply; none where the schedule is refused.
    """
    where = devices.device(device)
    if view.current.trace is None:
        return ()
    if view.is_long:
        return (
            *_view_closed_form(view),
            _view_stepped(view),
            *_view_used(view, where),
        )
    return (
        *_view_closed_form(view),
        _view_resumed(view, where),
        *_view_first_child(view),
        *_view_used(view, where),
    )


def _view_closed_form(view: View) -> list[Check]:
    schedule, found = view.current.schedule, view.current.trace
    assert found is not None
    parameters, spec = view.parameters, schedule.spec
    if spec is None:
        return []
    arguments = spec.check(dict(schedule.arguments))
    if spec.name == "OneCycleLR" and total_steps(arguments) is None:
        arguments["total_steps"] = parameters.steps
    checks = []
    at, remark = found.at, ""
    if view.is_long and spec.name == "MultiplicativeLR":
        # A product of every factor, one after the other in Python.
        at = at[at < _MULTIPLIED]
        remark = f"Of the steps drawn, those before {_MULTIPLIED:,}: it multiplies every factor. "
    for index, rate in enumerate(schedule.rates(parameters.rates())):
        own = _of_group(spec, arguments, index)
        if spec.closed_form is not None:
            with np.errstate(all="ignore"):
                expected = spec.closed_form(at.numpy(), rate, **own)
            reference = "the documented formula, numpy float64"
        else:
            seen = parameters.curve_of_losses()
            # The reference gives the rate after each loss; a step uses what the last loss left.
            after = reduce_on_plateau(seen, rate, **own)
            expected = np.concatenate([[rate], after[:-1]])
            reference = "a Python loop over best, bad steps and cooldown"
        group = f", group {index}" if parameters.two_groups else ""
        tolerance, why = _drift(spec, own, rate, int(at[-1]))
        checks.append(
            Check(
                f"{spec.name}{group}: torch follows the rule",
                reference,
                relative_difference(found.learning_rate[index, : len(at)], _tensor(expected)),
                tolerance,
                f"{remark}{why}".strip() or "Each as a share of its rate.",
                kind=Kind.INDEPENDENT,
            )
        )
    return checks


def relative_difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference of rates ``(k,)``, each as a share of the rate expected.

    A rate that is next to nothing beside the largest is what rounding has left of a difference, as
    1 + cos(pi) is, or the end of a line: below a thousandth of the largest, the difference is a
    share of that. What is too large for float64 counts until it is so for either.
    """
    lost = (~(found.isfinite() & expected.isfinite())).cumsum(dim=0) > 0
    if lost.all():
        return 0.0
    found, expected = found[~lost], expected[~lost]
    scale = torch.maximum(expected.abs(), 1e-3 * expected.abs().max())
    if not scale.any():
        return largest_difference(found, expected)
    return largest_difference(found / scale, expected / scale)


def _drift(
    spec: SchedulerSpec, arguments: Mapping[str, Any], base_lr: float, last: int
) -> tuple[float, str]:
    """Return how far torch's recursion may stray by rounding from a formula, and why."""
    # Each step rounds once or twice; that adds up, at worst.
    tolerance = _ROUNDING * max(1.0, last / 1000)
    if spec.name == "CosineAnnealingLR" and last > arguments["T_max"]:
        # One bit of 1 - cos(pi / T_max), (pi / T_max)^2 / 2 in size, stays in all that follow; so
        # does one of eta_min in a rate that has come so near to it.
        near = abs(base_lr - arguments["eta_min"]) or 1.0
        bit = 2.0**-53 * arguments["T_max"] ** 2
        tolerance += bit * (1 + arguments["eta_min"] / near)
        return tolerance, (
            "Past T_max torch starts from 1 - cos(pi / T_max), of which rounding leaves "
            f"{max(0.0, -math.log10(max(bit, 1e-16))):.0f} digits."
        )
    return tolerance, ""


def _view_stepped(view: View) -> Check:
    """Step torch's own scheduler where the picture has a point, from the rate before it."""
    found = view.current.trace
    assert found is not None
    far_away = far(view.current.schedule, view.parameters)
    drawn = found.at[1:]
    known = found.learning_rate[:, 1:].isfinite().all(dim=0)
    drawn = drawn[known]
    every = max(1, len(drawn) // _MADE)
    at = torch.unique(torch.cat([drawn[::every], drawn[-1:]]))
    made, momenta = far_away.stepped(at.numpy())
    index = torch.searchsorted(found.at, at)
    error = max(
        relative_difference(row, shown)
        for row, shown in zip(_tensor(made), found.learning_rate[:, index], strict=True)
    )
    if momenta is not None and found.momentum is not None:
        error = max(error, largest_difference(_tensor(momenta), found.momentum[:, index]))
    return Check(
        f"torch's own step() makes the rates shown, at {len(at)} of the steps drawn",
        "set to the step before, and to its rate",
        error,
        1e-11,
        f"From the first of {view.parameters.steps:,} steps on it would take too long. Largest "
        "difference, as a share of the rate.",
        kind=Kind.ANOTHER_PATH,
    )


def _of_group(spec: SchedulerSpec, arguments: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the arguments of one group: its entry where each group has its own."""
    return {
        name: value[index] if spec.arguments[name].per_group and isinstance(value, tuple) else value
        for name, value in arguments.items()
    }


def _view_made(view: View, where: torch.device) -> tuple[torch.optim.Optimizer, Any]:
    parameters, schedule = view.parameters, view.current.schedule
    groups = [
        {"params": [torch.zeros(1, device=where, requires_grad=True)], "lr": rate}
        for rate in schedule.rates(parameters.rates())
    ]
    optimizer = OPTIMIZERS[parameters.optimizer](groups, 0.9)
    if schedule.children:
        children = [(child.name, dict(child.arguments)) for child in schedule.children]
        return optimizer, build_composed(
            schedule.name, children, optimizer, parameters.steps, schedule.milestones
        )
    arguments = dict(schedule.arguments)
    return optimizer, build(schedule.name, optimizer, parameters.steps, arguments)


def _view_resumed(view: View, where: torch.device) -> Check:
    found = view.current.trace
    assert found is not None
    steps = view.parameters.steps
    # Near the middle; a hundred steps on either side tell as much as a thousand.
    cut = steps // 2
    curve = view.parameters.curve_of_losses()
    with recorded_warnings():
        optimizer, scheduler = _view_made(view, where)
        optimizer.step()
        _run_on(scheduler, optimizer, list(curve[:cut]))
        states = copy.deepcopy((scheduler.state_dict(), optimizer.state_dict()))
        optimizer, scheduler = _view_made(view, where)
        optimizer.step()
        scheduler.load_state_dict(states[0])
        optimizer.load_state_dict(states[1])
        last = min(cut + 100, steps)
        # The step after the last rate is nobody's, and OneCycleLR refuses it.
        rest = _run_on(scheduler, optimizer, list(curve[cut : last - 1]))
        rest.append(float(optimizer.param_groups[0]["lr"]))
    return Check(
        f"Saved and loaded before step {cut}, it goes on to the bit",
        "the uncut run shown",
        largest_difference(
            # Infinity less infinity would be no number.
            torch.tensor(rest, dtype=torch.float64).nan_to_num(),
            found.learning_rate[0][cut:last].nan_to_num(),
        ),
        0.0,
        kind=Kind.INVARIANT,
    )


def _view_first_child(view: View) -> list[Check]:
    schedule, found = view.current.schedule, view.current.trace
    assert found is not None
    if schedule.name != "SequentialLR" or len(schedule.children) < 2:
        return []
    # A milestone of 0 leaves the child before it without a turn.
    index = bisect.bisect_right(schedule.milestones, 0)
    first, steps = schedule.children[index], view.parameters.steps
    end = schedule.milestones[index] if index < len(schedule.milestones) else steps
    until, arguments = min(end, steps), dict(first.arguments)
    if first.spec is not None and first.name == "OneCycleLR":
        # Its cycle is as long as its turn, be that longer than the run.
        total = total_steps(first.spec.check(arguments))
        arguments["total_steps"] = end if total is None else total
    alone = trace(
        first.name,
        steps=until,
        base_lr=view.parameters.rates(),
        optimizer=view.parameters.optimizer,
        **arguments,
    )
    error = largest_difference(found.learning_rate[:, :until], alone.learning_rate)
    others = (*schedule.children[:index], *schedule.children[index + 1 :])
    own = [child.name for child in others if child.name in ("OneCycleLR", "CyclicLR")]
    return [
        Check(
            f"Up to the first milestone{' after 0' if index else ''} SequentialLR is {first.name} "
            "alone",
            f"{first.name} alone",
            error,
            _ROUNDING,
            f"{own[0]} sets the optimizer's rate when made, before any child steps."
            if error > _ROUNDING and own
            else "",
            kind=Kind.ANOTHER_PATH,
        )
    ]


def _view_used(view: View, where: torch.device) -> list[Check]:
    found = view.current.trace
    assert found is not None
    rates = found.learning_rate[0]
    held = rates.where(rates <= LARGEST, 0.0)
    looked = {0, len(rates) // 3, int(held.argmax()), len(rates) - 1}
    at = sorted(index for index in looked if rates[index] <= LARGEST)
    if not at:
        return []
    # SGD's step is the rate times the gradient.
    on_sgd = dataclasses.replace(view.parameters, optimizer="SGD")
    moved = []
    with recorded_warnings():
        for optimizer in _placed(view, on_sgd, at, where):
            weight = optimizer.param_groups[0]["params"][0]
            with torch.no_grad():
                weight.zero_()
            weight.grad = torch.ones_like(weight)
            # Without a memory of steps before, momentum adds nothing.
            optimizer.state.clear()
            optimizer.step()
            moved.append(-float(weight.detach()))
            weight.grad = None
    used = rates[at]
    check = Check(
        ("Set to a step, " if view.is_long else "")
        + "SGD under the scheduler moves a weight by the rate shown, per unit of gradient",
        "one optimizer step at each of steps "
        + ", ".join(str(int(found.at[index])) for index in at),
        largest_difference(torch.tensor(moved, dtype=torch.float64), used),
        1e-6 * max(1e-2, float(used.max())),
        "float32 keeps seven digits of the rate.",
        kind=Kind.ANOTHER_PATH,
    )
    return [check]


def _placed(
    view: View, parameters: Schedulers, at: list[int], where: torch.device
) -> Iterator[torch.optim.Optimizer]:
    """Yield an optimizer under the scheduler once for each entry of the trace, in its step."""
    found = view.current.trace
    assert found is not None
    if view.is_long:
        far_away = far(view.current.schedule, parameters)
        for index in at:
            yield far_away.place(int(found.at[index]))
        return
    curve = parameters.curve_of_losses()
    optimizer, scheduler = _view_made(dataclasses.replace(view, parameters=parameters), where)
    optimizer.step()
    for index in range(at[-1] + 1):
        if index in at:
            yield optimizer
        if index < at[-1]:
            _run_on(scheduler, optimizer, [curve[index]])


def _tensor(curve: Curve) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(curve))


def _closed(name: str, steps: int, base_lr: float = 0.1, **arguments: Any) -> Tensor:
    spec = SCHEDULERS[name]
    assert spec.closed_form is not None
    return _tensor(spec.closed_form(steps, base_lr, **spec.check(arguments)))


def _cases(spec: SchedulerSpec) -> Iterable[Mapping[str, Any]]:
    """Return torch's defaults and every preset, once each."""
    return [{}, *(preset for preset in spec.presets.values() if preset)]


def closed_form_error(spec: SchedulerSpec) -> float:
    """Return how far a scheduler strays from its closed form: every preset, two groups.

    Each difference is a share of its rate, as `relative_difference` tells it.
    """
    error = 0.0
    for arguments in _cases(spec):
        rates = trace(spec.name, steps=_STEPS, base_lr=_BASE_LR, **arguments).learning_rate
        for row, base_lr in zip(rates, _BASE_LR, strict=True):
            expected = _closed(spec.name, _STEPS, base_lr, **arguments)
            error = max(error, relative_difference(row, expected))
    return error


def momentum_error(spec: SchedulerSpec) -> float:
    """Return how far a scheduler's momentum strays from its closed form, over every preset."""
    assert spec.momentum_form is not None
    error = 0.0
    for arguments in _cases(spec):
        momentum = trace(spec.name, steps=_STEPS, **arguments).momentum
        assert momentum is not None
        expected = spec.momentum_form(_STEPS, **spec.check(arguments))
        error = max(error, largest_difference(momentum[0], _tensor(expected)))
    return error


def _closed_forms() -> Check:
    errors = {spec.name: closed_form_error(spec) for spec in _CLOSED}
    return Check(
        f"{len(errors)} schedulers follow their closed forms, every preset, two groups",
        "the documented formulas, numpy float64",
        max(errors.values()),
        _ROUNDING,
        f"Largest for {max(errors, key=errors.__getitem__)}. Each as a share of its rate.",
        kind=Kind.INDEPENDENT,
    )


def _momenta() -> Check:
    errors = {spec.name: momentum_error(spec) for spec in _CLOSED if spec.momentum_form}
    return Check(
        f"The momentum of {' and '.join(errors)} follows its closed form, every preset",
        "the documented formulas, numpy float64",
        max(errors.values()),
        _ROUNDING,
        f"Largest for {max(errors, key=errors.__getitem__)}." if any(errors.values()) else "",
        kind=Kind.INDEPENDENT,
    )


def _momentum_is_mirrored() -> Check:
    found = trace("OneCycleLR", steps=_STEPS, anneal_strategy="cos")
    assert found.momentum is not None
    rate, momentum = found.learning_rate[0], found.momentum[0]
    up = int(rate.argmax()) + 1
    risen = (rate[:up] - rate[0]) / (rate[up - 1] - rate[0])
    fallen = (momentum[0] - momentum[:up]) / (momentum[0] - momentum[up - 1])
    return Check(
        "OneCycleLR, going up: momentum falls by the share that the rate rises",
        "both curves scaled from 0 to 1",
        largest_difference(risen, fallen),
        _ROUNDING,
        kind=Kind.INVARIANT,
    )


def _beta1_is_momentum() -> Check:
    names = ("CyclicLR", "OneCycleLR")
    pairs = [
        [trace(name, steps=_STEPS, optimizer=made).momentum for made in ("SGD", "Adam")]
        for name in names
    ]
    errors = [largest_difference(a, b) for a, b in pairs if a is not None and b is not None]
    return Check(
        "CyclicLR and OneCycleLR move Adam's beta1 as SGD's momentum",
        "SGD's momentum under the same schedule",
        max(errors, default=float("inf")),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


_PLATEAU_SETTINGS: tuple[Mapping[str, Any], ...] = (
    {},
    {"patience": 2, "factor": 0.5, "cooldown": 3},
    {"patience": 0, "mode": "max"},
    {"patience": 1, "threshold": 0.01, "threshold_mode": "abs"},
    {"patience": 3, "factor": 0.1, "min_lr": 0.005},
    {"patience": 1, "factor": 0.9, "eps": 0.009},
)


def _plateau() -> Check:
    error = 0.0
    for kind, arguments in itertools.product(LOSSES, _PLATEAU_SETTINGS):
        curve = losses(kind, 60)
        spec = SCHEDULERS["ReduceLROnPlateau"]
        expected = reduce_on_plateau(curve, 0.1, **spec.check(arguments))
        rate = plateau(curve, **arguments).learning_rate
        error = max(error, largest_difference(rate, _tensor(expected)))
    return Check(
        "ReduceLROnPlateau follows its rule, five loss curves, six settings",
        "a Python loop over best, bad steps and cooldown",
        error,
        _ROUNDING,
        kind=Kind.INDEPENDENT,
    )


def _sequence_of_pieces() -> Check:
    children: tuple[tuple[str, dict[str, Any]], ...] = (
        ("LinearLR", {"start_factor": 0.1, "total_iters": 10}),
        ("CosineAnnealingLR", {"T_max": 30}),
        ("ExponentialLR", {"gamma": 0.9}),
    )
    found = compose("SequentialLR", children, steps=60, milestones=(10, 40))
    pieces = [
        _closed(name, length, **arguments)
        for (name, arguments), length in zip(children, (10, 30, 20), strict=True)
    ]
    return Check(
        "SequentialLR runs its children in turn, each from step 0",
        "closed forms of LinearLR, CosineAnnealingLR, ExponentialLR, end to end",
        largest_difference(found.learning_rate[0], torch.cat(pieces)),
        _ROUNDING,
        kind=Kind.INDEPENDENT,
    )


def _chain_is_a_product() -> Check:
    children: tuple[tuple[str, dict[str, Any]], ...] = (
        ("ConstantLR", {"factor": 0.1, "total_iters": 20}),
        ("ExponentialLR", {"gamma": 0.95}),
        ("StepLR", {"step_size": 15, "gamma": 0.5}),
    )
    found = compose("ChainedScheduler", children, steps=60)
    product = torch.stack([_closed(name, 60, 1.0, **rest) for name, rest in children]).prod(dim=0)
    return Check(
        "ChainedScheduler multiplies its children's factors",
        "closed forms of ConstantLR, ExponentialLR, StepLR, multiplied",
        largest_difference(found.learning_rate[0], 0.1 * product),
        _ROUNDING,
        "For children that multiply the last rate. LambdaLR, warm restarts, CyclicLR and "
        "OneCycleLR compute it anew, undoing those before.",
        kind=Kind.INDEPENDENT,
    )


def _groups_are_alone() -> Check:
    error = 0.0
    for name in SCHEDULERS:
        together = trace(name, steps=_STEPS, base_lr=_BASE_LR).learning_rate
        for row, base_lr in zip(together, _BASE_LR, strict=True):
            alone = trace(name, steps=_STEPS, base_lr=base_lr).learning_rate[0]
            error = max(error, largest_difference(row, alone))
    return Check(
        "Every scheduler treats each group alone",
        "one optimizer with two groups, two with one",
        error,
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _optimizer(where: torch.device, rate: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD([torch.zeros(1, device=where, requires_grad=True)], rate, momentum=0.9)


def _jump_is_many_steps(where: torch.device) -> Check:
    error = 0.0
    with recorded_warnings():
        for spec in _CLOSED:
            if spec.name == "MultiplicativeLR":
                continue
            rates = _closed(spec.name, 40)
            for target in (0, 1, 17, 39):
                optimizer = _optimizer(where)
                scheduler = build(spec.name, optimizer, 40, {})
                optimizer.step()
                scheduler.step(target)
                rate = torch.tensor(optimizer.param_groups[0]["lr"], dtype=torch.float64)
                error = max(error, largest_difference(rate, rates[target]))
    return Check(
        "step(t) lands where t times step() leads, for all but MultiplicativeLR",
        "closed forms at t = 0, 1, 17, 39",
        error,
        _ROUNDING,
        "If nobody else sets the rate. step(t) is deprecated; for MultiplicativeLR "
        "torch has no closed form, and would multiply once.",
        kind=Kind.INDEPENDENT,
    )


def _run_on(scheduler: Any, optimizer: torch.optim.Optimizer, curve: list[float]) -> list[float]:
    """Return the rate before each step of the scheduler, one for each of `curve`."""
    rates = []
    for loss in curve:
        rates.append(float(optimizer.param_groups[0]["lr"]))
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(loss)
        else:
            scheduler.step()
    return rates


def _resumed_error(make: Any) -> float:
    """Return the largest error of runs that were saved and loaded before each step."""
    curve = losses("flat", _RESUMED_STEPS)
    optimizer, scheduler = make()
    optimizer.step()
    whole, saved = [], []
    for loss in curve:
        saved.append((copy.deepcopy(scheduler.state_dict()), optimizer.state_dict()))
        whole += _run_on(scheduler, optimizer, [loss])
    error = 0.0
    for step, (scheduler_state, optimizer_state) in enumerate(saved):
        optimizer, scheduler = make()
        optimizer.step()
        scheduler.load_state_dict(scheduler_state)
        optimizer.load_state_dict(optimizer_state)
        rest = _run_on(scheduler, optimizer, curve[step:])
        error = max(error, *(abs(a - b) for a, b in zip(rest, whole[step:], strict=True)))
    return error


def _round_trips(where: torch.device) -> list[Check]:
    def alone(spec: SchedulerSpec, arguments: Mapping[str, Any]) -> Any:
        optimizer = _optimizer(where)
        return optimizer, build(spec.name, optimizer, _RESUMED_STEPS + 1, arguments)

    def composed(kind: str) -> Any:
        optimizer = _optimizer(where)
        children = [
            build("LinearLR", optimizer, 1, {"total_iters": 8}),
            build("ExponentialLR", optimizer, 1, {"gamma": 0.9}),
        ]
        if kind == "SequentialLR":
            return optimizer, SequentialLR(optimizer, children, milestones=[8])
        return optimizer, ChainedScheduler(children, optimizer=optimizer)

    quick: dict[str, dict[str, Any]] = {
        "StepLR": {"step_size": 3},
        "MultiStepLR": {"milestones": (3, 8, 8, 15)},
        "CosineAnnealingLR": {"T_max": 7},
        "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
        "CyclicLR": {"step_size_up": 3, "mode": "triangular2"},
        "ReduceLROnPlateau": {"patience": 2, "cooldown": 1},
    }
    errors = [
        _resumed_error(lambda spec=spec: alone(spec, quick.get(spec.name, {})))
        for spec in SCHEDULERS.values()
    ]
    composers = [
        _resumed_error(lambda kind=kind: composed(kind))
        for kind in ("SequentialLR", "ChainedScheduler")
    ]
    return [
        Check(
            "Every scheduler, saved and loaded at any step, goes on to the bit",
            "the uncut run",
            max(errors),
            0.0,
            "Needs the scheduler's and the optimizer's state dicts.",
            kind=Kind.INVARIANT,
        ),
        Check(
            "SequentialLR and ChainedScheduler, saved and loaded likewise, go on to the bit",
            "the uncut run",
            max(composers),
            0.0,
            kind=Kind.INVARIANT,
        ),
    ]


def _rate_is_used(where: torch.device) -> Check:
    parameter = torch.zeros(1, device=where, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    scheduler = build("CosineAnnealingLR", optimizer, _STEPS, {"T_max": _STEPS})
    moved = []
    for _ in range(_STEPS):
        with torch.no_grad():
            parameter.zero_()
        parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        scheduler.step()
        moved.append(-float(parameter.detach()))
    rates = trace("CosineAnnealingLR", steps=_STEPS, T_max=_STEPS).learning_rate[0]
    return Check(
        "Optimizer step i uses the curve's entry i",
        "how far plain SGD moves a float32 weight of gradient 1",
        largest_difference(torch.tensor(moved, dtype=torch.float64), rates),
        1e-8,
        "float32 keeps seven digits of the rate.",
        kind=Kind.ANOTHER_PATH,
    )
