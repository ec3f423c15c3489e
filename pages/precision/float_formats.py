"""Floating point formats: what becomes of a number, an update, a gradient?"""

from collections.abc import Iterator

import streamlit as st

from explainers.precision import float_formats as topic
from explainers.precision.float_formats import mistakes
from explainers.runs import in_turn
from figures.precision import float_formats as figures
from ui import figure, frame, proofs
from ui.controls import Controls
from ui.frame import Lesson
from ui.training import training

SLUG = "float_formats"
page = frame.Frame(SLUG, topic.PRESETS)
controls, device = page.controls, frame.device()


def draw_controls() -> None:
    """Draw the number and its format, then the scale of the gradients."""
    controls.draw("value")
    controls.draw("dtype")
    controls.draw("zoom")
    st.caption("The gradients, in the lower picture:")
    controls.draw("exponent")
    controls.draw("step")


def draw_view() -> None:
    """Draw the number in six formats, and the gradients over their ranges."""
    view = page.explain(lambda settings: topic.explain(settings, device=device))
    figure.draw(figures.see(view), key=f"{SLUG}.see")
    page.live_checks(topic.view_checks(view, device=device))


def learn() -> None:
    """Train the same network with its weights held in each format."""
    asked = Controls(f"{SLUG}.training", topic.Training)
    parameters = asked.settings()
    asked.draw("learning_rate")
    asked.draw("momentum", "steps")
    training(
        f"{SLUG}.runs",
        (parameters, device),
        lambda: trained(parameters),
        lambda runs, key: figure.draw(figures.training(runs), key=key),
    )


def trained(parameters: topic.Training) -> Iterator[tuple[float, list[topic.Run]]]:
    """Train in one format after the other, report by report."""
    return in_turn(
        [topic.Run(held) for held in topic.HELD],
        (topic.train(parameters, held, device=device) for held in topic.HELD),
    )


def take(settings: topic.FloatFormats) -> tuple[str, list[frame.Download]]:
    """Return the code of the view, and what each format does as a table."""
    view = topic.explain(settings, device=device)
    return topic.snippet(settings, device=device), [
        frame.Download("Six formats (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv")
    ]


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, figures.mistake)
        for title, parameters, run in (
            ("an update that vanishes", mistakes.SmallUpdates(), mistakes.small_updates),
            ("Adam's epsilon, 1e-8", mistakes.AdamEps(), mistakes.adam_eps),
            ("adding up one by one", mistakes.OneByOne(), mistakes.one_by_one),
            ("positions in a narrow dtype", mistakes.Positions(), mistakes.positions),
            ("squares that overflow", mistakes.Squares(), mistakes.squares),
            ("one tolerance for all formats", mistakes.Compare(), mistakes.compare),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "One network, with weights, gradients and optimizer in each format. Watch for updates that "
    "change nothing.",
    "Train in four formats",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
