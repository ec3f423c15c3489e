"""Draw the signal: samples to drag, what a resize reads between them, and with what weights."""

import base64
import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from ui.component import Component

__all__ = ["SIGNAL", "resized", "signal", "signal_data"]

MOST_SAMPLES = 64
MOST_OUTPUTS = 512
MOST_POINTS = 4096  # of a curve
DECIMALS = 2  # of an edited sample
OUTSIDE_TEXT = "the edge sample is used"

SIGNAL = Component("torch_loupe_signal", "plot", "signal", kind=("signal", "Signal"))


def signal(
    samples: Tensor,
    weights: Tensor,
    positions: Tensor,
    centres: Tensor,
    *,
    curve_x: Tensor,
    curve_weights: Tensor,
    kernel_x: Tensor,
    kernel_y: Tensor,
    key: str,
    alt: str,
    minimum: float,
    maximum: float,
    on_edit: Callable[[list[float]], None] | None = None,
    outside_text: str = OUTSIDE_TEXT,
) -> None:
    """Show a row of samples, its resized row, and how each output is made of the samples.

    Its page sends the code of `SIGNAL`.

    Hovering, tapping or walking to an output shows where it reads, the weights it gives to the
    samples, and the weighted sum. A dragged sample moves the outputs at once, by the same weights.
    x is in input pixels: pixel j spans j - 0.5 to j + 0.5.

    Args:
        samples: ``(n,)`` float, 1 to 64 input samples.
        weights: ``(m, n)`` float, d out / d in, m from 1 to 512. The outputs are
            ``weights @ samples``.
        positions: ``(m,)`` float, where each output reads, in input pixels. It may lie outside
            0 to n - 1.
        centres: ``(m,)`` float, the centre of each output pixel, in input pixels.
        curve_x: ``(k,)`` float, not falling, k from 1 to 4096: where a very fine resize reads.
        curve_weights: ``(k, n)`` float, its d out / d in.
        kernel_x: ``(p,)`` float, not falling: offsets from a position, in input pixels. Empty
            where there is no kernel.
        kernel_y: ``(p,)`` float, the kernel's weights there.
        key: Name of the signal, unique on its page. A pinned output outlives new data of as many
            outputs under the same key.
        alt: What there is to see, for those who do not see it.
        minimum: Smallest value of a sample.
        maximum: Largest value of a sample.
        on_edit: Called in Streamlit's callback with all n samples once one was dragged, or moved
            by a key: within the bounds, rounded to two decimals. None makes the samples plain.
        outside_text: What an output does that reads outside 0 to n - 1; ends a sentence.

    Raises:
        ValueError: Shapes disagree, a number is not finite, a row of x falls, or a sample lies
            out of bounds.
    """
    data = signal_data(
        samples,
        weights,
        positions,
        centres,
        curve_x=curve_x,
        curve_weights=curve_weights,
        kernel_x=kernel_x,
        kernel_y=kernel_y,
        minimum=minimum,
        maximum=maximum,
    )
    data |= {"alt": alt, "editable": on_edit is not None, "outside_text": outside_text}
    count = len(samples)

    def edited(sent: object) -> None:
        values = _accepted(sent, count, minimum, maximum)
        if on_edit is not None and values is not None:
            on_edit(values)

    SIGNAL.draw(data, key=key, on_edit=None if on_edit is None else edited)


class Resized(Protocol):
    """What `resized` draws: tensors of those names, shaped as `signal` wants them."""

    @property
    def samples(self) -> Tensor: ...

    @property
    def weights(self) -> Tensor: ...

    @property
    def positions(self) -> Tensor: ...

    @property
    def centres(self) -> Tensor: ...

    @property
    def curve_x(self) -> Tensor: ...

    @property
    def curve_weights(self) -> Tensor: ...

    @property
    def kernel_x(self) -> Tensor: ...

    @property
    def kernel_y(self) -> Tensor: ...


def resized(line: Resized, **more: Any) -> None:
    """Show a resized line; `more` are `signal`'s other arguments."""
    signal(
        line.samples,
        line.weights,
        line.positions,
        line.centres,
        curve_x=line.curve_x,
        curve_weights=line.curve_weights,
        kernel_x=line.kernel_x,
        kernel_y=line.kernel_y,
        **more,
    )


