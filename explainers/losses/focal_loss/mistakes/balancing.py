"""Run the mistakes people make with focal loss and cross-entropy, and what each costs."""

import dataclasses
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, Question, worded
from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.losses.focal_loss.shares import ClassShares, class_shares, scene
from explainers.losses.focal_loss.view import DTYPES, IMBALANCES, derived, percent
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


def _nearest(x: Tensor, wanted: float) -> int:
    """Return where in `x` ``(n,)`` the number nearest to `wanted` stands."""
    return int((x - wanted).abs().argmin())


def _digits(value: Tensor) -> str:
    return f"{float(value):,.0f}" if float(value) >= 10 else f"{float(value):.3g}"


def _gamma(default: float = 2.0, *, most: float = 5.0) -> float:
    found: float = number(
        default,
        label="gamma",
        help="Focusing parameter.",
        minimum=0.0,
        maximum=most,
        step=0.1,
    )
    return found


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
    gamma: float = _gamma(0.0)
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
class FromLoss(Parameters):
    """Hold what p_t is read from."""

    kind: str = choice(
        "reduced",
        ("reduced", "weighted"),
        label="p_t comes from",
        help="exp(-loss) is p_t only for one example's unweighted loss.",
        words=("a reduced loss", "a weighted loss"),
    )
    gamma: float = _gamma()
    pos_weight: float = number(
        3.0,
        label="pos_weight",
        help="In the weighted loss.",
        minimum=0.5,
        maximum=10.0,
        step=0.5,
    )


def from_loss(parameters: FromLoss, *, device: str = "cpu") -> CurveMistake:
    """Read p_t off a mean loss, or off a weighted one, and off each example's own.

    Args:
        parameters: Which of the two, gamma and weight.
        device: Where torch computes.
    """
    where = devices.device(device)
    logits = torch.linspace(-4, 4, 81, dtype=torch.float64, device=where)
    ones, gamma = torch.ones_like(logits), parameters.gamma
    bce = F.binary_cross_entropy_with_logits
    weight = None
    call = "F.binary_cross_entropy_with_logits(x, t"
    if parameters.kind == "weighted":
        weight = logits.new_tensor(parameters.pos_weight)
        each = bce(logits, ones, reduction="none")
        losses = bce(logits, ones, reduction="none", pos_weight=weight)
        wrong = (1 - torch.exp(-losses)) ** gamma
        lines = (
            f'ce = {call}, pos_weight=w,\n    reduction="none")\np_t = torch.exp(-ce)',
            f'p_t = torch.exp(-{call},\n    reduction="none"))',
        )
    else:
        each = losses = bce(logits, ones, reduction="none")
        mean = bce(logits, ones)
        wrong = ((1 - torch.exp(-mean)) ** gamma).expand_as(each)
        lines = (
            f"ce = {call})\np_t = torch.exp(-ce)\nloss = (1 - p_t) ** gamma * ce",
            f'ce = {call},\n    reduction="none")\np_t = torch.exp(-ce)\n'
            "loss = ((1 - p_t) ** gamma * ce).mean()",
        )
    right = (1 - torch.exp(-each)) ** gamma
    totals = [float((factor * losses).mean()) for factor in (wrong, right)]
    p_t = logits.sigmoid()
    at = _nearest(p_t, 0.9)
    if parameters.kind == "reduced":
        why = "A mean forgets which example was hard."
    elif gamma == 0 or parameters.pos_weight == 1:
        why = "Here nothing is lost: " + (
            "gamma = 0 asks for no p_t." if gamma == 0 else "the weight is 1."
        )
    else:
        # By the weight itself: a tiny gamma rounds both factors to 1.
        looks = "harder" if parameters.pos_weight > 1 else "easier"
        why = f"A weight of {parameters.pos_weight:g} makes positives look {looks}."
    return CurveMistake(
        mistake=Mistake(
            wrong=lines[0],
            right=lines[1],
            wrong_cost=f"Mean loss {totals[0]:.3f}; the example at p_t = {p_t[at]:.2f} is "
            f"multiplied by {wrong[at]:.3g}.",
            right_cost=f"Mean loss {totals[1]:.3f}; the example at p_t = {p_t[at]:.2f} is "
            f"multiplied by {right[at]:.3g}.",
            lesson="exp(-loss) is p_t for one example's unweighted cross-entropy, label 0 or 1. "
            + why,
            source=(
                "pytorch-multi-class-focal-loss#1",
                f"{_GITHUB}/gokulprasadthekkel/pytorch-multi-class-focal-loss/issues/1",
            ),
        ),
        x=p_t.cpu(),
        wrong=wrong.cpu(),
        right=right.cpu(),
        over="a positive's p_t",
        shows="factor (1 - p_t)^gamma",
        look=at,
    )


