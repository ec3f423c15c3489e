"""What the focal loss page shows: curves, batches, scenes; the code and data that repeat them."""

import csv
import dataclasses
import io
import itertools
import math
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.losses import focal_loss as topic
from explainers.losses.focal_loss import Focal, training
from tests.clock import milliseconds

DTYPES = list(topic.DTYPES)
SETTINGS = st.builds(
    Focal,
    show=st.sampled_from(["curves", "batch", "scene"]),
    gamma=st.sampled_from([0.0, 0.5, 0.7, 2.0, 8.0]),
    weigh=st.booleans(),
    alpha=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    against=st.sampled_from(["p_t", "logit"]),
    pos_weight=st.sampled_from([0.0, 1.0, 3.0, 10_000.0]),
    logits=st.sampled_from(["3, -1, -4, -2, 0.5, 2", "120, -120, 17, 0, 0, -60"]),
    targets=st.sampled_from(["1, 1, 0, 0, 0, 0", "0, 0.3, 1, 0.5, 0, 0"]),
    label_smoothing=st.sampled_from([0.0, 0.1]),
    reduction=st.sampled_from(["none", "mean", "sum", "positives"]),
    dtype=st.sampled_from(DTYPES),
    imbalance=st.sampled_from(["1", "100", "10000"]),
    separation=st.sampled_from([0.0, 6.0]),
    bias=st.sampled_from([-10.0, -3.0, 5.0]),
)


@given(SETTINGS)
@settings(max_examples=80)
def test_every_view_holds_its_own_checks(parameters: Focal) -> None:
    view = topic.explain(parameters)
    checks = topic.view_checks(view)
    assert len(checks) >= 3
    assert [check for check in checks if not check.holds] == []
    assert view.sentence.endswith(".")


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_a_view_is_the_same_twice_and_quick(preset) -> None:
    first = topic.table(topic.explain(preset.parameters))
    moved = (dataclasses.replace(preset.parameters, gamma=3.0 + s / 10) for s in itertools.count())
    assert milliseconds(lambda: topic.explain(next(moved)), limit=40) < 40
    assert topic.table(topic.explain(preset.parameters)) == first


def test_alpha_is_a_third_for_the_positive_and_none_leaves_one_curve() -> None:
    plain, weighed = (topic.explain(Focal(weigh=weigh)).family for weigh in (False, True))
    assert plain is not None
    assert weighed is not None
    assert plain.negative_loss is None
    assert weighed.negative_loss is not None
    now = weighed.gammas.index(2.0)
    torch.testing.assert_close(weighed.negative_loss, 3 * weighed.loss[now])


def test_a_gamma_of_ones_own_joins_the_papers() -> None:
    family = topic.explain(Focal(gamma=3.3)).family
    assert family is not None
    assert family.gammas == (*topic.GAMMAS, 3.3)
    assert len(family.loss) == len(family.gradient) == 6


def test_near_minus_two_focal_loss_pulls_harder_than_bce() -> None:
    family = topic.explain(Focal(against="logit")).family
    assert family is not None
    at = int((family.x + 2).abs().argmin())
    right = int((family.x - 4).abs().argmin())
    bce, now = family.gradient[0], family.gradient[family.gammas.index(2.0)]
    assert now[at] > bce[at]
    assert now[right] < bce[right] / 100


@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "positives"])
def test_a_reduction_divides_value_and_gradient(reduction: str) -> None:
    each = topic.explain(Focal(show="batch", reduction="none")).batch
    found = topic.explain(Focal(show="batch", reduction=reduction)).batch
    assert each is not None
    assert found is not None
    divisor = {"none": 1, "mean": 6, "sum": 1, "positives": 2}[reduction]
    torch.testing.assert_close(found.gradient, each.gradient / divisor)
    if reduction == "none":
        assert found.value is None
    else:
        assert found.value is not None
        torch.testing.assert_close(found.value, each.focal.sum() / divisor)


def test_label_smoothing_moves_targets_towards_one_half() -> None:
    batch = topic.explain(Focal(show="batch", label_smoothing=0.1)).batch
    assert batch is not None
    assert batch.targets.tolist() == pytest.approx([0.95, 0.95, 0.05, 0.05, 0.05, 0.05])
    assert batch.positives == 2


