"""What the page says of a schedule is so at any setting, not only at the presets."""

import math
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import Schedulers
from figures.optimizers import schedulers as figures
from tests.sentences import EXAMPLES, legal

CALLS = st.one_of(
    st.builds("StepLR(step_size={}, gamma={})".format, st.integers(1, 99), st.floats(0, 2)),
    st.builds("ExponentialLR(gamma={})".format, st.floats(0, 2)),
    st.builds(
        "PolynomialLR(total_iters={}, power={})".format, st.integers(1, 200), st.floats(0, 10)
    ),
    st.builds(
        "CosineAnnealingLR(T_max={}, eta_min={})".format, st.integers(1, 99), st.floats(0, 9)
    ),
    st.builds(
        "CosineAnnealingWarmRestarts(T_0={}, eta_min={})".format,
        st.integers(1, 99),
        st.floats(0, 9),
    ),
    st.builds(
        "OneCycleLR(max_lr={}, final_div_factor={})".format,
        st.floats(0.001, 10),
        st.floats(0.001, 1e4),
    ),
    st.builds(
        'CyclicLR(max_lr={}, step_size_up={}, mode="{}")'.format,
        st.floats(0, 10),
        st.integers(1, 50),
        st.sampled_from(["triangular", "triangular2", "exp_range"]),
    ),
)


