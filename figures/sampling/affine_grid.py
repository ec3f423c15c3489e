"""Draw what `explainers.sampling.affine_grid` computes."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from figures import style
from figures.curves import Band, Curves, Line, Mark
from figures.player import Curve, Film

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.sampling.affine_grid import Found, View
    from explainers.sampling.affine_grid.mistakes import (
        FlagTable,
        FullTurn,
        Libraries,
        PaddingRuler,
        PictureMistake,
    )

Array = NDArray[np.float64]
_NOUGHT = 1e-5  # float32 rounding, in pictures from 0 to 1
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
    # The window holds picture and lattice with its marks, but no more than 0.9 pictures around.
    reach = 0.9 * max(height, width)
    low, high = reads.reshape(-1, 2).min(axis=0), reads.reshape(-1, 2).max(axis=0)
    margin = 0.04 * max(height, width, *(high - low))
    window = (
        max(min(-0.5, low[0]) - margin, -0.5 - reach),
        max(min(-0.5, low[1]) - margin, -0.5 - reach),
        min(max(width - 0.5, high[0]) + margin, width - 0.5 + reach),
        min(max(height - 0.5, high[1]) + margin, height - 0.5 + reach),
    )
    margin = 0.04 * max(out_height, out_width)
    right, bottom = out_width - 1.0, out_height - 1.0
    words = view.sentence or "theta is singular: the output reads one line or point."
    # On a picture made small the lines would hide what becomes of it.
    grid = (
        () if view.shrinks else (style.lines(style.floats(view.output_lines), colour=style.BLUE),)
    )
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
                    *grid,
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


def flags(table: "FlagTable", *, wrong: bool) -> tuple[style.Chart, Curves]:
    """Draw the error of the identity for each pair of flags, and where pixels fall on -1 to 1.

    The map of the chosen line's pair stands out.
    """
    return _flag_errors(table, wrong), _convention(table)


def _flag_errors(table: "FlagTable", wrong: bool) -> style.Chart:
    errors = table.errors.numpy().reshape(4, table.size, table.size)
    pairs = [(a, b) for a in (False, True) for b in (False, True)]
    # Two by two of a fixed size, that a phone's width holds.
    side, gap, heading, edge = 152, 16, 40, 6
    wide, high = 2 * side + gap, 2 * (side + heading) + heading
    layout: dict[str, Any] = {
        "annotations": [
            _heading("<b>Error of the identity, by flag pair</b>", 0, 1 - 16 / high, 14, "left"),
            _heading(
                "affine_grid / grid_sample with align_corners =", 0, 1 - 34 / high, 12, "left"
            ),
        ],
        "shapes": [],
    }
    traces = []
    for index, ((given, read), error) in enumerate(zip(pairs, errors, strict=True)):
        suffix = str(index + 1) if index else ""
        row, column = divmod(index, 2)
        left, bottom = column * (side + gap) / wide, (1 - row) * (side + heading) / high
        right, top = min(left + side / wide, 1.0), bottom + side / high
        chosen = index == (2 if wrong else 0)
        bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}
        bare |= {"fixedrange": True, "showline": False}
        ends = [-0.5, table.size - 0.5]
        layout[f"xaxis{suffix}"] = bare | {
            "domain": [left, right],
            "anchor": f"y{suffix}",
            "range": ends,
        }
        layout[f"yaxis{suffix}"] = bare | {
            "domain": [bottom, top],
            "anchor": f"x{suffix}",
            "range": ends[::-1],
        }
        most = f"{error.max():.2g}" if error.max() > _NOUGHT else "0"
        runs = "<b>runs now</b>, " if chosen else ""
        layout["annotations"].append(
            _heading(
                f"{given} / {read}<br>{runs}at most {most}",
                (left + right) / 2,
                top + 5 / high,
                12,
                "center",
            )
        )
        layout["shapes"].append(
            {
                "type": "rect",
                "xref": "paper",
                "yref": "paper",
                "x0": left,
                "x1": right,
                "y0": bottom,
                "y1": top,
                "line": {
                    "color": style.VERMILION if chosen else style.NEUTRAL,
                    "width": 4 if chosen else 1,
                },
            }
        )
        traces.append(
            {
                "type": "heatmap",
                "name": f"{given} / {read}",
                "z": error.round(4).tolist(),
                "zmin": 0,
                "zmax": max(0.01, float(errors.max())),
                "colorscale": style.INTENSITY,
                "showscale": False,
                "opacity": 1 if chosen else 0.55,
                "hovertemplate": "row %{y}, column %{x}: off by %{z:.3f}<extra></extra>",
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
            }
        )
    figure = go.Figure(
        data=traces,
        layout=layout
        | {
            "width": wide + 2 * edge,
            "height": high + 2 * edge,
            "margin": {"l": edge, "r": edge, "t": edge, "b": edge, "autoexpand": False},
            "dragmode": False,
        },
    )
    largest = errors.max(axis=(1, 2))
    equal, mixed = max(largest[0], largest[3]), max(largest[1], largest[2])
    return style.Chart(
        figure,
        f"The identity's error on {table.size} by {table.size} pixels for four pairs of flags: "
        + (f"at most {equal:.0e} with equal flags" if equal else "none with equal flags")
        + f", up to {mixed:.2f} mixed. Outlined: {pairs[2 if wrong else 0][0]} / False.",
    )


def _heading(text: str, x: float, y: float, size: int, side: str) -> dict[str, Any]:
    """Return words that stand on a height of the paper, in the theme's colour."""
    return {
        "text": text,
        "font": {"size": size},
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": side,
        "yanchor": "bottom",
        "align": side,
        "showarrow": False,
        "borderpad": 0,
    }


