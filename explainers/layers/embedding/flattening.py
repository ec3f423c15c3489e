"""view(-1, 400) cuts rows of 400 wherever they fall; flatten(1) keeps a row a picture."""

import dataclasses

from explainers.evidence import Verdict
from explainers.layers.embedding.mixing import MIXING
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final, told
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Flattening(Parameters):
    """Say how many pictures there are, and how large each of their 16 channels is."""

    batch: int = number(25, label="pictures", help="In the batch.", minimum=1, maximum=25)
    side: int = number(
        4, label="side", help="Rows and columns of each channel.", minimum=3, maximum=10
    )


PROGRAM = """
import torch

pictures = torch.arange(${batch}.).view(-1, 1, 1, 1)
x = pictures.repeat(1, 16, ${side}, ${side})
flat = x.flatten(1)
owner = flat[:, 0]
rows = x.view(-1, 400)
first, last = rows[:, 0], rows[:, -1]
mixed = (first != last).sum()
"""


def _size(settings: Flattening) -> int:
    return 16 * settings.side**2


def _divides(settings: Flattening) -> bool:
    return settings.batch * _size(settings) % 400 == 0


def _owners(trace: Trace, settings: Flattening) -> float:
    shape = final(trace, "flat").shape
    if shape != (settings.batch, _size(settings)):
        return float("inf")
    return difference(final(trace, "owner").values, range(settings.batch))


