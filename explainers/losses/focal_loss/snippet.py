"""Write the code that reproduces a view, and its data."""

from torch import Tensor

from explainers.losses.focal_loss.view import GAMMAS, POSITIVES, Focal, View

_FUNCTION = '''\
import torch
import torch.nn.functional as F


def focal_loss(x, t, gamma, alpha=None, pos_weight=1.0):
    """Each element's focal loss in float64; logarithms keep 1 - p_t from rounding to 0."""
    x, t = x.double(), t.double()
    log_p, log_q = F.logsigmoid(x), F.logsigmoid(-x)
    one_minus_p_t = t * log_q.exp() + (1 - t) * log_p.exp()
    loss = -(pos_weight * t * log_p + (1 - t) * log_q) * one_minus_p_t**gamma
    return loss if alpha is None else loss * (alpha * t + (1 - alpha) * (1 - t))


def with_gradient(x, t, **settings):
    """The losses, and the derivative of their sum by each logit."""
    x = x.double().requires_grad_()
    loss = focal_loss(x, t, **settings)
    return loss.detach(), torch.autograd.grad(loss.sum(), x)[0]

'''


def snippet(parameters: Focal, *, device: str = "cpu") -> str:
    """Return runnable code that makes the numbers of the view.

    Args:
        parameters: The settings of the view.
        device: Where torch computes.

    Returns:
        Python source that needs torch alone.
    """
    body = {"curves": _curves, "batch": _batch, "scene": _scene}[parameters.show]
    return "\n".join([_FUNCTION, *body(parameters, device), ""])


def _settings(parameters: Focal) -> str:
    return f"alpha={parameters.weight}, pos_weight={parameters.pos_weight!r}"


def _curves(parameters: Focal, device: str) -> list[str]:
    gammas = GAMMAS if parameters.gamma in GAMMAS else (*GAMMAS, parameters.gamma)
    if parameters.against == "p_t":
        axis = [
            f'p_t = torch.linspace(0, 1, 201, dtype=torch.float64, device="{device}")',
            "# Both ends stand a little inside, where every number is finite.",
            "p_t = p_t.clamp(2.0**-53, 1 - 2.0**-53)",
            "x = p_t.log() - torch.log1p(-p_t)  # the logit of a positive",
        ]
        mirrored = "-x"
    else:
        axis = [f'x = torch.linspace(-10, 10, 201, dtype=torch.float64, device="{device}")']
        mirrored = "x"
    given = _settings(parameters)
    return [
        *axis,
        "curves = {  # by gamma: loss and gradient of a positive",
        f"    gamma: with_gradient(x, torch.ones_like(x), gamma=gamma, {given})",
        f"    for gamma in {gammas}",
        "}",
        f"negative = with_gradient({mirrored}, torch.zeros_like(x), gamma={parameters.gamma!r}, "
        f"{given})",
        f"lighter = (1 - torch.tensor([0.1, 0.5, 0.9])) ** -{parameters.gamma!r}",
        'print("times lighter than under BCE at p_t = 0.1, 0.5, 0.9:", lighter.tolist())',
    ]


def _batch(parameters: Focal, device: str) -> list[str]:
    divided = {
        "none": "loss",
        "mean": "loss.mean()",
        "sum": "loss.sum()",
        POSITIVES: "loss.sum() / max(1, int((labels > 0.5).sum()))",
    }[parameters.reduction]
    smoothing = parameters.label_smoothing
    made = f'dtype=torch.{parameters.dtype}, device="{device}"'
    return [
        f"x = torch.tensor([{parameters.logits}], {made})",
        f"labels = torch.tensor([{parameters.targets}], {made})",
        f"t = labels * (1 - {smoothing!r}) + {smoothing!r} / 2" if smoothing else "t = labels",
        "",
        "leaf = x.double().requires_grad_()",
        f"loss = focal_loss(leaf, t, gamma={parameters.gamma!r}, {_settings(parameters)})",
        f"value = {divided}",
        "(gradient,) = torch.autograd.grad(value.sum(), leaf)",
        f"value, gradient = value.detach().to(torch.{parameters.dtype}), "
        f"gradient.to(torch.{parameters.dtype})",
        "bce = F.binary_cross_entropy_with_logits(",
        f'    x, t, reduction="none", pos_weight=x.new_tensor({parameters.pos_weight!r})',
        ")",
        'print("losses:", loss.tolist())',
        'print("reduced:", value.tolist(), "gradient:", gradient.tolist())',
    ]


