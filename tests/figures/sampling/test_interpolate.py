"""What the figures of interpolate show, and that they say it in words too."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch

from explainers.sampling.interpolate import PRESETS, Interpolate, explain, imitate, mistakes
from explainers.sampling.interpolate.imitation import Imitation
from figures.curves import Curves
from figures.sampling import interpolate as figures
from ui.curves import curves_data


def parsed(markup: str) -> ElementTree.Element:
    """Read markup as XML: nothing in it is left open or unescaped."""
    return ElementTree.fromstring(f"<all>{markup}</all>")


def labels(markup: str) -> list[str]:
    return [node.get("aria-label", "") for node in parsed(markup).iter() if node.get("role")]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_view_is_drawn_and_said_in_words(preset) -> None:
    view = explain(preset.parameters)
    for label in labels(figures.see(view)):
        assert label.endswith(".")
        assert len(label) < 500
    if view.line:
        assert view.sentence in figures.line_alt(view)
        assert f"{len(view.line.outputs)} outputs" in figures.line_alt(view)


def test_a_volume_shows_every_input_slice_and_at_most_eight_of_the_output() -> None:
    few = explain(Interpolate(input="volume", mode="trilinear", scale_factor=1.5))
    assert figures.see(few).count("<figcaption>Output") == 6
    many = explain(Interpolate(input="volume", mode="trilinear", scale_factor=4.0))
    markup = figures.see(many)
    assert markup.count("<figcaption>Input") == 4
    assert markup.count("<figcaption>Output") == 8
    assert "Output [0]" in markup
    assert "Output [15]" in markup
    assert "8 of its slices" in markup


@pytest.mark.parametrize("kind", ["signal", "row", "table", "picture", "volume"])
def test_a_refused_call_shows_its_input_alone(kind: str) -> None:
    view = explain(Interpolate(input=kind, given="neither"))
    markup = figures.see(view)
    assert "Input" in markup
    assert "<figcaption>Output" not in markup


def test_numbers_outside_0_to_1_are_scaled_by_the_inputs_range() -> None:
    view = explain(Interpolate(input="table", mode="bilinear", table="-9, 9; 0, 0"))
    assert view.output is not None
    shown = figures._shown(view.output, view.source)
    assert float(shown.min()) == pytest.approx(0)
    assert float(shown.max()) == pytest.approx(1)


def test_each_arrow_ends_where_torch_read() -> None:
    result = mistakes.nearest(mistakes.TwoLengths())
    markup = figures.combs(result, wrong=True)
    assert "read at 0, 1, 3." in labels(markup)[0]

    def shares(kind: str, name: str) -> list[float]:
        return [float(node.get(name, "").rstrip("%")) for node in parsed(markup).iter(kind)]

    wide = shares("rect", "width")
    cells = [x + width / 2 for x, width in zip(shares("rect", "x"), wide, strict=True)]
    assert shares("circle", "cx") == pytest.approx(cells[5:], abs=0.02)
    assert shares("line", "x1") == pytest.approx(cells[5:], abs=0.02)
    assert shares("line", "x2") == pytest.approx([cells[0], cells[1], cells[3]], abs=0.02)


def test_the_text_of_a_comb_has_one_size_at_any_width() -> None:
    markup = figures.combs(mistakes.nearest(mistakes.TwoLengths()), wrong=True)
    assert all(node.get("viewBox") is None for node in parsed(markup).iter("svg"))
    assert all("font:12px" in node.get("style", "") for node in parsed(markup).iter("text"))
    assert markup.count("where each output reads") == 1


def test_lines_of_different_lengths_are_drawn_to_one_scale() -> None:
    markup = figures.combs(mistakes.one_more(mistakes.OneMore()), wrong=True)
    first, second = (
        [float(node.get("width", "").rstrip("%")) for node in figure.iter("rect")]
        for figure in parsed(markup).iter("figure")
    )
    assert first[0] == second[0]


def test_the_wrong_cast_shows_more_levels_than_the_clamped_one() -> None:
    result = mistakes.overshoot(mistakes.Step())
    for wrong in (True, False):
        pictures, chart = figures.overshoot(result, wrong=wrong)
        assert isinstance(pictures, str)
        assert isinstance(chart, Curves)
        assert torch.equal(chart.lines[1].y, result.wrong if wrong else result.right)
        curves_data(chart)


def test_every_lesson_says_in_words_what_it_draws() -> None:
    for result, draw in (
        (mistakes.aliasing(mistakes.Reduction()), figures.aliasing),
        (mistakes.two_ways(mistakes.OtherSize()), figures.two_ways),
        (mistakes.labels(mistakes.LabelSize()), figures.labels),
    ):
        said = [labels(draw(result, wrong=wrong))[0] for wrong in (True, False)]
        assert said[0] != said[1]


def test_the_learned_kernel_and_the_formula_share_one_range_of_greys() -> None:
    found = imitate(Imitation(mode="bicubic", steps=40))
    film = figures.imitation(found)
    assert film.reference is not None
    assert float(film.reference.min()) == 0
    assert float(film.reference.max()) == 1
    assert float((film.frames[-1] - film.reference).abs().max()) < 1e-3
    assert len(film.captions) == len(film.frames) == 41
    assert "over 40 steps" in film.alt


def test_the_thumbnail_holds_a_stem_per_sample_and_a_dot_per_output() -> None:
    view = explain(replace(PRESETS[0].parameters, samples="0, 1, 2", scale_factor=3.0))
    svg = ElementTree.fromstring(figures.thumbnail(view))
    assert view.line is not None
    assert len(svg.findall(".//{*}rect")) == 3
    assert len(svg.findall(".//{*}circle")) == 9
    assert torch.equal(view.line.outputs, view.line.weights @ view.line.samples)
