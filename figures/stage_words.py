"""Say in a sentence or two what a statement of a program changed. Names stand in backticks."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from math import prod
from typing import cast

from explainers.program import Parting, piece, states
from explainers.program.states import (
    ArrayState,
    ContextState,
    Freed,
    ModuleState,
    OptimizerState,
    Plain,
    State,
    Step,
    TensorState,
)
from figures.stage_names import again, being_made, holders, modules, named, objects, through, within

__all__ = ["both", "changed", "counted", "failed", "is_class", "spelled", "text_of"]

_MOST = 3
"""Objects of one kind of change that are told one by one."""
_LONGEST_QUOTED = 40
"""Letters of a statement that a sentence repeats."""
_MOST_VALUES = 6
"""Values of a tensor that a sentence tells."""
_DEFINITIONS = {"type": "class", "function": "function"}
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*(?:\[\d+\])?")
_KEPT = re.compile(r"\.state\[(t\d+)\]\['(.+)'\]$")
_IN_GROUPS = re.compile(r"\.param_groups\[")
_EVERY_FIELD = ("stride", "contiguous", "offset")


def spelled(sizes: Sequence[int]) -> str:
    """Return a shape or a stride as Python writes it: ``(4,)``, ``()``."""
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def is_class(state: State) -> bool:
    """Tell whether a value is a class, also one whose own class is no `type`."""
    return isinstance(state, Plain) and state.text.startswith("class ")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(words: Sequence[str], most: int = 6) -> str:
    spelled_out = [f"`{word}`" for word in words[:most]]
    if len(words) > most:
        spelled_out.append(f"{len(words) - most} more")
    if len(spelled_out) < 2:
        return "".join(spelled_out)
    return f"{', '.join(spelled_out[:-1])} and {spelled_out[-1]}"


def text_of(state: State) -> str:
    """Return a value in one line, as a program would show it in short."""
    match state:
        case Plain():
            return state.text
        case states.Sequence():
            inner = ", ".join(map(text_of, state.items))
            more = ", …" if state.length > len(state.items) else ""
            if state.kind == "list":
                return f"[{inner}{more}]"
            alone = "," if state.kind == "tuple" and state.length == 1 else ""
            return f"{'' if state.kind == 'tuple' else state.kind}({inner}{more}{alone})"
        case states.Table():
            more = ", …" if state.length > len(state.items) else ""
            inner = ", ".join(f"{key}: {text_of(item)}" for key, item in state.items.items())
            return f"{{{inner}{more}}}"
        case TensorState() | ArrayState():
            return _tensor_text(state)
        case ModuleState():
            return f"{state.kind}(…)"
        case OptimizerState() | ContextState():
            return f"{state.kind}(…)"


def _noun(state: TensorState | ArrayState) -> str:
    return "tensor" if isinstance(state, TensorState) else "NumPy array"


def _tensor_text(state: TensorState | ArrayState) -> str:
    name = _noun(state)
    if state.values is None or len(state.values) > 9:
        return f"{name} of shape {spelled(state.shape)}"
    values = iter(state.values)

    def nested(shape: Sequence[int]) -> str:
        if not shape:
            return _brief(next(values))
        return f"[{', '.join(nested(shape[1:]) for _ in range(shape[0]))}]"

    return f"{'tensor' if name == 'tensor' else 'array'}({nested(state.shape)})"


def _brief(value: states.Number) -> str:
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e6
        return f"{value:.0f}." if whole else f"{value:.4g}"
    return str(value)


def failed(source: str, failure: states.Failure, before: Step | None) -> tuple[str, ...]:
    """Return the sentences about what ended a run: what stays, and what the line was given."""
    line = f" at line {failure.line}" if failure.line else ""
    said = [f"`{failure.kind}`{line}: the program ends here, and what stood before stays."]
    lines = source.splitlines()
    if before is None or not 0 < failure.line <= len(lines):
        return tuple(said)
    known = {path.split(" in ")[0]: state for path, state in named(before).items()}
    found = dict.fromkeys(
        name
        for word in _IDENTIFIER.findall(lines[failure.line - 1].split("=", 1)[-1])
        for name in (word, word.rsplit(".", 1)[0])
        if name in known
    )
    for name in list(found)[:_MOST]:
        state = known[name]
        strides = f", stride {spelled(state.stride)}" if len(state.shape) > 1 else ""
        other = "" if state.dtype == "float32" else f", {state.dtype}"
        said.append(f"`{name}` has shape {spelled(state.shape)}{strides}{other}.")
    return tuple(said)


def both(parting: Parting, steps: tuple[Step, Step]) -> str:
    """Return the words about where two runs part, at these steps of each."""
    if parting.name == "(runs)":
        return "only one of them comes here."
    if parting.name == "(grad_mode)":
        wrong, right = ("on" if mode else "off" for mode in (parting.wrong, parting.right))
        return f"grad mode ✗ {wrong}; ✓ {right}"
    parting = _in_piece(parting)
    none = "runs on" if parting.name == "(failure)" else "nothing"
    wrong, right = (_held(held, none) for held in (parting.wrong, parting.right))
    name = "" if parting.name == "(failure)" else f"`{parting.name.strip('()')}` "
    cut = wrong.endswith("…") or right.endswith("…")
    if wrong == right or (cut and _lengths(parting.wrong) != _lengths(parting.right)):
        wrong, right = _otherwise(parting, steps)
    if wrong == right:
        found = _lying_otherwise(parting, steps)
        if found is None:
            return f"{name}shares memory otherwise."
        name, wrong, right = found
    return f"{name}✗ {wrong}; ✓ {right}"


def _lengths(held: object) -> int:
    return held.length if isinstance(held, states.Sequence | states.Table) else 0


def _lying_otherwise(parting: Parting, steps: tuple[Step, Step]) -> tuple[str, str, str] | None:
    """Return the first tensor of two values that lies on another's storage in one of them."""
    if not isinstance(parting.wrong, states.Sequence | states.Table | ModuleState):
        return None
    name = parting.name
    pairs = zip(within(name, parting.wrong), within(name, cast(State, parting.right)), strict=False)
    for (path, mine), (_, yours) in pairs:
        # What lies in the value itself is not told as another that shares its storage.
        ours, theirs = (
            _told_of(name, state, step)["storage"]
            for state, step in zip((mine, yours), steps, strict=True)
        )
        if ours != theirs:
            return f"`{path}` ", ours, theirs
    return None


