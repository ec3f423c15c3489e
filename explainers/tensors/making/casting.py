"""Casts: what is cut, what wraps, what is rounded, and the way to Python's numbers."""

import dataclasses
import struct

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_BITS = {"uint8": 8, "int8": 8, "int16": 16, "int32": 32}


@dataclasses.dataclass(frozen=True)
class Casting(Parameters):
    """Say which whole number is cast, and to which dtype."""

    value: int = number(40000, label="value", help="Of n.", minimum=-60000, maximum=60000, step=20)
    dtype: str = choice(
        "int16", (*_BITS, "float16", "bool"), label="dtype", help="That n is cast to."
    )


PROGRAM = """
import torch

x = torch.tensor([1.9, -1.9, 2.5])
whole = x.to(torch.int64)
n = torch.tensor([${value}, -1])
y = n.to(torch.${dtype})
back = y.to(torch.int64)
y[0].item(), y.tolist()
"""


def _wrapped(value: int, dtype: str) -> float:
    if dtype == "bool":
        return value != 0
    if dtype == "float16":  # Python's own half
        return float(struct.unpack("e", struct.pack("e", value))[0])
    bits = _BITS[dtype]
    low = 0 if dtype == "uint8" else 1 << (bits - 1)
    return (value + low) % (1 << bits) - low


def _cast(trace: Trace, settings: Casting) -> float:
    y = final(trace, "y")
    expected = [_wrapped(value, settings.dtype) for value in (settings.value, -1)]
    return difference(y.values, expected) if y.dtype == settings.dtype else float("inf")


def _cut(trace: Trace, _: Casting) -> float:
    return difference(final(trace, "whole").values, [int(1.9), int(-1.9), int(2.5)])


def _kept(trace: Trace, settings: Casting) -> float:
    expected = [int(_wrapped(value, settings.dtype)) for value in (settings.value, -1)]
    return difference(final(trace, "back").values, expected)


def _item(trace: Trace) -> tuple[Verdict, str]:
    listed, one = final(trace, "listed").text, final(trace, "one").text
    said = f"tolist gives {listed}, item {one}"
    if trace.failure is None:
        return Verdict.WRONG, f"{said}; item() of five raises nothing"
    return Verdict.HOLDS, f"{said}; of five cells: {trace.failure.message}"


def _chain(trace: Trace) -> tuple[Verdict, str]:
    a, c, d = (final(trace, name) for name in "acd")
    said = f"{a.dtype} to {c.dtype} to {d.dtype}; c shares a's memory: {a.storage == c.storage}"
    right = (c.dtype, d.dtype) == ("float64", "float32") and c.storage == a.storage
    return Verdict.HOLDS if right and d.storage != a.storage else Verdict.WRONG, said


CASTING = Lesson(
    slug="cast",
    title="casts, item, tolist",
    notice="40000 does not fit into int16: it comes out as -25536, and nothing is said.",
    program=PROGRAM,
    parameters=Casting,
    presets=(
        Preset("int16", "40000 - 65536 is -25536.", Casting()),
        Preset("uint8", "300 - 256 is 44, and -1 is 255.", Casting(value=300, dtype="uint8")),
        Preset(
            "float16",
            "From 32768 on float16 has every 32nd number: 40020 becomes 40032.",
            Casting(value=40020, dtype="float16"),
        ),
        Preset("bool", "Whatever is not 0 is True, -1 too.", Casting(value=0, dtype="bool")),
    ),
    opens="back = y.to",
    notes={
        "whole = x.to": "From float to integer the fraction is cut off, toward 0.",
        "y = n.to": "Integers keep the lowest bits of what does not fit; float16 rounds; "
        "bool asks whether it is 0.",
        "y[0].item()": "item takes one cell, whatever the shape; tolist takes all.",
    },
    slips=(
        Slip(
            title="a difference of uint8 pictures",
            program="import torch\n\na = torch.tensor([10, 200], dtype=torch.uint8)\n"
            "b = torch.tensor([20, 100], dtype=torch.uint8)\nd = a.int() - b.int()",
            wrong="d = a - b",
            right="d = a.int() - b.int()",
            lesson="uint8 has no -10: the difference wraps to 246. Widen both first.",
            source=(
                "image-segmentation#10",
                "https://github.com/dwave-examples/image-segmentation/issues/10",
            ),
        ),
        Slip(
            title="a cast that should round",
            program="import torch\n\nx = torch.tensor([1.9, -1.9, 0.6])\n"
            "y = x.round().to(torch.int64)",
            wrong="y = x.to(torch.int64)",
            right="y = x.round().to(torch.int64)",
            lesson="A cast cuts toward 0, it does not round.",
            source=("torch.round", f"{_DOCS}/generated/torch.round.html"),
        ),
        Slip(
            title="item() of more than one cell",
            program="import torch\n\nx = torch.ones(1, 3)\ny = x.tolist()",
            wrong="y = x.item()",
            right="y = x.tolist()",
            lesson="item takes exactly one cell; tolist gives lists as deep as the shape.",
            source=("OICR-pytorch#26", "https://github.com/jd730/OICR-pytorch/issues/26"),
        ),
    ),
    proofs=(
        Proof(
            "An integer that does not fit is taken modulo 2 to the bits; float16 is Python's half.",
            "Python's modulo and struct",
            _cast,
            twin=("y = n.to(torch.${dtype})", "y = n.clamp(-128, 127).to(torch.${dtype})"),
        ),
        Proof(
            "From float to integer, the fraction is cut off as Python's int does.",
            "int",
            _cut,
            twin=("whole = x.to(torch.int64)", "whole = x.round().to(torch.int64)"),
        ),
        Proof(
            "Back in int64 stands what the cast left: what was lost stays lost.",
            "Python's modulo and struct",
            _kept,
            twin=("back = y.to(torch.int64)", "back = n.to(torch.int64)"),
        ),
    ),
    statements=(
        Statement(
            says="tolist() is for several elements, item() for a tensor of one element only.",
            where="Tensor and Python objects",
            program="import torch\nlisted = torch.arange(3).tolist()\n"
            "one = torch.tensor([[[7]]]).item()\nall = torch.ones(5)\nfive = all.item()",
            judge=_item,
            truth="Of whatever shape, as long as it has one cell; tolist takes one cell too.",
            twin=("all.item()", "all.tolist()"),
        ),
        Statement(
            says="numpy(), from_numpy() and float() convert from one to the next.",
            where="Converting data types",
            program="import torch\na = torch.DoubleTensor([[1, 2], [3, 4]])\nb = a.numpy()\n"
            "c = torch.from_numpy(b)\nd = c.float()",
            judge=_chain,
            truth="They do: the first two share memory, float() of a float64 tensor copies.",
            twin=("torch.from_numpy(b)", "torch.tensor(b)"),
        ),
    ),
    ask=Ask(
        text="What is torch.tensor([-1.9]).int()?",
        program="import torch\ny = torch.tensor([-1.9]).int()",
        answer=lambda trace: str(final(trace, "y").values[0]),
        options=("-2", "-1", "1"),
        because="The fraction is cut off, toward 0.",
    ),
    references=(
        ("torch.Tensor.to", f"{_DOCS}/generated/torch.Tensor.to.html"),
        ("torch.Tensor.item", f"{_DOCS}/generated/torch.Tensor.item.html"),
    ),
)
