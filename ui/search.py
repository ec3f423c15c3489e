"""Find pages, lessons, mistakes, presets and statements of the notes by the words a reader types.

The index is read from what is declared (the catalogue, presets, lessons, the scratchpad's gallery,
the source of the mistakes and of the claims), never by running a topic; it is made at the server's
start.
"""

import bisect
import difflib
import enum
import functools
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from explainers.program.lessons import Lesson
from ui import address, catalogue, declared, offered

__all__ = ["Entry", "Found", "Index", "Kind", "Word", "entries", "index", "words"]


class Kind(enum.StrEnum):
    """Say what was found; of equals the first comes first."""

    PAGE = "page"
    LESSON = "lesson"
    MISTAKE = "mistake"
    PRESET = "preset"
    STATEMENT = "statement"


_BEFORE = dict(zip(Kind, (3.0, 2.5, 2.0, 1.0, 0.0), strict=True))


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one thing to be found.

    Attributes:
        kind: What it is.
        title: As readers know it.
        page: Slug of its page.
        query: What its address spells beside the page.
        names: Other names of it, as good as the title.
        text: What else it says.
    """

    kind: Kind
    title: str
    page: str
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    names: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Hold what was found, the best first.

    Attributes:
        entries: All of it.
        every_word: Whether each holds every word.
        unknown: Words that nothing holds; what is like them was looked for instead.
    """

    entries: tuple[Entry, ...]
    every_word: bool = True
    unknown: tuple[str, ...] = ()


_CHUNK = re.compile(r"[^\W_]+(?:[._\-][^\W_]+)*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_LITTLE = frozenset(
    "a an and are as at by do does for how i in is it its my of on or the to".split()  # noqa: SIM905
)
_TITLE, _TEXT, _PAGE = 10.0, 3.0, 2.0
# A word that only begins as the typed one counts less.
_BEGINS = 0.6
# Parts of a name that stand apart count less than the name.
_APART = 0.7


class Word(NamedTuple):
    """Hold a word as it was typed, as a whole, and in its parts: F.grid_sample, `f grid sample`."""

    typed: str
    whole: str
    parts: tuple[str, ...]


def words(text: str) -> list[Word]:
    """Return the words of a text; case, accents, dots, underscores, hyphens, plurals are gone."""
    if not text.isascii():
        spread = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in spread if not unicodedata.combining(letter))
    found = []
    for typed in _CHUNK.findall(text):
        parts = tuple(_singular(part.casefold()) for part in _PART.findall(typed))
        whole = _singular(re.sub(r"[\W_]", "", typed).casefold())
        found.append(Word(typed, whole, parts or (whole,)))
    return found


def _singular(word: str) -> str:
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    for ending, one in (("sses", "ss"), ("xes", "x"), ("ies", "y"), ("s", "")):
        if word.endswith(ending):
            return word[: -len(ending)] + one
    return word


def _indexed(text: str) -> Iterator[str]:
    """Yield all by which a text's words may be found: whole, in parts, and without what leads."""
    for _, whole, parts in words(text):
        yield whole
        yield from parts
        for start in range(1, len(parts) - 1):
            yield "".join(parts[start:])


