"""The figures show what the explainer computed: read back from what the browser gets."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from PIL import Image

from explainers.sampling import affine_grid
from explainers.sampling.affine_grid import mistakes
from figures import style
from figures.sampling import affine_grid as figures
from ui.curves import curves_data

PRESETS = pytest.mark.parametrize("preset", affine_grid.PRESETS, ids=lambda preset: preset.name)


def pictures(markup: str) -> list[np.ndarray]:
    """The pixels of each picture in the markup."""
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', markup)
    # A picture without colour is written as grey.
    opened = (Image.open(io.BytesIO(base64.b64decode(text))) for text in found)
    return [np.asarray(image.convert("RGB")) for image in opened]


def eight_bits(image) -> np.ndarray:
    return (image.clamp(0, 1).permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)


def test_the_numbers_of_pictures_and_charts_can_be_opened_as_a_table() -> None:
    image = torch.tensor([[0.25, 0.5], [0.5, 1.0]])
    markup = style.panels([style.Panel("one <b>", image)], alt="A picture.")
    assert "<summary>Data</summary>" in markup
    assert "one &lt;b&gt;</th><td>2 × 2</td><td>0.25</td><td>0.562</td><td>1</td>" in markup
    traces = [
        {"type": "scatter", "x": list(range(100)), "y": list(range(100)), "name": "line"},
        {"type": "heatmap", "z": [[0.5, 2.0]]},
    ]
    chart = style.Chart(go.Figure(data=traces), "A line.")
    assert 30 <= chart.table.count('<th scope="row">line</th>') <= 40
    assert "0.5 at least" in chart.table
    assert "2 at most" in chart.table


@PRESETS
def test_see_shows_the_pixels_that_torch_made(preset) -> None:
    view = affine_grid.explain(preset.parameters)
    source, output = pictures(figures.see(view))
    np.testing.assert_array_equal(source, eight_bits(view.picture))
    np.testing.assert_array_equal(output, eight_bits(view.warp.output))


@PRESETS
def test_see_is_well_formed_and_says_what_it_shows(preset) -> None:
    view = affine_grid.explain(preset.parameters)
    root = ET.fromstring(figures.see(view))
    row = root[0]
    assert row.attrib["role"] == "img"
    assert view.sentence in row.attrib["aria-label"]
    assert root.findtext("p") == view.sentence
    assert root.findtext("pre") == figures.theta_code(view.theta)
    assert [node.text for node in root.iter("figcaption")] == [
        "Input, read on the grid",
        "Output",
    ]


def test_the_lattice_on_the_input_runs_through_the_positions_that_are_read() -> None:
    view = affine_grid.explain(affine_grid.AffineGrid(degrees=90.0))
    root = ET.fromstring(figures.see(view))
    first = next(node for node in root.iter("path") if node.attrib["stroke"] == style.BLUE)
    numbers = [float(text) for text in re.findall(r"-?[\d.]+", first.attrib["d"])]
    expected = view.lines.numpy().reshape(-1)
    np.testing.assert_allclose(numbers, expected, atol=0.051)


def test_the_window_holds_the_picture_and_is_bounded_however_far_the_grid_reads() -> None:
    far = affine_grid.AffineGrid(degrees=33.0, scale_x=0.25, scale_y=0.25, translate_x=-1.0)
    root = ET.fromstring(figures.see(affine_grid.explain(far)))
    box = next(root.iter("svg")).attrib["viewBox"]
    left, top, width, height = map(float, box.split())
    assert left <= -0.5
    assert top <= -0.5
    assert 128 <= width <= 2.9 * 128
    assert 128 <= height <= 2.9 * 128


def test_the_window_of_a_picture_shrunk_to_two_fifths_holds_the_marks_of_all_corners() -> None:
    shrunk = affine_grid.AffineGrid(degrees=0.0, scale_x=0.4, scale_y=0.4)
    view = affine_grid.explain(shrunk)
    box = next(ET.fromstring(figures.see(view)).iter("svg")).attrib["viewBox"]
    left, top, width, height = map(float, box.split())
    size = 0.025 * width
    assert left <= float(view.corners[:, 0].min()) - size
    assert top <= float(view.corners[:, 1].min()) - size
    assert left + width >= float(view.corners[:, 0].max()) + size
    assert top + height >= float(view.corners[:, 1].max()) + size


@pytest.mark.parametrize("wrong", [True, False])
def test_a_mistake_shows_asked_for_got_and_difference(wrong: bool) -> None:
    result = mistakes.direction(mistakes.Direction())
    source, wanted, got, difference = pictures(figures.picture_mistake(result, wrong=wrong))
    np.testing.assert_array_equal(source, eight_bits(result.source))
    np.testing.assert_array_equal(wanted, eight_bits(result.wanted))
    np.testing.assert_array_equal(got, eight_bits(result.wrong if wrong else result.right))
    assert bool(difference.max() > 100) is wrong


FLAGS = mistakes.mixed_flags(mistakes.MixedFlags())
RULER = mistakes.padding_ruler(mistakes.Padding())


def test_the_map_of_the_line_that_runs_stands_out() -> None:
    for wrong, chosen in ((True, 2), (False, 0)):
        figure = figures.flags(FLAGS, wrong=wrong)[0].figure
        outlines = [shape.line.width > 1 for shape in figure.layout.shapes]
        assert outlines == [index == chosen for index in range(4)]
        assert [trace.opacity == 1 for trace in figure.data] == [i == chosen for i in range(4)]
        titles = [annotation.text for annotation in figure.layout.annotations][2:]
        assert figure.layout.width <= 340  # a phone's
        assert ["runs now" in title for title in titles] == [index == chosen for index in range(4)]
        assert titles[chosen].startswith(f"{wrong} / False")
        np.testing.assert_allclose(
            np.array([trace.z for trace in figure.data]).reshape(2, 2, 8, 8),
            FLAGS.errors.numpy(),
            atol=1e-4,
        )


@pytest.mark.parametrize("wrong", [True, False])
def test_charts_have_titles_name_their_axes_and_say_what_they_show(wrong: bool) -> None:
    ruler, (errors, convention) = (
        figures.ruler(RULER, wrong=wrong),
        figures.flags(FLAGS, wrong=wrong),
    )
    assert "normalised position" in ruler.x_title
    assert "normalised position" in convention.y_title
    for title in (ruler.title, errors.figure.layout.annotations[0].text, convention.title):
        assert len(title) > 20
    assert "0.67" in errors.alt
    assert "reads at 0.50" in ruler.alt
    assert "-0.875" in convention.alt
    curves_data(ruler)
    curves_data(convention)
    landed = {mark.words: mark.x for mark in ruler.marks}
    assert landed["reflected to 0.5"] == pytest.approx(0.5, abs=1e-3)
    assert ("docs: -0.5" in landed) is wrong


def test_a_probe_inside_is_read_where_it_is() -> None:
    (probe,) = figures.ruler(mistakes.padding_ruler(mistakes.Padding(probe=0.3)), wrong=False).marks
    assert probe.x == 0.3


def test_the_libraries_titles_carry_the_measured_turns() -> None:
    markup = figures.libraries(mistakes.libraries(mistakes.SameAngle()), wrong=True)
    assert "torchvision affine(30): 30° clockwise" in markup
    assert "OpenCV(30): 30° counter-clockwise" in markup
    mended = figures.libraries(mistakes.libraries(mistakes.SameAngle()), wrong=False)
    assert "torchvision affine(-30): 30° counter-clockwise" in mended


def test_a_picture_made_small_has_no_lines_over_it() -> None:
    for scale, lines in ((0.4, 1), (1.0, 2)):
        view = affine_grid.explain(
            affine_grid.AffineGrid(degrees=0.0, scale_x=scale, scale_y=scale)
        )
        assert figures.see(view).count(style.BLUE + '" stroke-width="1.4"') == lines


def test_the_thumbnail_is_an_svg_of_the_two_pictures() -> None:
    markup = figures.thumbnail(affine_grid.explain(affine_grid.AffineGrid()))
    assert ET.fromstring(markup).tag.endswith("svg")
    assert len(pictures(markup)) == 2


def test_titles_and_words_are_escaped() -> None:
    panel = style.Panel("<b>&", affine_grid.explain(affine_grid.AffineGrid()).picture)
    assert "<b>" not in style.panels([panel], alt='"<i>')
    assert "<i>" not in style.panels([panel], alt='"<i>')
    assert "<u>" not in style.mark("circle", 0, 0, colour="red", size=1, words="<u>")


def test_a_picture_survives_its_png_and_is_clipped() -> None:
    image = affine_grid.explain(affine_grid.AffineGrid()).picture
    back = np.asarray(Image.open(io.BytesIO(style.png(image * 2 - 0.5))))
    np.testing.assert_array_equal(back, eight_bits(image * 2 - 0.5))
