"""Small errors in focal loss, and in what is shown of it: each turns its checks red."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import sigmoid_focal_loss

from explainers.evidence import Check, Verdict
from explainers.losses.focal_loss import Focal, checks, explain, loss, shares, view, view_checks
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

# The package's own names `checks` and `claims` are the functions.
PROOF, CLAIMS = (
    importlib.import_module(f"explainers.losses.focal_loss.{name}") for name in ("checks", "claims")
)
VIEWS = (
    Focal(weigh=True, pos_weight=3.0),
    Focal(show="batch", weigh=True),
    Focal(show="scene", weigh=True),
)
PLAIN_LINE = view._line.__wrapped__


def run() -> tuple[Check, ...]:
    found = list(checks())
    for parameters in VIEWS:
        found += view_checks(explain(parameters))
    return tuple(found)


def terms(change: Callable[[Any, Tensor, Tensor, Tensor], None], *, extra: float = 0.0) -> Any:
    """Return what changes the terms of every loss and slope after they are made."""

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        made = loss._Terms.__init__

        def init(self, logits, targets, weight, gamma, alpha) -> None:
            made(self, logits, targets, weight, gamma + extra, alpha)
            x, t, w = (part.detach().double() for part in (logits, targets, weight))
            change(self, x, t, w)

        monkeypatch.setattr(loss._Terms, "__init__", init)
        # Lines that were kept are lines of the loss as it is.
        monkeypatch.setattr(view, "_line", PLAIN_LINE)

    return apply


def swapped(made: Any, x: Tensor, t: Tensor, w: Tensor) -> None:
    made.balance = 1 - made.balance if isinstance(made.balance, Tensor) else made.balance


def weighs_both(made: Any, x: Tensor, t: Tensor, w: Tensor) -> None:
    made.entropy = made.entropy * torch.where(t < 0.5, w, 1.0)
    made.slope = made.slope * torch.where(t < 0.5, w, 1.0)


def nothing(made: Any, x: Tensor, t: Tensor, w: Tensor) -> None:
    made.modulation = torch.zeros_like(made.modulation)


def as_it_is(made: Any, x: Tensor, t: Tensor, w: Tensor) -> None:
    pass


def method(function: Any, formula: Callable[[Any, float], Tensor]) -> Any:
    """Return what replaces a derivative's closed form."""

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        def forward(logits, targets, weight, gamma, alpha) -> Tensor:
            made = loss._Terms(logits, targets, weight, gamma, alpha)
            return made.scaled(formula(made, gamma))

        monkeypatch.setattr(function, "forward", staticmethod(forward))
        monkeypatch.setattr(view, "_line", PLAIN_LINE)

    return apply


def seven(monkeypatch: pytest.MonkeyPatch) -> None:
    def curve(*arguments: Any, **named: Any) -> shares.FocalCurve:
        found = shares.focal_curve(*arguments, **named)
        return dataclasses.replace(found, down_weighting=torch.full_like(found.down_weighting, 7.0))

    monkeypatch.setattr(view, "focal_curve", curve)
    monkeypatch.setattr(PROOF, "focal_curve", curve)


def by_subtraction(monkeypatch: pytest.MonkeyPatch) -> None:
    def naive(logits, targets, *, gamma=2.0, alpha=0.25, reduction="none", pos_weight=None):
        weight = -1 if alpha is None else alpha
        return sigmoid_focal_loss(logits, targets, alpha=weight, gamma=gamma, reduction=reduction)

    monkeypatch.setattr(PROOF, "binary_focal_loss", naive)


def easy_for_hard(monkeypatch: pytest.MonkeyPatch) -> None:
    made = view._batch

    def batch(parameters: Focal, where: torch.device) -> view.Batch:
        found = made(parameters, where)
        return dataclasses.replace(found, modulation=found.p_t**parameters.gamma)

    monkeypatch.setattr(view, "_batch", batch)


