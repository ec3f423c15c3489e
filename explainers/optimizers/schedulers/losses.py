"""Make up curves of losses that bring out when ReduceLROnPlateau lowers the rate."""

import torch

from explainers.parameters import shown

LOSSES = {
    "flat": "never falls",
    "falling": "falls by a tenth each step",
    "noisy": "falls, with noise",
    "stalls": "falls, then stays",
    "slow": "falls by 5e-6 each step",
}


def losses(kind: str, count: int, *, seed: int = 0) -> list[float]:
    """Return a made-up curve of losses.

    Args:
        kind: A key of `LOSSES`.
        count: How many.
        seed: Of the noise.

    Raises:
        ValueError: `kind` is none of these.
    """
    if kind not in LOSSES:
        raise ValueError(f"kind must be one of {', '.join(LOSSES)}, got {shown(kind)}")
    t = torch.arange(count, dtype=torch.float64)
    noise = torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    curves = {
        "flat": torch.ones_like(t),
        "falling": 0.9**t,
        "noisy": 0.1 + 0.95**t + 0.05 * noise,
        "stalls": (0.9**t).clamp(min=0.2),
        "slow": 1 - 5e-6 * t,
    }
    return [float(loss) for loss in curves[kind]]
