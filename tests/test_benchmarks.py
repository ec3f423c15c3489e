"""The benchmarks' own parts: their sums, and the file that they keep."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import load, results, stage


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert results.percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_each_benchmark_replaces_its_own_section_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "FILE", tmp_path / "RESULTS.md")
    results.record("load-1", "Load", "command", "first figures")
    results.record("memory-1", "Memory", "command", "other figures")
    results.record("load-1", "Load", "command", "second figures")
    text = results.FILE.read_text()
    assert text.startswith("# Results")
    assert "first figures" not in text
    assert text.index("second figures") < text.index("other figures")
    assert text.count("## Load") == text.count("## Memory") == 1
    assert f"{results.machine()}; {results.software()}" in text


def test_a_table_has_as_many_cells_in_every_line() -> None:
    lines = results.table(("name", "n"), [("a", 1), ("b", 2)]).splitlines()
    assert lines == ["| name | n |", "| --- | ---: |", "| a | 1 |", "| b | 2 |"]


def test_readers_without_a_single_change_are_summed_up_too() -> None:
    assert load.row("nobody", [], 3) == ["nobody", 0, "", "", "", 3]
    assert load.row("some", [1.0, 2.0, 9.0], 0) == ["some", 3, "2", "9", "9", 0]


def test_a_lessons_costs_are_of_its_own_run() -> None:
    slug, lesson = next(stage.lessons())
    row = stage.computed(slug, lesson, repeats=1)
    assert row.steps == len(lesson.trace().steps)
    assert 0 < row.sent <= stage.BYTES_LIMIT and row.run > 0 and row.pack > 0
    assert row.ok
    assert not replace(row, sent=stage.BYTES_LIMIT + 1).ok
    assert not replace(row, step=stage.STEP_LIMIT_MS + 1).ok
