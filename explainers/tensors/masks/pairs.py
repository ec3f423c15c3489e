"""Distances of all pairs three ways: how far each is off, the memory it takes, and its time.

The points are the reader's. How all three grow is measured on many points around them.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from explainers.evidence import Kind
from explainers.program.figure import Figure, FigureProof
from explainers.program.states import Trace

MOST = 5
"""Points of x, and of y."""
REACH = 4.0
"""A coordinate lies within that of the origin."""
COORDINATES = 8
"""Of each of the many points; the first two are around the reader's."""
SIZES = (4, 8, 16, 32, 64)
"""So few that torch works on one thread: where cores are few, the others' waiting would count."""

Way = Callable[[Tensor, Tensor], Tensor]

WAYS: Mapping[str, tuple[str, Way]] = {
    "broadcast": (
        "(x[:, None] - y).square().sum(2)",
        lambda x, y: (x[:, None] - y).square().sum(2),
    ),
    "product": (
        "(x * x).sum(1)[:, None] - 2 * x @ y.T + (y * y).sum(1)",
        lambda x, y: (x * x).sum(1)[:, None] - 2 * x @ y.T + (y * y).sum(1),
    ),
    "notes": (
        "(x * x).sum(1) - 2 * x @ y.T + (y * y).sum(1)",
        lambda x, y: (x * x).sum(1) - 2 * x @ y.T + (y * y).sum(1),
    ),
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Hold one way.

    Attributes:
        name: "broadcast", "product" or "notes".
        code: What it computes.
        values: ``(n, n)`` float32, between the reader's points.
        error: Largest distance of `values` from the truth.
        errors: ``(5,)`` float64, the same for each of `SIZES` points.
        sizes: ``(5,)`` int64, bytes of the largest tensor that it makes.
        milliseconds: ``(5,)`` float64, the lesser of two runs, on this machine now.
    """

    name: str
    code: str
    values: Tensor
    error: float
    errors: Tensor
    sizes: Tensor
    milliseconds: Tensor


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Hold the three ways.

    Attributes:
        x: All points of x, as the reader placed them.
        y: All points of y.
        count: How many of each take part.
        away: Added to every coordinate.
        truth: ``(count, count)`` float64, from differences in float64.
        ways: Broadcasting, the product, the notes' line.
        points: ``(5,)`` float64, `SIZES`.
    """

    x: tuple[tuple[float, float], ...]
    y: tuple[tuple[float, float], ...]
    count: int
    away: float
    truth: Tensor
    ways: tuple[Measured, ...]
    points: Tensor


class _Largest(TorchDispatchMode):
    """Note the bytes of the largest tensor that an operation gives."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and look at what it gives."""
        given = func(*args, **(kwargs or {}))
        if isinstance(given, Tensor):
            self.bytes = max(self.bytes, given.nbytes)
        return given


Places = tuple[tuple[float, float], ...]


def placed(places: str) -> tuple[Places, Places]:
    """Return the points of x and of y that a parameter spells: rows of two, x first."""
    pairs = (row.split(",") for row in places.split(";"))
    rows = [(float(right), float(up)) for right, up in pairs]
    return tuple(rows[:MOST]), tuple(rows[MOST:])


def truth(x: Tensor, y: Tensor) -> Tensor:
    """Return the squared distances of all pairs of float32 points, in float64."""
    return (x.double()[:, None] - y.double()).square().sum(2)


def pairs(
    _: Trace,
    settings: Any,
    *,
    ways: Mapping[str, tuple[str, Way]] = WAYS,
    true: Way = truth,
) -> Pairs:
    """Return the three ways at the reader's points; `ways` and `true` are others, errors."""
    x, y = placed(settings.places)
    near, far = (torch.tensor(p[: settings.n]) + settings.away for p in (x, y))
    generator = torch.Generator().manual_seed(0)
    many = [_around(points[: settings.n], settings.away, generator) for points in (x, y)]
    right = true(near, far)
    rights = [true(many[0][:count], many[1][:count]) for count in SIZES]
    measured = tuple(
        _measured(name, code, way, (near, far, right), many, rights)
        for name, (code, way) in ways.items()
    )
    return Pairs(x, y, settings.n, settings.away, right, measured, torch.tensor(SIZES).double())


def _around(
    points: tuple[tuple[float, float], ...], away: float, generator: torch.Generator
) -> Tensor:
    """Return ``(64, 8)`` float32 points: a cloud around each of the reader's, all coordinates."""
    count = SIZES[-1]
    spread = 0.3 * torch.randn(count, COORDINATES, generator=generator)
    spread[:, :2] += torch.tensor(points)[torch.arange(count) % len(points)]
    return spread + away


def _measured(
    name: str,
    code: str,
    way: Way,
    own: tuple[Tensor, Tensor, Tensor],
    many: list[Tensor],
    rights: list[Tensor],
) -> Measured:
    near, far, right = own
    values = way(near, far)
    errors, sizes, times = [], [], []
    for count, wanted in zip(SIZES, rights, strict=True):
        x, y = (points[:count] for points in many)
        with _Largest() as largest:
            found = way(x, y)
        errors.append(float((found.double() - wanted).abs().max()))
        sizes.append(largest.bytes)
        times.append(_milliseconds(lambda x=x, y=y: way(x, y)))  # type: ignore[misc]
    return Measured(
        name,
        code,
        values,
        float((values.double() - right).abs().max()),
        torch.tensor(errors, dtype=torch.float64),
        torch.tensor(sizes),
        torch.tensor(times, dtype=torch.float64),
    )


def _milliseconds(run: Callable[[], object]) -> float:
    """Return the lesser time of two runs: all of them together take a few milliseconds."""
    least = math.inf
    for _ in range(2):
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
    return least * 1e3


def _points(settings: Any) -> list[NDArray[np.float64]]:
    away = np.float32(settings.away)
    return [
        (np.array(p[: settings.n], np.float32) + away).astype(np.float64)
        for p in placed(settings.places)
    ]


def _loop(settings: Any) -> NDArray[np.float64]:
    x, y = _points(settings)
    return np.array([[sum((p - q) ** 2) for q in y] for p in x])


def _errors(found: Pairs, settings: Any) -> float:
    true = _loop(settings)
    gaps = [
        abs(way.error - np.abs(way.values.numpy().astype(np.float64) - true).max())
        for way in found.ways
    ]
    return float(max(gaps))


def _exact(found: Pairs, settings: Any) -> float:
    """How far broadcasting and the product are off, as shares of what each may round."""
    true, (x, y) = _loop(settings), _points(settings)
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1)
    rounded = (max(float(true.max()), 1e-9), max(float(squares.max()), 1e-9))
    return max(
        float(np.abs(way.values.numpy() - true).max()) / size
        for way, size in zip(found.ways[:2], rounded, strict=True)
    )