class Index:
    """Find entries by words."""

    def __init__(self, found: Iterable[Entry]) -> None:
        """Take in entries."""
        self.entries = tuple(found)
        self._weights: dict[str, dict[int, float]] = {}
        self._flat: list[tuple[str, str]] = []
        for number, entry in enumerate(self.entries):
            page = catalogue.page(entry.page)
            around = "" if entry.kind is Kind.PAGE else f"{page.title} {page.slug}"
            for text, weight in (
                (entry.title, _TEXT if entry.kind is Kind.STATEMENT else _TITLE),
                (" ".join(entry.names), _TITLE),
                (entry.text, _TEXT),
                (f"{around} {page.chapter}", _PAGE),
            ):
                for word in _indexed(text):
                    at = self._weights.setdefault(word, {})
                    at[number] = max(at.get(number, 0.0), weight)
            self._flat.append((_flat(entry.title), _flat(f"{' '.join(entry.names)} {entry.text}")))
        self._words = sorted(self._weights)

    def find(self, query: str) -> Found:
        """Return what holds every word of `query`; failing that, some of them, or words like them.

        Titles and torch's names count more than text, rare words more than common ones.
        """
        typed = words(query)
        asked = [word for word in typed if word.whole not in _LITTLE] or typed
        if not asked:
            return Found(())
        held = [self._holding(word) for word in asked]
        unknown = []
        for place, word in enumerate(asked):
            if not held[place]:
                unknown.append(word.typed)
                for near in difflib.get_close_matches(word.whole, self._words, 1, 0.75):
                    held[place] = self._holding(Word(near, near, (near,)))
        every = set(held[0]).intersection(*held[1:])
        some = every or set[int]().union(*held)
        phrase = _flat(query)
        scores = {number: _BEFORE[self.entries[number].kind] for number in some}
        for at in held:
            rare = math.log(2 + len(self.entries) / (1 + len(at)))
            for number in some & at.keys():
                scores[number] += at[number] * rare
        # Words that stand as they were typed count once more, and so does a title all typed.
        parts = {part for word in asked for part in word.parts}
        for number in some if len(asked) > 1 else ():
            title, text = self._flat[number]
            scores[number] += _TITLE * (phrase in title) + _TEXT * (phrase in text)
            own = title.split()
            scores[number] += _TITLE * sum(part in parts for part in own) / len(own or " ")
        if not every:  # more words first
            for number in some:
                scores[number] *= sum(number in at for at in held)
        best = sorted(some, key=lambda number: (-scores[number], number))
        return Found(tuple(self.entries[number] for number in best), bool(every), tuple(unknown))

    def _holding(self, word: Word) -> dict[int, float]:
        """Return how much the entries hold of a word: of the whole, or of every part of it."""
        found = self._beginning(word.whole)
        if len(word.parts) > 1:
            each = [self._beginning(part) for part in word.parts]
            for number in set(each[0]).intersection(*each[1:]):
                weight = _APART * sum(at[number] for at in each) / len(each)
                found[number] = max(found.get(number, 0.0), weight)
        return found

    def _beginning(self, word: str) -> dict[int, float]:
        """Return how much the entries hold of words that begin so; one letter must be a word."""
        found = dict(self._weights.get(word, {}))
        if len(word) > 1:
            for longer in self._words[bisect.bisect_left(self._words, word) :]:
                if not longer.startswith(word):
                    break
                for number, weight in self._weights[longer].items():
                    found[number] = max(found.get(number, 0.0), _BEGINS * weight)
        return found


def entries(pages: Sequence[catalogue.Page] | None = None) -> Iterator[Entry]:
    """Yield all that can be found, page by page, read from what is declared.

    Args:
        pages: Of the catalogue; all and the scratchpad, if it is left out.
    """
    for page in (*catalogue.PAGES, catalogue.SCRATCHPAD) if pages is None else pages:
        yield Entry(
            Kind.PAGE,
            page.title,
            page.slug,
            names=(page.slug, *page.terms),
            text=page.question,
        )
        if page is catalogue.SCRATCHPAD:
            yield from _to_begin_with(page)
            continue
        lessons: Sequence[Lesson] = getattr(page.topic, "LESSONS", ())
        if lessons:
            # Their presets are the lessons, and a text to search has no need of their source.
            yield from _taught(page, lessons)
            continue
        for preset in getattr(page.topic, "PRESETS", ()):
            yield Entry(
                Kind.PRESET,
                preset.name,
                page.slug,
                preset.parameters.spelled(),
                text=preset.notice,
            )
        for found in declared.mistakes(page):
            yield Entry(
                Kind.MISTAKE,
                found.title,
                page.slug,
                {address.MISTAKE: address.spelled(found.title)},
                text=found.words,
            )
        for statement in declared.statements(page):
            yield Entry(Kind.STATEMENT, statement, page.slug, {address.PART: "prove"})


def _to_begin_with(page: catalogue.Page) -> Iterator[Entry]:
    """Yield the programs of the scratchpad's gallery, and its puzzles."""
    for offer in offered.GALLERY.values():
        notice = offer.notice if offer.puzzle is None else f"Puzzle: {offer.notice}"
        yield Entry(Kind.PRESET, offer.title, page.slug, offer.query, text=notice)


def _taught(page: catalogue.Page, lessons: Sequence[Lesson]) -> Iterator[Entry]:
    """Yield each lesson, its mistakes, and the statements of the notes that it judges."""
    for lesson in lessons:
        place = {"lesson": lesson.slug}
        names = (lesson.slug, *lesson.terms)
        yield Entry(Kind.LESSON, lesson.title, page.slug, place, names, lesson.notice)
        for slip in lesson.slips:
            yield Entry(
                Kind.MISTAKE,
                slip.title,
                page.slug,
                {**place, address.MISTAKE: address.spelled(slip.title)},
                text=f"{lesson.title} {slip.lesson} {slip.wrong} {slip.right}",
            )
        for statement in lesson.statements:
            yield Entry(Kind.STATEMENT, statement.says, page.slug, {**place, address.PART: "prove"})


@functools.cache
def index() -> Index:
    """Return the index of all pages, made once."""
    return Index(entries())


def _flat(text: str) -> str:
    return " ".join(part for word in words(text) for part in word.parts)
