"""Run what a reader types, in a jailed process of its own, and record it as a program of ours.

Nothing of a reader's text is evaluated in the process that calls these functions: it is parsed, and
what runs it is a child of a helper process, which locked itself in. A page asks `submit`, shows
`Job.place` while it waits, and draws the trace that `Job.result` returns. `Trace.jailed` holds of
it: its source must never be handed to `explainers.program.run`.
"""

from explainers.program import Trace
from explainers.scratchpad.language import MOST_CHARACTERS, MOST_LINES
from explainers.scratchpad.language import check as _parsed
from explainers.scratchpad.pool import (
    MOST_AT_ONCE,
    MOST_SECONDS,
    MOST_WAITING,
    REFUSED,
    STOPPED,
    BusyError,
    CancelledError,
    Counts,
    Job,
    UnavailableError,
    available,
    counts,
    starting,
    submit,
)

__all__ = [
    "MOST_AT_ONCE",
    "MOST_CHARACTERS",
    "MOST_LINES",
    "MOST_SECONDS",
    "MOST_WAITING",
    "REFUSED",
    "STOPPED",
    "BusyError",
    "CancelledError",
    "Counts",
    "Job",
    "UnavailableError",
    "available",
    "check",
    "counts",
    "run",
    "starting",
    "submit",
]


def check(source: str) -> None:
    """Refuse a program that the scratchpad's language does not have, before it runs.

    Raises:
        ValueError: ``"line 3: x.numpy is not available here: x.tolist() shows the values"``. The
            text is for the reader as it stands.
    """
    _parsed(source)


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
