"""Mount tables of numbers for the browser tests: enlarged by interpolation, and to look at only."""

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.linkage import Linkage, linkage
from ui.numbers import NUMBERS, numbers

Case = tuple[Tensor, Tensor, Linkage]

START = [[1.0, 2.0], [3.0, 4.0]]
MINIMUM, MAXIMUM = -10.0, 10.0


def enlarged(
    table: list[list[float]], mode: str, size: tuple[int, int] = (4, 4), *, corners: bool = True
) -> Case:
    """Resize a table by F.interpolate, with align_corners where the mode has it."""
    source = torch.tensor(table)
    more = {} if mode in ("nearest", "area") else {"align_corners": corners}

    def operation(x: Tensor) -> Tensor:
        return F.interpolate(x[None, None], size=size, mode=mode, **more)[0, 0]

    return source, operation(source), linkage(operation, (len(table), len(table[0])))


def steps() -> list[list[float]]:
    """Return an 8x8 table; no two rows are alike."""
    table: list[list[float]] = torch.arange(64.0).reshape(8, 8).div(10).sub(3).tolist()
    return table


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    NUMBERS.send()
    mode = st.selectbox("mode", ("bilinear", "bicubic", "nearest"))
    side = 5 if st.checkbox("five") else 4
    table = st.session_state.setdefault("table", START)

    def keep(edited: list[list[float]]) -> None:
        st.session_state.table = edited
        st.session_state.edits = st.session_state.get("edits", 0) + 1

    if not st.checkbox("hide"):
        numbers(
            *enlarged(table, mode, (side, side)),
            key="small",
            alt="Four numbers, enlarged.",
            minimum=MINIMUM,
            maximum=MAXIMUM,
            on_edit=keep,
        )
    st.text(f"table: {st.session_state.table}; edits: {st.session_state.get('edits', 0)}")
    numbers(
        *enlarged(steps(), mode, (16, 16), corners=False),
        key="large",
        alt="Sixty-four numbers, enlarged.",
        in_name="x",
        out_name="y",
        minimum=MINIMUM,
        maximum=MAXIMUM,
    )
