"""Draw a lesson small, for home: its tensors at the step on which the stage opens."""

from typing import TYPE_CHECKING

from explainers.program.states import TensorState
from figures.stage_names import within

if TYPE_CHECKING:
    from explainers.program.topic import View

__all__ = ["thumbnail"]

# The stage's own colours: one a storage, darker further back in it.
_HUES = ("#0072b2", "#009e73", "#cc79a7", "#e69f00")
_MOST = 3
_WIDTH, _HEIGHT = 240, 120


def thumbnail(view: "View") -> str:
    """Return the home card's picture as SVG: tensors as grids, coloured by their storage."""
    steps = view.trace.steps
    names = steps[min(view.start, len(steps) - 1)].names
    held = {
        id(state): state
        for name, value in names.items()
        for _, state in within(name, value)
        if isinstance(state, TensorState)
        and state.cells
        and (not view.lesson.shows or name in view.lesson.shows)
    }
    shown = list(held.values())[-_MOST:]
    hues = {storage: n for n, storage in enumerate(dict.fromkeys(s.storage for s in shown))}
    size = min(18.0, *(_side(state) for state in shown)) if shown else 18.0
    widths = [_columns(state) * size for state in shown]
    gap = (_WIDTH - sum(widths)) / (len(shown) + 1)
    x, drawn = gap, []
    for state, width in zip(shown, widths, strict=True):
        drawn.append(_grid(state, x, size, _HUES[hues[state.storage] % len(_HUES)]))
        x += width + gap
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}">{"".join(drawn)}</svg>'
    )


def _columns(state: TensorState) -> int:
    return state.shape[-1] if state.shape else 1


def _rows(state: TensorState) -> int:
    return len(state.cells or ()) // max(_columns(state), 1)


def _side(state: TensorState) -> float:
    """Return how large a cell may be that a third of the width and the height hold the grid."""
    return min(70 / _columns(state), 104 / _rows(state))


def _grid(state: TensorState, x: float, size: float, hue: str) -> str:
    cells = state.cells or ()
    last = max(*cells, 1)
    y = (_HEIGHT - _rows(state) * size) / 2
    return "".join(
        f'<rect x="{x + at % _columns(state) * size:.1f}" '
        f'y="{y + at // _columns(state) * size:.1f}" width="{size - 1:.1f}" '
        f'height="{size - 1:.1f}" fill="{hue}" opacity="{0.15 + 0.7 * cell / last:.2f}"/>'
        for at, cell in enumerate(cells)
    )
