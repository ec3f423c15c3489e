"""Mistakes about where each output value reads."""

import dataclasses
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import Mistake, Question
from explainers.parameters import Parameters, number
from explainers.pictures import picture
from explainers.sampling.interpolate.mistakes import calls
from explainers.sampling.interpolate.sampling import centres, resize, sample_positions

_TORCH = "https://github.com/pytorch/pytorch"
_ROUNDED = 1e-6  # of a line's length: what float32 explains


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Comb:
    """Hold one resized line: what it held, what it holds now, and where that was read.

    Attributes:
        title: Which call made it.
        samples: Tensor ``(n,)``: the input.
        outputs: Tensor ``(m,)``: what torch gave.
        positions: Tensor ``(m,)`` float64: where each output read, in input pixels.
    """

    title: str
    samples: Tensor
    outputs: Tensor
    positions: Tensor

    @property
    def centres(self) -> Tensor:
        """The middle of each output when both lines span the same extent, ``(m,)``."""
        return centres(len(self.samples), len(self.outputs))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Combs:
    """Hold resized lines to lay below each other, for the wrong line of code and for the right."""

    mistake: Mistake
    wrong: tuple[Comb, ...]
    right: tuple[Comb, ...]


@dataclasses.dataclass(frozen=True)
class TwoLengths(Parameters):
    """Hold the lengths of a line before and after."""

    in_size: int = number(
        5, label="input length", help="Samples 0, 1, 2, …", minimum=2, maximum=12, step=1
    )
    out_size: int = number(
        3, label="output length", help="Outputs asked for.", minimum=1, maximum=12, step=1
    )


def nearest(parameters: TwoLengths, *, device: str = "cpu") -> Combs:
    """Resize a counting line with nearest and with nearest-exact.

    Args:
        parameters: Both lengths.
        device: Where torch computes.
    """
    n, m = parameters.in_size, parameters.out_size
    ramp = torch.arange(float(n))
    combs = [
        Comb(
            mode,
            ramp,
            resize(ramp[None], size=m, mode=mode, device=device)[0],
            sample_positions(n, m, mode=mode),
        )
        for mode in ("nearest", "nearest-exact")
    ]
    # The ramp holds its own positions, so what torch returns is where it read.
    drifts = [float((comb.outputs.double() - comb.centres).mean()) for comb in combs]
    picks = [", ".join(f"{value:.0f}" for value in comb.outputs.tolist()) for comb in combs]
    return Combs(
        mistake=Mistake(
            wrong=calls.spelled(f"size={m}", "nearest"),
            right=calls.spelled(f"size={m}", "nearest-exact"),
            wrong_cost=f"Picks {picks[0]}: on average {_drift(drifts[0])}.",
            right_cost=f"Picks {picks[1]}: on average {_drift(drifts[1])}.",
            lesson="nearest reads floor(i·n/m), under the output's left edge, as OpenCV "
            "does; nearest-exact under its centre, as PIL does but between two pixels.",
            source=("pytorch#34808", f"{_TORCH}/issues/34808"),
        ),
        wrong=(combs[0],),
        right=(combs[1],),
    )


@dataclasses.dataclass(frozen=True)
class OneMore(Parameters):
    """Hold the length of a line that gets one more sample."""

    count: int = number(
        2,
        label="samples",
        help="0, 1, 0, 1, …; the second line is one longer.",
        minimum=2,
        maximum=8,
        step=1,
    )


def one_more(parameters: OneMore, *, device: str = "cpu") -> Combs:
    """Double a line and the same line with one more sample, with either align_corners.

    Args:
        parameters: The length.
        device: Where torch computes.
    """
    count = parameters.count
    # Outputs up to here read no further than the last common sample.
    shared = 2 * count - 1
    lines = [torch.arange(n) % 2 * 1.0 for n in (count, count + 1)]
    combs, moves = {}, {}
    for flag in (True, False):
        combs[flag] = tuple(
            Comb(
                f"{len(line)} samples, align_corners={flag}",
                line,
                resize(
                    line[None], scale_factor=2.0, mode="linear", align_corners=flag, device=device
                )[0],
                sample_positions(len(line), 2 * len(line), align_corners=flag),
            )
            for line in lines
        )
        before, after = combs[flag]
        moves[flag] = float((before.outputs[:shared] - after.outputs[:shared]).abs().max())

    def words(moved: float) -> str:
        far = f"by up to {moved:.3g}" if moved > 1e-6 else "not at all"
        return f"One sample more moves the first {shared} outputs {far}."

    return Combs(
        mistake=Mistake(
            wrong=calls.spelled("scale_factor=2", "linear", "align_corners=True"),
            right=calls.spelled("scale_factor=2", "linear", "align_corners=False"),
            wrong_cost=words(moves[True]),
            right_cost=words(moves[False]),
            lesson="align_corners=True steps by (n - 1) / (m - 1), which depends on the "
            "length; False by n / m: alike for every crop.",
            source=("pytorch#30565", f"{_TORCH}/issues/30565"),
        ),
        wrong=combs[True],
        right=combs[False],
    )


