"""Run torch's schedulers on real optimizers and write down every rate."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import lr_scheduler

from explainers.evidence import recorded_warnings
from explainers.optimizers.schedulers.formula import formula
from explainers.optimizers.schedulers.specs import (
    BELOW_ONE,
    LARGEST_RATE,
    LONGEST,
    MOMENTA,
    MOST_STEPS,
    RATES,
    SchedulerSpec,
    scheduler_spec,
    total_steps,
)
from explainers.parameters import Number, shown

COMPOSERS = ("SequentialLR", "ChainedScheduler")
MOST_CHILDREN = 6
MOST_GROUPS = 4
ROUNDING = 1e-9

_STEPS = Number("steps", "Of the optimizer.", 1, MOST_STEPS, 1, integer=True)
_BASE_LR = Number("base_lr", "That the optimizer is given.", 0.0, LARGEST_RATE, 0.001, why=RATES)
_MOMENTUM = Number("momentum", "That the optimizer is given.", 0.0, BELOW_ONE, 0.01, why=MOMENTA)

Rates = list[list[float]]

# Adam keeps its momentum in betas[0]; Adagrad has none.
OPTIMIZERS: Mapping[str, Callable[[Any, float], torch.optim.Optimizer]] = {
    "SGD": lambda groups, momentum: torch.optim.SGD(groups, lr=0.1, momentum=momentum),
    "Adam": lambda groups, momentum: torch.optim.Adam(groups, betas=(momentum, 0.999)),
    "AdamW": lambda groups, momentum: torch.optim.AdamW(groups, betas=(momentum, 0.999)),
    "RMSprop": lambda groups, momentum: torch.optim.RMSprop(groups, momentum=momentum),
    "Adagrad": lambda groups, _: torch.optim.Adagrad(groups),
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ScheduleTrace:
    """Hold the rates that a scheduler gave to an optimizer.

    Attributes:
        learning_rate: Tensor ``(groups, steps)`` float64: entry i is the rate that optimizer step
            i uses, read before ``scheduler.step()``.
        momentum: Tensor ``(groups, steps)`` float64, the same for momentum (Adam: beta1); None
            where the scheduler leaves it alone.
        warnings: What torch warned of meanwhile.
        active: Tensor ``(steps,)`` int64: the child of SequentialLR that made each rate; -1 where
            all act at once (ChainedScheduler); 0 for a scheduler alone.
        at: Tensor ``(steps,)`` int64: the step of each entry, in order: every one of a short run,
            chosen ones of a long one.
    """

    learning_rate: Tensor
    momentum: Tensor | None
    warnings: tuple[str, ...]
    active: Tensor
    at: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PlateauTrace:
    """Hold the state of ReduceLROnPlateau just after each ``step(loss)``.

    Attributes:
        learning_rate: Tensor ``(n,)`` float64; the optimizer's next step uses it.
        bad_epochs: Tensor ``(n,)`` int64: losses in a row that were not better. A drop and
            cooldown set it to 0.
        cooldown: Tensor ``(n,)`` int64: steps in which no loss counts as bad, still to come.
        best: Tensor ``(n,)`` float64: the loss that the next one must better.
        cut: Tensor ``(n,)`` bool: whether this loss made the rate fall.
        due: Tensor ``(n,)`` bool: whether bad steps had come to exceed patience. The rate falls,
            unless it would by no more than `eps`, as at `min_lr`.
    """

    learning_rate: Tensor
    bad_epochs: Tensor
    cooldown: Tensor
    best: Tensor
    cut: Tensor
    due: Tensor


def trace(
    name: str,
    *,
    steps: int,
    base_lr: float | Sequence[float] = 0.1,
    momentum: float = 0.9,
    optimizer: str = "SGD",
    losses: Sequence[float] | None = None,
    **arguments: Any,
) -> ScheduleTrace:
    """Run one scheduler and return the rate of every optimizer step.

    Args:
        name: torch's class name, a key of `SCHEDULERS`.
        steps: How many steps of the optimizer, 1 to 10000.
        base_lr: The rate given to the optimizer: one, or one for each parameter group. For
            CyclicLR it is its base_lr; OneCycleLR overwrites it.
        momentum: The momentum given to the optimizer (Adam: beta1).
        optimizer: A key of `OPTIMIZERS`.
        losses: What ReduceLROnPlateau is stepped with, at least `steps` of them; None for a loss
            that never falls. No other scheduler takes it.
        **arguments: The scheduler's arguments. `lr_lambda` takes text (see `formula`), a
            callable, or a list with one of them for each group.

    Returns:
        The rates, ``(groups, steps)``.

    Raises:
        ValueError: Something is unknown or out of bounds, or the arguments give a rate that is
            negative or not finite.
    """
    scheduler_spec(name)
    steps = checked_steps(steps)
    if losses is not None and name != "ReduceLROnPlateau":
        raise ValueError(f"losses must be left out for {name}, got {shown(losses)}")
    metrics = [1.0] * steps if losses is None else _losses(losses, at_least=steps)
    with recorded_warnings() as caught, as_sentences(name):
        made = make(
            name,
            arguments,
            steps=steps,
            base_lr=base_lr,
            momentum=momentum,
            optimizer=optimizer,
        )
        step: Any = made.scheduler.step
        if name == "ReduceLROnPlateau":
            step = map(step, metrics).__next__
        rate_rows, momentum_rows = _run(made.optimizer, step, steps, made.cycles)
    return _trace(name, rate_rows, momentum_rows, caught, torch.zeros(steps, dtype=torch.int64))


def compose(
    kind: str,
    children: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    steps: int,
    base_lr: float | Sequence[float] = 0.1,
    milestones: Sequence[int] = (),
    momentum: float = 0.9,
    optimizer: str = "SGD",
) -> ScheduleTrace:
    """Run SequentialLR or ChainedScheduler over children and return the rate of every step.

    Args:
        kind: "SequentialLR" (one child after the other) or "ChainedScheduler" (all at once).
        children: A name and arguments for each, as `trace` takes them. OneCycleLR's total_steps
            is as long as its turn where it is left open.
        steps: How many steps of the optimizer, 1 to 10000.
        base_lr: The rate given to the optimizer: one, or one for each parameter group.
        milestones: The steps at which SequentialLR passes on, one fewer than children, in order;
            where two are the same, or one is 0, a child has no turn. None for ChainedScheduler.
        momentum: The momentum given to the optimizer (Adam: beta1).
        optimizer: A key of `OPTIMIZERS`.

    Returns:
        The rates, and which child made each.

    Raises:
        ValueError: Something is unknown or out of bounds; a child needs a loss.
    """
    if kind not in COMPOSERS:
        raise ValueError(f"kind must be one of {', '.join(COMPOSERS)}, got {shown(kind)}")
    steps = checked_steps(steps)
    with recorded_warnings() as caught, as_sentences(kind):
        made = make(
            kind,
            children,
            steps=steps,
            base_lr=base_lr,
            milestones=milestones,
            momentum=momentum,
            optimizer=optimizer,
        )
        rate_rows, momentum_rows = _run(made.optimizer, made.scheduler.step, steps, made.cycles)
    at = torch.arange(steps)
    turn = torch.tensor(made.milestones, dtype=torch.int64)
    active = torch.full((steps,), -1)
    if kind == "SequentialLR":
        active = torch.searchsorted(turn, at, right=True)
    return _trace(kind, rate_rows, momentum_rows, caught, active)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Hold torch's scheduler, just made, on an optimizer that has stepped once.

    Attributes:
        optimizer: Whose rates it sets.
        scheduler: Alone, or a composer.
        children: Of a composer; else the scheduler itself.
        arguments: Of each child, checked; formulas as text.
        milestones: Where SequentialLR passes on.
        cycles: Whether a child moves momentum.
    """

    optimizer: torch.optim.Optimizer
    scheduler: Any
    children: tuple[Any, ...]
    arguments: tuple[Mapping[str, Any], ...]
    milestones: tuple[int, ...]
    cycles: bool


