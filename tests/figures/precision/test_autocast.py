"""What the figures of autocast show, and that they say it in words too."""

import math
from xml.etree import ElementTree

import pytest
import torch

from explainers.evidence import CurveMistake
from explainers.precision import autocast as topic
from explainers.precision.autocast import Autocast, Cost
from figures.curves import Curves
from figures.precision import autocast as figures
from tests.lessons import assert_both_lines, lessons_of

PRESETS = pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup.replace("<wbr>", ""))


@PRESETS
def test_every_operation_is_a_button_that_names_what_came_out(preset) -> None:
    view = topic.explain(preset.parameters)
    buttons = parsed(figures.chips(view)).findall(".//button")
    assert {each.get("data-choice") for each in buttons} == set(topic.OPS)
    assert len(buttons) == len(topic.OPS)
    rows = {row.name: row for row in view.rows}
    pressed = [each for each in buttons if each.get("aria-pressed") == "true"]
    assert [each.get("data-choice") for each in pressed] == [preset.parameters.op]
    for each in buttons:
        outcome = view.outcome(rows[each.get("data-choice", "")])
        said = each.get("aria-label", "")
        if outcome.dtype is None:
            assert "gives an error, raises" in said
            assert each.get("class") == "none"
        else:
            assert f"gives {str(outcome.dtype).removeprefix('torch.')}" in said
            assert "".join(each.find("b").itertext()) in ("f16", "bf16", "f32")


def test_overflow_and_zero_are_marked_in_signs_not_by_colour_alone() -> None:
    large = "".join(parsed(figures.chips(topic.explain(Autocast(exponent=9)))).itertext())
    small = "".join(parsed(figures.chips(topic.explain(Autocast(exponent=-14)))).itertext())
    assert "matmulf16∞" in large
    assert "matmulf16→ 0" in small


@PRESETS
def test_one_bar_counts_every_operation_once(preset) -> None:
    view = topic.explain(preset.parameters)
    (bar,) = parsed(figures.chips(view)).findall(".//div[@role='img']")
    assert bar.get("aria-label") == view.sentence
    keys = ["".join(key.itertext()) for key in parsed(figures.legend(view))]
    counts = [int(words.split(": ")[1]) for words in keys if ": " in words]
    assert sum(counts) == len(view.rows)
    styles = [part.get("style", "").split(";")[0] for part in bar]
    assert styles == [f"flex-grow:{count}" for count in counts]


def test_what_is_not_as_listed_carries_a_sign() -> None:
    view = topic.explain(Autocast())
    marked = {
        each.get("data-choice")
        for each in parsed(figures.chips(view)).findall(".//button")
        if each.find(".//sup") is not None
    }
    assert marked == {row.name for row in view.rows if not row.as_listed}


def test_the_chosen_operation_shows_three_inputs_and_what_torch_ran() -> None:
    said = "".join(parsed(figures.detail(topic.explain(Autocast(op="mse_loss")))).itertext())
    assert said.count("→") == 3
    assert "torch ran: mse_loss(float32, float32) gives float32" in said
    lifted = "".join(
        parsed(figures.detail(topic.explain(Autocast(op="mse_loss", inputs="lower")))).itertext()
    )
    assert "cast float16 to float32  ×2" in lifted
    raised = figures.detail(topic.explain(Autocast(op="mv", inputs="mixed")))
    assert "torch says: RuntimeError" in raised


@PRESETS
def test_errors_are_lines_of_what_was_measured(preset) -> None:
    view = topic.explain(preset.parameters)
    drawn = figures.errors(view)
    assert isinstance(drawn, Curves)
    dtypes = ("float32", "float16", "bfloat16")
    refused = [dtype for dtype in dtypes if view.sweep.errors[dtype].isnan().all()]
    measured = [dtype for dtype in dtypes if dtype not in refused]
    for line, dtype in zip(drawn.lines, measured, strict=True):
        assert dtype in line.name
        wanted = view.sweep.errors[dtype].clamp(min=1e-9)
        assert torch.equal(line.y.nan_to_num(), wanted.nan_to_num())
    outcome = view.outcome(view.chosen)
    assert len(drawn.marks) == math.isfinite(outcome.error)
    assert "log scale" in drawn.y_title


