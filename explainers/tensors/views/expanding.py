"""expand: one row read many times, by a stride of 0."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import cells, difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Expanding(Parameters):
    """Say how large the row is, how often it is read, and by which call."""

    columns: int = number(3, label="columns", help="Of row.", minimum=1, maximum=6, step=1)
    rows: int = number(4, label="rows", help="Of grid.", minimum=1, maximum=6, step=1)
    way: str = choice(
        "expand",
        ("expand", "repeat"),
        label="grid = row.…",
        help="expand reads one row many times; repeat copies it.",
    )


PROGRAM = """
import torch

row = torch.arange(${columns}.).view(1, ${columns})
grid = row.${way}
grid.stride(), grid.untyped_storage().nbytes()
grid[0, 0] = 9.
total = grid.sum(0)
"""


def _numpy(settings: Expanding) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    row = np.arange(settings.columns, dtype=np.float32).reshape(1, -1)
    if settings.way == "repeat":
        return row, np.tile(row, (settings.rows, 1))
    grid = np.lib.stride_tricks.as_strided(
        row, (settings.rows, settings.columns), (0, row.itemsize)
    )
    return row, grid


def _cells(trace: Trace, settings: Expanding) -> float:
    row, grid = _numpy(settings)
    memory = row if np.shares_memory(row, grid) else grid
    return difference(final(trace, "grid").cells, cells(grid, memory.reshape(-1)))


def _written(trace: Trace, settings: Expanding) -> float:
    row, grid = _numpy(settings)
    grid[0, 0] = 9
    return max(
        difference(final(trace, "grid").values, grid.reshape(-1).tolist()),
        difference(final(trace, "row").values, row.reshape(-1).tolist()),
        difference(final(trace, "total").values, grid.sum(0).tolist()),
    )


def _bytes(trace: Trace, settings: Expanding) -> float:
    # The storage of grid as it was recorded: cells of 4 bytes.
    size = next(
        step.memory[label].size
        for step in trace.steps
        for label in [final(trace, "grid").storage]
        if label in step.memory
    )
    _, grid = _numpy(settings)
    expanded = grid.strides[0] == 0 and not grid.flags.owndata
    return abs(4 * size - (grid.nbytes // settings.rows if expanded else grid.nbytes))


def _new_tensor(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x"), final(trace, "y")
    if x.storage != y.storage:
        return Verdict.HOLDS, "y has a storage of its own"
    return Verdict.CONDITION, f"y shares x's storage, stride {y.stride}; x is now {x.values}"


def _per_channel(trace: Trace) -> tuple[Verdict, str]:
    y = final(trace, "y")
    size = y.shape[2] * y.shape[3]
    constant = all(
        len(set(y.values[channel * size : (channel + 1) * size])) == 1
        for channel in range(y.shape[1])
    )
    right = constant and y.shape == (1, 3, 3, 3)
    return (
        Verdict.HOLDS if right else Verdict.WRONG
    ), f"shape {y.shape}, stride {y.stride}, one value a channel: {constant}"


EXPANDING = Lesson(
    slug="expand",
    title="expand",
    notice="Every row of grid is the same cells: its first stride is 0.",
    program=PROGRAM,
    parameters=Expanding,
    spelled={"way": {"expand": "expand(${rows}, -1)", "repeat": "repeat(${rows}, 1)"}},
    presets=(
        Preset("Expanded", "One write into grid changes a whole column, and row.", Expanding()),
        Preset(
            "Repeated",
            "repeat copied: the write stays in one cell, and row is as it was.",
            Expanding(way="repeat"),
        ),
        Preset(
            "One row",
            "Even one row, expanded, is row's own memory.",
            Expanding(rows=1, columns=5),
        ),
    ),
    opens="grid[0, 0]",
    notes={
        "grid = row.": "expand copies nothing, however many rows it is asked for.",
        "grid[0, 0] = 9": "One cell is written; every row that reads it shows it.",
        "total = grid.sum": "A sum over a stride of 0 reads one cell again and again.",
    },
    slips=(
        Slip(
            title="expand, then write one cell",
            program="import torch\n\nrow = torch.zeros(1, 3)\ngrid = row.repeat(2, 1)\n"
            "grid[0, 0] = 5.",
            wrong="grid = row.expand(2, 3)",
            right="grid = row.repeat(2, 1)",
            lesson="One cell stands in every row of an expanded tensor; repeat (or clone) gives "
            "each row its own.",
            source=("pytorch#4664", "https://github.com/pytorch/pytorch/issues/4664"),
        ),
        Slip(
            title="expand, then multiply in place",
            program="import torch\n\na = torch.tensor([2.]).expand(1, 3)\nb = a.mul(2.)",
            wrong="b = a.mul_(2.)",
            right="b = a.mul(2.)",
            lesson="In place would write one cell three times, so torch refuses; out of place "
            "gives a tensor of its own.",
            source=("pytorch#957", "https://github.com/pytorch/pytorch/issues/957"),
        ),
        Slip(
            title="expanding a size that is not 1",
            program="import torch\n\nx = torch.arange(2.)\ny = x.view(2, 1).expand(2, 3)",
            wrong="y = x.expand(2, 3)",
            right="y = x.view(2, 1).expand(2, 3)",
            lesson="Only an axis of size 1 can be expanded, and new axes come in front: say first "
            "along which axis the numbers lie.",
            source=("torch.Tensor.expand", f"{_DOCS}/generated/torch.Tensor.expand.html"),
        ),
    ),
    proofs=(
        Proof(
            "Each element of grid lies where NumPy's address says.",
            "numpy.lib.stride_tricks.as_strided, numpy.tile",
            _cells,
            twin=("grid = row.${way}", "grid = row.${way}.clone()"),
        ),
        Proof(
            "After the write, row, grid and the sum are NumPy's.",
            "numpy, written the same way",
            _written,
            twin=("grid = row.${way}", "grid = row.repeat(${rows}, 1)"),
        ),
        Proof(
            "An expanded tensor takes the bytes of one row, a repeated one those of all.",
            "numpy.ndarray.nbytes",
            _bytes,
            twin=("grid = row.${way}", "grid = row.${way}.contiguous()"),
        ),
    ),
    statements=(
        Statement(
            says="expand returns a new tensor and leaves x unchanged.",
            where="expand()",
            program="import torch\nx = torch.tensor([[1.], [2.], [3.]])\ny = x.expand(3, 4)\n"
            "y[0, 0] = 9.",
            judge=_new_tensor,
            truth="x keeps its shape, but y is a view: y[0, 0] = 9 changes a row of y, and x.",
            twin=("x.expand(3, 4)", "x.expand(3, 4).clone()"),
        ),
        Statement(
            says="(1, 3, 1, 1).expand_as((1, 3, 3, 3)) gives each channel one constant.",
            where="torch.hub, expand()",
            program="import torch\nx = torch.tensor([0.5, -1.5, 0.25]).view(1, 3, 1, 1)\n"
            "y = x.expand_as(torch.zeros(1, 3, 3, 3))",
            judge=_per_channel,
            truth="The strides of both picture axes are 0; only axes of size 1 can be expanded.",
            twin=(".view(1, 3, 1, 1)", ".view(1, 1, 1, 3)"),
        ),
    ),
    ask=Ask(
        text="row has shape (1, 3). How many bytes does row.expand(1000, 3) add?",
        program="import torch\nrow = torch.zeros(1, 3)\n"
        "grid = row.expand(1000, 3)\n"
        "added = 0 if grid.data_ptr() == row.data_ptr() else grid.untyped_storage().nbytes()",
        answer=lambda trace: final(trace, "added").text,
        options=("0", "12", "12000", "4000"),
        because="grid reads row's own three cells; its first stride is 0.",
    ),
    references=(("torch.Tensor.expand", f"{_DOCS}/generated/torch.Tensor.expand.html"),),
    terms=("expand", "expand_as", "repeat", "broadcast_to"),
)
