"""Every scheduler of torch follows its closed form, alone, composed, in groups and resumed."""

import ast
import dataclasses
import inspect
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from explainers.evidence import Verdict
from explainers.optimizers import schedulers
from explainers.optimizers.schedulers import SCHEDULERS, compose, plateau, trace, train
from explainers.optimizers.schedulers.checks import closed_form_error, momentum_error
from explainers.optimizers.schedulers.reference import reduce_on_plateau
from explainers.optimizers.schedulers.specs import Argument
from tests.clock import milliseconds

EVERY = pytest.mark.parametrize("name", list(SCHEDULERS))
CLOSED = pytest.mark.parametrize(
    "name", [name for name, spec in SCHEDULERS.items() if spec.closed_form is not None]
)
CASES = [
    pytest.param(name, arguments, id=f"{name}: {preset}")
    for name, spec in SCHEDULERS.items()
    for preset, arguments in spec.presets.items()
]
CYCLES_MOMENTUM = ("CyclicLR", "OneCycleLR")


def rates(name: str, steps: int, **arguments: Any) -> list[float]:
    """The rates of a scheduler alone, from 0.1."""
    values: list[float] = trace(name, steps=steps, **arguments).learning_rate[0].tolist()
    return values


def near(*values: float) -> Any:
    return pytest.approx(list(values), rel=1e-12, abs=1e-15)


# --- what is declared ---


def test_every_scheduler_of_torch_is_there_and_no_other() -> None:
    base_and_composers = {"LRScheduler", *schedulers.COMPOSERS}
    assert set(SCHEDULERS) == set(lr_scheduler.__all__) - base_and_composers


@EVERY
def test_arguments_and_defaults_are_torchs(name: str) -> None:
    spec = SCHEDULERS[name]
    signature = inspect.signature(getattr(lr_scheduler, name)).parameters
    elsewhere = {"optimizer", "last_epoch"} | ({"base_lr"} if name == "CyclicLR" else set())
    assert list(spec.arguments) == [each for each in signature if each not in elsewhere]
    for each, argument in spec.arguments.items():
        default = signature[each].default
        assert argument.required == (default is inspect.Parameter.empty), each
        if not argument.required:
            assert argument.default == default, each


@EVERY
def test_every_argument_says_what_it_does_and_keeps_its_own_rule(name: str) -> None:
    for each, argument in SCHEDULERS[name].arguments.items():
        assert argument.spec.label == each
        assert argument.help.endswith(".")
        assert argument.check(argument.default) == argument.default
        assert argument.optional == (argument.default is None)
        if argument.kind in {"number", "integer"}:
            assert argument.minimum is not None
            assert argument.maximum is not None
            assert argument.check(argument.minimum) == argument.minimum
            assert argument.check(argument.maximum) == argument.maximum


@EVERY
def test_a_value_survives_an_address(name: str) -> None:
    spec = SCHEDULERS[name]
    for arguments in spec.presets.values():
        for each, value in spec.check(arguments).items():
            if value is not None:
                field = spec.arguments[each].spec
                assert field.parse(field.spell(value)) == pytest.approx(value)


@EVERY
def test_a_scheduler_has_presets_that_differ_and_a_page_at_torch(name: str) -> None:
    spec = SCHEDULERS[name]
    assert spec.summary.endswith(".")
    assert spec.url.endswith(f".{name}.html")
    checked = [str(spec.check(arguments)) for arguments in spec.presets.values()]
    assert len(checked) >= 2
    assert len(set(checked)) == len(checked)