@dataclasses.dataclass(frozen=True)
class OddScale(Parameters):
    """Hold a length and a factor that does not give a whole length."""

    in_size: int = number(
        4, label="input length", help="Samples 0, 1, 2, …", minimum=2, maximum=12, step=1
    )
    scale_factor: float = number(
        1.3,
        label="scale_factor",
        help="The output is rounded down.",
        minimum=0.3,
        maximum=3.0,
        step=0.05,
    )


def rounded_scale(parameters: OddScale, *, device: str = "cpu") -> Combs:
    """Resize by a factor and by the length that it gives, without and with recomputing the factor.

    Args:
        parameters: Length and factor.
        device: Where torch computes.

    Raises:
        ValueError: The factor gives no output.
    """
    n, factor = parameters.in_size, parameters.scale_factor
    ramp = torch.arange(float(n))

    def comb(title: str, recompute: bool) -> Comb:
        output = resize(
            ramp[None],
            scale_factor=factor,
            mode="linear",
            recompute_scale_factor=recompute,
            device=device,
        )[0]
        used = None if recompute else factor
        return Comb(title, ramp, output, sample_positions(n, len(output), scale_factor=used))

    wrong = comb(f"scale_factor={factor:g}", recompute=False)
    right = comb(f"scale_factor={factor:g}, recomputed", recompute=True)
    m = len(right.outputs)
    by_size = Comb(
        f"size={m}",
        ramp,
        resize(ramp[None], size=m, mode="linear", device=device)[0],
        sample_positions(n, m),
    )
    off = [(line.outputs - by_size.outputs).abs() for line in (wrong, right)]
    at = int(off[0].argmax())
    equal = not off[1].any()
    steps = "copying the line" if m == n else "stepping by 1 / scale_factor"
    return Combs(
        mistake=Mistake(
            wrong=calls.spelled(f"scale_factor={factor:g}", "linear"),
            right=calls.spelled(
                f"scale_factor={factor:g}", "linear", "recompute_scale_factor=True"
            ),
            wrong_cost=f"Up to {float(off[0].max()):.3f} off size={m}: index {at} is "
            f"{_value(wrong.outputs[at])}, not {_value(by_size.outputs[at])}."
            if float(off[0].max()) > _ROUNDED * n
            else f"Equal to size={m} here: {_why_equal(n, m, factor)}.",
            right_cost=("Equal to" if equal else f"Up to {float(off[1].max()):.0e} off")
            + f" size={m}: index {at} is {_value(right.outputs[at])}.",
            lesson=f"{n} times {factor:g} is {_product(n, factor)}; torch gives {m} "
            f"values, {steps}; recomputed, as with size.",
            source=("pytorch#55909", f"{_TORCH}/issues/55909"),
        ),
        wrong=(wrong, by_size),
        right=(right, by_size),
    )


def _product(n: int, factor: float) -> str:
    """Return a product, to the last digit where only that says why it is rounded down."""
    below = int(n * factor) != int(float(f"{n * factor:g}"))
    return repr(n * factor) if below else f"{n * factor:g}"


def _why_equal(n: int, m: int, factor: float) -> str:
    """Return why a factor reads as the length that it gives does."""
    # In the digits that Python shows: 0.35 is 7/20, whatever its last bit.
    product = Fraction(repr(factor)) * n
    if product == m:
        return f"{n} times {factor:g} is a whole number"
    if m == n:
        return f"the length stays {n}, and torch copies such a line"
    return f"{n} times {factor!r} is {m} but for rounding"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class TwoWays:
    """Hold a picture resized by `F.interpolate` and by `F.grid_sample` on an even grid.

    Attributes:
        mistake: Both pairs of flags and their cost.
        source: Tensor ``(H, W)``.
        sampled: Tensor ``(H', W')``: by `F.grid_sample`.
        wrong: Tensor ``(H', W')``: by `F.interpolate` with the other flag.
        right: Tensor ``(H', W')``: by `F.interpolate` with the same flag.
    """

    mistake: Mistake
    source: Tensor
    sampled: Tensor
    wrong: Tensor
    right: Tensor


@dataclasses.dataclass(frozen=True)
class OtherSize(Parameters):
    """Hold the side that a 16 by 16 picture is resized to."""

    size: int = number(
        32,
        label="output side (pixels)",
        help="The input is 16 by 16.",
        minimum=4,
        maximum=64,
        step=4,
    )


