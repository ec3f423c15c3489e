"""Indexing: a slice is a window, a list of indices is a copy."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, first
from explainers.program.references import cells, difference, strides
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Indexing(Parameters):
    """Say what `part` is of a board of numbers."""

    index: str = choice(
        "1:3",
        ("1:3", ":, ::2", "1", "1, None", "[1, 2]", "board > 9", "torch.tensor([0, 0])"),
        label="part = board[…]",
        help="Numbers, slices and None give views; a list, a mask or a tensor gives a copy.",
    )
    columns: int = number(5, label="columns", help="Of board.", minimum=4, maximum=6, step=1)


PROGRAM = """
import torch

board = torch.arange(4 * ${columns}).view(4, ${columns})
part = board[${index}]
part[0] = -1
board[${index}] = 50
part.untyped_storage().data_ptr() == board.untyped_storage().data_ptr()
"""

_INDEX: Mapping[str, Any] = {
    "1:3": slice(1, 3),
    ":, ::2": (slice(None), slice(None, None, 2)),
    "1": 1,
    "1, None": (1, None),
    "[1, 2]": [1, 2],
    "torch.tensor([0, 0])": np.array([0, 0]),
}


def _numpy(settings: Indexing) -> tuple[NDArray[np.int64], Any]:
    board = np.arange(4 * settings.columns).reshape(4, -1)
    return board, board > 9 if settings.index == "board > 9" else _INDEX[settings.index]


def _taken(trace: Trace, settings: Indexing) -> float:
    board, index = _numpy(settings)
    part = board[index]
    return difference(first(trace, "part").values, part.reshape(-1).tolist())


def _shares(trace: Trace, settings: Indexing) -> float:
    board, index = _numpy(settings)
    part = board[index]
    found = final(trace, "part")
    if not np.shares_memory(board, part):
        return float(found.storage == final(trace, "board").storage)
    where = difference(found.cells, cells(part, board.reshape(-1)))
    # The stride of an axis of size 1 is never walked: both libraries fill in what they like.
    walked = [
        (mine, theirs)
        for size, mine, theirs in zip(part.shape, found.stride, strides(part), strict=True)
        if size > 1
    ]
    return max(where, difference(*zip(*walked, strict=True)) if walked else 0.0)


def _after(trace: Trace, settings: Indexing) -> float:
    board, index = _numpy(settings)
    part = board[index]
    part[0] = -1
    # The mask is asked for again, of what stands there now.
    board[board > 9 if settings.index == "board > 9" else index] = 50
    return max(
        difference(final(trace, "board").values, board.reshape(-1).tolist()),
        difference(final(trace, "part").values, part.reshape(-1).tolist()),
    )


def _long_cures(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.HOLDS, "no error with .long()"
    return Verdict.WRONG, f"with .long(): {failure.kind}: {failure.message}"


def _like_numpy(trace: Trace) -> tuple[Verdict, str]:
    x = final(trace, "x")
    wrote = x.values[1] == 10
    if not wrote:
        return Verdict.WRONG, f"x[0, 1] is {x.values[1]:g}"
    if trace.failure is None:
        return Verdict.HOLDS, "x[0, 1] = 10 wrote, and x[::-1] was taken"
    return Verdict.CONDITION, f"x[0, 1] = 10 wrote; x[::-1] raises: {trace.failure.message}"


INDEXING = Lesson(
    slug="index",
    title="indexing",
    notice="part reads board's own cells, so a write into either shows in both.",
    program=PROGRAM,
    parameters=Indexing,
    presets=(
        Preset(
            "A slice", "part lies in board's storage: each sees the other's writes.", Indexing()
        ),
        Preset(
            "A list",
            "A list of indices copies: -1 stays in part, 50 stays in board.",
            Indexing(index="[1, 2]"),
        ),
        Preset("A mask", "So does a mask; reading order decides.", Indexing(index="board > 9")),
        Preset(
            "Every other column",
            "A step of 2 is a stride of 2: a view with gaps.",
            Indexing(index=":, ::2"),
        ),
    ),
    opens="part[0] = -1",
    notes={
        "part = board[": "Numbers, slices and None only change offset, shape and stride.",
        "part[0] = -1": "Does board change? Only if part reads its cells.",
        "] = 50": "An assignment is one call: it writes into board whatever the index is.",
    },
    slips=(
        Slip(
            title="filling what a list picked",
            program="import torch\n\nz = torch.zeros(4)\nz[[0, 1]] = 5.",
            wrong="z[[0, 1]].fill_(5.)",
            right="z[[0, 1]] = 5.",
            lesson="z[[0, 1]] is a copy, and fill_ fills the copy; an assignment writes into z.",
            source=("pytorch#2599", "https://github.com/pytorch/pytorch/issues/2599"),
        ),
        Slip(
            title="two indices in a row",
            program="import torch\n\nz = torch.zeros(4, 3)\nz[[0, 2], 1] = 7.",
            wrong="z[[0, 2]][:, 1] = 7.",
            right="z[[0, 2], 1] = 7.",
            lesson="The first pair of brackets copies, the second writes into the copy; one pair "
            "does both.",
            source=("pytorch#3531", "https://github.com/pytorch/pytorch/issues/3531"),
        ),
        Slip(
            title="a negative step",
            program="import torch\n\na = torch.arange(4)\nb = a.flip(0)",
            wrong="b = a[::-1]",
            right="b = a.flip(0)",
            lesson="torch has no negative strides; flip copies in the other order.",
            source=("pytorch#59786", "https://github.com/pytorch/pytorch/issues/59786"),
        ),
        Slip(
            title="too many indices",
            program="import torch\n\npoint = torch.arange(6.)\nindex = torch.tensor([0, 2])\n"
            "p = point[index]",
            wrong="p = point[0, index.long()]",
            right="p = point[index]",
            lesson="The message counts axes: point has one and was given two indices. No dtype of "
            "the index cures that.",
            source=("torch: tensor indexing", f"{_DOCS}/tensor_view.html"),
        ),
    ),
    proofs=(
        Proof(
            "part holds what NumPy's index takes.",
            "numpy indexing",
            _taken,
            twin=("part = board[${index}]", "part = board.flip(0)[${index}]"),
        ),
        Proof(
            "part lies in board's memory exactly if NumPy's does, at the same places.",
            "numpy.shares_memory, addresses and strides",
            _shares,
            twin=("part = board[${index}]", "part = board[${index}].clone()"),
        ),
        Proof(
            "After both writes, board and part are NumPy's.",
            "numpy, written the same way",
            _after,
            twin=("part[0] = -1", "part = part.clone(); part[0] = -1"),
        ),
    ),
    statements=(
        Statement(
            says="index.long() cures “too many indices for tensor of dimension 1”.",
            where="Collected problems, too many indices",
            program="import torch\npoint = torch.arange(6)\nindex = torch.tensor([0, 2])\n"
            "p = point[0, index.long()]",
            judge=_long_cures,
            truth="The tensor has fewer axes than indices were given; their dtype is not the "
            "matter. A float index gives another error.",
            twin=("point[0, index.long()]", "point[index.long()]"),
        ),
        Statement(
            says="x[0, 1] = 10 assigns in place; a tensor is indexed as in NumPy.",
            where="Tensor basics",
            program="import torch\nx = torch.tensor([[1., 2.], [3., 4.], [5., 6.]])\n"
            "x[0, 1] = 10\ny = x[::-1]",
            judge=_like_numpy,
            truth="Slices are windows and lists copy, as in NumPy; a negative step is refused, "
            "flip copies.",
            twin=("x[0, 1] = 10", "x.clone()[0, 1] = 10"),
        ),
    ),
    ask=Ask(
        text="z = torch.zeros(4); z[[0, 1]].fill_(5). What is z.sum()?",
        program="import torch\nz = torch.zeros(4)\nz[[0, 1]].fill_(5)\ntotal = z.sum().item()",
        answer=lambda trace: f"{float(final(trace, 'total').text):g}",
        options=("0", "5", "10", "20"),
        because="A list of indices copies, and fill_ fills the copy.",
    ),
    references=(
        ("torch: tensor views", f"{_DOCS}/tensor_view.html"),
        ("NumPy: indexing", "https://numpy.org/doc/stable/user/basics.indexing.html"),
    ),
    terms=("indexing", "slice", "mask", "fill_", "index_put_"),
)