def test_nobody_can_change_the_declarations() -> None:
    with pytest.raises(TypeError):
        SCHEDULERS["Mine"] = SCHEDULERS["StepLR"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCHEDULERS["StepLR"].name = "Mine"  # type: ignore[misc]


# --- rates ---


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_every_preset_follows_its_closed_form(name: str, arguments: dict[str, Any]) -> None:
    spec = SCHEDULERS[name]
    if spec.closed_form is None:
        return
    for steps in (1, 2, 130):
        found = trace(name, steps=steps, **arguments)
        expected = spec.closed_form(steps, 0.1, **spec.check(arguments))
        assert found.learning_rate.shape == (1, steps)
        assert found.learning_rate.dtype == torch.float64
        np.testing.assert_allclose(found.learning_rate[0], expected, rtol=1e-10, atol=1e-13)
        if spec.momentum_form is not None and found.momentum is not None:
            momentum = spec.momentum_form(steps, **spec.check(arguments))
            np.testing.assert_allclose(found.momentum[0], momentum, rtol=1e-12, atol=1e-13)


def values_of(argument: Argument) -> st.SearchStrategy[Any]:
    """Values that the rule of an argument lets pass, small enough for a short run."""
    if argument.kind == "integer":
        assert argument.minimum is not None
        assert argument.maximum is not None
        return st.integers(int(argument.minimum), min(int(argument.maximum), 12))
    if argument.kind == "number":
        assert argument.minimum is not None
        assert argument.maximum is not None
        # torch divides by some: a subnormal number has no inverse in float64.
        return st.floats(argument.minimum, min(argument.maximum, 100.0), allow_subnormal=False)
    if argument.kind == "choice":
        return st.sampled_from(argument.options)
    if argument.kind == "flag":
        return st.booleans()
    if argument.kind == "milestones":
        return st.lists(st.integers(0, 45), max_size=6).map(sorted)
    return st.sampled_from(
        [
            f"1/({argument.spec.variable}+1)",  # type: ignore[union-attr]
            "0.9",
            f"cos({argument.spec.variable})**2",  # type: ignore[union-attr]
        ]
    )


def settings_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    arguments = {
        each: values_of(argument)
        for each, argument in SCHEDULERS[name].arguments.items()
        if each not in {"total_steps", "epochs", "steps_per_epoch"}
    }
    return st.fixed_dictionaries({}, optional=arguments)


@CLOSED
@given(data=st.data())
@settings(max_examples=40)
def test_any_arguments_follow_the_closed_form(name: str, data: st.DataObject) -> None:
    arguments = data.draw(settings_of(name))
    spec = SCHEDULERS[name]
    base_lr = data.draw(st.floats(0.0, 1.0))
    try:
        found = trace(name, steps=50, base_lr=base_lr, **arguments)
    except ValueError as error:
        # One value in a hundred makes torch divide by a phase of no length, or by a factor of 0.
        assert re.search("pct_start|ConstantLR.*(ZeroDivision|got nan)", str(error))  # noqa: PT017
        return
    expected = spec.closed_form(50, base_lr, **spec.check(arguments))  # type: ignore[misc]
    # The recursions lose digits where the rate comes near 0: near the end of a cosine above all.
    np.testing.assert_allclose(found.learning_rate[0], expected, rtol=1e-6, atol=1e-9)


def test_the_notes_table_of_ten_epochs_is_right_to_six_digits() -> None:
    table = "0.100000 0.050000 0.033333 0.025000 0.020000 0.016667 0.014286 0.012500 0.011111"
    found = [f"{rate:f}" for rate in rates("LambdaLR", 10, lr_lambda="1/(epoch+1)")]
    assert found == [*table.split(), "0.010000"]


def test_lambda_lr_takes_a_callable_and_one_for_each_group() -> None:
    assert rates("LambdaLR", 3, lr_lambda=lambda epoch: 1 / (epoch + 1)) == near(0.1, 0.05, 0.1 / 3)
    found = trace(
        "LambdaLR", steps=3, base_lr=[0.1, 1.0], lr_lambda=["0.5**epoch", lambda epoch: epoch]
    )
    assert found.learning_rate[0].tolist() == near(0.1, 0.05, 0.025)
    assert found.learning_rate[1].tolist() == near(0.0, 1.0, 2.0)


def test_multiplicative_lr_never_asks_for_epoch_0() -> None:
    asked: list[int] = []

    def factor(epoch: int) -> float:
        asked.append(epoch)
        return 0.5

    assert rates("MultiplicativeLR", 4, lr_lambda=factor) == near(0.1, 0.05, 0.025, 0.0125)
    assert asked == [1, 2, 3]
    assert rates("MultiplicativeLR", 3, lr_lambda="1/epoch") == near(0.1, 0.1, 0.05)


def test_step_lr_drops_when_step_size_steps_are_done() -> None:
    assert rates("StepLR", 5, step_size=2) == near(0.1, 0.1, 0.01, 0.01, 0.001)


def test_a_milestone_that_stands_twice_counts_twice() -> None:
    assert rates("MultiStepLR", 4, milestones=[1, 3, 3]) == near(0.1, 0.01, 0.01, 0.0001)
    assert rates("MultiStepLR", 2, milestones=[]) == near(0.1, 0.1)


def test_cosine_annealing_climbs_back_after_t_max_and_warm_restarts_jump() -> None:
    assert rates("CosineAnnealingLR", 21, T_max=10)[::5] == near(0.1, 0.05, 0.0, 0.05, 0.1)
    warm = rates("CosineAnnealingWarmRestarts", 12, T_0=10)
    assert warm[10] == 0.1
    assert warm[9] < 0.003


def test_warm_restarts_take_t_mult_times_as_long_each_time() -> None:
    warm = rates("CosineAnnealingWarmRestarts", 80, T_0=5, T_mult=2)
    assert [index for index, rate in enumerate(warm) if rate == 0.1] == [0, 5, 15, 35, 75]


def test_cyclic_lr_starts_from_base_lr_and_each_group_from_its_own() -> None:
    found = trace("CyclicLR", steps=5, base_lr=[0.1, 0.2], max_lr=[0.3, 1.0], step_size_up=2)
    assert found.learning_rate[0].tolist() == near(0.1, 0.2, 0.3, 0.2, 0.1)
    assert found.learning_rate[1].tolist() == near(0.2, 0.6, 1.0, 0.6, 0.2)


def test_one_cycle_overwrites_the_optimizers_rate() -> None:
    a, b = (rates("OneCycleLR", 50, base_lr=base_lr) for base_lr in (0.1, 7.0))
    assert a == b
    assert a[0] == pytest.approx(0.1 / 25)
    assert a[-1] == pytest.approx(0.1 / 25 / 1e4)
    assert max(a) == pytest.approx(0.1, rel=1e-2)


def test_one_cycle_may_be_longer_than_what_is_shown() -> None:
    assert rates("OneCycleLR", 20, total_steps=100) == rates("OneCycleLR", 100)[:20]
    assert rates("OneCycleLR", 20, epochs=10, steps_per_epoch=10) == rates("OneCycleLR", 100)[:20]


@pytest.mark.parametrize("optimizer", list(schedulers.OPTIMIZERS))
@EVERY
def test_the_rates_are_the_same_whatever_the_optimizer(name: str, optimizer: str) -> None:
    still = {"cycle_momentum": False} if name in CYCLES_MOMENTUM else {}
    assert rates(name, 30, optimizer=optimizer, **still) == rates(name, 30, **still)


@pytest.mark.parametrize("name", CYCLES_MOMENTUM)
def test_momentum_moves_against_the_rate_and_beta1_with_it(name: str) -> None:
    steps = {"step_size_up": 10} if name == "CyclicLR" else {}
    found = trace(name, steps=20, **steps)
    assert found.momentum is not None
    peak = int(found.learning_rate[0].argmax())
    assert found.momentum[0].argmin() == peak
    adam = trace(name, steps=20, optimizer="Adam", **steps)
    assert adam.momentum is not None
    assert torch.equal(adam.momentum, found.momentum)


@EVERY
def test_momentum_is_none_where_the_scheduler_leaves_it_alone(name: str) -> None:
    still = {"cycle_momentum": False} if name in CYCLES_MOMENTUM else {}
    assert trace(name, steps=5, **still).momentum is None


@EVERY
def test_torch_has_nothing_to_warn_of_and_the_trace_is_the_same_twice(name: str) -> None:
    a, b = trace(name, steps=40), trace(name, steps=40)
    assert a.warnings == ()
    assert torch.equal(a.learning_rate, b.learning_rate)
    assert torch.equal(a.active, torch.zeros(40, dtype=torch.int64))


@EVERY
def test_two_groups_are_two_schedules(name: str) -> None:
    together = trace(name, steps=30, base_lr=(0.1, 0.02)).learning_rate
    assert together.shape == (2, 30)
    for row, base_lr in zip(together, (0.1, 0.02), strict=True):
        assert torch.equal(row, trace(name, steps=30, base_lr=base_lr).learning_rate[0])


def test_a_cosine_still_holds_after_ten_thousand_steps() -> None:
    found = trace("CosineAnnealingLR", steps=10_000, T_max=7).learning_rate[0]
    t = torch.arange(10_000, dtype=torch.float64)
    expected = 0.1 * (1 + torch.cos(math.pi * t / 7)) / 2
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@EVERY
def test_a_thousand_steps_take_less_than_40_ms(name: str) -> None:
    work = partial(trace, name, steps=1000, base_lr=(0.1, 0.01))
    assert milliseconds(work, limit=40) < 40


def test_the_longest_formula_takes_less_than_60_ms() -> None:
    longest = "+".join(["cos(epoch)"] * 15)
    work = partial(trace, "LambdaLR", steps=1000, base_lr=[0.1] * 4, lr_lambda=f"abs({longest})")
    assert milliseconds(work, limit=60) < 60


# --- composers ---


def test_a_warm_up_then_a_cosine_is_both_end_to_end() -> None:
    found = compose(
        "SequentialLR",
        [
            ("LinearLR", {"start_factor": 0.1, "total_iters": 5}),
            ("CosineAnnealingLR", {"T_max": 10}),
        ],
        steps=15,
        milestones=[5],
    )
    pieces = rates("LinearLR", 5, start_factor=0.1, total_iters=5)
    pieces += rates("CosineAnnealingLR", 10, T_max=10)
    assert found.learning_rate[0].tolist() == near(*pieces)
    assert found.active.tolist() == [0] * 5 + [1] * 10


def test_a_sequence_asks_a_multiplicative_child_for_epoch_0() -> None:
    found = compose(
        "SequentialLR",
        [("ConstantLR", {"factor": 1.0}), ("MultiplicativeLR", {"lr_lambda": "epoch + 2"})],
        steps=5,
        milestones=[3],
    )
    assert found.learning_rate[0].tolist() == near(0.1, 0.1, 0.1, 0.2, 0.6)


def test_a_chain_multiplies() -> None:
    found = compose(
        "ChainedScheduler",
        [("ConstantLR", {"factor": 0.5, "total_iters": 2}), ("ExponentialLR", {"gamma": 0.1})],
        steps=4,
    )
    assert found.learning_rate[0].tolist() == near(0.05, 0.005, 0.001, 0.0001)
    assert found.active.tolist() == [-1] * 4


def test_a_chain_is_no_product_where_a_child_computes_from_the_first_rate() -> None:
    found = compose(
        "ChainedScheduler",
        [("ExponentialLR", {"gamma": 0.1}), ("LambdaLR", {"lr_lambda": "0.5**epoch"})],
        steps=4,
    )
    assert found.learning_rate[0].tolist() == near(0.1, 0.05, 0.025, 0.0125)


def test_one_cycle_in_a_sequence_is_as_long_as_its_turn() -> None:
    found = compose(
        "SequentialLR",
        [("OneCycleLR", {"max_lr": 0.1}), ("ConstantLR", {"factor": 1.0})],
        steps=40,
        milestones=[30],
        base_lr=[0.1, 0.2],
    )
    assert found.learning_rate[0, :30].tolist() == near(*rates("OneCycleLR", 30))
    assert found.momentum is not None
    assert found.momentum.shape == (2, 40)


def test_a_milestone_beyond_the_run_leaves_the_last_child_idle() -> None:
    children = [("ConstantLR", {}), ("OneCycleLR", {})]
    found = compose("SequentialLR", children, steps=10, milestones=[50])
    assert found.active.unique().tolist() == [0]


SIMPLE = ("StepLR", "ExponentialLR", "LinearLR", "CosineAnnealingLR", "PolynomialLR", "LambdaLR")


@given(
    names=st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=4),
    lengths=st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
@example(names=["StepLR", "LinearLR", "ExponentialLR"], lengths=[0, 5, 5, 0])
@example(names=["StepLR", "LinearLR", "ExponentialLR"], lengths=[5, 0, 5, 0])
@settings(max_examples=40)
def test_any_sequence_is_its_pieces_and_who_has_no_turn_leaves_no_trace(
    names: list[str], lengths: list[int]
) -> None:
    lengths = lengths[: len(names)]
    assume(sum(lengths) > 0)
    milestones = [sum(lengths[:index]) for index in range(1, len(names))]
    found = compose(
        "SequentialLR", [(name, {}) for name in names], steps=sum(lengths), milestones=milestones
    )
    pieces = [
        rate
        for name, length in zip(names, lengths, strict=True)
        if length
        for rate in rates(name, length)
    ]
    assert found.learning_rate[0].tolist() == near(*pieces)
    turns = [index for index, length in enumerate(lengths) for _ in range(length)]
    assert found.active.tolist() == turns


# --- plateau ---


def test_a_flat_loss_is_cut_at_the_12th_step_and_every_11_after() -> None:
    found = plateau([1.0] * 40)
    assert found.cut.nonzero()[:, 0].tolist() == [11, 22, 33]
    assert found.learning_rate[11] == pytest.approx(0.01)
    assert found.bad_epochs[:12].tolist() == [*range(11), 0]
    assert set(found.best.tolist()) == {1.0}


def test_cooldown_counts_down_before_bad_steps_count() -> None:
    found = plateau([1.0] * 9, patience=1, cooldown=2)
    assert found.cut.nonzero()[:, 0].tolist() == [2, 6]
    assert found.cooldown.tolist() == [0, 0, 2, 1, 0, 0, 2, 1, 0]
    assert found.bad_epochs.tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0]


