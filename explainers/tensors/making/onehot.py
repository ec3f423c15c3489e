"""One-hot rows three ways, and gather, which reads them back."""

import dataclasses

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class OneHot(Parameters):
    """Say how many classes there are, and which the last label is."""

    classes: int = number(4, label="classes", help="Columns.", minimum=3, maximum=6, step=1)
    label: int = number(1, label="last label", help="-1 is none.", minimum=-1, maximum=5, step=1)


PROGRAM = """
import torch

label = torch.tensor([2, 0, ${label}])
p = torch.arange(3. * ${classes}).view(3, ${classes})
a = torch.eye(${classes})[label]
b = torch.zeros(3, ${classes}).scatter_(1, label[:, None], 1.)
c = torch.nn.functional.one_hot(label, ${classes})
picked = p.gather(1, label[:, None])
"""


def _labels(settings: OneHot) -> list[int]:
    return [2, 0, settings.label]


def _rows(settings: OneHot) -> list[float]:
    return [float(k == label) for label in _labels(settings) for k in range(settings.classes)]


def _refused(trace: Trace) -> float:
    return 0.0 if trace.failure is not None else float("inf")


def _eye(trace: Trace, settings: OneHot) -> float:
    if settings.label >= settings.classes:
        return _refused(trace)
    rows = np.eye(settings.classes, dtype=np.float32)[_labels(settings)]
    a = final(trace, "a")
    return difference(a.values, rows.reshape(-1).tolist()) if a.dtype == "float32" else float("inf")


def _scatter(trace: Trace, settings: OneHot) -> float:
    if not 0 <= settings.label < settings.classes:
        return _refused(trace)
    b, c = final(trace, "b"), final(trace, "c")
    if (b.dtype, c.dtype) != ("float32", "int64"):
        return float("inf")
    return max(difference(found.values, _rows(settings)) for found in (b, c))


def _gather(trace: Trace, settings: OneHot) -> float:
    if not 0 <= settings.label < settings.classes:
        return _refused(trace)
    p = np.arange(3.0 * settings.classes).reshape(3, -1)
    expected = [p[row, label] for row, label in enumerate(_labels(settings))]
    return difference(final(trace, "picked").values, expected)


def _base(trace: Trace) -> tuple[Verdict, str]:
    rows = final(trace, "rows").values
    said = f"labels 2, 0 give {rows[:3]}, {rows[3:6]}; label -1 gives {rows[6:]}"
    if rows[:6] != (0, 0, 1, 1, 0, 0):
        return Verdict.WRONG, said
    return Verdict.CONDITION if any(rows[6:]) else Verdict.HOLDS, said


def _decoded(trace: Trace) -> tuple[Verdict, str]:
    label, back = final(trace, "label").values, final(trace, "back").values
    said = f"labels {label}, read back {back}"
    return Verdict.HOLDS if label == back else Verdict.CONDITION, said