def _in_piece(parting: Parting) -> Parting:
    """Return what differs in a list, a dict, a module or an optimizer, in place of the whole."""
    known = (states.Sequence, states.Table, ModuleState, OptimizerState, ContextState)
    if not isinstance(parting.wrong, known) or not isinstance(parting.right, known):
        return parting
    name = parting.name.strip("()")
    path, wrong, right = piece(name, parting.wrong, parting.right)
    return dataclasses.replace(parting, name=path, wrong=wrong, right=right)


def _otherwise(parting: Parting, steps: tuple[Step, Step]) -> tuple[str, str]:
    """Return what is told of two things that are the same in short: what differs, of each."""
    wrong, right = parting.wrong, parting.right
    if isinstance(wrong, states.Sequence | states.Table) and isinstance(right, type(wrong)):
        return f"{_many(wrong.length, 'piece')}", f"{_many(right.length, 'piece')}"
    if not isinstance(wrong, TensorState | ArrayState):
        return "", ""
    if not isinstance(right, TensorState | ArrayState):
        return "", ""
    if wrong.shape != right.shape:
        return f"shape {spelled(wrong.shape)}", f"shape {spelled(right.shape)}"
    facts = [
        _told_of(parting.name, state, step)
        for state, step in zip((wrong, right), steps, strict=True)
    ]
    told = [
        ", ".join(fact[kind] for kind in fact if fact[kind] != other.get(kind))
        for fact, other in (facts, facts[::-1])
    ]
    if wrong.dtype == right.dtype and wrong.values is not None and right.values is not None:
        indices = product(*map(range, wrong.shape))
        for index, *pair in zip(indices, wrong.values, right.values, strict=True):
            if pair[0] != pair[1]:
                where = f"[{', '.join(map(str, index))}]"
                return f"{where} is {_brief(pair[0])}", f"{where} is {_brief(pair[1])}"
    return told[0], told[1]


