"""Proof sheet: every check and every claim of every page, run now."""

import streamlit as st

from explainers import devices
from ui import address, catalogue, frame, sheet, sheet_table, style

ENTRIES, RUN_ON = "proof.entries", "proof.run_on"
ALL = "All"
NONE = {
    "fails": "No check fails.",
    "holds": "Nothing holds.",
    "holds with a condition": "No statement holds with a condition.",
    "wrong": "No statement is wrong.",
    "obsolete": "No statement is obsolete.",
}
VERDICTS = (ALL, *NONE)


def draw() -> None:
    """Draw the button, what was found, and its filters; run it all where that is asked for."""
    state, device = st.session_state, frame.device()
    asked = st.button("Run everything now", icon=":material/play_arrow:", key="proof.run")
    if not asked and not state.get(ENTRIES):
        return
    words = st.empty()
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

    def draw_rows(entries: list[sheet.Entry]) -> None:
        if rows := shown(entries):
            sheet_table.draw(rows, unfolded=verdict not in (ALL, sheet.HOLDS))

    if asked:
        entries: list[sheet.Entry] = []
        state[ENTRIES], state[RUN_ON] = entries, (device, sheet.torch_version())
        bar = st.progress(0.0)
        body = st.container()
        of_page: list[sheet.Entry] = []
        total = 2 * len(catalogue.PAGES)
        for done, found in enumerate(sheet.run(device), 1):
            entries += found
            bar.progress(done / total, f"{done // 2} of {len(catalogue.PAGES)} pages")
            words.markdown(f"**{sheet.summary(entries)}**")
            of_page += found
            if done % 2 == 0:  # its checks and its claims; it is sent once
                with body:
                    draw_rows(of_page)
                of_page = []
    else:
        words.markdown(f"**{sheet.summary(state[ENTRIES])}**")
        draw_rows(state[ENTRIES])
    if state.get(ENTRIES):
        if not shown(state[ENTRIES]):
            where = "" if chapter == ALL else f"{chapter}: "
            st.markdown(f"{where}{NONE[verdict]}")
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
    "Every check and statement of the notes, run now on your device. Each check says what torch "
    "is held against: an independent reference, another path of torch, or an invariant."
)
style.put()
st.fragment(draw)()