def _axis(found: Pairs, settings: Any) -> float:
    x, y = _points(settings)
    own = (x**2).sum(1)
    expected = _loop(settings) + own[None, :] - own[:, None]
    size = max(float((own[:, None] + (y**2).sum(1)).max()), 1e-9)
    return float(np.abs(found.ways[2].values.numpy() - expected).max()) / size


def _bytes(found: Pairs, _: Any) -> float:
    expected = {
        "broadcast": [4 * count * count * COORDINATES for count in SIZES],
        "product": [4 * count * max(count, COORDINATES) for count in SIZES],
    }
    expected["notes"] = expected["product"]
    taken = all(bool((way.milliseconds > 0).all()) for way in found.ways)
    return (
        max(float((way.sizes - torch.tensor(expected[way.name])).abs().max()) for way in found.ways)
        if taken
        else math.inf
    )


def _in_float64(x: Tensor, y: Tensor) -> Tensor:
    return (x[:, None].double() - y).square().sum(2).float()


def _mended(name: str, way: Way) -> Mapping[str, tuple[str, Way]]:
    return {**WAYS, name: (WAYS[name][0], way)}


PAIRS = Figure(
    title="Three ways to all distances",
    result=pairs,
    edits="places",
    proofs=(
        FigureProof(
            "The error on show is the largest distance from a loop over the pairs.",
            "a loop over the pairs in NumPy, float64",
            _errors,
            twin=lambda trace, settings: pairs(trace, settings, true=WAYS["product"][1]),
            tolerance=1e-6,
        ),
        FigureProof(
            "Broadcasting is off by at most a millionth of the largest distance, the product by at "
            "most a millionth of the largest x·x + y·y.",
            "a loop over the pairs in NumPy, float64",
            _exact,
            twin=lambda trace, settings: pairs(
                trace, settings, ways=_mended("broadcast", WAYS["product"][1])
            ),
            tolerance=1e-6,
        ),
        FigureProof(
            "With a row of sums, pair (i, j) is off by x_j·x_j - x_i·x_i: by nothing on the "
            "diagonal.",
            "a loop over the pairs in NumPy, float64",
            _axis,
            twin=lambda trace, settings: pairs(
                trace, settings, ways=_mended("notes", WAYS["product"][1])
            ),
            tolerance=1e-6,
        ),
        FigureProof(
            "The largest tensor of broadcasting has points × points × 8 numbers; of the others, "
            "points × points.",
            "4 bytes times the sizes",
            _bytes,
            twin=lambda trace, settings: pairs(
                trace, settings, ways=_mended("broadcast", _in_float64)
            ),
            kind=Kind.INVARIANT,
        ),
    ),
)
