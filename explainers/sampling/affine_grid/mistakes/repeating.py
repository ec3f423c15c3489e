"""Mistakes about sampling again what was sampled."""

import dataclasses
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import Mistake
from explainers.parameters import Parameters, number
from explainers.pictures import picture
from explainers.sampling.affine_grid.geometry import compose, rotation
from explainers.sampling.affine_grid.mistakes import measuring
from explainers.sampling.affine_grid.sampling import MODES, warp


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FullTurn:
    """Hold what a full turn in small turns leaves of a picture.

    Attributes:
        mistake: Many small warps, and one warp by the product.
        source: Tensor ``(C, H, W)``.
        wrong: Per mode, what is left when each small turn warps the last result.
        right: Per mode, what is left when one warp does the product of all turns.
    """

    mistake: Mistake
    source: Tensor
    wrong: Mapping[str, "Remains"]
    right: Mapping[str, "Remains"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Remains:
    """Hold a picture that was resampled.

    Attributes:
        image: Tensor ``(C, H, W)``.
        error: Mean absolute difference to the original, inside the inscribed circle.
        contrast: Share of the original's variance that is left there; above 1 it was sharpened.
    """

    image: Tensor
    error: float
    contrast: float


@dataclasses.dataclass(frozen=True)
class SmallTurns(Parameters):
    """Hold into how many small turns a full one is cut."""

    turns: int = number(
        12,
        label="steps in a full turn",
        help="Each warps the last result.",
        minimum=1,
        maximum=72,
        step=1,
    )


def full_turn(parameters: SmallTurns, *, device: str = "cpu") -> FullTurn:
    """Turn a picture once around in equal small turns, warping the last result each time.

    Args:
        parameters: How many.
        device: Where torch computes.
    """
    turns = parameters.turns
    source = picture("card")
    where = devices.device(device)
    step = rotation(360 / turns).to(where)
    grid = F.affine_grid(step[None], [1, *source.shape], align_corners=False)
    _, height, width = source.shape
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij"
    )
    inside = x.hypot(y) < 0.95

    def remains(image: Tensor) -> Remains:
        return Remains(
            image=image,
            error=float((image - source)[:, inside].abs().mean()),
            contrast=float(image[:, inside].var() / source[:, inside].var()),
        )

    product = torch.eye(2, 3)
    for _ in range(turns):
        product = compose(product, rotation(360 / turns))
    wrong, right = {}, {}
    for mode in MODES:
        image = source[None].to(where)
        for _ in range(turns):
            image = F.grid_sample(image, grid, mode=mode, align_corners=False)
        wrong[mode] = remains(image[0].cpu())
        right[mode] = remains(warp(source, product, mode=mode, device=device).output)
    return FullTurn(
        mistake=Mistake(
            wrong=f"for _ in range({turns}):\n    x = warp(x, small)",
            right=f"theta = torch.eye(2, 3)\nfor _ in range({turns}):\n"
            "    theta = compose(theta, small)\nx = warp(x, theta)",
            wrong_cost=_left(wrong["bilinear"]),
            right_cost=_left(right["bilinear"]),
            lesson="Off quarter turns each warp resamples: bilinear blurs, bicubic overshoots, "
            "nearest misplaces. Multiply the matrices; sample once.",
            source=("MONAI PR 4911", "https://github.com/Project-MONAI/MONAI/pull/4911"),
        ),
        source=source,
        wrong=wrong,
        right=right,
    )


def _left(remains: Remains) -> str:
    error = f"{remains.error:.3f}" if remains.error >= measuring.SHOWN else f"{remains.error:.0e}"
    return (
        f"Bilinear: mean difference {error} of full scale, {remains.contrast:.0%} of the variance "
        "left."
    )
