"""Draw what `explainers.precision.grad_scaler` computes."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from figures import lessons, style
from figures.curves import Curves, Line, Mark
from figures.stepper import Call, Stepper

if TYPE_CHECKING:
    from explainers.evidence import CurveMistake
    from explainers.precision.grad_scaler import (
        Edge,
        Lap,
        OrderMistake,
        ScalerTrace,
        View,
    )

_STEP = "step"
_GROUP = "grad_scaler.run"
_MOST_MARKS = 200
_MOST_RESTARTS = 8

# Middle and half the width of each state's box, in the drawing's own units.
_NODES = {"READY": (62, 130, 46), "UNSCALED": (212, 44, 54), "STEPPED": (358, 130, 48)}
# Its path, where its head points (x, y, degrees; 0 is right, 90 down), and where its words stand.
_WAYS: Mapping[
    tuple[str, str], tuple[str, tuple[float, float, float], tuple[float, float, str]]
] = {
    ("READY", "unscale_"): ("M84 112L158 64", (160, 63, -33), (112, 80, "end")),
    ("READY", "step"): ("M108 127H304", (308, 127, 0), (212, 122, "middle")),
    ("UNSCALED", "step"): ("M266 62L334 107", (337, 109, 34), (310, 80, "start")),
    ("UNSCALED", "update"): ("M203 62Q186 104 113 119", (109, 120, 168), (194, 98, "start")),
    ("STEPPED", "update"): ("M338 148Q212 196 92 152", (88, 150, 200), (212, 188, "middle")),
    ("READY", "update"): ("M40 148C24 188 70 188 56 152", (55, 149, 250), (48, 197, "middle")),
    ("UNSCALED", "unscale_"): ("M198 26C184-2 240-2 228 22", (227, 25, 108), (240, 14, "start")),
    ("STEPPED", "step"): ("M368 112C362 80 408 80 394 108", (393, 111, 108), (382, 76, "middle")),
    ("STEPPED", "unscale_"): (
        "M356 148C346 188 396 188 386 152",
        (385, 149, 252),
        (368, 197, "middle"),
    ),
}

_WORDS = {
    "zero_grad": "Clears the last step's gradients.",
    "forward": "autocast computes; the loss is float32.",
    "forward in float32": "Computes in float32, without autocast.",
    "scale": "Multiplies the loss by the scale.",
    "backward": "By the chain rule, scales every gradient too.",
    "unscale_": "Divides gradients by the scale, looking for inf and NaN.",
}
_CODE = {
    "zero_grad": "optimizer.zero_grad()",
    "forward": "loss = forward(batch)",
    "scale": "scaled = scaler.scale(loss)",
    "backward": "scaled.backward()",
    "unscale_": "scaler.unscale_(optimizer)",
    "clip_grad_norm_": "clip_grad_norm_(params, max_norm)",
    "step": "scaler.step(optimizer)",
    "update": "scaler.update()",
}


def see(view: "View") -> tuple[Curves | Stepper, ...]:
    """Draw the scale, the calls of each step, and what becomes of gradients and weights.

    A scale that never moves has little to show: the gradients and weights then come first.
    """
    first, last = _scale(view), _gradients(view)
    if bool((view.trace.scale == view.trace.scale[0]).all()):
        first, last = last, first
    return first, _calls(view), last


def _scale(view: "View") -> Curves:
    trace = view.trace
    skipped = trace.skipped.nonzero().flatten().tolist()
    start, end = float(trace.scale[0]), float(trace.scale[-1])
    exponent = trace.exponent
    heights = exponent.tolist()
    # Words are written at the first mark: above the highest no line is in their way.
    crossed = sorted(
        (step for step in skipped if math.isfinite(heights[step])), key=lambda step: -heights[step]
    )
    lines = [Line("log2 of the scale", exponent, shape="step")]
    # The count is worth its line while one can see it run up to where the scale grows.
    restarts = int((trace.growth_tracker.diff() < 0).sum())
    if 1 <= restarts <= _MOST_RESTARTS:
        tracker = trace.growth_tracker
        lines.append(
            Line(
                "growth tracker",
                tracker,
                axis="right",
                shape="step",
                faint=True,
                aside="clean steps in a row",
            )
        )
    return Curves(
        lines=tuple(lines),
        title="Loss scale before each step; " + _crossed(len(skipped), len(crossed)),
        x_title=_STEP,
        y_title="log2 of the scale",
        right_title="clean steps in a row" if len(lines) > 1 else "",
        marks=tuple(
            Mark(step, heights[step], "skipped", "cross") for step in crossed[:_MOST_MARKS]
        ),
        look=_telling(trace),
        height=240,
        y_range=_around([height for height in heights if math.isfinite(height)]),
        alt=f"The scale goes from {_scaled(start)} to {_scaled(end)}; {len(skipped)} of "
        f"{len(trace.stepped)} steps are skipped"
        + (f", at steps {_few(skipped)}." if skipped else "."),
        group=_GROUP,
    )


def _crossed(skipped: int, crossed: int) -> str:
    """Return what the crosses are: a scale of 0 has no logarithm to cross."""
    if not skipped:
        return "none is skipped"
    if crossed < skipped:
        return f"{crossed} of {skipped} skipped ones are crossed, the others' scale is 0"
    return "skipped ones are crossed"


def _around(heights: Sequence[float]) -> tuple[float, float] | None:
    """Return the ends of an axis with room for words, and wide enough for whole numbers on it."""
    if not heights:
        return None
    low, high = min(heights) - 0.3, max(heights) + 0.5
    spare = max(0.0, 3 - (high - low)) / 2
    return low - spare, high + spare


def _scaled(scale: float) -> str:
    """Return a scale as it stands in a sentence: in full, as 2**n, or with three digits."""
    exponent = math.log2(scale) if 0 < scale < math.inf else math.nan
    if exponent.is_integer() and not 0 <= exponent < 20:
        return f"2**{exponent:.0f}"
    return f"{scale:.0f}" if scale.is_integer() and scale < 2**20 else f"{scale:.3g}"


def _telling(trace: "ScalerTrace") -> int:
    """Return the step to begin at: the first that is skipped, or the first of all."""
    skipped = trace.skipped.nonzero()
    return int(skipped[0]) if len(skipped) else 0


def _few(steps: Sequence[int]) -> str:
    words = ", ".join(map(str, steps[:8]))
    return f"{words} and {len(steps) - 8} more" if len(steps) > 8 else words


def _gradients(view: "View") -> Curves:
    trace = view.trace
    lost = 100 * trace.zero_share
    scaled, update, plain = trace.scaled_gradient_norm, trace.update_norm, view.plain
    step = _telling(trace)
    return Curves(
        lines=(
            Line("gradients that are 0", lost),
            # Larger than float32 holds is infinite: a gap.
            Line("norm after backward", scaled.float(), axis="right"),
            Line("update", update.float(), axis="right"),
            Line("update in float32", plain.float(), axis="right"),
        ),
        title="Gradients after backward, and the update beside float32's",
        x_title=_STEP,
        y_title="gradients that are 0, in %",
        right_title="norm; update's size",
        right_log=True,
        y_range=(0, 10 * math.ceil(max(float(lost.max()), 1) / 10)),
        look=step,
        height=240,
        alt=f"{float(lost[step]):.3g} % of the gradients are 0 at step {step}, at most "
        f"{float(lost.max()):.3g} % at any. Their norm after backward is "
        f"{float(scaled[step]):.3g}; the update's size is {float(update[step]):.3g}, in float32 "
        f"{float(plain[step]):.3g}.",
        group=_GROUP,
    )


def machine(edges: Sequence["Edge"]) -> str:
    """Draw the scaler's states, and every call between them, as SVG whose parts can light up.

    Parts are named by the state, and by state and call with a space between.
    """
    parts = [_edge(edge) for edge in edges]
    for name, (x, y, half) in _NODES.items():
        parts.append(
            f'<g class="node" data-part="{name}"><rect x="{x - half}" y="{y - 18}" '
            f'width="{2 * half}" height="36" rx="8"/><text x="{x}" y="{y + 5}">{name}</text></g>'
        )
    return f'<svg viewBox="0 0 420 204" aria-hidden="true">{"".join(parts)}</svg>'


def _edge(edge: "Edge") -> str:
    path, (x, y, angle), (left, top, anchor) = _WAYS[edge.state, edge.call]
    kind, cross = ("edge", "") if edge.legal else ("edge illegal", " ✗")
    return (
        f'<g class="{kind}" data-part="{edge.state} {edge.call}"><path d="{path}"/>'
        f'<path class="head" transform="translate({x} {y}) rotate({angle})" d="M2 0L-8-4V4Z"/>'
        f'<text x="{left}" y="{top}" text-anchor="{anchor}">{edge.call}{cross}</text></g>'
    )


def _calls(view: "View") -> Stepper:
    trace = view.trace
    rows = _Rows(trace)
    max_norm = view.parameters.max_norm
    full = view.parameters.dtype == "float32"
    sequences: dict[tuple[Call, ...], int] = {}
    steps = []
    for step in range(len(trace.calls)):
        outcome = {
            **rows.outcome(step),
            "clip_grad_norm_": clipping(rows.clip_norm[step], max_norm),
        }
        made = _sequence(trace.calls[step], trace.states[step], tuple(outcome.items()), full)
        steps.append((sequences.setdefault(made, len(sequences)), rows.facts(step)))
    first = _telling(trace)
    return Stepper(
        title="A step's calls, and where they take the scaler",
        alt="States READY, UNSCALED and STEPPED and their calls, dashed and crossed where "
        "torch refuses.",
        drawing=machine(view.edges),
        sequences=tuple(sequences),
        steps=tuple(steps),
        start=(first, trace.calls[first].index("step")),
        group=_GROUP,
    )


class _Rows:
    """The trace as lists: reading tensors number by number takes longer than the run."""

    def __init__(self, trace: "ScalerTrace") -> None:
        self.scale = trace.scale.tolist()
        self.tracker = trace.growth_tracker.tolist()
        self.stepped = trace.stepped.tolist()
        self.moved = trace.moved.tolist()
        self.lost = trace.lost.tolist()
        self.norm = trace.gradient_norm.tolist()
        self.clip_norm = trace.clip_norm.tolist()
        self.loss = trace.loss.tolist()

    def outcome(self, step: int) -> dict[str, str]:
        """Return what the scaler's step and its update have done, by the call's name."""
        before, after = self.scale[step : step + 2]
        stepped = (
            "Nothing found: the optimizer steps."
            if self.stepped[step]
            else "An inf or NaN found: no step."
        )
        if after != before:
            factor = f"{after / before:.3g}"
            updated = f"The scale is multiplied by {factor}; the count restarts."
        else:
            counted = self.tracker[step + 1] > 0
            updated = "One more clean step." if counted else "The scale stays."
        return {"step": stepped, "update": updated}

    def facts(self, step: int) -> str:
        """Return a line of numbers about a step."""
        scale, then = self.scale[step : step + 2]
        parts = (
            f"Step {step}: " + ("taken" if self.stepped[step] else "skipped"),
            ("weights move" if self.moved[step] else "no weight moves")
            + (" (some NaN or inf before)" if self.lost[step] else ""),
            f"scale {_scaled(scale)}" + (f" → {_scaled(then)}" if then != scale else ""),
            f"tracker {self.tracker[step]} → {self.tracker[step + 1]}",
            f"norm {self.norm[step]:.3g}",
            f"loss {self.loss[step]:.3g}",
        )
        return " · ".join(parts)


def clipping(norm: float, max_norm: float) -> str:
    """Return what `clip_grad_norm_` does to gradients of a norm that it has found."""
    if math.isnan(norm):
        return "The norm is NaN, and so is every gradient now."
    if math.isinf(norm):
        return "The norm is infinite: finite gradients become 0, infinite ones NaN."
    # torch adds 1e-6 to the norm that it divides by.
    if norm + 1e-6 > max_norm:
        return "Shortens the gradients to max_norm."
    return "No longer than max_norm: nothing changes."


# Steps that make the same calls with the same outcome are many.
@functools.lru_cache(maxsize=256)
def _sequence(
    calls: tuple[str, ...],
    states: tuple[str, ...],
    outcome: tuple[tuple[str, str], ...],
    full: bool,
) -> tuple[Call, ...]:
    words = {**_WORDS, **dict(outcome)}
    if full:
        words["forward"] = _WORDS["forward in float32"]
    made, at = [], "READY"
    for call, state in zip(calls, states, strict=True):
        lit = (f"{at} {call}", state) if (at, call) in _WAYS else (state,)
        made.append(Call(call, _CODE[call], lit, words[call]))
        at = state
    return tuple(made)


def mistake(result: "CurveMistake", *, wrong: bool) -> tuple[Curves | str, ...]:
    """Draw what a wrong line gives, beside what the right one gives."""
    if result.over == "weight":
        return _weights(result, wrong=wrong)
    own = {
        name: row
        for name, row in result.others.items()
        if name.startswith(result.shows) or len(result.others) == 1
    }
    running, other = ("wrong", "right") if wrong else ("right", "wrong")
    first = lessons.curves(
        dataclasses.replace(result, others=own),
        wrong=wrong,
        name=f"{result.shows}, {{line}} line",
        shape="step" if result.over == "batch" else "line",
    )
    drawn = [dataclasses.replace(first, height=220)]
    rest = {name: row for name, row in result.others.items() if name not in own}
    # What belongs together, as "loss, wrong" and "loss, right", stands in one chart.
    for noun, group in itertools.groupby(rest, key=_noun):
        # The right line comes first, as above.
        members = sorted(group, key=lambda name: name.endswith(", wrong"))
        lines = "both lines"
        if "," not in members[0]:  # what both lines share stands beside the one that runs
            members = [name for name in members if not name.endswith(f", {other}")]
            lines = f"the {'wrong' if wrong else 'right'} line"
        ends = ", ".join(f"{name} {float(rest[name][-1]):.3g}" for name in members)
        ends_of = [float(end) for name in members for end in rest[name].aminmax()]
        low, high = min(ends_of), max(ends_of)
        drawn.append(
            Curves(
                lines=tuple(
                    Line(name, rest[name], strong=name.endswith(f", {running}")) for name in members
                ),
                title=f"{noun[0].upper()}{noun[1:]}, under {lines}",
                x_title=result.over,
                y_title=noun,
                log=low > 0 and high > 1000 * low,
                height=180,
                alt=f"In the end: {ends}.",
            )
        )
    return lessons.told(result, *drawn, wrong=wrong)


def _noun(name: str) -> str:
    """Return what a curve shows, of a name as "loss, wrong" or "steps by the optimizer"."""
    return name.partition(",")[0].partition(" by ")[0]


def _weights(result: "CurveMistake", *, wrong: bool) -> tuple[Curves]:
    """Draw each weight's gradient against the true one: right ones lie on the diagonal."""
    ((name, true),) = result.others.items()
    order = true.argsort()
    rows = {"wrong": result.wrong[order], "right": result.right[order]}
    return (
        Curves(
            lines=(
                *(
                    Line(
                        f"{kind} line",
                        rows[kind],
                        true[order],
                        shape="points",
                        strong=(kind == "wrong") == wrong,
                    )
                    for kind in ("right", "wrong")
                ),
                Line(name, true[order], true[order], faint=True),
            ),
            title=f"{result.shows[0].upper()}{result.shows[1:]} against the true one, by weight",
            x_title=f"true gradient: {name}",
            y_title=result.shows,
            height=240,
            alt=f"{len(true)} weights: under the right line "
            f"{float((rows['right'] - true[order]).norm() / true.norm()):.2g} times the true "
            "gradient's length off the diagonal, under the wrong one "
            f"{float((rows['wrong'] - true[order]).norm() / true.norm()):.2g} times.",
        ),
    )


