"""EmbeddingBag: one row of ids, cut into bags where offsets say."""

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.layers.embedding.strip import STRIP
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
IDS = (1, 2, 4, 5, 4, 3, 2, 9)


@dataclasses.dataclass(frozen=True)
class Bags(Parameters):
    """Say how many ids the first two bags hold, and what becomes of a bag."""

    first: int = number(4, label="ids in bag 0", help="From the left.", minimum=0, maximum=4)
    second: int = number(3, label="ids in bag 1", help="The next.", minimum=0, maximum=4)
    mode: str = choice("sum", ("sum", "mean", "max"), label="mode", help="Of a bag's rows.")


PROGRAM = """
import torch

torch.manual_seed(0)
bag = torch.nn.EmbeddingBag(10, 3, mode="${mode}")
ids = torch.tensor([1, 2, 4, 5, 4, 3, 2, 9])
offsets = torch.tensor([0, ${first}, ${second}]).cumsum(0)
out = bag(ids, offsets)
out.sum().backward()
"""


def cut(settings: Bags) -> list[tuple[int, int]]:
    """Return where each bag begins and ends."""
    edges = [0, settings.first, settings.first + settings.second, len(IDS)]
    return list(itertools.pairwise(edges))


def _weight(trace: Trace) -> NDArray[np.float64]:
    return np.array(final(trace, "bag").parameters["weight"].values).reshape(10, 3)


def _reduced(trace: Trace, settings: Bags) -> float:
    weight = _weight(trace)
    expected: list[float] = []
    for begin, end in cut(settings):
        rows = weight[list(IDS[begin:end])]
        if not len(rows):
            expected += [0.0] * 3
        elif settings.mode == "max":
            expected += rows.max(axis=0).tolist()
        else:
            expected += (rows.sum(axis=0) / (len(rows) if settings.mode == "mean" else 1)).tolist()
    return difference(final(trace, "out").values, expected)


_HALVES = """import torch
torch.manual_seed(0)
bag = torch.nn.EmbeddingBag(10, 3, mode="sum")
ids = torch.tensor([1, 2, 4, 5, 4, 3, 2, 9])
halves = torch.stack([bag.weight[ids[:4]].sum(0), bag.weight[ids[4:]].sum(0)])
"""


def _same(trace: Trace) -> tuple[Verdict, str]:
    error = difference(final(trace, "out").values, final(trace, "halves").values)
    return Verdict.HOLDS if error < 1e-6 else Verdict.WRONG, f"they differ by up to {error:.2g}"


def _printed(trace: Trace) -> tuple[Verdict, str]:
    a, b = told(trace, "sums")
    said = f"the first sum is {a:.4f} under one seed and {b:.4f} under another"
    return Verdict.HOLDS if a == b else Verdict.CONDITION, said


