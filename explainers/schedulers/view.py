"""Declare the page's parameters and compute what one setting of them shows."""

import dataclasses
import functools
from typing import Any

import torch
from torch import Tensor

from explainers import devices
from explainers.parameters import (
    Numbers,
    Parameters,
    Preset,
    choice,
    flag,
    number,
    numbers,
    text,
)
from explainers.schedulers.calls import (
    LONGEST,
    MOST_KEPT,
    RULE,
    RULE_FOR_MANY,
    Schedule,
    read,
    read_all,
    written_all,
)
from explainers.schedulers.losses import LOSSES, losses
from explainers.schedulers.tracing import (
    OPTIMIZERS,
    PlateauTrace,
    ScheduleTrace,
    compose,
    plateau,
    trace,
)

OWN = "own"
LONGEST_RUN = 1000
LARGEST = 1e38
"""The largest rate that is drawn: a picture is in single precision, which ends at 3.4e38."""


def _one(value: object) -> str:
    return str(read(value))


def _many(value: object) -> str:
    return written_all(read_all(value))


@dataclasses.dataclass(frozen=True)
class Schedulers(Parameters):
    """Hold a schedule, those kept beside it, and the optimizer they run on."""

    schedule: str = text(
        "CosineAnnealingLR(T_max=40)",
        label="schedule",
        help="As in code, without the optimizer.",
        rule=RULE,
        read=_one,
        longest=LONGEST,
    )
    kept: str = text(
        "",
        label="kept",
        help="Other schedules to draw, semicolons between.",
        rule=RULE_FOR_MANY,
        read=_many,
        longest=MOST_KEPT * LONGEST,
    )
    steps: int = number(
        100, label="steps", help="Steps of the optimizer.", minimum=10, maximum=LONGEST_RUN, step=10
    )
    base_lr: float = number(
        0.1,
        label="lr",
        help="The rate that the optimizer is made with.",
        minimum=0.0,
        maximum=10.0,
        log=True,
    )
    two_groups: bool = flag(
        False,
        label="second parameter group",
        help="With its own rate, under the same scheduler.",
    )
    group_lr: float = number(
        0.02,
        label="second group's lr",
        help="The rate that it is made with.",
        minimum=0.0,
        maximum=10.0,
        log=True,
    )
    optimizer: str = choice(
        "SGD",
        tuple(OPTIMIZERS),
        label="optimizer",
        help="CyclicLR and OneCycleLR move its momentum; Adam's is beta1.",
    )
    log: bool = flag(False, label="log axis", help="Of the learning rate.")
    losses: str = choice(
        "stalls",
        (*LOSSES, OWN),
        label="losses",
        help="What ReduceLROnPlateau is stepped with.",
        words=(*LOSSES.values(), "numbers of your own"),
    )
    own_losses: str = numbers(
        "1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4",
        label="own losses",
        help="2 to 60 numbers, commas between; the last goes on.",
        minimum=-100.0,
        maximum=100.0,
        columns=(2, 60),
    )

    def rates(self) -> tuple[float, ...]:
        """Return the rate that each parameter group is made with."""
        return (self.base_lr, self.group_lr) if self.two_groups else (self.base_lr,)

    def curve_of_losses(self) -> tuple[float, ...]:
        """Return a loss for each step."""
        if self.losses != OWN:
            return tuple(losses(self.losses, self.steps))
        spec = self.specs()["own_losses"]
        assert isinstance(spec, Numbers)
        (typed,) = spec.table(self.own_losses)
        return (*typed, *(typed[-1:] * self.steps))[: self.steps]


