"""At the length of real training a schedule's rates are those that torch's own steps lead to."""

import os
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import Schedulers
from explainers.optimizers.schedulers.formula import along, formula
from explainers.optimizers.schedulers.scale import MOST_STEPS, Far, _products
from explainers.optimizers.schedulers.tracing import make
from explainers.optimizers.schedulers.view import STEPPED
from figures.optimizers import schedulers as figures
from tests.clock import milliseconds
from tests.sentences import EXAMPLES

LONG = bool(os.environ.get("TORCH_LOUPE_LONG"))
STEPS = 1_000_000 if LONG else 4000
RATES = (0.1, 0.02)
S = STEPS

# Arguments that bring out every turn within a run; the drift is a share of the rate.
CALLS = [
    'LambdaLR(lr_lambda="1/(epoch+1)")',
    'LambdaLR(lr_lambda=["0.999**epoch", "cos(epoch)**2"])',
    'MultiplicativeLR(lr_lambda="epoch/(epoch+1)")',
    f'MultiplicativeLR(lr_lambda="{1 - 3 / S}")',
    f"StepLR(step_size={S // 5}, gamma=0.3)",
    f"StepLR(step_size=3, gamma={1 - 9 / S})",
    f"MultiStepLR(milestones=[30, 30, {S // 2}])",
    f"ConstantLR(total_iters={S // 9})",
    f"LinearLR(start_factor=1e-10, total_iters={S // 2})",
    f"LinearLR(start_factor=1.0, end_factor=0.0, total_iters={S - 9})",
    f"ExponentialLR(gamma={1 - 7 / S})",
    "ExponentialLR(gamma=1.01)",
    f"PolynomialLR(total_iters={S - 9}, power=0.9)",
    f"CosineAnnealingLR(T_max={S})",
    f"CosineAnnealingLR(T_max={2 * S // 5}, eta_min=0.001)",
    "CosineAnnealingLR(T_max=7, eta_min=0.01)",
    "CosineAnnealingLR(T_max=1, eta_min=0.01)",
    f"CosineAnnealingLR(T_max={S // 3}, eta_min=9)",
    "CosineAnnealingWarmRestarts(T_0=100)",
    "CosineAnnealingWarmRestarts(T_0=3, T_mult=2, eta_min=0.001)",
    "CyclicLR(max_lr=1.0)",
    'CyclicLR(max_lr=1.0, step_size_up=7, step_size_down=30, mode="exp_range", gamma=0.9999)',
    f'CyclicLR(max_lr=0.01, step_size_up={S // 99}, mode="triangular2")',
    'CyclicLR(max_lr=0.4, step_size_up=20, scale_fn="1/x")',
    "OneCycleLR(max_lr=0.5)",
    'OneCycleLR(max_lr=0.5, three_phase=True, anneal_strategy="linear")',
    f"SequentialLR(LinearLR(start_factor=0.1, total_iters={S // 9}), "
    f"CosineAnnealingLR(T_max={S - S // 9}), milestones=[{S // 9}])",
    "SequentialLR(ConstantLR(factor=0.1), OneCycleLR(max_lr=0.2), ExponentialLR(gamma=0.999), "
    "milestones=[500, 3000])",
    "SequentialLR(CosineAnnealingWarmRestarts(T_0=77), CosineAnnealingWarmRestarts(T_0=5), "
    f'MultiplicativeLR(lr_lambda="{1 - 3 / S}"), milestones=[500, 1600])',
    "SequentialLR(CyclicLR(max_lr=0.2, step_size_up=50), StepLR(step_size=100, gamma=0.9), "
    'LambdaLR(lr_lambda="cos(epoch)**2"), milestones=[500, 2600])',
    "SequentialLR(StepLR(step_size=3), CyclicLR(max_lr=0.2, step_size_up=50), "
    "ExponentialLR(gamma=0.9), LinearLR(total_iters=300), milestones=[0, 900, 900])",
    f"ChainedScheduler(CyclicLR(max_lr=0.2, step_size_up=7), ExponentialLR(gamma={1 + 3 / S}))",
    'ChainedScheduler(MultiplicativeLR(lr_lambda=["0.9999", "1 - 1/(epoch+9)**2"]), '
    "CosineAnnealingLR(T_max=900), MultiStepLR(milestones=[0, 700, 700, 2000], gamma=0.5), "
    "PolynomialLR(total_iters=3000, power=0.5), StepLR(step_size=1000, gamma=2))",
    f"ChainedScheduler(LinearLR(total_iters=2000), ExponentialLR(gamma={1 - 7 / S}))",
    f"ChainedScheduler(LinearLR(total_iters=2000), CosineAnnealingLR(T_max={S}))",
    'ChainedScheduler(StepLR(step_size=7, gamma=0.5), LambdaLR(lr_lambda="0.99**epoch"), '
    "ConstantLR(total_iters=9))",
    "ChainedScheduler(LinearLR(total_iters=2000), CosineAnnealingLR(T_max=900, eta_min=0.01))",
]
"""A chain whose cosine turns keeps fewer digits: it is solved, not stepped, across each turn."""