def _convention(table: "FlagTable") -> Curves:
    first = [float(centre) for centre in table.centres[:, 0]]
    return Curves(
        tuple(
            Line(f"align_corners={flag}", centres, shape="points")
            for flag, centres in zip((False, True), table.centres, strict=True)
        ),
        title="Where the pixels' centres lie between -1 and 1",
        x_title="pixel of a row",
        y_title="normalised position x",
        alt=f"Centres of {table.size} pixels. The first lies at {first[0]:.3g} with "
        f"align_corners=False, at {first[1]:.3g} with True.",
        references=((-1.0, "-1"), (1.0, "1")),
        x_range=(-0.5, table.size - 0.5),
        y_range=(-1.25, 1.25),
        height=240,
        look=0.0,
    )


def libraries(result: "Libraries", *, wrong: bool) -> str:
    """Draw one picture per library, each turned by the same angle."""
    turns = result.wrong if wrong else result.right
    titles = [f"{turn.library}({turn.angle:g}): {turn.way}" for turn in turns]
    return style.panels(
        [style.Panel(title, turn.output) for title, turn in zip(titles, turns, strict=True)],
        alt=f"A card turned by five libraries. {'; '.join(titles)}.",
        tallest=190,
    )


def ruler(result: "PaddingRuler", *, wrong: bool) -> Curves:
    """Draw what a row of pixels gives at positions far outside, and where the probe lands.

    With the wrong line on, the documentation's landing of -3.5 stands beside torch's.
    """
    landing = result.probe_landing["reflection"]
    value = result.probe_value["reflection"]
    # A probe inside is read where it is.
    marks = [Mark(result.probe, value, f"probe: {value:.3g}")]
    if abs(landing - result.probe) > _NOUGHT:
        marks.append(Mark(landing, value, f"reflected to {landing:.3g}", "triangle"))
    if wrong:
        at = int((result.positions - result.documented).abs().argmin())
        there = float(result.values["reflection"][at])
        # The documentation speaks of one position, wherever the probe is.
        of = "" if abs(result.probe + 3.5) < _NOUGHT else ", of -3.5"
        marks.append(Mark(result.documented, there, f"docs{of}: {result.documented:g}", "cross"))
    values = ", ".join(f"{mode} {number:.2f}" for mode, number in result.probe_value.items())
    return Curves(
        (
            *(Line(mode, found, result.positions) for mode, found in result.values.items()),
            Line("pixels", result.pixels, result.centres, shape="points"),
        ),
        title="A row of eight pixels, read inside and far outside",
        x_title="x, normalised position",
        y_title="value read",
        alt=f"Values read along a row of eight pixels. At x = {result.probe:g}: {values}; "
        f"reflection reads at {landing:.2f}.",
        bands=(Band(-1.0, 1.0, "the picture"),),
        marks=tuple(marks),
        height=300,
        y_range=(-0.06, 1.1),
        x_range=(-4.0, 4.0),
        look=result.probe,
    )


def full_turn(result: "FullTurn", *, wrong: bool) -> str:
    """Draw what each mode leaves of a picture after a full turn."""
    remains = result.wrong if wrong else result.right
    off = {
        mode: f"{left.error:.3f}" if left.error > _NOUGHT else "0" for mode, left in remains.items()
    }
    return style.panels(
        [
            style.Panel("Before", result.source),
            *(
                style.Panel(f"{mode}: mean difference {off[mode]}", left.image)
                for mode, left in remains.items()
            ),
        ],
        alt="A card before and after a full turn. Mean difference: "
        + ", ".join(f"{mode} {error}" for mode, error in off.items())
        + ".",
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


def _corner_marks(corners: Array, window: tuple[float, ...], words: str) -> str:
    size = 0.025 * (window[2] - window[0])
    return "".join(
        style.mark(symbol, x, y, colour=colour, size=size, words=words.format(name))
        for (symbol, colour, name), (x, y) in zip(_CORNERS, corners, strict=True)
    )
