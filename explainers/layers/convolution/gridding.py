"""Dilated layers on top of each other: which pixels of the field they touch."""

import dataclasses
import itertools
from typing import Any

import torch

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, numbers
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_CONV2D = ("torch.nn.Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")
_HYBRID = (
    "Understanding Convolution for Semantic Segmentation (2017)",
    "https://arxiv.org/abs/1702.08502",
)

_HOLES = (
    "Three layers of dilation 2 span 13 × 13 pixels and read 49 of the 169: between them lie rows "
    "and columns that the output never sees."
)


@dataclasses.dataclass(frozen=True)
class Rates(Parameters):
    """Say how far apart the taps of each layer are."""

    rates: str = numbers(
        "2, 2, 2",
        label="dilations",
        help="Of the 3×3 layers, first to last.",
        minimum=1,
        maximum=3,
        columns=(1, 3),
        integer=True,
    )


PROGRAM = """
import torch
from torch.nn.functional import conv2d

rates = ${rates}
field = 1 + 2 * sum(rates)
x = torch.ones(1, 1, field, field, requires_grad=True)
h = x
for rate in rates:
    h = conv2d(h, torch.ones(1, 1, 3, 3), dilation=rate)
h.sum().backward()
touched = (x.grad > 0).sum().item()
share = touched / field**2
"""


def _rates(settings: Rates) -> list[int]:
    return [int(rate) for rate in settings.rates.split(",")]


def _ways(rates: list[int]) -> dict[tuple[int, int], int]:
    """Return by pixel, counted from the centre, in how many ways the layers' taps lead to it."""
    ways = {(0, 0): 1}
    for rate in rates:
        found: dict[tuple[int, int], int] = {}
        for (row, column), count in ways.items():
            for down, right in itertools.product((-rate, 0, rate), repeat=2):
                place = row + down, column + right
                found[place] = found.get(place, 0) + count
        ways = found
    return ways


def _grid(rates: list[int]) -> list[float]:
    reach, ways = sum(rates), _ways(rates)
    side = range(-reach, reach + 1)
    return [float(ways.get((row, column), 0)) for row in side for column in side]


def _touched(trace: Trace, settings: Rates) -> float:
    rates = _rates(settings)
    found = (told(trace, "touched"), told(trace, "field"))
    return difference(found, (len(_ways(rates)), 2 * sum(rates) + 1))


def _one(trace: Trace, _: Rates) -> float:
    return difference(final(trace, "h").shape, (1, 1, 1, 1))


@dataclasses.dataclass(frozen=True, slots=True)
class Stack:
    """Hold what one output reads, layer by layer, from the output down to the picture.

    Attributes:
        rates: Dilations, first layer to last.
        side: Pixels of a row of the picture: the whole field.
        depths: For the output itself, then after each layer down: by pixel of the field, row by
            row, in how many ways the output reads it.
    """

    rates: tuple[int, ...]
    side: int
    depths: tuple[tuple[int, ...], ...]

    @property
    def touched(self) -> tuple[int, ...]:
        """How many pixels of each depth the output reads."""
        return tuple(sum(count > 0 for count in depth) for depth in self.depths)


def stack(_: Trace, settings: Any, *, wider: int = 0) -> Stack:
    """Return what an output reads through the layers; `wider` adds to the last rate, an error."""
    rates = _rates(settings)
    used = [*rates[:-1], rates[-1] + wider]
    side = 2 * sum(rates) + 1
    held = torch.ones(1, 1, 2 * sum(used) + 1, 2 * sum(used) + 1, requires_grad=True)
    layers = [held]
    ones = torch.ones(1, 1, 3, 3)
    with torch.inference_mode(mode=False), torch.enable_grad():
        for rate in used:
            layers.append(torch.nn.functional.conv2d(layers[-1], ones, dilation=rate))
        below = torch.autograd.grad(layers[-1].sum(), layers)
    depths = []
    for gradient in reversed(below):
        edge = (side - gradient.shape[2]) // 2
        laid = torch.nn.functional.pad(gradient, (edge,) * 4)
        depths.append(tuple(int(count) for count in laid.flatten()))
    return Stack(tuple(rates), side, tuple(depths))


def _counts(found: Stack, settings: Rates) -> float:
    return difference(found.depths[-1], _grid(_rates(settings)))


def _each(found: Stack, settings: Rates) -> float:
    # Down from the output, the last layer is the first that is met.
    rates = _rates(settings)[::-1]
    expected = [len(_ways(rates[:depth])) for depth in range(len(rates) + 1)]
    return difference(found.touched, expected)


def _spaced(trace: Trace) -> tuple[Verdict, str]:
    grad = final(trace, "x").grad.values
    read = [at for at, value in enumerate(grad) if value]
    gaps = {after - before for before, after in itertools.pairwise(read)}
    said = f"pixels {read} of 9 are read, {', '.join(map(str, sorted(gaps)))} apart"
    return (Verdict.HOLDS if gaps == {2} else Verdict.WRONG), said