PRESETS = (
    Preset(
        "Past T_max",
        "T_max is half the period: at step 80, twice T_max, the rate is back at its start.",
        Schedulers(),
    ),
    Preset(
        "Warm up, then cosine",
        "The cosine counts its steps from 10 on. As one LambdaLR, in Hugging Face's form, the "
        "warm-up begins at 0.",
        Schedulers(
            schedule="SequentialLR(LinearLR(start_factor=0.1, total_iters=10), "
            "CosineAnnealingLR(T_max=90), milestones=[10])",
            kept='LambdaLR(lr_lambda="epoch/10 if epoch < 10 else '
            '0.5*(1 + cos(pi*(epoch - 10)/90))"); CosineAnnealingLR(T_max=100)',
        ),
    ),
    Preset(
        "Once up, far down",
        "Momentum falls while the rate climbs. The optimizer's lr is overwritten.",
        Schedulers(schedule="OneCycleLR(max_lr=0.5)"),
    ),
    Preset(
        "On a plateau",
        "Once the loss stalls, patience lets ten bad steps pass; the eleventh cuts the rate.",
        Schedulers(schedule="ReduceLROnPlateau(factor=0.5)", losses=OWN, log=True),
    ),
    Preset(
        "Four ways down",
        "On a log axis ExponentialLR falls along a straight line, StepLR in stairs beside it.",
        Schedulers(
            schedule="ExponentialLR(gamma=0.95)",
            kept="StepLR(step_size=14, gamma=0.5); PolynomialLR(total_iters=100); "
            'LambdaLR(lr_lambda="1/(epoch+1)")',
            log=True,
        ),
    ),
    Preset(
        "Two groups",
        "One scheduler, one factor for both: the groups keep their ratio.",
        Schedulers(
            schedule="MultiStepLR(milestones=[30, 80], gamma=0.1)", two_groups=True, log=True
        ),
    ),
)