def _told_of(name: str, state: TensorState | ArrayState, step: Step) -> dict[str, str]:
    """Return what is said of a tensor besides its shape, by kind of what is said."""
    others = [
        path.split(" in ")[0]
        for path, other in named(step).items()
        if state.storage and other.storage == state.storage and not _is_at(path, name)
    ]
    facts = {
        "dtype": state.dtype,
        "stride": f"stride {spelled(state.stride)}",
        "offset": f"offset {state.offset}",
        "storage": f"on the storage of {_listed(others, 2)}"
        if others
        else "on a storage of its own",
    }
    if isinstance(state, TensorState):
        facts["requires_grad"] = f"requires_grad {state.requires_grad}"
        facts["made_by"] = f"grad_fn {state.made_by.rpartition('::')[2] or None}"
        facts["grad"] = f"grad {_short(state.grad) if state.grad else None}"
        facts["version"] = f"version {state.version}"
    return facts


def _is_at(path: str, name: str) -> bool:
    path = path.split(" in ", maxsplit=1)[0]
    return path == name or path.startswith((f"{name}.", f"{name}["))


def _held(held: object, none: str) -> str:
    if held is None:
        return none
    if isinstance(held, states.Failure):
        return held.kind
    if isinstance(held, str | bool):
        return str(held).strip() or none
    return _short(cast(State, held))


def changed(step: Step, before: Step | None, statement: str = "") -> tuple[str, ...]:
    """Return the sentences about what a statement changed.

    Three kinds are told apart: a name bound anew, cells written, facts about a tensor.

    Args:
        step: What stood after it.
        before: What stood before it; None for the first.
        statement: Its first line.
    """
    said = [
        *_bound(step, before),
        *_registered(step, before),
        *_noted(step, before),
        *_stepped(step, before),
        *_written(step),
        *_facts(step, before),
        *_freed(step, before),
    ]
    gone = step.changes.gone
    if gone and step.frame is None:
        said.append(f"{_listed(gone)} {'is' if len(gone) == 1 else 'are'} gone.")
    if not said:
        said.append(_nothing(step, statement))
    return tuple(said)


def _nothing(step: Step, statement: str) -> str:
    if statement.lstrip().startswith(("import ", "from ")):
        return "Imported; nothing to see yet."
    if step.returned is not None:
        return f"The function returns {_short(step.returned)}."
    if isinstance(step.value, Plain) and step.value.kind == "Generator":
        return f"Random numbers begin anew, {step.value.text.partition(', ')[2]}."
    if step.value is not None:
        return _gave(step, step.value, statement.strip())
    if step.printed:
        return "Nothing changed; the line prints."
    wanted = any(isinstance(one, TensorState) and one.requires_grad for one in named(step).values())
    return f"No name{', no cell and no gradient' if wanted else ' and no cell'} changed."


def _gave(step: Step, value: State, statement: str) -> str:
    """Say what a bare expression gave that nothing keeps."""
    line = f"`{statement}`" if 0 < len(statement) <= _LONGEST_QUOTED else "The line"
    if isinstance(value, TensorState | ModuleState | OptimizerState):
        known = {
            state.identity: path
            for path, state in reversed(list(named(step).items()))
            if isinstance(state, TensorState)
        } | {
            identity: path
            for name, held, _ in objects(step)
            for path, identity in modules(name, held)
        }
        if value.identity in known:
            return f"{line} gave `{known[value.identity]}` itself; no cell changed."
    if isinstance(value, TensorState) and value.storage in _known(step)[0]:
        return f"{line} gave a view of storage {value.storage}; nothing kept it."
    return f"{line} gave {_short(value)}; nothing kept it."


