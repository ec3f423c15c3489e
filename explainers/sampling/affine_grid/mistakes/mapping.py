"""Mistakes about what theta and a grid say: where each output pixel reads."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as tv
from torch import Tensor
from torchvision.transforms import InterpolationMode

from explainers import devices
from explainers.evidence import Mistake, Question, largest_difference
from explainers.parameters import Parameters, choice, number
from explainers.pictures import picture
from explainers.sampling.affine_grid.geometry import compose, rotation
from explainers.sampling.affine_grid.mistakes import measuring
from explainers.sampling.affine_grid.sampling import warp

_FORUM = "https://github.com/pytorch/pytorch"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PictureMistake:
    """Hold what was asked for and what each line gives.

    Attributes:
        mistake: Both lines and their cost.
        source: Tensor ``(C, H, W)``, the picture before.
        wanted: Tensor ``(C, H, W)``, made by an independent library or by the longer way.
        wanted_by: Who made `wanted`.
        wrong: Tensor ``(C, H, W)``, what the wrong line gives.
        right: Tensor ``(C, H, W)``, what the right line gives.
        wrong_reads: Tensor ``(n, n, 2)``: input pixels (x, y) read by a lattice of output pixels.
        right_reads: The same for the right line.
        lattice: Tensor ``(n, n, 2)``: those output pixels (x, y).
    """

    mistake: Mistake
    source: Tensor
    wanted: Tensor
    wanted_by: str
    wrong: Tensor
    right: Tensor
    wrong_reads: Tensor
    right_reads: Tensor
    lattice: Tensor

    @property
    def wrong_difference(self) -> Tensor:
        """Mean over channels of |wrong - wanted|, ``(H, W)``."""
        return (self.wrong - self.wanted).abs().mean(dim=0)

    @property
    def right_difference(self) -> Tensor:
        """Mean over channels of |right - wanted|, ``(H, W)``."""
        return (self.right - self.wanted).abs().mean(dim=0)

    @property
    def wrong_error(self) -> float:
        """Mean absolute difference between `wrong` and `wanted`."""
        return float(self.wrong_difference.mean())

    @property
    def right_error(self) -> float:
        """Mean absolute difference between `right` and `wanted`."""
        return float(self.right_difference.mean())


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    """A wanted motion: the theta people write for it, the one that does it, and both as code."""

    words: str
    wrong: Tensor
    right: Tensor
    wrong_code: tuple[str, str]
    right_code: tuple[str, str]
    by_torchvision: Mapping[str, Any]
    cost: Callable[[measuring.Measured], str]
    lesson: str


_ROWS = ",\n" + " " * len("theta = torch.tensor([")
_COS, _SIN = math.cos(math.radians(30)), math.sin(math.radians(30))
_WANTED = {
    "move": _Wanted(
        words="Move right by 32",
        wrong=torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]),
        right=torch.tensor([[1.0, 0.0, -0.5], [0.0, 1.0, 0.0]]),
        wrong_code=("[[1, 0, 0.5]", "[0, 1, 0]]"),
        right_code=("[[1, 0, -0.5]", "[0, 1, 0]]"),
        by_torchvision={"translate": [32.0, 0.0]},
        cost=lambda m: f"A square moves {measuring.sideways(m.right)}; asked for 32 right.",
        lesson="theta says where each output pixel reads. To move right, read further left.",
    ),
    "enlarge": _Wanted(
        words="Enlarge to twice",
        wrong=torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
        right=torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]),
        wrong_code=("[[2, 0, 0]", "[0, 2, 0]]"),
        right_code=("[[0.5, 0, 0]", "[0, 0.5, 0]]"),
        by_torchvision={"scale": 2.0},
        cost=lambda m: f"A square's area becomes {m.area:.3g} times as large; asked for 4.",
        lesson="theta scales what is read: 2 reads twice the width and halves the picture.",
    ),
    "turn": _Wanted(
        words="Turn by 30°",
        wrong=torch.tensor([[_COS, -_SIN, 0.0], [_SIN, _COS, 0.0]]),
        right=rotation(30.0),
        wrong_code=("[[cos, -sin, 0]", "[sin, cos, 0]]"),
        right_code=("[[cos, -sin, 0]", "[sin, cos, 0]]"),
        by_torchvision={"angle": -30.0},
        cost=lambda m: (
            f"A bar turns {measuring.turned_by(m.degrees)}; asked for 30° counter-clockwise."
        ),
        lesson="theta is the inverse map and y points down: two errors that cancel, for "
        "turns alone.",
    ),
}


@dataclasses.dataclass(frozen=True)
class Direction(Parameters):
    """Hold what the picture should do."""

    motion: str = choice(
        "move",
        tuple(_WANTED),
        label="The picture's motion",
        help="torchvision takes the motion itself.",
        words=tuple(wanted.words for wanted in _WANTED.values()),
    )


def direction(parameters: Direction, *, device: str = "cpu") -> PictureMistake:
    """Use the matrix of the wanted motion as theta, and use its inverse.

    Args:
        parameters: The motion.
        device: Where torch computes.
    """
    asked = _WANTED[parameters.motion]
    source = picture("card")
    still = {"angle": 0.0, "translate": [0.0, 0.0], "scale": 1.0, "shear": [0.0, 0.0]}
    return _picture_mistake(
        Mistake(
            wrong=f"theta = torch.tensor({_ROWS.join(asked.wrong_code)})",
            right=f"theta = torch.tensor({_ROWS.join(asked.right_code)})",
            wrong_cost=asked.cost(measuring.square_after(asked.wrong, device)),
            right_cost=asked.cost(measuring.square_after(asked.right, device)),
            lesson=asked.lesson,
            source=("pytorch#35775", f"{_FORUM}/issues/35775"),
        ),
        source,
        tv.affine(
            source,
            **{**still, **asked.by_torchvision},
            interpolation=InterpolationMode.BILINEAR,
        ),
        "torchvision's affine",
        asked.wrong,
        asked.right,
        device,
        arrows=5,
    )


@dataclasses.dataclass(frozen=True)
class Order(Parameters):
    """Hold two warps, one after the other."""

    degrees: float = number(
        30.0,
        label="first turn (degrees)",
        help="Counter-clockwise.",
        minimum=-90.0,
        maximum=90.0,
        step=1.0,
    )
    translate_x: float = number(
        0.5,
        label="then move right",
        help="1 is half the width.",
        minimum=-1.0,
        maximum=1.0,
        step=0.05,
    )


def order(parameters: Order, *, device: str = "cpu") -> PictureMistake:
    """Fold "turn, then move" into one theta in either order, beside the two steps.

    Args:
        parameters: Both warps.
        device: Where torch computes.
    """
    source = picture("card")
    first = rotation(parameters.degrees)
    then = rotation(0.0, translate=(parameters.translate_x, 0.0))
    two_steps = warp(warp(source, first, device=device).output, then, device=device).output
    wrong, right = compose(then, first), compose(first, then)
    errors = [
        float((warp(source, theta, device=device).output - two_steps).abs().mean())
        for theta in (wrong, right)
    ]
    return _picture_mistake(
        Mistake(
            wrong="theta = compose(move, turn)  # move @ turn",
            right="theta = compose(turn, move)  # turn @ move",
            wrong_cost=f"Mean difference to two steps: {errors[0]:.3f} of full scale.",
            right_cost=f"Mean difference to two steps: {errors[1]:.3f}"
            + (", from sampling twice." if errors[1] >= measuring.SHOWN else "."),
            lesson="A, then B, is one warp by A @ B, both with the row 0, 0, 1 added: positions "
            "go through B first.",
            source=("pytorch#35775", f"{_FORUM}/issues/35775"),
        ),
        source,
        two_steps,
        "two warps in turn",
        wrong,
        right,
        device,
    )


@dataclasses.dataclass(frozen=True)
class NotSquare(Parameters):
    """Hold the turn of a wide picture."""

    degrees: float = number(
        90.0,
        label="turn (degrees)",
        help="Counter-clockwise.",
        minimum=-180.0,
        maximum=180.0,
        step=1.0,
    )


def not_square(parameters: NotSquare, *, device: str = "cpu") -> PictureMistake:
    """Turn a picture twice as wide as high, without and with its aspect in theta.

    Args:
        parameters: The turn.
        device: Where torch computes.
    """
    degrees = parameters.degrees
    source = picture("wide")
    _, height, width = source.shape
    wrong, right = rotation(degrees), rotation(degrees, aspect=width / height)
    wanted = tv.rotate(source, degrees, interpolation=InterpolationMode.BILINEAR)
    sizes = [measuring.square_after(theta, device, height, width) for theta in (wrong, right)]
    costs = [
        f"A square of {measuring.SQUARE} by {measuring.SQUARE} pixels becomes {m.shape}."
        for m in sizes
    ]
    return _picture_mistake(
        Mistake(
            wrong="theta = [[cos, -sin, 0],\n         [sin, cos, 0]]",
            right="theta = [[cos, -sin * H / W, 0],\n         [sin * W / H, cos, 0]]",
            wrong_cost=costs[0],
            right_cost=costs[1],
            lesson="On a wide picture x's unit is longer than y's: a plain turn, but for 0° and "
            "180°, stretches or shears.",
            source=("torchvision PR 2553", "https://github.com/pytorch/vision/pull/2553"),
        ),
        source,
        wanted,
        "torchvision's rotate",
        wrong,
        right,
        device,
    )


@dataclasses.dataclass(frozen=True)
class XBeforeY(Parameters):
    """Hold nothing: there is nothing to set."""


def x_before_y(parameters: XBeforeY, *, device: str = "cpu") -> PictureMistake:
    """Build the identity grid with (row, column) in its last axis, and with (x, y).

    Args:
        parameters: There are none; every mistake is run alike.
        device: Where torch computes.
    """
    source = picture("card")
    _, height, width = source.shape
    rows = (torch.arange(height) * 2 + 1) / height - 1
    columns = (torch.arange(width) * 2 + 1) / width - 1
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    where = devices.device(device)
    outputs = [
        F.grid_sample(source[None].to(where), grid[None].to(where), align_corners=False)[0].cpu()
        for grid in (torch.stack([y, x], dim=-1), torch.stack([x, y], dim=-1))
    ]
    lattice = _lattice(height, width, 5)
    return PictureMistake(
        mistake=Mistake(
            wrong="grid = torch.stack([rows, columns], dim=-1)",
            right="grid = torch.stack([columns, rows], dim=-1)",
            wrong_cost="The input transposed, "
            f"{_within(largest_difference(outputs[0], source.mT))}.",
            right_cost=f"The input, {_within(largest_difference(outputs[1], source))}.",
            lesson="Tensors are indexed [row, column]; grids hold (x, y): column, row.",
            source=(
                "torch docs: grid_sample",
                "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html",
            ),
        ),
        source=source,
        wanted=source,
        wanted_by="the picture itself",
        wrong=outputs[0],
        right=outputs[1],
        wrong_reads=lattice.flip(-1),
        right_reads=lattice,
        lattice=lattice,
    )


def question(*, device: str = "cpu") -> Question:
    """Ask where a positive offset moves the picture, and let torch answer."""
    offset, side = 0.25, 64
    theta = torch.tensor([[1.0, 0.0, offset], [0.0, 1.0, 0.0]])
    moved = measuring.sideways(
        measuring.square_after(theta, device, side, side).right, to="to the "
    )
    return Question(
        text=f"`theta = [[1, 0, {offset}], [0, 1, 0]]` on {side} by {side} pixels. Where does the "
        "picture go?",
        options=tuple(
            f"{pixels} pixels to the {way}" for pixels in (8, 16) for way in ("right", "left")
        ),
        answer=moved,
        because=f"Each output reads {offset:g} of half the width further right, so a square "
        f"moves {moved}.",
    )


def _within(difference: float) -> str:
    return "exactly" if difference == 0 else f"to within {difference:.0e}"


def _lattice(height: int, width: int, count: int) -> Tensor:
    y, x = torch.meshgrid(
        torch.linspace(0.12, 0.88, count) * (height - 1),
        torch.linspace(0.12, 0.88, count) * (width - 1),
        indexing="ij",
    )
    return torch.stack([x, y], dim=-1)


def _reads(theta: Tensor, lattice: Tensor, height: int, width: int) -> Tensor:
    """Read off torch's own grid where the lattice of output pixels samples the input."""
    grid = F.affine_grid(theta[None], [1, 1, height, width], align_corners=False)
    at = (2 * lattice + 1) / torch.tensor([width, height]) - 1
    read = F.grid_sample(
        grid.permute(0, 3, 1, 2), at[None], align_corners=False, padding_mode="border"
    )[0].permute(1, 2, 0)
    return ((read + 1) * torch.tensor([width, height]) - 1) / 2


def _picture_mistake(
    mistake: Mistake,
    source: Tensor,
    wanted: Tensor,
    wanted_by: str,
    wrong: Tensor,
    right: Tensor,
    device: str,
    *,
    arrows: int = 3,
) -> PictureMistake:
    _, height, width = source.shape
    lattice = _lattice(height, width, arrows)
    return PictureMistake(
        mistake=mistake,
        source=source,
        wanted=wanted,
        wanted_by=wanted_by,
        wrong=warp(source, wrong, device=device).output,
        right=warp(source, right, device=device).output,
        wrong_reads=_reads(wrong, lattice, height, width),
        right_reads=_reads(right, lattice, height, width),
        lattice=lattice,
    )
