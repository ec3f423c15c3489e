"""Mistakes about when a schedule is stepped: in what order, how often, and by whom."""

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor
from torch.optim import lr_scheduler

from explainers.evidence import CurveMistake, Mistake, recorded_warnings
from explainers.optimizers.schedulers.losses import losses
from explainers.optimizers.schedulers.mistakes import loops
from explainers.parameters import Parameters, choice, number


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
        optimizer, scheduler = loops.made("StepLR", steps, arguments, device)
        rates = []
        with recorded_warnings() as caught:
            for _ in range(steps):
                if scheduler_first:
                    scheduler.step()
                rates.append(loops.rate(optimizer))
                optimizer.step()
                if not scheduler_first:
                    scheduler.step()
        return loops.curve(rates), loops.said(caught)

    (wrong, said), (right, silence) = used(True), used(False)
    lasts = [int((rates == loops.BASE_LR).sum()) for rates in (wrong, right)]
    return loops.rates(
        mistake=Mistake(
            wrong="scheduler.step()\noptimizer.step()",
            right="optimizer.step()\nscheduler.step()",
            wrong_cost=f"The first rate, {loops.BASE_LR:g}, lasts {lasts[0]} steps, not "
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
        name, arguments = "OneCycleLR", {"max_lr": loops.BASE_LR}

    def used(*, inside: bool) -> Tensor:
        optimizer, scheduler = loops.made(name, epochs * batches, arguments, device)
        rates = []
        for _ in range(epochs):
            for _ in range(batches):
                rates.append(loops.rate(optimizer))
                optimizer.step()
                # The very last step would lead past the end of OneCycleLR.
                if inside and len(rates) < epochs * batches:
                    scheduler.step()
            if not inside and len(rates) < epochs * batches:
                scheduler.step()
        return loops.curve(rates)

    with recorded_warnings():
        wrong, right = used(inside=each_batch), used(inside=not each_batch)
    inner, outer = (
        "for batch in loader:\n    optimizer.step()\n    scheduler.step()",
        "for batch in loader:\n    optimizer.step()\nscheduler.step()",
    )
    top = [float(rates.max()) for rates in (wrong, right)]
    ends = [float(rates[-1]) for rates in (wrong, right)]
    falls = [int((rates < loops.BASE_LR - 1e-12).nonzero()[0]) for rates in (wrong, right)]
    words, path = _PACES[parameters.stepped]
    return loops.rates(
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
        optimizer = loops.sgd(device)
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
            rates.append(loops.rate(optimizer))
            optimizer.step()
            if step < warmup:
                first.step()
            else:
                after.step(loss)
    right = loops.curve(rates)
    cuts = int((right[1:] < right[:-1]).sum())
    milestones = f", milestones=[{warmup}]" if parameters.composer == "SequentialLR" else ""
    return loops.rates(
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
            source=("pytorch#68978", f"{loops.PYTORCH}/issues/68978"),
        ),
        wrong=torch.full((steps,), math.nan, dtype=torch.float64) if said else right,
        right=right,
        said=said,
        look=warmup,
    )


_CALLS = {
    "step()": "for i, batch in enumerate(loader):\n    optimizer.step()\n    scheduler.step()",
    "step(epoch)": "for i, batch in enumerate(loader):\n    optimizer.step()\n"
    "    scheduler.step(epoch)",
    "each epoch": "for i, batch in enumerate(loader):\n    optimizer.step()\nscheduler.step()",
}


@dataclasses.dataclass(frozen=True)
class Restarts(Parameters):
    """Hold warm restarts that count epochs, and the call that is to move them."""

    called: str = choice(
        "step()",
        tuple(_CALLS),
        label="the wrong line calls",
        help="The right one says how far the run has come, in epochs.",
        words=("step() each batch", "step(epoch) each batch", "step() each epoch"),
    )
    t_0: int = number(
        4, label="T_0", help="Epochs to a restart, of 12.", minimum=2, maximum=6, step=1
    )
    batches: int = number(
        10,
        label="batches an epoch",
        help="Optimizer steps in an epoch.",
        minimum=2,
        maximum=20,
        step=1,
    )


def restarts(parameters: Restarts, *, device: str = "cpu") -> CurveMistake:
    """Step CosineAnnealingWarmRestarts by the epoch reached, fractions included, and otherwise.

    Args:
        parameters: The wrong call, the period, and how many batches an epoch has.
        device: Where torch computes.

    Returns:
        `others` holds the line of torch's documentation, which tells each batch late.
    """
    epochs, batches, called = 12, parameters.batches, parameters.called

    def used(way: str) -> Tensor:
        optimizer, scheduler = loops.made(
            "CosineAnnealingWarmRestarts", epochs, {"T_0": parameters.t_0}, device
        )
        found = []
        for epoch in range(epochs):
            for i in range(batches):
                found.append(loops.rate(optimizer))
                optimizer.step()
                if way == "step()":
                    scheduler.step()
                elif way != "each epoch":
                    done = {"step(epoch)": 0.0, "i": i / batches, "i + 1": (i + 1) / batches}[way]
                    scheduler.step(epoch + done)
            if way == "each epoch":
                scheduler.step()
        return loops.curve(found)

    wrong, right, documented = used(called), used("i + 1"), used("i")
    jumps = [(found[1:] > found[:-1]).nonzero()[:, 0] + 1 for found in (wrong, right, documented)]
    first, other, late = (int(at[0]) for at in jumps)
    return loops.rates(
        mistake=Mistake(
            wrong=_CALLS[called],
            right="for i, batch in enumerate(loader):\n    optimizer.step()\n"
            "    scheduler.step(epoch + (i + 1) / len(loader))",
            wrong_cost=f"{_kinds(wrong)} different rates in {len(wrong)} batches; "
            f"{len(jumps[0])} restarts, the first at batch {first}, in epoch {first // batches}.",
            right_cost=f"{_kinds(right)} different rates; {len(jumps[1])} restarts, the first at "
            f"batch {other}, as epoch {other // batches} begins. With i / len(loader), as torch's "
            f"docs have it, at batch {late}.",
            lesson="step() adds 1, step(t) goes to t: T_0 counts what you step in. Fractions of "
            "an epoch let the rate fall with every batch.",
            source=("pytorch#20028", f"{loops.PYTORCH}/issues/20028"),
        ),
        wrong=wrong,
        right=right,
        look=first,
        others={"as torch's docs: epoch + i / len(loader)": documented},
    )


def _kinds(found: Tensor) -> int:
    """Return how many different rates there are, but for rounding."""
    return len({round(value, 12) for value in found.tolist()})


_ENDING = {
    "LinearLR": ("1.0, 0.0, total_iters={}", {"start_factor": 1.0, "end_factor": 0.0}),
    "CosineAnnealingLR": ("T_max={}", {}),
}
_STEPPERS = {
    "processes": (
        "accelerate#2926",
        "https://github.com/huggingface/accelerate/issues/2926",
    ),
    "micro-batches": (
        "accelerate#963",
        "https://github.com/huggingface/accelerate/issues/963",
    ),
}


@dataclasses.dataclass(frozen=True)
class Several(Parameters):
    """Hold one schedule that is stepped several times for each step of the optimizer."""

    stepped: str = choice(
        "processes",
        tuple(_STEPPERS),
        label="one step for each of n",
        help="accelerate's wrapper steps once for each process.",
    )
    n: int = number(
        4, label="n", help="For one step of the optimizer.", minimum=2, maximum=8, step=1
    )
    scheduler: str = choice(
        "LinearLR",
        tuple(_ENDING),
        label="scheduler",
        help="The line ends at 0 and stays; the cosine climbs back.",
    )


def several(parameters: Several, *, device: str = "cpu") -> CurveMistake:
    """Step one schedule n times for each step of the optimizer, by processes or micro-batches.

    Args:
        parameters: Who steps it, how often, and the schedule.
        device: Where torch computes.
    """
    steps, n, name = 60, parameters.n, parameters.scheduler
    processes = parameters.stepped == "processes"
    written, ends = _ENDING[name]

    def used(length: int, *, every: bool) -> tuple[Tensor, Tensor, str]:
        """Return each step's rate, the schedule's steps made before it, and what torch said."""
        key = "T_max" if name == "CosineAnnealingLR" else "total_iters"
        optimizer, scheduler = loops.made(name, steps, {**ends, key: length}, device)
        found, counted = [], []
        with recorded_warnings() as caught:
            for batch in range(steps * (1 if processes else n)):
                full = processes or (batch + 1) % n == 0
                if full:
                    found.append(loops.rate(optimizer))
                    counted.append(scheduler.last_epoch)
                    optimizer.step()
                if full or every:
                    for _ in range(n if processes else 1):
                        scheduler.step()
        return loops.curve(found), torch.tensor(counted), loops.said(caught)

    wrong, counted, said = used(steps, every=True)
    right, *_ = used(steps * n if processes else steps, every=False)
    over = int((counted >= steps).nonzero()[0])
    top = over + int(wrong[over:].argmax())
    return loops.rates(
        mistake=Mistake(
            wrong=_several_code(parameters, written.format(steps), right=False),
            right=_several_code(
                parameters, written.format(f"{steps} * {n}" if processes else steps), right=True
            ),
            wrong_cost=f"The schedule's {steps} steps are over at step {over} of {steps}. "
            + (
                f"The rate then climbs, to {wrong[top]:.3g} at step {top}."
                if wrong[top] > wrong[over] + 1e-9
                else f"The {steps - over} steps from there have rate {abs(wrong[top]):.3g}."
            ),
            right_cost=f"Step {over} uses {right[over]:.3g}, the last {right[-1]:.3g}.",
            lesson="A scheduler counts its own calls. Count them for one step of the optimizer "
            + (
                "before you choose its length."
                if processes
                else "and call it only when that steps."
            ),
            source=_STEPPERS[parameters.stepped],
        ),
        wrong=wrong,
        right=right,
        said=said,
        look=over,
    )


def _several_code(parameters: Several, arguments: str, *, right: bool) -> str:
    made = f"scheduler = {parameters.scheduler}(optimizer, {arguments})\n"
    if parameters.stepped == "processes":
        return (
            f"{made}optimizer.step()\n"
            f"for _ in range({parameters.n}):  # accelerate's scheduler.step()\n"
            "    scheduler.step()"
        )
    return (
        f"{made}for i, batch in enumerate(loader):\n    loss.backward()\n"
        f"    if (i + 1) % {parameters.n} == 0:\n        optimizer.step()\n"
        f"{'    ' if right else ''}    scheduler.step()"
    )
