"""Run what the study notes say about focal loss and binary cross-entropy, and judge each."""

import contextlib
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import sigmoid_focal_loss

from explainers import devices
from explainers.evidence import Claim, Verdict, largest_difference, recorded_warnings, worded
from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.losses.focal_loss.reference import NotesFocalLoss
from explainers.losses.focal_loss.shares import class_shares, scene
from explainers.losses.focal_loss.view import derived

_FOCAL = "Focal Loss"
_FROM = "BCEWithLogitsLoss() from pytorch"
_OWN = "BCEWithLogitsLoss()"
_SAME = 1e-6


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge every statement of the notes, in their order.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    judges: tuple[Callable[[torch.device], Claim], ...] = (
        _for_imbalance,
        _easy_negatives,
        _nearness,
        _gamma_above_zero,
        _unchanged,
        _relative_weight,
        _the_class,
        _must_be_with_logits,
        _reduction_none,
        _commented_variant,
        _one_class,
        _formula,
        _reductions,
        _targets_between,
        _pos_weight_formula,
        _recall_and_precision,
        _three_hundred,
        _example,
        _weight_size,
        _deprecated,
        _pos_weight_size,
        _no_difference,
        _printed,
        _sigmoid,
    )
    return tuple(judge(where) for judge in judges)


