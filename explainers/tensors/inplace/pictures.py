"""From OpenCV's rows of BGR pixels to torch's channels: which recipe gives red first."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from explainers.evidence import Verdict
from explainers.parameters import Parameters, Preset, choice, number
from explainers.program.lessons import Ask, Lesson, Proof, Slip, Statement, final
from explainers.program.references import apart, difference
from explainers.program.states import Trace
from explainers.tensors.inplace.channels import CHANNELS, by_numpy

_DOCS = "https://docs.pytorch.org/docs/stable"
_RECIPES = {
    "flip": "torch.from_numpy(bgr).permute(2, 0, 1).flip(0)",
    "copy": "torch.from_numpy(bgr[:, :, ::-1].copy()).permute(2, 0, 1)",
    "no flip": "torch.from_numpy(bgr).permute(2, 0, 1)",
    "no copy": "torch.from_numpy(bgr[:, :, ::-1].transpose(2, 0, 1))",
    "1, 2, 0": "torch.from_numpy(bgr[:, :, ::-1].copy()).permute(1, 2, 0)",
    "view": "torch.from_numpy(bgr).view(3, ${h}, ${w})",
    "ToTensor": "ToTensor()(bgr)",
}
_RIGHT = ("flip", "copy")


@dataclasses.dataclass(frozen=True)
class Pictures(Parameters):
    """Say how large the picture is, and by which recipe it is turned."""

    recipe: str = choice(
        "flip", tuple(_RECIPES), label="rgb = …", help="Two are right, five are not."
    )
    h: int = number(2, label="height", help="Rows.", minimum=2, maximum=3, step=1)
    w: int = number(4, label="width", help="Columns.", minimum=2, maximum=5, step=1)


PROGRAM = """
import numpy as np
import torch
from torchvision.transforms import ToTensor