def make(
    name: str,
    parts: Mapping[str, Any] | Sequence[tuple[str, Mapping[str, Any]]],
    *,
    steps: int,
    base_lr: float | Sequence[float] = 0.1,
    milestones: Sequence[int] = (),
    momentum: float = 0.9,
    optimizer: str = "SGD",
) -> Made:
    """Make a scheduler, or a composer of schedulers, as `trace` and `compose` run it.

    Args:
        name: torch's class name.
        parts: A scheduler's arguments, or a composer's children.
        steps: How many steps are to be made.
        base_lr: As `trace` takes it.
        milestones: As `compose` takes them.
        momentum: As `trace` takes it.
        optimizer: As `trace` takes it.

    Raises:
        ValueError: Something is unknown or out of bounds.
    """
    rates = _base_lrs(base_lr)
    if isinstance(parts, Mapping):
        spec = scheduler_spec(name)
        checked = [(spec, _for_steps(spec, spec.check(parts), steps, len(rates)))]
        passes: tuple[int, ...] = ()
    else:
        checked, passes = _composition(name, parts, milestones, steps, len(rates))
    made = _optimizer(optimizer, rates, momentum)
    for _, arguments in checked:
        _check_momentum(optimizer, made, arguments)
    built = [_scheduler(spec, made, rates, arguments) for spec, arguments in checked]
    scheduler = built[0] if isinstance(parts, Mapping) else _joined(name, built, passes, made)
    # torch asks once whether the optimizer has stepped; without gradients one step says all.
    made.step()
    given = tuple(arguments for _, arguments in checked)
    cycles = any(_cycles_momentum(arguments) for arguments in given)
    return Made(made, scheduler, tuple(built), given, passes, cycles)


