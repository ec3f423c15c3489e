"""What the page says of autocast is what torch gives, at any setting and on any machine's clock."""

import importlib
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.evidence import Claim, Verdict
from explainers.precision import autocast
from explainers.precision.autocast import mistakes
from figures.precision import autocast as figures
from tests.sentences import EXAMPLES, legal

claims = importlib.import_module(
    "explainers.precision.autocast.claims"
)  # the package has a function of this name
DTYPES = ("float16", "bfloat16")


def ran(name: str, asked: autocast.Autocast) -> torch.Tensor | None:
    """Return what torch itself gives for an operation; None where it raises."""
    lower = getattr(torch, asked.dtype)
    a, b = autocast.inputs(asked.exponent, below_1=name in ("binary_cross_entropy", "grid_sample"))
    a = a if asked.inputs == "float32" else a.to(lower)
    b = b.to(lower) if asked.inputs == "lower" else b
    try:
        with torch.autocast("cpu", dtype=lower, enabled=asked.enabled):
            return autocast.OPS[name](a, b)
    except (RuntimeError, NotImplementedError):
        return None


@settings(max_examples=EXAMPLES // 10)
@given(legal(autocast.Autocast, op=st.sampled_from(sorted(autocast.OPS))))
def test_the_sentence_counts_what_torch_gave(asked: autocast.Autocast) -> None:
    view = autocast.explain(asked)
    outputs = {name: ran(name, asked) for name in autocast.OPS}
    for dtype in ("float16", "bfloat16", "float32"):
        count = sum(
            each is not None and each.dtype is getattr(torch, dtype) for each in outputs.values()
        )
        assert (f"{count} give {dtype}" in view.sentence) == (count > 0)
    raising = sum(each is None for each in outputs.values())
    assert (f"{raising} raise" in view.sentence) == (raising > 0)
    failed = re.search(r"; (.*)\.$", view.sentence)[1]
    # Only finite numbers that are not all 0 have not failed.
    infinite = sum(
        int(found[1]) for found in re.finditer(r"(\d+) (?:overflow|are infinite)", failed)
    )
    wide = {
        name: op(*(
            each.double()
            for each in autocast.inputs(
                asked.exponent, below_1=name in ("binary_cross_entropy", "grid_sample")
            )
        ))
        for name, op in autocast.OPS.items()
    }  # fmt: skip
    expected = sum(
        each is not None and not bool(each.double()[wide[name].isfinite()].isfinite().all())
        for name, each in outputs.items()
    )
    assert infinite == expected
    for check in autocast.view_checks(view):
        assert check.holds, check


def test_the_infinite_logarithm_of_a_zero_is_no_overflow() -> None:
    view = autocast.explain(autocast.Autocast(exponent=-24, inputs="lower", op="log"))
    assert "2 are infinite, an input being 0" in view.sentence
    assert "overflow" not in view.sentence
    assert torch.log(autocast.inputs(-24)[0].half()).isinf().any()
    assert "infinite from 0" in figures.chips(view)


def test_the_preset_names_the_largest_input_there_is() -> None:
    (preset,) = (each for each in autocast.PRESETS if each.parameters.exponent == 9 and
                 each.parameters.dtype == "float16")  # fmt: skip
    largest = max(float(each.max()) for each in autocast.inputs(9))
    named = float(re.search(r"reach (\d+)", preset.notice)[1])
    assert named == pytest.approx(largest, abs=0.5)
    assert named**2 > 65504
    assert "512" not in preset.notice


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", range(-24, 21, 4))
def test_unlisted_operations_stay_in_their_dtype_but_for_those_named(
    dtype: str, exponent: int
) -> None:
    (preset,) = (each for each in autocast.PRESETS if each.parameters.inputs == "lower")
    rows = autocast.table("cpu", dtype, exponent=exponent)
    lifted = {
        row.name
        for row in rows
        if row.listed is autocast.Listed.UNLISTED and row.from_lower is torch.float32
    }
    assert lifted == {"smooth_l1_loss"}
    assert preset.notice.endswith(f"stay in float16, but for {lifted.pop()}.")


def test_losses_that_no_list_has_stay_in_float16_and_the_claim_names_them() -> None:
    a, b, c = (torch.rand(4, 4, generator=torch.Generator().manual_seed(1)).half() for _ in "abc")
    with torch.autocast("cpu", dtype=torch.float16):
        assert F.gaussian_nll_loss(a, b, c).dtype is torch.float16
        assert F.cross_entropy(a, torch.arange(4)).dtype is torch.float32
    names = (
        "gaussian_nll_loss",
        "multilabel_soft_margin_loss",
        "triplet_margin_with_distance_loss",
    )
    assert claims.narrow_losses(torch.device("cpu")) == names
    (claim,) = (each for each in autocast.claims() if "Reductions need" in each.says)
    assert f"{', '.join(names)} give float16" in claim.measured
    assert claim.truth.startswith("Losses on autocast's list do.")
    # No loss on the list is among them.
    assert not set(names) & autocast.LISTS["cpu"][autocast.Listed.FLOAT32]
    lesson = mistakes.loss_outside(mistakes.LossOutside()).mistake.lesson
    assert "the losses on autocast's list are float32" in lesson


def test_squares_leave_float16_where_the_lesson_of_the_norm_says() -> None:
    lesson = mistakes.own_norm(mistakes.OwnNorm()).mistake.lesson
    above, below = (float(each) for each in re.findall(r"(?:from|below) ([\d.]*\d)", lesson))
    sizes = torch.tensor([above, below]).half()
    assert sizes[0] ** 2 == torch.inf
    assert torch.tensor(above - 0.25).half() ** 2 < torch.inf
    assert sizes[1] ** 2 == 0
    assert torch.tensor(1.03 * below).half() ** 2 > 0


def test_the_sigmoid_is_one_where_the_lesson_says() -> None:
    lesson = mistakes.sigmoid_first(mistakes.Logits()).mistake.lesson
    start = float(re.search(r"from ([\d.]+) up", lesson)[1])
    points = torch.linspace(start - 0.02, 20, 5000).half()
    sure = torch.sigmoid(points) == 1
    assert sure[points >= start].all()
    assert not sure[points < start - 0.005].any()


@settings(max_examples=EXAMPLES // 10)
@given(legal(mistakes.Logits))
def test_the_losses_told_are_those_at_the_logit_named(asked: mistakes.Logits) -> None:
    found = mistakes.sigmoid_first(asked).mistake
    at = float(re.search(r"At logit ([\d.]+)", found.wrong_cost)[1])
    assert abs(at - asked.logit) <= 0.25
    loss = float(re.search(r"The loss is ([-\d.e]+),", found.right_cost)[1])
    wide = torch.tensor(at, dtype=torch.float64)
    assert loss == pytest.approx(float(F.softplus(wide)), rel=0.01)


# --- verdicts ---


def judged(monkeypatch: pytest.MonkeyPatch, times: dict[str, float]) -> dict[str, Claim]:
    """Return what hardware decides, by claim, on a machine whose runs take these times."""

    def least(run, where: torch.device, repeats: int = 9) -> float:
        given = run.args[0]
        name = str(given.dtype).removeprefix("torch.")
        size = len(given) if given.dim() == 2 else 0
        return times[name] * (times.get("odd", 1.0) if size == 63 else 1.0)

    monkeypatch.setattr(claims, "_least_time", least)
    where = torch.device("cpu")
    return {
        "speed": claims._speed_claim(where),
        "eights": claims._eights_claim(where),
        "half": claims._half_claim(where),
    }


@pytest.mark.parametrize(
    ("times", "verdicts"),
    [
        (
            {"float32": 1, "float16": 0.5, "bfloat16": 0.5, "odd": 1.5},
            {"speed": Verdict.HOLDS, "eights": Verdict.HOLDS, "half": Verdict.HOLDS},
        ),
        (
            {"float32": 1, "float16": 20, "bfloat16": 0.25, "odd": 0.9},
            {"speed": Verdict.CONDITION, "eights": Verdict.WRONG, "half": Verdict.CONDITION},
        ),
        (
            {"float32": 1, "float16": 20, "bfloat16": 3},
            {"speed": Verdict.WRONG, "eights": Verdict.WRONG, "half": Verdict.CONDITION},
        ),
    ],
)
def test_a_verdict_on_speed_is_the_clocks(
    monkeypatch: pytest.MonkeyPatch, times: dict[str, float], verdicts: dict[str, Verdict]
) -> None:
    found = judged(monkeypatch, times)
    assert {name: claim.verdict for name, claim in found.items()} == verdicts
    assert f"{times['float16']:.2g} in float16" in found["speed"].measured


def test_memory_is_less_for_many_samples_and_more_for_few() -> None:
    claim = claims._memory_claim(torch.device("cpu"))
    many, few = (float(each) for each in re.findall(r"([\d.]+) times", claim.measured))
    assert many < 1 < few
    assert claim.verdict is Verdict.CONDITION
