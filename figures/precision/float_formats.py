"""Draw what `explainers.precision.float_formats` computes."""

import dataclasses
import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from figures import lessons, style
from figures.curves import Curves, Line, look_here

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.evidence import CurveMistake
    from explainers.precision.float_formats import Format, FormatShare, Inspection, Run, View

_WIDE = 1000  # width of every drawing in its own units; the page stretches it
# Powers of two that the lanes of the gradients show.
_LEAST, _MOST = -46, 34
_PHONE = 350  # pixels, on which labels must not meet
_LETTER = 6.8  # pixels
_FATES = ("zero", "subnormal", "normal", "infinite")
_FATE_WORDS = {
    "zero": "becomes 0",
    "subnormal": "fewer digits",
    "normal": "full precision",
    "infinite": "overflows",
}
_SUPERSCRIPT = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def see(view: "View") -> tuple[str, str]:
    """Draw the number on its line, in bits and in six formats; then the gradients' sizes."""
    return number(view), spectrum(view)


def number(view: "View") -> str:
    """Return markup of a number among a format's numbers, its bits, and the six formats."""
    return (
        f'<div class="formats">{_line(view)}<p class="words">{escape(view.sentence)}</p>'
        f"{_bits(view.chosen)}{_six(view)}</div>"
    )


def _place(value: float, view: "View") -> float:
    """Return where a number stands, in per cent from the left; beyond 0 and 100 outside."""
    low, high = view.window
    if math.isinf(value):
        return math.copysign(1e6, value)
    return 100 * (value - low) / (high - low)


def _ticks(numbers: "Tensor", view: "View", top: float, bottom: float) -> str:
    return "".join(
        f"M{_WIDE / 100 * _place(each, view):.1f} {top}V{bottom}" for each in numbers.tolist()
    )


def _stroke(path: str, colour: str, width: float, more: str = "") -> str:
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
        f'vector-effect="non-scaling-stroke" {more}/>'
    )


def _drawing(height: int, inner: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDE} {height}" preserveAspectRatio="none" '
        f'style="height:{height}px" aria-hidden="true">{inner}</svg>'
    )


def _label(text: str, at: float, top: int, kind: str = "") -> str:
    """Return words centred at a per cent of the width, but never beyond its ends."""
    half = len(text) / 2 + 0.5
    return (
        f'<span class="{kind}" style="top:{top}px;'
        f'left:clamp({half:.1f}ch,{at:.2f}%,calc(100% - {half:.1f}ch))">{escape(text)}</span>'
    )


