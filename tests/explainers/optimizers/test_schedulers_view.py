"""The page's schedules: calls that are read and written, views, code and data."""

import csv
import dataclasses
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

from explainers.optimizers import schedulers as topic
from explainers.optimizers.schedulers import Schedulers, snippet
from explainers.optimizers.schedulers.calls import LONGEST, written
from figures.optimizers import schedulers as figures
from tests.clock import milliseconds

PRESETS = [
    pytest.param(name, dict(preset), id=f"{name}: {title}")
    for name, spec in topic.SCHEDULERS.items()
    for title, preset in spec.presets.items()
]
COMPOSED = [
    "SequentialLR(LinearLR(start_factor=0.1, total_iters=10), CosineAnnealingLR(T_max=90), "
    "milestones=[10])",
    "SequentialLR(ConstantLR(factor=0.1), OneCycleLR(max_lr=0.2), ExponentialLR(gamma=0.9), "
    "milestones=[5, 60])",
    "ChainedScheduler(LinearLR(total_iters=20), ExponentialLR(gamma=0.95))",
    'ChainedScheduler(StepLR(step_size=7, gamma=0.5), LambdaLR(lr_lambda="0.9**epoch"))',
    "SequentialLR(OneCycleLR(max_lr=0.2), StepLR(step_size=3), milestones=[500])",
    "SequentialLR(LinearLR(), OneCycleLR(max_lr=0.2), StepLR(step_size=3), milestones=[0, 500])",
    "SequentialLR(LinearLR(), CyclicLR(max_lr=0.2), StepLR(step_size=3), milestones=[30, 30])",
    "SequentialLR(LinearLR(), ExponentialLR(gamma=0.9), milestones=[0])",
    "SequentialLR(OneCycleLR(max_lr=0.2), StepLR(step_size=3), milestones=[0])",
]


def ran(code: str, folder: Path) -> dict[str, Any]:
    """Run code from a file, as a reader would, and return its names."""
    file = folder / "taken.py"
    file.write_text(code, encoding="utf-8")
    return runpy.run_path(str(file))


def call(name: str, arguments: dict) -> str:
    return f"{name}({', '.join(f'{key}={written(value)}' for key, value in arguments.items())})"


@pytest.mark.parametrize(("name", "arguments"), PRESETS)
def test_a_call_is_read_back_as_it_was_written(name: str, arguments: dict) -> None:
    schedule = topic.schedule(name, arguments)
    assert topic.read(str(schedule)) == schedule
    assert schedule.name == name
    checked = topic.SCHEDULERS[name].check(arguments)
    assert topic.SCHEDULERS[name].check(dict(schedule.arguments)) == checked


@pytest.mark.parametrize("text", COMPOSED)
def test_a_composers_call_is_read_back_with_its_children(text: str) -> None:
    assert str(topic.read(text)) == text
    assert topic.read_all(f"{text}; {text} ;StepLR(step_size=3)") == (
        topic.read(text),
        topic.read("StepLR(step_size=3)"),
    )


def test_arguments_at_torchs_default_are_left_out_but_those_it_wants_stay() -> None:
    assert str(topic.read("StepLR(step_size=30, gamma=0.1)")) == "StepLR(step_size=30)"
    assert str(topic.read("LinearLR()")) == "LinearLR()"
    assert str(topic.read("LambdaLR(lr_lambda=lambda epoch: 0.5 ** epoch)")) == (
        'LambdaLR(lr_lambda="0.5 ** epoch")'
    )


