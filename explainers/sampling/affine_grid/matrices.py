r"""Say one affine map in the words of each library, and warp a picture by each to prove it.

The libraries differ in direction (does the matrix lead from output to input, or back?), in unit
(pixels, or -1 to 1), in where zero is (the first pixel's centre, its corner, or the middle), and
in whether -1 and 1 are the corner pixels' edges or centres. All are led through one form: the
matrix from output pixel (x, y) to input pixel (x, y), whole numbers at the pixels' centres.
"""

import dataclasses
import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms import _functional_tensor as tv

from explainers import pasted
from explainers.evidence import Check, Kind
from explainers.parameters import Parameters, choice, number, shown, text
from explainers.pictures import picture
from explainers.sampling.affine_grid.view import AffineGrid

Array = NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]
Size = tuple[int, int]

THETA, CORNERS, OPENCV, INVERSE = "theta", "theta_corners", "opencv", "opencv_inverse"
PIL, TORCHVISION, BOX = "pil", "torchvision", "box"
KINDS = (THETA, CORNERS, OPENCV, INVERSE, PIL, TORCHVISION, BOX)
NAMES = {
    THETA: "theta, align_corners=False",
    CORNERS: "theta, align_corners=True",
    OPENCV: "OpenCV",
    INVERSE: "OpenCV, inverse",
    PIL: "PIL",
    TORCHVISION: "torchvision",
    BOX: "crop box",
}
MEANINGS = {
    THETA: "Output to input; -1 and 1 are the pictures' edges.",
    CORNERS: "Output to input; -1 and 1 are the corner pixels' centres.",
    OPENCV: "Input to output, in pixels; (0, 0) is the first pixel's centre.",
    INVERSE: "Output to input, in pixels, by WARP_INVERSE_MAP; (0, 0) is the first pixel's centre.",
    PIL: "Output to input, in pixels; (0, 0) is the first pixel's corner.",
    TORCHVISION: "Output to input, in pixels; (0, 0) is each picture's middle: "
    "_get_inverse_affine_matrix with center [0, 0], as for tensors.",
    BOX: "The input's part that fills the output: edges x0, y0, x1, y1 in pixels.",
}

_LARGEST_SIDE = 16384
_LARGEST_ENTRY = 1e6
_LARGEST_PROOF = 2**20  # pixels of a picture that is warped
_DIGITS = 12
# A determinant below this share of its terms is what cancelling left of them.
_SINGULAR = 1e-9
_FLOAT32 = 2.0**-23
# A tolerance above this could hide a shift by a tenth of a pixel.
_BLURRED = 0.02


def _canonical(pasted_text: str) -> str:
    rows = pasted.rows(pasted_text, lines=True)
    return "; ".join(", ".join(pasted.shortest(value) for value in row) for row in rows)


def _side(label: str) -> int:
    value: int = number(128, label=label, help="Pixels.", minimum=1, maximum=_LARGEST_SIDE, step=1)
    return value


@dataclasses.dataclass(frozen=True)
class Asked(Parameters):
    """Hold a matrix, what it is said to be, and the sizes of the pictures it is for."""

    kind: str = choice(
        THETA,
        KINDS,
        label="It is",
        help="Which library's convention the numbers follow.",
        words=tuple(NAMES.values()),
    )
    matrix: str = text(
        "0.866, 0.5, 0.1; -0.5, 0.866, 0.2",
        label="Matrix",
        help="2x3, 3x3, or six numbers; four for a crop box. tensor(...) and array(...) are read.",
        rule="numbers in rows, as code or a console shows them",
        read=_canonical,
        longest=2000,
    )
    in_height: int = _side("input height")
    in_width: int = _side("input width")
    out_height: int = _side("output height")
    out_width: int = _side("output width")

    @property
    def in_size(self) -> Size:
        """Height and width of the input."""
        return self.in_height, self.in_width

    @property
    def out_size(self) -> Size:
        """Height and width of the output."""
        return self.out_height, self.out_width


