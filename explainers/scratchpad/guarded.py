"""Run a program as the engine does, with the walls woven in. For the jailed child alone."""

import builtins
import functools
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.autograd.function import BackwardCFunction

from explainers.program import instrument
from explainers.program.recording import Recorder
from explainers.program.running import Run
from explainers.scratchpad import weaving
from explainers.scratchpad.jail import PATIENCE
from explainers.scratchpad.operators import Operators, again, without
from explainers.scratchpad.refusals import Refused
from explainers.scratchpad.values import Guard


class Guarded(Run):
    """One run of a reader's program.

    Args:
        source: The program.
        seconds: Of the processor that it may have.
        recorder: Takes down what stands after each statement.
        values: Whether the second wall stands.
        operators: Whether the third does.
    """

    def __init__(
        self,
        source: str,
        seconds: float,
        recorder: Recorder | None = None,
        *,
        values: bool = True,
        operators: bool = True,
    ) -> None:
        wall = Operators(self.in_time) if operators else None
        super().__init__(source, "cpu", recorder, wall, seconds)
        self._guard = Guard(self.in_time, wall.around) if wall else Guard(self.in_time)
        self._values = values
        self._until = time.monotonic() + PATIENCE * seconds

    def code(self) -> types.CodeType:
        """Compile the program, with the second wall woven in."""
        try:
            return instrument.instrumented(self.source, weaving.woven if self._values else None)
        except Refused as error:  # by the weaver: the language had refused it
            raise ValueError(str(error)) from None

    def builtins(self) -> dict[str, Any]:
        """Return the guards, and what of Python's own is offered."""
        return self._guard.builtins() if self._values else vars(builtins)

    def in_time(self) -> None:
        """End the run if its time is over; also where it waits for the processor too long."""
        if time.monotonic() > self._until:
            self._why = self._why or self._too_long
        super().in_time()

    def entered(self) -> None:
        """Count a function that begins."""
        if self._values:
            self._guard.entered(sys._getframe(2))


def prepare() -> None:
    """Let torch's engine differentiate with the third wall off, for good, in this process.

    Under a mode it adds gradients in another way. Functions of the program that it calls back stand
    behind the wall again, and what it makes is as large as what the program made.
    """
    torch.set_num_threads(1)
    engine: Any = _Engine(Variable._execution_engine)
    Variable._execution_engine = engine
    called: Any = BackwardCFunction  # what the engine calls of a Function of the program
    called.apply = _standing(called.apply)
    for kind, name in ((Tensor, "register_hook"), (nn.Module, "register_full_backward_hook")):
        _hooked(kind, name)


def _standing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that the engine calls back, with the third wall around it again."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with again():
            return function(*args, **kwargs)

    return call


def _hooked(kind: Any, name: str) -> None:
    """Let the hooks that this method registers stand behind the third wall."""
    register = getattr(kind, name)

    @functools.wraps(register)
    def registered(self: Any, hook: Any, *args: Any, **kwargs: Any) -> Any:
        return register(self, _standing(hook) if callable(hook) else hook, *args, **kwargs)

    setattr(kind, name, registered)


class _Engine:
    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run_backward(self, *args: Any, **kwargs: Any) -> Any:
        with without():
            return self._engine.run_backward(*args, **kwargs)