def _bound(step: Step, before: Step | None) -> list[str]:
    now = step.local if step.frame else step.names
    earlier = _earlier(step, before)
    storages, identities = _known(before)
    said: list[str] = []
    plain = [name for name in step.changes.bound if isinstance(now.get(name), Plain)]
    others = [
        name
        for name in step.changes.bound
        if name in now and name not in plain and not (name == "self" and not being_made(step))
    ]
    made: dict[str, list[str]] = {}
    for name in others:
        label = getattr(now[name], "storage", "")
        if label and label not in storages and not _same_as(now[name], identities):
            made.setdefault(label, []).append(name)
    for label, names in made.items():
        if len(names) > 1:
            cells = _many(step.memory[label].size, "cell") if label in step.memory else "of many"
            said.append(f"{_listed(names)} share a new storage, {label}: {cells}.")
            others = [name for name in others if name not in names]
    for name in others[:_MOST]:
        anew = ", bound anew," if name in earlier else ""
        subject, inside = f"`{name}`{anew}", step.frame is not None
        said.append(_bound_one(subject, name, now[name], storages, identities, inside=inside))
        if name in chain(*made.values()):
            said.extend(_part_read(now[name], step))
    if len(others) > _MOST:
        said.append(f"{_many(len(others) - _MOST, 'more name')} got a value.")
    for name in plain[:_MOST]:
        state = now[name]
        kind = "class" if is_class(state) else _DEFINITIONS.get(getattr(state, "kind", ""))
        said.append(f"The {kind} `{name}` is defined." if kind else f"`{name}` is {_short(state)}.")
    return said


def _repeated(state: TensorState | ArrayState) -> str:
    """Say in how many places a cell stands, where strides of 0 repeat it."""
    pairs = zip(state.shape, state.stride, strict=True)
    times = prod(length for length, stride in pairs if stride == 0)
    return f"; each cell stands in {times} places" if times > 1 else ""


def _part_read(state: State, step: Step) -> list[str]:
    if not isinstance(state, TensorState | ArrayState) or state.cells is None:
        return []
    memory = step.memory.get(state.storage)
    if memory is None or len(set(state.cells)) >= memory.size:
        return []
    return [f"It reads a part of the {memory.size:,} cells there."]


def _same_as(state: State, identities: Mapping[str, str]) -> bool:
    return isinstance(state, TensorState) and state.identity in identities


def _short(state: State) -> str:
    if isinstance(state, TensorState | ArrayState) and prod(state.shape) > _MOST_VALUES:
        return f"a {_noun(state)} of shape {spelled(state.shape)}"
    text = text_of(state)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _earlier(step: Step, before: Step | None) -> Mapping[str, State]:
    if before is None:
        return {}
    if step.frame is None:
        return before.names
    return before.local if before.frame == step.frame else {}


def _known(before: Step | None) -> tuple[set[str], dict[str, str]]:
    if before is None:
        return set(), {}
    tensors = named(before)
    identities: dict[str, str] = {}
    for path, state in tensors.items():
        if isinstance(state, TensorState):
            identities.setdefault(state.identity, path)
    for name, held, where in objects(before):
        for path, identity in modules(name, held):
            identities.setdefault(identity, f"{path}{where}")
    return {state.storage for state in tensors.values() if state.storage}, identities


