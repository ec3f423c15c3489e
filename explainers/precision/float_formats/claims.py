"""Judge what the notes say of float16's limits."""

import math

import torch

from explainers import devices
from explainers.evidence import Claim, Verdict
from explainers.precision.float_formats.vanishing import vanishing
from explainers.precision.formats import brief, power


def claims(*, device: str = "cpu") -> tuple[Claim, ...]:
    """Judge what the notes say of float16's limits by what torch gives now.

    Args:
        device: Where torch computes.
    """
    where = devices.device(device)
    return (
        _overflow_claim(where),
        _rounding_claim(device),
        _epsilon_claim(where),
        _sum_claim(where),
        _softmax_claim(where),
    )


def _overflow_claim(where: torch.device) -> Claim:
    big = torch.tensor([65519.0, 65520.0], device=where).half()
    tiny = torch.tensor([2.0**-25, 2.0**-25 * 1.01], device=where).half()
    both = not math.isfinite(big[1]) and tiny[0] == 0
    difference = float(big[1] - big[1])
    return Claim(
        "float16 has overflow errors, above and below; after an overflow come NaNs.",
        "Why use amp: drawbacks",
        Verdict.HOLDS if both and math.isnan(difference) else Verdict.WRONG,
        f"65519 becomes {float(big[0]):g}, 65520 {float(big[1]):g}, inf - inf "
        f"{difference:g}; {power(-25)} becomes {float(tiny[0]):g}, a little more "
        f"{brief(float(tiny[1]))}.",
        f"float16 holds {power(-24)} (6e-8) to 65504; below {power(-14)} with fewer digits.",
    )


def _rounding_claim(device: str) -> Claim:
    ends = {
        dtype: float(vanishing(4e-4, dtype=dtype, device=device).weight[-1])
        for dtype in ("float16", "bfloat16", "float32")
    }
    return Claim(
        "Rounding errors: where the gradient is too small, the update may fail.",
        "Why use amp: drawbacks",
        Verdict.HOLDS if ends["float16"] == 1 and ends["float32"] > 1.39 else Verdict.WRONG,
        "1 after 1000 updates of 0.0004: "
        + ", ".join(f"{dtype} {end:.3g}" for dtype, end in ends.items())
        + ".",
        "Just above 1, float16 numbers are 0.00098 apart; less than half of that is lost. "
        "autocast keeps weights in float32.",
    )


def _epsilon_claim(where: torch.device) -> Claim:
    one, zero = (torch.tensor(value, dtype=torch.half, device=where) for value in (1.0, 0.0))
    quotients = {eps: float(one / (zero + eps)) for eps in (1e-8, 1e-4)}
    stored = float(torch.tensor(1e-8, device=where).half())
    underflows = stored == 0 and quotients[1e-8] == math.inf
    return Claim(
        "Constants such as epsilon must not overflow.",
        "Notes of caution: range of constants",
        Verdict.CONDITION if underflows else Verdict.WRONG,
        f"1e-8 in float16 is {stored:g}; 1 / (0 + eps) is "
        + ", ".join(f"{value:g} for {brief(eps)}" for eps, value in quotients.items())
        + ".",
        f"If underflow counts: an epsilon of {power(-25)} or less becomes 0 and guards nothing.",
    )


def _sum_claim(where: torch.device) -> Claim:
    ones = torch.ones(70000, dtype=torch.half, device=where)
    total, wide = float(ones.sum()), float(ones.sum(dtype=torch.float32))
    mean, square = float(ones.mean()), float((300 * ones[:1]).square())
    return Claim(
        "Take care with sums: they overflow easily.",
        "Notes of caution: sum",
        Verdict.HOLDS if math.isinf(total) and (wide, mean) == (70000, 1) else Verdict.WRONG,
        f"70000 ones sum to {total:g} in float16, {wide:g} with dtype=float32; mean "
        f"{mean:g}. 300 squared is {square:g}.",
        "float16 cannot hold the result. torch adds in float32, so the mean is right; "
        "autocast on CUDA returns float32 sums.",
    )


def _softmax_claim(where: torch.device) -> Claim:
    logits = torch.tensor([12.0, 1.0], dtype=torch.half, device=where)
    naive = (logits.exp() / logits.exp().sum()).tolist()
    official = logits.softmax(0).tolist()
    held = math.isnan(naive[0]) and abs(sum(official) - 1) < 1e-3
    return Claim(
        "For softmax use the official API.",
        "Notes of caution: sum",
        Verdict.HOLDS if held else Verdict.WRONG,
        f"Logits 12 and 1: exp over its sum gives {naive[0]:g} and {naive[1]:g}, "
        f"torch.softmax {official[0]:g} and {brief(official[1])}.",
        "torch subtracts the largest logit first; exp(12) is above 65504.",
    )
