"""Learning-rate schedulers: what rate does each step really use?"""

import dataclasses
from collections.abc import Iterator

import streamlit as st

from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import mistakes
from explainers.parameters import Choice
from explainers.runs import in_turn
from figures.optimizers import schedulers as figures
from ui import figure, frame, proofs, schedule, sentences
from ui.frame import Lesson
from ui.kept import kept
from ui.training import training

SLUG = "schedulers"
page = frame.Frame(SLUG, topic.PRESETS)
controls, device = page.controls, frame.device()


def put(*parts: str, **changes: str) -> None:
    """Set some of the settings, from a callback, and draw those parts of the controls again."""
    page.set(dataclasses.replace(page.settings(), **changes))
    page.changed(also=parts)


def keep() -> None:
    """Lay the schedule on show beside those to come."""
    settings = page.settings()
    kept = (*topic.read_all(settings.kept), topic.read(settings.schedule))
    put("kept list", kept=topic.written_all(kept[-topic.MOST_KEPT :]))


def read() -> topic.Schedule:
    """Return the schedule that the controls hold now."""
    return topic.read(page.value("schedule"))


def make(made: topic.Schedule, redraw: bool) -> None:
    """Take the schedule that a control has made."""
    put(*(("call",) if redraw else ()), schedule=str(made))


def draw_call() -> None:
    """Draw the scheduler, its arguments, and the losses that it may see."""
    schedule.draw(f"{SLUG}.call", read, make)
    if read().needs_losses:
        draw_losses()
        if page.value("losses") == topic.OWN:
            controls.draw("own_losses")


def draw_losses() -> None:
    """Draw a list of losses to choose from: six in a row would not fit the column."""
    spec = page.kind.specs()["losses"]
    assert isinstance(spec, Choice)
    key = f"{SLUG}.losses.list"
    st.session_state[key] = page.value("losses")
    st.selectbox(
        spec.label,
        spec.options,
        key=key,
        format_func=spec.worded,
        help=spec.help,
        on_change=lambda: put("call", losses=st.session_state[key]),
    )


def draw_kept() -> None:
    """Draw what is kept, and the buttons that keep and forget."""
    kept(
        f"{SLUG}.chosen",
        [str(entry) for entry in topic.read_all(page.value("kept"))],
        label="Keep this curve",
        keep=keep,
        leave=lambda names: put("kept list", kept="; ".join(names)),
    )


def typed() -> None:
    """Draw again what a typed call concerns, its own box too."""
    page.changed(also=("call", "kept list", "schedule", "kept"))


def draw_groups() -> None:
    """Draw the second group's rate where there is one."""
    if page.value("two_groups"):
        controls.draw("group_lr")


def draw_controls() -> None:
    """Draw the scheduler and its arguments, then what it runs on."""
    page.part("call", draw_call)
    page.part("kept list", draw_kept)
    controls.draw("steps", "base_lr")
    controls.draw("log")
    controls.draw("two_groups", on_change={"two_groups": lambda: page.changed(also=("groups",))})
    page.part("groups", draw_groups)
    with st.popover("Optimizer and code", icon=":material/code:"):
        controls.draw("optimizer")
        controls.draw("schedule", on_change={"schedule": typed})
        controls.draw("kept", on_change={"kept": typed})


def draw_view() -> None:
    """Draw the rates, and why a schedule has none."""
    view = page.explain(lambda settings: topic.explain(settings, device=device))
    if view.problem:
        sentences.warn(f"{view.problem}.")
    figure.draw(figures.see(view), key=f"{SLUG}.see")
    if view.sentence:
        st.markdown(f"**{view.sentence}**")
    if view.drawn:
        st.caption(view.drawn)
    page.live_checks(topic.view_checks(view, device=device))


def learn() -> None:
    """Train the same network under each schedule on show, and under a constant rate."""
    settings = page.settings()
    view = topic.paced(topic.explain(settings, device=device))
    if view.pace:
        st.caption(view.pace)
    names = figures.labels([entry.schedule for entry in view.entries])
    names.append(f"constant, {settings.base_lr:.4g}")
    training(
        f"{SLUG}.runs",
        (settings, device),
        lambda: trained(view),
        lambda runs, key: figure.draw(figures.training(names[: len(runs)], runs), key=key),
    )


def trained(view: topic.View) -> Iterator[tuple[float, list[topic.Run]]]:
    """Train under one schedule after the other, then without any, report by report."""
    steps = len(view.at)
    traces = [entry.trace for entry in view.entries if entry.trace is not None]
    chunk = max(5, steps // 40)
    reports = [
        topic.train(
            topic.usable(trace.learning_rate[0]),
            momentum=None if trace.momentum is None else trace.momentum[0],
            chunk=chunk,
            device=device,
        )
        for trace in traces
    ]
    reports.append(topic.train([view.parameters.base_lr] * steps, chunk=chunk, device=device))
    return in_turn([topic.Run() for _ in reports], reports)


def take(settings: topic.Schedulers) -> tuple[str, list[frame.Download]]:
    """Return the code of every schedule on show, and their rates."""
    view = topic.explain(settings, device=device)
    return topic.snippet(settings, device=device), [
        frame.Download("All curves (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv")
    ]


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, figures.rate_mistake)
        for title, parameters, run in (
            ("get_lr is not the rate", mistakes.GetLr(), mistakes.get_lr),
            ("two steps, wrong order", mistakes.Order(), mistakes.order),
            ("rate set by hand", mistakes.Edit(), mistakes.edit),
            ("warm-up from 0", mistakes.WarmUp(), mistakes.warm_up),
            ("resuming", mistakes.Resume(), mistakes.resume),
            ("resuming with changes", mistakes.Changed(), mistakes.changed),
            ("plateau in a sequence", mistakes.WithPlateau(), mistakes.with_plateau),
            ("past T_max", mistakes.PastTMax(), mistakes.past_t_max),
            ("one step too far", mistakes.OneTooFar(), mistakes.one_too_far),
            ("per batch or per epoch", mistakes.Pace(), mistakes.pace),
            ("restarts in epochs", mistakes.Restarts(), mistakes.restarts),
            ("n steps for one", mistakes.Several(), mistakes.several),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "One network, one order of batches: only the rate differs. The last line keeps it constant.",
    "Train under every schedule shown",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