@dataclasses.dataclass(frozen=True)
class Normaliser(Parameters):
    """Hold what the sum is divided by."""

    gamma: float = _gamma()
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
        look=_nearest(exponents, 2.0),
    )


@dataclasses.dataclass(frozen=True)
class Apart(Parameters):
    """Hold where sigmoid and BCELoss stand apart."""

    dtype: str = choice("float32", tuple(DTYPES), label="dtype", help="Of the logits.")
    show: str = choice(
        "loss",
        ("loss", "gradient"),
        label="show",
        help="Or d loss / d logit.",
    )


def apart(parameters: Apart, *, device: str = "cpu") -> CurveMistake:
    """Take the sigmoid and BCELoss apart, and both in one, over logits from -120 to 120.

    Args:
        parameters: Which dtype, and what to show.
        device: Where torch computes.
    """
    where = devices.device(device)
    dtype = DTYPES[parameters.dtype]
    logits = torch.linspace(-120, 120, 481, dtype=torch.float64).to(where, dtype).requires_grad_()
    zeros = torch.zeros_like(logits)
    found = {}
    for name, losses in (
        ("wrong", F.binary_cross_entropy(torch.sigmoid(logits), zeros, reduction="none")),
        ("right", F.binary_cross_entropy_with_logits(logits, zeros, reduction="none")),
    ):
        slopes = derived(losses, logits)
        found[name] = [part.detach().cpu().double() for part in (losses, slopes)]
    which = ("loss", "gradient").index(parameters.show)
    at = [int((logits.detach().double() - value).abs().argmin()) for value in (17.0, 50.0)]

    # What the lesson says, of the logits that the sigmoid takes for 1.
    full = (torch.sigmoid(logits.detach()) == 1).cpu()
    first = float(logits.detach().cpu().double()[full].min())
    losses, slopes = (part[full] for part in found["wrong"])
    zero, lost = int((slopes == 0).sum()), int(slopes.isnan().sum())
    gone = [f"{count} {what}" for count, what in ((zero, "are 0"), (lost, "are NaN")) if count]
    lesson = (
        f"From logit {first:g} on the sigmoid is 1 in {parameters.dtype}. BCELoss then stays at "
        f"{float(losses.max()):g}, and of the {len(slopes)} gradients of these worst examples "
        f"{', '.join(gone)}."
    )

    def cost(name: str) -> str:
        losses, slopes = found[name]
        words = (
            f"Target 0. Logit 17: loss {losses[at[0]]:.4g}, gradient {worded(slopes[at[0]])}. "
            f"Logit 50: loss {losses[at[1]]:.4g}, gradient {worded(slopes[at[1]])}."
        )
        lost = int(slopes.isnan().sum())
        return words + (f" {lost} of {len(slopes)} gradients are NaN." if lost else "")

    return CurveMistake(
        mistake=Mistake(
            wrong="loss = nn.BCELoss()(torch.sigmoid(x), t)",
            right="loss = nn.BCEWithLogitsLoss()(x, t)",
            wrong_cost=cost("wrong"),
            right_cost=cost("right"),
            lesson=lesson,
            source=("pytorch#103316", f"{_GITHUB}/pytorch/pytorch/issues/103316"),
        ),
        x=logits.detach().cpu().double(),
        wrong=found["wrong"][which],
        right=found["right"][which],
        over="logit, target 0",
        shows=("loss", "d loss / d logit")[which],
        look=_nearest(logits, 17.0),
    )


@dataclasses.dataclass(frozen=True)
class Twice(Parameters):
    """Hold the label that the sigmoid is taken twice for."""

    target: str = choice("0", ("0", "1"), label="target", help="The example's.")
    show: str = choice(
        "loss",
        ("loss", "gradient"),
        label="show",
        help="Or |d loss / d logit|.",
    )


