"""Draw what `explainers.autocast` computes."""

import math
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from figures import lessons, style
from figures.curves import Band, Curves, Line, Mark

if TYPE_CHECKING:
    import torch

    from explainers.autocast import CostProgress, FlowMistake, OpRow, Outcome, View
    from explainers.autocast.mistakes import Line as CodeLine
    from explainers.evidence import Claim, CurveMistake

_SHORT = {"float16": "f16", "bfloat16": "bf16", "float32": "f32"}
_HEADINGS = {
    "lower precision": "Listed: lower precision",
    "float32": "Listed: float32",
    "widest input": "Listed: the widest input's dtype",
    "not listed": "Unlisted: the inputs' dtypes",
}
_FAILURES = {"overflows": "overflow", "all zero": "vanish", "raises": "raise"}
_EXACT = 1e-9
"""Where an error of exactly 0 is drawn."""


def _name(dtype: "torch.dtype | None") -> str:
    return "" if dtype is None else str(dtype).removeprefix("torch.")


def _error(outcome: "Outcome") -> str:
    """Return an outcome's error in a few characters."""
    if outcome.state == "raises":
        return "raises"
    if outcome.state == "overflows":
        return "∞"
    if outcome.state == "all zero":
        return "→ 0"
    if outcome.state == "beyond float64":
        return "∞ in f64"
    return f"{outcome.error:.0e}".replace("e-0", "e-") if outcome.error else "exact"


def chips(view: "View") -> str:
    """Return a button for each operation: name, dtype that came out, error; by torch's lists.

    A button says by ``data-choice`` which operation it chooses.
    """
    groups: dict[str, list[OpRow]] = {}
    for row in view.rows:
        groups.setdefault(str(row.listed), []).append(row)
    parts = []
    for listed, heading in _HEADINGS.items():
        if rows := groups.get(listed):
            buttons = "".join(_chip(view, row) for row in rows)
            parts.append(f'<h4>{heading}</h4><div class="group">{buttons}</div>')
    return f'<div class="ops">{_shares(view)}{"".join(parts)}</div>'


def _shares(view: "View") -> str:
    """Return one bar of all operations: what comes out in which dtype, and what fails."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in view.rows:
        outcome = view.outcome(row)
        dtype = _name(outcome.dtype)
        failed = _FAILURES.get(str(outcome.state))
        counts[(_SHORT.get(dtype, "none"), failed or dtype)] += 1
    segments = "".join(
        f'<span class="{kind}{" bad" if words in _FAILURES.values() else ""}" '
        f'style="flex-grow:{count}">{count}{f" {words}" if count > 6 else ""}</span>'
        for (kind, words), count in sorted(counts.items())
    )
    return f'<div class="shares" role="img" aria-label="{escape(view.sentence)}">{segments}</div>'


def _chip(view: "View", row: "OpRow") -> str:
    outcome = view.outcome(row)
    dtype = _name(outcome.dtype)
    chosen = row.name == view.parameters.op
    failed = outcome.state in ("raises", "overflows", "all zero")
    unlisted = view.parameters.enabled and not row.as_listed
    says = f"{row.name} gives {dtype or 'an error'}, {_spoken(outcome)}" + (
        "; not as the lists say" if unlisted else ""
    )
    name = escape(row.name).replace("_", "_<wbr>")
    return (
        f'<button type="button" data-choice="{row.name}" aria-pressed="{str(chosen).lower()}" '
        f'class="{_SHORT.get(dtype, "none")}" aria-label="{escape(says)}" title="{escape(says)}">'
        f"<span>{name}{'<sup>≠</sup>' if unlisted else ''}</span>"
        f"<b>{_SHORT.get(dtype, '✗')}</b>"
        f'<i class="{"bad" if failed else ""}">{_error(outcome)}</i></button>'
    )


def _spoken(outcome: "Outcome") -> str:
    if outcome.state != "fine":
        return str(outcome.state)
    return f"error {outcome.error:.1e}" if outcome.error else "exact"


def legend() -> str:
    """Return what the colours and marks of the buttons mean."""
    return (
        '<div class="ops legend"><span class="key f32"><b>f32</b> float32 came out</span>'
        '<span class="key f16"><b>f16</b> float16</span>'
        '<span class="key bf16"><b>bf16</b> bfloat16</span>'
        '<span class="key none"><b>✗</b> torch raised</span>'
        '<span class="key"><i>4e-4</i> largest error, relative to float64</span>'
        '<span class="key"><i class="bad">∞</i> overflowed</span>'
        '<span class="key"><i class="bad">→ 0</i> all flushed to zero</span>'
        '<span class="key"><sup>≠</sup> not what the lists say</span></div>'
    )


def notes(claim: "Claim") -> str:
    """Return a statement of the notes with its verdict and what torch gave."""
    return (
        f'<div class="ops notes"><p>The notes: “{escape(claim.says)}”</p>'
        f"<p><b>{escape(claim.verdict).capitalize()}.</b> {escape(claim.measured)}</p></div>"
    )


def detail(view: "View") -> str:
    """Return the chosen operation's outcomes for each kind of inputs, and what torch ran."""
    row, settings = view.chosen, view.parameters
    heads = ("float32", settings.dtype, f"{settings.dtype} and float32")
    cells = []
    for index, (head, outcome) in enumerate(zip(heads, row.outcomes, strict=True)):
        dtype = _name(outcome.dtype)
        now = ' class="now"' if index == settings.kind else ""
        gives = (
            f'<b class="{_SHORT[dtype]}">{dtype}</b> <i>{_error(outcome)}</i>'
            if dtype
            else '<b class="none">raises</b>'
        )
        cells.append(f"<li{now}><span>{head}</span> → {gives}</li>")
    ran = _ran(view)
    return (
        f'<div class="ops detail"><p>{escape(view.sentence)}</p><h4>{escape(row.name)}</h4>'
        f"<ul>{''.join(cells)}</ul><pre>{escape(ran)}</pre></div>"
    )


