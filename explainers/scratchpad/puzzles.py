"""Judge what a reader made of a puzzle: torch runs the lines on what was given, and on more.

The reader's program runs in the jail alone. What is compared are its records; the answer that is
wanted comes from our own solution.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from explainers import program
from explainers.program import State, TensorState, Trace
from explainers.scratchpad.gallery import Puzzle

__all__ = ["ANSWER", "Judgement", "judged", "objection", "variants"]

ANSWER = "answer"
"""The name that the reader's lines must bind."""

_NEAR = 1e-6
_LOOPS = (ast.For, ast.While, ast.comprehension)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Say whether a puzzle is solved, and what is missing, in one sentence."""

    solved: bool
    words: str


def objection(puzzle: Puzzle, source: str) -> str:
    """Say why a program cannot solve a puzzle, whatever it computes; "" where it may.

    Args:
        puzzle: What is asked.
        source: The reader's program, bounded; one that is no Python is not objected to: its run
            tells.
    """
    if not source.startswith(puzzle.given):
        return "The puzzle's first lines have changed: choose it again to have them back."
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, _LOOPS):
            at = node.target if isinstance(node, ast.comprehension) else node
            return f"Line {at.lineno} is a loop: the puzzle is to do without."
    return ""


def variants(puzzle: Puzzle, source: str) -> tuple[str, ...]:
    """Return the reader's lines under what else might be given: programs for the jail."""
    return tuple(other + source.removeprefix(puzzle.given) for other in puzzle.others)


def judged(puzzle: Puzzle, traces: Sequence[Trace]) -> Judgement:
    """Compare what the reader's lines made with what is wanted.

    Args:
        puzzle: What is asked.
        traces: Of the reader's program, and of its `variants`, in their order.
    """
    for number, (given, trace) in enumerate(
        zip((puzzle.given, *puzzle.others), traces, strict=True)
    ):
        wanted = program.run(given + puzzle.solution).steps[-1].names[ANSWER]
        words = _missing(trace, wanted)
        if words and number:
            line = given.strip().splitlines()[-1]
            return Judgement(False, f"Right as it stands, but with {line} it is not: {words}")
        if words:
            return Judgement(False, words[0].upper() + words[1:])
    return Judgement(True, "Solved: torch made the answer here, and of other tensors too.")


def _missing(trace: Trace, wanted: State) -> str:
    """Say what a run lacks to have made what is wanted; "" for nothing."""
    assert isinstance(wanted, TensorState) and wanted.values is not None
    if trace.failure is not None:
        return f"the program ends at line {trace.failure.line} with {trace.failure.kind}."
    found = trace.steps[-1].names.get(ANSWER) if trace.steps else None
    if not isinstance(found, TensorState):
        return f"no tensor is called {ANSWER} yet."
    if found.shape != wanted.shape:
        return f"{ANSWER} has shape {found.shape}; {wanted.shape} is asked for."
    if found.dtype != wanted.dtype:
        return f"{ANSWER} is {found.dtype}; {wanted.dtype} is asked for."
    if found.values is None:
        return f"{ANSWER} holds no values."
    off = [
        at
        for at, (one, other) in enumerate(zip(found.values, wanted.values, strict=True))
        if one != other and not abs(one - other) <= _NEAR * max(1.0, abs(other))
    ]
    if not off:
        return ""
    index = _index(off[0], wanted.shape)
    number = (
        f"{len(off)} of {len(wanted.values)} cells differ" if len(off) > 1 else "a cell differs"
    )
    at = ", ".join(map(str, index))
    is_, asked = found.values[off[0]], wanted.values[off[0]]
    return f"{number}: {ANSWER}[{at}] is {is_:g}; {asked:g} is asked for."


def _index(number: int, shape: Sequence[int]) -> tuple[int, ...]:
    found = []
    for size in reversed(shape):
        number, at = divmod(number, size)
        found.append(at)
    return tuple(reversed(found))
