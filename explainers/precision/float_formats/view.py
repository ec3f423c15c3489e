"""Declare the page's parameters and compute what one setting of them shows."""

import ast
import dataclasses
import functools
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

from torch import Tensor

from explainers import devices
from explainers.parameters import Parameters, Preset, choice, number, shown, text
from explainers.precision.formats import (
    FORMATS,
    FormatShare,
    Inspection,
    brief,
    inspect,
    numbers,
    plain,
    power,
    representable,
)

# The model whose gradients are shown. grad_scaler is built on the formats, which this package has
# imported by the time that it comes here.
from explainers.precision.problem import gradients
from explainers.precision.spectrum import GradientHistogram, histogram

REFERENCES: tuple[tuple[str, str], ...] = (
    (
        "torch docs: torch.finfo",
        "https://docs.pytorch.org/docs/stable/type_info.html#torch.torch.finfo",
    ),
    (
        "torch docs: tensor dtypes",
        "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype",
    ),
    (
        "torch docs: numerical accuracy",
        "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",
    ),
    (
        "Micikevicius et al., FP8 Formats for Deep Learning, 2022",
        "https://arxiv.org/abs/2209.05433",
    ),
    (
        "Micikevicius et al., Mixed Precision Training, 2018",
        "https://arxiv.org/abs/1710.03740",
    ),
)

MOST_TICKS = 160
_LONGEST = 40
_LARGEST = 10**60
# Bits of a power that is worked out exactly: no tower of powers costs time.
_MOST_BITS = 4000
# Below it a float may be 0.
_LEAST_WRITTEN = 1e-300
_RULE = "a number, or a sum, product or power of numbers as 1 + 2**-12, of size 1e-60 to 1e60"


def exact(written: str) -> Fraction:
    """Return the number that text spells, worked out without rounding.

    Args:
        written: Decimal numbers with ``+ - * / **`` and brackets between; whole exponents.

    Raises:
        ValueError: The text spells no number, or one that is too large or too fine.
    """
    try:
        found = _worked_out(ast.parse(written.strip(), mode="eval").body, written.strip())
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"got {shown(written)}") from None
    except ZeroDivisionError:
        raise ValueError("got a division by 0") from None
    if found and not 1 <= abs(found) * _LARGEST <= _LARGEST**2:
        raise ValueError(f"got {shown(written)}")
    return found


def _worked_out(node: ast.AST, written: str) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if isinstance(value, int):
                return Fraction(value)
            # As it is written: 0.1 is a tenth here, though no float is. An exponent out of bounds
            # would make an integer of as many digits, also in 0e999999999.
            spelled = ast.get_source_segment(written, node) or ""
            if 1e-300 < value < math.inf:
                return Fraction(spelled)
            if not any(digit in spelled.lower().split("e")[0] for digit in "123456789"):
                return Fraction(0)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_worked_out(operand, written)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _worked_out(operand, written)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATIONS:
            return _OPERATIONS[type(sign)](_worked_out(left, written), _worked_out(right, written))
    raise ValueError(f"got {shown(written)}")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ValueError("its exponents must be whole numbers")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if size * abs(exponent) > _MOST_BITS:
        raise ValueError("its powers must be smaller")
    return base ** int(exponent)


_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: _power,
}


def _read(value: str) -> str:
    exact(value)
    return " ".join(value.split())


@dataclasses.dataclass(frozen=True)
class FloatFormats(Parameters):
    """Hold a number, the format that is looked at closely, and the scale of the gradients."""

    value: str = text(
        "0.1",
        label="value",
        help="Sums and powers are exact first: 1 + 2**-12.",
        rule=_RULE,
        read=_read,
        longest=_LONGEST,
    )
    dtype: str = choice(
        "float16",
        tuple(FORMATS),
        label="dtype",
        help="Drawn large; the others stand below.",
    )
    zoom: int = number(
        1,
        label="zoom out",
        help="At 0 the line shows two gaps either side; each step doubles them.",
        minimum=0,
        maximum=5,
        step=1,
    )
    exponent: int = number(
        0,
        label="scale of the gradients, as a power of 2",
        help="Multiplies all gradients, as a loss scale does.",
        minimum=-10,
        maximum=40,
        step=1,
    )
    step: int = number(
        0,
        label="after training steps",
        help="Of the network in float32, before its gradients are taken.",
        minimum=0,
        maximum=50,
        step=10,
    )


