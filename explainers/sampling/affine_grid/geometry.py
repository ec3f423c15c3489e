r"""Build, combine and read the matrix theta that `torch.nn.functional.affine_grid` takes.

Convention: normalised coordinates, x to the right and y *downward*, the picture's middle at
(0, 0), 1.0 half its width or height. theta maps *output* positions to *input* positions.
"""

import dataclasses
import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explainers.parameters import shown

MAX_SIDE = 2048
_UNSEEN = 5e-3
_UNSEEN_DEGREES = 0.05


def rotation(
    degrees: float,
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    shear: float = 0.0,
    translate: tuple[float, float] = (0.0, 0.0),
    aspect: float = 1.0,
) -> Tensor:
    r"""Return the theta that enlarges, shears, turns and then moves a picture, as seen on screen.

    The wanted motion of the picture is :math:`p' = R\,K\,S\,p + t` (scale first, then shear, then
    turn, then move); theta is its inverse, because `F.affine_grid` asks where each output pixel
    comes *from*.

    Args:
        degrees: Angle of the turn; positive is counter-clockwise as seen.
        scale: Enlargement along x and y; 2 is twice as large, a negative one mirrors.
        shear: Angle in degrees along x; positive leans the top edge to the right, as
            ``torchvision.transforms.v2.functional.affine(shear=[s, 0])`` does.
        translate: Move to the right and down; 1.0 is half the picture's width or height.
        aspect: Width over height of the picture. Anything but 1 needs it: normalised axes
            differ in length there, and a plain rotation matrix shears.

    Returns:
        Tensor of shape ``(2, 3)``, float32.

    Raises:
        ValueError: An argument is not finite, a scale is 0, ``shear`` is not between -90 and 90
            degrees, ``aspect`` is not positive, or theta leaves the range of float32.

    References:
        Jaderberg et al., "Spatial Transformer Networks", arXiv:1506.02025, eq. (1).
    """
    turn = math.radians(_finite("degrees", degrees))
    scale_x, scale_y = _pair("scale", scale)
    translate_x, translate_y = _pair("translate", translate)
    if scale_x == 0 or scale_y == 0:
        raise ValueError(f"scale must be two numbers other than 0, got {shown(scale)}")
    if not -90 < _finite("shear", shear) < 90:
        raise ValueError(f"shear must be between -90 and 90 degrees, got {shown(shear)}")
    if not _finite("aspect", aspect) > 0:
        raise ValueError(f"aspect must be positive, got {shown(aspect)}")

    # y points down, so the matrix that looks clockwise on paper is counter-clockwise on screen.
    rotate = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    lean = np.array([[1.0, -math.tan(math.radians(shear))], [0.0, 1.0]])
    # Angles mean something only where both axes have one unit: stretch x, turn, and shrink x back.
    square = np.diag([aspect, 1.0])
    with np.errstate(all="ignore"):
        # Inverted factor by factor: exact far from scale 1, where a general inverse gives up.
        linear = (
            np.diag([1 / scale_x, 1 / scale_y])
            @ np.linalg.inv(square)
            @ np.linalg.inv(lean)
            @ rotate.T
            @ square
        )
        offset = -linear @ np.array([translate_x, translate_y])
        theta = torch.from_numpy(np.column_stack([linear, offset])).to(torch.float32)
    if not theta.isfinite().all() or not theta[:, :2].any(dim=1).all():
        raise ValueError(
            "scale must be such that theta stays in the range of float32, "
            f"got scale={shown(scale)}, translate={shown(translate)}, aspect={shown(aspect)}"
        )
    return theta


def compose(first: Tensor, then: Tensor) -> Tensor:
    """Return the one theta that equals warping by `first`, and warping the result by `then`.

    Both map output to input, so the position read last is transformed first: the product is
    ``first @ then``, not ``then @ first``.

    Args:
        first: Tensor of shape ``(2, 3)``.
        then: Tensor of shape ``(2, 3)``.

    Returns:
        Tensor of shape ``(2, 3)``, in the wider dtype of the two.

    Raises:
        ValueError: An argument is not a finite ``(2, 3)`` matrix, or the product overflows.
    """
    dtype = torch.promote_types(checked("first", first).dtype, checked("then", then).dtype)
    product = (_homogeneous(first) @ _homogeneous(then))[:2].to(dtype)
    if not product.isfinite().all():
        raise ValueError(f"first must be small enough that first @ then is finite, got {product}")
    return product


