"""What each mistake with autocast costs, and that the right line does what is meant."""

import math

import pytest
import torch

from explainers.precision.autocast import mistakes
from tests.lessons import lessons_of


@pytest.mark.parametrize("name", ["border", "in_place", "own_function", "other_device"])
def test_torchs_message_stands_once_at_the_line_that_raised(name: str) -> None:
    run, kind = lessons_of("autocast")[name]
    found = run(kind())
    said = [line.note.partition(": ")[2] for line in found.wrong if not line.gives]
    assert all(words and words not in found.mistake.wrong_cost for words in said)
    assert "Disabling autocast" not in found.mistake.wrong_cost


def test_small_updates_vanish_in_float16_weights_and_arrive_in_float32() -> None:
    found = mistakes.half_model(mistakes.HalfModel())
    assert "0 of 8 weights have moved" in found.mistake.wrong_cost
    assert "8 of 8 weights have moved" in found.mistake.right_cost
    assert found.wrong[0] == found.wrong[-1]
    assert found.right[-1] < 0.7 * found.right[0]


def test_large_updates_arrive_in_float16_too() -> None:
    found = mistakes.half_model(mistakes.HalfModel(exponent=-2))
    assert found.wrong[-1] < 0.01 * found.wrong[0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_what_leaves_the_region_meets_float32_and_torch_refuses(dtype: str) -> None:
    found = mistakes.border(mistakes.Border(dtype=dtype))
    assert [line.gives for line in found.wrong] == [dtype, dtype, ""]
    assert [line.gives for line in found.right] == [dtype, dtype, "float32"]
    assert [line.inside for line in found.right] == [True, True, False]
    assert found.said.startswith("RuntimeError: expected m1 and m2 to have the same dtype")


def test_a_sure_mistake_costs_100_after_a_float16_sigmoid_and_its_gradient_is_lost() -> None:
    found = mistakes.sigmoid_first(mistakes.Logits())
    assert "the loss is 100, its gradient NaN" in found.mistake.wrong_cost
    assert "The loss is 9, its gradient 1" in found.mistake.right_cost
    sure = found.x > 8.4
    assert (found.wrong[sure] == 100).all()
    assert torch.allclose(found.right[sure], found.x[sure], atol=1e-2)
    unsure = found.x < 5
    assert torch.allclose(found.wrong[unsure], found.right[unsure], rtol=0.02)


def test_squares_in_float16_overflow_and_vanish_in_a_norm_of_ones_own() -> None:
    found = mistakes.own_norm(mistakes.OwnNorm())
    assert found.wrong[-1] == 0
    assert math.isinf(found.wrong[0]) or math.isnan(found.wrong[0])
    assert torch.allclose(found.right, torch.ones_like(found.right), atol=1e-3)
    plain = mistakes.own_norm(mistakes.OwnNorm(exponent=0))
    assert float(plain.wrong[plain.look]) == pytest.approx(1, abs=1e-3)


def test_a_summed_loss_of_float16_logits_is_infinite_outside_of_autocast() -> None:
    found = mistakes.loss_outside(mistakes.LossOutside())
    assert found.wrong[-1] == math.inf
    assert found.right[-1] > torch.finfo(torch.float16).max
    small = mistakes.loss_outside(mistakes.LossOutside(samples=2048))
    wrong, right = float(small.wrong[0]), float(small.right[0])
    assert wrong != right
    assert wrong == pytest.approx(right, rel=1e-3)


def test_settings_between_two_points_look_at_the_nearest() -> None:
    assert mistakes.loss_outside(mistakes.LossOutside(samples=4000)).look == 1
    assert mistakes.backward_inside(mistakes.BackwardInside(exponent=-29)).look in (0, 1)


def test_backward_inside_loses_gradients_that_backward_after_it_keeps() -> None:
    found = mistakes.backward_inside(mistakes.BackwardInside())
    assert (found.right < 1e-6).all()
    assert found.wrong[0] == 1
    assert not found.wrong[-1].isfinite()
    middle = found.wrong[found.x == 0]
    assert 1e-5 < float(middle) < 1e-3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_function_of_ones_own_needs_torchs_decorators(dtype: str) -> None:
    found = mistakes.own_function(mistakes.OwnFunction(dtype=dtype))
    assert [line.gives for line in found.wrong] == [dtype, ""]
    assert [line.gives for line in found.right] == [dtype, "float32"]


@pytest.mark.parametrize(
    ("way", "gives"), [("in place", "float32"), ("out=", "float32"), ("in place, mixed", "")]
)
def test_in_place_and_out_are_left_alone(way: str, gives: str) -> None:
    found = mistakes.in_place(mistakes.InPlace(way=way))
    assert found.wrong[-1].gives == gives
    assert found.right[-1].gives == "bfloat16"
    assert bool(found.said) == (not gives)


def test_autocast_for_another_device_casts_nothing_and_torch_warns() -> None:
    found = mistakes.other_device(mistakes.OtherDevice())
    assert found.wrong[0].gives == "float32"
    assert "torch warns" in found.wrong[0].note
    assert found.right[0].gives == "float16"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mistakes.HalfModel(exponent=0), "exponent must be a whole number from -11 to -2"),
        (lambda: mistakes.Border(dtype="float64"), "dtype must be one of float16, bfloat16"),
        (lambda: mistakes.Logits(logit=math.nan), "logit must be a number from 0 to 20, got nan"),
        (lambda: mistakes.OwnNorm(exponent=13), "exponent must be a whole number from -14 to 12"),
        (lambda: mistakes.LossOutside(samples=1), "samples must be a whole number from 2048"),
        (lambda: mistakes.BackwardInside(exponent=25), "exponent must be a whole number from -30"),
        (lambda: mistakes.OwnFunction(dtype="half"), "dtype must be one of float16, bfloat16"),
        (lambda: mistakes.InPlace(way="add"), "way must be one of in place, out=, in place, mixed"),
        (lambda: mistakes.OtherDevice(dtype=""), "dtype must be one of float16, bfloat16"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
