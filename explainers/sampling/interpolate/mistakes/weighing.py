"""Mistakes about which values are mixed, and with what weights."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.evidence import Mistake
from explainers.parameters import Parameters, choice, number
from explainers.pictures import picture
from explainers.sampling.interpolate.mistakes import calls
from explainers.sampling.interpolate.reference import pil_resize
from explainers.sampling.interpolate.sampling import resize
from explainers.sampling.interpolate.view import share

_TORCH = "https://github.com/pytorch/pytorch"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Aliasing:
    """Hold a picture reduced without and with antialiasing.

    Attributes:
        mistake: Both calls and their cost.
        source: Tensor ``(3, H, W)``.
        wanted: Tensor ``(3, H', W')``: PIL's answer.
        wrong: Tensor ``(3, H', W')`` without antialias.
        right: Tensor ``(3, H', W')`` with antialias.
        wrong_weights: Tensor ``(h, w)``: how much each input pixel around weighs in one output
            pixel, from torch's backward pass.
        right_weights: The same with antialias.
    """

    mistake: Mistake
    source: Tensor
    wanted: Tensor
    wrong: Tensor
    right: Tensor
    wrong_weights: Tensor
    right_weights: Tensor


@dataclasses.dataclass(frozen=True)
class Reduction(Parameters):
    """Hold how much a picture is reduced, and how."""

    factor: int = number(
        4,
        label="reduce by",
        help="Input over output side.",
        minimum=1,
        maximum=8,
        step=1,
    )
    mode: str = choice("bilinear", ("bilinear", "bicubic"), label="mode", help="OpenCV has both.")


def aliasing(parameters: Reduction, *, device: str = "cpu") -> Aliasing:
    """Reduce a zone plate without and with antialias, beside PIL.

    Args:
        parameters: Reduction and mode.
        device: Where torch computes.
    """
    source = picture("zone_plate")
    side = source.shape[-1] // parameters.factor
    size, mode = (side, side), parameters.mode
    wanted = pil_resize(source, size, mode=mode)
    outputs, weights, unread = [], [], []
    for antialias in (False, True):
        copy = source.clone().requires_grad_()
        output = resize(copy, size=size, mode=mode, antialias=antialias, device=device)
        (gradient,) = torch.autograd.grad(output[0, side // 2, side // 2], copy, retain_graph=True)
        (everywhere,) = torch.autograd.grad(output[0].sum(), copy)
        middle, reach = int((side // 2 + 0.5) * parameters.factor), 2 * parameters.factor + 2
        low, high = max(0, middle - reach), middle + reach
        weights.append(gradient[0, low:high, low:high])
        unread.append(float((everywhere[0] == 0).double().mean()))
        outputs.append(output.detach())
    errors = [float((output - wanted).abs().mean()) * 255 for output in outputs]
    return Aliasing(
        mistake=Mistake(
            wrong=calls.spelled(f"size={size}", mode),
            right=calls.spelled(f"size={size}", mode, "antialias=True"),
            wrong_cost=f"{_unread(unread[0])} Mean difference to PIL: {errors[0]:.1f} of 255.",
            right_cost=f"{_unread(unread[1])} Mean difference to PIL: "
            + (f"{errors[1]:.1f} of 255." if errors[1] >= 0.05 else f"{errors[1]:.0e} of 255."),
            lesson="Without antialias the kernel keeps its width, as in OpenCV; PIL's "
            "widens. Train with one, test with the other, and pictures differ.",
            source=("torchvision#2950", "https://github.com/pytorch/vision/issues/2950"),
        ),
        source=source,
        wanted=wanted,
        wrong=outputs[0],
        right=outputs[1],
        wrong_weights=weights[0],
        right_weights=weights[1],
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Overshoot:
    """Hold a step that bicubic enlarges, and what a cast to uint8 makes of it.

    Attributes:
        mistake: Both casts and their cost.
        source: Tensor ``(H, W)``, 0 to 255: dark, then bright.
        line: Tensor ``(m,)``: one row of the enlarged picture, in float.
        wrong: Tensor ``(m,)``: the same row cast to uint8, as float again.
        right: Tensor ``(m,)``: the same row clamped, rounded and cast.
        wrong_picture: Tensor ``(H', W')`` in [0, 1]: the careless cast.
        right_picture: Tensor ``(H', W')`` in [0, 1]: the clamped one.
    """

    mistake: Mistake
    source: Tensor
    line: Tensor
    wrong: Tensor
    right: Tensor
    wrong_picture: Tensor
    right_picture: Tensor


@dataclasses.dataclass(frozen=True)
class Step(Parameters):
    """Hold the levels of a step and how far it is enlarged."""

    dark: int = number(
        0, label="dark level", help="Left half, of 255.", minimum=0, maximum=255, step=5
    )
    bright: int = number(
        255, label="bright level", help="Right half, of 255.", minimum=0, maximum=255, step=5
    )
    scale: int = number(
        4, label="enlarge by", help="Output over input side.", minimum=1, maximum=8, step=1
    )


def overshoot(parameters: Step, *, device: str = "cpu") -> Overshoot:
    """Enlarge a step with bicubic, then cast to uint8 without and with clamping.

    Args:
        parameters: Levels and factor.
        device: Where torch computes; the cast is done on the CPU.
    """
    source = torch.full((8, 8), float(parameters.dark))
    source[:, 4:] = float(parameters.bright)
    output = resize(
        source[None], scale_factor=float(parameters.scale), mode="bicubic", device=device
    )[0]
    careless = output.to(torch.uint8)
    careful = output.clamp(0, 255).round().to(torch.uint8)
    # By less than 1, the cast cuts a fraction as it does inside the range.
    outside = (output <= -1) | (output >= 256)
    beyond = int(((output < -1e-3) | (output > 255 + 1e-3)).sum())
    low, high = float(output.min()), float(output.max())
    # Below 0 is the more striking end; the other where only that leaves the range.
    worst = int(output.argmin() if low <= -1 else output.argmax())
    wrapped = f"{float(output.flatten()[worst]):.0f} becomes {int(careless.flatten()[worst])}"
    return Overshoot(
        mistake=Mistake(
            wrong="y.to(torch.uint8)",
            right="y.clamp(0, 255).round().to(torch.uint8)",
            wrong_cost=f"{int(outside.sum())} of {output.numel()} pixels leave 0 to 255 by 1 or "
            f"more, wrapping around: {wrapped}."
            if outside.any()
            else f"{beyond} of {output.numel()} pixels leave 0 to 255"
            + (" by less than 1" if beyond else "")
            + "; only fractions are cut.",
            right_cost=f"The step runs from {low:.0f} to {high:.0f}; clamped, nothing wraps.",
            lesson="The cubic kernel's negative weights overshoot a step by up to 11 %. "
            "(Given uint8, torch clamps.)",
            source=("pytorch#21044", f"{_TORCH}/issues/21044"),
        ),
        source=source,
        line=output[0],
        wrong=careless[0].float(),
        right=careful[0].float(),
        wrong_picture=careless / 255,
        right_picture=careful / 255,
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Hold a map of classes, resized.

    Attributes:
        mistake: Both calls and their cost.
        source: Tensor ``(H, W)`` int64: classes 0, 1 and 2.
        wrong: Tensor ``(H', W')`` int64: bilinear, rounded.
        right: Tensor ``(H', W')`` int64: nearest-exact.
        invented: Tensor ``(H', W')`` bool: where `wrong` is a class that none of the input
            pixels around holds.
    """

    mistake: Mistake
    source: Tensor
    wrong: Tensor
    right: Tensor
    invented: Tensor


