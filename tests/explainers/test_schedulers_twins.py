"""A wrong scheduler, or a wrong reference, turns the checks red: none holds come what may."""

from collections.abc import Callable
from typing import Any

import pytest
from torch.optim import lr_scheduler

from explainers import schedulers as topic
from explainers.evidence import Check
from explainers.schedulers import Schedulers, tracing, view
from tests.twins import Twin, check_that_a_twin_is_seen, check_that_twins_cover

Patch = Callable[[pytest.MonkeyPatch], None]


def after(owner: Any, method: str, do: Callable[[Any, Any], Any]) -> Patch:
    """Return a patch under which a method gives what `do` makes of its object and its answer."""
    kept = getattr(owner, method)

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            owner, method, lambda self, *args, **more: do(self, kept(self, *args, **more))
        )

    return apply


def slower_decay(scheduler: Any, rates: list[float]) -> list[float]:
    return [rate * (1.0001 if scheduler.last_epoch else 1.0) for rate in rates]


def moved_momentum(scheduler: Any, rates: list[float]) -> list[float]:
    for group in scheduler.optimizer.param_groups:
        if "betas" not in group and scheduler.last_epoch:
            group["momentum"] += 1e-6 * scheduler.last_epoch
    return rates


def second_follows_first(scheduler: Any, _: None) -> None:
    groups = scheduler.optimizer.param_groups
    if len(groups) == 2:
        groups[1]["lr"] = groups[0]["lr"] * 0.2 * (1 + 1e-6)


def less_patience(scheduler: Any, _: None) -> None:
    scheduler.patience -= 1


def forgets_the_step(scheduler: Any, _: None) -> None:
    scheduler.last_epoch = 0


def one_early(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = lr_scheduler.SequentialLR.__init__

    def made(self: Any, optimizer: Any, schedulers: Any, milestones: list[int]) -> None:
        kept(self, optimizer, schedulers, [step - 1 for step in milestones])

    monkeypatch.setattr(lr_scheduler.SequentialLR, "__init__", made)


def late_in_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_more(scheduler: Any) -> list[float]:
        return [rate * scheduler.gamma ** (scheduler.last_epoch + 1) for rate in scheduler.base_lrs]

    monkeypatch.setattr(lr_scheduler.ExponentialLR, "_get_closed_form_lr", one_more)


def read_after_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tracing._run

    def run(*given: Any) -> Any:
        rates, momenta = kept(*given)
        return [*rates[1:], rates[-1]], momenta

    monkeypatch.setattr(tracing, "_run", run)


def shown_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tracing._run

    def run(*given: Any) -> Any:
        rates, momenta = kept(*given)
        return [[rate * 1.01 for rate in row] for row in rates], momenta

    monkeypatch.setattr(tracing, "_run", run)


def flat_exponential(monkeypatch: pytest.MonkeyPatch) -> None:
    from explainers.schedulers.formula import _EVALUATOR

    monkeypatch.setitem(_EVALUATOR.functions, "exp", lambda _: 1.0)


TWINS = [
    Twin(
        "ExponentialLR decays too slowly",
        ("12 schedulers", "SequentialLR runs", "ChainedScheduler multiplies"),
        after(lr_scheduler.ExponentialLR, "get_lr", slower_decay),
    ),
    Twin(
        "OneCycleLR's momentum of SGD drifts",
        ("The momentum of", "OneCycleLR, going up", "CyclicLR and OneCycleLR move Adam's beta1"),
        after(lr_scheduler.OneCycleLR, "get_lr", moved_momentum),
    ),
    Twin(
        "CyclicLR's momentum of SGD drifts",
        ("The momentum of", "CyclicLR and OneCycleLR move Adam's beta1"),
        after(lr_scheduler.CyclicLR, "get_lr", moved_momentum),
    ),
    Twin(
        "the plateau has one bad step less to go",
        ("ReduceLROnPlateau follows",),
        after(lr_scheduler.ReduceLROnPlateau, "__init__", less_patience),
    ),
    Twin(
        "the second group follows the first",
        ("Every scheduler treats each group alone", "12 schedulers"),
        after(lr_scheduler.LRScheduler, "_update_lr", second_follows_first),
    ),
    Twin(
        "SequentialLR passes on one step early",
        ("SequentialLR runs",),
        one_early,
    ),
    Twin("a jump lands one step late", ("step(t) lands",), late_in_a_jump),
    Twin(
        "loading forgets the step",
        ("Every scheduler, saved", "SequentialLR and ChainedScheduler, saved"),
        after(lr_scheduler.LRScheduler, "load_state_dict", forgets_the_step),
    ),
    Twin(
        "the curve is read after the scheduler's step",
        ("12 schedulers", "Optimizer step i uses the curve's entry i"),
        read_after_the_step,
    ),
]

SHOWN = (
    Schedulers(two_groups=True),
    Schedulers(schedule='LambdaLR(lr_lambda="exp(-epoch/30)")'),
    Schedulers(schedule="ReduceLROnPlateau(patience=2, factor=0.5)"),
    Schedulers(
        schedule="SequentialLR(LinearLR(total_iters=20), ExponentialLR(gamma=0.9), milestones=[10])"
    ),
)
VIEW_TWINS = [
    Twin(
        "the rates shown are larger than those used",
        (
            "CosineAnnealingLR, group 0",
            "CosineAnnealingLR, group 1",
            "LambdaLR: torch",
            "ReduceLROnPlateau: torch",
            "Saved and loaded",
            "SGD under the scheduler",
        ),
        shown_larger,
    ),
    Twin(
        "the rates shown are read after the scheduler's step",
        ("CosineAnnealingLR, group 0", "LambdaLR: torch"),
        read_after_the_step,
    ),
    Twin("the page's exp gives 1", ("LambdaLR: torch",), flat_exponential),
    Twin(
        "SequentialLR passes on one step early",
        ("Up to the first milestone",),
        one_early,
    ),
    Twin(
        "the plateau has one bad step less to go",
        ("ReduceLROnPlateau: torch",),
        after(lr_scheduler.ReduceLROnPlateau, "__init__", less_patience),
    ),
]


def view_checks() -> list[Check]:
    """Return the checks of every view above, none of its rates remembered."""
    view._run.cache_clear()
    found = [check for shown in SHOWN for check in topic.view_checks(topic.explain(shown))]
    view._run.cache_clear()
    return found


def test_each_check_has_a_twin() -> None:
    check_that_twins_cover(topic.checks, TWINS)
    check_that_twins_cover(view_checks, VIEW_TWINS)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_wrong_scheduler_turns_its_checks_red(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_that_a_twin_is_seen(topic.checks, twin, monkeypatch)


@pytest.mark.parametrize("twin", VIEW_TWINS, ids=lambda twin: twin.name)
def test_a_wrong_view_turns_its_checks_red(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_a_twin_is_seen(view_checks, twin, monkeypatch)
