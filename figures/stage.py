"""What a stage shows: a program that ran, line by line, and what its names held after each.

`ui.stage` draws it. Everything is worked out here over the whole run: which tensors have a place,
which storages have a frame, where the nodes of the autograd graph stand, what each statement
changed. A browser steps through it without asking again.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from explainers.program import Parting, part, states
from explainers.program.states import (
    ArrayState,
    ContextState,
    Freed,
    Memory,
    Node,
    Number,
    OptimizerState,
    Plain,
    State,
    Step,
    TensorState,
    Trace,
)
from figures.stage_graph import laid_out
from figures.stage_holders import drawn
from figures.stage_names import Seen, frames, holders, named, objects, places, seen, storage_of
from figures.stage_origins import all_made
from figures.stage_words import both, changed, failed, is_class, text_of

__all__ = ["Parted", "Stage", "staged", "two"]

Json: TypeAlias = dict[str, Any]

MOST_WITH_ORIGINS = 24
"""Steps of a run of which is sent which cells made a cell, where nothing else is asked for."""
MOST_ON_STRIP = 64
"""Cells of a storage that are drawn as it lies in memory, beside the tensors on it."""
MOST_WIDE = 256
"""Rows and columns of a tensor that is drawn by its shades alone."""
MOST_OF_SHADES = 12_000
"""Letters of a run's shades."""
MOST_OF_A_VALUE = 200
"""Letters of a bare expression's value."""
_EXACT = 2**53
_SINGLE = frozenset({"float32", "float16", "bfloat16"})
_SILENT_KINDS = frozenset({"type", "function", "module", "builtin_function_or_method", "Generator"})
_DEFAULTS: Mapping[str, Any] = {
    "kind": "Tensor",
    "dtype": "float32",
    "device": "cpu",
    "layout": "strided",
    "offset": 0,
    "contiguous": True,
    "requires_grad": False,
    "leaf": True,
    "retains_grad": False,
    "view": False,
    "version": 0,
    "made_by": "",
}
_FREED = {Freed.KEPT: "k", Freed.FREED: "f", Freed.NOTHING: "n"}