PRESETS = (
    Preset(
        "A tenth",
        "No binary format holds 0.1; each stores its nearest number.",
        FloatFormats(),
    ),
    Preset(
        "A tie: 2049",
        "Above 2048 float16 counts in twos: the tie 2049 goes to the even 2048.",
        FloatFormats(value="2049", zoom=0),
    ),
    Preset(
        "An update that vanishes",
        "1 + 2⁻¹² is nearer to 1 than to float16's next number.",
        FloatFormats(value="1 + 2**-12", zoom=0),
    ),
    Preset(
        "Too large",
        "Half a step past 65504 float16 is infinite. bfloat16 goes on, in steps of 256.",
        FloatFormats(value="65520", zoom=2),
    ),
    Preset(
        "Too small",
        "Adam's epsilon, 1e-8, is 0 in float16. bfloat16, with float32's range, keeps it.",
        FloatFormats(value="1e-8"),
    ),
    Preset(
        "Scaled gradients",
        "Times 2¹⁶, all gradients keep float16's full precision.",
        FloatFormats(value="2**-26", exponent=16),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows.

    Attributes:
        parameters: The settings.
        exact: The number that is typed.
        inspections: What each format makes of it, in the order of `FORMATS`.
        window: Least and greatest number on the line.
        ticks: By format, Tensor ``(n,)`` float64: its numbers in the window; None where there are
            more than `MOST_TICKS`.
        gradients: Tensor ``(n,)`` float32: the model's gradients, not scaled.
        histogram: They, times the scale, by powers of two.
        shares: By format, what becomes of them.
    """

    parameters: FloatFormats
    exact: Fraction
    inspections: tuple[Inspection, ...]
    window: tuple[float, float]
    ticks: Mapping[str, Tensor | None]
    gradients: Tensor
    histogram: GradientHistogram
    shares: Mapping[str, FormatShare]

    @property
    def chosen(self) -> Inspection:
        """What the format that is looked at makes of the number."""
        return self.inspections[tuple(FORMATS).index(self.parameters.dtype)]

    @property
    def scale(self) -> float:
        """What the gradients are multiplied by."""
        return math.ldexp(1.0, self.parameters.exponent)

    @property
    def sentence(self) -> str:
        """What the format stores, in words."""
        found = self.chosen
        said = f"{self.parameters.dtype} stores {self.parameters.value} as {self._stored}."
        if found.twice_rounded:
            said += f" {plain(found.nearest)} is nearer: torch rounds to float32 first."
        return said

    @property
    def _stored(self) -> str:
        found = self.chosen
        end = "largest" if found.stored > 0 else "least"
        if found.saturated:
            return f"{found.stored:g}, its {end}: it has no infinity"
        if math.isinf(found.stored):
            last = math.copysign(found.format.max, found.stored)
            return f"{found.stored:g}: its {end} number is {last:g}"
        if found.held:
            return "it is"
        if found.stored == 0:
            smallest = brief(found.format.smallest_subnormal, 3)
            return f"{plain(found.stored)}: its smallest positive number is {smallest}"
        error = Fraction(found.stored) - found.exact
        word = "large" if error > 0 else "small"
        if not found.error:
            return f"{found.spelled}, less than {_LEAST_WRITTEN:g} too {word}"
        return (
            f"{found.spelled}, {brief(abs(found.error))} too {word} "
            f"({percent(found.relative_error)})"
        )

    @property
    def neighbours(self) -> str:
        """What stands beside the nearest number, in words."""
        found = self.chosen
        below, nearest, above = found.labels
        if math.isinf(found.nearest):
            return f"The last before {nearest}: {below if found.nearest > 0 else above}."
        return f"Beside {nearest}: {below} and {above}."

    @property
    def loss(self) -> str:
        """What becomes of the gradients in the format, in words."""
        share, format_ = self.shares[self.parameters.dtype], self.chosen.format
        beyond = "overflow" if format_.infinity else f"are held at ±{format_.max:g}"
        parts = [
            f"{percent(part)} {words}"
            for part, words in (
                (share.zero, "become 0"),
                (share.subnormal, "keep fewer digits"),
                (share.infinite, beyond),
            )
            if part
        ]
        what = ", ".join(parts) or "all keep full precision"
        scale = power(self.parameters.exponent)
        return f"Gradients times {scale} in {self.parameters.dtype}: {what}."


def percent(share: float) -> str:
    """Return a share as per cent in two digits; nothing short of all of it is 100%."""
    value = 100 * share
    if 99.5 <= value < 100:
        return f"{value:.1f}%" if value < 99.95 else "over 99.9%"
    return f"{value:.0f}%" if value >= 10 or value == 0 else f"{brief(value)}%"


def explain(parameters: FloatFormats, *, device: str = "cpu") -> View:
    """Compute what one setting shows.

    Args:
        parameters: The settings.
        device: Where torch casts and trains.

    Raises:
        ValueError: `device` is not there.
    """
    devices.device(device)
    asked = exact(parameters.value)
    inspections = tuple(inspect(asked, name, device=device) for name in FORMATS)
    chosen = inspections[tuple(FORMATS).index(parameters.dtype)]
    window = _window(chosen, parameters.zoom)
    found = _gradients(parameters.step, device)
    scale = math.ldexp(1.0, parameters.exponent)
    counted = histogram(found, scale, parameters.dtype)
    shares = {
        name: counted.share
        if name == parameters.dtype
        else representable(found.double() * scale, name)
        for name in FORMATS
    }
    return View(
        parameters=parameters,
        exact=asked,
        inspections=inspections,
        window=window,
        ticks={name: numbers(*window, name, most=MOST_TICKS) for name in FORMATS},
        gradients=found,
        histogram=counted,
        shares=shares,
    )


@functools.lru_cache(maxsize=64)
def _gradients(step: int, device: str) -> Tensor:
    """Return `gradients`, remembered: many steps of training take longer than a change may."""
    return gradients(step=step, device=device)


def _window(found: Inspection, zoom: int) -> tuple[float, float]:
    """Return the ends of the line: some gaps to either side, or from 0 to what is far outside."""
    reach = found.spacing * 2.0 ** (zoom + 1)
    if abs(found.value) > found.format.max + reach:
        return min(0.0, 1.25 * found.value), max(0.0, 1.25 * found.value)
    return found.value - reach, found.value + reach
