"""view, permute, contiguous: one storage, read in another order."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import cells, difference, strides
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Permuting(Parameters):
    """Say how large `b` is, and how `c` reads it."""

    rows: int = number(3, label="rows", help="Of b.", minimum=2, maximum=5, step=1)
    columns: int = number(4, label="columns", help="Of b.", minimum=2, maximum=6, step=1)
    turn: str = choice(
        "t()",
        ("t()", "diagonal()", "unfold(1, 2, 1)", "flip(0)"),
        label="c = b.…",
        help="Three of them only read the storage in another way; flip must copy.",
    )


PROGRAM = """
import torch

a = torch.arange(${rows} * ${columns})
b = a.view(${rows}, ${columns})
c = b.${turn}
d = c.contiguous()
b[0, 1] = 99
e = c.reshape(-1)
c.stride(), c.is_contiguous()
"""

_Array = NDArray[np.generic]
_TURNS: Mapping[str, Callable[[_Array], _Array]] = {
    "t()": lambda b: b.T,
    "diagonal()": np.diagonal,
    "unfold(1, 2, 1)": lambda b: np.lib.stride_tricks.sliding_window_view(b, 2, axis=1),
    # NumPy turns a stride negative; torch knows none and copies.
    "flip(0)": lambda b: b[::-1].copy(),
}


def _arrays(settings: Permuting) -> tuple[_Array, _Array, _Array]:
    """Return NumPy's a, b and c, before the write."""
    a = np.arange(settings.rows * settings.columns)
    b = a.reshape(settings.rows, settings.columns)
    return a, b, _TURNS[settings.turn](b)


def _strides(trace: Trace, settings: Permuting) -> float:
    _, b, c = _arrays(settings)
    found = (*final(trace, "b").stride, *final(trace, "c").stride)
    return difference(found, (*strides(b), *strides(c)))


def _cells(trace: Trace, settings: Permuting) -> float:
    a, _, c = _arrays(settings)
    memory = a if settings.turn != "flip(0)" else c.reshape(-1)
    return difference(final(trace, "c").cells, cells(c, memory))


def _written(trace: Trace, settings: Permuting) -> float:
    _, b, c = _arrays(settings)
    d = np.ascontiguousarray(c).copy() if np.shares_memory(b, c) else c
    copied = d is not c and not c.flags.c_contiguous
    b[0, 1] = 99
    expected = d if copied else c
    return max(
        difference(final(trace, "c").values, c.reshape(-1).tolist()),
        difference(final(trace, "d").values, expected.reshape(-1).tolist()),
    )


def _view_fails(trace: Trace) -> tuple[Verdict, str]:
    failure = trace.failure
    if failure is None:
        return Verdict.WRONG, "view(-1) raised nothing"
    return Verdict.HOLDS, f"{failure.kind}: {failure.message.split('(')[0].strip()}"