def _yes(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.WRONG


def _verdict(holds: bool, always: bool) -> Verdict:
    if not holds:
        return Verdict.WRONG
    return Verdict.HOLDS if always else Verdict.CONDITION


def _number(value: Tensor) -> float:
    return float(value.detach())


def _for_imbalance(where: torch.device) -> Claim:
    shares = {}
    for name, bias in (("easy negatives, hard positives", -3.0), ("both equally easy", 0.0)):
        logits, targets = (part.to(where) for part in scene(1000, separation=6.0, bias=bias))
        shares[name] = [
            class_shares(logits, targets, gamma=gamma, alpha=None).negative for gamma in (0.0, 2.0)
        ]
    helped = shares["easy negatives, hard positives"]
    unhelped = shares["both equally easy"]
    return Claim(
        "Unbalanced classes harm training; focal loss keeps the many negatives from leading the "
        "network astray.",
        _FOCAL,
        _verdict(helped[1] < 0.5 < helped[0], unhelped[1] < 0.5),
        "1,000 negatives a positive; the negatives' share of the loss, BCE and gamma = 2: "
        + "; ".join(f"{name} {a:.1%} and {b:.1%}" for name, (a, b) in shares.items())
        + ".",
        "True where negatives are easy: with a prior bias, or once trained. Focal loss tells "
        "easy from hard, not class from class.",
    )


def _easy_negatives(where: torch.device) -> Claim:
    logits = torch.linspace(-8, 8, 161, dtype=torch.float64, device=where)
    zeros = torch.zeros_like(logits)
    lighter = F.binary_cross_entropy_with_logits(logits, zeros, reduction="none")
    lighter = binary_focal_loss(logits, zeros, gamma=2.0, alpha=None) / lighter
    falls = bool((lighter.diff() > 0).all())
    return Claim(
        "It lowers the weight of easily told negatives.",
        _FOCAL,
        _yes(falls and _number(lighter[0]) < 1e-3),
        f"A negative's focal loss over BCE, gamma = 2: {lighter[0]:.1e} at logit -8, "
        f"{lighter[80]:.3g} at 0, {lighter[-1]:.3f} at 8.",
        "That of easy positives, too.",
    )


def _nearness(where: torch.device) -> Claim:
    logits = torch.linspace(-6, 6, 241, dtype=torch.float64, device=where)
    p = logits.sigmoid()
    hard_rises = all(
        bool((target * p + (1 - target) * (1 - p)).diff().mul(2 * target - 1).gt(0).all())
        for target in (0.0, 1.0)
    )
    soft = 0.8 * p + 0.2 * (1 - p)
    best = _number(p[soft.argmax()])
    return Claim(
        "p_t says how near the output is to the label y: the larger, the more exact, confident "
        "and easy the example.",
        _FOCAL,
        _verdict(hard_rises, abs(best - 0.8) < 0.01),
        f"Labels 0 and 1: p_t {'rises' if hard_rises else 'does not rise'} all the way to the "
        f"label. Label 0.8: it is largest, {_number(soft.max()):.2f}, at p = {best:.3f}.",
        "True for labels 0 and 1. For soft ones p t + (1-p)(1-t) is largest at p = 0 or 1, not "
        "at the label.",
    )


def _gamma_above_zero(where: torch.device) -> Claim:
    one = torch.ones(1, device=where)
    slopes = {}
    for gamma in (0.5, 1.5):
        logit = torch.full((1,), 60.0, device=where, requires_grad=True)
        loss = NotesFocalLoss(nn.BCEWithLogitsLoss(), gamma=gamma)(logit, one)
        slopes[gamma] = float(derived(loss, logit))
    logit = torch.full((1,), 60.0, device=where, requires_grad=True)
    ours = float(derived(binary_focal_loss(logit, one, gamma=0.5), logit))
    finite = {gamma: not math.isnan(slope) for gamma, slope in slopes.items()}
    return Claim(
        "gamma > 0 is a factor to adjust.",
        _FOCAL,
        _verdict(finite[1.5], finite[0.5]),
        f"At logit 60, target 1, the notes' gradient is {worded(slopes[0.5])} for gamma 0.5, "
        f"{worded(slopes[1.5])} for 1.5; this page's is {ours:.1g} for 0.5.",
        "Below 1 the gradient is NaN once p_t rounds to 1, in torchvision too: autograd divides "
        "by (1 - p_t)^(1 - gamma), 0.",
    )


def _unchanged(where: torch.device) -> Claim:
    logits = torch.tensor([-40.0, -2.0, 0.0], dtype=torch.float64, device=where)
    ones = torch.ones_like(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, ones, reduction="none")
    plain = binary_focal_loss(logits, ones, gamma=1.5, alpha=None) / entropy
    class_ = NotesFocalLoss(nn.BCEWithLogitsLoss(reduction="none"))(logits, ones) / entropy
    return Claim(
        "Compared with cross-entropy, the loss of badly classified examples is unchanged, and "
        "that of well classified ones gets smaller.",
        _FOCAL,
        _verdict(abs(_number(plain[0]) - 1) < _SAME, abs(_number(class_[0]) - 1) < _SAME),
        "A positive's focal loss over BCE, gamma 1.5, at p_t = 4e-18, 0.12, 0.5: "
        f"{plain[0]:.3f}, {plain[1]:.3f}, {plain[2]:.3f}; the notes' class, alpha = 0.25: "
        f"{class_[0]:.3f}, {class_[1]:.3f}, {class_[2]:.3f}.",
        "Unchanged only without alpha and as p_t nears 0; alpha = 0.25 takes three quarters of "
        "a hard positive's loss.",
    )


def _relative_weight(where: torch.device) -> Claim:
    logits = torch.tensor([-2.0, 4.0], dtype=torch.float64, device=where)
    ones = torch.ones_like(logits)
    parts = [binary_focal_loss(logits, ones, gamma=gamma, alpha=None) for gamma in (0.0, 2.0)]
    ratios = [_number(part[0] / part[1]) for part in parts]
    return Claim(
        "All in all this raises the weight of the badly classified examples in the loss.",
        _FOCAL,
        _yes(ratios[1] > ratios[0]),
        f"Positives at logits -2 and 4: {ratios[0]:,.0f} times the loss under BCE, "
        f"{ratios[1]:,.0f} under gamma = 2.",
        "Their share rises. The sum falls, so other terms of the loss weigh more.",
    )


def _batch(where: torch.device) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=generator).to(where).requires_grad_()
    return logits, (torch.rand(6, 4, generator=generator) > 0.7).float().to(where)


def _the_class(where: torch.device) -> Claim:
    logits, targets = _batch(where)
    criterion = nn.BCEWithLogitsLoss()
    before = criterion.reduction
    found = NotesFocalLoss(criterion)(logits, targets)
    expected = sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=1.5, reduction="mean")
    slopes = largest_difference(derived(found, logits), derived(expected, logits))
    same = largest_difference(found, expected) < _SAME and slopes < _SAME
    return Claim(
        "The class FocalLoss(nn.BCEWithLogitsLoss(), gamma=1.5, alpha=0.25) is focal loss.",
        _FOCAL,
        _verdict(same, criterion.reduction == before),
        f"{_number(found):.4f}, torchvision {_number(expected):.4f}; gradients {slopes:.0e} "
        f"apart. The criterion's reduction, {before!r}, becomes {criterion.reduction!r}.",
        "Value and gradient are right, but the criterion given is left with reduction 'none'.",
    )