ONEHOT = Lesson(
    slug="onehot",
    title="one-hot, scatter_, gather",
    notice="eye[label], scatter_ and one_hot give the same rows; one_hot's are int64.",
    program=PROGRAM,
    parameters=OneHot,
    presets=(
        Preset("Three ways", "The same rows, in float32, float32 and int64.", OneHot()),
        Preset(
            "Label -1",
            "eye counts -1 from the end and says nothing; scatter_ refuses.",
            OneHot(label=-1),
        ),
        Preset(
            "A label too many",
            "With four classes there is no class 4: the first of the three refuses.",
            OneHot(label=4),
        ),
    ),
    notes={
        "a = torch.eye": "Row k of eye is the one-hot row of class k: indexing copies rows.",
        "b = torch.zeros": "In row i, the cell in column label[i] is written.",
        "c = torch.nn.functional.one_hot": "It checks the labels, and gives int64.",
        "picked = p.gather": "The way back: from row i of p, the cell in column label[i].",
    },
    slips=(
        Slip(
            title="label -1 with eye",
            program="import torch\n\nlabel = torch.tensor([1, -1])\n"
            "rows = torch.eye(3)[label] * (label >= 0)[:, None]",
            wrong="rows = torch.eye(3)[label]",
            right="rows = torch.eye(3)[label] * (label >= 0)[:, None]",
            lesson="-1, often “no label”, is the last row of eye: the last class.",
            source=("pytorch#45352", "https://github.com/pytorch/pytorch/issues/45352"),
        ),
        Slip(
            title="one_hot as a target of a float loss",
            program="import torch\nfrom torch.nn import functional as F\n\n"
            "logits = torch.zeros(1, 3)\ntarget = F.one_hot(torch.tensor([1]), 3).float()\n"
            "loss = F.binary_cross_entropy_with_logits(logits, target)",
            wrong="target = F.one_hot(torch.tensor([1]), 3)",
            right="target = F.one_hot(torch.tensor([1]), 3).float()",
            lesson="one_hot gives int64; a loss on floats wants floats.",
            source=(
                "mmpretrain#1520",
                "https://github.com/open-mmlab/mmpretrain/issues/1520",
            ),
            opens="binary_cross_entropy",
        ),
        Slip(
            title="gather along the wrong axis",
            program="import torch\n\np = torch.tensor([[0.1, 0.9], [0.8, 0.2]])\n"
            "label = torch.tensor([[1], [1]])\npicked = p.gather(1, label)",
            wrong="picked = p.gather(0, label)",
            right="picked = p.gather(1, label)",
            lesson="dim is the axis that the index walks: 1 takes column label[i] of row i, 0 "
            "takes row label[i] of the first column.",
            source=("pytorch#99595", "https://github.com/pytorch/pytorch/issues/99595"),
        ),
        Slip(
            title="scatter_ with a row of labels",
            program="import torch\n\nlabel = torch.tensor([2, 0])\n"
            "rows = torch.zeros(2, 3).scatter_(1, label[:, None], 1.)",
            wrong="rows = torch.zeros(2, 3).scatter_(1, label, 1.)",
            right="rows = torch.zeros(2, 3).scatter_(1, label[:, None], 1.)",
            lesson="The index has as many axes as the tensor: one column of labels, a label a row.",
            source=("torch.Tensor.scatter_", f"{_DOCS}/generated/torch.Tensor.scatter_.html"),
        ),
    ),
    proofs=(
        Proof(
            "eye[label] is NumPy's, -1 included; a label beyond the classes is refused.",
            "numpy.eye, indexed",
            _eye,
            twin=("torch.eye(${classes})[label]", "torch.ones(${classes}, ${classes})[label]"),
        ),
        Proof(
            "scatter_ and one_hot give a 1 at the label and 0 elsewhere, or refuse the label.",
            "a loop over rows and classes",
            _scatter,
            twin=("scatter_(1, label[:, None], 1.)", "scatter_(0, label[:, None], 1.)"),
        ),
        Proof(
            "gather takes from each row the cell at its label, or refuses the label.",
            "a loop over rows",
            _gather,
            twin=("p.gather(1, label[:, None])", "p.gather(0, label[:, None])"),
        ),
    ),
    statements=(
        Statement(
            says="base = torch.eye(num_class); base[label] is one-hot.",
            where="one-hot",
            program="import torch\nbase = torch.eye(3)\nlabel = torch.tensor([2, 0, -1])\n"
            "rows = base[label]",
            judge=_base,
            truth="For labels from 0 to K - 1, in float32; -1 becomes the last class, without a "
            "word.",
            twin=("base[label]", "base[label] * (label >= 0)[:, None]"),
        ),
        Statement(
            says="scatter_ encodes one-hot and gather decodes it.",
            where="Matrix operations, table",
            program="import torch\nlabel = torch.tensor([2, 0, 1])\n"
            "rows = torch.zeros(3, 3).scatter_(1, label[:, None], 1.)\n"
            "back = rows.gather(1, label[:, None])",
            judge=_decoded,
            truth="gather reads the cell at a label that is known; the label itself comes back "
            "from argmax(1).",
            twin=("rows.gather(1, label[:, None])", "rows.argmax(1)"),
        ),
    ),
    ask=Ask(
        text="What is torch.eye(3)[torch.tensor([-1])]?",
        program="import torch\nx = torch.eye(3)[torch.tensor([-1])]\nrow = x[0].tolist()",
        answer=lambda trace: "an error" if trace.failure is not None else final(trace, "row").text,
        options=("[0.0, 0.0, 0.0]", "[1.0, 0.0, 0.0]", "[0.0, 0.0, 1.0]", "an error"),
        because="An index counts from the end: -1 is the last row, so the last class.",
    ),
    references=(
        ("torch.nn.functional.one_hot", f"{_DOCS}/generated/torch.nn.functional.one_hot.html"),
        ("torch.gather", f"{_DOCS}/generated/torch.gather.html"),
    ),
)
