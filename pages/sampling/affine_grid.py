"""affine_grid and grid_sample: which way does theta move a picture?"""

import streamlit as st

from explainers.sampling import affine_grid as topic
from explainers.sampling.affine_grid import mistakes
from figures.sampling import affine_grid as figures
from ui import figure, frame, matrices, proofs, sentences, upload
from ui.controls import Controls
from ui.frame import Lesson
from ui.loupe import LOUPE, loupe

SLUG = "affine_grid"
page = frame.Frame(SLUG, topic.PRESETS, [LOUPE])
controls, device = page.controls, frame.device()


def type_theta() -> None:
    """Start typing from the theta that the sliders have made, or go back to the sliders."""
    if page.value("by_hand"):
        _, height, width = upload.or_picture(SLUG, page.value("picture")).shape
        page.set(topic.typed(page.settings(), (height, width)))
    page.changed(everything=True)


def draw_controls() -> None:
    """Draw the controls of the warp."""
    if page.value("by_hand"):
        controls.draw(*topic.THETA_FIELDS[:3], typed=True)
        controls.draw(*topic.THETA_FIELDS[3:], typed=True)
    else:
        controls.draw("degrees")
        controls.draw("scale_x", "scale_y")
        controls.draw("translate_x", "translate_y")
        controls.draw("shear", "keep_aspect")
    controls.draw("mode")
    controls.draw("padding_mode")
    controls.draw("picture")
    controls.draw("align_corners", "by_hand", on_change={"by_hand": type_theta})
    with st.popover("Size, your picture", icon=":material/tune:"):
        controls.draw("height", "width", typed=True)
        upload.draw(SLUG, on_change=page.changed)


def draw_view() -> None:
    """Draw input and output, theta in words and numbers, and the loupe."""
    view = page.explain(
        lambda settings: topic.explain(
            settings, image=upload.or_picture(SLUG, settings.picture), device=device
        )
    )
    if view.problem:
        sentences.warn(view.problem)
    figure.draw(figures.see(view), key=f"{SLUG}.see")
    loupe(
        view.tiny,
        view.tiny_output,
        view.links,
        key=f"{SLUG}.loupe",
        alt="The same warp, pixel by pixel.",
        source_title=view.tiny_name,
    )
    page.live_checks(topic.view_checks(view, device=device))


def matrix_of_view() -> topic.Asked:
    """Return the view's theta, with its sizes, to be said in other libraries' words."""
    settings = page.settings()
    _, height, width = upload.or_picture(SLUG, settings.picture).shape
    return topic.of_view(settings, (height, width))


def learn() -> None:
    """Let gradient descent find a turn."""
    asked = Controls(f"{SLUG}.descent", topic.Descent)
    parameters = asked.settings()
    asked.draw(*parameters.specs())
    found = proofs.remembered(topic.descend, parameters, device)
    figure.draw(figures.descent(found), key=f"{SLUG}.player")
    st.markdown(
        f"Asked for {parameters.degrees:g}°. {found.sentence} Largest error of theta: "
        f"{found.error:.3f}. Then try 60° with and without blur."
    )


def take(settings: topic.AffineGrid) -> tuple[str, list[frame.Download]]:
    """Return the code of the view and its files."""
    image = upload.or_picture(SLUG, settings.picture)
    view = topic.explain(settings, image=image, device=device)
    code = topic.snippet(settings, file=upload.file_name(SLUG, settings.picture), device=device)
    return code, [
        frame.Download(
            "Positions and values (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv"
        ),
        upload.download(SLUG, settings.picture),
    ]


page.see(draw_controls, draw_view)
matrices.draw(page, matrix_of_view)
page.mistakes(
    Lesson(
        "theta maps output to input",
        mistakes.Direction(),
        mistakes.direction,
        figures.picture_mistake,
    ),
    Lesson("order of two warps", mistakes.Order(), mistakes.order, figures.picture_mistake),
    Lesson("align_corners mixed", mistakes.MixedFlags(), mistakes.mixed_flags, figures.flags),
    Lesson("not square", mistakes.NotSquare(), mistakes.not_square, figures.picture_mistake),
    Lesson(
        "five libraries, one angle", mistakes.SameAngle(), mistakes.libraries, figures.libraries
    ),
    Lesson("padding and reflection", mistakes.Padding(), mistakes.padding_ruler, figures.ruler),
    Lesson("x before y", mistakes.XBeforeY(), mistakes.x_before_y, figures.picture_mistake),
    Lesson("many small turns", mistakes.SmallTurns(), mistakes.full_turn, figures.full_turn),
)
page.proof(proofs.of(SLUG, device))
page.learn(
    "Gradients reach theta: descent finds small turns, as in a spatial transformer.",
    "Find a turn by descent",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
