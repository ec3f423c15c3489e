"""Draw what `explainers.affine_grid` computes."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from figures import style

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
_CORNERS = ("circle", "square", "cross", "triangle-up")
_CORNER_COLOURS = (style.VERMILION, style.BLUE, style.PURPLE, style.GREEN)
_CORNER_NAMES = ("top left", "top right", "bottom right", "bottom left")
_BORDER = "rgba(128,128,128,0.7)"


def see(view: "View") -> go.Figure:
    """Draw the input with the lattice that is read from it, beside the output with that lattice.

    The four marks stand at the output's corners, and where the input is read for them.
    """
    _, height, width = view.picture.shape
    _, out_height, out_width = view.warp.output.shape
    figure = style.panels(
        ["Input, and where the output reads it", "Output of grid_sample"], height=372
    )
    lines = view.lines.numpy()
    reach = 0.55 * max(height, width)
    low, high = lines.reshape(-1, 2).min(axis=0), lines.reshape(-1, 2).max(axis=0)
    left = max(min(-0.5, low[0] - 4), -0.5 - reach)
    right = min(max(width - 0.5, high[0] + 4), width - 0.5 + reach)
    top = max(min(-0.5, low[1] - 4), -0.5 - reach)
    bottom = min(max(height - 0.5, high[1] + 4), height - 0.5 + reach)
    style.window(figure, 1, (left, right), (top, bottom))
    style.window(figure, 2, (-0.5, out_width - 0.5), (-0.5, out_height - 0.5))
    style.place(figure, view.picture, 1)
    style.place(figure, view.warp.output, 2)
    _frame(figure, 1, width, height)
    _frame(figure, 2, out_width, out_height)
    _lattice(figure, 1, lines)
    _lattice(figure, 2, view.output_lines.numpy())
    _corner_marks(figure, 1, view.corners.numpy(), "is read for the {} corner")
    inset = np.array([[0, 0], [out_width - 1, 0], [out_width - 1, out_height - 1], [0, out_height - 1]])
    _corner_marks(figure, 2, inset.astype(np.float64), "{} corner of the output")
    return figure


def see_alt(view: "View") -> str:
    """Say what `see` shows now."""
    _, height, width = view.picture.shape
    _, out_height, out_width = view.warp.output.shape
    what = view.sentence or "theta is singular: the output is read from one line or point."
    return (
        f"Left, the {view.parameters.picture} picture, {width} by {height}, with the lattice of "
        f"positions that are read. Right, the output, {out_width} by {out_height}. {what}"
    )


def theta_code(theta: "Tensor") -> str:
    """Return theta as a line of Python for each row, columns aligned."""
    rows = ["[" + ", ".join(f"{value + 0.0:6.3f}" for value in row) + "]" for row in theta.tolist()]
    return f"theta = [{rows[0]},\n         {rows[1]}]"


def picture_mistake(result: "PictureMistake", *, wrong: bool) -> go.Figure:
    """Draw what was asked for, what the chosen line gives with its reading arrows, and where
    they differ."""
    got = result.wrong if wrong else result.right
    reads = result.wrong_reads if wrong else result.right_reads
    error = result.wrong_error if wrong else result.right_error
    _, height, width = result.source.shape
    tall = height / width
    figure = style.panels(
        [
            "Input; arrows: output pixel → what it reads",
            f"Asked for ({result.wanted_by})",
            "What this line gives",
            f"Difference, mean {error:.3f}",
        ],
        height=int(96 + 190 * tall),
        gap=0.02,
    )
    difference = result.wrong_difference if wrong else result.right_difference
    for axis, image in enumerate((result.source, result.wanted, got, difference), start=1):
        style.window(figure, axis, (-0.5, width - 0.5), (-0.5, height - 0.5))
        style.place(figure, image, axis)
        _frame(figure, axis, width, height)
    _arrows(figure, result.lattice.numpy(), reads.numpy(), height, width)
    return figure


def picture_mistake_alt(result: "PictureMistake", *, wrong: bool) -> str:
    """Say what `picture_mistake` shows now."""
    error = result.wrong_error if wrong else result.right_error
    line = "wrong" if wrong else "right"
    return (
        f"Four pictures: input, what was asked for, what the {line} line gives, and their "
        f"difference, on average {error:.3f} of full scale."
    )


def flags(table: "FlagTable", *, wrong: bool) -> go.Figure:
    """Draw the error of the identity for each pair of flags; the chosen line's pair is framed."""
    names = [f"affine {a}<br>sample {b}" for a in (False, True) for b in (False, True)]
    errors = table.errors.numpy().reshape(4, table.size, table.size)
    figure = style.panels(
        [f"{name}<br><b>max {error.max():.2g}</b>" for name, error in zip(names, errors, strict=True)],
        height=270,
    )
    for index, error in enumerate(errors, start=1):
        suffix = "" if index == 1 else str(index)
        figure.add_trace(
            go.Heatmap(
                z=error,
                zmin=0,
                zmax=max(0.01, float(errors.max())),
                colorscale=style.INTENSITY,
                showscale=index == 4,
                colorbar={"title": {"text": "|error|"}, "thickness": 10, "len": 0.9},
                xaxis=f"x{suffix}",
                yaxis=f"y{suffix}",
                hovertemplate="row %{y}, column %{x}: off by %{z:.3f}<extra></extra>",
            )
        )
        style.window(figure, index, (-0.5, table.size - 0.5), (-0.5, table.size - 0.5))
        _frame(figure, index, table.size, table.size, chosen=index == (3 if wrong else 1))
    figure.update_layout(margin={"l": 8, "r": 8, "t": 70, "b": 8})
    return figure


