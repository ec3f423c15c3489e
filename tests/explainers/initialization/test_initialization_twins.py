"""Each check of initialization turns red on a small, plausible error."""

import functools
import importlib
import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import init

from explainers.evidence import Check, Kind, Verdict
from explainers.initialization import initialization as topic
from explainers.initialization.initialization import (
    Initialization,
    propagation,
    reference,
    schemes,
    theory,
)
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

CHECKS, CLAIMS = (
    importlib.import_module(f"explainers.initialization.initialization.{name}")
    for name in ("checks", "claims")
)
OVER = Initialization(depth=3, width=32, bias=True, kept="")


def run() -> list[Check]:
    """Return the topic's checks and a view's."""
    # What a twin has changed must be drawn anew.
    importlib.import_module("explainers.initialization.initialization.view").forget()
    return [*topic.checks(), *topic.view_checks(topic.explain(OVER))]


plain = functools.cache(run)


def scaled(name: str, factor: float) -> Any:
    """Return a patch under which torch's initialiser draws weights `factor` times as large."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        true = getattr(init, name)

        def wrong(weight: Tensor, *arguments: Any, **named: Any) -> Tensor:
            with torch.no_grad():
                return true(weight, *arguments, **named).mul_(factor)

        patch.setattr(init, name, wrong)

    return apply


def replaced(owner: Any, name: str, wrong: Any) -> Any:
    """Return a patch that puts `wrong` in place; it is given what was there first."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, name, functools.partial(wrong, getattr(owner, name)))

    return apply


def _swapped(true: Any, weight: Tensor) -> tuple[int, int]:
    fan_in, fan_out = true(weight)
    return fan_out, fan_in


def _mean_count(true: Any, kind: str, width: int) -> Tensor:
    counts: Tensor = true(kind, width)
    return torch.full_like(counts, float(counts.mean()))


def _moments(field: int, factor: float) -> Any:
    def wrong(true: Any, *arguments: Any) -> tuple[Any, ...]:
        found = list(true(*arguments))
        found[field] = found[field] * factor
        return tuple(found)

    return wrong


def _predict(**changes: Any) -> Any:
    """Return a theory that has forgotten what `changes` say."""
    return lambda true, *arguments, **named: true(*arguments, **{**named, **changes})


def _apart(patch: pytest.MonkeyPatch) -> None:
    """Let training tell one unit from another, as weight noise would."""
    true = torch.optim.SGD.step

    def wrong(self: torch.optim.SGD, *arguments: Any) -> Any:
        with torch.no_grad():
            weight = self.param_groups[0]["params"][0]
            weight[0].mul_(1.001)
        return true(self, *arguments)

    patch.setattr(torch.optim.SGD, "step", wrong)


def _no_square(true: Any, *arguments: Any) -> float:
    return float(true(*arguments)) * 1.001


def _one_more(true: Any, *arguments: Any, **named: Any) -> tuple[float, float]:
    inputs, outputs = true(*arguments, **named)
    return inputs + 1, outputs


STD = "The std of "
THEORY = "Theory predicts activations and gradients of "

