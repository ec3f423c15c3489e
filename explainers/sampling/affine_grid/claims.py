"""Run what the notes say of `F.affine_grid` and `F.grid_sample`, and judge it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import Claim, Verdict, largest_difference, recorded_warnings
from explainers.pictures import picture
from explainers.sampling.affine_grid.descent import Descent, descend
from explainers.sampling.affine_grid.geometry import rotation
from explainers.sampling.affine_grid.mistakes import bar_angle
from explainers.sampling.affine_grid.sampling import warp

_AFFINE = "F.affine_grid and F.grid_sample"
_SAMPLE = "grid_sample"
_STN = "STN"


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge each statement of the notes by what torch gives now.

    Args:
        device: Where torch computes.
    """
    return (
        _first_example(),
        _clockwise(device),
        _backward_sampling(device),
        _offsets(device),
        _range_and_corners(device),
        _meaning_of_align_corners(device),
        _flags_must_agree(device),
        _grid_shape(device),
        _defaults(device),
        _scale_layout(device),
        _learns(device),
    )


def _first_example() -> Claim:
    try:
        torch.tensor([[1.0, -0.2], [0, 1, -0.4]], dtype=torch.float)
        measured, verdict = "torch built the matrix", Verdict.HOLDS
    except ValueError as error:
        measured, verdict = f"ValueError: {error}", Verdict.WRONG
    return Claim(
        "The first example's theta has the rows [1.0, -0.2] and [0, 1, -0.4].",
        _AFFINE,
        verdict,
        measured,
        "A number is missing: [[1, 0, -0.2], [0, 1, -0.4]] moves right by 0.2 and down by "
        "0.4 of half the sides.",
    )


def _clockwise(device: str) -> Claim:
    theta = torch.tensor([[0.707, 0.707, 0.0], [-0.707, 0.707, 0.0]])
    square = _turn_of_a_bar(theta, 101, 101, device)
    wide = _turn_of_a_bar(theta, 50, 200, device)
    return Claim(
        "theta = [[0.707, 0.707, 0], [-0.707, 0.707, 0]] turns the picture 45° clockwise.",
        f"{_AFFINE}, second example",
        _verdict(abs(square + 45) < 1, abs(wide + 45) < 1),
        f"A bar turns {-square:.1f}° clockwise on 101x101, {-wide:.1f}° on 50x200.",
        "On squares. Else theta[0, 1] times H / W, theta[1, 0] times W / H.",
    )


def _backward_sampling(device: str) -> Claim:
    dot = torch.zeros(1, 9, 9)
    dot[0, 4, 4] = 1
    # theta adds +2 pixels to the position read: the dot must appear 2 pixels to the left.
    moved = warp(dot, torch.tensor([[1.0, 0.0, 4 / 9], [0.0, 1.0, 0.0]]), device=device).output
    column = int(moved[0].sum(dim=0).argmax()) - 4
    return Claim(
        "grid_sample samples backward: theta gives each output pixel its place in the input.",
        _AFFINE,
        Verdict.HOLDS if column == -2 else Verdict.WRONG,
        f"Reading 2 pixels further right moves a dot {abs(column)} pixels "
        f"{'left' if column < 0 else 'right'}.",
        "The picture moves the other way.",
    )


def _offsets(device: str) -> Claim:
    moves = []
    for theta in ([[1.0, 0.0, -0.5], [0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 1.0, -0.5]]):
        dot = torch.zeros(1, 40, 80)
        dot[0, 20, 40] = 1
        moved = warp(dot, torch.tensor(theta), device=device).output[0]
        moves.append(int(moved.argmax()) - 20 * 80 - 40)
    right, down = moves[0], moves[1] // 80
    of_width = right == 40
    of_half = right == 20 and down == 10
    return Claim(
        "The offsets in theta are relative to the picture's width, not in pixels.",
        _AFFINE,
        Verdict.HOLDS if of_width else Verdict.CONDITION if of_half else Verdict.WRONG,
        f"On 40x80, -0.5 moves {right} pixels right along x, {down} down along y.",
        "They count half widths and half heights, backward.",
    )


