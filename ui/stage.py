"""Draw the stage: a program that ran, line by line, and what its names held after each."""

from typing import Any

from figures.stage import Stage
from ui.component import Component

__all__ = ["STAGE", "stage", "stage_data"]

STAGE = Component("torch_loupe_stage", "bar", "stage", kind=("stage", "Stage"))


def stage(drawn: Stage, *, key: str, address: str = "") -> None:
    """Show a run: stepped through, played or scrubbed, and asked about cell by cell.

    It does not play by itself, and asks for no rerun. Its page sends the code of `STAGE`.

    Args:
        drawn: What to show.
        key: Name of the stage, unique on its page. Where the reader is outlives new data, unless
            the title is another: then the stage opens anew.
        address: What the address calls the step, counted from 1; "" where it tells none.
    """
    STAGE.draw(stage_data(drawn, address=address), key=key)


def stage_data(drawn: Stage, *, address: str = "") -> dict[str, Any]:
    """Pack what `stage` is given for the browser."""
    data: dict[str, Any] = {
        "title": drawn.title,
        "runs": list(drawn.runs),
        "start": drawn.start,
        "address": address,
    }
    if drawn.parted is not None:
        parted = drawn.parted
        data["parted"] = {"steps": list(parted.steps), "words": parted.words}
        if parted.shown is not None:
            data["parted"] |= {"shown": list(parted.shown), "seen": parted.seen}
    return data
