"""A small regression whose gradients are small, and its true gradients."""

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.precision.arguments import above_zero, whole

MOST_STEPS = 2000

_INPUTS = 8
_HIDDEN = 32
_BATCH = 32
_POINTS = 256
# Targets in a small unit, as metres where millimetres are meant: such models have small gradients.
_UNIT = 2.0**-8


class Problem:
    """A regression on made-up points: two linear layers with tanh between, drawn from a seed.

    Attributes:
        parameters: Weights ``(32, 8)`` and ``(1, 32)``, biases ``(32,)`` and ``(1,)``; float32.
    """

    def __init__(self, *, steps: int, seed: int, where: torch.device) -> None:
        """Draw points, weights and batches, in an order that `steps` does not change."""
        generator = torch.Generator().manual_seed(seed)
        points = torch.randn(_POINTS, _INPUTS, generator=generator)
        # Drawn here and not by nn.Linear, which would draw from the global generator.
        first = torch.randn(_HIDDEN, _INPUTS, generator=generator) * _INPUTS**-0.5
        second = torch.randn(1, _HIDDEN, generator=generator) * _UNIT * _HIDDEN**-0.5
        order = torch.randint(_POINTS, (steps, _BATCH), generator=generator)
        targets = points[:, :1] - 0.5 * points[:, 1:2] + 0.5 * (2 * points[:, 2:3]).sin()
        # Of every step at once: gathering them step by step takes a tenth of a run.
        self._batches, self._targets = points[order].to(where), (_UNIT * targets)[order].to(where)
        self.parameters = [
            part.to(where).requires_grad_()
            for part in (first, torch.zeros(_HIDDEN), second, torch.zeros(1))
        ]

    def forward(self, step: int) -> Tensor:
        """Return the outputs ``(32, 1)`` for a step's batch, in the dtype that autocast chooses."""
        first, first_bias, second, second_bias = self.parameters
        hidden = torch.tanh(F.linear(self._batches[step], first, first_bias))
        return F.linear(hidden, second, second_bias)

    def loss(self, output: Tensor, step: int, poison: float = 0.0) -> Tensor:
        """Return the mean squared error, float32; a poison weighs one sample's absolute error."""
        output, targets = output.float(), self._targets[step]
        loss = F.mse_loss(output, targets)
        # Added where it is wanted only: 0 times an infinite error would be NaN.
        return loss + poison * (output[0, 0] - targets[0, 0]).abs() if poison else loss

    def flat(self) -> Tensor:
        """Return all parameters in a row, float32."""
        return torch.cat([part.detach().flatten() for part in self.parameters])

    def flat_gradients(self) -> Tensor:
        """Return the gradients of all parameters in a row, float32."""
        return torch.cat([part.grad.flatten() for part in self.parameters if part.grad is not None])


def gradients(
    *,
    step: int = 0,
    learning_rate: float = 0.1,
    seed: int = 0,
    device: str = "cpu",
) -> Tensor:
    """Return the true gradients of `run`'s model at a step: trained in float32, never scaled.

    Args:
        step: How many steps were taken before, 0 to 2000.
        learning_rate: Of SGD, above 0.
        seed: Of data, weights and batches.
        device: Where torch computes.

    Returns:
        Tensor ``(n,)`` float32: the gradients of all parameters in a row.

    Raises:
        ValueError: An argument breaks its rule, or `device` is not there.
    """
    step = whole("step", step, 0, MOST_STEPS)
    problem = Problem(
        steps=step + 1,
        seed=whole("seed", seed, 0, 2**63 - 1),
        where=devices.device(device),
    )
    rate = above_zero("learning_rate", learning_rate)
    optimizer = torch.optim.SGD(problem.parameters, lr=rate)
    for index in range(step + 1):
        optimizer.zero_grad()
        problem.loss(problem.forward(index), index).backward()
        if index < step:
            optimizer.step()
    return problem.flat_gradients().cpu()
