"""Draw what `explainers.sampling.interpolate` computes."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from figures import style
from figures.curves import Curves, Line
from figures.player import Curve, Film

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.parameters import Numbers
    from explainers.sampling.interpolate import Imitated, View
    from explainers.sampling.interpolate.mistakes import (
        Aliasing,
        Comb,
        Combs,
        Labels,
        Overshoot,
        TwoWays,
    )

Array = NDArray[np.float64]

_TEXT = "fill:var(--st-text-color)"
_FONT = "font:12px var(--st-font)"
_CELL, _GAP = 30, 46  # heights of a row of cells and of what lies between two, in CSS pixels
_WIDEST = 130  # of an input cell, in CSS pixels
_NARROW = 330  # width of a comb on a phone, in CSS pixels
_MOST_SLICES = 8
_CLASSES = ("#000000", style.SKY, style.ORANGE)


def see(view: "View") -> str:
    """Draw input and output as pictures; of a volume, its slices; of a refused call, the input."""
    shape = " × ".join(str(side) for side in view.source.shape[1:])
    if view.source.dim() == 4:
        return _slices(view)
    if view.output is None:
        image = view.source if view.source.dim() == 3 else view.source[None]
        return style.panels(
            [style.Panel(f"Input, {shape}", _shown(image, image))],
            alt=f"The input, {shape}. No output: the call is refused.",
            tallest=320 if image.shape[1] > 1 else 60,
        )
    out = " × ".join(str(side) for side in view.output.shape[1:])
    return style.panels(
        [
            style.Panel(f"Input, {shape}", _shown(view.source, view.source)),
            style.Panel(f"Output, {out}", _shown(view.output, view.source)),
        ],
        alt=f"Left, the input, {shape} pixels; right, the output, {out}. {view.sentence}",
        tallest=320,
        words=view.sentence,
    )


def _slices(view: "View") -> str:
    rows = [("Input", view.source[0])]
    if view.output is not None:
        rows.append(("Output", view.output[0]))
    markup = []
    for name, volume in rows:
        depth, height, width = volume.shape
        chosen = np.unique(np.linspace(0, depth - 1, _MOST_SLICES).round().astype(int))
        every = f"all {depth} slices" if len(chosen) == depth else f"{len(chosen)} of its slices"
        markup.append(
            style.panels(
                [style.Panel(f"{name} [{index}]", volume[index]) for index in chosen],
                alt=f"{name}, {depth} × {height} × {width}: {every}. {view.sentence}",
                tallest=112,
                narrowest=72,
                abreast=4,
                words=view.sentence if name == "Output" else "",
            )
        )
    return "".join(markup)


def _shown(image: "Tensor", source: "Tensor") -> "Tensor":
    """Scale values to [0, 1] by the range of the source, if that leaves [0, 1]."""
    low, high = float(source.min()), float(source.max())
    if low >= 0 and high <= 1:
        return image
    return (image - low) / max(high - low, 1e-9)


def line_alt(view: "View") -> str:
    """Return what the figure of a line shows now, in words."""
    assert view.line is not None
    numbers = _listed(view.line.outputs)
    return (
        f"{len(view.line.samples)} samples, {_listed(view.line.samples)}, and their "
        f"{len(view.line.outputs)} outputs, {numbers}. {view.sentence}"
    )


def drag_range(view: "View", rule: "Numbers") -> dict[str, float]:
    """Return how far samples can be dragged: somewhat beyond those there are, within the rule.

    The axis spans this range; the rule's own bounds would leave the curve a flat line.
    """
    assert view.line is not None
    low, high = float(view.line.samples.min()), float(view.line.samples.max())
    beyond = max(0.1 * (high - low), 0.1)
    return {
        "minimum": max(rule.minimum, math.floor((low - beyond) * 4) / 4),
        "maximum": min(rule.maximum, math.ceil((high + beyond) * 4) / 4),
    }


def outside_text(view: "View") -> str:
    """Return what an output does that reads beyond the first or the last sample."""
    if view.parameters.antialias:
        return "weights beyond the edge are dropped"
    if view.parameters.mode == "bicubic":
        return "beyond counts as the edge sample"
    return "the edge sample is used"


def table_alt(view: "View") -> str:
    """Return what the two tables show now, in words."""
    assert view.loupe is not None
    return f"Input and output, linked value by value. {view.sentence}"


def aliasing(result: "Aliasing", *, wrong: bool) -> str:
    """Draw the input, PIL's answer, the chosen line's, the difference, and one pixel's weights."""
    output = result.wrong if wrong else result.right
    weights = result.wrong_weights if wrong else result.right_weights
    difference = (output - result.wanted).abs().mean(dim=0)
    mean = float(difference.mean()) * 255
    line = "wrong" if wrong else "right"
    counted = int((weights != 0).sum())
    return style.panels(
        [
            style.Panel(f"Input, {result.source.shape[-1]} pixels", result.source),
            style.Panel("By PIL", result.wanted),
            style.Panel(f"By the {line} line", output),
            style.Panel(f"Difference, mean {mean:.1f} of 255", difference),
            style.Panel(f"One output pixel reads {counted}", weights.clamp(min=0) / weights.max()),
        ],
        alt=f"A zone plate, PIL's reduction, the {line} line's, their difference, mean "
        f"{mean:.1f} of 255, and the {counted} input pixels of one output.",
        tallest=200,
    )


