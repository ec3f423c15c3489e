"""Dropout's p: the share that goes, and what the rest is multiplied by."""

import dataclasses
import math

from explainers.evidence import Kind, Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_DROPOUT = ("torch.nn.Dropout", f"{_DOCS}/generated/torch.nn.Dropout.html")


@dataclasses.dataclass(frozen=True)
class Dropping(Parameters):
    """Say how much is dropped, in which mode, and from which seed."""

    p: float = number(0.2, label="p", help="Of Dropout.", minimum=0.0, maximum=1.0, step=0.1)
    mode: str = choice("train", ("train", "eval"), label="mode", help="Of the layer.")
    seed: int = number(5, label="seed", help="Which cells go.", minimum=0, maximum=9, step=1)


PROGRAM = """
import torch

torch.manual_seed(${seed})
x = torch.ones(4, 8, requires_grad=True)
drop = torch.nn.Dropout(${p})
drop.${mode}()
y = drop(x)
kept = (y != 0).sum()
y.sum().backward()
"""


def _scaled(trace: Trace, settings: Dropping) -> float:
    values = final(trace, "y").values
    if settings.mode == "eval":
        return difference(values, [1.0] * 32)
    if settings.p == 1:
        return difference(values, [0.0] * 32)
    return float(max(min(abs(value), abs(value - 1 / (1 - settings.p))) for value in values))


def _share(trace: Trace, settings: Dropping) -> float:
    (kept,) = final(trace, "kept").values
    p = 0.0 if settings.mode == "eval" else settings.p
    away = abs(float(kept) - 32 * (1 - p)) - 4 * math.sqrt(32 * p * (1 - p))
    return max(0.0, away)


def _mask(trace: Trace, settings: Dropping) -> float:
    grad = final(trace, "x").grad
    return math.inf if grad is None else difference(grad.values, final(trace, "y").values)


def _kept(trace: Trace) -> float:
    values = final(trace, "y").values
    return float(sum(value != 0 for value in values) / len(values))


def _keeps(trace: Trace) -> tuple[Verdict, str]:
    share = _kept(trace)
    return (Verdict.HOLDS if abs(share - 0.8) < 0.1 else Verdict.WRONG), f"{share:.0%} are kept"


def _drops(trace: Trace) -> tuple[Verdict, str]:
    share = 1 - _kept(trace)
    return (Verdict.HOLDS if abs(share - 0.8) < 0.1 else Verdict.WRONG), f"{share:.0%} are dropped"


def _passes(trace: Trace) -> tuple[Verdict, str]:
    trained, tested = (sum(final(trace, name).values) for name in ("trained", "tested"))
    right = trained < 64 and tested == 64
    words = f"of 64 ones, {trained:g} remain in train mode and {tested:g} in eval mode"
    return (Verdict.HOLDS if right else Verdict.WRONG), words


def _positions(trace: Trace) -> tuple[Verdict, str]:
    values = final(trace, "y").values  # four channels of four positions
    gone = [value == 0 for value in values]
    channels = all(len(set(gone[4 * at : 4 * at + 4])) == 1 for at in range(4))
    positions = all(len(set(gone[at::4])) == 1 for at in range(4))
    rows = " ".join(
        "".join("·" if one else "1" for one in gone[at : at + 4]) for at in (0, 4, 8, 12)
    )
    if positions and not channels:
        return Verdict.HOLDS, f"channel by channel: {rows}"
    return Verdict.WRONG, f"channel by channel, · for 0: {rows}"


def _half(trace: Trace) -> tuple[Verdict, str]:
    share = 1 - _kept(trace)
    return (Verdict.HOLDS if abs(share - 0.5) < 0.1 else Verdict.CONDITION), f"{share:.0%} are 0"


_MANY = "import torch\ntorch.manual_seed(0)\ny = torch.nn.Dropout(0.8)(torch.ones(256))"

