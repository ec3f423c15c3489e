"""Say what was recorded of a program that ran: facts, and no object of the program itself.

Everything is frozen, and holds numbers, text and other states. Two states are equal where nothing
told them apart; NaN equals NaN, as every NaN recorded is one object.
"""

import dataclasses
import enum
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

Number: TypeAlias = bool | int | float | complex

NAN = math.nan
"""The one NaN of all that is recorded: so that NaN equals NaN."""

MOST_CELLS = 256
"""Cells of a tensor, an array or a storage whose values are recorded."""
MOST_SHADED = 4_096
"""Cells of a tensor of which at least a shade is recorded."""
MOST_STEPS = 200
"""Statements that a run records before it is ended."""
MOST_SECONDS = 2.0
"""Seconds that a run may compute, or sleep, before it is ended."""
MOST_NODES = 120
"""Nodes of the autograd graph that are recorded after a statement."""
MOST_ITEMS = 32
"""Items of a list, a dict or a module that are opened."""
MOST_TEXT = 4_000
"""Characters that are kept of what a statement printed."""


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """Describe the cells of a tensor that is too large to record each.

    Attributes:
        lowest: Of the cells that are not NaN; None where there is none. None for complex numbers.
        highest: The same.
        mean: Of all cells, in float64; NaN where a cell is.
        deviation: Standard deviation of all cells, divided by their number, in float64.
        nans: How many cells are NaN.
        corners: Index and value of the first and last cell along the first four dimensions that
            have more than one: at most 16.
        shades: Of up to 4,096 cells one byte each, in reading order and as base64: 128 for 0, up to
            127 more or less in proportion, by the largest finite value; 0 for NaN. "" for more
            cells, and for complex numbers.
    """

    lowest: Number | None
    highest: Number | None
    mean: Number
    deviation: float
    nans: int
    corners: tuple[tuple[tuple[int, ...], Number], ...]
    shades: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class TensorState:
    """Describe a tensor after a statement.

    Attributes:
        identity: ``"t0"``, ``"t1"``, … in the order in which the run saw them: equal exactly
            where two names hold one tensor, over the whole run.
        kind: ``"Tensor"``, ``"Parameter"``, or another subclass's name.
        shape: Sizes.
        dtype: ``"float32"`` and so on.
        device: ``"cpu"`` and so on.
        layout: ``"strided"`` and so on; only strided tensors have strides, storage and values.
        stride: Cells of the storage from one index to the next, per dimension.
        offset: Cell of the storage at which the tensor begins.
        storage: ``"A"``, ``"B"``, …: equal exactly where two tensors or arrays lie in one piece of
            memory, over the whole run; "" where there is none.
        cells: Where in the storage each value lies, in reading order (the last index runs
            fastest); None for more than 256.
        values: In reading order; None for more than 256, and on the meta device.
        summary: Statistics where `values` would be too many.
        contiguous: Whether it lies in memory in reading order.
        requires_grad: Whether operations on it are noted for backward.
        leaf: Whether no operation that was noted made it.
        retains_grad: Whether `retain_grad` was called on it; a leaf does not need it.
        view: Whether torch knows it as a view of another tensor.
        version: How often its storage was written in place; None in inference mode, where torch
            does not count.
        made_by: Name of its `grad_fn`, ``"AddBackward0"``; "" for none.
        node: Number of that node in the step's `Graph`; None for none.
        grad: Its `.grad`; None for none, and for what is neither a leaf nor retains it.
    """

    identity: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    device: str
    layout: str
    stride: tuple[int, ...]
    offset: int
    storage: str
    cells: tuple[int, ...] | None
    values: tuple[Number, ...] | None
    summary: Summary | None
    contiguous: bool
    requires_grad: bool
    leaf: bool
    retains_grad: bool
    view: bool
    version: int | None
    made_by: str
    node: int | None
    grad: "TensorState | None"