@dataclass(frozen=True, slots=True)
class Parted:
    """Say where two runs first differ, as a stage shows it.

    Attributes:
        steps: Number of the step in each, from 0.
        words: What each holds there.
        shown: Number of the step in each at which a value, a gradient or an error first differs,
            where before that only differs how tensors lie or what autograd knows of them; None
            where that is the same step, or nowhere.
        seen: What each holds there.
    """

    steps: tuple[int, int]
    words: str = ""
    shown: tuple[int, int] | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Hold what a stage shows.

    Attributes:
        title: What the program is about.
        runs: For each run what JSON can hold of it; two where a mistake stands beside its remedy.
        start: Step on which it opens, from 0.
        parted: Where the two runs part; None where they do not, or where there is one.
    """

    title: str
    runs: tuple[Json, ...]
    start: int
    parted: Parted | None = None


def staged(
    trace: Trace,
    *,
    notes: Mapping[int, str] | None = None,
    start: int | None = None,
    shows: Sequence[str] = (),
    title: str = "A program, line by line",
    origins: bool | None = None,
) -> Stage:
    """Return a run as a stage shows it.

    Args:
        trace: The run.
        notes: Words to a line, by its number from 1.
        start: Step on which it opens, from 0; the last where it is left out.
        shows: Names whose tensors have a place, with what is within them; all where it is empty.
        title: What the program is about.
        origins: Whether to send which cells made a cell, which runs the program once more; for runs
            of at most 24 steps, but of no reader's program, where it is left out.

    Raises:
        ValueError: The run has no step, a note's line is not in the program, or `start` is no step.
    """
    run = _packed(trace, notes or {}, shows, origins)
    return Stage(title, (run,), _checked(start, run))


def two(
    wrong: Trace,
    right: Trace,
    parting: Parting | None,
    *,
    notes: Mapping[int, str] | None = None,
    start: int | None = None,
    shows: Sequence[str] = (),
    title: str = "The line people write, and the line that does it",
    origins: bool | None = None,
) -> Stage:
    """Return two runs of a program that differ in a line or two, as one stage shows them.

    Unless told otherwise it opens where one sees that they part, and on the last step of `wrong`
    where they do not.

    Args:
        wrong: With the line that people write.
        right: With the line that does what they mean.
        parting: Where they first differ, as `explainers.program.part` finds it.
        notes: Words to a line, by its number from 1 in `wrong`.
        start: Step of `wrong` on which it opens, from 0.
        shows: As of `staged`.
        title: What the program is about.
        origins: As of `staged`.

    Raises:
        ValueError: As `staged`.
    """
    runs = (_packed(wrong, notes or {}, shows, origins), _packed(right, {}, shows, origins))
    for run, lines in zip(runs, _differing(wrong.source, right.source), strict=True):
        run["differs"] = lines
    parted = None
    if parting is not None:
        at, words = _told_of(wrong, right, parting)
        parted = Parted(at, words)
        visible = part(wrong, right, facts=False)
        if visible is not None:
            shown, seen_words = _told_of(wrong, right, visible)
            if shown[0] > at[0]:
                parted = Parted(at, words, shown, seen_words)
    if start is None and parted is not None:
        start = (parted.shown or parted.steps)[0]
    return Stage(title, runs, _checked(start, runs[0]), parted)


def _told_of(wrong: Trace, right: Trace, parting: Parting) -> tuple[tuple[int, int], str]:
    """Return the step of each run at which they part, and the words about it."""
    runs = _with_failure(wrong), _with_failure(right)
    ours, theirs = (
        max(0, min(at, len(steps) - 1)) for at, steps in zip(parting.at, runs, strict=True)
    )
    return (ours, theirs), both(parting, (runs[0][ours], runs[1][theirs]))


def _with_failure(trace: Trace) -> list[Step]:
    """Return the steps of a run, with what stood when it was ended, at the line that ended it."""
    failure = trace.failure
    if failure is None or failure.after is None:
        return list(trace.steps)
    line = failure.line or failure.after.last
    return [*trace.steps, dataclasses.replace(failure.after, first=line, last=line)]


def _checked(start: int | None, run: Json) -> int:
    last = len(run["steps"]) - 1
    if start is None:
        return last
    if not 0 <= start <= last:
        raise ValueError(f"start must be a step from 0 to {last}, got {start}")
    return start


def _differing(wrong: str, right: str) -> tuple[list[int], list[int]]:
    lines = wrong.splitlines(), right.splitlines()
    found: tuple[list[int], list[int]] = ([], [])
    for kind, *span in difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes():
        if kind != "equal":
            found[0].extend(range(span[0] + 1, span[1] + 1))
            found[1].extend(range(span[2] + 1, span[3] + 1))
    return found


def _packed(
    trace: Trace, notes: Mapping[int, str], shows: Sequence[str], origins: bool | None
) -> Json:
    steps = _with_failure(trace)
    if not steps:
        raise ValueError("steps must be at least 1, got 0")
    lines = trace.source.rstrip("\n").split("\n")
    for line in notes:
        if not 1 <= line <= len(lines):
            raise ValueError(f"notes must name lines from 1 to {len(lines)}, got {line}")
    packer = _Packer(steps, lines, shows)
    packed = [packer.step(index) for index in range(len(steps))]
    if trace.failure is not None and trace.failure.after is not None:
        before = steps[-2] if len(steps) > 1 else None
        packed[-1]["error"] = [trace.failure.kind, trace.failure.message]
        packed[-1]["say"] = " ".join(failed(trace.source, trace.failure, before))
    if origins or (origins is None and len(steps) <= MOST_WITH_ORIGINS and not trace.jailed):
        for index, made in enumerate(all_made(trace, packer.shown)):
            if made:
                packed[index]["made"] = made
    _without_shades(packed)
    return {
        "lines": lines,
        "graded": packer.graded,
        "notes": {str(line): words for line, words in notes.items()},
        "places": list(packer.places),
        "frames": packer.frames(),
        "facts": packer.facts,
        "trees": packer.trees,
        "graphs": packer.graphs(),
        "steps": packed,
    }


class _Packer:
    """Pack the steps of a run one after another: each says what is new in it alone."""

    def __init__(self, steps: Sequence[Step], lines: Sequence[str], shows: Sequence[str]) -> None:
        self._steps = steps
        self._lines = lines
        self.shown = seen(steps, shows)
        self.places = places(self.shown)
        # A tensor's version is autograd's count of writes: it tells nothing where no gradient is.
        self.graded = any(
            isinstance(one.state, TensorState) and one.state.requires_grad
            for here in self.shown
            for one in here.values()
        )
        self._number = {place: number for number, place in enumerate(self.places)}
        self._contexts = {
            f"{name}{where}"
            for step in steps
            for name, state, where in objects(step)
            if isinstance(state, ContextState)
        }
        self._frames = frames(self.shown)
        self._drawings, self._which = laid_out([step.graph for step in steps])
        self._order = [
            {number: at for at, number in enumerate(drawing.nodes)} for drawing in self._drawings
        ]
        self.facts: list[Json] = []
        self.trees: list[Any] = []
        self._known: dict[str, int] = {}
        self._homes: dict[str, str] = {}
        self._memory: dict[str, Memory] = {}
        self._before: dict[str, dict[str, Any]] = {"cards": {}, "plain": {}, "things": {}}
        self._graph: list[Any] = []
        self._strips: set[int] = set()
        self._sizes: dict[str, int] = {}
        for step in steps:
            self._sizes.update({label: memory.size for label, memory in step.memory.items()})

    # ---- What holds for the whole run.

    def frames(self) -> list[Json]:
        """Return the frames: what stands in each, whether it has a strip, what lies flat on it."""
        states_in: dict[int, dict[str, list[TensorState | ArrayState]]] = {}
        where = {label: n for n, frame in enumerate(self._frames) for label in frame.storages}
        odd: set[int] = set()
        for here in self.shown:
            together: dict[int, int] = {}
            for place, one in here.items():
                number = where.get(one.state.storage)
                if number is None:
                    continue
                together[number] = together.get(number, 0) + 1
                states_in.setdefault(number, {}).setdefault(place, []).append(one.state)
                if isinstance(one.state, ArrayState) or not self._whole(one.state):
                    odd.add(number)
            odd |= {number for number, count in together.items() if count > 1}
        result: list[Json] = []
        for number, frame in enumerate(self._frames):
            sizes = {self._sizes.get(label, 0) for label in frame.storages}
            strip = number in odd and 1 < max(sizes) <= MOST_ON_STRIP
            flat = [
                self._number[place]
                for place in frame.places
                if strip
                and all(
                    len(state.shape) == 1 and self._whole(state)
                    for state in states_in[number].get(place, ())
                )
            ]
            lanes = self._lanes(
                [place for place in frame.places if self._number[place] not in flat]
            )
            result.append(
                {
                    "storages": list(frame.storages),
                    "lanes": [[self._number[place] for place in lane] for lane in lanes],
                    "shared": number in odd,
                    "strip": max(sizes) if strip else 0,
                    "flat": flat,
                }
            )
        for packed in result:
            packed["held"] = all(map(self._held, [*chain(*packed["lanes"]), *packed["flat"]]))
            packed["local"] = not packed["held"] and self._local(packed)
        self._take_turns(result)
        # What a module holds comes last: there is most of it, and its tree shows it in short.
        return sorted(result, key=lambda packed: packed["held"])

    def _take_turns(self, packed: Sequence[Json]) -> None:
        """Give each frame a spot: those of a kind that are never there together share one."""
        storages = [
            {storage_of(place, one.state) for place, one in here.items()} for here in self.shown
        ]
        spots: list[tuple[tuple[bool, bool], set[int]]] = []
        for frame in packed:
            kind = frame["held"], frame["local"]
            when = {
                at for at, here in enumerate(storages) if not here.isdisjoint(frame["storages"])
            }
            for number, (other, taken) in enumerate(spots):
                if other == kind and not taken & when:
                    taken.update(when)
                    frame["spot"] = number
                    break
            else:
                frame["spot"] = len(spots)
                spots.append((kind, when))

    def _local(self, frame: Json) -> bool:
        return all(" in " in self.places[at] for at in [*chain(*frame["lanes"]), *frame["flat"]])

    def _held(self, number: int) -> bool:
        """Tell whether a place is in a module; what a ``ctx`` holds is a function's own."""
        path, at, function = self.places[number].partition(" in ")
        return "." in path and f"{path.partition('.')[0]}{at}{function}" not in self._contexts

    def _lanes(self, found: Sequence[str]) -> list[list[str]]:
        """Return places by turns: what is never there together stands in one spot."""
        lanes: list[tuple[list[str], set[int]]] = []
        for place in found:
            when = {index for index, here in enumerate(self.shown) if place in here}
            for lane, taken in lanes:
                if not taken & when:
                    lane.append(place)
                    taken.update(when)
                    break
            else:
                lanes.append(([place], when))
        return [lane for lane, _ in lanes]

    def _whole(self, state: TensorState | ArrayState) -> bool:
        """Tell whether a tensor reads all its storage in the order in which it lies."""
        memory = self._sizes.get(state.storage)
        return state.offset == 0 and math.prod(state.shape) == memory and _in_order(state)

    def graphs(self) -> list[Json]:
        """Return the drawings of the autograd graph, one for each that stands by itself."""
        return [
            {
                "nodes": [
                    [node.name, *drawing.at[number], int(bool(node.leaf))]
                    for number, node in drawing.nodes.items()
                ],
                "edges": [[order[a], order[b]] for a, b in drawing.edges],
                "lane": drawing.lane,
            }
            for drawing, order in zip(self._drawings, self._order, strict=True)
        ]

    # ---- One step.

    def step(self, index: int) -> Json:
        """Return a step: what is new in it."""
        step = self._steps[index]
        before = self._steps[index - 1] if index else None
        memory = self._new_memory(step)
        kept = _kept_by_optimizers(step)
        cards = {
            str(self._number[place]): self._card(one, kept)
            for place, one in self.shown[index].items()
        }
        packed: Json = {
            "line": [step.first, step.last],
            "say": " ".join(changed(step, before, self._lines[step.first - 1])),
            "memory": memory,
            "cards": self._difference("cards", cards),
            "plain": self._difference("plain", self._plain(step)),
            "things": self._difference("things", self._things(step)),
            "wrote": {
                one.storage: list(one.cells)
                for one in step.changes.written
                if one.cells is not None
            },
            "fresh": self._fresh(index),
            "moved": self._moved(index),
            "out": step.printed,
            "warned": list(step.warned),
            "value": _value(step.value),
            "turns": [[turn.line, turn.number] for turn in step.turns],
            "in": step.frame.name if step.frame else "",
            "no_grad": not step.grad_mode,
        }
        said = {key: value for key, value in packed.items() if value not in ({}, [], "", False)}
        graph = self._graph_now(index)
        if graph != self._graph:  # also where none is left: a graph stays drawn until told
            self._graph = said["graph"] = graph
        return said

    def _difference(self, part: str, now: dict[str, Any]) -> dict[str, Any]:
        before, self._before[part] = self._before[part], now
        gone = dict.fromkeys(before.keys() - now.keys())
        return {key: value for key, value in now.items() if before.get(key) != value} | gone

    def _new_memory(self, step: Step) -> Json:
        written = {one.storage: one.cells for one in step.changes.written}
        result: Json = {}
        for label, memory in step.memory.items():
            known = self._memory.get(label)
            self._memory[label] = memory
            if memory.values is None:
                continue
            cells = written.get(label)
            same = known is not None and (known.dtype, known.size) == (memory.dtype, memory.size)
            if same and cells is not None and len(cells) * 2 < memory.size:
                result[label] = {str(at): _number(memory.values[at], memory.dtype) for at in cells}
            else:
                result[label] = [_number(value, memory.dtype) for value in memory.values]
        return result

    def _card(self, one: Seen, kept: Mapping[str, Mapping[str, State]]) -> list[Any]:
        """Return a tensor's names, what is said of it, what hangs on it, what is kept of it."""
        state = one.state
        beside: list[Any] = []
        words: list[str] = []
        if isinstance(state, TensorState):
            if state.grad is not None:
                beside.append([".grad", *self._tensor(state.grad)])
            for name, item in kept.get(state.identity, {}).items():
                if isinstance(item, TensorState) and item.shape:
                    beside.append([name, *self._tensor(item)])
                elif isinstance(item, TensorState) and item.values:
                    words.append(f"{name} {_number(item.values[0], item.dtype)}")
                elif isinstance(item, Plain) and item.text != "None":
                    words.append(f"{name} {item.text}")
        return [list(one.names), *self._tensor(state), beside, words]

    def _tensor(self, state: TensorState | ArrayState) -> list[Any]:
        """Return the number of what is said of a tensor, and its values where memory lacks them."""
        said: Json = {"shape": list(state.shape), "stride": list(state.stride)}
        if isinstance(state, ArrayState):
            said["kind"] = "NumPy array"
            said["contiguous"] = _in_order(state)
        said["storage"] = state.storage
        for name, default in _DEFAULTS.items():
            value = getattr(state, name, default)
            if value != default and (self.graded or name != "version"):
                said.setdefault(name, value)
        if said.get("contiguous"):
            del said["contiguous"]
        number = self._noted(self.facts, said)
        if isinstance(state, TensorState) and state.summary is not None:
            said = _summary(state.summary, state.dtype)
            if state.summary.shades and 1 < max(state.shape[-1], _rows(state.shape)) <= MOST_WIDE:
                said["shades"] = state.summary.shades
            return [number, {"summary": said}]
        if state.values is None or self._in_memory(state):
            return [number, None]
        return [number, [_number(value, state.dtype) for value in state.values]]

    def _in_memory(self, state: TensorState | ArrayState) -> bool:
        memory = self._memory.get(state.storage)
        if memory is None or memory.values is None or memory.dtype != state.dtype:
            return False
        if state.cells is None or state.values is None:
            return False
        held = memory.values
        return all(
            at < len(held) and (held[at] is value or held[at] == value)
            for at, value in zip(state.cells, state.values, strict=True)
        )

    def _noted(self, table: list[Any], what: Any) -> int:
        key = f"{id(table)} {what!r}"
        if key not in self._known:
            self._known[key] = len(table)
            table.append(what)
        return self._known[key]

    def _fresh(self, index: int) -> list[int]:
        """Return the places whose tensor is another than before."""
        before = self.shown[index - 1] if index else {}
        return [
            self._number[place]
            for place, one in self.shown[index].items()
            if place not in before or _told(before[place].state) != _told(one.state)
        ]

    def _moved(self, index: int) -> Json:
        """Return, by place, what is said of a tensor otherwise than before."""
        facts = self._steps[index].changes.facts
        fresh = self._fresh(index)
        result: Json = {}
        for place, one in self.shown[index].items():
            number = self._number[place]
            fields = [field for name in one.names for field in facts.get(name.split(" in ")[0], ())]
            if fields and number not in fresh:
                result[str(number)] = list(dict.fromkeys(fields))
        return result

    def _plain(self, step: Step) -> dict[str, str]:
        where = f" in {step.frame.name}" if step.frame else ""
        everything = {(name, ""): state for name, state in step.names.items()}
        everything |= {(name, where): state for name, state in step.local.items()}
        for (name, at), state in list(everything.items()):
            if isinstance(state, ContextState):
                everything[name, at] = Plain(state.kind)
                everything |= {(f"{name}.{key}", at): one for key, one in state.fields.items()}
        return {
            f"{name}{at}": _cut(text_of(state))
            for (name, at), state in everything.items()
            if isinstance(state, Plain | states.Sequence | states.Table)
            and getattr(state, "kind", "") not in _SILENT_KINDS
            and not is_class(state)
            and _flat(state)
        }

    def _things(self, step: Step) -> dict[str, list[Any]]:
        """Return modules and optimizers by name: the number of what is drawn, further names."""
        result: dict[str, list[Any]] = {}
        for holder, what in drawn(step):
            if self._homes.get(holder.state.identity) not in holder.names:
                self._homes[holder.state.identity] = holder.names[0]
            home = self._homes[holder.state.identity]
            others = [name for name in holder.names if name != home]
            result[home] = [self._noted(self.trees, what), *others]
        return result

    def _graph_now(self, index: int) -> list[Any]:
        """Return, for each drawing of the step, how its nodes stand, and the names of some."""
        nodes = {node.number: node for node in self._steps[index].graph.nodes}
        names: dict[int, list[str]] = {}
        leaves = {node.leaf: number for number, node in nodes.items() if node.leaf}
        for path, state in named(self._steps[index]).items():
            if isinstance(state, TensorState):
                number = leaves.get(state.identity, state.node)
                if number is not None:
                    names.setdefault(number, []).append(path)
        result = []
        for which in self._which[index]:
            drawn = list(self._drawings[which].nodes)
            signs = "".join(_sign(nodes.get(number)) for number in drawn)
            tags = {str(at): names[number][0] for at, number in enumerate(drawn) if number in names}
            result.append([which, signs, tags])
        return result


