"""Make tables of checks and claims as markup; on a phone their cells stack."""

import math
import re
from collections.abc import Sequence
from html import escape

from explainers.evidence import Verdict
from ui.sheet import FAILS

MARKS = {
    str(Verdict.HOLDS): ("good", "✓"),
    str(Verdict.CONDITION): ("partly", "◐"),
    str(Verdict.WRONG): ("bad", "✗"),
    str(Verdict.OBSOLETE): ("old", "◇"),
    FAILS: ("bad", "✗"),
}
"""Class and mark of each verdict."""

CHECKS = ("Statement", "Compared with", "Largest error", "Tolerance", "Verdict")
CLAIMS = ("The notes say", "Verdict", "torch gave", "What is true")

# A long dotted name may break after a dot.
_WITHIN = re.compile(r"(?<=[a-z0-9])\.(?=[a-z_])")


def text(main: str, small: str) -> str:
    """Return words with smaller ones below."""
    return escape(main) + (f"<small>{escape(small)}</small>" if small else "")


def reference(words: str, kind: str) -> str:
    """Return what torch is compared with, and how independent of torch that is, in smaller words.

    Its dotted names may break after a dot.
    """
    return _WITHIN.sub(".<wbr>", escape(words)) + (f"<small>{escape(kind)}</small>" if kind else "")


def number(value: float) -> str:
    """Return two digits of a number, as short as they can be written: 0, 0.42, 1, 7.6e-06, NaN."""
    if math.isnan(value):
        return "NaN"
    return f"{value:.2g}" if value == 0 or 0.01 <= value < 100 else f"{value:.1e}"


def verdict(said: str) -> str:
    """Return a verdict with its mark."""
    return f"{MARKS[said][1]} {said}"


def row(
    kind: str,
    names: Sequence[str],
    cells: Sequence[str],
    *,
    marked: str = "Verdict",
    red: bool = False,
) -> str:
    """Return a row.

    Args:
        kind: Class of its verdict.
        names: Of the columns.
        cells: Their markup.
        marked: Column of the verdict.
        red: Whether the whole row is red.
    """
    inner = "".join(
        f'<td data-label="{escape(name)}"'
        + (f' class="verdict {kind}"' if name == marked else "")
        + f">{cell}</td>"
        for name, cell in zip(names, cells, strict=True)
    )
    return f'<tr class="bad">{inner}</tr>' if red else f"<tr>{inner}</tr>"


def table(names: Sequence[str], rows: Sequence[str], *, kind: str = "") -> str:
    """Return a table of rows, under the names of its columns."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return (
        f'<table class="loupe-table {kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
