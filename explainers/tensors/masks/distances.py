"""Squared distances of all pairs: by broadcasting, by one product, and what each costs."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, number, numbers
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace
from explainers.tensors.masks.pairs import MOST, PAIRS, REACH

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Distances(Parameters):
    """Say how many points there are and how far from the origin they lie."""

    n: int = number(
        3, label="points", help="Rows of x; below of y too.", minimum=1, maximum=MOST, step=1
    )
    away: float = number(
        1000.0,
        label="away",
        help="Added to every coordinate.",
        minimum=0.0,
        maximum=4000.0,
        step=100.0,
    )
    places: str = numbers(
        "-2.1, 1.3; -1.2, -2.4; 1.6, 2.3; 3.1, -0.7; -2.9, -3.2; "
        "-2.1, 1.3; 2.2, 0.8; 0.7, -2.6; -3.3, 0.4; 2.4, 2.9",
        label="places",
        help="Of the points to drag: right, up; five of x, then five of y.",
        minimum=-REACH,
        maximum=REACH,
        rows=(2 * MOST, 2 * MOST),
        columns=(2, 2),
    )


PROGRAM = """
import torch

torch.manual_seed(0)
x = torch.randn(${n}, 3) + ${away}
y = torch.randn(4, 3) + ${away}
y[0] = x[0]
apart = (x[:, None] - y).square()
direct = apart.sum(2)
product = (x * x).sum(1)[:, None] - 2 * x @ y.T + (y * y).sum(1)
direct[0, 0].item(), product[0, 0].item()
"""


def _points(trace: Trace, name: str) -> NDArray[np.float64]:
    state = final(trace, name)
    return np.array(state.values, np.float64).reshape(state.shape)


def _true(trace: Trace) -> NDArray[np.float64]:
    x, y = _points(trace, "x"), _points(trace, "y")
    return np.array([[sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for q in y] for p in x])


def _direct(trace: Trace, _: Distances) -> float:
    true, found = _true(trace), _points(trace, "direct")
    return (
        float("inf")
        if true.shape != found.shape
        else float(np.abs(found - true).max() / true.max())
    )


def _product(trace: Trace, _: Distances) -> float:
    x, y = _points(trace, "x"), _points(trace, "y")
    size = (x**2).sum(1)[:, None] + (y**2).sum(1)
    true, found = _true(trace), _points(trace, "product")
    if true.shape != found.shape:
        return float("inf")
    return float((np.abs(found - true) / size).max())


def _cells(trace: Trace, settings: Distances) -> float:
    found = [len(final(trace, name).values) for name in ("apart", "direct", "product")]
    return difference(found, (settings.n * 4 * 3, settings.n * 4, settings.n * 4))


def _itself(trace: Trace, _: Distances) -> float:
    return abs(float(final(trace, "direct").values[0]))


def _identity(trace: Trace) -> tuple[Verdict, str]:
    near, far = (max(map(abs, final(trace, name).values)) for name in ("near", "far"))
    said = f"in float32 off by up to {near:.2g} near the origin, and by {far:.2g} 1000 away"
    if near > 1e-4:
        return Verdict.WRONG, said
    return Verdict.CONDITION if far > 0.1 else Verdict.HOLDS, said


def _terrible(trace: Trace) -> tuple[Verdict, str]:
    apart, compare, product = (final(trace, name) for name in ("apart", "compare", "product"))
    said = f"{apart.shape} in between, result {compare.shape}; the product gives {product.shape}"
    if len(apart.values) != 3 * 5 * 4:
        return Verdict.WRONG, said
    return Verdict.HOLDS if compare.shape == product.shape else Verdict.CONDITION, said


def _binary(trace: Trace) -> tuple[Verdict, str]:
    true, note = _points(trace, "true"), _points(trace, "note")
    worst = np.abs(true - note).max()
    said = f"largest error {worst:g} bits, on the diagonal {np.abs(true - note).diagonal().max():g}"
    return Verdict.HOLDS if worst == 0 else Verdict.WRONG, said


def _normal(trace: Trace) -> tuple[Verdict, str]:
    error = float(np.abs(_points(trace, "true") - _points(trace, "short")).max())
    return Verdict.HOLDS if error < 1e-5 else Verdict.WRONG, f"largest error {error:.2g}"


def _elementwise(trace: Trace) -> tuple[Verdict, str]:
    times, plus = final(trace, "times").values, final(trace, "plus").values
    said = f"x * y is {times}, x + y is {plus}"
    right = times == (10, 40, 90, 160) and plus == (11, 22, 33, 44)
    return Verdict.HOLDS if right else Verdict.WRONG, said


DISTANCES = Lesson(
    slug="distance",
    title="distances of all pairs",
    notice="The same pairs, other distances: large squares cancel in product, and little is left.",
    program=PROGRAM,
    parameters=Distances,
    presets=(
        Preset(
            "Far away",
            "Squares near three million, spaced 0.25 in float32: the difference is lost in them.",
            Distances(),
        ),
        Preset("Near the origin", "Small squares, and both ways agree.", Distances(away=0.0)),
        Preset(
            "More points",
            "apart grows with points × points × coordinates, the product with the pairs alone.",
            Distances(n=5),
        ),
    ),
    opens="direct[0, 0].item()",
    notes={
        "y[0] = x[0]": "One point is in both.",
        "apart = ": "Every coordinate of every pair is stored, before any sum.",
        "product = ": "x·x - 2 x·y + y·y: only pairs are stored, and large numbers cancel.",
    },
    slips=(
        Slip(
            title="the root of a distance below 0",
            program="import torch\n\ntorch.manual_seed(0)\nx = torch.randn(8, 8) + 1000\n"
            "s = (x * x).sum(1)\nm = s[:, None] - 2 * x @ x.T + s\nd = m.clamp(min=0).sqrt()",
            wrong="d = m.sqrt()",
            right="d = m.clamp(min=0).sqrt()",
            lesson="Rounding can leave less than 0, whose root is NaN: clamp, or subtract first.",
            source=("humenv#12", "https://github.com/facebookresearch/humenv/pull/12"),
        ),
        Slip(
            title="cdist by a product",
            program="import torch\n\na = torch.tensor([[512695.]])\nb = torch.tensor([[512804.]])\n"
            'd = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")',
            wrong='d = torch.cdist(a, b, compute_mode="use_mm_for_euclid_dist")',
            right='d = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")',
            lesson="By default cdist takes the product from 26 points on: fast, and far off where "
            "coordinates are large.",
            source=("pytorch#42479", "https://github.com/pytorch/pytorch/issues/42479"),
        ),
        Slip(
            title="a row of sums for a column",
            program="import torch\n\nx = torch.tensor([[0., 1.], [2., 0.]])\n"
            "s = (x * x).sum(1)\nm = s[:, None] - 2 * x @ x.T + s",
            wrong="m = s - 2 * x @ x.T + s",
            right="m = s[:, None] - 2 * x @ x.T + s",
            lesson="s alone is a row, and both terms then belong to the second point; [:, None] "
            "makes the first a column.",
            source=("pytorch#2973", "https://github.com/pytorch/pytorch/issues/2973"),
        ),
        Slip(
            title="* for the matrix product",
            program="import torch\n\nx = torch.tensor([[1., 2.], [3., 4.]])\n"
            "y = torch.tensor([[10., 20.], [30., 40.]])\nz = x @ y",
            wrong="z = x * y",
            right="z = x @ y",
            lesson="* goes cell by cell, the Hadamard product; @ is the product of matrices.",
            source=("gmm-torch#32", "https://github.com/ldeecke/gmm-torch/issues/32"),
        ),
    ),
    proofs=(
        Proof(
            "direct is the sum of squared differences, to a part in a million of the largest.",
            "a loop over pairs, float64",
            _direct,
            twin=(".square()", ".abs()"),
            tolerance=1e-6,
        ),
        Proof(
            "product is it up to a millionth of x·x + y·y.",
            "a loop over pairs, float64",
            _product,
            twin=("- 2 * x @ y.T", "- x @ y.T"),
            tolerance=1e-6,
        ),
        Proof(
            "apart stores points × points × coordinates cells, the others one a pair.",
            "the products of the sizes",
            _cells,
            twin=("direct = apart.sum(2)", "direct = apart.sum(2, keepdim=True) + apart"),
        ),
        Proof(
            "Directly, a point has distance 0 from itself.",
            "0",
            _itself,
            twin=("y[0] = x[0]", "y[0] = x[0] + 1"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="|x - y|² = x·x - 2 x·y + y·y.",
            where="Computing distances",
            program="import torch\ntorch.manual_seed(0)\np = torch.randn(5, 8)\nq = p + 1000\n"
            "s, r = (p * p).sum(1), (q * q).sum(1)\n"
            "near = s[:, None] - 2 * p @ p.T + s - (p[:, None] - p).square().sum(2)\n"
            "far = r[:, None] - 2 * q @ q.T + r - (q[:, None] - q).square().sum(2)",
            judge=_identity,
            truth="In algebra. In float32 large squares cancel, and a distance can come out below "
            "0: clamp it, or subtract first.",
            twin=("q = p + 1000", "q = p.double() + 1000"),
        ),
        Statement(
            says="Unsqueezed to (1, N, D) and (N, 1, D), subtracted and summed, it needs N·N·D: "
            "the terrible way.",
            where="Computing distances",
            program="import torch\ntorch.manual_seed(0)\ntar = torch.randn(3, 4)\n"
            "cur = torch.randn(5, 4)\napart = (tar.unsqueeze(0) - cur.unsqueeze(1)) ** 2\n"
            "compare = apart.sum(2)\nproduct = tar @ cur.T",
            judge=_terrible,
            truth="N·N·D in between it is; and its result is the transpose of the product's, "
            "(current, target).",
            twin=(
                "tar.unsqueeze(0) - cur.unsqueeze(1)",
                "tar.unsqueeze(1) - cur.unsqueeze(0)",
            ),
        ),
        Statement(
            says="For binary descriptors it is sum(tar, 1) - 2 tar·cur + sum(cur, 1).",
            where="Computing distances",
            program="import torch\ntorch.manual_seed(0)\ntar = (torch.rand(4, 8) < 0.2).float()\n"
            "cur = (torch.rand(4, 8) < 0.8).float()\ntrue = (tar[:, None] != cur).float().sum(2)\n"
            "note = tar.sum(1) - 2 * tar @ cur.T + cur.sum(1)",
            judge=_binary,
            truth="tar.sum(1) is a row and lands on the wrong axis: only the diagonal is right. "
            "tar.sum(1)[:, None] is meant.",
            twin=("note = tar.sum(1) -", "note = tar.sum(1)[:, None] -"),
        ),
        Statement(
            says="For normalised descriptors it is 2 - 2 tar·cur.",
            where="Computing distances",
            program="import torch\nfrom torch.nn.functional import normalize\n"
            "torch.manual_seed(0)\ntar = normalize(torch.randn(4, 8), dim=1)\n"
            "cur = normalize(torch.randn(3, 8), dim=1)\n"
            "true = (tar[:, None] - cur).square().sum(2)\nshort = 2 - 2 * tar @ cur.T",
            judge=_normal,
            truth="It is, to rounding: both squares are 1.",
            twin=("cur = normalize(torch.randn(3, 8), dim=1)", "cur = torch.randn(3, 8)"),
        ),
        Statement(
            says="The Hadamard product and the addition of matrices go cell by cell.",
            where="GRU, operations",
            program="import torch\nx = torch.tensor([[1., 2.], [3., 4.]])\n"
            "y = torch.tensor([[10., 20.], [30., 40.]])\ntimes = x * y\nplus = x + y",
            judge=_elementwise,
            truth="They are * and +; @ is the matrix product. Shapes (n,) and (n, 1) broadcast to "
            "(n, n).",
            twin=("times = x * y", "times = x @ y"),
        ),
    ),
    figure=PAIRS,
    ask=Ask(
        text="x and y: 1000 points of 256 float32 numbers each. How much does x[:, None] - y take?",
        program='import torch\nx = torch.empty(1000, 256, device="meta")\n'
        'y = torch.empty(1000, 256, device="meta")\nsize = (x[:, None] - y).nbytes / 2**20\n'
        "words = f'{size:.0f} MiB'",
        answer=lambda trace: final(trace, "words").text.strip("'\""),
        options=("1 MiB", "4 MiB", "977 MiB"),
        because="1000 · 1000 · 256 numbers of 4 bytes; the matrix of pairs takes 4 MiB.",
    ),
    references=(
        ("torch.cdist", f"{_DOCS}/generated/torch.cdist.html"),
        ("torch: broadcasting", f"{_DOCS}/notes/broadcasting.html"),
    ),
)