TWINS = [
    Twin(
        "the gradient takes (1 - p_t)^gamma for a constant",
        (
            "Their gradients",
            "The gradient, with",
            "The second derivative",
            "Cases that gradcheck",
            "The notes' FocalLoss",
            "Each class's share",
            "Each curve of the gradient",
            "Each gradient, relatively",
        ),
        method(loss._Slope, lambda made, gamma: made.slope),
    ),
    Twin(
        "the second derivative forgets the middle term of the product rule",
        ("The second derivative", "Cases that gradcheck"),
        method(
            loss._Curvature,
            lambda made, gamma: (
                made.curvature
                + gamma
                * made.rate
                * made.entropy
                * (gamma * made.rate + made.q - made.p - made.rate)
            ),
        ),
    ),
    Twin(
        "alpha goes to the negatives",
        (
            "Values: hard",
            "float32 values",
            "gamma = 0, weighted",
            "A hopeless positive",
            "Label and logit turned round",
            "alpha scales the loss",
            "Each class's share",
            "Plain BCE over each class's loss",
            "Each curve of the loss",
            "Each loss, relatively",
            "torchvision's result",
            "focal, gamma = 2, alpha = 0.25:",
        ),
        terms(swapped),
    ),
    Twin(
        "pos_weight weighs the negatives too",
        ("pos_weight = 3", "BCE, pos_weight = 1,000", "Plain BCE over each class's loss"),
        terms(weighs_both),
    ),
    Twin(
        "the power is gamma + 1",
        (
            "gamma = 0, without alpha",
            "gamma = 2, p_t = 0.9:",
            "gamma = 2, p_t = 1 - 10^-1.5",
            "BCE: the positives' share",
            "focal, gamma = 2:",
            "Each curve of the loss",
        ),
        terms(as_it_is, extra=1.0),
    ),
    Twin(
        "every loss is 0",
        (
            "Values or gradients not finite",
            "Label and logit turned round",
            "pos_weight = 3",
            "A hopeless positive",
            "The notes' FocalLoss",
        ),
        terms(nothing),
    ),
    Twin(
        "1 - p_t is taken by subtraction, in the dtype",
        ("Values or gradients not finite", "float32 values", "Their gradients in float32"),
        by_subtraction,
    ),
    Twin("the down-weighting is 7", ("The chart of", "alpha scales the loss"), seven),
    Twin(
        "the easy examples are the heavy ones",
        ("The factors' product",),
        easy_for_hard,
    ),
]


