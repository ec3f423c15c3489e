"""Draw what `explainers.layers.transposed` computes above its stage."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from figures import style
from figures.linked import Linked

if TYPE_CHECKING:
    from torch import Tensor

    from explainers.layers.transposed.covering import Cover, Stamps
    from explainers.layers.transposed.cropping import Crop
    from explainers.layers.transposed.listing import Lists
    from explainers.layers.transposed.matrices import Matrices

_LEAST, _MOST = -9.0, 9.0


def stamps(found: "Stamps") -> tuple[Linked | str, ...]:
    """Draw pixels and what their stamps add up to, and flat pictures under other kernels."""
    high, wide = found.y.shape
    linked = Linked(
        source=found.x,
        output=found.y,
        linkage=found.linkage,
        alt=f"3 × 3 pixels and the {high} × {wide} sums of their stamps: kernel "
        f"{found.kernel_size} ({found.kernel}), stride {found.stride}, dilation {found.dilation}. "
        f"Row by row: {_rows(found.y)}.",
        source_title="x (edit a number)",
        output_title="y: the stamps added up",
        in_name="x",
        out_name="y",
        numbers=True,
        editable=True,
        minimum=_LEAST,
        maximum=_MOST,
    )
    return linked, covers(found)


def covers(found: "Stamps") -> str:
    """Draw a flat picture of ones under kernels of six sizes, at the same stride and dilation."""
    said = flatness(found)
    return style.panels(
        [
            style.Panel(f"kernel {each.kernel_size}: {_range(each)}", _shade(each.sums))
            for each in found.covers
        ],
        alt=f"A flat picture of ones under kernels of six sizes. {said}",
        tallest=130,
        narrowest=100,
        words=said,
    )


def flatness(found: "Stamps") -> str:
    """Return whether the program's kernel leaves a flat picture even, and which others do."""
    (own,) = (each for each in found.covers if each.kernel_size == found.kernel_size)
    even = [str(each.kernel_size) for each in found.covers if each.even and each is not own]
    least, most = float(own.inside.min()), float(own.inside.max())
    kept = (
        f"leaves it even inside, {most:.3g}."
        if own.even
        else f"makes it uneven inside, {least:.3g} to {most:.3g}."
    )
    also = "Even too" if own.even and even else "Even"
    others = f"kernel {_list(even)}" if even else "none of the others"
    return (
        f"A flat picture at stride {found.stride}, dilation {found.dilation}: kernel "
        f"{own.kernel_size} {kept} {also} with {others}."
    )


def crop(found: "Crop") -> str:
    """Draw all stamps with the frame that is left, the sizes to choose from, and two formulas."""
    same = [str(size) for size, shrinks in found.ladder if shrinks == 3]
    right, docs, count = (
        sum(getattr(each, name) for each in found.cases) for name in ("notes", "docs", "count")
    )
    said = cut(found)
    size = "2 · {stride} - 2 · {padding} + ({kernel_size} - 1) + {output_padding} + 1".format(
        **{name: getattr(found, name) for name in _SETTINGS}
    )
    inner = (
        f"<section><p><b>All stamps, and y in its frame</b></p>{_grid(found.whole, _frame(found))}"
        f"</section><section><p><b>Size</b> <code>{size} = {found.formula}</code></p>"
        f"<p><b>Sizes</b> that Conv2d maps to 3: {_list(same)}</p>{_ladder(found)}"
        f"<p><b>The notes' formula</b>, <code>… + padding + 1</code>, is right at</p>"
        f"{_cases(found)}</section>"
    )
    return style.drawing(
        inner,
        kind="crop",
        alt=f"{said} Conv2d with these settings makes 3 of {_list(same)}. Over {count} settings "
        f"the notes' formula is right at {right}, that of torch's documentation at {docs}.",
        names=("padding, output_padding", "settings", "notes right", "documentation right"),
        rows=[
            (
                f"{each.padding}, {each.output_padding}",
                str(each.count),
                str(each.notes),
                str(each.docs),
            )
            for each in found.cases
        ],
        words=said,
    )


