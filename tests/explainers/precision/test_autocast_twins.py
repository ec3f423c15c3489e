"""Every check of autocast turns red for a small error of torch's or of the reference's."""

import dataclasses
import functools
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers.evidence import Check, Kind, Verdict
from explainers.precision import autocast as topic
from explainers.precision.autocast.lists import Listed
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

# The package offers functions of some of these names.
checks, claims, rows, training, view = (
    importlib.import_module(f"explainers.precision.autocast.{name}")
    for name in ("checks", "claims", "rows", "training", "view")
)

Patch = Callable[[pytest.MonkeyPatch], None]
_Autocast, _mm = torch.autocast, torch.mm


def _set(target: object, name: str, value: object) -> Patch:
    return lambda patch: patch.setattr(target, name, value)


def _autocasts(**wrong: Any) -> Patch:
    """Return a patch under which autocast takes other arguments than it is given."""

    class Wrong(_Autocast):
        def __init__(self, device_type: str, dtype: Any = None, **given: Any) -> None:
            # Learn's network asks for float32 where it wants no autocast; the CPU knows no such.
            better = {} if dtype is torch.float32 else wrong
            super().__init__(device_type, **{"dtype": dtype, **given, **better})

    return _set(torch, "autocast", Wrong)


class _NoDecorator(_Autocast):
    def __call__(self, func: Any) -> Any:
        return func


def _lists(name: str, listed: Listed) -> Patch:
    """Return a patch under which the CPU's lists hold one more operation."""
    cpu = {each: names - {name} for each, names in rows.LISTS["cpu"].items()}
    return _set(rows, "LISTS", {**rows.LISTS, "cpu": {**cpu, listed: cpu[listed] | {name}}})


