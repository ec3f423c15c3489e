"""Carry a trace out of the jail as plain text, and take nothing in that is not a trace.

Who writes it may be anyone: a reader's program that broke every wall within the child. What is read
is therefore checked field by field against the states' own annotations, is never an object of any
other class, and is bounded in size, also as somebody walks it who goes to the same part again by
each way that leads there.
"""

import dataclasses
import enum
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from explainers.program import states
from explainers.program.states import (
    MOST_CELLS,
    MOST_ITEMS,
    MOST_NODES,
    MOST_SHADED,
    MOST_STEPS,
    Failure,
    Memory,
    Step,
    TensorState,
    Trace,
)

MOST_BYTES = 1 << 20
"""Bytes of a trace."""
_MOST_WEIGHT = 100_000
_MOST_STATE = 8_000
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_MOST_CHARACTERS = 20_000
_DEEPEST = 40
_MOST_DIMENSIONS = 64
_LARGEST = 1 << 63

_CLASSES: Mapping[str, type[Any]] = {
    name: kind
    for name, kind in vars(states).items()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type)
}


def encoded(trace: Trace) -> bytes:
    """Write a trace: each state once, those that it holds before it."""
    return json.dumps(_Writer().written(trace), separators=(",", ":")).encode("ascii")


class _Writer:
    def __init__(self) -> None:
        self._objects: list[list[Any]] = []
        self._places: dict[int, int] = {}
        self._held: list[object] = []

    def written(self, trace: Trace) -> dict[str, Any]:
        steps = [self._value(step) for step in trace.steps]
        failure = self._value(trace.failure)
        return {"objects": self._objects, "steps": steps, "failure": failure}

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return str(value) if isinstance(value, enum.Enum) else value
        if isinstance(value, complex):
            return {"c": [value.real, value.imag]}
        if isinstance(value, tuple):
            if value and type(value[0]) in (int, float, bool):
                return [one if type(one) is not complex else self._value(one) for one in value]
            return [self._value(one) for one in value]
        if isinstance(value, set | frozenset):
            return sorted(value)
        if isinstance(value, Mapping):
            return {"m": [[str(key), self._value(one)] for key, one in value.items()]}
        place = self._places.get(id(value))
        if place is None:
            kind: Any = type(value)
            fields = [self._value(getattr(value, name)) for name in _names(kind)]
            place = self._places[id(value)] = len(self._objects)
            self._objects.append([kind.__name__, *fields])
            self._held.append(value)
        return {"r": place}


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def decoded(text: bytes, source: str) -> Trace:
    """Read the trace of a program.

    Args:
        text: Written by `encoded`, or by nobody knows whom.
        source: The program; that of the trace, whatever the text says.

    Raises:
        ValueError: It is no trace.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"a trace must have at most {MOST_BYTES} bytes, got {len(text)}")
    try:
        whole = json.loads(text, parse_constant=_constant)
        return _Reader(source).read(whole)
    except (LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"text must be a trace, got {type(error).__name__}") from None


def _constant(word: str) -> float:
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[word]


_Read = Callable[["_Reader", Any], tuple[Any, int]]
"""Returns what was read, and how much whoever walks it has to walk."""


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = source.count("\n") + 2
        self.objects: list[tuple[Any, int, int]] = []
        self.depth = 0

    def read(self, whole: Any) -> Trace:
        if set(whole) != {"objects", "steps", "failure"}:
            raise ValueError("text must hold objects, steps and failure")
        for row in whole["objects"]:
            kind = _CLASSES[row[0]]
            if kind is Trace or kind is Step or kind is Failure:
                self._large(kind, row)
            else:
                self._state(kind, row)
        if len(whole["steps"]) > MOST_STEPS:
            raise ValueError(f"steps must be at most {MOST_STEPS}, got {len(whole['steps'])}")
        steps, weight = _reader(tuple[Step, ...])(self, whole["steps"])
        failure, more = _reader(Failure | None)(self, whole["failure"])
        if weight + more > _MOST_WEIGHT:
            raise ValueError("a trace must hold less")
        for step in (*steps, *([failure.after] if failure and failure.after else [])):
            self._consistent(step)
        if failure is not None and not 0 <= failure.line <= self._lines:
            raise ValueError("line must be one of the program")
        return Trace(self._source, steps, failure, "cpu", True)

    def _large(self, kind: type[Any], row: list[Any]) -> None:
        if kind is Trace:
            raise ValueError("a trace holds no trace")
        self._add(kind, row, _MOST_WEIGHT)

    def _state(self, kind: type[Any], row: list[Any]) -> None:
        self._add(kind, row, _MOST_STATE)

    def _add(self, kind: Any, row: list[Any], most: int) -> None:
        readers = _fields(kind)
        if len(row) != len(readers) + 1:
            raise ValueError(f"{kind.__name__} must have {len(readers)} fields, got {len(row) - 1}")
        values, weight = [], 1
        self.depth = 0
        for read, given in zip(readers, row[1:], strict=True):
            value, more = read(self, given)
            values.append(value)
            weight += more
        if weight > most or self.depth >= _DEEPEST:
            raise ValueError(f"{kind.__name__} must hold less, or be nested less")
        made = kind(*values)
        _check(made)
        self.objects.append((made, weight, self.depth + 1))

    def _consistent(self, step: Step) -> None:
        if not 0 <= step.first <= step.last <= self._lines:
            raise ValueError(f"lines must be of the program, got {step.first} to {step.last}")
        if len(step.graph.nodes) > MOST_NODES:
            raise ValueError(f"nodes must be at most {MOST_NODES}, got {len(step.graph.nodes)}")


def _check(made: Any) -> None:
    """Hold a state to what its docstring promises of sizes, as pictures are drawn by it."""
    match made:
        case TensorState() | states.ArrayState():
            size = math.prod(made.shape)
            strided = not isinstance(made, TensorState) or bool(made.storage)
            good = (
                len(made.shape) <= _MOST_DIMENSIONS
                and all(0 <= one < _LARGEST for one in made.shape)
                and (len(made.stride) == len(made.shape) or (not strided and not made.stride))
                and all(abs(one) < _LARGEST for one in (*made.stride, made.offset))
            )
            for cells in (made.cells, made.values):
                good = good and (cells is None or len(cells) == size <= MOST_CELLS)
            good = good and (made.cells is None or all(0 <= one < _LARGEST for one in made.cells))
        case Memory(values=values, size=size):
            good = 0 <= size < _LARGEST and (values is None or len(values) == size <= MOST_CELLS)
        case states.Sequence(items=items):
            # Parameters of an optimizer are all there, however many.
            good = len(items) <= max(MOST_ITEMS, made.length) and len(items) <= MOST_CELLS
        case states.Table(items=table):
            good = len(table) <= MOST_ITEMS
        case states.Summary(corners=corners, shades=shades):
            good = len(corners) <= 16 and len(shades) <= 4 * -(-MOST_SHADED // 3)
            good = good and bool(_BASE64.fullmatch(shades))
        case states.Graph(nodes=nodes):
            numbers = {node.number for node in nodes}
            good = len(numbers) == len(nodes) and all(
                child is None or child in numbers for node in nodes for child in node.next
            )
        case _:
            good = True
    if not good:
        raise ValueError(f"{type(made).__name__} must agree with itself")


@functools.cache
def _fields(kind: Any) -> tuple[_Read, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(_reader(hints[name]) for name in _names(kind))


def _whole(_: _Reader, given: Any) -> tuple[Any, int]:
    if type(given) is not int or abs(given) >= 1 << 256:
        raise ValueError("a whole number was expected")
    return given, 0


def _floating(_: _Reader, given: Any) -> tuple[Any, int]:
    if type(given) not in (float, int):
        raise ValueError("a number was expected")
    return _one_nan(float(given)), 0


def _one_nan(number: float) -> float:
    return _NAN if number != number else number  # noqa: PLR0124


_NAN = states.NAN


def _flag(_: _Reader, given: Any) -> tuple[Any, int]:
    if type(given) is not bool:
        raise ValueError("true or false was expected")
    return given, 0


def _text(_: _Reader, given: Any) -> tuple[Any, int]:
    if type(given) is not str or len(given) > _MOST_CHARACTERS:
        raise ValueError("a text was expected, not too long")
    return given.encode("utf-8", "replace").decode(), len(given) // 64


def _nothing(_: _Reader, given: Any) -> tuple[Any, int]:
    if given is not None:
        raise ValueError("nothing was expected")
    return None, 0


def _complex(reader: _Reader, given: Any) -> tuple[Any, int]:
    if type(given) is not dict or set(given) != {"c"} or len(given["c"]) != 2:
        raise ValueError("a complex number was expected")
    real, imaginary = (_floating(reader, one)[0] for one in given["c"])
    return complex(real, imaginary), 0


def _number(reader: _Reader, given: Any) -> tuple[Any, int]:
    if type(given) is float:
        return _one_nan(given), 0
    if type(given) is bool:
        return given, 0
    return _whole(reader, given) if type(given) is int else _complex(reader, given)


@functools.cache
def _reader(hint: Any) -> _Read:
    """Return what reads a value of an annotated type."""
    plain: dict[Any, _Read] = {
        bool: _flag, int: _whole, float: _floating, str: _text, type(None): _nothing,
        complex: _complex,
    }  # fmt: skip
    if hint in plain:
        return plain[hint]
    if hint == states.Number:
        return _number
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _either(inside)
    if origin is tuple:
        return _row(inside)
    if origin is frozenset:
        row = _row((*inside, Ellipsis))

        def collected(reader: _Reader, given: Any) -> tuple[Any, int]:
            value, weight = row(reader, given)
            return frozenset(value), weight

        return collected
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(inside[1])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return lambda _, given: (hint(given), 0)
    if isinstance(hint, type) and hint.__name__ in _CLASSES:
        return _referred((hint,))
    raise TypeError(f"no reader of {hint}")


def _either(kinds: tuple[Any, ...]) -> _Read:
    if set(typing.get_args(states.Number)) <= set(kinds):
        number = _number
        return lambda reader, given: (None, 0) if given is None else number(reader, given)
    classes = tuple(kind for kind in kinds if getattr(kind, "__name__", "") in _CLASSES)
    others = [kind for kind in kinds if kind not in classes and kind is not type(None)]
    optional = type(None) in kinds
    read = _referred(classes) if classes else _reader(others[0])
    if len(others) > 1 or (classes and others):
        raise TypeError(f"no reader of {kinds}")

    def either(reader: _Reader, given: Any) -> tuple[Any, int]:
        return (None, 0) if optional and given is None else read(reader, given)

    return either


def _row(inside: tuple[Any, ...]) -> _Read:
    if len(inside) == 2 and inside[1] is Ellipsis:
        one = _reader(inside[0])

        def many(reader: _Reader, given: Any) -> tuple[Any, int]:
            if type(given) is not list:
                raise ValueError("a row was expected")
            if one is _number and set(map(type, given)) <= {int, float, bool}:
                numbers = (_number(reader, each)[0] for each in given)
                return tuple(numbers), 1 + len(given) // 64
            pairs = [one(reader, each) for each in given]
            weight = sum(more for _, more in pairs)
            return tuple(value for value, _ in pairs), 1 + len(given) // 8 + weight

        return many
    each = [_reader(kind) for kind in inside]

    def fixed(reader: _Reader, given: Any) -> tuple[Any, int]:
        if type(given) is not list or len(given) != len(each):
            raise ValueError(f"a row of {len(each)} was expected")
        pairs = [read(reader, value) for read, value in zip(each, given, strict=True)]
        return tuple(value for value, _ in pairs), 1 + sum(more for _, more in pairs)

    return fixed


def _mapping(kind: Any) -> _Read:
    one = _reader(kind)

    def many(reader: _Reader, given: Any) -> tuple[Any, int]:
        if type(given) is not dict or set(given) != {"m"}:
            raise ValueError("a table was expected")
        made, weight = {}, 1
        for key, value in given["m"]:
            name, _ = _text(reader, key)
            made[name], more = one(reader, value)
            weight += 1 + more
        return MappingProxyType(made), weight

    return many


def _referred(kinds: tuple[type[Any], ...]) -> _Read:
    def referred(reader: _Reader, given: Any) -> tuple[Any, int]:
        if type(given) is not dict or set(given) != {"r"} or type(given["r"]) is not int:
            raise ValueError("a state was expected")
        place = given["r"]
        if not 0 <= place < len(reader.objects):
            raise ValueError("a state must stand before what holds it")
        value, weight, depth = reader.objects[place]
        if type(value) not in kinds:
            raise ValueError(f"{kinds[0].__name__} was expected, got {type(value).__name__}")
        reader.depth = max(reader.depth, depth)
        return value, weight

    return referred