def two_ways(parameters: OtherSize, *, device: str = "cpu") -> TwoWays:
    """Resize by `F.interpolate` and by `F.grid_sample`, with unequal and equal align_corners.

    Args:
        parameters: Side of the output.
        device: Where torch computes.
    """
    source = picture("tiny")
    side = parameters.size
    where = devices.device(device)
    grid = F.affine_grid(
        torch.eye(2, 3, device=where)[None], [1, 1, side, side], align_corners=False
    )
    sampled = F.grid_sample(
        source[None].to(where), grid, padding_mode="border", align_corners=False
    )[0].cpu()
    wrong, right = (
        resize(source, size=side, mode="bilinear", align_corners=flag, device=device)
        for flag in (True, False)
    )
    errors = [float((output - sampled).abs().max()) for output in (wrong, right)]
    # Beyond the edge both read the edge.
    aligned, edges = (
        sample_positions(16, side, align_corners=flag).clamp(0, 15) for flag in (True, False)
    )
    shift = float((aligned - edges).abs().max())
    by_grid = "\nF.grid_sample(x, grid, align_corners=False)"
    return TwoWays(
        mistake=Mistake(
            wrong=calls.spelled("size", "bilinear", "align_corners=True") + by_grid,
            right=calls.spelled("size", "bilinear", "align_corners=False") + by_grid,
            wrong_cost=f"grid_sample and interpolate {_apart(errors[0])}"
            + (f"; they read up to {shift:.2f} pixels apart." if shift else "."),
            right_cost=f"grid_sample and interpolate {_apart(errors[1])}.",
            lesson="A grid fits one way of resizing. Give every call the same align_corners.",
            source=("pytorch-pwc#33", "https://github.com/sniklaus/pytorch-pwc/issues/33"),
        ),
        source=source[0],
        sampled=sampled[0],
        wrong=wrong[0],
        right=right[0],
    )


def antialiased_corners(parameters: TwoLengths, *, device: str = "cpu") -> Combs:
    """Resize a line with antialias and align_corners, and with align_corners alone.

    Args:
        parameters: Both lengths.
        device: Where torch computes.
    """
    n, m = parameters.in_size, parameters.out_size
    ramp = torch.arange(float(n))

    def comb(title: str, antialias: bool, align_corners: bool) -> Comb:
        output = resize(
            ramp[None, None],
            size=(1, m),
            mode="bilinear",
            align_corners=align_corners,
            antialias=antialias,
            device=device,
        )[0, 0]
        positions = sample_positions(
            n, m, mode="bilinear", align_corners=align_corners, antialias=antialias, axes=2
        )
        return Comb(title, ramp, output, positions)

    wrong = comb("both True", antialias=True, align_corners=True)
    right = comb("antialias=True, align_corners=False", antialias=True, align_corners=False)
    drifts = [
        float((line.positions - line.centres).mean())  # where the middle of the line went
        for line in (wrong, right)
    ]
    ends = [
        f"{float(line.outputs[0]):.2f} and {float(line.outputs[-1]):.2f}" for line in (wrong, right)
    ]
    return Combs(
        mistake=Mistake(
            wrong=calls.spelled("size", "bilinear", "antialias=True", "align_corners=True"),
            right=calls.spelled("size", "bilinear", "antialias=True"),
            wrong_cost=f"Reads {_drift(drifts[0])} on average; ends read {ends[0]} for 0 "
            f"and {n - 1}.",
            right_cost=f"Reads {_drift(drifts[1])} on average; ends read {ends[1]} for 0 "
            f"and {n - 1}.",
            lesson="With antialias torch takes align_corners' scale but reads at s·(i + ½) "
            "− ½: where the side changes, the picture moves. False matches PIL.",
            source=("pytorch PR 145526", f"{_TORCH}/pull/145526"),
        ),
        wrong=(wrong,),
        right=(right,),
    )


def question(*, device: str = "cpu") -> Question:
    """Ask which samples nearest picks, and let torch answer."""
    ramp = torch.arange(7.0)[None]
    picks = {
        mode: ", ".join(
            f"{value:.0f}" for value in resize(ramp, size=4, mode=mode, device=device)[0].tolist()
        )
        for mode in ("nearest", "nearest-exact")
    }
    return Question(
        text='`F.interpolate(x, size=4, mode="nearest")` on 0, 1, 2, 3, 4, 5, 6 gives?',
        options=("0, 1, 3, 5", "0, 2, 4, 6", "1, 3, 5, 6", "0, 1, 2, 3"),
        answer=picks["nearest"],
        because=f"nearest reads floor(i·7/4); nearest-exact gives {picks['nearest-exact']}, "
        "under the outputs' centres.",
    )


def _apart(error: float) -> str:
    if not error:
        return "give the same numbers"
    return f"differ by up to {error:.2f}" if error >= 0.005 else f"differ by at most {error:.0e}"


def _value(value: Tensor) -> str:
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def _drift(pixels: float) -> str:
    if abs(pixels) < 0.005:
        return "where it should"
    return f"{abs(pixels):.2f} pixels too far to the {'right' if pixels > 0 else 'left'}"
