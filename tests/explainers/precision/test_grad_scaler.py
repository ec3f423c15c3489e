"""The scaler's path, states and gradients, against its rule in Python and training in float32."""

import ast
import contextlib
import io
import math
import runpy
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset
from explainers.precision import grad_scaler as gs
from explainers.precision.grad_scaler.rule import Settings, expected_path, float32
from tests.clock import milliseconds

patterns = st.lists(st.booleans(), min_size=1, max_size=24)
POISONS = pytest.mark.parametrize("poison", ["inf", "nan", "large"])


def steps_of(pattern: list[bool]) -> tuple[int, ...]:
    return tuple(step for step, bad in enumerate(pattern) if bad)


def slow_scale(found, init_scale, growth_factor, backoff_factor, growth_interval) -> list[float]:
    """The rule once more, in numpy, without the explainer's code."""
    scale, clean = np.float32(init_scale), 0
    path = [float(scale)]
    with np.errstate(over="ignore", under="ignore"):
        for bad in found:
            clean = 0 if bad else clean + 1
            if bad:
                scale = np.float32(np.float64(scale) * backoff_factor)
            elif clean == growth_interval:
                grown = np.float32(np.float64(scale) * growth_factor)
                scale, clean = grown if np.isfinite(grown) else scale, 0
            path.append(float(scale))
    return path


# --- the path of the scale ---


def test_three_poisoned_batches_halve_the_scale_three_times() -> None:
    trace = gs.run(steps=10, poisoned=(2, 5, 6))
    assert trace.scale.tolist() == [2.0**n for n in (16, 16, 16, 15, 15, 15, 14, 13, 13, 13, 13)]
    assert trace.found_inf.nonzero().flatten().tolist() == [2, 5, 6]
    assert trace.stepped.sum() == 7


@POISONS
@given(
    pattern=patterns,
    growth_interval=st.integers(1, 6),
    growth_factor=st.floats(1.1, 3),
    backoff_factor=st.floats(0.2, 0.9),
)
@settings(max_examples=12)
def test_the_scale_follows_the_rule_for_any_pattern_of_poisoned_steps(
    poison: str,
    pattern: list[bool],
    growth_interval: int,
    growth_factor: float,
    backoff_factor: float,
) -> None:
    rule = {
        "init_scale": 4096.0,
        "growth_factor": growth_factor,
        "backoff_factor": backoff_factor,
        "growth_interval": growth_interval,
    }
    trace = gs.run(steps=len(pattern), poisoned=steps_of(pattern), poison=poison, **rule)
    assert torch.equal(trace.scale, gs.expected_scale(trace.found_inf, **rule))
    assert trace.scale.tolist() == slow_scale(trace.found_inf.tolist(), **rule)
    # While the scale lets it, the poisoned steps are found, and no others.
    if 2 <= trace.scale.min() and trace.scale.max() < 2**24:
        assert trace.found_inf.tolist() == pattern


@given(
    found=st.lists(st.booleans(), max_size=60),
    init_scale=st.floats(1e-40, 3e38),
    growth_factor=st.floats(1.01, 1e6),
    backoff_factor=st.floats(1e-6, 0.99),
    growth_interval=st.integers(1, 9),
)
def test_the_rule_is_that_of_torchs_own_kernel(
    found, init_scale, growth_factor, backoff_factor, growth_interval
) -> None:
    scale, tracker = torch.full((), init_scale), torch.zeros((), dtype=torch.int32)
    expected = expected_path(
        found, Settings(init_scale, growth_factor, backoff_factor, growth_interval)
    )
    for step, flag in enumerate(found, start=1):
        torch._amp_update_scale_(
            scale,
            tracker,
            torch.tensor(float(flag)),
            growth_factor,
            backoff_factor,
            growth_interval,
        )
        assert expected.scale[step] == scale
        assert expected.growth_tracker[step] == tracker


