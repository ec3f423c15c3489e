"""What Python packs for a plane of points, and what it lets a browser send back."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from figures.points import Group, Points
from ui.points import points_data

PLANE: dict[str, Any] = {
    "groups": (Group("x", ((0.5, -1.0), (2.0, 2.0)), 1), Group("y", ((4.0, -4.0),), 1)),
    "reach": 4.0,
    "title": "Points",
    "alt": "Two points.",
}


def test_every_point_is_packed_and_the_first_of_each_group_are_drawn() -> None:
    data = points_data(Points(**PLANE))
    assert json.loads(json.dumps(data)) == data
    x, y = data["groups"]
    assert x == {"name": "x", "points": [[0.5, -1.0], [2.0, 2.0]], "drawn": 1}
    assert y["points"] == [[4.0, -4.0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": " "}, "title must not be empty"),
        ({"alt": ""}, "alt must not be empty"),
        ({"groups": ()}, "groups must be 1 or 2, got 0"),
        ({"reach": 0.0}, "reach must be above 0 and finite, got 0.0"),
        ({"reach": 3.0}, "y must lie within 3 of the origin, got 4"),
        ({"groups": (Group("x", ((float("nan"), 0.0),), 1),)}, "x must lie within 4"),
        ({"groups": (Group("x", ((0.0, 0.0),), 2),)}, "drawn must be at most the points of x"),
        ({"groups": (Group("x", ((0.0, 0.0),) * 33, 33),)}, "points drawn must be at most 32"),
    ],
)
def test_a_plane_that_breaks_a_rule_is_refused_with_its_sentence(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        points_data(Points(**PLANE | change))


def moved(sent: object) -> list[Any]:
    """What the page is told when a browser sends this."""
    tester = AppTest.from_string(
        """
        import streamlit as st
        from unittest.mock import patch
        from figures.points import Group, Points
        from ui import points

        told = st.session_state.setdefault("told", [])
        plane = Points((Group("x", ((0.0, 0.0), (1.0, 1.0)), 1),), 4.0, "Points", "Two points.")

        def draw(data, *, key, on_edit):
            on_edit(st.session_state["sent"])

        with patch.object(points.POINTS, "draw", draw):
            points.points(plane, key="plane", on_edit=told.append)
        """
    )
    tester.session_state["sent"] = sent
    tester.run()
    assert not tester.exception
    return tester.session_state["told"]


def test_places_are_taken_to_a_tenth_and_what_is_no_places_is_ignored() -> None:
    assert moved([[0.26, -0.04], [4, -4]]) == [[[0.3, 0.0], [4.0, -4.0]]]
    for sent in (
        None,
        "1",
        [],
        [[0.0, 0.0]],
        [[0.0], [0.0]],
        [[0.0, 0.0], [5.0, 0.0]],
        [[0.0, float("nan")], [0.0, 0.0]],
        [[True, 0.0], [0.0, 0.0]],
    ):
        assert moved(sent) == []