bgr = np.zeros((${h}, ${w}, 3), np.uint8)
bgr[:, :, 2] = 200
bgr[0, :, 0] = 90
rgb = ${recipe}
rgb.shape, rgb.dtype
red = rgb[0]
"""


def _picture(settings: Pictures) -> NDArray[np.uint8]:
    bgr = np.zeros((settings.h, settings.w, 3), np.uint8)
    bgr[:, :, 2] = 200
    bgr[0, :, 0] = 90
    return bgr


def _numpy(settings: Pictures) -> NDArray[np.generic]:
    return by_numpy(settings.recipe, _picture(settings))


def _refused(trace: Trace, settings: Pictures) -> bool:
    """Whether the recipe is the one that torch refuses, and it did."""
    failure = trace.failure
    return settings.recipe == "no copy" and failure is not None and "stride" in failure.message


def _turned(trace: Trace, settings: Pictures) -> float:
    if settings.recipe == "no copy":
        return 0.0 if _refused(trace, settings) else float("inf")
    return apart(final(trace, "rgb"), _numpy(settings))


def _red(trace: Trace, settings: Pictures) -> float:
    if settings.recipe == "no copy":
        return 0.0 if _refused(trace, settings) else float("inf")
    red = final(trace, "red")
    found = red.shape == (settings.h, settings.w) and set(red.values) == {200}
    return float(found != (settings.recipe in _RIGHT))


def _by_hand(trace: Trace, settings: Pictures) -> float:
    if settings.recipe not in _RIGHT:
        return 0.0
    bgr, values = _picture(settings), final(trace, "rgb").values
    expected = [
        int(bgr[row, column, 2 - channel])
        for channel in range(3)
        for row in range(settings.h)
        for column in range(settings.w)
    ]
    return difference(values, expected)


def _first_method(trace: Trace) -> tuple[Verdict, str]:
    t = final(trace, "t")
    size = len(t.values) // 3
    means = [sum(t.values[at : at + size]) / size for at in (0, size, 2 * size)]
    said = f"shape {t.shape}, channel means {', '.join(f'{mean:.2f}' for mean in means)}"
    return Verdict.HOLDS if means[0] > means[2] else Verdict.WRONG, said


def _second_method(trace: Trace) -> tuple[Verdict, str]:
    found = final(trace, "turned")
    said = f"(2, 4, 3) becomes {found.shape}, an array"
    return Verdict.HOLDS if found.shape == (3, 2, 4) else Verdict.WRONG, said


def _defaults(trace: Trace) -> tuple[Verdict, str]:
    image, y = final(trace, "image"), final(trace, "y")
    said = f"Conv2d takes {image.shape}, gives {y.shape}"
    return Verdict.HOLDS if y.shape == (4, 2, 5) else Verdict.WRONG, said


PICTURES = Lesson(
    slug="picture",
    title="HWC BGR to CHW RGB",
    notice="The picture is red, 200 in each pixel's last number; rgb has it in its first channel.",
    program=PROGRAM,
    parameters=Pictures,
    spelled={"recipe": _RECIPES},
    presets=(
        Preset("permute, flip", "Axes turned, then channels: red comes first.", Pictures()),
        Preset(
            "ToTensor",
            "It turns the axes and divides by 255; red is still the last channel.",
            Pictures(recipe="ToTensor"),
        ),
        Preset(
            "1, 2, 0",
            "The other permutation: the first axis is the width, and red holds mixed channels.",
            Pictures(recipe="1, 2, 0"),
        ),
        Preset(
            "view",
            "The shape is right, and red holds the first third of the numbers, pixel after pixel.",
            Pictures(recipe="view"),
        ),
        Preset("No copy", "[::-1] has a negative stride: refused.", Pictures(recipe="no copy")),
    ),
    opens="red = rgb[0]",
    shows=("bgr", "rgb", "red"),
    notes={
        "bgr = np.zeros": "As OpenCV reads it: height, width, then blue, green, red.",
        "bgr[:, :, 2] = 200": "Red everywhere.",
        "bgr[0, :, 0] = 90": "A little blue in the first row.",
        "rgb = ": "permute(2, 0, 1) puts the channels first; their order is a matter of its own.",
    },
    slips=(
        Slip(
            title="view in place of permute",
            program="import torch\n\nhwc = torch.arange(18).view(3, 3, 2)\n"
            "chw = hwc.permute(2, 0, 1)",
            wrong="chw = hwc.view(2, 3, 3)",
            right="chw = hwc.permute(2, 0, 1)",
            lesson="view cuts the same row of numbers anew; permute turns the axes.",
            source=("vision#676", "https://github.com/pytorch/vision/issues/676"),
        ),
        Slip(
            title="ToTensor of floats from 0 to 255",
            program="import numpy as np\nimport torch\n"
            "from torchvision.transforms import ToTensor\n\n"
            "image = np.full((1, 2, 3), 255.0, np.float32)\nt = ToTensor()(image / 255)",
            wrong="t = ToTensor()(image)",
            right="t = ToTensor()(image / 255)",
            lesson="ToTensor divides uint8 by 255 and nothing else.",
            source=("vision#546", "https://github.com/pytorch/vision/issues/546"),
        ),
        Slip(
            title="BGR into a network that knows RGB",
            program="import numpy as np\nimport torch\n"
            "from torchvision.transforms import ToTensor\n\n"
            "bgr = np.zeros((1, 2, 3), np.uint8)\nbgr[..., 2] = 255\n"
            "t = ToTensor()(bgr[..., ::-1].copy())\nred = t[0]",
            wrong="t = ToTensor()(bgr)",
            right="t = ToTensor()(bgr[..., ::-1].copy())",
            lesson="OpenCV reads blue first; ToTensor leaves the order of the channels.",
            source=("DB#204", "https://github.com/MhLiao/DB/issues/204"),
        ),
        Slip(
            title="a label mask through ToTensor",
            program="import numpy as np\nimport torch\n"
            "from torchvision.transforms import ToTensor\n\n"
            "mask = np.array([[0, 7], [30, 7]], np.uint8)\nt = torch.from_numpy(mask).long()",
            wrong="t = ToTensor()(mask)",
            right="t = torch.from_numpy(mask).long()",
            lesson="ToTensor takes every uint8 for a picture: label 30 becomes 0.1176.",
            source=("pytorch#18679", "https://github.com/pytorch/pytorch/issues/18679"),
        ),
    ),
    proofs=(
        Proof(
            "Every recipe gives what NumPy gives; the one with a negative stride is refused.",
            "numpy: transpose, reshape, a division by 255",
            _turned,
            twin=("rgb = ${recipe}", "rgb = torch.from_numpy(bgr).permute(2, 1, 0).flip(0)"),
        ),
        Proof(
            "red is 200 everywhere under the first two recipes, and under no other.",
            "the number that was written into the picture's red",
            _red,
            twin=("red = rgb[0]", "red = rgb[2]"),
        ),
        Proof(
            "Right recipes put pixel (row, column), channel 2 - c, at (c, row, column).",
            "a loop over channels, rows and columns",
            _by_hand,
            twin=("rgb = ${recipe}", "rgb = torch.from_numpy(bgr).permute(2, 0, 1)"),
        ),
    ),
    statements=(
        Statement(
            says="ToTensor() of an image that cv2 read gives C·H·W, RGB.",
            where="Tensor and NumPy, method 1",
            program="import numpy as np\nfrom torchvision.transforms import ToTensor\n"
            "image = np.zeros((2, 4, 3), np.uint8)\nimage[..., 2] = 255\nt = ToTensor()(image)",
            judge=_first_method,
            truth="C·H·W it is, and BGR it stays: this red picture has its light in the last "
            "channel.",
            twin=("ToTensor()(image)", "ToTensor()(image[..., ::-1].copy())"),
        ),
        Statement(
            says="image[:, :, ::-1].transpose((1, 2, 0)) turns H·W·C into a C·H·W tensor.",
            where="Tensor and NumPy, method 2",
            program="import numpy as np\nimage = np.zeros((2, 4, 3), np.uint8)\n"
            "turned = image[:, :, ::-1].transpose((1, 2, 0))",
            judge=_second_method,
            truth="(1, 2, 0) gives W·C·H; (2, 0, 1) gives C·H·W. It is still an array, with a "
            "negative stride: copy it before from_numpy.",
            twin=("(1, 2, 0)", "(2, 0, 1)"),
        ),
        Statement(
            says="A torch image is C·H·W by default.",
            where="Tensor and NumPy",
            program="import torch\ntorch.manual_seed(0)\nimage = torch.zeros(3, 4, 7)\n"
            "y = torch.nn.Conv2d(3, 4, 3)(image)",
            judge=_defaults,
            truth="Layers take (N, C, H, W), or (C, H, W) without a batch.",
            twin=("torch.nn.Conv2d(3, 4, 3)(image)", "image.permute(1, 2, 0)"),
        ),
    ),
    figure=CHANNELS,
    ask=Ask(
        text="An array has shape (H, W, C) = (2, 4, 3). What does transpose(1, 2, 0) make of it?",
        program="import numpy as np\nx = np.zeros((2, 4, 3))\ny = x.transpose(1, 2, 0)",
        answer=lambda trace: str(final(trace, "y").shape),
        options=("(3, 2, 4)", "(4, 3, 2)", "(3, 4, 2)", "(2, 3, 4)"),
        because="Axis 1 comes first, then 2, then 0: (W, C, H).",
    ),
    references=(
        (
            "torchvision: ToTensor",
            "https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html",
        ),
        ("torch.permute", f"{_DOCS}/generated/torch.permute.html"),
    ),
)
