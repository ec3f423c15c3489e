"""The contract that every lesson keeps, whatever its program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from explainers.evidence import Verdict
from explainers.program import Trace, part
from explainers.program.lessons import FigureProof, Lesson, Proof
from explainers.program.topic import snippet
from figures.stage import two
from tests.lessons import corners
from ui import catalogue

LESSONS = [
    pytest.param(lesson, id=f"{page.slug}.{lesson.slug}")
    for page in catalogue.PAGES
    for lesson in getattr(page.topic, "LESSONS", ())
]
EVERY = pytest.mark.parametrize("lesson", LESSONS)


def settings(lesson: Lesson) -> list:
    """Every corner of a lesson's parameters, and its presets."""
    return [*corners(lesson.parameters), *(preset.parameters for preset in lesson.presets)]


def proofs(lesson: Lesson) -> list[Proof | FigureProof]:
    """The checks of a lesson, and of its figure where it has one."""
    return [*lesson.proofs, *(() if lesson.figure is None else lesson.figure.proofs)]


@EVERY
def test_a_lesson_is_written_in_whole_sentences(lesson: Lesson) -> None:
    sentences = [lesson.notice, lesson.ask.because, *lesson.notes.values()]
    sentences += [preset.notice for preset in lesson.presets]
    sentences += [words for slip in lesson.slips for words in (slip.lesson,)]
    sentences += [words for claim in lesson.statements for words in (claim.says, claim.truth)]
    sentences += [proof.statement for proof in proofs(lesson)]
    assert [words for words in sentences if not words.endswith((".", "?"))] == []
    addresses = [slip.source[1] for slip in lesson.slips] + [url for _, url in lesson.references]
    assert all(address.startswith("https://") for address in addresses)


@EVERY
def test_its_words_are_about_lines_and_names_that_are_there(lesson: Lesson) -> None:
    shown = [
        words
        for each in settings(lesson)
        for words in lesson.notes_at(lesson.source(each)).values()
    ]
    # A piece with a hole in it stands in the program, and never in what is shown.
    assert set(lesson.notes.values()) <= set(shown)
    assert lesson.opens in lesson.program
    trace = lesson.trace()
    assert set(lesson.shows) <= set(trace.steps[-1].names)
    ended = trace.failure is not None and trace.failure.after is not None
    assert 0 <= lesson.first_step(trace) < len(trace.steps) + ended
    source = trace.source.splitlines()
    for number, words in lesson.notes_at(trace.source).items():
        assert any(
            piece in source[number - 1] for piece, said in lesson.notes.items() if said == words
        )


@EVERY
def test_its_presets_begin_with_the_defaults_and_differ(lesson: Lesson) -> None:
    if not lesson.presets:
        return
    assert lesson.presets[0].parameters == lesson.parameters()
    assert len({preset.parameters for preset in lesson.presets}) == len(lesson.presets)
    assert len({preset.name for preset in lesson.presets}) == len(lesson.presets)


@EVERY
def test_it_runs_and_its_checks_hold_at_every_corner_of_its_parameters(lesson: Lesson) -> None:
    for setting in settings(lesson):
        trace = lesson.trace(setting)
        failure = trace.failure
        assert failure is None or failure.kind not in {"SyntaxError", "NameError", "Stopped"}
        red = [check.statement for check in lesson.checks(setting) if not check.holds]
        assert red == [], setting


@EVERY
def test_each_of_its_checks_turns_red_on_its_twin(lesson: Lesson) -> None:
    assert lesson.proofs
    blind = [proof.statement for proof in proofs(lesson) if lesson.broken(proof).holds]
    assert blind == []


@EVERY
def test_a_figure_of_its_own_is_proved_and_is_what_its_page_is_given(lesson: Lesson) -> None:
    if lesson.figure is None:
        return
    assert lesson.figure.proofs
    (page,) = (page for page in catalogue.PAGES if lesson in getattr(page.topic, "LESSONS", ()))
    topic = page.topic.TOPIC
    view = topic.explain(topic.settings(lesson))
    kind = type(lesson.seen())
    assert type(view.seen) is kind
    assert kind.__dataclass_params__.frozen
    assert len(topic.view_checks(view)) == len(proofs(lesson))


@EVERY
def test_each_verdict_on_the_notes_turns_on_its_twin(lesson: Lesson) -> None:
    for statement, claim in zip(lesson.statements, lesson.claims(), strict=True):
        assert claim.verdict in Verdict
        assert lesson.otherwise(statement).verdict is not claim.verdict, claim.says


@EVERY
def test_the_wrong_line_and_the_right_one_part(lesson: Lesson) -> None:
    for slip in lesson.slips:
        wrong, right, parting = lesson.parts(slip)
        assert right.failure is None, slip.title
        assert parting is not None, slip.title
        assert part(right, right) is None
        assert wrong.source != right.source


@EVERY
def test_a_mistake_that_says_where_it_opens_opens_later_than_where_its_lines_part(
    lesson: Lesson,
) -> None:
    for slip in lesson.slips:
        if slip.opens:
            runs = lesson.parts(slip)
            start = slip.first_step(runs[0])
            assert start is not None and start > two(*runs, origins=False).start, slip.title
            assert two(*runs, start=start, origins=False).start == start


@EVERY
def test_torchs_answer_is_one_of_the_options(lesson: Lesson) -> None:
    question = lesson.question()
    assert question.options.count(question.answer) == 1
    assert len(set(question.options)) == len(question.options) >= 3


def printed(trace: Trace, lesson: Lesson) -> str:
    """What the last step of a run shows, as the code that is taken away must print it."""
    lines = [step.printed for step in trace.steps if step.printed]
    for name, state in trace.steps[-1].names.items():
        values = getattr(state, "values", None)
        if values is None or not hasattr(state, "requires_grad"):
            continue
        if not lesson.shows or name in lesson.shows:
            lines.append(f"{name} {state.shape} {state.stride} {nested(state.shape, values)}\n")
    return "".join(lines)


def nested(shape: tuple[int, ...], values: tuple) -> object:
    """Values in reading order as nested lists."""
    if not shape:
        return values[0]
    size = len(values) // shape[0] if shape[0] else 0
    return [nested(shape[1:], values[at * size : (at + 1) * size]) for at in range(shape[0])]


RUNNER = """
import contextlib, io, json, runpy, sys, torch
found = []
for path in sys.argv[1:]:
    out = io.StringIO()
    # What a program switches off for good is on again for the next.
    with contextlib.redirect_stdout(out), torch.enable_grad():
        try:
            runpy.run_path(path)
            error = ""
        except Exception as caught:
            error = type(caught).__name__
    found.append([out.getvalue(), error])
print(json.dumps(found))
"""


def test_what_is_taken_away_prints_what_the_stage_shows(tmp_path: Path) -> None:
    cases = [
        (lesson, setting)
        for (lesson,) in (param.values for param in LESSONS)
        for setting in ([preset.parameters for preset in lesson.presets] or [lesson.parameters()])
    ]
    paths = []
    for number, (lesson, setting) in enumerate(cases):
        path = tmp_path / f"{number}.py"
        path.write_text(snippet(lesson, setting))
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *paths], capture_output=True, text=True, check=True
    )
    for (lesson, setting), (out, error) in zip(cases, json.loads(done.stdout), strict=True):
        trace = lesson.trace(setting)
        if trace.failure is not None:
            assert error == trace.failure.kind
        else:
            assert (out, error) == (printed(trace, lesson), ""), (lesson.slug, setting)
