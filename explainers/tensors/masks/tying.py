"""Equal maxima and NaN: who gets the gradient, and who wins."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Kind
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, final
from explainers.program.references import difference
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_REDUCTIONS = {
    "max()": "x.max()",
    "max(0)": "x.max(0).values",
    "amax(0)": "x.amax(0)",
    "median()": "x.median()",
}


@dataclasses.dataclass(frozen=True)
class Tying(Parameters):
    """Say which reduction it is, and what the last cell holds."""

    reduction: str = choice(
        "max()", tuple(_REDUCTIONS), label="y = …", help="Some share the gradient, one does not."
    )
    last: str = choice(
        "5.",
        ("5.", "4.", "7.", "float('nan')"),
        label="last",
        help="Of x: equal to the one before, less, more, or NaN.",
    )


PROGRAM = """
import torch

x = torch.tensor([1., 5., ${last}], requires_grad=True)
y = ${reduction}
y.backward()
at = x.argmax()
x.grad.sum()
"""


def _x(settings: Tying) -> NDArray[np.float64]:
    last = np.nan if "nan" in settings.last else float(settings.last)
    return np.array([1.0, 5.0, last])


def _value(settings: Tying) -> float:
    x = _x(settings)
    return float(np.median(x) if settings.reduction == "median()" else np.max(x))


def _values(trace: Trace, settings: Tying) -> float:
    return max(
        difference(final(trace, "y").values, (_value(settings),)),
        difference(final(trace, "at").values, (int(np.argmax(_x(settings))),)),
    )


def _shared(trace: Trace, settings: Tying) -> float:
    x, y = _x(settings), _value(settings)
    wins = np.isnan(x) if np.isnan(y) else x == y
    if settings.reduction == "amax(0)" and np.isnan(y):
        expected = np.full(3, np.nan)  # no cell equals NaN: 0 / 0
    elif settings.reduction == "max(0)":
        expected = np.zeros(3)
        expected[np.argmax(wins)] = 1
    else:
        expected = wins / wins.sum()
    grad = final(trace, "x").grad
    return difference(grad.values if grad is not None else None, expected.tolist())


def _sums(trace: Trace, settings: Tying) -> float:
    grad = final(trace, "x").grad
    lost = settings.reduction == "amax(0)" and "nan" in settings.last
    return difference(None if grad is None else (sum(grad.values),), (np.nan if lost else 1,))


TYING = Lesson(
    slug="tie",
    title="ties and NaN",
    notice="Two cells hold the maximum, and max() gives half of the gradient to each.",
    program=PROGRAM,
    parameters=Tying,
    spelled={"reduction": _REDUCTIONS},
    presets=(
        Preset("max()", "Equal cells share the gradient.", Tying()),
        Preset(
            "max(0)",
            "With dim there is an index, and the cell that it names takes all.",
            Tying(reduction="max(0)"),
        ),
        Preset("amax(0)", "amax takes a dim and shares.", Tying(reduction="amax(0)")),
        Preset(
            "NaN",
            "NaN counts as the largest: it is the maximum, and argmax names it.",
            Tying(last="float('nan')"),
        ),
        Preset(
            "NaN and amax",
            "amax looks for cells equal to NaN and finds none: the whole gradient is NaN.",
            Tying(reduction="amax(0)", last="float('nan')"),
        ),
    ),
    opens="at = x.argmax()",
    notes={
        "y = ": "One number out of three.",
        "y.backward()": "The gradient goes to the cells that hold y.",
        "at = x.argmax()": "The first of equal cells.",
        "x.grad.sum()": "However it is shared, it sums to 1; amax of a NaN gives NaN.",
    },
    slips=(
        Slip(
            title="a NaN wins the argmax",
            program="import torch\n\nscore = torch.tensor([0.2, float('nan'), 0.7])\n"
            "best = score.nan_to_num(-1.).argmax()",
            wrong="best = score.argmax()",
            right="best = score.nan_to_num(-1.).argmax()",
            lesson="max and argmax hand NaN on, as NumPy's do; give it a value that loses, or mend "
            "what made it.",
            source=("pytorch#130295", "https://github.com/pytorch/pytorch/issues/130295"),
        ),
        Slip(
            title="one of equal cells takes all",
            program="import torch\n\nx = torch.tensor([5., 5.], requires_grad=True)\n"
            "x.amax(0).backward()",
            wrong="x.max(0).values.backward()",
            right="x.amax(0).backward()",
            lesson="max(dim) moves one of the equal cells, amax all of them.",
            source=("pytorch#56734", "https://github.com/pytorch/pytorch/issues/56734"),
        ),
        Slip(
            title="looking for NaN with ==",
            program="import torch\n\nx = torch.tensor([1., float('nan')])\nmask = x.isnan()",
            wrong="mask = x == float('nan')",
            right="mask = x.isnan()",
            lesson="NaN equals nothing, itself included.",
            source=("pytorch#5273", "https://github.com/pytorch/pytorch/pull/5273"),
        ),
    ),
    proofs=(
        Proof(
            "Value and argmax are NumPy's, for NaN too.",
            "numpy.max, numpy.median, numpy.argmax",
            _values,
            twin=("at = x.argmax()", "at = x.flip(0).argmax()"),
        ),
        Proof(
            "Equal cells share the gradient; of max(dim) the first takes it; amax loses NaN's.",
            "a count of the cells that win, in numpy",
            _shared,
            twin=("y = ${reduction}", "y = x.sort().values[-1]"),
        ),
        Proof(
            "The gradient sums to 1, but for amax of a NaN.",
            "the sum of x.grad",
            _sums,
            twin=("y = ${reduction}", "y = x.sum()"),
            kind=Kind.INVARIANT,
        ),
    ),
    ask=Ask(
        text="x = tensor([1., 5., 5.]); x.max(0).values.backward(). What is x.grad?",
        program="import torch\nx = torch.tensor([1., 5., 5.], requires_grad=True)\n"
        "x.max(0).values.backward()",
        answer=lambda trace: str(list(final(trace, "x").grad.values)),
        options=("[0.0, 0.5, 0.5]", "[0.0, 1.0, 0.0]", "[0.0, 0.0, 1.0]", "[0.0, 1.0, 1.0]"),
        because="max with dim names one index, the first, and the gradient goes there.",
    ),
    references=(
        ("torch.amax", f"{_DOCS}/generated/torch.amax.html"),
        ("torch.max", f"{_DOCS}/generated/torch.max.html"),
    ),
)
