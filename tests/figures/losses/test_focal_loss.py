"""What the figures of focal loss show, and that they say it in words too."""

import dataclasses
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from explainers.losses import focal_loss as topic
from explainers.losses.focal_loss import Focal, mistakes, training
from figures import lessons
from figures.curves import Curves
from figures.losses import focal_loss as figures
from ui.curves import curves_data

PRESETS = {preset.name: preset.parameters for preset in topic.PRESETS}


def text(markup: str) -> str:
    """The words of some markup, which must be well formed."""
    return " ".join(" ".join(ElementTree.fromstring(markup).itertext()).split())


def test_every_gamma_is_a_line_of_torchs_losses_and_gradients() -> None:
    for against in ("p_t", "logit"):
        view = topic.explain(Focal(gamma=3.3, against=against, weigh=True))
        assert view.family is not None
        *charts, lighter = figures.see(view)
        losses, slopes = charts if against == "p_t" else reversed(charts)
        for drawn, rows in ((losses, view.family.loss), (slopes, view.family.gradient)):
            assert isinstance(drawn, Curves)
            now, bce, negative, *others = drawn.lines
            for line, row in zip((bce, *others, now), rows, strict=True):
                assert torch.equal(line.y, row)
            assert bce.name == "weighted BCE"
            assert now.name == "gamma = 3.3, now"
            assert negative.name == "a negative, gamma = 3.3"
        assert isinstance(lighter, Curves)
        assert torch.equal(lighter.lines[0].y, view.family.curve.down_weighting[:-1])


@pytest.mark.parametrize("gamma", [0.0, 2.0, 3.3])
@pytest.mark.parametrize("show", ["curves", "scene"])
def test_the_gamma_in_use_and_bce_stand_out_from_the_others(show: str, gamma: float) -> None:
    for drawn in figures.see(topic.explain(Focal(show=show, gamma=gamma))):
        if not isinstance(drawn, Curves) or len(drawn.lines) == 1:
            continue
        clear = [line.name for line in drawn.lines if not line.faint]
        assert clear == ([f"gamma = {gamma:g}, now", "BCE"] if gamma else ["BCE, now"])
        assert all(line.faint and line.aside for line in drawn.lines[len(clear) :])
        assert [line.name for line in drawn.lines if line.strong] == clear[:1]
        assert len({line.name for line in drawn.lines}) == len(drawn.lines)


def test_over_the_logit_the_gradient_comes_first() -> None:
    firsts = {}
    for against in ("p_t", "logit"):
        first, *_ = figures.see(topic.explain(Focal(against=against)))
        assert isinstance(first, Curves)
        firsts[against] = first.y_title
    assert firsts == {"p_t": "loss", "logit": "|d loss / d logit|"}


@pytest.mark.parametrize("pos_weight", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.25, 1.0])
def test_the_axis_of_the_losses_fits_the_weights(alpha: float | None, pos_weight: float) -> None:
    weights = {"weigh": False} if alpha is None else {"weigh": True, "alpha": alpha}
    drawn, *_ = figures.see(topic.explain(Focal(pos_weight=pos_weight, **weights)))
    assert isinstance(drawn, Curves)
    assert drawn.y_range is not None
    # What is drawn at p_t = 0.1 takes a good part of it and no more than all.
    heights = [float(line.y[20]) for line in drawn.lines]
    least = 0.0 if alpha == 1 and pos_weight == 0 else 0.2
    assert least <= max(heights) / drawn.y_range[1] < 1


