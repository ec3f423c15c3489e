"""Mistakes in taking up a run that was cut: what is saved, and what loading overrides."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import lr_scheduler

from explainers.evidence import CurveMistake, Mistake, recorded_warnings
from explainers.optimizers.schedulers.mistakes import loops
from explainers.parameters import Parameters, choice, number

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
        help=loops.COUNTED,
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
    name, arguments = parameters.scheduler, loops.SHORT[parameters.scheduler]
    whole = loops.alone(name, steps, **arguments)
    optimizer, scheduler = loops.made(name, steps, arguments, device)
    loops.go(optimizer, scheduler.step, stop)
    saved = optimizer.state_dict(), scheduler.state_dict()
    made = _torch_arguments(name)

    def with_states() -> Tensor:
        again, other = loops.made(name, steps, arguments, device)
        other.load_state_dict(saved[1])
        again.load_state_dict(saved[0])
        return loops.go(again, other.step, steps - stop)

    def with_initial_lr() -> Tensor:
        again = loops.sgd(device)
        again.param_groups[0]["initial_lr"] = loops.BASE_LR
        return loops.go(again, made(again, last_epoch=stop - 1).step, steps - stop)

    def with_optimizer_alone() -> Tensor:
        again, other = loops.made(name, steps, arguments, device)
        again.load_state_dict(saved[0])
        return loops.go(again, other.step, steps - stop)

    def with_optimizer_and_last_epoch() -> Tensor:
        again = loops.sgd(device)
        again.load_state_dict(saved[0])
        return loops.go(again, made(again, last_epoch=stop - 1).step, steps - stop)

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
        made(loops.sgd(device), last_epoch=stop - 1)
        said = ""
    except KeyError as error:
        said = f"KeyError: {str(error.args[0]).splitlines()[0]}"
    return loops.rates(
        mistake=Mistake(
            wrong='optimizer.param_groups[0]["initial_lr"] = 0.1\n'
            f"scheduler = {name}(optimizer, ..., last_epoch={stop - 1})",
            right='scheduler.load_state_dict(saved["scheduler"])\n'
            'optimizer.load_state_dict(saved["optimizer"])',
            wrong_cost=_resumed_cost(wrong, whole, stop),
            right_cost=_resumed_cost(right, whole, stop),
            lesson="initial_lr silences the KeyError, but the rate restarts from the new "
            "optimizer's. Save and load both state dicts.",
            source=("pytorch#60265", f"{loops.PYTORCH}/issues/60265"),
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


def _torch_arguments(name: str) -> Callable[..., Any]:
    """Return torch's class with the short run's arguments bound, but for last_epoch."""
    arguments = dict(loops.SHORT[name])
    if name == "LambdaLR":
        arguments["lr_lambda"] = lambda epoch: 0.8**epoch

    def make(optimizer: torch.optim.Optimizer, *, last_epoch: int) -> Any:
        return getattr(lr_scheduler, name)(optimizer, **arguments, last_epoch=last_epoch)

    return make


@dataclasses.dataclass
class Decay:
    """Give gamma to the power of the step: a factor for LambdaLR that is no function.

    Attributes:
        gamma: The factor of one step.
    """

    gamma: float

    def __call__(self, step: int) -> float:
        """Return the factor of a step."""
        return self.gamma**step


@dataclasses.dataclass(frozen=True)
class _Change:
    """Name what differs between the run that was saved and the one that goes on from it."""

    name: str
    saved: Mapping[str, Any]
    given: Mapping[str, Any]
    code: str
    source: tuple[str, str]
    lr: float = loops.BASE_LR


_REPORTED = ("vortex#70", "https://github.com/nodefluxio/vortex/issues/70")
_LAMBDAS = (
    "torch docs: LambdaLR",
    "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html",
)
_CHANGES = {
    "step_size, gamma": _Change(
        "StepLR",
        {"step_size": 4, "gamma": 0.1},
        {"step_size": 8, "gamma": 0.5},
        "StepLR(optimizer, step_size=8, gamma=0.5)",
        _REPORTED,
    ),
    "milestones": _Change(
        "MultiStepLR",
        {"milestones": [4, 12]},
        {"milestones": [4, 16]},
        "MultiStepLR(optimizer, milestones=[4, 16])",
        _REPORTED,
    ),
    "T_max": _Change(
        "CosineAnnealingLR",
        {"T_max": 12},
        {"T_max": 24},
        "CosineAnnealingLR(optimizer, T_max=24)",
        _REPORTED,
    ),
    "total_steps": _Change(
        "OneCycleLR",
        {"max_lr": loops.BASE_LR, "total_steps": 12},
        {"max_lr": loops.BASE_LR, "total_steps": 24},
        f"OneCycleLR(optimizer, max_lr={loops.BASE_LR}, total_steps=24)",
        _REPORTED,
    ),
    "a function": _Change(
        "LambdaLR",
        {"lr_lambda": lambda step: 0.8**step},
        {"lr_lambda": lambda step: 0.9**step},
        "LambdaLR(optimizer, lambda step: 0.9**step)",
        _LAMBDAS,
    ),
    "an object": _Change(
        "LambdaLR",
        {"lr_lambda": Decay(0.8)},
        {"lr_lambda": Decay(0.9)},
        "LambdaLR(optimizer, Decay(gamma=0.9))",
        _LAMBDAS,
    ),
    "lr": _Change(
        "ExponentialLR",
        {"gamma": 0.9},
        {"gamma": 0.9},
        "ExponentialLR(optimizer, gamma=0.9)",
        ("pytorch/examples#816", "https://github.com/pytorch/examples/issues/816"),
        lr=0.01,
    ),
}


@dataclasses.dataclass(frozen=True)
class Changed(Parameters):
    """Hold a run that is taken up with another argument than it was saved with."""

    what: str = choice(
        "step_size, gamma",
        tuple(_CHANGES),
        label="changed",
        help="Whether a state dict holds it decides.",
        words=(
            "StepLR's step_size and gamma",
            "MultiStepLR's milestones",
            "CosineAnnealingLR's T_max",
            "OneCycleLR's total_steps",
            "LambdaLR's function",
            "LambdaLR's callable object",
            "the optimizer's lr",
        ),
    )
    stop: int = number(
        6,
        label="stop before step",
        help=loops.COUNTED,
        minimum=1,
        maximum=11,
        step=1,
    )


def changed(parameters: Changed, *, device: str = "cpu") -> CurveMistake:
    """Load what a run saved into a scheduler with another argument, and tell which one is used.

    Args:
        parameters: What is changed, and where the run is cut.
        device: Where torch computes.

    Returns:
        `wrong` loads both state dicts; `right` the optimizer's alone with last_epoch, or sets lr
        after loading; `others` the run that was never changed. `steps` says what the state holds
        and what is in use after loading.
    """
    steps, stop = 24, parameters.stop
    change = _CHANGES[parameters.what]
    of_optimizer = parameters.what == "lr"

    def made(arguments: Mapping[str, Any], lr: float) -> tuple[torch.optim.SGD, Any]:
        optimizer = loops.sgd(device, lr)
        # An object is loaded into: each run has its own.
        own = {
            name: dataclasses.replace(value) if isinstance(value, Decay) else value
            for name, value in arguments.items()
        }
        return optimizer, getattr(lr_scheduler, change.name)(optimizer, **own)

    optimizer, scheduler = made(change.saved, loops.BASE_LR)
    with recorded_warnings():
        before = loops.go(optimizer, scheduler.step, stop)
    saved = optimizer.state_dict(), scheduler.state_dict()

    def resumed(arguments: Mapping[str, Any], lr: float) -> tuple[torch.optim.SGD, Any]:
        again, other = made(arguments, lr)
        other.load_state_dict(saved[1])
        again.load_state_dict(saved[0])
        return again, other

    def go_on(optimizer: torch.optim.SGD, scheduler: Any) -> tuple[Tensor, str]:
        """Return the whole run's rates, NaN from where torch raises, and what it raises."""
        found = before.tolist()
        with recorded_warnings():
            while len(found) < steps:
                found.append(loops.rate(optimizer))
                optimizer.step()
                try:
                    scheduler.step()
                except ValueError as error:
                    if len(found) < steps:
                        found += [float("nan")] * (steps - len(found))
                        return loops.curve(found), f"ValueError: {error}"
        return loops.curve(found), ""

    loaded = resumed(change.given, change.lr)
    told = _in_use(change, of_optimizer, saved, made(change.given, change.lr), loaded)
    wrong, said = go_on(*loaded)
    old, _ = go_on(*resumed(change.saved, loops.BASE_LR))
    if of_optimizer:
        mended = resumed(change.given, change.lr)
        mended[0].param_groups[0]["lr"] = change.lr
    else:
        mended = made(change.given, change.lr)
        mended[0].load_state_dict(saved[0])
        mended[1].last_epoch = saved[1]["last_epoch"]
    right, _ = go_on(*mended)
    # Where the change shows: the rate at the cut is the old one, loaded with the optimizer.
    first = int((~((right - old).abs() <= 1e-12)).nonzero()[0])
    lost = int(((wrong == old) | (wrong.isnan() & old.isnan()))[stop:].sum())
    return loops.rates(
        mistake=Mistake(
            wrong=_changed_code(change, "wrong", of_optimizer),
            right=_changed_code(change, "right", of_optimizer),
            wrong_cost=f"Step {first} uses {wrong[first]:.3g}; {lost} of {steps - stop} steps go "
            "on as if nothing had changed."
            + (
                f" Step {int(wrong.isfinite().sum()) - 1} is the last: torch raises."
                if said
                else ""
            )
            + ("" if lost > first - stop else " The change stands: it was not saved."),
            right_cost=f"Step {first} uses {right[first]:.3g}; without the change it would use "
            f"{old[first]:.3g}.",
            lesson="A state dict holds arguments beside progress, and loading overrides them: "
            "set what should change after it. LambdaLR's functions alone are not saved.",
            source=change.source,
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=first,
        steps=told,
        others={"never changed": old},
    )


def _in_use(
    change: _Change,
    of_optimizer: bool,
    saved: tuple[Mapping[str, Any], Mapping[str, Any]],
    fresh: tuple[torch.optim.SGD, Any],
    loaded: tuple[torch.optim.SGD, Any],
) -> tuple[str, ...]:
    """Return what the state holds, and each changed argument as saved, given and in use."""
    if of_optimizer:
        group, *_ = saved[0]["param_groups"]
        held = {name: group[name] for name in ("lr", "initial_lr")}
        rows = {
            name: (held[name], fresh[0].param_groups[0][name], loaded[0].param_groups[0][name])
            for name in held
        }
        rows["base_lrs"] = (saved[1]["base_lrs"], fresh[1].base_lrs, loaded[1].base_lrs)
    else:
        names = [name for name in change.given if change.given[name] != change.saved[name]]
        # MultiStepLR counts its milestones; LambdaLR has a list of what it calls.
        if names == ["lr_lambda"]:
            rows = {
                "lr_lambda(1)": (
                    change.saved["lr_lambda"](1),
                    fresh[1].lr_lambdas[0](1),
                    loaded[1].lr_lambdas[0](1),
                )
            }
            held = {"lr_lambdas": saved[1]["lr_lambdas"]}
        else:
            held = {name: saved[1][name] for name in names}
            rows = {
                name: (held[name], getattr(fresh[1], name), getattr(loaded[1], name))
                for name in names
            }
    owner = "optimizer" if of_optimizer else "scheduler"
    return (
        f"Saved by the {owner}: {', '.join(f'{k}={_short(v)}' for k, v in held.items())}",
        *(
            f"{name}: {_short(was)} when saved, {_short(given)} now given, "
            f"{_short(use)} after loading"
            for name, (was, given, use) in rows.items()
        ),
    )


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return str(dict(value)) if all(isinstance(key, str) for key in value) else str([*value])
    return str(value)


def _changed_code(change: _Change, line: str, of_optimizer: bool) -> str:
    made = f"scheduler = {change.code}\n"
    if of_optimizer:
        made = f"optimizer = SGD(weights, lr={change.lr:g})\n{made}"
    both = (
        'scheduler.load_state_dict(saved["scheduler"])\n'
        'optimizer.load_state_dict(saved["optimizer"])'
    )
    if line == "wrong":
        return made + both
    if of_optimizer:
        return f'{made}{both}\noptimizer.param_groups[0]["lr"] = {change.lr:g}'
    return (
        f'{made}optimizer.load_state_dict(saved["optimizer"])\n'
        'scheduler.last_epoch = saved["scheduler"]["last_epoch"]'
    )
