"""Three rulers: where the numbers of arange, linspace and logspace stand, and whether end is one.

What torch gave is the lesson's own; a ruler adds the place of each number.
"""

import dataclasses
import math
from typing import Any

import numpy as np

from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Ruler:
    """Hold one function's numbers.

    Attributes:
        call: As it stands in the program.
        values: What torch gave, in order.
        places: Where each stands between start and end: the numbers themselves, but of logspace
            their logarithms to base 10.
        reaches: Whether the last number is `end`, or of logspace 10 to that power, in float32.
    """

    call: str
    values: tuple[float, ...]
    places: tuple[float, ...]
    reaches: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Rulers:
    """Hold the three rulers.

    Attributes:
        start: Where they begin.
        end: Where they end.
        step: Of arange.
        quotient: (end - start) / step in float64, which arange rounds up to its length.
        each: arange, linspace, logspace.
    """

    start: float
    end: float
    step: float
    quotient: float
    each: tuple[Ruler, Ruler, Ruler]


def rulers(trace: Trace, settings: Any) -> Rulers:
    """Return the rulers of the lesson's run."""
    lines = trace.source.splitlines()

    def ruler(name: str, *, log: bool = False) -> Ruler:
        values = tuple(float(value) for value in final(trace, name).values)
        (line,) = (line for line in lines if line.startswith(f"{name} = "))
        places = tuple(math.log10(value) for value in values) if log else values
        # A power is rounded anew; the others hold what was written.
        end = float(np.float32(settings.end))
        reaches = math.isclose(places[-1], end, rel_tol=1e-6) if log else values[-1] >= end
        return Ruler(line.partition(" = ")[2], values, places, reaches)

    return Rulers(
        settings.start,
        settings.end,
        settings.step,
        (settings.end - settings.start) / settings.step,
        (ruler("a"), ruler("b"), ruler("c", log=True)),
    )


def _places(found: Rulers, settings: Any) -> float:
    count = math.ceil((settings.end - settings.start) / settings.step)
    even = np.linspace(settings.start, settings.end, settings.steps).tolist()
    stepped = [settings.start + settings.step * index for index in range(count)]
    return max(
        difference(ruler.places, expected)
        for ruler, expected in zip(found.each, (stepped, even, even), strict=True)
    )


def _reached(found: Rulers, settings: Any) -> float:
    count = math.ceil((settings.end - settings.start) / settings.step)
    last = settings.start + settings.step * (count - 1)
    expected = (bool(np.float32(last) >= np.float32(settings.end)), True, True)
    return float(tuple(ruler.reaches for ruler in found.each) != expected)


RULERS = Figure(
    title="Three rulers",
    result=rulers,
    proofs=(
        FigureProof(
            "On the ruler each number stands at start + step · index, or evenly from start to end.",
            "Python's floats, numpy.linspace",
            _places,
            twin=("torch.logspace(${start}, ${end}, ${steps})", "torch.logspace(${start}, 3, 4)"),
            tolerance=1e-5,
        ),
        FigureProof(
            "end is the last number of linspace and logspace; of arange where rounding lets it in.",
            "the last number in Python's floats, rounded to float32",
            _reached,
            twin=("torch.linspace(${start}, ${end}, ${steps})", "a[: ${steps} - 1]"),
        ),
    ),
)
