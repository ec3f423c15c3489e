"""Declare the page's parameters and compute what one setting of them shows."""

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from explainers import devices
from explainers.linkage import MAX_SIDE as LARGEST_LINKED
from explainers.linkage import Linkage, linked
from explainers.parameters import Numbers, Parameters, Preset, choice, flag, number, numbers
from explainers.pictures import picture
from explainers.sampling.interpolate.kernels import KERNEL_OF, RADIUS, kernel
from explainers.sampling.interpolate.sampling import (
    MAX_SIDE,
    MODES,
    WITHOUT_CORNERS,
    centres,
    is_small,
    resize,
    sample_positions,
    torch_says,
)

_CURVE = 16
_COPIED = ": the side stays, so torch copies it"
_FLAGS = {"None": None, "False": False, "True": True}


@dataclasses.dataclass(frozen=True)
class Interpolate(Parameters):
    """Hold the settings of one call of `F.interpolate`."""

    input: str = choice(
        "signal",
        ("signal", "row", "table", "picture", "volume"),
        label="input",
        help="Decides torch's modes. A row: a picture one line high.",
        words=("signal (C, L)", "row (C, 1, L)", "table (C, H, W)", "picture", "volume"),
    )
    mode: str = choice(
        "linear",
        MODES,
        label="mode",
        help="linear, bilinear and trilinear: one rule, named by shape.",
    )
    given: str = choice(
        "scale_factor",
        ("scale_factor", "size", "both", "neither"),
        label="given to torch",
        help="Exactly one works.",
    )
    scale_factor: float = number(
        2.0,
        label="scale_factor",
        help="Output over input; outputs are rounded down.",
        minimum=0.05,
        maximum=8.0,
        step=0.05,
    )
    size: int = number(
        8,
        label="size",
        help="Output length, height or depth; one number for all axes.",
        minimum=1,
        maximum=MAX_SIDE,
        step=1,
    )
    width: int = number(
        0,
        label="size, width",
        help="Output columns; 0: as many as rows.",
        minimum=0,
        maximum=MAX_SIDE,
        step=1,
    )
    align_corners: str = choice(
        "None",
        tuple(_FLAGS),
        label="align_corners",
        help="What coincides: outer edges (False) or corner centres (True). None: False "
        "where a mode takes the flag.",
    )
    antialias: bool = flag(
        False,
        label="antialias",
        help="Reducing, widen the kernel: every value counts.",
    )
    recompute_scale_factor: bool = flag(
        False,
        label="recompute_scale_factor",
        help="Read at the rounded side's scale.",
    )
    samples: str = numbers(
        "0, 0.8, 0.2, 1, 0.4",
        label="samples",
        help="2 to 12 numbers, commas between; drag them in the figure.",
        minimum=-9.0,
        maximum=9.0,
        columns=(2, 12),
    )
    table: str = numbers(
        "1, 2; 3, 4",
        label="table",
        help="1 to 6 rows of 1 to 6 numbers, semicolons between; editable in the figure.",
        minimum=-99.0,
        maximum=99.0,
        rows=(1, 6),
        columns=(1, 6),
    )
    picture: str = choice(
        "zone_plate",
        ("zone_plate", "card", "wide", "checkerboard"),
        label="picture",
        help="Or upload your own.",
    )

    def tensor(self, image: Tensor | None = None) -> Tensor:
        """Return the input: ``(C, L)``, ``(C, H, W)`` or ``(C, D, H, W)``, float32.

        Args:
            image: A reader's own picture ``(C, H, W)`` in place of the project's.
        """
        match self.input:
            case "signal":
                return torch.tensor(typed_numbers("samples").table(self.samples))
            case "row":
                return torch.tensor(typed_numbers("samples").table(self.samples))[None]
            case "table":
                return torch.tensor(typed_numbers("table").table(self.table))[None]
            case "volume":
                return volume()
        return picture(self.picture) if image is None else image

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `resize`, and of `F.interpolate`, that these settings give."""
        size: int | tuple[int, int] = self.size
        scale_factor: float | tuple[float, float] = self.scale_factor
        if self.input == "row":
            size, scale_factor = (1, self.size), (1.0, self.scale_factor)
        elif self.input in ("table", "picture") and self.width:
            size = (self.size, self.width)
        return {
            "size": size if self.given in ("size", "both") else None,
            "scale_factor": scale_factor if self.given in ("scale_factor", "both") else None,
            "mode": self.mode,
            "align_corners": _FLAGS[self.align_corners],
            "antialias": self.antialias,
            "recompute_scale_factor": True if self.recompute_scale_factor else None,
        }

    @property
    def axes(self) -> int:
        """Number of spatial axes of the input."""
        return {"signal": 1, "volume": 3}.get(self.input, 2)

    @property
    def used_scale(self) -> float | None:
        """The `scale_factor` that torch reads at; None where it takes the scale of the sides."""
        if self.given == "scale_factor" and not self.recompute_scale_factor:
            return self.scale_factor
        return None


def typed_numbers(name: str) -> Numbers:
    """Return the rule of ``"samples"`` or of ``"table"``."""
    spec = Interpolate.specs()[name]
    assert isinstance(spec, Numbers)
    return spec


PRESETS = (
    Preset(
        "Fill in between",
        "Inside, outputs are 3/4 of one sample, 1/4 of another.",
        Interpolate(),
    ),
    Preset(
        "nearest drifts",
        "Left-leaning arrows: nearest picks 0, 1, 3 of five, nearest-exact 0, 2, 4.",
        Interpolate(mode="nearest", given="size", size=3, samples="0, 1, 2, 3, 4"),
    ),
    Preset(
        "A step overshoots",
        "Bicubic dips below 0 before the step, and tops 1 behind.",
        Interpolate(input="row", mode="bicubic", scale_factor=4.0, samples="0, 0, 0, 1, 1, 1"),
    ),
    Preset(
        "A 2×2 table",
        "align_corners=True keeps the corners 1, 2, 3, 4, the rest evenly between.",
        Interpolate(input="table", mode="bilinear", align_corners="True"),
    ),
    Preset(
        "Shrink, and alias",
        "False rings: most pixels go unread. Turn antialias on.",
        Interpolate(input="picture", mode="bilinear", given="size", size=40),
    ),
    Preset(
        "A volume",
        "New slices mix their neighbours, as new columns do.",
        Interpolate(input="volume", mode="trilinear"),
    ),
)

REFERENCES = (
    (
        "torch: interpolate",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html",
    ),
    (
        "OpenCV: geometric transformations",
        "https://docs.opencv.org/5.x/da/d54/group__imgproc__transform.html",
    ),
    ("Pillow: filters", "https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters"),
    (
        "Keys, Cubic convolution interpolation, 1981",
        "https://doi.org/10.1109/TASSP.1981.1163711",
    ),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Hold how one line of samples is resized.

    Attributes:
        samples: Tensor ``(n,)`` float32.
        weights: Tensor ``(m, n)``: derivative of output i by sample j, from torch's forward pass.
        positions: Tensor ``(m,)`` float64: where output i reads, in input pixels.
        centres: Tensor ``(m,)`` float64: the middle of output i when both lines span the same
            extent, in input pixels.
        curve_x: Tensor ``(k,)`` float64: positions of a very fine resize, in input pixels.
        curve_weights: Tensor ``(k, n)``: the derivative of what it reads there by each sample.
        kernel_x: Tensor ``(p,)`` float64: distance from where an output reads, in input pixels;
            empty for a mode without a kernel.
        kernel_y: Tensor ``(p,)`` float64: weight at that distance, by the formula.
    """

    samples: Tensor
    weights: Tensor
    positions: Tensor
    centres: Tensor
    curve_x: Tensor
    curve_weights: Tensor
    kernel_x: Tensor
    kernel_y: Tensor

    @property
    def outputs(self) -> Tensor:
        """The resized line, ``(m,)``."""
        return self.weights @ self.samples

    @property
    def curve(self) -> Tensor:
        """What is read at `curve_x`, ``(k,)``."""
        return self.curve_weights @ self.samples


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Loupe:
    """Hold a small input and its output, pixel linked to pixel.

    Attributes:
        source: Tensor ``(H, W)``.
        output: Tensor ``(H', W')``.
        links: Which values of `source` make each value of `output`.
        arguments: Of the call that made it.
    """

    source: Tensor
    output: Tensor
    links: Linkage
    arguments: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class View:
    """Hold everything that one setting shows.

    Attributes:
        parameters: The settings.
        source: Tensor ``(C, L)``, ``(C, H, W)`` or ``(C, D, H, W)``, the input.
        output: The resized tensor, of as many axes; None where the call is refused.
        problem: Which argument to change, and to what; empty where the call runs.
        refusal: Torch's own words for it; empty where torch would take the call.
        used: Share of the input's values that any output depends on, 0 to 1.
        reads: For nearest and nearest-exact, by axis, Tensor ``(m,)`` int64: the input that torch
            copied to each output.
        line: How the line of samples is resized, for a signal or a row.
        loupe: The linked values, for a table that is small enough or a picture.
    """

    parameters: Interpolate
    source: Tensor
    output: Tensor | None = None
    problem: str = ""
    refusal: str = ""
    used: float = 0.0
    reads: tuple[Tensor, ...] = ()
    line: Line | None = None
    loupe: Loupe | None = None

    @property
    def sentence(self) -> str:
        """Sides before and after, where outputs read, and what they leave out."""
        if self.output is None:
            return ""
        shape = "×".join(str(side) for side in self.source.shape[1:])
        out = "×".join(str(side) for side in self.output.shape[1:])
        unread = f" {share(1 - self.used)} of the input is never read." if self.used < 1 else ""
        return f"{shape} → {out}. {reading_rule(self)}{unread}"


