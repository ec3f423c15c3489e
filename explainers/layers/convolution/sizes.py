"""How many windows fit: the output's size, and pixels that no window reads."""

import dataclasses
import math

from explainers.evidence import Verdict
from explainers.layers.convolution import reference
from explainers.layers.convolution.ruler import RULER, fits
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_CONV2D = ("torch.nn.Conv2d", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html")

_MANY = (
    "A fifth window would need an eleventh pixel: the division is rounded down, and no window "
    "reads pixel 9."
)


@dataclasses.dataclass(frozen=True)
class Size(Parameters):
    """Say how long a row is and how windows stand on it."""

    n: int = number(10, label="n", help="Pixels of the row.", minimum=3, maximum=16)
    k: int = number(3, label="kernel_size", help="Taps of a window.", minimum=1, maximum=5)
    s: int = number(
        2, label="stride", help="Pixels from one window to the next.", minimum=1, maximum=4
    )
    p: int = number(0, label="padding", help="Zeros on each side.", minimum=0, maximum=3)
    d: int = number(
        1, label="dilation", help="Pixels from one tap to the next.", minimum=1, maximum=3
    )


PROGRAM = """
import math
import torch
from torch import nn

n, k, s, p, d = ${n}, ${k}, ${s}, ${p}, ${d}
size = math.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1
conv = nn.Conv1d(1, 1, k, stride=s, padding=p, dilation=d, bias=False)
nn.init.ones_(conv.weight)
x = torch.ones(1, 1, n, requires_grad=True)
y = conv(x)
y.sum().backward()
unread = (x.grad == 0).sum().item()
"""


def _windows(settings: Size) -> list[tuple[int, ...]]:
    length = settings.n + 2 * settings.p
    return list(reference.taps(length, settings.k, settings.s, settings.d))


def _counted(trace: Trace, settings: Size) -> float:
    windows = _windows(settings)
    if trace.failure is not None:
        return 0.0 if not fits(settings) else math.inf
    return difference((told(trace, "size"), final(trace, "y").shape[2]), [len(windows)] * 2)


def _left(trace: Trace, settings: Size) -> float:
    if trace.failure is not None:
        return 0.0 if not fits(settings) else math.inf
    read = {at - settings.p for taps in _windows(settings) for at in taps}
    return difference((told(trace, "unread"),), (len(set(range(settings.n)) - read),))


def _reads(trace: Trace, settings: Size) -> float:
    if trace.failure is not None:
        return 0.0 if not fits(settings) else math.inf
    read = [at - settings.p for taps in _windows(settings) for at in taps]
    return difference(final(trace, "x").grad.values, map(read.count, range(settings.n)))


def _rounded(trace: Trace) -> tuple[Verdict, str]:
    found, plain = (final(trace, name).values for name in ("found", "plain"))
    broken = sum(size != int(size) for size in plain)
    if difference(found, map(math.floor, plain)):
        return Verdict.WRONG, f"rounded down, it gives {plain[0]:g} and torch {found[0]}"
    said = f"of {len(found)} settings {broken} are not whole; torch rounds each down"
    return (Verdict.CONDITION if broken else Verdict.HOLDS), said


def _tuples(trace: Trace) -> tuple[Verdict, str]:
    number, given, long = (told(trace, name) for name in ("number", "given", "long"))
    said = f"3 gives {number}, (1, 2) gives {given}, [1, 2, 3] gives {long}"
    if number != (3, 3) or given != (1, 2):
        return Verdict.WRONG, said
    return (Verdict.HOLDS if long == [1, 2, 3] else Verdict.CONDITION), said


def _iterates(trace: Trace) -> tuple[Verdict, str]:
    kind = told(trace, "kind")
    return (Verdict.HOLDS if kind == "repeat" else Verdict.WRONG), f"_single(3) is a {kind}"


def _axes(trace: Trace) -> tuple[Verdict, str]:
    shape = final(trace, "y").shape[2:]
    return (Verdict.HOLDS if shape == (6, 2) else Verdict.WRONG), f"of 8 × 8 comes {shape}"


SIZE = Lesson(
    slug="size",
    title="the size on a ruler",
    notice=_MANY,
    program=PROGRAM,
    parameters=Size,
    presets=(
        Preset(
            "A pixel too many",
            _MANY,
            Size(),
        ),
        Preset(
            "Padded",
            "The zero on the right stays unread; every pixel is read once or twice.",
            Size(p=1),
        ),
        Preset(
            "Holes",
            "Stride 4 leaves a pixel out between every two windows of 3, and the last one.",
            Size(n=12, s=4),
        ),
        Preset(
            "Dilated",
            "Taps 2 apart, windows 2 apart: every window reads even pixels, and none an odd one.",
            Size(n=11, d=2),
        ),
        Preset("Too large", "The window does not fit, and torch refuses.", Size(n=4, k=5)),
    ),
    opens="unread = ",
    shows=("y", "x"),
    notes={
        "size = ": "The division is rounded down before the 1 is added.",
        "ones_": "With weights of 1, a pixel's gradient counts the windows that read it.",
    },
    slips=(
        Slip(
            title="the last column is lost",
            program="import torch\nfrom torch.nn.functional import conv1d, pad\n\n"
            "x = torch.tensor([[[0., 0, 0, 0, 0, 0, 0, 9]]])\nk = torch.ones(1, 1, 3)\n"
            "y = conv1d(pad(x, (0, 1)), k, stride=2)",
            wrong="y = conv1d(x, k, stride=2)",
            right="y = conv1d(pad(x, (0, 1)), k, stride=2)",
            lesson="A window that does not fit is left out without a word, and what it would have "
            "read with it. Pad the end where it counts.",
            source=("torch/nn#1093", "https://github.com/torch/nn/issues/1093"),
        ),
        Slip(
            title="padding='same' with a stride",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 1, 8)\n"
            "conv = nn.Conv1d(1, 1, 3, stride=2, padding=1)\ny = conv(x)",
            wrong='conv = nn.Conv1d(1, 1, 3, stride=2, padding="same")',
            right="conv = nn.Conv1d(1, 1, 3, stride=2, padding=1)",
            lesson="Of a stride above 1, same would not mean the same size: torch refuses. Say the "
            "padding as a number.",
            source=("pytorch#67551", "https://github.com/pytorch/pytorch/issues/67551"),
        ),
        Slip(
            title="half of an even kernel",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 1, 3)\n"
            'y = nn.Conv1d(1, 1, 4, padding="same")(x)\nz = x + y',
            wrong="y = nn.Conv1d(1, 1, 4, padding=4 // 2)(x)",
            right='y = nn.Conv1d(1, 1, 4, padding="same")(x)',
            lesson="An even kernel needs an odd number of zeros in all; half of it on both sides "
            "makes the output one longer. same adds the odd one at the end.",
            source=("caml-mimic#3", "https://github.com/jamesmullenbach/caml-mimic/issues/3"),
        ),
        Slip(
            title="(width, height)",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 1, 4, 8)\n"
            "y = nn.Conv2d(1, 1, (3, 5))(x)",
            wrong="y = nn.Conv2d(1, 1, (5, 3))(x)",
            right="y = nn.Conv2d(1, 1, (3, 5))(x)",
            lesson="A tuple is rows, columns, as shapes are. OpenCV's sizes are width, height.",
            source=("vision#8908", "https://github.com/pytorch/vision/issues/8908"),
        ),
        Slip(
            title="a tuple of the wrong length",
            program="import torch\nfrom torch import nn\n\nx = torch.ones(1, 2, 8)\n"
            "conv = nn.Conv1d(2, 1, 3)\ny = conv(x)",
            wrong="conv = nn.Conv1d(2, 1, (3, 3))",
            right="conv = nn.Conv1d(2, 1, 3)",
            lesson="The constructor takes any length and makes weights of it; the call is where it "
            "comes out.",
            source=("pytorch#29369", "https://github.com/pytorch/pytorch/issues/29369"),
        ),
    ),
    proofs=(
        Proof(
            "Formula and layer give as many outputs as windows fit; if none does, it is refused.",
            "windows counted in a loop",
            _counted,
            twin=("math.floor", "math.ceil"),
        ),
        Proof(
            "As many pixels are unread as stand under no window.",
            "a loop over windows and taps",
            _left,
            twin=("stride=s", "stride=s + 2"),
        ),
        Proof(
            "A pixel's gradient is the number of windows that read it.",
            "a loop over windows and taps",
            _reads,
            twin=("dilation=d", "dilation=d + 1"),
        ),
    ),
    statements=(
        Statement(
            says="The output has (in + 2·padding - dilation·(kernel - 1) - 1) / stride + 1 rows.",
            where="Conv2d()",
            program="import torch\nfrom torch.nn.functional import conv1d\n"
            "strides = 1, 2, 3\n"
            "tried = [(n, k, s, p, d) for n in range(5, 12) for k in (1, 2, 3) for s in strides\n"
            "    for p in (0, 1) for d in (1, 2)]\n"
            "plain = torch.tensor([(n + 2 * p - d * (k - 1) - 1) / s + 1\n"
            "    for n, k, s, p, d in tried])\n"
            "found = torch.tensor([conv1d(torch.ones(1, 1, n), torch.ones(1, 1, k), stride=s,\n"
            "    padding=p, dilation=d).shape[2] for n, k, s, p, d in tried])",
            judge=_rounded,
            truth="Rounded down before the 1 is added: pixels that fill no window are unread.",
            twin=("strides = 1, 2, 3", "strides = 1,"),
        ),
        Statement(
            says="The same formula holds for rows and columns, each with its own numbers.",
            where="Conv2d()",
            program="import torch\nfrom torch import nn\n"
            "y = nn.Conv2d(1, 1, (3, 5), stride=(1, 2))(torch.ones(1, 1, 8, 8))",
            judge=_axes,
            truth="The first number of a tuple is for rows, the second for columns; one number is "
            "for both.",
            twin=("(3, 5), stride=(1, 2)", "(5, 3), stride=(2, 1)"),
        ),
        Statement(
            says="_ntuple repeats a number n times and gives back an iterable as it is.",
            where="utils._ntuple",
            program="from torch.nn.modules.utils import _pair\nnumber = _pair(3)\n"
            "given = _pair((1, 2))\nlong = _pair([1, 2, 3])",
            judge=_tuples,
            truth="An iterable becomes a tuple, uncounted: [1, 2, 3] passes for a pair.",
            twin=("_pair([1, 2, 3])", "[*_pair([1, 2, 3])]"),
        ),
        Statement(
            says="_single gives an iterator.",
            where="utils._ntuple",
            program="from itertools import repeat\nfrom torch.nn.modules.utils import _single\n"
            "kind = type(_single(3)).__name__",
            judge=_iterates,
            truth="A tuple: it can be read again, indexed and compared.",
            twin=("type(_single(3))", "type(repeat(3, 1))"),
        ),
    ),
    figure=RULER,
    ask=Ask(
        text="A picture 224 wide through Conv2d(3, 64, 7, stride=2, padding=3): how wide is it?",
        program="import torch\nfrom torch import nn\n"
        'conv = nn.Conv2d(3, 64, 7, stride=2, padding=3, device="meta")\n'
        'wide = conv(torch.empty(1, 3, 224, 224, device="meta")).shape[3]',
        answer=lambda trace: str(told(trace, "wide")),
        options=("111", "112", "113"),
        because="(224 + 6 - 6 - 1) / 2 is 111.5: rounded down, and 1 added. A column stays unread.",
    ),
    references=(_CONV2D,),
    terms=("output size", "receptive field", "_pair", "kernel_size"),
)
