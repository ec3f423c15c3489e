"""The page's initialisers: calls that are read and written, views, code and data."""

import csv
import io
import itertools
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.initialization import initialization as topic
from explainers.initialization.initialization import Initialization, snippet
from explainers.initialization.initialization.view import cost


def ran(code: str, folder: Path) -> dict[str, Any]:
    """Run code from a file, as a reader would, and return its names."""
    file = folder / "taken.py"
    file.write_text(code, encoding="utf-8")
    return runpy.run_path(str(file))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("kaiming_normal", "kaiming_normal"),
        ("kaiming_normal()", "kaiming_normal"),
        (
            " kaiming_uniform ( mode = fan_out , gain = 2 ) ",
            "kaiming_uniform(gain=2, mode=fan_out)",
        ),
        ('kaiming_normal(mode="fan_in")', "kaiming_normal"),
        ("normal(std=0.020)", "normal(std=0.02)"),
        ("normal", "normal(std=1)"),
        ("xavier_normal(gain=1)", "xavier_normal(gain=1)"),
        ("dirac", "dirac"),
        ("kaiming_normal_", "kaiming_normal"),
        ("nn.init.kaiming_normal_", "kaiming_normal"),
        ("torch.nn.init.xavier_normal_(layer.weight, gain=sqrt(4))", "xavier_normal(gain=2)"),
        ("init.kaiming_normal_(weight, mode='fan_out')", "kaiming_normal(mode=fan_out)"),
        ("orthogonal(gain=math.sqrt(2.25))", "orthogonal(gain=1.5)"),
    ],
)
def test_a_call_has_one_way_to_be_written(text: str, canonical: str) -> None:
    assert str(topic.read(text)) == canonical
    assert topic.read(canonical) == topic.read(text)


BAD_CALLS = [
    ("", "got "),
    ("he_normal", "scheme must be one of default"),
    ("normal(0.1)", "got 0.1"),
    ("normal(std=0.1, std=0.2)", "got std=0.2"),
    ("normal(std=-1)", "std must be a number from 0 to 1000, got -1.0"),
    ("normal(std=nan)", "std must be a number from 0 to 1000, got nan"),
    ("normal(std=1+1)", "std must be a number, got 1+1"),
    ("normal(gain=2)", "arguments of normal must be std, got gain"),
    ("zeros(std=1)", "arguments of zeros must be none, got std"),
    ("kaiming_normal(mode=fan_avg)", "mode must be one of fan_in, fan_out, got fan_avg"),
    ("kaiming_normal(gain=0)", "gain must be a number from 0.001 to 1000, got 0.0"),
    ("trunc_normal(std=0)", "std must be above 0 for trunc_normal"),
    ("__import__('os').system('true')", "got __import__"),
    ("(" * 70, "got (((("),
    ("a" * 200, "got aaaa"),
]


@pytest.mark.parametrize(("text", "reason"), BAD_CALLS)
def test_what_is_no_call_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"got|must be") as refusal:
        topic.read(text)
    assert reason in str(refusal.value)
    if text:
        with pytest.raises(ValueError, match="kept must be at most 5 schemes with semicolons"):
            Initialization(kept=text)


