"""The second wall: values. What a program does to one is asked here, by the value's own type.

A name that is harmless on a tensor is an attack on a text (`format`): attributes are looked up by
type. Sizes of what Python itself makes (numbers, texts, lists) are bounded before it is made.
"""

import builtins
import contextlib
import copy
import functools
import operator
import re
import sys
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.autograd.graph import Node

from explainers.program import instrument
from explainers.program.describing import plain
from explainers.program.labels import Labels
from explainers.scratchpad import offered, weaving
from explainers.scratchpad.operators import without
from explainers.scratchpad.refusals import Refused

MOST_TICKS = 20_000
"""Turns of loops, calls and functions begun, all together."""
MOST_ITEMS = 4_096
"""Items of a list, and values that an argument holds, nested or not."""
MOST_CELLS = 65_536
"""Elements of a tensor; also of one with a dimension of size 0, without that."""
_MOST_TEXT = 2_000
_MOST_PRINTED = 4_000
_MOST_BITS = 256
_MOST_MODULES = 300
_MOST_CALLS = 16
_DEEPEST = 8
_FAR = 1 << 32
_SHOWN = 1_000
_MOST_KIND = 80

_NUMBERS = (bool, int, float, complex)
_WORDS = (str, torch.dtype, torch.device, torch.layout, torch.memory_format, type(None), type(...))
_FLAT = (*_NUMBERS, *_WORDS, Tensor)
_ROWS = (list, tuple, dict, set, range)
_WALKED: tuple[type[Any], ...] = (
    list, tuple, dict, set, range, str, Tensor, nn.ModuleList, nn.Sequential, nn.ParameterList,
    nn.ModuleDict, nn.ParameterDict, zip, enumerate, reversed, types.GeneratorType,
    type({}.keys()), type({}.values()), type({}.items()), type({}.items().__iter__()),
)  # fmt: skip
_OPENED = (
    Tensor, list, tuple, dict, str, range, nn.Sequential, nn.ModuleList, nn.ModuleDict,
    nn.ParameterList, nn.ParameterDict,
)  # fmt: skip
_STATEFUL = frozenset(dir(nn.Module))
_SIGNS = {
    "Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "FloorDiv": "//", "Mod": "%", "Pow": "**",
    "MatMult": "@", "LShift": "<<", "RShift": ">>", "BitOr": "|", "BitXor": "^", "BitAnd": "&",
}  # fmt: skip
_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow,
    "MatMult": operator.matmul, "LShift": operator.lshift, "RShift": operator.rshift,
    "BitOr": operator.or_, "BitXor": operator.xor, "BitAnd": operator.and_,
}  # fmt: skip
_INPLACE: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": operator.iadd, "Sub": operator.isub, "Mult": operator.imul, "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv, "Mod": operator.imod, "Pow": operator.ipow,
    "MatMult": operator.imatmul, "LShift": operator.ilshift, "RShift": operator.irshift,
    "BitOr": operator.ior, "BitXor": operator.ixor, "BitAnd": operator.iand,
}  # fmt: skip
# A whole number is taken for a dtype there, and one that is none ends the process.
_DTYPE_AT = {"softmax": 2, "log_softmax": 2, "softmin": 2, "cumsum": 2, "cumprod": 2}
_KINDS = ("dtype", "memory_format")
_CONTEXTS = tuple(getattr(torch, name) for name in offered.CONTEXTS)
_TYPES = (list, tuple, dict, set, int, float, complex, bool, str, range, zip, enumerate, reversed)
_COPIED_AS_THEY_ARE = (types.FunctionType, types.BuiltinFunctionType, type, weakref.ref)
_HOLDS_ITEMS: tuple[type[Any], ...] = (
    Tensor,
    list,
    dict,
    nn.Sequential,
    nn.ModuleList,
    nn.ModuleDict,
    nn.ParameterDict,
)
_OTHER_DEVICES = re.compile(
    r"(torch\.)?(cuda|mps|xpu|meta|hpu|mtia|privateuse|vulkan|xla|lazy|ipu|opengl|opencl|ideep|hip|"
    r"ort|ve|fpga|maia|mkldnn|sparse)",
    re.IGNORECASE,
)
_UNGUARDED = frozenset(["clip_grad_norm_", "clip_grad_value_", "one_hot"])
"""Functions that compute by another path under a mode; what they make is as large as what is there,
or looked at before."""


