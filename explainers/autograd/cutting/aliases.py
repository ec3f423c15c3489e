"""A write through detach, .data or NumPy: refused, right, or silently wrong."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Aliases(Parameters):
    """Say what is computed, by which alias it is written, and what."""

    operation: str = choice(
        "a.sigmoid()",
        ("a.sigmoid()", "a.exp()", "a * a", "a + 1"),
        label="out",
        help="The first two save out for backward, a * a saves a, a + 1 nothing.",
    )
    alias: str = choice(
        "data",
        ("detach()", "data", "detach().numpy()", "detach().clone()"),
        label="c = out.…",
        help="All but the clone lie in out's memory.",
    )
    written: int = number(0, label="written", help="Into c[0].", minimum=-2, maximum=3, step=1)


PROGRAM = """
import torch

a = torch.tensor([1., 2., 3.], requires_grad=True)
out = ${operation}
c = out.${alias}
c[0] = ${written}.
out.sum().backward()
"""

_A = np.array([1.0, 2.0, 3.0])


def _saves_out(settings: Aliases) -> bool:
    return settings.operation in ("a.sigmoid()", "a.exp()")


def _forward(settings: Aliases, a: NDArray[np.float64]) -> NDArray[np.float64]:
    return {
        "a.sigmoid()": 1 / (1 + np.exp(-a)),
        "a.exp()": np.exp(a),
        "a * a": a * a,
        "a + 1": a + 1,
    }[settings.operation]


def _out(settings: Aliases) -> NDArray[np.float64]:
    """Return out after the write."""
    out = _forward(settings, _A)
    if settings.alias != "detach().clone()":
        out[0] = settings.written
    return out


def _refused(settings: Aliases) -> bool:
    return settings.alias == "detach()" and _saves_out(settings)


def _gradient(trace: Trace, settings: Aliases) -> float:
    grad = final(trace, "a").grad
    if _refused(settings):
        return 0.0 if grad is None and trace.failure is not None else math.inf
    out = _out(settings)
    expected = {
        "a.sigmoid()": out * (1 - out),
        "a.exp()": out,
        "a * a": 2 * _A,
        "a + 1": np.ones(3),
    }[settings.operation]
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _true(trace: Trace, settings: Aliases) -> float:
    grad = final(trace, "a").grad
    if grad is None:
        return 0.0 if _refused(settings) else math.inf
    step = 1e-5
    slope = (_forward(settings, _A + step) - _forward(settings, _A - step)) / 2 / step
    right = difference(grad.values, slope.tolist()) < 1e-3
    safe = not _saves_out(settings) or settings.alias == "detach().clone()"
    return float(right is not safe)


def _counted(trace: Trace, settings: Aliases) -> float:
    out = final(trace, "out")
    counted = settings.alias == "detach()"
    return float(out.version != int(counted)) + difference(out.values, _out(settings).tolist())


def _shared(trace: Trace) -> tuple[Verdict, str]:
    a, c = final(trace, "out"), final(trace, "c")
    same = a.storage == c.storage
    return (Verdict.HOLDS if same else Verdict.WRONG), f"out is {list(a.values)}, c was written"


def _raises(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.WRONG, f"a.grad is {list(final(trace, 'a').grad.values)}"
    return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message.split(':')[0]}"


def _silent(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message.split(':')[0]}"
    values = list(final(trace, "a").grad.values)
    return (Verdict.HOLDS if values == [0.0] * 3 else Verdict.WRONG), f"a.grad is {values}"


_NOTES = """
import torch