def plateau(losses: Sequence[float], *, base_lr: float = 0.1, **arguments: Any) -> PlateauTrace:
    """Step ReduceLROnPlateau with each loss and return its state just after.

    Args:
        losses: One to 10000 losses; NaN is never better than the best.
        base_lr: The rate given to the optimizer.
        **arguments: The scheduler's arguments.

    Returns:
        Rate, counters and best, ``(len(losses),)`` each.

    Raises:
        ValueError: `losses` are no such numbers; an argument is unknown or out of bounds.
    """
    spec = scheduler_spec("ReduceLROnPlateau")
    metrics = _losses(losses)
    rates = [_checked(_BASE_LR, "base_lr", base_lr)]
    checked = _for_steps(spec, spec.check(arguments), len(metrics), 1)
    made = _optimizer("SGD", rates, 0.9)
    scheduler: Any = _scheduler(spec, made, rates, checked)
    group = made.param_groups[0]
    states, due = [], [False] * len(metrics)
    reduce = scheduler._reduce_lr

    def reducing(epoch: int) -> None:
        due[epoch - 1] = True
        reduce(epoch)

    # torch asks for a cut, and then looks whether it is large enough.
    scheduler._reduce_lr = reducing
    for loss in metrics:
        scheduler.step(loss)
        states.append(
            (
                group["lr"],
                scheduler.num_bad_epochs,
                scheduler.cooldown_counter,
                scheduler.best,
            )
        )
    rate, bad, rest, best = zip(*states, strict=True)
    rate_after = torch.tensor(rate, dtype=torch.float64)
    rate_before = torch.tensor([*rates, *rate[:-1]], dtype=torch.float64)
    return PlateauTrace(
        learning_rate=rate_after,
        bad_epochs=torch.tensor(bad, dtype=torch.int64),
        cooldown=torch.tensor(rest, dtype=torch.int64),
        best=torch.tensor(best, dtype=torch.float64),
        cut=rate_after < rate_before,
        due=torch.tensor(due),
    )


