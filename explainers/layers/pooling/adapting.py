"""Adaptive pooling: the output's size is given, and windows overlap where they must."""

import dataclasses

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from explainers.evidence import Kind, Verdict
from explainers.layers.pooling import loops
from explainers.layers.pooling.windows import Operation, Pooled, picture, pooled
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_POOLS = {
    name: f"by_hand = torch.stack([x[:, a:b].{reduced}(1) for a, b in spans], 1)\n"
    f"x.requires_grad_()\ny = F.adaptive_{short}_pool1d(x, ${{size}})"
    for name, short, reduced in (("average", "avg", "mean"), ("max", "max", "amax"))
}


@dataclasses.dataclass(frozen=True)
class Adapting(Parameters):
    """Say how long the row is, and how long it becomes."""

    n: int = number(8, label="input", help="Length of the row, n.", minimum=1, maximum=8)
    size: int = number(5, label="output_size", help="Windows, m.", minimum=1, maximum=10)
    pool: str = choice("average", tuple(_POOLS), label="pool", help="What is made of a window.")


PROGRAM = """
import torch
from torch.nn import functional as F

x = (torch.arange(${n}.) * 3 % 8).view(1, ${n})
spans = [(i * ${n} // ${size}, -((i + 1) * -${n} // ${size})) for i in range(${size})]
${pool}
y.sum().backward()
x.grad
"""


def _operation(settings: Adapting) -> Operation:

    def pool(x: Tensor) -> Tensor:
        if settings.pool == "max":
            return F.adaptive_max_pool1d(x, settings.size)
        return F.adaptive_avg_pool1d(x, settings.size)

    return pool


def _result(trace: Trace, settings: Adapting) -> Pooled:
    x, y = final(trace, "x"), final(trace, "y")
    source, output = picture(x.values, x.shape), picture(y.values, y.shape)
    return pooled(_operation(settings), source, output, f"adaptive {settings.pool} pooling")


def _loops(settings: Adapting) -> loops.Weighted:
    row: loops.Array = np.arange(settings.n, dtype=np.float64) * 3 % 8
    return loops.adaptive(row, settings.size, "max" if settings.pool == "max" else "avg")


def _values(trace: Trace, settings: Adapting) -> float:
    return difference(final(trace, "y").values, _loops(settings)[0].tolist())


def _by_hand(trace: Trace, _: Adapting) -> float:
    return difference(final(trace, "by_hand").values, final(trace, "y").values)


def _gradient(trace: Trace, settings: Adapting) -> float:
    grad = final(trace, "x").grad
    return difference(None if grad is None else grad.values, _loops(settings)[1].sum(0).tolist())


def _weights(found: Pooled, settings: Adapting) -> float:
    return difference(found.linkage.dense().numpy().reshape(-1), _loops(settings)[1].reshape(-1))


def _read(found: Pooled, settings: Adapting) -> float:
    # Of an average all cells of a window have a weight.
    weights = loops.adaptive(np.zeros(settings.n), settings.size, "avg")[1]
    ends = [(int(row.nonzero()[0].min()), int(row.nonzero()[0].max())) for row in weights]
    return difference(np.array(found.columns).reshape(-1), np.array(ends).reshape(-1))


def _other(settings: Adapting) -> Adapting:
    return dataclasses.replace(settings, pool="max" if settings.pool == "average" else "average")


FIGURE = Figure(
    title="Which cells made an output, and how windows share the row",
    result=_result,
    leads=True,
    proofs=(
        FigureProof(
            "The weights are a loop's: one over the window's length, or 1 for its largest.",
            "a loop over what overlaps each share of the row",
            _weights,
            twin=lambda trace, settings: _result(trace, _other(settings)),
            tolerance=1e-6,
        ),
        FigureProof(
            "A window reads what overlaps its share of the row.",
            "a loop over what overlaps each share of the row",
            _read,
            twin=lambda trace, settings: _result(
                trace, dataclasses.replace(settings, size=settings.size % 10 + 1)
            ),
        ),
    ),
)


def _pooled_shape(trace: Trace) -> tuple[Verdict, str]:
    y = final(trace, "y")
    said = f"(2, 32, 16, 16) becomes {tuple(y.shape)}"
    return Verdict.HOLDS if y.shape == (2, 32, 1, 1) else Verdict.WRONG, said


def _channels(trace: Trace) -> tuple[Verdict, str]:
    shapes = told(trace, "shapes")
    kept = all(shape[1] == 3 for shape in shapes)
    return Verdict.HOLDS if kept else Verdict.WRONG, f"(2, 3, 5, 7) becomes {shapes}"


_X = "import torch\nfrom torch.nn import functional as F\n\n"

