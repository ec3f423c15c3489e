"""A real picture under each recipe from OpenCV's rows of BGR pixels to torch's channels."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The lesson's program imports it too. It takes more than a second, and a run's seconds are counted:
# here it is imported before a run.
from torchvision.transforms import ToTensor

from explainers.evidence import Kind
from explainers.pictures import picture
from explainers.program.figure import Figure, FigureProof
from explainers.program.lessons import final
from explainers.program.references import difference
from explainers.program.states import Trace

Recipe = Callable[[NDArray[np.uint8]], Tensor]

_RECIPES: Mapping[str, Recipe] = {
    "flip": lambda bgr: torch.from_numpy(bgr).permute(2, 0, 1).flip(0),
    "copy": lambda bgr: torch.from_numpy(bgr[:, :, ::-1].copy()).permute(2, 0, 1),
    "no flip": lambda bgr: torch.from_numpy(bgr).permute(2, 0, 1),
    "no copy": lambda bgr: torch.from_numpy(bgr[:, :, ::-1].transpose(2, 0, 1)),
    "1, 2, 0": lambda bgr: torch.from_numpy(bgr[:, :, ::-1].copy()).permute(1, 2, 0),
    "view": lambda bgr: torch.from_numpy(bgr).view(3, *bgr.shape[:2]),
    "ToTensor": ToTensor(),
}
_RIGHT = ("flip", "copy")
_NAMES = ("blue", "green", "red")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """Hold what a recipe makes of the picture.

    Attributes:
        line: The recipe, as it stands in the program.
        right: ``(3, H, W)`` float32 in [0, 1], what OpenCV's cvtColor makes of it.
        shape: Of what the recipe gives; empty where torch refuses it.
        dtype: The same.
        planes: The first three along its first axis, float32 in [0, 1].
        holds: For each of them the picture's channel that it is: "red", "green", "blue", or "".
        shown: ``(3, H, W)`` the three as red, green and blue; None where they are no picture of
            this size.
        differing: Share of the pixels whose colour is another than OpenCV's; NaN without `shown`.
        refusal: What torch said; empty where it took the recipe.
        apart: Largest difference of the recipe here, on the lesson's picture, from its run.
    """

    line: str
    right: Tensor
    shape: tuple[int, ...]
    dtype: str
    planes: tuple[Tensor, ...]
    holds: tuple[str, ...]
    shown: Tensor | None
    differing: float
    refusal: str
    apart: float


def read() -> NDArray[np.uint8]:
    """Return the picture as `cv2.imread` gives one: ``(128, 128, 3)`` uint8, blue first."""
    rgb = picture("card").mul(255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def by_numpy(recipe: str, bgr: NDArray[np.uint8]) -> NDArray[np.generic]:
    """Return what a recipe should give, by NumPy alone; of "no copy" what is refused."""
    height, width, _ = bgr.shape
    match recipe:
        case "flip" | "copy":
            return bgr[:, :, ::-1].transpose(2, 0, 1)
        case "1, 2, 0":
            return bgr[:, :, ::-1].transpose(1, 2, 0)
        case "view":
            return bgr.reshape(3, height, width)
        case "ToTensor":
            return bgr.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        case _:
            return bgr.transpose(2, 0, 1)


def channels(trace: Trace, settings: Any, recipe: Recipe | None = None) -> Channels:
    """Return what the lesson's recipe makes of the picture; `recipe` is another, an error."""
    turn = recipe or _RECIPES[settings.recipe]
    (line,) = (line for line in trace.source.splitlines() if line.startswith("rgb = "))
    bgr = read()
    right = torch.from_numpy(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)).permute(2, 0, 1).float() / 255
    small, apart = final(trace, "bgr"), float("inf")
    array = np.array(small.values, np.uint8).reshape(small.shape)
    try:
        given = turn(bgr)
    except ValueError as error:
        apart = 0.0 if trace.failure is not None else apart
        return Channels(line, right, (), "", (), (), None, float("nan"), str(error), apart)
    if trace.failure is None:
        apart = difference(final(trace, "rgb").values, turn(array).reshape(-1).tolist())
    unit = given if given.is_floating_point() else given.float() / 255
    planes = tuple(unit[:3].unbind())
    split = [torch.from_numpy(channel).float() / 255 for channel in cv2.split(bgr)]
    holds = tuple(
        next((name for name, own in zip(_NAMES, split, strict=True) if own.equal(plane)), "")
        for plane in planes
    )
    fits = unit.shape == right.shape
    other = (unit != right).any(dim=0).float().mean().item() if fits else float("nan")
    dtype = str(given.dtype).removeprefix("torch.")
    shape = tuple(given.shape)
    return Channels(
        line, right, shape, dtype, planes, holds, unit if fits else None, other, "", apart
    )


def _as_opencv(found: Channels, settings: Any) -> float:
    rgb = cv2.cvtColor(read(), cv2.COLOR_BGR2RGB).transpose(2, 0, 1)
    if found.shown is None:
        return float(settings.recipe in _RIGHT)
    error = np.abs(np.round(found.shown.numpy() * 255) - rgb).max()
    return float(error) if settings.recipe in _RIGHT else float(error == 0)


def _held(found: Channels, settings: Any) -> float:
    bgr = read()
    if settings.recipe == "no copy":
        return float(found.holds != ())
    given = by_numpy(settings.recipe, bgr)
    turned = np.asarray(given, np.float64)
    if given.dtype != np.uint8:
        turned = np.round(turned * 255)
    expected = tuple(
        next((name for at, name in enumerate(_NAMES) if np.array_equal(plane, bgr[..., at])), "")
        for plane in turned[:3]
    )
    return float(found.holds != expected)


def _upside_down(bgr: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(bgr).permute(2, 0, 1).flip(1)


CHANNELS = Figure(
    title="A picture, channel by channel",
    result=channels,
    proofs=(
        FigureProof(
            "On a real picture the first two recipes give cvtColor's pixels, and no other does.",
            "cv2.cvtColor, transposed by NumPy",
            _as_opencv,
            twin=lambda trace, settings: channels(trace, settings, _upside_down),
        ),
        FigureProof(
            "Each plane is named after the picture's channel that it is, if it is one.",
            "slices of NumPy's array",
            _held,
            twin=lambda trace, settings: channels(trace, settings, _upside_down),
        ),
        FigureProof(
            "The recipe here does to the lesson's picture what its line did.",
            "the lesson's run",
            lambda found, _: found.apart,
            twin=("rgb = ${recipe}", "rgb = torch.from_numpy(bgr).permute(2, 0, 1)"),
            kind=Kind.ANOTHER_PATH,
        ),
    ),
)