a = torch.tensor([1., 2., 3.], requires_grad=True)
out = a.sigmoid()
c = out.{}
c.zero_()
out.sum().backward()
"""

ALIASES = Lesson(
    slug="alias",
    title="a write behind autograd's back",
    notice="backward used the 0 that was written over out: a.grad[0] is 0 in place of 0.1966.",
    program=PROGRAM,
    parameters=Aliases,
    presets=(
        Preset(
            "data: silently wrong", "out's version is still 0: torch noticed nothing.", Aliases()
        ),
        Preset(
            "detach: refused",
            "The same write is counted, and backward raises.",
            Aliases(alias="detach()"),
        ),
        Preset(
            "NumPy: silently wrong",
            "NumPy knows no versions: even through detach nothing is counted.",
            Aliases(alias="detach().numpy()"),
        ),
        Preset(
            "a * a: right",
            "backward needs a, and not out: the write does no harm.",
            Aliases("a * a", "detach()"),
        ),
        Preset("A clone: right", "c has its own memory.", Aliases(alias="detach().clone()")),
    ),
    opens="out.sum().backward()",
    notes={
        "out = ": "sigmoid and exp save their result, as their slopes are made of it.",
        "c = out.": "The same memory under another name, unless cloned.",
        "c[0] = ": "Through detach the version of out rises; through data or NumPy it does not.",
    },
    slips=(
        Slip(
            title=".data and a wrong gradient",
            program="import torch\n\na = torch.tensor([1., 2.], requires_grad=True)\n"
            "out = a.exp()\nshown = out.detach().clone()\nshown[0] = 0.\nout.sum().backward()",
            wrong="shown = out.data",
            right="shown = out.detach().clone()",
            lesson="A write through .data changes what backward works with, and torch cannot tell. "
            "detach would raise; a clone is safe.",
            source=("pytorch#6990", "https://github.com/pytorch/pytorch/issues/6990"),
            opens=".backward()",
        ),
        Slip(
            title="NumPy writes into the graph",
            program="import torch\n\na = torch.tensor([1., 2.], requires_grad=True)\n"
            "out = a.exp()\nshown = out.detach().numpy().copy()\nshown[0] = 0.\n"
            "out.sum().backward()",
            wrong="shown = out.detach().numpy()",
            right="shown = out.detach().numpy().copy()",
            lesson="numpy() shares memory, and a write by NumPy counts no version: copy first.",
            source=("pytorch#6597", "https://github.com/pytorch/pytorch/pull/6597"),
            opens=".backward()",
        ),
    ),
    proofs=(
        Proof(
            "a.grad is the formula of the derivative, with what stands in out now; refused after a "
            "write through detach into what was saved.",
            "the derivatives in NumPy",
            _gradient,
            twin=("c = out.${alias}", "c = out.detach().clone()"),
            tolerance=1e-5,
        ),
        Proof(
            "A gradient that comes is the true one if out was not saved, or c is a clone.",
            "central differences in NumPy, float64",
            _true,
            twin=("c = out.${alias}", "c = out.detach().clone()"),
        ),
        Proof(
            "The write shows in out unless c is a clone, and counts as a version through detach "
            "alone.",
            "numpy, written the same way",
            _counted,
            twin=("c = out.${alias}", "c = out.detach()"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="What detach returns shares memory with the original.",
            where="detach()",
            program="import torch\na = torch.tensor([1., 2., 3.], requires_grad=True)\n"
            "out = a.sigmoid()\nc = out.detach()\nc[0] = 0.",
            judge=_shared,
            truth="One storage: a write into one is a write into both.",
            twin=("out.detach()", "out.detach().clone()"),
        ),
        Statement(
            says="After detach and zero_, backward raises.",
            where="detach, detach_ and data",
            program=_NOTES.format("detach()"),
            judge=_raises,
            truth="Because sigmoid saved out. Of an operation that saved something else it would "
            "go through, and rightly.",
            twin=("a.sigmoid()", "a + 1"),
        ),
        Statement(
            says="After .data and zero_, backward is silent and a.grad is all 0.",
            where="detach, detach_ and data",
            program=_NOTES.format("data"),
            judge=_silent,
            truth="The true gradient is 0.1966, 0.1050, 0.0452: .data has no part in the count of "
            "versions.",
            twin=("out.data", "out.detach()"),
        ),
    ),
    ask=Ask(
        text="out = a * a; out.detach().zero_(); out.sum().backward() with a = [3.]. "
        "What is a.grad?",
        program="import torch\na = torch.tensor([3.], requires_grad=True)\nout = a * a\n"
        "out.detach().zero_()\nout.sum().backward()",
        answer=lambda trace: (
            "backward raises" if trace.failure else str(list(final(trace, "a").grad.values))
        ),
        options=("[6.0]", "[0.0]", "backward raises"),
        because="The slope is 2a, and a was saved, not out: nothing that counts was written over.",
    ),
    references=(
        ("torch: in-place correctness checks", f"{_DOCS}/notes/autograd.html"),
        ("torch.Tensor.detach", f"{_DOCS}/generated/torch.Tensor.detach.html"),
    ),
    terms=(".data", "detach", "version counter", "modified by an inplace operation", "numpy"),
)
