"""How large the output is: padding cuts stamps off, output_padding lets some stand."""

import dataclasses

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.layers.transposed.cropping import CROP, refused
from explainers.layers.transposed.reference import held, stamped
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable/generated"
_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_ONES = f"{_HEAD}x = torch.ones(1, 1, 3, 3)\nkernel = torch.ones(1, 1, 3, 3)\n"


@dataclasses.dataclass(frozen=True)
class Sizing(Parameters):
    """Say how 3 × 3 pixels are stamped, and what is cut off."""

    kernel_size: int = number(
        3, label="kernel_size", help="Sides of a stamp.", minimum=1, maximum=4, step=1
    )
    stride: int = number(
        2, label="stride", help="From one stamp to the next.", minimum=1, maximum=3, step=1
    )
    padding: int = number(
        1, label="padding", help="Cut off each side.", minimum=0, maximum=2, step=1
    )
    output_padding: int = number(
        0,
        label="output_padding",
        help="Rows at the bottom, and columns at the right, that stay.",
        minimum=0,
        maximum=2,
        step=1,
    )


PROGRAM = """
import torch
import torch.nn.functional as F

x = torch.ones(1, 1, 3, 3)
kernel = torch.ones(1, 1, ${kernel_size}, ${kernel_size})
whole = F.conv_transpose2d(x, kernel, stride=${stride})
size = (3 - 1) * ${stride} - 2 * ${padding} + (${kernel_size} - 1) + ${output_padding} + 1
y = F.conv_transpose2d(
    x, kernel, stride=${stride}, padding=${padding}, output_padding=${output_padding}
)
down = F.conv2d(y, kernel, stride=${stride}, padding=${padding})
size, y.shape[-1], down.shape[-1]
"""


def _size(trace: Trace, settings: Sizing) -> float:
    s, p, k, extra = (
        settings.stride,
        settings.padding,
        settings.kernel_size,
        settings.output_padding,
    )
    expected = 2 * s - 2 * p + k + extra
    if refused(settings):
        return 0.0 if trace.failure is not None and "y" not in trace.steps[-1].names else 1.0
    found = held(trace, "y").shape[-1]
    return float(max(abs(found - expected), abs(told(trace, "size") - expected)))


def _cut(trace: Trace, settings: Sizing) -> float:
    if refused(settings):
        return 0.0 if trace.failure is not None else float("inf")
    k = settings.kernel_size
    expected = stamped(
        np.ones((3, 3)),
        np.ones((k, k)),
        stride=settings.stride,
        padding=settings.padding,
        output_padding=settings.output_padding,
    )
    found = held(trace, "y")[0, 0]
    if found.shape != expected.shape:
        return float("inf")
    return difference(found.ravel().tolist(), expected.ravel().tolist())


def _back(trace: Trace, settings: Sizing) -> float:
    if refused(settings):
        return 0.0
    return float(abs(held(trace, "down").shape[-1] - 3))


def _formula(trace: Trace) -> tuple[Verdict, str]:
    right, count = told(trace, "right"), told(trace, "count")
    verdict = Verdict.HOLDS if right == count else Verdict.WRONG
    return verdict, f"right at {right} of {count} settings"


def _padding(trace: Trace) -> tuple[Verdict, str]:
    none, one = held(trace, "none"), held(trace, "one")
    said = f"{none.shape[-1]} × {none.shape[-1]} without, {one.shape[-1]} × {one.shape[-1]} with 1"
    if one.shape[-1] < none.shape[-1]:
        return Verdict.WRONG, said
    return Verdict.HOLDS, said


def _extra(trace: Trace) -> tuple[Verdict, str]:
    small, large = held(trace, "small")[0, 0], held(trace, "large")[0, 0]
    last = large[-1].astype(int).tolist()
    side = small.shape[-1]
    same = np.array_equal(large[:side, :side], small)
    grown = large.shape[-1] == side + 1
    said = f"{side} becomes {large.shape[-1]}, the last row {last}"
    return Verdict.HOLDS if same and grown else Verdict.WRONG, said


