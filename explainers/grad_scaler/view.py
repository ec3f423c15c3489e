"""Compute what the page draws: a run with its settings, and the gradients behind it."""

import dataclasses
import math

from torch import Tensor

from explainers.grad_scaler.loop import DTYPES, POISONS, ScalerTrace, gradients, run
from explainers.grad_scaler.rule import Settings, expected_path
from explainers.parameters import Numbers, Parameters, Preset, choice, flag, number, shown

_MOST_STEPS = 200

REFERENCES: tuple[tuple[str, str], ...] = (
    (
        "torch documentation, Automatic Mixed Precision package",
        "https://docs.pytorch.org/docs/stable/amp.html",
    ),
    (
        "torch documentation, Automatic Mixed Precision examples",
        "https://docs.pytorch.org/docs/stable/notes/amp_examples.html",
    ),
    (
        "Micikevicius et al., Mixed Precision Training, arXiv:1710.03740",
        "https://arxiv.org/abs/1710.03740",
    ),
)


class Steps(Numbers):
    """Describe a short row of whole numbers that a reader types: the indices of steps."""

    __slots__ = ()

    @property
    def rule(self) -> str:
        """The rule in words."""
        low, high = self.columns
        return (
            f"{low} to {high} whole numbers from {self.minimum:g} to {self.maximum:g}, with commas "
            "between"
        )

    def table(self, text: str) -> tuple[tuple[float, ...], ...]:
        """Return the row that `text` spells. Raises ValueError with the rule."""
        rows = super().table(text)
        if any(value != int(value) for row in rows for value in row):
            raise ValueError(f"{self.rule}, got {shown(text)}")
        return rows


@dataclasses.dataclass(frozen=True)
class AmpRun(Parameters):
    """Hold the settings of a run; `init_exponent` is the power of two of the first scale."""

    dtype: str = choice(
        "float16",
        DTYPES,
        label="dtype",
        help="What autocast computes in; float32 is without autocast.",
    )
    init_exponent: int = number(
        16,
        label="init_scale, as a power of 2",
        help="The first scale is 2 to this power; torch's default is 65536, the 16th.",
        minimum=-24,
        maximum=60,
        step=1,
    )
    growth_factor: float = number(
        2.0,
        label="growth_factor",
        help="What a run of clean steps multiplies the scale by.",
        minimum=1.1,
        maximum=16.0,
        step=0.1,
    )
    backoff_factor: float = number(
        0.5,
        label="backoff_factor",
        help="What a skipped step multiplies the scale by.",
        minimum=0.01,
        maximum=0.95,
        step=0.01,
    )
    growth_interval: int = number(
        10,
        label="growth_interval",
        help="Clean steps in a row that it takes to grow; torch's default is 2000.",
        minimum=1,
        maximum=2000,
        step=1,
    )
    steps: int = number(
        60,
        label="steps",
        help="Batches to train on.",
        minimum=10,
        maximum=_MOST_STEPS,
        step=1,
    )
    learning_rate: float = number(
        0.1,
        label="learning rate",
        help="Of plain SGD.",
        minimum=0.01,
        maximum=0.3,
        step=0.01,
    )
    poison: str = choice(
        "inf",
        ("none", *POISONS),
        label="poison",
        help="What a poisoned batch puts into one gradient: infinity, NaN, or a finite number that "
        "is too large for the dtype once it is scaled.",
    )
    poisoned: str = dataclasses.field(
        default="25, 26, 27",
        metadata={
            "spec": Steps(
                label="poisoned steps",
                help="Counted from 0; those past the last step are passed over.",
                minimum=0,
                maximum=_MOST_STEPS - 1,
                rows=(1, 1),
                columns=(1, 24),
            )
        },
    )
    clip: bool = flag(
        False,
        label="clip",
        help="Call clip_grad_norm_ before the step.",
    )
    max_norm: float = number(
        0.001,
        label="max_norm",
        help="Largest norm that clipping lets pass; this model's gradients are about 0.002.",
        minimum=0.0001,
        maximum=0.02,
        step=0.0001,
    )
    unscale_first: bool = flag(
        True,
        label="unscale_ first",
        help="Call unscale_ before clipping, as it must be.",
    )

    @property
    def init_scale(self) -> float:
        """The first scale."""
        return math.ldexp(1.0, self.init_exponent)

    @property
    def poisoned_steps(self) -> tuple[int, ...]:
        """The poisoned steps that the run reaches, each once, in order."""
        if self.poison == "none":
            return ()
        found = {int(part) for part in self.poisoned.split(",")}
        return tuple(sorted(step for step in found if step < self.steps))


PRESETS: tuple[Preset, ...] = (
    Preset(
        "Three bad batches",
        "Each halves the scale and skips its step: the weights stay put. Ten clean steps double "
        "the scale again.",
        AmpRun(),
    ),
    Preset(
        "Too large for float16",
        "From 2**24 the scale grows until float16 overflows by itself, and then hunts about the "
        "largest scale that fits.",
        AmpRun(init_exponent=24, growth_interval=3, poison="none", steps=80),
    ),
    Preset(
        "No scaling to speak of",
        "At a scale of 1 a share of the gradients is 0 in float16, though none truly is.",
        AmpRun(init_exponent=0, growth_interval=2000, poison="none"),
    ),
    Preset(
        "bfloat16",
        "bfloat16 has float32's range: the scale grows and grows, and nothing overflows.",
        AmpRun(dtype="bfloat16", init_exponent=24, growth_interval=3, poison="none", steps=80),
    ),
    Preset(
        "Clipping before unscale_",
        "Clipping sees the scaled norm, hundreds for a thousandth, and the weights all but stop.",
        AmpRun(clip=True, unscale_first=False, poison="none", growth_interval=2000),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold a run and what it is compared with.

    Attributes:
        parameters: The settings.
        trace: The run.
        expected: Tensor ``(steps + 1,)`` float32: the scale that the rule gives for the steps at
            which the scaler found an infinity or a NaN.
        gradients: Tensor ``(n,)`` float32: the model's true gradients at the last step.
    """

    parameters: AmpRun
    trace: ScalerTrace
    expected: Tensor
    gradients: Tensor


def explain(parameters: AmpRun, *, device: str = "cpu") -> View:
    """Run the loop with these settings.

    Args:
        parameters: The settings.
        device: Where torch computes.

    Raises:
        ValueError: `device` is not there.
    """
    settings = Settings(
        init_scale=parameters.init_scale,
        growth_factor=parameters.growth_factor,
        backoff_factor=parameters.backoff_factor,
        growth_interval=parameters.growth_interval,
    )
    trace = run(
        steps=parameters.steps,
        init_scale=settings.init_scale,
        growth_factor=settings.growth_factor,
        backoff_factor=settings.backoff_factor,
        growth_interval=settings.growth_interval,
        poisoned=parameters.poisoned_steps,
        poison="inf" if parameters.poison == "none" else parameters.poison,
        max_norm=parameters.max_norm if parameters.clip else None,
        unscale_first=parameters.unscale_first,
        dtype=parameters.dtype,
        learning_rate=parameters.learning_rate,
        device=device,
    )
    return View(
        parameters=parameters,
        trace=trace,
        expected=expected_path(trace.found_inf, settings).scale,
        gradients=gradients(
            step=parameters.steps - 1, learning_rate=parameters.learning_rate, device=device
        ),
    )