def _must_be_with_logits(where: torch.device) -> Claim:
    logits, targets = _batch(where)
    right = NotesFocalLoss(nn.BCEWithLogitsLoss())(logits, targets)
    wrong = NotesFocalLoss(nn.BCELoss())(logits.sigmoid(), targets)
    return Claim(
        "loss_fcn must be nn.BCEWithLogitsLoss().",
        _FOCAL,
        _yes(largest_difference(right, wrong) > 0.01),
        f"{_number(right):.4f} with it; {_number(wrong):.4f} with nn.BCELoss() on the "
        "probabilities, and no error.",
        "The class takes the sigmoid: probabilities would go through it twice.",
    )


def _reduction_none(where: torch.device) -> Claim:
    logits, targets = _batch(where)
    each = NotesFocalLoss(nn.BCEWithLogitsLoss())(logits, targets)
    entropy = F.binary_cross_entropy_with_logits(logits, targets)
    p_t = torch.where(targets > 0.5, logits, -logits).sigmoid()
    balance = torch.where(targets > 0.5, 0.25, 0.75)
    blurred = (balance * (1 - p_t) ** 1.5 * entropy).mean()
    return Claim(
        "reduction = 'none' is required to apply focal loss to each element.",
        _FOCAL,
        _yes(largest_difference(each, blurred) > 0.01),
        f"Mean focal loss {_number(each):.4f}; the mean factor times the mean cross-entropy "
        f"{_number(blurred):.4f}.",
        "A mean forgets which example was hard.",
    )


def _commented_variant(where: torch.device) -> Claim:
    logits = torch.tensor([60.0, 2.0, 2.0], dtype=torch.float32, device=where, requires_grad=True)
    targets = torch.tensor([1.0, 1.0, 0.0], device=where)
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    variant = 0.25 * (1.000001 - torch.exp(-losses)) ** 0.5 * losses
    slope = float(derived(variant, logits)[0])
    exact = binary_focal_loss(logits, targets, gamma=0.5, alpha=0.25)
    ratios = (variant / exact).detach()
    return Claim(
        "p_t = exp(-loss), alpha * (1.000001 - p_t) ** gamma: non-zero power for gradient "
        "stability (in a comment).",
        _FOCAL,
        _verdict(not math.isnan(slope), abs(float(ratios[2]) - 1) < 1e-2),
        f"gamma 0.5, logit 60: gradient {slope:.1g}. At logit 2, over true focal loss: "
        f"{ratios[1]:.3f} for a positive, {ratios[2]:.3f} for a negative.",
        "The gradient stays finite, but alpha scales both classes; negatives need 1 - "
        "alpha. p_t = exp(-loss) holds for labels 0 and 1.",
    )


def _one_class(where: torch.device) -> Claim:
    logit = torch.tensor([20.0], device=where, requires_grad=True)
    zero = torch.zeros_like(logit)
    whole = F.binary_cross_entropy_with_logits(logit, zero)
    apart = F.binary_cross_entropy(torch.sigmoid(logit), zero)
    values = _number(whole), _number(apart)
    slopes = float(derived(whole, logit)), float(derived(apart, logit))
    return Claim(
        "It combines a Sigmoid layer and BCELoss in one class, and is more stable than the two "
        "apart.",
        _FROM,
        _yes(abs(values[0] - 20) < 1e-4 and abs(values[1] - 20) > 1),
        f"Logit 20, target 0: {values[0]:g} in one, {values[1]:g} apart; gradients "
        f"{slopes[0]:g} and {slopes[1]:g}.",
        "In float32 the sigmoid of 17 is 1: BCELoss takes -100 for log 0, and passes no gradient.",
    )


def _formula(where: torch.device) -> Claim:
    logits, targets = (part.detach().double() for part in _batch(where))
    generator = torch.Generator().manual_seed(1)
    weight = torch.rand(6, 4, generator=generator, dtype=torch.float64).to(where)
    found = nn.BCEWithLogitsLoss(weight=weight, reduction="none")(logits, targets)
    p = logits.sigmoid()
    written = -weight * (targets * p.log() + (1 - targets) * (1 - p).log())
    error = largest_difference(found, written)
    return Claim(
        "l_n = -w_n [y_n log σ(x_n) + (1 - y_n) log(1 - σ(x_n))].",
        _FROM,
        _yes(error < 1e-12),
        f"24 weighted elements, float64: at most {error:.1e} apart.",
        "torch never forms 1 - σ(x).",
    )


