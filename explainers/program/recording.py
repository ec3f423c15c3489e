"""Take down what stands after each statement, and what changed from one to the next."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from explainers.program.describing import Known, Snapshot
from explainers.program.states import (
    ArrayState,
    Changes,
    ContextState,
    Frame,
    Memory,
    ModuleState,
    OptimizerState,
    Plain,
    State,
    Step,
    TensorState,
    Turn,
    Written,
)

_FACTS = tuple(
    field.name
    for field in dataclasses.fields(TensorState)
    if field.name not in {"identity", "values", "summary", "cells", "grad"}
)


class Recorder:
    """Take snapshots one after the other, and say what changed from one to the next."""

    def __init__(self) -> None:
        self.known = Known()
        self._memory: dict[str, Memory] = {}
        self._seen: frozenset[str] = frozenset()
        self._paths: dict[str, TensorState | ArrayState] = {}
        self._bound: dict[int, dict[str, object]] = {}

    def value(self, value: object) -> State | None:
        """Describe the value of a bare expression; None is none."""
        if value is None:
            return None
        try:
            return Snapshot(self.known).state(value)
        finally:
            self.known.now.clear()

    def step(
        self,
        lines: tuple[int, int],
        names: Mapping[str, object],
        local: Mapping[str, object] | None,
        frame: Frame | None,
        returned: tuple[object, ...] = (),
        **said: Any,
    ) -> Step:
        """Describe what stands now.

        Args:
            lines: First and last line of the statement.
            names: The module level's.
            local: Those of the function in which it ran; None at the module level.
            frame: That function.
            returned: What it returns, if that is what the statement does.
            said: Further fields of the `Step`.
        """
        snapshot = Snapshot(self.known)
        try:
            module_level = snapshot.names(names)
            inner = snapshot.names(local) if local is not None else {}
            given = snapshot.state(returned[0]) if returned else None
            shown = names if local is None else local
            number = frame.number if frame else 0
            described = module_level if local is None else inner
            changes = self._changes(snapshot, shown, described, number)
            memory = {
                label: held
                for label, held in snapshot.memory.items()
                if self._memory.get(label) != held
            }
            self._memory |= memory
            self._seen = frozenset(snapshot.memory)
            self._paths = snapshot.paths
            self.seen(snapshot)
            return Step(
                *lines,
                MappingProxyType(module_level),
                MappingProxyType(inner),
                returned=given,
                frame=frame,
                memory=MappingProxyType(memory),
                changes=changes,
                graph=snapshot.graph(),
                **said,
            )
        finally:
            self.known.now.clear()

    def begins(self) -> None:
        """Be told that what comes next is another statement: a function or a turn begins."""

    def seen(self, snapshot: Snapshot) -> None:
        """Be told of each snapshot that makes a step."""

    def _changes(
        self,
        snapshot: Snapshot,
        objects: Mapping[str, object],
        described: Mapping[str, State],
        frame: int,
    ) -> Changes:
        before = self._bound.get(frame, {})
        now: dict[str, object] = {
            name: state if isinstance(state, Plain) else _identity(objects[name], state)
            for name, state in described.items()
        }
        self._bound[frame] = now
        facts = {
            path: changed
            for path, state in snapshot.paths.items()
            if isinstance(state, TensorState)
            and isinstance(old := self._paths.get(path), TensorState)
            and old.identity == state.identity
            and (changed := _changed_facts(old, state))
        }
        return Changes(
            bound=tuple(name for name, key in now.items() if before.get(name) != key),
            gone=tuple(name for name in before if name not in now),
            written=tuple(self._written(snapshot)),
            facts=MappingProxyType(facts),
        )

    def _written(self, snapshot: Snapshot) -> Iterator[Written]:
        for label, held in snapshot.memory.items():
            old = self._memory.get(label)
            if old is None or label not in self._seen:
                continue
            if held.values is not None and old.values is not None:
                if held.values == old.values:
                    continue
                pairs = enumerate(itertools.zip_longest(old.values, held.values))
                cells = tuple(cell for cell, (a, b) in pairs if a is not b and a != b)
                touched = frozenset(cells)
                names = tuple(
                    path
                    for path, state in snapshot.paths.items()
                    if state.storage == label
                    and (state.cells is None or not touched.isdisjoint(state.cells))
                )
                yield Written(label, cells, names)
            elif self._large_changed(snapshot, label):
                lie = (path for path, state in snapshot.paths.items() if state.storage == label)
                yield Written(label, None, tuple(lie))

    def _large_changed(self, snapshot: Snapshot, label: str) -> bool:
        for path, state in snapshot.paths.items():
            old = self._paths.get(path)
            if state.storage != label or old is None or old.storage != label:
                continue
            if old.values != state.values:
                return True
            if isinstance(state, TensorState) and isinstance(old, TensorState):
                told = (state.summary, state.version) != (old.summary, old.version)
                if told and state.identity == old.identity:
                    return True
        return False


def loops(lines: tuple[int, ...], counts: Mapping[int, int]) -> tuple[Turn, ...]:
    """Return the turn of each of the loops around a statement."""
    return tuple(Turn(line, counts.get(line, 0)) for line in lines)


def _identity(value: object, state: State) -> object:
    if isinstance(state, TensorState | ModuleState | OptimizerState | ContextState):
        return state.identity
    return id(value)


def _changed_facts(old: TensorState, new: TensorState) -> tuple[str, ...]:
    if old is new:
        return ()
    changed = [name for name in _FACTS if getattr(old, name) != getattr(new, name)]
    theirs = None if old.grad is None else old.grad.identity
    ours = None if new.grad is None else new.grad.identity
    return (*changed, "grad") if theirs != ours else tuple(changed)
