"""Declare a topic's parameters once: default, bounds, choices, words and spelling in an address.

A topic subclasses `Parameters` and fills its fields with `number`, `choice`, `flag`,
`numbers` and `text`.
The page's controls, the address, the presets, the cache key, the snippet and the tests are all read
from it.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

_LONGEST_VALUE_SHOWN = 40
_BETWEEN_ROWS = re.compile(r"\]\s*,\s*\[")


def shown(value: object) -> str:
    """Return `value` as it stands in a sentence: whole when short, cut when it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE_SHOWN else text[: _LONGEST_VALUE_SHOWN - 1] + "…"


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """Describe a bounded number; `integer` when only whole ones make sense."""

    label: str
    help: str
    minimum: float
    maximum: float
    step: float
    integer: bool = False

    @property
    def rule(self) -> str:
        """The rule in words."""
        kind = "a whole number" if self.integer else "a number"
        return f"{kind} from {self.minimum:g} to {self.maximum:g}"

    def check(self, value: object) -> float:
        """Return `value` as int or float. Raises ValueError with the rule."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            within = self.minimum <= value <= self.maximum
            if within and (not self.integer or value == int(value)):
                return int(value) if self.integer else float(value)
        raise ValueError(f"{self.rule}, got {shown(value)}")

    def parse(self, text: str) -> float:
        """Return the number that `text` spells. Raises ValueError with the rule."""
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{self.rule}, got {shown(text)}") from None
        return self.check(value)

    def spell(self, value: Any) -> str:
        """Return `value` as it stands in an address."""
        return f"{value:.10g}"


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

    The value is text, rows after each other: ``0, 0.5, 1`` or ``1, 2; 3, 4``. Python's brackets
    are taken too.
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
        wrong = ValueError(f"{self.rule}, got {shown(text)}")
        # Twenty characters are enough for a number; the rest would only cost time.
        if not isinstance(text, str) or len(text) > 20 * self.rows[1] * self.columns[1]:
            raise wrong
        plain = text.strip()
        if plain.startswith("[["):
            plain = _BETWEEN_ROWS.sub(";", plain.removeprefix("[").removesuffix("]").strip())
        if plain.startswith("[") and plain.endswith("]"):
            plain = plain[1:-1]
        try:
            rows = tuple(tuple(float(part) for part in row.split(",")) for row in plain.split(";"))
        except ValueError:
            raise wrong from None
        width = len(rows[0])
        if (
            not self.rows[0] <= len(rows) <= self.rows[1]
            or not self.columns[0] <= width <= self.columns[1]
            or any(len(row) != width for row in rows)
            or not all(self.minimum <= value <= self.maximum for row in rows for value in row)
            or (self.integer and any(value != int(value) for row in rows for value in row))
        ):
            raise wrong
        return rows

    def check(self, value: object) -> str:
        """Return `value`, evenly spaced. Raises ValueError with the rule."""
        rows = self.table(value)  # type: ignore[arg-type]
        return "; ".join(", ".join(f"{number + 0.0:.6g}" for number in row) for row in rows)

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
            return self.read(value)
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
    step: float,
) -> Any:
    """Declare a bounded number; whole when the default is an int."""
    spec = Number(label, help, minimum, maximum, step, integer=isinstance(default, int))
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