def _reductions(where: torch.device) -> Claim:
    logits, targets = (part.detach() for part in _batch(where))
    each = nn.BCEWithLogitsLoss(reduction="none")(logits, targets)
    default = nn.BCEWithLogitsLoss()(logits, targets)
    total = nn.BCEWithLogitsLoss(reduction="sum")(logits, targets)
    holds = (
        each.shape == logits.shape
        and largest_difference(default, each.mean()) < _SAME
        and largest_difference(total, each.sum()) < 1e-4
    )
    return Claim(
        "reduction is 'none', 'mean' (the default: the sum over the number of elements) or 'sum'.",
        _FROM,
        _yes(holds),
        f"none: shape {tuple(each.shape)}; default {default:.4f}, mean {each.mean():.4f}; "
        f"sum {total:.2f}.",
        "torchvision's sigmoid_focal_loss defaults to 'none'.",
    )


def _targets_between(where: torch.device) -> Claim:
    logit, two = torch.full((1,), 3.0, device=where), torch.full((1,), 2.0, device=where)
    value = float(F.binary_cross_entropy_with_logits(logit, two))
    half = float(F.binary_cross_entropy_with_logits(torch.zeros_like(logit), two / 4))
    refused = ""
    try:
        binary_focal_loss(logit, two)
    except ValueError as error:
        refused = str(error)
    return Claim(
        "It can measure the error of a reconstruction; the targets should be numbers from 0 to 1.",
        _FROM,
        _verdict(half > 0, value >= 0),
        f"Target 2 at logit 3: {value:.3f}, without an error. Target 0.5, met: {half:.3f}. "
        f"binary_focal_loss: {refused}.",
        "torch does not check: targets beyond 1 give a loss without a lower bound. A soft target, "
        "met, still costs its entropy.",
    )


def _pos_weight_formula(where: torch.device) -> Claim:
    logits, targets = (part.detach().double() for part in _batch(where))
    weight = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64, device=where)
    found = nn.BCEWithLogitsLoss(pos_weight=weight, reduction="none")(logits, targets)
    p = logits.sigmoid()
    written = -(weight * targets * p.log() + (1 - targets) * (1 - p).log())
    error = largest_difference(found, written)
    return Claim(
        "With several labels: l_nc = -w_nc [p_c y_nc log σ(x_nc) + (1 - y_nc) log(1 - σ(x_nc))], "
        "p_c the weight of the positive answer for class c.",
        _FROM,
        _yes(error < 1e-12),
        f"Four classes, pos_weight 0.5, 1, 2, 4: at most {error:.1e} apart.",
        "It weighs the positive term alone: the negatives' stays.",
    )


def _recall_and_precision(where: torch.device) -> Claim:
    found = {weight: _fitted(weight, where) for weight in (0.2, 1.0, 5.0)}
    recall = [found[weight][0] for weight in (0.2, 1.0, 5.0)]
    precision = [found[weight][1] for weight in (0.2, 1.0, 5.0)]
    holds = recall == sorted(recall) and precision == sorted(precision, reverse=True)
    return Claim(
        "p_c > 1 increases the recall, p_c < 1 increases the precision.",
        _FROM,
        _yes(holds),
        "Logistic regression, 300 negatives, 100 positives, threshold 0.5: "
        + "; ".join(
            f"pos_weight {weight:g} recall {a:.2f}, precision {b:.2f}"
            for weight, (a, b) in found.items()
        )
        + ".",
        "At a fixed threshold: it moves the bias, and moving the threshold would do as well.",
    )


def _fitted(pos_weight: float, where: torch.device) -> tuple[float, float]:
    """Fit a line by Newton's method; return recall and precision at threshold 0.5."""
    points = torch.special.ndtri((torch.arange(400, dtype=torch.float64) + 0.5) / 400)
    # Positives at every fourth place, one standard deviation and a half to the right.
    targets = (torch.arange(400) % 4 == 0).double()
    x = torch.stack([points + 1.5 * targets, torch.ones_like(points)], dim=1).to(where)
    targets = targets.to(where)
    weight = torch.where(targets > 0.5, pos_weight, 1.0)
    line = x.new_zeros(2)
    for _ in range(12):
        p = (x @ line).sigmoid()
        slope = x.T @ (weight * (p - targets))
        curvature = (x.T * (weight * p * (1 - p))) @ x
        line = line - torch.linalg.solve(curvature, slope)
    called = (x @ line) > 0
    right = float((called & (targets > 0.5)).sum())
    return right / 100, right / max(1.0, float(called.sum()))


