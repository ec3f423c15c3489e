"""The table of writes is what the programs of its cells come to, every one of them."""

import pytest

from explainers.autograd.cutting.aliases import ALIASES, Aliases
from explainers.autograd.cutting.writes import RAISES, TARGETS
from explainers.program.lessons import final
from explainers.program.references import difference


@pytest.mark.parametrize("target", TARGETS)
def test_each_cell_of_the_table_is_what_its_program_comes_to(target: str) -> None:
    cells = [each for each in ALIASES.seen().each if each.target == target]
    assert len(cells) == 9 * 7
    for cell in cells:
        trace = ALIASES.trace(Aliases(cell.operation, target, cell.way))
        grad = final(trace, "a").grad
        assert (trace.failure is not None) is (cell.verdict == RAISES), cell
        assert final(trace, target).version == cell.version, cell
        if trace.failure is not None:
            assert trace.failure.message.split(":")[0] in cell.said
        else:
            assert difference(grad.values, cell.gradient) == 0, cell
