"""Proof sheet: every check and every claim of every page, run now."""

import streamlit as st

from explainers import devices
from ui import address, catalogue, frame, sheet, style, tables

ENTRIES, RUN_ON = "proof.entries", "proof.run_on"
ALL = "All"
VERDICTS = (ALL, "fails", "holds", "holds with a condition", "wrong", "obsolete")


def draw() -> None:
    """Draw the button, what was found, and its filters; run it all where that is asked for."""
    state, device = st.session_state, frame.device()
    asked = st.button("Run everything now", icon=":material/play_arrow:", key="proof.run")
    if not asked and not state.get(ENTRIES):
        return
    chapter = st.pills(
        "Chapter", (ALL, *catalogue.CHAPTERS), default=ALL, required=True, key="proof.chapter"
    )
    verdict = st.pills("Verdict", VERDICTS, default=ALL, required=True, key="proof.verdict")

    def shown(entries: list[sheet.Entry]) -> list[sheet.Entry]:
        return [
            entry
            for entry in entries
            if chapter in (ALL, entry.chapter) and verdict in (ALL, entry.verdict)
        ]

    if asked:
        entries: list[sheet.Entry] = []
        state[ENTRIES], state[RUN_ON] = entries, (device, sheet.torch_version())
        bar = st.progress(0.0)
        words, rows = st.empty(), st.empty()
        total = 2 * len(catalogue.PAGES)
        for done, found in enumerate(sheet.run(device), 1):
            entries += found
            bar.progress(done / total, f"{done // 2} of {len(catalogue.PAGES)} pages")
            words.markdown(f"**{sheet.summary(entries)}**")
            with rows.container():
                tables.sheet(shown(entries))
    else:
        st.markdown(f"**{sheet.summary(state[ENTRIES])}**")
        tables.sheet(shown(state[ENTRIES]))
    if state.get(ENTRIES):
        ran_on, version = state[RUN_ON]
        st.caption(f"Run on {devices.title(ran_on)}, torch {version}.")
        with st.container(horizontal=True, gap="small"):
            for name, mime, make in (
                ("proof.json", "application/json", lambda: sheet.as_json(state[ENTRIES], ran_on)),
                ("proof.csv", "text/csv", lambda: sheet.as_csv(state[ENTRIES])),
            ):
                st.download_button(
                    name, make, file_name=name, mime=mime, on_click="ignore", key=f"download.{name}"
                )


address.leave()
st.title("Proof sheet", anchor=False)
st.markdown(
    "Every check and statement of the notes, run now on your device: torch beside "
    "references that share none of its code."
)
style.put()
st.fragment(draw)()
