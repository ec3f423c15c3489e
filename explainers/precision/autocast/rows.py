"""Run every operation under autocast: which dtype comes out, how far off, and what torch ran."""

import contextlib
import dataclasses
import enum
import functools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from explainers import devices
from explainers.evidence import recorded_warnings
from explainers.parameters import shown
from explainers.precision.autocast.lists import LISTS, Listed, lower_precision, raised, short
from explainers.precision.autocast.operations import BELOW_1, OPS
from explainers.precision.formats import FORMATS

KINDS = ("float32", "lower", "mixed")
"""What goes in: float32, the lower precision, or the lower precision first and float32 second."""

EXPONENTS = (-24, 20)
"""Least and greatest size of the inputs, as a power of two."""


class State(enum.StrEnum):
    """Say what became of an operation's numbers."""

    FINE = "fine"
    OVERFLOW = "overflows"
    FROM_ZERO = "infinite from 0"
    ZERO = "all zero"
    RAISED = "raises"
    BEYOND = "beyond float64"


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """Hold what one operation made of one kind of inputs.

    Attributes:
        dtype: Of the output; None where torch raised.
        error: Largest difference to float64, over float64's largest magnitude: 1 where all was
            flushed to zero, infinite where something overflowed or an input became 0, NaN where
            torch raised or float64 overflows too.
        state: In a word.
        said: What torch raised, or "".
    """

    dtype: torch.dtype | None
    error: float
    state: State
    said: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class OpRow:
    """Hold what one operation gives under autocast.

    Attributes:
        name: torch's name.
        listed: The list of torch's documentation on which it stands for this device.
        outcomes: For float32, lower and mixed inputs; an operation of one input gets the lower
            precision as mixed.
    """

    name: str
    listed: Listed
    outcomes: tuple[Outcome, Outcome, Outcome]

    @property
    def from_float32(self) -> torch.dtype | None:
        """Its output's dtype for float32 inputs; None where torch raised."""
        return self.outcomes[0].dtype

    @property
    def from_lower(self) -> torch.dtype | None:
        """The same for inputs of the lower precision."""
        return self.outcomes[1].dtype

    @property
    def from_mixed(self) -> torch.dtype | None:
        """The same for one of each, or for the lower precision where it takes but one."""
        return self.outcomes[2].dtype

    @property
    def said(self) -> str:
        """What torch raised first, or ""."""
        return next((outcome.said for outcome in self.outcomes if outcome.said), "")

    @property
    def cast(self) -> bool:
        """Whether autocast changed anything: not all outputs follow from the inputs' dtypes."""
        return self.from_float32 is not torch.float32 or self.from_lower is torch.float32

    @property
    def as_listed(self) -> bool:
        """Whether the outputs are those that the documentation's list says."""
        if self.listed is Listed.LOWER:
            return self.from_float32 is self.from_lower is self.from_mixed is not torch.float32
        if self.listed is Listed.FLOAT32:
            return self.from_lower is torch.float32
        if self.listed is Listed.WIDEST:
            return not self.cast and self.from_mixed is torch.float32
        return not self.cast


def output_dtypes(
    device: str = "cpu", dtype: str | torch.dtype = "float16"
) -> Mapping[str, torch.dtype]:
    """Return the dtype that each operation gives for float32 inputs under autocast, by running it.

    Args:
        device: Where torch computes.
        dtype: Lower precision of autocast: float16 or bfloat16.

    Returns:
        By torch's name of the operation, without those that raise here.

    Raises:
        ValueError: `device` is not there, or autocast takes no such `dtype`.
    """
    found = ((row.name, row.from_float32) for row in table(device, dtype))
    return {name: output for name, output in found if output is not None}


