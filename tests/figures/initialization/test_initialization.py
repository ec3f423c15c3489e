"""What the figures of initialization show, and that they say it in words too."""

import dataclasses
import importlib
from xml.etree import ElementTree

import pytest
import torch

from explainers.initialization import initialization as topic
from explainers.initialization.initialization import Initialization
from figures import lessons
from figures.curves import Curves
from figures.initialization import initialization as figures
from tests.lessons import assert_both_lines, lessons_of
from ui.curves import curves_data


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_every_scheme_on_show_is_a_line_with_the_theory_pale_beside_it(preset) -> None:
    view = topic.explain(preset.parameters)
    forward, backward, layer, gain = figures.see(view)
    for drawn, name in ((forward, "forward_std"), (backward, "backward_std")):
        assert isinstance(drawn, Curves)
        curves_data(drawn)
        assert drawn.log
        plain = [line for line in drawn.lines if not line.faint]
        pale = {line.name: line for line in drawn.lines if line.faint}
        assert [line.name for line in plain] == [entry.call.label for entry in view.entries]
        for line, entry in zip(plain, view.entries, strict=True):
            assert torch.equal(line.y, getattr(entry.trace, name))
            predicted = getattr(entry.trace, f"predicted_{name}")
            # Nine inputs a unit are too few for theory: it ends, and the gradient has none.
            if predicted.isnan().all():
                assert preset.name == "Depthwise fans"
                assert line.name not in pale
            else:
                torch.testing.assert_close(
                    pale[line.name].y, predicted, rtol=0, atol=0, equal_nan=True
                )
            assert f"{line.name}: {float(line.y[0]):.3g} at the input" in drawn.alt
    assert isinstance(layer, str)
    assert isinstance(gain, Curves)
    curves_data(gain)


def test_what_has_no_theory_has_no_pale_line_and_what_overflows_leaves_a_gap() -> None:
    view = topic.explain(
        Initialization(scheme="constant", std=1.0, norm="layer", kept="normal(std=2)", depth=80)
    )
    forward, backward, *_ = figures.see(view)
    assert {line.name for line in forward.lines if line.faint} == {"normal(std=2)"}
    for drawn in (forward, backward):
        curves_data(drawn)
    loud = topic.explain(Initialization(scheme="constant", std=2.0, kept="", depth=80))
    for drawn in figures.see(loud):
        if isinstance(drawn, Curves):
            curves_data(drawn)
    assert "no number" in figures.see(loud)[0].alt


def markup(view: topic.View) -> ElementTree.Element:
    text = figures.see(view)[2]
    return ElementTree.fromstring(text.replace("<br>", "<br/>").replace("<wbr>", "<wbr/>"))


def test_three_histograms_and_a_row_for_every_scheme() -> None:
    view = topic.explain(Initialization(depth=6, layer=4))
    root = markup(view)
    captions = ["".join(node[0].itertext()) for node in root.iter("figure")]
    assert [caption.split(",")[0] for caption in captions] == [
        "activations",
        "gradients",
        "weights",
    ]
    assert all("layer 4" in caption for caption in captions)
    rows = [["".join(cell.itertext()) for cell in row.iter("td")] for row in root.iter("tr")]
    rows = [row for row in rows if row]
    assert [row[0] for row in rows] == [entry.call.label for entry in view.entries]
    for row, entry in zip(rows, view.entries, strict=True):
        assert entry.trace is not None
        assert row[1] == "128, 128"
        asked, got = row[4].split(", ")
        assert asked == f"{entry.trace.asked_std:.4g}"
        assert got == f"{entry.trace.weight_std[3]:.4g}"
        assert row[5] == f"{entry.trace.dead[3]:.0%}"
    assert view.sentence in "".join(root.itertext())


def test_the_table_has_no_column_that_says_nothing_and_explains_the_others() -> None:
    for parameters, kept in (
        (Initialization(depth=2), ()),
        (Initialization(depth=2, kind="depthwise"), ("counted",)),
        (Initialization(depth=2, nonlinearity="tanh"), ("saturated",)),
    ):
        root = markup(topic.explain(parameters))
        heads = [node.text for node in root.iter("th")]
        assert {"counted", "saturated"} & set(heads) == set(kept)
        caption = "".join(list(root.iter("p"))[-1].itertext()).lower()
        for word in ("bound", "dead", *kept):
            assert f"{word}: " in caption


def test_histograms_name_their_axes_and_their_ends() -> None:
    view = topic.explain(Initialization(depth=6, layer=4))
    assert view.current.trace is not None
    words = "".join(markup(view).itertext())
    assert words.count("count") == words.count("value") == 3
    for low, high in view.current.trace.histograms.ends.tolist():
        assert f"{low:.3g}value{high:.3g}" in words