def _through_bfloat16(op: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return an operation whose results under autocast go through bfloat16."""

    def run(a: Tensor, b: Tensor) -> Tensor:
        found = op(a, b)
        if not torch.is_autocast_enabled("cpu"):
            return found
        return found.bfloat16().to(found.dtype)

    return run


_DULL = {name: _through_bfloat16(op) for name, op in topic.OPS.items()}


def _cached_without_a_gradient(patch: pytest.MonkeyPatch) -> None:
    """Keep a weight's first cast, as releases before 2.1 did, though it has no gradient."""
    true, kept = F.linear, {}

    def linear(given: Tensor, weight: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            kept[weight] = weight.detach()
        return true(given, kept.get(weight, weight))

    patch.setattr(F, "linear", linear)


def _out_is_cast(a: Tensor, b: Tensor, *, out: Tensor | None = None) -> Tensor:
    found = _mm(a, b)
    return found if out is None else out.copy_(found)


def _uncast(*args: Any, **kwargs: Any) -> tuple[topic.Step, ...]:
    return tuple(step for step in topic.steps(*args, **kwargs) if step.name != "cast")


TWINS = [
    Twin(
        "softmax is taken for one of the float32 list",
        ("In float16, every listed", "In bfloat16, every listed"),
        _lists("softmax", Listed.FLOAT32),
    ),
    Twin(
        "results under autocast go through bfloat16",
        ("Operations listed as lower precision", "Operations listed as float32"),
        _set(checks, "OPS", _DULL),
    ),
    Twin("casts are not recorded", ("Each dtype that comes out",), _set(checks, "steps", _uncast)),
    Twin(
        "autocast takes bfloat16 for every dtype",
        ("float16 products", "A product overflows", "Leaving a region"),
        _autocasts(dtype=torch.bfloat16),
    ),
    Twin("autocast cannot be switched off", ("Under a nested",), _autocasts(enabled=True)),
    Twin(
        "the decorator does nothing",
        ("autocast acts alike",),
        _set(torch, "autocast", _NoDecorator),
    ),
    Twin(
        "a loss that is summed where it should be a mean",
        ("Weights and gradients stay",),
        _set(F, "mse_loss", lambda a, b: (a.float() - b).square().sum()),
    ),
    Twin(
        "a cast made under no_grad is kept",
        ("A weight first cast",),
        _cached_without_a_gradient,
    ),
    Twin(
        "the cache cannot be switched off",
        ("A weight used three times",),
        _autocasts(cache_enabled=True),
    ),
    Twin("out= is cast too", ("In-place and out=",), _set(torch, "mm", _out_is_cast)),
    Twin(
        "a nonlinearity that keeps its inputs too",
        ("The bytes kept",),
        _set(torch, "relu", F.gelu),
    ),
]

_table = rows.table


def _unsteady() -> Callable[[Tensor, Tensor], Tensor]:
    calls: list[None] = []

    def matmul(a: Tensor, b: Tensor) -> Tensor:
        calls.append(None)
        return a @ b * (1 + 2**-10 * len(calls))

    return matmul


def _shown(**settings: Any) -> Callable[[], tuple[Check, ...]]:
    def run() -> tuple[Check, ...]:
        # What is remembered knows nothing of a twin.
        view._rows.cache_clear()
        found = topic.view_checks(topic.explain(topic.Autocast(**settings)))
        view._rows.cache_clear()
        return found

    return run


VIEW_TWINS = [
    (
        _shown(),
        [
            Twin(
                "softmax is taken for one of the float32 list",
                ("Every listed operation",),
                _lists("softmax", Listed.FLOAT32),
            ),
            Twin(
                "results under autocast go through bfloat16",
                ("matmul gives",),
                _set(checks, "OPS", _DULL),
            ),
        ],
    ),
    (
        _shown(enabled=False),
        [
            Twin(
                "the table casts though autocast is off",
                ("Without autocast",),
                _set(
                    view,
                    "table",
                    lambda device, dtype, *, exponent, enabled: _table(
                        device, dtype, exponent=exponent
                    ),
                ),
            ),
            Twin(
                "the operation gives something else the second time",
                ("matmul gives",),
                lambda patch: patch.setattr(checks, "OPS", {**topic.OPS, "matmul": _unsteady()}),
            ),
        ],
    ),
    (
        _shown(inputs="mixed", op="mv"),
        [
            Twin(
                "softmax is taken for one of the float32 list",
                ("Every listed operation",),
                _lists("softmax", Listed.FLOAT32),
            ),
            Twin(
                "mv casts the second time",
                ("mv raises",),
                _set(checks, "OPS", {**topic.OPS, "mv": lambda a, b: a.float().mv(b[0])}),
            ),
        ],
    ),
]


def test_every_check_has_a_wrong_twin() -> None:
    check_that_twins_cover(topic.checks, TWINS)
    for run, twins in VIEW_TWINS:
        check_that_twins_cover(run, twins)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_wrong_twin_is_seen(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(topic.checks, twin, monkeypatch)


@pytest.mark.parametrize(
    ("run", "twin"),
    [pytest.param(run, twin, id=twin.name) for run, twins in VIEW_TWINS for twin in twins],
)
def test_a_wrong_twin_is_seen_in_the_view(
    run: Callable[[], tuple[Check, ...]], twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_that_a_twin_is_seen(run, twin, monkeypatch)


def test_the_kind_of_each_check_is_said() -> None:
    kinds = {check.statement[:20]: check.kind for check in topic.checks()}
    assert kinds["float16 products: ex"] is Kind.INDEPENDENT
    assert kinds["Under a nested autoc"] is Kind.ANOTHER_PATH
    assert kinds["Leaving a region, ev"] is Kind.INVARIANT


def _all_float32() -> tuple[topic.OpRow, ...]:
    return tuple(
        dataclasses.replace(
            row,
            outcomes=tuple(dataclasses.replace(each, dtype=torch.float32) for each in row.outcomes),
        )
        for row in _table()
    )


class _TakesEnable(_Autocast):
    def __init__(self, device_type: str, *, enable: bool = True, **given: Any) -> None:
        super().__init__(device_type, enabled=enable, **given)


def _old_names_are_modules(patch: pytest.MonkeyPatch) -> None:
    """Let torch.cuda.amp be what the notes take it for."""
    for name, now in (
        ("autocast", functools.partial(torch.autocast, "cuda")),
        ("GradScaler", functools.partial(torch.amp.GradScaler, "cuda")),
    ):
        patch.setitem(sys.modules, f"torch.cuda.amp.{name}", types.ModuleType(name))
        patch.setattr(torch.cuda.amp, name, now)


def _weights_are_copied(patch: pytest.MonkeyPatch) -> None:
    """Turn the weights themselves to float16, as apex's O2 did."""
    true = F.linear

    def linear(given: Tensor, weight: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu"):
            weight.data = weight.data.half()
        return true(given, weight)

    patch.setattr(F, "linear", linear)


def _linear_widens(patch: pytest.MonkeyPatch) -> None:
    true = F.linear
    patch.setattr(F, "linear", lambda given, weight: true(given, weight.to(given.dtype)))


def _clock(**times: float) -> Patch:
    """Return a patch under which runs take these times by dtype; `odd` times as long at size 63."""

    def least(run: Any, where: torch.device, repeats: int = 9) -> float:
        given = run.args[0]
        time = times[str(given.dtype).removeprefix("torch.")]
        return time * (times["odd"] if given.shape[0] == 63 else 1.0)

    return _set(claims, "_least_time", least)


CLAIM_TWINS = [
    ClaimTwin(
        "autocast cannot be switched on",
        {
            "amp chooses the precision": Verdict.WRONG,
            "Only CUDA operations": Verdict.HOLDS,
            "Only out-of-place": Verdict.WRONG,
            "amp takes less memory": Verdict.WRONG,
        },
        _autocasts(enabled=False),
    ),
    ClaimTwin(
        "autocast takes bfloat16 for every dtype",
        {"Backward operations run": Verdict.WRONG},
        _autocasts(dtype=torch.bfloat16),
    ),
    ClaimTwin(
        "torch.cuda.amp's classes are modules, and not deprecated",
        {"import torch.cuda.amp": Verdict.HOLDS},
        _old_names_are_modules,
    ),
    ClaimTwin(
        "autocast takes enable",
        {"autocast(enable=True)": Verdict.HOLDS},
        _set(torch, "autocast", _TakesEnable),
    ),
    ClaimTwin(
        "every operation is on the float32 list",
        {"Operations on no list": Verdict.WRONG, "Reductions need": Verdict.HOLDS},
        _set(claims, "table", lambda *_: _all_float32()),
    ),
    ClaimTwin(
        "mm widens",
        {"Outside of the autocast": Verdict.WRONG},
        _set(torch, "mm", lambda a, b: a.float() @ b.float()),
    ),
    ClaimTwin(
        "autocast turns the weights themselves to float16",
        {"In the autocast region": Verdict.HOLDS},
        _weights_are_copied,
    ),
    ClaimTwin(
        "torch has apex's function",
        {"Functions that are seldom used": Verdict.HOLDS},
        lambda patch: patch.setattr(torch.amp, "register_float_function", print, raising=False),
    ),
    ClaimTwin(
        "a machine whose half products take half the time, and odd sizes twice",
        {
            "amp computes faster": Verdict.HOLDS,
            "Dimensions that are multiples": Verdict.HOLDS,
            "model.half() speeds": Verdict.HOLDS,
        },
        _clock(float32=1, float16=0.5, bfloat16=0.5, odd=2),
    ),
    ClaimTwin(
        "linear casts its weight", {"model.half() must come before": Verdict.WRONG}, _linear_widens
    ),
]


@pytest.fixture(scope="module", autouse=True)
def a_clock() -> Iterator[None]:
    """Time by a clock that no other work on this machine moves: a CPU slow in half precision."""
    with pytest.MonkeyPatch.context() as patch:
        _clock(float32=1, float16=20, bfloat16=3, odd=0.95)(patch)
        yield


def test_every_statement_of_the_notes_has_a_wrong_twin() -> None:
    check_that_twins_cover_claims(claims, CLAIM_TWINS)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_its_twin(twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_verdicts_turn(claims, twin, monkeypatch)
