"""param_groups: which options each parameter has."""

import dataclasses
import math

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_ADAM = ("Adam", "AdamW")


@dataclasses.dataclass(frozen=True)
class Groups(Parameters):
    """Say which optimizer it is, and what the second group and the others' default are."""

    kind: str = choice(
        "SGD", ("SGD", *_ADAM), label="optimizer", help="What it does with weight_decay differs."
    )
    lr: float = number(
        0.01,
        label="lr",
        help="Of the second group; the first's is 0.1.",
        minimum=0.01,
        maximum=0.5,
        step=0.01,
    )
    decay: float = number(
        0.5,
        label="weight_decay",
        help="The default; the second group has 0.",
        minimum=0,
        maximum=1,
        step=0.1,
    )


PROGRAM = """
import torch

w = torch.tensor([10.], requires_grad=True)
b = torch.tensor([10.], requires_grad=True)
groups = [{"params": [w]}, {"params": [b], "lr": ${lr}, "weight_decay": 0.}]
optimizer = torch.optim.${kind}(groups, lr=0.1, weight_decay=${decay})
for t in range(3):
    optimizer.zero_grad()
    (100 * w + 100 * b).sum().backward()
    optimizer.step()
"""


def _walk(kind: str, lr: float, decay: float) -> float:
    """Return where a weight of 10 with gradient 100 is after three steps."""
    p, m, v = 10.0, 0.0, 0.0
    for t in (1, 2, 3):
        g = 100.0
        if kind == "AdamW":
            p -= lr * decay * p
        else:
            g += decay * p
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        if kind == "SGD":
            p -= lr * g
        else:
            p -= lr * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


def _moved(trace: Trace, settings: Groups) -> float:
    expected = [
        _walk(settings.kind, 0.1, settings.decay),
        _walk(settings.kind, settings.lr, 0.0),
    ]
    return difference([final(trace, name).values[0] for name in "wb"], expected)


def _options(trace: Trace, settings: Groups) -> float:
    first, second = final(trace, "optimizer").groups
    found = [float(group[key].text) for group in (first, second) for key in ("lr", "weight_decay")]
    apart = difference(found, [0.1, settings.decay, settings.lr, 0.0])
    return apart + float(first.keys() != second.keys())


def _keys(trace: Trace) -> tuple[Verdict, str]:
    (group,) = final(trace, "optimizer").groups
    older = {"dampening", "lr", "momentum", "nesterov", "params", "weight_decay"}
    more = sorted(set(group) - older)
    if not older <= set(group):
        return Verdict.WRONG, f"the keys are {', '.join(sorted(group))}"
    return (Verdict.OBSOLETE if more else Verdict.HOLDS), f"besides those six: {', '.join(more)}"


def _two(trace: Trace) -> tuple[Verdict, str]:
    groups = final(trace, "optimizer").groups
    right = len(groups) == 2
    return (Verdict.HOLDS if right else Verdict.WRONG), f"param_groups is {len(groups)} long"


