"""Every operation, every way to write into its result or its input: refused, right or wrong."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from explainers.evidence import Kind
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

Array = NDArray[Any]
Slope = Callable[[Array, Array], Array]

A = np.array([1.0, 2.0, 3.0])
"""The leaf, and h."""
TARGETS = ("out", "h")
RAISES, RIGHT, WRONG = "raises", "right", "wrong"
_NEAR = 1e-4


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """Hold an operation in torch, in NumPy, and the formula of its slope.

    Attributes:
        run: In torch.
        numpy: In NumPy.
        slope: From h and out to the slope, in the numbers that backward takes from them.
        needs: Which of the two the formula takes: "out", "h", or "" for neither.
    """

    run: Callable[[Tensor], Tensor]
    numpy: Callable[[Array], Array]
    slope: Slope
    needs: str


OPERATIONS: Mapping[str, Operation] = {
    "h.exp()": Operation(torch.exp, np.exp, lambda h, out: out, "out"),
    "h.sigmoid()": Operation(
        torch.sigmoid,
        lambda h: np.exp(h) / (1 + np.exp(h)),
        lambda h, out: out * (1 - out),
        "out",
    ),
    "h.tanh()": Operation(torch.tanh, np.tanh, lambda h, out: 1 - out**2, "out"),
    "h.relu()": Operation(
        torch.relu, lambda h: np.maximum(h, 0), lambda h, out: (out > 0) * 1.0, "out"
    ),
    "h * h": Operation(lambda h: h * h, np.square, lambda h, out: 2 * h, "h"),
    "h.square()": Operation(torch.square, np.square, lambda h, out: 2 * h, "h"),
    "h ** 3": Operation(lambda h: h**3, lambda h: h**3, lambda h, out: 3 * h**2, "h"),
    "h + 1": Operation(lambda h: h + 1, lambda h: h + 1, lambda h, out: np.ones(3), ""),
    "h * 2": Operation(lambda h: h * 2, lambda h: h * 2, lambda h, out: np.full(3, 2.0), ""),
}


def _itself(tensor: Tensor, value: float) -> Tensor:
    tensor[0] = value
    return tensor


def _no_grad(tensor: Tensor, value: float) -> Tensor:
    with torch.no_grad():
        tensor[0] = value
    return tensor


def _by(alias: Callable[[Tensor], Any]) -> Callable[[Tensor, float], Any]:
    def write(tensor: Tensor, value: float) -> Any:
        written = alias(tensor)
        written[0] = value
        return written

    return write


WAYS: Mapping[str, Callable[[Tensor, float], Any]] = {
    "itself": _itself,
    "no_grad": _no_grad,
    "detach()": _by(torch.Tensor.detach),
    "detach_()": _by(torch.Tensor.detach_),
    "data": _by(lambda tensor: tensor.data),
    "numpy()": _by(lambda tensor: tensor.detach().numpy()),
    "clone()": _by(lambda tensor: tensor.detach().clone()),
}
COUNTED = ("itself", "no_grad", "detach()", "detach_()")
"""Through these torch counts a version."""


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """Hold what came of one write.

    Attributes:
        target: What was written, "out" or "h".
        operation: As it stands in the program.
        way: By which the write went.
        verdict: `RAISES`, `RIGHT` or `WRONG`.
        gradient: a.grad; None where backward raised.
        true: a.grad where nodes keep copies; None where backward raised there, too.
        version: Of the target after the write.
        said: What torch said when it raised.
    """

    target: str
    operation: str
    way: str
    verdict: str
    gradient: tuple[float, ...] | None
    true: tuple[float, ...] | None
    version: int
    said: str


@dataclasses.dataclass(frozen=True, slots=True)
class Writes:
    """Hold every write of one number.

    Attributes:
        target: The one that the controls show.
        operation: Likewise.
        way: Likewise.
        written: The number.
        saves: By operation which of "out" and "h" its node saves; "" for neither.
        each: All of them, by target, operation and way.
        staged: a.grad as the program on the stage came to it; None where it raised.
    """

    target: str
    operation: str
    way: str
    written: int
    saves: Mapping[str, str]
    each: tuple[Write, ...]
    staged: tuple[float, ...] | None

    @property
    def marked(self) -> Write:
        """The write that the controls show."""
        (found,) = (
            each
            for each in self.each
            if (each.target, each.operation, each.way) == (self.target, self.operation, self.way)
        )
        return found


def writes(
    trace: Trace,
    settings: Any,
    *,
    ways: Mapping[str, Callable[[Tensor, float], Any]] = WAYS,
    keep: Callable[[Tensor], Tensor] = torch.clone,
    own: bool = False,
) -> Writes:
    """Run every operation with every write of the number that the settings show.

    Args:
        trace: Of the lesson's program at these settings.
        settings: The lesson's.
        ways: By which is written; an error may write otherwise.
        keep: What nodes keep of a tensor where the true gradient is found.
        own: The error of reading the version of what was written through.
    """
    grad = final(trace, "a").grad
    each = tuple(
        _write(target, operation, way, settings.written, ways[way], keep, own)
        for target in TARGETS
        for operation in OPERATIONS
        for way in WAYS
    )
    return Writes(
        settings.target,
        settings.operation,
        settings.way,
        settings.written,
        {operation: _saves(entry.run) for operation, entry in OPERATIONS.items()},
        each,
        None if grad is None else grad.values,
    )


def _write(
    target: str,
    operation: str,
    way: str,
    written: int,
    write: Callable[[Tensor, float], Any],
    keep: Callable[[Tensor], Tensor],
    own: bool,
) -> Write:
    run = OPERATIONS[operation].run
    gradient, version, said = _run(run, target, written, write, None, own)
    true, _, _ = _run(run, target, written, write, keep, own)
    if gradient is None or true is None:
        verdict = RAISES
    else:
        verdict = RIGHT if difference(gradient, true) < _NEAR else WRONG
    return Write(target, operation, way, verdict, gradient, true, version, said)


def _run(
    run: Callable[[Tensor], Tensor],
    target: str,
    written: int,
    write: Callable[[Tensor, float], Any],
    keep: Callable[[Tensor], Tensor] | None,
    own: bool,
) -> tuple[tuple[float, ...] | None, int, str]:
    """Run the lesson's statements; return a.grad, the target's version and what torch said."""
    a = torch.tensor(A, dtype=torch.float32, requires_grad=True)
    with saved_tensors_hooks(keep, lambda kept: kept) if keep else contextlib.nullcontext():
        h = a * 1.0
        out = run(h)
        changed = {"h": h, "out": out}[target]
        through = write(changed, float(written))
        counted = through if own and isinstance(through, Tensor) else changed
        try:
            out.sum().backward()
        except RuntimeError as error:
            return None, counted._version, str(error)
    return None if a.grad is None else tuple(a.grad.tolist()), counted._version, ""


def _saves(run: Callable[[Tensor], Tensor]) -> str:
    """Return whether the operation's node saves its result, its input, or neither."""
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    h = torch.tensor(A, dtype=torch.float32, requires_grad=True)
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        out = run(h)
    places = {out.data_ptr(): "out", h.data_ptr(): "h"}
    return next((places[each.data_ptr()] for each in kept if each.data_ptr() in places), "")


