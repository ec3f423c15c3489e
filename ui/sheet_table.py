"""Draw the proof sheet: for each page what stands, and folded below it the checks and claims."""

import math
import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

import streamlit as st

from ui import catalogue, sheet

MARKS = {
    "holds": ("good", "✓"),
    "holds with a condition": ("partly", "◐"),
    "wrong": ("bad", "✗"),
    "obsolete": ("old", "◇"),
    sheet.FAILS: ("bad", "✗"),
}
"""Class and mark of each verdict, as pages have them."""

_CHECKS = ("Statement", "Compared with", "Largest error", "Tolerance", "Verdict")
_CLAIMS = ("The notes say", "Verdict", "torch, just now", "What is true")
_TITLES = {page.slug: page.title for page in catalogue.PAGES}
# A long dotted name may break after a dot.
_WITHIN = re.compile(r"(?<=[a-z0-9])\.(?=[a-z_])")
_LINE = "1px solid color-mix(in srgb, currentColor 25%, transparent)"


def draw(rows: Sequence[sheet.Entry], *, unfolded: bool) -> None:
    """Draw entries page by page, as one element.

    Args:
        rows: The entries, those of a page together.
        unfolded: Whether every page is unfolded, not only one where something fails.
    """
    pages = groupby(rows, key=lambda row: row.page)
    st.html("".join(_page(slug, list(own), unfolded=unfolded) for slug, own in pages))


def _page(slug: str, rows: list[sheet.Entry], *, unfolded: bool) -> str:
    checks = [row for row in rows if row.kind == "check"]
    claims = [row for row in rows if row.kind == "claim"]
    fails = any(row.verdict == sheet.FAILS for row in rows)
    title = escape(_TITLES.get(slug, slug))
    body = _table(_CHECKS, "sheet", [_check(row) for row in checks]) if checks else ""
    body += _table(_CLAIMS, "claims", [_claim(row) for row in claims]) if claims else ""
    return (
        f'<details{" open" if unfolded or fails else ""} style="border-top:{_LINE}">'
        f'<summary style="cursor:pointer;padding:0.5rem 0"><b>{title}</b>: '
        f"{escape(sheet.counts(rows))}</summary>"
        # In a new tab: leaving this one would lose what was found.
        f'<p style="margin:0 0 0.5rem"><a href="{escape(slug)}" target="_blank" '
        f'style="color:inherit">Open {title}</a></p>{body}</details>'
    )


def _check(row: sheet.Entry) -> str:
    beyond = ""
    if row.verdict == sheet.FAILS and row.error is not None and row.tolerance is not None:
        beyond = f" by {_number(row.error - row.tolerance)}"
    cells = (
        _text(row.statement, row.remark),
        _WITHIN.sub(".<wbr>", escape(row.reference)),
        "–" if row.error is None else _number(row.error),
        "–" if row.tolerance is None else _number(row.tolerance),
        _verdict(row, beyond),
    )
    return _row(_CHECKS, cells, row)


def _claim(row: sheet.Entry) -> str:
    cells = (escape(row.statement), _verdict(row), escape(row.reference), escape(row.remark))
    return _row(_CLAIMS, cells, row)


def _verdict(row: sheet.Entry, beyond: str = "") -> str:
    milliseconds = 1e3 * row.seconds
    took = f"{milliseconds:.1f} ms" if milliseconds >= 0.1 else "<0.1 ms"
    return _text(f"{MARKS[row.verdict][1]} {row.verdict}{beyond}", took)


def _text(main: str, small: str) -> str:
    return escape(main) + (f"<small>{escape(small)}</small>" if small else "")


def _number(value: float) -> str:
    """Return two digits of a number, as short as they can be written: 0, 0.42, 1, 7.6e-06, NaN."""
    if math.isnan(value):
        return "NaN"
    return f"{value:.2g}" if value == 0 or 0.01 <= value < 100 else f"{value:.1e}"


def _row(names: Sequence[str], cells: Sequence[str], row: sheet.Entry) -> str:
    kind = MARKS[row.verdict][0]
    inner = "".join(
        f'<td data-label="{name}"'
        + (f' class="verdict {kind}"' if name == "Verdict" else "")
        + f">{cell}</td>"
        for name, cell in zip(names, cells, strict=True)
    )
    return f'<tr class="bad">{inner}</tr>' if row.verdict == sheet.FAILS else f"<tr>{inner}</tr>"


def _table(names: Sequence[str], kind: str, rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<table class="loupe-table {kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
