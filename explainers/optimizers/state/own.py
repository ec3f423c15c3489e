"""An optimizer of one's own, in ten lines, against torch's."""

import dataclasses
import math

import torch

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Own(Parameters):
    """Say how far it steps, what it remembers, and by which rule it moves."""

    rule: str = choice("v", ("v", "v.sign()", "p.grad"), label="moves by", help="The last line.")
    momentum: float = number(0.9, label="momentum", help="Of v.", minimum=0, maximum=1, step=0.1)
    lr: float = number(0.1, label="lr", help="In the group.", minimum=0.05, maximum=0.5, step=0.05)


_CLASS = """
import torch

class Own(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(${momentum}).add_(p.grad)
                p -= group["lr"] * ${rule}
"""

PROGRAM = (
    _CLASS
    + """
w = torch.tensor([5., -1.], requires_grad=True)
optimizer = Own([w], lr=${lr})
for t in range(3):
    optimizer.zero_grad()
    (w ** 2).sum().backward()
    optimizer.step()
"""
)

_PLAIN = _CLASS.replace("${momentum}", "0.9").replace("${rule}", "v")
_RUN = """
w = torch.tensor([5.], requires_grad=True)
optimizer = Own([w], lr=0.1)
for t in range(2):
    optimizer.zero_grad()
    (w ** 2).sum().backward()
    optimizer.step()
"""


def _walk(settings: Own) -> tuple[list[float], list[float]]:
    """Return parameters and what is kept of them after three steps."""
    ps, vs = [5.0, -1.0], [0.0, 0.0]
    for _ in range(3):
        for at in (0, 1):
            g = 2 * ps[at]
            vs[at] = settings.momentum * vs[at] + g
            by = {"v": vs[at], "p.grad": g}.get(settings.rule, math.copysign(vs[at] != 0, vs[at]))
            ps[at] -= settings.lr * by
    return ps, vs


def _moved(trace: Trace, settings: Own) -> float:
    return difference(final(trace, "w").values, _walk(settings)[0])


def _kept(trace: Trace, settings: Own) -> float:
    held = final(trace, "optimizer").state.get(final(trace, "w").identity, {})
    return difference(held["v"].values, _walk(settings)[1]) if "v" in held else math.inf


def _torchs(trace: Trace, settings: Own) -> float:
    if settings.rule == "v.sign()":  # torch has none of these
        return 0.0
    w = torch.tensor([5.0, -1.0], requires_grad=True)
    momentum = settings.momentum if settings.rule == "v" else 0.0
    optimizer = torch.optim.SGD([w], lr=settings.lr, momentum=momentum)
    for _ in range(3):
        optimizer.zero_grad()
        (w**2).sum().backward()
        optimizer.step()
    return difference(final(trace, "w").values, w.tolist())


def _inherits(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    (w,), keys = final(trace, "w").values, final(trace, "keys").text
    rate = final(trace, "optimizer").groups[0]["lr"].text
    right = w != 5 and keys == "['state', 'param_groups']" and rate == "0.05"
    return (Verdict.HOLDS if right else Verdict.WRONG), f"w is {w:.3f}, lr {rate}, keys {keys}"


OWN = Lesson(
    slug="own",
    title="own optimizer",
    notice="Ten lines walk as torch's SGD with momentum 0.9 does: groups, state and lr are the "
    "base class's.",
    program=PROGRAM,
    parameters=Own,
    presets=(
        Preset("Momentum", "w is where torch.optim.SGD(momentum=0.9) takes it.", Own()),
        Preset("By sign", "Each cell moves by lr, whatever the gradient's size.", Own("v.sign()")),
        Preset(
            "The gradient alone", "v is kept up to date and not used: plain SGD.", Own("p.grad")
        ),
    ),
    shows=("w", "optimizer"),
    notes={
        "super().__init__": "The second argument is the defaults: what a group does not say.",
        "@torch.no_grad()": "Or p -= … would be refused: p is a leaf.",
        "v = self.state": "State is kept by parameter, and state_dict finds it there.",
        "                p -=": "In place, and lr from the group: schedulers write it there.",
    },
    slips=(
        Slip(
            title="lr from self.defaults",
            program=_PLAIN.strip()
            + "\n\nw = torch.tensor([5.], requires_grad=True)\noptimizer = Own([w], lr=0.1)\n"
            'optimizer.param_groups[0]["lr"] = 0.01\n(w ** 2).sum().backward()\n'
            "optimizer.step()\nw",
            wrong='p -= self.defaults["lr"] * v',
            right='p -= group["lr"] * v',
            lesson="Schedulers, groups and load_state_dict change the group. Read options there, "
            "in each step.",
            source=("AdaBound#6", "https://github.com/Luolc/AdaBound/issues/6"),
        ),
        Slip(
            title="no call of super()",
            program=_PLAIN.strip() + "\n" + _RUN.rstrip(),
            wrong='self.param_groups = [{"params": params, "lr": lr}]',
            right='super().__init__(params, {"lr": lr})',
            lesson="state, defaults and hooks come from the base class; without it there are none.",
            source=(
                "lookahead_pytorch#3",
                "https://github.com/lonePatient/lookahead_pytorch/issues/3",
            ),
        ),
    ),
    proofs=(
        Proof(
            "w ends where the rule leads.",
            "three steps in Python, float64",
            _moved,
            twin=("p -= group", "p = p - group"),
            tolerance=1e-4,
        ),
        Proof(
            "v is kept by parameter, and is the sum with momentum.",
            "three steps in Python, float64",
            _kept,
            twin=("v.mul_(${momentum}).add_(p.grad)", "v = v * ${momentum} + p.grad"),
            tolerance=1e-4,
        ),
        Proof(
            "By v it walks as torch's SGD with this momentum; by the gradient, as without.",
            "torch.optim.SGD",
            _torchs,
            twin=(".add_(p.grad)", ".add_(p.grad, alpha=0.1)"),
            kind=Kind.ANOTHER_PATH,
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="For an update of one's own, inherit from Optimizer and update the parameters.",
            where="torch.optim: custom",
            program=_PLAIN
            + _RUN
            + "scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)\n"
            "scheduler.step()\nkeys = list(optimizer.state_dict())",
            judge=_inherits,
            truth="zero_grad, add_param_group, state_dict and schedulers come with it.",
            twin=("class Own(torch.optim.Optimizer)", "class Own"),
        ),
    ),
    ask=Ask(
        text="In step, the last line is p = p - lr * p.grad, under no_grad. What does a step do?",
        program=_PLAIN.replace("p -= group", "p = p - group") + _RUN,
        answer=lambda trace: (
            "it raises"
            if trace.failure
            else "nothing to w"
            if final(trace, "w").values[0] == 5
            else "it moves w"
        ),
        options=("it moves w", "nothing to w", "it raises"),
        because="p is a name in step, bound to a new tensor that nobody keeps.",
    ),
    references=(
        ("torch.optim: base class", f"{_DOCS}/optim.html#base-class"),
        ("torch.optim.SGD", f"{_DOCS}/generated/torch.optim.SGD.html"),
    ),
    terms=("torch.optim.Optimizer", "custom optimizer", "step", "defaults", "signSGD"),
)
