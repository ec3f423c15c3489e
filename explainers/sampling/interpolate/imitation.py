"""Train a transposed convolution to do what `F.interpolate` does."""

import dataclasses
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.parameters import Parameters, choice, number
from explainers.pictures import picture
from explainers.sampling.interpolate.kernels import KERNEL_OF, kernel
from explainers.sampling.interpolate.sampling import resize

TAPS = 8
_BORDER = 6


@dataclasses.dataclass(frozen=True)
class Imitation(Parameters):
    """Hold the settings of one training."""

    mode: str = choice(
        "bilinear",
        ("nearest-exact", "bilinear", "bicubic"),
        label="mode to imitate",
        help="The layer sees only inputs and outputs.",
    )
    data: str = choice(
        "noise",
        ("noise", "a picture"),
        label="trained on",
        help="Noise has all frequencies, a picture few fine ones.",
    )
    steps: int = number(
        20, label="steps", help="Of gradient descent.", minimum=5, maximum=100, step=5
    )
    seed: int = number(0, label="seed", help="Of the noise.", minimum=0, maximum=99, step=1)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Imitated:
    """Hold a training, step by step.

    Attributes:
        weights: Tensor ``(steps + 1, 8, 8)``: the layer's kernel before each step, and after the
            last.
        loss: Tensor ``(steps + 1,)``: mean squared difference to `F.interpolate`.
        formula: Tensor ``(8, 8)``: the kernel by the formula, read at the eight distances -1.75 to
            1.75 along either axis.
    """

    weights: Tensor
    loss: Tensor
    formula: Tensor

    @property
    def error(self) -> Tensor:
        """Largest difference between kernel and formula at each step, ``(steps + 1,)``."""
        return (self.weights - self.formula).abs().amax(dim=(1, 2))

    @property
    def sentence(self) -> str:
        """Where loss and kernel end."""
        return (
            f"Loss {float(self.loss[-1]):.1g}; the kernel is within {float(self.error[-1]):.1g} of "
            "the formula."
        )


def imitate(parameters: Imitation, *, device: str = "cpu") -> Imitated:
    """Fit a transposed convolution of stride 2 to doubling by `F.interpolate`.

    Resizing is linear in the picture and the same everywhere, so a convolution can do it: what the
    layer finds is the kernel. The border, where `F.interpolate` repeats the edge, is left out.

    Args:
        parameters: Mode, data, steps, seed.
        device: Where torch computes.

    References:
        Long et al., "Fully convolutional networks", arXiv:1411.4038: layers that start as bilinear.
    """
    where = devices.device(device)
    if parameters.data == "noise":
        generator = torch.Generator().manual_seed(parameters.seed)
        inputs = torch.randn(8, 1, 16, 16, generator=generator)
    else:
        # Of the card's corner, as many pixels as the noise has.
        inputs = picture("card").mean(dim=0, keepdim=True)[None, :, :48, :48] - 0.5
    inputs = inputs.to(where)
    wanted = torch.stack(
        [resize(one, scale_factor=2.0, mode=parameters.mode, device=device) for one in inputs.cpu()]
    ).to(where)
    weight = torch.zeros(1, 1, TAPS, TAPS, device=where, requires_grad=True)

    def slope(at: Tensor) -> tuple[Tensor, Tensor]:
        made = F.conv_transpose2d(inputs, at, stride=2, padding=TAPS // 2 - 1)
        inside = (made - wanted)[..., _BORDER:-_BORDER, _BORDER:-_BORDER]
        loss = inside.square().mean()
        return torch.autograd.grad(loss, at)[0], loss.detach()

    rate = 1 / _steepest(lambda at: slope(at)[0], weight)
    kernels, losses = [], []
    for _ in range(parameters.steps + 1):
        gradient, loss = slope(weight)
        kernels.append(weight.detach()[0, 0].cpu().clone())
        losses.append(loss.cpu())
        with torch.no_grad():
            weight -= rate * gradient
    return Imitated(
        weights=torch.stack(kernels),
        loss=torch.stack(losses),
        formula=formula(parameters.mode),
    )


def _steepest(gradient: Callable[[Tensor], Tensor], start: Tensor) -> float:
    """Return the largest curvature of a quadratic loss, by power iteration on its gradient."""
    flat = gradient(start)
    direction = torch.ones_like(start)
    curvature = torch.tensor(0.0)
    for _ in range(12):
        direction = direction / direction.norm()
        bent = gradient(direction.detach().requires_grad_()) - flat
        curvature, direction = bent.norm(), bent
    return float(curvature)


def formula(mode: str) -> Tensor:
    """Return the kernel of doubling by the formula, ``(8, 8)``.

    Args:
        mode: ``"nearest-exact"``, ``"bilinear"`` or ``"bicubic"``.
    """
    distance = (torch.arange(TAPS) - (TAPS - 1) / 2) / 2
    if mode in KERNEL_OF:
        line = kernel(KERNEL_OF[mode], distance)
    else:
        line = (distance.abs() < 0.5).float()
    return line[:, None] * line
