"""A check that fails is seen to fail, by word and by mark."""

import importlib

import pytest
from streamlit.testing.v1 import AppTest

from explainers.evidence import Kind
from explainers.sampling import affine_grid


def failing() -> None:
    from explainers.evidence import Check, Claim, Kind, Verdict
    from ui import tables

    tables.checks(
        [
            Check("good <b>", "reference", error=1e-6, tolerance=1e-5, kind=Kind.INDEPENDENT),
            Check("bad", "reference", error=2e-5, tolerance=1e-5, kind=Kind.ANOTHER_PATH),
            Check(
                "exact",
                "torchvision.transforms.rotate",
                error=0.0,
                tolerance=1.0,
                kind=Kind.INDEPENDENT,
            ),
            Check("lost", "reference", error=float("nan"), tolerance=1e-5, kind=Kind.INDEPENDENT),
        ]
    )
    tables.claims([Claim("x < y", "there", Verdict.OBSOLETE, "now & then", "true")])


def test_a_failing_check_and_a_nan_are_marked_and_the_error_is_shown() -> None:
    table, claims = AppTest.from_function(failing).run().html
    assert table.value.count("✓ holds") == 2
    assert table.value.count("✗ fails") == 2
    assert table.value.count('class="verdict bad"') == 2
    assert "2.0e-05" in table.value
    assert "good &lt;b&gt;" in table.value
    assert ">0</td>" in table.value
    assert ">1</td>" in table.value
    assert "torchvision.<wbr>transforms.<wbr>rotate" in table.value
    assert table.value.count(f"reference<small>{Kind.INDEPENDENT}</small>") == 2
    assert table.value.count(f"reference<small>{Kind.ANOTHER_PATH}</small>") == 1
    assert "obsolete" in claims.value
    assert "now &amp; then" in claims.value


def test_the_pages_checks_turn_red_when_the_rule_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.import_module("explainers.sampling.affine_grid.checks"),
        "rotation",
        lambda degrees, **more: affine_grid.rotation(-degrees, **more),
    )
    failed = [check.statement for check in affine_grid.checks() if not check.holds]
    assert "rotation(30) is torchvision's rotate(30)" in failed
    assert "A quarter turn is torch.rot90" in failed


def compared() -> None:
    from explainers.evidence import Agreement, Difference
    from ui import tables

    def row(name: str, *errors: float) -> Agreement:
        cases = tuple(Difference(f"case {i}", error, 1e-5) for i, error in enumerate(errors))
        return Agreement(name, "a_b", cases, "why <b>")

    tables.agreements(
        [
            row("same", 0.0, 0.0),
            row("near", 0.0, 1e-6),
            row("mixed", 0.0, 0.5),
            row("far", 0.5, float("nan")),
        ]
    )


def test_libraries_that_never_agree_are_told_from_those_that_do_to_rounding() -> None:
    (table,) = AppTest.from_function(compared).run().html
    rows = table.value.split("<tr>")[2:]
    for row, verdict in zip(
        rows, ("always equal", "to rounding", "in some cases", "never"), strict=True
    ):
        assert verdict in row
    assert "<b>0.5</b>" in rows[2]
    assert "<b>nan</b>" in rows[3]
    assert "why &lt;b&gt;" in rows[0]
    assert "a_<wbr>b" in rows[0]


def made() -> None:
    from explainers.evidence import Mistake
    from ui import tables

    mistake = Mistake(
        wrong="for x in xs:\n    y = x < 1",
        right="y = xs < 1",
        wrong_cost="",
        right_cost="",
        lesson="",
        source=("there", "https://example.org"),
    )
    tables.lines(mistake, wrong=False)


def test_code_keeps_its_lines_and_indentation_and_says_which_runs() -> None:
    (drawn,) = AppTest.from_function(made).run().html
    assert "<pre><span>for x in xs:</span><span>    y = x &lt; 1</span></pre>" in drawn.value
    assert "right</b> (runs now)" in drawn.value
    assert "wrong</b> (runs now)" not in drawn.value
