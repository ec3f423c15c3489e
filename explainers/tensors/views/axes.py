"""Adding and removing axes of size 1."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import cells, difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Axes(Parameters):
    """Say how large the batch is, and where an axis comes and goes."""

    batch: int = number(2, label="batch", help="Rows of x.", minimum=1, maximum=4, step=1)
    features: int = number(3, label="features", help="Columns of x.", minimum=1, maximum=5, step=1)
    dim: str = choice(
        "1", ("0", "1", "2", "-1"), label="dim", help="Where unsqueeze puts the axis of size 1."
    )


PROGRAM = """
import torch

x = torch.arange(${batch} * ${features}).view(${batch}, ${features})
y = x.unsqueeze(${dim})
z = x[:, None]
s = y.squeeze()
t = y.squeeze(${dim})
y.shape, s.shape, t.shape
"""


def _numpy(settings: Axes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    x = np.arange(settings.batch * settings.features).reshape(settings.batch, -1)
    return x, np.expand_dims(x, int(settings.dim))


def _shapes(trace: Trace, settings: Axes) -> float:
    x, y = _numpy(settings)
    expected = (y, x[:, None], y.squeeze(), y.squeeze(int(settings.dim)))
    return max(
        difference(final(trace, name).shape, array.shape)
        for name, array in zip("yzst", expected, strict=True)
    )


def _cells(trace: Trace, settings: Axes) -> float:
    x, y = _numpy(settings)
    return max(
        difference(final(trace, name).cells, cells(array, x.reshape(-1)))
        for name, array in (("y", y), ("z", x[:, None]), ("s", y.squeeze()))
    )


def _one_storage(trace: Trace, _: Axes) -> float:
    return float(len({final(trace, name).storage for name in "xyzst"}) - 1)


def _adds(trace: Trace) -> tuple[Verdict, str]:
    pos, more = final(trace, "pos"), final(trace, "more")
    right = more.shape == (1, *pos.shape) and more.storage == pos.storage
    return (
        Verdict.HOLDS if right else Verdict.WRONG
    ), f"shape {pos.shape} becomes {more.shape}, stride {more.stride}"


def _removes(trace: Trace) -> tuple[Verdict, str]:
    y, z = final(trace, "y"), final(trace, "z")
    gone = f"(1, 3, 1) becomes {y.shape}; squeeze(1) of (1, 3) gives {z.shape}"
    if y.shape != (3,):
        return Verdict.WRONG, gone
    return Verdict.CONDITION, gone


AXES = Lesson(
    slug="axes",
    title="adding and removing axes",
    notice="An axis of size 1 costs nothing: every tensor here reads x's own cells.",
    program=PROGRAM,
    parameters=Axes,
    presets=(
        Preset("In the middle", "unsqueeze adds a size and a stride, and moves nothing.", Axes()),
        Preset(
            "A batch of one",
            "squeeze() took the batch's axis too; squeeze(dim) took only its own.",
            Axes(batch=1),
        ),
        Preset("At the end", "-1 counts from the end of the new shape.", Axes(dim="-1")),
    ),
    opens="y.shape, s.shape",
    notes={
        "y = x.unsqueeze": "One more index, which is always 0.",
        "z = x[:, None]": "None in an index is unsqueeze at that place.",
        "s = y.squeeze()": "Without dim, every axis of size 1 goes, also one that you need.",
        "t = y.squeeze(": "With dim, that axis alone goes, and only if its size is 1.",
    },
    slips=(
        Slip(
            title="squeeze of a batch of one",
            program="import torch\n\nlogits = torch.zeros(1, 10, 1)\nout = logits.squeeze(-1)",
            wrong="out = logits.squeeze()",
            right="out = logits.squeeze(-1)",
            lesson="With one picture left in the last batch, squeeze() drops the batch's axis too; "
            "name the axis that you mean.",
            source=("pytorch#142852", "https://github.com/pytorch/pytorch/issues/142852"),
        ),
        Slip(
            title="squeezing a size that is not 1",
            program="import torch\n\nx = torch.zeros(2, 3)\ny = x[:, 0]",
            wrong="y = x.squeeze(1)",
            right="y = x[:, 0]",
            lesson="squeeze(dim) of any other size does nothing and says nothing; an index takes "
            "the axis away.",
            source=("torch.squeeze", f"{_DOCS}/generated/torch.squeeze.html"),
        ),
        Slip(
            title="a column against a row",
            program="import torch\n\nprediction = torch.zeros(3, 1)\n"
            "target = torch.tensor([1., 2., 3.])\nerror = prediction.squeeze(1) - target",
            wrong="error = prediction - target",
            right="error = prediction.squeeze(1) - target",
            lesson="(3, 1) and (3,) broadcast to (3, 3): every prediction meets every target, and "
            "nothing is raised.",
            source=("torch: broadcasting", f"{_DOCS}/notes/broadcasting.html"),
        ),
    ),
    proofs=(
        Proof(
            "Every shape is NumPy's.",
            "numpy.expand_dims, numpy.squeeze",
            _shapes,
            twin=("y = x.unsqueeze(${dim})", "y = x.unsqueeze(0).unsqueeze(0)"),
        ),
        Proof(
            "Each element lies where NumPy's address says.",
            "addresses of NumPy's elements",
            _cells,
            twin=("z = x[:, None]", "z = x.flip(0)[:, None].flip(0)[:, :, :-1]"),
        ),
        Proof(
            "All five tensors lie in one storage.",
            "the number of storages",
            _one_storage,
            twin=("s = y.squeeze()", "s = y.squeeze().clone()"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="pos[None] adds an axis in front.",
            where="tensor.unsqueeze()",
            program="import torch\npos = torch.arange(1, 10)\nmore = pos[None]",
            judge=_adds,
            truth="It does, in the same storage; unsqueeze(0) is the same.",
            twin=("pos[None]", "pos[:, None]"),
        ),
        Statement(
            says="squeeze removes axes of size 1.",
            where="Tensor operations, table",
            program="import torch\nx = torch.zeros(1, 3, 1)\ny = x.squeeze()\n"
            "z = torch.zeros(1, 3).squeeze(1)",
            judge=_removes,
            truth="All of them, a batch of one included; with dim that one, and nothing where its "
            "size is not 1.",
            twin=("y = x.squeeze()", "y = x.squeeze(0)"),
        ),
    ),
    ask=Ask(
        text="x has shape (1, 10, 1), a batch of one. What is x.squeeze().shape?",
        program="import torch\nx = torch.zeros(1, 10, 1)\ny = x.squeeze()",
        answer=lambda trace: str(final(trace, "y").shape),
        options=("(10,)", "(1, 10)", "(10, 1)", "(1, 10, 1)"),
        because="Without dim every axis of size 1 goes, the batch's too.",
    ),
    references=(
        ("torch.unsqueeze", f"{_DOCS}/generated/torch.unsqueeze.html"),
        ("torch.squeeze", f"{_DOCS}/generated/torch.squeeze.html"),
    ),
    terms=("unsqueeze", "squeeze", "None", "newaxis"),
)
