"""Run what the notes say of `F.interpolate`, and judge it."""

import inspect
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explainers import devices
from explainers.evidence import Claim, Verdict, largest_difference
from explainers.sampling.interpolate.sampling import ANTIALIASED, MODES, MODES_OF

_FIRST = "interpolate"
_SECOND = "functional.interpolate"
_DARKNET = "3.3 Summary of Yolov3 in code (3.3 Yolov3的实现摘要)"

_AXES = {mode: axes for axes in (3, 1, 2) for mode in MODES_OF[axes]}
"""Spatial axes on which to try each mode; 2 for those that take any."""

_NEAREST = """tensor([[[[1., 1., 2., 2.],
          [1., 1., 2., 2.],
          [3., 3., 4., 4.],
          [3., 3., 4., 4.]]]])"""
_BILINEAR = """tensor([[[[1.0000, 1.3333, 1.6667, 2.0000],
          [1.6667, 2.0000, 2.3333, 2.6667],
          [2.3333, 2.6667, 3.0000, 3.3333],
          [3.0000, 3.3333, 3.6667, 4.0000]]]])"""


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge each statement of the notes by what torch gives now.

    Args:
        device: Where torch computes; lanczos, which torch has on the CPU only, is computed there.
    """
    where = devices.device(device)
    return (
        _signature(),
        _modes(where),
        _default_mode(where),
        _tuples(where),
        _which_take_the_flag(where),
        _default_flag(where),
        _keeps_corners(where),
        _edge_values(where),
        _independent_of_size(where),
        _overshoot(where),
        _upsampling(where),
        _printed("nearest", None, _NEAREST, where),
        _printed("bilinear", True, _BILINEAR, where),
        _darknet(where),
    )


def _signature() -> Claim:
    noted = ["input", "size", "scale_factor", "mode", "align_corners"]
    now = list(inspect.signature(F.interpolate).parameters)
    added = [name for name in now if name not in noted]
    gone = [name for name in noted if name not in now]
    verdict = Verdict.WRONG if gone else Verdict.OBSOLETE if added else Verdict.HOLDS
    return Claim(
        "The signature is interpolate(input, size, scale_factor, mode, align_corners).",
        _FIRST,
        verdict,
        f"Now also: {', '.join(added)}." if added else "The same names.",
        "Since then: recompute_scale_factor (torch 1.5), antialias (1.11).",
    )


def _modes(where: torch.device) -> Claim:
    noted = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area")
    taken = [mode for mode in MODES if not _refusal(mode, where, antialias=mode == "lanczos")]
    added = [mode for mode in taken if mode not in noted]
    smooth = [mode for mode in taken if not _refusal(mode, where, antialias=True)]
    missing = [mode for mode in noted if mode not in taken]
    newer = Verdict.OBSOLETE if added or smooth else Verdict.HOLDS
    return Claim(
        "The modes are nearest, linear, bilinear, bicubic, trilinear and area.",
        f"{_FIRST}; {_SECOND}",
        Verdict.WRONG if missing else newer,
        f"All run: {'no' if missing else 'yes'}. Also: {', '.join(added) or 'no others'}. "
        f"With antialias=True: {', '.join(smooth) or 'none'}.",
        "And nearest-exact, and lanczos for pictures on the CPU with antialias=True.",
    )


def _default_mode(where: torch.device) -> Claim:
    image = _noise(5, 7).to(where)
    default = F.interpolate(image, size=(8, 9))
    named = inspect.signature(F.interpolate).parameters["mode"].default
    error = largest_difference(default, F.interpolate(image, size=(8, 9), mode="nearest"))
    return Claim(
        "The default mode is nearest.",
        _SECOND,
        Verdict.HOLDS if error == 0 and named == "nearest" else Verdict.WRONG,
        f"Signature: {named!r}; without mode, off from nearest by {error:g}.",
        "Right for masks of classes, seldom for pictures.",
    )


def _tuples(where: torch.device) -> Claim:
    image = _noise(4, 6).to(where)
    inputs = _says((image, image), scale_factor=(2.0, 2.0), mode="nearest")
    number = _says(image, scale_factor=2.0, mode="nearest")
    right = _says(image, scale_factor=(2.0, 3.0), mode="nearest")
    short = _says(image, scale_factor=(2.0,), mode="nearest")
    holds = not inputs and not right and bool(number)
    return Claim(
        "If the input is a tuple, scale_factor must be a tuple too.",
        f"{_FIRST}; {_SECOND}",
        Verdict.HOLDS if holds else Verdict.WRONG,
        f"A tuple as input: {inputs or 'runs'}. A picture with scale_factor 2.0: "
        f"{number or 'runs'}; (2.0, 3.0): {right or 'runs'}; (2.0,): {short or 'runs'}.",
        "A Tensor; scale_factor one number, or one per axis.",
    )


def _which_take_the_flag(where: torch.device) -> Claim:
    noted = {"linear", "bilinear", "trilinear"}
    taken = {
        mode
        for mode in MODES
        if not _refusal(mode, where, align_corners=True, antialias=mode == "lanczos")
    }
    refused = [mode for mode in MODES if mode not in taken]
    moves = ""
    if "bicubic" in taken:
        image = _noise(4, 4).to(where)
        changed = largest_difference(
            *(
                F.interpolate(image, size=9, mode="bicubic", align_corners=flag)
                for flag in (True, False)
            )
        )
        moves = f" It moves bicubic by up to {changed:.2f}."
    return Claim(
        "align_corners can be used with linear, bilinear and trilinear only.",
        f"{_FIRST}; {_SECOND}",
        Verdict.HOLDS if taken == noted else Verdict.WRONG,
        f"Taken by {', '.join(m for m in MODES if m in taken)}; refused by "
        f"{', '.join(refused)}.{moves}",
        "bicubic takes it too. nearest, nearest-exact and area refuse even False; lanczos "
        "takes False.",
    )


def _default_flag(where: torch.device) -> Claim:
    default = inspect.signature(F.interpolate).parameters["align_corners"].default
    image = _noise(5, 6).to(where)
    error = max(
        largest_difference(
            F.interpolate(image, size=(9, 4), mode=mode),
            F.interpolate(image, size=(9, 4), mode=mode, align_corners=False),
        )
        for mode in ("bilinear", "bicubic")
    )
    refused = _refusal("nearest", where, align_corners=False)
    acts_like_false = error == 0
    if not acts_like_false:
        verdict = Verdict.WRONG
    else:
        verdict = Verdict.CONDITION if refused or default is not False else Verdict.HOLDS
    return Claim(
        "align_corners is False by default.",
        f"{_FIRST}; {_SECOND}",
        verdict,
        f"Signature: {default}; bilinear and bicubic differ from False by {error:g}. "
        f"nearest with False: {'refused' if refused else 'runs'}.",
        "None: False where a mode takes the flag, the only value elsewhere.",
    )


def _keeps_corners(where: torch.device) -> Claim:
    def error(size: tuple[int, int], *, mode: str, antialias: bool = False) -> float:
        image = _noise(4, 5).to(where)
        made = F.interpolate(image, size=size, mode=mode, align_corners=True, antialias=antialias)
        return largest_difference(
            made[..., :: size[0] - 1 or 1, :: size[1] - 1 or 1], image[..., ::3, ::4]
        )

    plain = max(
        error(size, mode=mode) for mode in ("bilinear", "bicubic") for size in ((9, 7), (3, 2))
    )
    smooth = error((3, 2), mode="bilinear", antialias=True)
    line = torch.tensor([[[0.0, 1.0, 2.0, 9.0]]], device=where)
    single = float(F.interpolate(line, size=1, mode="linear", align_corners=True))
    return Claim(
        "align_corners=True aligns the centres of the corner pixels and keeps their values.",
        f"{_FIRST}; {_SECOND}",
        _verdict(plain < 1e-6, smooth < 1e-6),
        f"Corners change {_by(plain)} without antialias, by {smooth:.2f} with it. One output "
        f"of 0, 1, 2, 9: {single:g}.",
        "Without antialias, from two outputs per axis on: a single one takes the first value.",
    )


def _edge_values(where: torch.device) -> Claim:
    def error(mode: str, *, antialias: bool = False) -> float:
        image = _noise(6, 6).to(where)
        padded = F.pad(image, (3, 3, 3, 3), mode="replicate")
        wide = F.interpolate(padded, scale_factor=2.0, mode=mode, antialias=antialias)
        own = F.interpolate(image, scale_factor=2.0, mode=mode, antialias=antialias)
        return largest_difference(wide[..., 6:-6, 6:-6], own)

    plain = max(error(mode) for mode in ("bilinear", "bicubic"))
    smooth = max(error(mode, antialias=True) for mode in ("bilinear", "bicubic"))
    first = F.interpolate(torch.tensor([[[1.0, 2.0]]], device=where), scale_factor=2, mode="linear")
    return Claim(
        "align_corners=False aligns the outer corners, and reads edge values beyond the border.",
        _FIRST,
        _verdict(plain < 1e-6, smooth < 1e-6),
        f"1, 2 doubled is {', '.join(f'{v:g}' for v in first.flatten().tolist())}. "
        f"Repeating the edge first changes outputs {_by(plain)} without antialias, "
        f"by {smooth:.2f} with it.",
        "Without antialias; with it, weights beyond the border go and the rest are "
        "rescaled to sum 1.",
    )


def _independent_of_size(where: torch.device) -> Claim:
    def moved(factor: float, kept: int = 6, **flags: Any) -> float:
        line = _noise(1, 12)[0].to(where)
        longer, shorter = (
            F.interpolate(values, scale_factor=factor, mode="linear", **flags)
            for values in (line, line[..., :kept])
        )
        # The last outputs of the shorter line read its end, which the longer line does not have.
        count = int((kept - 2) * factor)
        return largest_difference(longer[..., :count], shorter[..., :count])

    doubled, aligned = moved(2.0), moved(2.0, align_corners=True)
    odd, recomputed = moved(1.3), moved(1.3, recompute_scale_factor=True)
    # 5 times 1.1 is 5.5: the side stays 5, and torch copies it.
    copied = moved(1.1, kept=5)
    return Claim(
        "With align_corners=False and the same scale_factor the operation does not depend on the "
        "input's size.",
        _FIRST,
        _verdict(max(doubled, odd) < 1e-6, max(recomputed, copied) < 1e-6),
        f"Without a line's second half its first outputs move {_by(max(doubled, odd))} at 2 "
        f"and 1.3, by {recomputed:.2f} at 1.3 with recompute_scale_factor=True; with "
        f"align_corners=True by {aligned:.2f}. At 1.1, 12 samples cut to 5: by {copied:.2f}.",
        "With a scale_factor that changes the length: where rounding leaves it, torch copies. A "
        "size, or recompute_scale_factor=True, reads at the rounded sides' ratio.",
    )


def _overshoot(where: torch.device) -> Claim:
    step = torch.zeros(1, 1, 8, 8, device=where)
    step[..., 4:] = 255
    made = F.interpolate(step, scale_factor=4, mode="bicubic")
    low, high = float(made.min()), float(made.max())
    clamped = made.clamp(min=0, max=255)
    # Through int64: torch leaves the cast of a negative float to uint8 undefined.
    careless = int(made.min().round().to(torch.int64).to(torch.uint8))
    saturated = F.interpolate(step.cpu().to(torch.uint8), scale_factor=4, mode="bicubic")
    beyond = low < 0 and high > 255
    mended = float(clamped.min()) >= 0 and float(clamped.max()) <= 255
    return Claim(
        "bicubic can overshoot below 0 and above 255; clamp(min=0, max=255) before showing it.",
        f"{_FIRST}; {_SECOND}",
        Verdict.HOLDS if beyond and mended else Verdict.WRONG,
        f"A step from 0 to 255 gives {low:.1f} to {high:.1f}; cast to uint8 without clamp, "
        f"the lowest becomes {careless}. From uint8: {int(saturated.min())} to "
        f"{int(saturated.max())}.",
        "lanczos too. torch clamps for a uint8 input.",
    )


def _upsampling(where: torch.device) -> Claim:
    stripes = (torch.arange(96, device=where) % 3 == 0).float().expand(1, 1, 96, 96)
    stripes = stripes.clone().requires_grad_()
    small = F.interpolate(stripes, scale_factor=0.25, mode="bilinear")
    (gradient,) = torch.autograd.grad(small.sum(), stripes)
    used = float((gradient != 0).double().mean())
    smooth = F.interpolate(stripes, scale_factor=0.25, mode="bilinear", antialias=True)
    plain_contrast, smooth_contrast = (
        float((made.max() - made.min()).detach()) for made in (small, smooth[..., 2:-2])
    )
    grows = F.interpolate(stripes, scale_factor=2.0).shape[-1] > stripes.shape[-1]
    shrinks = small.shape[-1] < stripes.shape[-1]
    return Claim(
        "interpolate is upsampling: it gives a picture more resolution.",
        _SECOND,
        _verdict(grows, not shrinks),
        f"scale_factor=0.25 takes 96x96 to {small.shape[-2]}x{small.shape[-1]}, reading "
        f"{used:.0%} of the pixels. Stripes 3 pixels apart keep a contrast of "
        f"{plain_contrast:.2f}, with antialias {smooth_contrast:.2f}.",
        "It shrinks too, and aliases without antialias=True or mode='area'. Enlarging adds "
        "pixels, not detail.",
    )


def _printed(mode: str, align_corners: bool | None, noted: str, where: torch.device) -> Claim:
    table = torch.arange(1, 5, dtype=torch.float32).view(1, 1, 2, 2).to(where)
    made = F.interpolate(table, scale_factor=2, mode=mode, align_corners=align_corners).cpu()
    same = _print(made) == noted
    flag = "" if align_corners is None else f" with align_corners={align_corners}"
    corners = [f"{value:g}" for value in made[0, 0].flatten()[[0, 3, 12, 15]].tolist()]
    return Claim(
        f"{mode}{flag} doubles [[1, 2], [3, 4]] to the table that is printed.",
        _FIRST,
        Verdict.HOLDS if same else Verdict.WRONG,
        f"Now: {'the same text' if same else 'another text'}. First row "
        f"{', '.join(f'{value:.4f}' for value in made[0, 0, 0].tolist())}; corners "
        f"{', '.join(corners)}.",
        "Every digit holds."
        if align_corners is None
        else "Every digit holds. Without the flag: first row 1, 1.25, 1.75, 2.",
    )


def _print(values: Tensor) -> str:
    """Return what torch's default printing gives, whatever this process has set."""
    rows = values[0, 0].tolist()
    whole = all(value == int(value) for row in rows for value in row)
    lines = [
        ", ".join(f"{value:.0f}." if whole else f"{value:.4f}" for value in row) for row in rows
    ]
    return "tensor([[[[" + "],\n          [".join(lines) + "]]]])"


