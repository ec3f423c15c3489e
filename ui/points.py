"""Draw a plane of points that can be dragged, or moved by keys."""

import math
from collections.abc import Callable
from typing import Any

from figures.points import Points
from ui.component import Component
from ui.numbers import checked_table

__all__ = ["POINTS", "points", "points_data"]

MOST_POINTS = 32  # drawn, of all groups

POINTS = Component("torch_loupe_points", "points", kind=("points", "Points"))

Rows = list[list[float]]


def points(drawn: Points, *, key: str, on_edit: Callable[[Rows], None] | None = None) -> None:
    """Show points in a plane; its page sends the code of `POINTS`.

    A point follows pointer and arrow keys in the browser alone, and is sent when it is let go.

    Args:
        drawn: What to show.
        key: Name of the plane, unique on its page.
        on_edit: Called in Streamlit's callback with the places ``[right, up]`` of all points, group
            after group, once one was moved: within the plane, rounded to a tenth. None makes them
            points to look at.

    Raises:
        ValueError: As `points_data`.
    """
    data = points_data(drawn) | {"editable": on_edit is not None}
    count = sum(len(group.points) for group in drawn.groups)

    def edited(sent: object) -> None:
        table = checked_table(sent, (count, 2), minimum=-drawn.reach, maximum=drawn.reach)
        if on_edit is not None and table is not None:
            on_edit([[round(value, 1) + 0.0 for value in place] for place in table])

    POINTS.draw(data, key=key, on_edit=None if on_edit is None else edited)


def points_data(drawn: Points) -> dict[str, Any]:
    """Pack a plane for the browser.

    Raises:
        ValueError: There are no groups, more than two or too many points, a point lies outside the
            plane, a group draws more points than it has, or a word is missing.
    """
    for name in ("title", "alt"):
        if not getattr(drawn, name).strip():
            raise ValueError(f"{name} must not be empty")
    if not 1 <= len(drawn.groups) <= 2:
        raise ValueError(f"groups must be 1 or 2, got {len(drawn.groups)}")
    if not (math.isfinite(drawn.reach) and drawn.reach > 0):
        raise ValueError(f"reach must be above 0 and finite, got {drawn.reach}")
    shown = sum(group.drawn for group in drawn.groups)
    if shown > MOST_POINTS:
        raise ValueError(f"points drawn must be at most {MOST_POINTS}, got {shown}")
    for group in drawn.groups:
        if not 0 <= group.drawn <= len(group.points):
            raise ValueError(
                f"drawn must be at most the points of {group.name}, got {group.drawn} of "
                f"{len(group.points)}"
            )
        for value in (value for point in group.points for value in point):
            if not abs(value) <= drawn.reach:
                raise ValueError(
                    f"{group.name} must lie within {drawn.reach:g} of the origin, got {value:g}"
                )
    return {
        "groups": [
            {"name": group.name, "points": [list(p) for p in group.points], "drawn": group.drawn}
            for group in drawn.groups
        ],
        "reach": drawn.reach,
        "title": drawn.title,
        "alt": drawn.alt,
    }
