"""Say which elements of an operator's arguments made each element of its result, and how strongly.

An operator that only moves elements is run again on their numbers: exact for every dtype. An
elementwise one is derived by one backward pass over broadcast copies; others by their Jacobian.
Where torch has no derivative, every element depends on every other, with no weight known.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map_only

from explainers.program.describing import places
from explainers.program.labels import Block
from explainers.program.states import MOST_CELLS

MOST_WEIGHTS = 1 << 16
"""Pairs of elements that one operator may connect."""


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MOVES = _names(
    "clone _to_copy cat stack index index_select gather masked_select take flip roll repeat "
    "constant_pad_nd slice_scatter select_scatter diagonal_scatter index_put_ index_put "
    "scatter scatter_ triu tril embedding expand_copy view_copy _unsafe_view _reshape_copy "
    "copy rot90 masked_scatter masked_scatter_ index_copy_ index_copy reflection_pad1d "
    "select_backward slice_backward _index_put_impl_ contiguous resolve_conj"
)
_CHOOSES = _names("sort topk max min median mode kthvalue max_pool2d_with_indices cummax cummin")
_MADE_OF_NOTHING = _names(
    "zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones "
    "new_empty new_full new_empty_strided empty_strided bernoulli_ uniform_ normal_ random_ "
    "zero_ exponential_ geometric_ cauchy_ log_normal_ set_ resize_ randint_like"
)
WRITES_SOME = _names(
    "index_put_ _index_put_impl_ masked_fill_ scatter_ masked_scatter_ index_copy_ index_fill_"
)
"""Operators that leave those elements of what they write which no index or mask names."""
# Of these a weight of zero says that the element was not taken.
_TAKES = frozenset(["where", "masked_fill", "masked_fill_", "fill_", "threshold_backward"])


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The elements of a tensor, as places in memory that are the same over the whole run.

    Attributes:
        block: The piece of memory; None for a tensor that has none.
        first: Byte of the first element.
        shape: Sizes.
        stride: In bytes.
        address: Of the tensor, to tell which name it has.
        value: A copy of what it held; None where nobody will ask.
    """

    block: Block | None
    first: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    address: int
    value: Tensor | None = None

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def places(self) -> tuple[int, ...]:
        """Return the byte at which each element begins, in reading order."""
        return places(self.shape, self.stride, self.first)


