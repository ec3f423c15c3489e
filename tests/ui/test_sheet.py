"""The proof sheet: everything runs, nothing is remembered, and what fails is seen to fail."""

import csv
import dataclasses
import io
import json
import time
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from explainers.evidence import Check, Claim, Kind, Verdict
from tests.session import PATIENCE_S
from ui import catalogue, sheet
from ui import rows as markup


@pytest.fixture(scope="module")
def run() -> tuple[list[sheet.Entry], float]:
    """Give what the sheet finds, and the seconds that it took for all."""
    start = time.perf_counter()
    return [entry for found in sheet.run("cpu") for entry in found], time.perf_counter() - start


@pytest.fixture(scope="module")
def entries(run: tuple[list[sheet.Entry], float]) -> list[sheet.Entry]:
    return run[0]


def test_every_check_and_every_claim_of_every_page_is_on_the_sheet(
    entries: list[sheet.Entry],
) -> None:
    for page in catalogue.PAGES:
        own = [entry for entry in entries if entry.page == page.slug]
        stated = [entry.statement for entry in own if entry.kind == "check"]
        assert stated == [check.statement for check in page.topic.checks(device="cpu")]
        said = [entry.statement for entry in own if entry.kind == "claim"]
        assert said == [claim.says for claim in page.topic.claims(device="cpu")]
        assert {entry.chapter for entry in own} == {page.chapter}


def test_nothing_on_the_sheet_fails(entries: list[sheet.Entry]) -> None:
    assert [entry for entry in entries if entry.verdict == sheet.FAILS] == []


def test_each_entry_says_what_it_took(run: tuple[list[sheet.Entry], float]) -> None:
    entries, took = run
    assert all(0 <= entry.seconds for entry in entries)
    assert 0.1 < sum(entry.seconds for entry in entries) <= took


def drawn(rows: list[sheet.Entry], *, unfolded: bool = False) -> str:
    """The markup of some entries."""

    def draw(rows, unfolded) -> None:
        from ui import sheet_table

        sheet_table.draw(rows, unfolded=unfolded)

    (part,) = AppTest.from_function(draw, args=(rows, unfolded)).run().html
    return str(part.value)


def page_that(checks, claims) -> catalogue.Page:
    """A page of the catalogue whose topic is a stand-in."""
    topic = SimpleNamespace(checks=checks, claims=claims)
    return SimpleNamespace(chapter="Nowhere", slug="nothing", topic=topic)  # type: ignore[return-value]


def test_a_failing_check_says_by_how_much_and_its_row_is_red() -> None:
    bad = Check("two is three", "counting", error=3e-5, tolerance=1e-5, kind=Kind.INDEPENDENT)
    page = page_that(lambda device: (bad,), lambda device: ())
    (entry,) = next(sheet.run("cpu", [page]))
    assert entry.verdict == "fails"

    table = drawn([entry])
    assert '<tr class="bad">' in table
    assert "✗ fails by 2.0e-05" in table
    assert "<details open" in table
    assert "<details open" not in drawn([dataclasses.replace(entry, verdict="holds")])
    assert "✗ fails by NaN" in drawn([dataclasses.replace(entry, error=float("nan"))])


def test_a_topic_that_raises_fails_alone_and_says_what_was_raised() -> None:
    def raises(device):
        raise RuntimeError("no such kernel\nsecond line")

    claim = Claim("x", "there", Verdict.HOLDS, "now", "true")
    checks, claims = sheet.run("cpu", [page_that(raises, lambda device: (claim,))])
    (entry,) = checks
    assert (entry.verdict, entry.reference) == ("fails", "RuntimeError: no such kernel")
    assert [row.verdict for row in claims] == ["holds"]


def test_every_run_computes_anew() -> None:
    runs = []

    def checks(device):
        runs.append(device)
        return (Check("s", "r", 0.0, 0.0, kind=Kind.INDEPENDENT),)

    page = page_that(checks, lambda device: ())
    for _ in range(2):
        list(sheet.run("cpu", [page]))
    assert runs == ["cpu", "cpu"]


def test_time_is_that_since_the_one_before() -> None:
    first = Check("a", "r", 0.0, 0.0, kind=Kind.INDEPENDENT)
    second = dataclasses.replace(first, statement="b", made_at=first.made_at + 0.25)
    page = page_that(lambda device: (second, first), lambda device: ())
    found = {entry.statement: entry.seconds for entry in next(sheet.run("cpu", [page]))}
    assert found["b"] == pytest.approx(0.25)


