"""Run every check and every claim of every page, now, and write down what was found."""

import csv
import io
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import torch

from explainers.evidence import Check, Claim, Verdict
from ui import catalogue

FAILS = "fails"
HOLDS = "holds"


_STAND = {
    HOLDS: ("holds", "hold"),
    str(Verdict.CONDITION): ("holds with a condition", "hold with a condition"),
    str(Verdict.WRONG): ("is wrong", "are wrong"),
    str(Verdict.OBSOLETE): ("is obsolete", "are obsolete"),
    FAILS: ("fails", "fail"),
}
"""What one or several claims of a verdict do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one line of the proof sheet.

    Attributes:
        chapter: Title of the chapter.
        page: Slug of the page.
        kind: ``"check"``: torch against a reference, or ``"claim"``: what the notes say.
        statement: What is stated.
        reference: What torch was compared with; for a claim, what torch gave.
        shared: How independent of torch the reference is; "" for a claim.
        error: Largest difference found; None for a claim.
        tolerance: Largest difference that still counts as agreement; None for a claim.
        verdict: ``"holds"``, ``"fails"``, or a claim's verdict.
        remark: Why they differ; for a claim, the statement that is true.
        seconds: What it took, with what it was the first to need.
    """

    chapter: str
    page: str
    kind: str
    statement: str
    reference: str
    shared: str
    error: float | None
    tolerance: float | None
    verdict: str
    remark: str
    seconds: float


def run(device: str, pages: Sequence[catalogue.Page] = catalogue.PAGES) -> Iterator[list[Entry]]:
    """Run the proofs page by page, remembering nothing: first a page's checks, then its claims.

    A topic that raises gives one entry that fails and says what was raised; the others still run.

    Args:
        device: Where torch computes.
        pages: What to run.

    Yields:
        The entries of one page's checks, or of its claims.
    """
    for page in pages:
        for kind in ("check", "claim"):
            yield _entries(page, kind, getattr(page.topic, f"{kind}s"), device)


def _entries(
    page: catalogue.Page, kind: str, prove: Callable[..., tuple[Check | Claim, ...]], device: str
) -> list[Entry]:
    before = time.perf_counter()
    try:
        found = prove(device=device)
    except Exception as error:  # whatever a device or a new torch may raise is a finding
        return [
            Entry(
                page.chapter,
                page.slug,
                kind,
                f"This page's {kind}s run",
                f"{type(error).__name__}: {error}".splitlines()[0],
                "",
                None,
                None,
                FAILS,
                "",
                time.perf_counter() - before,
            )
        ]
    spent = {}
    for row in sorted(found, key=lambda row: row.made_at):
        spent[id(row)] = max(row.made_at - before, 0.0)
        before = row.made_at
    return [_entry(page, row, spent[id(row)]) for row in found]


def _entry(page: catalogue.Page, row: Check | Claim, seconds: float) -> Entry:
    if isinstance(row, Check):
        return Entry(
            chapter=page.chapter,
            page=page.slug,
            kind="check",
            statement=row.statement,
            reference=row.reference,
            shared=str(row.kind),
            error=row.error,
            tolerance=row.tolerance,
            verdict=HOLDS if row.holds else FAILS,
            remark=row.remark,
            seconds=seconds,
        )
    return Entry(
        chapter=page.chapter,
        page=page.slug,
        kind="claim",
        statement=row.says,
        reference=row.measured,
        shared="",
        error=None,
        tolerance=None,
        verdict=str(row.verdict),
        remark=row.truth,
        seconds=seconds,
    )


def torch_version() -> str:
    """Return the version of the torch that runs now."""
    return torch.__version__


def summary(entries: Sequence[Entry]) -> str:
    """Return how many checks hold, how the claims stand, and what it took, in two sentences."""
    return f"{counts(entries)} Computed in {sum(entry.seconds for entry in entries):.1f} s."


def standing(verdicts: Sequence[str]) -> str:
    """Return how many claims have which verdict: "3 hold, 1 is wrong"."""
    return ", ".join(
        f"{number} {many if number > 1 else one}"
        for verdict, (one, many) in _STAND.items()
        if (number := verdicts.count(verdict))
    )


def counts(entries: Sequence[Entry]) -> str:
    """Return how many checks hold, and how many claims have which verdict, in one sentence."""
    checks = [entry.verdict for entry in entries if entry.kind == "check"]
    claims = [entry.verdict for entry in entries if entry.kind == "claim"]
    parts = [f"{checks.count(HOLDS)} of {len(checks)} checks hold"] if checks else []
    if claims:
        parts.append(f"of {len(claims)} statements {standing(claims)}")
    words = "; ".join(parts)
    return f"{words[:1].upper()}{words[1:]}."


def as_json(entries: Sequence[Entry], device: str) -> str:
    """Return the sheet as JSON, with the torch, the device and the machine it was run on.

    A number that JSON lacks, NaN or an infinity, is written as text.
    """

    def plain(value: object) -> object:
        if isinstance(value, float) and not abs(value) < float("inf"):
            return str(value)
        return value

    return json.dumps(
        {
            "torch": torch.__version__,
            "device": device,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "entries": [
                {name: plain(value) for name, value in asdict(entry).items()} for entry in entries
            ],
        },
        ensure_ascii=False,
        indent=1,
        allow_nan=False,
    )


def as_csv(entries: Sequence[Entry]) -> str:
    """Return the sheet as CSV, one line for each entry."""
    file = io.StringIO()
    writer = csv.DictWriter(file, Entry.__dataclass_fields__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return file.getvalue()
