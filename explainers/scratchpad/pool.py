"""Hand programs to the helper process, a few at a time, and wait for what comes back."""

import atexit
import contextlib
import dataclasses
import json
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from explainers.program import Failure, Trace
from explainers.scratchpad import encoding, helper, jail, language

MOST_AT_ONCE = 4
"""Children that run at the same time."""
MOST_WAITING = 64
"""Runs that may wait beside those."""
MOST_SECONDS = 10.0
"""Seconds of the processor that a run may be given."""
REFUSED = "Refused"
"""The `Failure.kind` of a run that a wall ended: its message says what is not available and why."""
STOPPED = "Stopped"
"""The `Failure.kind` of a run that a bound ended."""
WALLS = ("values", "operators")
"""The walls within the child that stand. Tests take one away to see whether the next holds."""

_START = 300.0
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
}
_ENDED = {
    helper.KILLED: "The run was ended: it took too much time or memory, or torch itself gave up.",
    helper.TOO_MUCH: "The run was ended: it made more than the stage can show.",
}


class BusyError(Exception):
    """Too many runs wait. Its text is a sentence for the reader."""


class CancelledError(Exception):
    """The run was given up: the same reader asked for another, or `Job.cancel` was called."""


class UnavailableError(Exception):
    """Nothing can run here. Its text is a sentence for the reader."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """Say what was run in this process so far, and what runs now.

    Attributes:
        runs: That gave a trace, whatever is in it.
        refused: Programs that `check` refused, and runs that a wall ended.
        killed: Children that were ended at their time or for their memory, or that crashed.
        cancelled: Runs that were given up.
        seconds: From the begin of a child to its end, of all runs together.
        running: Children now.
        waiting: Runs in the queue now.
        helpers: Helper processes that were started.
        memory: Bytes that the helper and its children have now, without what is a file's.
    """

    runs: int = 0
    refused: int = 0
    killed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    running: int = 0
    waiting: int = 0
    helpers: int = 0
    memory: int = 0


class Job:
    """A run that was asked for."""

    def __init__(
        self, pool: "Pool", source: str, seconds: float, reader: str, walls: Sequence[str]
    ) -> None:
        self.source, self.seconds, self.reader, self.walls = source, seconds, reader, tuple(walls)
        self._pool = pool
        self._done = threading.Event()
        self._outcome: Trace | Exception | None = None

    def place(self) -> int:
        """Return the place in the queue, from 1; 0 once it runs, and when it is done."""
        return self._pool.place(self)

    def done(self) -> bool:
        """Return whether `result` has something to say at once."""
        return self._done.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is done, at most so long; return whether it is."""
        return self._done.wait(seconds)

    def cancel(self) -> None:
        """Give it up: take it out of the queue, or kill its child."""
        self._pool.cancel(self)

    def result(self) -> Trace:
        """Wait for the trace.

        Raises:
            CancelledError: It was given up.
            UnavailableError: The helper does not start, or ended.
        """
        self._done.wait()
        if isinstance(self._outcome, Trace):
            return self._outcome
        raise self._outcome or UnavailableError("The run was lost.")

    def ends(self, outcome: Trace | Exception) -> None:
        """Take what came of it; only the first counts."""
        if not self._done.is_set():
            self._outcome = outcome
            self._done.set()


class Pool:
    """A helper process, and who waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self._running: dict[int, Job] = {}
        self._number = 0
        self._helper: _Helper | None = None
        self._failed = False
        self._counts = Counts()

    @property
    def pid(self) -> int:
        """The helper's process; 0 where there is none."""
        held = self._helper
        return held.pid if held is not None else 0

    def starting(self) -> bool:
        """Start the helper where none stands; return whether it is on its way.

        One that did not come up is not started again by this, but by the next wish to run.
        """
        with self._lock:
            if self._helper is None and not self._failed:
                with contextlib.suppress(OSError):
                    self._start()
            return self._helper is not None and not self._helper.ready

    def submit(
        self, source: str, *, seconds: float, reader: str = "", walls: Sequence[str] = WALLS
    ) -> Job:
        """Queue a program, which is not looked at here.

        Raises:
            BusyError: Too many wait.
            ValueError: The seconds are too many.
        """
        if not 0 < seconds <= MOST_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MOST_SECONDS:g}, got {seconds}")
        job = Job(self, source, float(seconds), reader, walls)
        with self._lock:
            before = [*self._waiting, *self._running.values()]
        for other in before:
            if reader and other.reader == reader:
                other.cancel()
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                raise BusyError("Too many programs wait to be run here. Try again in a minute.")
            self._waiting.append(job)
            self._hand_out()
        return job

    def place(self, job: Job) -> int:
        """Return the place of a job in the queue, from 1; 0 where it is not there."""
        with self._lock:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def cancel(self, job: Job) -> None:
        """Give up a job."""
        with self._lock:
            if job.done():
                return
            job.ends(CancelledError("The run was given up for another."))
            self._count(cancelled=1)
            if job in self._waiting:
                self._waiting.remove(job)
            for number, one in self._running.items():
                if one is job and self._helper is not None:
                    self._helper.ask({"kill": number})

    def refused(self) -> None:
        """Count a program that was refused before it ran."""
        with self._lock:
            self._count(refused=1)

    def counts(self) -> Counts:
        """Return what was run so far, and what runs now."""
        with self._lock:
            now = {"running": len(self._running), "waiting": len(self._waiting)}
            counts = dataclasses.replace(self._counts, **now)
        pid = self.pid
        return dataclasses.replace(counts, memory=_memory(pid) if pid else 0)

    def close(self) -> None:
        """End the helper and its children."""
        with self._lock:
            ended, self._helper = self._helper, None
        if ended is not None:
            ended.close()

    # -- with the lock held

    def _count(self, **more: float) -> None:
        now = {name: getattr(self._counts, name) + one for name, one in more.items()}
        self._counts = dataclasses.replace(self._counts, **now)

    def _hand_out(self) -> None:
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            job = self._waiting.pop(0)
            if self._helper is None:
                try:
                    self._start()
                except OSError as error:
                    job.ends(UnavailableError(f"The scratchpad does not start: {error.strerror}."))
                    continue
            assert self._helper is not None
            self._number += 1
            self._running[self._number] = job
            asked = {"number": self._number, "source": job.source, "seconds": job.seconds}
            self._helper.ask({**asked, "walls": list(job.walls)})

    def _start(self) -> None:
        self._failed = True  # until it says that it is ready
        self._helper = _Helper(self)
        self._count(helpers=1)

    # -- on the thread that listens

    def stands(self) -> None:
        """Take it that the helper is ready."""
        self._failed = False

    def answered(self, number: int, how: int, text: bytes, seconds: float) -> None:
        """Take what the helper says of a run."""
        with self._lock:
            job = self._running.pop(number, None)
            self._hand_out()
        if job is None:
            return
        outcome = _read(job, how, text)
        failure = outcome.failure
        with self._lock:
            self._count(seconds=seconds)
            if not job.done():
                killed = how != helper.DONE
                refused = failure is not None and failure.kind == REFUSED
                self._count(runs=1, killed=int(killed), refused=int(refused))
        job.ends(outcome)

    def lost(self, ended: "_Helper", why: str) -> None:
        """Take it that a helper is gone: who ran in it is told, who waits gets another."""
        with self._lock:
            if self._helper is not ended:
                return
            self._helper = None
            gone, self._running = list(self._running.values()), {}
            if not ended.ready:  # another would not start either
                gone, self._waiting = [*gone, *self._waiting], []
            self._hand_out()
        for job in gone:
            job.ends(UnavailableError(why))
        ended.close()


