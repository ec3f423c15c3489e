"""Draw what `explainers.initialization` computes."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from figures import style
from figures.curves import Curves, Line, Mark, within

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.initialization import Call, Run, View

# Beyond these the gain's chart would show nothing but a steep line.
_SEEN = (1e-9, 1e9)
_PARTS = ("activations", "gradients", "weights")


def see(view: "View") -> tuple[str | Curves, ...]:
    """Draw both spreads by layer, a layer's histograms, what was asked and got, and the gain."""
    if not view.entries:
        return ()
    return (*_spreads(view), _layer(view), _gain(view))


def _spreads(view: "View") -> tuple[Curves, Curves]:
    return (
        _by_layer(
            view,
            "forward_std",
            "activations",
            f"Activations' spread by layer ({_network(view)}; pale: theory)",
            250,
        ),
        _by_layer(
            view,
            "backward_std",
            "gradients",
            "Gradients' spread, from the last layer back to the input",
            210,
        ),
    )


def _by_layer(view: "View", name: str, what: str, title: str, height: int) -> Curves:
    lines, words = [], []
    for entry in view.entries:
        measured = getattr(entry.trace, name)
        predicted = getattr(entry.trace, f"predicted_{name}")
        label = str(entry.call)
        lines.append(Line(label, within(measured)))
        if not predicted.isnan().all():
            lines.append(Line(label, within(predicted), faint=True))
        words.append(
            f"{label}: {_said(measured[0])} at the input, {_said(measured[-1])} after layer "
            f"{len(measured) - 1}."
        )
    return Curves(
        lines=tuple(lines),
        title=title,
        x_title="layer (0 is the input)",
        y_title=f"std of {what}",
        log=True,
        look=0.0 if what == "gradients" else None,
        height=height,
        alt=f"Std of {what}, measured. " + " ".join(words),
        group="initialization.layers",
    )


def _network(view: "View") -> str:
    parameters = view.parameters
    norm = {"none": "", "batch": ", batch norm", "layer": ", layer norm"}[parameters.norm]
    return f"{parameters.kind}, {parameters.nonlinearity}{norm}" + (
        ", residual" if parameters.residual else ""
    )


def _said(value: "Tensor | float") -> str:
    value = float(value)
    return "no number" if math.isnan(value) else f"{value:.3g}"


def _layer(view: "View") -> str:
    """Return the histograms of the chosen layer, the view in words, and the table of schemes."""
    return (
        f'<div><p class="words">{escape(view.sentence)}</p>{_histograms(view)}{_table(view)}</div>'
    )


def _histograms(view: "View") -> str:
    trace = view.current.trace
    if trace is None or trace.histograms is None:
        return ""
    layer = view.parameters.shown_layer()
    figures = []
    for part, counts, ends in zip(
        _PARTS, trace.histograms.counts, trace.histograms.ends, strict=True
    ):
        low, high = (float(end) for end in ends)
        title = f"{part}, layer {layer}"
        if math.isnan(low):
            figures.append(_figure(f"{title}<br>beyond float32", ""))
            continue
        bars, share = _bars(counts)
        range_ = f"{low:.3g} to {high:.3g}" + (f", {share:.0%} in one bar" if share else "")
        figures.append(_figure(f"{title}<br>{range_}", bars))
    alt = f"Histograms of layer {layer}: {', '.join(_PARTS)} of {view.current.call}."
    return (
        f'<div class="row" style="margin-top:.75rem" role="img" aria-label="{escape(alt)}">'
        f"{''.join(figures)}</div>"
    )


def _figure(caption: str, bars: str) -> str:
    return (
        f'<figure style="flex:1 1 92px"><figcaption>{caption}</figcaption>'
        f'<svg viewBox="0 0 205 64">{bars}<path d="M0 63.5H205" stroke="{style.NEUTRAL}"/></svg>'
        "</figure>"
    )


def _bars(counts: "Tensor") -> tuple[str, float | None]:
    """Return bars as one path, and the share of one that towers over the others, and is cut."""
    values = [float(value) for value in counts]
    total = sum(values)
    first, second = sorted(values, reverse=True)[:2]
    top = max(min(first, 2.5 * second), 1e-9) if second > 0 else first
    path = "".join(
        f"M{5 * index + 0.5:g} 63v-{min(58.0, 50 * value / top):.1f}h4V63z"
        for index, value in enumerate(values)
        if value
    )
    cut = first > top and second > 0
    return f'<path d="{path}" fill="{style.BLUE}"/>', first / total if cut else None