BAD_CALLS = [
    ("", "a call such as"),
    ("StepLR", "a call such as"),
    ("StepLR(30, 0.1, -1, 5)", "StepLR must have at most 3 arguments, got 4"),
    ("StepLR(step_size=0)", "step_size must be a whole number from 1 to 1000000000 ("),
    ("StepLR(step_size=x)", "step_size must be a number, a word, a list or a formula"),
    ("StepLR(step_size=1+x)", "step_size must be a number, a word, a list or a formula"),
    ("StepLR(step_size=1+epoch)", "step_size must be a number, a word, a list or a formula"),
    ("StepLR(**{'step_size': 3})", "a call such as"),
    ("StepLR(step_size=30).__class__", "a call such as"),
    ("__import__('os').system('true')", "a call such as"),
    ("__import__('os')", "got __import__"),
    ("SGD(lr=0.1)", "scheduler must be one of LambdaLR"),
    ("LambdaLR(lr_lambda=\"__import__('os')\")", "lr_lambda must be a formula in epoch"),
    ("LambdaLR(lr_lambda=lambda: 1)", "lr_lambda must be a number, a word"),
    ("LambdaLR(lr_lambda=lambda a, b=__import__('os'): 1)", "lr_lambda must be a number, a word"),
    ("LambdaLR(lr_lambda=lambda a: epoch)", "formula must use its own variable alone, a, got ep"),
    ("LambdaLR(lr_lambda=lambda a: int(a))", "formula must write floor(…) instead, got int"),
    ("LambdaLR(lr_lambda=lambda a: open('x'))", "lr_lambda must be a formula in epoch"),
    ("StepLR(optimizer, step_size=len(loader))", "got len(loader); write its value"),
    ("StepLR(optimizer)", "step_size must be given, as in StepLR(step_size=30)"),
    ("timm.StepLR(optimizer, 3)", "write StepLR alone if torch's is meant"),
    ("StepLR(optimizer, 3, verbose=True)", "verbose must be left out: torch has it no more"),
    ("StepLR(optimizer, 3, last_epoch=5)", "last_epoch must be left out or -1"),
    ("StepLR(optimizer, 3, step_size=3)", "step_size must be given once"),
    ("StepLR(*given)", "got *given; write the arguments out"),
    ("CyclicLR(optimizer, -0.01, 0.1)", "base_lr must be a number from 0 to 1000 (torch has"),
    ("CyclicLR(base_lr=low, max_lr=0.1)", "base_lr must be a number, a word, a list or a formula"),
    ("StepLR(base_lr=0.1)", "arguments of StepLR must be step_size, gamma, got base_lr"),
    (
        "ChainedScheduler(CyclicLR(base_lr=0.1))",
        "base_lr must be left out in ChainedScheduler, got",
    ),
    ("for step in range(3): pass", "leave that line out"),
    ("a = ChainedScheduler([a])", "children of ChainedScheduler must be 1 to 6 schedulers"),
    ("a = [a, a]\nMultiStepLR(a)", "milestones must be"),
    ("SequentialLR(optimizer, schedulers)", "schedulers must be a list of calls, got schedulers"),
    ("MultiStepLR(milestones=[80, 30])", "milestones must be at most 20 whole numbers"),
    ("CosineAnnealingLR(T_max=0)", "T_max must be a whole number"),
    ("OneCycleLR(max_lr=-1)", "max_lr must be a number from 0 to 1000 (torch has no limit"),
    ("SequentialLR()", "children of SequentialLR must be 1 to 6 schedulers"),
    ("SequentialLR(ChainedScheduler(LinearLR()))", "children of SequentialLR must be 1 to 6"),
    ("SequentialLR(LinearLR(), milestones=3)", "milestones must be a list"),
    ("SequentialLR(LinearLR(), gamma=3)", "arguments of SequentialLR must be children"),
    ("(" * 400, "a call such as"),
    ("StepLR(step_size=" + "9" * 400 + ")", "step_size must be a whole number"),
    ("A" * (LONGEST + 1), "a call such as"),
]


@pytest.mark.parametrize(("text", "reason"), BAD_CALLS)
def test_what_is_no_call_is_refused_with_the_rule_and_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="schedule must be a call such as") as refusal:
        Schedulers(schedule=text)
    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 600


