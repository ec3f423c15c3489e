"""Max and average pooling: windows, padding, ceil_mode, and who gets the gradient."""

from explainers.evidence import Verdict
from explainers.layers.pooling.shares import CALLS, SHARES, Sliding, by_loops
from explainers.parameters import Preset
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"

PROGRAM = """
import torch
from torch.nn import functional as F

x = torch.tensor([${cells}], requires_grad=True)
y = F.${pool}
y.sum().backward()
x.grad
"""


def _values(trace: Trace, settings: Sliding) -> float:
    values = by_loops(settings)[0]
    y = final(trace, "y")
    if y.shape != (1, *values.shape):
        return float("inf")
    return difference(y.values, values.reshape(-1).tolist())


def _gradient(trace: Trace, settings: Sliding) -> float:
    grad = final(trace, "x").grad
    return difference(None if grad is None else grad.values, by_loops(settings)[1].sum(0).tolist())


def _halves(trace: Trace) -> tuple[Verdict, str]:
    sides = [final(trace, name).shape[-1] for name in ("first", "second", "odd")]
    said = f"28, 10 and 5 become {sides[0]}, {sides[1]} and {sides[2]}"
    if sides[:2] != [14, 5]:
        return Verdict.WRONG, said
    return Verdict.CONDITION if sides[2] * 2 < 5 else Verdict.HOLDS, said


def _same(trace: Trace) -> tuple[Verdict, str]:
    one, two = final(trace, "one"), final(trace, "two")
    same = (one.shape, one.values) == (two.shape, two.values)
    return Verdict.HOLDS if same else Verdict.WRONG, f"{one.values} and {two.values}"


def _grad(trace: Trace) -> str:
    return str([f"{value:g}" for value in final(trace, "x").grad.values]).replace("'", "")


_X = "import torch\nfrom torch.nn import functional as F\n\n"

