"""Draw small tables and lines of code that stay readable on a phone, where they stack."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from explainers.evidence import Agreement, Check, Claim, Difference, Mistake, Verdict
from ui import rows
from ui.sheet import FAILS

_KINDS = {
    "always equal": ("good", "✓"),
    "to rounding": ("good", "✓"),
    "in some cases": ("partly", "◐"),
    "never": ("old", "✗"),
}


def checks(entries: Sequence[Check]) -> None:
    """Draw checks: statement, reference, error beside tolerance, verdict."""
    drawn = []
    for entry in entries:
        said = str(Verdict.HOLDS) if entry.holds else FAILS
        cells = (
            rows.text(entry.statement, entry.remark),
            rows.reference(entry.reference, entry.kind),
            rows.number(entry.error),
            rows.number(entry.tolerance),
            rows.verdict(said),
        )
        drawn.append(rows.row(rows.MARKS[said][0], rows.CHECKS, cells))
    st.html(rows.table(rows.CHECKS, drawn))


def claims(entries: Sequence[Claim]) -> None:
    """Draw claims of the notes: what they say, verdict, what torch gave, what is true."""
    drawn = []
    for entry in entries:
        cells = (
            rows.text(entry.says, entry.where),
            rows.verdict(entry.verdict),
            escape(entry.measured),
            escape(entry.truth),
        )
        drawn.append(rows.row(rows.MARKS[entry.verdict][0], rows.CLAIMS, cells))
    st.html(rows.table(rows.CLAIMS, drawn, kind="claims"))


def agreements(entries: Sequence[Agreement]) -> None:
    """Draw libraries compared: both names, the largest difference by case, and why."""
    cases = [difference.case for difference in entries[0].differences]
    names = ("torch", "Other library", *cases, "They agree", "Why")
    drawn = []
    for entry in entries:
        kind, mark = _KINDS[entry.verdict]
        cells = (
            _name(entry.ours),
            _name(entry.theirs),
            *(_difference(difference) for difference in entry.differences),
            f"{mark} {entry.verdict}",
            escape(entry.why),
        )
        drawn.append(rows.row(kind, names, cells, marked="They agree"))
    st.html(rows.table(names, drawn))


def _name(name: str) -> str:
    """Let a long name break after its underscores, and nowhere else."""
    return escape(name).replace("_", "_<wbr>")


def _difference(difference: Difference) -> str:
    if difference.verdict == "equal":
        return "equal"
    number = f"{difference.error:.1e}" if difference.error < 0.01 else f"{difference.error:.3g}"
    return f"<b>{number}</b>" if difference.verdict == "differs" else number


def lines(mistake: Mistake, *, wrong: bool) -> None:
    """Draw the wrong line of code beside the right one, and mark the one that runs.

    `st.code` would load Streamlit's highlighter, 1.5 MB, into the first view of every page.
    """
    columns = "".join(
        f"<div><p>{label}{' (runs now)' if runs else ''}</p><pre>{_code(code)}</pre></div>"
        for label, code, runs in (
            ("✗ <b>wrong</b>", mistake.wrong, wrong),
            ("✓ <b>right</b>", mistake.right, not wrong),
        )
    )
    st.html(f'<div class="loupe-lines">{columns}</div>')


def _code(code: str) -> str:
    """Return code as markup: a line that a narrow screen breaks goes on indented."""
    return "".join(f"<span>{escape(line)}</span>" for line in code.split("\n"))
