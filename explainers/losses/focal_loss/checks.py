"""Compare focal loss with torchvision, with closed forms in log space, and with itself, now."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import sigmoid_focal_loss

from explainers import devices
from explainers.evidence import Check, Kind, largest_difference
from explainers.losses.focal_loss.loss import binary_focal_loss
from explainers.losses.focal_loss.reference import NotesFocalLoss, focal, relative_error
from explainers.losses.focal_loss.shares import class_shares, focal_curve, scene
from explainers.losses.focal_loss.view import DTYPES, View, derived, reduced

_GAMMAS = (0.0, 0.5, 1.0, 2.0, 3.7, 5.0)
_ALPHAS = (None, 0.0, 0.25, 1.0)
_CLOSED_FORM = "numpy's widest floats, log space"
_AUTOGRAD = "torchvision.ops.sigmoid_focal_loss, by autograd"


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Check value, derivatives, range and special cases.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        *_torchvision(where),
        *_closed_forms(where),
        _finite_differences(where, second=False),
        _finite_differences(where, second=True),
        _gradcheck(where),
        _gamma_zero(where, alpha=None),
        _gamma_zero(where, alpha=0.25),
        _ratio(0.9, 100.0, "0.9"),
        _ratio(1 - 10**-1.5, 1000.0, "1 - 10^-1.5, about 0.968"),
        _hard_examples(where),
        _repeated(where),
        _mirrored(where),
        *(_finite(dtype, where) for dtype in DTYPES),
        _notes_class(where),
        _shares(where),
        _alpha_has_no_part(),
    )


def view_checks(view: View, *, device: str = "cpu") -> tuple[Check, ...]:
    """Check the very view on show.

    Args:
        view: What `explain` returned.
        device: Where torch computes.

    Returns:
        The checks that apply; none where the view is refused.
    """
    where = devices.device(device)
    if view.family is not None:
        return _family_checks(view)
    if view.batch is not None:
        return _batch_checks(view, where)
    return _scene_checks(view) if view.scene is not None else ()


def _family_checks(view: View) -> tuple[Check, ...]:
    family, parameters = view.family, view.parameters
    assert family is not None
    x = family.x.numpy().astype(np.longdouble)
    if parameters.against == "p_t":
        x = np.log(x) - np.log1p(-x)
    expected = [
        focal(
            x,
            np.ones_like(x),
            gamma=gamma,
            alpha=parameters.weight,
            pos_weight=parameters.pos_weight,
        )
        for gamma in family.gammas
    ]
    errors = [
        max(
            relative_error(row, np.abs(pair[index]))
            for row, pair in zip(rows, expected, strict=True)
        )
        for index, rows in enumerate((family.loss, family.gradient))
    ]
    if family.negative_loss is not None and family.negative_gradient is not None:
        logits = -x if parameters.against == "p_t" else x
        negative = focal(
            logits,
            np.zeros_like(logits),
            gamma=parameters.gamma,
            alpha=parameters.weight,
            pos_weight=parameters.pos_weight,
        )
        pairs = zip((family.negative_loss, family.negative_gradient), negative, strict=True)
        errors = [
            max(error, relative_error(part, np.abs(wanted)))
            for error, (part, wanted) in zip(errors, pairs, strict=True)
        ]
    # Plain BCE over the weighted loss, of both classes: what the sentence says of four points.
    points = family.points.numpy().astype(np.longdouble)
    at = np.log(points) - np.log1p(-points)
    ratios = 0.0
    for side, found in ((1.0, family.positive_ratio), (0.0, family.negative_ratio)):
        plain, weighted = (
            focal(at if side else -at, np.full_like(at, side), **settings)[0]
            for settings in (
                {"gamma": 0.0},
                {
                    "gamma": parameters.gamma,
                    "alpha": parameters.weight,
                    "pos_weight": parameters.pos_weight,
                },
            )
        )
        some = weighted > np.finfo(np.float64).tiny
        ratios = max(ratios, relative_error(found[some], plain[some] / weighted[some]))
        ratios = max(ratios, float(found[weighted == 0].isfinite().sum()))
    curve = family.curve
    probability = curve.probability.numpy().astype(np.longdouble)
    lighter = np.exp(-parameters.gamma * np.log1p(-probability))
    return (
        Check("Each curve of the loss", _CLOSED_FORM, errors[0], 1e-11, kind=Kind.INDEPENDENT),
        Check("Each curve of the gradient", _CLOSED_FORM, errors[1], 1e-11, kind=Kind.INDEPENDENT),
        Check(
            f"The chart of (1 - p_t)^-{parameters.gamma:g}, relatively",
            _CLOSED_FORM,
            relative_error(curve.down_weighting, lighter),
            1e-11,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "Plain BCE over each class's loss, relatively",
            _CLOSED_FORM,
            ratios,
            1e-9,
            kind=Kind.INDEPENDENT,
        ),
    )


def _batch_checks(view: View, where: torch.device) -> tuple[Check, ...]:
    batch, parameters = view.batch, view.parameters
    assert batch is not None
    dtype = DTYPES[parameters.dtype]
    x, t = (part.double().numpy() for part in (batch.logits, batch.targets))
    pos_weight = float(torch.tensor(parameters.pos_weight, dtype=dtype))
    value, slope = focal(
        x, t, gamma=parameters.gamma, alpha=parameters.weight, pos_weight=pos_weight
    )
    count = {"mean": len(x), "positives": max(1, batch.positives)}.get(parameters.reduction, 1)
    rounding = max(4 * torch.finfo(dtype).eps, 1e-11)
    # A soft label that is met has a slope that cancels: nobody keeps digits of the rest.
    is_soft = bool(((batch.targets > 0) & (batch.targets < 1)).any())
    least = 1e-2 * max(1.0, pos_weight) / count if is_soft else None
    product = batch.cross_entropy * batch.weighted * batch.alpha_t * batch.modulation
    found = [
        Check(
            f"Each loss, relatively, in {parameters.dtype}",
            _CLOSED_FORM,
            relative_error(batch.focal, value),
            rounding,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            f"Each gradient, relatively, in {parameters.dtype}",
            _CLOSED_FORM,
            relative_error(batch.gradient, slope / count, least=least),
            rounding,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "The factors' product is the loss, relatively",
            _CLOSED_FORM,
            relative_error(product, value),
            1e-12,
            kind=Kind.INDEPENDENT,
        ),
    ]
    if parameters.pos_weight == 1:
        logits, targets = (part.to(where).double() for part in (batch.logits, batch.targets))
        alpha = -1.0 if parameters.weight is None else parameters.weight
        other = reduced(
            lambda reduction: sigmoid_focal_loss(
                logits, targets, alpha=alpha, gamma=parameters.gamma, reduction=reduction
            ),
            parameters.reduction,
            batch.positives,
        )
        ours = batch.focal if batch.value is None else batch.value
        largest = max(1.0, float(other.abs().max()))
        found.append(
            Check(
                "torchvision's result",
                "torchvision.ops.sigmoid_focal_loss in float64",
                largest_difference(ours, other.cpu()),
                rounding * largest,
                kind=Kind.ANOTHER_PATH,
            )
        )
    return tuple(found)


def _scene_checks(view: View) -> tuple[Check, ...]:
    found, parameters = view.scene, view.parameters
    assert found is not None
    ratio = int(parameters.imbalance)
    logits, targets = scene(ratio, separation=parameters.separation, bias=parameters.bias)
    x, t = logits.numpy(), targets.numpy()
    settings: list[tuple[float, float | None, float]] = [
        (0.0, None, 1.0),
        (0.0, None, float(ratio)),
        (parameters.gamma, None, 1.0),
        (parameters.gamma, parameters.weight, 1.0),
    ]
    result = []
    for (name, shares), (gamma, alpha, weight) in zip(found.shares, settings, strict=False):
        parts = focal(x, t, gamma=gamma, alpha=alpha, pos_weight=weight, dtype=np.float64)
        expected = [float(np.abs(part)[t > 0.5].sum() / np.abs(part).sum()) for part in parts]
        got = (shares.positive, shares.positive_gradient)
        result.append(
            Check(
                f"{name}: the positives' share of loss and gradient",
                "numpy float64, log space",
                max(abs(a - b) for a, b in zip(got, expected, strict=True)),
                1e-12,
                kind=Kind.INDEPENDENT,
            )
        )
    return tuple(result)


def _examples(where: torch.device, widest: float = 15.0) -> tuple[Tensor, Tensor]:
    """Return logits that require a gradient, and targets hard and soft, float64."""
    logits = torch.linspace(-widest, widest, 61, dtype=torch.float64).repeat(5)
    targets = torch.tensor([0.0, 1.0, 0.5, 0.9, 0.02], dtype=torch.float64)
    return logits.to(where).requires_grad_(), targets.repeat_interleave(61).to(where)


def _settings() -> Iterator[tuple[float, float | None]]:
    return itertools.product(_GAMMAS, _ALPHAS)


def _torchvision(where: torch.device) -> tuple[Check, Check]:
    logits, targets = _examples(where)
    values, slopes = 0.0, 0.0
    for gamma, alpha in _settings():
        ours = binary_focal_loss(logits, targets, gamma=gamma, alpha=alpha)
        theirs = sigmoid_focal_loss(
            logits, targets, gamma=gamma, alpha=-1 if alpha is None else alpha
        )
        values = max(values, largest_difference(ours, theirs))
        slopes = max(slopes, largest_difference(derived(ours, logits), derived(theirs, logits)))
    return (
        Check(
            "Values: hard and soft targets, six gammas, alpha or none",
            "torchvision.ops.sigmoid_focal_loss",
            values,
            1e-12,
            kind=Kind.ANOTHER_PATH,
        ),
        Check("Their gradients", _AUTOGRAD, slopes, 1e-11, kind=Kind.ANOTHER_PATH),
    )


def _closed_forms(where: torch.device) -> tuple[Check, Check]:
    generator = torch.Generator().manual_seed(0)
    logits = (torch.rand(4000, generator=generator) * 2 - 1) * 120
    targets = torch.rand(4000, generator=generator)
    targets[:3000] = targets[:3000].round()
    x, t = logits.numpy(), targets.numpy()
    errors = [0.0, 0.0]
    leaf, targets = logits.to(where).requires_grad_(), targets.to(where)
    for gamma, alpha in _settings():
        ours = binary_focal_loss(leaf, targets, gamma=gamma, alpha=alpha)
        expected = focal(x, t, gamma=gamma, alpha=alpha)
        for index, found in enumerate((ours, derived(ours, leaf))):
            # Below float32's smallest normal number the digits run out, whoever computes.
            normal = np.abs(expected[index]) >= torch.finfo(torch.float32).tiny
            kept = found.detach().cpu()[torch.from_numpy(normal)]
            errors[index] = max(errors[index], relative_error(kept, expected[index][normal]))
    logit = torch.tensor(-12.0)
    own = float(F.binary_cross_entropy_with_logits(logit, torch.zeros(())))
    off = abs(own / float(focal(-12.0, 0.0, gamma=0.0)[0]) - 1)
    remark = f"torch's binary_cross_entropy_with_logits is {off:.0%} off at logit -12, target 0"
    return (
        Check(
            "float32 values, logits from -120 to 120, relatively",
            _CLOSED_FORM,
            errors[0],
            1e-6,
            f"{remark}, by this measure.",
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "Their gradients in float32, relatively",
            _CLOSED_FORM,
            errors[1],
            1e-6,
            kind=Kind.INDEPENDENT,
        ),
    )


def _finite_differences(where: torch.device, *, second: bool) -> Check:
    logits, targets = _examples(where, 6.0)
    weight = torch.tensor(3.0, dtype=torch.float64, device=where)
    step, error = 1e-5, 0.0

    def value(at: Tensor, gamma: float) -> Tensor:
        losses = binary_focal_loss(at, targets, gamma=gamma, alpha=0.25, pos_weight=weight)
        if not second:
            return losses
        (slopes,) = torch.autograd.grad(losses.sum(), at, create_graph=True)
        return slopes

    for gamma in _GAMMAS:
        higher, lower = (
            value((logits.detach() + sign * step).requires_grad_(), gamma).detach()
            for sign in (1, -1)
        )
        found = derived(value(logits, gamma), logits)
        error = max(error, largest_difference(found, (higher - lower) / (2 * step)))
    name = "The second derivative" if second else "The gradient"
    return Check(
        f"{name}, with pos_weight and alpha, hard and soft targets",
        f"central differences of the {'gradient' if second else 'value'}, step 1e-5, float64",
        error,
        1e-8,
        kind=Kind.ANOTHER_PATH,
    )


def _gradcheck(where: torch.device) -> Check:
    logits = torch.linspace(-6, 6, 9, dtype=torch.float64, device=where).requires_grad_()
    targets = torch.linspace(0, 1, 9, dtype=torch.float64, device=where)
    refused = 0
    for gamma in (0.0, 0.5, 2.0):

        def loss(at: Tensor, gamma: float = gamma) -> Tensor:
            return binary_focal_loss(at, targets, gamma=gamma)

        for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
            refused += not check(loss, (logits,), raise_exception=False)
    return Check(
        "Cases that gradcheck or gradgradcheck refuses, of six",
        "torch.autograd.gradcheck and gradgradcheck",
        float(refused),
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


def _gamma_zero(where: torch.device, *, alpha: float | None) -> Check:
    logits, targets = _examples(where)
    targets = targets.round()
    weight = None if alpha is None else torch.where(targets > 0.5, alpha, 1 - alpha)
    ours = binary_focal_loss(logits, targets, gamma=0.0, alpha=alpha)
    theirs = F.binary_cross_entropy_with_logits(logits, targets, weight, reduction="none")
    error = max(
        largest_difference(ours, theirs),
        largest_difference(derived(ours, logits), derived(theirs, logits)),
    )
    name = "weighted by alpha and 1 - alpha" if alpha is not None else "without alpha"
    return Check(
        f"gamma = 0, {name}: binary cross-entropy, value and gradient",
        "F.binary_cross_entropy_with_logits",
        error,
        1e-12,
        kind=Kind.ANOTHER_PATH,
    )


def _ratio(p_t: float, times: float, words: str) -> Check:
    probability = torch.tensor(p_t, dtype=torch.float64)
    logit = torch.log(probability / (1 - probability))
    one = torch.ones_like(logit)
    entropy = F.binary_cross_entropy_with_logits(logit, one)
    quotient = entropy / binary_focal_loss(logit, one, gamma=2.0, alpha=None)
    return Check(
        f"gamma = 2, p_t = {words}: {times:,.0f} times lighter, relatively",
        "the paper, section 3.2",
        abs(float(quotient) / times - 1),
        1e-9,
        kind=Kind.INDEPENDENT,
    )


def _hard_examples(where: torch.device) -> Check:
    logits = torch.full((2,), -40.0, dtype=torch.float64, device=where)
    ones = torch.ones_like(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, ones, reduction="none")
    error = 0.0
    for gamma, alpha in itertools.product((0.5, 2.0, 5.0), (None, 0.25)):
        found = binary_focal_loss(logits, ones, gamma=gamma, alpha=alpha)
        expected = entropy * (1.0 if alpha is None else alpha)
        error = max(error, largest_difference(found, expected))
    return Check(
        "A hopeless positive keeps its cross-entropy, or alpha times that",
        "F.binary_cross_entropy_with_logits at logit -40",
        error,
        1e-12,
        kind=Kind.ANOTHER_PATH,
    )


def _repeated(where: torch.device) -> Check:
    logits, targets = _examples(where)
    targets = targets.round()
    weight = torch.tensor(3.0, dtype=torch.float64, device=where)
    x, t = (part.detach().cpu().numpy() for part in (logits, targets))
    times = np.where(t > 0.5, 3, 1)
    more, labels = np.repeat(x, times), np.repeat(t, times)
    error = 0.0
    for gamma in (0.0, 2.0):
        ours = binary_focal_loss(
            logits, targets, gamma=gamma, alpha=None, reduction="sum", pos_weight=weight
        )
        value, slope = focal(more, labels, gamma=gamma)
        slopes = np.add.reduceat(slope, np.concatenate([[0], np.cumsum(times)[:-1]]))
        error = max(error, abs(float(ours.detach()) - float(value.sum())))
        found = derived(ours, logits).cpu().numpy()
        error = max(error, float(np.abs(found - slopes).max()))
    return Check(
        "pos_weight = 3: the sum and its gradient, as with every positive three times",
        f"{_CLOSED_FORM}, positives repeated",
        error,
        1e-10,
        kind=Kind.INDEPENDENT,
    )


def _mirrored(where: torch.device) -> Check:
    logits, targets = _examples(where, 100.0)
    x, t = (part.detach().cpu().numpy() for part in (logits, targets))
    error = 0.0
    for gamma in _GAMMAS:
        turned = binary_focal_loss(-logits, 1 - targets, gamma=gamma, alpha=0.7)
        expected, _ = focal(x, t, gamma=gamma, alpha=0.3)
        error = max(error, relative_error(turned, expected))
    return Check(
        "Label and logit turned round, 1 - alpha for alpha: the same loss, relatively",
        f"{_CLOSED_FORM}, not turned round",
        error,
        1e-11,
        kind=Kind.INDEPENDENT,
    )


def every_logit(name: str) -> Tensor:
    """Return every finite number of a 16-bit dtype; of a wider one, a grid to both ends.

    Args:
        name: Of the dtype.
    """
    dtype = DTYPES[name]
    if dtype.itemsize == 2:
        numbers = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
        return numbers[numbers.isfinite()]
    limits = torch.finfo(dtype)
    exponents = torch.linspace(np.log10(limits.tiny), np.log10(limits.max), 2000).double()
    sizes = torch.cat(
        [
            (10.0**exponents).clamp(max=limits.max),
            torch.linspace(0, 1000, 2001, dtype=torch.float64),
            torch.tensor([limits.max, limits.smallest_normal], dtype=torch.float64),
        ]
    ).to(dtype)
    return torch.cat([sizes, -sizes])


def _finite(name: str, where: torch.device) -> Check:
    logits = every_logit(name).to(where).requires_grad_()
    count = 0
    for gamma, target in itertools.product((0.0, 0.5, 5.0), (0.0, 0.7, 1.0)):
        losses = binary_focal_loss(logits, torch.full_like(logits, target), gamma=gamma)
        slopes = derived(losses, logits)
        count += int((~(losses.isfinite() & slopes.isfinite())).sum())
        # A logit on the wrong side costs at least a part of log 2.
        wrong = {0.0: logits > 0, 1.0: logits < 0}.get(target, logits == 0)
        count += int((losses[wrong] <= 0).sum())
    which = "at every finite" if logits.element_size() == 2 else "up to the largest"
    return Check(
        f"Values or gradients not finite, or mistakes without a loss, {which} logit of {name}",
        f"{len(logits):,} logits, gamma 0, 0.5, 5, targets 0, 0.7, 1",
        float(count),
        0.0,
        kind=Kind.INVARIANT,
    )


def _notes_class(where: torch.device) -> Check:
    logits, targets = _examples(where)
    notes = NotesFocalLoss(nn.BCEWithLogitsLoss())(logits, targets)
    ours = binary_focal_loss(logits, targets, gamma=1.5, alpha=0.25, reduction="mean")
    error = max(
        abs(float(notes.detach()) - float(ours.detach())),
        largest_difference(derived(notes, logits), derived(ours, logits)),
    )
    return Check(
        "The notes' FocalLoss, value and gradient",
        "their class around nn.BCEWithLogitsLoss",
        error,
        1e-12,
        kind=Kind.ANOTHER_PATH,
    )


def _shares(where: torch.device) -> Check:
    logits, targets = (part.to(where) for part in scene(100, separation=4.0, bias=-2.0))
    found = class_shares(logits, targets, gamma=2.0, alpha=0.25)
    expected = focal(logits.cpu().numpy(), targets.cpu().numpy(), gamma=2.0, alpha=0.25)
    positive = targets.cpu().numpy() > 0.5
    error = 0.0
    for part, got in zip(
        expected,
        (
            (found.positive, found.negative),
            (found.positive_gradient, found.negative_gradient),
        ),
        strict=True,
    ):
        sizes = np.abs(part)
        wanted = (sizes[positive].sum() / sizes.sum(), sizes[~positive].sum() / sizes.sum())
        error = max(error, *(abs(a - float(b)) for a, b in zip(got, wanted, strict=True)))
    return Check(
        "Each class's share of loss and gradient, 100 positives in 10,100",
        _CLOSED_FORM,
        error,
        1e-12,
        kind=Kind.INDEPENDENT,
    )


def _alpha_has_no_part() -> Check:
    found = focal_curve(2.0, alpha=0.25)
    p = found.probability.numpy().astype(np.longdouble)
    x = np.log(p) - np.log1p(-p)
    plain, weighed = (
        focal(x, np.ones_like(x), gamma=2.0, alpha=alpha)[0] for alpha in (None, 0.25)
    )
    entropy, _ = focal(x, np.ones_like(x), gamma=0.0)
    return Check(
        "alpha scales the loss, not the down-weighting, relatively",
        _CLOSED_FORM,
        max(
            relative_error(found.down_weighting, entropy / plain),
            relative_error(found.focal, weighed),
        ),
        1e-11,
        kind=Kind.INDEPENDENT,
    )
