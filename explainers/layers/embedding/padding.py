"""padding_idx keeps a row at zero, and hides nothing from attention: that takes a mask."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind, Verdict
from explainers.layers.embedding.attention import ATTENTION
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Padding(Parameters):
    """Say how many words and pads there are, and which table is drawn."""

    words: int = number(3, label="words", help="Of ids.", minimum=1, maximum=4, step=1)
    pads: int = number(2, label="pads", help="At the end of ids.", minimum=0, maximum=4, step=1)
    seed: int = number(0, label="seed", help="Of the table.", minimum=0, maximum=9, step=1)


PROGRAM = """
import torch

torch.manual_seed(${seed})
embed = torch.nn.Embedding(6, 4, padding_idx=0)
ids = torch.tensor([4, 1, 5, 2][:${words}] + [0] * ${pads})
x = embed(ids).detach()
w = torch.randn(4, 4)
scores = x @ w @ x.T / 2
free = scores.softmax(1)
pad = ids == 0
masked = scores.masked_fill(pad, -torch.inf).softmax(1)
"""


def _scores(trace: Trace) -> NDArray[np.float64]:
    """Return the scores of the run's own vectors, in float64."""
    x = np.array(final(trace, "x").values).reshape(-1, 4)
    w = np.array(final(trace, "w").values).reshape(4, 4)
    return np.asarray(x @ w @ x.T / 2)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _free(trace: Trace, settings: Padding) -> float:
    expected = _softmax(_scores(trace))
    return difference(final(trace, "free").values, expected.reshape(-1).tolist())


def _masked(trace: Trace, settings: Padding) -> float:
    expected = np.zeros((settings.words + settings.pads,) * 2)
    expected[:, : settings.words] = _softmax(_scores(trace)[:, : settings.words])
    return difference(final(trace, "masked").values, expected.reshape(-1).tolist())


def _scored_zero(trace: Trace, settings: Padding) -> float:
    count = settings.words + settings.pads
    scores = np.array(final(trace, "scores").values).reshape(count, count)
    return float(np.abs(scores[:, settings.words :]).max(initial=0.0))


def _hidden(trace: Trace) -> tuple[Verdict, str]:
    share = sum(final(trace, "weights").values[2:4])
    said = f"the first word gives the two pads {share:.3f} of its attention"
    return Verdict.WRONG if share else Verdict.HOLDS, said


def _a_word_like_others(trace: Trace) -> tuple[Verdict, str]:
    weight = final(trace, "embed").parameters["weight"]
    zero = not any(weight.values[:2])
    row = [round(value, 3) for value in weight.values[:2]]
    said = f"row 0 is {row}, its gradient {list(weight.grad.values[:2])}"
    return Verdict.HOLDS if zero and not any(weight.grad.values[:2]) else Verdict.CONDITION, said


