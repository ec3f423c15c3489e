"""LeNet's shapes, from a picture of any size to ten numbers, or to the layer that refuses."""

import dataclasses

from explainers.evidence import Verdict
from explainers.layers.embedding.flow import FLOW, shapes
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, told
from explainers.program.states import TensorState, Trace

_DOCS = "https://docs.pytorch.org/docs/stable"


@dataclasses.dataclass(frozen=True)
class LeNet(Parameters):
    """Say how many pictures of which size come in, and how they are flattened."""

    size: int = number(28, label="size", help="Rows and columns.", minimum=1, maximum=48)
    batch: int = number(25, label="pictures", help="In the batch.", minimum=1, maximum=32)
    flat: str = choice(
        "flatten(1)",
        ("flatten(1)", "view(-1, 400)"),
        label="flattened by",
        help="Before the first Linear.",
    )


PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
torch.set_grad_enabled(False)
x = torch.zeros(${batch}, 1, ${size}, ${size})
x = nn.Conv2d(1, 6, 5)(x).relu()
x = nn.MaxPool2d(2)(x)
x = nn.Conv2d(6, 16, 5)(x).relu()
x = nn.MaxPool2d(2)(x)
x = x.${flat}
x = nn.Linear(400, 120)(x).relu()
x = nn.Linear(120, 84)(x).relu()
x = nn.Linear(84, 10)(x)
"""


def seen(trace: Trace) -> list[tuple[int, ...]]:
    """Return the shape of x after each statement that set it."""
    states = (step.names.get("x") for step in trace.steps)
    found: list[TensorState] = [state for state in states if isinstance(state, TensorState)]
    return [state.shape for state in found]


def _shapes(trace: Trace, settings: LeNet) -> float:
    return float(seen(trace) != shapes(settings))


_NET = """import torch
from torch import nn

net = nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84),
    nn.ReLU(), nn.Linear(84, 10),
)
"""
_FITS = """
def fits(size):
    try:
        return list(net(torch.zeros(1, 1, size, size)).shape) == [1, 10]
    except RuntimeError:
        return False

