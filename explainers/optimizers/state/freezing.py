"""Frozen parameters, and what an optimizer still does to them."""

import dataclasses
import math

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Freezing(Parameters):
    """Say what happens to the gradients before w is frozen, and what else moves it."""

    zero: str = choice(
        "left",
        ("left", "zeros", "None"),
        label="gradients",
        help="Left as they are, set to zeros, or set to None, before w is frozen.",
    )
    momentum: float = number(
        0.0, label="momentum", help="Of the optimizer.", minimum=0.0, maximum=0.9, step=0.1
    )
    decay: float = number(
        0.0, label="weight_decay", help="Of the optimizer.", minimum=0.0, maximum=0.5, step=0.1
    )


PROGRAM = """
import torch

w = torch.tensor([5.], requires_grad=True)
b = torch.tensor([5.], requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.1, momentum=${momentum}, weight_decay=${decay})
(w + b).sum().backward()
optimizer.step()
${zero}
w.requires_grad_(False)
frozen = w.clone()
for t in range(2):
    (w + b).sum().backward()
    optimizer.step()
"""


def _walk(settings: Freezing) -> tuple[list[float], list[float | None]]:
    """Return w and b, and their gradients, at the end."""
    ps: list[float] = [5.0, 5.0]
    grads: list[float | None] = [None, None]
    buffers: list[float | None] = [None, None]
    for turn in range(3):
        if turn == 1 and settings.zero != "left":
            grads = [0.0, 0.0] if settings.zero == "zeros" else [None, None]
        for at in (0, 1):
            held = grads[at]
            if turn == 0 or at == 1:  # w is frozen after the first turn
                held = grads[at] = (held or 0.0) + 1
            if held is None:
                continue
            g, v = held + settings.decay * ps[at], buffers[at]
            v = buffers[at] = g if v is None else settings.momentum * v + g
            ps[at] -= 0.1 * v
    return ps, grads


def _moved(trace: Trace, settings: Freezing) -> float:
    found = [final(trace, name).values[0] for name in "wb"]
    return difference(found, _walk(settings)[0])


def _gradients(trace: Trace, settings: Freezing) -> float:
    for name, expected in zip("wb", _walk(settings)[1], strict=True):
        grad = final(trace, name).grad
        if (grad is None) is not (expected is None):
            return math.inf
        if grad is not None and grad.values != (expected,):
            return math.inf
    return 0.0


def _frozen(trace: Trace, settings: Freezing) -> float:
    still = final(trace, "w").values == final(trace, "frozen").values
    safe = settings.zero == "None" or (
        settings.zero == "zeros" and settings.momentum == settings.decay == 0
    )
    return float(still is not safe)


