"""Stop and go on: with the state, without it, and with it in another order."""

import dataclasses

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Resuming(Parameters):
    """Say whether the state is loaded, in which order parameters are given, and at which lr."""

    load: str = choice("loaded", ("loaded", "not loaded"), label="state", help="Of the first run.")
    order: str = choice("[c, d]", ("[c, d]", "[d, c]"), label="parameters", help="Of the second.")
    lr: float = number(
        0.3,
        label="lr",
        help="Of the second; the first's is 0.1.",
        minimum=0.1,
        maximum=0.5,
        step=0.1,
    )


PROGRAM = """
import copy
import torch

a = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
first = torch.optim.SGD([a, b], lr=0.1, momentum=0.9)
(3 * a + b).sum().backward()
first.step()
c, d, saved = copy.deepcopy((a, b, first.state_dict()))
second = torch.optim.SGD(${order}, lr=${lr}, momentum=0.9)
${load}
first.step()
second.step()
"""


def _step(slope: float, p: float, v: float, lr: float) -> tuple[float, float]:
    """Return parameter and buffer after a step."""
    v = 0.9 * v + slope
    return p - lr * v, v


def _resumed(trace: Trace, settings: Resuming) -> float:
    half = [_step(slope, 0.0, 0.0, 0.1) for slope in (3.0, 1.0)]
    whole = [_step(slope, *at, 0.1)[0] for slope, at in zip((3.0, 1.0), half, strict=True)]
    buffers = [0.0, 0.0]
    if settings.load == "loaded":
        buffers = [v for _, v in half][:: 1 if settings.order == "[c, d]" else -1]
    lr = 0.1 if settings.load == "loaded" else settings.lr
    again = [
        _step(slope, at[0], v, lr)[0]
        for slope, at, v in zip((3.0, 1.0), half, buffers, strict=True)
    ]
    found = [final(trace, name).values[0] for name in "abcd"]
    return difference(found, whole + again)


def _parted(trace: Trace, settings: Resuming) -> float:
    same = settings.load == "loaded" and settings.order == "[c, d]"
    a, b, c, d = (final(trace, name).values[0] for name in "abcd")
    return float((max(abs(a - c), abs(b - d)) < 1e-6) is not same)


def _rate(trace: Trace, settings: Resuming) -> float:
    expected = 0.1 if settings.load == "loaded" else settings.lr
    return abs(float(final(trace, "second").groups[0]["lr"].text) - expected)


def _resumes(trace: Trace) -> tuple[Verdict, str]:
    (w,), (v,) = final(trace, "w").values, final(trace, "v").values
    right = abs(w - v) < 1e-6
    return (Verdict.HOLDS if right else Verdict.WRONG), f"went on: {w:.3f}, resumed: {v:.3f}"


def _has_rate(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message[:60]}"
    return Verdict.HOLDS, f"it goes on at epoch {final(trace, 'epoch').text}"


_STOP = """
import copy
import torch

def train(w, optimizer):
    for t in range(3):
        optimizer.zero_grad()
        ((w - 3) ** 2).sum().backward()
        optimizer.step()

w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.05, momentum=0.9)
train(w, optimizer)
v = w.detach().clone().requires_grad_()
resumed = torch.optim.SGD([v], lr=0.05, momentum=0.9)
resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
train(w, optimizer)
train(v, resumed)
"""