def flags_alt(table: "FlagTable") -> str:
    """Say what `flags` shows now."""
    errors = table.errors.numpy().max(axis=(2, 3))
    return (
        f"Four maps of the error that the identity makes on {table.size} by {table.size} pixels. "
        f"Equal flags: at most {float(errors.diagonal().max()):.1e}. Mixed: up to "
        f"{float(max(errors[0, 1], errors[1, 0])):.2f}."
    )


def convention(table: "FlagTable") -> go.Figure:
    """Draw the squares of a row of pixels over the axis from -1 to 1, for both conventions."""
    figure = style.chart(x_title="normalised position", y_title="", height=190)
    for index, (flag, centres) in enumerate(
        zip((False, True), table.centres.numpy(), strict=True)
    ):
        y = 1 - index
        step = centres[1] - centres[0]
        for centre in centres:
            figure.add_shape(
                type="rect",
                x0=centre - step / 2,
                x1=centre + step / 2,
                y0=y - 0.28,
                y1=y + 0.28,
                line={"color": style.NEUTRAL, "width": 1},
                fillcolor="rgba(86,180,233,0.18)" if not flag else "rgba(213,94,0,0.14)",
            )
        figure.add_trace(
            go.Scatter(
                x=centres,
                y=np.full(len(centres), y),
                mode="markers",
                marker={
                    "color": style.VERMILION if flag else style.BLUE,
                    "symbol": "diamond" if flag else "circle",
                    "size": 8,
                },
                hovertemplate="centre at %{x:.3f}<extra></extra>",
            )
        )
    for edge in (-1, 1):
        figure.add_vline(x=edge, line={"color": style.NEUTRAL, "dash": "dot", "width": 2})
    figure.update_layout(
        margin={"l": 150, "r": 12, "t": 12, "b": 44},
        showlegend=False,
        yaxis={
            "tickvals": [1, 0],
            "ticktext": ["align_corners=False", "align_corners=True"],
            "range": [-0.5, 1.5],
            "showgrid": False,
        },
        xaxis={"range": [-1.35, 1.35], "tickvals": [-1, -0.5, 0, 0.5, 1], "showgrid": False},
    )
    return figure


def convention_alt(table: "FlagTable") -> str:
    """Say what `convention` shows now."""
    false, true = table.centres[:, 0].tolist()
    return (
        f"Two rows of {table.size} pixel squares over the axis from -1 to 1. The first pixel's "
        f"centre is at {false:.3f} with align_corners False and at {true:.3f} with True."
    )


def libraries(result: "Libraries", *, wrong: bool) -> go.Figure:
    """Draw one picture per library, each turned by the same angle."""
    turns = result.wrong if wrong else result.right
    figure = style.panels(
        [f"{turn.library}<br><b>{turn.measured:+.0f}°</b>" for turn in turns], height=250, gap=0.02
    )
    for axis, turn in enumerate(turns, start=1):
        _, height, width = turn.output.shape
        style.window(figure, axis, (-0.5, width - 0.5), (-0.5, height - 0.5))
        style.place(figure, turn.output, axis)
        _frame(figure, axis, width, height)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 56, "b": 8})
    return figure