def _bound_one(
    subject: str,
    name: str,
    state: State,
    storages: set[str],
    identities: Mapping[str, str],
    *,
    inside: bool,
) -> str:
    match state:
        case TensorState() if state.identity in identities:
            other = identities[state.identity]
            other, _, local = other.partition(" in ")
            if inside and not local:
                return f"{subject} is the tensor that `{other}` names outside."
            if local and not inside:
                return (
                    f"{subject} is the tensor that `{other}` was in `{local}`: nothing is copied."
                )
            if other == name:
                return f"{subject} is the same tensor as before."
            return f"{subject} is another name of `{other}`: one tensor."
        case ModuleState() if not _made_now(state, identities):
            other, _, local = identities[state.identity].partition(" in ")
            if inside and not local:
                return f"{subject} is the module that `{other}` names outside."
            if local and not inside:
                return f"{subject} is the module that `{other}` was in `{local}`."
            return f"{subject} is another name of `{other}`: one module."
        case TensorState() | ArrayState() if state.storage and state.storage in storages:
            kind = "a NumPy array on" if isinstance(state, ArrayState) else "a view of"
            how = f"no value was copied, its stride is {spelled(state.stride)}"
            if isinstance(state, TensorState) and not state.contiguous:
                how += ", not contiguous"
            return f"{subject} is {kind} storage {state.storage}: {how}{_repeated(state)}."
        case TensorState() | ArrayState() if state.storage:
            count = prod(state.shape) if state.cells is None else len(set(state.cells))
            cells = f"{_many(count, 'cell')}{_repeated(state)}"
            return f"{subject} has a new storage, {state.storage}: {cells}."
        case TensorState() | ArrayState():
            return f"{subject} has shape {spelled(state.shape)}, and no memory."
        case ModuleState():
            return f"{subject} is {_article(state.kind)}: {counted(state)}."
        case states.Sequence() | states.Table() if any(within("x", state)):
            tensors = list(dict(within("x", state)).values())
            held = _many(len(tensors), "tensor")
            if all(one.storage in storages for one in tensors):
                return f"{subject} holds {held} on known storages: no value was copied."
            return f"{subject} holds {held}."
        case ContextState():
            held = f", with {_listed(list(state.fields))}" if state.fields else ""
            return f"{subject} is {state.kind}{held}."
        case OptimizerState():
            count = sum(_length(group.get("params")) for group in state.groups)
            return f"{subject} is {_article(state.kind)}, given {_many(count, 'parameter')}."
        case _:
            return f"{subject} is {_short(state)}."


def _made_now(module: ModuleState, identities: Mapping[str, str]) -> bool:
    """Tell whether a module had no name before but ``self``."""
    return identities.get(module.identity, "self").partition(" in ")[0] == "self"


def _registered(step: Step, before: Step | None) -> list[str]:
    """Say what a module that was there before has now and had not, and how it stands."""
    now, earlier = (step.local if step.frame else step.names), _earlier(step, before)
    known = {} if before is None else _known(before)[1]
    said: list[str] = []
    seen: set[str] = set()
    for name, new in now.items():
        old = earlier.get(name)
        if not isinstance(new, ModuleState) or not isinstance(old, ModuleState):
            continue
        if new.identity == old.identity and new.identity not in seen:
            seen.add(new.identity)
            said.extend(_module_changed(name, new, old, known))
    return said[:_MOST]


def _module_changed(
    path: str, new: ModuleState, old: ModuleState, known: Mapping[str, str]
) -> Iterator[str]:
    if new is old or new == old:
        return
    if new.training != old.training:
        yield f"`{path}` is in {'training' if new.training else 'eval'} mode."
    for kind, noun in (("parameters", "parameter"), ("buffers", "buffer"), ("children", "child")):
        then: Mapping[str, TensorState | ModuleState] = getattr(old, kind)
        here: Mapping[str, TensorState | ModuleState] = getattr(new, kind)
        for name, state in here.items():
            what = f"`{path}.{name}`"
            if name not in then:
                left_out = "; state_dict leaves it out" if name in new.transient else ""
                sort = f"child, {state.kind}" if kind == "children" else f"{noun}{left_out}"
                yield f"{what} is registered: a {sort}."
            elif then[name].identity != state.identity:
                other = known.get(state.identity)
                sort = state.kind if isinstance(state, ModuleState) else noun
                one = "module" if isinstance(state, ModuleState) else "tensor"
                yield (
                    f"{what} is the {one} that `{other}` names: one {one} in two places."
                    if other
                    else f"{what} is another {sort} now."
                )
        for name in then.keys() - here.keys():
            yield f"`{path}.{name}` is no longer registered."
    for name, inside in new.unregistered.items():
        if name in old.unregistered:
            continue
        if isinstance(inside, TensorState):
            yield f"`{path}.{name}` is a plain {inside.kind.lower()}: it is not registered."
        else:
            plain = getattr(inside, "kind", "attribute")
            yield f"`{path}.{name}` is a plain {plain}: what is in it is not registered."
    for name, child in new.children.items():
        was = old.children.get(name)
        if was is not None and was.identity == child.identity:
            for words in _module_changed(f"{path}.{name}", child, was, known):
                told = new.training != old.training and words.endswith("mode.")
                if not told:  # it went with the module that holds it
                    yield words


