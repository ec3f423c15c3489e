"""Micro-batches against the whole batch."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Batches(Parameters):
    """Say how many samples there are, how they are split, and how each part counts."""

    samples: int = number(5, label="samples", help="Of x.", minimum=2, maximum=8, step=1)
    size: int = number(4, label="size", help="Of a micro-batch.", minimum=1, maximum=8, step=1)
    weight: str = choice(
        "by parts",
        ("by parts", "by samples", "not at all"),
        label="loss divided",
        help="By the number of parts, or weighted by the samples in a part.",
    )


PROGRAM = """
import torch

w = torch.tensor(1., requires_grad=True)
x = torch.arange(1., ${samples} + 1)
parts = x.split(${size})
for part in parts:
    loss = ((w * part) ** 2).mean()
    (loss${weight}).backward()
whole, = torch.autograd.grad(((w * x) ** 2).mean(), w)
"""


def _parts(settings: Batches) -> list[np.ndarray]:
    x = np.arange(1.0, settings.samples + 1)
    return [x[at : at + settings.size] for at in range(0, len(x), settings.size)]


def _added(trace: Trace, settings: Batches) -> float:
    parts = _parts(settings)
    weights = {
        "by parts": [1 / len(parts)] * len(parts),
        "by samples": [len(part) / settings.samples for part in parts],
        "not at all": [1.0] * len(parts),
    }[settings.weight]
    total = sum(weight * 2 * np.mean(part**2) for weight, part in zip(weights, parts, strict=True))
    grad = final(trace, "w").grad
    return math.inf if grad is None else difference(grad.values, [float(total)])


def _whole(trace: Trace, settings: Batches) -> float:
    n = settings.samples
    return difference(final(trace, "whole").values, [(n + 1) * (2 * n + 1) / 3])


def _equal(trace: Trace, settings: Batches) -> float:
    one_part = settings.size >= settings.samples
    expected = {
        "by parts": one_part or settings.samples % settings.size == 0,
        "by samples": True,
        "not at all": one_part,
    }[settings.weight]
    apart = difference(final(trace, "w").grad.values, final(trace, "whole").values)
    return float((apart < 1e-4) is not expected)


def _larger(trace: Trace) -> tuple[Verdict, str]:
    (added,), (whole,) = final(trace, "w").grad.values, final(trace, "whole").values
    verdict = Verdict.HOLDS if abs(added - whole) < 1e-4 else Verdict.CONDITION
    return verdict, f"in parts {added:.2f}, in one {whole:.2f}"


BATCHES = Lesson(
    slug="micro",
    title="micro-batches",
    notice="4 + 1 samples give 32.5 where the whole batch gives 22: one weighs as much as four.",
    program=PROGRAM,
    parameters=Batches,
    spelled={
        "weight": {
            "by parts": " / len(parts)",
            "by samples": " * len(part) / len(x)",
            "not at all": "",
        }
    },
    presets=(
        Preset("4 + 1", "The lone sample counts as much as the four together.", Batches()),
        Preset(
            "By samples",
            "Weighted by its samples, each part gives its share of the whole gradient.",
            Batches(weight="by samples"),
        ),
        Preset("Equal parts", "2 + 2: dividing by the number of parts is right.", Batches(4, 2)),
        Preset(
            "Not divided",
            "Two means added up are twice a mean.",
            Batches(4, 2, "not at all"),
        ),
    ),
    notes={
        "parts = x.split": "The last part takes what is left.",
        "(loss": "Each backward frees its own graph: one part in memory at a time.",
        "whole, =": "The gradient of the whole batch, for comparison; it touches no .grad.",
    },
    slips=(
        Slip(
            title="unequal micro-batches, each a mean",
            program="import torch\n\nw = torch.tensor(1., requires_grad=True)\n"
            "x = torch.arange(1., 6.)\nfor part in x.split(4):\n"
            "    loss = ((w * part) ** 2).sum() / len(x)\n    loss.backward()",
            wrong="loss = ((w * part) ** 2).mean() / 2",
            right="loss = ((w * part) ** 2).sum() / len(x)",
            lesson="Sum, and divide by the number of all samples: then it does not matter how they "
            "are split. Tokens of texts are such samples.",
            source=("mlx-lm#1413", "https://github.com/ml-explore/mlx-lm/pull/1413"),
        ),
        Slip(
            title="divide by the turn",
            program="import torch\n\nw = torch.tensor(1., requires_grad=True)\n"
            "parts = torch.arange(1., 5.).split(2)\nfor number, part in enumerate(parts):\n"
            "    loss = ((w * part) ** 2).mean()\n    (loss / len(parts)).backward()",
            wrong="(loss / (number + 1)).backward()",
            right="(loss / len(parts)).backward()",
            lesson="All parts count the same, the first too: divide by how many there will be.",
            source=("nanoGPT#605", "https://github.com/karpathy/nanoGPT/issues/605"),
        ),
    ),
    proofs=(
        Proof(
            "w.grad is the parts' gradients, weighted and added up.",
            "numpy, part by part",
            _added,
            twin=("x.split(${size})", "x.chunk(${size})"),
            tolerance=1e-4,
        ),
        Proof(
            "The whole batch's gradient is (n + 1)(2n + 1) / 3.",
            "the sum of squares in closed form",
            _whole,
            twin=("** 2).mean(), w)", "** 2).sum(), w)"),
            tolerance=1e-4,
        ),
        Proof(
            "Both agree if parts count by their samples; by parts, if these are of one size.",
            "w.grad and whole",
            _equal,
            twin=("x.split(${size})", "x.split(1)"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="Accumulating gradients imitates a larger batch.",
            where="model.zero_grad() and optimizer.zero_grad()",
            program="import torch\nw = torch.tensor(1., requires_grad=True)\n"
            "x = torch.arange(1., 6.)\nparts = x.split(2)\nfor part in parts:\n"
            "    (((w * part) ** 2).mean() / len(parts)).backward()\n"
            "whole, = torch.autograd.grad(((w * x) ** 2).mean(), w)",
            judge=_larger,
            truth="If the parts are of one size, or weighted by their samples, and nothing in the "
            "model looks at the whole batch, as BatchNorm does.",
            twin=("arange(1., 6.)", "arange(1., 5.)"),
        ),
    ),
    ask=Ask(
        text="Four samples in two parts of 2; each mean loss goes back, divided by nothing. "
        "How does w.grad compare with the whole batch's?",
        program="import torch\nw = torch.tensor(1., requires_grad=True)\n"
        "x = torch.arange(1., 5.)\nfor part in x.split(2):\n"
        "    ((w * part) ** 2).mean().backward()\n"
        "whole, = torch.autograd.grad(((w * x) ** 2).mean(), w)\n"
        "times = round((w.grad / whole).item(), 2)",
        answer=lambda trace: f"{float(final(trace, 'times').text):g} times",
        options=("0.5 times", "1 times", "2 times", "4 times"),
        because="Two means are added up; their mean would be the whole's.",
    ),
    references=(("torch: automatic mixed precision examples", f"{_DOCS}/notes/amp_examples.html"),),
    terms=("gradient accumulation", "micro-batch", "batch size", "split"),
)
