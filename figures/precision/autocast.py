"""Draw what `explainers.precision.autocast` computes."""

import dataclasses
import math
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from figures import lessons, style
from figures.curves import Band, Curves, Line, Mark

if TYPE_CHECKING:
    import torch

    from explainers.evidence import CurveMistake
    from explainers.precision.autocast import CostProgress, FlowMistake, OpRow, Outcome, View
    from explainers.precision.autocast.mistakes import Line as CodeLine

_SHORT = {"float16": "f16", "bfloat16": "bf16", "float32": "f32"}
_GROUPS = {
    "lower precision": "Listed to run in {dtype}",
    "float32": "Listed to run in float32",
    "widest input": "Follow their inputs' dtypes",
    "not listed": "Follow their inputs' dtypes",
}
# By state: the sign on a button, and what it means.
_FAILURES = {
    "overflows": ("∞", "overflow"),
    "infinite from 0": ("∞", "are infinite, an input being 0,"),
    "all zero": ("→ 0", "become all 0"),
    "raises": ("✗", "raise an error"),
}
_EXACT = 1e-9
"""Where an error of exactly 0 is drawn."""


def _name(dtype: "torch.dtype | None") -> str:
    return "" if dtype is None else str(dtype).removeprefix("torch.")


def _two(value: float) -> str:
    """Return a number in two digits, its power of ten as short as it goes: 3.4e-4."""
    return (f"{value:.2g}" if value >= 0.01 else f"{value:.1e}").replace("e-0", "e-")


def _error(outcome: "Outcome") -> str:
    """Return an outcome's error in a few characters."""
    state = str(outcome.state)
    if state in _FAILURES:
        return "raises" if state == "raises" else _FAILURES[state][0]
    if state == "beyond float64":
        return "∞ in float64"
    return _two(outcome.error) if outcome.error else "exact"


def chips(view: "View") -> str:
    """Return how many operations give what, then a button for each, by what autocast does to it.

    A button says by ``data-choice`` which operation it chooses.
    """
    groups: dict[str, list[OpRow]] = {}
    for row in view.rows:
        heading = _GROUPS[str(row.listed)].format(dtype=view.parameters.dtype)
        groups.setdefault(heading, []).append(row)
    # In the order of the headings, whichever operation comes first.
    parts = []
    for words in dict.fromkeys(_GROUPS.values()):
        heading = words.format(dtype=view.parameters.dtype)
        if rows := groups.get(heading):
            buttons = "".join(_chip(view, row) for row in rows)
            parts.append(f'<h4>{heading}</h4><div class="group">{buttons}</div>')
    return f'<div class="ops">{_shares(view)}{legend(view)}{"".join(parts)}</div>'