def _noted(step: Step, before: Step | None) -> list[str]:
    """Say what the ``ctx`` of a Function holds now and held not before."""
    storages, identities = _known(before)
    earlier = _earlier(step, before)
    return [
        _bound_one(f"`{name}.{key}`", f"{name}.{key}", item, storages, identities, inside=False)
        for name, new in step.local.items()
        if isinstance(new, ContextState) and isinstance(old := earlier.get(name), ContextState)
        for key, item in new.fields.items()
        if key not in old.fields or _which(old.fields[key]) != _which(item)
    ][:_MOST]


def _which(state: State) -> object:
    """Return what a value is, whatever stands in its cells."""
    match state:
        case TensorState():
            return state.identity
        case states.Sequence():
            return tuple(map(_which, state.items))
        case _:
            return text_of(state)


def _stepped(step: Step, before: Step | None) -> list[str]:
    """Say what an optimizer does otherwise than before, and what it begins to keep."""
    if before is None:
        return []
    then = {one.state.identity: one.state for one in holders(before)}
    said = []
    for holder in holders(step):
        new, old = holder.state, then.get(holder.state.identity)
        if not isinstance(new, OptimizerState) or not isinstance(old, OptimizerState):
            continue
        name = holder.names[0]
        for number, (ours, theirs) in enumerate(zip(new.groups, old.groups, strict=False)):
            where = f", group {number}," if len(new.groups) > 1 else ""
            said += [
                f"`{name}`{where} has {key} {text_of(value)} now; it was {text_of(theirs[key])}."
                for key, value in ours.items()
                if key != "params"
                and theirs.get(key, value) != value
                and text_of(theirs[key]) != text_of(value)
            ]
        if (added := len(new.groups) - len(old.groups)) > 0:
            said.append(f"`{name}` has {_many(added, 'more group')}.")
        began = [new.state[key] for key in new.state if not _kept_of(old.state.get(key, {}))]
        kept = dict.fromkeys(key for items in began for key in _kept_of(items))
        if kept:
            whose = _many(sum(bool(_kept_of(items)) for items in began), "parameter")
            said.append(f"`{name}` keeps {_listed(list(kept))} of {whose} from now on.")
    return said[:_MOST]


def _kept_of(items: Mapping[str, State]) -> list[str]:
    nothing = Plain("None", "NoneType")
    return [name for name, item in items.items() if item != nothing]


def _article(kind: str) -> str:
    spelled_out = kind[:2].isupper()  # letter by letter: an SGD, an LSTM, a GRU
    vowel = kind[:1] in ("AEFHILMNORSX" if spelled_out else "AEIOU")
    return f"{'an' if vowel else 'a'} {kind}"


def _length(state: State | None) -> int:
    return state.length if isinstance(state, states.Sequence) else 0


def counted(module: ModuleState) -> str:
    """Return how many parameters `module.parameters()` gives, and how many cells they have."""
    found = _parameters(module)
    cells = sum(prod(parameter.shape) for parameter in found.values())
    return f"{_many(len(found), 'parameter')}, {_many(cells, 'cell')}" if found else "no parameter"


def _parameters(module: ModuleState) -> dict[str, TensorState]:
    found = {state.identity: state for state in module.parameters.values()}
    for child in module.children.values():
        found |= _parameters(child)
    return found


