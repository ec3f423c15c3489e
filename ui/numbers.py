"""Draw the numbers: an operation's input and output as two tables, linked entry by entry."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from explainers.linkage import MAX_SIDE, Linkage
from ui.component import Component
from ui.loupe import loupe_data

__all__ = ["MAX_SOURCE_SIDE", "NUMBERS", "checked_table", "numbers", "numbers_data"]

MAX_SOURCE_SIDE = 8
"""Longest side of an input: its numbers must be large enough to be typed into."""

NUMBERS = Component("torch_loupe_numbers", "loupe", "numbers", kind=("loupe", "Numbers"))


def numbers(
    source: Tensor,
    output: Tensor,
    linkage: Linkage,
    *,
    key: str,
    alt: str,
    source_title: str | None = None,
    output_title: str = "Output",
    in_name: str = "in",
    out_name: str = "out",
    start: tuple[int, int] | None = None,
    minimum: float,
    maximum: float,
    on_edit: Callable[[list[list[float]]], None] | None = None,
) -> None:
    """Show an operation's input and output as tables of numbers; the input may be edited.

    Its page sends the code of `NUMBERS`.

    It is the loupe for numbers: hovering, tapping or walking to an output rings its sources,
    writes each weight on its source, and writes the weighted sum, such as
    ``out[1,2] = 0.222·in[0,0] + 0.444·in[0,1] + ... = 2.333``; an entry of the input shows where
    it goes. Indices are row, column, counted from 0 at the top left. Entries are black at the
    bottom of both tables' range and white at its top, evenly in lightness (CIE L*). An output too
    small for its number keeps its shade.

    Args:
        source: ``(H, W)`` input, floating, finite, sides from 1 to 8, entries within the bounds.
        output: ``(H', W')`` what the operation made of it, floating, finite, sides from 1 to 32.
        linkage: The operation's linkage, taken at ``source`` if it is not linear.
        key: Name of the tables, unique on its page. A pinned entry outlives new data of the same
            shapes under the same key.
        alt: What there is to see, for those who do not see it.
        source_title: Heading of the input; None says that it is the input, and whether a reader
            may edit it.
        output_title: Heading of the output.
        in_name: The input's name in the sum.
        out_name: The output's name in the sum.
        start: (row, column) of the output shown at first; None picks one near the centre with
            many sources.
        minimum: Least entry that a reader may type.
        maximum: Greatest entry that a reader may type.
        on_edit: Called before the page's next run with the whole table, rows of finite numbers
            within the bounds, once a reader has changed an entry. Keep it, and make ``source``
            of it. None makes the input one to look at.

    Raises:
        ValueError: Shapes disagree or are too large, a table is not floating or not finite, the
            bounds are not finite or not in order, ``source`` lies outside of them, or ``start``
            outside the output.
    """
    data = numbers_data(source, output, linkage, start=start, minimum=minimum, maximum=maximum)
    editable = on_edit is not None
    if source_title is None:
        source_title = "Input (edit a number)" if editable else "Input"
    data |= {"alt": alt, "editable": editable}
    data["in"] |= {"title": source_title, "name": in_name}
    data["out"] |= {"title": output_title, "name": out_name}
    rows, columns = linkage.in_shape

    def edited(sent: object) -> None:
        table = checked_table(sent, (rows, columns), minimum=minimum, maximum=maximum)
        if on_edit is not None and table is not None:
            on_edit(table)

    NUMBERS.draw(data, key=key, on_edit=None if on_edit is None else edited)


def numbers_data(
    source: Tensor,
    output: Tensor,
    linkage: Linkage,
    *,
    start: tuple[int, int] | None = None,
    minimum: float,
    maximum: float,
) -> dict[str, Any]:
    """Pack tables and linkage for the browser.

    Args:
        source: ``(H, W)`` input.
        output: ``(H', W')`` output.
        linkage: Their linkage.
        start: (row, column) of the output to show first, or None.
        minimum: Least entry of the input.
        maximum: Greatest entry of the input.

    Returns:
        What `ui.loupe.loupe_data` returns, with one range for both tables; ``in`` also has
        ``entries``, its numbers in row-major order, each the shortest decimal that is the entry
        in the input's own dtype. ``minimum``, ``maximum`` and ``rule``, which says them in words.

    Raises:
        ValueError: As `numbers`.
    """
    for name, table, side in (("source", source, MAX_SOURCE_SIDE), ("output", output, MAX_SIDE)):
        if table.dim() != 2 or not all(1 <= length <= side for length in table.shape):
            raise ValueError(
                f"{name} must have two sides from 1 to {side}, got shape {tuple(table.shape)}"
            )
        if not table.is_floating_point():
            raise ValueError(f"{name} must be floating point, got {table.dtype}")
    if not (math.isfinite(minimum) and math.isfinite(maximum) and minimum < maximum):
        raise ValueError(
            f"minimum and maximum must be finite and in order, got {minimum} and {maximum}"
        )
    rule = f"a number from {minimum:g} to {maximum:g}"
    data = loupe_data(source, output, linkage, start=start)
    entries = _decimals(source)
    for entry in entries:
        if not minimum <= entry <= maximum:
            raise ValueError(
                f"source must hold numbers from {minimum:g} to {maximum:g}, got {entry:g}"
            )
    data["in"]["entries"] = entries
    return data | {
        "minimum": minimum,
        "maximum": maximum,
        "rule": rule,
        "noun": "output",
        "empty_text": "no source",
    }


def checked_table(
    sent: object, shape: tuple[int, int], *, minimum: float, maximum: float
) -> list[list[float]] | None:
    """Return what a browser sent as a table of floats, or None if it is no such table.

    Args:
        sent: Anything that JSON can say.
        shape: ``(H, W)`` that it must have.
        minimum: Least entry.
        maximum: Greatest entry.
    """
    rows, columns = shape

    def is_entry(value: object) -> bool:
        # Of NaN no comparison holds; true is an int to Python.
        kind = isinstance(value, int | float) and not isinstance(value, bool)
        return kind and minimum <= value <= maximum  # type: ignore[operator]

    if not isinstance(sent, list) or len(sent) != rows:
        return None
    for row in sent:
        if not isinstance(row, list) or len(row) != columns or not all(map(is_entry, row)):
            return None
    return [[float(value) for value in row] for row in sent]


def _decimals(table: Tensor) -> list[float]:
    """Return the entries as short as their dtype allows: 0.1, not 0.10000000149011612."""
    values = table.detach().cpu().reshape(-1)
    # numpy has no bfloat16.
    array = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return [float(str(value)) for value in array]
