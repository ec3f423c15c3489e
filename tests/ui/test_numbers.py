"""What the tables send to a browser, and what they take back from one."""

import base64
import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from explainers.linkage import Linkage, linkage
from ui.numbers import checked_table, numbers_data

BOUNDS = {"minimum": -10.0, "maximum": 10.0}


def enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x[None, None], size=(4, 4), mode="bilinear", align_corners=True)[0, 0]


def packed(source: Tensor, **change: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "source": source,
        "linkage": linkage(enlarge, (2, 2)),
        **BOUNDS,
    }
    output = change.pop("output", None)
    known["output"] = enlarge(source) if output is None else output
    return numbers_data(**(known | change))


def array(sent: str, dtype: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(sent), dtype)


def test_weights_and_entries_that_are_sent_add_up_to_the_outputs_that_are_sent() -> None:
    data = packed(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))

    entries = np.array(data["in"]["entries"])
    indices = array(data["indices"], "<i2").reshape(4, 4, data["k"])
    weights = array(data["weights"], "<f4").reshape(4, 4, data["k"])
    sums = (weights * np.where(indices >= 0, entries[indices], 0)).sum(-1)
    np.testing.assert_allclose(sums, array(data["out"]["pixels"], "<f4").reshape(4, 4), rtol=1e-6)
    assert (data["in"]["shape"], data["out"]["shape"]) == ([2, 2], [4, 4])
    assert data["in"]["range"] == data["out"]["range"] == (1.0, 4.0)
    assert data["rule"] == "a number from -10 to 10"


def test_it_starts_at_the_output_that_is_asked_for_if_there_is_one() -> None:
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    links = linkage(lambda x: x * 2, (2, 2), at=table)
    bounds = {"minimum": -10, "maximum": 10}
    data = numbers_data(table, table * 2, links, start=(1, 0), **bounds)
    assert (data["start"], data["start_given"]) == ([1, 0], True)
    with pytest.raises(ValueError, match="start must lie in the 2x2 output"):
        numbers_data(table, table * 2, links, start=(2, 0), **bounds)


def test_it_starts_at_an_output_near_the_centre_with_the_most_sources() -> None:
    row, column = packed(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))["start"]

    assert {row, column} <= {1, 2}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_an_entry_is_sent_as_short_as_its_dtype_allows(dtype: torch.dtype) -> None:
    source = torch.tensor([[0.1, -2.5], [1 / 3, 0.0]], dtype=dtype)
    output = enlarge(source.float())

    entries = packed(source, output=output)["in"]["entries"]
    assert entries[0] == 0.1
    assert torch.equal(torch.tensor(entries, dtype=dtype), source.flatten())


def test_bfloat16_entries_are_sent_exactly() -> None:
    source = torch.tensor([[0.1, 1.0], [2.0, 3.0]], dtype=torch.bfloat16)

    entries = packed(source, output=enlarge(source.float()))["in"]["entries"]
    assert torch.equal(torch.tensor(entries, dtype=torch.bfloat16), source.flatten())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"source": torch.zeros(9, 2)},
            "source must have two sides from 1 to 8, got shape (9, 2)",
        ),
        ({"source": torch.zeros(4)}, "source must have two sides from 1 to 8, got shape (4,)"),
        (
            {"output": torch.zeros(4, 33)},
            "output must have two sides from 1 to 32, got shape (4, 33)",
        ),
        (
            {"source": torch.zeros(2, 2, dtype=torch.int64)},
            "source must be floating point, got torch.int64",
        ),
        ({"source": torch.zeros(3, 3)}, "source must have shape (2, 2), got (3, 3)"),
        (
            {"source": torch.full((2, 2), math.inf)},
            "source must be finite, got a picture with inf or nan",
        ),
        (
            {"source": torch.tensor([[0.0, 11.0], [0.0, 0.0]])},
            "source must hold numbers from -10 to 10, got 11",
        ),
        (
            {"minimum": 1.0, "maximum": 1.0},
            "minimum and maximum must be finite and in order, got 1.0 and 1.0",
        ),
        (
            {"maximum": math.nan},
            "minimum and maximum must be finite and in order, got -10.0 and nan",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        packed(**({"source": torch.zeros(2, 2), "output": torch.zeros(4, 4)} | change))

    assert str(refusal.value) == message


def test_a_table_that_fits_comes_back_as_floats() -> None:
    table = checked_table([[1, 2.5], [-10, 10]], (2, 2), **BOUNDS)

    assert table == [[1.0, 2.5], [-10.0, 10.0]]
    assert all(type(value) is float for row in table for value in row)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        "[[1, 2], [3, 4]]",
        [],
        [[1, 2]],
        [[1, 2], [3]],
        [[1, 2], [3, 4, 5]],
        [[1, 2], "34"],
        [[1, 2], [3, "4"]],
        [[1, 2], [3, None]],
        [[1, 2], [3, True]],
        [[1, 2], [3, [4]]],
        [[1, 2], [3, math.nan]],
        [[1, 2], [3, math.inf]],
        [[1, 2], [3, 10.001]],
        [[1, 2], [3, -(10**400)]],
    ],
)
def test_anything_else_that_a_browser_sends_is_ignored(sent: object) -> None:
    assert checked_table(sent, (2, 2), **BOUNDS) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=9,
)


@given(sent=JSON | st.lists(st.lists(st.floats(-11, 11), min_size=1, max_size=2), max_size=2))
def test_whatever_is_taken_is_a_table_within_the_bounds(sent: object) -> None:
    table = checked_table(sent, (1, 2), **BOUNDS)

    assert table is None or (
        len(table) == 1 and len(table[0]) == 2 and all(-10 <= value <= 10 for value in table[0])
    )


def test_the_linkage_must_be_the_operations() -> None:
    links: Linkage = linkage(lambda x: x, (2, 2))

    with pytest.raises(ValueError) as refusal:
        packed(torch.zeros(2, 2), linkage=links)

    assert str(refusal.value) == "output must have shape (2, 2), got (4, 4)"