@POISONS
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_each_poison_is_found_in_each_dtype_and_skips_its_step(poison: str, dtype: str) -> None:
    trace = gs.run(steps=8, poisoned=(1, 4), poison=poison, dtype=dtype)
    assert trace.found_inf.nonzero().flatten().tolist() == [1, 4]
    assert torch.equal(trace.stepped, ~trace.found_inf)
    assert torch.equal(trace.moved, trace.stepped)
    assert torch.equal(trace.skipped, trace.found_inf)
    assert trace.gradient_norm.isfinite().tolist() == trace.stepped.tolist()
    assert trace.weights.isfinite().all()


def test_infinity_stays_infinity_nan_stays_nan_and_large_is_finite_until_scaled() -> None:
    norms = {
        poison: gs.run(steps=2, poisoned=(1,), poison=poison).gradient_norm[1]
        for poison in gs.POISONS
    }
    assert norms["inf"] == norms["large"] == math.inf
    assert norms["nan"].isnan()
    large = gs.run(steps=2, poisoned=(1,), poison="large", init_scale=1.0)
    assert large.loss.isfinite().all()
    assert not large.found_inf.any()
    assert 65504 / 1.5 < large.gradient_norm[1] < math.inf


@pytest.mark.parametrize("row", [[2], {2}, range(2, 3), np.array([2]), torch.tensor([2])])
def test_any_row_of_whole_numbers_names_the_poisoned_steps(row) -> None:
    assert gs.run(steps=4, poisoned=row).found_inf.tolist() == [False, False, True, False]


def test_the_growth_tracker_counts_clean_steps_and_starts_anew() -> None:
    trace = gs.run(steps=9, growth_interval=3, poisoned=(4,))
    assert trace.growth_tracker.tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 0, 1]


def test_growth_stops_at_the_last_finite_power_of_two() -> None:
    trace = gs.run(steps=12, init_scale=2.0**120, growth_interval=1, dtype="bfloat16")
    assert not trace.found_inf.any()
    assert trace.scale.log2().tolist() == [120, 121, 122, 123, 124, 125, 126, *[127] * 6]


def test_a_long_row_of_bad_batches_takes_the_scale_to_zero_for_good() -> None:
    trace = gs.run(steps=170, poisoned=range(167))
    assert trace.scale[165] == 2.0**-149
    assert trace.scale[166:].tolist() == [0.0] * 5
    assert trace.stepped[167]
    assert trace.weights[168].isnan().all()


def test_left_to_itself_the_scale_hunts_about_the_largest_that_fits() -> None:
    trace = gs.run(steps=60, init_scale=2.0**24, growth_interval=2)
    assert 5 < trace.found_inf.sum() < 30
    assert trace.scale[20:].log2().max() <= 28


# --- the trace ---


def test_the_trace_has_the_shapes_and_dtypes_it_says() -> None:
    trace = gs.run(steps=6)
    n = 32 * 8 + 32 + 32 + 1
    for name, shape, dtype in (
        ("scale", (7,), torch.float32),
        ("growth_tracker", (7,), torch.int64),
        ("found_inf", (6,), torch.bool),
        ("stepped", (6,), torch.bool),
        ("gradient_norm", (6,), torch.float64),
        ("scaled_gradient_norm", (6,), torch.float64),
        ("zero_share", (6,), torch.float64),
        ("loss", (6,), torch.float32),
        ("weights", (7, n), torch.float32),
    ):
        found = getattr(trace, name)
        assert tuple(found.shape) == shape, name
        assert found.dtype is dtype, name
        assert found.device.type == "cpu"
        assert not found.requires_grad
    assert len(trace.calls) == len(trace.states) == 6


def test_each_call_leaves_torchs_state_machine_where_the_page_draws_it() -> None:
    trace = gs.run(steps=2, max_norm=0.01, poisoned=(1,))
    calls = ("zero_grad", "forward", "scale", "backward", "unscale_", "clip_grad_norm_", "step")
    states = ("READY", "READY", "READY", "READY", "UNSCALED", "UNSCALED", "STEPPED")
    assert trace.calls == ((*calls, "update"),) * 2
    assert trace.states == ((*states, "READY"),) * 2
    late = gs.run(steps=1, unscale_first=False)
    assert late.calls[0][4:] == ("step", "update")
    assert late.states[0][4:] == ("STEPPED", "READY")


