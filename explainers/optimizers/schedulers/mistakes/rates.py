"""Mistakes about the rate itself: asking for it, editing it, its first and its last steps."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import lr_scheduler

from explainers import devices, pasted
from explainers.evidence import CurveMistake, Mistake, Question, recorded_warnings
from explainers.optimizers.schedulers.mistakes import loops
from explainers.optimizers.schedulers.specs import LARGEST_RATE, RATES
from explainers.optimizers.schedulers.tracing import build
from explainers.parameters import Parameters, choice, number


@dataclasses.dataclass(frozen=True)
class GetLr(Parameters):
    """Hold the scheduler that is asked for its rate."""

    scheduler: str = choice(
        "StepLR",
        tuple(loops.SHORT),
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
    optimizer, scheduler = loops.made(name, 12, loops.SHORT[name], device)
    asked, last, used = [], [], []
    with recorded_warnings() as caught:
        for _ in range(12):
            asked.append(scheduler.get_lr()[0])
            last.append(scheduler.get_last_lr()[0])
            used.append(loops.rate(optimizer))
            optimizer.step()
            scheduler.step()
    wrong, right, true = loops.curve(asked), loops.curve(last), loops.curve(used)
    off = (wrong - true).abs() > 1e-12
    first = int(off.nonzero()[0]) if off.any() else 0
    return loops.rates(
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
            source=("pytorch#22107", f"{loops.PYTORCH}/issues/22107"),
        ),
        wrong=wrong,
        right=right,
        said=loops.said(caught),
        look=first,
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
        help=loops.COUNTED,
        minimum=1,
        maximum=18,
        step=1,
    )
    rate: float = number(
        0.01,
        label="new rate",
        help="Written into the parameter group.",
        minimum=0.0,
        maximum=LARGEST_RATE,
        log=True,
        why=RATES,
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
        optimizer, scheduler = loops.made(name, steps, arguments, device)
        rates = []
        with recorded_warnings() as caught:
            for step in range(steps):
                if step == at:
                    optimizer.param_groups[0]["lr"] = parameters.rate
                rates.append(loops.rate(optimizer))
                optimizer.step()
                scheduler.step(*([step + 1] if jump else []))
        return loops.curve(rates), loops.said(caught)

    wrong, said = used(name, arguments, jump=parameters.way == "step(t)")
    right, _ = used("ExponentialLR", {"gamma": 0.9}, jump=False)
    written = f'optimizer.param_groups[0]["lr"] = {pasted.shortest(parameters.rate)}'
    # A rate that is set to what it is anyway.
    stays = math.isclose(wrong[at + 1], right[at + 1], rel_tol=1e-9)
    return loops.rates(
        mistake=Mistake(
            wrong=f"{written}\n{code}",
            right=f"{written}\n"
            "scheduler = ExponentialLR(optimizer, 0.9)  # made before\nscheduler.step()",
            wrong_cost=f"Set to {parameters.rate:g} before step {at}; step {at + 1} uses "
            f"{wrong[at + 1]:.3g}" + ("." if stays else ": the edit lasts one step."),
            right_cost=f"Step {at + 1} uses {right[at + 1]:.3g}, 0.9 times the new rate.",
            lesson="Most schedulers multiply the rate they find: edits last. step(t), "
            "LambdaLR, warm restarts, CyclicLR and OneCycleLR compute from the "
            "first, and overwrite them.",
            source=("pytorch PR 26423", f"{loops.PYTORCH}/pull/26423"),
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=at,
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
    wrong = loops.alone("CosineAnnealingLR", steps, T_max=t_max)
    restarts = parameters.meant == "restarts"
    right = (
        loops.alone("CosineAnnealingWarmRestarts", steps, T_0=t_max)
        if restarts
        else loops.alone("CosineAnnealingLR", steps, T_max=steps)
    )
    highest = int(wrong[t_max:].argmax()) + t_max if t_max < steps else steps - 1
    return loops.rates(
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
    arguments = {"max_lr": loops.BASE_LR, "anneal_strategy": parameters.anneal_strategy}
    optimizer = loops.sgd(device)
    scheduler = build("OneCycleLR", optimizer, total, arguments)
    rates, said = [], ""
    with recorded_warnings():
        for step in range(steps):
            rates.append(loops.rate(optimizer))
            optimizer.step()
            try:
                scheduler.step()
            except ValueError as error:
                said = f"ValueError: {error}"
                rates += [math.nan] * (steps - step - 1)
                break
    wrong, right = loops.curve(rates), loops.alone("OneCycleLR", steps, **arguments)
    planned, extra = float(wrong[total - 1]), float(wrong[total])
    direction = "below 0: it goes uphill" if extra < 0 else f"{extra / planned:.0f} times as much"
    return loops.rates(
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
            source=("pytorch#91765", f"{loops.PYTORCH}/issues/91765"),
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=total,
    )


_EPOCH = 5


@dataclasses.dataclass(frozen=True)
class WarmUp(Parameters):
    """Hold a warm-up that LambdaLR computes."""

    warmup: int = number(
        5,
        label="warm-up",
        help="Calls of the function until the full rate.",
        minimum=1,
        maximum=10,
        step=1,
    )
    stepped: str = choice(
        "each batch",
        ("each batch", "each epoch"),
        label="scheduler stepped",
        help="What the function's step counts.",
        words=("each batch", f"each epoch of {_EPOCH} batches"),
    )
    after: str = choice(
        "full rate",
        ("full rate", "cosine"),
        label="after the warm-up",
        help="The cosine is the form that Hugging Face's trainers use.",
    )


def warm_up(parameters: WarmUp, *, device: str = "cpu") -> CurveMistake:
    """Warm up from a factor of 0 and from the first share, and see which steps move a weight.

    Args:
        parameters: The warm-up, what steps it, and what follows.
        device: Where torch computes.
    """
    steps, warmup = 60, parameters.warmup
    batches = 1 if parameters.stepped == "each batch" else _EPOCH
    calls = steps // batches
    cosine = parameters.after == "cosine"

    def factor(first: int) -> Callable[[int], float]:
        def of(step: int) -> float:
            if step < warmup:
                return (step + first) / warmup
            share = (step - warmup) / (calls - warmup)
            return 0.5 * (1 + math.cos(math.pi * share)) if cosine else 1.0

        return of

    def used(first: int) -> tuple[Tensor, int]:
        optimizer = loops.sgd(device)
        scheduler = lr_scheduler.LambdaLR(optimizer, factor(first))
        (weight,) = optimizer.param_groups[0]["params"]
        found, still = [], 0
        for step in range(steps):
            found.append(loops.rate(optimizer))
            before = float(weight.detach())
            weight.grad = torch.ones_like(weight)
            optimizer.step()
            still += float(weight.detach()) == before
            if (step + 1) % batches == 0:
                scheduler.step()
        return loops.curve(found), still

    (wrong, idle), (right, none) = used(0), used(1)
    full = [int(found.argmax()) for found in (wrong, right)]
    return loops.rates(
        mistake=Mistake(
            wrong=_warm_up_code("step", parameters, calls),
            right=_warm_up_code("(step + 1)", parameters, calls),
            wrong_cost=f"{idle} of {steps} steps of the optimizer, the first, move"
            f"{'s' if idle == 1 else ''} no weight: the rate is {wrong[0]:g}. The full rate comes "
            f"at step {full[0]}.",
            right_cost=f"{none} steps move nothing: step 0 uses {right[0]:.3g}. The full rate "
            f"comes at step {full[1]}.",
            lesson="LambdaLR asks for the factor of step 0 when it is made. A factor of 0 wastes "
            "every batch until the next call.",
            source=(
                "transformers#34754",
                "https://github.com/huggingface/transformers/issues/34754",
            ),
        ),
        wrong=wrong,
        right=right,
        look=0,
    )


def _warm_up_code(share: str, parameters: WarmUp, calls: int) -> str:
    warmup = parameters.warmup
    if parameters.after == "full rate":
        return f"LambdaLR(optimizer, lambda step: min(1, {share} / {warmup}))"
    return (
        f"def factor(step):\n    if step < {warmup}:\n        return {share} / {warmup}\n"
        f"    share = (step - {warmup}) / ({calls} - {warmup})\n"
        "    return 0.5 * (1 + cos(pi * share))\n\n"
        "LambdaLR(optimizer, factor)"
    )


def question(*, device: str = "cpu") -> Question:
    """Ask for the rate of CosineAnnealingLR at twice T_max, and let torch answer."""
    devices.device(device)
    rates = loops.alone("CosineAnnealingLR", 21, T_max=10)
    values = {"0": 0.0, "0.05": 0.05, "0.1": 0.1, "0.2": 0.2}
    return Question(
        text="`CosineAnnealingLR(optimizer, T_max=10)`, first rate 0.1. Which rate does "
        "step 20 use, counting from 0?",
        options=tuple(values),
        answer=min(values, key=lambda option: abs(values[option] - float(rates[20]))),
        because=f"Step 10 uses {abs(rates[10]):.2g}, step 15 {rates[15]:.2g}, step 20 "
        f"{rates[20]:.2g}: T_max is half a period, and the rate climbs back.",
    )
