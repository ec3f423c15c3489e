"""LP pooling: a root of a sum of powers, from the sum to the maximum."""

from explainers.evidence import Kind, Verdict
from explainers.layers.pooling.morphing import MORPHING, Powers, by_loops
from explainers.parameters import Preset
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"

PROGRAM = """
import torch
from torch.nn import functional as F

x = torch.tensor([${cells}], requires_grad=True)
y = torch.nn.LPPool2d(${p}, 2)(x)
total = 4 * F.avg_pool2d(x, 2)
largest = F.max_pool2d(x, 2)
y.sum().backward()
x.grad
"""


def _values(trace: Trace, settings: Powers) -> float:
    return difference(final(trace, "y").values, by_loops(settings)[0].reshape(-1).tolist())


def _gradient(trace: Trace, settings: Powers) -> float:
    grad = final(trace, "x").grad
    return difference(None if grad is None else grad.values, by_loops(settings)[1].sum(0).tolist())


def _between(trace: Trace, _: Powers) -> float:
    rows = (final(trace, name).values for name in ("largest", "y", "total"))
    outside = [max(low - y, y - high, 0.0) for low, y, high in zip(*rows, strict=True)]
    return float(max(outside))


def _norm(trace: Trace) -> tuple[Verdict, str]:
    two, one, three = (final(trace, name).values[0] for name in ("two", "one", "three"))
    said = f"of [3, 4, 0, 0] p = 2 gives {two:g}; of [-3, 1, 0, 0] p = 1 gives {one:g}, 3 {three:g}"
    if two != 5:
        return Verdict.WRONG, said
    return Verdict.HOLDS if one == 4 and three == three else Verdict.CONDITION, said  # noqa: PLR0124


_X = "import torch\nfrom torch.nn import functional as F\n\n"

POWERS = Lesson(
    slug="lp",
    title="LP: from sum to maximum",
    notice="y lies between the largest cell and the sum; a larger p pulls it to the largest.",
    program=PROGRAM,
    parameters=Powers,
    presets=(
        Preset("p = 2", "The root of a sum of squares: 3, 4, 0 and 0 give 5.", Powers()),
        Preset("p = 1", "A sum, and every cell counts 1: not an average.", Powers(p=1.0)),
        Preset(
            "p = 10",
            "Almost the maximum; of four equal 5s it is still 5 times the tenth root of 4.",
            Powers(p=10.0),
        ),
    ),
    opens="x.grad",
    notes={
        "y = torch.nn.LPPool2d": "Powers are averaged, multiplied by the kernel's 4 cells, and the "
        "root is taken.",
        "total = 4": "What p = 1 gives.",
        "largest = F": "What p goes to without end.",
    },
    slips=(
        Slip(
            title="NaN from LPPool2d",
            program=_X + "x = torch.tensor([[[-3., 1.], [0., 0.]]])\n"
            "y = F.lp_pool2d(x.abs(), 3, 2)",
            wrong="y = F.lp_pool2d(x, 3, 2)",
            right="y = F.lp_pool2d(x.abs(), 3, 2)",
            lesson="It takes powers of x, not of its magnitude: -27 + 1 has no cube root here.",
            source=("pytorch#184037", "https://github.com/pytorch/pytorch/issues/184037"),
        ),
        Slip(
            title="p = 1 is not a norm",
            program=_X + "x = torch.tensor([[[-3., 1.], [0., 0.]]])\n"
            "y = F.lp_pool2d(x.abs(), 1, 2)",
            wrong="y = F.lp_pool2d(x, 1, 2)",
            right="y = F.lp_pool2d(x.abs(), 1, 2)",
            lesson="A plain sum, with its sign: -2, where the norm is 4.",
            source=("Flux.jl#2166", "https://github.com/FluxML/Flux.jl/pull/2166"),
        ),
        Slip(
            title="p = inf is not max_pool2d",
            program=_X + "x = torch.tensor([[[-3., 1.], [0., 0.]]])\ny = F.max_pool2d(x, 2)",
            wrong="y = F.lp_pool2d(x, float('inf'), 2)",
            right="y = F.max_pool2d(x, 2)",
            lesson="It is the largest magnitude: 3, where the maximum is 1.",
            source=("pytorch#183997", "https://github.com/pytorch/pytorch/pull/183997"),
        ),
        Slip(
            title="p = 1 is not the average",
            program=_X + "x = torch.tensor([[[1., 2.], [3., 6.]]])\ny = F.avg_pool2d(x, 2)",
            wrong="y = F.lp_pool2d(x, 1, 2)",
            right="y = F.avg_pool2d(x, 2)",
            lesson="It is the sum: the average times the number of cells.",
            source=("torch.nn.LPPool2d", f"{_DOCS}/generated/torch.nn.LPPool2d.html"),
        ),
    ),
    proofs=(
        Proof(
            "y is the p-th root of the sum of p-th powers.",
            "a loop over windows, float64",
            _values,
            twin=("LPPool2d(${p}, 2)", "LPPool2d(${p} + 1, 2)"),
            tolerance=1e-4,
        ),
        Proof(
            "x.grad is (x / y) to the power of p - 1, and 0 where all are 0.",
            "the derivative in closed form, float64",
            _gradient,
            twin=("y.sum().backward()", "y.square().sum().backward()"),
            tolerance=1e-5,
        ),
        Proof(
            "Of numbers not below 0, y is no less than the largest and no more than the sum.",
            "the maximum and the sum",
            _between,
            twin=("total = 4 *", "total ="),
            kind=Kind.INVARIANT,
            tolerance=1e-4,
        ),
    ),
    statements=(
        Statement(
            says="LPPool returns the norm of the current feature vector.",
            where="Pooling layer",
            program="import torch\nfrom torch.nn import functional as F\n"
            "x = torch.tensor([[[-3., 1.], [0., 0.]]])\n"
            "two = F.lp_pool2d(torch.tensor([[[3., 4.], [0., 0.]]]), 2, 2)\n"
            "one, three = (F.lp_pool2d(x, p, 2) for p in (1, 3))",
            judge=_norm,
            truth="Of each window of a channel, for even p or numbers not below 0. Magnitudes are "
            "not taken: with odd p a negative cell subtracts, and the result may be NaN.",
            twin=("x = torch.tensor([[[-3., 1.]", "x = torch.tensor([[[3., 1.]"),
        ),
    ),
    figure=MORPHING,
    ask=Ask(
        text="x = ones(1, 3, 3). What is the last corner of LPPool2d(1, 2, ceil_mode=True)(x)?",
        program="import torch\nx = torch.ones(1, 3, 3)\n"
        "y = torch.nn.LPPool2d(1, 2, ceil_mode=True)(x)\ncorner = f'{y[0, -1, -1].item():g}'",
        answer=lambda trace: final(trace, "corner").text.strip("'\""),
        options=("1", "2", "4"),
        because="The one cell left is averaged alone, and the average is multiplied by the "
        "kernel's 4.",
    ),
    references=(("torch.nn.LPPool2d", f"{_DOCS}/generated/torch.nn.LPPool2d.html"),),
)