DROPPING = Lesson(
    slug="dropping",
    title="dropout's p",
    notice="p is what goes: with 0.2, 6 of 32 cells are 0, and the others are 1 / 0.8 = 1.25.",
    program=PROGRAM,
    parameters=Dropping,
    presets=(
        Preset("A fifth", "On average the sum stays what it was.", Dropping()),
        Preset("Nearly all", "p = 0.9: one cell is left of 32, and it is 10.", Dropping(0.9)),
        Preset("eval", "Nothing is dropped and nothing scaled: y is x.", Dropping(mode="eval")),
        Preset("All", "p = 1 leaves zeros, and no division by 0.", Dropping(1.0)),
    ),
    opens="y.sum().backward()",
    notes={
        "y = drop(x)": "Scaled in training already, so that eval has nothing to do.",
        "y.sum().backward()": "Gradients pass where values passed, by the same factor.",
    },
    slips=(
        Slip(
            title="p taken for the share that is kept",
            program="import torch\n\ntorch.manual_seed(0)\nx = torch.ones(4, 8)\n"
            "drop = torch.nn.Dropout(0.2)\ny = drop(x)",
            wrong="drop = torch.nn.Dropout(0.8)",
            right="drop = torch.nn.Dropout(0.2)",
            lesson="To keep 80 %, p is 0.2. The older TensorFlow's keep_prob is 1 - p.",
            source=("pytorch-i3d#58", "https://github.com/piergiaj/pytorch-i3d/issues/58"),
        ),
        Slip(
            title="a Dropout made in forward",
            program="import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n"
            "    def __init__(self):\n        super().__init__()\n"
            "        self.drop = nn.Dropout(0.5)\n\n    def forward(self, x):\n"
            "        return self.drop(x)\n\ntorch.manual_seed(0)\nnet = Net()\nnet.eval()\n"
            "y = net(torch.ones(2, 4))",
            wrong="return nn.Dropout(0.5)(x)",
            right="return self.drop(x)",
            lesson="A new module is in training mode, and eval() never saw it. Make it in "
            "`__init__`.",
            source=("NTS-Net#14", "https://github.com/yangze0930/NTS-Net/issues/14"),
            opens="y = net(",
        ),
    ),
    proofs=(
        Proof(
            "In training each cell is 0 or 1 / (1 - p); in eval it is as it was.",
            "the closed form",
            _scaled,
            twin=("y = drop(x)", "y = drop(x) * (1 - ${p})"),
            tolerance=1e-5,
        ),
        Proof(
            "32 (1 - p) cells are kept, within four standard deviations.",
            "the binomial distribution",
            _share,
            twin=("Dropout(${p})", "Dropout(1 - ${p})"),
        ),
        Proof(
            "The gradient of a sum is the mask that made y.",
            "y itself, as x is all ones",
            _mask,
            twin=("y.sum().backward()", "drop(x).sum().backward()"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="In train mode, dropout keeps a unit with probability p.",
            where="torch.no_grad() and model.eval()",
            program=_MANY,
            judge=_keeps,
            truth="It drops a unit with probability p. The notes say both; 0.8 was p here.",
            twin=("Dropout(0.8)", "Dropout(0.2)"),
        ),
        Statement(
            says="nn.Dropout sets each element to 0 with probability p.",
            where="dropout",
            program=_MANY,
            judge=_drops,
            truth="And multiplies the others by 1 / (1 - p).",
            twin=("Dropout(0.8)", "Dropout(0.2)"),
        ),
        Statement(
            says="Under model.train() dropout sets to 0, under model.eval() it does not.",
            where="dropout",
            program="import torch\ntorch.manual_seed(0)\ndrop = torch.nn.Dropout(1.)\n"
            "trained = drop(torch.ones(64))\ndrop.eval()\ntested = drop(torch.ones(64))",
            judge=_passes,
            truth="In eval every unit passes, as it is.",
            twin=("drop.eval()", "drop.train()"),
        ),
        Statement(
            says="nn.Dropout2d sets all channels at one position to 0.",
            where="dropout",
            program="import torch\ntorch.manual_seed(0)\nx = torch.ones(1, 4, 2, 2)\n"
            "y = torch.nn.Dropout2d(0.5)(x)",
            judge=_positions,
            truth="It sets a whole channel to 0, at all positions.",
            twin=(
                "y = torch.nn.Dropout2d(0.5)(x)",
                "x = x.reshape(1, 4, 4).transpose(1, 2)[..., None]\n"
                "y = torch.nn.Dropout2d(0.5)(x).transpose(1, 2).contiguous()",
            ),
        ),
        Statement(
            says="In each training batch, dropout ignores half of the feature detectors.",
            where="model.eval()",
            program=_MANY.replace("0.8", "0.2"),
            judge=_half,
            truth="At p = 0.5, which is the default; the share is p.",
            twin=("Dropout(0.2)", "Dropout()"),
        ),
    ),
    ask=Ask(
        text="Dropout(0.75) in training, on ones. What is a cell that is kept?",
        program="import torch\ntorch.manual_seed(0)\ny = torch.nn.Dropout(0.75)(torch.ones(64))\n"
        "kept = y.max().item()",
        answer=lambda trace: str(final(trace, "kept").text),
        options=("0.75", "1.0", "1.3333", "4.0"),
        because="A quarter is kept, so each counts four times: the mean stays 1.",
    ),
    references=(_DROPOUT, ("torch.nn.Dropout2d", f"{_DOCS}/generated/torch.nn.Dropout2d.html")),
    terms=("nn.Dropout", "keep_prob", "Dropout2d", "inverted dropout"),
)
