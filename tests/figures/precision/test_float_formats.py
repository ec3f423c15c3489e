"""What the figures of the formats show, and that they say it in words too."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from explainers.precision import float_formats as topic
from explainers.precision.float_formats import FloatFormats
from figures.curves import Curves
from figures.precision import float_formats as figures
from tests.lessons import assert_both_lines, lessons_of

PRESETS = pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def words(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def drawn(**changes) -> tuple[topic.View, ElementTree.Element, ElementTree.Element]:
    view = topic.explain(FloatFormats(**changes))
    number, spectrum = figures.see(view)
    return view, parsed(number), parsed(spectrum)


@PRESETS
def test_every_view_is_well_formed_small_and_says_its_sentences(preset) -> None:
    view = topic.explain(preset.parameters)
    number, spectrum = figures.see(view)
    assert len(number) + len(spectrum) < 30_000
    assert view.sentence in words(parsed(number))
    assert view.loss in words(parsed(spectrum))
    for markup in (number, spectrum):
        for image in parsed(markup).findall(".//*[@role='img']"):
            assert len(image.get("aria-label", "")) > 10


@PRESETS
def test_the_cells_are_the_bits(preset) -> None:
    view = topic.explain(preset.parameters)
    cells = parsed(figures.number(view)).findall(".//b")
    assert "".join(cell.text or "" for cell in cells) == str(view.chosen.bits).replace(" ", "")


def test_a_tick_stands_for_every_number_of_the_format_in_sight() -> None:
    view, number, _ = drawn(value="1", zoom=2)
    track = number.find(".//*[@class='track']")
    assert track is not None
    ticks = view.ticks["float16"]
    assert ticks is not None
    low, high = view.window
    places = [
        float(x)
        for path in track.findall(".//path")
        for x in re.findall(r"M([\d.]+) 55V73", path.get("d", ""))
    ]
    expected = [1000 * (each - low) / (high - low) for each in ticks.tolist()]
    assert places == pytest.approx(expected, abs=0.06)
    # Below 1 the numbers stand twice as close.
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert max(gaps) == pytest.approx(2 * min(gaps), rel=0.01)


def test_an_arrow_shows_rounding_and_none_where_nothing_is_rounded() -> None:
    _, rounded, _ = drawn(value="2049", zoom=0)
    _, exact, _ = drawn(value="2048", zoom=0)
    assert rounded.find(".//*[@class='head']") is not None
    assert exact.find(".//*[@class='head']") is None
    labels = [span.text for span in rounded.findall(".//span[@style]")]
    assert labels == ["2049", "2047", "2048", "2050"]


@pytest.mark.parametrize(
    ("value", "dtype", "formula"),
    [
        ("0.1", "float16", "1.100110011₂ × 2¹¹⁻¹⁵ = 1.599609375 × 2⁻⁴ = 0.0999755859375"),
        ("-2", "bfloat16", "−1.0₂ × 2¹²⁸⁻¹²⁷ = −1 × 2¹ = -2"),
        ("2**-24", "float16", "0.0000000001₂ × 2¹⁻¹⁵ = 0.0009765625 × 2⁻¹⁴ = 5.96"),
        ("1e9", "float16", "An exponent of ones, a mantissa of zeros: float16's code for inf."),
        ("0", "float32", "An exponent and a mantissa of zeros: float32's code for 0."),
    ],
)
def test_the_formula_spells_the_bits_out(value: str, dtype: str, formula: str) -> None:
    view = topic.explain(FloatFormats(value=value, dtype=dtype))
    assert figures.formula(view.chosen).startswith(formula)


def test_the_table_says_what_each_format_stores_and_by_how_much_it_is_off() -> None:
    view, number, _ = drawn(value="1e-8")
    rows = [[words(cell) for cell in row] for row in number.findall(".//tbody/tr")]
    assert [row[0] for row in rows] == list(topic.FORMATS)
    assert [row[3] for row in rows[:3]] == ["all of it: 0"] * 3
    assert rows[3][3] == "0.12%"
    (chosen,) = number.findall(".//tr[@class='chosen']")
    assert words(chosen[0]) == view.parameters.dtype


@pytest.mark.parametrize(
    ("value", "off"), [("1e6", "held at its end"), ("0.001", "95%, subnormal"), ("1", "exact")]
)
def test_what_becomes_of_a_number_stands_in_words(value: str, off: str) -> None:
    _, number, _ = drawn(value=value)
    (row, *_) = number.findall(".//tbody/tr")
    assert words(row[3]) == off


def test_a_number_outside_the_line_is_pointed_to() -> None:
    _, number, _ = drawn(value="65520", zoom=2)
    marks = {
        words(row[0]): mark.get("class")
        for row in number.findall(".//tbody/tr")
        for mark in row.findall(".//i")
    }
    assert marks["float8_e4m3fn"] == "out left"
    assert marks["float16"] == "out right"
    assert marks["float32"] == "dot"
    text = words(number)
    assert "◂ 448" in text
    assert "inf ▸" in text


def test_the_shares_of_every_format_stand_beside_its_lane() -> None:
    view, _, spectrum = drawn(exponent=0)
    rows = {words(row[0]): row for row in spectrum.findall(".//tbody/tr")}
    assert list(rows) == list(topic.FORMATS)
    for name, row in rows.items():
        share = view.shares[name]
        cells = {cell.get("data-label"): words(cell) for cell in row.findall("td")[1:]}
        for label, part in (("kept", share.normal), ("to 0", share.zero)):
            assert float(cells[label].rstrip("%")) == pytest.approx(100 * part, rel=0.06)
    lost = [cell.get("class") for cell in rows["float16"].findall("td")]
    assert lost == ["lane", None, None, "lost", None]


def test_the_bands_change_where_the_format_does() -> None:
    _, _, spectrum = drawn(dtype="float16")
    bands = spectrum.find(".//*[@class='lane big']")
    assert bands is not None
    spans = {
        word.text: re.findall(r"[\d.]+", word.get("style", "")) for word in bands.findall(".//em")
    }
    assert list(spans) == ["becomes 0", "fewer digits", "full precision", "overflows"]
    for name, power in (("fewer digits", -25), ("full precision", -14), ("overflows", 16)):
        assert float(spans[name][0]) == pytest.approx(100 * (power + 46) / 80, abs=0.01)
    _, _, wide = drawn(dtype="bfloat16")
    assert [word.text for word in wide.findall(".//em")] == ["full precision"]


def test_the_bars_move_with_the_scale() -> None:
    def bars(exponent: int) -> list[float]:
        _, _, spectrum = drawn(exponent=exponent)
        lane = spectrum.find(".//*[@class='lane big']")
        assert lane is not None
        *_, path = lane.findall(".//path")
        return [float(x) for x in re.findall(r"M([\d.]+) ", path.get("d", ""))]

    assert [x + 12.5 * 8 for x in bars(0)] == pytest.approx(bars(8), abs=0.11)


@pytest.mark.parametrize("name", lessons_of("float_formats"))
def test_the_right_line_comes_first_and_the_one_that_runs_is_thick(name: str) -> None:
    run, kind = lessons_of("float_formats")[name]
    result = run(kind())
    for wrong in (True, False):
        (curves,) = figures.mistake(result, wrong=wrong)
        assert isinstance(curves, Curves)
        assert_both_lines(curves, result, wrong=wrong)
        assert ("log scale" in curves.y_title) == result.log
        assert bool(curves.references) == (result.limit is not None)


def test_where_the_wrong_line_has_no_number_the_right_one_is_marked() -> None:
    run, kind = lessons_of("float_formats")["adam_eps"]
    result = run(kind())
    (curves,) = figures.mistake(result, wrong=True)
    (mark,) = curves.marks
    assert (mark.x, mark.y) == (1.0, float(result.right[1]))


def test_training_draws_a_loss_and_a_share_for_each_run() -> None:
    runs = []
    for held in topic.HELD:
        run = topic.Run(held)
        run.reports += topic.train(topic.Training(steps=100), held)
        runs.append(run)
    loss, still = figures.training(runs)
    for curves in (loss, still):
        assert [line.name for line in curves.lines] == list(topic.HELD)
        assert all(
            line.x is not None and line.x.tolist() == [0, 25, 50, 75, 100] for line in curves.lines
        )
    assert still.y_range == (0.0, 1.0)
    assert "Held in bfloat16, the loss ends at" in loss.alt


def test_the_thumbnail_has_a_cell_for_every_bit() -> None:
    view = topic.explain(FloatFormats())
    svg = parsed(figures.thumbnail(view))
    cells = svg.findall(".//{*}rect")
    assert len(cells) == 16
    bits = str(view.chosen.bits).replace(" ", "")
    assert ["1" if cell.get("opacity") == "1" else "0" for cell in cells] == list(bits)
