"""Run the mistakes people make with narrow formats, and what each costs."""

import dataclasses
import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import devices
from explainers.evidence import CurveMistake, Mistake, row, worded
from explainers.parameters import Parameters, choice, number
from explainers.precision.float_formats.vanishing import vanishing
from explainers.precision.formats import FORMATS, brief, power, rounded

_PYTORCH = "https://github.com/pytorch/pytorch"
_NARROW = ("float16", "bfloat16")
_MOST_ADDED = 5000


def _dtype(default: str = "float16") -> str:
    made: str = choice(default, _NARROW, label="dtype", help="The narrow format.")
    return made


@dataclasses.dataclass(frozen=True)
class SmallUpdates(Parameters):
    """Hold an update that is added to a weight of 1 again and again."""

    dtype: str = _dtype()
    exponent: int = number(
        -12,
        label="update, as a power of 2",
        help="Per step.",
        minimum=-16,
        maximum=-7,
        step=1,
    )


def small_updates(parameters: SmallUpdates, *, device: str = "cpu") -> CurveMistake:
    """Add an update to a weight a thousand times, in a narrow format and to a float32 master.

    Args:
        parameters: Format and update.
        device: Where torch adds.
    """
    steps, name = 1000, parameters.dtype
    update = math.ldexp(1.0, parameters.exponent)
    narrow = vanishing(update, steps=steps, dtype=name, device=device)
    master = vanishing(update, steps=steps, dtype="float32", device=device)
    seen = master.weight.float().to(FORMATS[name].dtype).double()
    exact = float(narrow.exact[-1])
    return CurveMistake(
        mistake=Mistake(
            wrong=f"weight = weight.to(torch.{name})\nfor step in range({steps}):\n"
            f"    weight += 2**{parameters.exponent}",
            right=f"master = weight.float()\nfor step in range({steps}):\n"
            f"    master += 2**{parameters.exponent}\n"
            "    # for forward and backward:\n"
            f"    weight = master.to(torch.{name})",
            wrong_cost=f"The weight ends at {_beside(narrow.weight[-1], exact)}. Just above 1, "
            f"{name} numbers are {narrow.gap:.2g} apart.",
            right_cost=f"The float32 weight ends at {_beside(master.weight[-1], exact)}; its "
            f"{name} copy is {seen[-1]:.3g}.",
            lesson="Less than half the gap always rounds away; from 1, so does exactly half "
            "(ties go to even). Keep weights in float32, as autocast does, and cast a copy.",
            source=("pytorch/ao PR 1124", "https://github.com/pytorch/ao/pull/1124"),
        ),
        shows="weight",
        over="step",
        x=torch.arange(steps + 1, dtype=torch.float64),
        wrong=narrow.weight,
        right=seen,
        look=steps,
        others={"float32 master": master.weight},
    )


def _beside(value: Tensor | float, exact: float) -> str:
    """Return a number beside what it should be, in words."""
    found, meant = worded(value), worded(exact)
    return f"{found}, as it should" if found == meant else f"{found}, not {meant}"


_EPSILONS = ("1e-8", "1e-7", "1e-6", "1e-4")


@dataclasses.dataclass(frozen=True)
class AdamEps(Parameters):
    """Hold Adam's epsilon for weights in float16."""

    eps: str = choice(
        "1e-8",
        _EPSILONS,
        label="eps",
        help="In Adam's denominator; torch's default is 1e-8.",
    )


