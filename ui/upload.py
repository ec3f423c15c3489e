"""Take a reader's own picture: checked, reduced, kept for the session only."""

import streamlit as st
from torch import Tensor

from explainers import pictures
from ui import sentences


def draw(slug: str) -> None:
    """Draw the upload. A refused file gets its sentence; the page keeps all settings.

    Args:
        slug: Of the page; each keeps its own upload.
    """
    file = st.file_uploader(
        "Your own picture",
        type=["png", "jpg", "jpeg", "webp"],
        key=f"{slug}.upload",
        max_upload_size=5,
        help="PNG, JPEG or WebP, at most 5 MB. It stays in memory, for this session only.",
    )
    kept = _key(slug)
    if file is None:
        st.session_state.pop(kept, None)
        return
    if kept not in st.session_state or st.session_state[kept][0] != file.file_id:
        try:
            st.session_state[kept] = (file.file_id, pictures.decode(file.getvalue()), "")
        except ValueError as error:
            st.session_state[kept] = (file.file_id, None, f"{error}.")
    if problem := st.session_state[kept][2]:
        sentences.warn(problem)


def current(slug: str) -> Tensor | None:
    """Return the reader's picture ``(3, H, W)`` for a page, or None when there is none."""
    _, image, _ = st.session_state.get(_key(slug), ("", None, ""))
    found: Tensor | None = image
    return found


def _key(slug: str) -> str:
    return f"{slug}.uploaded"
