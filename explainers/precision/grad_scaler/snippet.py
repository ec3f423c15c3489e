"""Write code that makes a view of the page, without this project."""

from explainers.pasted import shortest
from explainers.precision.grad_scaler.view import AmpRun

_HEAD = """import math

import torch
import torch.nn.functional as F

device = "{device}"
dtype = torch.{dtype}
steps = {steps}
poisoned = {poisoned}
"""

_BODY = """
generator = torch.Generator().manual_seed(0)
points = torch.randn(256, 8, generator=generator)
first = torch.randn(32, 8, generator=generator) * 8**-0.5
second = torch.randn(1, 32, generator=generator) * 2**-8 * 32**-0.5
order = torch.randint(256, (steps, 32), generator=generator)
targets = 2**-8 * (points[:, :1] - 0.5 * points[:, 1:2] + 0.5 * (2 * points[:, 2:3]).sin())
parameters = [
    part.to(device).requires_grad_() for part in (first, torch.zeros(32), second, torch.zeros(1))
]
optimizer = torch.optim.SGD(parameters, lr={learning_rate})
scaler = torch.amp.GradScaler(
    device,
    init_scale=2.0**{init_exponent},
    growth_factor={growth_factor},
    backoff_factor={backoff_factor},
    growth_interval={growth_interval},
)
scales = [scaler.get_scale()]
for step in range(steps):
    inputs, target = points[order[step]].to(device), targets[order[step]].to(device)
    optimizer.zero_grad()
    with torch.autocast(device, dtype=dtype, enabled=dtype is not torch.float32):
        w1, b1, w2, b2 = parameters
        output = F.linear(torch.tanh(F.linear(inputs, w1, b1)), w2, b2)
        error = output.float() - target
        loss = error.square().mean()
        if step in poisoned:
            loss = loss + poison * error[0, 0].abs()
    scaler.scale(loss).backward()
{middle}    scaler.step(optimizer)
    scaler.update()
    scales.append(scaler.get_scale())

print("log2 of the scale:", [round(math.log2(scale), 2) if scale else "zero" for scale in scales])
"""

_POISONS = {
    "none": "0.0",
    "inf": "math.inf",
    "nan": "math.nan",
    "large": "torch.finfo(dtype).max / 1.5  # finite; overflows from a scale of 2 on",
}


def snippet(parameters: AmpRun, *, device: str = "cpu") -> str:
    """Return Python code that trains as the view does, and prints the scale.

    Args:
        parameters: The settings.
        device: Where torch computes.
    """
    middle = "    scaler.unscale_(optimizer)\n" if parameters.unscale_first else ""
    if parameters.clip:
        middle += (
            f"    torch.nn.utils.clip_grad_norm_(parameters, {shortest(parameters.max_norm)})\n"
        )
    head = _HEAD.format(
        device=device,
        dtype=parameters.dtype,
        steps=parameters.steps,
        poisoned=set(parameters.poisoned_steps) or "()",
    )
    body = _BODY.format(
        learning_rate=shortest(parameters.learning_rate),
        init_exponent=parameters.init_exponent,
        growth_factor=shortest(parameters.growth_factor),
        backoff_factor=shortest(parameters.backoff_factor),
        growth_interval=parameters.growth_interval,
        middle=middle,
    )
    return f"{head}poison = {_POISONS[parameters.poison]}\n{body}"
