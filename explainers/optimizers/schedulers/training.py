"""Train one small model on the same data under any sequence of learning rates."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices, runs
from explainers.optimizers.schedulers.scale import LARGEST
from explainers.optimizers.schedulers.specs import MOST_STEPS
from explainers.optimizers.schedulers.tracing import ROUNDING
from explainers.parameters import Number, shown

_POINTS = 256
_BATCH = 16
_HIDDEN = 16
_CHUNK = Number("chunk", "Steps between reports.", 1, MOST_STEPS, 1, integer=True)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Hold a training as far as it has come.

    Attributes:
        steps: Number of steps asked for.
        loss: Tensor ``(done,)`` float64: loss of each step's batch, before the step. After one
            that is not finite the rest is NaN.
        full_loss: Loss over all points now.
        accuracy: Share of all points on the right side now, 0 to 1.
    """

    steps: int
    loss: Tensor
    full_loss: float
    accuracy: float

    @property
    def done(self) -> int:
        """Steps taken."""
        return len(self.loss)

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.done == self.steps

    @property
    def diverged(self) -> bool:
        """Whether the loss is now above where it began, or no number at all."""
        return not self.full_loss <= float(self.loss[0])


@dataclasses.dataclass(slots=True, eq=False)
class Run(runs.Run[Progress]):
    """Collect the reports of one training, as they come."""

    @property
    def full_loss(self) -> Tensor:
        """Loss over all points at each report, float64."""
        return self.row("full_loss")


def spirals(*, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return two noisy spirals that a straight line cannot part.

    Args:
        seed: Of the noise.

    Returns:
        Points ``(256, 2)`` float32, within about 1.3 of the origin; labels ``(256, 1)`` float32,
        0 or 1.
    """
    generator = torch.Generator().manual_seed(seed)
    way = torch.linspace(0.15, 1.0, _POINTS // 2)
    angle = 2 * math.pi * way
    arm = torch.stack([way * angle.cos(), way * angle.sin()], dim=1)
    points = torch.cat([arm, -arm]) + 0.1 * torch.randn(_POINTS, 2, generator=generator)
    return points, torch.arange(2.0).repeat_interleave(_POINTS // 2)[:, None]


def train(
    learning_rate: Tensor | Sequence[float],
    *,
    momentum: Tensor | Sequence[float] | None = None,
    seed: int = 0,
    chunk: int = 25,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Train a small network with SGD, one step for each rate, and report after every chunk.

    The same seed gives the same data, weights and batches, whatever the rates: only the schedule
    differs between two runs. Stop by asking for no further report.

    Args:
        learning_rate: ``(steps,)``: the rate of each step, as a row of
            `ScheduleTrace.learning_rate`.
        momentum: ``(steps,)`` likewise; None for 0.9 throughout.
        seed: Of data, weights and batches.
        chunk: Steps between two reports.
        device: Where torch computes.

    Yields:
        The run so far, on the CPU; the last has every step.

    Raises:
        ValueError: `learning_rate` is empty, too long, negative or not finite; `momentum` does not
            fit it; `device` is not there. Raised when the first report is asked for.
    """
    rates = _row("learning_rate", learning_rate, math.inf)
    momenta = [0.9] * len(rates) if momentum is None else _row("momentum", momentum, 1.0)
    if len(momenta) != len(rates):
        raise ValueError(
            f"momentum must have one value for each of {len(rates)} steps, got {len(momenta)}"
        )
    try:
        chunk = int(_CHUNK.check(chunk))
    except ValueError as error:
        raise ValueError(f"chunk must be {error}") from None
    where = devices.device(device)
    points, labels = (part.to(where) for part in spirals(seed=seed))
    generator = torch.Generator().manual_seed(seed)
    # Drawn here and not by nn.Linear, which would draw from the global generator.
    weights = [
        (torch.randn(rows, columns, generator=generator) * (2 / columns) ** 0.5).to(where)
        for rows, columns in ((_HIDDEN, 2), (_HIDDEN, _HIDDEN), (1, _HIDDEN))
    ]
    parameters = [part.requires_grad_() for part in weights]
    parameters += [torch.zeros(len(part), device=where, requires_grad=True) for part in weights]
    order = torch.randint(_POINTS, (len(rates), _BATCH), generator=generator).to(where)
    optimizer = torch.optim.SGD(parameters, lr=rates[0], momentum=momenta[0])
    group = optimizer.param_groups[0]
    losses: list[float] = []
    for index, (rate, inertia) in enumerate(zip(rates, momenta, strict=True)):
        batch = order[index]
        loss = F.binary_cross_entropy_with_logits(_logits(points[batch], parameters), labels[batch])
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            losses += [math.nan] * (len(rates) - index - 1)
            break
        optimizer.zero_grad()
        loss.backward()
        group["lr"], group["momentum"] = rate, inertia
        optimizer.step()
        if (index + 1) % chunk == 0 and index + 1 < len(rates):
            yield _progress(len(rates), losses, points, labels, parameters)
    yield _progress(len(rates), losses, points, labels, parameters)


def usable(rates: Tensor) -> Tensor:
    """Return rates ``(steps,)`` as a training takes them: none below 0 by rounding, none infinite.

    On the 1e38 that stands for what is larger, or no number, it diverges all the same.
    """
    return rates.nan_to_num(nan=LARGEST, posinf=LARGEST).clamp(min=0, max=LARGEST)


def _logits(points: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    first, second, last, first_bias, second_bias, last_bias = parameters
    hidden = torch.tanh(F.linear(points, first, first_bias))
    hidden = torch.tanh(F.linear(hidden, second, second_bias))
    return F.linear(hidden, last, last_bias)


def _progress(
    steps: int, losses: list[float], points: Tensor, labels: Tensor, parameters: Sequence[Tensor]
) -> Progress:
    with torch.no_grad():
        logits = _logits(points, parameters)
        full = F.binary_cross_entropy_with_logits(logits, labels)
        accuracy = ((logits > 0) == (labels > 0.5)).float().mean()
    return Progress(steps, torch.tensor(losses, dtype=torch.float64), float(full), float(accuracy))


def _row(name: str, values: Tensor | Sequence[float], below: float) -> list[float]:
    row = values.tolist() if isinstance(values, Tensor) and values.ndim == 1 else values
    rule = f"{name} must be 1 to {MOST_STEPS} finite numbers of 0 or more"
    if not isinstance(row, list | tuple) or not 1 <= len(row) <= MOST_STEPS:
        raise ValueError(f"{rule}, got {shown(row)}")
    for value in row:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and -ROUNDING <= value < below):
            raise ValueError(f"{rule}, got {shown(value)}")
    return [float(value) for value in row]
