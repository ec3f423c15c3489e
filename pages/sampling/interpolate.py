"""interpolate: where does each output value read, and what does it miss?"""

import dataclasses

import streamlit as st

from explainers.sampling import interpolate as topic
from explainers.sampling.interpolate import mistakes
from figures.sampling import interpolate as figures
from ui import figure, frame, proofs, sentences, upload
from ui.controls import Controls
from ui.frame import Lesson
from ui.loupe import LOUPE, loupe
from ui.numbers import NUMBERS, numbers
from ui.signal import SIGNAL, resized

SLUG = "interpolate"
page = frame.Frame(SLUG, topic.PRESETS, [LOUPE, NUMBERS, SIGNAL])
controls, device = page.controls, frame.device()


def change_input() -> None:
    """Call the mode by the name that torch gives it for the new input's shape."""
    settings = page.settings()
    page.set(dataclasses.replace(settings, mode=topic.renamed(settings.mode, settings.axes)))
    page.changed(also=("source", "mode", "more"))


def edit(name: str, rows: list[list[float]]) -> None:
    """Take numbers that were changed in the figure."""
    text = "; ".join(", ".join(f"{value:.12g}" for value in row) for row in rows)
    page.set(dataclasses.replace(page.settings(), **{name: text}))
    page.changed(also=(name,))


def draw_source() -> None:
    """Draw what the input is made of."""
    kind = page.value("input")
    if kind != "volume":
        controls.draw({"table": "table", "picture": "picture"}.get(kind, "samples"))


def draw_amount() -> None:
    """Draw what torch is given."""
    given = page.value("given")
    if given in ("scale_factor", "both"):
        controls.draw("scale_factor")
    if given in ("size", "both"):
        controls.draw("size", typed=True)


def draw_more() -> None:
    """Draw what only tables and pictures have."""
    if page.value("input") in ("table", "picture"):
        with st.popover("Width, your picture", icon=":material/tune:"):
            controls.draw("width", typed=True)
            upload.draw(SLUG, on_change=page.changed)


def draw_controls() -> None:
    """Draw the input's controls, then the call's arguments."""
    controls.draw("input", on_change={"input": change_input})
    page.part("source", draw_source)
    page.part("mode", lambda: controls.draw("mode"))
    controls.draw("given", on_change={"given": lambda: page.changed(also=("amount",))})
    page.part("amount", draw_amount)
    controls.draw("align_corners")
    controls.draw("antialias")
    controls.draw("recompute_scale_factor")
    page.part("more", draw_more)


def draw_view() -> None:
    """Draw the input and the output, linked, or why there is no output."""
    view = page.explain(
        lambda settings: topic.explain(
            settings, image=upload.or_picture(SLUG, settings.picture), device=device
        )
    )
    if view.problem:
        sentences.warn(f"{view.problem}.", torch_says=view.refusal)
    if view.line:
        resized(
            view.line,
            key=f"{SLUG}.signal",
            alt=figures.line_alt(view),
            **figures.drag_range(view, topic.typed_numbers("samples")),
            on_edit=lambda samples: edit("samples", [samples]),
            outside_text=figures.outside_text(view),
        )
        st.markdown(f"**{view.sentence}**")
    elif view.loupe and view.parameters.input == "table":
        rule = topic.typed_numbers("table")
        numbers(
            view.loupe.source,
            view.loupe.output,
            view.loupe.links,
            key=f"{SLUG}.numbers",
            alt=figures.table_alt(view),
            minimum=rule.minimum,
            maximum=rule.maximum,
            on_edit=lambda rows: edit("table", rows),
        )
        st.markdown(f"**{view.sentence}**")
    else:
        figure.draw(figures.see(view), key=f"{SLUG}.see")
        if view.loupe:
            loupe(
                view.loupe.source,
                view.loupe.output,
                view.loupe.links,
                key=f"{SLUG}.loupe",
                alt="The same ratio on a small letter, pixel by pixel.",
                source_title="A small letter",
                output_title="Output, same ratio",
            )
    page.live_checks(topic.view_checks(view, device=device))


def learn() -> None:
    """Let a transposed convolution imitate F.interpolate."""
    asked = Controls(f"{SLUG}.imitation", topic.Imitation)
    parameters = asked.settings()
    asked.draw("mode", "data")
    asked.draw("steps", "seed")
    found = proofs.remembered(topic.imitate, parameters, device)
    figure.draw(figures.imitation(found), key=f"{SLUG}.player")
    st.markdown(
        f"{found.sentence} On a picture the loss falls, but the kernel is not found: few "
        "fine details tell kernels apart."
    )


def take(settings: topic.Interpolate) -> tuple[str, list[frame.Download]]:
    """Return the code of the view and its files."""
    image = upload.or_picture(SLUG, settings.picture)
    view = topic.explain(settings, image=image, device=device)
    code = topic.snippet(settings, file=upload.file_name(SLUG, settings.picture), device=device)
    files = [
        frame.Download(
            "Positions and values (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv"
        )
    ]
    if settings.input == "picture":
        files.append(upload.download(SLUG, settings.picture))
    return code, files


page.see(draw_controls, draw_view)
page.mistakes(
    *(
        Lesson(title, parameters, run, draw)
        for title, parameters, run, draw in (
            ("no antialias", mistakes.Reduction(), mistakes.aliasing, figures.aliasing),
            ("nearest drifts", mistakes.TwoLengths(), mistakes.nearest, figures.combs),
            ("align_corners and size", mistakes.OneMore(), mistakes.one_more, figures.combs),
            ("scale_factor, rounded", mistakes.OddScale(), mistakes.rounded_scale, figures.combs),
            ("bicubic into uint8", mistakes.Step(), mistakes.overshoot, figures.overshoot),
            ("against grid_sample", mistakes.OtherSize(), mistakes.two_ways, figures.two_ways),
            ("labels are not amounts", mistakes.LabelSize(), mistakes.labels, figures.labels),
            (
                "antialias with align_corners",
                mistakes.TwoLengths(),
                mistakes.antialiased_corners,
                figures.combs,
            ),
        )
    )
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "Resizing is linear and everywhere alike: a convolution learns the kernel.",
    "Train a transposed convolution to resize",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
