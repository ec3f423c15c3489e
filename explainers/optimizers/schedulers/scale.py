"""Give a schedule's rates at chosen steps of a million, and set torch's own schedulers to any step.

A `scheduler.step()` takes some microseconds: a million of them take many seconds. Here every
scheduler's own recursion is solved in float64, as torch computes it and not as the documentation
states it: past `T_max` a cosine of torch starts from ``1 - cos(pi / T_max)``, which keeps few
digits. `Far.stepped` then sets torch's scheduler to the step before, steps it, and so tells how
near the solution is.
"""

import dataclasses
import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import lr_scheduler

from explainers.evidence import recorded_warnings
from explainers.optimizers.schedulers import tracing
from explainers.optimizers.schedulers.calls import Schedule
from explainers.optimizers.schedulers.formula import along, powers, weight

MOST_STEPS = 1_000_000
LARGEST = 1e38
"""The largest rate that is drawn: a picture is in single precision, which ends at 3.4e38."""
COLUMNS = 250
"""Stretches of a run of which each keeps its lowest and highest rate."""

# Additions that fit some 20 ms, and the most that are made for a picture.
_BUDGET = 3e7
_LARGEST_BUDGET = 2e8
_SMALL = 2.0**-64
_LOOKED_IN_A_CHAIN = 50_000
# Cycles of CyclicLR of which each is looked at, when a formula gives their heights.
_MOST_CYCLES = 50_000
# A cosine shorter than this is not long enough for the rounding of eta_min + x to grow.
_SHORT_COSINE = 7680

