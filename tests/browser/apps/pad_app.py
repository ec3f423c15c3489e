"""Mount the scratchpad's component for the browser tests: it knows the gallery's programs alone.

What is typed runs nowhere: a known program brings the run that the project itself has made of it,
another is refused, and one that says "wait" waits until it is asked for anything else.
"""

import streamlit as st

from explainers import program
from explainers.scratchpad.gallery import STARTS
from figures.stage import staged
from ui.attempts import Refusal
from ui.pad import PAD, pad

MOST = 400
KNOWN = {start.program: start for start in STARTS}
LATER = "import torch\n\nx = torch.arange(3)\ny = x + 1\n"

state = st.session_state
if "program" not in state:
    first = st.query_params.get("first", STARTS[0].program)
    state.update(program=first, turn=0, ran=0, sent=None)


def choose(number: int) -> None:
    state.program, state.sent = STARTS[number].program, None
    state.turn += 1
    state.ran += 1


def asked(text: str) -> None:
    state.program = state.sent = text
    state.ran += "wait" not in text


PAD.send()
with st.container(horizontal=True):
    for index, start in enumerate(STARTS[:2]):
        st.button(start.title, on_click=choose, args=(index,))
    locked = st.checkbox("locked")
source = state.program
drawn = refused = None
if source in KNOWN or source == LATER:
    drawn = staged(program.run(source))
elif "wait" not in source:
    refused = Refusal(3, "Line 3: x.numpy is not available here: x.tolist() is.")
pad(
    source,
    drawn,
    key="pad",
    turn=state.turn,
    ran=state.ran,
    most=MOST,
    refused=refused,
    state="Waiting: 2nd in the queue." if "wait" in source else "",
    address="step",
    on_run=None if locked else asked,
)
st.text(f"sent: {state.sent!r}")
