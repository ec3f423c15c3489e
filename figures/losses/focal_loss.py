"""Draw what `explainers.losses.focal_loss` computes."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from figures import lessons, style
from figures.curves import Curves, Line, Mark

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.evidence import CurveMistake
    from explainers.losses.focal_loss import (
        Batch,
        ClassShares,
        Family,
        Focal,
        Report,
        Scene,
        ShareMistake,
        View,
    )
    from explainers.losses.focal_loss.training import Data

_POSITIVE, _NEGATIVE = style.ORANGE, style.BLUE
_FOCAL, _BCE = style.BLUE, style.VERMILION
"""A chart's first two colours: those of the gamma in use and of BCE, which are drawn first."""
_AXES = {"p_t": "p_t: the true class's probability", "logit": "logit of a positive"}
_EASY = {"p_t": 0.9, "logit": 2.0}
"""An example that the model gets right, on each axis."""
_MOST_DOTS = 150
_KEY = (
    '<p style="margin:0 0 6px;font-family:var(--st-font);font-size:0.86rem;line-height:1.45;'
    f'color:var(--st-text-color)">Map: <span style="color:{style.ORANGE}">■</span> output above '
    f'0.5, <span style="color:{style.SKY}">■</span> below, paler nearer to it; black line: 0.5. '
    f'Points trained on: <span style="color:{style.VERMILION}">▲</span> positive, '
    f'<span style="color:{_NEGATIVE}">●</span> negative.</p>'
)


def see(view: "View") -> tuple[str | Curves, ...]:
    """Draw the curves, the batch or the scene, whichever the view holds."""
    if view.family is not None:
        return _curves(view.family, view.parameters)
    if view.batch is not None:
        return (_batch(view.batch),)
    if view.scene is not None:
        return _scene(view.scene, view.parameters.gamma)
    return ()


def _lines(
    gammas: Sequence[float],
    rows: "Sequence[Tensor]",
    xs: "Sequence[Tensor]",
    now: float,
    bce: str = "BCE",
    more: Sequence[Line] = (),
) -> tuple[Line, ...]:
    """Return a line for each gamma: the one in use and BCE first, the others faint, last."""
    clear: list[Line] = []
    faint: list[Line] = []
    for gamma, row, x in zip(gammas, rows, xs, strict=True):
        name = bce if gamma == 0 else f"gamma = {gamma:g}"
        if gamma == now:
            clear.insert(0, Line(f"{name}, now", row, x, strong=True))
        elif gamma == 0:
            clear.append(Line(name, row, x))
        else:
            faint.append(Line(name, row, x, faint=True, aside="beside"))
    return (*clear, *more, *faint)


def _top(parameters: "Focal") -> float:
    """Return where the axis of the losses ends: 5, or what 5 weighs for the heavier class."""
    alpha = parameters.weight
    if alpha is None:
        return 5.0 * max(1.0, parameters.pos_weight)
    # A negative is drawn under the gamma in use alone: half its height shows it.
    return 5.0 * max(alpha * parameters.pos_weight, (1 - alpha) / 2, 0.01)


