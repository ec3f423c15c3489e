"""optimizer.state: what is kept of each parameter, since when, and under which key."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Plain, Table, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_KEPT = {
    "SGD": (),
    "SGD, momentum": ("momentum_buffer",),
    "Adagrad": ("step", "sum"),
    "Adam": ("step", "exp_avg", "exp_avg_sq"),
}


@dataclasses.dataclass(frozen=True)
class Memory(Parameters):
    """Say which optimizer it is, how often it steps, and what the gradient is."""

    kind: str = choice(
        "SGD, momentum", tuple(_KEPT), label="optimizer", help="What it keeps differs."
    )
    steps: int = number(2, label="steps", help="How often it steps.", minimum=0, maximum=4, step=1)
    slope: int = number(
        3, label="slope", help="The gradient in w's first cell.", minimum=1, maximum=9
    )


PROGRAM = """
import torch

w = torch.zeros(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.${kind}
before = optimizer.state_dict()["state"]
for t in range(${steps}):
    optimizer.zero_grad()
    (w * torch.tensor([${slope}., -1.])).sum().backward()
    optimizer.step()
after = optimizer.state_dict()["state"]
"""


def _expected(settings: Memory) -> dict[str, list[float]]:
    """Return what is kept of w after the steps, by name."""
    g = np.array([settings.slope, -1.0])
    held = {name: np.zeros(2) for name in _KEPT[settings.kind]}
    for t in range(settings.steps):
        if "momentum_buffer" in held:
            held["momentum_buffer"] = 0.9 * held["momentum_buffer"] + g
        if "sum" in held:
            held["sum"] = held["sum"] + g * g
        if "exp_avg" in held:
            held["exp_avg"] = 0.9 * held["exp_avg"] + 0.1 * g
            held["exp_avg_sq"] = 0.999 * held["exp_avg_sq"] + 0.001 * g * g
        if "step" in held:
            held["step"] = np.array([t + 1.0])
    if "step" in held and not settings.steps:
        held["step"] = np.zeros(1)
    return {name: value.tolist() for name, value in held.items()}


def _fills(settings: Memory) -> bool:
    return bool(_KEPT[settings.kind]) and (settings.steps > 0 or settings.kind == "Adagrad")


def _held(trace: Trace, settings: Memory) -> float:
    found = final(trace, "optimizer").state.get(final(trace, "w").identity, {})
    expected = _expected(settings) if _fills(settings) else {}
    if found.keys() != expected.keys():
        return math.inf
    return max((difference(found[n].values, expected[n]) for n in expected), default=0.0)


def _keys(trace: Trace, settings: Memory) -> float:
    # Of b, which has no gradient, only Adagrad keeps anything.
    both = settings.kind == "Adagrad"
    expected = [{"0", "1"} if both else set(), {"0", "1"} if both else {"0"}]
    if not _fills(settings):
        expected[1] = set()
    found = [
        set(state.items) if isinstance(state := final(trace, name), Table) else set()
        for name in ("before", "after")
    ]
    return float(found != expected)


def _empty(trace: Trace) -> tuple[Verdict, str]:
    state = final(trace, "optimizer").state
    kept = ", ".join(name for held in state.values() for name in held)
    return (Verdict.CONDITION if kept else Verdict.HOLDS), f"before a step: {kept or 'nothing'}"


def _address(trace: Trace) -> tuple[Verdict, str]:
    params = final(trace, "params")
    small = isinstance(params, Plain) and params.text == "[0]"
    return (Verdict.OBSOLETE if small else Verdict.HOLDS), f"params holds {params.text}"


def _buffer(trace: Trace) -> tuple[Verdict, str]:
    state = final(trace, "optimizer").state.get(final(trace, "w").identity, {})
    names = ", ".join(state) or "nothing"
    return (Verdict.HOLDS if "momentum_buffer" in state else Verdict.CONDITION), names


_ONE_STEP = """
import torch

w = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
w.sum().backward()
optimizer.step()
"""

MEMORY = Lesson(
    slug="memory",
    title="the state",
    notice="Before the first step there is nothing; after two there is a momentum_buffer of w, and "
    "none of b, which had no gradient.",
    program=PROGRAM,
    parameters=Memory,
    spelled={
        "kind": {
            "SGD": "SGD([w, b], lr=0.1)",
            "SGD, momentum": "SGD([w, b], lr=0.1, momentum=0.9)",
            "Adagrad": "Adagrad([w, b], lr=0.1)",
            "Adam": "Adam([w, b], lr=0.1)",
        }
    },
    presets=(
        Preset("Momentum", "The buffer is 1.9 times the gradient: [5.7, -1.9].", Memory()),
        Preset("Plain SGD", "It keeps nothing, however often it steps.", Memory("SGD")),
        Preset("Adam", "Two tensors as large as w, and a count of steps.", Memory("Adam")),
        Preset(
            "Adagrad, no step",
            "It has its sums from the start, also for b.",
            Memory("Adagrad", 0),
        ),
    ),
    opens="after = ",
    notes={
        "before = ": "state_dict() goes by number, 0 for the first parameter; optimizer.state by "
        "the parameter itself.",
        "    optimizer.step()": "State comes with a parameter's first step that has a gradient.",
    },
    slips=(
        Slip(
            title="keep a state_dict in memory",
            program="import copy\nimport torch\n\nw = torch.zeros(1, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)\n"
            "w.sum().backward()\noptimizer.step()\n"
            "saved = copy.deepcopy(optimizer.state_dict())\noptimizer.step()\n"
            'kept = saved["state"][0]["momentum_buffer"]',
            wrong="saved = optimizer.state_dict()",
            right="saved = copy.deepcopy(optimizer.state_dict())",
            lesson="state_dict holds the buffers themselves, and steps go on writing into them: "
            "copy it, or save it to a file.",
            source=("pytorch#196083", "https://github.com/pytorch/pytorch/issues/196083"),
        ),
        Slip(
            title="a new optimizer every epoch",
            program="import torch\n\nw = torch.zeros(1, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)\n"
            "for epoch in range(2):\n    pass\n    w.grad = None\n"
            "    (w - 3).square().sum().backward()\n    optimizer.step()",
            wrong="    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)",
            right="    pass",
            lesson="A new optimizer has forgotten: momentum and Adam's averages begin at nothing.",
            source=(
                "deepsensor#47",
                "https://github.com/alan-turing-institute/deepsensor/issues/47",
            ),
            opens="optimizer.step()",
        ),
    ),
    proofs=(
        Proof(
            "What is kept of w is the sum, the average or the buffer of its gradients.",
            "the recursions in numpy",
            _held,
            twin=("optimizer.zero_grad()", "pass"),
            tolerance=1e-5,
        ),
        Proof(
            "State begins with the first gradient, Adagrad's with the optimizer; keys are 0 and 1.",
            "the rule, in Python",
            _keys,
            twin=("(w * torch", "(b + w * torch"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="Before any optimizer.step() the state is empty.",
            where="optimizer.state_dict()",
            program="import torch\nw = torch.ones(2, requires_grad=True)\n"
            "optimizer = torch.optim.Adagrad([w], lr=0.1)",
            judge=_empty,
            truth="SGD's and Adam's is. Adagrad sets up its sums when it is made.",
            twin=("Adagrad", "Adam"),
        ),
        Statement(
            says="After a step, state holds momentum_buffer: the cache of the momentum.",
            where="optimizer.state_dict()",
            program=_ONE_STEP.replace(", momentum=0.9", ""),
            judge=_buffer,
            truth="If the optimizer has momentum. SGD without keeps nothing.",
            twin=("lr=0.1", "lr=0.1, momentum=0.9"),
        ),
        Statement(
            says="state_dict() names a parameter by its address: 'params': [140306069859856].",
            where="optimizer.state_dict()",
            program=_ONE_STEP + "params = optimizer.state_dict()['param_groups'][0]['params']",
            judge=_address,
            truth="By its position among all parameters of all groups: [0].",
            twin=(
                "params = optimizer.state_dict()['param_groups'][0]['params']",
                "params = [id(w)]",
            ),
        ),
    ),
    ask=Ask(
        text="SGD with momentum 0.9; the gradient is 3 each time. What is momentum_buffer after "
        "two steps?",
        program="import torch\nw = torch.zeros(1, requires_grad=True)\n"
        "optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)\nfor t in range(2):\n"
        "    w.grad = torch.tensor([3.])\n    optimizer.step()\n"
        "buffer = round(optimizer.state[w]['momentum_buffer'].item(), 2)",
        answer=lambda trace: str(final(trace, "buffer").text),
        options=("0.57", "3.0", "5.7", "6.0"),
        because="0.9 · 3 + 3: the new gradient counts in full, and lr comes only afterwards.",
    ),
    references=(
        (
            "torch.optim.Optimizer.state_dict",
            f"{_DOCS}/generated/torch.optim.Optimizer.state_dict.html",
        ),
    ),
    terms=("optimizer.state", "state_dict", "momentum_buffer", "exp_avg", "exp_avg_sq", "Adagrad"),
)
