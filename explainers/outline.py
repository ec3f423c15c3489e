"""The points of a plane that a norm puts on a bound: a circle, a diamond, a square."""

import math

import torch

__all__ = ["outline"]

_DIRECTIONS = 96


def outline(order: float, most: float) -> tuple[tuple[float, float], ...]:
    """Return 96 points (x, y) whose norm of this order is `most`, all the way round."""
    angles = torch.arange(_DIRECTIONS, dtype=torch.float64) * (2 * math.pi / _DIRECTIONS)
    rays = torch.stack([angles.cos(), angles.sin()], dim=1)
    reach = torch.linalg.vector_norm(rays, order, dim=1, keepdim=True)
    return tuple((x, y) for x, y in (most * rays / reach).tolist())
