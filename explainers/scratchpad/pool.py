"""Hand programs to the helper process, a few at a time, and wait for what comes back."""

import dataclasses

from explainers.program import Trace

MOST_AT_ONCE = 4
"""Children that run at the same time."""
MOST_WAITING = 64
"""Runs that may wait beside those."""


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
        memory: Bytes that the helper and its children take now beyond what they share.
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

    def place(self) -> int:
        """Return the place in the queue, from 1; 0 once it runs, and when it is done."""
        raise NotImplementedError

    def done(self) -> bool:
        """Return whether `result` has something to say at once."""
        raise NotImplementedError

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is done, at most so long; return whether it is."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Give it up: take it out of the queue, or kill its child."""
        raise NotImplementedError

    def result(self) -> Trace:
        """Wait for the trace.

        Raises:
            CancelledError: It was given up.
            UnavailableError: The helper does not start, or ended.
        """
        raise NotImplementedError