def _range_and_corners(device: str) -> Claim:
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    outer = [_read(image, -1, -1, flag, device) for flag in (False, True)]
    return Claim(
        "In the grid, x = -1, y = -1 is the top left corner and x = 1, y = 1 the bottom right.",
        _SAMPLE,
        _verdict(outer[1] == 1, outer[0] == 1),
        f"The top left pixel is 1; at (-1, -1) torch reads {outer[1]:.3g} with "
        f"align_corners=True, {outer[0]:.3g} with False.",
        "True: the corner pixels' centres; False: their outer corners, three quarters padding.",
    )


def _meaning_of_align_corners(device: str) -> Claim:
    image = torch.arange(1.0, 9.0)[None].expand(8, 8)
    middle = [_read(image, 0.2, 0.2, flag, device) for flag in (False, True)]
    only_corners = abs(middle[0] - middle[1]) < 1e-6
    return Claim(
        "align_corners chooses how to interpolate at the corners of the picture.",
        _SAMPLE,
        Verdict.HOLDS if only_corners else Verdict.WRONG,
        f"At (0.2, 0.2) in 8x8: {middle[1]:.2f} with True, {middle[0]:.2f} with False.",
        "It says what -1 and 1 mean: every position moves.",
    )


def _flags_must_agree(device: str) -> Claim:
    where = devices.device(device)
    noise = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)).to(where)
    identity = torch.eye(2, 3, device=where)[None]
    errors = {
        (a, b): largest_difference(
            F.grid_sample(
                noise, F.affine_grid(identity, [1, 1, 8, 8], align_corners=a), align_corners=b
            ),
            noise,
        )
        for a in (False, True)
        for b in (False, True)
    }
    same = max(errors[False, False], errors[True, True])
    mixed = min(errors[False, True], errors[True, False])
    doubled = [
        largest_difference(
            F.grid_sample(
                noise,
                F.affine_grid(identity, [1, 1, 16, 16], align_corners=flag),
                padding_mode="border",
                align_corners=flag,
            ),
            F.interpolate(noise, size=(16, 16), mode="bilinear", align_corners=flag),
        )
        for flag in (False, True)
    ]
    agree = same < 1e-5 and max(doubled) < 1e-5 and mixed > 0.01
    return Claim(
        "align_corners must be the same in grid_sample, affine_grid and interpolate.",
        _SAMPLE,
        Verdict.HOLDS if agree else Verdict.WRONG,
        f"Identity on 8x8: error {_error(same)} if equal, at least {mixed:.2f} mixed; doubling "
        f"equals interpolate {_exactness(max(doubled))}.",
        "Mixed, even the identity zooms and blurs.",
    )


def _grid_shape(device: str) -> Claim:
    where = devices.device(device)
    grid = F.affine_grid(torch.eye(2, 3, device=where)[None], [1, 3, 4, 6], align_corners=False)
    return Claim(
        "affine_grid takes theta [N, 2, 3] and size (N, C, H, W), and gives [N, H, W, 2].",
        _AFFINE,
        Verdict.HOLDS if grid.shape == (1, 4, 6, 2) else Verdict.WRONG,
        f"size (1, 3, 4, 6) gives {list(grid.shape)}.",
        "The last axis is (x, y): column, row.",
    )


