"""What the page of initialization says is so over the whole range of its controls."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from torch import Tensor, nn

from explainers.initialization import initialization as topic
from explainers.initialization.initialization import Initialization, mistakes
from explainers.initialization.initialization.propagation import KINDS
from explainers.initialization.initialization.seeding import seeded
from explainers.initialization.initialization.theory import NORMS
from tests.sentences import EXAMPLES, legal


def stack(depth: int, width: int, *, bias: bool, seed: int) -> tuple[float, float]:
    """Run a stack of nn.Linear and nn.ReLU as torch makes it.

    Returns:
        The variance that is left over all units and inputs, and that of one unit over the inputs.
    """
    with seeded(seed):
        layers = [nn.Linear(width, width, bias=bias) for _ in range(depth)]
        h = torch.randn(64, width)
    with torch.no_grad():
        for layer in layers:
            h = torch.relu(layer(h))
    h = h.double()
    return float(h.var(correction=0)), float(h.var(0, correction=0).mean())


def test_with_its_bias_linear_keeps_a_variance_that_tells_no_input_from_another() -> None:
    biased = [stack(30, 128, bias=True, seed=seed) for seed in range(5)]
    bare = [stack(30, 128, bias=False, seed=seed)[0] for seed in range(5)]
    assert sum(left for left, _ in biased) / 5 == pytest.approx(1.1e-3, rel=0.3)
    assert max(told for _, told in biased) < 1e-12
    assert max(bare) < 1e-21
    result = mistakes.default(mistakes.Default(bias=True))
    assert float(result.wrong[-1]) ** 2 == pytest.approx(1.1e-3, rel=0.5)
    assert float(result.others["wrong line: between inputs"][-1]) ** 2 < 1e-12


@pytest.mark.parametrize("bias", [False, True])
def test_the_code_beside_the_default_is_what_ran(bias: bool) -> None:
    for depth, fan in ((2, 32), (12, 64), (30, 128)):
        result = mistakes.default(mistakes.Default(depth=depth, fan_in=fan, bias=bias))
        assert ("bias=False" in result.mistake.wrong) != bias
        assert ("bias=False" in result.mistake.right) != bias
        left = [stack(depth, fan, bias=bias, seed=seed)[0] for seed in range(6)]
        mean = math.exp(sum(map(math.log, left)) / len(left))
        assert abs(math.log(float(result.wrong[-1]) ** 2 / mean)) < 3


@pytest.mark.parametrize("depth", [2, 3, 7, 30, 40])
def test_what_a_layer_keeps_is_measured_and_the_sixth_is_called_theory(depth: int) -> None:
    for fan in (32, 128, 256):
        cost = mistakes.default(mistakes.Default(depth=depth, fan_in=fan)).mistake.wrong_cost
        assert "a sixth" not in cost
        assert "(theory: 1/6 = 0.167)" in cost


def strays(measured: Tensor, predicted: Tensor) -> float:
    """Return the largest factor between what is measured and what is foretold, as a logarithm."""
    both = predicted.isfinite() & measured.isfinite() & (predicted > 0) & (measured > 0)
    return float((measured[both] / predicted[both]).log().abs().max()) if both.any() else 0.0


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_sigmoid_and_relu_are_as_foretold_at_every_kind_and_norm_or_not_foretold(
    kind: str, norm: str
) -> None:
    for nonlinearity in ("sigmoid", "relu"):
        for width, depth in ((32, 10), (64, 20)):
            traces = [
                topic.propagate(
                    "kaiming_normal",
                    nonlinearity,
                    depth=depth,
                    width=width,
                    batch=128,
                    kind=kind,
                    norm=norm,
                    seed=seed,
                )
                for seed in range(3)
            ]
            for name in ("forward_std", "backward_std"):
                mean = torch.stack([getattr(trace, name).square() for trace in traces]).mean(0)
                predicted = getattr(traces[0], f"predicted_{name}")
                assert strays(mean.sqrt(), predicted) < math.log(2), (nonlinearity, width, name)


@pytest.mark.parametrize("a", [-1.0, -0.3])
def test_under_batchnorm_theory_of_a_slope_below_zero_ends_where_it_is_no_longer_near(
    a: float,
) -> None:
    stack = {"width": 101, "batch": 80, "norm": "batch", "a": a}
    deep, shallow = (
        topic.propagate("xavier_normal", "leaky_relu", depth=depth, **stack) for depth in (31, 10)
    )
    assert deep.predicted_backward_std.isnan().all()
    assert "ends after 10 layers: a slope below 0" in deep.untold
    for name in ("forward_std", "backward_std"):
        near = strays(getattr(shallow, name), getattr(shallow, f"predicted_{name}"))
        assert 0 < near < math.log(2), name


@given(legal(Initialization))
@settings(max_examples=max(1, EXAMPLES // 4), deadline=None)
def test_theory_is_near_what_is_measured_wherever_it_is_said(parameters: Initialization) -> None:
    try:
        view = topic.explain(parameters)
    except ValueError:
        assume(False)
    for entry in view.entries:
        trace = entry.trace
        assert trace is not None
        for name in ("forward_std", "backward_std"):
            # Single precision ends what is smaller, and what tells inputs apart beside a mean.
            measured, predicted = getattr(trace, name), getattr(trace, f"predicted_{name}")
            seen = (measured > 1e-6) & (predicted > 1e-6)
            assert strays(measured[seen], predicted[seen]) < math.log(6), (name, entry.call)
    trace = view.current.trace
    if trace is None:
        return
    said = view.sentence
    assert ("with bias" in said) == parameters.bias
    assert said.count("(theory ") == sum(
        not math.isnan(float(end))
        for end in (trace.predicted_forward_std[-1], trace.predicted_backward_std[0])
    )
    # Whatever is left out is left out with its reason.
    gaps = trace.predicted_forward_std.isnan().any() or trace.predicted_backward_std.isnan().any()
    assert bool(trace.untold) == bool(gaps)
    assert trace.untold in said
