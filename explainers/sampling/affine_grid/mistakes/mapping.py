"""Run the mistakes people make with `F.affine_grid` and `F.grid_sample`, and what each costs."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as tv
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

from explainers import devices
from explainers.evidence import Mistake, Question, largest_difference
from explainers.parameters import Parameters, choice, flag, number
from explainers.pictures import picture
from explainers.sampling.affine_grid.geometry import compose, rotation
from explainers.sampling.affine_grid.sampling import MODES, PADDING_MODES, warp

_FORUM = "https://github.com/pytorch/pytorch"
_SQUARE = 16
_SHOWN = 5e-4  # what three decimals do not round to nought
_DOCUMENTED = -0.5  # where torch's docs say that -3.5 is read under reflection


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
class _Measured:
    """What a warp did to a white square, and to a bar.

    Attributes:
        right: Pixels that the square's middle moved to the right.
        area: Times that the square's area grew.
        degrees: Turn of the bar, counter-clockwise.
        sides: Pixels of the shorter and the longer side of what became of the square.
        corner: Degrees between those sides, at most 90.
    """

    right: float
    area: float
    degrees: float
    sides: tuple[float, float]
    corner: float

    @property
    def shape(self) -> str:
        """What became of the square, in words."""
        short, long = (f"{side:.3g}" for side in self.sides)
        if self.corner > 89.5:
            return f"{short} by {long}"
        return f"a parallelogram: sides {short} and {long}, {self.corner:.0f}° apart"


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    """A wanted motion: the theta people write for it, the one that does it, and both as code."""

    words: str
    wrong: Tensor
    right: Tensor
    wrong_code: tuple[str, str]
    right_code: tuple[str, str]
    by_torchvision: Mapping[str, Any]
    cost: Callable[[_Measured], str]
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
        cost=lambda m: f"A square moves {_sideways(m.right)}; asked for 32 right.",
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
        cost=lambda m: f"A bar turns {_turned(m.degrees)}; asked for 30° counter-clockwise.",
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
            wrong_cost=asked.cost(_square_after(asked.wrong, device)),
            right_cost=asked.cost(_square_after(asked.right, device)),
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
            + (", from sampling twice." if errors[1] >= _SHOWN else "."),
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
    sizes = [_square_after(theta, device, height, width) for theta in (wrong, right)]
    costs = [f"A square of {_SQUARE} by {_SQUARE} pixels becomes {m.shape}." for m in sizes]
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


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FlagTable:
    """Hold the identity warp under every pair of `align_corners` flags.

    Attributes:
        mistake: Both lines and their cost.
        size: Side of the square picture, in pixels.
        errors: Tensor ``(2, 2, size, size)``: |output - picture|; first axis the flag given to
            `affine_grid`, second the one given to `grid_sample`, False before True.
        centres: Tensor ``(2, size)``: normalised position of each pixel's centre, False and True.
    """

    mistake: Mistake
    size: int
    errors: Tensor
    centres: Tensor


@dataclasses.dataclass(frozen=True)
class MixedFlags(Parameters):
    """Hold the side of the picture that the identity is tried on."""

    size: int = number(
        8,
        label="side (pixels)",
        help="Small sides show it best.",
        minimum=2,
        maximum=32,
        step=1,
    )


def mixed_flags(parameters: MixedFlags, *, seed: int = 0, device: str = "cpu") -> FlagTable:
    """Warp noise by the identity with `align_corners` equal and unequal in the two calls.

    Args:
        parameters: Side of the picture.
        seed: Of the noise.
        device: Where torch computes.
    """
    size = parameters.size
    where = devices.device(device)
    noise = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(seed)).to(where)
    identity = torch.eye(2, 3, device=where)[None]
    shape = [1, 1, size, size]
    grids = [F.affine_grid(identity, shape, align_corners=flag) for flag in (False, True)]
    errors = torch.stack(
        [
            torch.stack(
                [
                    (F.grid_sample(noise, grid, align_corners=flag) - noise).abs()[0, 0].cpu()
                    for flag in (False, True)
                ]
            )
            for grid in grids
        ]
    )
    return FlagTable(
        mistake=Mistake(
            wrong="grid = F.affine_grid(theta, size,\n                     align_corners=True)\n"
            "F.grid_sample(x, grid, align_corners=False)",
            right="grid = F.affine_grid(theta, size,\n                     align_corners=False)\n"
            "F.grid_sample(x, grid, align_corners=False)",
            wrong_cost="The identity changes pixels by up to "
            f"{float(errors[1, 0].max()):.2f}; mixed the other way, "
            f"{float(errors[0, 1].max()):.2f}.",
            right_cost="The identity's largest error: "
            f"{_size(float(errors[0, 0].max()))} (both False), "
            f"{_size(float(errors[1, 1].max()))} (both True).",
            lesson="-1 and 1 are the corner pixels' outer edges (False) or centres (True): "
            "use one flag.",
            source=("pytorch#20785", f"{_FORUM}/issues/20785"),
        ),
        size=size,
        errors=errors,
        centres=torch.stack([grid[0, 0, :, 0].cpu() for grid in grids]),
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LibraryTurn:
    """Hold one library's answer to an angle.

    Attributes:
        library: Name of the library and its function.
        angle: What it was given, in degrees.
        output: Tensor ``(C, H, W)``.
        measured: Turn that a bar took, in degrees, counter-clockwise positive.
    """

    library: str
    angle: float
    output: Tensor
    measured: float

    @property
    def way(self) -> str:
        """The turn in words, such as "30° clockwise"."""
        return _turned(self.measured)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Libraries:
    """Hold the answers of several libraries to one angle, as written and with the sign mended."""

    mistake: Mistake
    wrong: tuple[LibraryTurn, ...]
    right: tuple[LibraryTurn, ...]


@dataclasses.dataclass(frozen=True)
class SameAngle(Parameters):
    """Hold the angle that every library is given."""

    degrees: float = number(
        30.0,
        label="angle (degrees)",
        help="Below 90: a bar looks the same after half a turn.",
        minimum=-80.0,
        maximum=80.0,
        step=1.0,
    )


def libraries(parameters: SameAngle, *, device: str = "cpu") -> Libraries:
    """Give one angle to five libraries, then mend the sign where one turns the other way.

    Args:
        parameters: The angle.
        device: Where torch computes; the other libraries stay on the CPU.
    """
    degrees = parameters.degrees
    as_written = _ask_libraries(degrees, {}, device)
    signs = {turn.library: -1.0 for turn in as_written if turn.measured * degrees < 0}
    mended = _ask_libraries(degrees, signs, device)
    against = [turn.library for turn in as_written if turn.library in signs]
    apart = max(abs(turn.measured - degrees) for turn in mended)
    return Libraries(
        mistake=Mistake(
            wrong=f"angle = {degrees:g}  # the same for every library",
            right=f"angle = {-degrees:g} if clockwise else {degrees:g}",
            wrong_cost=f"{len(against)} of {len(as_written)} turn the other way"
            + (f": {', '.join(against)}." if against else "."),
            right_cost=f"All turn {_turned(degrees)}"
            + (f", to within {apart:.2g}°." if apart >= 0.05 else "."),
            lesson="torchvision's rotate is counter-clockwise, its affine clockwise. Test "
            "the sign.",
            source=("torchvision#5608", "https://github.com/pytorch/vision/issues/5608"),
        ),
        wrong=as_written,
        right=mended,
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PaddingRuler:
    """Hold a row of pixels read at positions far outside of it.

    Attributes:
        mistake: The documentation's sentence and what torch does.
        pixels: Tensor ``(n,)``: the row.
        centres: Tensor ``(n,)``: normalised centre of each pixel.
        positions: Tensor ``(m,)``: normalised positions that are read.
        values: Per padding mode, Tensor ``(m,)``: what is read there.
        landing: Per padding mode, Tensor ``(m,)``: the normalised position inside the row that
            the read falls on, NaN where it falls on nothing.
        probe: One normalised position.
        probe_value: Per padding mode, what is read at `probe`.
        probe_landing: Per padding mode, where `probe` lands; NaN where on nothing.
        documented: Where the documentation's sentence says that -3.5 lands under reflection.
    """

    mistake: Mistake
    pixels: Tensor
    centres: Tensor
    positions: Tensor
    values: Mapping[str, Tensor]
    landing: Mapping[str, Tensor]
    probe: float
    probe_value: Mapping[str, float]
    probe_landing: Mapping[str, float]
    documented: float = _DOCUMENTED


@dataclasses.dataclass(frozen=True)
class Padding(Parameters):
    """Hold one position to look at, and the convention."""

    probe: float = number(
        -3.5,
        label="read at x =",
        help="-1 to 1 is inside.",
        minimum=-4.0,
        maximum=4.0,
        step=0.05,
    )
    align_corners: bool = flag(
        False,
        label="align_corners",
        help="-1 and 1: the corner pixels' outer edges (False) or centres (True).",
    )


def padding_ruler(parameters: Padding, *, device: str = "cpu") -> PaddingRuler:
    """Read a row of eight pixels from -4 to 4 under each `padding_mode`.

    The landing position is measured, not computed: a row that holds its own coordinates is read
    the same way, and what comes back is where the read fell.

    Args:
        parameters: One position to look at, and `align_corners`.
        device: Where torch computes.
    """
    probe, align_corners = parameters.probe, parameters.align_corners
    pixels = torch.tensor([0.15, 0.3, 0.45, 0.95, 0.7, 0.55, 0.85, 0.25])
    centres = _centres(8, align_corners)
    positions = torch.linspace(-4, 4, 801)
    asked = torch.cat([positions, torch.tensor([probe, -3.5])])
    values, landing = {}, {}
    for mode in PADDING_MODES:
        values[mode] = _read_row(pixels, asked, mode, align_corners, device)
        landing[mode] = _landing(asked, mode, align_corners, device)
    read = f"{float(landing['reflection'][-1]):+.3g}"
    call = 'F.grid_sample(x, grid,\n              padding_mode="reflection")'
    return PaddingRuler(
        mistake=Mistake(
            wrong=f"{call}\n# docs say: -3.5 becomes 1.5, then -0.5",
            right=f"{call}\n# torch does: -3.5 becomes 1.5, then +0.5",
            wrong_cost=f"The docs promise {_DOCUMENTED:+g}; torch reads at {read}.",
            right_cost=f"torch reads at {read}: reflected at 1, 1.5 becomes 2 - 1.5.",
            lesson="Outside, zeros fades to black, border repeats the last pixel, "
            "reflection bounces between outer edges (align_corners=False) or "
            "centres (True).",
            source=("pytorch#63559", f"{_FORUM}/issues/63559"),
        ),
        pixels=pixels,
        centres=centres,
        positions=positions,
        values={mode: value[:-2] for mode, value in values.items()},
        landing={mode: where[:-2] for mode, where in landing.items()},
        probe=probe,
        probe_value={mode: float(value[-2]) for mode, value in values.items()},
        probe_landing={mode: float(where[-2]) for mode, where in landing.items()},
    )


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


def question(*, device: str = "cpu") -> Question:
    """Ask where a positive offset moves the picture, and let torch answer."""
    offset, side = 0.25, 64
    theta = torch.tensor([[1.0, 0.0, offset], [0.0, 1.0, 0.0]])
    moved = _sideways(_square_after(theta, device, side, side).right, to="to the ")
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


def _turned(degrees: float) -> str:
    if abs(degrees) < 0.005:
        return "0°"
    return f"{abs(degrees):.3g}° {'counter-clockwise' if degrees > 0 else 'clockwise'}"


def _sideways(right: float, to: str = "") -> str:
    return f"{abs(right):.0f} pixels {to}{'left' if right < 0 else 'right'}"


def _within(difference: float) -> str:
    return "exactly" if difference == 0 else f"to within {difference:.0e}"


def _size(difference: float) -> str:
    return "exactly 0" if difference == 0 else f"{difference:.0e}"


def _left(remains: Remains) -> str:
    error = f"{remains.error:.3f}" if remains.error >= _SHOWN else f"{remains.error:.0e}"
    return (
        f"Bilinear: mean difference {error} of full scale, {remains.contrast:.0%} of the variance "
        "left."
    )


def _square_after(theta: Tensor, device: str, height: int = 128, width: int = 128) -> _Measured:
    """Measure by moments what a warp does to a white square, and to a bar for its angle."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    y, x = y - height / 2, x - width / 2
    half = _SQUARE / 2
    square = (torch.maximum(x.abs(), y.abs()) < half).float()
    bar = ((x.abs() < 24) & (y.abs() < 2)).float()
    # Smooth spots, whose middles a warp keeps, on the middles of the square's four sides.
    spots = [
        torch.exp(-((x - right) ** 2 + (y - down) ** 2) / 18)
        for right, down in ((-half, 0), (half, 0), (0, -half), (0, half))
    ]
    moved, turned, *ends = warp(torch.stack([square, bar, *spots]), theta, device=device).output
    across, down = (_middle(ends[n + 1]) - _middle(ends[n]) for n in (0, 2))
    lengths = float(across.norm()), float(down.norm())
    cosine = float(across @ down) / (lengths[0] * lengths[1])
    return _Measured(
        right=float(_middle(moved)[0]) - width / 2,
        area=float(moved.sum() / square.sum()),
        degrees=bar_angle(turned),
        sides=(min(lengths), max(lengths)),
        corner=math.degrees(math.acos(min(abs(cosine), 1.0))),
    )