def _defaults(device: str) -> Claim:
    where = devices.device(device)
    image = picture("tiny")[None].to(where)
    with recorded_warnings() as caught:
        grid = F.affine_grid(rotation(30.0).to(where)[None], list(image.shape))
        plain = F.grid_sample(image, grid)
    spelled = F.grid_sample(
        image,
        F.affine_grid(rotation(30.0).to(where)[None], list(image.shape), align_corners=False),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    same = largest_difference(plain, spelled) == 0
    return Claim(
        "Both functions are called without align_corners; the sampling is bilinear by default.",
        _AFFINE,
        Verdict.WRONG if not same else Verdict.OBSOLETE if caught else Verdict.HOLDS,
        f"Equal to bilinear, zeros, align_corners=False: {'yes' if same else 'no'}. "
        f"Warnings: {len(caught)}"
        + (f", “{str(caught[0].message).split('. ')[0]}”." if caught else "."),
        "False since 1.3; torch warns until it is given.",
    )


def _scale_layout(device: str) -> Claim:
    square = torch.zeros(1, 64, 64)
    square[:, 24:40, 24:40] = 1
    areas = {}
    for scale in (0.5, 2.0):
        theta = torch.tensor([[scale, 0.0, 0.0], [0.0, scale, 0.0]])
        areas[scale] = float(warp(square, theta, device=device).output.sum() / square.sum())
    enlarges = abs(areas[2.0] - 4) < 0.1
    shrinks = abs(areas[2.0] - 0.25) < 0.1
    return Claim(
        "theta is [[scale_x, 0, trans_x], [0, scale_y, trans_y]].",
        _STN,
        Verdict.HOLDS if enlarges else Verdict.CONDITION if shrinks else Verdict.WRONG,
        f"A square's area: times {areas[2.0]:.3g} at scale 2, {areas[0.5]:.3g} at 0.5.",
        "They scale what is read: scale 2 halves the picture.",
    )


def _learns(device: str) -> Claim:
    # As the page offers it, with its other settings as they come.
    found = {
        blur: {
            degrees: descend(Descent(degrees=float(degrees), blur=blur), device=device).there
            for degrees in _TURNS
        }
        for blur in ("none", "coarse to fine")
    }
    plain, blurred = found.values()
    return Claim(
        "A spatial transformer lets the network learn the parameters of the transformation.",
        _STN,
        _verdict(any(blurred.values()), all(blurred.values())),
        f"{Descent().steps} steps of Adam on theta, turns of {_listed(_TURNS)}: without blur "
        f"{_found(plain)}, blurred coarse to fine {_found(blurred)}.",
        "Gradients come from nearby pixels: "
        + (
            "blur lets them see further, "
            if sum(blurred.values()) > sum(plain.values())
            else "blur does not let them see further, "
        )
        + ("as far as every turn." if all(blurred.values()) else "not as far as every turn."),
    )


_TURNS = (10, 20, 30, 45, 60, 90)


def _found(turns: dict[int, bool]) -> str:
    names = [degrees for degrees, found in turns.items() if found]
    return f"it finds {_listed(names)}" if names else "it finds none"


def _listed(degrees: Sequence[int]) -> str:
    *rest, last = (f"{turn}°" for turn in degrees)
    return f"{', '.join(rest)} and {last}" if rest else last


def _verdict(holds: bool, always: bool) -> Verdict:
    if not holds:
        return Verdict.WRONG
    return Verdict.HOLDS if always else Verdict.CONDITION


def _error(value: float) -> str:
    return f"{value:.0e}" if value else "0"


def _exactness(value: float) -> str:
    return f"to {value:.0e}" if value else "exactly"


def _read(image: Tensor, x: float, y: float, align_corners: bool, device: str) -> float:
    where = devices.device(device)
    grid = torch.tensor([[[[float(x), float(y)]]]], device=where)
    return float(F.grid_sample(image[None, None].to(where), grid, align_corners=align_corners))


def _turn_of_a_bar(theta: Tensor, height: int, width: int, device: str) -> float:
    bar = torch.zeros(1, height, width)
    middle = height // 2
    bar[:, middle - 1 : middle + 1, int(width * 0.35) : int(width * 0.65)] = 1
    return bar_angle(warp(bar, theta, device=device).output[0])
