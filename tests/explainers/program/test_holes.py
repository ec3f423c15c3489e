"""What a setting looks like in the hole of a program."""

import ast
import dataclasses

import pytest

from explainers.parameters import Parameters, numbers
from explainers.program.lessons import Ask, Lesson


@dataclasses.dataclass(frozen=True)
class Cells(Parameters):
    table: str = numbers(
        "1, -2; 0.5, 1e6",
        label="table",
        help="Rows.",
        minimum=-10,
        maximum=1e6,
        rows=(1, 3),
        columns=(1, 2),
    )
    row: str = numbers(
        "3, 0", label="row", help="Whole.", minimum=0, maximum=9, columns=(1, 2), integer=True
    )


def filled(settings: Cells) -> tuple[list, list]:
    """The values that stand in the holes."""
    lesson = Lesson(
        slug="holes",
        title="holes",
        notice="",
        program="(${table}, ${row})",
        ask=Ask("", "", str, (), ""),
        proofs=(),
        parameters=Cells,
    )
    return ast.literal_eval(lesson.source(settings).strip())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Cells(), ([[1.0, -2.0], [0.5, 1e6]], [3, 0])),
        (Cells(table="7", row="4"), ([[7.0]], [4])),
        (Cells(table="1, 2; 3, 4; 5, 6"), ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [3, 0])),
    ],
)
def test_a_table_stands_in_a_program_as_lists_of_floats_unless_it_is_whole(
    settings: Cells, expected: tuple[list, list]
) -> None:
    found = filled(settings)
    assert found == expected
    assert all(type(cell) is float for row in found[0] for cell in row)
    assert all(type(cell) is int for cell in found[1])
