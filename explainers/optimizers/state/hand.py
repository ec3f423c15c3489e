"""An update by hand: in place, without a graph, and on the tensor itself."""

import dataclasses

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_LINES = {
    "p -= …": "p -= ${lr} * p.grad",
    "p = p - …": "p = p - ${lr} * p.grad",
    "p.copy_(…)": "p.copy_(p - ${lr} * p.grad)",
    "p.data = …": "p.data = p - ${lr} * p.grad",
}
_IN_PLACE = ("p -= …", "p.copy_(…)")


@dataclasses.dataclass(frozen=True)
class Hand(Parameters):
    """Say which line updates, under which grad mode, and how far."""

    update: str = choice("p -= …", tuple(_LINES), label="update", help="Of each parameter.")
    mode: str = choice("no_grad", ("no_grad", "enable_grad"), label="mode", help="Around it.")
    lr: float = number(0.1, label="lr", help="Of the update.", minimum=0.1, maximum=0.5, step=0.1)


PROGRAM = """
import torch

w = torch.tensor([5.], requires_grad=True)
b = torch.tensor([-2.], requires_grad=True)
for t in range(2):
    loss = (w ** 2 + b ** 2).sum()
    loss.backward()
    with torch.${mode}():
        for p in [w, b]:
            ${update}
    w.grad = b.grad = None
"""


def _refused(settings: Hand) -> bool:
    return settings.update in _IN_PLACE and settings.mode == "enable_grad"


def _moved(trace: Trace, settings: Hand) -> float:
    # Down p²: each step multiplies p by 1 - 2 lr.
    still = settings.update == "p = p - …" or _refused(settings)
    factor = 1.0 if still else (1 - 2 * settings.lr) ** 2
    return difference([final(trace, name).values[0] for name in "wb"], [5 * factor, -2 * factor])


def _leaf(trace: Trace, settings: Hand) -> float:
    raised = trace.failure is not None and trace.failure.kind == "RuntimeError"
    leaves = final(trace, "w").leaf and final(trace, "b").leaf
    return float(raised is not _refused(settings)) + float(not leaves)


def _same(trace: Trace, settings: Hand) -> float:
    # The last p is another tensor than b only where the line binds the name anew.
    if "p" not in trace.steps[-1].names:  # the first update was refused
        return float(not _refused(settings))
    rebound = settings.update == "p = p - …"
    return float((final(trace, "p").identity != final(trace, "b").identity) is not rebound)


