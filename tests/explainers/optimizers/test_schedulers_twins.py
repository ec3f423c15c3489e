"""A wrong scheduler, or a wrong reference, turns the checks red: none holds come what may."""

import importlib
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from explainers.evidence import Check, Verdict
from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import Schedulers, scale, tracing, view
from tests.twins import (
    ClaimTwin,
    Twin,
    check_that_a_twin_is_seen,
    check_that_twins_cover,
    check_that_twins_cover_claims,
    check_that_verdicts_turn,
)

# The package has a function of this name.
CLAIMS = importlib.import_module("explainers.optimizers.schedulers.claims")

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


def solved_one_step_late(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = scale.powers
    monkeypatch.setattr(scale, "powers", lambda base, times: kept(base, times + 1))


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
    from explainers.optimizers.schedulers.formula import _EVALUATOR

    monkeypatch.setitem(_EVALUATOR.functions, "exp", lambda _: 1.0)


def sgd_that_steps(by: float) -> Patch:
    """Return a patch under which SGD's steps are so many times as long as its rate says."""
    kept = torch.optim.SGD.step

    def step(self: Any, closure: Any = None) -> Any:
        held = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["lr"] *= by
        found = kept(self, closure)
        for group, rate in zip(self.param_groups, held, strict=True):
            group["lr"] = rate
        return found

    return lambda monkeypatch: monkeypatch.setattr(torch.optim.SGD, "step", step)


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
    Schedulers(schedule="ExponentialLR(gamma=0.9999)", steps=20_000),
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
    Twin(
        "SGD's steps are longer than its rate", ("SGD under the scheduler",), sgd_that_steps(1.01)
    ),
    Twin(
        "a long run is solved one step late",
        ("ExponentialLR: torch",),
        solved_one_step_late,
    ),
    Twin(
        "torch decays more slowly than a long run was solved",
        ("torch's own step()", "Set to a step, SGD"),
        after(lr_scheduler.ExponentialLR, "get_lr", slower_decay),
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
    forget()
    found = [check for shown in SHOWN for check in topic.view_checks(topic.explain(shown))]
    forget()
    return found


def forget() -> None:
    """Forget every rate that is remembered."""
    for remembered in (view._run, view._far, view._chosen):
        remembered.cache_clear()


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


# --- the statements of the notes ---


def given_rates(owner: type, change: Callable[[Any, list[float]], list[float]]) -> Patch:
    """Return a patch under which a scheduler computes other rates, but for the first."""

    def changed(scheduler: Any, rates: list[float]) -> list[float]:
        return change(scheduler, rates) if scheduler.last_epoch > 0 else rates

    return after(owner, "get_lr", changed)


def computed(owner: type, rate: Callable[[Any], float]) -> Patch:
    """Return a patch under which a scheduler of one group has the rate that is computed."""
    return lambda patch: patch.setattr(owner, "get_lr", lambda self: [rate(self)])


def the_first_call_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first step() change nothing, without a warning, as before torch 1.1."""
    kept = lr_scheduler.StepLR.step

    def step(self: Any, epoch: int | None = None) -> None:
        if self._is_initial or hasattr(self, "called"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kept(self)
        else:
            self.called = True

    monkeypatch.setattr(lr_scheduler.StepLR, "step", step)


def sgd_in_every_fifth_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SGD move its weights in every fifth step alone."""
    kept = torch.optim.SGD.step

    def step(self: Any, closure: Any = None) -> Any:
        self.calls = getattr(self, "calls", 0) + 1
        return kept(self, closure) if self.calls % 5 == 0 else None

    monkeypatch.setattr(torch.optim.SGD, "step", step)


def counting_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = lr_scheduler.LRScheduler.__init__

    def made(self: Any, *given: Any, **named: Any) -> None:
        kept(self, *given, **named)
        self.last_epoch += 1

    monkeypatch.setattr(lr_scheduler.LRScheduler, "__init__", made)


def with_state_beside_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = torch.optim.Adam.__init__
    listed = ("params", "lr", "betas", "eps", "weight_decay", "amsgrad")

    def made(self: Any, *given: Any, **named: Any) -> None:
        kept(self, *given, **named)
        group = {name: self.param_groups[0][name] for name in listed}
        self.param_groups = [group, {"state": {}}]

    monkeypatch.setattr(torch.optim.Adam, "__init__", made)


def a_group_keeps_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:

    class Held(dict):
        def __setitem__(self, name: str, value: Any) -> None:
            if name != "lr" or "lr" not in self:
                super().__setitem__(name, value)

    kept = torch.optim.SGD.__init__

    def made(self: Any, *given: Any, **named: Any) -> None:
        kept(self, *given, **named)
        self.param_groups = [Held(group) for group in self.param_groups]

    monkeypatch.setattr(torch.optim.SGD, "__init__", made)


def a_module_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "torch.optim.lr_scheduler.StepLR"
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))