def invert(theta: Tensor) -> Tensor:
    """Return the theta that undoes `theta`: the map from input positions to output positions.

    Args:
        theta: Tensor of shape ``(2, 3)``.

    Returns:
        Tensor of shape ``(2, 3)``, dtype of `theta`.

    Raises:
        ValueError: `theta` is not a finite ``(2, 3)`` matrix, or it is singular to the precision
            of its dtype: it squeezes the plane onto a line or a point.
    """
    inverse: Tensor = torch.from_numpy(_way_back(theta)).to(theta.dtype)
    return inverse


def pixel_matrix(
    theta: Tensor,
    in_size: tuple[int, int],
    out_size: tuple[int, int],
    *,
    align_corners: bool,
) -> NDArray[np.float64]:
    """Return theta in pixels: the matrix from output pixel (x, y) to input pixel (x, y).

    Pixel centres lie at whole numbers, (0, 0) is the centre of the top left pixel. With
    ``align_corners=False`` -1 and 1 are the outer edges of the corner pixels; with ``True`` they
    are the centres. Made for ``cv2.warpAffine(..., flags=... | cv2.WARP_INVERSE_MAP)``.

    Args:
        theta: Tensor of shape ``(2, 3)``.
        in_size: Height and width of the input picture.
        out_size: Height and width of the output picture.
        align_corners: As given to both `F.affine_grid` and `F.grid_sample`.

    Returns:
        Array of shape ``(2, 3)``, float64.

    Raises:
        ValueError: `theta` is not a finite ``(2, 3)`` matrix, or a size is out of bounds.
    """
    matrix = _homogeneous(checked("theta", theta)).numpy()
    in_height, in_width = checked_size("in_size", in_size)
    out_height, out_width = checked_size("out_size", out_size)
    to_normalised = np.eye(3)
    to_pixels = np.eye(3)
    for axis, (ins, outs) in enumerate(((in_width, out_width), (in_height, out_height))):
        if align_corners:
            # A side of one pixel has no two corners; torch puts its only sample in the middle.
            slope, start = (2 / (outs - 1), -1.0) if outs > 1 else (0.0, 0.0)
            half = (ins - 1) / 2
        else:
            slope, start = 2 / outs, 1 / outs - 1
            half = ins / 2
        to_normalised[axis, axis], to_normalised[axis, 2] = slope, start
        to_pixels[axis, axis], to_pixels[axis, 2] = half, (ins - 1) / 2
    return np.asarray((to_pixels @ matrix @ to_normalised)[:2], dtype=np.float64)


@dataclasses.dataclass(frozen=True, slots=True)
class Motion:
    """Say what a theta does to a picture on screen, in the arguments of `rotation`.

    Attributes:
        degrees: Turn, counter-clockwise, in (-180, 180]; of a mirrored picture the smaller of the
            two that do it.
        scale: Enlargement along x and y; a negative x mirrors left to right, a negative y top to
            bottom, and never both.
        shear: Degrees along x, positive leans the top edge right.
        translate: Move to the right and down, 1.0 is half the picture.
    """

    degrees: float
    scale: tuple[float, float]
    shear: float
    translate: tuple[float, float]


def decompose(theta: Tensor, *, aspect: float = 1.0) -> Motion:
    """Return the motion that `rotation` would turn into this theta; every invertible one has one.

    Args:
        theta: Tensor of shape ``(2, 3)``.
        aspect: Width over height of the picture.

    Returns:
        The motion; ``rotation(**motion, aspect=aspect)`` is `theta` again.

    Raises:
        ValueError: `theta` is not a finite ``(2, 3)`` matrix or singular; `aspect` not positive.
    """
    if not _finite("aspect", aspect) > 0:
        raise ValueError(f"aspect must be positive, got {shown(aspect)}")
    forward = _way_back(theta)
    return _motion(
        np.diag([aspect, 1.0]) @ forward[:, :2] @ np.diag([1 / aspect, 1.0]),
        (float(forward[0, 2]), float(forward[1, 2])),
    )


def describe(theta: Tensor, *, aspect: float = 1.0) -> str:
    """Return one sentence on what this theta does to a picture, in a frame of the same shape.

    Raises:
        ValueError: As `decompose`.
    """
    return _sentence(decompose(theta, aspect=aspect), of="") or _UNCHANGED


