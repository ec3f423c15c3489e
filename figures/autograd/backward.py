"""Draw what `explainers.autograd.backward` computes beside its stage."""

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style

if TYPE_CHECKING:
    from explainers.autograd.backward.saving import Column, Moment, Saved


def saved(found: "Saved") -> str:
    """Draw the bytes saved after each statement, for each operation."""
    most = max(moment.size for column in found.columns for moment in column.moments) or 1
    (chosen,) = (column for column in found.columns if column.operation == found.chosen)
    labels = [_label(line) for line in found.statements]
    cells = '<span class="corner"></span>' + "".join(
        f"<code{_chosen(column is chosen)}>y = {escape(column.operation)}</code>"
        for column in found.columns
    )
    for index, label in enumerate(labels):
        cells += f'<code class="line">{escape(label)}</code>' + "".join(
            _cell(column.moments[index], most, column is chosen) for column in found.columns
        )
    words = sentence(chosen, found)
    return style.drawing(
        cells,
        kind="bytes",
        alt=f"Bytes that are saved after each statement, for four operations. {words}",
        names=("y", "after", "saved tensors", "bytes", "bytes of memory", "raises"),
        rows=[
            (
                column.operation,
                label,
                str(moment.tensors),
                str(moment.size),
                str(moment.memory),
                "yes" if moment.raised else "no",
            )
            for column in found.columns
            for label, moment in zip(labels, column.moments, strict=True)
        ],
        words=words,
    )


def sentence(column: "Column", found: "Saved") -> str:
    """Return what an operation saved and what backward freed, in sentences."""
    _, after, _, first, second = column.moments
    line = found.statements[3]
    if not after.tensors:
        return f"y = {column.operation} saves nothing, and nothing is freed: backward runs twice."
    many = "tensor" if after.tensors == 1 else "tensors"
    names = " and ".join(dict.fromkeys(name or "a copy" for name in column.kept))
    again = ", twice" if len(column.kept) > len(set(column.kept)) else ""
    said = (
        f"y = {column.operation} saves {after.tensors} {many}, {after.size} bytes: {names}{again}. "
        f"In memory that is {after.memory} bytes, which {names} takes anyway. "
    )
    if first.size:
        return f"{said}{line} keeps them, the second backward lets go of them."
    then = "raises" if second.raised else "runs"
    return f"{said}The first backward lets go of them, and the second {then}."


def _chosen(chosen: bool) -> str:
    return ' class="chosen"' if chosen else ""


def _label(line: str) -> str:
    return "y = …" if line.startswith("y = ") else line


def _cell(moment: "Moment", most: int, chosen: bool) -> str:
    share = 100 * moment.size / most
    bar = f'<i style="width:{share:.1f}%"></i>' if moment.size else '<i class="none"></i>'
    said = "raises" if moment.raised else f"{moment.size} B"
    return f'<span class="cell{" chosen" if chosen else ""}">{bar}{said}</span>'


FIGURES: Mapping[str, Callable[[Any], str]] = {"freed": saved}