_PAGES = "https://docs.pytorch.org/docs/stable"
REFERENCES = (
    ("torch: how to adjust learning rate", f"{_PAGES}/optim.html#how-to-adjust-learning-rate"),
    ("Loshchilov and Hutter, SGDR, 2017", "https://arxiv.org/abs/1608.03983"),
    ("Smith, Cyclical learning rates, 2017", "https://arxiv.org/abs/1506.01186"),
    ("Smith and Topin, Super-convergence, 2018", "https://arxiv.org/abs/1708.07120"),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Hold one schedule and the rates that it gave, or why it gave none.

    Attributes:
        schedule: The schedule.
        trace: Its rates; None where it is refused.
        problem: Why; empty where it is not.
    """

    schedule: Schedule
    trace: ScheduleTrace | None
    problem: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows.

    Attributes:
        parameters: The settings.
        current: The schedule that the controls hold.
        kept: Those kept beside it.
        losses: Tensor ``(steps,)`` float64: the losses that ReduceLROnPlateau saw; None where the
            current schedule is another.
        plateau: Its counters; None likewise.
    """

    parameters: Schedulers
    current: Entry
    kept: tuple[Entry, ...]
    losses: Tensor | None = None
    plateau: PlateauTrace | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every schedule that gave rates, the current one first."""
        return tuple(entry for entry in (self.current, *self.kept) if entry.trace)

    @property
    def bar(self) -> Tensor | None:
        """What each loss must better to count, ``(steps,)``; None without a plateau."""
        if self.losses is None or self.plateau is None or self.current.schedule.spec is None:
            return None
        arguments = self.current.schedule.spec.check(dict(self.current.schedule.arguments))
        sign = -1.0 if arguments["mode"] == "min" else 1.0
        # The first loss is better than none.
        best = torch.cat([self.losses[:1], self.plateau.best[:-1]])
        threshold = sign * float(arguments["threshold"])
        if arguments["threshold_mode"] == "rel":
            return best * (1 + threshold)
        return best + threshold

    @property
    def problem(self) -> str:
        """Why a schedule is refused, each with its call; empty where none is."""
        return "; ".join(
            f"{entry.schedule.name}: {entry.problem}"
            for entry in (self.current, *self.kept)
            if entry.problem
        )

    @property
    def sentence(self) -> str:
        """First, lowest, highest and last rate of the current schedule, in words."""
        if self.current.trace is None:
            return ""
        rate = self.current.trace.learning_rate[0].clamp(min=0)
        last = len(rate) - 1
        least, most = float(rate[[0, last]].min()), float(rate[[0, last]].max())
        words = {0: "", last: ""}
        # Rounding tells the ends of a cosine from its turns.
        if float(rate.min()) < least * (1 - 1e-9):
            words[int(rate.argmin())] = " (lowest)"
        if float(rate.max()) > most * (1 + 1e-9):
            words[int(rate.argmax())] = " (highest)"
        said = (f"{rate[step]:.4g} at step {step}{words[step]}" for step in sorted(words))
        told = f"{self.current.schedule.name}: {', '.join(said)}."
        beyond = [int(step) for step in (rate > LARGEST).nonzero()[:, 0]]
        if beyond:
            told += (
                f" The rate is above {LARGEST:.3g} at {len(beyond)} of {len(rate)} steps, first at "
                f"step {beyond[0]}: too large to draw."
            )
        return told


def explain(parameters: Schedulers, *, device: str = "cpu") -> View:
    """Compute what one setting shows.

    Args:
        parameters: The settings.
        device: Where torch computes; rates are Python's own floats on any device.

    Returns:
        The rates of every schedule. One that these settings refuse carries the reason.

    Raises:
        ValueError: `device` is not there.
    """
    devices.device(device)
    current = read(parameters.schedule)
    kept = [entry for entry in read_all(parameters.kept) if entry != current]
    view = View(parameters, _entry(current, parameters), tuple(_entry(k, parameters) for k in kept))
    if not current.needs_losses or view.current.trace is None:
        return view
    seen = parameters.curve_of_losses()
    given = dict(current.arguments)
    if isinstance(given.get("min_lr"), tuple):
        # Its counters are those of every group; the rate drawn with them is the first's.
        given["min_lr"] = given["min_lr"][0]
    return dataclasses.replace(
        view,
        losses=torch.tensor(seen, dtype=torch.float64),
        plateau=plateau(seen, base_lr=parameters.base_lr, **given),
    )


def run(schedule: Schedule, parameters: Schedulers) -> ScheduleTrace:
    """Return the rates of a schedule under the page's settings, remembered.

    Args:
        schedule: The schedule.
        parameters: Steps, rates, optimizer and losses.

    Raises:
        ValueError: The settings refuse it.
    """
    seen = parameters.curve_of_losses() if schedule.needs_losses else None
    shared = (schedule.rates(parameters.rates()), parameters.optimizer, seen)
    if seen is None and not _asks_for_steps(schedule):
        # The first steps of a long run are a short run: other steps then cost nothing.
        try:
            return _first(_run(schedule, LONGEST_RUN, *shared), parameters.steps)
        except ValueError:  # it may be refused at a step that is not asked for
            pass
    return _run(schedule, parameters.steps, *shared)


def _asks_for_steps(schedule: Schedule) -> bool:
    """Return whether rates depend on how many steps there are to be."""
    return any(entry.name == "OneCycleLR" for entry in (schedule, *schedule.children))


def _first(trace: ScheduleTrace, steps: int) -> ScheduleTrace:
    return dataclasses.replace(
        trace,
        learning_rate=trace.learning_rate[:, :steps],
        momentum=None if trace.momentum is None else trace.momentum[:, :steps],
        active=trace.active[:steps],
    )


def _entry(schedule: Schedule, parameters: Schedulers) -> Entry:
    try:
        return Entry(schedule, run(schedule, parameters))
    except ValueError as error:
        return Entry(schedule, None, str(error))


# Twelve kept schedules of a thousand steps would cost 40 ms at every change of the thirteenth.
@functools.lru_cache(maxsize=256)
def _run(
    schedule: Schedule,
    steps: int,
    rates: tuple[float, ...],
    optimizer: str,
    seen: tuple[float, ...] | None,
) -> ScheduleTrace:
    shared: dict[str, Any] = {"steps": steps, "base_lr": rates, "optimizer": optimizer}
    if schedule.children:
        return compose(
            schedule.name,
            [(child.name, dict(child.arguments)) for child in schedule.children],
            milestones=schedule.milestones,
            **shared,
        )
    return trace(schedule.name, losses=seen, **shared, **dict(schedule.arguments))
