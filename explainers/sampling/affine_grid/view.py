"""Declare the page's parameters and compute what one setting of them shows."""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.linkage import MAX_SIDE, Linkage, linkage
from explainers.parameters import Parameters, Preset, choice, flag, number
from explainers.pictures import picture
from explainers.sampling.affine_grid.geometry import describe_in_frame, rotation
from explainers.sampling.affine_grid.sampling import MODES, PADDING_MODES, Warp, warp

LARGEST_OUTPUT = 256
_TINY = 256  # pixels of the loupe's picture, about
_FLAT = 0.25  # share of its contrast below which a reduced picture shows nothing
# torch has no limit; the sliders, over a frame of one pixel by 256, come to half of this.
_LARGEST_ENTRY = 4096.0
THETA_FIELDS = ("theta_00", "theta_01", "theta_02", "theta_10", "theta_11", "theta_12")


def _entry(default: float, row: int, column: int) -> float:
    reads = ("x", "y")[row]
    weighs = ("x", "y", "1")[column]
    value: float = number(
        default,
        label=f"θ[{row},{column}]",
        help=f"Weight of the output's {weighs} in the {reads} that is read.",
        minimum=-_LARGEST_ENTRY,
        maximum=_LARGEST_ENTRY,
        step=0.05,
    )
    return value


@dataclasses.dataclass(frozen=True)
class AffineGrid(Parameters):
    """Hold the settings of one warp."""

    degrees: float = number(
        30.0,
        label="degrees",
        help="Positive: counter-clockwise.",
        minimum=-180.0,
        maximum=180.0,
        step=1.0,
    )
    scale_x: float = number(
        1.0,
        label="scale x",
        help="2 doubles the width.",
        minimum=0.25,
        maximum=4.0,
        step=0.05,
    )
    scale_y: float = number(
        1.0,
        label="scale y",
        help="2 doubles the height.",
        minimum=0.25,
        maximum=4.0,
        step=0.05,
    )
    translate_x: float = number(
        0.0,
        label="translate x",
        help="Right; 1 is half the width.",
        minimum=-1.0,
        maximum=1.0,
        step=0.05,
    )
    translate_y: float = number(
        0.0,
        label="translate y",
        help="Down; 1 is half the height.",
        minimum=-1.0,
        maximum=1.0,
        step=0.05,
    )
    shear: float = number(
        0.0,
        label="shear",
        help="Degrees; positive leans the top right.",
        minimum=-60.0,
        maximum=60.0,
        step=1.0,
    )
    mode: str = choice(
        "bilinear",
        MODES,
        label="mode",
        help="How values between pixels are made.",
    )
    padding_mode: str = choice(
        "zeros",
        PADDING_MODES,
        label="padding_mode",
        help="Outside: black, the last pixel, or a mirror.",
    )
    align_corners: bool = flag(
        False,
        label="align_corners",
        help="-1 and 1: the corner pixels' outer edges (False) or centres (True).",
    )
    keep_aspect: bool = flag(
        True,
        label="correct for aspect",
        help="The output's width over height in theta: no shear.",
    )
    picture: str = choice(
        "card",
        ("card", "wide", "checkerboard", "zone_plate"),
        label="picture",
        help="Or upload your own.",
    )
    height: int = number(
        0,
        label="output height",
        help="Rows; 0: as the picture.",
        minimum=0,
        maximum=LARGEST_OUTPUT,
        step=8,
    )
    width: int = number(
        0,
        label="output width",
        help="Columns; 0: as the picture.",
        minimum=0,
        maximum=LARGEST_OUTPUT,
        step=8,
    )
    by_hand: bool = flag(
        False,
        label="theta by hand",
        help="Six numbers in place of the sliders.",
    )
    theta_00: float = _entry(1.0, 0, 0)
    theta_01: float = _entry(0.0, 0, 1)
    theta_02: float = _entry(0.0, 0, 2)
    theta_10: float = _entry(0.0, 1, 0)
    theta_11: float = _entry(1.0, 1, 1)
    theta_12: float = _entry(0.0, 1, 2)

    def size(self, picture: Tensor) -> tuple[int, int]:
        """Return height and width of the output for a picture ``(C, H, W)``."""
        _, height, width = picture.shape
        return self.height or height, self.width or width

    def aspect(self, picture: Tensor) -> float:
        """Return width over height of the output for a picture ``(C, H, W)``.

        Between the positions -1 and 1, that is: with `align_corners` those are the centres of the
        corner pixels. A turn is one where it is seen, so the output's shape counts.
        """
        height, width = self.size(picture)
        if self.align_corners and height > 1 and width > 1:
            return (width - 1) / (height - 1)
        return width / height

    def theta(self, aspect: float) -> Tensor:
        """Return the theta of these settings, ``(2, 3)``.

        Args:
            aspect: Width over height of the output, as `aspect` gives it.
        """
        if self.by_hand:
            return torch.tensor([getattr(self, name) for name in THETA_FIELDS]).reshape(2, 3)
        return rotation(
            self.degrees,
            scale=(self.scale_x, self.scale_y),
            shear=self.shear,
            translate=(self.translate_x, self.translate_y),
            aspect=aspect if self.keep_aspect else 1.0,
        )