PADDING = Lesson(
    slug="padding",
    title="padding_idx is no mask",
    notice="A pad's row is zeros, so it scores 0; e⁰ is 1, and words give it attention.",
    program=PROGRAM,
    parameters=Padding,
    presets=(
        Preset(
            "Two pads",
            "A pad's row is zeros, so it scores 0; e⁰ is 1, and words give it attention.",
            Padding(),
        ),
        Preset(
            "Mostly pads",
            "The more pads, the less is left for the word; with the mask it keeps all of it.",
            Padding(words=1, pads=4),
        ),
        Preset("No pads", "Without pads the mask changes nothing.", Padding(pads=0)),
    ),
    opens="masked = ",
    shows=("embed", "ids", "x", "scores", "free", "masked"),
    notes={
        "x = embed(ids)": "The pads' rows are zeros, because of padding_idx.",
        "w = torch.randn": "Stands for attention's projections of who asks and who answers, "
        "untrained.",
        "scores = x": "A row of zeros times anything is 0: that is a score, not an absence.",
        "free = scores": "Each row sums to 1, the pads' share included.",
        "masked = scores": "e to the power of -inf is 0, so nothing is left for a pad.",
    },
    slips=(
        Slip(
            title="padding_idx in place of a mask",
            wrong="masked = scores.softmax(1)",
            right="masked = scores.masked_fill(pad, -torch.inf).softmax(1)",
            lesson="Zeros score 0, and softmax gives a score of 0 its share. Only a mask takes "
            "the pads out.",
            source=("caml-mimic#13", "https://github.com/jamesmullenbach/caml-mimic/issues/13"),
            program=PROGRAM.replace("[0] * ${pads}", "[0, 0]"),
            shows=("ids", "scores", "free", "masked"),
        ),
        Slip(
            title="initialising over the pad's row",
            program="import torch\n\ntorch.manual_seed(0)\n"
            "embed = torch.nn.Embedding(4, 2, padding_idx=0)\n"
            "torch.nn.init.normal_(embed.weight)\n"
            "torch.nn.init.zeros_(embed.weight[0])\nrow = embed(torch.tensor([0]))",
            wrong="",
            right="torch.nn.init.zeros_(embed.weight[0])\n",
            lesson="padding_idx writes zeros once, when the table is made. Whoever fills the table "
            "anew must write them again; no gradient will.",
            source=("pytorch#6411", "https://github.com/pytorch/pytorch/issues/6411"),
        ),
    ),
    proofs=(
        Proof(
            "Without a mask the weights are the softmax over words and pads.",
            "numpy.exp, in float64",
            _free,
            twin=("free = scores.softmax(1)", "free = scores.softmax(0)"),
            tolerance=1e-6,
        ),
        Proof(
            "With the mask they are the softmax over the words alone, and 0 for each pad.",
            "numpy.exp, in float64, of the words alone",
            _masked,
            twin=("masked_fill(pad, -torch.inf)", "masked_fill(pad, 0)"),
            tolerance=1e-6,
        ),
        Proof(
            "Every score of a pad is 0.",
            "0",
            _scored_zero,
            twin=("(6, 4, padding_idx=0)", "(6, 4)"),
            kind=Kind.INVARIANT,
        ),
    ),
    statements=(
        Statement(
            says="With padding_idx the network does not relate the pad to the other symbols.",
            where="nn.Embedding",
            program="import torch\ntorch.manual_seed(0)\n"
            "x = torch.nn.Embedding(6, 4, padding_idx=0)(torch.tensor([4, 1, 0, 0]))\n"
            "scores = x @ torch.randn(4, 4) @ x.T\nweights = scores.softmax(1)",
            judge=_hidden,
            truth="padding_idx makes a row of zeros and keeps its gradient at 0. What attends to "
            "what, it does not touch: that takes a mask.",
            twin=(
                "scores.softmax(1)",
                "scores.masked_fill(torch.tensor([0, 0, 1, 1]) > 0, -torch.inf).softmax(1)",
            ),
        ),
        Statement(
            says="Short sentences are filled with the id 0 and looked up like the others.",
            where="GRU in PyTorch",
            program="import torch\nembed = torch.nn.Embedding(12, 2)\n"
            "embed(torch.tensor([8, 9, 10, 11, 0])).sum().backward()",
            judge=_a_word_like_others,
            truth="Without padding_idx row 0 is random and is trained as a word is; with "
            "padding_idx=0 it is zeros and stays so.",
            twin=("(12, 2)", "(12, 2, padding_idx=0)"),
        ),
    ),
    ask=Ask(
        text="A word's vector is zeros, and so are its two pads'. How much of its attention do "
        "the pads get, without a mask?",
        program="import torch\nx = torch.zeros(3, 4)\nw = (x @ x.T).softmax(1)[0, 1:].sum()",
        answer=lambda trace: f"{final(trace, 'w').values[0]:.3g}",
        options=("0", "0.333", "0.5", "0.667"),
        because="All three score 0, so each gets a third.",
    ),
    figure=ATTENTION,
    references=(
        ("torch.nn.Embedding", f"{_DOCS}/generated/torch.nn.Embedding.html"),
        ("torch.softmax", f"{_DOCS}/generated/torch.nn.functional.softmax.html"),
    ),
    terms=("padding_idx", "masked_fill", "key_padding_mask", "softmax"),
)
