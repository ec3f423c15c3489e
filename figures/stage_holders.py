"""Say what a stage draws of modules and optimizers: trees of what is registered, and groups."""

from collections.abc import Iterator, Mapping
from typing import Any

from explainers.program import states
from explainers.program.states import (
    ModuleState,
    OptimizerState,
    Plain,
    State,
    Step,
    TensorState,
)
from figures.stage_names import Holder, again, holders, named, objects, through
from figures.stage_words import counted, spelled, text_of

__all__ = ["drawn"]


def drawn(step: Step) -> Iterator[tuple[Holder, list[Any]]]:
    """Give a step's modules and optimizers, each with what is drawn of it.

    Of a module: its class, its mode, how much it holds, and rows; of an optimizer: its class, the
    options that all its groups share, and its groups. What is drawn says nothing of the name.
    """
    twice = again(step)
    paths: dict[str, list[str]] = {}
    for path, state in named(step).items():
        if isinstance(state, TensorState) and not through(path, tuple(twice)):
            paths.setdefault(state.identity, []).append(path.split(" in ")[0])
    tree = _Tree(step, paths, twice)
    for holder in holders(step):
        if isinstance(holder.state, ModuleState):
            inside = tree.rows(twice.get(holder.names[0], holder.names[0]), holder.state)
            kind, training = holder.state.kind, int(holder.state.training)
            yield holder, [kind, training, counted(holder.state), inside]
        else:
            yield holder, _groups(holder.state, paths)


class _Tree:
    """Draw modules' trees: each module once, and mark what stands elsewhere too."""

    def __init__(
        self, step: Step, paths: Mapping[str, list[str]], twice: Mapping[str, str]
    ) -> None:
        self._paths = paths
        self._twice = twice
        self._drawn: dict[str, str] = {}
        self._own: dict[str, list[str]] = {}
        for name, state, _ in objects(step):
            if isinstance(state, ModuleState):
                self._own.setdefault(state.identity, []).append(name)

    def rows(self, path: str, state: ModuleState) -> list[Any]:
        """Return what a module holds: parameters, buffers, children, and what is not registered."""
        return [
            *(self._tensor("p", path, name, one) for name, one in state.parameters.items()),
            *(
                self._tensor("t" if name in state.transient else "b", path, name, one)
                for name, one in state.buffers.items()
            ),
            *(self._child(f"{path}.{name}", name, one) for name, one in state.children.items()),
            *(
                ["outside", name, *self._outside(f"{path}.{name}", one)]
                for name, one in state.unregistered.items()
            ),
        ]

    def _tensor(self, letter: str, path: str, name: str, state: TensorState) -> list[Any]:
        """Return a tensor; the letter: parameter, buffer, transient buffer, x for none of them."""
        marks = []
        if state.kind == "Parameter" and not state.requires_grad:
            marks.append("frozen")
        here = {f"{path}{name}", f"{path}.{name}"}
        others = [other for other in self._paths.get(state.identity, ()) if other not in here]
        if others:
            marks.append(f"also {', '.join(others[:3])}{', …' if len(others) > 3 else ''}")
        if state.grad is not None:
            marks.append("has .grad")
        return [letter, name, spelled(state.shape), *marks]

    def _child(self, path: str, name: str, state: ModuleState) -> list[Any]:
        if state.identity in self._drawn:
            return ["again", name, state.kind, self._drawn[state.identity]]
        self._drawn[state.identity] = path
        own = self._own.get(state.identity, [])
        rows = self.rows(self._twice.get(path, path), state)
        return ["child", name, state.kind, int(state.training), rows, *own[:3]]

    def _outside(self, path: str, state: State) -> list[Any]:
        match state:
            case ModuleState():
                return [state.kind, [self._child(path, "", state)]]
            case states.Sequence():
                inner = [(f"[{at}]", item) for at, item in enumerate(state.items)]
            case states.Table():
                inner = [(f"[{key!r}]", item) for key, item in state.items.items()]
            case TensorState():
                return [f"a plain {state.kind.lower()} {spelled(state.shape)}", []]
            case _:
                return [text_of(state), []]
        rows: list[Any] = []
        for name, item in inner:
            if isinstance(item, ModuleState):
                rows.append(self._child(f"{path}{name}", name, item))
            elif isinstance(item, TensorState):
                rows.append(self._tensor("x", path, name, item))
        return [f"a plain {state.kind}", rows]


def _groups(state: OptimizerState, paths: Mapping[str, list[str]]) -> list[Any]:
    options = [
        {name: text_of(item) for name, item in group.items() if name != "params"}
        for group in state.groups
    ]
    shared = {
        name: text
        for name, text in (options[0] if options else {}).items()
        if all(other.get(name) == text for other in options)
    }
    groups = []
    for group, own in zip(state.groups, options, strict=True):
        inside = group.get("params")
        held = inside.items if isinstance(inside, states.Sequence) else ()
        told = {name: text for name, text in own.items() if name not in shared}
        tensors = [item for item in held if isinstance(item, TensorState)]
        groups.append([told, [_stepped(item, state, paths) for item in tensors]])
    unset = ("None", "False", "0")  # what an optimizer was not asked for
    return [state.kind, {name: text for name, text in shared.items() if text not in unset}, groups]


def _stepped(
    tensor: TensorState, state: OptimizerState, paths: Mapping[str, list[str]]
) -> list[Any]:
    """Return a parameter that an optimizer steps: its name, its shape, and what is kept of it."""
    kept = []
    for name, item in state.state.get(tensor.identity, {}).items():
        if isinstance(item, TensorState) and not item.shape and item.values:
            kept.append(f"{name} {text_of(item)[7:-1].removesuffix('.')}")
        elif isinstance(item, Plain):
            if item.text != "None":
                kept.append(f"{name} {item.text}")
        else:
            kept.append(name)
    names = paths.get(tensor.identity, ["a tensor without a name"])
    return [names[0], spelled(tensor.shape), ", ".join(kept)]
