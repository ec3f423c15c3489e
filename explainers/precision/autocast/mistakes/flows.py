"""Run lines of code, and keep the dtypes that flow through them."""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from explainers.evidence import Mistake
from explainers.precision.autocast.lists import raised, short


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of code that ran.

    Attributes:
        code: The line.
        inside: Whether it ran inside the autocast region.
        gives: dtype of what it gave, or "" where torch raised.
        note: What is to be said of it; what torch raised, where it did.
    """

    code: str
    inside: bool
    gives: str
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FlowMistake:
    """Hold what either code gives line by line, in dtypes.

    Attributes:
        mistake: Both lines and their cost.
        wrong: The lines people write.
        right: The lines that do it.
    """

    mistake: Mistake
    wrong: tuple[Line, ...]
    right: tuple[Line, ...]

    @property
    def said(self) -> str:
        """What torch raised under the wrong lines, or ""."""
        return next((line.note for line in self.wrong if not line.gives), "")


def ran(code: str, inside: bool, run: Callable[[], Tensor], note: str = "") -> Line:
    """Run a line, inside a region or outside; keep its output's dtype, or what torch raised."""
    try:
        return Line(code, inside, short(run().dtype), note)
    except RuntimeError as error:
        return Line(code, inside, "", raised(error))


def tensors(where: torch.device, count: int, size: int = 8) -> list[Tensor]:
    """Return `count` float32 tensors ``(size, size)``, uniform in [0, 1), the same every time."""
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(size, size, generator=generator).to(where) for _ in range(count)]


def region(where: torch.device) -> str:
    """Return the line of code that opens a region of float16."""
    return f'with torch.autocast("{where.type}", torch.float16):\n'