def explain(parameters: Interpolate, *, image: Tensor | None = None, device: str = "cpu") -> View:
    """Compute what one setting shows.

    A call that torch refuses gives a view with the reason in it, in place of an output.

    Args:
        parameters: The settings.
        image: A reader's own picture ``(C, H, W)`` in place of the project's; None for those.
        device: Where torch computes.

    Returns:
        The view, on the CPU.

    Raises:
        ValueError: `image` is not a finite ``(C, H, W)``; `device` is not there.
    """
    devices.device(device)
    if image is not None and (image.dim() != 3 or not image.is_floating_point()):
        raise ValueError(
            f"image must be a floating point Tensor of shape (C, H, W), got {image.dtype} of shape "
            f"{tuple(image.shape)}"
        )
    source = parameters.tensor(image)
    arguments = parameters.arguments()
    try:
        output = resize(source, device=device, **arguments)
    except ValueError as error:
        if str(error).startswith("image must"):
            raise
        return View(parameters, source, problem=str(error), refusal=torch_says(source, **arguments))
    line = loupe = None
    if parameters.input in ("signal", "row"):
        line = _line(parameters, source, device)
    elif parameters.input == "table" and max(output.shape[1:]) <= LARGEST_LINKED:
        loupe = _loupe(source[0], arguments, device)
    elif parameters.input == "picture":
        loupe = _small_copy(parameters, (source.shape[1], source.shape[2]), device)
    reads = _reads(source, output, arguments, device)
    return View(
        parameters,
        source,
        output=output,
        used=_used(source, output, arguments, reads, device),
        reads=reads,
        line=line,
        loupe=loupe,
    )