def _ran(view: "View") -> str:
    outcome = view.outcome(view.chosen)
    if outcome.said:
        return f"torch says: {outcome.said}"
    words: list[str] = []
    for step in view.steps:
        text = str(step)
        if words and words[-1].split("  ×")[0] == text:
            times = int(words[-1].split("  ×")[1]) + 1 if "  ×" in words[-1] else 2
            words[-1] = f"{text}  ×{times}"
        else:
            words.append(text)
    return "torch ran: " + "\n           ".join(words)


def errors(view: "View") -> Curves:
    """Draw the chosen operation's error over the size of its inputs, in each precision."""
    settings, found = view.parameters, view.sweep
    on = "autocast " if settings.enabled else "no autocast, "
    # In the order of the buttons' colours.
    names = {
        "float32": "float32 throughout",
        "float16": f"{on}float16",
        "bfloat16": f"{on}bfloat16",
    }
    lines = []
    for dtype, name in names.items():
        # Exact is drawn at the bottom; what overflowed or raised leaves a gap.
        lines.append(Line(name, found.errors[dtype].clamp(min=_EXACT), found.exponents))
    outcome = view.outcome(view.chosen)
    marks: tuple[Mark, ...] = ()
    at = float(settings.exponent)
    if math.isfinite(outcome.error):
        words = f"now: {_spoken(outcome)}"
        marks = (Mark(at, max(outcome.error, _EXACT), words, "circle"),)
    return Curves(
        lines=tuple(lines),
        title=f"{settings.op}'s error by its inputs' size",
        x_title="size of inputs, power of 2",
        y_title="relative error to float64",
        log=True,
        y_range=(_EXACT / 3, 5.0),
        x_range=(float(found.exponents[0]), float(found.exponents[-1])),
        bands=_bands(view),
        marks=marks,
        look=at,
        references=((1.0, "nothing left"), (_EXACT, "exact")),
        height=230,
        alt=f"{settings.op} with inputs of size 2 to the power {settings.exponent}: "
        f"{_name(outcome.dtype) or 'no output'}, {_spoken(outcome)}.",
    )


def _bands(view: "View") -> tuple[Band, ...]:
    """Return the stretches of sizes where autocast's dtype overflows."""
    dtype = view.parameters.dtype
    sizes = view.sweep.exponents.tolist()
    infinite = [math.isinf(each) for each in view.sweep.errors[dtype].tolist()]
    bands, start = [], None
    for index, bad in enumerate([*infinite, False]):
        if bad and start is None:
            start = sizes[index]
        elif not bad and start is not None:
            bands.append(Band(start, sizes[index - 1], f"{dtype} overflows"))
            start = None
    return tuple(bands)


def curve_mistake(result: "CurveMistake", *, wrong: bool) -> tuple[str | Curves, ...]:
    """Draw what both lines give, and what torch said."""
    return lessons.told(result, lessons.curves(result, wrong=wrong, least=_EXACT), wrong=wrong)


def flow_mistake(result: "FlowMistake", *, wrong: bool) -> str:
    """Draw the lines that ran, where they ran, and the dtype that each gave."""
    lines = result.wrong if wrong else result.right
    return (
        '<div><div class="row"><svg viewBox="0 0 640 {height}" role="img" aria-label="{alt}" '
        'style="max-width:760px" font-family="var(--st-font)" fill="var(--st-text-color)">'
        "{body}</svg></div></div>"
    ).format(
        height=8 + 58 * len(lines),
        alt=escape(
            ". ".join(f"{line.code} gives {line.gives or 'an error'}" for line in lines) + "."
        ),
        body="".join(_flow_line(index, line) for index, line in enumerate(lines)),
    )