def _curves(family: "Family", parameters: "Focal") -> tuple[Curves, ...]:
    now = family.gammas.index(parameters.gamma)
    against = _AXES[parameters.against]
    weighted = parameters.weight is not None or parameters.pos_weight != 1
    losses, slopes = (
        _lines(
            family.gammas,
            list(rows),
            [family.x] * len(rows),
            parameters.gamma,
            "weighted BCE" if weighted else "BCE",
            ()
            if negative is None
            else (Line(f"a negative, gamma = {parameters.gamma:g}", negative, family.x),),
        )
        for rows, negative in (
            (family.loss, family.negative_loss),
            (family.gradient, family.negative_gradient),
        )
    )
    middle = len(family.x) // 2
    alt = (
        f"Under gamma = {parameters.gamma:g} the loss mid-axis is "
        f"{family.loss[now][middle]:.3g}, under gamma = 0 {family.loss[0][middle]:.3g}."
    )
    top = _top(parameters)
    logarithmic = (1e-6, 4 * top) if parameters.log else None
    curve = family.curve
    # At the right end of p_t it leaves the chart, and the numbers that a chart takes.
    probability, lighter = curve.probability[:-1], curve.down_weighting[:-1]
    marks = [
        Mark(
            point,
            float(lighter[at]),
            f"{_times(float(lighter[at]))} times at p_t = {point:g}",
        )
        for point in (0.5, 0.9, 0.97)
        for at in (int((probability - point).abs().argmin()),)
    ]
    whose = "A positive's" if family.negative_loss is None else "A positive's and a negative's"
    loss = Curves(
        lines=losses,
        title=f"{whose} loss",
        x_title=against,
        y_title="loss",
        log=parameters.log,
        y_range=logarithmic or (0.0, top),
        look=_EASY[parameters.against],
        height=240,
        alt=alt,
        group=f"focal_loss.{parameters.against}",
    )
    gradient = Curves(
        lines=slopes,
        title="Gradient: how hard an example pulls on its logit",
        x_title=against,
        y_title="|d loss / d logit|",
        log=parameters.log,
        y_range=logarithmic,
        look=_EASY[parameters.against],
        height=240,
        alt=f"Under gamma = {parameters.gamma:g} the gradient is at most "
        f"{family.gradient[now].max():.3g}, under gamma = 0 "
        f"{family.gradient[0].max():.3g}.",
        group=f"focal_loss.{parameters.against}",
    )
    return (
        # Over the logit the gradient is the lesson.
        *((loss, gradient) if parameters.against == "p_t" else (gradient, loss)),
        Curves(
            lines=(Line(f"gamma = {parameters.gamma:g}, now", lighter, probability),),
            title=f"How many times lighter than {'weighted ' * weighted}BCE: (1 - p_t)^-gamma",
            x_title=_AXES["p_t"],
            y_title="times lighter",
            log=True,
            y_range=(0.5, 1e5),
            marks=tuple(marks),
            look=_EASY["p_t"],
            height=170,
            alt=" ".join(f"{mark.words}." for mark in marks),
            group="focal_loss.p_t",
        ),
    )


def _number(value: float) -> str:
    return f"{value:.3g}"