def table(
    device: str = "cpu",
    dtype: str | torch.dtype = "float16",
    *,
    exponent: int = 0,
    enabled: bool = True,
) -> tuple[OpRow, ...]:
    """Run every operation on float32, lower-precision and mixed inputs.

    Args:
        device: Where torch computes.
        dtype: Lower precision of autocast: float16 or bfloat16.
        exponent: The inputs lie from 0.1 to 0.9, times 2 to this power.
        enabled: Whether autocast is on.

    Raises:
        ValueError: `device` is not there, autocast takes no such `dtype`, or `exponent` is out of
            bounds.
    """
    where, lower = devices.device(device), lower_precision(dtype)
    lists = LISTS.get(where.type, {})
    pairs = {below: inputs(exponent, below_1=below) for below in (False, True)}
    given = {
        (kind, below): _as(kind, pair, lower, where)
        for below, pair in pairs.items()
        for kind in KINDS
    }
    outcomes: dict[str, list[Outcome]] = {name: [] for name in OPS}
    true = _references(exponent)
    with recorded_warnings():
        for kind in KINDS:
            with torch.autocast(where.type, dtype=lower, enabled=enabled):
                for name in OPS:
                    found = _outcome(name, given[kind, name in BELOW_1], true[name])
                    outcomes[name].append(found)
    rows = []
    for name, (full, half, mixed) in outcomes.items():
        listed = next((kind for kind, names in lists.items() if name in names), Listed.UNLISTED)
        rows.append(OpRow(name, listed, (full, half, mixed)))
    return tuple(rows)


@functools.cache
def _base() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    # Positive and below 1, as logarithms and binary_cross_entropy want them.
    a, b = (0.1 + 0.8 * torch.rand(4, 4, generator=generator) for _ in range(2))
    return a, b


def inputs(exponent: int = 0, *, below_1: bool = False) -> tuple[Tensor, Tensor]:
    """Return both inputs of every operation, ``(4, 4)`` float32 on the CPU.

    Args:
        exponent: They lie from 0.1 to 0.9, times 2 to this power, from -24 to 20.
        below_1: Whether they must stay below 1, as probabilities.

    Raises:
        ValueError: `exponent` is out of bounds.
    """
    least, most = EXPONENTS
    whole = isinstance(exponent, int) and not isinstance(exponent, bool)
    if not whole or not least <= exponent <= most:
        raise ValueError(
            f"exponent must be a whole number from {least} to {most}, got {shown(exponent)}"
        )
    size = math.ldexp(1.0, min(exponent, 0) if below_1 else exponent)
    a, b = _base()
    return a * size, b * size


def _as(
    kind: str, pair: tuple[Tensor, Tensor], lower: torch.dtype, where: torch.device
) -> tuple[Tensor, Tensor]:
    first = torch.float32 if kind == "float32" else lower
    second = lower if kind == "lower" else torch.float32
    return pair[0].to(where, first), pair[1].to(where, second)


# A slider's positions; at each of them some fifty small tensors.
@functools.lru_cache(maxsize=64)
def _references(exponent: int) -> Mapping[str, Tensor]:
    """Return what each operation gives in float64 on the CPU."""
    found = {}
    for name, op in OPS.items():
        a, b = inputs(exponent, below_1=name in BELOW_1)
        found[name] = op(a.double(), b.double())
    return found


def _outcome(name: str, given: tuple[Tensor, Tensor], true: Tensor) -> Outcome:
    try:
        output = OPS[name](*given)
    except (RuntimeError, NotImplementedError) as problem:
        return Outcome(None, math.nan, State.RAISED, raised(problem))
    error, state = _compared(output, true)
    # No input is 0 before it is cast; of a 0, a logarithm is infinite, and nothing has overflowed.
    if state is State.OVERFLOW and any(bool((each == 0).any()) for each in given):
        state = State.FROM_ZERO
    return Outcome(output.dtype, error, state)


