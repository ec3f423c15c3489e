"""affine_grid and grid_sample: which way does theta move a picture?"""

import streamlit as st

from explainers import affine_grid as topic
from explainers.affine_grid import mistakes
from figures import affine_grid as figures
from figures import style
from ui import figure, frame, proofs, upload
from ui.loupe import loupe
from ui.player import Curve, player

SLUG = "affine_grid"
page = frame.Frame(SLUG, topic.PRESETS)
controls, device = page.controls, frame.device()


def type_theta() -> None:
    """Start typing from the theta that the sliders have made, or go back to the sliders."""
    if page.value("by_hand"):
        _, height, width = upload.or_picture(SLUG, page.value("picture")).shape
        page.set(topic.typed(page.settings(), width / height))
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
    controls.draw("mode", "padding_mode")
    controls.draw("picture", "align_corners")
    with st.container(horizontal=True, vertical_alignment="center"):
        controls.draw("by_hand", on_change=type_theta)
        with st.popover("Size, your picture", icon=":material/tune:"):
            controls.draw("height", "width", typed=True)
            upload.draw(SLUG, on_change=page.changed)


def draw_view() -> None:
    """Draw input and output, theta in words and numbers, and the loupe."""
    settings = page.settings()
    page.show_address(settings)
    with page.timed():
        view = topic.explain(
            settings, image=upload.or_picture(SLUG, settings.picture), device=device
        )
    figure.pictures(figures.see(view), key=f"{SLUG}.see.pictures")
    frame.outcome(view.sentence, view.problem, figures.theta_code(view.theta))
    loupe(
        view.tiny,
        view.tiny_output,
        view.links,
        key=f"{SLUG}.loupe",
        alt="The same warp of a 16 by 16 picture, pixel by pixel.",
    )
    page.live_checks(topic.view_checks(view, device=device))


def direction() -> None:
    """Use the motion itself as theta."""
    motion = st.segmented_control(
        "What should the picture do?",
        tuple(mistakes.MOTIONS),
        default="move",
        format_func=mistakes.MOTIONS.get,
        key=f"{SLUG}.motion",
        required=True,
    )
    _pictures(mistakes.direction(motion, device=device), "direction")


def order() -> None:
    """Multiply in the order of the steps."""
    degrees = st.slider("First turn by (degrees)", -90, 90, 30, key=f"{SLUG}.order.degrees")
    move = st.slider("then move right by", -1.0, 1.0, 0.5, 0.05, key=f"{SLUG}.order.move")
    _pictures(mistakes.order(degrees, move, device=device), "order")


def flags() -> None:
    """Give the two calls different flags."""
    size = st.slider("Side of the picture (pixels)", 2, 32, 8, key=f"{SLUG}.flags.size")
    wrong = frame.mistake_switch(key=f"{SLUG}.flags")
    table = mistakes.mixed_flags(size, device=device)
    frame.mistake(table.mistake, wrong=wrong)
    figure.show(figures.flags(table, wrong=wrong), alt=figures.flags_alt(table))
    figure.show(figures.convention(table), alt=figures.convention_alt(table))


def not_square() -> None:
    """Turn a wide picture by a plain rotation matrix."""
    degrees = st.slider("Turn (degrees)", -180, 180, 90, key=f"{SLUG}.wide.degrees")
    _pictures(mistakes.not_square(degrees, device=device), "wide")


def libraries() -> None:
    """Give one angle to five libraries."""
    degrees = st.slider("Angle (degrees)", -80, 80, 30, key=f"{SLUG}.libraries.degrees")
    wrong = frame.mistake_switch(key=f"{SLUG}.libraries")
    result = mistakes.libraries(degrees, device=device)
    frame.mistake(result.mistake, wrong=wrong)
    figure.pictures(figures.libraries(result, wrong=wrong), key=f"{SLUG}.libraries.pictures")