def test_every_check_has_an_error_that_turns_it_red() -> None:
    check_that_twins_cover(run, TWINS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_an_error_is_seen(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(run, twin, monkeypatch)


BCE, BCE_WITH_LOGITS, SIGMOID = (
    F.binary_cross_entropy,
    F.binary_cross_entropy_with_logits,
    torch.Tensor.sigmoid,
)
NOTES, FOCAL, TORCHVISION = CLAIMS.NotesFocalLoss, CLAIMS.binary_focal_loss, sigmoid_focal_loss


def with_logits(loss: Callable[..., Tensor]) -> Any:
    """Return what replaces torch's binary_cross_entropy_with_logits: (x, t, **rest) to the loss."""

    def wrong(
        logits: Tensor,
        targets: Tensor,
        weight: Tensor | None = None,
        pos_weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> Tensor:
        return loss(logits, targets, weight=weight, pos_weight=pos_weight, reduction=reduction)

    return put(F, "binary_cross_entropy_with_logits", wrong)


def put(owner: Any, name: str, value: Any) -> Any:
    return lambda monkeypatch: monkeypatch.setattr(owner, name, value)


def without_gamma(made: Any, x: Tensor, t: Tensor, w: Tensor) -> None:
    made.modulation = torch.ones_like(made.modulation)


def alpha_by_default(*given: Any, alpha: float | None, **named: Any) -> Tensor:
    return FOCAL(*given, alpha=0.25 if alpha is None else alpha, **named)


def alpha_for_both(*given: Any, alpha: float, **named: Any) -> Tensor:
    return alpha * FOCAL(*given, alpha=None, **named)


class Keeping(nn.Module):
    """The notes' class, but for the reduction of its loss, which it keeps."""

    def __init__(self, loss_fcn: Any, gamma: float = 1.5, alpha: float = 0.25) -> None:
        super().__init__()
        self.loss_fcn, self.gamma, self.alpha = loss_fcn, gamma, alpha

    def forward(self, pred: Tensor, true: Tensor) -> Tensor:
        p_t = torch.where(true > 0.5, pred, -pred).sigmoid()
        balance = torch.where(true > 0.5, self.alpha, 1 - self.alpha)
        return (balance * (1 - p_t) ** self.gamma * self.loss_fcn(pred, true)).mean()


class Telling(NOTES):  # type: ignore[misc,valid-type]
    """The notes' class, but for probabilities, which it tells from logits."""

    def forward(self, pred: Tensor, true: Tensor) -> Tensor:
        if isinstance(self.loss_fcn, nn.BCELoss):
            pred, self.loss_fcn = pred.logit(), nn.BCEWithLogitsLoss(reduction="none")
        return super().forward(pred, true)  # type: ignore[no-any-return]


class Stable(NOTES):  # type: ignore[misc,valid-type]
    """The notes' class, but for 1 - p_t, which it takes without a subtraction."""

    def forward(self, pred: Tensor, true: Tensor) -> Tensor:
        return FOCAL(pred, true, gamma=self.gamma, alpha=self.alpha, reduction=self.reduction)


def unweighted(x: Tensor, t: Tensor, *, weight: Tensor | None, **rest: Any) -> Tensor:
    return BCE_WITH_LOGITS(x, t, **rest)


def weight_by_rows(x: Tensor, t: Tensor, *, weight: Tensor | None, **rest: Any) -> Tensor:
    if weight is not None and weight.ndim < x.ndim:
        weight = weight.reshape(-1, *[1] * (x.ndim - weight.ndim))
    return BCE_WITH_LOGITS(x, t, weight=weight, **rest)


def mean_over_rows(x: Tensor, t: Tensor, *, reduction: str, **rest: Any) -> Tensor:
    if reduction != "mean":
        return BCE_WITH_LOGITS(x, t, reduction=reduction, **rest)
    return BCE_WITH_LOGITS(x, t, reduction="sum", **rest) / len(x)


def vectors_alone(x: Tensor, t: Tensor, *, pos_weight: Tensor | None, **rest: Any) -> Tensor:
    if pos_weight is not None and pos_weight.shape != x.shape[1:2]:
        raise RuntimeError("pos_weight must have one number for each class")
    return BCE_WITH_LOGITS(x, t, pos_weight=pos_weight, **rest)


def pos_weight_for_all(
    x: Tensor, t: Tensor, *, pos_weight: Tensor | None, weight: Tensor | None, **rest: Any
) -> Tensor:
    return BCE_WITH_LOGITS(x, t, weight=weight if pos_weight is None else pos_weight, **rest)


def weighs_the_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    where = torch.where
    monkeypatch.setattr(torch, "where", lambda mask, yes, no: where(mask, no, yes))


CLAIM_TWINS = [
    ClaimTwin(
        "gamma is passed over",
        {
            "Unbalanced classes": Verdict.WRONG,
            "It lowers the weight": Verdict.WRONG,
            "All in all": Verdict.WRONG,
        },
        terms(without_gamma),
    ),
    ClaimTwin(
        "the sigmoid falls",
        {"p_t says how near": Verdict.WRONG},
        put(torch.Tensor, "sigmoid", lambda x: SIGMOID(-x)),
    ),
    ClaimTwin(
        "the notes' class takes 1 - p_t without a subtraction",
        {"gamma > 0 is a factor": Verdict.HOLDS},
        put(CLAIMS, "NotesFocalLoss", Stable),
    ),
    ClaimTwin(
        "no alpha is alpha's default",
        {"Compared with cross-entropy": Verdict.WRONG},
        put(CLAIMS, "binary_focal_loss", alpha_by_default),
    ),
    ClaimTwin(
        "torchvision gives alpha to the negatives",
        {"The class FocalLoss": Verdict.WRONG},
        put(
            CLAIMS,
            "sigmoid_focal_loss",
            lambda x, t, *, alpha, **rest: TORCHVISION(x, t, alpha=1 - alpha, **rest),
        ),
    ),
    ClaimTwin(
        "the notes' class tells probabilities from logits",
        {"loss_fcn must be": Verdict.WRONG},
        put(CLAIMS, "NotesFocalLoss", Telling),
    ),
    ClaimTwin(
        "the notes' class keeps the mean",
        {"reduction = 'none' is required": Verdict.WRONG},
        put(CLAIMS, "NotesFocalLoss", Keeping),
    ),
    ClaimTwin(
        "alpha weighs both classes",
        {"p_t = exp(-loss)": Verdict.HOLDS},
        put(CLAIMS, "binary_focal_loss", alpha_for_both),
    ),
    ClaimTwin(
        "with logits is a sigmoid, then BCELoss",
        {"It combines a Sigmoid": Verdict.WRONG, "There is no real difference": Verdict.HOLDS},
        with_logits(
            lambda x, t, *, weight, pos_weight, reduction: BCE(
                SIGMOID(x), t, weight, reduction=reduction
            )
        ),
    ),
    ClaimTwin(
        "weight is passed over",
        {"l_n = -w_n": Verdict.WRONG},
        with_logits(unweighted),
    ),
    ClaimTwin(
        "mean divides by the rows",
        {"reduction is 'none'": Verdict.WRONG, "Targets 1 (10 by 64)": Verdict.WRONG},
        with_logits(mean_over_rows),
    ),
    ClaimTwin(
        "targets are clamped",
        {"It can measure the error": Verdict.HOLDS},
        with_logits(lambda x, t, **rest: BCE_WITH_LOGITS(x, t.clamp(0, 1), **rest)),
    ),
    ClaimTwin(
        "pos_weight weighs the negatives too",
        {"With several labels": Verdict.WRONG, "100 positives and 300": Verdict.WRONG},
        with_logits(pos_weight_for_all),
    ),
    ClaimTwin(
        "pos_weight weighs the negatives instead",
        {"p_c > 1 increases the recall": Verdict.WRONG},
        weighs_the_negatives,
    ),
    ClaimTwin(
        "weight broadcasts from the first dimension",
        {"weight has to be": Verdict.HOLDS},
        with_logits(weight_by_rows),
    ),
    ClaimTwin(
        "size_average is passed over",
        {"size_average and reduce": Verdict.WRONG},
        put(torch.nn._reduction, "legacy_get_string", lambda *_: "mean"),
    ),
    ClaimTwin(
        "pos_weight does not broadcast",
        {"pos_weight must be a vector": Verdict.HOLDS},
        with_logits(vectors_alone),
    ),
    ClaimTwin(
        "the sigmoid is taken twice",
        {"Logits 3, 2, 1": Verdict.WRONG},
        with_logits(lambda x, t, **rest: BCE_WITH_LOGITS(SIGMOID(x), t, **rest)),
    ),
    ClaimTwin(
        "the sigmoid is the hard one",
        {"S(x) = 1": Verdict.WRONG},
        put(torch.Tensor, "sigmoid", F.hardsigmoid),
    ),
]


def test_every_statement_of_the_notes_has_a_wrong_twin() -> None:
    check_that_twins_cover_claims(CLAIMS, CLAIM_TWINS)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_its_twin(twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_verdicts_turn(CLAIMS, twin, monkeypatch)
