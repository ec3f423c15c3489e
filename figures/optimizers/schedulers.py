"""Draw what `explainers.optimizers.schedulers` computes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from figures import lessons, style
from figures.curves import Band, Curves, Line, Mark, within

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.evidence import CurveMistake
    from explainers.optimizers.schedulers import Run, Schedule, View

_STEP = "step of the optimizer"
_RATE = "learning rate"
# Of a line that fills its picture: one of 700 pixels turns every ten of them.
_MANY_TURNS = 70


def see(view: "View") -> tuple[Curves, ...]:
    """Draw every schedule's rate, momentum where it moves, and what a plateau saw.

    A rate holds for its step: a curve between steps would show rates that none uses.
    """
    if not view.entries:
        return ()
    drawn = [_rates(view)]
    if view.plateau is not None:
        drawn.append(_plateau(view))
    return tuple(drawn)


def _rates(view: "View") -> Curves:
    names = labels([entry.schedule for entry in view.entries])
    lines, momenta = [], []
    for index, (name, entry) in enumerate(zip(names, view.entries, strict=True)):
        trace = entry.trace
        assert trace is not None
        # Rounding takes a cosine's lowest rate a hair below zero. Another group is drawn pale in
        # its schedule's colour. A rate too large to draw is a gap.
        rates = within(trace.learning_rate.clamp(min=0))
        lines += [
            Line(
                name,
                row,
                trace.at.double(),
                shape="step",
                faint=group > 0,
                aside=f"group {group}" if group else "",
                solid=_fills(row),
            )
            for group, row in enumerate(rates)
        ]
        if trace.momentum is not None:
            momenta.append(
                Line(
                    f"momentum, {name}",
                    trace.momentum[0],
                    trace.at.double(),
                    axis="right",
                    shape="step",
                    faint=index > 0,
                    solid=_fills(trace.momentum[0]),
                )
            )
    kept = f" and {len(view.entries) - 1} kept" if len(view.entries) > 1 else ""
    pale = " (pale: group 1)" if view.parameters.two_groups else ""
    return Curves(
        lines=(*lines, *momenta),
        title=f"Rate that each step uses: {names[0]}{kept}{pale}",
        x_title=_STEP,
        y_title=_RATE,
        right_title="momentum (Adam: beta1)" if momenta else "",
        log=view.parameters.log,
        marks=_turns(view),
        height=300,
        alt=" ".join(
            f"{name}: {_at(entry.trace.learning_rate, 0)} to {_at(entry.trace.learning_rate, -1)}."
            for name, entry in zip(names, view.entries, strict=True)
            if entry.trace is not None
        ),
    )


def _fills(row: "Tensor") -> bool:
    """Return whether a line goes up and down so often that its picture is an area."""
    moves = np.sign(np.diff(row.numpy()[np.isfinite(row.numpy())]))
    moves = moves[moves != 0]
    return int((moves[1:] != moves[:-1]).sum()) > _MANY_TURNS


def _at(rows: "Tensor", step: int) -> str:
    return " and ".join(f"{row[step] + 0.0:.3g}" for row in rows)


def _turns(view: "View") -> tuple[Mark, ...]:
    """Return where each of SequentialLR's children takes its turn."""
    schedule, trace = view.current.schedule, view.current.trace
    if trace is None or schedule.name != "SequentialLR":
        return ()
    active = trace.active.numpy()
    return tuple(
        Mark(
            float(trace.at[start]),
            max(float(trace.learning_rate[0, start]), 0.0),
            f"{schedule.children[int(active[start])].name} from step {int(trace.at[start])}",
        )
        for start in (0, *(np.flatnonzero(np.diff(active)) + 1).tolist())
        if bool(within(trace.learning_rate[0, start]).isfinite())
    )


def _plateau(view: "View") -> Curves:
    seen, found = view.losses, view.plateau
    assert seen is not None
    assert found is not None
    assert view.bar is not None
    cuts = [int(at) for at in found.cut.nonzero()[:, 0]]
    return Curves(
        lines=(
            Line("loss", seen),
            Line("loss to beat", view.bar, shape="step"),
            Line("bad steps in a row", found.bad_epochs.double(), axis="right", shape="step"),
        ),
        title=f"What ReduceLROnPlateau saw: {view.cuts}",
        x_title=_STEP,
        y_title="loss",
        right_title="bad steps in a row",
        bands=_cooldowns(found.cooldown.numpy()),
        marks=tuple(
            Mark(float(at), float(seen[at]), "cuts the rate", "triangle") for at in cuts[:40]
        ),
        height=220,
        alt=f"A loss from {seen[0]:.3g} to {seen[-1]:.3g}; cut at "
        + (f"steps {', '.join(str(at) for at in cuts[:12])}." if cuts else "no step."),
    )


def _cooldowns(counter: NDArray[np.int64]) -> tuple[Band, ...]:
    resting = np.concatenate([[False], counter > 0, [False]])
    edges = np.flatnonzero(np.diff(resting))
    return tuple(
        Band(float(start), float(end), "cooldown")
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    )


def labels(schedules: Sequence["Schedule"]) -> list[str]:
    """Return a short name for each schedule: its call, or a composer with its children's names."""
    names: list[str] = []
    for schedule in schedules:
        name = str(schedule)
        if schedule.children:
            name = f"{schedule.name}({', '.join(child.name for child in schedule.children)})"
        # Two composers of the same children differ in what is not shown.
        while name in names:
            name += "′"
        names.append(name)
    return names


def rate_mistake(result: "CurveMistake", *, wrong: bool) -> tuple[str | Curves, ...]:
    """Draw the rates of both lines, and what torch said."""
    drawn = lessons.curves(
        result,
        wrong=wrong,
        title="Each step's rate under the {line} line, beside the {other} one",
        shape="step",
        gone="torch has raised",
    )
    return lessons.told(result, drawn, wrong=wrong)


def training(names: Sequence[str], runs: Sequence["Run"]) -> Curves:
    """Draw the loss over all points against the step, for each schedule that has trained."""
    lines, words = [], []
    for name, run in zip(names, runs, strict=True):
        last = run.last
        lines.append(
            Line(
                f"{name}: {last.accuracy:.0%} right",
                run.full_loss,
                run.done,
            )
        )
        words.append(f"{name} ends at {last.full_loss:.3g}, {last.accuracy:.0%} right.")
    return Curves(
        lines=tuple(lines),
        title="Loss over all points while the network trains under each schedule",
        x_title=_STEP,
        y_title="loss (binary cross-entropy)",
        log=True,
        height=300,
        alt=" ".join(words),
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: the rate over the steps."""
    trace = view.current.trace
    assert trace is not None
    row = trace.learning_rate[0]
    top = max(float(row.max()), 1e-12)
    last = max(int(trace.at[-1]), 1)
    points = "L".join(
        f"{14 + 212 * step / last:.1f} {104 - 88 * value / top:.1f}"
        for step, value in zip(trace.at.tolist(), row.tolist(), strict=True)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        f'<path d="M14 106H226M14 14V106" fill="none" stroke="{style.NEUTRAL}"/>'
        f'<path d="M{points}" fill="none" stroke="{style.BLUE}" stroke-width="2.5"/></svg>'
    )
