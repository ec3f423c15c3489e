"""Find the statement after which two runs of nearly one program first differ."""

import collections
import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from explainers.program.states import (
    ContextState,
    Failure,
    ModuleState,
    OptimizerState,
    Sequence,
    State,
    Step,
    TensorState,
    Trace,
    inside,
)

Difference: TypeAlias = State | Failure | str | bool | None

_LABELS = frozenset({"identity", "storage"})
_UNCOMPARED = frozenset({"node", "after", "line"})
_UNSEEN = _LABELS | {
    "stride",
    "offset",
    "cells",
    "contiguous",
    "requires_grad",
    "leaf",
    "retains_grad",
    "view",
    "version",
    "made_by",
}
"""Facts of a tensor that its shape, dtype, values and gradient do not show."""


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
        at: Number of the step in each run, from 0; that after the last where a run was ended there,
            the last where it never comes there.
    """

    line: int
    name: str
    wrong: Difference
    right: Difference
    at: tuple[int, int]


def part(wrong: Trace, right: Trace, *, facts: bool = True) -> Parting | None:
    """Return where two runs part: the first statement after which they differ; None for nowhere.

    Args:
        wrong: A run.
        right: Another.
        facts: Whether to compare also how tensors lie and what autograd knows of them; where not,
            only what a reader sees: shapes, dtypes, values, gradients, what is printed, the end.

    Statements correspond by the lines that both programs share, those between by their order, and
    those of a loop turn by turn. A line that only one of them has is passed over: what it does
    shows after the next. Labels are compared by what they say: which tensors are one, and which
    share memory.
    """
    pairs = _corresponding(wrong.source, right.source)
    lines = wrong.source.splitlines(), right.source.splitlines()
    back = {theirs: ours for ours, theirs in pairs.items()}
    ours, theirs = dict(_events(wrong)), dict(_events(right))
    last = len(wrong.steps) - 1, len(right.steps) - 1
    for (line, turn), (event, at) in ours.items():
        if line not in pairs:
            continue
        other, there = theirs.get((pairs[line], turn), (None, last[1]))
        alike = lines[0][line - 1 : line] == lines[1][pairs[line] - 1 : pairs[line]]
        found = _difference(event, other, facts=facts, alike=alike)
        if found is not None:
            return Parting(line, *found, (at, there))
    for (line, turn), (event, there) in theirs.items():
        if line in back and (back[line], turn) not in ours:
            found = _difference(None, event, facts=facts, alike=True)
            if found is not None:
                return Parting(back[line], *found, (last[0], there))
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


def _events(trace: Trace) -> Iterator[tuple[tuple[int, int], tuple[Step | Failure, int]]]:
    turns: dict[int, int] = collections.Counter()
    for at, step in enumerate(trace.steps):
        turns[step.last] += 1
        yield (step.last, turns[step.last]), (step, at)
    if trace.failure is not None:
        failure = trace.failure
        yield (failure.line, turns[failure.line] + 1), (failure, len(trace.steps))


def _difference(
    ours: Step | Failure | None, theirs: Step | Failure | None, *, facts: bool, alike: bool
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
            if _comparable(a, labels[0], facts) != _comparable(b, labels[1], facts):
                return name, a, b
    fields = ("value", "returned", "printed", "warned", *(("grad_mode",) if facts else ()))
    for field in fields:
        a, b = getattr(ours, field), getattr(theirs, field)
        if field == "value" and not alike and (a is None or b is None):
            continue  # only one of the lines is a bare expression
        if _comparable(a, None, facts) != _comparable(b, None, facts):
            worded = ["\n".join(one) if isinstance(one, tuple) else one for one in (a, b)]
            return f"({field})", worded[0], worded[1]
    return None


def _comparable(value: Any, labels: dict[str, int] | None = None, facts: bool = True) -> Any:
    """What of a state is compared: labels by where they first came, nodes not at all."""
    known = {} if labels is None else labels
    if isinstance(value, OptimizerState):  # what it keeps goes by tensors' labels
        kept = [
            (known.setdefault(f"identity {label}", len(known)) if facts else None, items)
            for label, items in value.state.items()
        ]
        return (
            value.kind,
            *(
                _comparable(one, known, facts)
                for one in (*value.groups, *(items for _, items in kept))
            ),
            *((label for label, _ in kept) if facts else ()),
        )
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value)]
        return type(value), *(
            known.setdefault(f"{name} {held}", len(known))
            if name in _LABELS and (held := getattr(value, name))
            else _comparable(getattr(value, name), known, facts)
            for name in fields
            if name not in _UNCOMPARED and (facts or name not in _UNSEEN)
        )
    if isinstance(value, Mapping):
        return [(key, _comparable(one, known, facts)) for key, one in value.items()]
    if isinstance(value, tuple) and any(dataclasses.is_dataclass(one) for one in value):
        return [_comparable(one, known, facts) for one in value]
    return value


def piece(name: str, wrong: State, right: State) -> tuple[str, Difference, Difference]:
    """Return the innermost piece of two states that differs first: its path, and both pieces.

    A piece is an item of a list or a dict, a tensor or child of a module, an option of an optimizer
    or what that keeps, under the path at which a program finds it. Where no two pieces differ one
    by one, as where one has more of them or only shares memory otherwise, it is the whole.

    Args:
        name: Path of the states.
        wrong: Of one run.
        right: Of the other.
    """
    ours, theirs = dict(_pieces(name, wrong)), dict(_pieces(name, right))
    if isinstance(wrong, ContextState) and isinstance(right, ContextState):
        for path in {**ours, **theirs}:
            if path not in ours or path not in theirs:
                return path, ours.get(path), theirs.get(path)
    if type(wrong) is not type(right) or ours.keys() != theirs.keys():
        return name, wrong, right
    for path, mine in ours.items():
        yours = theirs[path]
        if _comparable(mine) != _comparable(yours):
            if isinstance(mine, bool) or isinstance(yours, bool):
                return path, mine, yours
            return piece(path, mine, yours)
    return name, wrong, right


def _pieces(path: str, state: State) -> Iterator[tuple[str, State | bool]]:
    match state:
        case ModuleState():
            yield f"{path}.training", state.training
            yield from inside(path, state)
        case OptimizerState():
            order: dict[str, int] = {}
            for number, group in enumerate(state.groups):
                for key, item in group.items():
                    if key != "params":
                        yield f"{path}.param_groups[{number}][{key!r}]", item
                    elif isinstance(item, Sequence):  # they are found under names of their own
                        for one in item.items:
                            if isinstance(one, TensorState):
                                order.setdefault(one.identity, len(order))
            for label, kept in state.state.items():
                at = order.get(label)
                for key, item in kept.items():
                    yield f"{path}.state_dict()['state'][{at}][{key!r}]", item
        case _:
            yield from inside(path, state)