def _line(view: "View") -> str:
    found = view.chosen
    axis, ticks = 64, view.ticks[found.format.name]
    value, stored = _place(found.value, view), _place(found.stored, view)
    inside = min(max(stored, 0.0), 100.0)
    x, end = _WIDE / 100 * value, _WIDE / 100 * inside
    parts = [_stroke(f"M0 {axis}H{_WIDE}", style.NEUTRAL, 1)]
    if ticks is None:
        # So many numbers of the format that only their last is worth a place.
        last = _WIDE / 100 * min(_place(found.format.max, view), 100.0)
        first = _WIDE / 100 * max(_place(-found.format.max, view), 0.0)
        parts.append(
            f'<rect x="{first:.1f}" y="{axis - 9}" width="{max(last - first, 3):.1f}" height="18" '
            f'fill="{style.BLUE}" opacity="0.6"/>'
        )
    else:
        parts.append(_stroke(_ticks(ticks, view, axis - 9, axis + 9), style.BLUE, 1.4))
    parts.append(_stroke(f"M{x:.1f} 20V{axis + 9}", style.VERMILION, 2, 'stroke-dasharray="5 3"'))
    near = [
        (text, _place(each, view), each == found.nearest)
        for text, each in zip(found.labels, (found.below, found.nearest, found.above), strict=True)
        if math.isfinite(each)
    ]
    near = [entry for entry in near if -0.01 <= entry[1] <= 100.01]
    if 0 <= stored <= 100:
        parts.append(_stroke(f"M{end:.1f} {axis - 17}V{axis + 12}", style.BLUE, 4))
    marks = _label(f"{view.parameters.value}", value, 0, "asked")
    if abs(inside - value) > 1.5:
        parts.append(_stroke(f"M{x:.1f} 40H{end:.1f}", style.BLUE, 2))
        turn = "" if end > x else ";transform:scaleX(-1)"
        side = f"calc({inside:.2f}% - {9 if end > x else 0}px)"
        marks += f'<i class="head" style="left:{side};top:35px{turn}"></i>'
    rows = _rows([(text, at) for text, at, _ in near])
    for (text, at, is_nearest), row in zip(near, rows, strict=True):
        marks += _label(text, at, axis + 15 + 17 * row, "nearest" if is_nearest else "")
    lines = len(set(rows))
    if math.isinf(found.stored):
        lines += 1
        marks += _label(
            f"{found.stored:g} ▸" if found.stored > 0 else f"◂ {found.stored:g}",
            100 if found.stored > 0 else 0,
            axis + 15 + 17 * (lines - 1),
            "nearest",
        )
    words = (
        f"{view.sentence} {view.neighbours} The line: {view.window[0]:.6g} to {view.window[1]:.6g}."
    )
    return (
        f'<div class="track" role="img" aria-label="{escape(words)}" '
        f'style="height:{axis + 18 + 17 * max(2, lines)}px">'
        f"{_drawing(axis + 12, ''.join(parts))}{marks}</div>"
    )


def _rows(labels: Sequence[tuple[str, float]]) -> list[int]:
    """Return the first row for each label in which it meets no other, on a phone too."""
    taken: list[list[tuple[float, float]]] = []
    rows = []
    for text, at in labels:
        half = (len(text) / 2 + 1) * _LETTER
        centre = min(max(at / 100 * _PHONE, half), _PHONE - half)
        span = (centre - half, centre + half)
        row = next(
            (
                index
                for index, spans in enumerate(taken)
                if all(span[1] <= low or span[0] >= high for low, high in spans)
            ),
            len(taken),
        )
        if row == len(taken):
            taken.append([])
        taken[row].append(span)
        rows.append(row)
    return rows


def _bits(found: "Inspection") -> str:
    bits = found.bits
    fields = "".join(
        f'<span class="field {name}"><span class="cells">'
        + "".join(f"<b>{bit}</b>" for bit in digits)
        + f"</span><small>{words}</small></span>"
        for name, digits, words in (
            ("sign", bits.sign, "sign"),
            ("exponent", bits.exponent, f"exponent, {len(bits.exponent)} bits"),
            ("mantissa", bits.mantissa, f"mantissa, {len(bits.mantissa)} bits"),
        )
    )
    kind = "bits wide" if found.format.bits > 32 else "bits"
    return (
        f'<div class="{kind}" role="img" aria-label="Bits: {bits}">{fields}</div>'
        f'<p class="sum">{escape(formula(found))}</p>'
    )


def formula(found: "Inspection") -> str:
    """Return how the bits make the number, spelled out."""
    bits, format_ = found.bits, found.format
    name = format_.name
    if bits.kind == "infinite":
        return f"An exponent of ones, a mantissa of zeros: {name}'s code for {found.stored:g}."
    if bits.kind == "zero":
        zero = "-0" if bits.sign == "1" else "0"
        return f"An exponent and a mantissa of zeros: {name}'s code for {zero}."
    significand, power = found.terms
    exponent = int(bits.exponent, 2)
    sign = "−" if bits.sign == "1" else ""
    leading = "1" if exponent else "0"
    digits = bits.mantissa.rstrip("0") or "0"
    binary = f"{leading}.{digits}₂" if len(digits) <= 23 else f"{leading}.{digits[:20]}…₂"
    shift = f"{max(exponent, 1)}−{format_.bias}".translate(_SUPERSCRIPT)
    small = "" if exponent else " (exponent 0 counts as 1, without the leading 1: subnormal)"
    return (
        f"{sign}{binary} × 2{shift} = {sign}{significand:.12g} × 2{_up(power)} = "
        f"{found.spelled}{small}"
    )


