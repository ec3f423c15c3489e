"""Run a reader's program and hold what came of it: a run, a refusal, a place in the queue.

The project's own programs run in this process; what a reader has written runs in the jail. Nothing
here waits longer than it is told, and nothing is drawn.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from explainers import program, scratchpad
from explainers.program import ArrayState, OptimizerState, State, TensorState, Trace
from explainers.scratchpad import puzzles
from figures.stage import Stage, staged
from ui import offered
from ui.offered import GALLERY, Offer
from ui.turns import turn

__all__ = ["MOST_CELLS", "Attempt", "Refusal"]

MOST_CELLS = 400_000
"""Cells of all steps together that are drawn of a reader's run: a quarter of a second's work, in
which every other reader of the process waits."""

_AT_LINE = re.compile(r"line (\d+): ")
_EMPTY = "Type a line of torch first"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say why a program did not run, in a sentence, and at which line, from 1; 0 for none."""

    line: int
    words: str


class Attempt:
    """Hold what one reader has asked for, and what came of it.

    Attributes:
        offer: What the page was opened with, or the reader chose.
        source: The program that was asked for last, or the offer's.
        turn: Counts the offers: another brings its program to the reader.
        ran: Counts what is over, whatever came of it.
        drawn: The last run; None before there is one.
        refused: Why the last program did not run; None where it did.
        said: What is said of a puzzle's answer; "" for nothing.
        elapsed: Seconds that the last run took, the wait for it included.
        jailed: Whether the last run was in the jail.
    """

    def __init__(self, reader: str) -> None:
        """Begin with the gallery's first program; `reader` tells this one from others."""
        self.offer = next(iter(GALLERY.values()))
        self.source = self.offer.source
        self.turn = self.ran = 0
        self.drawn: Stage | None = None
        self.refused: Refusal | None = None
        self.said = ""
        self.elapsed = 0.0
        self.jailed = False
        self._reader = reader
        self._jobs: list[scratchpad.Job] = []
        self._asked = 0.0
        self._made: Offer | None = None

    @property
    def shown(self) -> Offer:
        """What the page shows: the offer as it was made, or what the reader has made of it."""
        if self.source == self.offer.source:
            return self.offer
        made, puzzle = self._made, self.offer.puzzle
        if made is None or made.source != self.source or made.puzzle is not puzzle:
            made = self._made = offered.of_text(self.source, puzzle)
        return made

    @property
    def waits(self) -> bool:
        """Whether something was asked for that is not over."""
        return bool(self._jobs)

    @property
    def place(self) -> int:
        """Place in the queue, from 1; 0 where it runs, or nothing waits."""
        return self._jobs[0].place() if self._jobs else 0

    def take(self, offer: Offer) -> None:
        """Bring another program, and run it."""
        self.leave()
        self.offer, self.source = offer, offer.source
        self.turn += 1
        self.drawn = None
        self.ask(offer.source)

    def ask(self, text: str) -> None:
        """Ask for a program to be run; what was asked for before is given up."""
        self.leave()
        # A browser may send half of a character, which no message takes.
        self.source = text.encode("utf-8", "replace").decode()
        self.refused, self.said = None, ""
        self._asked = time.monotonic()
        if self.offer.ours and self.source == self.offer.source:
            with turn():
                self._over(program.run(self.source), jailed=False)
            return
        try:
            if not self.source.strip():
                raise ValueError(_EMPTY)
            # The others belong to this one: they give up nothing.
            self._jobs = [scratchpad.submit(self.source, reader=self._reader)]
            self._jobs += [scratchpad.submit(other) for other in self._others()]
        except (ValueError, scratchpad.BusyError, scratchpad.UnavailableError) as error:
            self._refuse(str(error))

    def wait(self, seconds: float) -> None:
        """Wait for what was asked for, at most so long, and take what came of it."""
        until = time.monotonic() + seconds
        for job in self._jobs:
            if not job.wait(max(0.0, until - time.monotonic())):
                return
        jobs, self._jobs = self._jobs, []
        if not jobs:
            return
        try:
            traces = [job.result() for job in jobs]
        except scratchpad.CancelledError:
            return self._refuse("Another run of yours has taken the place of this one")
        except scratchpad.UnavailableError as error:
            return self._refuse(str(error))
        with turn():
            self._over(*traces, jailed=True)

    def leave(self) -> None:
        """Give up what was asked for."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.cancel()

    def _others(self) -> Sequence[str]:
        """Return what else must run for a puzzle's answer to be judged."""
        puzzle = self.offer.puzzle
        if puzzle is None:
            return ()
        scratchpad.check(self.source)
        self.said = puzzles.objection(puzzle, self.source)
        return () if self.said else puzzles.variants(puzzle, self.source)

    def _over(self, trace: Trace, *others: Trace, jailed: bool) -> None:
        self.ran += 1
        self.elapsed, self.jailed = time.monotonic() - self._asked, jailed
        failure = trace.failure
        if not trace.steps and (failure is None or failure.after is None):
            line = failure.line if failure is not None else 0
            words = failure.message if failure is not None else "Nothing in it is to be run"
            self.refused = _refusal(f"line {line}: {words}" if line else words)
            return
        lesson = self.offer.lesson if not jailed else None
        self.drawn = staged(
            self._bounded(trace) if jailed else trace,
            notes=lesson.notes_at(trace.source) if lesson else None,
            start=lesson.first_step(trace) if lesson else None,
            shows=lesson.shows if lesson else (),
            title="The program",
        )
        if others and self.offer.puzzle is not None:
            self.said = puzzles.judged(self.offer.puzzle, (trace, *others)).words

    def _bounded(self, trace: Trace) -> Trace:
        """Return of a run the steps that may be drawn, and say how many where not all may."""
        cells = 0
        for number, step in enumerate(trace.steps):
            cells += sum(map(_cells, chain(step.names.values(), step.local.values())))
            if cells > MOST_CELLS and number:
                self.said = (
                    f"The first {number} of {len(trace.steps)} steps: with the others their "
                    f"tensors hold more than {MOST_CELLS:,} cells."
                )
                return replace(trace, steps=trace.steps[:number], failure=None)
        return trace

    def _refuse(self, words: str) -> None:
        self.leave()
        self.ran += 1
        self.refused = _refusal(words)


def _cells(state: State) -> int:
    """Return how many cells are recorded of a state, and of all that it holds."""
    own = 1
    match state:
        case TensorState():
            own += len(state.values or ()) + (_cells(state.grad) if state.grad else 0)
        case ArrayState():
            own += len(state.values or ())
        case OptimizerState():
            groups = chain(state.groups, state.state.values())
            own += sum(_cells(one) for group in groups for one in group.values())
    return own + sum(_cells(one) for _, one in program.inside("", state))


def _refusal(words: str) -> Refusal:
    found = _AT_LINE.match(words)
    sentence = words[:1].upper() + words[1:]
    end = "" if sentence.endswith((".", "?", "!")) else "."
    return Refusal(int(found[1]) if found else 0, sentence + end)