def test_a_loss_that_falls_too_slowly_is_cut_unless_threshold_is_0() -> None:
    slow = schedulers.losses("slow", 25)
    assert plateau(slow).cut.any()
    assert not plateau(slow, threshold=0.0).cut.any()


def test_the_first_loss_is_always_the_best_and_nan_never() -> None:
    assert plateau([5.0]).best.tolist() == [5.0]
    assert plateau([-5.0], mode="max").best.tolist() == [-5.0]
    assert plateau([1.0, math.nan, 0.5]).best.tolist() == [1.0, 1.0, 0.5]


def test_the_rate_stops_at_min_lr_and_drops_within_eps_are_left_out() -> None:
    assert plateau([1.0] * 9, patience=0, min_lr=0.03).learning_rate[-1] == 0.03
    assert not plateau([1.0] * 9, patience=0, eps=0.095).cut.any()


@given(
    losses=st.lists(st.floats(0, 10), min_size=1, max_size=60),
    arguments=settings_of("ReduceLROnPlateau"),
)
@settings(max_examples=100)
def test_any_plateau_follows_the_documented_rules(
    losses: list[float], arguments: dict[str, Any]
) -> None:
    checked = SCHEDULERS["ReduceLROnPlateau"].check(arguments)
    expected = reduce_on_plateau(losses, 0.1, **checked)
    found = plateau(losses, **arguments)
    np.testing.assert_allclose(found.learning_rate, expected, rtol=1e-12)
    assert found.bad_epochs.shape == found.cooldown.shape == found.best.shape == (len(losses),)


