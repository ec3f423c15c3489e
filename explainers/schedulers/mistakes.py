"""Run the mistakes people make with learning-rate schedulers, and what each costs."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import lr_scheduler

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, Question, recorded_warnings
from explainers.parameters import Parameters, choice, number
from explainers.schedulers.losses import losses
from explainers.schedulers.tracing import build, trace

_PYTORCH = "https://github.com/pytorch/pytorch"
_BASE_LR = 0.1
_COUNTED = "An optimizer step, from 0."
_rates = functools.partial(CurveMistake, shows="learning rate", over="step of the optimizer")


# Each scheduler with the arguments that show its rule within a dozen steps, and its code.
_SHORT: Mapping[str, Mapping[str, Any]] = {
    "StepLR": {"step_size": 4, "gamma": 0.1},
    "MultiStepLR": {"milestones": (3, 6, 9), "gamma": 0.1},
    "ExponentialLR": {"gamma": 0.8},
    "CosineAnnealingLR": {"T_max": 10},
    "LinearLR": {"total_iters": 6},
    "LambdaLR": {"lr_lambda": "0.8**epoch"},
}


@dataclasses.dataclass(frozen=True)
class GetLr(Parameters):
    """Hold the scheduler that is asked for its rate."""

    scheduler: str = choice(
        "StepLR",
        tuple(_SHORT),
        label="scheduler",
        help="LambdaLR computes from the first rate, most from the last.",
    )


def get_lr(parameters: GetLr, *, device: str = "cpu") -> CurveMistake:
    """Ask a scheduler for its rate by `get_lr()` and by `get_last_lr()`, before every step.

    Args:
        parameters: The scheduler.
        device: Where torch computes.
    """
    name = parameters.scheduler
    optimizer, scheduler = _made(name, 12, _SHORT[name], device)
    asked, last, used = [], [], []
    with recorded_warnings() as caught:
        for _ in range(12):
            asked.append(scheduler.get_lr()[0])
            last.append(scheduler.get_last_lr()[0])
            used.append(_rate(optimizer))
            optimizer.step()
            scheduler.step()
    wrong, right, true = _curve(asked), _curve(last), _curve(used)
    off = (wrong - true).abs() > 1e-12
    first = int(off.nonzero()[0]) if off.any() else 0
    return _rates(
        mistake=Mistake(
            wrong="lr = scheduler.get_lr()[0]",
            right="lr = scheduler.get_last_lr()[0]",
            wrong_cost=f"Wrong at {int(off.sum())} of 12 steps"
            + (
                f": at step {first} it says {wrong[first]:.3g}, while {true[first]:.3g} is in use."
                if off.any()
                else f": {name} computes each rate from the first, so asking does no harm."
            ),
            right_cost=f"Wrong at {int(((right - true).abs() > 1e-12).sum())} of 12 steps.",
            lesson="get_lr() computes from the current rate: at a drop it drops again. "
            "Only step() should call it; torch warns.",
            source=("pytorch#22107", f"{_PYTORCH}/issues/22107"),
        ),
        wrong=wrong,
        right=right,
        said=_said(caught),
        look=first,
    )


@dataclasses.dataclass(frozen=True)
class Order(Parameters):
    """Hold a StepLR that is stepped before or after the optimizer."""

    step_size: int = number(
        3,
        label="step_size",
        help="Steps a rate should last.",
        minimum=2,
        maximum=10,
        step=1,
    )
    gamma: float = number(
        0.1,
        label="gamma",
        help="Factor at each drop.",
        minimum=0.1,
        maximum=0.9,
        step=0.1,
    )


def order(parameters: Order, *, device: str = "cpu") -> CurveMistake:
    """Step the scheduler before the optimizer, as before torch 1.1, and after it.

    Args:
        parameters: The StepLR.
        device: Where torch computes.
    """
    steps = 12
    arguments = {"step_size": parameters.step_size, "gamma": parameters.gamma}

    def used(scheduler_first: bool) -> tuple[Tensor, str]:
        optimizer, scheduler = _made("StepLR", steps, arguments, device)
        rates = []
        with recorded_warnings() as caught:
            for _ in range(steps):
                if scheduler_first:
                    scheduler.step()
                rates.append(_rate(optimizer))
                optimizer.step()
                if not scheduler_first:
                    scheduler.step()
        return _curve(rates), _said(caught)

    (wrong, said), (right, silence) = used(True), used(False)
    lasts = [int((rates == _BASE_LR).sum()) for rates in (wrong, right)]
    return _rates(
        mistake=Mistake(
            wrong="scheduler.step()\noptimizer.step()",
            right="optimizer.step()\nscheduler.step()",
            wrong_cost=f"The first rate, {_BASE_LR:g}, lasts {lasts[0]} steps, not "
            f"{parameters.step_size}; {int((wrong != right).sum())} of {steps} steps use a "
            "wrong rate.",
            right_cost=f"The first rate lasts {lasts[1]} steps, as step_size says; torch warns "
            f"{'of nothing' if not silence else 'too'}.",
            lesson="Since torch 1.1 the scheduler prepares the next step. Called first, it "
            "brings each drop a step early.",
            source=(
                "torch docs: How to adjust learning rate",
                "https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
            ),
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=parameters.step_size - 1,
    )


_EDITS: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "step(t)": ("ExponentialLR", {"gamma": 0.9}, "scheduler.step(t)"),
    "LambdaLR": (
        "LambdaLR",
        {"lr_lambda": "0.9**epoch"},
        "scheduler = LambdaLR(optimizer, lambda t: 0.9**t)\nscheduler.step()",
    ),
}


@dataclasses.dataclass(frozen=True)
class Edit(Parameters):
    """Hold a rate that is edited in mid-run."""

    way: str = choice(
        "step(t)",
        tuple(_EDITS),
        label="rates computed from the first by",
        help="step(t) jumps by the closed form, as LambdaLR always does.",
        words=("ExponentialLR, step(t)", "LambdaLR, step()"),
    )
    edit_at: int = number(
        5,
        label="edit before step",
        help=_COUNTED,
        minimum=1,
        maximum=18,
        step=1,
    )
    rate: float = number(
        0.01,
        label="new rate",
        help="Written into the parameter group.",
        minimum=0.001,
        maximum=0.1,
        step=0.001,
    )


def edit(parameters: Edit, *, device: str = "cpu") -> CurveMistake:
    """Write a rate into the parameter group in mid-run, under closed form and recursion.

    Args:
        parameters: When, which rate, and who goes on from it.
        device: Where torch computes.
    """
    steps, at = 20, parameters.edit_at
    name, arguments, code = _EDITS[parameters.way]

    def used(name: str, arguments: Mapping[str, Any], *, jump: bool) -> tuple[Tensor, str]:
        optimizer, scheduler = _made(name, steps, arguments, device)
        rates = []
        with recorded_warnings() as caught:
            for step in range(steps):
                if step == at:
                    optimizer.param_groups[0]["lr"] = parameters.rate
                rates.append(_rate(optimizer))
                optimizer.step()
                scheduler.step(*([step + 1] if jump else []))
        return _curve(rates), _said(caught)

    wrong, said = used(name, arguments, jump=parameters.way == "step(t)")
    right, _ = used("ExponentialLR", {"gamma": 0.9}, jump=False)
    return _rates(
        mistake=Mistake(
            wrong=f'optimizer.param_groups[0]["lr"] = {parameters.rate:g}\n{code}',
            right=f'optimizer.param_groups[0]["lr"] = {parameters.rate:g}\n'
            "scheduler = ExponentialLR(optimizer, 0.9)  # made before\nscheduler.step()",
            wrong_cost=f"Set to {parameters.rate:g} before step {at}; step {at + 1} uses "
            f"{wrong[at + 1]:.3g}"
            + (": the edit lasts one step." if abs(wrong[at + 1] - right[at + 1]) > 1e-12 else "."),
            right_cost=f"Step {at + 1} uses {right[at + 1]:.3g}, 0.9 times the new rate.",
            lesson="Most schedulers multiply the rate they find: edits last. step(t), "
            "LambdaLR, warm restarts, CyclicLR and OneCycleLR compute from the "
            "first, and overwrite them.",
            source=("pytorch PR 26423", f"{_PYTORCH}/pull/26423"),
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=at,
    )


_RESUMED = ("StepLR", "ExponentialLR", "CosineAnnealingLR", "LambdaLR")


@dataclasses.dataclass(frozen=True)
class Resume(Parameters):
    """Hold a run that is cut and taken up again."""

    scheduler: str = choice(
        "StepLR",
        _RESUMED,
        label="scheduler",
        help="LambdaLR computes from the first rate and needs less.",
    )
    stop: int = number(
        6,
        label="stop before step",
        help=_COUNTED,
        minimum=1,
        maximum=18,
        step=1,
    )


def resume(parameters: Resume, *, device: str = "cpu") -> CurveMistake:
    """Take up a cut run with state dicts, with last_epoch and initial_lr, with last_epoch alone.

    Args:
        parameters: The scheduler, and where the run is cut.
        device: Where torch computes.

    Returns:
        `wrong` is last_epoch with initial_lr; `right` both state dicts; `others` the whole run,
        the optimizer's state dict alone, and both with last_epoch. `steps` holds the KeyError of
        last_epoch alone.
    """
    steps, stop = 20, parameters.stop
    name, arguments = parameters.scheduler, _SHORT[parameters.scheduler]
    whole = trace(name, steps=steps, base_lr=_BASE_LR, **arguments).learning_rate[0]
    optimizer, scheduler = _made(name, steps, arguments, device)
    _go(optimizer, scheduler.step, stop)
    saved = optimizer.state_dict(), scheduler.state_dict()
    made = _torch_arguments(name)

    def with_states() -> Tensor:
        again, other = _made(name, steps, arguments, device)
        other.load_state_dict(saved[1])
        again.load_state_dict(saved[0])
        return _go(again, other.step, steps - stop)

    def with_initial_lr() -> Tensor:
        again = _sgd(device)
        again.param_groups[0]["initial_lr"] = _BASE_LR
        return _go(again, made(again, last_epoch=stop - 1).step, steps - stop)

    def with_optimizer_alone() -> Tensor:
        again, other = _made(name, steps, arguments, device)
        again.load_state_dict(saved[0])
        return _go(again, other.step, steps - stop)

    def with_optimizer_and_last_epoch() -> Tensor:
        again = _sgd(device)
        again.load_state_dict(saved[0])
        return _go(again, made(again, last_epoch=stop - 1).step, steps - stop)

    with recorded_warnings():
        wrong, right, alone, both = (
            torch.cat([whole[:stop], way()])
            for way in (
                with_initial_lr,
                with_states,
                with_optimizer_alone,
                with_optimizer_and_last_epoch,
            )
        )
    try:
        made(_sgd(device), last_epoch=stop - 1)
        said = ""
    except KeyError as error:
        said = f"KeyError: {str(error.args[0]).splitlines()[0]}"
    return _rates(
        mistake=Mistake(
            wrong='optimizer.param_groups[0]["initial_lr"] = 0.1\n'
            f"scheduler = {name}(optimizer, ..., last_epoch={stop - 1})",
            right='scheduler.load_state_dict(saved["scheduler"])\n'
            'optimizer.load_state_dict(saved["optimizer"])',
            wrong_cost=_resumed_cost(wrong, whole, stop),
            right_cost=_resumed_cost(right, whole, stop),
            lesson="initial_lr silences the KeyError, but the rate restarts from the new "
            "optimizer's. Save and load both state dicts.",
            source=("pytorch#60265", f"{_PYTORCH}/issues/60265"),
        ),
        wrong=wrong,
        right=right,
        look=stop,
        # A cosine comes down to 0, or as near to it as rounding lets it.
        log=name != "CosineAnnealingLR",
        steps=(f"Without initial_lr torch says: {said}",) if said else (),
        others={
            "never cut": whole,
            "only the optimizer's state dict": alone,
            "the optimizer's state dict and last_epoch": both,
        },
    )


def _resumed_cost(rates: Tensor, whole: Tensor, stop: int) -> str:
    off = int(((rates - whole).abs() > 1e-12)[stop:].sum())
    return (
        f"Step {stop} uses {rates[stop]:.3g}; the run that was never cut uses {whole[stop]:.3g}. "
        f"{off} of {len(whole) - stop} steps differ."
    )


@dataclasses.dataclass(frozen=True)
class WithPlateau(Parameters):
    """Hold a warm-up that is to be followed by a plateau rule."""

    composer: str = choice(
        "SequentialLR",
        ("SequentialLR", "ChainedScheduler"),
        label="composer",
        help="Neither passes a loss on.",
    )
    warmup: int = number(
        5,
        label="warm-up steps",
        help="Of LinearLR, before the plateau rule.",
        minimum=1,
        maximum=15,
        step=1,
    )
    patience: int = number(
        3,
        label="patience",
        help="Bad steps before the rate falls.",
        minimum=0,
        maximum=10,
        step=1,
    )


def with_plateau(parameters: WithPlateau, *, device: str = "cpu") -> CurveMistake:
    """Put ReduceLROnPlateau into a composer, and beside it pass on by hand.

    Args:
        parameters: The composer, the warm-up, the patience.
        device: Where torch computes.
    """
    steps, warmup = 40, parameters.warmup
    curve = losses("stalls", steps)

    def parts() -> tuple[torch.optim.SGD, Any, Any]:
        optimizer = _sgd(device)
        first = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=warmup)
        after = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=parameters.patience)
        return optimizer, first, after

    optimizer, first, after = parts()
    try:
        if parameters.composer == "SequentialLR":
            lr_scheduler.SequentialLR(optimizer, [first, after], milestones=[warmup])
        else:
            lr_scheduler.ChainedScheduler([first, after], optimizer=optimizer)
        said = ""
    except ValueError as error:
        said = f"ValueError: {error}"
    optimizer, first, after = parts()
    rates = []
    with recorded_warnings():
        for step, loss in enumerate(curve):
            rates.append(_rate(optimizer))
            optimizer.step()
            if step < warmup:
                first.step()
            else:
                after.step(loss)
    right = _curve(rates)
    cuts = int((right[1:] < right[:-1]).sum())
    milestones = f", milestones=[{warmup}]" if parameters.composer == "SequentialLR" else ""
    return _rates(
        mistake=Mistake(
            wrong=f"scheduler = {parameters.composer}(optimizer, [warmup, plateau]{milestones})"
            if milestones
            else "scheduler = ChainedScheduler([warmup, plateau])",
            right=f"if step < {warmup}:\n    warmup.step()\nelse:\n    plateau.step(loss)",
            wrong_cost=f"torch raises before the first step: {said.split(':')[0]}."
            if said
            else "torch takes it.",
            right_cost=f"{warmup} steps of warm-up to {float(right.max()):.3g}, then {cuts} "
            f"drops to {float(right[-1]):.3g}.",
            lesson="Composers call step() without ReduceLROnPlateau's loss. Call both in "
            "turn yourself.",
            source=("pytorch#68978", f"{_PYTORCH}/issues/68978"),
        ),
        wrong=torch.full((steps,), math.nan, dtype=torch.float64) if said else right,
        right=right,
        said=said,
        look=warmup,
    )


@dataclasses.dataclass(frozen=True)
class PastTMax(Parameters):
    """Hold a cosine that is shorter than the run."""

    t_max: int = number(
        25,
        label="T_max",
        help="Step of the lowest rate, of 60.",
        minimum=5,
        maximum=60,
        step=1,
    )
    meant: str = choice(
        "one descent",
        ("one descent", "restarts"),
        label="what was meant",
        help="Down once, or a jump up every T_max steps.",
    )


def past_t_max(parameters: PastTMax, *, device: str = "cpu") -> CurveMistake:
    """Run CosineAnnealingLR past T_max, and beside it what was meant.

    Args:
        parameters: T_max, and what was meant.
        device: Rates are Python floats anywhere.
    """
    devices.device(device)
    steps, t_max = 60, parameters.t_max
    wrong = _alone("CosineAnnealingLR", steps, T_max=t_max)
    restarts = parameters.meant == "restarts"
    right = (
        _alone("CosineAnnealingWarmRestarts", steps, T_0=t_max)
        if restarts
        else _alone("CosineAnnealingLR", steps, T_max=steps)
    )
    highest = int(wrong[t_max:].argmax()) + t_max if t_max < steps else steps - 1
    return _rates(
        mistake=Mistake(
            wrong=f"scheduler = CosineAnnealingLR(optimizer, T_max={t_max})",
            right=f"scheduler = CosineAnnealingWarmRestarts(optimizer, T_0={t_max})"
            if restarts
            else f"scheduler = CosineAnnealingLR(optimizer, T_max={steps})  # the whole run",
            wrong_cost=f"From step {t_max} the rate climbs, to {wrong[highest]:.3g} at step "
            f"{highest}; the last step uses {wrong[-1]:.3g}."
            if t_max < steps
            else f"The run ends with the cosine; the last step uses {wrong[-1]:.3g}.",
            right_cost=f"The last step uses {right[-1]:.3g}"
            + (
                f"; the rate jumps to {right[t_max]:.3g} at step {t_max}."
                if restarts and t_max < steps
                else "."
            ),
            lesson="T_max is half a period: the cosine then climbs, to the first rate at 2 "
            "* T_max.",
            source=("ivadomed#57", "https://github.com/ivadomed/ivadomed/issues/57"),
        ),
        wrong=wrong,
        right=right,
        look=min(t_max, steps - 1),
    )


@dataclasses.dataclass(frozen=True)
class OneTooFar(Parameters):
    """Hold a OneCycleLR whose loop is longer than its cycle."""

    total_steps: int = number(
        20,
        label="total_steps",
        help="The cycle's; the loop has two more.",
        minimum=5,
        maximum=60,
        step=1,
    )
    anneal_strategy: str = choice(
        "cos",
        ("cos", "linear"),
        label="anneal_strategy",
        help="Past the end a cosine turns up, a line goes below 0.",
    )


def one_too_far(parameters: OneTooFar, *, device: str = "cpu") -> CurveMistake:
    """Step OneCycleLR past total_steps: one step passes, with a wrong rate, the next raises.

    Args:
        parameters: Length and shape of the cycle.
        device: Where torch computes.
    """
    total = parameters.total_steps
    steps = total + 2
    arguments = {"max_lr": _BASE_LR, "anneal_strategy": parameters.anneal_strategy}
    optimizer = _sgd(device)
    scheduler = build("OneCycleLR", optimizer, total, arguments)
    rates, said = [], ""
    with recorded_warnings():
        for step in range(steps):
            rates.append(_rate(optimizer))
            optimizer.step()
            try:
                scheduler.step()
            except ValueError as error:
                said = f"ValueError: {error}"
                rates += [math.nan] * (steps - step - 1)
                break
    wrong, right = _curve(rates), _alone("OneCycleLR", steps, **arguments)
    planned, extra = float(wrong[total - 1]), float(wrong[total])
    direction = "below 0: it goes uphill" if extra < 0 else f"{extra / planned:.0f} times as much"
    return _rates(
        mistake=Mistake(
            wrong=f"scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps={total})\n"
            f"for _ in range({steps}):",
            right=f"scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps={steps})\n"
            f"for _ in range({steps}):",
            wrong_cost=f"Step {total - 1} uses {planned:.2g}, as planned; step {total} uses "
            f"{extra:.2g}, {direction}." + (" Then torch raises." if said else ""),
            right_cost=f"The last of {steps} steps uses {right[-1]:.2g}; nothing is raised.",
            lesson="total_steps counts the optimizer's steps; the first rate is set before "
            "any. torch lets one step too many pass, off the curve's end.",
            source=("pytorch#91765", f"{_PYTORCH}/issues/91765"),
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=total,
    )


_PACES = {
    "each batch": ("pytorch/tutorials PR 640", "pytorch/tutorials/pull/640"),
    "each epoch": ("pytorch#65417", "pytorch/pytorch/issues/65417"),
}


@dataclasses.dataclass(frozen=True)
class Pace(Parameters):
    """Hold a schedule that is stepped at the wrong pace."""

    stepped: str = choice(
        "each batch",
        tuple(_PACES),
        label="the schedule was made",
        help="Most recipes count epochs.",
        words=("for epochs, and is stepped each batch", "for batches, and is stepped each epoch"),
    )
    batches: int = number(
        10,
        label="batches an epoch",
        help="Optimizer steps in an epoch.",
        minimum=2,
        maximum=20,
        step=1,
    )


def pace(parameters: Pace, *, device: str = "cpu") -> CurveMistake:
    """Step a schedule made for epochs at every batch, and one made for batches at every epoch.

    Args:
        parameters: Which of the two, and how many batches an epoch has.
        device: Where torch computes.
    """
    epochs, batches = 12, parameters.batches
    each_batch = parameters.stepped == "each batch"
    if each_batch:
        name, arguments = "StepLR", {"step_size": 4, "gamma": 0.1}
    else:
        name, arguments = "OneCycleLR", {"max_lr": _BASE_LR}

    def used(*, inside: bool) -> Tensor:
        optimizer, scheduler = _made(name, epochs * batches, arguments, device)
        rates = []
        for _ in range(epochs):
            for _ in range(batches):
                rates.append(_rate(optimizer))
                optimizer.step()
                # The very last step would lead past the end of OneCycleLR.
                if inside and len(rates) < epochs * batches:
                    scheduler.step()
            if not inside and len(rates) < epochs * batches:
                scheduler.step()
        return _curve(rates)

    with recorded_warnings():
        wrong, right = used(inside=each_batch), used(inside=not each_batch)
    inner, outer = (
        "for batch in loader:\n    optimizer.step()\n    scheduler.step()",
        "for batch in loader:\n    optimizer.step()\nscheduler.step()",
    )
    top = [float(rates.max()) for rates in (wrong, right)]
    ends = [float(rates[-1]) for rates in (wrong, right)]
    falls = [int((rates < _BASE_LR - 1e-12).nonzero()[0]) for rates in (wrong, right)]
    words, path = _PACES[parameters.stepped]
    return _rates(
        mistake=Mistake(
            wrong=inner if each_batch else outer,
            right=outer if each_batch else inner,
            wrong_cost=f"The first drop comes at batch {falls[0]}, in epoch "
            f"{falls[0] // batches}; the run ends at {ends[0]:.1g}."
            if each_batch
            else f"The rate stays within {top[0]:.3g} and ends at {ends[0]:.3g}"
            + (": all warm-up." if top[0] == ends[0] else "."),
            right_cost=f"The first drop comes at batch {falls[1]}, as epoch "
            f"{falls[1] // batches} starts; the run ends at {ends[1]:.1g}."
            if each_batch
            else f"The rate reaches {top[1]:.3g} and ends at {ends[1]:.1g}.",
            lesson="A scheduler counts its calls: count its arguments in what you step, "
            "batches or epochs.",
            source=(words, f"https://github.com/{path}"),
        ),
        wrong=wrong,
        right=right,
        look=falls[0] if each_batch else int(right.argmax()),
        log=each_batch,
    )


def question(*, device: str = "cpu") -> Question:
    """Ask for the rate of CosineAnnealingLR at twice T_max, and let torch answer."""
    devices.device(device)
    rates = _alone("CosineAnnealingLR", 21, T_max=10)
    values = {"0": 0.0, "0.05": 0.05, "0.1": 0.1, "0.2": 0.2}
    return Question(
        text="`CosineAnnealingLR(optimizer, T_max=10)`, first rate 0.1. Which rate does "
        "step 20 use, counting from 0?",
        options=tuple(values),
        answer=min(values, key=lambda option: abs(values[option] - float(rates[20]))),
        because=f"Step 10 uses {abs(rates[10]):.2g}, step 15 {rates[15]:.2g}, step 20 "
        f"{rates[20]:.2g}: T_max is half a period, and the rate climbs back.",
    )


def _sgd(device: str) -> torch.optim.SGD:
    parameter = torch.zeros(1, device=devices.device(device), requires_grad=True)
    return torch.optim.SGD([parameter], lr=_BASE_LR, momentum=0.9)


def _made(
    name: str, steps: int, arguments: Mapping[str, Any], device: str
) -> tuple[torch.optim.SGD, Any]:
    optimizer = _sgd(device)
    return optimizer, build(name, optimizer, steps, arguments)


def _torch_arguments(name: str) -> Callable[..., Any]:
    """Return torch's class with the short run's arguments bound, but for last_epoch."""
    arguments = dict(_SHORT[name])
    if name == "LambdaLR":
        arguments["lr_lambda"] = lambda epoch: 0.8**epoch

    def make(optimizer: torch.optim.Optimizer, *, last_epoch: int) -> Any:
        return getattr(lr_scheduler, name)(optimizer, **arguments, last_epoch=last_epoch)

    return make


def _alone(name: str, steps: int, **arguments: Any) -> Tensor:
    return trace(name, steps=steps, base_lr=_BASE_LR, **arguments).learning_rate[0]


def _go(optimizer: torch.optim.Optimizer, step: Callable[[], object], count: int) -> Tensor:
    """Step both `count` times and return the rate of each step of the optimizer."""
    rates = []
    for _ in range(count):
        rates.append(_rate(optimizer))
        optimizer.step()
        step()
    return _curve(rates)


def _rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def _curve(rates: Sequence[float]) -> Tensor:
    return torch.tensor(rates, dtype=torch.float64)


def _said(caught: Sequence[Any]) -> str:
    """Return the first sentence of the first warning."""
    return f"{str(caught[0].message).split('. ')[0].rstrip('.')}." if caught else ""
