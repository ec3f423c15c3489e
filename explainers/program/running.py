"""Run a program and record it: one run at a time, on a thread of its own, within bounds."""

import builtins
import contextlib
import ctypes
import functools
import sys
import threading
import time
import types
from collections.abc import Iterator
from typing import Any

import torch

from explainers import devices
from explainers.evidence import WARNINGS
from explainers.program import instrument
from explainers.program.host import SLEEP, host_kept
from explainers.program.recording import Recorder, loops
from explainers.program.seeding import Generators, Seeded
from explainers.program.states import (
    MOST_SECONDS,
    MOST_STEPS,
    MOST_TEXT,
    Failure,
    Frame,
    State,
    Step,
    Trace,
)

_BUSY = 2.0
"""How many times its seconds may pass on a busy machine, of which the run gets but a part."""
_GRACE = 5.0
"""Seconds that a run which was told to end has for it."""
_KEPT = 64


def run(source: str, *, device: str = "cpu") -> Trace:
    """Run a program statement by statement and record what stands after each.

    The same program gives the same trace, whatever ran before it and runs beside it: it has a
    thread, a random generator and a default dtype, device and print options of its own, and the
    host's are afterwards as they were. Whatever it does is part of the trace; an exception is its
    `failure`. Only programs that are part of this project may be run.

    Args:
        source: The program.
        device: Where it makes its tensors unless it says otherwise.

    Raises:
        ValueError: This machine has no such device.
    """
    return _kept(source, str(devices.device(device)))


def _kept(source: str, device: str) -> Trace:
    with WARNINGS:
        trace = _TRACES.pop((source, device), None)
        if trace is None:
            trace = Run(source, device).trace()
        if trace.failure is None or trace.failure.kind != STOPPED:  # a clock decided that
            while len(_TRACES) >= _KEPT:
                del _TRACES[next(iter(_TRACES))]  # the one that was not asked for the longest
            _TRACES[source, device] = trace
        return trace


_TRACES: dict[tuple[str, str], Trace] = {}


def _innermost(traceback: types.TracebackType | None) -> int:
    """The innermost line of the program in a traceback; 0 where there is none."""
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == instrument.FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def forget() -> None:
    """Drop the traces that are kept."""
    with WARNINGS:
        _TRACES.clear()


STOPPED = "Stopped"
"""The `Failure.kind` of a run that a bound ended."""


class _Ended(BaseException):
    """A bound was reached. No `except` of the program keeps it for long."""


