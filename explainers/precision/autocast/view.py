"""Declare the page's parameters and compute what one setting of them shows."""

import dataclasses
import functools
import io
from collections import Counter

from explainers import devices, pasted
from explainers.parameters import Parameters, Preset, choice, flag, number, shown, text
from explainers.precision.autocast.lists import DTYPES, short
from explainers.precision.autocast.operations import OPS
from explainers.precision.autocast.rows import (
    EXPONENTS,
    KINDS,
    OpRow,
    Outcome,
    State,
    Step,
    Sweep,
    inputs,
    steps,
    sweep,
    table,
)


def _operation(text: str) -> str:
    name = pasted.name(text)
    # Fifty names would make a wall of a sentence: the rule names one.
    if name not in OPS:
        raise ValueError(f"got {shown(text)}")
    return name


@dataclasses.dataclass(frozen=True)
class Autocast(Parameters):
    """Hold what autocast is asked for, what goes in, and the operation looked at."""

    exponent: int = number(
        0,
        label="size of the inputs, as a power of 2",
        help="Inputs are 0.1 to 0.9 times it; probabilities stay below 1.",
        minimum=EXPONENTS[0],
        maximum=EXPONENTS[1],
        step=1,
    )
    dtype: str = choice(
        "float16",
        DTYPES,
        label="autocast's dtype",
        help="What autocast casts to.",
    )
    inputs: str = choice(
        "float32",
        KINDS,
        label="inputs",
        help="Lower: all in autocast's dtype. Mixed: the first in it, the second in float32.",
        words=KINDS,
    )
    enabled: bool = flag(True, label="autocast is on", help="Off: nothing is cast.")
    op: str = text(
        "matmul",
        label="operation",
        help="Its casts and errors are shown below.",
        rule="the name of an operation in the table, such as matmul",
        read=_operation,
        longest=80,  # of torch.nn.functional.linear(x, weight)
    )

    @property
    def kind(self) -> int:
        """Which of `KINDS` goes in, by its number."""
        return KINDS.index(self.inputs)


_LARGEST = max(float(each.max()) for each in inputs(9))

PRESETS = (
    Preset(
        "float32 inputs",
        "Products come out in float16 and less exact; losses stay float32.",
        Autocast(),
    ),
    Preset(
        "Too large for float16",
        f"Inputs reach {_LARGEST:.0f}. Its square is above 65504: float16 products overflow.",
        Autocast(exponent=9),
    ),
    Preset(
        "bfloat16 holds them",
        "No product overflows, but rounding errors are eight times float16's; exp overflows in "
        "float32 too.",
        Autocast(exponent=9, dtype="bfloat16", op="linear"),
    ),
    Preset(
        "Too small for float16",
        "Tiny products become zeros in float16, silently.",
        Autocast(exponent=-14),
    ),
    Preset(
        "float16 inputs",
        "Losses cast them up to float32; unlisted operations stay in float16, but for "
        "smooth_l1_loss.",
        Autocast(inputs="lower", op="mse_loss"),
    ),
    Preset(
        "Mixed inputs",
        "Listed operations cast to one dtype; others may raise, as mv on a CPU.",
        Autocast(inputs="mixed", op="mv"),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows.

    Attributes:
        parameters: The settings.
        device: Type of the device: cpu, cuda.
        rows: Every operation.
        steps: What torch ran for the chosen one; empty where it raised.
        sweep: The chosen one's error over the size of its inputs.
    """

    parameters: Autocast
    device: str
    rows: tuple[OpRow, ...]
    steps: tuple[Step, ...]
    sweep: Sweep

    @property
    def chosen(self) -> OpRow:
        """The operation looked at."""
        return next(row for row in self.rows if row.name == self.parameters.op)

    def outcome(self, row: OpRow) -> Outcome:
        """Return what an operation made of the inputs that the settings ask for."""
        return row.outcomes[self.parameters.kind]

    @property
    def sentence(self) -> str:
        """How many operations answer in which dtype, and how many fail, in words."""
        found = [self.outcome(row) for row in self.rows]
        dtypes = Counter(short(each.dtype) for each in found if each.dtype is not None)
        states = Counter(each.state for each in found)
        answers = ", ".join(f"{count} give {name}" for name, count in sorted(dtypes.items()))
        failed = ", ".join(
            f"{states[state]} {word}"
            for state, word in (
                (State.OVERFLOW, "overflow"),
                (State.FROM_ZERO, "are infinite, an input being 0"),
                (State.ZERO, "vanish"),
                (State.RAISED, "raise"),
            )
            if states[state]
        )
        return f"Of {len(found)} operations {answers}; {failed or 'none fails'}."


def explain(parameters: Autocast, *, device: str = "cpu") -> View:
    """Run every operation as one setting asks, and look closely at the chosen one.

    Args:
        parameters: The settings.
        device: Where torch computes.

    Raises:
        ValueError: `device` is not there.
    """
    where = devices.device(device)
    return View(
        parameters,
        where.type,
        _rows(str(where), parameters.dtype, parameters.exponent, parameters.enabled),
        steps(
            parameters.op,
            parameters.inputs,
            dtype=parameters.dtype,
            exponent=parameters.exponent,
            enabled=parameters.enabled,
            device=device,
        ),
        sweep(parameters.op, parameters.inputs, enabled=parameters.enabled, device=str(where)),
    )


# Another operation, or other inputs, look at the same table.
@functools.lru_cache(maxsize=64)
def _rows(device: str, dtype: str, exponent: int, enabled: bool) -> tuple[OpRow, ...]:
    return table(device, dtype, exponent=exponent, enabled=enabled)


def csv(view: View) -> str:
    """Return CSV text: a row for each operation and kind of inputs.

    Columns: operation, list, inputs, output (empty where torch raised), error, state.
    """
    written = io.StringIO()
    written.write("operation,list,inputs,output,error,state\n")
    for row in view.rows:
        for kind, outcome in zip(KINDS, row.outcomes, strict=True):
            output = short(outcome.dtype) if outcome.dtype else ""
            written.write(
                f"{row.name},{row.listed},{kind},{output},{outcome.error:.6g},{outcome.state}\n"
            )
    return written.getvalue()