def _compared(output: Tensor, true: Tensor) -> tuple[float, State]:
    output = output.cpu().double()
    largest = float(true.abs().max())
    if not math.isfinite(largest):
        finite = true.isfinite()
        if not bool(finite.any()):
            return math.nan, State.BEYOND
        output, true = output[finite], true[finite]
        largest = float(true.abs().max())
    error = float((output - true).abs().max())
    if not math.isfinite(error):
        return math.inf, State.OVERFLOW
    gone = error > 0 and not bool(output.any())
    return (error / largest if error else 0.0), State.ZERO if gone else State.FINE


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Hold one thing that torch ran.

    Attributes:
        name: Of the operation in torch's own library; "cast" for a change of dtype.
        takes: dtypes of its tensors.
        gives: dtype of its first output.
    """

    name: str
    takes: tuple[torch.dtype, ...]
    gives: torch.dtype

    def __str__(self) -> str:
        """Return it as a call with dtypes for tensors."""
        if self.name == "cast":
            return f"cast {short(self.takes[0])} to {short(self.gives)}"
        takes = ", ".join(short(each) for each in self.takes)
        return f"{self.name}({takes}) gives {short(self.gives)}"


class _Recorder(TorchDispatchMode):
    """Record what reaches torch's library: casts that autocast inserts are among it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps: list[Step] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        # A view computes nothing.
        if not any(each.alias_info for each in func._schema.returns):
            flat = [
                each
                for entry in args
                for each in (entry if isinstance(entry, list | tuple) else (entry,))
                if isinstance(each, Tensor)
            ]
            first = output[0] if isinstance(output, tuple | list) else output
            name = func._schema.name.removeprefix("aten::")
            if flat and isinstance(first, Tensor):
                name = "cast" if name == "_to_copy" else name
                self.steps.append(Step(name, tuple(each.dtype for each in flat), first.dtype))
        return output


def steps(
    name: str,
    kind: str = "float32",
    *,
    dtype: str | torch.dtype = "float16",
    exponent: int = 0,
    enabled: bool = True,
    device: str = "cpu",
) -> tuple[Step, ...]:
    """Return what torch ran for one operation, autocast's casts included; empty if it raised.

    Args:
        name: One of `OPS`.
        kind: One of `KINDS`.
        dtype: Lower precision of autocast.
        exponent: Size of the inputs.
        enabled: Whether autocast is on.
        device: Where torch computes.
    """
    where, lower = devices.device(device), lower_precision(dtype)
    given = _as(kind, inputs(exponent, below_1=name in BELOW_1), lower, where)
    recorder = _Recorder()
    with recorded_warnings(), contextlib.suppress(RuntimeError, NotImplementedError):
        with torch.autocast(where.type, dtype=lower, enabled=enabled), recorder:
            OPS[name](*given)
        return tuple(recorder.steps)
    return ()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Hold one operation's error over the size of its inputs.

    Attributes:
        exponents: Tensor ``(sizes,)`` float64: the sizes, as powers of two.
        errors: By dtype, float32 being without autocast: Tensor ``(sizes,)`` float64, relative to
            float64's largest magnitude; infinite where torch's is, NaN where torch raised or
            float64 overflowed too.
    """

    exponents: Tensor
    errors: Mapping[str, Tensor]


@functools.lru_cache(maxsize=256)
def sweep(name: str, kind: str = "float32", *, enabled: bool = True, device: str = "cpu") -> Sweep:
    """Run one operation on inputs of every size, in every precision.

    Args:
        name: One of `OPS`.
        kind: One of `KINDS`; the line of float32 gets float32 whatever it is.
        enabled: Whether autocast is on.
        device: Where torch computes.
    """
    where = devices.device(device)
    sizes = range(EXPONENTS[0], EXPONENTS[1] + 1)
    below = name in BELOW_1
    pairs = [inputs(size, below_1=below) for size in sizes]
    true = [OPS[name](a.double(), b.double()) for a, b in pairs]
    errors = {}
    with recorded_warnings():
        for label in ("float32", "float16", "bfloat16"):
            lower = FORMATS[label].dtype
            on = enabled and label != "float32"
            with torch.autocast(where.type, dtype=lower if on else torch.float16, enabled=on):
                found = [
                    _outcome(name, _as(kind, pair, lower, where), wanted).error
                    for pair, wanted in zip(pairs, true, strict=True)
                ]
            errors[label] = torch.tensor(found, dtype=torch.float64)
    return Sweep(torch.tensor(list(sizes), dtype=torch.float64), errors)