@dataclasses.dataclass(frozen=True, slots=True)
class Spelling:
    """Hold the map as one library writes it.

    Attributes:
        kind: One of `KINDS`.
        numbers: Two rows of three; one row of six for PIL and torchvision, of four for a box.
            Empty where this library cannot say it.
        code: Runnable Python that makes ``output``; empty with `numbers`.
        why_not: Why the library cannot say it, in a sentence; empty where it can.
    """

    kind: str
    numbers: Rows
    code: str
    why_not: str

    @property
    def name(self) -> str:
        """The convention's name."""
        return NAMES[self.kind]

    @property
    def meaning(self) -> str:
        """What the numbers map to what, in a sentence."""
        return MEANINGS[self.kind]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Matrices:
    """Hold one map in every convention.

    Attributes:
        kind: The convention it was given in.
        in_size: Height and width of the input.
        out_size: Height and width of the output.
        pixels: Array ``(2, 3)``: output pixel to input pixel, whole numbers at centres.
        spellings: In the order of `KINDS`.
    """

    kind: str
    in_size: Size
    out_size: Size
    pixels: Array
    spellings: tuple[Spelling, ...]

    def spelling(self, kind: str) -> Spelling:
        """Return the map in one convention."""
        return self.spellings[KINDS.index(kind)]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Hold one picture warped by every library, each by its own numbers.

    Attributes:
        source: Tensor ``(H, W)``, the input.
        outputs: By kind, Tensor ``(H', W')``.
        checks: By kind, each library against a formula; none where there is nothing to compare.
        sentence: How much was compared, or why nothing was.
    """

    source: Tensor
    outputs: dict[str, Tensor]
    checks: dict[str, Check]
    sentence: str


def of_view(parameters: AffineGrid, size: Size) -> Asked:
    """Return the theta of the page's view as the matrix to convert.

    Args:
        parameters: The settings of the view.
        size: Height and width of its picture.
    """
    like = torch.empty(1, *size)
    out_size = parameters.size(like)
    theta = parameters.theta(parameters.aspect(like))
    # A cosine of 90° is no 0 in floats, and nothing beside a 1.
    theta = torch.where(theta.abs() > 1e-9, theta, 0.0)
    return Asked(
        kind=CORNERS if parameters.align_corners else THETA,
        matrix="; ".join(
            ", ".join(f"{value + 0.0:.7g}" for value in row) for row in theta.tolist()
        ),
        in_height=size[0],
        in_width=size[1],
        out_height=out_size[0],
        out_width=out_size[1],
    )


def convert(asked: Asked) -> Matrices:
    """Return the matrix in every convention.

    Raises:
        ValueError: The numbers are not what `asked.kind` says: another count, a last row other
            than 0, 0, 1, an entry that is not finite or beyond a million, a box without area, a
            forward matrix that cannot be inverted, or sizes for which the convention has no
            meaning.
    """
    given = read(asked.kind, pasted.rows(asked.matrix))
    in_size, out_size = asked.in_size, asked.out_size
    if why_not := _no_meaning(asked.kind, in_size, out_size):
        raise ValueError(why_not)
    pixels = to_pixels(asked.kind, given, in_size, out_size)
    spellings = []
    for kind in KINDS:
        try:
            if kind == asked.kind:
                numbers = given
            elif why_not := _no_meaning(kind, in_size, out_size):
                raise ValueError(why_not)
            else:
                numbers = from_pixels(kind, pixels, in_size, out_size)
        except ValueError as error:
            spellings.append(Spelling(kind, (), "", f"{str(error)[:1].upper()}{str(error)[1:]}."))
        else:
            code = _code(kind, numbers, in_size, out_size)
            spellings.append(Spelling(kind, numbers, code, ""))
    return Matrices(asked.kind, in_size, out_size, pixels, tuple(spellings))


def read(kind: str, rows: Rows) -> Rows:
    """Return the numbers of a convention in its own shape, from rows as they were pasted.

    Args:
        kind: One of `KINDS`.
        rows: Six numbers, two rows of three, nine, or three rows of three; four for a box.

    Raises:
        ValueError: They are of another shape, not finite or too large, or the last row of three
            is not 0, 0, 1; or a box has no area.
    """
    flat = tuple(value for row in rows for value in row)
    if bad := [value for value in flat if not abs(value) <= _LARGEST_ENTRY]:
        raise ValueError(f"matrix must hold numbers from -1e+06 to 1e+06, got {bad[0]:g}")
    shape = " by ".join(str(n) for n in (len(rows), max(map(len, rows), default=0)))
    got = f"{len(flat)} numbers" if len(rows) == 1 else f"{shape} numbers"
    if len({len(row) for row in rows}) > 1:
        got = "rows of unequal length"
    if kind == BOX:
        if len(flat) != 4 or len({len(row) for row in rows}) > 1:
            raise ValueError(f"matrix must be four numbers x0, y0, x1, y1 for a box, got {got}")
        x0, y0, x1, y1 = flat
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"matrix must be a box with x0 < x1 and y0 < y1, got {shown(flat)}")
        return (flat,)
    shapes = {1: (6, 9), 2: (3,), 3: (3,)}
    if len({len(row) for row in rows}) > 1 or len(rows[0]) not in shapes.get(len(rows), ()):
        raise ValueError(f"matrix must be 2 by 3, 3 by 3, or six numbers, got {got}")
    if len(flat) == 9 and flat[6:] != (0.0, 0.0, 1.0):
        raise ValueError(f"matrix must have 0, 0, 1 as its last row, got {shown(flat[6:])}")
    return (flat[:6],) if kind in (PIL, TORCHVISION) else (flat[:3], flat[3:6])


def to_pixels(kind: str, numbers: Rows, in_size: Size, out_size: Size) -> Array:
    """Return a convention's numbers as the matrix from output pixel to input pixel, ``(2, 3)``.

    Raises:
        ValueError: `kind` is OpenCV's forward matrix, and it is singular.
    """
    if kind == BOX:
        ((x0, y0, x1, y1),) = numbers
        step_x, step_y = (x1 - x0) / out_size[1], (y1 - y0) / out_size[0]
        return np.array(
            [[step_x, 0.0, x0 + (step_x - 1) / 2], [0.0, step_y, y0 + (step_y - 1) / 2]]
        )
    matrix = _square(np.array(numbers).reshape(2, 3))
    if kind == OPENCV:
        return _inverse(matrix, "matrix")[:2]
    out_of, into = _frames(kind, in_size, out_size)
    return np.asarray((into @ matrix @ np.linalg.inv(out_of))[:2])


def from_pixels(kind: str, pixels: Array, in_size: Size, out_size: Size) -> Rows:
    """Return the matrix from output pixel to input pixel as a convention's own numbers.

    Raises:
        ValueError: The convention cannot say it; the message is a sentence without a full stop.
    """
    if kind == BOX:
        (a, b, c), (d, e, f) = pixels
        if max(abs(b) * out_size[0], abs(d) * out_size[1]) > 1e-6 or a < 0 or e < 0:
            raise ValueError("it turns, leans or mirrors the picture, which no crop does")
        if a == 0 or e == 0:
            raise ValueError("it reads from a single line or point, which is no box")
        x0, y0 = c - (a - 1) / 2, f - (e - 1) / 2
        return (_tidy([x0, y0, x0 + a * out_size[1], y0 + e * out_size[0]]),)
    if kind == OPENCV:
        matrix = _inverse(_square(pixels), "the matrix from output to input")
    else:
        out_of, into = _frames(kind, in_size, out_size)
        matrix = np.linalg.inv(into) @ _square(pixels) @ out_of
    if kind in (PIL, TORCHVISION):
        return (_tidy(matrix[:2].ravel()),)
    return _tidy(matrix[0]), _tidy(matrix[1])


def _frames(kind: str, in_size: Size, out_size: Size) -> tuple[Array, Array]:
    """Return, for the output and for the input, the map from a convention's positions to pixels."""

    def frame(size: Size) -> Array:
        scale, shift = [], []
        for side in (size[1], size[0]):
            middle = (side - 1) / 2
            scale.append({THETA: side / 2, CORNERS: middle}.get(kind, 1.0))
            shift.append({PIL: -0.5, INVERSE: 0.0}.get(kind, middle))
        return np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]], [0.0, 0.0, 1.0]])

    return frame(out_size), frame(in_size)


