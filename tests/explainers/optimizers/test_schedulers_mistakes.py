"""The mistakes of the schedulers page: each costs what public threads say it costs."""

import math

import pytest
import torch
from hypothesis import given, settings

from explainers.optimizers.schedulers import mistakes, trace
from tests.sentences import EXAMPLES, legal

# --- get_lr against get_last_lr ---


def test_at_a_drop_get_lr_drops_a_second_time_and_torch_warns() -> None:
    found = mistakes.get_lr(mistakes.GetLr())
    assert found.wrong[4] == pytest.approx(0.001)
    assert found.right[4] == pytest.approx(0.01)
    assert "at step 4 it says 0.001, while 0.01 is in use" in found.mistake.wrong_cost
    assert "get_last_lr()" in found.said


def test_get_last_lr_is_the_rate_in_use() -> None:
    found = mistakes.get_lr(mistakes.GetLr(scheduler="CosineAnnealingLR"))
    used = trace("CosineAnnealingLR", steps=12, T_max=10).learning_rate[0]
    assert torch.equal(found.right, used)
    assert found.wrong[0] > 0.1


def test_get_lr_of_a_lambda_does_no_harm() -> None:
    found = mistakes.get_lr(mistakes.GetLr(scheduler="LambdaLR"))
    assert torch.equal(found.wrong, found.right)
    assert "at 0 of 12 steps" in found.mistake.wrong_cost


# --- the order of the two steps ---


def test_the_scheduler_first_loses_the_first_rate_and_torch_warns() -> None:
    found = mistakes.order(mistakes.Order(step_size=2))
    assert found.wrong[:3].tolist() == pytest.approx([0.1, 0.01, 0.01])
    assert found.right[:3].tolist() == pytest.approx([0.1, 0.1, 0.01])
    assert found.said.startswith("Detected call of `lr_scheduler.step()` before")
    assert "warns of nothing" in found.mistake.right_cost


def test_the_wrong_order_is_the_right_one_a_step_early() -> None:
    found = mistakes.order(mistakes.Order(step_size=5, gamma=0.5))
    assert torch.equal(found.wrong[:-1], found.right[1:])


# --- the rate edited in mid-run ---


def test_recursion_goes_on_from_an_edit_and_the_closed_form_forgets_it() -> None:
    found = mistakes.edit(mistakes.Edit(edit_at=1))
    assert found.wrong[:3].tolist() == pytest.approx([0.1, 0.01, 0.081])
    assert found.right[:3].tolist() == pytest.approx([0.1, 0.01, 0.009])
    assert "The epoch parameter" in found.said


def test_a_lambda_forgets_an_edit_without_a_word() -> None:
    found = mistakes.edit(mistakes.Edit(way="LambdaLR"))
    assert found.said == ""
    assert "the edit lasts one step" in found.mistake.wrong_cost
    assert found.wrong[6] == pytest.approx(0.1 * 0.9**6)


@given(legal(mistakes.Edit))
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_any_rate_set_by_hand_lasts_under_recursion_and_is_said_to_be_lost_where_it_is(
    parameters: mistakes.Edit,
) -> None:
    found, at = mistakes.edit(parameters), parameters.edit_at
    assert found.right[at] == found.wrong[at] == parameters.rate
    assert found.right[at + 1] == pytest.approx(0.9 * parameters.rate, rel=1e-12)
    assert found.wrong[at + 1] == pytest.approx(0.1 * 0.9 ** (at + 1), rel=1e-12)
    lost = not math.isclose(found.wrong[at + 1], found.right[at + 1], rel_tol=1e-9)
    assert found.mistake.wrong_cost.endswith("the edit lasts one step.") == lost
    # What is set comes back whole from the code.
    first, *_ = found.mistake.right.splitlines()
    assert float(first.split(" = ")[1]) == parameters.rate


# --- resuming ---


@pytest.mark.parametrize("scheduler", mistakes.Resume.specs()["scheduler"].options)
@pytest.mark.parametrize("stop", [1, 4, 7, 18])
def test_both_state_dicts_resume_to_the_bit(scheduler: str, stop: int) -> None:
    found = mistakes.resume(mistakes.Resume(scheduler=scheduler, stop=stop))
    assert torch.equal(found.right, found.others["never cut"])
    assert torch.equal(found.wrong[:stop], found.right[:stop])


def test_last_epoch_alone_raises_the_key_error_that_the_notes_explain() -> None:
    found = mistakes.resume(mistakes.Resume())
    (said,) = found.steps
    assert said.startswith(
        "Without initial_lr torch says: KeyError: param 'initial_lr' is not specified in "
    )
    # The lines on show do not raise it.
    assert found.said == ""


def test_initial_lr_silences_the_error_and_starts_from_the_first_rate() -> None:
    found = mistakes.resume(mistakes.Resume(stop=6))
    assert found.wrong[6] == pytest.approx(0.1)
    assert found.right[6] == pytest.approx(0.01)