def test_a_trace_of_the_plateau_reads_the_rate_before_the_loss() -> None:
    losses = schedulers.losses("stalls", 60)
    before = trace("ReduceLROnPlateau", steps=60, losses=losses).learning_rate[0]
    after = plateau(losses).learning_rate
    assert before[0] == 0.1
    assert torch.equal(before[1:], after[:-1])
    # Left alone, the loss never falls.
    never = trace("ReduceLROnPlateau", steps=13).learning_rate[0]
    assert never.tolist() == near(*[0.1] * 12, 0.01)


# --- training ---


def final(rate: torch.Tensor, **more: Any) -> schedulers.Progress:
    *_, last = train(rate, **more)
    return last


def test_a_falling_rate_trains_where_the_same_rate_kept_up_does_not() -> None:
    kept = final(torch.full((300,), 0.5))
    annealed = final(trace("CosineAnnealingLR", steps=300, base_lr=0.5, T_max=300).learning_rate[0])
    assert annealed.full_loss < 0.2
    assert annealed.accuracy > 0.95
    assert kept.full_loss > 0.5


def test_two_trainings_differ_only_by_their_rates() -> None:
    rate = torch.full((40,), 0.1)
    assert torch.equal(final(rate).loss, final(rate).loss)
    later = rate.clone()
    later[20:] = 0.01
    a, b = final(rate).loss, final(later).loss
    assert torch.equal(a[:21], b[:21])
    assert not torch.equal(a[21:], b[21:])
    assert not torch.equal(a, final(rate, seed=1).loss)