def _written(step: Step) -> list[str]:
    said = []
    twice = tuple(again(step))
    tensors = [pair for pair in named(step).items() if not through(pair[0], twice)]
    paths = {one.identity: path for path, one in tensors if isinstance(one, TensorState)}
    written = [
        dataclasses.replace(
            one,
            names=tuple(
                _known_as(name, paths)
                for name in one.names
                if _told(name, step) and not through(name, twice)
            ),
        )
        for one in step.changes.written
    ]
    for one in written[:_MOST]:
        count = "Cells" if one.cells is None else _many(len(one.cells), "cell")
        if len(one.names) > 1:
            first, *others = one.names
            where = f"of storage {one.storage} changed: `{first}`, also seen as {_listed(others)}"
        elif one.names:
            where = f"of `{one.names[0]}` changed"
        else:
            where = f"of storage {one.storage} changed, which has no name"
        said.append(f"{count} {where}.")
    if len(written) > _MOST:
        names = [one.names[0] for one in written[_MOST:] if one.names]
        said.append(f"{_listed(names, 3)} changed too.")
    return said


def _told(path: str, step: Step) -> bool:
    """Tell whether a path is no second way to what has a name of its own."""
    own = path.startswith("self.") and not being_made(step)
    return not own and not _IN_GROUPS.search(path)


def _known_as(path: str, paths: Mapping[str, str]) -> str:
    """Return a path in words: what an optimizer keeps is found by the parameter's name."""
    kept = _KEPT.search(path)
    return f"{kept[2]} of {paths.get(kept[1], 'a parameter')}" if kept else path


def _facts(step: Step, before: Step | None) -> list[str]:
    if before is None:
        return []
    written = {one.storage for one in step.changes.written}
    now, then = named(step), named(before)
    twice = tuple(again(step))
    filled, emptied, said = [], [], []
    cast: dict[str, list[str]] = {}
    told: set[str] = set()
    for path, fields in step.changes.facts.items():
        if through(path, twice):
            continue
        new, old = now.get(path), then.get(path)
        if not isinstance(new, TensorState) or not isinstance(old, TensorState):
            continue
        if new.identity in told:  # under its first name
            continue
        told.add(new.identity)
        if "grad" in fields and old.grad is None and new.grad is not None:
            filled.append(f"{path}.grad")
        elif "grad" in fields and new.grad is None:
            emptied.append(f"{path}.grad")
        if "requires_grad" in fields and new.leaf:
            verb = "requires" if new.requires_grad else "no longer requires"
            said.append(f"`{path}` {verb} a gradient; no cell changed.")
        if "retains_grad" in fields and new.retains_grad:
            said.append(f"`{path}` will keep its gradient.")
        if "made_by" in fields and new.made_by:
            said.append(f"The graph knows `{path}` by {new.made_by.rpartition('::')[2]} now.")
        if "dtype" in fields:
            cast.setdefault(new.dtype, []).append(path)
        moved = [field for field in _EVERY_FIELD if field in fields]
        if moved:
            said.append(
                f"`{path}` lies otherwise now: stride {spelled(new.stride)}, offset {new.offset}."
            )
        if "version" in fields and new.storage not in written and new.version:
            said.append(f"`{path}` was written with what it held: version {new.version}.")
    for dtype, paths in cast.items():
        said.insert(0, f"{_listed(paths)} {'is' if len(paths) == 1 else 'are'} {dtype} now.")
    if filled:
        said.insert(0, f"{_listed(filled, _MOST)} {'is' if len(filled) == 1 else 'are'} filled.")
    if emptied:
        verb = "is None" if len(emptied) == 1 else "are None"
        said.insert(0, f"{_listed(emptied, _MOST)} {verb} again.")
    return said[: _MOST + 1]


def _freed(step: Step, before: Step | None) -> list[str]:
    if before is None:
        return []
    kept = {node.number for node in before.graph.nodes if node.saved is Freed.KEPT}
    freed = [node for node in step.graph.nodes if node.saved is Freed.FREED and node.number in kept]
    if not freed:
        return []
    verb = "have" if len(freed) > 1 else "has"
    return [f"{_many(len(freed), 'node')} of the graph {verb} freed what was saved for backward."]