@given(st.text(alphabet=st.sampled_from("kaiming_normal(std=0.1,;mode)' "), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_is_anything_but_schemes_or_a_sentence(text: str) -> None:
    try:
        calls = topic.read_all(text)
    except ValueError:
        return
    assert topic.read_all(topic.written_all(calls)) == calls


def test_at_most_five_are_kept_and_each_once() -> None:
    many = "; ".join(f"normal(std={0.1 * index:.1f})" for index in range(1, 7))
    with pytest.raises(ValueError, match=r"kept must be at most 5 schemes .*; got 6 schemes"):
        Initialization(kept=many)
    assert Initialization(kept="zeros; zeros()").kept == "zeros"
    # The scheme on show is not drawn twice.
    view = topic.explain(Initialization(kept="kaiming_normal; default", depth=2))
    assert [str(entry.call) for entry in view.entries] == ["kaiming_normal", "default"]


NETWORKS = [
    pytest.param(
        Initialization(
            scheme=scheme,
            nonlinearity=nonlinearity,
            kind=kind,
            norm=norm,
            residual=residual,
            own_gain=own,
            gain=1.3,
            mode=mode,
            std=0.3,
            a=0.2,
            kept="",
            depth=3,
            width=32,
            batch=128,
        ),
        id=f"{scheme} {nonlinearity} {kind} {norm} {residual}",
    )
    for (scheme, nonlinearity), kind, (norm, residual, own, mode) in itertools.product(
        zip(
            topic.SCHEMES,
            [*topic.NONLINEARITIES, "relu", "tanh", "gelu", "leaky_relu"],
            strict=True,
        ),
        topic.KINDS,
        [("none", False, False, "fan_in"), ("batch", True, True, "fan_out")],
    )
] + [
    pytest.param(
        Initialization(
            nonlinearity=nonlinearity, kind=kind, norm="layer", kept="", depth=2, width=32
        ),
        id=f"{nonlinearity} {kind} layer norm",
    )
    for nonlinearity, kind in itertools.product(topic.NONLINEARITIES, topic.KINDS)
]


@pytest.mark.parametrize("parameters", NETWORKS)
def test_a_view_holds_its_checks_and_its_code_makes_its_spreads(
    parameters: Initialization, tmp_path: Path
) -> None:
    view = topic.explain(parameters)
    if parameters.scheme == "dirac" and parameters.kind == "linear":
        assert view.entries == ()
        assert view.sentence == ""
        assert "dirac: scheme must be other than dirac for linear layers" in view.problem
        assert topic.view_checks(view) == ()
        assert ran(snippet(parameters), tmp_path)["forward_std"] == {}
        return
    assert view.problem == ""
    assert view.current.call.label in view.sentence
    checks = topic.view_checks(view)
    assert [check for check in checks if not check.holds] == []
    assert len(checks) == (1 if parameters.scheme == "dirac" else 2)
    namespace = ran(snippet(parameters), tmp_path)
    trace = view.current.trace
    assert trace is not None
    name = str(view.current.call)
    for made, shown in (
        (namespace["forward_std"][name], trace.forward_std),
        (namespace["backward_std"][name], trace.backward_std),
    ):
        torch.testing.assert_close(made, shown, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_code_of_a_preset_makes_every_scheme_on_show(preset, tmp_path: Path) -> None:
    view = topic.explain(preset.parameters)
    assert view.problem == ""
    assert all(check.holds for check in topic.view_checks(view))
    namespace = ran(snippet(preset.parameters), tmp_path)
    assert list(namespace["forward_std"]) == [str(entry.call) for entry in view.entries]
    for entry in view.entries:
        assert entry.trace is not None
        for made, shown in (
            (namespace["forward_std"], entry.trace.forward_std),
            (namespace["backward_std"], entry.trace.backward_std),
        ):
            torch.testing.assert_close(made[str(entry.call)], shown, rtol=1e-3, atol=0)


def ends(name: str) -> dict[str, tuple[float, float]]:
    """The last activations' std and the input's gradient, by scheme, of a preset."""
    (preset,) = (preset for preset in topic.PRESETS if preset.name == name)
    view = topic.explain(preset.parameters)
    return {
        str(entry.call): (float(entry.trace.forward_std[-1]), float(entry.trace.backward_std[0]))
        for entry in view.entries
        if entry.trace is not None
    }


def test_every_preset_shows_what_its_notice_says() -> None:
    relu = ends("ReLU, three ways")
    assert relu["kaiming_normal"][0] > 0.3
    assert 1e-4 < relu["xavier_normal(gain=1)"][0] < 1e-2
    assert relu["default"][0] < 1e-6
    tanh = ends("tanh: small, right, large")
    assert tanh["normal(std=0.01)"][0] < 1e-20
    assert tanh["normal(std=1)"][1] > 1e6
    saturated = topic.explain(topic.PRESETS[1].parameters).entries[2].trace
    assert saturated is not None
    assert 0.75 < float(saturated.saturated[-1]) < 0.85
    selu = ends("SELU's two gains")
    assert selu["kaiming_normal(gain=1)"][0] == pytest.approx(1, abs=0.1)
    assert selu["kaiming_normal"][0] < 0.3
    depthwise = ends("Depthwise fans")
    assert depthwise["kaiming_normal"][0] > 1e-3
    assert max(depthwise["kaiming_normal(mode=fan_out)"][0], depthwise["xavier_normal"][0]) < 1e-8
    batch = ends("Batch norm")
    spreads = [spread for spread, _ in batch.values()]
    assert max(spreads) / min(spreads) < 1.1
    for _, gradient in batch.values():
        assert gradient ** (1 / 24) == pytest.approx(1.2, abs=0.05)
    residual = ends("Residual sums")
    assert residual["kaiming_normal"][0] ** (2 / 24) == pytest.approx(2.6, abs=0.05)
    assert residual["default"][0] ** (2 / 24) == pytest.approx(1.4, abs=0.05)


def test_another_scheme_or_layer_costs_no_other_run_of_the_kept() -> None:
    first = topic.explain(Initialization(depth=5, seed=77))
    again = topic.explain(Initialization(depth=5, seed=77))
    assert again.current.trace is first.current.trace
    layer = topic.explain(Initialization(depth=5, seed=77, layer=3))
    scheme = topic.explain(Initialization(depth=5, seed=77, scheme="orthogonal"))
    for other in (layer, scheme):
        for one, kept in zip(other.kept, first.kept, strict=True):
            assert one.trace is kept.trace


TOO_LARGE = [
    ({"width": 1024}, r"depth must be at most \d+ at width 1024 for 3 schemes of linear layers"),
    (
        {"width": 1024, "batch": 1024, "kind": "conv"},
        r"width must be at most \d+ for 3 schemes of conv layers and batch 1024",
    ),
    ({"depth": 100, "width": 512}, r"depth must be at most \d+ at width 512"),
]


@pytest.mark.parametrize(("change", "sentence"), TOO_LARGE)
def test_a_network_too_large_for_a_moment_is_refused_and_the_bound_it_names_is_taken(
    change: dict, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as refusal:
        topic.explain(Initialization(**change))
    name, bound = re.match(r"(\w+) must be at most (\d+)", str(refusal.value)).groups()
    smaller = {"depth": 1, **change, name: int(bound)}
    assert topic.explain(Initialization(**smaller)).entries


def test_cost_grows_with_everything_that_it_is_made_of() -> None:
    base = cost("linear", 128, 64, "normal")
    assert cost("linear", 256, 64, "normal") > 1.5 * base
    assert cost("linear", 128, 256, "normal") > 1.5 * base
    assert cost("conv", 128, 64, "normal") > 3 * base
    assert cost("linear", 128, 64, "orthogonal") > base


def test_the_csv_holds_every_layer_of_every_scheme() -> None:
    view = topic.explain(
        Initialization(depth=4, kept="normal(std=0.1); kaiming_normal(mode=fan_out)")
    )
    rows = list(csv.reader(io.StringIO(topic.table(view))))
    assert len(rows) == 6
    assert rows[0][0] == "layer"
    assert len(rows[0]) == 1 + 3 * 8
    for column, title in enumerate(rows[0][1:], start=1):
        text, name = title.rsplit(" ", 1)
        (entry,) = (entry for entry in view.entries if str(entry.call) == text)
        values = getattr(entry.trace, name).tolist()
        cells = [row[column] for row in rows[1:]]
        if len(values) == 4:
            assert cells.pop(0) == ""
        assert [float(cell) for cell in cells] == pytest.approx(values, rel=1e-8)


def test_gain_and_bound_are_those_that_were_used() -> None:
    view = topic.explain(
        Initialization(
            scheme="xavier_uniform",
            nonlinearity="tanh",
            kept="default; trunc_normal(std=0.5); orthogonal(gain=2); zeros",
            depth=2,
        )
    )
    gains = [view.gain(entry) for entry in view.entries]
    assert gains == [pytest.approx(5 / 3), None, None, 2.0, None]
    bounds = [view.bound(entry) for entry in view.entries]
    assert bounds[:2] == [
        pytest.approx(5 / 3 * (6 / 256) ** 0.5),
        pytest.approx(1 / 128**0.5),
    ]
    assert bounds[2:] == [2.0, None, None]
    for entry, bound in zip(view.entries, bounds, strict=True):
        assert entry.trace is not None
        if bound is not None:
            assert float(entry.trace.weight_std.max()) < bound
