"""What Python packs for the signal, and what it lets a browser send back."""

import base64
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor

from tests.browser.apps.signal_app import Mode, case, crowd
from ui.signal import _accepted, signal_data


def unpacked(text: str, dtype: str = "<f4") -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(text), dtype)


def dense(rows: dict[str, Any], columns: int) -> np.ndarray[Any, Any]:
    """Put the columns that were sent back into their places, one by one."""
    first = unpacked(rows["first"], "u1")
    values = unpacked(rows["values"]).reshape(len(first), rows["width"])
    full = np.zeros((len(first), columns), np.float32)
    for i, start in enumerate(first):
        for c in range(rows["width"]):
            full[i, start + c] = values[i, c]
    return full


# ---- What is sent.


@pytest.mark.parametrize("mode", ["linear", "bicubic", "nearest", "area"])
def test_what_is_sent_is_torchs_own_numbers(mode: Mode) -> None:
    known = case(mode)
    data = signal_data(**known)

    for name in ("samples", "positions", "centres", "curve_x", "kernel_x", "kernel_y"):
        np.testing.assert_array_equal(unpacked(data[name]), known[name].float().numpy(), name)
    for name in ("weights", "curve_weights"):
        np.testing.assert_array_equal(dense(data[name], 6), known[name].numpy(), name)
    assert (data["minimum"], data["maximum"]) == (0.0, 1.0)


@settings(max_examples=60)
@given(
    some.lists(
        some.lists(some.sampled_from([0.0, 0.0, 0.25, -1.0]), min_size=5, max_size=5),
        min_size=1,
        max_size=8,
    )
)
def test_any_weights_survive_the_journey_wherever_their_zeros_are(
    rows: list[list[float]],
) -> None:
    weights = torch.tensor(rows)
    known = case() | {"samples": torch.zeros(5), "weights": weights}
    known |= {name: torch.zeros(len(rows)) for name in ("positions", "centres")}
    known |= {"curve_x": torch.arange(2.0), "curve_weights": torch.zeros(2, 5)}

    np.testing.assert_array_equal(dense(signal_data(**known)["weights"], 5), weights.numpy())


def test_a_row_of_twelve_and_its_curve_are_sent_in_fifteen_kilobytes() -> None:
    known = case("bicubic", 24, samples=tuple(j / 12 for j in range(12)))

    assert len(known["curve_x"]) == 288
    assert len(json.dumps(signal_data(**known))) < 15_000
    # Sixty-four samples to 512: all weights would be 175 kB.
    assert len(json.dumps(signal_data(**crowd())["weights"])) < 10_000


def test_the_output_shown_first_has_most_sources_and_is_near_the_middle() -> None:
    known = case("linear", 9)
    sources = (known["weights"] != 0).sum(dim=1)

    start = signal_data(**known)["start"]
    assert sources[start] == sources.max() == 2
    assert abs(start - 4) == min(abs(i - 4) for i in range(9) if sources[i] == 2)


def test_any_device_dtype_and_gradient_will_do() -> None:
    known = case()
    odd = {name: value for name, value in known.items() if isinstance(value, Tensor)}
    odd = {name: value.double().requires_grad_() for name, value in odd.items()}

    assert signal_data(**(known | odd)) == signal_data(**known)


# ---- What is refused.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"samples": torch.zeros(65)},
            "samples must have 1 dimension of 1 to 64, got shape (65,)",
        ),
        (
            {"samples": torch.zeros(2, 3)},
            "samples must have 1 dimension of 1 to 64, got shape (2, 3)",
        ),
        (
            {"positions": torch.zeros(0)},
            "positions must have 1 dimension of 1 to 512, got shape (0,)",
        ),
        (
            {"curve_x": torch.zeros(0)},
            "curve_x must have 1 dimension of 1 to 4096, got shape (0,)",
        ),
        ({"weights": torch.zeros(6, 15)}, "weights must have shape (15, 6), got (6, 15)"),
        ({"centres": torch.zeros(6)}, "centres must have shape (15,), got (6,)"),
        (
            {"curve_weights": torch.zeros(144, 5)},
            "curve_weights must have shape (144, 6), got (144, 5)",
        ),
        ({"kernel_x": torch.zeros(0)}, "kernel_y must have shape (0,), got (96,)"),
        (
            {"positions": torch.full((15,), math.nan)},
            "positions must be finite, got inf or nan",
        ),
        (
            {"weights": torch.full((15, 6), math.inf)},
            "weights must be finite, got inf or nan",
        ),
        ({"curve_x": -torch.arange(144.0)}, "curve_x must not fall, got a step of -1"),
        ({"samples": torch.full((6,), 1.5)}, "samples must lie from 0 to 1, got 1.5"),
        ({"minimum": 1.0}, "minimum must be finite and below maximum, got 1.0 and 1.0"),
        ({"maximum": math.inf}, "minimum must be finite and below maximum, got 0.0 and inf"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        signal_data(**(case() | change))

    assert str(refusal.value) == message


def test_a_sample_may_lie_on_its_bound_in_single_precision() -> None:
    known = case() | {"samples": torch.full((6,), 0.1), "minimum": 0.1}

    assert signal_data(**known)["minimum"] == 0.1


# ---- What a browser may send.


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "0.5, 0.5",
        {"0": 0.5, "1": 0.5},
        0.5,
        [],
        [0.5],
        [0.5, 0.5, 0.5],
        [0.5, None],
        [0.5, "0.5"],
        [0.5, True],
        [0.5, [0.5]],
        [0.5, math.nan],
        [0.5, math.inf],
        [0.5, 1.01],
        [-0.01, 0.5],
        [10**400, 0.5],
    ],
    ids=lambda sent: repr(sent)[:30],
)
def test_what_are_no_samples_is_ignored(sent: object) -> None:
    assert _accepted(sent, 2, 0.0, 1.0) is None


@pytest.mark.parametrize(
    ("sent", "maximum", "taken"),
    [
        ([0, 1], 1.0, [0.0, 1.0]),
        ([0.123456, 0.5], 1.0, [0.12, 0.5]),
        # Rounding may not leave the bounds.
        ([0.996, 0.004], 0.996, [0.996, 0.0]),
    ],
)
def test_samples_are_rounded_to_two_decimals_within_their_bounds(
    sent: Sequence[float], maximum: float, taken: Sequence[float]
) -> None:
    assert _accepted(sent, 2, 0.0, maximum) == taken
