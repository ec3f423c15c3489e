"""Unfold: each window becomes a column, and a convolution one product; fold adds up."""

import dataclasses

import numpy as np

from explainers.evidence import Verdict
from explainers.layers.transposed.listing import LISTS
from explainers.layers.transposed.reference import Array, columns, correlated, held
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable/generated"
_HEAD = "import torch\nimport torch.nn.functional as F\n\n"


@dataclasses.dataclass(frozen=True)
class Unfolding(Parameters):
    """Say which windows of 3 × 4 pixels there are."""

    kernel_size: str = choice(
        "(2, 3)", ("(2, 3)", "(2, 2)", "(3, 3)", "(1, 1)"), label="kernel_size", help="Of a window."
    )
    stride: int = number(
        1, label="stride", help="From one window to the next.", minimum=1, maximum=2, step=1
    )
    padding: int = number(0, label="padding", help="Zeros around.", minimum=0, maximum=1, step=1)
    channels: int = number(1, label="channels", help="Of x.", minimum=1, maximum=2, step=1)


PROGRAM = """
import torch
import torch.nn.functional as F

x = torch.arange(1., ${channels} * 12 + 1).view(1, ${channels}, 3, 4)
columns = F.unfold(x, ${kernel_size}, stride=${stride}, padding=${padding})

weight = torch.ones(1, ${channels}, *${kernel_size}).cumsum(3)
conv = F.conv2d(x, weight, stride=${stride}, padding=${padding})
product = (weight.view(1, -1) @ columns).view(conv.shape)

again = F.fold(columns, (3, 4), ${kernel_size}, stride=${stride}, padding=${padding})
ones = F.unfold(torch.ones_like(x), ${kernel_size}, stride=${stride}, padding=${padding})
count = F.fold(ones, (3, 4), ${kernel_size}, stride=${stride}, padding=${padding})
"""


def _x(settings: Unfolding) -> Array:
    return np.arange(1.0, settings.channels * 12 + 1).reshape(settings.channels, 3, 4)


def window(settings: Unfolding) -> tuple[int, ...]:
    """Return the sides of a window."""
    return tuple(int(side) for side in settings.kernel_size.strip("()").split(","))


def _gap(found: Array, expected: Array) -> float:
    if found.shape != expected.shape:
        return float("inf")
    return difference(found.ravel().tolist(), expected.ravel().tolist())


def _columns(trace: Trace, settings: Unfolding) -> float:
    expected = columns(
        _x(settings), window(settings), stride=settings.stride, padding=settings.padding
    )
    return _gap(held(trace, "columns")[0], expected)


def _product(trace: Trace, settings: Unfolding) -> float:
    sides = window(settings)
    weight = np.ones((settings.channels, *sides)).cumsum(2)
    expected = correlated(_x(settings), weight, stride=settings.stride, padding=settings.padding)
    return max(_gap(held(trace, name)[0, 0], expected) for name in ("conv", "product"))


def _folded(trace: Trace, settings: Unfolding) -> float:
    high, wide = window(settings)
    p = settings.padding
    count = np.zeros((3 + 2 * p, 4 + 2 * p))
    for row in range(0, 3 + 2 * p - high + 1, settings.stride):
        for column in range(0, 4 + 2 * p - wide + 1, settings.stride):
            count[row : row + high, column : column + wide] += 1
    inside = np.broadcast_to(count[p : 3 + p, p : 4 + p], _x(settings).shape)
    return max(
        _gap(held(trace, "count")[0], inside), _gap(held(trace, "again")[0], _x(settings) * inside)
    )


def _shape(trace: Trace) -> tuple[Verdict, str]:
    shape = final(trace, "output").shape
    return Verdict.HOLDS if shape == (2, 30, 4) else Verdict.WRONG, f"{shape}"


def _flattened(trace: Trace) -> tuple[Verdict, str]:
    x, found = held(trace, "x"), held(trace, "output")
    expected = columns(x[0], (2, 3), stride=1, padding=0)
    right = found.shape[1:] == expected.shape and np.array_equal(found[0], expected)
    return (
        Verdict.HOLDS if right else Verdict.WRONG,
        f"column 0 is {[int(value) for value in found[0, :, 0]]}",
    )