def twice(parameters: Twice, *, device: str = "cpu") -> CurveMistake:
    """Give BCEWithLogitsLoss probabilities, and logits.

    Args:
        parameters: Which label, and what to show.
        device: Where torch computes.
    """
    where = devices.device(device)
    logits = torch.linspace(-10, 10, 201, dtype=torch.float64, device=where).requires_grad_()
    targets = torch.full_like(logits, float(parameters.target))
    bce = F.binary_cross_entropy_with_logits
    found = []
    for given in (logits.sigmoid(), logits):
        losses = bce(given, targets, reduction="none")
        found.append((losses.detach().cpu(), derived(losses, logits).abs().cpu()))
    which = ("loss", "gradient").index(parameters.show)
    label = torch.tensor([1.0, 1.0, 0.0], device=where)
    pred = torch.tensor([3.0, 2.0, 1.0], device=where)
    printed = [float(bce(given, label)) for given in (pred.sigmoid(), pred)]
    best = [float(losses.min()) for losses, _ in found]
    steepest = [float(slopes.max()) for _, slopes in found]
    end = (-10, 10)[int(parameters.target)]
    return CurveMistake(
        mistake=Mistake(
            wrong="loss = nn.BCEWithLogitsLoss()(torch.sigmoid(x), t)",
            right="loss = nn.BCEWithLogitsLoss()(x, t)",
            wrong_cost=f"The loss stays above {best[0]:.3f}, gradients reach "
            f"{steepest[0]:.2f}. Logits 3, 2, 1, targets 1, 1, 0: mean loss {printed[0]:.4f}.",
            right_cost=f"The loss falls to {best[1]:.1g} at logit {end}, gradients reach "
            f"{steepest[1]:.2f}. Logits 3, 2, 1, targets 1, 1, 0: mean loss {printed[1]:.4f}.",
            lesson="The second sigmoid maps 0 to 1 onto 0.5 to 0.73. No error is raised; training "
            "slows, and stalls where the first sigmoid is flat.",
            source=(
                "focal-loss-pytorch PR 5",
                f"{_GITHUB}/itakurah/focal-loss-pytorch/pull/5",
            ),
        ),
        x=logits.detach().cpu(),
        wrong=found[0][which],
        right=found[1][which],
        over=f"logit, target {parameters.target}",
        shows=("loss", "|d loss / d logit|")[which],
        look=_nearest(logits, (-6.0, 6.0)[int(parameters.target)]),
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
        look=_nearest(biases, 0.0),
        look_right=_nearest(biases, parameters.bias),
        names=("9,990 negatives", "10 positives"),
    )


@dataclasses.dataclass(frozen=True)
class Soft(Parameters):
    """Hold a soft label."""

    target: float = number(
        0.8,
        label="soft label",
        help="What p should be; label smoothing makes soft labels.",
        minimum=0.5,
        maximum=0.95,
        step=0.05,
    )
    gamma: float = _gamma()