def torchs(parameters: Schedulers) -> list[float]:
    """Return the first group's rates, from torch's own classes and no code of the page's."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=parameters.base_lr, momentum=0.9)
    name, _, rest = parameters.schedule.partition("(")
    found: dict[str, Any] = {}
    for key, value in re.findall(r"(\w+)=([^,()]+)", rest):
        found[key] = value.strip('"') if value.startswith('"') else float(value)
        if found[key] == value or not isinstance(found[key], float):
            continue
        if re.fullmatch(r"\d+", value):
            found[key] = int(value)
    if name == "CyclicLR":
        found["base_lr"] = parameters.base_lr
    if name == "OneCycleLR":
        found["total_steps"] = parameters.steps
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **found)
    optimizer.step()
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(parameters.steps - 1):
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return [max(rate, 0.0) for rate in rates]


@given(
    legal(
        Schedulers,
        schedule=CALLS,
        kept=st.just(""),
        steps=st.integers(10, 200),
        optimizer=st.just("SGD"),
    )
)
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_the_sentence_names_rates_that_torch_gave_and_the_extremes_are_extremes(
    parameters: Schedulers,
) -> None:
    view = topic.explain(parameters)
    if view.problem:
        return
    rates = torchs(parameters)
    for number, step, extreme in re.findall(
        r"([-+.\de]+) at step (\d+)(?: \((\w+)\))?", view.sentence.partition(". The rate is")[0]
    ):
        assert float(number) == pytest.approx(rates[int(step)], rel=1e-3, abs=1e-15)
        if extreme == "lowest":
            assert rates[int(step)] <= min(rates) + 1e-9 * max(rates)
        if extreme == "highest":
            assert rates[int(step)] >= max(rates) * (1 - 1e-9)
    if "(lowest)" not in view.sentence:
        assert min(rates) >= min(rates[0], rates[-1]) * (1 - 1e-8)
    if "(highest)" not in view.sentence:
        assert max(rates) <= max(rates[0], rates[-1]) * (1 + 1e-8)


@given(
    legal(Schedulers, schedule=CALLS, kept=st.just(""), optimizer=st.just("SGD")),
)
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_every_setting_is_drawn_and_a_rate_too_large_is_a_gap_with_its_count(
    parameters: Schedulers,
) -> None:
    view = topic.explain(parameters)
    if view.current.trace is None:
        return
    (drawn,) = figures.see(view)
    beyond = sum(value > 1e38 for value in view.current.trace.learning_rate[0].tolist())
    assert int((~drawn.lines[0].y.isfinite()).sum()) == beyond
    if view.is_long:
        # Of chosen steps, their count says nothing.
        assert ("The rate is above" in view.sentence) == (beyond > 0)
        return
    said = re.search(r"at (\d+) of (\d+) steps, first", view.sentence)
    assert (int(said[1]) if said else 0) == beyond


def test_the_range_test_runs_on_where_rates_leave_the_picture() -> None:
    view = topic.explain(Schedulers(schedule="ExponentialLR(gamma=1.1)", steps=1000))
    assert view.problem == ""
    first = next(t for t in range(1000) if 0.1 * 1.1**t > 1e38)
    assert f"at {1000 - first} of 1000 steps, first at step {first}" in view.sentence
    (drawn,) = figures.see(view)
    assert bool(drawn.lines[0].y[:first].isfinite().all())
    assert bool(drawn.lines[0].y[first:].isinf().all())
    assert all(check.holds for check in topic.view_checks(view))


HELP = {
    "eta_min": {"CosineAnnealingLR": "Rate at T_max."},
    "T_max": {"CosineAnnealingLR": "Step where the rate is eta_min: half a period."},
}


@given(st.floats(0, 1), st.floats(0, 9), st.integers(1, 90))
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_at_t_max_the_rate_is_eta_min_be_it_the_lowest_or_not(
    base_lr: float, eta_min: float, half: int
) -> None:
    for argument, said in HELP.items():
        for name, help_text in said.items():
            assert topic.SCHEDULERS[name].arguments[argument].help == help_text
    call = f"CosineAnnealingLR(T_max={half}, eta_min={eta_min})"
    rates = torchs(Schedulers(schedule=call, base_lr=base_lr))
    assert rates[half] == pytest.approx(eta_min, rel=1e-9, abs=1e-12)


@given(st.floats(0.001, 1), st.floats(0, 10), st.integers(1, 90))
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_a_polynomial_ends_at_0_unless_its_power_is_0(
    base_lr: float, power: float, last: int
) -> None:
    spec = topic.SCHEDULERS["PolynomialLR"]
    assert spec.arguments["total_iters"].help == "Step where the rate is 0, if power is above 0."
    call = f"PolynomialLR(total_iters={last}, power={power})"
    rates = torchs(Schedulers(schedule=call, base_lr=base_lr))
    assert rates[last] == (0.0 if power > 0 else base_lr)
    at = last // 2
    share = (1 - at / last) ** power
    assert math.isclose(rates[at], base_lr * share, rel_tol=1e-9, abs_tol=1e-15)


@given(st.floats(0, 10), st.integers(1, 40), st.floats(0, 1))
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_a_full_cycle_reaches_max_lr_above_or_below_the_first_rate(
    max_lr: float, up: int, base_lr: float
) -> None:
    assert (
        topic.SCHEDULERS["CyclicLR"].arguments["max_lr"].help == "Rate that a full cycle reaches."
    )
    call = f"CyclicLR(max_lr={max_lr}, step_size_up={up})"
    rates = torchs(Schedulers(schedule=call, base_lr=base_lr))
    assert rates[up] == pytest.approx(max_lr, rel=1e-9, abs=1e-12)


def test_a_plateau_with_a_floor_for_each_group_is_shown_and_checked() -> None:
    parameters = Schedulers(
        schedule="ReduceLROnPlateau(patience=2, min_lr=[0.01, 0.001])", two_groups=True
    )
    view = topic.explain(parameters)
    assert view.current.trace is not None
    assert view.current.trace.learning_rate[:, -1].tolist() == pytest.approx([0.01, 0.001])
    assert all(check.holds for check in topic.view_checks(view))


def test_rates_that_are_all_too_large_leave_the_checks_that_need_none_drawn() -> None:
    view = topic.explain(Schedulers(schedule='LambdaLR(lr_lambda="1e39")', base_lr=1.0, steps=20))
    assert "at 20 of 20 steps, first at step 0" in view.sentence
    (drawn,) = figures.see(view)
    assert not bool(drawn.lines[0].y.isfinite().any())
    found = topic.view_checks(view)
    assert found
    assert all(check.holds for check in found)


def test_hugging_faces_form_differs_from_a_sequence_in_its_warm_up_alone() -> None:
    (preset,) = [preset for preset in topic.PRESETS if preset.name == "Warm up, then cosine"]
    view = topic.explain(preset.parameters)
    assert view.current.trace is not None
    one = view.kept[0].trace
    assert one is not None
    sequence, one_lambda = view.current.trace.learning_rate[0], one.learning_rate[0]
    assert one_lambda[0] == 0
    assert sequence[0] == pytest.approx(0.01)
    assert (sequence[:10] > one_lambda[:10]).all()
    assert torch.allclose(sequence[10:], one_lambda[10:], rtol=0, atol=1e-12)
