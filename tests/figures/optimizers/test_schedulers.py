"""What the figures of the schedulers show, and that they say it in words too."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch

from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import Run, Schedulers
from figures.curves import Curves
from figures.optimizers import schedulers as figures
from tests.lessons import assert_both_lines, lessons_of


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_every_schedule_on_show_is_a_line_of_torchs_rates(preset) -> None:
    view = topic.explain(preset.parameters)
    rates, *_ = figures.see(view)
    groups = len(preset.parameters.rates())
    left = [line for line in rates.lines if line.axis == "left"]
    assert len(left) == groups * len(view.entries)
    for index, entry in enumerate(view.entries):
        assert entry.trace is not None
        for group in range(groups):
            drawn = left[index * groups + group].y
            assert torch.equal(drawn, entry.trace.learning_rate[group].clamp(min=0))
    assert rates.log == preset.parameters.log
    assert rates.alt.count(" to ") == len(view.entries)
    plain = [line.name for line in rates.lines if not line.faint]
    assert len(set(plain)) == len(plain)


def test_a_curve_that_fills_its_picture_is_drawn_without_dashes() -> None:
    for steps, period, fills in ((10**6, 2000, True), (10**6, 200_000, False), (1000, 5, True)):
        kept = f"CosineAnnealingWarmRestarts(T_0={period})"
        settings = Schedulers(schedule="LinearLR()", kept=kept, steps=steps)
        (drawn,) = figures.see(topic.explain(settings))
        assert [line.solid for line in drawn.lines] == [False, fills]


def test_momentum_stands_on_an_axis_of_its_own() -> None:
    view = topic.explain(Schedulers(schedule="OneCycleLR(max_lr=0.5)"))
    (rates,) = figures.see(view)
    (momentum,) = [line for line in rates.lines if line.axis == "right"]
    assert view.current.trace is not None
    assert view.current.trace.momentum is not None
    assert torch.equal(momentum.y, view.current.trace.momentum[0])
    assert "momentum" in rates.right_title


def test_a_mark_tells_where_each_child_takes_its_turn() -> None:
    view = topic.explain(topic.PRESETS[1].parameters)
    rates, *_ = figures.see(view)
    assert [(mark.x, mark.words) for mark in rates.marks] == [
        (0, "LinearLR from step 0"),
        (10, "CosineAnnealingLR from step 10"),
    ]
    assert [mark.y for mark in rates.marks] == pytest.approx([0.01, 0.1])


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_a_rate_holds_for_its_step_in_every_chart_of_rates(preset) -> None:
    rates, *_ = figures.see(topic.explain(preset.parameters))
    assert {line.shape for line in rates.lines} == {"step"}


def test_the_point_that_the_first_notice_speaks_of_is_on_the_chart() -> None:
    first = topic.PRESETS[0]
    assert "at step 80" in first.notice
    rate = topic.explain(first.parameters).current.trace.learning_rate[0]
    assert float(rate[80]) == pytest.approx(float(rate[0]))


def test_a_plateaus_cuts_are_marked_where_torch_cut() -> None:
    view = topic.explain(
        Schedulers(schedule="ReduceLROnPlateau(patience=3, factor=0.5, cooldown=5)", losses="flat")
    )
    _, seen = figures.see(view)
    assert view.plateau is not None
    cuts = view.plateau.cut.nonzero()[:, 0].tolist()
    assert [mark.x for mark in seen.marks] == cuts
    assert cuts[0] == 4
    assert all(band.label == "cooldown" for band in seen.bands)
    assert "it cuts when bad steps exceed patience, 3" in seen.title
    # The chart writes the same words once.
    assert len({mark.words for mark in seen.marks}) == 1
    assert f"steps {cuts[0]}, {cuts[1]}" in seen.alt


def test_nothing_is_drawn_when_every_schedule_is_refused() -> None:
    view = topic.explain(Schedulers(schedule="OneCycleLR(max_lr=0.1, total_steps=5)"))
    assert figures.see(view) == ()


def test_kept_curves_stay_on_show_when_the_current_schedule_is_refused() -> None:
    view = topic.explain(
        Schedulers(schedule="OneCycleLR(max_lr=0.1, total_steps=5)", kept="StepLR(step_size=7)")
    )
    (rates,) = figures.see(view)
    assert [line.name for line in rates.lines] == ["StepLR(step_size=7)"]
    assert rates.alt == "StepLR(step_size=7): 0.1 to 1e-15."


def test_composers_of_the_same_children_keep_different_names() -> None:
    texts = [
        "ChainedScheduler(LinearLR(), ExponentialLR(gamma=0.9))",
        "ChainedScheduler(LinearLR(), ExponentialLR(gamma=0.8))",
        "StepLR(step_size=3)",
    ]
    names = figures.labels([topic.read(text) for text in texts])
    assert names[0] == "ChainedScheduler(LinearLR, ExponentialLR)"
    assert len(set(names)) == 3
    assert names[2] == texts[2]


@pytest.mark.parametrize("name", lessons_of("schedulers"))
def test_a_mistake_shows_both_lines_and_what_torch_said_below(name: str) -> None:
    run, kind = lessons_of("schedulers")[name]
    result = run(kind())
    for wrong in (True, False):
        parts = figures.rate_mistake(result, wrong=wrong)
        if result.steps:
            step, *parts = parts
            assert "".join(ElementTree.fromstring(step).itertext()) == "\n".join(result.steps)
        drawn, *words = parts
        assert isinstance(drawn, Curves)
        assert_both_lines(drawn, result, wrong=wrong)
        assert bool(words) == bool(result.said)
        for markup in words:
            assert isinstance(markup, str)
            said = "".join(ElementTree.fromstring(markup).itertext())
            assert said == (f"torch says: {result.said}" if wrong else "torch says nothing.")


def test_training_names_each_schedule_with_its_accuracy() -> None:
    runs = []
    for rate in (0.5, 0.01):
        run = Run()
        run.reports += topic.train(torch.full((40,), rate), chunk=10)
        runs.append(run)
    drawn = figures.training(["fast", "slow"], runs)
    assert [line.name.split(":")[0] for line in drawn.lines] == ["fast", "slow"]
    assert drawn.lines[0].x is not None
    assert drawn.lines[0].x.tolist() == [10, 20, 30, 40]
    assert f"{runs[0].last.accuracy:.0%} right" in drawn.lines[0].name


def test_the_thumbnail_runs_from_left_to_right() -> None:
    view = topic.explain(replace(topic.PRESETS[0].parameters, steps=50))
    svg = ElementTree.fromstring(figures.thumbnail(view))
    *_, path = svg.findall(".//{*}path")
    points = [point.split() for point in path.get("d", "").lstrip("M").split("L")]
    assert len(points) == 50
    assert [float(points[0][0]), float(points[-1][0])] == [14, 226]
