"""Say under which names a program's tensors are found, and where on a stage each has its place.

A tensor's place is its first name's. Frames hold the places of what lies in one storage. Both are
worked out over the whole run, so that nothing moves while a reader steps through it.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from explainers.program.states import (
    ArrayState,
    ModuleState,
    OptimizerState,
    State,
    Step,
    TensorState,
    inside,
)

__all__ = [
    "Frame",
    "Holder",
    "Seen",
    "again",
    "being_made",
    "frames",
    "holders",
    "modules",
    "named",
    "objects",
    "places",
    "seen",
    "storage_of",
    "through",
    "within",
]

_DEEPEST = 8
_KEPT = 8
Told = TypeVar("Told")


def once(function: Callable[[Step], Told]) -> Callable[[Step], Told]:
    """Ask a function once for a step, while that is one of the last few that were asked for.

    A step never changes, and is asked for the same many times while it is packed.
    """
    kept: dict[int, tuple[Step, Told]] = {}

    @functools.wraps(function)
    def asked(step: Step) -> Told:
        found = kept.get(id(step))
        if found is None or found[0] is not step:
            found = step, function(step)
            if len(kept) >= _KEPT:
                kept.clear()
            kept[id(step)] = found
        return found[1]

    return asked


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold a tensor or array that a step shows.

    Attributes:
        names: Every name it has, in the order in which they came.
        state: What it is.
    """

    names: tuple[str, ...]
    state: TensorState | ArrayState


@once
def named(step: Step) -> Mapping[str, TensorState | ArrayState]:
    """Return a step's tensors and arrays by their paths.

    Paths are ``x``, ``xs[0]``, ``d['x']``, ``net.0.weight``, as `Written` spells them. Names inside
    a function are followed by the function's: ``x in Net.forward``. A method's own object is left
    out once it is made: it is found under the name that it has outside.
    """
    return {
        f"{path}{where}": inner
        for name, state, where in objects(step)
        for path, inner in within(name, state)
    }


def objects(step: Step) -> Iterator[tuple[str, State, str]]:
    """Give what has a name of its own: the name, the object, and `` in `` the function."""
    for name, state in step.names.items():
        yield name, state, ""
    where = f" in {step.frame.name}" if step.frame else ""
    for name, state in step.local.items():
        if name != "self" or being_made(step):
            yield name, state, where


def being_made(step: Step) -> bool:
    """Tell whether a statement stands in an `__init__`: its object has no other name yet."""
    return step.frame is not None and step.frame.name.endswith("__init__")


def within(
    path: str, state: State, depth: int = 0
) -> Iterator[tuple[str, TensorState | ArrayState]]:
    """Give the tensors and arrays in a value, with their paths."""
    if depth > _DEEPEST:
        return
    if isinstance(state, TensorState | ArrayState):
        yield path, state
    for at, item in inside(path, state):
        yield from within(at, item, depth + 1)


@dataclass(frozen=True, slots=True)
class Holder:
    """Hold a module or an optimizer that has a name of its own.

    Attributes:
        names: Every such name, in the order in which they came; in a list, ``layers[0]``.
        state: What it is.
    """

    names: tuple[str, ...]
    state: ModuleState | OptimizerState


@once
def holders(step: Step) -> tuple[Holder, ...]:
    """Return a step's modules and optimizers, each once, but those that another module holds."""
    found: dict[str, list[str]] = {}
    known: dict[str, ModuleState | OptimizerState] = {}
    inner: set[str] = set()
    for name, state, _ in objects(step):
        for path, held in _named_holders(name, state):
            found.setdefault(held.identity, []).append(path)
            known[held.identity] = held
            if isinstance(held, ModuleState):
                inner |= {path[1] for path in modules("", held)} - {held.identity}
    return tuple(
        Holder(tuple(names), known[label]) for label, names in found.items() if label not in inner
    )


def _named_holders(
    path: str, state: State, depth: int = 0
) -> Iterator[tuple[str, ModuleState | OptimizerState]]:
    if isinstance(state, ModuleState | OptimizerState):
        yield path, state
    elif depth <= _DEEPEST:
        for at, item in inside(path, state):
            yield from _named_holders(at, item, depth + 1)


