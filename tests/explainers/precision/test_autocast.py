"""What autocast casts, what it costs, and what the notes say of it."""

import math
import re
import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.evidence import Verdict
from explainers.precision import autocast

DTYPES = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])


@DTYPES
def test_products_are_of_the_lower_precision_and_losses_of_float32(dtype: str) -> None:
    found = autocast.output_dtypes("cpu", dtype)
    lower = getattr(torch, dtype)
    for name in ("matmul", "mm", "bmm", "linear", "conv2d", "addmm"):
        assert found[name] is lower
    for name in ("mse_loss", "cross_entropy", "l1_loss", "add", "exp", "cat", "softmax"):
        assert found[name] is torch.float32
    assert len(found) >= 24


@DTYPES
def test_a_dtype_is_taken_by_name_and_as_itself(dtype: str) -> None:
    named = autocast.output_dtypes("cpu", dtype)
    assert named == autocast.output_dtypes("cpu", getattr(torch, dtype))
    assert named == autocast.output_dtypes("cpu", f"torch.{dtype}")


@DTYPES
def test_the_table_agrees_with_torchs_lists_on_this_device(dtype: str) -> None:
    rows = autocast.table("cpu", dtype)
    assert {row.listed for row in rows} == set(autocast.Listed)
    assert all(row.as_listed for row in rows if row.listed is not autocast.Listed.UNLISTED)


def test_the_table_shows_what_the_lists_leave_out() -> None:
    rows = {row.name: row for row in autocast.table()}
    off = {name for name, row in rows.items() if not row.as_listed}
    # einsum is made of bmm, and torch casts smooth_l1_loss without listing it.
    assert off == {"einsum", "smooth_l1_loss"}
    assert rows["mv"].from_float32 is torch.float32
    assert rows["mv"].from_mixed is None
    assert "same dtype" in rows["mv"].said
    assert rows["softmax"].from_lower is torch.float16
    assert rows["mse_loss"].from_lower is torch.float32
    assert rows["cat"].from_mixed is torch.float32


def test_torchs_lists_come_with_an_address() -> None:
    assert set(autocast.OP_REFERENCE) == {"cpu", "cuda"}
    assert all(address.startswith("https://") for address in autocast.OP_REFERENCE.values())


def test_autocast_is_off_again_afterwards() -> None:
    autocast.table()
    a = torch.ones(2, 2)
    assert (a @ a).dtype is torch.float32


@DTYPES
def test_the_mismatch_error_is_the_one_that_the_notes_describe(dtype: str) -> None:
    found = autocast.mismatch(dtype=dtype)
    assert found.inside is getattr(torch, dtype)
    assert found.said.startswith("RuntimeError: expected m1 and m2 to have the same dtype")
    assert 0 < found.difference < 1
    assert ".float()" in found.mistake.right


def test_the_cost_is_reported_as_it_is_measured() -> None:
    size = autocast.Cost(width=16, batch=8, repeats=7)
    reports = list(autocast.cost(size, chunk=3))
    assert [report.done for report in reports] == [3, 6, 7]
    assert [report.finished for report in reports] == [False, False, True]
    assert [mode.name for mode in reports[-1].modes] == ["float32", "float16", "bfloat16"]
    first = reports[-1].modes[0]
    assert first.ratio == 1
    for mode in reports[-1].modes:
        assert mode.seconds is not None and mode.seconds > 0
        assert mode.ratio is not None and mode.ratio > 0
        assert mode.saved_bytes > 0
        assert mode.peak_bytes is None
        assert mode.skipped == 0
        assert mode.loss == pytest.approx(first.loss, rel=0.02)


def test_the_cost_can_be_stopped_by_asking_no_further() -> None:
    reports = autocast.cost(autocast.Cost(width=16, batch=8), chunk=1)
    assert next(reports).done == 1
    reports.close()


def test_saved_bytes_of_float32_are_those_of_its_activations() -> None:
    size = autocast.Cost(width=32, batch=16)
    *_, last = autocast.cost(size, chunk=100)
    # Kept: the inputs, three outputs of relu, the last output and the targets.
    floats = 16 * 32 + 3 * 16 * 32 + 16 + 16
    assert last.modes[0].saved_bytes == 4 * floats