def padding() -> None:
    """Read far outside a row of pixels."""
    probe = st.slider("Read at x =", -4.0, 4.0, -3.5, 0.05, key=f"{SLUG}.ruler.probe")
    corners = st.toggle("align_corners", key=f"{SLUG}.ruler.align_corners")
    wrong = frame.mistake_switch(key=f"{SLUG}.ruler")
    result = mistakes.padding_ruler(probe, align_corners=corners, device=device)
    frame.mistake(result.mistake, wrong=wrong)
    figure.show(figures.ruler(result, wrong=wrong), alt=figures.ruler_alt(result))


def x_before_y() -> None:
    """Stack rows before columns."""
    _pictures(mistakes.x_before_y(device=device), "xy")


def full_turn() -> None:
    """Warp what was warped, again and again."""
    turns = st.slider("Small turns that make a full one", 1, 72, 12, key=f"{SLUG}.turns")
    wrong = frame.mistake_switch(key=f"{SLUG}.full_turn")
    result = mistakes.full_turn(turns, device=device)
    frame.mistake(result.mistake, wrong=wrong)
    figure.pictures(figures.full_turn(result, wrong=wrong), key=f"{SLUG}.turns.pictures")


def _pictures(result: mistakes.PictureMistake, name: str) -> None:
    wrong = frame.mistake_switch(key=f"{SLUG}.{name}")
    frame.mistake(result.mistake, wrong=wrong)
    figure.pictures(figures.picture_mistake(result, wrong=wrong), key=f"{SLUG}.{name}.pictures")


def learn() -> None:
    """Let gradient descent find a turn."""
    degrees, blur, steps = st.columns(3)
    chosen = topic.Descent(
        degrees=float(degrees.slider("Turn to find (degrees)", -90, 90, 30, 5, key=f"{SLUG}.find")),
        blur=blur.selectbox("Blur", ("coarse to fine", "none"), key=f"{SLUG}.blur"),
        steps=steps.slider("Steps of Adam", 10, 120, 60, 10, key=f"{SLUG}.steps"),
    )
    found = proofs.remembered(topic.descend, chosen, device)
    player(
        found.frames,
        key=f"{SLUG}.descent",
        captions=figures.descent_captions(found),
        curves=[Curve("loss", found.loss.tolist(), log=True)],
        reference=found.target,
        reference_title="The turned picture to match",
        title="The input under theta",
        alt=f"Descent over {chosen.steps} steps. {found.sentence}",
    )
    st.markdown(
        f"Asked for {chosen.degrees:g}°. {found.sentence} Largest error of theta: "
        f"{found.error:.3f}. The gradient sees only nearby pixels; try 60°, or no blur."
    )


def take(settings: topic.AffineGrid) -> tuple[str, list[frame.Download]]:
    """Return the code of the view and its files."""
    own = "picture.png" if upload.own(SLUG) else ""
    view = topic.explain(settings, image=upload.or_picture(SLUG, settings.picture), device=device)
    return topic.snippet(settings, file=own, device=device), [
        frame.Download(
            "Positions and values (.csv)", f"{SLUG}.csv", lambda: topic.table(view), "text/csv"
        ),
        frame.Download(
            "Input picture (.png)",
            own or f"{settings.picture}.png",
            lambda: style.png(view.picture),
            "image/png",
        ),
    ]


page.see(draw_controls, draw_view)
page.mistakes(
    {
        "theta maps output to input": direction,
        "order of two warps": order,
        "align_corners mixed": flags,
        "not square": not_square,
        "five libraries, one angle": libraries,
        "padding and reflection": padding,
        "x before y": x_before_y,
        "many small turns": full_turn,
    }
)
page.proof(*proofs.of(SLUG, device))
page.learn(
    "grid_sample passes gradients to theta, so descent can find the turn that was applied: the "
    "idea of the spatial transformer.",
    "Find the turn by gradient descent",
    learn,
)
page.take(take)
page.predict(topic.question(device=device))
page.references(topic.REFERENCES)
