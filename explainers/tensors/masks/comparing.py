"""Masks: what a comparison gives, how it is inverted, and what it picks."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, first
from explainers.program.references import apart
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_OTHERS: Mapping[str, Any] = {
    "2": 2,
    "2.5": 2.5,
    "[2, 3]": [2, 3],
    "[[2], [3]]": [[2], [3]],
    "[[1, 1], [4, 4]]": [[1, 1], [4, 4]],
}


@dataclasses.dataclass(frozen=True)
class Comparing(Parameters):
    """Say what a is compared with, and which dtype it has."""

    other: str = choice(
        "2", tuple(_OTHERS), label="b", help="A number, or a tensor that broadcasts against a."
    )
    dtype: str = choice("int64", ("int64", "float32", "uint8"), label="dtype", help="Of a.")


PROGRAM = """
import torch

a = torch.tensor([[1, 2], [3, 4]], dtype=torch.${dtype})
mask = torch.gt(a, ${other})
rest = ~mask
count = mask.sum()
picked = a[mask]
kept = a * mask
a[rest] = 0
"""


def _numpy(settings: Comparing) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    a = np.array([[1, 2], [3, 4]], settings.dtype)
    return a, np.greater(a, _OTHERS[settings.other])


def _mask(trace: Trace, settings: Comparing) -> float:
    _, mask = _numpy(settings)
    return max(apart(final(trace, "mask"), mask), apart(final(trace, "rest"), np.logical_not(mask)))


def _picked(trace: Trace, settings: Comparing) -> float:
    a, mask = _numpy(settings)
    return max(
        apart(final(trace, "picked"), a[mask]),
        apart(final(trace, "count"), np.array(np.count_nonzero(mask), np.int64)),
    )


def _kept(trace: Trace, settings: Comparing) -> float:
    a, mask = _numpy(settings)
    kept = np.where(mask, a, np.zeros_like(a))
    return max(apart(final(trace, "kept"), kept), apart(final(trace, "a"), kept))


def _copies(trace: Trace, _: Comparing) -> float:
    storages = [final(trace, name).storage for name in ("a", "mask", "picked", "kept")]
    return float(len(storages) - len(set(storages)) + (first(trace, "a").storage != storages[0]))


def _ones_and_zeros(trace: Trace) -> tuple[Verdict, str]:
    mask, wide = final(trace, "mask"), final(trace, "wide")
    said = f"{mask.dtype} {mask.values}; with b of shape (2,): {wide.values}"
    if mask.values != (False, True, False, False):
        return Verdict.WRONG, said
    return Verdict.CONDITION if mask.dtype == "bool" else Verdict.HOLDS, said


COMPARING = Lesson(
    slug="mask",
    title="masks",
    notice="gt gives True and False, not 1 and 0; ~ turns them round, and a mask picks a copy.",
    program=PROGRAM,
    parameters=Comparing,
    spelled={"other": {name: f"torch.tensor({name})" if "[" in name else name for name in _OTHERS}},
    presets=(
        Preset("A number", "Each cell is compared with 2.", Comparing()),
        Preset("A row", "b of shape (2,) is compared with each row.", Comparing(other="[2, 3]")),
        Preset(
            "A column",
            "b of shape (2, 1) is compared with each column.",
            Comparing(other="[[2], [3]]"),
        ),
    ),
    opens="a[rest] = 0",
    notes={
        "mask = torch.gt": "The same as a > b, and bool.",
        "rest = ~mask": "The other way round; - and 1 - are refused for bool.",
        "count = mask.sum": "True counts as 1, in int64.",
        "picked = a[mask]": "A row of the cells where the mask is True, in reading order: a copy.",
        "a[rest] = 0": "An assignment through a mask writes into a itself.",
    },
    slips=(
        Slip(
            title="1 - mask, -mask",
            program="import torch\n\nmask = torch.tensor([1., 3.]) > 2\nrest = ~mask",
            wrong="rest = 1 - mask",
            right="rest = ~mask",
            lesson="Masks were uint8 once, and 1 - mask turned them round; bool has no minus.",
            source=(
                "pytorch-retinanet#106",
                "https://github.com/yhenon/pytorch-retinanet/issues/106",
            ),
        ),
        Slip(
            title="~ of a uint8 mask",
            program="import torch\n\nmask = torch.tensor([1, 0], dtype=torch.uint8)\n"
            "rest = ~mask.bool()",
            wrong="rest = ~mask",
            right="rest = ~mask.bool()",
            lesson="Of numbers ~ turns every bit: 1 becomes 254, which is true as well.",
            source=("pytorch#24180", "https://github.com/pytorch/pytorch/issues/24180"),
        ),
        Slip(
            title="and between masks",
            program="import torch\n\nx = torch.tensor([1, 2, 3])\nmask = (1 < x) & (x < 3)",
            wrong="mask = (1 < x) and (x < 3)",
            right="mask = (1 < x) & (x < 3)",
            lesson="and asks for one truth value; & goes cell by cell. It binds tighter than <, so "
            "the brackets stay.",
            source=(
                "PerceptualSimilarity#66",
                "https://github.com/richzhang/PerceptualSimilarity/issues/66",
            ),
        ),
        Slip(
            title="0 and 1 as an index",
            program="import torch\n\nx = torch.tensor([10, 20, 30])\nmask = x > 15\n"
            "picked = x[mask]",
            wrong="picked = x[mask.long()]",
            right="picked = x[mask]",
            lesson="Whole numbers are positions: 0, 1, 1 picks the first cell once and the second "
            "twice. A mask must be bool.",
            source=("pytorch#29365", "https://github.com/pytorch/pytorch/issues/29365"),
        ),
    ),
    proofs=(
        Proof(
            "mask and rest are NumPy's, in bool.",
            "numpy.greater, numpy.logical_not",
            _mask,
            twin=("torch.gt(a, ${other})", "torch.ge(a, ${other})"),
        ),
        Proof(
            "picked holds the cells that NumPy picks, and count their number.",
            "numpy indexing, numpy.count_nonzero",
            _picked,
            twin=("picked = a[mask]", "picked = a[mask.long()]"),
        ),
        Proof(
            "Times the mask, or written through the rest, a keeps the same cells.",
            "numpy.where",
            _kept,
            twin=("a[rest] = 0", "a[mask] = 0"),
        ),
        Proof(
            "picked and kept are copies; a keeps its memory.",
            "the storages",
            _copies,
            twin=("picked = a[mask]", "picked = a.view(-1)[1:]"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="torch.gt(a, b) gives 1 where a is greater and 0 elsewhere; b has a's size or is "
            "a number.",
            where="torch.gt()",
            program="import torch\na = torch.tensor([[1, 2], [3, 4]])\n"
            "mask = torch.gt(a, torch.tensor([[1, 1], [4, 4]]))\n"
            "wide = torch.gt(a, torch.tensor([2, 3]))",
            judge=_ones_and_zeros,
            truth="It gives True and False, and b may be whatever broadcasts.",
            twin=("[4, 4]]))", "[4, 4]])).long()"),
        ),
    ),
    ask=Ask(
        text="mask = torch.tensor([1, 0], dtype=torch.uint8). What is ~mask?",
        program="import torch\nmask = torch.tensor([1, 0], dtype=torch.uint8)\nrest = ~mask",
        answer=lambda trace: str(list(final(trace, "rest").values)),
        options=("[0, 1]", "[254, 255]", "[-1, 0]", "[False, True]"),
        because="Of numbers, ~ turns every bit; of bool it is the logical not.",
    ),
    references=(
        ("torch.gt", f"{_DOCS}/generated/torch.gt.html"),
        ("torch.masked_select", f"{_DOCS}/generated/torch.masked_select.html"),
    ),
)