ADAPTING = Lesson(
    slug="adaptive",
    title="adaptive: the size is given",
    notice="8 cells for 5 outputs: windows of 2 and 3, and neighbours share a cell.",
    program=PROGRAM,
    parameters=Adapting,
    spelled={"pool": _POOLS},
    presets=(
        Preset(
            "8 to 5",
            "A window begins at the floor of its share and ends at the ceiling: they overlap.",
            Adapting(),
        ),
        Preset("8 to 4", "4 divides 8: windows of 2, side by side.", Adapting(size=4)),
        Preset("8 to 1", "One window: the mean of all.", Adapting(size=1)),
        Preset(
            "3 to 8",
            "More outputs than cells: it upsamples, and some outputs blend two cells.",
            Adapting(n=3, size=8),
        ),
        Preset(
            "Maximum",
            "The same windows; one cell that two share may be the largest of both.",
            Adapting(pool="max"),
        ),
    ),
    opens="x.grad",
    notes={
        "spans = ": "From floor(i·n / m) to ceil((i + 1)·n / m), the end left out.",
        "by_hand = ": "The same, window by window.",
        "x.grad": "What each cell counts in all windows together.",
    },
    slips=(
        Slip(
            title="avg_pool with a stride in its place",
            program=_X + "x = torch.arange(6.)[None]\ny = F.adaptive_avg_pool1d(x, 4)",
            wrong="y = F.avg_pool1d(x, 6 - 3 * (6 // 4), 6 // 4)",
            right="y = F.adaptive_avg_pool1d(x, 4)",
            lesson="The usual formula for an export gives the size; the values only where m "
            "divides n.",
            source=("pytorch#42653", "https://github.com/pytorch/pytorch/issues/42653"),
        ),
        Slip(
            title="squeeze() after global pooling",
            program=_X + "x = torch.ones(1, 3, 2, 2)\n"
            "y = F.adaptive_avg_pool2d(x, 1)\nfeatures = y.flatten(1)",
            wrong="features = y.squeeze()",
            right="features = y.flatten(1)",
            lesson="squeeze drops every axis of 1: with one picture, the batch too.",
            source=("rexnet#20", "https://github.com/clovaai/rexnet/pull/20"),
        ),
        Slip(
            title="adaptive pooling for a resize",
            program=_X + 'x = torch.tensor([[[0., 10.]]])\ny = F.interpolate(x, 5, mode="linear")',
            wrong="y = F.adaptive_avg_pool1d(x, 5)",
            right='y = F.interpolate(x, 5, mode="linear")',
            lesson="It repeats cells and blends at the seams: 0, 0, 5, 10, 10. interpolate goes "
            "evenly.",
            source=(
                "pixel2style2pixel#281",
                "https://github.com/eladrich/pixel2style2pixel/issues/281",
            ),
        ),
    ),
    proofs=(
        Proof(
            "y is the mean, or the largest, of what overlaps each share of the row.",
            "a loop over what overlaps each share of the row",
            _values,
            twin=("\ny.sum()", "\ny = y.flip(1)\ny.sum()"),
            tolerance=1e-6,
        ),
        Proof(
            "Slices from floor to ceiling give the same.",
            "slices, one window after the other",
            _by_hand,
            twin=("-((i + 1) * -${n} // ${size})", "(i + 1) * ${n} // ${size}"),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-6,
        ),
        Proof(
            "x.grad is what each cell counts in all windows.",
            "a loop over what overlaps each share of the row",
            _gradient,
            twin=("y.sum().backward()", "y.mean().backward()"),
            tolerance=1e-6,
        ),
    ),
    statements=(
        Statement(
            says="It is enough to give the output's size; the number of channels stays.",
            where="nn.AdaptiveAvgPool2d",
            program="import torch\nfrom torch import nn\nx = torch.ones(2, 3, 5, 7)\n"
            "shapes = [list(nn.AdaptiveAvgPool2d(size)(x).shape) for size in (1, 4, (None, 9))]",
            judge=_channels,
            truth="It does; None keeps a side, and a size may be larger than the input's.",
            twin=(
                "nn.AdaptiveAvgPool2d(size)(x)",
                "nn.AdaptiveAvgPool3d(1)(x)",
            ),
        ),
        Statement(
            says="AdaptiveAvgPool2d(1) makes [2, 32, 1, 1] of [2, 32, 16, 16].",
            where="nn.AdaptiveAvgPool2d, example",
            program="import torch\nfrom torch import nn\nx = torch.ones(2, 32, 16, 16)\n"
            "y = nn.AdaptiveAvgPool2d(1)(x)",
            judge=_pooled_shape,
            truth="It is the mean over both sides, x.mean((2, 3), keepdim=True).",
            twin=("nn.AdaptiveAvgPool2d(1)(x)", "nn.AdaptiveAvgPool2d(2)(x)"),
        ),
    ),
    figure=FIGURE,
    ask=Ask(
        text="x = tensor([[[0., 10.]]]). What is adaptive_avg_pool1d(x, 5)?",
        program="import torch\nfrom torch.nn import functional as F\n"
        "x = torch.tensor([[[0., 10.]]])\n"
        "y = F.adaptive_avg_pool1d(x, 5).flatten()\nwords = str([int(v) for v in y])",
        answer=lambda trace: final(trace, "words").text.strip("'\""),
        options=("[0, 0, 5, 10, 10]", "[0, 2, 5, 8, 10]", "[0, 10, 0, 10, 0]", "an error"),
        because="Windows 0 and 1 lie in the first cell, 3 and 4 in the second; window 2 overlaps "
        "both.",
    ),
    references=(
        ("torch.nn.AdaptiveAvgPool2d", f"{_DOCS}/generated/torch.nn.AdaptiveAvgPool2d.html"),
        ("torch.nn.AdaptiveMaxPool2d", f"{_DOCS}/generated/torch.nn.AdaptiveMaxPool2d.html"),
    ),
)
