"""Run what a reader types, in a jailed process of its own, and record it as a program of ours.

Nothing of a reader's text is evaluated in the process that calls these functions: it is parsed, and
what runs it is a child of a helper process. A page asks `submit`, shows `Job.place` while it waits,
and draws the trace that `Job.result` returns. Of such a trace `Trace.jailed` holds: its source must
never be handed to `explainers.program.run`.
"""

from explainers.program import Trace
from explainers.scratchpad.pool import BusyError, CancelledError, Counts, Job, UnavailableError

__all__ = [
    "MOST_CHARACTERS",
    "MOST_LINES",
    "REFUSED",
    "BusyError",
    "CancelledError",
    "Counts",
    "Job",
    "UnavailableError",
    "available",
    "check",
    "counts",
    "run",
    "submit",
]

MOST_CHARACTERS = 4_000
"""Characters of a program."""
MOST_LINES = 80
"""Lines of a program."""
REFUSED = "Refused"
"""The `Failure.kind` of a run that a wall ended: its message says what is not available and why."""


def available() -> str:
    """Say in one sentence why this host cannot jail a run; "" where it can.

    The first call tries it out in a process of its own, without torch: tens of milliseconds.
    """
    raise NotImplementedError


def check(source: str) -> None:
    """Refuse a program that the scratchpad's language does not have, before it runs.

    Raises:
        ValueError: ``"line 3: x.numpy is not available here: x.tolist() shows the values"``. The
            text is for the reader as it stands.
    """
    raise NotImplementedError


def submit(source: str, *, seconds: float = 2.0, reader: str = "") -> Job:
    """Queue a program to be run in a jailed process; return at once.

    Args:
        source: The program.
        seconds: Of the processor that it may have; three times as long may pass until it is killed.
        reader: Who asks. What the same reader asked for before and has not got yet is cancelled;
            with "" nothing is.

    Raises:
        ValueError: As `check`.
        BusyError: Too many wait.
        UnavailableError: This host cannot jail; the sentence of `available`.
    """
    raise NotImplementedError


def run(source: str, *, seconds: float = 2.0, reader: str = "") -> Trace:
    """Run a program in a jailed process of its own, and wait for its trace.

    What the program does wrong is the trace's `failure`: an exception of Python's or torch's under
    its own name; `REFUSED` where it asked for what is not available, which only shows as it runs;
    ``"Stopped"`` where a bound on time or memory ended it, then perhaps without a step.

    Args:
        source: The program.
        seconds: As of `submit`.
        reader: As of `submit`.

    Raises:
        ValueError: As `check`.
        BusyError, UnavailableError: As `submit`.
        CancelledError: The same reader asked for another run meanwhile.
    """
    return submit(source, seconds=seconds, reader=reader).result()


def counts() -> Counts:
    """Return what was run so far in this process, and what runs now."""
    raise NotImplementedError
