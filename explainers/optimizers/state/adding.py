"""add_param_group: what it takes, and the schedulers that were there before."""

import dataclasses

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_TAKEN = ("[new]", "new")
_OF_ITS_OWN = ("LambdaLR(optimizer, lambda epoch: 0.5 ** epoch)",)
_HALVES = "ExponentialLR(optimizer, 0.5)"


@dataclasses.dataclass(frozen=True)
class Adding(Parameters):
    """Say what is added at which rate, and which scheduler was made before."""

    what: str = choice(
        "[new]",
        (*_TAKEN, "[w]", "[new * 1]", "{new}", "[3.]"),
        label="params",
        help="Of the added group.",
    )
    scheduler: str = choice(
        _HALVES,
        (_HALVES, *_OF_ITS_OWN),
        label="scheduler",
        help="Made before the group came.",
        words=("ExponentialLR", "LambdaLR"),
    )
    lr: float = number(
        0.2, label="lr", help="Of the added group.", minimum=0.1, maximum=0.4, step=0.1
    )


PROGRAM = """
import torch

w = torch.ones(1, requires_grad=True)
new = torch.ones(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.4)
scheduler = torch.optim.lr_scheduler.${scheduler}
optimizer.add_param_group({"params": ${what}, "lr": ${lr}})
for epoch in range(2):
    (w + new).sum().backward()
    optimizer.step()
    scheduler.step()
"""


def _taken(trace: Trace, settings: Adding) -> float:
    groups = final(trace, "optimizer").groups
    return abs(len(groups) - (2 if settings.what in _TAKEN else 1))


def _ended(trace: Trace, settings: Adding) -> float:
    refusals = {"[w]": "ValueError", "[new * 1]": "ValueError", "{new}": "TypeError"}
    refusals["[3.]"] = "TypeError"
    late = "ValueError" if settings.scheduler in _OF_ITS_OWN else ""
    expected = refusals.get(settings.what, late)
    return float((trace.failure.kind if trace.failure else "") != expected)


def _moved(trace: Trace, settings: Adding) -> float:
    steps = [1.0, 1.5]  # gradients add up, and the rate halves: 1 · lr, then 2 · lr / 2
    if settings.what not in _TAKEN:
        steps = []
    elif settings.scheduler in _OF_ITS_OWN:
        steps = steps[:1]  # the second turn is never reached
    if len(steps) == 2:
        expected = [1 - 0.4 - 0.4, 1 - settings.lr - settings.lr]
    else:
        expected = [1 - 0.4 * len(steps), 1 - settings.lr * len(steps)]
    return difference([final(trace, name).values[0] for name in ("w", "new")], expected)