def combs(result: "Combs", *, wrong: bool) -> str:
    """Draw lines of pixels over each other: inputs, outputs, and what each output read."""
    chosen = result.wrong if wrong else result.right
    # One scale for all: an added sample must not move the others.
    low = min(min(-0.5, float(comb.positions.min()) - 0.05) for comb in chosen)
    high = max(max(len(comb.samples) - 0.5, float(comb.positions.max()) + 0.05) for comb in chosen)
    drawn = "".join(_comb(comb, low, high) for comb in chosen)
    alt = " ".join(
        f"{comb.title}: {_listed(comb.samples)} becomes {_listed(comb.outputs)}, read at "
        f"{_listed(comb.positions)}."
        for comb in chosen
    )
    return (
        f'<div><div class="row" role="img" aria-label="{escape(alt)}">{drawn}</div>'
        f'<p style="margin:4px 0 0;{_FONT}">Arrows: where each output reads.</p></div>'
    )


def _comb(comb: "Comb", low: float, high: float) -> str:
    # x is a share of the width, y in pixels: shapes grow with the page, text does not.
    def x(position: float) -> float:
        return 100 * (position - low) / (high - low)

    def cells(middles: Array, values: Array, top: float, wide: float) -> list[str]:
        shades = (values - bottom) / (peak - bottom)
        return [
            _cell(x(middle), top, 100 * wide / (high - low), value, shade)
            for middle, value, shade in zip(middles, values, shades, strict=True)
        ]

    samples, outputs = style.floats(comb.samples), style.floats(comb.outputs)
    reads, centres = style.floats(comb.positions), style.floats(comb.centres)
    bottom, peak = samples.min(), max(samples.max(), samples.min() + 1e-9)
    first, second = 20.0, 20.0 + _CELL + _GAP
    parts = cells(np.arange(len(samples), dtype=np.float64), samples, first, 1.0)
    parts += cells(centres, outputs, second, len(samples) / len(centres))
    foot, tip = second - 3, first + _CELL + 3
    ink = style.VERMILION
    parts += [
        f'<line x1="{x(centre):.2f}%" y1="{foot:.0f}" x2="{x(read):.2f}%" y2="{tip:.0f}" '
        f'stroke="{ink}" stroke-width="1.5" marker-end="url(#head)"/>'
        f'<circle cx="{x(centre):.2f}%" cy="{foot:.0f}" r="2.5" fill="{ink}"/>'
        for centre, read in zip(centres, reads, strict=True)
    ]
    parts += [
        f'<text x="{x(-0.5):.2f}%" y="{y:.0f}" style="{_TEXT};{_FONT}">{words}</text>'
        for y, words in (
            (first - 7, f"input, {len(samples)} values"),
            (second + _CELL + 16, f"output, {len(centres)} values"),
        )
    ]
    return (
        f'<figure style="flex:1 1 300px;max-width:{_WIDEST * (high - low):.0f}px;'
        f'min-width:min(300px,100%)"><figcaption>{escape(comb.title)}</figcaption>'
        f'<svg style="height:{second + _CELL + 22:.0f}px;overflow:visible">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
        'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0L8 4L0 8Z" fill="{ink}"/></marker></defs>'
        f"{''.join(parts)}</svg></figure>"
    )


def _cell(middle: float, top: float, wide: float, value: float, shade: float) -> str:
    grey = round(255 * min(max(shade, 0.0), 1.0))
    ink = "#000" if grey > 117 else "#fff"
    room = wide / 100 * _NARROW - 4
    texts = (f"{value + 0.0:.3g}", f"{value + 0.0:.2g}")
    text = next((text for text in texts if len(text) * 6.6 < room), "")
    words = (
        f'<text x="{middle:.2f}%" y="{top + _CELL / 2 + 4:.0f}" text-anchor="middle" '
        f'style="{_FONT};fill:{ink}">{text}</text>'
    )
    return (
        f'<rect x="{middle - wide / 2:.2f}%" y="{top:.0f}" width="{wide:.2f}%" '
        f'height="{_CELL}" fill="rgb({grey},{grey},{grey})" stroke="{style.NEUTRAL}">'
        f"<title>{value:.4g}</title></rect>{words if text else ''}"
    )