def test_the_downloads_hold_every_entry(entries: list[sheet.Entry]) -> None:
    lost = dataclasses.replace(entries[0], error=float("nan"), statement='with "quotes", commas')
    rows = [*entries, lost]
    book = json.loads(sheet.as_json(rows, "cpu"))
    assert book["device"] == "cpu"
    assert [row["statement"] for row in book["entries"]] == [row.statement for row in rows]
    assert book["entries"][-1]["error"] == "nan"
    read = list(csv.DictReader(io.StringIO(sheet.as_csv(rows))))
    assert [row["statement"] for row in read] == [row.statement for row in rows]
    assert float(read[0]["error"]) == entries[0].error


def test_the_summary_counts() -> None:
    good = sheet.Entry("c", "p", "check", "s", "r", "independent", 0.0, 0.0, "holds", "", 0.5)
    rows = [
        good,
        dataclasses.replace(good, verdict="fails"),
        dataclasses.replace(good, kind="claim"),
        dataclasses.replace(good, kind="claim", verdict="holds with a condition"),
    ]
    assert sheet.summary(rows) == (
        "1 of 2 checks hold; of 2 statements 1 holds, 1 holds with a condition. Computed in 2.0 s."
    )
    assert sheet.summary([good]) == "1 of 1 checks hold. Computed in 0.5 s."
    wrong = dataclasses.replace(good, kind="claim", verdict="wrong")
    assert sheet.counts([wrong, wrong]) == "Of 2 statements 2 are wrong."


def test_every_verdict_has_a_mark_and_a_colour() -> None:
    assert set(markup.MARKS) == {*map(str, Verdict), "fails"}
    assert markup.MARKS["fails"] == markup.MARKS["wrong"] == ("bad", "✗")
    assert len({mark for _, mark in markup.MARKS.values()}) == len(Verdict)


def test_a_page_is_folded_below_what_stands_and_leads_to_itself(
    entries: list[sheet.Entry],
) -> None:
    folded = drawn(entries)
    assert folded.count("<details style") == len(catalogue.PAGES)
    for page in catalogue.PAGES:
        own = [entry for entry in entries if entry.page == page.slug]
        assert f"<b>{page.title}</b>: {sheet.counts(own)}</summary>" in folded
        assert f'<a href="{page.slug}" target="_blank" ' in folded
        assert f">Open {page.title}</a>" in folded
    assert drawn(entries, unfolded=True).count("<details open") == len(catalogue.PAGES)


def test_a_time_too_short_to_write_is_not_nought() -> None:
    entry = sheet.Entry("c", "p", "check", "s", "r", "independent", 0.0, 0.0, "holds", "", 1e-6)
    assert "&lt;0.1 ms" in drawn([entry])
    assert "0.2 ms" in drawn([dataclasses.replace(entry, seconds=2e-4)])


def opened() -> AppTest:
    tester = AppTest.from_file(catalogue.ROOT / "ui" / "shell.py", default_timeout=PATIENCE_S)
    return tester.switch_page("../pages/home/proof.py").run()


def table(tester: AppTest) -> str:
    """What the page's tables hold."""
    return "".join(str(part.value) for part in tester.html if "<tbody>" in part.value)


def test_the_page_runs_everything_and_its_filters_leave_what_they_say() -> None:
    tester = opened()
    assert not tester.exception
    # There is nothing to filter yet.
    assert [group.key for group in tester.get("button_group")] == ["device"]
    tester.button(key="proof.run").click().run()
    assert not tester.exception
    whole = table(tester)
    assert whole.count("<tr>") > 100
    assert whole.count("<details") == len(catalogue.PAGES)
    tester.run()
    assert table(tester) == whole
    chapter = catalogue.CHAPTERS[-1]
    tester.get_by_key("proof.chapter").set_value(chapter).run()
    rows = table(tester)
    for page in catalogue.PAGES:
        assert (f">{page.title}</b>" in rows) == (page.chapter == chapter)
    tester.get_by_key("proof.verdict").set_value("fails").run()
    assert table(tester) == ""
    assert f"{chapter}: No check fails." in [part.value for part in tester.markdown]