def _up(power: int) -> str:
    return str(power).translate(_SUPERSCRIPT)


def _six(view: "View") -> str:
    rows = "".join(_row(found, view) for found in view.inspections)
    heads = ("format", "on the same line", "stored", "off by")
    return (
        '<table class="six"><thead><tr>'
        + "".join(f'<th scope="col">{head}</th>' for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table>"
    )


# What stands outside is written over the lane's end.
_OVER = 'style="background:var(--st-background-color);padding:0 3px"'


def _row(found: "Inspection", view: "View") -> str:
    name = found.format.name
    ticks = view.ticks[name]
    x = _WIDE / 100 * _place(found.value, view)
    stored = _place(found.stored, view)
    if ticks is None:
        last = _WIDE / 100 * min(max(_place(found.format.max, view), 0.3), 100.0)
        first = _WIDE / 100 * max(_place(-found.format.max, view), 0.0)
        numbers = (
            f'<rect x="{first:.1f}" y="4" width="{max(last - first, 0):.1f}" height="12" '
            f'fill="{style.BLUE}" opacity="0.45"/>'
        )
    else:
        numbers = _stroke(_ticks(ticks, view, 3, 17), style.BLUE, 1.4)
    drawn = _drawing(
        20,
        _stroke(f"M0 10H{_WIDE}", style.NEUTRAL, 0.7)
        + numbers
        + _stroke(f"M{x:.1f} 0V20", style.VERMILION, 1.6, 'stroke-dasharray="3 2"'),
    )
    beyond = f"{found.stored:.3g}"
    if stored < 0:
        mark = f'<i class="out left" {_OVER}>◂ {beyond}</i>'
    elif stored > 100:
        mark = f'<i class="out right" {_OVER}>{beyond} ▸</i>'
    else:
        mark = f'<i class="dot" style="left:{stored:.2f}%"></i>'
    chosen = ' class="chosen"' if name == view.parameters.dtype else ""
    return (
        f'<tr{chosen}><th scope="row">{name}</th>'
        f'<td class="lane"><div>{drawn}{mark}</div></td>'
        f'<td class="stored">{escape(found.spelled[:22])}</td><td>{_off(found)}</td></tr>'
    )


def _off(found: "Inspection") -> str:
    if found.saturated:
        return "held at its end"
    if found.bits.kind == "infinite":
        return "infinite"
    if found.held:
        return "exact"
    if found.bits.kind == "zero":
        return "all of it: 0"
    kind = ", subnormal" if found.bits.kind == "subnormal" else ""
    return f"{_percent(found.relative_error)}{kind}"


def spectrum(view: "View") -> str:
    """Return markup of the gradients' sizes over what each format does to them."""
    chosen = view.parameters.dtype
    big = (
        f'<div class="lane big"><div role="img" aria-label="{escape(_spectrum_words(view))}">'
        f"{_drawing(92, _bands(view, chosen, 92) + _bars(view, 90, 60, solid=True))}"
        f"{_band_words(view, chosen)}</div></div>"
    )
    axis = "".join(
        _label(f"2{_up(power)}", 100 * (power - _LEAST) / (_MOST - _LEAST), 0)
        for power in range(-40, _MOST + 1, 10)
    )
    rows = "".join(_share_row(view, found.format.name) for found in view.inspections)
    heads = ("format", "the same sizes", "kept", "fewer digits", "to 0", "too large")
    return (
        '<div class="formats spectrum">'
        f'<p class="title">How large a two-layer network\'s {len(view.gradients)} gradients are, '
        f"times 2{_up(view.parameters.exponent)}, in {chosen}</p>"
        f'{big}<div class="axis" aria-hidden="true">{axis}</div>'
        f'<p class="words">{escape(view.loss)}</p>'
        '<table class="shares"><thead><tr>'
        + "".join(f'<th scope="col">{head}</th>' for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _spectrum_words(view: "View") -> str:
    edges = view.histogram.edges
    return f"Gradients from 2{_up(int(edges[0]))} to 2{_up(int(edges[-1]))}. {view.loss}"


def _format(view: "View", name: str) -> "Format":
    return next(each.format for each in view.inspections if each.format.name == name)


def _turns(view: "View", name: str) -> tuple[float, float, float]:
    """Return log2 of the sizes at which a format starts to hold, holds in full, and ends."""
    found = _format(view, name)
    # Half of the smallest number still becomes 0. log2 of a float64's smallest is beyond floats.
    smallest = found.smallest_exponent - found.mantissa_bits
    return smallest - 1.0, float(found.smallest_exponent), _end(found)


def _end(found: "Format") -> float:
    """Return log2 of the size up to which numbers round to the format's largest."""
    exponent = math.frexp(found.max)[1] - 1
    # Half a gap further; float64's is beyond floats, not its logarithm.
    return exponent + math.log2(
        math.ldexp(found.max, -exponent) + 2.0 ** -(found.mantissa_bits + 1)
    )


def _spans(view: "View", name: str) -> list[tuple[str, float, float]]:
    """Return what a format does from one size to the next, in per cent of the drawing's width."""
    edges = [_LEAST, *_turns(view, name), _MOST]
    across = [100 * (min(max(edge, _LEAST), _MOST) - _LEAST) / (_MOST - _LEAST) for edge in edges]
    return [
        (fate, start, end)
        for fate, start, end in zip(_FATES, across, across[1:], strict=False)
        if end > start
    ]


_BAND_COLOURS = {
    "zero": style.NEUTRAL,
    "subnormal": style.ORANGE,
    "normal": style.GREEN,
    "infinite": style.VERMILION,
}


def _bands(view: "View", name: str, height: int) -> str:
    return "".join(
        f'<rect x="{10 * start:.1f}" y="0" width="{10 * (end - start):.1f}" height="{height}" '
        f'fill="{_BAND_COLOURS[fate]}" opacity="0.28"/>'
        + (_stroke(f"M{10 * start:.1f} 0V{height}", _BAND_COLOURS[fate], 1.2) if start else "")
        for fate, start, end in _spans(view, name)
    )


def _band_words(view: "View", name: str) -> str:
    return "".join(
        f'<em style="left:{start:.2f}%;width:{end - start:.2f}%">'
        f"{_fate(fate, _format(view, name))}</em>"
        for fate, start, end in _spans(view, name)
    )


def _fate(fate: str, format_: "Format") -> str:
    if fate == "infinite" and not format_.infinity:
        return f"held at ±{format_.max:g}"
    return _FATE_WORDS[fate]


def _bars(view: "View", bottom: float, tall: float, *, solid: bool) -> str:
    """Return the histogram's bars as one path."""
    found = view.histogram
    top = max(int(found.counts.max()), 1)
    step = _WIDE / (_MOST - _LEAST)
    path = "".join(
        f"M{step * (edge - _LEAST) + 1:.1f} {bottom}v{-tall * count / top:.1f}h{step - 2:.1f}"
        f"V{bottom}z"
        for edge, count in zip(found.edges.tolist(), found.counts.tolist(), strict=False)
        if count and _LEAST <= edge < _MOST
    )
    return f'<path class="bars" d="{path}" fill="{style.BLUE}" opacity="{1 if solid else 0.75}"/>'


def _share_row(view: "View", name: str) -> str:
    share = view.shares[name]
    drawn = _drawing(18, _bands(view, name, 18) + _bars(view, 18, 16, solid=False))
    chosen = ' class="chosen"' if name == view.parameters.dtype else ""
    return (
        f'<tr{chosen}><th scope="row">{name}</th><td class="lane"><div>{drawn}</div></td>'
        + "".join(
            f'<td data-label="{label}"{lost}>{_percent(part)}</td>'
            for label, part, lost in _parts(share, _format(view, name))
        )
        + "</tr>"
    )


def _parts(share: "FormatShare", format_: "Format") -> tuple[tuple[str, float, str], ...]:
    bad = ' class="lost"'
    beyond = "to inf" if format_.infinity else f"held at ±{format_.max:g}"
    return (
        ("kept", share.normal, ""),
        ("fewer digits", share.subnormal, ""),
        ("to 0", share.zero, bad if share.zero else ""),
        (beyond, share.infinite, bad if share.infinite else ""),
    )


def _percent(share: float) -> str:
    value = 100 * share
    if 99.5 <= value < 100:
        # Nothing short of all of it is 100%.
        return f"{value:.1f}%" if value < 99.95 else "over 99.9%"
    if value >= 10 or value == 0:
        return f"{value:.0f}%"
    return f"{value:.2g}%".replace("e-0", "e-")


def mistake(result: "CurveMistake", *, wrong: bool) -> tuple[Curves | str, ...]:
    """Draw a mistake's two curves; where the wrong one has no number, look at the right one."""
    return tuple(
        _looked_at(part, result) if isinstance(part, Curves) else part
        for part in lessons.mistake(result, wrong=wrong)
    )


def _looked_at(drawn: Curves, result: "CurveMistake") -> Curves:
    if drawn.log:
        drawn = dataclasses.replace(drawn, y_title=f"{drawn.y_title} (log scale)")
    if drawn.marks or drawn.look is None or result.look is None:
        return drawn
    return dataclasses.replace(drawn, marks=look_here(drawn.look, float(result.right[result.look])))


def training(runs: Sequence["Run"]) -> tuple[Curves, Curves]:
    """Draw the loss, and the share of weights that stand still, for each format."""
    words = " ".join(
        f"Held in {run.held}, the loss ends at {run.last.loss:.3g}; {run.last.still:.0%} of "
        "the weights stand still."
        for run in runs
    )
    return (
        Curves(
            lines=tuple(Line(run.held, run.loss, run.done) for run in runs),
            title="Loss over all points, by format",
            x_title="step",
            y_title="loss (mean squared error, log scale)",
            log=True,
            height=240,
            alt=words,
        ),
        Curves(
            lines=tuple(Line(run.held, run.still, run.done) for run in runs),
            title="Share of weights asked to move that stood still",
            x_title="step",
            y_title="share, 0 to 1",
            y_range=(0.0, 1.0),
            height=200,
            alt=words,
        ),
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: bits above, the format's numbers below."""
    found = view.chosen
    bits = found.bits
    colours = [style.VERMILION] * len(bits.sign)
    colours += [style.GREEN] * len(bits.exponent) + [style.BLUE] * len(bits.mantissa)
    digits = bits.sign + bits.exponent + bits.mantissa
    width = 212 / len(digits)
    cells = "".join(
        f'<rect x="{14 + width * index:.1f}" y="20" width="{width - 1.5:.1f}" height="26" '
        f'fill="{colour}" opacity="{1 if digit == "1" else 0.3}"/>'
        for index, (digit, colour) in enumerate(zip(digits, colours, strict=True))
    )
    ticks = view.ticks[found.format.name]
    path = (
        ""
        if ticks is None
        else "".join(f"M{14 + 2.12 * _place(each, view):.1f} 72V100" for each in ticks.tolist())
    )
    x = 14 + 2.12 * _place(found.value, view)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f'{cells}<path d="M14 86H226" stroke="{style.NEUTRAL}"/>'
        f'<path d="{path}" stroke="{style.BLUE}" stroke-width="2.5"/>'
        f'<path d="M{x:.1f} 60V104" stroke="{style.VERMILION}" stroke-width="2.5"/></svg>'
    )