def volume() -> Tensor:
    """Return a small volume ``(1, 4, 12, 12)``: a bright ball, and a cube in the first slice."""
    z, y, x = torch.meshgrid(*(torch.arange(float(side)) for side in (4, 12, 12)), indexing="ij")
    ball = (9 * (z - 1.5) ** 2 + (y - 5.5) ** 2 + (x - 5.5) ** 2 < 30).float()
    ball[0, 1:4, 1:4] = 0.6
    return ball[None]


def share(part: float) -> str:
    """Return a share of a whole as a percentage: whole, unless that would say none or all."""
    return f"{part:.0%}" if 0.005 <= part < 0.995 or part in (0, 1) else f"{part:.2%}"


def reading_rule(view: View) -> str:
    """Return where output i reads along each axis, as short formulas in words."""
    parameters = view.parameters
    assert view.output is not None
    if parameters.mode == "area":
        return "Each output is the mean of all inputs that it touches."
    axes = view.source.dim() - 1
    if axes == 1 or parameters.input == "row":
        return f"Output {_rule(view, axes - 1)}."
    names: dict[str, list[str]] = {}
    for axis, name in reversed(list(enumerate(("depth", "height", "width")[3 - axes :]))):
        names.setdefault(_rule(view, axis), []).append(name)
    if len(names) == 1:
        return f"Along each axis, output {next(iter(names))}."
    return " ".join(
        f"Along the {' and the '.join(along)}, output {rule}." for rule, along in names.items()
    )


def _rule(view: View, axis: int) -> str:
    """Return where output i reads along one axis, as the words that follow ``output``."""
    parameters = view.parameters
    assert view.output is not None
    n, m = view.source.shape[axis + 1], view.output.shape[axis + 1]
    used = None if parameters.input == "row" and axis == 0 else parameters.used_scale
    step = Fraction(n, m) if used is None else 1 / Fraction(repr(used))
    if parameters.mode in ("nearest", "nearest-exact"):
        return _picks(view, axis, step, used)
    if n == m and (parameters.mode != "bicubic" or parameters.antialias):
        return "i is input i" + ("" if step == 1 else _COPIED)
    if parameters.align_corners == "True":
        step, used = Fraction(n - 1, m - 1) if m > 1 else Fraction(0), None
        if not parameters.antialias:
            return f"i reads at {_scaled('i', step, used)}"
    return f"i reads at {_scaled('(i + ½)', step, used)} − ½"


