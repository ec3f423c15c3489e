"""Make a topic of lessons: what every page's topic offers, read from their declarations."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from explainers import devices
from explainers.evidence import Check, Claim, Question
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Lesson
from explainers.program.states import TensorState, Trace

__all__ = ["LESSON", "Lessons", "View", "snippet"]

LESSON = "lesson"
"""What an address calls the lesson on show."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold a lesson as it ran under some settings.

    Attributes:
        lesson: The lesson on show.
        settings: Its own settings, which fill its program's holes.
        trace: The run.
        start: The step at which the stage opens, from 0.
        notes: Words on statements, by the number of their line, from 1.
        seen: What the lesson's figure shows; None where it has none, or its run was ended.
    """

    lesson: Lesson
    settings: Parameters
    trace: Trace
    start: int
    notes: Mapping[int, str]
    seen: Any = None


class Lessons:
    """Offer some lessons as one topic: parameters, presets, view, proof, question and code.

    The page's parameters are which lesson is on show and the parameters of every lesson, each under
    ``<lesson>_<name>``: an address restores them all, and spells only what is not a default.
    """

    def __init__(self, name: str, lessons: Sequence[Lesson]) -> None:
        """Take the lessons, at least one; `name` is the class of the page's parameters.

        Raises:
            ValueError: Two lessons have one slug.
        """
        self.lessons = tuple(lessons)
        slugs = tuple(lesson.slug for lesson in self.lessons)
        if len(set(slugs)) != len(slugs):
            raise ValueError(f"lessons must have slugs that differ, got {', '.join(slugs)}")
        self.kind = _parameters(name, self.lessons)
        self.presets = tuple(
            Preset(lesson.title, lesson.notice, self.settings(lesson)) for lesson in self.lessons
        )
        self.references = tuple(
            dict.fromkeys(entry for lesson in self.lessons for entry in lesson.references)
        )

    def settings(self, lesson: Lesson, own: Parameters | None = None) -> Any:
        """Return the page's parameters with a lesson on show at its own; None for its defaults."""
        held = (lesson.parameters() if own is None else own).values()
        named = {f"{lesson.slug}_{name}": value for name, value in held.items()}
        return self.kind(**{LESSON: lesson.slug, **named})

    def chosen(self, settings: Parameters) -> tuple[Lesson, Parameters]:
        """Return the lesson that the page's parameters show, and its own parameters."""
        values = settings.values()
        (lesson,) = (entry for entry in self.lessons if entry.slug == values[LESSON])
        names = lesson.parameters.specs()
        return lesson, lesson.parameters(
            **{name: values[f"{lesson.slug}_{name}"] for name in names}
        )

    def notice(self, settings: Parameters) -> str:
        """Return what to notice at these settings; empty where no preset of the lesson is shown."""
        lesson, own = self.chosen(settings)
        for preset in lesson.presets:
            if preset.parameters == own:
                return preset.notice
        return lesson.notice if own == lesson.parameters() else ""

    def explain(self, settings: Parameters, *, device: str = "cpu") -> View:
        """Run the lesson on show.

        Args:
            settings: The page's parameters.
            device: Where the program's tensors are made by default.

        Returns:
            The run, and where to look first.

        Raises:
            ValueError: `device` is not there.
        """
        lesson, own = self.chosen(settings)
        where = str(devices.device(device))
        trace = lesson.trace(own, device=where)
        return View(
            lesson,
            own,
            trace,
            lesson.first_step(trace),
            lesson.notes_at(trace.source),
            lesson.seen(own, device=where),
        )

    def checks(self, *, device: str = "cpu") -> tuple[Check, ...]:
        """Hold every lesson, at its defaults, against its references."""
        return tuple(
            dataclasses.replace(check, statement=f"{lesson.title}: {check.statement}")
            for lesson in self.lessons
            for check in lesson.checks(device=str(devices.device(device)))
        )

    def view_checks(self, view: View, *, device: str = "cpu") -> tuple[Check, ...]:
        """Hold the lesson on show, at its settings, against its references."""
        return view.lesson.checks(view.settings, seen=view.seen, device=device)

    def claims(self, *, device: str = "cpu") -> tuple[Claim, ...]:
        """Judge what the notes say, lesson by lesson."""
        where = str(devices.device(device))
        return tuple(claim for lesson in self.lessons for claim in lesson.claims(device=where))

    def question(self, lesson: Lesson | None = None, *, device: str = "cpu") -> Question:
        """Return a lesson's question with torch's answer; None for the first lesson's."""
        return (lesson or self.lessons[0]).question(device=str(devices.device(device)))

    def snippet(self, settings: Parameters, *, device: str = "cpu") -> str:
        """Return the program on show, and lines that print what the stage shows at its end."""
        lesson, own = self.chosen(settings)
        return snippet(lesson, own, device=device)


def snippet(lesson: Lesson, settings: Parameters | None = None, *, device: str = "cpu") -> str:
    """Return a lesson's program at these settings, and lines that print its tensors at the end.

    A program that torch refuses stands alone: it ends by raising.
    """
    trace = lesson.trace(settings, device=device)
    head = "" if device == "cpu" else f'import torch\n\ntorch.set_default_device("{device}")\n'
    if trace.failure is not None or not trace.steps:
        return head + trace.source
    shown = [
        name
        for name, state in trace.steps[-1].names.items()
        if isinstance(state, TensorState)
        and state.values is not None
        and (not lesson.shows or name in lesson.shows)
    ]
    lines = [
        f'print("{name}", tuple({name}.shape), {name}.stride(), {name}.tolist())' for name in shown
    ]
    shows = "\n" + "\n".join(lines) + "\n" if lines else ""
    return head + trace.source + shows


def _parameters(name: str, lessons: Sequence[Lesson]) -> type[Parameters]:
    slugs = tuple(lesson.slug for lesson in lessons)
    titles = tuple(lesson.title for lesson in lessons)
    which = choice(slugs[0], slugs, label="lesson", help="On show.", words=titles)
    fields: list[tuple[str, Any, Any]] = [(LESSON, str, which)]
    for lesson in lessons:
        fields += [
            (
                f"{lesson.slug}_{field.name}",
                field.type,
                dataclasses.field(default=field.default, metadata=field.metadata),
            )
            for field in dataclasses.fields(lesson.parameters)
        ]
    made: type[Parameters] = dataclasses.make_dataclass(
        name, fields, bases=(Parameters,), frozen=True, namespace={"__doc__": "Hold what is shown."}
    )
    made.__module__ = __name__
    return made
