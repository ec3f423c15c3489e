"""Draw the stepper: calls one after another, over a drawing whose parts light up."""

from typing import Any

from figures.stepper import Stepper
from ui.component import Component

__all__ = ["STEPPER", "stepper", "stepper_data"]

STEPPER = Component("torch_loupe_stepper", "bar", "stepper", kind=("stepper", "Stepper"))


def stepper(drawn: Stepper, *, key: str) -> None:
    """Show a run, call by call: played, stepped through, or scrubbed by steps.

    It does not play by itself, and asks for no rerun. Its page sends the code of `STEPPER`.

    Args:
        drawn: What to show.
        key: Name of the stepper, unique on its page. Where the reader is outlives new data.

    Raises:
        ValueError: As `stepper_data`.
    """
    STEPPER.draw(stepper_data(drawn), key=key)


def stepper_data(drawn: Stepper) -> dict[str, Any]:
    """Pack what `stepper` is given for the browser.

    Raises:
        ValueError: There is no step, a sequence is empty or not there, a part that is to light up
            is not in the drawing, or `start` is no call.
    """
    if not drawn.steps:
        raise ValueError("steps must be at least 1, got 0")
    for index, sequence in enumerate(drawn.sequences):
        if not sequence:
            raise ValueError(f"sequences[{index}] must have a call, got none")
        for part in {name for call in sequence for name in call.lit}:
            if f'data-part="{part}"' not in drawn.drawing:
                raise ValueError(f"lit must name parts of the drawing, got {part}")
    for index, (number, _) in enumerate(drawn.steps):
        if not 0 <= number < len(drawn.sequences):
            raise ValueError(f"steps[{index}] must name one of the sequences, got {number}")
    step, call = drawn.start
    if not (
        0 <= step < len(drawn.steps) and 0 <= call < len(drawn.sequences[drawn.steps[step][0]])
    ):
        raise ValueError(f"start must be a step and one of its calls, got {drawn.start}")
    return {
        "title": drawn.title,
        "alt": drawn.alt,
        "drawing": drawn.drawing,
        "sequences": [
            [[call.name, call.code, list(call.lit), call.words, call.refused] for call in sequence]
            for sequence in drawn.sequences
        ],
        "steps": [list(step) for step in drawn.steps],
        "start": list(drawn.start),
        "step_name": drawn.step_name,
        "group": drawn.group,
    }