@dataclasses.dataclass(frozen=True, slots=True)
class ArrayState:
    """Describe a NumPy array after a statement.

    Attributes:
        shape: Sizes.
        dtype: NumPy's name, ``"float32"``.
        stride: Items from one index to the next, per dimension; NumPy's own strides count bytes,
            and may be negative.
        offset: Item of the storage at which the array begins.
        storage: As of `TensorState`; an array made of a tensor shares its label, and the other way
            round.
        cells: As of `TensorState`; in items of this dtype. None where an item lies between two.
        values: In reading order; None for more than 256, and for what is no number.
    """

    shape: tuple[int, ...]
    dtype: str
    stride: tuple[int, ...]
    offset: int
    storage: str
    cells: tuple[int, ...] | None
    values: tuple[Number, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """Say what anything else is, in a few words.

    Attributes:
        text: ``repr`` of a number, a text or a type of torch's; otherwise what kind of object it
            is. No code of the object's own is asked for it.
        kind: Name of its type.
    """

    text: str
    kind: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Sequence:
    """Describe a list or tuple that holds more than plain values.

    Attributes:
        kind: ``"list"``, ``"tuple"``, or a named tuple's name.
        items: What it holds, the first 32.
        length: How many it holds.
    """

    kind: str
    items: tuple["State", ...]
    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Describe a dict that holds more than plain values.

    Attributes:
        kind: ``"dict"``, ``"OrderedDict"`` and so on.
        items: The first 32, by the text of their key.
        length: How many it holds.
    """

    kind: str
    items: Mapping[str, "State"]
    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleState:
    """Describe a module after a statement.

    Attributes:
        identity: ``"m0"``, ``"m1"``, … in the order in which the run saw them: equal exactly
            where two names or places in a tree hold one module, over the whole run.
        kind: Name of its class.
        training: Its `training` flag.
        parameters: Those registered with it itself, by name.
        buffers: The same.
        transient: Names of the buffers that ``state_dict()`` leaves out.
        children: Modules registered with it itself, by name.
        unregistered: Plain attributes that hold tensors or modules, in lists and dicts too: neither
            `parameters()` nor `state_dict()` nor `to()` finds them.
    """

    identity: str
    kind: str
    training: bool
    parameters: Mapping[str, TensorState]
    buffers: Mapping[str, TensorState]
    transient: frozenset[str]
    children: Mapping[str, "ModuleState"]
    unregistered: Mapping[str, "State"]


@dataclasses.dataclass(frozen=True, slots=True)
class OptimizerState:
    """Describe an optimizer after a statement.

    Attributes:
        identity: ``"o0"``, ``"o1"``, …, as of `ModuleState`.
        kind: Name of its class.
        groups: Its `param_groups`: ``"params"`` and the options.
        state: What it keeps of each parameter, by the parameter's `TensorState.identity`.
    """

    identity: str
    kind: str
    groups: tuple[Mapping[str, "State"], ...]
    state: Mapping[str, Mapping[str, "State"]]


@dataclasses.dataclass(frozen=True, slots=True)
class ContextState:
    """Describe the ``ctx`` of a custom autograd Function after a statement.

    Attributes:
        identity: ``"c0"``, ``"c1"``, …, as of `ModuleState`: forward and backward of one call get
            one ``ctx``.
        kind: Name of its class, ``"ExpBackward"``.
        fields: What it holds, by the attribute at which a program finds it: ``to_save`` in forward,
            once `save_for_backward` was called; ``saved_tensors`` in backward, but where to ask for
            them would raise, or run a hook; and what was assigned to it.
    """

    identity: str
    kind: str
    fields: Mapping[str, "State"]


State: TypeAlias = (
    TensorState
    | ArrayState
    | ModuleState
    | OptimizerState
    | ContextState
    | Sequence
    | Table
    | Plain
)


def inside(path: str, state: State) -> Iterator[tuple[str, State]]:
    """Give what a value holds, each with its path: an item, a field, a part of a module.

    An optimizer's are not among them: its groups hold parameters that have paths of their own.
    """
    match state:
        case Sequence():
            yield from ((f"{path}[{at}]", item) for at, item in enumerate(state.items))
        case Table():
            yield from ((f"{path}[{key!r}]", item) for key, item in state.items.items())
        case ContextState():
            yield from ((f"{path}.{key}", item) for key, item in state.fields.items())
        case ModuleState():
            own = {**state.parameters, **state.buffers, **state.children, **state.unregistered}
            yield from ((f"{path}.{key}", item) for key, item in own.items())


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """Hold what a storage contains.

    Attributes:
        dtype: Of the tensor or array through which it was first seen.
        size: Cells of that dtype.
        values: Of every cell; None for more than 256, and off the CPU.
    """

    dtype: str
    size: int
    values: tuple[Number, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """Say which cells of a storage that was known before hold something else now.

    Attributes:
        storage: Its label.
        cells: Positions in the storage, rising; None where there are too many to record.
        names: Paths of the tensors and arrays that see a changed cell: ``"x"``, ``"net.weight"``,
            ``"w.grad"``, in the order of the names; where `cells` is None, all that lie in it.
    """

    storage: str
    cells: tuple[int, ...] | None
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """Tell apart the three kinds of change that a statement makes.

    Attributes:
        bound: Names that hold another object than before, or that are new. Inside a function, its
            local names; otherwise the module's.
        gone: Names that were there after the statement before.
        written: Storages whose cells changed.
        facts: For each tensor that was there before, by its path (``"w"``, ``"w.grad"``), the
            fields of its `TensorState` that changed, without `values` and `summary`.
    """

    bound: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    written: tuple[Written, ...] = ()
    facts: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=_nothing)


class Freed(enum.StrEnum):
    """Say whether a node still has what it saved for backward."""

    KEPT = "kept"
    FREED = "freed"
    NOTHING = "nothing saved"


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """Describe a node of the autograd graph.

    Attributes:
        number: The same over the whole run, from 0 in the order in which they were seen.
        name: ``"MulBackward0"`` and so on.
        next: Numbers of the nodes that its gradients go to, one an input; None where an input
            needs none, or where the graph was too large to record.
        saved: Whether what it saved for backward is still there.
        stale: Whether something that it saved was written in place since: backward will refuse.
            False where a hook of the program unpacks it, as to ask would run the hook.
        leaf: Identity of the tensor that an ``AccumulateGrad`` adds to; "" for every other node.
    """

    number: int
    name: str
    next: tuple[int | None, ...]
    saved: Freed
    stale: bool
    leaf: str


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """Hold the autograd graph that the named tensors reach.

    Attributes:
        nodes: By number, at most 120.
        whole: Whether that is all of it.
    """

    nodes: tuple[Node, ...] = ()
    whole: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """Name the function of the program in which a statement ran.

    Attributes:
        name: Qualified, ``"Net.forward"``.
        depth: 1 for a function that the module level called, 2 for one that this one called, …
        number: Which call of a function it is, from 1, over the whole run.
    """

    name: str
    depth: int
    number: int


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """Say which turn of a loop a statement ran in.

    Attributes:
        line: Of the ``for`` or ``while``.
        number: From 1.
    """

    line: int
    number: int


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Hold what stood after a statement.

    Attributes:
        first: First line of the statement that just ran, from 1.
        last: Its last line.
        names: The module level's names, without imported modules, in the order in which they came.
        local: The names inside a function of the program; empty at the module level.
        printed: What was printed since the step before.
        warned: What was warned of since the step before.
        value: Of a statement that is a bare expression; None where that is None.
        returned: What a ``return`` gives back.
        frame: The function of the program; None at the module level.
        turns: The loops of that function around the statement, outermost first.
        grad_mode: Whether grad mode was on.
        memory: The storages that are new or hold something else than before, by label.
        changes: What this statement changed.
        graph: The autograd graph.
    """

    first: int
    last: int
    names: Mapping[str, State]
    local: Mapping[str, State] = dataclasses.field(default_factory=_nothing)
    printed: str = ""
    warned: tuple[str, ...] = ()
    value: State | None = None
    returned: State | None = None
    frame: Frame | None = None
    turns: tuple[Turn, ...] = ()
    grad_mode: bool = True
    memory: Mapping[str, Memory] = dataclasses.field(default_factory=_nothing)
    changes: Changes = dataclasses.field(default_factory=Changes)
    graph: Graph = dataclasses.field(default_factory=Graph)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """Say what ended a run before its end.

    Attributes:
        line: The innermost line of the program that was running; 0 where none was.
        kind: Name of the exception's class; ``"Stopped"`` where a bound ended the run.
        message: Its text.
        after: What stood when it was raised, with what was printed and warned of since the last
            step; None for a ``SyntaxError``.
    """

    line: int
    kind: str
    message: str
    after: Step | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """Hold a run of a program.

    Attributes:
        source: The program.
        steps: In the order in which its statements ran.
        failure: What ended it; None where it ran to its end.
        device: Where it made its tensors.
        jailed: Whether it is a reader's program, which ran in a process of its own: it must never
            run in this one.
    """

    source: str
    steps: tuple[Step, ...]
    failure: Failure | None = None
    device: str = "cpu"
    jailed: bool = False
