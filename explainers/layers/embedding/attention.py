"""Who attends to whom, with the pads free and with the pads masked."""

import dataclasses
from typing import Any

import numpy as np

from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

Rows = tuple[tuple[float, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Attention:
    """Hold the weights: a row for each id that looks, a column for each that is looked at.

    Attributes:
        ids: In order; 0 is the pad.
        free: Without a mask.
        masked: With the pads masked.
    """

    ids: tuple[int, ...]
    free: Rows
    masked: Rows

    def lost(self, row: int) -> float:
        """Return what a row gives to the pads, without a mask."""
        return sum(w for key, w in zip(self.ids, self.free[row], strict=True) if key == 0)


def attention(trace: Trace, _: Any) -> Attention:
    """Return the weights of the lesson's run."""
    ids = tuple(int(value) for value in final(trace, "ids").values)

    def rows(name: str) -> Rows:
        values = [float(value) for value in final(trace, name).values]
        return tuple(
            tuple(values[begin : begin + len(ids)]) for begin in range(0, len(values), len(ids))
        )

    return Attention(ids, rows("free"), rows("masked"))


def _lost(found: Attention, settings: Any) -> float:
    """Return how far the pads' share is from what the other weights leave of 1."""
    words = np.array(found.free)[:, : settings.words]
    return difference(
        [found.lost(row) for row in range(len(found.ids))], (1 - words.sum(axis=1)).tolist()
    )


def _kept(found: Attention, _: Any) -> float:
    """Return how far the mask is from sharing the pads' part among the words as before."""
    most = 0.0
    for row in range(len(found.ids)):
        for key, free, masked in zip(found.ids, found.free[row], found.masked[row], strict=True):
            expected = 0.0 if key == 0 else free
            most = max(most, abs(masked * (1 - found.lost(row)) - expected))
    return most


ATTENTION = Figure(
    title="Who attends to the pads",
    result=attention,
    leads=True,
    proofs=(
        FigureProof(
            "What the words do not get goes to the pads.",
            "1 less the words' weights, numpy",
            _lost,
            twin=("free = scores.softmax(1)", "free = scores.softmax(0)"),
            tolerance=1e-6,
        ),
        FigureProof(
            "The mask gives the pads' part to the words, in the proportion they had.",
            "the free weights of the words, scaled to a sum of 1",
            _kept,
            twin=("softmax(1)\npad", "sigmoid()\npad"),
            tolerance=1e-6,
        ),
    ),
)