def test_typed_rows_of_other_lengths_get_their_sentence() -> None:
    view = topic.explain(Focal(show="batch", targets="1, 0"))
    assert view.problem == "targets must be as many as logits, 6, got 2"
    assert view.batch is None
    assert topic.view_checks(view) == ()
    assert topic.table(view) == ""


def test_the_notices_of_curves_and_batch_are_true() -> None:
    first, _, _, batch = (topic.explain(preset.parameters) for preset in topic.PRESETS[:4])
    assert first.family is not None
    curve = first.family.curve
    assert (curve.focal < curve.cross_entropy).all()
    at = int((curve.probability - 0.9).abs().argmin())
    assert float(curve.down_weighting[at]) == pytest.approx(100)
    assert batch.batch is not None
    left = dict(zip(batch.batch.logits.tolist(), batch.batch.modulation.tolist(), strict=True))
    assert (f"{left[2.0]:.2f}", f"{left[-4.0]:.1g}") == ("0.78", "0.0003")


def test_the_scenes_notices_are_true() -> None:
    easy, equal = (topic.explain(preset.parameters).scene for preset in topic.PRESETS[4:])
    assert easy is not None
    assert equal is not None
    bce, _, focal = (shares for _, shares in easy.shares)
    assert bce.negative > 0.8
    assert focal.negative < 0.01
    bce, _, focal = (shares for _, shares in equal.shares)
    assert abs(bce.negative - focal.negative) < 0.001


def ran(code: str, folder: Path) -> dict[str, Any]:
    """Run code from a file, as a reader would, and return its names."""
    file = folder / "taken.py"
    file.write_text(code, encoding="utf-8")
    return runpy.run_path(str(file))


VIEWS = [
    *(preset.parameters for preset in topic.PRESETS),
    Focal(gamma=0.3, weigh=True, pos_weight=4.0),
    Focal(gamma=0.3, against="logit", pos_weight=4.0),
    Focal(
        show="batch",
        gamma=0.5,
        logits="120, -120, 17, -50",
        targets="1, 0.5, 0, 1",
        label_smoothing=0.1,
        reduction="positives",
        pos_weight=3.0,
        weigh=True,
    ),
    *(Focal(show="batch", reduction=kind) for kind in ("none", "sum")),
    *(Focal(show="batch", dtype=dtype) for dtype in DTYPES),
    Focal(show="scene", weigh=True, imbalance="10", gamma=1.3),
]


@pytest.mark.parametrize("parameters", VIEWS, ids=str)
def test_the_code_makes_the_numbers_of_the_view(parameters: Focal, tmp_path, capsys) -> None:
    view = topic.explain(parameters)
    names = ran(topic.snippet(parameters), tmp_path)
    close = torch.testing.assert_close
    if view.family is not None:
        assert tuple(names["curves"]) == view.family.gammas
        for index, (loss, slope) in enumerate(names["curves"].values()):
            close(loss, view.family.loss[index], rtol=1e-9, atol=1e-30)
            close(slope.abs(), view.family.gradient[index], rtol=1e-9, atol=1e-30)
        if view.family.negative_loss is not None:
            assert view.family.negative_gradient is not None
            close(names["negative"][0], view.family.negative_loss, rtol=1e-9, atol=1e-30)
            close(names["negative"][1].abs(), view.family.negative_gradient, rtol=1e-9, atol=1e-30)
    elif view.batch is not None:
        rounding = max(2 * torch.finfo(topic.DTYPES[parameters.dtype]).eps, 1e-12)
        expected = view.batch.focal if view.batch.value is None else view.batch.value
        close(names["value"], expected, rtol=rounding, atol=1e-37)
        close(names["gradient"], view.batch.gradient, rtol=rounding, atol=1e-37)
        assert torch.equal(names["bce"], view.batch.bce)
    else:
        assert view.scene is not None
        assert list(names["shares"]) == [name for name, _ in view.scene.shares]
        for name, shares in view.scene.shares:
            found = names["shares"][name]
            assert found == pytest.approx([shares.positive, shares.positive_gradient], rel=1e-9)
    assert capsys.readouterr().out


@pytest.mark.parametrize("parameters", VIEWS, ids=str)
def test_the_data_is_a_table_of_numbers(parameters: Focal) -> None:
    view = topic.explain(parameters)
    head, *rows = csv.reader(io.StringIO(topic.table(view)))
    assert all(len(row) == len(head) for row in rows)
    first = 1 if view.scene is not None else 0
    assert all(math.isfinite(float(cell)) for row in rows for cell in row[first:])
    if view.family is not None:
        assert len(rows) == 201
        assert float(rows[100][head.index("loss gamma=0")]) == pytest.approx(
            float(view.family.loss[0, 100])
        )