PRESETS = (
    Preset(
        "A turn",
        "The grid turns clockwise, the picture counter-clockwise.",
        AffineGrid(),
    ),
    Preset(
        "A quarter turn",
        "Each output pixel meets one input pixel: no blur.",
        AffineGrid(degrees=90.0),
    ),
    Preset(
        "Wide, uncorrected",
        "The circle becomes an egg: x and y differ in unit.",
        AffineGrid(degrees=45.0, picture="wide", keep_aspect=False),
    ),
    Preset(
        "Move and mirror the edge",
        "Grid left, picture right; reflection fills the gap.",
        AffineGrid(degrees=0.0, translate_x=0.5, padding_mode="reflection"),
    ),
    Preset(
        "Shrink, and alias",
        "Outputs still read four pixels each: the new rings are false.",
        AffineGrid(degrees=0.0, scale_x=0.4, scale_y=0.4, picture="zone_plate"),
    ),
    Preset(
        "Right and down",
        "Typed theta: both offsets negative.",
        AffineGrid(by_hand=True, theta_02=-0.2, theta_12=-0.4),
    ),
)


REFERENCES = (
    (
        "torch: affine_grid",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html",
    ),
    (
        "torch: grid_sample",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html",
    ),
    ("Jaderberg et al., Spatial Transformer Networks, 2015", "https://arxiv.org/abs/1506.02025"),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows.

    Attributes:
        parameters: The settings.
        picture: Tensor ``(C, H, W)``, the input.
        theta: Tensor ``(2, 3)`` float32.
        warp: Output ``(C, H', W')`` and grid ``(H', W', 2)``.
        sentence: What this theta does to the picture; empty when it is singular.
        problem: Why theta is singular and what to change; empty when it is not.
        lines: Tensor ``(n, m, 2)``: lattice lines of the output, where the *input* is read,
            in input pixels (x, y).
        output_lines: Tensor ``(n, m, 2)``: the same lines in output pixels (x, y).
        corners: Tensor ``(4, 2)``: input pixels (x, y) read by the output's corner pixels, in the
            order top left, top right, bottom right, bottom left.
        tiny: Tensor ``(h, w)``: the input in grey, reduced to about 256 pixels for the loupe; or a
            letter, where that leaves next to nothing to see.
        tiny_output: Tensor ``(h', w')``: the same warp of it, reduced as much.
        links: Which pixels of `tiny` make each pixel of `tiny_output`.
    """

    parameters: AffineGrid
    picture: Tensor
    theta: Tensor
    warp: Warp
    sentence: str
    problem: str
    lines: Tensor
    output_lines: Tensor
    corners: Tensor
    tiny: Tensor
    tiny_output: Tensor
    links: Linkage

    @property
    def tiny_name(self) -> str:
        """What `tiny` is."""
        return (
            "A small letter"
            if torch.equal(self.tiny, _letter(*self.tiny.shape))
            else "Input, reduced"
        )

    @property
    def shrinks(self) -> bool:
        """Whether the output shows the whole picture on less than half of its area."""
        return float(torch.linalg.det(self.theta[:, :2]).abs()) > 2


def explain(parameters: AffineGrid, *, image: Tensor | None = None, device: str = "cpu") -> View:
    """Compute what one setting shows.

    Args:
        parameters: The settings.
        image: A reader's own picture ``(C, H, W)`` in place of the project's; None for those.
        device: Where torch computes.

    Returns:
        The view, on the CPU.

    Raises:
        ValueError: `image` is not a finite floating ``(C, H, W)``; `device` is not there.
    """
    source = picture(parameters.picture) if image is None else image
    _, height, width = source.shape
    size = parameters.size(source)
    theta = parameters.theta(parameters.aspect(source))
    warped = warp(
        source,
        theta,
        size=size,
        mode=parameters.mode,
        padding_mode=parameters.padding_mode,
        align_corners=parameters.align_corners,
        device=device,
    )
    try:
        sentence = describe_in_frame(
            theta, (height, width), size, align_corners=parameters.align_corners
        )
        problem = ""
    except ValueError as error:
        sentence = ""
        problem = f"{error}. All is read from one line or point: point the first two columns apart."
    reads = in_pixels(warped.grid, (height, width), align_corners=parameters.align_corners)
    lines, output_lines = lattice_lines(reads)
    tiny, tiny_output, links = _small_copy(parameters, source, theta)
    return View(
        parameters=parameters,
        picture=source,
        theta=theta,
        warp=warped,
        sentence=sentence,
        problem=problem,
        lines=lines,
        output_lines=output_lines,
        corners=reads[[0, 0, -1, -1], [0, -1, -1, 0]],
        tiny=tiny,
        tiny_output=tiny_output,
        links=links,
    )


def _small_copy(
    parameters: AffineGrid, source: Tensor, theta: Tensor
) -> tuple[Tensor, Tensor, Linkage]:
    """Warp a grey copy of about 256 pixels, and link its pixels to those of the output."""
    _, height, width = source.shape
    smaller = math.sqrt(_TINY / (height * width))

    def side(pixels: int) -> int:
        return min(max(round(smaller * pixels), 2), MAX_SIDE)

    shape = side(height), side(width)
    grey = source.mean(dim=0).float()
    tiny = F.interpolate(grey[None, None], size=shape, mode="area")[0, 0]
    if tiny.std() < _FLAT * grey.std():
        tiny = _letter(*shape)
    out = [side(pixels) for pixels in parameters.size(source)]
    grid = F.affine_grid(theta[None], [1, 1, *out], align_corners=parameters.align_corners)

    def operation(image: Tensor) -> Tensor:
        return F.grid_sample(
            image[None, None],
            grid,
            mode=parameters.mode,
            padding_mode=parameters.padding_mode,
            align_corners=parameters.align_corners,
        )[0, 0]

    return tiny, operation(tiny), linkage(operation, shape)


def _letter(height: int, width: int) -> Tensor:
    letter = picture("tiny")[None]
    return F.interpolate(letter, size=(height, width), mode="nearest-exact")[0, 0]


def typed(parameters: AffineGrid, size: tuple[int, int]) -> AffineGrid:
    """Return settings that hold, as six typed numbers, the theta that the sliders make.

    Args:
        parameters: Settings of the sliders.
        size: Height and width of the picture.
    """
    sliders = dataclasses.replace(parameters, by_hand=False)
    theta = sliders.theta(sliders.aspect(torch.empty(1, *size))).flatten().tolist()
    numbers = {name: round(value, 3) for name, value in zip(THETA_FIELDS, theta, strict=True)}
    return dataclasses.replace(parameters, by_hand=True, **numbers)


def in_pixels(grid: Tensor, size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Return normalised positions (x, y) as pixels (x, y) of a picture of that height and width.

    Args:
        grid: Tensor ``(..., 2)``.
        size: Height and width.
        align_corners: What -1 and 1 stand for.

    Returns:
        Tensor ``(..., 2)``; whole numbers are pixel centres.
    """
    extent = torch.tensor([size[1], size[0]], dtype=grid.dtype)
    if align_corners:
        return (grid + 1) / 2 * (extent - 1)
    return ((grid + 1) * extent - 1) / 2


def lattice_lines(reads: Tensor, *, count: int = 9) -> tuple[Tensor, Tensor]:
    """Pick evenly spaced rows and columns of output pixels, and where each of them reads.

    Args:
        reads: Tensor ``(H', W', 2)``: input pixel (x, y) read by each output pixel.
        count: How many rows and how many columns.

    Returns:
        Two tensors ``(2 * count, 2, 2)``: each line by its two ends, in input pixels and in
        output pixels. An affine map keeps lines straight, so the ends are enough.
    """
    height, width, _ = reads.shape
    rows = torch.linspace(0, height - 1, count).round().long()
    columns = torch.linspace(0, width - 1, count).round().long()
    ends_y = torch.cat([rows[:, None].expand(-1, 2), torch.tensor([[0, height - 1]] * count)])
    ends_x = torch.cat([torch.tensor([[0, width - 1]] * count), columns[:, None].expand(-1, 2)])
    return reads[ends_y, ends_x], torch.stack([ends_x, ends_y], dim=-1).to(reads.dtype)
