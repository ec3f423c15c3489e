"""Draw what `explainers.layers.embedding` computes beside its stages."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from figures import style
from figures.plane import Plane, number

if TYPE_CHECKING:
    from explainers.layers.embedding.attention import Attention
    from explainers.layers.embedding.flow import Flow, Shape
    from explainers.layers.embedding.mixing import Mixing, Row
    from explainers.layers.embedding.rows import Rows
    from explainers.layers.embedding.strip import Held, Strip
    from explainers.layers.embedding.table import Table

_CYCLE = (style.ORANGE, style.SKY, style.GREEN, style.PURPLE, style.YELLOW, style.BLUE)
_FATES = {
    "conv1": style.ORANGE,
    "pool1": style.YELLOW,
    "conv2": style.SKY,
    "pool2": style.PURPLE,
    "flat": style.NEUTRAL,
    "fc1": style.VERMILION,
    "runs": style.GREEN,
    "other rows": style.BLUE,
}
_SHAPES = {1.0: "diamond", 2.0: "circle", math.inf: "square"}
_LAYERS = ("conv1", "pool1", "conv2", "pool2", "flat", "fc1", "fc2", "fc3")


# Lookup ---------------------------------------------------------------------------------------


def table(found: "Table") -> str:
    """Draw the table, what was read of it, and the gradient, each row in its colour."""
    words = returned(found)
    names = [f"row {index}" for index in range(len(found.weight))]
    numbered = list(enumerate(found.weight)), list(zip(found.ids, found.rows, strict=True))
    return style.drawing(
        _numbers("embed.weight", numbered[0], found, set(found.ids))
        + _numbers("rows = embed(ids)", numbered[1], found, set(found.ids))
        + _numbers(
            "embed.weight.grad",
            list(enumerate(found.grad)),
            found,
            {index for index, row in enumerate(found.grad) if any(row)},
        ),
        kind="lookup",
        alt=f"A table of five rows; ids {', '.join(map(str, found.ids))} were read. {words}",
        names=("row", "embed.weight", "embed.weight.grad"),
        rows=[
            (name, _spelled(row), _spelled(grad))
            for name, row, grad in zip(names, found.weight, found.grad, strict=True)
        ],
        words=words,
    )


def returned(found: "Table") -> str:
    """Return how often each row was read, and that the pad got nothing, in sentences."""
    read = [
        f"row {index} {_times(found.ids.count(index))}"
        for index in sorted(set(found.ids))
        if index != found.padding
    ]
    said = f"Read and given back: {', '.join(read)}." if read else "Only the pad was read."
    if found.padding in found.ids:
        return f"{said} Row {found.padding} is the pad: its gradient is 0."
    return said


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _spelled(row: Sequence[float]) -> str:
    return ", ".join(number(value) for value in row)


def _numbers(
    title: str, rows_: Sequence[tuple[int, Sequence[float]]], found: "Table", lit: set[int]
) -> str:
    body = ""
    for index, row in rows_:
        cells = "".join(f"<td>{value + 0.0:.3g}</td>" for value in row)
        kind = "lit" if index in lit else "not"
        name = f"{index} pad" if index == found.padding else str(index)
        body += f'<tr class="{kind}" style="--id:{_colour(index)}"><th>{name}</th>{cells}</tr>'
    return f"<section><p><code>{title}</code></p><table><tbody>{body}</tbody></table></section>"


# Attention ------------------------------------------------------------------------------------


def attention(found: "Attention") -> str:
    """Draw both tables of weights, the pads' columns marked."""
    words = shared(found)
    keys = [_token(key) for key in found.ids]
    return style.drawing(
        _weights("without a mask", found.ids, found.free)
        + _weights("with the pads masked", found.ids, found.masked),
        kind="attention",
        alt=f"Two tables of attention weights, a row for each of {', '.join(keys)}. {words}",
        names=("looks", *(f"at {key}, free" for key in keys), *(f"{key}, masked" for key in keys)),
        rows=[
            (key, *(f"{weight:.4f}" for weight in (*free, *masked)))
            for key, free, masked in zip(keys, found.free, found.masked, strict=True)
        ],
        words=words,
    )


def shared(found: "Attention") -> str:
    """Return what the first word gives to the pads, in a sentence."""
    pads = found.ids.count(0)
    if not pads:
        return "There is no pad to give attention to: both tables are one."
    to = "the pad" if pads == 1 else f"the {pads} pads"
    return (
        f"The first word gives {to} {found.lost(0):.2f} of its attention without a mask, and 0 "
        "with it."
    )