def _darknet(where: torch.device) -> Claim:
    channels = 6
    layers = nn.Sequential()
    layers.add_module("upsample_0", nn.Upsample(scale_factor=2, mode="nearest"))
    image = torch.rand(1, channels, 5, 7, generator=torch.Generator().manual_seed(0)).to(where)
    made = layers(image)
    weights = sum(parameter.numel() for parameter in layers.parameters())
    repeated = image.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
    error = largest_difference(made, repeated)
    runs = made.shape == (1, channels, 10, 14)
    return Claim(
        "Darknet's upsample layer is written like the convolutional layer.",
        _DARKNET,
        _verdict(runs and error == 0, weights > 0),
        f"nn.Upsample(scale_factor=2) in nn.Sequential makes {list(image.shape)} to "
        f"{list(made.shape)}, {weights} weights; off from repeated pixels by {error:g}.",
        "It stands there alike, without filters: output_filters repeats the number before.",
    )


def _noise(height: int, width: int) -> Tensor:
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))


def _says(image: Any, **call: Any) -> str:
    """Return the kind of error with which torch refuses a call; empty where it runs."""
    try:
        F.interpolate(image, **call)
    except (AttributeError, TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        return type(error).__name__
    return ""


def _refusal(
    mode: str, where: torch.device, *, align_corners: bool | None = None, antialias: bool = False
) -> str:
    """Return the kind of error with which torch refuses a mode with flags; empty where it runs."""
    image = torch.zeros(1, 1, *[4] * _AXES[mode])
    image = image if mode == ANTIALIASED[-1] else image.to(where)
    return _says(image, size=6, mode=mode, align_corners=align_corners, antialias=antialias)


def _by(difference: float) -> str:
    return f"by {difference:.0e}" if difference else "not at all"


def _verdict(holds: bool, always: bool) -> Verdict:
    if not holds:
        return Verdict.WRONG
    return Verdict.HOLDS if always else Verdict.CONDITION
