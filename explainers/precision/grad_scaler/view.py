"""Compute what the page draws: a run with its settings, and the rule beside it."""

import dataclasses
import functools
import math

from torch import Tensor

from explainers.evidence import Check, Kind, largest_difference
from explainers.parameters import Parameters, Preset, choice, flag, number, numbers
from explainers.precision.grad_scaler.loop import DTYPES, POISONS, ScalerTrace, plain_updates, run
from explainers.precision.grad_scaler.machine import Edge, machine
from explainers.precision.grad_scaler.reference import MOST_GAPS, changed, poisonous, steps_off
from explainers.precision.grad_scaler.rule import Settings, expected_path

_MOST_STEPS = 200

REFERENCES: tuple[tuple[str, str], ...] = (
    (
        "torch docs: Automatic Mixed Precision package",
        "https://docs.pytorch.org/docs/stable/amp.html",
    ),
    (
        "torch docs: Automatic Mixed Precision examples",
        "https://docs.pytorch.org/docs/stable/notes/amp_examples.html",
    ),
    (
        "Micikevicius et al., Mixed Precision Training, arXiv:1710.03740",
        "https://arxiv.org/abs/1710.03740",
    ),
)


@dataclasses.dataclass(frozen=True)
class AmpRun(Parameters):
    """Hold the settings of a run; `init_exponent` is the power of two of the first scale."""

    dtype: str = choice(
        "float16",
        DTYPES,
        label="dtype",
        help="autocast's dtype; float32 runs without.",
    )
    init_exponent: int = number(
        16,
        label="init_scale, as a power of 2",
        help="torch's default is 16: a scale of 65536.",
        minimum=-24,
        maximum=60,
        step=1,
    )
    growth_factor: float = number(
        2.0,
        label="growth_factor",
        help="Times the scale, after enough clean steps.",
        minimum=1.1,
        maximum=16.0,
        step=0.1,
    )
    backoff_factor: float = number(
        0.5,
        label="backoff_factor",
        help="Times the scale, after a skipped step.",
        minimum=0.01,
        maximum=0.95,
        step=0.01,
    )
    growth_interval: int = number(
        10,
        label="growth_interval",
        help="Clean steps in a row before growth; torch's default is 2000.",
        minimum=1,
        maximum=2000,
        step=1,
    )
    steps: int = number(
        40,
        label="steps",
        help="To train on.",
        minimum=10,
        maximum=_MOST_STEPS,
        step=1,
    )
    learning_rate: float = number(
        0.1,
        label="learning rate",
        help="Of plain SGD.",
        minimum=1e-6,
        maximum=1000.0,
        log=True,
        why="torch has no limit; no training comes near either end",
    )
    poison: str = choice(
        "inf",
        ("none", *POISONS),
        label="poison",
        help="What a bad batch's gradient holds; large overflows from a scale of 2 on.",
    )
    poisoned: str = numbers(
        "25, 26, 27",
        label="poisoned steps",
        help="From 0; those past the end are ignored.",
        minimum=0,
        maximum=_MOST_STEPS - 1,
        columns=(1, 24),
        integer=True,
    )
    clip: bool = flag(
        False,
        label="clip",
        help="Clip before step.",
    )
    max_norm: float = number(
        0.001,
        label="max_norm",
        help="Largest norm let pass; this model's is 0.0133 at first.",
        minimum=0.0001,
        maximum=0.02,
        step=0.0001,
    )
    unscale_first: bool = flag(
        True,
        label="unscale_ first",
        help="Call unscale_ before clipping, as is right.",
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
        "Each bad batch skips its step and halves the scale; ten clean steps double it.",
        AmpRun(),
    ),
    Preset(
        "Too large for float16",
        "The scale grows until gradients overflow float16, then hovers just below.",
        AmpRun(init_exponent=24, growth_interval=3, poison="none", steps=80),
    ),
    Preset(
        "Scale 1",
        "Unscaled, many small gradients round to 0 in float16; in float32 none is 0.",
        AmpRun(init_exponent=0, growth_interval=2000, poison="none"),
    ),
    Preset(
        "bfloat16",
        "bfloat16 has float32's range: the scale grows without overflow.",
        AmpRun(dtype="bfloat16", init_exponent=24, growth_interval=3, poison="none", steps=80),
    ),
    Preset(
        "Clipping before unscale_",
        "Clipping cuts the scaled gradients; unscaled, next to nothing is left of an update.",
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
        plain: Tensor ``(steps,)`` float64: how far each step moves the weights in float32, without
            scaler and poison.
        edges: What each call does in each state of the scaler.
    """

    parameters: AmpRun
    trace: ScalerTrace
    expected: Tensor
    plain: Tensor
    edges: tuple[Edge, ...]


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
    max_norm = parameters.max_norm if parameters.clip else None
    trace = run(
        steps=parameters.steps,
        init_scale=settings.init_scale,
        growth_factor=settings.growth_factor,
        backoff_factor=settings.backoff_factor,
        growth_interval=settings.growth_interval,
        poisoned=parameters.poisoned_steps,
        poison="inf" if parameters.poison == "none" else parameters.poison,
        max_norm=max_norm,
        unscale_first=parameters.unscale_first,
        dtype=parameters.dtype,
        learning_rate=parameters.learning_rate,
        device=device,
    )
    return View(
        parameters=parameters,
        trace=trace,
        expected=expected_path(trace.found_inf, settings).scale,
        plain=_plain(parameters.steps, max_norm, parameters.learning_rate, device),
        edges=_edges(device),
    )


@functools.lru_cache(maxsize=64)
def _plain(steps: int, max_norm: float | None, learning_rate: float, device: str) -> Tensor:
    return plain_updates(steps=steps, max_norm=max_norm, learning_rate=learning_rate, device=device)


@functools.cache
def _edges(device: str) -> tuple[Edge, ...]:
    return machine(device=device)


def view_checks(view: View) -> tuple[Check, ...]:
    """Check the run on show: the scale's path, which steps are skipped, and the others' moves.

    Args:
        view: What is on show.
    """
    trace, settings = view.trace, view.parameters
    off = steps_off(
        trace,
        learning_rate=settings.learning_rate,
        max_norm=settings.max_norm if settings.clip else None,
        unscale_first=settings.unscale_first,
    )
    poisoned = poisonous(trace)
    before, after = trace.weights[:-1][trace.skipped], trace.weights[1:][trace.skipped]
    return (
        Check(
            "The scale follows the rule",
            "the rule in Python, told the steps with infinities or NaNs",
            largest_difference(trace.scale, view.expected),
            0.0,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "A step is skipped where a gradient is infinite or NaN, and nowhere else",
            "NumPy's isfinite on backward's gradients; steps that differ",
            float(sum(a != b for a, b in zip(trace.skipped.tolist(), poisoned, strict=True))),
            0.0,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "A skipped step moves no weight",
            "the weights before; bits that differ",
            float(changed(before, after)),
            0.0,
            kind=Kind.INVARIANT,
        ),
        Check(
            "A step moves the weights by learning rate times gradient",
            "NumPy, from backward's gradients, unscaled and clipped if asked; in float32's gaps",
            off,
            MOST_GAPS,
            "float32 rounds the gradient and its product with the rate before the weight.",
            kind=Kind.INDEPENDENT,
        ),
    )


def table(view: View) -> str:
    """Return the run as CSV, one row for each step.

    Args:
        view: What is on show.
    """
    trace = view.trace
    columns = {
        "step": range(len(trace.loss)),
        "scale": trace.scale[:-1].tolist(),
        "scale_after": trace.scale[1:].tolist(),
        "growth_tracker_after": trace.growth_tracker[1:].tolist(),
        "found_inf": trace.found_inf.int().tolist(),
        "stepped": trace.stepped.int().tolist(),
        "gradient_norm": trace.gradient_norm.tolist(),
        "scaled_gradient_norm": trace.scaled_gradient_norm.tolist(),
        "zero_share": trace.zero_share.tolist(),
        "update_norm": trace.update_norm.tolist(),
        "float32_update_norm": view.plain.tolist(),
        "loss": trace.loss.tolist(),
    }
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(f"{value:.9g}" for value in row) for row in rows)]
    return "\n".join(lines) + "\n"
