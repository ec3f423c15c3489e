"""Say what an address opens the scratchpad with: a program of ours, a lesson's, a reader's.

The first two are made here and now of what the project itself declares, so they may run in this
process. Of a reader's program only the text comes from the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from explainers.parameters import Parameters, shown
from explainers.program.lessons import Lesson, Slip
from explainers.program.topic import LESSON
from explainers.scratchpad import gallery
from ui import address, catalogue, packing

__all__ = [
    "GALLERY",
    "LINE",
    "LINES",
    "PROGRAM",
    "START",
    "Offer",
    "lesson_query",
    "of_text",
    "offer",
]

START, PROGRAM, LINE = "start", "program", "line"
"""What an address calls a program of the gallery's, a packed one, and which line of a mistake."""

LINES = ("wrong", "right")
"""A mistake's lines, in the order in which a lesson gives their programs."""

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Offer:
    """Hold a program to open with.

    Attributes:
        query: What the address spells to offer it again.
        source: The program.
        ours: Whether the project itself has written it.
        title: Where it comes from, in a few words.
        notice: What to notice, or to do, in one sentence.
        puzzle: What is asked for, where it is a puzzle.
        lesson: The lesson that it is, with what is said to its lines and where its stage opens.
    """

    query: Mapping[str, str]
    source: str
    ours: bool
    title: str = ""
    notice: str = ""
    puzzle: gallery.Puzzle | None = None
    lesson: Lesson | None = field(default=None, repr=False)


GALLERY: Mapping[str, Offer] = MappingProxyType(
    {
        entry.slug: Offer(
            {START: entry.slug},
            entry.program,
            ours=True,
            title=entry.title,
            notice=entry.notice,
            puzzle=entry if isinstance(entry, gallery.Puzzle) else None,
        )
        for entry in (*gallery.STARTS, *gallery.PUZZLES)
    }
)
"""The gallery, by the names that an address has for it; the first is what the page opens with."""


def linked(source: str, puzzle: gallery.Puzzle | None = None) -> dict[str, str]:
    """Return what an address spells to open a program, and the puzzle that it is to solve.

    Raises:
        ValueError: It is too long for a link.
    """
    asked = {} if puzzle is None else {START: puzzle.slug}
    return asked | {PROGRAM: packing.packed(source)}


def of_text(source: str, puzzle: gallery.Puzzle | None = None) -> Offer:
    """Return a reader's program; a program too long for a link has no address."""
    try:
        query: Mapping[str, str] = linked(source, puzzle)
    except ValueError:
        query = _NONE
    return Offer(query, source, ours=False, puzzle=puzzle)


def lesson_query(
    slug: str, lesson: Lesson, own: Parameters, slip: Slip | None = None, line: str = ""
) -> dict[str, str]:
    """Return what an address spells to open a lesson's program at its settings.

    Args:
        slug: Of the lesson's page.
        lesson: The lesson.
        own: Its settings.
        slip: A mistake of it, in place of its own program.
        line: Which of the mistake's lines: ``"wrong"`` or ``"right"``.
    """
    settings = catalogue.page(slug).topic.TOPIC.settings(lesson, own)
    query: dict[str, str] = {**settings.address(), LESSON: f"{slug}.{lesson.slug}"}
    if slip is not None:
        query |= {address.MISTAKE: address.spelled(slip.title), LINE: line}
    return query


def offer(query: Mapping[str, str]) -> Offer | None:
    """Return what an address offers; None where it names nothing.

    Raises:
        ValueError: It names what is not there, or holds no program; a sentence for the reader.
    """
    if PROGRAM in query:
        began = GALLERY.get(query.get(START, ""))
        return of_text(packing.unpacked(query[PROGRAM]), began.puzzle if began else None)
    if LESSON in query:
        return _of_lesson(query)
    if START in query:
        found = GALLERY.get(query[START])
        if found is None:
            raise ValueError(
                f"start must be one of {', '.join(GALLERY)}, got {shown(query[START])}"
            )
        return found
    return None


def _of_lesson(query: Mapping[str, str]) -> Offer:
    slug, _, name = query[LESSON].partition(".")
    pages = {page.slug: page for page in catalogue.PAGES if hasattr(page.topic, "LESSONS")}
    lessons = {lesson.slug: lesson for lesson in pages[slug].topic.LESSONS} if slug in pages else {}
    if name not in lessons:
        raise ValueError(
            f"lesson must be a page's and a lesson's name with a point between, such as "
            f"views.permute, got {shown(query[LESSON])}"
        )
    topic, lesson = pages[slug].topic.TOPIC, lessons[name]
    settings, refused = topic.kind.parse({**query, LESSON: name})
    if refused:
        raise ValueError(refused[0])
    _, own = topic.chosen(settings)
    asked = query.get(address.MISTAKE)
    if asked is None:
        return Offer(
            lesson_query(slug, lesson, own),
            lesson.source(own),
            ours=True,
            title=f"{pages[slug].title}: {lesson.title}",
            notice=topic.notice(settings) or lesson.notice,
            lesson=lesson,
        )
    slips = {address.spelled(slip.title): slip for slip in lesson.slips}
    line = query.get(LINE, "wrong")
    if asked not in slips or line not in LINES:
        raise ValueError(
            f"mistake must be one of {', '.join(slips)}, and line wrong or right, "
            f"got {shown(asked)} and {shown(line)}"
        )
    slip = slips[asked]
    return Offer(
        lesson_query(slug, lesson, own, slip, line),
        lesson.wrong(slip, own)[LINES.index(line)],
        ours=True,
        title=f"{lesson.title}: {slip.title}",
        notice=slip.lesson,
    )
