"""zeros, ones, full and eye: which is the unit matrix, and which dtype a fill has."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import apart
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Filling(Parameters):
    """Say how large x is, of which dtype, and what two tensors are filled with."""

    n: int = number(3, label="n", help="Rows and columns.", minimum=1, maximum=4, step=1)
    dtype: str = choice("int64", ("int64", "float32", "bool"), label="dtype", help="Of x.")
    fill: float = number(2.7, label="fill", help="Value.", minimum=-3.0, maximum=3.0, step=0.1)


PROGRAM = """
import torch

x = torch.arange(${n} * ${n}).view(${n}, ${n}).to(torch.${dtype})
a = x.float() @ torch.ones(${n}, ${n})
b = x.float() @ torch.eye(${n})
like = torch.full_like(x, ${fill})
full = torch.full(x.shape, ${fill})
zeros = torch.zeros_like(x)
like.dtype, full.dtype
"""


def _x(settings: Filling) -> NDArray[Any]:
    return np.arange(settings.n**2).reshape(settings.n, -1).astype(settings.dtype)


def _products(trace: Trace, settings: Filling) -> float:
    x = _x(settings).astype(np.float32)
    sums = np.repeat(x.sum(1, keepdims=True), settings.n, axis=1)
    return max(apart(final(trace, "a"), sums), apart(final(trace, "b"), x))


def _like(trace: Trace, settings: Filling) -> float:
    x = _x(settings)
    return max(
        apart(final(trace, "like"), np.full_like(x, settings.fill)),
        apart(final(trace, "zeros"), np.zeros_like(x)),
    )


def _full(trace: Trace, settings: Filling) -> float:
    whole = settings.fill == int(settings.fill)  # then the program spells it without a point
    shape = (settings.n, settings.n)
    return apart(
        final(trace, "full"), np.full(shape, settings.fill, "int64" if whole else "float32")
    )


def _unit(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x"), final(trace, "y")
    said = f"x @ m is {y.values}, x is {x.values}"
    return Verdict.HOLDS if x.values == y.values else Verdict.WRONG, said


def _same_size(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x"), final(trace, "y")
    said = f"shape {y.shape}, {y.dtype}: filled with 2.7 it holds {y.values[0]:g}"
    if y.shape != x.shape:
        return Verdict.WRONG, said
    return Verdict.HOLDS if y.values[0] > 2.5 else Verdict.CONDITION, said


FILLING = Lesson(
    slug="fill",
    title="zeros, ones, full, eye",
    notice="x @ eye is x, x @ ones is not; full_like of integers made 2 of 2.7.",
    program=PROGRAM,
    parameters=Filling,
    presets=(
        Preset("Integers", "like has x's dtype, so 2.7 lost its fraction.", Filling()),
        Preset("Floats", "With x in float32, like and full agree.", Filling(dtype="float32")),
        Preset(
            "A whole number",
            "Filled with 2, full is int64: its dtype is the value's.",
            Filling(dtype="float32", fill=2.0),
        ),
        Preset("Truth values", "Of bool, whatever is not 0 fills as True.", Filling(dtype="bool")),
    ),
    opens="full = torch",
    notes={
        "a = x.float()": "Each entry of a row is the sum of x's row.",
        "b = x.float()": "eye has ones on its diagonal alone: the unit matrix.",
        "like = torch.full_like": "Shape, dtype and device are x's.",
        "full = torch.full(": "Only the shape is given: the dtype comes from the value.",
    },
    slips=(
        Slip(
            title="ones for the unit matrix",
            program="import torch\n\nx = torch.arange(4.).view(2, 2)\n"
            "unit = torch.eye(2)\ny = x @ unit",
            wrong="unit = torch.ones(2, 2)",
            right="unit = torch.eye(2)",
            lesson="ones is one everywhere; the matrix that changes nothing is eye.",
            source=("torch.eye", f"{_DOCS}/generated/torch.eye.html"),
        ),
        Slip(
            title="full with a whole number",
            program="import torch\n\nw = torch.full((2,), 1.)\nw /= 2",
            wrong="w = torch.full((2,), 1)",
            right="w = torch.full((2,), 1.)",
            lesson="full reads the dtype off the value: 1 makes int64, which cannot hold a half. "
            "Write 1. or dtype=.",
            source=("pytorch#27171", "https://github.com/pytorch/pytorch/issues/27171"),
            opens="w /= 2",
        ),
        Slip(
            title="zeros_like of integers as an accumulator",
            program="import torch\n\ncount = torch.tensor([3, 4])\n"
            "total = torch.zeros_like(count, dtype=torch.float32)\ntotal += 0.5",
            wrong="total = torch.zeros_like(count)",
            right="total = torch.zeros_like(count, dtype=torch.float32)",
            lesson="zeros_like takes the dtype along, and integers take no fraction in place.",
            source=("DBA#1", "https://github.com/AI-secure/DBA/issues/1"),
            opens="total += 0.5",
        ),
    ),
    proofs=(
        Proof(
            "Times eye a matrix stays, times ones each entry becomes its row's sum.",
            "numpy: x and its row sums",
            _products,
            twin=("torch.ones(${n}, ${n})", "torch.eye(${n})"),
        ),
        Proof(
            "full_like and zeros_like have x's shape and dtype, cut toward 0.",
            "numpy.full_like, numpy.zeros_like",
            _like,
            twin=("torch.full_like(x, ${fill})", "torch.full(x.shape, ${fill})"),
        ),
        Proof(
            "full is int64 for a value without a point and float32 for one with a point.",
            "numpy.full in that dtype",
            _full,
            twin=("torch.full(x.shape, ${fill})", "torch.full(x.shape, ${fill}).to(x.dtype)"),
        ),
    ),
    statements=(
        Statement(
            says="torch.ones and torch.ones_like return the unit matrix.",
            where="Creating tensors",
            program="import torch\nx = torch.arange(9.).view(3, 3)\nm = torch.ones(3, 3)\n"
            "y = x @ m",
            judge=_unit,
            truth="They return a matrix full of ones; the unit matrix is torch.eye.",
            twin=("torch.ones(3, 3)", "torch.eye(3)"),
        ),
        Statement(
            says="zeros_like, ones_like and full_like return a matrix of the same size.",
            where="Creating tensors",
            program="import torch\nx = torch.arange(4).view(2, 2)\ny = torch.full_like(x, 2.7)",
            judge=_same_size,
            truth="Of the same size, dtype and device: filled with 2.7, an integer tensor holds 2.",
            twin=("torch.arange(4)", "torch.arange(4.)"),
        ),
    ),
    ask=Ask(
        text="x = torch.arange(3). What does torch.full_like(x, 2.7)[0] hold?",
        program="import torch\nx = torch.arange(3)\ny = torch.full_like(x, 2.7)",
        answer=lambda trace: f"{final(trace, 'y').values[0]:g}",
        options=("2", "2.7", "3"),
        because="full_like keeps x's dtype, int64, and the fraction is cut off.",
    ),
    references=(
        ("torch.full_like", f"{_DOCS}/generated/torch.full_like.html"),
        ("torch.full", f"{_DOCS}/generated/torch.full.html"),
    ),
)
