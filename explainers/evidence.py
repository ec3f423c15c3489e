"""Hold what a page proves: checks against a reference, and verdicts on what the notes say."""

import contextlib
import dataclasses
import enum
import math
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor


class Kind(enum.StrEnum):
    """Say what a check compares torch with: how much of torch's code both sides share."""

    INDEPENDENT = "independent"
    """OpenCV, PIL, NumPy, a closed form, a loop: no code of torch's decides the answer."""
    ANOTHER_PATH = "another path of torch"
    """Torch on both sides, by two ways that ought to agree."""
    INVARIANT = "an invariant"
    """A property of torch's answer itself: it needs no second answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """Compare torch with a reference.

    Attributes:
        statement: What should be true, in one sentence.
        reference: What torch was compared with.
        kind: How independent of torch the reference is.
        error: Largest absolute difference found now.
        tolerance: Largest difference that still counts as agreement.
        remark: Why they differ by as much as they do, or why they never will agree; may be empty.
        made_at: When it was found, in seconds of `time.perf_counter`: the time since the one before
            is what it took.
    """

    statement: str
    reference: str
    error: float
    tolerance: float
    remark: str = ""
    kind: Kind = dataclasses.field(kw_only=True)
    made_at: float = dataclasses.field(default_factory=time.perf_counter, compare=False, repr=False)

    @property
    def holds(self) -> bool:
        """Whether the error is within the tolerance; a NaN is not."""
        return self.error <= self.tolerance


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Hold the largest difference between two libraries in one case.

    Attributes:
        case: What was done, in a few words, with its unit.
        error: Largest absolute difference found now.
        tolerance: Largest difference that rounding explains.
    """

    case: str
    error: float
    tolerance: float

    @property
    def verdict(self) -> str:
        """``"equal"``, ``"to rounding"``, or ``"differs"``; NaN differs."""
        if self.error == 0:
            return "equal"
        return "to rounding" if self.error <= self.tolerance else "differs"


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """Compare what two libraries give for the same request, case by case.

    Attributes:
        ours: Torch's name of it.
        theirs: The other library's name of it.
        differences: By case, in the same order for every row of a table.
        why: Why they agree, or why they never will.
    """

    ours: str
    theirs: str
    differences: tuple[Difference, ...]
    why: str

    @property
    def verdict(self) -> str:
        """Which of ``always equal``, ``to rounding``, ``in some cases`` and ``never`` holds."""
        verdicts = {difference.verdict for difference in self.differences}
        if "differs" not in verdicts:
            return "always equal" if verdicts == {"equal"} else "to rounding"
        return "never" if verdicts == {"differs"} else "in some cases"


class Verdict(enum.StrEnum):
    """Say how a statement of the notes stands with the torch that runs now."""

    HOLDS = "holds"
    CONDITION = "holds with a condition"
    WRONG = "wrong"
    OBSOLETE = "obsolete"


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Judge one statement of the notes by running it.

    Attributes:
        says: What the notes say, in our words.
        where: The heading in the notes.
        verdict: How it stands, from `measured`.
        measured: What torch gave just now.
        truth: The statement that is true for this torch.
        made_at: When it was measured, as a `Check`'s.
    """

    says: str
    where: str
    verdict: Verdict
    measured: str
    truth: str
    made_at: float = dataclasses.field(default_factory=time.perf_counter, compare=False, repr=False)


# Python's warning filters belong to the process; two sessions must not restore each other's.
WARNINGS = threading.RLock()


@contextlib.contextmanager
def recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Record every warning raised inside, one session at a time."""
    with WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def largest_difference(a: Tensor, b: Tensor) -> float:
    """Return max |a - b| in float64; infinite where shapes differ, NaN where either holds one."""
    if a.shape != b.shape:
        return float("inf")
    if a.numel() == 0:
        return 0.0
    return float((a.detach().to(torch.float64) - b.detach().to(torch.float64)).abs().max())


def row(values: Sequence[float]) -> Tensor:
    """Return numbers as a row to draw, float64."""
    return torch.tensor(values, dtype=torch.float64)


def worded(value: Tensor | float) -> str:
    """Return a number as it stands in a sentence: three digits, or NaN."""
    number = float(value)
    return "NaN" if math.isnan(number) else f"{number:.3g}"


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """Set the line people write beside the line that does it.

    Attributes:
        wrong: The line people write.
        right: The line that does what they meant.
        wrong_cost: What the wrong line costs, with numbers measured now.
        right_cost: What the right line gives, measured the same way.
        lesson: What to take away.
        source: Where people met it: words and address.
    """

    wrong: str
    right: str
    wrong_cost: str
    right_cost: str
    lesson: str
    source: tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class CurveMistake:
    """Hold what the line people write gives, and what the line that does it gives, as curves.

    Attributes:
        mistake: Both lines and their cost.
        shows: What the two curves are, with its unit.
        over: What they run over, with its unit.
        wrong: Tensor ``(points,)`` float64: under the wrong line; NaN and infinity stand.
        right: Tensor ``(points,)`` float64: the same under the right line.
        x: Tensor ``(points,)`` float64, rising: where each point stands; None for 0 to points - 1.
        look: Index of the point at which to look; None for none.
        look_right: The same for the right line, where that is another point.
        log: Whether the curves want a logarithmic axis.
        others: Further curves ``(points,)`` by name.
        said: What torch raised or warned of under the wrong line, or "".
        title: What is drawn, where `shows` does not say it.
        names: Of the two curves, where both lines see both and stand at two points of them.
        limit: A value to hold the curves against, and what it is; None for none.
        steps: Lines of an argument, with numbers computed now; may be empty.
    """

    mistake: Mistake
    shows: str
    over: str
    wrong: Tensor
    right: Tensor
    x: Tensor | None = None
    look: int | None = None
    look_right: int | None = None
    log: bool = False
    others: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    said: str = ""
    title: str = ""
    names: tuple[str, str] | None = None
    limit: tuple[float, str] | None = None
    steps: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """Ask the reader to predict what torch will do.

    Attributes:
        text: The question.
        options: The answers to choose from.
        answer: The one that torch gave just now.
        because: What torch gave, with numbers, and why.
    """

    text: str
    options: tuple[str, ...]
    answer: str
    because: str