class Run:
    """One run of one program. The thread that makes it must hold `WARNINGS`."""

    def __init__(
        self,
        source: str,
        device: str,
        recorder: Recorder | None = None,
        mode: contextlib.AbstractContextManager[object] | None = None,
        seconds: float | None = None,
    ) -> None:
        self.source, self.device = source, device
        self.generators = Generators()
        self.recorder = recorder or Recorder()
        self._mode = mode or contextlib.nullcontext()
        self._most = seconds = MOST_SECONDS if seconds is None else seconds
        self._too_long = f"The run was ended after {seconds:g} s."
        self.steps: list[Step] = []
        self.thread: int | None = None
        self._names: dict[str, Any] = {}
        self._printed: list[str] = []
        self._warned: list[str] = []
        self._value: State | None = None
        self._frames: dict[int, int] = {}
        self._calls = 0
        self._turns: dict[int, dict[int, int]] = {}
        self._why = ""
        self._slept = 0.0
        self._clock: int | None = None
        self._started = 0.0
        self._failure: Failure | None = None
        self._error: BaseException | None = None
        self._door = threading.Lock()
        self._done = threading.Event()
        self._closed = False

    def trace(self) -> Trace:
        """Run the program."""
        _warm()
        with host_kept(self):
            thread = threading.Thread(target=self._main, name="program", daemon=True)
            thread.start()
            self._watch()
        return self._traced()

    def trace_here(self) -> Trace:
        """Run the program on this thread: nobody ends it but its own statements, in time."""
        _warm()
        with host_kept(self):
            self._main()
        return self._traced()

    def _traced(self) -> Trace:
        if self._error is not None:
            raise self._error
        return Trace(self.source, tuple(self.steps), self._failure, self.device)

    def code(self) -> types.CodeType:
        """Compile the program."""
        return instrument.instrumented(self.source)

    def builtins(self) -> dict[str, Any]:
        """Return what the program finds without a name of its own."""
        return vars(builtins)

    # -- on the thread of the program

    def _main(self) -> None:
        self.thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self.thread)
        self._started = time.thread_time()
        try:
            self._failure = self._run()
        except _Ended:  # raised once more while the run was being ended
            self._failure = Failure(0, STOPPED, self._why)
        except BaseException as error:
            self._error = error
        finally:
            self._names.clear()
            self.thread = None
            self._done.set()

    def _run(self) -> Failure | None:
        try:
            code = self.code()
        except SyntaxError as error:
            return Failure(error.lineno or 0, type(error).__name__, error.msg)
        except (ValueError, RecursionError, MemoryError) as error:
            return Failure(0, type(error).__name__, str(error))
        self._names |= {"__name__": "__main__", "__builtins__": self._builtins()}
        failure = None
        try:
            try:
                if self.device != "cpu":
                    torch.set_default_device(self.device)
                with Seeded(self.generators), self._mode:
                    exec(code, self._names)
            finally:
                self._close()
        except BaseException as error:
            failure = self._failed(error)
        return failure

    def _failed(self, error: BaseException) -> Failure:
        line = 0
        raised: BaseException | None = error
        # Where a bound ends a run twice, the second time outside of the program, the first says it.
        while not line and raised is not None:
            line, raised = _innermost(raised.__traceback__), raised.__context__
        if isinstance(error, _Ended):
            kind, message = STOPPED, self._why
        else:
            kind, message = type(error).__name__, _said(error)
        return Failure(line, kind, message, self._step((line, line), (), None))

    def _close(self) -> None:
        # Whoever watches may raise here until the door is shut.
        while not self._closed:
            try:
                with self._door:
                    self._closed = True
            except _Ended:
                continue
        # What was raised before that comes now. To take it back instead would leave Python's flag
        # for it up: every thread slows down, and one that is traced or profiled never goes on.
        with contextlib.suppress(_Ended):
            for _ in range(10):
                pass

    def _builtins(self) -> dict[str, Any]:
        own = {
            instrument.RECORD: self._record,
            instrument.SHOW: self._show,
            instrument.RETURN: self._return,
            instrument.ENTER: self._enter,
            instrument.LOOP: self._loop,
            instrument.TURN: self._turn,
            instrument.ALIVE: self._alive,
            instrument.WATCHED: _watched,
            instrument.GENERATOR: self.generators.of,
        }
        return self.builtins() | own

    def _alive(self) -> None:
        if self._why:
            raise _Ended

    def entered(self) -> None:
        """Be told that a function of the program begins."""

    def _enter(self) -> None:
        self.entered()
        self._calls += 1
        self.recorder.begins()
        self._frames[id(sys._getframe(1))] = self._calls

    def _loop(self, line: int) -> None:
        self._turns.setdefault(id(sys._getframe(1)), {})[line] = 0

    def _turn(self, line: int) -> None:
        self._turns[id(sys._getframe(1))][line] += 1
        self.recorder.begins()
        self._alive()

    def _show(self, value: object) -> None:
        with _unseen():
            self._value = self.recorder.value(value)

    def _return(self, first: int, last: int, around: tuple[int, ...], value: object) -> object:
        self._take((first, last), around, sys._getframe(1), (value,))
        return value

    def _record(self, first: int, last: int, around: tuple[int, ...]) -> None:
        self._take((first, last), around, sys._getframe(1), ())

    def _take(
        self,
        lines: tuple[int, int],
        around: tuple[int, ...],
        frame: types.FrameType,
        returned: tuple[object, ...],
    ) -> None:
        if len(self.steps) >= MOST_STEPS:
            self._why = f"The run was ended after {MOST_STEPS} steps."
        self.in_time()
        self.steps.append(self._step(lines, around, frame, returned))

    def in_time(self) -> None:
        """End the run if its time is over."""
        if time.thread_time() - self._started + self._slept > self._most:
            self._why = self._why or self._too_long
        self._alive()

    def _step(
        self,
        lines: tuple[int, int],
        around: tuple[int, ...],
        frame: types.FrameType | None,
        returned: tuple[object, ...] = (),
    ) -> Step:
        grad_mode = torch.is_grad_enabled()
        turns = loops(around, self._turns.get(id(frame), {}))
        where = self._where(frame)
        local = _local(frame) if frame is not None and where is not None else None
        with _unseen():
            step = self.recorder.step(
                lines,
                self._names,
                local,
                where,
                returned,
                printed=_cut("".join(self._printed)),
                warned=tuple(self._warned),
                value=self._value,
                turns=turns,
                grad_mode=grad_mode,
            )
        self._printed.clear()
        self._warned.clear()
        self._value = None
        return step

    def _where(self, frame: types.FrameType | None) -> Frame | None:
        if frame is None or not _is_function(frame):
            return None
        depth, outer = 0, frame
        while outer is not None:
            depth += _is_function(outer)
            outer = outer.f_back  # type: ignore[assignment]
        return Frame(frame.f_code.co_qualname, depth, self._frames.get(id(frame), 0))

    def printed(self, text: str) -> None:
        """Take down what the program prints."""
        self._printed.append(text)

    def warned(self, text: str) -> None:
        """Take down what the program is warned of."""
        self._warned.append(text)

    def sleep(self, seconds: float) -> None:
        """Sleep as the program asked, as far as its time goes."""
        left = self._most - self._slept - (time.thread_time() - self._started)
        SLEEP(min(seconds, max(0.0, left)))
        self._slept += seconds
        if seconds > left:
            self._why = self._too_long
        self._alive()

    # -- on the thread that waits

    def _watch(self) -> None:
        begin, most = time.monotonic(), _BUSY * self._most
        try:
            left = self._most
            while not self._done.wait(left):
                spent = self._spent()
                waited = time.monotonic() - begin
                if spent >= self._most or waited >= most:
                    break
                left = max(0.01, min(self._most - spent, most - waited))
        finally:  # also where whoever waits is interrupted
            if not self._done.is_set():
                self._end()

    def _end(self) -> None:
        self._why = self._why or self._too_long
        until = time.monotonic() + _GRACE
        while not self._done.wait(0.005):
            with self._door:
                if not self._closed and self.thread is not None:
                    _raise(self.thread, _Ended)
            if time.monotonic() > until and not self._closed:
                self._failure = Failure(0, STOPPED, self._too_long)
                return

    def _spent(self) -> float:
        if self._clock is None:
            return 0.0
        try:
            return time.clock_gettime(self._clock) - self._started + self._slept
        except OSError:  # it has just ended
            return 0.0