Source = tuple[Reach, list[int], list[int], list[float | None]]
"""An argument; then, pair by pair, an element of the result, one of the argument, and the weight:
None where it is known that it mattered, but not how strongly."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of an operator, with its tensors as `Reach`.

    Attributes:
        func: The operator.
        args: Its arguments.
        kwargs: Its keyword arguments.
        outs: What it wrote: results, or the arguments that it changed.
        mutates: Whether it changed arguments.
    """

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: tuple[Reach, ...]
    mutates: bool

    @property
    def name(self) -> str:
        """The operator's name, without its overload."""
        return str(self.func._schema.name).removeprefix("aten::")

    def read(self) -> list[Reach]:
        """Return the tensors among the arguments, each once."""
        leaves = tree_flatten((self.args, self.kwargs))[0]
        return list({id(leaf): leaf for leaf in leaves if isinstance(leaf, Reach)}.values())

    def plain(self, replace: dict[int, Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments as tensors: their values, but for what is replaced."""

        def back(reach: Reach) -> Tensor | None:
            return replace.get(id(reach), reach.value)

        args, kwargs = tree_map_only(Reach, back, (self.args, self.kwargs))
        return args, kwargs


def sources(call: Call) -> list[list[Source]]:
    """Return what made each result of a call."""
    read = call.read()
    size = sum(out.size for out in call.outs)
    known = all(reach.value is not None for reach in read)
    nothing: list[list[Source]] = [[] for _ in call.outs]
    if not read or not known or size > MOST_CELLS or call.name in _MADE_OF_NOTHING:
        return nothing
    with _undisturbed():
        try:
            return _sources(call, read)
        except (RuntimeError, NotImplementedError, TypeError, IndexError, ValueError):
            return _everything(call, read)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Derive whatever the modes of the thread that asks."""
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        torch._C.DisableTorchFunction(),
        torch._C._DisableTorchDispatch(),
    ):
        yield


def _sources(call: Call, read: list[Reach]) -> list[list[Source]]:
    name = call.name
    if name in _MOVES and not ("index_put" in name and _accumulates(call)):
        return [_moved(call, read)]
    if name == "copy_":
        return [[_spread(call.args[1], call.outs[0], 1.0)]]
    if name in _CHOOSES and len(call.outs) == 2:
        return _chosen(call)
    if torch.Tag.pointwise in call.func.tags or name in _TAKES:
        return [_elementwise(call, read), *([] for _ in call.outs[1:])]
    return _jacobian(call, read)


def _accumulates(call: Call) -> bool:
    return bool(call.kwargs.get("accumulate", len(call.args) > 3 and call.args[3]))


def _moved(call: Call, read: list[Reach]) -> list[Source]:
    numbers, spans, count = {}, [], 1  # 0 is what comes from nowhere
    wholes = [reach for reach in read if not _steers(call, reach)]
    for reach in wholes:
        numbers[id(reach)] = torch.arange(count, count + reach.size).view(reach.shape)
        spans.append((count, reach))
        count += reach.size
    args, kwargs = call.plain(numbers)
    kwargs = {key: value for key, value in kwargs.items() if key != "dtype"}
    if call.name == "constant_pad_nd":
        args = (*args[:2], 0)
    if call.name == "scatter" and not isinstance(args[3], Tensor):
        args = (*args[:3], 0)
    tags = call.func(*args, **kwargs).flatten().tolist()
    found: list[Source] = []
    for begin, reach in spans:
        pairs = [
            (to, tag - begin) for to, tag in enumerate(tags) if begin <= tag < begin + reach.size
        ]
        found.append((reach, [p[0] for p in pairs], [p[1] for p in pairs], [1.0] * len(pairs)))
    return found


def _steers(call: Call, reach: Reach) -> bool:
    """Whether an argument says where elements go, and is none of them itself."""
    if reach is call.args[0]:
        return False
    value = reach.value
    if call.name == "embedding":
        return reach is call.args[1]
    if call.name in {"cat", "stack", "copy"} or value is None:
        return False
    places_of = {
        "index": 1,
        "index_put": 1,
        "index_put_": 1,
        "_index_put_impl_": 1,
        "masked_select": 1,
        "take": 1,
    }
    place = places_of.get(call.name)
    if place is not None:
        inside = tree_flatten(call.args[place])[0]
        return any(leaf is reach for leaf in inside)
    return value.dtype in (torch.int64, torch.int32, torch.bool) and _named_index(call, reach)


def _named_index(call: Call, reach: Reach) -> bool:
    for argument, given in zip(call.func._schema.arguments, call.args, strict=False):
        if given is reach:
            return argument.name in {"index", "mask", "indices"}
    return any(call.kwargs.get(name) is reach for name in ("index", "mask", "indices"))


def _chosen(call: Call) -> list[list[Source]]:
    reach = call.args[0]
    args, kwargs = call.plain({})
    _, index = call.func(*args, **kwargs)
    numbers = torch.arange(reach.size).view(reach.shape)
    if call.name == "max_pool2d_with_indices":
        plane = math.prod(reach.shape[-2:])
        per_plane = max(1, math.prod(index.shape[-2:]))
        lead = (torch.arange(index.numel()) // per_plane) * plane
        source = (index.flatten() + lead).tolist()
    else:
        dim = _dimension(call)
        spread = index if index.dim() == len(reach.shape) else index.unsqueeze(dim)
        source = numbers.gather(dim, spread).flatten().tolist() if reach.shape else [0]
    to = list(range(len(source)))
    return [[(reach, to, source, [1.0] * len(to))], [(reach, to, source, [None] * len(to))]]


def _dimension(call: Call) -> int:
    names = [argument.name for argument in call.func._schema.arguments]
    given = dict(zip(names, call.args, strict=False)) | call.kwargs
    return int(given.get("dim", -1))


def _spread(reach: Reach, out: Reach, weight: float | None) -> Source:
    numbers = torch.arange(reach.size).view(reach.shape).expand(out.shape).flatten().tolist()
    return reach, list(range(len(numbers))), numbers, [weight] * len(numbers)


def _derivable(read: list[Reach]) -> list[Reach]:
    """The arguments to derive by: those of floating point, or else the whole numbers."""

    def of(test: Callable[[torch.dtype], bool]) -> list[Reach]:
        return [reach for reach in read if reach.value is not None and test(reach.value.dtype)]

    floating = of(lambda dtype: dtype.is_floating_point or dtype.is_complex)
    return floating or of(lambda dtype: True)


def _variable(reach: Reach) -> Tensor:
    value = reach.value
    if value is None:
        raise TypeError
    whole = not (value.dtype.is_floating_point or value.dtype.is_complex)
    return value.double() if whole else value.clone()


def _elementwise(call: Call, read: list[Reach]) -> list[Source]:
    out = call.outs[0]
    weights: dict[int, list[float | None]] = {}
    variables = {
        id(reach): _variable(reach).expand(out.shape).clone().requires_grad_()
        for reach in _derivable(read)
    }
    with contextlib.suppress(RuntimeError, TypeError):
        weights = _pointwise_weights(call, variables)
    found = []
    for reach in read:
        if call.name in {"fill_", "copy_"} and reach is call.args[0]:
            continue
        given = weights.get(id(reach))
        source = _spread(reach, out, None)
        if given is not None:
            source = (*source[:3], given)
            if call.name in _TAKES:
                kept = [n for n, weight in enumerate(given) if weight != 0]
                source = (
                    reach,
                    [source[1][n] for n in kept],
                    [source[2][n] for n in kept],
                    [given[n] for n in kept],
                )
        found.append(source)
    return found


def _pointwise_weights(call: Call, variables: dict[int, Tensor]) -> dict[int, list[float | None]]:
    use = dict(variables)
    if call.mutates and id(call.args[0]) in use:  # a leaf may not be written in place
        use[id(call.args[0])] = use[id(call.args[0])].clone()
    elif call.mutates and call.args[0].value is not None:
        use[id(call.args[0])] = call.args[0].value.clone()
    args, kwargs = call.plain(use)
    made = call.func(*args, **kwargs)
    made = made if isinstance(made, Tensor) else made[0]
    if not made.requires_grad or made.is_complex():
        return {}
    names = list(variables)
    grads = torch.autograd.grad(
        made, [variables[name] for name in names], torch.ones_like(made), allow_unused=True
    )
    return {
        name: [0.0] * made.numel() if grad is None else grad.flatten().tolist()
        for name, grad in zip(names, grads, strict=True)
    }


def _jacobian(call: Call, read: list[Reach]) -> list[list[Source]]:
    by = _derivable(read)
    variables = {id(reach): _variable(reach).requires_grad_() for reach in by}
    use = dict(variables)
    if call.mutates:
        for reach in by:
            if any(reach is argument for argument in call.args):
                use[id(reach)] = variables[id(reach)].clone()
    args, kwargs = call.plain(use)
    given = call.func(*args, **kwargs)
    made = [one for one in tree_flatten(given)[0] if isinstance(one, Tensor)]
    if len(made) < len(call.outs):
        raise TypeError
    return [
        _rows(one, by, [variables[id(reach)] for reach in by], _everything(call, read)[place])
        for place, one in enumerate(made[: len(call.outs)])
    ]


def _rows(
    made: Tensor, by: list[Reach], variables: list[Tensor], otherwise: list[Source]
) -> list[Source]:
    if not made.requires_grad or made.is_complex():
        return otherwise
    count = made.numel()
    flat = made.reshape(-1)
    found: list[tuple[Tensor | None, ...]] = []
    if count > 6:
        eye = torch.eye(count, dtype=made.dtype).view(count, *made.shape)
        with contextlib.suppress(RuntimeError):
            batched = torch.autograd.grad(
                made, variables, eye, retain_graph=True, allow_unused=True, is_grads_batched=True
            )
            return _sparse(by, list(batched), count)
    for place in range(count):
        found.append(
            torch.autograd.grad(flat[place], variables, retain_graph=True, allow_unused=True)
        )
    stacked: list[Tensor | None] = []
    for column in zip(*found, strict=True):
        filled = [one for one in column if one is not None]
        stacked.append(torch.stack(filled) if len(filled) == count and count else None)
    return _sparse(by, stacked, count)


def _sparse(by: list[Reach], rows: list[Tensor | None], count: int) -> list[Source]:
    found: list[Source] = []
    for reach, matrix in zip(by, rows, strict=True):
        if matrix is None or not count:
            continue
        flat = matrix.reshape(count, -1)
        at = flat.nonzero()
        found.append((reach, at[:, 0].tolist(), at[:, 1].tolist(), flat[flat != 0].tolist()))
    return found


def _everything(call: Call, read: list[Reach]) -> list[list[Source]]:
    found: list[list[Source]] = []
    for out in call.outs:
        found.append([])
        for reach in read:
            if out.size * reach.size <= MOST_WEIGHTS:
                to = [place for place in range(out.size) for _ in range(reach.size)]
                of = list(range(reach.size)) * out.size
                found[-1].append((reach, to, of, [None] * len(to)))
    return found
