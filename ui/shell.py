"""Run once per session and rerun: page configuration, navigation, sidebar, and the chosen page."""

import base64

import streamlit as st

from explainers import devices
from ui import catalogue, frame, navigation, sentences, server, style

ASSETS = catalogue.ROOT / "assets"
_REFUSED = "_device.refused"
# It comes with the page: a file is kept only while a run of somebody's names it, and a browser that
# asks between two runs finds none.
ICON = "data:image/png;base64," + base64.b64encode((ASSETS / "favicon.png").read_bytes()).decode()


def main() -> None:
    """Draw what all pages share, then the page."""
    st.set_page_config(
        page_title="Torch Loupe",
        page_icon=ICON,
        layout="wide",
        menu_items={"About": "Torch Loupe: see what PyTorch does. Every picture comes from torch."},
    )
    # Streamlit's own list of sections is not valid HTML, and screen readers lose count in it.
    entries = pages()
    chosen = st.navigation(entries, position="hidden")
    refused = _seed_device()
    style.put_links()
    if not st.context.is_embedded:  # a slide has no frame
        st.logo(str(ASSETS / "logo.svg"), size="large")
        with st.sidebar:
            navigation.links(entries, chosen)
            _device(refused)
    chosen.run()
    server.freeze_after_first_run(chosen.url_path)


def pages() -> dict[str, list[st.Page]]:
    """Return the navigation: home, scratchpad, every chapter of the catalogue, proof sheet."""
    home = st.Page(catalogue.HOME, title="Home", icon=":material/home:", default=True)
    pad = catalogue.SCRATCHPAD
    scratchpad = st.Page(
        pad.file, title=pad.title, icon=pad.icon, url_path=pad.slug, help=pad.question
    )
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
    proof = st.Page(
        catalogue.PROOF, title="Proof sheet", icon=":material/fact_check:", url_path="proof"
    )
    return {"": [home, scratchpad], **chapters, "Everything": [proof]}


def _seed_device() -> str:
    """Take the device from the address; return why it is refused, where it is not here."""
    if frame.DEVICE not in st.session_state:
        asked = st.query_params.get(frame.DEVICE, "cpu")
        try:
            st.session_state[frame.DEVICE] = str(devices.device(asked))
        except ValueError as error:
            st.session_state[frame.DEVICE] = "cpu"
            st.session_state[_REFUSED] = f"{error}. The cpu computes instead."
    return str(st.session_state.get(_REFUSED, ""))


def _device(refused: str) -> None:
    """Draw the device's selector, and why the address's is refused."""
    st.space("small")
    st.segmented_control(
        "device",
        devices.available(),
        format_func=devices.title,
        required=True,
        key=frame.DEVICE,
        help="Where torch computes; other libraries use the CPU.",
        on_change=lambda: st.session_state.pop(_REFUSED, None),
        persist_state="session",
    )
    if refused:
        sentences.warn(refused)


main()