@pytest.mark.parametrize("show", ["curves", "batch", "scene"])
@pytest.mark.parametrize("gamma", [0.0, 2.6, 8.0])
@pytest.mark.parametrize("against", ["p_t", "logit"])
@pytest.mark.parametrize("log", [False, True])
def test_the_browser_takes_every_chart_at_the_ends_of_the_controls(
    show: str, gamma: float, against: str, log: bool
) -> None:
    for pos_weight, bias in ((0.0, -10.0), (10_000.0, 5.0)):
        parameters = Focal(
            show=show, gamma=gamma, against=against, log=log, pos_weight=pos_weight, bias=bias
        )
        drawn = figures.see(topic.explain(parameters))
        assert drawn
        for part in drawn:
            if isinstance(part, Curves):
                assert curves_data(part)["title"] == part.title


def test_the_hundredfold_is_marked_and_written_out() -> None:
    _, _, lighter = figures.see(topic.explain(Focal()))
    assert isinstance(lighter, Curves)
    words = [mark.words for mark in lighter.marks]
    assert words == [
        "4 times at p_t = 0.5",
        "100 times at p_t = 0.9",
        "1,111 times at p_t = 0.97",
    ]
    assert "100 times at p_t = 0.9." in lighter.alt


def test_a_batch_writes_its_products_out() -> None:
    view = topic.explain(PRESETS["Number by number"])
    (markup,) = figures.see(view)
    assert isinstance(markup, str)
    assert view.batch is not None
    words = text(markup)
    assert "x = -1, t = 1" in words
    assert "1.31 × 0.25 × 0.534 = 0.175" in words
    assert words.count("gradient") == len(view.batch.logits)
    assert "BCE 1.31, focal loss 0.175" in markup


def test_a_batch_without_weights_has_but_two_factors_and_survives_infinity() -> None:
    view = topic.explain(
        Focal(show="batch", dtype="float16", logits="120, -120", targets="0, 1", pos_weight=1e4)
    )
    (markup,) = figures.see(view)
    assert isinstance(markup, str)
    assert "120 × 1 =" in text(markup)
    assert "nan" not in markup


def test_a_refused_batch_draws_nothing() -> None:
    assert figures.see(topic.explain(Focal(show="batch", targets="1"))) == ()


def test_a_scene_shows_the_share_of_each_class_under_each_loss() -> None:
    view = topic.explain(Focal(show="scene", weigh=True))
    markup, negatives, positives = figures.see(view)
    assert isinstance(markup, str)
    assert view.scene is not None
    words = text(markup)
    for name, shares in view.scene.shares:
        assert name in words
        assert f"{shares.positive:.1%}" in words
    for drawn, count in ((negatives, "10,000 negatives"), (positives, "10 positives")):
        assert isinstance(drawn, Curves)
        assert count in drawn.title
        assert [line.name for line in drawn.lines] == [
            "gamma = 2, now",
            "BCE",
            "gamma = 0.5",
            "gamma = 1",
        ]


LESSONS = [
    (mistakes.from_loss, mistakes.FromLoss()),
    (mistakes.normaliser, mistakes.Normaliser()),
    (mistakes.apart, mistakes.Apart(dtype="float16", show="gradient")),
    (mistakes.twice, mistakes.Twice()),
    (mistakes.soft, mistakes.Soft()),
    (mistakes.below_one, mistakes.BelowOne()),
]


@pytest.mark.parametrize(("run", "parameters"), LESSONS, ids=[run.__name__ for run, _ in LESSONS])
def test_the_right_line_comes_first_and_the_one_that_runs_is_thicker(run, parameters) -> None:
    result = run(parameters)
    for wrong in (True, False):
        drawn = lessons.curves(result, wrong=wrong)
        for line, row in zip(drawn.lines, (result.right, result.wrong), strict=False):
            assert torch.equal(line.y.nan_to_num(), row.nan_to_num())
        running = f"the {'wrong' if wrong else 'right'} line"
        assert [line.name for line in drawn.lines if line.strong] == [running]
        assert ("are not finite" in drawn.alt) == (not result.wrong.isfinite().all())