def test_what_falls_by_powers_is_drawn_on_a_log_axis_and_what_reaches_nought_is_not() -> None:
    assert mistakes.pace(mistakes.Pace()).log
    for scheduler in mistakes.Resume.specs()["scheduler"].options:
        found = mistakes.resume(mistakes.Resume(scheduler=scheduler))
        assert found.log == bool(found.others["never cut"].min() > 1e-9)


def test_a_lambda_resumes_from_initial_lr_and_last_epoch_alone() -> None:
    found = mistakes.resume(mistakes.Resume(scheduler="LambdaLR"))
    assert torch.equal(found.wrong, found.right)


def test_a_cosine_resumed_wrongly_is_right_again_once_it_has_been_at_zero() -> None:
    found = mistakes.resume(mistakes.Resume(scheduler="CosineAnnealingLR", stop=6))
    assert not torch.allclose(found.wrong[6:10], found.right[6:10])
    torch.testing.assert_close(found.wrong[10:], found.right[10:])


def test_the_optimizers_state_with_last_epoch_decays_twice_at_a_drop() -> None:
    for stop, factor in ((7, 1.0), (8, 0.1)):
        found = mistakes.resume(mistakes.Resume(stop=stop))
        again = found.others["the optimizer's state dict and last_epoch"]
        assert again[stop] == pytest.approx(float(found.right[stop]) * factor)


# --- a warm-up from 0 ---


@pytest.mark.parametrize("warmup", [1, 5, 10])
@pytest.mark.parametrize(("stepped", "batches"), [("each batch", 1), ("each epoch", 5)])
@pytest.mark.parametrize("after", ["full rate", "cosine"])
def test_a_factor_of_0_wastes_each_step_until_the_scheduler_is_called(
    warmup: int, stepped: str, batches: int, after: str
) -> None:
    found = mistakes.warm_up(mistakes.WarmUp(warmup=warmup, stepped=stepped, after=after))
    assert int((found.wrong == 0).sum()) == batches
    assert found.mistake.wrong_cost.startswith(f"{batches} of 60 steps")
    assert found.mistake.right_cost.startswith("0 steps move nothing")
    assert found.right[0] == pytest.approx(0.1 / warmup)
    # One call apart on the way up, together on the way down.
    climbing = warmup * batches
    torch.testing.assert_close(found.right[: climbing - batches], found.wrong[batches:climbing])
    assert torch.equal(found.right[climbing:], found.wrong[climbing:])


def test_the_form_of_hugging_face_is_a_line_and_half_a_cosine() -> None:
    found = mistakes.warm_up(mistakes.WarmUp(warmup=10, after="cosine"))
    line = [0.1 * step / 10 for step in range(10)]
    cosine = [0.05 * (1 + math.cos(math.pi * step / 50)) for step in range(50)]
    assert found.wrong.tolist() == pytest.approx([*line, *cosine])
    assert "share = (step - 10) / (60 - 10)" in found.mistake.wrong


# --- restarts that count epochs ---


@pytest.mark.parametrize("t_0", [2, 4, 5])
@pytest.mark.parametrize("batches", [2, 3, 20])
def test_by_fractions_of_an_epoch_a_restart_comes_as_its_epoch_begins(
    t_0: int, batches: int
) -> None:
    found = mistakes.restarts(mistakes.Restarts(t_0=t_0, batches=batches))
    cycle = [0.05 * (1 + math.cos(math.pi * i / (t_0 * batches))) for i in range(t_0 * batches)]
    assert found.right.tolist() == pytest.approx((cycle * 6)[: 12 * batches])
    (documented,) = found.others.values()
    # The documented line says of each batch where it began: all comes a batch late.
    torch.testing.assert_close(documented[1:], found.right[:-1])


@pytest.mark.parametrize(
    ("called", "first"), [("step()", 4), ("step(epoch)", 41), ("each epoch", 40)]
)
def test_otherwise_t_0_counts_batches_or_the_rate_stands_still_for_an_epoch(
    called: str, first: int
) -> None:
    found = mistakes.restarts(mistakes.Restarts(called=called))
    assert found.mistake.wrong_cost.startswith("4 different rates in 120 batches")
    assert f"the first at batch {first}, in epoch {first // 10}" in found.mistake.wrong_cost
    assert found.mistake.right_cost.startswith("40 different rates")
    assert "as torch's docs have it, at batch 41" in found.mistake.right_cost


# --- one schedule, stepped by several ---