def slopes(target: str, operation: str, way: str) -> Array | None:
    """Return the gradient of a by central differences in NumPy, of the same lines.

    A write that is part of the graph is part of what is differentiated; no other is. None where out
    has no graph left.
    """
    if (target, way) == ("out", "detach_()"):
        return None
    found, step = np.zeros(3), 1e-5
    for index, moved in enumerate(step * np.eye(3)):
        ahead, behind = (OPERATIONS[operation].numpy(A + sign * moved) for sign in (1, -1))
        if (target, way) == ("out", "itself"):
            ahead[0] = behind[0] = 0.0
        found[index] = (ahead.sum() - behind.sum()) / 2 / step
    return found


def refused(target: str, operation: str, way: str) -> bool:
    """Return whether backward raises: a version was counted of what the formula needs, or no graph.

    Told from the formulas of the slopes alone.
    """
    lost = (target, way) == ("out", "detach_()")
    return lost or (way in COUNTED and OPERATIONS[operation].needs == target)


def _judged(found: Writes, _: Any) -> float:
    wrong = 0
    for each in found.each:
        true = slopes(each.target, each.operation, each.way)
        if each.gradient is not None:
            right = true is not None and difference(each.gradient, true.tolist()) < 1e-3
            wrong += (each.verdict == RIGHT) is not right
    return float(wrong)


def _raised(found: Writes, _: Any) -> float:
    return float(
        sum(
            (each.verdict == RAISES) is not refused(each.target, each.operation, each.way)
            for each in found.each
        )
    )


def _uncounted(found: Writes, _: Any) -> float:
    """Count wrong gradients of a write that was counted, or of what was not saved."""
    wrong = [each for each in found.each if each.verdict == WRONG]
    missed = [each for each in wrong if each.version or each.target != found.saves[each.operation]]
    return float(len(missed))


def _as_staged(found: Writes, _: Any) -> float:
    mine, staged = found.marked.gradient, found.staged
    if mine is None or staged is None:
        return 0.0 if mine is staged else math.inf
    return difference(mine, staged)


WRITES = Figure(
    title="Every write, every operation",
    result=writes,
    leads=True,
    proofs=(
        FigureProof(
            "A gradient that is called right is the slope of the same lines, one that is called "
            "wrong is not.",
            "central differences in NumPy, float64",
            _judged,
            twin=lambda trace, settings: writes(trace, settings, keep=lambda tensor: tensor),
        ),
        FigureProof(
            "Backward raises where a counted write changed what the slope's formula needs, or out "
            "lost its graph, and nowhere else.",
            "the formulas of the slopes",
            _raised,
            twin=lambda trace, settings: writes(
                trace, settings, ways={**WAYS, "no_grad": WAYS["data"]}
            ),
        ),
        FigureProof(
            "Where a gradient is wrong, what was written had been saved, and its version is still "
            "0.",
            "addresses of what nodes save, versions",
            _uncounted,
            twin=lambda trace, settings: writes(trace, settings, own=True),
            kind=Kind.INVARIANT,
        ),
        FigureProof(
            "The marked write comes to what the program on the stage came to.",
            "the run on the stage",
            _as_staged,
            twin=lambda trace, settings: writes(
                trace, dataclasses.replace(settings, target="h", operation="h * h")
            ),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
)