def _no_meaning(kind: str, in_size: Size, out_size: Size) -> str:
    """Return why a convention says nothing of pictures of these sizes; empty where it does."""
    if kind == CORNERS and min(*in_size, *out_size) < 2:
        return (
            "sides must be 2 pixels or more for align_corners=True, which puts -1 and 1 on two "
            f"pixels, got {min(*in_size, *out_size)}"
        )
    if kind == TORCHVISION and in_size != out_size:
        return (
            "output size must equal input size for torchvision's affine, which keeps it, "
            f"got {out_size[0]} by {out_size[1]} from {in_size[0]} by {in_size[1]}"
        )
    return ""


def _square(matrix: Array) -> Array:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def _inverse(matrix: Array, name: str) -> Array:
    (a, b, _), (c, d, _) = matrix[:2]
    if not abs(a * d - b * c) > _SINGULAR * (abs(a * d) + abs(b * c)):
        rows = ", ".join(f"[{x:g}, {y:g}]" for x, y in ((a, b), (c, d)))
        raise ValueError(
            f"{name} must be invertible to lead from input to output and back, got {rows}"
        )
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _tidy(values: Sequence[float] | Array) -> tuple[float, ...]:
    """Return numbers to twelve digits; what cancelling has left of larger ones is 0."""
    least = 1e-13 * max(abs(float(value)) for value in values)
    return tuple(
        0.0 if abs(value) <= least else float(f"{value:.{_DIGITS}g}")
        for value in map(float, values)
    )


