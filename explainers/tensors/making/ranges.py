"""arange, linspace, logspace: where they end, and how many numbers there are."""

import dataclasses
import math

import numpy as np

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import difference
from explainers.program.states import Trace
from explainers.tensors.making.rulers import RULERS

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class Ranges(Parameters):
    """Say where the rows begin and end, how far arange steps and how many the others have."""

    start: float = number(1.0, label="start", help="First.", minimum=0.0, maximum=1.0, step=0.1)
    end: float = number(1.3, label="end", help="Last, or next.", minimum=1.1, maximum=2.0, step=0.1)
    step: float = number(0.1, label="step", help="Of arange.", minimum=0.05, maximum=0.5, step=0.05)
    steps: int = number(4, label="steps", help="Of the others.", minimum=2, maximum=12, step=1)


PROGRAM = """
import torch

a = torch.arange(${start}, ${end}, ${step})
b = torch.linspace(${start}, ${end}, ${steps})
c = torch.logspace(${start}, ${end}, ${steps})
len(a), a[-1].item(), b[-1].item()
whole = torch.arange(len(a)) * ${step} + ${start}
"""


def _arange(trace: Trace, settings: Ranges) -> float:
    count = math.ceil((settings.end - settings.start) / settings.step)
    found = final(trace, "a").values
    expected = [settings.start + settings.step * index for index in range(count)]
    return max(difference(found, expected), difference(final(trace, "whole").values, expected))


def _linspace(trace: Trace, settings: Ranges) -> float:
    return difference(
        final(trace, "b").values, np.linspace(settings.start, settings.end, settings.steps).tolist()
    )


def _ends(trace: Trace, settings: Ranges) -> float:
    values = final(trace, "b").values
    both = np.array([settings.start, settings.end], np.float32).tolist()
    return difference((values[0], values[-1]), both)


def _logspace(trace: Trace, settings: Ranges) -> float:
    reference = np.logspace(settings.start, settings.end, settings.steps)
    found = np.array(final(trace, "c").values)
    if found.shape != reference.shape:
        return math.inf
    return float(np.abs(found / reference - 1).max())


def _from_start_to_end(trace: Trace) -> tuple[Verdict, str]:
    whole, part = final(trace, "whole").values, final(trace, "part").values
    said = f"arange(1, 10, 3) is {whole}; arange(1, 1.3, 0.1) has {len(part)} numbers, "
    said += f"the last {part[-1]:.4g}"
    return Verdict.HOLDS if whole[-1] == 10 else Verdict.CONDITION, said