def _token(key: int) -> str:
    return f"word {key}" if key else "pad"


def _weights(title: str, ids: Sequence[int], rows: Sequence[Sequence[float]]) -> str:
    head = "".join(f"<th{_pad(key)}>{_token(key)}</th>" for key in ids)
    body = "".join(
        f"<tr><th{_pad(looks)}>{_token(looks)}</th>"
        + "".join(
            f'<td{_pad(key)} style="--share:{round(75 * weight)}%">{weight:.2f}</td>'
            for key, weight in zip(ids, row, strict=True)
        )
        + "</tr>"
        for looks, row in zip(ids, rows, strict=True)
    )
    return (
        f"<section><p><b>{title}</b></p><table><thead><tr><td></td>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></section>"
    )


def _pad(key: int) -> str:
    return "" if key else ' class="pad"'


# max_norm -------------------------------------------------------------------------------------


def rows(found: "Rows") -> str:
    """Draw the table's rows as arrows, before and after, and the outline of max_norm."""
    finite = [abs(value) for row in found.before for value in row]
    plane = Plane(1.15 * max(found.most, *finite))
    parts = plane.frame(found.outline, found.most)
    for index, (old, new) in enumerate(zip(found.before, found.after, strict=True)):
        parts += plane.arrow(old, style.NEUTRAL)
        if index in found.read:
            parts += plane.arrow(new, style.VERMILION)
        parts += plane.beyond(*old, f"{index}")
    moved = [i for i in range(len(found.before)) if math.dist(found.before[i], found.after[i])]
    words = rewritten(found)
    facts = "".join(
        f'<li><b style="--mark:{style.VERMILION if index in found.read else style.NEUTRAL}">'
        f"row {index}</b> {_norm(found, old)}"
        + (f" → <strong>{_norm(found, new)}</strong>" if index in moved else "")
        + ("" if index in found.read else ", not looked up")
        + "</li>"
        for index, (old, new) in enumerate(zip(found.before, found.after, strict=True))
    )
    most = f"<li>norm of each row, at most {number(found.most)} once looked up:</li>"
    return style.drawing(
        plane.drawn(parts, "the two numbers of each row; grey as made, orange as read")
        + f"<ul>{most}{facts}</ul>",
        kind="clip",
        alt=f"Five rows as arrows, and a {_SHAPES[found.order]} where the norm is "
        f"{number(found.most)}. {words}",
        names=("row", "before", "norm", "after", "norm"),
        rows=[
            (str(index), _pair(old), _norm(found, old), _pair(new), _norm(found, new))
            for index, (old, new) in enumerate(zip(found.before, found.after, strict=True))
        ],
        words=words,
    )


def rewritten(found: "Rows") -> str:
    """Return which rows the lookup rewrote, and which longer ones it left, in a sentence."""
    count = range(len(found.before))
    moved = [i for i in count if math.dist(found.before[i], found.after[i])]
    left = [
        i for i in count if i not in found.read and _length(found, found.before[i]) > found.most
    ]
    said = f"The lookup rewrote {_listed(moved)}" if moved else "The lookup rewrote no row"
    if left:
        return f"{said}; {_listed(left)} {'is' if len(left) == 1 else 'are'} too long and stayed."
    return f"{said}."


def _listed(indices: Sequence[int]) -> str:
    names = [str(index) for index in indices]
    if len(names) == 1:
        return f"row {names[0]}"
    return f"rows {', '.join(names[:-1])} and {names[-1]}"


def _length(found: "Rows", row: tuple[float, float]) -> float:
    if math.isinf(found.order):
        return max(map(abs, row))
    return float(sum(abs(each) ** found.order for each in row) ** (1 / found.order))


def _norm(found: "Rows", row: tuple[float, float]) -> str:
    return f"{_length(found, row):.3g}"


def _pair(row: tuple[float, float]) -> str:
    return f"[{number(row[0])}, {number(row[1])}]"


# Bags -----------------------------------------------------------------------------------------


def strip(found: "Strip") -> str:
    """Draw the ids in their bags, what of each row counts, and what comes out."""
    words = bagged(found)
    return style.drawing(
        "".join(_bag(index, bag, found) for index, bag in enumerate(found.bags)),
        kind="bags",
        alt=f"Eight ids cut into {len(found.bags)} bags. {words} Their {found.mode}: "
        + "; ".join(_spelled(bag.out) for bag in found.bags)
        + ".",
        names=("bag", "ids", "result"),
        rows=[
            (
                str(index),
                ", ".join(map(str, found.ids[bag.begin : bag.end])) or "none",
                _spelled(bag.out),
            )
            for index, bag in enumerate(found.bags)
        ],
        words=words,
    )


