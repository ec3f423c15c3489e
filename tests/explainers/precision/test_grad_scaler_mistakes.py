"""The mistakes with scaler and autocast: each costs what public threads say it costs."""

import warnings

import pytest
import torch

from explainers.precision.grad_scaler import machine, mistakes

# --- clipping before unscale_ ---


def test_clipping_before_unscale_makes_the_update_too_small_by_the_scale() -> None:
    found = mistakes.clip_first(mistakes.ClipFirst())
    assert found.right[0] / found.wrong[0] == pytest.approx(65536, rel=0.02)
    seen, true = (found.others[f"norm that clipping sees, {who}"][0] for who in ("wrong", "right"))
    assert seen / true == pytest.approx(65536, rel=1e-3)


def test_the_cost_of_clipping_first_is_said_in_numbers_one_can_read() -> None:
    assert mistakes.clip_first(mistakes.ClipFirst()).mistake.wrong_cost == (
        "Clipping sees a norm of 869 instead of 0.0133; the first update is about 66,000 times too "
        "small. Final loss 3.6e-05, not 1.4e-05."
    )


@pytest.mark.parametrize("settings", [{"init_exponent": 0}, {"init_exponent": 1, "max_norm": 0.05}])
def test_at_a_scale_of_one_or_a_norm_that_passes_the_order_does_not_matter(settings) -> None:
    found = mistakes.clip_first(mistakes.ClipFirst(**settings))
    torch.testing.assert_close(found.wrong[0], found.right[0], atol=0, rtol=2e-3)
    assert "the first update is the same" in found.mistake.wrong_cost


@pytest.mark.parametrize(
    ("ratio", "words"), [(66125.2, "66,000"), (128.4, "130"), (2.04, "2"), (0.000261, "0.00026")]
)
def test_a_ratio_is_said_in_two_digits(ratio: float, words: str) -> None:
    assert mistakes.times(ratio) == words


# --- a schedule that does not know of skipped steps ---


def test_three_skips_put_the_schedule_three_steps_ahead_and_nobody_warns() -> None:
    found = mistakes.skipped_steps(mistakes.SkippedSteps())
    assert found.others["steps taken by the optimizer"][-1] == 21
    assert found.others["steps taken by the scheduler, wrong"][-1] == 24
    assert found.others["steps taken by the scheduler, right"][-1] == 21
    assert found.said == ""
    assert found.wrong[-1] == pytest.approx(float(found.right[-1]) * 0.9**3)


def test_torch_warns_when_the_very_first_step_is_skipped() -> None:
    found = mistakes.skipped_steps(mistakes.SkippedSteps(first=0))
    assert found.said.startswith("Detected call of `lr_scheduler.step()` before")
    assert "torch does not warn" in found.mistake.right_cost


def test_without_a_skip_both_loops_are_one() -> None:
    found = mistakes.skipped_steps(mistakes.SkippedSteps(count=0))
    assert torch.equal(found.wrong, found.right)
    assert ", not " not in found.mistake.wrong_cost


# --- orders that torch refuses ---


@pytest.mark.parametrize(
    ("order", "edge", "sentence"),
    [
        ("unscale twice", ("UNSCALED", "unscale_"), "unscale_() has already been called"),
        ("update without step", ("READY", "update"), "No inf checks were recorded prior to update"),
        ("float16 gradients", ("READY", "unscale_"), "Attempting to unscale FP16 gradients"),
        ("unscale after step", ("STEPPED", "unscale_"), "unscale_() is being called after step()"),
        ("step twice", ("STEPPED", "step"), "step() has already been called since the last"),
    ],
)
def test_an_illegal_order_is_refused_at_its_edge_in_torchs_words(
    order: str, edge: tuple[str, str], sentence: str
) -> None:
    found = mistakes.illegal_order(mistakes.IllegalOrder(order=order))
    assert (found.edge.state, found.edge.call) == edge
    assert sentence in found.said
    assert found.edge.then == found.edge.state
    assert not found.edge.legal
    assert found.right_said == ""
    assert found.right_states[-1] == "READY"
    if order != "float16 gradients":
        known = {(each.state, each.call): each for each in machine()}
        assert known[edge] == found.edge


# --- the scale that changes in mid-accumulation ---


def test_a_new_scale_in_mid_accumulation_spoils_the_gradient() -> None:
    found = mistakes.rescaled(mistakes.Rescaled())
    true = found.others["one batch in float32"]
    assert (found.wrong - true).norm() > 0.1 * true.norm()
    assert (found.right - true).norm() < 2e-3 * true.norm()