def _default_steps(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is not None:
        return Verdict.OBSOLETE, f"linspace(0, 1) raises {trace.failure.kind}"
    count = len(final(trace, "x").values)
    return Verdict.HOLDS if count == 100 else Verdict.WRONG, f"{count} numbers"


def _powers(trace: Trace) -> tuple[Verdict, str]:
    values = final(trace, "x").values
    right = difference(values, (1.0, 10.0, 100.0)) == 0
    return Verdict.HOLDS if right else Verdict.WRONG, f"{tuple(round(x, 4) for x in values)}"


RANGES = Lesson(
    slug="range",
    title="arange, linspace, logspace",
    notice="arange has four numbers, and the last is the end that it should leave out.",
    program=PROGRAM,
    parameters=Ranges,
    presets=(
        Preset(
            "End let in",
            "(1.3 - 1) / 0.1 is a hair over 3 in floating point, so there is a fourth number.",
            Ranges(),
        ),
        Preset(
            "End left out",
            "From 1 to 1.5 in steps of 0.1 there are five, and 1.5 is not among them.",
            Ranges(end=1.5),
        ),
        Preset(
            "Binary steps",
            "0.25 is exact in binary: the end stays out.",
            Ranges(start=0.0, end=2.0, step=0.25, steps=9),
        ),
    ),
    opens="c = torch.logspace",
    notes={
        "a = torch.arange(": "Its length is (end - start) / step, rounded up, in floating point.",
        "b = torch.linspace": "It takes their number, and holds both ends.",
        "c = torch.logspace": "start and end are exponents of 10.",
        "whole = torch.arange": "A range of whole numbers, scaled: as many as you ask for.",
    },
    slips=(
        Slip(
            title="arange with a fractional step",
            program="import torch\n\nx = torch.linspace(0, 1, 50)[:-1]\ncount = len(x)",
            wrong="x = torch.arange(0, 1, 1 / 49)",
            right="x = torch.linspace(0, 1, 50)[:-1]",
            lesson="Whether the end is let in hangs on the last bit of a quotient; linspace takes "
            "the number of points.",
            source=("pytorch#99853", "https://github.com/pytorch/pytorch/issues/99853"),
        ),
        Slip(
            title="a step for linspace",
            program="import torch\n\nx = torch.linspace(0, 1, 11)",
            wrong="x = torch.linspace(0, 1, 0.1)",
            right="x = torch.linspace(0, 1, 11)",
            lesson="The third argument is how many numbers there are, both ends counted.",
            source=("torch.linspace", f"{_DOCS}/generated/torch.linspace.html"),
        ),
        Slip(
            title="values for logspace",
            program="import torch\n\nlr = torch.logspace(-4, -1, 4)",
            wrong="lr = torch.logspace(1e-4, 1e-1, 4)",
            right="lr = torch.logspace(-4, -1, 4)",
            lesson="logspace takes exponents: from 1e-4 to 0.1 it goes from 1.0002 to 1.26.",
            source=("torch.logspace", f"{_DOCS}/generated/torch.logspace.html"),
        ),
    ),
    proofs=(
        Proof(
            "arange has (end - start) / step numbers, rounded up, each start + step · index.",
            "Python's floats and math.ceil",
            _arange,
            twin=(
                "a = torch.arange(${start}, ${end}, ",
                "a = torch.arange(${start}, ${end} - 0.01, ",
            ),
            tolerance=1e-6,
        ),
        Proof(
            "linspace is NumPy's.",
            "numpy.linspace, float64",
            _linspace,
            twin=("b = torch.linspace(", "b = torch.logspace("),
            tolerance=1e-6,
        ),
        Proof(
            "linspace holds both ends exactly.",
            "start and end, rounded to float32",
            _ends,
            twin=("torch.linspace(${start}, ${end}, ${steps})", "a[: ${steps} - 1]"),
        ),
        Proof(
            "logspace is NumPy's, up to a part in 100,000.",
            "numpy.logspace, float64",
            _logspace,
            twin=("c = torch.logspace(", "c = torch.linspace("),
            tolerance=1e-5,
        ),
    ),
    statements=(
        Statement(
            says="torch.arange(start, end, step) goes from start to end.",
            where="Creating tensors",
            program="import torch\nwhole = torch.arange(1, 10, 3)\n"
            "part = torch.arange(1, 1.3, 0.1)",
            judge=_from_start_to_end,
            truth="The end is left out; with a fractional step rounding can let it in.",
            twin=("torch.arange(1, 10, 3)", "torch.arange(1, 11, 3)"),
        ),
        Statement(
            says="linspace and logspace take 100 steps by default.",
            where="Creating tensors",
            program="import torch\nx = torch.linspace(0, 1)",
            judge=_default_steps,
            truth="steps has no default any more.",
            twin=("torch.linspace(0, 1)", "torch.linspace(0, 1, 100)"),
        ),
        Statement(
            says="logspace gives steps numbers from 10^start to 10^end, evenly spaced in the "
            "logarithm.",
            where="Creating tensors",
            program="import torch\nx = torch.logspace(0, 2, 3)",
            judge=_powers,
            truth="It does; base= takes another base.",
            twin=("torch.logspace(0, 2, 3)", "torch.logspace(0, 2, 3, base=2)"),
        ),
    ),
    figure=RULERS,
    ask=Ask(
        text="How many numbers does torch.arange(0.6, 0.9, 0.1) hold?",
        program="import torch\nx = torch.arange(0.6, 0.9, 0.1)\ncount = len(x)",
        answer=lambda trace: final(trace, "count").text,
        options=("2", "3", "4", "9"),
        because="(0.9 - 0.6) / 0.1 comes out a hair over 3, and is rounded up.",
    ),
    references=(
        ("torch.arange", f"{_DOCS}/generated/torch.arange.html"),
        ("numpy.arange", "https://numpy.org/doc/stable/reference/generated/numpy.arange.html"),
    ),
)
