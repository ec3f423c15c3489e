"""Declare a lesson: a short torch program with holes, what to notice in it, and how it is proved.

A topic of lessons offers ``LESSONS``. Its page, its proof, its code to take away and its tests are
read from them; a lesson brings no code but its program and the functions that judge its runs.
"""

import ast
import dataclasses
import math
import re
import string
from collections.abc import Callable, Mapping
from typing import Any

from explainers.evidence import Check, Claim, Kind, Question, Verdict
from explainers.parameters import Number, Numbers, Parameters, Preset, Spec
from explainers.pasted import shortest
from explainers.program.figure import Change, Figure, FigureProof
from explainers.program.parting import Parting, part
from explainers.program.running import STOPPED, run
from explainers.program.states import Plain, State, Trace

__all__ = [
    "Ask",
    "Figure",
    "FigureProof",
    "Lesson",
    "NoParameters",
    "Proof",
    "Slip",
    "Statement",
    "final",
    "first",
    "replaced",
    "told",
]


@dataclasses.dataclass(frozen=True)
class NoParameters(Parameters):
    """Declare a program without holes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slip:
    """Declare the line people write in place of the line that does it; both run.

    Attributes:
        title: In a few words, as readers look for it.
        wrong: The line that people write, or some lines.
        right: The line that does what they meant; it stands once in the program.
        lesson: What to take away.
        source: Where people met it: words and address.
        program: Where both run, with the lesson's holes; empty for the lesson's own program.
        shows: Names that get a card, where not all should.
        opens: A piece of the line of the wrong program at which the stage opens, when it is run for
            the last time; where the two part, if it is empty or that line was not reached.
    """

    title: str
    wrong: str
    right: str
    lesson: str
    source: tuple[str, str]
    program: str = ""
    shows: tuple[str, ...] = ()
    opens: str = ""

    def first_step(self, wrong: Trace) -> int | None:
        """Return the number of the step at which the stage opens, from 0; None for the parting's.

        Args:
            wrong: The run with the line that people write.
        """
        return _last_at(wrong, self.opens)


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """Declare a check of a lesson's run against a reference, and an error on which it turns red.

    Attributes:
        statement: What should be true, in one sentence.
        reference: What the run is compared with.
        error: From the trace and the settings to the largest absolute difference.
        twin: A small, plausible error in the program: the piece as it stands, and the wrong one.
        kind: How independent of torch the reference is.
        tolerance: Largest difference that still counts as agreement.
        program: What runs, with the lesson's holes; empty for the lesson's own program.
    """

    statement: str
    reference: str
    error: Callable[[Trace, Any], float]
    twin: Change
    kind: Kind = Kind.INDEPENDENT
    tolerance: float = 0.0
    program: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """Declare a statement of the notes, and the program that decides it.

    Attributes:
        says: What the notes say, in our words.
        where: The heading in the notes.
        program: What runs.
        judge: From its trace to the verdict and what torch gave, in words.
        truth: The statement that is true for this torch.
        twin: A change of the program under which the verdict is another.
    """

    says: str
    where: str
    program: str
    judge: Callable[[Trace], tuple[Verdict, str]]
    truth: str
    twin: Change


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """Declare a question that a program answers.

    Attributes:
        text: The question.
        program: What runs.
        answer: From its trace to the answer, one of the options.
        options: The answers to choose from.
        because: Why.
    """

    text: str
    program: str
    answer: Callable[[Trace], str]
    options: tuple[str, ...]
    because: str


@dataclasses.dataclass(frozen=True, slots=True)
class Lesson:
    """Declare a lesson.

    Attributes:
        slug: Its name in an address.
        title: In a few words.
        notice: What to notice, in one sentence.
        program: The program; ``${name}`` is a hole that the parameter of that name fills.
        parameters: What fills the holes: numbers within bounds, or one of declared choices.
        spelled: By parameter, what its options stand for in the program where not for themselves;
            holes in it are filled too.
        presets: Settings worth a look; the first are the defaults.
        notes: Words on a statement, by a piece of the program that stands in its first line.
        opens: A piece of the line at which the stage opens; the last step, or the error that ended
            the run, where it is empty or that line was not reached.
        shows: Names that get a card, where not all should.
        slips: The mistakes.
        proofs: The checks.
        statements: The notes' statements.
        ask: The question.
        figure: What is shown beside the stage, where the run alone does not show it.
        references: Words and addresses.
        terms: Torch's names that a reader may search for.
    """

    slug: str
    title: str
    notice: str
    program: str
    ask: Ask
    proofs: tuple[Proof, ...]
    parameters: type[Parameters] = NoParameters
    spelled: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    presets: tuple[Preset, ...] = ()
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    opens: str = ""
    shows: tuple[str, ...] = ()
    slips: tuple[Slip, ...] = ()
    statements: tuple[Statement, ...] = ()
    figure: Figure | None = None
    references: tuple[tuple[str, str], ...] = ()
    terms: tuple[str, ...] = ()

    def source(self, settings: Parameters | None = None, program: str = "") -> str:
        """Return the program with the settings in its holes: what is shown, run and taken away.

        A row of numbers stands there as a list, a table as a list of lists, a line a row.

        Args:
            settings: The settings; None for the defaults.
            program: Another one with the same holes, in place of the lesson's own.

        Raises:
            KeyError: A hole has no parameter.
        """
        held = self.parameters() if settings is None else settings
        specs = held.specs()
        said = {name: _said(specs[name], value) for name, value in held.values().items()}
        said |= {
            name: string.Template(options[said[name]]).substitute(said)
            for name, options in self.spelled.items()
        }
        text = (program or self.program).strip("\n")
        return string.Template(text).substitute(said) + "\n"

    def trace(self, settings: Parameters | None = None, *, device: str = "cpu") -> Trace:
        """Run the program at these settings; None for the defaults."""
        return run(self.source(settings), device=device)

    def wrong(self, slip: Slip, settings: Parameters | None = None) -> tuple[str, str]:
        """Return a slip's two programs: with the line that people write, and with the right one.

        Raises:
            ValueError: The right line does not stand in the program once.
        """
        right = slip.program or self.program
        wrong = replaced(right, (slip.right, slip.wrong))
        return self.source(settings, wrong), self.source(settings, right)

    def parts(
        self, slip: Slip, settings: Parameters | None = None, *, device: str = "cpu"
    ) -> tuple[Trace, Trace, Parting | None]:
        """Run a slip's two programs; return both traces and where they part."""
        wrong, right = (run(source, device=device) for source in self.wrong(slip, settings))
        return wrong, right, part(wrong, right)

    def seen(self, settings: Parameters | None = None, *, device: str = "cpu") -> Any:
        """Compute what the lesson's figure shows at these settings.

        None where it has none, and where a bound ended its run: a busy machine may do that.
        """
        held = self.parameters() if settings is None else settings
        return None if self.figure is None else self._seen(self.figure, held, device)

    def checks(
        self, settings: Parameters | None = None, *, seen: Any = None, device: str = "cpu"
    ) -> tuple[Check, ...]:
        """Hold the run at these settings, and the figure's result, against every reference.

        Args:
            settings: The settings; None for the defaults.
            seen: What the figure shows at them, where it is computed already.
            device: Where torch computes.
        """
        held = self.parameters() if settings is None else settings
        found = [self._checked(proof, held, device) for proof in self.proofs]
        if self.figure is not None:
            result = self._seen(self.figure, held, device) if seen is None else seen
            found += [_of_figure(proof, result, held) for proof in self.figure.proofs]
        return tuple(found)

    def broken(self, proof: Proof | FigureProof, settings: Parameters | None = None) -> Check:
        """Return a check under the error that it must see."""
        held = self.parameters() if settings is None else settings
        if isinstance(proof, FigureProof):
            return _of_figure(proof, self._wrongly_seen(proof, held), held)
        program = replaced(proof.program or self.program, proof.twin)
        return self._checked(dataclasses.replace(proof, program=program), held, "cpu")

    def claims(self, *, device: str = "cpu") -> tuple[Claim, ...]:
        """Judge every statement of the notes by running it."""
        return tuple(_judged(statement, statement.program, device) for statement in self.statements)

    def otherwise(self, statement: Statement) -> Claim:
        """Judge a statement under the change that must turn its verdict."""
        return _judged(statement, replaced(statement.program, statement.twin), "cpu")

    def question(self, *, device: str = "cpu") -> Question:
        """Run the question's program and return the question with torch's answer."""
        ask = self.ask
        answer = ask.answer(run(ask.program.strip("\n") + "\n", device=device))
        return Question(ask.text, ask.options, answer, ask.because)

    def notes_at(self, source: str) -> dict[int, str]:
        """Return the words on statements by the number of their line in `source`, from 1."""
        lines = source.splitlines()
        return {
            number: words
            for piece, words in self.notes.items()
            for number, line in enumerate(lines, 1)
            if piece in line
        }

    def first_step(self, trace: Trace) -> int:
        """Return the number of the step at which the stage opens, from 0.

        What ended a run is a step of its own, after the last of `Trace.steps`.
        """
        found = _last_at(trace, self.opens)
        return max(len(_places(trace)) - 1, 0) if found is None else found

    def _seen(self, figure: Figure, settings: Parameters, device: str) -> Any:
        trace = run(self.source(settings, figure.program), device=device)
        return None if _stopped(trace) else figure.result(trace, settings)

    def _wrongly_seen(self, proof: FigureProof, settings: Parameters) -> Any:
        """Compute what the figure shows, with the error in it that the proof must see."""
        if self.figure is None:
            raise ValueError(f"lesson must have a figure, got {self.slug}")
        program = self.figure.program or self.program
        if not callable(proof.twin):
            figure = dataclasses.replace(self.figure, program=replaced(program, proof.twin))
            return self._seen(figure, settings, "cpu")
        return proof.twin(run(self.source(settings, program)), settings)

    def _checked(self, proof: Proof, settings: Parameters, device: str) -> Check:
        trace = run(self.source(settings, proof.program), device=device)
        # Of a run that was ended nothing is known.
        error = math.inf if _stopped(trace) else proof.error(trace, settings)
        return Check(
            proof.statement,
            proof.reference,
            error=error,
            tolerance=proof.tolerance,
            kind=proof.kind,
        )


