"""Take a reader's own picture: checked, reduced, kept for the session only."""

from collections.abc import Callable

import streamlit as st
from torch import Tensor

from explainers import pictures
from figures import style
from ui import sentences
from ui.frame import Download


def draw(slug: str, on_change: Callable[..., None]) -> None:
    """Draw the upload. A refused file gets its sentence; the page keeps all settings.

    Args:
        slug: Of the page; each keeps its own upload.
        on_change: Called, with ``everything=True``, once the picture has been taken in.
    """

    def take() -> None:
        file = st.session_state[f"{slug}.upload"]
        image, problem = None, ""
        if file is not None:
            try:
                image = pictures.decode(file.getvalue())
            except ValueError as error:
                problem = f"{error}."
        st.session_state[_key(slug)] = (image, problem)
        on_change(everything=True)

    st.file_uploader(
        "Your own picture",
        type=["png", "jpg", "jpeg", "webp"],
        key=f"{slug}.upload",
        max_upload_size=5,
        help="PNG, JPEG or WebP, at most 5 MB; kept in memory for this session only.",
        on_change=take,
    )
    if problem := st.session_state.get(_key(slug), (None, ""))[1]:
        sentences.warn(problem)


def own(slug: str) -> bool:
    """Return whether the page shows a picture of the reader's."""
    return st.session_state.get(_key(slug), (None, ""))[0] is not None


def or_picture(slug: str, name: str) -> Tensor:
    """Return the reader's picture ``(3, H, W)`` for a page, or the project's of that name."""
    if own(slug):
        found: Tensor = st.session_state[_key(slug)][0]
        return found
    return pictures.picture(name)


def file_name(slug: str, name: str) -> str:
    """Return the name that the picture of a page has as a file."""
    return "picture.png" if own(slug) else f"{name}.png"


def download(slug: str, name: str) -> Download:
    """Offer the picture of a page as a file."""
    image = or_picture(slug, name)
    return Download(
        "Input picture (.png)", file_name(slug, name), lambda: style.png(image), "image/png"
    )


def _key(slug: str) -> str:
    return f"{slug}.uploaded"
