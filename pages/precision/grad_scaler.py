"""GradScaler: why the loss is scaled, how the scale moves, and what each call does."""

from collections.abc import Iterator

import streamlit as st

from explainers.precision import grad_scaler as topic
from explainers.precision.grad_scaler import mistakes
from figures.precision import grad_scaler as figures
from ui import catalogue, figure, frame, proofs
from ui.controls import Controls
from ui.frame import Lesson
from ui.stepper import STEPPER
from ui.training import training

SLUG = "grad_scaler"
page = frame.Frame(SLUG, topic.PRESETS, [STEPPER])
controls, device = page.controls, frame.device()


def draw_poisoned() -> None:
    """Draw which steps are poisoned, where any are."""
    if page.value("poison") != "none":
        controls.draw("poisoned")


def draw_clipping() -> None:
    """Draw how to clip, where there is clipping."""
    if page.value("clip"):
        controls.draw("max_norm")
        controls.draw("unscale_first")


def draw_controls() -> None:
    """Draw the scaler's numbers, then what happens to it."""
    controls.draw("dtype")
    controls.draw("init_exponent")
    controls.draw("growth_factor", "backoff_factor")
    controls.draw("growth_interval", "steps")
    controls.draw("poison", on_change={"poison": lambda: page.changed(also=("bad",))})
    page.part("bad", draw_poisoned)
    controls.draw("clip", on_change={"clip": lambda: page.changed(also=("clipping",))})
    page.part("clipping", draw_clipping)
    controls.draw("learning_rate")


def draw_view() -> None:
    """Draw the scale, the calls of each step, and what becomes of gradients and weights."""
    view = page.explain(lambda settings: topic.explain(settings, device=device))
    figure.draw(figures.see(view), key=f"{SLUG}.see")
    page.live_checks(topic.view_checks(view))


def learn() -> None:
    """Train the same model in four ways."""
    asked = Controls(f"{SLUG}.race", topic.Race)
    race = asked.settings()
    asked.draw(*race.specs())

    def laps() -> Iterator[tuple[float, topic.Lap]]:
        return ((lap.done / lap.steps, lap) for lap in topic.train(race, device=device))

    training(
        f"{SLUG}.laps",
        (race, device),
        laps,
        lambda lap, key: figure.draw(figures.race(lap), key=key),
    )


def take(settings: topic.AmpRun) -> tuple[str, list[frame.Download]]:
    """Return the code of the run on show, and its numbers."""
    view = topic.explain(settings, device=device)
    return topic.snippet(settings, device=device), [
        frame.Download("Every step (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv")
    ]


def draw_order(result: topic.OrderMistake, *, wrong: bool) -> figure.Drawn:
    """Draw an order of calls through the scaler's states."""
    return figures.order(result, topic.machine(device=device), wrong=wrong)


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, draw)
        for title, parameters, run, draw in (
            ("clip first", mistakes.ClipFirst(), mistakes.clip_first, figures.mistake),
            ("skipped steps", mistakes.SkippedSteps(), mistakes.skipped_steps, figures.mistake),
            ("order of calls", mistakes.IllegalOrder(), mistakes.illegal_order, draw_order),
            ("while accumulating", mistakes.Rescaled(), mistakes.rescaled, figures.mistake),
            ("down to zero", mistakes.ToZero(), mistakes.to_zero, figures.mistake),
            ("no scaler", mistakes.NoScaler(), mistakes.no_scaler, figures.mistake),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "One model, four ways: float32, float16 without a scaler and with one, bfloat16.",
    "Train four ways",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
st.page_link(
    catalogue.page("float_formats").file,
    label="These gradients in each format",
    icon=":material/bar_chart:",
)
page.references(topic.REFERENCES)