def _counted(view: "View") -> list[tuple[str, str, str, int]]:
    """Return colour, sign, words and number of the operations that end alike."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in view.rows:
        outcome = view.outcome(row)
        counts[(_name(outcome.dtype), str(outcome.state))] += 1
    found: dict[tuple[str, str, str], int] = {}
    # What raised has no dtype, and comes last.
    for (dtype, state), count in sorted(counts.items(), key=lambda each: (not each[0][0], each)):
        kind = _SHORT.get(dtype, "none")
        if state in _FAILURES:
            sign, words = _FAILURES[state]
            words = f"{words} in {dtype}" if dtype else words
        else:
            sign, words = kind, dtype
        found[(kind, sign, words)] = found.get((kind, sign, words), 0) + count
    return [(*key, count) for key, count in found.items()]


def _shares(view: "View") -> str:
    """Return one bar of all operations: what comes out in which dtype, and what fails."""
    failed = "background:repeating-linear-gradient(45deg,var(--ink) 0 3px,transparent 3px 6px)"
    segments = "".join(
        f'<span class="{kind}" style="flex-grow:{count};height:10px;min-width:4px;padding:0;'
        f'{"background:var(--ink)" if sign == kind else failed}"></span>'
        for kind, sign, _, count in _counted(view)
    )
    return f'<div class="shares" role="img" aria-label="{escape(view.sentence)}">{segments}</div>'


def _chip(view: "View", row: "OpRow") -> str:
    outcome = view.outcome(row)
    dtype = _name(outcome.dtype)
    chosen = row.name == view.parameters.op
    failed = str(outcome.state) in _FAILURES
    unlisted = view.parameters.enabled and not row.as_listed
    says = f"{row.name} gives {dtype or 'an error'}, {_spoken(outcome)}" + (
        "; not as the lists say" if unlisted else ""
    )
    name = escape(row.name).replace("_", "_<wbr>")
    bad = ' class="bad"' if failed else ""
    error = f"<i{bad}>{_error(outcome)}</i>" if _told(outcome) else ""
    return (
        f'<button type="button" data-choice="{row.name}" aria-pressed="{str(chosen).lower()}" '
        f'class="{_SHORT.get(dtype, "none")}" aria-label="{escape(says)}" title="{escape(says)}">'
        f"<span>{name}{'<sup>≠</sup>' if unlisted else ''}</span>"
        f"<b>{_SHORT.get(dtype, '✗')}</b>{error}</button>"
    )


def _spoken(outcome: "Outcome") -> str:
    if outcome.state != "fine":
        return str(outcome.state)
    return f"error {_two(outcome.error)}" if outcome.error else "exact"


def legend(view: "View") -> str:
    """Return what the colours and signs of the buttons mean, with how many bear them."""
    keys = "".join(
        f'<span class="key {kind}"><b>{sign}</b> {words}: {count}</span>'
        for kind, sign, words, count in _counted(view)
    )
    outcomes = [view.outcome(row) for row in view.rows]
    measured = [each for each in outcomes if _told(each) and str(each.state) not in _FAILURES]
    if measured:
        keys += f'<span class="key"><i>{_error(measured[0])}</i> error relative to float64</span>'
    if view.parameters.enabled and not all(row.as_listed for row in view.rows):
        keys += '<span class="key"><sup>≠</sup> not as torch\'s lists say</span>'
    return f'<div class="ops legend">{keys}</div>'


def _told(outcome: "Outcome") -> bool:
    """Whether a button tells the error: float32's are all alike, and exact needs no words."""
    lower = _name(outcome.dtype) != "float32" and outcome.error > 0
    return str(outcome.state) in _FAILURES or lower


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
        f'<div class="ops detail"><h4>{escape(row.name)}, by its inputs</h4>'
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
    # Exact is drawn at the bottom; what overflowed leaves a gap. Where nothing is measured at any
    # size, torch raised: no line.
    refused = [dtype for dtype in names if bool(found.errors[dtype].isnan().all())]
    lines = [
        Line(name, found.errors[dtype].clamp(min=_EXACT), found.exponents)
        for dtype, name in names.items()
        if dtype not in refused
    ]
    raises = f"; torch raises in {' and '.join(refused)}" if refused else ""
    outcome = view.outcome(view.chosen)
    marks: tuple[Mark, ...] = ()
    at = float(settings.exponent)
    if math.isfinite(outcome.error):
        words = f"now: {_spoken(outcome)}"
        marks = (Mark(at, max(outcome.error, _EXACT), words, "circle"),)
    return Curves(
        lines=tuple(lines),
        title=f"{settings.op}'s error by the size of its inputs{raises}",
        x_title="size of inputs, as a power of 2",
        y_title="error relative to float64 (log scale)",
        log=True,
        y_range=(_EXACT / 3, 5.0),
        x_range=(float(found.exponents[0]), float(found.exponents[-1])),
        bands=_bands(view),
        marks=marks,
        look=at,
        references=((1.0, "nothing left"), (_EXACT, "exact")),
        height=230,
        alt=f"{settings.op} with inputs of size 2 to the power {settings.exponent}: "
        f"{_name(outcome.dtype) or 'no output'}, {_spoken(outcome)}{raises}.",
    )