def signal_data(
    samples: Tensor,
    weights: Tensor,
    positions: Tensor,
    centres: Tensor,
    *,
    curve_x: Tensor,
    curve_weights: Tensor,
    kernel_x: Tensor,
    kernel_y: Tensor,
    minimum: float,
    maximum: float,
) -> dict[str, Any]:
    """Pack a signal for the browser: float32, little-endian, in base64.

    Returns:
        ``samples``, ``positions``, ``centres``, ``curve_x``, ``kernel_x`` and ``kernel_y``, packed;
        ``weights`` and ``curve_weights``, each with ``width``, ``first`` (uint8) and ``values``
        ``(rows, width)``: a row is zero outside the ``width`` columns from its ``first``;
        ``minimum``, ``maximum``; ``start``, the output to show first.

    Raises:
        ValueError: As `signal`.
    """
    if not (math.isfinite(minimum) and math.isfinite(maximum) and minimum < maximum):
        raise ValueError(f"minimum must be finite and below maximum, got {minimum} and {maximum}")
    n = _length("samples", samples, 1, MOST_SAMPLES)
    m = _length("positions", positions, 1, MOST_OUTPUTS)
    k = _length("curve_x", curve_x, 1, MOST_POINTS)
    p = _length("kernel_x", kernel_x, 0, MOST_POINTS)
    for name, values, shape in (
        ("weights", weights, (m, n)),
        ("centres", centres, (m,)),
        ("curve_weights", curve_weights, (k, n)),
        ("kernel_y", kernel_y, (p,)),
    ):
        if tuple(values.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {tuple(values.shape)}")
    rows = {
        "samples": samples,
        "positions": positions,
        "centres": centres,
        "curve_x": curve_x,
        "kernel_x": kernel_x,
        "kernel_y": kernel_y,
    }
    for name, values in (rows | {"weights": weights, "curve_weights": curve_weights}).items():
        if not values.isfinite().all():
            raise ValueError(f"{name} must be finite, got inf or nan")
    for name, values in (("curve_x", curve_x), ("kernel_x", kernel_x)):
        if (values.diff() < 0).any():
            raise ValueError(f"{name} must not fall, got a step of {float(values.diff().min()):g}")
    # Of float32: a bound such as 0.1 is met by the sample 0.1.
    low, high = torch.tensor([minimum, maximum], dtype=torch.float32)
    given = samples.detach().cpu().float()
    outside = given[(given < low) | (given > high)]
    if len(outside):
        raise ValueError(
            f"samples must lie from {minimum:g} to {maximum:g}, got {float(outside[0]):g}"
        )
    return {name: _packed(values, "<f4") for name, values in rows.items()} | {
        "weights": _banded(weights),
        "curve_weights": _banded(curve_weights),
        "minimum": float(minimum),
        "maximum": float(maximum),
        "start": _start(weights),
    }


def _length(name: str, values: Tensor, least: int, most: int) -> int:
    shape = tuple(values.shape)
    if len(shape) != 1 or not least <= shape[0] <= most:
        raise ValueError(f"{name} must have 1 dimension of {least} to {most}, got shape {shape}")
    return shape[0]


def _packed(values: Tensor, dtype: str) -> str:
    if values.is_floating_point():
        values = values.float()  # numpy has no bfloat16
    array = values.detach().cpu().numpy().astype(dtype)
    return base64.b64encode(array.tobytes()).decode("ascii")


def _banded(weights: Tensor) -> dict[str, Any]:
    """Pack rows that are zero but for a few columns, which move along from row to row."""
    weights = weights.detach().cpu().float()
    columns = weights.shape[1]
    present = weights != 0
    numbers = torch.arange(columns).expand_as(weights)
    last = numbers.where(present, 0).amax(dim=1)
    first = numbers.where(present, columns).amin(dim=1).minimum(last)
    width = int((last - first).max()) + 1
    first = first.clamp(max=columns - width)
    values = weights.gather(1, first[:, None] + torch.arange(width))
    return {"width": width, "first": _packed(first, "u1"), "values": _packed(values, "<f4")}


def _start(weights: Tensor) -> int:
    """Return the output nearest the middle that most samples have a part in."""
    count = (weights.detach().cpu().abs() > 1e-6).sum(dim=1)
    distance = (torch.arange(len(weights)) - (len(weights) - 1) / 2).abs()
    return int(distance.where(count == count.max(), torch.inf).argmin())


def _accepted(value: object, count: int, minimum: float, maximum: float) -> list[float] | None:
    """Return the samples that a browser sent, rounded, or None when they are not samples."""
    if not isinstance(value, list) or len(value) != count:
        return None
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        if not minimum <= number <= maximum:  # nan is not, either
            return None
    return [min(max(round(float(number), DECIMALS), minimum), maximum) for number in value]