def test_a_bar_that_towers_is_cut_and_its_share_said() -> None:
    view = topic.explain(Initialization(depth=6, layer=1))
    words = "".join(markup(view).itertext())
    share = float(words.split("%)")[0].rsplit(" ", 1)[-1])
    assert share == pytest.approx(50, abs=8)


def test_a_layer_beyond_the_last_is_the_last() -> None:
    view = topic.explain(Initialization(depth=3, layer=50))
    assert "layer 3" in figures.see(view)[2]


def test_histograms_of_what_is_no_number_are_empty() -> None:
    view = topic.explain(Initialization(scheme="constant", std=2.0, kept="", depth=60, layer=60))
    assert "beyond float32" in figures.see(view)[2]


@pytest.mark.parametrize("nonlinearity", topic.NONLINEARITIES)
def test_the_gains_chart_marks_the_fixed_point_and_torchs_gain(nonlinearity: str) -> None:
    view = topic.explain(
        Initialization(nonlinearity=nonlinearity, own_gain=True, gain=0.9, kept="", depth=6)
    )
    gain = figures.see(view)[3]
    curves_data(gain)
    words = [mark.words for mark in gain.marks]
    assert any(f"fixed point: gain {topic.unit_gain(nonlinearity):.4g}" in text for text in words)
    assert any("measured at 0.9" in text for text in words)
    assert any("calculate_gain" in text for text in words) == (
        nonlinearity in ("tanh", "selu", "sigmoid")
    )
    for mark in gain.marks:
        if mark.symbol != "cross":
            (line,) = gain.lines
            nearest = (line.x - mark.x).abs().argmin()
            assert float(line.x[nearest]) == pytest.approx(mark.x)
            assert float(line.y[nearest]) == pytest.approx(mark.y)
    pull = topic.pull(nonlinearity)
    said = "keeps every size" if abs(pull - 1) < 1e-6 else "attracts" if pull < 1 else "repels"
    assert said in gain.title


@pytest.mark.parametrize("nonlinearity", ["linear", "relu", "leaky_relu"])
def test_what_the_gains_title_says_is_kept_is_what_is_drawn(nonlinearity: str) -> None:
    view = topic.explain(Initialization(nonlinearity=nonlinearity, kept="", depth=16))
    gain = figures.see(view)[3]
    assert "keeps every size" in gain.title
    (mark, *_) = gain.marks
    assert mark.y == pytest.approx(1, abs=1e-6)
    trace = topic.propagate("kaiming_normal", nonlinearity, depth=16, width=512, gain=mark.x)
    assert trace.last_size == pytest.approx(1, abs=0.35)


def test_a_refused_scheme_leaves_the_others_or_nothing() -> None:
    view = topic.explain(Initialization(scheme="dirac", kept="zeros", depth=3))
    drawn = figures.see(view)
    assert [line.name for line in drawn[0].lines if not line.faint] == ["zeros"]
    assert figures.see(topic.explain(Initialization(scheme="dirac", kept="", depth=3))) == ()


@pytest.mark.parametrize("name", lessons_of("initialization"))
@pytest.mark.parametrize("wrong", [True, False])
def test_a_mistake_shows_both_lines_and_what_torch_said(name: str, wrong: bool) -> None:
    run, kind = lessons_of("initialization")[name]
    result = run(kind())
    drawn = lessons.mistake(result, wrong=wrong)
    (curves,) = [part for part in drawn if isinstance(part, Curves)]
    curves_data(curves)
    assert_both_lines(curves, result, wrong=wrong)
    texts = "".join(part for part in drawn if isinstance(part, str))
    assert ("torch says: " in texts) == (wrong and bool(result.said))
    assert ("torch says nothing." in texts) == (not wrong and bool(result.said))
    assert all(step.split(" ")[0] in texts for step in result.steps)


def test_training_draws_those_that_have_begun() -> None:
    run = topic.Run()
    calls = [topic.read("kaiming_normal"), topic.read("zeros")]
    run.reports.extend(topic.train(calls[0], "relu", depth=2, steps=20))
    drawn = figures.training(calls, [run])
    (line,) = drawn.lines
    assert line.name == f"kaiming_normal: {run.last.accuracy:.0%} right"
    assert torch.equal(line.y, run.loss)
    assert torch.equal(line.x, run.done)
    curves_data(drawn)


def test_the_thumbnail_is_svg_with_a_line_for_each_scheme() -> None:
    view = topic.explain(topic.PRESETS[0].parameters)
    root = ElementTree.fromstring(figures.thumbnail(view))
    paths = [node for node in root if node.tag.endswith("path")]
    assert len(paths) == 1 + len(view.entries)
    assert len({path.get("d") for path in paths}) == len(paths)
    fewer = dataclasses.replace(view, kept=view.kept[:1])
    assert len(list(ElementTree.fromstring(figures.thumbnail(fewer)))) == 3


def test_the_figures_do_not_import_torch() -> None:
    assert not hasattr(importlib.import_module("figures.initialization.initialization"), "torch")
