"""The window on picture and output, and the kernel's share in each: from torch's own Jacobian."""

import dataclasses
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explainers.layers.convolution import reference
from explainers.linkage import Linkage, linkage
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.states import Trace

_TAPS = 25
"""Numbers of the largest kernel: as many pixels an output may have."""


def refused(trace: Trace) -> bool:
    """Return whether torch refused the program."""
    return trace.failure is not None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Hold a run's picture, kernel and output as NumPy sees them.

    Attributes:
        bordered: The picture with its border, float64.
        kernel: As the reader set it, float64.
        output: What torch gave.
    """

    bordered: reference.Array
    kernel: reference.Array
    output: reference.Array

    @staticmethod
    def rows(text: str) -> list[list[float]]:
        """Return the numbers that a parameter spells."""
        return [[float(cell) for cell in row.split(",")] for row in text.split(";")]

    @classmethod
    def of(cls, trace: Trace, settings: Any) -> Self:
        """Return a run's, with NumPy's border."""
        kernel = np.array(cls.rows(settings.kernel), np.float32).astype(np.float64)
        rows, columns = (
            reference.sides(settings.padding, size, settings.dilation) for size in kernel.shape
        )
        picture, output = (_array(trace, name) for name in ("picture", "y"))
        bordered = reference.padded(picture, rows, columns, settings.mode)
        return cls(bordered, kernel, output.reshape(output.shape[2:]))

    @classmethod
    def unfit(cls, trace: Trace, settings: Any) -> bool:
        """Return whether torch has a reason to refuse: a stride with same, a large kernel."""
        if settings.padding == "same":
            return bool(settings.stride > 1)
        kernel = np.array(cls.rows(settings.kernel))
        longest = max(reference.span(size, settings.dilation) for size in kernel.shape)
        room: int = _array(trace, "picture").shape[0] + 2 * int(settings.padding)
        return longest > room

    def apart(self, found: reference.Array, expected: reference.Array) -> float:
        """Return the largest difference, by the largest sum of magnitudes under a window."""
        if found.shape != expected.shape:
            return float("inf")
        most = np.abs(self.kernel).sum() * np.abs(self.bordered).max()
        return float(np.abs(found - expected).max() / max(most, 1e-9))


def _array(trace: Trace, name: str) -> reference.Array:
    state = final(trace, name)
    return np.array(state.values, np.float64).reshape(state.shape)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Hold the layer's input, kernel and output, and which made which.

    Attributes:
        picture: ``(8, 8)``.
        kernel: ``(h, w)``.
        output: ``(H', W')``; None where torch refused.
        pixels: From picture to output: its weights are the kernel's numbers.
        weights: From kernel to output: its weights are the pixels.
        span: Rows and columns of the picture that a window spans.
        refusal: What torch said; empty where it did not refuse.
    """

    picture: Tensor
    kernel: Tensor
    output: Tensor | None
    pixels: Linkage | None
    weights: Linkage | None
    span: tuple[int, int]
    refusal: str = ""


def windows(trace: Trace, settings: Any, *, flip: bool = False) -> Windows:
    """Return the windows of the lesson's run; `flip` is another layer's, an error."""
    picture, kernel = (
        torch.from_numpy(_array(trace, name)).float() for name in ("picture", "kernel")
    )
    rows, columns = (reference.span(size, settings.dilation) for size in kernel.shape)
    if trace.failure is not None:
        return Windows(picture, kernel, None, None, None, (rows, columns), trace.failure.message)
    padding = settings.padding if settings.padding == "same" else int(settings.padding)
    conv = nn.Conv2d(
        1,
        1,
        (kernel.shape[0], kernel.shape[1]),
        stride=settings.stride,
        padding=padding,
        dilation=settings.dilation,
        padding_mode=settings.mode,
        bias=False,
    )

    # As the layer itself does for all modes but zeros; for an even kernel of same, torch warns of
    # the copy that it makes.
    border = conv._reversed_padding_repeated_twice
    mode = "constant" if settings.mode == "zeros" else settings.mode

    def layer(pixels: Tensor, weights: Tensor) -> Tensor:
        weight = (weights.flip(0, 1) if flip else weights)[None, None]
        bordered = functional.pad(pixels[None, None], border, mode=mode)
        return functional.conv2d(bordered, weight, None, conv.stride, 0, conv.dilation)[0, 0]

    return Windows(
        picture,
        kernel,
        torch.from_numpy(_array(trace, "y")).float()[0, 0],
        linkage(lambda x: layer(x, kernel), (8, 8), top=_TAPS, at=picture),
        linkage(
            lambda k: layer(picture, k), (kernel.shape[0], kernel.shape[1]), top=_TAPS, at=kernel
        ),
        (rows, columns),
    )


def _sums(found: Windows, settings: Any) -> float:
    """How far each output is from the sum of its linked pixels, and of its linked weights."""
    if found.output is None:
        return 0.0
    most = float(found.kernel.abs().sum() * found.picture.abs().max())
    return max(
        float(np.abs(_summed(source, links) - found.output.numpy()).max()) / max(most, 1e-9)
        for source, links in ((found.picture, found.pixels), (found.kernel, found.weights))
    )


def _summed(source: Tensor, links: Linkage | None) -> reference.Array:
    assert links is not None
    values, indices = source.numpy().reshape(-1), links.indices.numpy()
    weights = np.where(indices >= 0, links.weights.numpy(), 0.0).astype(np.float64)
    summed: reference.Array = (values[indices] * weights).sum(-1)
    return summed


def _places(found: Windows, settings: Any) -> float:
    """How far the linked weights are from the kernel's numbers laid where each window stands."""
    if found.pixels is None:
        return 0.0
    rows, columns = (
        reference.sides(settings.padding, size, settings.dilation) for size in found.kernel.shape
    )
    # Which pixel each cell of the bordered picture holds; a zero of the border holds none.
    numbered = np.arange(1, 65).reshape(8, 8).astype(np.float64)
    held = reference.padded(numbered, rows, columns, settings.mode)
    expected = np.zeros((*found.pixels.out_shape, 65))
    for top, left in np.ndindex(*found.pixels.out_shape):
        for (i, j), weight in np.ndenumerate(found.kernel.numpy()):
            at = held[
                top * settings.stride + i * settings.dilation,
                left * settings.stride + j * settings.dilation,
            ]
            expected[top, left, int(at)] += weight
    given = found.pixels.dense().numpy().reshape(*found.pixels.out_shape, 64)
    return float(np.abs(given - expected[..., 1:]).max())


LINKED = Figure(
    title="Under the window",
    result=windows,
    edits="kernel",
    leads=True,
    proofs=(
        FigureProof(
            "The weights in the loupe are the kernel's numbers, laid where each window stands.",
            "a loop over windows and taps, on NumPy's padding",
            _places,
            twin=lambda trace, settings: windows(trace, settings, flip=True),
            tolerance=1e-5,
        ),
        FigureProof(
            "The sums in both loupes are the output: pixels times weights, either way round.",
            "sums in NumPy, float64",
            _sums,
            twin=("y = conv(picture[None, None])", "y = conv(picture.T[None, None])"),
            tolerance=1e-6,
        ),
    ),
)
