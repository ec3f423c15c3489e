"""Declare every scheduler of torch once: arguments, bounds, help, presets and closed form."""

import dataclasses
import itertools
import math
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from explainers import pasted
from explainers.optimizers.schedulers import reference
from explainers.optimizers.schedulers.formula import formula, spelled
from explainers.parameters import Choice, Flag, Number, shown

MOST_STEPS = 10_000
"""Of a schedule that is stepped from its start."""
LONGEST = 1_000_000_000
"""Of an argument that counts steps: a thousand times the longest run, where nothing moves."""
LARGEST_RATE = 1000.0
_COUNTED = "torch has no limit; this is a thousand of the longest runs"
RATES = "torch has no limit; no training comes near it"
MOMENTA = "Adam's beta1 stays below 1"
# torch divides by these: a smaller number has no inverse in float64.
_SMALLEST = sys.float_info.min
BELOW_ONE = math.nextafter(1.0, 0.0)
_DOCUMENTATION = "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.{}.html"


@dataclasses.dataclass(frozen=True, slots=True)
class Formula:
    """Describe a function of one variable: a typed formula, or a callable given in code."""

    label: str
    help: str
    variable: str = "epoch"

    @property
    def rule(self) -> str:
        """The rule in words."""
        return f"a formula in {self.variable}"

    def check(self, value: object) -> Any:
        """Return `value`, text as `spelled`. Raises ValueError with the rule or what is wrong."""
        if isinstance(value, str):
            try:
                text = spelled(value, variable=self.variable)
                formula(text, variable=self.variable)
            except ValueError as error:
                raise ValueError(f"{self.rule}: {error}") from None
            return text
        if callable(value):
            return value
        raise ValueError(f"{self.rule}, got {shown(value)}")

    def parse(self, text: str) -> Any:
        """Return the formula that `text` spells. Raises ValueError with the rule."""
        return self.check(text)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return str(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Milestones:
    """Describe a list of steps in increasing order."""

    label: str
    help: str
    maximum: int = LONGEST
    most: int = 20

    @property
    def rule(self) -> str:
        """The rule in words."""
        return (
            f"at most {self.most} whole numbers from 0 to {self.maximum}, in increasing order "
            "(torch's documentation asks for the order; the largest is a thousand of the longest "
            "runs)"
        )

    def check(self, value: object) -> tuple[int, ...]:
        """Return `value` as a tuple. Raises ValueError with the rule."""
        if isinstance(value, list | tuple) and len(value) <= self.most:
            whole = all(isinstance(step, int) and not isinstance(step, bool) for step in value)
            # A milestone may stand twice: it then counts twice.
            bounded = whole and all(0 <= step <= self.maximum for step in value)
            if bounded and all(a <= b for a, b in itertools.pairwise(value)):
                return tuple(value)
        raise ValueError(f"{self.rule}, got {shown(value)}")

    def parse(self, text: str) -> tuple[int, ...]:
        """Return the steps that `text` spells, as in "30, 80". Raises ValueError with the rule."""
        try:
            rows = pasted.rows(text) if text.strip("[]() ") else ((),)
            steps = [int(step) if step.is_integer() else step for row in rows for step in row]
        except ValueError:
            raise ValueError(f"{self.rule}, got {shown(text)}") from None
        return self.check(steps)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return ",".join(str(step) for step in value)


@dataclasses.dataclass(frozen=True, slots=True)
class Argument:
    """Describe one argument of a scheduler.

    Attributes:
        default: torch's default; where torch has none, a sensible value.
        spec: Label, help, bounds or options; how to check, parse and spell a value.
        required: Whether torch has no default.
        optional: Whether None is a value too.
        per_group: Whether a list is a value too, with one entry for each parameter group.
    """

    default: Any
    spec: Number | Choice | Flag | Formula | Milestones
    required: bool = False
    optional: bool = False
    per_group: bool = False

    @property
    def help(self) -> str:
        """What the argument does, in a sentence."""
        return self.spec.help

    @property
    def kind(self) -> str:
        """One of number, integer, choice, flag, formula, milestones."""
        if isinstance(self.spec, Number) and self.spec.integer:
            return "integer"
        return type(self.spec).__name__.lower()

    @property
    def minimum(self) -> float | None:
        """Smallest value; None where there is none."""
        return self.spec.minimum if isinstance(self.spec, Number) else None

    @property
    def maximum(self) -> float | None:
        """Largest value; None where there is none."""
        return self.spec.maximum if isinstance(self.spec, Number) else None

    @property
    def options(self) -> tuple[str, ...]:
        """The options of a choice; empty for any other kind."""
        return self.spec.options if isinstance(self.spec, Choice) else ()

    def check(self, value: object) -> Any:
        """Return `value`, normalised. Raises ValueError with the rule."""
        if value is None and self.optional:
            return None
        if self.per_group and isinstance(value, list | tuple):
            return tuple(self.spec.check(entry) for entry in value)
        return self.spec.check(value)


@dataclasses.dataclass(frozen=True, slots=True)
class SchedulerSpec:
    """Describe one scheduler.

    Attributes:
        name: torch's class name.
        summary: What it does, in a sentence.
        arguments: Its arguments by name, without optimizer and last_epoch; CyclicLR's base_lr is
            the rate of the optimizer.
        presets: Sets of arguments worth seeing, by name.
        closed_form: ``(steps, base_lr, **arguments)`` to the rates ``(steps,)``, float64; None
            where the rates depend on the losses.
        momentum_form: The same for the momentum, without base_lr; None where it is left alone.
    """

    name: str
    summary: str
    arguments: Mapping[str, Argument]
    presets: Mapping[str, Mapping[str, Any]]
    closed_form: Callable[..., reference.Curve] | None
    momentum_form: Callable[..., reference.Curve] | None = None

    @property
    def url(self) -> str:
        """Address of torch's page, where the closed form comes from."""
        return _DOCUMENTATION.format(self.name)

    @property
    def defaults(self) -> dict[str, Any]:
        """Every argument's default by name, in order."""
        return {name: argument.default for name, argument in self.arguments.items()}

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return all arguments, checked, with defaults where `arguments` has none.

        Raises:
            ValueError: An argument is unknown or breaks its rule; the message says which.
        """
        unknown = [name for name in arguments if name not in self.arguments]
        if unknown:
            known = ", ".join(self.arguments)
            raise ValueError(f"arguments of {self.name} must be {known}, got {shown(unknown[0])}")
        checked = self.defaults
        for name, value in arguments.items():
            try:
                checked[name] = self.arguments[name].check(value)
            except ValueError as error:
                raise ValueError(f"{name} must be {error}") from None
        if self.name == "OneCycleLR":
            _check_one_cycle(checked)
        return checked


def _check_one_cycle(arguments: Mapping[str, Any]) -> None:
    """Refuse a first phase of no length: torch divides by it."""
    total = total_steps(arguments)
    if total is not None and math.isclose(arguments["pct_start"] * total, 1.0, abs_tol=1e-12):
        raise ValueError(
            "pct_start must be other than 1 / total_steps (torch divides by a phase of length 0), "
            f"got {shown(arguments['pct_start'])}"
        )


def total_steps(arguments: Mapping[str, Any]) -> int | None:
    """Return the length of OneCycleLR's cycle; None where its arguments leave it open."""
    total: int | None = arguments["total_steps"]
    epochs, each = arguments["epochs"], arguments["steps_per_epoch"]
    if total is None and epochs is not None and each is not None:
        return int(epochs * each)
    return total


def _whole(
    default: int | None,
    help: str,
    *,
    minimum: int = 1,
    maximum: int = LONGEST,
    why: str = _COUNTED,
    **more: Any,
) -> Argument:
    spec = Number("", help, minimum, maximum, 1, integer=True, why=why)
    return Argument(default, spec, optional=default is None, **more)


def _real(
    default: float,
    help: str,
    minimum: float,
    maximum: float,
    step: float,
    *,
    why: str,
    **more: Any,
) -> Argument:
    return Argument(default, Number("", help, minimum, maximum, step, why=why), **more)


def _rate(default: float, help: str, **more: Any) -> Argument:
    return _real(default, help, 0.0, LARGEST_RATE, 0.001, why=RATES, **more)


def _choice(options: tuple[str, ...], help: str) -> Argument:
    return Argument(options[0], Choice("", help, options))


def _flag(default: bool, help: str) -> Argument:
    return Argument(default, Flag("", help))


def _factor(default: str, help: str) -> Argument:
    return Argument(default, Formula("", help), required=True, per_group=True)


def _gamma(
    default: float,
    help: str,
    *,
    maximum: float = 10.0,
    why: str = "torch has no limit; tenfold steps leave float64 within 312",
    **more: Any,
) -> Argument:
    return _real(default, help, 0.0, maximum, 0.01, why=why, **more)


def _momentum(default: float, help: str) -> Argument:
    return _real(default, help, 0.0, BELOW_ONE, 0.01, why=MOMENTA, per_group=True)


def _momenta(base: float, top: float) -> dict[str, Argument]:
    return {
        "cycle_momentum": _flag(True, "Move momentum (Adam: beta1) along with the rate."),
        "base_momentum": _momentum(base, "Where the rate is max_lr."),
        "max_momentum": _momentum(top, "Farthest from max_lr."),
    }


def _spec(
    name: str,
    summary: str,
    arguments: Mapping[str, Argument],
    presets: Mapping[str, Mapping[str, Any]],
    closed_form: Callable[..., reference.Curve] | None,
    momentum_form: Callable[..., reference.Curve] | None = None,
) -> SchedulerSpec:
    """Name each argument in its own label, and freeze the mappings."""
    labelled = {
        argument: dataclasses.replace(spec, spec=dataclasses.replace(spec.spec, label=argument))
        for argument, spec in arguments.items()
    }
    frozen = {preset: MappingProxyType(dict(values)) for preset, values in presets.items()}
    return SchedulerSpec(
        name,
        summary,
        MappingProxyType(labelled),
        MappingProxyType(frozen),
        closed_form,
        momentum_form,
    )


_DIVIDES = "torch divides by it; this is as far as float64 holds both quotients"
_HEIGHT = "torch asks for heights from 0 to 1"

_ALL = (
    _spec(
        "LambdaLR",
        "The first rate times a function of the step, called epoch.",
        {"lr_lambda": _factor("0.95**epoch", "On the initial rate, from epoch 0.")},
        {
            "The notes' table": {"lr_lambda": "1/(epoch+1)"},
            "Decay by 5 %": {"lr_lambda": "0.95**epoch"},
            "Warm up": {"lr_lambda": "min(1, (epoch+1)/10)"},
            "Warm up, then cosine": {
                "lr_lambda": "where(epoch < 10, (epoch+1)/10, 0.5 + 0.5*cos(pi*(epoch-10)/90))"
            },
            "The notes' epoch // 10": {"lr_lambda": "epoch//10"},
        },
        reference.lambda_lr,
    ),
    _spec(
        "MultiplicativeLR",
        "The last rate times a function of the step, called epoch.",
        {"lr_lambda": _factor("0.95", "On the last rate, from epoch 1.")},
        {
            "Decay by 5 %": {"lr_lambda": "0.95"},
            "One over t": {"lr_lambda": "epoch/(epoch+1)"},
            "Ever faster": {"lr_lambda": "0.999**epoch"},
        },
        reference.multiplicative_lr,
    ),
    _spec(
        "StepLR",
        "Multiplies the rate by gamma every step_size steps.",
        {
            "step_size": _whole(30, "Steps from one factor to the next.", required=True),
            "gamma": _gamma(0.1, "Factor every step_size steps."),
        },
        {
            "Tenfold every 30": {"step_size": 30, "gamma": 0.1},
            "Half every 10": {"step_size": 10, "gamma": 0.5},
            "The notes' 0.9 every 100": {"step_size": 100, "gamma": 0.9},
        },
        reference.step_lr,
    ),
    _spec(
        "MultiStepLR",
        "Multiplies the rate by gamma at each milestone.",
        {
            "milestones": Argument(
                (30, 80),
                Milestones("", "Steps where gamma comes in; doubled ones count twice."),
                required=True,
            ),
            "gamma": _gamma(0.1, "Factor at each milestone."),
        },
        {
            "The notes' 30, 80, 120": {"milestones": (30, 80, 120)},
            "Half at 20, 40, 60, 80": {"milestones": (20, 40, 60, 80), "gamma": 0.5},
            "One milestone twice": {"milestones": (30, 30, 80)},
        },
        reference.multi_step_lr,
    ),
    _spec(
        "ConstantLR",
        "A factor on the rate, until step total_iters.",
        {
            # torch lets 0 pass, and divides by it at total_iters.
            "factor": _real(
                1.0 / 3, "Until total_iters.", 0.0, 1.0, 0.01, why="torch refuses others"
            ),
            "total_iters": _whole(5, "First step without it."),
        },
        {
            "A third for 5 steps": {},
            "A tenth for 20 steps": {"factor": 0.1, "total_iters": 20},
        },
        reference.constant_lr,
    ),
    _spec(
        "LinearLR",
        "A factor along a line from start_factor to end_factor.",
        {
            "start_factor": _real(
                1.0 / 3,
                "At step 0.",
                _SMALLEST,
                1.0,
                0.01,
                why="torch divides by it, and refuses more than 1",
            ),
            "end_factor": _real(
                1.0, "From total_iters on.", 0.0, 1.0, 0.01, why="torch refuses others"
            ),
            "total_iters": _whole(5, "The line's last step."),
        },
        {
            "Warm up for 5 steps": {},
            "Warm up for 20 steps": {"start_factor": 0.01, "total_iters": 20},
            "Down to zero": {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 100},
        },
        reference.linear_lr,
    ),
    _spec(
        "ExponentialLR",
        "Multiplies the rate by gamma at each step.",
        {"gamma": _gamma(0.95, "Factor at each step.", required=True)},
        {
            "Decay by 5 %": {"gamma": 0.95},
            "Decay by 10 %": {"gamma": 0.9},
            "Range test: grow by 10 %": {"gamma": 1.1},
        },
        reference.exponential_lr,
    ),
    _spec(
        "PolynomialLR",
        "The first rate times (1 - step / total_iters) ** power, until total_iters.",
        {
            "total_iters": _whole(5, "Step where the rate is 0, if power is above 0."),
            "power": _real(
                1.0,
                "1 is a line; above 1 falls faster at first.",
                0.0,
                1000.0,
                0.1,
                why="below 0 torch divides by 0 at total_iters; above 1000 it falls within a step "
                "of a thousand",
            ),
        },
        {
            "A line over 100 steps": {"total_iters": 100},
            "Power 2 over 100 steps": {"total_iters": 100, "power": 2.0},
            "Square root": {"total_iters": 100, "power": 0.5},
        },
        reference.polynomial_lr,
    ),
    _spec(
        "CosineAnnealingLR",
        "A cosine from the first rate to eta_min at T_max, then back.",
        {
            "T_max": _whole(50, "Step where the rate is eta_min: half a period.", required=True),
            "eta_min": _rate(0.0, "Rate at T_max."),
        },
        {
            "Down in 100 steps": {"T_max": 100},
            "Past T_max": {"T_max": 25},
            "Not to zero": {"T_max": 100, "eta_min": 0.01},
        },
        reference.cosine_annealing_lr,
    ),
    _spec(
        "CosineAnnealingWarmRestarts",
        "A cosine towards eta_min, begun again at the first rate after T_0 steps.",
        {
            "T_0": _whole(10, "Steps to the first restart.", required=True),
            "T_mult": _whole(1, "Each period over the last."),
            "eta_min": _rate(0.0, "What a period heads for; it restarts before."),
        },
        {
            "Restart every 25": {"T_0": 25},
            "Ever longer": {"T_0": 10, "T_mult": 2},
            "Not to zero": {"T_0": 20, "eta_min": 0.02},
        },
        reference.cosine_annealing_warm_restarts,
    ),
    _spec(
        "CyclicLR",
        "From the first rate towards max_lr and back, in cycles; step it per batch.",
        {
            "max_lr": _rate(1.0, "Rate that a full cycle reaches.", required=True, per_group=True),
            "step_size_up": _whole(2000, "Steps towards max_lr."),
            "step_size_down": _whole(None, "Steps back; None: as many as up."),
            "mode": _choice(
                ("triangular", "triangular2", "exp_range"),
                "Equal cycles, each half as high, or height times gamma a step.",
            ),
            "gamma": _gamma(
                1.0, "exp_range's height, times this each step.", maximum=1.0, why=_HEIGHT
            ),
            "scale_fn": Argument(
                None,
                Formula(
                    "",
                    "The cycle's height by a formula in x; replaces mode.",
                    variable="x",
                ),
                optional=True,
            ),
            "scale_mode": _choice(
                ("cycle", "iterations"), "scale_fn's x: cycles from 1, or steps."
            ),
            **_momenta(0.8, 0.9),
        },
        {
            "Triangles": {"step_size_up": 20},
            "Half as high each time": {"step_size_up": 20, "mode": "triangular2"},
            "Shrinking": {"step_size_up": 20, "mode": "exp_range", "gamma": 0.98},
            "Slow up, fast down": {"step_size_up": 30, "step_size_down": 5},
            "Your own height": {"step_size_up": 10, "scale_fn": "1/x"},
        },
        reference.cyclic_lr,
        reference.cyclic_momentum,
    ),
    _spec(
        "OneCycleLR",
        "From a first rate to max_lr and on to a last one, in total_steps; step it per batch.",
        {
            "max_lr": _rate(0.1, "Rate where the first phase ends.", required=True, per_group=True),
            "total_steps": _whole(None, "The cycle's length; None: the steps shown."),
            "epochs": _whole(None, "With steps_per_epoch, for total_steps."),
            "steps_per_epoch": _whole(None, "With epochs, for total_steps."),
            "pct_start": _real(
                0.3,
                "The first phase's share of the cycle.",
                0.0,
                1.0,
                0.01,
                why="torch refuses others",
            ),
            "anneal_strategy": _choice(("cos", "linear"), "Half cosines, or straight lines."),
            **_momenta(0.85, 0.95),
            "div_factor": _real(
                25.0, "max_lr over the first rate.", 1e-100, 1e100, 1.0, why=_DIVIDES
            ),
            "final_div_factor": _real(
                1e4, "First rate over the last.", 1e-100, 1e100, 1.0, why=_DIVIDES
            ),
            "three_phase": _flag(False, "Back to the first rate, then to the last."),
        },
        {
            "Up and down": {},
            "Straight lines": {"anneal_strategy": "linear"},
            "Three phases": {"three_phase": True, "anneal_strategy": "linear"},
            "Early peak": {"pct_start": 0.1},
        },
        reference.one_cycle_lr,
        reference.one_cycle_momentum,
    ),
    _spec(
        "ReduceLROnPlateau",
        "Multiplies the rate by factor once a loss has not improved for more than patience steps.",
        {
            "mode": _choice(("min", "max"), "Whether smaller or larger is better."),
            "factor": _real(
                0.1, "Factor at each drop.", 0.0, BELOW_ONE, 0.01, why="torch refuses 1 and more"
            ),
            "patience": _whole(10, "Bad steps in a row that are let pass.", minimum=0),
            "threshold": _real(
                1e-4,
                "By how much better counts.",
                0.0,
                1e6,
                1e-4,
                why="torch has no limit; losses here stay below it",
            ),
            "threshold_mode": _choice(
                ("rel", "abs"), "threshold as a share of the best, or a difference."
            ),
            "cooldown": _whole(0, "Steps after a drop where none counts as bad.", minimum=0),
            "min_lr": _rate(0.0, "No drop goes below it.", per_group=True),
            "eps": _real(
                1e-8,
                "Only drops of more than this are made.",
                0.0,
                LARGEST_RATE,
                1e-8,
                why="no rate here is larger",
            ),
        },
        {
            "torch's defaults": {},
            "Impatient": {"patience": 2, "factor": 0.5},
            "The notes' 0.9": {"factor": 0.9},
            "With cooldown": {"patience": 5, "factor": 0.5, "cooldown": 10},
        },
        None,
    ),
)

SCHEDULERS: Mapping[str, SchedulerSpec] = MappingProxyType({spec.name: spec for spec in _ALL})


def scheduler_spec(name: object) -> SchedulerSpec:
    """Return the spec of that name.

    Raises:
        ValueError: torch has no such scheduler, or it composes others.
    """
    if isinstance(name, str) and name in SCHEDULERS:
        return SCHEDULERS[name]
    raise ValueError(f"name must be one of {', '.join(SCHEDULERS)}, got {shown(name)}")