_SWEEP = """
import torch
import torch.nn.functional as F
cases = [(n, k, s, p, extra, d) for n in (3, 4, 7) for k in (1, 2, 3, 4) for s in (1, 2, 3)
         for p in (0, 1) for d in (1, 2) for extra in range(max(s, d))
         if (n - 1) * s - 2 * p + d * (k - 1) + extra + 1 > 0]
sizes = [F.conv_transpose2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, k, k), None, s, p, extra,
         1, d).shape[-1] for n, k, s, p, extra, d in cases]
noted = [(n - 1) * s - 2 * p + d * (k - 1) + p + 1 for n, k, s, p, extra, d in cases]
count = len(cases)
right = sum(a == b for a, b in zip(sizes, noted))
"""

SIZING = Lesson(
    slug="size",
    title="padding cuts, output_padding picks",
    notice="padding=1 cuts one row off each side of 7 × 7: 5 × 5 is left.",
    program=PROGRAM,
    parameters=Sizing,
    presets=(
        Preset("padding 1", "A row goes from each side: 7 × 7 becomes 5 × 5.", Sizing()),
        Preset(
            "output_padding 1",
            "One row and one column are let stand again, with the stamps' own numbers: 6 × 6, "
            "which Conv2d maps to 3 × 3 as well.",
            Sizing(output_padding=1),
        ),
        Preset(
            "nothing cut",
            "Without padding there is nothing to let stand: the extra row and column are zeros.",
            Sizing(padding=0, output_padding=1),
        ),
        Preset(
            "as large as the input",
            "Stride 1 and padding 1 with a kernel of 3: the size stays, as under Conv2d.",
            Sizing(stride=1),
        ),
        Preset(
            "refused",
            "output_padding must be less than stride or dilation: with stride 1, Conv2d maps only "
            "one size to 3.",
            Sizing(stride=1, output_padding=1),
        ),
    ),
    opens="y = F.conv_transpose2d",
    notes={
        "whole = ": "Every stamp, nothing cut.",
        "size = ": "The formula of torch's documentation, dilation 1.",
        "y = F.conv_transpose2d": "The same stamps, cut.",
        "down = ": "The same settings the other way: 3 × 3 again.",
    },
    slips=(
        Slip(
            title="the decoder's picture is one pixel too small",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 1, 8, 8)\n"
            "down = nn.Conv2d(1, 1, 3, stride=2, padding=1)\n"
            "up = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)\n"
            "with torch.no_grad():\n    y = up(down(x), output_size=x.shape)\n    error = y - x",
            wrong="y = up(down(x))",
            right="y = up(down(x), output_size=x.shape)",
            lesson="7 and 8 both shrink to 4; the way back gives the lesser unless it is told. "
            "output_size picks the output_padding.",
            source=("d2l.ai, Transposed Convolution", "https://discuss.d2l.ai/t/1450"),
            shows=("x", "y"),
        ),
        Slip(
            title="output_padding is not zero padding",
            program=_ONES + "y = F.conv_transpose2d(x, kernel, stride=2, padding=1, "
            "output_padding=1)",
            wrong="y = F.pad(F.conv_transpose2d(x, kernel, stride=2, padding=1), (0, 1, 0, 1))",
            right="y = F.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1)",
            lesson="The extra row holds what padding would have cut: 1, 2, 1, 2, 1, 1.",
            source=("pytorch#8816", "https://github.com/pytorch/pytorch/issues/8816"),
        ),
        Slip(
            title="padding put around the input",
            program=_ONES + "y = F.conv_transpose2d(x, kernel, stride=2, padding=1)",
            wrong="y = F.conv_transpose2d(F.pad(x, (1, 1, 1, 1)), kernel, stride=2)",
            right="y = F.conv_transpose2d(x, kernel, stride=2, padding=1)",
            lesson="Zeros around the input are stamped too, and make the output larger. padding is "
            "that of the convolution that this one turns around: it cuts.",
            source=("TICO#420", "https://github.com/Samsung/TICO/issues/420"),
        ),
        Slip(
            title="output_padding with stride 1",
            program=_ONES + "y = F.conv_transpose2d(x, kernel, stride=2, output_padding=1)",
            wrong="y = F.conv_transpose2d(x, kernel, stride=1, output_padding=1)",
            right="y = F.conv_transpose2d(x, kernel, stride=2, output_padding=1)",
            lesson="It chooses among sizes that a convolution maps to one; with stride 1 and "
            "dilation 1 there is no choice, and torch refuses.",
            source=("pytorch#56328", "https://github.com/pytorch/pytorch/issues/56328"),
        ),
    ),
    proofs=(
        Proof(
            "The size is (3 - 1) · stride - 2 · padding + kernel_size + output_padding; torch "
            "refuses one below 1, and output_padding that is not below stride.",
            "the formula, in Python",
            _size,
            twin=("stride=${stride}, padding=${padding}, out", "stride=${stride}, padding=0, out"),
        ),
        Proof(
            "The output is all stamps less padding rows and columns on each side, output_padding "
            "more at the bottom and at the right.",
            "a loop over pixels and kernel, in NumPy",
            _cut,
            twin=("    x, kernel, stride=${stride}", "    x.cumsum(2), kernel, stride=${stride}"),
        ),
        Proof(
            "Conv2d with the same settings brings every one of these sizes back to 3.",
            "F.conv2d",
            _back,
            twin=(
                "F.conv2d(y, kernel, stride=${stride}, padding=${padding})",
                "F.conv2d(y, kernel, stride=${stride})",
            ),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
    statements=(
        Statement(
            says="H_out = (H_in - 1) · stride - 2 · padding + dilation · (kernel - 1) + padding + "
            "1.",
            where="nn.ConvTranspose2d",
            program=_SWEEP,
            judge=_formula,
            truth="The last summand is output_padding, not padding.",
            twin=("+ p + 1", "+ extra + 1"),
        ),
        Statement(
            says="padding: zeros are added to both sides of each dimension of the output.",
            where="ConvTranspose2d()",
            program=_ONES + "none = F.conv_transpose2d(x, kernel, stride=2)\n"
            "one = F.conv_transpose2d(x, kernel, stride=2, padding=1)",
            judge=_padding,
            truth="padding rows and columns are cut off each side: the output gets smaller.",
            twin=("stride=2, padding=1)", "stride=3)"),
        ),
        Statement(
            says="output_padding adds to the size on one side of each dimension of the output.",
            where="ConvTranspose2d()",
            program=_ONES + "small = F.conv_transpose2d(x, kernel, stride=2, padding=1)\n"
            "large = F.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1)",
            judge=_extra,
            truth="At the bottom and at the right. What is added are stamps that padding would "
            "have cut; zeros only where it cuts nothing.",
            twin=("padding=1, output_padding=1", "padding=0"),
        ),
    ),
    figure=CROP,
    ask=Ask(
        text="Of 8 × 8, nn.Conv2d(1, 1, 3, stride=2, padding=1) makes 4 × 4. What does "
        "nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1) make of that?",
        program="import torch\nfrom torch import nn\n"
        "up = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)\n"
        "side = up(torch.ones(1, 1, 4, 4)).shape[-1]",
        answer=lambda trace: f"{final(trace, 'side').text} × {final(trace, 'side').text}",
        options=("7 × 7", "8 × 8", "9 × 9", "10 × 10"),
        because="(4 - 1) · 2 - 2 · 1 + 3 = 7; output_padding=1 gives 8, which shrinks to 4 too.",
    ),
    references=(("torch.nn.ConvTranspose2d", f"{_DOCS}/torch.nn.ConvTranspose2d.html"),),
    terms=("output_padding", "output_size", "padding", "ConvTranspose2d"),
)