TWINS = [
    Twin(
        "uniform weights 2 % too large",
        (f"{STD}xavier_uniform", "Uniform schemes reach"),
        scaled("xavier_uniform_", 1.02),
    ),
    Twin(
        "kaiming_uniform_ 2 % too large",
        (
            f"{STD}torch's default",
            f"{STD}kaiming_uniform",
            "nn.Linear, nn.Conv2d",
            "Uniform schemes reach",
        ),
        # torch's layers call it by a name of their own.
        lambda patch: patch.setattr(schemes, "init", _Shadow(kaiming_uniform_=1.02)),
    ),
    Twin(
        "xavier_normal_ 2 % too large",
        (f"{STD}xavier_normal", "A kernel's fans"),
        scaled("xavier_normal_", 1.02),
    ),
    Twin(
        "kaiming_normal_ by 5 % too large",
        (f"{STD}kaiming_normal", "fan_in keeps", "fan_out keeps"),
        scaled("kaiming_normal_", 1.05),
    ),
    Twin("normal_ 2 % too large", (f"{STD}normal",), scaled("normal_", 1.02)),
    Twin("uniform_ 2 % too large", (f"{STD}uniform",), scaled("uniform_", 1.02)),
    Twin("trunc_normal_ uncut", (f"{STD}trunc_normal",), scaled("trunc_normal_", 1 / 0.8796)),
    Twin(
        "orthogonal_ 2 % too large",
        (f"{STD}orthogonal", "orthogonal_ makes"),
        scaled("orthogonal_", 1.02),
    ),
    Twin("dirac_ of 1.01", ("A dirac_ convolution",), scaled("dirac_", 1.01)),
    Twin(
        "fans the other way round",
        ("A kernel's fans",),
        replaced(init, "_calculate_fan_in_and_fan_out", _swapped),
    ),
    Twin(
        "tanh's gain of 1.6, from an older paper",
        ("calculate_gain gives",),
        replaced(
            schemes,
            "gain_of",
            lambda true, name, a=0.01: 1.6 if name == "tanh" else true(name, a),
        ),
    ),
    Twin(
        "an integral one per mille too large",
        ("For linear, relu and leaky_relu", "E[f(x)²] holds"),
        replaced(reference, "mean_square", _no_square),
    ),
    Twin(
        "E[f(x)²] two per mille too large",
        ("SELU with gain 1", "E[f(x)²] holds"),
        replaced(theory, "_moments", _moments(1, 1.002)),
    ),
    Twin(
        "one connection too many",
        ("Five convolutions' connections",),
        replaced(schemes, "connections", _one_more),
    ),
    Twin(
        "tanh of 1.01 x",
        ("Activations have the std drawn", "Gradients have the std drawn"),
        replaced(theory, "apply", lambda true, name, x, a=0.01: true(name, 1.01 * x, a)),
    ),
    Twin(
        "the mean count for all pixels",
        ("Each pixel's variance",),
        replaced(propagation, "counted", _mean_count),
    ),
    Twin(
        "theory without the bias",
        (f"{THEORY}nn.Linear's own weights",),
        replaced(theory, "Foretold", _predict(bias=0.0)),
    ),
    Twin(
        "theory without normalisation",
        (f"{THEORY}a relu stack under BatchNorm", f"{THEORY}a tanh stack under LayerNorm"),
        replaced(theory, "Foretold", _predict(norm="none")),
    ),
    Twin(
        "theory that takes LayerNorm for BatchNorm",
        (f"{THEORY}a relu stack under BatchNorm", f"{THEORY}BatchNorm over pictures"),
        lambda patch: patch.setattr(
            theory,
            "Foretold",
            lambda *arguments, true=theory.Foretold, **named: true(
                *arguments, **{**named, "norm": named["norm"].replace("batch", "layer")}
            ),
        ),
    ),
    Twin(
        "theory without the way around",
        (f"{THEORY}residual sums",),
        replaced(theory, "Foretold", _predict(residual=False)),
    ),
    Twin(
        "slopes a tenth too steep",
        (
            f"{THEORY}a ReLU stack",
            f"{THEORY}nn.Linear's default",
            f"{THEORY}a tanh stack, large",
        ),
        replaced(theory, "_moments", _moments(2, 1.1)),
    ),
    Twin("units that drift apart", ("Units that start equal",), _apart),
    Twin(
        "a first layer 1 % too large",
        ("The first layer's activations",),
        replaced(reference, "layer", lambda true, *arguments: true(*arguments) * 1.01),
    ),
    Twin(
        "weights a tenth too large",
        ("The weights of all 3 layers",),
        replaced(
            schemes,
            "expected_std",
            lambda true, *arguments, **named: true(*arguments, **named) / 1.1,
        ),
    ),
]


