"""State every schedule in closed form, and the plateau as a loop, in numpy float64 alone.

Each function takes the number of steps, or the steps themselves ``(k,)``, the rate given to the
optimizer and the scheduler's arguments, and returns the rate of every step, ``(steps,)`` or
``(k,)``. They share no code with torch.
"""

import ast
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
Factor = str | Callable[[int], float]
Steps = int | NDArray[np.int64]


def values(factor: Factor, at: Sequence[int], *, variable: str = "epoch") -> Curve:
    """Return what a formula or a callable gives at each of `at`, as float64 of the same length.

    A formula is computed here, by Python's own operators and `math`, and not by what gives it to
    torch: the two would share their errors.
    """
    if not isinstance(factor, str):
        return np.array([factor(epoch) for epoch in at], dtype=np.float64)
    tree = ast.parse(factor.strip(), mode="eval").body
    return np.array([_computed(tree, {variable: float(t)}) for t in at], dtype=np.float64)


_TWO: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ONE: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_BUILTIN: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}


def _computed(node: ast.expr, names: dict[str, float]) -> Any:
    """Return the value of arithmetic in floats. Raises TypeError for anything else."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return names[name] if name in names else {"pi": math.pi, "e": math.e}[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _TWO[type(op)](_computed(left, names), _computed(right, names))
        case ast.UnaryOp(op=op, operand=operand):
            value = _computed(operand, names)
            return _ONE[type(op)](value)
        case ast.BoolOp(op=op, values=[first, *others]):
            value = _computed(first, names)
            for other in others:
                if bool(value) == isinstance(op, ast.Or):
                    break
                value = _computed(other, names)
            return value
        case ast.Compare(left=left, ops=ops, comparators=others):
            value = _computed(left, names)
            for sign, other in zip(ops, others, strict=True):
                right = _computed(other, names)
                if not _TWO[type(sign)](value, right):
                    return False
                value = right
            return True
        case (
            ast.IfExp(test=test, body=body, orelse=orelse)
            | ast.Call(func=ast.Name(id="where"), args=[test, body, orelse])
        ):
            return _computed(body if _computed(test, names) else orelse, names)
        case ast.Call(func=ast.Name(id=name), args=given):
            function = _BUILTIN.get(name) or getattr(math, name)
            return function(*(_computed(each, names) for each in given))
    raise TypeError(ast.dump(node))


def lambda_lr(steps: Steps, base_lr: float, *, lr_lambda: Factor) -> Curve:
    """Return ``base_lr * lr_lambda(t)``."""
    return base_lr * values(lr_lambda, _at(steps).tolist())


def multiplicative_lr(steps: Steps, base_lr: float, *, lr_lambda: Factor) -> Curve:
    """Return ``base_lr * lr_lambda(1) * ... * lr_lambda(t)``: the factor at 0 is never asked."""
    at = _at(steps)
    factors = values(lr_lambda, range(1, int(at.max(initial=0)) + 1))
    curve: Curve = base_lr * np.cumprod([1.0, *factors])[at]
    return curve


def step_lr(steps: Steps, base_lr: float, *, step_size: int, gamma: float) -> Curve:
    """Return ``base_lr * gamma ** (t // step_size)``."""
    return _power(base_lr, gamma, _at(steps) // step_size)


def multi_step_lr(
    steps: Steps, base_lr: float, *, milestones: Sequence[int], gamma: float
) -> Curve:
    """Return ``base_lr * gamma ** (how many milestones are at or before t)``."""
    passed = (np.asarray(milestones, dtype=int)[:, None] <= _at(steps)).sum(axis=0)
    return _power(base_lr, gamma, passed)


def constant_lr(steps: Steps, base_lr: float, *, factor: float, total_iters: int) -> Curve:
    """Return ``base_lr * factor`` before `total_iters`, `base_lr` from there on."""
    return base_lr * np.where(_at(steps) < total_iters, factor, 1.0)


def linear_lr(
    steps: int, base_lr: float, *, start_factor: float, end_factor: float, total_iters: int
) -> Curve:
    """Return `base_lr` times a line from `start_factor` at 0 to `end_factor` at `total_iters`."""
    return base_lr * np.interp(_at(steps), [0, total_iters], [start_factor, end_factor])


def exponential_lr(steps: Steps, base_lr: float, *, gamma: float) -> Curve:
    """Return ``base_lr * gamma ** t``."""
    return _power(base_lr, gamma, _at(steps))


def polynomial_lr(steps: Steps, base_lr: float, *, total_iters: int, power: float) -> Curve:
    """Return ``base_lr * (1 - t / total_iters) ** power``, and its end value after that."""
    done = np.minimum(_at(steps), total_iters) / total_iters
    return base_lr * np.power(1 - done, power)


def cosine_annealing_lr(steps: Steps, base_lr: float, *, T_max: int, eta_min: float) -> Curve:
    """Return the half cosine from `base_lr` at 0 to `eta_min` at `T_max`, and on along it."""
    return _cosine(base_lr, eta_min, _at(steps) / T_max)


def cosine_annealing_warm_restarts(
    steps: int, base_lr: float, *, T_0: int, T_mult: int, eta_min: float
) -> Curve:
    """Return half cosines of length ``T_0 * T_mult ** i``, each starting at `base_lr`."""
    t = _at(steps)
    starts, lengths = [0], [T_0]
    while starts[-1] + lengths[-1] <= int(t.max(initial=0)):
        starts.append(starts[-1] + lengths[-1])
        lengths.append(lengths[-1] * T_mult)
    cycle = np.searchsorted(starts, t, side="right") - 1
    return _cosine(base_lr, eta_min, (t - np.array(starts)[cycle]) / np.array(lengths)[cycle])


def cyclic_lr(steps: Steps, base_lr: float, *, max_lr: float, **arguments: Any) -> Curve:
    """Return the triangle wave from `base_lr` up to `max_lr` and back, as high as `mode` says."""
    return base_lr + (max_lr - base_lr) * _triangle(steps, **arguments)


def cyclic_momentum(
    steps: int, *, base_momentum: float, max_momentum: float, max_lr: float, **arguments: Any
) -> Curve:
    """Return the momentum of CyclicLR: the same wave, upside down."""
    return max_momentum - (max_momentum - base_momentum) * _triangle(steps, **arguments)


def one_cycle_lr(
    steps: Steps,
    base_lr: float,
    *,
    max_lr: float,
    div_factor: float,
    final_div_factor: float,
    three_phase: bool,
    **arguments: Any,
) -> Curve:
    """Return the way from ``max_lr / div_factor`` up to `max_lr` and down; `base_lr` plays no part.

    The bottom is ``max_lr / div_factor / final_div_factor``.
    """
    initial = max_lr / div_factor
    stops = [initial, max_lr, *([initial] if three_phase else []), initial / final_div_factor]
    return _one_cycle(steps, stops, three_phase=three_phase, **arguments)


def one_cycle_momentum(
    steps: Steps,
    *,
    base_momentum: float,
    max_momentum: float,
    three_phase: bool,
    **arguments: Any,
) -> Curve:
    """Return the momentum of OneCycleLR: down while the rate goes up, and back."""
    stops = [max_momentum, base_momentum, max_momentum, *([max_momentum] if three_phase else [])]
    return _one_cycle(steps, stops, three_phase=three_phase, **arguments)


def reduce_on_plateau(
    losses: Sequence[float],
    base_lr: float,
    *,
    mode: str,
    factor: float,
    patience: int,
    threshold: float,
    threshold_mode: str,
    cooldown: int,
    min_lr: float,
    eps: float,
) -> Curve:
    """Return the rate after each loss, by the rules that the documentation states."""
    sign = 1.0 if mode == "min" else -1.0
    best, bad, resting, rate = sign * np.inf, 0, 0, base_lr
    rates = []
    for loss in losses:
        # In mode "max" the threshold is added to the best, in mode "min" it is taken off.
        relative = threshold_mode == "rel"
        wanted = best * (1 - sign * threshold) if relative else best - sign * threshold
        if sign * loss < sign * wanted:
            best, bad = loss, 0
        else:
            bad += 1
        if resting:
            resting, bad = resting - 1, 0
        if bad > patience:
            lowered = max(rate * factor, min_lr)
            rate = lowered if rate - lowered > eps else rate
            resting, bad = cooldown, 0
        rates.append(rate)
    return np.array(rates, dtype=np.float64)


def _at(steps: Steps) -> NDArray[np.int64]:
    return np.arange(steps) if isinstance(steps, int) else steps


def _power(base_lr: float, factor: float, times: NDArray[Any]) -> Curve:
    curve: Curve = base_lr * np.power(np.float64(factor), times.astype(np.float64))
    return curve


def _cosine(top: float | Curve, bottom: float | Curve, way: NDArray[Any]) -> Curve:
    curve: Curve = bottom + (top - bottom) * (1 + np.cos(np.pi * way)) / 2
    return curve


def _triangle(
    steps: Steps,
    *,
    step_size_up: int,
    step_size_down: int | None,
    mode: str,
    gamma: float,
    scale_fn: Factor | None,
    scale_mode: str,
    **_: Any,
) -> Curve:
    """Return the wave between 0 and 1 that both the rate and the momentum of CyclicLR follow."""
    down = step_size_up if step_size_down is None else step_size_down
    t = _at(steps)
    cycle, within = np.divmod(t, step_size_up + down)
    wave = np.interp(within, [0, step_size_up, step_size_up + down], [0.0, 1.0, 0.0])
    if scale_fn is not None:
        at = cycle + 1 if scale_mode == "cycle" else t
        height = values(scale_fn, at.tolist(), variable="x")
    elif mode == "triangular2":
        height = _power(1.0, 0.5, cycle)
    elif mode == "exp_range":
        height = _power(1.0, gamma, t)
    else:
        height = np.ones(len(t))
    return wave * height


def _one_cycle(
    steps: Steps,
    stops: list[float],
    *,
    total_steps: int | None,
    epochs: int | None,
    steps_per_epoch: int | None,
    pct_start: float,
    anneal_strategy: str,
    three_phase: bool,
    **_: Any,
) -> Curve:
    """Return the way through `stops`, in straight lines or half cosines."""
    if total_steps is None:
        total_steps = epochs * steps_per_epoch if epochs and steps_per_epoch else len(_at(steps))
    peak = pct_start * total_steps - 1
    knots = [0.0, peak, *([2 * peak] if three_phase else []), total_steps - 1.0]
    # A peak before step 0 leaves out the way up; a valley after the end leaves out the last phase.
    while len(knots) > 2 and knots[1] < 0:
        knots, stops = knots[1:], stops[1:]
    if knots[-1] <= knots[-2]:
        knots, stops = knots[:-1], stops[:-1]
    t = _at(steps)
    if anneal_strategy == "linear":
        return np.interp(t, knots, stops)
    phase: NDArray[Any] = np.clip(np.searchsorted(knots, t, side="left") - 1, 0, len(knots) - 2)
    start, end = np.array(knots)[phase], np.array(knots)[phase + 1]
    top, bottom = np.array(stops)[phase], np.array(stops)[phase + 1]
    way = (t - start) / (end - start)
    return _cosine(top, bottom, way)
