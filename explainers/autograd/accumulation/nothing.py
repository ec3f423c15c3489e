"""No gradient against a gradient of zeros."""

import dataclasses
import math

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_ZERO_GRAD = (
    "torch.optim.Optimizer.zero_grad",
    f"{_DOCS}/generated/torch.optim.Optimizer.zero_grad.html",
)


@dataclasses.dataclass(frozen=True)
class Nothing(Parameters):
    """Say what zero_grad leaves, and what the optimizer does without a gradient."""

    left: str = choice("None", ("None", "zeros"), label="zero_grad leaves", help="In w.grad.")
    momentum: float = number(
        0.9, label="momentum", help="Of SGD.", minimum=0.0, maximum=0.95, step=0.05
    )
    decay: float = number(
        0.1, label="weight_decay", help="Of SGD.", minimum=0.0, maximum=0.5, step=0.05
    )


PROGRAM = """
import torch

w = torch.tensor([1.], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=${momentum}, weight_decay=${decay})
w.sum().backward()
optimizer.step()
optimizer.zero_grad(${left})
optimizer.step()
"""


def _weight(trace: Trace, settings: Nothing) -> float:
    buffer = 1 + settings.decay
    w = 1 - 0.1 * buffer
    if settings.left == "zeros":
        w -= 0.1 * (settings.momentum * buffer + settings.decay * w)
    return difference(final(trace, "w").values, [w])


def _left(trace: Trace, settings: Nothing) -> float:
    grad = final(trace, "w").grad
    if settings.left == "None":
        return 0.0 if grad is None else math.inf
    return math.inf if grad is None else difference(grad.values, [0.0])


def _source(trace: Trace) -> tuple[Verdict, str]:
    grad = final(trace, "w").grad
    if grad is None:
        return Verdict.OBSOLETE, "w.grad is None"
    return Verdict.HOLDS, f"w.grad is {list(grad.values)}"


NOTHING = Lesson(
    slug="none",
    title="None against zeros",
    notice="w.grad is None, so the second step passed w over, momentum or not.",
    program=PROGRAM,
    parameters=Nothing,
    spelled={"left": {"None": "", "zeros": "set_to_none=False"}},
    presets=(
        Preset("None", "The second step left w at 0.89.", Nothing()),
        Preset(
            "Zeros",
            "A gradient of 0 is a gradient: momentum and weight decay move w on.",
            Nothing("zeros"),
        ),
        Preset(
            "Zeros, plain SGD",
            "Without momentum and decay a gradient of 0 moves nothing.",
            Nothing("zeros", 0.0, 0.0),
        ),
    ),
    notes={
        "optimizer.zero_grad(": "It drops the tensor; set_to_none=False fills it with 0.",
        "optimizer = torch": "Momentum remembers the last steps; weight decay pulls w to 0.",
    },
    slips=(
        Slip(
            title="zeroing by hand what is None",
            program="import torch\n\nw = torch.tensor([1.], requires_grad=True)\n"
            "for t in range(2):\n    w.grad = None\n    (w * 2).sum().backward()",
            wrong="w.grad.zero_()",
            right="w.grad = None",
            lesson="Before the first backward, and after zero_grad(), there is no tensor to "
            "fill with zeros.",
            source=(
                "Grad-CAM.pytorch#27",
                "https://github.com/yizt/Grad-CAM.pytorch/issues/27",
            ),
        ),
        Slip(
            title="a frozen weight that moves",
            program="import torch\n\nw = torch.tensor([1.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)\nw.sum().backward()\n"
            "optimizer.step()\noptimizer.zero_grad()\nw.requires_grad_(False)\noptimizer.step()",
            wrong="optimizer.zero_grad(set_to_none=False)",
            right="optimizer.zero_grad()",
            lesson="The optimizer asks whether there is a gradient, not whether one is required: "
            "zeros keep a frozen weight in step.",
            source=_ZERO_GRAD,
            opens="optimizer.step()",
        ),
    ),
    proofs=(
        Proof(
            "w ends where momentum and decay lead it: nowhere more where w.grad is None.",
            "SGD's two lines, in Python",
            _weight,
            twin=("optimizer.zero_grad(${left})", "optimizer.zero_grad(set_to_none=False)"),
            tolerance=1e-6,
        ),
        Proof(
            "w.grad is None, or zeros if asked for.",
            "the setting itself",
            _left,
            twin=("optimizer.zero_grad(${left})", "w.grad.mul_(0)"),
        ),
    ),
    statements=(
        Statement(
            says="zero_grad detaches each gradient and fills it with zeros.",
            where="Using an optimizer",
            program="import torch\nw = torch.ones(2, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\nw.sum().backward()\n"
            "optimizer.zero_grad()",
            judge=_source,
            truth="Since torch 2.0 it sets .grad to None; set_to_none=False brings the zeros back.",
            twin=("zero_grad()", "zero_grad(set_to_none=False)"),
        ),
    ),
    ask=Ask(
        text="SGD with momentum: backward, step, zero_grad(), step. What does the second step do?",
        program="import torch\nw = torch.ones(1, requires_grad=True)\n"
        "optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)\nw.sum().backward()\n"
        "optimizer.step()\nbefore = w.item()\noptimizer.zero_grad()\noptimizer.step()\n"
        "after = w.item()",
        answer=lambda trace: (
            "raises"
            if trace.failure
            else "nothing"
            if final(trace, "before").text == final(trace, "after").text
            else "moves w on by momentum"
        ),
        options=("nothing", "moves w on by momentum", "raises"),
        because="zero_grad() left None, and a parameter without a gradient is passed over.",
    ),
    references=(_ZERO_GRAD,),
    terms=("set_to_none", "zero_grad", "weight_decay", "momentum"),
)