def test_a_view_refuses_a_device_that_is_not_there() -> None:
    for show in ("curves", "batch", "scene"):
        with pytest.raises(ValueError, match="device must be one of cpu"):
            topic.explain(Focal(show=show), device="cuda:99")


# --- training ---

SHORT = training.Training(steps=50)


def test_training_reports_until_the_last_step_and_is_the_same_twice() -> None:
    first = list(topic.train(SHORT, "focal", chunk=20))
    again = list(topic.train(SHORT, "focal", chunk=20))
    assert [report.done for report in first] == [20, 40, 50]
    assert [report.finished for report in first] == [False, False, True]
    assert torch.equal(first[-1].probability, again[-1].probability)


def test_a_comparison_goes_through_the_losses_report_by_report() -> None:
    found = list(topic.compare(SHORT))
    shares = [share for share, _ in found]
    _, reports = found[-1]
    assert list(reports) == list(topic.LOSSES)
    assert all(report.finished for report in reports.values())
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_training_can_be_left_after_any_report() -> None:
    reports = topic.train(SHORT, "BCE", chunk=10)
    assert next(reports).done == 10
    reports.close()


def test_the_losses_start_alike_and_end_with_other_outputs() -> None:
    parameters = training.Training(imbalance="10", steps=200, bias=0.0)
    ends = {}
    for name in topic.LOSSES:
        *_, ends[name] = topic.train(parameters, name, chunk=200)
    best = topic.best(parameters)
    bce, weighted, focal = (ends[name] for name in topic.LOSSES)
    # They rank much alike, and none better than the truth, but for the luck of a sample.
    for report in ends.values():
        assert report.average_precision > 0.95 * best.average_precision
    # BCE alone says probabilities; pos_weight moves the boundary towards the negatives.
    assert bce.calibration_error < 0.5 * min(weighted.calibration_error, focal.calibration_error)
    assert weighted.recall_at_half > bce.recall_at_half + 0.05
    assert weighted.precision_at_half < bce.precision_at_half - 0.05


def test_at_no_imbalance_weighted_bce_is_bce() -> None:
    parameters = dataclasses.replace(SHORT, imbalance="1")
    one, other = (list(topic.train(parameters, name))[-1] for name in ("BCE", "weighted BCE"))
    assert torch.equal(one.probability, other.probability)


def test_the_prior_is_the_first_output() -> None:
    first = next(iter(topic.train(dataclasses.replace(SHORT, bias=-6.9), "BCE", chunk=1)))
    assert float(first.probability.median()) == pytest.approx(0.001, rel=0.5)


@pytest.mark.parametrize("ratio", ["1", "10", "100", "400"])
def test_the_true_probabilities_are_calibrated(ratio: str) -> None:
    parameters = training.Training(imbalance=ratio)
    best = topic.best(parameters)
    assert best.calibration_error == 0.0
    torch.testing.assert_close(best.predicted, best.observed)
    data = topic.blobs(20_000, parameters)
    assert float(data.posterior.mean()) == pytest.approx(float(data.labels.mean()), rel=0.1)


def test_precision_and_recall_are_those_of_a_slow_count() -> None:
    generator = torch.Generator().manual_seed(0)
    output = (torch.rand(60, generator=generator) * 8).round() / 8  # with ties
    labels = (torch.rand(60, generator=generator) < 0.3).float()
    recall, precision = topic.precision_recall(output, labels)
    expected = []
    for threshold in sorted(output[labels > 0.5].tolist(), reverse=True):
        called = output >= threshold
        hits = float((called & (labels > 0.5)).sum())
        expected.append((hits / float(labels.sum()), hits / float(called.sum())))
    assert recall.tolist() == pytest.approx([found for found, _ in expected])
    assert precision.tolist() == pytest.approx([found for _, found in expected])


def test_a_loss_that_is_none_of_the_three_gets_its_sentence() -> None:
    with pytest.raises(ValueError, match="loss_name must be one of BCE, weighted BCE, focal"):
        next(iter(topic.train(SHORT, "hinge")))
    with pytest.raises(ValueError, match="device must be one of cpu"):
        next(iter(topic.train(SHORT, "BCE", device="cuda:99")))