def _code(kind: str, numbers: Rows, in_size: Size, out_size: Size) -> str:
    """Return Python that makes ``output`` by one library, on noise in place of the reader's own."""
    (height, width), (rows, columns) = in_size, out_size
    written = [", ".join(_literal(value) for value in row) for row in numbers]
    if kind in (THETA, CORNERS):
        lines = [
            "import torch",
            "import torch.nn.functional as F",
            "",
            f"image = torch.rand(1, 1, {height}, {width})  # or your own (N, C, H, W)",
            f"theta = torch.tensor([[[{written[0]}],",
            f"                       [{written[1]}]]])",
            "grid = F.affine_grid(",
            f"    theta, [1, 1, {rows}, {columns}], align_corners={kind == CORNERS}",
            ")",
            f"output = F.grid_sample(image, grid, align_corners={kind == CORNERS})",
        ]
    elif kind in (OPENCV, INVERSE):
        flags = "cv2.INTER_LINEAR" + (" | cv2.WARP_INVERSE_MAP" if kind == INVERSE else "")
        lines = [
            "import cv2",
            "import numpy as np",
            "",
            f'image = np.random.rand({height}, {width}).astype("float32")  # or your own',
            f"matrix = np.array([[{written[0]}],",
            f"                   [{written[1]}]])",
            "output = cv2.warpAffine(",
            f"    image, matrix, ({columns}, {rows}),",
            f"    flags={flags},",
            ")",
        ]
    elif kind == TORCHVISION:
        lines = [
            "import torch",
            "from torchvision.transforms import _functional_tensor as tv",
            "",
            f"image = torch.rand(1, {height}, {width})  # or your own (C, H, W)",
            *_listed("matrix = [", numbers[0], "]"),
            'output = tv.affine(image, matrix, interpolation="bilinear")',
        ]
    else:
        how = "AFFINE" if kind == PIL else "EXTENT"
        lines = [
            "from PIL import Image",
            "",
            f"image = Image.effect_noise(({width}, {height}), 64)  # or your own",
            *_listed("data = (", numbers[0], ")"),
            "output = image.transform(",
            f"    ({columns}, {rows}),",
            f"    Image.Transform.{how},",
            "    data,",
            "    Image.Resampling.BILINEAR,",
            ")",
        ]
    return "\n".join([*lines, ""])


def _listed(before: str, numbers: tuple[float, ...], after: str) -> list[str]:
    """Return a list of numbers as code: in one line, or six of them in two."""
    half = len(numbers) // 2
    first, last = (
        ", ".join(_literal(value) for value in part) for part in (numbers[:half], numbers[half:])
    )
    return [f"{before}{first},", f"{' ' * len(before)}{last}{after}"]


def _literal(value: float) -> str:
    written = pasted.shortest(value + 0.0)
    return written if any(sign in written for sign in ".e") else f"{written}.0"


def prove(found: Matrices, *, device: str = "cpu") -> Proof:
    """Warp one picture by every library, each by its own numbers, and compare with a formula.

    All are bilinear. Pixels that read beyond the centres of the outermost pixels are left out:
    there the libraries fill differently.

    Args:
        found: What `convert` returned.
        device: Where torch computes.

    Returns:
        The pictures and the checks, on the CPU.
    """
    if max(math.prod(found.in_size), math.prod(found.out_size)) > _LARGEST_PROOF:
        nothing = torch.zeros(1, 1)
        return Proof(nothing, {}, {}, "Pictures above a million pixels are not warped here.")
    source = _lively(found.in_size)
    expected, inside, reach = _formula(source.double().numpy(), found.pixels, found.out_size)
    outputs = {
        spelling.kind: _warped(spelling, source, found.out_size, device)
        for spelling in found.spellings
        if spelling.numbers
    }
    if not inside.any():
        sentence = "No output pixel reads inside the input: there is nothing to compare."
        return Proof(source, outputs, {}, sentence)
    checks, left_out = {}, []
    for kind, output in outputs.items():
        tolerance = _tolerance(found, kind, reach)
        if tolerance > _BLURRED:
            left_out.append(NAMES[kind])
            continue
        error = float(np.abs(output.numpy() - expected)[inside].max())
        checks[kind] = Check(
            f"{NAMES[kind]}: its numbers warp the picture as the pixel matrix says",
            "NumPy in float64, from the matrix of output pixel to input pixel",
            error,
            tolerance,
            "Positions in float64." if kind in (PIL, BOX) else "Positions in float32.",
            kind=Kind.INDEPENDENT,
        )
    compared = int(inside.sum())
    if compared == inside.size:
        sentence = f"Compared: all {compared:,} output pixels."
    else:
        sentence = (
            f"Compared: {compared:,} of {inside.size:,} output pixels, those that read between "
            "the centres of input pixels; at the others the libraries fill differently."
        )
    if not checks:
        sentence = "Nothing is compared: positions so far out are too rough in float32."
    elif left_out:
        sentence += f" Left out, for too much rounding: {'; '.join(left_out)}."
    return Proof(source, outputs, checks, sentence)