def order(result: "OrderMistake", edges: Sequence["Edge"], *, wrong: bool) -> Stepper:
    """Draw a wrong order of calls through the scaler's states, or a right one."""
    calls, states = (
        (result.wrong_calls, result.wrong_states)
        if wrong
        else (result.right_calls, result.right_states)
    )
    made, at = [], "READY"
    for index, (call, state) in enumerate(zip(calls, states, strict=True)):
        refused = wrong and bool(result.said) and index == len(calls) - 1
        lit = (f"{at} {call}", state) if (at, call) in _WAYS else (state,)
        words = (
            f"torch raises {result.said}" if refused else _PASSES.get(call, _WORDS.get(call, ""))
        )
        made.append(Call(call, _CODE[call], lit, words, refused))
        at = state
    return Stepper(
        title="Where each call takes the scaler: "
        + ("the last one is refused" if wrong else "all are taken"),
        alt="States READY, UNSCALED and STEPPED and their calls, dashed and crossed where "
        "torch refuses.",
        # An edge that is legal for float32 gradients is refused for float16 ones.
        drawing=machine(
            [result.edge if _same(edge, result.edge) and wrong else edge for edge in edges]
        ),
        sequences=(tuple(made),),
        steps=((0, ""),),
        start=(0, len(made) - 1),
    )


