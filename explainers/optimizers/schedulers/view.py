"""Declare the page's parameters and compute what one setting of them shows."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explainers import devices
from explainers.optimizers.schedulers.calls import (
    LONGEST,
    MOST_KEPT,
    RULE,
    RULE_FOR_MANY,
    Schedule,
    read,
    read_all,
    written_all,
)
from explainers.optimizers.schedulers.losses import LOSSES, losses
from explainers.optimizers.schedulers.scale import LARGEST, MOST_STEPS, Far
from explainers.optimizers.schedulers.specs import LARGEST_RATE, RATES
from explainers.optimizers.schedulers.tracing import (
    OPTIMIZERS,
    PlateauTrace,
    ScheduleTrace,
    compose,
    plateau,
    trace,
)
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

OWN = "own"
STEPPED = 1000
"""Of a run of up to so many steps each one is made; of a longer one the rates are solved."""


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
        100,
        label="steps",
        help="Steps of the optimizer.",
        minimum=10,
        maximum=MOST_STEPS,
        log=True,
        why="torch itself takes tens of seconds over a million",
    )
    base_lr: float = number(
        0.1,
        label="lr",
        help="The rate that the optimizer is made with.",
        minimum=0.0,
        maximum=LARGEST_RATE,
        log=True,
        why=RATES,
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
        maximum=LARGEST_RATE,
        log=True,
        why=RATES,
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
        """Return a loss for each step of a run that is stepped."""
        steps = min(self.steps, STEPPED)
        if self.losses != OWN:
            return tuple(losses(self.losses, steps))
        spec = self.specs()["own_losses"]
        assert isinstance(spec, Numbers)
        (typed,) = spec.table(self.own_losses)
        return (*typed, *(typed[-1:] * steps))[:steps]


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
    def at(self) -> Tensor:
        """Steps ``(k,)`` at which every schedule's rate is known: all, or those of a long run."""
        for entry in self.entries:
            assert entry.trace is not None
            return entry.trace.at
        return torch.arange(min(self.parameters.steps, STEPPED))

    @property
    def is_long(self) -> bool:
        """Whether the rates are those of chosen steps."""
        return self.parameters.steps > STEPPED

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
    def cuts(self) -> str:
        """When ReduceLROnPlateau cuts the rate, and whether something keeps it from that."""
        if self.plateau is None or self.current.schedule.spec is None:
            return ""
        arguments = self.current.schedule.spec.check(dict(self.current.schedule.arguments))
        asked, made = self.plateau.due, self.plateau.cut
        told = f"it cuts when bad steps exceed patience, {arguments['patience']}"
        kept = int((asked & ~made).sum())
        if not kept:
            return told
        held = (
            "min_lr is reached"
            if bool((self.plateau.learning_rate[asked & ~made] <= self._least(arguments)).all())
            else "the drop is within eps"
        )
        return f"{told}, but for {kept} of {int(asked.sum())} times: {held}"

    @staticmethod
    def _least(arguments: Any) -> float:
        least = arguments["min_lr"]
        return float(least[0] if isinstance(least, tuple) else least)

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
        at = self.current.trace.at
        rate = self.current.trace.learning_rate[0].clamp(min=0)
        finite = rate.isfinite().nonzero()[:, 0].tolist()
        if not finite:
            return f"{self.current.schedule.name}:{self._beyond(rate)}"
        last = finite[-1]
        shown = rate[: last + 1]
        ends = shown[[0, last]]
        words = {0: "", last: ""}
        # Rounding tells the ends of a cosine from its turns.
        if float(shown.min()) < float(ends.min()) * (1 - 1e-9):
            words[int(shown.argmin())] = " (lowest)"
        if float(shown.max()) > float(ends.max()) * (1 + 1e-9):
            words[int(shown.argmax())] = " (highest)"
        said = (
            f"{shown[index]:.4g} at step {int(at[index])}{words[index]}" for index in sorted(words)
        )
        return f"{self.current.schedule.name}: {', '.join(said)}.{self._beyond(rate)}"

    def _beyond(self, rate: Tensor) -> str:
        """Return what is too large for a picture, or for float64, in words."""
        told = ""
        # A number that was computed from infinity is as lost.
        too_large = ~(rate <= LARGEST)
        if bool(too_large.any()):
            first = self._first(too_large, lambda rates: ~(rates <= LARGEST))
            count = f" at {int(too_large.sum())} of {len(rate)} steps" if not self.is_long else ""
            told = f" The rate is above {LARGEST:.3g}{count}, first at step {first}: too large to "
            told += "draw."
        lost = ~rate.isfinite()
        if bool(lost.any()):
            first = self._first(lost, lambda rates: ~np.isfinite(rates))
            told += f" It leaves float64, which ends at 1.8e308, at step {first}."
        return told

    def _first(self, holds: Tensor, of: Callable[[Any], Any]) -> int:
        """Return the step at which something begins to hold that holds at some of those known."""
        index = int(holds.nonzero()[0])
        step = int(self.at[index])
        if not self.is_long or index == 0:
            return step
        solved = far(self.current.schedule, self.parameters)
        return solved.first(lambda rates: of(rates[0]), int(self.at[index - 1]), step)

    @property
    def pace(self) -> str:
        """How a training stands for a long run, in words; empty for a short one."""
        if not self.is_long:
            return ""
        each = f"{(self.parameters.steps - 1) / (STEPPED - 1):.4g}"
        return (
            f"{STEPPED:,} steps are trained, not {self.parameters.steps:,}: they take the rates of "
            f"steps {each} apart, so that the whole schedule passes."
        )

    @property
    def drawn(self) -> str:
        """How the rates of a long run were come by, in words; empty for a short one."""
        if not self.is_long or self.current.trace is None:
            return ""
        solved = far(self.current.schedule, self.parameters)
        every = (
            f"one step in {solved.apart:,} was looked at, for the formula takes long"
            if solved.apart > 1
            else "the lowest and highest of each stretch among them"
        )
        return (
            f"{len(self.at):,} of {self.parameters.steps:,} steps are drawn, {every}. Each value "
            "is the rate at exactly that step: torch's recursion, solved in float64."
        )


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
    schedules = (current, *kept)
    at = _steps_of(schedules, parameters) if parameters.steps > STEPPED else None
    entries = [_entry(schedule, parameters, at) for schedule in schedules]
    view = View(parameters, entries[0], tuple(entries[1:]))
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


