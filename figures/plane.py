"""Draw arrows from the origin of a plane, and the outline of what is short enough."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from figures import style

__all__ = ["Plane", "number"]

_SIDE = 320  # in CSS pixels


def number(value: float) -> str:
    """Return a number as a plane spells it: four digits, and no minus before 0."""
    return "NaN" if math.isnan(value) else f"{value + 0.0:.4g}"


@dataclass(frozen=True, slots=True)
class Plane:
    """Hold a square plane: it goes from minus `reach` to `reach`, right and up."""

    reach: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies, in pixels; an infinite x at the edge."""
        if math.isinf(x):  # beside it any other entry is nothing
            x, y = math.copysign(self.reach, x), 0.0
        half = _SIDE / 2
        return half * (1 + x / self.reach), half * (1 - y / self.reach)

    def arrow(self, tip: Sequence[float], colour: str) -> str:
        """Return an arrow from the origin to a point: x, y, and what else there is."""
        ends = np.array([self.at(0, 0)]), np.array([self.at(tip[0], tip[1])])
        return style.arrows(*ends, colour=colour, head=9)

    def beyond(self, x: float, y: float, words: str) -> str:
        """Return words beyond the tip of an arrow to (x, y)."""
        left, top = self.at(x, y)
        length = math.hypot(x, y) or 1.0
        return (
            f'<text text-anchor="middle" x="{left + 13 * x / length:.1f}" '
            f'y="{top + 4 - 13 * y / length:.1f}">{words}</text>'
        )

    def frame(self, outline: Iterable[tuple[float, float]], most: float) -> str:
        """Return the axes, an outline, and the number at which it crosses the second axis."""
        left, top = self.at(0, most)
        half = _SIDE / 2
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (self.at(*point) for point in outline))
        return (
            f'<path class="axis" d="M0 {half}H{_SIDE}M{half} 0V{_SIDE}"/>'
            f'<path class="outline" d="M{path}Z"/>'
            f'<text class="most" x="{left + 3:.1f}" y="{top - 5:.1f}">{number(most)}</text>'
        )

    def drawn(self, parts: str, caption: str) -> str:
        """Return the drawing, with words below."""
        return (
            f'<figure><svg viewBox="0 0 {_SIDE} {_SIDE}" aria-hidden="true">{parts}</svg>'
            f"<figcaption>{caption}</figcaption></figure>"
        )
