"""Mistakes about conventions: whose corners are meant, whose angle, and what lies outside."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as tv
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

from explainers import devices
from explainers.evidence import Mistake
from explainers.parameters import Parameters, flag, number
from explainers.pictures import picture
from explainers.sampling.affine_grid.mistakes import measuring
from explainers.sampling.affine_grid.sampling import PADDING_MODES, warp

_FORUM = "https://github.com/pytorch/pytorch"
_DOCUMENTED = -0.5  # where torch's docs say that -3.5 is read under reflection


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
        return measuring.turned_by(self.measured)


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
            right_cost=f"All turn {measuring.turned_by(degrees)}"
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


def _size(difference: float) -> str:
    return "exactly 0" if difference == 0 else f"{difference:.0e}"


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
                measured=measuring.bar_angle(turn(bar, angle)[0]),
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