def _picks(view: View, axis: int, step: Fraction, used: float | None) -> str:
    """Return which input nearest or nearest-exact copies, and where that is not the formula's."""
    assert view.output is not None
    mode, axes = view.parameters.mode, view.source.dim() - 1
    n, read = view.source.shape[axis + 1], view.reads[axis].tolist()
    m = len(read)
    over, under = step.numerator, step.denominator
    if mode == "nearest":
        exact = [min(i * over // under, n - 1) for i in range(m)]
        words = f"i is input floor({_scaled('i', step, used)})"
    else:
        exact = [min((2 * i + 1) * over // (2 * under), n - 1) for i in range(m)]
        words = f"i is input floor({_scaled('(i + ½)', step, used)})"
    words = "i is input i" if step == 1 else words
    if read == exact:
        return words
    if m == n and read == list(range(m)):
        return "i is input i" + _COPIED
    if m == 2 * n and read == [i // 2 for i in range(m)]:
        return "i is input floor(i/2): the side doubles, so torch repeats each value twice"
    other = next(i for i in range(m) if read[i] != exact[i])
    # Without the shortcuts, which are said above.
    small = is_small(view.output.shape[1:]) and mode == "nearest-exact"
    rounded = sample_positions(n, m, mode=mode, scale_factor=used, axes=axes, small=small)
    how = "in float32" if rounded.tolist() == read else "with exceptions"
    return (
        f"{words} {how}: output {other} is {read[other]}, where exact numbers give {exact[other]}"
    )


def _scaled(name: str, step: Fraction, used: float | None) -> str:
    """Return a product as one writes it: ``i·5/3``, ``i/3``, ``i·2``, ``i``, ``i/1.234``."""
    if step == 1:
        return name
    if used is not None and max(step.numerator, step.denominator) >= 1000:
        return f"{name}/{used!r}"
    return f"{name}/{step.denominator}" if step.numerator == 1 else f"{name}·{step}"


def _line(parameters: Interpolate, source: Tensor, device: str) -> Line:
    row = parameters.input == "row"
    samples = source.reshape(-1)
    count = len(samples)
    arguments = parameters.arguments()
    fine = arguments | {"size": None, "recompute_scale_factor": None}
    fine["scale_factor"] = (1.0, float(_CURVE)) if row else float(_CURVE)
    found = _response(count, row, arguments, device)
    out = len(found)
    flags: dict[str, Any] = {
        "mode": parameters.mode,
        "align_corners": parameters.align_corners == "True",
        "antialias": parameters.antialias,
        "axes": parameters.axes,
    }
    curve_x = sample_positions(count, _CURVE * count, **flags)
    curve_weights = _response(count, row, fine, device)
    if parameters.mode in WITHOUT_CORNERS:
        # What is read is constant and jumps: each fine output by both its edges.
        half = torch.tensor([-0.5, 0.5], dtype=torch.float64) / _CURVE
        curve_x = (centres(count, _CURVE * count)[:, None] + half).flatten()
        curve_weights = curve_weights.repeat_interleave(2, dim=0)
    kernel_x, kernel_y = _kernel(parameters, count, out)
    return Line(
        samples=samples,
        weights=found,
        positions=sample_positions(count, out, scale_factor=parameters.used_scale, **flags),
        centres=centres(count, out),
        curve_x=curve_x,
        curve_weights=curve_weights,
        kernel_x=kernel_x,
        kernel_y=kernel_y,
    )


def _response(count: int, row: bool, arguments: Mapping[str, Any], device: str) -> Tensor:
    """Return the outputs' derivatives by each of `count` values, ``(m, count)``.

    Resizing is linear: each value alone being 1, in a channel of its own, gives a column of the
    Jacobian. torch's backward pass is no substitute: under some scale factors it differs.
    """
    alone = torch.eye(count)
    return resize(alone[:, None] if row else alone, device=device, **arguments).reshape(count, -1).T


def _reads(
    source: Tensor, output: Tensor, arguments: Mapping[str, Any], device: str
) -> tuple[Tensor, ...]:
    """Return which input each output copies, by axis; empty for a mode that mixes.

    Ramps of the whole shape are resized, for torch's kernel depends on it.
    """
    if arguments["mode"] not in ("nearest", "nearest-exact"):
        return ()
    found = []
    for axis, count in enumerate(source.shape[1:]):
        along = [1] * output.dim()
        along[axis + 1] = count
        ramp = torch.arange(float(count)).reshape(along).expand(1, *source.shape[1:])
        made = resize(ramp, device=device, **arguments)
        found.append(made.movedim(axis + 1, 0).reshape(made.shape[axis + 1], -1)[:, 0].long())
    return tuple(found)


def _used(
    source: Tensor,
    output: Tensor,
    arguments: Mapping[str, Any],
    reads: tuple[Tensor, ...],
    device: str,
) -> float:
    """Return the share of the input's values that any output depends on, axis by axis."""
    if reads:
        return math.prod(
            len(read.unique()) / count for read, count in zip(reads, source.shape[1:], strict=True)
        )
    used = 1.0
    axes = source.dim() - 1
    for axis in range(axes):
        # Lines are quickest as rows; but torch reads otherwise where outputs are one column wide.
        place = axis if output.shape[-1] == 1 else axes - 1
        along = dict(arguments)
        for name, still in (("size", 1), ("scale_factor", 1.0)):
            asked = along[name]
            if asked is not None:
                each = asked if isinstance(asked, tuple) else (asked,) * axes
                along[name] = tuple(each[axis] if at == place else still for at in range(axes))
        count = source.shape[axis + 1]
        alone = torch.eye(count).reshape(
            count, *(count if at == place else 1 for at in range(axes))
        )
        response = resize(alone, device=device, **along).reshape(count, -1)
        used *= float((response != 0).any(dim=1).double().mean())
    return used


def _kernel(parameters: Interpolate, in_size: int, out_size: int) -> tuple[Tensor, Tensor]:
    if parameters.mode not in KERNEL_OF:
        return torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.float64)
    name = KERNEL_OF[parameters.mode]
    stretch = 1.0
    if parameters.antialias and in_size != out_size:
        used = parameters.used_scale
        scale = in_size / out_size if used is None else 1 / used
        if parameters.align_corners == "True":
            scale = (in_size - 1) / (out_size - 1) if out_size > 1 else 0.0
        stretch = max(scale, 1.0)
    x = torch.linspace(-RADIUS[name], RADIUS[name], 24 * RADIUS[name] + 1, dtype=torch.float64)
    return x * stretch, kernel(name, x, antialias=parameters.antialias) / stretch


def _loupe(source: Tensor, arguments: Mapping[str, Any], device: str) -> Loupe:
    height, width = source.shape
    # Each value alone being 1, in a channel of its own; see _response.
    alone = torch.eye(height * width).reshape(-1, height, width)
    made = resize(torch.cat([source[None], alone]), device=device, **arguments)
    _, out_height, out_width = made.shape
    return Loupe(
        source=source,
        output=made[0],
        links=linked(made[1:].reshape(height, width, -1), (out_height, out_width)),
        arguments=arguments,
    )


def _small_copy(parameters: Interpolate, in_size: tuple[int, int], device: str) -> Loupe:
    """Do to a picture of at most 16 by 16 what the settings do to a picture of `in_size`."""
    arguments = parameters.arguments()
    if parameters.given == "scale_factor":
        ratios = (parameters.scale_factor,) * 2
    else:
        asked = (parameters.size, parameters.width or parameters.size)
        ratios = (asked[0] / in_size[0], asked[1] / in_size[1])
    sides = [min(16, max(2, int(LARGEST_LINKED / ratio))) for ratio in ratios]
    # Where 16 by 16 would shrink to nothing, one pixel stays.
    out = [
        max(1, min(LARGEST_LINKED, int(s * r + 1e-9))) for s, r in zip(sides, ratios, strict=True)
    ]
    if parameters.given == "size" or min(s * r for s, r in zip(sides, ratios, strict=True)) < 1:
        arguments |= {"size": tuple(out), "scale_factor": None, "recompute_scale_factor": None}
    top, left = ((16 - side) // 2 for side in sides)
    small = picture("tiny")[0, top : top + sides[0], left : left + sides[1]]
    return _loupe(small, arguments, device)


def renamed(mode: str, axes: int) -> str:
    """Return what torch calls `mode` for an input of so many spatial axes.

    Args:
        mode: Any mode of `F.interpolate`.
        axes: 1, 2 or 3.

    Returns:
        The same rule's name there; `mode` itself where torch has none.
    """
    by_axes = ("linear", "bilinear", "trilinear")
    return by_axes[axes - 1] if mode in by_axes else mode
