"""Backward hooks on modules: the full one, and the old one, which sees the last operation."""

import dataclasses
import math

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_FULL = (
    "Module.register_full_backward_hook",
    f"{_DOCS}/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook",
)


@dataclasses.dataclass(frozen=True)
class Behind(Parameters):
    """Say which hook stands on the module, and which slopes there are."""

    hook: str = choice(
        "full_backward_hook",
        ("full_backward_hook", "backward_hook"),
        label="register_",
        help="The full one, or the old one.",
    )
    factor: int = number(2, label="factor", help="In the module.", minimum=-3, maximum=4, step=1)
    slope: int = number(
        10, label="slope", help="Of the loss in y[1]; in y[0] it is 1.", minimum=2, maximum=20
    )


PROGRAM = """
import torch

class Line(torch.nn.Module):
    def forward(self, x):
        return ${factor} * x + 1

seen = {}
def hook(module, grad_input, grad_output):
    seen["in"], seen["out"] = grad_input[0], grad_output[0]

line = Line()
line.register_${hook}(hook)
x = torch.ones(2, requires_grad=True)
y = line(x)
(y * torch.tensor([1., ${slope}.])).sum().backward()
"""


def _out(trace: Trace, settings: Behind) -> float:
    return difference(final(trace, "seen").items["out"].values, [1.0, settings.slope])


def _in(trace: Trace, settings: Behind) -> float:
    factor = settings.factor if settings.hook == "full_backward_hook" else 1
    found = final(trace, "seen").items["in"].values
    return difference(found, [factor * slope for slope in (1.0, settings.slope)])


def _gradient(trace: Trace, settings: Behind) -> float:
    grad = final(trace, "x").grad
    expected = [settings.factor * slope for slope in (1.0, settings.slope)]
    return math.inf if grad is None else difference(grad.values, expected)


def _same(trace: Trace, settings: Behind) -> float:
    grad, found = final(trace, "x").grad, final(trace, "seen").items["in"]
    return math.inf if grad is None else difference(found.values, grad.values)


def _deprecated(trace: Trace) -> tuple[Verdict, str]:
    said = [words for step in trace.steps for words in step.warned if "deprecated" in words]
    held, grad = final(trace, "seen").items["in"].values, final(trace, "x").grad.values
    verdict = Verdict.OBSOLETE if said or held != grad else Verdict.HOLDS
    return verdict, f"grad_input {list(held)}, where x.grad is {list(grad)}"