def _scene(parameters: Focal, device: str) -> list[str]:
    ratio = int(parameters.imbalance)
    gamma, alpha = parameters.gamma, parameters.weight
    losses = [
        '    "BCE": {"gamma": 0.0},',
        f'    "BCE, pos_weight = {ratio:,}": {{"gamma": 0.0, "pos_weight": {float(ratio)!r}}},',
        f'    "focal, gamma = {gamma:g}": {{"gamma": {gamma!r}}},',
    ]
    if alpha is not None:
        losses.append(
            f'    "focal, gamma = {gamma:g}, alpha = {alpha:g}": '
            f'{{"gamma": {gamma!r}, "alpha": {alpha!r}}},'
        )
    return [
        "",
        "def quantiles(count):",
        '    """Even quantiles of a standard normal distribution."""',
        "    middle = (torch.arange(count, dtype=torch.float64) + 0.5) / count",
        "    return torch.special.ndtri(middle)",
        "",
        "",
        f"positives, negatives, separation = {10_000 // ratio}, 10_000, {parameters.separation!r}",
        "x = torch.cat([quantiles(positives) + separation / 2, "
        "quantiles(negatives) - separation / 2])",
        f'x = (x + {parameters.bias!r}).to("{device}")',
        "t = torch.cat([torch.ones(positives), torch.zeros(negatives)]).to(x)",
        "losses = {",
        *losses,
        "}",
        "shares = {}  # by loss: the positives' share of the summed loss, and of |gradient|",
        "for name, settings in losses.items():",
        "    sums = [part.abs() for part in with_gradient(x, t, **settings)]",
        "    shares[name] = [float(part[t > 0.5].sum() / part.sum()) for part in sums]",
        '    print(name, "positives:", shares[name])',
    ]


def table(view: View) -> str:
    """Return CSV text of what the view shows.

    Curves: a row for each p_t or logit. Batch: a row for each element. Scene: a row for each loss.
    """
    if view.family is not None:
        family = view.family
        columns: list[tuple[str, Tensor]] = [(view.parameters.against, family.x)]
        for gamma, loss, gradient in zip(family.gammas, family.loss, family.gradient, strict=True):
            columns += [(f"loss gamma={gamma:g}", loss), (f"gradient gamma={gamma:g}", gradient)]
        if family.negative_loss is not None and family.negative_gradient is not None:
            columns += [
                ("negative loss", family.negative_loss),
                ("negative gradient", family.negative_gradient),
            ]
        columns.append(("down-weighting against p_t", family.curve.down_weighting))
    elif view.batch is not None:
        batch = view.batch
        columns = [
            ("logit", batch.logits),
            ("target", batch.targets),
            ("p_t", batch.p_t),
            ("cross_entropy", batch.cross_entropy),
            ("pos_weight factor", batch.weighted),
            ("alpha_t", batch.alpha_t),
            ("modulation", batch.modulation),
            ("focal", batch.focal),
            ("gradient", batch.gradient),
            ("BCE", batch.bce),
            ("BCE gradient", batch.bce_gradient),
        ]
    elif view.scene is not None:
        rows = ["loss,positives' loss,negatives' loss,positives' gradient,negatives' gradient"]
        for name, shares in view.scene.shares:
            parts = (
                shares.positive,
                shares.negative,
                shares.positive_gradient,
                shares.negative_gradient,
            )
            rows.append(",".join([f'"{name}"', *(f"{part:.10g}" for part in parts)]))
        return "\n".join(rows) + "\n"
    else:
        return ""
    values = [column.double().tolist() for _, column in columns]
    lines = [",".join(name for name, _ in columns)]
    lines += [",".join(f"{value:.10g}" for value in row) for row in zip(*values, strict=True)]
    return "\n".join(lines) + "\n"
