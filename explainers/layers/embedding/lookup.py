"""Embedding: a table of rows, read by number; the gradient comes to the rows that were read."""

import dataclasses

import numpy as np

from explainers.evidence import Verdict
from explainers.layers.embedding.table import TABLE
from explainers.parameters import Parameters, Preset, choice, number, numbers
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Lookup(Parameters):
    """Say which rows are read, which is the pad's, and how long a row is."""

    ids: str = numbers(
        "1, 3, 3, 0",
        label="ids",
        help="Rows to read, 0 to 4.",
        minimum=0,
        maximum=4,
        columns=(1, 6),
        integer=True,
    )
    padding: str = choice(
        "0", ("0", "3", "None"), label="padding_idx", help="The row that stands for no word."
    )
    dim: int = number(3, label="embedding_dim", help="Of a row.", minimum=1, maximum=4, step=1)


PROGRAM = """
import torch

torch.manual_seed(0)
embed = torch.nn.Embedding(5, ${dim}, padding_idx=${padding})
ids = torch.tensor(${ids})
rows = embed(ids)
one_hot = torch.eye(5)[ids]
same = one_hot @ embed.weight.detach()
rows.sum().backward()
"""


def _ids(settings: Lookup) -> list[int]:
    return [int(text) for text in settings.ids.split(",")]


def _rows(trace: Trace, settings: Lookup) -> float:
    weight = np.array(final(trace, "embed").parameters["weight"].values).reshape(5, settings.dim)
    expected = (np.eye(5)[_ids(settings)] @ weight).reshape(-1).tolist()
    return max(difference(final(trace, name).values, expected) for name in ("rows", "same"))


def _meaning(trace: Trace) -> tuple[Verdict, str]:
    found = told(trace, "near")
    said = f"cosine of rows 0 and 1 under two seeds: {found[0]:.3f} and {found[1]:.3f}"
    return Verdict.HOLDS if found[0] == found[1] else Verdict.CONDITION, said


