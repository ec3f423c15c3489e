"""max, argmax, keepdim: which axis goes, and what stays of it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import apart, difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Reducing(Parameters):
    """Say along which axis the maximum is taken, and whether the axis stays."""

    dim: str = choice("1", ("0", "1", "-1"), label="dim", help="The axis that goes.")
    keepdim: str = choice(
        "True", ("True", "False"), label="keepdim", help="Whether it stays, with size 1."
    )
    last: int = number(7, label="last", help="Of a.", minimum=0, maximum=12, step=1)


PROGRAM = """
import torch

a = torch.tensor([[1, 9, 2], [7, 3, ${last}]])
values, indices = a.max(${dim}, keepdim=${keepdim})
flat = a.argmax()
row, column = divmod(flat.item(), 3)
below = a - values
"""


def _a(settings: Reducing) -> NDArray[np.int64]:
    return np.array([[1, 9, 2], [7, 3, settings.last]])


def _reduced(trace: Trace, settings: Reducing) -> float:
    a, dim, keep = _a(settings), int(settings.dim), settings.keepdim == "True"
    return max(
        apart(final(trace, "values"), a.max(dim, keepdims=keep)),
        apart(final(trace, "indices"), a.argmax(dim, keepdims=keep)),
    )


def _flat(trace: Trace, settings: Reducing) -> float:
    flat = int(_a(settings).argmax())
    found = [float(final(trace, name).text) for name in ("row", "column")]
    where = np.unravel_index(flat, (2, 3))
    return max(
        difference(final(trace, "flat").values, (flat,)), difference(found, map(float, where))
    )


def _below(trace: Trace, settings: Reducing) -> float:
    a, dim = _a(settings), int(settings.dim)
    if settings.keepdim == "False" and dim != 0:  # (2, 3) against (2,)
        failure = trace.failure
        return 0.0 if failure is not None and "must match" in failure.message else float("inf")
    return apart(final(trace, "below"), a - a.max(dim, keepdims=True))


def _by_axis(trace: Trace) -> tuple[Verdict, str]:
    rows, columns, kept = (final(trace, name) for name in ("rows", "columns", "kept"))
    values, indices = rows.items
    said = f"max(1): {values.values} at {indices.values}; max(0): {columns.items[0].values}; "
    said += f"keepdim: {kept.items[0].shape}"
    right = values.values == (2, 4, 6) and indices.values == (1, 1, 1)
    right = right and columns.items[0].values == (5, 6) and kept.items[0].shape == (3, 1)
    return Verdict.HOLDS if right else Verdict.WRONG, said


def _index(trace: Trace) -> tuple[Verdict, str]:
    along, flat = final(trace, "along").values, final(trace, "flat").values
    said = f"along 1: {along}; without dim: {flat}"
    if along != (1, 2):
        return Verdict.WRONG, said
    return Verdict.CONDITION if len(flat) == 1 else Verdict.HOLDS, said


REDUCING = Lesson(
    slug="max",
    title="max, argmax, keepdim",
    notice="One maximum a row, in a column that still fits against a; argmax() counts cells.",
    program=PROGRAM,
    parameters=Reducing,
    presets=(
        Preset("Rows", "dim=1 goes along a row; keepdim leaves a column.", Reducing()),
        Preset("Columns", "dim=0 goes down a column.", Reducing(dim="0", keepdim="False")),
        Preset(
            "Without keepdim",
            "Two maxima, shape (2,), do not fit against rows of three: a - values is refused.",
            Reducing(keepdim="False"),
        ),
        Preset(
            "The largest last",
            "argmax() is 5: the sixth cell in reading order, row 1 and column 2.",
            Reducing(last=12),
        ),
    ),
    opens="flat = a.argmax",
    notes={
        "values, indices = ": "max with dim gives a pair: the maxima, and where they stand.",
        "flat = a.argmax()": "Without dim, the position in reading order, over all cells.",
        "row, column = ": "Position 3 · row + column.",
        "below = a - values": "Against a column every row finds its own maximum.",
    },
    slips=(
        Slip(
            title="argmax without dim",
            program="import torch\n\nlogits = torch.tensor([[0., 1.], [9., 0.]])\n"
            "label = torch.tensor([1, 0])\nhits = (logits.argmax(1) == label).sum()",
            wrong="hits = (logits.argmax() == label).sum()",
            right="hits = (logits.argmax(1) == label).sum()",
            lesson="Without dim there is one position for the whole batch, and it is compared with "
            "each label.",
            source=("train-CLIP#6", "https://github.com/Zasder3/train-CLIP/issues/6"),
        ),
        Slip(
            title="keepdim forgotten on a square",
            program="import torch\n\na = torch.tensor([[1., 9.], [7., 3.]])\n"
            "below = a - a.max(1, keepdim=True).values",
            wrong="below = a - a.max(1).values",
            right="below = a - a.max(1, keepdim=True).values",
            lesson="A row of maxima is subtracted from each row, column by column; only a shape "
            "that is no square would be refused.",
            source=("pytorch#8762", "https://github.com/pytorch/pytorch/issues/8762"),
        ),
        Slip(
            title="max with dim is a pair",
            program="import torch\n\na = torch.tensor([[1, 9], [7, 3]])\n"
            "twice = 2 * a.max(1).values",
            wrong="twice = 2 * a.max(1)",
            right="twice = 2 * a.max(1).values",
            lesson="Twice a pair is a tuple of four; amax(1) gives the maxima alone.",
            source=("pytorch#31042", "https://github.com/pytorch/pytorch/issues/31042"),
        ),
    ),
    proofs=(
        Proof(
            "The maxima and their places are NumPy's; of equal ones the first is named.",
            "numpy.max, numpy.argmax",
            _reduced,
            twin=("a.max(${dim}, ", "a.min(${dim}, "),
        ),
        Proof(
            "argmax() counts cells in reading order: row and column are NumPy's.",
            "numpy.argmax, numpy.unravel_index",
            _flat,
            twin=("flat = a.argmax()", "flat = a.T.argmax()"),
        ),
        Proof(
            "a - values is each cell less its row's or column's maximum, or is refused.",
            "numpy.max with keepdims",
            _below,
            twin=("below = a - values", "below = a - a.max()"),
        ),
    ),
    statements=(
        Statement(
            says=".max(k) takes the maximum along dimension k: k = 0 of columns, k = 1 of rows; "
            "keepdim is False by default.",
            where="Tensor operations, max",
            program="import torch\na = torch.tensor([[1, 2], [3, 4], [5, 6]])\nrows = a.max(1)\n"
            "columns = a.max(0)\nkept = a.max(1, keepdim=True)",
            judge=_by_axis,
            truth="It does, and gives the pair of maxima and indices.",
            twin=("rows = a.max(1)", "rows = a.max(0)"),
        ),
        Statement(
            says="argmax returns the index of the largest value along the given dimension.",
            where="argmax()",
            program="import torch\na = torch.tensor([[1, 9, 2], [7, 3, 8]])\nalong = a.argmax(1)\n"
            "flat = a.argmax()",
            judge=_index,
            truth="With dim; without, one index into all cells in reading order. NaN counts as the "
            "largest.",
            twin=("flat = a.argmax()", "flat = a.argmax(-1)"),
        ),
    ),
    ask=Ask(
        text="a = torch.tensor([[1, 9, 2], [7, 3, 12]]). What is a.argmax()?",
        program="import torch\na = torch.tensor([[1, 9, 2], [7, 3, 12]])\nat = a.argmax()",
        answer=lambda trace: str(final(trace, "at").values[0]),
        options=("2", "5", "6", "12"),
        because="Without dim the cells are counted in reading order, from 0.",
    ),
    references=(
        ("torch.max", f"{_DOCS}/generated/torch.max.html"),
        ("torch.argmax", f"{_DOCS}/generated/torch.argmax.html"),
    ),
)
