"""What every mistake of every page keeps, whatever it costs."""

import pytest
import torch

from explainers.evidence import CurveMistake
from explainers.sampling.affine_grid.mistakes import Direction
from tests.clock import milliseconds
from tests.lessons import corners, lessons_of
from ui import catalogue

EVERY = pytest.mark.parametrize(
    ("slug", "run", "kind"),
    [
        pytest.param(page.slug, run, kind, id=f"{page.slug}.{name}")
        for page in catalogue.PAGES
        # A lesson's mistakes are programs, with a contract of their own.
        if not hasattr(page.topic, "LESSONS")
        for name, (run, kind) in lessons_of(page.slug).items()
    ],
)
# Milliseconds that a lesson may take, so that a control is answered at once.
SLOW = {"float_formats": 1000, "autocast": 1000, "initialization": 1000, "grad_scaler": 150}
QUICK = 60


@EVERY
def test_every_setting_gives_two_lines_with_costs_and_a_public_source(slug, run, kind) -> None:
    state = torch.get_rng_state()
    for setting in corners(kind):
        found = run(setting)
        mistake = found.mistake
        # The line that is wrong for other motions is right for a turn.
        assert mistake.wrong != mistake.right or setting == Direction(motion="turn")
        for sentence in (mistake.wrong_cost, mistake.right_cost, mistake.lesson):
            assert sentence.endswith((".", ".)"))
            assert "nan" not in sentence
        words, address = mistake.source
        assert words
        assert address.startswith("https://")
        if isinstance(found, CurveMistake):
            holds_together(found)
    assert torch.equal(torch.get_rng_state(), state)


def holds_together(found: CurveMistake) -> None:
    """Check that what is drawn is as long as what it runs over, and can be looked at."""
    curves = (found.wrong, found.right, *found.others.values())
    assert {curve.shape for curve in curves} == {found.right.shape}
    assert {found.wrong.dtype, found.right.dtype} == {torch.float64}
    assert found.shows
    assert found.over
    if found.x is not None:
        assert found.x.shape == found.right.shape
        assert found.x.dtype == torch.float64
        assert (found.x.diff() > 0).all()
    for look in (found.look, found.look_right):
        assert look is None or 0 <= look < len(found.right)
    assert found.right.isfinite().all()


@EVERY
def test_a_lesson_is_the_same_twice_and_quick(slug, run, kind) -> None:
    first = run(kind())
    assert first.mistake.wrong_cost != first.mistake.right_cost
    again = run(kind())
    assert first.mistake == again.mistake
    if isinstance(first, CurveMistake):
        assert torch.equal(first.wrong.nan_to_num(), again.wrong.nan_to_num())
        assert torch.equal(first.right, again.right)
    limit = SLOW.get(slug, QUICK)
    assert milliseconds(lambda: run(kind()), limit=limit) < limit


@EVERY
def test_a_lesson_refuses_a_device_that_is_not_there(slug, run, kind) -> None:
    with pytest.raises(ValueError, match="device must be one of cpu"):
        run(kind(), device="cuda:99")


# Pages whose lines of code a column of 46 holds; the others' go on indented.
NARROW = [
    pytest.param(run, kind, id=f"{slug}.{name}")
    for slug in ("affine_grid", "interpolate", "float_formats", "autocast")
    for name, (run, kind) in lessons_of(slug).items()
]


@pytest.mark.parametrize(("run", "kind"), NARROW)
def test_no_line_of_code_is_wrapped(run, kind) -> None:
    for setting in corners(kind):
        mistake = run(setting).mistake
        for code in (mistake.wrong, mistake.right):
            assert max(map(len, code.splitlines())) <= 46
