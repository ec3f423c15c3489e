"""Small errors in focal loss, and in what is shown of it: each turns its checks red."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from explainers.evidence import Check
from explainers.focal_loss import Focal, checks, explain, loss, shares, view, view_checks
from tests.twins import Twin, check_that_a_twin_is_seen, check_that_twins_cover

# The package's own name `checks` is the function.
PROOF = importlib.import_module("explainers.focal_loss.checks")
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