def no_word_of_initial_lr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a scheduler that resumes take the rate there is for the first one."""
    kept = lr_scheduler.LRScheduler.__init__

    def made(self: Any, optimizer: Any, *given: Any, **named: Any) -> None:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        kept(self, optimizer, *given, **named)

    monkeypatch.setattr(lr_scheduler.LRScheduler, "__init__", made)


def initial_lr_follows(scheduler: Any, rates: list[float]) -> list[float]:
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["initial_lr"] = rate
    return rates


def get_lr_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lr_scheduler, "_warn_get_lr_called_within_step", lambda _: None)


def resumed_by_its_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let StepLR compute each rate from the first, which it resumes with."""
    monkeypatch.setattr(lr_scheduler.StepLR, "get_lr", lambda self: self._get_closed_form_lr())


def cosine_with_jumps(scheduler: Any, rates: list[float]) -> list[float]:
    return list(scheduler.base_lrs) if scheduler.last_epoch % scheduler.T_max == 0 else rates


def no_threshold(scheduler: Any, _: None) -> None:
    scheduler.patience, scheduler.threshold = 0, 0.0


def mode_is_min(scheduler: Any, _: None) -> None:
    scheduler.mode = "min"


HOLDS, WRONG, CONDITION = Verdict.HOLDS, Verdict.WRONG, Verdict.CONDITION
LAMBDA, STEP, MULTI = lr_scheduler.LambdaLR, lr_scheduler.StepLR, lr_scheduler.MultiStepLR
COSINE, PLATEAU = lr_scheduler.CosineAnnealingLR, lr_scheduler.ReduceLROnPlateau
CLAIM_TWINS = [
    ClaimTwin(
        "SGD's steps are twice as long as its rate",
        {"A step of gradient descent": WRONG, "optimizer.param_groups[0]['lr'] shows": WRONG},
        sgd_that_steps(2.0),
    ),
    ClaimTwin(
        "param_groups has a group of six entries, and the state",
        {"param_groups is a list of two": HOLDS},
        with_state_beside_the_groups,
    ),
    ClaimTwin(
        "LambdaLR decays a little by itself",
        {
            "Adam(model.parameters(), lr=0.01) keeps": WRONG,
            "LambdaLR with 1 / (epoch + 1)": WRONG,
            "LambdaLR sets each group's rate": WRONG,
            "An example for LambdaLR": WRONG,
        },
        given_rates(LAMBDA, lambda scheduler, rates: [rates[0] * 0.999**scheduler.last_epoch]),
    ),
    ClaimTwin(
        "a factor of 0 counts as 1",
        {"An example for LambdaLR": WRONG},
        after(LAMBDA, "get_lr", lambda scheduler, rates: [rates[0] or scheduler.base_lrs[0]]),
    ),
    ClaimTwin(
        "a group keeps the rate it was made with", {"By hand": WRONG}, a_group_keeps_its_rate
    ),
    ClaimTwin(
        "StepLR drops a step late",
        {"StepLR: new_lr": WRONG, "StepLR(step_size=100, gamma=0.9)": WRONG},
        computed(
            STEP,
            lambda scheduler: (
                scheduler.base_lrs[0]
                * scheduler.gamma ** (max(scheduler.last_epoch - 1, 0) // scheduler.step_size)
            ),
        ),
    ),
    ClaimTwin(
        "SGD moves weights in every fifth step",
        {"step_size: the parameters": HOLDS},
        sgd_in_every_fifth_step,
    ),
    ClaimTwin("a scheduler counts from 1", {"last_epoch=-1 trains": HOLDS}, counting_from_one),
    ClaimTwin(
        "a milestone given twice counts once",
        {"MultiStepLR: new_lr": WRONG},
        computed(
            MULTI,
            lambda scheduler: (
                scheduler.base_lrs[0]
                * scheduler.gamma
                ** sum(step <= scheduler.last_epoch for step in scheduler.milestones)
            ),
        ),
    ),
    ClaimTwin(
        "MultiStepLR subtracts gamma of the rate",
        {"At each milestone": WRONG, "milestones=[30, 80, 120]": WRONG},
        computed(
            MULTI,
            lambda scheduler: (
                scheduler.base_lrs[0]
                * (1 - scheduler.gamma)
                ** sum(step <= scheduler.last_epoch for step in scheduler.milestones)
            ),
        ),
    ),
    ClaimTwin(
        "ExponentialLR multiplies by gamma to the epoch",
        {"ExponentialLR: lr": HOLDS},
        given_rates(
            lr_scheduler.ExponentialLR,
            lambda scheduler, rates: [
                rates[0] / scheduler.gamma * scheduler.gamma**scheduler.last_epoch
            ],
        ),
    ),
    ClaimTwin(
        "CosineAnnealingLR jumps at T_max",
        {"CosineAnnealingLR has a cosine": HOLDS},
        given_rates(COSINE, cosine_with_jumps),
    ),
    ClaimTwin(
        "CosineAnnealingLR overshoots its first rate",
        {"Cosine annealing has the initial": WRONG},
        given_rates(COSINE, lambda scheduler, rates: [rates[0] * 1.01]),
    ),
    ClaimTwin(
        "ReduceLROnPlateau cuts at once, whatever falls short",
        {"ReduceLROnPlateau, mode min": HOLDS},
        after(PLATEAU, "__init__", no_threshold),
    ),
    ClaimTwin(
        "ReduceLROnPlateau watches for a minimum in both modes",
        {"ReduceLROnPlateau, mode max": WRONG},
        after(PLATEAU, "__init__", mode_is_min),
    ),
    ClaimTwin(
        "the first call of step() changes nothing, as before torch 1.1",
        {"In the loop": HOLDS},
        the_first_call_is_idle,
    ),
    ClaimTwin("there is a module StepLR", {"import torch.optim": HOLDS}, a_module_of_that_name),
    ClaimTwin(
        "a scheduler that resumes takes the rate there is for the first",
        {"Resuming may raise KeyError": WRONG},
        no_word_of_initial_lr,
    ),
    ClaimTwin(
        "initial_lr follows the rate",
        {"Making a scheduler writes initial_lr": WRONG},
        given_rates(STEP, initial_lr_follows),
    ),
    ClaimTwin("get_lr() is silent", {"get_lr() computes": WRONG}, get_lr_is_silent),
    ClaimTwin(
        "StepLR computes from the first rate",
        {"To mend it": HOLDS, "get_lr() computes": HOLDS},
        resumed_by_its_epoch,
    ),
    ClaimTwin(
        "loading forgets the scheduler's step",
        {"A checkpoint of epoch": WRONG},
        after(lr_scheduler.LRScheduler, "load_state_dict", forgets_the_step),
    ),
]
# Python alone refuses these lines: nothing of torch runs.
WITHOUT = {"The code `lambda = lambda": "Python's grammar decides, torch is not asked"}


def test_each_statement_of_the_notes_has_a_twin() -> None:
    check_that_twins_cover_claims(CLAIMS, CLAIM_TWINS, WITHOUT)


@pytest.mark.parametrize("twin", CLAIM_TWINS, ids=lambda twin: twin.name)
def test_a_verdict_turns_with_what_torch_does(
    twin: ClaimTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_that_verdicts_turn(CLAIMS, twin, monkeypatch)