def test_lower_precision_keeps_less_where_samples_outnumber_weights() -> None:
    *_, last = autocast.cost(autocast.Cost(width=16, batch=512, repeats=5))
    full, half, _ = last.modes
    assert half.saved_bytes < 0.8 * full.saved_bytes


def test_autocast_proves_itself() -> None:
    checks = autocast.checks()
    assert len(checks) >= 12
    assert all(check.holds for check in checks)
    assert len({check.statement for check in checks}) == len(checks)


def test_the_notes_claims_about_autocast() -> None:
    found = {claim.says: claim for claim in autocast.claims()}
    verdicts = {says.split(":")[0][:32]: claim.verdict for says, claim in found.items()}
    assert verdicts["Only CUDA operations can be auto"] is Verdict.OBSOLETE
    assert verdicts["In the autocast region the model"] is Verdict.WRONG
    assert verdicts["Only out-of-place operations can"] is Verdict.HOLDS
    assert verdicts["Functions that are seldom used m"] is Verdict.OBSOLETE
    assert verdicts["Outside of the autocast region, "] is Verdict.CONDITION
    assert verdicts["Operations on no list, as dot, a"] is Verdict.CONDITION
    assert all(claim.measured and claim.truth for claim in found.values())


def test_what_depends_on_hardware_is_judged_by_what_was_timed() -> None:
    found = {claim.says[:24]: claim for claim in autocast.claims()}
    for says in ("amp computes faster, up t", "Dimensions that are mult"):
        claim = found[says[:24]]
        # Products and relu in the time of float32, or size 63 in the time of 64.
        ratios = [float(each) for each in re.findall(r"([\d.e-]+) in b?float", claim.measured)]
        good = [each < 1 if says.startswith("amp") else each > 1 for each in ratios]
        assert len(ratios) == 3
        # A ratio that two digits write as 1 may be on either side.
        if 1 not in ratios:
            assert (claim.verdict is Verdict.HOLDS) == all(good)
            assert (claim.verdict is Verdict.WRONG) == (not any(good))


def test_in_bfloat16_no_product_overflows_and_exp_does_in_float32_too() -> None:
    (preset,) = (each for each in autocast.PRESETS if "exp overflows in float32" in each.notice)
    view = autocast.explain(preset.parameters)
    over = {row.name: view.outcome(row).dtype for row in view.rows if _overflows(view, row)}
    assert over == {"exp": torch.float32}
    assert torch.finfo(torch.bfloat16).eps == 8 * torch.finfo(torch.float16).eps


def _overflows(view: autocast.View, row: autocast.OpRow) -> bool:
    return view.outcome(row).state is autocast.State.OVERFLOW


def test_weights_and_their_gradients_stay_float32_under_autocast() -> None:
    weight = torch.ones(4, 4, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.float16):
        F.linear(torch.ones(2, 4), weight).float().sum().backward()
    assert weight.grad is not None
    assert weight.grad.dtype is weight.dtype is torch.float32


# --- the table at any size of input ---


def test_float16_products_overflow_where_bfloat16_holds() -> None:
    half, brain = (
        {row.name: row.outcomes[0] for row in autocast.table("cpu", dtype, exponent=9)}
        for dtype in autocast.DTYPES
    )
    for name in ("matmul", "linear", "conv2d", "bmm"):
        assert half[name].state is autocast.State.OVERFLOW
        assert math.isinf(half[name].error)
        assert brain[name].state is autocast.State.FINE
        assert brain[name].error < 2.0**-7
    assert half["mse_loss"].state is autocast.State.FINE
    assert half["mse_loss"].error < 1e-6


def test_tiny_products_vanish_in_float16_and_nowhere_else() -> None:
    half, brain = (
        {row.name: row.outcomes[0] for row in autocast.table("cpu", dtype, exponent=-14)}
        for dtype in autocast.DTYPES
    )
    assert half["matmul"].state is autocast.State.ZERO
    assert half["matmul"].error == 1
    assert brain["matmul"].state is autocast.State.FINE


