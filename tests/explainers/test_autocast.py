"""What autocast casts, what it costs, and what the notes say of it."""

import pytest
import torch
import torch.nn.functional as F

from explainers import autocast
from explainers.evidence import Verdict

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
    assert len(checks) >= 5
    assert all(check.holds for check in checks)
    assert len({check.statement for check in checks}) == len(checks)


def test_the_notes_claims_about_autocast() -> None:
    found = {claim.says: claim for claim in autocast.claims()}
    verdicts = {says.split(":")[0][:32]: claim.verdict for says, claim in found.items()}
    assert verdicts["Only CUDA operations can be auto"] is Verdict.OBSOLETE
    assert verdicts["In the autocast region the model"] is Verdict.WRONG
    assert verdicts["Only out-of-place operations can"] is Verdict.HOLDS
    assert verdicts["Functions that are seldom used m"] is Verdict.OBSOLETE
    assert verdicts["Outside of the autocast region, "] is Verdict.HOLDS
    assert verdicts["Operations on no list, as dot, a"] is Verdict.CONDITION
    assert all(claim.measured and claim.truth for claim in found.values())


def test_weights_and_their_gradients_stay_float32_under_autocast() -> None:
    weight = torch.ones(4, 4, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.float16):
        F.linear(torch.ones(2, 4), weight).float().sum().backward()
    assert weight.grad is not None
    assert weight.grad.dtype is weight.dtype is torch.float32


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
        (lambda: autocast.Cost(width=4096), "width must be a whole number from 16 to 512"),
        (lambda: autocast.Cost(repeats=0), "repeats must be a whole number from 5 to 100"),
    ],
)
def test_bad_input_gets_its_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