def bagged(found: "Strip") -> str:
    """Return where the bags begin and what an empty one gives, in a sentence."""
    begins = [str(bag.begin) for bag in found.bags]
    empty = [index for index, bag in enumerate(found.bags) if bag.begin == bag.end]
    said = f"The bags begin at {', '.join(begins[:-1])} and {begins[-1]}"
    if not empty:
        return f"{said}."
    names = " and ".join(f"bag {index}" for index in empty)
    return f"{said}; {names} {'is' if len(empty) == 1 else 'are'} empty: zeros."


def _bag(index: int, bag: "Held", found: "Strip") -> str:
    ids = found.ids[bag.begin : bag.end]
    sign = {"sum": "+", "mean": "+", "max": ","}[found.mode]
    heads = "".join(f'<th style="--id:{_colour(key)}">{key}</th>' for key in ids)
    body = ""
    for column in range(len(bag.out)):
        cells = "".join(
            f'<td class="{"counts" if found.shares[at][column] else "not"}" '
            f'style="--id:{_colour(found.ids[at])}">{found.rows[at][column]:.2f}</td>'
            for at in range(bag.begin, bag.end)
        )
        body += f'<tr>{cells}<td class="out">{bag.out[column] + 0.0:.2f}</td></tr>'
    share = f" × 1/{len(ids)}" if found.mode == "mean" and ids else ""
    return (
        f"<section><p><b>bag {index}</b> ids[{bag.begin}:{bag.end}]</p><table><thead><tr>{heads}"
        f'<th class="out">{found.mode}</th></tr></thead><tbody>{body}</tbody></table>'
        f"<small>{_how(len(ids), sign, share)}</small></section>"
    )


def _how(count: int, sign: str, share: str) -> str:
    if not count:
        return "no id"
    if sign == ",":
        return "the largest of each line"
    return f"{count} {'row' if count == 1 else 'rows'}{share}"


def _colour(key: int) -> str:
    return _CYCLE[key % len(_CYCLE)]


# LeNet ----------------------------------------------------------------------------------------


def flow(found: "Flow") -> str:
    """Draw the shapes on their way through LeNet, the layer that refuses, and every size's fate."""
    boxes = _box("input", found.shapes[0], found.batch)
    for name, shape in zip(_LAYERS, found.shapes[1:], strict=False):
        boxes += _box(name, shape, found.batch)
    if found.said:
        boxes += f'<li class="guilty"><b>{found.guilty}</b><span>refuses</span></li>'
        for name in _LAYERS[len(found.shapes) :]:
            boxes += f'<li class="unseen"><b>{name}</b></li>'
    said = f"<pre>{found.guilty}: {escape(found.said.splitlines()[0])}</pre>" if found.said else ""
    words = fate(found)
    return style.drawing(
        f"<ol>{boxes}</ol>{said}{_ruler(found)}",
        kind="flow",
        alt=f"{words} Shapes: " + ", ".join(map(_shape, found.shapes)) + ".",
        names=("layer", "shape"),
        rows=[
            *zip(("input", *_LAYERS), map(_shape, found.shapes), strict=False),
            *([(found.guilty, found.said)] if found.said else []),
        ],
        words=words,
    )


def fate(found: "Flow") -> str:
    """Return what became of the pictures, in a sentence."""
    size = f"{found.size} by {found.size}"
    pictures = "1 picture" if found.batch == 1 else f"{found.batch} pictures"
    if found.said:
        return f"{pictures} of {size}: {found.guilty} refuses."
    rows_ = found.shapes[-1][0]
    if rows_ == found.batch:
        return f"{pictures} of {size} give {rows_} {'row' if rows_ == 1 else 'rows'} of ten."
    return f"{pictures} of {size} give {rows_} rows of ten, and nothing was said."


def _shape(shape: "Shape") -> str:
    return " × ".join(map(str, shape))


def _box(name: str, shape: "Shape", batch: int) -> str:
    """Return a layer's output: its side as a square or its length as a bar, and its shape."""
    if len(shape) == 4:
        side = max(3, 2 * shape[-1])
        mark = f'<i style="width:{side}px;height:{side}px"></i>'
        inner = f"{shape[1]} × {shape[2]} × {shape[3]}"
    else:
        mark = f'<i style="width:6px;height:{min(max(3, shape[1] // 5), 110)}px"></i>'
        inner = str(shape[1])
    kind = ' class="other"' if shape[0] != batch else ""
    words = f"<span{kind}>{shape[0]} ×</span><span>{inner}</span>"
    return f"<li><b>{name}</b><div>{mark}</div>{words}</li>"


