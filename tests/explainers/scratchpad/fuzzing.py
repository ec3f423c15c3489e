"""Call listed operators with arguments at the edges of what their schema takes."""

import random
import resource
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten

EDGES = (0, 1, -1, 2, 3, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 7)
FLOATS = (0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), -float("inf"), 1e300, 1e-300)
WORDS = ("", "mean", "sum", "none", "floor", "trunc", "linear", "x" * 99, "L", "reduced", "prod")
DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64, torch.uint8)
SHAPES = ((), (0,), (1,), (3,), (2, 3), (3, 3), (0, 3), (2, 0), (2, 3, 4), (1, 1, 4, 4), (1, 2, 4))


# A schema calls these numbers. One that is none of theirs ends the process before any operator is
# asked: the wall of values has to refuse it.
KINDS = {
    "dtype": lambda dice: dice.choice((*DTYPES, None, None)),
    "memory_format": lambda dice: dice.choice((torch.channels_last, torch.preserve_format, None)),
    "layout": lambda dice: dice.choice((torch.strided, None)),
}


def overloads(names: list[str]) -> Iterator[Any]:
    """Give every overload of some operators on tensors that has no argument called ``out``."""
    for name in names:
        packet = getattr(torch.ops.aten, name)
        for overload in packet.overloads():
            found = getattr(packet, overload)
            whole = (*found._schema.arguments, *found._schema.returns)
            if any("Tensor" in str(one.type) for one in whole) and not any(
                one.is_out for one in found._schema.arguments
            ):
                yield found


def argument(kind: str, dice: random.Random) -> Any:
    """Draw an argument of a schema's type."""
    if kind.endswith("?"):
        return None if dice.random() < 0.4 else argument(kind[:-1], dice)
    if kind.startswith(("Optional[", "List[")):
        inner = kind[kind.index("[") + 1 : -1]
        if kind.startswith("Optional["):
            return None if dice.random() < 0.4 else argument(inner, dice)
        return [argument(inner, dice) for _ in range(dice.choice((0, 1, 2, 2, 2, 3, 4)))]
    if kind in {"int", "SymInt"}:
        return dice.choice(EDGES)
    if kind in {"number", "Scalar"}:
        return dice.choice((*EDGES, *FLOATS, True, 1j))
    if kind == "Tensor":
        return tensor(dice)
    choices: dict[str, tuple[Any, ...]] = {
        "float": FLOATS,
        "bool": (True, False),
        "str": WORDS,
        "Device": (torch.device("cpu"),),
    }
    return dice.choice(choices[kind]) if kind in choices else None


def tensor(dice: random.Random) -> Tensor:
    """Draw a small tensor: empty, strided, expanded, of numbers that are none."""
    shape, dtype = dice.choice(SHAPES), dice.choice(DTYPES)
    made = torch.arange(24).remainder(5).sub(1)[: max(1, torch.Size(shape).numel())].to(dtype)
    whole = torch.zeros(shape, dtype=dtype)
    if whole.numel():
        whole = made[: whole.numel()].reshape(shape).clone()
    if whole.is_floating_point() and whole.numel() and dice.random() < 0.3:
        whole.view(-1)[0] = dice.choice(FLOATS[:-2])
    if whole.dim() > 1 and dice.random() < 0.3:
        whole = whole.transpose(0, -1)
    if whole.dim() and whole.shape[-1] and dice.random() < 0.1:
        whole = whole[..., :1].expand(*whole.shape[:-1], dice.choice((1, 4, 5)))
    if whole.is_floating_point() and dice.random() < 0.2:
        whole.requires_grad_()
    return whole


def call(func: Any, wall: Any, dice: random.Random) -> tuple[str, int, float]:
    """Call an operator once; return what it raised, the cells of its results, and its seconds."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for one in func._schema.arguments:
        if one.has_default_value() and dice.random() < 0.5:
            if not one.kwarg_only:
                break
            continue
        value = KINDS[one.name](dice) if one.name in KINDS else argument(str(one.type), dice)
        if one.kwarg_only:
            kwargs[one.name] = value
        else:
            args.append(value)
    begin = time.thread_time()
    try:
        with wall:
            made = func(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__, 0, time.thread_time() - begin
    cells = sum(one.numel() for one in tree_flatten(made)[0] if isinstance(one, Tensor))
    return "", cells, time.thread_time() - begin


def memory() -> int:
    """Bytes that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
