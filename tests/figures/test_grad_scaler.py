"""What the figures of the GradScaler show, and that they say it in words too."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from explainers import grad_scaler as topic
from explainers.grad_scaler import AmpRun, mistakes
from figures import grad_scaler as figures
from figures.curves import Curves
from figures.stepper import Stepper
from tests.lessons import lessons_of
from ui.curves import curves_data
from ui.stepper import stepper_data


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_scale_is_drawn_on_a_log2_axis_with_each_skipped_step_crossed(preset) -> None:
    view = topic.explain(preset.parameters)
    scale, calls, norms = figures.see(view)
    assert isinstance(scale, Curves) and isinstance(calls, Stepper) and isinstance(norms, Curves)
    assert torch.equal(scale.lines[0].y.exp2(), view.trace.scale)
    assert torch.equal(scale.lines[1].y, view.trace.growth_tracker)
    assert [mark.x for mark in scale.marks] == view.trace.skipped.nonzero().flatten().tolist()
    assert (
        f"{int(view.trace.skipped.sum())} of {view.parameters.steps} steps are skipped" in scale.alt
    )
    assert scale.group == calls.group == norms.group != ""
    for drawn in (scale, norms):
        curves_data(drawn)
    stepper_data(calls)


def test_every_call_lights_the_state_that_torch_said_and_the_edge_that_led_there() -> None:
    view = topic.explain(AmpRun())
    _, calls, _ = figures.see(view)
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
    _, calls, _ = figures.see(view)
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
def test_every_mistake_draws_its_own_line_first(name: str, wrong: bool) -> None:
    run, kind = lessons_of("grad_scaler")[name]
    result = run(kind())
    drawn = figures.mistake(result, wrong=wrong)
    assert 1 <= len(drawn) <= 3
    first = drawn[0]
    assert isinstance(first, Curves)
    chosen = result.wrong if wrong else result.right
    drawn_row = first.lines[0].y
    assert np.array_equal(drawn_row.sort().values, chosen.sort().values, equal_nan=True)
    assert ("wrong" if wrong else "right") in first.lines[0].name
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
    curves_data(drawn)


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_thumbnail_is_svg(preset) -> None:
    view = topic.explain(preset.parameters)
    root = ElementTree.fromstring(figures.thumbnail(view))
    assert root.tag.endswith("svg")
