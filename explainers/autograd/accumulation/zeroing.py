"""zero_grad: never, once, or before each backward."""

import dataclasses
import math

import torch

from explainers.autograd.accumulation.walks import WALKED
from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Zeroing(Parameters):
    """Say when gradients are zeroed, and how the weight moves."""

    zero: str = choice(
        "never", ("never", "once", "each turn"), label="zero_grad", help="When it is called."
    )
    lr: float = number(0.1, label="lr", help="Of SGD.", minimum=0.05, maximum=0.5, step=0.05)
    turns: int = number(6, label="turns", help="Of the loop.", minimum=1, maximum=12, step=1)


PROGRAM = """
import torch

w = torch.tensor([5.], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=${lr})
for t in range(${turns}):
    ${zero}
    loss = (w ** 2).sum()
    loss.backward()
    optimizer.step()
"""


def _walk(settings: Zeroing) -> tuple[float, float]:
    """Return the weight and the gradient at the end."""
    w, grad = 5.0, 0.0
    for _ in range(settings.turns):
        grad = 2 * w + (0.0 if settings.zero == "each turn" else grad)
        w -= settings.lr * grad
    return w, grad


def _weight(trace: Trace, settings: Zeroing) -> float:
    return difference(final(trace, "w").values, [_walk(settings)[0]])


def _gradient(trace: Trace, settings: Zeroing) -> float:
    grad = final(trace, "w").grad
    return math.inf if grad is None else difference(grad.values, [_walk(settings)[1]])


def _momentum(trace: Trace, settings: Zeroing) -> float:
    w = torch.tensor([5.0], requires_grad=True)
    momentum = 0.0 if settings.zero == "each turn" else 1.0
    optimizer = torch.optim.SGD([w], lr=settings.lr, momentum=momentum)
    for _ in range(settings.turns):
        optimizer.zero_grad()
        (w**2).sum().backward()
        optimizer.step()
    return difference(final(trace, "w").values, w.tolist())


def _adds(trace: Trace) -> tuple[Verdict, str]:
    values = list(final(trace, "x").grad.values)
    right = values == [6.0, 12.0]
    return (Verdict.HOLDS if right else Verdict.WRONG), f"three backwards of x²: {values}"


def _once(trace: Trace) -> tuple[Verdict, str]:
    (w,) = final(trace, "w").values
    verdict = Verdict.HOLDS if abs(w) < 0.1 else Verdict.WRONG
    return verdict, f"after 30 steps down w², w is {w:.3f}"


def _part(trace: Trace) -> tuple[Verdict, str]:
    text = final(trace, "none").text
    right = text == "[False, False, True, True]"
    return (Verdict.HOLDS if right else Verdict.WRONG), f"is None, by parameter: {text}"