def run(schedule: Schedule, parameters: Schedulers, at: Tensor | None = None) -> ScheduleTrace:
    """Return the rates of a schedule under the page's settings, remembered.

    Args:
        schedule: The schedule.
        parameters: Steps, rates, optimizer and losses.
        at: ``(k,)`` int64, in order: the steps of a long run that are wanted; None for those that
            show it best, or for all of a short one.

    Raises:
        ValueError: The settings refuse it.
    """
    if parameters.steps > STEPPED:
        if schedule.needs_losses:
            raise ValueError(
                f"steps must be at most {STEPPED} (each rate follows from every loss before, so "
                f"every step is made), got {parameters.steps}"
            )
        chosen = _chosen(schedule, *_shared(schedule, parameters))
        return _solved(schedule, parameters, chosen if at is None else at.numpy())
    seen = parameters.curve_of_losses() if schedule.needs_losses else None
    shared = (schedule.rates(parameters.rates()), parameters.optimizer, seen)
    if seen is None and not _asks_for_steps(schedule):
        # The first steps of a long run are a short run: other steps then cost nothing.
        try:
            return _first(_run(schedule, STEPPED, *shared), parameters.steps)
        except ValueError:  # it may be refused at a step that is not asked for
            pass
    return _run(schedule, parameters.steps, *shared)


def paced(view: View) -> View:
    """Return a view of which a training takes every step: of a long run, some of even distance."""
    if not view.is_long:
        return view
    at = torch.linspace(0, view.parameters.steps - 1, STEPPED, dtype=torch.float64).round().long()
    entries = [
        dataclasses.replace(entry, trace=run(entry.schedule, view.parameters, at))
        if entry.trace is not None
        else entry
        for entry in (view.current, *view.kept)
    ]
    return dataclasses.replace(view, current=entries[0], kept=tuple(entries[1:]))


def far(schedule: Schedule, parameters: Schedulers) -> Far:
    """Return what gives the rates of a long run, remembered.

    Raises:
        ValueError: The settings refuse it.
    """
    return _far(schedule, *_shared(schedule, parameters))


def _shared(schedule: Schedule, parameters: Schedulers) -> tuple[int, tuple[float, ...], str]:
    return parameters.steps, schedule.rates(parameters.rates()), parameters.optimizer


def _solved(schedule: Schedule, parameters: Schedulers, at: NDArray[np.int64]) -> ScheduleTrace:
    solved = far(schedule, parameters)
    momenta = solved.momenta(at)
    active = solved.active(at)
    if schedule.name == "ChainedScheduler":
        active = np.full_like(active, -1)
    return ScheduleTrace(
        learning_rate=torch.from_numpy(solved.rates(at)),
        momentum=None if momenta is None else torch.from_numpy(momenta),
        warnings=(),
        active=torch.from_numpy(active),
        at=torch.from_numpy(at),
    )


def _steps_of(schedules: Sequence[Schedule], parameters: Schedulers) -> Tensor:
    """Return the steps of a long run at which every schedule is drawn, those of each together."""
    parts = []
    for schedule in schedules:
        if schedule.needs_losses:
            continue
        try:
            parts.append(_chosen(schedule, *_shared(schedule, parameters)))
        except ValueError:  # it says so itself
            continue
    return torch.from_numpy(np.unique(np.concatenate(parts)) if parts else np.arange(1))


# Each may hold every step of a run, 8 MB.
@functools.lru_cache(maxsize=16)
def _far(schedule: Schedule, steps: int, rates: tuple[float, ...], optimizer: str) -> Far:
    return Far(schedule, steps, rates, optimizer)


@functools.lru_cache(maxsize=256)
def _chosen(
    schedule: Schedule, steps: int, rates: tuple[float, ...], optimizer: str
) -> NDArray[np.int64]:
    return _far(schedule, steps, rates, optimizer).chosen()


def _asks_for_steps(schedule: Schedule) -> bool:
    """Return whether rates depend on how many steps there are to be."""
    return any(entry.name == "OneCycleLR" for entry in (schedule, *schedule.children))


def _first(trace: ScheduleTrace, steps: int) -> ScheduleTrace:
    return dataclasses.replace(
        trace,
        learning_rate=trace.learning_rate[:, :steps],
        at=trace.at[:steps],
        momentum=None if trace.momentum is None else trace.momentum[:, :steps],
        active=trace.active[:steps],
    )


def _entry(schedule: Schedule, parameters: Schedulers, at: Tensor | None) -> Entry:
    try:
        return Entry(schedule, run(schedule, parameters, at))
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