def _duplicates(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"{len(final(trace, 'optimizer').groups)} groups, and no error"


def _fresh(trace: Trace) -> tuple[Verdict, str]:
    groups = final(trace, "optimizer").groups
    rates = ", ".join(group["lr"].text for group in groups)
    right = rates == "0.1, 0.0001" and groups[1]["params"].length == 1
    return (Verdict.HOLDS if right else Verdict.WRONG), f"{len(groups)} groups, lr {rates}"


def _unfrozen(trace: Trace) -> tuple[Verdict, str]:
    groups = final(trace, "optimizer").groups
    sizes = [group["params"].length for group in groups]
    same = len(groups) == 2 and groups[0]["momentum"] == groups[1]["momentum"]
    return (Verdict.HOLDS if same else Verdict.WRONG), f"parameters by group: {sizes}"


def _refused(trace: Trace) -> tuple[Verdict, str]:
    kinds = final(trace, "kinds").text
    right = kinds == "['ValueError', 'TypeError', 'TypeError']" and trace.failure is None
    return (Verdict.HOLDS if right else Verdict.WRONG), kinds


_TRY = """
import torch

w = torch.ones(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
kinds = []
for what in ([w * 2], {torch.ones(1)}, [3.]):
    try:
        optimizer.add_param_group({"params": what})
        kinds.append("taken")
    except (TypeError, ValueError) as error:
        kinds.append(type(error).__name__)
other = torch.optim.SGD({w}, lr=0.1)
"""

ADDING = Lesson(
    slug="adding",
    title="add_param_group",
    notice="The optimizer gets a second group, with lr 0.2; the scheduler, made before, halves "
    "that too.",
    program=PROGRAM,
    parameters=Adding,
    presets=(
        Preset("A group more", "ExponentialLR halves each group's lr as it finds it.", Adding()),
        Preset(
            "LambdaLR came before",
            "It holds one rate for one group: its next step raises.",
            Adding(scheduler=_OF_ITS_OWN[0]),
        ),
        Preset(
            "The same parameter again",
            "It would be moved twice a step: torch refuses it, and removes nothing.",
            Adding("[w]"),
        ),
        Preset("No leaf", "Nothing ever puts a gradient in new * 1: refused.", Adding("[new * 1]")),
        Preset(
            "A set", "Its order changes from run to run, and state goes by it.", Adding("{new}")
        ),
    ),
    opens="optimizer.add_param_group",
    notes={
        "optimizer.add_param_group": "Options that it leaves out come from the optimizer's "
        "defaults.",
        "scheduler = ": "It writes initial_lr into the groups that are there now.",
    },
    slips=(
        Slip(
            title="add_param_group after LambdaLR",
            program="import torch\n\nw = torch.ones(1, requires_grad=True)\n"
            "new = torch.ones(1, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.4)\nhalf = lambda epoch: 0.5 ** epoch\n"
            'optimizer.add_param_group({"params": [new]})\n'
            "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, half)\n"
            "optimizer.step()\nscheduler.step()",
            wrong="scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, half)\n"
            'optimizer.add_param_group({"params": [new]})',
            right='optimizer.add_param_group({"params": [new]})\n'
            "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, half)",
            lesson="A scheduler counts the groups when it is made. First all groups, then the "
            "scheduler.",
            source=(
                "pytorch-lightning#12141",
                "https://github.com/Lightning-AI/pytorch-lightning/issues/12141",
            ),
            opens="scheduler.step()",
        ),
        Slip(
            title="all parameters, and the head again",
            program="import torch\n\ntorch.manual_seed(0)\nbody = torch.nn.Linear(2, 2)\n"
            "head = torch.nn.Linear(2, 1)\nnet = torch.nn.Sequential(body, head)\n"
            'optimizer = torch.optim.SGD([{"params": body.parameters()},\n'
            '    {"params": head.parameters(), "lr": 0.1}], lr=0.01)',
            wrong='optimizer = torch.optim.SGD([{"params": net.parameters()},',
            right='optimizer = torch.optim.SGD([{"params": body.parameters()},',
            lesson="A parameter belongs to one group: give the rest to the first, not all.",
            source=(
                "InsightFace_Pytorch#169",
                "https://github.com/TreB1eN/InsightFace_Pytorch/issues/169",
            ),
        ),
    ),
    proofs=(
        Proof(
            "A list of leaves or one leaf makes a second group; nothing else does.",
            "the rule, in Python",
            _taken,
            twin=('"params": ${what}', '"params": [w]'),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "Refusals are ValueError or TypeError by kind, and LambdaLR raises at its first step.",
            "the rule, in Python",
            _ended,
            twin=("scheduler.step()", "scheduler.missing()"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "Both groups walk at their own rate, and both rates halve.",
            "two steps in Python",
            _moved,
            twin=(', "lr": ${lr}', ""),
            tolerance=1e-6,
        ),
    ),
    statements=(
        Statement(
            says="Duplicated parameters are removed.",
            where="torch.optim: add_param_group",
            program="import torch\nw = torch.ones(1, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\n"
            "optimizer.add_param_group({'params': [w]})",
            judge=_duplicates,
            truth="They are refused, and the optimizer stays as it was.",
            twin=("{'params': [w]}", "{'params': [torch.ones(1)]}"),
        ),
        Statement(
            says="A non-leaf raises ValueError; a set, or what is no tensor, TypeError.",
            where="torch.optim: add_param_group",
            program=_TRY,
            judge=_refused,
            truth="So it is in a group. As the optimizer's first argument a set of tensors is "
            "taken, without a word.",
            twin=("{torch.ones(1)}", "[torch.ones(1)]"),
        ),
        Statement(
            says="After add_param_group({'params': w2, 'lr': 0.0001}) there are two dicts in "
            "param_groups.",
            where="optimizer.add_param_group()",
            program="import torch\nw = torch.randn(2, 2, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\n"
            "w2 = torch.randn(3, 3, requires_grad=True)\n"
            "optimizer.add_param_group({'params': w2, 'lr': 0.0001})",
            judge=_fresh,
            truth="A tensor alone becomes a list of one; options left out are the defaults.",
            twin=(", 'lr': 0.0001", ""),
        ),
        Statement(
            says="Unfrozen parameters that are added make a group of their own.",
            where="Transfer learning",
            program="import torch\nnet = torch.nn.Sequential(torch.nn.Linear(2, 2), "
            "torch.nn.Linear(2, 1))\nnet[1].requires_grad_(False)\n"
            "optimizer = torch.optim.SGD(\n"
            "    filter(lambda p: p.requires_grad, net.parameters()), lr=0.1, momentum=0.9)\n"
            "net[1].requires_grad_(True)\n"
            "optimizer.add_param_group({'params': net[1].parameters()})",
            judge=_unfrozen,
            truth="With the options that the optimizer was made with.",
            twin=("optimizer.add_param_group({'params': net[1].parameters()})", "pass"),
        ),
    ),
    ask=Ask(
        text="SGD([w], lr=0.4); ConstantLR(optimizer, factor=0.5) is made; then a group is added "
        "with lr=0.2. Which rates does the next step use?",
        program="import torch\nw, new = (torch.ones(1, requires_grad=True) for _ in range(2))\n"
        "optimizer = torch.optim.SGD([w], lr=0.4)\n"
        "scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5)\n"
        "optimizer.add_param_group({'params': [new], 'lr': 0.2})",
        answer=lambda trace: " and ".join(
            group["lr"].text for group in final(trace, "optimizer").groups
        ),
        options=("0.4 and 0.2", "0.2 and 0.2", "0.2 and 0.1"),
        because="ConstantLR multiplied once, when it was made: the new group was not there.",
    ),
    references=(
        (
            "torch.optim.Optimizer.add_param_group",
            f"{_DOCS}/generated/torch.optim.Optimizer.add_param_group.html",
        ),
    ),
    terms=("add_param_group", "initial_lr", "LambdaLR", "unfreeze", "fine-tuning"),
)