ZEROING = Lesson(
    slug="zero_grad",
    title="zero_grad",
    notice="Each backward added to w.grad: w runs past 0, as with momentum 1.",
    program=PROGRAM,
    parameters=Zeroing,
    spelled={
        "zero": {
            "never": "pass",
            "once": "if t == 0: optimizer.zero_grad()",
            "each turn": "optimizer.zero_grad()",
        }
    },
    presets=(
        Preset("Never", "The gradients of six turns are in w.grad.", Zeroing()),
        Preset(
            "Each turn", "w.grad is this turn's gradient, and w goes to 0.", Zeroing("each turn")
        ),
        Preset("Once", "Zeroing nothing once is as good as never.", Zeroing("once")),
    ),
    notes={
        "loss.backward()": "backward adds to w.grad; it replaces nothing.",
        "optimizer.step()": "step reads w.grad and leaves it as it is.",
    },
    slips=(
        Slip(
            title="zero_grad once per epoch",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\nfor batch in (1., 2., 3.):\n"
            "    optimizer.zero_grad()\n    (batch * w).sum().backward()\n    optimizer.step()",
            wrong="optimizer.zero_grad()\nfor batch in (1., 2., 3.):",
            right="for batch in (1., 2., 3.):\n    optimizer.zero_grad()",
            lesson="Zero before each backward, not before the loop: batches would pile up.",
            source=("pytorch#47175", "https://github.com/pytorch/pytorch/issues/47175"),
        ),
        Slip(
            title="zero_grad between backward and step",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\noptimizer.zero_grad()\n"
            "loss = (w ** 2).sum()\nloss.backward()\noptimizer.step()",
            wrong="loss.backward()\noptimizer.zero_grad()",
            right="loss.backward()",
            lesson="step finds no gradient and leaves w where it is; nothing is raised. Before or "
            "after the forward pass, but not after backward.",
            source=(
                "pytorch-tutorial#238",
                "https://github.com/yunjey/pytorch-tutorial/issues/238",
            ),
        ),
        Slip(
            title="optimizer.zero_grad leaves what it does not hold",
            program="import torch\n\ntorch.manual_seed(0)\n"
            "net = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))\n"
            "optimizer = torch.optim.SGD(net[0].parameters(), lr=0.1)\nfor t in range(2):\n"
            "    net.zero_grad()\n    net(torch.ones(1)).backward()\n    optimizer.step()",
            wrong="optimizer.zero_grad()",
            right="net.zero_grad()",
            lesson="The optimizer holds the first layer alone; the second one's gradients pile up. "
            "With two optimizers on one graph, as in a GAN, zero all that backward reaches.",
            source=(
                "pytorch-lightning#591",
                "https://github.com/Lightning-AI/pytorch-lightning/issues/591",
            ),
        ),
    ),
    proofs=(
        Proof(
            "w ends where the same loop in Python ends.",
            "a loop in Python, float64",
            _weight,
            twin=("(w ** 2).sum()", "(w ** 2).sum() / 2"),
            tolerance=1e-4,
        ),
        Proof(
            "w.grad is the sum of all turns' gradients; zeroed each turn, the last one's.",
            "a loop in Python, float64",
            _gradient,
            twin=("optimizer.step()", "optimizer.step(); optimizer.zero_grad(set_to_none=False)"),
            tolerance=1e-3,
        ),
        Proof(
            "Never zeroed, SGD walks as zeroed SGD with momentum 1 does.",
            "torch.optim.SGD(momentum=1)",
            _momentum,
            twin=("lr=${lr})", "lr=${lr}, weight_decay=1)"),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-4,
        ),
    ),
    statements=(
        Statement(
            says="If gradients are not cleared, torch adds them up.",
            where="model.zero_grad() and optimizer.zero_grad()",
            program="import torch\nx = torch.tensor([1., 2.], requires_grad=True)\n"
            "for _ in range(3):\n    (x ** 2).sum().backward()",
            judge=_adds,
            truth=".grad grows by each backward's gradient until someone clears it.",
            twin=("(x ** 2)", "x.grad = None; (x ** 2)"),
        ),
        Statement(
            says="The optimizer's zero_grad has to run only once.",
            where="Auto-grad",
            program="import torch\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\noptimizer.zero_grad()\n"
            "for _ in range(30):\n    (w ** 2).sum().backward()\n    optimizer.step()",
            judge=_once,
            truth="Once before each backward. Called once in all, gradients pile up and w swings "
            "for ever.",
            twin=("optimizer.step()", "optimizer.step(); optimizer.zero_grad()"),
        ),
        Statement(
            says="The two zero_grads differ where the optimizer holds a part of the model.",
            where="model.zero_grad() and optimizer.zero_grad()",
            program="import torch\nm = torch.nn.Sequential(torch.nn.Linear(2, 2), "
            "torch.nn.Linear(2, 1))\noptimizer = torch.optim.SGD(m[1].parameters(), lr=0.1)\n"
            "m(torch.ones(1, 2)).sum().backward()\noptimizer.zero_grad()\n"
            "none = [p.grad is None for p in m.parameters()]",
            judge=_part,
            truth="The optimizer clears what it holds; the model clears all its parameters.",
            twin=("m[1].parameters()", "m.parameters()"),
        ),
    ),
    figure=WALKED,
    ask=Ask(
        text="x = [1.], and (x * 2).sum().backward() runs three times. What is x.grad?",
        program="import torch\nx = torch.ones(1, requires_grad=True)\nfor _ in range(3):\n"
        "    (x * 2).sum().backward()",
        answer=lambda trace: str(list(final(trace, "x").grad.values)),
        options=("[2.0]", "[6.0]", "[8.0]", "the second raises"),
        because="Each backward adds 2. Each has a graph of its own, so none raises.",
    ),
    references=(
        (
            "torch.optim.Optimizer.zero_grad",
            f"{_DOCS}/generated/torch.optim.Optimizer.zero_grad.html",
        ),
    ),
    terms=("zero_grad", "optimizer.zero_grad", "model.zero_grad", "accumulate"),
)
