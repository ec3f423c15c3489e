"""tensor takes data, Tensor takes data or a shape, and what unwritten memory holds."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import apart
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_GIVEN = {
    "3": 3,
    "[3]": [3],
    "[1, 2]": [1, 2],
    "[[1, 2], [3, 4]]": [[1, 2], [3, 4]],
    "[True, False]": [True, False],
}
_DTYPES = {
    "Tensor": "float32",
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
}


@dataclasses.dataclass(frozen=True)
class Data(Parameters):
    """Say what both constructors are given, and which the second is."""

    given: str = choice(
        "3",
        tuple(_GIVEN),
        label="given",
        help="A number, or lists of numbers.",
    )
    constructor: str = choice(
        "Tensor",
        tuple(_DTYPES),
        label="b = torch.…",
        help="The old constructors: each has a dtype of its own.",
    )


PROGRAM = """
import torch

torch.use_deterministic_algorithms(True)
a = torch.tensor(${given})
b = torch.${constructor}(${given})
size = torch.${constructor}(2, 3)
like = a.new_empty(2, 3)
like[0] = 0
a.dtype, b.dtype, size.dtype
"""


def _unwritten(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.full(shape, np.nan, kind)
    return np.full(shape, True if kind.kind == "b" else np.iinfo(kind).max, kind)


def _data(trace: Trace, settings: Data) -> float:
    return apart(final(trace, "a"), np.array(_GIVEN[settings.given]))


def _data_or_shape(trace: Trace, settings: Data) -> float:
    given, dtype = _GIVEN[settings.given], _DTYPES[settings.constructor]
    expected = _unwritten((given,), dtype) if isinstance(given, int) else np.array(given, dtype)
    return apart(final(trace, "b"), expected)


def _filled(trace: Trace, settings: Data) -> float:
    like = _unwritten((2, 3), np.array(_GIVEN[settings.given]).dtype)
    like[0] = 0
    return max(
        apart(final(trace, "like"), like),
        apart(final(trace, "size"), _unwritten((2, 3), _DTYPES[settings.constructor])),
    )


def _takes_a_shape(trace: Trace) -> tuple[Verdict, str]:
    a, b = final(trace, "a"), final(trace, "b")
    said = f"FloatTensor(2, 3) has shape {a.shape}; FloatTensor of lists has {b.shape}"
    if a.shape != (2, 3):
        return Verdict.WRONG, said
    if b.values == (1, 2, 3, 4, 5, 6):
        return Verdict.CONDITION, f"{said} and holds their numbers"
    return Verdict.HOLDS, said


def _by_name(trace: Trace) -> tuple[Verdict, str]:
    found = [final(trace, name).dtype for name in "abcde"]
    right = found == ["float32", "float64", "int64", "int16", "int32"]
    return Verdict.HOLDS if right else Verdict.WRONG, ", ".join(found)


def _table(trace: Trace) -> tuple[Verdict, str]:
    names = ("uniform", "normal", "empty", "zeros", "given")
    shapes = {name: final(trace, name).shape for name in names}
    cells = len(final(trace, "empty").values)
    said = f"shapes {', '.join(map(str, shapes.values()))}; empty has {cells} cells"
    zeros = final(trace, "zeros")
    if zeros.dtype != "int64" or any(zeros.values):
        return Verdict.WRONG, said
    return Verdict.CONDITION if cells else Verdict.HOLDS, said


def _new_empty(trace: Trace) -> tuple[Verdict, str]:
    t, e = final(trace, "t"), final(trace, "e")
    right = e.shape == (2, 3) and (e.dtype, e.device) == (t.dtype, t.device)
    said = f"shape {e.shape}, {e.dtype}, {e.device}, of a {t.dtype} on {t.device}"
    return Verdict.HOLDS if right else Verdict.WRONG, said


DATA = Lesson(
    slug="data",
    title="tensor or Tensor",
    notice="torch.tensor(3) is the number 3; torch.Tensor(3) is three cells that nothing wrote.",
    program=PROGRAM,
    parameters=Data,
    presets=(
        Preset("A number", "For Tensor a number is a size, for tensor it is the data.", Data()),
        Preset(
            "A list",
            "A list is data for both; tensor keeps integers, Tensor makes them float32.",
            Data(given="[1, 2]"),
        ),
        Preset(
            "Truth values",
            "tensor keeps bool; LongTensor makes 1 and 0 of it.",
            Data(given="[True, False]", constructor="LongTensor"),
        ),
        Preset(
            "Unwritten integers",
            "There is no integer NaN: the switch fills in the largest value.",
            Data(constructor="ShortTensor"),
        ),
    ),
    opens="size = torch.",
    notes={
        "torch.use_deterministic_algorithms": "Unwritten cells hold whatever lay there before; "
        "under this switch torch fills them, with NaN or the largest integer.",
        "a = torch.tensor": "Data, always; its dtype is the data's.",
        "b = torch.": "A number is a size, a list is data; the dtype is the constructor's.",
        "like = a.new_empty": "Shape asked for, dtype and device taken from a, nothing written.",
    },
    slips=(
        Slip(
            title="Tensor(3) for the number 3",
            program="import torch\n\ntorch.use_deterministic_algorithms(True)\n"
            "x = torch.tensor(3.)\ny = 2 * x",
            wrong="x = torch.Tensor(3)",
            right="x = torch.tensor(3.)",
            lesson="The capital one reads a number as a size and leaves its cells unwritten; the "
            "small one takes data.",
            source=("pytorch#28867", "https://github.com/pytorch/pytorch/issues/28867"),
        ),
        Slip(
            title="empty for zeros",
            program="import torch\n\ntorch.use_deterministic_algorithms(True)\n"
            "total = torch.zeros(2)\nfor x in (1., 2.):\n    total += x",
            wrong="total = torch.empty(2)",
            right="total = torch.zeros(2)",
            lesson="empty writes nothing: that it often looks like zeros is chance. The "
            "deterministic switch makes the fault show as NaN.",
            source=("pytorch#24263", "https://github.com/pytorch/pytorch/issues/24263"),
        ),
        Slip(
            title="tensor(2, 3) for a shape",
            program="import torch\n\nx = torch.zeros(2, 3)",
            wrong="x = torch.tensor(2, 3)",
            right="x = torch.zeros(2, 3)",
            lesson="tensor takes one argument, the data; a shape goes to zeros, ones or empty.",
            source=("torch.tensor", f"{_DOCS}/generated/torch.tensor.html"),
        ),
    ),
    proofs=(
        Proof(
            "torch.tensor takes data: values, shape and dtype are NumPy's.",
            "numpy.array",
            _data,
            twin=("a = torch.tensor(${given})", "a = torch.Tensor(${given})"),
        ),
        Proof(
            "The capital constructors read a number as a size and a list as data, in their dtype.",
            "numpy.array, numpy.full",
            _data_or_shape,
            twin=("b = torch.${constructor}(${given})", "b = torch.${constructor}([${given}])"),
        ),
        Proof(
            "What nothing wrote holds NaN, or the largest integer, under the switch.",
            "numpy.full of NaN and of numpy.iinfo's max",
            _filled,
            twin=("like[0] = 0", "like[:] = 0"),
        ),
    ),
    statements=(
        Statement(
            says="Lower-case tensor takes data; upper-case Tensor and FloatTensor take a shape.",
            where="Creating tensors",
            program="import torch\ntorch.use_deterministic_algorithms(True)\n"
            "a = torch.FloatTensor(2, 3)\nb = torch.FloatTensor([[1, 2], [3, 4], [5, 6]])",
            judge=_takes_a_shape,
            truth="The upper-case ones take whole numbers as a shape, and lists as data.",
            twin=("torch.FloatTensor([[1, 2], [3, 4], [5, 6]])", "torch.FloatTensor(3, 2)"),
        ),
        Statement(
            says="The default is FloatTensor; Double, Long, Short and IntTensor are float64, "
            "int64, int16 and int32.",
            where="Creating tensors",
            program="import torch\nrows = [[1, 2], [3, 4]]\na = torch.Tensor(rows)\n"
            "b = torch.DoubleTensor(rows)\nc = torch.LongTensor(rows)\n"
            "d = torch.ShortTensor(rows)\ne = torch.IntTensor(rows)",
            judge=_by_name,
            truth="They still are; torch.tensor(data, dtype=…) says it plainly.",
            twin=("torch.Tensor(rows)", "torch.tensor(rows)"),
        ),
        Statement(
            says="rand, randn, empty, zeros(dtype=long) and tensor make a random, a normal, an "
            "empty, a zero and a given matrix.",
            where="Matrix operations, table",
            program="import torch\ntorch.use_deterministic_algorithms(True)\n"
            "torch.manual_seed(0)\nuniform = torch.rand(5, 3)\nnormal = torch.randn(2, 4)\n"
            "empty = torch.empty(5, 3)\nzeros = torch.zeros(5, 3, dtype=torch.long)\n"
            "given = torch.tensor([5.5, 0.02])",
            judge=_table,
            truth="empty has all its cells; they are unwritten, not absent and not zero.",
            twin=("torch.empty(5, 3)", "torch.empty(0, 3)"),
        ),
        Statement(
            says="new_empty gives uninitialised cells of the same dtype and on the same device.",
            where="tensor.new_empty((2,3))",
            program="import torch\ntorch.use_deterministic_algorithms(True)\n"
            "t = torch.ones((), dtype=torch.float64)\ne = t.new_empty((2, 3))",
            judge=_new_empty,
            truth="It does; the numbers printed there are whatever lay in memory.",
            twin=("t.new_empty((2, 3))", "torch.empty((2, 3))"),
        ),
    ),
    ask=Ask(
        text="What is torch.Tensor(3).shape?",
        program="import torch\ntorch.use_deterministic_algorithms(True)\nx = torch.Tensor(3)",
        answer=lambda trace: str(final(trace, "x").shape),
        options=("()", "(1,)", "(3,)", "(3, 3)"),
        because="A number is a size for the capital constructor: three unwritten float32 cells.",
    ),
    references=(
        ("torch.Tensor", f"{_DOCS}/tensors.html"),
        ("torch.utils.deterministic", f"{_DOCS}/deterministic.html"),
    ),
)
