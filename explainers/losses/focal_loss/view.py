"""Declare the page's parameters and compute what one setting shows."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.losses.focal_loss.shares import (
    ClassShares,
    Cumulative,
    FocalCurve,
    class_shares,
    cumulative,
    focal_curve,
    scene,
)
from explainers.parameters import Numbers, Parameters, Preset, choice, flag, number, numbers

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Those of the paper's first figure."""

IMBALANCES = ("1", "10", "100", "1000", "10000")
DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
POSITIVES = "positives"
_MOST = 8
# Beyond 745 even float64's exp(-x) is 0.
_WIDEST = 1000.0
_POINTS = (0.1, 0.5, 0.9, 1 - 10**-1.5)


@dataclasses.dataclass(frozen=True)
class Focal(Parameters):
    """Hold a focal loss and what it is shown on: its curves, a batch, or an unbalanced scene."""

    show: str = choice(
        "curves",
        ("curves", "batch", "scene"),
        label="show",
        help="Curves, a few examples in numbers, or many easy negatives.",
        words=("curves", "a batch", "many negatives"),
    )
    gamma: float = number(
        2.0,
        label="gamma",
        help="1 - p_t to this power; 0 is binary cross-entropy.",
        minimum=0.0,
        maximum=8.0,
        step=0.1,
    )
    weigh: bool = flag(
        False,
        label="alpha",
        help="Weigh the classes; off: torchvision's alpha=-1.",
    )
    alpha: float = number(
        0.25,
        label="alpha of a positive",
        help="Positives weigh alpha, negatives 1 - alpha.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    against: str = choice(
        "p_t",
        ("p_t", "logit"),
        label="against",
        help="p_t: the true class's probability. Logit: the model's output.",
    )
    log: bool = flag(False, label="log axis", help="Powers of ten, evenly apart.")
    pos_weight: float = number(
        1.0,
        label="pos_weight",
        help="The positives' loss times this; p_t stays.",
        minimum=0.0,
        maximum=10_000.0,
        step=1.0,
    )
    logits: str = numbers(
        "3, -1, -4, -2, 0.5, 2",
        label="logits",
        help="1 to 8 numbers from -1,000 to 1,000: float64's sigmoid is 0 below -745 already.",
        minimum=-_WIDEST,
        maximum=_WIDEST,
        columns=(1, _MOST),
    )
    targets: str = numbers(
        "1, 1, 0, 0, 0, 0",
        label="targets",
        help="One per logit, 0 to 1; soft in between.",
        minimum=0.0,
        maximum=1.0,
        columns=(1, _MOST),
    )
    label_smoothing: float = number(
        0.0,
        label="label smoothing",
        help="How far targets move towards one half.",
        minimum=0.0,
        maximum=0.5,
        step=0.01,
    )
    reduction: str = choice(
        "mean",
        ("none", "mean", "sum", POSITIVES),
        label="reduction",
        help="The last divides by the number of positives, as RetinaNet does.",
        words=("none", "mean", "sum", "sum / positives"),
    )
    dtype: str = choice(
        "float32", tuple(DTYPES), label="dtype", help="Of logits, loss and gradient."
    )
    imbalance: str = choice(
        "1000",
        IMBALANCES,
        label="negatives per positive",
        help="Of 10,000 negatives: 1,000 leaves 10 positives.",
        words=("1", "10", "100", "1,000", "10,000"),
    )
    separation: float = number(
        6.0,
        label="separation",
        help="Between the classes' mean logits, in standard deviations.",
        minimum=0.0,
        maximum=10.0,
        step=0.1,
    )
    bias: float = number(
        -3.0,
        label="prior bias",
        help="Added to all logits; below 0 it makes negatives easy.",
        minimum=-10.0,
        maximum=5.0,
        step=0.1,
    )

    @property
    def weight(self) -> float | None:
        """Alpha, or None where it is off."""
        return self.alpha if self.weigh else None

    def row(self, name: str) -> tuple[float, ...]:
        """Return the typed numbers of ``"logits"`` or ``"targets"``."""
        spec = self.specs()[name]
        assert isinstance(spec, Numbers)
        (typed,) = spec.table(getattr(self, name))
        return typed

    @classmethod
    def parse(cls, address: Mapping[str, str]) -> tuple[Self, tuple[str, ...]]:
        """Return the settings that an address spells, and a sentence for each value it refused.

        Where one of the two rows is refused, its default stands in at the other's length: nobody
        hears of a length that nobody typed.
        """
        settings, refused = super().parse(address)
        for name, other in (("logits", "targets"), ("targets", "logits")):
            is_refused = any(sentence.startswith(f"{name} must be ") for sentence in refused)
            if is_refused:
                count = len(settings.row(other))
                standing = itertools.islice(itertools.cycle(settings.row(name)), count)
                spelled = ", ".join(f"{value:g}" for value in standing)
                changed: dict[str, Any] = {name: spelled}
                settings = dataclasses.replace(settings, **changed)
        return settings, refused