def soft(parameters: Soft, *, device: str = "cpu") -> CurveMistake:
    """Give focal loss a soft label, and weigh by the distance to it instead.

    Args:
        parameters: Which label, and gamma.
        device: Where torch computes.
    """
    where = devices.device(device)
    label, gamma = parameters.target, parameters.gamma

    def losses(p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return focal loss, quality focal loss and BCE at each output."""
        logits, targets = p.log() - torch.log1p(-p), torch.full_like(p, label)
        entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        focal: Tensor = sigmoid_focal_loss(logits, targets, alpha=-1, gamma=gamma)
        return focal, (targets - p).abs() ** gamma * entropy, entropy

    # To where the lowest points of all settings lie.
    end = torch.tensor([0.996, 0.997, 0.998, 0.999, 0.9995], dtype=torch.float64)
    p = torch.cat([torch.linspace(0.25, 0.995, 150, dtype=torch.float64), end]).to(where)
    wrong, right, entropy = losses(p)
    own = torch.tensor([label], dtype=torch.float64, device=where)
    at_label = losses(own)
    fine = torch.cat(
        [torch.linspace(-12, 12, 24_001, dtype=torch.float64).sigmoid().to(where), own]
    )
    # The label comes last: of outputs alike in loss up to rounding it is the one meant.
    best = [
        label if bool(part.min() >= part[-1] * (1 - 1e-12)) else float(fine[part.argmin()])
        for part in losses(fine)[:2]
    ]
    past = best[0] - label
    where_to = (
        f"It is largest at p = 1 for labels above one half: this loss drives p past the label, "
        f"to {best[0]:.3g}."
        if past > 5e-4
        else "Here it is lowest at the label itself: "
        + ("gamma = 0 is BCE." if gamma == 0 else "gamma hardly counts.")
        if label > 0.5
        else "For a label of one half p_t is one half at every p, and the loss is lowest there."
    )
    return CurveMistake(
        mistake=Mistake(
            wrong=f"loss = sigmoid_focal_loss(x, soft, alpha=-1, gamma={gamma:g})",
            right="p = x.sigmoid()\n"
            f"loss = (soft - p).abs() ** {gamma:g} * F.binary_cross_entropy_with_logits(\n"
            '    x, soft, reduction="none")',
            wrong_cost=f"Lowest at p = {best[0]:.4f}. At the label, {label:g}, it is "
            f"{float(at_label[0]):.3g}.",
            right_cost=f"Lowest at p = {best[1]:.4f}. At the label it is {float(at_label[1]):.3g}.",
            lesson=f"p_t = p t + (1-p)(1-t). {where_to} Quality focal loss weighs by "
            "|t - p|^gamma.",
            source=("keras-cv#672", f"{_GITHUB}/keras-team/keras-cv/issues/672"),
        ),
        x=p.cpu(),
        wrong=wrong.cpu(),
        right=right.cpu(),
        over=f"p; the label is {parameters.target:g}",
        shows="loss",
        log=True,
        look=int(wrong.argmin()),
        look_right=int(right.argmin()),
        others={"BCE": entropy.cpu()},
    )


@dataclasses.dataclass(frozen=True)
class BelowOne(Parameters):
    """Hold a gamma that autograd may not like."""

    gamma: float = number(
        0.5,
        label="gamma",
        help="From 1 on no gradient is NaN.",
        minimum=0.1,
        maximum=1.5,
        step=0.1,
    )
    dtype: str = choice(
        "float32",
        ("float16", "bfloat16", "float32", "float64"),
        label="dtype",
        help="Of the logits.",
    )


def below_one(parameters: BelowOne, *, device: str = "cpu") -> CurveMistake:
    """Take the power of 1 - p_t by subtraction, and by logarithms.

    Args:
        parameters: Which gamma and dtype.
        device: Where torch computes.
    """
    where = devices.device(device)
    gamma, dtype = parameters.gamma, DTYPES[parameters.dtype]
    x = torch.linspace(0, 60, 121, dtype=torch.float64)
    logits = x.clone().to(where, dtype).requires_grad_()

    def by_power() -> Tensor:
        losses: Tensor = sigmoid_focal_loss(logits, torch.ones_like(logits), alpha=-1, gamma=gamma)
        return losses

    def by_logarithm() -> Tensor:
        power: Tensor = torch.exp(gamma * F.logsigmoid(-logits))
        return power * -F.logsigmoid(logits)

    def slopes(loss: Callable[[], Tensor]) -> Tensor:
        return derived(loss(), logits).abs().cpu().double()

    wrong, right = slopes(by_power), slopes(by_logarithm)
    lost = [found.isnan() for found in (wrong, right)]
    first = float(x[lost[0]][0]) if lost[0].any() else 0.0
    gone = f", the first at logit {first:g}" if lost[0].any() else ""
    return CurveMistake(
        mistake=Mistake(
            wrong=f"p_t = torch.sigmoid(x)  # target 1\nloss = (1 - p_t) ** {gamma:g} * ce",
            right="log = F.logsigmoid(-x)  # of 1 - p_t\n"
            f"loss = torch.exp({gamma:g} * log) * -F.logsigmoid(x)",
            wrong_cost=f"{int(lost[0].sum())} of {len(x)} gradients are NaN{gone}. One is "
            "enough: after the step every weight that made the logits is NaN."
            if lost[0].any()
            else f"No gradient of {len(x)} is NaN.",
            right_cost=f"{int(lost[1].sum())} of {len(x)} gradients are NaN; at logit 20 it "
            f"is {right[40]:.1e}.",
            lesson="Below 1 the power's slope at 0 is infinite. Once the sigmoid rounds to 1, 1 - "
            "p_t is 0, and autograd multiplies infinity by 0: NaN, in torchvision too.",
            source=("kornia#918", f"{_GITHUB}/kornia/kornia/issues/918"),
        ),
        x=x,
        wrong=wrong,
        right=right,
        over="logit, target 1",
        shows="|d loss / d logit|",
        log=True,
        look=_nearest(x, max(0.0, first - 1)),
        look_right=_nearest(x, 20.0),
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