def test_an_operation_that_torch_refuses_has_no_line_and_the_title_says_so() -> None:
    drawn = figures.errors(topic.explain(Autocast(op="mv", inputs="mixed")))
    assert [line.name for line in drawn.lines] == ["float32 throughout"]
    assert drawn.title.endswith("; torch raises in float16 and bfloat16")


def test_only_lower_precision_and_failures_tell_their_error() -> None:
    view = topic.explain(Autocast(exponent=9))
    told = {
        each.get("data-choice")
        for each in parsed(figures.chips(view)).findall(".//button")
        if each.find("i") is not None
    }
    lower = {row.name for row in view.rows if row.from_float32 is torch.float16}
    assert told == lower | {"exp"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_headings_say_what_autocast_does(dtype: str) -> None:
    headings = [
        each.text for each in parsed(figures.chips(topic.explain(Autocast(dtype=dtype)))).iter("h4")
    ]
    assert headings == [
        f"Listed to run in {dtype}",
        "Listed to run in float32",
        "Follow their inputs' dtypes",
    ]


def test_a_band_says_where_float16_overflows() -> None:
    view = topic.explain(Autocast())
    (band,) = figures.errors(view).bands
    infinite = view.sweep.exponents[view.sweep.errors["float16"].isinf()]
    assert (band.x0, band.x1) == (float(infinite[0]), float(infinite[-1]))
    assert band.label == "float16: inf"


@pytest.mark.parametrize("name", lessons_of("autocast"))
def test_a_mistake_shows_both_lines_and_marks_the_one_that_runs(name: str) -> None:
    run, kind = lessons_of("autocast")[name]
    result = run(kind())
    for wrong in (True, False):
        if isinstance(result, CurveMistake):
            drawn, *_ = figures.curve_mistake(result, wrong=wrong)
            assert isinstance(drawn, Curves)
            assert_both_lines(drawn, result, wrong=wrong, least=1e-9)
        else:
            markup = figures.flow_mistake(result, wrong=wrong)
            said = "".join(ElementTree.fromstring(markup).itertext())
            lines = result.wrong if wrong else result.right
            assert all(line.code in said for line in lines)
            assert "svg" not in markup
            assert ("✗ error" in said) == any(not line.gives for line in lines)


def test_costs_are_bars_of_what_was_measured() -> None:
    *_, last = topic.cost(Cost(width=16, batch=8, repeats=5))
    table = parsed(figures.costs(last))
    rows = table.findall(".//tbody/tr")
    assert ["".join(row.find("th").itertext()) for row in rows] == [
        "float32",
        "autocast float16",
        "autocast bfloat16",
    ]
    widths = [row.find(".//em").get("style") for row in rows]
    assert "width:100.0%" in widths
    sentence = figures.cost_sentence(last, "cpu")
    slower = any(mode.ratio > 1.05 for mode in last.modes[1:])
    assert ("Slower on this cpu" in sentence) == slower


@pytest.mark.parametrize(
    ("settings", "signs"),
    [
        (Autocast(), ("f16 float16: ", "f32 float32: ", "error relative to float64", "≠")),
        (Autocast(exponent=9), ("∞ overflow in float16: ", "∞ overflow in float32: 1")),
        (Autocast(exponent=-14), ("→ 0 become all 0 in float16: ",)),
        (Autocast(inputs="mixed", dtype="bfloat16"), ("bf16 bfloat16: ", "✗ raise an error: ")),
    ],
)
def test_the_legend_names_every_sign_in_sight(settings: Autocast, signs: tuple[str, ...]) -> None:
    said = "".join(parsed(figures.legend(topic.explain(settings))).itertext())
    for sign in signs:
        assert sign in said


def test_the_thumbnail_has_a_tile_for_each_operation() -> None:
    view = topic.explain(Autocast())
    svg = ElementTree.fromstring(figures.thumbnail(view))
    assert len(svg.findall(".//{*}rect")) == len(topic.OPS)
