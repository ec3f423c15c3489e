"""A lesson whose run a bound has ended: it shows what it has, and proves nothing."""

import dataclasses

from explainers.autograd.accumulation.truncating import TRUNCATING
from explainers.program.running import STOPPED
from explainers.program.topic import Lessons

ENDLESS = "import torch\n\nfor turn in range(300):\n    x = turn\n"


def test_a_run_that_was_ended_holds_no_check_and_has_no_figure() -> None:
    assert TRUNCATING.figure is not None
    lesson = dataclasses.replace(
        TRUNCATING,
        program=ENDLESS,
        figure=dataclasses.replace(TRUNCATING.figure, program=ENDLESS),
        notes={},
        opens="",
    )
    topic = Lessons("Ended", (lesson,))
    view = topic.explain(topic.settings(lesson))
    assert view.trace.failure is not None
    assert view.trace.failure.kind == STOPPED
    assert view.seen is None
    checks = topic.view_checks(view)
    assert len(checks) == len(lesson.proofs) + len(lesson.figure.proofs)
    assert not any(check.holds for check in checks)
