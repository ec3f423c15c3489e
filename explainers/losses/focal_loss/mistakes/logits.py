"""Mistakes about logits and probabilities: a sigmoid too many, p_t, the target's range."""

import dataclasses
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, worded
from explainers.losses.focal_loss.mistakes import parts
from explainers.losses.focal_loss.view import DTYPES, derived
from explainers.parameters import Parameters, choice, number

_GITHUB = "https://github.com"


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
    gamma: float = parts.gamma()
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
    at = parts.nearest(p_t, 0.9)
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
        look=parts.nearest(logits, 17.0),
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
        look=parts.nearest(logits, (-6.0, 6.0)[int(parameters.target)]),
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
    gamma: float = parts.gamma()


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
        look=parts.nearest(x, max(0.0, first - 1)),
        look_right=parts.nearest(x, 20.0),
    )
