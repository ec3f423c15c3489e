"""What a stepper shows: calls one after another, over a drawing whose parts light up.

`ui.stepper` draws it. Figure functions build these; no number is made here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """Hold one call.

    Attributes:
        name: In short.
        code: As it stands in a program.
        lit: Names of the drawing's parts that light up; the last is where things stand after it.
        words: What it does, in one sentence.
        refused: Whether torch raises.
    """

    name: str
    code: str
    lit: tuple[str, ...]
    words: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Stepper:
    """Hold a run, call by call.

    Attributes:
        title: What it shows.
        alt: What the drawing shows, for those who do not see it.
        drawing: SVG; elements that can light up carry ``data-part`` with their name.
        sequences: Calls of a step, each sequence once.
        steps: For each step the number of its sequence, and a line of numbers about it.
        start: Step and call to begin at.
        step_name: What a step is called: "step", "batch".
        group: Charts and steppers of one group go to the same step together.
    """

    title: str
    alt: str
    drawing: str
    sequences: tuple[tuple[Call, ...], ...]
    steps: tuple[tuple[int, str], ...]
    start: tuple[int, int] = (0, 0)
    step_name: str = "step"
    group: str = ""
