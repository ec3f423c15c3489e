"""A sign that learns: the straight-through estimator, with and without the upstream gradient."""

import dataclasses

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_BACKWARDS = ("grad * near", "near", "grad", "grad * 0")


@dataclasses.dataclass(frozen=True)
class Straight(Parameters):
    """Say what backward returns, where x begins, and how many steps there are."""

    returned: str = choice(
        "grad * near",
        _BACKWARDS,
        label="backward returns",
        help="near is 1 where |x| is at most 1; 0 is the derivative that sign has.",
    )
    x: float = number(
        -0.5, label="x[0]", help="x[1] begins at 0.5.", minimum=-1.5, maximum=-0.25, step=0.25
    )
    steps: int = number(4, label="steps", help="Of descent.", minimum=1, maximum=8, step=1)


PROGRAM = """
import torch

class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1., -1.).to(x)
    @staticmethod
    def backward(ctx, grad):
        near = (ctx.saved_tensors[0].abs() <= 1).float()
        return ${returned}

x = torch.tensor([${x}, 0.5], requires_grad=True)
target = torch.tensor([1., -1.])
for _ in range(${steps}):
    x.grad = None
    loss = ((Sign.apply(x) - target) ** 2).sum()
    loss.backward()
    x.data -= x.grad / 16
start = torch.tensor([${x}], dtype=torch.float64, requires_grad=True)
right = torch.autograd.gradcheck(Sign.apply, start, raise_exception=False)
"""


def _walk(settings: Straight) -> tuple[list[float], float]:
    """Return where x ends, and the loss of the last step; exact, as all are sums of 1/16."""
    x, target, loss = [settings.x, 0.5], (1.0, -1.0), 0.0
    for _ in range(settings.steps):
        y = [1.0 if value >= 0 else -1.0 for value in x]
        near = [float(abs(value) <= 1) for value in x]
        grad = [2 * (a - b) for a, b in zip(y, target, strict=True)]
        returned = {
            "grad * near": [g * n for g, n in zip(grad, near, strict=True)],
            "near": near,
            "grad": grad,
            "grad * 0": [0.0, 0.0],
        }[settings.returned]
        loss = sum((a - b) ** 2 for a, b in zip(y, target, strict=True))
        x = [value - slope / 16 for value, slope in zip(x, returned, strict=True)]
    return x, loss


def _ends(trace: Trace, settings: Straight) -> float:
    x, loss = _walk(settings)
    found = [*final(trace, "x").values, *final(trace, "loss").values]
    return difference(found, [*x, loss])


def _hardtanh(trace: Trace, settings: Straight) -> float:
    ours, theirs = (final(trace, name).grad.values for name in ("x", "same"))
    # At ±1 exactly hardtanh passes nothing, and near is 1.
    inside = [at for at, value in enumerate(final(trace, "x").values) if abs(value) != 1]
    return difference([ours[at] for at in inside], [theirs[at] for at in inside])


def _refused(trace: Trace, settings: Straight) -> float:
    # Beside its jump sign is flat: what differences find is 0.
    flat = settings.returned == "grad * 0" or (settings.returned != "grad" and abs(settings.x) > 1)
    return float(final(trace, "right").text != str(flat))


def _chain(trace: Trace) -> tuple[Verdict, str]:
    grad = list(final(trace, "x").grad.values)
    verdict = Verdict.HOLDS if grad == [0, 3, 3, -3, 0] else Verdict.WRONG
    return verdict, f"x.grad is {grad}; the loss has slopes [3, 3, 3, -3, 3] in y"


def _layer(trace: Trace) -> tuple[Verdict, str]:
    grad = final(trace, "net").children["0"].parameters["weight"].grad
    reached = grad is not None and any(grad.values)
    verdict = Verdict.HOLDS if reached else Verdict.WRONG
    return verdict, f"the layer before it gets {'a gradient' if reached else 'none but 0'}"


_CLASS = PROGRAM.partition("\nx = torch")[0]
_OWN = _CLASS.replace("${returned}", "grad * near")
_TRAINED = PROGRAM.partition("start =")[0].replace("${x}", "-0.5").replace("${steps}", "4")

