"""Promotion: which dtype a result has, and what in place cannot change."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from explainers.evidence import Kind
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, final, first
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_TENSOR, _ZERO, _NUMBER = 2, 1, 0
_RIGHT: Mapping[str, tuple[str, str, int, float]] = {
    "10": ("10", "int64", _NUMBER, 10),
    "0.5": ("0.5", "float32", _NUMBER, 0.5),
    "0-d int64": ("torch.tensor(10)", "int64", _ZERO, 10),
    "0-d float64": ("torch.tensor(0.5, dtype=torch.float64)", "float64", _ZERO, 0.5),
    "1-d int64": ("torch.tensor([10])", "int64", _TENSOR, 10),
    "1-d float64": ("torch.tensor([0.5], dtype=torch.float64)", "float64", _TENSOR, 0.5),
}


@dataclasses.dataclass(frozen=True)
class Promoting(Parameters):
    """Say which dtype a has, and what is added to it."""

    dtype: str = choice(
        "uint8",
        ("uint8", "int64", "float16", "float32", "float64"),
        label="dtype",
        help="Of a.",
    )
    right: str = choice(
        "10",
        tuple(_RIGHT),
        label="b",
        help="A number of Python's, a tensor without axes, or one with an axis.",
    )


PROGRAM = """
import torch

a = torch.tensor([250, 3], dtype=torch.${dtype})
b = ${right}
c = a + b
half = a / 2
c.dtype, half.dtype
a += b
"""


def _is_float(dtype: str) -> bool:
    return dtype.startswith("float")


def _promoted(settings: Promoting) -> str:
    """The rule of torch's documentation: a kind wins over a rank, and in a kind axes do."""
    _, other, rank, _ = _RIGHT[settings.right]
    if _is_float(other) and not _is_float(settings.dtype):
        return other
    if _is_float(settings.dtype) and not _is_float(other):
        return settings.dtype
    return np.promote_types(settings.dtype, other).name if rank == _TENSOR else settings.dtype


def _sum(settings: Promoting) -> list[float]:
    value = _RIGHT[settings.right][3]
    dtype = np.dtype(_promoted(settings))
    left = np.array([250, 3], settings.dtype).astype(dtype)
    return (left + np.array([value], dtype)).tolist()  # type: ignore[no-any-return]


def _result(trace: Trace, settings: Promoting) -> float:
    c = final(trace, "c")
    if c.dtype != _promoted(settings):
        return float("inf")
    return difference(c.values, _sum(settings))


def _halves(trace: Trace, settings: Promoting) -> float:
    half = final(trace, "half")
    expected = settings.dtype if _is_float(settings.dtype) else "float32"
    return float("inf") if half.dtype != expected else difference(half.values, (125.0, 1.5))


def _in_place(trace: Trace, settings: Promoting) -> float:
    a, failure = final(trace, "a"), trace.failure
    if a.dtype != settings.dtype:
        return float("inf")
    if _is_float(_promoted(settings)) and not _is_float(settings.dtype):
        refused = failure is not None and "can't be cast" in failure.message
        return 0.0 if refused and a.values == (250, 3) else float("inf")
    value = _RIGHT[settings.right][3]
    expected = np.array([250, 3], _promoted(settings)) + np.array([value], _promoted(settings))
    return difference(a.values, expected.astype(settings.dtype).tolist())


def _same_tensor(trace: Trace, _: Promoting) -> float:
    return float(final(trace, "a").storage != first(trace, "a").storage)