UNFOLDING = Lesson(
    slug="unfold",
    title="unfold: windows as columns",
    notice="Each of the four windows of 2 × 3 is a column of six; a pixel stands in as many "
    "columns as windows hold it.",
    program=PROGRAM,
    parameters=Unfolding,
    presets=(
        Preset("Windows of 2 × 3", "Four windows fit, each a column of six.", Unfolding()),
        Preset(
            "Side by side",
            "Windows of 2 × 2, 2 apart, do not overlap; the last row is in none and comes back 0.",
            Unfolding(kernel_size="(2, 2)", stride=2),
        ),
        Preset(
            "Two channels",
            "A column holds channel 0's window, then channel 1's.",
            Unfolding(channels=2),
        ),
        Preset(
            "Padding 1",
            "Windows hang over the border, and hold zeros there.",
            Unfolding(kernel_size="(3, 3)", padding=1),
        ),
        Preset(
            "Windows of 1 × 1",
            "Each pixel is a column of its own, and fold gives x back.",
            Unfolding(kernel_size="(1, 1)"),
        ),
    ),
    opens="columns = F.unfold",
    notes={
        "columns = F.unfold": "Of shape (batch, channels · rows · columns of a window, windows).",
        "product = ": "The kernel as a row, times the columns: all outputs in one product.",
        "again = F.fold": "Each entry is added to its pixel: fold is unfold's transposed.",
        "count = F.fold": "How many windows hold each pixel.",
    },
    # Not what fold gives: its storage is as large as the columns, and its end is never written.
    shows=("x", "columns", "weight", "conv", "product"),
    slips=(
        Slip(
            title="fold of unfold is not the picture",
            program=_HEAD + "x = torch.ones(1, 1, 4, 4)\npatches = F.unfold(x, 3)\n"
            "count = F.fold(F.unfold(torch.ones_like(x), 3), (4, 4), 3)\n"
            "again = F.fold(patches, (4, 4), 3) / count\nsame = torch.isclose(again, x)",
            wrong="again = F.fold(patches, (4, 4), 3)",
            right="again = F.fold(patches, (4, 4), 3) / count",
            lesson="fold adds what overlaps: only the corners, which one window holds, come back "
            "as they were. Divide by the count, which is fold of unfold of ones.",
            source=("pytorch#7519", "https://github.com/pytorch/pytorch/issues/7519"),
            shows=("x", "patches", "same"),
            opens="same = ",
        ),
        Slip(
            title="rows of unfold taken for pixel, then channel",
            program=_HEAD + "x = torch.arange(8.).view(1, 2, 2, 2)\n"
            "patch = F.unfold(x, 2).view(1, 2, 4, 1)\nfirst = patch[0, 0, :, 0]",
            wrong="patch = F.unfold(x, 2).view(1, 4, 2, 1).transpose(1, 2)",
            right="patch = F.unfold(x, 2).view(1, 2, 4, 1)",
            lesson="A column goes channel by channel: first is channel 0, not a mixture of both.",
            source=("involution#18", "https://github.com/d-li14/involution/issues/18"),
            shows=("x", "patch", "first"),
        ),
        Slip(
            title="windows and pixels in one flat row",
            program=_HEAD + "x = torch.arange(32.).view(1, 2, 4, 4)\n"
            "patches = F.unfold(x, 2, stride=2).transpose(1, 2)\nfirst = patches[0, 0]",
            wrong="patches = x.unfold(2, 2, 2).unfold(3, 2, 2).reshape(1, -1, 8)",
            right="patches = F.unfold(x, 2, stride=2).transpose(1, 2)",
            lesson="Tensor.unfold appends an axis: (batch, channel, …, 2, 2). Reshaped as it is, a "
            "row of 8 holds two windows of one channel, not both channels of one window.",
            source=("pytorch-vit#7", "https://github.com/gupta-abhay/pytorch-vit/issues/7"),
            shows=("x", "patches", "first"),
        ),
    ),
    proofs=(
        Proof(
            "Each column is a window: channel by channel, row by row; windows in reading order.",
            "slices of the padded picture, in NumPy",
            _columns,
            twin=("columns = F.unfold(x,", "columns = F.unfold(x.flip(3),"),
        ),
        Proof(
            "The kernel as a row, times the columns, is the convolution.",
            "a loop over windows in NumPy, float64",
            _product,
            twin=("(weight.view(1, -1) @", "(weight.flip(3).reshape(1, -1) @"),
            tolerance=1e-3,
        ),
        Proof(
            "fold of unfold is each pixel times the number of windows that hold it.",
            "windows counted in NumPy",
            _folded,
            twin=("again = F.fold(columns,", "again = F.fold(columns.flip(2),"),
        ),
    ),
    statements=(
        Statement(
            says="nn.Unfold(kernel_size=(2, 3)) of (2, 5, 3, 4) is (2, 30, 4).",
            where="BatchNorm2d, nn.Unfold",
            program="import torch\nfrom torch import nn\nunfold = nn.Unfold(kernel_size=(2, 3))\n"
            "output = unfold(torch.randn(2, 5, 3, 4))",
            judge=_shape,
            truth="It is: 5 · 2 · 3 rows, and 2 · 2 windows.",
            twin=("nn.Unfold(kernel_size=(2, 3))", "nn.Unfold(kernel_size=(2, 3), stride=2)"),
        ),
        Statement(
            says="Unfold flattens all that is in a block into one dimension.",
            where="BatchNorm2d, nn.Unfold",
            program="import torch\nfrom torch import nn\n"
            "x = torch.arange(24.).view(1, 2, 3, 4)\noutput = nn.Unfold((2, 3))(x)",
            judge=_flattened,
            truth="It does, a block to a column: all of one channel, then the next.",
            twin=("nn.Unfold((2, 3))(x)", "nn.Unfold((2, 3))(x.flip(1))"),
        ),
    ),
    figure=LISTS,
    ask=Ask(
        text="x = torch.ones(1, 1, 3, 3). What stands in the middle of "
        "F.fold(F.unfold(x, 2), (3, 3), 2)?",
        program="import torch\nimport torch.nn.functional as F\nx = torch.ones(1, 1, 3, 3)\n"
        "middle = int(F.fold(F.unfold(x, 2), (3, 3), 2)[0, 0, 1, 1])",
        answer=lambda trace: final(trace, "middle").text,
        options=("1", "2", "4", "9"),
        because="Four windows of 2 × 2 hold the middle, and fold adds all of them.",
    ),
    references=(
        ("torch.nn.Unfold", f"{_DOCS}/torch.nn.Unfold.html"),
        ("torch.nn.Fold", f"{_DOCS}/torch.nn.Fold.html"),
    ),
    terms=("im2col", "col2im", "nn.Unfold", "nn.Fold", "patches"),
)