STRAIGHT = Lesson(
    slug="straight",
    title="straight through",
    notice="sign is flat, yet it learns: x[0] climbed to 0 and x[1] fell below it, as target asks.",
    program=PROGRAM,
    parameters=Straight,
    presets=(
        Preset("Straight through", "The sign of grad says which way: the loss is 0.", Straight()),
        Preset(
            "As in the notes",
            "grad is ignored: both fall, also x[0], which should rise.",
            Straight("near"),
        ),
        Preset("The derivative of sign", "0 everywhere: nothing moves.", Straight("grad * 0")),
        Preset(
            "Out of reach", "Beyond 1 near is 0: x[0] gets no gradient and stays.", Straight(x=-1.5)
        ),
    ),
    notes={
        "near = ": "Derivative of hardtanh, which stands in for sign.",
        "return torch.where": "1 at 0, where torch.sign gives 0.",
        "x.data -= ": "A step of descent.",
        "right = ": "gradcheck compares with sign itself, whose slope is 0.",
    },
    slips=(
        Slip(
            title="backward without the upstream gradient",
            program=_TRAINED.replace("${returned}", "grad * near"),
            wrong="return near",
            right="return grad * near",
            lesson="Whatever the loss, each x gets 1: x[0] goes down where it must go up. What "
            "backward owes is the slope times grad.",
            source=("torchtitan#3250", "https://github.com/pytorch/torchtitan/pull/3250"),
            opens="x.data -=",
        ),
        Slip(
            title="torch.sign does not train",
            program=_TRAINED.replace("${returned}", "grad * near"),
            wrong="torch.sign(x)",
            right="Sign.apply(x)",
            lesson="Its derivative is 0, so backward runs and x.grad is 0. The same holds of "
            "round, floor and ceil.",
            source=(
                "BinaryConnect#7",
                "https://github.com/MatthieuCourbariaux/BinaryConnect/issues/7",
            ),
        ),
        Slip(
            title="without the window x runs away",
            program=_OWN + "\nx = torch.tensor([0.75], requires_grad=True)\nfor _ in range(6):\n"
            "    x.grad = None\n    (-4 * Sign.apply(x)).sum().backward()\n"
            "    x.data -= x.grad / 16",
            wrong="return grad",
            right="return grad * near",
            lesson="Past 1 a larger x makes no other sign, and takes long to come back.",
            source=(
                "quantized.pytorch#5",
                "https://github.com/eladhoffer/quantized.pytorch/issues/5",
            ),
            opens="x.data -=",
        ),
    ),
    proofs=(
        Proof(
            "x and the loss end where the same descent in Python ends.",
            "a loop in Python",
            _ends,
            twin=("abs() <= 1", "abs() <= 0.25"),
        ),
        Proof(
            "grad * near is the gradient of hardtanh, but for x of exactly 1 or -1.",
            "F.hardtanh",
            _hardtanh,
            twin=("abs() <= 1", "abs() <= 0.4"),
            kind=Kind.ANOTHER_PATH,
            program=_OWN + "\nslopes = torch.tensor([3., -2., 5.])\n"
            "x = torch.tensor([-1.75, ${x}, 0.75], requires_grad=True)\n"
            "same = x.detach().clone().requires_grad_()\n"
            "(slopes * Sign.apply(x)).sum().backward()\n"
            "(slopes * torch.nn.functional.hardtanh(same)).sum().backward()\n",
        ),
        Proof(
            "gradcheck says False where a gradient is passed, True where none is: sign is flat.",
            "a difference quotient of 0",
            _refused,
            twin=("near = (ctx", "near = 0 * (ctx"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="A binarisation: backward returns where(|x| ≤ 1, 1, 0).",
            where="Auto-grad, operations of one's own",
            program=_CLASS.replace("${returned}", "near")
            + "\nx = torch.tensor([-2., -.5, 0., .5, 2.], requires_grad=True)\n"
            "(torch.tensor([3., 3., 3., -3., 3.]) * Sign.apply(x)).sum().backward()",
            judge=_chain,
            truth="output_grad is lost, and with it which way the loss falls: "
            "output_grad * where(|x| ≤ 1, 1, 0).",
            twin=("return near", "return grad * near"),
        ),
        Statement(
            says="A Function inside a Module's forward is a layer like others.",
            where="Auto-grad, operations of one's own",
            program=_OWN + "\nclass Binarized(torch.nn.Module):\n"
            "    def forward(self, x): return Sign.apply(x)\n\ntorch.manual_seed(0)\n"
            "net = torch.nn.Sequential(torch.nn.Linear(2, 2), Binarized())\n"
            "(3 * net(torch.ones(1, 2)) + 1).pow(2).sum().backward()",
            judge=_layer,
            truth="Gradients go through it to the layers before.",
            twin=("Sign.apply(x)", "torch.sign(x)"),
        ),
    ),
    ask=Ask(
        text="A straight-through sign that trains well: what does gradcheck say of it?",
        program=_OWN + "\nx = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)\n"
        "right = torch.autograd.gradcheck(Sign.apply, x, raise_exception=False)",
        answer=lambda trace: (
            "it raises" if trace.failure else f"it says {final(trace, 'right').text}"
        ),
        options=("it says True", "it says False", "it raises"),
        because="It is not the derivative, on purpose: that is 0. Compare with hardtanh's instead.",
    ),
    references=(
        (
            "Bengio, Léonard, Courville 2013: estimators for hard units",
            "https://arxiv.org/abs/1308.3432",
        ),
        ("torch.nn.Hardtanh", f"{_DOCS}/generated/torch.nn.Hardtanh.html"),
    ),
    terms=("straight-through estimator", "STE", "binarize", "torch.sign", "hardtanh"),
)