def _said(spec: Spec, value: Any) -> str:
    """Return a setting as it stands in a program."""
    if isinstance(spec, Number):
        return shortest(value)
    if not isinstance(spec, Numbers):
        return str(value)
    rows = [
        "[" + ", ".join(_written(cell, whole=spec.integer) for cell in row) + "]"
        for row in spec.table(value)
    ]
    return rows[0] if spec.rows == (1, 1) else "[" + ",\n    ".join(rows) + "]"


def _written(cell: float, *, whole: bool) -> str:
    """Return a number as Python reads it: a float unless it is whole by declaration."""
    text = shortest(cell)
    return text if whole or not text.lstrip("-").isdigit() else f"{text}."


def _places(trace: Trace) -> list[tuple[int, int]]:
    """Return the first and last line of each step, of what ended the run, too."""
    places = [(step.first, step.last) for step in trace.steps]
    if trace.failure is not None and trace.failure.after is not None:
        places.append((trace.failure.line, trace.failure.line))
    return places


def _last_at(trace: Trace, piece: str) -> int | None:
    """Return the last step on a line with this piece in it, from 0; None where there is none."""
    lines = trace.source.splitlines()
    at = [
        index
        for index, (start, end) in enumerate(_places(trace))
        if piece and any(piece in line for line in lines[max(start - 1, 0) : end])
    ]
    return at[-1] if at else None


