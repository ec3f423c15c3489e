"""Make the short runs that the mistakes are told by, and read the rate of each step."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from explainers import devices
from explainers.evidence import CurveMistake
from explainers.optimizers.schedulers.tracing import build, trace

PYTORCH = "https://github.com/pytorch/pytorch"
BASE_LR = 0.1
COUNTED = "An optimizer step, from 0."
rates = functools.partial(CurveMistake, shows="learning rate", over="step of the optimizer")

# Each scheduler with the arguments that show its rule within a dozen steps, and its code.
SHORT: Mapping[str, Mapping[str, Any]] = {
    "StepLR": {"step_size": 4, "gamma": 0.1},
    "MultiStepLR": {"milestones": (3, 6, 9), "gamma": 0.1},
    "ExponentialLR": {"gamma": 0.8},
    "CosineAnnealingLR": {"T_max": 10},
    "LinearLR": {"total_iters": 6},
    "LambdaLR": {"lr_lambda": "0.8**epoch"},
}


def sgd(device: str, lr: float = BASE_LR) -> torch.optim.SGD:
    """Return an optimizer of one parameter, without a gradient."""
    parameter = torch.zeros(1, device=devices.device(device), requires_grad=True)
    return torch.optim.SGD([parameter], lr=lr, momentum=0.9)


def made(
    name: str, steps: int, arguments: Mapping[str, Any], device: str
) -> tuple[torch.optim.SGD, Any]:
    """Return an optimizer and a scheduler on it."""
    optimizer = sgd(device)
    return optimizer, build(name, optimizer, steps, arguments)


def alone(name: str, steps: int, **arguments: Any) -> Tensor:
    """Return the rates ``(steps,)`` of a scheduler that is used as it should be."""
    return trace(name, steps=steps, base_lr=BASE_LR, **arguments).learning_rate[0]


def go(optimizer: torch.optim.Optimizer, step: Callable[[], object], count: int) -> Tensor:
    """Step both `count` times and return the rate of each step of the optimizer."""
    found = []
    for _ in range(count):
        found.append(rate(optimizer))
        optimizer.step()
        step()
    return curve(found)


def rate(optimizer: torch.optim.Optimizer) -> float:
    """Return the rate that the optimizer's next step uses."""
    return float(optimizer.param_groups[0]["lr"])


def curve(found: Sequence[float]) -> Tensor:
    """Return rates as a tensor ``(steps,)`` float64."""
    return torch.tensor(found, dtype=torch.float64)


def said(caught: Sequence[Any]) -> str:
    """Return the first sentence of the first warning."""
    return f"{str(caught[0].message).split('. ')[0].rstrip('.')}." if caught else ""