SLIDING = Lesson(
    slug="window",
    title="max and average",
    notice="A maximum hands on one cell of its window, with weight 1: the first, where two tie.",
    program=PROGRAM,
    parameters=Sliding,
    spelled={"pool": CALLS},
    presets=(
        Preset(
            "Maximum",
            "In the middle two 8s tie: the first has weight 1 and gets the gradient.",
            Sliding(),
        ),
        Preset(
            "Average",
            "Each of four cells counts a quarter, and gets back a quarter.",
            Sliding(pool="average"),
        ),
        Preset(
            "Overlap",
            "Windows of 3 in steps of 2 share a column, and the last column is in none.",
            Sliding(kernel=3),
        ),
        Preset(
            "ceil_mode",
            "One more window, cut off at the right, reads what was left over.",
            Sliding(kernel=3, border="ceil_mode=True"),
        ),
        Preset(
            "Padding counted",
            "In the corner four cells count a ninth each: five zeros are averaged with them.",
            Sliding(pool="average", kernel=3, border="padding=1"),
        ),
        Preset(
            "Not counted",
            "The corner's four cells count a quarter each.",
            Sliding(pool="average, padding not counted", kernel=3, border="padding=1"),
        ),
    ),
    opens="x.grad",
    notes={
        "y = F.": "Kernel, then stride; without it the stride is the kernel.",
        "x.grad": "What each cell counts in all outputs together.",
    },
    slips=(
        Slip(
            title="the last row and column are gone",
            program=_X + "x = torch.arange(25.).view(1, 5, 5)\n"
            "y = F.max_pool2d(x, 2, ceil_mode=True)",
            wrong="y = F.max_pool2d(x, 2)",
            right="y = F.max_pool2d(x, 2, ceil_mode=True)",
            lesson="What does not fill a window is dropped, unless ceil_mode rounds up.",
            source=("pytorch#6842", "https://github.com/pytorch/pytorch/issues/6842"),
        ),
        Slip(
            title="stride=None is the kernel, not 1",
            program=_X + "x = torch.arange(16.).view(1, 4, 4)\n"
            "y = F.max_pool2d(x, 3, stride=1, padding=1)",
            wrong="y = F.max_pool2d(x, 3, padding=1)",
            right="y = F.max_pool2d(x, 3, stride=1, padding=1)",
            lesson="Pooling steps by its own size by default; convolution steps by 1.",
            source=(
                "yolo_v1_pytorch#7",
                "https://github.com/motokimura/yolo_v1_pytorch/issues/7",
            ),
        ),
        Slip(
            title="zeros in the average",
            program=_X + "x = torch.ones(1, 3, 3)\n"
            "y = F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)",
            wrong="y = F.avg_pool2d(x, 3, 1, padding=1)",
            right="y = F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)",
            lesson="The padding's zeros count by default: ones average to 4/9 in a corner.",
            source=("tvm#1144", "https://github.com/apache/tvm/issues/1144"),
        ),
        Slip(
            title="zeros before a maximum",
            program=_X + "x = -torch.arange(1., 10.).view(1, 3, 3)\n"
            "y = F.max_pool2d(x, 3, 1, padding=1)",
            wrong="y = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 1)",
            right="y = F.max_pool2d(x, 3, 1, padding=1)",
            lesson="max_pool2d pads with what never wins; zeros of F.pad win over negative cells.",
            source=("pytorch#41294", "https://github.com/pytorch/pytorch/issues/41294"),
        ),
        Slip(
            title="ceil_mode by the formula",
            program=_X + "y = F.max_pool1d(torch.arange(10.)[None], 1, 2, ceil_mode=True)\n"
            "size = y.shape[-1]",
            wrong="size = -(-(10 - 1) // 2) + 1",
            right="size = y.shape[-1]",
            lesson="A window that would begin beyond the picture is dropped: 5, not 6.",
            source=("pytorch#57178", "https://github.com/pytorch/pytorch/issues/57178"),
        ),
    ),
    proofs=(
        Proof(
            "y has a loop's shape and values.",
            "loops over windows and cells",
            _values,
            twin=("F.${pool}", "F.${pool}.flip(-1)"),
            tolerance=1e-5,
        ),
        Proof(
            "x.grad is what each cell counts in all windows of a loop; a tie's first takes all.",
            "loops over windows and cells",
            _gradient,
            twin=("y.sum().backward()", "y.mean().backward()"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="max_pool2d(x, (2, 2)) and max_pool2d(x, 2) are the same.",
            where="A network, forward",
            program="import torch\nfrom torch.nn import functional as F\n"
            "x = torch.arange(24.).view(1, 4, 6)\none = F.max_pool2d(x, (2, 2))\n"
            "two = F.max_pool2d(x, 2)",
            judge=_same,
            truth="One number stands for both sides, and the stride is the kernel.",
            twin=("two = F.max_pool2d(x, 2)", "two = F.max_pool2d(x, 2, 1)"),
        ),
        Statement(
            says="Pooling with 2 halves the sides: 28 to 14, 10 to 5.",
            where="A network, shapes after each layer",
            program="import torch\nfrom torch.nn import functional as F\n"
            "first, second, odd = (F.max_pool2d(torch.zeros(1, n, n), 2) for n in (28, 10, 5))",
            judge=_halves,
            truth="Even sides. Of an odd side the last row or column is dropped: 5 to 2.",
            twin=("F.max_pool2d(torch.zeros(1, n, n), 2)", "torch.zeros(1, n // 2, -(-n // 2))"),
        ),
    ),
    figure=SHARES,
    ask=Ask(
        text="All four cells of x are 5. max_pool2d(x, 2).sum().backward(): what is x.grad?",
        program="import torch\nfrom torch.nn import functional as F\n"
        "x = torch.full((1, 2, 2), 5., requires_grad=True)\nF.max_pool2d(x, 2).sum().backward()",
        answer=_grad,
        options=(
            "[0.25, 0.25, 0.25, 0.25]",
            "[1, 0, 0, 0]",
            "[0, 0, 0, 1]",
            "[1, 1, 1, 1]",
        ),
        because="Pooling keeps one index a window, the first of the largest; amax would share.",
    ),
    references=(
        ("torch.nn.MaxPool2d", f"{_DOCS}/generated/torch.nn.MaxPool2d.html"),
        ("torch.nn.AvgPool2d", f"{_DOCS}/generated/torch.nn.AvgPool2d.html"),
    ),
)