def _named(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"it runs: lr is {final(trace, 'optimizer').groups[0]['lr'].text}"


def _hidden(trace: Trace) -> str:
    moved = 10 - final(trace, "w").values[0]
    return f"{moved:.1f}"


GROUPS = Lesson(
    slug="groups",
    title="param_groups",
    notice="One optimizer, two groups: b has lr 0.01 and no decay of its own; what it does not say "
    "comes from the defaults.",
    program=PROGRAM,
    parameters=Groups,
    presets=(
        Preset("SGD", "w goes ten times as far as b, and its decay besides.", Groups()),
        Preset(
            "Adam hides the decay",
            "Decay is added to the gradient and then divided away: w moves by lr a step, 0.3 "
            "in all, as without any.",
            Groups("Adam"),
        ),
        Preset(
            "AdamW",
            "Decay is not part of the gradient: w shrinks by 5 % a step and moves by lr besides.",
            Groups("AdamW"),
        ),
    ),
    opens="optimizer = torch",
    notes={
        "groups = ": "A dict a group: its parameters, and the options that differ.",
        "optimizer = ": "lr and weight_decay here are defaults: they fill what a group left out.",
    },
    slips=(
        Slip(
            title="set optimizer.lr",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\n"
            'optimizer.param_groups[0]["lr"] = 0.01\n(w ** 2).sum().backward()\n'
            "optimizer.step()",
            wrong="optimizer.lr = 0.01",
            right='optimizer.param_groups[0]["lr"] = 0.01',
            lesson="That makes a new attribute, which nobody reads. step reads the groups: set lr "
            "in each of them.",
            source=("Det3D#109", "https://github.com/V2AI/Det3D/issues/109"),
            opens="optimizer.step()",
        ),
        Slip(
            title="set lr in state_dict()",
            program="import torch\n\nw = torch.tensor([5.], requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\n"
            'for group in optimizer.param_groups:\n    group["lr"] = 0.01\n'
            "(w ** 2).sum().backward()\noptimizer.step()",
            wrong='for group in optimizer.state_dict()["param_groups"]:',
            right="for group in optimizer.param_groups:",
            lesson="state_dict() makes new dicts of the groups: a change in them is lost.",
            source=("examples#64", "https://github.com/pytorch/examples/issues/64"),
            opens="optimizer.step()",
        ),
        Slip(
            title="weight decay in Adam",
            program="import torch\n\nw = torch.tensor([10.], requires_grad=True)\n"
            "optimizer = torch.optim.AdamW([w], lr=0.1, weight_decay=0.5)\n"
            "(100 * w).sum().backward()\noptimizer.step()",
            wrong="optimizer = torch.optim.Adam([w], lr=0.1, weight_decay=0.5)",
            right="optimizer = torch.optim.AdamW([w], lr=0.1, weight_decay=0.5)",
            lesson="Adam adds it to the gradient and divides by the gradient's size: beside a "
            "large gradient nothing of it is left. AdamW shrinks the weight itself.",
            source=("pytorch#38767", "https://github.com/pytorch/pytorch/issues/38767"),
            opens="optimizer.step()",
        ),
    ),
    proofs=(
        Proof(
            "Each parameter ends where its own group's lr and weight_decay lead.",
            "the three update rules, a loop in Python",
            _moved,
            twin=('"lr": ${lr}, ', ""),
            tolerance=1e-3,
        ),
        Proof(
            "A group holds its own options, the defaults for the others, and the same keys.",
            "the arguments",
            _options,
            twin=(', "weight_decay": 0.', ""),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="A group of SGD holds dampening, lr, momentum, nesterov, params, weight_decay.",
            where="torch.optim",
            program="import torch\nw = torch.ones(2, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.01)",
            judge=_keys,
            truth="Those six, and today also maximize, foreach, differentiable and fused.",
            twin=(
                "torch.optim.SGD([w], lr=0.01)",
                "torch.optim.Optimizer([w], dict(lr=0.01, momentum=0, dampening=0, "
                "nesterov=False, weight_decay=0))",
            ),
        ),
        Statement(
            says="The values can be seen and changed by opt.param_group.",
            where="torch.optim",
            program="import torch\nw = torch.ones(2, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.01)\noptimizer.param_group[0]['lr'] = 0.1",
            judge=_named,
            truth="The attribute is param_groups, with an s; what is changed there, step uses.",
            twin=("param_group[0]", "param_groups[0]"),
        ),
        Statement(
            says="An Adam's param_groups has length 2, and its second entry is the state.",
            where="optimizer",
            program="import torch\nw = torch.ones(2, requires_grad=True)\n"
            "optimizer = torch.optim.Adam([w])\nw.sum().backward()\noptimizer.step()",
            judge=_two,
            truth="One entry a group, so 1 here. The state is optimizer.state.",
            twin=("Adam([w])", "Adam([{'params': [w[:1].detach()]}, {'params': [w]}])"),
        ),
    ),
    ask=Ask(
        text="Adam(lr=0.1, weight_decay=0.5), w = 10, and its gradient is 100. How far does the "
        "first step move w?",
        program="import torch\nw = torch.tensor([10.], requires_grad=True)\n"
        "optimizer = torch.optim.Adam([w], lr=0.1, weight_decay=0.5)\n"
        "(100 * w).sum().backward()\noptimizer.step()",
        answer=_hidden,
        options=("0.1", "0.6", "10.0", "10.5"),
        because="The first step is lr times gradient by its own size, whatever was added to it.",
    ),
    references=(
        ("torch.optim: per-parameter options", f"{_DOCS}/optim.html"),
        ("torch.optim.AdamW", f"{_DOCS}/generated/torch.optim.AdamW.html"),
    ),
    terms=("param_groups", "defaults", "weight_decay", "AdamW", "per-parameter options"),
)