def test_training_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    final([0.1] * 3)
    assert torch.equal(before, torch.get_rng_state())


def test_training_reports_as_it_goes_and_can_be_stopped() -> None:
    reports = [report.done for report in train([0.1] * 60, chunk=25)]
    assert reports == [25, 50, 60]
    run = train([0.1] * 10_000, chunk=10)
    first = next(run)
    run.close()
    assert (first.done, first.steps, first.finished) == (10, 10_000, False)


def test_a_rate_of_zero_trains_nothing() -> None:
    first, last = train([0.0] * 2, chunk=1)
    assert first.full_loss == last.full_loss


def test_a_training_that_diverges_says_so() -> None:
    assert final([10.0] * 30).diverged
    assert not final([0.1] * 30).diverged
    beyond_floats = final([3e38] * 30)
    assert beyond_floats.diverged
    assert beyond_floats.finished
    assert beyond_floats.loss.shape == (30,)


def test_300_steps_of_training_take_less_than_a_second() -> None:
    assert milliseconds(lambda: final([0.1] * 300), limit=1000) < 1000


# --- evidence ---


def test_there_are_at_least_12_checks_and_all_hold() -> None:
    checks = schedulers.checks()
    assert len(checks) >= 12
    assert [check.statement for check in checks if not check.holds] == []
    assert len({check.statement for check in checks}) == len(checks)


@CLOSED
def test_each_scheduler_follows_its_closed_form_to_rounding(name: str) -> None:
    spec = SCHEDULERS[name]
    assert closed_form_error(spec) <= 1e-12
    if spec.momentum_form is not None:
        assert momentum_error(spec) <= 1e-12


def test_one_row_tells_of_all_closed_forms_and_names_the_worst() -> None:
    rows = [check for check in schedulers.checks() if "closed form" in check.statement]
    rates, momenta = rows
    errors = {
        spec.name: closed_form_error(spec) for spec in SCHEDULERS.values() if spec.closed_form
    }
    assert rates.error == max(errors.values())
    assert f"{len(errors)} schedulers" in rates.statement
    assert f"Largest for {max(errors, key=errors.__getitem__)}." in rates.remark
    assert "CyclicLR and OneCycleLR" in momenta.statement