def _sizes(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.CONDITION, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, trace.steps[-1].printed.strip() or final(trace, "seen").text


_OLD = PROGRAM.replace("${factor}", "2").replace("${slope}", "10")
_SIZES = """
import torch
seen = []
def printgrad(self, grad_input, grad_output):
    seen.append(tuple(grad_input[0].size()))
layer = torch.nn.Linear(2, 1)
layer.register_full_backward_hook(printgrad)
x = torch.ones(1, 2)
layer(x).sum().backward()
"""

BEHIND = Lesson(
    slug="backward",
    title="on the way back",
    notice="The full hook sees [1, 10] at the output and [2, 20] at the input, as x.grad has it.",
    program=PROGRAM,
    parameters=Behind,
    presets=(
        Preset("The full hook", "grad_input is x.grad.", Behind()),
        Preset(
            "The old hook",
            "grad_input is [1, 10], the gradient at the input of + 1 and not of the module.",
            Behind("backward_hook"),
        ),
        Preset("Downhill", "A factor of -3: the full hook has the sign right.", Behind(factor=-3)),
    ),
    notes={
        "        return ": "Two operations; the last of them is the addition.",
        "seen[": "Tuples: a gradient for each input, and for each output.",
        "y = line(x)": "The full hook puts a node before and behind what forward notes.",
    },
    slips=(
        Slip(
            title="register_backward_hook gives the wrong grad_input",
            program=_OLD.replace("${hook}", "full_backward_hook"),
            wrong="line.register_backward_hook(hook)",
            right="line.register_full_backward_hook(hook)",
            lesson="The old hook stands on the last operation alone. It warns as soon as there "
            "are several.",
            source=("pytorch#7040", "https://github.com/pytorch/pytorch/issues/7040"),
            opens=".backward()",
        ),
        Slip(
            title="Output 0 of BackwardHookFunction is a view and is being modified inplace",
            program="import torch\n\nnet = torch.nn.Sequential(torch.nn.Linear(1, 1), "
            "torch.nn.ReLU())\nnet[1].register_full_backward_hook(print)\n"
            "net(torch.ones(1)).sum().backward()",
            wrong="torch.nn.ReLU(inplace=True)",
            right="torch.nn.ReLU()",
            lesson="The node that the hook puts before a module returns its input as a view, and "
            "an in-place layer writes into that. Or set a tensor hook in a forward hook.",
            source=("pytorch#61519", "https://github.com/pytorch/pytorch/issues/61519"),
        ),
        Slip(
            title="grad_input is (None,)",
            program=_SIZES.replace("torch.ones(1, 2)", "torch.ones(1, 2, requires_grad=True)"),
            wrong="x = torch.ones(1, 2)",
            right="x = torch.ones(1, 2, requires_grad=True)",
            lesson="Data require no gradient, so the first layer has none to show at its input.",
            source=(
                "pytorch-cnn-visualizations#67",
                "https://github.com/utkuozbulak/pytorch-cnn-visualizations/issues/67",
            ),
        ),
    ),
    proofs=(
        Proof(
            "grad_output is the slope of the loss in y.",
            "what the loss was made of",
            _out,
            twin=("1., ${slope}.]", "2., ${slope}.]"),
        ),
        Proof(
            "grad_input is factor times that for the full hook, and that itself for the old one.",
            "the chain rule, in Python",
            _in,
            twin=("register_${hook}", "register_backward_hook"),
        ),
        Proof(
            "x.grad is factor times the slope, whichever hook looks on.",
            "the chain rule, in Python",
            _gradient,
            twin=("* x + 1", "* x * x + 1"),
        ),
        Proof(
            "What the full hook calls grad_input is the gradient that x gets.",
            "x.grad",
            _same,
            twin=("full_backward_hook", "backward_hook"),
            kind=Kind.ANOTHER_PATH,
            program=PROGRAM.replace("${hook}", "full_backward_hook"),
        ),
    ),
    statements=(
        Statement(
            says="register_backward_hook gets the gradients before and behind a module.",
            where="Hooks",
            program=_OLD.replace("${hook}", "backward_hook"),
            judge=_deprecated,
            truth="register_full_backward_hook does. The old one is deprecated, and its "
            "grad_input is that of the module's last operation.",
            twin=("register_backward_hook", "register_full_backward_hook"),
        ),
        Statement(
            says="printgrad reads grad_input[0].size().",
            where="Watching each layer",
            program=_SIZES,
            judge=_sizes,
            truth="Where the module's input requires a gradient, as behind another layer; at the "
            "first layer it is None.",
            twin=("torch.ones(1, 2)", "torch.ones(1, 2, requires_grad=True)"),
        ),
    ),
    ask=Ask(
        text="A hook was registered, y = layer(x) computed, then handle.remove() called. Does the "
        "full backward hook still run in y.backward()?",
        program="import torch\nran = []\nlayer = torch.nn.Linear(1, 1)\n"
        "handle = layer.register_full_backward_hook(lambda *_: ran.append(1))\n"
        "y = layer(torch.ones(1, requires_grad=True))\nhandle.remove()\ny.backward()",
        answer=lambda trace: "no" if final(trace, "ran").text == "[]" else "yes",
        options=("yes", "no", "it raises"),
        because="The call has put its nodes into the graph, with the hooks that stood there then.",
    ),
    references=(
        _FULL,
        ("Autograd mechanics: backward hooks execution", f"{_DOCS}/notes/autograd.html"),
    ),
    terms=("register_full_backward_hook", "register_backward_hook", "grad_input", "grad_output"),
)
