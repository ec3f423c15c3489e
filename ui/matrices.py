"""Draw a box for a matrix of any library, and what it is in every other."""

from collections.abc import Callable
from html import escape

import streamlit as st

from explainers.sampling.affine_grid import Asked, Matrices, Proof, Spelling, convert, prove
from figures.sampling import matrices as figures
from ui import address, figure, frame, rows, sentences
from ui.controls import Controls
from ui.sheet import FAILS, HOLDS
from ui.turns import in_turn

TITLE = "**What is this matrix elsewhere?** theta, OpenCV, PIL, torchvision, crop box"
_COLUMNS = ("Convention", "Numbers", "Largest error", "Tolerance", "Verdict")


def draw(page: frame.Frame, of_view: Callable[[], Asked]) -> None:
    """Draw the part below the view of a page; folded, it computes nothing.

    Args:
        page: The frame of the page.
        of_view: Returns the matrix of the view on show, which the box holds at first.
    """
    if not address.bare():
        with page.below():
            st.fragment(_part)(f"{page.page.slug}.matrix", of_view, frame.device())


@in_turn
def _part(slug: str, of_view: Callable[[], Asked], device: str) -> None:
    place = st.expander(TITLE, key=f"{slug}.open", on_change="rerun")
    if not place.open:
        return

    def take() -> None:
        with frame.sentence_for_bad_input():
            address.apply(slug, of_view())

    if address.key(slug, "matrix") not in st.session_state:
        address.apply(slug, Asked())
        take()
    with place:
        _controls(slug, take)
        with frame.sentence_for_bad_input():
            found = convert(Asked(**address.values(slug, Asked)))
            proof = prove(found, device=device)
            _table(found, proof)
            _codes(found)
            if proof.outputs:
                figure.draw(figures.warped(proof), key=f"{slug}.warped")


def _controls(slug: str, take: Callable[[], None]) -> None:
    controls = Controls(slug, Asked)
    spec, key = Asked.specs()["matrix"], address.key(slug, "matrix")
    controls.draw("kind")
    left, right = st.columns(2, gap="medium")
    with left:
        # Set anew, as every control's is; several lines, for a line often ends a row.
        st.session_state[key] = st.session_state[key]
        st.text_area(
            spec.label, key=key, help=spec.help, height=106, max_chars=2000, persist_state="session"
        )
        st.button("Take theta and sizes of the view", key=f"{slug}.take", on_click=take)
    with right:
        controls.draw("in_height", "in_width", typed=True)
        controls.draw("out_height", "out_width", typed=True)


def _table(found: Matrices, proof: Proof) -> None:
    """Draw the numbers of each convention beside how far its library is from the formula."""
    drawn = []
    for spelling in found.spellings:
        check = proof.checks.get(spelling.kind)
        said = "" if check is None else HOLDS if check.holds else FAILS
        given = " (as given)" if spelling.kind == found.kind else ""
        cells = (
            rows.text(spelling.name + given, spelling.meaning),
            _numbers(spelling),
            "–" if check is None else rows.number(check.error),
            "–" if check is None else rows.number(check.tolerance),
            rows.verdict(said) if said else "–",
        )
        drawn.append(rows.row(rows.MARKS[said][0] if said else "", _COLUMNS, cells))
    st.html(rows.table(_COLUMNS, drawn))
    st.markdown(
        "The code holds all digits. Each library warped one picture by its own numbers, "
        "bilinearly; NumPy did it in float64 from the matrix of output pixel to input pixel. "
        f"Errors are shares of full scale. {sentences.plain(proof.sentence)}"
        if proof.checks
        else sentences.plain(proof.sentence)
    )


def _numbers(spelling: Spelling) -> str:
    """Return numbers as markup, three or four in a line; or why there are none.

    Seven digits are what float32 holds; the code has all.
    """
    if spelling.why_not:
        return escape(spelling.why_not)
    flat = [f"{value + 0.0:.7g}" for row in spelling.numbers for value in row]
    lines = [flat[:3], flat[3:]] if len(flat) == 6 else [flat]
    return "<br>".join(escape(", ".join(line)) for line in lines)


def _codes(found: Matrices) -> None:
    """Draw each library's code behind a tab of its own."""
    able = [spelling for spelling in found.spellings if spelling.code]
    for spelling, tab in zip(able, st.tabs([each.name for each in able]), strict=True):
        with tab:
            st.code(spelling.code, language=None)
