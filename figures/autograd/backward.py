"""Draw what `explainers.autograd.backward` computes beside its stage."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style

if TYPE_CHECKING:
    from explainers.autograd.backward.saving import Column, Moment, Saved
    from explainers.autograd.backward.tasks import Tasks, Way


def saved(found: "Saved") -> str:
    """Draw the bytes saved after each statement, for each operation."""
    (chosen,) = (column for column in found.columns if column.operation == found.chosen)
    labels = [_label(line) for line in found.statements]
    cells = _grid(
        [f"y = {column.operation}" for column in found.columns],
        labels,
        [column.moments for column in found.columns],
        found.columns.index(chosen),
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


_TASKS = (
    "trunk = w * w",
    "one = trunk.sum()",
    "other = trunk.prod()",
    "one's backward",
    "other's backward",
)


def tasks(found: "Tasks") -> str:
    """Draw the bytes saved after each task, for each way to go back."""
    (chosen,) = (way for way in found.ways if way.name == found.chosen)
    words = shared(chosen)
    return style.drawing(
        _grid(
            [way.name for way in found.ways],
            _TASKS,
            [way.moments for way in found.ways],
            found.ways.index(chosen),
        ),
        kind="bytes",
        alt=f"Bytes that are saved after each task, for four ways to go back. {words}",
        names=("tasks", "after", "saved tensors", "bytes", "raises", "w.grad at the end"),
        rows=[
            (
                way.name,
                label,
                "at once" if moment is None else str(moment.tensors),
                "at once" if moment is None else str(moment.size),
                "yes" if moment is not None and moment.raised else "no",
                f"[{', '.join(f'{value:.4g}' for value in way.gradient)}]",
            )
            for way in found.ways
            for label, moment in zip(_TASKS, way.moments, strict=True)
        ],
        words=words,
    )


def shared(way: "Way") -> str:
    """Return what the first task left for the second, in sentences."""
    _, _, whole, first, last = way.moments
    if whole is None or last is None:
        raise ValueError(f"way must have its moments, got {way.name}")
    said = f"{way.name.capitalize()}: both tasks have saved {whole.size} bytes. "
    if first is None:
        return f"{said}They go back at once, and {last.size} bytes are left."
    left = f"The first one leaves {first.size}, the second "
    return f"{said}{left}{'raises' if last.raised else f'leaves {last.size}'}."


def _grid(
    heads: Sequence[str],
    labels: Sequence[str],
    columns: Sequence[Sequence["Moment | None"]],
    chosen: int,
) -> str:
    """Return bars: a column for each head, a row for each label."""
    most = max(moment.size for column in columns for moment in column if moment) or 1
    cells = '<span class="corner"></span>' + "".join(
        f"<code{_chosen(at == chosen)}>{escape(head)}</code>" for at, head in enumerate(heads)
    )
    for index, label in enumerate(labels):
        cells += f'<code class="line">{escape(label)}</code>' + "".join(
            _cell(column[index], most, at == chosen) for at, column in enumerate(columns)
        )
    return cells


def _chosen(chosen: bool) -> str:
    return ' class="chosen"' if chosen else ""


def _label(line: str) -> str:
    return "y = …" if line.startswith("y = ") else line


def _cell(moment: "Moment | None", most: int, chosen: bool) -> str:
    kind = f"cell{' chosen' if chosen else ''}"
    if moment is None:
        return f'<span class="{kind}">at once</span>'
    share = 100 * moment.size / most
    bar = f'<i style="width:{share:.1f}%"></i>' if moment.size else '<i class="none"></i>'
    said = "raises" if moment.raised else f"{moment.size} B"
    return f'<span class="{kind}">{bar}{said}</span>'


FIGURES: Mapping[str, Callable[[Any], str]] = {"freed": saved, "tasks": tasks}