def _sign(node: Node | None) -> str:
    if node is None:
        return "."
    return "s" if node.stale else _FREED[node.saved]


def _told(state: TensorState | ArrayState) -> tuple[Any, ...]:
    if isinstance(state, TensorState):
        return (state.identity,)
    return (state.storage, state.offset, state.shape, state.stride)


def _in_order(state: TensorState | ArrayState) -> bool:
    """Tell whether it lies in memory in reading order, as torch tells of tensors."""
    if isinstance(state, TensorState):
        return state.contiguous
    steps = [math.prod(state.shape[axis + 1 :]) for axis in range(len(state.shape))]
    pairs = zip(state.shape, state.stride, steps, strict=True)
    return all(size == 1 or stride == step for size, stride, step in pairs)


def _kept_by_optimizers(step: Step) -> dict[str, Mapping[str, State]]:
    kept: dict[str, Mapping[str, State]] = {}
    for holder in holders(step):
        if isinstance(holder.state, OptimizerState):
            kept.update(holder.state.state)
    return kept


def _flat(state: State) -> bool:
    """Tell whether nothing in a value has a place of its own."""
    match state:
        case states.Sequence():
            return all(map(_flat, state.items))
        case states.Table():
            return all(map(_flat, state.items.values()))
        case _:
            return isinstance(state, Plain)