def build(
    name: str, optimizer: torch.optim.Optimizer, steps: int, arguments: Mapping[str, Any]
) -> Any:
    """Return torch's scheduler on an optimizer of yours, with `arguments` checked.

    Args:
        name: torch's class name, a key of `SCHEDULERS`.
        optimizer: Its rates are CyclicLR's base_lr.
        steps: Length of OneCycleLR's cycle where its arguments leave it open.
        arguments: As `trace` takes them.

    Raises:
        ValueError: Something is unknown or out of bounds.
    """
    spec = scheduler_spec(name)
    rates = [group["lr"] for group in optimizer.param_groups]
    checked = _for_steps(spec, spec.check(arguments), steps, len(rates))
    return _scheduler(spec, optimizer, rates, checked)


def build_composed(
    kind: str,
    children: Sequence[tuple[str, Mapping[str, Any]]],
    optimizer: torch.optim.Optimizer,
    steps: int,
    milestones: Sequence[int] = (),
) -> Any:
    """Return torch's composer on an optimizer of yours, with everything checked as in `compose`.

    Args:
        kind: "SequentialLR" or "ChainedScheduler".
        children: As `compose` takes them.
        optimizer: Its rates are CyclicLR's base_lr.
        steps: How many steps are to be made.
        milestones: As `compose` takes them.

    Raises:
        ValueError: Something is unknown or out of bounds.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    checked, passes = _composition(kind, children, milestones, steps, len(rates))
    return _composed(kind, checked, passes, optimizer, rates)


def _composition(
    kind: str,
    children: Sequence[tuple[str, Mapping[str, Any]]],
    milestones: Sequence[int],
    steps: int,
    groups: int,
) -> tuple[list[tuple[SchedulerSpec, dict[str, Any]]], tuple[int, ...]]:
    """Return children with their arguments settled for their turns, and the milestones."""
    specs = _children(kind, children)
    sequential = kind == "SequentialLR"
    passes = _milestones(milestones, len(specs) - 1 if sequential else 0)
    turns = itertools.pairwise((0, *passes, max((steps, *passes))))
    lengths = [max(end - start, 1) for start, end in turns] if sequential else [steps] * len(specs)
    return [
        (spec, _for_steps(spec, spec.check(arguments), length, groups))
        for (spec, arguments), length in zip(specs, lengths, strict=True)
    ], passes


def _composed(
    kind: str,
    children: Sequence[tuple[SchedulerSpec, Mapping[str, Any]]],
    milestones: Sequence[int],
    optimizer: torch.optim.Optimizer,
    rates: Sequence[float],
) -> Any:
    built = [_scheduler(spec, optimizer, rates, arguments) for spec, arguments in children]
    return _joined(kind, built, milestones, optimizer)


def _joined(
    kind: str, built: list[Any], milestones: Sequence[int], optimizer: torch.optim.Optimizer
) -> Any:
    if kind == "SequentialLR":
        return lr_scheduler.SequentialLR(optimizer, built, milestones=list(milestones))
    return lr_scheduler.ChainedScheduler(built, optimizer=optimizer)


def _run(
    optimizer: torch.optim.Optimizer, step: Callable[[], object], steps: int, cycles: bool
) -> tuple[Rates, Rates | None]:
    """Read the rates before each step of the scheduler; a thousand steps take a few ms."""
    groups = optimizer.param_groups
    rate_rows: Rates = []
    momentum_rows: Rates = []
    for index in range(steps):
        if index:
            step()
        rate_rows.append([group["lr"] for group in groups])
        if cycles:
            momentum_rows.append([momentum_of(group) for group in groups])
    return rate_rows, momentum_rows if cycles else None


def momentum_of(group: Mapping[str, Any]) -> float:
    """Return the momentum of a parameter group; Adam's is beta1."""
    return float(group["betas"][0] if "betas" in group else group["momentum"])


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set the momentum of a parameter group; Adam's is beta1."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def check_rates(name: str, rate: Tensor, at: Sequence[int] | Tensor) -> None:
    """Refuse rates ``(groups, k)``, at steps ``(k,)``, that no optimizer could use.

    Infinity is let pass, and with it what is computed from it: float64 has ended there.

    Raises:
        ValueError: A rate is negative, or no number before any is infinite; the first is named.
    """
    # Rounding takes a cosine's lowest rate to -2e-16, now and then; torch's numbers stand as are.
    bad = ~(rate >= -ROUNDING).all(dim=0) & (left_range(rate).cumsum(dim=0) == 0)
    if bad.any():
        index = int(bad.nonzero()[0])
        worst = next(value for value in rate[:, index].tolist() if not value >= -ROUNDING)
        raise ValueError(
            f"learning rate of {name} must be finite and not negative, "
            f"got {worst:g} at step {int(at[index])}"
        )