def libraries_alt(result: "Libraries", *, wrong: bool) -> str:
    """Say what `libraries` shows now."""
    turns = result.wrong if wrong else result.right
    return "Measured turns, counter-clockwise positive: " + ", ".join(
        f"{turn.library} {turn.measured:+.0f}°" for turn in turns
    )


def ruler(result: "PaddingRuler", *, wrong: bool) -> go.Figure:
    """Draw what a row of pixels gives at positions far outside, and where the probe lands.

    With the wrong line on, the documentation's landing of -3.5 stands beside torch's.
    """
    figure = style.chart(
        x_title="normalised position x that is read", y_title="value read", height=320
    )
    figure.add_vrect(x0=-1, x1=1, fillcolor="rgba(128,128,128,0.14)", line_width=0)
    positions = result.positions.numpy()
    colours = {"zeros": style.BLUE, "border": style.GREEN, "reflection": style.VERMILION}
    for (mode, values), dash in zip(result.values.items(), style.DASHES, strict=False):
        figure.add_trace(
            go.Scatter(
                x=positions,
                y=values.numpy(),
                name=mode,
                line={"color": colours[mode], "dash": dash, "width": 2},
                hovertemplate=f"{mode}: %{{y:.3f}} at %{{x:.2f}}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=result.centres.numpy(),
            y=result.pixels.numpy(),
            name="pixels",
            mode="markers",
            marker={"color": style.NEUTRAL, "size": 9, "symbol": "square"},
            hovertemplate="pixel centre %{x:.3f}, value %{y:.2f}<extra></extra>",
        )
    )
    landing = result.probe_landing["reflection"]
    figure.add_trace(
        go.Scatter(
            x=[result.probe, landing],
            y=[1.12, 1.12],
            name="probe → where reflection reads",
            mode="lines+markers",
            line={"color": style.PURPLE, "width": 2},
            marker={"symbol": ["circle-open", "star"], "size": [12, 13], "color": style.PURPLE},
            hovertemplate="x = %{x:.2f}<extra></extra>",
        )
    )
    if wrong:
        figure.add_trace(
            go.Scatter(
                x=[-3.5, result.documented],
                y=[1.05, 1.05],
                name="documentation's sentence",
                mode="lines+markers",
                line={"color": style.NEUTRAL, "width": 2, "dash": "dash"},
                marker={"symbol": ["circle-open", "x"], "size": 11, "color": style.NEUTRAL},
                hovertemplate="x = %{x:.2f}<extra></extra>",
            )
        )
    for x in (result.probe, landing):
        figure.add_vline(x=x, line={"color": style.PURPLE, "width": 1, "dash": "dot"})
    figure.update_layout(xaxis={"range": [-4.05, 4.05], "dtick": 1}, yaxis={"range": [-0.06, 1.2]})
    return figure


def ruler_alt(result: "PaddingRuler") -> str:
    """Say what `ruler` shows now."""
    values = ", ".join(f"{mode} {value:.2f}" for mode, value in result.probe_value.items())
    return (
        f"Value read along a row of eight pixels. At x = {result.probe:g}: {values}; reflection "
        f"lands at {result.probe_landing['reflection']:.2f}."
    )


def full_turn(result: "FullTurn", *, wrong: bool) -> go.Figure:
    """Draw what each mode leaves of a picture after a full turn."""
    remains = result.wrong if wrong else result.right
    figure = style.panels(
        ["Before<br> "]
        + [f"{mode}<br>contrast left {left.contrast:.0%}" for mode, left in remains.items()],
        height=290,
    )
    images = [result.source, *(left.image for left in remains.values())]
    for axis, image in enumerate(images, start=1):
        _, height, width = image.shape
        style.window(figure, axis, (-0.5, width - 0.5), (-0.5, height - 0.5))
        style.place(figure, image, axis)
        _frame(figure, axis, width, height)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 56, "b": 8})
    return figure


