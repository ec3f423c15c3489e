"""Compare torch's resizing with independent references, now."""

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from explainers import devices
from explainers.evidence import Agreement, Check, Difference, Kind, largest_difference
from explainers.sampling.interpolate.kernels import KERNEL_OF, kernel
from explainers.sampling.interpolate.reference import (
    OPENCV,
    PIL,
    axis_weights,
    opencv_resize,
    pil_resize,
    slow_resize,
)
from explainers.sampling.interpolate.sampling import (
    ANTIALIASED,
    MODES_OF,
    WITHOUT_CORNERS,
    output_size,
    resize,
    sample_positions,
)
from explainers.sampling.interpolate.view import View

_MOST = {1: 512, 2: 40, 3: 14}
"""Most outputs along an axis that a view's checks compare, by the number of spatial axes."""

_POSITION = 1e-6
"""How far a float32 read position may lie off, in lengths of its axis, with room for two axes."""

_ADAPTIVE: Mapping[int, Callable[..., Tensor]] = {
    1: F.adaptive_avg_pool1d,
    2: F.adaptive_avg_pool2d,
    3: F.adaptive_avg_pool3d,
}

_PICKS = ("nearest", "nearest-exact")

Indices = tuple[NDArray[np.int64], ...]


def view_checks(view: View, *, device: str = "cpu") -> tuple[Check, ...]:
    """Check the very values on show, under their own settings.

    A large output is checked in its first channel, at up to 40 rows by 40 columns of it that are
    spread from edge to edge.

    Args:
        view: What `explain` returned.
        device: Where torch computes.

    Returns:
        Three to five checks that apply to these settings; none where the call was refused.
    """
    if view.output is None:
        return ()
    only = tuple(_spread(side, _MOST[view.source.dim() - 1]) for side in view.output.shape[1:])
    found = [
        _view_against_slow(view, only),
        *(_view_weights(view, device) or _view_constant(view, device)),
        *_view_against_libraries(view),
        *_view_against_torch(view, only, device),
    ]
    return tuple(found if len(found) > 2 else [*found, _view_doubled(view, device)])


def _view_against_slow(view: View, only: Indices) -> Check:
    assert view.output is not None
    parameters = view.parameters
    out = view.output.shape[1:]
    slow = slow_resize(
        view.source[:1],
        out,
        mode=parameters.mode,
        align_corners=parameters.align_corners == "True",
        antialias=parameters.antialias,
        scale_factor=_scales(view),
        only=only,
    )
    error, tolerance = largest_difference(_at(view.output[:1], only), slow), _tolerance(view)
    return Check(
        f"This {parameters.input}, {parameters.mode}: as documented",
        ("torch's rule in NumPy" if parameters.mode in _PICKS else "float64 matrices per axis")
        + _share(view, only),
        error,
        tolerance,
        _narrow(view, view.source.shape[1:], out) if error > tolerance else "",
        kind=Kind.INDEPENDENT,
    )