def test_the_spoilt_sum_is_that_of_two_scales() -> None:
    found = mistakes.rescaled(mistakes.Rescaled(micro_batches=2, after=1, factor=8))
    # The first half keeps the small scale, and is divided by the large one.
    large = mistakes.rescaled(mistakes.Rescaled(micro_batches=2, after=1, factor=0))
    assert (found.wrong - found.right).norm() > 0.3 * found.right.norm()
    torch.testing.assert_close(large.wrong, large.right, atol=0, rtol=0)


def test_a_large_new_scale_stands_in_the_code_digit_by_digit() -> None:
    found = mistakes.rescaled(mistakes.Rescaled(factor=8))
    assert "scaler.update(16777216)" in found.mistake.wrong


def test_unscaling_early_is_worse_still() -> None:
    found = mistakes.rescaled(mistakes.Rescaled(way="unscale_"))
    true = found.others["one batch in float32"]
    assert found.wrong.norm() > 1000 * true.norm()


# --- the scale that falls to zero ---


def test_166_bad_batches_take_the_scale_to_zero_and_clean_ones_make_the_weight_nan() -> None:
    found = mistakes.to_zero(mistakes.ToZero(bad=166))
    assert found.wrong[165] == 2.0**-149
    assert found.wrong[166:].tolist() == [0.0] * 31
    assert found.others["weight, wrong"][-1].isnan()
    assert found.others["weight, right"][-1] == pytest.approx(1, abs=0.01)
    assert found.right.min() == 1
    assert "later it is 0, and the weight NaN" in found.mistake.wrong_cost


def test_a_tiny_scale_is_said_as_a_power_of_two() -> None:
    found = mistakes.to_zero(mistakes.ToZero(bad=100))
    assert "After 100 bad batches the scale is 2**-84;" in found.mistake.wrong_cost


@pytest.mark.parametrize(("bad", "survives"), [(143, True), (144, False)])
def test_the_weights_are_lost_before_zero_when_the_inverse_is_infinite(
    bad: int, survives: bool
) -> None:
    found = mistakes.to_zero(mistakes.ToZero(bad=bad))
    assert found.wrong[bad] == 2.0 ** (16 - bad)
    assert bool(found.others["weight, wrong"][-1].isfinite()) == survives


# --- no scaler ---


def test_without_a_scaler_float16_stalls_on_a_small_loss_and_bfloat16_does_not() -> None:
    found = mistakes.no_scaler(mistakes.NoScaler())
    brain = found.others["bfloat16 without a scaler"]
    assert found.wrong[-1] > 2 * found.right[-1]
    assert brain[-1] == pytest.approx(float(found.right[-1]), rel=0.05)


def test_without_a_small_loss_a_scaler_changes_little() -> None:
    found = mistakes.no_scaler(mistakes.NoScaler(exponent=0))
    assert found.wrong[-1] == pytest.approx(float(found.right[-1]), rel=0.02)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mistakes.ClipFirst(max_norm=0.0), "max_norm must be a number from 0.0005 to 0.05"),
        (lambda: mistakes.SkippedSteps(count=9), "count must be a whole number from 0 to 8, got 9"),
        (lambda: mistakes.IllegalOrder(order="none"), "order must be one of unscale twice"),
        (lambda: mistakes.Rescaled(micro_batches=1), "micro_batches must be a whole number from 2"),
        (lambda: mistakes.Rescaled(way="swap"), "way must be one of update, unscale_, got swap"),
        (lambda: mistakes.ToZero(bad=201), "bad must be a whole number from 0 to 200, got 201"),
        (lambda: mistakes.NoScaler(exponent=0.5), "exponent must be a whole number from 0 to 16"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("way", ["update", "unscale_"])
def test_whether_torch_warns_of_a_changed_scale_is_heard_and_not_written(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mistakes.rescaled(mistakes.Rescaled(way=way)).mistake.wrong_cost.endswith(
        "torch does not warn."
    )
    true = getattr(torch.amp.GradScaler, way)

    def warning(self: torch.amp.GradScaler, *given: object) -> None:
        warnings.warn("the scale changes", stacklevel=2)
        true(self, *given)

    monkeypatch.setattr(torch.amp.GradScaler, way, warning)
    found = mistakes.rescaled(mistakes.Rescaled(way=way))
    assert found.mistake.wrong_cost.endswith("torch warns.")
    assert found.said == "the scale changes"