def adam_eps(parameters: AdamEps, *, device: str = "cpu") -> CurveMistake:
    """Train float16 weights with Adam's epsilon, and float32 weights under autocast.

    Args:
        parameters: The epsilon of the float16 weights.
        device: Where torch computes.
    """
    steps = 30
    where = devices.device(device)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 4, generator=generator)
    # An input that is always 0, as of a dead unit: its gradient is 0, and so is Adam's denominator.
    inputs[:, 3] = 0
    inputs = inputs.to(where)
    targets = inputs[:, :1] - inputs[:, 1:2]
    eps = float(parameters.eps)

    def trained(dtype: torch.dtype, eps: float) -> tuple[Tensor, Tensor]:
        weight = torch.zeros(1, 4, device=where, dtype=dtype, requires_grad=True)
        optimizer = torch.optim.Adam([weight], lr=0.05, eps=eps, foreach=False)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            with torch.autocast(
                where.type, dtype=torch.float16, enabled=dtype is not torch.float16
            ):
                output = F.linear(inputs.to(dtype), weight)
            loss = F.mse_loss(output.float(), targets)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        return row(losses), weight.detach().float().cpu()

    (wrong, broken), (right, kept) = trained(torch.float16, eps), trained(torch.float32, 1e-8)
    stored = rounded(eps, "float16")
    bad, fine = (int((~each.isfinite()).sum()) for each in (broken, kept))
    return CurveMistake(
        mistake=Mistake(
            wrong="model.half()\noptimizer = Adam(\n"
            f"    model.parameters(), lr=0.05, eps={parameters.eps}\n)",
            right="# the weights stay float32\n"
            "optimizer = Adam(model.parameters(), lr=0.05)\n"
            f'with torch.autocast("{where.type}", torch.float16):\n    output = model(inputs)',
            wrong_cost=f"{parameters.eps} is {brief(stored, 3)} in float16. After {steps} "
            f"steps {bad} of 4 weights are not finite; loss {worded(wrong[-1])}.",
            right_cost=f"{fine} of 4 weights are not finite; loss {worded(right[-1])}.",
            lesson=f"In float16 an epsilon up to {power(-25)} is 0: weights without a gradient "
            "give 0 / 0. Keep weights and Adam's averages in float32.",
            source=("pytorch#8860", f"{_PYTORCH}/issues/8860"),
        ),
        shows="loss",
        over="step",
        x=torch.arange(steps, dtype=torch.float64),
        wrong=wrong,
        right=right,
        look=_first_apart(wrong, right),
    )


def _first_apart(wrong: Tensor, right: Tensor) -> int:
    """Return where two curves first part by more than a hundredth; the last point if nowhere."""
    apart = ~torch.isclose(wrong, right, rtol=0.01, atol=0.0, equal_nan=True)
    return int(apart.int().argmax()) if bool(apart.any()) else len(wrong) - 1


@dataclasses.dataclass(frozen=True)
class OneByOne(Parameters):
    """Hold how many ones are added up, and in which format."""

    dtype: str = _dtype()
    count: int = number(
        4000,
        label="how many ones",
        help="Samples counted, or losses summed.",
        minimum=100,
        maximum=_MOST_ADDED,
        step=100,
    )


def one_by_one(parameters: OneByOne, *, device: str = "cpu") -> CurveMistake:
    """Add ones up in a loop over a narrow total, and by torch.sum.

    Args:
        parameters: Format and count.
        device: Where torch adds.
    """
    name, count = parameters.dtype, parameters.count
    points = torch.arange(0, count + 1, 50)
    if points[-1] != count:
        points = torch.cat([points, torch.tensor([count])])
    wrong = _running(name, device)[points]
    ones = torch.ones(count, dtype=FORMATS[name].dtype, device=devices.device(device))
    right = row([float(ones[:point].sum()) for point in points.tolist()])
    stuck = int((wrong < wrong[-1]).sum())
    stands = wrong[-1] == wrong[-2]
    end = int(_running(name, device)[-1])
    return CurveMistake(
        mistake=Mistake(
            wrong=f"total = torch.zeros((), dtype=torch.{name})\nfor value in values:\n"
            "    total += value",
            right="total = values.sum()\n# or: total = 0.0, then total += float(value)",
            wrong_cost=f"{count} ones add up to {wrong[-1]:g}"
            + (f": {wrong[-1]:g} + 1 is {wrong[-1]:g}." if stands else "."),
            right_cost=f"torch.sum of {count} ones gives {right[-1]:g}"
            + (
                "."
                if float(right[-1]) == count
                else f": added in float32, then rounded: {name} has no {count}."
            ),
            lesson="torch.sum adds in float32 and rounds at the end; of a long tensor on several "
            f"threads, each thread's part too. A running total of ones stops at {end} in {name}. "
            "Count in Python, or sum with dtype=torch.float32.",
            source=("pytorch/xla PR 2425", "https://github.com/pytorch/xla/pull/2425"),
        ),
        shows="total",
        over="ones added",
        x=points.double(),
        wrong=wrong,
        right=right,
        look=min(stuck, len(points) - 1),
    )


