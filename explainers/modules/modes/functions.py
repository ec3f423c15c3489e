"""Modules against functions: who holds the weights, and who knows the mode."""

import dataclasses

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_FOLLOWS = ("self.drop(x)", "F.dropout(x, 0.5, self.training)")
_ALWAYS = ("F.dropout(x, 0.5)", "nn.Dropout(0.5)(x)")


@dataclasses.dataclass(frozen=True)
class Functions(Parameters):
    """Say how the net drops, in which mode it is, and what comes in."""

    call: str = choice(
        "F.dropout(x, 0.5)",
        (*_FOLLOWS, *_ALWAYS),
        label="forward returns",
        help="The child's output, the function's with self.training or alone, a new module's.",
        words=("self.drop(x)", "F, told", "F.dropout(x)", "a new one"),
    )
    mode: str = choice("eval", ("train", "eval"), label="mode", help="Of the net.")
    size: int = number(1, label="x", help="The value of its cells.", minimum=1, maximum=5, step=1)


PROGRAM = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return ${call}

torch.manual_seed(0)
net = Net()
net.${mode}()
y = net(torch.full((4, 8), ${size}.))
"""


def _drops(settings: Functions) -> bool:
    return settings.call in _ALWAYS or (settings.call in _FOLLOWS and settings.mode == "train")


def _values(trace: Trace, settings: Functions) -> float:
    found = final(trace, "y").values
    if not _drops(settings):
        return difference(found, [float(settings.size)] * 32)
    return float(max(min(abs(value), abs(value - 2 * settings.size)) for value in found))


def _dropped(trace: Trace, settings: Functions) -> float:
    zeros = sum(value == 0 for value in final(trace, "y").values)
    # Of 32 cells at one half: fewer or more come three times in a million.
    return float(not 4 <= zeros <= 28) if _drops(settings) else float(zeros)


def _same(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message[:60]}"
    shapes = final(trace, "a").shape, final(trace, "b").shape
    apart = difference(final(trace, "a").values, final(trace, "b").values)
    right = shapes[0] == shapes[1] and apart < 1e-6
    words = "both give the same" if right else f"shapes {shapes[0]} and {shapes[1]}"
    return (Verdict.HOLDS if right else Verdict.WRONG), words


def _default(trace: Trace) -> str:
    def moved(name: str) -> bool:
        return bool(final(trace, name).values != final(trace, "x").values)

    return {
        (True, True): "both",
        (True, False): "F.dropout alone",
        (False, True): "F.batch_norm alone",
        (False, False): "neither",
    }[moved("dropped"), moved("normed")]


FUNCTIONS = Lesson(
    slug="functions",
    title="nn or functional",
    notice="The net is in eval, and cells are dropped: F.dropout knows of no net, and its "
    "default is training=True.",
    program=PROGRAM,
    parameters=Functions,
    presets=(
        Preset("F.dropout in eval", "Zeros and 2s, in eval mode.", Functions()),
        Preset(
            "self.training handed over",
            "The function does what it is told: nothing is dropped.",
            Functions("F.dropout(x, 0.5, self.training)"),
        ),
        Preset(
            "The module",
            "nn.Dropout looks at its own flag, which eval() set.",
            Functions("self.drop(x)"),
        ),
        Preset(
            "A module made in forward",
            "It is new, so in training mode, and eval() never saw it.",
            Functions("nn.Dropout(0.5)(x)"),
        ),
    ),
    shows=("net", "y"),
    notes={
        "self.drop = ": "A child: eval() reaches it, whether forward uses it or not.",
        "net.": "It sets the flags of modules. A function has none.",
    },
    slips=(
        Slip(
            title="F.dropout in eval",
            program=PROGRAM.replace("${call}", "F.dropout(x, 0.5, training=self.training)")
            .replace("${mode}", "eval")
            .replace("${size}", "1")
            .strip(),
            wrong="return F.dropout(x, 0.5)",
            right="return F.dropout(x, 0.5, training=self.training)",
            lesson="Hand self.training over, or use nn.Dropout.",
            source=("pytorch#26338", "https://github.com/pytorch/pytorch/issues/26338"),
            opens="y = net(",
        ),
    ),
    proofs=(
        Proof(
            "Each cell is as it came, or 0 or twice that where the call drops.",
            "the closed form",
            _values,
            twin=("        return ${call}", "        return ${call} / 2"),
        ),
        Proof(
            "The module and the function with self.training follow the mode; the others do not.",
            "the rule, in Python",
            _dropped,
            twin=("        return ${call}", "        return x"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="With functions alone, weight, bias, stride and the like must be kept by hand; "
            "a module of nn keeps them.",
            where="torch.nn and torch.nn.functional",
            program="import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
            "conv = nn.Conv2d(1, 2, 3, stride=2, padding=1)\nx = torch.randn(1, 1, 6, 6)\n"
            "a = conv(x)\n"
            "b = nn.functional.conv2d(x, conv.weight, conv.bias, stride=2, padding=1)",
            judge=_same,
            truth="The module calls the function with what it keeps. Functions keep no mode "
            "either.",
            twin=("conv.bias, stride=2, padding=1", "conv.bias"),
        ),
    ),
    ask=Ask(
        text="F.dropout(x) and F.batch_norm(x, mean, var), each with its default of training. "
        "Which acts as in training?",
        program="import torch\nfrom torch.nn import functional as F\ntorch.manual_seed(0)\n"
        "x = torch.arange(1., 9.).reshape(8, 1)\ndropped = F.dropout(x)\n"
        "normed = F.batch_norm(x, torch.zeros(1), torch.ones(1), eps=0.)",
        answer=_default,
        options=("both", "F.dropout alone", "F.batch_norm alone", "neither"),
        because="F.dropout has training=True, F.batch_norm training=False: by running statistics "
        "of 0 and 1, x stays x.",
    ),
    references=(
        (
            "torch.nn.functional.dropout",
            f"{_DOCS}/generated/torch.nn.functional.dropout.html",
        ),
        (
            "torch.nn.functional.batch_norm",
            f"{_DOCS}/generated/torch.nn.functional.batch_norm.html",
        ),
    ),
    terms=("F.dropout", "nn.functional", "self.training", "F.batch_norm", "F.conv2d"),
)