def modules(path: str, state: State, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Give the modules in a value, itself too: path and identity, in the order of a walk."""
    if depth > _DEEPEST:
        return
    if isinstance(state, ModuleState):
        yield path, state.identity
    for at, item in inside(path, state):
        yield from modules(at, item, depth + 1)


@once
def again(step: Step) -> Mapping[str, str]:
    """Return where a module stands a second time: that path, and the one where it came first."""
    first: dict[str, str] = {}
    result: dict[str, str] = {}
    for name, state, _ in objects(step):
        for path, identity in modules(name, state):
            if any(path.startswith((f"{other}.", f"{other}[")) for other in result):
                continue
            if first.setdefault(identity, path) != path:
                result[path] = first[identity]
    return result


def seen(steps: Sequence[Step], shows: Sequence[str] = ()) -> tuple[dict[str, Seen], ...]:
    """Return for each step what it shows, by place.

    A tensor of several names has one place, that of the name under which it was first seen, while
    it has that name. An array is told by its name alone. What a module holds is named once, however
    many names the module has.

    Args:
        steps: Of one run.
        shows: Names that are shown, with what is within them; empty for all.
    """
    home: dict[str, str] = {}
    result: list[dict[str, Seen]] = []
    for step in steps:
        names: dict[str, list[str]] = {}
        found = named(step)
        twice = tuple(again(step))
        for path, state in found.items():
            key = state.identity if isinstance(state, TensorState) else path
            names.setdefault(key, []).append(path)
        here: dict[str, Seen] = {}
        for key, paths in names.items():
            wanted = [path for path in paths if _wanted(path, shows)]
            if not wanted:
                continue
            wanted = [path for path in wanted if not through(path, twice)] or wanted
            if home.get(key) not in wanted:
                home[key] = wanted[0]
            place = home[key]
            here[place] = Seen((place, *(p for p in wanted if p != place)), found[place])
        result.append(here)
    return tuple(result)


def through(path: str, modules: Sequence[str]) -> bool:
    """Tell whether a path leads through one of these modules."""
    return path.startswith(tuple(f"{module}{dot}" for module in modules for dot in ".["))


def _wanted(path: str, shows: Sequence[str]) -> bool:
    return not shows or any(
        path == name or path.startswith((f"{name}.", f"{name}[", f"{name} in ")) for name in shows
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold the places of what lies in one storage; storages that follow each other share it.

    Attributes:
        places: In the order in which they came.
        storages: That stand in it, one at a time.
    """

    places: tuple[str, ...]
    storages: tuple[str, ...]


def places(shown: Sequence[Mapping[str, Seen]]) -> tuple[str, ...]:
    """Return every place of a run, in the order in which they are first taken."""
    return tuple(dict.fromkeys(place for here in shown for place in here))


def storage_of(place: str, state: TensorState | ArrayState) -> str:
    """Return the label of what a tensor lies in; what lies nowhere has a label of its own."""
    return state.storage or f"no storage: {place}"


def frames(shown: Sequence[Mapping[str, Seen]]) -> tuple[Frame, ...]:
    """Return the frames of a run: at no step are two storages in one.

    A storage goes to a frame that is free by then and held one of its tensors' names before: what
    a loop makes anew in each turn stays where it is.
    """
    lives: dict[str, tuple[int, int]] = {}
    holds: dict[str, dict[str, None]] = {}
    for index, here in enumerate(shown):
        for place, one in here.items():
            label = storage_of(place, one.state)
            lives[label] = (lives.get(label, (index, index))[0], index)
            holds.setdefault(label, {})[place] = None
    made: list[tuple[dict[str, None], list[str], int]] = []
    for label, (first, last) in lives.items():
        best, most = None, 0
        for number, (known, _, until) in enumerate(made):
            common = len(known.keys() & holds[label].keys())
            if until < first and common > most:
                best, most = number, common
        if best is None:
            made.append((dict(holds[label]), [label], last))
        else:
            known, labels, _ = made[best]
            made[best] = ({**known, **holds[label]}, [*labels, label], last)
    return tuple(Frame(tuple(known), tuple(labels)) for known, labels, _ in made)