def test_without_autocast_mixed_products_raise() -> None:
    off = {row.name: row.outcomes[2] for row in autocast.table(enabled=False)}
    on = {row.name: row.outcomes[2] for row in autocast.table()}
    for name in ("matmul", "linear", "conv2d", "bmm", "addmm"):
        assert off[name].state is autocast.State.RAISED
        assert off[name].dtype is None
        assert off[name].said.startswith("RuntimeError")
        assert on[name].dtype is torch.float16


def test_where_float64_overflows_no_error_is_claimed() -> None:
    (row,) = (row for row in autocast.table(exponent=20) if row.name == "exp")
    assert row.outcomes[0].state is autocast.State.BEYOND
    assert math.isnan(row.outcomes[0].error)


@given(st.integers(*autocast.EXPONENTS), st.sampled_from(autocast.DTYPES))
@settings(max_examples=12, deadline=None)
def test_a_products_error_is_that_of_its_inputs_cast_by_hand(exponent: int, dtype: str) -> None:
    (row,) = (row for row in autocast.table("cpu", dtype, exponent=exponent) if row.name == "mm")
    a, b = autocast.inputs(exponent)
    lower = getattr(torch, dtype)
    true = a.double().numpy() @ b.double().numpy()
    product = (a.to(lower) @ b.to(lower)).double().numpy()
    with np.errstate(invalid="ignore"):
        error = np.abs(product - true).max() / np.abs(true).max()
    assert row.outcomes[0].error == pytest.approx(error if np.isfinite(error) else math.inf)


@pytest.mark.parametrize("kind", autocast.KINDS)
def test_a_sweep_holds_at_each_size_what_the_table_says(kind: str) -> None:
    for name in ("matmul", "softmax", "mv", "mse_loss"):
        found = autocast.sweep(name, kind)
        for exponent in (-24, -14, 0, 9, 20):
            at = found.exponents.tolist().index(exponent)
            for dtype in autocast.DTYPES:
                rows = {row.name: row for row in autocast.table("cpu", dtype, exponent=exponent)}
                outcome = rows[name].outcomes[autocast.KINDS.index(kind)]
                assert float(found.errors[dtype][at]) == pytest.approx(outcome.error, nan_ok=True)


# --- what torch ran ---


def test_autocasts_casts_are_among_what_torch_ran() -> None:
    ran = [str(step) for step in autocast.steps("mm")]
    assert ran == ["cast float32 to float16"] * 2 + ["mm(float16, float16) gives float16"]
    lifted = [str(step) for step in autocast.steps("mse_loss", "lower", dtype="bfloat16")]
    assert lifted[:2] == ["cast bfloat16 to float32"] * 2
    assert [step.name for step in autocast.steps("relu")] == ["relu"]
    assert [step.name for step in autocast.steps("mm", enabled=False)] == ["mm"]


def test_an_unlisted_product_is_cast_because_a_listed_one_is_inside_it() -> None:
    assert autocast.steps("einsum")[-1].name == "bmm"


def test_what_raises_ran_nothing() -> None:
    assert autocast.steps("mv", "mixed") == ()


# --- the view ---


@pytest.mark.parametrize("preset", autocast.PRESETS, ids=lambda preset: preset.name)
def test_every_preset_shows_what_its_notice_says_and_checks_itself(preset) -> None:
    view = autocast.explain(preset.parameters)
    assert len(view.rows) == len(autocast.OPS)
    assert view.chosen.name == preset.parameters.op
    for check in autocast.view_checks(view):
        assert check.holds, check


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("kind", autocast.KINDS)
def test_every_operation_checks_itself_in_the_view(kind: str, enabled: bool) -> None:
    for op in autocast.OPS:
        view = autocast.explain(autocast.Autocast(op=op, inputs=kind, enabled=enabled))
        for check in autocast.view_checks(view):
            assert check.holds, check


def test_the_sentence_counts_dtypes_and_failures() -> None:
    view = autocast.explain(autocast.Autocast(exponent=9))
    found = [row.outcomes[0] for row in view.rows]
    half = sum(each.dtype is torch.float16 for each in found)
    infinite = sum(math.isinf(each.error) for each in found)
    assert f"{half} give float16" in view.sentence
    assert f"{infinite} overflow" in view.sentence
    assert "none fails" in autocast.explain(autocast.Autocast()).sentence


