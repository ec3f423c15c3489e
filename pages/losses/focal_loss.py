"""Focal loss against BCE: which examples does the loss listen to?"""

import streamlit as st

from explainers.losses import focal_loss as topic
from explainers.losses.focal_loss import mistakes
from explainers.losses.focal_loss import training as learning
from figures import lessons
from figures.losses import focal_loss as figures
from ui import address, figure, frame, proofs, sentences
from ui.controls import Controls
from ui.frame import Lesson
from ui.training import training

SLUG = "focal_loss"
page = frame.Frame(SLUG, topic.PRESETS)
controls, device = page.controls, frame.device()


def draw_alpha() -> None:
    """Draw alpha's value where it is on."""
    if page.value("weigh"):
        controls.draw("alpha")


def draw_own() -> None:
    """Draw what belongs to the part that is shown."""
    show = page.value("show")
    if show == "curves":
        controls.draw("against")
        controls.draw("log", "pos_weight", typed=True)
    elif show == "batch":
        controls.draw("logits")
        controls.draw("targets")
        controls.draw("reduction")
        controls.draw("dtype")
        with st.popover("Label smoothing, pos_weight", icon=":material/tune:"):
            controls.draw("label_smoothing")
            controls.draw("pos_weight", typed=True)
    else:
        controls.draw("imbalance")
        controls.draw("separation")
        controls.draw("bias")


def draw_controls() -> None:
    """Draw the loss's own controls, then those of what it is shown on."""
    controls.draw("show", on_change={"show": lambda: page.changed(also=("own",))})
    controls.draw("gamma")
    controls.draw("weigh", on_change={"weigh": lambda: page.changed(also=("alpha value",))})
    page.part("alpha value", draw_alpha)
    page.part("own", draw_own)


def refused() -> bool:
    """Return whether a row was refused and has its own sentence: it says all there is to say."""
    rows = ("logits", "targets")
    typed = any(st.session_state.get(address.refused_text(SLUG, name)) for name in rows)
    asked = st.session_state.get(address.REFUSED, ())
    beginnings = tuple(f"{name} must be " for name in rows)
    return typed or any(sentence.startswith(beginnings) for sentence in asked)


def draw_view() -> None:
    """Draw the curves, the batch or the scene, and say it in numbers."""
    view = page.explain(lambda settings: topic.explain(settings, device=device))
    if view.problem and not refused():
        sentences.warn(f"{view.problem}.")
    figure.draw(figures.see(view), key=f"{SLUG}.see.{view.parameters.show}")
    if view.sentence:
        st.markdown(f"**{view.sentence}**")
    page.live_checks(topic.view_checks(view, device=device))


def learn() -> None:
    """Train the same classifier under each loss, and keep what has come so far."""
    asked = Controls(f"{SLUG}.training", topic.Training)
    parameters, settings = asked.settings(), page.settings()
    asked.draw("imbalance")
    asked.draw("separation", "bias")
    asked.draw("steps", "seed")
    focal = {"gamma": settings.gamma, "alpha": settings.weight}
    training(
        f"{SLUG}.reports",
        (parameters, settings.gamma, settings.weight, device),
        lambda: topic.compare(parameters, **focal, device=device),
        lambda reports, key: draw_reports(parameters, list(reports.values()), key),
    )


def draw_reports(parameters: topic.Training, reports: list[topic.Report], key: str) -> None:
    """Draw what each classifier says over the plane, and how it ranks and is calibrated."""
    data = topic.blobs(learning.NEGATIVES, parameters)
    figure.draw(
        (
            figures.training(data, reports, learning.SIDE),
            figures.precision_recall(reports, topic.best(parameters)),
            figures.calibration(reports),
        ),
        key=key,
    )


def take(settings: topic.Focal) -> tuple[str, list[frame.Download]]:
    """Return the code of the view and its numbers."""
    view = topic.explain(settings, device=device)
    return topic.snippet(settings, device=device), [
        frame.Download("Numbers (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv")
    ]


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, draw)
        for title, parameters, run, draw in (
            (
                "giving alpha to the negatives",
                mistakes.Alpha(),
                mistakes.alpha,
                figures.share_mistake,
            ),
            (
                "reading p_t off another loss",
                mistakes.FromLoss(),
                mistakes.from_loss,
                lessons.mistake,
            ),
            (
                "dividing by all examples",
                mistakes.Normaliser(),
                mistakes.normaliser,
                lessons.mistake,
            ),
            ("splitting sigmoid and loss", mistakes.Apart(), mistakes.apart, lessons.mistake),
            ("taking the sigmoid twice", mistakes.Twice(), mistakes.twice, lessons.mistake),
            ("starting at bias 0", mistakes.Prior(), mistakes.prior, figures.prior_mistake),
            ("giving soft labels", mistakes.Soft(), mistakes.soft, lessons.mistake),
            ("setting gamma below 1", mistakes.BelowOne(), mistakes.below_one, lessons.mistake),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "Train one network on unbalanced points under BCE, weighted BCE and the focal loss above. "
    "Compare ranking, the threshold 0.5, and calibration.",
    "Train under three losses",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
