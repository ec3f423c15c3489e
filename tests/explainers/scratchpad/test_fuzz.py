"""Whatever a listed operator is given, it ends soon, stays small, and never ends its child."""

import os
from collections.abc import Iterator

import pytest

from explainers.scratchpad import available
from tests.explainers.scratchpad.behind import Children

pytestmark = pytest.mark.skipif(available() != "", reason=available())

CALLS = int(os.environ.get("TORCH_LOUPE_FUZZ", "2"))
"""Of each overload; the long run has hundreds."""
SEEDS = max(1, CALLS // 20)
LONGEST_S = 0.5
MOST_CELLS = 4 * 65_536


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.close()


@pytest.mark.parametrize("name", ["_native_batch_norm_legit", "mkldnn_rnn_layer"])
def test_what_once_ended_its_child_no_longer_does(children: Children, name: str) -> None:
    done = children.fuzz([name], 200, 0)
    assert [row for row in done if len(row) == 1] == []
    assert len(done) >= 200


@pytest.mark.parametrize("seed", range(SEEDS))
def test_edges_end_soon_and_stay_small(children: Children, seed: int) -> None:
    from explainers.scratchpad.operators import ALLOWED

    done = children.fuzz(sorted(ALLOWED), min(CALLS, 20), seed)
    ended = {row[0] for row in done if len(row) == 1}
    rows = [row for row in done if len(row) > 1]
    assert {row[0].split(".")[0] for row in done} == set(ALLOWED)
    assert sum(not row[1] for row in rows) > len(rows) / 4  # or it tries nothing
    assert [row[:4] for row in rows if row[3] > LONGEST_S] == []
    assert [row[:3] for row in rows if row[2] > MOST_CELLS] == []
    assert max(row[4] for row in rows) - min(row[4] for row in rows) < 256 << 20
    assert ended == set(), "torch itself broke: the child alone"
