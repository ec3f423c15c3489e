"""Draw what `explainers.layers.pooling` computes: links, windows along an axis, curves, regions."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from figures import style
from figures.curves import Curves, Line
from figures.linked import Linked

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.layers.pooling.morphing import Morphed
    from explainers.layers.pooling.regions import Draw, Drawn
    from explainers.layers.pooling.windows import Pooled, Span


def sliding(found: "Pooled") -> tuple[Linked | str, ...]:
    """Draw the numbers, linked, and the windows along the columns."""
    sums = found.linkage.weights.sum(dim=-1)
    rows, columns = (int(side) for side in sums.shape)
    # Where padding counts, the output that it costs most; otherwise one in the middle.
    even = float(sums.max() - sums.min()) < 1e-6
    start = (rows // 2, columns // 2) if even else divmod(int(sums.argmin()), columns)
    numbers = linked(found, editable=True, minimum=-9, start=start)
    return numbers, windows(found, "Columns that a window reads")


def power(found: "Morphed") -> tuple[Linked | Curves, ...]:
    """Draw the numbers, linked, and each window's output over p."""
    return linked(found.at, editable=True, start=(0, 0)), curves(found)


def fractional(found: "Drawn") -> tuple[str | Linked, ...]:
    """Draw the regions of both calls over the picture, and the first call's numbers, linked."""
    return regions(found), linked(found.at)


def adaptive(found: "Pooled") -> tuple[Linked | str, ...]:
    """Draw the row, linked, and its windows."""
    return linked(found), windows(found, "Cells that a window reads")


def linked(
    found: "Pooled",
    *,
    editable: bool = False,
    minimum: float = 0,
    start: tuple[int, int] | None = None,
) -> Linked:
    """Return a picture and what was made of it, as numbers."""
    shapes = [f"{rows} by {columns}" for rows, columns in (found.source.shape, found.output.shape)]
    counts = (found.linkage.indices >= 0).sum(dim=-1)
    least, most = int(counts.min()), int(counts.max())
    made = f"{most}" if least == most else f"{least} to {most}"
    return Linked(
        found.source,
        found.output,
        found.linkage,
        alt=f"x, {shapes[0]}, and y, {shapes[1]}, by {found.noun}: an output is made of {made} "
        f"{'cell' if made == '1' else 'cells'}. {weights(found)}",
        source_title="x (edit a number)" if editable else "x",
        output_title="y",
        in_name="x",
        out_name="y",
        start=start,
        numbers=True,
        editable=editable,
        minimum=minimum,
        maximum=9 if editable else 63,
    )


def windows(found: "Pooled", title: str) -> str:
    """Draw each window along the columns as a bar below the cells that it reads."""
    size = int(found.source.shape[1])
    counts = _counts(found.columns, size)
    head = "".join(
        f'<b class="{"none" if count == 0 else "many" if count > 1 else "one"}">{cell}</b>'
        for cell, count in enumerate(counts)
    )
    bars = "".join(
        f'<code>y {index}</code><i style="grid-column:{first + 2}/{last + 3}"></i>'
        for index, (first, last) in enumerate(found.columns)
    )
    words = f"{sentence(found.columns, size)} {weights(found)}"
    return style.drawing(
        f'<p>{escape(title)}</p><div style="--cells:{size}"><code>x</code>{head}{bars}</div>',
        kind="spans",
        alt=f"{len(found.columns)} windows along {size} columns: "
        + ", ".join(_span(span) for span in found.columns)
        + f". {words}",
        names=("window", "first column", "last column", "columns"),
        rows=[
            (f"y {index}", str(first), str(last), str(last - first + 1))
            for index, (first, last) in enumerate(found.columns)
        ],
        words=words,
    )


def weights(found: "Pooled") -> str:
    """Return what the weights of an output add up to."""
    sums = found.linkage.weights.sum(dim=-1)
    low, high = (f"{float(end):.3g}" for end in (sums.min(), sums.max()))
    return f"The weights of an output add up to {low if low == high else f'{low} to {high}'}."


def sentence(spans: Sequence["Span"], size: int, *, window: str = "window") -> str:
    """Return which columns no window reads, and which several do."""
    counts = _counts(spans, size)
    unread = [index for index, count in enumerate(counts) if count == 0]
    shared = [index for index, count in enumerate(counts) if count > 1]
    said = []
    if shared:
        said.append(f"Several {window}s read {_listed(shared)}.")
    if unread:
        said.append(f"No {window} reads {_listed(unread)}.")
    return " ".join(said) or f"Every column is read by one {window}."


