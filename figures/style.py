"""One look for every figure: palette, sizes, and pictures as small PNGs.

Text and background come from the page's theme (`theme="streamlit"`), so a figure sets neither.
"""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

# Okabe and Ito's palette: told apart by readers with any colour vision.
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
CATEGORIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
NEUTRAL = "#808080"
INTENSITY = "Cividis"
DIFFERENCE = "RdBu"

# Fixed margins: a figure must not jump when its labels change.
_MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


def png(image: "Tensor") -> bytes:
    """Return a picture ``(C, H, W)`` or ``(H, W)`` with values in [0, 1] as a PNG file.

    Values outside are clipped. Lossless at 8 bits, fast rather than small.
    """
    array = np.clip(image.detach().numpy(), 0, 1)
    if array.ndim == 3:
        array = array.transpose(1, 2, 0)
        if array.shape[2] == 1:
            array = array[:, :, 0]
    buffer = io.BytesIO()
    Image.fromarray((array * 255 + 0.5).astype(np.uint8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def png_uri(image: "Tensor") -> str:
    """Return a picture as the address of a PNG that is part of the address."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def place(figure: go.Figure, image: "Tensor", axis: int = 1) -> None:
    """Put a picture on a panel in pixel coordinates: centres at whole numbers, y downward.

    Args:
        figure: Made by `panels`.
        image: ``(C, H, W)`` or ``(H, W)``, values in [0, 1].
        axis: Number of the panel, from 1.
    """
    suffix = "" if axis == 1 else str(axis)
    height, width = image.shape[-2:]
    figure.add_layout_image(
        source=png_uri(image),
        xref=f"x{suffix}",
        yref=f"y{suffix}",
        x=-0.5,
        y=-0.5,
        sizex=width,
        sizey=height,
        sizing="stretch",
        layer="below",
        yanchor="top",
    )


def panels(titles: list[str], *, height: int, gap: float = 0.03) -> go.Figure:
    """Return a figure of square-pixelled panels side by side, each with its title above.

    Axes are numbered 1, 2, ... from left to right; set their ranges with `window`.
    """
    count = len(titles)
    width = (1 - gap * (count - 1)) / count
    layout: dict[str, Any] = {}
    annotations = []
    for index, title in enumerate(titles):
        suffix = "" if index == 0 else str(index + 1)
        left = index * (width + gap)
        layout[f"xaxis{suffix}"] = {
            "domain": [left, min(1.0, left + width)],
            "anchor": f"y{suffix}",
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
            "ticks": "",
            "showline": False,
            "fixedrange": True,
            "constrain": "domain",
        }
        layout[f"yaxis{suffix}"] = {
            "domain": [0, 1],
            "anchor": f"x{suffix}",
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
            "ticks": "",
            "showline": False,
            "fixedrange": True,
            "scaleanchor": f"x{suffix}",
            "constrain": "domain",
        }
        annotations.append(
            {
                "text": title,
                "x": left + width / 2,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "center",
                "yanchor": "bottom",
                "yshift": 4,
                "showarrow": False,
                "font": {"size": 13},
            }
        )
    return go.Figure(
        layout=go.Layout(
            **layout,
            annotations=annotations,
            height=height,
            margin=_MARGIN,
            showlegend=False,
            hovermode="closest",
            dragmode=False,
        )
    )


def window(
    figure: go.Figure, axis: int, x: tuple[float, float], y: tuple[float, float]
) -> None:
    """Set what a panel shows, in pixels; y runs downward."""
    suffix = "" if axis == 1 else str(axis)
    figure.layout[f"xaxis{suffix}"].range = list(x)
    figure.layout[f"yaxis{suffix}"].range = [y[1], y[0]]


def ink(colour: str) -> str:
    """Return a wide pale stroke's colour to put under a line that crosses a picture."""
    return {ORANGE: "rgba(0,0,0,0.55)", YELLOW: "rgba(0,0,0,0.55)"}.get(
        colour, "rgba(255,255,255,0.75)"
    )


def chart(*, x_title: str, y_title: str, height: int) -> go.Figure:
    """Return an empty chart with named axes and a legend above it."""
    return go.Figure(
        layout=go.Layout(
            height=height,
            margin={"l": 56, "r": 12, "t": 36, "b": 44},
            xaxis={"title": {"text": x_title}, "fixedrange": True, "zeroline": False},
            yaxis={"title": {"text": y_title}, "fixedrange": True, "zeroline": False},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            hovermode="closest",
            dragmode=False,
        )
    )