def _filtered(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"it holds {final(trace, 'optimizer').groups[0]['params'].length}"


def _skipped(trace: Trace) -> tuple[Verdict, str]:
    before, after = final(trace, "before").values, final(trace, "w").values
    verdict = Verdict.HOLDS if before == after else Verdict.CONDITION
    return verdict, f"w before the step {before[0]:g}, after it {after[0]:g}"


def _head(trace: Trace) -> tuple[Verdict, str]:
    moved = final(trace, "moved").text
    right = moved == "[False, False, True, True]"
    return (Verdict.HOLDS if right else Verdict.WRONG), f"moved, by parameter: {moved}"


_TWO = (
    "import torch\ntorch.manual_seed(0)\n"
    "net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))\n"
)

FREEZING = Lesson(
    slug="freezing",
    title="freezing",
    notice="w is frozen and walks on: its last gradient is still there, and step uses it.",
    program=PROGRAM,
    parameters=Freezing,
    spelled={
        "zero": {
            "left": "pass",
            "zeros": "optimizer.zero_grad(set_to_none=False)",
            "None": "optimizer.zero_grad()",
        }
    },
    presets=(
        Preset(
            "A stale gradient", "No backward adds to w.grad, and each step takes it.", Freezing()
        ),
        Preset("None", "step passes over what has no gradient: w stands still.", Freezing("None")),
        Preset(
            "Zeros and momentum",
            "The gradient is 0, and the buffer goes on: w coasts.",
            Freezing("zeros", 0.9),
        ),
        Preset(
            "Zeros and weight decay",
            "Decay needs no gradient but 0: w shrinks by 5 % a step.",
            Freezing("zeros", decay=0.5),
        ),
    ),
    notes={
        "w.requires_grad_(False)": "From now on no backward writes into w.grad; what is there "
        "stays.",
        "optimizer = ": "Frozen or not, both are in its group.",
    },
    slips=(
        Slip(
            title="freeze after a backward",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\n(w ** 2).sum().backward()\n"
            "w.requires_grad_(False).grad = None\noptimizer.step()\nw",
            wrong="w.requires_grad_(False)",
            right="w.requires_grad_(False).grad = None",
            lesson="step looks at grad, and not at requires_grad. Freeze before backward, or "
            "clear the gradient.",
            source=("sparseml#965", "https://github.com/neuralmagic/sparseml/issues/965"),
            opens="optimizer.step()",
        ),
        Slip(
            title="a layer replaced after the optimizer was made",
            program=_TWO + "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
            "net[1] = torch.nn.Linear(2, 1)\n"
            'optimizer.add_param_group({"params": net[1].parameters()})\n'
            "net(torch.ones(1, 2)).sum().backward()\noptimizer.step()",
            wrong="pass",
            right='optimizer.add_param_group({"params": net[1].parameters()})',
            lesson="The optimizer holds the old layer's tensors: the new one gets gradients and "
            "never moves. Make the optimizer after the last change, or add a group.",
            source=("nni#4521", "https://github.com/microsoft/nni/issues/4521"),
            opens="optimizer.step()",
        ),
        Slip(
            title="weight decay on a frozen layer",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0.5)\n"
            "(w ** 2).sum().backward()\noptimizer.zero_grad()\n"
            "w.requires_grad_(False)\noptimizer.step()\nw",
            wrong="optimizer.zero_grad(set_to_none=False)",
            right="optimizer.zero_grad()",
            lesson="A gradient of zeros is a gradient: decay is added to it. With None, or with "
            "the parameter left out of the optimizer, it stands still.",
            source=("S-Prompts#2", "https://github.com/iamwangyabin/S-Prompts/pull/2"),
            opens="optimizer.step()",
        ),
    ),
    proofs=(
        Proof(
            "w and b end where gradient, momentum and decay lead.",
            "three steps in Python, float64",
            _moved,
            twin=("w.requires_grad_(False)", "pass"),
            tolerance=1e-5,
        ),
        Proof(
            "w keeps the gradient that it had, or None; b's goes on adding up.",
            "the rule, in Python",
            _gradients,
            twin=("frozen = w.clone()", "frozen = w.clone(); optimizer.zero_grad()"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "A frozen parameter stands still with None; with zeros, if nothing else moves it.",
            "the rule, in Python",
            _frozen,
            twin=("w.requires_grad_(False)", "w.requires_grad_(False); w.grad = None"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="To freeze: set requires_grad_(False) on every parameter, then give SGD those "
            "that filter(lambda p: p.requires_grad, …) leaves.",
            where="Transfer learning",
            program=_TWO + "for p in net.parameters():\n    p.requires_grad_(False)\n"
            "optimizer = torch.optim.SGD(\n"
            "    filter(lambda p: p.requires_grad, net.parameters()), lr=0.001)",
            judge=_filtered,
            truth="It leaves none, and an optimizer takes no empty list. Put a new layer in "
            "between.",
            twin=("optimizer =", "net[1] = torch.nn.Linear(2, 1)\noptimizer ="),
        ),
        Statement(
            says="All parameters may be given too: a frozen one's .grad is None, and step() "
            "leaves it alone.",
            where="Transfer learning",
            program="import torch\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\nw.sum().backward()\n"
            "w.requires_grad_(False)\nbefore = w.clone()\noptimizer.step()",
            judge=_skipped,
            truth="If it was frozen before its first backward, or its gradient set to None: "
            "freezing clears nothing.",
            twin=("w.requires_grad_(False)", "optimizer.zero_grad()"),
        ),
        Statement(
            says="Freeze all, replace the last layer, and give its parameters to SGD: only the "
            "classifier is optimized.",
            where="Auto-grad",
            program=_TWO + "net.requires_grad_(False)\nnet[1] = torch.nn.Linear(2, 1)\n"
            "optimizer = torch.optim.SGD(net[1].parameters(), lr=0.1)\n"
            "before = [p.detach().clone() for p in net.parameters()]\n"
            "net(torch.ones(1, 2)).sum().backward()\noptimizer.step()\n"
            "moved = [not torch.equal(p, q) for p, q in zip(net.parameters(), before)]",
            judge=_head,
            truth="The new layer requires gradients, as every new one does.",
            twin=("SGD(net[1].parameters()", "SGD(net[0].parameters()"),
        ),
    ),
    ask=Ask(
        text="SGD([w], lr=0.1, weight_decay=0.5); w is 5, frozen, and its gradient is zeros. "
        "What is w after a step?",
        program="import torch\nw = torch.tensor([5.])\n"
        "optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0.5)\n"
        "w.grad = torch.zeros(1)\noptimizer.step()",
        answer=lambda trace: str(final(trace, "w").values[0]),
        options=("5.0", "4.75", "4.5", "0.0"),
        because="Decay adds 0.5 · 5 to the gradient, and lr takes a tenth of it.",
    ),
    references=(
        (
            "torch: setting requires_grad",
            f"{_DOCS}/notes/autograd.html#setting-requires-grad",
        ),
        (
            "torch.optim.Optimizer.zero_grad",
            f"{_DOCS}/generated/torch.optim.Optimizer.zero_grad.html",
        ),
    ),
    terms=("freeze", "requires_grad_", "set_to_none", "transfer learning", "fine-tuning"),
)
