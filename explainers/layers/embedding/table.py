"""The table, the rows that were read of it, and the gradient that came back to it."""

import dataclasses
from typing import Any

import numpy as np

from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

Row = tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Hold the table.

    Attributes:
        ids: The rows that were read, in order.
        padding: The pad's row; None for none.
        weight: Its rows.
        rows: What was read.
        grad: The gradient of the sum of what was read.
    """

    ids: tuple[int, ...]
    padding: int | None
    weight: tuple[Row, ...]
    rows: tuple[Row, ...]
    grad: tuple[Row, ...]


def table(trace: Trace, settings: Any) -> Table:
    """Return the table of the lesson's run."""

    def rows(values: tuple[float, ...]) -> tuple[Row, ...]:
        return tuple(
            tuple(float(value) for value in values[at : at + settings.dim])
            for at in range(0, len(values), settings.dim)
        )

    weight = final(trace, "embed").parameters["weight"]
    return Table(
        ids=tuple(int(value) for value in final(trace, "ids").values),
        padding=None if settings.padding == "None" else int(settings.padding),
        weight=rows(weight.values),
        rows=rows(final(trace, "rows").values),
        grad=rows(weight.grad.values),
    )


def _returned(found: Table, _: Any) -> float:
    """Return how far the gradient is from one-hot columns times ones, the pad's row left out."""
    one_hot = np.eye(len(found.weight))[list(found.ids)]
    expected = one_hot.T @ np.ones_like(np.array(found.rows))
    if found.padding is not None:
        expected[found.padding] = 0
    return difference(np.array(found.grad).reshape(-1).tolist(), expected.reshape(-1).tolist())


def _padded(found: Table, _: Any) -> float:
    pads = [row for key, row in zip(found.ids, found.rows, strict=True) if key == found.padding]
    return float(np.abs(np.array(pads)).max(initial=0.0))


TABLE = Figure(
    title="The table, what was read, what came back",
    result=table,
    leads=True,
    proofs=(
        FigureProof(
            "What comes back is the transposed one-hot product, without the pad's row.",
            "numpy.eye and numpy's product",
            _returned,
            twin=("rows = embed(ids)", "rows = torch.eye(5)[ids] @ embed.weight"),
        ),
        FigureProof(
            "Reading the pad gives zeros.",
            "zeros",
            _padded,
            twin=("ids = torch", "torch.nn.init.ones_(embed.weight)\nids = torch"),
        ),
    ),
)
