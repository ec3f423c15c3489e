"""Mistakes about balance: what each class weighs, and where training begins."""

import dataclasses
import math

import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, Question
from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.losses.focal_loss.mistakes import parts
from explainers.losses.focal_loss.shares import ClassShares, class_shares, scene
from explainers.losses.focal_loss.view import IMBALANCES, percent
from explainers.parameters import Parameters, choice, number

_GITHUB = "https://github.com"
_WORDS = ("1", "10", "100", "1,000", "10,000")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ShareMistake:
    """Hold each class's share of the total under both lines.

    Attributes:
        mistake: Both lines and their cost.
        wrong: Under the line people write, by name.
        right: Under the line that does it.
        plain: Under cross-entropy.
    """

    mistake: Mistake
    wrong: tuple[str, ClassShares]
    right: tuple[str, ClassShares]
    plain: tuple[str, ClassShares]


def _digits(value: Tensor) -> str:
    return f"{float(value):,.0f}" if float(value) >= 10 else f"{float(value):.3g}"


@dataclasses.dataclass(frozen=True)
class Alpha(Parameters):
    """Hold the alpha that was meant for the negatives."""

    alpha: float = number(
        0.25,
        label="meant for the negatives",
        help="The negatives' weight.",
        minimum=0.05,
        maximum=0.45,
        step=0.05,
    )
    gamma: float = parts.gamma(0.0)
    imbalance: str = choice(
        "10",
        IMBALANCES,
        label="negatives per positive",
        help="10,000 negatives throughout.",
        words=_WORDS,
    )


def alpha(parameters: Alpha, *, device: str = "cpu") -> ShareMistake:
    """Give alpha the weight that the negatives should have, and that of the positives.

    Args:
        parameters: Which weight, and on what.
        device: Where torch computes.
    """
    where = devices.device(device)
    logits, targets = (
        part.to(where) for part in scene(int(parameters.imbalance), separation=4.0, bias=-1.0)
    )
    light, gamma = parameters.alpha, parameters.gamma

    def shares(gamma: float, alpha: float | None) -> ClassShares:
        return class_shares(logits, targets, gamma=gamma, alpha=alpha)

    wrong, right = shares(gamma, light), shares(gamma, 1 - light)
    each = [
        float(sigmoid_focal_loss(torch.zeros(1), torch.full((1,), t), alpha=light, gamma=gamma))
        for t in (1.0, 0.0)
    ]
    return ShareMistake(
        mistake=Mistake(
            wrong=f"# {light:g} is meant for the negatives\n"
            f"loss = sigmoid_focal_loss(x, t, alpha={light:g}, gamma={gamma:g})",
            right=f"# alpha weighs positives, 1 - alpha negatives\n"
            f"loss = sigmoid_focal_loss(x, t, alpha={1 - light:g}, gamma={gamma:g})",
            wrong_cost=f"At p = 0.5 a positive costs {each[0]:.3g}, a negative "
            f"{each[1]:.3g}. Negatives have {percent(wrong.negative)} of the loss.",
            right_cost=f"Negatives have {percent(right.negative)} of the loss.",
            lesson="alpha weighs the positives. The paper's 0.25 goes with gamma = 2: it makes "
            "easy negatives so light that positives must be held back.",
            source=("ultralytics#10406", f"{_GITHUB}/ultralytics/ultralytics/issues/10406"),
        ),
        wrong=(f"alpha = {light:g}", wrong),
        right=(f"alpha = {1 - light:g}", right),
        plain=("BCE", shares(0.0, None)),
    )


@dataclasses.dataclass(frozen=True)
class Normaliser(Parameters):
    """Hold what the sum is divided by."""

    gamma: float = parts.gamma()
    show: str = choice(
        "loss",
        ("loss", "gradient"),
        label="show",
        help="Or the positives' summed |d loss / d logit|.",
    )


def normaliser(parameters: Normaliser, *, device: str = "cpu") -> CurveMistake:
    """Divide the summed loss by all examples, and by the positives.

    Args:
        parameters: Which gamma, and what to show.
        device: Where torch computes.
    """
    where = devices.device(device)
    exponents = torch.arange(5, dtype=torch.float64)
    means, over_positives = [], []
    for exponent in exponents.tolist():
        logits, targets = (
            part.to(where) for part in scene(round(10**exponent), separation=6.0, bias=-3.0)
        )
        found = class_shares(logits, targets, gamma=parameters.gamma, alpha=0.25)
        total = found.loss
        if parameters.show == "gradient":
            total = found.gradient * found.positive_gradient
        means.append(total / len(logits))
        over_positives.append(total / max(1.0, float(targets.sum())))
    wrong, right = (torch.tensor(part, dtype=torch.float64) for part in (means, over_positives))
    at = 2  # a hundred negatives for each positive
    what = "loss" if parameters.show == "loss" else "positives' gradient"
    return CurveMistake(
        mistake=Mistake(
            wrong='loss = sigmoid_focal_loss(x, t, reduction="mean")',
            right='loss = sigmoid_focal_loss(x, t, reduction="sum")\nloss = loss / max(1, t.sum())',
            wrong_cost=f"One negative per positive: {what} {wrong[0]:.3g}. A hundred: "
            f"{wrong[at]:.3g}.",
            right_cost=f"One negative per positive: {what} {right[0]:.3g}. A hundred: "
            f"{right[at]:.3g}, {right[at] / wrong[at]:.0f} times the mean.",
            lesson="The mean divides by the easy negatives, too: the rarer positives are, the "
            "smaller their step. The paper divides by the number of positives.",
            source=("detectron2#703", f"{_GITHUB}/facebookresearch/detectron2/issues/703"),
        ),
        x=exponents,
        wrong=wrong,
        right=right,
        over="exponent e: 10^e negatives per positive",
        shows=what,
        log=True,
        look=parts.nearest(exponents, 2.0),
    )


