"""Clipping gradients by norm and by value."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.autograd.accumulation.arrows import ARROWS
from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_NORM = (
    "torch.nn.utils.clip_grad_norm_",
    f"{_DOCS}/generated/torch.nn.utils.clip_grad_norm_.html",
)
_VALUE = (
    "torch.nn.utils.clip_grad_value_",
    f"{_DOCS}/generated/torch.nn.utils.clip_grad_value_.html",
)


@dataclasses.dataclass(frozen=True)
class Clipping(Parameters):
    """Say what is clipped to what, and one entry of the gradient."""

    how: str = choice(
        "norm 2",
        ("norm 2", "norm 1", "norm inf", "value"),
        label="clip",
        help="By the length of the whole gradient, or entry by entry.",
    )
    first: str = choice(
        "3", ("3", "-10", "inf"), label="first entry", help="Of the gradient; the others are 4, 0."
    )
    most: int = number(1, label="most", help="max_norm, or clip_value.", minimum=1, maximum=12)


PROGRAM = """
import torch

p = torch.zeros(3, requires_grad=True)
loss = (p * torch.tensor([${first}, 4., 0.])).sum()
loss.backward()
before = p.grad.clone()
total = torch.nn.utils.clip_grad_${how}
"""


def _gradient(settings: Clipping) -> NDArray[np.float64]:
    return np.array([float(settings.first), 4.0, 0.0])


def _norm(settings: Clipping) -> float:
    order = float(settings.how.split()[1])
    return float(np.linalg.norm(_gradient(settings), order))


def _clipped(trace: Trace, settings: Clipping) -> float:
    gradient = _gradient(settings)
    if settings.how == "value":
        expected = np.clip(gradient, -settings.most, settings.most)
    else:
        with np.errstate(invalid="ignore"):
            expected = gradient * min(1.0, settings.most / (_norm(settings) + 1e-6))
    grad = final(trace, "p").grad
    return math.inf if grad is None else difference(grad.values, expected.tolist())


def _returned(trace: Trace, settings: Clipping) -> float:
    total = final(trace, "total")
    if settings.how == "value":
        return float(total.text != "None")
    return difference(total.values, [_norm(settings)])


def _total(trace: Trace) -> tuple[Verdict, str]:
    (total,), p = final(trace, "total").values, final(trace, "p")
    length, after = (math.hypot(*row) for row in (p.values, p.grad.values))
    verdict = Verdict.HOLDS if abs(total - length) < 1e-5 else Verdict.CONDITION
    return verdict, f"returned {total:g}; parameters {length:g}, clipped gradients {after:.3f}"


def _deprecated(trace: Trace) -> tuple[Verdict, str]:
    said = [words for step in trace.steps for words in step.warned if "deprecated" in words]
    if said:
        return Verdict.OBSOLETE, said[0]
    return Verdict.HOLDS, "it clipped, and nothing was said"


def _bounds(trace: Trace) -> tuple[Verdict, str]:
    largest = max(abs(value) for value in final(trace, "p").grad.values)
    verdict = Verdict.HOLDS if largest <= 1 else Verdict.WRONG
    return verdict, f"the largest entry is {largest:g}"


CLIPPING = Lesson(
    slug="clip",
    title="clipping",
    notice="[3, 4, 0] has length 5: each entry is divided by 5, and total is the 5 from before.",
    program=PROGRAM,
    parameters=Clipping,
    spelled={
        "how": {
            "norm 2": "norm_([p], ${most}.)",
            "norm 1": "norm_([p], ${most}., norm_type=1)",
            "norm inf": 'norm_([p], ${most}., norm_type=float("inf"))',
            "value": "value_([p], ${most}.)",
        },
        "first": {"3": "3.", "-10": "-10.", "inf": 'float("inf")'},
    },
    presets=(
        Preset("By norm", "The gradient is shorter and points the same way.", Clipping()),
        Preset(
            "By value",
            "[-10, 4, 0] becomes [-1, 1, 0]: it points elsewhere.",
            Clipping("value", "-10"),
        ),
        Preset(
            "One infinite entry",
            "Its norm is infinite, so all is multiplied by 0: 4 becomes 0, and inf becomes NaN.",
            Clipping(first="inf"),
        ),
        Preset("Short enough", "5 is less than 12: nothing is changed.", Clipping(most=12)),
    ),
    notes={
        "total = torch.nn": "In place. By norm it returns the norm before clipping; by value None.",
        "before = ": "A clone: clipping writes into p.grad itself.",
    },
    slips=(
        Slip(
            title="clipping after the step",
            program="import torch\n\nw = torch.zeros(2, requires_grad=True)\n"
            "optimizer = torch.optim.SGD([w], lr=1.)\n"
            "(w * torch.tensor([30., 40.])).sum().backward()\n"
            "torch.nn.utils.clip_grad_norm_([w], 1.)\noptimizer.step()",
            wrong="optimizer.step()\ntorch.nn.utils.clip_grad_norm_([w], 1.)",
            right="torch.nn.utils.clip_grad_norm_([w], 1.)\noptimizer.step()",
            lesson="The step has used the long gradient already. backward, clip, step.",
            source=(
                "onsets-and-frames#24",
                "https://github.com/jongwook/onsets-and-frames/issues/24",
            ),
        ),
        Slip(
            title="clipping each micro-batch",
            program="import torch\n\nw = torch.zeros(2, requires_grad=True)\n"
            "for g in ([2., 0.], [0., 2.]):\n    (w * torch.tensor(g)).sum().backward()\n"
            "torch.nn.utils.clip_grad_norm_([w], 1.)\nw.grad",
            wrong="    (w * torch.tensor(g)).sum().backward()\n"
            "    torch.nn.utils.clip_grad_norm_([w], 1.)",
            right="    (w * torch.tensor(g)).sum().backward()\n"
            "torch.nn.utils.clip_grad_norm_([w], 1.)",
            lesson="What came first is clipped again with each part, and counts less. Clip once, "
            "when all parts are in.",
            source=(
                "transformers#986",
                "https://github.com/huggingface/transformers/issues/986",
            ),
        ),
        Slip(
            title="clipping by value turns the gradient",
            program="import torch\n\nw = torch.zeros(2, requires_grad=True)\n"
            "(w * torch.tensor([10., 1.])).sum().backward()\n"
            "torch.nn.utils.clip_grad_norm_([w], 1.)\nw.grad",
            wrong="torch.nn.utils.clip_grad_value_([w], 1.)",
            right="torch.nn.utils.clip_grad_norm_([w], 1.)",
            lesson="[10, 1] becomes [1, 1], 39 degrees off. Clipping by norm keeps the direction.",
            source=_VALUE,
        ),
    ),
    proofs=(
        Proof(
            "The clipped gradient is min(1, most / (norm + 1e-6)) times the old; by value, its "
            "entries cut to most.",
            "numpy.linalg.norm, numpy.clip",
            _clipped,
            twin=("4., 0.]", "4., 1.]"),
            tolerance=1e-5,
        ),
        Proof(
            "What is returned is the norm before clipping; by value, None.",
            "numpy.linalg.norm",
            _returned,
            twin=("(p * torch", "(2 * p * torch"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="clip_grad_norm_ returns the total norm of the parameters.",
            where="Correcting gradients",
            program="import torch\np = torch.zeros(2).requires_grad_()\n"
            "(p * torch.tensor([3., 4.])).sum().backward()\n"
            "total = torch.nn.utils.clip_grad_norm_([p], 1.)",
            judge=_total,
            truth="Of their gradients, all together, as it was before clipping; a tensor.",
            twin=("torch.zeros(2)", "torch.tensor([4., 3.])"),
        ),
        Statement(
            says="Clip with torch.nn.utils.clip_grad_norm before the step.",
            where="Finding where NaN comes from",
            program="import torch\np = torch.zeros(2, requires_grad=True)\np.sum().backward()\n"
            "total = torch.nn.utils.clip_grad_norm([p], 1.)",
            judge=_deprecated,
            truth="The name without underscore is deprecated: clip_grad_norm_.",
            twin=("clip_grad_norm(", "clip_grad_norm_("),
        ),
        Statement(
            says="clip_grad_value_ keeps the largest magnitude below a threshold.",
            where="Working with unscaled gradients",
            program="import torch\np = torch.zeros(2, requires_grad=True)\n"
            "(p * torch.tensor([10., 1.])).sum().backward()\n"
            "torch.nn.utils.clip_grad_value_([p], 1.)",
            judge=_bounds,
            truth="It does, entry by entry, and turns the gradient by doing so.",
            twin=("value_([p], 1.)", "value_([p], 20.)"),
        ),
    ),
    figure=ARROWS,
    ask=Ask(
        text="The gradient is [inf, 4, 0]. What does clip_grad_norm_([p], 1.) make of it?",
        program="import torch\np = torch.zeros(3, requires_grad=True)\n"
        'p.grad = torch.tensor([float("inf"), 4., 0.])\n'
        "torch.nn.utils.clip_grad_norm_([p], 1.)",
        answer=lambda trace: (
            "it raises" if trace.failure else str(list(final(trace, "p").grad.values))
        ),
        options=("[1.0, 0.0, 0.0]", "[nan, 0.0, 0.0]", "[inf, 4.0, 0.0]", "it raises"),
        because="most / inf is 0, and inf · 0 is NaN. error_if_nonfinite=True would raise.",
    ),
    references=(
        _NORM,
        _VALUE,
        ("pytorch#46849: not finite", "https://github.com/pytorch/pytorch/issues/46849"),
    ),
    terms=("clip_grad_norm_", "clip_grad_value_", "max_norm", "norm_type", "error_if_nonfinite"),
)