def _raise(thread: int, kind: type[BaseException]) -> None:
    """Raise an exception in another thread, as soon as that runs Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Keep what is asked here from the modes that are on."""
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
        yield


def _is_function(frame: types.FrameType) -> bool:
    code = frame.f_code
    function = code.co_flags & 1 and not code.co_name.startswith("<")  # a class body is none
    return bool(function) and code.co_filename == instrument.FILE


_LONG = 1_000_000
_OF_C = (map, filter, zip, enumerate, reversed, type(iter(int, 1)))


def _watched(iterable: Any) -> Any:
    """Return what a builtin is about to exhaust; by way of Python where it may never end."""
    kind = type(iterable)
    long = kind is range and len(iterable) > _LONG
    if long or kind in _OF_C or kind.__module__ == "itertools":
        return (item for item in iterable)
    return iterable


_ASKS_FOR_LOCALS = {"locals", "vars", "dir", "eval", "exec"}


def _local(frame: types.FrameType) -> dict[str, Any]:
    """Read the names of a function's frame, and leave no reference in it.

    Python keeps what it gives as ``f_locals`` with the frame: emptied, it holds nothing. Where the
    program asks for it too, it is the program's.
    """
    held = frame.f_locals
    names = dict(held)
    if _ASKS_FOR_LOCALS.isdisjoint(frame.f_code.co_names):
        held.clear()
    return names


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"


def _said(error: BaseException) -> str:
    try:
        return _cut(str(error))
    except Exception as other:
        return f"(its text raises {type(other).__name__})"


@functools.cache
def _warm() -> None:
    """Import what torch imports late: in a cold process it takes seconds, which are no run's."""
    import torch._dynamo  # noqa: F401, PLC0415