def _fates(found: "Flow") -> list[tuple[str, int, int]]:
    """Return what becomes of the sizes: in which words, from which and to which size."""

    def said(place: tuple[int, tuple[int, int]]) -> str:
        taken, count = place[1]
        if not count:
            return _LAYERS[taken]
        return "runs" if count == found.batch else "other rows"

    runs = []
    for word, group in groupby(enumerate(found.fates, 1), said):
        sizes = [size for size, _ in group]
        runs.append((word, sizes[0], sizes[-1]))
    return runs


def _ruler(found: "Flow") -> str:
    runs = _fates(found)
    bars = "".join(
        f'<i style="flex-grow:{last - begin + 1};--fate:{_FATES[word]}"></i>'
        for word, begin, last in runs
    )
    legend = ""
    for word, colour in _FATES.items():
        spans = [(begin, last) for each, begin, last in runs if each == word]
        if spans:
            sizes = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in spans)
            legend += f'<li style="--fate:{colour}">{_said(word)} {sizes}</li>'
    at = 100 * (found.size - 0.5) / len(found.fates)
    return (
        f'<p>every size from 1 to {len(found.fates)}</p><div class="ruler"><div>{bars}</div>'
        f'<em style="left:{at:.2f}%">{found.size}</em></div><ul>{legend}</ul>'
    )


def _said(word: str) -> str:
    if word == "runs":
        return "<b>runs</b>"
    return "<b>another number of rows</b>" if word == "other rows" else f"<b>{word}</b> refuses"


# Flattening -----------------------------------------------------------------------------------


def mixing(found: "Mixing") -> str:
    """Draw each row as a bar, in pieces of the picture they came from."""
    words = mixed(found)
    cut = _bars(found.cut, found) if found.cut else f"<pre>{escape(found.said)}</pre>"
    count = f"{len(found.cut)} rows of 400" if found.cut else "refused"
    kept = f"{len(found.kept)} {'row' if len(found.kept) == 1 else 'rows'} of {found.features}"
    return style.drawing(
        f"<section><p><code>x.view(-1, 400)</code> {count}</p>{cut}</section>"
        f"<section><p><code>x.flatten(1)</code> {kept}</p>{_bars(found.kept, found)}</section>",
        kind="mixing",
        alt=f"Rows as bars, each piece numbered by its picture. {words}",
        names=("row", "view(-1, 400)"),
        rows=[(str(at), _pieces(row)) for at, row in enumerate(found.cut)]
        or [("torch", found.said)],
        words=words,
    )


def mixed(found: "Mixing") -> str:
    """Return what view made of the batch, in a sentence."""
    if not found.cut:
        total = found.batch * found.features
        return f"{total} numbers are no whole number of rows of 400, and view refuses."
    count = sum(len(row) > 1 for row in found.cut)
    pictures = "1 picture becomes" if found.batch == 1 else f"{found.batch} pictures become"
    rows_ = "1 row" if len(found.cut) == 1 else f"{len(found.cut)} rows"
    if count:
        return f"{pictures} {rows_}; {count} of them {'mixes' if count == 1 else 'mix'} pictures."
    if len(found.cut) != found.batch:
        return f"{pictures} {rows_}, each of one picture: the batch is lost all the same."
    return f"{pictures} {rows_}, as with flatten(1)."


def _pieces(row: "Row") -> str:
    return ", ".join(f"{count} of picture {picture}" for picture, count in row)


def _bars(rows_: "Sequence[Row]", found: "Mixing") -> str:
    """Return rows as bars; as many numbers are as long in both drawings."""
    most = max(400, found.features)
    width = 100 * sum(count for _, count in rows_[0]) / most
    bars = "".join(
        "<li>"
        + "".join(
            f'<i style="flex-grow:{count};--id:{_colour(picture)}">'
            f"{picture if count >= most / 10 else ''}</i>"
            for picture, count in row
        )
        + "</li>"
        for row in rows_
    )
    return f'<ol style="width:{width:.2f}%">{bars}</ol>'


FIGURES: Mapping[str, Callable[[Any], str]] = {
    "lookup": table,
    "padding": attention,
    "norm": rows,
    "bags": strip,
    "lenet": flow,
    "flatten": mixing,
}