PASTED = [
    ("StepLR(optimizer, step_size=30)", "StepLR(step_size=30)"),
    ("StepLR(30, 0.5)", "StepLR(step_size=30, gamma=0.5)"),
    ("StepLR(self.optimizer, 30, 0.5)", "StepLR(step_size=30, gamma=0.5)"),
    ("StepLR(optim.SGD(net.parameters(), lr=0.1), 30)", "StepLR(step_size=30)"),
    ("torch.optim.lr_scheduler.StepLR(optimizer, 7)", "StepLR(step_size=7)"),
    ("optim.lr_scheduler.StepLR(optimizer, 7)", "StepLR(step_size=7)"),
    ("self.scheduler = lr_scheduler.StepLR(optimizer, 7)  # every week", "StepLR(step_size=7)"),
    ("scheduler = StepLR(optimizer=optimizer, step_size=7, last_epoch=-1),", "StepLR(step_size=7)"),
    ("LinearLR（optimizer，start_factor=0．5）", "LinearLR(start_factor=0.5)"),
    ("LinearLR(opt, start_factor=1/4)", "LinearLR(start_factor=0.25)"),
    ("LinearLR(opt, 1/7)", "LinearLR(start_factor=0.14285714285714285)"),
    ("CosineAnnealingLR(opt, T_max=20 * 5, eta_min=float('1e-6'))",
     "CosineAnnealingLR(T_max=100, eta_min=1e-06)"),
    ("MultiStepLR(opt, milestones=(30, 80), gamma=math.sqrt(0.25))",
     "MultiStepLR(milestones=[30, 80], gamma=0.5)"),
    ("ReduceLROnPlateau(optimizer, 'max', 0.5)", 'ReduceLROnPlateau(mode="max", factor=0.5)'),
    ("LambdaLR(opt, lambda step: 0.9**step)", 'LambdaLR(lr_lambda="0.9 ** epoch")'),
    ('LambdaLR(lr_lambda="lambda e: e**−0.5 if e else 1")',
     'LambdaLR(lr_lambda="epoch**-0.5 if epoch else 1")'),
    ("LambdaLR(opt, lr_lambda=lambda s: 0.5 * (1 + math.cos(math.pi * float(s) / 100)))",
     'LambdaLR(lr_lambda="0.5 * (1 + cos(pi * (epoch) / 100))")'),
    ("LambdaLR(opt, lr_lambda=[lambda epoch: epoch // 30, lambda epoch: np.minimum(1, epoch)])",
     'LambdaLR(lr_lambda=["epoch // 30", "min(1, epoch)"])'),
    ("warm = 40\nhalf = warm // 2\nLambdaLR(opt, lambda s: min(1, s / half))",
     'LambdaLR(lr_lambda="min(1, epoch / 20)")'),
    ("CyclicLR(opt, max_lr=0.5, scale_fn=lambda c: 1 / 2 ** (c - 1))",
     'CyclicLR(max_lr=0.5, scale_fn="1 / 2 ** (x - 1)")'),
    ("CyclicLR(optimizer, base_lr=0.001, max_lr=0.1)", "CyclicLR(base_lr=0.001, max_lr=0.1)"),
    ("CyclicLR(optimizer, 0.001, 0.1)", "CyclicLR(base_lr=0.001, max_lr=0.1)"),
    ("low = 1e-3\nCyclicLR(opt, [low, 2 * low], 0.1, 30)",
     "CyclicLR(base_lr=[0.001, 0.002], max_lr=0.1, step_size_up=30)"),
    ("from torch.optim import SGD\nimport torch\noptimizer = SGD(net.parameters(), lr=0.1)\n"
     "warm: int = 10\nstart = warm // 2\nscheduler = lr_scheduler.LinearLR(optimizer, 1 / start)",
     "LinearLR(start_factor=0.2)"),
    ("SequentialLR(optimizer, schedulers=[LinearLR(optimizer), StepLR(optimizer, 9)], "
     "milestones=[5])",
     "SequentialLR(LinearLR(), StepLR(step_size=9), milestones=[5])"),
    ("SequentialLR(opt, [LinearLR(opt), StepLR(opt, 9)], [5])",
     "SequentialLR(LinearLR(), StepLR(step_size=9), milestones=[5])"),
    ("ChainedScheduler([LinearLR(opt), ExponentialLR(opt, gamma=0.9)], optimizer=opt)",
     "ChainedScheduler(LinearLR(), ExponentialLR(gamma=0.9))"),
    (">>> first = ConstantLR(optimizer, factor=0.1, total_iters=20)\n"
     ">>> second = ExponentialLR(optimizer, gamma=0.9)\n"
     ">>> scheduler = SequentialLR(\n...     optimizer,\n"
     "...     schedulers=[first, second],\n...     milestones=[20],\n... )",
     "SequentialLR(ConstantLR(factor=0.1, total_iters=20), ExponentialLR(gamma=0.9), "
     "milestones=[20])"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "call"), PASTED)
def test_code_as_people_have_it_is_read_and_shown_back_as_the_page_spells_it(
    text: str, call: str
) -> None:
    assert Schedulers(schedule=text).schedule == call
    assert str(topic.read(call)) == call


