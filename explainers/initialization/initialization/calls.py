"""Read and write one initialiser with its arguments, as in code: ``kaiming_normal(gain=1)``."""

import dataclasses
import math
import re
from collections.abc import Iterable
from typing import Any

from explainers.initialization.initialization import schemes
from explainers.initialization.initialization.schemes import SCHEMES
from explainers.parameters import shown
from explainers.pasted import plain

MOST_KEPT = 5
LONGEST = 80
RULE = "a scheme with arguments by name, such as kaiming_normal(gain=1, mode=fan_out)"
RULE_FOR_MANY = f"at most {MOST_KEPT} schemes with semicolons between, each {RULE}"

_CALL = re.compile(r"\s*(?:(?:torch\.)?nn\.)?(?:init\.)?(\w+?)_?\s*(?:\(([^()]*)\))?\s*\Z")
_ROOT = re.compile(r"(?:math\.|np\.)?sqrt\(\s*(\d+(?:\.\d*)?)\s*\)")
_WEIGHT = re.compile(r"\s*(?:\w+\.)*weight\s*(?:,|\Z)")
_DEFAULTS: dict[str, Any] = {"gain": None, "mode": "fan_in", "std": 1.0}


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """Hold one initialiser and its arguments; those that it does not take stay at their defaults.

    Attributes:
        scheme: One of `SCHEMES`.
        gain: None takes the one recommended for the nonlinearity.
        mode: Fan that kaiming divides by.
        std: Of normal, uniform and trunc_normal; the value of constant.
    """

    scheme: str
    gain: float | None = None
    mode: str = "fan_in"
    std: float = 1.0

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments, for `propagate` and `fill`."""
        return {"gain": self.gain, "mode": self.mode, "std": self.std}

    def __str__(self) -> str:
        """Return the call, without arguments at their defaults; std is always said."""
        parts = [
            f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}"
            for name in SCHEMES[self.scheme].arguments
            if (value := getattr(self, name)) != _DEFAULTS[name] or name == "std"
        ]
        return f"{self.scheme}({', '.join(parts)})" if parts else self.scheme

    @property
    def label(self) -> str:
        """The call as a reader sees it: `default` says whose."""
        return schemes.label(self.scheme) if self.scheme == "default" else str(self)


def call(scheme: str, **arguments: Any) -> Call:
    """Return a call, checked; arguments that the scheme does not take are passed over.

    Raises:
        ValueError: The scheme is unknown or an argument breaks its rule.
    """
    given = {**_DEFAULTS, **arguments}
    spec = schemes.checked(scheme, nonlinearity="linear", a=0.0, **given)
    taken = {name: given[name] for name in spec.arguments}
    for name in ("gain", "std"):
        if taken.get(name) is not None:
            taken[name] = float(taken[name])
    return Call(scheme, **taken)


def read(text: object) -> Call:
    """Return the call that `text` spells, by the page's names or by torch's.

    Raises:
        ValueError: It is no call of a scheme; the message says why.
    """
    match = None
    if isinstance(text, str) and len(text) <= LONGEST:
        # As in code: nn.init.xavier_normal_(layer.weight, gain=sqrt(2)).
        match = _CALL.match(_ROOT.sub(lambda root: f"{math.sqrt(float(root[1]))!r}", plain(text)))
    if match is None:
        raise ValueError(f"got {shown(text)}")
    scheme, inside = match.group(1), _WEIGHT.sub("", match.group(2) or "", count=1)
    given: dict[str, Any] = {}
    for part in filter(str.strip, inside.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in _DEFAULTS or not value or name in given:
            raise ValueError(f"got {shown(part.strip())}")
        given[name] = value.strip("'\"") if name == "mode" else _number(name, value)
    made = call(scheme, **given)
    foreign = [name for name in given if name not in SCHEMES[scheme].arguments]
    if foreign:
        takes = ", ".join(SCHEMES[scheme].arguments) or "none"
        raise ValueError(f"arguments of {scheme} must be {takes}, got {foreign[0]}")
    return made


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {shown(text)}") from None


def read_all(text: object) -> tuple[Call, ...]:
    """Return the calls that `text` spells, each once.

    Raises:
        ValueError: One is no call, or there are too many.
    """
    if not isinstance(text, str):
        raise ValueError(f"got {shown(text)}")
    made = tuple(dict.fromkeys(read(part) for part in text.split(";") if part.strip()))
    if len(made) > MOST_KEPT:
        raise ValueError(f"got {len(made)} schemes")
    return made


def written_all(calls: Iterable[Call]) -> str:
    """Return calls as text that `read_all` reads."""
    return "; ".join(str(entry) for entry in dict.fromkeys(calls))