def left_range(rate: Tensor) -> Tensor:
    """Return where rates ``(groups, k)`` are too large for float64, ``(k,)`` bool."""
    return rate.isposinf().any(dim=0)


def checked_steps(steps: object, most: int = MOST_STEPS) -> int:
    """Return a number of steps. Raises ValueError with the rule."""
    return int(_checked(dataclasses.replace(_STEPS, maximum=most), "steps", steps))


def _trace(
    name: str, rates: Rates, momenta: Rates | None, caught: Sequence[Any], active: Tensor
) -> ScheduleTrace:
    rate = torch.tensor(rates, dtype=torch.float64).T.contiguous()
    check_rates(name, rate, range(rate.shape[1]))
    return ScheduleTrace(
        learning_rate=rate,
        momentum=None
        if momenta is None
        else torch.tensor(momenta, dtype=torch.float64).T.contiguous(),
        warnings=tuple(str(warning.message) for warning in caught),
        active=active,
        at=torch.arange(rate.shape[1]),
    )


@contextlib.contextmanager
def as_sentences(name: str) -> Iterator[None]:
    """Turn what torch's arithmetic cannot do into a sentence, a ValueError."""
    try:
        yield
    except (OverflowError, ZeroDivisionError) as error:
        # 2.0 ** (cycle - 1) of triangular2 overflows at the 1026th cycle, for one.
        problem = type(error).__name__
        raise ValueError(
            f"arguments must let {name} compute every rate, got {problem}: {error}"
        ) from None


def _scheduler(
    spec: SchedulerSpec,
    optimizer: torch.optim.Optimizer,
    rates: Sequence[float],
    arguments: Mapping[str, Any],
) -> Any:
    made = dict(arguments)
    for name, argument in spec.arguments.items():
        value = made[name]
        if argument.kind == "formula" and value is not None:
            variable = getattr(argument.spec, "variable", "epoch")
            many = isinstance(value, tuple)
            functions = [_function(name, each, variable) for each in (value if many else (value,))]
            made[name] = functions if many else functions[0]
        elif isinstance(value, tuple):
            made[name] = list(value)
    if spec.name == "CyclicLR":
        made["base_lr"] = list(rates)
    return getattr(lr_scheduler, spec.name)(optimizer, **made)


def _function(name: str, value: Any, variable: str) -> Callable[[int], float]:
    """Return the function that a formula or a callable stands for; it gives floats alone."""
    if isinstance(value, str):
        evaluate, last = formula(value, variable=variable), (-1, 0.0)

        def remembered(at: int) -> float:
            # Each parameter group asks for the same epoch.
            nonlocal last
            if last[0] != at:
                last = at, evaluate(at)
            return last[1]

        return remembered

    def numbered(at: int) -> float:
        result = value(at)
        try:
            return float(result)
        except (TypeError, ValueError):
            raise ValueError(f"{name} must give a number, got {shown(result)}") from None

    return numbered


def _for_steps(
    spec: SchedulerSpec, arguments: Mapping[str, Any], steps: int, groups: int
) -> dict[str, Any]:
    """Return the arguments with what depends on the number of steps and of groups settled."""
    settled = dict(arguments)
    for name, argument in spec.arguments.items():
        value = settled[name]
        if argument.per_group and isinstance(value, tuple) and len(value) != groups:
            raise ValueError(f"{name} must have one value for each of {groups} groups, got {value}")
    if spec.name == "OneCycleLR":
        total = total_steps(settled)
        if total is None:
            total = steps
            spec.check({**settled, "total_steps": total})
        if total < steps:
            raise ValueError(f"total_steps must be at least steps, {steps}, got {total}")
        settled["total_steps"] = total
    return settled


