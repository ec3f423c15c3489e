"""Initialization: how large should the first weights be?"""

import dataclasses
from collections.abc import Iterator

import streamlit as st

from explainers.initialization import initialization as topic
from explainers.initialization.initialization import mistakes, schemes
from explainers.runs import in_turn
from figures import lessons
from figures.initialization import initialization as figures
from ui import figure, frame, proofs, sentences
from ui.frame import Lesson
from ui.kept import kept
from ui.training import training

SLUG = "initialization"
page = frame.Frame(SLUG, topic.PRESETS)
controls, device = page.controls, frame.device()


def put(*parts: str, **changes: object) -> None:
    """Set some of the settings, from a callback, and draw those parts of the controls again."""
    page.set(dataclasses.replace(page.settings(), **changes))
    page.changed(also=parts)


def keep() -> None:
    """Lay the scheme on show beside those to come."""
    kept = dict.fromkeys((*topic.read_all(page.value("kept")), page.settings().call()))
    put("kept list", "kept", kept=topic.written_all(tuple(kept)[-topic.MOST_KEPT :]))


def draw_scheme() -> None:
    """Draw the scheme, and the arguments that it takes."""
    choose("scheme", tuple(topic.SCHEMES), "scheme")
    spec = topic.SCHEMES[page.value("scheme")]
    st.caption(spec.summary)
    if "mode" in spec.arguments:
        controls.draw("mode")
    if "std" in spec.arguments:
        controls.draw("std")
    if "gain" in spec.arguments:
        controls.draw("own_gain", on_change={"own_gain": lambda: page.changed(also=("scheme",))})
        if page.value("own_gain"):
            controls.draw("gain")


def choose(name: str, options: tuple[str, ...], part: str) -> None:
    """Draw a list to choose from: twelve long names in a row would fill the column."""
    spec = page.kind.specs()[name]
    key = f"{SLUG}.{name}.list"
    st.session_state[key] = page.value(name)
    st.selectbox(
        spec.label,
        options,
        key=key,
        format_func=schemes.label,
        help=spec.help,
        on_change=lambda: put(part, **{name: st.session_state[key]}),
    )


def draw_nonlinearity() -> None:
    """Draw the nonlinearity, and leaky_relu's slope."""
    choose("nonlinearity", topic.NONLINEARITIES, "nonlinearity")
    if page.value("nonlinearity") == "leaky_relu":
        controls.draw("a")


def draw_kept() -> None:
    """Draw what is kept, and the buttons that keep and forget."""
    calls = {entry.label: str(entry) for entry in topic.read_all(page.value("kept"))}
    kept(
        f"{SLUG}.chosen",
        tuple(calls),
        label="Keep this scheme",
        keep=keep,
        leave=lambda names: put("kept list", kept="; ".join(calls[name] for name in names)),
    )


def draw_controls() -> None:
    """Draw the scheme, the network that it fills, and what is kept."""
    left, right = st.columns(2)
    with left:
        page.part("scheme", draw_scheme)
    with right:
        page.part("nonlinearity", draw_nonlinearity)
        controls.draw("depth")
        controls.draw("width")
    page.part("kept list", draw_kept)
    controls.draw("kind")
    controls.draw("norm")
    controls.draw("bias", "residual", "layer")
    with st.popover("Batch, seed and code", icon=":material/tune:"):
        controls.draw("batch")
        controls.draw("seed")
        controls.draw("kept", on_change={"kept": lambda: page.changed(also=("kept list", "kept"))})


def draw_view() -> None:
    """Draw both spreads by layer, the chosen layer, and why a scheme was refused."""
    view = page.explain(lambda settings: topic.explain(settings, device=device))
    if view.problem:
        sentences.warn(f"{view.problem}.")
    figure.draw(figures.see(view), key=f"{SLUG}.see")
    page.live_checks(topic.view_checks(view, device=device))


def learn() -> None:
    """Train the same small network from each scheme on show."""
    settings = page.settings()
    calls = [c for c in settings.calls() if topic.SCHEMES[c.scheme].least_dimensions < 3]
    training(
        f"{SLUG}.runs",
        (settings, device),
        lambda: trained(settings, calls),
        lambda runs, key: figure.draw(figures.training(calls, runs), key=key),
    )


def trained(
    settings: topic.Initialization, calls: list[topic.Call]
) -> Iterator[tuple[float, list[topic.Run]]]:
    """Train from one scheme after the other, report by report."""
    return in_turn(
        [topic.Run() for _ in calls],
        (topic.train_as(settings, call, device=device) for call in calls),
    )


def take(settings: topic.Initialization) -> tuple[str, list[frame.Download]]:
    """Return the code of every scheme on show, and what was measured."""
    view = topic.explain(settings, device=device)
    return topic.snippet(settings, device=device), [
        frame.Download("All layers (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv")
    ]


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, lessons.mistake)
        for title, parameters, run in (
            ("xavier with relu", mistakes.XavierRelu(), mistakes.xavier_relu),
            ("the default, a = √5", mistakes.Default(), mistakes.default),
            ("kaiming with tanh", mistakes.KaimingTanh(), mistakes.kaiming_tanh),
            ("all weights equal", mistakes.Symmetry(), mistakes.symmetry),
            ("counting fans", mistakes.Fans(), mistakes.count_fans),
            ("trunc_normal_ bounds", mistakes.Truncated(), mistakes.truncated),
            ("SELU's two gains", mistakes.Selu(), mistakes.selu),
            ("fill_ in place", mistakes.InPlace(), mistakes.in_place),
            ("through .data", mistakes.Data(), mistakes.through_data),
            ("by parameter name", mistakes.ByName(), mistakes.by_name),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "The same network, up to 12 hidden layers of 32 units, learns to part two spirals.",
    "Train from every scheme shown",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
