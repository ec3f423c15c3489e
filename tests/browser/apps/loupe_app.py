"""Mount loupes for the browser tests: a turned letter, a blur whose weights are cut, a ramp."""

import math
from typing import Literal

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.linkage import Linkage, linkage
from ui.loupe import LOUPE, loupe

Mode = Literal["bilinear", "bicubic", "nearest"]
Case = tuple[Tensor, Tensor, Linkage]


def letter(side: int) -> Tensor:
    """Return a (side, side) picture of an F on a ramp: no two ways round look alike."""
    picture = torch.linspace(0.05, 0.45, 16).expand(16, 16).clone()
    picture[3:13, 4:6] = 1.0
    picture[3:5, 4:12] = 1.0
    picture[7:9, 4:10] = 0.85
    return F.interpolate(picture[None, None], size=(side, side), mode="area")[0, 0]


def turn(degrees: float, mode: Mode, side: int = 16) -> Case:
    """Turn the letter: up to 4 or 16 sources a pixel, none in the corners."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    theta = torch.tensor([[[c, -s, 0.0], [s, c, 0.0]]])
    grid = F.affine_grid(theta, [1, 1, side, side], align_corners=False)

    def operation(x: Tensor) -> Tensor:
        return F.grid_sample(x[None, None], grid, mode=mode, align_corners=False)[0, 0]

    source = letter(side)
    return source, operation(source), linkage(operation, (side, side))


def blur() -> Case:
    """Average 3x3 pixels of a wide picture, and keep four of the nine weights."""
    source = torch.arange(54.0).reshape(6, 9) / 54

    def operation(x: Tensor) -> Tensor:
        return F.avg_pool2d(x[None], 3, stride=1, padding=1)[0]

    return source, operation(source), linkage(operation, (6, 9), top=4)


def ramp() -> Case:
    """Stretch a 3x3 picture over -6 to 2: a negative weight and a constant."""
    source = torch.arange(9.0).reshape(3, 3)

    def operation(x: Tensor) -> Tensor:
        return 2.0 - x

    return source, operation(source), linkage(operation, (3, 3))


if __name__ == "__main__":
    LOUPE.send()
    degrees = st.slider("degrees", 0, 90, 30)
    mode: Mode = st.selectbox("mode", ("bilinear", "bicubic", "nearest"))
    side = 8 if st.checkbox("small") else 16
    if not st.checkbox("hide"):
        loupe(*turn(degrees, mode, side), key="turn", alt="The letter F, turned.")
    loupe(*blur(), key="blur", alt="A ramp, blurred.", start=(2, 3), size=240)
    loupe(
        *ramp(),
        key="ramp",
        alt="A ramp, turned upside down.",
        source_title="x",
        output_title="y",
        in_name="x",
        out_name="y",
        size=200,
    )
