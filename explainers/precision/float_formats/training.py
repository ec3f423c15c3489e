"""Train one small network with weights and optimizer held in different formats."""

import dataclasses
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices, runs
from explainers.parameters import Parameters, choice, number
from explainers.precision.formats import FORMATS, floating

HELD = ("float32", "bfloat16", "float16", "bfloat16, float32 weights")
"""In what weights, gradients and optimizer are held; the last computes in bfloat16 alone."""

_POINTS = 256
_INPUTS = 8
_HIDDEN = 32
_CHUNK = 25


@dataclasses.dataclass(frozen=True)
class Training(Parameters):
    """Hold how a network is trained in each format."""

    learning_rate: str = choice(
        "0.001",
        ("0.03", "0.01", "0.003", "0.001"),
        label="learning rate",
        help="Of SGD; updates shrink with it.",
    )
    momentum: float = number(
        0.0,
        label="momentum",
        help="Its buffer is in the format too.",
        minimum=0.0,
        maximum=0.9,
        step=0.1,
    )
    steps: int = number(
        800, label="steps", help="Of each run.", minimum=100, maximum=2000, step=100
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Hold a training as far as it has come.

    Attributes:
        steps: Number of steps asked for.
        done: Steps taken.
        loss: Mean squared error over all points now, worked out in float32 from the weights.
        still: Share of the weights that the last steps, since the report before, each left as they
            were, although their gradient was not 0; from 0 to 1, and NaN before the first step.
    """

    steps: int
    done: int
    loss: float
    still: float


@dataclasses.dataclass(slots=True, eq=False)
class Run(runs.Run[Progress]):
    """Collect the reports of one training in a format, as they come."""

    held: str

    @property
    def loss(self) -> Tensor:
        """Loss at each report, float64."""
        return self.row("loss")

    @property
    def still(self) -> Tensor:
        """Share of weights that did not move, at each report, float64."""
        return self.row("still")


def train(
    parameters: Training, held: str, *, seed: int = 0, device: str = "cpu"
) -> Iterator[Progress]:
    """Train with weights, gradients and optimizer held in a format, and report now and then.

    The same seed gives the same data and first weights, whatever the format, and every step sees
    all points. Stop by asking for no further report.

    Args:
        parameters: Learning rate, momentum and steps.
        held: One of `HELD`.
        seed: Of data and weights.
        device: Where torch computes.

    Yields:
        The run before its first step, and after every 25.

    Raises:
        ValueError: `held` is none of `HELD`, or `device` is not there. Raised when the first
            report is asked for.
    """
    mixed = held == HELD[-1]
    if not mixed:
        floating(held, among=HELD[:-1])
    where = devices.device(device)
    dtype = torch.float32 if mixed else FORMATS[held].dtype
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(_POINTS, _INPUTS, generator=generator)
    # Drawn here and not by nn.Linear, which would draw from the global generator.
    first = torch.randn(_HIDDEN, _INPUTS, generator=generator) * _INPUTS**-0.5
    second = torch.randn(1, _HIDDEN, generator=generator) * _HIDDEN**-0.5
    targets = points[:, :1] - 0.5 * points[:, 1:2] + 0.5 * (2 * points[:, 2:3]).sin()
    points, targets = points.to(where), targets.to(where)
    weights = [
        part.to(where, dtype).requires_grad_()
        for part in (first, torch.zeros(_HIDDEN), second, torch.zeros(1))
    ]
    optimizer = torch.optim.SGD(
        weights, lr=float(parameters.learning_rate), momentum=parameters.momentum
    )
    inputs = points.to(dtype)
    still: list[float] = []
    yield Progress(parameters.steps, 0, _loss(weights, points, targets), math.nan)
    for index in range(parameters.steps):
        optimizer.zero_grad()
        with torch.autocast(where.type, dtype=torch.bfloat16, enabled=mixed):
            output = _output(weights, inputs)
        F.mse_loss(output.float(), targets).backward()
        before = _flat(weights)
        optimizer.step()
        asked = torch.cat([part.grad.flatten() for part in weights if part.grad is not None]) != 0
        stood = asked & (_flat(weights) == before)
        still.append(float(stood.double().sum() / asked.double().sum().clamp(min=1)))
        if (index + 1) % _CHUNK == 0 or index + 1 == parameters.steps:
            share = sum(still) / len(still)
            still.clear()
            loss = _loss(weights, points, targets)
            yield Progress(parameters.steps, index + 1, loss, share)


def _output(weights: list[Tensor], inputs: Tensor) -> Tensor:
    first, first_bias, second, second_bias = weights
    return F.linear(torch.tanh(F.linear(inputs, first, first_bias)), second, second_bias)


def _loss(weights: list[Tensor], points: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        return float(F.mse_loss(_output([part.float() for part in weights], points), targets))


def _flat(weights: list[Tensor]) -> Tensor:
    return torch.cat([part.detach().flatten() for part in weights])