_PASSES = {
    "step": "Nothing found: the optimizer steps.",
    "update": "Sets the next step's scale.",
}


def _same(edge: "Edge", other: "Edge") -> bool:
    return (edge.state, edge.call) == (other.state, other.call)


_ALIKE = {
    2: "two of four curves lie on each other",
    3: "three of four curves lie on each other",
    4: "all four curves lie on each other",
}


def race(lap: "Lap") -> Curves:
    """Draw the loss of the four ways to train, as far as they have come."""
    names = {
        way: f"{way}: {100 * lap.zero_share[way]:.0f} % of gradients are 0" for way in lap.losses
    }
    return Curves(
        lines=tuple(Line(names[way], row) for way, row in lap.losses.items()),
        title=f"Each batch's loss: {_ALIKE.get(len(lap.alike), 'four ways')}",
        x_title=_STEP,
        y_title="loss",
        log=True,
        height=280,
        x_range=(0, lap.steps - 1),
        alt=" ".join(
            f"{way}: {float(row[-1]):.3g}, {100 * lap.zero_share[way]:.0f} % of gradients 0."
            for way, row in lap.losses.items()
        ),
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: the scale over the steps, skipped ones crossed."""
    trace = view.trace
    exponents = trace.exponent.clamp(min=-149).tolist()
    low, high = min(exponents), max(exponents)
    span = max(high - low, 1.0)
    wide = 212 / (len(exponents) - 1)
    points = [(14 + wide * k, 96 - 72 * (e - low) / span) for k, e in enumerate(exponents)]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(
        f"H{x:.1f}V{y:.1f}" for x, y in points[1:]
    )
    crosses = "".join(
        style.mark("cross", *points[step], colour=style.VERMILION, size=4.5, words="skipped")
        for step in trace.skipped.nonzero().flatten().tolist()
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f'<path d="M14 106H226M14 14V106" fill="none" stroke="{style.NEUTRAL}"/>'
        f'<path d="{path}" fill="none" stroke="{style.BLUE}" stroke-width="2.5"/>{crosses}</svg>'
    )
