"""One look for every figure: palette, sizes, pictures side by side, maps.

Text and background come from the page's theme, so a figure sets neither.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

# Okabe and Ito's palette: told apart by readers with any colour vision.
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
NEUTRAL = "#808080"
INTENSITY = "Cividis"

CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


def floats(values: "Tensor") -> Array:
    """Return a tensor as float64 for drawing."""
    return values.detach().numpy().astype(np.float64)


def png(image: "Tensor") -> bytes:
    """Return a picture ``(C, H, W)`` or ``(H, W)`` with values in [0, 1] as a PNG file.

    Values outside are clipped. Lossless at 8 bits, fast rather than small.
    """
    array = np.clip(image.detach().numpy(), 0, 1)
    if array.ndim == 3:
        array = array.transpose(1, 2, 0)
        grey = array.shape[2] == 1 or (array == array[:, :, :1]).all()
        if grey:  # a third of the bytes
            array = array[:, :, 0]
    buffer = io.BytesIO()
    Image.fromarray((array * 255 + 0.5).astype(np.uint8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def png_uri(image: "Tensor") -> str:
    """Return a picture as the address of a PNG that is part of the address."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


@dataclass(frozen=True, slots=True)
class Panel:
    """Hold one picture with what is drawn over it.

    Coordinates are pixels: centres at whole numbers, (0, 0) the top left pixel's, y downward.

    Attributes:
        title: Shown above.
        image: ``(C, H, W)`` or ``(H, W)``, values in [0, 1].
        window: Left, top, right and bottom of what is shown; None shows just the picture.
        marks: SVG elements drawn over the picture, in its coordinates.
    """

    title: str
    image: "Tensor"
    window: tuple[float, float, float, float] | None = None
    marks: tuple[str, ...] = ()


def panels(
    entries: Sequence[Panel],
    *,
    alt: str,
    tallest: int = 340,
    narrowest: int = 136,
    abreast: int | None = None,
    words: str = "",
    code: str = "",
) -> str:
    """Return pictures side by side as HTML with inline SVG: crisp pixels, wrapping on a phone.

    A Plotly figure of the same content takes the server 10 ms and the browser more than 40 ms to
    redraw; this takes a few.

    Args:
        entries: From left to right.
        alt: What there is to see, for those who do not see it.
        tallest: Height that no picture exceeds, in CSS pixels.
        narrowest: Width of a square picture below which the row wraps, in CSS pixels.
        abreast: How many stand in a row at most; None leaves that to their widths.
        words: A sentence to stand below; may be empty.
        code: Lines of code or numbers to stand below it; may be empty.
    """
    figures = "".join(_panel(entry, tallest, narrowest, abreast) for entry in entries)
    return (
        f'<div><div class="row" role="img" aria-label="{escape(alt)}">{figures}</div>'
        + _data(entries)
        + (f'<p class="words">{escape(words)}</p>' if words else "")
        + (f"<pre>{escape(code)}</pre>" if code else "")
        + "</div>"
    )


def _data(entries: Sequence[Panel]) -> str:
    return table(_DATA, [_data_row(entry) for entry in entries])


_DATA = ("picture", "pixels", "least", "mean", "largest")


def _data_row(entry: Panel) -> tuple[str, ...]:
    array = entry.image.detach().numpy()
    height, width = array.shape[-2:]
    numbers = (f"{value:.3g}" for value in (array.min(), array.mean(), array.max()))
    return (entry.title, f"{height} × {width}", *numbers)


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a figure's numbers as a table to open.

    Args:
        names: Of the columns.
        rows: Words and numbers; the first of each names its row.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    return (
        f"<details><summary>Data</summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></details>"
    )


def drawing(
    inner: str,
    *,
    kind: str,
    alt: str,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    words: str = "",
) -> str:
    """Return a drawing with words for those who do not see it, and its numbers to open.

    Args:
        inner: Its markup.
        kind: Its class in assets/pictures.css.
        alt: What there is to see now.
        names: Of the columns of its numbers.
        rows: Its numbers, as of `table`.
        words: A sentence to stand below; may be empty.
    """
    return (
        f'<div><div class="{kind}" role="img" aria-label="{escape(alt)}">{inner}</div>'
        + (f'<p class="words">{escape(words)}</p>' if words else "")
        + table(names, rows)
        + "</div>"
    )