@functools.lru_cache(maxsize=8)
def _running(name: str, device: str) -> Tensor:
    """Return the total before and after each of the most ones, remembered, ``(most + 1,)``."""
    return vanishing(1.0, weight=0.0, steps=_MOST_ADDED, dtype=name, device=device).weight


@dataclasses.dataclass(frozen=True)
class Positions(Parameters):
    """Hold how long a text is, and the format of its positions."""

    dtype: str = _dtype("bfloat16")
    length: int = number(
        4096,
        label="positions",
        help="Tokens; the last 48 are drawn.",
        minimum=128,
        maximum=16384,
        step=128,
    )


def positions(parameters: Positions, *, device: str = "cpu") -> CurveMistake:
    """Make the cosines of a rotary embedding from positions in a narrow format and in float32.

    Args:
        parameters: Format and length.
        device: Where torch computes.
    """
    name, length = parameters.dtype, parameters.length
    dtype, where = FORMATS[name].dtype, devices.device(device)
    # As Module.to(dtype) leaves it: the buffer of frequencies is narrow, and positions follow it.
    narrow = torch.arange(length, device=where).to(dtype)
    wide = torch.arange(length, device=where).float()
    # The first frequency is 1 in every such table.
    wrong, right = narrow.cos().cpu().double(), wide.cos().to(dtype).cpu().double()
    exact = torch.arange(length, dtype=torch.float64).cos()
    distinct = len(narrow.cpu().double().unique())
    off, near = (float((each - exact).abs().max()) for each in (wrong, right))
    last = slice(max(length - 48, 0), length)
    return CurveMistake(
        mistake=Mistake(
            wrong=f"# inv_freq is {name}\nposition = torch.arange({length})\n"
            "position = position.to(inv_freq.dtype)\n"
            "cos = (position * inv_freq[0]).cos()",
            right=f"position = torch.arange({length}).float()\n"
            "phase = position * inv_freq[0].float()\n"
            f"cos = phase.cos().to(torch.{name})",
            wrong_cost=f"{length} positions become {distinct} distinct ones. The cosine is off "
            f"by up to {brief(off)}.",
            right_cost=f"All {length} positions are distinct. The cosine is off by up to "
            f"{brief(near)}: one rounding.",
            lesson="Past 2048 in float16, 256 in bfloat16, whole numbers merge. "
            "model.to(dtype) casts buffers too: make positions and phases in "
            "float32.",
            source=(
                "transformers#25681",
                "https://github.com/huggingface/transformers/issues/25681",
            ),
        ),
        shows="cosine of the position",
        over="position",
        x=torch.arange(length, dtype=torch.float64)[last],
        wrong=wrong[last],
        right=right[last],
        look=47,
        others={"exact": exact[last]},
    )


@dataclasses.dataclass(frozen=True)
class Squares(Parameters):
    """Hold how large activations are when they are squared."""

    size: int = number(
        8,
        label="activations' size, as a power of 2",
        help="Root mean square before the norm.",
        minimum=0,
        maximum=13,
        step=1,
    )


def _one(value: Tensor) -> str:
    """Return what should be 1, in words."""
    found = worded(value)
    return "1, as it should be" if found == "1" else f"{found}, not 1"


