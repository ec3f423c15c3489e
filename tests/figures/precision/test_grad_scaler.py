"""What the figures of the GradScaler show, and that they say it in words too."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from explainers.precision import grad_scaler as topic
from explainers.precision.grad_scaler import AmpRun, mistakes
from figures.curves import Curves
from figures.precision import grad_scaler as figures
from figures.stepper import Stepper
from tests.lessons import lessons_of
from ui.curves import curves_data
from ui.stepper import stepper_data


def drawn_of(view: topic.View) -> tuple[Curves, Stepper, Curves]:
    """The chart of the scale, the calls, and the chart of gradients and updates."""
    first, calls, last = figures.see(view)
    assert isinstance(first, Curves) and isinstance(calls, Stepper) and isinstance(last, Curves)
    scale, gradients = sorted((first, last), key=lambda chart: "scale" not in chart.title)
    return scale, calls, gradients


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_scale_is_drawn_on_a_log2_axis_with_each_skipped_step_crossed(preset) -> None:
    view = topic.explain(preset.parameters)
    scale, calls, gradients = drawn_of(view)
    assert torch.equal(scale.lines[0].y.exp2(), view.trace.scale)
    skipped = view.trace.skipped.nonzero().flatten().tolist()
    assert sorted(mark.x for mark in scale.marks) == skipped
    # Words are written at the first mark, above which there is no line.
    assert not skipped or scale.marks[0].y == max(mark.y for mark in scale.marks)
    assert ("crossed" in scale.title) == bool(skipped)
    assert scale.y_range is not None
    assert scale.y_range[0] < scale.lines[0].y.min() <= scale.lines[0].y.max() < scale.y_range[1]
    assert f"{len(skipped)} of {view.parameters.steps} steps are skipped" in scale.alt
    assert scale.group == calls.group == gradients.group != ""
    for drawn in (scale, gradients):
        curves_data(drawn)
    stepper_data(calls)


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_share_of_zeros_and_the_update_beside_float32s_are_drawn(preset) -> None:
    view = topic.explain(preset.parameters)
    _, _, gradients = drawn_of(view)
    rows = {line.name: line.y for line in gradients.lines}
    assert torch.equal(rows["gradients that are 0"], 100 * view.trace.zero_share)
    assert torch.equal(rows["update"], view.trace.update_norm.float())
    assert torch.equal(rows["update in float32"], view.plain.float())
    assert torch.equal(rows["norm after backward"], view.trace.scaled_gradient_norm.float())
    assert gradients.y_range is not None
    assert gradients.y_range[1] >= rows["gradients that are 0"].max()


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_what_a_preset_is_about_comes_first(preset) -> None:
    first, *_ = figures.see(topic.explain(preset.parameters))
    flat = preset.name in ("Scale 1", "Clipping before unscale_")
    assert ("scale" in first.title) != flat


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_growth_tracker_is_drawn_only_where_one_can_see_it_count(preset) -> None:
    view = topic.explain(preset.parameters)
    scale, _, _ = drawn_of(view)
    if preset.name == "Three bad batches":
        assert torch.equal(scale.lines[1].y, view.trace.growth_tracker)
        assert scale.right_title
    else:
        assert len(scale.lines) == 1
        assert not scale.right_title


@pytest.mark.parametrize("exponent", [-24, 0])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_gradients_too_large_for_a_chart_are_a_gap(dtype: str, exponent: int) -> None:
    view = topic.explain(AmpRun(dtype=dtype, poison="large", init_exponent=exponent))
    for drawn in drawn_of(view):
        if isinstance(drawn, Curves):
            curves_data(drawn)


def test_a_scale_of_zero_leaves_the_axis_to_what_is_finite() -> None:
    poisoned = ", ".join(map(str, range(24)))
    settings = AmpRun(init_exponent=-24, backoff_factor=0.01, poisoned=poisoned)
    scale, _, _ = drawn_of(topic.explain(settings))
    assert scale.y_range is not None
    assert all(np.isfinite(scale.y_range))
    curves_data(scale)


@pytest.mark.parametrize("wrong", [True, False], ids=["wrong", "right"])
def test_both_counts_of_steps_stand_in_one_chart_on_a_linear_axis(wrong: bool) -> None:
    result = mistakes.skipped_steps(mistakes.SkippedSteps())
    _, counts, *rest = figures.mistake(result, wrong=wrong)
    assert isinstance(counts, Curves)
    own = "wrong" if wrong else "right"
    assert [line.name for line in counts.lines] == [
        "steps taken by the optimizer",
        f"steps taken by the scheduler, {own}",
    ]
    assert not counts.log
    assert not any(isinstance(part, Curves) for part in rest)
    assert own in counts.title
    # They part under the wrong line alone.
    assert torch.equal(counts.lines[0].y, counts.lines[1].y) != wrong


def test_norms_a_scale_apart_stand_on_a_log_axis() -> None:
    apart, alike = (
        figures.mistake(mistakes.clip_first(mistakes.ClipFirst(init_exponent=power)), wrong=True)[1]
        for power in (16, 0)
    )
    assert isinstance(apart, Curves) and apart.log
    assert isinstance(alike, Curves) and not alike.log


def test_every_call_lights_the_state_that_torch_said_and_the_edge_that_led_there() -> None:
    view = topic.explain(AmpRun())
    _, calls, _ = drawn_of(view)
    trace = view.trace
    legal = {(edge.state, edge.call): edge.then for edge in view.edges if edge.legal}
    for step, (number, _) in enumerate(calls.steps):
        before = "READY"
        sequence = calls.sequences[number]
        assert [call.name for call in sequence] == list(trace.calls[step])
        for call, state in zip(sequence, trace.states[step], strict=True):
            assert call.lit[-1] == state
            if (before, call.name) in legal:
                assert call.lit[0] == f"{before} {call.name}"
                assert legal[before, call.name] == state
            before = state


def test_a_skipped_step_says_so_and_a_taken_one_does_not() -> None:
    view = topic.explain(AmpRun())
    _, calls, _ = drawn_of(view)
    skipped = calls.sequences[calls.steps[25][0]]
    taken = calls.sequences[calls.steps[24][0]]
    assert "no step" in {c.name: c.words for c in skipped}["step"]
    assert "the optimizer steps" in {c.name: c.words for c in taken}["step"]
    assert "skipped · no weight moves · scale 262144 → 131072" in calls.steps[25][1]
    assert calls.start == (25, list(view.trace.calls[25]).index("step"))
    # Steps that make the same calls with the same outcome are sent once.
    assert len(calls.sequences) < 6 < len(calls.steps)


def test_the_drawing_has_every_state_and_every_call_and_crosses_what_torch_refuses() -> None:
    edges = topic.machine()
    root = ElementTree.fromstring(figures.machine(edges))
    parts = {part.get("data-part"): part for part in root.iter() if part.get("data-part")}
    assert set(topic.STATES) <= set(parts)
    for edge in edges:
        part = parts[f"{edge.state} {edge.call}"]
        assert ("illegal" in str(part.get("class"))) == (not edge.legal)
        assert ("✗" in "".join(part.itertext())) == (not edge.legal)


ORDERS = tuple(mistakes.IllegalOrder.specs()["order"].options)


@pytest.mark.parametrize("order", ORDERS)
def test_the_illegal_edge_lights_up_with_torchs_own_words(order: str) -> None:
    result = mistakes.illegal_order(mistakes.IllegalOrder(order=order))
    edges = topic.machine()
    wrong = figures.order(result, edges, wrong=True)
    last = wrong.sequences[0][-1]
    assert last.refused
    assert result.said in last.words
    assert last.lit[0] == f"{result.edge.state} {result.edge.call}"
    part = f'class="edge illegal" data-part="{last.lit[0]}"'
    assert part in wrong.drawing
    assert wrong.start == (0, len(wrong.sequences[0]) - 1)
    right = figures.order(result, edges, wrong=False)
    assert not any(call.refused for call in right.sequences[0])
    for drawn in (wrong, right):
        stepper_data(drawn)


@pytest.mark.parametrize("wrong", [True, False], ids=["wrong", "right"])
@pytest.mark.parametrize("name", sorted({*lessons_of("grad_scaler")} - {"illegal_order"}))
def test_every_mistake_draws_the_right_line_first(name: str, wrong: bool) -> None:
    run, kind = lessons_of("grad_scaler")[name]
    result = run(kind())
    drawn = figures.mistake(result, wrong=wrong)
    assert 1 <= len(drawn) <= 3
    first = drawn[0]
    assert isinstance(first, Curves)
    right, false = first.lines[:2]
    for line, row in ((right, result.right), (false, result.wrong)):
        assert np.array_equal(line.y.sort().values, row.sort().values, equal_nan=True)
    assert ("right" in right.name, "wrong" in false.name) == (True, True)
    assert (right.strong, false.strong) == (not wrong, wrong)
    for part in drawn:
        if isinstance(part, Curves):
            curves_data(part)


def test_a_race_names_what_each_way_loses() -> None:
    *_, lap = topic.train(topic.Race(steps=20))
    drawn = figures.race(lap)
    assert len(drawn.lines) == len(topic.WAYS)
    for way, line in zip(topic.WAYS, drawn.lines, strict=True):
        assert line.name.startswith(way)
        assert f"{100 * lap.zero_share[way]:.0f} %" in line.name
    assert "three of four curves lie on each other" in drawn.title
    curves_data(drawn)


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_thumbnail_is_svg(preset) -> None:
    view = topic.explain(preset.parameters)
    root = ElementTree.fromstring(figures.thumbnail(view))
    assert root.tag.endswith("svg")
