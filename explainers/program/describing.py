"""Describe objects as they stand at one moment, and keep hold of nothing that a program made."""

import base64
import dataclasses
import enum
import functools
import itertools
import math
import types
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeGuard, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from explainers.program.labels import Labels, address
from explainers.program.states import (
    MOST_CELLS,
    MOST_ITEMS,
    MOST_NODES,
    MOST_SHADED,
    NAN,
    ArrayState,
    ContextState,
    Freed,
    Graph,
    Memory,
    ModuleState,
    Node,
    Number,
    OptimizerState,
    Plain,
    Sequence,
    State,
    Summary,
    Table,
    TensorState,
)

_DEEPEST = 12
_MOST_OPENED = 2_000
_OPENED = (nn.Module, torch.optim.Optimizer, FunctionCtx, list, tuple, dict)
_MOST_CHARACTERS = 200
_MOST_BITS = 256
_MODULE_SLOTS = frozenset(vars(nn.Module()))
_WORDED = (torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format)
AnyState = TypeVar("AnyState", TensorState, ModuleState)


class Snapshot:
    """Describe objects as they stand at one moment; to be dropped before the program goes on."""

    def __init__(self, known: "Known") -> None:
        self._known = known
        self._labels = known.labels
        self._opened: list[int] = []
        self._left = _MOST_OPENED
        self._nodes: dict[object, Any] = {}
        self.memory: dict[str, Memory] = {}
        self.paths: dict[str, TensorState | ArrayState] = {}

    def names(self, names: Mapping[str, object]) -> dict[str, State]:
        """Describe every name but imported modules and those that Python itself sets."""
        kept = {name: value for name, value in names.items() if _is_named(name, value)}
        if any(is_a(value, np.ndarray) for value in kept.values()):
            for value in kept.values():  # so that an array finds the storage that it lies in
                if is_a(value, Tensor) and _has_storage(value):
                    self._labels.block(value.untyped_storage())
        return {name: self.state(value, name) for name, value in kept.items()}

    def state(self, value: object, path: str = "") -> State:
        """Describe one object; a path of "" says that no name holds it."""
        kind = type(value).__name__
        try:
            if is_a(value, Tensor):
                return self._tensor(value, path)
            if is_a(value, np.ndarray):
                return self._array(value, path)
            if not is_a(value, _OPENED):
                return plain(value)
            if id(value) in self._opened:
                return Plain(f"{kind}, not opened again", kind)
            if len(self._opened) >= _DEEPEST or self._left <= 0:
                return Plain(kind, kind)
            return self._inside(value, path)
        except (AttributeError, NotImplementedError, RuntimeError, TypeError):
            # A tensor without a shape (nested, not yet initialised), an object made halfway.
            return Plain(kind, kind)

    def _inside(self, value: Any, path: str) -> State:
        self._opened.append(id(value))
        self._left -= 1
        try:
            if is_a(value, nn.Module):
                return self._module(value, path)
            if is_a(value, torch.optim.Optimizer):
                return self._optimizer(value, path)
            if is_a(value, FunctionCtx):
                return self._context(value, path)
            if is_a(value, dict):
                return self._table(value, path)
            return self._sequence(value, path)
        finally:
            self._opened.pop()

    def _tensor(self, tensor: Tensor, path: str, known: Tensor | None = None) -> TensorState:
        label = self._labels.tensor(tensor if known is None else known)
        found = self._known.now.get(label)
        if found is None:
            found = self._known.now[label] = self._known.shared(self._described(tensor, label))
        if path:
            self.paths[path] = found
            if found.grad is not None:
                self.paths[f"{path}.grad"] = found.grad
        return found

    def _described(self, tensor: Tensor, label: str) -> TensorState:
        grad = None
        leaf, retains = tensor.is_leaf, tensor.retains_grad
        if leaf or retains:  # of others torch warns, and has none
            held = tensor.grad
            grad = None if held is None else self._tensor(held, "")
        made_by = tensor.grad_fn
        storage, contiguous = "", False
        stride: tuple[int, ...] = ()
        offset = 0
        cells: tuple[int, ...] | None = None
        values: tuple[Number, ...] | None = None
        summary = None
        shape = tuple(tensor.shape)
        if tensor.layout is torch.strided and _has_storage(tensor):
            stride, offset = tensor.stride(), int(tensor.storage_offset())
            contiguous = tensor.is_contiguous()
            memory = tensor.untyped_storage()
            block = self._labels.block(memory)
            storage = self._labels.label(block)
            readable = memory.device.type != "meta"
            if tensor.numel() <= MOST_CELLS:
                shift = address(memory) - block.first
                cells = places(shape, stride, offset + shift // tensor.element_size())
                values = _values(tensor) if readable else None
            elif readable:
                summary = summarised(tensor)
            self._remember(storage, tensor, memory, values, contiguous)
        state = TensorState(
            identity=label,
            kind=type(tensor).__name__,
            shape=shape,
            dtype=_dtype(tensor.dtype),
            device=str(tensor.device),
            layout=str(tensor.layout).removeprefix("torch."),
            stride=stride,
            offset=offset,
            storage=storage,
            cells=cells,
            values=values,
            summary=summary,
            contiguous=contiguous,
            requires_grad=tensor.requires_grad,
            leaf=leaf,
            retains_grad=retains,
            view=tensor._is_view(),
            version=None if tensor.is_inference() else tensor._version,
            made_by="" if made_by is None else str(made_by.name()),
            node=None if made_by is None else self._node(made_by),
            grad=grad,
        )
        return state

    def _remember(
        self,
        label: str,
        tensor: Tensor,
        storage: torch.UntypedStorage,
        values: tuple[Number, ...] | None,
        contiguous: bool,
    ) -> None:
        if label in self.memory or self._labels.block(storage).first != address(storage):
            return
        dtype = self._known.dtypes.setdefault(label, tensor.dtype)
        size = storage.nbytes() // dtype.itemsize
        whole = contiguous and tensor.numel() == size and tensor.dtype == dtype
        if not whole or values is None:
            values = None
            if size <= MOST_CELLS and storage.device.type == "cpu":
                values = _values(torch.empty(0, dtype=dtype, device="cpu").set_(storage))
        self.memory[label] = Memory(_dtype(dtype), size, values)

    def _array(self, array: "np.ndarray[Any, Any]", path: str) -> ArrayState:
        block = self._labels.array(array)
        label, item = self._labels.label(block), array.itemsize
        offset, rest = divmod(array.__array_interface__["data"][0] - block.first, max(1, item))
        even = item and rest == 0 and all(step % item == 0 for step in array.strides)
        stride = tuple(step // max(1, item) for step in array.strides)
        small, number = array.size <= MOST_CELLS, array.dtype.kind in "biufc"
        state = ArrayState(
            shape=array.shape,
            dtype=array.dtype.name,
            stride=stride,
            offset=offset,
            storage=label,
            cells=places(array.shape, stride, offset) if small and even else None,
            values=_one_nan(array.ravel().tolist()) if small and number else None,
        )
        if path:
            self.paths[path] = state
        if label not in self.memory:
            self._own(label, array, state)
        return state

    def _own(self, label: str, array: "np.ndarray[Any, Any]", state: ArrayState) -> None:
        # No tensor lies there: the array's own items are what the memory holds.
        root: Any = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        flat = root.size <= MOST_CELLS and root.flags.c_contiguous and root.dtype == array.dtype
        values = _one_nan(root.ravel().tolist()) if flat and state.values is not None else None
        self.memory[label] = Memory(state.dtype, root.nbytes // max(1, array.itemsize), values)

    def _sequence(self, value: "list[Any] | tuple[Any, ...]", path: str) -> State:
        kind = type(value).__name__
        walk = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        length = list.__len__(value) if isinstance(value, list) else tuple.__len__(value)
        items = tuple(
            self.state(item, path and f"{path}[{index}]")
            for index, item in enumerate(itertools.islice(walk, MOST_ITEMS))
        )
        texts = [item.text for item in items if isinstance(item, Plain)]
        if len(texts) < len(items):
            return Sequence(kind, items, length)
        words = ", ".join(texts) + (", …" if length > len(items) else "")
        if is_a(value, list):
            return Plain(_cut(f"[{words}]"), kind)
        return Plain(_cut(f"({words},)" if length == 1 else f"({words})"), kind)

    def _table(self, value: "dict[Any, Any]", path: str) -> State:
        kind, length = type(value).__name__, dict.__len__(value)
        items = {
            self._key(key): self.state(item, path and f"{path}[{self._key(key)!r}]")
            for key, item in itertools.islice(dict.items(value), MOST_ITEMS)
        }
        if any(not isinstance(item, Plain) for item in items.values()):
            return Table(kind, MappingProxyType(items), length)
        pairs = [
            f"{plain(key).text}: {item.text}"
            for key, item in zip(dict.keys(value), items.values(), strict=False)
            if isinstance(item, Plain)
        ]
        words = ", ".join(pairs) + (", …" if length > len(items) else "")
        return Plain(_cut(f"{{{words}}}"), kind)

    def _key(self, key: object) -> str:
        if is_a(key, Tensor):
            return self._labels.tensor(key)
        return str(key) if type(key) is str else plain(key).text

    def _module(self, module: nn.Module, path: str) -> ModuleState:
        fields = vars(module)
        join = path and f"{path}."
        tables = {"_parameters": {}, "_buffers": {}, "_modules": {}} | fields

        def described(kind: type[AnyState], of: str) -> dict[str, AnyState]:
            return {
                name: state
                for name, value in tables[of].items()
                if isinstance(state := self.state(value, join and join + name), kind)
            }

        parameters = described(TensorState, "_parameters")
        buffers = described(TensorState, "_buffers")
        children = described(ModuleState, "_modules")
        registered = {state.identity for state in (*parameters.values(), *buffers.values())}
        inside = {id(value) for value in tables["_modules"].values()}
        plain_fields = {
            name: value
            for name, value in fields.items()
            if name not in _MODULE_SLOTS and id(value) not in inside
        }
        unregistered = {
            name: state
            for name, value in plain_fields.items()
            if is_a(value, (Tensor, *_OPENED))
            and _holds(state := self.state(value, join and join + name), registered)
        }
        return ModuleState(
            identity=self._labels.object(module, "m"),
            kind=type(module).__name__,
            training=bool(fields.get("training", True)),
            parameters=MappingProxyType(parameters),
            buffers=MappingProxyType(buffers),
            transient=frozenset(fields.get("_non_persistent_buffers_set", ())) & frozenset(buffers),
            children=MappingProxyType(children),
            unregistered=MappingProxyType(unregistered),
        )

    def _optimizer(self, optimizer: torch.optim.Optimizer, path: str) -> OptimizerState:
        groups = []
        fields = vars(optimizer)
        for number, group in enumerate(fields.get("param_groups", ())):
            place = path and f"{path}.param_groups[{number}]"
            groups.append(
                {
                    key: self.state(value, place and f"{place}[{key!r}]")
                    for key, value in group.items()
                }
            )
            parameters = group.get("params")
            if isinstance(parameters, list):  # also where there are none, or a hundred
                tensors = tuple(self.state(value) for value in parameters)
                groups[-1]["params"] = Sequence("list", tensors, len(parameters))
        kept = {}
        for key, values in fields.get("state", {}).items():
            label = self._key(key)
            place = path and f"{path}.state[{label}]"
            if isinstance(values, dict):
                kept[label] = MappingProxyType(
                    {
                        self._key(name): self.state(value, place and f"{place}[{name!r}]")
                        for name, value in values.items()
                    }
                )
        return OptimizerState(
            identity=self._labels.object(optimizer, "o"),
            kind=type(optimizer).__name__,
            groups=tuple(MappingProxyType(group) for group in groups),
            state=MappingProxyType(kept),
        )

    def _context(self, context: Any, path: str) -> ContextState:
        join = path and f"{path}."
        fields: dict[str, State] = {}
        given = context.to_save
        if given is not None:
            fields["to_save"] = self.state(given, join and f"{join}to_save")
        elif saved := self._unpacked(context, join and f"{join}saved_tensors"):
            fields["saved_tensors"] = Sequence("tuple", saved, len(saved))
        for name, value in itertools.islice(vars(context).items(), MOST_ITEMS):
            fields[name] = self.state(value, join and join + name)
        label = self._labels.object(context, "c")
        return ContextState(label, type(context).__name__, MappingProxyType(fields))

    def _unpacked(self, context: Any, path: str) -> tuple[State, ...]:
        """Describe what a node of the program's own gives as ``saved_tensors``."""
        try:
            raw = context._raw_saved_tensors
            if any(one.unpack_hook is not None for one in raw):  # the program would hear of it
                return ()
            saved = context.saved_tensors
        except RuntimeError:  # freed, or written since
            return ()
        return tuple(
            # An output is made anew for whoever asks; what is kept of it stays the same.
            self._tensor(one, path and f"{path}[{at}]", kept.data)
            if is_a(one, Tensor)
            else self.state(one)
            for at, (kept, one) in enumerate(zip(raw, saved, strict=True))
        )

    # -- the graph

    def _node(self, function: Any) -> int:
        number, key = self._known.number(function)
        self._nodes.setdefault(key, (number, function))
        return number

    def graph(self) -> Graph:
        """Follow what the tensors described so far were made by."""
        waiting = list(self._nodes.items())
        seen = set(self._nodes)
        nodes: list[Node] = []
        while waiting and len(nodes) < MOST_NODES:
            key, (number, function) = waiting.pop(0)
            edges: list[int | None] = []
            for child, _ in function.next_functions:
                if child is None:
                    edges.append(None)
                    continue
                child_number, child_key = self._known.number(child)
                edges.append(child_number)
                if child_key not in seen:
                    seen.add(child_key)
                    waiting.append((child_key, (child_number, child)))
            nodes.append(self._known.node(key, number, function, tuple(edges)))
        whole = not waiting
        drawn = {node.number for node in nodes}
        if not whole:
            nodes = [
                dataclasses.replace(node, next=tuple(n if n in drawn else None for n in node.next))
                for node in nodes
            ]
        return Graph(tuple(sorted(nodes, key=lambda node: node.number)), whole)


class Known:
    """What describing keeps of a run from one moment to the next.

    Attributes:
        labels: Of its tensors and its memory.
        dtypes: Through which each piece of memory was first seen, by its label.
        now: The tensors described at this moment, by their label.
    """

    def __init__(self) -> None:
        self.labels = Labels()
        self.dtypes: dict[str, torch.dtype] = {}
        self.now: dict[str, TensorState] = {}
        self._states: dict[str, TensorState] = {}
        self._numbers: dict[object, int] = {}
        self._freed: set[object] = set()

    def shared(self, state: TensorState) -> TensorState:
        """Return the state that a tensor had before, if it still has it: it is held once."""
        before = self._states.get(state.identity)
        if before == state and before is not None:
            return before
        self._states[state.identity] = state
        return state

    def number(self, function: Any) -> tuple[int, object]:
        """Return a node's number, and a key that no other node of the run has."""
        name = function.name()
        key: object
        if name.endswith("AccumulateGrad"):
            key = self.labels.tensor(function.variable)
        else:
            key = function._sequence_nr(), name
        return self._numbers.setdefault(key, len(self._numbers)), key

    def node(self, key: object, number: int, function: Any, edges: tuple[int | None, ...]) -> Node:
        """Describe a node of the graph."""
        leaf = key if isinstance(key, str) else ""
        saved, stale = (Freed.FREED, False) if key in self._freed else _saved(function)
        if saved is Freed.FREED:
            self._freed.add(key)
        return Node(number, str(function.name()), edges, saved, stale, leaf)


@functools.lru_cache(maxsize=1024)
def places(shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> tuple[int, ...]:
    """Return where in its storage each element of a strided tensor lies, in reading order."""
    cells = [offset]
    for size, step in zip(shape, stride, strict=True):
        cells = [cell + index * step for cell in cells for index in range(size)]
    return tuple(cells)


def plain(value: object) -> Plain:
    """Say what an object is without asking its own code.

    Numbers, text and torch's own small types stand as they are; a long one is cut.
    """
    return Plain(_words(value), type(value).__name__)


def _words(value: object) -> str:
    kind = type(value)
    if value is None or kind in (bool, float, complex, range) or is_a(value, _WORDED):
        return str(value)
    if kind is int and is_a(value, int):
        bits = value.bit_length()
        return str(value) if bits <= _MOST_BITS else f"int of {bits} bits"
    if kind in (str, bytes) and is_a(value, (str, bytes)):
        cut = value[:_MOST_CHARACTERS]
        return repr(cut) + ("…" if len(value) > len(cut) else "")
    if kind in (set, frozenset) and is_a(value, (set, frozenset)):
        inner = sorted(_words(item) for item in itertools.islice(value, MOST_ITEMS))
        words = ", ".join(inner) + (", …" if len(value) > MOST_ITEMS else "")
        return f"{{{words}}}" if value else f"{kind.__name__}()"
    if is_a(value, enum.Enum):
        return f"{kind.__name__}.{value._name_}"
    if is_a(value, np.generic):
        return repr(value)
    if is_a(value, type):
        return f"class {value.__name__}"
    if is_a(value, (types.FunctionType, types.BuiltinFunctionType)):
        return f"function {value.__name__}"
    if is_a(value, torch.Generator):
        return f"Generator, seed {value.initial_seed()}"
    return kind.__name__


def _cut(words: str) -> str:
    return words if len(words) <= 2 * _MOST_CHARACTERS else words[: 2 * _MOST_CHARACTERS] + "…"


def is_a(value: object, kind: type[Any] | tuple[type[Any], ...]) -> TypeGuard[Any]:
    """Whether an object is of a type, whatever it says of itself by ``__class__``."""
    return issubclass(type(value), kind)


def summarised(tensor: Tensor) -> Summary | None:
    """Describe the cells of a tensor that is too large to record each; None where torch cannot."""
    try:
        with torch.no_grad():
            return _summary(tensor.detach())
    except (NotImplementedError, RuntimeError, TypeError):
        return None


def _summary(tensor: Tensor) -> Summary:
    wide = tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    nans = int(torch.isnan(wide).sum())
    lowest: Number | None = None
    highest: Number | None = None
    if not tensor.is_complex() and nans < tensor.numel():
        sure = wide[~torch.isnan(wide)] if nans else wide
        low, high = float(sure.min()), float(sure.max())
        whole = not tensor.is_floating_point()
        lowest, highest = (int(low), int(high)) if whole else (low, high)
    ends = [
        (0, size - 1) if size > 1 and sum(s > 1 for s in tensor.shape[:place]) < 4 else (0,)
        for place, size in enumerate(tensor.shape)
    ]
    corners = tuple(
        (index, _one_nan([tensor[index].item()])[0]) for index in itertools.product(*ends)
    )
    mean = _one_nan([wide.mean().item()])[0]
    deviation = _one_nan([wide.std(correction=0).item()])[0]
    shades = "" if tensor.is_complex() or tensor.numel() > MOST_SHADED else _shades(wide)
    return Summary(lowest, highest, mean, float(deviation.real), nans, corners, shades)


def _shades(values: Tensor) -> str:
    finite = values[values.isfinite()].abs()
    most = float(finite.max()) if finite.numel() else 0.0
    share = (values / most if most else values).clamp(-1, 1)
    levels = torch.where(share.isnan(), 0, 128 + (127 * share.nan_to_num()).round())
    return base64.b64encode(levels.to(torch.uint8).cpu().numpy().tobytes()).decode()


def _is_named(name: str, value: object) -> bool:
    hidden = name.startswith("__") and name.endswith("__")
    return not hidden and not name.startswith(".") and not is_a(value, types.ModuleType)


def _holds(state: State, registered: set[str]) -> bool:
    """Whether a state holds a module, or a tensor other than these."""
    match state:
        case TensorState():
            return state.identity not in registered
        case ModuleState():
            return True
        case Sequence():
            return any(_holds(item, registered) for item in state.items)
        case Table():
            return any(_holds(item, registered) for item in state.items.values())
        case _:
            return False


def _has_storage(tensor: Tensor) -> bool:
    try:
        tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _values(tensor: Tensor) -> tuple[Number, ...] | None:
    try:
        nested = tensor.tolist()
    except RuntimeError:  # quantized, or its storage was given back
        return None
    for _ in range(tensor.dim() - 1):
        nested = [item for row in nested for item in row]
    return _one_nan(nested if tensor.dim() else [nested])


def _one_nan(values: "list[Any]") -> tuple[Any, ...]:
    # One NaN for all: tuples compare by identity first, so that NaN equals NaN.
    if values and isinstance(values[0], float) and any(map(math.isnan, values)):
        return tuple(NAN if math.isnan(value) else value for value in values)
    return tuple(values)


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


_RAW: dict[type, tuple[str, ...]] = {}


def _saved(function: Any) -> tuple[Freed, bool]:
    """Ask what a node saved, without running a hook that would unpack it."""
    kind = type(function)
    names = _RAW.get(kind)
    if names is None:
        names = tuple(name for name in dir(kind) if name.startswith("_raw_saved_"))
        _RAW[kind] = names
    saved, stale = Freed.NOTHING, False
    for name in names:
        try:
            raw = getattr(function, name)
        except RuntimeError as error:  # a custom Function's, all at once
            return (Freed.FREED if "second time" in str(error) else Freed.NOTHING), stale
        for one in raw if isinstance(raw, tuple | list) else (raw,):
            if one.unpack_hook is not None:
                saved = Freed.KEPT
                continue
            try:
                if name == "_raw_saved_tensors":
                    kept = one.data
                else:
                    kept = getattr(function, name.removeprefix("_raw"))
            except RuntimeError as error:
                if "second time" in str(error):
                    return Freed.FREED, stale
                stale = stale or "inplace" in str(error)
                kept = True
            if kept is not None:
                saved = Freed.KEPT
    return saved, stale
