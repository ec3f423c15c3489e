"""What a pooling figure shows: who made which output, and which cells each window reads."""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from explainers.linkage import Linkage, linkage

__all__ = ["Operation", "Pooled", "Span", "picture", "pooled", "spans"]

Operation = Callable[[Tensor], Tensor]
"""From an ``(H, W)`` picture to an ``(H', W')`` picture."""

Span = tuple[int, int]
"""First and last cell that a window reads along one axis, from 0."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Hold a pooled picture.

    Attributes:
        source: ``(H, W)`` what is pooled.
        output: ``(H', W')`` what came out.
        linkage: Which cell made which output, from torch's Jacobian at `source`.
        columns: By column of the output, the columns of the input that its windows read.
        noun: What it was pooled by, as a sentence calls it.
    """

    source: Tensor
    output: Tensor
    linkage: Linkage
    columns: tuple[Span, ...]
    noun: str


def picture(values: tuple[float, ...], shape: tuple[int, ...]) -> Tensor:
    """Return the last two axes of a recorded tensor as a float32 picture, the others being 1."""
    rows, columns = shape[-2:]
    return torch.tensor(values).view(rows, columns)


def pooled(operation: Operation, source: Tensor, output: Tensor, noun: str) -> Pooled:
    """Return what an operation made of a picture, who made what, and what its windows read.

    Args:
        operation: The pooling.
        source: ``(H, W)`` picture.
        output: ``(H', W')`` what a run made of it.
        noun: What a sentence calls the operation.
    """
    rows, columns = source.shape
    links = linkage(operation, (rows, columns), at=source, top=64)
    return Pooled(source, output, links, spans(operation, (rows, columns)), noun)


def spans(operation: Operation, shape: tuple[int, int], *, axis: int = 1) -> tuple[Span, ...]:
    """Return which cells each window reads along one axis, from torch's Jacobian.

    Of a window torch's maximum reads all and hands on one. So the picture rises along the axis,
    which shows the window's last cell, and falls, which shows its first.

    Args:
        operation: Reads from ``(H, W)`` each cell of a window, or the first of its largest.
        shape: ``(H, W)``.
        axis: 0 for rows, 1 for columns.
    """
    rising = torch.arange(1.0, shape[axis] + 1)
    found: list[list[int]] = []
    for ramp in (rising, rising.flip(0)):
        at = ramp.expand(shape) if axis else ramp[:, None].expand(shape)
        links = linkage(operation, shape, at=at, top=shape[0] * shape[1])
        windows = links.indices[0] if axis else links.indices[:, 0]
        places = windows % shape[1] if axis else windows // shape[1]
        read = [row[kept].tolist() for row, kept in zip(places, windows >= 0, strict=True)]
        found = read if not found else [a + b for a, b in zip(found, read, strict=True)]
    return tuple((min(cells), max(cells)) for cells in found)
