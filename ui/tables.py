"""Draw small tables and lines of code that stay readable on a phone, where they stack."""

import re
from collections.abc import Sequence
from html import escape

import streamlit as st

from explainers.evidence import Agreement, Check, Claim, Difference, Mistake, Verdict

_MARKS = {
    Verdict.HOLDS: ("good", "✓"),
    Verdict.CONDITION: ("partly", "◐"),
    Verdict.WRONG: ("bad", "✗"),
    Verdict.OBSOLETE: ("old", "◇"),
}

# A long dotted name may break after a dot.
_WITHIN = re.compile(r"(?<=[a-z0-9])\.(?=[a-z_])")

_KINDS = {
    "always equal": ("good", "✓"),
    "to rounding": ("good", "✓"),
    "in some cases": ("partly", "◐"),
    "never": ("old", "✗"),
}


def checks(rows: Sequence[Check]) -> None:
    """Draw checks: statement, reference, error beside tolerance, verdict."""
    body = "".join(
        _row(
            "good" if row.holds else "bad",
            (
                ("Statement", _text(row.statement, row.remark)),
                ("Compared with", _reference(row.reference)),
                ("Largest error", _number(row.error)),
                ("Tolerance", _number(row.tolerance)),
                ("Verdict", "✓ holds" if row.holds else "✗ fails"),
            ),
        )
        for row in rows
    )
    _table(("Statement", "Compared with", "Largest error", "Tolerance", "Verdict"), body)


def claims(rows: Sequence[Claim]) -> None:
    """Draw claims of the notes: what they say, verdict, what torch gave, what is true."""
    body = "".join(
        _row(
            _MARKS[row.verdict][0],
            (
                ("The notes say", _text(row.says, row.where)),
                ("Verdict", f"{_MARKS[row.verdict][1]} {row.verdict}"),
                ("torch gave", escape(row.measured)),
                ("What is true", escape(row.truth)),
            ),
        )
        for row in rows
    )
    _table(("The notes say", "Verdict", "torch gave", "What is true"), body, kind="claims")


def agreements(rows: Sequence[Agreement]) -> None:
    """Draw libraries compared: both names, the largest difference by case, and why."""
    cases = [difference.case for difference in rows[0].differences]
    names = ("torch", "Other library", *cases, "They agree", "Why")
    body = "".join(
        _row(
            _KINDS[row.verdict][0],
            (
                ("torch", _name(row.ours)),
                ("Other library", _name(row.theirs)),
                *((d.case, _difference(d)) for d in row.differences),
                ("They agree", f"{_KINDS[row.verdict][1]} {row.verdict}"),
                ("Why", escape(row.why)),
            ),
        )
        for row in rows
    )
    _table(names, body)


def _name(name: str) -> str:
    """Let a long name break after its underscores, and nowhere else."""
    return escape(name).replace("_", "_<wbr>")


def _reference(words: str) -> str:
    return _WITHIN.sub(".<wbr>", escape(words))


def _number(value: float) -> str:
    """Return two digits of a number, as short as they can be written: 0, 0.42, 1, 7.6e-06."""
    return f"{value:.2g}" if value == 0 or 0.01 <= value < 100 else f"{value:.1e}"


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


def _text(main: str, small: str) -> str:
    return escape(main) + (f"<small>{escape(small)}</small>" if small else "")


def _row(kind: str, cells: Sequence[tuple[str, str]], *, red: bool = False) -> str:
    inner = "".join(
        f'<td data-label="{escape(label)}"'
        + (f' class="verdict {kind}"' if label in ("Verdict", "They agree") else "")
        + f">{value}</td>"
        for label, value in cells
    )
    return f'<tr class="bad">{inner}</tr>' if red else f"<tr>{inner}</tr>"


def _table(names: Sequence[str], body: str, *, kind: str = "") -> None:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    st.html(
        f'<table class="loupe-table {kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
