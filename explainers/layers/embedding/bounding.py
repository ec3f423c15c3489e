"""max_norm: looking a row up rewrites it, without training, without gradients."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.layers.embedding.rows import ROWS, order
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Bounding(Parameters):
    """Say which rows are looked up, and how long they may be by which norm."""

    max_norm: float = number(
        1.0, label="max_norm", help="Of a row that is looked up.", minimum=0.2, maximum=3, step=0.1
    )
    norm_type: str = choice(
        "2",
        ("1", "2", "inf"),
        label="norm_type",
        help="1: sum of magnitudes; 2: length; inf: largest magnitude.",
    )
    ids: str = choice(
        "0, 1", ("0, 1", "0, 1, 2, 3, 4", "3, 3"), label="ids", help="Rows that are looked up."
    )


PROGRAM = """
import torch

torch.manual_seed(0)
embed = torch.nn.Embedding(5, 2, max_norm=${max_norm}, norm_type=${norm_type})
before = embed.weight.detach().clone()
embed.eval()
with torch.no_grad():
    rows = embed(torch.tensor([${ids}]))
after = embed.weight.detach()
"""


def _table(trace: Trace, name: str) -> NDArray[np.float64]:
    return np.array(final(trace, name).values).reshape(5, 2)


def _expected(trace: Trace, settings: Bounding) -> NDArray[np.float64]:
    """Return the table after the lookup, by the rule of `torch.renorm`."""
    table = _table(trace, "before").copy()
    for row in {int(text) for text in settings.ids.split(",")}:
        norm = np.linalg.norm(table[row], order(settings))
        if norm > settings.max_norm:
            table[row] *= settings.max_norm / norm
    return table


def _after(trace: Trace, settings: Bounding) -> float:
    expected = _expected(trace, settings)
    return difference(final(trace, "after").values, expected.reshape(-1).tolist())


def _rows(trace: Trace, settings: Bounding) -> float:
    expected = _expected(trace, settings)[[int(text) for text in settings.ids.split(",")]]
    return difference(final(trace, "rows").values, expected.reshape(-1).tolist())


def _one_storage(trace: Trace, _: Bounding) -> float:
    weight, after = final(trace, "embed").parameters["weight"], final(trace, "after")
    return float(weight.storage != after.storage)


def _rewritten(trace: Trace) -> tuple[Verdict, str]:
    before, after = (final(trace, name).values for name in ("before", "after"))
    norms = f"norms {[round(v, 2) for v in before]} become {[round(v, 2) for v in after]}"
    changed = [row for row in range(4) if abs(before[row] - after[row]) > 1e-6]
    if not changed:
        return Verdict.HOLDS, norms
    return Verdict.CONDITION, f"{norms}: rows {', '.join(map(str, changed))} were rewritten"


BOUNDING = Lesson(
    slug="norm",
    title="max_norm rewrites weights",
    notice="Rows 0 and 1 were only looked up, in eval and without gradients, and are shorter now.",
    program=PROGRAM,
    parameters=Bounding,
    spelled={"norm_type": {"1": "1.0", "2": "2.0", "inf": 'float("inf")'}},
    presets=(
        Preset("Two rows", "Rows 0 and 1 were only looked up, and are shorter now.", Bounding()),
        Preset(
            "All rows",
            "Once looked up, each row ends on the circle or within it.",
            Bounding(ids="0, 1, 2, 3, 4"),
        ),
        Preset(
            "Largest magnitude",
            "By the norm inf the bound is a square; a row is scaled, so its direction stays.",
            Bounding(ids="0, 1, 2, 3, 4", norm_type="inf"),
        ),
        Preset(
            "Short enough",
            "Row 3 is within the bound: the lookup leaves it as it is.",
            Bounding(ids="3, 3", max_norm=3.0),
        ),
    ),
    opens="rows = embed",
    notes={
        "embed.eval()": "The rewriting does not ask for the mode.",
        "with torch.no_grad()": "Nor does it ask for gradients.",
        "rows = embed": "Before it reads, forward scales each row that is too long, in place.",
        "after = embed": "The parameter's own memory: rows that were not looked up are as they "
        "were.",
    },
    slips=(
        Slip(
            title="the weight used before the lookup",
            program="import torch\n\ntorch.manual_seed(0)\n"
            "embed = torch.nn.Embedding(3, 2, max_norm=1.)\n"
            "w = torch.ones(2, requires_grad=True)\n"
            "a = embed.weight.clone() @ w\nb = embed(torch.tensor([1, 2])) @ w\n"
            "(a.sum() * b.sum()).backward()",
            wrong="a = embed.weight @ w",
            right="a = embed.weight.clone() @ w",
            lesson="The product keeps the table for backward, and the lookup then writes into it. "
            "A clone keeps its own numbers.",
            source=("pytorch#26596", "https://github.com/pytorch/pytorch/issues/26596"),
        ),
        Slip(
            title="looking at a vector changes it",
            program="import torch\n\ntorch.manual_seed(0)\n"
            "embed = torch.nn.Embedding(3, 2, max_norm=1.)\nids = torch.tensor([0, 1])\n"
            "with torch.no_grad():\n    seen = embed.weight[ids]",
            wrong="seen = embed(ids)",
            right="seen = embed.weight[ids]",
            lesson="With max_norm a lookup writes. To look and no more, index the weight.",
            source=("pytorch#45595", "https://github.com/pytorch/pytorch/pull/45595"),
        ),
    ),
    proofs=(
        Proof(
            "Rows that were looked up are scaled down to max_norm, the others stay.",
            "numpy.linalg.norm, row by row",
            _after,
            twin=("after = embed.weight.detach()", "after = embed.weight.detach().clamp(-1, 1)"),
            tolerance=1e-5,
        ),
        Proof(
            "What the lookup returns is the rows as rewritten.",
            "numpy.linalg.norm, row by row",
            _rows,
            twin=("rows = embed(", "rows = torch.nn.functional.embedding(weight=before, input="),
            tolerance=1e-5,
        ),
        Proof(
            "No new table is made: it is the parameter's own memory that is written.",
            "storages",
            _one_storage,
            twin=("after = embed.weight.detach()", "after = embed.weight.detach().clone()"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="max_norm and norm_type are arguments of the table, beside its sizes.",
            where="nn.Embedding",
            program="import torch\ntorch.manual_seed(0)\n"
            "embed = torch.nn.Embedding(4, 3, max_norm=1.)\nw = embed.weight.detach()\n"
            "before = w.norm(dim=1)\nrows = embed(torch.tensor([0, 1]))\nafter = w.norm(dim=1)",
            judge=_rewritten,
            truth="They are, and they act in forward: a row that is looked up and too long is "
            "rewritten in place, in eval mode and without gradients too.",
            twin=(", max_norm=1.)", ")"),
        ),
    ),
    ask=Ask(
        text="embed = nn.Embedding(4, 3, max_norm=1.), new. After embed(torch.tensor([0, 1])) "
        "under no_grad, how many rows may be longer than 1?",
        program="import torch\nembed = torch.nn.Embedding(4, 3, max_norm=1.)\n"
        "torch.nn.init.constant_(embed.weight, 2.)\nwith torch.no_grad():\n"
        "    rows = embed(torch.tensor([0, 1]))\n"
        "n = (embed.weight.detach().norm(dim=1) > 1.001).sum()",
        answer=lambda trace: str(final(trace, "n").values[0]),
        options=("0", "2", "4"),
        because="Only what is looked up is bounded; rows 2 and 3 keep whatever length they have.",
    ),
    figure=ROWS,
    references=(
        ("torch.nn.Embedding", f"{_DOCS}/generated/torch.nn.Embedding.html"),
        ("torch.renorm", f"{_DOCS}/generated/torch.renorm.html"),
    ),
    terms=("max_norm", "norm_type", "renorm"),
)
