"""Find the statement after which two runs of nearly one program first differ."""

import collections
import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from explainers.program.states import Failure, State, Step, Trace

Difference: TypeAlias = State | Failure | str | bool | None

_LABELS = frozenset({"identity", "storage"})
_UNCOMPARED = frozenset({"node", "after", "line"})


@dataclasses.dataclass(frozen=True, slots=True)
class Parting:
    """Say where two runs part, and what differs there first.

    Attributes:
        line: Last line of the statement, in the first program.
        name: Of the module level or of the function, whose state differs; ``"printed"``,
            ``"warned"``, ``"value"``, ``"returned"`` or ``"grad_mode"`` in brackets for those of a
            `Step`; ``"(failure)"`` where one run was ended; ``"(runs)"`` where only one of them
            comes here.
        wrong: The first run's; None where it has none.
        right: The other's.
    """

    line: int
    name: str
    wrong: Difference
    right: Difference


def part(wrong: Trace, right: Trace) -> Parting | None:
    """Return where two runs part: the first statement after which they differ; None for nowhere.

    Statements correspond by the lines that both programs share, those between by their order, and
    those of a loop turn by turn. A line that only one of them has is passed over: what it does
    shows after the next. Labels are compared by what they say: which tensors are one, and which
    share memory.
    """
    pairs = _corresponding(wrong.source, right.source)
    back = {theirs: ours for ours, theirs in pairs.items()}
    ours, theirs = dict(_events(wrong)), dict(_events(right))
    for (line, turn), event in ours.items():
        if line not in pairs:
            continue
        other = theirs.get((pairs[line], turn))
        found = _difference(event, other)
        if found is not None:
            return Parting(line, *found)
    for (line, turn), event in theirs.items():
        if line in back and (back[line], turn) not in ours:
            found = _difference(None, event)
            if found is not None:
                return Parting(back[line], *found)
    return None


def _corresponding(wrong: str, right: str) -> dict[int, int]:
    """The lines of one program, from 1, to those of the other."""
    ours, theirs = wrong.splitlines(), right.splitlines()
    pairs: dict[int, int] = {}
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            pairs |= {a + n + 1: c + n + 1 for n in range(b - a)}
        elif kind == "replace":  # whichever has more lines has done the same by the last
            most = min(b - a, d - c)
            pairs |= {b - n: d - n for n in range(most)}
    return pairs


def _events(trace: Trace) -> Iterator[tuple[tuple[int, int], Step | Failure]]:
    turns: dict[int, int] = collections.Counter()
    for step in trace.steps:
        turns[step.last] += 1
        yield (step.last, turns[step.last]), step
    if trace.failure is not None:
        yield (trace.failure.line, turns[trace.failure.line] + 1), trace.failure


def _difference(
    ours: Step | Failure | None, theirs: Step | Failure | None
) -> tuple[str, Difference, Difference] | None:
    ended, other = (one if isinstance(one, Failure) else None for one in (ours, theirs))
    if ended is not None or other is not None:
        same = _comparable(ended) == _comparable(other)
        return None if same else ("(failure)", ended, other)
    if not isinstance(ours, Step) or not isinstance(theirs, Step):
        return "(runs)", ours is not None, theirs is not None
    for mine, yours in ((ours.local, theirs.local), (ours.names, theirs.names)):
        if mine == yours:
            continue
        labels: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for name in {**mine, **yours}:
            a, b = mine.get(name), yours.get(name)
            if _comparable(a, labels[0]) != _comparable(b, labels[1]):
                return name, a, b
    for field in ("value", "returned", "printed", "warned", "grad_mode"):
        a, b = getattr(ours, field), getattr(theirs, field)
        if _comparable(a) != _comparable(b):
            worded = ["\n".join(one) if isinstance(one, tuple) else one for one in (a, b)]
            return f"({field})", worded[0], worded[1]
    return None


def _comparable(value: Any, labels: dict[str, int] | None = None) -> Any:
    """What of a state is compared: labels by where they first came, nodes not at all."""
    known = {} if labels is None else labels
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value)]
        return type(value), *(
            known.setdefault(f"{name} {held}", len(known))
            if name in _LABELS and (held := getattr(value, name))
            else _comparable(getattr(value, name), known)
            for name in fields
            if name not in _UNCOMPARED
        )
    if isinstance(value, Mapping):
        return [(key, _comparable(one, known)) for key, one in value.items()]
    if isinstance(value, tuple) and any(dataclasses.is_dataclass(one) for one in value):
        return [_comparable(one, known) for one in value]
    return value