def _read(job: Job, how: int, text: bytes) -> Trace:
    if how == helper.DONE:
        try:
            return encoding.decoded(text, job.source)
        except ValueError:
            how = helper.KILLED
    return Trace(job.source, (), Failure(0, STOPPED, _ENDED[how]), "cpu", True)


class _Helper:
    """The server's end of a helper process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.ready = False
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                helper.command(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in the terminal is the server's
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid
        self._door = ours
        self._asking = threading.Lock()
        threading.Thread(target=self._listen, name="scratchpad", daemon=True).start()

    def ask(self, what: dict[str, object]) -> None:
        """Send a wish. Where the helper is gone, whoever listens finds out."""
        text = json.dumps(what).encode()
        with self._asking, contextlib.suppress(OSError):
            self._door.sendall(struct.pack("<I", len(text)) + text)

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        why = "The scratchpad did not start on this server."
        try:
            self._door.settimeout(_START)
            while True:
                head = self._take(helper.HEAD.size)
                number, how, size, seconds = helper.HEAD.unpack(head)
                if size > encoding.MOST_BYTES + 1:
                    break
                text = self._take(size)
                if how == helper.READY:
                    self.ready = True
                    self._pool.stands()
                    self._door.settimeout(None)
                else:
                    self._pool.answered(number, how, text, seconds)
        except (OSError, EOFError):
            pass
        if self.ready:
            why = "The process that runs programs ended; the next run starts another."
        self._pool.lost(self, why)
        self._door.close()

    def _take(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._door.recv(min(size, 1 << 18))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _memory(pid: int) -> int:
    """Bytes of a process and its children that are no file's, those they share counted once."""
    total = 0
    for one in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss_Anon:"):
                    total += int(line.split()[1]) << 10
    return total


def _children(pid: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = stat.read_text().rsplit(") ", 1)[1].split()[1]
            if int(parent) == pid:
                yield int(stat.parent.name)


_POOL = Pool()
atexit.register(_POOL.close)


def available() -> str:
    """Say in one sentence why this host cannot jail a run; "" where it can.

    The first call tries it out in a process of its own, without torch: tens of milliseconds.
    """
    return jail.available()


def starting() -> bool:
    """Start, in the background, what runs programs; return whether it is still on its way.

    For a page on which somebody is about to type: the first run then waits less. False where it
    stands, and where this host cannot jail.
    """
    return not jail.available() and _POOL.starting()


def submit(source: str, *, seconds: float = 2.0, reader: str = "") -> Job:
    """Queue a program to be run in a jailed process; return at once.

    Args:
        source: The program.
        seconds: Of the processor that it may have; on a busy machine three times as long may pass.
        reader: Who asks. What the same reader asked for before and has not got yet is cancelled;
            with "" nothing is.

    Raises:
        ValueError: As `check`; or the seconds are not above 0, or above 10.
        BusyError: Too many wait.
        UnavailableError: This host cannot jail; the sentence of `available`.
    """
    why = jail.available()
    if why:
        raise UnavailableError(why)
    try:
        language.check(source)
    except ValueError:
        _POOL.refused()
        raise
    return _POOL.submit(source, seconds=seconds, reader=reader)


def counts() -> Counts:
    """Return what was run so far in this process, and what runs now."""
    return _POOL.counts()
