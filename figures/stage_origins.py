"""Say which cells made a cell, for those that a statement made or wrote, while there are few."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from explainers.program import TensorState, Trace, origins
from figures.stage_names import Seen

__all__ = ["all_made"]

Made: TypeAlias = dict[str, dict[str, list[Any]]]

MOST_CELLS = 64
"""Cells of a tensor whose origins are sent."""
MOST_ORIGINS = 8
"""Origins of a cell that are sent, the strongest."""
MOST_IN_ALL = 600
"""Origins of a run that are sent."""


def all_made(trace: Trace, shown: Sequence[Mapping[str, Seen]]) -> Iterator[Made]:
    """Give for each step the origins of the cells that it made or wrote, by storage and cell.

    Of each cell: how many origins it has, then name, index and weight of the strongest. What is
    only another view of known cells is left out, and so is what goes beyond the bounds above, and
    all that follows where a busy machine had no time for it.
    """
    left = MOST_IN_ALL
    known: set[str] = set()
    for index, step in enumerate(trace.steps):
        written = {one.storage: set(one.cells or ()) for one in step.changes.written}
        made: Made = {}
        for path, state in _tensors(shown[index]):
            if state.storage in known and state.storage not in written:
                continue
            if state.cells is None or len(state.cells) > MOST_CELLS or not state.storage:
                continue
            found = made.setdefault(state.storage, {})
            for number, cell in enumerate(state.cells):
                fresh = state.storage not in known or cell in written[state.storage]
                if not fresh or str(cell) in found or left <= 0:
                    continue
                try:
                    every = origins(trace, index, path, _index(number, state.shape))
                except TimeoutError:
                    return
                kept = every[:MOST_ORIGINS]
                left -= len(kept) + 1
                found[str(cell)] = [
                    len(every),
                    *([one.name, list(one.index), _rounded(one.weight)] for one in kept),
                ]
        known |= {state.storage for _, state in _tensors(shown[index])}
        yield {label: cells for label, cells in made.items() if cells}


def _tensors(shown: Mapping[str, Seen]) -> Iterator[tuple[str, TensorState]]:
    for place, one in shown.items():
        if isinstance(one.state, TensorState):
            path = place.split(" in ", maxsplit=1)[0]
            yield path, one.state
            if one.state.grad is not None:
                yield f"{path}.grad", one.state.grad


def _index(number: int, shape: Sequence[int]) -> tuple[int, ...]:
    index: list[int] = []
    for size in reversed(shape):
        number, at = divmod(number, size)
        index.insert(0, at)
    return tuple(index)


def _rounded(weight: float | None) -> float | str | None:
    if weight is None:
        return None
    short = float(f"{weight:.4g}")
    return short if abs(short) < float("inf") else str(short)