class _Shadow:
    """torch.nn.init with some functions drawing too large weights."""

    def __init__(self, **factors: float) -> None:
        self._factors = factors

    def __getattr__(self, name: str) -> Any:
        true = getattr(init, name)
        if name not in self._factors:
            return true

        def wrong(weight: Tensor, *arguments: Any, **named: Any) -> Tensor:
            with torch.no_grad():
                return true(weight, *arguments, **named).mul_(self._factors[name])  # type: ignore[no-any-return]

        return wrong


MAKERS = {
    "The std of": "_spread",
    "A kernel": "_conv_fans",
    "Uniform schemes": "_bounds",
    "nn.Linear, nn": "_own_default",
    "calculate_gain": "_gains_in_closed_form",
    "For linear": "_gains_by_integral",
    "E[f": "_integrals",
    "SELU": "_selu",
    "orthogonal_ makes": "_orthogonal",
    "A dirac": "_dirac",
    "Five": "_connections",
    "fan_in": "_fan_in_keeps",
    "fan_out": "_fan_out_keeps",
    "Activations have": "_forward",
    "Gradients have": "_backward",
    "Theory": "_predicted",
    "Each pixel": "_conv_counted",
    "Units that": "_symmetry",
}
"""What makes the checks whose statements begin so."""


def _leave_out(twin: Twin, patch: pytest.MonkeyPatch) -> None:
    """Let the checks that a twin does not name cost nothing."""
    left_out = Check("left out", "", 0.0, 1.0, kind=Kind.INDEPENDENT)
    for start, maker in MAKERS.items():
        true = getattr(CHECKS, maker)
        if not any(name.startswith(start) for name in twin.breaks):
            patch.setattr(CHECKS, maker, lambda *_, **__: left_out)
        elif maker == "_predicted":

            def named(*arguments: Any, true: Any = true, **others: Any) -> Check:
                statement = f"{THEORY}{arguments[2]}"
                asked = any(statement.startswith(name) for name in twin.breaks)
                return true(*arguments, **others) if asked else left_out  # type: ignore[no-any-return]

            patch.setattr(CHECKS, maker, named)


