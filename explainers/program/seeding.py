"""Give one run a random generator of its own, on its own thread, and leave torch's alone.

Torch's random functions draw from one generator of the whole process unless they are handed
another. So a mode of torch's, which is on for one thread alone, hands them the run's.
"""

import contextlib
import functools
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

FRESH_SEED = torch.Generator().initial_seed()
"""What a fresh process draws from until something seeds it."""


class Generators:
    """The generators of one run, one a device."""

    def __init__(self) -> None:
        self._made: dict[str, torch.Generator] = {}
        self.seed = FRESH_SEED

    def of(self, device: torch.device | str = "cpu") -> torch.Generator:
        """Return the generator of a device."""
        key = str(torch.device(device).type)
        if key not in self._made:
            self._made[key] = torch.Generator(device).manual_seed(self.seed)
        return self._made[key]

    def manual_seed(self, seed: int) -> torch.Generator:
        """Seed every device's, as `torch.manual_seed`; return the CPU's."""
        first = self.of().manual_seed(int(seed))
        self.seed = first.initial_seed()
        for generator in self._made.values():
            generator.manual_seed(self.seed)
        return first

    def fresh_seed(self) -> int:
        """Seed from the operating system, as `torch.seed`; return the seed."""
        return self.manual_seed(torch.Generator().seed()).initial_seed()

    def get_state(self) -> Tensor:
        """Return the CPU generator's state, as `torch.get_rng_state`."""
        return self.of().get_state()

    def set_state(self, new_state: Tensor) -> None:
        """Set the CPU generator's state, as `torch.set_rng_state`."""
        self.of().set_state(new_state)

    def initial_seed(self) -> int:
        """Return the CPU generator's seed, as `torch.initial_seed`."""
        return self.of().initial_seed()


class Seeded(TorchFunctionMode):
    """Hand the generators of a run to what draws random numbers, on the thread that enters it.

    A function of torch that takes a generator is given one. One that takes none (`dropout`) runs
    under a dispatch mode that gives it to the operators inside; this mode is on for such a call
    alone, as under it `backward` adds gradients in another way and `_version` tells.
    """

    def __init__(self, generators: Generators) -> None:
        super().__init__()
        self._generators = generators

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types_: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        how = _how(func)
        if how == "plain":
            return func(*args, **kwargs)
        if how == "inside":
            with self:
                return _unchecked(func)(*args, **kwargs)
        if how == "generator":
            given = kwargs.get("generator")
            given = given or any(isinstance(one, torch.Generator) for one in args)
            device = _device(args, kwargs)
            if not given and device.type != "meta":  # where nothing is drawn
                kwargs = {**kwargs, "generator": self._generators.of(device)}
            return func(*args, **kwargs)
        with _Dispatched(self._generators):
            return func(*args, **kwargs)


class _Dispatched(TorchDispatchMode):
    def __init__(self, generators: Generators) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generators = generators

    def __torch_dispatch__(
        self,
        func: Any,
        types_: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return seeded_call(self._generators, func, args, kwargs or {})


def seeded_call(
    generators: Generators, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call an operator, with a generator of the run where it can take one and has none."""
    other = _with_generator(func)
    given = kwargs.get("generator") or any(isinstance(one, torch.Generator) for one in args)
    device = _device(args, kwargs)
    if other is None or given or device.type == "meta":
        return func(*args, **kwargs)
    return other(*args, **{**kwargs, "generator": generators.of(device)})


@functools.cache
def _with_generator(func: Any) -> Any:
    """The overload of a random operator that takes a generator; None where there is none."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return None
    names = [argument.name for argument in func._schema.arguments]
    if "generator" in names:
        return func
    packet = func.overloadpacket
    for overload in packet.overloads():
        other = getattr(packet, overload)
        theirs = [argument.name for argument in other._schema.arguments]
        if "generator" in theirs and [name for name in theirs if name != "generator"] == names:
            return other
    return None


def _device(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.device:
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"])
    for one in (*args, *kwargs.values()):
        if isinstance(one, Tensor):
            return one.device
    return torch.get_default_device()


@functools.cache
def _how(func: Callable[..., Any]) -> str:
    """Say how a function of torch comes to draw random numbers, if it does."""
    name = getattr(func, "__name__", "")
    if isinstance(func, types.FunctionType):
        module = func.__module__
        if module == "torch.nn.init":
            return "dispatch"
        if module not in {"torch.nn.functional", "torch.autograd"} and func is not Tensor.backward:
            return "plain"
        # `F.max_pool2d` and its like do not ask: the function that they choose does.
        asks = any(name.startswith("has_torch_function") for name in func.__globals__)
        return "inside" if asks else "dispatch"
    packet = getattr(torch.ops.aten, name, None) if not name.startswith("__") else None
    if packet is None:
        return "plain"
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    if not any(torch.Tag.nondeterministic_seeded in one.tags for one in overloads):
        return "plain"
    taken = {argument.name for one in overloads for argument in one._schema.arguments}
    return "generator" if "generator" in taken else "dispatch"


@functools.cache
def _unchecked(func: types.FunctionType) -> Callable[..., Any]:
    """Copy a Python function of torch without its question whether a mode is on.

    It would ask the mode again, without end; what it calls shall ask.
    """
    names = func.__globals__  # not always those of its __module__
    asks = [name for name in names if name.startswith("has_torch_function")]
    names = _UNASKED.setdefault(id(names), names | dict.fromkeys(asks, lambda *_: False))
    copy = types.FunctionType(
        func.__code__, names, func.__name__, func.__defaults__, func.__closure__
    )
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


_UNASKED: dict[int, dict[str, Any]] = {}


_NAMES = {
    "manual_seed": "manual_seed",
    "seed": "fresh_seed",
    "initial_seed": "initial_seed",
    "get_rng_state": "get_state",
    "set_rng_state": "set_state",
}


def _has_own(kind: type) -> bool:
    """Whether a type says itself what torch's functions do with it; plain tensors do not."""
    own = getattr(kind, "__torch_function__", None)
    disabled = torch._C._disabled_torch_function_impl
    return own is not None and kind is not Tensor and own is not disabled


@contextlib.contextmanager
def told_apart_by_thread(
    generators: Generators, thread: Callable[[], int | None]
) -> Iterator[None]:
    """Let `torch.manual_seed` and its like mean the run's generators, on its thread alone.

    And let `nn.MultiheadAttention` and `nn.TransformerEncoderLayer`, which compute by another path
    where a mode is on, not see the run's. One run at a time may do so; on other threads all this
    means what it meant.

    Args:
        generators: The run's.
        thread: Returns the identifier of its thread.
    """
    originals = {name: getattr(torch.random, name) for name in _NAMES}

    def told_apart(name: str) -> Callable[..., Any]:
        original, own = originals[name], getattr(generators, _NAMES[name])

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            ours = threading.get_ident() == thread()
            return (own if ours else original)(*args, **kwargs)

        return call

    asks = torch.overrides.has_torch_function

    @functools.wraps(asks)
    def overridden(relevant_args: Iterable[Any]) -> bool:
        if threading.get_ident() != thread() or torch._C._len_torch_function_stack() != 1:
            return bool(asks(relevant_args))
        return any(_has_own(type(one)) for one in relevant_args)

    try:
        torch.overrides.has_torch_function = overridden  # type: ignore[assignment]
        for name in _NAMES:
            own = told_apart(name)
            setattr(torch, name, own)
            setattr(torch.random, name, own)
        yield
    finally:
        torch.overrides.has_torch_function = asks
        for name, original in originals.items():
            setattr(torch, name, original)
            setattr(torch.random, name, original)