def _lively(size: Size) -> Tensor:
    """Return the card in grey with noise over it, so that no part of it hides a shift."""
    card = picture("card").mean(dim=0)[None, None]
    small = F.interpolate(card, size=size, mode="bilinear", align_corners=False)[0, 0]
    noise = torch.rand(size, generator=torch.Generator().manual_seed(0))
    return 0.7 * small + 0.3 * noise


def _formula(image: Array, pixels: Array, size: Size) -> tuple[Array, NDArray[np.bool_], float]:
    """Read `image` bilinearly where the pixel matrix says.

    Returns:
        The output, which of its pixels read between centres, and the largest term of the
        positions of these, in pixels.
    """
    height, width = image.shape
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    (a, b, c), (d, e, f) = pixels
    at_x, at_y = a * x + b * y + c, d * x + e * y + f
    inside = (at_x >= 0) & (at_x <= width - 1) & (at_y >= 0) & (at_y <= height - 1)
    left = np.clip(np.floor(at_x), 0, max(width - 2, 0)).astype(int)
    top = np.clip(np.floor(at_y), 0, max(height - 2, 0)).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    along, down = at_x - left, at_y - top
    upper = (1 - along) * image[top, left] + along * image[top, right]
    lower = (1 - along) * image[bottom, left] + along * image[bottom, right]
    terms = [abs(a) * x + abs(b) * y + abs(c), abs(d) * x + abs(e) * y + abs(f)]
    reach = max((float(term[inside].max()) for term in terms if inside.any()), default=0.0)
    return (1 - down) * upper + down * lower, inside, reach


def _tolerance(found: Matrices, kind: str, reach: float) -> float:
    """Return by how much rounding may change a value: positions' error, at a contrast of 1."""
    units = reach + max(*found.in_size, *found.out_size)
    position = 10.0**-_DIGITS * units
    if kind == OPENCV:
        # Twelve digits of the forward matrix, as the way back magnifies them.
        forward = np.abs(np.array(found.spelling(OPENCV).numbers))
        size = np.array([found.in_size[1], found.in_size[0], 1.0])
        back = np.abs(found.pixels[:, :2])
        position += 4 * 10.0**-_DIGITS * float((back @ (forward @ size)).max())
    if kind not in (PIL, BOX):
        position += 2 * _FLOAT32 * units
    return 2 * position + 1e-6


def _warped(spelling: Spelling, source: Tensor, size: Size, device: str) -> Tensor:
    """Run what the spelling's code says, on `source` ``(H, W)``."""
    numbers, kind = spelling.numbers, spelling.kind
    if kind in (THETA, CORNERS):
        theta = torch.tensor([numbers], device=device)
        grid = F.affine_grid(theta, [1, 1, *size], align_corners=kind == CORNERS)
        image = source[None, None].to(device)
        return F.grid_sample(image, grid, align_corners=kind == CORNERS)[0, 0].cpu()
    if kind == TORCHVISION:
        matrix = list(numbers[0])
        warped: Tensor = tv.affine(source[None].to(device), matrix, interpolation="bilinear")
        return warped[0].cpu()
    if kind in (OPENCV, INVERSE):
        flags = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if kind == INVERSE else 0)
        by_opencv = cv2.warpAffine(source.numpy(), np.array(numbers), size[::-1], flags=flags)
        return torch.from_numpy(by_opencv)
    how = Image.Transform.AFFINE if kind == PIL else Image.Transform.EXTENT
    by_pil = Image.fromarray(source.numpy()).transform(
        size[::-1], how, numbers[0], Image.Resampling.BILINEAR
    )
    return torch.from_numpy(np.array(by_pil))
