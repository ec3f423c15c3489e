"""chunk, split, tensor_split: three ways to cut, and what comes out."""

import dataclasses

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Splitting(Parameters):
    """Say how long the row is and into how many pieces it is to be cut."""

    n: int = number(6, label="n", help="Length of row.", minimum=1, maximum=16, step=1)
    pieces: int = number(4, label="pieces", help="Asked for.", minimum=1, maximum=6, step=1)


PROGRAM = """
import torch

row = torch.arange(${n})
a = row.chunk(${pieces})
b = row.tensor_split(${pieces})
c = row.split(${pieces})
a[0][0] = 99
len(a), len(b), len(c)
"""


def _pieces(trace: Trace, name: str) -> list[tuple[float, ...]]:
    return [piece.values for piece in final(trace, name).items]


def _flat(pieces: list[tuple[float, ...]]) -> list[float]:
    # Lengths and values in a row: a piece that is missing shows.
    return [*map(len, pieces), *(value for piece in pieces for value in piece)]


def _row(settings: Splitting) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    row = np.arange(settings.n)
    row[0] = 99
    return row


def _tensor_split(trace: Trace, settings: Splitting) -> float:
    expected = [tuple(piece.tolist()) for piece in np.array_split(_row(settings), settings.pieces)]
    return difference(_flat(_pieces(trace, "b")), _flat(expected))


def _chunk(trace: Trace, settings: Splitting) -> float:
    row, size = _row(settings).tolist(), -(-settings.n // settings.pieces)
    expected = [tuple(row[at : at + size]) for at in range(0, settings.n, size)]
    return difference(_flat(_pieces(trace, "a")), _flat(expected))


def _split(trace: Trace, settings: Splitting) -> float:
    row, size = _row(settings).tolist(), settings.pieces
    expected = [tuple(row[at : at + size]) for at in range(0, settings.n, size)]
    return difference(_flat(_pieces(trace, "c")), _flat(expected))


def _even(trace: Trace) -> tuple[Verdict, str]:
    found = [len(values) for values in _pieces(trace, "pieces")]
    asked = int(final(trace, "asked").text)
    right = len(found) == asked and len(set(found)) == 1
    return (
        Verdict.HOLDS if right else Verdict.WRONG
    ), f"asked for {asked}: {len(found)} pieces of {', '.join(map(str, found))}"


SPLITTING = Lesson(
    slug="chunk",
    title="chunk, split, tensor_split",
    notice="chunk was asked for 4 pieces and gave 3; tensor_split gave 4. All read row's cells.",
    program=PROGRAM,
    parameters=Splitting,
    presets=(
        Preset("6 in 4", "chunk rounds the size up to 2, and 6 is used up after 3.", Splitting()),
        Preset(
            "10 in 3", "The last of chunk's pieces is the small one.", Splitting(n=10, pieces=3)
        ),
        Preset("8 in 4", "Where it comes out even, chunk and tensor_split agree.", Splitting(n=8)),
        Preset(
            "2 in 5",
            "tensor_split keeps its word with empty pieces.",
            Splitting(n=2, pieces=5),
        ),
    ),
    opens="len(a), len(b)",
    notes={
        "a = row.chunk": "Each piece has n / pieces cells, rounded up.",
        "b = row.tensor_split": "As many pieces as asked for; their sizes differ by at most one.",
        "c = row.split": "split takes the size of a piece, not their number.",
        "a[0][0] = 99": "Every piece reads row's own cells.",
    },
    slips=(
        Slip(
            title="as many chunks as asked for",
            program="import torch\n\nrow = torch.arange(6)\na, b, c, d = row.tensor_split(4)",
            wrong="a, b, c, d = row.chunk(4)",
            right="a, b, c, d = row.tensor_split(4)",
            lesson="chunk may give fewer pieces; tensor_split always gives the number.",
            source=("pytorch#9382", "https://github.com/pytorch/pytorch/issues/9382"),
        ),
        Slip(
            title="split takes a size",
            program="import torch\n\nrow = torch.arange(6)\nhalves = row.chunk(2)",
            wrong="halves = row.split(2)",
            right="halves = row.chunk(2)",
            lesson="split(2) makes pieces of 2 cells, chunk(2) makes 2 pieces.",
            source=("torch.split", f"{_DOCS}/generated/torch.split.html"),
        ),
        Slip(
            title="a piece is no copy",
            program="import torch\n\nrow = torch.arange(6)\nfirst = row.chunk(2)[0].clone()\n"
            "first += 100",
            wrong="first = row.chunk(2)[0]",
            right="first = row.chunk(2)[0].clone()",
            lesson="Pieces are views: what is added to one is added to the whole.",
            source=("torch: tensor views", f"{_DOCS}/tensor_view.html"),
        ),
    ),
    proofs=(
        Proof(
            "tensor_split cuts as numpy.array_split does.",
            "numpy.array_split",
            _tensor_split,
            twin=("b = row.tensor_split(${pieces})", "b = row.chunk(${pieces})"),
        ),
        Proof(
            "chunk makes pieces of n / pieces cells, rounded up, until n is used up.",
            "Python slices",
            _chunk,
            twin=("a = row.chunk(${pieces})", "a = row.tensor_split(${pieces})"),
        ),
        Proof(
            "split makes pieces of that size; the last takes what is left.",
            "Python slices",
            _split,
            twin=("c = row.split(${pieces})", "c = row.chunk(${pieces})"),
        ),
    ),
    statements=(
        Statement(
            says="torch.chunk splits evenly into the given number of pieces.",
            where="torch.chunk()",
            program="import torch\nasked = 4\npieces = torch.arange(6).chunk(asked)",
            judge=_even,
            truth="Pieces have n / chunks cells, rounded up: the last may be smaller, and there "
            "may be fewer. tensor_split gives exactly the number.",
            twin=("torch.arange(6)", "torch.arange(8)"),
        ),
    ),
    ask=Ask(
        text="How many pieces does torch.arange(9).chunk(6) give?",
        program="import torch\npieces = torch.arange(9).chunk(6)\ncount = len(pieces)",
        answer=lambda trace: final(trace, "count").text,
        options=("3", "4", "5", "6"),
        because="9 / 6 is 1.5, rounded up 2: four pieces of 2, one of 1, and nothing is left.",
    ),
    references=(
        ("torch.chunk", f"{_DOCS}/generated/torch.chunk.html"),
        ("torch.tensor_split", f"{_DOCS}/generated/torch.tensor_split.html"),
    ),
    terms=("torch.chunk", "torch.split", "tensor_split"),
)
