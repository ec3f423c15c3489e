"""Which pictures the numbers of each row came from, after view(-1, 400) and after flatten(1)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace

Row = tuple[tuple[int, int], ...]
"""From left to right: a picture, and how many of its numbers stand there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mixing:
    """Hold the rows.

    Attributes:
        batch: How many pictures there are.
        features: How many numbers a picture has.
        cut: Rows of ``view(-1, 400)``; empty where torch refused.
        kept: Rows of ``flatten(1)``.
        said: What torch said to the first; "" where it did it.
    """

    batch: int
    features: int
    cut: tuple[Row, ...]
    kept: tuple[Row, ...]
    said: str


def _view(x: Tensor) -> Tensor:
    return x.view(-1, 400)


def mixing(_: Trace, settings: Any, view: Callable[[Tensor], Tensor] = _view) -> Mixing:
    """Number the pictures, cut them into rows by `view`, and read the numbers off."""
    numbers = torch.arange(settings.batch, device="cpu").view(-1, 1, 1, 1)
    x = numbers.repeat(1, 16, settings.side, settings.side)
    said = ""
    cut: tuple[Row, ...] = ()
    try:
        cut = _read(view(x))
    except RuntimeError as error:
        said = str(error)
    return Mixing(settings.batch, x[0].numel(), cut, _read(x.flatten(1)), said)


def _read(rows: Tensor) -> tuple[Row, ...]:
    found = []
    for row in rows:
        pictures, counts = row.unique_consecutive(return_counts=True)
        found.append(tuple(zip(pictures.tolist(), counts.tolist(), strict=True)))
    return tuple(found)


def _counted(found: Mixing, settings: Any) -> float:
    """Return 0 where every piece is what a loop over the numbers' places gives."""
    features = 16 * settings.side**2
    if settings.batch * features % 400:
        return float(not found.said)
    expected = []
    for begin in range(0, settings.batch * features, 400):
        pieces: dict[int, int] = {}
        for place in range(begin, begin + 400):
            pieces[place // features] = pieces.get(place // features, 0) + 1
        expected.append(tuple(pieces.items()))
    return float(found.cut != tuple(expected))


def _whole(found: Mixing, settings: Any) -> float:
    expected = tuple(((row, 16 * settings.side**2),) for row in range(settings.batch))
    return float(found.kept != expected)


MIXING = Figure(
    title="Whose numbers stand in each row",
    result=mixing,
    leads=True,
    proofs=(
        FigureProof(
            "The pieces of each row are what counting places gives.",
            "a loop over the places, in Python",
            _counted,
            twin=lambda trace, settings: mixing(
                trace, settings, lambda x: x.transpose(0, 1).reshape(-1, 400)
            ),
        ),
        FigureProof(
            "flatten(1) puts each picture into one row, whole.",
            "the pictures in order",
            _whole,
            twin=lambda trace, settings: dataclasses.replace(
                mixing(trace, settings), kept=mixing(trace, settings).cut
            ),
        ),
    ),
)