def _fits(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.HOLDS, f"shape {final(trace, 'rows').shape}"
    return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"


def _order(trace: Trace) -> tuple[Verdict, str]:
    shape = final(trace, "rows").shape
    return Verdict.HOLDS if shape == (6, 3, 6) else Verdict.WRONG, f"shape {shape}"


LOOKUP = Lesson(
    slug="lookup",
    title="lookup and its gradient",
    notice="rows repeats row 3, so row 3's gradient is 2; the pad was read too, and gets 0.",
    program=PROGRAM,
    parameters=Lookup,
    presets=(
        Preset("Some words", "Row 3 was read twice, so its gradient is 2.", Lookup()),
        Preset(
            "One word",
            "Row 2 was read four times: its gradient is 4, and the other rows' is 0.",
            Lookup(ids="2, 2, 2, 2", padding="None"),
        ),
        Preset(
            "No pad",
            "Without padding_idx row 0 is a row like the others, random and trained.",
            Lookup(padding="None"),
        ),
        Preset(
            "Another pad",
            "padding_idx=3 makes row 3 zeros and keeps its gradient 0, though it was read twice.",
            Lookup(padding="3"),
        ),
    ),
    opens="rows.sum()",
    notes={
        "embed = torch.nn.Embedding": "A parameter of 5 rows, drawn from a normal distribution; "
        "the row at padding_idx is zeros.",
        "rows = embed(ids)": "A copy of the rows with these numbers, in their order.",
        "same = one_hot": "The same by a product: each row of one_hot picks one row of the table.",
        "rows.sum()": "A row gets what comes back to each of its copies, added up; the row at "
        "padding_idx gets 0.",
    },
    slips=(
        Slip(
            title="Adam moves rows that were not looked up",
            program="import torch\n\ntorch.manual_seed(0)\n"
            "embed = torch.nn.Embedding(3, 2, sparse=True)\n"
            "adam = torch.optim.SparseAdam(embed.parameters(), lr=0.1)\n"
            "for ids in ([0, 1], [2]):\n    adam.zero_grad()\n"
            "    embed(torch.tensor(ids)).sum().backward()\n    adam.step()",
            wrong="embed = torch.nn.Embedding(3, 2)\n"
            "adam = torch.optim.Adam(embed.parameters(), lr=0.1)",
            right="embed = torch.nn.Embedding(3, 2, sparse=True)\n"
            "adam = torch.optim.SparseAdam(embed.parameters(), lr=0.1)",
            lesson="A gradient of 0 is a gradient: in the second turn Adam moves rows 0 and 1 by "
            "what it remembers of the first. With sparse gradients it sees only the rows read.",
            source=("pytorch#18404", "https://github.com/pytorch/pytorch/issues/18404"),
        ),
        Slip(
            title="IndexError: index out of range in self",
            program="import torch\n\nids = torch.tensor([0, 2, 3])\n"
            "embed = torch.nn.Embedding(4, 2)\nrows = embed(ids)",
            wrong="embed = torch.nn.Embedding(3, 2)",
            right="embed = torch.nn.Embedding(4, 2)",
            lesson="The table needs a row for the largest id: one row more than that number, "
            "however many different ids there are.",
            source=("E5-V#7", "https://github.com/kongds/E5-V/issues/7"),
        ),
    ),
    proofs=(
        Proof(
            "Lookup is the product of one-hot rows with the table.",
            "numpy.eye and numpy's product",
            _rows,
            twin=("rows = embed(ids)", "rows = embed(ids.flip(0))"),
        ),
    ),
    statements=(
        Statement(
            says="The vectors reflect how the symbols are related in meaning.",
            where="nn.Embedding",
            program="import torch\nnear = []\nfor seed in (0, 1):\n    torch.manual_seed(seed)\n"
            "    w = torch.nn.Embedding(3, 50).weight\n"
            "    near.append(torch.cosine_similarity(w[0], w[1], dim=0).item())",
            judge=_meaning,
            truth="Once they are trained, or loaded. A new table is drawn from a normal "
            "distribution: what is near what, the seed says.",
            twin=("in (0, 1)", "in (0, 0)"),
        ),
        Statement(
            says="Embedding(3, 50) maps the ids 0 to 5 of two sentences to vectors.",
            where="GRU in PyTorch",
            program="import torch\nembed = torch.nn.Embedding(3, 50)\n"
            "rows = embed(torch.tensor([[0, 1, 2], [3, 4, 5]]))",
            judge=_fits,
            truth="Three rows have the numbers 0, 1 and 2. Six ids need Embedding(6, 50).",
            twin=("Embedding(3, 50)", "Embedding(6, 50)"),
        ),
        Statement(
            says="The end of a sentence gets the id -1, and the table is asked for it.",
            where="GRU in PyTorch",
            program="import torch\nembed = torch.nn.Embedding(13, 6)\n"
            "rows = embed(torch.tensor([1, 2, 3, 4, 5, -1]))",
            judge=_fits,
            truth="An id is a row's number, from 0: -1 does not count from the end as an index "
            "does. Give the end of a sentence a row of its own, here 12.",
            twin=("5, -1", "5, 12"),
        ),
        Statement(
            says="Ids of shape (length, batch) give (length, batch, embedding size).",
            where="GRU in PyTorch",
            program="import torch\nids = torch.zeros(6, 3, dtype=torch.int64)\n"
            "rows = torch.nn.Embedding(12, 6)(ids)",
            judge=_order,
            truth="The ids keep their shape, and a last axis is added, whatever the shape is.",
            twin=("(ids)", "(ids.T)"),
        ),
    ),
    ask=Ask(
        text="rows = embed(torch.tensor([3, 3, 1])); rows.sum().backward(). What stands in row 3 "
        "of embed.weight.grad?",
        program="import torch\nembed = torch.nn.Embedding(5, 2)\n"
        "embed(torch.tensor([3, 3, 1])).sum().backward()\ng = embed.weight.grad[3]",
        answer=lambda trace: f"{final(trace, 'g').values[0]:g}s",
        options=("0s", "1s", "2s", "3s"),
        because="Both copies of row 3 send a gradient of ones back, and they add up.",
    ),
    figure=TABLE,
    references=(("torch.nn.Embedding", f"{_DOCS}/generated/torch.nn.Embedding.html"),),
    terms=("Embedding", "padding_idx", "one_hot", "SparseAdam"),
)