def _stopped(trace: Trace) -> bool:
    return trace.failure is not None and trace.failure.kind == STOPPED


def final(trace: Trace, name: str) -> Any:
    """Return what a name of the module level was when the program ended.

    Raises:
        KeyError: There is no such name.
    """
    state: State = trace.steps[-1].names[name]
    return state


def first(trace: Trace, name: str) -> Any:
    """Return what a name of the module level was when it was first bound.

    Raises:
        KeyError: There is no such name.
    """
    for step in trace.steps:
        if name in step.names:
            return step.names[name]
    raise KeyError(name)


def told(trace: Trace, name: str) -> Any:
    """Return a number, a text, or a list or dict of them as it was when the program ended.

    None where there is no such name, or where it held something else.
    """
    state = trace.steps[-1].names.get(name)
    return ast.literal_eval(state.text) if isinstance(state, Plain) else None


def replaced(program: str, change: Change) -> str:
    """Return a program with one piece in place of another; indentation is kept.

    Raises:
        ValueError: The piece does not stand in it once.
    """
    old, new = change
    if (count := program.count(old)) != 1:
        raise ValueError(f"change must name a piece that stands once, got {count} of {old!r}")
    line = next(line for line in program.splitlines() if old.splitlines()[0] in line)
    indent = re.match(r"\s*", line)[0] if line.lstrip().startswith(old.splitlines()[0]) else ""  # type: ignore[index]
    first, *more = new.splitlines() or [""]
    last = "\n" if new.endswith("\n") else ""
    return program.replace(old, "\n".join([first, *(indent + each for each in more)]) + last)


def _of_figure(proof: FigureProof, result: Any, settings: Parameters) -> Check:
    return Check(
        proof.statement,
        proof.reference,
        error=math.inf if result is None else proof.error(result, settings),
        tolerance=proof.tolerance,
        kind=proof.kind,
    )


def _judged(statement: Statement, program: str, device: str) -> Claim:
    verdict, measured = statement.judge(run(program.strip("\n") + "\n", device=device))
    return Claim(statement.says, statement.where, verdict, measured, statement.truth)