@pytest.mark.parametrize("n", range(2, 9))
@pytest.mark.parametrize("stepped", ["processes", "micro-batches"])
def test_n_steps_for_one_end_the_schedule_at_an_nth_of_the_run(n: int, stepped: str) -> None:
    found = mistakes.several(mistakes.Several(stepped=stepped, n=n))
    over = found.look
    assert over is not None
    assert 60 / n - 1 <= over <= math.ceil(60 / n)
    assert f"are over at step {over} of 60. The {60 - over} steps from" in found.mistake.wrong_cost
    assert found.wrong[over:].abs().max() < 1e-9 < found.wrong[:over].min()
    assert found.right.tolist() == pytest.approx([0.1 * (1 - step / 60) for step in range(60)])


@pytest.mark.parametrize("stepped", ["processes", "micro-batches"])
def test_n_steps_for_one_bring_a_cosine_back_to_the_first_rate(stepped: str) -> None:
    for n in range(2, 9):
        found = mistakes.several(
            mistakes.Several(stepped=stepped, n=n, scheduler="CosineAnnealingLR")
        )
        assert found.wrong[found.look :].max() > 0.09
        assert "The rate then climbs" in found.mistake.wrong_cost
        assert found.right[-1] < 1e-4


def test_torch_warns_only_where_the_scheduler_steps_before_the_optimizer() -> None:
    for stepped in ("processes", "micro-batches"):
        found = mistakes.several(mistakes.Several(stepped=stepped))
        assert bool(found.said) == (stepped == "micro-batches")


# --- resumed with other arguments ---


@pytest.mark.parametrize("what", mistakes.Changed.specs()["what"].options)
@pytest.mark.parametrize("stop", [1, 6, 11])
def test_what_a_state_dict_holds_overrides_the_argument_given_now(what: str, stop: int) -> None:
    found = mistakes.changed(mistakes.Changed(what=what, stop=stop))
    old = found.others["never changed"]
    stands = what == "a function"
    assert torch.equal(found.wrong.nan_to_num(), (found.right if stands else old).nan_to_num())
    assert ("The change stands" in found.mistake.wrong_cost) == stands
    # Before the cut, and at it, nothing differs but a rate that is set by hand.
    assert torch.equal(found.right[:stop], old[:stop])
    assert (found.right[stop] == old[stop]) == (what != "lr")
    assert not torch.equal(found.right.nan_to_num(), old.nan_to_num())
    after = [line.rsplit(", ", 1)[1] for line in found.steps[1:]]
    given = [line.split(", ")[-2].removesuffix(" now given") for line in found.steps[1:]]
    in_use = [words.removesuffix(" after loading") for words in after]
    assert all((a == b) == stands for a, b in zip(given, in_use, strict=True))


def test_the_table_says_what_was_saved_what_is_given_and_what_is_used() -> None:
    assert mistakes.changed(mistakes.Changed()).steps == (
        "Saved by the scheduler: step_size=4, gamma=0.1",
        "step_size: 4 when saved, 8 now given, 4 after loading",
        "gamma: 0.1 when saved, 0.5 now given, 0.1 after loading",
    )
    of_object = mistakes.changed(mistakes.Changed(what="an object")).steps
    of_function = mistakes.changed(mistakes.Changed(what="a function")).steps
    assert of_object[0] == "Saved by the scheduler: lr_lambdas=[{'gamma': 0.8}]"
    assert of_function[0] == "Saved by the scheduler: lr_lambdas=[None]"


def test_a_longer_cycle_that_is_loaded_over_ends_where_the_short_one_did() -> None:
    found = mistakes.changed(mistakes.Changed(what="total_steps"))
    assert found.wrong[13:].isnan().all()
    assert found.said.startswith("ValueError: Tried to step 13 times")
    assert found.right.isfinite().all()


def test_a_rate_set_after_loading_decays_from_there() -> None:
    found = mistakes.changed(mistakes.Changed(what="lr", stop=4))
    assert found.right[4:].tolist() == pytest.approx([0.01 * 0.9**step for step in range(20)])


# --- a plateau in a composer ---


@pytest.mark.parametrize("composer", ["SequentialLR", "ChainedScheduler"])
def test_no_composer_takes_a_plateau(composer: str) -> None:
    found = mistakes.with_plateau(mistakes.WithPlateau(composer=composer))
    assert found.said.startswith(f"ValueError: {composer} does not support `ReduceLROnPlateau`")
    assert found.wrong.isnan().all()


def test_by_hand_the_rate_warms_up_and_then_falls_by_half() -> None:
    found = mistakes.with_plateau(mistakes.WithPlateau())
    assert found.right[:6].tolist() == pytest.approx([0.01, 0.028, 0.046, 0.064, 0.082, 0.1])
    assert found.right[-1] < 0.01
    assert set((found.right[7:] / found.right[6:-1]).tolist()) == {1.0, 0.5}


# --- past T_max ---


