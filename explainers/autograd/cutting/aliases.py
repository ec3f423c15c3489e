"""A write through detach, .data or NumPy: refused, right, or silently wrong."""

import dataclasses
import math

from explainers.autograd.cutting.writes import (
    COUNTED,
    OPERATIONS,
    TARGETS,
    WAYS,
    WRITES,
    A,
    Array,
    refused,
)
from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Aliases(Parameters):
    """Say what is computed, what is written over, by which way, and with what."""

    operation: str = choice(
        "h.sigmoid()",
        tuple(OPERATIONS),
        label="out",
        help="Of the first four backward needs out, of the next three h, of the last two neither.",
    )
    target: str = choice("out", TARGETS, label="written", help="The result, or what it is made of.")
    way: str = choice(
        "data",
        tuple(WAYS),
        label="by",
        help="The tensor itself, in the graph or under no_grad; or what lies in its memory. The "
        "clone does not.",
    )
    written: int = number(0, label="number", help="Into cell 0.", minimum=-2, maximum=3, step=1)


_LINES = {way: f"c = ${{target}}.{way}\nc[0] = ${{written}}." for way in WAYS} | {
    "itself": "c = ${target}\nc[0] = ${written}.",
    "no_grad": "c = ${target}\nwith torch.no_grad(): c[0] = ${written}.",
    "numpy()": "c = ${target}.detach().numpy()\nc[0] = ${written}.",
    "clone()": "c = ${target}.detach().clone()\nc[0] = ${written}.",
}
PROGRAM = """
import torch

a = torch.tensor([1., 2., 3.], requires_grad=True)
h = a * 1.
out = ${operation}
${way}
out.sum().backward()
"""


def _after(settings: Aliases) -> tuple[Array, Array]:
    """Return h and out after the write."""
    h, out = A.copy(), OPERATIONS[settings.operation].numpy(A)
    if settings.way != "clone()":
        {"h": h, "out": out}[settings.target][0] = settings.written
    return h, out


def _gradient(trace: Trace, settings: Aliases) -> float:
    grad = final(trace, "a").grad
    if refused(settings.target, settings.operation, settings.way):
        return 0.0 if grad is None and trace.failure is not None else math.inf
    expected = OPERATIONS[settings.operation].slope(*_after(settings))
    if (settings.target, settings.way) == ("out", "itself"):
        expected = expected * (0, 1, 1)
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _counted(trace: Trace, settings: Aliases) -> float:
    found = [final(trace, name) for name in ("h", "out")]
    counts = [name == settings.target and settings.way in COUNTED for name in ("h", "out")]
    wrong = sum(bool(state.version != count) for state, count in zip(found, counts, strict=True))
    return wrong + max(
        difference(state.values, values.tolist())
        for state, values in zip(found, _after(settings), strict=True)
    )


def _shared(trace: Trace) -> tuple[Verdict, str]:
    a, c = final(trace, "out"), final(trace, "c")
    same = a.storage == c.storage
    return (Verdict.HOLDS if same else Verdict.WRONG), f"out is {list(a.values)}, c was written"


def _unharmed(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message.split(':')[0]}"
    found = final(trace, "a").grad.values
    sigmoid = OPERATIONS["h.sigmoid()"]
    right = difference(found, sigmoid.slope(A, sigmoid.numpy(A)).tolist()) < 1e-6
    said = ", ".join(f"{value:.4f}" for value in found)
    return (Verdict.HOLDS if right else Verdict.WRONG), f"a.grad is [{said}]"


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
    notice="Marked: backward used the 0 that was written over out, and a.grad[0] is 0 in place of "
    "0.1966.",
    program=PROGRAM,
    parameters=Aliases,
    spelled={"way": _LINES},
    presets=(
        Preset(
            "data: silently wrong", "out's version is still 0: torch noticed nothing.", Aliases()
        ),
        Preset(
            "detach: refused",
            "The same write is counted, and backward raises.",
            Aliases(way="detach()"),
        ),
        Preset(
            "NumPy: silently wrong",
            "NumPy knows no versions: even through detach nothing is counted.",
            Aliases(way="numpy()"),
        ),
        Preset(
            "h * h: right",
            "backward needs h, and not out: the write does no harm.",
            Aliases("h * h"),
        ),
        Preset(
            "h * h, and h written",
            "This is what backward needs: a.grad[0] is 0 in place of 2.",
            Aliases("h * h", "h"),
        ),
        Preset(
            "Right by chance",
            "relu asks whether out is above 0, and 3 is, as 1 was; 0 in its place would go wrong.",
            Aliases("h.relu()", written=3),
        ),
        Preset("A clone: right", "c has its own memory.", Aliases(way="clone()")),
    ),
    opens="out.sum().backward()",
    notes={
        "h = ": "No leaf: one that requires a gradient may not be written while gradients are on.",
        "out = ": "sigmoid and exp save their result, as their slopes are made of it; h * h saves "
        "h.",
        "c = ": "The same memory under another name, unless cloned.",
        "c[0] = ": "Counted as a version, but not through data or NumPy, nor in a clone.",
    },
    figure=WRITES,
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
            "a.grad is the formula of the slope, with what stands in h and out now; refused after "
            "a counted write into what the formula needs.",
            "the formulas in NumPy",
            _gradient,
            twin=("${way}", "c = ${target}.detach().clone()\nc[0] = ${written}."),
            tolerance=1e-5,
        ),
        Proof(
            "The write shows in the tensor unless c is a clone, and counts as a version but "
            "through data, NumPy and the clone.",
            "numpy, written the same way",
            _counted,
            twin=("${way}", "c = ${target}.detach()\nc[0] = ${written}."),
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
            says="As long as what detach returned is not changed, backward is as without it.",
            where="detach, detach_ and data",
            program=_NOTES.format("detach()").replace("c.zero_()", "c.sum()"),
            judge=_unharmed,
            truth="a.grad is the slope of sigmoid. Reading does no harm, and neither does a write "
            "into a clone.",
            twin=("c.sum()", "c.mul_(2.)"),
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
