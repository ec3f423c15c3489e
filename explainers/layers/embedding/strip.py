"""The row of ids cut into bags: what of each id's row went into its bag, and what came out.

The program goes on after the lesson's: it gives each place of the row a table row of its own, so
that two places that hold one id can be told apart.
"""

import dataclasses
from typing import Any

import numpy as np

from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

Row = tuple[float, ...]

PROGRAM = """
import torch
import torch.nn.functional as F

torch.manual_seed(0)
bag = torch.nn.EmbeddingBag(10, 3, mode="${mode}")
ids = torch.tensor([1, 2, 4, 5, 4, 3, 2, 9])
offsets = torch.tensor([0, ${first}, ${second}]).cumsum(0)
rows = bag.weight.detach()[ids].requires_grad_()
out = F.embedding_bag(torch.arange(8), rows, offsets, mode="${mode}")
out.sum().backward()
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """Hold a bag.

    Attributes:
        begin: Its offset.
        end: Where it ends.
        out: What came out.
    """

    begin: int
    end: int
    out: Row


@dataclasses.dataclass(frozen=True, slots=True)
class Strip:
    """Hold the ids and the bags.

    Attributes:
        mode: What becomes of a bag.
        ids: In order.
        rows: The table's row of each.
        shares: The derivative of its bag's result in each number of `rows`.
        bags: In order.
    """

    mode: str
    ids: tuple[int, ...]
    rows: tuple[Row, ...]
    shares: tuple[Row, ...]
    bags: tuple[Held, ...]


def strip(trace: Trace, settings: Any) -> Strip:
    """Return the bags of a run of `PROGRAM`."""
    ids = tuple(int(value) for value in final(trace, "ids").values)
    edges = [*(int(value) for value in final(trace, "offsets").values), len(ids)]
    table, out = final(trace, "rows"), _rows(final(trace, "out").values)
    return Strip(
        mode=settings.mode,
        ids=ids,
        rows=_rows(table.values),
        shares=_rows(table.grad.values),
        bags=tuple(Held(*place) for place in zip(edges[:-1], edges[1:], out, strict=True)),
    )


def _rows(values: tuple[float, ...]) -> tuple[Row, ...]:
    return tuple(tuple(values[at : at + 3]) for at in range(0, len(values), 3))


def _weighed(found: Strip, _: Any) -> float:
    """Return how far the bags are from the sum of their rows, each times its share."""
    most = 0.0
    for bag in found.bags:
        rows, shares = (
            np.array(each[bag.begin : bag.end]).reshape(-1, 3)
            for each in (found.rows, found.shares)
        )
        most = max(most, difference(bag.out, (rows * shares).sum(axis=0).tolist()))
    return most


def _shared(found: Strip, settings: Any) -> float:
    """Return how far the shares are from what the mode says."""
    most = 0.0
    for bag in found.bags:
        if bag.begin == bag.end:
            continue
        rows = np.array(found.rows[bag.begin : bag.end])
        if settings.mode == "max":
            expected = np.zeros(rows.shape)
            expected[rows.argmax(axis=0), [0, 1, 2]] = 1  # of equal ones the first
        else:
            expected = np.full(rows.shape, 1 / len(rows) if settings.mode == "mean" else 1.0)
        shares = np.array(found.shares[bag.begin : bag.end]).reshape(-1)
        most = max(most, difference(shares.tolist(), expected.reshape(-1).tolist()))
    return most


STRIP = Figure(
    title="One row of ids, cut into bags",
    result=strip,
    program=PROGRAM,
    leads=True,
    proofs=(
        FigureProof(
            "A bag is the sum of its rows, each number times its share.",
            "numpy's product and sum",
            _weighed,
            twin=("offsets, mode", "offsets.clamp(max=5), mode"),
            tolerance=1e-6,
        ),
        FigureProof(
            "A share is 1 in a sum, a part of the bag's size in a mean, and in max 1 for the "
            "largest of a column, the first of equal ones, and 0 for the others.",
            "the size of the bag, numpy.argmax",
            _shared,
            twin=("out.sum().backward()", "out.mean().backward()"),
            tolerance=1e-6,
        ),
    ),
)
