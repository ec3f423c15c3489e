"""Mount signals for the browser tests: one to edit in any mode, two plain, one of many pixels."""

import json
from collections.abc import Callable
from typing import Any, Literal

import streamlit as st
import torch
import torch.nn.functional as F
from torch import Tensor

from ui.signal import SIGNAL, signal

Mode = Literal["linear", "bicubic", "nearest", "area"]

SAMPLES = (0.2, 0.8, 0.35, 0.95, 0.12, 0.6)
MINIMUM, MAXIMUM = 0.0, 1.0
FINE = 24  # positions of the curve per input pixel


def resize(mode: Mode, align_corners: bool = False) -> Callable[[Tensor, int], Tensor]:
    """Return a function of a row and a size; for bicubic the row is a picture of height 1."""
    more: dict[str, Any] = {"align_corners": align_corners} if mode in {"linear", "bicubic"} else {}

    def bicubic(x: Tensor, m: int) -> Tensor:
        return F.interpolate(x[None, None, None], size=(1, m), mode=mode, **more)[0, 0, 0]

    def other(x: Tensor, m: int) -> Tensor:
        return F.interpolate(x[None, None], size=m, mode=mode, **more)[0, 0]

    return bicubic if mode == "bicubic" else other


def jacobian(function: Callable[[Tensor, int], Tensor], x: Tensor, m: int) -> Tensor:
    """Return d out / d in, (m, n)."""
    found: Tensor = torch.func.jacrev(lambda row: function(row, m))(x)
    return found


def case(
    mode: Mode = "bicubic",
    m: int = 15,
    align_corners: bool = False,
    samples: tuple[float, ...] = SAMPLES,
) -> dict[str, Any]:
    """Return what `signal` takes, by name."""
    x = torch.tensor(samples)
    n = len(x)
    function = resize(mode, align_corners)
    i = torch.arange(m, dtype=torch.float64)
    centres = (i + 0.5) * n / m - 0.5
    if align_corners and mode in {"linear", "bicubic"}:
        positions = i * (n - 1) / max(m - 1, 1)
        fine = (n - 1) * FINE + 1
        curve_x = torch.arange(fine) / FINE
    else:
        positions = (i * n / m).floor() if mode == "nearest" else centres
        fine = n * FINE
        curve_x = (torch.arange(fine) + 0.5) / FINE - 0.5
    impulse = torch.zeros(9).index_fill(0, torch.tensor(4), 1.0)
    kernel_y = resize(mode)(impulse, 9 * FINE)
    kernel_x = (torch.arange(9 * FINE) + 0.5) / FINE - 4.5
    some = (kernel_x.abs() <= 2) if mode in {"linear", "bicubic"} else kernel_x > kernel_x.max()
    return {
        "samples": x,
        "weights": jacobian(function, x, m),
        "positions": positions,
        "centres": centres,
        "curve_x": curve_x,
        "curve_weights": jacobian(function, x, fine),
        "kernel_x": kernel_x[some],
        "kernel_y": kernel_y[some],
        "minimum": MINIMUM,
        "maximum": MAXIMUM,
    }


def plain() -> dict[str, Any]:
    """Shrink twelve samples to three by area: each output has four sources."""
    return case("area", 3, samples=tuple(0.5 + 0.4 * (-1) ** j * j / 12 for j in range(12)))


def crowd() -> dict[str, Any]:
    """Enlarge 64 samples to 512."""
    row = 0.5 + 0.5 * torch.linspace(0, 12, 64).sin()
    return case("linear", 512, samples=tuple(row.tolist()))


def wide() -> dict[str, Any]:
    """Shrink sixteen samples to two: eight sources each."""
    return case("area", 2, samples=tuple(j / 16 for j in range(16)))


if __name__ == "__main__":
    SIGNAL.send()
    state = st.session_state

    def edited(samples: list[float]) -> None:
        """Keep what the reader drew, and count the calls."""
        state.samples = tuple(samples)
        state.calls = state.get("calls", 0) + 1

    mode: Mode = st.selectbox("mode", ("bicubic", "linear", "nearest", "area"))
    m = st.number_input("m", 1, 512, 15)
    align_corners = st.checkbox("align_corners")
    samples = state.get("samples", SAMPLES)
    if not st.checkbox("hide"):
        signal(
            **case(mode, m, align_corners, samples),
            key="drawn",
            alt="Six samples and the fifteen that a resize makes of them.",
            on_edit=edited,
        )
    st.text(f"{state.get('calls', 0)} calls: {json.dumps(samples)}")
    signal(**plain(), key="plain", alt="Twelve samples, averaged by fours.")
    signal(**wide(), key="wide", alt="Sixteen samples, averaged by eights.")
    signal(**crowd(), key="crowd", alt="Sixty-four samples, resized to 512.", on_edit=edited)
