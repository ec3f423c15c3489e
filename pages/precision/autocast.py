"""autocast: which operation runs in which precision, and what does it buy?"""

import dataclasses
from collections.abc import Iterator

import streamlit as st

from explainers.precision import autocast as topic
from explainers.precision.autocast import mistakes
from figures.precision import autocast as figures
from ui import figure, frame, proofs
from ui.choices import choices
from ui.controls import Controls
from ui.frame import Lesson
from ui.training import training

SLUG = "autocast"
page = frame.Frame(SLUG, topic.PRESETS)
controls, device = page.controls, frame.device()


def choose(op: str) -> None:
    """Look at another operation."""
    page.set(dataclasses.replace(page.settings(), op=op))
    page.changed()


def draw_controls() -> None:
    """Draw what goes in, and what autocast casts to."""
    controls.draw("exponent")
    controls.draw("dtype")
    controls.draw("inputs")
    controls.draw("enabled")


def draw_view() -> None:
    """Draw every operation by torch's lists, and the chosen one closely."""
    view = page.explain(lambda settings: topic.explain(settings, device=device))
    choices(
        figures.chips(view) + figures.detail(view),
        key=f"{SLUG}.ops",
        options=topic.OPS,
        on_choose=choose,
    )
    figure.draw(figures.errors(view), key=f"{SLUG}.errors")
    page.live_checks(topic.view_checks(view, device=device))


def learn() -> None:
    """Time the same training in each precision."""
    asked = Controls(f"{SLUG}.cost", topic.Cost)
    parameters = asked.settings()
    asked.draw(*parameters.specs())

    def measured() -> Iterator[tuple[float, topic.CostProgress]]:
        reports = topic.cost(parameters, chunk=1, device=device)
        return ((report.done / report.repeats, report) for report in reports)

    training(f"{SLUG}.costs", (parameters, device), measured, draw_costs, again="Measure again")


def draw_costs(report: topic.CostProgress, key: str) -> None:
    """Draw what each precision costs, and say it."""
    choices(figures.costs(report), key=key)
    st.markdown(figures.cost_sentence(report, device))


def take(settings: topic.Autocast) -> tuple[str, list[frame.Download]]:
    """Return the code of the view, and every operation's dtypes and errors."""
    view = topic.explain(settings, device=device)
    return topic.snippet(settings, device=device), [
        frame.Download("All operations (.csv)", f"{SLUG}.csv", lambda: topic.csv(view), "text/csv")
    ]


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, draw)
        for title, parameters, run, draw in (
            (
                "model.half() for training",
                mistakes.HalfModel(),
                mistakes.half_model,
                figures.curve_mistake,
            ),
            ("float16 taken outside", mistakes.Border(), mistakes.border, figures.flow_mistake),
            (
                "sigmoid, then its loss",
                mistakes.Logits(),
                mistakes.sigmoid_first,
                figures.curve_mistake,
            ),
            ("a hand-written norm", mistakes.OwnNorm(), mistakes.own_norm, figures.curve_mistake),
            (
                "loss outside autocast",
                mistakes.LossOutside(),
                mistakes.loss_outside,
                figures.curve_mistake,
            ),
            (
                "backward inside autocast",
                mistakes.BackwardInside(),
                mistakes.backward_inside,
                figures.curve_mistake,
            ),
            (
                "a custom autograd function",
                mistakes.OwnFunction(),
                mistakes.own_function,
                figures.flow_mistake,
            ),
            ("in-place and out=", mistakes.InPlace(), mistakes.in_place, figures.flow_mistake),
            (
                "autocast for another device",
                mistakes.OtherDevice(),
                mistakes.other_device,
                figures.flow_mistake,
            ),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "Steps in float32 and under autocast take turns; the median counts. On CPUs autocast is often "
    "slower.",
    "Measure on this device",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