def test_claims_are_told_in_words_and_not_in_python() -> None:
    measured = {claim.says[:20]: claim for claim in schedulers.claims()}
    assert measured["Adam(model.parameter"].measured == "50 steps at 0.01."
    assert "drops at steps 100, 200" in measured["StepLR(step_size=100"].measured
    cosine = measured["Cosine annealing has"]
    assert "8 turning points" in cosine.measured
    assert "4 full periods" in cosine.truth


def test_the_verdicts_on_the_notes() -> None:
    found = {claim.says[:34]: claim.verdict for claim in schedulers.claims()}
    wrong = {says for says, verdict in found.items() if verdict == Verdict.WRONG}
    obsolete = {says for says, verdict in found.items() if verdict == Verdict.OBSOLETE}
    assert len(found) == len(schedulers.claims()) >= 25
    assert wrong == {
        "param_groups is a list of two: a d",
        "step_size: the parameters are upda",
        "last_epoch=-1 trains from the begi",
        "The code `lambda = lambda epoch: e",
        "CosineAnnealingLR has a cosine for",
        "import torch.optim.lr_scheduler.St",
    }
    assert obsolete == {"In the loop, scheduler.step() come"}
    # torch raises it still; the end of its wording is another.
    assert found["Resuming may raise KeyError: param"] == Verdict.HOLDS
    assert found["LambdaLR with 1 / (epoch + 1) from"] == Verdict.HOLDS
    assert found["A checkpoint of epoch, best score,"] == Verdict.CONDITION


def test_every_claim_says_where_it_stands_and_what_is_true() -> None:
    for claim in schedulers.claims():
        assert claim.says.endswith((".", "…`."))
        assert claim.where
        assert claim.measured
        assert claim.truth.endswith((".", "…"))


@pytest.mark.parametrize("run", [schedulers.checks, schedulers.claims, schedulers.question])
def test_a_device_that_is_not_there_is_refused(run) -> None:
    with pytest.raises(ValueError, match="device must be one of cpu"):
        run(device="cuda:99")


def test_the_package_exports_what_it_says_in_order() -> None:
    assert all(hasattr(schedulers, name) for name in schedulers.__all__)
    source = Path(schedulers.__file__).read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert "__all__" in names


# --- bad input ---