def motion_in_frame(
    theta: Tensor, in_size: tuple[int, int], out_size: tuple[int, int], *, align_corners: bool
) -> Motion | None:
    """Return the motion of the picture's pixels to those of the output.

    Args:
        theta: Tensor of shape ``(2, 3)``.
        in_size: Height and width of the picture, in pixels.
        out_size: Height and width of the output, the frame, in pixels.
        align_corners: As given to both `F.affine_grid` and `F.grid_sample`.

    Returns:
        The motion; turn, lean and scale are those of pixels, and ``translate`` is how far the
        picture's middle stands from the frame's, in halves of the frame. None where a side of one
        pixel has no length: with ``align_corners=True``.

    Raises:
        ValueError: As `pixel_matrix`, or `theta` is singular to the precision of its dtype.
    """
    ins, outs = (
        [side - align_corners for side in checked_size(name, size)]
        for name, size in (("in_size", in_size), ("out_size", out_size))
    )
    forward = _way_back(theta)
    if 0 in ins or 0 in outs:
        return None
    (in_height, in_width), (out_height, out_width) = ins, outs
    to_pixels = np.diag([float(out_width), float(out_height)])
    return _motion(
        to_pixels @ forward[:, :2] @ np.diag([1 / in_width, 1 / in_height]),
        (
            float(forward[0, 2]) * out_width / out_size[1],
            float(forward[1, 2]) * out_height / out_size[0],
        ),
    )


def describe_in_frame(
    theta: Tensor, in_size: tuple[int, int], out_size: tuple[int, int], *, align_corners: bool
) -> str:
    """Return in a sentence or two what this theta does to a picture's pixels.

    Args:
        theta: Tensor of shape ``(2, 3)``.
        in_size: Height and width of the picture, in pixels.
        out_size: Height and width of the output, the frame, in pixels.
        align_corners: As given to both `F.affine_grid` and `F.grid_sample`.

    Raises:
        ValueError: As `motion_in_frame`.
    """
    motion = motion_in_frame(theta, in_size, out_size, align_corners=align_corners)
    if motion is None:
        return "A side of one pixel has no length with align_corners=True: there is no motion."
    alike = tuple(in_size) == tuple(out_size)
    frame = "" if alike else f" The frame is {out_size[1]} by {out_size[0]} pixels."
    words = _sentence(motion, of="" if alike else "frame's ")
    if words:
        return words + frame
    matrix = pixel_matrix(theta, in_size, out_size, align_corners=align_corners)
    ends = np.array([[x, y] for x in (0, out_size[1] - 1) for y in (0, out_size[0] - 1)])
    # Where the frame's corners would read if only the frame were of another size.
    expected = ends + (np.array(in_size[::-1]) - np.array(out_size[::-1])) / 2
    off = float(np.abs(ends @ matrix[:, :2].T + matrix[:, 2] - expected).max())
    if off < _UNSEEN:
        return _UNCHANGED + frame
    return f"Moves no pixel of the picture by more than {off:.2g} pixels.{frame}"


_UNCHANGED = "Leaves the picture as it is."


def _motion(linear: NDArray[np.float64], translate: tuple[float, float]) -> Motion:
    """Read turn, lean and scale off a 2x2 matrix from picture to screen, both axes in one unit."""
    # A = R K S is a QR factorisation: the first column gives the turn and the scale along x.
    scale_x = math.hypot(linear[0, 0], linear[1, 0])
    cos, sin = linear[0, 0] / scale_x, -linear[1, 0] / scale_x
    scale_y = sin * linear[0, 1] + cos * linear[1, 1]
    lean = cos * linear[0, 1] - sin * linear[1, 1]
    shear = math.degrees(math.atan2(-lean * scale_y, scale_y**2))
    if scale_y < 0 and cos < 0:
        # Top to bottom and then more than a quarter turn is left to right and a smaller turn.
        cos, sin, scale_x, scale_y = -cos, -sin, -scale_x, -scale_y
    return Motion(
        # Half a turn is 180, never -180: a negative nought is none.
        degrees=math.degrees(math.atan2(sin + 0.0, cos)),
        scale=(float(scale_x), float(scale_y)),
        shear=shear,
        translate=translate,
    )