def test_two_runs_of_the_same_seed_are_equal_and_of_another_are_not() -> None:
    first, again, other = (gs.run(steps=5, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.weights, again.weights)
    assert not torch.equal(first.weights, other.weights)


def test_a_run_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    gs.run(steps=3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short, long = gs.run(steps=4), gs.run(steps=4 + 5)
    torch.testing.assert_close(short.weights[0], long.weights[0], atol=0, rtol=0)


def test_the_model_learns() -> None:
    loss = gs.run(steps=150).loss
    assert loss[-20:].mean() < 0.2 * loss[:5].mean()


# --- gradients ---


def test_a_power_of_two_leaves_a_float32_run_as_it_is() -> None:
    runs = [
        gs.run(steps=12, init_scale=2.0**power, dtype="float32").weights for power in (0, 16, 60)
    ]
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2])


@pytest.mark.parametrize(("dtype", "within"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_unscaled_norms_are_those_of_float32(dtype: str, within: float) -> None:
    trace, true = gs.run(steps=1, dtype=dtype), gs.gradients()
    assert trace.gradient_norm[0] == pytest.approx(float(true.norm()), rel=within)
    assert trace.scaled_gradient_norm[0] == pytest.approx(65536 * float(true.norm()), rel=within)


def test_the_first_step_is_the_rate_times_the_gradient() -> None:
    trace = gs.run(steps=1, dtype="float32", learning_rate=0.25)
    moved = trace.weights[0] - trace.weights[1]
    torch.testing.assert_close(moved, 0.25 * gs.gradients(), atol=1e-7, rtol=0)


def test_a_skipped_step_moves_the_weights_by_nothing() -> None:
    trace = gs.run(steps=6, poisoned=(2, 4))
    assert torch.equal(trace.update_norm == 0, trace.skipped)
    moves = (trace.weights[1:] - trace.weights[:-1]).double().norm(dim=1)
    torch.testing.assert_close(trace.update_norm, moves, atol=1e-7, rtol=0)


@pytest.mark.parametrize("max_norm", [None, 0.002])
def test_the_plain_updates_are_those_of_a_float32_run(max_norm: float | None) -> None:
    trace = gs.run(steps=8, dtype="float32", max_norm=max_norm)
    plain = gs.plain_updates(steps=8, max_norm=max_norm)
    torch.testing.assert_close(plain, trace.update_norm, atol=1e-9, rtol=1e-5)
    assert plain.dtype is torch.float64


@pytest.mark.parametrize("clip", [False, True])
def test_float16_with_a_scaler_moves_the_weights_as_float32_does(clip: bool) -> None:
    view = gs.explain(gs.AmpRun(poison="none", clip=clip))
    torch.testing.assert_close(view.trace.update_norm, view.plain, atol=0, rtol=0.02)


def test_the_table_has_the_share_of_zeros_and_both_updates() -> None:
    head, first, *_ = gs.table(gs.explain(gs.AmpRun())).splitlines()
    row = dict(zip(head.split(","), map(float, first.split(",")), strict=True))
    assert row["zero_share"] == 0
    assert row["update_norm"] == pytest.approx(row["float32_update_norm"], rel=0.01)


def test_the_true_gradients_at_a_step_are_those_of_a_float32_run() -> None:
    trace = gs.run(steps=6, dtype="float32", init_scale=1.0)
    for step in (0, 2, 5):
        true = gs.gradients(step=step)
        assert true.dtype is torch.float32
        # The batches depend on how many there are; the start does not.
        assert true.shape == (321,)
    assert float(gs.gradients(step=0).norm()) == pytest.approx(
        float(gs.run(steps=1, dtype="float32").gradient_norm[0]), rel=1e-6
    )
    assert trace.gradient_norm.isfinite().all()


def test_at_a_scale_of_one_float16_loses_gradients_that_are_not_zero() -> None:
    plain = gs.run(steps=20, init_scale=1.0)
    scaled = gs.run(steps=20)
    assert plain.zero_share.mean() > 0.05
    assert scaled.zero_share.max() == 0
    assert gs.run(steps=20, init_scale=1.0, dtype="bfloat16").zero_share.max() == 0


def test_clipping_before_unscale_stops_the_weights() -> None:
    right, wrong = (gs.run(steps=5, max_norm=0.001, unscale_first=first) for first in (True, False))
    assert torch.equal(right.scaled_gradient_norm[:1], wrong.scaled_gradient_norm[:1])
    right_step, wrong_step = (
        (each.weights[1] - each.weights[0]).double().norm() for each in (right, wrong)
    )
    assert right_step == pytest.approx(0.1 * 0.001, rel=2e-3)
    assert wrong_step == pytest.approx(0.1 * 0.001 / 65536, rel=2e-2)


def test_the_norms_are_those_before_clipping() -> None:
    free, clipped = gs.run(steps=1), gs.run(steps=1, max_norm=1e-5)
    assert torch.equal(free.gradient_norm, clipped.gradient_norm)
    assert torch.equal(free.scaled_gradient_norm, clipped.scaled_gradient_norm)


def test_two_hundred_steps_take_less_than_a_quarter_of_a_second() -> None:
    work = partial(gs.run, steps=200, poisoned=(7, 8), max_norm=0.01)
    assert milliseconds(work, limit=250) < 250


# --- the histogram ---


def test_the_histogram_slides_with_the_scale_and_keeps_its_counts() -> None:
    flat = gs.gradients(step=10)
    one, many = gs.histogram(flat, 1.0), gs.histogram(flat, 2.0**10)
    assert torch.equal(one.counts, many.counts)
    assert torch.equal(one.edges + 10, many.edges)
    assert one.counts.sum() + one.zeros == flat.numel()
    assert len(one.edges) == len(one.counts) + 1
    assert one.share.zero > many.share.zero
    assert (one.smallest_subnormal, one.smallest_normal) == (-24, -14)


def test_powers_of_two_fall_into_the_bin_that_begins_with_them() -> None:
    found = gs.histogram(torch.tensor([0.0, 1.0, 1.99, 2.0, -4.0]), 1.0, "bfloat16")
    assert found.edges.tolist() == [0, 1, 2, 3]
    assert found.counts.tolist() == [2, 1, 1]
    assert found.zeros == 1


def test_a_histogram_of_zeros_is_empty() -> None:
    found = gs.histogram(torch.zeros(3))
    assert found.counts.sum() == 0
    assert found.zeros == 3


# --- the state machine ---


def test_torch_allows_five_of_nine_edges() -> None:
    edges = {(edge.state, edge.call): edge for edge in gs.machine()}
    assert set(edges) == {(state, call) for state in gs.STATES for call in gs.CALLS}
    illegal = {key for key, edge in edges.items() if not edge.legal}
    assert illegal == {
        ("READY", "update"),
        ("UNSCALED", "unscale_"),
        ("STEPPED", "unscale_"),
        ("STEPPED", "step"),
    }
    assert edges["UNSCALED", "update"].then == "READY"
    assert "No inf checks were recorded" in edges["READY", "update"].said
    assert "unscale_() has already been called" in edges["UNSCALED", "unscale_"].said


# --- what a page takes ---


def test_the_presets_differ_and_show_what_they_say() -> None:
    assert 3 <= len(gs.PRESETS) <= 6
    assert all(isinstance(preset, Preset) and preset.notice.endswith(".") for preset in gs.PRESETS)
    assert len({preset.parameters for preset in gs.PRESETS}) == len(gs.PRESETS)
    assert gs.PRESETS[0].parameters == gs.AmpRun()
    views = {preset.name: gs.explain(preset.parameters) for preset in gs.PRESETS}
    for view in views.values():
        assert torch.equal(view.trace.scale, view.expected)
    assert views["Three bad batches"].trace.skipped.sum() == 3
    assert views["Too large for float16"].trace.skipped.sum() > 10
    assert views["Scale 1"].trace.zero_share.mean() > 0.05
    assert gs.run(steps=40, dtype="float32").zero_share.max() == 0
    assert not views["bfloat16"].trace.skipped.any()
    clipped = views["Clipping before unscale_"]
    assert clipped.trace.loss[-1] > 5 * views["bfloat16"].trace.loss[-1]
    assert (clipped.trace.update_norm < clipped.plain / 10_000).all()


def test_the_poisoned_steps_of_a_page_are_read_from_text() -> None:
    assert gs.AmpRun(poisoned="[5, 3,3, 199]").poisoned_steps == (3, 5)
    assert gs.AmpRun(poisoned="5", poison="none").poisoned_steps == ()
    assert isinstance(gs.AmpRun(), Parameters)
    parsed, refused = gs.AmpRun.parse({"poisoned": "1,2.5", "steps": "12"})
    assert parsed == gs.AmpRun(steps=12)
    rule = "1 to 24 whole numbers from 0 to 199, with commas between"
    assert refused == (f"poisoned must be {rule}, got 1,2.5; 2.5 is not whole",)


@pytest.mark.parametrize("preset", gs.PRESETS, ids=lambda preset: preset.name)
def test_the_code_prints_the_scale_of_the_view(preset: Preset, tmp_path) -> None:
    code = gs.snippet(preset.parameters)
    ast.parse(code)
    assert "explainers" not in code
    path = tmp_path / "view.py"
    path.write_text(code)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        made = runpy.run_path(str(path))
    trace = gs.explain(preset.parameters).trace
    assert made["scales"] == trace.scale.tolist()
    assert printed.getvalue().startswith("log2 of the scale: [")
    assert float(made["loss"].detach()) == pytest.approx(float(trace.loss[-1]), rel=1e-6)


def test_the_topic_proves_itself() -> None:
    checks = gs.checks()
    assert len(checks) >= 12
    assert [check.statement for check in checks if not check.holds] == []
    assert len({check.statement for check in checks}) == len(checks)


def test_every_statement_of_the_notes_is_judged() -> None:
    claims = gs.claims()
    assert len(claims) >= 12
    assert len({claim.says for claim in claims}) == len(claims)
    for claim in claims:
        assert claim.measured.endswith((".", "!")) or "Error" in claim.measured
        assert claim.truth.endswith(".")
    count = {verdict: sum(claim.verdict is verdict for claim in claims) for verdict in Verdict}
    assert count[Verdict.CONDITION] == 2
    assert count[Verdict.HOLDS] == len(claims) - 2


def test_a_second_unscale_is_judged_by_a_second_unscale() -> None:
    (claim,) = (each for each in gs.claims() if "does not unscale again" in each.says)
    assert "already been called" in claim.measured
    assert "after step()" not in claim.measured


def test_what_was_measured_is_said_without_brackets_and_powers_of_ten_above_one() -> None:
    for claim in gs.claims():
        assert "[" not in claim.measured
        assert "e+" not in claim.measured


def test_three_ways_train_alike_and_float16_without_a_scaler_does_not() -> None:
    *_, lap = gs.train(gs.Race(steps=40))
    assert set(lap.alike) == {*gs.WAYS} - {"float16, no scaler"}
    *_, large = gs.train(gs.Race(exponent=0, steps=40))
    assert large.alike == gs.WAYS


def test_the_question_is_answered_by_torch() -> None:
    question = gs.question()
    assert question.answer == "7 steps, scale 8192"
    assert question.options.count(question.answer) == 1


# --- bad input ---


@pytest.mark.parametrize(
    ("settings_", "sentence"),
    [
        ({"growth_factor": 1.0}, "growth_factor must be a finite number above 1, got 1.0"),
        ({"growth_factor": 0.5}, "growth_factor must be a finite number above 1, got 0.5"),
        ({"growth_factor": math.inf}, "growth_factor must be a finite number above 1, got inf"),
        ({"backoff_factor": 0.0}, "backoff_factor must be a number between 0 and 1, got 0.0"),
        ({"backoff_factor": 1.0}, "backoff_factor must be a number between 0 and 1, got 1.0"),
        ({"backoff_factor": -0.5}, "backoff_factor must be a number between 0 and 1, got -0.5"),
        ({"backoff_factor": math.nan}, "backoff_factor must be a number between 0 and 1"),
        ({"growth_interval": 0}, "growth_interval must be a whole number from 1 to"),
        ({"growth_interval": 2.5}, "growth_interval must be a whole number from 1 to"),
        ({"init_scale": 0.0}, "init_scale must be a finite number above 0"),
        ({"init_scale": -1.0}, "init_scale must be a finite number above 0"),
        ({"init_scale": math.inf}, "init_scale must be a finite number above 0"),
        ({"init_scale": math.nan}, "init_scale must be a finite number above 0"),
        ({"init_scale": 1e39}, "init_scale must be a finite number above 0, as float32 holds it"),
        ({"init_scale": "1"}, "init_scale must be a finite number above 0, got 1"),
    ],
)
def test_a_bad_setting_gets_its_sentence_from_the_run_and_from_the_rule(
    settings_, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        gs.run(steps=3, **settings_)
    with pytest.raises(ValueError, match=sentence):
        gs.expected_scale([True], **settings_)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: gs.run(steps=0), "steps must be a whole number from 1 to 2000, got 0"),
        (lambda: gs.run(steps=True), "steps must be a whole number from 1 to 2000, got True"),
        (lambda: gs.run(steps=5, poisoned=(5,)), "poisoned must be steps from 0 to 4, got 5"),
        (lambda: gs.run(steps=5, poisoned=(-1,)), "poisoned must be steps from 0 to 4, got -1"),
        (lambda: gs.run(steps=5, poisoned=(1.5,)), "poisoned must be steps from 0 to 4, got 1.5"),
        (lambda: gs.run(steps=5, poisoned=(True,)), "poisoned must be steps from 0 to 4, got True"),
        (lambda: gs.run(steps=5, poisoned="1"), "poisoned must be a row of steps from 0 to 4"),
        (lambda: gs.run(steps=5, poisoned=3), "poisoned must be a row of steps from 0 to 4"),
        (lambda: gs.run(steps=5, poison="zero"), "poison must be one of inf, nan, large, got zero"),
        (
            lambda: gs.run(steps=5, dtype="float64"),
            "dtype must be one of float16, bfloat16, float32, got float64",
        ),
        (lambda: gs.run(steps=5, dtype=torch.float64), "float32, got torch.float64"),
        (lambda: gs.run(steps=5, max_norm=0), "max_norm must be a finite number above 0, got 0"),
        (lambda: gs.run(steps=5, learning_rate=-1), "learning_rate must be a finite number above"),
        (lambda: gs.run(steps=5, seed=-1), "seed must be a whole number from 0 to"),
        (lambda: gs.run(steps=5, device="cuda:99"), "device must be one of cpu"),
        (lambda: gs.gradients(step=-1), "step must be a whole number from 0 to 2000, got -1"),
        (lambda: gs.gradients(device="tpu"), "device must be one of cpu"),
        (lambda: gs.expected_scale([0.5]), "found_inf must be a row of true and false"),
        (lambda: gs.expected_scale(3), "found_inf must be a row of true and false"),
        (lambda: gs.histogram([1.0]), "gradients must be a tensor of finite real numbers"),
        (lambda: gs.histogram(torch.tensor([math.inf])), "gradients must be a tensor of finite"),
        (lambda: gs.histogram(torch.ones(2), 0.0), "scale must be a finite number above 0"),
        (lambda: gs.histogram(torch.ones(2), 1.0, "int8"), "dtype must be one of float8_e4m3fn"),
        (lambda: gs.machine(device="cuda:99"), "device must be one of cpu"),
        (lambda: gs.checks(device="cuda:99"), "device must be one of cpu"),
        (lambda: gs.claims(device="cuda:99"), "device must be one of cpu"),
        (lambda: gs.explain(gs.AmpRun(), device="cuda:99"), "device must be one of cpu"),
        (lambda: gs.AmpRun(poisoned="1.5"), "poisoned must be 1 to 24 whole numbers from 0 to 199"),
        (lambda: gs.AmpRun(poisoned="250"), "poisoned must be 1 to 24 whole numbers from 0 to"),
        (lambda: gs.AmpRun(growth_factor=1.0), "growth_factor must be a number from 1.1 to 16"),
        (lambda: gs.AmpRun(dtype="float64"), "dtype must be one of float16, bfloat16, float32"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_rules_float32_is_torchs(value: float) -> None:
    assert float32(value) == torch.tensor(value, dtype=torch.float64).float().item()