Steps = NDArray[np.int64]
Rows = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Move:
    """What a scheduler does to the rate, at its own steps ``(k,)``, counted from where it begins.

    Attributes:
        along: From the rates ``(groups, 1)`` at its step 0, those at steps; alone.
        after: From the rates ``(groups, k)`` before steps (of 1 or more), those after.
        turns: Steps up to a last one at which the rate may turn or jump, so many that each of
            some columns has its lowest and highest; the steps between go one way.
        sets: Whether the rate before plays no part.
        product: What the rate at step 0 has been multiplied by at steps, for each group or for
            all; None where it is not.
        until: The last step of which `product` tells.
        line: For a side ``n``, slopes ``(n, n)`` and shifts ``(groups, n, n)``: what makes of the
            rate before a step the rate after it, the step of row i and column j being
            ``1 + i + n * j``; None where nothing is added, and `after` multiplies.
        momenta: Momenta ``(groups, k)``; None where they are left alone.
    """

    along: Callable[[Rows, Steps], Rows]
    after: Callable[[Rows, Steps], Rows]
    turns: Callable[[Steps], Steps]
    sets: bool = False
    momenta: Callable[[Steps], Rows] | None = None
    product: Callable[[Steps], Rows] | None = None
    until: float = math.inf
    line: Callable[[int], tuple[Rows, Rows]] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _State:
    """Hold where a schedule is: a step, which child makes its rate, and each group's numbers."""

    step: int
    turn: int
    rates: list[float]
    momenta: list[float] | None


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let what leaves float64's range be infinite, as torch's own floats do."""

    @functools.wraps(function)
    def computed(*given: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*given)

    return computed


class Far:
    """Hold one schedule at the length of real training.

    Attributes:
        steps: Of the optimizer.
        name: torch's class name.
    """

    def __init__(
        self, schedule: Schedule, steps: int, rates: tuple[float, ...], optimizer: str
    ) -> None:
        """Make torch's scheduler, and read from it what each of its parts does.

        Raises:
            ValueError: As `tracing.trace` and `tracing.compose`.
        """
        self.steps = tracing.checked_steps(steps, MOST_STEPS)
        self.name = schedule.name
        self._make = functools.partial(
            tracing.make,
            schedule.name,
            tuple((child.name, dict(child.arguments)) for child in schedule.children)
            or dict(schedule.arguments),
            steps=steps,
            base_lr=rates,
            milestones=schedule.milestones,
            optimizer=optimizer,
        )
        self._real = real = self._make()
        _check_products(real, self.steps)
        # Of how many steps one is looked at: 1, unless a formula costs too much.
        self.apart = 1
        first = self._rates()
        moves = []
        for child, arguments in zip(real.children, real.arguments, strict=True):
            cost = _cost(arguments)
            # A product is made of every step anyhow.
            product = isinstance(child, lr_scheduler.MultiplicativeLR)
            apart = 1 if product else max(1, math.ceil(cost * self.steps / _BUDGET))
            if cost and schedule.name == "ChainedScheduler" and schedule.children[1:]:
                # Every part is computed wherever one is looked at.
                apart = max(apart, math.ceil(self.steps / _LOOKED_IN_A_CHAIN))
            self.apart = max(self.apart, apart)
            moves.append(_MOVES[type(child).__name__](child, arguments, apart))
        self._starts = np.array([0])
        self._pieces: list[tuple[Rows, _Move]] = []
        self._held: list[Rows] = [self._momenta()] if real.cycles else []
        if schedule.name != "SequentialLR":
            self._pieces.append((first, _chained(moves, first, self.steps)))
            return
        self._starts = np.array([0, *(each for each in real.milestones if each < self.steps)])
        self._pieces.append((first, moves[0]))
        for index, start in enumerate(self._starts[1:].tolist(), start=1):
            if start:
                # The step at which it passes on is torch's own.
                self._set(*self._states([start - 1]))
                with tracing.as_sentences(self.name):
                    real.scheduler.step()
            self._pieces.append((self._rates(), moves[index]))
            if real.cycles:
                self._held.append(self._momenta())

    def _rates(self) -> Rows:
        return np.array([[group["lr"]] for group in self._real.optimizer.param_groups])

    def _momenta(self) -> Rows:
        return np.array(
            [[tracing.momentum_of(group)] for group in self._real.optimizer.param_groups]
        )

    def active(self, at: Steps) -> Steps:
        """Return which of SequentialLR's children makes the rate at steps; 0 for one alone."""
        return np.searchsorted(self._starts, at, side="right") - 1

    @_quiet
    def rates(self, at: Steps) -> Rows:
        """Return the rates ``(groups, k)`` at steps ``(k,)``.

        Raises:
            ValueError: torch's arithmetic gives none.
        """
        with tracing.as_sentences(self.name):
            if len(self._pieces) == 1:
                first, move = self._pieces[0]
                return move.along(first, at)
            found = np.empty((len(self._pieces[0][0]), len(at)))
            for index, mine in self._shares(at):
                first, move = self._pieces[index]
                found[:, mine] = move.along(first, at[mine] - self._starts[index])
            return found

    @_quiet
    def momenta(self, at: Steps) -> Rows | None:
        """Return the momenta ``(groups, k)`` at steps; None where no part moves them."""
        if not self._held:
            return None
        found = np.empty((len(self._held[0]), len(at)))
        for index, mine in self._shares(at):
            move = self._pieces[index][1]
            found[:, mine] = (
                self._held[index]
                if move.momenta is None
                else move.momenta(at[mine] - self._starts[index])
            )
        return found

    def _shares(self, at: Steps) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        active = self.active(at)
        for index in np.unique(active).tolist():
            yield index, active == index

    def grid(self) -> Steps:
        """Return the first step of each column, and the last of all."""
        return np.unique(np.linspace(0, self.steps - 1, COLUMNS + 1).astype(np.int64))

    def looked(self) -> Steps:
        """Return the steps that are looked at for the lowest and the highest of each column."""
        edges = self.grid()
        ends = [*self._starts[1:].tolist(), self.steps]
        # A mask, for a million steps would take long to sort.
        looked = np.zeros(self.steps, dtype=bool)
        looked[edges] = True
        for (_, move), start, end in zip(self._pieces, self._starts.tolist(), ends, strict=True):
            inside = edges[(edges > start) & (edges < end)] - start
            mine = move.turns(np.unique([0, *inside.tolist(), end - start - 1])) + start
            looked[mine[(mine >= start) & (mine < end)]] = True
            looked[[start, end - 1]] = True
        return np.flatnonzero(looked)

    def chosen(self) -> Steps:
        """Return the steps worth drawing: of each column its first, lowest and highest.

        Raises:
            ValueError: A rate is negative or no number; the message says at which step.
        """
        at = self.looked()
        rows = self.rates(at)
        self._check(at, rows)
        momenta = self.momenta(at)
        drawn = rows if momenta is None else np.concatenate([rows, momenta[:1]])
        grid = self.grid()
        places = np.searchsorted(at, grid)
        picked = [places, np.searchsorted(at, self._starts)]
        for row in drawn:
            for left, right in zip(places[:-1].tolist(), places[1:].tolist(), strict=True):
                part = row[left:right]
                if len(part) > 1:
                    picked.append(np.array([left + int(part.argmin()), left + int(part.argmax())]))
        found = at[np.unique(np.concatenate(picked))]
        return np.unique(np.concatenate([found, self._ends(found)]))

    def _ends(self, at: Steps) -> Steps:
        """Return the last step that a picture holds, and the first that it does not."""
        ends = []
        for group, row in enumerate(self.rates(at)):
            for most in (LARGEST, sys.float_info.max):
                beyond = np.flatnonzero(~(row <= most))
                if len(beyond) and beyond[0]:
                    first = self.first(
                        functools.partial(_beyond, group=group, most=most),
                        int(at[beyond[0] - 1]),
                        int(at[beyond[0]]),
                    )
                    ends += [first - 1, first]
        return np.array(ends, dtype=np.int64)

    def _check(self, at: Steps, rows: Rows) -> None:
        """Let torch say what is wrong with the first rate that is negative or no number."""
        lost = np.isposinf(rows).any(axis=0)
        # What is computed from infinity is no rate of anyone's choice.
        gone = np.logical_or.accumulate(lost)
        wrong = (~(rows >= -tracing.ROUNDING)).any(axis=0) & ~gone
        for index in np.flatnonzero(wrong)[:1].tolist():
            step = int(at[index])
            rate = self.stepped(np.array([step]))[0] if step else rows[:, :1]
            tracing.check_rates(self.name, torch.from_numpy(rate), [step])

    def _states(self, steps: list[int]) -> list[_State]:
        """Return where the schedule is once the rate of each step is made; all in one go."""
        at = np.array(steps, dtype=np.int64)
        momenta = self.momenta(at)
        return list(
            map(
                _State,
                steps,
                self.active(at).tolist(),
                self.rates(at).T.tolist(),
                [None] * len(steps) if momenta is None else momenta.T.tolist(),
            )
        )

    def _set(self, state: _State) -> None:
        """Set torch's scheduler and optimizer to where they are once a step's rate is made."""
        real, step, turn = self._real, state.step, state.turn
        for index, (group, rate) in enumerate(
            zip(real.optimizer.param_groups, state.rates, strict=True)
        ):
            group["lr"] = rate
            if state.momenta is not None:
                tracing.set_momentum(group, state.momenta[index])
        if real.scheduler is not real.children[0]:
            real.scheduler.last_epoch = step
        sequential = self.name == "SequentialLR"
        for index, child in enumerate(real.children):
            # One that is yet to come is as it was made.
            own = step - int(self._starts[turn]) if not sequential or index == turn else 0
            child.last_epoch = own
            child._step_count = own + 1
            if isinstance(child, lr_scheduler.CosineAnnealingWarmRestarts):
                begun, length = _restart(np.array([own]), child.T_0, child.T_mult)
                child.T_cur, child.T_i = own - int(begun[0]), int(length[0])

    def stepped(self, at: Steps) -> tuple[Rows, Rows | None]:
        """Return what torch's own ``step()`` makes of the rate before each step of 1 or more.

        Returns:
            Rates ``(groups, k)``; momenta likewise, None where no part moves them.

        Raises:
            ValueError: torch cannot compute one.
        """
        rates, momenta = [], []
        with recorded_warnings():
            for state in self._states((at - 1).tolist()):
                self._step(state)
                rates.append(self._rates()[:, 0])
                if self._held:
                    momenta.append(self._momenta()[:, 0])
        return np.array(rates).T, np.array(momenta).T if self._held else None

    def place(self, step: int) -> torch.optim.Optimizer:
        """Return the optimizer with what torch's own ``step()`` gives it for a step.

        Raises:
            ValueError: torch cannot compute the rate.
        """
        (state,) = self._states([max(step - 1, 0)])
        if step:
            self._step(state)
        else:
            self._set(state)
        return self._real.optimizer

    def _step(self, state: _State) -> None:
        self._set(state)
        with tracing.as_sentences(self.name):
            self._real.scheduler.step()

    def first(self, holds: Callable[[Rows], NDArray[np.bool_]], before: int, at: int) -> int:
        """Return the first step in ``(before, at]`` at which `holds`, if it holds from there on."""
        while at - before > 1:
            middle = (before + at) // 2
            if bool(holds(self.rates(np.array([middle])))[0]):
                at = middle
            else:
                before = middle
        return at