SNIPPETS = [preset.parameters for preset in autocast.PRESETS] + [
    autocast.Autocast(exponent=20, op="exp", inputs="mixed", enabled=False)
]


@pytest.mark.parametrize("parameters", SNIPPETS, ids=str)
def test_the_snippet_makes_the_table_and_the_curve_of_the_view(parameters, tmp_path) -> None:
    (tmp_path / "taken.py").write_text(autocast.snippet(parameters))
    made = runpy.run_path(str(tmp_path / "taken.py"))
    view = autocast.explain(parameters)
    assert set(made["table"]) == {row.name for row in view.rows}
    for row in view.rows:
        outcome, found = view.outcome(row), made["table"][row.name]
        if outcome.dtype is None:
            assert found is None
        else:
            assert found[0] is outcome.dtype
            assert found[1] == pytest.approx(outcome.error, nan_ok=True)
    for size, wanted in zip(
        view.sweep.exponents.tolist(), view.sweep.errors[parameters.dtype].tolist(), strict=True
    ):
        found = made["errors"][int(size)]
        assert (math.nan if found is None else found[1]) == pytest.approx(wanted, nan_ok=True)


def test_the_csv_has_a_row_for_each_operation_and_kind() -> None:
    lines = autocast.csv(autocast.explain(autocast.Autocast())).splitlines()
    assert lines[0] == "operation,list,inputs,output,error,state"
    assert len(lines) == 1 + 3 * len(autocast.OPS)
    assert all(line.count(",") == 5 for line in lines)


def test_the_question_is_answered_by_torch() -> None:
    asked = autocast.question()
    with torch.autocast("cpu", dtype=torch.float16):
        output = F.linear(torch.ones(2, 2), torch.ones(2, 2)).softmax(-1)
    assert asked.answer == str(output.dtype).removeprefix("torch.")


def test_the_notes_claim_that_only_cuda_can_be_autocast_is_obsolete_on_a_cpu() -> None:
    claim = autocast.cuda_only()
    assert claim.verdict is Verdict.OBSOLETE
    assert "linear gives float16 and bfloat16" in claim.measured
    assert claim.says in {each.says for each in autocast.claims()}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: autocast.output_dtypes("cpu", "float64"),
            "dtype must be one of float16, bfloat16, got float64",
        ),
        (lambda: autocast.output_dtypes("cpu", torch.float64), "got torch.float64"),
        (lambda: autocast.table("cpu", "float8_e5m2"), "dtype must be one of float16, bfloat16"),
        (lambda: autocast.table("cpu", 16), "dtype must be one of float16, bfloat16"),
        (lambda: autocast.output_dtypes("cuda:99"), "device must be one of cpu"),
        (lambda: autocast.mismatch(device="tpu"), "device must be one of cpu"),
        (lambda: autocast.checks(device="cuda:99"), "device must be one of cpu"),
        (lambda: autocast.claims(device="cuda:99"), "device must be one of cpu"),
        (lambda: next(autocast.cost(device="cuda:99")), "device must be one of cpu"),
        (lambda: next(autocast.cost(chunk=0)), "chunk must be a whole number from 1 to 100"),
        (lambda: autocast.table(exponent=21), "exponent must be a whole number from -24 to 20"),
        (lambda: autocast.inputs(0.5), "exponent must be a whole number from -24 to 20, got 0.5"),
        (lambda: autocast.Autocast(exponent=-25), "exponent must be a whole number from -24 to 20"),
        (lambda: autocast.Autocast(dtype="float64"), "dtype must be one of float16, bfloat16"),
        (
            lambda: autocast.Autocast(op="fft"),
            "op must be the name of an operation in the table, such as matmul; got fft",
        ),
        (
            lambda: autocast.explain(autocast.Autocast(), device="cuda:99"),
            "device must be one of cpu",
        ),
        (lambda: autocast.cuda_only(device="cuda:99"), "device must be one of cpu"),
        (lambda: autocast.question(device="cuda:99"), "device must be one of cpu"),
        (lambda: autocast.Cost(width=4096), "width must be a whole number from 16 to 512"),
        (lambda: autocast.Cost(repeats=0), "repeats must be a whole number from 5 to 100"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
