"""The learners' programs are torch that runs, so that what is refused is refused by the walls."""

import pytest

from explainers import program
from tests.explainers.scratchpad.programs import FAILING, LEAST, PROGRAMS

# It would write a file where the tests run.
WITHOUT_FILES = [name for name in PROGRAMS if "torch.save" not in PROGRAMS[name]]


def test_there_are_sixty_and_few_may_be_refused() -> None:
    assert len(PROGRAMS) == len(set(PROGRAMS.values())) == 60
    assert LEAST == 55


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_what_learners_type_is_torch_that_runs_or_fails_where_it_means_to(name: str) -> None:
    failure = program.run(PROGRAMS[name]).failure
    if name not in FAILING:
        assert failure is None, failure
    else:
        assert failure is not None and failure.kind == "RuntimeError"
        assert failure.line == FAILING[name]
