"""The window and its sum: a kernel moves over a picture and is never flipped."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Verdict
from explainers.layers.convolution import reference
from explainers.layers.convolution.linking import LINKED, Laid, refused
from explainers.parameters import Parameters, Preset, choice, number, numbers
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_CONV2D = ("torch.nn.Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")
_NOTES = "1, 0, -1, 0, 1; 1, 0, -1, 1, 0; -1, 1, 0, 1, 1; 1, 0, -1, 0, 1; 1, 0, -1, 1, 0"
_SOBEL = "-1, 0, 1; -2, 0, 2; -1, 0, 1"
_TURNED = (
    "The one bright pixel comes out as the kernel turned by 180°: torch correlates, without a flip."
)


@dataclasses.dataclass(frozen=True)
class Window(Parameters):
    """Say which picture the kernel moves over, and how."""

    picture: str = choice(
        "impulse",
        ("impulse", "letter", "ramp"),
        label="picture",
        help="One pixel of 1, a letter of ones, or 0 to 63.",
    )
    kernel: str = numbers(
        "1, 2, 3; 4, 5, 6; 7, 8, 9",
        label="kernel",
        help="The weights, row by row.",
        minimum=-9,
        maximum=9,
        rows=(1, 5),
        columns=(1, 5),
    )
    stride: int = number(
        1, label="stride", help="Pixels from one window to the next.", minimum=1, maximum=3
    )
    padding: str = choice(
        "1",
        ("0", "1", "2", "same"),
        label="padding",
        help="Pixels added on each side; same keeps the size.",
    )
    dilation: int = number(
        1, label="dilation", help="Pixels from one tap to the next.", minimum=1, maximum=3
    )
    mode: str = choice(
        "zeros",
        ("zeros", "reflect", "replicate", "circular"),
        label="padding_mode",
        help="What the added pixels hold.",
    )


PROGRAM = """
import torch
from torch import nn

${picture}
kernel = torch.tensor(${kernel})
conv = nn.Conv2d(
    1, 1, kernel.shape, stride=${stride}, padding=${padding},
    dilation=${dilation}, padding_mode="${mode}", bias=False,
)
conv.weight = nn.Parameter(kernel[None, None], requires_grad=False)
y = conv(picture[None, None])
"""


def _expected(trace: Trace, settings: Window) -> Laid | None:
    return None if refused(trace) else Laid.of(trace, settings)


def _loops(trace: Trace, settings: Window) -> float:
    laid = _expected(trace, settings)
    if laid is None:
        return 0.0 if Laid.unfit(trace, settings) else math.inf
    found = laid.output
    expected = reference.loops(
        laid.bordered, laid.kernel, stride=settings.stride, dilation=settings.dilation
    )
    return laid.apart(found, expected)


def _filtered(trace: Trace, settings: Window) -> float:
    laid = _expected(trace, settings)
    if laid is None:
        return 0.0 if Laid.unfit(trace, settings) else math.inf
    expected = reference.filtered(
        laid.bordered, laid.kernel, stride=settings.stride, dilation=settings.dilation
    )
    return laid.apart(laid.output, expected)


def _turned(trace: Trace, settings: Window) -> float:
    kernel = np.array(Laid.rows(settings.kernel), np.float32)
    return difference(final(trace, "y").values, np.rot90(kernel, 2).reshape(-1).tolist())


_IMPULSE = """
import torch
from torch.nn.functional import conv2d

