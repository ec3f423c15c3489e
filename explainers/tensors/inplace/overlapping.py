"""Reading and writing one memory in a statement: what torch refuses, and what it lets pass."""

import dataclasses

import numpy as np

from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, final, first
from explainers.program.references import apart
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Overlapping(Parameters):
    """Say how long x is, how far it is shifted and whether the source is copied first."""

    n: int = number(6, label="n", help="Cells of x.", minimum=5, maximum=12, step=1)
    shift: int = number(1, label="shift", help="Cells to the right.", minimum=0, maximum=4, step=1)
    source: str = choice(
        "window", ("window", "clone"), label="source", help="A window on x, or a copy of it."
    )


PROGRAM = """
import torch

x = torch.arange(${n})
source = ${source}
source.tolist()
x[${shift}:] = source
x.tolist()
"""


def _overlap(settings: Overlapping) -> bool:
    # Cells 0 … n - shift - 1 are read and shift … n - 1 written.
    return 0 < settings.shift < settings.n - settings.shift


def _refused(trace: Trace, settings: Overlapping) -> float:
    refused = trace.failure is not None and "single memory location" in trace.failure.message
    return float(refused != (_overlap(settings) and settings.source == "window"))


def _shifted(trace: Trace, settings: Overlapping) -> float:
    x = np.arange(settings.n)
    if not _overlap(settings) or settings.source == "clone":
        x[settings.shift :] = x[: settings.n - settings.shift].copy()
    return apart(final(trace, "x"), x)


def _window(trace: Trace, settings: Overlapping) -> float:
    x = np.arange(settings.n)
    return apart(first(trace, "source"), x[: settings.n - settings.shift])


OVERLAPPING = Lesson(
    slug="overlap",
    title="memory that overlaps",
    notice="source reads cells that the assignment writes: torch refuses, and x stays.",
    program=PROGRAM,
    parameters=Overlapping,
    spelled={
        "source": {
            "window": "x[:${n} - ${shift}]",
            "clone": "x[:${n} - ${shift}].clone()",
        }
    },
    presets=(
        Preset(
            "A window",
            "Cell 1 is written before it is read: torch will not guess what is meant.",
            Overlapping(),
        ),
        Preset("A copy", "A clone is read: x is shifted.", Overlapping(source="clone")),
        Preset(
            "Far enough",
            "Shifted by half its length, what is read and what is written lie apart.",
            Overlapping(n=6, shift=3),
        ),
        Preset(
            "On itself",
            "Each cell is read and written at once: nothing to refuse.",
            Overlapping(shift=0),
        ),
    ),
    notes={
        "source = ": "A window reads x's own cells, whatever is written there later.",
        "] = source": "Reads one piece of memory and writes another; both are x's.",
    },
    slips=(
        Slip(
            title="shifting a tensor onto itself",
            program="import torch\n\na = torch.arange(10)\na[1:] = a[:9].clone()",
            wrong="a[1:] = a[:9]",
            right="a[1:] = a[:9].clone()",
            lesson="NumPy copies in between where memory overlaps; torch asks you to.",
            source=("pytorch#25573", "https://github.com/pytorch/pytorch/issues/25573"),
        ),
        Slip(
            title="subtracting the first column in place",
            program="import torch\n\na = torch.tensor([[1., 2.], [3., 4.]])\na -= a[:, :1].clone()",
            wrong="a -= a[:, :1]",
            right="a -= a[:, :1].clone()",
            lesson="This overlap torch does not see: once the first cell of a row is 0, 0 is "
            "subtracted from the rest.",
            source=("pytorch#135487", "https://github.com/pytorch/pytorch/issues/135487"),
        ),
        Slip(
            title="shifting columns onto themselves",
            program="import torch\n\na = torch.arange(9).view(3, 3)\na[:, 1:] = a[:, :-1].clone()",
            wrong="a[:, 1:] = a[:, :-1]",
            right="a[:, 1:] = a[:, :-1].clone()",
            lesson="Windows with gaps are not checked: the first column runs through the row.",
            source=("pytorch#144861", "https://github.com/pytorch/pytorch/issues/144861"),
        ),
        Slip(
            title="dividing by one of its own cells",
            program="import torch\n\nx = torch.tensor([2., 4.])\nx /= x[1].clone()",
            wrong="x /= x[1]",
            right="x /= x[1].clone()",
            lesson="x[1] is a window on the cell that is divided too; item() or clone() reads it "
            "first.",
            source=("pytorch#24843", "https://github.com/pytorch/pytorch/issues/24843"),
        ),
    ),
    proofs=(
        Proof(
            "torch refuses exactly if source is a window and the two pieces overlap in part.",
            "the two ranges of cells",
            _refused,
            twin=("source = ${source}", "source = ${source} + 0"),
        ),
        Proof(
            "x is shifted as NumPy shifts it, or, where torch refused, as it was.",
            "numpy",
            _shifted,
            twin=("x[${shift}:] = source", "x[${shift}:] = source.clone()"),
        ),
        Proof(
            "source held the cells before the write.",
            "numpy's slice",
            _window,
            twin=("source = ${source}", "source = ${source}.flip(0)"),
        ),
    ),
    ask=Ask(
        text="x = torch.arange(6); x[3:] = x[:3]. What happens?",
        program="import torch\nx = torch.arange(6)\nx[3:] = x[:3]\nrow = x.tolist()",
        answer=lambda trace: (
            "torch refuses" if trace.failure is not None else final(trace, "row").text
        ),
        options=("torch refuses", "[0, 1, 2, 0, 1, 2]", "[0, 1, 2, 0, 0, 0]"),
        because="Cells 0 to 2 are read and 3 to 5 written: they do not overlap.",
    ),
    references=(
        ("torch.Tensor.copy_", f"{_DOCS}/generated/torch.Tensor.copy_.html"),
        (
            "numpy.shares_memory",
            "https://numpy.org/doc/stable/reference/generated/numpy.shares_memory.html",
        ),
    ),
)
