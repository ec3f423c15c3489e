"""Two names for one tensor, and which statements write into it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import apart
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_NAMES = "abcd"


@dataclasses.dataclass(frozen=True)
class Aliases(Parameters):
    """Say how long a is, and which statement follows."""

    n: int = number(4, label="n", help="Cells of a.", minimum=2, maximum=8, step=1)
    write: str = choice(
        "b += 1",
        ("b += 1", "b.add_(1)", "b[:] = b + 1", "b = b + 1", "a = a + 1", "c *= 10", "d += 1"),
        label="write",
        help="Some write into memory that others read; some bind a name to a new tensor.",
    )


PROGRAM = """
import torch

a = torch.arange(${n}.)
b = a
c = a[1:]
d = a.clone()
${write}
a is b, a._version
"""


def _numpy(settings: Aliases) -> dict[str, NDArray[np.float32]]:
    a = np.arange(settings.n, dtype=np.float32)
    b, c, d = a, a[1:], a.copy()
    match settings.write:
        case "b = b + 1":
            b = b + 1
        case "a = a + 1":
            a = a + 1
        case "c *= 10":
            c *= 10
        case "d += 1":
            d += 1
        case _:
            b += 1
    return {"a": a, "b": b, "c": c, "d": d}


def _values(trace: Trace, settings: Aliases) -> float:
    arrays = _numpy(settings)
    return max(apart(final(trace, name), arrays[name]) for name in _NAMES)


def _memory(trace: Trace, settings: Aliases) -> float:
    arrays = _numpy(settings)
    return float(
        sum(
            (final(trace, one).storage == final(trace, other).storage)
            != np.shares_memory(arrays[one], arrays[other])
            for one in _NAMES
            for other in _NAMES
        )
    )


def _versions(trace: Trace, settings: Aliases) -> float:
    # One statement writes: into the memory of a, into d's, or into a new tensor's (its version
    # stays 0, as its values came with it).
    first = 1 if settings.write in {"b += 1", "b.add_(1)", "b[:] = b + 1", "c *= 10"} else 0
    expected = {"c": first, "d": 1 if settings.write == "d += 1" else 0}
    return float(sum(final(trace, name).version != count for name, count in expected.items()))


def _underscore(trace: Trace) -> tuple[Verdict, str]:
    x, y = final(trace, "x"), final(trace, "y")
    said = f"x is {x.values}, shape {x.shape}, version {x.version}"
    in_place = x.shape == (3,) and x.values == (1, 1, 1) and x.storage == y.storage
    return Verdict.HOLDS if in_place else Verdict.WRONG, said


def _every(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.HOLDS, f"x is {final(trace, 'x').values}"
    return Verdict.CONDITION, f"add_(0.5) of int64: {trace.failure.message}"


ALIASES = Lesson(
    slug="alias",
    title="two names, one tensor",
    notice="b += 1 changed a, b and c, which read one memory; d has its own.",
    program=PROGRAM,
    parameters=Aliases,
    presets=(
        Preset("+=", "It writes into the memory that a, b and c read.", Aliases()),
        Preset(
            "= … +",
            "A new tensor was made and b names it; a and c are as they were.",
            Aliases(write="b = b + 1"),
        ),
        Preset(
            "Through a slice", "c is a window: a and b see the write.", Aliases(write="c *= 10")
        ),
        Preset(
            "The other name",
            "a names a new tensor; the old one is still there, as b.",
            Aliases(write="a = a + 1"),
        ),
    ),
    opens="a is b",
    notes={
        "b = a": "No copy, no view: a second name for the same tensor.",
        "c = a[1:]": "Another tensor on the same memory.",
        "d = a.clone()": "A copy.",
        "a is b": "The version counts the writes in place into a's memory.",
    },
    slips=(
        Slip(
            title="a copy made by =",
            program="import torch\n\na = torch.arange(3.)\nbefore = a.clone()\na += 1",
            wrong="before = a",
            right="before = a.clone()",
            lesson="= gives a tensor a second name; clone copies it.",
            source=("earth2studio#1133", "https://github.com/NVIDIA/earth2studio/issues/1133"),
        ),
        Slip(
            title="the best weights, kept by reference",
            program="import copy\nimport torch\n\nnet = torch.nn.LayerNorm(2)\n"
            "best = copy.deepcopy(net.state_dict())\nwith torch.no_grad():\n"
            "    net.weight.add_(1)\nkept = best['weight']",
            wrong="best = net.state_dict()",
            right="best = copy.deepcopy(net.state_dict())",
            lesson="state_dict holds the parameters' own memory: training goes on inside it.",
            source=(
                "torch tutorials: saving and loading models",
                "https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",
            ),
        ),
        Slip(
            title="a function that edits its argument",
            program="import torch\n\n\ndef centred(x):\n    x = x - x.mean()\n    return x\n\n\n"
            "data = torch.tensor([1., 2., 3.])\nresult = centred(data)",
            wrong="x -= x.mean()",
            right="x = x - x.mean()",
            lesson="Inside, x is another name for the caller's tensor: -= writes into it.",
            source=("vision#517", "https://github.com/pytorch/vision/issues/517"),
        ),
    ),
    proofs=(
        Proof(
            "After the statement, every tensor holds what NumPy's array does.",
            "numpy, written the same way",
            _values,
            twin=("b = a\nc = a[1:]", "b = a.clone()\nc = a[1:]"),
        ),
        Proof(
            "Two tensors lie in one storage exactly if NumPy's arrays share memory.",
            "numpy.shares_memory, each pair",
            _memory,
            twin=("d = a.clone()", "d = a.detach()"),
        ),
        Proof(
            "The version of c counts the write into the memory it reads, that of d its own.",
            "one write in place, counted by hand",
            _versions,
            twin=("c = a[1:]", "c = a[1:].clone()"),
        ),
    ),
    statements=(
        Statement(
            says="In place means to assign the new value at the variable's own address, to save "
            "memory: x.squeeze_() changes x.",
            where="In-place operations",
            program="import torch\nx = torch.zeros(1, 3)\ny = x\nx.squeeze_()\nx.add_(1)",
            judge=_underscore,
            truth="It does, and every other name sees it; += is in place as well, without an "
            "underscore.",
            twin=("x.add_(1)", "x = x.add(1)"),
        ),
        Statement(
            says="Every method that ends with an underscore modifies the variable in place.",
            where="Packages, transforms",
            program="import torch\nx = torch.tensor([1, 2])\nx.add_(0.5)",
            judge=_every,
            truth="If the result fits: in place the dtype stays, so an integer tensor refuses a "
            "fraction.",
            twin=("x.add_(0.5)", "x.add_(1)"),
        ),
    ),
    ask=Ask(
        text="a = torch.zeros(2); b = a; b += 1; b = b + 1. What does a hold?",
        program="import torch\na = torch.zeros(2)\nb = a\nb += 1\nb = b + 1",
        answer=lambda trace: f"{final(trace, 'a').values[0]:g}",
        options=("0", "1", "2"),
        because="+= wrote into a's memory; after b = b + 1, b names another tensor.",
    ),
    references=(
        ("torch.Tensor.clone", f"{_DOCS}/generated/torch.clone.html"),
        (
            "torch: in-place operations with autograd",
            f"{_DOCS}/notes/autograd.html#in-place-operations-with-autograd",
        ),
    ),
)