@pytest.mark.parametrize(("text", "call"), PASTED)
def test_a_box_of_one_line_makes_blanks_of_new_lines_and_the_code_is_read_all_the_same(
    text: str, call: str
) -> None:
    assert Schedulers(schedule=text.replace("\n", " ")).schedule == call
    assert Schedulers(kept=f"StepLR(step_size=77); {text}".replace("\n", " ")).kept == (
        f"StepLR(step_size=77); {call}"
    )


def test_a_comment_that_may_hide_a_call_is_refused_and_no_call_is_lost() -> None:
    line = "first = LinearLR(optimizer)  # then the steps scheduler = StepLR(optimizer, 3)"
    with pytest.raises(ValueError, match="leave comments out, in one line they never end"):
        topic.read(line)
    assert str(topic.read(line.replace("steps ", "steps\n"))) == "StepLR(step_size=3)"


def test_a_line_of_many_statements_takes_no_time() -> None:
    for text in ("a= " * 1600, "a=1 " * 1200, "f() " * 1200, "(" * 2000 + ") a=" * 700):

        def refuse(text: str = text) -> None:
            with pytest.raises(ValueError, match="got"):
                topic.read(text)

        assert milliseconds(refuse, limit=200) < 200


def test_kept_calls_are_parted_at_semicolons_that_nothing_holds() -> None:
    def parted(text: str) -> list[str]:
        return [str(schedule) for schedule in topic.read_all(text)]

    assert parted("StepLR(3); ;ExponentialLR(0.5);") == [
        "StepLR(step_size=3)",
        "ExponentialLR(gamma=0.5)",
    ]
    assert parted("StepLR(3)  # 'tis; so\n; ExponentialLR(0.5)") == [
        "StepLR(step_size=3)",
        "ExponentialLR(gamma=0.5)",
    ]
    # Held by quotes or brackets it is part of a call, and the whole call is told of.
    for held in ('LambdaLR(lr_lambda="1; 2")', 'StepLR("\'\\"; 3")', "StepLR([3; 4])"):
        with pytest.raises(ValueError, match=";"):
            topic.read_all(f"StepLR(3); {held}")


@pytest.mark.parametrize("two_groups", [False, True])
@pytest.mark.parametrize("base_lr", ["0.001", "[0.001, 0.02]"])
def test_a_cycle_with_a_base_lr_of_its_own_has_torchs_rates_whatever_lr_is(
    two_groups: bool, base_lr: str, tmp_path: Path
) -> None:
    call = f"CyclicLR(base_lr={base_lr}, max_lr=0.1, step_size_up=10)"
    parameters = Schedulers(schedule=call, base_lr=0.5, two_groups=two_groups)
    view = topic.explain(parameters)
    own = [0.001, 0.02] if "[" in base_lr else 0.001
    groups = [{"params": [torch.zeros(1, requires_grad=True)]} for _ in range(1 + two_groups)]
    optimizer = torch.optim.SGD(groups, lr=0.5, momentum=0.9)
    if not two_groups and "[" in base_lr:
        assert view.problem == (
            "CyclicLR: base_lr must have one value for each of 1 groups, got (0.001, 0.02)"
        )
        assert topic.view_checks(view) == ()
        return
    scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, own, 0.1, step_size_up=10)
    rates = []
    for _ in range(100):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    assert view.current.trace is not None
    assert view.current.trace.learning_rate.T.tolist() == rates
    assert all(check.holds for check in topic.view_checks(view))
    namespace = ran(snippet(parameters), tmp_path)
    assert torch.equal(namespace["curves"][call], view.current.trace.learning_rate)


def test_a_base_lr_of_its_own_is_said_and_its_sentence_names_it() -> None:
    assert topic.read("CyclicLR(max_lr=0.1)").own_rate == ""
    said = topic.read("CyclicLR(base_lr=1e-3, max_lr=0.1)").own_rate
    assert said.startswith("The call has its own base_lr, 0.001: it begins there")


def test_names_that_stand_for_lists_of_names_take_no_time() -> None:
    lines = ["a = [1]", *(f"{b} = [{', '.join([a] * 5)}]" for a, b in itertools.pairwise("abcdef"))]
    text = "\n".join([*lines, "MultiStepLR(f)"])

    def refuse() -> None:
        with pytest.raises(ValueError, match="milestones must be"):
            topic.read(text)

    assert milliseconds(refuse, limit=50) < 50


