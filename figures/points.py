"""What a plane of points shows: groups of points that a reader may drag.

`ui.points` draws it. Figure functions build these; no number is made here.
"""

from dataclasses import dataclass

__all__ = ["Group", "Points"]


@dataclass(frozen=True, slots=True)
class Group:
    """Hold points of one name: ``x`` has points x[0], x[1] and so on.

    Attributes:
        name: As it stands in the program.
        points: All that there are, right and up.
        drawn: How many of them are drawn, the first.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    drawn: int


@dataclass(frozen=True, slots=True)
class Points:
    """Hold the plane.

    Attributes:
        groups: One or two; of two, a line joins each point of the first to each of the second.
        reach: The plane goes from minus that to that, both ways.
        title: What it shows.
        alt: What there is to see now, for those who do not see it.
    """

    groups: tuple[Group, ...]
    reach: float
    title: str
    alt: str