@dataclasses.dataclass(frozen=True)
class LabelSize(Parameters):
    """Hold the side that a map of classes is resized to."""

    size: int = number(
        40,
        label="output side (pixels)",
        help="The map is 12 by 12.",
        minimum=4,
        maximum=64,
        step=4,
    )


def labels(parameters: LabelSize, *, device: str = "cpu") -> Labels:
    """Resize a map of classes as if classes were amounts, and by picking.

    Args:
        parameters: Side of the output.
        device: Where torch computes.
    """
    side = parameters.size
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    source = torch.zeros(12, 12, dtype=torch.int64)
    source[(y - 7.5) ** 2 + (x - 3.5) ** 2 < 9] = 1
    source[(y - 4) ** 2 + (x - 8) ** 2 < 12] = 2
    as_amount = resize(source[None].float(), size=side, mode="bilinear", device=device)[0]
    wrong = as_amount.round().to(torch.int64)
    right = resize(source[None].float(), size=side, mode="nearest-exact", device=device)[0]
    # A class is invented where bilinear gives none of the class's own one-hot map any weight.
    one_hot = F.one_hot(source, 3).permute(2, 0, 1).float()
    present = resize(one_hot, size=side, mode="bilinear", device=device) > 0
    invented = ~present.gather(0, wrong[None])[0]
    count = int(invented.sum())
    absent = int((~present.gather(0, right[None].long())[0]).sum())
    return Labels(
        mistake=Mistake(
            wrong=calls.spelled(f"size={side}", "bilinear", of="labels", then=".round()"),
            right=calls.spelled(f"size={side}", "nearest-exact", of="labels"),
            wrong_cost=f"{count} pixels get class 1 though only 0 and 2 are near.",
            right_cost=f"{absent or 'No'} pixels get a class that is not near.",
            lesson="Class numbers have no order. Use nearest-exact, or resize one map per class "
            "and take the largest.",
            source=(
                "image-segmentation-keras#11",
                "https://github.com/divamgupta/image-segmentation-keras/issues/11",
            ),
        ),
        source=source,
        wrong=wrong,
        right=right.to(torch.int64),
        invented=invented,
    )


def _unread(part: float) -> str:
    return f"{share(part)} of pixels are never read." if part else "Every pixel is read."