def _grown(start: Rows, factor: float, times: Steps) -> Rows:
    """Return a rate times a power that may be too large where the rate is not."""
    found: Rows = start * powers(factor, times)
    lost = ~np.isfinite(found).all(axis=0)
    if lost.any():
        half = times[lost] // 2
        found[:, lost] = start * powers(factor, half) * powers(factor, times[lost] - half)
    return found


def _beyond(rates: Rows, *, group: int, most: float) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = ~(rates[group] <= most)
    return found


def _times(
    product: Callable[[Steps], Rows],
    factor: Callable[[Steps], Rows],
    turns: Callable[[Steps], Steps] = lambda edges: edges[:0],
    along: Callable[[Rows, Steps], Rows] | None = None,
) -> _Move:
    """Return the move of a scheduler that multiplies the rate before it by a factor."""
    return _Move(
        along or (lambda start, t: start * product(t)),
        lambda before, t: before * factor(t),
        turns,
        product=product,
    )


def _stairs(size: int) -> Callable[[Steps], Steps]:
    """Return the turns of a curve that changes every `size` steps, if a picture shows them."""

    def turns(edges: Steps) -> Steps:
        last = int(edges[-1])
        return np.arange(size, last + 1, size) if last // size <= COLUMNS else edges[:0]

    return turns