def _view_weights(view: View, device: str) -> list[Check]:
    """Check what the figures draw: the weights make the values, and torch's backward has them."""
    assert view.output is not None
    if view.line is not None:
        samples, weights, made = view.line.samples, view.line.weights, view.output.reshape(-1)
        product, left_out = view.line.outputs, torch.zeros(len(made))
        shape, arguments = view.source.shape, dict(view.parameters.arguments())
    elif view.loupe is not None:
        samples, weights, made = view.loupe.source, view.loupe.links.weights, view.loupe.output
        read = samples.reshape(-1)[view.loupe.links.indices.clamp(min=0)]
        product, left_out = (weights * read).sum(dim=-1), view.loupe.links.remainder
        shape, arguments = torch.Size((1, *samples.shape)), dict(view.loupe.arguments)
    else:
        return []
    # The loupe keeps the sixteen strongest sources; what it leaves out is missing from its sums.
    whole = left_out == 0
    if not whole.any():
        return []
    share = "" if whole.all() else f", {int(whole.sum())} outputs of at most 16 sources"
    forward = (weights if view.line is not None else weights.sum(dim=-1))[whole]
    sums = forward.sum(dim=-1) if view.line is not None else forward
    # Rounding of the sums to 1 does not shrink with the samples, as the tolerance does.
    beyond = max(float((sums - 1).abs().max()) - 1e-5, 0.0)
    found = [
        Check(
            "Weights shown times input give the output, and sum to 1 within 1e-5",
            f"float32 sums{share}",
            max(largest_difference(product[whole], made[whole]), beyond),
            _tolerance(view, samples),
            kind=Kind.ANOTHER_PATH,
        )
    ]
    # A cotangent at random tells any difference, and costs one backward pass.
    image = samples.reshape(shape).clone().requires_grad_()
    output = resize(image, device=device, **arguments)
    spread = torch.rand(output.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(output, image, spread)
    along = samples.reshape(shape)
    # <J^T v, x> = <v, J x>, for the forward pass is linear.
    inner = (
        float((gradient.double() * along.double()).sum()),
        float((spread.double() * output.detach().double()).sum()),
    )
    error = abs(inner[0] - inner[1])
    summed = float((spread * output.detach().abs()).sum())
    tolerance = _tolerance(view, samples) * output.numel() + 1e-6 * summed
    remark = ""
    if error > tolerance:
        remark = _narrow(view, tuple(shape[1:]), tuple(output.shape[1:])) or (
            "A fault of torch: where a scale_factor keeps or doubles a side, backward "
            "reads elsewhere."
        )
    return [
        *found,
        Check(
            "torch's backward has the same weights",
            "its product with random gradients, in float64",
            error,
            tolerance,
            remark,
            kind=Kind.ANOTHER_PATH,
        ),
    ]


def _view_constant(view: View, device: str) -> list[Check]:
    assert view.output is not None
    if view.parameters.axes == 3:
        # Resizing a large volume again would take longer than all else here.
        low, high = (view.source.min(), view.source.max())
        beyond = max(float(low - view.output.min()), float(view.output.max() - high), 0.0)
        statement = f"{view.parameters.mode} stays within its input's range"
        reference, tolerance = "the input's extremes", _tolerance(view)
        return [Check(statement, reference, beyond, tolerance, kind=Kind.INVARIANT)]
    ones = torch.ones_like(view.source[:1])
    constant = resize(ones, device=device, **view.parameters.arguments())
    return [
        Check(
            "A constant stays constant: each output's weights sum to 1",
            "ones, resized",
            float((constant - 1).abs().max()),
            1e-5,
            kind=Kind.INVARIANT,
        )
    ]


def _view_doubled(view: View, device: str) -> Check:
    assert view.output is not None
    doubled = resize(2 * view.source[:1], device=device, **view.parameters.arguments())
    return Check(
        "Linear: twice the input, twice the output",
        f"twice the input{_channel(view)}",
        largest_difference(doubled, 2 * view.output[:1]),
        _tolerance(view),
        kind=Kind.INVARIANT,
    )


def _view_against_libraries(view: View) -> list[Check]:
    """Compare with OpenCV, PIL or numpy, where one of them offers the same."""
    assert view.output is not None
    parameters = view.parameters
    mode = parameters.mode
    source, output, tolerance = view.source[:1], view.output[:1], _tolerance(view)
    if parameters.align_corners == "True":
        return []
    if mode == "linear":
        n, m = source.shape[1], output.shape[1]
        positions = sample_positions(n, m, scale_factor=parameters.used_scale)
        line = np.interp(positions.numpy(), np.arange(n), source[0].numpy())
        error = largest_difference(output[0], torch.from_numpy(line))
        statement = "linear: torch equals numpy"
        return [Check(statement, "np.interp", error, tolerance, kind=Kind.INDEPENDENT)]
    if mode not in OPENCV or parameters.axes != 2 or not _by_sides(view):
        return []
    size = (output.shape[1], output.shape[2])
    if parameters.antialias:
        error = largest_difference(output, pil_resize(source, size, mode=mode))
        name = PIL[mode].name
        statement = f"{mode} with antialias: torch equals PIL{_channel(view)}"
        remark = _narrow(view, source.shape[1:], size) if error > tolerance else ""
        return [
            Check(
                statement,
                f"PIL.Image.resize, {name}",
                error,
                tolerance,
                remark,
                kind=Kind.INDEPENDENT,
            )
        ]
    if mode == "area":
        return []
    name, _ = OPENCV[mode]
    theirs = opencv_resize(source, size, mode=mode)
    if mode not in _PICKS:
        statement = f"{mode}: torch equals OpenCV{_channel(view)}"
        error = largest_difference(output, theirs)
        return [Check(statement, f"cv2.resize, {name}", error, tolerance, kind=Kind.INDEPENDENT)]
    free = tuple(_untied(n, m, mode) for n, m in zip(source.shape[1:], size, strict=True))
    tied = tuple(len(indices) for indices in free) != size
    return [
        Check(
            f"{mode}: torch equals OpenCV{_channel(view)}" + (", ties left out" if tied else ""),
            f"cv2.resize, {name}",
            largest_difference(_at(output, free), _at(theirs, free)),
            0.0,
            "In ties each library picks its pixel." if tied else "",
            kind=Kind.INDEPENDENT,
        )
    ]


def _view_against_torch(view: View, only: Indices, device: str) -> list[Check]:
    """Compare with other functions of torch, and with the rule on corners."""
    assert view.output is not None
    parameters = view.parameters
    mode, axes = parameters.mode, parameters.axes
    source, output, tolerance = view.source[:1], view.output[:1], _tolerance(view)
    where = devices.device(device)
    if mode == "area":
        pooled = _ADAPTIVE[axes](source[None].to(where), output.shape[1:])[0].cpu()
        error = largest_difference(output, pooled)
        statement = f"area is adaptive average pooling{_channel(view)}"
        name = f"F.adaptive_avg_pool{axes}d, which torch calls for area"
        return [Check(statement, name, error, tolerance, kind=Kind.ANOTHER_PATH)]
    if mode in _PICKS:
        return [
            Check(
                f"{mode} makes no new values",
                f"torch.isin{_share(view, only)}",
                float((~torch.isin(_at(output, only), source)).any()),
                0.0,
                kind=Kind.INVARIANT,
            )
        ]
    if parameters.antialias:
        return []
    found = []
    if mode in ("bilinear", "bicubic", "trilinear"):
        grid = _grid(view, only)
        # The 5-D grid_sample calls trilinear bilinear.
        sampled = F.grid_sample(
            source[None].to(where, torch.float64),
            grid[None].to(where),
            mode="bicubic" if mode == "bicubic" else "bilinear",
            padding_mode="border",
            align_corners=False,
        )[0].cpu()
        found.append(
            Check(
                f"{mode} equals grid_sample there",
                f'F.grid_sample, padding_mode="border", float64{_share(view, only)}',
                largest_difference(_at(output, only), sampled),
                tolerance,
                kind=Kind.ANOTHER_PATH,
            )
        )
    if parameters.align_corners == "True":
        out = output.shape[1:]
        made, given = (
            # A single output reads at 0: it keeps the first corner alone.
            tuple(
                np.array([0, side - 1] if m > 1 else [0])
                for side, m in zip(sides, out, strict=True)
            )
            for sides in (out, source.shape[1:])
        )
        error = largest_difference(_at(output, made), _at(source, given))
        statement = "align_corners=True keeps the corner values"
        found.append(Check(statement, "the input's corners", error, tolerance, kind=Kind.INVARIANT))
    return found


def _grid(view: View, only: Indices) -> Tensor:
    """Return `F.grid_sample`'s grid of the outputs' positions, last axis first."""
    assert view.output is not None
    parameters = view.parameters
    normalised = []
    for axis, (n, m) in enumerate(zip(view.source.shape[1:], view.output.shape[1:], strict=True)):
        positions = sample_positions(
            n,
            m,
            mode=parameters.mode,
            align_corners=parameters.align_corners == "True",
            scale_factor=_scales(view)[axis],
            axes=parameters.axes,
        )[only[axis]]
        normalised.append((2 * positions + 1) / n - 1)
    return torch.stack(torch.meshgrid(*normalised, indexing="ij")[::-1], dim=-1)


def _scales(view: View) -> tuple[float | None, ...]:
    """Return the scale_factor that torch reads at, for each axis; a row keeps its one line."""
    used, axes = view.parameters.used_scale, view.parameters.axes
    return (1.0, used) if view.parameters.input == "row" and used else (used,) * axes


def _by_sides(view: View) -> bool:
    """Whether torch reads at the ratio of the sides, as other libraries always do."""
    assert view.output is not None
    return all(
        scale is None or n * scale == m
        for n, m, scale in zip(
            view.source.shape[1:], view.output.shape[1:], _scales(view), strict=True
        )
    )


def _untied(n: int, m: int, mode: str) -> NDArray[np.int64]:
    """Return the outputs whose exact position does not fall between two of n input pixels.

    Where the reduction is a whole number there is no rounding, and no output is left out.
    """
    index: NDArray[np.int64] = np.arange(m)
    if n % m == 0:
        return index
    between = index * n % m if mode == "nearest" else (2 * index + 1) * n % (2 * m)
    return np.flatnonzero(between)


def _tolerance(view: View, values: Tensor | None = None) -> float:
    """Return what float32 explains: the position's rounding times the contrast, and the sum's.

    Args:
        view: Its settings and its input.
        values: What was resized by these settings, if not the view's input.
    """
    if view.parameters.mode in _PICKS:
        return 0.0
    values = view.source if values is None else values
    low, high = float(values.min()), float(values.max())
    return _POSITION * (max(values.shape) * (high - low) + max(abs(low), abs(high)))


def _narrow(view: View, sides: tuple[int, ...], out: tuple[int, ...]) -> str:
    """Return a remark where torch's kernels with antialias err, empty elsewhere."""
    if view.parameters.antialias and out[-1] == 1 and out[0] != sides[0]:
        return (
            "A fault of torch: with antialias, outputs one column wide use the first row's "
            "weights everywhere."
        )
    return ""


def _spread(side: int, most: int) -> NDArray[np.int64]:
    indices: NDArray[np.int64] = np.linspace(0, side - 1, min(side, most)).round().astype(np.int64)
    return indices


def _at(values: Tensor, only: Indices) -> Tensor:
    for axis, indices in enumerate(only, start=1):
        values = values.index_select(axis, torch.from_numpy(indices))
    return values


def _share(view: View, only: Indices) -> str:
    """Say which outputs are compared, where not all are."""
    assert view.output is not None
    whole = tuple(len(indices) for indices in only) == view.output.shape[1:]
    if whole:
        return _channel(view)
    points = "×".join(str(len(indices)) for indices in only)
    return f", at {points} points{_channel(view)}"


def _channel(view: View) -> str:
    return ", first channel" if len(view.source) > 1 else ""


def checks(*, device: str = "cpu") -> tuple[Check, ...]:
    """Check the rules of the page on inputs and settings that bring them out.

    Args:
        device: Where torch computes; lanczos and uint8, which torch resizes on the CPU only, are
            computed there.
    """
    return (
        *_ramps(device),
        _cubic_ramp(device, antialias=False),
        _cubic_ramp(device, antialias=True),
        *_kernels(device),
        _against_slow(device),
        _trilinear(device),
        _area(device),
        _grid_sample(device),
        _opencv(device),
        _opencv_nearest(device),
        _pil(device),
        *_bytes(),
        _upsample(device),
    )


def _resized(image: Tensor, device: str, **call: Any) -> Tensor:
    """Resize on `device`, or on the CPU what torch has only there."""
    cpu_only = call["mode"] == "lanczos" or image.dtype == torch.uint8
    return resize(image, device="cpu" if cpu_only else device, **call)


def _noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def _ramp_error(n: int, call: Mapping[str, Any], device: str) -> float:
    """Resize 0..n-1, and compare it with the positions that torch should have read."""
    ramp = torch.arange(float(n))
    resized = resize(ramp[None], device=device, **call)[0]
    if call["mode"] in _PICKS:
        return _pick_error(n, resized, call)[0]
    positions = sample_positions(
        n,
        len(resized),
        mode=call["mode"],
        align_corners=call.get("align_corners") or False,
        scale_factor=call.get("scale_factor"),
    )
    return largest_difference(resized, positions.clamp(0, n - 1))


def _pick_error(n: int, resized: Tensor, call: Mapping[str, Any]) -> tuple[float, int]:
    """Compare the samples that were picked with exact fractions.

    Returns:
        The largest difference, less one where the exact product is a whole number, for there
        float32 may stop just below it; and how often it did.
    """
    m = len(resized)
    factor = call.get("scale_factor")
    step = Fraction(n, m) if factor is None else 1 / Fraction(repr(factor))
    half = Fraction(1, 2) if call["mode"] == "nearest-exact" else 0
    worst, below = 0.0, 0
    for i, picked in enumerate(resized.tolist()):
        exact = step * (i + half)
        if exact.denominator == 1 and picked == exact - 1:
            below += 1
        else:
            worst = max(worst, abs(picked - exact.__floor__()))
    return worst, below


def _ramps(device: str) -> list[Check]:
    lengths = list(itertools.product((2, 3, 5, 12, 50, 128), (1, 2, 3, 7, 8, 20, 53, 128, 201)))
    factors = list(itertools.product((4, 5, 12, 50), (0.3, 0.5, 0.7, 1.3, 2.0, 2.5, 3.7)))
    reference = "float64 positions, kept within 0 and n - 1"

    def worst(modes: tuple[str, ...], **flags: Any) -> float:
        return max(
            _ramp_error(n, {"size": m, "mode": mode, **flags}, device)
            for mode in modes
            for n, m in lengths
        )

    return [
        Check(
            "nearest and nearest-exact turn a ramp 0, 1, 2, ... into floor(i·n/m), "
            "floor((i + ½)·n/m)",
            f"exact fractions; {len(lengths)} pairs of lengths",
            worst(_PICKS),
            0.0,
            "Where the product is whole, torch's float32 may give one less.",
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "So does linear, with either align_corners",
            f"{reference}; {len(lengths)} pairs of lengths",
            max(worst(("linear",), align_corners=flag) for flag in (False, True)),
            _POSITION * 128,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "So do all three at factors that do not divide",
            f"exact fractions, float64 positions; {len(factors)} lengths and factors",
            max(
                _ramp_error(n, {"scale_factor": factor, "mode": mode}, device)
                for mode in ("nearest", "nearest-exact", "linear")
                for n, factor in factors
            ),
            _POSITION * 50,
            kind=Kind.INDEPENDENT,
        ),
    ]


def _cubic_ramp(device: str, *, antialias: bool) -> Check:
    n, m = 12, 40
    ramp = torch.arange(float(n))[None, None]
    resized = resize(ramp, size=(1, m), mode="bicubic", antialias=antialias, device=device)
    positions = sample_positions(n, m, mode="bicubic", antialias=antialias, axes=2)
    inside = (positions >= 1) & (positions <= n - 2)
    straight = largest_difference(resized[0, 0, inside], positions[inside])
    if antialias:
        return Check(
            "So does bicubic with antialias (a = -0.5), inside",
            "float64 positions, a pixel or more from the ends",
            straight,
            _POSITION * n,
            kind=Kind.INDEPENDENT,
        )
    return Check(
        "bicubic (a = -0.75) bends a ramp as its kernel says",
        "slow_resize in float64",
        largest_difference(resized, slow_resize(ramp, (1, m), mode="bicubic")),
        _POSITION * n,
        f"Off by up to {straight:.3f}: only a = -0.5 keeps a slope.",
        kind=Kind.INDEPENDENT,
    )


def _kernels(device: str) -> list[Check]:
    def error(mode: str, *, antialias: bool) -> float:
        n, zoom = 9, 16
        impulses = torch.eye(n)[:, None]
        response = _resized(impulses, device, size=(1, n * zoom), mode=mode, antialias=antialias)[
            :, 0
        ]
        positions = sample_positions(n, n * zoom, mode=mode, antialias=antialias, axes=2)
        distance = positions - torch.arange(n, dtype=torch.float64)[:, None]
        weights = kernel(KERNEL_OF[mode], distance, antialias=antialias)
        inside = (positions >= 2) & (positions <= n - 3)
        # cubic and linear sum to 1 as they are; Lanczos does only after division.
        return largest_difference(response[:, inside], (weights / weights.sum(dim=0))[:, inside])

    reference = "float64 kernel, 2 pixels or more from the ends"
    return [
        Check(
            "A single 1 spreads by the kernel: linear, cubic with a = -0.75",
            reference,
            max(error(mode, antialias=False) for mode in ("bilinear", "bicubic")),
            _POSITION * 9,
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "With antialias: linear, cubic with a = -0.5, Lanczos over its sum",
            reference,
            max(error(mode, antialias=True) for mode in ANTIALIASED),
            _POSITION * 9,
            kind=Kind.INDEPENDENT,
        ),
    ]


def _against_slow(device: str) -> Check:
    worst, count = 0.0, 0
    ways: tuple[dict[str, Any], ...] = (
        {"size": 11},
        {"size": 4},
        {"scale_factor": 1.3},
        {"scale_factor": 0.6},
        {"scale_factor": 0.6, "recompute_scale_factor": True},
    )
    for axes, modes in MODES_OF.items():
        image = _noise(2, *(7, 5, 6)[:axes], dtype=torch.float64)
        for mode, way in itertools.product(modes, ways):
            corners = (None,) if mode in (*WITHOUT_CORNERS, "lanczos") else (False, True)
            smooth = (False, True) if axes == 2 and mode in ANTIALIASED else (False,)
            for align_corners, antialias in itertools.product(corners, smooth):
                if mode == "lanczos" and not antialias:
                    continue
                fast = _resized(
                    image,
                    device,
                    mode=mode,
                    align_corners=align_corners,
                    antialias=antialias,
                    **way,
                )
                slow = slow_resize(
                    image,
                    output_size(image.shape[1:], **way),
                    mode=mode,
                    align_corners=bool(align_corners),
                    antialias=antialias,
                    scale_factor=None
                    if way.get("recompute_scale_factor")
                    else way.get("scale_factor"),
                )
                worst, count = max(worst, largest_difference(fast, slow)), count + 1
    return Check(
        f"Every mode, every flag, {count} float64 calls: as documented",
        "float64 matrices per axis",
        worst,
        1e-12,
        kind=Kind.INDEPENDENT,
    )


def _trilinear(device: str) -> Check:
    volume = _noise(2, 4, 6, 5)
    whole = resize(volume, size=(7, 4, 11), mode="trilinear", device=device)
    stepwise = volume
    for axis, side in ((1, 7), (2, 4), (3, 11)):
        lines = stepwise.movedim(axis, -1)
        resized = resize(lines.reshape(1, -1, lines.shape[-1])[0], size=side, mode="linear")
        stepwise = resized.reshape(*lines.shape[:-1], side).movedim(-1, axis)
    return Check(
        "trilinear is linear along depth, height, width in turn",
        'F.interpolate, mode="linear", three times',
        largest_difference(whole, stepwise),
        _POSITION * 6,
        kind=Kind.ANOTHER_PATH,
    )


def _area(device: str) -> Check:
    image = _noise(2, 30, 47, dtype=torch.float64)
    where = devices.device(device)
    error = max(
        largest_difference(
            resize(image, size=size, mode="area", device=device),
            F.adaptive_avg_pool2d(image[None].to(where), size)[0].cpu(),
        )
        for size in ((10, 20), (7, 47), (64, 50))
    )
    return Check(
        "area is adaptive average pooling, down and up",
        "F.adaptive_avg_pool2d, which torch calls for area",
        error,
        1e-15,
        kind=Kind.ANOTHER_PATH,
    )


def _grid_sample(device: str) -> Check:
    image, size = _noise(3, 16, 23), (31, 12)
    where = devices.device(device)
    error = 0.0
    for align_corners, mode in itertools.product((False, True), ("bilinear", "bicubic")):
        grid = F.affine_grid(
            torch.eye(2, 3, device=where)[None], [1, 3, *size], align_corners=align_corners
        )
        sampled = F.grid_sample(
            image[None].to(where),
            grid,
            mode=mode,
            padding_mode="border",
            align_corners=align_corners,
        )[0].cpu()
        resized = resize(image, size=size, mode=mode, align_corners=align_corners, device=device)
        error = max(error, largest_difference(resized, sampled))
    return Check(
        "Resizing samples the identity's grid, align_corners alike",
        'F.affine_grid and F.grid_sample, padding_mode="border"',
        error,
        _POSITION * 23,
        kind=Kind.ANOTHER_PATH,
    )


def _opencv(device: str) -> Check:
    image = _noise(1, 60, 90)
    error = max(
        largest_difference(
            resize(image, size=size, mode=mode, device=device),
            opencv_resize(image, size, mode=mode),
        )
        for mode, size in itertools.product(("bilinear", "bicubic"), ((131, 203), (23, 37)))
    )
    return Check(
        "bilinear and bicubic without antialias equal OpenCV",
        "cv2.resize, INTER_LINEAR and INTER_CUBIC",
        error,
        2e-5,
        kind=Kind.INDEPENDENT,
    )


def _opencv_nearest(device: str) -> Check:
    sides = (range(1, 33), range(1, 49))
    apart, pairs, elsewhere = 0, 0, 0.0
    for n, m in itertools.product(*sides):
        ramp = torch.arange(float(n))[None, None]
        off = (
            resize(ramp, size=(1, m), mode="nearest", device=device)
            - opencv_resize(ramp, (1, m), mode="nearest")
        )[0, 0].abs()
        tied = torch.arange(m) * n % m == 0
        pairs, apart = pairs + 1, apart + bool(off.any())
        # Between two pixels either may be taken.
        elsewhere = max(elsewhere, float(torch.where(tied, off - 1, off).max()))
    return Check(
        "nearest takes cv2.INTER_NEAREST's pixel, or its neighbour where i·n/m is whole",
        "cv2.resize, INTER_NEAREST; 1 to 32 pixels to 1 to 48",
        max(elsewhere, 0.0),
        0.0,
        f"A neighbour at {apart} of {pairs} pairs of sizes: torch multiplies in float32, "
        "OpenCV in float64.",
        kind=Kind.INDEPENDENT,
    )


def _pil(device: str) -> Check:
    image = _noise(1, 60, 90)
    error = max(
        largest_difference(
            _resized(image, device, size=size, mode=mode, antialias=True),
            pil_resize(image, size, mode=mode),
        )
        for mode, size in itertools.product(ANTIALIASED, ((131, 203), (23, 37)))
    )
    return Check(
        "bilinear, bicubic and lanczos with antialias equal PIL",
        "PIL.Image.resize, BILINEAR, BICUBIC and LANCZOS",
        error,
        2e-5,
        kind=Kind.INDEPENDENT,
    )


def _bytes() -> list[Check]:
    levels = (_noise(1, 60, 90) * 255).round().to(torch.uint8)
    by_pil = max(
        largest_difference(
            resize(levels, size=size, mode=mode, antialias=True),
            pil_resize(levels, size, mode=mode),
        )
        for mode, size in itertools.product(ANTIALIASED, ((131, 203), (23, 37)))
    )
    size = (131, 203)
    ours = resize(levels, size=size, mode="bicubic")
    once = slow_resize(levels, size, mode="bicubic").round().clamp(0, 255)
    rows, columns = (
        torch.from_numpy(axis_weights(n, m, mode="bicubic", axes=2))
        for n, m in zip((60, 90), size, strict=True)
    )
    between = (levels.double() @ columns.T).round().clamp(0, 255)
    twice = (rows @ between).round().clamp(0, 255)
    return [
        Check(
            "uint8 with antialias equals PIL to one level of 255",
            "PIL.Image.resize, mode L",
            by_pil,
            1.0,
            "Both round between the axes.",
            kind=Kind.INDEPENDENT,
        ),
        Check(
            "On uint8 bicubic rounds and clamps twice: after the columns and last",
            "float64 weights, clamped after each axis; in levels",
            largest_difference(ours, twice),
            1.0,
            f"Clamped last alone, as in OpenCV: up to {largest_difference(ours, once):.0f} "
            "levels off.",
            kind=Kind.INDEPENDENT,
        ),
    ]


def _upsample(device: str) -> Check:
    where = devices.device(device)
    image = _noise(3, 9, 14)
    error = max(
        largest_difference(
            nn.Upsample(mode=mode, **call)(image[None].to(where))[0].cpu(),
            resize(image, mode=mode, device=device, **call),
        )
        for mode in ("nearest", "bilinear", "bicubic")
        for call in ({"scale_factor": 2.0}, {"scale_factor": 1.3}, {"size": (5, 20)})
    )
    return Check(
        "nn.Upsample is F.interpolate",
        "nn.Upsample, which calls it",
        error,
        0.0,
        kind=Kind.ANOTHER_PATH,
    )


_IN = (60, 90)
_CASES = (
    ("60×90 to 131×203, float32", (131, 203), torch.float32),
    ("to 30×45, float32", (30, 45), torch.float32),
    ("to 26×35, float32", (26, 35), torch.float32),
    ("to 131×203, uint8, in levels", (131, 203), torch.uint8),
    ("to 26×35, uint8, in levels", (26, 35), torch.uint8),
)

_WHY_OPENCV = {
    "nearest": "Both read floor(i · in / out), torch in float32, OpenCV in float64: where it is "
    "whole, they may part. Row 13 of 26: torch takes 30, OpenCV 29.",
    "nearest-exact": "Both read under the output's centre. Row 65 of 131 ties: torch takes "
    "30, OpenCV 29.",
    "bilinear": "Same weights. On uint8 torch rounds per axis, OpenCV in fixed point: one level.",
    "bicubic": "Both a = -0.75. On uint8 torch also clamps between axes.",
    "area": "Whole blocks average alike. A pixel half covered counts half in OpenCV, whole "
    "in torch. On uint8, torch's float32 is rounded.",
    "lanczos": "torch: six taps, widened by the reduction; OpenCV: eight, never widened.",
}
_WHY_PIL = {
    ("nearest", False): "PIL reads under the output's centre, nearest under its upper left corner.",
    ("nearest-exact", False): "Both read under the output's centre. Row 65 of 131 ties: "
    "torch takes 30, PIL 29.",
    ("bilinear", False): "Reducing, PIL always widens the kernel, torch only with antialias=True.",
    ("bilinear", True): "The same widened kernel.",
    ("bicubic", False): "torch: a = -0.75. PIL: a = -0.5, kernel widened by the reduction.",
    ("bicubic", True): "With antialias torch too has a = -0.5 and widens.",
    ("area", False): "Whole blocks average alike. Else BOX takes pixels whose centre is "
    "covered, torch all it touches. On uint8, torch's float32 is rounded.",
    ("lanczos", True): "The same six widened taps.",
}


def agreements(*, device: str = "cpu") -> tuple[Agreement, ...]:
    """Compare each mode with OpenCV and with PIL, on one picture of noise.

    Args:
        device: Where torch computes; lanczos and uint8, which torch resizes on the CPU only, are
            computed there.
    """
    found = []
    for mode in MODES_OF[2]:
        ours = {
            antialias: tuple(
                _ours(size, dtype, mode, antialias=antialias, device=device)
                for _, size, dtype in _CASES
            )
            for antialias in ((False, True) if mode in ANTIALIASED else (False,))
            if antialias or mode != "lanczos"
        }
        name, _ = OPENCV[mode]
        plain = mode == "lanczos"
        by_opencv = tuple(
            opencv_resize(_picture(dtype), size, mode=mode) for _, size, dtype in _CASES
        )
        found.append(
            Agreement(
                _named(mode, antialias=plain),
                f"cv2.{name}",
                _differences(ours[plain], by_opencv, mode),
                _WHY_OPENCV[mode],
            )
        )
        by_pil = tuple(pil_resize(_picture(dtype), size, mode=mode) for _, size, dtype in _CASES)
        found.extend(
            Agreement(
                _named(mode, antialias=antialias),
                f"PIL {PIL[mode].name}",
                _differences(made, by_pil, mode),
                _WHY_PIL[mode, antialias],
            )
            for antialias, made in ours.items()
        )
    # OpenCV's rows first: the reader compares one library at a time.
    return tuple(sorted(found, key=lambda row: row.theirs.startswith("PIL")))


def _ours(
    size: tuple[int, int], dtype: torch.dtype, mode: str, *, antialias: bool, device: str
) -> Tensor:
    picture = _picture(dtype)
    if mode == "area" and dtype == torch.uint8:
        return _resized(picture.float(), device, size=size, mode=mode).round()
    return _resized(picture, device, size=size, mode=mode, antialias=antialias)


def _picture(dtype: torch.dtype) -> Tensor:
    noise = _noise(1, *_IN)
    return noise if dtype == torch.float32 else (noise * 255).round().to(dtype)


def _differences(
    ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...], mode: str
) -> tuple[Difference, ...]:
    copies = mode in _PICKS
    return tuple(
        Difference(
            case,
            largest_difference(a, b),
            0.0 if copies else 1.0 if dtype == torch.uint8 else 2e-5,
        )
        for (case, _, dtype), a, b in zip(_CASES, ours, theirs, strict=True)
    )


def _named(mode: str, *, antialias: bool) -> str:
    return f"{mode}, antialias=True" if antialias else mode
