"""Every check of autocast turns red for a small error of torch's or of the reference's."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explainers import autocast as topic
from explainers.autocast.lists import Listed
from explainers.evidence import Check, Kind
from tests.twins import Twin, check_that_a_twin_is_seen, check_that_twins_cover

# The package offers functions of some of these names.
checks, claims, rows, training, view = (
    importlib.import_module(f"explainers.autocast.{name}")
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


@pytest.mark.parametrize(
    ("begins", "apply"),
    [
        ("amp chooses the precision", _autocasts(enabled=False)),
        ("Only CUDA operations", _autocasts(enabled=False)),
        ("Only out-of-place", _autocasts(enabled=False)),
        ("Backward operations run", _autocasts(dtype=torch.bfloat16)),
        ("Outside of the autocast", _set(torch, "mm", lambda a, b: a.float() @ b.float())),
        ("Reductions need", _set(claims, "table", lambda *_: _all_float32())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_verdict_changes_with_what_torch_gives(
    begins: str, apply: Patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verdict() -> str:
        return next(each.verdict for each in topic.claims() if each.says.startswith(begins))

    plain = verdict()
    apply(monkeypatch)
    assert verdict() is not plain


def _all_float32() -> tuple[topic.OpRow, ...]:
    return tuple(
        dataclasses.replace(
            row,
            outcomes=tuple(dataclasses.replace(each, dtype=torch.float32) for each in row.outcomes),
        )
        for row in _table()
    )
