"""What Python packs for the stepper, and what it refuses."""

import dataclasses

import pytest

from figures.stepper import Call, Stepper
from ui.stepper import stepper_data

RUN = Stepper(
    title="A run",
    alt="Two boxes.",
    drawing='<svg><g data-part="A"/><g data-part="B"/></svg>',
    sequences=((Call("go", "go()", ("A",), "It goes."), Call("come", "come()", ("A", "B"), "")),),
    steps=((0, "first"), (0, "second")),
    start=(1, 1),
)


def test_the_data_is_plain_lists() -> None:
    data = stepper_data(RUN)
    assert data["sequences"] == [
        [["go", "go()", ["A"], "It goes.", False], ["come", "come()", ["A", "B"], "", False]]
    ]
    assert data["steps"] == [[0, "first"], [0, "second"]]
    assert data["start"] == [1, 1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": ()}, "steps must be at least 1, got 0"),
        ({"steps": ((1, ""),)}, r"steps\[0\] must name one of the sequences, got 1"),
        ({"sequences": ((),)}, r"sequences\[0\] must have a call, got none"),
        ({"start": (2, 0)}, r"start must be a step and one of its calls, got \(2, 0\)"),
        ({"start": (0, 2)}, r"start must be a step and one of its calls, got \(0, 2\)"),
        (
            {"sequences": ((Call("go", "go()", ("C",), ""),),), "start": (0, 0)},
            "lit must name parts of the drawing, got C",
        ),
    ],
)
def test_what_cannot_be_drawn_gets_its_sentence(change, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        stepper_data(dataclasses.replace(RUN, **change))
