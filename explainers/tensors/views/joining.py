"""cat and stack: along an axis that is there, or along a new one."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Joining(Parameters):
    """Say how large the second block is, of what dtype, and along which axis they join."""

    rows: int = number(2, label="rows of b", help="a has 2 rows.", minimum=1, maximum=4, step=1)
    columns: int = number(
        3, label="columns of b", help="a has 3 columns.", minimum=1, maximum=5, step=1
    )
    dim: str = choice("0", ("0", "1"), label="dim", help="Along which axis cat joins.")
    dtype: str = choice(
        "int64", ("int64", "float32", "int32"), label="dtype of b", help="a holds int64."
    )


PROGRAM = """
import torch

a = torch.arange(6).view(2, 3)
b = torch.full((${rows}, ${columns}), 9, dtype=torch.${dtype})
c = torch.cat([a, b], dim=${dim})
c[0, 0] = -1
s = torch.stack([a, a + 10])
c.shape, c.dtype, s.shape
"""


def _numpy(settings: Joining) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    a = np.arange(6).reshape(2, 3)
    return a, np.full((settings.rows, settings.columns), 9, dtype=settings.dtype)


def _joined(trace: Trace, settings: Joining) -> float:
    a, b = _numpy(settings)
    try:
        c = np.concatenate([a, b], axis=int(settings.dim))
    except ValueError:
        return float(trace.failure is None)
    c[0, 0] = -1
    s = np.stack([a, a + 10])
    if trace.failure is not None:
        return float("inf")
    return max(
        difference(final(trace, "c").values, c.reshape(-1).tolist()),
        difference(final(trace, "c").shape, c.shape),
        difference(final(trace, "s").values, s.reshape(-1).tolist()),
        difference(final(trace, "s").shape, s.shape),
    )


def _copied(trace: Trace, _: Joining) -> float:
    # The write into c leaves both as they were.
    a = [float(value) for value in range(6)]
    return difference(final(trace, "a").values, a)


def _must_match(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    c = final(trace, "c")
    return Verdict.CONDITION, f"(2, 3) int64 and (1, 3) float32 gave {c.shape}, {c.dtype}"


def _axis_of_a_row(trace: Trace) -> tuple[Verdict, str]:
    same = "a" in trace.steps[-1].names and final(trace, "first").values is not None
    if trace.failure is None:
        return Verdict.HOLDS, "axis=1 gave the same"
    return (
        Verdict.CONDITION if same else Verdict.WRONG
    ), f"axis=1: {trace.failure.kind}: {trace.failure.message}"


JOINING = Lesson(
    slug="cat",
    title="cat and stack",
    notice="cat makes an axis longer, stack makes a new one; both copy.",
    program=PROGRAM,
    parameters=Joining,
    presets=(
        Preset(
            "Below each other", "Along dim 0 the columns must fit, the rows need not.", Joining()
        ),
        Preset("Side by side", "Along dim 1 the rows must fit.", Joining(dim="1", columns=2)),
        Preset(
            "They do not fit",
            "The message names the axis that differs, and both sizes.",
            Joining(columns=4),
        ),
        Preset(
            "Two dtypes",
            "int64 and float32 promote to float32: 0 becomes 0.0.",
            Joining(dtype="float32"),
        ),
    ),
    opens="c = torch.cat",
    notes={
        "c = torch.cat": "Every size but the one along dim must be the same.",
        "c[0, 0] = -1": "c has a storage of its own: a keeps its 0.",
        "s = torch.stack": "All shapes must be the same; the new axis counts the tensors.",
    },
    slips=(
        Slip(
            title="stack for cat",
            program="import torch\n\nred = torch.zeros(1, 2, 2)\ngreen_blue = torch.ones(2, 2, 2)\n"
            "picture = torch.cat([red, green_blue])",
            wrong="picture = torch.stack([red, green_blue])",
            right="picture = torch.cat([red, green_blue])",
            lesson="stack wants equal shapes and makes a new axis; channels join along the axis "
            "that they have.",
            source=("pytorch#15037", "https://github.com/pytorch/pytorch/issues/15037"),
        ),
        Slip(
            title="cat for stack",
            program="import torch\n\nrows = [torch.full((3,), float(i)) for i in range(2)]\n"
            "batch = torch.stack(rows)",
            wrong="batch = torch.cat(rows)",
            right="batch = torch.stack(rows)",
            lesson="cat of rows is one long row; a batch is a new axis.",
            source=("torch.stack", f"{_DOCS}/generated/torch.stack.html"),
        ),
        Slip(
            title="growing from an empty tensor",
            program="import torch\n\nseen = torch.zeros(0, 3)\n"
            "seen = torch.cat([seen, torch.ones(2, 3)], dim=0)",
            wrong="seen = torch.zeros(0, 4)",
            right="seen = torch.zeros(0, 3)",
            lesson="Only the old empty tensor of shape (0,) is skipped whatever its shape; any "
            "other empty tensor must fit.",
            source=("pytorch#86918", "https://github.com/pytorch/pytorch/issues/86918"),
            opens="torch.cat([seen",
        ),
    ),
    proofs=(
        Proof(
            "c and s are NumPy's, and cat refuses exactly what numpy.concatenate refuses.",
            "numpy.concatenate, numpy.stack",
            _joined,
            twin=("torch.cat([a, b], dim=${dim})", "torch.cat([b, a], dim=${dim})"),
        ),
        Proof(
            "The write into c leaves a as it was.",
            "0 to 5, written down",
            _copied,
            twin=("c[0, 0] = -1", "a[0, 0] = -1"),
        ),
    ),
    statements=(
        Statement(
            says="What cat joins must have one shape and one type.",
            where="Joining channels, cat()",
            program="import torch\na = torch.zeros(2, 3, dtype=torch.int64)\n"
            "b = torch.ones(1, 3)\nc = torch.cat([a, b])",
            judge=_must_match,
            truth="The sizes along dim may differ, and dtypes promote; every other size must be "
            "the same.",
            twin=("torch.ones(1, 3)", "torch.ones(1, 4)"),
        ),
        Statement(
            says="For one-dimensional arrays the axis does not matter to np.concatenate.",
            where="Numpy concatenate",
            program="import numpy as np\na = np.array([1, 2, 3])\nb = np.array([11, 22])\n"
            "first = np.concatenate([a, b], axis=0)\nsecond = np.concatenate([a, b], axis=1)",
            judge=_axis_of_a_row,
            truth="0, -1 and None are legal and give the same; axis=1 raises.",
            twin=("axis=1", "axis=-1"),
        ),
    ),
    ask=Ask(
        text="Three tensors of shape (2, 5). What is torch.stack(three, dim=1).shape?",
        program="import torch\nthree = [torch.zeros(2, 5) for _ in range(3)]\n"
        "s = torch.stack(three, dim=1)",
        answer=lambda trace: str(final(trace, "s").shape),
        options=("(2, 3, 5)", "(3, 2, 5)", "(2, 15)", "(6, 5)"),
        because="The new axis stands at dim, and its size is the number of tensors.",
    ),
    references=(
        ("torch.cat", f"{_DOCS}/generated/torch.cat.html"),
        ("torch.stack", f"{_DOCS}/generated/torch.stack.html"),
    ),
    terms=("torch.cat", "torch.stack", "concatenate", "vstack", "hstack"),
)
