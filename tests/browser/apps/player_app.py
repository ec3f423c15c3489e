"""Mount players for the browser tests: bars that grow, and a turned letter in colour."""

import math

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from figures.player import Curve, Film
from ui.player import player


def bars(count: int) -> Tensor:
    """Return (count, 8, 8) frames; frame i is white in as many pixels as i, row by row."""
    return (torch.arange(64) < torch.arange(count)[:, None]).float().reshape(count, 8, 8)


def turned(count: int) -> Tensor:
    """Return (count, 3, 64, 64) frames of a coloured letter that turns by half a degree each."""
    letter = torch.full((3, 64, 64), 0.1)
    letter[:, 12:52, 16:24] = torch.tensor([0.9, 0.6, 0.1])[:, None, None]
    letter[:, 12:20, 16:48] = torch.tensor([0.3, 0.7, 0.9])[:, None, None]
    letter[:, 28:36, 16:40] = torch.linspace(0.2, 1, 24)
    angles = [math.radians(i / 2) for i in range(count)]
    theta = torch.tensor(
        [[[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]] for a in angles]
    )
    grid = F.affine_grid(theta, [count, 3, 64, 64], align_corners=False)
    return F.grid_sample(letter.expand(count, -1, -1, -1), grid, align_corners=False)


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    count = st.slider("frames", 1, 61, 25)
    offset = st.slider("offset", 0, 5, 0)
    st.session_state.runs = st.session_state.get("runs", 0) + 1
    st.markdown(f"runs: {st.session_state.runs}")
    if st.checkbox("mounted", True):
        film = Film(
            bars(count),
            captions=[f"white = {i}, offset = {offset}" for i in range(count)],
            curves=[
                Curve("loss", [2.0 ** -(i + offset) for i in range(count)], log=True),
                Curve("white", [float(i) for i in range(count)]),
            ],
            alt="A square fills with white, row by row.",
            title="Bars",
            reference=bars(61)[-1],
            reference_title="Full",
        )
        player(film, key="bars")
    if st.checkbox("turning"):
        frames = turned(61)
        film = Film(
            frames,
            captions=[f"angle = {i / 2:.1f} degrees" for i in range(61)],
            curves=[Curve("angle", [i / 2 for i in range(61)])],
            alt="A letter turns.",
            title="The letter, turned",
            step_name="frame",
        )
        player(film, key="turning")