def _linking(trace: Trace) -> tuple[Verdict, str]:
    touched, whole = told(trace, "touched"), told(trace, "field") ** 2
    said = f"three layers touch {touched} of the {whole} pixels of their field"
    return (Verdict.HOLDS if touched == whole else Verdict.CONDITION), said


_BODY = (
    "import torch\nfrom torch.nn.functional import conv2d\n\n"
    "rates = {rates}\nfield = 1 + 2 * sum(rates)\n"
    "x = torch.ones(1, 1, field, field, requires_grad=True)\nh = x\n"
    "for rate in rates:\n    h = conv2d(h, torch.ones(1, 1, 3, 3), dilation=rate)\n"
    "h.sum().backward()\ntouched = (x.grad > 0).sum().item()"
)


GRIDDING = Lesson(
    slug="gridding",
    title="dilation upon dilation",
    notice=_HOLES,
    program=PROGRAM,
    parameters=Rates,
    presets=(
        Preset(
            "2, 2, 2",
            _HOLES,
            Rates(),
        ),
        Preset(
            "1, 2, 3",
            "The same span of 13 × 13, as many weights, and all 169 pixels are read.",
            Rates(rates="1, 2, 3"),
        ),
        Preset("1, 1, 1", "Without dilation all is read, and the span is 7 × 7.", Rates("1, 1, 1")),
        Preset(
            "3, 3",
            "Two layers of dilation 3: 25 pixels of 169, each hole two pixels wide.",
            Rates("3, 3"),
        ),
    ),
    opens="touched = ",
    shows=("x",),
    notes={
        "field = ": "Each layer reaches its dilation further, on both sides.",
        "touched = ": "A pixel whose gradient is 0 makes no difference to the output.",
    },
    slips=(
        Slip(
            title="one dilation for all layers",
            program=_BODY.format(rates="[1, 2, 3]"),
            wrong="rates = [2, 2, 2]",
            right="rates = [1, 2, 3]",
            lesson="Dilations with a common factor leave the same pixels out, layer after layer: "
            "let them grow.",
            source=(
                "Lung-Segmentation#1",
                "https://github.com/MEDAL-IITB/Lung-Segmentation/issues/1",
            ),
            shows=("x",),
            opens="touched",
        ),
    ),
    proofs=(
        Proof(
            "As many pixels are touched as sums of the layers' taps lead to, in a field of 1 + 2 · "
            "the dilations' sum.",
            "a loop over taps, in Python",
            _touched,
            twin=(", dilation=rate)", ")"),
        ),
        Proof(
            "The field has room for exactly one output.",
            "1 × 1",
            _one,
            twin=("1 + 2 * sum(rates)", "2 + 2 * sum(rates)"),
        ),
    ),
    statements=(
        Statement(
            says="dilation is the space between the kernel's points.",
            where="Conv2d()",
            program="import torch\nfrom torch.nn.functional import conv1d\n"
            "x = torch.zeros(1, 1, 9, requires_grad=True)\n"
            "y = conv1d(x, torch.ones(1, 1, 3), dilation=2)\ny[0, 0, 2].backward()",
            judge=_spaced,
            truth="It is how far each point is from the next: 1 leaves none out, and a kernel of k "
            "spans dilation · (k - 1) + 1 pixels.",
            twin=("dilation=2", "stride=2"),
        ),
        Statement(
            says="With dilation a convolution reads sparsely, and layers link it up.",
            where="nn.Conv2d",
            program=_BODY.format(rates="[2, 2, 2]"),
            judge=_linking,
            truth="They do where the dilations differ; equal ones leave the same holes again.",
            twin=("rates = [2, 2, 2]", "rates = [1, 2, 3]"),
        ),
    ),
    figure=Figure(
        title="What one output reads, layer by layer",
        result=stack,
        leads=True,
        proofs=(
            FigureProof(
                "A pixel is read in as many ways as sums of the layers' taps lead to it.",
                "a loop over taps, in Python",
                _counts,
                twin=lambda trace, settings: stack(trace, settings, wider=1),
            ),
            FigureProof(
                "At each depth, as many pixels are read as sums of the taps above lead to.",
                "a loop over taps, in Python",
                _each,
                twin=lambda trace, settings: dataclasses.replace(
                    found := stack(trace, settings), depths=found.depths[::-1]
                ),
            ),
        ),
    ),
    ask=Ask(
        text="Three 3×3 layers of dilation 2 see a field of 13 × 13 = 169 pixels. How many of them "
        "make a difference to one output?",
        program=_BODY.format(rates="[2, 2, 2]"),
        answer=lambda trace: str(told(trace, "touched")),
        options=("27", "49", "169"),
        because="Rows and columns can be 6, 4, 2 or 0 away from the centre: 7 × 7.",
    ),
    references=(_CONV2D, _HYBRID),
    terms=("dilation", "atrous", "gridding", "receptive field"),
)