def _bands(view: "View") -> tuple[Band, ...]:
    """Return the stretches of sizes where the operation is infinite in autocast's dtype."""
    dtype = view.parameters.dtype
    sizes = view.sweep.exponents.tolist()
    infinite = [math.isinf(each) for each in view.sweep.errors[dtype].tolist()]
    bands, start = [], None
    for index, bad in enumerate([*infinite, False]):
        if bad and start is None:
            start = sizes[index]
        elif not bad and start is not None:
            bands.append(Band(start, sizes[index - 1], f"{dtype}: inf"))
            start = None
    return tuple(bands)


def curve_mistake(result: "CurveMistake", *, wrong: bool) -> tuple[str | Curves, ...]:
    """Draw what both lines give, and what torch said."""
    drawn = lessons.curves(result, wrong=wrong, least=_EXACT)
    if drawn.log:
        drawn = dataclasses.replace(drawn, y_title=f"{drawn.y_title} (log scale)")
    return lessons.told(result, drawn, wrong=wrong)


def flow_mistake(result: "FlowMistake", *, wrong: bool) -> str:
    """Draw the lines that ran, where they ran, and the dtype that each gave."""
    lines = result.wrong if wrong else result.right
    alt = ". ".join(f"{line.code} gives {line.gives or 'an error'}" for line in lines)
    rows = "".join(_flow_line(line) for line in lines)
    return (
        f'<div role="group" aria-label="{escape(alt)}." style="max-width:760px;display:grid;'
        f'gap:8px;font:0.9rem/1.4 var(--st-font);color:var(--st-text-color)">{rows}</div>'
    )


_COLOURS = {"float16": style.VERMILION, "bfloat16": style.GREEN, "float32": style.BLUE}


def _flow_line(line: "CodeLine") -> str:
    colour = _COLOURS.get(line.gives, style.NEUTRAL)
    region = "in autocast" if line.inside else "outside"
    edge = "solid" if line.inside else "dashed"
    row = "display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem"
    return (
        f'<div style="padding:6px 10px;border:1px {edge} {colour};border-left:7px solid {colour};'
        f'border-radius:5px;background:{colour}17;overflow-wrap:anywhere">'
        f'<div style="{row}"><code style="font-family:var(--st-code-font)">{escape(line.code)}'
        f"</code><b>{line.gives or '✗ error'}</b></div>"
        f'<div style="{row};font-size:0.8rem"><span>{escape(line.note)}</span>'
        f'<span style="margin-left:auto">{region}</span></div></div>'
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
        seconds = "–" if mode.seconds is None else f"{_rough(mode.seconds * 1e3)} ms"
        rows.append(
            f"<tr><th scope='row'>{name}</th>"
            f"<td>{_bar(ratio, max(times))}<span>{_rough(ratio)} × ({seconds})</span></td>"
            f"<td>{_bar(size, max(each or 0 for each in sizes))}<span>{size / 1024:.0f} KiB</span>"
            f"</td><td>{mode.loss:.3g}{_skipped(mode.skipped)}</td></tr>"
        )
    kept = "most bytes CUDA held" if cuda else "kept for backward"
    return (
        '<div class="ops costs"><table><thead><tr><td></td><th scope="col">time of a step</th>'
        f'<th scope="col">{kept}</th><th scope="col">loss at the end</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _rough(value: float) -> str:
    """Return a time in two digits: the next run gives another."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _skipped(count: int) -> str:
    return f" ({count} skipped)" if count else ""


def _bar(value: float, most: float) -> str:
    share = 100 * value / most if most else 0.0
    return f'<em style="width:{share:.1f}%"></em>'


def cost_sentence(progress: "CostProgress", device: str) -> str:
    """Return in words what the bars of cost do not say: whether autocast pays here, and why."""
    base, *others = progress.modes
    timed = [mode for mode in others if mode.ratio is not None]
    slower = [mode.name for mode in timed if (mode.ratio or 0) > 1.05]
    said = []
    if slower:
        said.append(
            f"Slower on this {device}: {' and '.join(slower)}. Either products of this size have "
            "no fast path, or the casts cost more than it saves."
        )
    elif timed:
        said.append(f"autocast is not slower on this {device}.")
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