def _rows(trace: Trace, settings: Flattening) -> float:
    """Return 0 where the run agrees with the whole quotients of places and a picture's size."""
    if trace.failure is not None or not _divides(settings):
        return float((trace.failure is None) == (not _divides(settings)))
    count = settings.batch * _size(settings) // 400
    return max(
        difference(
            final(trace, name).values,
            [(400 * row + place) // _size(settings) for row in range(count)],
        )
        for name, place in (("first", 0), ("last", 399))
    )


def _kept(trace: Trace) -> tuple[Verdict, str]:
    fit, cut = final(trace, "fit").shape, final(trace, "cut").shape
    said = f"25 of (16, 5, 5) become {fit}; 25 of (16, 6, 6) become {cut}"
    if fit[0] != 25:
        return Verdict.WRONG, said
    return Verdict.HOLDS if cut[0] == 25 else Verdict.CONDITION, said


def _sized(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"
    return Verdict.HOLDS, f"the product is {told(trace, 'count')}"


FLATTENING = Lesson(
    slug="flatten",
    title="view(-1, 400) mixes pictures",
    notice="25 pictures of 256 numbers become 16 rows of 400, and each row mixes two or three.",
    program=PROGRAM,
    parameters=Flattening,
    presets=(
        Preset("28 by 28 in LeNet", "Each of the 16 rows mixes two or three.", Flattening()),
        Preset(
            "32 by 32 in LeNet",
            "A picture has 400 numbers: view and flatten give the same rows, one a picture.",
            Flattening(side=5),
        ),
        Preset(
            "36 by 36 in LeNet",
            "25 pictures of 576 numbers become 36 rows, and 24 of them mix two pictures.",
            Flattening(side=6),
        ),
        Preset(
            "Four rows a picture",
            "No row mixes pictures, and yet there are four rows for each.",
            Flattening(batch=3, side=10),
        ),
        Preset(
            "24 pictures",
            "6144 numbers are no whole number of rows of 400: here view refuses, by luck.",
            Flattening(batch=24),
        ),
    ),
    notes={
        "pictures = torch.arange": "Picture n is full of n, so each number tells whose it is.",
        "flat = x.flatten(1)": "Axis 0 stays; the others become one, however long.",
        "rows = x.view": "-1 is whatever makes the count come out: nobody asked for a batch.",
        "mixed = ": "Rows that begin in one picture and end in another.",
    },
    shows=("x", "flat", "rows", "owner", "first", "last"),
    slips=(
        Slip(
            title="Expected input batch_size (16) to match target batch_size (25)",
            program="import torch\nfrom torch import nn\n\nx = torch.zeros(25, 16, 4, 4)\n"
            "target = torch.zeros(25, dtype=torch.int64)\n"
            "logits = nn.Linear(256, 10)(x.flatten(1))\n"
            "loss = nn.functional.cross_entropy(logits, target)",
            wrong="logits = nn.Linear(400, 10)(x.view(-1, 400))",
            right="logits = nn.Linear(256, 10)(x.flatten(1))",
            lesson="The batch was lost in view, and the loss is the first to count it. flatten(1) "
            "keeps it, and the Linear is then built for what is there.",
            source=("Cutout#16", "https://github.com/uoguelph-mlrg/Cutout/issues/16"),
        ),
        Slip(
            title="the batch's size written down",
            program="import torch\n\nlast = torch.arange(3.).view(3, 1, 1, 1).repeat(1, 4, 2, 2)\n"
            "rows = last.flatten(1)",
            wrong="rows = last.view(4, -1)",
            right="rows = last.flatten(1)",
            lesson="The last batch of an epoch is often smaller: three pictures in place of four. "
            "Where the numbers divide, view says nothing and cuts four rows out of three pictures.",
            source=("world-models#25", "https://github.com/ctallec/world-models/issues/25"),
        ),
        Slip(
            title="flatten without an axis",
            program="import torch\n\nx = torch.zeros(4, 3, 2, 2)\nrows = x.flatten(1)",
            wrong="rows = x.flatten()",
            right="rows = x.flatten(1)",
            lesson="torch.flatten begins at axis 0 and takes the batch with it; the module "
            "nn.Flatten begins at axis 1.",
            source=("torch.flatten", f"{_DOCS}/generated/torch.flatten.html"),
        ),
    ),
    proofs=(
        Proof(
            "flatten(1) gives each picture a row of its own.",
            "the pictures in order",
            _owners,
            twin=("flat = x.flatten(1)", "flat = x.view(16, -1)"),
        ),
        Proof(
            "Row r of view(-1, 400) begins and ends in the pictures that its places lie in; where "
            "the numbers do not divide, it is refused.",
            "Python's whole quotients of place and picture size",
            _rows,
            twin=("rows = x.view(-1, 400)", "rows = x.view(400, -1).T"),
        ),
    ),
    statements=(
        Statement(
            says="view(-1, 16 * 5 * 5) flattens each picture; the batch comes by itself.",
            where="CNN; A Toy Example of Back Propagation",
            program="import torch\nfit = torch.zeros(25, 16, 5, 5).view(-1, 16 * 5 * 5)\n"
            "cut = torch.zeros(25, 16, 6, 6).view(-1, 16 * 5 * 5)",
            judge=_kept,
            truth="Where a picture has 400 numbers. With others -1 is filled in all the same, and "
            "rows are cut across pictures; flatten(1) cannot do that.",
            twin=("(25, 16, 6, 6).view(-1, 16 * 5 * 5)", "(25, 16, 6, 6).flatten(1)"),
        ),
        Statement(
            says="num_flat_features multiplies the sizes of x.size([1:]).",
            where="CNN",
            program="import torch\nx = torch.zeros(1, 16, 5, 5)\nsize = x.size([1:])\n"
            "count = 1\nfor s in size:\n    count *= s",
            judge=_sized,
            truth="A slice stands in square brackets behind the sizes: x.size()[1:], or "
            "x.shape[1:]. Then the product is 400.",
            twin=("x.size([1:])", "x.size()[1:]"),
        ),
    ),
    ask=Ask(
        text="x has shape (25, 16, 4, 4). What is x.view(-1, 400).shape?",
        program="import torch\ny = torch.zeros(25, 16, 4, 4).view(-1, 400)",
        answer=lambda trace: str(final(trace, "y").shape),
        options=("(25, 256)", "(25, 400)", "(16, 400)", "an error"),
        because="25 · 256 = 6400 numbers make 16 rows of 400, whichever picture they are of.",
    ),
    figure=MIXING,
    references=(
        ("torch.flatten", f"{_DOCS}/generated/torch.flatten.html"),
        ("torch.Tensor.view", f"{_DOCS}/generated/torch.Tensor.view.html"),
    ),
    terms=("flatten", "view", "reshape", "Flatten"),
)
