"""Draw what `explainers.initialization.initialization` computes."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from figures import style
from figures.curves import Curves, Line, Mark, within

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.initialization.initialization import Call, Run, View

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
            f"Spread of the activations after each layer ({_network(view)}; pale: theory)",
            250,
        ),
        _by_layer(
            view,
            "backward_std",
            "gradients",
            "Spread of the gradients, from the last layer back to the input",
            210,
        ),
    )


def _by_layer(view: "View", name: str, what: str, title: str, height: int) -> Curves:
    lines, words = [], []
    for entry in view.entries:
        measured = getattr(entry.trace, name)
        predicted = getattr(entry.trace, f"predicted_{name}")
        label = entry.call.label
        lines.append(Line(label, within(measured)))
        if not predicted.isnan().all():
            lines.append(Line(label, within(predicted), faint=True, aside="theory"))
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
    norm = {"none": "", "batch": ", BatchNorm", "layer": ", LayerNorm"}[parameters.norm]
    return (
        f"{parameters.kind}, {parameters.nonlinearity}{norm}"
        + (", bias" if parameters.bias else ", no bias")
        + (", residual" if parameters.residual else "")
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
            figures.append(_figure(title, "beyond float32", ("", ""), ""))
            continue
        bars, share = _bars(counts)
        count = f"count (cut bar: {share:.0%})" if share else "count"
        figures.append(_figure(title, count, (f"{low:.3g}", f"{high:.3g}"), bars))
    alt = f"Histograms of layer {layer}: {', '.join(_PARTS)} of {view.current.call.label}."
    return (
        f'<div class="row" style="margin-top:.75rem" role="img" aria-label="{escape(alt)}">'
        f"{''.join(figures)}</div>"
    )


def _figure(title: str, count: str, ends: tuple[str, str], bars: str) -> str:
    """Return one histogram, with the names of its axes and the ends of the lower one."""
    small = "font-size:.72rem;padding:0"
    low, high = (f"<span>{end}</span>" for end in ends)
    return (
        f'<figure style="flex:1 1 92px"><figcaption>{title}</figcaption>'
        f'<figcaption style="{small};text-align:left">{count}</figcaption>'
        f'<svg viewBox="0 0 205 64">{bars}<path d="M0 63.5H205" stroke="{style.NEUTRAL}"/></svg>'
        f'<figcaption style="{small};display:flex;justify-content:space-between">'
        f"{low}<span>value</span>{high}</figcaption></figure>"
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
    """Return the table of schemes at the chosen layer: what was asked, what came."""
    layer = view.parameters.shown_layer()
    # Linear layers connect everything, and only what approaches a value saturates.
    counts, saturates = view.parameters.kind != "linear", view.saturates
    rows = []
    for entry in view.entries:
        trace = entry.trace
        assert trace is not None
        gain, bound = view.gain(entry), view.bound(entry)
        row = {
            "scheme": escape(entry.call.label).replace("_", "_<wbr>"),
            "fan_in, fan_out": f"{trace.fans[0]}, {trace.fans[1]}",
            "counted": f"{trace.connections[0]:.4g}, {trace.connections[1]:.4g}",
            "gain": "none" if gain is None else f"{gain:.4g}",
            "bound": "none" if bound is None else f"{bound:.4g}",
            "std asked, got": ("none" if math.isnan(trace.asked_std) else f"{trace.asked_std:.4g}")
            + f", {trace.weight_std[layer - 1]:.4g}",
            "dead": f"{trace.dead[layer - 1]:.0%}",
            "saturated": f"{trace.saturated[layer - 1]:.0%}",
        }
        rows.append(
            {
                name: cell
                for name, cell in row.items()
                if (name != "counted" or counts) and (name != "saturated" or saturates)
            }
        )
    body = "".join(
        "<tr>"
        + "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in row.items())
        + "</tr>"
        for row in rows
    )
    caption = (
        f"Layer {layer}. "
        + (
            "Counted: true inputs of an output and outputs of an input; borders lose some. "
            if counts
            else ""
        )
        + "Bound: largest size of a weight. Std: of the weights. Dead: units that are 0 for every "
        "input."
        + (
            " Saturated: activations within 0.01 of where the nonlinearity ends."
            if saturates
            else ""
        )
    )
    return (
        '<table class="plain"><thead><tr>'
        + "".join(f'<th scope="col">{name}</th>' for name in rows[0])
        + f"</tr></thead><tbody>{body}</tbody></table>"
        + f'<p style="margin:.3rem 0 0;font:.8rem/1.3 var(--st-font);opacity:.8">{caption}</p>'
    )


def _gain(view: "View") -> Curves:
    found, parameters = view.gains, view.parameters
    size = found.size.masked_fill((found.size < _SEEN[0]) | (found.size > _SEEN[1]), math.nan)
    marks = [(found.unit, found.size_at(found.unit), "fixed point: gain {:.4g}", "circle")]
    if found.torchs is not None and abs(found.torchs - found.unit) > 1e-6:
        marks.append(
            (found.torchs, found.size_at(found.torchs), "calculate_gain: {:.4g}", "triangle")
        )
    gain, trace = view.gain(view.current), view.current.trace
    plain = (
        parameters.kind == "linear"
        and parameters.norm == "none"
        and not parameters.residual
        and not parameters.bias
    )
    # On another mark its words would cover that one's.
    if plain and gain is not None and trace and all(abs(gain - at) > 0.02 for at, *_ in marks):
        marks.append((gain, trace.last_size, "measured at {:.4g}", "cross"))
    if abs(found.pull - 1) < 1e-6:
        rest = "keeps every size"
    elif found.pull < 1:
        rest = f"attracts: a layer keeps {found.pull:.0%} of a deviation from it"
    else:
        rest = f"repels: a layer makes {found.pull:.0%} of a deviation from it"
    return Curves(
        lines=(Line("theory, plain linear stack without bias", size, found.gains),),
        title=f"Size of the activations after {parameters.depth} {parameters.nonlinearity} layers, "
        f"by gain: the fixed point, {found.unit:.4g}, {rest}",
        x_title="gain",
        y_title="root mean square after the last layer",
        log=True,
        marks=tuple(
            Mark(at, value, words.format(at), symbol)
            for at, value, words, symbol in marks
            if _SEEN[0] < value < _SEEN[1]
        ),
        look=found.unit,
        height=200,
        alt=f"Root mean square at the gain that keeps a variance of 1 before "
        f"{parameters.nonlinearity}, {found.unit:.4g}: {found.size_at(found.unit):.3g}. "
        f"It {rest}.",
    )


def training(calls: Sequence["Call"], runs: Sequence["Run"]) -> Curves:
    """Draw the loss over all points against the step, for each scheme that has begun to train."""
    lines, words = [], []
    for call, run in zip(calls, runs, strict=False):
        last = run.last
        lines.append(Line(f"{call.label}: {last.accuracy:.0%} right", within(run.loss), run.done))
        words.append(f"{call.label} ends at {_said(last.loss)}, {last.accuracy:.0%} right.")
    return Curves(
        lines=tuple(lines),
        title="Loss over all points while the network trains from each scheme",
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