def _same_tensor(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x"), final(trace, "y")
    same = x.identity == y.identity
    return (Verdict.HOLDS if same else Verdict.WRONG), f"y is x: {same}"


def _inferred(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x"), final(trace, "y")
    right = y.shape == (4, 10) and x.storage == y.storage
    shared = "x's storage" if x.storage == y.storage else "a storage of its own"
    return (Verdict.HOLDS if right else Verdict.WRONG), f"shape {y.shape}, in {shared}"


def _copies(trace: Trace) -> tuple[Verdict, str]:
    y, z = final(trace, "y"), final(trace, "z")
    shares = y.storage == z.storage
    verdict = Verdict.HOLDS if shares else Verdict.CONDITION
    return verdict, "reshape shared the storage" if shares else "reshape copied"


PERMUTING = Lesson(
    slug="permute",
    title="view, permute, contiguous",
    notice="c holds the cells of b: torch moved nothing, it swapped two strides.",
    program=PROGRAM,
    parameters=Permuting,
    presets=(
        Preset("Transposed", "Colours are places in the storage; c reads them down.", Permuting()),
        Preset(
            "Diagonal",
            "One stride can step over a row and a column at once.",
            Permuting(turn="diagonal()", rows=4),
        ),
        Preset(
            "Windows",
            "Windows overlap: one cell of the storage stands in c twice.",
            Permuting(turn="unfold(1, 2, 1)", columns=5),
        ),
        Preset(
            "A copy",
            "flip would need a negative stride; torch has none, so c is a copy.",
            Permuting(turn="flip(0)"),
        ),
    ),
    opens="c = b.",
    notes={
        "b = a.view": "view reads the same storage by another shape.",
        "d = c.contiguous()": "contiguous copies only if c does not lie in reading order.",
        "b[0, 1] = 99": "Whatever reads that cell sees 99; copies made before do not.",
        "e = c.reshape": "reshape is view where strides allow it, and a copy where not.",
    },
    slips=(
        Slip(
            title="view in place of a transpose",
            program="import torch\n\nb = torch.arange(6).view(2, 3)\nc = b.t()",
            wrong="c = b.view(3, 2)",
            right="c = b.t()",
            lesson="view reads the same order into another shape; rows do not become columns, and "
            "no error tells.",
            source=(
                "Stack Overflow: permute against view",
                "https://stackoverflow.com/questions/51143206/difference-between-tensor-permute-and-tensor-view-in-pytorch",
            ),
        ),
        Slip(
            title="view of a transpose",
            program="import torch\n\nb = torch.arange(6).view(2, 3)\nc = b.t()\nd = c.reshape(6)",
            wrong="d = c.view(6)",
            right="d = c.reshape(6)",
            lesson="No single stride walks a transpose in its reading order, so view refuses; "
            "reshape copies.",
            source=("pytorch#764", "https://github.com/pytorch/pytorch/issues/764"),
        ),
        Slip(
            title="a write into a reshape",
            program="import torch\n\nb = torch.zeros(2, 3)\nc = b.t()\nc[0, 0] = 7.",
            wrong="c.reshape(6)[0] = 7.",
            right="c[0, 0] = 7.",
            lesson="reshape of a transpose is a copy: the 7 goes into it, and b never sees it.",
            source=("torch.reshape", f"{_DOCS}/generated/torch.reshape.html"),
        ),
    ),
    proofs=(
        Proof(
            "b and c have NumPy's strides.",
            "numpy.ndarray.strides, in items",
            _strides,
            twin=("c = b.${turn}", "c = b.${turn}.contiguous()"),
        ),
        Proof(
            "Each element of c lies where NumPy's address says.",
            "addresses of NumPy's elements",
            _cells,
            twin=("c = b.${turn}", "c = b.mT.${turn}"),
        ),
        Proof(
            "A write through b shows in c exactly where NumPy's c shares memory, and in d never "
            "after a copy.",
            "numpy, written the same way",
            _written,
            twin=("b[0, 1] = 99", "b = b + 0; b[0, 1] = 99"),
        ),
        Proof(
            "e holds c's values in reading order.",
            "c, read index by index",
            lambda trace, _: difference(final(trace, "e").values, final(trace, "c").values or ()),
            twin=("c.reshape(-1)", "a.clone()"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="After permute, view(-1) raises; contiguous() must come first.",
            where="contiguous()",
            program="import torch\nx = torch.arange(6).view(2, 3)\ny = x.permute(1, 0)\n"
            "z = y.view(-1)",
            judge=_view_fails,
            truth="view needs a shape that strides can express: a permute that only moves an axis "
            "of size 1 can still be viewed, and reshape works always.",
            twin=("view(2, 3)", "view(1, 6)"),
        ),
        Statement(
            says="contiguous() returns the tensor itself if it is contiguous.",
            where="contiguous()",
            program="import torch\nx = torch.arange(6).view(2, 3)\ny = x.contiguous()",
            judge=_same_tensor,
            truth="The very same object comes back; otherwise a copy in reading order.",
            twin=("view(2, 3)", "view(2, 3).t()"),
        ),
        Statement(
            says="view(-1, 10) finds the missing size.",
            where="Tensor operations, table",
            program="import torch\nx = torch.arange(40)\ny = x.view(-1, 10)",
            judge=_inferred,
            truth="One size may be -1; it must come out whole, and the storage is shared.",
            twin=("x.view(-1, 10)", "x.clone().view(-1, 10)"),
        ),
        Statement(
            says="reshape gives the same data in another shape.",
            where="Tensor operations",
            program="import torch\nx = torch.arange(6).view(2, 3)\ny = x.t()\nz = y.reshape(6)",
            judge=_copies,
            truth="The same values, but of a transpose it is a copy: a write no longer reaches x.",
            twin=("y = x.t()", "y = x"),
        ),
    ),
    ask=Ask(
        text="b has shape (2, 5). What is c.stride() after c = b.t()?",
        program="import torch\nb = torch.arange(10).view(2, 5)\nc = b.t()",
        answer=lambda trace: str(final(trace, "c").stride),
        options=("(5, 1)", "(1, 5)", "(2, 1)", "(1, 2)"),
        because="t() swaps the two strides and moves nothing.",
    ),
    references=(
        ("torch: tensor views", f"{_DOCS}/tensor_view.html"),
        (
            "E. Yang, PyTorch internals, 2019",
            "https://blog.ezyang.com/2019/05/pytorch-internals/",
        ),
    ),
    terms=(
        "view",
        "reshape",
        "permute",
        "transpose",
        "contiguous",
        "is_contiguous",
        "stride",
        "diagonal",
        "unfold",
        "flip",
    ),
)