def overshoot(result: "Overshoot", *, wrong: bool) -> tuple[str, Curves]:
    """Draw the enlarged step after the chosen cast, and one row of it before and after."""
    picture = result.wrong_picture if wrong else result.right_picture
    line, cast = result.line, result.wrong if wrong else result.right
    name = "cast" if wrong else "clamped and cast"
    low, high = float(line.min()), float(line.max())
    chart = Curves(
        (
            Line("bicubic, float", line),
            Line(f"{name} to uint8", cast, shape="points"),
        ),
        title="A row of the enlarged step",
        x_title="pixel of the output",
        y_title="level",
        alt=f"A row of bicubic values from {low:.0f} to {high:.0f}; {name} to uint8, "
        f"{float(cast.min()):.0f} to {float(cast.max()):.0f}.",
        references=((0.0, "0, least of uint8"), (255.0, "255, largest")),
        height=280,
        y_range=(min(low, 0) - 12, max(high, 255) + 12),
        look=float((line - cast).abs().argmax()),
    )
    pictures = style.panels(
        [
            style.Panel("Input", result.source / 255),
            style.Panel(f"Enlarged, {name} to uint8", picture),
        ],
        alt=f"A step, and the same enlarged by bicubic, {name} to uint8.",
        tallest=170,
    )
    return pictures, chart


def two_ways(result: "TwoWays", *, wrong: bool) -> str:
    """Draw the input, grid_sample's output, interpolate's, and their difference."""
    output = result.wrong if wrong else result.right
    difference = (output - result.sampled).abs()
    most = float(difference.max())
    flag = "True" if wrong else "False"
    return style.panels(
        [
            style.Panel("Input", result.source),
            style.Panel("grid_sample, False", result.sampled),
            style.Panel(f"interpolate, {flag}", output),
            style.Panel(f"3 × difference, at most {most:.2g}", 3 * difference),
        ],
        alt="A letter by grid_sample with align_corners False and by interpolate with "
        f"{flag}; at most {most:.2g} apart.",
        tallest=230,
    )


def labels(result: "Labels", *, wrong: bool) -> str:
    """Draw the classes before and after, in colours, and where a class was invented."""
    output = result.wrong if wrong else result.right
    count = int(result.invented.sum()) if wrong else 0
    invented = result.invented.float() if wrong else result.invented.float() * 0
    return style.panels(
        [
            style.Panel("Classes 0 (black), 1 (blue), 2 (orange)", _coloured(result.source)),
            style.Panel("Bilinear, rounded" if wrong else "nearest-exact", _coloured(output)),
            style.Panel(f"Invented class: {count} pixels", invented),
        ],
        alt=f"Three classes, resized, and {count} pixels of a class not around them.",
        tallest=230,
    )


def _coloured(classes: "Tensor") -> "Tensor":
    palette = classes.new_tensor(
        [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in _CLASSES]
    )
    return palette[classes].permute(2, 0, 1) / 255


def imitation(found: "Imitated") -> Film:
    """Draw the kernel at each step in the formula's greys, with its middle row as numbers."""
    low, high = float(found.formula.min()), float(found.formula.max())
    span = high - low
    middle = found.weights.shape[-1] // 2
    return Film(
        ((found.weights - low) / span).clamp(0, 1),
        captions=[
            "kernel[4] = " + " ".join(f"{value + 0.0:5.2f}" for value in kernel[middle])
            for kernel in found.weights.tolist()
        ],
        curves=[
            Curve("loss", found.loss.tolist(), log=True),
            Curve("error of the kernel", found.error.tolist(), log=True),
        ],
        reference=(found.formula - low) / span,
        reference_title="The kernel by its formula",
        title="The layer's kernel",
        alt=f"Training over {len(found.loss) - 1} steps. {found.sentence}",
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: samples as stems, outputs as dots, the curve."""
    assert view.line is not None
    line = view.line
    samples = style.floats(line.samples)
    low, high = samples.min(), max(samples.max(), samples.min() + 1e-9)
    count = len(samples)

    def x(position: float) -> float:
        return 22 + 196 * (position + 0.5) / count

    def y(value: float) -> float:
        return float(102 - 80 * (value - low) / (high - low))

    curve = "L".join(
        f"{x(position):.1f} {y(value):.1f}"
        for position, value in zip(
            style.floats(line.curve_x), style.floats(line.curve), strict=True
        )
    )
    stems = "".join(
        f'<path d="M{x(index):.1f} 106V{y(value):.1f}" stroke="{style.BLUE}" stroke-width="2"/>'
        f'<rect x="{x(index) - 5:.1f}" y="{y(value) - 5:.1f}" width="10" height="10" '
        f'fill="{style.BLUE}"/>'
        for index, value in enumerate(samples)
    )
    dots = "".join(
        f'<circle cx="{x(position):.1f}" cy="{y(value):.1f}" r="4.5" fill="{style.VERMILION}"/>'
        for position, value in zip(
            style.floats(line.positions), style.floats(line.outputs), strict=True
        )
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f'<path d="M14 106H226" stroke="{style.NEUTRAL}"/>'
        f'<path d="M{curve}" fill="none" stroke="{style.GREEN}" stroke-width="1.6"/>'
        f"{stems}{dots}</svg>"
    )


def _listed(values: "Tensor") -> str:
    numbers: Sequence[float] = values.tolist()
    shown = ", ".join(f"{value + 0.0:.3g}" for value in numbers[:12])
    return shown + (f" and {len(numbers) - 12} more" if len(numbers) > 12 else "")
