"""Let gradient descent find the turn that was applied to a picture."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.parameters import Parameters, choice, number
from explainers.pictures import picture
from explainers.sampling.affine_grid.geometry import describe, rotation
from explainers.sampling.affine_grid.sampling import warp

_SIDE = 64
NEAR = 0.05
"""Largest error of theta that counts as found: 3 degrees of a turn."""


@dataclasses.dataclass(frozen=True)
class Descent(Parameters):
    """Hold the settings of one descent."""

    degrees: float = number(
        30.0,
        label="turn to find (degrees)",
        help="The descent starts at 0.",
        minimum=-180.0,
        maximum=180.0,
        step=5.0,
    )
    steps: int = number(
        60, label="steps", help="Steps of the optimizer.", minimum=10, maximum=120, step=10
    )
    lr: float = number(
        0.05, label="lr", help="Adam's step size.", minimum=0.005, maximum=0.5, step=0.005
    )
    blur: str = choice(
        "coarse to fine",
        ("coarse to fine", "none"),
        label="blur",
        help="Blur both, less and less: gradients see further.",
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Hold a descent, step by step.

    Attributes:
        target: Tensor ``(1, 64, 64)``: the turned picture.
        frames: Tensor ``(steps + 1, 64, 64)``: the picture warped by theta before each step, and
            after the last.
        theta: Tensor ``(steps + 1, 2, 3)``.
        loss: Tensor ``(steps + 1,)``: mean squared difference to the target, without blur.
        wanted: Tensor ``(2, 3)``: the theta that was applied.
        sentence: Whether the turn was found, and what the last theta does.
    """

    target: Tensor
    frames: Tensor
    theta: Tensor
    loss: Tensor
    wanted: Tensor
    sentence: str

    @property
    def there(self) -> bool:
        """Whether the descent found the theta that was applied, to within `NEAR`."""
        return self.error < NEAR

    @property
    def error(self) -> float:
        """Largest absolute difference between the last theta and the one applied."""
        return float((self.theta[-1] - self.wanted).abs().max())


def descend(parameters: Descent, *, device: str = "cpu") -> Found:
    """Minimise the difference to a turned picture over the six numbers of theta, with Adam.

    The idea of the spatial transformer: `grid_sample` is differentiable in the grid, so theta can
    be learned. Its gradient is local: it sees only as far as the picture is smooth, and large turns
    are not found, blurred or not.

    Args:
        parameters: Turn, steps, learning rate, blur.
        device: Where torch computes.

    Returns:
        Every step, on the CPU.

    Raises:
        ValueError: `device` is not there.

    References:
        Jaderberg et al., "Spatial Transformer Networks", arXiv:1506.02025.
    """
    where = devices.device(device)
    source = F.interpolate(
        picture("card").mean(dim=0)[None, None], size=(_SIDE, _SIDE), mode="area"
    )[0].to(where)
    wanted = rotation(parameters.degrees)
    target = warp(source, wanted, padding_mode="border", device=device).output.to(where)
    theta = torch.eye(2, 3, device=where, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=parameters.lr)
    frames, thetas, losses = [], [], []
    for step in range(parameters.steps + 1):
        output = F.grid_sample(
            source[None],
            F.affine_grid(theta[None], [1, 1, _SIDE, _SIDE], align_corners=False),
            padding_mode="border",
            align_corners=False,
        )[0]
        frames.append(output.detach()[0])
        thetas.append(theta.detach().clone())
        losses.append(F.mse_loss(output.detach(), target))
        if step == parameters.steps:
            break
        smooth = _blur_at(step, parameters)
        loss = F.mse_loss(_blurred(output, smooth), _blurred(target, smooth))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    last = thetas[-1].cpu()
    found = float((last - wanted).abs().max()) < NEAR
    try:
        does = describe(last)
        sentence = f"{'Found' if found else 'Not found'}: {does[0].lower()}{does[1:]}"
    except ValueError as error:
        sentence = f"Not found. The descent is stuck: {error}."
    return Found(
        target=target.cpu(),
        frames=torch.stack(frames).cpu(),
        theta=torch.stack(thetas).cpu(),
        loss=torch.stack(losses).cpu(),
        wanted=wanted,
        sentence=sentence,
    )


def _blur_at(step: int, parameters: Descent) -> int:
    if parameters.blur == "none":
        return 1
    left = 1 - step / (0.7 * parameters.steps)
    return 2 * round(max(left, 0.0) * 7) + 1


def _blurred(image: Tensor, width: int) -> Tensor:
    if width == 1:
        return image
    return F.avg_pool2d(image, width, stride=1, padding=width // 2, count_include_pad=False)