def test_every_check_has_a_twin() -> None:
    check_that_twins_cover(run, TWINS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_check_fails_on_its_twin(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a twin it is the same every time: once is enough.
    runs = iter((plain, run))
    plain()
    _leave_out(twin, monkeypatch)
    check_that_a_twin_is_seen(lambda: list(next(runs)()), twin, monkeypatch)


def _std_is_variance(
    true: Any, tensor: Tensor, mean: float = 0.0, std: float = 1.0, **named: Any
) -> Tensor:
    drawn: Tensor = true(tensor, mean, std**0.5, **named)
    return drawn


def _any_name_is_leaky(true: Any, name: str, a: float | None = None) -> float:
    known = ("linear", "relu", "leaky_relu", "sigmoid", "tanh", "selu")
    return float(true(name if name in known else "leaky_relu", a))


def _a_for_relu_too(true: Any, name: str, a: float | None = None) -> float:
    return float(true("leaky_relu" if name == "relu" else name, a))


def _without_gamma(true: Any, x: Tensor, mean: Any, var: Any, weight: Any, *rest: Any) -> Tensor:
    normalised: Tensor = true(x, mean, var, None, *rest)
    return normalised


def _children_alone(self: nn.Module, function: Any) -> nn.Module:
    for child in self.children():
        function(child)
    return self


def _fill_without_autograd(true: Any) -> Any:
    def fill_(self: Tensor, value: float) -> Tensor:
        with torch.no_grad():
            return true(self, value)  # type: ignore[no-any-return]

    return fill_


FILL = torch.Tensor.fill_
CLAIM_TWINS = [
    ClaimTwin(
        "xavier_normal_ a tenth too large",
        {"Xavier keeps the variance": Verdict.WRONG, "xavier_normal_ draws": Verdict.CONDITION},
        scaled("xavier_normal_", 1.1),
    ),
    ClaimTwin(
        "the sigmoid is tanh",
        {"With small weights": Verdict.HOLDS},
        lambda patch: patch.setattr(torch, "sigmoid", torch.tanh),
    ),
    ClaimTwin(
        "normal_ takes its std for the variance",
        {"With small weights": Verdict.WRONG, "Searching the class name": Verdict.WRONG},
        replaced(init, "normal_", _std_is_variance),
    ),
    ClaimTwin(
        "normal_ a tenth as large", {"With large weights": Verdict.WRONG}, scaled("normal_", 0.1)
    ),
    ClaimTwin(
        "xavier_uniform_ 2 % too large",
        {"xavier_uniform_ draws": Verdict.WRONG},
        scaled("xavier_uniform_", 1.02),
    ),
    ClaimTwin(
        "Xavier has ReLU's gain by default",
        {"Xavier does well with tanh": Verdict.CONDITION},
        scaled("xavier_normal_", 2**0.5),
    ),
    ClaimTwin(
        "ReLU is smooth",
        {"In a ReLU network half": Verdict.WRONG},
        lambda patch: patch.setattr(F, "relu", F.softplus),
    ),
    ClaimTwin(
        "ReLU lets three tenths of what is negative through",
        {"As half are 0": Verdict.WRONG},
        lambda patch: patch.setattr(F, "relu", lambda x: F.leaky_relu(x, 0.3)),
    ),
    ClaimTwin(
        "calculate_gain takes any name",
        {"kaiming_uniform_(tensor": Verdict.HOLDS},
        replaced(init, "calculate_gain", _any_name_is_leaky),
    ),
    ClaimTwin(
        "kaiming_normal_ by 5 % too large",
        {"kaiming_normal_ has std": Verdict.WRONG},
        scaled("kaiming_normal_", 1.05),
    ),
    ClaimTwin(
        "relu's gain depends on a",
        {"a is the slope": Verdict.HOLDS},
        replaced(init, "calculate_gain", _a_for_relu_too),
    ),
    ClaimTwin(
        "fans the other way round",
        {"fan_in keeps the variance": Verdict.WRONG},
        replaced(init, "_calculate_fan_in_and_fan_out", _swapped),
    ),
    ClaimTwin(
        "BatchNorm forgets its gamma",
        {"Drawing every parameter": Verdict.HOLDS},
        replaced(F, "batch_norm", _without_gamma),
    ),
    ClaimTwin(
        "apply visits the children alone",
        {"apply(fn) calls fn": Verdict.WRONG, "apply() runs the function": Verdict.HOLDS},
        lambda patch: patch.setattr(nn.Module, "apply", _children_alone),
    ),
    ClaimTwin(
        "a Parameter prints as its tensor",
        {"After param.weight.data.fill_": Verdict.HOLDS},
        lambda patch: patch.setattr(nn.Parameter, "__repr__", lambda self: repr(self.data)),
    ),
    ClaimTwin(
        "autograd lets a leaf be filled",
        {"In apply, m.weight.fill_": Verdict.HOLDS},
        lambda patch: patch.setattr(torch.Tensor, "fill_", _fill_without_autograd(FILL)),
    ),
]
NO_TWIN = {"type(m) == nn.Linear": "Python's type() tells a subclass, whatever torch does."}


def test_every_statement_of_the_notes_has_a_wrong_twin() -> None:
    check_that_twins_cover_claims(CLAIMS, CLAIM_TWINS, NO_TWIN)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_its_twin(twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_verdicts_turn(CLAIMS, twin, monkeypatch)


def _filled_elsewhere(self: Tensor, value: float) -> Tensor:
    return torch.full_like(self, value)


def test_the_verdict_on_fill_is_of_the_weights_and_not_of_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Neither an error nor a change.
    monkeypatch.setattr(torch.Tensor, "fill_", _filled_elsewhere)
    claim = CLAIMS._fill()
    assert claim.verdict is Verdict.WRONG
    assert "RuntimeError" not in claim.measured
    assert re.search(r"weights run from -0\.\d+ to 0\.\d+", claim.measured)
