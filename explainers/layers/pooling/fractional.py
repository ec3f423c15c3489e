"""Fractional max pooling: regions drawn at random, in eval mode too."""

import itertools

import numpy as np

from explainers.evidence import Verdict
from explainers.layers.pooling.regions import REGIONS, Fractional
from explainers.parameters import Preset
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_PAPER = ("Graham 2014, Fractional Max-Pooling", "https://arxiv.org/abs/1412.6071")

PROGRAM = """
import torch
from torch import nn

torch.manual_seed(${seed})
x = (torch.arange(64.) * 29 % 64).view(1, 8, 8)
pool = nn.FractionalMaxPool2d(${kernel}, output_size=${size}, return_indices=True)
pool.eval()
y, at = pool(x)
again = pool(x)[0]
same = torch.equal(y, again)
"""


def _indices(trace: Trace, _: Fractional) -> float:
    x = np.array(final(trace, "x").values)
    return difference(x[list(final(trace, "at").values)].tolist(), final(trace, "y").values)


def _shape(trace: Trace, settings: Fractional) -> float:
    return difference(final(trace, "y").shape, (1, settings.size, settings.size))


def _random(trace: Trace) -> tuple[Verdict, str]:
    rows, same = told(trace, "rows"), told(trace, "same")
    said = f"regions end at rows {rows}; two calls in eval mode {'agree' if same else 'differ'}"
    steps = {below - above for above, below in itertools.pairwise(rows)}
    if len(steps) < 2:
        return Verdict.WRONG, said
    return Verdict.HOLDS if same else Verdict.CONDITION, said


_X = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n"

FRACTIONAL = Lesson(
    slug="fractional",
    title="fractional: regions at random",
    notice="The same picture twice, in eval mode, and other regions: another result.",
    program=PROGRAM,
    parameters=Fractional,
    presets=(
        Preset("8 to 5", "Steps of 1 and 2 that add up to 6, in an order drawn.", Fractional()),
        Preset(
            "8 to 6",
            "Four steps of 1 and one of 2: where that lies is drawn.",
            Fractional(size=6, seed=1),
        ),
        Preset(
            "8 to 3",
            "Steps of 3 and regions of 2, whatever is drawn: two rows and two columns are unread.",
            Fractional(size=3),
        ),
        Preset(
            "8 to 1",
            "The one region is the last corner, whatever is drawn.",
            Fractional(size=1),
        ),
    ),
    opens="same = ",
    notes={
        "pool.eval()": "It changes nothing: the layer draws at every call.",
        "y, at = pool(x)": "at holds places in the flat picture, row × 8 + column.",
    },
    slips=(
        Slip(
            title="eval() does not make it repeat",
            program=_X + "x = (torch.arange(64.) * 29 % 64).view(1, 8, 8)\n"
            "pool = nn.FractionalMaxPool2d(2, output_size=5).eval()\ntorch.manual_seed(0)\n"
            "y = pool(x)\ntorch.manual_seed(0)\nagain = pool(x)\nsame = torch.equal(y, again)",
            wrong="again = pool(x)",
            right="torch.manual_seed(0)\nagain = pool(x)",
            lesson="Seed before each call, or hand _random_samples over: eval() fixes no draw.",
            source=("pytorch#114028", "https://github.com/pytorch/pytorch/issues/114028"),
        ),
        Slip(
            title="output_size and output_ratio",
            program=_X + "x = torch.arange(64.).view(1, 8, 8)\n"
            "y = F.fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.5))",
            wrong="y = F.fractional_max_pool2d(x, 2, output_size=5, output_ratio=(0.5, 0.5))",
            right="y = F.fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.5))",
            lesson="The function takes both and forgets the ratio; the layer refuses both.",
            source=("pytorch#24031", "https://github.com/pytorch/pytorch/issues/24031"),
        ),
        Slip(
            title="pool height too large",
            program=_X + "x = torch.arange(49.).view(1, 7, 7)\n"
            "y = nn.FractionalMaxPool2d(3, output_ratio=0.8)(x)",
            wrong="y = nn.FractionalMaxPool2d(4, output_ratio=0.8)(x)",
            right="y = nn.FractionalMaxPool2d(3, output_ratio=0.8)(x)",
            lesson="Regions may overlap, but none may begin where another does: kernel + output - "
            "1 must fit the side.",
            source=("pytorch#115531", "https://github.com/pytorch/pytorch/issues/115531"),
        ),
    ),
    proofs=(
        Proof(
            "y is what stands in x at the places that at names.",
            "numpy indexing",
            _indices,
            twin=("y, at = pool(x)", "y, at = pool(x)\nat = at.flip(-1)"),
        ),
        Proof(
            "y has output_size rows and columns, and keeps the channel.",
            "the settings",
            _shape,
            twin=("output_size=${size}", "output_size=(${size}, ${size} + 1)"),
        ),
    ),
    statements=(
        Statement(
            says="The maximum is taken over regions of kH × kW, by a stochastic step.",
            where="Pooling layer",
            program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
            "x = torch.arange(100.).view(1, 10, 10)\n"
            "pool = nn.FractionalMaxPool2d(2, output_ratio=0.7).eval()\n"
            "first = pool(x)\nagain = pool(x)\nsame = torch.equal(first, again)\n"
            "rows = [int(value) // 10 for value in first[0, :, 0]]",
            judge=_random,
            truth="Of a fixed size, in steps drawn at random; and eval mode draws as well.",
            twin=("again = pool(x)", "torch.manual_seed(0)\nagain = pool(x)"),
        ),
    ),
    figure=REGIONS,
    ask=Ask(
        text="8 columns, FractionalMaxPool2d(2, output_size=3): how many does no region read?",
        program="import torch\nfrom torch.nn import functional as F\n"
        "torch.manual_seed(0)\nx = torch.arange(8.).expand(1, 8, 8)\n"
        "ends = F.fractional_max_pool2d(x, 2, output_size=3)[0, 0].tolist()\n"
        "read = {int(end) - back for end in ends for back in (0, 1)}\nunread = 8 - len(read)",
        answer=lambda trace: str(told(trace, "unread")),
        options=("0", "1", "2", "4"),
        because="The last region ends at the edge, so the three begin 3 apart; between two of them "
        "lies one column.",
    ),
    references=(
        ("torch.nn.FractionalMaxPool2d", f"{_DOCS}/generated/torch.nn.FractionalMaxPool2d.html"),
        _PAPER,
    ),
)
