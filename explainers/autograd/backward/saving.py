"""What nodes save for backward, in bytes after each statement, and what backward frees."""

import contextlib
import dataclasses
import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from explainers.evidence import Kind
from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace

_OPERATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "x + 1": lambda x: x + 1,
    "x.cumsum(0)": lambda x: x.cumsum(0),
    "x * x": lambda x: x * x,
    "x.exp()": torch.exp,
}
_NUMPY: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "x + 1": lambda x: x + 1,
    "x.cumsum(0)": np.cumsum,
    "x * x": lambda x: x * x,
    "x.exp()": np.exp,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """Hold what is saved after a statement.

    Attributes:
        tensors: How many tensors nodes have saved and not freed.
        size: Their bytes, each counted.
        memory: Bytes of the storages that they lie in, each counted once.
        raised: Whether the statement raised.
    """

    tensors: int
    size: int
    memory: int
    raised: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """Hold one operation.

    Attributes:
        operation: As it stands in the program.
        moments: After each statement.
        kept: Which tensor each saved one shares its memory with: "x", "y", or "" for neither.
        attributes: Bytes of the node's own ``_saved_`` tensors.
    """

    operation: str
    moments: tuple[Moment, ...]
    kept: tuple[str, ...]
    attributes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Saved:
    """Hold every operation, statement by statement.

    Attributes:
        chosen: The lesson's operation.
        statements: Of its program.
        columns: The operations.
    """

    chosen: str
    statements: tuple[str, ...]
    columns: tuple[Column, ...]


class _Kept:
    """Hold a saved tensor, as long as its node does."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Meter:
    """Count what nodes have saved and not freed, of what is computed under its `hooks`."""

    def __init__(
        self,
        *,
        leaks: bool = False,
        measure: Callable[[Tensor], int] = lambda tensor: tensor.nbytes,
    ) -> None:
        """Begin at nothing.

        Args:
            leaks: The error of holding on to what was counted.
            measure: Size of a tensor, which an error may count otherwise.
        """
        self._alive: weakref.WeakSet[_Kept] = weakref.WeakSet()
        self._held: list[_Kept] | None = [] if leaks else None
        self._measure = measure
        self.hooks = saved_tensors_hooks(self._pack, lambda kept: kept.tensor)

    def tensors(self) -> list[Tensor]:
        """Return what is saved now."""
        return [kept.tensor for kept in self._alive]

    def moment(self, *, raised: bool = False) -> Moment:
        """Return what is saved now, counted."""
        tensors = self.tensors()
        storages = {tensor.untyped_storage().data_ptr(): tensor for tensor in tensors}
        return Moment(
            len(tensors),
            sum(map(self._measure, tensors)),
            sum(tensor.untyped_storage().nbytes() for tensor in storages.values()),
            raised,
        )

    def _pack(self, tensor: Tensor) -> _Kept:
        kept = _Kept(tensor)
        self._alive.add(kept)
        if self._held is not None:
            self._held.append(kept)
        return kept


def saved(trace: Trace, settings: Any, **wrong: Any) -> Saved:
    """Return what each operation saves, at the lesson's x; `wrong` are `_column`'s errors."""
    statements = [line for line in trace.source.splitlines() if line and "import" not in line]
    columns = tuple(_column(operation, settings, **wrong) for operation in _OPERATIONS)
    return Saved(settings.operation, tuple(statements), columns)


def _column(operation: str, settings: Any, *, late: bool = False, **wrong: Any) -> Column:
    """Run the lesson's statements and count what is saved after each.

    Args:
        operation: Gives y.
        settings: The lesson's.
        late: The error of beginning to count after y.
        wrong: `Meter`'s errors.
    """
    meter = Meter(**wrong)
    x = torch.tensor([1.0, float(settings.b)], requires_grad=True)
    moments = [meter.moment()]
    with contextlib.nullcontext() if late else meter.hooks:
        y = _OPERATIONS[operation](x)
        moments.append(meter.moment())
        places = {x.untyped_storage().data_ptr(): "x", y.untyped_storage().data_ptr(): "y"}
        kept = tuple(places.get(k.untyped_storage().data_ptr(), "") for k in meter.tensors())
        loss = y.sum()
        moments.append(meter.moment())
    attributes = _attributes(_OPERATIONS[operation](x))
    loss.backward(retain_graph=settings.first == "retain_graph")
    moments.append(meter.moment())
    raised = False
    try:
        loss.backward()
    except RuntimeError:
        raised = True
    moments.append(meter.moment(raised=raised))
    return Column(operation, tuple(moments), kept, attributes)


def _attributes(y: Tensor) -> int:
    """Return the bytes of the tensors that y's node shows as its own."""
    node = y.grad_fn
    values = [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
    return sum(value.nbytes for value in values if isinstance(value, Tensor))


def _depends(operation: str) -> bool:
    """Return whether the operation's slope is another at another x."""
    run, step = _NUMPY[operation], 1e-4
    here, there = (
        [np.sum(run(x + move) - run(x - move)) / 2 / step for move in step * np.eye(2)]
        for x in (np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    )
    return not np.allclose(here, there, atol=1e-6)


def _where_needed(found: Saved, _: Any) -> float:
    wrong = [c for c in found.columns if (c.moments[1].size > 0) != _depends(c.operation)]
    return float(len(wrong))


def _freed(found: Saved, settings: Any) -> float:
    most = 0.0
    for column in found.columns:
        _, whole, forward, first, second = (moment.size for moment in column.moments)
        kept = whole if settings.first == "retain_graph" else 0
        again = settings.first == "retain_graph" or not _depends(column.operation)
        differ = max(abs(forward - whole), abs(first - kept), abs(second))
        most = max(most, differ, float(column.moments[4].raised is again))
    return most


def _as_shown(found: Saved, _: Any) -> float:
    return max(float(abs(c.moments[1].size - c.attributes)) for c in found.columns)


def _no_copy(found: Saved, _: Any) -> float:
    each = [name for column in found.columns for name in column.kept]
    tensors = sum(column.moments[1].tensors for column in found.columns)
    return math.inf if len(each) != tensors or not tensors else float(each.count(""))


SAVING = Figure(
    title="Bytes saved, statement by statement",
    result=saved,
    proofs=(
        FigureProof(
            "Something is saved exactly where the slope is another at another x.",
            "slopes at two places, in NumPy",
            _where_needed,
            twin=lambda trace, settings: saved(trace, settings, late=True),
        ),
        FigureProof(
            "The first backward leaves none of it, or with retain_graph all; the second leaves "
            "none.",
            "slopes at two places, in NumPy",
            _freed,
            twin=lambda trace, settings: saved(trace, settings, leaks=True),
        ),
        FigureProof(
            "The bytes that hooks are given are those of the node's own saved tensors.",
            "grad_fn._saved_self, _saved_other, _saved_result",
            _as_shown,
            twin=lambda trace, settings: saved(trace, settings, measure=torch.numel),
            kind=Kind.ANOTHER_PATH,
        ),
        FigureProof(
            "Of these operations none saves a copy: what is saved lies in x or y.",
            "the addresses of the storages",
            _no_copy,
            twin=lambda trace, settings: saved(trace, settings, late=True),
            kind=Kind.INVARIANT,
        ),
    ),
)
