"""Every mistake with initial weights, run both ways: the wrong line costs what it says."""

import importlib

import pytest
import torch

from explainers.initialization import initialization as topic
from explainers.initialization.initialization import mistakes


def test_xavier_with_relu_halves_the_variance_at_every_layer() -> None:
    result = mistakes.xavier_relu(mistakes.XavierRelu(depth=20))
    ratio = (result.wrong[-1] / result.wrong[1]).square() ** (1 / 19)
    assert float(ratio) == pytest.approx(0.5, abs=0.06)
    assert float(result.right[-1]) > 0.2


def test_relus_gain_makes_tanh_gradients_grow_and_five_thirds_more() -> None:
    result = mistakes.kaiming_tanh(mistakes.KaimingTanh(depth=40))
    assert float(result.wrong[-1]) > 2
    assert float(result.right[-1]) < 1
    assert float(result.others["gain 5/3, calculate_gain"][-1]) > 3 * float(result.wrong[-1])


def test_at_gain_one_a_tanh_gradient_shrinks_as_a_power_and_not_exponentially() -> None:
    result = mistakes.kaiming_tanh(mistakes.KaimingTanh())
    # Twice the depth squares what is exponential.
    assert float(result.wrong[-1]) == pytest.approx(float(result.wrong[50]) ** 2, rel=1.5)
    assert float(result.wrong[-1] / result.wrong[50]) > 5
    # Theory: as one over the root of the depth.
    assert float(result.right[-1] / result.right[50]) == pytest.approx(0.5**0.5, abs=0.15)
    assert float(result.right[50] / result.right[25]) == pytest.approx(0.5**0.5, abs=0.15)


def test_the_algebra_of_sqrt_five_ends_at_what_is_measured() -> None:
    result = mistakes.default(mistakes.Default(depth=20, fan_in=256))
    assert len(result.steps) == 5
    for step in result.steps[1:4]:
        computed, measured = (float(part.split("=")[-1]) for part in step.split("      ", 1))
        assert measured == pytest.approx(computed, rel=0.02)
    assert float(result.wrong[-1]) ** 2 == pytest.approx((1 / 6) ** 20, rel=0.95)


@pytest.mark.parametrize("start", ["constant", "zeros"])
def test_equal_weights_stay_equal_and_random_ones_learn(start: str) -> None:
    result = mistakes.symmetry(mistakes.Symmetry(start=start))
    assert "hold 1 different weight:" in result.mistake.wrong_cost
    assert "hold 8 different weights" in result.mistake.right_cost
    assert float(result.right[-1]) < 0.2 * float(result.wrong[-1])
    if start == "zeros":
        assert float(result.wrong.max() - result.wrong.min()) == 0


@pytest.mark.parametrize("kind", ["depthwise", "transposed"])
def test_true_fans_keep_what_torchs_fans_lose(kind: str) -> None:
    result = mistakes.count_fans(mistakes.Fans(kind=kind))
    assert float(result.right[-1]) > 1e3 * float(result.wrong[-1])


def test_trunc_normal_cuts_at_two_whatever_the_std() -> None:
    result = mistakes.truncated(mistakes.Truncated(std=1.0))
    assert "got 0.87" in result.mistake.wrong_cost or "got 0.88" in result.mistake.wrong_cost
    assert result.x is not None
    torch.testing.assert_close(result.right, result.x, rtol=0.03, atol=0)
    assert float(result.wrong[-1]) < 1.2
    small = mistakes.truncated(mistakes.Truncated(std=0.02))
    assert "4." in small.mistake.wrong_cost  # stds from 0: nothing is cut


def test_selu_fades_under_torchs_gain() -> None:
    result = mistakes.selu(mistakes.Selu(depth=30))
    assert float(result.wrong[-1]) ** 2 == pytest.approx(0.047, abs=0.02)
    assert float(result.right[-1]) == pytest.approx(1, abs=0.1)


def test_a_leaf_that_requires_a_gradient_is_not_filled_outside_no_grad() -> None:
    result = mistakes.in_place(mistakes.InPlace())
    assert "a leaf Variable that requires grad" in result.said
    assert (result.right == 1).all()
    assert float(result.wrong.abs().max()) <= 8**-0.5


def test_data_hides_a_change_that_autograd_would_refuse() -> None:
    result = mistakes.through_data(mistakes.Data())
    assert result.wrong.isfinite().all()
    assert float((result.wrong - result.right).norm() / result.right.norm()) > 0.5
    assert "modified by an inplace operation" in result.mistake.lesson


def test_weights_drawn_before_the_forward_pass_get_their_gradient() -> None:
    result = mistakes.through_data(mistakes.Data())
    assert result.right.isfinite().all()
    assert "The gradient is 0% off" in result.mistake.right_cost
    assert result.mistake.right.startswith("init.normal_(conv.weight, ")


def test_weight_is_a_name_of_batch_norms_gamma_too() -> None:
    result = mistakes.by_name(mistakes.ByName(std=0.02))
    assert float(result.wrong[-1]) < 0.05
    assert float(result.right[-1]) == pytest.approx(1, abs=0.05)


def test_thirty_layers_as_torch_makes_them_leave_nothing() -> None:
    question = topic.question()
    assert question.answer == "about 10⁻²³"
    with pytest.raises(ValueError, match="device must be one of cpu"):
        topic.question(device="cuda:99")


def test_the_modules_are_the_topics() -> None:
    # The package offers a function of the module's name.
    module = importlib.import_module("explainers.initialization.initialization.checks")
    assert module.checks is topic.checks