def _sentence(motion: Motion, *, of: str) -> str:
    """Return the motion as a sentence, or "" where there is none to see.

    Args:
        motion: What the picture does.
        of: Whose width and height a move is measured by, such as ``"frame's "``; "" for its own.
    """
    scale_x, scale_y = map(abs, motion.scale)
    parts = []
    if motion.scale[0] < 0:
        parts.append("mirrors {it} left to right")
    if motion.scale[1] < 0:
        parts.append("mirrors {it} top to bottom")
    if abs(scale_x - scale_y) < _UNSEEN * scale_x:
        if abs(scale_x - 1) > _UNSEEN:
            word = "enlarges" if scale_x > 1 else "shrinks"
            parts.append(f"{word} {{it}} to {scale_x:.3g} times its size")
    else:
        parts.append(f"scales {{its}} width by {scale_x:.3g} and height by {scale_y:.3g}")
    if abs(motion.shear) > _UNSEEN_DEGREES:
        side = "right" if motion.shear > 0 else "left"
        parts.append(f"leans {{its}} top edge {_degrees(motion.shear)} to the {side}")
    if abs(motion.degrees) > _UNSEEN_DEGREES:
        way = "counter-clockwise" if motion.degrees > 0 else "clockwise"
        parts.append(f"turns {{it}} {_degrees(motion.degrees)} {way}")
    right, down = motion.translate
    moves = []
    for move, (ahead, behind), side in (
        (right, ("right", "left"), "width"),
        (down, ("down", "up"), "height"),
    ):
        if abs(move) > _UNSEEN:
            way = ahead if move > 0 else behind
            moves.append(f"{way} by {50 * abs(move):.3g}% of the {of}{side}")
    if moves:
        parts.append("moves {it} " + " and ".join(moves))
    if not parts:
        return ""
    first = parts[0].format(it="the picture", its="the picture's")
    rest = [part.format(it="it", its="its") for part in parts[1:]]
    return ", then ".join([first[0].upper() + first[1:], *rest]) + "."


def checked(name: str, theta: Tensor) -> Tensor:
    """Return `theta` when it is a finite floating ``(2, 3)`` matrix.

    Raises:
        ValueError: It is not; the message calls it `name`.
    """
    if not isinstance(theta, Tensor):
        raise ValueError(f"{name} must be a Tensor of shape (2, 3), got {type(theta).__name__}")
    if theta.shape != (2, 3):
        raise ValueError(f"{name} must have shape (2, 3), got {tuple(theta.shape)}")
    if not theta.is_floating_point():
        raise ValueError(f"{name} must be floating point, got {theta.dtype}")
    if not theta.isfinite().all():
        raise ValueError(f"{name} must be finite, got {theta.tolist()}")
    return theta


def checked_size(name: str, size: Sequence[int]) -> tuple[int, int]:
    """Return `size` as (height, width) when both are whole and within bounds.

    Raises:
        ValueError: They are not; the message calls them `name`.
    """
    if (
        not isinstance(size, tuple | list)
        or len(size) != 2
        or not all(isinstance(n, int) and not isinstance(n, bool) for n in size)
        or not all(1 <= n <= MAX_SIDE for n in size)
    ):
        raise ValueError(
            f"{name} must be a height and a width from 1 to {MAX_SIDE}, got {shown(size)}"
        )
    return size[0], size[1]


def _way_back(theta: Tensor) -> NDArray[np.float64]:
    """Return the inverse of `theta`, ``(2, 3)``, in float64.

    Raises:
        ValueError: `theta` is not a finite ``(2, 3)`` matrix, or singular to the precision of its
            own dtype: numbers that float32 has rounded say no more in float64.
    """
    (a, b), (c, d) = checked("theta", theta)[:, :2].to(torch.float64).tolist()
    determinant = a * d - b * c
    rounding = 4 * torch.finfo(theta.dtype).eps * (abs(a * d) + abs(b * c))
    if abs(determinant) > rounding:
        inverse: Tensor = torch.linalg.inv(_homogeneous(theta))[:2]
        if inverse.to(theta.dtype).isfinite().all():
            return inverse.numpy()
    raise ValueError(f"theta must be invertible, got a matrix with determinant {determinant:.3g}")


def _homogeneous(theta: Tensor) -> Tensor:
    last = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    return torch.cat([theta.detach().cpu().to(torch.float64), last])


def _degrees(angle: float) -> str:
    return f"{abs(angle):.1f}".removesuffix(".0") + "°"


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _finite(name: str, value: float) -> float:
    if not _is_finite(value):
        raise ValueError(f"{name} must be a finite number, got {shown(value)}")
    return float(value)


def _pair(name: str, values: tuple[float, float]) -> tuple[float, float]:
    if (
        not isinstance(values, tuple | list)
        or len(values) != 2
        or not all(_is_finite(value) for value in values)
    ):
        raise ValueError(f"{name} must be two finite numbers, x and y, got {shown(values)}")
    return float(values[0]), float(values[1])
