"""What the GradScaler's page says holds at every setting, against what torch did."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.precision import grad_scaler as gs
from explainers.precision.grad_scaler import mistakes
from explainers.precision.grad_scaler.view import AmpRun
from figures.curves import Curves
from figures.precision import grad_scaler as figures
from figures.stepper import Stepper
from tests.sentences import EXAMPLES, legal

# A run of 200 steps takes a tenth of a second.
few = settings(max_examples=max(EXAMPLES // 10, 1), deadline=None)
DOOM = AmpRun(backoff_factor=0.01, poisoned=", ".join(map(str, range(24))))
runs = legal(
    AmpRun,
    steps=st.integers(10, 60),
    poisoned=st.sets(st.integers(0, 70), min_size=1, max_size=24).map(
        lambda found: ", ".join(map(str, sorted(found)))
    ),
)


def drawn(view: gs.View) -> tuple[Curves, Stepper]:
    charts = figures.see(view)
    (calls,) = (part for part in charts if isinstance(part, Stepper))
    (scale,) = (part for part in charts if isinstance(part, Curves) and "scale" in part.title)
    return scale, calls


def clipped_as_said(view: gs.View, step: int, words: str) -> None:
    """Clip the step's gradients again, and hold what became of them against the words."""
    given, most = view.trace.backward[step], view.parameters.max_norm
    if view.parameters.unscale_first:
        given = given * view.trace.scale[step].double().reciprocal().float()
    weight = torch.zeros_like(given, requires_grad=True)
    weight.grad = given.clone()
    torch.nn.utils.clip_grad_norm_([weight], most)
    if "is NaN" in words:
        assert weight.grad.isnan().all()
    elif "is infinite" in words:
        assert torch.equal(weight.grad.isnan(), given.isinf())
        assert not weight.grad.nan_to_num().any()
    elif "nothing changes" in words:
        assert torch.equal(weight.grad, given)
    else:
        assert words == "Shortens the gradients to max_norm."
        assert float(weight.grad.double().norm()) == pytest.approx(most, rel=0.01)


def held(view: gs.View) -> None:
    assert [check.statement for check in gs.view_checks(view) if not check.holds] == []
    scale, calls = drawn(view)
    trace = view.trace
    for step, (number, facts) in enumerate(calls.steps):
        before, after = trace.weights[step].numpy(), trace.weights[step + 1].numpy()
        still = before.tobytes() == after.tobytes()
        if not trace.stepped[step]:
            assert still
            assert "skipped · no weight moves" in facts
            assert trace.update_norm[step] == 0
        words = {call.name: call.words for call in calls.sequences[number]}
        assert ("autocast computes" in words["forward"]) == (view.parameters.dtype != "float32")
        assert ("some NaN or inf before" in facts) != bool(trace.weights[step].isfinite().all())
        if view.parameters.clip:
            clipped_as_said(view, step, words["clip_grad_norm_"])
    skipped = int(trace.skipped.sum())
    crossed = len(scale.marks)
    assert ("none is skipped" in scale.title) == (skipped == 0)
    assert (f"{crossed} of {skipped}" in scale.title) == (crossed < skipped)
    # What backward left is 0 where its gradient is, whatever unscaling makes of it.
    assert torch.equal(trace.zero_share, (trace.backward == 0).double().mean(dim=1))


@pytest.mark.parametrize(
    ("poison", "words"),
    [("inf", "The norm is infinite: finite gradients become 0,"), ("nan", "The norm is NaN")],
)
def test_clipping_a_norm_that_is_not_finite_is_not_said_to_shorten(poison: str, words: str) -> None:
    view = gs.explain(AmpRun(clip=True, poison=poison, poisoned="3"))
    _, calls = drawn(view)
    said = {call.name: call.words for call in calls.sequences[calls.steps[3][0]]}
    assert said["clip_grad_norm_"].startswith(words)
    held(view)


def test_finite_gradients_whose_norm_overflows_are_said_to_become_zero() -> None:
    view = gs.explain(
        AmpRun(clip=True, unscale_first=False, dtype="float32", init_exponent=60, growth_interval=1)
    )
    _, calls = drawn(view)
    said = {call.name: call.words for call in calls.sequences[calls.steps[15][0]]}
    assert view.trace.backward[15].isfinite().all()
    assert said["clip_grad_norm_"].startswith("The norm is infinite: finite gradients become 0")
    held(view)


@given(runs)
@few
def test_what_is_said_of_a_step_is_what_torch_did(run: AmpRun) -> None:
    held(gs.explain(run))


@pytest.mark.parametrize("dtype", gs.DTYPES)
def test_a_skipped_step_moves_no_weight_where_all_are_nan(dtype: str) -> None:
    settings_ = AmpRun(
        dtype=dtype, backoff_factor=0.01, poisoned=DOOM.poisoned, init_exponent=16, steps=40
    )
    view = gs.explain(settings_)
    assert view.trace.weights[-1].isnan().any()
    assert view.trace.skipped[30:].any()
    held(view)


def test_scaled_to_zero_all_gradients_are_said_to_be_zero() -> None:
    trace = gs.run(steps=170, poisoned=range(167))
    assert trace.scale[168] == 0
    assert trace.zero_share[167] == 1


def test_float32_runs_without_autocast_and_says_so() -> None:
    _, calls = drawn(gs.explain(AmpRun(dtype="float32")))
    words = {call.name: call.words for call in calls.sequences[0]}
    assert words["forward"] == "Computes in float32, without autocast."


@pytest.mark.parametrize("steps", [10, 40, 200])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3])
def test_both_fields_name_the_norm_that_the_model_starts_with(steps: int, rate: float) -> None:
    norm = gs.run(steps=steps, learning_rate=rate, dtype="float32").gradient_norm[0]
    for kind in (AmpRun, mistakes.ClipFirst):
        assert f"{float(norm):.3g} at first" in kind.specs()["max_norm"].help


@given(st.sampled_from(gs.DTYPES), st.integers(-24, 40))
@few
def test_large_overflows_from_a_scale_of_two_on(dtype: str, exponent: int) -> None:
    trace = gs.run(steps=1, poisoned=(0,), poison="large", dtype=dtype, init_scale=2.0**exponent)
    assert bool(trace.found_inf[0]) == (exponent >= 1)


@given(legal(mistakes.ClipFirst))
@few
def test_what_clipping_first_costs_is_said_in_numbers_that_differ(
    asked: mistakes.ClipFirst,
) -> None:
    found = mistakes.clip_first(asked)
    cost = found.mistake.wrong_cost
    ratio = float(found.right[0] / found.wrong[0])
    assert "about 1 times" not in cost
    assert ("the first update is the same" in cost) == (ratio <= 1.005)
    if "Final loss" in cost:
        end = cost.split("Final loss ")[1].rstrip(".")
        if ", not " in end:
            first, second = end.split(", not ")
            assert first != second


@given(legal(mistakes.Rescaled))
@few
def test_the_picture_of_a_changed_scale_says_how_far_each_line_is_off(
    asked: mistakes.Rescaled,
) -> None:
    found = mistakes.rescaled(asked)
    (chart,) = figures.mistake(found, wrong=True)
    assert isinstance(chart, Curves)
    same = torch.equal(found.wrong, found.right)
    assert same == (asked.way == "update" and asked.factor == 0)
    right, wrong = chart.alt.split("under the wrong one ")
    true = found.others["one batch in float32"]
    assert f"{float((found.wrong - true).norm() / true.norm()):.2g} times" in wrong
    assert f"{float((found.right - true).norm() / true.norm()):.2g} times" in right