def squares(parameters: Squares, *, device: str = "cpu") -> CurveMistake:
    """Normalise float16 activations of many sizes, squared in float16 and in float32.

    Args:
        parameters: The size to look at.
        device: Where torch computes.
    """
    where = devices.device(device)
    normal = torch.randn(512, generator=torch.Generator().manual_seed(0))
    normal = normal / normal.square().mean().sqrt()
    sizes = torch.arange(14)

    def after(dtype: torch.dtype, wide: bool) -> Tensor:
        """Return the root mean square after the norm, for every size; it should be 1."""
        found = []
        for size in sizes.tolist():
            x = (normal * 2.0**size).to(where, dtype)
            square = (x.float() if wide else x).pow(2).mean()
            y = x * torch.rsqrt(square + 1e-6).to(dtype)
            found.append(float(y.double().square().mean().sqrt()))
        return row(found)

    wrong, right = after(torch.float16, False), after(torch.float16, True)
    at = parameters.size
    largest = float((normal * 2.0**at).half().float().abs().max())
    square = rounded(largest**2, "float16")
    code = (
        "square = {}.pow(2)\nvariance = square.mean(-1, keepdim=True)\n"
        "scale = torch.rsqrt(variance + eps)\ny = x * {}"
    )
    return CurveMistake(
        mistake=Mistake(
            wrong=code.format("x", "scale"),
            right=code.format("x.float()", "scale.to(x.dtype)"),
            wrong_cost=f"The largest activation, {largest:.4g}, squared is {square:.4g} in "
            f"float16. Root mean square after the norm: {_one(wrong[at])}.",
            right_cost=f"Root mean square after the norm: {_one(right[at])}.",
            lesson="float16's 256 squared is infinite, and 1 / sqrt(inf) is 0: only zeros "
            "pass. Square in float32, as torch's norms do.",
            source=("pytorch PR 133085", f"{_PYTORCH}/pull/133085"),
        ),
        shows="root mean square after the norm",
        over="size before the norm, as a power of 2",
        x=sizes.double(),
        wrong=wrong,
        right=right,
        look=at,
        others={"the wrong line in bfloat16": after(torch.bfloat16, False)},
    )


@dataclasses.dataclass(frozen=True)
class Compare(Parameters):
    """Hold the format whose results are compared with float32's."""

    dtype: str = _dtype()


def compare(parameters: Compare, *, device: str = "cpu") -> CurveMistake:
    """Compare a narrow softmax with float32's: by one tolerance for all, and by the format's.

    Args:
        parameters: The format.
        device: Where torch computes.
    """
    dtype, where = FORMATS[parameters.dtype].dtype, devices.device(device)
    logits = torch.randn(16, 8, generator=torch.Generator().manual_seed(0)).to(where)
    # From the same numbers: what differs is the arithmetic alone.
    narrow = logits.to(dtype).softmax(dim=1).float()
    wide = logits.to(dtype).float().softmax(dim=1)
    official = torch.allclose(narrow, wide)
    rtol, atol = torch.testing._comparison.default_tolerances(dtype)
    try:
        torch.testing.assert_close(narrow.to(dtype), wide, check_dtype=False)
        agrees = True
    except AssertionError:
        agrees = False
    error = (narrow - wide).abs().cpu().double().flatten()
    size = wide.cpu().double().flatten().abs()
    by_one = (error / (1e-8 + 1e-5 * size)).sort().values
    by_format = (error / (atol + rtol * size)).sort().values
    bad, beyond = (int((each > 1).sum()) for each in (by_one, by_format))
    count = len(error)
    narrowed = f"# logits are {parameters.dtype}\noutput = logits.softmax(1)\n"
    return CurveMistake(
        mistake=Mistake(
            wrong=f"{narrowed}assert torch.allclose(\n    output.float(), reference\n)",
            right=f"{narrowed}torch.testing.assert_close(\n"
            "    output, reference, check_dtype=False\n)",
            wrong_cost=f"torch.allclose gives {official}: {bad} of {count} values exceed "
            "its rtol, 1e-5.",
            right_cost=f"assert_close {'passes' if agrees else 'raises'}: {beyond} of "
            f"{count} exceed {parameters.dtype}'s rtol, {rtol:g}.",
            lesson="torch.allclose has one tolerance, too fine for narrow formats. "
            "assert_close takes the dtype's. Where terms cancel, neither helps.",
            source=("pytorch PR 162041", f"{_PYTORCH}/pull/162041"),
        ),
        shows="error over allowed error",
        over="values, from least to largest error",
        x=torch.arange(count, dtype=torch.float64),
        # On a log axis nothing is at 0.
        wrong=by_one.clamp(min=1e-3),
        right=by_format.clamp(min=1e-3),
        look=count - 1,
        limit=(1.0, "allowed"),
        log=True,
    )