def _panel(entry: Panel, tallest: int, narrowest: int, abreast: int | None) -> str:
    height, width = entry.image.shape[-2:]
    left, top, right, bottom = entry.window or (-0.5, -0.5, width - 0.5, height - 0.5)
    # Equal heights: each panel's share of the row is its shape.
    share = (right - left) / (bottom - top)
    least = f"{narrowest * min(1, share):.0f}px"
    if abreast:
        least = f"max({least},calc({100 / abreast:.2f}% - 10px))"  # 12 px lie between two
    return (
        f'<figure style="flex:{share:.3f} 1 0;min-width:{least};'
        f'max-width:{tallest * share:.0f}px"><figcaption>{escape(entry.title)}</figcaption>'
        f'<svg viewBox="{left:.2f} {top:.2f} {right - left:.2f} {bottom - top:.2f}">'
        f'<image x="-0.5" y="-0.5" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'href="{png_uri(entry.image)}"/>'
        f'<rect x="-0.5" y="-0.5" width="{width}" height="{height}" fill="none" stroke="{NEUTRAL}" '
        'stroke-width="1" vector-effect="non-scaling-stroke"/>'
        f"{''.join(entry.marks)}</svg></figure>"
    )


def lines(paths: Array, *, colour: str, width: float = 1.4) -> str:
    """Return polylines ``(n, m, 2)`` as SVG: a pale stroke under a coloured one.

    Args:
        paths: Points (x, y) of each line.
        colour: Of the line.
        width: Of the coloured stroke, in CSS pixels at any size of the picture.
    """
    d = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in path)
        for path in paths.reshape(len(paths), -1, 2)
    )
    return "".join(
        f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{thick}" '
        'vector-effect="non-scaling-stroke"/>'
        for stroke, thick in (("rgba(255,255,255,0.7)", width + 1.6), (colour, width))
    )


def arrows(starts: Array, ends: Array, *, colour: str, head: float) -> str:
    """Return arrows as SVG, a dot where each starts and a head where it ends.

    Args:
        starts: ``(n, 2)`` points (x, y).
        ends: ``(n, 2)`` points (x, y).
        colour: Of the arrows.
        head: Length of a head, in the picture's pixels.
    """
    step = ends - starts
    length = np.hypot(step[:, 0], step[:, 1])
    far = length > head / 2
    along = step / np.maximum(length, 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    back = ends - head * along
    barbs = np.stack([back + 0.45 * head * across, ends, back - 0.45 * head * across], axis=1)
    shafts = np.stack([starts, ends], axis=1)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{head / 4:.1f}" fill="{colour}"/>' for x, y in starts
    )
    if not far.any():
        return dots
    return lines(shafts[far], colour=colour) + lines(barbs[far], colour=colour) + dots


_SYMBOLS = {
    "circle": "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
    "square": "M-.9-.9H.9V.9H-.9Z",
    "cross": "M-1-.35H-.35V-1H.35V-.35H1V.35H.35V1H-.35V.35H-1Z",
    "triangle": "M0-1.05L1 .8H-1Z",
}
SYMBOLS = tuple(_SYMBOLS)


def mark(symbol: str, x: float, y: float, *, colour: str, size: float, words: str) -> str:
    """Return a marker as SVG, with words shown when it is pointed at.

    Args:
        symbol: One of `SYMBOLS`.
        x: Pixels to the right.
        y: Pixels downward.
        colour: Of the marker.
        size: Half its width, in the picture's pixels.
        words: What it marks.
    """
    return (
        f'<path d="{_SYMBOLS[symbol]}" transform="translate({x:.1f} {y:.1f}) scale({size:.2f})" '
        f'fill="{colour}" stroke="white" stroke-width="0.25"><title>{escape(words)}</title></path>'
    )


@dataclass(frozen=True, slots=True)
class Chart:
    """Hold a Plotly figure and the words for those who do not see it."""

    figure: go.Figure
    alt: str

    @property
    def table(self) -> str:
        """The numbers as markup: a table to open, of at most 40 points of each trace."""
        rows = "".join(_trace_rows(trace) for trace in self.figure.data)
        head = "".join(f'<th scope="col">{name}</th>' for name in ("trace", "x", "y"))
        return (
            f"<div><details><summary>Data</summary><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table></details></div>"
        )


_MOST_ROWS = 40


def _trace_rows(trace: Any) -> str:
    if (z := getattr(trace, "z", None)) is not None:
        ends = f"<td>{np.min(z):.4g} at least</td><td>{np.max(z):.4g} at most</td>"
        return f'<tr><th scope="row">{escape(str(trace.name or "map"))}</th>{ends}</tr>'
    xs, ys = (list(part) if part is not None else [] for part in (trace.x, trace.y))
    pairs = [(x, y) for x, y in zip(xs, ys, strict=False) if x is not None and y is not None]
    thinned = pairs[:: -(-len(pairs) // _MOST_ROWS) or 1]
    name = escape(str(trace.name or ""))
    return "".join(
        f'<tr><th scope="row">{name}</th><td>{_cell(x)}</td><td>{_cell(y)}</td></tr>'
        for x, y in thinned
    )


def _cell(value: Any) -> str:
    return escape(value) if isinstance(value, str) else f"{float(value):.4g}"