def _cycles_momentum(arguments: Mapping[str, Any]) -> bool:
    return bool(arguments.get("cycle_momentum", False))


def _check_momentum(
    name: str, optimizer: torch.optim.Optimizer, arguments: Mapping[str, Any]
) -> None:
    if _cycles_momentum(arguments) and not {"momentum", "betas"} & set(optimizer.defaults):
        raise ValueError(
            "optimizer must have a momentum while cycle_momentum is True (torch moves momentum, or "
            f"Adam's beta1, against the rate), got {name}"
        )


def _optimizer(name: str, rates: Sequence[float], momentum: float) -> torch.optim.Optimizer:
    if not isinstance(name, str) or name not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {shown(name)}")
    checked = _checked(_MOMENTUM, "momentum", momentum)
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in rates]
    return OPTIMIZERS[name](groups, checked)


def _base_lrs(base_lr: float | Sequence[float]) -> list[float]:
    many = list(base_lr) if isinstance(base_lr, list | tuple) else [base_lr]
    if not 1 <= len(many) <= MOST_GROUPS:
        raise ValueError(
            f"base_lr must be one rate or 1 to {MOST_GROUPS} of them, got {shown(base_lr)}"
        )
    return [_checked(_BASE_LR, "base_lr", rate) for rate in many]


def _children(
    kind: str, children: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[tuple[SchedulerSpec, Mapping[str, Any]]]:
    if not isinstance(children, list | tuple) or not 1 <= len(children) <= MOST_CHILDREN:
        raise ValueError(
            f"children must be 1 to {MOST_CHILDREN} pairs of name and arguments, "
            f"got {shown(children)}"
        )
    found = []
    for index, child in enumerate(children):
        if not (
            isinstance(child, list | tuple) and len(child) == 2 and isinstance(child[1], Mapping)
        ):
            raise ValueError(f"children must be pairs of name and arguments, got {shown(child)}")
        if child[0] == "ReduceLROnPlateau":
            raise ValueError(
                f"children of {kind} must step without a loss, got ReduceLROnPlateau at {index}"
            )
        found.append((scheduler_spec(child[0]), child[1]))
    return found


def _milestones(milestones: Sequence[int], count: int) -> tuple[int, ...]:
    if count:
        each = f"{count} whole numbers" if count > 1 else "one whole number"
        order = ", none smaller than the one before" if count > 1 else ""
        rule = (
            f"{each} from 0 to {LONGEST}{order} (torch refuses none, but searches them as whole "
            "and in order; the largest is a thousand of the longest runs)"
        )
    else:
        rule = "left out (only SequentialLR with two children or more passes on)"
    if isinstance(milestones, list | tuple) and len(milestones) == count:
        whole = all(isinstance(step, int) and not isinstance(step, bool) for step in milestones)
        bounded = whole and all(0 <= step <= LONGEST for step in milestones)
        # A child between two that are the same is never asked, nor is the first before 0.
        if bounded and all(a <= b for a, b in itertools.pairwise(milestones)):
            return tuple(milestones)
    raise ValueError(f"milestones must be {rule}, got {shown(milestones)}")


def _losses(losses: Sequence[float], *, at_least: int = 1) -> list[float]:
    rule = f"losses must be {at_least} to {MOST_STEPS} numbers"
    many = losses.tolist() if isinstance(losses, Tensor) and losses.ndim == 1 else losses
    if not isinstance(many, list | tuple) or not at_least <= len(many) <= MOST_STEPS:
        raise ValueError(f"{rule}, got {shown(many)}")
    for loss in many:
        if isinstance(loss, bool) or not isinstance(loss, int | float):
            raise ValueError(f"{rule}, got {shown(loss)}")
    return [float(loss) for loss in many]


def _checked(spec: Number, name: str, value: object) -> Any:
    try:
        return spec.check(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {error}") from None
