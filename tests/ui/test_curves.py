"""What Python packs for a line chart, and what it refuses."""

import base64
import dataclasses
import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from figures.curves import SYMBOLS, Band, Curves, Line, Mark
from tests.browser.apps.curves_app import losses, noisy, scales, schedules
from tests.clock import milliseconds
from ui.curves import curves_data

Y = torch.tensor([1.0, 0.5, 0.25])
X = torch.tensor([0.0, 10.0, 20.0])


def chart(*lines: Line, **changes: Any) -> Curves:
    """Return a chart of some lines, or of one."""
    plain = Curves(
        lines=lines or (Line("loss", Y),),
        title="A loss",
        x_title="step",
        y_title="loss (nats)",
        alt="A loss that is halved twice.",
    )
    return dataclasses.replace(plain, **changes)


def unpacked(text: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(text), "<f4")


# ---- What is sent.


def test_every_value_is_sent_in_single_precision_gaps_as_they_are() -> None:
    y = torch.tensor([0.1, math.nan, math.inf, -math.inf, -2.5], dtype=torch.float64)

    sent = curves_data(chart(Line("loss", y, X.new_tensor([0, 1, 1, 2, 5]))))["lines"][0]
    np.testing.assert_array_equal(
        unpacked(sent["y"]), np.array([0.1, np.nan, np.inf, -np.inf, -2.5], np.float32)
    )
    np.testing.assert_array_equal(unpacked(sent["x"]), np.array([0, 1, 1, 2, 5], np.float32))


def test_an_x_that_counts_is_left_out_and_one_that_lines_share_is_sent_once() -> None:
    lines = (
        Line("counted", Y),
        Line("written out", Y, torch.arange(3)),
        Line("own", Y, X),
        Line("shared", Y, X.clone().double()),
        Line("other", Y, X + 1),
        Line("shared with that", Y, X + 1),
    )
    sent = [line["x"] for line in curves_data(chart(*lines))["lines"]]

    assert sent[:2] == [None, None]
    assert isinstance(sent[2], str)
    assert sent[3] == 2
    assert isinstance(sent[4], str)
    assert sent[5] == 4


