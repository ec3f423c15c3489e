"""Declare a topic's parameters once: default, bounds, choices, words and spelling in an address.

A topic subclasses `Parameters` and fills its fields with `number`, `choice`, `flag`,
`numbers` and `text`.
The page's controls, the address, the presets, the cache key, the snippet and the tests are all read
from it.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, Self

from explainers import pasted

_LONGEST_VALUE_SHOWN = 40
# Characters of the longest float with its sign, exponent and a separator.
_LONGEST_NUMBER = 32
# The digits that a slider of rates stops at in each power of ten.
_STOPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


def shown(value: object) -> str:
    """Return `value` as it stands in a sentence: whole when short, cut when it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE_SHOWN else text[: _LONGEST_VALUE_SHOWN - 1] + "…"


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """Describe a bounded number; `integer` when only whole ones make sense.

    With `log` its control goes by powers of ten; `step` then says nothing. `why` is the reason of
    the bounds, for those whom they refuse.
    """

    label: str
    help: str
    minimum: float
    maximum: float
    step: float
    integer: bool = False
    log: bool = False
    why: str = ""

    def stops(self, *held: float) -> tuple[float, ...]:
        """Return where a logarithmic control stops, in order, the numbers it must hold among them.

        From `minimum` to `maximum`, ten to a power of ten. A least value of 0 stands before the
        smallest power that is worth a stop, 1e-7.
        """
        low = self.minimum if self.minimum > 0 else min(1e-7, self.maximum)
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(self.maximum)) + 1)
        # Spelled and read, so that 3e-4 is the float of that name.
        grid = {float(f"{digit:g}e{power}") for power in powers for digit in _STOPS}
        within = {value for value in grid if low <= value <= self.maximum}
        if self.integer:
            within = {int(value) for value in within if value == int(value)}
        return tuple(sorted({*within, self.minimum, self.maximum, *held}))

    @property
    def rule(self) -> str:
        """The rule in words."""
        kind = "a whole number" if self.integer else "a number"
        why = f" ({self.why})" if self.why else ""
        return f"{kind} from {self._plain(self.minimum)} to {self._plain(self.maximum)}{why}"

    def _plain(self, bound: float) -> str:
        """Return a bound as it stands in a sentence: in full where it is whole, or needs to be."""
        if self.integer:
            return str(int(bound))
        # 1 would be no bound of numbers below 1.
        return pasted.shortest(bound) if f"{bound:g}" in ("0", "1") else f"{bound:g}"

    def check(self, value: object) -> float:
        """Return `value` as int or float. Raises ValueError with the rule."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            within = self.minimum <= value <= self.maximum
            if within and (not self.integer or value == int(value)):
                # Without -0.0, which equals 0 and is spelled otherwise.
                return int(value) if self.integer else float(value) + 0.0
        raise ValueError(f"{self.rule}, got {shown(value)}")

    def parse(self, text: str) -> float:
        """Return the number that `text` spells. Raises ValueError with the rule."""
        try:
            value = pasted.number(text) if len(text) < _LONGEST_NUMBER else math.nan
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise ValueError(f"{self.rule}, got {shown(text)}")
        return self.check(value)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address: in full, so that it comes back the same."""
        return str(value) if self.integer else pasted.shortest(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """Describe a closed choice between named options, in torch's own words."""

    label: str
    help: str
    options: tuple[str, ...]
    words: tuple[str, ...] = ()

    def worded(self, option: str) -> str:
        """Return an option as the reader sees it."""
        return self.words[self.options.index(option)] if self.words else option

    @property
    def rule(self) -> str:
        """The rule in words."""
        return f"one of {', '.join(self.options)}"

    def check(self, value: object) -> str:
        """Return `value`. Raises ValueError with the rule."""
        if isinstance(value, str) and value in self.options:
            return value
        raise ValueError(f"{self.rule}, got {shown(value)}")

    def parse(self, text: str) -> str:
        """Return the option that `text` spells. Raises ValueError with the rule."""
        return self.check(text)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return str(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """Describe a switch."""

    label: str
    help: str

    @property
    def rule(self) -> str:
        """The rule in words."""
        return "true or false"

    def check(self, value: object) -> bool:
        """Return `value`. Raises ValueError with the rule."""
        if isinstance(value, bool):
            return value
        raise ValueError(f"{self.rule}, got {shown(value)}")

    def parse(self, text: str) -> bool:
        """Return the flag that `text` spells. Raises ValueError with the rule."""
        spelled = {"true": True, "false": False}.get(text.lower())
        if spelled is None:
            raise ValueError(f"{self.rule}, got {shown(text)}")
        return spelled

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return "true" if value else "false"


@dataclasses.dataclass(frozen=True, slots=True)
class Numbers:
    """Describe a short row, or a small table, of bounded numbers that a reader types.

    The value is text, rows after each other: ``0, 0.5, 1`` or ``1, 2; 3, 4``. What
    `explainers.pasted.rows` reads is taken too.
    """

    label: str
    help: str
    minimum: float
    maximum: float
    rows: tuple[int, int]
    columns: tuple[int, int]
    integer: bool = False

    @property
    def rule(self) -> str:
        """The rule in words."""
        low, high = self.columns
        kind = "whole numbers" if self.integer else "numbers"
        each = f"{low} to {high} {kind} from {self.minimum:g} to {self.maximum:g}"
        if self.rows == (1, 1):
            return f"{each}, with commas between"
        return f"{self.rows[0]} to {self.rows[1]} rows, with semicolons between, of {each}"

    def table(self, text: str) -> tuple[tuple[float, ...], ...]:
        """Return the rows that `text` spells. Raises ValueError with the rule."""
        wrong = f"{self.rule}, got {shown(text)}"
        # The longest that so many numbers are printed as; the rest would only cost time.
        longest = 200 + _LONGEST_NUMBER * self.rows[1] * self.columns[1]
        if not isinstance(text, str) or len(text) > longest:
            raise ValueError(wrong)
        try:
            rows = pasted.rows(text, lines=self.rows[1] > 1)
        except ValueError as error:
            raise ValueError(f"{wrong}; {error}") from None
        for value in (value for row in rows for value in row):
            if not self.minimum <= value <= self.maximum:
                raise ValueError(f"{wrong}; {pasted.shortest(value)} is out of range")
            if self.integer and value != int(value):
                raise ValueError(f"{wrong}; {pasted.shortest(value)} is not whole")
        widths = [len(row) for row in rows]
        if not self.rows[0] <= len(rows) <= self.rows[1]:
            raise ValueError(f"{wrong}; these are {len(rows)} rows")
        for width in widths:
            if not self.columns[0] <= width <= self.columns[1]:
                raise ValueError(f"{wrong}; a row has {width}")
        if len(set(widths)) > 1:
            raise ValueError(f"{wrong}; rows have {min(widths)} to {max(widths)}")
        return rows

    def check(self, value: object) -> str:
        """Return `value`, evenly spaced. Raises ValueError with the rule."""
        rows = self.table(value)  # type: ignore[arg-type]
        return "; ".join(
            ", ".join(f"{pasted.shortest(number + 0.0)}" for number in row) for row in rows
        )

    def parse(self, text: str) -> str:
        """Return the numbers that `text` spells. Raises ValueError with the rule."""
        return self.check(text)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return str(value).replace(" ", "")


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Describe text with a grammar of its topic's own; `read` gives its one canonical form."""

    label: str
    help: str
    rule: str
    read: Callable[[str], str]
    longest: int

    def check(self, value: object) -> str:
        """Return `value` in its canonical form. Raises ValueError with the rule and the reason."""
        if not isinstance(value, str) or len(value) > self.longest:
            raise ValueError(f"{self.rule}, got {shown(value)}")
        try:
            return self.read(pasted.plain(value))
        except ValueError as error:
            raise ValueError(f"{self.rule}; {error}") from None

    def parse(self, text: str) -> str:
        """Return `text` in its canonical form. Raises ValueError with the rule and the reason."""
        return self.check(text)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return str(value)


Spec = Number | Choice | Flag | Numbers | Text


def number(
    default: float,
    *,
    label: str,
    help: str,
    minimum: float,
    maximum: float,
    step: float = 1.0,
    log: bool = False,
    why: str = "",
) -> Any:
    """Declare a bounded number; whole when the default is an int; `log` for what spans decades."""
    spec = Number(label, help, minimum, maximum, step, isinstance(default, int), log, why)
    return dataclasses.field(default=default, metadata={"spec": spec})


def choice(
    default: str,
    options: tuple[str, ...],
    *,
    label: str,
    help: str,
    words: tuple[str, ...] = (),
) -> Any:
    """Declare a closed choice; `words` say the options to the reader where they are not plain."""
    spec = Choice(label, help, options, words)
    return dataclasses.field(default=default, metadata={"spec": spec})


def flag(default: bool, *, label: str, help: str) -> Any:
    """Declare a switch."""
    return dataclasses.field(default=default, metadata={"spec": Flag(label, help)})


def numbers(
    default: str,
    *,
    label: str,
    help: str,
    minimum: float,
    maximum: float,
    rows: tuple[int, int] = (1, 1),
    columns: tuple[int, int],
    integer: bool = False,
) -> Any:
    """Declare a row of numbers, or a table of `rows` by `columns`, least and most of each."""
    spec = Numbers(label, help, minimum, maximum, rows, columns, integer)
    return dataclasses.field(default=default, metadata={"spec": spec})


def text(
    default: str,
    *,
    label: str,
    help: str,
    rule: str,
    read: Callable[[str], str],
    longest: int,
) -> Any:
    """Declare text that `read` checks and puts into its canonical form."""
    return dataclasses.field(
        default=default, metadata={"spec": Text(label, help, rule, read, longest)}
    )


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Hold the settings of one view of a topic, checked against the fields' rules when made.

    Raises:
        ValueError: A field breaks its rule; the message names field, rule and value.
    """

    def __post_init__(self) -> None:
        """Check and normalise every field."""
        for name, spec in self.specs().items():
            try:
                value = spec.check(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name} must be {error}") from None
            object.__setattr__(self, name, value)

    @classmethod
    def specs(cls) -> Mapping[str, Spec]:
        """Return the rule of every field by name, in order."""
        return {field.name: field.metadata["spec"] for field in dataclasses.fields(cls)}

    @classmethod
    def defaults(cls) -> Mapping[str, Any]:
        """Return the default of every field by name, in order."""
        return {field.name: field.default for field in dataclasses.fields(cls)}

    @classmethod
    def parse(cls, address: Mapping[str, str]) -> tuple[Self, tuple[str, ...]]:
        """Return the settings that an address spells, and a sentence for each value it refused.

        A refused value leaves its field at the default and touches no other; a name that is no
        field is passed over (it may belong to another part of the page).
        """
        values: dict[str, Any] = {}
        refused: list[str] = []
        for name, spec in cls.specs().items():
            if name in address:
                try:
                    values[name] = spec.parse(address[name])
                except ValueError as error:
                    refused.append(f"{name} must be {error}")
        return cls(**values), tuple(refused)

    def spelled(self) -> dict[str, str]:
        """Return every field by name, as it stands in an address."""
        return {name: spec.spell(getattr(self, name)) for name, spec in self.specs().items()}

    def address(self) -> dict[str, str]:
        """Return what an address must spell to restore these settings: all but the defaults."""
        defaults = self.defaults()
        spelled = self.spelled()
        return {name: spelled[name] for name in spelled if getattr(self, name) != defaults[name]}

    def values(self) -> dict[str, Any]:
        """Return every field by name, in order."""
        return {name: getattr(self, name) for name in self.specs()}


@dataclasses.dataclass(frozen=True, slots=True)
class Preset:
    """Name a situation worth seeing, and say in one sentence what to notice."""

    name: str
    notice: str
    parameters: Parameters
