"""What the focal loss page says holds at every setting of its controls."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.losses import focal_loss as topic
from explainers.losses.focal_loss import DTYPES, Focal, mistakes
from explainers.losses.focal_loss.reference import focal
from figures.curves import Curves
from figures.losses import focal_loss as figures
from tests.sentences import EXAMPLES, legal

LENGTHS = st.integers(1, 8)


def rows(low: float, high: float) -> st.SearchStrategy[str]:
    """Eight numbers as a reader types them."""
    each = st.floats(low, high) | st.integers(int(low), int(high))
    return st.lists(each, min_size=8, max_size=8).map(lambda row: ", ".join(map(repr, row)))


def batches() -> st.SearchStrategy[Focal]:
    """A batch whose logits are as often near 0 as far from it."""
    return legal(
        Focal,
        show=st.just("batch"),
        logits=rows(-12, 12) | rows(-1000, 1000),
        targets=rows(0, 1),
    )


def read(words: str) -> float:
    """The number that a sentence writes with commas between thousands."""
    return float(words.replace(",", ""))


def close(said: float, true: float) -> bool:
    """Whether a number was written to three digits."""
    return said == pytest.approx(true, rel=6e-3, abs=0.5 if true >= 10 else 1e-300)


def quotient(p_t: float, target: float, parameters: Focal) -> float:
    """Plain BCE over the loss, by NumPy."""
    x = math.log(p_t / (1 - p_t)) * (1 if target else -1)
    plain, _ = focal([x], [target], gamma=0.0)
    weighted, _ = focal(
        [x],
        [target],
        gamma=parameters.gamma,
        alpha=parameters.weight,
        pos_weight=parameters.pos_weight,
    )
    return float(plain[0] / weighted[0]) if weighted[0] else math.inf


POINTS = (0.1, 0.5, 0.9, 1 - 10**-1.5)


# Nobody sets a smaller one; a quotient of two losses would leave float64's range.
WEIGHT = st.just(0.0) | st.just(1.0) | st.floats(1e-9, 1)


@given(legal(Focal, show=st.just("curves"), alpha=WEIGHT, pos_weight=WEIGHT | st.floats(1, 1e4)))
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_times_lighter_is_the_quotient_of_two_losses_under_every_weight(parameters: Focal) -> None:
    sentence = topic.explain(parameters).sentence
    assert "nan" not in sentence
    assert "inf" not in sentence
    if "no loss is made lighter" in sentence:
        for p_t in POINTS:
            assert quotient(p_t, 1.0, parameters) == pytest.approx(1)
            assert quotient(p_t, 0.0, parameters) == pytest.approx(1)
    elif "beside BCE" in sentence:
        found = [read(word) for word in re.findall(r"([\d.,e+]+) (?:times lighter )?at", sentence)]
        for target in (1.0, 0.0):
            expected = [quotient(p_t, target, parameters) for p_t in POINTS]
            assert all(map(close, found, expected)), sentence
    elif "is BCE, weighted" in sentence:
        for name, target in (("positive", 1.0), ("negative", 0.0)):
            true = quotient(0.5, target, parameters)
            assert quotient(0.9, target, parameters) == pytest.approx(true)
            (words,) = re.findall(rf"a {name}'s loss is (.+?)(?:, a|\.$)", sentence)
            if words == "0":
                assert true == math.inf
            elif words == "unchanged":
                assert true == pytest.approx(1)
            else:
                number, _, which = words.split()
                said = read(number)
                assert close(said, true if which == "lighter" else 1 / true), sentence
    else:
        for name, target in (("positive", 1.0), ("negative", 0.0)):
            (words,) = re.findall(rf"of a {name} (.+?)[;.](?: of|$)", sentence)
            expected = [quotient(p_t, target, parameters) for p_t in POINTS]
            if "there is none" in words:
                assert expected == [math.inf] * 4
            else:
                found = [read(word) for word in words.split(", ")]
                assert all(map(close, found, expected)), sentence


def test_alpha_makes_the_papers_hundredfold_four_hundred() -> None:
    assert "of a positive 4.94, 16, 400, 4,000" in topic.explain(Focal(weigh=True)).sentence
    assert (
        "a positive's loss is 4 times lighter"
        in topic.explain(Focal(weigh=True, gamma=0.0)).sentence
    )
    # The chart is of (1 - p_t)^-gamma alone, and says beside what.
    for parameters, name in ((Focal(), "than BCE:"), (Focal(weigh=True), "than weighted BCE:")):
        drawn = figures.see(topic.explain(parameters))[-1]
        assert isinstance(drawn, Curves)
        assert name in drawn.title


@given(batches())
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_a_reduced_loss_is_torchs_and_its_ratio_that_of_what_was_meant(parameters: Focal) -> None:
    view = topic.explain(parameters)
    batch, dtype = view.batch, DTYPES[parameters.dtype]
    assert batch is not None
    assert [check for check in topic.view_checks(view) if not check.holds] == []
    assert "nan" not in view.sentence
    if parameters.reduction == "none":
        assert view.sentence == "Not reduced: 8 losses, beside BCE's."
        return
    labels = torch.tensor(parameters.row("targets"), dtype=dtype)
    positives = sum(label > 0.5 for label in labels.tolist())
    assert ("no positive" in view.sentence) == (
        parameters.reduction == "positives" and positives == 0
    )
    if parameters.reduction == "positives" and positives:
        assert f"sum over {positives} positive" in view.sentence
    # Both losses again, by NumPy's widest floats, from what the dtype kept of the input.
    x, t = batch.logits.double().numpy(), batch.targets.double().numpy()
    weight = float(torch.tensor(parameters.pos_weight, dtype=dtype))
    meant = [
        float(focal(x, t, gamma=gamma, alpha=alpha, pos_weight=weight)[0].sum())
        for gamma, alpha in ((parameters.gamma, parameters.weight), (0.0, None))
    ]
    divisor = {"mean": 8, "positives": max(1, positives)}.get(parameters.reduction, 1)
    kept = [
        abs(float(stored) - exact / divisor) <= 0.02 * exact / divisor
        for stored, exact in zip((batch.value, batch.bce_value), meant, strict=True)  # type: ignore[arg-type]
    ]
    said = re.findall(r"in float64 it is ([\d.e+-]+)\.", view.sentence)
    true = [exact / divisor for exact, is_kept in zip(meant, kept, strict=True) if not is_kept]
    # Below float64's own range the widest floats still hold a number.
    true = [exact for exact in true if exact > 1e-300]
    assert [read(word) for word in said if read(word) > 1e-300] == pytest.approx(true, rel=1e-3)
    ratio = re.findall(r", ([\d.,e+-]+) times as much", view.sentence)
    if ratio:
        assert read(ratio[0]) == pytest.approx(meant[1] / meant[0], rel=0.06, abs=0.6)
    else:
        assert not all(kept) or min(meant) < 1e-300


def test_nothing_against_nothing_is_no_ratio() -> None:
    for dtype in ("float16", "float32"):
        said = topic.explain(Focal(show="batch", logits="20", targets="1", dtype=dtype)).sentence
        assert "inf" not in said
    said = topic.explain(Focal(show="batch", logits="20", targets="1", dtype="float16")).sentence
    assert "times" not in said
    assert "float16 does not keep it: in float64 it is 2.061e-09" in said


def test_no_positive_is_not_one_positive() -> None:
    parameters = Focal(show="batch", logits="3, -1", targets="0, 0", reduction="positives")
    assert "sum, with no positive to divide by: 2.789" in topic.explain(parameters).sentence


@given(batches())
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_a_product_that_is_written_out_is_what_it_says(parameters: Focal) -> None:
    (markup,) = figures.see(topic.explain(parameters))
    assert isinstance(markup, str)
    for words, stored in re.findall(
        r"([\d.e×+ -]+) = (?:[\d.e+-]+, stored as )?<b>(.+?)</b>", markup
    ):
        product = math.prod(map(float, words.split(" × ")))
        if "stored as" in markup:
            continue
        assert float(stored) == pytest.approx(product, rel=0.04, abs=1e-300)


@given(legal(Focal, show=st.just("scene")))
@settings(max_examples=EXAMPLES // 20, deadline=None)
def test_a_share_that_is_not_all_does_not_read_as_all(parameters: Focal) -> None:
    view = topic.explain(parameters)
    assert view.scene is not None
    shares = [view.scene.shares[0][1].negative, view.scene.shares[-1][1].negative]
    found = re.findall(r"(over |under |)([\d.]+)%", view.sentence)
    assert len(found) == 2
    for (which, number), share in zip(found, shares, strict=True):
        said = float(number) / 100
        if which:
            assert share > said if which == "over " else 0 < share < said
        else:
            assert said == pytest.approx(share, abs=6e-4)
            assert (said in (0.0, 1.0)) == (share in (0.0, 1.0))


@pytest.mark.parametrize(
    ("address", "standing"),
    [
        ({"logits": "3,-1", "targets": "1,-1"}, ("3, -1", "1, 1")),
        ({"logits": "3,oops", "targets": "1,0,1"}, ("3, -1, -4", "1, 0, 1")),
        ({"logits": "1,2,3,4,5,6,7,8", "targets": "2"}, (None, "1, 1, 0, 0, 0, 0, 1, 1")),
        ({"logits": "oops", "targets": "2"}, ("3, -1, -4, -2, 0.5, 2", "1, 1, 0, 0, 0, 0")),
    ],
)
def test_one_refused_row_says_nothing_of_the_other(address, standing) -> None:
    found, refused = Focal.parse({"show": "batch", **address})
    view = topic.explain(found)
    assert view.problem == ""
    assert view.batch is not None
    assert found.targets == standing[1]
    assert standing[0] in (None, found.logits)
    assert len(refused) == sum(name in " ".join(refused) for name in ("logits", "targets"))


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_what_bceloss_does_where_the_sigmoid_is_one_is_counted(dtype: str) -> None:
    lesson = mistakes.apart(mistakes.Apart(dtype=dtype)).mistake.lesson
    x = torch.linspace(-120, 120, 481, dtype=torch.float64).to(DTYPES[dtype]).requires_grad_()
    losses = torch.nn.BCELoss(reduction="none")(x.sigmoid(), torch.zeros_like(x))
    (slopes,) = torch.autograd.grad(losses.sum(), x)
    ones = [index for index, p in enumerate(x.sigmoid().tolist()) if p == 1]
    assert f"From logit {float(x.detach()[ones[0]]):g} on the sigmoid is 1 in {dtype}" in lesson
    assert {float(losses.detach()[index]) for index in ones} == {100.0}
    lost = sum(math.isnan(float(slopes[index])) for index in ones)
    zero = sum(float(slopes[index]) == 0 for index in ones)
    assert lost + zero == len(ones)
    assert (f"{lost} are NaN" in lesson) == (lost > 0)
    assert (f"{zero} are 0" in lesson) == (zero > 0)


@given(legal(mistakes.Soft))
@settings(max_examples=EXAMPLES // 4, deadline=None)
def test_where_a_soft_label_leads_is_where_the_loss_is_lowest(parameters: mistakes.Soft) -> None:
    label, gamma = parameters.target, parameters.gamma
    result = mistakes.soft(parameters)
    # By bisection on the sign of the slope from the closed form: the loss falls, then rises.
    low, high = math.log(0.25 / 0.75), 14.0
    for _ in range(60):
        middle = (low + high) / 2
        slope = float(focal([middle], [label], gamma=gamma)[1][0])
        low, high = (middle, high) if slope < 0 else (low, middle)
    true = 1 / (1 + math.exp(-low))
    (said,) = re.findall(r"Lowest at p = ([\d.]+)\.", result.mistake.wrong_cost)
    assert float(said) == pytest.approx(true, abs=1.5e-4 if true < 0.99 else 6e-5)
    lesson = result.mistake.lesson
    assert ("drives p past the label" in lesson) == (true - label > 5e-4) or (
        abs(true - label - 5e-4) < 3e-4
    )
    # Not the chart's end: the chart goes on past it.
    assert result.x is not None
    assert true < float(result.x[-1])


@given(legal(mistakes.FromLoss))
@settings(max_examples=EXAMPLES // 8, deadline=None)
def test_a_weight_makes_positives_look_harder_only_above_one(parameters: mistakes.FromLoss) -> None:
    lesson = mistakes.from_loss(parameters).mistake.lesson
    counts = parameters.kind == "weighted" and parameters.gamma > 0
    assert ("look harder" in lesson) == (counts and parameters.pos_weight > 1)
    assert ("look easier" in lesson) == (counts and parameters.pos_weight < 1)


@given(legal(mistakes.Prior))
@settings(max_examples=EXAMPLES // 8, deadline=None)
def test_what_a_prior_does_to_the_negatives_is_computed(parameters: mistakes.Prior) -> None:
    mistake = mistakes.prior(parameters).mistake
    gamma, alpha = (2.0, 0.25) if parameters.loss == "focal" else (0.0, None)
    for bias, words in (
        (0.0, "they cost {} times what"),
        (parameters.bias, "they cost {} times as"),
    ):
        value, _ = focal([bias, bias], [0.0, 1.0], gamma=gamma, alpha=alpha)
        ratio = float(999 * value[0] / value[1])
        (said,) = re.findall(words.format(r"([\d.,e-]+)"), mistake.lesson)
        assert close(read(said), ratio)
    # The code that is shown sets the bias that ran.
    assert f"constant_(head.bias, {parameters.bias:g})" in mistake.right


@given(legal(mistakes.BelowOne))
@settings(max_examples=EXAMPLES // 8, deadline=None)
def test_from_gamma_one_on_no_gradient_is_nan(parameters: mistakes.BelowOne) -> None:
    result = mistakes.below_one(parameters)
    assert bool(result.wrong.isnan().any()) == (parameters.gamma < 1)
    assert not result.right.isnan().any()