def _three_hundred(where: torch.device) -> Claim:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(400, generator=generator, dtype=torch.float64).to(where)
    targets = (torch.arange(400, device=where) < 100).double()
    weight = torch.tensor(3.0, dtype=torch.float64, device=where)
    more = torch.cat([logits, logits[:100], logits[:100]])
    labels = torch.cat([targets, targets[:100], targets[:100]])
    bce = F.binary_cross_entropy_with_logits
    weighed, repeated = (
        [float(bce(*pair, pos_weight=extra, reduction=kind)) for kind in ("sum", "mean")]
        for pair, extra in (((logits, targets), weight), ((more, labels), None))
    )
    # The best constant logit: 3 * 100 positives pull up as hard as 300 negatives pull down.
    constant = torch.zeros(1, dtype=torch.float64, device=where, requires_grad=True)
    slope = float(
        derived(bce(constant.expand(400), targets, pos_weight=weight, reduction="sum"), constant)
    )
    return Claim(
        "100 positives and 300 negatives: with pos_weight = 300/100 = 3 the loss acts as if there "
        "were 300 positives.",
        _FROM,
        _verdict(
            abs(weighed[0] - repeated[0]) < 1e-9 * repeated[0],
            abs(weighed[1] - repeated[1]) < 1e-9 * repeated[1],
        ),
        f"Sum: {weighed[0]:.1f}; every positive three times: {repeated[0]:.1f}. Mean: "
        f"{weighed[1]:.3f} and {repeated[1]:.3f}. A constant model at p = 0.5 has gradient "
        f"{slope:.0g}.",
        "The sum does. The mean divides by 400, not 600: it is 1.5 times as large. And the model "
        "no longer says 0.25 where a quarter is positive.",
    )


def _example(where: torch.device) -> Claim:
    target = torch.ones([10, 64], device=where)
    output = torch.full([10, 64], 1.5, device=where)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.ones([64], device=where))
    found = float(criterion(output, target))
    expected = float(-torch.log(torch.sigmoid(torch.tensor(1.5))))
    return Claim(
        "Targets 1 (10 by 64), logits 1.5, pos_weight 1: the loss is -log σ(1.5).",
        _FROM,
        _yes(abs(found - expected) < _SAME),
        f"The loss {found:.4f}, -log σ(1.5) {expected:.4f}.",
        "A pos_weight of 1 changes nothing.",
    )


def _weight_size(where: torch.device) -> Claim:
    target = torch.ones([10, 64], device=where)
    output = torch.full([10, 64], 1.5, device=where)
    said = ""
    try:
        nn.BCEWithLogitsLoss(weight=torch.ones(10, device=where))(output, target)
    except RuntimeError as error:
        said = str(error).splitlines()[0]
    column = float(nn.BCEWithLogitsLoss(weight=torch.ones(10, 1, device=where))(output, target))
    alone = float(
        nn.BCEWithLogitsLoss(weight=torch.ones(10, device=where))(output[:, 0], target[:, 0])
    )
    return Claim(
        "weight has to be a tensor of size nbatch.",
        _FROM,
        _verdict(abs(alone - column) < _SAME, not said),
        f"Size 10, logits 10: {alone:.4f}. Size 10, logits 10 by 64: {said or 'no error'}. Size "
        f"10 by 1: {column:.4f}.",
        "It broadcasts from the last dimension: weights per row must be (nbatch, 1).",
    )


def _deprecated(where: torch.device) -> Claim:
    logits, targets = (part.detach() for part in _batch(where))
    with recorded_warnings() as caught:
        loss = nn.BCEWithLogitsLoss(size_average=False)(logits, targets)
    total = nn.BCEWithLogitsLoss(reduction="sum")(logits, targets)
    words = str(caught[0].message) if caught else "no warning"
    return Claim(
        "size_average and reduce are deprecated; reduction says it.",
        _FROM,
        _yes(bool(caught) and largest_difference(loss, total) < _SAME),
        f"size_average=False gives {loss:.2f}, the sum {total:.2f}. torch warns: {words}",
        "They still work.",
    )


