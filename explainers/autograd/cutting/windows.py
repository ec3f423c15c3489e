"""A view that is made under no_grad."""

import dataclasses
import math

from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_VIEWS = ("x.view(3)", "x[0:3]")


@dataclasses.dataclass(frozen=True)
class Windows(Parameters):
    """Say under which mode what is made of x."""

    mode: str = choice("no_grad", ("no_grad", "enable_grad"), label="mode", help="Around it.")
    made: str = choice(
        "x.view(3)",
        (*_VIEWS, "x * 1", "x.detach()"),
        label="v",
        help="Two are views; x * 1 is a result, and detach a view that is cut off.",
    )
    factor: int = number(3, label="factor", help="Of v, outside.", minimum=1, maximum=5, step=1)


PROGRAM = """
import torch

x = torch.tensor([1., 2., 3.], requires_grad=True)
with torch.${mode}():
    v = ${made}
loss = (v * ${factor}).sum()
loss.backward()
"""


def _gradient(trace: Trace, settings: Windows) -> float:
    grad = final(trace, "x").grad
    if settings.mode == "no_grad" or settings.made == "x.detach()":
        return 0.0 if grad is None else math.inf
    return math.inf if grad is None else difference(grad.values, [settings.factor] * 3)


def _says(trace: Trace, settings: Windows) -> float:
    says = settings.made in _VIEWS or (
        settings.mode == "enable_grad" and settings.made != "x.detach()"
    )
    return float(final(trace, "v").requires_grad is not says) + float(
        (trace.failure is None) is not says
    )


WINDOWS = Lesson(
    slug="view",
    title="a view made in no_grad",
    notice="v says that it requires a gradient, backward runs, and no tensor gets one.",
    program=PROGRAM,
    parameters=Windows,
    presets=(
        Preset("A view", "v.requires_grad is True; x.grad and v.grad stay None.", Windows()),
        Preset(
            "A result",
            "x * 1 is no view: it says False, and backward raises.",
            Windows(made="x * 1"),
        ),
        Preset("Outside no_grad", "The same view with a graph: x gets 3s.", Windows("enable_grad")),
    ),
    opens="loss.backward()",
    notes={
        "    v = ": "A view takes over requires_grad from what it looks at, and here no graph.",
        "loss.backward()": "Where it runs without v's graph, the gradient ends at v and is lost.",
    },
    slips=(
        Slip(
            title="slicing weights under no_grad",
            program="import torch\n\nw = torch.tensor([1., 2., 3.], requires_grad=True)\n"
            "with torch.enable_grad(): part = w[1:]\n(part * part).sum().backward()",
            wrong="with torch.no_grad(): part = w[1:]",
            right="with torch.enable_grad(): part = w[1:]",
            lesson="requires_grad says True, and backward is silent, but w.grad stays None: make "
            "views where gradients are on.",
            source=("pytorch#11390", "https://github.com/pytorch/pytorch/issues/11390"),
        ),
    ),
    proofs=(
        Proof(
            "x gets factor in each cell if v was made with gradients on and not detached; "
            "otherwise nothing.",
            "the closed form",
            _gradient,
            twin=("torch.${mode}()", "torch.enable_grad()"),
        ),
        Proof(
            "A view says what x says, whatever the mode, and backward then runs.",
            "the rule, in Python",
            _says,
            twin=("v = ${made}", "v = (${made}) + 0"),
        ),
    ),
    ask=Ask(
        text="with torch.no_grad(): v = x[1:]. Then (v * 2).sum().backward(). What is x.grad?",
        program="import torch\nx = torch.ones(3, requires_grad=True)\nwith torch.no_grad():\n"
        "    v = x[1:]\n(v * 2).sum().backward()",
        answer=lambda trace: (
            "backward raises"
            if trace.failure
            else "None"
            if final(trace, "x").grad is None
            else str(list(final(trace, "x").grad.values))
        ),
        options=("[0.0, 2.0, 2.0]", "None", "backward raises"),
        because="v says requires_grad=True but has no graph: the gradient is lost on its way.",
    ),
    references=(("torch.no_grad", f"{_DOCS}/generated/torch.no_grad.html"),),
    terms=("no_grad", "view", "slice", "requires_grad"),
)
