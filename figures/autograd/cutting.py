"""Draw what `explainers.autograd.cutting` computes beside its stage."""

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style

if TYPE_CHECKING:
    from explainers.autograd.cutting.masked import Half, Masked
    from explainers.autograd.cutting.writes import Write, Writes

_WRITTEN = {"out": "Written: out, the result", "h": "Written: h, the operation's input"}
_SAID = {"raises": "! raises", "right": "✓ right", "wrong": "✗ wrong"}
_LONG = {"raises": "refused", "right": "right", "wrong": "silently wrong"}
_UNSEEN = ("data", "numpy()")


def writes(found: "Writes") -> str:
    """Draw what came of every write, and mark the one on the stage."""
    tables = "".join(_table(found, target, title) for target, title in _WRITTEN.items())
    words = sentence(found)
    return style.drawing(
        tables,
        kind="writes",
        alt=f"Two tables: what backward comes to, by operation and by way of the write. {words}",
        names=("write", "out", "saves", "backward", "a.grad", "the true gradient", "version"),
        rows=[
            (
                f"{each.target}, {each.way}",
                each.operation,
                found.saves[each.operation] or "neither",
                _LONG[each.verdict],
                _vector(each.gradient) or each.said.split(":")[0].split(". ")[0],
                _vector(each.true),
                str(each.version),
            )
            for each in found.each
        ],
        words=words,
    )


def sentence(found: "Writes") -> str:
    """Return how many writes are refused, right and wrong, and which the marked one is."""
    counts = {said: sum(each.verdict == said for each in found.each) for said in _SAID}
    marked = found.marked
    said = (
        f"Of {len(found.each)} writes of {found.written}, {counts['raises']} are refused, "
        f"{counts['right']} leave a right gradient and {counts['wrong']} a wrong one without a "
        "word"
    )
    wrong = [each for each in found.each if each.verdict == "wrong"]
    if wrong and all(
        each.way in _UNSEEN and each.target == found.saves[each.operation] for each in wrong
    ):
        said += ": these went by data or NumPy into what the operation had saved"
    lucky = sum(
        each.verdict == "right"
        and each.way in _UNSEEN
        and each.target == found.saves[each.operation]
        for each in found.each
    )
    if lucky:
        said += f"; by the same way {lucky} are right by chance"
    return f"{said}. Marked: {marked.operation}, {_way(marked)}: {_LONG[marked.verdict]}."


def _way(write: "Write") -> str:
    how = {
        "itself": "written itself",
        "no_grad": "written under no_grad",
        "numpy()": "written through NumPy",
        "clone()": "and its clone written",
    }.get(write.way, f"written through {write.way}")
    return f"{write.target} {how}"


def _table(found: "Writes", target: str, title: str) -> str:
    each = [write for write in found.each if write.target == target]
    ways = list(dict.fromkeys(write.way for write in each))
    head = "".join(f"<th><code>{escape(way)}</code></th>" for way in ways)
    body = ""
    for operation, saves in found.saves.items():
        cells = "".join(
            _cell(write, write is found.marked) for write in each if write.operation == operation
        )
        kept = f"saves {saves}" if saves else "saves neither"
        needed = ' class="needed"' if saves == target else ""
        body += (
            f"<tr{needed}><th><code>{escape(operation)}</code> <small>{kept}</small></th>"
            f"{cells}</tr>"
        )
    return (
        f"<section><p>{escape(title)}</p><table><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></section>"
    )


def _cell(write: "Write", marked: bool) -> str:
    kind = f"{write.verdict} marked" if marked else write.verdict
    sign, word = _SAID[write.verdict].split()
    return f'<td class="{kind}"><b>{sign}</b> <span>{word}</span></td>'


def _vector(values: tuple[float, ...] | None) -> str:
    return "" if values is None else f"[{', '.join(f'{value:.4g}' for value in values)}]"


def masked(found: "Masked") -> str:
    """Draw an assignment and the mask's arithmetic beside each other."""
    halves = (found.assigned, found.arithmetic)
    over = ", ".join(str(at) for at, value in enumerate(found.mask) if value)
    words = beside(found)
    return style.drawing(
        _half(found.assigned, found.mask, mask_row=False)
        + _half(found.arithmetic, found.mask, mask_row=True),
        kind="halves",
        alt=f"y and x.grad, cell by cell, made two ways; written over: {over}. {words}",
        names=("cell", "mask", *(f"{name}, {half.line}" for half in halves for name in _ROWS)),
        rows=[
            (
                str(at),
                f"{value:g}",
                *(f"{row[at]:.4g}" for half in halves for row in (half.values, half.gradient)),
            )
            for at, value in enumerate(found.mask)
        ],
        words=words,
    )


_ROWS = ("y", "x.grad")


def beside(found: "Masked") -> str:
    """Return whether both ways come to the same, and where the gradient of the cells went."""
    halves = (found.assigned, found.arithmetic)
    same = halves[0].values == halves[1].values and halves[0].gradient == halves[1].gradient
    said = (
        "Both ways y and x.grad are the same"
        if same and halves[0].into == halves[1].into
        else "The two ways differ"
    )
    count = sum(map(bool, found.mask))
    cells = "cell" if count == 1 else "cells"
    into = found.assigned.into
    if into is None:
        return f"{said}: 0 in the {cells} written over, whose gradient is nobody's."
    return f"{said}: 0 in the {cells} written over, whose gradient, {into:.4g}, is v's."


def _half(half: "Half", mask: tuple[float, ...], *, mask_row: bool) -> str:
    rows = [("mask", mask)] if mask_row else []
    rows += [("y", half.values), ("x.grad", half.gradient)]
    body = ""
    for name, values in rows:
        cells = "".join(
            f'<td class="over">{value:.4g}</td>' if over else f"<td>{value:.4g}</td>"
            for value, over in zip(values, mask, strict=True)
        )
        body += f"<tr><th><code>{name}</code></th>{cells}</tr>"
    into = "None" if half.into is None else f"{half.into:.4g}"
    return (
        f"<section><p><code>{escape(half.line)}</code></p><table><tbody>{body}</tbody></table>"
        f"<p><code>v.grad</code> {into}</p></section>"
    )


FIGURES: Mapping[str, Callable[[Any], str]] = {"alias": writes, "slices": masked}