@pytest.mark.parametrize(
    ("run", "parameters"),
    [*LESSONS, (mistakes.prior, mistakes.Prior())],
    ids=[*(run.__name__ for run, _ in LESSONS), "prior"],
)
def test_the_browser_takes_a_lesson_at_the_ends_of_its_controls(run, parameters) -> None:
    for name, spec in parameters.specs().items():
        ends = getattr(spec, "options", None) or (spec.minimum, spec.maximum)
        for end in ends:
            result = run(dataclasses.replace(parameters, **{name: end}))
            draw = figures.prior_mistake if run is mistakes.prior else lessons.curves
            for wrong in (True, False):
                assert curves_data(draw(result, wrong=wrong))["lines"]


def test_the_prior_bias_is_two_marked_places_on_the_same_curves() -> None:
    result = mistakes.prior(mistakes.Prior())
    for wrong in (True, False):
        drawn = figures.prior_mistake(result, wrong=wrong)
        assert drawn.title == "Summed loss of each class, by the first bias"
        assert [line.name for line in drawn.lines] == ["9,990 negatives", "10 positives"]
        assert [mark.words for mark in drawn.marks] == 2 * ["bias 0"] + 2 * ["bias -4.6"]
        assert drawn.marks[0].y > 1e4 * drawn.marks[2].y
        assert drawn.look == pytest.approx(0.0 if wrong else -4.6, abs=0.06)


def test_the_shares_of_the_line_that_runs_come_first() -> None:
    result = mistakes.alpha(mistakes.Alpha())
    for wrong, name in ((True, "alpha = 0.25"), (False, "alpha = 0.75")):
        words = text(figures.share_mistake(result, wrong=wrong))
        assert words.index(name) == min(
            words.index(other) for other in ("alpha = 0.25", "alpha = 0.75", "BCE")
        )


def test_the_boundary_is_where_the_output_crosses_one_half() -> None:
    across = np.tile(np.linspace(0.0, 1.0, 8), (6, 1))
    edges = figures.boundary(across)
    assert edges.shape == (5, 2, 2)
    assert np.allclose(edges[..., 0], 3.5)
    assert figures.boundary(np.zeros((4, 4))).shape == (0, 2, 2)


def test_training_shows_each_loss_with_its_map_curve_and_calibration() -> None:
    parameters = training.Training(steps=50, imbalance="10")
    reports = [list(topic.train(parameters, name))[-1] for name in topic.LOSSES]
    best = topic.best(parameters)
    data = topic.blobs(training.NEGATIVES, parameters)
    markup = figures.training(data, reports, training.SIDE)
    words = text(markup)
    curves = figures.precision_recall(reports, best)
    calibration = figures.calibration(reports)
    for report in reports:
        assert f"{report.loss_name}, step 50" in words
        assert f"recall {report.recall_at_half:4.0%}".replace("  ", " ") in words
        area = f"{report.loss_name}: area {report.average_precision:.3f}"
        assert area in [line.name for line in curves.lines]
    assert torch.equal(curves.lines[-1].y, best.precision)
    assert markup.count("<svg") == 3
    for what in ("output above 0.5", "black line", "Points trained on"):
        assert what in words
    for line, report in zip(calibration.lines, reports, strict=False):
        # It keeps its own points, and has one wherever another line has one on its way.
        assert line.x is not None
        own = torch.isin(line.x, report.predicted)
        torch.testing.assert_close(line.y[own], report.observed)
        for other in calibration.lines[:-1]:
            assert other.x is not None
            shared = (other.x >= line.x[0]) & (other.x <= line.x[-1])
            assert torch.isin(other.x[shared], line.x).all()


def test_the_thumbnail_has_a_line_for_each_gamma_of_the_paper() -> None:
    svg = ElementTree.fromstring(figures.thumbnail(topic.explain(Focal())))
    paths = svg.findall(".//{*}path")
    assert len(paths) == 1 + len(topic.GAMMAS)
    assert sorted(path.get("stroke-width", "") for path in paths[1:]) == ["1", "1", "1", "2", "3"]
