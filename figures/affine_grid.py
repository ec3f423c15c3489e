"""Draw what `explainers.affine_grid` computes."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from figures import style
from figures.player import Curve, Film

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.affine_grid import Found, View
    from explainers.affine_grid.mistakes import (
        FlagTable,
        FullTurn,
        Libraries,
        PaddingRuler,
        PictureMistake,
    )

Array = NDArray[np.float64]
_CORNERS = tuple(
    zip(
        style.SYMBOLS,
        (style.VERMILION, style.BLUE, style.PURPLE, style.GREEN),
        ("top left", "top right", "bottom right", "bottom left"),
        strict=True,
    )
)


def see(view: "View") -> str:
    """Draw the input with the lattice that is read from it, beside the output with that lattice.

    The four marks stand at the output's corners, and where the input is read for them.
    """
    _, height, width = view.picture.shape
    _, out_height, out_width = view.warp.output.shape
    reads = style.floats(view.lines)
    # The window holds picture and lattice, but no more than half a picture around.
    reach, margin = 0.5 * max(height, width), 0.04 * max(height, width)
    low, high = reads.reshape(-1, 2).min(axis=0), reads.reshape(-1, 2).max(axis=0)
    window = (
        max(min(-0.5, low[0]) - margin, -0.5 - reach),
        max(min(-0.5, low[1]) - margin, -0.5 - reach),
        min(max(width - 0.5, high[0]) + margin, width - 0.5 + reach),
        min(max(height - 0.5, high[1]) + margin, height - 0.5 + reach),
    )
    margin = 0.04 * max(out_height, out_width)
    right, bottom = out_width - 1.0, out_height - 1.0
    words = view.sentence or "theta is singular: the output reads one line or point."
    corners = np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])
    return style.panels(
        [
            style.Panel(
                "Input, read on the grid",
                view.picture,
                window,
                (
                    style.lines(reads, colour=style.BLUE),
                    _corner_marks(
                        style.floats(view.corners), window, ("is read for the {} corner")
                    ),
                ),
            ),
            style.Panel(
                "Output",
                view.warp.output,
                (-0.5 - margin, -0.5 - margin, right + 0.5 + margin, bottom + 0.5 + margin),
                (
                    style.lines(style.floats(view.output_lines), colour=style.BLUE),
                    _corner_marks(
                        corners, (0, 0, right + 2 * margin, bottom), "the output's {} corner"
                    ),
                ),
            ),
        ],
        alt=f"Left, the input, {width} by {height} pixels, and the positions read. Right, "
        f"the output, {out_width} by {out_height}. {words}",
        tallest=320,
        words=view.sentence,
        code=theta_code(view.theta),
    )


def theta_code(theta: "Tensor") -> str:
    """Return theta as Python, a line for each row, columns aligned."""
    rows = ["[" + ", ".join(f"{value + 0.0:6.3f}" for value in row) + "]" for row in theta.tolist()]
    return f"theta = [{rows[0]},\n         {rows[1]}]"


def picture_mistake(result: "PictureMistake", *, wrong: bool) -> str:
    """Draw what is read, what was asked for, what the chosen line gives, and their difference."""
    error = result.wrong_error if wrong else result.right_error
    line = "wrong" if wrong else "right"
    reads = result.wrong_reads if wrong else result.right_reads
    width = result.source.shape[-1]
    reading = style.arrows(
        style.floats(result.lattice).reshape(-1, 2),
        style.floats(reads).reshape(-1, 2),
        colour=style.VERMILION,
        head=width / 24,
    )
    return style.panels(
        [
            style.Panel("Input: output pixel → what it reads", result.source, marks=(reading,)),
            style.Panel(f"Asked for ({result.wanted_by})", result.wanted),
            style.Panel(f"The {line} line's result", result.wrong if wrong else result.right),
            style.Panel(
                f"Difference, mean {error:.3f}",
                result.wrong_difference if wrong else result.right_difference,
            ),
        ],
        alt=f"Input, target, the {line} line's result, their difference: mean {error:.3f} "
        "of full scale.",
        tallest=230,
    )


def flags(table: "FlagTable", *, wrong: bool) -> tuple[style.Chart, ...]:
    """Draw the error of the identity for each pair of flags, and where pixels fall on -1 to 1.

    The chosen line's pair is marked.
    """
    return _flag_errors(table, wrong), _convention(table)


def _flag_errors(table: "FlagTable", wrong: bool) -> style.Chart:
    errors = table.errors.numpy().reshape(4, table.size, table.size)
    names = [f"{a} / {b}" for a in (False, True) for b in (False, True)]
    gap = 0.04
    width = (1 - 3 * gap) / 4
    layout: dict[str, Any] = {"annotations": []}
    traces = []
    for index, (name, error) in enumerate(zip(names, errors, strict=True)):
        suffix = str(index + 1) if index else ""
        left = index * (width + gap)
        chosen = index == (2 if wrong else 0)
        bare: dict[str, Any] = {"showticklabels": False, "ticks": "", "showgrid": False}
        bare |= {"fixedrange": True, "zeroline": False}
        domain = [left, min(1.0, left + width)]
        layout[f"xaxis{suffix}"] = {**bare, "domain": domain, "anchor": f"y{suffix}"}
        layout[f"yaxis{suffix}"] = {
            **bare,
            "anchor": f"x{suffix}",
            "scaleanchor": f"x{suffix}",
            "autorange": "reversed",
        }
        layout["annotations"].append(
            {
                "text": f"{'▶ ' if chosen else ''}{name}<br>max {error.max():.2g}",
                "x": left + width / 2,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "center",
                "yanchor": "bottom",
                "showarrow": False,
            }
        )
        traces.append(
            {
                "type": "heatmap",
                "z": error.round(4).tolist(),
                "zmin": 0,
                "zmax": max(0.01, float(errors.max())),
                "colorscale": style.INTENSITY,
                "showscale": index == 3,
                "colorbar": {"title": {"text": "|error|"}, "thickness": 10},
                "hovertemplate": "row %{y}, column %{x}: off by %{z:.3f}<extra></extra>",
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
            }
        )
    title = "The identity's error: affine_grid's / grid_sample's align_corners"
    figure = go.Figure(
        data=traces,
        layout={
            **layout,
            "title": {"text": title, "font": {"size": 14}},
            "height": 300,
            "margin": {"l": 8, "r": 8, "t": 92, "b": 8},
            "dragmode": False,
        },
    )
    pairs = errors.max(axis=(1, 2))
    return style.Chart(
        figure,
        f"The identity's error on {table.size} by {table.size} pixels: at most "
        f"{max(pairs[0], pairs[3]):.1e} with equal flags, {max(pairs[1], pairs[2]):.2f} "
        "mixed.",
    )


def _convention(table: "FlagTable") -> style.Chart:
    traces: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    looks = (("circle", style.BLUE), ("diamond", style.VERMILION))
    for y, centres, (symbol, colour) in zip(
        (1, 0), style.floats(table.centres), looks, strict=True
    ):
        half = (centres[1] - centres[0]) / 2
        edges = [*(centres - half), centres[-1] + half]
        shapes.append(_box(edges[0], edges[-1], y - 0.28, y + 0.28, style.NEUTRAL))
        traces.append(
            {
                "type": "scatter",
                "x": [x for edge in edges for x in (edge, edge, None)],
                "y": [height for _ in edges for height in (y - 0.28, y + 0.28, None)],
                "mode": "lines",
                "line": {"color": style.NEUTRAL, "width": 1},
                "hoverinfo": "skip",
            }
        )
        traces.append(
            {
                "type": "scatter",
                "x": centres.tolist(),
                "y": [y] * len(centres),
                "mode": "markers",
                "marker": {"color": colour, "symbol": symbol, "size": 8},
                "hovertemplate": "centre at %{x:.3f}<extra></extra>",
            }
        )
    for edge in (-1, 1):
        line = {"color": style.NEUTRAL, "dash": "dot", "width": 2}
        shapes.append({"type": "line", "x0": edge, "x1": edge, "y0": -0.5, "y1": 1.5, "line": line})
    return style.chart(
        traces,
        title="Where -1 and 1 fall on a row of pixels",
        x_title="normalised position x",
        y_title="",
        height=220,
        x={"range": [-1.35, 1.35], "tickvals": [-1, -0.5, 0, 0.5, 1], "showgrid": False},
        y={
            "tickvals": [1, 0],
            "ticktext": ["align_corners<br>False", "align_corners<br>True"],
            "range": [-0.5, 1.5],
            "showgrid": False,
        },
        shapes=shapes,
        left=96,
        alt=f"Two rows of {table.size} pixels over -1 to 1. First centre: "
        f"{table.centres[0, 0]:.3f} with align_corners False, {table.centres[1, 0]:.3f} "
        "with True.",
    )


def libraries(result: "Libraries", *, wrong: bool) -> str:
    """Draw one picture per library, each turned by the same angle."""
    turns = result.wrong if wrong else result.right
    return style.panels(
        [style.Panel(f"{turn.library} {turn.measured:+.0f}°", turn.output) for turn in turns],
        alt="Turns, counter-clockwise positive: "
        + ", ".join(f"{turn.library} {turn.measured:+.0f}°" for turn in turns),
        tallest=190,
    )


def ruler(result: "PaddingRuler", *, wrong: bool) -> style.Chart:
    """Draw what a row of pixels gives at positions far outside, and where the probe lands.

    With the wrong line on, the documentation's landing of -3.5 stands beside torch's.
    """
    positions = style.floats(result.positions)[::4].round(3).tolist()
    colours = {"zeros": style.BLUE, "border": style.GREEN, "reflection": style.VERMILION}
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": positions,
            "y": style.floats(values)[::4].round(4).tolist(),
            "name": mode,
            "line": {"color": colours[mode], "dash": dash, "width": 2},
            "hovertemplate": f"{mode}: %{{y:.3f}} at %{{x:.2f}}<extra></extra>",
        }
        for (mode, values), dash in zip(result.values.items(), style.DASHES, strict=False)
    ]
    traces.append(
        {
            "type": "scatter",
            "x": result.centres.tolist(),
            "y": result.pixels.tolist(),
            "name": "pixels",
            "mode": "markers",
            "marker": {"color": style.NEUTRAL, "size": 9, "symbol": "square"},
            "hovertemplate": "pixel centre %{x:.3f}, value %{y:.2f}<extra></extra>",
        }
    )
    landing = result.probe_landing["reflection"]
    traces.append(_jump("probe → read by reflection", result.probe, landing, 1.12, style.PURPLE))
    if wrong:
        traces.append(
            _jump("documentation's sentence", -3.5, result.documented, 1.04, style.NEUTRAL)
        )
    values = ", ".join(f"{mode} {value:.2f}" for mode, value in result.probe_value.items())
    dotted = {"color": style.PURPLE, "width": 1, "dash": "dot"}
    return style.chart(
        traces,
        title="A row of eight pixels read inside (grey) and far outside",
        x_title="normalised position x",
        y_title="value read",
        height=350,
        x={"range": [-4.05, 4.05], "dtick": 1},
        y={"range": [-0.06, 1.2]},
        shapes=[
            {**_box(-1, 1, -0.06, 1.2, "rgba(0,0,0,0)"), "fillcolor": "rgba(128,128,128,0.14)"},
            *(
                {"type": "line", "x0": x, "x1": x, "y0": -0.06, "y1": 1.2, "line": dotted}
                for x in (result.probe, landing)
            ),
        ],
        alt=f"Values read along a row of eight pixels. At x = {result.probe:g}: {values}; "
        f"reflection lands at {landing:.2f}.",
    )


def full_turn(result: "FullTurn", *, wrong: bool) -> str:
    """Draw what each mode leaves of a picture after a full turn."""
    remains = result.wrong if wrong else result.right
    kept = ", ".join(f"{mode} {left.contrast:.0%}" for mode, left in remains.items())
    return style.panels(
        [
            style.Panel("Before", result.source),
            *(
                style.Panel(f"{mode}: {left.contrast:.0%} of the contrast", left.image)
                for mode, left in remains.items()
            ),
        ],
        alt=f"A card before and after a full turn. Contrast: {kept}.",
        tallest=230,
    )


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: the input, the lattice that is read, the output."""
    _, height, width = view.picture.shape
    scale = 84 / max(height, width)
    lines = "".join(
        f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"/>'
        for a, b in style.floats(view.lines) * scale
    )
    size = f'width="{width * scale:.0f}" height="{height * scale:.0f}"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        '<g transform="translate(26 18)">'
        f'<image {size} href="{style.png_uri(view.picture)}"/>'
        f'<g stroke="{style.BLUE}" stroke-width="1.2">{lines}</g></g>'
        f'<path d="M119 60h10m-4-4 4 4-4 4" fill="none" stroke="{style.NEUTRAL}" '
        'stroke-width="1.6"/>'
        f'<g transform="translate(146 18)"><image {size} href="{style.png_uri(view.warp.output)}"/>'
        "</g></svg>"
    )


def descent(found: "Found") -> Film:
    """Draw the warped picture at each step of the descent, with theta as code, and the loss."""
    return Film(
        found.frames,
        captions=[theta_code(theta) for theta in found.theta],
        curves=[Curve("loss", found.loss.tolist(), log=True)],
        reference=found.target,
        reference_title="The turned picture to match",
        title="The input under theta",
        alt=f"Descent over {len(found.loss) - 1} steps. {found.sentence}",
    )


def _box(x0: float, x1: float, y0: float, y1: float, colour: str) -> dict[str, Any]:
    return {
        "type": "rect",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "line": {"color": colour, "width": 1},
        "layer": "below",
    }


def _jump(name: str, start: float, end: float, y: float, colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [start, end],
        "y": [y, y],
        "name": name,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"symbol": ["circle-open", "star"], "size": [12, 13], "color": colour},
        "hovertemplate": "x = %{x:.2f}<extra></extra>",
    }


def _corner_marks(corners: Array, window: tuple[float, ...], words: str) -> str:
    size = 0.025 * (window[2] - window[0])
    return "".join(
        style.mark(symbol, x, y, colour=colour, size=size, words=words.format(name))
        for (symbol, colour, name), (x, y) in zip(_CORNERS, corners, strict=True)
    )
