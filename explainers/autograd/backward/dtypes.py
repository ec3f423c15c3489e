"""Which dtypes may require a gradient."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Dtypes(Parameters):
    """Say which dtype x has, and by what it is multiplied."""

    dtype: str = choice(
        "float32",
        ("float16", "bfloat16", "float32", "float64", "complex64", "int64", "uint8", "bool"),
        label="dtype",
        help="Of x.",
    )
    factor: int = number(3, label="factor", help="Of x.", minimum=1, maximum=4, step=1)


PROGRAM = """
import torch

x = torch.tensor([1, 0, 2]).to(torch.${dtype})
x.requires_grad_()
y = ${factor} * x
loss = y.abs().sum()
loss.backward()
"""


def _may(settings: Dtypes) -> bool:
    # NumPy has no bfloat16; its kind is float32's.
    name = settings.dtype.replace("bfloat16", "float32")
    return bool(np.issubdtype(np.dtype(name), np.inexact))


def _allowed(trace: Trace, settings: Dtypes) -> float:
    x = final(trace, "x")
    return float(x.requires_grad is not _may(settings)) + float(
        (trace.failure is None) is not _may(settings)
    )


def _gradient(trace: Trace, settings: Dtypes) -> float:
    grad = final(trace, "x").grad
    if not _may(settings):
        return 0.0 if grad is None else math.inf
    if grad is None or grad.dtype != settings.dtype:
        return math.inf
    expected = settings.factor * np.sign([1, 0, 2])
    parts = [complex(value) for value in grad.values or ()]
    return max(
        difference([part.real for part in parts], expected.tolist()),
        difference([part.imag for part in parts], [0.0] * 3),
    )


def _floating_only(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.CONDITION, f"{final(trace, 'x').dtype} may too"


DTYPES = Lesson(
    slug="dtypes",
    title="dtypes with a gradient",
    notice="float32 may, and its gradient is float32: 3, and 0 where x is 0.",
    program=PROGRAM,
    parameters=Dtypes,
    presets=(
        Preset("float32", "x.grad has x's shape and x's dtype.", Dtypes()),
        Preset(
            "Whole numbers", "requires_grad_ raises: whole numbers have no slope.", Dtypes("int64")
        ),
        Preset("Complex", "Complex numbers may too.", Dtypes("complex64")),
        Preset("Half", "A half's gradient is a half, and as narrow.", Dtypes("float16")),
    ),
    notes={
        "x.requires_grad_()": "Floating point and complex may; the others raise, and the message "
        "forgets complex.",
        "loss = y.abs()": "abs has a corner at 0; torch takes the slope 0 there.",
    },
    slips=(
        Slip(
            title="a tensor of whole numbers",
            program="import torch\n\nx = torch.tensor([1., 2.], requires_grad=True)\n"
            "(x * x).sum().backward()",
            wrong="x = torch.tensor([1, 2], requires_grad=True)",
            right="x = torch.tensor([1., 2.], requires_grad=True)",
            lesson="Without a decimal point torch.tensor makes int64, which cannot have a "
            "gradient.",
            source=("pytorch#53466", "https://github.com/pytorch/pytorch/issues/53466"),
        ),
        Slip(
            title="dtype, then the wrong leaf",
            program="import torch\n\nw = torch.tensor([1., 2.], dtype=torch.float64)\n"
            "w.requires_grad_()\n(w * w).sum().backward()",
            wrong="w = torch.tensor([1., 2.], requires_grad=True).double()",
            right="w = torch.tensor([1., 2.], dtype=torch.float64)",
            lesson="double() is an operation: w is its result and no leaf, and w.grad stays None.",
            source=("pytorch#10065", "https://github.com/pytorch/pytorch/issues/10065"),
        ),
    ),
    proofs=(
        Proof(
            "x may require a gradient if NumPy calls its dtype inexact.",
            "numpy.issubdtype(dtype, numpy.inexact)",
            _allowed,
            twin=("x.requires_grad_()", "x.requires_grad_(False)"),
        ),
        Proof(
            "x.grad has x's dtype, and is factor times the sign of x.",
            "numpy.sign",
            _gradient,
            twin=("y.abs().sum()", "y.abs().mean()"),
        ),
    ),
    statements=(
        Statement(
            says="Only tensors of floating point dtype can require gradients.",
            where="Tensors, gradients",
            program="import torch\nx = torch.ones(2, dtype=torch.complex64, requires_grad=True)",
            judge=_floating_only,
            truth="Floating point and complex dtypes; the others raise.",
            twin=("complex64", "int64"),
        ),
    ),
    ask=Ask(
        text="What does torch.tensor([1, 2], requires_grad=True) do?",
        program="import torch\nx = torch.tensor([1, 2], requires_grad=True)",
        answer=lambda trace: (
            "raises RuntimeError" if trace.failure else f"gives {final(trace, 'x').dtype}"
        ),
        options=("raises RuntimeError", "gives int64", "gives float32"),
        because="[1, 2] makes int64, and whole numbers have no slope.",
    ),
    references=(
        ("torch.Tensor.requires_grad", f"{_DOCS}/generated/torch.Tensor.requires_grad.html"),
    ),
    terms=("requires_grad_", "complex64", "int64", "dtype"),
)