def _table(view: "View") -> str:
    layer = view.parameters.shown_layer()
    head = (
        "scheme",
        "fan_in, fan_out",
        "counted",
        "gain",
        "bound",
        "std asked, got",
        "dead",
        "saturated",
    )
    rows = []
    for entry in view.entries:
        trace = entry.trace
        assert trace is not None
        gain, bound = view.gain(entry), view.bound(entry)
        cells = (
            escape(str(entry.call)).replace("_", "_<wbr>"),
            f"{trace.fans[0]}, {trace.fans[1]}",
            f"{trace.connections[0]:.4g}, {trace.connections[1]:.4g}",
            "none" if gain is None else f"{gain:.4g}",
            "none" if bound is None else f"{bound:.4g}",
            ("none" if math.isnan(trace.asked_std) else f"{trace.asked_std:.4g}")
            + f", {trace.weight_std[layer - 1]:.4g}",
            f"{trace.dead[layer - 1]:.0%}",
            f"{trace.saturated[layer - 1]:.0%}",
        )
        rows.append(
            "<tr>"
            + "".join(
                f'<td data-label="{name}">{cell}</td>'
                for name, cell in zip(head, cells, strict=True)
            )
            + "</tr>"
        )
    return (
        '<table class="plain"><thead><tr>'
        + "".join(f'<th scope="col">{name}</th>' for name in head)
        + f"</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _gain(view: "View") -> Curves:
    found, parameters = view.gains, view.parameters
    std = found.std.masked_fill((found.std < _SEEN[0]) | (found.std > _SEEN[1]), math.nan)
    marks = [(found.unit, found.std_at(found.unit), "fixed point: gain {:.4g}", "circle")]
    if found.torchs is not None and abs(found.torchs - found.unit) > 1e-6:
        marks.append(
            (found.torchs, found.std_at(found.torchs), "calculate_gain: {:.4g}", "triangle")
        )
    gain, trace = view.gain(view.current), view.current.trace
    plain = parameters.kind == "linear" and parameters.norm == "none" and not parameters.residual
    # On another mark its words would cover that one's.
    if plain and gain is not None and trace and all(abs(gain - at) > 0.02 for at, *_ in marks):
        marks.append((gain, float(trace.forward_std[-1]), "measured at {:.4g}", "cross"))
    if abs(found.pull - 1) < 1e-6:
        rest = "where every spread is kept"
    elif found.pull < 1:
        rest = f"which attracts: a layer keeps {found.pull:.0%} of a deviation"
    else:
        rest = f"which repels: a layer makes {found.pull:.0%} of a deviation"
    return Curves(
        lines=(Line("theory, plain linear stack", std, found.gains),),
        title=f"What the gain does in {parameters.depth} layers of "
        f"{parameters.nonlinearity}: fixed point {found.unit:.4g}, {rest}",
        x_title="gain",
        y_title="std after the last layer",
        log=True,
        marks=tuple(
            Mark(at, value, words.format(at), symbol)
            for at, value, words, symbol in marks
            if _SEEN[0] < value < _SEEN[1]
        ),
        look=found.unit,
        height=200,
        alt=f"The gain that keeps a variance of 1 before {parameters.nonlinearity}: "
        f"{found.unit:.4g}, {rest}.",
    )


def training(calls: Sequence["Call"], runs: Sequence["Run"]) -> Curves:
    """Draw the loss over all points against the step, for each scheme that has begun to train."""
    lines, words = [], []
    for call, run in zip(calls, runs, strict=False):
        last = run.last
        lines.append(Line(f"{call}: {last.accuracy:.0%} right", within(run.loss), run.done))
        words.append(f"{call} ends at {_said(last.loss)}, {last.accuracy:.0%} right.")
    return Curves(
        lines=tuple(lines),
        title="Loss over all points, one network, each scheme",
        x_title="step of SGD",
        y_title="loss (binary cross-entropy)",
        log=True,
        height=300,
        alt=" ".join(words),
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: spread by layer, on a log axis, for each scheme."""
    low, high = math.inf, -math.inf
    curves = []
    for entry in view.entries:
        assert entry.trace is not None
        row = [math.log10(float(v)) for v in entry.trace.forward_std if float(v) > 0]
        curves.append(row)
        low, high = min(low, *row), max(high, *row)
    paths = []
    for colour, row in zip((style.BLUE, style.ORANGE, style.GREEN), curves, strict=False):
        points = "L".join(
            f"{14 + 212 * index / max(1, len(row) - 1):.1f} "
            f"{16 + 86 * (high - value) / max(high - low, 1e-9):.1f}"
            for index, value in enumerate(row)
        )
        paths.append(f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f'<path d="M14 106H226M14 14V106" fill="none" stroke="{style.NEUTRAL}"/>'
        f"{''.join(paths)}</svg>"
    )