def _some(places: Sequence[int]) -> Callable[[Steps], Steps]:
    return lambda edges: np.array([place for place in places if place <= edges[-1]], dtype=np.int64)


def _every(period: int, *offsets: int) -> Callable[[Steps], Steps]:
    """Return the turns of a wave: all, or the first and the last of each kind in each column."""

    def turns(edges: Steps) -> Steps:
        last = int(edges[-1])
        if last // period <= COLUMNS:
            starts = np.arange(0, last + period + 1, period)
            return np.sort(np.concatenate([starts + offset for offset in offsets]))
        # What a chain multiplies it by goes up or down: one of the two is then the highest.
        early = [edges + (offset - edges) % period for offset in offsets]
        late = [edges - 1 - (edges - 1 - offset) % period for offset in offsets]
        found = np.unique(np.concatenate(early + late))
        return found[found >= 0]

    return turns


def _looked(apart: int) -> Callable[[Steps], Steps]:
    """Return the turns of a curve of which nothing is known: every step, or as many as fit."""

    def turns(edges: Steps) -> Steps:
        count = int(edges[-1]) + 1
        if apart == 1:
            return np.arange(count)
        # Not evenly: what has a period would be met at the same place of it each time.
        index = np.arange(-(-count // apart))
        return np.minimum(index * apart + index * index % apart, count - 1)

    return turns


def _cost(arguments: Mapping[str, Any]) -> int:
    """Return what the dearest formula among arguments costs, in additions; 0 without one."""
    costs = [
        weight(text, variable=variable)
        for name, variable in (("lr_lambda", "epoch"), ("scale_fn", "x"))
        for text in _texts(arguments.get(name), 1)
        if text is not None
    ]
    return max(costs, default=0)


def _check_products(made: tracing.Made, steps: int) -> None:
    """Refuse products of formulas that take too long: of them no step can be left out.

    Raises:
        ValueError: So many steps of these take more than a change of a control should.
    """
    ends = [*(min(each, steps) for each in made.milestones), steps]
    cost = 0.0
    for index, (child, arguments) in enumerate(zip(made.children, made.arguments, strict=True)):
        if isinstance(child, lr_scheduler.MultiplicativeLR):
            # Each of SequentialLR's children is asked for its own turn alone.
            length = steps - (ends[index - 1] if index else 0)
            if made.milestones:
                length = ends[index] - (ends[index - 1] if index else 0)
            texts = set(_texts(arguments["lr_lambda"], 1))
            cost += length * sum(weight(text) for text in texts)
    if cost > _LARGEST_BUDGET:
        raise ValueError(
            f"steps must be at most {int(steps * _LARGEST_BUDGET / cost)} (each rate of "
            f"MultiplicativeLR is a product of every factor before, and this formula takes long), "
            f"got {steps}"
        )


@functools.lru_cache(maxsize=4)
def _products(text: str, most: int) -> Rows:
    """Return the products of a formula's factors up to steps 0 to `most`, times `_SMALL`.

    So small that none is too large before the rate is; a power of 2 costs no digit.
    """
    # One after the other, as torch multiplies.
    steps = np.concatenate([[_SMALL], along(text)(np.arange(1, most + 1))])
    return np.multiply.accumulate(steps, out=steps)


def _column(values: Sequence[float]) -> Rows:
    return np.array(values, dtype=np.float64)[:, None]


def _texts(value: Any, groups: int) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value] * groups


def _functions(value: Any, groups: int) -> Callable[[Steps], Rows]:
    """Return the factors of each group ``(groups, k)``; one formula for all is computed once."""
    texts = _texts(value, groups)
    made = {text: along(text) for text in texts}

    def factors(t: Steps) -> Rows:
        found = {text: function(t) for text, function in made.items()}
        return np.array([found[text] for text in texts])

    return factors


def _lambda(scheduler: Any, arguments: Mapping[str, Any], apart: int) -> _Move:
    base = _column(scheduler.base_lrs)
    factors = _functions(arguments["lr_lambda"], len(base))

    def along_(_: Rows, t: Steps) -> Rows:
        return base * factors(t)

    return _Move(along_, along_, _looked(apart), sets=True)


def _multiplicative(scheduler: Any, arguments: Mapping[str, Any], apart: int) -> _Move:
    groups = len(scheduler.base_lrs)
    texts = _texts(arguments["lr_lambda"], groups)
    factors = _functions(arguments["lr_lambda"], groups)
    constant = all(weight(text) == 0 for text in texts)
    kept: dict[str, Rows] = {}

    def factor_of(text: str) -> float:
        return float(along(text)(np.array([1]))[0])

    def product_of(text: str, t: Steps) -> Rows:
        if constant:
            return powers(factor_of(text), t)
        most = int(t.max(initial=0))
        if text not in kept or len(kept[text]) <= most:
            kept[text] = _products(text, most)
        return kept[text][t]

    def product(t: Steps) -> Rows:
        found = {text: product_of(text, t) for text in texts}
        return np.array([found[text] for text in texts]) / (1.0 if constant else _SMALL)

    def along_(start: Rows, t: Steps) -> Rows:
        if constant:
            rows = [_grown(start[[group]], factor_of(text), t) for group, text in enumerate(texts)]
            return np.concatenate(rows)
        found = {text: product_of(text, t) for text in texts}
        rows_: Rows = start * np.array([found[text] for text in texts]) / _SMALL
        return rows_

    turns = (lambda edges: edges[:0]) if constant else _looked(apart)
    return _times(product, factors, turns, along_)


def _step(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    size, gamma = scheduler.step_size, scheduler.gamma
    return _times(
        lambda t: powers(gamma, t // size),
        lambda t: np.where(t % size == 0, gamma, 1.0),
        _stairs(size),
        lambda start, t: _grown(start, gamma, t // size),
    )


def _multi_step(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    gamma = scheduler.gamma
    # At its step 0 it is made, and what is due there is done.
    places = np.array(sorted(each for each in scheduler.milestones.elements() if each > 0))

    def passed(t: Steps) -> Steps:
        return np.searchsorted(places, t, side="right")

    def factor(t: Steps) -> Rows:
        found, crossed = np.ones(t.shape), passed(t) - passed(t - 1)
        found[crossed > 0] = powers(gamma, crossed[crossed > 0])
        return found

    return _times(
        lambda t: powers(gamma, passed(t)),
        factor,
        _some(places.tolist()),
    )


def _constant(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    total, factor = scheduler.total_iters, scheduler.factor

    def undone(t: Steps, now: NDArray[np.bool_]) -> Rows:
        # Without a step there torch does not divide.
        return np.where(now, 1.0 / factor, 1.0) if now.any() else np.ones(t.shape)

    return _times(lambda t: undone(t, t >= total), lambda t: undone(t, t == total), _some([total]))


def _linear(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    total, low = scheduler.total_iters, scheduler.start_factor
    rise = scheduler.end_factor - low

    def factor(t: Steps) -> Rows:
        found, inside = np.ones(t.shape), t <= total
        found[inside] += rise / (total * low + (t[inside] - 1) * rise)
        return found

    return _times(
        lambda t: (low + rise * np.minimum(t, total) / total) / low, factor, _some([total])
    )


def _exponential(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    gamma = scheduler.gamma
    return _times(
        lambda t: powers(gamma, t),
        lambda t: np.full(t.shape, gamma),
        along=lambda start, t: _grown(start, gamma, t),
    )


def _polynomial(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    total, power = scheduler.total_iters, scheduler.power

    def factor(t: Steps) -> Rows:
        found, inside = np.ones(t.shape), t <= total
        within = t[inside]
        found[inside] = ((1.0 - within / total) / (1.0 - (within - 1) / total)) ** power
        return found

    return _times(lambda t: (1.0 - np.minimum(t, total) / total) ** power, factor, _some([total]))


def _one_plus_cos(t: Any, half: int) -> Any:
    """Return ``1 + cos(pi * t / half)`` with the digits of Python's own cosine, as torch has it."""
    angle = math.pi * np.asarray(t, dtype=np.float64) / half
    found = 1 + np.cos(angle)
    # One bit of a cosine near -1 is much of this sum.
    near = np.flatnonzero(found < 1e-6)
    found[near] = [1 + math.cos(each) for each in angle[near].tolist()]
    return found


def _cosine(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    half, least = scheduler.T_max, scheduler.eta_min
    base = _column(scheduler.base_lrs)
    # What torch adds to the rate one step after each of its lowest.
    risen = (base - least) * (1 - math.cos(math.pi / half)) / 2
    # Nearest to eta_min its rounding is a share of the rate that grows on with it: each step of
    # that stretch is made.
    felt = half // 30 if least and half > _SHORT_COSINE else 1

    def after(before: Rows, t: Steps) -> Rows:
        turned = (t - 1 - half) % (2 * half) == 0
        above, below = _one_plus_cos(t, half), _one_plus_cos(t - 1, half)
        ratio = above / np.where(turned, 1.0, below)
        found: Rows = np.where(turned, before + risen, ratio * (before - least) + least)
        return found

    def line(side: int) -> tuple[Rows, Rows]:
        at = np.arange(side + 1)[:, None] + side * np.arange(side)
        heights = _one_plus_cos(at.ravel(), half).reshape(at.shape)
        slope = heights[1:] / heights[:-1]
        lowest = np.arange(half, side * side, 2 * half)
        turned = lowest % side, lowest // side
        slope[turned] = 1.0
        shift = np.repeat((least * (1 - slope))[None], len(base), axis=0)
        shift[:, *turned] = risen
        return slope, shift

    @functools.cache
    def made(begun: int) -> Rows:
        """Return the rates of the first steps past a turn, each made from the one before."""
        heights = [1 + math.cos(math.pi * (begun + step) / half) for step in range(felt)]
        rows = []
        for first in (least + risen)[:, 0].tolist():
            row = [first]
            for before, height in itertools.pairwise(heights):
                row.append(height / before * (row[-1] - least) + least)
            rows.append(row)
        return np.array(rows)

    def along_(start: Rows, t: Steps) -> Rows:
        # The way down is number 0; up and down again, one for each turn passed.
        number = (t - 1 + half) // (2 * half)
        begun = np.where(number > 0, (2 * number - 1) * half + 1, 0)
        found = np.empty((len(base), len(t)))
        height = _one_plus_cos(t, half)
        down = number == 0
        found[:, down] = (start - least) * height[down] / 2 + least
        turns, which = np.unique(begun[~down], return_inverse=True)
        if len(turns):
            if felt == 1:
                anchor, heights = np.broadcast_to(risen, (len(base), len(turns))), turns
            else:
                rows = [made(int(each)) for each in turns]
                anchor = np.concatenate([row[:, -1:] for row in rows], axis=1) - least
                heights = turns + felt - 1
            grown = anchor / _one_plus_cos(heights, half)
            up = grown[:, which] * height[~down] + least
            if felt > 1:
                behind = t[~down] - begun[~down]
                for place in np.flatnonzero(behind < felt).tolist():
                    up[:, place] = rows[which[place]][:, behind[place]]
            found[:, ~down] = up
        return found

    def product(t: Steps) -> Rows:
        found: Rows = _one_plus_cos(t, half) / 2
        return found

    return _Move(
        along_,
        after,
        _every(2 * half, 0, half),
        # Until it turns.
        product=product if least == 0 else None,
        until=half,
        line=line,
    )


def _restart(t: Steps, first: int, times: int) -> tuple[Steps, Steps]:
    """Return where the period of each step began, and its length."""
    if times == 1:
        return t - t % first, np.full(t.shape, first)
    starts, lengths = [0], [first]
    most = int(t.max(initial=0))
    while starts[-1] + lengths[-1] <= most:
        starts.append(starts[-1] + lengths[-1])
        lengths.append(lengths[-1] * times)
    period = np.searchsorted(starts, t, side="right") - 1
    return np.array(starts)[period], np.array(lengths, dtype=np.float64)[period].astype(np.int64)


def _warm(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    least, first, times = scheduler.eta_min, scheduler.T_0, scheduler.T_mult
    base = _column(scheduler.base_lrs)

    def along_(_: Rows, t: Steps) -> Rows:
        begun, length = _restart(t, first, times)
        found: Rows = least + (base - least) * (1 + np.cos(math.pi * (t - begun) / length)) / 2
        return found

    def turns(edges: Steps) -> Steps:
        if times == 1:
            return _every(first, 0, first - 1)(edges)
        begun = np.unique(_restart(edges, first, times)[0])
        # Periods that lie within one column are few: each is times as long as the last.
        early = _restart(np.arange(int(edges[1]) + 1), first, times)[0] if len(edges) > 1 else begun
        starts = np.unique(np.concatenate([begun, early]))
        return np.unique(np.concatenate([starts, starts - 1]))

    return _Move(along_, along_, turns, sets=True)


def _cyclic(scheduler: Any, arguments: Mapping[str, Any], apart: int) -> _Move:
    base, top = _column(scheduler.base_lrs), _column(scheduler.max_lrs)
    size, ratio = scheduler.total_size, scheduler.step_ratio
    per_cycle, text = scheduler.scale_mode == "cycle", arguments["scale_fn"]

    def height(t: Steps) -> tuple[Rows, Rows]:
        cycle = np.floor(1 + t / size)
        x = 1.0 + t / size - cycle
        way = np.where(x <= ratio, x / ratio, (x - 1) / (ratio - 1))
        at = cycle if per_cycle else t
        if text is not None:
            return way, along(text, variable="x")(at)
        if scheduler.mode == "triangular2":
            if len(cycle) and cycle.max() > 1024:
                # So says Python's power, of which torch's scale is made.
                raise OverflowError(
                    f"2.0 ** (cycle - 1) is too large from step {int(1024 * size)} on"
                )
            return way, 1 / powers(2.0, cycle - 1)
        if scheduler.mode == "exp_range":
            return way, powers(scheduler.gamma, t)
        return way, np.ones(t.shape)

    def along_(_: Rows, t: Steps) -> Rows:
        way, scale = height(t)
        return base + (top - base) * way * scale

    def momenta(t: Steps) -> Rows:
        way, scale = height(t)
        low, high = _column(scheduler.base_momentums), _column(scheduler.max_momentums)
        return high - (high - low) * way * scale

    up = arguments["step_size_up"]

    def turns(edges: Steps) -> Steps:
        last = int(edges[-1])
        if text is None:
            return _every(int(size), 0, up, int(size) - 1)(edges)
        if not per_cycle or last > _MOST_CYCLES * size:
            return _looked(apart)(edges)
        starts = np.arange(0, last + size + 1, size, dtype=np.int64)
        return np.concatenate([starts, starts + up, starts + int(size) - 1])

    return _Move(
        along_, along_, turns, sets=True, momenta=momenta if scheduler.cycle_momentum else None
    )


def _one_cycle(scheduler: Any, _: Mapping[str, Any], __: int) -> _Move:
    groups, phases = scheduler.optimizer.param_groups, scheduler._schedule_phases
    cosine = scheduler._anneal_func_type == "cos"
    # torch keeps them in the groups, where another scheduler may write its own.
    names = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")
    held = {name: _column([group.get(name, 0.0) for group in groups]) for name in names}
    ends = [0.0, *(float(phase["end_step"]) for phase in phases)]

    def between(t: Steps, start: str, end: str) -> Rows:
        found = np.empty((len(groups), len(t)))
        phase = np.full(t.shape, len(phases) - 1)
        for index in range(len(phases) - 2, -1, -1):
            phase[t <= ends[index + 1]] = index
        for index, names_ in enumerate(phases):
            mine = phase == index
            way = (t[mine] - ends[index]) / (ends[index + 1] - ends[index])
            first, last = held[names_[start]], held[names_[end]]
            if cosine:
                found[:, mine] = last + (first - last) / 2.0 * (np.cos(math.pi * way) + 1)
            else:
                found[:, mine] = (last - first) * way + first
        return found

    def along_(_: Rows, t: Steps) -> Rows:
        return between(t, "start_lr", "end_lr")

    return _Move(
        along_,
        along_,
        _some([at for end in ends for at in (math.floor(end), math.ceil(end)) if at >= 0]),
        sets=True,
        momenta=(lambda t: between(t, "start_momentum", "end_momentum"))
        if scheduler.cycle_momentum
        else None,
    )


_MOVES: Mapping[str, Callable[[Any, Mapping[str, Any], int], _Move]] = {
    "LambdaLR": _lambda,
    "MultiplicativeLR": _multiplicative,
    "StepLR": _step,
    "MultiStepLR": _multi_step,
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "ExponentialLR": _exponential,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "CosineAnnealingWarmRestarts": _warm,
    "CyclicLR": _cyclic,
    "OneCycleLR": _one_cycle,
}


def _chained(moves: Sequence[_Move], first: Rows, steps: int) -> _Move:
    """Return what schedulers do that each step in turn, one after the other at every step."""
    if len(moves) == 1:
        (move,) = moves
        # At step 0 the rate is as the constructors left it.
        return dataclasses.replace(
            move, along=lambda start, t: np.where(t == 0, start, move.along(start, t))
        )
    setting = max((index for index, move in enumerate(moves) if move.sets), default=None)

    multiplies = all(move.product is not None and steps - 1 <= move.until for move in moves)
    scanned = setting is None and not multiplies
    # The product of two curves may turn where neither does.
    everywhere = _looked(1 if scanned else math.ceil(steps / _LOOKED_IN_A_CHAIN))

    def turns(edges: Steps) -> Steps:
        if scanned:
            return everywhere(edges)
        return np.concatenate([everywhere(edges), *(move.turns(edges) for move in moves)])

    def after(before: Rows, t: Steps) -> Rows:
        for move in moves:
            before = move.after(before, t)
        return before

    along_: Callable[[Rows, Steps], Rows]
    if setting is not None:

        def set_along(start: Rows, t: Steps) -> Rows:
            found = moves[setting].along(start, t)
            for move in moves[setting + 1 :]:
                found = move.after(found, np.maximum(t, 1))
            return np.where(t == 0, start, found)

        along_ = set_along
    elif multiplies:

        def multiplied(start: Rows, t: Steps) -> Rows:
            for move in moves:
                assert move.product is not None
                start = start * move.product(t)
            return start

        along_ = multiplied
    else:
        along_ = _scanned(moves, first, steps)
    momenta = next((move.momenta for move in reversed(moves) if move.momenta is not None), None)
    return _Move(along_, after, turns, setting is not None, momenta)


def _scanned(moves: Sequence[_Move], first: Rows, steps: int) -> Callable[[Rows, Steps], Rows]:
    """Return the rates of a chain of which each step is a line, ``a * rate + b``, in the last one.

    The steps stand in as many rows as columns, one column after the other: the lines of all columns
    are joined row by row, and the columns then one after the other.
    """
    kept: list[Rows] = []
    side = math.isqrt(max(steps - 2, 0)) + 1

    def along_(_: Rows, t: Steps) -> Rows:
        if not kept:
            found = _quiet(_all_steps)(moves, first, side)
            in_order = found.transpose(0, 2, 1).reshape(len(first), -1)
            kept.append(np.concatenate([first, in_order[:, : steps - 1]], axis=1))
        return kept[0] if len(t) == steps else kept[0][:, t]

    return along_


def _all_steps(moves: Sequence[_Move], first: Rows, side: int) -> Rows:
    """Return the rates ``(groups, side, side)`` at steps ``1 + row + side * column``."""
    slope, shift = np.ones((1, side, side)), np.zeros((len(first), side, side))
    at: Steps | None = None
    for move in moves:
        if move.line is not None:
            times, plus = move.line(side)
            slope *= times
            shift *= times
            shift += plus
            continue
        if at is None:
            at = (1 + np.arange(side)[:, None] + side * np.arange(side)).ravel()
        factor = move.after(np.ones((1, 1)), at).reshape(-1, side, side)
        # A formula for each group has its own.
        slope = slope * factor
        shift *= factor
    for index in range(1, side):
        shift[:, index] += slope[:, index] * shift[:, index - 1]
        slope[:, index] *= slope[:, index - 1]
    starts = np.empty((len(first), 1, side))
    now = first[:, 0]
    for index in range(side):
        starts[:, 0, index] = now
        now = slope[:, -1, index] * now + shift[:, -1, index]
    shift += slope * starts
    return shift