def numbers_of(argument: topic.Argument) -> st.SearchStrategy[Any]:
    low, high = argument.minimum, argument.maximum
    assert low is not None
    assert high is not None
    if argument.kind == "integer":
        return st.integers(int(low), int(high))
    return st.floats(low, high)


@st.composite
def legal_calls(draw: st.DrawFn) -> topic.Schedule:
    """Return any scheduler with any numbers, options and flags within their bounds."""
    spec = topic.SCHEDULERS[draw(st.sampled_from(list(topic.SCHEDULERS)))]
    given: dict[str, Any] = {}
    for name, argument in spec.arguments.items():
        if not draw(st.booleans()):
            continue
        if argument.kind in ("number", "integer"):
            given[name] = draw(numbers_of(argument))
        elif argument.kind == "choice":
            given[name] = draw(st.sampled_from(argument.options))
        elif argument.kind == "flag":
            given[name] = draw(st.booleans())
        elif argument.kind == "milestones":
            given[name] = sorted(draw(st.lists(st.integers(1, 99), max_size=5)))
        else:
            given[name] = f"1 / (1 + {draw(st.floats(0, 9))} * {argument.spec.variable})"  # type: ignore[union-attr]
    own: dict[str, Any] = {}
    if spec.name == "CyclicLR" and draw(st.booleans()):
        own["base_lr"] = draw(st.one_of(st.floats(0, 10), st.tuples(*[st.floats(0, 10)] * 2)))
    try:
        return topic.schedule(spec.name, given, **own)
    except ValueError:  # pct_start of a phase without length
        return topic.schedule(spec.name)


