"""Every pixel stamps the kernel: stride sets them apart, and where they overlap they add up."""

import dataclasses

import numpy as np

from explainers.evidence import Verdict
from explainers.layers.transposed.covering import KERNELS, STAMPS, side_of
from explainers.layers.transposed.reference import Array, held, stamped
from explainers.parameters import Parameters, Preset, choice, number, numbers
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable/generated"
_CONV_TRANSPOSE2D = ("torch.nn.ConvTranspose2d", f"{_DOCS}/torch.nn.ConvTranspose2d.html")
_CHECKERBOARD = (
    "Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts, 2016",
    "https://distill.pub/2016/deconv-checkerboard/",
)


@dataclasses.dataclass(frozen=True)
class Stamping(Parameters):
    """Say what is stamped, with which kernel, and how far apart."""

    x: str = numbers(
        "1, 1, 1; 1, 1, 1; 1, 1, 1",
        label="x",
        help="The input: each pixel is a factor on its stamp.",
        minimum=-9,
        maximum=9,
        rows=(3, 3),
        columns=(3, 3),
    )
    kernel_size: int = number(
        3, label="kernel_size", help="Sides of a stamp.", minimum=1, maximum=4, step=1
    )
    stride: int = number(
        2, label="stride", help="From one stamp to the next.", minimum=1, maximum=3, step=1
    )
    dilation: int = number(
        1,
        label="dilation",
        help="From one point of the kernel to the next.",
        minimum=1,
        maximum=2,
        step=1,
    )
    kernel: str = choice(
        "ones", tuple(KERNELS), label="kernel", help="All 1, a tent, or 1, 2, 3 and so on."
    )


PROGRAM = """
import torch
import torch.nn.functional as F

x = torch.tensor(${x})[None, None]
side = ${kernel}
kernel = torch.outer(side, side)[None, None]
y = F.conv_transpose2d(x, kernel, stride=${stride}, dilation=${dilation})

one = torch.zeros_like(x)
one[0, 0, 1, 2] = 1
stamp = F.conv_transpose2d(one, kernel, stride=${stride}, dilation=${dilation})
"""


def _kernel(settings: Stamping) -> Array:
    side = side_of(settings.kernel, settings.kernel_size)
    return np.outer(side, side)


def _sum(trace: Trace, settings: Stamping) -> float:
    x = np.array([[float(cell) for cell in row.split(",")] for row in settings.x.split(";")])
    expected = stamped(x, _kernel(settings), stride=settings.stride, dilation=settings.dilation)
    found = held(trace, "y")[0, 0]
    if found.shape != expected.shape:
        return float("inf")
    return difference(found.ravel().tolist(), expected.ravel().tolist())


def _placed(trace: Trace, settings: Stamping) -> float:
    found = held(trace, "stamp")[0, 0]
    expected = np.zeros_like(found)
    for (down, right), weight in np.ndenumerate(_kernel(settings)):
        row = settings.stride + down * settings.dilation
        expected[row, 2 * settings.stride + right * settings.dilation] = weight
    return difference(found.ravel().tolist(), expected.ravel().tolist())


def _order(trace: Trace) -> tuple[Verdict, str]:
    text = final(trace, "text").text.strip("'\"")
    wanted = "stride=(2, 2), padding=(1, 1), dilation=(2, 2), output_padding=(1, 1), bias=False"
    return Verdict.HOLDS if wanted in text else Verdict.WRONG, text