PRESETS = (
    Preset(
        "The paper's first figure",
        "Focal loss shrinks every example's loss, easy ones most: at p_t = 0.9, gamma = 2, a "
        "hundredfold.",
        Focal(),
    ),
    Preset(
        "alpha = 0.25",
        "At the same p_t a positive weighs a third of a negative.",
        Focal(weigh=True),
    ),
    Preset(
        "Against the logit",
        "Near logit -2 focal loss pulls harder than BCE; at 4, less than a hundredth as hard.",
        Focal(against="logit"),
    ),
    Preset(
        "Number by number",
        "Each loss is a product: (1 - p_t)^gamma is 0.78 for the wrong x = 2, 0.0003 for the easy "
        "x = -4.",
        Focal(show="batch", weigh=True),
    ),
    Preset(
        "Many easy negatives",
        "Under BCE ten thousand easy negatives outweigh ten positives; under focal loss they do "
        "not.",
        Focal(show="scene"),
    ),
    Preset(
        "Equally easy classes",
        "The shares stay: focal loss tells easy from hard, not negatives from positives.",
        Focal(show="scene", bias=0.0),
    ),
)

REFERENCES = (
    ("Lin et al., Focal Loss for Dense Object Detection, 2017", "https://arxiv.org/abs/1708.02002"),
    (
        "torchvision.ops.sigmoid_focal_loss",
        "https://docs.pytorch.org/vision/stable/generated/torchvision.ops.sigmoid_focal_loss.html",
    ),
    (
        "torch.nn.BCEWithLogitsLoss",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
    ),
    ("Li et al., Generalized Focal Loss, 2020", "https://arxiv.org/abs/2006.04388"),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Hold loss and gradient for several gammas.

    Attributes:
        gammas: Those of the paper, and the one of the settings if it is none of them.
        x: Tensor ``(n,)`` float64: p_t or the logit of a positive.
        loss: Tensor ``(gammas, n)`` float64: a positive's loss.
        gradient: Tensor ``(gammas, n)`` float64: its |d loss / d logit|.
        negative_loss: Tensor ``(n,)`` float64: a negative's loss at the same p_t, or the same
            logit, under the settings' gamma; None where it is the positive's.
        negative_gradient: Tensor ``(n,)``: likewise.
        curve: The settings' gamma against p_t, without alpha.
        points: Tensor ``(k,)`` float64: the p_t that the sentence names.
        positive_ratio: Tensor ``(k,)`` float64: there, plain BCE over a positive's loss with all
            weights; NaN where it has no loss.
        negative_ratio: Tensor ``(k,)`` float64: the same of a negative.
    """

    gammas: tuple[float, ...]
    x: Tensor
    loss: Tensor
    gradient: Tensor
    negative_loss: Tensor | None
    negative_gradient: Tensor | None
    curve: FocalCurve
    points: Tensor
    positive_ratio: Tensor
    negative_ratio: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Hold a batch element by element; every tensor is ``(n,)``.

    Logits, targets, losses and gradients have the settings' dtype; the factors are float64.

    Attributes:
        logits: As typed, in the dtype.
        targets: After label smoothing.
        p_t: Probability of the target.
        cross_entropy: Binary cross-entropy without pos_weight.
        weighted: What pos_weight multiplies it by.
        alpha_t: What alpha multiplies it by.
        modulation: (1 - p_t)^gamma.
        focal: The product of these four: each element's focal loss.
        bce: `F.binary_cross_entropy_with_logits` with pos_weight.
        gradient: Derivative of the reduced focal loss (of the sum, where it is not reduced).
        bce_gradient: The same of the cross-entropy.
        positives: How many typed targets are above one half.
        value: The reduced focal loss; None where it is not reduced.
        bce_value: The reduced cross-entropy; None likewise.
    """

    logits: Tensor
    targets: Tensor
    p_t: Tensor
    cross_entropy: Tensor
    weighted: Tensor
    alpha_t: Tensor
    modulation: Tensor
    focal: Tensor
    bce: Tensor
    gradient: Tensor
    bce_gradient: Tensor
    positives: int
    value: Tensor | None
    bce_value: Tensor | None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Hold what each class makes of the total under several losses.

    Attributes:
        positives: How many there are.
        negatives: How many there are.
        shares: By the loss's name: BCE, weighted BCE, focal loss without alpha and with it.
        gammas: Of the cumulative curves.
        positive_curves: For each gamma, over the positives alone.
        negative_curves: For each gamma, over the negatives alone.
    """

    positives: int
    negatives: int
    shares: tuple[tuple[str, ClassShares], ...]
    gammas: tuple[float, ...]
    positive_curves: tuple[Cumulative, ...]
    negative_curves: tuple[Cumulative, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows: one of its three parts is there.

    Attributes:
        parameters: The settings.
        family: The curves.
        batch: The batch; None where it is refused too.
        scene: The scene.
        sentence: What there is to see, in numbers.
        problem: Why the batch is refused; empty where it is not.
    """

    parameters: Focal
    family: Family | None = None
    batch: Batch | None = None
    scene: Scene | None = None
    sentence: str = ""
    problem: str = ""


def explain(parameters: Focal, *, device: str = "cpu") -> View:
    """Compute what one setting shows.

    Args:
        parameters: The settings.
        device: Where torch computes.

    Returns:
        The part that the settings show, on the CPU.

    Raises:
        ValueError: `device` is not there.
    """
    where = devices.device(device)
    if parameters.show == "curves":
        family = _family(parameters, where)
        return View(parameters, family=family, sentence=_lighter(parameters, family))
    if parameters.show == "scene":
        found = _scene(parameters, where)
        return View(parameters, scene=found, sentence=_shared(found))
    logits, targets = parameters.row("logits"), parameters.row("targets")
    if len(logits) != len(targets):
        problem = f"targets must be as many as logits, {len(logits)}, got {len(targets)}"
        return View(parameters, problem=problem)
    batch = _batch(parameters, where)
    return View(parameters, batch=batch, sentence=_reduced(parameters, batch))


def derived(losses: Tensor, logits: Tensor) -> Tensor:
    """Return the derivative of the summed losses by each logit."""
    (slopes,) = torch.autograd.grad(losses, logits, torch.ones_like(losses))
    return slopes


def reduced(loss: Callable[..., Tensor], reduction: str, positives: int) -> Tensor:
    """Return a loss under one of the page's reductions.

    Args:
        loss: Takes torch's ``reduction``.
        reduction: Torch's, or ``"positives"``: the sum over their number.
        positives: That number; fewer than one counts as one.
    """
    if reduction == POSITIVES:
        return loss(reduction="sum") / max(1, positives)
    return loss(reduction=reduction)


def _gammas(gamma: float) -> tuple[float, ...]:
    return GAMMAS if gamma in GAMMAS else (*GAMMAS, gamma)


def _family(parameters: Focal, where: torch.device) -> Family:
    gammas = _gammas(parameters.gamma)
    shared = (parameters.against, parameters.weight, parameters.pos_weight, str(where))
    found = [_line(1.0, gamma, *shared) for gamma in gammas]
    negative: tuple[Tensor | None, Tensor | None] = (None, None)
    differs = parameters.weight not in (None, 0.5) or parameters.pos_weight != 1
    if parameters.against == "logit" or differs:
        negative = _line(0.0, parameters.gamma, *shared)
    loss, gradient = (torch.stack(part) for part in zip(*found, strict=True))
    curve = focal_curve(parameters.gamma)
    points = torch.tensor(_POINTS, dtype=torch.float64)
    ratios = (_ratio(points, target, parameters, where) for target in (1.0, 0.0))
    axis = _axis(parameters.against)
    return Family(gammas, axis, loss, gradient, *negative, curve, points, *ratios)


def _ratio(points: Tensor, target: float, parameters: Focal, where: torch.device) -> Tensor:
    """Return plain BCE over the settings' loss of one class, at each p_t."""
    logits = (points.log() - torch.log1p(-points)).to(where)
    logits = logits if target else -logits
    targets = torch.full_like(logits, target)
    plain = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    losses = binary_focal_loss(
        logits,
        targets,
        gamma=parameters.gamma,
        alpha=parameters.weight,
        pos_weight=logits.new_tensor(parameters.pos_weight),
    )
    return torch.where(losses == 0, torch.nan, plain / losses).cpu()


def _axis(against: str) -> Tensor:
    if against == "p_t":
        return focal_curve(0.0).probability
    return torch.linspace(-10, 10, 201, dtype=torch.float64)


# Moving gamma leaves the paper's five lines as they are.
@functools.lru_cache(maxsize=256)
def _line(
    target: float, gamma: float, against: str, alpha: float | None, pos_weight: float, where: str
) -> tuple[Tensor, Tensor]:
    """Return one class's loss and |d loss / d logit| along the axis."""
    logits = _axis(against).to(where)
    if against == "p_t":
        logits = logits.log() - torch.log1p(-logits)
        # At the same p_t a negative's logit is the positive's, turned round.
        logits = logits if target else -logits
    logits.requires_grad_()
    losses = binary_focal_loss(
        logits,
        torch.full_like(logits, target),
        gamma=gamma,
        alpha=alpha,
        pos_weight=logits.new_tensor(pos_weight),
    )
    return losses.detach().cpu(), derived(losses, logits).abs().cpu()


def _batch(parameters: Focal, where: torch.device) -> Batch:
    dtype = DTYPES[parameters.dtype]
    logits = torch.tensor(parameters.row("logits"), dtype=dtype, device=where).requires_grad_()
    typed = torch.tensor(parameters.row("targets"), dtype=dtype, device=where)
    smoothing, weight = parameters.label_smoothing, parameters.weight
    targets = typed * (1 - smoothing) + smoothing / 2
    positives = int((typed > 0.5).sum())
    pos_weight = logits.new_tensor(parameters.pos_weight)
    focal = functools.partial(
        binary_focal_loss,
        logits,
        targets,
        gamma=parameters.gamma,
        alpha=weight,
        pos_weight=pos_weight,
    )
    bce = functools.partial(
        F.binary_cross_entropy_with_logits, logits, targets, pos_weight=pos_weight
    )
    value, bce_value = (reduced(loss, parameters.reduction, positives) for loss in (focal, bce))
    is_reduced = parameters.reduction != "none"

    x, t = logits.detach().cpu().double(), targets.cpu().double()
    plain = binary_focal_loss(x, t, gamma=0.0, alpha=None)
    heavier = binary_focal_loss(x, t, gamma=0.0, alpha=None, pos_weight=pos_weight.cpu())
    alpha_t = torch.ones_like(t) if weight is None else weight * t + (1 - weight) * (1 - t)
    return Batch(
        logits=logits.detach().cpu(),
        targets=targets.cpu(),
        p_t=t * x.sigmoid() + (1 - t) * (-x).sigmoid(),
        cross_entropy=plain,
        # Above 745 both are 0.
        weighted=torch.where(plain == 0, 1 + (pos_weight.cpu() - 1) * t, heavier / plain),
        alpha_t=alpha_t,
        modulation=(t * (-x).sigmoid() + (1 - t) * x.sigmoid()) ** parameters.gamma,
        focal=focal().detach().cpu(),
        bce=bce(reduction="none").detach().cpu(),
        gradient=derived(value, logits).cpu(),
        bce_gradient=derived(bce_value, logits).cpu(),
        positives=positives,
        value=value.detach().cpu() if is_reduced else None,
        bce_value=bce_value.detach().cpu() if is_reduced else None,
    )


def weighted_name(parameters: Focal) -> str:
    """Return the name of the cross-entropy that balances the classes."""
    return f"BCE, pos_weight = {int(parameters.imbalance):,}"


def _scene(parameters: Focal, where: torch.device) -> Scene:
    ratio = int(parameters.imbalance)
    logits, targets = (
        part.to(where)
        for part in scene(ratio, separation=parameters.separation, bias=parameters.bias)
    )
    gamma, alpha = parameters.gamma, parameters.weight
    named: list[tuple[str, float, float | None, Tensor | None]] = [
        ("BCE", 0.0, None, None),
        (weighted_name(parameters), 0.0, None, logits.new_tensor(float(ratio))),
        (f"focal, gamma = {gamma:g}", gamma, None, None),
    ]
    if alpha is not None:
        named.append((f"focal, gamma = {gamma:g}, alpha = {alpha:g}", gamma, alpha, None))
    shares = tuple(
        (name, class_shares(logits, targets, gamma=gamma, alpha=alpha, pos_weight=weight))
        for name, gamma, alpha, weight in named
    )
    gammas = tuple(dict.fromkeys((0.0, 0.5, 1.0, 2.0, gamma)))
    positive = targets > 0.5
    losses = [binary_focal_loss(logits, targets, gamma=gamma, alpha=None).cpu() for gamma in gammas]
    positive = positive.cpu()
    return Scene(
        int(positive.sum()),
        int((~positive).sum()),
        shares,
        gammas,
        tuple(cumulative(loss[positive]) for loss in losses),
        tuple(cumulative(loss[~positive]) for loss in losses),
    )


def _times(value: float) -> str:
    if value == float("inf"):
        return "over 1e+308"
    return f"{value:,.0f}" if 10 <= value < 1e7 else f"{value:.3g}"


def _lighter(parameters: Focal, family: Family) -> str:
    """Say how plain BCE stands to the loss, of each class where weights tell them apart."""
    gamma, points = parameters.gamma, family.points.tolist()
    weighted = parameters.weight is not None or parameters.pos_weight != 1
    ratios = {"positive": family.positive_ratio, "negative": family.negative_ratio}
    if gamma == 0:
        if not weighted:
            return "gamma = 0 is BCE: no loss is made lighter."
        said = ", ".join(f"a {name}{_weighs(float(ratio[0]))}" for name, ratio in ratios.items())
        return f"gamma = 0 is BCE, weighted: {said}."
    if not weighted:
        listed = [
            f"{_times(factor)} at {point:.3g}"
            for point, factor in zip(points, family.positive_ratio.tolist(), strict=True)
        ]
        listed[0] = (
            f"{_times(float(family.positive_ratio[0]))} times lighter at p_t = {points[0]:.3g}"
        )
        return f"gamma = {gamma:g}, beside BCE: {', '.join(listed)}."
    at = ", ".join(f"{point:.3g}" for point in points)
    said = "; ".join(
        f"of a {name} "
        + (
            ", ".join(_times(factor) for factor in ratio.tolist())
            if not bool(ratio.isnan().any())
            else "there is none, its loss is 0"
        )
        for name, ratio in ratios.items()
    )
    return f"gamma = {gamma:g}. Plain BCE over this loss, at p_t = {at}: {said}."


def _weighs(ratio: float) -> str:
    """Return what a class weighs whose plain BCE is `ratio` times its loss."""
    if math.isnan(ratio):
        return "'s loss is 0"
    if abs(ratio - 1) < 1e-9:
        return "'s loss is unchanged"
    words = f"{_times(ratio)} times lighter" if ratio > 1 else f"{_times(1 / ratio)} times heavier"
    return f"'s loss is {words}"


def _reduced(parameters: Focal, batch: Batch) -> str:
    """Say both reduced losses, and how they stand to each other where their dtype kept that."""
    count = len(batch.focal)
    if batch.value is None or batch.bce_value is None:
        return f"Not reduced: {count} loss{'es' * (count > 1)}, beside BCE's."
    over = f"sum over {batch.positives} positive{'s' * (batch.positives > 1)}"
    names = {
        "mean": "mean",
        "sum": "sum",
        POSITIVES: over if batch.positives else "sum, with no positive to divide by",
    }
    divisor = {"mean": count, POSITIVES: max(1, batch.positives)}.get(parameters.reduction, 1)
    bce_exact = float((batch.cross_entropy * batch.weighted).sum()) / divisor
    exact = (
        float((batch.cross_entropy * batch.weighted * batch.alpha_t * batch.modulation).sum())
        / divisor
    )
    value, bce = float(batch.value), float(batch.bce_value)
    said = [f"Focal loss, {names[parameters.reduction]}: {value:.4g}."]
    said += _lost(value, exact, parameters.dtype)
    lost = _lost(bce, bce_exact, parameters.dtype)
    if value == 0 and bce == 0:
        said.append("BCE: 0 too.")
    elif not lost and len(said) == 1 and value > 0 and bce > 0:
        said.append(f"BCE: {bce:.4g}, {_times(bce / value)} times as much.")
    else:
        said.append(f"BCE: {bce:.4g}.")
    return " ".join([*said, *lost])


def _lost(stored: float, exact: float, dtype: str) -> list[str]:
    """Return a sentence where a dtype keeps not even two digits of a number."""
    if abs(stored - exact) <= 0.02 * exact:
        return []
    return [f"{dtype} does not keep it: in float64 it is {exact:.4g}."]


def percent(share: float) -> str:
    """Return a share that is neither 0 nor 1 so that it does not read as either."""
    if 0 < share < 0.0001:
        return "under 0.01%"
    if 0.9999 < share < 1:
        return "over 99.99%"
    return f"{share:.1%}" if 0.001 <= share <= 0.999 or share in (0.0, 1.0) else f"{share:.2%}"


def _shared(found: Scene) -> str:
    first, last = found.shares[0], found.shares[-1]
    return (
        f"{found.negatives:,} negatives, {found.positives:,} "
        f"positive{'s' * (found.positives > 1)}. Negatives have {percent(first[1].negative)} of "
        f"the loss under BCE, {percent(last[1].negative)} under {last[0]}. Summed: "
        f"{first[1].loss:.4g} and {last[1].loss:.4g}."
    )