def _by_hand(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    mine, torchs = final(trace, "w").values, final(trace, "v").values
    apart = difference(mine, torchs)
    verdict = Verdict.HOLDS if apart < 1e-6 else Verdict.WRONG
    return verdict, f"{apart:.3f} from torch.optim.SGD after five steps"


def _raises(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, "it runs"


_BOTH = """
import torch

w, v = (torch.tensor([5.], requires_grad=True) for _ in range(2))
optimizer = torch.optim.SGD([v], lr=0.1)
for t in range(5):
    w.grad = None
    (w ** 2).sum().backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    optimizer.zero_grad()
    (v ** 2).sum().backward()
    optimizer.step()
"""

HAND = Lesson(
    slug="hand",
    title="update by hand",
    notice="p is w, then b, and each is written in place: 5 becomes 3.2, and -2 becomes -1.28.",
    program=PROGRAM,
    parameters=Hand,
    spelled={"update": _LINES},
    presets=(
        Preset("In place", "What p writes, w and b hold.", Hand()),
        Preset(
            "p = p - …",
            "The name p is bound to a new tensor; w and b stay, and nothing is raised.",
            Hand("p = p - …"),
        ),
        Preset(
            "With a graph",
            "In place on a leaf, while gradients are on: refused.",
            Hand(mode="enable_grad"),
        ),
        Preset(
            "p.data = …",
            "w and b are the tensors that they were, in other memory.",
            Hand("p.data = …"),
        ),
    ),
    notes={
        "with torch": "What is done here is no part of the next loss.",
        "for p in [w, b]": "p is one more name for each of the two.",
        "w.grad = b.grad": "Or the next backward adds to what is there.",
    },
    slips=(
        Slip(
            title="p = p - lr * p.grad",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "(w ** 2).sum().backward()\nwith torch.no_grad():\n    for p in [w]:\n"
            "        p -= 0.1 * p.grad\nw",
            wrong="        p = p - 0.1 * p.grad",
            right="        p -= 0.1 * p.grad",
            lesson="An assignment binds the name; it writes into nothing. Use -=, or a method with "
            "an underscore, such as copy_.",
            source=("MixMatch-pytorch#23", "https://github.com/YU1ut/MixMatch-pytorch/pull/23"),
        ),
        Slip(
            title="w = w - lr * w.grad",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "for t in range(2):\n    (w ** 2).sum().backward()\n"
            "    with torch.no_grad(): w -= 0.1 * w.grad\n    w.grad.zero_()",
            wrong="    w = w - 0.1 * w.grad",
            right="    with torch.no_grad(): w -= 0.1 * w.grad",
            lesson="The new w is a result, no leaf: its grad stays None.",
            source=("SparseLLM#13", "https://github.com/BaiTheBest/SparseLLM/issues/13"),
            opens="w.grad.zero_()",
        ),
        Slip(
            title="a leaf in place, outside no_grad",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "(w ** 2).sum().backward()\nwith torch.no_grad(): w.add_(w.grad, alpha=-0.1)",
            wrong="w.add_(w.grad, alpha=-0.1)",
            right="with torch.no_grad(): w.add_(w.grad, alpha=-0.1)",
            lesson="torch refuses to overwrite a leaf that a graph is being made of.",
            source=("examples#779", "https://github.com/pytorch/examples/pull/779"),
        ),
    ),
    proofs=(
        Proof(
            "Two steps multiply w and b by (1 - 2 lr)²; a name bound anew moves neither.",
            "the closed form",
            _moved,
            twin=("(w ** 2 + b ** 2)", "(w ** 2 + b)"),
            tolerance=1e-5,
        ),
        Proof(
            "w and b stay leaves, and a write in place raises where gradients are on.",
            "the rule, in Python",
            _leaf,
            twin=("w.grad = b.grad = None", "w = w * 1"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "p is another tensor than b only after p = p - ….",
            "the rule, in Python",
            _same,
            twin=("[w, b]:", "[b, w]:"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="Without an optimizer: zero the gradients, backward, and under no_grad "
            "param -= learning_rate * param.grad.",
            where="Optimizing without an Optimizer",
            program=_BOTH,
            judge=_by_hand,
            truth="It is what torch.optim.SGD does, without momentum and decay.",
            twin=("        w -= 0.1 * w.grad", "        w = w - 0.1 * w.grad"),
        ),
        Statement(
            says="The loop reads: for param in model.parameters.",
            where="Optimizing without an Optimizer",
            program="import torch\nmodel = torch.nn.Linear(2, 1)\n"
            "for param in model.parameters:\n    pass",
            judge=_raises,
            truth="model.parameters() with brackets: without, it is the method itself.",
            twin=("model.parameters:", "model.parameters():"),
        ),
        Statement(
            says="With an optimizer: optimizer = torch.optimum.SGD(model.parameters(), lr=1e-4, "
            "momentum=0.9).",
            where="Optimizing with an Optimizer",
            program="import torch\nmodel = torch.nn.Linear(2, 1)\n"
            "optimizer = torch.optimum.SGD(model.parameters(), lr=1e-4, momentum=0.9)",
            judge=_raises,
            truth="The package is torch.optim.",
            twin=("torch.optimum", "torch.optim"),
        ),
    ),
    ask=Ask(
        text="w is 5 and its gradient 10. with torch.no_grad(): for p in [w]: p = p - 0.1 * "
        "p.grad. What is w?",
        program="import torch\nw = torch.tensor([5.], requires_grad=True)\n"
        "(w ** 2).sum().backward()\nwith torch.no_grad():\n    for p in [w]:\n"
        "        p = p - 0.1 * p.grad",
        answer=lambda trace: str(final(trace, "w").values[0]),
        options=("5.0", "4.0", "the last line raises"),
        because="4.0 is what p is called now; w is still the tensor it was.",
    ),
    references=(("torch.no_grad", f"{_DOCS}/generated/torch.no_grad.html"),),
    terms=("gradient descent", "in place", "no_grad", "learning rate", "copy_"),
)
