"""Mount line charts for the browser tests: of every kind, and one whose data a reader changes."""

import math

import streamlit as st
import torch

from figures.curves import Band, Curves, Line, Mark
from ui import figure
from ui.curves import CHART, curves

NAMES = (
    "LambdaLR(0.95 ** epoch)",
    "StepLR(step_size=30, gamma=0.5)",
    "MultiStepLR(milestones=[30, 80], gamma=0.1)",
    "ConstantLR(factor=0.333, total_iters=5)",
    "LinearLR(start_factor=0.333, total_iters=50)",
    "ExponentialLR(gamma=0.99)",
    "PolynomialLR(total_iters=800, power=2.0)",
    "CosineAnnealingLR(T_max=500, eta_min=0.001)",
    "CosineAnnealingWarmRestarts(T_0=10, T_mult=2, eta_min=0.001)",
    "CyclicLR(base_lr=0.01, max_lr=0.1, step_size_up=100)",
    "OneCycleLR(max_lr=0.1, total_steps=1000)",
    "ReduceLROnPlateau(patience=10)",
)


def schedules(count: int = 4, steps: int = 100, scale: float = 1.0) -> Curves:
    """Return schedules of a learning rate: cosines of a period of their own, and steps."""
    t = torch.arange(steps, dtype=torch.float64)
    lines = []
    for k, name in enumerate(NAMES[:count]):
        if k % 4 == 1:
            y = 0.1 * 0.5 ** (t // (30 + 5 * k))
        else:
            y = 0.05 + 0.05 * (t * math.pi * (1 + k) / steps).cos()
        lines.append(Line(name, scale * y, shape="step" if k % 4 == 1 else "line"))
    return Curves(
        lines=tuple(lines),
        title="The learning rate of every step",
        x_title="step (one batch each)",
        y_title="learning rate",
        alt=f"{count} schedules of the learning rate over {steps} steps.",
    )


def noisy() -> Curves:
    """Return twelve random walks of 1,000 points, the hardest to draw."""
    noise = torch.randn(12, 1000, generator=torch.Generator().manual_seed(0))
    lines = tuple(Line(f"walk {k}", row) for k, row in enumerate(noise.cumsum(1)))
    return Curves(
        lines=lines,
        title="Twelve random walks",
        x_title="step",
        y_title="place",
        alt="Twelve random walks of a thousand steps each.",
    )


def losses() -> Curves:
    """Return losses on a log axis, with values that it cannot show, and accuracy on the right."""
    t = torch.arange(200.0)
    loss = 2.3 * torch.exp(-t / 25) + 1e-3
    broken = loss.clone()
    broken[50:53] = torch.tensor([0.0, -1.0, torch.nan])
    generator = torch.Generator().manual_seed(1)
    raw = loss * (1 + 0.4 * torch.rand(200, generator=generator))
    return Curves(
        lines=(
            Line("train", loss),
            Line("train", raw, faint=True),
            Line("broken", 3 * broken),
            Line("accuracy", 1 - 0.9 * torch.exp(-t[::20] / 40), x=t[::20], axis="right"),
        ),
        title="Loss and accuracy",
        x_title="step",
        y_title="cross-entropy loss (nats)",
        right_title="accuracy (share of right answers)",
        alt="A loss that falls, one that breaks off, and an accuracy that rises.",
        log=True,
        references=((math.log(10), "chance"), (0.01, "goal <1%>"), (0.0, "best")),
    )


def scales() -> Curves:
    """Return a loss scale with its phases, marks where it overflows, and points."""
    scale = torch.full((60,), 65536.0)
    scale[13:] /= 2
    scale[14:] /= 2
    scale[34:] *= 2
    scale[54:] *= 2
    norms = 3 + torch.arange(60.0).sin()
    return Curves(
        lines=(
            Line("loss scale", scale, shape="step"),
            Line(
                "gradient norm", norms[::3], x=torch.arange(60.0)[::3], axis="right", shape="points"
            ),
            Line("clipped", norms[1::3], x=torch.arange(60.0)[1::3], axis="right", shape="points"),
        ),
        title="GradScaler's loss scale",
        x_title="step",
        y_title="loss scale",
        right_title="norm of the gradient",
        alt="A loss scale that is halved twice and doubled twice.",
        bands=(
            Band(0, 12, "warm-up"),
            Band(12, 15, "overflow"),
            Band(15, 40, "growth_interval of 20 steps without inf or nan"),
            Band(40, 59, "steady"),
        ),
        marks=(
            Mark(12, 65536, "inf in a gradient: step skipped", "cross"),
            Mark(13, 32768, "inf in a gradient: step skipped", "cross"),
            Mark(34, 32768, "doubled", "triangle"),
            Mark(54, 65536, "doubled", "triangle"),
        ),
        references=((65536.0, "init_scale"),),
        height=260,
    )


def window() -> Curves:
    """Return a window of a parabola, whose ends lie outside."""
    t = torch.linspace(-10, 10, 41)
    return Curves(
        lines=(Line("t squared", t * t, t), Line("points", t * t + 5, t, shape="points")),
        title="A parabola, looked at closely",
        x_title="t",
        y_title="t squared",
        alt="The foot of a parabola.",
        x_range=(-4.2, 4.2),
        y_range=(0, 10),
    )


def spike() -> Curves:
    """Return 20,000 noughts with a single one among them."""
    return Curves(
        lines=(Line("norm", torch.zeros(20_000).index_fill(0, torch.tensor(12_345), 1e-5)),),
        title="One spike in 20,000 steps",
        x_title="step",
        y_title="norm",
        alt="A line at nought with one spike.",
        height=160,
    )


def level() -> Curves:
    """Return a level line with a mark in its midst, where the chart begins, and one that falls."""
    t = torch.arange(13.0)
    return Curves(
        lines=(Line("kept: all of it", torch.ones(13)), Line("halved", 0.25**t)),
        title="Two signals",
        x_title="layer",
        y_title="std",
        alt="A signal that is kept, and one that dies.",
        log=True,
        marks=(Mark(6, 1.0, "look here"),),
        look=6,
        height=200,
    )


if __name__ == "__main__":
    CHART.send()
    state = st.session_state
    state.runs = state.get("runs", 0) + 1
    steps = st.number_input("steps", 1, 20_000, 100)
    scale = st.number_input("scale", 0.0, 1e9, 1.0)
    curves(schedules(4, steps, scale), key="drawn")
    figure.draw((schedules(12, 1000), losses(), scales()), key="figure")
    curves(noisy(), key="noisy")
    curves(window(), key="window")
    curves(spike(), key="spike")
    curves(level(), key="level")
    if st.checkbox("one more"):
        curves(level(), key="more")
    st.text(f"run {state.runs}")