found = [fits(size) for size in (31, 32, 35, 36)]
"""


def _only(trace: Trace) -> tuple[Verdict, str]:
    found = dict(zip((31, 32, 35, 36), told(trace, "found"), strict=True))
    said = ", ".join(f"{size}: {'runs' if ran else 'refused'}" for size, ran in found.items())
    if not found[32]:
        return Verdict.WRONG, said
    return Verdict.CONDITION if not all(found.values()) else Verdict.HOLDS, said


def _runs(trace: Trace) -> tuple[Verdict, str]:
    if trace.failure is None:
        return Verdict.HOLDS, "it runs"
    return Verdict.WRONG, f"{trace.failure.kind}: {trace.failure.message}"


LENET = Lesson(
    slug="lenet",
    title="LeNet's shapes",
    notice="28 by 28 comes to 16 · 4 · 4 = 256 numbers a picture, and fc1 was built for 400.",
    program=PROGRAM,
    parameters=LeNet,
    presets=(
        Preset("28 by 28", "A picture comes to 256 numbers; fc1 was built for 400.", LeNet()),
        Preset(
            "32 by 32",
            "32 by 32 comes to 16 · 5 · 5 = 400 numbers a picture: the size LeNet was made for.",
            LeNet(size=32),
        ),
        Preset(
            "28 by 28, view",
            "25 pictures went in, 16 rows come out, and no layer said a word.",
            LeNet(flat="view(-1, 400)"),
        ),
        Preset(
            "Too small",
            "After the first pool 4 by 4 pixels are left, and the second kernel needs 5 by 5.",
            LeNet(size=12),
        ),
    ),
    notes={
        "torch.set_grad_enabled": "The shapes are all that is asked here.",
        "x = nn.Conv2d(1, 6, 5)": "A kernel of 5 takes 4 off each side.",
        "x = nn.MaxPool2d(2)": "Half of each side; an odd row is dropped.",
        "x = nn.Linear(400, 120)": "The first layer that must know how large the picture is.",
        "x = nn.Linear(84, 10)": "One row of ten for each row that came in.",
    },
    slips=(
        Slip(
            title="mat1 and mat2 shapes cannot be multiplied (25x256 and 400x120)",
            program=PROGRAM.replace("${batch}, 1, ${size}, ${size}", "25, 1, 28, 28")
            .replace("${flat}", "flatten(1)")
            .replace("nn.Conv2d(1, 6, 5)", "nn.Conv2d(1, 6, 5, padding=2)"),
            wrong="x = nn.Conv2d(1, 6, 5)(x).relu()",
            right="x = nn.Conv2d(1, 6, 5, padding=2)(x).relu()",
            lesson="A picture of 28 comes to 256 numbers. Pad it to 32 in the first layer, or "
            "build the first Linear for 256.",
            source=(
                "openvino-lenet-sample#1",
                "https://github.com/MaitreChen/openvino-lenet-sample/issues/1",
            ),
        ),
        Slip(
            title="one picture without a batch",
            program="import torch\nfrom torch import nn\n\nx = torch.zeros(1, 32, 32)\n"
            "x = x.unsqueeze(0)\nx = nn.Conv2d(1, 6, 5)(x)\nx = nn.MaxPool2d(2)(x)\n"
            "x = nn.Conv2d(6, 16, 5)(x)\nx = nn.MaxPool2d(2)(x)\n"
            "x = nn.Linear(400, 10)(x.flatten(1))",
            wrong="",
            right="x = x.unsqueeze(0)\n",
            lesson="Conv2d takes a picture without a batch, (C, H, W), and flatten(1) then takes "
            "its channels for pictures. Give one picture a batch of one.",
            source=(
                "pytorch-deep-learning#71",
                "https://github.com/mrdbourke/pytorch-deep-learning/issues/71",
            ),
        ),
    ),
    proofs=(
        Proof(
            "Every shape, up to the layer that must refuse, is what counting pixels gives.",
            "4 off for each kernel, half for each pool, in whole numbers",
            _shapes,
            twin=("x = nn.Conv2d(6, 16, 5)", "x = nn.Conv2d(6, 16, 5, padding=1)"),
        ),
    ),
    statements=(
        Statement(
            says="A picture goes 32, 28, 14, 10, 5, then 400, 120, 84, 10.",
            where="CNN; A Toy Example of Back Propagation",
            program=_NET + _FITS,
            judge=_only,
            truth="For 32 by 32, and since pooling drops odd rows for 33 to 35 too; every other "
            "size is refused.",
            twin=("nn.Linear(400, 120)", "nn.Linear(256, 120)"),
        ),
        Statement(
            says="forward ends with return x, at the margin of the class.",
            where="A Toy Example of Back Propagation",
            program="from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n"
            "        x = x * 2\n    return x\nnet = Net()",
            judge=_runs,
            truth="There it stands outside of every function, and Python refuses the file: return "
            "x belongs at the depth of forward's own lines.",
            twin=("\n    return x", "\n        return x"),
        ),
    ),
    ask=Ask(
        text="LeNet is built for 32 by 32. Which of these sizes does it take too?",
        program=_NET + _FITS + 'said = ", ".join(f"{s}" for s, ok in '
        "zip((31, 32, 35, 36), found) if ok and s != 32)",
        answer=lambda trace: str(told(trace, "said")),
        options=("31", "35", "36", "31, 35, 36"),
        because="35 goes 31, 15, 11, 5: each pool drops the odd row. 31 comes to 4, 36 to 6.",
    ),
    figure=FLOW,
    references=(
        ("torch.nn.Conv2d", f"{_DOCS}/generated/torch.nn.Conv2d.html"),
        ("torch.nn.MaxPool2d", f"{_DOCS}/generated/torch.nn.MaxPool2d.html"),
        (
            "LeCun et al. 1998, Gradient-based learning applied to document recognition",
            "https://doi.org/10.1109/5.726791",
        ),
    ),
    terms=("LeNet", "flatten", "view", "MaxPool2d", "register_forward_hook"),
)
