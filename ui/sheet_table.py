"""Draw the proof sheet: for each page what stands, and folded below it the checks and claims."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

import streamlit as st

from ui import catalogue, rows, sheet

_TITLES = {page.slug: page.title for page in catalogue.PAGES}
_LINE = "1px solid color-mix(in srgb, currentColor 25%, transparent)"


def draw(entries: Sequence[sheet.Entry], *, unfolded: bool) -> None:
    """Draw entries page by page, as one element.

    Args:
        entries: Those of a page together.
        unfolded: Whether every page is unfolded, not only one where something fails.
    """
    pages = groupby(entries, key=lambda row: row.page)
    st.html("".join(_page(slug, list(own), unfolded=unfolded) for slug, own in pages))


def _page(slug: str, entries: list[sheet.Entry], *, unfolded: bool) -> str:
    checks = [_check(row) for row in entries if row.kind == "check"]
    claims = [_claim(row) for row in entries if row.kind == "claim"]
    fails = any(row.verdict == sheet.FAILS for row in entries)
    title = escape(_TITLES.get(slug, slug))
    body = rows.table(rows.CHECKS, checks, kind="sheet") if checks else ""
    body += rows.table(rows.CLAIMS, claims, kind="claims") if claims else ""
    return (
        f'<details{" open" if unfolded or fails else ""} style="border-top:{_LINE}">'
        f'<summary style="cursor:pointer;padding:0.5rem 0"><b>{title}</b>: '
        f"{escape(sheet.counts(entries))}</summary>"
        # In a new tab: leaving this one would lose what was found.
        f'<p style="margin:0 0 0.5rem"><a href="{escape(slug)}" target="_blank" '
        f'style="color:inherit">Open {title}</a></p>{body}</details>'
    )


def _check(row: sheet.Entry) -> str:
    fails = row.verdict == sheet.FAILS
    beyond = ""
    if fails and row.error is not None and row.tolerance is not None:
        beyond = f" by {rows.number(row.error - row.tolerance)}"
    cells = (
        rows.text(row.statement, row.remark),
        rows.reference(row.reference, row.shared),
        "–" if row.error is None else rows.number(row.error),
        "–" if row.tolerance is None else rows.number(row.tolerance),
        _verdict(row, beyond),
    )
    return rows.row(rows.MARKS[row.verdict][0], rows.CHECKS, cells, red=fails)


def _claim(row: sheet.Entry) -> str:
    cells = (escape(row.statement), _verdict(row), escape(row.reference), escape(row.remark))
    return rows.row(rows.MARKS[row.verdict][0], rows.CLAIMS, cells)


def _verdict(row: sheet.Entry, beyond: str = "") -> str:
    milliseconds = 1e3 * row.seconds
    took = f"{milliseconds:.1f} ms" if milliseconds >= 0.1 else "<0.1 ms"
    return rows.text(f"{rows.verdict(row.verdict)}{beyond}", took)
