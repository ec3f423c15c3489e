"""The mistakes of the focal loss page: each costs what public threads say it costs."""

import math

import pytest
import torch
import torch.nn.functional as F

from explainers.losses.focal_loss import mistakes


def test_alpha_meant_for_the_negatives_makes_them_three_times_heavier() -> None:
    found = mistakes.alpha(mistakes.Alpha())
    assert found.wrong[1].negative > found.plain[1].negative > found.right[1].negative
    # Their weights are 3 to 1 in place of 1 to 3: nine times the odds.
    odds = [shares.negative / shares.positive for _, shares in (found.wrong, found.right)]
    assert odds[0] / odds[1] == pytest.approx(9)


def test_a_reduced_loss_gives_every_example_the_same_factor() -> None:
    found = mistakes.from_loss(mistakes.FromLoss())
    assert len(found.wrong.unique()) == 1
    torch.testing.assert_close(found.right, (1 - found.x) ** 2)


def test_a_weighted_loss_reads_p_t_to_the_power_of_the_weight() -> None:
    found = mistakes.from_loss(mistakes.FromLoss(kind="weighted", pos_weight=3.0, gamma=1.0))
    torch.testing.assert_close(found.wrong, 1 - found.x**3)
    assert (found.wrong > found.right).all()


def test_the_mean_shrinks_with_the_positives_and_their_own_number_does_not() -> None:
    for show in ("loss", "gradient"):
        found = mistakes.normaliser(mistakes.Normaliser(show=show))
        ratio = found.right / found.wrong
        assert float(ratio[2]) == pytest.approx(101)
        assert float(ratio[-1]) == pytest.approx(10_001)
        assert (found.wrong.diff() < 0).all()


def test_sigmoid_then_bceloss_says_100_at_logit_17_and_lets_the_gradient_go() -> None:
    loss = mistakes.apart(mistakes.Apart())
    slope = mistakes.apart(mistakes.Apart(show="gradient"))
    at = int((loss.x - 17).abs().argmin())
    assert (float(loss.wrong[at]), float(loss.right[at])) == (100, 17)
    assert (float(slope.wrong[at]), float(slope.right[at])) == (0, 1)
    assert (loss.x[0], loss.x[-1]) == (-120, 120)


def test_in_float16_bceloss_gives_nan_for_a_gradient() -> None:
    found = mistakes.apart(mistakes.Apart(dtype="float16", show="gradient"))
    assert found.wrong.isnan().sum() > 100
    assert "gradients are NaN" in found.mistake.wrong_cost
    assert "NaN" not in found.mistake.right_cost


@pytest.mark.parametrize("target", ["0", "1"])
def test_a_second_sigmoid_floors_the_loss(target: str) -> None:
    found = mistakes.twice(mistakes.Twice(target=target))
    floor = math.log(2) if target == "0" else math.log(1 + math.exp(-1))
    assert float(found.wrong.min()) == pytest.approx(floor, abs=1e-3)
    assert float(found.right.min()) < 1e-4
    assert "0.5990" in found.mistake.wrong_cost
    assert "0.4963" in found.mistake.right_cost


def test_the_prior_takes_9990_negatives_from_1298_to_almost_nothing() -> None:
    found = mistakes.prior(mistakes.Prior())
    assert "9,990 negatives cost 1298" in found.mistake.wrong_cost
    assert "9,990 negatives cost 0.0074" in found.mistake.right_cost
    assert (found.wrong.diff() > 0).all()
    assert (found.right.diff() < 0).all()
    places = found.x[[found.look, found.look_right]]
    assert places.tolist() == pytest.approx([0.0, -4.6])


def test_a_soft_label_is_not_where_focal_loss_is_lowest() -> None:
    for target in (0.6, 0.8, 0.95):
        found = mistakes.soft(mistakes.Soft(target=target))
        assert abs(float(found.x[found.wrong.argmin()]) - target) > 0.02
        assert float(found.x[found.right.argmin()]) == pytest.approx(target, abs=1e-9)
        assert float(found.x[found.others["BCE"].argmin()]) == pytest.approx(target, abs=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_gamma_below_one_gives_nan_and_one_above_does_not(dtype: str) -> None:
    below = mistakes.below_one(mistakes.BelowOne(gamma=0.5, dtype=dtype))
    above = mistakes.below_one(mistakes.BelowOne(gamma=1.5, dtype=dtype))
    assert below.wrong.isnan().any()
    assert above.wrong.isfinite().all()
    assert below.right.isfinite().all()


def test_the_right_line_of_the_power_is_focal_loss() -> None:
    found = mistakes.below_one(mistakes.BelowOne(gamma=0.5, dtype="float64"))
    x = found.x.clone().requires_grad_()
    losses = (0.5 * F.logsigmoid(-x)).exp() * F.softplus(-x, threshold=100)
    (slopes,) = torch.autograd.grad(losses.sum(), x)
    torch.testing.assert_close(found.right, slopes.abs())
