"""Run a program as the engine does, with the walls woven in. For the jailed child alone."""

import builtins
import sys
import time
import types
from typing import Any

import torch
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
    applied: Any = BackwardCFunction.apply

    def apply(self: Any, *args: Any) -> Any:  # what the engine calls of a Function of the program
        with again():
            return applied(self, *args)

    unguarded: Any = BackwardCFunction
    unguarded.apply = apply


class _Engine:
    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run_backward(self, *args: Any, **kwargs: Any) -> Any:
        with without():
            return self._engine.run_backward(*args, **kwargs)
