"""What a loupe shows: an operation's input and output, and which entry made which.

`ui.figure` draws it, as pictures or as tables of numbers. Figure functions build these; no number
is made here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.linkage import Linkage

__all__ = ["Linked"]


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Hold two pictures, linked.

    Attributes:
        source: ``(H, W)`` input, floating and finite; sides from 1 to 32, of numbers from 1 to 8.
        output: ``(H', W')`` what the operation made of it; sides from 1 to 32.
        linkage: The operation's linkage, taken at ``source`` if it is not linear.
        alt: What there is to see now, for those who do not see it.
        source_title: Heading of the input.
        output_title: Heading of the output.
        in_name: The input's name in the sum.
        out_name: The output's name in the sum.
        empty_text: Of pictures: why an output may have no source; ends a sentence.
        start: (row, column) of the output shown at first; None picks one.
        size: Of pictures: largest side on screen, in CSS pixels.
        shared_range: Of pictures: whether equal greys mean equal values in both.
        numbers: Whether both are tables of numbers.
        editable: Of numbers: whether a reader may type over the input, which is then what the
            lesson's figure edits.
        minimum: Of numbers: least entry of the input.
        maximum: Of numbers: greatest entry of the input.
    """

    source: "Tensor"
    output: "Tensor"
    linkage: "Linkage"
    alt: str
    source_title: str = "Input"
    output_title: str = "Output"
    in_name: str = "in"
    out_name: str = "out"
    empty_text: str = "nothing of the input is read"
    start: tuple[int, int] | None = None
    size: int = 360
    shared_range: bool = True
    numbers: bool = False
    editable: bool = False
    minimum: float = -1e6
    maximum: float = 1e6