RESUMING = Lesson(
    slug="resuming",
    title="stop and resume",
    notice="c and d go where a and b go; lr is 0.1, as saved: the 0.3 that was asked for is gone.",
    program=PROGRAM,
    parameters=Resuming,
    spelled={"load": {"loaded": "second.load_state_dict(saved)", "not loaded": "pass"}},
    presets=(
        Preset("With its state", "Both runs end at the same place.", Resuming()),
        Preset(
            "Without",
            "The same lr, but the buffers begin at 0 again: c and d stay behind a and b.",
            Resuming("not loaded", lr=0.1),
        ),
        Preset(
            "In another order",
            "State goes by position: c has gone on with the buffer of b, and d with a's.",
            Resuming(order="[d, c]"),
        ),
    ),
    opens="second.step()",
    shows=("a", "b", "c", "d", "first", "second"),
    notes={
        "second = ": "A new optimizer, as after a restart.",
        "c, d, saved = ": "Weights, gradients and state, copied as a file would hold them.",
    },
    slips=(
        Slip(
            title="a new lr, then load_state_dict",
            program="import torch\n\nw = torch.zeros(1, requires_grad=True)\n"
            "saved = torch.optim.SGD([w], lr=0.5).state_dict()\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\noptimizer.load_state_dict(saved)\n"
            'optimizer.param_groups[0]["lr"] = 0.1\nw.sum().backward()\noptimizer.step()',
            wrong="optimizer.load_state_dict(saved)",
            right='optimizer.load_state_dict(saved)\noptimizer.param_groups[0]["lr"] = 0.1',
            lesson="Loading puts back every option of the groups. Load first, then set lr.",
            source=("examples#816", "https://github.com/pytorch/examples/issues/816"),
            opens="optimizer.step()",
        ),
        Slip(
            title="only the weights are saved",
            program=_STOP.strip(),
            wrong="pass",
            right="resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))",
            lesson="Weights alone do not resume: momentum starts again at 0, and Adam counts its "
            "steps from 1. Save the optimizer's state_dict beside the model's.",
            source=(
                "OneVision-Encoder#65",
                "https://github.com/EvolvingLMMs-Lab/OneVision-Encoder/pull/65",
            ),
            opens="train(v",
        ),
        Slip(
            title="parameters in another order",
            program="import torch\n\na, b = (torch.zeros(1, requires_grad=True) for _ in "
            "range(2))\nfirst = torch.optim.SGD([a, b], lr=0.1, momentum=0.9)\n"
            "(3 * a + b).sum().backward()\nfirst.step()\n"
            "second = torch.optim.SGD([a, b], lr=0.1, momentum=0.9)\n"
            "second.load_state_dict(first.state_dict())\nsecond.step()",
            wrong="second = torch.optim.SGD([b, a], lr=0.1, momentum=0.9)",
            right="second = torch.optim.SGD([a, b], lr=0.1, momentum=0.9)",
            lesson="There are no names in it: the first buffer goes to the first parameter, if "
            "the counts are right, whatever that is.",
            source=("pytorch#1489", "https://github.com/pytorch/pytorch/issues/1489"),
            opens="second.step()",
        ),
    ),
    proofs=(
        Proof(
            "All four end where their slope, their buffer and their lr lead.",
            "two steps of the recursion in Python",
            _resumed,
            twin=("lr=0.1, momentum=0.9", "lr=0.1, momentum=0.8"),
            tolerance=1e-5,
        ),
        Proof(
            "The second run is the first's if the state is loaded in the same order.",
            "the first run",
            _parted,
            twin=("second.step()", "second.state.clear(); second.step()"),
            kind=Kind.INVARIANT,
        ),
        Proof(
            "Loading brings the saved lr.",
            "the first optimizer's lr",
            _rate,
            twin=("second.step()", "second.param_groups[0]['lr'] = ${lr}; second.step()"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="The saved state of an optimizer serves to resume training.",
            where="optimizer.load_state_dict()",
            program=_STOP,
            judge=_resumes,
            truth="With it the run goes on as if nothing had been; without it, it forks.",
            twin=("resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))", "pass"),
        ),
        Statement(
            says="A scheduler that resumes needs initial_lr in the groups; a saved state has it.",
            where="lr_scheduler",
            program="import torch\nw = torch.ones(1, requires_grad=True)\n"
            "first = torch.optim.SGD([w], lr=0.1)\n"
            "torch.optim.lr_scheduler.StepLR(first, 2)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1)\n"
            "optimizer.load_state_dict(first.state_dict())\n"
            "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, last_epoch=3)\n"
            "epoch = scheduler.last_epoch",
            judge=_has_rate,
            truth="The scheduler of the first run wrote it there, and state_dict carries it over.",
            twin=("optimizer.load_state_dict(first.state_dict())", "pass"),
        ),
    ),
    ask=Ask(
        text="SGD([w], lr=0.5) loads the state of an SGD that had lr=0.1. What is its lr?",
        program="import torch\nw = torch.ones(1, requires_grad=True)\n"
        "optimizer = torch.optim.SGD([w], lr=0.5)\n"
        "optimizer.load_state_dict(torch.optim.SGD([w], lr=0.1).state_dict())\n"
        "lr = optimizer.param_groups[0]['lr']",
        answer=lambda trace: str(final(trace, "lr").text),
        options=("0.1", "0.5", "loading raises"),
        because="A state_dict holds the groups' options too, and loading puts them all back.",
    ),
    references=(
        (
            "torch.optim.Optimizer.load_state_dict",
            f"{_DOCS}/generated/torch.optim.Optimizer.load_state_dict.html",
        ),
    ),
    terms=("load_state_dict", "checkpoint", "resume", "warm start"),
)
