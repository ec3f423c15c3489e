"""Focal loss: the value and the derivatives of every finite logit, and what an example weighs."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from explainers.evidence import Verdict
from explainers.losses.focal_loss import (
    DTYPES,
    GAMMAS,
    binary_focal_loss,
    checks,
    claims,
    class_shares,
    cumulative,
    every_logit,
    focal_curve,
    question,
    scene,
)
from explainers.losses.focal_loss.reference import focal

NAMES = pytest.mark.parametrize("name", DTYPES)
WIDTHS = {"float16": 16, "float32": 32, "float64": 64}


def logits_of(name: str) -> st.SearchStrategy[float]:
    """Every finite number of a dtype, small ones as often as huge ones."""
    largest = torch.finfo(DTYPES[name]).max
    if name == "bfloat16":
        return st.one_of(st.floats(-130, 130), st.floats(-largest, largest))
    return st.one_of(
        st.floats(-130, 130),
        st.floats(-largest, largest, width=WIDTHS[name]),  # type: ignore[arg-type]
    )


GAMMA = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 5.0, 50.0, 1e4]), st.floats(0, 10), st.floats(0, 1e6)
)
ALPHA = st.one_of(st.none(), st.floats(0, 1))
TARGET = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1))
POS_WEIGHT = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 3.0]), st.floats(0, 1e4))


def slope(losses: Tensor, logits: Tensor) -> Tensor:
    return torch.autograd.grad(losses, logits, torch.ones_like(losses))[0]


@NAMES
@given(data=st.data())
@settings(max_examples=300)
def test_value_and_derivatives_are_finite_at_every_finite_logit(name: str, data) -> None:
    dtype = DTYPES[name]
    logits = torch.tensor(data.draw(st.lists(logits_of(name), min_size=1, max_size=6)), dtype=dtype)
    logits = logits[logits.isfinite()].requires_grad_()
    targets = torch.full_like(logits, data.draw(TARGET))
    weight = data.draw(POS_WEIGHT)
    losses = binary_focal_loss(
        logits,
        targets,
        gamma=data.draw(GAMMA),
        alpha=data.draw(ALPHA),
        reduction=data.draw(st.sampled_from(["none", "sum"])),
        pos_weight=None if weight is None else torch.tensor(weight, dtype=dtype),
    )
    assert losses.dtype == dtype
    assert losses.isfinite().all()
    assert (losses >= 0).all()
    (first,) = torch.autograd.grad(losses.sum(), logits, create_graph=True)
    assert first.dtype == dtype
    assert first.isfinite().all()
    assert slope(first, logits).isfinite().all()


@NAMES
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 1e3, 1e300])
@pytest.mark.parametrize("target", [0.0, 1.0, 0.5, 1e-7, 1 - 1e-7])
def test_no_logit_of_a_dtype_is_left_out(name: str, gamma: float, target: float) -> None:
    logits = every_logit(name).requires_grad_()
    for alpha, weight in itertools.product((None, 0.25), (None, 3.0)):
        losses = binary_focal_loss(
            logits,
            torch.full_like(logits, target),
            gamma=gamma,
            alpha=alpha,
            pos_weight=None if weight is None else torch.tensor(weight),
        )
        assert losses.isfinite().all()
        assert slope(losses, logits).isfinite().all()


@given(
    logits=st.lists(logits_of("float32"), min_size=1, max_size=20),
    gamma=GAMMA,
    alpha=ALPHA,
    target=TARGET,
    pos_weight=POS_WEIGHT,
)
@settings(max_examples=500)
def test_float32_keeps_five_digits_wherever_the_result_is_a_normal_number(
    logits, gamma, alpha, target, pos_weight
) -> None:
    x = torch.tensor(logits, dtype=torch.float32).requires_grad_()
    t = torch.full_like(x, target)
    weight = torch.tensor(1.0 if pos_weight is None else pos_weight, dtype=torch.float32)
    losses = binary_focal_loss(
        x, t, gamma=gamma, alpha=alpha, pos_weight=None if pos_weight is None else weight
    )
    expected = focal(
        x.detach().double().numpy(),
        t.double().numpy(),
        gamma=gamma,
        alpha=alpha,
        pos_weight=float(weight),
    )
    limits = torch.finfo(torch.float32)
    for found, wanted in zip((losses, slope(losses, x)), expected, strict=True):
        size = np.abs(wanted)
        normal = (size >= limits.tiny) & (size <= limits.max)
        error = np.abs(found.detach().double().numpy() - wanted)
        # Where a soft label is met, the slope is a difference of two terms that cancel; the
        # reference itself then has no five digits of so small a rest.
        noise = 1e-15 * (1 + gamma) ** 2 * (1 + float(weight))
        assert (error[normal] <= 1e-5 * size[normal] + (noise if 0 < target < 1 else 0)).all()


@given(logit=st.floats(-700, 700), gamma=st.floats(0, 20), alpha=ALPHA, target=TARGET)
def test_float64_follows_the_closed_form_in_log_space(logit, gamma, alpha, target) -> None:
    x = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    losses = binary_focal_loss(x, torch.full_like(x, target), gamma=gamma, alpha=alpha)
    value, derivative = focal([logit], [target], gamma=gamma, alpha=alpha)
    assert float(losses.detach()) == pytest.approx(float(value[0]), rel=1e-10, abs=1e-300)
    assert float(slope(losses, x)) == pytest.approx(float(derivative[0]), rel=1e-9, abs=1e-13)


def test_torchs_own_bce_and_autograd_miss_what_is_met_here() -> None:
    logit = torch.tensor([-12.0], requires_grad=True)
    zero = torch.zeros(1)
    exact = math.log1p(math.exp(-12))
    torchs = float(F.binary_cross_entropy_with_logits(logit, zero).detach())
    ours = float(binary_focal_loss(logit, zero, gamma=0.0, alpha=None).detach())
    assert abs(torchs / exact - 1) > 0.05
    assert ours == pytest.approx(exact, rel=1e-6)
    largest = torch.tensor([torch.finfo(torch.float32).max], requires_grad=True)
    one = torch.ones(1)
    assert slope(sigmoid_focal_loss(largest, one, gamma=0.5), largest).isnan().all()
    assert float(slope(binary_focal_loss(largest, one, gamma=0.5), largest)) == 0.0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 6.0])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.25, 1.0])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_torchvision_gives_the_same_value_and_gradient(gamma, alpha, reduction) -> None:
    generator = torch.Generator().manual_seed(3)
    x = (4 * torch.randn(7, 5, generator=generator, dtype=torch.float64)).requires_grad_()
    t = torch.rand(7, 5, generator=generator, dtype=torch.float64)
    t[:4] = t[:4].round()
    ours = binary_focal_loss(x, t, gamma=gamma, alpha=alpha, reduction=reduction)
    theirs = sigmoid_focal_loss(
        x, t, gamma=gamma, alpha=-1 if alpha is None else alpha, reduction=reduction
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-13)
    torch.testing.assert_close(slope(ours, x), slope(theirs, x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0, 30.0])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("alpha", [None, 0.3])
def test_gradcheck_and_double_backward_pass(gamma, reduction, alpha) -> None:
    x = torch.linspace(-5, 5, 8, dtype=torch.float64).requires_grad_()
    t = torch.tensor([0, 1, 0, 1, 0.2, 0.5, 0.9, 1], dtype=torch.float64)
    weight = torch.tensor([3.0], dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        return binary_focal_loss(
            x, t, gamma=gamma, alpha=alpha, reduction=reduction, pos_weight=weight
        )

    assert torch.autograd.gradcheck(loss, (x,))
    assert torch.autograd.gradgradcheck(loss, (x,))


def test_a_third_derivative_is_refused_and_not_taken_for_zero() -> None:
    x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    losses = binary_focal_loss(x, torch.ones(2)).sum()
    (first,) = torch.autograd.grad(losses, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="a third was asked for"):
        torch.autograd.grad((second * x).sum(), x)


def test_functional_gradients_work_too() -> None:
    ones = torch.ones(3)
    found = torch.func.grad(lambda x: binary_focal_loss(x, ones).sum())(torch.zeros(3))
    x = torch.zeros(3, requires_grad=True)
    assert torch.equal(found, slope(binary_focal_loss(x, ones), x))


def test_gamma_zero_is_binary_cross_entropy_and_alpha_half_is_half_of_it() -> None:
    x = torch.linspace(-9, 9, 41, dtype=torch.float64)
    t = (torch.arange(41) % 3 == 0).double()
    bce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    torch.testing.assert_close(binary_focal_loss(x, t, gamma=0, alpha=None), bce)
    torch.testing.assert_close(binary_focal_loss(x, t, gamma=0, alpha=0.5), bce / 2)
    weight = torch.where(t > 0.5, 0.25, 0.75)
    torch.testing.assert_close(binary_focal_loss(x, t, gamma=0, alpha=0.25), weight * bce)


def test_pos_weight_three_is_every_positive_three_times() -> None:
    x = torch.linspace(-3, 3, 8, dtype=torch.float64)
    t = (torch.arange(8) < 2).double()
    three = torch.tensor(3.0)
    more, labels = torch.cat([x, x[:2], x[:2]]), torch.cat([t, t[:2], t[:2]])
    for gamma in (0.0, 2.0):
        weighed = binary_focal_loss(
            x, t, gamma=gamma, alpha=None, reduction="sum", pos_weight=three
        )
        repeated = binary_focal_loss(more, labels, gamma=gamma, alpha=None, reduction="sum")
        torch.testing.assert_close(weighed, repeated)
        mean = binary_focal_loss(x, t, gamma=gamma, alpha=None, reduction="mean", pos_weight=three)
        torch.testing.assert_close(mean, repeated / 8)


def test_pos_weight_broadcasts_over_classes() -> None:
    x = torch.linspace(-2, 2, 6).reshape(2, 3)
    t = torch.ones(2, 3)
    weight = torch.tensor([1.0, 2.0, 4.0])
    plain = binary_focal_loss(x, t)
    torch.testing.assert_close(binary_focal_loss(x, t, pos_weight=weight), plain * weight)


@NAMES
def test_dtype_shape_and_device_stay_and_the_inputs_are_left_alone(name: str) -> None:
    for shape in ((), (0,), (3,), (2, 1, 4)):
        x = torch.full(shape, 0.5, dtype=DTYPES[name])
        t = torch.ones(shape)
        found = binary_focal_loss(x, t)
        assert (found.shape, found.dtype, found.device) == (x.shape, x.dtype, x.device)
        assert torch.equal(x, torch.full(shape, 0.5, dtype=DTYPES[name]))
        assert binary_focal_loss(x, t, reduction="sum").shape == ()


def test_labels_may_be_whole_numbers_or_booleans() -> None:
    x = torch.tensor([1.0, -2.0])
    expected = binary_focal_loss(x, torch.tensor([1.0, 0.0]))
    for labels in (torch.tensor([1, 0]), torch.tensor([True, False])):
        assert torch.equal(binary_focal_loss(x, labels), expected)


def test_a_number_beyond_the_dtype_becomes_its_largest() -> None:
    x = torch.tensor([-60000.0], dtype=torch.float16, requires_grad=True)
    one = torch.ones(1)
    losses = binary_focal_loss(x, one, alpha=None, pos_weight=torch.tensor(3.0))
    assert float(losses.detach()) == torch.finfo(torch.float16).max
    assert float(slope(losses, x)) == -3.0


def test_a_nan_stays_a_nan() -> None:
    x = torch.tensor([float("nan")], requires_grad=True)
    losses = binary_focal_loss(x, torch.ones(1))
    assert losses.isnan().all()
    assert slope(losses, x).isnan().all()


X, T = torch.zeros(3), torch.ones(3)
BAD = [
    ((X, T), {"gamma": -1.0}, "gamma must be a finite number of 0 or more, got -1.0"),
    ((X, T), {"gamma": math.nan}, "gamma must be a finite number of 0 or more, got nan"),
    ((X, T), {"gamma": math.inf}, "gamma must be a finite number of 0 or more, got inf"),
    ((X, T), {"gamma": "2"}, "gamma must be a finite number of 0 or more, got 2"),
    ((X, T), {"gamma": True}, "gamma must be a finite number of 0 or more, got True"),
    ((X, T), {"alpha": 1.5}, "alpha must be None or a number from 0 to 1, got 1.5"),
    ((X, T), {"alpha": -1}, "alpha must be None or a number from 0 to 1, got -1"),
    ((X, T), {"alpha": math.nan}, "alpha must be None or a number from 0 to 1, got nan"),
    ((X, T), {"reduction": "avg"}, "reduction must be one of none, mean, sum, got avg"),
    ((X, T * 2), {}, "targets must lie from 0 to 1, got 2"),
    ((X, T - 1.5), {}, "targets must lie from 0 to 1, got -0.5"),
    ((X, T * math.nan), {}, "targets must lie from 0 to 1, got nan"),
    ((X, T[:2]), {}, "targets must have the shape of logits, (3,), got (2,)"),
    ((X[:, None], T), {}, "targets must have the shape of logits, (3, 1), got (3,)"),
    ((X.long(), T), {}, "logits must be a floating point tensor, got torch.int64"),
    (([0.0], T), {}, "logits must be a floating point tensor, got [0.0]"),
    ((X, 1.0), {}, "targets must be a tensor of real numbers, got 1.0"),
    (
        (X[:0], T[:0]),
        {"reduction": "mean"},
        "logits must not be empty with reduction 'mean', got shape (0,)",
    ),
    ((X, T), {"pos_weight": 3.0}, "pos_weight must be None or a tensor, got 3.0"),
    (
        (X, T),
        {"pos_weight": torch.ones(2)},
        "pos_weight must broadcast to the shape of logits, (3,), got (2,)",
    ),
    (
        (X, T),
        {"pos_weight": torch.ones(2, 3)},
        "pos_weight must broadcast to the shape of logits, (3,), got (2, 3)",
    ),
    (
        (X, T),
        {"pos_weight": torch.tensor(-1.0)},
        "pos_weight must hold finite numbers of 0 or more, got -1",
    ),
    (
        (X, T),
        {"pos_weight": torch.tensor(math.inf)},
        "pos_weight must hold finite numbers of 0 or more, got inf",
    ),
    (
        (X, T.clone().requires_grad_()),
        {},
        "targets must not require a gradient: only logits get one, got True",
    ),
]


@pytest.mark.parametrize(("tensors", "given_", "sentence"), BAD)
def test_bad_input_gets_its_sentence(tensors, given_, sentence) -> None:
    with pytest.raises(ValueError) as refusal:
        binary_focal_loss(*tensors, **given_)
    assert str(refusal.value) == sentence


# --- the curve ---


@pytest.mark.parametrize("alpha", [None, 0.25, 1.0])
@pytest.mark.parametrize("gamma", [*GAMMAS, 3.3])
def test_the_curve_is_the_papers_formula(gamma: float, alpha: float | None) -> None:
    curve = focal_curve(gamma, alpha=alpha)
    p = curve.probability
    assert p.shape == (201,)
    torch.testing.assert_close(p, torch.linspace(0, 1, 201, dtype=torch.float64))
    for part in (p, curve.cross_entropy, curve.focal, curve.down_weighting):
        assert part.dtype == torch.float64
        assert part.isfinite().all()
    torch.testing.assert_close(curve.cross_entropy, -p.log())
    factor = 1.0 if alpha is None else alpha
    torch.testing.assert_close(
        curve.focal, -factor * (1 - p) ** gamma * p.log(), rtol=1e-10, atol=0
    )
    torch.testing.assert_close(curve.down_weighting, (1 - p) ** -gamma)


def test_at_p_t_09_gamma_2_weighs_a_hundred_times_less_and_at_0968_a_thousand() -> None:
    curve = focal_curve(2.0, points=1001)
    assert float(curve.down_weighting[900]) == pytest.approx(100)
    assert float(curve.down_weighting[968]) == pytest.approx(1000, rel=0.03)
    assert float(curve.cross_entropy[900] / curve.focal[900]) == pytest.approx(100)


@pytest.mark.parametrize("points", [1, 0, 2.0, True, 10**6, "9"])
def test_a_curve_of_no_length_gets_its_sentence(points) -> None:
    with pytest.raises(ValueError, match="points must be a whole number from 2 to 20000, got"):
        focal_curve(2.0, points=points)


# --- shares ---


@given(
    gamma=st.floats(0, 6),
    alpha=ALPHA,
    bias=st.floats(-6, 6),
    ratio=st.sampled_from([1, 10, 1000, 10_000]),
)
@settings(max_examples=40)
def test_shares_add_up_and_are_those_of_a_plain_sum(gamma, alpha, bias, ratio) -> None:
    logits, targets = scene(ratio, separation=3.0, bias=bias)
    found = class_shares(logits, targets, gamma=gamma, alpha=alpha)
    if found.loss:
        assert found.positive + found.negative == pytest.approx(1)
    losses, slopes = focal(logits.numpy(), targets.numpy(), gamma=gamma, alpha=alpha)
    positives = 10_000 // ratio
    slopes = np.abs(slopes)
    assert found.positive == pytest.approx(float(losses[:positives].sum() / losses.sum()))
    assert found.positive_gradient == pytest.approx(float(slopes[:positives].sum() / slopes.sum()))
    assert found.negative_gradient == pytest.approx(1 - found.positive_gradient)


def test_focal_loss_moves_weight_from_easy_to_hard_and_not_from_class_to_class() -> None:
    for bias, moved in ((-3.0, True), (0.0, False)):
        logits, targets = scene(1000, separation=6.0, bias=bias)
        before = class_shares(logits, targets, gamma=0.0, alpha=None).negative
        after = class_shares(logits, targets, gamma=2.0, alpha=None).negative
        assert before > 0.8
        assert (after < 0.05) == moved
        assert (abs(after - before) < 0.01) == (not moved)


def test_the_prior_bias_silences_9990_negatives() -> None:
    zeros = torch.zeros(9990, dtype=torch.float64)
    before = binary_focal_loss(zeros, zeros, reduction="sum")
    prior = torch.full_like(zeros, -math.log(99))
    after = binary_focal_loss(prior, zeros, reduction="sum")
    assert float(before) == pytest.approx(1298, abs=1)
    assert float(after) == pytest.approx(0.0075, abs=1e-4)


def test_shares_of_nothing_are_zero_and_of_no_example_an_error() -> None:
    sure = torch.tensor([1e4, -1e4], dtype=torch.float64)
    found = class_shares(sure, torch.tensor([1.0, 0.0]), gamma=2.0, alpha=None)
    assert (found.positive, found.negative, found.loss) == (0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"logits must not be empty, got shape \(0,\)"):
        class_shares(torch.zeros(0), torch.zeros(0), gamma=2.0, alpha=None)
    with pytest.raises(ValueError, match="gamma must be a finite number"):
        class_shares(X, T, gamma=-2.0, alpha=None)


def test_class_shares_leave_the_graph_of_the_logits_alone() -> None:
    x = torch.zeros(2, requires_grad=True)
    class_shares(x, torch.tensor([1.0, 0.0]), gamma=2.0, alpha=None)
    assert x.grad is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400), st.integers(1, 300))
def test_a_cumulative_curve_rises_from_zero_to_one_below_the_diagonal(values, points) -> None:
    found = cumulative(torch.tensor(values, dtype=torch.float64), points=points)
    assert (found.examples[0], found.loss[0], found.examples[-1]) == (0, 0, 1)
    assert (found.examples.diff() > 0).all()
    assert (found.loss.diff() >= 0).all()
    assert (found.loss <= found.examples + 1e-12).all()
    assert float(found.loss[-1]) == pytest.approx(1.0 if sum(values) else 0.0)


@pytest.mark.parametrize("ratio", [1, 10, 100, 1000, 10_000])
def test_a_scene_has_the_imbalance_and_separation_that_was_asked_for(ratio: int) -> None:
    logits, targets = scene(ratio, separation=5.0, bias=-2.0)
    assert int((targets == 0).sum()) == 10_000
    assert int((targets == 1).sum()) == 10_000 // ratio
    assert float(logits[targets == 0].mean()) == pytest.approx(-4.5)
    assert float(logits[targets == 1].mean()) == pytest.approx(0.5)


@pytest.mark.parametrize("ratio", [0, 10_001])
def test_a_scene_without_positives_gets_its_sentence(ratio: int) -> None:
    with pytest.raises(ValueError, match="negatives_per_positive must be from 1 to 10000"):
        scene(ratio, separation=1.0)


# --- the proof ---


def test_every_check_holds_and_says_something_of_its_own() -> None:
    found = checks()
    assert len(found) >= 12
    assert [check.statement for check in found if not check.holds] == []
    assert len({check.statement for check in found}) == len(found)


def test_the_claims_have_the_verdicts_that_torch_gives() -> None:
    found = {claim.says: claim for claim in claims()}
    partly = [says for says, claim in found.items() if claim.verdict is Verdict.CONDITION]
    assert not [says for says, claim in found.items() if claim.verdict is Verdict.WRONG]
    for words in ("FocalLoss(nn.BCEWithLogitsLoss()", "300 positives", "unchanged", "nbatch"):
        assert any(words in says for says in partly), words
    (printed,) = (claim for says, claim in found.items() if "0.5990" in says)
    assert printed.verdict is Verdict.HOLDS
    assert printed.measured.startswith("0.4963, 0.4963, 0.5990")
    (example,) = (claim for says, claim in found.items() if "logits 1.5" in says)
    assert example.measured == "The loss 0.2014, -log σ(1.5) 0.2014."
    (three,) = (claim for says, claim in found.items() if "300 positives" in says)
    assert "A constant model at p = 0.5 has gradient 0." in three.measured


def test_the_question_is_answered_by_torchvision() -> None:
    found = question()
    assert found.answer == "the negative's"
    assert "3 times as much" in found.because