def _times(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else _number(value)


def _bar(share: float, colour: str, words: str) -> str:
    return (
        f'<div style="height:9px;width:{100 * min(max(share, 0.0), 1.0):.2f}%;min-width:1px;'
        f'background:{colour}" title="{escape(words)}"></div>'
    )


def _batch(batch: "Batch") -> str:
    """Draw each element's BCE and focal loss as bars, with the product written out."""
    finite = [value for value in batch.bce.tolist() + batch.focal.tolist() if np.isfinite(value)]
    largest = max([*finite, 1e-30])
    rows = []
    elements = zip(
        *(
            part.double().tolist()
            for part in (
                batch.logits,
                batch.targets,
                batch.p_t,
                batch.cross_entropy,
                batch.weighted,
                batch.alpha_t,
                batch.modulation,
                batch.focal,
                batch.gradient,
                batch.bce,
                batch.bce_gradient,
            )
        ),
        strict=True,
    )
    for x, t, p_t, entropy, weighted, alpha_t, power, focal, slope, bce, bce_slope in elements:
        factors = [_number(entropy)]
        factors += [_number(weighted)] if abs(weighted - 1) > 1e-12 else []
        factors += [_number(alpha_t)] if abs(alpha_t - 1) > 1e-12 else []
        factors.append(_number(power))
        product = entropy * weighted * alpha_t * power
        kept = abs(focal - product) <= 0.005 * product
        stored = "" if kept else f"{_number(product)}, stored as "
        rows.append(
            '<div style="display:flex;flex-wrap:wrap;gap:2px 12px;align-items:center;'
            'padding:5px 0;border-bottom:1px solid rgba(128,128,128,0.3)">'
            f'<div style="flex:0 0 7.2rem"><b>x = {x:g}, t = {t:.3g}</b><br/>'
            f"p<sub>t</sub> = {_number(p_t)}</div>"
            '<div style="flex:1 1 6rem">'
            + _bar(bce / largest, _BCE, f"BCE {_number(bce)}")
            + '<div style="height:2px"></div>'
            + _bar(focal / largest, _FOCAL, f"focal loss {_number(focal)}")
            + "</div>"
            '<div style="flex:1 1 12.5rem">'
            f"{' × '.join(factors)} = {stored}<b>{_number(focal)}</b><br/>"
            f"gradient <b>{_number(slope)}</b>, BCE {_number(bce_slope)}</div></div>"
        )
    weights = (
        ("× pos_weight's factor " if bool((batch.weighted - 1).abs().max() > 1e-12) else "")
        + ("× alpha_t " if bool((batch.alpha_t - 1).abs().max() > 1e-12) else "")
        + "× (1 - p_t)^gamma"
    )
    alt = "; ".join(
        f"logit {x:g}, target {t:.3g}: BCE {_number(b)}, focal loss {_number(f)}"
        for x, t, b, f in zip(
            batch.logits.tolist(),
            batch.targets.tolist(),
            batch.bce.tolist(),
            batch.focal.tolist(),
            strict=True,
        )
    )
    return (
        '<div style="font-family:var(--st-font);font-size:0.86rem;line-height:1.45;'
        'color:var(--st-text-color)">'
        f'<div style="padding-bottom:4px"><span style="color:{_BCE}">■</span> BCE above, '
        f'<span style="color:{_FOCAL}">■</span> focal loss below: '
        f"cross-entropy {escape(weights)}</div>"
        f'<div role="img" aria-label="{escape(alt)}">{"".join(rows)}</div></div>'
    )


def _percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "under 0.01%"
    if 0.9999 < share < 1:
        return "over 99.99%"
    return f"{share:.1%}" if 0.001 <= share <= 0.999 or share in (0.0, 1.0) else f"{share:.2%}"


def _share_rows(entries: Sequence[tuple[str, "ClassShares"]]) -> str:
    rows = []
    for name, shares in entries:
        bars = "".join(
            '<div style="display:flex;align-items:center;gap:6px">'
            f'<span style="flex:0 0 4rem">{what}</span>'
            f'<span style="flex:0 0 3.4rem;text-align:right">{_percent(positive)}</span>'
            f'<span style="flex:1;height:14px;background:{_NEGATIVE};display:block">'
            f'<span style="display:block;height:14px;width:{100 * positive:.3f}%;'
            f'background:{_POSITIVE};border-right:2px solid var(--st-background-color)"></span>'
            "</span>"
            f'<span style="flex:0 0 3.4rem">{_percent(negative)}</span></div>'
            for what, positive, negative in (
                ("loss", shares.positive, shares.negative),
                ("gradient", shares.positive_gradient, shares.negative_gradient),
            )
        )
        rows.append(
            f'<div style="padding:4px 0"><b>{escape(name)}</b>, summed loss {shares.loss:.4g}'
            f"{bars}</div>"
        )
    return "".join(rows)


def _shares(entries: Sequence[tuple[str, "ClassShares"]], title: str) -> str:
    alt = " ".join(
        f"{name}: positives have {_percent(shares.positive)} of the loss and "
        f"{_percent(shares.positive_gradient)} of the gradient."
        for name, shares in entries
    )
    return (
        '<div style="font-family:var(--st-font);font-size:0.86rem;line-height:1.45;'
        f'color:var(--st-text-color)"><div>{escape(title)}: '
        f'<span style="color:{_POSITIVE}">■</span> positives, left; '
        f'<span style="color:{_NEGATIVE}">■</span> negatives, right</div>'
        f'<div role="img" aria-label="{escape(alt)}">{_share_rows(entries)}</div></div>'
    )


def _scene(scene: "Scene", now: float) -> tuple[str | Curves, ...]:
    drawn: list[str | Curves] = [_shares(scene.shares, "Each class's share")]
    for one, count, found in (
        ("negative", scene.negatives, scene.negative_curves),
        ("positive", scene.positives, scene.positive_curves),
    ):
        title = f"{one}{'s' * (count > 1)}"
        losses, examples = [part.loss for part in found], [part.examples for part in found]
        at_half = [float(part.loss[int((part.examples - 0.5).abs().argmin())]) for part in found]
        drawn.append(
            Curves(
                lines=_lines(scene.gammas, losses, examples, now),
                title=f"The loss of {count:,} {title} adding up, easiest first",
                x_title=f"share of the {title}",
                y_title="share of their loss",
                x_range=(0.0, 1.0),
                y_range=(0.0, 1.0),
                look=0.5,
                height=180,
                alt=f"The easier half of the {title} has {_percent(at_half[0])} of their loss "
                f"under BCE, {_percent(at_half[scene.gammas.index(now)])} under gamma = {now:g}."
                if count > 1
                else "One positive has all of the loss.",
            )
        )
    return tuple(drawn)


def share_mistake(result: "ShareMistake", *, wrong: bool) -> str:
    """Draw each class's share under the line that runs, the other one, and cross-entropy."""
    order = (result.wrong, result.right) if wrong else (result.right, result.wrong)
    return _shares((*order, result.plain), "Each class's share")


def prior_mistake(result: "CurveMistake", *, wrong: bool) -> Curves:
    """Draw what each class costs by the first bias, with both biases marked."""
    assert result.x is not None
    assert result.look is not None
    assert result.look_right is not None
    marks = [
        Mark(float(result.x[at]), float(row[at]), f"bias {result.x[at]:.3g}")
        for at in (result.look, result.look_right)
        for row in (result.wrong, result.right)
    ]
    return replace(lessons.curves(result, wrong=wrong), marks=tuple(marks))


def _pixel(values: style.Array, cells: int, side: float) -> style.Array:
    """Return coordinates in a map's pixels, for x to the right."""
    return (values + side) / (2 * side) * cells - 0.5


def boundary(p: style.Array) -> style.Array:
    """Return where p crosses one half, as segments ``(n, 2, 2)`` between the cells' middles."""
    segments = []
    above = p > 0.5
    mixed = above[:-1, :-1] + above[:-1, 1:] * 1 + above[1:, :-1] + above[1:, 1:]
    for row, column in np.argwhere((mixed > 0) & (mixed < 4)):
        corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
        points = []
        for (r0, c0), (r1, c1) in zip(corners, corners[1:] + corners[:1], strict=True):
            a, b = p[r0, c0], p[r1, c1]
            if (a > 0.5) != (b > 0.5):
                way = (0.5 - a) / (b - a)
                points.append((c0 + way * (c1 - c0), r0 + way * (r1 - r0)))
        segments += [points[index : index + 2] for index in range(0, len(points) - 1, 2)]
    return np.array(segments, dtype=np.float64).reshape(-1, 2, 2)


def _dots(data: "Data", cells: int, side: float) -> tuple[str, str]:
    """Return some of the negatives and all of the positives as two SVG paths."""
    points, labels = style.floats(data.points), style.floats(data.labels) > 0.5
    x, y = _pixel(points[:, 0], cells, side), _pixel(-points[:, 1], cells, side)
    negatives = np.flatnonzero(~labels)[:_MOST_DOTS]
    positives = np.flatnonzero(labels)[:_MOST_DOTS]
    dots = "".join(f"M{x[i]:.1f} {y[i]:.1f}h0" for i in negatives)
    triangles = "".join(f"M{x[i]:.1f} {y[i] - 0.8:.1f}l.8 1.4h-1.6z" for i in positives)
    return (
        f'<path d="{dots}" stroke="{_NEGATIVE}" stroke-width="0.7" stroke-linecap="round"/>',
        f'<path d="{triangles}" fill="{style.VERMILION}" stroke="white" stroke-width="0.15"/>',
    )


def training(data: "Data", reports: Sequence["Report"], side: float) -> str:
    """Draw each classifier's output over the plane, and where it crosses one half."""
    entries = []
    for report in reports:
        p = style.floats(report.probability)
        # White at one half; a darker blue or orange means surer, as the words below say.
        towards = np.array([[0.34, 0.71, 0.91], [0.90, 0.62, 0.0]])
        sure = np.abs(2 * p - 1)
        colour = np.where((p > 0.5)[..., None], towards[1], towards[0])
        image = 1 - sure[..., None] * (1 - colour)
        edge = boundary(p)
        marks = _dots(data, p.shape[0], side)
        line = (style.lines(edge, colour="black", width=2.0),) if len(edge) else ()
        entries.append(
            style.Panel(
                f"{report.loss_name}, step {report.done}",
                report.probability.new_tensor(image.transpose(2, 0, 1)),
                marks=marks + line,
            )
        )
    drawn = style.panels(
        entries,
        alt=" ".join(
            f"{report.loss_name}: {report.probability.gt(0.5).float().mean():.0%} of the "
            "map is called positive."
            for report in reports
        ),
        tallest=230,
        narrowest=100,
        abreast=3,
        words="New points, threshold 0.5:",
        code="\n".join(
            f"{report.loss_name + ':':14}recall {report.recall_at_half:4.0%}, "
            + (
                f"precision {report.precision_at_half:4.0%}, "
                if np.isfinite(report.precision_at_half)
                else "nothing is called positive, "
            )
            + f"off the true probability by {report.calibration_error:.3f}"
            for report in reports
        ),
    )
    return f"<div>{_KEY}{drawn}</div>"


def precision_recall(reports: Sequence["Report"], reference: "Report") -> Curves:
    """Draw precision against recall for each loss, and for the true probabilities."""
    every = (*reports, reference)
    return Curves(
        lines=tuple(
            Line(
                f"{report.loss_name}: area {report.average_precision:.3f}",
                report.precision,
                report.recall,
            )
            for report in every
        ),
        title="Precision against recall on new points, and the area under each curve",
        x_title="recall",
        y_title="precision",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        look=0.5,
        height=230,
        alt=" ".join(
            f"{report.loss_name}: average precision {report.average_precision:.3f}."
            for report in every
        ),
    )


def calibration(reports: Sequence["Report"]) -> Curves:
    """Draw the true probability of a positive against what each classifier says."""
    points = [(style.floats(report.predicted), style.floats(report.observed)) for report in reports]
    # A line has a point wherever another has one on its way, so that all can be read there.
    every = np.unique(np.concatenate([said for said, _ in points]))
    lines = []
    for report, (said, true) in zip(reports, points, strict=True):
        x = every[(every >= said[0]) & (every <= said[-1])]
        y, at = (report.predicted.new_tensor(part) for part in (np.interp(x, said, true), x))
        lines.append(Line(report.loss_name, y, at))
    ends = reports[0].predicted.new_tensor([0.0, 1.0])
    return Curves(
        lines=(*lines, Line("perfect calibration", ends, ends, faint=True)),
        title="Calibration: the true probability, by the model's output",
        x_title="output of the model",
        y_title="true probability",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        look=0.5,
        height=230,
        alt=" ".join(
            f"{report.loss_name} is off by {report.calibration_error:.3f} on average."
            for report in reports
        ),
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: the loss against p_t for several gammas."""
    family = view.family
    assert family is not None
    x = style.floats(family.x)
    now = view.parameters.gamma
    paths = []
    for gamma, row in zip(family.gammas, style.floats(family.loss), strict=True):
        clear = {0: (_BCE, 2), now: (_FOCAL, 3)}
        colour, width = clear.get(gamma, (style.NEUTRAL, 1))
        shown = row <= 4
        points = "L".join(
            f"{14 + 212 * px:.1f} {104 - 88 * py / 4:.1f}"
            for px, py in list(zip(x[shown], row[shown], strict=True))[::4]
        )
        paths.append(f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f'<path d="M14 106H226M14 14V106" fill="none" stroke="{style.NEUTRAL}"/>'
        f"{''.join(paths)}</svg>"
    )