def _counts(spans: Sequence["Span"], size: int) -> list[int]:
    return [sum(first <= index <= last for first, last in spans) for index in range(size)]


def _listed(indices: Sequence[int]) -> str:
    *most, last = map(str, indices)
    return f"columns {', '.join(most)} and {last}" if most else f"column {last}"


def _span(span: "Span") -> str:
    first, last = span
    return f"{first}" if first == last else f"{first} to {last}"


def curves(found: "Morphed") -> Curves:
    """Draw y over the largest cell of its window, for each window, over p."""
    here = [
        float(value) / float(largest)
        for value, largest in zip(found.at.output.reshape(-1), _largest(found), strict=True)
        if float(largest)
    ]
    said = ", ".join(f"{value:.4g}" for value in here) or "nothing, for all is 0"
    sums = ", ".join(f"{value:.4g}" for value in found.sums.tolist() if math.isfinite(value))
    return Curves(
        lines=tuple(
            Line(f"y[{index // 2},{index % 2}]", row, found.powers)
            for index, row in enumerate(found.shares)
        ),
        title="y over the largest cell of its window: from the sum to the maximum",
        x_title="p",
        y_title="y / largest cell",
        alt=f"At p = {found.p:g} y is, in largest cells of its window, {said}; at p = 1 "
        f"{sums or 'nothing'}.",
        references=((1.0, "the maximum"),),
        height=240,
        look=found.p,
    )


def _largest(found: "Morphed") -> list[float]:
    source = found.at.source
    return [
        float(source[row : row + 2, column : column + 2].max())
        for row in range(0, source.shape[0], 2)
        for column in range(0, source.shape[1], 2)
    ]


def regions(found: "Drawn") -> str:
    """Draw the regions of both calls over the picture, and a dot on what each handed on."""
    source = found.at.source
    size = int(source.shape[0])
    # Paler, so that what lies over it shows.
    veil = f'<rect x="-0.5" y="-0.5" width="{size}" height="{size}" fill="#fff" opacity="0.6"/>'
    entries = [
        style.Panel(
            f"{name}: rows {_starts(draw.rows)}; columns {_starts(draw.columns)}",
            source / source.max(),
            marks=(veil, *_regions(draw), *_largest_of(source, draw)),
        )
        for name, draw in (("First", found.first), ("Second", found.second))
    ]
    outcome = "the same result" if found.same else "another result"
    lost = sentence(found.first.columns, size, window="region")
    words = (
        f"Two calls in eval mode, and {outcome}: dots are what regions handed on. First call: "
        f"{lost[0].lower()}{lost[1:]}"
    )
    alt = " ".join(
        f"{name} call: regions begin at rows {_starts(draw.rows)} and columns "
        f"{_starts(draw.columns)}."
        for name, draw in (("First", found.first), ("Second", found.second))
    )
    return style.panels(entries, alt=f"{alt} {words}", tallest=260, words=words)


def _starts(spans: Sequence["Span"]) -> str:
    return ", ".join(str(first) for first, _ in spans)


def _largest_of(source: "Tensor", draw: "Draw") -> tuple[str, ...]:
    """Return a dot on every cell that a region handed on: no number stands in the picture twice."""
    columns = int(source.shape[1])
    places = {float(value): place for place, value in enumerate(source.reshape(-1))}
    taken = sorted({places[float(value)] for value in draw.output.reshape(-1)})
    return tuple(
        f'<circle cx="{place % columns}" cy="{place // columns}" r="0.17"/>' for place in taken
    )


def _regions(draw: "Draw") -> tuple[str, ...]:
    inset = 0.08
    return tuple(
        f'<rect x="{left - 0.5 + inset:.2f}" y="{top - 0.5 + inset:.2f}" '
        f'width="{right - left + 1 - 2 * inset:.2f}" height="{bottom - top + 1 - 2 * inset:.2f}" '
        f'fill="{style.ORANGE}" fill-opacity="0.3" stroke="{style.VERMILION}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/>'
        for top, bottom in draw.rows
        for left, right in draw.columns
    )


FIGURES: Mapping[str, Callable[[Any], tuple[Any, ...]]] = {
    "window": sliding,
    "lp": power,
    "fractional": fractional,
    "adaptive": adaptive,
}