class Space(types.ModuleType):
    """A module of torch as far as a program may see it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["source"], self.__dict__["names"] = offered.SPACES[name]

    def __repr__(self) -> str:
        return f"<module '{self.__name__}'>"


class Bound:
    """A method, so that only a guarded call reaches it."""

    __slots__ = ("method", "name", "owner")

    def __init__(self, method: Any, owner: object, name: str) -> None:
        self.method, self.owner, self.name = method, owner, name


class Turns:
    """Go through something, counting."""

    __slots__ = ("_inner", "_tick")

    def __init__(self, inner: Iterator[Any], tick: Callable[[], None]) -> None:
        self._inner, self._tick = inner, tick

    def __iter__(self) -> "Turns":
        return self

    def __next__(self) -> Any:
        self._tick()
        return next(self._inner)


class Guard:
    """What a woven program calls in place of Python's own ways.

    Args:
        in_time: Ends the run if its time is over.
        around: Is entered around each function of the program that torch calls back.
    """

    def __init__(
        self,
        in_time: Callable[[], None],
        around: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        self._in_time, self._around = in_time, around
        self._ticks = self._printed = 0
        self._labels = Labels()
        self._blocks: dict[int, int] = {}
        self._spaces = {name: Space(name) for name in offered.SPACES}
        self._classes: set[type] = set()
        self._functions: dict[type, Any] = {}
        self._given: set[str] = set()
        self._own: dict[str, Any] = {
            name: getattr(self, f"_{name}", None) or getattr(builtins, name)
            for name in offered.BUILTINS
        }
        self._inner = {id(value): value for value in self._own.values()}
        self._types = {id(self._own[kind.__name__]): kind for kind in _TYPES}
        self._known: dict[int, Any] = {}
        self._instead = {copy.deepcopy: self._deepcopy, OrderedDict: self._ordered}

    def builtins(self) -> dict[str, Any]:
        """Return all that a program finds without a name of its own."""
        modules = {
            "torch": self._spaces["torch"],
            "nn": self._spaces["torch.nn"],
            "F": self._spaces["torch.nn.functional"],
            "optim": self._spaces["torch.optim"],
        }
        errors = {name: getattr(builtins, name) for name in offered.EXCEPTIONS}
        guards = {
            weaving.ATTRIBUTE: self.attribute,
            weaving.TARGET: self.target,
            weaving.CALL: self.call,
            weaving.BINARY: self.binary,
            weaving.INPLACE: self.in_place,
            weaving.INPLACE_ITEM: self.item_in_place,
            weaving.INPLACE_ATTRIBUTE: self.attribute_in_place,
            weaving.COMPARED: self.compared,
            weaving.HASHED: self.hashed,
            weaving.DELETE: self.delete,
            weaving.NAMED: self.named,
            weaving.SPREAD_NAMED: self.spread_named,
            weaving.STATIC: staticmethod,
            weaving.ITEM: self.item,
            weaving.SLICE: self.slice,
            weaving.STORE: self.store,
            weaving.KEY: self.key,
            weaving.SAID: self.formatted,
            weaving.TEXT: self.text,
            weaving.SPREAD: self.spread,
            weaving.TICK: self.tick,
            weaving.SECOND: lambda _, value: value,
            weaving.TURNS: self.turns,
            weaving.CONTEXT: self.context,
            weaving.SUPER: self.superclass,
            weaving.IMPORT: self._imports,
        }
        python = {"__build_class__": self._class, "__import__": _imported}
        return {**self._own, **errors, **modules, **guards, **python}

    def _imports(self, name: str) -> Any:
        """Return a module, or what of one is imported by its own name."""
        space, _, inner = name.rpartition(".")
        if name in self._spaces:
            return self._spaces[name]
        return self._of_module(self._spaces[space], inner)

    # -- time

    def tick(self) -> None:
        """Count a turn, a call, a function that begins."""
        self._ticks += 1
        if self._ticks > MOST_TICKS:
            raise Refused("so much work", f"{MOST_TICKS:,} turns and calls are the most")
        if self._ticks % 16 == 0:
            self._in_time()

    def entered(self, frame: types.FrameType | None) -> None:
        """Count a function that begins, and how deep it is called."""
        self.tick()
        depth = 0
        while frame is not None:
            depth += frame.f_code.co_filename == instrument.FILE
            frame = frame.f_back
        if depth > _MOST_CALLS:
            raise Refused("a call so deep", f"{_MOST_CALLS} functions in one another are the most")

    def turns(self, value: Any) -> Iterator[Any]:
        """Return what goes through a value, counting."""
        if isinstance(value, Turns):
            return value
        if isinstance(value, Tensor) and value.dim():
            _small(value.shape)
            if value.shape[0] > MOST_ITEMS:
                raise Refused("a loop over so many rows", f"{MOST_ITEMS:,} are the most")
        if isinstance(value, _WALKED) or not hasattr(value, "__iter__"):
            return Turns(iter(value), self.tick)
        if type(value).__module__.startswith("torch") and isinstance(value, Iterator):
            return Turns(value, self.tick)
        raise Refused(f"a loop over a {_kind(value)}", "over lists, ranges and tensors they go")

    def spread(self, value: Any) -> list[Any]:
        """Return as a list what ``*`` is put before."""
        return self._list(value)

    def spread_named(self, value: Any) -> dict[Any, Any]:
        """Return the dict that ``**`` is put before."""
        if not isinstance(value, dict):
            raise TypeError(f"argument after ** must be a mapping, not {type(value).__name__}")
        self._measured((value,))
        return value

    # -- attributes

    def named(self, kind: Any) -> str:
        """Return the name of a type, which is a text."""
        kind = self._types.get(id(kind), kind)
        if not isinstance(kind, type):
            raise Refused(f"__name__ of a {_kind(kind)}", "type(x).__name__ is what x is")
        return kind.__name__[:_MOST_KIND]

    def attribute(self, value: Any, name: str) -> Any:
        """Return an attribute, if a value of this type offers it."""
        if isinstance(value, Space):
            return self._of_module(value, name)
        if name == "apply" and isinstance(value, type) and value in self._functions:
            return self._functions[value]
        if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | Bound):
            raise Refused(f".{name} of a {_kind(value)}", "call it to get a value")
        if name.startswith("_") and name != offered.VERSION:
            raise Refused(f".{name}", "names begin with a letter here")
        kind = type(value)
        if isinstance(value, nn.Module) and self._is_own(value, name):
            return self._method(value, name)
        if isinstance(value, FunctionCtx) and name in value.__dict__:  # set by the program
            return self._method(value, name)
        for of, names in offered.ATTRIBUTES:
            if isinstance(value, of):
                if name not in names:
                    break
                return self._method(value, name)
        else:
            raise Refused(f".{name} of a {_kind(value)}", "the stage shows what it is")
        said = f".{name} of a {_kind(value)}"
        if not hasattr(kind, name) and name not in getattr(value, "__dict__", ()):
            if isinstance(value, nn.Module):  # torch says it in its own words
                raise AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
            if name not in offered.INSTEAD:
                raise AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
        raise Refused(said, offered.instead(name, "the scratchpad has it not"))

    def _is_own(self, module: Any, name: str) -> bool:
        """Whether a module has this of the program: from its class, or set by it."""
        if type(module) not in self._classes:
            return name in self._given and (name in module.__dict__ or self._is_held(module, name))
        held = name in module.__dict__ and name not in _STATEFUL
        return held or name in type(module).__dict__ or self._is_held(module, name)

    def _is_held(self, module: Any, name: str) -> bool:
        """Whether a parameter, a buffer or a module is registered by this name."""
        tables = ("_parameters", "_buffers", "_modules")
        return any(name in module.__dict__.get(table, ()) for table in tables)

    def _method(self, value: Any, name: str) -> Any:
        if isinstance(value, nn.Sequential | nn.ModuleDict | nn.ParameterDict) and name in {
            "keys", "values", "items",
        }:  # fmt: skip
            return Bound(getattr(value, name), value, name)
        found = getattr(value, name)
        plain_value = isinstance(found, Tensor | nn.Module | torch.dtype | type)
        if callable(found) and not plain_value and not self._is_free(found):
            return Bound(found, value, name)
        return found

    def _is_free(self, found: Any) -> bool:
        """Whether a program may hold this as it is: what is its own, or was named by it."""
        own = isinstance(found, types.FunctionType) and self._is_program(found)
        return (
            own or id(found) in self._known or id(found) in self._inner or isinstance(found, Bound)
        )

    def _of_module(self, space: Space, name: str) -> Any:
        inner = self._spaces.get(f"{space.__name__}.{name}")
        source, names = offered.SPACES[space.__name__]
        if name not in names:
            why = offered.instead(name, "the scratchpad has it not")
            if not hasattr(source, name):
                raise AttributeError(f"module '{space.__name__}' has no attribute '{name}'")
            raise Refused(f"{space.__name__}.{name}", why)
        if inner is not None:
            return inner
        found = getattr(source, name)
        if callable(found):
            self._known[id(found)] = found  # held, so that no other object comes to lie there
        return found

    def target(self, value: Any, name: str) -> Any:
        """Return what an attribute may be set of."""
        if isinstance(value, Tensor) and name in {"data", "grad", "requires_grad"}:
            return value
        if isinstance(value, FunctionCtx) and not name.startswith("_"):
            if not hasattr(type(value), name):  # what torch reads there keeps what it means
                return value
            raise Refused(f"to set .{name} of a {_kind(value)}", "choose another name")
        own = type(value) in self._classes
        if isinstance(value, nn.Module) and not name.startswith("_"):
            held = self._is_held(value, name)
            new = name not in _STATEFUL and not hasattr(value, name)
            if (own and name not in _STATEFUL) or new or (held and not own) or name == "training":
                self._given.add(name)
                return value
        raise Refused(f"to set .{name} of a {_kind(value)}", "make a new one that has it")

    def attribute_in_place(self, kind: str, value: Any, name: str, other: Any) -> None:
        """Change an attribute by an operator."""
        new = self.in_place(kind, self.attribute(value, name), other)
        setattr(self.target(value, name), name, new)

    # -- items

    def item(self, value: Any, key: Any) -> Any:
        """Return an item."""
        if not isinstance(value, _OPENED):
            if isinstance(value, types.GeneratorType | set | Space | type) or callable(value):
                raise Refused(f"an item of a {_kind(value)}", "lists, dicts and tensors have them")
            raise TypeError(f"'{type(value).__name__}' object is not subscriptable")
        return value[self._checked_key(value, key)]

    def slice(self, first: Any, last: Any, step: Any) -> slice:
        """Return a slice of whole numbers."""
        for part in (first, last, step):
            if not isinstance(part, int | Tensor | type(None)):
                raise TypeError("slice indices must be integers or None")
        return slice(first, last, step)

    def store(self, value: Any) -> "Store":
        """Return what an item may be set of."""
        if not isinstance(value, Tensor | list | dict):
            if isinstance(value, tuple | str | range):
                raise TypeError(f"'{type(value).__name__}' object does not support item assignment")
            raise Refused(
                f"to set an item of a {_kind(value)}", "lists, dicts and tensors have them"
            )
        return Store(self, value)

    def delete(self, value: Any, key: Any) -> None:
        """Take an item out."""
        if not isinstance(value, _HOLDS_ITEMS):
            if isinstance(value, tuple | str | range):
                raise TypeError(f"'{type(value).__name__}' object doesn't support item deletion")
            raise Refused(f"del of an item of a {_kind(value)}", "lists and dicts have them")
        del value[self._checked_key(value, key)]

    def key(self, key: Any) -> Any:
        """Return a key, once it is known to be small."""
        self._measured((key,))
        return key

    def item_in_place(self, kind: str, value: Any, key: Any, other: Any) -> None:
        """Change an item by an operator."""
        new = self.in_place(kind, self.item(value, key), other)
        self.store(value)[key] = new

    def _checked_key(self, value: Any, key: Any) -> Any:
        self._measured((key,))
        if isinstance(value, dict):
            return self.hashed(key)
        if isinstance(key, list | tuple):
            for part in key:
                deep = isinstance(part, list | tuple) and any(
                    isinstance(one, list | tuple) for one in part
                )
                if deep:
                    raise Refused("so nested an index", "torch.tensor([...]) makes one of a list")
        return key

    # -- operators

    def binary(self, kind: str, a: Any, b: Any) -> Any:
        """Compute an operator between two values."""
        if isinstance(a, Tensor) or isinstance(b, Tensor):
            return _BINARY[kind](self._operand(kind, a), self._operand(kind, b))
        if isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS):
            return self._number_of(kind, a, b)
        if isinstance(a, str) and kind == "Mod":
            raise Refused("% on a text", 'f"{x:.2f}" writes a number with two digits')
        if isinstance(a, str | list | tuple) and isinstance(b, str | list | tuple):
            if kind == "Add":
                self._long(len(a) + len(b), a)
        elif kind == "Mult" and isinstance(a, str | list | tuple) and isinstance(b, int):
            self._long(len(a) * b, a)
        elif kind == "Mult" and isinstance(b, str | list | tuple) and isinstance(a, int):
            self._long(len(b) * a, b)
        elif not (isinstance(a, dict | set) and isinstance(b, dict | set)):
            if _simple(a) and _simple(b):
                return _BINARY[kind](a, b)  # Python says in its own words that it cannot
            raise Refused(f"{_SIGNS[kind]} of such values", "numbers and tensors have it")
        return _BINARY[kind](a, b)

    def in_place(self, kind: str, a: Any, b: Any) -> Any:
        """Compute an operator in place: tensors and lists are written, others bound anew."""
        if isinstance(a, Tensor):
            return _INPLACE[kind](a, self._operand(kind, b))
        if isinstance(a, list) and kind == "Add":
            b = self._listed(list, b)
            self._long(len(a) + len(b), a)
            a += b
            return a
        if isinstance(a, list) and kind == "Mult" and isinstance(b, int):
            self._long(len(a) * b, a)
            a *= b
            return a
        return self.binary(kind, a, b)

    def _operand(self, kind: str, value: Any) -> Any:
        if isinstance(value, Tensor | int | float | complex | type(None) | str):
            return self._number(value)
        if isinstance(value, list | tuple | dict):
            raise TypeError(
                f"unsupported operand type(s) for {_SIGNS[kind]}: "
                f"'Tensor' and '{type(value).__name__}'"
            )
        raise Refused(
            f"{_SIGNS[kind]} of a tensor and a {_kind(value)}", "numbers and tensors have it"
        )

    def _number_of(self, kind: str, a: Any, b: Any) -> Any:
        if isinstance(a, int) and isinstance(b, int):
            if kind == "Pow" and b > 0 and abs(int(a)).bit_length() * b > _MOST_BITS:
                raise Refused("so large a power", f"{_MOST_BITS} bits are the most")
            if kind == "LShift" and b > _MOST_BITS:
                raise Refused("so far a shift", f"{_MOST_BITS} bits are the most")
        return self._number(_BINARY[kind](a, b))

    def _number(self, value: Any) -> Any:
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise Refused("so large a number", f"{_MOST_BITS} bits are the most")
        return value

    def _long(self, length: int, of: Any) -> None:
        most = _MOST_TEXT if isinstance(of, str) else MOST_ITEMS
        if length > most:
            what = "characters" if isinstance(of, str) else "items"
            raise Refused(f"so long a {_kind(of)}", f"{most:,} {what} are the most")

    def compared(self, value: Any) -> Any:
        """Return a value that is small enough to compare."""
        self._measured((value,))
        return value

    def hashed(self, value: Any) -> Any:
        """Return a key of a dict or an item of a set, that is small enough to hash."""
        self._measured((value,))
        if isinstance(value, tuple) and any(isinstance(part, tuple) for part in value):
            raise Refused("a key of tuples in tuples", "write a text or a number")
        return value

    def context(self, value: Any) -> Any:
        """Return what a ``with`` may enter."""
        if not isinstance(value, _CONTEXTS):
            raise Refused(f"with of a {_kind(value)}", "torch.no_grad() and its kin are")
        return value

    # -- texts

    def formatted(self, value: Any, spec: str, conversion: int) -> str:
        """Return a value as an f-string writes it."""
        if isinstance(value, Tensor) and value.dim() == 0 and spec:
            value = value.item()
        if spec and isinstance(value, int | float | complex | str) and conversion == -1:
            self._measured((value,))
            return format(value, spec)
        if spec:
            raise TypeError(
                f"unsupported format string passed to {type(value).__name__}.__format__"
            )
        return (
            repr(value)[:_MOST_TEXT]
            if isinstance(value, str) and conversion != -1
            else self._str(value)
        )

    def text(self, value: str) -> str:
        """Return an f-string that is short enough."""
        self._long(len(value), value)
        return value

    def _str(self, value: Any = "") -> str:
        return self._said(value, 0)[:_MOST_TEXT]

    def _said(self, value: Any, depth: int) -> str:
        if isinstance(value, str):
            return repr(value) if depth else value
        if isinstance(value, Tensor):
            _small(value.shape)
            with _unseen():
                return str(value)
        if (
            isinstance(value, _NUMBERS)
            or type(value) in _WORDS
            or isinstance(value, torch.Size | range)
        ):
            return str(self._number(value))
        if isinstance(
            value, torch.finfo | torch.iinfo | torch.device | torch.memory_format | torch.layout
        ):
            return str(value)
        if isinstance(value, BaseException):
            return str(value)[:_SHOWN]
        if isinstance(value, nn.Module):
            self._few(value)
            with _unseen():
                return str(value)
        if isinstance(value, torch.optim.Optimizer):
            self._measured((value.param_groups,))
            return str(value)[:_SHOWN]
        if isinstance(value, Node):
            return f"<{value.name()}>"
        if isinstance(value, list | tuple | dict | set):
            return self._row(value, depth)
        if id(value) in self._types or isinstance(value, type):
            return repr(self._types.get(id(value), value))
        return f"<{plain(value).text}>"

    def _row(self, value: Any, depth: int) -> str:
        if depth >= 4:
            return "..."
        self._measured((value,))
        ends = "[]" if isinstance(value, list) else "{}"
        ends = "()" if isinstance(value, tuple) else ends
        if isinstance(value, dict):
            parts = [f"{self._said(k, 1)}: {self._said(v, depth + 1)}" for k, v in value.items()]
        else:
            parts = [self._said(one, depth + 1) for one in value]
        words = ", ".join(parts) + ("," if isinstance(value, tuple) and len(value) == 1 else "")
        return f"{ends[0]}{words}{ends[1]}"

    # -- calls

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what may be called, with arguments of a size."""
        self.tick()
        self._measured((*args, *kwargs.values()))
        ours = self._is_program(function)
        makes_keys = function is self._own["dict"] or function is OrderedDict
        if isinstance(function, type) and issubclass(function, torch.autograd.Function):
            raise Refused(f"to call {function.__name__}", f"{function.__name__}.apply(x) does it")
        for name in kwargs:
            if name not in offered.KEYWORDS and not ours and not makes_keys:
                raise Refused(f"{name}=", offered.instead(name, "the scratchpad has it not"))
        if any(isinstance(kwargs.get(one), int) for one in _KINDS):
            raise Refused("a number for a dtype", "torch.float32 is one")
        if id(function) in self._inner:
            return function(*args, **kwargs)
        if function is copy.deepcopy or function is OrderedDict:
            return self._instead[function](*args, **kwargs)
        name = getattr(function, "__name__", "")
        offset = 0
        if isinstance(function, Bound) and function.name == "data_ptr":
            return self._pointer(function.owner)
        if isinstance(function, Bound):
            self._method_called(function.owner, function.name, args)
            offset = int(isinstance(function.owner, Tensor))
            name, function = function.name, function.method
        elif isinstance(function, nn.Module):
            self._few(function)
        elif not ours and id(function) not in self._known:
            if not callable(function):
                raise TypeError(f"'{type(function).__name__}' object is not callable")
            raise Refused(f"to call a {_kind(function)}", "functions of torch and your own are")
        if ours or type(function) in self._classes:
            return function(*args, **kwargs)
        self._placed(_DTYPE_AT.get(name, 99) - offset, (*args, *kwargs.values()), len(args))
        args = tuple(self._passed(one) for one in args)
        kwargs = {key: self._passed(one) for key, one in kwargs.items()}
        if name in _UNGUARDED:
            if name == "one_hot":
                self._hot(*args, **kwargs)
            with without():
                return function(*args, **kwargs)
        return function(*args, **kwargs)

    def _pointer(self, tensor: Any) -> int:
        """Return a number that tells tensors apart as an address does, and is none."""
        if not isinstance(tensor, Tensor) or not tensor.numel():
            return 0
        with _unseen():
            block = self._labels.block(tensor.untyped_storage())
            inside = tensor.data_ptr() - block.first
        number = self._blocks.setdefault(id(block), len(self._blocks) + 1)
        return number * _FAR + inside

    def _is_program(self, function: Any) -> bool:
        """Whether this is a function, a method or a class of the program's own."""
        if isinstance(function, Bound):
            function = function.method
        if isinstance(function, types.MethodType):
            function = function.__func__
        if isinstance(function, types.FunctionType):
            return function.__code__.co_filename == instrument.FILE
        return isinstance(function, type) and function in self._classes

    def _method_called(self, owner: Any, name: str, args: tuple[Any, ...]) -> None:
        if isinstance(owner, nn.Module):
            self._few(owner)
        elif isinstance(owner, Tensor) and name == "tolist":
            _small(owner.shape)
            if owner.numel() > MOST_ITEMS:
                raise Refused("so long a list", f"{MOST_ITEMS:,} items are the most")
        elif isinstance(owner, list | tuple | dict | str):
            self._measured((owner,) if name in {"index", "count", "join", "update"} else ())
            if isinstance(owner, list) and name in {"append", "insert"}:
                self._long(len(owner) + 1, owner)
            if isinstance(owner, dict) and name in {"get", "pop", "setdefault"} and args:
                self.hashed(args[0])
                self._long(len(owner) + 1, [])
            if isinstance(owner, dict) and name == "update":
                self._long(len(owner) + MOST_ITEMS // 2, [])
            if isinstance(owner, str) and name == "join" and args:
                parts = self._listed(list, args[0])
                length = sum(len(one) for one in parts if isinstance(one, str))
                self._long(length + len(owner) * len(parts), owner)

    def _placed(self, dtype_at: int, values: tuple[Any, ...], positional: int) -> None:
        if 0 <= dtype_at < positional and isinstance(values[dtype_at], int):
            raise Refused("a number for a dtype", "torch.float32 is one")
        for value in values:
            if isinstance(value, str) and _OTHER_DEVICES.match(value):
                raise Refused(repr(value[:20]), "the CPU computes here")

    def _passed(self, value: Any) -> Any:
        """Return an argument as torch may have it."""
        if isinstance(value, Space):
            raise Refused(f"{value.__name__} as an argument", "pass a value")
        if id(value) in self._types:
            return self._types[id(value)]
        if self._is_program(value) and not isinstance(value, type):
            return self._called_back(value.method if isinstance(value, Bound) else value)
        return value.method if isinstance(value, Bound) else value

    def _called_back(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._around():
                return function(*args, **kwargs)

        return call

    def _hot(self, tensor: Any, num_classes: Any = -1) -> None:
        if isinstance(tensor, Tensor) and isinstance(num_classes, int) and tensor.numel():
            most = num_classes if num_classes > 0 else int(tensor.max()) + 1
            if most * tensor.numel() > MOST_CELLS:
                raise Refused("one_hot of so many classes", f"{MOST_CELLS:,} cells are the most")

    def _measured(self, values: tuple[Any, ...]) -> None:
        """Count what values hold, nested or not, each as often as it is held."""
        left = MOST_ITEMS
        waiting = [(value, 0) for value in values]
        while waiting:
            value, depth = waiting.pop()
            left -= 1
            if left < 0:
                raise Refused("so many values", f"{MOST_ITEMS:,} are the most")
            if isinstance(value, list | tuple | set):
                if depth >= _DEEPEST:
                    raise Refused("a list so nested", f"{_DEEPEST} deep is the most")
                if len(value) > left:
                    raise Refused("so many values", f"{MOST_ITEMS:,} are the most")
                waiting.extend((one, depth + 1) for one in value)
            elif isinstance(value, dict):
                if depth >= _DEEPEST:
                    raise Refused("a dict so nested", f"{_DEEPEST} deep is the most")
                waiting.extend((one, depth + 1) for pair in value.items() for one in pair)
            elif isinstance(value, str):
                self._long(len(value), value)
            elif isinstance(value, int):
                self._number(value)

    def _few(self, module: nn.Module) -> None:
        """Count the modules within a module, each as often as it is met."""
        left, waiting = _MOST_MODULES, [module]
        while waiting:
            left -= 1
            if left < 0:
                raise Refused("so many modules", f"{_MOST_MODULES} are the most")
            inside = waiting.pop().__dict__.get("_modules", {})
            waiting.extend(one for one in inside.values() if one is not None)

    # -- classes

    def _class(self, body: Any, name: str, *bases: Any, **kwargs: Any) -> type:
        if bases == (torch.autograd.Function,) and not kwargs and self._is_program(body):
            return self._function_class(body, name)
        if bases != (nn.Module,) or kwargs or not self._is_program(body):
            why = "write class Net(nn.Module): or class Twice(torch.autograd.Function):"
            raise Refused(f"class {name} of another kind", why)
        made: type = builtins.__build_class__(body, name, nn.Module)
        for method in vars(made):
            if method in _STATEFUL - offered.METHODS and method not in _OF_CLASSES:
                raise Refused(f"a method called {method}", "nn.Module has its own")
        self._classes.add(made)
        return made

    def _function_class(self, body: Any, name: str) -> type:
        made: type = builtins.__build_class__(body, name, torch.autograd.Function)
        for method, held in vars(made).items():
            if method in _OF_FUNCTIONS:
                continue
            if method not in offered.FUNCTION_METHODS:
                raise Refused(f"a method called {method}", "write it as a function of its own")
            if not isinstance(held, staticmethod):
                raise Refused(f"{method} without @staticmethod", "write that above it")
        applied = self._functions[made] = made.apply  # type: ignore[attr-defined]
        self._known[id(applied)] = applied
        return made

    def superclass(self, module: Any) -> None:
        """Begin a module, as ``super().__init__()`` does."""
        if type(module) not in self._classes:
            raise Refused("super() outside of a class", "it begins a module")
        nn.Module.__init__(module)

    # -- what Python has of itself

    def _print(self, *values: Any, sep: Any = " ", end: Any = "\n") -> None:
        sep, end = ("" if one is None else one for one in (sep, end))
        if not isinstance(sep, str) or not isinstance(end, str):
            raise TypeError("sep and end must be strings")
        text = sep.join(self._str(value) for value in values) + end
        self._printed += len(text)
        if self._printed > _MOST_PRINTED:
            raise Refused("so much printed", f"{_MOST_PRINTED:,} characters are the most")
        sys.stdout.write(text)

    def _range(self, *ends: Any) -> range:
        made = range(*ends)
        if len(made) > MOST_CELLS:
            raise Refused("so long a range", f"{MOST_CELLS:,} is the most")
        return made

    def _listed(self, kind: type[Any], value: Any) -> Any:
        items = []
        for one in self.turns(value):
            items.append(one)
            if len(items) > MOST_ITEMS:
                raise Refused(f"so long a {kind.__name__}", f"{MOST_ITEMS:,} items are the most")
        return kind(items)

    def _list(self, value: Any = ()) -> list[Any]:
        return self._listed(list, value)  # type: ignore[no-any-return]

    def _tuple(self, value: Any = ()) -> tuple[Any, ...]:
        return self._listed(tuple, value)  # type: ignore[no-any-return]

    def _set(self, value: Any = ()) -> set[Any]:
        return {self.hashed(one) for one in self._list(value)}

    def _dict(self, value: Any = (), /, **named: Any) -> dict[Any, Any]:
        pairs = self._list(value.items() if isinstance(value, dict) else value)
        return {self.hashed(key): held for key, held in pairs} | named

    def _ordered(self, value: Any = (), /, **named: Any) -> OrderedDict[Any, Any]:
        return OrderedDict(self._dict(value, **named))

    def _deepcopy(self, value: Any) -> Any:
        """Copy numbers, texts, tensors and modules, and rows of them, as `copy.deepcopy` does."""
        self._measured((value,))
        blocks: dict[int, Tensor] = {}
        waiting, seen = [value], set[int]()
        while waiting:
            one = waiting.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if isinstance(one, Tensor):
                with _unseen():
                    blocks.setdefault(one.untyped_storage()._cdata, one)
            elif isinstance(one, dict):
                waiting.extend(part for pair in one.items() for part in pair)
            elif isinstance(one, list | tuple | set):
                waiting.extend(one)
            elif isinstance(one, nn.Module):
                self._few(one)
                waiting.extend(one.__dict__.values())
            elif not isinstance(one, (*_FLAT, *_ROWS, *_COPIED_AS_THEY_ARE)):
                raise Refused(
                    f"deepcopy of a {_kind(one)}", "tensors, modules and rows of them are"
                )
        for tensor in blocks.values():  # the wall of operators counts what the copy takes
            with _unseen():
                size = tensor.untyped_storage().nbytes() // tensor.element_size()
            torch.zeros(size, dtype=tensor.dtype)
        with without():
            return copy.deepcopy(value)

    def _reversed(self, value: Any) -> list[Any]:
        return self._list(value)[::-1]

    def _sorted(self, value: Any, *, reverse: Any = False) -> list[Any]:
        return sorted(self._row_of(value), reverse=bool(reverse))

    def _min(self, *values: Any) -> Any:
        return min(*values) if len(values) > 1 else min(self._row_of(*values))

    def _max(self, *values: Any) -> Any:
        return max(*values) if len(values) > 1 else max(self._row_of(*values))

    def _any(self, values: Any) -> bool:
        return any(self.turns(values))

    def _all(self, values: Any) -> bool:
        return all(self.turns(values))

    def _sum(self, values: Any, start: Any = 0) -> Any:
        total = start
        for one in self.turns(values):
            total = self.binary("Add", total, one)
        return total

    def _row_of(self, value: Any) -> list[Any]:
        row = self._list(value)
        self._measured((row,))
        return row

    def _zip(self, *rows: Any, strict: Any = False) -> Any:
        return zip(*(self.turns(row) for row in rows), strict=bool(strict))

    def _enumerate(self, row: Any, start: int = 0) -> Any:
        return enumerate(self.turns(row), start)

    def _int(self, value: Any = 0) -> int:
        self._measured((value,))
        return int(self._number(int(value)))

    def _round(self, value: Any, digits: Any = None) -> Any:
        if isinstance(digits, int) and abs(digits) > 30:
            raise Refused("round to so many digits", "30 are the most")
        return round(value, digits)

    def _divmod(self, a: Any, b: Any) -> Any:
        return self.binary("FloorDiv", a, b), self.binary("Mod", a, b)

    def _len(self, value: Any) -> int:
        return len(value)

    def _isinstance(self, value: Any, kinds: Any) -> bool:
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        real = tuple(self._types.get(id(one), one) for one in kinds)
        if not all(isinstance(one, type) for one in real):
            raise TypeError("isinstance() arg 2 must be a type or a tuple of types")
        return isinstance(value, real)

    def _type(self, value: Any) -> Any:
        kind = type(value)
        return self._own.get(kind.__name__, kind) if kind in _TYPES else kind


_OF_FUNCTIONS = frozenset(["__module__", "__doc__", "__qualname__", "_backward_cls"])
_OF_CLASSES = frozenset(
    ["__init__", "__module__", "__doc__", "__qualname__", "__dict__", "__weakref__"]
)


class Store:
    """What an item may be set of."""

    __slots__ = ("_guard", "_value")

    def __init__(self, guard: Guard, value: Any) -> None:
        self._guard, self._value = guard, value

    def __setitem__(self, key: Any, new: Any) -> None:
        held = self._value
        if isinstance(held, list) and isinstance(key, slice):
            raise Refused("to set a slice of a list", "make a new list")
        if isinstance(held, dict):
            self._guard.hashed(key)
            self._guard._long(len(held) + 1, [])
        self._guard._measured((new,) if isinstance(held, Tensor) else ())
        held[self._guard._checked_key(held, key)] = new


def _imported(name: str, *where: Any, **how: Any) -> Any:
    """Import for torch, whose C code imports by the names of the frame that runs."""
    if name not in sys.modules:
        raise Refused(f"import {name}", "torch, nn, F and optim are there, imported or not")
    return builtins.__import__(name, *where, **how)


def _small(shape: torch.Size) -> None:
    size = 1
    for one in shape:
        size *= max(1, one)
    if size > MOST_CELLS:
        raise Refused(f"a tensor of shape {tuple(shape)}", f"{MOST_CELLS:,} cells are the most")


def _simple(value: Any) -> bool:
    return isinstance(value, (*_FLAT, *_ROWS))


def _kind(value: Any) -> str:
    return plain(value).text if isinstance(value, type) else type(value).__name__


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Keep what is asked for a text from the modes that are on."""
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
        yield