@given(st.lists(legal_calls(), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_whatever_the_page_writes_it_reads_back_to_the_bit(schedules: list[topic.Schedule]) -> None:
    for schedule in schedules:
        assert topic.read(str(schedule)) == schedule
        assert topic.read(f"scheduler = lr_scheduler.{schedule}") == schedule
    children = [dataclasses.replace(schedule, base_lr=None) for schedule in schedules]
    chain = topic.schedule("ChainedScheduler", children=children)
    assert topic.read(str(chain)) == chain
    many = tuple(dict.fromkeys(schedules))
    assert topic.read_all(topic.written_all(many)) == many


@given(
    st.text(alphabet=st.sampled_from("StepLR(gamma=0.5,[];'\"\\lambda epoch:*_. \n"), max_size=80)
)
@settings(max_examples=300, deadline=None)
def test_no_text_is_anything_but_a_schedule_or_a_sentence(text: str) -> None:
    try:
        schedules = topic.read_all(text)
    except ValueError:
        return
    assert topic.read_all(topic.written_all(schedules)) == schedules


def test_the_sentence_names_the_lowest_and_the_highest_rate_where_they_are_no_end() -> None:
    def said(schedule: str) -> str:
        return topic.explain(Schedulers(schedule=schedule)).sentence

    assert said("StepLR(step_size=30)") == "StepLR: 0.1 at step 0, 0.0001 at step 99."
    assert said("CosineAnnealingLR(T_max=40)") == (
        "CosineAnnealingLR: 0.1 at step 0, 0 at step 40 (lowest), 0.05392 at step 99."
    )
    assert "0.5 at step 29 (highest)" in said("OneCycleLR(max_lr=0.5)")


def test_at_most_twelve_are_kept() -> None:
    many = "; ".join(f"StepLR(step_size={size})" for size in range(1, 14))
    with pytest.raises(ValueError, match=r"kept must be at most 12 calls .*; got 13 calls"):
        Schedulers(kept=many)


SETTINGS = [
    pytest.param(
        Schedulers(schedule=text, two_groups=groups, optimizer=optimizer, steps=steps),
        id=f"{text} {groups} {optimizer} {steps}",
    )
    for text, (groups, optimizer, steps) in itertools.product(
        [*(call(*case.values) for case in PRESETS), *COMPOSED],
        [(False, "SGD", 100), (True, "AdamW", 60)],
    )
]


@pytest.mark.parametrize("parameters", SETTINGS)
def test_a_view_holds_its_checks_and_its_code_makes_its_rates(
    parameters: Schedulers, tmp_path: Path
) -> None:
    view = topic.explain(parameters)
    assert view.problem == ""
    assert view.sentence.startswith(view.current.schedule.name)
    checks = topic.view_checks(view)
    assert len(checks) >= 2
    failed = [check for check in checks if not check.holds]
    # A later child that sets the rate when it is made: torch's doing, and said so.
    assert [check for check in failed if "when made" not in check.remark] == []
    schedule = topic.read(parameters.schedule)
    turn = sum(milestone == 0 for milestone in schedule.milestones)
    others = (*schedule.children[:turn], *schedule.children[turn + 1 :])
    assert bool(failed) == any(child.name == "OneCycleLR" for child in others)
    namespace = ran(snippet(parameters), tmp_path)
    assert view.current.trace is not None
    made = namespace["curves"][str(view.current.schedule)]
    assert torch.equal(made, view.current.trace.learning_rate)


@pytest.mark.parametrize("preset", topic.PRESETS, ids=lambda preset: preset.name)
def test_the_code_of_a_preset_makes_every_kept_curve_too(preset, tmp_path: Path) -> None:
    view = topic.explain(preset.parameters)
    namespace = ran(snippet(preset.parameters), tmp_path)
    assert list(namespace["curves"]) == [str(entry.schedule) for entry in view.entries]
    for entry in view.entries:
        assert entry.trace is not None
        assert torch.equal(namespace["curves"][str(entry.schedule)], entry.trace.learning_rate)


@pytest.mark.parametrize("kind", [*topic.LOSSES, topic.OWN])
@pytest.mark.parametrize("arguments", ["", "patience=2, factor=0.5, cooldown=3", 'mode="max"'])
def test_a_plateaus_code_sees_the_losses_on_show(kind: str, arguments: str, tmp_path: Path) -> None:
    parameters = Schedulers(schedule=f"ReduceLROnPlateau({arguments})", losses=kind)
    view = topic.explain(parameters)
    assert view.losses is not None
    assert view.plateau is not None
    assert view.bar is not None
    assert all(check.holds for check in topic.view_checks(view))
    namespace = ran(snippet(parameters), tmp_path)
    (made,) = namespace["curves"].values()
    assert view.current.trace is not None
    assert torch.equal(made, view.current.trace.learning_rate)
    # Each cut shows in the rate of the next step.
    cuts = view.plateau.cut.nonzero()[:, 0]
    cuts = cuts[cuts + 1 < parameters.steps]
    rate = view.current.trace.learning_rate[0]
    assert bool((rate[cuts + 1] < rate[cuts]).all())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("patience=2, factor=0.5", ""),
        ("patience=2, factor=0.5, min_lr=0.02", "min_lr is reached"),
        ("patience=2, factor=0.5, eps=0.02", "the drop is within eps"),
        ("patience=2, factor=0.5, min_lr=0.02, eps=0.02", "the drop is within eps"),
        ("patience=2, factor=0.5, eps=1000", "the drop is within eps"),
        ("patience=2, factor=0.5, min_lr=0.5", "min_lr is reached"),
    ],
)
def test_the_title_counts_the_cuts_that_min_lr_or_eps_withholds(arguments: str, words: str) -> None:
    view = topic.explain(
        Schedulers(schedule=f"ReduceLROnPlateau({arguments})", losses="flat", steps=60)
    )
    # A flat loss is bad at every step but the first: each third bad one asks for a cut.
    asked = len(range(3, 60, 3))
    assert view.plateau is not None
    made = int((view.plateau.learning_rate.diff() < 0).sum())
    _, seen = figures.see(view)
    assert seen.title.startswith(
        "What ReduceLROnPlateau saw: it cuts when bad steps exceed patience, 2"
    )
    if words:
        assert 0 < asked - made
        assert seen.title.endswith(f", but for {asked - made} of {asked} times: {words}")
        assert len(seen.marks) == made
    else:
        assert asked == made
        assert "but for" not in seen.title


def test_a_loss_that_betters_the_bar_is_the_new_best() -> None:
    view = topic.explain(Schedulers(schedule="ReduceLROnPlateau()", losses="noisy"))
    assert view.losses is not None
    assert view.bar is not None
    assert view.plateau is not None
    better = view.losses[1:] < view.bar[1:]
    assert torch.equal(view.plateau.best[1:] == view.losses[1:], better)