BAD = [
    (lambda: trace("StepLr", steps=5), "name must be one of LambdaLR, MultiplicativeLR, StepLR"),
    (lambda: trace("SequentialLR", steps=5), "name must be one of LambdaLR"),
    (lambda: trace(["StepLR"], steps=5), "name must be one of LambdaLR"),
    (lambda: trace("StepLR", steps=0), "steps must be a whole number from 1 to 10000, got 0"),
    (lambda: trace("StepLR", steps=10_001), "steps must be a whole number from 1 to 10000, got 10"),
    (lambda: trace("StepLR", steps=2.5), "steps must be a whole number from 1 to 10000, got 2.5"),
    (lambda: trace("StepLR", steps=True), "steps must be a whole number from 1 to 10000, got True"),
    (lambda: trace("StepLR", steps=5, size=2), "arguments of StepLR must be step_size, gamma, got"),
    (lambda: trace("StepLR", steps=5, last_epoch=2), "arguments of StepLR must be step_size"),
    (lambda: trace("StepLR", steps=5, step_size=0), "step_size must be a whole number from 1 to"),
    (lambda: trace("StepLR", steps=5, gamma=-0.1), "gamma must be a number from 0 to 10 ("),
    (
        lambda: trace("StepLR", steps=5, gamma=math.nan),
        "gamma must be a number from 0 to 10 (",
    ),
    (lambda: trace("StepLR", steps=5, gamma="0.1"), "gamma must be a number from 0 to 10 ("),
    (
        lambda: trace("StepLR", steps=5, gamma=[0.1]),
        "gamma must be a number from 0 to 10 (",
    ),
    (lambda: trace("StepLR", steps=5, base_lr=-1), "base_lr must be a number from 0 to 1000 ("),
    (
        lambda: trace("StepLR", steps=5, base_lr=math.inf),
        "base_lr must be a number from 0 to 1000 (",
    ),
    (lambda: trace("StepLR", steps=5, base_lr=[]), "base_lr must be one rate or 1 to 4 of them"),
    (lambda: trace("StepLR", steps=5, base_lr=[0.1] * 5), "base_lr must be one rate or 1 to 4 of"),
    (lambda: trace("StepLR", steps=5, base_lr=None), "base_lr must be a number from 0 to 1000 ("),
    (lambda: trace("StepLR", steps=5, momentum=1.0), "momentum must be a number from 0 to 0.999"),
    (lambda: trace("StepLR", steps=5, optimizer="sgd"), "optimizer must be one of SGD, Adam"),
    (lambda: trace("StepLR", steps=5, losses=[1.0] * 5), "losses must be left out for StepLR"),
    (
        lambda: trace("ReduceLROnPlateau", steps=5, losses=[1.0]),
        "losses must be 5 to 10000 numbers, got [1.0]",
    ),
    (
        lambda: trace("MultiStepLR", steps=5, milestones=[3, 1]),
        "milestones must be at most 20 whole numbers from 0 to 1000000000, in increasing order "
        "(torch's documentation asks for the order; the largest is",
    ),
    (
        lambda: trace("MultiStepLR", steps=5, milestones=[1.5, 3]),
        "milestones must be at most 20 whole numbers from 0 to 1000000000, in increasing",
    ),
    (lambda: trace("MultiStepLR", steps=5, milestones=[-1]), "milestones must be at most 20 whole"),
    (lambda: trace("MultiStepLR", steps=5, milestones=[True]), "milestones must be at most 20"),
    (lambda: trace("MultiStepLR", steps=5, milestones=7), "milestones must be at most 20 whole"),
    (lambda: trace("MultiStepLR", steps=5, milestones="3"), "milestones must be at most 20 whole"),
    (lambda: trace("MultiStepLR", steps=5, milestones=[1] * 21), "milestones must be at most 20"),
    (
        lambda: trace("CosineAnnealingLR", steps=5, T_max=0),
        "T_max must be a whole number from 1 to 1000000000 (torch has no limit; ",
    ),
    (
        lambda: trace("CosineAnnealingWarmRestarts", steps=5, T_mult=1.5),
        "T_mult must be a whole number from 1 to 1000000000 (",
    ),
    (
        lambda: trace("OneCycleLR", steps=100, total_steps=50),
        "total_steps must be at least steps, 100, got 50",
    ),
    (
        lambda: trace("OneCycleLR", steps=100, epochs=5, steps_per_epoch=10),
        "total_steps must be at least steps, 100, got 50",
    ),
    (lambda: trace("OneCycleLR", steps=5, total_steps=0), "total_steps must be a whole number"),
    (
        lambda: trace("OneCycleLR", steps=10, pct_start=0.1),
        "pct_start must be other than 1 / total_steps",
    ),
    (
        lambda: trace("OneCycleLR", steps=1, pct_start=1.0),
        "pct_start must be other than 1 / total_steps",
    ),
    (lambda: trace("OneCycleLR", steps=5, max_lr=-1.0), "max_lr must be a number from 0 to 1000 ("),
    (lambda: trace("CyclicLR", steps=5, max_lr=-0.1), "max_lr must be a number from 0 to 1000 ("),
    (
        lambda: trace("CyclicLR", steps=5, max_lr=[0.1, 0.2]),
        "max_lr must have one value for each of 1 groups",
    ),
    (
        lambda: trace("CyclicLR", steps=5, mode="square"),
        "mode must be one of triangular, triangular2, exp_range, got square",
    ),
    (
        lambda: trace("CyclicLR", steps=5, optimizer="Adagrad"),
        "optimizer must have a momentum while cycle_momentum is True (torch moves momentum, or "
        "Adam's beta1, against the rate), got Adagrad",
    ),
    (
        lambda: trace("CyclicLR", steps=3000, step_size_up=1, mode="triangular2"),
        "arguments must let CyclicLR compute every rate, got OverflowError",
    ),
    (lambda: trace("CyclicLR", steps=5, scale_fn="epoch"), "scale_fn must be a formula in x"),
    (
        lambda: trace("ConstantLR", steps=6, factor=0.0),
        "arguments must let ConstantLR compute every rate, got ZeroDivisionError",
    ),
    (
        lambda: trace("LinearLR", steps=5, start_factor=0.0),
        "start_factor must be a number from 2.22507e-308 to 1 (torch divides by it",
    ),
    (lambda: trace("LambdaLR", steps=5, lr_lambda=""), "formula must not be empty"),
    (lambda: trace("LambdaLR", steps=5, lr_lambda=None), "lr_lambda must be a formula in epoch"),
    (lambda: trace("LambdaLR", steps=5, lr_lambda="__import__('os')"), "formula must use only the"),
    (lambda: trace("LambdaLR", steps=5, lr_lambda="9**9**9"), "formula must give a finite number"),
    (lambda: trace("LambdaLR", steps=5, lr_lambda="1/0"), "formula must give a finite number"),
    (
        lambda: trace("LambdaLR", steps=5, lr_lambda="1/epoch"),
        "formula must give a finite number, got a division by zero at epoch 0 in 1/epoch",
    ),
    (
        lambda: trace("LambdaLR", steps=5, lr_lambda="2 - epoch"),
        "learning rate of LambdaLR must be finite and not negative, got -0.1 at step 3",
    ),
    (
        lambda: trace("LambdaLR", steps=5, lr_lambda=lambda _: math.nan),
        "learning rate of LambdaLR must be finite and not negative, got nan at step 0",
    ),
    (
        lambda: trace("LambdaLR", steps=5, lr_lambda=lambda _: "fast"),
        "lr_lambda must give a number, got fast",
    ),
    (
        lambda: trace("LambdaLR", steps=5, lr_lambda=lambda _: 1j),
        "lr_lambda must give a number, got 1j",
    ),
    (
        lambda: trace("LambdaLR", steps=5, lr_lambda=["1", "2"]),
        "lr_lambda must have one value for each of 1 groups",
    ),
    (lambda: compose("Chained", [("StepLR", {})], steps=5), "kind must be one of SequentialLR"),
    (lambda: compose("SequentialLR", [], steps=5), "children must be 1 to 6 pairs of name and"),
    (lambda: compose("SequentialLR", ["StepLR"], steps=5), "children must be pairs of name and"),
    (
        lambda: compose("ChainedScheduler", [("StepLR", {}), ("ReduceLROnPlateau", {})], steps=5),
        "children of ChainedScheduler must step without a loss, got ReduceLROnPlateau at 1",
    ),
    (lambda: compose("SequentialLR", [("Nope", {})], steps=5), "name must be one of LambdaLR"),
    (
        lambda: compose("SequentialLR", [("StepLR", {"step_size": 0})], steps=5),
        "step_size must be a whole number",
    ),
    (
        lambda: compose("SequentialLR", [("StepLR", {})] * 2, steps=5),
        "milestones must be one whole number from 0 to 1000000000 (torch refuses none, but "
        "searches them as whole and in order; the largest is a thousand of the longest runs), "
        "got ()",
    ),
    (
        lambda: compose("SequentialLR", [("StepLR", {})] * 3, steps=5, milestones=[3, 2]),
        "milestones must be 2 whole numbers from 0 to 1000000000, none smaller than the one before",
    ),
    (
        lambda: compose("SequentialLR", [("StepLR", {})] * 2, steps=5, milestones=[1.5]),
        "milestones must be one whole number",
    ),
    (
        lambda: compose("ChainedScheduler", [("StepLR", {})] * 2, steps=5, milestones=[3]),
        "milestones must be left out (only SequentialLR with two children or more passes on), "
        "got [3]",
    ),
    (
        lambda: compose(
            "SequentialLR",
            [("OneCycleLR", {"total_steps": 5}), ("StepLR", {})],
            steps=20,
            milestones=[10],
        ),
        "total_steps must be at least steps, 10, got 5",
    ),
    (lambda: plateau([]), "losses must be 1 to 10000 numbers, got []"),
    (lambda: plateau(["1"]), "losses must be 1 to 10000 numbers, got 1"),
    (lambda: plateau("1"), "losses must be 1 to 10000 numbers, got 1"),
    (lambda: plateau([1.0] * 10_001), "losses must be 1 to 10000 numbers, got [1.0, 1.0"),
    (
        lambda: plateau([1.0], factor=1.0),
        "factor must be a number from 0 to 0.9999999999999999 (torch refuses 1",
    ),
    (lambda: plateau([1.0], patience=-1), "patience must be a whole number from 0 to 1000000000 ("),
    (lambda: plateau([1.0], mode="best"), "mode must be one of min, max, got best"),
    (lambda: plateau([1.0], base_lr=[0.1]), "base_lr must be a number from 0 to 1000 ("),
    (lambda: schedulers.losses("steep", 5), "kind must be one of flat, falling, noisy, stalls"),
    (lambda: next(train([])), "learning_rate must be 1 to 10000 finite numbers of 0 or more"),
    (lambda: next(train([-0.1])), "learning_rate must be 1 to 10000 finite numbers of 0 or more"),
    (lambda: next(train([math.nan])), "learning_rate must be 1 to 10000 finite numbers"),
    (lambda: next(train([0.1], momentum=[0.9, 0.9])), "momentum must have one value for each of 1"),
    (lambda: next(train([0.1], momentum=[1.5])), "momentum must be 1 to 10000 finite numbers"),
    (lambda: next(train([0.1], chunk=0)), "chunk must be a whole number from 1 to 10000, got 0"),
    (lambda: next(train([0.1], device="cuda:99")), "device must be one of cpu"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    def refuse() -> None:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            call()

    assert milliseconds(refuse, limit=50) < 50