def test_past_t_max_the_rate_climbs_back_to_the_first() -> None:
    found = mistakes.past_t_max(mistakes.PastTMax(t_max=25))
    assert found.wrong[25] == pytest.approx(0, abs=1e-12)
    assert found.wrong[50] == pytest.approx(0.1)
    assert "to 0.1 at step 50" in found.mistake.wrong_cost
    assert found.right[-1] < 1e-4


def test_restarts_jump_where_the_cosine_climbs() -> None:
    found = mistakes.past_t_max(mistakes.PastTMax(t_max=20, meant="restarts"))
    assert found.right[20] == pytest.approx(0.1)
    assert found.right[19] < 0.001
    assert (found.wrong[1:] - found.wrong[:-1]).abs().max() < 0.01


def test_a_cosine_as_long_as_the_run_costs_nothing() -> None:
    found = mistakes.past_t_max(mistakes.PastTMax(t_max=60))
    assert torch.equal(found.wrong, found.right)


# --- OneCycle one step too far ---


def test_one_step_too_many_passes_with_a_larger_rate_and_the_next_raises() -> None:
    found = mistakes.one_too_far(mistakes.OneTooFar(total_steps=20))
    assert found.wrong[20] > 1000 * found.wrong[19] > 0
    assert found.wrong[21].isnan()
    assert found.said == (
        "ValueError: Tried to step 21 times. The specified number of total steps is 20"
    )


def test_with_straight_lines_the_extra_rate_is_negative() -> None:
    found = mistakes.one_too_far(mistakes.OneTooFar(anneal_strategy="linear"))
    assert found.wrong[20] < 0
    assert "below 0" in found.mistake.wrong_cost
    assert (found.right > 0).all()


# --- the pace ---


def test_a_schedule_for_epochs_stepped_each_batch_is_over_at_once() -> None:
    found = mistakes.pace(mistakes.Pace(batches=10))
    assert found.wrong[4] == pytest.approx(0.01)
    assert found.right[39] == pytest.approx(0.1)
    assert found.right[40] == pytest.approx(0.01)
    assert found.wrong[-1] < 1e-20


def test_a_cycle_for_batches_stepped_each_epoch_never_leaves_its_warm_up() -> None:
    found = mistakes.pace(mistakes.Pace(stepped="each epoch", batches=20))
    assert "all warm-up" in found.mistake.wrong_cost
    assert found.wrong.max() == found.wrong[-1] < 0.02
    assert found.right.max() == pytest.approx(0.1, rel=1e-3)


# --- the question, and bad input ---


def test_the_question_is_answered_by_torch() -> None:
    question = mistakes.question()
    assert question.options.count(question.answer) == 1
    assert question.answer == "0.1"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mistakes.GetLr(scheduler="OneCycleLR"), "scheduler must be one of StepLR, Multi"),
        (lambda: mistakes.Order(step_size=1), "step_size must be a whole number from 2 to 10"),
        (lambda: mistakes.Order(gamma=math.nan), "gamma must be a number from 0.1 to 0.9, got nan"),
        (lambda: mistakes.Edit(edit_at=19), "edit_at must be a whole number from 1 to 18, got 19"),
        (lambda: mistakes.Edit(rate=-0.1), "rate must be a number from 0 to 1000 .torch has no li"),
        (lambda: mistakes.Resume(stop=0), "stop must be a whole number from 1 to 18, got 0"),
        (lambda: mistakes.Resume(stop=2.5), "stop must be a whole number from 1 to 18, got 2.5"),
        (lambda: mistakes.WithPlateau(composer="LambdaLR"), "composer must be one of Sequential"),
        (lambda: mistakes.WithPlateau(patience=-1), "patience must be a whole number from 0 to 10"),
        (lambda: mistakes.PastTMax(t_max=4), "t_max must be a whole number from 5 to 60, got 4"),
        (lambda: mistakes.OneTooFar(total_steps=61), "total_steps must be a whole number from 5"),
        (lambda: mistakes.OneTooFar(anneal_strategy="x"), "anneal_strategy must be one of cos"),
        (lambda: mistakes.Pace(batches=1), "batches must be a whole number from 2 to 20, got 1"),
        (lambda: mistakes.Pace(stepped=None), "stepped must be one of each batch, each epoch"),
        (lambda: mistakes.WarmUp(warmup=0), "warmup must be a whole number from 1 to 10, got 0"),
        (lambda: mistakes.WarmUp(after="linear"), "after must be one of full rate, cosine, got"),
        (lambda: mistakes.Restarts(t_0=1), "t_0 must be a whole number from 2 to 6, got 1"),
        (lambda: mistakes.Restarts(called="i"), "called must be one of step"),
        (lambda: mistakes.Several(n=1), "n must be a whole number from 2 to 8, got 1"),
        (lambda: mistakes.Changed(stop=12), "stop must be a whole number from 1 to 11, got 12"),
        (lambda: mistakes.Changed(what="gamma"), "what must be one of step_size, gamma, miles"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