def full_turn_alt(result: "FullTurn", *, wrong: bool) -> str:
    """Say what `full_turn` shows now."""
    remains = result.wrong if wrong else result.right
    kept = ", ".join(f"{mode} {left.contrast:.0%}" for mode, left in remains.items())
    return f"A card before and after a full turn. Contrast left: {kept}."


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: the input, the lattice that is read, the output."""
    _, height, width = view.picture.shape
    scale = 84 / max(height, width)
    lines = "".join(
        f'<line x1="{a[0] * scale:.1f}" y1="{a[1] * scale:.1f}" x2="{b[0] * scale:.1f}" '
        f'y2="{b[1] * scale:.1f}"/>'
        for a, b in view.lines.numpy().astype(float)
    )
    size = f'width="{width * scale:.0f}" height="{height * scale:.0f}"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">'
        '<g transform="translate(26 18)">'
        f'<image {size} href="{style.png_uri(view.picture)}"/>'
        f'<g stroke="{style.BLUE}" stroke-width="1.2" stroke-opacity="0.9">{lines}</g></g>'
        f'<path d="M119 60h10m-4-4 4 4-4 4" fill="none" stroke="{style.NEUTRAL}" '
        'stroke-width="1.6"/>'
        f'<g transform="translate(146 18)"><image {size} href="{style.png_uri(view.warp.output)}"/>'
        "</g></svg>"
    )


def descent_captions(found: "Found") -> list[str]:
    """Return theta at each step, as code."""
    return [theta_code(theta) for theta in found.theta]


def _frame(
    figure: go.Figure, axis: int, width: int, height: int, *, chosen: bool = False
) -> None:
    suffix = "" if axis == 1 else str(axis)
    figure.add_shape(
        type="rect",
        xref=f"x{suffix}",
        yref=f"y{suffix}",
        x0=-0.5,
        y0=-0.5,
        x1=width - 0.5,
        y1=height - 0.5,
        line={"color": style.VERMILION if chosen else _BORDER, "width": 4 if chosen else 1},
    )


def _lattice(figure: go.Figure, axis: int, lines: Array) -> None:
    """Draw all lines as one trace twice: a pale stroke under a coloured one."""
    suffix = "" if axis == 1 else str(axis)
    gaps = np.full((len(lines), 1, 2), np.nan)
    path = np.concatenate([lines, gaps], axis=1).reshape(-1, 2).round(2)
    for colour, width in (("rgba(255,255,255,0.65)", 3), (style.BLUE, 1.2)):
        figure.add_trace(
            go.Scatter(
                x=path[:, 0].tolist(),
                y=path[:, 1].tolist(),
                mode="lines",
                line={"color": colour, "width": width},
                hoverinfo="skip",
                xaxis=f"x{suffix}",
                yaxis=f"y{suffix}",
            )
        )


def _corner_marks(figure: go.Figure, axis: int, corners: Array, words: str) -> None:
    suffix = "" if axis == 1 else str(axis)
    figure.add_trace(
        go.Scatter(
            x=corners[:, 0].round(2).tolist(),
            y=corners[:, 1].round(2).tolist(),
            mode="markers",
            marker={
                "symbol": list(_CORNERS),
                "color": list(_CORNER_COLOURS),
                "size": 12,
                "line": {"color": "white", "width": 1.5},
            },
            cliponaxis=False,
            customdata=[words.format(name) for name in _CORNER_NAMES],
            hovertemplate="(%{x:.1f}, %{y:.1f}) %{customdata}<extra></extra>",
            xaxis=f"x{suffix}",
            yaxis=f"y{suffix}",
        )
    )


def _arrows(figure: go.Figure, starts: Array, ends: Array, height: int, width: int) -> None:
    for start, end in zip(starts.reshape(-1, 2), ends.reshape(-1, 2), strict=True):
        if np.hypot(*(end - start)) < 1:
            continue
        inside = -0.5 <= end[0] <= width - 0.5 and -0.5 <= end[1] <= height - 0.5
        if not inside:
            # Cut the arrow where it leaves the panel; the eye still sees its direction.
            limits = np.array([width - 0.5, height - 0.5])
            step = end - start
            with np.errstate(divide="ignore", invalid="ignore"):
                shares = np.where(step > 0, (limits - start) / step, (-0.5 - start) / step)
            end = start + step * np.nanmin(np.where(np.isfinite(shares), shares, np.nan))
        figure.add_annotation(
            x=float(end[0]),
            y=float(end[1]),
            ax=float(start[0]),
            ay=float(start[1]),
            xref="x",
            yref="y",
            axref="x",
            ayref="y",
            showarrow=True,
            arrowhead=2,
            arrowsize=0.9,
            arrowwidth=1.6,
            arrowcolor=style.VERMILION,
            text="",
        )