def parts(schedule: topic.Schedule) -> Any:
    if schedule.children:
        return [(child.name, dict(child.arguments)) for child in schedule.children]
    return dict(schedule.arguments)


def stepped(schedule: topic.Schedule, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every rate and momentum ``(steps, groups)`` of a loop over torch's own step()."""
    made = make(
        schedule.name,
        parts(schedule),
        steps=steps,
        base_lr=RATES,
        milestones=schedule.milestones,
    )
    groups, rates, momenta = made.optimizer.param_groups, [], []
    for step in range(steps):
        if step:
            made.scheduler.step()
        rates.append([group["lr"] for group in groups])
        momenta.append([group["momentum"] for group in groups])
    return np.array(rates), np.array(momenta)


def drift(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference as a share of the rate, or of what rounding leaves of 0."""
    held = np.isfinite(expected)
    assert np.array_equal(held, np.isfinite(found))
    found, expected = found[held], expected[held]
    least = 1e-13 * expected.max()
    return float((np.abs(found - expected) / (np.abs(expected) + least)).max())


@pytest.mark.parametrize("call", CALLS)
def test_the_rates_of_a_long_run_are_those_of_really_stepping(call: str) -> None:
    schedule = topic.read(call)
    far = Far(schedule, STEPS, RATES, "SGD")
    every = np.arange(STEPS)
    rates, momenta = stepped(schedule, STEPS)
    found = far.rates(every)
    assert drift(found.T, rates) < 1e-8
    moved = far.momenta(every)
    if moved is not None:
        np.testing.assert_allclose(moved.T, momenta, rtol=1e-12, atol=1e-13)
    # Nothing between two steps drawn is lower or higher than the two, or those beside them.
    at = far.chosen()
    top = rates[np.isfinite(rates)].max()
    for start, end in zip(far.grid()[:-1].tolist(), far.grid()[1:].tolist(), strict=True):
        drawn = rates[at[(at >= start) & (at <= end)]]
        inside = rates[start : end + 1]
        if far.apart == 1 and np.isfinite(inside).all():
            assert (drawn.max(axis=0) >= inside.max(axis=0) - 1e-9 * top).all()
            assert (drawn.min(axis=0) <= inside.min(axis=0) + 1e-9 * top).all()


@pytest.mark.skipif(LONG, reason="the test above steps a million")
@pytest.mark.parametrize(
    ("call", "most"),
    [
        ("ExponentialLR(gamma=0.9997)", 1e-12),
        ("CosineAnnealingLR(T_max=20000)", 1e-11),
        ("CosineAnnealingLR(T_max=9000, eta_min=0.001)", 1e-9),
    ],
)
def test_after_20000_real_steps_the_rates_are_still_those(call: str, most: float) -> None:
    schedule = topic.read(call)
    rates, _ = stepped(schedule, 20_000)
    assert drift(Far(schedule, 20_000, RATES, "SGD").rates(np.arange(20_000)).T, rates) < most


def test_past_t_max_torch_strays_from_the_documented_cosine_and_the_page_with_it() -> None:
    call = "CosineAnnealingLR(T_max=300000, eta_min=0.01)"
    check = topic.view_checks(topic.explain(Schedulers(schedule=call, steps=900_000)))[0]
    assert check.holds
    # Thousands of times what the way down has.
    assert check.error > 1e-9
    down = topic.view_checks(topic.explain(Schedulers(schedule=call, steps=300_000)))[0]
    assert down.error < 1e-12
    assert "Past T_max torch starts from 1 - cos(pi / T_max)" in check.remark


CHEAP = [call for call in CALLS if "ChainedScheduler" not in call]


PRODUCTS = ['MultiplicativeLR(lr_lambda="epoch/(epoch+1)")',
    'MultiplicativeLR(lr_lambda="1 - 0.001*cos(epoch)**2")',
    'MultiplicativeLR(lr_lambda="0.999**epoch")',
    'ChainedScheduler(LinearLR(), LambdaLR(lr_lambda="cos(epoch)**2"))',
    "ChainedScheduler(LinearLR(total_iters=2000), CosineAnnealingLR(T_max=900))",
    "ChainedScheduler(LinearLR(total_iters=2000), CosineAnnealingLR(T_max=300000, eta_min=0.01))",
]  # fmt: skip


@pytest.mark.parametrize("call", PRODUCTS)
def test_what_is_made_of_a_million_factors_takes_less_than_80_ms(call: str) -> None:
    schedule = topic.read(call)

    def work() -> None:
        _products.cache_clear()
        far = Far(schedule, MOST_STEPS, (0.1,), "SGD")
        far.rates(far.chosen())

    assert milliseconds(work, limit=80) < 80


def test_a_product_too_dear_to_be_made_is_refused_with_the_steps_that_are_not() -> None:
    dear = "1 - 1e-9*sin(epoch)*cos(epoch)*tanh(epoch)*exp(-epoch)*log(epoch+9)*sin(epoch+1)"
    call = f'MultiplicativeLR(lr_lambda="{dear}")'
    view = topic.explain(Schedulers(schedule=call, steps=MOST_STEPS))
    said = re.search(r"steps must be at most (\d+) \(each rate of MultiplicativeLR", view.problem)
    assert said
    assert f"got {MOST_STEPS}" in view.problem
    most = int(said[1])
    assert topic.explain(Schedulers(schedule=call, steps=most)).problem == ""
    assert topic.explain(Schedulers(schedule=call, steps=most + 9)).problem != ""
    # Its turn alone counts.
    late = f"SequentialLR(StepLR(step_size=9), {call}, milestones=[{MOST_STEPS - most}])"
    assert topic.explain(Schedulers(schedule=late, steps=MOST_STEPS)).problem == ""


@pytest.mark.parametrize("call", ["CosineAnnealingLR(T_max=1000000)", "CyclicLR(max_lr=0.3)",
    "ExponentialLR(gamma=0.99999)", "StepLR(step_size=30000)", "OneCycleLR(max_lr=0.5)",
    "SequentialLR(LinearLR(total_iters=10000), CosineAnnealingLR(T_max=990000), "
    "milestones=[10000])"])  # fmt: skip
def test_a_million_steps_take_less_than_40_ms(call: str) -> None:
    schedule = topic.read(call)

    def work() -> None:
        far = Far(schedule, MOST_STEPS, (0.1,), "SGD")
        at = far.chosen()
        far.rates(at)
        assert len(at) <= 1000

    assert milliseconds(work, limit=40) < 40


def test_a_saw_tooth_of_many_cycles_is_drawn_from_its_bottom_to_its_top() -> None:
    view = topic.explain(Schedulers(schedule="CosineAnnealingWarmRestarts(T_0=100)", steps=10**6))
    (drawn,) = figures.see(view)
    line = drawn.lines[0]
    assert line.x is not None
    assert line.x.tolist() == view.at.tolist()
    low = 0.1 * (1 + np.cos(np.pi * 99 / 100)) / 2
    for column in range(20):
        inside = (line.x >= column * 50_000) & (line.x < (column + 1) * 50_000)
        assert float(line.y[inside].max()) == 0.1
        assert float(line.y[inside].min()) == pytest.approx(low)
    assert "750" not in view.drawn or len(view.at) == 750
    assert f"{len(view.at):,} of 1,000,000 steps are drawn" in view.drawn


def test_kept_schedules_are_drawn_at_the_same_steps_each_with_its_own_rate() -> None:
    kept = "; ".join(f"CosineAnnealingLR(T_max={10**5 * each})" for each in range(1, 13))
    view = topic.explain(Schedulers(schedule="CyclicLR(max_lr=0.3)", kept=kept, steps=10**6))
    assert len(view.entries) == 13
    for entry in view.entries:
        assert entry.trace is not None
        assert torch.equal(entry.trace.at, view.at)
    half = view.entries[3].trace
    assert half is not None
    expected = 0.05 * (1 + torch.cos(torch.pi * half.at.double() / 300_000))
    assert float((half.learning_rate[0] - expected).abs().max()) < 1e-6


def test_a_rate_that_leaves_float64_is_drawn_up_to_there_and_the_step_is_named() -> None:
    view = topic.explain(Schedulers(schedule='MultiplicativeLR(lr_lambda="2")', steps=2000))
    assert view.problem == ""
    rates = [0.1]
    while np.isfinite(rates[-1]):
        rates.append(rates[-1] * 2.0)
    first = len(rates) - 1
    assert f"It leaves float64, which ends at 1.8e308, at step {first}." in view.sentence
    too_large = next(step for step, rate in enumerate(rates) if rate > 1e38)
    assert f"above 1e+38, first at step {too_large}: too large to draw" in view.sentence
    (drawn,) = figures.see(view)
    shown = drawn.lines[0].y.isfinite()
    assert view.at[shown].max() == too_large - 1
    assert all(check.holds for check in topic.view_checks(view))
    short = topic.explain(Schedulers(schedule='MultiplicativeLR(lr_lambda="9")', steps=STEPPED))
    assert "It leaves float64, which ends at 1.8e308, at step 325." in short.sentence
    assert all(check.holds for check in topic.view_checks(short))


REFUSED = [
    ("ReduceLROnPlateau()", f"steps must be at most {STEPPED} (each rate follows from every loss"),
    ('LambdaLR(lr_lambda="1 - epoch/5000")', "must be finite and not negative, got -2e-05 at step"),
    ('LambdaLR(lr_lambda="1/(epoch - 70000)**2")', "a division by zero at epoch 70000"),
    ("ConstantLR(factor=0)", "compute every rate, got ZeroDivisionError"),
    ('CyclicLR(max_lr=1, step_size_up=10, mode="triangular2")', "from step 20480 on"),
    ("OneCycleLR(max_lr=0.1, total_steps=50)", "total_steps must be at least steps, 100000"),
]


@pytest.mark.parametrize(("call", "reason"), REFUSED)
def test_what_a_long_run_cannot_be_gets_its_sentence_and_keeps_the_others(
    call: str, reason: str
) -> None:
    view = topic.explain(Schedulers(schedule=call, kept="StepLR(step_size=30)", steps=100_000))
    assert reason in view.problem
    assert topic.view_checks(view) == ()
    assert [str(entry.schedule) for entry in view.entries] == ["StepLR(step_size=30)"]


def test_training_passes_the_whole_of_a_long_schedule_in_as_many_steps_as_before() -> None:
    view = topic.explain(Schedulers(schedule="CosineAnnealingLR(T_max=100000)", steps=100_000))
    paced = topic.paced(view)
    assert len(paced.at) == STEPPED
    assert paced.at[[0, -1]].tolist() == [0, 99_999]
    assert "1,000 steps are trained, not 100,000" in view.pace
    assert re.search(r"steps 100\.1 apart", view.pace)
    *_, last = topic.train(topic.usable(paced.current.trace.learning_rate[0]))
    assert last.finished


FORMULAS = ["0.95**epoch", "1/(epoch-5)", "where(epoch>0,1/epoch,1)", "epoch%7//2", "log(epoch)",
    "1 if epoch<5 or 3 else 2", "not epoch", "0 < epoch < 10", "sqrt(epoch-5)", "exp(epoch*10)",
    "-epoch**0.5", "(epoch-5)**0.5", "(epoch-5)**2", "(epoch-5)**-1", "log(epoch-5)**0",
    "1**log(epoch-5)", "log(epoch-5)**(epoch-epoch)", "epoch**-1",
    "epoch and 1/epoch", "min(1, epoch/9)", "2",
    "max(floor(epoch/3), ceil(epoch/4), abs(epoch-9))", "2.0**(epoch*9)"]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_at_many_steps_at_once_is_the_formula_at_each(text: str) -> None:
    one, many = formula(text), along(text)(np.arange(200))
    for step, value in enumerate(many.tolist()):
        try:
            assert value == pytest.approx(one(step), rel=1e-14)
        except ValueError:
            assert np.isnan(value)


@given(
    st.sampled_from(
        [
            "StepLR(step_size={})",
            "CosineAnnealingLR(T_max={})",
            "CosineAnnealingWarmRestarts(T_0={})",
            "CyclicLR(max_lr=0.3, step_size_up={})",
            "LinearLR(total_iters={})",
            "PolynomialLR(total_iters={}, power=0.5)",
        ]
    ),
    st.floats(0, 6),
    st.floats(3.01, 6),
)
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_at_any_length_torchs_own_step_makes_the_rates_shown(
    call: str, size: float, steps: float
) -> None:
    view = topic.explain(Schedulers(schedule=call.format(int(10**size)), steps=int(10**steps)))
    assert view.problem == ""
    assert all(check.holds for check in topic.view_checks(view)), view.parameters
    assert len(view.at) <= 1100