def _middle(image: Tensor) -> Tensor:
    """Return where the middle (x, y) of what is bright in ``(H, W)`` lies, in pixels, ``(2,)``."""
    height, width = image.shape
    weight = image.double() / image.double().sum()
    x = (weight.sum(dim=0) * (torch.arange(width) + 0.5)).sum()
    return torch.stack([x, (weight.sum(dim=1) * (torch.arange(height) + 0.5)).sum()])


def bar_angle(picture_of_bar: Tensor) -> float:
    """Return the angle of a bright bar in degrees, counter-clockwise on screen, by second moments.

    Args:
        picture_of_bar: Tensor ``(H, W)``, dark but for the bar. An angle and its opposite look
            alike: the result is in (-90, 90].
    """
    height, width = picture_of_bar.shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    weight = picture_of_bar.to(torch.float64)
    weight = weight / weight.sum()
    x, y = x - (weight * x).sum(), y - (weight * y).sum()
    xx, yy, xy = (float((weight * product).sum()) for product in (x * x, y * y, x * y))
    return -math.degrees(0.5 * math.atan2(2 * xy, xx - yy))


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


def _ask_libraries(
    degrees: float, signs: Mapping[str, float], device: str
) -> tuple[LibraryTurn, ...]:
    card = picture("card")
    bar = torch.zeros_like(card)
    bar[:, 62:66, 24:104] = 1
    bilinear = InterpolationMode.BILINEAR

    def by_torch(image: Tensor, angle: float) -> Tensor:
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        return warp(image, torch.tensor([[c, -s, 0.0], [s, c, 0.0]]), device=device).output

    def by_opencv(image: Tensor, angle: float) -> Tensor:
        _, height, width = image.shape
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
        array = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
        turned = cv2.warpAffine(array, matrix, (width, height), flags=cv2.INTER_LINEAR)
        return torch.from_numpy(turned).permute(2, 0, 1)

    def by_pil(image: Tensor, angle: float) -> Tensor:
        array = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        turned = Image.fromarray(array).rotate(angle, Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(turned)).permute(2, 0, 1) / 255

    asked: dict[str, Callable[[Tensor, float], Tensor]] = {
        "torch, textbook theta": by_torch,
        "torchvision rotate": lambda image, angle: tv.rotate(image, angle, interpolation=bilinear),
        "torchvision affine": lambda image, angle: tv.affine(
            image,
            angle=angle,
            translate=[0, 0],
            scale=1.0,
            shear=[0.0, 0.0],
            interpolation=bilinear,
        ),
        "OpenCV": by_opencv,
        "PIL": by_pil,
    }
    turns = []
    for library, turn in asked.items():
        angle = degrees * signs.get(library, 1.0)
        turns.append(
            LibraryTurn(
                library=library,
                angle=angle,
                output=turn(card, angle),
                measured=bar_angle(turn(bar, angle)[0]),
            )
        )
    return tuple(turns)


def _read_row(
    row: Tensor, positions: Tensor, padding_mode: str, align_corners: bool, device: str
) -> Tensor:
    where = devices.device(device)
    grid = torch.stack([positions, torch.zeros_like(positions)], dim=-1)[None, None].to(where)
    return F.grid_sample(
        row.reshape(1, 1, 1, -1).to(where),
        grid,
        padding_mode=padding_mode,
        align_corners=align_corners,
    )[0, 0, 0].cpu()


def _landing(positions: Tensor, padding_mode: str, align_corners: bool, device: str) -> Tensor:
    # Fine steps: a bilinear read of coordinates is exact but for half a step at either edge.
    ramp = _centres(4096, align_corners)
    landing = _read_row(ramp, positions, padding_mode, align_corners, device)
    if padding_mode == "zeros":
        return torch.where(positions.abs() <= 1, landing, torch.nan)
    return landing


def _centres(count: int, align_corners: bool) -> Tensor:
    """Return the normalised centres of a row of pixels, as torch places them."""
    # Two rows, for torch warns about a side of one pixel.
    identity = torch.eye(2, 3)[None]
    return F.affine_grid(identity, [1, 1, 2, count], align_corners=align_corners)[0, 0, :, 0]