REFUSED = [
    ("SequentialLR(StepLR(step_size=3), LinearLR())", "milestones must be one whole number"),
    ("ChainedScheduler(ReduceLROnPlateau())", "children of ChainedScheduler must step without"),
    ("OneCycleLR(max_lr=0.1, total_steps=50)", "total_steps must be at least steps, 100, got 50"),
    ('LambdaLR(lr_lambda="-1")', "must be finite and not negative, got -0.1 at step 0"),
    ('LambdaLR(lr_lambda="1/(epoch-5)")', "at epoch 5"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_a_schedule_that_these_settings_refuse_keeps_the_others(text: str, reason: str) -> None:
    view = topic.explain(Schedulers(schedule=text, kept="StepLR(step_size=30)"))
    assert view.current.trace is None
    assert reason in view.problem
    assert topic.view_checks(view) == ()
    assert [str(entry.schedule) for entry in view.entries] == ["StepLR(step_size=30)"]
    refused = topic.explain(Schedulers(schedule="StepLR(step_size=30)", kept=text))
    assert reason in refused.problem
    assert refused.current.trace is not None


def test_the_csv_holds_every_curve_momentum_and_loss() -> None:
    parameters = Schedulers(
        schedule="OneCycleLR(max_lr=0.5)",
        kept='LambdaLR(lr_lambda="1/(epoch+1)"); SequentialLR(LinearLR(), StepLR(step_size=9), '
        "milestones=[5])",
        two_groups=True,
        steps=40,
    )
    view = topic.explain(parameters)
    rows = list(csv.reader(io.StringIO(topic.table(view))))
    assert len(rows) == 41
    assert rows[0][0] == "step"
    assert len(rows[0]) == 1 + 3 * 2 + 2
    for column, name in enumerate(rows[0][1:], start=1):
        text, quantity, group = re.fullmatch(r"(.*) (lr|momentum) of group (\d)", name).groups()
        entry = next(entry for entry in view.entries if str(entry.schedule) == text)
        assert entry.trace is not None
        table = entry.trace.learning_rate if quantity == "lr" else entry.trace.momentum
        found = torch.tensor([float(row[column]) for row in rows[1:]], dtype=torch.float64)
        assert torch.allclose(found, table[int(group)], rtol=1e-9)
    assert "loss" in topic.table(topic.explain(Schedulers(schedule="ReduceLROnPlateau()")))


def test_where_computes_one_branch_in_the_code_too(tmp_path: Path) -> None:
    parameters = Schedulers(schedule='LambdaLR(lr_lambda="where(epoch > 0, 1/epoch, 1)")')
    assert "1 / epoch if epoch > 0 else 1" in snippet(parameters)
    ran(snippet(parameters), tmp_path)


@pytest.mark.parametrize("steps", [10, 60, 990])
@pytest.mark.parametrize(
    "text",
    [
        *(call(*case.values) for case in PRESETS if case.values[0] != "ReduceLROnPlateau"),
        *COMPOSED,
        'LambdaLR(lr_lambda="1 - epoch/100")',
    ],
)
def test_the_first_steps_of_a_long_run_are_a_short_run(text: str, steps: int) -> None:
    schedule = topic.read(text)

    def run() -> topic.ScheduleTrace:
        if not schedule.children:
            return topic.trace(schedule.name, steps=steps, **dict(schedule.arguments))
        children = [(child.name, dict(child.arguments)) for child in schedule.children]
        return topic.compose(schedule.name, children, steps=steps, milestones=schedule.milestones)

    if problem := topic.explain(Schedulers(schedule=text, steps=steps)).problem:
        with pytest.raises(ValueError, match=re.escape(problem.split(": ", 1)[1])):
            run()
        return
    alone = run()
    found = topic.explain(Schedulers(schedule=text, steps=steps)).current.trace
    assert found is not None
    assert torch.equal(found.learning_rate, alone.learning_rate)
    assert torch.equal(found.active, alone.active)
    assert (found.momentum is None) == (alone.momentum is None)


def test_other_steps_cost_no_other_run_of_the_schedulers() -> None:
    kept = "; ".join(f"CosineAnnealingLR(T_max={size})" for size in range(10, 22))
    topic.explain(Schedulers(kept=kept, steps=1000))
    other = (Schedulers(kept=kept, steps=steps) for steps in itertools.count(500))
    assert milliseconds(lambda: topic.explain(next(other)), limit=10) < 10