_COLOURS = {"float16": style.VERMILION, "bfloat16": style.GREEN, "float32": style.BLUE}


def _flow_line(index: int, line: "CodeLine") -> str:
    top = 8 + 58 * index
    colour = _COLOURS.get(line.gives, style.NEUTRAL)
    region = "in autocast" if line.inside else "outside"
    dash = "" if line.inside else ' stroke-dasharray="4 3"'
    note = line.note if len(line.note) <= 92 else f"{line.note[:91]}…"
    return (
        f'<g transform="translate(0 {top})">'
        f'<rect x="1" y="0" width="638" height="50" rx="5" fill="{colour}" fill-opacity="0.09" '
        f'stroke="{colour}"{dash}/><rect x="1" y="0" width="7" height="50" fill="{colour}"/>'
        f'<text x="20" y="21" font-size="14" font-family="var(--st-code-font)">'
        f"{escape(line.code)}</text>"
        f'<text x="20" y="40" font-size="12" opacity="0.85">{escape(note)}</text>'
        f'<text x="628" y="21" font-size="14" font-weight="700" text-anchor="end">'
        f"{line.gives or '✗ error'}</text>"
        + (
            ""
            if line.note and len(line.note) > 70
            else f'<text x="628" y="40" font-size="12" text-anchor="end" opacity="0.85">{region}'
            "</text>"
        )
        + "</g>"
    )


def costs(progress: "CostProgress") -> str:
    """Return bars: time of a step, bytes kept for backward, and loss, in each precision."""
    modes = progress.modes
    times = [mode.ratio or 0.0 for mode in modes]
    cuda = all(mode.peak_bytes is not None for mode in modes)
    sizes = [mode.peak_bytes if cuda else mode.saved_bytes for mode in modes]
    rows = []
    for mode, ratio, size in zip(modes, times, sizes, strict=True):
        assert size is not None
        name = mode.name if mode.name == "float32" else f"autocast {mode.name}"
        seconds = "–" if mode.seconds is None else f"{mode.seconds * 1e3:.2f} ms"
        rows.append(
            f"<tr><th scope='row'>{name}</th>"
            f"<td>{_bar(ratio, max(times))}<span>{ratio:.2f} × ({seconds})</span></td>"
            f"<td>{_bar(size, max(each or 0 for each in sizes))}<span>{size / 1024:.0f} KiB</span>"
            f"</td><td>{mode.loss:.4g}{_skipped(mode.skipped)}</td></tr>"
        )
    kept = "most bytes CUDA held" if cuda else "kept for backward"
    return (
        '<div class="ops costs"><table><thead><tr><td></td><th scope="col">time of a step</th>'
        f'<th scope="col">{kept}</th><th scope="col">loss at the end</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _skipped(count: int) -> str:
    return f" ({count} skipped)" if count else ""


def _bar(value: float, most: float) -> str:
    share = 100 * value / most if most else 0.0
    return f'<em style="width:{share:.1f}%"></em>'


def cost_sentence(progress: "CostProgress", device: str) -> str:
    """Return in words what autocast bought."""
    base, *others = progress.modes
    words = []
    for mode in others:
        if mode.ratio is None:
            continue
        pace = f"{mode.ratio:.2f} times float32's time"
        share = mode.saved_bytes / base.saved_bytes
        words.append(f"autocast {mode.name} takes {pace} and keeps {share:.2f} times its bytes")
    said = [f"On this {device} {'; '.join(words)}."]
    if slow := [mode.name for mode in others if (mode.ratio or 0) > 1.05]:
        said.append(
            f"Slower in {' and '.join(slow)}: no fast path for this device and size, and "
            "casts cost."
        )
    if any(mode.saved_bytes > base.saved_bytes for mode in others):
        said.append("More bytes: the weights' casts are kept.")
    if progress.cut:
        said.append("Time ran out early.")
    return " ".join(said)


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: a tile for each operation, coloured by its dtype."""
    tiles = []
    for index, row in enumerate(view.rows):
        outcome = view.outcome(row)
        x, y = 15 + 30 * (index % 7), 8 + 15 * (index // 7)
        colour = _COLOURS.get(_name(outcome.dtype), style.NEUTRAL)
        tiles.append(f'<rect x="{x}" y="{y}" width="26" height="11" rx="2" fill="{colour}"/>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f"{''.join(tiles)}</svg>"
    )
