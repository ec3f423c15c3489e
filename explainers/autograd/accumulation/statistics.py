"""Micro-batches through a layer that looks at the whole batch."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Statistics(Parameters):
    """Say which layer normalizes, how the batch is split, and one of its values."""

    layer: str = choice(
        "BatchNorm1d",
        ("BatchNorm1d", "BatchNorm1d, eval", "LayerNorm"),
        label="layer",
        help="What normalizes.",
    )
    size: str = choice("2", ("2", "4"), label="size", help="Of a micro-batch; 4 is all of x.")
    last: int = number(8, label="last", help="x[3, 0].", minimum=5, maximum=12, step=1)


PROGRAM = """
import torch

x = torch.tensor([[1., 5.], [2., 3.], [4., 4.], [${last}., 1.]])
norm = torch.nn.${layer}
for part in x.split(${size}):
    loss = (norm(part) ** 3).sum() / len(x)
    loss.backward()
"""


def _parts(settings: Statistics) -> list[NDArray[np.float64]]:
    x = np.array([[1, 5], [2, 3], [4, 4], [settings.last, 1]], float)
    size = int(settings.size)
    return [x[at : at + size] for at in range(0, 4, size)]


def _standard(part: NDArray[np.float64], settings: Statistics) -> NDArray[np.float64]:
    if settings.layer == "BatchNorm1d, eval":  # running mean 0 and variance 1 as they begin
        return np.asarray(part / np.sqrt(1 + 1e-5))
    axis = 0 if settings.layer == "BatchNorm1d" else 1
    mean, variance = part.mean(axis, keepdims=True), part.var(axis, keepdims=True)
    return np.asarray((part - mean) / np.sqrt(variance + 1e-5))


def _gradients(trace: Trace, settings: Statistics) -> float:
    held = final(trace, "norm").parameters
    found = [held[name].grad for name in ("weight", "bias")]
    # Of (weight · s + bias)³ where weight is 1 and bias 0.
    rows = [_standard(part, settings) for part in _parts(settings)]
    expected = [sum((3 * row**power).sum(0) / 4 for row in rows) for power in (3, 2)]
    if any(grad is None for grad in found):
        return math.inf
    scale = max(1.0, float(np.abs(expected).max()))
    return max(
        difference(grad.values, np.asarray(each).tolist()) / scale
        for grad, each in zip(found, expected, strict=True)
    )


def _running(trace: Trace, settings: Statistics) -> float:
    buffers = final(trace, "norm").buffers
    if settings.layer == "LayerNorm":
        return float(len(buffers))
    mean, variance, count = np.zeros(2), np.ones(2), 0
    if settings.layer == "BatchNorm1d":
        for part in _parts(settings):
            mean = 0.9 * mean + 0.1 * part.mean(0)
            variance = 0.9 * variance + 0.1 * part.var(0, ddof=1)
            count += 1
    return max(
        difference(buffers["running_mean"].values, mean.tolist()),
        difference(buffers["running_var"].values, variance.tolist()),
        difference(buffers["num_batches_tracked"].values, [count]),
    )


def _same(trace: Trace) -> tuple[Verdict, str]:
    parts, whole = final(trace, "parts").values[0], final(trace, "whole").values[0]
    verdict = Verdict.HOLDS if abs(parts - whole) < 1e-4 else Verdict.CONDITION
    return verdict, f"weight.grad {parts:.3f} in halves, {whole:.3f} in one"


_HALVES = """
import torch

x = torch.tensor([[1.], [2.], [4.], [8.]])
norm = torch.nn.BatchNorm1d(1)
for part in x.split(2):
    ((norm(part) ** 3).sum() / 4).backward()
parts = norm.weight.grad
norm.weight.grad = None
((norm(x) ** 3).sum() / 4).backward()
whole = norm.weight.grad
"""

STATISTICS = Lesson(
    slug="batchnorm",
    title="micro-batches and BatchNorm",
    notice="Two rows, normalized among themselves, are about -1 and 1: halves know nothing of the "
    "whole.",
    program=PROGRAM,
    parameters=Statistics,
    spelled={
        "layer": {
            "BatchNorm1d": "BatchNorm1d(2)",
            "BatchNorm1d, eval": "BatchNorm1d(2).eval()",
            "LayerNorm": "LayerNorm(2)",
        }
    },
    presets=(
        Preset(
            "Halves", "weight.grad is about 0: in a half, cubes of -1 and 1 cancel.", Statistics()
        ),
        Preset("The whole", "The four rows together have a gradient.", Statistics(size="4")),
        Preset(
            "eval",
            "With running statistics, halves and whole give one gradient.",
            Statistics("BatchNorm1d, eval"),
        ),
        Preset(
            "LayerNorm",
            "LayerNorm looks at one row at a time, and cannot tell how they are split.",
            Statistics("LayerNorm"),
        ),
    ),
    notes={
        "norm = torch.nn": "BatchNorm in training uses the mean and variance of what it is given.",
        "loss = ": "Divided by all samples: for the loss the split would not matter.",
    },
    slips=(
        Slip(
            title="BatchNorm with small micro-batches",
            wrong="for part in x.split(2):",
            right="for part in x.split(4):",
            program="import torch\n\nx = torch.tensor([[1.], [2.], [4.], [8.]])\n"
            "norm = torch.nn.BatchNorm1d(1)\nfor part in x.split(4):\n"
            "    ((norm(part) ** 3).sum() / 4).backward()",
            lesson="Accumulation imitates the batch for the loss and not for BatchNorm, whose "
            "statistics are the micro-batch's, and whose running ones move twice. GroupNorm and "
            "LayerNorm do not mind.",
            source=("pytorch#46516", "https://github.com/pytorch/pytorch/issues/46516"),
        ),
    ),
    proofs=(
        Proof(
            "The gradients of weight and bias are those of each part, normalized by itself.",
            "numpy, part by part",
            _gradients,
            twin=("x.split(${size})", "x.split(4)"),
            tolerance=1e-4,
        ),
        Proof(
            "Running mean and variance move once a part: 0.9 of the old and 0.1 of the new.",
            "numpy, part by part",
            _running,
            twin=("torch.nn.${layer}", "torch.nn.BatchNorm1d(2, momentum=None)"),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="Accumulation makes one effective batch of batch_per_iter * iters_to_accumulate.",
            where="Gradient accumulation",
            program=_HALVES,
            judge=_same,
            truth="For the loss; not for BatchNorm in training: it normalizes each part by itself.",
            twin=("BatchNorm1d(1)", "BatchNorm1d(1).eval()"),
        ),
    ),
    ask=Ask(
        text="A batch of 4 goes through BatchNorm in two halves. What is num_batches_tracked?",
        program=_HALVES.split("parts =", maxsplit=1)[0],
        answer=lambda trace: str(final(trace, "norm").buffers["num_batches_tracked"].values[0]),
        options=("1", "2", "4"),
        because="BatchNorm counts how often it was called in training, not how many samples came.",
    ),
    references=(("torch.nn.BatchNorm1d", f"{_DOCS}/generated/torch.nn.BatchNorm1d.html"),),
    terms=("BatchNorm1d", "running_mean", "LayerNorm", "gradient accumulation"),
)
