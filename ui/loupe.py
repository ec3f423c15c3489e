"""Draw the loupe: two pictures, pixel linked to pixel, with the sum that joins them."""

import base64
from typing import Any

import torch
from torch import Tensor

from explainers.linkage import Linkage
from ui.component import Component

__all__ = ["LOUPE", "loupe", "loupe_data"]

EMPTY_TEXT = "no source: it lies outside the picture and padding_mode fills it"

LOUPE = Component("torch_loupe", "loupe", kind=("loupe", "Loupe"))


def loupe(
    source: Tensor,
    output: Tensor,
    linkage: Linkage,
    *,
    key: str,
    alt: str,
    source_title: str = "Input",
    output_title: str = "Output",
    in_name: str = "in",
    out_name: str = "out",
    empty_text: str = EMPTY_TEXT,
    start: tuple[int, int] | None = None,
    size: int = 360,
    shared_range: bool = True,
) -> None:
    """Show an operation's input and output side by side, with every pixel's sources at hand.

    Its page sends the code of `LOUPE`.

    Hovering, tapping or walking to an output pixel rings its sources on the input and writes the
    weighted sum, such as ``out[7,8] = 0.396·in[7,8] + 0.300·in[7,9] = 0.512``; a pixel of the
    input shows where it goes. Indices are row, column, counted from 0 at the top left. Pixels are
    black at the bottom of their range and white at its top, evenly in lightness (CIE L*).

    Args:
        source: ``(H, W)`` input picture, finite.
        output: ``(H', W')`` what the operation made of it, finite.
        linkage: The operation's linkage, taken at ``source`` if it is not linear.
        key: Name of the loupe, unique on its page. A pinned pixel outlives new data of the same
            shapes under the same key.
        alt: What there is to see, for those who do not see it.
        source_title: Heading of the input.
        output_title: Heading of the output.
        in_name: The input's name in the sum.
        out_name: The output's name in the sum.
        empty_text: Why an output pixel may have no source; ends a sentence.
        start: (row, column) of the output pixel shown at first; None picks one near the centre
            with many sources.
        size: Largest side of a picture on screen, in CSS pixels.
        shared_range: Whether equal greys mean equal values in both pictures. A range is 0 to 1
            where that holds all values, else their minimum to their maximum.

    Raises:
        ValueError: Shapes disagree, a picture is not finite, or ``start`` lies outside the output.
    """
    data = loupe_data(source, output, linkage, start=start, shared_range=shared_range)
    data |= {"alt": alt, "empty_text": empty_text, "size": size, "noun": "pixel"}
    data["in"] |= {"title": source_title, "name": in_name}
    data["out"] |= {"title": output_title, "name": out_name}
    LOUPE.draw(data, key=key)


def loupe_data(
    source: Tensor,
    output: Tensor,
    linkage: Linkage,
    *,
    start: tuple[int, int] | None = None,
    shared_range: bool = True,
) -> dict[str, Any]:
    """Pack pictures and linkage for the browser: typed arrays, little-endian, in base64.

    Args:
        source: ``(H, W)`` input picture.
        output: ``(H', W')`` output picture.
        linkage: Their linkage.
        start: (row, column) of the output pixel to show first, or None.
        shared_range: Whether both pictures have one range of values.

    Returns:
        ``in`` and ``out``, each with ``shape``, ``range`` and ``pixels`` (float32); ``k``,
        ``indices`` (int16, -1 for none), ``weights`` (float32), ``remainder`` (float32);
        ``start`` and ``start_given``. Of k, only as many are sent as some pixel has sources.

    Raises:
        ValueError: As `loupe`.
    """
    for name, picture, shape in (
        ("source", source, linkage.in_shape),
        ("output", output, linkage.out_shape),
    ):
        if tuple(picture.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {tuple(picture.shape)}")
        if not picture.isfinite().all():
            raise ValueError(f"{name} must be finite, got a picture with inf or nan")
    rows, columns = linkage.out_shape
    start_given = start is not None
    if start is None:
        start = _start(source, linkage)
    elif not (0 <= start[0] < rows and 0 <= start[1] < columns):
        raise ValueError(f"start must lie in the {rows}x{columns} output, got {start}")
    k = int((linkage.indices >= 0).sum(dim=-1).max())
    ranges = _range(source), _range(output)
    if shared_range:
        both = min(ranges[0][0], ranges[1][0]), max(ranges[0][1], ranges[1][1])
        ranges = both, both
    return {
        "in": {
            "shape": list(linkage.in_shape),
            "range": ranges[0],
            "pixels": _packed(source, "<f4"),
        },
        "out": {"shape": [rows, columns], "range": ranges[1], "pixels": _packed(output, "<f4")},
        "k": k,
        "indices": _packed(linkage.indices[..., :k], "<i2"),
        "weights": _packed(linkage.weights[..., :k], "<f4"),
        "remainder": _packed(linkage.remainder, "<f4"),
        "start": list(start),
        "start_given": start_given,
    }


def _packed(values: Tensor, dtype: str) -> str:
    if values.is_floating_point():
        values = values.float()  # numpy has no bfloat16
    array = values.detach().cpu().numpy().astype(dtype)
    return base64.b64encode(array.tobytes()).decode("ascii")


def _range(picture: Tensor) -> tuple[float, float]:
    low, high = float(picture.min()), float(picture.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _start(source: Tensor, linkage: Linkage) -> tuple[int, int]:
    """Return the output pixel nearest the centre that has most to show."""
    present = linkage.indices >= 0
    count = present.sum(dim=-1)
    values = source.detach().cpu().double().reshape(-1)[linkage.indices.clamp(min=0)]
    spread = values.where(present, -torch.inf).amax(-1) - values.where(present, torch.inf).amin(-1)
    # Sources that all look alike explain little: prefer those that differ.
    low, high = float(source.min()), float(source.max())
    telling = (count == count.max()) & (spread > (high - low) / 2)
    best = telling if telling.any() else count == count.max()
    rows, columns = linkage.out_shape
    row, column = torch.arange(rows)[:, None], torch.arange(columns)
    distance = (row - (rows - 1) / 2) ** 2 + (column - (columns - 1) / 2) ** 2
    index = int(distance.where(best, torch.inf).argmin())
    return divmod(index, columns)