STAMPING = Lesson(
    slug="stamp",
    title="every pixel stamps the kernel",
    notice="Nine stamps of 3 × 3 ones, 2 apart: where they overlap, 2 or 4 add up to a "
    "checkerboard.",
    program=PROGRAM,
    parameters=Stamping,
    spelled={"kernel": KERNELS},
    presets=(
        Preset(
            "Checkerboard",
            "A flat picture comes out uneven: 3 is no multiple of 2, so a cell is covered by 1, 2 "
            "or 4 stamps.",
            Stamping(),
        ),
        Preset(
            "Kernel 4",
            "2 divides 4: but for the border each cell is covered by 4 stamps.",
            Stamping(kernel_size=4),
        ),
        Preset(
            "Tent",
            "As many stamps as with ones, but their weights add up to 1 on each cell inside: no "
            "checkerboard.",
            Stamping(kernel="tent"),
        ),
        Preset(
            "One pixel",
            "A single 1 gives the kernel itself, where the pixel stands times the stride, not "
            "flipped.",
            Stamping(x="0, 0, 0; 0, 1, 0; 0, 0, 0", kernel="numbered"),
        ),
        Preset(
            "Gaps",
            "Stamps of 2 × 2, 3 apart: rows and columns between them are reached by none.",
            Stamping(kernel_size=2, stride=3),
        ),
        Preset(
            "Dilation",
            "Stride 2 and dilation 2: every odd row and column stays 0.",
            Stamping(dilation=2),
        ),
    ),
    opens="y = F.conv_transpose2d",
    notes={
        "kernel = torch.outer": "Of shape (in channels, out channels, rows, columns).",
        "y = F.conv_transpose2d": "Each pixel adds itself times the kernel, one stride on.",
        "one[0, 0, 1, 2] = 1": "A single pixel, row 1 and column 2.",
        "stamp = ": "Its stamp: the kernel, from row 1 · stride and column 2 · stride.",
    },
    shows=("x", "kernel", "y", "one", "stamp"),
    slips=(
        Slip(
            title="checkerboard artifacts",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 1, 4, 4)\n"
            "up = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)\n"
            "weight = nn.init.ones_(up.weight)\nwith torch.no_grad():\n    y = up(x)",
            wrong="up = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1, "
            "bias=False)",
            right="up = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)",
            lesson="Both double the picture. A kernel that the stride divides covers each cell "
            "inside as often; with 3 and 2 training must undo the checkerboard.",
            source=("pix2pixHD#149", "https://github.com/NVIDIA/pix2pixHD/issues/149"),
            shows=("x", "y"),
            opens="y = up(x)",
        ),
        Slip(
            title="weight as Conv2d's, out channels first",
            program="import torch\nimport torch.nn.functional as F\n\n"
            "x = torch.ones(1, 3, 2, 2)\nweight = torch.ones(3, 2, 3, 3)\n"
            "y = F.conv_transpose2d(x, weight)",
            wrong="weight = torch.ones(2, 3, 3, 3)",
            right="weight = torch.ones(3, 2, 3, 3)",
            lesson="From 3 channels to 2, the weight of Conv2d is (2, 3, …), and of "
            "ConvTranspose2d (3, 2, …): one weight serves both ways.",
            source=("pytorch#5166", "https://github.com/pytorch/pytorch/issues/5166"),
        ),
        Slip(
            title="a convolution between zeros, kernel not flipped",
            program="import torch\nimport torch.nn.functional as F\n\n"
            "x = torch.tensor([[[[1., 2.], [3., 4.]]]])\n"
            "kernel = torch.arange(1., 10.).view(1, 1, 3, 3)\n"
            "y = F.conv_transpose2d(x, kernel, stride=2)\n"
            "apart = torch.zeros(1, 1, 3, 3)\napart[..., ::2, ::2] = x\n"
            "same = F.conv2d(apart, kernel.flip(2, 3), padding=2)\n"
            "equal = torch.equal(same, y)",
            wrong="same = F.conv2d(apart, kernel, padding=2)",
            right="same = F.conv2d(apart, kernel.flip(2, 3), padding=2)",
            lesson="conv2d reads a window as the kernel stands, which puts a flipped kernel around "
            "each pixel; a stamp is not flipped.",
            source=("pytorch#56873", "https://github.com/pytorch/pytorch/issues/56873"),
        ),
    ),
    proofs=(
        Proof(
            "The output is the sum of the stamps.",
            "a loop over pixels and kernel, in NumPy, float64",
            _sum,
            twin=("x, kernel, stride=${stride}", "x, kernel, stride=1"),
            tolerance=1e-3,
        ),
        Proof(
            "The stamp of a single pixel is the kernel, not flipped, at the pixel's place times "
            "the stride.",
            "the kernel, put there in NumPy",
            _placed,
            twin=("conv_transpose2d(one,", "conv_transpose2d(one.mT,"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="ConvTranspose2d takes in_channels, out_channels, kernel_size, stride, padding, "
            "output_padding, groups, bias and dilation, in this order.",
            where="ConvTranspose2d()",
            program="import torch\nfrom torch import nn\n"
            "up = nn.ConvTranspose2d(1, 1, 3, 2, 1, 1, 1, False, 2)\ntext = str(up)",
            judge=_order,
            truth="It does; padding_mode, device and dtype follow. Conv2d's order is another: "
            "dilation comes fifth after the channels, and there is no output_padding.",
            twin=("3, 2, 1, 1, 1, False, 2", "3, 2, 1, 2, 1, False"),
        ),
    ),
    figure=STAMPS,
    ask=Ask(
        text="What is the largest number in F.conv_transpose2d(torch.ones(1, 1, 4, 4), "
        "torch.ones(1, 1, 3, 3), stride=2)?",
        program="import torch\nimport torch.nn.functional as F\n"
        "y = F.conv_transpose2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), stride=2)\n"
        "most = int(y.max())",
        answer=lambda trace: final(trace, "most").text,
        options=("1", "2", "4", "9"),
        because="In each direction two stamps of length 3, 2 apart, share one cell: 2 · 2.",
    ),
    references=(_CONV_TRANSPOSE2D, _CHECKERBOARD),
    terms=("deconvolution", "ConvTranspose2d", "conv_transpose2d", "upsampling"),
)