kernel = torch.tensor(${kernel})
rows, columns = kernel.shape
x = torch.zeros(1, 1, 2 * rows - 1, 2 * columns - 1)
x[0, 0, rows - 1, columns - 1] = 1
y = conv2d(x, kernel[None, None])
"""


def _layer(trace: Trace) -> tuple[Verdict, str]:
    x, w, b, y = (final(trace, name) for name in ("x", "w", "b", "y"))
    pictures, kernels = (np.array(each.values).reshape(each.shape) for each in (x, w))
    expected = [
        bias + sum(reference.loops(pictures[0, k], kernels[j, k]) for k in range(x.shape[1]))
        for j, bias in enumerate(b.values)
    ]
    error = difference(y.values, np.array(expected).reshape(-1).tolist())
    said = f"a loop that never flips the kernel differs by {error:.1g}"
    return (Verdict.HOLDS if error < 1e-5 else Verdict.WRONG), said


def _array(trace: Trace) -> tuple[Verdict, str]:
    y, k = final(trace, "y").values, final(trace, "k").values
    if y == k:
        return Verdict.HOLDS, "the impulse comes back as the array itself"
    turned = y == k[::-1]
    said = "the impulse comes back as the array turned by 180°" if turned else f"y is {y}"
    return (Verdict.CONDITION if turned else Verdict.WRONG), said


def _named(trace: Trace) -> tuple[Verdict, str]:
    there = told(trace, "there")
    return (Verdict.HOLDS if there else Verdict.WRONG), f"torch.nn has the name: {there}"


def _added(trace: Trace) -> tuple[Verdict, str]:
    grown = told(trace, "grown")
    verdict = {2: Verdict.CONDITION, 1: Verdict.HOLDS}.get(grown, Verdict.WRONG)
    return verdict, f"padding=1 makes a dimension longer by {grown}"


WINDOW = Lesson(
    slug="window",
    title="the window and the sum",
    notice=_TURNED,
    program=PROGRAM,
    parameters=Window,
    spelled={
        "picture": {
            "impulse": "picture = torch.zeros(8, 8)\npicture[3, 4] = 1",
            "letter": "picture = torch.zeros(8, 8)\npicture[1:7, 2] = 1\npicture[6, 2:6] = 1",
            "ramp": "picture = torch.arange(64.).reshape(8, 8)",
        },
        "padding": {"0": "0", "1": "1", "2": "2", "same": '"same"'},
    },
    presets=(
        Preset(
            "Impulse",
            _TURNED,
            Window(),
        ),
        Preset(
            "The notes' 5×5",
            "The impulse brings back all 25 numbers of the kernel, last row first and right to "
            "left.",
            Window(kernel=_NOTES, padding="same"),
        ),
        Preset(
            "Edges",
            "Right minus left: positive where the letter begins, negative where it ends, 0 where "
            "nothing changes from left to right.",
            Window(picture="letter", kernel=_SOBEL),
        ),
        Preset(
            "Stride and dilation",
            "Windows two apart, taps two apart: the kernel's 9 numbers reach over 5 × 5 pixels.",
            Window(picture="ramp", kernel=_SOBEL, stride=2, padding="2", dilation=2),
        ),
        Preset(
            "Round the edge",
            "A window that leaves the picture on one side reads on at the other.",
            Window(picture="letter", padding="2", mode="circular"),
        ),
    ),
    opens="y = conv",
    shows=("picture", "kernel", "y"),
    notes={
        "nn.Parameter": "The weight is (channels out, channels in, rows, columns).",
        "y = conv": "Each output is the sum of what lies under the window, times the kernel.",
    },
    slips=(
        Slip(
            title="conv2d taken for a convolution",
            program="import torch\nfrom torch.nn.functional import conv2d\n\n"
            "x = torch.arange(10.).reshape(1, 1, 5, 2)\nk = torch.tensor([[[[1.], [2.]]]])\n"
            "y = conv2d(x, k.flip(2, 3))",
            wrong="y = conv2d(x, k)",
            right="y = conv2d(x, k.flip(2, 3))",
            lesson="conv2d correlates. A convolution, as of numpy or scipy, flips the kernel; "
            "learnt weights do not care, given ones do.",
            source=("pytorch#117534", "https://github.com/pytorch/pytorch/issues/117534"),
        ),
        Slip(
            title="a dark border",
            program="import torch\nfrom torch.nn.functional import conv2d, pad\n\n"
            "x = torch.ones(1, 1, 5, 5)\nmean = torch.full((1, 1, 3, 3), 1 / 9)\n"
            'y = conv2d(pad(x, (1, 1, 1, 1), mode="replicate"), mean)',
            wrong="y = conv2d(x, mean, padding=1)",
            right='y = conv2d(pad(x, (1, 1, 1, 1), mode="replicate"), mean)',
            lesson="conv2d pads with zeros alone, and a corner of ones averages to 4/9. Pad first, "
            "or take nn.Conv2d with its padding_mode.",
            source=("pytorch#137086", "https://github.com/pytorch/pytorch/issues/137086"),
        ),
        Slip(
            title="padding of 1 under dilation of 2",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 1, 8, 8)\n"
            "y = nn.Conv2d(1, 1, 3, padding=2, dilation=2)(x)\nz = x + y",
            wrong="y = nn.Conv2d(1, 1, 3, padding=1, dilation=2)(x)",
            right="y = nn.Conv2d(1, 1, 3, padding=2, dilation=2)(x)",
            lesson="To keep the size takes dilation · (kernel - 1) / 2 pixels a side, and more "
            "dilation takes more.",
            source=("StyleGANEX#16", "https://github.com/williamyang1991/StyleGANEX/issues/16"),
        ),
    ),
    proofs=(
        Proof(
            "Every output is the sum of the pixels under its window, each times its weight; a "
            "kernel that does not fit is refused, and same with a stride.",
            "a loop over pixels in float64, on NumPy's padding",
            _loops,
            twin=("kernel[None, None]", "kernel.T[None, None]"),
            tolerance=1e-6,
        ),
        Proof(
            "OpenCV's filter2D gives the same picture.",
            "cv2.filter2D in float64, on NumPy's padding",
            _filtered,
            twin=("kernel[None, None]", "kernel.flip(0, 1)[None, None]"),
            tolerance=1e-6,
        ),
        Proof(
            "An impulse comes out as the kernel turned by 180°.",
            "numpy.rot90, twice",
            _turned,
            program=_IMPULSE,
            twin=(
                "y = conv2d(x, kernel[None, None])",
                "y = conv2d(x, kernel.flip(0, 1)[None, None])",
            ),
        ),
    ),
    statements=(
        Statement(
            says="An output is its bias plus the sum over input channels of weight times input, by "
            "2-D cross-correlation.",
            where="Conv2d()",
            program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
            "x = torch.randn(1, 2, 5, 6)\nconv = nn.Conv2d(2, 3, 3)\n"
            "w, b = conv.weight, conv.bias\ny = conv(x)",
            judge=_layer,
            truth="It is: correlation, so the kernel is not flipped.",
            twin=("y = conv(x)", "y = nn.functional.conv2d(x, w.flip(2, 3), b)"),
        ),
        Statement(
            says="A 5×5 array of 1, 0 and -1 is the kernel of a convolution.",
            where="CNN",
            program="import torch\n"
            "k = torch.tensor([[1., 0, -1, 0, 1], [1, 0, -1, 1, 0], [-1, 1, 0, 1, 1],\n"
            "    [1, 0, -1, 0, 1], [1, 0, -1, 1, 0]])\n"
            "x = torch.zeros(1, 1, 9, 9)\nx[0, 0, 4, 4] = 1\n"
            "y = torch.nn.functional.conv2d(x, k[None, None])",
            judge=_array,
            truth="Torch correlates with it, so its impulse response is the array turned by 180°.",
            twin=("conv2d(x, k[None, None])", "conv2d(x, k.flip(0, 1)[None, None])"),
        ),
        Statement(
            says="The layer is called torch.nn.conv2d.",
            where="Conv2d()",
            program='from torch import nn\nthere = hasattr(nn, "conv2d")',
            judge=_named,
            truth="The layer is nn.Conv2d; the function without weights of its own is "
            "nn.functional.conv2d.",
            twin=('"conv2d"', '"Conv2d"'),
        ),
        Statement(
            says="padding is the number of zeros added to each dimension.",
            where="Conv2d()",
            program="import torch\nfrom torch import nn\nx = torch.ones(1, 1, 4, 4)\n"
            "grown = nn.Conv2d(1, 1, 1, padding=1)(x).shape[2] - 4",
            judge=_added,
            truth="That many on both sides of each dimension; zeros by default, padding_mode names "
            "others.",
            twin=(
                "nn.Conv2d(1, 1, 1, padding=1)(x)",
                "nn.Conv2d(1, 1, 1)(nn.functional.pad(x, (0, 0, 1, 0)))",
            ),
        ),
    ),
    figure=LINKED,
    ask=Ask(
        text="conv1d of [0, 0, 1, 0, 0] with [1, 2, 3], without padding: what comes out?",
        program="import torch\nfrom torch.nn.functional import conv1d\n"
        "x = torch.tensor([[[0., 0, 1, 0, 0]]])\ny = conv1d(x, torch.tensor([[[1., 2, 3]]]))",
        answer=lambda trace: str([int(value) for value in final(trace, "y").values]),
        options=("[1, 2, 3]", "[3, 2, 1]", "[0, 3, 0]"),
        because="The first window holds the 1 at its right end, under the 3; the last at its left.",
    ),
    references=(
        _CONV2D,
        ("A guide to convolution arithmetic (2016)", "https://arxiv.org/abs/1603.07285"),
    ),
    terms=("nn.Conv2d", "F.conv2d", "cross-correlation", "padding_mode"),
)