def _value(state: State | None) -> str:
    silent = state is None or getattr(state, "kind", "") == "Generator"
    return "" if silent or state is None else _cut(text_of(state), MOST_OF_A_VALUE)


def _cut(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _rows(shape: Sequence[int]) -> int:
    return math.prod(shape[:-1])


def _without_shades(steps: Sequence[Json]) -> None:
    """Leave out the shades of large tensors where a run has too many of them: all, or none."""
    found = [
        values["summary"]
        for step in steps
        for card in step.get("cards", {}).values()
        if card is not None
        for _, values in ((None, card[2]), *((None, beside[2]) for beside in card[3]))
        if isinstance(values, dict) and "shades" in values["summary"]
    ]
    if sum(len(said["shades"]) for said in found) > MOST_OF_SHADES:
        for said in found:
            del said["shades"]


def _summary(summary: states.Summary, dtype: str) -> Json:
    return {
        "lowest": None if summary.lowest is None else _number(summary.lowest, dtype),
        "highest": None if summary.highest is None else _number(summary.highest, dtype),
        "mean": _number(summary.mean, "float64"),
        "deviation": _number(summary.deviation, "float64"),
        "nans": summary.nans,
        "corners": [[list(at), _number(value, dtype)] for at, value in summary.corners],
    }


def _number(value: Number, dtype: str) -> bool | int | float | str:
    """Return a number as JSON can hold it, in the fewest digits that read back as the same."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, complex):
        return f"{value:.4g}"
    if not math.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) <= _EXACT and (value or math.copysign(1, value) > 0):
        return int(value)
    return float(str(np.float32(value))) if dtype in _SINGLE else value
