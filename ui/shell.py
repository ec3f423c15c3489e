"""Run once per session and rerun: page configuration, navigation, sidebar, and the chosen page."""

import streamlit as st

from explainers import devices
from ui import catalogue, frame, sentences, server

ASSETS = catalogue.ROOT / "assets"
HOME = catalogue.ROOT / "pages" / "home" / "home.py"
PROOF = catalogue.ROOT / "pages" / "home" / "proof.py"


def main() -> None:
    """Draw what all pages share, then the page."""
    st.set_page_config(
        page_title="Torch Loupe",
        page_icon=str(ASSETS / "favicon.png"),
        layout="wide",
        menu_items={"About": "Torch Loupe: see what PyTorch does. Every picture comes from torch."},
    )
    st.logo(str(ASSETS / "logo.svg"), size="large")
    # Streamlit's own list of sections is not valid HTML, and screen readers lose count in it.
    entries = pages()
    chosen = st.navigation(entries, position="hidden")
    with st.sidebar:
        for chapter, links in entries.items():
            if chapter:
                st.caption(chapter)
            for link in links:
                st.page_link(link)
        _device()
    chosen.run()
    server.freeze_after_first_run(chosen.url_path)


def pages() -> dict[str, list[st.Page]]:
    """Return the navigation: home, every chapter of the catalogue, the proof sheet."""
    home = st.Page(HOME, title="Home", icon=":material/home:", default=True)
    chapters = {
        chapter: [
            st.Page(
                page.file,
                title=page.title,
                icon=page.icon,
                url_path=page.slug,
                help=page.question,
            )
            for page in catalogue.PAGES
            if page.chapter == chapter
        ]
        for chapter in catalogue.CHAPTERS
    }
    proof = st.Page(PROOF, title="Proof sheet", icon=":material/fact_check:", url_path="proof")
    return {"": [home], **chapters, "Everything": [proof]}


def _device() -> None:
    """Draw the device's selector; a device of the address that is not here falls back to cpu."""
    names = devices.available()
    if frame.DEVICE not in st.session_state:
        asked = st.query_params.get(frame.DEVICE, "cpu")
        try:
            st.session_state[frame.DEVICE] = str(devices.device(asked))
        except ValueError as error:
            st.session_state[frame.DEVICE] = "cpu"
            st.session_state["_device.refused"] = f"{error}. The cpu computes instead."
    st.space("small")
    st.segmented_control(
        "device",
        names,
        format_func=devices.title,
        required=True,
        key=frame.DEVICE,
        help="Where torch computes. Other libraries stay on the CPU.",
        on_change=lambda: st.session_state.pop("_device.refused", None),
        persist_state="session",
    )
    if refused := st.session_state.get("_device.refused"):
        sentences.warn(refused)


main()