BAGS = Lesson(
    slug="bags",
    title="EmbeddingBag and offsets",
    notice="offsets say where each bag begins; a bag ends where the next begins, or the ids do.",
    program=PROGRAM,
    parameters=Bags,
    presets=(
        Preset(
            "Three bags",
            "offsets say where each bag begins; a bag ends where the next begins, or the ids do.",
            Bags(),
        ),
        Preset(
            "An empty bag",
            "Two equal offsets make an empty bag: zeros, with no gradient to any row.",
            Bags(second=0),
        ),
        Preset("Mean", "Each row of a bag counts one part of its size.", Bags(mode="mean")),
        Preset(
            "Max, an empty bag",
            "The largest of each column; an empty bag is 0 all the same.",
            Bags(first=0, mode="max"),
        ),
    ),
    opens="out = bag",
    shows=("bag", "ids", "offsets", "out"),
    notes={
        "bag = torch.nn.EmbeddingBag": "Without mode it is the mean.",
        "offsets = torch.tensor": "Sizes of the bags before, added up: the first offset is 0.",
        "out = bag": "One row a bag, and the rows of its ids are never laid out.",
        "out.sum()": "Each row gets back what it counted: 1, a part, or its largest columns.",
    },
    slips=(
        Slip(
            title="sizes in place of offsets",
            wrong="offsets = torch.tensor([0, 2, 5])",
            right="offsets = torch.tensor([0, 2, 5]).cumsum(0)",
            program=PROGRAM.replace("${first}, ${second}", "2, 5"),
            lesson="Sizes are taken for places and nothing is said: bag 1 gets three ids in place "
            "of five. Add the sizes up.",
            source=("tutorials#1359", "https://github.com/pytorch/tutorials/issues/1359"),
            shows=("bag", "offsets", "out"),
        ),
        Slip(
            title="a mean that counts the pads",
            program="import torch\n\ntorch.manual_seed(0)\n"
            "bag = torch.nn.EmbeddingBag(5, 3, padding_idx=0)\n"
            "ids = torch.tensor([[1, 3, 0, 0], [2, 4, 1, 3]])\nout = bag(ids)",
            wrong="bag = torch.nn.EmbeddingBag(5, 3)",
            right="bag = torch.nn.EmbeddingBag(5, 3, padding_idx=0)",
            lesson="Here padding_idx does take the pads out: out of the sum, and out of the count "
            "that the mean divides by.",
            source=("pytorch#47858", "https://github.com/pytorch/pytorch/issues/47858"),
        ),
        Slip(
            title="a sum that is a mean",
            program=_HALVES.strip("\n") + "\nout = bag(ids, torch.tensor([0, 4]))",
            wrong="bag = torch.nn.EmbeddingBag(10, 3)",
            right='bag = torch.nn.EmbeddingBag(10, 3, mode="sum")',
            lesson='mode is "mean" unless it is named.',
            source=("torch.nn.EmbeddingBag", f"{_DOCS}/generated/torch.nn.EmbeddingBag.html"),
            shows=("halves", "out"),
        ),
    ),
    proofs=(
        Proof(
            "Each bag is the sum, mean or largest of its rows; of none, zeros.",
            "numpy.sum, a count, numpy.max, over slices of the ids",
            _reduced,
            twin=("out = bag(ids, offsets)", "out = bag(ids, offsets.clamp(max=5))"),
            tolerance=1e-6,
        ),
    ),
    statements=(
        Statement(
            says="Offsets 0 and 4 make two bags: input[0:4] and input[4:].",
            where="torch.nn.EmbeddingBag",
            program=_HALVES + "out = bag(ids, torch.tensor([0, 4]))",
            judge=_same,
            truth="They do. The first offset must be 0, and none may be past the ids' end.",
            twin=("[0, 4]", "[0, 5]"),
        ),
        Statement(
            says="The bags of 1, 2, 4, 5 and 4, 3, 2, 9 sum to rows with -0.8861 and 1.1306 first.",
            where="torch.nn.EmbeddingBag",
            program="import torch\nsums = []\nfor seed in (0, 1):\n    torch.manual_seed(seed)\n"
            '    bag = torch.nn.EmbeddingBag(10, 3, mode="sum")\n'
            "    sums.append(bag(torch.tensor([[1, 2, 4, 5]]))[0, 0].item())",
            judge=_printed,
            truth="The table is random: another seed, other numbers.",
            twin=("in (0, 1)", "in (0, 0)"),
        ),
        Statement(
            says="With 2-D input each row is a bag of constant length, and no offsets are given.",
            where="torch.nn.EmbeddingBag",
            program=_HALVES + "out = bag(ids.view(2, 4))",
            judge=_same,
            truth="So it is; offsets beside 2-D input are refused.",
            twin=("ids.view(2, 4)", "ids.view(4, 2).T"),
        ),
    ),
    ask=Ask(
        text="Five ids, offsets [0, 3, 3], mode mean. What is in row 1 of the result?",
        program="import torch\nbag = torch.nn.EmbeddingBag(9, 2)\n"
        "out = bag(torch.tensor([1, 2, 3, 4, 5]), torch.tensor([0, 3, 3]))\n"
        'said = "zeros" if not out[1].any() else "NaN" if out[1].isnan().any() else "the mean"',
        answer=lambda trace: str(told(trace, "said")),
        options=("NaN", "zeros", "the mean"),
        because="Bag 1 begins and ends at 3: it is empty, and an empty bag is zeros, not 0 / 0.",
    ),
    figure=STRIP,
    references=(("torch.nn.EmbeddingBag", f"{_DOCS}/generated/torch.nn.EmbeddingBag.html"),),
    terms=("EmbeddingBag", "offsets", "mode", "include_last_offset"),
)
