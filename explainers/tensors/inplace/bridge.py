"""The wire between NumPy and torch: what keeps it, and what cuts it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import apart
from explainers.program.states import Trace

_DOCS = "https://docs.pytorch.org/docs/stable"
_WAYS = {
    "from_numpy": "torch.from_numpy(n)",
    "as_tensor": "torch.as_tensor(n)",
    "tensor": "torch.tensor(n)",
    "float": "torch.from_numpy(n).float()",
    "double": "torch.from_numpy(n).double()",
    "slice": "torch.from_numpy(n)[1:]",
}


@dataclasses.dataclass(frozen=True)
class Bridge(Parameters):
    """Say how the tensor is made of the array, and what is written afterwards."""

    way: str = choice("from_numpy", tuple(_WAYS), label="t = …", help="Some share, some copy.")
    write: str = choice(
        "n[1] = 77",
        ("n[1] = 77", "n += 1", "n = n + 1", "t.add_(1)"),
        label="write",
        help="In place, or by binding a name to something new.",
    )


PROGRAM = """
import numpy as np
import torch

n = np.arange(4.)
t = ${way}
${write}
back = t.numpy()
n.dtype, t.dtype
"""


def _numpy(settings: Bridge) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    n = np.arange(4.0)
    views: dict[str, NDArray[np.floating]] = {
        "tensor": n.copy(),
        "float": n.astype(np.float32),
        "slice": n[1:],
    }
    t = views.get(settings.way, n.view())
    match settings.write:
        case "n[1] = 77":
            n[1] = 77
        case "n += 1":
            n += 1
        case "n = n + 1":
            n = n + 1
        case _:
            t += 1
    return n, t


def _values(trace: Trace, settings: Bridge) -> float:
    n, t = _numpy(settings)
    return max(apart(final(trace, "n"), n), apart(final(trace, "t"), t))


def _shares(trace: Trace, settings: Bridge) -> float:
    n, t = _numpy(settings)
    shared = final(trace, "n").storage == final(trace, "t").storage
    return float(shared != np.shares_memory(n, t))


def _back(trace: Trace, settings: Bridge) -> float:
    back = final(trace, "back")
    if back.storage != final(trace, "t").storage:
        return float("inf")
    return apart(back, _numpy(settings)[1])


def _changes(trace: Trace) -> tuple[Verdict, str]:
    a, b, c = (final(trace, name).values for name in "abc")
    said = f"the tensor {a[0]:g}, its numpy() {b[0]:g}, its float() copy {c[0]:g}"
    if a[0] != b[0]:
        return Verdict.WRONG, said
    return Verdict.HOLDS if c[0] == a[0] else Verdict.CONDITION, said


def _cpu_only(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.WRONG, "numpy() gave an array"
    return Verdict.HOLDS, f"{trace.failure.kind}: {trace.failure.message[:80]}"


BRIDGE = Lesson(
    slug="numpy",
    title="the NumPy bridge",
    notice="n and t read one memory: 77 written into the array stands in the tensor.",
    program=PROGRAM,
    parameters=Bridge,
    spelled={"way": _WAYS},
    presets=(
        Preset("Shared", "from_numpy copies nothing, and keeps float64.", Bridge()),
        Preset("Copied", "torch.tensor copies whatever it is given.", Bridge(way="tensor")),
        Preset(
            "Rebound",
            "n names a new array now; t still reads the old one, which no name holds.",
            Bridge(write="n = n + 1"),
        ),
        Preset(
            "float()",
            "float32 needs other bytes, so float() copied; double() would not have.",
            Bridge(way="float"),
        ),
    ),
    opens="back = t.numpy()",
    notes={
        "t = ": "The same memory, unless the call copies or the dtype must change.",
        "back = t.numpy()": "And back: numpy() shares too, on the CPU.",
    },
    slips=(
        Slip(
            title="an array bound anew",
            program="import numpy as np\nimport torch\n\nn = np.ones(3)\n"
            "t = torch.from_numpy(n)\nn += 1",
            wrong="n = n + 1",
            right="n += 1",
            lesson="n = n + 1 makes another array; t stays wired to the first.",
            source=(
                "pytorch-deep-learning#926",
                "https://github.com/mrdbourke/pytorch-deep-learning/issues/926",
            ),
        ),
        Slip(
            title="numpy() of what requires grad",
            program="import torch\n\nx = torch.ones(2, requires_grad=True)\nn = x.detach().numpy()",
            wrong="n = x.numpy()",
            right="n = x.detach().numpy()",
            lesson="NumPy records no graph, so torch wants to hear that you know: detach. The "
            "array shares x's memory, and no write through it is seen by autograd.",
            source=("pytorch#44023", "https://github.com/pytorch/pytorch/issues/44023"),
        ),
        Slip(
            title="negative strides",
            program="import numpy as np\nimport torch\n\nn = np.arange(4)\n"
            "t = torch.from_numpy(n[::-1].copy())",
            wrong="t = torch.from_numpy(n[::-1])",
            right="t = torch.from_numpy(n[::-1].copy())",
            lesson="torch has no negative strides: a flipped array must be copied.",
            source=("pytorch#92680", "https://github.com/pytorch/pytorch/issues/92680"),
        ),
        Slip(
            title="numpy() of bfloat16",
            program="import torch\n\nx = torch.ones(2, dtype=torch.bfloat16)\n"
            "n = x.float().numpy()",
            wrong="n = x.numpy()",
            right="n = x.float().numpy()",
            lesson="NumPy has no bfloat16; float32 holds each of its numbers.",
            source=("pytorch#110285", "https://github.com/pytorch/pytorch/issues/110285"),
        ),
        Slip(
            title="a read-only array",
            program="import numpy as np\nimport torch\n\nn = np.arange(3.)\n"
            "n.flags.writeable = False\nt = torch.from_numpy(n.copy())\nt[0] = 7",
            wrong="t = torch.from_numpy(n)",
            right="t = torch.from_numpy(n.copy())",
            lesson="torch warns, once, and then writes into the array that was to be protected.",
            source=("miles#703", "https://github.com/radixark/miles/pull/703"),
            opens="t[0] = 7",
        ),
    ),
    proofs=(
        Proof(
            "Array and tensor hold what two arrays of NumPy's hold, and have their dtype.",
            "numpy: a view, a slice, or a copy",
            _values,
            twin=("n = np.arange(4.)", "n = np.arange(4)"),
        ),
        Proof(
            "They lie in one memory exactly if NumPy's two arrays do.",
            "numpy.shares_memory",
            _shares,
            twin=("t = ${way}", "t = ${way}.clone()"),
        ),
        Proof(
            "numpy() gives the tensor's own memory.",
            "the storage, and NumPy's values",
            _back,
            twin=("back = t.numpy()", "back = t.numpy().copy()"),
        ),
    ),
    statements=(
        Statement(
            says="Tensor and NumPy array share memory: if one changes, so does the other.",
            where="Tensor and NumPy",
            program="import torch\na = torch.ones(5, dtype=torch.float64)\nb = a.numpy()\n"
            "c = a.float()\na.add_(1)",
            judge=_changes,
            truth="Those of numpy(), from_numpy and as_tensor do, for writes in place; a copy, "
            "another dtype and n = n + 1 cut the wire.",
            twin=("a.float()", "a.double()"),
        ),
        Statement(
            says="NumPy knows the CPU only.",
            where="Tensor and NumPy",
            program='import torch\nx = torch.ones(2, device="meta")\nn = x.numpy()',
            judge=_cpu_only,
            truth="A tensor elsewhere must come to the CPU first. Judged on the meta device, which "
            "every machine has.",
            twin=('device="meta"', 'device="cpu"'),
        ),
    ),
    ask=Ask(
        text="t = torch.from_numpy(n); n = n + 1. Does t change?",
        program="import numpy as np\nimport torch\nn = np.zeros(2)\nt = torch.from_numpy(n)\n"
        "n = n + 1",
        answer=lambda trace: "yes" if any(final(trace, "t").values) else "no",
        options=("yes", "no", "an error"),
        because="n + 1 is a new array, and n is its name now; the old memory, t's, is untouched.",
    ),
    references=(
        ("torch.from_numpy", f"{_DOCS}/generated/torch.from_numpy.html"),
        ("torch.as_tensor", f"{_DOCS}/generated/torch.as_tensor.html"),
    ),
)
