"""Initialisation: what schemes ask and draw, fans, and what becomes of a signal in a stack."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import init

from explainers.evidence import Verdict
from explainers.initialization import initialization as topic
from explainers.initialization.initialization import propagate, reference, theory
from explainers.initialization.initialization.propagation import KINDS, SIDE, counted
from explainers.initialization.initialization.seeding import seeded
from tests.clock import milliseconds

DRAWN = [name for name, spec in topic.SCHEMES.items() if spec.kind != "fixed"]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_schemes_and_nonlinearities_are_those_of_the_contract() -> None:
    assert set(topic.SCHEMES) == {
        "default",
        "xavier_uniform",
        "xavier_normal",
        "kaiming_uniform",
        "kaiming_normal",
        "normal",
        "uniform",
        "trunc_normal",
        "orthogonal",
        "dirac",
        "zeros",
        "constant",
    }
    assert topic.NONLINEARITIES == (
        "linear",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "selu",
        "gelu",
        "silu",
    )
    for spec in topic.SCHEMES.values():
        assert hasattr(init, spec.function)
        assert spec.summary.endswith(".")


def test_the_formulas_are_the_papers() -> None:
    std = topic.expected_std
    assert std("default", 100, 50) == pytest.approx(1 / math.sqrt(300))
    assert std("xavier_uniform", 100, 50) == pytest.approx(math.sqrt(2 / 150))
    assert std("xavier_normal", 100, 50, nonlinearity="tanh") == pytest.approx(
        5 / 3 * math.sqrt(2 / 150)
    )
    assert std("kaiming_normal", 100, 50, nonlinearity="relu") == pytest.approx(math.sqrt(2 / 100))
    assert std("kaiming_uniform", 100, 50, nonlinearity="relu", mode="fan_out") == pytest.approx(
        math.sqrt(2 / 50)
    )
    assert std("kaiming_normal", 100, 50, nonlinearity="leaky_relu", a=0.2) == pytest.approx(
        math.sqrt(2 / 1.04 / 100)
    )
    assert std("kaiming_normal", 100, 50, gain=3.0, nonlinearity="relu") == pytest.approx(0.3)
    assert std("orthogonal", 100, 50) == pytest.approx(0.1)
    assert std("orthogonal", 50, 100) == pytest.approx(0.1)
    assert std("normal", 100, 50, std=0.02) == std("uniform", 100, 50, std=0.02) == 0.02
    assert std("trunc_normal", 100, 50) == pytest.approx(0.8796256610342398)
    assert std("trunc_normal", 100, 50, std=0.02) == pytest.approx(0.02)
    assert std("zeros", 100, 50) == std("constant", 100, 50) == 0


def test_gelu_and_silu_have_the_gain_that_keeps_a_standard_normal() -> None:
    for name in ("gelu", "silu"):
        with pytest.raises(ValueError, match="Unsupported nonlinearity"):
            init.calculate_gain(name)
        asked = topic.expected_std("kaiming_normal", 1, 1, nonlinearity=name)
        assert asked == pytest.approx(1 / math.sqrt(reference.mean_square(name)), rel=1e-9)
    assert topic.gain_of("gelu") == pytest.approx(1.5335304, rel=1e-6)


@given(
    st.sampled_from(DRAWN),
    st.tuples(st.integers(150, 400), st.integers(150, 400)),
    st.sampled_from(topic.NONLINEARITIES),
    st.sampled_from(topic.MODES),
    st.floats(0.01, 3.0),
    st.one_of(st.none(), st.floats(0.1, 3.0)),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_what_is_drawn_has_the_std_that_is_asked(
    scheme: str, shape: tuple, nonlinearity: str, mode: str, std: float, gain, seed: int
) -> None:
    weight = topic.fill(
        torch.empty(shape),
        scheme,
        gain=gain,
        nonlinearity=nonlinearity,
        a=0.1,
        mode=mode,
        std=std,
        generator=generator(seed),
    )
    asked = topic.expected_std(
        scheme,
        *topic.fans(weight),
        gain=gain,
        nonlinearity=nonlinearity,
        a=0.1,
        mode=mode,
        std=std,
    )
    # Six standard errors of a normal's std.
    assert float(weight.double().std()) == pytest.approx(
        asked, rel=6 / math.sqrt(2 * weight.numel())
    )
    end = topic.bound(scheme, asked)
    if end is not None:
        assert float(weight.abs().max()) <= end * (1 + 1e-5)
    assert abs(float(weight.double().mean())) < 6 * asked / math.sqrt(weight.numel())


@pytest.mark.parametrize("nonlinearity", ["linear", "tanh", "relu", "selu", "leaky_relu"])
@pytest.mark.parametrize("mode", topic.MODES)
def test_kaiming_without_a_gain_of_ones_own_is_torchs_very_call(nonlinearity, mode) -> None:
    ours = topic.fill(
        torch.empty(20, 30),
        "kaiming_normal",
        nonlinearity=nonlinearity,
        a=0.3,
        mode=mode,
        generator=generator(),
    )
    theirs = init.kaiming_normal_(
        torch.empty(20, 30), a=0.3, mode=mode, nonlinearity=nonlinearity, generator=generator()
    )
    assert torch.equal(ours, theirs)
    gain = init.calculate_gain(nonlinearity, 0.3)
    own = topic.fill(
        torch.empty(20, 30), "kaiming_normal", gain=gain, mode=mode, generator=generator()
    )
    torch.testing.assert_close(own, theirs)


def test_fans_are_torchs_and_a_bias_has_none() -> None:
    with seeded(0):
        layers = [
            nn.Linear(30, 20),
            nn.Conv2d(8, 4, (3, 5)),
            nn.Conv1d(8, 8, 3, groups=8),
            nn.ConvTranspose2d(6, 4, 2),
        ]
    assert [topic.fans(layer) for layer in layers] == [(30, 20), (120, 60), (3, 24), (16, 24)]
    assert topic.fans(torch.empty(5, 7)) == (7, 5)
    for bad in (layers[0].bias, nn.BatchNorm2d(3)):
        with pytest.raises(
            ValueError,
            match=r"layer must have a weight of 2 or more dimensions, got shape \(\d+,\)",
        ):
            topic.fans(bad)
    with pytest.raises(ValueError, match="layer must have a weight, got ReLU"):
        topic.fans(nn.ReLU())


def by_jacobian(layer: nn.Module, in_shape: tuple[int, ...]) -> tuple[float, float]:
    """Count the entries of the Jacobian that are not zero: every connection, one by one."""
    x = torch.randn(1, *in_shape, generator=generator(9))
    matrix = torch.autograd.functional.jacobian(lambda v: layer(v).flatten(), x)
    edges = (matrix.reshape(matrix.shape[0], -1) != 0).sum().item()
    return edges / matrix.shape[0], edges / x.numel()


CONNECTED = [
    (nn.Linear, (5, 7), {}, (5,)),
    (nn.Conv1d, (4, 6, 3), {"padding": 1}, (4, 9)),
    (nn.Conv2d, (4, 6, 3), {"padding": 1, "stride": 2}, (4, 7, 6)),
    (nn.Conv2d, (4, 8, 3), {"groups": 4, "padding": 1}, (4, 6, 6)),
    (nn.Conv2d, (4, 4, 3), {"dilation": 2, "padding": "same"}, (4, 8, 8)),
    (nn.Conv2d, (2, 4, 3), {"padding": 1, "padding_mode": "circular"}, (2, 6, 6)),
    (nn.ConvTranspose2d, (4, 6, 4), {"stride": 2, "padding": 1}, (4, 5, 6)),
    (nn.ConvTranspose1d, (4, 8, 3), {"stride": 3, "groups": 2}, (4, 7)),
    (nn.Conv3d, (2, 3, 2), {}, (2, 4, 4, 4)),
]


@pytest.mark.parametrize(("kind", "sizes", "arguments", "in_shape"), CONNECTED)
def test_connections_are_those_of_the_jacobian(kind, sizes, arguments, in_shape) -> None:
    with seeded(0):
        layer = kind(*sizes, **arguments)
    assert topic.connections(layer, in_shape) == pytest.approx(by_jacobian(layer, in_shape))


def test_connections_without_borders_are_the_fans_but_for_groups_and_strides() -> None:
    with seeded(0):
        plain = nn.Conv2d(8, 16, 3, padding=1, padding_mode="circular")
        depthwise = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", groups=8)
        transposed = nn.ConvTranspose2d(8, 16, 2, stride=2)
    assert topic.connections(plain, (8, 6, 6)) == topic.fans(plain) == (72, 144)
    assert topic.connections(depthwise, (8, 6, 6)) == (9, 9)
    assert topic.fans(depthwise) == (9, 72)
    assert topic.connections(transposed, (8, 6, 6)) == (8, 64)
    assert topic.fans(transposed) == (64, 32)


def test_connections_leave_the_layer_as_it_is_and_refuse_what_does_not_fit() -> None:
    with seeded(0):
        layer = nn.Conv2d(3, 4, 3)
    before = layer.weight.detach().clone()
    topic.connections(layer, (3, 5, 5))
    assert torch.equal(layer.weight, before)
    with pytest.raises(ValueError, match="in_shape must be one that the layer takes"):
        topic.connections(layer, (4, 5, 5))


@pytest.mark.parametrize("nonlinearity", topic.NONLINEARITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_measures_what_real_layers_of_torch_give(kind: str, nonlinearity: str) -> None:
    depth, width, batch = 3, 16, 128
    trace = propagate(
        "kaiming_normal",
        nonlinearity,
        depth=depth,
        width=width,
        batch=batch,
        kind=kind,
        norm="layer",
        residual=True,
        seed=4,
        a=0.2,
    )
    source = generator(4)
    shape = (batch, width) if kind == "linear" else (batch // SIDE**2, width, SIDE, SIDE)
    h = torch.randn(shape, generator=source).requires_grad_()
    gradient = torch.randn(shape, generator=source)
    outputs = [h]
    for _ in range(depth):
        with seeded(0):
            layer: nn.Module = {
                "linear": lambda: nn.Linear(width, width, bias=False),
                "conv": lambda: nn.Conv2d(width, width, 3, padding=1, bias=False),
                "depthwise": lambda: nn.Conv2d(
                    width, width, 3, padding=1, groups=width, bias=False
                ),
                "transposed": lambda: nn.ConvTranspose2d(
                    width, width, 4, stride=2, padding=1, bias=False
                ),
            }[kind]()
        topic.fill(
            layer.weight, "kaiming_normal", nonlinearity=nonlinearity, a=0.2, generator=source
        )
        z = layer(outputs[-1])
        if kind == "transposed":
            z = z[:, :, 1::2, 1::2]
        z = nn.GroupNorm(1, width)(z) if kind != "linear" else nn.LayerNorm(width)(z)
        module = {
            "linear": nn.Identity(),
            "leaky_relu": nn.LeakyReLU(0.2),
            "selu": nn.SELU(),
            "gelu": nn.GELU(),
            "silu": nn.SiLU(),
            "relu": nn.ReLU(),
            "tanh": nn.Tanh(),
            "sigmoid": nn.Sigmoid(),
        }[nonlinearity]
        outputs.append(outputs[-1] + module(z))
    gradients = [*torch.autograd.grad(outputs[-1], outputs[:-1], gradient), gradient]
    for found, values in ((trace.forward_std, outputs), (trace.backward_std, gradients)):
        expected = torch.stack([value.detach().double().std(correction=0) for value in values])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scheme", topic.SCHEMES)
def test_shapes_of_a_trace(scheme: str) -> None:
    kind = "conv" if scheme == "dirac" else "linear"
    trace = propagate(scheme, "relu", depth=5, width=16, batch=64, std=0.1, kind=kind)
    for name in (
        "forward_std",
        "backward_std",
        "predicted_forward_std",
        "predicted_backward_std",
        "signal_std",
    ):
        assert getattr(trace, name).shape == (6,)
        assert getattr(trace, name).dtype == torch.float64
    for name in ("dead", "saturated", "weight_std"):
        assert getattr(trace, name).shape == (5,)
    assert trace.forward_std[0] == pytest.approx(1, abs=0.1)
    assert trace.backward_std[-1] == pytest.approx(1, abs=0.1)
    assert ((trace.dead >= 0) & (trace.dead <= 1)).all()


def test_the_default_of_linear_keeps_a_sixth_under_relu() -> None:
    trace = propagate("default", "relu", depth=30, width=512, batch=64)
    assert 1e-25 < float(trace.forward_std[-1]) ** 2 < 1e-23
    ratios = (trace.predicted_forward_std[2:] / trace.predicted_forward_std[1:-1]).square()
    torch.testing.assert_close(ratios, torch.full((29,), 1 / 6, dtype=torch.float64))
    kaiming = propagate("kaiming_normal", "relu", depth=30, width=512, batch=64)
    assert 0.3 < float(kaiming.forward_std[-1]) < 1.5


def test_selu_with_gain_one_rests_at_one_and_with_three_quarters_fades() -> None:
    one = propagate("kaiming_normal", "selu", depth=30, width=512, batch=64, gain=1.0)
    assert float(one.forward_std[-1]) == pytest.approx(1, abs=0.06)
    torchs = propagate("kaiming_normal", "selu", depth=30, width=512, batch=64)
    assert float(torchs.forward_std[-1]) ** 2 == pytest.approx(0.047, abs=0.008)
    assert float(torchs.forward_std[-1]) == pytest.approx(
        float(torchs.predicted_forward_std[-1]), rel=0.06
    )


@pytest.mark.parametrize("nonlinearity", topic.NONLINEARITIES)
@pytest.mark.parametrize("norm", theory.NORMS)
@pytest.mark.parametrize("residual", [False, True])
def test_theory_foretells_a_wide_stack(nonlinearity: str, norm: str, residual: bool) -> None:
    traces = [
        propagate(
            "kaiming_normal",
            nonlinearity,
            depth=4,
            width=256,
            batch=128,
            norm=norm,
            residual=residual,
            seed=seed,
        )
        for seed in range(3)
    ]
    for name in ("forward", "backward"):
        mean = torch.stack([getattr(t, f"{name}_std").square() for t in traces]).mean(0).sqrt()
        predicted = getattr(traces[0], f"predicted_{name}_std")
        torch.testing.assert_close(mean, predicted, rtol=0.25, atol=0)


def test_theory_knows_where_the_mean_gathers_in_a_residual_relu_stack() -> None:
    """Without the share of the gradient along the activations it is off by a factor of nine."""
    traces = [
        propagate("kaiming_normal", "relu", depth=24, width=128, residual=True, seed=seed, batch=64)
        for seed in range(4)
    ]
    mean = torch.stack([trace.backward_std[0].square() for trace in traces]).mean().sqrt()
    assert float(mean / traces[0].predicted_backward_std[0]) == pytest.approx(1, abs=0.5)
    bare, _ = theory.Foretold("relu", counted("linear", 128), variance=2 / 128, residual=True).at(
        24
    )
    _, backward = theory.Foretold(
        "relu", counted("linear", 128), variance=2 / 128, residual=True
    ).at(24)
    assert bare.isfinite().all()
    assert float(mean / backward[0]) > 4


def test_batch_norm_makes_gradients_grow_by_pi_over_pi_minus_one() -> None:
    _, backward = theory.Foretold("relu", counted("linear", 64), variance=0.3, norm="batch").at(10)
    ratios = (backward[:-2] / backward[1:-1]).square()
    torch.testing.assert_close(
        ratios[1:],
        torch.full((8,), math.pi / (math.pi - 1), dtype=torch.float64),
        rtol=1e-4,
        atol=0,
    )


@pytest.mark.parametrize(
    ("scheme", "std"), [("zeros", 1.0), ("constant", 0.01), ("constant", 0.03)]
)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu", "selu", "linear"])
@pytest.mark.parametrize("residual", [False, True])
def test_theory_foretells_equal_weights(scheme, std, nonlinearity, residual) -> None:
    trace = propagate(
        scheme, nonlinearity, depth=4, width=64, batch=4096, std=std, residual=residual
    )
    torch.testing.assert_close(trace.forward_std, trace.predicted_forward_std, rtol=0.08, atol=1e-6)
    torch.testing.assert_close(
        trace.backward_std, trace.predicted_backward_std, rtol=0.1, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS[1:])
def test_dirac_passes_on_and_theory_knows(kind: str) -> None:
    for nonlinearity in ("linear", "tanh"):
        trace = propagate("dirac", nonlinearity, depth=6, width=16, batch=512, kind=kind)
        torch.testing.assert_close(
            trace.forward_std, trace.predicted_forward_std, rtol=0.05, atol=0
        )
        torch.testing.assert_close(
            trace.backward_std, trace.predicted_backward_std, rtol=0.05, atol=0
        )
        assert math.isnan(trace.asked_std)


def test_what_theory_does_not_know_is_left_out() -> None:
    trace = propagate("constant", "relu", depth=3, width=16, batch=64, std=0.1, kind="conv")
    assert trace.predicted_forward_std.isnan().all()


def test_units_of_zeros_are_dead_and_large_weights_saturate() -> None:
    assert (propagate("zeros", "relu", depth=3, width=16).dead == 1).all()
    assert (propagate("zeros", "sigmoid", depth=3, width=16).dead == 0).all()
    assert (propagate("kaiming_normal", "tanh", depth=3, width=64).dead == 0).all()
    large = propagate("normal", "tanh", depth=10, width=256, batch=128, std=1.0)
    assert float(large.saturated[-1]) == pytest.approx(0.87, abs=0.03)
    assert float(large.backward_std[0]) > 1e4
    assert (propagate("normal", "relu", depth=3, width=64, std=1.0).saturated == 0).all()


def test_saturation_is_counted_within_a_hundredth_of_the_ends() -> None:
    trace = propagate("orthogonal", "sigmoid", depth=1, width=64, batch=256, gain=4.0, seed=7)
    source = generator(7)
    x = torch.randn(256, 64, generator=source)
    torch.randn(256, 64, generator=source)
    weight = init.orthogonal_(torch.empty(64, 64), gain=4.0, generator=source)
    y = 1 / (1 + np.exp(-(x @ weight.T).numpy()))
    assert float(trace.saturated[0]) == pytest.approx(((y < 0.01) | (y > 0.99)).mean(), abs=1e-3)


def test_values_beyond_single_precision_are_no_number_and_those_below_are_seen() -> None:
    trace = propagate("constant", "relu", depth=60, width=256, batch=16, std=1.0)
    assert trace.forward_std[-1].isnan()
    assert trace.forward_std[:5].isfinite().all()
    small = propagate("normal", "linear", depth=20, width=64, batch=64, std=0.001)
    torch.testing.assert_close(small.forward_std, small.predicted_forward_std, rtol=0.6, atol=0)
    assert float(small.backward_std[0]) < 1e-35


def test_the_same_seed_gives_the_same_trace_and_the_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    first, again, other = (
        propagate("kaiming_uniform", "gelu", depth=3, width=16, seed=seed) for seed in (1, 1, 2)
    )
    topic.checks()
    topic.claims()
    assert torch.equal(first.forward_std, again.forward_std)
    assert not torch.equal(first.forward_std, other.forward_std)
    assert torch.equal(torch.get_rng_state(), state)


def test_histograms_hold_every_value_of_a_small_layer() -> None:
    shared = {"depth": 3, "width": 32, "batch": 64}
    found = propagate("kaiming_normal", "relu", **shared, histograms_of=1).histograms
    assert found is not None
    assert found.counts.shape == (3, 41)
    assert found.ends.shape == (3, 2)
    assert found.counts[:2].sum(1).tolist() == [32 * 64] * 2
    assert found.counts[2].sum() == 32 * 32
    assert (found.ends[:, 0] <= found.ends[:, 1]).all()
    assert float(found.ends[0, 0]) == 0
    # kaiming_normal draws 1024 weights of std 1/4.
    assert 0.6 < float(found.ends[2].abs().max()) < 1.3
    assert propagate("kaiming_normal", "relu", **shared).histograms is None


def test_histograms_take_a_few_thousand_values_of_a_wide_layer() -> None:
    wide = propagate("kaiming_normal", "relu", depth=1, width=256, batch=64, histograms_of=1)
    assert wide.histograms is not None
    assert (wide.histograms.counts.sum(1) <= 4096).all()
    assert (wide.histograms.counts.sum(1) > 2000).all()


def test_histograms_are_of_the_layer_asked_for() -> None:
    shared = {"depth": 4, "width": 64, "batch": 64, "std": 1.0}
    ends = []
    for layer in range(1, 5):
        found = propagate("normal", "relu", **shared, histograms_of=layer).histograms
        assert found is not None
        ends.append(found.ends)
    # Weights of std 1 are far too large: activations grow from layer to layer, gradients fall.
    assert all(float(a[0, 1]) < float(b[0, 1]) for a, b in itertools.pairwise(ends))
    assert all(float(a[1, 1]) > float(b[1, 1]) for a, b in itertools.pairwise(ends))


@pytest.mark.parametrize("layer", [0, 4, -1])
def test_a_layer_that_is_not_there_has_no_histograms(layer: int) -> None:
    with pytest.raises(ValueError, match=f"histograms_of must be a layer, 1 to 3, got {layer}"):
        propagate("zeros", "relu", depth=3, width=32, histograms_of=layer)


def test_a_deep_wide_stack_is_quick() -> None:
    work = partial(propagate, "kaiming_normal", "relu", depth=50, width=256, batch=256)
    assert milliseconds(work, limit=150) < 150


BAD = [
    ({"depth": 0}, "depth must be a whole number from 1 to 100, got 0"),
    ({"depth": 101}, "depth must be a whole number from 1 to 100, got 101"),
    ({"depth": 2.5}, "depth must be a whole number from 1 to 100, got 2.5"),
    ({"width": 8}, "width must be a whole number from 16 to 1024, got 8"),
    ({"width": 2048}, "width must be a whole number from 16 to 1024, got 2048"),
    ({"batch": 1}, "batch must be a whole number from 2 to 4096, got 1"),
    ({"std": -0.1}, "std must be a number from 0 to 1000, got -0.1"),
    ({"std": math.nan}, "std must be a number from 0 to 1000, got nan"),
    ({"gain": 0.0}, "gain must be a number from 0.001 to 1000, got 0.0"),
    ({"gain": math.inf}, "gain must be a number from 0.001 to 1000, got inf"),
    ({"a": math.nan}, "a must be a number from -100 to 100, got nan"),
    ({"a": math.inf}, "a must be a number from -100 to 100, got inf"),
    ({"mode": "fan_avg"}, "mode must be one of fan_in, fan_out, got fan_avg"),
    ({"nonlinearity": "leak_relu"}, "nonlinearity must be one of linear, sigmoid"),
    ({"scheme": "he"}, "scheme must be one of default, xavier_uniform"),
    ({"scheme": "dirac"}, "scheme must be other than dirac for linear layers, got dirac"),
    ({"scheme": "trunc_normal", "std": 0.0}, "std must be above 0 for trunc_normal, got 0"),
    ({"kind": "conv3d"}, "kind must be one of linear, conv, depthwise, transposed, got conv3d"),
    ({"norm": "group"}, "norm must be one of none, batch, layer, got group"),
    ({"seed": -1}, "seed must be a whole number from 0"),
    ({"device": "cuda:99"}, "device must be one of cpu"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD, ids=[str(change) for change, _ in BAD])
def test_bad_input_gets_its_sentence(change: dict, sentence: str) -> None:
    arguments = {"scheme": "kaiming_normal", "nonlinearity": "relu", "depth": 2, "width": 16}
    arguments |= change
    with pytest.raises(ValueError, match="must be") as refusal:
        propagate(arguments.pop("scheme"), arguments.pop("nonlinearity"), **arguments)
    assert sentence in str(refusal.value)


def test_bad_input_of_the_formulas_gets_its_sentence() -> None:
    for arguments, sentence in (
        (("dirac", 9, 9), "scheme must be one with a standard deviation of its own, got dirac"),
        (("normal", 0, 9), "fan_in must be a whole number of 1 or more, got 0"),
        (("normal", 9, 2.5), "fan_out must be a whole number of 1 or more, got 2.5"),
    ):
        with pytest.raises(ValueError, match="must be") as refusal:
            topic.expected_std(*arguments)
        assert str(refusal.value) == sentence
    with pytest.raises(ValueError, match=r"gain must be a number from 0\.001 to 1000, got 0"):
        topic.expected_std("normal", 9, 9, gain=0)
    with pytest.raises(ValueError, match="layer must have a weight of 2 or more dimensions"):
        topic.fill(torch.empty(5), "kaiming_normal")
    with pytest.raises(ValueError, match="scheme must be other than dirac for a weight of 2"):
        topic.fill(torch.empty(5, 5), "dirac")


@pytest.mark.parametrize("nonlinearity", topic.NONLINEARITIES)
def test_integrals_hold_at_any_scale(nonlinearity: str) -> None:
    for variance in (1e-6, 0.1, 1.0, 100.0, 1e4):
        found = theory.moments(nonlinearity, torch.tensor([variance], dtype=torch.float64))
        expected = reference.mean_square(nonlinearity, variance)
        assert float(found.square) == pytest.approx(expected, rel=1e-4)


def test_the_fixed_point_is_the_gain_and_its_pull_is_the_slope() -> None:
    assert topic.unit_gain("relu") == pytest.approx(math.sqrt(2), rel=1e-9)
    assert topic.unit_gain("selu") == pytest.approx(1, rel=1e-6)
    assert topic.unit_gain("tanh") == pytest.approx(1.5925374, rel=1e-6)
    pulls = {name: topic.pull(name) for name in topic.NONLINEARITIES}
    assert pulls["relu"] == pytest.approx(1, abs=1e-6)
    assert all(pulls[name] < 0.9 for name in ("tanh", "sigmoid", "selu"))
    assert all(pulls[name] > 1.1 for name in ("gelu", "silu"))
    curve = topic.gain_curve("tanh", 200)
    inner = float(curve.size_at(curve.unit))
    # At the fixed point the activations' mean square is 1/gain².
    assert inner == pytest.approx(1 / curve.unit, rel=1e-6)


def test_the_verdicts_on_the_notes_are_those_that_torch_gives() -> None:
    verdicts = [claim.verdict for claim in topic.claims()]
    assert verdicts.count(Verdict.WRONG) == 2
    assert verdicts.count(Verdict.HOLDS) == 6
    assert verdicts.count(Verdict.CONDITION) == len(verdicts) - 8
    wrong = [claim.says for claim in topic.claims() if claim.verdict is Verdict.WRONG]
    assert any("first generation" in says for says in wrong)
    assert any("fill_" in says for says in wrong)


def test_training_needs_a_start_that_lets_the_signal_through() -> None:
    last = {
        text: list(topic.train(topic.read(text), "relu", depth=12))[-1]
        for text in ("kaiming_normal", "default", "zeros", "normal(std=1)")
    }
    assert last["kaiming_normal"].accuracy > 0.9
    assert last["default"].accuracy < 0.6
    assert last["zeros"].loss == pytest.approx(math.log(2), abs=0.01)
    assert math.isnan(last["normal(std=1)"].loss)
    assert last["normal(std=1)"].done < last["normal(std=1)"].steps


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"depth": 0}, "depth must be a whole number from 1 to 20, got 0"),
        ({"depth": 2, "device": "cuda:99"}, "device must be one of cpu"),
    ],
)
def test_a_training_that_cannot_start_says_why(arguments, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        next(topic.train(topic.read("zeros"), "relu", **arguments))
    with pytest.raises(ValueError, match="scheme must be one for linear layers, got dirac"):
        next(topic.train(topic.read("dirac"), "relu", depth=2))


def test_layers_of_torch_are_made_without_the_global_generator() -> None:
    state = torch.get_rng_state()
    made = []
    for seed in (1, 1, 2):
        with seeded(seed):
            made.append([p.detach() for p in nn.MultiheadAttention(8, 2).parameters()])
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(made[0], made[1], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(made[0], made[2], strict=True))


def test_the_references_layers_are_torchs() -> None:
    source = generator()
    for kind, (height, width) in itertools.product(KINDS, ((8, 8), (5, 7))):
        shape = (3, 16) if kind == "linear" else (3, 16, height, width)
        x = torch.randn(shape, generator=source, dtype=torch.float64)
        weight = torch.randn(
            topic.propagation.weight_shape(kind, 16), generator=source, dtype=torch.float64
        )
        ours = reference.layer(kind, x.numpy(), weight.numpy())
        torch.testing.assert_close(torch.from_numpy(ours), topic.propagation.layer(kind, x, weight))