_SETTINGS = ("kernel_size", "stride", "padding", "output_padding")


def cut(found: "Crop") -> str:
    """Return what is cut off all stamps and what is left, or why torch refuses, in a sentence."""
    if not found.size:
        return f"torch refuses: {found.said.partition(', but got')[0].rstrip('.')}."
    side = 2 * found.stride + found.kernel_size
    return (
        f"All stamps take {side} × {side}. padding={found.padding} cuts {found.padding} off each "
        f"side, output_padding={found.output_padding} leaves {found.output_padding} more at the "
        f"bottom and at the right: {found.size} × {found.size}."
    )


def _frame(found: "Crop") -> tuple[int, int] | None:
    return (found.padding, found.size) if found.size else None


def matrices(found: "Matrices") -> tuple[Linked | str, ...]:
    """Draw both ways as matrices, and the picture before and after."""
    off = f"{found.off:.3g}"
    high, wide = found.y.shape
    linked = Linked(
        source=found.x,
        output=found.again,
        linkage=found.linkage,
        alt=f"An L of 6 × 6 pixels, and what is left of it after conv2d to {high} × {wide} and "
        f"conv_transpose2d back: off by {off} times x's norm.",
        source_title="x",
        output_title="again: down and up",
        in_name="x",
        out_name="again",
        empty_text="no window reads it",
        size=260,
        shared_range=False,
    )
    said = "Up is down with rows and columns exchanged. " + (
        f"One after the other is no identity: again is off by {off} times x's norm."
        if found.off > 1e-5
        else "Here one after the other gives x back."
    )
    ways = (
        ("conv2d", found.down),
        ("conv_transpose2d", found.up),
        ("one after the other", found.both),
    )
    drawn = style.drawing(
        "".join(_matrix(name, matrix) for name, matrix in ways),
        kind="ways",
        alt=f"The matrices of conv2d and of conv_transpose2d, and their product. {said}",
        names=("matrix", "rows × columns", "entries that are not 0", "least", "greatest"),
        rows=[
            (
                name,
                f"{matrix.shape[0]} × {matrix.shape[1]}",
                str(int((matrix != 0).sum())),
                f"{float(matrix.min()):.3g}",
                f"{float(matrix.max()):.3g}",
            )
            for name, matrix in ways
        ],
        words=said,
    )
    return drawn, linked


def lists(found: "Lists") -> tuple[Linked | str, ...]:
    """Draw pixels and the columns they stand in, and how often each does."""
    rows, windows = found.columns.shape
    high, wide = found.kernel_size
    below = ", channel 1 below channel 0" if found.channels > 1 else ""
    linked = Linked(
        source=found.x,
        output=found.columns,
        linkage=found.linkage,
        alt=f"3 × 4 pixels{below}, and {windows} columns of {rows}, one for each window of {high} "
        f"× {wide}, stride {found.stride}, padding {found.padding}. Row by row: "
        f"{_rows(found.columns)}.",
        source_title=f"x{below}",
        output_title="columns: a window each",
        in_name="x",
        out_name="columns",
        numbers=True,
    )
    counts = style.drawing(
        f"<section><p><b>count</b>: windows that hold a pixel</p>{_grid(found.count)}</section>"
        f"<section><p><b>again</b>: fold of unfold</p>{_grid(found.again)}</section>",
        kind="crop",
        alt=f"Windows that hold each pixel, row by row: {_rows(found.count)}.",
        names=("pixel", "count", "again"),
        rows=[
            (f"x[{row}, {at}]", f"{found.count[row, at]:g}", f"{found.again[row, at]:g}")
            for row in range(3)
            for at in range(4)
        ],
        words=often(found),
    )
    return linked, counts


def often(found: "Lists") -> str:
    """Return how often a pixel stands in the columns, in a sentence."""
    least, most = int(found.count.min()), int(found.count.max())
    times = f"{least} to {most} times" if least < most else {1: "once"}.get(most, f"{most} times")
    return f"A pixel stands in the columns {times}, and fold of unfold adds it as often."