def _pos_weight_size(where: torch.device) -> Claim:
    logits, targets = (part.detach() for part in _batch(where))
    bce = F.binary_cross_entropy_with_logits
    shapes: dict[str, float] = {}
    for shape in ((4,), (), (6, 1)):
        with contextlib.suppress(RuntimeError):
            weight = torch.full(shape, 3.0, device=where)
            shapes[str(shape)] = float(bce(logits, targets, pos_weight=weight))
    picture = torch.zeros(2, 4, 5, 7, device=where)
    said = ""
    try:
        bce(picture, picture, pos_weight=torch.full((4,), 3.0, device=where))
    except RuntimeError as error:
        said = str(error).splitlines()[0]
    return Claim(
        "pos_weight must be a vector with length equal to the number of classes.",
        _FROM,
        _verdict("(4,)" in shapes, len(shapes) == 1),
        f"Logits 6 by 4, weight 3 of shape {', '.join(shapes)}: "
        f"{', '.join(f'{value:.4f}' for value in shapes.values())}. Logits (2, 4, 5, 7), "
        f"shape (4,): {said or 'no error'}.",
        "It broadcasts: a number will do; maps (N, C, H, W) need (C, 1, 1).",
    )


def _no_difference(where: torch.device) -> Claim:
    bce, with_logits = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
    found = {}
    for value in (5.0, 17.0, -50.0):
        target = torch.tensor([float(value < 0)], device=where)
        logit = torch.tensor([value], device=where, requires_grad=True)
        apart, whole = bce(logit.sigmoid(), target), with_logits(logit, target)
        values = _number(apart), _number(whole)
        found[value] = (*values, float(derived(apart, logit)), float(derived(whole, logit)))
    near, far, low = found[5.0], found[17.0], found[-50.0]
    return Claim(
        "There is no real difference to nn.BCELoss: it only has a logits function, the sigmoid, "
        "added.",
        _OWN,
        _verdict(abs(near[0] - near[1]) < 1e-3, abs(far[0] - far[1]) < 1e-3),
        f"Logit 5, target 0: {near[0]:.4f} and {near[1]:.4f}. Logit 17, target 0: "
        f"{far[0]:g} and {far[1]:g}. Logit -50, target 1: gradient {low[2]:.0e} and "
        f"{low[3]:g}.",
        "True for small logits. Where the model is most wrong, BCELoss of a sigmoid jumps to "
        "100 or loses its gradient.",
    )


def _printed(where: torch.device) -> Claim:
    label = torch.tensor([1.0, 1.0, 0.0], device=where)
    pred = torch.tensor([3.0, 2.0, 1.0], device=where)
    once = torch.sigmoid(pred)
    found = [
        float(nn.BCELoss()(once, label)),
        float(nn.BCEWithLogitsLoss()(pred, label)),
        float(nn.BCEWithLogitsLoss()(once, label)),
    ]
    printed = [0.4963, 0.4963, 0.5990]
    floor = float(
        F.binary_cross_entropy_with_logits(torch.sigmoid(torch.tensor(-50.0)), torch.tensor(0.0))
    )
    return Claim(
        "Logits 3, 2, 1, labels 1, 1, 0: BCELoss of the sigmoid 0.4963, BCEWithLogitsLoss 0.4963, "
        "BCEWithLogitsLoss of the sigmoid 0.5990.",
        _OWN,
        _yes(all(abs(a - b) < 5e-5 for a, b in zip(found, printed, strict=True))),
        ", ".join(f"{value:.4f}" for value in found)
        + f". After two sigmoids a perfect negative costs {floor:.4f}.",
        "The third is wrong without an error: its probabilities lie from 0.5 to 0.73, so a "
        "perfect negative costs log 2.",
    )


def _sigmoid(where: torch.device) -> Claim:
    x = torch.linspace(-20, 20, 401, dtype=torch.float64, device=where)
    error = largest_difference(x.sigmoid(), 1 / (1 + torch.exp(-x)))
    return Claim(
        "S(x) = 1 / (1 + e^-x).",
        _OWN,
        _yes(error < 1e-15),
        f"From -20 to 20 at most {error:.1e} from torch.sigmoid.",
        "In float32 it rounds to 1 at 17: 1 - S(x) is then 0.",
    )