PROMOTING = Lesson(
    slug="promote",
    title="promotion",
    notice="250 + 10 is 4 in uint8: a number of Python's does not widen an integer tensor.",
    program=PROGRAM,
    parameters=Promoting,
    spelled={"right": {name: words[0] for name, words in _RIGHT.items()}},
    presets=(
        Preset("uint8 wraps", "250 + 10 is 260, and 260 - 256 is 4; nothing is said.", Promoting()),
        Preset(
            "A fraction",
            "Out of place the sum becomes float32; in place uint8 must stay, and torch refuses.",
            Promoting(right="0.5"),
        ),
        Preset(
            "float64 without axes",
            "A tensor without axes counts like a number: float32 stays float32.",
            Promoting(dtype="float32", right="0-d float64"),
        ),
        Preset(
            "float64 with an axis",
            "One axis, of size 1, and the whole sum is float64; in place it stays float32.",
            Promoting(dtype="float32", right="1-d float64"),
        ),
    ),
    opens="half = a / 2",
    notes={
        "c = a + b": "A float wins over an integer; within a kind, only what has axes counts.",
        "half = a / 2": "A true division of integers gives the default dtype, float32.",
        "a += b": "In place writes into a's memory: the dtype cannot change.",
    },
    slips=(
        Slip(
            title="the mean of integers",
            program="import torch\n\nx = torch.tensor([1, 2])\nm = x.float().mean()",
            wrong="m = x.mean()",
            right="m = x.float().mean()",
            lesson="mean keeps the dtype, and an integer cannot hold it: say which float you want.",
            source=("pytorch#64897", "https://github.com/pytorch/pytorch/issues/64897"),
        ),
        Slip(
            title="uint8 against 256",
            program="import torch\n\nx = torch.tensor([1, 255], dtype=torch.uint8)\n"
            "small = x.int() < 256",
            wrong="small = x < 256",
            right="small = x.int() < 256",
            lesson="The number takes on the tensor's dtype, and 256 is 0 in uint8: no cell is "
            "below it.",
            source=("pytorch#101653", "https://github.com/pytorch/pytorch/issues/101653"),
        ),
        Slip(
            title="NumPy's float64 into a layer",
            program="import numpy as np\nimport torch\n\ntorch.manual_seed(0)\n"
            "layer = torch.nn.Linear(2, 1)\nn = np.array([[1.0, 2.0]])\n"
            "x = torch.from_numpy(n).float()\ny = layer(x)",
            wrong="x = torch.from_numpy(n)",
            right="x = torch.from_numpy(n).float()",
            lesson="NumPy's floats are float64 and stay so; weights are float32, and a product "
            "takes two of a kind.",
            source=("pytorch#105243", "https://github.com/pytorch/pytorch/issues/105243"),
            opens="y = layer(x)",
        ),
        Slip(
            title="a fraction added in place to integers",
            program="import torch\n\ncount = torch.tensor([1, 2])\ncount = count + 0.5",
            wrong="count += 0.5",
            right="count = count + 0.5",
            lesson="In place keeps the dtype of the left side; out of place makes a float32 "
            "tensor.",
            source=("DBA#1", "https://github.com/AI-secure/DBA/issues/1"),
        ),
    ),
    proofs=(
        Proof(
            "The sum has the promoted dtype, and NumPy's values in it.",
            "the documented rule, in Python; NumPy's sum in that dtype",
            _result,
            twin=("c = a + b", "c = a.int() + b"),
        ),
        Proof(
            "Dividing integers gives float32; dividing floats keeps their dtype.",
            "125 and 1.5",
            _halves,
            twin=("half = a / 2", "half = a // 2"),
        ),
        Proof(
            "In place, a keeps its dtype; where the sum is a float and a is not, torch refuses.",
            "NumPy's sum, cast to a's dtype",
            _in_place,
            twin=("a += b", "a = a.int() + b"),
        ),
        Proof(
            "In place, a keeps its memory.",
            "the storage before and after",
            _same_tensor,
            twin=("a += b", "a = a + b"),
            kind=Kind.INVARIANT,
        ),
    ),
    ask=Ask(
        text="a is float32 with two cells, b = torch.tensor(0.5, dtype=torch.float64). "
        "What is (a + b).dtype?",
        program="import torch\na = torch.ones(2)\nb = torch.tensor(0.5, dtype=torch.float64)\n"
        "c = a + b",
        answer=lambda trace: str(final(trace, "c").dtype),
        options=("float16", "float32", "float64"),
        because="b has no axes: it may change the kind of the result, not the width.",
    ),
    references=(
        (
            "torch: type promotion",
            f"{_DOCS}/tensor_attributes.html#type-promotion-doc",
        ),
    ),
)