@dataclasses.dataclass(frozen=True)
class Prior(Parameters):
    """Hold the bias that a new detector starts with."""

    bias: float = number(
        -4.6,
        label="last layer's bias",
        help="-log((1 - p) / p) for a first output p: -4.6 for 1%.",
        minimum=-8.0,
        maximum=-0.5,
        step=0.1,
    )
    loss: str = choice(
        "focal",
        ("focal", "BCE"),
        label="loss",
        help="Focal loss with gamma 2, alpha 0.25, or BCE.",
        words=("focal loss", "BCE"),
    )


def prior(parameters: Prior, *, device: str = "cpu") -> CurveMistake:
    """Start a detector with 10 positives in 10,000 from a bias of 0, and from the prior's.

    Args:
        parameters: Which bias, and which loss.
        device: Where torch computes.
    """
    where = devices.device(device)
    gamma, weight = (2.0, 0.25) if parameters.loss == "focal" else (0.0, None)
    biases = torch.arange(-80, 11, dtype=torch.float64) / 10
    logits = torch.cat([biases, torch.tensor([parameters.bias, 0.0], dtype=torch.float64)])
    logits = logits.to(where)

    def total(target: float, count: int) -> Tensor:
        targets = torch.full_like(logits, target)
        return count * binary_focal_loss(logits, targets, gamma=gamma, alpha=weight).cpu()

    negatives, positives = total(0.0, 9990), total(1.0, 10)

    def cost(at: int, bias: float) -> str:
        return (
            f"Bias {bias:g}: first outputs are {1 / (1 + math.exp(-bias)):.2g}. 9,990 "
            f"negatives cost {negatives[at]:.4g}, 10 positives {positives[at]:.3g}."
        )

    return CurveMistake(
        mistake=Mistake(
            wrong="nn.init.zeros_(head.bias)",
            right=f"# -log((1 - p) / p) for a first output p = "
            f"{1 / (1 + math.exp(-parameters.bias)):.2g}\n"
            f"nn.init.constant_(head.bias, {parameters.bias:g})",
            wrong_cost=cost(-1, 0.0),
            right_cost=cost(-2, parameters.bias),
            lesson="At bias 0 thousands of negatives push at once, and training can diverge: they "
            f"cost {_digits(negatives[-1] / positives[-1])} times what the positives cost. From "
            f"{parameters.bias:g} they cost {_digits(negatives[-2] / positives[-2])} times as "
            "much.",
            source=("mmdetection#1825", f"{_GITHUB}/open-mmlab/mmdetection/issues/1825"),
        ),
        x=biases,
        wrong=negatives[:-2],
        right=positives[:-2],
        over="bias: every first logit",
        shows="summed loss",
        title="Summed loss of each class, by the first bias",
        log=True,
        look=parts.nearest(biases, 0.0),
        look_right=parts.nearest(biases, parameters.bias),
        names=("9,990 negatives", "10 positives"),
    )


def question(*, device: str = "cpu") -> Question:
    """Ask which class alpha = 0.25 favours, and let torch answer."""
    zero = torch.zeros(2, device=devices.device(device))
    targets = torch.tensor([1.0, 0.0], device=zero.device)
    positive, negative = sigmoid_focal_loss(zero, targets, alpha=0.25, gamma=2.0).tolist()
    options = {
        "the positive's": positive > negative,
        "the negative's": negative > positive,
        "both alike": positive == negative,
    }
    return Question(
        text="`sigmoid_focal_loss`, alpha 0.25, gamma 2. A positive and a negative, both "
        "at p = 0.5. Whose loss is larger?",
        options=tuple(options),
        answer=next(option for option, holds in options.items() if holds),
        because=f"Positive {positive:.4f}, negative {negative:.4f}, {negative / positive:g} "
        "times as much: alpha weighs positives, 1 - alpha = 0.75 negatives.",
    )