def _list(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _rows(values: "Tensor") -> str:
    return "; ".join(" ".join(f"{value:.4g}" for value in row) for row in values.tolist())


def _range(cover: "Cover") -> str:
    least, most = float(cover.inside.min()), float(cover.inside.max())
    return f"{most:.3g}, even" if cover.even else f"{least:.3g} to {most:.3g}"


def _shade(values: "Tensor") -> "Tensor":
    return values / max(float(values.max()), 1e-9)


def _matrix(name: str, matrix: "Tensor") -> str:
    """Return a matrix as a picture, an entry as wide in one as in another."""
    high, wide = matrix.shape
    return (
        f"<figure><figcaption>{name}<br/>{high} × {wide}</figcaption>"
        f'<img src="{style.png_uri(_signed(matrix))}" alt="" style="width:{6 * wide}px"/></figure>'
    )


def _signed(values: "Tensor") -> "Tensor":
    """Return a matrix as a picture: 0 in the middle grey, white above, black below."""
    return 0.5 + 0.5 * values / max(float(values.abs().max()), 1e-9)


def _grid(values: "Tensor", frame: tuple[int, int] | None = None) -> str:
    """Return numbers in squares, pale outside of a frame: its first row and column, and its side.

    Without a frame nothing is pale.
    """
    high, wide = values.shape
    most = max(float(values.abs().max()), 1e-9)
    first, side = frame or (0, max(high, wide))
    within = range(first, first + side)
    cells = "".join(
        f'<g class="{"in" if row in within and column in within else "cut"}">'
        f'<rect x="{10 * column}" y="{10 * row}" width="10" height="10" '
        f'fill-opacity="{0.55 * abs(value) / most:.3f}"/>'
        f'<text x="{10 * column + 5}" y="{10 * row + 5.2}">{value:g}</text></g>'
        for row, line in enumerate(values.tolist())
        for column, value in enumerate(line)
    )
    edge = (
        f'<rect class="frame" x="{10 * first}" y="{10 * first}" width="{10 * side}" '
        f'height="{10 * side}"/>'
    )
    return (
        f'<svg viewBox="-1 -1 {10 * wide + 2} {10 * high + 2}" aria-hidden="true" '
        f'style="max-width:{32 * wide}px">{cells}{edge if frame else ""}</svg>'
    )


def _ladder(found: "Crop") -> str:
    """Return sizes over what Conv2d makes of each; those that become 3 are marked, y's is bold."""

    def cell(size: int, shown: int, shrinks: int) -> str:
        kind = " ".join(["same"] * (shrinks == 3) + ["own"] * (size == found.size))
        return f'<td class="{kind}">{shown or "-"}</td>'

    rows = (
        "".join(cell(size, (size, shrinks)[line], shrinks) for size, shrinks in found.ladder)
        for line in (0, 1)
    )
    sizes, shrunk = rows
    return (
        f"<table><tbody><tr><th>of</th>{sizes}</tr><tr><th>makes</th>{shrunk}</tr></tbody></table>"
    )


def _cases(found: "Crop") -> str:
    """Return at how many settings the notes' formula is right, by padding and output_padding."""
    extras = sorted({each.output_padding for each in found.cases})
    head = "".join(f"<th>{extra}</th>" for extra in extras)
    body = ""
    for padding in sorted({each.padding for each in found.cases}):
        cells = "".join(
            f'<td class="{"same" if each.notes else "off"}">{each.notes} of {each.count}</td>'
            for each in found.cases
            if each.padding == padding
        )
        body += f"<tr><th>padding {padding}</th>{cells}</tr>"
    return f"<table><tbody><tr><th>output_padding</th>{head}</tr>{body}</tbody></table>"


FIGURES: Mapping[str, Callable[[Any], str | tuple[Linked | str, ...]]] = {
    "stamp": stamps,
    "size": crop,
    "adjoint": matrices,
    "unfold": lists,
}
