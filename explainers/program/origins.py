"""Trace a cell back to the cells that made it, in the statement that last wrote it.

The program runs once more, under a mode that notes every operator it calls; the trace itself comes
from a run without it, as `backward` adds gradients in another way under such a mode.
"""

import bisect
import cmath
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from explainers.evidence import WARNINGS
from explainers.program import operators, running
from explainers.program.describing import Snapshot
from explainers.program.labels import Block, Labels
from explainers.program.operators import Call, Reach
from explainers.program.recording import Recorder
from explainers.program.states import MOST_CELLS, ArrayState, Step, TensorState, Trace

_KEPT = 32
_Cell = tuple[Block, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """A cell that another was made of.

    Attributes:
        name: Path of a tensor that held it before the statement: ``"x"``, ``"w.grad"``.
        index: Its index there.
        weight: How much the cell that was made grows with this one: its derivative; 1 for a view
            and a copy. None where it mattered, but no derivative says how much (an index, a mask).
    """

    name: str
    index: tuple[int, ...]
    weight: float | None


def origins(
    trace: Trace, step: Step | int, name: str, index: tuple[int, ...] | int
) -> tuple[Origin, ...]:
    """Return the cells that made a cell, in the statement that last wrote it; strongest first.

    A view's cell is the very cell of the storage: it comes, with weight 1, from the tensor through
    which that was last written, or from its base where nothing was. Nothing made a constant, a
    random number, or what NumPy wrote.

    Args:
        trace: Of a run.
        step: One of its steps, or its place among them.
        name: Path of a tensor, as `Changes.written` has them.
        index: Of the cell; a number is the index along a single dimension.

    Raises:
        ValueError: There is no such step, tensor or cell, or the tensor has more than 256; or the
            program is a reader's, which must not run in this process.
        TimeoutError: A bound ended the run for the origins, as it may on a busy machine.
    """
    if trace.jailed:
        raise ValueError("trace must be of a program of this project, got a reader's")
    place = step if isinstance(step, int) else _place(trace, step)
    if not 0 <= place < len(trace.steps):
        raise ValueError(f"step must be 0 to {len(trace.steps) - 1}, got {place}")
    with WARNINGS:
        return _links(trace).origins(place, name, (index,) if isinstance(index, int) else index)


def warm() -> None:
    """Import now what torch imports late: seconds that would be the first reader's."""
    trace = running.run("import torch\nx = torch.ones(8)\ny = x.softmax(0)\n")
    origins(trace, 2, "y", 0)


def forget() -> None:
    """Drop what is kept of runs: their traces and what their operators read and wrote."""
    with WARNINGS:
        _LINKS.clear()
        running.forget()


def _place(trace: Trace, step: Step) -> int:
    for place, one in enumerate(trace.steps):
        if one is step:
            return place
    if step in trace.steps:
        return trace.steps.index(step)
    raise ValueError("step must be one of the trace, got another")


_LINKS: dict[tuple[str, str], "Links"] = {}


def _links(trace: Trace) -> "Links":
    key = trace.source, trace.device
    found = _LINKS.get(key)
    if found is None:
        found = Links(trace)
        if not found.whole:  # a clock decided that
            raise TimeoutError("the run for the origins was ended")
        while len(_LINKS) >= _KEPT:
            del _LINKS[next(iter(_LINKS))]
        _LINKS[key] = found
    return found


class _Noting(TorchDispatchMode):
    """Note each operator, with copies of the small tensors that it read."""

    def __init__(self, labels: Labels) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._labels = labels
        self.calls: list[Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if not func._schema.name.startswith("aten::"):
            return func(*args, **kwargs)
        view = func.is_view
        noted = _mapped((args, kwargs), lambda one: self._reach(one, copy=not view))
        given = func(*args, **kwargs)
        if view:
            outs: tuple[Reach, ...] = ()
            changed: list[Any] = []
        else:
            changed = self._changed(func, args, kwargs)
            outs = tuple(self._reach(one) for one in changed or _tensors_in(given))
        whole = _without_out(func)
        if whole is not None:  # what `out` held before made nothing
            func, changed = whole, []
            names = {argument.name for argument in whole._schema.arguments}
            noted = (noted[0], {key: one for key, one in noted[1].items() if key in names})
        self.calls.append(Call(func, noted[0], noted[1], outs, bool(changed)))
        return given

    def _changed(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
        changed = [
            args[place] if place < len(args) else kwargs.get(name)
            for place, name in _written_arguments(func)
        ]
        return list(_tensors_in(changed))

    def _reach(self, tensor: Tensor, *, copy: bool = False) -> Reach:
        if tensor.layout is not torch.strided or tensor.device.type == "meta":
            return Reach(None, 0, (), (), 0)
        self._labels.hold(tensor)
        block = self._labels.block(tensor.untyped_storage())
        item = tensor.element_size()
        small = copy and tensor.numel() <= MOST_CELLS
        value = tensor.detach().cpu().clone() if small else None
        return Reach(
            block,
            tensor.data_ptr() - block.first if tensor.numel() else 0,
            tuple(tensor.shape),
            tuple(step * item for step in tensor.stride()),
            tensor._cdata,
            value,
        )


def _mapped(given: Any, told: Callable[[Tensor], Any]) -> Any:
    """Return what an operator is given, with something else for each tensor.

    It holds tuples, lists and dicts alone: torch's walk over any tree takes as long as the run.
    """
    if isinstance(given, Tensor):
        return told(given)
    if type(given) is tuple:
        return tuple([_mapped(one, told) for one in given])
    if type(given) is list:
        return [_mapped(one, told) for one in given]
    if type(given) is dict:
        return {key: _mapped(one, told) for key, one in given.items()}
    return given


def _tensors_in(given: Any) -> Iterator[Tensor]:
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, tuple | list):
        for one in given:
            yield from _tensors_in(one)


@functools.cache
def _written_arguments(func: Any) -> tuple[tuple[int, str], ...]:
    """Place and name of the arguments that an operator writes into."""
    return tuple(
        (place, argument.name)
        for place, argument in enumerate(func._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


@functools.cache
def _without_out(func: Any) -> Any:
    """The overload that returns what this one writes into ``out``; None where there is none."""
    arguments = func._schema.arguments
    names = [argument.name for argument in arguments if not argument.is_out]
    if len(names) == len(arguments):
        return None
    packet = func.overloadpacket
    for overload in packet.overloads():
        other = getattr(packet, overload)
        if [argument.name for argument in other._schema.arguments] == names:
            return other
    return None


class _Noted(Recorder):
    """Keep, beside each step, how many operators had run and where each tensor lies."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = _Noting(self.known.labels)
        self.upto: list[int] = []
        self.starts: list[int] = [0]
        self.paths_at: list[Mapping[str, TensorState | ArrayState]] = []
        self.blocks: dict[str, Block] = {}

    def begins(self) -> None:
        self.starts.append(len(self.mode.calls))

    def seen(self, snapshot: Snapshot) -> None:
        self.begins()
        self.upto.append(len(self.mode.calls))
        self.paths_at.append(snapshot.paths)
        for block in self.known.labels.blocks():
            if block.label:
                self.blocks[block.label] = block


class Links:
    """What every operator of a run read and wrote; asked for one cell at a time."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        noted = _Noted()
        again = running.Run(trace.source, trace.device, noted, noted.mode).trace()
        self._calls = noted.mode.calls
        self._upto = noted.upto
        self.whole = len(again.steps) == len(trace.steps)
        self._starts = noted.starts
        self._paths = noted.paths_at
        self._blocks = noted.blocks
        self._labels = noted.known.labels
        self._written: dict[int, dict[_Cell, tuple[int, int]]] = {}
        self._made: dict[int, list[dict[int, list[tuple[_Cell, float | None]]]]] = {}
        self._named: dict[int, dict[_Cell, list[tuple[str, int, int]]]] = {}
        # Asked again for every cell.
        self._read: dict[int, tuple[tuple[Reach, str | None], ...]] = {}
        self._used: dict[tuple[int, int], set[str]] = {}
        self._identities: dict[int, set[str]] = {}
        self._foreign = [self._foreign_at(place) for place in range(len(self._upto))]

    def origins(self, place: int, name: str, index: tuple[int, ...]) -> tuple[Origin, ...]:
        """As the function of that name."""
        state = self._paths[place].get(name)
        if not isinstance(state, TensorState) or not state.storage:
            raise ValueError(f"name must be a tensor of the step, got {name!r}")
        if state.cells is None:
            raise ValueError(f"{name} must have at most {MOST_CELLS} cells")
        flat = _flat(index, state.shape)
        cell = self._cell(state, state.cells[flat])
        last = self._last_write(cell, self._upto[place])
        made_at = self._step_of(last) if last is not None else None
        for later in range(0 if made_at is None else made_at, place + 1):
            if cell in self._foreign[later] and later != made_at:
                return ()
        writer = self._writer(cell, last, place)
        if writer is not None and writer != state.identity:
            found = self._in_tensor(place, writer, cell)
            if found is not None:
                return (found,)
        if last is None or made_at is None:
            return ()
        return self._resolved(cell, last, made_at)

    # -- who wrote

    def _cell(self, state: TensorState | ArrayState, cell: int) -> _Cell:
        return self._blocks[state.storage], cell * _item(state)

    def _last_write(self, cell: _Cell, before: int) -> int | None:
        for number in range(before - 1, -1, -1):
            here = any(out.block is cell[0] for out in self._calls[number].outs)
            if here and cell in self._written_by(number) and not self._left(number, cell):
                return number
        return None

    def _left(self, number: int, cell: _Cell) -> bool:
        """Whether an operator that writes some cells of a tensor left this one as it was."""
        if self._calls[number].name not in operators.WRITES_SOME:
            return False
        out, element = self._written_by(number)[cell]
        made = self._sources(number)[out].get(element, ())
        return [pair for pair in made if pair[1] is not None] == [(cell, 1.0)]

    def _written_by(self, number: int) -> dict[_Cell, tuple[int, int]]:
        found = self._written.get(number)
        if found is None:
            found = {}
            for place, out in enumerate(self._calls[number].outs):
                if out.block is not None and out.size <= MOST_CELLS:
                    for element, byte in enumerate(out.places()):
                        found[out.block, byte] = place, element
            self._written[number] = found
        return found

    def _step_of(self, number: int) -> int:
        for place, upto in enumerate(self._upto):
            if number < upto:
                return place
        return len(self._upto)

    def _begin(self, place: int) -> int:
        return self._upto[place - 1] if place else 0

    def _start(self, number: int) -> int:
        """The first operator of the statement that an operator belongs to."""
        return self._starts[bisect.bisect_right(self._starts, number) - 1]

    def _foreign_at(self, place: int) -> set[_Cell]:
        """Cells that changed in a step though no operator wrote them: NumPy did."""
        found = set()
        for written in self._trace.steps[place].changes.written if self._same(place) else ():
            block = self._blocks.get(written.storage)
            state = next(
                (one for one in self._paths[place].values() if one.storage == written.storage), None
            )
            if block is None or state is None or written.cells is None:
                continue
            ours = range(self._begin(place), self._upto[place])
            cells = {(block, cell * _item(state)) for cell in written.cells}
            for number in ours:
                if any(out.block is block for out in self._calls[number].outs):
                    cells -= self._written_by(number).keys()
            found |= cells
        return found

    def _same(self, place: int) -> bool:
        return place < len(self._trace.steps)

    def _writer(self, cell: _Cell, last: int | None, place: int) -> str | None:
        """Identity of the named tensor through which a cell was last written, or of its base."""
        block = cell[0]
        if last is not None:
            step = self._step_of(last)
            begin = self._start(last)
            if self._known_before(block, step):
                named = self._identified(step) | self._identified(step - 1)
                for number in range(last, begin - 1, -1):
                    for reach, label in self._reads(number):
                        if reach.block is block and label in named:
                            return label
                return None
        for step in range(0 if last is None else self._step_of(last), place + 1):
            lie = [one for _, one in self._tensors(step) if self._blocks.get(one.storage) is block]
            if lie:
                return next((one.identity for one in lie if not one.view), lie[0].identity)
        return None

    def _reads(self, number: int) -> tuple[tuple[Reach, str | None], ...]:
        """Return the tensors that a call was given, and the labels of those that have a name."""
        found = self._read.get(number)
        if found is None:
            read = self._calls[number].read()
            found = tuple((reach, self._labels.known(reach.address)) for reach in read)
            self._read[number] = found
        return found

    def _identified(self, step: int) -> set[str]:
        """Return the identities of the tensors that have a name after a step."""
        found = self._identities.get(step)
        if found is None:
            found = self._identities[step] = {state.identity for _, state in self._tensors(step)}
        return found

    def _known_before(self, block: Block, step: int) -> bool:
        return step > 0 and any(
            self._blocks.get(state.storage) is block for _, state in self._tensors(step - 1)
        )

    def _tensors(self, step: int) -> Iterator[tuple[str, TensorState]]:
        if 0 <= step < len(self._paths):
            for path, state in self._paths[step].items():
                if isinstance(state, TensorState):
                    yield path, state

    def _in_tensor(self, place: int, identity: str, cell: _Cell) -> Origin | None:
        for path, state in self._tensors(place):
            if state.identity == identity:
                flat = _found(state, cell[1] // _item(state))
                if flat is not None:
                    return Origin(path, _index(flat, state.shape), 1.0)
        return None

    # -- what was read

    def _resolved(self, cell: _Cell, last: int, step: int) -> tuple[Origin, ...]:
        begin = self._start(last)
        named = self._names_before(step)
        waiting: dict[_Cell, float | None] = {cell: 1.0}
        found: dict[_Cell, float | None] = {}
        for number in range(last, -1, -1):
            if not waiting:
                break
            if number < begin:  # what has a name was there before the statement
                for one in [one for one in waiting if one in named]:
                    found[one] = _sum(found, one, waiting.pop(one))
            writes = self._calls[number].outs
            blocks = {one[0] for one in waiting}
            if not any(out.block in blocks for out in writes):
                continue
            written = self._written_by(number)
            read: dict[_Cell, float | None] = {}
            for one in [one for one in waiting if one in written]:
                weight = waiting.pop(one)
                out, element = written[one]
                for origin, factor in self._sources(number)[out].get(element, ()):
                    product = None if weight is None or factor is None else weight * factor
                    read[origin] = _sum(read, origin, product)
            for origin, weight in read.items():
                waiting[origin] = _sum(waiting, origin, weight)
        for one, weight in waiting.items():
            if one in named:
                found[one] = _sum(found, one, weight)
        used = self._read_between(begin, self._upto[step])
        listed = [Origin(*self._said(named[one], used), weight) for one, weight in found.items()]
        return tuple(sorted(listed, key=_strength))

    def _sources(self, number: int) -> list[dict[int, list[tuple[_Cell, float | None]]]]:
        found = self._made.get(number)
        if found is None:
            found = []
            for given in operators.sources(self._calls[number]):
                rows: dict[int, list[tuple[_Cell, float | None]]] = {}
                for reach, to, of, weights in given:
                    where = reach.places()
                    if reach.block is None:
                        continue
                    for element, source, weight in zip(to, of, weights, strict=True):
                        cell = reach.block, where[source]
                        rows.setdefault(element, []).append((cell, weight))
                found.append(rows)
            self._made[number] = found
        return found

    def _read_between(self, begin: int, end: int) -> set[str]:
        found = self._used.get((begin, end))
        if found is None:
            labels = (label for number in range(begin, end) for _, label in self._reads(number))
            found = self._used[begin, end] = {label for label in labels if label is not None}
        return found

    def _names_before(self, step: int) -> dict[_Cell, list[tuple[str, int, int]]]:
        """Where each cell stands, by the names before a statement, then by those after it."""
        found = self._named.get(step)
        if found is None:
            found = {}
            for at in self._order(step):
                for path, state in self._tensors(at):
                    for flat, cell in enumerate(state.cells or ()):
                        if state.storage:
                            found.setdefault(self._cell(state, cell), []).append((path, flat, at))
            self._named[step] = found
        return found

    def _order(self, step: int) -> list[int]:
        if step == 0:
            return [0]
        frames = [one.frame.number if one.frame else 0 for one in self._trace.steps]
        within = step < len(frames) and frames[step - 1] == frames[step]
        return [step - 1, step] if within else [step, step - 1]

    def _said(
        self, places: list[tuple[str, int, int]], read: set[str]
    ) -> tuple[str, tuple[int, ...]]:
        for path, flat, at in places:
            state = self._paths[at][path]
            if isinstance(state, TensorState) and state.identity in read:
                return path, _index(flat, state.shape)
        path, flat, at = places[0]
        return path, _index(flat, self._paths[at][path].shape)


def _found(state: TensorState, cell: int) -> int | None:
    """Where a tensor shows a cell of its storage, in reading order; also one of many cells."""
    if state.cells is not None:
        return state.cells.index(cell) if cell in state.cells else None
    places = np.full((), state.offset)
    for size, step in zip(state.shape, state.stride, strict=True):
        places = np.add.outer(places, np.arange(size) * step)
    at = np.flatnonzero(places == cell)
    return int(at[0]) if at.size else None


def _sum(held: Mapping[_Cell, float | None], cell: _Cell, weight: float | None) -> float | None:
    before = held.get(cell)
    return weight if before is None else before if weight is None else before + weight


def _strength(origin: Origin) -> tuple[bool, float, str, tuple[int, ...]]:
    weight = origin.weight
    strength = 0.0 if weight is None or cmath.isnan(weight) else abs(weight)
    return weight is None, -strength, origin.name, origin.index


def _item(state: TensorState | ArrayState) -> int:
    if isinstance(state, ArrayState):
        return np.dtype(state.dtype).itemsize
    dtype: torch.dtype = getattr(torch, state.dtype)
    return dtype.itemsize


def _flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    good = len(index) == len(shape) and all(
        -size <= one < size for one, size in zip(index, shape, strict=True)
    )
    if not good:
        raise ValueError(f"index must lie in a tensor of shape {shape}, got {index}")
    flat = 0
    for one, size in zip(index, shape, strict=True):
        flat = flat * size + one % size
    return flat


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index: list[int] = []
    for size in reversed(shape):
        flat, one = divmod(flat, size)
        index.insert(0, one)
    return tuple(index)