@settings(max_examples=60)
@given(
    some.lists(
        some.lists(
            some.tuples(
                some.integers(0, 4), some.floats(allow_nan=True, allow_infinity=True, width=32)
            ),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_lines_survive_the_journey(rows: list[list[tuple[int, float]]]) -> None:
    lines = []
    for k, row in enumerate(rows):
        x = torch.tensor([step for step, _ in row]).cumsum(0).float()
        lines.append(Line(str(k), torch.tensor([value for _, value in row]), x))
    sent = curves_data(chart(*lines))["lines"]

    for line, packed in zip(lines, sent, strict=True):
        where = packed["x"]
        if isinstance(where, int):
            where = sent[where]["x"]
        received = np.arange(len(line.y), dtype="<f4") if where is None else unpacked(where)
        np.testing.assert_array_equal(received, np.asarray(line.x))
        np.testing.assert_array_equal(unpacked(packed["y"]), line.y.numpy())


def test_everything_around_the_lines_is_sent_as_it_is() -> None:
    data = curves_data(scales())

    assert [line["shape"] for line in data["lines"]] == ["step", "points", "points"]
    assert [line["axis"] for line in data["lines"]] == ["left", "right", "right"]
    assert data["bands"][0] == [0.0, 12.0, "warm-up"]
    assert data["marks"][2] == [34.0, 32768.0, "doubled", "triangle", "left"]
    assert data["references"] == [[65536.0, "init_scale"]]
    assert (data["height"], data["right_title"]) == (260, "norm of the gradient")
    assert curves_data(chart(y_range=(0, 2)))["y_range"] == [0.0, 2.0]
    assert curves_data(losses())["log"] is True
    assert json.loads(json.dumps(data)) == data


def test_any_device_dtype_and_gradient_will_do() -> None:
    plain = curves_data(chart(Line("loss", Y, X)))

    odd = Line("loss", Y.double().requires_grad_(), X.long())
    assert curves_data(chart(odd)) == plain
    assert curves_data(chart(Line("loss", Y.bfloat16(), X.half()))) == plain


def test_twelve_lines_of_a_thousand_points_take_two_milliseconds_and_seventy_kilobytes() -> None:
    for drawn in (noisy(), schedules(12, 1000)):
        assert len(json.dumps(curves_data(drawn))) < 70_000
        assert milliseconds(partial(curves_data, drawn), limit=2) < 2


# ---- What is refused.


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (chart(title=" "), "title must not be empty"),
        (chart(x_title=""), "x_title must not be empty"),
        (chart(y_title=""), "y_title must not be empty"),
        (chart(alt=""), "alt must not be empty"),
        (dataclasses.replace(chart(), lines=()), "lines must be 1 to 48, got 0"),
        (
            chart(*(Line(f"{k}", Y, faint=True) for k in range(49))),
            "lines must be 1 to 48, got 49",
        ),
        (
            chart(*(Line(f"{k}", Y) for k in range(19))),
            "lines that are not faint must be at most 18, got 19",
        ),
        (chart(Line("a", Y), Line("a", Y)), "names of lines must differ, got a twice"),
        (chart(Line("", Y)), "lines[0].name must not be empty"),
        (
            chart(Line("a", torch.zeros(2, 3))),
            "lines[0].y must have 1 dimension of 1 to 20000, got shape (2, 3)",
        ),
        (
            chart(Line("a", torch.zeros(0))),
            "lines[0].y must have 1 dimension of 1 to 20000, got shape (0,)",
        ),
        (
            chart(Line("a", torch.zeros(20_001))),
            "lines[0].y must have 1 dimension of 1 to 20000, got shape (20001,)",
        ),
        (chart(Line("a", Y + 0j)), "lines[0].y must be real, got torch.complex64"),
        (
            chart(Line("a", Y.double() * 1e39)),
            "lines[0].y must be at most 3.40282e+38, got 1e+39",
        ),
        (
            chart(Line("a", Y), Line("b", Y, torch.zeros(2))),
            "lines[1].x must have shape (3,), got (2,)",
        ),
        (
            chart(Line("a", Y, X.new_tensor([0, math.nan, 1]))),
            "lines[0].x must be finite, got inf or nan",
        ),
        (chart(Line("a", Y, -X)), "lines[0].x must not fall, got a step of -10"),
        (
            chart(Line("a", Y, axis="top")),
            "lines[0].axis must be one of left, right, got top",
        ),
        (
            chart(Line("a", Y, shape="bars")),
            "lines[0].shape must be one of line, step, points, got bars",
        ),
        (chart(Line("a", Y, axis="right")), "right_title must name the right axis, got ''"),
        (
            chart(marks=(Mark(0, 0, "here", axis="right"),)),
            "right_title must name the right axis, got ''",
        ),
        (
            chart(bands=(Band(2, 1, "back"),)),
            "bands[0] must not end before it starts, got 2 to 1",
        ),
        (chart(bands=(Band(0, math.inf, "on"),)), "bands[0] must be finite, got inf"),
        (
            chart(marks=(Mark(0, 0, "a"), Mark(0, math.nan, "b"))),
            "marks[1] must be finite, got nan",
        ),
        (
            chart(marks=(Mark(0, 0, "here", "star"),)),
            "marks[0].symbol must be one of circle, cross, triangle, square, got star",
        ),
        (
            chart(marks=(Mark(0, 0, "here", axis="top"),)),
            "marks[0].axis must be one of left, right, got top",
        ),
        (chart(marks=(Mark(0, 0, "here"),) * 201), "marks must be at most 200, got 201"),
        (chart(references=((math.inf, "never"),)), "references[0] must be finite, got inf"),
        (chart(height=80), "height must lie from 120 to 1000, got 80"),
        (chart(y_range=(1, 1)), "y_range must rise, got 1 to 1"),
        (chart(x_range=(0, math.inf)), "x_range must be finite, got inf"),
        (
            chart(y_range=(0, 1), log=True),
            "y_range of a log axis must be above 0, got 0 to 1",
        ),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_cannot_be_drawn_is_refused(drawn: Curves, message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        curves_data(drawn)

    assert str(refusal.value) == message


def test_faint_lines_may_share_a_name_and_the_right_axis_may_be_named_in_vain() -> None:
    faint = Line("run", Y, faint=True)
    sent = curves_data(chart(Line("run", Y), faint, faint, right_title="unused"))

    assert [line["faint"] for line in sent["lines"]] == [False, True, True]
    assert all(
        curves_data(chart(marks=(Mark(0, 1, "x", symbol),)))["marks"][0][3] == symbol
        for symbol in SYMBOLS
    )
