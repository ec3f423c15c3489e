"""Name tensors, modules and pieces of memory, the same over a whole run, and keep none alive.

A weak reference of torch's own keeps an address from being used again, not the memory behind it,
and no program can see it. A module's is Python's: it changes no count of references, and a module
that is made where a dead one was gets another label.
"""

import collections
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Labels:
    """Name tensors, modules, and pieces of memory, the same over a whole run."""

    def __init__(self) -> None:
        self._tensors: dict[int, str] = {}
        self._held: list[object] = []
        self._objects: dict[int, tuple[weakref.ref[object], str]] = {}
        self._counts: collections.Counter[str] = collections.Counter()
        self._blocks: dict[object, Block] = {}
        self._count = 0

    def tensor(self, tensor: Tensor) -> str:
        """Return a tensor's label."""
        key = tensor._cdata
        label = self._tensors.get(key)
        if label is None:
            self.hold(tensor)
            label = self._tensors[key] = f"t{len(self._tensors)}"
        return label

    def object(self, value: object, letter: str) -> str:
        """Return the label of a module or an optimizer: a letter, and its number among these."""
        known = self._objects.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        label = f"{letter}{self._counts[letter]}"
        self._counts[letter] += 1
        self._objects[id(value)] = weakref.ref(value), label
        return label

    def hold(self, tensor: Tensor) -> None:
        """Keep a tensor's address from being used again."""
        self._held.append(torch._C._WeakTensorRef(tensor))  # type: ignore[attr-defined]

    def blocks(self) -> Iterable["Block"]:
        """Return every piece of memory seen."""
        return self._blocks.values()

    def known(self, address: int) -> str | None:
        """Return the label of the tensor at an address, if it was ever asked for."""
        return self._tensors.get(address)

    def block(self, storage: torch.UntypedStorage) -> "Block":
        """Return the memory of a storage, which another storage may share."""
        key = storage._cdata
        block = self._blocks.get(key)
        first, size = address(storage), storage.nbytes()
        if block is None:
            weak: Any = storage._weak_ref()
            self._held.append(_Weak(weak))
            shared = None if storage.resizable() else self._at(first, size)
            block = shared or Block(lambda: not torch.UntypedStorage._expired(weak))
            self._blocks[key] = block
        if block.of is None:
            block.of = key
        if block.of == key:
            block.first, block.size = first, size
        return block

    def array(self, array: "np.ndarray[Any, Any]") -> "Block":
        """Return the memory of an array, which a storage may share."""
        root: Any = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        key = "array", id(root)
        known = self._blocks.get(key)
        if known is not None and known.of == key and known.alive():
            return known
        first = root.__array_interface__["data"][0]
        block = self._at(first, root.nbytes)
        if block is None:
            block = Block(_alive(root))
            block.of, block.first, block.size = key, first, root.nbytes
            self._blocks[key] = block
        return block

    def label(self, block: "Block") -> str:
        """Return the label of a piece of memory: ``"A"``, ``"B"``, … ``"Z"``, ``"AA"``, …."""
        if not block.label:
            number = self._count
            self._count += 1
            while number >= 0:
                block.label = chr(ord("A") + number % 26) + block.label
                number = number // 26 - 1
        return block.label

    def _at(self, first: int, size: int) -> "Block | None":
        for block in self._blocks.values():
            if size and block.first <= first < block.first + block.size and block.alive():
                return block
        return None


class Block:
    """A piece of memory.

    Attributes:
        alive: Returns whether what it was first seen of is still there.
        of: The storage or array that it was first seen of.
        first: Its address.
        size: In bytes.
        label: Its name, once it was asked for.
    """

    __slots__ = ("alive", "first", "label", "of", "size")

    def __init__(self, alive: Callable[[], bool]) -> None:
        self.alive = alive
        self.of: object = None
        self.first = self.size = 0
        self.label = ""


class _Weak:
    """Give a weak reference to a storage back in the end."""

    __slots__ = ("_pointer",)

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __del__(self) -> None:
        torch.UntypedStorage._free_weak_ref(self._pointer)


def _alive(array: "np.ndarray[Any, Any]") -> Callable[[], bool]:
    reference = weakref.ref(array)
    return lambda: reference() is not None


def address(storage: torch.UntypedStorage) -> int:
    """Return where a storage begins; 0 where it is nowhere."""
    return 0 if storage.device.type == "meta" else storage.data_ptr()
